//! V8's thresholds: every library twice in the same rounds, once started with the lowered thresholds of a run and once
//! without, all warmed by several thousand calls. A ratio that the flags change would be a wrong number: it changes by as
//! much as the library's cost changes more than the baseline's.

use std::collections::BTreeMap;
use std::time::Duration;

use super::lab::{AROUND_A_RUN, copy, length};
use super::part::Session;
use super::ratios::{Log, by_round, judge, mean_of_rounds, rounds};
use super::trial::Trial;
use crate::analysis::summary::cpu_parts;
use crate::plan::library::Library;
use crate::plan::request::Emphasis;
use crate::results::{Operation, Results};

const PART: &str = "flags";
/// How far a ratio may change, and how well the mean change of a library's ratios must be known. Two processes of one
/// program differ by about 2%, and each round compares four of them, so that a few rounds don't show 2% themselves.
const LIMIT: f64 = 0.02;
const KNOWN_TO: f64 = 0.05;
/// Cycles of warming up: 8,000 calls of single items or more, after which processes with the usual thresholds have
/// settled too.
const CYCLES: u64 = 34;
/// About how long a round takes.
const ROUND: Duration = Duration::from_secs(90);
const FEWEST_ROUNDS: u32 = 3;

pub fn run(session: &mut Session<'_>, time: Duration) -> anyhow::Result<Vec<Trial>> {
    let operations = session.operations();
    let lab = session.lab()?;
    let flags = lab.runtime.flags.clone();
    if flags.is_empty() {
        let found = format!("Node {} is started without any", lab.tools.node_version);
        return Ok(vec![Trial::new(PART, "thresholds", "ratios stay as they are", found, true)]);
    }
    let libraries = lab.libraries.clone();
    // Each library's two copies follow each other, so that they take turns next to each other.
    let twice: Vec<Library> = libraries.iter().flat_map(|&library| [library; 2]).collect();
    let mut request = lab.request(&operations, &twice);
    request.experiment.emphasis = Emphasis::ClientCost;
    request.experiment.fewest_cycles = CYCLES;
    request.rounds = Some(((time.as_secs_f64() / ROUND.as_secs_f64()) as u32).max(FEWEST_ROUNDS));
    request.budget = Some(time.saturating_sub(AROUND_A_RUN));
    let usual: Vec<usize> = (0..libraries.len()).map(|at| 2 * at + 1).collect();
    let results = lab.run(PART, &request, usual)?;
    let mut trials: Vec<Trial> =
        libraries[1..].iter().map(|&of| of_library(&results, &operations, libraries[0], of)).collect();
    if let Some(trial) = trials.first_mut() {
        trial.details.push(length("run", &results));
        trial.details.push(format!("flags of a run: {}", flags.join(" ")));
    }
    Ok(trials)
}

/// The change of a library's ratios to the baseline by the flags, one operation each.
fn of_library(results: &Results, operations: &[Operation], baseline: Library, library: Library) -> Trial {
    let change = |&operation: &Operation| Change {
        operation,
        weight: slices(results, operation, library) as f64,
        by_round: by_round_of(results, operation, baseline, library),
    };
    let changes: Vec<Change> = operations.iter().map(change).collect();
    let each: Vec<(Operation, Log)> = changes.iter().filter_map(|one| Some((one.operation, one.log()?))).collect();
    let (found, outcome) = judge(mean(&changes), &each, [LIMIT, KNOWN_TO], operations);
    let required = format!("ratios change at most {:.0}%", LIMIT * 100.0);
    let details = each.iter().map(|(operation, log)| format!("{operation}: {}", log.percent())).collect();
    Trial::new(PART, library.name, required, found, outcome).with(details)
}

/// How one ratio changes.
struct Change {
    operation: Operation,
    /// How much there is of it in the mean of all: its slices.
    weight: f64,
    /// The logarithm of the ratio with lowered thresholds over the one without.
    by_round: BTreeMap<u32, f64>,
}

impl Change {
    fn log(&self) -> Option<Log> {
        mean_of_rounds(&self.by_round.values().copied().collect::<Vec<_>>())
    }
}

/// The mean of all changes, from the means in each round, since a process that is dear is dear in all operations; None
/// below two rounds in which all were measured.
fn mean(changes: &[Change]) -> Option<Log> {
    let all: f64 = changes.iter().map(|one| one.weight).sum();
    let in_round = |round: &u32| -> Option<f64> {
        changes.iter().map(|one| Some(one.by_round.get(round)? * one.weight / all)).sum()
    };
    mean_of_rounds(&changes.first()?.by_round.keys().filter_map(in_round).collect::<Vec<_>>())
}

/// The change of one ratio in each round that measured all four copies.
fn by_round_of(results: &Results, operation: Operation, baseline: Library, library: Library) -> BTreeMap<u32, f64> {
    let cost = |library| by_round(results, operation, &copy(library, 0), &copy(library, 1));
    let theirs = cost(baseline);
    cost(library).into_iter().filter_map(|(round, change)| Some((round, change - theirs.get(&round)?))).collect()
}

fn slices(results: &Results, operation: Operation, library: Library) -> usize {
    rounds(results, operation, library.id).iter().map(|round| cpu_parts(round).len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(weight: f64, changes: &[f64]) -> Change {
        Change { operation: Operation::GetItem, weight, by_round: (0..).zip(changes.iter().copied()).collect() }
    }

    #[test]
    fn a_process_that_is_dear_in_all_operations_widens_their_mean_as_much_as_each_of_them() {
        let dear = || change(1.0, &[0.03, -0.03, 0.03, -0.03]);
        let (each, all) = (dear().log().unwrap(), mean(&[dear(), dear()]).unwrap());
        assert!(each.half > 0.03 && (all.half - each.half).abs() < 1e-12, "{each:?} {all:?}");
        assert!(mean(&[dear(), change(1.0, &[-0.03, 0.03, -0.03, 0.03])]).unwrap().half < 1e-12);
    }

    #[test]
    fn a_mean_weighs_each_operation_by_its_slices_and_is_of_the_rounds_that_have_all() {
        let both = [change(3.0, &[0.01, 0.01, 0.5]), change(1.0, &[0.05, 0.05])];
        assert!((mean(&both).unwrap().value - 0.02).abs() < 1e-12);
        assert_eq!(mean(&[change(1.0, &[0.01])]), None);
    }
}
