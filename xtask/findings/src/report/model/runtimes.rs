//! What ran the suites, where that says anything: the runtimes of a run, what cannot be measured under one of them, and
//! how they compare with one another, library by library. Ratios to a baseline are not made here.

use serde::Serialize;

use super::TargetView;
use super::answer::Point;
use super::cell::Cell;
use super::ratio::Ratio;
use crate::analysis::compare::{self, FailOn, Metric};
use crate::report::format;
use crate::results::{Results, Runtime, Target};

/// The later runtimes against the first.
#[derive(Debug, Clone, Serialize)]
pub struct RuntimesView {
    /// "Node 24.21.0"
    pub first: String,
    /// The others.
    pub others: Vec<String>,
    pub rows: Vec<RuntimeRow>,
}

/// One library's CPU per call in one operation, as multiples of its own under the first runtime.
#[derive(Debug, Clone, Serialize)]
pub struct RuntimeRow {
    pub items: String,
    pub operation: &'static str,
    /// Without its runtime.
    pub library: String,
    /// One for each of the others.
    pub cells: Vec<Cell>,
}

/// The name of a target's runtime; empty in a run that was made on the machine's Node alone.
pub fn name(results: &Results, target: &Target) -> String {
    let is_machines = |runtime: &Runtime| runtime.name == "Node" && runtime.version == results.environment.node;
    let says_nothing = results.targets.iter().all(|one| one.runtime.as_ref().is_none_or(is_machines));
    if says_nothing { String::new() } else { target.runtime.as_ref().map(ToString::to_string).unwrap_or_default() }
}

/// Every runtime of a run once, by name.
pub fn names(libraries: &[TargetView]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for library in libraries {
        if !library.runtime.is_empty() && !names.contains(&library.runtime.as_str()) {
            names.push(&library.runtime);
        }
    }
    names
}

/// Those that the same runtime ran.
pub fn alike(libraries: &[TargetView], runtime: &str) -> Vec<TargetView> {
    libraries.iter().filter(|library| library.runtime == runtime).cloned().collect()
}

/// What the others are compared with, for people; each with the one under its own runtime where there are several.
pub fn baseline(libraries: &[TargetView]) -> Option<String> {
    let mut baselines = libraries.iter().filter(|library| library.baseline);
    let first = baselines.next()?;
    let several = baselines.next().is_some();
    Some(if several { format!("{} under the same runtime", without_runtime(first)) } else { first.label.clone() })
}

fn without_runtime(library: &TargetView) -> &str {
    library.label.strip_suffix(&format!(" on {}", library.runtime)).unwrap_or(&library.label)
}

/// Which runtimes do not say what a call allocates, as a sentence.
pub fn without_allocation(results: &Results, libraries: &[TargetView]) -> Option<String> {
    let is_counted = |runtime: &str| {
        let is_of = |id: &str| libraries.iter().any(|library| library.runtime == runtime && library.id == id);
        let mut measured = results.measurements.iter().filter(|m| m.cpu.is_some() && is_of(&m.target)).peekable();
        measured.peek().is_none() || measured.any(|m| m.allocation.is_some())
    };
    let silent: Vec<&str> = names(libraries).into_iter().filter(|runtime| !is_counted(runtime)).collect();
    (!silent.is_empty()).then(|| format!("{} does not report what a call allocates.", format::list(&silent)))
}

/// The comparison of the runtimes; none where there is one alone, or no figures.
pub fn view(results: &Results, libraries: &[TargetView]) -> Option<RuntimesView> {
    let pairs = compare::runtime_pairs(results);
    let compared = (!pairs.is_empty()).then(|| compare::between(results, &pairs, &FailOn::off()).ok()).flatten()?;
    let of = |id: &str| libraries.iter().find(|library| library.id == id);
    let names = names(libraries);
    let (first, others) = names.split_first()?;
    let mut rows: Vec<RuntimeRow> = Vec::new();
    for row in &compared.rows {
        let Some((ours, theirs)) = of(&row.target).zip(row.against.as_deref().and_then(of)) else { continue };
        let change = row.changes.iter().find(|change| change.metric == Metric::Cpu);
        let Some((change, at)) = change.zip(others.iter().position(|name| *name == ours.runtime)) else { continue };
        let items = results.settings.scales.iter().find(|scale| scale.name == row.scale);
        let items = items.map_or_else(|| row.scale.clone(), |scale| format::count(scale.items.into()));
        let (library, operation) = (without_runtime(theirs).to_owned(), results.settings.name_of(row.operation));
        let is_same =
            |known: &&mut RuntimeRow| (&known.items, known.operation, &known.library) == (&items, operation, &library);
        let cell = Cell::ratio(&Ratio { value: change.ratio, interval: change.ratio_ci95, verdict: change.verdict });
        if let Some(known) = rows.iter_mut().find(is_same) {
            known.cells[at] = cell;
        } else {
            let mut cells = vec![Cell::missing("not measured"); others.len()];
            cells[at] = cell;
            rows.push(RuntimeRow { items, operation, library, cells });
        }
    }
    let others = others.iter().map(|name| (*name).to_owned()).collect();
    (!rows.is_empty()).then(|| RuntimesView { first: (*first).to_owned(), others, rows })
}

/// For each further runtime: what each library's calls cost under it as multiples of the first's, where the run can
/// tell.
pub fn points(view: &RuntimesView) -> Vec<Point> {
    let mut libraries: Vec<&str> = view.rows.iter().map(|row| row.library.as_str()).collect();
    libraries.sort_unstable_by_key(|name| view.rows.iter().position(|row| row.library == *name));
    libraries.dedup();
    let of_runtime = |(at, runtime): (usize, &String)| {
        let each: Vec<String> = libraries.iter().filter_map(|library| of_library(view, at, library)).collect();
        Point::new(format!("{runtime} against {}", view.first), format!("client CPU per call: {}.", each.join("; ")))
    };
    view.others.iter().enumerate().map(of_runtime).collect()
}

/// "ElectroDB ×0.71 to ×0.78, inconclusive in PutItem".
fn of_library(view: &RuntimesView, runtime: usize, library: &str) -> Option<String> {
    let rows = || view.rows.iter().filter(|row| row.library == library && row.cells[runtime].value.is_some());
    let is_clear = |row: &&RuntimeRow| !row.cells[runtime].unclear;
    let clear: Vec<f64> = rows().filter(is_clear).filter_map(|row| row.cells[runtime].value).collect();
    let mut open: Vec<&str> = rows().filter(|row| !is_clear(row)).map(|row| row.operation).collect();
    open.dedup();
    rows().next()?;
    let [low, high] = [clear.iter().copied().reduce(f64::min), clear.iter().copied().reduce(f64::max)];
    let Some((low, high)) = low.zip(high) else { return Some(format!("{library} inconclusive")) };
    let (low, high) = (format::ratio(low, None), format::ratio(high, None));
    let range = if low == high { low } else { format!("{low} to {high}") };
    let rest = if open.is_empty() { String::new() } else { format!(", inconclusive in {}", format::list(&open)) };
    Some(format!("{library} {range}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::summary::summarize;
    use crate::report::golden_test::fixed;
    use crate::report::model::page;

    /// The fixed results as if two libraries had been measured under two runtimes; Bun counts no allocation.
    fn of_two_runtimes() -> Results {
        let mut results = fixed();
        let runtime = |name: &str, version: &str, spec: &str| {
            Some(Runtime { name: name.to_owned(), version: version.to_owned(), spec: spec.to_owned() })
        };
        let (node, bun) = (runtime("Node", "24.21.0", "node@24"), runtime("Bun", "1.4.5", "bun"));
        let made = [("aws-sdk", &node), ("electrodb", &node), ("aws-sdk", &bun), ("electrodb", &bun)];
        for (target, (adapter, runtime)) in results.targets.iter_mut().zip(made) {
            let before = target.id.clone();
            target.runtime = runtime.clone();
            target.id = format!("{adapter}+{}", runtime.as_ref().unwrap().spec);
            let library = if adapter == "aws-sdk" { "AWS SDK" } else { "ElectroDB" };
            target.name = format!("{library} on {}", runtime.as_ref().unwrap());
            target.adapter = adapter.to_owned();
            target.baseline = adapter == "aws-sdk";
            for m in results.measurements.iter_mut().filter(|m| m.target == before) {
                m.target.clone_from(&target.id);
                if *runtime == bun {
                    m.per_round
                        .iter_mut()
                        .filter_map(|round| round.client.as_mut())
                        .for_each(|of| of.allocations.clear());
                }
            }
            for round in &mut results.schedule {
                round.order.iter_mut().filter(|id| **id == before).for_each(|id| id.clone_from(&target.id));
            }
        }
        summarize(&mut results);
        results
    }

    fn cpu(results: &Results, target: &str) -> f64 {
        results.measurements.iter().find(|m| m.target == target).unwrap().cpu.as_ref().unwrap().micros_per_op
    }

    #[test]
    fn each_library_is_compared_with_the_baseline_under_its_own_runtime_and_with_itself_under_the_first() {
        let results = of_two_runtimes();
        let first = |target: &str| results.measurements.iter().find(|m| m.target == target).unwrap();
        let ratio = first("electrodb+bun").vs_baseline.as_ref().unwrap().cpu_ratio;
        let of_bun = cpu(&results, "electrodb+bun") / cpu(&results, "aws-sdk+bun");
        assert!((ratio / of_bun - 1.0).abs() < 0.02, "{ratio} and {of_bun}");
        assert!(first("aws-sdk+bun").vs_baseline.is_none());

        let page = page(&results);
        assert_eq!(page.baseline, "AWS SDK under the same runtime");
        let view = page.runtimes.unwrap();
        assert_eq!((view.first.as_str(), view.others.as_slice()), ("Node 24.21.0", &["Bun 1.4.5".to_owned()][..]));
        let row = &view.rows[0];
        assert_eq!((row.library.as_str(), row.operation), ("AWS SDK", "PutItem"));
        let against_node = cpu(&results, "aws-sdk+bun") / cpu(&results, "aws-sdk+node@24");
        assert!((row.cells[0].value.unwrap() / against_node - 1.0).abs() < 0.02);
        let points = page.answer.points.iter().map(|point| format!("{}: {}", point.head, point.text));
        let said = points.collect::<Vec<_>>().join(" ");
        for words in ["the bare AWS SDK under the same runtime", "Bun 1.4.5 against Node 24.21.0", "ElectroDB"] {
            assert!(said.contains(words), "{words:?} is not in {said}");
        }
    }

    #[test]
    fn what_a_runtime_does_not_report_is_said_and_its_cells_are_empty() {
        let results = of_two_runtimes();
        let page = page(&results);
        let words = "Bun 1.4.5 does not report what a call allocates.";
        let group = page.scales[0].group("allocation").unwrap();
        assert!(group.note.ends_with(words), "{}", group.note);
        let bun = page.libraries.iter().position(|library| library.id == "electrodb+bun").unwrap();
        assert_eq!(group.cell("PutItem", bun, "allocated").unwrap().value, None);
        assert!(page.settings.iter().any(|fact| fact.name == "not measured" && fact.value == words));
    }

    #[test]
    fn a_run_on_the_machines_node_names_no_runtime() {
        let mut results = fixed();
        let node = results.environment.node.clone();
        for target in &mut results.targets {
            target.runtime = Some(Runtime { name: "Node".to_owned(), version: node.clone(), spec: "node".to_owned() });
        }
        let named = page(&results);
        assert!(!named.names_runtimes && named.runtimes.is_none());
        for target in &mut results.targets {
            target.runtime.as_mut().unwrap().version = "24.0.0".to_owned();
        }
        let named = page(&results);
        assert!(named.names_runtimes && named.runtimes.is_none());
        assert!(named.subtitle.contains("Node 24.0.0"), "{}", named.subtitle);
    }
}
