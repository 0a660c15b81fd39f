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
/// Rooms that are crates. Rooms above the ground floor are `findings::` to them, and theirs `crate::` to all others.
const CRATES: [&str; 2] = ["system", "workers"];
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

/// The rooms that a file of one room names, outside its tests.
fn used(room: &str, text: &str) -> Vec<String> {
    // What a room that is a crate names by `crate::` are its own files.
    let house = if CRATES.contains(&room) { "findings::" } else { "crate::" };
    let code = code(text);
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines
        .flat_map(|line| line.split(house).skip(1).map(str::to_owned).collect::<Vec<_>>())
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect())
        .collect()
}

fn is_test(name: &str) -> bool {
    name.ends_with("tests.rs") || name.ends_with("_test.rs")
}

/// Every source file with its name from the room on: `analysis/summary.rs`. Some rooms are crates.
fn files() -> Vec<(String, String)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR"));
    let of_crate = |room: &&str| (format!("{room}/"), format!("{room}/src"));
    let shared = ["src", "findings/src"].map(|root| (String::new(), root.to_owned()));
    let files = shared.into_iter().chain(CRATES.iter().map(of_crate)).flat_map(|(room, root)| {
        let root = crates.join(root);
        sources(&root).into_iter().map(move |path| {
            let name = format!("{room}{}", path.strip_prefix(&root).unwrap().display());
            (name, std::fs::read_to_string(&path).unwrap())
        })
    });
    files.filter(|(name, _)| !is_test(name) && !["main.rs", "lib.rs"].contains(&name.as_str())).collect()
}

fn room(name: &str) -> &str {
    name.split(['/', '.']).next().unwrap()
}

/// Every arrow from one room to another, and the files that it is drawn by.
fn arrows() -> BTreeMap<(String, String), Vec<String>> {
    let mut arrows: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (name, text) in files() {
        let from = room(&name).to_owned();
        for other in used(&from, &text) {
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
    let starts = |text: &str| {
        let own = ["Command::new", ".spawn()", ".output()"];
        // What xshell would run by itself.
        let shells = [".run()?", ".read()?", ".read_stderr()"];
        own.iter().any(|start| code(text).contains(start))
            || code(text).contains("cmd!(") && shells.iter().any(|start| code(text).contains(start))
    };
    let places: Vec<_> = files().into_iter().filter(|(_, text)| starts(text)).map(|(name, _)| name).collect();
    assert_eq!(places, [PLACE]);
}

#[test]
fn there_are_at_most_fourteen_rooms_and_each_has_a_floor() {
    let files = files();
    let mut rooms: Vec<&str> = files.iter().map(|(name, _)| room(name)).collect();
    rooms.sort_unstable();
    rooms.dedup();
    assert!(rooms.len() <= 14, "{rooms:?}");
    for room in rooms.into_iter().filter(|room| *room != CLI) {
        assert!(floor(room).is_some(), "{room} stands on no floor: add it to FLOORS");
    }
}
