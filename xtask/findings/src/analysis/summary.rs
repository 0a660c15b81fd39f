//! From the rounds as measured to the figures of a results file: everything in a [`Results`] that is derived is made
//! here, from its raw data, its settings and its seed, and nothing else. It may be run again at any time and gives
//! the same.

mod disturbances;
mod warnings;

use std::collections::BTreeMap;

use hmac_sha256::Hash as Sha256;

use crate::analysis::forecast::{self, Forecast};
use crate::analysis::growth::growth;
use crate::analysis::rare;
use crate::analysis::verdict::{no_verdict, verdict};
use crate::results::{
    Allocation, ClientSlice, Cpu, DatabaseUsage, Interval, Latency, LimitedBy, Measurement, Memory, Operation,
    PerProcess, Results, Round, Slice, Target, TargetStatus, Throughput, ThroughputPhase, Usage, VsBaseline,
};
use stats::bootstrap::{self, Resampling, WithInterval};
use stats::components::{Components, LogRatio, log_ratio, within_round};
use stats::log_half_width;
use stats::parts::{Part, Parts};
use stats::percentile::{p95, p99, percentile};

use disturbances::note_disturbances;
use warnings::{Warning, alone_warnings, ratio_warnings, work_warnings};

/// Fewer rounds than this carry a warning: with three, Student's t makes an interval 2.2 times as wide as it would
/// be with many; with five, 1.4 times.
pub const FEW_ROUNDS: u32 = 3;
/// From here on a side counts as busy: share of a core, or of all cores.
const BUSY: f64 = 0.9;

/// Makes every derived figure anew: of the measurements, the database's usage, the cold starts' means, and the
/// disturbances that the data itself shows.
pub fn summarize(results: &mut Results) {
    let usable = usable(results);
    let context = Context {
        resamples: results.settings.resamples,
        seed: results.run.seed,
        cores: f64::from(results.environment.cores),
        margin: results.settings.equivalence_margin,
    };
    rare::share_out(&mut results.measurements);
    let mut warnings: Vec<Vec<Warning>> = Vec::new();
    for (measurement, usable) in results.measurements.iter_mut().zip(&usable) {
        forget(measurement);
        warnings.push(if *usable { summarize_alone(measurement, &context) } else { Vec::new() });
    }
    let compared = compared_with_the_baseline(results, &usable);
    let shared = Shared::fit(results, &compared);
    for (ours, theirs) in compared {
        let (one, theirs) = (&results.measurements[ours], &results.measurements[theirs]);
        warnings[ours].extend(work_warnings(one.work.as_ref(), theirs.work.as_ref()));
        let versus = versus(one, theirs, &shared, &context);
        warnings[ours].extend(versus.as_ref().and_then(|versus| ratio_warnings(versus, context.margin)));
        results.measurements[ours].vs_baseline = versus;
    }
    for (measurement, warnings) in results.measurements.iter_mut().zip(&warnings) {
        measurement.warnings = warnings.iter().map(ToString::to_string).collect();
        measurement.warning_kinds = warnings.iter().map(|warning| warning.kind().to_owned()).collect();
    }
    results.growth = growth(results);
    results.database_usage = results.measurements.iter().filter_map(database_usage).collect();
    for cold in &mut results.cold_starts {
        cold.import_ms = estimate(std::mem::take(&mut cold.import_ms.values));
        cold.bundled_import_ms = cold.bundled_import_ms.take().map(|bundled| estimate(bundled.values));
        cold.memory_mb = estimate(std::mem::take(&mut cold.memory_mb.values));
        for first in &mut cold.first_call_ms {
            first.ms = estimate(std::mem::take(&mut first.ms.values));
        }
    }
    note_disturbances(results, &warnings);
}

/// Whether each measurement has figures to be summarised: neither it nor its target failed.
fn usable(results: &Results) -> Vec<bool> {
    let is_ok = |id: &str| results.targets.iter().any(|target| target.id == id && target.status == TargetStatus::Ok);
    results.measurements.iter().map(|one| one.failure.is_none() && is_ok(&one.target)).collect()
}

/// Half the width of the widest interval of a ratio of CPU per call at this scale, as a share (0.02 is ±2%), for a
/// run that stops when it is narrow enough. `None` where a ratio has no interval yet, or there is none.
pub fn widest_ratio(results: &Results, scale: &str) -> Option<f64> {
    widest(results.measurements.iter().filter(|one| one.scale == scale))
}

/// The same of one operation.
pub fn widest_ratio_of(results: &Results, scale: &str, operation: Operation) -> Option<f64> {
    widest(results.measurements.iter().filter(|one| one.scale == scale && one.operation == operation))
}

/// What so many rounds like the first one will show of the ratios of CPU per call at this scale: the slices inside it
/// vary as is seen, and processes as they usually do. `None` without a ratio that has slices enough.
pub fn forecast(results: &Results, scale: &str, rounds: u32) -> Option<Forecast> {
    let of = |(of_a_pair, slices)| forecast::variance(of_a_pair, slices);
    Forecast::of(&noise_of_slices(results, scale).into_iter().map(of).collect::<Vec<_>>(), rounds)
}

/// What processes add to the variance of the middle ratio of CPU per call at this scale, as a share of all of it.
pub fn share_between(results: &Results, scale: &str) -> Option<f64> {
    let share = |(of_a_pair, slices)| forecast::BETWEEN / forecast::variance(of_a_pair, slices);
    median(&noise_of_slices(results, scale).into_iter().map(share).collect::<Vec<_>>())
}

/// Of each ratio of CPU per call, how much a pair of its slices varies in the first round (the standard deviation of its
/// logarithm), and how many pairs there are.
fn noise_of_slices(results: &Results, scale: &str) -> Vec<(f64, f64)> {
    let all = &results.measurements;
    let noise = |(ours, theirs): (usize, usize)| {
        let (ours, theirs) = pairs(&all[ours], &all[theirs], cpu_parts).into_iter().next()?;
        let slices = ours.len().min(theirs.len()) as f64;
        Some(((within_round(&ours, &theirs)? * slices).sqrt(), slices))
    };
    let compared = compared_with_the_baseline(results, &usable(results)).into_iter();
    compared.filter(|(ours, _)| all[*ours].scale == scale).filter_map(noise).collect()
}

fn widest<'a>(of: impl Iterator<Item = &'a Measurement>) -> Option<f64> {
    let widths: Option<Vec<f64>> = of
        .filter_map(|one| one.vs_baseline.as_ref())
        .map(|ratio| ratio.cpu_ratio_ci95.and_then(log_half_width))
        .collect();
    widths?.into_iter().reduce(f64::max)
}

/// The mean of values from separate processes, with its interval.
pub fn estimate(values: Vec<f64>) -> PerProcess {
    let rounds: Vec<Parts> = values.iter().map(|&total| vec![Part { total, calls: 1.0 }]).collect();
    match bootstrap::mean(&rounds, Resampling { resamples: 1000, seed: values.len() as u64 }) {
        Some(WithInterval { value, ci95 }) => PerProcess { mean: value, ci95, values },
        None => PerProcess { mean: 0.0, ci95: None, values },
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
        let digest = Sha256::hash(name.as_bytes());
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
    measurement.allocation = None;
    measurement.memory_mb = None;
    measurement.vs_baseline = None;
    measurement.warnings.clear();
    measurement.warning_kinds.clear();
}

/// Latency of the round's slices.
pub fn latency_parts(round: &Round) -> Parts {
    parts(round, |slice| slice.samples_ms.iter().sum())
}

/// CPU time of the round's slices against recorded answers, milliseconds: of the thread that runs JavaScript, where
/// that is known, and with rare cost shared out. In files of earlier versions, of the latency phase.
pub fn cpu_parts(round: &Round) -> Parts {
    let rare = round.client.as_ref().and_then(|client| client.rare);
    client_parts(round, |slice| rare::cost_ms(slice, rare)).unwrap_or_else(|| as_used_cpu_parts(round))
}

/// The same of the whole process.
fn process_cpu_parts(round: &Round) -> Parts {
    client_parts(round, |slice| slice.cpu_ms).unwrap_or_else(|| parts(round, |slice| slice.cpu_ms))
}

/// CPU time of the latency phase's slices, milliseconds, as [`cpu_parts`].
pub fn as_used_cpu_parts(round: &Round) -> Parts {
    parts(round, |slice| slice.thread_ms.unwrap_or(slice.cpu_ms))
}

/// Bytes allocated in the round.
pub fn allocation_parts(round: &Round) -> Parts {
    let slices = round.client.iter().flat_map(|client| &client.allocations).filter(|slice| slice.calls > 0);
    slices.map(|slice| Part { total: slice.bytes, calls: slice.calls as f64 }).collect()
}

/// Wall time of the round's slices against recorded answers, milliseconds; empty where there were none.
pub fn client_wall_parts(round: &Round) -> Parts {
    client_parts(round, |slice| slice.wall_ms).unwrap_or_default()
}

fn client_parts(round: &Round, total: impl Fn(&ClientSlice) -> f64) -> Option<Parts> {
    let slices = round.client.as_ref()?.slices.iter().filter(|slice| slice.calls > 0);
    Some(slices.map(|slice| Part { total: total(slice), calls: slice.calls as f64 }).collect())
}

/// Whether a round measured anything.
fn has_figures(round: &Round) -> bool {
    let called = round.client.iter().flat_map(|client| &client.slices).any(|slice| slice.calls > 0);
    called || round.slices.iter().any(|slice| !slice.samples_ms.is_empty())
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
    let is_known = phase.calls > 0 && phase.wall_ms > 0.0;
    is_known.then_some(Part { total: phase.wall_ms, calls: phase.calls as f64 }).into_iter().collect()
}

/// Fills in what a measurement's own rounds show, and returns what to warn of.
fn summarize_alone(one: &mut Measurement, context: &Context) -> Vec<Warning> {
    let measured: Vec<&Round> = counted(one).collect();
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
    let as_used = measured.iter().any(|round| round.client.is_some()).then(|| micros(as_used_cpu_parts, "as used cpu"));
    let as_used = as_used.flatten();
    let usage: Vec<&Usage> = measured.iter().filter_map(|round| round.usage.as_ref()).collect();
    let cpu = micros(cpu_parts, "cpu").map(|(micros_per_op, micros_per_op_ci95)| Cpu {
        percent_avg: percent_avg(&usage),
        percent_peak: percent_peak(&usage),
        micros_per_op,
        micros_per_op_ci95,
        process_micros_per_op: whole.map(|(value, _)| value),
        process_micros_per_op_ci95: whole.and_then(|(_, interval)| interval),
        as_used_micros_per_op: as_used.map(|(value, _)| value),
        as_used_micros_per_op_ci95: as_used.and_then(|(_, interval)| interval),
        samples: measured.iter().flat_map(|round| cpu_parts(round)).map(|part| part.calls).sum::<f64>() as u64,
    });
    let allocation = allocation(one, &measured, context);
    let memory_mb = memory(one, &usage, context);

    let mut warnings = alone_warnings(one, &measured, &sorted);
    if !sorted.is_empty() && usage.is_empty() {
        warnings.push(Warning::NoUsage);
    }
    one.samples = sorted.len() as u64;
    one.rounds = rounds;
    one.latency_ms = latency_ms;
    one.throughput = throughput;
    one.more_throughput = more_throughput;
    one.cpu = cpu;
    one.allocation = allocation;
    one.memory_mb = memory_mb;
    warnings
}

fn allocation(one: &Measurement, measured: &[&Round], context: &Context) -> Option<Allocation> {
    let rounds: Vec<Parts> = measured.iter().map(|round| allocation_parts(round)).collect();
    let bytes = bootstrap::mean(&rounds, context.resampling(one, "allocation"))?;
    let slices = || measured.iter().filter_map(|round| round.client.as_ref()).flat_map(|client| &client.allocations);
    let calls: u64 = slices().map(|slice| slice.calls).sum();
    let collections: u64 = slices().map(|slice| slice.collections).sum();
    Some(Allocation {
        bytes_per_op: bytes.value,
        bytes_per_op_ci95: bytes.ci95,
        collections_per_1000: collections as f64 / calls as f64 * 1e3,
    })
}

fn latency(one: &Measurement, measured: &[&Round], sorted: &[f64], context: &Context) -> Option<Latency> {
    let mean = bootstrap::mean(
        &measured.iter().map(|round| latency_parts(round)).collect::<Vec<_>>(),
        context.resampling(one, "latency"),
    )?;
    let samples: Vec<Vec<&[f64]>> =
        measured.iter().map(|round| round.slices.iter().map(|slice| slice.samples_ms.as_slice()).collect()).collect();
    let interval =
        |p, what| bootstrap::of_percentile(&samples, p, context.resampling(one, what)).and_then(|known| known.ci95);
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

/// The highest share of a core over a window of at least 100 ms. The whole of all rounds is such a window too where there
/// is any, so that no peak is below the average: a round too short for a window of its own counts in both.
fn percent_peak(usage: &[&Usage]) -> Option<f64> {
    let windows = usage.iter().filter_map(|usage| usage.cpu_percent_peak).reduce(f64::max)?;
    Some(percent_avg(usage).map_or(windows, |whole| whole.max(windows)))
}

fn memory(one: &Measurement, usage: &[&Usage], context: &Context) -> Option<Memory> {
    let peaks: Vec<Parts> = usage.iter().map(|usage| vec![Part { total: usage.memory_mb_peak, calls: 1.0 }]).collect();
    let peak = bootstrap::mean(&peaks, context.resampling(one, "memory"))?;
    // Each process counts alike, in both: an average above the peak would be nonsense.
    let avg = usage.iter().map(|usage| usage.memory_mb_avg).sum::<f64>() / usage.len() as f64;
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

/// The rounds of which a measurement's figures are made: those whose process had settled, where they are enough for a
/// verdict, and else all.
pub fn counted(one: &Measurement) -> impl Iterator<Item = &Round> {
    let measured = || one.per_round.iter().filter(|round| has_figures(round));
    let enough = measured().filter(|round| round.warm_up.settled).count() >= FEW_ROUNDS as usize;
    measured().filter(move |round| round.warm_up.settled || !enough)
}

/// Whether every process behind a measurement's figures had settled.
pub fn had_settled(one: &Measurement) -> bool {
    counted(one).all(|round| round.warm_up.settled)
}

/// The sides of the rounds that both have, by the rounds' numbers.
pub fn pairs(ours: &Measurement, theirs: &Measurement, of: fn(&Round) -> Parts) -> Vec<(Parts, Parts)> {
    let by_round: BTreeMap<u32, &Round> = counted(theirs).map(|round| (round.round, round)).collect();
    counted(ours).filter_map(|round| Some((of(round), of(by_round.get(&round.round)?)))).collect()
}

/// The measurements that can be compared with the baseline, by their indices, each with the baseline's.
fn compared_with_the_baseline(results: &Results, usable: &[bool]) -> Vec<(usize, usize)> {
    let all = &results.measurements;
    let usable = |i: &usize| usable[*i];
    let place: BTreeMap<(&str, Operation, &str), usize> = (0..all.len())
        .filter(usable)
        .map(|i| ((all[i].scale.as_str(), all[i].operation, all[i].target.as_str()), i))
        .collect();
    let theirs = |i: usize| {
        let baseline = baseline_of(results, &all[i].target).filter(|baseline| baseline.id != all[i].target)?;
        Some((i, *place.get(&(all[i].scale.as_str(), all[i].operation, baseline.id.as_str()))?))
    };
    (0..all.len()).filter(usable).filter_map(theirs).collect()
}

/// What a target is compared with: the baseline under the same runtime.
pub fn baseline_of<'a>(results: &'a Results, id: &str) -> Option<&'a Target> {
    let target = results.targets.iter().find(|target| target.id == id)?;
    results.targets.iter().find(|other| other.baseline && other.runs_like(target))
}

/// The parts of a round of which a ratio is made.
type Of = fn(&Round) -> Parts;

/// What the ratios of one target at one scale, taken together, show about the standard error of each: some rounds by
/// themselves show little, and they were measured in the same processes. What processes add differs from library to
/// library. A target with few ratios is taken together with the others.
struct Shared(BTreeMap<(String, String, &'static str), Components>);

impl Shared {
    /// With what processes usually add to its variance, where that is known.
    const FIGURES: [(&'static str, Of, Option<f64>); 5] = [
        ("latency ratio", latency_parts, None),
        ("cpu ratio", cpu_parts, Some(forecast::BETWEEN)),
        ("as used cpu ratio", as_used_cpu_parts, Some(forecast::BETWEEN)),
        ("allocation ratio", allocation_parts, None),
        ("throughput ratio", throughput_parts, None),
    ];
    /// The fewest ratios of a target that show something by themselves.
    const FEWEST: usize = 5;

    fn fit(results: &Results, compared: &[(usize, usize)]) -> Shared {
        let all = &results.measurements;
        let mut shared = BTreeMap::new();
        for scale in &results.settings.scales {
            let compared = || compared.iter().filter(|(ours, _)| all[*ours].scale == scale.name);
            for (figure, of, usual) in Shared::FIGURES {
                let mut ratios: BTreeMap<&str, Vec<LogRatio>> = BTreeMap::new();
                for &(ours, theirs) in compared() {
                    let known = log_ratio(&pairs(&all[ours], &all[theirs], of));
                    ratios.entry(&all[ours].target).or_default().extend(known);
                }
                let together: Vec<LogRatio> = ratios.values().flatten().copied().collect();
                for (target, own) in ratios {
                    let components = Components::fit(if own.len() < Shared::FEWEST { &together } else { &own }, usual);
                    shared.insert((scale.name.clone(), target.to_owned(), figure), components);
                }
            }
        }
        Shared(shared)
    }

    fn of(&self, one: &Measurement, figure: &'static str) -> Option<&Components> {
        self.0.get(&(one.scale.clone(), one.target.clone(), figure))
    }
}

fn versus(ours: &Measurement, theirs: &Measurement, shared: &Shared, context: &Context) -> Option<VsBaseline> {
    let ratio = |of: Of, figure| {
        bootstrap::ratio(&pairs(ours, theirs, of), shared.of(ours, figure), context.resampling(ours, figure))
    };
    let cpu = ratio(cpu_parts, "cpu ratio")?;
    let latency = ratio(latency_parts, "latency ratio");
    let allocation = ratio(allocation_parts, "allocation ratio");
    let as_used =
        if both_have_client_phases(ours, theirs) { ratio(as_used_cpu_parts, "as used cpu ratio") } else { None };
    let same_concurrency =
        ours.throughput.as_ref().map(|one| one.concurrency) == theirs.throughput.as_ref().map(|one| one.concurrency);
    let throughput = if same_concurrency { ratio(throughput_parts, "throughput ratio") } else { None };
    let throughput = throughput.map(|ratio| ratio.inverted(1.0));
    let value = |known: Option<WithInterval>| known.map(|ratio| ratio.value);
    let interval = |known: Option<WithInterval>| known.and_then(|ratio| ratio.ci95);
    let allowed = no_verdict(&[(ours, ""), (theirs, "")], shared_rounds(ours, theirs)).is_none();
    let judged = |ratio: Option<Interval>| verdict(ratio.filter(|_| allowed), context.margin);
    Some(VsBaseline {
        latency_ratio: value(latency),
        latency_ratio_ci95: interval(latency),
        cpu_ratio: cpu.value,
        cpu_ratio_ci95: cpu.ci95,
        throughput_ratio: value(throughput),
        throughput_ratio_ci95: interval(throughput),
        allocation_ratio: value(allocation),
        allocation_ratio_ci95: interval(allocation),
        as_used_cpu_ratio: value(as_used),
        as_used_cpu_ratio_ci95: interval(as_used),
        verdict: judged(interval(latency)),
        cpu_verdict: judged(cpu.ci95),
    })
}

fn both_have_client_phases(ours: &Measurement, theirs: &Measurement) -> bool {
    [ours, theirs].iter().all(|one| one.per_round.iter().any(|round| round.client.is_some()))
}

/// How many rounds a ratio of two measurements of one run is made of.
pub fn shared_rounds(ours: &Measurement, theirs: &Measurement) -> usize {
    pairs(ours, theirs, cpu_parts).iter().filter(|(a, b)| !a.is_empty() && !b.is_empty()).count()
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    percentile(&sorted, 0.5)
}

#[cfg(test)]
mod tests;
