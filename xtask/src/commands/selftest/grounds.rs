//! The two grounds against each other: for every library and operation, the ratio of CPU per call against recorded
//! answers and the one against the database. Where they disagree by more than they may be off, the headline would
//! depend on what it is measured against.

use std::time::Duration;

use super::lab::{AROUND_A_RUN, length};
use super::part::Session;
use super::ratios::{Log, beyond};
use super::trial::Trial;
use crate::plan::request::Emphasis;

const PART: &str = "grounds";
/// About how long a round takes.
const ROUND: Duration = Duration::from_secs(50);
const FEWEST_ROUNDS: u32 = 3;

pub fn run(session: &mut Session<'_>, time: Duration) -> anyhow::Result<Vec<Trial>> {
    let operations = session.operations();
    let lab = session.lab()?;
    let libraries = lab.libraries.clone();
    let mut request = lab.request(&operations, &libraries);
    request.experiment.emphasis = Emphasis::BothGrounds;
    request.rounds = Some(((time.as_secs_f64() / ROUND.as_secs_f64()) as u32).max(FEWEST_ROUNDS));
    request.budget = Some(time.saturating_sub(AROUND_A_RUN));
    let results = lab.run(PART, &request, Vec::new())?;
    let mut trials = Vec::new();
    for library in libraries.iter().skip(1) {
        let (mut differences, mut details) = (Vec::new(), Vec::new());
        for one in results.measurements.iter().filter(|one| one.target == library.id) {
            let Some(versus) = &one.vs_baseline else { continue };
            let recorded = Log::of(versus.cpu_ratio, versus.cpu_ratio_ci95);
            let used = versus.as_used_cpu_ratio.and_then(|ratio| Log::of(ratio, versus.as_used_cpu_ratio_ci95));
            let Some((recorded, used)) = recorded.zip(used) else { continue };
            let difference = used.minus(recorded);
            details.push(format!(
                "{}: ×{:.3} recorded, ×{:.3} with the database: {}",
                one.operation,
                recorded.value.exp(),
                used.value.exp(),
                difference.percent()
            ));
            differences.push((one.operation.to_string(), difference));
        }
        trials.push(judge(library.name, &differences, operations.len()).with(details));
    }
    if let Some(trial) = trials.first_mut() {
        trial.details.push(length("run", &results));
    }
    Ok(trials)
}

/// Whether none of a library's ratios differs between the grounds by more than both may be off.
fn judge(library: &str, differences: &[(String, Log)], expected: usize) -> Trial {
    let (found, passed) = beyond(differences, 0.0, expected, ["differs", "apart"]);
    Trial::new(PART, library, "both ratios agree within their intervals", found, passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_that_differ_by_more_than_both_may_be_off_are_named() {
        let difference = |value: f64, half: f64| Log { value, half };
        let named = |operation: &str, log| (operation.to_owned(), log);
        let agreeing = [named("GetItem", difference(0.05, 0.10)), named("Query", difference(-0.02, 0.04))];
        assert!(judge("Mizzle", &agreeing, 2).passed);
        assert!(!judge("Mizzle", &agreeing, 3).passed, "one was not measured");
        let trial = judge("Mizzle", &[named("GetItem", difference(-0.25, 0.10))], 1);
        assert!(!trial.passed);
        assert_eq!(trial.found, "GetItem differs most, −22 ±10.5%; apart: GetItem");
    }
}
