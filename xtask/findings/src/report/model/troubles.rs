//! What went wrong, and how to fix it: the banner above everything else, and the details behind it.

use serde::Serialize;

use super::advice::{self, DISAGREE};
use super::{TargetView, label};
use crate::analysis::sdk;
use crate::report::{escape, format, group, text};
use crate::results::{Measurement, Results, RunStatus, Target, TargetStatus};

/// Stands first in the report when the run is not whole.
#[derive(Debug, Clone, Serialize)]
pub struct Banner {
    /// "Incomplete run"
    pub headline: String,
    /// The run's own reason; may be empty.
    pub reason: String,
    /// One for each target or measurement that is missing.
    pub lines: Vec<Fix>,
}

/// Which, why, and what to do.
#[derive(Debug, Clone, Serialize)]
pub struct Fix {
    pub who: String,
    pub why: String,
    /// How to fix it; the command stands apart.
    pub how: String,
    /// Empty where there is none.
    pub command: String,
}

/// A failure's whole message.
#[derive(Debug, Clone, Serialize)]
pub struct Trouble {
    pub who: String,
    pub status: String,
    /// Perhaps many lines.
    pub words: String,
}

const LONGEST_REASON: usize = 240;
const LONGEST_WORDS: usize = 6_000;
const MOST_LINES: usize = 12;

pub fn banner(results: &Results, libraries: &[TargetView]) -> Option<Banner> {
    let run = &results.run;
    let mut lines: Vec<Fix> =
        results.targets.iter().filter(|t| t.status != TargetStatus::Ok).map(|t| of_target(t, libraries)).collect();
    lines.extend(of_measurements(results, libraries));
    lines.extend(of_grounds(results, libraries));
    lines.extend(of_sdks(results, libraries));
    lines.extend(of_disturbances(results));
    let headline = match run.status {
        RunStatus::Complete if run.finished_at.is_none() => "This run has not finished.",
        RunStatus::Complete if lines.is_empty() => return None,
        RunStatus::Complete => "Read this first.",
        RunStatus::Incomplete if is_complete_without(results) => "Not every library is in this run.",
        RunStatus::Incomplete => "Incomplete run: something is missing; the rest holds.",
        RunStatus::Failed => "Failed run: a library failed or did wrong work, or the run could not go on.",
        RunStatus::Interrupted => "Interrupted run: it was stopped before its end.",
    };
    if run.status == RunStatus::Interrupted {
        lines.push(Fix {
            who: "To resume it".to_owned(),
            why: "what was measured is kept; DIR is the folder of its results".to_owned(),
            how: String::new(),
            command: "cargo xtask bench --resume DIR".to_owned(),
        });
    }
    if lines.len() > MOST_LINES {
        let more = lines.len() - MOST_LINES;
        lines.truncate(MOST_LINES);
        lines.push(Fix {
            who: format!("{more} more"),
            why: "see below and in results.json".to_owned(),
            how: String::new(),
            command: String::new(),
        });
    }
    // The lines name the libraries that are missing, and why.
    let reason = run.reason.as_deref().filter(|_| !is_complete_without(results));
    let reason = reason.map(|reason| text::brief(reason, LONGEST_REASON));
    Some(Banner { headline: headline.to_owned(), reason: reason.unwrap_or_default(), lines })
}

/// Whether a run measured all that it could: some of the libraries could not be had, and nothing else is missing.
fn is_complete_without(results: &Results) -> bool {
    results.run.status == RunStatus::Incomplete
        && results.run.finished_at.is_some()
        && results.targets.iter().any(|target| target.status == TargetStatus::Unavailable)
        && results.targets.iter().all(|target| matches!(target.status, TargetStatus::Ok | TargetStatus::Unavailable))
}

pub fn troubles(results: &Results, libraries: &[TargetView]) -> Vec<Trouble> {
    let words = |text: &str| text::shorten(&escape::plain_lines(text), LONGEST_WORDS);
    let of_targets = results.targets.iter().filter(|target| target.status != TargetStatus::Ok).map(|target| Trouble {
        who: label(libraries, &target.id).to_owned(),
        status: status(target.status).to_owned(),
        words: words(target.reason.as_deref().unwrap_or("no reason was recorded")),
    });
    of_targets.collect()
}

/// What disturbed the run seriously, a line for each remedy.
fn of_disturbances(results: &Results) -> Vec<Fix> {
    let mut found: Vec<(&str, Vec<String>)> = Vec::new();
    for one in results.disturbances.iter().filter(|one| one.serious) {
        group::add(&mut found, advice::on_disturbance(one.kind), sentence(&one.detail));
    }
    let fix = |(how, why): (&str, Vec<String>)| Fix {
        who: "Disturbed:".to_owned(),
        why: why.join("; "),
        how: how.to_owned(),
        command: String::new(),
    };
    found.into_iter().map(fix).collect()
}

/// Ratios of CPU per call that the database does not confirm: client cost is what the report is about, so that this comes
/// before it.
fn of_grounds(results: &Results, libraries: &[TargetView]) -> Option<Fix> {
    const SHOWN: usize = 3;
    let disagrees = |m: &&Measurement| m.has_warning(DISAGREE);
    let place = |m: &Measurement| {
        let versus = m.vs_baseline.as_ref()?;
        let [recorded, as_used] = [versus.cpu_ratio, versus.as_used_cpu_ratio?].map(|ratio| format::ratio(ratio, None));
        let at =
            if results.settings.scales.len() > 1 { format!(" ({})", escape::plain(&m.scale)) } else { String::new() };
        let who = format!("{} in {}{at}", label(libraries, &m.target), m.operation);
        Some(format!("{who} {recorded} and {as_used}"))
    };
    let all: Vec<String> = results.measurements.iter().filter(disagrees).filter_map(place).collect();
    let more = match all.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let shown = all[..all.len().min(SHOWN)].join("; ");
    (!all.is_empty()).then(|| Fix {
        who: "Ratios disagree:".to_owned(),
        why: format!("recorded answers and the database give different ratios of CPU per call: {shown}{more}"),
        how: advice::on_warning(DISAGREE).to_owned(),
        command: String::new(),
    })
}

/// Libraries that were measured with other packages of the AWS SDK than the baseline.
fn of_sdks(results: &Results, libraries: &[TargetView]) -> Vec<Fix> {
    let line = |target: &Target| {
        let others = sdk::other_than_the_baseline(results, target);
        let command = sdk::remedy(target, &others).unwrap_or_default();
        (!others.is_empty()).then(|| Fix {
            who: label(libraries, &target.id).to_owned(),
            why: escape::plain(&sdk::sentence(&others)),
            how: if command.is_empty() { "" } else { "install the baseline's versions next to its adapter" }.to_owned(),
            command,
        })
    };
    results.targets.iter().filter(|target| target.status == TargetStatus::Ok).filter_map(line).collect()
}

fn of_target(target: &Target, libraries: &[TargetView]) -> Fix {
    let reason = target.reason.as_deref().unwrap_or_default();
    let mut first = reason.lines().map(escape::plain).find(|line| !line.is_empty()).unwrap_or_default();
    if target.status == TargetStatus::Unavailable {
        // npm's code says enough here; all of its words stand further down.
        first.truncate(first.find("; ").unwrap_or(first.len()));
    }
    let (how, command) = match target.status {
        TargetStatus::Unavailable if target.unsuited => ("measure items that it can have", String::new()),
        TargetStatus::Unavailable if target.adapter == "mizzle" => (
            "name a version, a folder, a packed tarball or a git address",
            "cargo xtask bench --mizzle SPEC".to_owned(),
        ),
        TargetStatus::Unavailable => ("see what this machine is missing", "cargo xtask doctor".to_owned()),
        TargetStatus::WrongWork => {
            ("compare its adapter with the library's documentation: benchmark/src/adapters", String::new())
        }
        TargetStatus::Failed | TargetStatus::Ok => {
            ("read the log of its process next to this report, and measure it again", {
                let id = escape::plain(&target.adapter);
                format!("cargo xtask bench --orm {id}")
            })
        }
    };
    Fix {
        who: label(libraries, &target.id).to_owned(),
        why: match (status(target.status), first) {
            (status, first) if first.is_empty() => status.to_owned(),
            (status, first) => format!("{status}: {}", sentence(&first)),
        },
        how: how.to_owned(),
        command,
    }
}

/// Failures of single operations: those of a target that failed as a whole are said with the target.
fn of_measurements(results: &Results, libraries: &[TargetView]) -> Vec<Fix> {
    let whole = |m: &Measurement| results.targets.iter().any(|t| t.id == m.target && t.status != TargetStatus::Ok);
    let mut found: Vec<Fix> = Vec::new();
    for m in results.measurements.iter().filter(|m| !whole(m)) {
        let Some(failure) = &m.failure else { continue };
        let cause = sentence(&failure.cause);
        let why = format!("{}: {cause}", escape::plain(&failure.stage));
        let place = format!("{} at {} items", m.operation, format::count(m.items.into()));
        let who = label(libraries, &m.target);
        let same = |known: &&mut Fix| known.why == why && known.who.starts_with(&format!("{who}, "));
        match found.iter_mut().find(same) {
            Some(known) => known.who = format!("{}; {place}", known.who),
            None => {
                found.push(Fix { who: format!("{who}, {place}"), why, how: String::new(), command: String::new() });
            }
        }
    }
    found
}

/// Words that another sentence can follow.
fn sentence(words: &str) -> String {
    text::brief(words, LONGEST_REASON).trim_end_matches('.').to_owned()
}

fn status(status: TargetStatus) -> &'static str {
    match status {
        TargetStatus::Ok => "measured",
        TargetStatus::Failed => "failed",
        TargetStatus::WrongWork => "did wrong work and was not timed",
        TargetStatus::Unavailable => "not in this run",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::golden_test::fixed;
    use crate::report::model::page;
    use crate::results::{AdapterFile, Disturbance, DisturbanceKind};

    #[test]
    fn ratios_that_the_database_does_not_confirm_are_read_first() {
        let mut results = fixed();
        let versus = results.measurements.iter().position(|m| m.vs_baseline.is_some()).unwrap();
        let m = &mut results.measurements[versus];
        m.warning_kinds = vec![DISAGREE.to_owned()];
        let versus = m.vs_baseline.as_mut().unwrap();
        (versus.cpu_ratio, versus.as_used_cpu_ratio) = (1.5, Some(1.2));
        let page = page(&results);
        let line = page
            .banner
            .as_ref()
            .unwrap()
            .lines
            .iter()
            .find(|line| line.why.starts_with("recorded answers and the database give"))
            .unwrap();
        let words = " ×1.50 and ×1.20";
        assert!(line.why.contains(words) && line.how.contains("direction"), "{line:?}");
    }

    #[test]
    fn disturbances_with_one_remedy_are_one_line() {
        let mut results = fixed();
        let one = |kind, detail: &str| Disturbance { kind, at_ms: None, detail: detail.to_owned(), serious: true };
        results.disturbances = vec![
            one(DisturbanceKind::ClockFrequency, "the clock changed"),
            one(DisturbanceKind::Swapping, "memory was short"),
            one(DisturbanceKind::Drift, "a round was slow"),
        ];
        let lines = page(&results).banner.unwrap().lines;
        let said: Vec<&str> = lines.iter().filter(|line| line.who == "Disturbed:").map(|line| &*line.why).collect();
        assert_eq!(said, ["the clock changed; a round was slow", "memory was short"]);
    }

    #[test]
    fn other_packages_of_the_sdk_than_the_baselines_are_read_first() {
        let mut results = fixed();
        let file = AdapterFile { path: "mine/own.ts".to_owned(), sha256: String::new(), program_sha256: String::new() };
        for target in &mut results.targets {
            let version = if target.adapter == "electrodb" { "3.41.1" } else { "3.41.0" };
            target.sdk_packages = vec![format!("@smithy/core@{version}")];
            target.adapter_file = (target.adapter == "electrodb").then(|| file.clone());
        }
        let lines = page(&results).banner.unwrap().lines;
        let found: Vec<&Fix> = lines.iter().filter(|line| line.why.contains("of the AWS SDK")).collect();
        let [line] = found[..] else { panic!("{lines:?}") };
        assert_eq!(line.who, "ElectroDB");
        assert!(line.why.ends_with("@smithy/core 3.41.1 instead of 3.41.0"), "{line:?}");
        assert_eq!(line.command, "(cd mine && npm install --save-exact @smithy/core@3.41.0)");
    }
}
