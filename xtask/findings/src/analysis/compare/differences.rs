//! What differs between two runs: what forbids comparing their figures, and what should be known all the same.

use super::change::{RawRow, is_same};
use super::{Basis, Metric};
use crate::analysis::sdk::{self, OtherPackage};
use crate::results::{Backend, CallKind, Database, Environment, Results, Target};
use crate::system::format::list;
use stats::percentile;

/// What forbids comparing the figures of two runs themselves: another machine, or another server.
pub fn differences(
    (a, its_server): (&Environment, &Database),
    (b, other_server): (&Environment, &Database),
) -> Vec<String> {
    let mut why = Vec::new();
    let mut differ = |what: &str, a: String, b: String| {
        if a != b {
            why.push(format!("{what}: {a} and {b}"));
        }
    };
    differ("different CPUs", a.cpu_model.clone(), b.cpu_model.clone());
    differ("different core counts", a.cores.to_string(), b.cores.to_string());
    let backend = |server: &Database| {
        match server.backend {
            Backend::Docker => "Docker",
            Backend::Java => "Java",
            Backend::External => "none, an external server",
        }
        .to_owned()
    };
    differ("two ways to run the server", backend(its_server), backend(other_server));
    let version = |server: &Database| match (&server.version, server.backend) {
        (Some(version), _) => version.clone(),
        (None, Backend::External) => format!("unknown, at {}", server.endpoint),
        (None, _) => "unknown".to_owned(),
    };
    differ("two server versions", version(its_server), version(other_server));
    let place = |server: &Database| if server.kept { "a file that is kept" } else { "the server's memory" }.to_owned();
    differ("two places of the tables", place(its_server), place(other_server));
    if (a.memory_mb / b.memory_mb - 1.0).abs() > 0.05 {
        why.push(format!("two machines: {:.0} MiB of memory and {:.0}", a.memory_mb, b.memory_mb));
    }
    why
}

/// What forbids comparing anything of two runs: items of two shapes, two items of the user's own, or a table with an index
/// (which every write has to keep up) and one without.
pub fn other_items(base: &Results, new: &Results) -> Option<String> {
    let (a, b) = (&base.settings, &new.settings);
    if a.shape_name() != b.shape_name() {
        return Some(format!("one measured items of shape {}, the other of {}", a.shape_name(), b.shape_name()));
    }
    if a.queried() != b.queried() {
        return Some(
            "one measured a table with a secondary index, which Query asks, the other a table without".to_owned(),
        );
    }
    (a.item != b.item).then(|| format!("the item {} is not the same in both", a.shape_name()))
}

/// Why Query can't be compared; None where it can.
pub fn query_sizes(base: &Results, new: &Results) -> Option<String> {
    let (a, b) = (base.settings.query_size(), new.settings.query_size());
    (a != b).then(|| format!("Query: it returns {a} items in the base and {b} in the new run"))
}

pub fn common_baseline(base: &Results, new: &Results) -> Result<String, String> {
    let of = |results: &Results| results.targets.iter().find(|target| target.baseline).cloned();
    match (of(base), of(new)) {
        (Some(a), Some(b)) if is_same(&a, &b) => Ok(a.id),
        (Some(a), Some(b)) if a.id == b.id => Err(format!(
            "their baselines differ ({} {} and {}), so there are no ratios either",
            a.id,
            a.version.as_deref().unwrap_or("without figures"),
            b.version.as_deref().unwrap_or("without figures")
        )),
        _ => Err("they have no baseline in common, so there are no ratios either".to_owned()),
    }
}

/// What differs and leaves the figures comparable, but should be known.
pub fn notes(base: &Results, new: &Results) -> Vec<String> {
    let (a, b) = (&base.environment, &new.environment);
    let (mut notes, mut packages_differ) = (Vec::new(), Vec::new());
    let mut differ = |what: &str, a: &str, b: &str| {
        if a != b {
            notes.push(format!("{what}: {a} → {b}"));
        }
    };
    differ("operating system", &a.os, &b.os);
    differ("kernel", &a.kernel, &b.kernel);
    differ("Node", &a.node, &b.node);
    let calls = |of: &Results| of.settings.calls.map_or("unknown", CallKind::name);
    differ("calls", calls(base), calls(new));
    differ("concurrency", &base.settings.concurrency.to_string(), &new.settings.concurrency.to_string());
    differ("design", &format!("{:?}", base.settings.design), &format!("{:?}", new.settings.design));
    differ("targets at the same time", &base.settings.at_once.to_string(), &new.settings.at_once.to_string());
    for target in &new.targets {
        let Some(other) = base.targets.iter().find(|other| other.id == target.id) else { continue };
        let known = |version: &Option<String>| version.clone().unwrap_or_else(|| "unknown".to_owned());
        differ(&target.id, &known(&other.version), &known(&target.version));
        differ(&format!("AWS SDK of {}", target.id), &known(&other.sdk_version), &known(&target.sdk_version));
        let packages = sdk::others(&target.sdk_packages, &other.sdk_packages);
        if !packages.is_empty() && other.sdk_version == target.sdk_version {
            let show = |one: &OtherPackage| format!("{} {} → {}", one.name, list(&one.instead_of), list(&one.versions));
            packages_differ.push(format!(
                "packages under the AWS SDK of {}: {}",
                target.id,
                sdk::listed(&packages, show)
            ));
        }
        if let (Some(theirs), Some(ours)) = (&other.runtime, &target.runtime) {
            differ(&format!("runtime of {}", target.id), &theirs.to_string(), &ours.to_string());
        }
        differ(&format!("adapter of {}", target.id), &adapter_of(other), &adapter_of(target));
    }
    notes.extend(packages_differ);
    notes
}

/// Describes the adapter that a target was called by: its file, if it lies outside the repository.
fn adapter_of(target: &Target) -> String {
    target.adapter_file.as_ref().map_or_else(
        || "the repository's".to_owned(),
        |file| format!("{} (sha256 {})", file.path, file.sha256.get(..12).unwrap_or(&file.sha256)),
    )
}

/// A change that all targets share is the machine's, or the harness's.
pub fn common_shift(rows: &[RawRow], basis: &Basis) -> Option<String> {
    let targets: std::collections::HashSet<&str> = rows.iter().map(|row| row.target.as_str()).collect();
    if *basis != Basis::Figures || targets.len() < 2 {
        return None;
    }
    let of_cpu = |row: &RawRow| row.changes.iter().find(|(metric, _)| *metric == Metric::Cpu).map(|(_, raw)| raw.log);
    let mut logs: Vec<f64> = rows.iter().filter_map(of_cpu).collect();
    logs.sort_by(f64::total_cmp);
    let shift = percentile::percentile(&logs, 0.5)?.exp() - 1.0;
    (shift.abs() > 0.05).then(|| {
        format!(
            "CPU per call changed by {} in the median measurement: the machine (or what all targets \
             share) became {}; only what changed more than its control fails",
            format_args!("{:+.1}%", shift * 100.0),
            if shift > 0.0 { "slower" } else { "faster" }
        )
    })
}

/// Whether the CPU per call is that of the thread that runs JavaScript, or of the whole process.
pub fn counts_threads(results: &Results) -> bool {
    let mut rounds = results.measurements.iter().flat_map(|one| &one.per_round);
    rounds.any(|round| match &round.client {
        Some(client) => client.slices.iter().any(|slice| slice.thread_ms.is_some()),
        None => round.slices.iter().any(|slice| slice.thread_ms.is_some()),
    })
}

/// Whether the client's cost was measured against recorded answers.
pub fn has_recorded_answers(results: &Results) -> bool {
    results.measurements.iter().flat_map(|one| &one.per_round).any(|round| round.client.is_some())
}
