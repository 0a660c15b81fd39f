//! A comparison as text: for a terminal, as Markdown, or as JSON. It decides nothing.

use std::fmt::Write as _;

use crate::analysis::compare::{Basis, Change, Comparison, Metric, Row};
use crate::report::escape::markdown as escaped;
pub use crate::report::format::signed_percent as percent;
use crate::report::format::{self, NOT_MEASURED};
use crate::report::group;
use crate::report::model::NO_VERDICT;
use crate::report::text::{Cell, Column, Table, wrap};
use crate::results::Verdict;

/// How many changes for the worse that don't fail are named one by one.
const NAMED: usize = 8;
/// What a terminal's columns are called.
const HEADS: [&str; 7] = ["CPU", "alloc", "latency", "p95", "p99", "rate", "memory"];

/// For a terminal of this many columns; the tables are whole from 80 on.
pub fn terminal(comparison: &Comparison, width: usize) -> String {
    let mut lines: Vec<String> = heading(comparison).iter().flat_map(|line| wrap(line, width, 0, 0)).collect();
    // A metric that neither run measured has no column.
    let metrics: Vec<(usize, Metric)> =
        Metric::ALL.into_iter().enumerate().filter(|(_, metric)| occurs(comparison, *metric)).collect();
    let heads = metrics.iter().map(|&(at, _)| Column::figure(HEADS[at]).dispensable(at as u8));
    let mut table = Table::new([Column::name("")].into_iter().chain(heads)).tight();
    let groups = groups(comparison);
    for row in groups.iter().flatten() {
        let cell = |(_, metric): &(usize, Metric)| {
            of(row, *metric).map_or_else(|| NOT_MEASURED.to_owned(), |change| cell(row, change))
        };
        let cells = metrics.iter().map(cell);
        table.row([row.operation.name().to_owned()].into_iter().chain(cells));
    }
    let layout = table.fitted(width);
    let mut at = 0..;
    for rows in &groups {
        lines.push(String::new());
        lines.extend(wrap(&title_of(rows[0]), width, 0, 0));
        lines.extend(table.heads(&layout));
        lines.extend(at.by_ref().take(rows.len()).flat_map(|at| table.lines_of(&layout, at)));
        lines.extend(without_verdict(rows).iter().flat_map(|line| wrap(line, width, 0, 2)));
    }
    lines.push(String::new());
    let open = if comparison.rows.iter().any(|row| row.no_verdict.is_some()) { ", n no verdict" } else { "" };
    let marks = format!("✗ regression, w worse, b better, = the same, ? inconclusive{open}");
    for line in ["Change in %, ± half-width of the 95% interval:", &marks] {
        lines.extend(wrap(line, width, 0, 0));
    }
    lines.push(String::new());
    lines.extend(conclusions(comparison).iter().flat_map(|line| wrap(line, width, 0, 2)));
    lines.iter().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// As Markdown, with every interval.
pub fn markdown(comparison: &Comparison) -> String {
    let mut out = format!("## {} → {}\n\n", escaped(&comparison.base), escaped(&comparison.new));
    for line in heading(comparison) {
        let _ = writeln!(out, "{}\n", escaped(&line));
    }
    for rows in groups(comparison) {
        let metrics: Vec<Metric> = Metric::ALL.into_iter().filter(|metric| occurs(comparison, *metric)).collect();
        let heads = metrics.iter().map(|metric| Column::figure(title(*metric)));
        let mut table = Table::new([Column::name("operation")].into_iter().chain(heads));
        for row in &rows {
            let cell = |change| long_cell(row, change);
            let cells = metrics.iter().map(|metric| of(row, *metric).map_or_else(|| Cell::new(NOT_MEASURED), cell));
            table.row([Cell::new(row.operation.name())].into_iter().chain(cells));
        }
        let _ = writeln!(out, "### {}\n\n{}", escaped(&title_of(rows[0])), table.markdown());
        for line in without_verdict(&rows) {
            let _ = writeln!(out, "{}\n", escaped(&line));
        }
    }
    for line in conclusions(comparison) {
        let _ = writeln!(out, "- {}", escaped(&line));
    }
    out
}

/// For machines.
pub fn json(comparison: &Comparison) -> String {
    let mut value = serde_json::to_value(comparison).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("regressions".to_owned(), comparison.regressions().count().into());
    }
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.push('\n');
    text
}

/// One change as a sentence.
pub fn sentence(row: &Row, change: &Change) -> String {
    let threshold = change
        .threshold
        .map_or_else(String::new, |threshold| format!(", fails from {}", format::set_percent(threshold)));
    format!(
        "{} of {} ({}): {} {} → {}, {}{}{}",
        row.operation,
        row.target,
        row.scale,
        title(change.metric),
        figure(change.metric, change.base),
        figure(change.metric, change.new),
        percent(change.ratio - 1.0),
        range(change),
        if change.regression { threshold } else { String::new() }
    )
}

fn of(row: &Row, metric: Metric) -> Option<&Change> {
    row.changes.iter().find(|change| change.metric == metric)
}

/// Whether any row has a change of this metric.
fn occurs(comparison: &Comparison, metric: Metric) -> bool {
    comparison.rows.iter().any(|row| of(row, metric).is_some())
}

/// A change in at most nine columns, in percent: `+4.2±1.1?`.
fn cell(row: &Row, change: &Change) -> String {
    let short = |share: f64| match format::percent(share) {
        _ if share >= 9.995 => "1k+".to_owned(),
        percent => percent.trim_end_matches('%').to_owned(),
    };
    let by = change.ratio - 1.0;
    let half = change.ratio_ci95.map_or_else(String::new, |[low, high]| format!("±{}", short((high - low) / 2.0)));
    format!("{}{}{half}{}", if by < 0.0 { '−' } else { '+' }, short(by.abs()), mark(row, change))
}

/// A change with its interval and a word.
fn long_cell(row: &Row, change: &Change) -> Cell {
    let text = format!("{}{}", percent(change.ratio - 1.0), range(change));
    if change.regression {
        Cell::strong(format!("{text} ✗"))
    } else {
        Cell::new(format!("{text} {}", word(row, change)))
    }
}

fn range(change: &Change) -> String {
    change
        .ratio_ci95
        .map_or_else(String::new, |[low, high]| format!(" ({} to {})", percent(low - 1.0), percent(high - 1.0)))
}

fn mark(row: &Row, change: &Change) -> char {
    match change.verdict {
        _ if row.no_verdict.is_some() => 'n',
        _ if change.regression => '✗',
        Verdict::Slower => 'w',
        Verdict::Faster => 'b',
        Verdict::Same => '=',
        Verdict::Unclear => '?',
    }
}

fn word(row: &Row, change: &Change) -> &'static str {
    match change.verdict {
        _ if row.no_verdict.is_some() => NO_VERDICT,
        Verdict::Slower => "worse",
        Verdict::Faster => "better",
        Verdict::Same => "same",
        Verdict::Unclear => "unclear",
    }
}

fn title(metric: Metric) -> &'static str {
    match metric {
        Metric::Cpu => "CPU per call",
        Metric::Allocation => "bytes allocated per call",
        Metric::Latency => "mean latency",
        Metric::P95 => "p95",
        Metric::P99 => "p99",
        Metric::Throughput => "throughput",
        Metric::Memory => "peak memory",
    }
}

fn figure(metric: Metric, value: f64) -> String {
    let unit = match metric {
        Metric::Cpu => " µs",
        Metric::Allocation => " bytes",
        Metric::Latency | Metric::P95 | Metric::P99 => " ms",
        Metric::Throughput => "/s",
        Metric::Memory => " MiB",
    };
    format!("{}{unit}", format::number(value))
}

/// The rows of each scale and target, in their order.
fn groups(comparison: &Comparison) -> Vec<Vec<&Row>> {
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    for row in &comparison.rows {
        let alike =
            |other: &&Row| (&other.scale, &other.target, &other.against) == (&row.scale, &row.target, &row.against);
        match groups.iter_mut().find(|group| group.first().is_some_and(alike)) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

fn title_of(row: &Row) -> String {
    let against = row.against.as_ref().map_or_else(String::new, |against| format!("{against} → "));
    format!("{against}{}, scale {}", row.target, row.scale)
}

/// Why rows of a group have no verdict: "no verdict in Query: 2 of 3 processes of mizzle had not settled".
fn without_verdict(rows: &[&Row]) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for row in rows {
        let Some(why) = &row.no_verdict else { continue };
        group::add(&mut reasons, why, row.operation.name());
    }
    let line = |(why, operations): &(&str, Vec<&str>)| match operations.len() {
        all if all == rows.len() => format!("{NO_VERDICT}: {why}"),
        _ => format!("{NO_VERDICT} in {}: {why}", format::list(operations)),
    };
    reasons.iter().map(line).collect()
}

/// What of that which is gated could not be judged, and what the exit code then means; None where all was.
pub fn unjudged(comparison: &Comparison) -> Option<String> {
    let gated: Vec<&Row> = comparison.changes().filter_map(|(row, change)| change.threshold.map(|_| row)).collect();
    let open = gated.iter().filter(|row| row.no_verdict.is_some()).count();
    match gated.len() {
        0 => None,
        _ if comparison.tested == 0 => {
            Some("No change could be judged, so none can fail: exit code 0 is not a pass.".to_owned())
        }
        all => {
            (open > 0).then(|| format!("No verdict on {open} of {all} changes: the exit code says nothing about them."))
        }
    }
}

fn heading(comparison: &Comparison) -> Vec<String> {
    let mut lines = vec![match &comparison.basis {
        Basis::Figures => format!("{} → {}: how each figure changed", comparison.base, comparison.new),
        Basis::Between => format!("{} → {}: targets of one run, paired by round", comparison.base, comparison.new),
        Basis::Ratios { baseline, why } => format!(
            "{} → {}: only the ratios to {baseline} are compared, since the runs have {}",
            comparison.base,
            comparison.new,
            why.join("; ")
        ),
    }];
    lines.extend(comparison.notes.iter().map(|note| format!("note: {note}")));
    lines
}

fn conclusions(comparison: &Comparison) -> Vec<String> {
    let mut lines: Vec<String> =
        comparison.regressions().map(|(row, change)| format!("✗ {}", sentence(row, change))).collect();
    let mut worse: Vec<(&Row, &Change)> =
        comparison.changes().filter(|(_, change)| change.verdict == Verdict::Slower && !change.regression).collect();
    worse.sort_by(|a, b| b.1.worse_by().total_cmp(&a.1.worse_by()));
    lines.extend(worse.iter().take(NAMED).map(|(row, change)| format!("worse: {}", sentence(row, change))));
    if worse.len() > NAMED {
        lines.push(format!("and {} more that are worse but don't fail", worse.len() - NAMED));
    }
    lines.extend(comparison.not_compared.iter().map(|what| format!("not compared: {what}")));
    let regressions = comparison.regressions().count();
    let tested = comparison.tested;
    let is_gated = comparison.changes().any(|(_, change)| change.threshold.is_some());
    let changes = format::plural(tested as u64, "change");
    lines.extend(match (regressions, tested) {
        (_, 0) => (!is_gated).then(|| "No change fails, whatever its size.".to_owned()),
        (0, _) => Some(format!("No regression among {changes}.")),
        (n, _) => Some(format!("{} among {changes}.", format::plural(n as u64, "regression"))),
    });
    if tested > 0 {
        let by_chance = (tested as f64 * 0.025).round();
        let found = comparison.would_find.map_or_else(String::new, |smallest| {
            format!(" A comparison like this usually detects a CPU change of {} or more.", format::percent(smallest))
        });
        let chance = if by_chance >= 1.0 {
            format!(
                "About {by_chance:.0} of {changes} would look worse by chance at 95%; a regression is one that \
                 survives Holm's correction."
            )
        } else {
            String::new()
        };
        let said = format!("{chance}{found}").trim_start().to_owned();
        lines.extend((!said.is_empty()).then_some(said));
    }
    lines.extend(unjudged(comparison));
    lines
}
