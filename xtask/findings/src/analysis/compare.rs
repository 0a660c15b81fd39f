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
//! **No verdict.** The rounds are those that a run's own figures are made of, and by the same rule a change has no verdict,
//! and can't fail, where a process behind it had not settled or there are fewer than three rounds.
//!
//! **Regression.** Some 170 changes are tested at once, of which eight would look like something by chance at 95%
//! each. A change for the worse is a regression only if
//! 1. its 95% interval excludes no change,
//! 2. it passes the threshold in size,
//! 3. it survives Holm's correction over all changes that are gated, so that a pair of like runs fails in at most one
//!    of twenty cases;
//! 4. it shows against a control too: a target whose version is the same in both files, measured in the same rounds.
//!    If the control slowed down as much, the machine did.

mod change;
mod differences;
pub mod fail_on;
mod judge;

use std::fmt;

use serde::Serialize;

use crate::results::{Interval, Measurement, Operation, Results, Target, Verdict};

use super::summary::shared_rounds;
use super::verdict::no_verdict;
use change::{RawRow, find_target, no_verdict_between_runs, of_figures, of_pair, of_ratios, row};
use differences::{common_baseline, common_shift, counts_threads, notes, other_items, query_sizes};
pub use differences::{differences, has_recorded_answers};
pub use fail_on::{FailOn, Metric};
use judge::judge_all;

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
    /// What differs between the runs, or cannot be shown.
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
    /// Why none of the changes has a verdict; null where they may have one.
    pub no_verdict: Option<String>,
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
    if let Some(why) = other_items(base, new) {
        return Err(Incomparable { why: vec![why] });
    }
    if counts_threads(base) != counts_threads(new) {
        let why = "one counts the CPU of the thread that runs JavaScript, the other that of the whole process";
        return Err(Incomparable { why: vec![why.to_owned()] });
    }
    if has_recorded_answers(base) != has_recorded_answers(new) {
        let why = "one measured the client's cost against recorded answers, the other against the database";
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
    let queries = query_sizes(base, new);
    not_compared.extend(queries.clone());
    let baseline = if let Basis::Ratios { baseline, .. } = &basis { Some(baseline) } else { None };
    let is_compared = |one: &&Measurement| {
        scales.contains(&one.scale.as_str()) && (queries.is_none() || one.operation != Operation::Query)
    };
    for ours in new.measurements.iter().filter(is_compared) {
        if baseline == Some(&ours.target) {
            continue;
        }
        match (find(base, ours), has_figures(ours)) {
            (Some(theirs), true) if has_figures(theirs) => {
                let no_verdict = no_verdict_between_runs((base, theirs), (new, ours), baseline.map(String::as_str));
                rows.push(row(ours, None, no_verdict, |metric| match baseline {
                    Some(baseline) => of_ratios(base, theirs, new, ours, baseline, metric),
                    None => of_figures(base, theirs, new, ours, metric),
                }));
            }
            (None, true) => not_compared.push(format!("{}: not in the base", ours.name())),
            (Some(_), true) => not_compared.push(format!("{}: no figures in the base", ours.name())),
            (_, false) => {
                not_compared.push(format!("{}: no figures in the new run{}", ours.name(), why_none(new, ours)));
            }
        }
    }
    not_compared.extend(
        base.measurements
            .iter()
            .filter(|theirs| is_compared(theirs) && has_figures(theirs))
            .filter(|theirs| find(new, theirs).is_none())
            .map(|theirs| format!("{}: not in the new run", theirs.name())),
    );
    if rows.is_empty() {
        return Err(Incomparable { why: vec!["no operation of any target has figures in both".to_owned()] });
    }
    let mut notes = notes(base, new);
    notes.extend(common_shift(&rows, &basis));
    let sides = (new.settings.equivalence_margin, base.run.id.clone(), new.run.id.clone());
    Ok(judge_all(basis, sides, notes, rows, not_compared, fail_on))
}

/// Two targets of one run: what is compared with, and what is compared with it.
pub type Pair = (String, String);

/// The targets of a run that are one library under one runtime: the base of another commit with what stands next to it,
/// and the first of several versions with each of the others.
pub fn pairs(results: &Results) -> Vec<Pair> {
    let is_first_of =
        |one: &Target, other: &Target| one.adapter == other.adapter && one.base_of.is_none() && one.runs_like(other);
    let pair_of = |target: &Target| {
        if let Some(new) = &target.base_of {
            return Some((target.id.clone(), new.clone()));
        }
        let first = results.targets.iter().find(|other| is_first_of(other, target))?;
        (first.id != target.id).then(|| (first.id.clone(), target.id.clone()))
    };
    results.targets.iter().filter_map(pair_of).collect()
}

/// The targets of a run that differ in their runtime alone: the one under the first runtime with each of the others.
pub fn runtime_pairs(results: &Results) -> Vec<Pair> {
    let own = || results.targets.iter().filter(|target| target.base_of.is_none());
    let pair_of = |target: &Target| {
        let is_like = |other: &&Target| other.adapter == target.adapter && other.stem() == target.stem();
        let first = own().find(is_like)?;
        (!first.runs_like(target)).then(|| (first.id.clone(), target.id.clone()))
    };
    own().filter_map(pair_of).collect()
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
    Ok(judge_all(Basis::Between, sides, Vec::new(), rows, not_compared, fail_on))
}

fn rows_between(results: &Results, base: &str, new: &str, rows: &mut Vec<RawRow>, not_compared: &mut Vec<String>) {
    for ours in results.measurements.iter().filter(|one| one.target == new) {
        let theirs = results
            .measurements
            .iter()
            .find(|theirs| theirs.target == base && theirs.operation == ours.operation && theirs.scale == ours.scale);
        match theirs {
            Some(theirs) if has_figures(theirs) && has_figures(ours) => {
                let [of_base, of_new] = [base, new].map(|id| format!(" of {id}"));
                let no_verdict = no_verdict(&[(theirs, &of_base), (ours, &of_new)], shared_rounds(ours, theirs));
                rows.push(row(ours, Some(base), no_verdict, |metric| of_pair(theirs, ours, metric)));
            }
            _ => not_compared.push(format!("no figures for both {} and {base}", ours.name())),
        }
    }
}

/// Whether there is anything to compare: a scan of a large table has no latency.
fn has_figures(one: &Measurement) -> bool {
    one.cpu.is_some() || one.latency_ms.is_some()
}

fn find<'a>(results: &'a Results, like: &Measurement) -> Option<&'a Measurement> {
    find_target(results, like, &like.target)
}

fn why_none(results: &Results, one: &Measurement) -> String {
    let target = results.targets.iter().find(|target| target.id == one.target);
    let reason = target.and_then(|target| target.reason.as_deref());
    let cause = one.failure.as_ref().map(|failure| failure.cause.as_str()).or(reason);
    cause.and_then(|cause| cause.lines().next()).map_or_else(String::new, |cause| format!(" ({cause})"))
}

#[cfg(test)]
mod tests;
