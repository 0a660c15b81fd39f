//! The two grounds against each other: for every library and operation, the ratio of CPU per call against recorded
//! answers and the one against the database. They measure different things, since a call that waits for a database finds
//! colder caches, which brings ratios nearer to 1; but what costs more in one must not cost less in the other.

use std::time::Duration;

use super::lab::{AROUND_A_RUN, MARGIN, length};
use super::part::Session;
use super::ratios::{Log, mean_of, not_measured, too_noisy};
use super::trial::{Outcome, Trial};
use crate::plan::request::Emphasis;
use crate::results::Operation;

const PART: &str = "grounds";
/// How well the mean difference of a library's ratios must be known.
const KNOWN_TO: f64 = 0.1;
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
        let mut found = Vec::new();
        for one in results.measurements.iter().filter(|one| one.target == library.id) {
            let Some(versus) = &one.vs_baseline else { continue };
            let recorded = Log::of(versus.cpu_ratio, versus.cpu_ratio_ci95);
            let used = versus.as_used_cpu_ratio.and_then(|ratio| Log::of(ratio, versus.as_used_cpu_ratio_ci95));
            let Some((recorded, used)) = recorded.zip(used) else { continue };
            found.push(Both { operation: one.operation, recorded: recorded.confidence(), used: used.confidence() });
        }
        let (text, outcome) = judge(&found, &operations);
        let details = found.iter().map(Both::detail).collect();
        trials.push(
            Trial::new(PART, library.name, "nothing dearer in one and cheaper in the other", text, outcome)
                .with(details),
        );
    }
    if let Some(trial) = trials.first_mut() {
        trial.details.push(length("run", &results));
    }
    Ok(trials)
}

/// One operation's ratio on both grounds.
struct Both {
    operation: Operation,
    recorded: Log,
    used: Log,
}

impl Both {
    fn difference(&self) -> Log {
        self.used.minus(self.recorded)
    }

    /// Whether one surely lies above 1 and the other below, by more than a run calls the same.
    fn contradict(&self) -> bool {
        let [recorded, used] = [self.recorded, self.used].map(Log::of_several);
        let opposite = recorded.value.signum() != used.value.signum();
        opposite && recorded.surely_passes(MARGIN) && used.surely_passes(MARGIN)
    }

    fn detail(&self) -> String {
        let Both { operation, recorded, used } = self;
        let [recorded, used] = [recorded, used].map(|log| log.value.exp());
        let difference = self.difference().percent();
        format!("{operation}: ×{recorded:.3} recorded, ×{used:.3} with the database: {difference}")
    }
}

/// Judges a library's ratios, one for each operation: what was found, and the outcome.
fn judge(found: &[Both], expected: &[Operation]) -> (String, Outcome) {
    let differences: Vec<(Operation, Log)> = found.iter().map(|one| (one.operation, one.difference())).collect();
    let Some(mean) = mean_of(&differences) else { return ("nothing was measured".to_owned(), Outcome::NotMade) };
    let text = format!("the database's ratios are {} from the recorded ones on average", mean.percent());
    let turned: Vec<&str> = found.iter().filter(|one| one.contradict()).map(|one| one.operation.name()).collect();
    if !turned.is_empty() {
        (format!("{text}; turned round: {}", turned.join(", ")), Outcome::Failed)
    } else if let Some(absent) = not_measured(&differences, expected) {
        (text + &absent, Outcome::NotMade)
    } else if mean.half > KNOWN_TO.ln_1p() {
        (text + &too_noisy(KNOWN_TO), Outcome::TooNoisy)
    } else {
        (text, Outcome::Passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(recorded: f64, used: f64, half: f64) -> Both {
        let [recorded, used] = [recorded, used].map(|ratio: f64| Log { value: ratio.ln(), half });
        Both { operation: Operation::Query, recorded, used }
    }

    #[test]
    fn the_grounds_agree_unless_one_ratio_is_surely_above_1_and_the_other_below() {
        let outcome = |one: Both| judge(&[one], &[Operation::Query]).1;
        assert_eq!(outcome(both(4.5, 3.7, 0.03)), Outcome::Passed, "nearer to 1, but dearer in both");
        assert_eq!(outcome(both(1.2, 0.85, 0.03)), Outcome::Failed);
        assert_eq!(outcome(both(1.2, 0.98, 0.03)), Outcome::Passed, "about the same in one is no contradiction");
        assert_eq!(outcome(both(1.2, 0.85, 0.15)), Outcome::TooNoisy);
        assert_eq!(judge(&[both(1.0, 1.0, 0.01)], &[Operation::Query, Operation::Scan]).1, Outcome::NotMade);
        assert_eq!(judge(&[], &[Operation::Query]).1, Outcome::NotMade);
    }
}
