//! DynamoDB Local for one run: started in Docker or with Java, or found at an address; asked whether it answers; and
//! stopped. Dropped, it is stopped.

mod compose;
mod external;
mod java;
pub mod probe;

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::checkout::Checkout;
use crate::cli::BackendChoice;
use crate::exit::Exit;
use crate::interrupt;
use crate::owner::Owner;
use crate::progress::Progress;
use crate::results::Backend;

pub use compose::Engine;
pub use java::Java;

/// How long a server may take until it answers.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// How a server is had.
#[derive(Debug, Clone)]
pub struct Options {
    pub checkout: Checkout,
    pub owner: Owner,
    pub run: String,
    pub backend: BackendChoice,
    /// With Java: this jar instead of the one that is fetched.
    pub jar: Option<PathBuf>,
    /// A server that is there already.
    pub endpoint: Option<String>,
}

impl Options {
    /// # Errors
    /// [`Exit::BadInput`] for a jar that isn't there, and an address that isn't this machine's where that wasn't allowed.
    pub fn new(
        checkout: &Checkout,
        run: &str,
        backend: BackendChoice,
        jar: Option<PathBuf>,
        endpoint: Option<String>,
        allow_remote: bool,
    ) -> anyhow::Result<Options> {
        if let Some(jar) = jar.as_ref().filter(|jar| !jar.is_file()) {
            return Err(Exit::BadInput(format!("--jar {}: there is no such file", jar.display())).into());
        }
        if let Some(url) = &endpoint {
            external::check(url, allow_remote)?;
        }
        let owner = Owner::me(checkout);
        Ok(Options { checkout: checkout.clone(), owner, run: run.to_owned(), backend, jar, endpoint })
    }
}

/// A server that answers.
#[derive(Debug)]
pub struct Server {
    pub backend: Backend,
    /// What the server's own jar says; none where it can't be asked.
    pub version: Option<String>,
    pub image: Option<String>,
    pub endpoint: String,
    /// Of the process on this machine, the container's too; none for a server elsewhere.
    pub pid: Option<u32>,
    process: Process,
}

/// What keeps a server running, and stops it when it is dropped.
#[derive(Debug)]
enum Process {
    Compose(compose::Project),
    Java(java::Local),
    External,
}

/// Starts a server as asked and waits until it answers.
///
/// # Errors
/// [`Exit::Prerequisite`] where there is nothing to run it with; else the server's own log.
pub fn start(options: &Options, progress: &Progress) -> anyhow::Result<Server> {
    if let Some(url) = &options.endpoint {
        return external::find(url);
    }
    match options.backend {
        BackendChoice::Docker => compose::start(options, &Engine::find().map_err(Exit::Prerequisite)?, progress),
        BackendChoice::Java => java::start(options, &Java::find().map_err(Exit::Prerequisite)?, progress),
        BackendChoice::Auto => {
            // A jar that was asked for is run with Java.
            let docker = if options.jar.is_some() { Err("--jar asks for Java".to_owned()) } else { Engine::find() };
            let why_not = match docker {
                Ok(engine) => match compose::start(options, &engine, progress) {
                    Ok(server) => return Ok(server),
                    Err(why) => format!("{why:#}"),
                },
                Err(why) => why,
            };
            interrupt::check()?;
            let java = Java::find().map_err(|why| {
                Exit::Prerequisite(format!("DynamoDB Local needs Docker or Java.\n  Docker: {why_not}\n  Java: {why}"))
            })?;
            progress.line(format!("  without Docker ({}): Java", why_not.lines().next().unwrap_or_default()));
            java::start(options, &java, progress)
        }
    }
}

impl Server {
    /// Whether its process is there. Costs the server nothing.
    pub fn is_alive(&self) -> bool {
        match &self.process {
            Process::Java(local) => local.is_alive(),
            Process::Compose(_) => self.pid.is_none_or(|pid| {
                std::path::Path::new(&format!("/proc/{pid}")).exists() || cfg!(not(target_os = "linux"))
            }),
            Process::External => true,
        }
    }

    /// Whether it answers a real call; it is given a second chance.
    pub fn answers(&self) -> bool {
        (0..2).any(|_| probe::list_tables(&self.endpoint, Duration::from_secs(5)).is_ok())
    }

    /// The end of its log.
    pub fn log_tail(&self, lines: usize) -> String {
        let log = match &self.process {
            Process::Java(local) => local.log(),
            Process::Compose(project) => project.log(),
            Process::External => "the server is not ours, and so is its log".to_owned(),
        };
        tail(&log, lines)
    }

    /// Stops it and removes all that it had.
    pub fn stop(&mut self) {
        match &mut self.process {
            Process::Java(local) => local.stop(),
            Process::Compose(project) => project.stop(),
            Process::External => {}
        }
    }

    /// Leaves it running when this is dropped.
    pub fn leave(&mut self) {
        match &mut self.process {
            Process::Java(local) => local.leave(),
            Process::Compose(project) => project.leave(),
            Process::External => {}
        }
    }
}

fn tail(log: &str, lines: usize) -> String {
    let all: Vec<&str> = log.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// A port that was free a moment ago.
fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port")?;
    Ok(listener.local_addr()?.port())
}

/// Waits until a server that was just started answers; `ended` says what became of it where it has ended.
fn wait_until_ready(
    endpoint: &str,
    mut ended: impl FnMut() -> Option<String>,
    log: impl Fn() -> String,
) -> anyhow::Result<()> {
    let start = Instant::now();
    loop {
        interrupt::sleep(Duration::from_millis(50))?;
        if let Some(why) = ended() {
            bail!("DynamoDB Local ended while starting ({why}); the end of its log:\n{}", tail(&log(), 15));
        }
        match probe::list_tables(endpoint, Duration::from_secs(2)) {
            Ok(()) => return Ok(()),
            Err(why) if start.elapsed() > READY_LIMIT => bail!(
                "DynamoDB Local did not answer within {} s ({why}); the end of its log:\n{}",
                READY_LIMIT.as_secs(),
                tail(&log(), 15)
            ),
            Err(_) => {}
        }
    }
}
