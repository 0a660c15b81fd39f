//! What the report says, once: figures as text with their values, tables, sentences. Markdown, the page and the
//! terminal only lay it out. Text from the results stands here as it came; each layout escapes for itself.

mod advice;
mod answer;
mod calls;
mod cell;
mod columns;
mod footnotes;
pub mod growth;
mod method;
mod notes;
mod of_scale;
mod origin;
mod ratio;
mod runtimes;
mod tables;
mod troubles;
mod values;

use std::collections::HashMap;

use serde::Serialize;

use super::escape;
use super::format;
use super::palette::{self, Look};
use super::text;
use crate::results::{Measurement, Operation, Results, Target, TargetStatus};

pub use answer::Answer;
pub use calls::{Called, CaveatView};
pub use columns::{RATIO, limit};
pub use method::{Fact, Note, WarningLine};
pub use origin::unpublished;
#[cfg(test)]
pub use ratio::best;
pub use ratio::{Criterion, NO_VERDICT, Ratio, SAME, ratio};
pub use runtimes::RuntimesView;
pub use tables::Group;
pub use troubles::{Banner, Fix, Trouble};
pub use values::ValuesView;

/// A whole report.
#[derive(Debug, Clone, Serialize)]
pub struct Page {
    pub title: String,
    /// When, for how long, on what: one line.
    pub subtitle: String,
    pub banner: Option<Banner>,
    /// What the others are compared with: "AWS SDK".
    pub baseline: String,
    pub answer: Answer,
    /// Where there are several.
    pub runtimes: Option<RuntimesView>,
    /// Where there are several scales.
    pub growth: Option<growth::GrowthView>,
    /// Whether what ran each library is a column of its own.
    pub names_runtimes: bool,
    /// Which kind of call was measured, to follow the title of the answer's table.
    pub calls_phrase: String,
    pub calls: Vec<Called>,
    pub caveats: Vec<CaveatView>,
    /// Those that stand in tables and charts: all that have figures.
    pub libraries: Vec<TargetView>,
    /// All that were asked for.
    pub targets: Vec<TargetView>,
    pub scales: Vec<ScaleView>,
    /// What comes back of values that libraries treat differently, where it was tried.
    pub values: Option<ValuesView>,
    pub troubles: Vec<Trouble>,
    pub disturbances: Vec<Note>,
    pub warnings: Vec<WarningLine>,
    pub settings: Vec<Fact>,
    /// Libraries that were taken from their own repository.
    pub sources: Vec<Fact>,
    pub environment: Vec<Fact>,
    pub schedule: Vec<Fact>,
    /// As typed.
    pub command: String,
}

const MEASURED: &str = "measured";

/// One target, as the report calls and draws it.
#[derive(Debug, Clone, Serialize)]
pub struct TargetView {
    pub id: String,
    /// Its name, or its id where names alone would not distinguish targets.
    pub label: String,
    /// What heads its column: its label, and what became of it where that is not `measured`.
    pub heading: String,
    pub version: String,
    pub spec: String,
    /// What ran it: "Node 24.21.0"; empty where the whole run was made on the machine's Node.
    pub runtime: String,
    pub sdk: String,
    pub own_sdk: String,
    pub installed: String,
    pub baseline: bool,
    /// Whether it competes: the bare SDK is the floor, not a contestant.
    pub contestant: bool,
    /// `measured`, `failed`, `wrong work`, `not installed`.
    pub status: String,
    pub handicap: String,
    pub look: Look,
}

/// Everything about one scale.
#[derive(Debug, Clone, Serialize)]
pub struct ScaleView {
    pub name: String,
    pub items: String,
    /// For ids and file names; unique within the page.
    pub slug: String,
    pub groups: Vec<Group>,
}

impl ScaleView {
    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.id == id)
    }
}

/// Finds measurements by scale, operation and target.
pub struct Index<'a> {
    pub results: &'a Results,
    found: HashMap<(&'a str, Operation, &'a str), &'a Measurement>,
}

impl<'a> Index<'a> {
    pub fn new(results: &'a Results) -> Index<'a> {
        let key = |m: &'a Measurement| ((m.scale.as_str(), m.operation, m.target.as_str()), m);
        Index { results, found: results.measurements.iter().map(key).collect() }
    }

    pub fn get(&self, scale: &str, operation: Operation, target: &str) -> Option<&'a Measurement> {
        self.found.get(&(scale, operation, target)).copied()
    }

    /// What an operation is called in the report.
    pub fn name(&self, operation: Operation) -> &'static str {
        self.results.settings.name_of(operation)
    }

    /// The operations that were planned at a scale.
    pub fn operations(&self, scale: &str) -> Vec<Operation> {
        let planned = |o: &Operation| self.results.measurements.iter().any(|m| m.scale == scale && m.operation == *o);
        Operation::ALL.into_iter().filter(planned).collect()
    }
}

/// Makes the whole report's content from results.
pub fn page(results: &Results) -> Page {
    let targets = targets(results);
    // What has no figures is named at the top, once, and has no row of dashes.
    let libraries: Vec<TargetView> = targets.iter().filter(|library| has_figures(results, library)).cloned().collect();
    let index = Index::new(results);
    let scales = scales(&index, &libraries);
    let runtimes = runtimes::view(results, &libraries);
    let mut answer = answer::answer(&index, &libraries, &targets);
    answer.points.extend(runtimes.iter().flat_map(runtimes::points));
    Page {
        title: "DynamoDB clients for JavaScript, measured".to_owned(),
        subtitle: method::subtitle(results),
        banner: troubles::banner(results, &targets),
        baseline: runtimes::baseline(&targets).unwrap_or_else(|| "the baseline".to_owned()),
        answer,
        runtimes,
        growth: growth::view(results, &libraries),
        names_runtimes: !runtimes::names(&targets).is_empty(),
        calls_phrase: calls::kind_phrase(results),
        calls: calls::called(results, &libraries),
        caveats: calls::caveats(results, &libraries),
        troubles: troubles::troubles(results, &targets),
        disturbances: method::disturbances(results),
        warnings: method::warnings(results, &targets),
        settings: method::settings(results, &libraries),
        sources: method::sources(results, &targets),
        environment: method::environment(results),
        schedule: method::schedule(results, &targets),
        values: values::view(results, &libraries),
        command: escape::plain(&results.run.command),
        libraries,
        targets,
        scales,
    }
}

/// Whether a library was measured, or could still be.
fn has_figures(results: &Results, library: &TargetView) -> bool {
    let figures = |m: &Measurement| m.latency_ms.is_some() || m.cpu.is_some() || m.throughput.is_some();
    library.status == MEASURED || results.measurements.iter().any(|m| m.target == library.id && figures(m))
}

fn scales(index: &Index<'_>, libraries: &[TargetView]) -> Vec<ScaleView> {
    let mut views: Vec<ScaleView> = Vec::new();
    for scale in &index.results.settings.scales {
        let slug = escape::slug(&scale.name);
        let taken = slug.is_empty() || views.iter().any(|view| view.slug == slug);
        views.push(ScaleView {
            name: scale.name.clone(),
            items: format::count(scale.items.into()),
            slug: if taken { format!("scale-{}", views.len() + 1) } else { slug },
            groups: tables::groups(index, &scale.name, libraries),
        });
    }
    views
}

fn targets(results: &Results) -> Vec<TargetView> {
    let looks = palette::looks(results.targets.iter().map(|target| target.adapter.as_str()));
    results.targets.iter().zip(looks).map(|(target, look)| library(target, results, look)).collect()
}

fn library(target: &Target, results: &Results, look: Look) -> TargetView {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| format::NOT_MEASURED.to_owned());
    let shared_name = results.targets.iter().filter(|other| other.name == target.name).count() > 1;
    let label = if shared_name { &target.id } else { &target.name };
    let label = text::brief(label, 40);
    let status = match target.status {
        TargetStatus::Ok => MEASURED,
        TargetStatus::Failed => "failed",
        TargetStatus::WrongWork => "wrong work",
        TargetStatus::Unavailable if target.unsuited => "can't have such items",
        TargetStatus::Unavailable => "not installed",
    };
    TargetView {
        id: target.id.clone(),
        heading: if target.status == TargetStatus::Ok { label.clone() } else { format!("{label} ({status})") },
        label,
        version: text(&target.version),
        spec: target.spec.clone(),
        runtime: runtimes::name(results, target),
        sdk: text(&target.sdk_version),
        own_sdk: text(&target.own_sdk_version),
        installed: format::optional(target.installed_mb),
        baseline: target.baseline,
        contestant: !matches!(target.adapter.as_str(), "aws-sdk" | "aws-client"),
        status: status.to_owned(),
        handicap: handicap(target),
        look,
    }
}

fn handicap(target: &Target) -> String {
    let each = target.handicap_steps.iter().map(|(operation, steps)| format!("{operation} +{steps} steps"));
    each.collect::<Vec<_>>().join(", ")
}

/// The label of a target's id, or the id itself for one that is not listed.
fn label<'a>(libraries: &'a [TargetView], id: &'a str) -> &'a str {
    libraries.iter().find(|library| library.id == id).map_or(id, |library| &library.label)
}
