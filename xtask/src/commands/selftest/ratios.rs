//! Ratios and changes of ratios as the parts compare them: logarithms with half of their 95% interval.

use std::collections::BTreeMap;

use crate::analysis::summary::{self, cpu_parts};
use crate::results::{Interval, Measurement, Operation, Results};
use crate::system::format::signed_percent;
use stats::parts::per_call;
use stats::student::{Estimate, of_mean};

/// A logarithm and how far off it may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Log {
    pub value: f64,
    /// Half of its interval.
    pub half: f64,
}

impl Log {
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

    /// As `+2.1 ±1.3%`.
    pub fn percent(self) -> String {
        format!("{} ±{:.1}%", signed_percent(self.value.exp_m1()).trim_end_matches('%'), self.half.exp_m1() * 100.0)
    }
}

/// The results with another target as the baseline.
pub fn against(results: &Results, baseline: &str) -> Results {
    let mut other = results.clone();
    other.targets.iter_mut().for_each(|target| target.baseline = target.id == baseline);
    summary::summarize(&mut other);
    other
}

pub fn measurement<'a>(results: &'a Results, operation: Operation, target: &str) -> Option<&'a Measurement> {
    results.measurements.iter().find(|one| one.operation == operation && one.target == target)
}

/// The ratio of CPU per call to the baseline.
pub fn cpu(results: &Results, operation: Operation, target: &str) -> Option<Log> {
    let versus = measurement(results, operation, target)?.vs_baseline.as_ref()?;
    Log::of(versus.cpu_ratio, versus.cpu_ratio_ci95)
}

/// The logarithm of CPU per call in each round.
pub fn by_round(results: &Results, operation: Operation, target: &str) -> BTreeMap<u32, f64> {
    let rounds = measurement(results, operation, target).map_or(&[][..], |one| one.per_round.as_slice());
    rounds.iter().filter_map(|round| Some((round.round, per_call(&cpu_parts(round))?.ln()))).collect()
}

/// The mean over rounds of what is `None` in a round that lacks something; None below two rounds.
pub fn mean_of_rounds(rounds: &[f64]) -> Option<Log> {
    of_mean(rounds).map(Log::estimated)
}

/// Of many, the one that is farthest from 0, with its name.
pub fn worst(named: &[(String, Log)]) -> Option<&(String, Log)> {
    named.iter().max_by(|a, b| a.1.value.abs().total_cmp(&b.1.value.abs()))
}

/// What was found of a library's changes, by their operations' names: the worst of them and those that surely pass a limit;
/// and whether none does and all that were expected are there. `verb` says what they do, `passing` what those are.
pub fn beyond(changes: &[(String, Log)], limit: f64, expected: usize, [verb, passing]: [&str; 2]) -> (String, bool) {
    let named: Vec<&str> =
        changes.iter().filter(|(_, change)| change.surely_passes(limit)).map(|(name, _)| name.as_str()).collect();
    let worst = worst(changes).map_or("nothing was measured".to_owned(), |(operation, change)| {
        format!("{operation} {verb} most, {}", change.percent())
    });
    let found = if named.is_empty() { worst } else { format!("{worst}; {passing}: {}", named.join(", ")) };
    (found, named.is_empty() && changes.len() == expected)
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
    fn the_difference_of_two_is_off_by_both() {
        let a = Log::of(1.10, Some([1.0, 1.21])).unwrap();
        let difference = a.minus(Log { value: 0.0, half: 0.0 });
        assert!((difference.half - 1.1_f64.ln()).abs() < 1e-9);
        assert_eq!(Log::of(1.0, None), None);
    }
}
