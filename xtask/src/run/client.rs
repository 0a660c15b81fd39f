//! The client's cost against recorded answers: CPU per call in slices in turn, and bytes allocated.

use std::time::Duration;

use super::member::Member;
use super::{RoundPlan, Runner};
use crate::plan::turns::{self, Turns};
use crate::results::{AllocationSlice, ClientSlice, Operation};
use crate::run::timing::Times;
use crate::workers::protocol::{Measure, Phase};
use crate::workers::worker::Fault;

/// Calls whose allocation is counted, in each slice of a process. It hardly varies from call to call.
const ALLOCATING_ITEM_CALLS: u64 = 12;
const ALLOCATING_QUERIES: u64 = 3;
const ALLOCATING_SCANS: u64 = 1;
/// Slices of an operation's calls in a process; Scan has one, in the first process of a target.
const ALLOCATING_SLICES: u64 = 2;

impl Runner<'_> {
    /// Measures the client's cost of one operation of all members.
    pub fn measure_client(
        &mut self,
        plan: RoundPlan,
        operation: Operation,
        times: Times,
        members: &mut Vec<Member>,
    ) -> Result<(), Fault> {
        let ms_per_call: Vec<f64> = members.iter_mut().map(|member| recorded_ms(member, operation)).collect();
        let turns = Turns::share_out(&ms_per_call, times.client);
        // Who falls out takes its place along: the others keep their turns.
        let places: Vec<usize> = members.iter().map(|member| member.target).collect();
        let place = |member: &Member| places.iter().position(|&target| target == member.target).unwrap_or(0);
        for turn in 0..turns.count {
            // Who goes first changes from turn to turn, so that nobody always follows the same neighbour.
            self.each(plan, members, turn as usize, |runner, member| {
                let at = place(member);
                let calls = turns.calls(turn, at);
                runner.client_slice(operation, calls, ms_per_call[at], turn + 1 == turns.count, member)
            })?;
            self.observe_progress(operation, Phase::Client, (turn + 1) as f64 / turns.count as f64, members);
        }
        self.each(plan, members, 0, |runner, member| {
            let slices = match operation {
                // It allocates the same in every process, and a slow library takes seconds for it.
                Operation::Scan => u64::from(plan.round == 0),
                _ => ALLOCATING_SLICES,
            };
            (0..slices).try_for_each(|_| runner.allocation_slice(operation, member))?;
            let current = member.current(operation);
            current.check_errors(operation, current.recorded_calls)?;
            // A request that was never recorded is answered with an error, which a library may have swallowed.
            runner.check_record(member.target, operation)
        })?;
        self.observe_costs(operation, members);
        Ok(())
    }

    fn client_slice(
        &mut self,
        operation: Operation,
        calls: u64,
        ms_per_call: f64,
        last: bool,
        member: &mut Member,
    ) -> Result<(), Fault> {
        if calls == 0 {
            return Ok(());
        }
        let lead_in = turns::lead_in(calls);
        let from = member.current(operation).recorded_calls;
        let measure = Measure { operation, phase: Phase::Client, calls, lead_in, from, check: last, concurrency: None };
        let expected = Duration::from_secs_f64(ms_per_call * calls as f64 / 1e3);
        let at_ms = self.now_ms();
        let end = member.suite.measure(measure, expected, &self.health(), || {}, || {})?;
        self.time.client_s += end.wall_ms / 1e3;
        let current = member.current(operation);
        current.recorded_calls += lead_in + calls;
        current.note_errors(end.errors, end.error_message);
        current.round.client.get_or_insert_default().slices.push(ClientSlice {
            at_ms,
            calls: end.calls,
            wall_ms: end.wall_ms,
            cpu_ms: end.cpu_ms,
            thread_ms: end.thread_ms,
        });
        Ok(())
    }

    fn allocation_slice(&mut self, operation: Operation, member: &mut Member) -> Result<(), Fault> {
        let calls = match operation {
            Operation::Scan => ALLOCATING_SCANS,
            Operation::Query => ALLOCATING_QUERIES,
            _ => ALLOCATING_ITEM_CALLS,
        };
        let expected = Duration::from_secs_f64(recorded_ms(member, operation) * calls as f64 / 1e3);
        let from = member.current(operation).recorded_calls;
        let measure =
            Measure { operation, phase: Phase::Allocation, calls, lead_in: 0, from, check: false, concurrency: None };
        let end = member.suite.measure(measure, expected, &self.health(), || {}, || {})?;
        let current = member.current(operation);
        current.recorded_calls += calls;
        current.note_errors(end.errors, end.error_message);
        if let Some(allocated) = end.allocation {
            current.round.client.get_or_insert_default().allocations.push(AllocationSlice {
                calls: end.calls,
                bytes: allocated.bytes,
                collections: allocated.collections,
            });
        }
        Ok(())
    }

    /// # Errors
    /// A request that was never recorded, as the target's own failure.
    fn check_record(&self, target: usize, operation: Operation) -> Result<(), Fault> {
        let failure = |cause| crate::results::Failure { stage: "measure".into(), cause };
        self.site.record(target).unknown().map_or(Ok(()), |why| Err(Fault::Failed(failure(why), Some(operation))))
    }
}

/// What a call takes against recorded answers, milliseconds, as the warm-up's last windows say.
fn recorded_ms(member: &Member, operation: Operation) -> f64 {
    let warm_up = member.warming.operations.get(&operation);
    let windows = warm_up.map_or(&[][..], |one| one.windows_us.as_slice());
    let latest = &windows[windows.len().saturating_sub(6)..];
    latest.iter().copied().reduce(f64::min).map_or(1.0, |us| us / 1e3)
}
