//! One round: a fresh process of every target. All are alive and warm at the same time; none works while another is
//! timed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::at_once::{at_once, cores};
use super::observer::Began;
use super::process::{Cold, Process, RecordedOperation};
use super::timing::{self, Times};
use super::used::UsedPlan;
use super::{RoundPlan, Runner};
use crate::analysis::forecast::{self, Forecast};
use crate::analysis::sdk;
use crate::analysis::summary::{self, FEW_ROUNDS};
use crate::machine::core;
use crate::plan::request::Emphasis;
use crate::plan::{POOL, ScalePlan, turns};
use crate::results::{Design, Failure, Operation, RecordingNote, ScheduledRound, TargetStatus};
use crate::run::warm_up::{self, Warming};
use crate::system::files;
use crate::system::format::percent;
use crate::workers::keeper::Keeper;
use crate::workers::protocol::{OpenSuite, Phase};
use crate::workers::suite::{Suite, VerifiedSuite};
use crate::workers::worker::Fault;
use stats::parts;

/// A process that was started and verified, before it is a process.
type Started = Result<Process, Fault>;

impl Runner<'_> {
    /// One round: every target that still can, in this round's order, all at once or one after the other.
    pub(super) fn round(&mut self, plan: RoundPlan, keeper: &mut Keeper) -> Result<(), Fault> {
        let RoundPlan { scale, round } = plan;
        let order: Vec<usize> = self
            .plan
            .order(round)
            .into_iter()
            .filter(|&target| self.results.targets[target].status == TargetStatus::Ok)
            .collect();
        let ids: Vec<String> = order.iter().map(|&target| self.plan.targets[target].id.clone()).collect();
        let title = self.plan.title(scale, round);
        let until = Some(self.pace_before_the_warm_up(plan, ids.len()).ends(Instant::now(), 0.0));
        let planned = scale.rounds.max(round + 1);
        let (scale_name, targets) = (scale.scale.name.as_str(), ids.as_slice());
        self.observer.round_began(Began { scale: scale_name, title: &title, done: round, planned, until, targets });
        self.speed_probe();
        let groups: Vec<Vec<usize>> = match self.plan.design {
            Design::Paired => vec![order],
            Design::Sequential => order.into_iter().map(|target| vec![target]).collect(),
        };
        let (mut place, count) = (0, groups.len() as u32);
        for (done, group) in groups.into_iter().enumerate() {
            self.group(plan, place, &group, count - done as u32, keeper)?;
            place += group.len() as u32;
        }
        self.results.schedule.push(ScheduledRound { scale: scale.scale.name.clone(), round, order: ids });
        self.note_time();
        self.write();
        self.observer.round_ended(self.results);
        Ok(())
    }

    /// Starts the processes of some targets, measures every operation of them in turn, and ends them. `groups` is how
    /// many groups of this round share its time, this one included.
    fn group(
        &mut self,
        plan: RoundPlan,
        first_place: u32,
        targets: &[usize],
        groups: u32,
        keeper: &mut Keeper,
    ) -> Result<(), Fault> {
        let begun = Instant::now();
        let mut processes = self.start_all(plan, first_place, targets, keeper)?;
        let started_in = begun.elapsed();
        self.time.start_s += started_in.as_secs_f64();
        self.observe_start(plan, groups, started_in);
        let recording = Instant::now();
        self.record_all(plan, &mut processes, keeper)?;
        let recorded_in = recording.elapsed();
        self.time.record_s += recorded_in.as_secs_f64();
        self.observe_start(plan, groups, started_in);
        let warming = Instant::now();
        self.warm_up(plan, &mut processes)?;
        let warmed_in = warming.elapsed();
        self.time.warm_up_s += warmed_in.as_secs_f64();
        self.fixed.note_start(started_in, warmed_in);

        let times = self.times(plan, groups);
        if plan.round == 0 && groups == 1 {
            self.forecast_from_the_warm_up(plan, &times, &processes);
        }
        self.sampler.measuring(true);
        let measuring = Instant::now();
        let given = times.iter().map(|(_, times)| times.total()).sum();
        self.pace = (groups == 1).then(|| self.pace(plan, measuring, given));
        self.observe_end(0.0);
        let measured = self.measure_all(plan, &times, &mut processes, keeper);
        self.sampler.measuring(false);
        self.pace = None;
        self.fixed.note_measuring(measuring.elapsed().saturating_sub(std::mem::take(&mut self.once)), given);
        let ending = Instant::now();
        let tried_in = match measured {
            Ok(()) => {
                self.put_back(plan, &mut processes, targets, keeper)?;
                let trying = Instant::now();
                self.try_values(&mut processes);
                let tried_in = trying.elapsed();
                self.keep(plan.scale, processes);
                tried_in
            }
            Err(Fault::Interrupted) => {
                // What was measured is kept; the round is not among the finished ones.
                self.keep(plan.scale, processes);
                return Err(Fault::Interrupted);
            }
            Err(fault) => return Err(fault),
        };
        // Values are tried once: later rounds end sooner.
        self.fixed.end = ending.elapsed().saturating_sub(tried_in);
        self.time.table_s += self.fixed.end.as_secs_f64();
        self.write();
        Ok(())
    }

    /// Starts the processes, as many at once as there are cores, and has their work verified.
    fn start_all(
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

    /// Records the answers of every target that has none yet: what only reads first, while the table is as it was
    /// seeded.
    fn record_all(&mut self, plan: RoundPlan, processes: &mut Vec<Process>, keeper: &mut Keeper) -> Result<(), Fault> {
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
                let fresh: Vec<&mut Process> =
                    processes.iter_mut().filter(|process| fresh.contains(&process.target)).collect();
                at_once(fresh, cores(), |process| this.record(plan, operation, process))
            };
            let mut outcomes = outcomes.into_iter();
            self.each(plan, processes, |_, process| {
                if fresh.contains(&process.target) { outcomes.next().unwrap_or(Ok(())) } else { Ok(()) }
            })?;
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

    /// Warms up all processes, as many at once as there are cores, until the slowest to settle has settled: all make
    /// equally many calls.
    fn warm_up(&mut self, plan: RoundPlan, processes: &mut Vec<Process>) -> Result<(), Fault> {
        let begun = Instant::now();
        let mut cycles = 0;
        loop {
            let step = match cycles {
                0 => warm_up::FIRST,
                warm_up::FIRST => warm_up::FEWEST - warm_up::FIRST,
                _ => warm_up::STEP,
            };
            let outcomes: Vec<Result<(), Fault>> = {
                let this = &*self;
                // The slowest first, so that it isn't left to work alone at the end.
                let mut slowest_first: Vec<(usize, &mut Process)> = processes.iter_mut().enumerate().collect();
                slowest_first.sort_by(|(_, a), (_, b)| this.slowness(b.target).total_cmp(&this.slowness(a.target)));
                let mut outcomes = at_once(slowest_first, cores(), |(at, process)| {
                    let (id, health) = (process.id.clone(), this.health());
                    let now_at = |operation| this.observer.doing(&id, &format!("{operation} · warming up"));
                    let calls = |operation| this.warm_up_share(process.target, operation);
                    let operations: Vec<_> = this.plan.operations.iter().map(|&one| (one, calls(one))).collect();
                    (at, process.warming.warm(&mut process.suite, &operations, step, &health, now_at))
                });
                outcomes.sort_by_key(|(at, _)| *at);
                outcomes.into_iter().map(|(_, outcome)| outcome).collect()
            };
            let mut outcomes = outcomes.into_iter();
            self.each(plan, processes, |_, _| outcomes.next().unwrap_or(Ok(())))?;
            for process in &*processes {
                for &operation in &self.plan.operations {
                    if let Some(us) = process.warming.least_us(operation) {
                        self.recorded_ms.insert((process.target, operation), us / 1e3);
                    }
                }
            }
            cycles += step;
            let took = begun.elapsed();
            let next = took.mul_f64(warm_up::STEP as f64 / cycles as f64);
            let settled = processes.iter().all(|process| process.warming.has_settled());
            let spent = settled || cycles >= warm_up::MOST || took + next > plan.scale.warm_up;
            if spent && cycles >= plan.scale.fewest_cycles {
                return Ok(());
            }
        }
    }

    /// The share of a warm-up's calls that a target makes of an operation: all of them, or fewer where its calls do so
    /// much more that they warm its code in fewer. Many slices of an earlier round say it best.
    fn warm_up_share(&self, target: usize, operation: Operation) -> f64 {
        let known = if self.client_ms.is_empty() { &self.recorded_ms } else { &self.client_ms };
        let of_operation = known.iter().filter(|((_, one), _)| *one == operation).map(|(_, ms)| *ms);
        let fastest = of_operation.fold(f64::INFINITY, f64::min);
        let own = known.get(&(target, operation)).copied().unwrap_or(fastest);
        warm_up::share(own / fastest)
    }

    /// What one call of every operation takes a target, milliseconds.
    fn slowness(&self, target: usize) -> f64 {
        self.recorded_ms.iter().filter(|((one, _), _)| *one == target).map(|(_, ms)| ms).sum()
    }

    /// Measures every operation of the processes of one group: the client's cost first, then the library as it is used.
    fn measure_all(
        &mut self,
        plan: RoundPlan,
        times: &[(Operation, Times)],
        processes: &mut Vec<Process>,
        keeper: &mut Keeper,
    ) -> Result<(), Fault> {
        for process in &*processes {
            core::keep_on_one(process.pid);
        }
        self.measure_client(plan, times, processes)?;
        for process in &*processes {
            core::let_go(process.pid);
        }
        if self.plan.emphasis == Emphasis::ClientCost {
            return Ok(());
        }
        // What reads the whole table comes before what writes to it.
        let (scans, others): (Vec<_>, Vec<_>) =
            times.iter().copied().partition(|(operation, _)| operation.grows_with_the_table());
        for (operation, times) in scans {
            if plan.scale.is_large() {
                self.measure_once(plan, operation, processes)?;
            } else {
                let used = self.plan_used(plan, operation, times, processes)?;
                self.measure_used(plan, &used, processes)?;
            }
        }
        let mut used = Vec::new();
        for (operation, times) in others {
            used.push(self.plan_used(plan, operation, times, processes)?);
        }
        let preparing = Instant::now();
        self.prepare_deletions(&used, processes, keeper)?;
        self.time.table_s += preparing.elapsed().as_secs_f64();
        for one in &used {
            self.measure_used(plan, one, processes)?;
        }
        Ok(())
    }

    /// Writes what the processes are going to delete.
    fn prepare_deletions(
        &mut self,
        used: &[UsedPlan],
        processes: &mut [Process],
        keeper: &mut Keeper,
    ) -> Result<(), Fault> {
        self.prepared.clear();
        let concurrencies = self.plan.concurrencies();
        for one in used.iter().filter(|one| one.operation.consumes_items()) {
            for process in &mut *processes {
                let ms = process.operation(one.operation).ms_per_call;
                let calls = one.most_calls(process, ms, &concurrencies);
                keeper.prepare(process.lane, calls, false, &self.health())?;
                self.prepared.insert(process.target, calls);
            }
        }
        Ok(())
    }

    /// The measuring time of each operation in this round, all targets together.
    pub(super) fn times(&self, plan: RoundPlan, groups: u32) -> Vec<(Operation, Times)> {
        let RoundPlan { scale, round } = plan;
        if let Some(time) = scale.time {
            let all = time * self.results.targets.len().max(1) as u32;
            let times = Times { client: all, latency: all, throughput: all };
            return self.plan.operations.iter().map(|&operation| (operation, times)).collect();
        }
        let left = self.left(scale);
        let later = (scale.rounds.saturating_sub(round + 1)) * groups.max(1) + groups - 1;
        let cells = (self.results.targets.len() * self.plan.concurrencies().len()).max(1) as u32;
        let throughput = self.plan.throughput_time(scale) * cells / groups.max(1);
        let time = timing::measuring_time(left, later, self.fixed);
        let times = timing::share_out(time, throughput, &self.weights(scale));
        times.into_iter().map(|(operation, times)| (operation, times.emphasizing(self.plan.emphasis))).collect()
    }

    /// Says before measuring what the run will be able to show, from the noise of the warm-up and the slices that are
    /// planned. Scan has too few of them to be forecast.
    fn forecast_from_the_warm_up(&self, plan: RoundPlan, times: &[(Operation, Times)], processes: &[Process]) {
        let (rounds, budget) = (plan.scale.rounds, plan.scale.budget);
        let Some(baseline) = processes
            .iter()
            .position(|process| Some(&self.plan.targets[process.target].id) == self.plan.baseline.as_ref())
        else {
            return;
        };
        let warm_ups = processes.iter().flat_map(|process| &process.warming.operations);
        let windows = warm_ups.filter(|(operation, _)| !operation.grows_with_the_table());
        let Some(noise) = forecast::noise(windows.map(|(_, one)| one.windows_us.as_slice())) else { return };
        let mut variances = Vec::new();
        for &(operation, times) in times.iter().filter(|(operation, _)| !operation.grows_with_the_table()) {
            let turns = self.client_turns(operation, times, processes);
            let slices = |at: usize| (0..turns.count).filter(|&turn| turns.calls(turn, at) > 0).count() as f64;
            let others = (0..processes.len()).filter(|&at| at != baseline);
            variances.extend(others.map(|at| forecast::variance(noise, slices(at).min(slices(baseline)))));
        }
        self.observe_forecast("forecast", Forecast::of(&variances, rounds), budget);
    }

    /// Tells the observer what the run will be able to show.
    pub(super) fn observe_forecast(&self, when: &str, forecast: Option<Forecast>, budget: Duration) {
        let Some(forecast) = forecast.filter(|forecast| forecast.rounds >= FEW_ROUNDS) else { return };
        let difference = percent(forecast.difference());
        self.observer.line(&format!("{when}: this run will probably distinguish differences of {difference} and more"));
        self.observer.line(&format!(
            "  (half of the CPU ratios known to ±{} or better, with a budget of {})",
            percent(forecast.width()),
            humantime::format_duration(budget)
        ));
    }

    /// Puts the table back as it was.
    fn put_back(
        &self,
        plan: RoundPlan,
        processes: &mut [Process],
        targets: &[usize],
        keeper: &mut Keeper,
    ) -> Result<(), Fault> {
        let lanes: Vec<u32> = targets.iter().map(|&target| target as u32 + 1).collect();
        // How far one came that fell is not known.
        let unknown = if processes.len() < targets.len() { crate::plan::turns::MOST_CALLS } else { 0 };
        let prepared = self.prepared.values().copied().max().unwrap_or(0);
        let made = |operation: Operation| {
            let calls =
                processes.iter().filter_map(|process| Some(process.measured.get(&operation)?.calls)).max().unwrap_or(0);
            calls.max(unknown).max(if operation.consumes_items() { prepared } else { 0 })
        };
        self.restore(plan, &lanes, made, keeper)
    }

    /// Removes and undoes what some lanes' processes wrote: of each operation so many calls.
    fn restore(
        &self,
        plan: RoundPlan,
        lanes: &[u32],
        mut calls: impl FnMut(Operation) -> u64,
        keeper: &mut Keeper,
    ) -> Result<(), Fault> {
        for operation in Operation::ALL.into_iter().filter(|operation| !operation.only_reads()) {
            keeper.restore(lanes.to_vec(), operation, plan.round, calls(operation), &self.health())?;
        }
        Ok(())
    }

    /// Does something with each process. One that fails is blamed and leaves the round.
    pub(super) fn each(
        &mut self,
        plan: RoundPlan,
        processes: &mut Vec<Process>,
        act: impl FnMut(&mut Self, &mut Process) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let order = (0..processes.len()).collect();
        self.each_in(order, plan, processes, act)
    }

    /// The same in one of the turns in which processes are timed, whose order changes.
    pub(super) fn each_in_turn(
        &mut self,
        turn: u64,
        plan: RoundPlan,
        processes: &mut Vec<Process>,
        act: impl FnMut(&mut Self, &mut Process) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let order = turns::order(processes.len(), turn);
        self.each_in(order, plan, processes, act)
    }

    fn each_in(
        &mut self,
        order: Vec<usize>,
        plan: RoundPlan,
        processes: &mut Vec<Process>,
        mut act: impl FnMut(&mut Self, &mut Process) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut fallen = Vec::new();
        for index in order {
            if let Err(fault) = act(self, &mut processes[index]) {
                self.sampler.end();
                self.sampler.unwatch(&processes[index].id);
                self.blame(processes[index].target, plan.scale, fault)?;
                fallen.push(index);
            }
        }
        fallen.sort_unstable();
        for index in fallen.into_iter().rev() {
            processes.remove(index);
        }
        Ok(())
    }

    /// Takes what a round's processes measured into the results, and ends them.
    fn keep(&mut self, scale: &ScalePlan, processes: Vec<Process>) {
        let mut suites = Vec::new();
        for process in processes {
            self.sampler.unwatch(&process.id);
            for (operation, measured) in process.measured {
                let round = measured.round;
                if let Some(measurement) = self.results.measurement_mut(&scale.scale.name, operation, &process.id) {
                    // A round is repeated where the database died, or a signal came, after some targets had theirs.
                    measurement.per_round.retain(|kept| kept.round != round.round);
                    measurement.per_round.push(round);
                    measurement.errors = measurement.per_round.iter().map(|round| round.errors).sum();
                }
            }
            process.cold.keep(&scale.scale.name, &process.id, &mut self.results.cold_starts);
            suites.push(process.suite);
        }
        let count = suites.len();
        at_once(suites, count, VerifiedSuite::end);
        self.results.timeline.readings.extend(self.sampler.take_readings());
    }

    /// Writes down which target failed and why. The database's own end and a signal are nobody's fault here.
    fn blame(&mut self, target: usize, scale: &ScalePlan, fault: Fault) -> Result<(), Fault> {
        let id = &self.plan.targets[target].id;
        let (status, operation, failure) = match fault {
            Fault::Database(_) | Fault::Interrupted => return Err(fault),
            Fault::Failed(failure, operation) => (TargetStatus::Failed, operation, failure),
            Fault::WrongWork { stage, operation, expected, actual } => {
                let cause = format!("{operation}: expected {expected}, got {actual}");
                (TargetStatus::WrongWork, Some(operation), Failure { stage, cause })
            }
        };
        let first_line = failure.cause.lines().next().unwrap_or_default();
        self.observer.warn(&format!("{id} was dropped from this run: {}: {first_line}", failure.stage));
        let found = &mut self.results.targets[target];
        found.status = status;
        found.reason = Some(format!("{} ({} scale): {}", failure.stage, scale.scale.name, failure.cause));
        for measurement in &mut self.results.measurements {
            let at_fault =
                measurement.scale == scale.scale.name && operation.is_none_or(|at| at == measurement.operation);
            if measurement.target == *id
                && (status == TargetStatus::WrongWork || at_fault || measurement.per_round.is_empty())
            {
                measurement.failure = Some(failure.clone());
            }
        }
        Ok(())
    }

    /// Shows the observer how much of the round is done.
    pub(super) fn observe_progress(&self, phase: Phase, share: f64, processes: &[Process]) {
        const CLIENT: f64 = 0.55;
        let share = match phase {
            Phase::Client | Phase::WarmUp | Phase::Allocation => CLIENT * share,
            Phase::Latency | Phase::Throughput => CLIENT + (1.0 - CLIENT) * share,
        };
        for process in processes {
            self.observer.progress(&process.id, share);
        }
        // Against the database, operations are not measured in their order, and the share is a rough one.
        if phase == Phase::Client {
            self.observe_end(share);
        }
    }

    /// Shows the observer what a call of each target cost the client.
    pub(super) fn observe_costs(&self, operation: Operation, processes: &mut [Process]) {
        let cost = |process: &mut Process| {
            let id = process.id.clone();
            Some((id, parts::per_call(&summary::cpu_parts(&process.operation(operation).round))? * 1e3))
        };
        let costs: Vec<(String, f64)> = processes.iter_mut().filter_map(cost).collect();
        self.observer.costs(operation, &costs);
    }
}

/// What a process is verified in: all operations in full, and shortly all but Scan next to others, which would take longer
/// than all of them.
pub fn to_verify(operations: &[Operation], full: bool) -> Vec<Operation> {
    let is_left_out = |operation: Operation| !full && operations.len() > 1 && operation.grows_with_the_table();
    operations.iter().copied().filter(|&operation| !is_left_out(operation)).collect()
}

/// The operations in the order in which they are recorded: what only reads first, while the table is as it was seeded,
/// and Scan before the others, since a scan of a large table takes the server seconds: those of all targets come together.
pub fn to_record(operations: &[Operation]) -> Vec<Operation> {
    let mut operations = operations.to_vec();
    operations.sort_by_key(|operation| (!operation.only_reads(), !operation.grows_with_the_table()));
    operations
}
