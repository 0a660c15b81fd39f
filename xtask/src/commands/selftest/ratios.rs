//! Ratios and changes of ratios as the parts compare and judge them: logarithms with half of their 95% interval.

use std::collections::BTreeMap;
use std::f64::consts::SQRT_2;
use std::fmt::Write as _;

use super::trial::Outcome;
use crate::analysis::summary::cpu_parts;
use crate::results::{Interval, Measurement, Operation, Results, Round};
use crate::system::format::{set_percent, signed_percent};
use stats::parts::per_call;
use stats::student::{Estimate, of_mean};

/// How much wider an interval is that holds together with many others: 99.7% instead of 95% each, which leaves a chance of
/// about 5% for any of 18 (Bonferroni).
const OF_SEVERAL: f64 = 1.5;
/// Nothing is known better than this.
const EXACT: f64 = 1e-9;

/// A logarithm and how far off it may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Log {
    pub value: f64,
    /// Half of its interval.
    pub half: f64,
}

impl Log {
    /// A ratio of a run. Its interval is where another run would find the ratio.
    pub fn of(ratio: f64, interval: Option<Interval>) -> Option<Log> {
        let [low, high] = interval.filter(|[low, _]| *low > 0.0 && ratio > 0.0)?;
        Some(Log { value: ratio.ln(), half: (high / low).ln() / 2.0 })
    }

    /// Of an estimate of a logarithm.
    pub fn estimated(estimate: Estimate) -> Log {
        let [low, high] = estimate.ci95();
        Log { value: estimate.value, half: (high - low) / 2.0 }
    }

    /// What lies between two that are independent of each other.
    pub fn minus(self, other: Log) -> Log {
        Log { value: self.value - other.value, half: self.half.hypot(other.half) }
    }

    /// Whether its size passes a limit by more than it may be off.
    pub fn surely_passes(self, limit: f64) -> bool {
        self.value.abs() - self.half > limit.ln_1p()
    }

    /// A run's ratio with the interval that holds the true one, which is √2 narrower (see `bootstrap::ratio`).
    pub fn confidence(self) -> Log {
        Log { half: self.half / SQRT_2, ..self }
    }

    /// The same where several are judged at once.
    pub fn of_several(self) -> Log {
        Log { half: self.half * OF_SEVERAL, ..self }
    }

    /// Failed where it surely passes the limit, and too noisy where it is not known to within `known_to`.
    pub fn outcome(self, limit: f64, known_to: f64) -> Outcome {
        if self.surely_passes(limit) {
            Outcome::Failed
        } else if self.half <= known_to.ln_1p() {
            Outcome::Passed
        } else {
            Outcome::TooNoisy
        }
    }

    /// As `+2.1 ±1.3%`.
    pub fn percent(self) -> String {
        format!("{} ±{:.1}%", signed_percent(self.value.exp_m1()).trim_end_matches('%'), self.half.exp_m1() * 100.0)
    }
}

pub fn measurement<'a>(results: &'a Results, operation: Operation, target: &str) -> Option<&'a Measurement> {
    results.measurements.iter().find(|one| one.operation == operation && one.target == target)
}

/// The ratio of CPU per call to the baseline.
pub fn cpu(results: &Results, operation: Operation, target: &str) -> Option<Log> {
    let versus = measurement(results, operation, target)?.vs_baseline.as_ref()?;
    Log::of(versus.cpu_ratio, versus.cpu_ratio_ci95)
}

/// The logarithm of the ratio of CPU per call in each round that measured both targets.
pub fn by_round(results: &Results, operation: Operation, ours: &str, theirs: &str) -> BTreeMap<u32, f64> {
    let cost = |target| {
        let rounds = rounds(results, operation, target).iter();
        rounds.filter_map(|round| Some((round.round, per_call(&cpu_parts(round))?.ln()))).collect::<BTreeMap<_, _>>()
    };
    let theirs = cost(theirs);
    cost(ours).into_iter().filter_map(|(round, log)| Some((round, log - theirs.get(&round)?))).collect()
}

/// What each round measured of a target.
pub fn rounds<'a>(results: &'a Results, operation: Operation, target: &str) -> &'a [Round] {
    measurement(results, operation, target).map_or(&[], |one| &one.per_round)
}

/// The mean over rounds of what is `None` in a round that lacks something; None below two rounds.
pub fn mean_of_rounds(rounds: &[f64]) -> Option<Log> {
    of_mean(rounds).map(Log::estimated)
}

/// The mean of some changes, which are independent of each other, each weighed by how well it is known (by the inverse of
/// its variance); None without any.
pub fn mean_of(changes: &[(Operation, Log)]) -> Option<Log> {
    let weights: Vec<f64> = changes.iter().map(|(_, log)| log.half.max(EXACT).powi(-2)).collect();
    let sum: f64 = weights.iter().sum();
    let value = changes.iter().zip(&weights).map(|((_, log), weight)| log.value * weight).sum::<f64>() / sum;
    (sum > 0.0).then(|| Log { value, half: sum.sqrt().recip() })
}

/// Judges a library's changes, one for each operation, and their mean by their intervals: what was found, and the outcome.
/// It fails where the mean or an operation surely passes the limit, each operation by the wider interval of several at
/// once. It passes only if the mean is known to `known_to` and every operation was measured.
pub fn judge(
    mean: Option<Log>,
    changes: &[(Operation, Log)],
    [limit, known_to]: [f64; 2],
    expected: &[Operation],
) -> (String, Outcome) {
    let worst = changes.iter().max_by(|a, b| a.1.value.abs().total_cmp(&b.1.value.abs()));
    let Some((mean, (worst, most))) = mean.zip(worst) else {
        return ("nothing was measured".to_owned(), Outcome::NotMade);
    };
    let far: Vec<&str> =
        changes.iter().filter(|(_, log)| log.of_several().surely_passes(limit)).map(|(of, _)| of.name()).collect();
    let mut found = format!("{} on average; most: {worst} {}", mean.percent(), most.percent());
    let mut outcome = mean.outcome(limit, known_to);
    if !far.is_empty() {
        outcome = Outcome::Failed;
        let _ = write!(found, "; too far: {}", far.join(", "));
    } else if outcome == Outcome::TooNoisy {
        found += &too_noisy(known_to);
    }
    if let Some(absent) = not_measured(changes, expected) {
        found += &absent;
        if outcome != Outcome::Failed {
            outcome = Outcome::NotMade;
        }
    }
    (found, outcome)
}

/// What follows where not every operation has a change; None where each has.
pub fn not_measured(changes: &[(Operation, Log)], expected: &[Operation]) -> Option<String> {
    let absent = expected.iter().filter(|&&operation| changes.iter().all(|(of, _)| *of != operation));
    let absent: Vec<&str> = absent.map(|operation| operation.name()).collect();
    (!absent.is_empty()).then(|| format!("; not measured: {}", absent.join(", ")))
}

/// What follows an average whose interval is wider than it must be.
pub fn too_noisy(known_to: f64) -> String {
    format!("; too noisy to conclude from: ±{} is needed", set_percent(known_to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_passes_a_limit_only_by_more_than_it_may_be_off() {
        let change = |value: f64, half: f64| Log { value, half };
        assert!(change(0.05, 0.02).surely_passes(0.02));
        assert!(change(-0.05, 0.02).surely_passes(0.02));
        assert!(!change(0.05, 0.04).surely_passes(0.02));
        assert_eq!(change(0.0200_f64.ln_1p(), 0.010_f64.ln_1p()).percent(), "+2.0 ±1.0%");
    }

    #[test]
    fn a_library_passes_where_nothing_surely_passes_the_limit_and_the_mean_is_known_well_enough() {
        let operations = [Operation::GetItem, Operation::Query];
        let log = |value: f64| Log { value, half: 0.02 };
        let judged = |logs: &[Log]| {
            let changes: Vec<(Operation, Log)> = operations.into_iter().zip(logs.iter().copied()).collect();
            judge(mean_of(&changes), &changes, [0.05; 2], &operations)
        };
        assert_eq!(judged(&[log(0.06), log(0.01)]).1, Outcome::Passed);
        let (found, outcome) = judged(&[log(0.09), log(0.0)]);
        assert_eq!(outcome, Outcome::Failed, "one is surely too far");
        assert!(
            found.starts_with("+4.6 ±1.4% on average; most: GetItem +9.4 ±2.0%") && found.ends_with("far: GetItem")
        );
        assert_eq!(judged(&[log(0.07), log(0.07)]).1, Outcome::Failed, "both together are");
        assert_eq!(judged(&[log(0.075), log(0.0)]).1, Outcome::Passed, "one of several may look too far by chance");
        let vague = Log { value: 0.0, half: 0.2 };
        let (found, outcome) = judged(&[vague, vague]);
        assert_eq!(outcome, Outcome::TooNoisy);
        assert!(
            found.starts_with("0.0 ±15.2% on average") && found.ends_with("conclude from: ±5% is needed"),
            "{found}"
        );
        let (found, outcome) = judged(&[log(0.0)]);
        assert_eq!((found.ends_with("not measured: Query"), outcome), (true, Outcome::NotMade), "{found}");
        assert_eq!(judged(&[log(0.2)]).1, Outcome::Failed, "what was measured is enough to fail");
        assert_eq!(judged(&[]).1, Outcome::NotMade);
    }

    #[test]
    fn a_mean_follows_what_is_known_well() {
        let mean = |halves: [f64; 2]| {
            let [first, second] = halves;
            let log = |value, half| (Operation::Scan, Log { value, half });
            mean_of(&[log(0.01, first), log(0.05, second)]).unwrap()
        };
        let equal = mean([0.02, 0.02]);
        assert!((equal.value - 0.03).abs() < 1e-12 && (equal.half - 0.02 / SQRT_2).abs() < 1e-12, "{equal:?}");
        let unequal = mean([0.02, 0.06]);
        assert!((unequal.value - 0.014).abs() < 1e-12 && unequal.half < 0.02, "{unequal:?}");
        assert!((mean([0.0, 0.02]).value - 0.01).abs() < 1e-9);
        assert_eq!(mean_of(&[]), None);
    }

    #[test]
    fn the_difference_of_two_is_off_by_both() {
        let a = Log::of(1.10, Some([1.0, 1.21])).unwrap();
        let difference = a.minus(Log { value: 0.0, half: 0.0 });
        assert!((difference.half - 1.1_f64.ln()).abs() < 1e-9);
        assert_eq!(Log::of(1.0, None), None);
    }
}
