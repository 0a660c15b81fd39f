//! The harness's own weight: the same calls in a bare tinybench script and in the suite, and in the suite with the
//! sampler on and off, each pair in turn.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;

use super::lab::SEED;
use super::part::Session;
use super::ratios::{Log, too_noisy};
use super::rig::{Process, Rig, Sums};
use super::trial::{Outcome, Trial};
use crate::machine::core;
use crate::machine::load;
use crate::machine::sampler::{DATABASE, Sampler};
use crate::plan::library::{LIBRARIES, Library};
use crate::plan::turns::{Lots, SliceLength};
use crate::results::Operation;
use crate::setup::npm;
use crate::setup::npm::runtime::Runtime;
use crate::system::interrupt;
use crate::system::process::Group;
use crate::workers::protocol::{Ground, Phase};
use stats::bootstrap::{self, Resampling};
use stats::parts::{Part, Parts};

const PART: &str = "weight";
const OPERATION: Operation = Operation::GetItem;
/// Pairs of fresh processes, as the time allows.
const FEWEST_PAIRS: u32 = 3;
const MOST_PAIRS: u32 = 16;
const WARM_UP_CALLS: u64 = 6_000;
/// Calls of a slice on average, as in a run. Slices are short next to a change of the core's speed, which both sides meet.
const SLICE: u64 = 16;
/// The calls that the bare script is asked for first: it answers when it is warm.
const READY: u64 = 1;
/// Slices of each side that don't count: a process that works half of the time collects its garbage otherwise than one
/// that has just warmed up, and takes a thousand calls or so to get there.
const SETTLING: u64 = 128;
/// Slices of each side that count.
const SLICES: u64 = 160;
/// How far a ratio of means may be from 1, and how well it must be known. Two processes of one program differ by about 2%,
/// so that a few pairs of them don't show that much itself.
const WITHIN: f64 = 0.02;
const KNOWN_TO: f64 = 0.05;
/// What the harness itself may use, percent of a core.
const OWN_CPU_PERCENT: f64 = 2.0;

/// The slices of two sides, a pair for each pair of processes.
#[derive(Default)]
struct Sides {
    latency: Vec<(Parts, Parts)>,
    cpu: Vec<(Parts, Parts)>,
}

/// Measures in turn and compares.
pub fn run(session: &mut Session<'_>, time: Duration) -> anyhow::Result<Vec<Trial>> {
    let begun = Instant::now();
    let (folder, clock) = (session.folder(PART), session.clock);
    // The bare script is of the bare SDK.
    let sdk: Vec<Library> = LIBRARIES.iter().copied().filter(|library| library.id == "aws-sdk").collect();
    let lab = session.lab()?;
    let (runtime, benchmark) = (lab.runtime.clone(), lab.benchmark.clone());
    let server_pid = lab.server()?.pid;
    let mut rig = Rig::start(lab, sdk, vec![OPERATION], folder)?;
    let (mut harness, mut sampling) = (Sides::default(), Sides::default());
    let (mut own_ms, mut wall_ms) = (0.0, 0.0);
    let mut pairs = 0;
    while pairs < FEWEST_PAIRS || (pairs < MOST_PAIRS && begun.elapsed().mul_f64(1.0 + 1.0 / f64::from(pairs)) < time) {
        pairs += 1;
        let lots = Lots::of(SEED, pairs, OPERATION);
        clock.now(&format!("pair {pairs} of processes"));
        let mut bare = Bare::start(&rig, &runtime, &benchmark, lots)?;
        let mut process = rig.start_processes(&[0])?.remove(0);
        let limit = Duration::from_secs(60);
        process.suite.warm_up(OPERATION, WARM_UP_CALLS, Ground::Database, limit, &rig.health())?;
        // Cores change their speed each by itself.
        let core = core::last(1)[0];
        for pid in [bare.group.pid(), process.pid] {
            core.keep(pid, None);
        }

        harness.begin();
        for slice in 0..SETTLING + SLICES {
            interrupt::check()?;
            let calls = lots.slice(SLICE, slice);
            // Who goes first changes from slice to slice.
            for ours in [slice % 2 == 0, slice % 2 != 0] {
                let sums = if ours { suite_slice(&rig, &mut process, calls, None)? } else { bare.calls(calls)? };
                if slice >= SETTLING {
                    harness.add(ours, sums, calls);
                }
            }
        }
        drop(bare);

        sampling.begin();
        // It runs by itself all the time, and its readings fall on any place of the slices in which it has something to
        // watch.
        let sampler = Sampler::start(Instant::now())?;
        for slice in 0..2 * SLICES {
            interrupt::check()?;
            // On, off, off, on: a drift weighs on both alike.
            let is_on = matches!(slice % 4, 0 | 3);
            for (name, pid) in [("aws-sdk", Some(process.pid)), (DATABASE, server_pid)] {
                match pid {
                    Some(pid) if is_on => sampler.watch(name, pid),
                    _ => sampler.unwatch(name),
                }
            }
            sampler.measuring(is_on);
            let (before, switched) = (load::own_cpu_ms(), Instant::now());
            // The same lengths with it and without it.
            let calls = lots.slice(SLICE, slice / 2);
            let sums = suite_slice(&rig, &mut process, calls, is_on.then_some(&sampler))?;
            sampling.add(is_on, sums, calls);
            if is_on {
                own_ms += load::own_cpu_ms() - before;
                wall_ms += switched.elapsed().as_secs_f64() * 1e3;
            }
        }
        process.suite.end();
    }
    rig.end();
    let own = own_ms / wall_ms * 100.0;
    Ok(vec![
        ratio("latency in the suite and in a bare script", &harness.latency),
        ratio("CPU per call in the suite and in a bare script", &harness.cpu),
        ratio("latency with the sampler and without", &sampling.latency),
        ratio("CPU per call with the sampler and without", &sampling.cpu),
        Trial::new(
            PART,
            "xtask's own CPU while measuring",
            format!("below {OWN_CPU_PERCENT:.0}% of a core"),
            format!("{own:.2}%"),
            own < OWN_CPU_PERCENT,
        ),
    ])
}

fn suite_slice(
    rig: &Rig<'_, '_>,
    process: &mut Process,
    calls: u64,
    sampler: Option<&Sampler>,
) -> anyhow::Result<Sums> {
    let mut before = || sampler.iter().for_each(|sampler| sampler.begin("aws-sdk", true));
    let mut after = || sampler.iter().for_each(|sampler| sampler.end());
    rig.slice(process, OPERATION, Phase::Latency, calls, (&mut before, &mut after))
}

impl Sides {
    fn begin(&mut self) {
        self.latency.push(Default::default());
        self.cpu.push(Default::default());
    }

    fn add(&mut self, ours: bool, sums: Sums, calls: u64) {
        for (pairs, total) in [(&mut self.latency, sums.latency_ms), (&mut self.cpu, sums.cpu_ms)] {
            if let Some((first, second)) = pairs.last_mut() {
                let side = if ours { first } else { second };
                side.push(Part { total, calls: calls as f64 });
            }
        }
    }
}

/// A process of the bare script.
struct Bare {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    group: Group,
}

impl Bare {
    fn start(rig: &Rig<'_, '_>, runtime: &Runtime, benchmark: &Path, lots: Lots) -> anyhow::Result<Bare> {
        let lead_in = SliceLength::LATENCY.lead_in(SLICE);
        let calls: u64 = (0..SETTLING + SLICES).map(|slice| lead_in + lots.slice(SLICE, slice)).sum();
        let job = json!({
            "endpoint": rig.tables.endpoint, "table": rig.tables.table, "items": rig.tables.items, "seed": SEED,
            "warmUpCalls": WARM_UP_CALLS, "calls": READY + lead_in + calls,
            "leadIn": lead_in,
        });
        let mut command = npm::worker(&runtime.program, &runtime.flags, benchmark, "bare")?;
        command.arg(job.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut group = Group::spawn(command, "bare")?;
        let input = group.child_mut().stdin.take().context("the bare script has no input")?;
        let output = group.child_mut().stdout.take().context("the bare script has no output")?;
        let mut bare = Bare { input, output: BufReader::new(output), group };
        bare.calls(READY)?;
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
    let required = format!("at most {:.0}% apart", WITHIN * 100.0);
    let known = bootstrap::ratio(pairs, None, Resampling { resamples: 2_000, seed: SEED })
        .and_then(|found| Some(Log::of(found.value, found.ci95)?.confidence()));
    let Some(log) = known else {
        return Trial::new(PART, what, required, "too few processes were measured", Outcome::NotMade);
    };
    let outcome = log.outcome(WITHIN, KNOWN_TO);
    let noisy = if outcome == Outcome::TooNoisy { too_noisy(KNOWN_TO) } else { String::new() };
    let found = format!("{}, {} processes each{noisy}", log.percent(), pairs.len());
    Trial::new(PART, what, required, found, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs of processes whose first side costs so many times what the second one does.
    fn pairs(times: &[f64]) -> Vec<(Parts, Parts)> {
        let side = |total: f64| vec![Part { total, calls: 128.0 }; 16];
        times.iter().map(|times| (side(100.0 * times), side(100.0))).collect()
    }

    #[test]
    fn slices_are_of_several_lengths_with_16_calls_on_average_and_other_ones_later() {
        let lots = Lots::of(SEED, 1, OPERATION);
        let all: Vec<u64> = (0..SETTLING + SLICES).map(|slice| lots.slice(SLICE, slice)).collect();
        assert!([13, 16, 19].iter().all(|calls| all.contains(calls)), "{all:?}");
        assert!((all.iter().sum::<u64>() as f64 / all.len() as f64 / SLICE as f64 - 1.0).abs() < 0.03, "{all:?}");
        assert_ne!(all[..8], all[8..16]);
    }

    #[test]
    fn a_part_has_the_calls_that_were_made() {
        let mut sides = Sides::default();
        sides.begin();
        sides.add(true, Sums { latency_ms: 45.0, cpu_ms: 30.0 }, 45);
        assert_eq!(sides.cpu[0].0, [Part { total: 30.0, calls: 45.0 }]);
        assert!(sides.latency[0].1.is_empty(), "of the other side");
    }

    #[test]
    fn a_weight_is_judged_by_its_interval() {
        let outcome = |times: &[f64]| ratio("latency", &pairs(times)).outcome;
        assert_eq!(outcome(&[1.01, 0.99, 1.0, 1.02]), Outcome::Passed);
        assert_eq!(outcome(&[1.05, 1.06, 1.04, 1.05]), Outcome::Failed);
        assert_eq!(outcome(&[1.2, 0.9, 1.1, 0.85]), Outcome::TooNoisy, "though the mean is near");
        assert_eq!(outcome(&[1.0]), Outcome::NotMade, "one pair has no interval");
    }
}
