//! V8's thresholds: every library twice in the same rounds, once started with the lowered thresholds of a run and once
//! without, all warmed by several thousand calls. A ratio that the flags change would be a wrong number.

use std::time::Duration;

use super::lab::{AROUND_A_RUN, copy, length};
use super::part::Session;
use super::ratios::{Log, against, cpu, judge};
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
    let results_without = against(results, &copy(baseline, 1));
    let (mut changes, mut details) = (Vec::new(), Vec::new());
    for &operation in operations {
        let with = cpu(results, operation, &copy(library, 0)).map(Log::confidence);
        let without = cpu(&results_without, operation, &copy(library, 1)).map(Log::confidence);
        let Some((with, without)) = with.zip(without) else { continue };
        let change = with.minus(without);
        let [lowered, usual] = [with, without].map(|log| log.value.exp());
        details.push(format!("{operation}: ×{lowered:.3} lowered, ×{usual:.3} usual: {}", change.percent()));
        changes.push((operation, change));
    }
    let (found, outcome) = judge(&changes, LIMIT, operations);
    let required = format!("ratios change at most {:.0}%", LIMIT * 100.0);
    Trial::new(PART, library.name, required, found, outcome).with(details)
}
