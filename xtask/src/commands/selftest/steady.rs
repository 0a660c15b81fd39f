//! Steady state: whether a process that is called settled is where 8,000 more calls bring it, for every library and
//! operation. Each process is its own measure, before and after those calls: two processes of one program may differ by
//! more than a warm-up leaves. Both times it takes turns with one reference process, so that the core's speed drops out.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::part::Session;
use super::ratios::{Log, judge};
use super::rig::{Process, Rig};
use super::trial::Trial;
use crate::machine::core;
use crate::plan::turns::SliceLength;
use crate::results::Operation;
use crate::run::at_once::{at_once, cores};
use crate::run::warm_up::{self, Shares, Warming};
use crate::system::format::count;
use crate::system::interrupt;
use crate::workers::protocol::Ground;
use crate::workers::worker::Fault;
use stats::components::within_round;
use stats::parts::{Part, Parts, per_call};

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
/// Turns of each process before the calls and after them, and the longest that its own take. Before them they are as
/// many as in a run's round, since they warm it too.
const TURNS: [(u64, Duration); 2] = [(100, Duration::from_millis(1_600)), (250, Duration::from_millis(3_500))];
const FEWEST_TURNS: u64 = 6;
/// Repetitions with fresh processes where the time suffices.
const MOST_REPETITIONS: u32 = 4;

/// Of each library and operation: what each process cost before, over what it cost after, as a logarithm and its
/// variance.
type Found = BTreeMap<(usize, Operation), Vec<(f64, f64)>>;

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
    let Steady { rig, reference, found, unsettled, .. } = steady;
    reference.suite.end();
    rig.end();
    let mut trials = Vec::new();
    for (at, library) in libraries.iter().enumerate() {
        let changes: Vec<(Operation, Log)> = operations
            .iter()
            .filter_map(|&operation| Some((operation, combined(found.get(&(at, operation))?)?)))
            .collect();
        let (found, outcome) = judge(&changes, WITHIN, &operations);
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
        trial
            .details
            .push(format!("{repetitions} fresh processes of each library in {:.0} s", begun.elapsed().as_secs_f64()));
    }
    Ok(trials)
}

/// Of each library and operation: the logarithm of what it costs over what the reference does, and its variance.
type Measured = BTreeMap<(usize, Operation), Option<(f64, f64)>>;

struct Steady<'a, 'b, 'c> {
    rig: Rig<'a, 'b>,
    operations: &'c [Operation],
    reference: Process,
    found: Found,
    /// Processes that had not settled after the most cycles of a warm-up.
    unsettled: usize,
}

impl<'a, 'b, 'c> Steady<'a, 'b, 'c> {
    /// Records every library, and makes a process of the first one the reference.
    fn start(mut rig: Rig<'a, 'b>, operations: &'c [Operation]) -> anyhow::Result<Steady<'a, 'b, 'c>> {
        let all: Vec<usize> = (0..rig.libraries.len()).collect();
        let mut recorded = rig.start_processes(&all)?;
        let mut reference = recorded.remove(0);
        for process in recorded {
            process.suite.end();
        }
        more_calls(&rig, &mut reference, operations)?;
        Ok(Steady { rig, operations, reference, found: Found::new(), unsettled: 0 })
    }

    /// A fresh process of each library: warmed by the rule of a run, measured, given its further calls, measured again.
    fn repeat(&mut self) -> anyhow::Result<()> {
        let all: Vec<usize> = (0..self.rig.libraries.len()).collect();
        let mut processes = self.rig.start_processes(&all)?;
        self.unsettled += warm(&self.rig, &mut processes, self.operations)?;
        let before = self.measure(&mut processes, TURNS[0], false)?;
        let outcomes = {
            let rig = &self.rig;
            at_once(processes.iter_mut().rev().collect(), cores(), |process| more_calls(rig, process, self.operations))
        };
        outcomes.into_iter().collect::<anyhow::Result<()>>()?;
        let after = self.measure(&mut processes, TURNS[1], true)?;
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

    /// What each process costs for each operation over what the reference does, as a logarithm with its variance. The
    /// reference is warmed anew, and the processes where `anew` says so.
    fn measure(
        &mut self,
        processes: &mut [Process],
        (turns, longest): (u64, Duration),
        anew: bool,
    ) -> anyhow::Result<Measured> {
        let both_sides = |process: &Process| (process.pid, self.rig.answering(process));
        let pairs: Vec<_> = processes.iter().chain([&self.reference]).map(both_sides).collect();
        let core = core::last(1)[0];
        for &(pid, answers) in &pairs {
            core.keep(pid, answers);
        }
        let mut measured = BTreeMap::new();
        for &operation in self.operations {
            let again = processes.iter_mut().filter(|_| anew).chain([&mut self.reference]);
            for process in again {
                warm_anew(&self.rig, process, operation)?;
            }
            let mut sides: Vec<(Parts, Parts, f64)> = vec![Default::default(); processes.len()];
            for turn in 0..turns {
                interrupt::check()?;
                let calls = SliceLength::client(operation).calls_of_a_slice(self.rig.lots(operation), turn);
                let reference = self.rig.client_slice(&mut self.reference, operation, calls)?;
                for place in 0..processes.len() {
                    // Who follows the reference changes from turn to turn.
                    let at = (place + turn as usize) % processes.len();
                    let (ours, theirs, spent_ms) = &mut sides[at];
                    if turn >= FEWEST_TURNS && *spent_ms > longest.as_secs_f64() * 1e3 {
                        continue;
                    }
                    let part: Part = self.rig.client_slice(&mut processes[at], operation, calls)?;
                    *spent_ms += part.total;
                    ours.push(part);
                    theirs.push(reference);
                }
            }
            for (process, (ours, theirs, _)) in processes.iter().zip(&sides) {
                let known = per_call(ours).zip(per_call(theirs)).zip(within_round(ours, theirs));
                let log = known.map(|((ours, theirs), variance)| ((ours / theirs).ln(), variance));
                measured.insert((process.at, operation), log);
            }
        }
        for (pid, answers) in pairs {
            core::let_go(pid, answers);
        }
        Ok(measured)
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

fn warm_anew(rig: &Rig<'_, '_>, process: &mut Process, operation: Operation) -> Result<(), Fault> {
    let calls = match operation {
        Operation::Scan => 1,
        Operation::Query => QUERIES_ANEW,
        _ => ANEW,
    };
    let longest = LONGEST_CALL * calls as u32;
    process.suite.warm_up(operation, calls, Ground::Recorded, longest, &rig.health()).map(drop)
}

/// The mean of what some processes show. Its interval is from their slices.
fn combined(processes: &[(f64, f64)]) -> Option<Log> {
    let value = stats::mean(&processes.iter().map(|(value, _)| *value).collect::<Vec<_>>())?;
    let variance: f64 = processes.iter().map(|(_, variance)| variance).sum();
    Some(Log { value, half: stats::student::Z_975 * variance.sqrt() / processes.len() as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_are_known_better_than_one() {
        let one = combined(&[(0.02, 0.0004)]).unwrap();
        let two = combined(&[(0.02, 0.0004), (0.04, 0.0004)]).unwrap();
        assert!((two.value - 0.03).abs() < 1e-12);
        assert!((one.half / two.half - 2.0_f64.sqrt()).abs() < 1e-9);
    }
}
