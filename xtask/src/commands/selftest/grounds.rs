//! The two grounds against each other: for every library and operation, the ratio of CPU per call against recorded
//! answers and the one against the database. Where they disagree, the headline would depend on what it is measured
//! against.

use std::time::Duration;

use super::lab::{AROUND_A_RUN, MARGIN, length};
use super::part::Session;
use super::ratios::{Log, judge};
use super::trial::Trial;
use crate::plan::request::Emphasis;

const PART: &str = "grounds";
/// How far apart the two may be: a run calls this much the same.
const LIMIT: f64 = MARGIN;
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
            let difference = used.confidence().minus(recorded.confidence());
            details.push(format!(
                "{}: ×{:.3} recorded, ×{:.3} with the database: {}",
                one.operation,
                recorded.value.exp(),
                used.value.exp(),
                difference.percent()
            ));
            differences.push((one.operation, difference));
        }
        let (found, outcome) = judge(&differences, LIMIT, &operations);
        let required = format!("both ratios within {:.0}% of each other", LIMIT * 100.0);
        trials.push(Trial::new(PART, library.name, required, found, outcome).with(details));
    }
    if let Some(trial) = trials.first_mut() {
        trial.details.push(length("run", &results));
    }
    Ok(trials)
}
