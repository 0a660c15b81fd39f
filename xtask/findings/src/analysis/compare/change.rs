//! What changed, before it is judged: the rounds' values of each metric, as logarithms, of two files or of two targets.

use std::collections::BTreeMap;

use super::Metric;
use crate::analysis::summary::{
    FEW_ROUNDS, allocation_parts, counted, cpu_parts, had_settled, latency_parts, shared_rounds, throughput_parts,
};
use crate::analysis::verdict::no_verdict;
use crate::results::{Measurement, Operation, Results, Round, Target, TargetStatus};
use stats::parts::per_call;
use stats::percentile;
use stats::student::{self, Estimate};

/// A change before it is judged: `log` is that of new over base.
pub struct Raw {
    pub base: f64,
    pub new: f64,
    pub log: f64,
    /// Absent where a side has a single round.
    pub estimated: Option<Estimate>,
    /// Whether this metric has as many rounds as a verdict needs.
    pub enough: bool,
    pub control: Option<Estimate>,
}

pub struct RawRow {
    pub scale: String,
    pub operation: Operation,
    pub target: String,
    pub against: Option<String>,
    pub no_verdict: Option<String>,
    pub changes: Vec<(Metric, Raw)>,
}

pub fn row(
    of: &Measurement,
    against: Option<&str>,
    no_verdict: Option<String>,
    change: impl Fn(Metric) -> Option<Raw>,
) -> RawRow {
    RawRow {
        scale: of.scale.clone(),
        operation: of.operation,
        target: of.target.clone(),
        against: against.map(str::to_owned),
        no_verdict,
        changes: Metric::ALL.into_iter().filter_map(|metric| Some((metric, change(metric)?))).collect(),
    }
}

/// Why there is no verdict on what changed between two runs; what stands behind the ratios to a `baseline` counts too.
pub fn no_verdict_between_runs(
    (base, theirs): (&Results, &Measurement),
    (new, ours): (&Results, &Measurement),
    baseline: Option<&str>,
) -> Option<String> {
    let of = |baseline: &str, whose: &str| format!(" of {baseline}{whose}");
    let (in_base, in_new) = (" in the base", " in the new run");
    let own = [(theirs, in_base), (ours, in_new)];
    let ratios = |baseline| Some((find_target(base, theirs, baseline)?, find_target(new, ours, baseline)?));
    let Some((baseline, (then, now))) = baseline.and_then(|baseline| Some((baseline, ratios(baseline)?))) else {
        return no_verdict(&own, counted(theirs).count().min(counted(ours).count()));
    };
    let rounds = shared_rounds(theirs, then).min(shared_rounds(ours, now));
    no_verdict(&[own[0], own[1], (then, &of(baseline, in_base)), (now, &of(baseline, in_new))], rounds)
}

/// Logarithms of a metric's values, by round: of those that the measurement's own figures are made of.
type Series = BTreeMap<u32, f64>;

fn are_enough(series: &[&Series]) -> bool {
    series.iter().all(|one| one.len() >= FEW_ROUNDS as usize)
}

fn series(one: &Measurement, metric: Metric) -> Series {
    counted(one)
        .filter_map(|round| {
            let value = value(round, metric)?;
            (value > 0.0).then(|| (round.round, value.ln()))
        })
        .collect()
}

/// A metric of one round, in the metric's unit.
fn value(round: &Round, metric: Metric) -> Option<f64> {
    let sorted = || {
        let mut samples: Vec<f64> = round.slices.iter().flat_map(|slice| slice.samples_ms.iter().copied()).collect();
        samples.sort_by(f64::total_cmp);
        samples
    };
    match metric {
        Metric::Cpu => per_call(&cpu_parts(round)).map(|ms| ms * 1e3),
        Metric::Allocation => per_call(&allocation_parts(round)),
        Metric::Latency => per_call(&latency_parts(round)),
        Metric::P95 => percentile::p95(&sorted()),
        Metric::P99 => percentile::p99(&sorted()),
        Metric::Throughput => per_call(&throughput_parts(round)).map(|ms| 1e3 / ms),
        Metric::Memory => {
            let usage = round.usage.as_ref().filter(|_| round.slices.iter().any(|slice| !slice.samples_ms.is_empty()));
            usage.map(|usage| usage.memory_mb_peak)
        }
    }
}

fn values(series: &Series) -> Vec<f64> {
    series.values().copied().collect()
}

fn mean(series: &Series) -> Option<f64> {
    stats::mean(&values(series))
}

/// `ours` less `theirs` in the rounds that both have.
fn paired(ours: &Series, theirs: &Series) -> Series {
    ours.iter().filter_map(|(round, value)| Some((*round, value - theirs.get(round)?))).collect()
}

/// The mean, round by round, of several series.
fn average(all: &[Series]) -> Series {
    let Some(first) = all.first() else { return Series::new() };
    let of = |round: &u32| all.iter().map(|series| series.get(round)).sum::<Option<f64>>();
    first.keys().filter_map(|round| Some((*round, of(round)? / all.len() as f64))).collect()
}

fn between_groups(base: &Series, new: &Series) -> Option<Estimate> {
    Some(student::difference(student::of_mean(&values(base))?, student::of_mean(&values(new))?))
}

fn same_concurrency(a: &Measurement, b: &Measurement, metric: Metric) -> bool {
    let of = |one: &Measurement| one.throughput.as_ref().map(|throughput| throughput.concurrency);
    metric != Metric::Throughput || of(a) == of(b)
}

pub fn of_figures(
    base: &Results,
    theirs: &Measurement,
    new: &Results,
    ours: &Measurement,
    metric: Metric,
) -> Option<Raw> {
    if !same_concurrency(theirs, ours, metric) {
        return None;
    }
    let (was, is) = (series(theirs, metric), series(ours, metric));
    let controls = controls(base, theirs, new, ours, metric);
    let control = controls.and_then(|(then, now)| between_groups(&paired(&was, &then), &paired(&is, &now)));
    Some(Raw {
        base: mean(&was)?.exp(),
        new: mean(&is)?.exp(),
        log: mean(&is)? - mean(&was)?,
        estimated: between_groups(&was, &is),
        enough: are_enough(&[&was, &is]),
        control,
    })
}

pub fn of_ratios(
    base: &Results,
    theirs: &Measurement,
    new: &Results,
    ours: &Measurement,
    baseline: &str,
    metric: Metric,
) -> Option<Raw> {
    let then = find_target(base, theirs, baseline)?;
    let now = find_target(new, ours, baseline)?;
    if ![(theirs, ours), (then, theirs), (now, ours)].iter().all(|(a, b)| same_concurrency(a, b, metric)) {
        return None;
    }
    let was = paired(&series(theirs, metric), &series(then, metric));
    let is = paired(&series(ours, metric), &series(now, metric));
    Some(Raw {
        base: mean(&was)?.exp(),
        new: mean(&is)?.exp(),
        log: mean(&is)? - mean(&was)?,
        estimated: between_groups(&was, &is),
        enough: are_enough(&[&was, &is]),
        control: None,
    })
}

pub fn of_pair(theirs: &Measurement, ours: &Measurement, metric: Metric) -> Option<Raw> {
    if !same_concurrency(theirs, ours, metric) {
        return None;
    }
    let (was, is) = (series(theirs, metric), series(ours, metric));
    let change = paired(&is, &was);
    Some(Raw {
        base: mean(&was)?.exp(),
        new: mean(&is)?.exp(),
        log: mean(&change)?,
        estimated: student::of_mean(&values(&change)),
        enough: are_enough(&[&change]),
        control: None,
    })
}

/// What the machine alone would have done to this operation in both runs: the baseline's values or, for the baseline
/// itself or where its version changed, the mean of the others whose version didn't; of those whose processes had settled,
/// where there are any.
fn controls(
    base: &Results,
    theirs: &Measurement,
    new: &Results,
    ours: &Measurement,
    metric: Metric,
) -> Option<(Series, Series)> {
    // What the machine's speed leaves as it is needs no control.
    if matches!(metric, Metric::Memory | Metric::Allocation) {
        return None;
    }
    let unchanged: Vec<&Target> = new
        .targets
        .iter()
        .filter(|target| target.id != ours.target)
        .filter(|target| base.targets.iter().any(|other| is_same(target, other)))
        .collect();
    let has_settled = |target: &&Target| {
        let sides = [find_target(base, theirs, &target.id), find_target(new, ours, &target.id)];
        sides.into_iter().all(|one| one.is_some_and(had_settled))
    };
    let (settled, others): (Vec<&Target>, Vec<&Target>) = unchanged.into_iter().partition(has_settled);
    let unchanged = if settled.is_empty() { others } else { settled };
    let sides = |target: &&Target| -> Option<(Series, Series)> {
        let (then, now) = (find_target(base, theirs, &target.id)?, find_target(new, ours, &target.id)?);
        let alike = same_concurrency(then, theirs, metric) && same_concurrency(now, ours, metric);
        let (then, now) = (series(then, metric), series(now, metric));
        (alike && !then.is_empty() && !now.is_empty()).then_some((then, now))
    };
    if let Some(sides) = unchanged.iter().find(|target| target.baseline).and_then(sides) {
        return Some(sides);
    }
    let (then, now): (Vec<Series>, Vec<Series>) = unchanged.iter().filter_map(sides).unzip();
    (!then.is_empty()).then(|| (average(&then), average(&now)))
}

/// What was made of an adapter outside the repository.
fn program(target: &Target) -> Option<&str> {
    target.adapter_file.as_ref().map(|file| file.program_sha256.as_str())
}

pub fn is_same(a: &Target, b: &Target) -> bool {
    a.id == b.id
        && a.adapter == b.adapter
        && program(a) == program(b)
        && a.version == b.version
        && a.sdk_version == b.sdk_version
        && a.runtime
            .as_ref()
            .zip(b.runtime.as_ref())
            .is_none_or(|(a, b)| (&a.name, &a.version) == (&b.name, &b.version))
        && a.status == TargetStatus::Ok
        && b.status == TargetStatus::Ok
}

pub fn find_target<'a>(results: &'a Results, like: &Measurement, target: &str) -> Option<&'a Measurement> {
    results
        .measurements
        .iter()
        .find(|one| one.scale == like.scale && one.operation == like.operation && one.target == target)
}
