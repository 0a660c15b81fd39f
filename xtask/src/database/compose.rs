//! DynamoDB Local in Docker: `docker-compose.yml` under a project of this run's own, with Compose v2 or v1.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::java::version_in;
use super::{Options, Process, Server, free_port, wait_until_ready};
use crate::exit::Exit;
use crate::interrupt;
use crate::owner;
use crate::process::Group;
use crate::progress::Progress;
use crate::results::Backend;

const PORT: &str = "DYNAMODB_LOCAL_PORT";
/// Times that another port is tried when one is taken.
const TRIES: u32 = 3;

/// A Docker engine that answers, and the Compose beside it.
#[derive(Debug, Clone)]
pub struct Engine {
    docker: PathBuf,
    /// `docker compose`, or `docker-compose`.
    compose: Vec<String>,
    pub version: String,
    pub compose_version: String,
}

impl Engine {
    /// # Errors
    /// What is missing, in the engine's own words where it has any, and how to mend it.
    pub fn find() -> Result<Engine, String> {
        let docker =
            which::which("docker").map_err(|_| "docker is not on the PATH: install Docker with Compose".to_owned())?;
        let version = ask(&docker, &["version", "--format", "{{.Server.Version}}"])
            .map_err(|why| format!("no Docker engine answers ({why}): start it"))?;
        let v2 = ask(&docker, &["compose", "version", "--short"]);
        let (compose, compose_version) = if let Ok(version) = v2 {
            (vec![docker.display().to_string(), "compose".to_owned()], version)
        } else {
            let v1 = which::which("docker-compose").map_err(|_| "Docker has no Compose: install it".to_owned())?;
            let version = ask(&v1, &["version", "--short"])?;
            (vec![v1.display().to_string()], version)
        };
        Ok(Engine { docker, compose, version, compose_version })
    }
}

/// Runs a short command; its output, or its own words of failure.
fn ask(program: &std::path::Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().map_err(|why| why.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        let text = String::from_utf8_lossy(&output.stderr);
        Err(text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it failed").trim().to_owned())
    }
}

/// The containers, networks and volumes of one run.
#[derive(Debug)]
pub struct Project {
    engine: Engine,
    name: String,
    file: PathBuf,
    environment: Vec<(&'static str, String)>,
    stopped: bool,
}

impl Project {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.engine.compose[0]);
        command.args(&self.engine.compose[1..]).arg("--project-name").arg(&self.name).arg("--file").arg(&self.file);
        command.args(arguments).envs(self.environment.iter().map(|(name, value)| (*name, value)));
        command.stdin(Stdio::null());
        command
    }

    /// Runs a Compose command that may take long; its own words of failure.
    fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = tempfile::NamedTempFile::new()?;
        let errors = tempfile::NamedTempFile::new()?;
        let mut command = self.command(arguments);
        command.stdout(output.reopen()?).stderr(errors.reopen()?);
        let mut group = Group::spawn(&mut command, "Docker Compose")?;
        let status = loop {
            interrupt::check()?;
            if let Some(status) = group.wait_for(Duration::from_millis(100)) {
                break status;
            }
        };
        let text = |file: &tempfile::NamedTempFile| -> anyhow::Result<String> {
            Ok(String::from_utf8_lossy(&std::fs::read(file.path())?).trim().to_owned())
        };
        if !status.success() {
            let why = text(&errors)?;
            let last: Vec<&str> = why.lines().filter(|line| !line.trim().is_empty()).collect();
            bail!("{}", last[last.len().saturating_sub(3)..].join("; "));
        }
        text(&output)
    }

    pub fn log(&self) -> String {
        let output = self.command(&["logs", "--no-color"]).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    }

    /// Removes container, network and volumes. In a group of its own, so that a Ctrl-C that is meant for us doesn't
    /// end it halfway.
    pub fn stop(&mut self) {
        if std::mem::replace(&mut self.stopped, true) {
            return;
        }
        let mut down = self.command(&["down", "--volumes", "--timeout", "1"]);
        down.stdout(Stdio::null()).stderr(Stdio::null());
        if let Ok(mut group) = Group::spawn(&mut down, "Docker Compose") {
            let _ = group.child_mut().wait();
        }
    }

    pub fn leave(&mut self) {
        self.stopped = true;
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts it on a free port of the loopback interface.
pub fn start(options: &Options, engine: &Engine, progress: &Progress) -> anyhow::Result<Server> {
    let step = progress.step("starting DynamoDB Local (Docker)");
    let mut last = None;
    for number in 0..TRIES {
        let port = free_port()?;
        let mut project = Project {
            engine: engine.clone(),
            name: format!("dynamodb-bench-{}-{number}", options.owner.mark()),
            file: options.checkout.root.join("docker-compose.yml"),
            environment: vec![(PORT, port.to_string()), (owner::VARIABLE, options.owner.mark())],
            stopped: false,
        };
        match up(&mut project, port) {
            Ok(server) => {
                let version = server.version.as_deref().unwrap_or("?");
                let image = server.image.as_deref().unwrap_or("?");
                step.done(format!("DynamoDB Local {version} in Docker ({image}) at {}", server.endpoint));
                return Ok(Server { process: Process::Compose(project), ..server });
            }
            Err(why) => {
                interrupt::check()?;
                let text = format!("{why:#}");
                last = Some(why);
                if !text.contains("already allocated") && !text.contains("address already in use") {
                    break;
                }
            }
        }
    }
    let why = last.map_or_else(|| "it was not started".to_owned(), |why| format!("{why:#}"));
    Err(Exit::Prerequisite(format!("Docker could not run DynamoDB Local: {why}")).into())
}

fn up(project: &mut Project, port: u16) -> anyhow::Result<Server> {
    project.run(&["up", "--detach"])?;
    let id = project.run(&["ps", "--quiet", "dynamodb"])?;
    let id = id.lines().next().context("Compose started no container")?;
    let docker = &project.engine.docker;
    let inspect = |format: &str| ask(docker, &["inspect", "--format", format, id]);
    let endpoint = format!("http://127.0.0.1:{port}");
    let ended = || match inspect("{{.State.Running}}") {
        Ok(running) if running == "true" => None,
        Ok(_) => Some("its container ended".to_owned()),
        Err(why) => Some(why),
    };
    wait_until_ready(&endpoint, ended, || project.log())?;
    let version = ask(docker, &["exec", id, "java", "-jar", "DynamoDBLocal.jar", "-version"]).ok();
    Ok(Server {
        backend: Backend::Docker,
        version: version.as_deref().and_then(version_in),
        image: inspect("{{.Config.Image}}").ok(),
        endpoint,
        pid: inspect("{{.State.Pid}}").ok().and_then(|pid| pid.parse().ok()).filter(|&pid| pid > 0),
        // Replaced by the caller, which keeps the project.
        process: Process::External,
    })
}
