//! V8's thresholds: every library twice in the same rounds, once started with the lowered thresholds of a run and once
//! without, all warmed by several thousand calls. A ratio that the flags change would be a wrong number.

use std::time::Duration;

use super::lab::{AROUND_A_RUN, copy, length};
use super::part::Session;
use super::ratios::{Log, against, beyond, by_round, cpu, mean_of_rounds};
use super::trial::Trial;
use crate::plan::library::Library;
use crate::plan::request::Emphasis;
use crate::results::{Operation, Results};

const PART: &str = "flags";
/// How far a ratio may change.
const LIMIT: f64 = 0.02;
/// Cycles of warming up: 8,000 calls of single items or more, after which processes with the usual thresholds have
/// settled too.
const CYCLES: u64 = 34;
/// About how long a round takes.
const ROUND: Duration = Duration::from_secs(110);
const FEWEST_ROUNDS: u32 = 3;

pub fn run(session: &mut Session<'_>, time: Duration) -> anyhow::Result<Vec<Trial>> {
    let operations = session.operations();
    let lab = session.lab()?;
    let flags = lab.runtime.flags;
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
    trials.push(overall(&results, &operations, &libraries));
    if let Some(trial) = trials.first_mut() {
        trial.details.push(length("run", &results));
        trial.details.push(format!("lowered: {}", flags.join(" ")));
    }
    Ok(trials)
}

/// The change of a library's ratios to the baseline by the flags, one operation each.
fn of_library(results: &Results, operations: &[Operation], baseline: Library, library: Library) -> Trial {
    let results_without = against(results, &copy(baseline, 1));
    let (mut changes, mut details) = (Vec::new(), Vec::new());
    for &operation in operations {
        let with = cpu(results, operation, &copy(library, 0));
        let without = cpu(&results_without, operation, &copy(library, 1));
        let Some((with, without)) = with.zip(without) else { continue };
        let change = with.minus(without);
        let [lowered, usual] = [with, without].map(|log| log.value.exp());
        details.push(format!("{operation}: ×{lowered:.3} lowered, ×{usual:.3} usual: {}", change.percent()));
        changes.push((operation.to_string(), change));
    }
    judge(library.name, &changes, operations.len()).with(details)
}

fn judge(library: &str, changes: &[(String, Log)], expected: usize) -> Trial {
    let (found, passed) = beyond(changes, LIMIT, expected, ["changes", "too much"]);
    Trial::new(PART, library, format!("ratios change at most {:.0}%", LIMIT * 100.0), found, passed)
}

/// The mean change of all ratios, which is known far better than each of them.
fn overall(results: &Results, operations: &[Operation], libraries: &[Library]) -> Trial {
    let baseline = libraries[0];
    let mut by_rounds: std::collections::BTreeMap<u32, Vec<f64>> = std::collections::BTreeMap::new();
    for &operation in operations {
        let of = |library: Library, number| by_round(results, operation, &copy(library, number));
        let base = [of(baseline, 0), of(baseline, 1)];
        for &library in &libraries[1..] {
            let [with, without] = [of(library, 0), of(library, 1)];
            for (round, log) in &with {
                let change = || Some((log - base[0].get(round)?) - (without.get(round)? - base[1].get(round)?));
                by_rounds.entry(*round).or_default().extend(change());
            }
        }
    }
    let rounds: Vec<f64> = by_rounds.values().filter_map(|changes| stats::mean(changes)).collect();
    let required = format!("on average at most {:.0}%", LIMIT * 100.0);
    match mean_of_rounds(&rounds) {
        Some(change) => {
            Trial::new(PART, "all ratios together", required, change.percent(), !change.surely_passes(LIMIT))
        }
        None => Trial::new(PART, "all ratios together", required, "too few rounds", libraries.len() == 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_that_changes_by_more_than_two_percent_beyond_its_uncertainty_is_named() {
        let named = |operation: &str, value: f64, half: f64| (operation.to_owned(), Log { value, half });
        assert!(judge("Mizzle", &[named("GetItem", 0.04, 0.03), named("Query", -0.01, 0.005)], 2).passed);
        let trial = judge("Mizzle", &[named("GetItem", 0.06, 0.03)], 1);
        assert!(!trial.passed);
        assert_eq!(trial.found, "GetItem changes most, +6.2 ±3.0%; too much: GetItem");
    }
}
