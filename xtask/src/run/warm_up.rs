//! Warming up against recorded answers, and the rule that says when a process has settled. A JavaScript engine compiles
//! what is called often, in steps and on threads of its own: the CPU of a call falls by half and more over some thousand
//! calls, whichever operations they are, since most of the code under them is the same. CPU per call itself does not show
//! the end of it, since a core's speed may double or halve from one second to the next; the compiling threads do.
//!
//! All targets of a round make equally many calls of each operation: the slowest to settle decides. Unequally warmed
//! processes would make a ratio out of their warm-up. A far slower target makes fewer calls, each of which runs more code;
//! where it is the last to settle, it goes on alone with them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::at_once::{at_once, cores};
use super::process::Process;
use super::{RoundPlan, Runner};
use crate::results::{Operation, WarmUp};
use crate::workers::protocol::Ground;
use crate::workers::suite::VerifiedSuite;
use crate::workers::worker::{Fault, Health};

/// Calls of one cycle.
const ITEM_CALLS: u64 = 60;
const QUERY_CALLS: u64 = 12;
/// Scan runs the same few lines for each of its items, so that one scan warms as many calls of others do.
const SCAN_EVERY: u64 = 3;
/// A target slower than this, as a multiple of the fastest, makes fewer calls.
const SLOW: f64 = 2.0;
/// The fewest calls of a far slower target, as a share of the others'.
const FEWEST_CALLS: f64 = 0.2;
/// Cycles of a step, between which it is decided whether to go on.
pub const STEP: u64 = 2;
/// Cycles after which it is known how slow the calls of each target are.
pub const FIRST: u64 = 2;
/// The fewest cycles: 1,900 calls of single items. Whether CPU per call is within 5% of where 8,000 more calls bring it
/// is what `cargo xtask selftest --part steady` finds out.
pub const FEWEST: u64 = 8;
/// The most cycles.
pub const MOST: u64 = 24;
/// So many of the last cycles are looked at.
const LAST: usize = 3;
/// While V8 still compiles much, its helper threads use more than this share of the JavaScript thread's time. It does
/// not depend on the core's speed, which may double or halve from one second to the next.
const HELPERS: f64 = 0.5;
/// A call is not expected to take longer than this.
const LONGEST_CALL: Duration = Duration::from_secs(1);

/// What the warm-up of each operation took, and whether the process had settled by its end.
pub type WarmUps = BTreeMap<Operation, WarmUp>;

/// The warm-up of one process so far.
#[derive(Debug, Clone, Default)]
pub struct Warming {
    cycles: u64,
    /// Of each cycle: helper threads' CPU over that of the JavaScript thread.
    helpers: Vec<f64>,
    pub operations: WarmUps,
}

impl Warming {
    /// Makes so many cycles of calls more, the operations in turn, each with its share of the calls; none without any.
    ///
    /// # Errors
    /// Where the calls fail.
    pub fn warm(
        &mut self,
        suite: &mut VerifiedSuite,
        operations: &[(Operation, f64)],
        cycles: u64,
        health: Health<'_>,
        now_at: impl Fn(Operation),
    ) -> Result<(), Fault> {
        if operations.is_empty() {
            return Ok(());
        }
        for _ in 0..cycles {
            let (mut thread_ms, mut process_ms) = (0.0, 0.0);
            for &(operation, share) in operations {
                let calls = calls_of_cycle(operation, self.cycles, operations.len(), share);
                if calls == 0 {
                    continue;
                }
                now_at(operation);
                let end = suite.warm_up(operation, calls, Ground::Recorded, LONGEST_CALL * calls as u32, health)?;
                let thread = end.thread_ms.unwrap_or(end.cpu_ms);
                let us = thread * 1e3 / end.calls.max(1) as f64;
                self.note(operation, end.calls, end.wall_ms, us, end.cpu_ms / thread.max(1e-3) - 1.0);
                if tells(operation, operations.len()) {
                    thread_ms += thread;
                    process_ms += end.cpu_ms;
                }
            }
            self.cycles += 1;
            self.helpers.push((process_ms / thread_ms.max(1e-3) - 1.0).max(0.0));
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

    /// Whether the process has settled: enough cycles, and V8's helper threads near their floor in the last ones.
    pub fn has_settled(&self) -> bool {
        self.cycles >= FEWEST && is_quiet(&self.helpers)
    }

    /// What a call of an operation took in its fastest window, microseconds of CPU: a core that slows down for a second
    /// makes no target look slow.
    pub fn least_us(&self, operation: Operation) -> Option<f64> {
        self.operations.get(&operation)?.windows_us.iter().copied().reduce(f64::min)
    }
}

impl Runner<'_> {
    /// Warms up all processes, as many at once as there are cores, until the slowest to settle has settled
    /// ([`going_on`]), for as long as the scale allows.
    pub(super) fn warm_up(&mut self, plan: RoundPlan, processes: &mut Vec<Process>) -> Result<(), Fault> {
        let begun = Instant::now();
        let mut cycles = 0;
        loop {
            let step = match cycles {
                0 => FIRST,
                FIRST => FEWEST - FIRST,
                _ => STEP,
            };
            let fewest = FEWEST.max(plan.scale.fewest_cycles);
            let shares = processes.iter().map(|process| (&process.warming, self.shares(process.target))).collect();
            let goes_on = going_on(shares, cycles, fewest);
            let going = goes_on.iter().filter(|shares| !shares.is_empty()).count();
            if going == 0 {
                return Ok(());
            }
            let took = begun.elapsed();
            // Later cycles are quicker than the first ones, in which the code is still cold.
            let part = STEP as f64 / cycles.max(1) as f64 * going as f64 / processes.len() as f64;
            let spent = cycles >= MOST || took + took.mul_f64(part) > plan.scale.longest_warm_up();
            if spent && cycles >= plan.scale.fewest_cycles.max(FIRST) {
                return Ok(());
            }
            self.warm_up_by(step, &goes_on, plan, processes)?;
            cycles += step;
        }
    }

    /// Makes so many cycles of calls more, each process of its operations.
    fn warm_up_by(
        &mut self,
        cycles: u64,
        goes_on: &[Shares],
        plan: RoundPlan,
        processes: &mut Vec<Process>,
    ) -> Result<(), Fault> {
        let outcomes: Vec<Result<(), Fault>> = {
            let this = &*self;
            // The slowest first, so that it isn't left to work alone at the end.
            let mut slowest_first: Vec<(usize, &mut Process)> = processes.iter_mut().enumerate().collect();
            slowest_first.sort_by(|(_, a), (_, b)| this.slowness(b.target).total_cmp(&this.slowness(a.target)));
            let mut outcomes = at_once(slowest_first, cores(), |(at, process)| {
                let (id, health) = (process.id.clone(), this.health());
                let now_at = |operation| this.observer.doing(&id, &format!("{operation} · warming up"));
                (at, process.warming.warm(&mut process.suite, &goes_on[at], cycles, &health, now_at))
            });
            outcomes.sort_by_key(|(at, _)| *at);
            outcomes.into_iter().map(|(_, outcome)| outcome).collect()
        };
        self.each_did(plan, processes, outcomes)?;
        for process in &*processes {
            for &operation in &self.plan.operations {
                if let Some(us) = process.warming.least_us(operation) {
                    self.recorded_ms.insert((process.target, operation), us / 1e3);
                }
            }
        }
        Ok(())
    }

    /// All operations, each with the share of its calls that a target makes.
    fn shares(&self, target: usize) -> Shares {
        self.plan.operations.iter().map(|&one| (one, self.warm_up_share(target, one))).collect()
    }

    /// The share of a warm-up's calls that a target makes of an operation: all of them, or fewer where its calls do so
    /// much more that they warm its code in fewer. Many slices of an earlier round say it best.
    fn warm_up_share(&self, target: usize, operation: Operation) -> f64 {
        let known = if self.client_ms.is_empty() { &self.recorded_ms } else { &self.client_ms };
        let all = known.iter().filter(|((_, one), _)| *one == operation).map(|(_, ms)| *ms);
        share_among(known.get(&(target, operation)).copied(), all)
    }

    /// What one call of every operation takes a target, milliseconds.
    fn slowness(&self, target: usize) -> f64 {
        self.recorded_ms.iter().filter(|((one, _), _)| *one == target).map(|(_, ms)| ms).sum()
    }
}

/// Whether helper threads that are busy with an operation's calls tell that they compile: long calls collect garbage on
/// the same threads.
fn tells(operation: Operation, operations: usize) -> bool {
    operations == 1 || operation.acts_on_one_item()
}

/// What a process calls in a cycle, each operation with the share of its calls that the process makes.
pub type Shares = Vec<(Operation, f64)>;

/// What each of some processes goes on with, after so many cycles of which all make at least `fewest`. Nobody goes on once
/// all have settled. Until then all go on with everything, but where only such are left as make fewer calls, those go on
/// alone, with what they make fewer calls of.
pub fn going_on(processes: Vec<(&Warming, Shares)>, cycles: u64, fewest: u64) -> Vec<Shares> {
    let fewer = |shares: &Shares| -> Shares { shares.iter().copied().filter(|(_, share)| *share < 1.0).collect() };
    let alone =
        |shares: &Shares| shares.iter().any(|&(operation, share)| share < 1.0 && tells(operation, shares.len()));
    let all = cycles < fewest || processes.iter().any(|(warming, shares)| !warming.has_settled() && !alone(shares));
    let goes_on = |(warming, shares): (&Warming, Shares)| {
        if all {
            shares
        } else if warming.has_settled() {
            Shares::new()
        } else {
            fewer(&shares)
        }
    };
    processes.into_iter().map(goes_on).collect()
}

/// Of the calls of a warm-up, the share of a target whose call takes so many times as long as the fastest's. Targets that
/// are about equally fast make equally many calls; a far slower one runs that much more code in each.
fn share(times: f64) -> f64 {
    if times.is_finite() && times > SLOW { (1.0 / times).max(FEWEST_CALLS) } else { 1.0 }
}

/// The same from what a call takes the target and what it takes all of them, in any one unit: all calls where nothing is
/// known of the target.
pub fn share_among(own: Option<f64>, all: impl Iterator<Item = f64>) -> f64 {
    let fastest = all.fold(f64::INFINITY, f64::min);
    own.map_or(1.0, |own| share(own / fastest))
}

/// Calls of an operation in a cycle.
fn calls_of_cycle(operation: Operation, cycle: u64, operations: usize, share: f64) -> u64 {
    let calls = match operation {
        Operation::Scan if operations == 1 => 1,
        // Its first one finds code that is warm from the others.
        Operation::Scan => {
            let period = (SCAN_EVERY as f64 / share).round() as u64;
            return u64::from(cycle % period == SCAN_EVERY - 1);
        }
        Operation::Query => QUERY_CALLS * alone(operations),
        _ => ITEM_CALLS * alone(operations),
    };
    ((calls as f64 * share).round() as u64).max(1)
}

/// A run of one or two operations warms the code under all of them by these alone.
fn alone(operations: usize) -> u64 {
    (4 / operations.max(1) as u64).max(1)
}

/// Whether the helper threads were quiet in most of the last cycles.
fn is_quiet(helpers: &[f64]) -> bool {
    helpers.len() >= LAST && median(&helpers[helpers.len() - LAST..]) <= HELPERS
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_not_over_while_helper_threads_still_compile() {
        assert!(!is_quiet(&[1.9, 0.9]));
        assert!(!is_quiet(&[1.9, 0.9, 0.55, 0.6, 0.2]));
        assert!(is_quiet(&[1.9, 0.9, 0.3, 0.35, 0.06, 0.04]));
    }

    #[test]
    fn one_late_burst_of_collecting_garbage_is_no_compiling() {
        assert!(is_quiet(&[0.9, 0.05, 0.4, 0.04]));
    }

    #[test]
    fn all_go_on_until_only_those_are_left_that_make_fewer_calls_and_these_with_them_alone() {
        let warming = |helpers| Warming { cycles: FEWEST, helpers: vec![helpers; LAST], ..Warming::default() };
        let (settled, compiles) = (&warming(0.1), &warming(0.9));
        let usual = || vec![(Operation::GetItem, 1.0), (Operation::DeleteItem, 1.0), (Operation::Query, 1.0)];
        let slow = || vec![(Operation::GetItem, 0.3), (Operation::DeleteItem, 1.0), (Operation::Query, 0.2)];
        let alone = vec![(Operation::GetItem, 0.3), (Operation::Query, 0.2)];
        let of = |a, b| going_on(vec![(a, usual()), (b, slow())], FEWEST, FEWEST);
        assert_eq!(of(settled, settled), [vec![], vec![]]);
        assert_eq!(of(compiles, settled), [usual(), slow()]);
        assert_eq!(of(compiles, compiles), [usual(), slow()]);
        assert_eq!(of(settled, compiles), [vec![], alone]);
        let few = going_on(vec![(settled, usual()), (compiles, slow())], FIRST, FEWEST);
        assert_eq!(few, [usual(), slow()], "the fewest cycles are everyone's");
        let only_queries = vec![(Operation::GetItem, 1.0), (Operation::Query, 0.2)];
        let goes_on = going_on(vec![(settled, usual()), (compiles, only_queries.clone())], FEWEST, FEWEST);
        assert_eq!(goes_on, [usual(), only_queries], "queries alone don't tell whether it has settled");
    }

    #[test]
    fn a_core_that_slows_down_for_a_second_makes_no_target_look_slow() {
        let mut warming = Warming::default();
        for us in [900.0, 880.0, 1_900.0] {
            warming.note(Operation::GetItem, 60, 60.0, us, 0.0);
        }
        assert_eq!((warming.least_us(Operation::GetItem), warming.least_us(Operation::Scan)), (Some(880.0), None));
    }

    #[test]
    fn targets_about_equally_fast_make_equally_many_calls_and_far_slower_ones_fewer() {
        assert_eq!((share(1.0), share(1.9), share(4.0), share(40.0)), (1.0, 1.0, 0.25, 0.2));
        assert!((share(f64::NAN) - 1.0).abs() < f64::EPSILON);
        let among = |own| share_among(own, [2.0, 1.0, 4.0].into_iter());
        assert_eq!((among(Some(4.0)), among(Some(1.0)), among(None)), (0.25, 1.0, 1.0));
        let of = |operation, share| (0..16).map(|cycle| calls_of_cycle(operation, cycle, 6, share)).sum::<u64>();
        assert_eq!((of(Operation::GetItem, 1.0), of(Operation::GetItem, 0.5)), (960, 480));
        assert_eq!((of(Operation::Scan, 1.0), of(Operation::Scan, 0.2)), (5, 1));
    }
}
