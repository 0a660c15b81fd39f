//! Warming up against recorded answers, and the rule that says when a process has settled. A JavaScript engine compiles
//! what is called often, in steps and next to the calls: the CPU of a call falls by half and more over some thousand
//! calls, whichever operations they are, since most of the code under them is the same.
//!
//! All targets of a round make equally many calls of each operation: the slowest to settle decides. Unequally warmed
//! processes would make a ratio out of their warm-up.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::results::{Operation, WarmUp};
use crate::workers::protocol::Ground;
use crate::workers::suite::VerifiedSuite;
use crate::workers::worker::{Fault, Health};

/// Calls of one cycle.
const ITEM_CALLS: u64 = 60;
const QUERY_CALLS: u64 = 12;
/// Scan runs the same few lines for each of its items, so that one scan warms as many calls of others do.
const SCAN_EVERY: u64 = 4;
/// Cycles of a step, between which it is decided whether to go on.
pub const STEP: u64 = 6;
/// The fewest cycles.
pub const FEWEST: u64 = 18;
/// The most cycles.
pub const MOST: u64 = 60;
/// So many cycles are compared with as many before them.
const COMPARED: usize = 6;
/// A fall from the one to the other by less than this share counts as none.
const TOLERANCE: f64 = 0.04;
/// While V8 still compiles much, its helper threads use more than this share of the JavaScript thread's time. It does
/// not depend on the core's speed, which may double or halve from one second to the next.
const HELPERS: f64 = 0.15;
/// A call is not expected to take longer than this.
const LONGEST_CALL: Duration = Duration::from_secs(1);

/// What the warm-up of each operation took, and whether the process had settled by its end.
pub type WarmUps = BTreeMap<Operation, WarmUp>;

/// The warm-up of one process so far.
#[derive(Debug, Clone, Default)]
pub struct Warming {
    cycles: u64,
    /// Of each cycle: CPU per call relative to the first time, as a logarithm averaged over the operations.
    levels: Vec<f64>,
    /// Of each cycle: helper threads' CPU over that of the JavaScript thread.
    helpers: Vec<f64>,
    pub operations: WarmUps,
}

impl Warming {
    /// Makes so many cycles of calls more, all operations in turn.
    ///
    /// # Errors
    /// Where the calls fail.
    pub fn warm(
        &mut self,
        suite: &mut VerifiedSuite,
        operations: &[Operation],
        cycles: u64,
        health: Health<'_>,
        now_at: impl Fn(Operation),
    ) -> Result<(), Fault> {
        for _ in 0..cycles {
            let (mut level, mut count, mut thread_ms, mut process_ms) = (0.0, 0.0, 0.0, 0.0);
            for &operation in operations {
                let calls = calls_of_cycle(operation, self.cycles, operations.len());
                if calls == 0 {
                    continue;
                }
                now_at(operation);
                let end = suite.warm_up(operation, calls, Ground::Recorded, LONGEST_CALL * calls as u32, health)?;
                let thread = end.thread_ms.unwrap_or(end.cpu_ms);
                let us = thread * 1e3 / end.calls.max(1) as f64;
                self.note(operation, end.calls, end.wall_ms, us, end.cpu_ms / thread.max(1e-3) - 1.0);
                thread_ms += thread;
                process_ms += end.cpu_ms;
                if operation != Operation::Scan || operations.len() == 1 {
                    level += us.max(1e-3).ln();
                    count += 1.0;
                }
            }
            self.cycles += 1;
            if count > 0.0 {
                self.levels.push((level / count).exp());
                self.helpers.push((process_ms / thread_ms.max(1e-3) - 1.0).max(0.0));
            }
        }
        let settled = self.has_settled();
        for one in self.operations.values_mut() {
            one.settled = settled;
        }
        Ok(())
    }

    fn note(&mut self, operation: Operation, calls: u64, wall_ms: f64, us: f64, helpers: f64) {
        let one = self.operations.entry(operation).or_insert_with(|| WarmUp {
            calls: 0,
            wall_ms: 0.0,
            settled: false,
            windows_us: Vec::new(),
            helper_shares: Vec::new(),
        });
        one.calls += calls;
        one.wall_ms += wall_ms;
        one.windows_us.push((us * 10.0).round() / 10.0);
        one.helper_shares.push((helpers.max(0.0) * 1e3).round() / 1e3);
    }

    /// Whether the process has settled: enough cycles, V8's helpers near their floor, and CPU per call no longer falling.
    pub fn has_settled(&self) -> bool {
        self.cycles >= FEWEST && has_settled(&self.levels, &self.helpers)
    }
}

/// Calls of an operation in a cycle.
fn calls_of_cycle(operation: Operation, cycle: u64, operations: usize) -> u64 {
    match operation {
        Operation::Scan if operations > 1 && cycle % SCAN_EVERY != 0 => 0,
        Operation::Scan => 1,
        Operation::Query => QUERY_CALLS * alone(operations),
        _ => ITEM_CALLS * alone(operations),
    }
}

/// A run of one or two operations warms the code under all of them by these alone.
fn alone(operations: usize) -> u64 {
    (4 / operations.max(1) as u64).max(1)
}

/// Whether the median of the last cycles is not lower than that of as many before them, and the helpers are quiet.
fn has_settled(levels: &[f64], helpers: &[f64]) -> bool {
    let Some(before) = levels.len().checked_sub(2 * COMPARED) else { return false };
    let (earlier, latest) = levels[before..].split_at(COMPARED);
    let quiet = median(&helpers[helpers.len().saturating_sub(COMPARED)..]) <= HELPERS;
    quiet && least(latest) >= least(earlier) * (1.0 - TOLERANCE)
}

/// The fastest third's mean: a core that is slowed for a second or two leaves it alone.
fn least(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let third = sorted.len().div_ceil(3);
    sorted.iter().take(third).sum::<f64>() / third.max(1) as f64
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: [f64; 12] = [0.06; 12];

    #[test]
    fn it_is_not_over_before_twelve_cycles() {
        assert!(!has_settled(&[700.0; 11], &QUIET));
        assert!(has_settled(&[700.0; 12], &QUIET));
    }

    #[test]
    fn it_is_not_over_while_cpu_per_call_falls() {
        let falling: Vec<f64> = (0..12).map(|i| 1_700.0 * 0.95_f64.powi(i)).collect();
        assert!(!has_settled(&falling, &QUIET));
    }

    #[test]
    fn it_is_not_over_while_helper_threads_still_compile() {
        assert!(!has_settled(&[700.0; 12], &[0.4; 12]));
    }

    #[test]
    fn a_core_that_slows_down_for_some_cycles_hides_no_fall_and_makes_none() {
        let mut levels = [700.0; 12];
        levels[7..10].fill(1_300.0);
        assert!(has_settled(&levels, &QUIET));
        let mut slowed_first = [700.0; 12];
        slowed_first[0..4].fill(1_300.0);
        assert!(has_settled(&slowed_first, &QUIET));
    }
}
