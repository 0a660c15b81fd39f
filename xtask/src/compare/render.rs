//! A comparison as text: for a terminal of 80 columns, as Markdown, or as JSON. It decides nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, Width};

use super::{Basis, Change, Comparison, Metric, Row};
use crate::results::Verdict;

/// How many changes for the worse that don't fail are named one by one.
const NAMED: usize = 8;

/// For a terminal, 80 columns wide.
pub fn terminal(comparison: &Comparison) -> String {
    let mut out = String::new();
    for line in heading(comparison) {
        wrapped(&mut out, &line, "");
    }
    for (scale, target) in groups(comparison) {
        let mut table = Table::new();
        table
            .load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY)
            .set_content_arrangement(ContentArrangement::Disabled);
        table.set_header([target.as_str(), "CPU", "latency", "p95", "p99", "rate", "memory"]);
        for row in comparison.rows.iter().filter(|row| row.scale == scale && row.target == target) {
            let mut cells = vec![Cell::new(row.operation)];
            cells.extend(Metric::ALL.map(|metric| {
                let change = row.changes.iter().find(|change| change.metric == metric);
                let text =
                    change.map_or_else(|| "-".to_owned(), |c| format!("{} {}", short_percent(c.ratio - 1.0), mark(c)));
                Cell::new(text).set_alignment(CellAlignment::Right)
            }));
            table.add_row(cells);
        }
        if let Some(column) = table.column_mut(0) {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(14)));
        }
        let _ = write!(out, "\nscale {scale}\n{}\n", table.trim_fmt());
    }
    let _ = writeln!(out, "\n✗ regression   - worse   + better   = the same   ? this pair can't tell");
    for line in conclusions(comparison) {
        wrapped(&mut out, &line, "  ");
    }
    out
}

/// As Markdown, with every interval.
pub fn markdown(comparison: &Comparison) -> String {
    let mut out = format!("## {} → {}\n\n", escaped(&comparison.base), escaped(&comparison.new));
    for line in heading(comparison) {
        let _ = writeln!(out, "{}\n", escaped(&line));
    }
    for (scale, target) in groups(comparison) {
        let _ = writeln!(
            out,
            "### {}, scale {}\n\n| operation | CPU per call | mean latency | p95 | p99 | throughput | peak memory |\n\
             |---|---:|---:|---:|---:|---:|---:|",
            escaped(&target),
            escaped(&scale)
        );
        for row in comparison.rows.iter().filter(|row| row.scale == scale && row.target == target) {
            let _ = write!(out, "| {} |", row.operation);
            for metric in Metric::ALL {
                let cell = row.changes.iter().find(|change| change.metric == metric).map_or_else(
                    || "–".to_owned(),
                    |change| {
                        let text = format!("{}{}", percent(change.ratio - 1.0), range(change));
                        if change.regression { format!("**{text} ✗**") } else { format!("{text} {}", word(change)) }
                    },
                );
                let _ = write!(out, " {cell} |");
            }
            out.push('\n');
        }
        out.push('\n');
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

/// One change in words.
pub fn sentence(row: &Row, change: &Change) -> String {
    let threshold = change
        .threshold
        .map_or_else(String::new, |threshold| format!(", fails from {}%", (threshold * 1e4).round() / 1e2));
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

/// `+4.2%`.
pub fn percent(share: f64) -> String {
    format!("{}{}", if share < 0.0 { "−" } else { "+" }, bare_percent(share.abs()))
}

fn bare_percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 9.95 { format!("{percent:.1}%") } else { format!("{percent:.0}%") }
}

fn short_percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent.abs() < 99.95 { format!("{percent:+.1}%") } else { format!("{percent:+.0}%") }
}

fn range(change: &Change) -> String {
    change
        .ratio_ci95
        .map_or_else(String::new, |[low, high]| format!(" ({} to {})", percent(low - 1.0), percent(high - 1.0)))
}

fn mark(change: &Change) -> char {
    match change.verdict {
        _ if change.regression => '✗',
        Verdict::Slower => '-',
        Verdict::Faster => '+',
        Verdict::Same => '=',
        Verdict::Unclear => '?',
    }
}

fn word(change: &Change) -> &'static str {
    match change.verdict {
        Verdict::Slower => "worse",
        Verdict::Faster => "better",
        Verdict::Same => "same",
        Verdict::Unclear => "unclear",
    }
}

fn title(metric: Metric) -> &'static str {
    match metric {
        Metric::Cpu => "CPU per call",
        Metric::Latency => "mean latency",
        Metric::P95 => "p95",
        Metric::P99 => "p99",
        Metric::Throughput => "throughput",
        Metric::Memory => "peak memory",
    }
}

fn figure(metric: Metric, value: f64) -> String {
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    let unit = match metric {
        Metric::Cpu => " µs",
        Metric::Latency | Metric::P95 | Metric::P99 => " ms",
        Metric::Throughput => "/s",
        Metric::Memory => " MiB",
    };
    format!("{value:.digits$}{unit}")
}

fn groups(comparison: &Comparison) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    let groups = comparison.rows.iter().map(|row| (row.scale.clone(), row.target.clone()));
    groups.filter(|group| seen.insert(group.clone())).collect()
}

fn heading(comparison: &Comparison) -> Vec<String> {
    let mut lines = vec![match &comparison.basis {
        Basis::Figures => format!("{} → {}: how each figure changed", comparison.base, comparison.new),
        Basis::Between => format!("{} → {}: two targets of one run, paired by round", comparison.base, comparison.new),
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
    lines.extend(worse.iter().take(NAMED).map(|(row, change)| format!("- {}", sentence(row, change))));
    if worse.len() > NAMED {
        lines.push(format!("- and {} more that are worse and don't fail", worse.len() - NAMED));
    }
    lines.extend(comparison.not_compared.iter().map(|what| format!("not compared: {what}")));
    let regressions = comparison.regressions().count();
    let tested = comparison.tested;
    lines.push(match (regressions, tested) {
        (_, 0) => "Nothing could be tested: no change has an interval, so none can fail.".to_owned(),
        (0, _) => format!("No regression among {tested} changes."),
        (1, _) => format!("1 regression among {tested} changes."),
        (n, _) => format!("{n} regressions among {tested} changes."),
    });
    if tested > 0 {
        let by_chance = (tested as f64 * 0.025).round();
        let found = comparison.would_find.map_or_else(String::new, |smallest| {
            format!(" This pair would usually show a change of CPU per call from {} on.", bare_percent(smallest))
        });
        lines.push(format!(
            "At 95% each, about {by_chance:.0} of them would look worse by chance; a regression survives Holm's \
             correction for all {tested}.{found}"
        ));
    }
    lines
}

fn wrapped(out: &mut String, line: &str, indent: &str) {
    const WIDTH: usize = 80;
    let mut length = 0;
    for word in line.split(' ') {
        let wide = console::measure_text_width(word);
        if length > 0 && length + 1 + wide > WIDTH {
            out.push('\n');
            out.push_str(indent);
            length = indent.len();
        } else if length > 0 {
            out.push(' ');
            length += 1;
        }
        out.push_str(word);
        length += wide;
    }
    out.push('\n');
}

/// Text from a file as Markdown shows it, and nothing more.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '#' => escaped.extend(['\\', c]),
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
