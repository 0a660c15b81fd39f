//! From the rounds as measured to the figures of a results file: everything in a [`Results`] that is derived is made
//! here, from its raw data, its settings and its seed, and nothing else. It may be run again at any time and gives
//! the same.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::results::{
    Cpu, DatabaseUsage, Disturbance, DisturbanceKind, Estimate, Latency, LimitedBy, Measurement, Memory, Operation,
    Results, Round, Slice, TargetStatus, Throughput, ThroughputPhase, Usage, VsBaseline, Work,
};
use crate::stats::bootstrap::{self, Bounded, Part, Parts, Resampling};
use crate::stats::outliers::{FarOut, far_out, modified_z_scores};
use crate::stats::percentile::{FEW_BEYOND, FEWEST_FOR_P95, FEWEST_FOR_P99, beyond, p95, p99, percentile};
use crate::stats::student::{self, Estimated, Prior};
use crate::stats::verdict::verdict;

/// Fewer rounds than this carry a warning: with three, Student's t makes an interval 2.2 times as wide as it would
/// be with many; with five, 1.4 times.
pub const FEW_ROUNDS: u32 = 3;
/// The sampler and the process's own accounting may differ by this share.
const ACCOUNTING: f64 = 0.05;
/// The kernel's clock ticks: what one reading of a process's CPU time may be off by.
const TICK_MS: f64 = 10.0;
/// Far-out calls are told of when they raise the mean by this share. Garbage collection alone raises it by a tenth.
const RAISED: f64 = 0.25;
/// CPU per call that falls or rises inside the rounds by more than this share is drift.
const DRIFT: f64 = 0.03;
/// A round that differs from the others by more than this share, for all targets, is drift of the machine.
const ROUND_APART: f64 = 0.05;
const ROUND_APART_SERIOUS: f64 = 0.15;
/// From here on a side counts as busy: share of a core, or of all cores.
const BUSY: f64 = 0.9;

/// What a reader must know about a measurement before believing it.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    Errors { errors: u64 },
    FewRounds { rounds: u32 },
    FewSamples { samples: usize, absent: &'static str, needed: usize },
    FewBeyond { percentile: &'static str, beyond: usize },
    NotSettled { rounds: usize, of: usize },
    Outliers(FarOut),
    RoundApart { round: u32, by: f64 },
    Drift { by: f64 },
    Accounting { sampler_ms: f64, process_ms: f64 },
    NoUsage,
    ReadsToReturn { reads: f64, returns: f64, baseline_reads: f64 },
    MoreRequests { requests: f64, baseline: f64 },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Errors { errors } => {
                write!(f, "{errors} {} failed; their times are not in the figures", plural(*errors, "call", "calls"))
            }
            Warning::FewRounds { rounds: 1 } => {
                f.write_str("one round only: how processes differ can't be told, so there are no intervals")
            }
            Warning::FewRounds { rounds } => write!(f, "{rounds} rounds only: the intervals are very wide"),
            Warning::FewSamples { samples, absent, needed } => {
                write!(f, "{samples} {} hold no {absent} (it takes {needed})", plural(*samples as u64, "call", "calls"))
            }
            Warning::FewBeyond { percentile, beyond } => {
                let calls = plural(*beyond as u64, "call lies", "calls lie");
                write!(f, "{percentile} is rough: only {beyond} {calls} beyond it")
            }
            Warning::NotSettled { rounds, of } => write!(
                f,
                "CPU per call was still falling when the warm-up's time was over, in {rounds} of {of} rounds: \
                 the settled figure may be lower"
            ),
            Warning::Outliers(FarOut { count, of, mean_raised_by }) => write!(
                f,
                "{count} of {of} calls took far longer than the rest and raise the mean by {}",
                percent(*mean_raised_by)
            ),
            Warning::RoundApart { round, by } => write!(
                f,
                "round {} stands apart: its CPU per call is {} {} than the median of the rounds",
                round + 1,
                percent(by.abs()),
                if *by > 0.0 { "higher" } else { "lower" }
            ),
            Warning::Drift { by } => write!(
                f,
                "CPU per call {} by {} from the first to the second half of the rounds' slices",
                if *by > 0.0 { "rose" } else { "fell" },
                percent(by.abs())
            ),
            Warning::Accounting { sampler_ms, process_ms } => write!(
                f,
                "the sampler saw {sampler_ms:.0} ms of CPU where the process counted {process_ms:.0} ms ({})",
                signed_percent(sampler_ms / process_ms - 1.0)
            ),
            Warning::NoUsage => f.write_str("the sampler has no reading: CPU percent and memory are unknown"),
            Warning::ReadsToReturn { reads, returns, baseline_reads } => write!(
                f,
                "reads {} items to return {}, where the baseline reads {}",
                number(*reads),
                number(*returns),
                number(*baseline_reads)
            ),
            Warning::MoreRequests { requests, baseline } => {
                write!(f, "sends {} requests a call, where the baseline sends {}", number(*requests), number(*baseline))
            }
        }
    }
}

fn plural<'a>(count: u64, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent.abs() < 9.95 { format!("{percent:.1}%") } else { format!("{percent:.0}%") }
}

fn signed_percent(share: f64) -> String {
    format!("{}{}", if share < 0.0 { "-" } else { "+" }, percent(share.abs()))
}

fn number(value: f64) -> String {
    if value.fract().abs() < 0.005 { format!("{value:.0}") } else { format!("{value:.2}") }
}

/// Makes every derived figure anew: of the measurements, the database's usage, the cold starts' means, and the
/// disturbances that the data itself shows.
pub fn summarize(results: &mut Results) {
    let usable = |id: &str| results.targets.iter().any(|target| target.id == id && target.status == TargetStatus::Ok);
    let usable: Vec<bool> =
        results.measurements.iter().map(|one| one.failure.is_none() && usable(&one.target)).collect();
    let context = Context {
        resamples: results.settings.resamples,
        seed: results.run.seed,
        cores: f64::from(results.environment.cores),
        margin: results.settings.equivalence_margin,
    };
    let mut warnings: Vec<Vec<Warning>> = Vec::new();
    for (measurement, usable) in results.measurements.iter_mut().zip(&usable) {
        forget(measurement);
        warnings.push(if *usable { summarize_alone(measurement, &context) } else { Vec::new() });
    }
    let compared = compared_with_the_baseline(results, &usable);
    let priors = Priors::fit(results, &compared);
    for (ours, theirs) in compared {
        let (one, theirs) = (&results.measurements[ours], &results.measurements[theirs]);
        warnings[ours].extend(work_warnings(one.work.as_ref(), theirs.work.as_ref()));
        results.measurements[ours].vs_baseline = versus(one, theirs, &priors, &context);
    }
    for (measurement, warnings) in results.measurements.iter_mut().zip(&warnings) {
        measurement.warnings = warnings.iter().map(ToString::to_string).collect();
    }
    results.database_usage = results.measurements.iter().filter_map(database_usage).collect();
    for cold in &mut results.cold_starts {
        cold.import_ms = estimate(std::mem::take(&mut cold.import_ms.values));
        cold.memory_mb = estimate(std::mem::take(&mut cold.memory_mb.values));
        for first in &mut cold.first_call_ms {
            first.ms = estimate(std::mem::take(&mut first.ms.values));
        }
    }
    note_disturbances(results, &warnings);
}

/// Half the width of the widest interval of a ratio of CPU per call at this scale, as a share (0.02 is ±2%), for a
/// run that stops when it is narrow enough. `None` where a ratio has no interval yet, or there is none.
pub fn widest_ratio(results: &Results, scale: &str) -> Option<f64> {
    let ratios =
        results.measurements.iter().filter(|one| one.scale == scale).filter_map(|one| one.vs_baseline.as_ref());
    // As a logarithm, so that a library twenty times as slow isn't asked to be known twenty times as well.
    let widths: Option<Vec<f64>> =
        ratios.map(|ratio| ratio.cpu_ratio_ci95.map(|[low, high]| (high.ln() - low.ln()) / 2.0)).collect();
    widths?.into_iter().reduce(f64::max)
}

/// The mean of values from separate processes, with its interval.
pub fn estimate(values: Vec<f64>) -> Estimate {
    let rounds: Vec<Parts> = values.iter().map(|&total| vec![Part { total, calls: 1.0 }]).collect();
    match bootstrap::mean(&rounds, Resampling { resamples: 1000, seed: values.len() as u64 }) {
        Some(Bounded { value, ci95 }) => Estimate { mean: value, ci95, values },
        None => Estimate { mean: 0.0, ci95: None, values },
    }
}

struct Context {
    resamples: u32,
    seed: u64,
    cores: f64,
    margin: f64,
}

impl Context {
    /// Every interval has its own seed, made from what it is of: measuring one thing more changes no other.
    fn resampling(&self, of: &Measurement, what: &str) -> Resampling {
        let name = format!("{}/{}/{}/{}/{what}", self.seed, of.scale, of.operation, of.target);
        let digest = Sha256::digest(name.as_bytes());
        let seed = digest.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte));
        Resampling { resamples: self.resamples, seed }
    }
}

fn forget(measurement: &mut Measurement) {
    measurement.samples = 0;
    measurement.rounds = 0;
    measurement.latency_ms = None;
    measurement.throughput = None;
    measurement.more_throughput.clear();
    measurement.cpu = None;
    measurement.memory_mb = None;
    measurement.vs_baseline = None;
    measurement.warnings.clear();
}

/// Latency of the round's slices.
pub fn latency_parts(round: &Round) -> Parts {
    parts(round, |slice| slice.samples_ms.iter().sum())
}

/// CPU time of the round's slices, milliseconds: of the thread that runs JavaScript, where that is known.
pub fn cpu_parts(round: &Round) -> Parts {
    parts(round, |slice| slice.thread_ms.unwrap_or(slice.cpu_ms))
}

/// The same of the whole process.
fn process_cpu_parts(round: &Round) -> Parts {
    parts(round, |slice| slice.cpu_ms)
}

fn parts(round: &Round, total: fn(&Slice) -> f64) -> Parts {
    let slices = round.slices.iter().filter(|slice| !slice.samples_ms.is_empty());
    slices.map(|slice| Part { total: total(slice), calls: slice.samples_ms.len() as f64 }).collect()
}

/// Wall time of the round's throughput phase.
pub fn throughput_parts(round: &Round) -> Parts {
    round.throughput.iter().flat_map(phase_parts).collect()
}

fn phase_parts(phase: &ThroughputPhase) -> Parts {
    let told = phase.calls > 0 && phase.wall_ms > 0.0;
    told.then_some(Part { total: phase.wall_ms, calls: phase.calls as f64 }).into_iter().collect()
}

/// Fills in what a measurement's own rounds tell, and returns what to warn of.
fn summarize_alone(one: &mut Measurement, context: &Context) -> Vec<Warning> {
    let measured: Vec<&Round> =
        one.per_round.iter().filter(|round| round.slices.iter().any(|slice| !slice.samples_ms.is_empty())).collect();
    let rounds = measured.len() as u32;
    let mut sorted: Vec<f64> =
        measured.iter().flat_map(|round| &round.slices).flat_map(|slice| slice.samples_ms.iter().copied()).collect();
    sorted.sort_by(f64::total_cmp);

    let latency_ms = latency(one, &measured, &sorted, context);
    let throughput = throughput(one, context);
    let more_throughput = more_throughput(one, context);
    let micros = |of: Of, what| {
        let rounds: Vec<Parts> = measured.iter().map(|round| of(round)).collect();
        let ms = bootstrap::mean(&rounds, context.resampling(one, what))?;
        Some((ms.value * 1e3, ms.ci95.map(|interval| interval.map(|end| end * 1e3))))
    };
    let whole = micros(process_cpu_parts, "process cpu");
    let usage: Vec<&Usage> = measured.iter().filter_map(|round| round.usage.as_ref()).collect();
    let cpu = micros(cpu_parts, "cpu").map(|(micros_per_op, micros_per_op_ci95)| Cpu {
        percent_avg: percent_avg(&usage),
        percent_peak: usage.iter().filter_map(|usage| usage.cpu_percent_peak).reduce(f64::max),
        micros_per_op,
        micros_per_op_ci95,
        process_micros_per_op: whole.map(|(value, _)| value),
        process_micros_per_op_ci95: whole.and_then(|(_, interval)| interval),
    });
    let memory_mb = memory(one, &usage, context);

    let mut warnings = alone_warnings(one, &measured, &sorted);
    if rounds > 0 && usage.is_empty() {
        warnings.push(Warning::NoUsage);
    }
    one.samples = sorted.len() as u64;
    one.rounds = rounds;
    one.latency_ms = latency_ms;
    one.throughput = throughput;
    one.more_throughput = more_throughput;
    one.cpu = cpu;
    one.memory_mb = memory_mb;
    warnings
}

fn latency(one: &Measurement, measured: &[&Round], sorted: &[f64], context: &Context) -> Option<Latency> {
    let mean = bootstrap::mean(
        &measured.iter().map(|round| latency_parts(round)).collect::<Vec<_>>(),
        context.resampling(one, "latency"),
    )?;
    let samples: Vec<Vec<&[f64]>> =
        measured.iter().map(|round| round.slices.iter().map(|slice| slice.samples_ms.as_slice()).collect()).collect();
    let interval =
        |p, what| bootstrap::of_percentile(&samples, p, context.resampling(one, what)).and_then(|bounded| bounded.ci95);
    let (p95, p99) = (p95(sorted), p99(sorted));
    Some(Latency {
        mean: mean.value,
        p50: percentile(sorted, 0.5)?,
        p95,
        p99,
        min: *sorted.first()?,
        max: *sorted.last()?,
        mean_ci95: mean.ci95,
        p95_ci95: p95.and_then(|_| interval(0.95, "p95")),
        p99_ci95: p99.and_then(|_| interval(0.99, "p99")),
    })
}

fn throughput(one: &Measurement, context: &Context) -> Option<Throughput> {
    let mut phases: Vec<_> = one.per_round.iter().filter_map(|round| round.throughput.as_ref()).collect();
    let concurrency = phases.first()?.concurrency;
    phases.retain(|phase| phase.concurrency == concurrency);
    sustained(&phases, context, context.resampling(one, "throughput"))
}

/// The same with each other number of calls in flight that was measured.
fn more_throughput(one: &Measurement, context: &Context) -> Vec<Throughput> {
    let mut phases: BTreeMap<u32, Vec<&ThroughputPhase>> = BTreeMap::new();
    for phase in one.per_round.iter().flat_map(|round| &round.more_throughput) {
        phases.entry(phase.concurrency).or_default().push(phase);
    }
    let rate = |(concurrency, phases): (u32, Vec<&ThroughputPhase>)| {
        sustained(&phases, context, context.resampling(one, &format!("throughput/{concurrency}")))
    };
    phases.into_iter().filter_map(rate).collect()
}

/// The rate of phases of the same concurrency, one of each round.
fn sustained(phases: &[&ThroughputPhase], context: &Context, resampling: Resampling) -> Option<Throughput> {
    let concurrency = phases.first()?.concurrency;
    let rounds: Vec<Parts> = phases.iter().map(|phase| phase_parts(phase)).collect();
    let rate = bootstrap::mean(&rounds, resampling)?.inverted(1e3);
    let wall_ms: f64 = phases.iter().map(|phase| phase.wall_ms).sum();
    let client = phases.iter().map(|phase| phase.cpu_ms).sum::<f64>() / wall_ms;
    let database = phases.iter().map(|phase| phase.database_cpu_ms).sum::<Option<f64>>().map(|ms| ms / wall_ms);
    Some(Throughput {
        ops_per_sec: rate.value,
        concurrency,
        ci95: rate.ci95,
        client_cpu_percent: Some(client * 100.0),
        database_cpu_percent: database.map(|database| database * 100.0),
        limited_by: limited_by(client, database, context.cores),
    })
}

/// Who held the rate back, from the cores that each side kept busy.
fn limited_by(client: f64, database: Option<f64>, cores: f64) -> LimitedBy {
    let busy = |database: f64| database >= BUSY;
    match (client >= BUSY, database) {
        (_, Some(database)) if client + database >= BUSY * cores && (client >= BUSY) == busy(database) => {
            LimitedBy::Machine
        }
        (true, Some(database)) if database > client => LimitedBy::Database,
        (true, _) => LimitedBy::Client,
        (false, Some(database)) if busy(database) => LimitedBy::Database,
        (false, _) => LimitedBy::Unknown,
    }
}

fn percent_avg(usage: &[&Usage]) -> Option<f64> {
    let wall_ms: f64 = usage.iter().map(|usage| usage.wall_ms).sum();
    (wall_ms > 0.0).then(|| usage.iter().map(|usage| usage.cpu_ms).sum::<f64>() / wall_ms * 100.0)
}

fn memory(one: &Measurement, usage: &[&Usage], context: &Context) -> Option<Memory> {
    let peaks: Vec<Parts> = usage.iter().map(|usage| vec![Part { total: usage.memory_mb_peak, calls: 1.0 }]).collect();
    let peak = bootstrap::mean(&peaks, context.resampling(one, "memory"))?;
    let wall_ms: f64 = usage.iter().map(|usage| usage.wall_ms).sum();
    let avg = if wall_ms > 0.0 {
        usage.iter().map(|usage| usage.memory_mb_avg * usage.wall_ms).sum::<f64>() / wall_ms
    } else {
        usage.iter().map(|usage| usage.memory_mb_avg).sum::<f64>() / usage.len() as f64
    };
    Some(Memory { avg, peak: peak.value, peak_ci95: peak.ci95 })
}

fn database_usage(one: &Measurement) -> Option<DatabaseUsage> {
    let usage: Vec<&Usage> = one.per_round.iter().filter_map(|round| round.database.as_ref()).collect();
    (!usage.is_empty()).then(|| DatabaseUsage {
        scale: one.scale.clone(),
        operation: one.operation,
        target: one.target.clone(),
        cpu_percent_avg: percent_avg(&usage),
        memory_mb_peak: usage.iter().map(|usage| usage.memory_mb_peak).reduce(f64::max),
    })
}

/// The sides of the rounds that both have, by the rounds' numbers.
pub fn pairs(ours: &Measurement, theirs: &Measurement, of: fn(&Round) -> Parts) -> Vec<(Parts, Parts)> {
    let by_round: BTreeMap<u32, &Round> = theirs.per_round.iter().map(|round| (round.round, round)).collect();
    ours.per_round.iter().filter_map(|round| Some((of(round), of(by_round.get(&round.round)?)))).collect()
}

/// The measurements that can be compared with the baseline, by their indices, each with the baseline's.
fn compared_with_the_baseline(results: &Results, usable: &[bool]) -> Vec<(usize, usize)> {
    let Some(baseline) = results.targets.iter().find(|target| target.baseline) else { return Vec::new() };
    let all = &results.measurements;
    let theirs: BTreeMap<(&str, Operation), usize> = (0..all.len())
        .filter(|&i| usable[i] && all[i].target == baseline.id)
        .map(|i| ((all[i].scale.as_str(), all[i].operation), i))
        .collect();
    (0..all.len())
        .filter(|&i| usable[i] && all[i].target != baseline.id)
        .filter_map(|i| Some((i, *theirs.get(&(all[i].scale.as_str(), all[i].operation))?)))
        .collect()
}

/// The parts of a round of which a ratio is made.
type Of = fn(&Round) -> Parts;

/// What the ratios of one scale, taken together, tell about the standard error of each: some rounds by themselves tell
/// little, and all ratios of a run were measured in the same way.
struct Priors(BTreeMap<(String, &'static str), Prior>);

impl Priors {
    const FIGURES: [(&'static str, Of); 3] =
        [("latency ratio", latency_parts), ("cpu ratio", cpu_parts), ("throughput ratio", throughput_parts)];

    fn fit(results: &Results, compared: &[(usize, usize)]) -> Priors {
        let all = &results.measurements;
        let mut priors = BTreeMap::new();
        for scale in &results.settings.scales {
            for (figure, of) in Priors::FIGURES {
                let estimates: Vec<Estimated> = compared
                    .iter()
                    .filter(|(ours, _)| all[*ours].scale == scale.name)
                    .filter_map(|&(ours, theirs)| bootstrap::log_ratio(&pairs(&all[ours], &all[theirs], of)))
                    .collect();
                priors.extend(Prior::fit(&estimates).map(|prior| ((scale.name.clone(), figure), prior)));
            }
        }
        Priors(priors)
    }

    fn of(&self, scale: &str, figure: &'static str) -> Option<&Prior> {
        self.0.get(&(scale.to_owned(), figure))
    }
}

fn versus(ours: &Measurement, theirs: &Measurement, priors: &Priors, context: &Context) -> Option<VsBaseline> {
    let ratio = |of: Of, figure| {
        bootstrap::ratio(&pairs(ours, theirs, of), priors.of(&ours.scale, figure), context.resampling(ours, figure))
    };
    let latency = ratio(latency_parts, "latency ratio")?;
    let cpu = ratio(cpu_parts, "cpu ratio")?;
    let same_concurrency =
        ours.throughput.as_ref().map(|one| one.concurrency) == theirs.throughput.as_ref().map(|one| one.concurrency);
    let throughput = if same_concurrency { ratio(throughput_parts, "throughput ratio") } else { None };
    let throughput = throughput.map(|ratio| ratio.inverted(1.0));
    Some(VsBaseline {
        latency_ratio: latency.value,
        latency_ratio_ci95: latency.ci95,
        cpu_ratio: cpu.value,
        cpu_ratio_ci95: cpu.ci95,
        throughput_ratio: throughput.map(|ratio| ratio.value),
        throughput_ratio_ci95: throughput.and_then(|ratio| ratio.ci95),
        verdict: verdict(latency.ci95, context.margin),
        cpu_verdict: verdict(cpu.ci95, context.margin),
    })
}

fn work_warnings(ours: Option<&Work>, theirs: Option<&Work>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if let (Some(ours), Some(theirs)) = (ours, theirs) {
        if ours.items_scanned > ours.items_returned * 1.1 && ours.items_scanned > theirs.items_scanned * 1.1 {
            warnings.push(Warning::ReadsToReturn {
                reads: ours.items_scanned,
                returns: ours.items_returned,
                baseline_reads: theirs.items_scanned,
            });
        }
        if ours.requests > theirs.requests * 1.05 {
            warnings.push(Warning::MoreRequests { requests: ours.requests, baseline: theirs.requests });
        }
    }
    warnings
}

fn alone_warnings(one: &Measurement, measured: &[&Round], sorted: &[f64]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if one.errors > 0 {
        warnings.push(Warning::Errors { errors: one.errors });
    }
    if measured.is_empty() {
        return warnings;
    }
    if (measured.len() as u32) < FEW_ROUNDS {
        warnings.push(Warning::FewRounds { rounds: measured.len() as u32 });
    }
    let n = sorted.len();
    if n < FEWEST_FOR_P95 {
        warnings.push(Warning::FewSamples { samples: n, absent: "p95 and no p99", needed: FEWEST_FOR_P99 });
    } else {
        if n < FEWEST_FOR_P99 {
            warnings.push(Warning::FewSamples { samples: n, absent: "p99", needed: FEWEST_FOR_P99 });
        } else if beyond(n, 0.99) < FEW_BEYOND {
            warnings.push(Warning::FewBeyond { percentile: "p99", beyond: beyond(n, 0.99) });
        }
        if beyond(n, 0.95) < FEW_BEYOND {
            warnings.push(Warning::FewBeyond { percentile: "p95", beyond: beyond(n, 0.95) });
        }
    }
    let unsettled = measured.iter().filter(|round| !round.warm_up.settled).count();
    if unsettled > 0 {
        warnings.push(Warning::NotSettled { rounds: unsettled, of: measured.len() });
    }
    if let Some(found) = far_out(sorted).filter(|found| found.count > 0 && found.mean_raised_by > RAISED) {
        warnings.push(Warning::Outliers(found));
    }
    warnings.extend(round_apart(measured));
    warnings.extend(drift(measured));
    warnings.extend(accounting(measured));
    warnings
}

/// The round whose CPU per call is an outlier among the rounds.
fn round_apart(measured: &[&Round]) -> Option<Warning> {
    let known: Vec<(u32, f64)> =
        measured.iter().filter_map(|round| Some((round.round, bootstrap::per_call(&cpu_parts(round))?))).collect();
    let values: Vec<f64> = known.iter().map(|(_, value)| *value).collect();
    let scores = modified_z_scores(&values)?;
    let middle = median(&values)?;
    let (i, _) = scores.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))?;
    let by = values[i] / middle - 1.0;
    (scores[i].abs() > 3.5 && by.abs() > ROUND_APART).then_some(Warning::RoundApart { round: known[i].0, by })
}

/// CPU per call that rises or falls inside the rounds: the second half of each round's slices against its first.
fn drift(measured: &[&Round]) -> Option<Warning> {
    let logs: Vec<f64> = measured
        .iter()
        .filter_map(|round| {
            let parts = cpu_parts(round);
            let (first, second) = parts.split_at(parts.len() / 2);
            Some((bootstrap::per_call(second)? / bootstrap::per_call(first)?).ln())
        })
        .collect();
    let change = student::of_mean(&logs)?;
    let [low, high] = change.ci95();
    let by = change.value.exp() - 1.0;
    (by.abs() > DRIFT && (low > 0.0 || high < 0.0)).then_some(Warning::Drift { by })
}

/// The sampler's CPU time against the process's own.
fn accounting(measured: &[&Round]) -> Option<Warning> {
    let both: Vec<(f64, f64, usize)> = measured
        .iter()
        .filter_map(|round| {
            let own = round.slices.iter().map(|slice| slice.cpu_ms).sum();
            Some((round.usage.as_ref()?.cpu_ms, own, round.slices.len()))
        })
        .collect();
    let sampler_ms: f64 = both.iter().map(|(sampler, ..)| sampler).sum();
    let process_ms: f64 = both.iter().map(|(_, own, _)| own).sum();
    let slices: usize = both.iter().map(|(.., slices)| slices).sum();
    let allowed = (process_ms * ACCOUNTING).max(TICK_MS * (slices as f64).sqrt());
    ((sampler_ms - process_ms).abs() > allowed && process_ms > 0.0)
        .then_some(Warning::Accounting { sampler_ms, process_ms })
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    percentile(&sorted, 0.5)
}

/// The kinds of disturbance that are found here, and so made anew here.
const FROM_THE_DATA: [DisturbanceKind; 6] = [
    DisturbanceKind::Outliers,
    DisturbanceKind::Drift,
    DisturbanceKind::NotSettled,
    DisturbanceKind::Accounting,
    DisturbanceKind::FewRounds,
    DisturbanceKind::Noise,
];

fn note_disturbances(results: &mut Results, warnings: &[Vec<Warning>]) {
    results.disturbances.retain(|known| !FROM_THE_DATA.contains(&known.kind));
    let measured = results.measurements.iter().filter(|one| one.rounds > 0).count();
    let with = |is: fn(&Warning) -> bool| -> Vec<String> {
        let all = results.measurements.iter().zip(warnings);
        all.filter(|(_, warnings)| warnings.iter().any(is)).map(|(one, _)| name_of(one)).collect()
    };
    let mut found = Vec::new();
    let mut note = |kind, detail: String, serious| {
        found.push(Disturbance { kind, at_ms: None, detail, serious });
    };
    let fewest = results.measurements.iter().filter(|one| one.rounds > 0).map(|one| one.rounds).min();
    if let Some(rounds) = fewest.filter(|rounds| *rounds < FEW_ROUNDS) {
        let few = with(|warning| matches!(warning, Warning::FewRounds { .. }));
        note(
            DisturbanceKind::FewRounds,
            format!(
                "{} of {measured} measurements rest on {}: {}",
                few.len(),
                if rounds == 1 { "one round" } else { "two rounds" },
                if rounds == 1 { "without intervals nothing can be concluded" } else { "the intervals are very wide" }
            ),
            true,
        );
    }
    let unsettled = with(|warning| matches!(warning, Warning::NotSettled { .. }));
    if !unsettled.is_empty() {
        let detail = format!("had not settled when the warm-up's time was over: {}", listed(&unsettled));
        // Serious only where the figures themselves show it, as drift.
        note(DisturbanceKind::NotSettled, detail, false);
    }
    let disagreeing = with(|warning| matches!(warning, Warning::Accounting { .. }));
    if !disagreeing.is_empty() {
        let detail = format!(
            "the sampler and the process's own accounting of CPU disagree by more than {}: {}",
            percent(ACCOUNTING),
            listed(&disagreeing)
        );
        note(DisturbanceKind::Accounting, detail, true);
    }
    let outlying = with(|warning| matches!(warning, Warning::Outliers(_)));
    if !outlying.is_empty() {
        let detail = format!("single calls took far longer than the rest and raise the mean: {}", listed(&outlying));
        note(DisturbanceKind::Outliers, detail, false);
    }
    let drifting = with(|warning| matches!(warning, Warning::Drift { .. } | Warning::RoundApart { .. }));
    if !drifting.is_empty() {
        let detail = format!("CPU per call drifted inside the rounds, or in one of them: {}", listed(&drifting));
        note(DisturbanceKind::Drift, detail, drifting.len() * 4 > measured);
    }
    let wide = |one: &&Measurement| {
        let interval = one.vs_baseline.as_ref().and_then(|versus| versus.cpu_ratio_ci95);
        interval.is_some_and(|[low, high]| high / low > 1.2)
    };
    let ratios = results.measurements.iter().filter(|one| one.vs_baseline.is_some()).count();
    let wide = results.measurements.iter().filter(wide).count();
    if wide * 2 > ratios {
        note(
            DisturbanceKind::Noise,
            format!(
                "{wide} of {ratios} ratios of CPU per call are known no better than ±10%: this run is too noisy to \
                 conclude from"
            ),
            true,
        );
    }
    found.extend(slow_rounds(results));
    results.disturbances.extend(found);
}

fn name_of(one: &Measurement) -> String {
    format!("{} of {} ({})", one.operation, one.target, one.scale)
}

/// The first few of many, and how many more there are.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names[..names.len() - more].join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// Rounds in which the machine was faster or slower than in the others, for all targets and operations alike.
fn slow_rounds(results: &Results) -> Vec<Disturbance> {
    let mut logs: BTreeMap<(&str, u32), (Vec<f64>, f64)> = BTreeMap::new();
    for one in results.measurements.iter().filter(|one| one.rounds >= FEW_ROUNDS) {
        let per_round: Vec<(&Round, f64)> = one
            .per_round
            .iter()
            .filter_map(|round| Some((round, bootstrap::per_call(&latency_parts(round))?)))
            .collect();
        let Some(middle) = median(&per_round.iter().map(|(_, value)| *value).collect::<Vec<_>>()) else { continue };
        for (round, value) in per_round {
            let at_ms = round.slices.first().map_or(f64::INFINITY, |slice| slice.at_ms);
            let entry = logs.entry((one.scale.as_str(), round.round)).or_insert((Vec::new(), f64::INFINITY));
            entry.0.push((value / middle).ln());
            entry.1 = entry.1.min(at_ms);
        }
    }
    let apart = logs.into_iter().filter_map(|((scale, round), (logs, at_ms))| {
        let by = median(&logs)?.exp() - 1.0;
        (by.abs() > ROUND_APART).then(|| Disturbance {
            kind: DisturbanceKind::Drift,
            at_ms: at_ms.is_finite().then_some(at_ms),
            detail: format!(
                "round {} at scale {scale} was {} {} than the others for all targets; ratios to the baseline are \
                 taken inside each round and suffer less",
                round + 1,
                percent(by.abs()),
                if by > 0.0 { "slower" } else { "faster" }
            ),
            serious: by.abs() > ROUND_APART_SERIOUS,
        })
    });
    apart.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Shape, raw, raw_with_troubles};
    use crate::results::{Interval, Operation, Target, Verdict};

    fn summarized(shape: &Shape) -> Results {
        let mut results = raw(shape);
        summarize(&mut results);
        results
    }

    fn of<'a>(results: &'a Results, operation: Operation, target: &str) -> &'a Measurement {
        let found = results.measurements.iter().find(|one| one.operation == operation && one.target == target);
        found.expect("a measurement")
    }

    fn inside(interval: Option<Interval>, value: f64) -> bool {
        interval.is_some_and(|[low, high]| low <= value && value <= high)
    }

    #[test]
    fn known_ratios_are_found() {
        // Several runs, since the operations of one share its processes and miss together.
        let (mut held, mut all) = (0, 0);
        for seed in 0..crate::stats::tests::trials(10) as u64 {
            let operations = vec![Operation::GetItem, Operation::Query];
            let results = summarized(&Shape { seed, operations, samples: 20, ..Shape::small() });
            for one in results.measurements.iter().filter(|one| one.target != "aws-sdk") {
                let truth = match one.target.as_str() {
                    "mizzle" => 1.1,
                    "dynamoose" => 2.5,
                    _ => 1.01,
                };
                let versus = one.vs_baseline.as_ref().unwrap();
                held += usize::from(inside(versus.cpu_ratio_ci95, truth));
                all += 1;
                assert!((versus.cpu_ratio / truth - 1.0).abs() < 0.04, "{}: {versus:?}", name_of(one));
                match one.target.as_str() {
                    "electrodb" => assert_ne!(versus.cpu_verdict, Verdict::Faster),
                    _ => assert_eq!(versus.cpu_verdict, Verdict::Slower, "{}: {versus:?}", name_of(one)),
                }
            }
        }
        println!("{held} of {all} intervals hold the true ratio");
        assert!(held * 100 >= all * 85, "{held} of {all} intervals hold the true ratio");
    }

    #[test]
    fn figures_are_those_of_the_samples() {
        let results = summarized(&Shape::tiny());
        let one = of(&results, Operation::GetItem, "mizzle");
        let samples: Vec<f64> =
            one.per_round.iter().flat_map(|round| &round.slices).flat_map(|slice| slice.samples_ms.clone()).collect();
        let latency = one.latency_ms.as_ref().unwrap();
        assert_eq!(one.samples, 40);
        assert_eq!(one.rounds, 2);
        assert!((latency.mean - samples.iter().sum::<f64>() / 40.0).abs() < 1e-12);
        assert!(latency.p95.is_some() && latency.p99.is_none() && latency.p95_ci95.is_none());
        assert!(inside(latency.mean_ci95, latency.mean));
        let cpu_ms: f64 = one.per_round.iter().flat_map(|round| &round.slices).map(|slice| slice.cpu_ms).sum();
        assert!((one.cpu.as_ref().unwrap().micros_per_op - cpu_ms * 1e3 / 40.0).abs() < 1e-9);
        let throughput = one.throughput.as_ref().unwrap();
        let phases: Vec<_> = one.per_round.iter().filter_map(|round| round.throughput.as_ref()).collect();
        let calls: u64 = phases.iter().map(|phase| phase.calls).sum();
        let wall_ms: f64 = phases.iter().map(|phase| phase.wall_ms).sum();
        assert!((throughput.ops_per_sec - calls as f64 / wall_ms * 1e3).abs() < 1e-9);
        assert!(inside(throughput.ci95, throughput.ops_per_sec));
        assert!(
            one.warnings.iter().any(|warning| warning == "40 calls hold no p99 (it takes 100)"),
            "{:?}",
            one.warnings
        );
        assert!(one.warnings.iter().any(|warning| warning == "p95 is rough: only 2 calls lie beyond it"));
        assert!(of(&results, Operation::GetItem, "aws-sdk").vs_baseline.is_none());
    }

    #[test]
    fn cpu_per_call_is_that_of_the_javascript_thread_where_it_is_known() {
        let mut results = raw(&Shape::small());
        for (n, slice) in results
            .measurements
            .iter_mut()
            .flat_map(|one| &mut one.per_round)
            .flat_map(|round| &mut round.slices)
            .enumerate()
        {
            slice.thread_ms = Some(slice.cpu_ms);
            // What other threads do comes in bursts.
            slice.cpu_ms *= if n % 7 == 0 { 1.7 } else { 1.0 };
        }
        let mut without = results.clone();
        without
            .measurements
            .iter_mut()
            .flat_map(|one| &mut one.per_round)
            .flat_map(|round| &mut round.slices)
            .for_each(|slice| {
                slice.cpu_ms = slice.thread_ms.take().unwrap();
            });
        summarize(&mut results);
        summarize(&mut without);
        for (one, without) in results.measurements.iter().zip(&without.measurements) {
            let (cpu, alone) = (one.cpu.as_ref().unwrap(), without.cpu.as_ref().unwrap());
            assert_eq!((cpu.micros_per_op, cpu.micros_per_op_ci95), (alone.micros_per_op, alone.micros_per_op_ci95));
            assert_eq!(one.vs_baseline, without.vs_baseline);
            let whole = cpu.process_micros_per_op.unwrap();
            assert!((1.07..1.13).contains(&(whole / cpu.micros_per_op)), "{whole}");
            assert!(inside(cpu.process_micros_per_op_ci95, whole));
            assert_eq!(alone.process_micros_per_op, Some(alone.micros_per_op));
        }
    }

    #[test]
    fn summarizing_again_changes_nothing() {
        for mut results in [raw(&Shape::tiny()), raw_with_troubles(&Shape { rounds: 2, ..Shape::small() })] {
            summarize(&mut results);
            let once = results.clone();
            summarize(&mut results);
            assert_eq!(once, results);
        }
    }

    #[test]
    fn a_single_round_has_figures_and_no_intervals() {
        let results = summarized(&Shape { rounds: 1, ..Shape::tiny() });
        let one = of(&results, Operation::GetItem, "mizzle");
        let versus = one.vs_baseline.as_ref().unwrap();
        assert_eq!(versus.cpu_ratio_ci95, None);
        assert_eq!(versus.cpu_verdict, Verdict::Unclear);
        assert_eq!(one.latency_ms.as_ref().unwrap().mean_ci95, None);
        assert_eq!(one.throughput.as_ref().unwrap().ci95, None);
        assert_eq!(widest_ratio(&results, "small"), None);
        let few = results.disturbances.iter().find(|found| found.kind == DisturbanceKind::FewRounds).unwrap();
        assert!(few.serious);
    }

    #[test]
    fn what_failed_has_no_figures_and_no_ratio() {
        let mut results = raw_with_troubles(&Shape { rounds: 3, ..Shape::small() });
        summarize(&mut results);
        for one in &results.measurements {
            let target: &Target = results.targets.iter().find(|target| target.id == one.target).unwrap();
            let expected = target.status == TargetStatus::Ok && one.failure.is_none();
            assert_eq!(one.latency_ms.is_some(), expected, "{}", name_of(one));
            assert_eq!(one.cpu.is_some(), expected);
            assert_eq!(one.vs_baseline.is_some(), expected && one.target != "aws-sdk");
        }
        let one = of(&results, Operation::PutItem, "electrodb");
        assert!(one.warnings.iter().any(|warning| warning.contains("still falling")), "{:?}", one.warnings);
    }

    #[test]
    fn a_baseline_that_failed_leaves_no_ratio() {
        let mut results = raw(&Shape::tiny());
        results.targets[0].status = TargetStatus::Failed;
        summarize(&mut results);
        assert!(of(&results, Operation::GetItem, "aws-sdk").latency_ms.is_none());
        let one = of(&results, Operation::GetItem, "mizzle");
        assert!(one.latency_ms.is_some() && one.vs_baseline.is_none());
    }

    #[test]
    fn unequal_work_is_told() {
        let results = summarized(&Shape { operations: vec![Operation::Query], rounds: 3, ..Shape::small() });
        let one = of(&results, Operation::Query, "mizzle");
        assert!(one.warnings.contains(&"reads 100 items to return 20, where the baseline reads 20".to_owned()));
        assert!(of(&results, Operation::Query, "electrodb").warnings.iter().all(|warning| !warning.contains("reads")));
    }

    #[test]
    fn a_sampler_that_disagrees_with_the_process_is_told() {
        let mut results = raw(&Shape { rounds: 3, ..Shape::small() });
        for round in &mut results.measurements[0].per_round {
            round.usage.as_mut().unwrap().cpu_ms *= 1.25;
        }
        summarize(&mut results);
        let told = |one: &Measurement| one.warnings.iter().any(|warning| warning.starts_with("the sampler saw"));
        assert!(told(&results.measurements[0]), "{:?}", results.measurements[0].warnings);
        assert!(!told(&results.measurements[1]));
        assert!(results.disturbances.iter().any(|found| found.kind == DisturbanceKind::Accounting));
    }

    #[test]
    fn a_round_that_was_slow_for_all_is_drift_and_leaves_the_ratios_alone() {
        let mut results = raw(&Shape { rounds: 5, drift: 0.0, ..Shape::small() });
        for slice in results.measurements.iter_mut().flat_map(|one| &mut one.per_round[3].slices) {
            slice.cpu_ms *= 1.3;
            slice.samples_ms.iter_mut().for_each(|sample| *sample *= 1.3);
        }
        summarize(&mut results);
        let drift: Vec<&Disturbance> = results
            .disturbances
            .iter()
            .filter(|found| found.kind == DisturbanceKind::Drift && found.at_ms.is_some())
            .collect();
        assert_eq!(drift.len(), 1, "{drift:?}");
        assert!(drift[0].serious && drift[0].detail.starts_with("round 4 at scale small was 30% slower"), "{drift:?}");
        let versus = of(&results, Operation::GetItem, "mizzle").vs_baseline.as_ref().unwrap();
        assert!((versus.cpu_ratio - 1.1).abs() < 0.04, "{versus:?}");
    }

    #[test]
    fn cpu_that_falls_inside_the_rounds_is_told() {
        let mut results = raw(&Shape { rounds: 4, ..Shape::small() });
        for round in &mut results.measurements[0].per_round {
            for (i, slice) in round.slices.iter_mut().enumerate() {
                slice.cpu_ms *= 1.2 - 0.04 * i as f64;
            }
        }
        summarize(&mut results);
        assert!(results.measurements[0].warnings.iter().any(|warning| warning.starts_with("CPU per call fell by")));
    }

    #[test]
    fn who_limits_the_rate() {
        assert_eq!(limited_by(0.97, Some(0.4), 2.0), LimitedBy::Client);
        assert_eq!(limited_by(0.4, Some(0.95), 2.0), LimitedBy::Database);
        assert_eq!(limited_by(0.95, Some(0.95), 2.0), LimitedBy::Machine);
        assert_eq!(limited_by(0.95, Some(0.95), 16.0), LimitedBy::Client);
        assert_eq!(limited_by(0.95, Some(3.0), 16.0), LimitedBy::Database);
        assert_eq!(limited_by(0.95, None, 2.0), LimitedBy::Client);
        assert_eq!(limited_by(0.5, Some(0.5), 2.0), LimitedBy::Unknown);
        assert_eq!(limited_by(0.5, None, 2.0), LimitedBy::Unknown);
        assert_eq!(limited_by(0.6, Some(0.35), 1.0), LimitedBy::Machine);
    }

    #[test]
    fn the_widest_ratio_is_of_one_scale() {
        let results = summarized(&Shape { rounds: 3, operations: vec![Operation::GetItem], ..Shape::default() });
        let small = widest_ratio(&results, "small").unwrap();
        assert!(small > 0.0 && small < 0.2, "{small}");
        assert_ne!(Some(small), widest_ratio(&results, "large"));
        assert_eq!(widest_ratio(&results, "none"), None);
    }

    #[test]
    fn a_full_run_is_summarized_in_less_than_a_second() {
        let mut results = raw(&Shape::small());
        let started = std::time::Instant::now();
        summarize(&mut results);
        let took = started.elapsed();
        println!("24 measurements of 5 rounds of 10 slices of 50 calls: {took:?}");
        // Three seconds, since tests share their machine with others.
        assert!(took.as_secs() < 3, "{took:?}");
    }
}
