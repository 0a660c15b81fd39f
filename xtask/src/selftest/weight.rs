//! The harness's own weight: the same calls in a bare tinybench script and in the suite, with the sampler on and off,
//! in turn, each in fresh processes.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;

use super::Trial;
use super::rig::{Rig, SEED, Sums};
use crate::checkout::Checkout;
use crate::cli::BackendChoice;
use crate::machine;
use crate::npm;
use crate::process::Group;
use crate::progress::Progress;
use crate::results::Operation;
use crate::run::health;
use crate::sampler::Sampler;
use crate::stats::bootstrap::{self, Part, Resampling};

/// Fresh processes of each kind.
const TURNS: usize = 16;
const WARM_UP_CALLS: u64 = 4_000;
const CALLS: u64 = 2_000;
/// The suite measures in slices of this many calls, as a run does.
const SLICE: u64 = 50;
/// How far a ratio of means may be from 1.
const WITHIN: f64 = 0.02;
/// What the harness itself may use, percent of a core.
const OWN_CPU_PERCENT: f64 = 2.0;

/// Measures in turn and compares.
pub fn trials(checkout: &Checkout, backend: BackendChoice, out: &Path) -> anyhow::Result<Vec<Trial>> {
    let progress = Progress::new(false);
    let rig = Rig::start(checkout, backend, out, &progress)?;

    let suite = |sampler: Option<&Sampler>| -> anyhow::Result<Sums> {
        let (mut suite, pid) = rig.suite()?;
        suite.warm_up(Operation::GetItem, WARM_UP_CALLS, Duration::from_secs(60), &health(&rig.server))?;
        if let Some(sampler) = sampler {
            sampler.watch("aws-sdk", pid);
        }
        let mut sums = Sums { latency_ms: 0.0, cpu_ms: 0.0 };
        for from in (0..CALLS).step_by(SLICE as usize) {
            let begin = || sampler.iter().for_each(|sampler| sampler.begin("aws-sdk", true));
            let stop = || sampler.iter().for_each(|sampler| sampler.end());
            let slice = rig.slice(&mut suite, from, SLICE, begin, stop)?;
            sums.latency_ms += slice.latency_ms;
            sums.cpu_ms += slice.cpu_ms;
        }
        suite.end();
        Ok(sums)
    };
    let bare = || -> anyhow::Result<Sums> {
        let job = json!({
            "endpoint": rig.tables.endpoint, "table": rig.tables.table, "items": rig.tables.items, "seed": SEED,
            "warmUpCalls": WARM_UP_CALLS, "calls": CALLS,
        });
        let mut command = Command::new(&rig.tools.npm);
        command.args(["run", "--silent", "bare", "--", &job.to_string()]).current_dir(&rig.benchmark);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        npm::clean_environment(&mut command);
        let mut group = Group::spawn(&mut command, "bare")?;
        let output = group.child_mut().stdout.take().context("the bare script has no output")?;
        let text = std::io::read_to_string(output).context("reading the bare script's output")?;
        serde_json::from_str(&text).with_context(|| format!("the bare script said {text:?}"))
    };

    let step = progress.step("the harness's own weight");
    let mut sampled = Vec::new();
    let mut unsampled = Vec::new();
    let mut bares = Vec::new();
    let (mut own_ms, mut wall_ms) = (0.0, 0.0);
    for turn in 0..TURNS {
        step.position(turn as u64, TURNS as u64);
        // Each kind stands in each place.
        for kind in 0..3 {
            match (turn + kind) % 3 {
                0 => bares.push(bare()?),
                1 => unsampled.push(suite(None)?),
                _ => {
                    let watcher = Sampler::start(Instant::now())?;
                    if let Some(pid) = rig.server.pid {
                        watcher.watch(crate::sampler::DATABASE, pid);
                    }
                    let (before, begun) = (machine::own_cpu_ms(), Instant::now());
                    sampled.push(suite(Some(&watcher))?);
                    own_ms += machine::own_cpu_ms() - before;
                    wall_ms += begun.elapsed().as_secs_f64() * 1e3;
                }
            }
        }
    }
    drop(step);
    rig.end();
    let own = own_ms / wall_ms * 100.0;
    Ok(vec![
        ratio("the suite against a bare tinybench script: latency", &unsampled, &bares, |sums| sums.latency_ms),
        ratio("the suite against a bare tinybench script: CPU per call", &unsampled, &bares, |sums| sums.cpu_ms),
        ratio("the sampler on against off: latency", &sampled, &unsampled, |sums| sums.latency_ms),
        ratio("the sampler on against off: CPU per call", &sampled, &unsampled, |sums| sums.cpu_ms),
        Trial::new(
            "xtask's own CPU while measuring",
            format!("below {OWN_CPU_PERCENT:.0}% of a core"),
            format!("{own:.2}%"),
            own < OWN_CPU_PERCENT,
        ),
    ])
}

fn ratio(what: &str, ours: &[Sums], theirs: &[Sums], of: fn(&Sums) -> f64) -> Trial {
    let parts = |sums: &Sums| vec![Part { total: of(sums), calls: CALLS as f64 }];
    let pairs: Vec<_> = ours.iter().zip(theirs).map(|(ours, theirs)| (parts(ours), parts(theirs))).collect();
    let asked = format!("ratio of means within {:.0}% of 1", WITHIN * 100.0);
    match bootstrap::ratio(&pairs, None, Resampling { resamples: 2_000, seed: SEED }) {
        Some(found) => {
            let [low, high] = found.ci95.unwrap_or([f64::NAN; 2]);
            let text = format!("{:.4} ({low:.4} to {high:.4}), {} processes each", found.value, pairs.len());
            Trial::new(what, asked, text, (found.value - 1.0).abs() <= WITHIN)
        }
        None => Trial::new(what, asked, "nothing was measured", false),
    }
}
