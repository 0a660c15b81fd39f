//! `DynamoDB` Local in Docker: `docker-compose.yml` under a project of this run's own, with Compose v2 or v1. What was
//! brought up is known by its label; a container of the same name is never touched.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use xshell::cmd;

use super::java::version_in;
use super::{Compilers, Kind, Options, Server, wait_until_ready};
use crate::results::Backend;
use crate::setup::remedy;
use crate::system::exit::Exit;
use crate::system::interrupt;
use crate::system::owner::{self, LABEL};
use crate::system::proc;
use crate::system::process::{self, Command};
use crate::system::progress::Progress;

/// How long a question to the engine may take; one that hangs is one that doesn't answer.
const ASK_LIMIT: Duration = Duration::from_secs(15);
/// How long a pull may take.
const PULL_LIMIT: Duration = Duration::from_mins(15);
const UP_LIMIT: Duration = Duration::from_mins(1);
const DOWN_LIMIT: Duration = Duration::from_secs(10);
const SERVICE: &str = "dynamodb";

/// A Docker engine that answers, and its Compose.
#[derive(Debug, Clone)]
pub struct Engine {
    docker: PathBuf,
    /// `docker compose`, or `docker-compose`.
    compose: Vec<PathBuf>,
    pub version: String,
    pub compose_version: String,
}

/// Why there is no engine.
pub struct NoEngine {
    /// "Docker is not running": where something else does instead.
    pub short: &'static str,
    /// The same in the engine's own words where it has any, and how to fix it.
    pub words: String,
}

impl Engine {
    /// # Errors
    /// What is missing, in the engine's own words where it has any, and how to fix it.
    pub fn find() -> Result<Engine, String> {
        Engine::look().map_err(|none| none.words)
    }

    /// # Errors
    /// The same, and in a few words.
    pub fn look() -> Result<Engine, NoEngine> {
        let none = |short, words| NoEngine { short, words };
        let docker = which::which("docker").map_err(|_| {
            let words = format!("docker is not on the PATH. To install Docker with Compose: {}", remedy::docker());
            none("Docker is not installed", words)
        })?;
        let version = ask(&docker, &["version", "--format", "{{.Server.Version}}"]).map_err(|why| {
            let words = format!("it is not running ({why:#}). To start it: {}", remedy::start_docker());
            none("Docker is not running", words)
        })?;
        let no_compose = |words| none("Docker has no Compose", words);
        let (compose, compose_version) = if let Ok(version) = ask(&docker, &["compose", "version", "--short"]) {
            (vec![docker.clone(), "compose".into()], version)
        } else {
            let v1 = which::which("docker-compose")
                .map_err(|_| no_compose(format!("it has no Compose. To install it: {}", remedy::compose())))?;
            let version =
                ask(&v1, &["version", "--short"]).map_err(|why| no_compose(format!("{}: {why:#}", v1.display())))?;
            (vec![v1], version)
        };
        Ok(Engine { docker, compose, version, compose_version })
    }

    fn ask(&self, arguments: &[&str]) -> anyhow::Result<String> {
        ask(&self.docker, arguments)
    }
}

/// Runs a short command; its output, or its own words of failure.
fn ask(program: &PathBuf, arguments: &[&str]) -> anyhow::Result<String> {
    let shell = process::shell(Path::new("."))?;
    in_words(&process::output(cmd!(shell, "{program} {arguments...}"), "Docker", ASK_LIMIT)?)
}

/// As [`ask`], for cleaning up: no signal keeps it from that.
fn ask_at_the_end(program: &PathBuf, arguments: &[&str]) -> anyhow::Result<String> {
    let shell = process::shell(Path::new("."))?;
    in_words(&process::output_at_the_end(cmd!(shell, "{program} {arguments...}"), "Docker", ASK_LIMIT)?)
}

fn in_words(output: &Output) -> anyhow::Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        bail!("it ended with {}", output.status);
    }
    bail!("{}", lines[lines.len().saturating_sub(3)..].join("; "));
}

/// The container, network and volumes of one server.
#[derive(Debug)]
pub struct Project {
    engine: Engine,
    compilers: Compilers,
    name: String,
    file: PathBuf,
    container: String,
    /// Removed when the project is down.
    note: PathBuf,
    stopped: bool,
    /// When the server's process on this machine started, to know it from a later one of the same id.
    start: Option<u64>,
}

impl Project {
    fn command(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let shell = process::shell(Path::new("."))?;
        let (Engine { compose, .. }, name, file) = (&self.engine, &self.name, &self.file);
        let (program, subcommand) = compose.split_first().context("no Compose was found")?;
        let command = cmd!(shell, "{program} {subcommand...} --project-name {name} --file {file} {arguments...}");
        // An empty port lets the engine choose one, so that nobody can take it in between.
        Ok(command.env("DYNAMODB_LOCAL_PORT", "").env("DYNAMODB_LOCAL_TIER", self.compilers.tier()).into())
    }

    /// Asks Compose.
    fn ask(&self, arguments: &[&str], limit: Duration) -> anyhow::Result<String> {
        in_words(&process::output(self.command(arguments)?, "Docker Compose", limit)?)
    }

    /// Whether its process lives: on this machine where it can be seen, else as the engine says.
    pub fn is_alive(&self, pid: Option<u32>) -> bool {
        match (pid, self.start) {
            (Some(pid), Some(start)) => owner::start_of(pid) == Some(start),
            _ => self
                .engine
                .ask(&["inspect", "--format", "{{.State.Running}}", &self.container])
                .is_ok_and(|is| is == "true"),
        }
    }

    pub fn log(&self) -> String {
        let (docker, container) = (&self.engine.docker, &self.container);
        let output = process::shell(Path::new(".")).and_then(|shell| {
            let command = cmd!(shell, "{docker} logs --tail 200 {container}");
            process::output_at_the_end(command, "docker logs", ASK_LIMIT)
        });
        output
            .map(|output| String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
            .unwrap_or_default()
    }

    /// Removes container, network and volumes.
    pub fn stop(&mut self) {
        if std::mem::replace(&mut self.stopped, true) {
            return;
        }
        let down = || {
            let down = self.command(&["down", "--volumes", "--timeout", "1"]);
            let down = down.and_then(|down| process::output_at_the_end(down, "Docker Compose", DOWN_LIMIT));
            down.is_ok_and(|output| output.status.success())
        };
        // Compose asks politely; after a second signal there is no time for that. Whatever is left then (the engine may
        // still have been making what `up` had asked for when it was cut short) the engine removes.
        let _ = !interrupt::at_once() && down();
        let ours = format!("com.docker.compose.project={}", self.name);
        if remove(&self.engine.docker, &ours).is_ok() {
            let _ = std::fs::remove_file(&self.note);
        }
    }

    /// Leaves it running when this is dropped; how to stop it.
    pub fn leave(&mut self) -> String {
        self.stopped = true;
        let _ = std::fs::remove_file(&self.note);
        format!("docker rm --force --volumes {}", self.container.chars().take(12).collect::<String>())
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts it on a port that the engine chooses.
///
/// # Errors
/// [`Exit::Prerequisite`] in the engine's own words.
pub fn start(options: &Options, engine: &Engine, progress: &Progress) -> anyhow::Result<Server> {
    let file = options.checkout.root.join("docker-compose.yml");
    let name = free_name(engine, &options.id).map_err(in_dockers_words)?;
    let mut project = Project {
        engine: engine.clone(),
        compilers: options.compilers,
        note: owner::note_compose(&options.checkout, &name)?,
        name,
        file,
        container: String::new(),
        stopped: false,
        start: None,
    };
    up(&mut project, progress).map_err(in_dockers_words).map(|server| Server { kind: Kind::Compose(project), ..server })
}

/// What Docker would not do is a prerequisite that is missing; a signal that came meanwhile stays a signal.
fn in_dockers_words(why: anyhow::Error) -> anyhow::Error {
    match why.downcast::<Exit>() {
        Ok(exit) => exit.into(),
        Err(why) => Exit::Prerequisite(format!("Docker could not run DynamoDB Local: {why:#}")).into(),
    }
}

/// Projects that this process has named.
static NAMED: AtomicU32 = AtomicU32::new(0);

/// A name that no container, running or stopped, begins with: Compose would take one for its own, and end it with ours.
fn free_name(engine: &Engine, run: &str) -> anyhow::Result<String> {
    let run: String = run.to_lowercase().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    loop {
        let number = NAMED.fetch_add(1, Ordering::Relaxed);
        let name = format!("dynamodb-bench-{run}-{}-{number}", std::process::id());
        if engine.ask(&["ps", "--all", "--quiet", "--filter", &format!("name=^/?{name}-")])?.is_empty() {
            return Ok(name);
        }
    }
}

fn up(project: &mut Project, progress: &Progress) -> anyhow::Result<Server> {
    pull(project, progress)?;
    let step = progress.step("starting DynamoDB Local (Docker)");
    project.ask(&["up", "--detach"], UP_LIMIT)?;
    let list = project.ask(&["ps", "--quiet", SERVICE], ASK_LIMIT)?;
    list.lines().next().context("Compose started no container")?.clone_into(&mut project.container);
    let engine = project.engine.clone();
    let inspect = |format: &str| engine.ask(&["inspect", "--format", format, &project.container]);
    let port: u16 = inspect("{{(index (index .NetworkSettings.Ports \"8000/tcp\") 0).HostPort}}")
        .and_then(|port| port.parse().with_context(|| format!("{port:?} is no port")))
        .context("asking which port the container has")?;
    let ready = wait_until_ready(([127, 0, 0, 1], port).into(), || {
        if inspect("{{.State.Running}}")? != "true" {
            bail!("its container ended");
        }
        Ok(true)
    });
    ready.with_context(|| format!("the end of its log:\n{}", super::tail(&project.log(), 15)))?;
    let version = engine.ask(&["exec", &project.container, "java", "-jar", "DynamoDBLocal.jar", "-version"]);
    let version = version.ok().as_deref().and_then(version_in);
    let image = inspect("{{.Config.Image}}").ok();
    let pid = inspect("{{.State.Pid}}").ok().and_then(|pid| pid.parse().ok()).filter(|&pid| is_java(pid));
    project.start = pid.and_then(owner::start_of);
    let endpoint = format!("http://127.0.0.1:{port}");
    let words = (version.as_deref().unwrap_or("of unknown version"), image.as_deref().unwrap_or("?"));
    step.done(format!("DynamoDB Local {} in Docker ({}) at {endpoint}", words.0, words.1));
    Ok(Server {
        backend: Backend::Docker,
        version,
        image,
        endpoint,
        pid,
        address: ([127, 0, 0, 1], port).into(),
        // Replaced by the caller, which keeps the project.
        kind: Kind::External,
        kept: None,
    })
}

/// Pulls the image where it isn't there.
fn pull(project: &Project, progress: &Progress) -> anyhow::Result<()> {
    let config = project.ask(&["config"], ASK_LIMIT)?;
    let image = config.lines().find_map(|line| line.trim().strip_prefix("image:"));
    let image = image.context("docker-compose.yml names no image")?.trim().trim_matches(['"', '\'']).to_owned();
    if project.engine.ask(&["image", "inspect", "--format", "{{.Id}}", &image]).is_ok() {
        return Ok(());
    }
    let step = progress.step(format!("pulling {image}"));
    let (shell, docker) = (process::shell(Path::new("."))?, &project.engine.docker);
    let output = process::output(cmd!(shell, "{docker} pull --quiet -- {image}"), "docker pull", PULL_LIMIT)?;
    in_words(&output).with_context(|| format!("pulling {image}"))?;
    step.done(format!("pulled {image}"));
    Ok(())
}

/// Whether a process on this machine is the server: an engine that runs elsewhere gives ids of elsewhere.
fn is_java(pid: u32) -> bool {
    proc::command_line(pid).is_some_and(|command| command.contains("DynamoDBLocal.jar"))
}

/// Removes what bears an owner's mark; what that was. Called when that owner is known to be dead.
///
/// # Errors
/// The engine's own words.
pub fn remove_left(mark: &str) -> anyhow::Result<Vec<String>> {
    let docker = which::which("docker").context("looking for Docker")?;
    remove(&docker, &format!("{LABEL}={mark}"))
}

/// Removes the containers, networks and volumes that have this label.
fn remove(docker: &PathBuf, label: &str) -> anyhow::Result<Vec<String>> {
    let filter = format!("label={label}");
    let mut removed = Vec::new();
    for (list, remove) in [
        (["ps", "--all", "--quiet"].as_slice(), ["rm", "--force", "--volumes"].as_slice()),
        (&["network", "ls", "--quiet"], &["network", "rm"]),
        (&["volume", "ls", "--quiet"], &["volume", "rm", "--force"]),
    ] {
        let found = ask_at_the_end(docker, &[list, &["--filter", &filter]].concat())?;
        for id in found.lines() {
            ask_at_the_end(docker, &[remove, &[id]].concat())?;
            let kind = if list[0] == "ps" { "container" } else { list[0] };
            removed.push(format!("{kind} {}", id.chars().take(12).collect::<String>()));
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::request::BackendChoice;
    use crate::setup::database::JVM_FLAGS;
    use crate::system::checkout::Checkout;
    use crate::system::owner::VARIABLE;

    const FILE: &str = include_str!("../../../../docker-compose.yml");

    #[test]
    fn the_compose_file_says_what_the_code_relies_on() {
        for flag in JVM_FLAGS {
            assert!(FILE.contains(&format!("\"{flag}\"")), "{flag} is for both backends");
        }
        let quick = Compilers::Quick.flag().replace('1', "${DYNAMODB_LOCAL_TIER:-1}");
        assert!(FILE.contains(&format!("\"{quick}\"")), "{quick}");
        assert_eq!(FILE.matches(&format!("{LABEL}: \"${{{VARIABLE}:-nobody}}\"")).count(), 2, "container and network");
        assert!(FILE.contains("127.0.0.1:${DYNAMODB_LOCAL_PORT-8000}:8000"), "an empty port must stay empty");
        for word in ["-inMemory", "-sharedDb", "-disableTelemetry", "${DYNAMODB_LOCAL_IMAGE:-"] {
            assert!(FILE.contains(word), "{word}");
        }
    }

    fn options() -> (tempfile::TempDir, Options) {
        let folder = tempfile::tempdir().unwrap();
        let root = Checkout::find().unwrap().root;
        let checkout = Checkout { root, target: folder.path().join("target") };
        let options = Options::new(&checkout, "Test.1", BackendChoice::Docker, None, None, false).unwrap();
        (folder, options)
    }

    #[test]
    fn a_container_serves_on_loopback_alone_and_leaves_nothing() {
        let engine = match Engine::find() {
            Ok(engine) => engine,
            Err(why) => {
                println!("SKIPPED: the Docker backend ({why})");
                return;
            }
        };
        let (folder, options) = options();
        let progress = Progress::new(true);
        let mut server = start(&options, &engine, &progress).unwrap();
        let Kind::Compose(project) = &server.kind else { panic!("no project") };
        let label = format!("label=com.docker.compose.project={}", project.name);
        let ports = engine.ask(&["port", &project.container]).unwrap();
        assert_eq!(ports.lines().count(), 1, "{ports}");
        assert!(ports.contains("-> 127.0.0.1:"), "{ports}");
        assert!(server.is_alive() && server.answers());
        assert!(server.version.as_deref().is_some_and(|version| version.contains('.')), "{server:?}");
        assert!(server.log_tail(20).contains("InMemory"), "{}", server.log_tail(20));
        let notes = folder.path().join("target/bench/started");
        assert_eq!(std::fs::read_dir(&notes).unwrap().count(), 1);

        let begun = std::time::Instant::now();
        server.stop();
        assert!(begun.elapsed() < Duration::from_secs(5), "stopping took {:?}", begun.elapsed());
        assert!(!server.answers());
        for list in [&["ps", "--all", "--quiet"][..], &["network", "ls", "--quiet"], &["volume", "ls", "--quiet"]] {
            assert_eq!(engine.ask(&[list, &["--filter", &label]].concat()).unwrap(), "", "{list:?}");
        }
        assert_eq!(std::fs::read_dir(&notes).unwrap().count(), 0);
    }

    #[test]
    fn a_stale_container_of_the_same_name_is_left_alone() {
        let Ok(engine) = Engine::find() else {
            println!("SKIPPED: no Docker engine");
            return;
        };
        let (_folder, mut options) = options();
        options.id = "Stale.1".to_owned();
        let image = FILE.lines().find_map(|line| line.split_once("${DYNAMODB_LOCAL_IMAGE:-")).unwrap().1;
        let image = image.split('}').next().unwrap();
        let next = NAMED.load(Ordering::Relaxed);
        let stale: Vec<String> = (next..next + 12)
            .map(|number| {
                let name = format!("dynamodb-bench-stale1-{}-{number}", std::process::id());
                let label = format!("com.docker.compose.project={name}");
                engine.ask(&["create", "--name", &format!("{name}-{SERVICE}-1"), "--label", &label, image]).unwrap()
            })
            .collect();
        let server = start(&options, &engine, &Progress::new(true));
        let server = server.map(|mut server| {
            let answers = server.answers();
            server.stop();
            answers
        });
        let there: Vec<bool> = stale.iter().map(|id| engine.ask(&["rm", "--force", "--volumes", id]).is_ok()).collect();
        assert!(server.unwrap(), "the server of another name does not answer");
        assert!(there.iter().all(|is_there| *is_there), "stale containers were removed: {there:?}");
    }

    #[test]
    fn a_killed_container_is_noticed_and_what_is_left_of_it_is_removed_by_its_mark() {
        let Ok(engine) = Engine::find() else {
            println!("SKIPPED: no Docker engine");
            return;
        };
        let (_folder, options) = options();
        let mut server = start(&options, &engine, &Progress::new(true)).unwrap();
        let Kind::Compose(project) = &mut server.kind else { panic!("no project") };
        let (container, name) = (project.container.clone(), project.name.clone());
        // As if this process had been killed before it could take anything down.
        project.stopped = true;
        engine.ask(&["kill", &container]).unwrap();
        assert!(!server.is_alive());
        let removed = remove(&engine.docker, &format!("com.docker.compose.project={name}")).unwrap();
        assert_eq!(removed.len(), 2, "{removed:?}");
        let own_mark = engine.ask(&["inspect", "--format", "{{.Id}}", &container]);
        assert!(own_mark.is_err(), "the container is still there");
    }

    #[test]
    fn an_image_that_can_not_be_had_is_told_in_the_engines_words() {
        let Ok(engine) = Engine::find() else {
            println!("SKIPPED: no Docker engine");
            return;
        };
        let why = engine.ask(&["pull", "--quiet", "--", "localhost:1/no/such-image:0"]).unwrap_err().to_string();
        assert!(why.contains("localhost:1"), "{why}");
    }
}
