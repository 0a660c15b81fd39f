//! The rooms of the house and who may use whom: downwards only. Reads the `use` lines of every source file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The rooms by floor, from the ground up. A room uses rooms on lower floors only.
const FLOORS: [&[&str]; 8] = [
    &["system"],
    &["results"],
    &["plan"],
    &["machine", "setup"],
    &["workers"],
    &["analysis"],
    &["run", "report"],
    &["commands"],
];
/// The command line's own types: for the commands alone.
const CLI: &str = "cli";

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.unwrap().into_path());
    files.filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

/// A file without the tests at its end.
fn code(text: &str) -> &str {
    text.split("mod tests {").next().unwrap_or(text)
}

/// The rooms that a file names by `crate::`, outside its tests.
fn used(text: &str) -> Vec<String> {
    let code = code(text);
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines
        .flat_map(|line| line.split("crate::").skip(1).map(str::to_owned).collect::<Vec<_>>())
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect())
        .collect()
}

fn is_test(name: &str) -> bool {
    name.ends_with("tests.rs") || name.ends_with("_test.rs")
}

/// Every arrow from one room to another, and the files that it is drawn by.
fn arrows() -> BTreeMap<(String, String), Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut arrows: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for path in sources(&root) {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let from = name.split(['/', '.']).next().unwrap().to_owned();
        if is_test(&name) || ["main", "lib"].contains(&from.as_str()) {
            continue;
        }
        for other in used(&std::fs::read_to_string(&path).unwrap()) {
            if other != from {
                arrows.entry((from.clone(), other)).or_default().push(name.clone());
            }
        }
    }
    arrows
}

#[test]
fn every_arrow_between_rooms_runs_down() {
    let mut broken = Vec::new();
    for ((from, to), files) in arrows() {
        let allowed = match (from.as_str(), to.as_str()) {
            ("commands", CLI) => true,
            (_, CLI) => false,
            // The command line speaks in the values that a plan is made of.
            (CLI, to) => floor(to).is_some_and(|to| to <= floor("plan").unwrap()),
            (from, to) => floor(from).zip(floor(to)).is_some_and(|(from, to)| to < from),
        };
        if !allowed {
            broken.push(format!("{from} -> {to}: {}", files.join(", ")));
        }
    }
    assert!(broken.is_empty(), "arrows that may not be:\n{}", broken.join("\n"));
}

/// Others write a command with `xshell::cmd!` and hand it over, so that none escapes its process group and our mark.
#[test]
fn commands_are_started_in_one_place() {
    const PLACE: &str = "system/process.rs";
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let starts = |text: &str| {
        let own = ["Command::new", ".spawn()", ".output()"];
        // What xshell would run by itself.
        let shells = [".run()?", ".read()?", ".read_stderr()"];
        own.iter().any(|start| code(text).contains(start))
            || code(text).contains("cmd!(") && shells.iter().any(|start| code(text).contains(start))
    };
    let names = sources(&root).into_iter().filter(|path| starts(&std::fs::read_to_string(path).unwrap()));
    let names = names.map(|path| path.strip_prefix(&root).unwrap().to_string_lossy().into_owned());
    assert_eq!(names.filter(|name| !is_test(name)).collect::<Vec<_>>(), [PLACE]);
}

#[test]
fn there_are_at_most_fourteen_rooms_and_each_has_a_floor() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut rooms: Vec<String> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    rooms.sort();
    rooms.dedup();
    assert!(rooms.len() <= 14, "{rooms:?}");
    for room in rooms.iter().filter(|room| !["main", "lib", CLI].contains(&room.as_str())) {
        assert!(floor(room).is_some(), "{room} stands on no floor: add it to FLOORS");
    }
}
