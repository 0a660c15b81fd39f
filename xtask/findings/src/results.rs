//! `results.json` as types: data and nothing else. Whoever reads a [`Results`] doesn't know how it was made; the
//! report, the comparison and the history are made from this file alone.
//!
//! Conventions of the format: camelCase names; times in milliseconds unless the name says otherwise; memory in MiB
//! (1,048,576 bytes); CPU percent of one core (200 is two cores busy). A value that was not measured is `null`,
//! never 0.

pub mod baselines;
mod growth;
mod measurement;
mod operation;
mod ranges;
mod raw;
pub mod reading;
mod run;
pub mod schema;
mod target;
mod timeline;
mod values;

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the format that this program writes, and the only one it reads.
pub const SCHEMA_VERSION: u32 = 1;

/// Numbers of calls in flight that one run measures the throughput with: they share that phase's time.
pub const MOST_CONCURRENCIES: usize = 8;

/// The most rounds that a run makes by itself: more of them narrow an interval too little to be worth their time.
pub const MOST_ROUNDS: u32 = 20;

pub use growth::{GrowingFigure, Growth, GrowthPoint};
pub use measurement::{
    Allocation, Cpu, Failure, Latency, LimitedBy, Measurement, Memory, RecordingNote, Throughput, Verdict, VsBaseline,
    Work,
};
pub use operation::Operation;
pub use raw::{
    AllocationSlice, ClientPhase, ClientSlice, DatabaseUsage, RareCost, Round, Slice, ThroughputPhase, Usage, WarmUp,
};
pub use run::{
    Backend, CallKind, Database, Design, Disturbance, DisturbanceKind, Environment, ItemNote, QueryBy, RecordedAnswers,
    Run, RunStatus, Scale, ScheduledRound, Settings, TimeUse,
};
pub use stats::Interval;
pub use target::{
    AdapterFile, Bundle, Caveat, ColdStart, DescribedCall, FirstCall, PerProcess, Runtime, Source, Target, TargetStatus,
};
pub use timeline::{Band, Reading, Timeline};
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
