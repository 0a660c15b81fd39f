//! `DynamoDB` Local: started where it can be, ready when it answers a real call, stopped with whatever belongs to it.
//! It listens on loopback alone. What kind of server it is shows in nothing but its kind's own module.

mod compose;
mod external;
mod fetch;
mod java;
pub mod kept;
mod probe;
mod socket;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::plan::request::BackendChoice;
use crate::results::Backend;
use crate::system::checkout::Checkout;
use crate::system::exit::Exit;
use crate::system::interrupt;
use crate::system::progress::Progress;

pub use compose::{Engine, NoEngine, remove_left};
pub use fetch::fetch;
pub use java::Java;

/// How long a server may take until it answers.
const READY_LIMIT: Duration = Duration::from_mins(1);
/// How long a single answer to the question whether it is ready may take.
const PROBE_LIMIT: Duration = Duration::from_secs(5);
/// The server's program.
pub const JAR: &str = "DynamoDBLocal.jar";
/// Flags of the server's Java machine, the same on both backends, besides [`Compilers::flag`]. The heap holds requests
/// and answers only (the items are in `SQLite`'s memory next to it), its size is fixed so that it isn't resized while
/// something is measured, and the serial collector has no threads of its own that would compete with the client.
pub const JVM_FLAGS: [&str; 4] = ["-Xms1g", "-Xmx1g", "-XX:+UseSerialGC", "-XX:-UsePerfData"];
/// A table of more items than this is written for so long that the thorough compiler pays.
const THOROUGH_ABOVE: u32 = 10_000;

/// What the server's Java machine compiles with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compilers {
    /// The quick one alone, which warms the server within some hundred calls: over its first 6,000 calls a fresh one
    /// spends 2.2 ms of CPU a call instead of 3.8.
    Quick,
    /// The thorough one too: 150,000 items are written in 28 to 38 s instead of 37 to 52.
    Both,
}

impl Compilers {
    /// What suits a table of so many items.
    fn of(items: u32) -> Compilers {
        if items > THOROUGH_ABOVE { Compilers::Both } else { Compilers::Quick }
    }

    /// The highest tier to which Java compiles.
    fn tier(self) -> &'static str {
        match self {
            Compilers::Quick => "1",
            Compilers::Both => "4",
        }
    }

    fn flag(self) -> String {
        format!("-XX:TieredStopAtLevel={}", self.tier())
    }
}

/// Which server to start or to use. Making one checks what can be checked without starting anything.
#[derive(Debug, Clone)]
pub struct Options {
    checkout: Checkout,
    /// Of the run, for names.
    id: String,
    backend: BackendChoice,
    jar: Option<PathBuf>,
    external: Option<external::Address>,
    compilers: Compilers,
    /// The contents of a database that is kept; none where none is.
    kept: Option<kept::Wanted>,
}

/// A server that answers. Dropped, it is stopped, unless it was there before us.
#[derive(Debug)]
pub struct Server {
    pub backend: Backend,
    /// What its own jar says.
    pub version: Option<String>,
    /// With Docker.
    pub image: Option<String>,
    pub endpoint: String,
    /// Of the server's process on this machine, also inside a container; none where it can't be seen.
    pub pid: Option<u32>,
    /// Where it listens.
    pub address: SocketAddr,
    kind: Kind,
    /// Its files, where they are kept from one run to the next. It is stopped before they go.
    pub kept: Option<kept::Copy>,
}

#[derive(Debug)]
enum Kind {
    Java(java::Local),
    Compose(compose::Project),
    External,
}

impl Options {
    /// # Errors
    /// [`Exit::BadInput`] for a jar that isn't there, or an endpoint that is none, is elsewhere, or doesn't answer.
    pub fn new(
        checkout: &Checkout,
        id: &str,
        backend: BackendChoice,
        jar: Option<PathBuf>,
        endpoint: Option<String>,
        allow_remote: bool,
    ) -> anyhow::Result<Options> {
        let jar = jar.map(|jar| java::check_jar(&jar, backend)).transpose()?;
        let external = endpoint.map(|endpoint| external::Address::parse(&endpoint, allow_remote)).transpose()?;
        if let Some(external) = &external {
            external.check()?;
        }
        Ok(Options {
            checkout: checkout.clone(),
            id: id.to_owned(),
            backend,
            jar,
            external,
            compilers: Compilers::Quick,
            kept: None,
        })
    }

    /// The same, for a table of so many items.
    #[must_use]
    pub fn for_items(&self, items: u32) -> Options {
        Options { compilers: Compilers::of(items), ..self.clone() }
    }

    /// Whether its server suits a table of so many items; one that is running already is as it is.
    pub fn suits(&self, items: u32) -> bool {
        self.external.is_some() || self.compilers == Compilers::of(items)
    }

    /// Whether a database of these contents is kept.
    pub fn keeps(&self, wanted: &kept::Wanted) -> bool {
        self.kept.as_ref() == Some(wanted)
    }

    /// The same, with a database of these contents that is kept.
    #[must_use]
    pub fn keeping(&self, kept: &kept::Wanted) -> Options {
        Options { kept: Some(kept.clone()), ..self.for_items(kept.items) }
    }
}

/// Starts a server, or takes the one that `--endpoint` names.
///
/// # Errors
/// [`Exit::Prerequisite`] where there is nothing to run it with, in the engine's own words; [`Exit::Failed`] with the
/// end of the server's log where it does not come up; [`Exit::Interrupted`].
pub fn start(options: &Options, progress: &Progress) -> anyhow::Result<Server> {
    if let Some(address) = &options.external {
        return external::take(address);
    }
    match options.backend {
        BackendChoice::Docker => compose::start(options, &Engine::find().map_err(Exit::Prerequisite)?, progress),
        BackendChoice::Java => java::start(options, &Java::find().map_err(Exit::Prerequisite)?, progress),
        BackendChoice::Auto => {
            // A jar that was asked for is run with Java.
            let asks_for_java = |short, flag| NoEngine { short, words: format!("{flag} asks for Java") };
            let docker = match options {
                Options { jar: Some(_), .. } => Err(asks_for_java("--jar asks for it", "--jar")),
                Options { kept: Some(_), .. } => Err(asks_for_java("--reuse-database asks for it", "--reuse-database")),
                _ => Engine::look(),
            };
            let (short, why_not) = match docker {
                Ok(engine) => match compose::start(options, &engine, progress) {
                    Ok(server) => return Ok(server),
                    Err(why) => ("Docker could not start it", format!("{why:#}")),
                },
                Err(none) => (none.short, none.words),
            };
            interrupt::check()?;
            let java = Java::find().map_err(|why| {
                Exit::Prerequisite(format!("DynamoDB Local needs Docker or Java.\n  Docker: {why_not}\n  Java: {why}"))
            })?;
            progress.line(format!("  DynamoDB Local runs on Java: {short}"));
            java::start(options, &java, progress)
        }
    }
}

impl Server {
    /// Whether its process lives; asks the server nothing.
    pub fn is_alive(&self) -> bool {
        match &self.kind {
            Kind::Java(local) => local.is_alive(),
            Kind::Compose(project) => project.is_alive(self.pid),
            Kind::External => true,
        }
    }

    /// Whether it still answers HTTP. A server that is busy with a long scan answers nothing that needs its data until
    /// that is done, so it is not asked for any. True when a signal comes meanwhile.
    pub fn answers(&self) -> bool {
        probe::answers(self.address, PROBE_LIMIT)
    }

    /// The last lines of its log.
    pub fn log_tail(&self, lines: usize) -> String {
        let log = match &self.kind {
            Kind::Java(local) => local.log(),
            Kind::Compose(project) => project.log(),
            Kind::External => "(the log of a server that was there already is not ours to read)".to_owned(),
        };
        tail(&log, lines)
    }

    /// Leaves it running when this is dropped, and says how to stop it.
    pub fn leave(&mut self) -> Option<String> {
        match &mut self.kind {
            Kind::Java(local) => Some(local.leave()),
            Kind::Compose(project) => Some(project.leave()),
            Kind::External => None,
        }
    }

    /// Stops it, with all that belongs to it. A server that was there before us is left alone.
    pub fn stop(&mut self) {
        match &mut self.kind {
            Kind::Java(local) => local.stop(),
            Kind::Compose(project) => project.stop(),
            Kind::External => {}
        }
    }
}

/// Waits until a server of ours answers a real call; `look` says what else must hold, or that it never will.
fn wait_until_ready(address: SocketAddr, mut look: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let end = Instant::now() + READY_LIMIT;
    loop {
        interrupt::check()?;
        if look()? && probe::list_tables(address, PROBE_LIMIT).is_ok() {
            return Ok(());
        }
        if Instant::now() >= end {
            let limit = humantime::format_duration(READY_LIMIT);
            bail!(Exit::Failed(format!("DynamoDB Local did not answer within {limit}")));
        }
        interrupt::sleep(Duration::from_millis(50))?;
    }
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
