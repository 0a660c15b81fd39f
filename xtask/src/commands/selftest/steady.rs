//! Steady state: whether a process that is called settled is where 8,000 more calls bring it, for every library and
//! operation. Each process is its own measure, before and after those calls: two processes of one program may differ by
//! more than a warm-up leaves. Both times it takes turns with two reference processes, so that the core's speed drops
//! out. A process's cost wanders by itself, long after it has settled: how far the two drift apart says how much.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::part::Session;
use super::ratios::{Log, judge, mean_of};
use super::rig::{Process, Rig};
use super::trial::Trial;
use crate::machine::core;
use crate::plan::turns::SliceLength;
use crate::results::Operation;
use crate::run::PASSES;
use crate::run::at_once::{at_once, cores};
use crate::run::warm_up::{self, Shares, Warming};
use crate::system::format::count;
use crate::system::interrupt;
use crate::workers::protocol::Ground;
use crate::workers::worker::Fault;
use stats::components::within_round;
use stats::parts::{Part, Parts, per_call, sum};

const PART: &str = "steady";
/// Calls of each operation after the process was called settled.
const MORE_CALLS: u64 = 8_000;
/// The longest that they take for one operation; some of a slow one are enough then.
const LONGEST: Duration = Duration::from_secs(20);
const LONGEST_SCANS: Duration = Duration::from_secs(8);
/// Calls between two looks at the clock.
const CHUNK: u64 = 250;
/// Calls of an operation that a process makes anew before it is measured, where it made others for minutes: its next
/// hundreds of calls cost up to a quarter more.
const ANEW: u64 = 500;
const QUERIES_ANEW: u64 = 50;
/// A call is not expected to take longer than this.
const LONGEST_CALL: Duration = Duration::from_secs(5);
/// How far what was settled may be from there.
const WITHIN: f64 = 0.05;
/// Turns of each process in a pass over an operation: in all passes as many as in a run's round, since they warm it too.
const TURNS: u64 = 25;
const FEWEST_TURNS: u64 = 2;
/// The longest that the turns of one process take in a pass over an operation.
const LONGEST_PASS: Duration = Duration::from_millis(400);
/// Repetitions with fresh processes where the time suffices.
const MOST_REPETITIONS: u32 = 4;

/// Whose cost is compared with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    /// A process of a library with the references.
    Library(usize),
    /// The first reference with the second one.
    Reference,
}

/// A logarithm and its variance.
type Known = (f64, f64);
/// What each process cost before, over what it cost after.
type Found = BTreeMap<(Side, Operation), Vec<Known>>;

pub fn run(session: &mut Session<'_>, time: Duration) -> anyhow::Result<Vec<Trial>> {
    let begun = Instant::now();
    let (operations, folder, clock) = (session.operations(), session.folder(PART), session.clock);
    let lab = session.lab()?;
    let libraries = lab.libraries.clone();
    let mut steady = Steady::start(Rig::start(lab, libraries.clone(), operations.clone(), folder)?, &operations)?;
    let mut repetitions = 0;
    let mut last = Duration::ZERO;
    while repetitions == 0 || (repetitions < MOST_REPETITIONS && begun.elapsed() + last < time) {
        clock.now(&format!("repetition {}", repetitions + 1));
        let start = Instant::now();
        steady.repeat()?;
        last = start.elapsed();
        repetitions += 1;
    }
    let Steady { rig, references, found, unsettled, .. } = steady;
    for reference in references {
        reference.suite.end();
    }
    rig.end();
    let drifts = found.iter().filter(|((side, _), _)| *side == Side::Reference).flat_map(|(_, drifts)| drifts);
    let wander = wander(&drifts.copied().collect::<Vec<_>>());
    let mut trials = Vec::new();
    for (at, library) in libraries.iter().enumerate() {
        let changes: Vec<(Operation, Log)> = operations
            .iter()
            .filter_map(|&operation| Some((operation, combined(found.get(&(Side::Library(at), operation))?, wander)?)))
            .collect();
        let (found, outcome) = judge(mean_of(&changes), &changes, [WITHIN; 2], &operations);
        let required = format!("within {:.0}% of {} calls later", WITHIN * 100.0, count(MORE_CALLS));
        let details = changes.iter().map(|(operation, log)| format!("{operation}: {}", log.percent())).collect();
        trials.push(Trial::new(PART, library.name, required, found, outcome).with(details));
    }
    let processes = repetitions as usize * libraries.len();
    let all_settled = format!("{} of {processes} processes", processes - unsettled);
    trials.push(Trial::new(
        PART,
        "settled",
        format!("every process, in {} cycles at most, however long they take", warm_up::MOST),
        all_settled,
        unsettled == 0,
    ));
    if let Some(trial) = trials.first_mut() {
        trial.details.extend([
            format!("{repetitions} fresh processes of each library in {:.0} s", begun.elapsed().as_secs_f64()),
            format!("a process's cost wanders by {:.1}%", wander.sqrt() * 100.0),
        ]);
    }
    Ok(trials)
}

/// What one costs over what the other does.
type Measured = BTreeMap<(Side, Operation), Option<Known>>;

struct Steady<'a, 'b, 'c> {
    rig: Rig<'a, 'b>,
    operations: &'c [Operation],
    references: [Process; 2],
    found: Found,
    /// Processes that had not settled after the most cycles of a warm-up.
    unsettled: usize,
}

impl<'a, 'b, 'c> Steady<'a, 'b, 'c> {
    /// Records every library, and makes two processes of the first one the references.
    fn start(mut rig: Rig<'a, 'b>, operations: &'c [Operation]) -> anyhow::Result<Steady<'a, 'b, 'c>> {
        let all: Vec<usize> = (0..rig.libraries.len()).collect();
        let mut recorded = rig.start_processes(&all)?;
        let first = recorded.remove(0);
        for process in recorded {
            process.suite.end();
        }
        let mut references = [first, rig.start_processes(&[0])?.remove(0)];
        more_calls_of_each(&rig, references.iter_mut().collect(), operations)?;
        Ok(Steady { rig, operations, references, found: Found::new(), unsettled: 0 })
    }

    /// A fresh process of each library: warmed by the rule of a run, measured, given its further calls, measured again.
    fn repeat(&mut self) -> anyhow::Result<()> {
        let all: Vec<usize> = (0..self.rig.libraries.len()).collect();
        let mut processes = self.rig.start_processes(&all)?;
        self.unsettled += warm(&self.rig, &mut processes, self.operations)?;
        let before = self.measure(&mut processes, false)?;
        more_calls_of_each(&self.rig, processes.iter_mut().rev().collect(), self.operations)?;
        let after = self.measure(&mut processes, true)?;
        for (cell, before) in before {
            if let Some(((early, early_variance), (late, late_variance))) = before.zip(after[&cell]) {
                self.found.entry(cell).or_default().push((early - late, early_variance + late_variance));
            }
        }
        for process in processes {
            process.suite.end();
        }
        Ok(())
    }

    /// What each process costs for each operation over what the references do, in passes over the operations as in a run.
    /// The references are warmed anew, and the processes where `anew` says so.
    fn measure(&mut self, processes: &mut [Process], anew: bool) -> anyhow::Result<Measured> {
        let both_sides = |process: &Process| (process.pid, self.rig.answering(process));
        let pairs: Vec<_> = processes.iter().chain(&self.references).map(both_sides).collect();
        let core = core::last(1)[0];
        for &(pid, answers) in &pairs {
            core.keep(pid, answers);
        }
        for process in processes.iter_mut().filter(|_| anew).chain(&mut self.references) {
            warm_anew(&self.rig, process, self.operations)?;
        }
        let mut cells: Vec<Slices> = self.operations.iter().map(|_| Slices::of(processes.len())).collect();
        for pass in 0..PASSES {
            for (&operation, slices) in self.operations.iter().zip(&mut cells) {
                self.pass(pass, operation, processes, slices)?;
            }
        }
        for (pid, answers) in pairs {
            core::let_go(pid, answers);
        }
        let mut measured = BTreeMap::new();
        for (&operation, slices) in self.operations.iter().zip(&cells) {
            for (process, (ours, theirs)) in processes.iter().zip(&slices.pairs) {
                measured.insert((Side::Library(process.at), operation), log_ratio(ours, theirs));
            }
            let [first, second] = &slices.references;
            measured.insert((Side::Reference, operation), log_ratio(first, second));
        }
        Ok(measured)
    }

    /// Some turns of one operation: those of a slow process end before those of the others.
    fn pass(
        &mut self,
        pass: u64,
        operation: Operation,
        processes: &mut [Process],
        slices: &mut Slices,
    ) -> anyhow::Result<()> {
        let mut spent_ms = vec![0.0; processes.len()];
        for turn in 0..TURNS {
            interrupt::check()?;
            let all = pass * TURNS + turn;
            let goes_on = |spent_ms: f64| turn < FEWEST_TURNS || spent_ms <= LONGEST_PASS.as_secs_f64() * 1e3;
            if !spent_ms.iter().any(|&spent_ms| goes_on(spent_ms)) {
                break;
            }
            let calls = SliceLength::client(operation).calls_of_a_slice(self.rig.lots(operation), all);
            for at in [all as usize % 2, (all as usize + 1) % 2] {
                let part = self.rig.client_slice(&mut self.references[at], operation, calls)?;
                slices.references[at].push(part);
            }
            let reference = sum(slices.references.iter().filter_map(|parts| parts.last()));
            for place in 0..processes.len() {
                // Who follows the references changes from turn to turn.
                let at = (place + all as usize) % processes.len();
                if goes_on(spent_ms[at]) {
                    let part = self.rig.client_slice(&mut processes[at], operation, calls)?;
                    spent_ms[at] += part.total;
                    let (ours, theirs) = &mut slices.pairs[at];
                    ours.push(part);
                    theirs.push(reference);
                }
            }
        }
        Ok(())
    }
}

/// What was measured of one operation.
struct Slices {
    /// Of each process, and the references' in the same turns.
    pairs: Vec<(Parts, Parts)>,
    references: [Parts; 2],
}

impl Slices {
    fn of(processes: usize) -> Slices {
        Slices { pairs: vec![Default::default(); processes], references: Default::default() }
    }
}

/// Warms processes up by the rule of a run, all together; how many had not settled by its end.
fn warm(rig: &Rig<'_, '_>, processes: &mut [Process], operations: &[Operation]) -> Result<usize, Fault> {
    let health = rig.health();
    let mut warmings = vec![Warming::default(); processes.len()];
    let mut cycles = 0;
    while cycles < warm_up::MOST {
        let goes_on = warm_up::going_on(shares(&warmings, operations), cycles, warm_up::FEWEST);
        if goes_on.iter().all(Shares::is_empty) {
            break;
        }
        let step = if cycles == 0 { warm_up::FIRST } else { warm_up::STEP };
        let both: Vec<_> = processes.iter_mut().zip(&mut warmings).zip(&goes_on).collect();
        let outcomes = at_once(both, cores(), |((process, warming), shares)| {
            warming.warm(&mut process.suite, shares, step, &health, |_| {})
        });
        outcomes.into_iter().collect::<Result<(), Fault>>()?;
        cycles += step;
    }
    Ok(warmings.iter().filter(|warming| !warming.has_settled()).count())
}

/// Of each process, the operations with the share of their calls that it makes.
fn shares<'a>(warmings: &'a [Warming], operations: &[Operation]) -> Vec<(&'a Warming, Shares)> {
    let share = |warming: &Warming, operation| {
        let all = warmings.iter().filter_map(|one| one.least_us(operation));
        (operation, warm_up::share_among(warming.least_us(operation), all))
    };
    let of = |warming| (warming, operations.iter().map(|&operation| share(warming, operation)).collect());
    warmings.iter().map(of).collect()
}

fn more_calls_of_each(rig: &Rig<'_, '_>, processes: Vec<&mut Process>, operations: &[Operation]) -> anyhow::Result<()> {
    let outcomes = at_once(processes, cores(), |process| more_calls(rig, process, operations));
    outcomes.into_iter().collect()
}

/// Makes 8,000 calls more of each operation, or as many as its time allows.
fn more_calls(rig: &Rig<'_, '_>, process: &mut Process, operations: &[Operation]) -> anyhow::Result<()> {
    let health = rig.health();
    for &operation in operations {
        let (longest, chunk) = match operation {
            Operation::Scan => (LONGEST_SCANS, 1),
            _ => (LONGEST, CHUNK),
        };
        let begun = Instant::now();
        let mut made = 0;
        // Single items are never cut short.
        let is_item = !matches!(operation, Operation::Query | Operation::Scan);
        while made < MORE_CALLS && (is_item || begun.elapsed() < longest) {
            process.suite.warm_up(operation, chunk, Ground::Recorded, LONGEST_CALL * chunk as u32, &health)?;
            made += chunk;
        }
    }
    Ok(())
}

/// Makes some calls of each operation.
fn warm_anew(rig: &Rig<'_, '_>, process: &mut Process, operations: &[Operation]) -> Result<(), Fault> {
    for &operation in operations {
        let calls = match operation {
            Operation::Scan => 1,
            Operation::Query => QUERIES_ANEW,
            _ => ANEW,
        };
        let longest = LONGEST_CALL * calls as u32;
        process.suite.warm_up(operation, calls, Ground::Recorded, longest, &rig.health())?;
    }
    Ok(())
}

/// What one side costs over what the other does.
fn log_ratio(ours: &[Part], theirs: &[Part]) -> Option<Known> {
    let ((ours_each, theirs_each), variance) = per_call(ours).zip(per_call(theirs)).zip(within_round(ours, theirs))?;
    Some(((ours_each / theirs_each).ln(), variance))
}

/// The variance by which a process's cost wanders from one measurement to the other, beyond what the slices of both
/// explain, of how two settled processes drift apart (by the method of moments; not negative).
fn wander(drifts: &[Known]) -> f64 {
    let excesses: Vec<f64> = drifts.iter().map(|(drift, variance)| (drift * drift - variance) / 2.0).collect();
    stats::mean(&excesses).unwrap_or(0.0).max(0.0)
}

/// The mean of what some processes show. Its interval is from their slices, and from how each process and the mean of the
/// two references wander.
fn combined(processes: &[Known], wander: f64) -> Option<Log> {
    let value = stats::mean(&processes.iter().map(|(value, _)| *value).collect::<Vec<_>>())?;
    let variance: f64 = processes.iter().map(|(_, variance)| variance + 1.5 * wander).sum();
    Some(Log { value, half: stats::student::Z_975 * variance.sqrt() / processes.len() as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_are_known_better_than_one() {
        let one = combined(&[(0.02, 0.0004)], 0.0004).unwrap();
        let two = combined(&[(0.02, 0.0004), (0.04, 0.0004)], 0.0004).unwrap();
        assert!((two.value - 0.03).abs() < 1e-12);
        assert!((one.half / two.half - 2.0_f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn what_two_settled_processes_drift_apart_widens_every_interval_by_what_their_slices_leave_unexplained() {
        assert!([&[(0.02, 0.0004), (-0.01, 0.0004)][..], &[]].into_iter().all(|drifts| wander(drifts) <= 0.0));
        let wander = wander(&[(0.06, 0.0004), (-0.02, 0.0004)]);
        assert!((wander - 0.0008).abs() < 1e-12, "half of 0.0032 and of 0: {wander}");
        let half = |wander| combined(&[(0.02, 0.0004)], wander).unwrap().half;
        assert!((half(wander) / half(0.0) - 2.0).abs() < 1e-9, "{} and {}", half(wander), half(0.0));
    }
}
