//! The client's cost against recorded answers: CPU per call in slices in turn, and bytes allocated.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::at_once::{at_once, lock};
use super::process::{Places, Process};
use super::seats::{Seat, next_free};
use super::{RoundPlan, Runner};
use crate::analysis::summary;
use crate::machine::core;
use crate::plan::turns::{SliceLength, Turns};
use crate::results::{AllocationSlice, ClientSlice, Operation};
use crate::run::timing::{Times, how_many_fit};
use crate::workers::protocol::{Ground, Measure, Phase};
use crate::workers::worker::Fault;
use stats::parts::per_call;

/// Calls whose allocation is counted in a process. It hardly varies from call to call, and a slow library takes seconds
/// for a scan, which is counted in the first round only.
const ALLOCATING_ITEM_CALLS: u64 = 10;
const ALLOCATING_QUERIES: u64 = 3;
const ALLOCATING_SCANS: u64 = 1;
/// Wall time of a call over its CPU time: it waits for the answer.
const WALL_PER_CPU: f64 = 1.15;

/// Passes over the operations in one round. A machine's speed changes over seconds and minutes too, and not by as much for
/// every library: with its turns all over the round, each operation's ratio is of the same mixture.
pub const PASSES: u64 = 4;

/// Calls that lead in, and the longest that they take a process.
const MOST_LEADING_IN: u64 = 200;
const LEAD_IN: Duration = Duration::from_millis(400);

/// What each process is to make of one operation against its record.
struct ClientPlan {
    operation: Operation,
    turns: Turns,
    /// What a call of each target takes, milliseconds.
    ms_per_call: Vec<f64>,
    places: Places,
    /// Turns that were made, and what they took together.
    made: u64,
    took: Duration,
}

impl ClientPlan {
    /// The turns of one pass; the first one has any there are.
    fn turns_of(&self, pass: u64) -> Range<u64> {
        let left = self.turns.count - self.made;
        self.made..self.made + left.div_ceil(PASSES - pass)
    }

    /// What the turns that are left need, at the pace of those that were made.
    fn needed(&self) -> Duration {
        self.took.mul_f64((self.turns.count - self.made) as f64 / self.made.max(1) as f64)
    }

    /// Makes so many times as many of the turns to come: one at least, in which answers are checked.
    fn stretch(&mut self, times: f64) {
        let left = self.turns.count - self.made;
        self.turns.count = self.made + ((left as f64 * times).round() as u64).max(left.min(1));
    }
}

/// How much of the time some spans cover together, each of them once.
fn covered(mut spans: Vec<Range<f64>>) -> f64 {
    spans.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut until = f64::NEG_INFINITY;
    let mut sum = 0.0;
    for span in spans {
        sum += (span.end - span.start.max(until)).max(0.0);
        until = until.max(span.end);
    }
    sum
}

impl Runner<'_> {
    /// Measures the client's cost of each operation of all processes, in several passes over the operations. Where calls
    /// turn out slower or faster than was planned, later passes have fewer turns or more: the time that was given is kept.
    pub fn measure_client(
        &mut self,
        plan: RoundPlan,
        times: &[(Operation, Times)],
        processes: &mut Vec<Process>,
    ) -> Result<(), Fault> {
        let of = |&(operation, times): &(Operation, Times)| ClientPlan {
            operation,
            turns: self.planned_client_turns(plan.round, operation, times, processes),
            ms_per_call: processes.iter().map(|process| self.client_ms(process, operation)).collect(),
            places: Places::of(processes),
            made: 0,
            took: Duration::ZERO,
        };
        let mut planned: Vec<ClientPlan> = times.iter().map(of).collect();
        self.lead_in(plan, &planned, processes)?;
        let (operations, begun) = (planned.len(), Instant::now());
        let given: Duration = times.iter().map(|(_, times)| times.client).sum();
        for pass in 0..PASSES {
            for (at, one) in planned.iter_mut().enumerate() {
                let (begun, turns) = (Instant::now(), one.turns_of(pass));
                self.client_turns(one, turns.clone(), plan, processes)?;
                one.made = turns.end;
                one.took += begun.elapsed();
                let passed = pass as f64 + (at + 1) as f64 / operations as f64;
                self.observe_progress(Phase::Client, passed / PASSES as f64, processes);
                self.observe_costs(one.operation, processes);
            }
            if plan.scale.time.is_none() {
                let needed = planned.iter().map(ClientPlan::needed).sum();
                let times = how_many_fit(given.saturating_sub(begun.elapsed()), needed);
                for one in &mut planned {
                    one.stretch(times);
                }
            }
        }
        for process in &*processes {
            core::let_go(process.pid, self.site.record(process.target).thread());
        }
        for one in &planned {
            self.end_client(plan, one.operation, processes)?;
        }
        Ok(())
    }

    /// Makes calls of the first operation that don't count: a process that has waited for the others and for its items
    /// finds colder caches, and would have that one operation bear it.
    fn lead_in(&mut self, plan: RoundPlan, planned: &[ClientPlan], processes: &mut Vec<Process>) -> Result<(), Fault> {
        let Some(first) = planned.first() else { return Ok(()) };
        let all: Vec<(&mut Process, f64)> = processes.iter_mut().zip(first.ms_per_call.iter().copied()).collect();
        let outcomes = {
            let health = self.health();
            at_once(all, self.cores.len(), |(process, ms_per_call)| {
                let calls = ((LEAD_IN.as_secs_f64() * 1e3 / ms_per_call) as u64).clamp(1, MOST_LEADING_IN);
                let expected = Duration::from_secs_f64(ms_per_call * calls as f64 / 1e3);
                process.suite.warm_up(first.operation, calls, Ground::Recorded, expected, &health).map(drop)
            })
        };
        self.each_did(plan, processes, outcomes)
    }

    /// Counts what the calls of one operation allocate, and looks at what went wrong with those that were timed.
    fn end_client(&mut self, plan: RoundPlan, operation: Operation, processes: &mut Vec<Process>) -> Result<(), Fault> {
        self.each(plan, processes, |runner, process| {
            // It allocates the same in every process.
            if !operation.grows_with_the_table() || plan.round == 0 {
                runner.allocation_slice(operation, process)?;
            }
            if let Some(ms) = per_call(&summary::client_wall_parts(&process.operation(operation).round)) {
                runner.client_ms.insert((process.target, operation), ms);
            }
            let measured = process.operation(operation);
            measured.check_errors(operation, measured.recorded_calls)?;
            // A request that was never recorded is answered with an error, which a library may have swallowed.
            runner.check_record(process.target, operation)
        })
    }

    /// The turns that an operation's client phase is planned to have.
    pub fn planned_client_turns(&self, round: u32, operation: Operation, times: Times, processes: &[Process]) -> Turns {
        let ms_per_call: Vec<f64> = processes.iter().map(|process| self.client_ms(process, operation)).collect();
        let lots = self.plan.lots(round, operation);
        Turns::share_out(lots, &ms_per_call, times.client * self.cores.len() as u32, SliceLength::client(operation))
    }

    /// Makes some turns of an operation, one at a time on each core. A process is on one of them at a time: who is on the
    /// other comes later in its turn.
    fn client_turns(
        &mut self,
        one: &ClientPlan,
        turns: Range<u64>,
        plan: RoundPlan,
        processes: &mut Vec<Process>,
    ) -> Result<(), Fault> {
        let seats: Vec<Mutex<Seat<'_>>> = processes.iter_mut().map(Seat::of).collect();
        let turns = Mutex::new(turns);
        at_once(self.cores.clone(), self.cores.len(), |core| {
            let mut to_come = Vec::new();
            loop {
                // With one alone to come, who may be on the other core, the next turn has begun.
                if to_come.len() < 2
                    && let Some(turn) = lock(&turns).next()
                {
                    to_come.extend(one.turns.order(seats.len(), turn).into_iter().map(|at| (turn, at)));
                }
                let Some((turn, mut seat)) = next_free(&mut to_come, &seats) else { return };
                if seat.outcome.is_ok() {
                    core.keep(seat.process.pid, self.site.record(seat.process.target).thread());
                    match self.client_slice(one, turn, seat.process) {
                        Ok(slice) => seat.slices.extend(slice.map(|slice| (turn, slice))),
                        Err(fault) => seat.outcome = Err(fault),
                    }
                }
            }
        });
        let (mut outcomes, mut timed) = (Vec::new(), Vec::new());
        for seat in seats {
            let Seat { process, mut slices, outcome } = seat.into_inner().unwrap_or_else(PoisonError::into_inner);
            // Those of one turn were on one core: they are compared with each other.
            slices.sort_by_key(|(turn, _)| *turn);
            timed.extend(slices.iter().map(|(_, slice)| slice.at_ms..slice.at_ms + slice.wall_ms));
            let kept = &mut process.operation(one.operation).round.client.get_or_insert_default().slices;
            kept.extend(slices.into_iter().map(|(_, slice)| slice));
            outcomes.push(outcome);
        }
        self.time.client_s += covered(timed) / 1e3;
        self.each_did(plan, processes, outcomes)
    }

    /// The slice of a process in one turn; none where it sits the turn out.
    fn client_slice(&self, one: &ClientPlan, turn: u64, process: &mut Process) -> Result<Option<ClientSlice>, Fault> {
        let (operation, at) = (one.operation, one.places.find(process));
        let calls = one.turns.calls(turn, at);
        if calls == 0 {
            return Ok(None);
        }
        let (lead_in, last) = (one.turns.lead_in(calls), turn + 1 == one.turns.count);
        let from = process.operation(operation).recorded_calls;
        let measure = Measure { operation, phase: Phase::Client, calls, lead_in, from, check: last, concurrency: None };
        let expected = Duration::from_secs_f64(one.ms_per_call[at] * calls as f64 / 1e3);
        let end = process.suite.measure(measure, expected, &self.health(), &mut || {}, &mut || {})?;
        let measured = process.operation(operation);
        measured.recorded_calls += lead_in + calls;
        measured.note_errors(end.errors, end.error_message);
        Ok(Some(ClientSlice {
            at_ms: ((self.now_ms() - end.wall_ms) * 10.0).round() / 10.0,
            calls: end.calls,
            wall_ms: end.wall_ms,
            cpu_ms: end.cpu_ms,
            thread_ms: end.thread_ms,
        }))
    }

    fn allocation_slice(&mut self, operation: Operation, process: &mut Process) -> Result<(), Fault> {
        let calls = match operation {
            Operation::Scan => ALLOCATING_SCANS,
            Operation::Query => ALLOCATING_QUERIES,
            _ => ALLOCATING_ITEM_CALLS,
        };
        let expected = Duration::from_secs_f64(self.client_ms(process, operation) * calls as f64 / 1e3);
        let from = process.operation(operation).recorded_calls;
        let measure =
            Measure { operation, phase: Phase::Allocation, calls, lead_in: 0, from, check: false, concurrency: None };
        let end = process.suite.measure(measure, expected, &self.health(), &mut || {}, &mut || {})?;
        let measured = process.operation(operation);
        measured.recorded_calls += calls;
        measured.note_errors(end.errors, end.error_message);
        if let Some(allocated) = end.allocation {
            measured.round.client.get_or_insert_default().allocations.push(AllocationSlice {
                calls: end.calls,
                bytes: allocated.bytes,
                collections: allocated.collections,
            });
        }
        Ok(())
    }

    /// What a call takes against recorded answers, milliseconds, as the last round says, or else the warm-up's last
    /// windows.
    pub fn client_ms(&self, process: &Process, operation: Operation) -> f64 {
        const LAST: usize = 3;
        if let Some(ms) = self.client_ms.get(&(process.target, operation)) {
            return *ms;
        }
        let warm_up = process.warming.operations.get(&operation);
        let windows = warm_up.map_or(&[][..], |one| one.windows_us.as_slice());
        let latest = &windows[windows.len().saturating_sub(LAST)..];
        if latest.is_empty() { 1.0 } else { latest.iter().sum::<f64>() / latest.len() as f64 / 1e3 * WALL_PER_CPU }
    }

    /// # Errors
    /// A request that was never recorded, as the target's own failure.
    fn check_record(&self, target: usize, operation: Operation) -> Result<(), Fault> {
        let failure = |cause| crate::results::Failure { stage: "measure".into(), cause };
        self.site.record(target).unknown().map_or(Ok(()), |why| Err(Fault::Failed(failure(why), Some(operation))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::turns::Lots;

    /// What was planned of an operation with so many turns, none of which was made.
    fn planned(count: u64) -> ClientPlan {
        let operation = Operation::GetItem;
        let lots = Lots::of(1, 0, operation);
        let mut turns = Turns::share_out(lots, &[1.0], Duration::ZERO, SliceLength::client(operation));
        turns.count = count;
        let (ms_per_call, places) = (vec![1.0], Places::of(&[]));
        ClientPlan { operation, turns, ms_per_call, places, made: 0, took: Duration::ZERO }
    }

    /// How many turns each pass makes, where after the first one so many times as many of those to come fit.
    fn passes(mut one: ClientPlan, times: f64) -> Vec<u64> {
        let mut made = Vec::new();
        for pass in 0..PASSES {
            let turns = one.turns_of(pass);
            made.push(turns.end - turns.start);
            one.made = turns.end;
            if pass == 0 {
                one.stretch(times);
            }
        }
        assert_eq!(one.made, one.turns.count, "the last turn, in which answers are checked, is made");
        made
    }

    #[test]
    fn the_turns_of_an_operation_lie_in_all_passes_and_the_first_has_any_there_are() {
        assert_eq!(passes(planned(9), 1.0), [3, 2, 2, 2]);
        assert_eq!(passes(planned(1), 1.0), [1, 0, 0, 0]);
    }

    #[test]
    fn where_calls_are_slower_or_faster_than_planned_later_passes_are_shorter_or_longer_and_one_turn_stays() {
        assert_eq!(passes(planned(40), 0.5), [10, 5, 5, 5]);
        assert_eq!(passes(planned(40), 1.5), [10, 15, 15, 15]);
        assert_eq!(passes(planned(40), 0.0), [10, 1, 0, 0]);
        assert_eq!(passes(planned(1), 0.0), [1, 0, 0, 0]);
    }

    #[test]
    fn time_that_two_slices_cover_counts_once() {
        assert!((covered(vec![4.0..6.0, 0.0..3.0, 1.0..2.0, 5.0..7.0]) - 6.0).abs() < 1e-12);
        assert!(covered(Vec::new()).abs() < 1e-12);
    }

    #[test]
    fn what_the_turns_to_come_need_is_known_from_those_that_were_made() {
        let one = ClientPlan { made: 10, took: Duration::from_secs(5), ..planned(40) };
        assert_eq!(one.needed(), Duration::from_secs(15));
        assert_eq!(planned(40).needed(), Duration::ZERO, "none was made");
    }
}
