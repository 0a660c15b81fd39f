//! What a run needs of this machine, what of it is missing, and how to fix that. `bench` asks before it starts anything.

use std::path::{Path, PathBuf};

use anyhow::bail;
use sysinfo::System;

use crate::machine::load;
use crate::plan::request::BackendChoice;
use crate::report::{self, text};
use crate::setup::database::{Engine, Java};
use crate::setup::npm::Tools;
use crate::setup::npm::runtime::{self, outdated_node};
use crate::system::checkout::Checkout;
use crate::system::exit::Exit;
use crate::system::files;
use crate::system::progress::print_line;

const GIB: f64 = 1_073_741_824.0;
/// The server's heap, its data at the large scale and four Node processes.
const ENOUGH_MEMORY_GIB: f64 = 3.0;
/// Two copies of the dependencies, the server and some runs.
const ENOUGH_DISK_GIB: f64 = 2.0;
/// Above this, percent of a core, others' work shows in the figures.
const QUIET_PERCENT: f64 = 15.0;

/// What a run will need.
#[derive(Debug, Clone)]
pub struct Needs {
    pub backend: BackendChoice,
    pub jar: Option<PathBuf>,
    /// The database is there already.
    pub external: bool,
}

/// Node and npm, where all that is needed is there.
///
/// # Errors
/// [`Exit::Prerequisite`] with everything that is missing and how to fix it, in one message.
pub fn require(needs: &Needs) -> anyhow::Result<Tools> {
    let tools = Tools::find();
    crate::system::interrupt::check()?;
    let mut missing = Vec::new();
    if !needs.external {
        let engine = || Engine::find().map(drop);
        let java = || Java::find().map(drop);
        missing = missing_for_database(needs.backend, needs.jar.is_some(), engine, java);
        crate::system::interrupt::check()?;
    }
    match tools {
        Ok(tools) if missing.is_empty() => Ok(tools),
        tools => {
            if let Err(why) = tools {
                missing.insert(0, format!("{why:#}"));
            }
            let missing = missing.join("\n").replace('\n', "\n  ");
            bail!(Exit::Prerequisite(format!(
                "this machine is missing something that a run needs:\n  {missing}\n`cargo xtask doctor` checks again"
            )));
        }
    }
}

/// What is missing for running the database; nothing, where one of the ways that are allowed is open.
fn missing_for_database(
    backend: BackendChoice,
    has_jar: bool,
    engine: impl Fn() -> Result<(), String>,
    java: impl Fn() -> Result<(), String>,
) -> Vec<String> {
    let mut missing = Vec::new();
    if backend != BackendChoice::Java && !has_jar {
        match engine() {
            Ok(()) => return Vec::new(),
            Err(why) => missing.push(format!("Docker: {why}")),
        }
    }
    if backend != BackendChoice::Docker {
        match java() {
            Ok(()) => return Vec::new(),
            Err(why) => missing.push(format!("Java: {why}")),
        }
    }
    if missing.len() > 1 {
        missing
            .push("one of Docker and Java is enough, and so is a server that runs already (--endpoint URL)".to_owned());
    }
    missing
}

/// How a thing is.
enum Found {
    Good(String),
    /// A run is possible, with worse figures or less room.
    Poor(String),
    Missing(String),
}

/// `cargo xtask doctor`: everything that a run needs, and how to fix what is missing.
///
/// # Errors
/// [`Exit::Prerequisite`] where a run could not start.
pub fn run() -> anyhow::Result<()> {
    let checkout = Checkout::find()?;
    // The load first: looking at everything else is load too.
    let load = load::wait_for_quiet(0.0, load::CALM)?;
    let (tools, engine, java) = std::thread::scope(|scope| {
        let engine = scope.spawn(Engine::find);
        let java = scope.spawn(Java::find);
        let lost = |_| "it could not be looked for".to_owned();
        (Tools::find(), engine.join().map_err(lost).flatten(), java.join().map_err(lost).flatten())
    });
    crate::system::interrupt::check()?;
    let mut rows = Vec::new();
    let mut row = |name: &str, found: Found| {
        let (mark, text) = match found {
            Found::Good(text) => ("✓", text),
            Found::Poor(text) => ("!", text),
            Found::Missing(text) => ("✗", text),
        };
        rows.push((mark, name.to_owned(), text));
    };
    match &tools {
        Ok(tools) => {
            row("Node", node(tools));
            row("npm", Found::Good(format!("{} ({})", tools.npm_version, tools.npm.display())));
        }
        Err(why) => row("Node, npm", Found::Missing(format!("{why:#}"))),
    }
    row("runtimes", runtimes(&checkout));
    // One of the two is enough.
    let absent = |why: &String, other: bool| if other { Found::Poor(why.clone()) } else { Found::Missing(why.clone()) };
    row(
        "Docker",
        match &engine {
            Ok(found) => Found::Good(format!("engine {}, Compose {}", found.version, found.compose_version)),
            Err(why) => absent(why, java.is_ok()),
        },
    );
    row(
        "Java",
        match &java {
            Ok(found) => Found::Good(format!("{} ({})", found.version, found.path.display())),
            Err(why) => absent(why, engine.is_ok()),
        },
    );
    row("target folder", target(&checkout.bench()));
    row("cores", cores());
    row("memory", memory());
    row("other load", other_load(load));
    let rows = rows.iter().map(|(mark, name, text)| [*mark, name, text]);
    text::table(rows, report::terminal_width()).iter().for_each(print_line);
    match (&engine, &java) {
        (Ok(_), _) => print_line("--backend auto would use Docker."),
        (Err(_), Ok(_)) => print_line("--backend auto would use Java."),
        (Err(_), Err(_)) => {}
    }
    let for_database = || missing_for_database(BackendChoice::Auto, false, || clone(&engine), || clone(&java));
    if tools.is_err() || !for_database().is_empty() {
        bail!(Exit::Prerequisite("fix the items marked ✗, then run `cargo xtask doctor` again".to_owned()));
    }
    Ok(())
}

fn node(tools: &Tools) -> Found {
    match outdated_node(&tools.node_version) {
        Some(why) => Found::Poor(format!("{why} ({})", tools.node.display())),
        None => Found::Good(format!("{} ({})", tools.node_version, tools.node.display())),
    }
}

/// Those that earlier runs fetched.
fn runtimes(checkout: &Checkout) -> Found {
    let kept = runtime::kept(checkout);
    if let Some(why) = kept.iter().find_map(|(_, _, wrong)| wrong.clone()) {
        return Found::Poor(why);
    }
    let names: Vec<String> = kept.iter().map(|(engine, version, _)| format!("{} {version}", engine.name())).collect();
    Found::Good(if names.is_empty() {
        "none is kept; --runtime node@24 or bun fetches one from npm".to_owned()
    } else {
        format!("{}, kept from earlier runs", names.join(", "))
    })
}

fn clone<T>(found: &Result<T, String>) -> Result<(), String> {
    found.as_ref().map(drop).map_err(Clone::clone)
}

fn target(folder: &Path) -> Found {
    let path = folder.display();
    if let Err(why) = files::check_folder(folder) {
        return Found::Missing(format!("{why:#}: set CARGO_TARGET_DIR to a folder that can be written to"));
    }
    let there = folder.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("."));
    match rustix::fs::statvfs(there) {
        Ok(disk) => {
            let free_gib = disk.f_bavail as f64 * disk.f_frsize as f64 / GIB;
            let text = format!("{free_gib:.1} GiB free ({path})");
            if free_gib < ENOUGH_DISK_GIB {
                Found::Poor(format!("{text}; {ENOUGH_DISK_GIB} are comfortable"))
            } else {
                Found::Good(text)
            }
        }
        Err(_) => Found::Good(format!("can be written to ({path})")),
    }
}

fn cores() -> Found {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if cores >= 2 {
        Found::Good(cores.to_string())
    } else {
        Found::Poor("1: the client and the database share it, and throughput says little".to_owned())
    }
}

fn memory() -> Found {
    let Ok(mut system) = System::new() else { return Found::Poor("unknown".to_owned()) };
    system.refresh_memory();
    let (free_gib, total_gib) = (system.available_memory() as f64 / GIB, system.total_memory() as f64 / GIB);
    let text = format!("{free_gib:.1} of {total_gib:.1} GiB available");
    if free_gib < ENOUGH_MEMORY_GIB {
        Found::Poor(format!("{text}; a large run needs {ENOUGH_MEMORY_GIB}"))
    } else {
        Found::Good(text)
    }
}

fn other_load(percent: Option<f64>) -> Found {
    match percent {
        None => Found::Poor("not reported by this system".to_owned()),
        Some(percent) if percent >= QUIET_PERCENT => {
            Found::Poor(format!("{percent:.0}% of a core: end what else runs, or the figures will be unsteady"))
        }
        Some(percent) => Found::Good(format!("{percent:.0}% of a core")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: fn() -> Result<(), String> = || panic!("this need not be looked for");

    fn missing(text: &'static str) -> impl Fn() -> Result<(), String> {
        move || Err(text.to_owned())
    }

    #[test]
    fn one_way_to_run_the_database_is_enough() {
        let ok = || Ok(());
        assert!(missing_for_database(BackendChoice::Auto, false, ok, ASKED).is_empty());
        assert!(missing_for_database(BackendChoice::Auto, false, missing("no engine"), ok).is_empty());
        assert!(missing_for_database(BackendChoice::Auto, true, ASKED, ok).is_empty());
        assert!(missing_for_database(BackendChoice::Java, false, ASKED, ok).is_empty());
        assert!(missing_for_database(BackendChoice::Docker, false, ok, ASKED).is_empty());
    }

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let both =
            missing_for_database(BackendChoice::Auto, false, missing("no engine"), missing("no java")).join("\n");
        for word in ["Docker: no engine", "Java: no java", "--endpoint"] {
            assert!(both.contains(word), "{both}");
        }
        assert_eq!(
            missing_for_database(BackendChoice::Docker, false, missing("no engine"), ASKED),
            ["Docker: no engine"]
        );
        assert_eq!(missing_for_database(BackendChoice::Java, false, ASKED, missing("no java")), ["Java: no java"]);
    }
}
