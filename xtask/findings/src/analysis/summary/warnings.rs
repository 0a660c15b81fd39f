//! What a reader must know about a measurement before believing it: found in its own data, with its kind, its figures
//! and a sentence.

use std::fmt;

use super::{FEW_ROUNDS, cpu_parts, has_figures, median};
use crate::results::{Measurement, Round, VsBaseline, Work};
use crate::system::format::{count, per_call, percent, plural, ratio, signed_percent};
use stats::outliers::{FarOut, far_out, modified_z_scores};
use stats::parts;
use stats::percentile::{FEW_BEYOND, FEWEST_FOR_P95, FEWEST_FOR_P99, beyond};
use stats::student;

/// The sampler and the process's own accounting may differ by this share.
pub const ACCOUNTING: f64 = 0.05;
/// The kernel's clock ticks: what one reading of a process's CPU time may be off by.
const TICK_MS: f64 = 10.0;
/// Far-out calls are worth a warning when they raise the mean by this share. Garbage collection alone raises it by a tenth.
const RAISED: f64 = 0.25;
/// CPU per call that falls or rises inside the rounds by more than this share is drift.
const DRIFT: f64 = 0.03;
/// A round that differs from the others by more than this share, for all targets, is drift of the machine.
pub const ROUND_APART: f64 = 0.05;

/// What a reader must know about a measurement before believing it.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    Errors {
        errors: u64,
    },
    FewRounds {
        rounds: u32,
    },
    /// A large table was scanned once.
    OneScan,
    FewSamples {
        samples: usize,
        absent: &'static str,
        needed: usize,
    },
    FewBeyond {
        percentile: &'static str,
        beyond: usize,
    },
    NotSettled {
        rounds: usize,
        of: usize,
    },
    /// Rounds whose process had not settled, next to enough whose had.
    LeftOut {
        rounds: usize,
        of: usize,
    },
    Outliers(FarOut),
    RoundApart {
        round: u32,
        by: f64,
    },
    Drift {
        by: f64,
    },
    Accounting {
        sampler_ms: f64,
        process_ms: f64,
    },
    NoUsage,
    ReadsToReturn {
        reads: f64,
        returns: f64,
        baseline_reads: f64,
    },
    MoreRequests {
        requests: f64,
        baseline: f64,
    },
    /// Two ratios of CPU per call that should agree: against recorded answers, and against the database.
    RatiosDisagree {
        recorded: f64,
        as_used: f64,
    },
}

impl Warning {
    /// Its kind, by a name that stays: `approximate-p99`, `not-settled` … A results file has it next to the sentence, whose
    /// figures differ from one measurement to the next.
    pub fn kind(&self) -> &'static str {
        match self {
            Warning::Errors { .. } => "errors",
            Warning::FewRounds { .. } => "few-rounds",
            Warning::OneScan => "one-scan",
            Warning::FewSamples { .. } => "few-samples",
            Warning::FewBeyond { percentile: "p95", .. } => "approximate-p95",
            Warning::FewBeyond { .. } => "approximate-p99",
            Warning::NotSettled { .. } => "not-settled",
            Warning::LeftOut { .. } => "left-out",
            Warning::Outliers(_) => "outliers",
            Warning::RoundApart { .. } => "round-apart",
            Warning::Drift { .. } => "drift",
            Warning::Accounting { .. } => "accounting",
            Warning::NoUsage => "no-usage",
            Warning::ReadsToReturn { .. } => "reads-to-return",
            Warning::MoreRequests { .. } => "more-requests",
            Warning::RatiosDisagree { .. } => "cpu-ratios-disagree",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Errors { errors } => {
                write!(f, "{} threw: not timed, and not in the figures", plural(*errors, "call"))
            }
            Warning::FewRounds { rounds: 1 } => {
                f.write_str("one round only: how much processes differ is not known, so there are no intervals")
            }
            Warning::FewRounds { rounds } => write!(f, "{rounds} rounds only: the intervals are very wide"),
            Warning::OneScan => {
                f.write_str("its latency is that of a single scan of the whole table, without an interval")
            }
            Warning::FewSamples { samples, absent, needed } => {
                let are = if *samples == 1 { "is" } else { "are" };
                write!(f, "{} {are} too few for a {absent} ({needed} needed)", plural(*samples as u64, "call"))
            }
            Warning::FewBeyond { percentile, beyond } => {
                let lie = if *beyond == 1 { "lies" } else { "lie" };
                write!(f, "{percentile} is approximate: only {} {lie} above it", plural(*beyond as u64, "call"))
            }
            Warning::NotSettled { rounds, of } => write!(
                f,
                "CPU per call was still falling when the warm-up time ran out, in {rounds} of {of} rounds: the settled \
                 figure may be lower, and its ratios have no verdict"
            ),
            Warning::LeftOut { rounds, of } => write!(
                f,
                "{rounds} of {of} rounds had not settled when the warm-up time ran out, and {} in none of its figures",
                if *rounds == 1 { "is" } else { "are" }
            ),
            Warning::Outliers(FarOut { count: far, of, mean_raised_by }) => write!(
                f,
                "{} of {} calls took far longer than the rest and raise the mean by {}",
                count(*far as u64),
                count(*of as u64),
                percent(*mean_raised_by)
            ),
            Warning::RoundApart { round, by } => write!(
                f,
                "round {} is an outlier: its CPU per call is {} {} than the median of the rounds",
                round + 1,
                percent(by.abs()),
                if *by > 0.0 { "higher" } else { "lower" }
            ),
            Warning::Drift { by } => write!(
                f,
                "CPU per call {} by {} from the first to the second half of the rounds' slices",
                if *by > 0.0 { "rose" } else { "fell" },
                percent(by.abs())
            ),
            Warning::Accounting { sampler_ms, process_ms } => write!(
                f,
                "the sampler saw {sampler_ms:.0} ms of CPU where the process counted {process_ms:.0} ms ({})",
                signed_percent(sampler_ms / process_ms - 1.0)
            ),
            Warning::NoUsage => f.write_str("the sampler has no reading: CPU percent and memory are not known"),
            Warning::ReadsToReturn { reads, returns, baseline_reads } => write!(
                f,
                "reads {} items to return {}, where the baseline reads {}",
                per_call(*reads),
                per_call(*returns),
                per_call(*baseline_reads)
            ),
            Warning::MoreRequests { requests, baseline } => {
                write!(
                    f,
                    "sends {} requests a call, where the baseline sends {}",
                    per_call(*requests),
                    per_call(*baseline)
                )
            }
            Warning::RatiosDisagree { recorded, as_used } => write!(
                f,
                "its CPU ratio is {} against recorded answers and {} against the database, and the two intervals do \
                 not overlap",
                ratio(*recorded, None),
                ratio(*as_used, None)
            ),
        }
    }
}

/// The two ratios of CPU per call where they differ by more than `margin` and lie outside each other's intervals.
pub fn ratio_warnings(versus: &VsBaseline, margin: f64) -> Option<Warning> {
    let (as_used, [used_low, used_high]) = (versus.as_used_cpu_ratio?, versus.as_used_cpu_ratio_ci95?);
    let (recorded, [low, high]) = (versus.cpu_ratio, versus.cpu_ratio_ci95?);
    let apart = used_low > high || used_high < low;
    let matters = (as_used / recorded).ln().abs() > margin.ln_1p();
    (apart && matters).then_some(Warning::RatiosDisagree { recorded, as_used })
}

pub fn work_warnings(ours: Option<&Work>, theirs: Option<&Work>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if let (Some(ours), Some(theirs)) = (ours, theirs) {
        if ours.items_scanned > ours.items_returned * 1.1 && ours.items_scanned > theirs.items_scanned * 1.1 {
            warnings.push(Warning::ReadsToReturn {
                reads: ours.items_scanned,
                returns: ours.items_returned,
                baseline_reads: theirs.items_scanned,
            });
        }
        if ours.requests > theirs.requests * 1.05 {
            warnings.push(Warning::MoreRequests { requests: ours.requests, baseline: theirs.requests });
        }
    }
    warnings
}

pub fn alone_warnings(one: &Measurement, measured: &[&Round], sorted: &[f64]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if one.errors > 0 {
        warnings.push(Warning::Errors { errors: one.errors });
    }
    if measured.is_empty() {
        return warnings;
    }
    if (measured.len() as u32) < FEW_ROUNDS {
        warnings.push(Warning::FewRounds { rounds: measured.len() as u32 });
    }
    let n = sorted.len();
    if n == 0 {
        // Its latency was not meant to be measured, which the tables say.
    } else if n == 1 && one.recording.as_ref().is_some_and(|recording| recording.items_scanned.is_some()) {
        warnings.push(Warning::OneScan);
    } else if n < FEWEST_FOR_P95 {
        warnings.push(Warning::FewSamples { samples: n, absent: "p95 or a p99", needed: FEWEST_FOR_P99 });
    } else {
        if n < FEWEST_FOR_P99 {
            warnings.push(Warning::FewSamples { samples: n, absent: "p99", needed: FEWEST_FOR_P99 });
        } else if beyond(n, 0.99) < FEW_BEYOND {
            warnings.push(Warning::FewBeyond { percentile: "p99", beyond: beyond(n, 0.99) });
        }
        if beyond(n, 0.95) < FEW_BEYOND {
            warnings.push(Warning::FewBeyond { percentile: "p95", beyond: beyond(n, 0.95) });
        }
    }
    let unsettled = measured.iter().filter(|round| !round.warm_up.settled).count();
    if unsettled > 0 {
        warnings.push(Warning::NotSettled { rounds: unsettled, of: measured.len() });
    }
    let of = one.per_round.iter().filter(|round| has_figures(round)).count();
    if of > measured.len() {
        warnings.push(Warning::LeftOut { rounds: of - measured.len(), of });
    }
    if let Some(found) = far_out(sorted).filter(|found| found.count > 0 && found.mean_raised_by > RAISED) {
        warnings.push(Warning::Outliers(found));
    }
    warnings.extend(round_apart(measured));
    warnings.extend(drift(measured));
    warnings.extend(accounting(measured));
    warnings
}

/// The round whose CPU per call is an outlier among the rounds.
fn round_apart(measured: &[&Round]) -> Option<Warning> {
    let known: Vec<(u32, f64)> =
        measured.iter().filter_map(|round| Some((round.round, parts::per_call(&cpu_parts(round))?))).collect();
    let values: Vec<f64> = known.iter().map(|(_, value)| *value).collect();
    let scores = modified_z_scores(&values)?;
    let middle = median(&values)?;
    let (i, _) = scores.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))?;
    let by = values[i] / middle - 1.0;
    (scores[i].abs() > 3.5 && by.abs() > ROUND_APART).then_some(Warning::RoundApart { round: known[i].0, by })
}

/// CPU per call that rises or falls inside the rounds: the second half of each round's slices compared with its first.
fn drift(measured: &[&Round]) -> Option<Warning> {
    let logs: Vec<f64> = measured
        .iter()
        .filter_map(|round| {
            let parts = cpu_parts(round);
            let (first, second) = parts.split_at(parts.len() / 2);
            Some((parts::per_call(second)? / parts::per_call(first)?).ln())
        })
        .collect();
    let change = student::of_mean(&logs)?;
    let [low, high] = change.ci95();
    let by = change.value.exp() - 1.0;
    (by.abs() > DRIFT && (low > 0.0 || high < 0.0)).then_some(Warning::Drift { by })
}

/// The sampler's CPU time compared with the process's own.
fn accounting(measured: &[&Round]) -> Option<Warning> {
    let both: Vec<(f64, f64, usize)> = measured
        .iter()
        .filter_map(|round| {
            let own = round.slices.iter().map(|slice| slice.cpu_ms).sum();
            Some((round.usage.as_ref()?.cpu_ms, own, round.slices.len()))
        })
        .collect();
    let sampler_ms: f64 = both.iter().map(|(sampler, ..)| sampler).sum();
    let process_ms: f64 = both.iter().map(|(_, own, _)| own).sum();
    let slices: usize = both.iter().map(|(.., slices)| slices).sum();
    let allowed = (process_ms * ACCOUNTING).max(TICK_MS * (slices as f64).sqrt());
    ((sampler_ms - process_ms).abs() > allowed && process_ms > 0.0)
        .then_some(Warning::Accounting { sampler_ms, process_ms })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::summary::summarize;
    use crate::fixture::{Shape, raw};
    use crate::results::{Results, Slice, Verdict};

    fn recorded(change: impl Fn(&mut Measurement)) -> Results {
        let mut results = raw(&Shape { recorded: true, ..Shape::small() });
        results.measurements.iter_mut().filter(|one| one.target == "mizzle").for_each(change);
        summarize(&mut results);
        results
    }

    fn with_kind<'a>(results: &'a Results, kind: &str) -> Vec<&'a Measurement> {
        let has = |one: &&Measurement| one.has_warning(kind);
        results.measurements.iter().filter(has).collect()
    }

    #[test]
    fn a_cpu_ratio_that_the_database_does_not_confirm_carries_a_warning() {
        assert_eq!(with_kind(&recorded(|_| {}), "cpu-ratios-disagree"), Vec::<&Measurement>::new());
        let dearer_as_used = recorded(|one| {
            for slice in one.per_round.iter_mut().flat_map(|round| &mut round.slices) {
                slice.thread_ms.iter_mut().for_each(|ms| *ms *= 1.4);
            }
        });
        let warned = with_kind(&dearer_as_used, "cpu-ratios-disagree");
        assert_eq!(warned.len(), 6);
        let of_mizzle = |one: &&Measurement| one.target == "mizzle";
        assert!(warned.iter().all(of_mizzle));
        let said = warned[0].warnings.iter().find(|text| text.contains("against the database")).unwrap();
        assert!(said.starts_with("its CPU ratio is ×1.") && said.ends_with("do not overlap"), "{said}");
    }

    #[test]
    fn ratios_that_differ_by_less_than_the_margin_are_no_warning() {
        let results = recorded(|_| {});
        let mut versus = results.measurements.iter().find_map(|one| one.vs_baseline.clone()).unwrap();
        (versus.cpu_ratio, versus.cpu_ratio_ci95) = (1.10, Some([1.099, 1.101]));
        (versus.as_used_cpu_ratio, versus.as_used_cpu_ratio_ci95) = (Some(1.12), Some([1.119, 1.121]));
        assert_eq!(ratio_warnings(&versus, 0.03), None);
        assert_eq!(ratio_warnings(&versus, 0.01), Some(Warning::RatiosDisagree { recorded: 1.10, as_used: 1.12 }));
        versus.as_used_cpu_ratio_ci95 = None;
        assert_eq!(ratio_warnings(&versus, 0.01), None);
    }

    #[test]
    fn a_process_that_had_not_settled_is_named_and_its_ratio_has_no_verdict() {
        let results = recorded(|one| one.per_round.iter_mut().for_each(|round| round.warm_up.settled = false));
        let warned = with_kind(&results, "not-settled");
        assert_eq!(warned.len(), 6);
        for one in warned {
            assert_eq!(one.vs_baseline.as_ref().unwrap().cpu_verdict, Verdict::Unclear);
            assert!(one.warnings.iter().any(|text| text.ends_with("its ratios have no verdict")), "{:?}", one.warnings);
        }
        let noted = results.disturbances.iter().find(|found| found.detail.contains("still settling")).unwrap();
        assert!(noted.detail.contains("their ratios have no verdict"), "{}", noted.detail);
    }

    #[test]
    fn a_round_that_had_not_settled_is_left_out_where_enough_others_had() {
        let left_out = recorded(|one| one.per_round[0].warm_up.settled = false);
        assert!(with_kind(&left_out, "not-settled").is_empty());
        let warned = with_kind(&left_out, "left-out");
        assert_eq!(warned.len(), 6);
        let gone = recorded(|one| drop(one.per_round.remove(0)));
        for one in warned {
            let same = |other: &&Measurement| (&other.target, other.operation) == (&one.target, one.operation);
            let other = gone.measurements.iter().find(same).unwrap();
            assert_eq!(one.rounds, other.rounds);
            let [ratio, without] = [one, other].map(|one| one.vs_baseline.as_ref().unwrap().cpu_ratio);
            assert!((ratio / without - 1.0).abs() < 1e-9, "{ratio} and {without}");
        }
    }

    #[test]
    fn a_latency_of_one_scan_of_a_large_table_is_marked_as_such() {
        let mut results = raw(&Shape { recorded: true, ..Shape::default() });
        let donor = results.measurements[0].per_round[0].slices[0].clone();
        let is_part =
            |one: &&mut Measurement| one.recording.as_ref().is_some_and(|recording| recording.items_scanned.is_some());
        let scan = results.measurements.iter_mut().find(is_part).unwrap();
        scan.per_round[0].slices = vec![Slice { samples_ms: vec![2_000.0], ..donor }];
        let target = scan.target.clone();
        summarize(&mut results);
        let scan = results.measurements.iter_mut().find(|one| is_part(one) && one.target == target).unwrap();
        assert_eq!((scan.latency_ms.as_ref().unwrap().mean, scan.samples), (2_000.0, 1));
        assert!(scan.warning_kinds.contains(&"one-scan".to_owned()), "{:?}", scan.warnings);
        assert!(!scan.warning_kinds.contains(&"few-samples".to_owned()));
    }

    #[test]
    fn an_operation_without_latency_has_no_warning_about_percentiles() {
        let mut results = raw(&Shape { recorded: true, ..Shape::default() });
        summarize(&mut results);
        let scans = results.measurements.iter().filter(|one| one.latency_ms.is_none() && one.cpu.is_some());
        let kinds: Vec<&str> = scans.flat_map(|one| &one.warning_kinds).map(String::as_str).collect();
        for kind in ["few-samples", "approximate-p95", "approximate-p99", "no-usage", "accounting"] {
            assert!(!kinds.contains(&kind), "{kinds:?}");
        }
    }
}
