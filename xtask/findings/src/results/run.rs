//! How a run was made, on what, and how it went.

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Operation;

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
    /// Targets whose client cost was measured at the same time, each on a core of its own; one in files of earlier
    /// versions.
    #[serde(default = "one")]
    pub at_once: u32,
    /// The margin of equivalence around a ratio of 1: 0.03 means that 0.97 to 1.03 count as the same.
    pub equivalence_margin: f64,
    /// The run may stop early once every interval of a ratio is at most this wide on either side (0.02 is ±2%).
    pub precision: Option<f64>,
    /// Resamples of the bootstrap.
    pub resamples: u32,
}

fn one() -> u32 {
    1
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

/// How the targets of one round share the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Design {
    /// One target's process after the other.
    Sequential,
    /// All targets' processes alive and warm, taking turns of a few calls.
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
