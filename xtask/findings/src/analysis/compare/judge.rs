//! Which changes are regressions: all of them are judged together, by the rules at the head of the comparison.

use std::collections::BTreeMap;

use super::change::{Raw, RawRow};
use super::{Basis, Change, Comparison, FailOn, Metric, Row};
use crate::analysis::verdict::verdict;
use stats::percentile;
use stats::student::{self, Estimate, Prior};

/// The chance that a pair of like runs fails.
const FALSE_ALARMS: f64 = 0.05;

/// What the changes of each metric show about the variances of one another.
struct Priors(BTreeMap<Metric, Option<Prior>>);

impl Priors {
    fn of(rows: &[RawRow], which: impl Fn(&Raw) -> Option<Estimate>) -> Priors {
        let estimates = |metric: Metric| -> Vec<Estimate> {
            let all = rows.iter().flat_map(|row| &row.changes);
            all.filter(|(of, _)| *of == metric).filter_map(|(_, raw)| which(raw)).collect()
        };
        Priors(Metric::ALL.into_iter().map(|metric| (metric, Prior::fit(&estimates(metric)))).collect())
    }

    fn moderate(&self, metric: Metric, estimated: Estimate) -> Estimate {
        self.0.get(&metric).copied().flatten().map_or(estimated, |prior| prior.moderate(estimated))
    }
}

/// Judges all changes together.
pub fn judge_all(
    basis: Basis,
    (margin, base, new): (f64, String, String),
    notes: Vec<String>,
    rows: Vec<RawRow>,
    not_compared: Vec<String>,
    fail_on: &FailOn,
) -> Comparison {
    let priors = Priors::of(&rows, |raw| raw.estimated);
    let control_priors = Priors::of(&rows, |raw| raw.control);
    let gated: Vec<(Metric, Estimate)> = rows
        .iter()
        .filter(|row| row.no_verdict.is_none())
        .flat_map(|row| &row.changes)
        .filter(|(metric, raw)| raw.enough && fail_on.threshold(*metric).is_some())
        .filter_map(|(metric, raw)| Some((*metric, priors.moderate(*metric, raw.estimated?))))
        .collect();
    let p_values: Vec<f64> = gated
        .iter()
        .map(|(metric, change)| {
            let worse = metric.sign() * change.value;
            if change.se > 0.0 { student::upper_tail(worse / change.se, change.df) } else { f64::from(worse <= 0.0) }
        })
        .collect();
    let mut adjusted = student::holm(&p_values).into_iter();
    let tested = gated.len();
    let mut cpu_limits: Vec<f64> = gated
        .iter()
        .filter(|(metric, _)| *metric == Metric::Cpu)
        .map(|(_, change)| (student::quantile(1.0 - FALSE_ALARMS / tested as f64, change.df) * change.se).exp_m1())
        .collect();
    cpu_limits.sort_by(f64::total_cmp);
    let mut judge = |may_conclude: bool, (metric, raw): (Metric, Raw)| {
        let may_conclude = may_conclude && raw.enough;
        let threshold = fail_on.threshold(metric);
        let ratio_ci95 = raw.estimated.map(|estimated| priors.moderate(metric, estimated).ci95().map(f64::exp));
        let p_adjusted = raw.estimated.filter(|_| may_conclude).and(threshold).and_then(|_| adjusted.next());
        let ratio = raw.log.exp();
        let by_time = match (metric.sign() < 0.0, ratio_ci95.filter(|_| may_conclude)) {
            (true, Some([low, high])) => Some([1.0 / high, 1.0 / low]),
            (_, interval) => interval,
        };
        let excludes_none = by_time.is_some_and(|[low, _]| low > 1.0);
        let beyond_control = raw.control.map(|control| control.value.exp());
        let also_beyond = raw.control.is_none_or(|control| {
            let [low, high] = control_priors.moderate(metric, control).ci95();
            let end = if metric.sign() > 0.0 { low } else { -high };
            end > 0.0 && threshold.is_some_and(|threshold| metric.worse_by(control.value.exp()) > threshold)
        });
        let regression = excludes_none
            && threshold.is_some_and(|threshold| metric.worse_by(ratio) > threshold)
            && p_adjusted.is_some_and(|p| p < FALSE_ALARMS)
            && also_beyond;
        Change {
            metric,
            base: raw.base,
            new: raw.new,
            ratio,
            ratio_ci95,
            verdict: verdict(by_time, margin),
            beyond_control,
            p_adjusted,
            threshold,
            regression,
        }
    };
    let rows = rows
        .into_iter()
        .map(|row| Row {
            scale: row.scale,
            operation: row.operation,
            target: row.target,
            against: row.against,
            changes: row.changes.into_iter().map(|change| judge(row.no_verdict.is_none(), change)).collect(),
            no_verdict: row.no_verdict,
        })
        .collect();
    let would_find = percentile::percentile(&cpu_limits, 0.5).filter(|limit| limit.is_finite());
    Comparison { basis, base, new, margin, notes, rows, not_compared, tested, would_find }
}
