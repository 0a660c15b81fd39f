//! What the processes of each round gave, from which every figure is made.

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Operation;

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
    /// How what rare slices cost was shared out among the operations; null where every slice counts as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rare: Option<RareCost>,
}

/// A slice costs the lesser of what it took and the cap, and the share on top of that.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RareCost {
    /// The 95th percentile of the operation's slices in this process, microseconds of CPU time per call.
    pub cap_us: f64,
    /// What was cut off above the caps as a share of what is left, over all operations on single items of the process.
    pub share: f64,
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
    /// Null where no window was long enough (100 ms).
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
