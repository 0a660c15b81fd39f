//! The answer: which library is cheapest in CPU per call and by how much, how each compares with the baseline, what is
//! inconclusive, and what would settle it; and one small table. It never ranks what the run cannot distinguish.

use serde::Serialize;

use super::cell::Cell;
use super::footnotes::{Footnotes, footnotes};
use super::ratio::{Criterion, NO_VERDICT, Ratio, SAME, best, ratio, why_no_verdict};
use super::{Index, TargetView, advice, label, notes, origin, runtimes};
use crate::report::{format, group};
use crate::results::{Operation, Scale, TargetStatus, Verdict};

#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// What the answer is about, and what the libraries are compared with.
    pub lead: String,
    pub points: Vec<Point>,
    /// The libraries that head the small table's columns, by their place in the page's list: all but the baseline, or
    /// all where nothing is compared.
    pub libraries: Vec<usize>,
    /// What the small table shows, before which kind of call was measured.
    pub caption: String,
    /// Whether its cells are ratios to the baseline; else they are microseconds.
    pub compares: bool,
    /// One for each scale and operation.
    pub rows: Vec<Row>,
    /// What the cells of the small table mean.
    pub legend: String,
    /// Where a ratio is of unequal work: "¹ Mizzle in Query reads 100 items to return 20, where the baseline reads 20.",
    /// and where a scan reads a part of the table.
    pub footnotes: Vec<String>,
}

impl Answer {
    /// The mark of the footnote about the ratio of the `library`-th of the page at so many items; empty for most.
    pub fn mark(&self, items: &str, operation: &str, library: usize) -> &'static str {
        let row = self.rows.iter().find(|row| row.items == items && row.operation == operation);
        let at = self.libraries.iter().position(|&at| at == library);
        row.zip(at).and_then(|(row, at)| row.cells.get(at)).map_or("", |cell| cell.mark)
    }
}

/// One question and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Point {
    /// "Cheapest library"
    pub head: String,
    pub text: String,
    /// What to type; empty where there is nothing.
    pub command: String,
}

impl Point {
    pub fn new(head: impl Into<String>, text: impl Into<String>) -> Point {
        Point { head: head.into(), text: text.into(), command: String::new() }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub items: String,
    pub operation: &'static str,
    pub cells: Vec<Cell>,
}

/// The answer about `libraries`, with a sentence for each of the `targets` that isn't among them.
pub fn answer(index: &Index<'_>, libraries: &[TargetView], targets: &[TargetView]) -> Answer {
    let compares = index.results.measurements.iter().any(|m| m.vs_baseline.is_some());
    let columns: Vec<usize> = (0..libraries.len()).filter(|&at| !compares || !libraries[at].baseline).collect();
    let mut rows = Vec::new();
    let unequal = if compares { footnotes(index, libraries) } else { Footnotes::default() };
    for scale in &index.results.settings.scales {
        for operation in index.operations(&scale.name) {
            let cell = |&at: &usize| {
                let found = index.get(&scale.name, operation, &libraries[at].id);
                let cell = if compares {
                    let mark = found.map_or("", |m| unequal.mark(m));
                    let ratio = found.and_then(|m| ratio(index, m, Criterion::Cpu));
                    ratio.map(|ratio| Cell { mark, ..Cell::ratio(&ratio) })
                } else {
                    let cpu = found.and_then(|m| m.cpu.as_ref());
                    cpu.map(|cpu| Cell::estimate(Some(cpu.micros_per_op), cpu.micros_per_op_ci95, "µs"))
                };
                cell.unwrap_or_else(|| Cell::missing(&libraries[at].status))
            };
            let cells: Vec<Cell> = columns.iter().map(cell).collect();
            if cells.iter().any(|cell| cell.value.is_some()) {
                rows.push(Row { items: format::count(scale.items.into()), operation: index.name(operation), cells });
            }
        }
    }
    let base = targets.iter().find(|library| library.baseline).map_or("the baseline", |library| &library.label);
    let caption =
        if compares { format!("CPU per call as a multiple of {base}'s") } else { "CPU per call, µs".to_owned() };
    let points = if compares { compared(index, targets) } else { alone(index, targets) };
    let legend = legend(index, &rows, libraries, compares);
    let lead = lead(index, targets, compares);
    let scales = index.results.settings.scales.iter();
    let parts = scales.filter_map(|scale| notes::scanned_part(index, &scale.name));
    let footnotes = unequal.lines.into_iter().chain(parts).collect();
    Answer { lead, points, libraries: columns, caption, compares, rows, legend, footnotes }
}

/// What the cells of the small table mean: those that occur.
fn legend(index: &Index<'_>, rows: &[Row], libraries: &[TargetView], compares: bool) -> String {
    if !compares {
        return "±: the longer half of the 95% interval.".to_owned();
    }
    let occurs = |is: &dyn Fn(&Cell) -> bool| rows.iter().flat_map(|row| &row.cells).any(is);
    let margin = format::set_percent(index.results.settings.equivalence_margin);
    let mut said = vec![
        "×1.10 ± 0.01: a call costs 10% more CPU, and 95 of 100 runs like this one would find between ×1.09 and ×1.11."
            .to_owned(),
    ];
    if occurs(&|cell| cell.unclear && cell.note.is_empty()) {
        said.push("×0.95 to ×1.09: inconclusive, as any value in the range is possible.".to_owned());
    }
    if occurs(&|cell| cell.same) {
        said.push("same ± 2%: at most 2% from the baseline, either way.".to_owned());
    }
    if occurs(&|cell| cell.note == SAME) {
        said.push(format!("(same): within {margin} of the baseline, which counts as the same."));
    }
    if occurs(&|cell| cell.note == NO_VERDICT) {
        said.push(format!("{NO_VERDICT}: {}.", reasons(index, libraries).join("; ")));
    }
    if occurs(&|cell| cell.text == format::NOT_MEASURED) {
        said.push("–: not measured.".to_owned());
    }
    said.join(" ")
}

/// Why ratios of the libraries have no verdict, each reason once.
fn reasons(index: &Index<'_>, libraries: &[TargetView]) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    for m in &index.results.measurements {
        let has_none = ratio(index, m, Criterion::Cpu).is_some_and(|ratio| ratio.note() == NO_VERDICT);
        if has_none && libraries.iter().any(|library| library.id == m.target) {
            reasons.push(why_no_verdict(index, m));
        }
    }
    reasons.sort();
    reasons.dedup();
    reasons
}

/// What is measured, at how many items and against what, and what of it is no published version.
fn lead(index: &Index<'_>, targets: &[TargetView], compares: bool) -> String {
    let scales = answered(index);
    let items: Vec<String> = scales.iter().map(|scale| format::count(scale.items.into())).collect();
    let at = if items.is_empty() { String::new() } else { format!(", at {} items", format::list(&items)) };
    let what = format!("What one call costs the client in CPU time{at}");
    let mut said = vec![format!("{what}.")];
    said.extend(origin::sentences(index.results));
    let baseline = targets.iter().find(|target| target.baseline);
    if let Some(baseline) = baseline.filter(|_| compares && targets.iter().all(|target| target.contestant)) {
        said.push(format!("The bare AWS SDK is not in this run, so {} is the baseline.", baseline.label));
    }
    said.join(" ")
}

/// The scales that have figures.
fn answered<'a>(index: &Index<'a>) -> Vec<&'a Scale> {
    let results = index.results;
    let has = |scale: &&Scale| results.measurements.iter().any(|m| m.scale == scale.name && m.cpu.is_some());
    results.settings.scales.iter().filter(has).collect()
}

/// Asks the same of each scale, and names the scales where there are several: those of one answer together.
fn by_scale(index: &Index<'_>, say: impl Fn(&str) -> Option<String>) -> Option<String> {
    let scales = answered(index);
    let mut said: Vec<(String, Vec<String>)> = Vec::new();
    for scale in &scales {
        let Some(text) = say(&scale.name) else { continue };
        group::add(&mut said, text, format::count(scale.items.into()));
    }
    let sentence = |(text, at): (String, Vec<String>)| {
        if scales.len() > 1 {
            format!("At {} items: {text}", format::list(&at))
        } else if index.results.targets.iter().any(|target| text.starts_with(&target.name)) {
            // A library's name stays as it is written.
            text
        } else {
            let mut rest = text.chars();
            rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
        }
    };
    (!said.is_empty()).then(|| said.into_iter().map(sentence).collect::<Vec<_>>().join(" "))
}

/// The answers of a run that has a baseline and something to compare with it.
fn compared(index: &Index<'_>, targets: &[TargetView]) -> Vec<Point> {
    let base = bare(targets);
    let mut points = Vec::new();
    let mut say = |head: &str, text: Option<String>| points.extend(text.map(|text| Point::new(head, text)));
    let runtimes = runtimes::names(targets);
    let first = |scale: &str| {
        if is_single_round(index, scale) {
            return None;
        }
        if runtimes.len() < 2 {
            return cheapest(index, targets, scale);
        }
        let under = |runtime: &&str| cheapest(index, &runtimes::alike(targets, runtime), scale);
        let each = runtimes.iter().filter_map(|runtime| Some(format!("{runtime}: {}", under(runtime)?)));
        Some(each.collect::<Vec<_>>().join(" ")).filter(|said| !said.is_empty())
    };
    say("Cheapest library", by_scale(index, first));
    let others = || targets.iter().filter(|target| !target.baseline);
    let each = |scale: &str| {
        if is_single_round(index, scale) {
            return single_round(index, scale, targets);
        }
        let said: Vec<String> = others().filter_map(|library| sentence(index, scale, library)).collect();
        (!said.is_empty()).then(|| said.join(" "))
    };
    say(&format!("Compared with {base}"), by_scale(index, each));
    let has_single = answered(index).iter().any(|scale| is_single_round(index, &scale.name));
    let open = by_scale(index, |scale| open(index, targets, scale, &base).filter(|_| !is_single_round(index, scale)));
    let is_open = open.is_some() || has_single;
    let nothing = (!has_single).then(|| "Nothing: each difference has a verdict.".to_owned());
    say("Inconclusive", open.or(nothing));
    let absent: Vec<String> = others().filter_map(|library| absent(index, library)).collect();
    say("Not measured", (!absent.is_empty()).then(|| absent.join(" ")));
    points.extend(advice::to_settle(index.results, targets, is_open));
    points
}

/// For a run whose figures can't be compared: what there is, and what to do for a comparison.
fn alone(index: &Index<'_>, targets: &[TargetView]) -> Vec<Point> {
    let results = index.results;
    let measured: Vec<&TargetView> = targets
        .iter()
        .filter(|target| results.measurements.iter().any(|m| m.target == target.id && m.cpu.is_some()))
        .collect();
    let mut points = Vec::new();
    let names: Vec<&str> = measured.iter().map(|target| target.label.as_str()).collect();
    points.push(match &measured[..] {
        [] => Point::new("Measured", "This run has no figures."),
        [one] => {
            let cost = by_scale(index, |scale| span(index, scale, &one.id));
            Point::new("Measured", format!("{} alone. {}", one.label, cost.unwrap_or_default()).trim_end())
        }
        _ => Point::new("Measured", format!("{}, but not the baseline.", format::list(&names))),
    });
    let absent: Vec<String> = targets.iter().filter_map(|library| absent(index, library)).collect();
    if !absent.is_empty() {
        points.push(Point::new("Not measured", absent.join(" ")));
    }
    if let [one] = &measured[..]
        && targets.len() == 1
    {
        let other = if one.contestant { "aws-sdk" } else { "all" };
        let adapter = results.targets.first().map_or("", |target| &target.adapter);
        points.push(Point {
            command: format!("cargo xtask bench --orm {} --orm {other}", crate::report::escape::plain(adapter)),
            ..Point::new("To compare it", "measure another library in the same run")
        });
    }
    points
}

/// "A call costs 598 µs (PutItem) to 16,900 µs (Scan)."
fn span(index: &Index<'_>, scale: &str, id: &str) -> Option<String> {
    let cost = |operation: Operation| Some((index.get(scale, operation, id)?.cpu.as_ref()?.micros_per_op, operation));
    let mut costs: Vec<(f64, Operation)> = index.operations(scale).into_iter().filter_map(cost).collect();
    costs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let text = |(micros, operation): &(f64, Operation)| format!("{} µs ({operation})", format::number(*micros));
    match &costs[..] {
        [] => None,
        [one] => Some(format!("A call costs {}.", text(one))),
        [first, .., last] => Some(format!("A call costs {} to {}.", text(first), text(last))),
    }
}

fn bare(targets: &[TargetView]) -> String {
    let label = runtimes::baseline(targets).unwrap_or_else(|| "baseline".to_owned());
    match targets.iter().find(|target| target.baseline) {
        Some(baseline) if baseline.contestant => label,
        Some(_) => format!("the bare {label}"),
        None => format!("the {label}"),
    }
}

/// A library's ratios at a scale, by operation.
fn ratios(index: &Index<'_>, scale: &str, library: &TargetView) -> Vec<(Operation, Ratio)> {
    let of = |operation: Operation| {
        Some((operation, ratio(index, index.get(scale, operation, &library.id)?, Criterion::Cpu)?))
    };
    index.operations(scale).into_iter().filter_map(of).collect()
}

/// Whether the ratios of a scale are of one round alone, and so without intervals.
fn is_single_round(index: &Index<'_>, scale: &str) -> bool {
    let of_scale = index.results.measurements.iter().filter(|m| m.scale == scale);
    let mut ratios = of_scale.filter_map(|m| m.vs_baseline.as_ref()).peekable();
    ratios.peek().is_some() && ratios.all(|versus| versus.cpu_ratio_ci95.is_none())
}

/// All that there is to say of a single round: "Mizzle took ×1.08 to ×1.11 and Dynamoose ×2.48 to ×2.52 in a single round,
/// which is too little to conclude from."
fn single_round(index: &Index<'_>, scale: &str, targets: &[TargetView]) -> Option<String> {
    let took = |library: &TargetView| {
        let ratios = ratios(index, scale, library);
        let (low, high) = ends(ratios.iter().map(|(_, ratio)| ratio.value));
        let range = || range(&format::ratio(low, None), &format::ratio(high, None));
        (!ratios.is_empty()).then(|| (library.label.clone(), range()))
    };
    let mut all = targets.iter().filter(|target| !target.baseline).filter_map(took);
    let (name, range) = all.next()?;
    let all: Vec<String> = std::iter::once(format!("{name} took {range}"))
        .chain(all.map(|(name, range)| format!("{name} {range}")))
        .collect();
    Some(format!("{} in a single round, which is too little to conclude from.", format::list(&all)))
}

/// "Mizzle costs 8.9% to 11% more in Query and Scan." None where nothing about it is conclusive.
fn sentence(index: &Index<'_>, scale: &str, library: &TargetView) -> Option<String> {
    let ratios = ratios(index, scale, library);
    let operations = index.operations(scale);
    let name = &library.label;
    let margin = format::set_percent(index.results.settings.equivalence_margin);
    let part = |verdict: Verdict| {
        let of: Vec<_> = ratios.iter().filter(|(_, ratio)| ratio.verdict == verdict).collect();
        let (low, high) = ends(of.iter().map(|(_, ratio)| ratio.value));
        let place = place(&of.iter().map(|(operation, _)| *operation).collect::<Vec<_>>(), &operations);
        (!of.is_empty()).then(|| match verdict {
            Verdict::Slower => format!("costs {} {place}", more(low, high)),
            Verdict::Faster => format!("costs {} {place}", less(low, high)),
            Verdict::Same | Verdict::Unclear => format!("costs the same (within {margin}) {place}"),
        })
    };
    let parts: Vec<String> = [Verdict::Slower, Verdict::Faster, Verdict::Same].into_iter().filter_map(part).collect();
    (!parts.is_empty()).then(|| format!("{name} {}.", format::list(&parts)))
}

/// Why a library has no ratio at any scale.
fn absent(index: &Index<'_>, library: &TargetView) -> Option<String> {
    let results = index.results;
    if results.measurements.iter().any(|m| m.target == library.id && m.cpu.is_some()) {
        return None;
    }
    let name = &library.label;
    let target = results.targets.iter().find(|target| target.id == library.id);
    Some(match target.map(|target| target.status) {
        Some(TargetStatus::Unavailable) if target.is_some_and(|target| target.unsuited) => {
            format!("{name}: it can't keep such items.")
        }
        Some(TargetStatus::Unavailable) => format!("{name}: npm could not install it."),
        Some(TargetStatus::WrongWork) => format!("{name}: it did wrong work."),
        Some(TargetStatus::Failed) => format!("{name}: it failed."),
        _ => format!("{name}."),
    })
}

/// Which differences from the baseline this run leaves open.
fn open(index: &Index<'_>, targets: &[TargetView], scale: &str, base: &str) -> Option<String> {
    let operations = index.operations(scale);
    let of = |library: &TargetView, is: &dyn Fn(&Ratio) -> bool| {
        let ratios = ratios(index, scale, library);
        let found: Vec<Operation> = ratios.iter().filter(|(_, ratio)| is(ratio)).map(|(o, _)| *o).collect();
        (!found.is_empty()).then(|| (library.label.clone(), place(&found, &operations)))
    };
    let each = |is: &dyn Fn(&Ratio) -> bool| -> Vec<(String, String)> {
        targets.iter().filter(|library| !library.baseline).filter_map(|library| of(library, is)).collect()
    };
    let unclear = each(&|ratio| ratio.verdict == Verdict::Unclear && ratio.note() != NO_VERDICT);
    let mut said = Vec::new();
    match &unclear[..] {
        [] => {}
        [(name, place)] => said.push(format!("whether {name} costs more or less than {base} {place}.")),
        several => {
            let several: Vec<String> = several.iter().map(|(name, place)| format!("{name} ({place})")).collect();
            said.push(format!("whether {} cost more or less than {base}.", format::list(&several)));
        }
    }
    said.extend(without_verdict(index, targets, scale));
    (!said.is_empty()).then(|| said.join(" "))
}

/// "No verdict on Dynamoose in Query: 1 of 3 processes had not settled.": a sentence for each place and reason.
fn without_verdict(index: &Index<'_>, targets: &[TargetView], scale: &str) -> Vec<String> {
    let operations = index.operations(scale);
    let mut found: Vec<((String, String), Vec<&str>)> = Vec::new();
    for library in targets.iter().filter(|library| !library.baseline) {
        let mut reasons: Vec<(String, Vec<Operation>)> = Vec::new();
        for (operation, _) in ratios(index, scale, library).iter().filter(|(_, ratio)| ratio.note() == NO_VERDICT) {
            let Some(m) = index.get(scale, *operation, &library.id) else { continue };
            group::add(&mut reasons, why_no_verdict(index, m), *operation);
        }
        for (why, of) in reasons {
            group::add(&mut found, (place(&of, &operations), why), &library.label);
        }
    }
    let sentence = |((place, why), names): &((String, String), Vec<&str>)| {
        format!("No verdict on {} {place}: {why}.", format::list(names))
    };
    found.iter().map(sentence).collect()
}

/// "in PutItem and Scan", "in all six operations", "in all but Scan": some of those that were measured.
fn place(some: &[Operation], of: &[Operation]) -> String {
    let names = |operations: &mut dyn Iterator<Item = &Operation>| {
        format::list(&operations.map(|operation| operation.name()).collect::<Vec<_>>())
    };
    let missing = of.len().saturating_sub(some.len());
    match some.len() {
        2 if missing == 0 => "in both operations".to_owned(),
        n if n > 1 && missing == 0 => format!("in all {} operations", spelled(n)),
        n if n > 3 && missing <= 2 => {
            format!("in all but {}", names(&mut of.iter().filter(|operation| !some.contains(operation))))
        }
        _ => format!("in {}", names(&mut some.iter())),
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

/// Who is cheapest, and by how much.
fn cheapest(index: &Index<'_>, libraries: &[TargetView], scale: &str) -> Option<String> {
    let operations = index.operations(scale);
    let has_cpu = |id: &str, o: Operation| index.get(scale, o, id).is_some_and(|m| m.cpu.is_some());
    let measured = libraries.iter().filter(|l| l.contestant && operations.iter().any(|&o| has_cpu(&l.id, o)));
    if measured.count() < 2 {
        return None;
    }
    let mut won: Vec<(Vec<&str>, Vec<Operation>)> = Vec::new();
    for &operation in &operations {
        group::add(&mut won, best(index, libraries, scale, operation, Criterion::Cpu), operation);
    }
    if won.iter().all(|(who, _)| who.is_empty()) {
        return Some("This run cannot say which library is cheapest.".to_owned());
    }
    // Where one alone is cheapest comes first, and last where nothing was separated.
    won.sort_by_key(|(who, _)| if who.is_empty() { usize::MAX } else { who.len() });
    let said = |(who, of): &(Vec<&str>, Vec<Operation>)| {
        let place = place(of, &operations);
        let labels: Vec<&str> = who.iter().map(|id| label(libraries, id)).collect();
        match &labels[..] {
            [] => format!("inconclusive {place}"),
            [one] => match ahead(index, libraries, scale, who[0], of) {
                Some(by) => format!("{one} {place}, {by} below the next"),
                None => format!("{one} {place}"),
            },
            several => {
                format!("{} {place}, which this run cannot distinguish", format::list(several).replace(" and ", " or "))
            }
        }
    };
    let found = won.iter().map(said).collect::<Vec<_>>().join("; ");
    Some(format!("{found}.{}", disputed(index, libraries, scale, &won)))
}

/// Where the database gives the cheapest library another ratio than recorded answers do.
fn disputed(index: &Index<'_>, libraries: &[TargetView], scale: &str, won: &[(Vec<&str>, Vec<Operation>)]) -> String {
    let disagrees = |id: &str, operation: Operation| {
        let found = index.get(scale, operation, id);
        found.is_some_and(|m| m.has_warning(advice::DISAGREE))
    };
    let pairs = won.iter().flat_map(|(who, of)| who.iter().flat_map(|&id| of.iter().map(move |&o| (id, o))));
    let of: Vec<String> = pairs
        .filter(|&(id, operation)| disagrees(id, operation))
        .map(|(id, operation)| format!("{} in {}", label(libraries, id), index.name(operation)))
        .collect();
    if of.is_empty() {
        return String::new();
    }
    format!(" For {}, recorded answers and the database disagree.", format::list(&of))
}

/// How far the cheapest library is below the next: "17% to 30%".
fn ahead(index: &Index<'_>, libraries: &[TargetView], scale: &str, id: &str, of: &[Operation]) -> Option<String> {
    let value = |library: &TargetView, operation: Operation| {
        if library.baseline {
            return Some(1.0);
        }
        ratio(index, index.get(scale, operation, &library.id)?, Criterion::Cpu).map(|ratio| ratio.value)
    };
    let below = |&operation: &Operation| {
        let ours = value(libraries.iter().find(|library| library.id == id)?, operation)?;
        let others = libraries.iter().filter(|library| library.contestant && library.id != id);
        let next = others.filter_map(|library| value(library, operation)).min_by(f64::total_cmp)?;
        Some(1.0 - ours / next)
    };
    let all: Vec<f64> = of.iter().filter_map(below).collect();
    let (low, high) = ends(all.iter().copied());
    (!all.is_empty() && low > 0.0).then(|| range(&format::percent(low), &format::percent(high)))
}
