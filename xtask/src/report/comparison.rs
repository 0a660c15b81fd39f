//! A comparison as text: for a terminal of 80 columns, as Markdown, or as JSON. It decides nothing.

use crate::report::format::plain_lines;
use std::fmt::Write as _;

use crate::analysis::compare::{Basis, Change, Comparison, Metric, Row};
use crate::results::Verdict;

/// How many changes for the worse that don't fail are named one by one.
const NAMED: usize = 8;
/// Columns of a change on a terminal: six of them and the operation's ten fit 80.
const CELL: usize = 11;

/// For a terminal, 80 columns wide.
pub fn terminal(comparison: &Comparison) -> String {
    let mut out = String::new();
    for line in heading(comparison) {
        wrapped(&mut out, &line, "");
    }
    for rows in groups(comparison) {
        wrapped(&mut out, &format!("\n{}", title_of(rows[0])), "");
        let _ = write!(out, "{:10}", "");
        for head in ["CPU", "latency", "p95", "p99", "rate", "memory"] {
            let _ = write!(out, "{head:>CELL$}");
        }
        out.push('\n');
        for row in rows {
            let _ = write!(out, "{:10}", row.operation);
            for metric in Metric::ALL {
                let change = row.changes.iter().find(|change| change.metric == metric);
                let _ = write!(out, "{:>CELL$}", change.map_or_else(|| "–".to_owned(), cell));
            }
            out.push('\n');
        }
    }
    let _ = writeln!(
        out,
        "\nChange in percent ± half of its 95% interval, and what it is:\n\
         ✗ regression   w worse   b better   = the same   ? can't be told\n"
    );
    for line in conclusions(comparison) {
        wrapped(&mut out, &line, "  ");
    }
    // Names and reasons come from files.
    plain_lines(&out) + "\n"
}

/// As Markdown, with every interval.
pub fn markdown(comparison: &Comparison) -> String {
    let mut out = format!("## {} → {}\n\n", escaped(&comparison.base), escaped(&comparison.new));
    for line in heading(comparison) {
        let _ = writeln!(out, "{}\n", escaped(&line));
    }
    for rows in groups(comparison) {
        let _ = writeln!(
            out,
            "### {}\n\n| operation | CPU per call | mean latency | p95 | p99 | throughput | peak memory |\n\
             |---|---:|---:|---:|---:|---:|---:|",
            escaped(&title_of(rows[0]))
        );
        for row in rows {
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

/// A change in few columns, in percent: `+4.2±1.1 ?`. It never fills its cell, so that the columns stay apart.
fn cell(change: &Change) -> String {
    let short = |percent: f64| match percent {
        ..9.95 => format!("{percent:.1}"),
        ..999.5 => format!("{percent:.0}"),
        _ => "1k+".to_owned(),
    };
    let percent = (change.ratio - 1.0) * 100.0;
    let sign = if percent < 0.0 { '−' } else { '+' };
    let half = change.ratio_ci95.map_or_else(String::new, |[low, high]| format!("±{}", short((high - low) * 50.0)));
    format!("{sign}{}{half} {}", short(percent.abs()), mark(change))
}

fn range(change: &Change) -> String {
    change
        .ratio_ci95
        .map_or_else(String::new, |[low, high]| format!(" ({} to {})", percent(low - 1.0), percent(high - 1.0)))
}

fn mark(change: &Change) -> char {
    match change.verdict {
        _ if change.regression => '✗',
        Verdict::Slower => 'w',
        Verdict::Faster => 'b',
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
        lines.push(format!("and {} more that are worse and don't fail", worse.len() - NAMED));
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
