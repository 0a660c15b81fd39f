//! What changed between two results files, or between targets of one file, and whether it is a regression. The
//! comparison reads [`Results`] and nothing else; two runs that differ in machine, server or scale give
//! [`Incomparable`], or ratios of ratios, and never a number that only looks like one.
//!
//! **Change.** Of each metric, the rounds' values are taken as logarithms. Between two files they are two independent
//! groups (Welch); inside one file, and inside each file's ratios to a baseline, they are paired by round.
//!
//! From a few rounds alone no variance is known well, so each is drawn towards those of the same metric elsewhere in the
//! comparison ([`Prior`]), in every interval and in every test.
//!
//! **Regression.** Some 150 changes are tested at once, of which eight would look like something by chance at 95%
//! each. A change for the worse is a regression only if
//! 1. its 95% interval excludes no change,
//! 2. it passes the threshold in size,
//! 3. it survives Holm's correction over all changes that are gated, so that a pair of like runs fails in at most one
//!    of twenty cases;
//! 4. it shows against a control too: a target whose version is the same in both files, measured in the same rounds.
//!    If the control slowed down as much, the machine did.

pub mod fail_on;
pub mod render;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

pub use self::fail_on::{FailOn, Metric};
use crate::exit::Exit;
use crate::results::{
    Backend, Database, Environment, Interval, Measurement, Operation, Results, Round, Target, TargetStatus, Verdict,
};
use crate::stats::bootstrap::per_call;
use crate::stats::percentile;
use crate::stats::student::{self, Estimated, Prior};
use crate::stats::verdict::verdict;
use crate::summary::{cpu_parts, latency_parts, throughput_parts};

/// The chance that a pair of like runs fails.
const FALSE_ALARMS: f64 = 0.05;

/// What changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    pub basis: Basis,
    /// What each side is: a run's id, or a target's.
    pub base: String,
    pub new: String,
    /// The margin of equivalence of the verdicts, from the newer file's settings.
    pub margin: f64,
    /// What differs between the runs, or can't be told, in words.
    pub notes: Vec<String>,
    pub rows: Vec<Row>,
    /// What only one side has figures of.
    pub not_compared: Vec<String>,
    /// How many changes were tested at once.
    pub tested: usize,
    /// The smallest change of CPU per call that would usually have been a regression, if the threshold let it pass:
    /// 0.04 is 4%.
    pub would_find: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Basis {
    /// The figures themselves.
    Figures,
    /// Each file's ratios to its baseline, since the figures themselves can't be compared.
    Ratios { baseline: String, why: Vec<String> },
    /// Targets of one file, paired by round.
    Between,
}

/// The changes of one operation of one target at one scale.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub scale: String,
    pub operation: Operation,
    pub target: String,
    /// The target of the same run that it is compared with; null where it is compared with itself in another run.
    pub against: Option<String>,
    pub changes: Vec<Change>,
}

/// The change of one metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub metric: Metric,
    /// In the metric's unit; a ratio to the baseline where the basis is ratios.
    pub base: f64,
    pub new: f64,
    /// New over base.
    pub ratio: f64,
    /// Null where a side has a single round.
    pub ratio_ci95: Option<Interval>,
    /// By time: `slower` is worse also where the metric is throughput or memory.
    pub verdict: Verdict,
    /// The change of the same metric beyond that of the control.
    pub beyond_control: Option<f64>,
    /// The probability of such a change by chance, corrected for all that were tested.
    pub p_adjusted: Option<f64>,
    /// The size from which on a change for the worse fails; null where this metric isn't gated.
    pub threshold: Option<f64>,
    pub regression: bool,
}

impl Change {
    /// How much worse it became, as a share; negative is better.
    pub fn worse_by(&self) -> f64 {
        self.metric.worse_by(self.ratio)
    }
}

impl Comparison {
    pub fn regressions(&self) -> impl Iterator<Item = (&Row, &Change)> {
        self.changes().filter(|(_, change)| change.regression)
    }

    pub fn changes(&self) -> impl Iterator<Item = (&Row, &Change)> {
        self.rows.iter().flat_map(|row| row.changes.iter().map(move |change| (row, change)))
    }

    /// # Errors
    /// [`Exit::Regression`] where there is one, naming the first few.
    pub fn verdict(&self) -> Result<(), Exit> {
        let named: Vec<String> = self.regressions().map(|(row, change)| render::sentence(row, change)).collect();
        match named.as_slice() {
            [] => Ok(()),
            [one] => Err(Exit::Regression(format!("a regression: {one}"))),
            [first, ..] => Err(Exit::Regression(format!("{} regressions; the first: {first}", named.len()))),
        }
    }
}

/// Two runs that have nothing that can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomparable {
    pub why: Vec<String>,
}

impl fmt::Display for Incomparable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the two can't be compared: {}", self.why.join("; "))
    }
}

impl std::error::Error for Incomparable {}

impl From<Incomparable> for Exit {
    fn from(why: Incomparable) -> Exit {
        Exit::BadInput(why.to_string())
    }
}

/// Compares two runs.
///
/// # Errors
/// [`Incomparable`] where they have no scale or no target in common, or were made on two machines or against two
/// servers and have no baseline in common to take ratios to.
pub fn compare(base: &Results, new: &Results, fail_on: &FailOn) -> Result<Comparison, Incomparable> {
    let scales: Vec<&str> = new
        .settings
        .scales
        .iter()
        .filter(|scale| base.settings.scales.contains(scale))
        .map(|scale| scale.name.as_str())
        .collect();
    if scales.is_empty() {
        let names =
            |of: &Results| of.settings.scales.iter().map(|scale| scale.name.clone()).collect::<Vec<_>>().join(", ");
        return Err(Incomparable {
            why: vec![format!("one is of scale {}, the other of {}", names(base), names(new))],
        });
    }
    if tells_threads(base) != tells_threads(new) {
        let why = "one counts the CPU of the thread that runs JavaScript, the other that of the whole process";
        return Err(Incomparable { why: vec![why.to_owned()] });
    }
    let differences = differences((&base.environment, &base.database), (&new.environment, &new.database));
    let basis = if differences.is_empty() {
        Basis::Figures
    } else {
        match common_baseline(base, new) {
            Ok(baseline) => Basis::Ratios { baseline, why: differences },
            Err(why) => return Err(Incomparable { why: differences.into_iter().chain([why]).collect() }),
        }
    };
    let mut rows = Vec::new();
    let mut not_compared = Vec::new();
    for ours in new.measurements.iter().filter(|one| scales.contains(&one.scale.as_str())) {
        if matches!(&basis, Basis::Ratios { baseline, .. } if *baseline == ours.target) {
            continue;
        }
        match (find(base, ours), ours.latency_ms.is_some()) {
            (Some(theirs), true) if theirs.latency_ms.is_some() => {
                rows.push(row(ours, None, |metric| match &basis {
                    Basis::Ratios { baseline, .. } => of_ratios(base, theirs, new, ours, baseline, metric),
                    _ => of_figures(base, theirs, new, ours, metric),
                }));
            }
            (None, true) => not_compared.push(format!("{}: not in the base", name_of(ours))),
            (Some(_), true) => not_compared.push(format!("{}: no figures in the base", name_of(ours))),
            (_, false) => {
                not_compared.push(format!("{}: no figures in the new run{}", name_of(ours), why_none(new, ours)));
            }
        }
    }
    not_compared.extend(
        base.measurements
            .iter()
            .filter(|theirs| scales.contains(&theirs.scale.as_str()) && theirs.latency_ms.is_some())
            .filter(|theirs| find(new, theirs).is_none())
            .map(|theirs| format!("{}: not in the new run", name_of(theirs))),
    );
    if rows.is_empty() {
        return Err(Incomparable { why: vec!["no operation of any target has figures in both".to_owned()] });
    }
    let mut notes = notes(base, new);
    notes.extend(common_shift(&rows, &basis));
    let sides = (new.settings.equivalence_margin, base.run.id.clone(), new.run.id.clone());
    Ok(finish(basis, sides, notes, rows, not_compared, fail_on))
}

fn tells_threads(results: &Results) -> bool {
    let rounds = results.measurements.iter().flat_map(|one| &one.per_round);
    rounds.flat_map(|round| &round.slices).any(|slice| slice.thread_ms.is_some())
}

/// Two targets of one run: what is compared with, and what is compared with it.
pub type Pair = (String, String);

/// The targets of a run that are one library: the base of another commit with what stands beside it, and the first of
/// several versions with each of the others.
pub fn pairs(results: &Results) -> Vec<Pair> {
    let is_first_of = |one: &Target, other: &Target| one.adapter == other.adapter && one.base_of.is_none();
    let pair_of = |target: &Target| {
        if let Some(new) = &target.base_of {
            return Some((target.id.clone(), new.clone()));
        }
        let first = results.targets.iter().find(|other| is_first_of(other, target))?;
        (first.id != target.id).then(|| (first.id.clone(), target.id.clone()))
    };
    results.targets.iter().filter_map(pair_of).collect()
}

/// Compares pairs of targets of one run, paired by round.
///
/// # Errors
/// [`Incomparable`] where the file has no such targets, or no operation that both of a pair have figures of.
pub fn between(results: &Results, pairs: &[Pair], fail_on: &FailOn) -> Result<Comparison, Incomparable> {
    let known: Vec<&str> = results.targets.iter().map(|target| target.id.as_str()).collect();
    let mut rows = Vec::new();
    let mut not_compared = Vec::new();
    for (base, new) in pairs {
        if let Some(id) = [base, new].into_iter().find(|id| !known.contains(&id.as_str())) {
            return Err(Incomparable { why: vec![format!("there is no target {id}; there are {}", known.join(", "))] });
        }
        if base == new {
            return Err(Incomparable { why: vec![format!("{base} is named twice")] });
        }
        rows_between(results, base, new, &mut rows, &mut not_compared);
    }
    let names = |of: fn(&Pair) -> &String| pairs.iter().map(|pair| of(pair).as_str()).collect::<Vec<_>>().join(", ");
    let (base, new) = (names(|(base, _)| base), names(|(_, new)| new));
    if rows.is_empty() {
        return Err(Incomparable { why: vec![format!("no operation has figures of both {base} and {new}")] });
    }
    let sides = (results.settings.equivalence_margin, base, new);
    Ok(finish(Basis::Between, sides, few_rounds(&[results]), rows, not_compared, fail_on))
}

fn rows_between(results: &Results, base: &str, new: &str, rows: &mut Vec<RawRow>, not_compared: &mut Vec<String>) {
    for ours in results.measurements.iter().filter(|one| one.target == new) {
        let theirs = results
            .measurements
            .iter()
            .find(|theirs| theirs.target == base && theirs.operation == ours.operation && theirs.scale == ours.scale);
        match theirs {
            Some(theirs) if theirs.latency_ms.is_some() && ours.latency_ms.is_some() => {
                rows.push(row(ours, Some(base), |metric| of_pair(theirs, ours, metric)));
            }
            _ => not_compared.push(format!("{}: not both it and {base} have figures", name_of(ours))),
        }
    }
}

/// A change before it is judged: `log` is that of new over base.
struct Raw {
    base: f64,
    new: f64,
    log: f64,
    /// Absent where a side has a single round.
    estimated: Option<Estimated>,
    control: Option<Estimated>,
}

struct RawRow {
    scale: String,
    operation: Operation,
    target: String,
    against: Option<String>,
    changes: Vec<(Metric, Raw)>,
}

fn row(of: &Measurement, against: Option<&str>, change: impl Fn(Metric) -> Option<Raw>) -> RawRow {
    RawRow {
        scale: of.scale.clone(),
        operation: of.operation,
        target: of.target.clone(),
        against: against.map(str::to_owned),
        changes: Metric::ALL.into_iter().filter_map(|metric| Some((metric, change(metric)?))).collect(),
    }
}

/// Logarithms of a metric's values, by round.
type Series = BTreeMap<u32, f64>;

fn series(one: &Measurement, metric: Metric) -> Series {
    one.per_round
        .iter()
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
    crate::stats::mean(&values(series))
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

fn between_groups(base: &Series, new: &Series) -> Option<Estimated> {
    Some(student::difference(student::of_mean(&values(base))?, student::of_mean(&values(new))?))
}

fn same_concurrency(a: &Measurement, b: &Measurement, metric: Metric) -> bool {
    let of = |one: &Measurement| one.throughput.as_ref().map(|throughput| throughput.concurrency);
    metric != Metric::Throughput || of(a) == of(b)
}

fn of_figures(base: &Results, theirs: &Measurement, new: &Results, ours: &Measurement, metric: Metric) -> Option<Raw> {
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
        control,
    })
}

fn of_ratios(
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
        control: None,
    })
}

fn of_pair(theirs: &Measurement, ours: &Measurement, metric: Metric) -> Option<Raw> {
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
        control: None,
    })
}

/// What the machine alone would have done to this operation in both runs: the baseline's values or, for the baseline
/// itself or where its version changed, the mean of the others whose version didn't.
fn controls(
    base: &Results,
    theirs: &Measurement,
    new: &Results,
    ours: &Measurement,
    metric: Metric,
) -> Option<(Series, Series)> {
    if metric == Metric::Memory {
        return None;
    }
    let unchanged: Vec<&Target> = new
        .targets
        .iter()
        .filter(|target| target.id != ours.target)
        .filter(|target| base.targets.iter().any(|other| is_same(target, other)))
        .collect();
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

fn is_same(a: &Target, b: &Target) -> bool {
    a.id == b.id
        && a.adapter == b.adapter
        && a.version == b.version
        && a.sdk_version == b.sdk_version
        && a.status == TargetStatus::Ok
        && b.status == TargetStatus::Ok
}

fn find<'a>(results: &'a Results, like: &Measurement) -> Option<&'a Measurement> {
    find_target(results, like, &like.target)
}

fn find_target<'a>(results: &'a Results, like: &Measurement, target: &str) -> Option<&'a Measurement> {
    results
        .measurements
        .iter()
        .find(|one| one.scale == like.scale && one.operation == like.operation && one.target == target)
}

fn name_of(one: &Measurement) -> String {
    format!("{} of {} ({})", one.operation, one.target, one.scale)
}

fn why_none(results: &Results, one: &Measurement) -> String {
    let target = results.targets.iter().find(|target| target.id == one.target);
    let reason = target.and_then(|target| target.reason.as_deref());
    let cause = one.failure.as_ref().map(|failure| failure.cause.as_str()).or(reason);
    cause.and_then(|cause| cause.lines().next()).map_or_else(String::new, |cause| format!(" ({cause})"))
}

/// What forbids comparing the figures of two runs themselves: another machine, or another server.
pub fn differences(
    (a, its_server): (&Environment, &Database),
    (b, other_server): (&Environment, &Database),
) -> Vec<String> {
    let mut why = Vec::new();
    let mut differ = |what: &str, a: String, b: String| {
        if a != b {
            why.push(format!("{what}: {a} and {b}"));
        }
    };
    differ("two kinds of processor", a.cpu_model.clone(), b.cpu_model.clone());
    differ("other numbers of cores", a.cores.to_string(), b.cores.to_string());
    let backend = |server: &Database| {
        match server.backend {
            Backend::Docker => "Docker",
            Backend::Java => "Java",
            Backend::External => "none, an external server",
        }
        .to_owned()
    };
    differ("two ways to run the server", backend(its_server), backend(other_server));
    let version = |server: &Database| match (&server.version, server.backend) {
        (Some(version), _) => version.clone(),
        (None, Backend::External) => format!("unknown, at {}", server.endpoint),
        (None, _) => "unknown".to_owned(),
    };
    differ("two server versions", version(its_server), version(other_server));
    if (a.memory_mb / b.memory_mb - 1.0).abs() > 0.05 {
        why.push(format!("two machines: {:.0} MiB of memory and {:.0}", a.memory_mb, b.memory_mb));
    }
    why
}

fn common_baseline(base: &Results, new: &Results) -> Result<String, String> {
    let of = |results: &Results| results.targets.iter().find(|target| target.baseline).cloned();
    match (of(base), of(new)) {
        (Some(a), Some(b)) if is_same(&a, &b) => Ok(a.id),
        (Some(a), Some(b)) if a.id == b.id => Err(format!(
            "their baselines differ ({} {} and {}), so there are no ratios either",
            a.id,
            a.version.as_deref().unwrap_or("without figures"),
            b.version.as_deref().unwrap_or("without figures")
        )),
        _ => Err("they have no baseline in common, so there are no ratios either".to_owned()),
    }
}

/// What differs and leaves the figures comparable, but should be known.
fn notes(base: &Results, new: &Results) -> Vec<String> {
    let (a, b) = (&base.environment, &new.environment);
    let mut notes = Vec::new();
    let mut differ = |what: &str, a: &str, b: &str| {
        if a != b {
            notes.push(format!("{what}: {a} → {b}"));
        }
    };
    differ("operating system", &a.os, &b.os);
    differ("kernel", &a.kernel, &b.kernel);
    differ("Node", &a.node, &b.node);
    differ("concurrency", &base.settings.concurrency.to_string(), &new.settings.concurrency.to_string());
    differ("design", &format!("{:?}", base.settings.design), &format!("{:?}", new.settings.design));
    for target in &new.targets {
        let Some(other) = base.targets.iter().find(|other| other.id == target.id) else { continue };
        let known = |version: &Option<String>| version.clone().unwrap_or_else(|| "unknown".to_owned());
        differ(&target.id, &known(&other.version), &known(&target.version));
        differ(&format!("AWS SDK of {}", target.id), &known(&other.sdk_version), &known(&target.sdk_version));
    }
    notes.extend(few_rounds(&[base, new]));
    notes
}

fn few_rounds(runs: &[&Results]) -> Vec<String> {
    let rounds = runs.iter().flat_map(|run| &run.measurements).map(|one| one.rounds).filter(|&rounds| rounds > 0).min();
    match rounds {
        Some(1) => vec!["a single round was made: without intervals nothing can be told".to_owned()],
        Some(2) => vec!["only two rounds were made: only large changes can be told".to_owned()],
        _ => Vec::new(),
    }
}

/// A change that all targets share is the machine's, or the harness's.
fn common_shift(rows: &[RawRow], basis: &Basis) -> Option<String> {
    let targets: std::collections::HashSet<&str> = rows.iter().map(|row| row.target.as_str()).collect();
    if *basis != Basis::Figures || targets.len() < 2 {
        return None;
    }
    let of_cpu = |row: &RawRow| row.changes.iter().find(|(metric, _)| *metric == Metric::Cpu).map(|(_, raw)| raw.log);
    let mut logs: Vec<f64> = rows.iter().filter_map(of_cpu).collect();
    logs.sort_by(f64::total_cmp);
    let shift = percentile::percentile(&logs, 0.5)?.exp() - 1.0;
    (shift.abs() > 0.05).then(|| {
        format!(
            "CPU per call changed by {} for the middle one of all measurements: the machine (or what all targets \
             share) became {}; only what changed more than its control fails",
            render::percent(shift),
            if shift > 0.0 { "slower" } else { "faster" }
        )
    })
}

/// What the changes of each metric tell about the variances of one another.
struct Priors(BTreeMap<Metric, Option<Prior>>);

impl Priors {
    fn of(rows: &[RawRow], which: impl Fn(&Raw) -> Option<Estimated>) -> Priors {
        let estimates = |metric: Metric| -> Vec<Estimated> {
            let all = rows.iter().flat_map(|row| &row.changes);
            all.filter(|(of, _)| *of == metric).filter_map(|(_, raw)| which(raw)).collect()
        };
        Priors(Metric::ALL.into_iter().map(|metric| (metric, Prior::fit(&estimates(metric)))).collect())
    }

    fn moderate(&self, metric: Metric, estimated: Estimated) -> Estimated {
        self.0.get(&metric).copied().flatten().map_or(estimated, |prior| prior.moderate(estimated))
    }
}

/// Judges all changes together.
fn finish(
    basis: Basis,
    (margin, base, new): (f64, String, String),
    notes: Vec<String>,
    rows: Vec<RawRow>,
    not_compared: Vec<String>,
    fail_on: &FailOn,
) -> Comparison {
    let priors = Priors::of(&rows, |raw| raw.estimated);
    let control_priors = Priors::of(&rows, |raw| raw.control);
    let gated: Vec<(Metric, Estimated)> = rows
        .iter()
        .flat_map(|row| &row.changes)
        .filter(|(metric, _)| fail_on.threshold(*metric).is_some())
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
    let judge = |(metric, raw): (Metric, Raw)| {
        let threshold = fail_on.threshold(metric);
        let ratio_ci95 = raw.estimated.map(|estimated| priors.moderate(metric, estimated).ci95().map(f64::exp));
        let p_adjusted = raw.estimated.and(threshold).and_then(|_| adjusted.next());
        let ratio = raw.log.exp();
        let by_time = match (metric.sign() < 0.0, ratio_ci95) {
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
    let mut judge = judge;
    let rows = rows
        .into_iter()
        .map(|row| Row {
            scale: row.scale,
            operation: row.operation,
            target: row.target,
            against: row.against,
            changes: row.changes.into_iter().map(&mut judge).collect(),
        })
        .collect();
    let would_find = percentile::percentile(&cpu_limits, 0.5).filter(|limit| limit.is_finite());
    Comparison { basis, base, new, margin, notes, rows, not_compared, tested, would_find }
}

#[cfg(test)]
mod tests;
