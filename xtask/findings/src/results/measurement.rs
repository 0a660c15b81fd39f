//! The figures of one target, operation and scale.

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Interval, Operation, Round, Scale};

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
    /// The highest of a window of at least 100 ms, of which the whole is one: never below the average. Null where no
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
