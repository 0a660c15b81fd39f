//! One round: a fresh process of every target. All are alive and warm at the same time, and take turns.

use std::time::{Duration, Instant};

use super::at_once::at_once;
use super::observer::Began;
use super::process::Process;
use super::timing::{self, Times};
use super::used::UsedPlan;
use super::{RoundPlan, Runner};
use crate::analysis::forecast::{self, Forecast};
use crate::analysis::summary::{self, FEW_ROUNDS};
use crate::plan::ScalePlan;
use crate::plan::request::Emphasis;
use crate::results::{Design, Failure, Operation, ScheduledRound, TargetStatus};
use crate::system::format::percent;
use crate::workers::keeper::Keeper;
use crate::workers::protocol::Phase;
use crate::workers::suite::VerifiedSuite;
use crate::workers::worker::Fault;
use stats::parts;

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
        let first = targets.iter().any(|target| !self.recorded.contains(target));
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
        self.fixed.note_start(started_in, warmed_in, first);

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

    /// Measures every operation of the processes of one group: the client's cost first, then the library as it is used.
    fn measure_all(
        &mut self,
        plan: RoundPlan,
        times: &[(Operation, Times)],
        processes: &mut Vec<Process>,
        keeper: &mut Keeper,
    ) -> Result<(), Fault> {
        self.measure_client(plan, times, processes)?;
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
        let throughput = self.plan.throughput_time(scale, round) * cells / groups.max(1);
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
            let turns = self.planned_client_turns(plan.round, operation, times, processes);
            let slices = |at: usize| turns.turns_of(at) as f64;
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
    pub(super) fn restore(
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

    /// Blames each process whose part of what they all did at the same time failed: it leaves the round.
    pub(super) fn each_did(
        &mut self,
        plan: RoundPlan,
        processes: &mut Vec<Process>,
        outcomes: Vec<Result<(), Fault>>,
    ) -> Result<(), Fault> {
        let mut outcomes = outcomes.into_iter();
        self.each(plan, processes, |_, _| outcomes.next().unwrap_or(Ok(())))
    }

    /// Does something with each process in an order, as [`Runner::each`].
    pub(super) fn each_in(
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
    pub(super) fn blame(&mut self, target: usize, scale: &ScalePlan, fault: Fault) -> Result<(), Fault> {
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
