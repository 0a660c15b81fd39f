//! The client's cost against recorded answers: CPU per call in slices in turn, and bytes allocated.

use std::time::Duration;

use super::process::Process;
use super::{RoundPlan, Runner};
use crate::analysis::summary;
use crate::plan::turns::{SliceLength, Turns};
use crate::results::{AllocationSlice, ClientSlice, Operation};
use crate::run::timing::Times;
use crate::workers::protocol::{Measure, Phase};
use crate::workers::worker::Fault;
use stats::parts::per_call;

/// Calls whose allocation is counted in a process. It hardly varies from call to call, and a slow library takes seconds
/// for a scan, which is counted in the first round only.
const ALLOCATING_ITEM_CALLS: u64 = 10;
const ALLOCATING_QUERIES: u64 = 3;
const ALLOCATING_SCANS: u64 = 1;
/// Wall time of a call over its CPU time: it waits for the answer.
const WALL_PER_CPU: f64 = 1.15;

impl Runner<'_> {
    /// Measures the client's cost of one operation of all processes.
    pub fn measure_client(
        &mut self,
        plan: RoundPlan,
        operation: Operation,
        times: Times,
        processes: &mut Vec<Process>,
    ) -> Result<(), Fault> {
        let ms_per_call: Vec<f64> = processes.iter().map(|process| self.client_ms(process, operation)).collect();
        let turns = self.client_turns(operation, times, processes);
        // Who falls out takes its place along: the others keep their turns.
        let places: Vec<usize> = processes.iter().map(|process| process.target).collect();
        let place = |process: &Process| places.iter().position(|&target| target == process.target).unwrap_or(0);
        let at = self.plan.operations.iter().position(|&one| one == operation).unwrap_or(0);
        for turn in 0..turns.count {
            // Who goes first changes from turn to turn, so that nobody always follows the same neighbour.
            self.each(plan, processes, turn as usize, |runner, process| {
                let at = place(process);
                let calls = turns.calls(turn, at);
                let (lead_in, last) = (turns.lead_in(calls), turn + 1 == turns.count);
                runner.client_slice(operation, [lead_in, calls], ms_per_call[at], last, process)
            })?;
            self.observe_progress(Phase::Client, at, (turn + 1) as f64 / turns.count as f64, processes);
        }
        self.each(plan, processes, 0, |runner, process| {
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
        })?;
        self.observe_costs(operation, processes);
        Ok(())
    }

    /// The turns of an operation's client phase.
    pub fn client_turns(&self, operation: Operation, times: Times, processes: &[Process]) -> Turns {
        let ms_per_call: Vec<f64> = processes.iter().map(|process| self.client_ms(process, operation)).collect();
        Turns::share_out(&ms_per_call, times.client, SliceLength::client(operation))
    }

    fn client_slice(
        &mut self,
        operation: Operation,
        [lead_in, calls]: [u64; 2],
        ms_per_call: f64,
        last: bool,
        process: &mut Process,
    ) -> Result<(), Fault> {
        if calls == 0 {
            return Ok(());
        }
        let from = process.operation(operation).recorded_calls;
        let measure = Measure { operation, phase: Phase::Client, calls, lead_in, from, check: last, concurrency: None };
        let expected = Duration::from_secs_f64(ms_per_call * calls as f64 / 1e3);
        let at_ms = self.now_ms();
        let end = process.suite.measure(measure, expected, &self.health(), || {}, || {})?;
        self.time.client_s += end.wall_ms / 1e3;
        let measured = process.operation(operation);
        measured.recorded_calls += lead_in + calls;
        measured.note_errors(end.errors, end.error_message);
        measured.round.client.get_or_insert_default().slices.push(ClientSlice {
            at_ms,
            calls: end.calls,
            wall_ms: end.wall_ms,
            cpu_ms: end.cpu_ms,
            thread_ms: end.thread_ms,
        });
        Ok(())
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
        let end = process.suite.measure(measure, expected, &self.health(), || {}, || {})?;
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
    fn client_ms(&self, process: &Process, operation: Operation) -> f64 {
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
