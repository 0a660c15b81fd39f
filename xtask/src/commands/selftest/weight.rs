//! The harness's own weight: the same calls in a bare tinybench script and in the suite, and in the suite with the
//! sampler on and off, each pair in turn.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;

use super::Trial;
use super::rig::{Rig, SEED, Sums};
use crate::machine::load;
use crate::machine::sampler::Sampler;
use crate::plan::request::BackendChoice;
use crate::results::Operation;
use crate::setup::npm;
use crate::setup::npm::runtime::Runtime;
use crate::system::checkout::Checkout;
use crate::system::interrupt;
use crate::system::process::Group;
use crate::system::progress::Progress;
use crate::workers::protocol::Ground;
use crate::workers::suite::VerifiedSuite;
use stats::parts::{Part, Parts};

/// Pairs of fresh processes.
const PAIRS: u64 = 16;
const WARM_UP_CALLS: u64 = 6_000;
/// Calls of a turn: the bare script makes them in one go, the suite in slices, as in a run.
const TURN: u64 = 128;
const SLICE: u64 = 16;
/// Turns of each side that don't count: a process that works half of the time collects its garbage otherwise than one
/// that has just warmed up, and takes a thousand calls or so to get there.
const SETTLING: u64 = 16;
/// Turns of each side that count.
const TURNS: u64 = 16;
/// Turns after which the sampler is turned on or off.
const SWITCH: u64 = 4;
/// How far a ratio of means may be from 1.
const WITHIN: f64 = 0.02;
/// What the harness itself may use, percent of a core.
const OWN_CPU_PERCENT: f64 = 2.0;

/// The turns of two sides, a pair for each pair of processes.
#[derive(Default)]
struct Sides {
    latency: Vec<(Parts, Parts)>,
    cpu: Vec<(Parts, Parts)>,
}

/// Measures in turn and compares.
pub fn trials(checkout: &Checkout, backend: BackendChoice, out: &Path) -> anyhow::Result<Vec<Trial>> {
    let progress = Progress::new(false);
    let rig = Rig::start(checkout, backend, out, &progress)?;
    let bar = progress.step("the harness's own weight");
    let (mut harness, mut sampling) = (Sides::default(), Sides::default());
    let (mut own_ms, mut wall_ms) = (0.0, 0.0);
    for pair in 0..PAIRS {
        bar.position(pair, PAIRS);
        let mut bare = Bare::start(&rig)?;
        let (mut suite, pid) = rig.suite()?;
        suite.warm_up(Operation::GetItem, WARM_UP_CALLS, Ground::Database, Duration::from_secs(60), &rig.health())?;

        harness.begin();
        for turn in 0..SETTLING + TURNS {
            interrupt::check()?;
            // Who goes first changes from turn to turn.
            for ours in [turn % 2 == 0, turn % 2 != 0] {
                let sums = if ours { suite_turn(&rig, &mut suite, turn, None)? } else { bare.calls(TURN)? };
                if turn >= SETTLING {
                    harness.add(ours, sums);
                }
            }
        }
        drop(bare);

        sampling.begin();
        for block in 0..2 * TURNS / SWITCH {
            interrupt::check()?;
            // On, off, off, on: a drift weighs on both alike.
            let is_on = matches!(block % 4, 0 | 3);
            let sampler = is_on.then(|| Sampler::start(Instant::now())).transpose()?;
            if let Some(sampler) = &sampler {
                sampler.watch("aws-sdk", pid);
                rig.server.pid.into_iter().for_each(|pid| sampler.watch(crate::machine::sampler::DATABASE, pid));
            }
            let (before, began) = (load::own_cpu_ms(), Instant::now());
            for turn in 0..SWITCH {
                let sums = suite_turn(&rig, &mut suite, block * SWITCH + turn, sampler.as_ref())?;
                sampling.add(is_on, sums);
            }
            if is_on {
                own_ms += load::own_cpu_ms() - before;
                wall_ms += began.elapsed().as_secs_f64() * 1e3;
            }
        }
        suite.end();
    }
    drop(bar);
    rig.end();
    let own = own_ms / wall_ms * 100.0;
    Ok(vec![
        ratio("the suite against a bare tinybench script: latency", &harness.latency),
        ratio("the suite against a bare tinybench script: CPU per call", &harness.cpu),
        ratio("the sampler on against off: latency", &sampling.latency),
        ratio("the sampler on against off: CPU per call", &sampling.cpu),
        Trial::new(
            "xtask's own CPU while measuring",
            format!("below {OWN_CPU_PERCENT:.0}% of a core"),
            format!("{own:.2}%"),
            own < OWN_CPU_PERCENT,
        ),
    ])
}

/// One turn of the suite, in slices.
fn suite_turn(rig: &Rig, suite: &mut VerifiedSuite, turn: u64, sampler: Option<&Sampler>) -> anyhow::Result<Sums> {
    let mut sums = Sums { latency_ms: 0.0, cpu_ms: 0.0 };
    for slice in 0..TURN / SLICE {
        let before = || sampler.iter().for_each(|sampler| sampler.begin("aws-sdk", true));
        let after = || sampler.iter().for_each(|sampler| sampler.end());
        let one = rig.slice(suite, turn * TURN + slice * SLICE, SLICE, before, after)?;
        sums.latency_ms += one.latency_ms;
        sums.cpu_ms += one.cpu_ms;
    }
    Ok(sums)
}

impl Sides {
    fn begin(&mut self) {
        self.latency.push(Default::default());
        self.cpu.push(Default::default());
    }

    fn add(&mut self, ours: bool, sums: Sums) {
        for (pairs, total) in [(&mut self.latency, sums.latency_ms), (&mut self.cpu, sums.cpu_ms)] {
            if let Some((first, second)) = pairs.last_mut() {
                let side = if ours { first } else { second };
                side.push(Part { total, calls: TURN as f64 });
            }
        }
    }
}

/// A process of the bare script.
struct Bare {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _group: Group,
}

impl Bare {
    fn start(rig: &Rig) -> anyhow::Result<Bare> {
        let job = json!({
            "endpoint": rig.tables.endpoint, "table": rig.tables.table, "items": rig.tables.items, "seed": SEED,
            "warmUpCalls": WARM_UP_CALLS, "calls": TURN * (SETTLING + TURNS),
        });
        let runtime = Runtime::on_path(&rig.tools);
        let mut command = npm::worker(&runtime.program, runtime.flags, &rig.benchmark, "bare")?;
        command.arg(job.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut group = Group::spawn(command, "bare")?;
        let input = group.child_mut().stdin.take().context("the bare script has no input")?;
        let output = group.child_mut().stdout.take().context("the bare script has no output")?;
        let mut bare = Bare { input, output: BufReader::new(output), _group: group };
        // Answered when it is warm.
        bare.calls(1)?;
        Ok(bare)
    }

    fn calls(&mut self, calls: u64) -> anyhow::Result<Sums> {
        writeln!(self.input, "{calls}").context("asking the bare script")?;
        let mut line = String::new();
        self.output.read_line(&mut line).context("reading the bare script's answer")?;
        serde_json::from_str(&line).with_context(|| format!("the bare script said {line:?}"))
    }
}

fn ratio(what: &str, pairs: &[(Parts, Parts)]) -> Trial {
    let required = format!("ratio of means within {:.0}% of 1", WITHIN * 100.0);
    Trial::of_ratio(what, required, pairs, WITHIN, |found| format!("{found}, {} processes each", pairs.len()))
}
