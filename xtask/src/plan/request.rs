//! What a run is asked for, as values: what one flag or one selftest says, before [`Plan::decide`](super::Plan::decide)
//! makes a plan of all of it.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;

use super::items::Items;
use super::library::Library;
use super::runtime::RuntimeSpec;
use crate::results::{CallKind, Design, Operation, Scale};

/// What a run is asked for; a field is what the flag of its name says.
#[derive(Debug, Clone)]
pub struct Request {
    pub scales: Vec<Scale>,
    pub orm: Vec<Library>,
    pub targets: Vec<TargetSpec>,
    /// Empty: the Node on the path.
    pub runtimes: Vec<RuntimeSpec>,
    /// Files of adapters outside this repository.
    pub adapters: Vec<PathBuf>,
    pub mizzle: Option<String>,
    pub prebuilt: bool,
    pub calls: CallKind,
    /// An item of the user's own is put here once it is read.
    pub items: Items,
    pub operations: Vec<Operation>,
    pub rounds: Option<u32>,
    pub time: Option<Duration>,
    pub warm_up: Option<Duration>,
    pub budget: Option<Duration>,
    pub precision: f64,
    pub margin: f64,
    pub concurrency: Vec<u32>,
    pub baseline: Option<String>,
    pub seed: u64,
    pub design: Design,
    /// Targets whose client cost is measured at the same time, each on a core of its own.
    pub at_once: u32,
    pub handicap: Vec<Handicap>,
    /// Whether something is to fail on a regression, and so must be compared.
    pub gated: bool,
    /// Whether another commit is measured as well.
    pub against: bool,
    pub experiment: Experiment,
}

/// What the selftest asks of a run, and no flag does. The default is an ordinary run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Experiment {
    /// Of a target by its id: the share of an operation's recorded calls that it makes twice, 0 to 1.
    pub twice: Vec<(String, Operation, f64)>,
    pub emphasis: Emphasis,
    /// Cycles of warming up that every process makes, settled or not, however long they take.
    pub fewest_cycles: u64,
}

/// Which figures a run's time goes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Emphasis {
    /// All of them.
    #[default]
    Usual,
    /// Client cost against recorded answers; nothing is measured against the database.
    ClientCost,
    /// CPU per call on both grounds, in equal parts; no throughput.
    BothGrounds,
}

/// Where `DynamoDB` Local runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BackendChoice {
    Auto,
    Docker,
    Java,
}

/// Where Mizzle comes from where no flag says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefaultMizzle {
    /// The user named it.
    Variable(String),
    /// A working tree was found.
    Sibling(String),
    Registry,
}

/// What one `--scale` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scales(pub Vec<Scale>);

/// What one `--target` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSpec {
    pub library: Library,
    /// What npm is asked for; none is the locked version (Mizzle: the published one).
    pub spec: Option<String>,
    /// Whether the spec was given with `@`, and so can stand in the target's id.
    pub is_version: bool,
}

impl FromStr for TargetSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<TargetSpec, String> {
        let (id, spec, is_version) = match (text.split_once('='), text.split_once('@')) {
            (Some((id, spec)), _) if !id.contains('@') => (id, Some(spec), false),
            (_, Some((id, version))) => (id, Some(version), true),
            _ => (text, None, false),
        };
        if spec.is_some_and(str::is_empty) {
            return Err("nothing follows the library's name; write dynamoose@3 or mizzle=../mizzle".to_owned());
        }
        let library = Library::find(id)?;
        Ok(TargetSpec { library, spec: spec.map(str::to_owned), is_version })
    }
}

/// A known extra cost of a target, per call.
#[derive(Debug, Clone, PartialEq)]
pub struct Handicap {
    pub target: String,
    /// None: every operation.
    pub operation: Option<Operation>,
    /// Steps of arithmetic.
    pub steps: u64,
}

impl FromStr for Handicap {
    type Err = String;

    fn from_str(text: &str) -> Result<Handicap, String> {
        let (what, steps) = text.rsplit_once('=').ok_or("write ID=STEPS or ID:OP=STEPS")?;
        let steps: u64 = steps.parse().map_err(|_| "the cost is a whole number of steps".to_owned())?;
        if steps > 1_000_000_000 {
            return Err("the cost is at most 1,000,000,000 steps".to_owned());
        }
        let (target, operation) = match what.split_once(':') {
            Some((target, operation)) => (target, Some(parse_operation(operation)?)),
            None => (what, None),
        };
        Ok(Handicap { target: target.to_owned(), operation, steps })
    }
}

/// An operation by its name, in whatever case.
pub fn parse_operation(text: &str) -> Result<Operation, String> {
    Operation::ALL.into_iter().find(|operation| operation.name().eq_ignore_ascii_case(text)).ok_or_else(|| {
        let known: Vec<_> = Operation::ALL.iter().map(|operation| operation.name()).collect();
        format!("no such operation; there are {}", known.join(", "))
    })
}
