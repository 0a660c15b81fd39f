//! Measuring one operation of all members of a round: settling, slices of the latency phase in turn, bursts of the
//! throughput phase in turn.

use std::time::{Duration, Instant};

use super::member::{Current, Member};
use super::{RoundPlan, Runner, health};
use crate::machine::sampler::{self, DATABASE};
use crate::plan::turns;
use crate::plan::{LATENCY_SHARE, REHEARSAL_ITEMS, ScalePlan, THROUGHPUT_SHARE};
use crate::results::{Band, Operation, Round, Slice, ThroughputPhase, WarmUp};
use crate::system::progress::Board;
use crate::workers::keeper::Keeper;
use crate::workers::protocol::{Measure, Phase};
use crate::workers::worker::Fault;

/// Calls of an operation right before it is measured, alone, and the longest that they take.
const SETTLING_CALLS: u64 = 60;
const SETTLING: Duration = Duration::from_millis(150);
/// The same for Scan, which is not warmed up before.
const SETTLING_SCANS: Duration = Duration::from_millis(400);
/// The least that each phase is measured for, however little time is left: a round of a few calls tells nothing.
const SHORTEST_LATENCY: Duration = Duration::from_millis(300);
const SHORTEST_THROUGHPUT: Duration = Duration::from_millis(150);
/// The end of a round: checking the table and ending the processes.
const ROUND_END: Duration = Duration::from_millis(1_500);
/// Turns of the throughput phase; the first opens the connections and is not counted. Each fills what is in flight.
const FEWEST_BURSTS: u64 = 2;
const MOST_BURSTS: u64 = 9;
/// With many calls in flight they take about so much less time than one after the other, since client and server work at
/// the same time.
const OVERLAP: u32 = 2;
/// A throughput phase that would take longer than this is left to the latency phase, one call in flight.
const LONGEST_THROUGHPUT: Duration = Duration::from_secs(6);

/// How long each phase of one operation is measured for, a target.
#[derive(Debug, Clone, Copy)]
pub struct Phases {
    latency: Duration,
    throughput: Duration,
}

impl Runner<'_> {
    /// How long each phase of the first of these operations is measured for, a target: as asked, or so that all of
    /// them are done by the round's end.
    pub fn phases(&self, RoundPlan { scale, ends, .. }: RoundPlan, operations: &[Operation], members: usize) -> Phases {
        if let Some(time) = scale.time {
            return Phases { latency: time, throughput: time };
        }
        let mut left = ends.saturating_duration_since(Instant::now()).saturating_sub(ROUND_END);
        let members = members.max(1) as u32;
        let mut operations_left = operations.len().max(1) as u32;
        // A scan of a large table takes what it takes; the others share the rest.
        if scale.has_rehearsal() && operations_left > 1 && operations.contains(&Operation::Scan) {
            let known_ms: f64 = self.scan_ms.values().sum();
            let one_each =
                if known_ms > 0.0 { Duration::from_secs_f64(known_ms / 1e3) } else { scale.scan() * members };
            left = left.saturating_sub(one_each);
            operations_left -= 1;
        }
        let each = left / operations_left / members;
        Phases {
            latency: each.mul_f64(LATENCY_SHARE).max(SHORTEST_LATENCY),
            throughput: each.mul_f64(THROUGHPUT_SHARE).max(SHORTEST_THROUGHPUT),
        }
    }

    /// Measures one operation of all members: settling, slices of the latency phase in turn, the throughput phase.
    pub fn measure(
        &mut self,
        RoundPlan { scale, round, .. }: RoundPlan,
        operation: Operation,
        phases: Phases,
        members: &mut Vec<Member>,
        keeper: &mut Keeper,
        board: &Board,
    ) -> Result<(), Fault> {
        let lanes: Vec<u32> = members.iter().map(|member| member.lane).collect();
        self.each(scale, members, 0, |runner, member| {
            board.now(&member.id, &format!("{operation} · settling"));
            runner.settle(scale, round, operation, member)
        })?;
        let ms_per_call: Vec<f64> =
            members.iter().filter_map(|member| Some(member.current.as_ref()?.ms_per_call)).collect();
        let all = members.len() as u32;
        let concurrencies = self.plan.concurrencies();
        let highest = u64::from(concurrencies.iter().copied().max().unwrap_or(1));
        let turns = turns::share_out(
            &ms_per_call,
            phases.latency * all,
            phases.throughput * all * OVERLAP / concurrencies.len() as u32,
            FEWEST_BURSTS * highest,
        );
        let lead_ins = turns.count * turns::MOST_LEAD_IN;
        let shares = turns.latency.iter().zip(&turns.throughput);
        for (current, (&latency, &throughput)) in members.iter_mut().filter_map(|one| one.current.as_mut()).zip(shares)
        {
            current.latency_calls = latency;
            let ms = current.ms_per_call * throughput as f64;
            current.throughput_calls = if ms > LONGEST_THROUGHPUT.as_secs_f64() * 1e3 { 0 } else { throughput };
        }
        if operation == Operation::DeleteItem {
            for member in &*members {
                if let Some(current) = &member.current {
                    let each = current.throughput_calls + MOST_BURSTS * highest;
                    let calls = lead_ins + current.latency_calls + each * concurrencies.len() as u64;
                    keeper.prepare(member.lane, 0, calls, &health(&self.server))?;
                }
            }
        }
        self.sampler.measuring(true);
        for turn in 0..turns.count {
            // Who goes first changes from turn to turn, so that nobody always follows the same neighbour.
            self.each(scale, members, turn as usize, |runner, member| {
                runner.latency_slice(turn, turns.count, member, board)
            })?;
        }
        let most = turns.throughput.iter().max().copied().unwrap_or(0);
        let bursts = (most / highest).clamp(FEWEST_BURSTS, MOST_BURSTS);
        for burst in 0..bursts {
            for &concurrency in &concurrencies {
                self.each(scale, members, burst as usize, |runner, member| {
                    runner.throughput_burst(concurrency, burst, bursts, member, board)
                })?;
            }
        }
        self.sampler.measuring(false);
        if operation == Operation::Scan {
            for (member, slices) in
                members.iter().filter_map(|member| Some((member, &member.current.as_ref()?.round.slices)))
            {
                let calls: usize = slices.iter().map(|slice| slice.samples_ms.len()).sum();
                let ms: f64 = slices.iter().map(|slice| slice.wall_ms).sum();
                self.scan_ms.insert(member.target, ms / calls.max(1) as f64);
            }
        }
        let most = members.iter().filter_map(|member| member.current.as_ref()).map(|current| current.calls).max();
        // How far one came that fell is not known.
        let phases = 1 + concurrencies.len() as u64;
        let unknown = lead_ins + phases * turns::MOST_CALLS;
        let most = if members.len() < lanes.len() { unknown } else { most.unwrap_or(0) };
        keeper.restore(lanes, operation, round, most, &health(&self.server))?;
        self.each(scale, members, 0, |runner, member| {
            board.finished(&member.id);
            runner.finish(scale, round, member)
        })
    }

    /// Some calls of one operation of one member alone, just before it is measured: they tell how long a call takes
    /// while no other process works.
    fn settle(
        &mut self,
        scale: &ScalePlan,
        round: u32,
        operation: Operation,
        member: &mut Member,
    ) -> Result<(), Fault> {
        let from_ms = self.now_ms();
        let most = if operation == Operation::Scan { SETTLING_SCANS } else { SETTLING };
        let settling = member.suite.warm_up(operation, SETTLING_CALLS, most, &health(&self.server))?;
        let mut ms_per_call = settling.wall_ms / settling.calls.max(1) as f64;
        if operation == Operation::Scan && scale.has_rehearsal() {
            // Made on the smaller table: the client's part grows with the table, the server's with its square.
            let larger = f64::from(scale.scale.items) / f64::from(REHEARSAL_ITEMS);
            let predicted = ms_per_call * larger + scale.scan().as_secs_f64() * 1e3;
            ms_per_call = self.scan_ms.get(&member.target).copied().unwrap_or(predicted);
        }
        let warm_up = member.warmed.remove(&operation).unwrap_or(WarmUp {
            calls: settling.calls,
            wall_ms: settling.wall_ms,
            settled: true,
            windows_us: Vec::new(),
        });
        member.current = Some(Current {
            operation,
            latency_calls: 0,
            throughput_calls: 0,
            calls: 0,
            ms_per_call,
            from_ms,
            error: None,
            round: Round {
                round,
                place: member.place,
                warm_up,
                slices: Vec::new(),
                throughput: None,
                more_throughput: Vec::new(),
                usage: None,
                database: None,
                errors: 0,
            },
        });
        sampler::reset_peak_resident(member.pid);
        Ok(())
    }

    /// One turn of the latency phase of one member, one call in flight.
    fn latency_slice(&mut self, turn: u64, turns: u64, member: &mut Member, board: &Board) -> Result<(), Fault> {
        let Some(current) = member.current.as_mut() else { return Ok(()) };
        let calls = turns::calls_of_turn(turn, turns, current.latency_calls);
        if calls == 0 {
            return Ok(());
        }
        let lead_in = turns::lead_in(calls);
        let measure = Measure {
            operation: current.operation,
            phase: Phase::Latency,
            calls,
            lead_in,
            from: current.calls,
            check: turn + 1 == turns,
            concurrency: None,
        };
        let expected = Duration::from_secs_f64(current.ms_per_call * calls as f64 / 1e3);
        let at_ms = self.now_ms();
        let (sampler, id) = (self.sampler, member.id.as_str());
        let (begin, end) = (|| sampler.begin(id, true), || sampler.end());
        let end = member.suite.measure(measure, expected, &health(&self.server), begin, end)?;
        current.calls += lead_in + calls;
        current.note_errors(end.errors, end.error_message);
        // Calls that hang take their whole limit each: those that are left would only fail the same way.
        current.check_errors(current.latency_calls + current.throughput_calls)?;
        board.rate(id, &format!("{} · latency", current.operation), end.calls as f64 / end.wall_ms * 1e3);
        board.did(id, LATENCY_SHARE * (turn + 1) as f64 / turns as f64);
        if let Some(work) = end.work {
            member.works.retain(|(operation, _)| *operation != current.operation);
            member.works.push((current.operation, work));
        }
        current.round.slices.push(Slice {
            at_ms,
            wall_ms: end.wall_ms,
            cpu_ms: end.cpu_ms,
            thread_ms: end.thread_ms,
            samples_ms: end.samples_ms,
        });
        Ok(())
    }

    /// One turn of the throughput phase of one member, with so many calls in flight. The first opens the connections
    /// and counts towards nothing. A call that takes very long is not made again for this: its latency phase, with one
    /// call in flight, serves for both.
    fn throughput_burst(
        &mut self,
        concurrency: u32,
        burst: u64,
        bursts: u64,
        member: &mut Member,
        board: &Board,
    ) -> Result<(), Fault> {
        let Some(current) = member.current.as_mut() else { return Ok(()) };
        if current.throughput_calls == 0 {
            current.round.throughput = Some(sequential_throughput(&current.round.slices));
            return Ok(());
        }
        let calls = (current.throughput_calls / bursts).max(u64::from(concurrency));
        let measure = Measure {
            operation: current.operation,
            phase: Phase::Throughput,
            calls,
            lead_in: 0,
            from: current.calls,
            check: burst + 1 == bursts,
            concurrency: Some(concurrency),
        };
        let expected = Duration::from_secs_f64(current.ms_per_call * calls as f64 / 1e3);
        let at_ms = self.now_ms();
        let (sampler, id) = (self.sampler, member.id.as_str());
        let (mut database_before, mut database_after) = (None, None);
        let begin = || {
            sampler.begin(id, false);
            database_before = sampler.cpu_ms(DATABASE);
        };
        let end = || {
            database_after = sampler.cpu_ms(DATABASE);
            sampler.end();
        };
        let end = member.suite.measure(measure, expected, &health(&self.server), begin, end)?;
        current.calls += calls;
        current.note_errors(end.errors, end.error_message);
        board.rate(id, &format!("{} · throughput", current.operation), end.calls as f64 / end.wall_ms * 1e3);
        board.did(id, LATENCY_SHARE + THROUGHPUT_SHARE * (burst + 1) as f64 / bursts as f64);
        if burst == 0 {
            return Ok(());
        }
        let none =
            ThroughputPhase { at_ms, concurrency, calls: 0, wall_ms: 0.0, cpu_ms: 0.0, database_cpu_ms: Some(0.0) };
        let more = &mut current.round.more_throughput;
        let phase = if concurrency == self.plan.concurrency {
            current.round.throughput.get_or_insert(none)
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

    /// Ends one operation of one member: what the sampler saw, and what threw.
    fn finish(&mut self, scale: &ScalePlan, round: u32, member: &mut Member) -> Result<(), Fault> {
        let Some(mut current) = member.current.take() else { return Ok(()) };
        let (client, database) = self.sampler.take(&member.id);
        current.round.usage = client.map(|mut usage| {
            if let Some(peak) = sampler::peak_resident_mb(member.pid) {
                usage.memory_mb_peak = usage.memory_mb_peak.max(peak);
            }
            usage
        });
        current.round.database = database;
        self.results.timeline.bands.push(Band {
            from_ms: current.from_ms,
            to_ms: self.now_ms(),
            scale: scale.scale.name.clone(),
            round,
            target: member.id.clone(),
            operation: current.operation,
        });
        let verdict = current.check_errors(current.calls);
        member.rounds.push((current.operation, current.round));
        verdict
    }
}

/// The throughput of a latency phase, one call in flight.
fn sequential_throughput(slices: &[Slice]) -> ThroughputPhase {
    ThroughputPhase {
        at_ms: slices.first().map_or(0.0, |slice| slice.at_ms),
        concurrency: 1,
        calls: slices.iter().map(|slice| slice.samples_ms.len() as u64).sum(),
        wall_ms: slices.iter().map(|slice| slice.wall_ms).sum(),
        cpu_ms: slices.iter().map(|slice| slice.cpu_ms).sum(),
        database_cpu_ms: None,
    }
}
