//! Recording the answers that the client's cost is measured against.

use std::time::Instant;

use super::at_once::{at_once, cores};
use super::process::{Process, RecordedOperation};
use super::{RoundPlan, Runner};
use crate::plan::POOL;
use crate::results::{Failure, Operation, RecordingNote};
use crate::workers::keeper::Keeper;
use crate::workers::worker::Fault;

impl Runner<'_> {
    /// Records the answers of every target that has none yet: what only reads first, while the table is as it was
    /// seeded.
    pub(super) fn record_all(
        &mut self,
        plan: RoundPlan,
        processes: &mut Vec<Process>,
        keeper: &mut Keeper,
    ) -> Result<(), Fault> {
        let fresh: Vec<usize> =
            processes.iter().map(|process| process.target).filter(|target| !self.recorded.contains(target)).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        let lanes: Vec<u32> = fresh.iter().map(|&target| target as u32 + 1).collect();
        // What an earlier recording left is in the way of conditional writes.
        self.restore(plan, &lanes, |_| 0, keeper)?;
        for operation in to_record(&self.plan.operations) {
            if operation.consumes_items() {
                for &lane in &lanes {
                    keeper.prepare(lane, u64::from(POOL), true, &self.health())?;
                }
            }
            let outcomes: Vec<Result<(), Fault>> = {
                let this = &*self;
                at_once(processes.iter_mut().collect(), cores(), |process: &mut Process| {
                    if fresh.contains(&process.target) { this.record(plan, operation, process) } else { Ok(()) }
                })
            };
            self.each_did(plan, processes, outcomes)?;
        }
        for process in &*processes {
            for &operation in &self.plan.operations {
                let Some(recorded) = process.recorded.get(&operation).cloned() else { continue };
                self.recorded_ms.insert((process.target, operation), recorded.ms_per_call);
                if operation.grows_with_the_table() {
                    self.used_ms.insert((process.target, operation), recorded.ms_per_call);
                }
                let found = self.results.measurement_mut(&plan.scale.scale.name, operation, &process.id);
                if let Some(measurement) = found {
                    measurement.work = Some(recorded.work);
                    measurement.recording = recorded.note;
                }
            }
            if fresh.contains(&process.target) {
                self.site.record(process.target).answer();
            }
        }
        self.recorded.extend(fresh);
        self.restore(plan, &lanes, |_| 0, keeper)
    }

    /// Records one operation of one target.
    fn record(&self, plan: RoundPlan, operation: Operation, process: &mut Process) -> Result<(), Fault> {
        self.observer.doing(&process.id, &format!("{operation} · recording answers"));
        let record = self.site.record(process.target);
        record.begin(operation);
        let begun = Instant::now();
        let called = process.suite.record(operation, &self.health());
        let took = begun.elapsed();
        let ended = record.end(called.as_ref().map_or(1, |called| called.calls));
        let called = called?;
        let failed = |cause: String| Fault::Failed(Failure { stage: "record".into(), cause }, Some(operation));
        let recording = ended.map_err(|why| failed(format!("{why:#}")))?;
        if let Some(items) = called.items.filter(|&items| items != recording.items_returned) {
            return Err(Fault::WrongWork {
                stage: "record".to_owned(),
                operation,
                expected: format!("{} items, as many as the server returned", recording.items_returned),
                actual: format!("{items} items"),
            });
        }
        let part = plan.scale.scan_part().filter(|_| operation.grows_with_the_table());
        let items_scanned = part.map(u64::from);
        let note = (recording.varies || items_scanned.is_some())
            .then_some(RecordingNote { varies: recording.varies, items_scanned });
        process.recorded.insert(
            operation,
            RecordedOperation {
                work: recording.work,
                note,
                ms_per_call: took.as_secs_f64() * 1e3 / called.calls.max(1) as f64,
            },
        );
        Ok(())
    }
}

/// The operations in the order in which they are recorded: what only reads first, while the table is as it was seeded,
/// and Scan before the others, since a scan of a large table takes the server seconds: those of all targets come together.
pub fn to_record(operations: &[Operation]) -> Vec<Operation> {
    let mut operations = operations.to_vec();
    operations.sort_by_key(|operation| (!operation.only_reads(), !operation.grows_with_the_table()));
    operations
}
