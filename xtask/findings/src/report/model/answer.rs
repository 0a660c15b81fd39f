//! The answer: what each library costs over the baseline in CPU per call, in sentences and one small table, and which
//! is cheapest where the run can tell. It never ranks what the run cannot distinguish.

use serde::Serialize;

use super::cell::Cell;
use super::ratio::{Criterion, ratio, winner};
use super::{Index, TargetView, advice, label, runtimes};
use crate::report::format;
use crate::results::{Operation, TargetStatus, Verdict};

#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// One paragraph.
    pub sentences: Vec<String>,
    /// The libraries that head the small table's columns, by their place in the page's list: all but the baseline.
    pub libraries: Vec<usize>,
    /// One for each scale and operation.
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub items: String,
    pub operation: &'static str,
    pub cells: Vec<Cell>,
}

/// The answer about `libraries`, with a sentence for each of the `targets` that isn't among them.
pub fn answer(index: &Index<'_>, libraries: &[TargetView], targets: &[TargetView]) -> Answer {
    let columns: Vec<usize> = (0..libraries.len()).filter(|&at| !libraries[at].baseline).collect();
    let mut rows = Vec::new();
    for scale in &index.results.settings.scales {
        for operation in index.operations(&scale.name) {
            let cell = |&at: &usize| {
                let found = index.get(&scale.name, operation, &libraries[at].id);
                match found.and_then(|m| ratio(m, Criterion::Cpu)) {
                    Some((value, interval, verdict)) => Cell::ratio(value, interval, verdict),
                    None => Cell::missing(&libraries[at].status),
                }
            };
            let cells = columns.iter().map(cell).collect();
            rows.push(Row { items: format::count(scale.items.into()), operation: operation.name(), cells });
        }
    }
    if columns.is_empty() {
        rows.clear();
    }
    Answer { sentences: sentences(index, targets), libraries: columns, rows }
}

fn sentences(index: &Index<'_>, libraries: &[TargetView]) -> Vec<String> {
    let results = index.results;
    let Some(baseline) = libraries.iter().find(|library| library.baseline) else {
        return vec!["This run has no baseline, so there is nothing to compare with.".to_owned()];
    };
    let label = runtimes::baseline(libraries).unwrap_or_default();
    let bare = if baseline.contestant { label } else { format!("the bare {label}") };
    let answered = |scale: &&crate::results::Scale| {
        results.measurements.iter().any(|m| m.scale == scale.name && m.vs_baseline.is_some())
    };
    let mut said = Vec::new();
    for scale in results.settings.scales.iter().filter(answered) {
        let items = format::count(scale.items.into());
        said.push(if said.is_empty() {
            format!("In client CPU per call, compared with {bare} at {items} items:")
        } else {
            format!("At {items} items:")
        });
        let others = libraries.iter().filter(|library| !library.baseline);
        said.push(others.map(|library| sentence(index, &scale.name, library)).collect::<Vec<_>>().join(" "));
        let runtimes = runtimes::names(libraries);
        if runtimes.len() > 1 {
            let of = |runtime: &&str| cheapest(index, &runtimes::alike(libraries, runtime), &scale.name);
            said.extend(runtimes.iter().filter_map(|runtime| Some(format!("{runtime}: {}", of(runtime)?))));
        } else {
            said.extend(cheapest(index, libraries, &scale.name));
        }
    }
    if said.is_empty() {
        said.push(nothing_to_compare(index, libraries));
    }
    said.extend(advice::sentence(results, libraries));
    said
}

/// "Mizzle costs 8.9% to 11% more in Query and Scan."
fn sentence(index: &Index<'_>, scale: &str, library: &TargetView) -> String {
    let operations = index.operations(scale);
    let ratios: Vec<(Operation, f64, Verdict)> = operations
        .iter()
        .filter_map(|&operation| {
            let (value, _, verdict) = ratio(index.get(scale, operation, &library.id)?, Criterion::Cpu)?;
            Some((operation, value, verdict?))
        })
        .collect();
    let name = &library.label;
    if ratios.is_empty() {
        let target = index.results.targets.iter().find(|target| target.id == library.id);
        if target.is_some_and(|target| target.unsuited) {
            return format!("{name} was not measured: it can't have such items.");
        }
        return match target.map(|target| target.status) {
            Some(TargetStatus::Unavailable) => format!("{name} was not measured: npm could not install it."),
            Some(TargetStatus::WrongWork) => format!("{name} was not measured: it did wrong work."),
            Some(TargetStatus::Failed) => format!("{name} was not measured: it failed."),
            _ => format!("{name} was not measured."),
        };
    }
    let measured =
        |operation: &Operation| index.get(scale, *operation, &library.id).and_then(|m| ratio(m, Criterion::Cpu));
    if operations.iter().filter_map(measured).all(|(_, interval, _)| interval.is_none()) {
        let (low, high) = ends(ratios.iter().map(|(_, value, _)| *value));
        let took = range(&format::ratio(low, None), &format::ratio(high, None));
        return format!("{name} took {took} in a single round, which is too little to conclude from.");
    }
    let margin = format::set_percent(index.results.settings.equivalence_margin);
    let mut parts = Vec::new();
    let mut unclear = None;
    for verdict in [Verdict::Slower, Verdict::Faster, Verdict::Same, Verdict::Unclear] {
        let of: Vec<_> = ratios.iter().filter(|(_, _, other)| *other == verdict).collect();
        if of.is_empty() {
            continue;
        }
        let (low, high) = ends(of.iter().map(|(_, value, _)| *value));
        let names: Vec<&str> = of.iter().map(|(operation, ..)| operation.name()).collect();
        let place = place(&names, operations.len());
        parts.push(match verdict {
            Verdict::Slower => format!("costs {} {place}", more(low, high)),
            Verdict::Faster => format!("costs {} {place}", less(low, high)),
            Verdict::Same => format!("costs the same (within {margin}) {place}"),
            Verdict::Unclear => {
                unclear = Some(place);
                continue;
            }
        });
    }
    match (parts.is_empty(), unclear) {
        (_, None) => format!("{name} {}.", format::list(&parts)),
        (false, Some(place)) => format!("{name} {}; the difference is inconclusive {place}.", format::list(&parts)),
        (true, Some(place)) => format!("For {name} the difference is inconclusive {place}."),
    }
}

/// For a run whose figures can't be compared.
fn nothing_to_compare(index: &Index<'_>, libraries: &[TargetView]) -> String {
    let measured =
        |library: &&TargetView| index.results.measurements.iter().any(|m| m.target == library.id && m.cpu.is_some());
    let measured: Vec<&str> = libraries.iter().filter(measured).map(|library| library.label.as_str()).collect();
    match measured.as_slice() {
        [] => "This run has no figures.".to_owned(),
        [one] => format!("Only {one} was measured, so there is nothing to compare it with. Its figures are below."),
        several => format!("{} were measured, but not the baseline. Their figures are below.", format::list(several)),
    }
}

/// "in PutItem and Scan", "in all six operations", of so many that were measured.
fn place(operations: &[&str], of: usize) -> String {
    match operations.len() {
        2 if of == 2 => "in both operations".to_owned(),
        n if n > 1 && n == of => format!("in all {} operations", spelled(n)),
        _ => format!("in {}", format::list(operations)),
    }
}

fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

fn spelled(n: usize) -> String {
    let words = ["no", "one", "two", "three", "four", "five", "six"];
    words.get(n).map_or_else(|| n.to_string(), |word| (*word).to_owned())
}

/// "9.8% more", "9.8% to 12% more", "2.4 to 14.1 times as much".
fn more(low: f64, high: f64) -> String {
    let (low_text, high_text, unit) = if high < 2.0 {
        (format::percent(low - 1.0), format::percent(high - 1.0), "more")
    } else {
        (format::number(low), format::number(high), "times as much")
    };
    format!("{} {unit}", range(&low_text, &high_text))
}

fn range(low: &str, high: &str) -> String {
    if low == high { low.to_owned() } else { format!("{low} to {high}") }
}

fn less(low: f64, high: f64) -> String {
    format!("{} less", range(&format::percent(1.0 - high), &format::percent(1.0 - low)))
}

/// Who is cheapest, where there is one.
fn cheapest(index: &Index<'_>, libraries: &[TargetView], scale: &str) -> Option<String> {
    let operations = index.operations(scale);
    let measured = libraries.iter().filter(|library| {
        library.contestant
            && operations.iter().any(|&o| index.get(scale, o, &library.id).is_some_and(|m| m.cpu.is_some()))
    });
    if measured.count() < 2 {
        return None;
    }
    let mut won: Vec<(&str, Vec<&str>)> = Vec::new();
    for &operation in &operations {
        if let Some(id) = winner(index, libraries, scale, operation, Criterion::Cpu) {
            match won.iter_mut().find(|(who, _)| *who == id) {
                Some((_, of)) => of.push(operation.name()),
                None => won.push((id, vec![operation.name()])),
            }
        }
    }
    let decided: usize = won.iter().map(|(_, of)| of.len()).sum();
    if decided == 0 {
        return Some("This run cannot tell which library is cheapest.".to_owned());
    }
    let parts: Vec<String> =
        won.iter().map(|(id, of)| format!("{} {}", label(libraries, id), place(of, operations.len()))).collect();
    let rest = if decided < operations.len() { "; inconclusive elsewhere" } else { "" };
    Some(format!("Cheapest library: {}{rest}.", parts.join(", ")))
}
