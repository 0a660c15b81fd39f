//! Ctrl-C, SIGTERM and a terminal that closes, at any phase, once and twice.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rustix::process::Signal;

use crate::support::{Place, Running, Server, measurement, run, started_by};

/// The contract's.
const SOON: Duration = Duration::from_secs(5);

#[track_caller]
fn stops(place: &Place, running: Running, signal: Signal, code: i32) {
    let (ended, took) = running.interrupt(signal);
    ended.expect(code);
    assert!(took < SOON, "it took {took:?} to stop");
    place.assert_nothing_left();
}

#[test]
fn ctrl_c_while_measuring_keeps_the_rounds_so_far_and_ends_with_130() {
    let place = Place::new();
    let mut running = Running::start(place.tiny(&["--rounds=50", "--orm=aws-sdk", "--orm=electrodb"]));
    running.wait_for("round 2 of 50");
    stops(&place, running, Signal::INT, 130);
    let results = place.results();
    assert_eq!(
        (&results["run"]["status"], &results["run"]["reason"]),
        (&"interrupted".into(), &"stopped by a signal".into())
    );
    for id in ["aws-sdk", "electrodb"] {
        assert_eq!(measurement(&results, id)["rounds"], 1);
        assert!(measurement(&results, id)["latencyMs"]["mean"].as_f64().unwrap() > 0.0);
    }
    assert!(place.report().contains("stopped by a signal"), "{}", place.report());
}

#[test]
#[ignore = "takes long"]
fn sigterm_while_measuring_ends_with_143() {
    let place = Place::new();
    let mut running = Running::start(place.tiny(&["--rounds=50", "--orm=aws-sdk"]));
    running.wait_for("round 1 of 50");
    stops(&place, running, Signal::TERM, 143);
    let results = place.results();
    let failure = &measurement(&results, "aws-sdk")["failure"];
    assert_eq!(failure["stage"], "interrupted", "what was not measured says why");
}

#[test]
#[ignore = "takes long"]
fn a_terminal_that_closes_ends_a_run_with_129_and_leaves_nothing() {
    let place = Place::new();
    let program = place.tiny(&["--rounds=50", "--orm=aws-sdk"]);
    // These tests may run under `nohup` themselves.
    let mut running = Running::start(started_by("env", &["--default-signal=HUP"], &program));
    running.wait_for("round 2 of 50");
    stops(&place, running, Signal::HUP, 129);
    assert_eq!(place.results()["run"]["status"], "interrupted");
}

#[test]
#[ignore = "takes long"]
fn a_terminal_that_closes_does_not_end_a_run_under_nohup() {
    let place = Place::new();
    let program = place.tiny(&["--rounds=2", "--orm=aws-sdk"]);
    let mut running = Running::start(started_by("nohup", &[], &program));
    running.wait_for("round 1 of 2");
    running.signal(Signal::HUP);
    running.end().expect(0);
    assert_eq!(place.results()["run"]["status"], "complete");
    place.assert_nothing_left();
}

#[test]
fn ctrl_c_while_dependencies_are_installed_leaves_no_npm() {
    let place = Place::bare("checkout");
    let mut running = Running::start(place.tiny(&[]));
    running.wait_for("installing the locked dependencies");
    std::thread::sleep(Duration::from_millis(700));
    stops(&place, running, Signal::INT, 130);
}

#[test]
#[ignore = "takes long"]
fn sigterm_while_a_library_is_installed_leaves_no_half_made_folder() {
    let place = Place::new();
    let package = place.folder().join("mizzle");
    std::fs::create_dir(&package).unwrap();
    std::fs::write(package.join("package.json"), r#"{"name":"@aurios/mizzle","version":"9.9.9"}"#).unwrap();
    std::fs::write(package.join("index.js"), "").unwrap();
    let mut running = Running::start(place.tiny(&["--orm=mizzle", "--mizzle", package.to_str().unwrap()]));
    running.wait_for("installing Mizzle");
    std::thread::sleep(Duration::from_millis(700));
    stops(&place, running, Signal::TERM, 143);
    assert_eq!(crate::support::list(&place.target().join("bench/installs")), Vec::<std::path::PathBuf>::new());
}

#[test]
#[ignore = "takes long"]
fn ctrl_c_while_the_database_starts_leaves_no_server() {
    let place = Place::new();
    let mut running = Running::start(place.tiny(&["--orm=aws-sdk"]));
    running.wait_for("starting DynamoDB Local");
    place.java();
    stops(&place, running, Signal::INT, 130);
    assert_eq!(place.results()["run"]["status"], "interrupted");
}

#[test]
#[ignore = "takes long"]
fn sigterm_while_seeding_leaves_no_table_on_a_server_that_is_not_ours() {
    let place = Place::new();
    let server = Server::start();
    let mut command = place.command(&["bench", "--scale=20000", "--op=GetItem", "--orm=aws-sdk", "--patience=10ms"]);
    command.args(["--endpoint", &server.url(), "--out"]).arg(&place.out);
    let mut running = Running::start(command);
    running.wait_for("seeding 20000 items");
    while server.tables().as_array().unwrap().is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    stops(&place, running, Signal::TERM, 143);
    assert_eq!(server.tables(), serde_json::json!([]));
}

#[test]
fn ctrl_c_while_measuring_leaves_no_table_on_a_server_that_is_not_ours() {
    let place = Place::new();
    let server = Server::start();
    let mut command = place.command(&["bench", "--scale=200", "--op=GetItem", "--orm=aws-sdk", "--patience=10ms"]);
    command.args(["--endpoint", &server.url(), "--out"]).arg(&place.out);
    let mut running = Running::start(command);
    running.wait_for("round 1");
    assert_eq!(server.tables().as_array().unwrap().len(), 1);
    stops(&place, running, Signal::INT, 130);
    assert_eq!(server.tables(), serde_json::json!([]));
}

#[test]
#[ignore = "takes long"]
fn ctrl_c_while_the_report_is_made_loses_nothing_of_it_and_is_told() {
    let place = Place::new();
    let mut running = Running::start(place.tiny(&["--orm=aws-sdk"]));
    running.wait_for("measured until");
    stops(&place, running, Signal::INT, 130);
    assert_eq!(place.results()["run"]["status"], "complete");
    assert!(place.report().contains("GetItem"));
}

#[test]
#[ignore = "takes long"]
fn a_second_signal_ends_at_once_and_still_cleans_up() {
    let place = Place::new();
    let mut running = Running::start(place.tiny(&["--rounds=50", "--orm=aws-sdk", "--orm=electrodb"]));
    running.wait_for("round 1 of 50");
    // One that hangs would be waited for.
    let hung = place.node("suite");
    crate::support::signal(hung, Signal::STOP);
    running.signal(Signal::INT);
    std::thread::sleep(Duration::from_millis(150));
    let (ended, took) = running.interrupt(Signal::INT);
    ended.expect(130);
    assert!(took < Duration::from_secs(3), "it took {took:?} to stop");
    place.assert_nothing_left();
    assert_eq!(place.results()["run"]["status"], "interrupted");
}

#[test]
#[ignore = "takes long"]
fn a_reader_of_the_output_that_goes_away_ends_nothing() {
    let place = Place::new();
    let to_head = ["-c", "\"$@\" 2>&1 | head -1; exit ${PIPESTATUS:-0}", "sh"];
    let output = started_by("sh", &to_head, &place.tiny(&["--orm=aws-sdk"])).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
    // `sh` waits for all of a pipe.
    assert_eq!(place.results()["run"]["status"], "complete");
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes minutes"]
fn twenty_interrupted_runs_at_random_moments_leave_nothing_behind() {
    let place = Place::new();
    let seed: u64 = std::env::var("FAULTS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20);
    let mut rng = rand_pcg::Pcg64::seed_from_u64(seed);
    let docker = crate::support::has_docker();
    for number in 0..20 {
        let backend = if docker && number % 4 == 3 { "--backend=docker" } else { "--backend=java" };
        let mut command =
            place.command(&["bench", "--scale=200", "--time=50ms", "--warm-up=100ms", "--patience=10ms", "--rounds=9"]);
        command.args([backend, "--orm=aws-sdk", "--orm=electrodb", "--out"]).arg(&place.out);
        let mut running = Running::start(command);
        let after = Duration::from_millis(rng.random_range(0..12_000));
        running.wait_at_most(after);
        let signal = if rng.random_bool(0.5) { Signal::INT } else { Signal::TERM };
        if rng.random_bool(0.25) {
            running.signal(signal);
            std::thread::sleep(Duration::from_millis(rng.random_range(0..300)));
        }
        let (ended, took) = running.interrupt(signal);
        let what = format!("run {number} ({backend}, {signal:?} after {after:?}, {took:?} to stop)");
        let code = if signal == Signal::INT { 130 } else { 143 };
        // In the first milliseconds nobody listens for signals yet, and nothing is there to be left.
        let too_early = after < Duration::from_millis(100) && ended.status.code().is_none();
        assert!(ended.status.code() == Some(code) || too_early, "{what}: {:?}\n{}", ended.status, ended.stderr);
        assert!(took < SOON, "{what}");
        assert!(!ended.stderr.contains("panicked"), "{what}: {}", ended.stderr);
        place.assert_nothing_left();
        if place.out.join("results.json").exists() {
            let results = place.results();
            assert_eq!(results["run"]["status"], "interrupted", "{what}");
            std::fs::remove_dir_all(&place.out).unwrap();
        }
    }
    run(place.tiny(&["--orm=aws-sdk"])).expect(0);
    place.assert_nothing_left();
}
