//! What this machine has and lacks for a run, and how to mend each lack. `bench` asks it before it starts anything.

use std::path::PathBuf;

use comfy_table::{Table, presets};

use crate::checkout::Checkout;
use crate::cli::BackendChoice;
use crate::database::{Engine, Java};
use crate::exit::Exit;
use crate::files;
use crate::npm::Tools;
use crate::progress::say;

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
/// [`Exit::Prerequisite`] with every lack and its mend in one message.
pub fn require(needs: &Needs) -> anyhow::Result<Tools> {
    let mut lacks = Vec::new();
    let tools = Tools::find().map_err(|why| lacks.push(why.to_string())).ok();
    if !needs.external {
        let wants_java = needs.backend != BackendChoice::Docker;
        let wants_docker = needs.backend != BackendChoice::Java && needs.jar.is_none();
        let docker = wants_docker.then(Engine::find);
        let found = docker.as_ref().is_some_and(Result::is_ok);
        let java = (wants_java && !found).then(Java::find);
        let found = found || java.as_ref().is_some_and(Result::is_ok);
        if !found {
            let docker = docker.and_then(Result::err).map(|why| format!("Docker: {why}"));
            let java = java.and_then(Result::err).map(|why| format!("Java: {why}"));
            lacks.extend([docker, java].into_iter().flatten());
        }
    }
    match tools {
        Some(tools) if lacks.is_empty() => Ok(tools),
        _ => {
            Err(Exit::Prerequisite(format!("this machine lacks something for a run:\n  {}", lacks.join("\n  "))).into())
        }
    }
}

/// `cargo xtask doctor`: everything, and what is missing with its mend.
///
/// # Errors
/// [`Exit::Prerequisite`] where a run could not start.
pub fn run() -> anyhow::Result<()> {
    let checkout = Checkout::find()?;
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let mut row = |name: &str, found: Result<String, String>| {
        let (mark, text) = match found {
            Ok(text) => ("✓", text),
            Err(why) => ("✗", why),
        };
        table.add_row([mark, name, &text]);
    };
    let tools = Tools::find();
    row("Node", tools.as_ref().map(|tools| tools.node_version.clone()).map_err(ToString::to_string));
    if let Ok(tools) = &tools {
        row("npm", Ok(tools.npm_version.clone()));
    }
    let engine = Engine::find();
    row(
        "Docker",
        engine
            .as_ref()
            .map(|found| format!("engine {}, Compose {}", found.version, found.compose_version))
            .map_err(Clone::clone),
    );
    let java = Java::find();
    row(
        "Java",
        java.as_ref().map_err(Clone::clone).map(|found| {
            let how = if found.compiles {
                "keeps DynamoDB Local to this machine"
            } else {
                "no compiler: DynamoDB Local would listen on every interface"
            };
            format!("{} ({how})", found.version)
        }),
    );
    row(
        "target folder",
        files::check_folder(&checkout.bench())
            .map(|()| "can be written to".to_owned())
            .map_err(|why| format!("{why:#}: set CARGO_TARGET_DIR to a folder that can be written to")),
    );
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    row(
        "cores",
        if cores >= 2 { Ok(cores.to_string()) } else { Err("1: the client and the database need one each".to_owned()) },
    );
    say(&table);
    match (engine.is_ok(), java.is_ok()) {
        (true, _) => say("--backend auto would use Docker."),
        (false, true) => say("--backend auto would use Java."),
        (false, false) => {}
    }
    require(&Needs { backend: BackendChoice::Auto, jar: None, external: false }).map(|_| ())
}
