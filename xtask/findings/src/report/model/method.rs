//! How it was measured: settings, machine, database, order of the rounds, and what disturbed the run.

use serde::Serialize;

use super::{TargetView, advice, label, runtimes};
use crate::report::{escape, format, text};
use crate::results::{Backend, Database, Design, DisturbanceKind, Operation, QueryBy, Results, Scale, Target, TimeUse};

#[derive(Debug, Clone, Serialize)]
pub struct Fact {
    pub name: String,
    pub value: String,
}

/// Something that disturbed the run, or might have.
#[derive(Debug, Clone, Serialize)]
pub struct Note {
    pub kind: String,
    pub when: String,
    pub text: String,
    /// What to do about it; may be empty.
    pub advice: String,
    pub serious: bool,
}

/// A warning, once, with everything that it concerns.
#[derive(Debug, Clone, Serialize)]
pub struct WarningLine {
    pub text: String,
    pub concerns: String,
    /// What to do about it; may be empty.
    pub advice: String,
}

const MOST_ROUNDS: usize = 24;
const MOST_CONCERNS: usize = 6;

pub fn subtitle(results: &Results) -> String {
    let run = &results.run;
    let day = run.started_at.get(..10).unwrap_or(&run.started_at);
    let mut parts = vec![
        day.to_owned(),
        rounds(results),
        format!("{} on {}", format::plural(results.environment.cores.into(), "core"), results.environment.cpu_model),
        ran_on(results),
        database(results),
    ];
    if !is_usual(results) {
        parts.insert(1, items(results));
    }
    if run.finished_at.is_some() {
        parts.insert(1, format::duration_ms(run.duration_s * 1000.0));
    }
    escape::plain(&parts.join(" · "))
}

/// "3 rounds for each library", or "12 rounds for each library at 1,000 items, 4 at 100,000".
fn rounds(results: &Results) -> String {
    let of_scale = |scale: &Scale| {
        let all = results.measurements.iter().filter(|m| m.scale == scale.name);
        (all.map(|m| m.rounds).max().unwrap_or(0), format::count(scale.items.into()))
    };
    let all: Vec<(u32, String)> = results.settings.scales.iter().map(of_scale).collect();
    let (first, items) = all.first().cloned().unwrap_or_default();
    let said = format!("{} for each library", format::plural(first.into(), "round"));
    if all.iter().all(|(rounds, _)| *rounds == first) {
        return said;
    }
    let others: Vec<String> = all[1..].iter().map(|(rounds, items)| format!("{rounds} at {items}")).collect();
    format!("{said} at {items} items, {}", others.join(", "))
}

/// What ran the suites.
fn ran_on(results: &Results) -> String {
    let mut names: Vec<String> = Vec::new();
    for runtime in results.targets.iter().filter_map(|target| target.runtime.as_ref()) {
        if !names.contains(&runtime.to_string()) {
            names.push(runtime.to_string());
        }
    }
    let machines = || format!("Node {}", results.environment.node.trim_start_matches('v'));
    if names.is_empty() { machines() } else { names.join(", ") }
}

/// Whether the items are those of a run that asks for no others.
fn is_usual(results: &Results) -> bool {
    let settings = &results.settings;
    settings.shape_name() == "order" && settings.query_size() == 20 && settings.queried() == QueryBy::Table
}

/// What the items are: `record items, 20 in each Query`.
fn items(results: &Results) -> String {
    let settings = &results.settings;
    let own = settings.item.as_ref().map_or_else(String::new, |item| {
        format!(
            " ({} of {} attributes, keys {} and {})",
            format::plural(item.bytes, "byte"),
            item.attributes,
            item.partition,
            item.sort
        )
    });
    let query = settings.name_of(Operation::Query);
    format!("{} items{own}, {} in each {query}", settings.shape_name(), format::count(settings.query_size().into()))
}

pub fn settings(results: &Results, libraries: &[TargetView]) -> Vec<Fact> {
    let not_measured = runtimes::without_allocation(results, libraries);
    let (settings, run) = (&results.settings, &results.run);
    let scales =
        settings.scales.iter().map(|scale| format!("{} ({} items)", scale.name, format::count(scale.items.into())));
    let commit = run.git_commit.as_ref().map(|commit| {
        let changed = if run.git_dirty == Some(true) { ", with changes" } else { "" };
        format!("{}{changed}", commit.get(..12).unwrap_or(commit))
    });
    let more: Vec<String> = settings.more_concurrencies.iter().map(ToString::to_string).collect();
    let also = if more.is_empty() { String::new() } else { format!(", and also {}", format::list(&more)) };
    facts([
        ("scales", scales.collect::<Vec<_>>().join(", ")),
        ("items", items(results)),
        ("rounds", format!("at most {}: fresh processes for each library and scale", settings.rounds)),
        ("time", format!("{} for each operation, phase and round", format::duration_ms(settings.time_ms))),
        ("client cost", recorded_answers(results)),
        ("time use", time_use(results)),
        ("not measured", not_measured.unwrap_or_default()),
        ("in flight", format!("1 for latency, {} for throughput{also}", settings.concurrency)),
        (
            "turns",
            match settings.design {
                Design::Paired => match settings.at_once {
                    0 | 1 => "all libraries' processes warm, slices of calls in turn, one at a time".to_owned(),
                    more => format!(
                        "all libraries' processes warm, slices of calls in turn: for client cost {more} at a time, each \
                         on a core of its own, else one"
                    ),
                },
                Design::Sequential => "one library's process after the other, in another order each round".to_owned(),
            },
        ),
        (
            "same",
            format!("the whole interval within {} of the baseline", format::set_percent(settings.equivalence_margin)),
        ),
        (
            "precision",
            settings
                .precision
                .map(|p| format!("stops once every ratio is known to ±{}", format::set_percent(p)))
                .unwrap_or_default(),
        ),
        ("stopped because", run.stopped_because.clone().unwrap_or_default()),
        (
            "intervals",
            format!(
                "95%, by a bootstrap over rounds and the slices of calls in them, {} resamples; that of a ratio is where \
                 another run like this one would find it",
                format::count(settings.resamples.into())
            ),
        ),
        ("seed", run.seed.to_string()),
        (
            "harness",
            results
                .harness_cpu_percent
                .map(|p| format!("{}% of a core while measuring", format::per_call(p)))
                .unwrap_or_default(),
        ),
        ("run", run.id.clone()),
        ("started", run.started_at.clone()),
        ("finished", run.finished_at.clone().unwrap_or_default()),
        ("commit", commit.unwrap_or_default()),
    ])
}

/// Against what the client's cost was measured.
fn recorded_answers(results: &Results) -> String {
    results.recorded_answers.as_ref().map_or_else(String::new, |of| {
        format!(
            "measured against recorded answers ({} answers, {} µs of the server's CPU each); latency and throughput \
             against {}",
            format::count(of.answers),
            format::number(of.cpu_micros_per_answer),
            match results.database.backend {
                Backend::External => "the database",
                Backend::Docker | Backend::Java => "DynamoDB Local",
            }
        )
    })
}

/// How much of each scale's time went into timed calls, and what took the rest.
fn time_use(results: &Results) -> String {
    let of_scale = |time: &TimeUse| {
        let seconds = |s: f64| format::duration_ms(s * 1e3);
        Some(format!(
            "{}: {} of {} in timed calls (client cost {}, latency {}, throughput {}); warm-up {}, starting and \
             verifying {}, recording {}, the table {}",
            time.scale,
            format::percent(time.timed_share()?),
            seconds(time.wall_s),
            seconds(time.client_s),
            seconds(time.latency_s),
            seconds(time.throughput_s),
            seconds(time.warm_up_s),
            seconds(time.start_s),
            seconds(time.record_s),
            seconds(time.table_s)
        ))
    };
    results.time_use.iter().filter_map(of_scale).collect::<Vec<_>>().join(". ")
}

/// What was measured of the libraries that were taken from their own repositories.
pub fn sources(results: &Results, libraries: &[TargetView]) -> Vec<Fact> {
    let of = |target: &Target| {
        let source = target.source.as_ref()?;
        let commit = source.commit.as_ref().map(|commit| {
            let state = match source.dirty {
                Some(true) => ", with uncommitted changes",
                Some(false) => ", clean",
                None => "",
            };
            format!("commit {}{state}", commit.get(..12).unwrap_or(commit))
        });
        let bundled = match &source.bundled_by {
            Some(by) => format!("bundled by {by}"),
            None => "its built files as they were".to_owned(),
        };
        let sdk = source.sdk_asked_for.as_ref().map(|range| format!("asks for AWS SDK client {range}"));
        let parts = [Some(source.version.clone()), commit, Some(bundled), sdk].into_iter().flatten();
        Some(Fact {
            name: label(libraries, &target.id).to_owned(),
            value: text::brief(&parts.collect::<Vec<_>>().join("; "), 300),
        })
    };
    results.targets.iter().filter_map(of).collect()
}

pub fn environment(results: &Results) -> Vec<Fact> {
    let (environment, database_used) = (&results.environment, &results.database);
    let memory = format!("{} MiB", format::count(environment.memory_mb.max(0.0) as u64));
    facts([
        (
            "machine",
            format!("{}, {}, {memory}", environment.cpu_model, format::plural(environment.cores.into(), "core")),
        ),
        ("system", format!("{}, kernel {}", environment.os, environment.kernel)),
        ("Node", format!("{} with npm {}", environment.node, environment.npm)),
        ("database", database(results)),
        ("tables", tables(database_used)),
        ("image", image(database_used)),
        ("endpoint", database_used.endpoint.clone()),
        (
            "built with",
            format!("xtask {}, rustc {}", environment.xtask, environment.rustc.trim_start_matches("rustc ")),
        ),
    ])
}

/// Where the tables lie, if not in the server's own memory as usual; who seeded them.
fn tables(database: &Database) -> String {
    if !database.kept {
        return String::new();
    }
    let origin = match &database.reused[..] {
        [] => "seeded by this run and kept for later ones".to_owned(),
        scales => format!("seeded by an earlier run ({}), and compared with the data set in full", scales.join(", ")),
    };
    format!("{origin}; in a file in memory, where writes take longer than in the server's own (--reuse-database)")
}

/// The image by its name. A tag is only a name: where the server says another version, that is said here too.
fn image(database: &Database) -> String {
    let image = database.image.clone().unwrap_or_default();
    match &database.version {
        Some(version) if !image.is_empty() && !image.ends_with(&format!(":{version}")) => {
            format!("{image} (the server in it says {version})")
        }
        _ => image,
    }
}

pub fn schedule(results: &Results, libraries: &[TargetView]) -> Vec<Fact> {
    let several = results.settings.scales.len() > 1;
    let mut rounds: Vec<Fact> = results
        .schedule
        .iter()
        .take(MOST_ROUNDS)
        .map(|round| {
            let order: Vec<&str> = round.order.iter().map(|id| label(libraries, id)).collect();
            let scale = if several { format!("{}, ", round.scale) } else { String::new() };
            Fact { name: format!("{scale}round {}", round.round + 1), value: order.join(", ") }
        })
        .collect();
    if results.schedule.len() > MOST_ROUNDS {
        let more = results.schedule.len() - MOST_ROUNDS;
        rounds.push(Fact { name: format!("{more} more rounds"), value: "see results.json".to_owned() });
    }
    rounds
}

pub fn disturbances(results: &Results) -> Vec<Note> {
    let note = |d: &crate::results::Disturbance| Note {
        kind: kind(d.kind),
        when: d.at_ms.map_or_else(|| "whole run".to_owned(), |ms| format!("at {}", format::duration_ms(ms))),
        text: text::brief(&d.detail, 600),
        advice: advice::on_disturbance(d.kind).to_owned(),
        serious: d.serious,
    };
    results.disturbances.iter().map(note).collect()
}

pub fn warnings(results: &Results, libraries: &[TargetView]) -> Vec<WarningLine> {
    let several = results.settings.scales.len() > 1;
    let mut grouped: Vec<Grouped<'_>> = Vec::new();
    for m in &results.measurements {
        let scale = if several { format!(" ({})", m.scale) } else { String::new() };
        let place = format!("{} {}{scale}", label(libraries, &m.target), m.operation);
        for (at, text) in m.warnings.iter().enumerate() {
            let kind = m.warning_kinds.get(at).unwrap_or(text);
            match grouped.iter_mut().find(|known| known.kind == kind) {
                Some(known) if known.text == text => known.same.push(place.clone()),
                Some(known) => known.alike.push(place.clone()),
                None => grouped.push(Grouped { kind, text, same: vec![place.clone()], alike: Vec::new() }),
            }
        }
    }
    let list = |places: &[String]| {
        let mut shown = places.iter().take(MOST_CONCERNS).cloned().collect::<Vec<_>>();
        if places.len() > MOST_CONCERNS {
            shown.push(format!("{} more", places.len() - MOST_CONCERNS));
        }
        format::list(&shown)
    };
    let warning = |of: Grouped<'_>| {
        let alike = if of.alike.is_empty() { String::new() } else { format!("; similarly: {}", list(&of.alike)) };
        let text = text::brief(of.text, 400);
        let advice = advice::on_warning(of.kind).to_owned();
        WarningLine { text, concerns: format!("{}{alike}", list(&of.same)), advice }
    };
    grouped.into_iter().map(warning).collect()
}

/// Warnings of one kind: the first of them, and where the others are.
struct Grouped<'a> {
    kind: &'a str,
    text: &'a str,
    same: Vec<String>,
    alike: Vec<String>,
}

fn database(results: &Results) -> String {
    let version = results.database.version.as_deref();
    let server = match results.database.backend {
        Backend::Docker => "DynamoDB Local in Docker",
        Backend::Java => "DynamoDB Local on Java",
        Backend::External => "an external server",
    };
    version.map_or_else(|| server.to_owned(), |version| format!("{server}, {version}"))
}

/// "other load": the name that the file has for it, so that a new kind needs no line here.
fn kind(kind: DisturbanceKind) -> String {
    let name = serde_json::to_value(kind).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
    name.replace('-', " ").replace("cpu", "CPU")
}

/// Facts without a value are left out: they were not known.
fn facts<const N: usize>(pairs: [(&str, String); N]) -> Vec<Fact> {
    let known = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    known.map(|(name, value)| Fact { name: name.to_owned(), value: escape::plain(&value) }).collect()
}
