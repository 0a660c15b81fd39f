//! Starting the processes of a round and having their work verified.

use std::collections::BTreeMap;

use super::at_once::{at_once, cores};
use super::process::{Cold, Process};
use super::{RoundPlan, Runner};
use crate::analysis::sdk;
use crate::plan::POOL;
use crate::results::Operation;
use crate::run::warm_up::Warming;
use crate::system::files;
use crate::workers::keeper::Keeper;
use crate::workers::protocol::OpenSuite;
use crate::workers::suite::Suite;
use crate::workers::worker::Fault;

/// A process that was started and verified, before it is a process.
type Started = Result<Process, Fault>;

impl Runner<'_> {
    /// Starts the processes, as many at once as there are cores, and has their work verified.
    pub(super) fn start_all(
        &mut self,
        plan: RoundPlan,
        first_place: u32,
        targets: &[usize],
        keeper: &mut Keeper,
    ) -> Result<Vec<Process>, Fault> {
        let places: Vec<(u32, usize)> = (first_place..).zip(targets.iter().copied()).collect();
        let started: Vec<Started> = {
            let this = &*self;
            at_once(places.clone(), cores(), |(place, target)| {
                this.observer.doing(&this.plan.targets[target].id, "starting and verifying");
                this.start(plan, place, target)
            })
        };
        let mut processes = Vec::new();
        let mut first_started = Vec::new();
        for ((_, target), started) in places.into_iter().zip(started) {
            match started {
                Ok(mut process) => {
                    let loaded = std::mem::take(&mut process.sdk_packages);
                    let known = std::mem::replace(&mut self.results.targets[target].sdk_packages, loaded);
                    if known.is_empty() {
                        first_started.push(target);
                    }
                    if let Some(notes) = process.notes.take() {
                        let target = &mut self.results.targets[target];
                        (target.calls, target.caveats) = (notes.calls, notes.caveats);
                        target.item_bytes = Some(notes.item_bytes);
                    }
                    if let (Some(Err(why)), Some(bundle)) =
                        (&process.cold.bundled_import_ms, &mut self.results.targets[target].bundle)
                    {
                        bundle.reason = Some(why.clone());
                    }
                    self.sampler.watch(&process.id, process.pid);
                    processes.push(process);
                }
                Err(fault) => {
                    self.blame(target, plan.scale, fault)?;
                    self.restore(plan, &[target as u32 + 1], |_| 0, keeper)?;
                }
            }
        }
        self.warn_of_other_sdks(&first_started);
        Ok(processes)
    }

    /// Starts one target's process and has its work verified: in full in its first process at this scale, shortly in
    /// later ones, and then without Scan among other operations, which would take longer than all of them.
    fn start(&self, plan: RoundPlan, place: u32, target: usize) -> Started {
        let RoundPlan { scale, round } = plan;
        let planned = &self.plan.targets[target];
        let tables = self.tables(scale);
        let job = OpenSuite {
            target: planned.id.clone(),
            adapter: planned.adapter(),
            calls: self.plan.calls,
            data: Box::new(tables.data),
            endpoint: tables.endpoint,
            recorded_endpoint: self.site.record(target).endpoint(),
            table: tables.table,
            rehearsal_table: tables.rehearsal_table,
            scan_part: tables.scan_part,
            items: tables.items,
            seed: tables.seed,
            round,
            lane: target as u32 + 1,
            pool: POOL,
            call_timeout_ms: Self::call_limit(scale).as_millis() as u64,
            handicap: planned.handicap.clone(),
            twice: planned.twice.clone(),
        };
        let log = self.out.join(format!("suite-{}-{}-{round}.log", scale.scale.name, files::name_of(&planned.id)));
        let health = self.health();
        // The two imports that are compared take turns in being the first, and in what goes on next to them.
        let bundle_first = (round + place).is_multiple_of(2);
        let before = bundle_first.then(|| self.site.import_bundle(target));
        let (suite, ready) = Suite::open(self.site.suite(target, log), job, &health)?;
        let bundled_import_ms = before.unwrap_or_else(|| self.site.import_bundle(target));
        let full = !self.recorded.contains(&target);
        let operations = to_verify(&self.plan.operations, full);
        let (suite, verified) = suite.verify(&operations, full, &health)?;
        let first_calls = verified.iter().filter_map(|found| Some((found.operation, found.first_call_ms?)));
        Ok(Process {
            target,
            id: planned.id.clone(),
            place,
            lane: target as u32 + 1,
            pid: ready.pid,
            notes: ready.adapter,
            sdk_packages: ready.sdk_packages,
            suite,
            warming: Warming::default(),
            recorded: BTreeMap::new(),
            measured: BTreeMap::new(),
            cold: Cold {
                round,
                import_ms: ready.import_ms,
                bundled_import_ms,
                memory_mb: ready.memory_mb,
                first_call_ms: first_calls.collect(),
            },
        })
    }

    /// Warns of targets that loaded other packages of the AWS SDK than the baseline, while the run can still be stopped.
    fn warn_of_other_sdks(&self, targets: &[usize]) {
        for target in targets.iter().map(|&at| &self.results.targets[at]) {
            let others = sdk::other_than_the_baseline(self.results, target);
            if !others.is_empty() {
                let remedy = sdk::remedy(target, &others).map_or_else(String::new, |how| format!("; to fix it: {how}"));
                self.observer.warn(&format!("{} {}{remedy}", target.id, sdk::sentence(&others)));
            }
        }
    }
}

/// What a process is verified in: all operations in full, and shortly all but Scan next to others, which would take longer
/// than all of them.
pub fn to_verify(operations: &[Operation], full: bool) -> Vec<Operation> {
    let is_left_out = |operation: Operation| !full && operations.len() > 1 && operation.grows_with_the_table();
    operations.iter().copied().filter(|&operation| !is_left_out(operation)).collect()
}
