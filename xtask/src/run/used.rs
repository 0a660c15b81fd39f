//! The library as it is used: latency and throughput against the database, with the CPU percent and the memory that
//! go with them. Slices of the latency phase in turn, then bursts of the throughput phase in turn.

use std::time::{Duration, Instant};

use super::process::{Places, Process};
use super::{RoundPlan, Runner};
use crate::machine::sampler::{self, DATABASE};
use crate::plan::request::Emphasis;
use crate::plan::turns::{MOST_CALLS, SliceLength, Turns};
use crate::results::{Band, Operation, Slice, ThroughputPhase};
use crate::run::timing::Times;
use crate::workers::protocol::{Ground, Measure, Phase};
use crate::workers::worker::Fault;

/// Calls of an operation before its first latency phase, which show how long one takes against the database. Of Scan
/// it is known since its answers were recorded.
const TRIAL_CALLS: u64 = 12;
/// How long a burst of the throughput phase is.
const BURST: Duration = Duration::from_millis(80);
/// The most bursts of one target, operation and concurrency in one round; the first opens the connections and is not
/// counted.
const MOST_BURSTS: u64 = 24;
/// With many calls in flight they take at least so much of the time that they take one after the other.
const OVERLAP: f64 = 0.4;
/// A margin on the calls that are expected to fill a time: they may be faster than the last ones were.
const SURELY: f64 = 1.25;
/// Of a scale's budget, what scans of a large table, one by each target, may take.
const ONCE: f64 = 0.125;
/// A burst of what is in flight that would take longer than this is left to the latency phase, one call in flight.
const LONGEST_BURST: Duration = Duration::from_millis(800);

/// Whether calls take so long that the latency phase serves for the throughput with so many in flight.
fn is_left_to_latency(ms_per_call: f64, concurrency: u32) -> bool {
    ms_per_call * f64::from(concurrency) > LONGEST_BURST.as_secs_f64() * 1e3
}

/// What each process is to make of one operation against the database.
pub struct UsedPlan {
    pub operation: Operation,
    turns: Turns,
    places: Places,
    /// Throughput time of each target and concurrency; None where the latency phase serves for both.
    throughput: Option<Duration>,
}

impl UsedPlan {
    /// The most calls that a process makes with it, for as many concurrencies.
    pub fn most_calls(&self, process: &Process, ms_per_call: f64, concurrencies: &[u32]) -> u64 {
        let burst = |concurrency: u32| {
            let time = self.throughput.unwrap_or_default();
            let fitting = time.mul_f64(SURELY).as_secs_f64() * 1e3 / (ms_per_call * OVERLAP).max(0.01);
            fitting as u64 + u64::from(concurrency) * 4
        };
        let throughput: u64 = concurrencies.iter().map(|&concurrency| burst(concurrency)).sum();
        TRIAL_CALLS + self.turns.all_calls(self.places.find(process)) + throughput.min(MOST_CALLS)
    }
}

impl Runner<'_> {
    /// Finds out how long a call of each process takes against the database, and shares the time out.
    pub fn plan_used(
        &mut self,
        plan: RoundPlan,
        operation: Operation,
        times: Times,
        processes: &mut Vec<Process>,
    ) -> Result<UsedPlan, Fault> {
        self.each(plan, processes, |runner, process| {
            let known = runner.used_ms.get(&(process.target, operation)).copied();
            let ms = match known {
                Some(ms) => ms,
                // Nothing is there to be deleted yet: what it takes is known in relation to putting an item, and it is
                // no less than against recorded answers.
                None if operation.consumes_items() => {
                    let client_ms = runner.client_ms(process, operation);
                    let cheaper_ms = runner.client_ms(process, Operation::PutItem) - client_ms;
                    (process.operation(Operation::PutItem).ms_per_call - cheaper_ms.max(0.0)).max(client_ms)
                }
                None => {
                    let (expected, health) = (Runner::call_limit(plan.scale), runner.health());
                    let end = process.suite.warm_up(operation, TRIAL_CALLS, Ground::Database, expected, &health)?;
                    end.wall_ms / end.calls.max(1) as f64
                }
            };
            process.operation(operation).ms_per_call = ms;
            Ok(())
        })?;
        let ms: Vec<f64> = processes.iter_mut().map(|process| process.operation(operation).ms_per_call).collect();
        let cells = (processes.len() * self.plan.concurrencies().len()).max(1) as u32;
        let sustained = self.plan.throughput_time(plan.scale, plan.round);
        let lots = self.plan.lots(plan.round, operation);
        let turns = |time: Duration| Turns::share_out(lots, &ms, time, SliceLength::LATENCY);
        let is_slow = |ms: f64| is_left_to_latency(ms, self.plan.concurrency);
        // Slow ones need their turns to last; the others have a phase of their own for the throughput.
        let slow: Vec<f64> = ms.iter().map(|&ms| if is_slow(ms) { ms } else { f64::INFINITY }).collect();
        let lasting = |time: Duration| turns(time).lasting(&slow, sustained.mul_f64(SURELY));
        let (turns, throughput) = if self.plan.emphasis == Emphasis::BothGrounds {
            (turns(times.latency), None)
        } else if ms.iter().all(|&ms| is_slow(ms)) {
            (lasting(times.latency + times.throughput), None)
        } else {
            (lasting(times.latency), Some((times.throughput / cells).max(sustained)))
        };
        Ok(UsedPlan { operation, turns, places: Places::of(processes), throughput })
    }

    /// Has each process read a large table once in its first round, where that fits into the budget. It takes the server
    /// from seconds to minutes: what a page takes grows with the number of pages before it.
    pub fn measure_once(
        &mut self,
        plan: RoundPlan,
        operation: Operation,
        processes: &mut Vec<Process>,
    ) -> Result<(), Fault> {
        if plan.round > 0 {
            return Ok(());
        }
        for process in &mut *processes {
            let recorded = process.recorded.get(&operation);
            let read = recorded.and_then(|recorded| recorded.note.as_ref()?.items_scanned);
            let pages_more = f64::from(plan.scale.scale.items) / read.map_or(1.0, |read| read.max(1) as f64);
            process.operation(operation).ms_per_call = recorded.map_or(0.0, |one| one.ms_per_call) * pages_more.powi(2);
        }
        let ms: Vec<f64> = processes.iter_mut().map(|process| process.operation(operation).ms_per_call).collect();
        if ms.iter().sum::<f64>() / 1e3 > plan.scale.budget.as_secs_f64() * ONCE {
            return Ok(());
        }
        let begun = Instant::now();
        // In no time at all there is one turn.
        let lots = self.plan.lots(plan.round, operation);
        let turns = Turns::share_out(lots, &ms, Duration::ZERO, SliceLength::client(operation));
        let once = UsedPlan { operation, turns, places: Places::of(processes), throughput: None };
        let measured = self.measure_used(plan, &once, processes);
        self.once += begun.elapsed();
        measured
    }

    /// Measures one operation of all processes against the database.
    pub fn measure_used(
        &mut self,
        plan: RoundPlan,
        used: &UsedPlan,
        processes: &mut Vec<Process>,
    ) -> Result<(), Fault> {
        let operation = used.operation;
        for process in processes.iter_mut() {
            sampler::reset_peak_resident(process.pid);
            process.operation(operation).from_ms = self.now_ms();
        }
        let turns = &used.turns;
        let at = self.plan.operations.iter().position(|&one| one == operation).unwrap_or(0) as f64;
        let operations = self.plan.operations.len().max(1) as f64;
        let of_all = |share: f64| (at + share) / operations;
        for turn in 0..turns.count {
            self.each_in(turns.order(processes.len(), turn), plan, processes, |runner, process| {
                let calls = turns.calls(turn, used.places.find(process));
                let lead_in = turns.lead_in(calls);
                runner.latency_slice(operation, calls, lead_in, turn + 1 == turns.count, process)
            })?;
            let half = (turn + 1) as f64 / turns.count as f64 / 2.0;
            self.observe_progress(Phase::Latency, of_all(half), processes);
        }
        let Some(time) = used.throughput else {
            return self.each(plan, processes, |runner, process| {
                let round = &mut process.operation(operation).round;
                round.throughput = sequential_throughput(&round.slices);
                runner.finish_used(plan, operation, process)
            });
        };
        for concurrency in self.plan.concurrencies() {
            for burst in 0..MOST_BURSTS {
                self.each_in(turns.order(processes.len(), burst), plan, processes, |runner, process| {
                    runner.throughput_burst(operation, concurrency, burst, time, process)
                })?;
            }
            self.observe_progress(Phase::Throughput, of_all(1.0), processes);
        }
        self.each(plan, processes, |runner, process| runner.finish_used(plan, operation, process))
    }

    /// One turn of the latency phase of one process, one call in flight.
    fn latency_slice(
        &mut self,
        operation: Operation,
        calls: u64,
        lead_in: u64,
        last: bool,
        process: &mut Process,
    ) -> Result<(), Fault> {
        if calls == 0 {
            return Ok(());
        }
        let measured = process.operation(operation);
        let (from, ms_per_call) = (measured.calls, measured.ms_per_call);
        let measure =
            Measure { operation, phase: Phase::Latency, calls, lead_in, from, check: last, concurrency: None };
        let expected = Duration::from_secs_f64(ms_per_call * calls as f64 / 1e3);
        let at_ms = self.now_ms();
        let (sampler, id) = (self.sampler, process.id.clone());
        let (mut begin, mut end) = (|| sampler.begin(&id, true), || sampler.end());
        let end = process.suite.measure(measure, expected, &self.health(), &mut begin, &mut end)?;
        self.time.latency_s += end.wall_ms / 1e3;
        self.observer.rate(&process.id, &format!("{operation} · latency"), end.calls as f64 / end.wall_ms * 1e3);
        let measured = process.operation(operation);
        measured.calls += lead_in + calls;
        measured.note_errors(end.errors, end.error_message);
        // Calls that hang take their whole limit each: those that are left would only fail the same way.
        measured.check_errors(operation, measured.calls.max(100))?;
        measured.round.slices.push(Slice {
            at_ms,
            wall_ms: end.wall_ms,
            cpu_ms: end.cpu_ms,
            thread_ms: end.thread_ms,
            samples_ms: end.samples_ms,
        });
        Ok(())
    }

    /// One turn of the throughput phase of one process, with so many calls in flight; none once it has had its time. The
    /// first opens the connections and counts towards nothing. A call that takes very long is not made again for this:
    /// its latency phase, with one call in flight, serves for both. Where fewer items are left to be deleted than would
    /// fill a burst, it is one of as many calls.
    fn throughput_burst(
        &mut self,
        operation: Operation,
        concurrency: u32,
        burst: u64,
        time: Duration,
        process: &mut Process,
    ) -> Result<(), Fault> {
        let first = concurrency == self.plan.concurrency;
        let written = self.prepared.get(&process.target).copied().unwrap_or(0);
        let measured = process.operation(operation);
        if is_left_to_latency(measured.ms_per_call, concurrency) {
            if first && burst == 0 {
                measured.round.throughput = sequential_throughput(&measured.round.slices);
            }
            return Ok(());
        }
        let so_far = phase_of(&measured.round, concurrency, first);
        let (done_ms, done) = so_far.map_or((0.0, 0), |phase| (phase.wall_ms, phase.calls));
        let wanted_ms = time.as_secs_f64() * 1e3;
        if burst > 0 && done_ms >= wanted_ms {
            return Ok(());
        }
        let ms_per_call = if done > 0 { done_ms / done as f64 } else { measured.ms_per_call * OVERLAP };
        let burst_ms = (BURST.as_secs_f64() * 1e3).min(wanted_ms - done_ms).max(1.0);
        let fitting = if burst == 0 { 0 } else { (burst_ms / ms_per_call) as u64 };
        let left = if operation.consumes_items() { written.saturating_sub(measured.calls) } else { u64::MAX };
        if left < u64::from(concurrency) {
            return Ok(());
        }
        let calls = fitting.clamp(u64::from(concurrency), MOST_CALLS / MOST_BURSTS).min(left);
        let measure = Measure {
            operation,
            phase: Phase::Throughput,
            calls,
            lead_in: 0,
            from: measured.calls,
            check: burst == 0,
            concurrency: Some(concurrency),
        };
        let expected = Duration::from_secs_f64(measured.ms_per_call * calls as f64 / 1e3);
        let at_ms = self.now_ms();
        let (sampler, id) = (self.sampler, process.id.clone());
        let (mut database_before, mut database_after) = (None, None);
        let mut begin = || {
            sampler.begin(&id, false);
            database_before = sampler.cpu_ms(DATABASE);
        };
        let mut end = || {
            database_after = sampler.cpu_ms(DATABASE);
            sampler.end();
        };
        let end = process.suite.measure(measure, expected, &self.health(), &mut begin, &mut end)?;
        self.observer.rate(&process.id, &format!("{operation} · throughput"), end.calls as f64 / end.wall_ms * 1e3);
        let measured = process.operation(operation);
        measured.calls += calls;
        measured.note_errors(end.errors, end.error_message);
        if burst == 0 {
            return Ok(());
        }
        self.time.throughput_s += end.wall_ms / 1e3;
        let none =
            ThroughputPhase { at_ms, concurrency, calls: 0, wall_ms: 0.0, cpu_ms: 0.0, database_cpu_ms: Some(0.0) };
        let more = &mut measured.round.more_throughput;
        let phase = if first {
            measured.round.throughput.get_or_insert(none)
        } else {
            let at = more.iter().position(|phase| phase.concurrency == concurrency).unwrap_or_else(|| {
                more.push(none);
                more.len() - 1
            });
            &mut more[at]
        };
        phase.calls += end.calls - end.errors.min(end.calls);
        phase.wall_ms += end.wall_ms;
        phase.cpu_ms += end.cpu_ms;
        let database_ms = database_before.zip(database_after).map(|(before, after)| after - before);
        phase.database_cpu_ms = phase.database_cpu_ms.zip(database_ms).map(|(sum, more)| sum + more);
        Ok(())
    }

    /// Ends one operation of one process: what the sampler saw, and what threw.
    fn finish_used(&mut self, plan: RoundPlan, operation: Operation, process: &mut Process) -> Result<(), Fault> {
        let (client, database) = self.sampler.take(&process.id);
        let (id, pid, to_ms) = (process.id.clone(), process.pid, self.now_ms());
        let measured = process.operation(operation);
        measured.round.usage = client.map(|mut usage| {
            if let Some(peak) = sampler::peak_resident_mb(pid) {
                usage.memory_mb_peak = usage.memory_mb_peak.max(peak);
            }
            usage
        });
        measured.round.database = database;
        self.results.timeline.bands.push(Band {
            from_ms: measured.from_ms,
            to_ms,
            scale: plan.scale.scale.name.clone(),
            round: plan.round,
            target: id,
            operation,
        });
        let calls: usize = measured.round.slices.iter().map(|slice| slice.samples_ms.len()).sum();
        let ms: f64 = measured.round.slices.iter().map(|slice| slice.wall_ms).sum();
        if calls > 0 {
            self.used_ms.insert((process.target, operation), ms / calls as f64);
        }
        let measured = process.operation(operation);
        measured.check_errors(operation, measured.calls)
    }
}

fn phase_of(round: &crate::results::Round, concurrency: u32, first: bool) -> Option<&ThroughputPhase> {
    if first {
        round.throughput.as_ref()
    } else {
        round.more_throughput.iter().find(|phase| phase.concurrency == concurrency)
    }
}

/// The throughput of a latency phase, one call in flight.
fn sequential_throughput(slices: &[Slice]) -> Option<ThroughputPhase> {
    let first = slices.first()?;
    Some(ThroughputPhase {
        at_ms: first.at_ms,
        concurrency: 1,
        calls: slices.iter().map(|slice| slice.samples_ms.len() as u64).sum(),
        wall_ms: slices.iter().map(|slice| slice.wall_ms).sum(),
        cpu_ms: slices.iter().map(|slice| slice.cpu_ms).sum(),
        database_cpu_ms: None,
    })
}
