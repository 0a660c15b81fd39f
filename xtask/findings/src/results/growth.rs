//! How cost grows with the table.

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Interval, Operation};

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
