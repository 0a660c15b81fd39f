//! The results file of a run that has not begun: every planned measurement has its place.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::machine::{core, environment};
use crate::plan::outside::Outside;
use crate::plan::{Plan, PlannedTarget};
use crate::results::{
    AdapterFile, Backend, Database, ItemNote, Measurement, Results, Run, RunStatus, SCHEMA_VERSION, Settings, Target,
    TargetStatus, Timeline,
};
use crate::setup::npm::Tools;
use crate::system::checkout::Checkout;
use crate::system::git;

/// Resamples of every bootstrap.
const RESAMPLES: u32 = 1_000;

/// A results file of a run that has not begun: every planned measurement has its place.
pub fn blank(plan: &Plan, checkout: &Checkout, tools: &Tools, id: String) -> anyhow::Result<Results> {
    let commit = git::commit(&checkout.root);
    let first = plan.scales.first();
    Ok(Results {
        schema_version: SCHEMA_VERSION,
        run: Run {
            id,
            started_at: now(),
            finished_at: None,
            duration_s: 0.0,
            status: RunStatus::Incomplete,
            reason: Some("the run did not come to its end".to_owned()),
            stopped_because: None,
            command: command_line(),
            git_commit: commit.as_ref().map(|(commit, _)| commit.clone()),
            git_dirty: commit.map(|(_, dirty)| dirty),
            seed: plan.seed,
            fingerprint: String::new(),
        },
        environment: environment::read(&tools.node_version, &tools.npm_version)?,
        database: Database {
            backend: Backend::External,
            version: None,
            image: None,
            endpoint: String::new(),
            kept: false,
            reused: Vec::new(),
        },
        settings: Settings {
            rounds: first.map_or(0, |scale| scale.rounds),
            time_ms: first.map_or(0.0, |scale| (scale.measuring_time(plan).as_secs_f64() * 1e3).round()),
            concurrency: plan.concurrency,
            more_concurrencies: plan.more_concurrencies.clone(),
            calls: Some(plan.calls),
            shape: Some(plan.items.name().to_owned()),
            query_items: Some(plan.items.query_items),
            query_by: Some(plan.items.query_by),
            item: plan.items.own().map(|item| ItemNote {
                partition: item.keys.partition.clone(),
                sort: item.keys.sort.clone(),
                attributes: item.item.len() as u32,
                bytes: item.bytes,
                sha256: item.sha256.clone(),
            }),
            scales: plan.scales.iter().map(|scale| scale.scale.clone()).collect(),
            operations: plan.operations.clone(),
            design: plan.design,
            at_once: core::last(plan.at_once as usize).len() as u32,
            equivalence_margin: plan.margin,
            precision: Some(plan.precision),
            resamples: RESAMPLES,
        },
        targets: plan.targets.iter().map(|target| blank_target(plan, target)).collect(),
        measurements: blank_measurements(plan),
        database_usage: Vec::new(),
        cold_starts: Vec::new(),
        values: Vec::new(),
        disturbances: Vec::new(),
        schedule: Vec::new(),
        timeline: Timeline::default(),
        harness_cpu_percent: None,
        recorded_answers: None,
        time_use: Vec::new(),
        growth: Vec::new(),
    })
}

fn blank_target(plan: &Plan, target: &PlannedTarget) -> Target {
    Target {
        id: target.id.clone(),
        name: target.stem.replacen(target.library.id, target.library.name, 1),
        adapter: target.library.id.to_owned(),
        version: None,
        runtime: None,
        spec: target.spec_in_words(),
        baseline: plan.is_baseline(target),
        adapter_file: target.outside.as_ref().and_then(adapter_file),
        base_of: target.base_of.as_ref().map(|base| base.target.clone()),
        status: TargetStatus::Ok,
        reason: None,
        unsuited: false,
        sdk_version: None,
        own_sdk_version: None,
        sdk_packages: Vec::new(),
        source: None,
        installed_mb: None,
        bundle: None,
        calls: BTreeMap::new(),
        caveats: Vec::new(),
        item_bytes: None,
        handicap_steps: target.handicap.clone(),
    }
}

/// The file of an adapter that was made into a program.
fn adapter_file(outside: &Outside) -> Option<AdapterFile> {
    let built = outside.built.as_ref()?;
    Some(AdapterFile {
        path: outside.file.display().to_string(),
        sha256: built.sha256.clone(),
        program_sha256: built.program_sha256.clone(),
    })
}

fn blank_measurements(plan: &Plan) -> Vec<Measurement> {
    let mut measurements = Vec::new();
    for scale in &plan.scales {
        for &operation in &plan.operations {
            for target in &plan.targets {
                measurements.push(Measurement::planned(&scale.scale, operation, &target.id));
            }
        }
    }
    measurements
}

/// The command as it would be typed.
fn command_line() -> String {
    format!("cargo xtask {}", shell_words::join(std::env::args().skip(1)))
}

/// Now, RFC 3339 in UTC.
pub fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// The time and the process's id: `20260101-120000-4242`.
pub fn run_id() -> String {
    let digits: String = now().chars().filter(char::is_ascii_digit).collect();
    format!("{}-{}-{}", &digits[..8], &digits[8..], std::process::id())
}
