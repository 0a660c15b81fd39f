//! `results.json` as types: data and nothing else. Whoever reads a [`Results`] doesn't know how it was made; the
//! report, the comparison and the history are made from this file alone.
//!
//! Conventions of the format: camelCase names; times in milliseconds unless the name says otherwise; memory in MiB
//! (1,048,576 bytes); CPU percent of one core (200 is two cores busy). A value that was not measured is `null`,
//! never 0.

pub mod baselines;
mod ranges;
pub mod reading;
pub mod schema;
mod values;

use std::collections::BTreeMap;

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the format that this program writes, and the only one it reads.
pub const SCHEMA_VERSION: u32 = 1;

/// Numbers of calls in flight that one run measures the throughput with: they share that phase's time.
pub const MOST_CONCURRENCIES: usize = 8;

/// The most rounds that a run makes by itself: more of them narrow an interval too little to be worth their time.
pub const MOST_ROUNDS: u32 = 20;

pub use stats::Interval;
pub use values::{TargetValues, ValueFate, ValueKind, ValueOutcome};

/// A whole run: how it was made, on what, and what it measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Results {
    /// The format's version; see [`SCHEMA_VERSION`].
    pub schema_version: u32,
    pub run: Run,
    pub environment: Environment,
    pub database: Database,
    pub settings: Settings,
    pub targets: Vec<Target>,
    /// One for each scale, operation and target that was planned, in the order of the plan.
    pub measurements: Vec<Measurement>,
    pub database_usage: Vec<DatabaseUsage>,
    /// One for each scale and target whose process started.
    pub cold_starts: Vec<ColdStart>,
    /// What comes back of values that libraries treat differently, by target; absent in files of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<TargetValues>,
    /// What disturbed the run, or might have.
    pub disturbances: Vec<Disturbance>,
    /// The order in which targets ran, round by round.
    pub schedule: Vec<ScheduledRound>,
    /// What the sampler saw over the run's time.
    pub timeline: Timeline,
    /// The harness's own share: CPU of `xtask` during the measured part, percent of one core.
    pub harness_cpu_percent: Option<f64>,
    /// The server of recorded answers; null in files of earlier versions.
    #[serde(default)]
    pub recorded_answers: Option<RecordedAnswers>,
    /// What each scale's time went into.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub time_use: Vec<TimeUse>,
    /// How cost grows with the table, of a run at several scales.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub growth: Vec<Growth>,
}

/// How the cost of one target's operation grows with the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Growth {
    pub target: String,
    pub operation: Operation,
    pub figure: GrowingFigure,
    /// One of each scale, by its size; two at least.
    pub points: Vec<GrowthPoint>,
    /// Of the power law through the points: 0 where cost does not depend on the table, 1 where it is proportional to it.
    pub exponent: f64,
    /// Follows from the points' intervals; null where one has none.
    pub exponent_ci95: Option<Interval>,
}

/// A figure whose growth is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum GrowingFigure {
    /// CPU per call against recorded answers.
    Cpu,
    /// Mean latency against the database.
    Latency,
}

/// What a call cost at one scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GrowthPoint {
    /// Of the table.
    pub items: u32,
    /// A call, microseconds.
    pub micros: f64,
    pub micros_ci95: Option<Interval>,
    /// Whether a scan of a part of the table was measured, and this is its cost times the table over the part.
    pub extrapolated: bool,
}

/// The server of recorded answers, over the whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RecordedAnswers {
    pub answers: u64,
    /// CPU of the server's thread per answer, microseconds.
    pub cpu_micros_per_answer: f64,
}

/// What a scale's wall time went into, seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TimeUse {
    pub scale: String,
    /// From seeding to the last round's end.
    pub wall_s: f64,
    /// Timed calls against recorded answers.
    pub client_s: f64,
    /// Timed calls of the latency phases.
    pub latency_s: f64,
    /// Timed calls of the throughput phases.
    pub throughput_s: f64,
    /// Starting processes and verifying their work.
    pub start_s: f64,
    /// Recording answers.
    pub record_s: f64,
    /// Preparing what is deleted, putting the table back and checking it.
    pub table_s: f64,
    /// Warming up.
    pub warm_up_s: f64,
}

impl TimeUse {
    /// The share of the wall time in timed calls: 0.6 is 60%.
    pub fn timed_share(&self) -> Option<f64> {
        (self.wall_s > 0.0).then(|| (self.client_s + self.latency_s + self.throughput_s) / self.wall_s)
    }
}

impl Results {
    /// Notes why the measuring of a scale stopped.
    pub fn stop_because(&mut self, scale: &str, why: &str) {
        let line = format!("{scale}: {why}");
        self.run.stopped_because = Some(match self.run.stopped_because.take() {
            Some(before) => format!("{before}; {line}"),
            None => line,
        });
    }

    pub fn measurement_mut(&mut self, scale: &str, operation: Operation, target: &str) -> Option<&mut Measurement> {
        self.measurements
            .iter_mut()
            .find(|one| one.scale == scale && one.operation == operation && one.target == target)
    }
}

/// When and how the run was made, and how it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Run {
    pub id: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// RFC 3339, UTC; null while the run goes on.
    pub finished_at: Option<String>,
    /// Monotonic seconds from start to finish.
    pub duration_s: f64,
    pub status: RunStatus,
    /// Why the status is not `complete`: a sentence.
    pub reason: Option<String>,
    /// Why measuring stopped: the intervals were narrow enough, the time was spent, or the rounds were given.
    pub stopped_because: Option<String>,
    /// The command that made it, as typed.
    pub command: String,
    pub git_commit: Option<String>,
    /// Whether the working tree differed from `git_commit`.
    pub git_dirty: Option<bool>,
    pub seed: u64,
    /// Hash of settings, versions and machine: two runs with the same one may be continued by `--resume`.
    pub fingerprint: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    /// Every planned target was measured on every operation.
    Complete,
    /// A target was not available, or measurements are missing; the rest holds.
    Incomplete,
    /// A target failed or did wrong work, or the run could not go on.
    Failed,
    /// Stopped by a signal.
    Interrupted,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    pub os: String,
    pub kernel: String,
    pub cpu_model: String,
    pub cores: u32,
    /// Installed memory, MiB.
    pub memory_mb: f64,
    pub node: String,
    pub npm: String,
    pub rustc: String,
    pub xtask: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Database {
    pub backend: Backend,
    /// What the server's own jar answers to `-version`; null for an external server that doesn't say.
    pub version: Option<String>,
    /// The container image, with Docker.
    pub image: Option<String>,
    pub endpoint: String,
    /// Whether its tables lie in a file that later runs use again, instead of in its own memory.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kept: bool,
    /// The scales whose tables an earlier run had seeded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reused: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    Docker,
    Java,
    External,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// The most rounds (fresh processes per target and scale); see each measurement for how many there were.
    pub rounds: u32,
    /// Measuring time per operation and phase in one round, milliseconds.
    pub time_ms: f64,
    /// Calls in flight in the throughput phase.
    pub concurrency: u32,
    /// Other numbers of calls in flight that the throughput was measured with besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_concurrencies: Vec<u32>,
    /// Which of each library's calls were measured; null in files of earlier versions, which followed no one rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<CallKind>,
    /// What the items are: a built-in shape, or the user's own by its file's name. Null in files of earlier versions,
    /// which measured orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<String>,
    /// Items that one Query returns; null in files of earlier versions, where it was 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_items: Option<u32>,
    /// What a Query asks; null in files of earlier versions, where it was the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_by: Option<QueryBy>,
    /// The user's own item; absent for a built-in shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemNote>,
    pub scales: Vec<Scale>,
    pub operations: Vec<Operation>,
    /// How targets take turns: whole processes one after the other, or slices of calls in turn.
    pub design: Design,
    /// The margin of equivalence around a ratio of 1: 0.03 means that 0.97 to 1.03 count as the same.
    pub equivalence_margin: f64,
    /// The run may stop early once every interval of a ratio is at most this wide on either side (0.02 is ±2%).
    pub precision: Option<f64>,
    /// Resamples of the bootstrap.
    pub resamples: u32,
}

/// An example item of the user's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ItemNote {
    /// The names of its keys.
    pub partition: String,
    pub sort: String,
    pub attributes: u32,
    /// As `DynamoDB` counts, without a library's keys and marks.
    pub bytes: u64,
    /// Of the file's text.
    pub sha256: String,
}

impl Settings {
    /// What the items are; files of earlier versions measured orders.
    pub fn shape_name(&self) -> &str {
        self.shape.as_deref().unwrap_or("order")
    }

    /// Items that one Query returns; 20 in files of earlier versions.
    pub fn query_size(&self) -> u32 {
        self.query_items.unwrap_or(20)
    }

    /// What a Query asks; the table in files of earlier versions.
    pub fn queried(&self) -> QueryBy {
        self.query_by.unwrap_or_default()
    }

    /// An operation's name in a report on results of these settings.
    pub fn name_of(&self, operation: Operation) -> &'static str {
        operation.name_by(self.queried())
    }
}

/// What a Query asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(feature = "testing", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum QueryBy {
    /// The table itself, by its own keys.
    #[default]
    Table,
    /// A secondary index of the table, by the index's keys.
    Index,
}

/// Which of a library's calls is measured where it offers several for an operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(feature = "testing", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum CallKind {
    /// The call that the library's documentation shows first for the operation, or advises instead.
    #[default]
    Documented,
    /// The library's documented switches set so that the request asks for what the bare SDK's asks for.
    SameRequest,
}

impl CallKind {
    /// As `--calls` takes it.
    pub fn name(self) -> &'static str {
        match self {
            CallKind::Documented => "documented",
            CallKind::SameRequest => "same-request",
        }
    }
}

/// What is called for an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(feature = "testing", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct DescribedCall {
    /// The call, as it would stand in an application.
    pub code: String,
    /// The page of the library's documentation that shows it.
    pub link: String,
    /// What its request asks for otherwise than the bare SDK's; null where they ask for the same.
    pub unequal: Option<String>,
}

/// What an adapter's author wants readers of its figures to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(feature = "testing", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Caveat {
    pub text: String,
    /// Where more is said about it.
    pub link: Option<String>,
}

/// How the targets of one round share the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Design {
    /// One target's process after the other.
    Sequential,
    /// All targets' processes alive and warm, taking turns of some dozens of calls, one at a time.
    Paired,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Scale {
    /// `small`, `large`, or the number of items in digits.
    pub name: String,
    pub items: u32,
}

/// The six operations. The order of the variants is the order in which they are measured and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(feature = "testing", derive(ts_rs::TS))]
pub enum Operation {
    PutItem,
    GetItem,
    UpdateItem,
    DeleteItem,
    Query,
    Scan,
}

impl Operation {
    pub const ALL: [Operation; 6] = [
        Operation::PutItem,
        Operation::GetItem,
        Operation::UpdateItem,
        Operation::DeleteItem,
        Operation::Query,
        Operation::Scan,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Operation::PutItem => "PutItem",
            Operation::GetItem => "GetItem",
            Operation::UpdateItem => "UpdateItem",
            Operation::DeleteItem => "DeleteItem",
            Operation::Query => "Query",
            Operation::Scan => "Scan",
        }
    }

    /// The same where a Query may ask an index.
    pub fn name_by(self, queried: QueryBy) -> &'static str {
        match (self, queried) {
            (Operation::Query, QueryBy::Index) => "Query by index",
            _ => self.name(),
        }
    }
}

impl Operation {
    /// Whether a call leaves the table as it was.
    pub fn only_reads(self) -> bool {
        matches!(self, Operation::GetItem | Operation::Query | Operation::Scan)
    }

    /// Whether each call takes away an item that must be there.
    pub fn consumes_items(self) -> bool {
        self == Operation::DeleteItem
    }

    /// Whether a call's cost grows with the table.
    pub fn grows_with_the_table(self) -> bool {
        self == Operation::Scan
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// One library at one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// What the rest of the file calls it: `mizzle`, or `mizzle@1.2.0` where versions stand side by side.
    pub id: String,
    /// For people: "Mizzle".
    pub name: String,
    /// The library's adapter: `aws-sdk`, `mizzle`, `dynamoose`, `electrodb`, …; of one outside this repository the name
    /// of its file.
    pub adapter: String,
    /// The version that was installed; null when it wasn't.
    pub version: Option<String>,
    /// What npm was asked for; of an adapter outside this repository its file.
    pub spec: String,
    /// What ran it; absent in files of earlier versions, where it is the environment's Node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Runtime>,
    /// Whether those under the same runtime are compared with it.
    pub baseline: bool,
    /// The target that this is the base of: the same library with the adapter and lock file of another commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_of: Option<String>,
    pub status: TargetStatus,
    /// Why the status is not `ok`: a sentence, with the last lines of the log where there are any.
    pub reason: Option<String>,
    /// Whether it was left out because it can't have such items as this run is of; the reason says why.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsuited: bool,
    /// The AWS SDK client that carried its calls.
    pub sdk_version: Option<String>,
    /// Another AWS SDK that the library brought for itself.
    pub own_sdk_version: Option<String>,
    /// The packages `@aws-sdk/*` and `@smithy/*` that its process loaded, as `@smithy/core@3.41.0`; empty where its
    /// process never started, and in files of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sdk_packages: Vec<String>,
    /// What was measured of an adapter outside this repository; absent where it is one of this repository's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter_file: Option<AdapterFile>,
    /// The working tree or repository that it was taken from; absent where npm delivered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The library with its dependencies, and with what is imported along with it, on disk, MiB.
    pub installed_mb: Option<f64>,
    /// The library bundled with its adapter and the AWS SDK; null where no bundle was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Bundle>,
    /// What was called for each operation; empty where its process never started.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calls: BTreeMap<Operation, DescribedCall>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caveats: Vec<Caveat>,
    /// The mean size of an item in the form in which the library writes it, as `DynamoDB` counts, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_bytes: Option<f64>,
    /// A known extra cost that was put into each call, steps of arithmetic (tests of the harness only).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub handicap_steps: BTreeMap<Operation, u64>,
}

impl Target {
    /// Its id without its runtime's: what it has in common with its likes under other runtimes.
    pub fn stem(&self) -> &str {
        let suffix = self.runtime.as_ref().map(|runtime| format!("+{}", runtime.spec));
        suffix.and_then(|suffix| self.id.strip_suffix(&suffix)).unwrap_or(&self.id)
    }

    /// Whether the same runtime ran both.
    pub fn runs_like(&self, other: &Target) -> bool {
        self.runtime == other.runtime
    }
}

/// What ran a suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Runtime {
    /// `Node` or `Bun`.
    pub name: String,
    /// As `24.21.0`.
    pub version: String,
    /// What was asked for: `node` (the one on the path), `node@24`, `bun`.
    pub spec: String,
}

impl std::fmt::Display for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// The file of an adapter outside this repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AdapterFile {
    /// As it was given.
    pub path: String,
    /// Of the file, hexadecimal.
    pub sha256: String,
    /// Of the program that was made of it and of the files that it imports, hexadecimal.
    pub program_sha256: String,
}

/// A library with its adapter and the AWS SDK as one minified file, as it would be shipped to Lambda.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    /// `esbuild 0.28.2`.
    pub bundled_by: String,
    /// KiB (1,024 bytes); null where it can't be bundled.
    pub minified_kib: Option<f64>,
    /// The same after gzip, KiB.
    pub gzip_kib: Option<f64>,
    /// Why there is no bundle, or why it can't be imported.
    pub reason: Option<String>,
}

/// What of a library's own repository was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// The manifest's version, marked as a source's: `1.2.0+source.0123456`; where no commit says what was measured with
    /// a hash of what was bundled, `1.2.0+source.0123456.dirty.89abcdef`.
    pub version: String,
    /// The repository's commit; null outside a repository.
    pub commit: Option<String>,
    /// Whether the packages' folders differ from that commit.
    pub dirty: Option<bool>,
    /// What made the sources into what was measured: `esbuild 0.28.2`; null where built files were taken as they lie.
    pub bundled_by: Option<String>,
    /// The range of `@aws-sdk/client-dynamodb` that its manifest names. What carried its calls is in `sdkVersion`.
    pub sdk_asked_for: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TargetStatus {
    Ok,
    /// It crashed, hung, threw, or spoke garbage.
    Failed,
    /// Its results were not what the data set says; it was not timed.
    WrongWork,
    /// npm could not deliver it, or it can't have such items.
    Unavailable,
}

/// One operation of one target at one scale: the summary of its rounds, and the rounds themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Measurement {
    pub scale: String,
    pub items: u32,
    pub operation: Operation,
    pub target: String,
    /// Timed calls of the latency phase, over all rounds.
    pub samples: u64,
    /// Rounds (fresh processes) that measured it.
    pub rounds: u32,
    /// Calls that threw, over all rounds and both phases.
    pub errors: u64,
    /// Why there are no figures, where there are none.
    pub failure: Option<Failure>,
    pub latency_ms: Option<Latency>,
    pub throughput: Option<Throughput>,
    /// The same with other numbers of calls in flight, where those were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_throughput: Vec<Throughput>,
    pub cpu: Option<Cpu>,
    /// What a call allocates; null where the runtime can't count it.
    #[serde(default)]
    pub allocation: Option<Allocation>,
    pub memory_mb: Option<Memory>,
    /// Work per call, as counted on the wire while the answers were recorded.
    pub work: Option<Work>,
    /// What is special about the recorded answers of this measurement, where anything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<RecordingNote>,
    /// Null for the baseline itself, and where either side has no figures.
    pub vs_baseline: Option<VsBaseline>,
    pub warnings: Vec<String>,
    /// The kind of each warning, in their order: a name that stays the same whatever the figures in its sentence are,
    /// as `approximate-p99` or `not-settled`. Empty in files of before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warning_kinds: Vec<String>,
    pub per_round: Vec<Round>,
}

impl Measurement {
    /// Whether it has a warning of this kind.
    pub fn has_warning(&self, kind: &str) -> bool {
        self.warning_kinds.iter().any(|known| known == kind)
    }

    /// The place of a measurement that was planned and has no figures yet.
    pub fn planned(scale: &Scale, operation: Operation, target: &str) -> Measurement {
        Measurement {
            scale: scale.name.clone(),
            items: scale.items,
            operation,
            target: target.to_owned(),
            samples: 0,
            rounds: 0,
            errors: 0,
            failure: None,
            latency_ms: None,
            throughput: None,
            more_throughput: Vec::new(),
            cpu: None,
            allocation: None,
            memory_mb: None,
            work: None,
            recording: None,
            vs_baseline: None,
            warnings: Vec::new(),
            warning_kinds: Vec::new(),
            per_round: Vec::new(),
        }
    }

    /// What it is of: a sentence.
    pub fn name(&self) -> String {
        format!("{} of {} ({})", self.operation, self.target, self.scale)
    }

    /// The rate with each number of calls in flight, that of the tables first.
    pub fn throughputs(&self) -> impl Iterator<Item = &Throughput> {
        self.throughput.iter().chain(&self.more_throughput)
    }
}

/// A failure as a value: at which stage, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// `install`, `start`, `verify`, `warm-up`, `measure`, `database`, `interrupted`.
    pub stage: String,
    pub cause: String,
}

/// Sequential latency (one call in flight) from tinybench's samples, milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    pub mean: f64,
    pub p50: f64,
    /// Null below 20 samples.
    pub p95: Option<f64>,
    /// Null below 100 samples.
    pub p99: Option<f64>,
    pub min: f64,
    pub max: f64,
    /// Null with a single round: one process can't say how processes differ.
    pub mean_ci95: Option<Interval>,
    pub p95_ci95: Option<Interval>,
    pub p99_ci95: Option<Interval>,
}

/// The rate that was sustained: calls completed over wall-clock time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Throughput {
    pub ops_per_sec: f64,
    pub concurrency: u32,
    pub ci95: Option<Interval>,
    /// CPU of the client during the phase, percent of one core.
    pub client_cpu_percent: Option<f64>,
    /// CPU of the database during the phase, percent of one core.
    pub database_cpu_percent: Option<f64>,
    /// Who held the rate back.
    pub limited_by: LimitedBy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum LimitedBy {
    /// The client's one JavaScript thread was busy.
    Client,
    /// The database was the busier side, and busy.
    Database,
    /// Both together used nearly all the machine's cores.
    Machine,
    /// Neither was busy, or this could not be measured.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Cpu {
    /// Of the client's process during the latency phase, by the sampler; percent of one core.
    pub percent_avg: Option<f64>,
    /// The highest of a window of at least 200 ms, of which the whole is one: never below the average. Null where no
    /// round had such a window.
    pub percent_peak: Option<f64>,
    /// User + system time per call against recorded answers, of the client's thread that runs JavaScript, by the
    /// process's own accounting; of the whole process where the system does not report one thread. Microseconds. Files
    /// of earlier versions have it from the latency phase.
    pub micros_per_op: f64,
    pub micros_per_op_ci95: Option<Interval>,
    /// The same of the whole process: with the threads that collect garbage and compile.
    #[serde(default)]
    pub process_micros_per_op: Option<f64>,
    #[serde(default)]
    pub process_micros_per_op_ci95: Option<Interval>,
    /// The same as `microsPerOp`, against the database in the latency phase.
    #[serde(default)]
    pub as_used_micros_per_op: Option<f64>,
    #[serde(default)]
    pub as_used_micros_per_op_ci95: Option<Interval>,
    /// Timed calls against recorded answers, over all rounds.
    #[serde(default)]
    pub samples: u64,
}

/// What a call allocates on the JavaScript heap, against recorded answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Allocation {
    pub bytes_per_op: f64,
    pub bytes_per_op_ci95: Option<Interval>,
    /// Garbage collections per 1,000 calls.
    pub collections_per_1000: f64,
}

/// What is special about the recorded answers of one measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RecordingNote {
    /// The library's requests differ from call to call; they are recognised by operation and key.
    pub varies: bool,
    /// Scan was recorded on so many of the table's items; null where it was on all.
    pub items_scanned: Option<u64>,
}

/// Resident set of the client's process during the operation, MiB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    pub avg: f64,
    /// Of each round's process the kernel's high-water mark where it keeps one per operation, else the highest
    /// reading; the mean over the rounds.
    pub peak: f64,
    pub peak_ci95: Option<Interval>,
}

/// What one call asked of the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Work {
    pub requests: f64,
    pub items_returned: f64,
    pub items_scanned: f64,
    pub capacity_units: Option<f64>,
    pub request_bytes: f64,
    pub response_bytes: f64,
}

/// Ratios to the baseline, paired by round; 1.1 is 10% more than the baseline. The interval of each is where another
/// run like this one would find it, in 95% of cases; the true ratio is in it in more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct VsBaseline {
    /// Null where the latency was not measured: of a scan of a large table.
    pub latency_ratio: Option<f64>,
    pub latency_ratio_ci95: Option<Interval>,
    pub cpu_ratio: f64,
    pub cpu_ratio_ci95: Option<Interval>,
    pub throughput_ratio: Option<f64>,
    pub throughput_ratio_ci95: Option<Interval>,
    /// Of bytes allocated per call.
    #[serde(default)]
    pub allocation_ratio: Option<f64>,
    #[serde(default)]
    pub allocation_ratio_ci95: Option<Interval>,
    /// Of CPU per call against the database: a check of `cpuRatio`.
    #[serde(default)]
    pub as_used_cpu_ratio: Option<f64>,
    #[serde(default)]
    pub as_used_cpu_ratio_ci95: Option<Interval>,
    /// On latency.
    pub verdict: Verdict,
    /// On CPU per call.
    pub cpu_verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The whole interval lies below 1, and not wholly within the margin of equivalence.
    Faster,
    /// The whole interval lies above 1, and not wholly within the margin of equivalence.
    Slower,
    /// The whole interval lies within the margin of equivalence.
    Same,
    /// Inconclusive: this run does not show which.
    Unclear,
}

/// One operation in one process: raw, as measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names)] // The names are the format's.
pub struct Round {
    /// From 0.
    pub round: u32,
    /// The target's place in the order of its round, from 0.
    pub place: u32,
    pub warm_up: WarmUp,
    /// Against recorded answers; null in files of earlier versions.
    #[serde(default)]
    pub client: Option<ClientPhase>,
    /// The latency phase, in the order of time.
    pub slices: Vec<Slice>,
    pub throughput: Option<ThroughputPhase>,
    /// The phases with other numbers of calls in flight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_throughput: Vec<ThroughputPhase>,
    /// What the sampler saw of the client's process from the operation's start to its end.
    pub usage: Option<Usage>,
    /// What the sampler saw of the database's process in the latency phase.
    pub database: Option<Usage>,
    pub errors: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct WarmUp {
    pub calls: u64,
    pub wall_ms: f64,
    /// Whether the process had settled when it was over.
    pub settled: bool,
    /// CPU per call of successive windows, microseconds.
    pub windows_us: Vec<f64>,
    /// In the same windows, the share of the process's CPU time beyond that of its JavaScript thread, relative to the
    /// thread's: 0.1 is 10%. V8 compiles there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub helper_shares: Vec<f64>,
}

/// The client's cost against recorded answers, in one process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClientPhase {
    /// In the order of time.
    pub slices: Vec<ClientSlice>,
    /// Calls whose allocation was counted; they are not timed.
    pub allocations: Vec<AllocationSlice>,
}

/// Some calls in a row against recorded answers, one in flight at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClientSlice {
    /// Since the run's start, milliseconds.
    pub at_ms: f64,
    pub calls: u64,
    pub wall_ms: f64,
    /// User + system time of the process, by its own accounting.
    pub cpu_ms: f64,
    /// Of it, that of the thread that runs JavaScript; absent where the system does not report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_ms: Option<f64>,
}

/// What some calls allocated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AllocationSlice {
    pub calls: u64,
    pub bytes: f64,
    /// Garbage collections.
    pub collections: u64,
}

/// Some timed calls in a row, one in flight at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names)] // The names are the format's.
pub struct Slice {
    /// Since the run's start, milliseconds.
    pub at_ms: f64,
    pub wall_ms: f64,
    /// User + system time of the process, by its own accounting.
    pub cpu_ms: f64,
    /// Of it, that of the thread that runs JavaScript; absent where the system does not report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_ms: Option<f64>,
    /// Latency of each call; sorted, since tinybench sorts them.
    pub samples_ms: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ThroughputPhase {
    pub at_ms: f64,
    /// Calls in flight: as requested, or 1 where a call takes so long that the latency phase serves for both.
    pub concurrency: u32,
    pub calls: u64,
    pub wall_ms: f64,
    pub cpu_ms: f64,
    pub database_cpu_ms: Option<f64>,
}

/// What the sampler saw of one process while it was its turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// CPU time that the kernel accounts to the process in the latency phase, milliseconds.
    pub cpu_ms: f64,
    /// Wall time of the latency phase while it was its turn.
    pub wall_ms: f64,
    /// Null where no window was long enough (200 ms).
    pub cpu_percent_peak: Option<f64>,
    pub memory_mb_avg: f64,
    pub memory_mb_peak: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DatabaseUsage {
    pub scale: String,
    pub operation: Operation,
    pub target: String,
    pub cpu_percent_avg: Option<f64>,
    pub memory_mb_peak: Option<f64>,
}

/// What a fresh process pays before it is warm; never mixed into the other figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ColdStart {
    pub scale: String,
    pub target: String,
    /// Time to import the library, milliseconds.
    pub import_ms: PerProcess,
    /// Time to import the library's bundle in a process of its own, milliseconds; null where there is none that works.
    #[serde(default)]
    pub bundled_import_ms: Option<PerProcess>,
    /// Resident set after the import, MiB.
    pub memory_mb: PerProcess,
    /// Time of the first call of each operation in the process, milliseconds, in the order in which they were made.
    pub first_call_ms: Vec<FirstCall>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FirstCall {
    pub operation: Operation,
    #[serde(flatten)]
    pub ms: PerProcess,
}

/// A mean over processes, its interval, and the values that it was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PerProcess {
    pub mean: f64,
    pub ci95: Option<Interval>,
    pub values: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Disturbance {
    pub kind: DisturbanceKind,
    /// Since the run's start, milliseconds; null for the whole run.
    pub at_ms: Option<f64>,
    /// What was seen and what it did: a sentence.
    pub detail: String,
    /// Whether conclusions suffer.
    pub serious: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DisturbanceKind {
    OtherLoad,
    CpuSteal,
    ClockFrequency,
    Swapping,
    Outliers,
    Drift,
    NotSettled,
    Accounting,
    DatabaseRestarted,
    FewRounds,
    /// The intervals are too wide to conclude from.
    Noise,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ScheduledRound {
    pub scale: String,
    pub round: u32,
    /// Target ids in the order in which they ran.
    pub order: Vec<String>,
}

/// Readings of the watched processes over the run's time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    pub readings: Vec<Reading>,
    pub bands: Vec<Band>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    pub at_ms: f64,
    /// A target's id, or `database`.
    pub process: String,
    pub cpu_percent: f64,
    pub memory_mb: f64,
}

/// One operation of one target, from its start to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Band {
    pub from_ms: f64,
    pub to_ms: f64,
    pub scale: String,
    pub round: u32,
    pub target: String,
    pub operation: Operation,
}
