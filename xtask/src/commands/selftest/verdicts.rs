//! Verdicts: the same library twice, and the same library with a known extra cost. One long run measures them all in
//! the same rounds; groups of as many rounds as an ordinary run makes are then drawn from it, and each group is judged
//! by the same code that judges a run.

use std::path::Path;

use anyhow::Context as _;
use clap::Parser as _;
use rand::SeedableRng as _;
use rand::seq::index;
use rand_pcg::Pcg64;

use super::Trial;
use crate::analysis::summary;
use crate::cli::{Cli, Command, Selftest};
use crate::results::reading;
use crate::results::{Measurement, Operation, Results, Verdict};

/// Rounds of a group, which is judged as one run: of one operation, in nine minutes.
const GROUP: usize = 12;
const ROUND_S: u32 = 45;
/// Groups that are drawn.
const GROUPS: u32 = 200;
/// Extra costs, as shares of the baseline's CPU per call, and the share of runs that must find each.
const EXTRA: [(f64, f64); 3] = [(0.03, 0.90), (0.05, 0.95), (0.10, 0.99)];
/// The extra work by whose cost a step's is known, as a multiple of a call's: so large that its own noise does not matter.
const MEASURE: f64 = 1.0;
/// The steps that calibration starts from.
const FIRST_STEPS: u64 = 500_000;
/// The most of the verdicts on equals that may be false.
const FALSE_VERDICTS: f64 = 0.05;
/// The least share of intervals that must hold the true ratio.
const COVERAGE: f64 = 0.95;
const OPERATION: Operation = Operation::GetItem;
/// Two equals, one for each extra cost, and the one that shows what a step costs.
const COPIES: usize = 2 + EXTRA.len() + 1;

/// Measures and judges.
pub fn trials(flags: &Selftest, out: &Path) -> anyhow::Result<Vec<Trial>> {
    let steps_of_a_call = calibrate(flags, out)?;
    let mut arguments = vec!["--target=aws-sdk".to_owned(); COPIES];
    for (copy, share) in (2..).zip(EXTRA.iter().map(|(share, _)| *share).chain([MEASURE])) {
        let steps = (steps_of_a_call * share).round();
        arguments.push(format!("--handicap={}:{OPERATION}={steps}", id(copy)));
    }
    arguments.push(format!("--rounds={}", flags.rounds));
    arguments.push(format!("--budget={}s", flags.rounds * ROUND_S));
    let results = run(flags, &out.join("verdicts"), &arguments)?;
    Ok(judge(&results))
}

/// The id that the plan gives to the same target's copies.
fn id(copy: usize) -> String {
    if copy == 0 { "aws-sdk".to_owned() } else { format!("aws-sdk#{}", copy + 1) }
}

/// How many steps cost as much as a call: from two rounds of the same library without and with many.
fn calibrate(flags: &Selftest, out: &Path) -> anyhow::Result<f64> {
    let mut arguments = vec!["--target=aws-sdk".to_owned(); 2];
    arguments.push(format!("--handicap={}:{OPERATION}={FIRST_STEPS}", id(1)));
    arguments.extend(["--rounds=2".to_owned(), "--budget=60s".to_owned()]);
    let results = run(flags, &out.join("calibration"), &arguments)?;
    let call = micros(&results, 0).context("the calibration measured nothing")?;
    let with_steps = micros(&results, 1).context("the calibration measured nothing")?;
    anyhow::ensure!(with_steps > call, "{FIRST_STEPS} steps cost nothing");
    Ok(call / ((with_steps - call) / FIRST_STEPS as f64))
}

/// CPU per call of a copy, microseconds.
fn micros(results: &Results, copy: usize) -> Option<f64> {
    let found = results.measurements.iter().find(|one| one.target == id(copy))?;
    Some(found.cpu.as_ref()?.micros_per_op)
}

fn run(flags: &Selftest, out: &Path, arguments: &[String]) -> anyhow::Result<Results> {
    let backend = match flags.backend {
        crate::plan::request::BackendChoice::Auto => "auto",
        crate::plan::request::BackendChoice::Docker => "docker",
        crate::plan::request::BackendChoice::Java => "java",
    };
    let mut line: Vec<String> =
        ["cargo xtask", "bench", "--concurrency=1", "--backend", backend].map(String::from).into();
    line.push(format!("--out={}", out.display()));
    line.push(format!("--op={OPERATION}"));
    line.extend_from_slice(arguments);
    match Cli::try_parse_from(line)?.command {
        Command::Bench(bench) => bench.run()?,
        _ => unreachable!("the line above is a bench"),
    }
    reading::load(&out.join("results.json"))
}

/// Draws groups of rounds, judges each, and counts.
fn judge(results: &Results) -> Vec<Trial> {
    let mut random = Pcg64::seed_from_u64(results.run.seed);
    let rounds = results.schedule.len();
    let mut tallies = vec![Tally::default(); 1 + EXTRA.len()];
    for group in 0..GROUPS {
        let drawn = index::sample(&mut random, rounds, GROUP.min(rounds)).into_vec();
        let mut part = results.clone();
        part.run.seed = u64::from(group);
        for one in &mut part.measurements {
            one.per_round.retain(|round| drawn.contains(&(round.round as usize)));
        }
        // Either of the two equals may stand as the baseline.
        for baseline in 0..2 {
            part.targets.iter_mut().enumerate().for_each(|(copy, target)| target.baseline = copy == baseline);
            summary::summarize(&mut part);
            for (copy, tally) in (1..).zip(&mut tallies) {
                let target = if copy == 1 { id(1 - baseline) } else { id(copy) };
                if let Some(one) = part.measurements.iter().find(|one| one.target == target) {
                    tally.count(one, true_ratio(results, copy).unwrap_or(f64::NAN));
                }
            }
        }
    }
    let mut trials = Vec::new();
    let equals = &tallies[0];
    for (metric, wrong) in [("CPU per call", equals.cpu_verdicts), ("latency", equals.latency_verdicts)] {
        let share = wrong / equals.runs;
        trials.push(Trial::new(
            format!("A against A: {metric}"),
            format!("at most {:.0}% of verdicts false", FALSE_VERDICTS * 100.0),
            format!("{:.1}% of {:.0} runs of {GROUP} rounds", share * 100.0, equals.runs),
            share <= FALSE_VERDICTS,
        ));
    }
    for ((share, least), tally) in EXTRA.iter().zip(&tallies[1..]) {
        let found = tally.cpu_slower / tally.runs;
        trials.push(Trial::new(
            format!("{:.0}% more CPU per call", share * 100.0),
            format!("found by at least {:.0}% of runs", least * 100.0),
            format!("{:.1}% of {:.0}", found * 100.0, tally.runs),
            found >= *least,
        ));
        let held = tally.held / tally.runs;
        trials.push(Trial::new(
            format!("{:.0}% more CPU per call: its size", share * 100.0),
            format!("in at least {:.0}% of intervals", COVERAGE * 100.0),
            format!(
                "{:.1}%; {:+.2}% reported on average, half-width {:.2}%",
                held * 100.0,
                tally.mean() * 100.0,
                tally.half_width() * 100.0
            ),
            held >= COVERAGE,
        ));
    }
    trials
}

/// The ratio that is true for a copy: its steps at the cost that the largest extra work shows for one, over what the
/// equals cost in all rounds.
fn true_ratio(results: &Results, copy: usize) -> Option<f64> {
    let steps = |copy: usize| results.targets[copy].handicap_steps.get(&OPERATION).map_or(0.0, |steps| *steps as f64);
    let equal = f64::midpoint(micros(results, 0)?, micros(results, 1)?);
    let of_a_step = (micros(results, COPIES - 1)? - equal) / steps(COPIES - 1);
    Some(1.0 + steps(copy) * of_a_step / equal)
}

#[derive(Debug, Clone, Default)]
struct Tally {
    runs: f64,
    cpu_verdicts: f64,
    cpu_slower: f64,
    latency_verdicts: f64,
    held: f64,
    ratio_sum: f64,
    half_width_sum: f64,
}

impl Tally {
    fn count(&mut self, one: &Measurement, truth: f64) {
        let Some(versus) = &one.vs_baseline else { return };
        let differs = |verdict: Verdict| f64::from(u8::from(matches!(verdict, Verdict::Faster | Verdict::Slower)));
        self.runs += 1.0;
        self.cpu_verdicts += differs(versus.cpu_verdict);
        self.latency_verdicts += differs(versus.verdict);
        self.cpu_slower += f64::from(u8::from(versus.cpu_verdict == Verdict::Slower));
        self.ratio_sum += versus.cpu_ratio - 1.0;
        if let Some([low, high]) = versus.cpu_ratio_ci95 {
            self.held += f64::from(u8::from(low <= truth && truth <= high));
            self.half_width_sum += (high - low) / 2.0;
        }
    }

    fn mean(&self) -> f64 {
        self.ratio_sum / self.runs
    }

    fn half_width(&self) -> f64 {
        self.half_width_sum / self.runs
    }
}
