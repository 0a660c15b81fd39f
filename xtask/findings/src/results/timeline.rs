//! What the sampler saw over a run's time.

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Operation;

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
