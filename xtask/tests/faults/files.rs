//! Results files of others, folders that can't be written, and where a checkout may be.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Place, Running, list, run, skipped, started_by, whole};

/// Memory that a command may take, KiB: an address space, so that more can't be had at all.
const MEMORY_KIB: u32 = 2_000_000;

/// The command with bounded memory.
fn bounded(place: &Place, arguments: &[&str]) -> Command {
    let limit = format!("ulimit -v {MEMORY_KIB}; exec \"$@\"");
    started_by("sh", &["-c", &limit, "sh"], &place.command(arguments))
}

/// `report` and `compare`, as base and as new, refuse a file in one line that says so.
#[track_caller]
fn refused(place: &Place, file: &Path, words: &str) {
    let (good, bad) = (whole().join("results.json"), file.to_str().unwrap());
    let good = good.to_str().unwrap();
    for arguments in [&["report", bad][..], &["compare", good, bad], &["compare", bad, good]] {
        let begun = Instant::now();
        let ended = run(bounded(place, arguments)).expect(2);
        let line = ended.error();
        assert!(line.contains(words) && line.len() < 600, "{arguments:?}: {words:?} is not in {line:?}");
        assert!(!line.trim_start_matches("error: ").contains(char::is_control), "{line:?}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}

#[test]
fn a_results_file_that_is_cut_off_hostile_or_huge_is_refused_in_one_line() {
    let place = Place::new();
    let whole = std::fs::read(whole().join("results.json")).unwrap();
    let write = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = place.folder().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let changed = |change: &dyn Fn(&mut Value)| -> Vec<u8> {
        let mut value: Value = serde_json::from_slice(&whole).unwrap();
        change(&mut value);
        value.to_string().into_bytes()
    };
    refused(&place, &write("cut.json", &whole[..whole.len() / 2]), "is cut off after");
    refused(&place, &write("empty.json", b""), "is empty");
    refused(&place, &write("binary.json", b"\x7fELF\0\xff\xfe"), "is not JSON");
    let deep = format!("{{\"schemaVersion\":1,\"run\":{}", "{\"a\":".repeat(3_000_000));
    refused(&place, &write("deep.json", deep.as_bytes()), "deep.json");
    refused(&place, &write("newer.json", &changed(&|v| v["schemaVersion"] = 2.into())), "newer than the 1");
    refused(&place, &write("path.json", &changed(&|v| v["run"]["id"] = "../../../etc/x".into())), "run.id");
    refused(
        &place,
        &write("escape.json", &changed(&|v| v["database"]["backend"] = "\u{1b}[2J\nok".into())),
        "unknown variant",
    );
    refused(
        &place,
        &write(
            "negative.json",
            &changed(&|v| v["measurements"][0]["perRound"][0]["slices"][0]["wallMs"] = (-1).into()),
        ),
        "measurements[0].perRound[0].slices[0].wallMs is -1",
    );
    refused(&place, place.folder(), "this is a folder");
    refused(&place, Path::new("/dev/zero"), "this is not a file");
    refused(&place, &place.folder().join("none.json"), "there is no such file");

    // Huge, but only as a number: nothing of it is on the disk.
    let huge = place.folder().join("huge.json");
    std::fs::File::create(&huge).unwrap().set_len(1 << 40).unwrap();
    refused(&place, &huge, "larger than 64 MiB");
    let pipe = place.folder().join("pipe.json");
    if Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
        refused(&place, &pipe, "this is not a file");
    }
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn a_file_as_large_as_one_may_be_takes_bounded_memory() {
    let place = Place::new();
    let mut value: Value = serde_json::from_slice(&std::fs::read(whole().join("results.json")).unwrap()).unwrap();
    let slice = &mut value["measurements"][0]["perRound"][0]["slices"][0];
    slice["samplesMs"] = "HERE".into();
    let samples = format!("[1{}]", ",1".repeat(30_000_000));
    let path = place.folder().join("large.json");
    std::fs::write(&path, value.to_string().replacen("\"HERE\"", &samples, 1)).unwrap();
    let ended = run(bounded(&place, &["report", path.to_str().unwrap(), "--out", place.out.to_str().unwrap()]));
    assert!(matches!(ended.status.code(), Some(0 | 2)), "{ended:?}");
}

#[test]
fn names_in_a_results_file_reach_the_report_escaped_and_no_path_but_its_folder() {
    let place = Place::new();
    let mut value: Value = serde_json::from_slice(&std::fs::read(whole().join("results.json")).unwrap()).unwrap();
    let evil = "<script>alert(1)</script>|../../x\u{1b}[31m";
    value["targets"][1]["name"] = evil.into();
    value["targets"][1]["version"] = evil.into();
    value["run"]["reason"] = evil.into();
    value["run"]["command"] = evil.into();
    value["database"]["endpoint"] = evil.into();
    value["environment"]["cpuModel"] = evil.into();
    let path = place.folder().join("evil.json");
    std::fs::write(&path, value.to_string()).unwrap();
    let out = place.out.to_str().unwrap();
    let ended = run(place.command(&["report", path.to_str().unwrap(), "--out", out])).expect(0);
    assert!(list(&place.out).len() > 2, "{ended:?}");
    for file in list(&place.out) {
        let text = std::fs::read_to_string(&file).unwrap();
        let shown = file.display();
        if file.extension().is_some_and(|end| end != "md" && end != "json") {
            assert!(!text.contains("<script>alert"), "{shown} holds a script");
        }
    }
    // The name of the target that would be printed is its id, which has none of that.
    let good = whole().join("results.json");
    let ended = run(place.command(&["compare", good.to_str().unwrap(), path.to_str().unwrap()]));
    assert!(!format!("{}{}", ended.stdout, ended.stderr).contains("\u{1b}[31m"), "{ended:?}");
    let others = list(place.folder()).len();
    assert_eq!(others, 4, "checkout, tmp, out, evil.json: {:?}", list(place.folder()));
}

#[test]
fn an_out_that_can_not_be_written_is_refused_before_anything_starts() {
    let place = Place::new();
    let file = place.folder().join("file");
    std::fs::write(&file, "kept").unwrap();
    let ended = run(place.tiny_into(&file.join("below"), &["--orm=aws-sdk"])).expect(2);
    assert!(ended.error().contains("is a file; a folder is needed"), "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
    place.assert_nothing_left();
}

/// A small file system of its own; none where this may not be made.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path, arguments: &[&str]) -> Option<Disk> {
        std::fs::create_dir_all(at).unwrap();
        let output = Command::new("mount").args(arguments).arg(at).output();
        if output.as_ref().is_ok_and(|output| output.status.success()) {
            return Some(Disk(at.to_path_buf()));
        }
        skipped("a file system can't be mounted here; that takes root");
        None
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
#[ignore = "takes long"]
fn with_a_full_disk_the_results_go_to_a_temporary_file_that_is_named() {
    let place = Place::new();
    let Some(_disk) = Disk::mount(&place.out, &["-t", "tmpfs", "-o", "size=8k", "tmpfs"]) else { return };
    let ended = run(place.tiny(&["--orm=aws-sdk", "--time=1s"]))
        .expect(4)
        .says("the results could not be written where they belong");
    let named = ended.stderr.split_once("the results are in ").unwrap().1.lines().next().unwrap();
    assert!(Path::new(named).starts_with(&place.tmp), "{named}");
    let results: Value = serde_json::from_slice(&std::fs::read(named).unwrap()).unwrap();
    assert_eq!(results["measurements"][0]["rounds"], 1);
    assert!(
        list(&place.out).iter().all(|file| file.extension().is_some_and(|end| end == "log")),
        "{:?}",
        list(&place.out)
    );
    std::fs::remove_file(named).unwrap();
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn with_no_room_anywhere_the_results_go_to_standard_output() {
    let place = Place::new();
    let Some(_disk) = Disk::mount(&place.out, &["-t", "tmpfs", "-o", "size=8k", "tmpfs"]) else { return };
    let mut command = place.tiny(&["--orm=aws-sdk", "--time=1s"]);
    command.env("TMPDIR", &place.out);
    let ended = run(command).expect(4).says("the results went to standard output");
    let line = ended.stdout.lines().find(|line| line.starts_with('{')).unwrap();
    let results: Value = serde_json::from_str(line).unwrap();
    assert_eq!(results["measurements"][0]["rounds"], 1);
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn an_out_that_vanishes_while_measuring_is_made_again() {
    let place = Place::new();
    let mut running = Running::start(place.tiny(&["--rounds=2", "--orm=aws-sdk"]));
    running.wait_for("round 1 of 2");
    std::fs::rename(&place.out, place.folder().join("moved")).unwrap();
    running.end().expect(0);
    assert_eq!(place.results()["measurements"][0]["rounds"], 2);
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn a_checkout_whose_path_has_spaces_quotes_and_foreign_letters_works_from_another_folder() {
    let place = Place::named("it's a \"chéckout\" $HOME 日本 & co");
    let mut command = place.tiny(&["--orm=aws-sdk"]);
    command.current_dir("/");
    run(command).expect(0);
    assert_eq!(place.results()["run"]["status"], "complete");
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn a_read_only_checkout_works_with_a_target_folder_elsewhere() {
    let mut place = Place::new();
    place.move_target();
    let root = place.root.to_str().unwrap().to_owned();
    let Some(_disk) = Disk::mount(&place.root, &["--bind", &root]) else { return };
    let options = ["-o", "remount,bind,ro"];
    assert!(Command::new("mount").args(options).arg(&place.root).status().unwrap().success());
    assert!(std::fs::write(place.root.join("x"), "").is_err(), "the checkout can be written");
    // In the copy that is made the dependencies are installed anew.
    run(place.tiny(&["--orm=aws-sdk"])).expect(0);
    assert_eq!(place.results()["run"]["status"], "complete");
    place.assert_nothing_left();
}
