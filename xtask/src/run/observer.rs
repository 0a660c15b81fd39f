//! Who listens to a run. Measuring code says what happens; what a person sees of it is somebody else's job.

use std::time::Instant;

use crate::results::{Operation, Results};

/// A round that begins.
#[derive(Debug, Clone, Copy)]
pub struct Began<'a> {
    pub scale: &'a str,
    /// For people, with its number.
    pub title: &'a str,
    /// Rounds of this scale that were finished before, and how many there will be.
    pub done: u32,
    pub planned: u32,
    /// When the scale will have ended, as it looks, where that is known.
    pub until: Option<Instant>,
    /// Ids, in the order of the round.
    pub targets: &'a [String],
}

/// Listens to a run. Every method has a default that does nothing.
pub trait Observer: Sync {
    /// A round begins.
    fn round_began(&self, _round: Began<'_>) {}

    /// When the scale will have ended, as it looks now.
    fn ends_at(&self, _when: Instant) {}

    /// What a target is doing now.
    fn doing(&self, _target: &str, _what: &str) {}

    /// How fast a target just was, calls a second.
    fn rate(&self, _target: &str, _what: &str, _per_second: f64) {}

    /// How much of its round a target has done, 0 to 1.
    fn progress(&self, _target: &str, _share: f64) {}

    /// What a call of an operation cost each target's client in this round, microseconds.
    fn costs(&self, _operation: Operation, _micros: &[(String, f64)]) {}

    /// The round is over, and the results hold it.
    fn round_ended(&self, _results: &Results) {}

    /// Something that takes a while begins.
    fn step_began(&self, _what: &str) {}

    /// How far it is.
    fn step_at(&self, _done: u64, _total: u64) {}

    /// It is done, with this result.
    fn step_ended(&self, _result: &str) {}

    /// A line for people.
    fn line(&self, _text: &str) {}

    /// Something that should be seen.
    fn warn(&self, _text: &str) {}
}

/// Nobody listens.
pub struct Nobody;

impl Observer for Nobody {}
