//! The rounds of a run: processes started, verified, warmed, timed in turn and ended, and the table put back as it was.
//! The only part that measures. What it measures goes raw into [`Results`]; figures are made of it elsewhere.

mod member;
mod operation;
pub mod resume;
pub mod warm_up;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use self::warm_up::WarmUps;
use crate::machine::load;
use crate::machine::sampler::{DATABASE, KEEPER, Sampler};
use crate::plan::{LONGEST_WARM_UP, Plan, REHEARSAL_ITEMS, Rounds, ScalePlan};
use crate::results::{Design, Disturbance, DisturbanceKind, Failure, Operation, Results, ScheduledRound, TargetStatus};
use crate::setup::database::Server;
use crate::system::exit::Exit;
use crate::system::interrupt;
use crate::system::progress::{Board, Progress};
use crate::workers::keeper::{Keeper, Tables};
use crate::workers::protocol::OpenSuite;
use crate::workers::suite::Suite;
use crate::workers::worker::{Fault, Probe};

use member::{Cold, Member};

/// Calls by which a freshly started server has settled.
pub const SERVER_WARM_UP_CALLS: u64 = 4_000;
/// The fewest rounds may take this much longer than the budget; then operations are left out.
const OVERRUN: f64 = 1.05;

/// What the rounds of a run share.
pub struct Runner<'a> {
    pub plan: &'a Plan,
    pub progress: &'a Progress,
    pub npm: &'a Path,
    /// The install that the table keeper runs in.
    pub benchmark: &'a Path,
    /// The install of each target, by its index in the plan; none where npm could not deliver it.
    pub installs: Vec<Option<PathBuf>>,
    /// Where logs go.
    pub out: &'a Path,
    pub origin: Instant,
    pub scale_started: Instant,
    /// The longest that each operation took in a round of this scale.
    pub took: BTreeMap<Operation, Duration>,
    /// What a scan by each target took, milliseconds.
    pub scan_ms: BTreeMap<usize, f64>,
    pub sampler: &'a Sampler,
    pub server: Server,
    /// Starts another server after the first died.
    pub start_server: &'a dyn Fn() -> anyhow::Result<Server>,
    pub restarted: bool,
    /// When a round began and how long the fixed arithmetic took then, milliseconds.
    pub speed: Vec<(f64, f64)>,
    pub results: &'a mut Results,
    /// Summarises and writes what there is so far.
    pub save: &'a dyn Fn(&mut Results) -> anyhow::Result<()>,
}

/// Which round of which scale, and when it should be over.
#[derive(Clone, Copy)]
pub struct RoundPlan<'a> {
    scale: &'a ScalePlan,
    round: u32,
    ends: Instant,
}

impl Runner<'_> {
    /// Seeds the table of one scale and measures its rounds; why it stopped measuring.
    ///
    /// # Errors
    /// A signal, a database that died twice, or a table that is not as it was. A target's failure is no error: it is
    /// in the results.
    pub fn run_scale(&mut self, scale: &ScalePlan) -> anyhow::Result<String> {
        self.scale_started = Instant::now();
        self.took.clear();
        self.scan_ms.clear();
        let mut keeper = self.seed(scale)?;
        let mut round = self.rounds_done(scale);
        let mut last = Duration::ZERO;
        let why = loop {
            if let Some(why) = self.enough(scale, round, last) {
                break why;
            }
            let begun = Instant::now();
            match self.round(scale, round, &mut keeper) {
                Ok(()) => {
                    last = begun.elapsed();
                    round += 1;
                }
                Err(Fault::Database(why)) => {
                    drop(keeper);
                    self.restart_database(&why)?;
                    keeper = self.seed(scale)?;
                }
                Err(Fault::Interrupted) => interrupt::check()?,
                // A target's own fault is in the results by now.
                Err(fault) => return Err(Exit::Failed(format!("the table keeper failed: {fault}")).into()),
            }
        };
        keeper.end(&health(&self.server));
        Ok(why)
    }

    /// Whether measuring is done, and why.
    fn enough(&self, scale: &ScalePlan, round: u32, last: Duration) -> Option<String> {
        if !self.results.targets.iter().any(|target| target.status == TargetStatus::Ok) {
            return Some("no target is left to measure".into());
        }
        match self.plan.rounds {
            Rounds::Exactly(rounds) => (round >= rounds).then(|| format!("the {rounds} rounds asked for are done")),
            // Two rounds at least have an interval; more than those must fit, however few they are.
            Rounds::Adaptive { fewest, .. }
                if round < 2 || (round < fewest && self.scale_started.elapsed() < scale.budget) =>
            {
                None
            }
            Rounds::Adaptive { most, .. } => {
                let widest = crate::analysis::summary::widest_ratio(self.results, &scale.scale.name);
                if widest.is_some_and(|widest| widest <= self.plan.precision) {
                    Some(format!(
                        "every ratio of CPU per call is known to ±{}% after {round} rounds",
                        self.plan.precision * 100.0
                    ))
                } else if round >= most {
                    Some(format!("{most} rounds are done, the most that a run makes"))
                } else if self.scale_started.elapsed() + last > scale.budget {
                    Some(format!(
                        "the time of {} is spent after {round} rounds",
                        humantime::format_duration(scale.budget)
                    ))
                } else {
                    None
                }
            }
        }
    }

    /// Whether the rounds and what is in them depend on the time that is left.
    fn adapts(&self) -> bool {
        matches!(self.plan.rounds, Rounds::Adaptive { .. })
    }

    /// When a round should be over: the rounds that are left share the time that is left.
    fn round_ends(&self, scale: &ScalePlan, round: u32) -> Instant {
        let left = scale.budget.saturating_sub(self.scale_started.elapsed());
        Instant::now() + left / scale.rounds.saturating_sub(round).max(1)
    }

    /// Rounds of this scale that the results hold already (a resumed run's).
    fn rounds_done(&self, scale: &ScalePlan) -> u32 {
        let schedule = self.results.schedule.iter().filter(|round| round.scale == scale.scale.name);
        schedule.map(|round| round.round + 1).max().unwrap_or(0)
    }

    fn tables(&self, scale: &ScalePlan) -> Tables {
        let table = format!("bench-{}-{}", self.results.run.id, scale.scale.name);
        Tables {
            endpoint: self.server.endpoint.clone(),
            rehearsal_table: scale.has_rehearsal().then(|| format!("{table}-rehearsal")),
            table,
            items: scale.scale.items,
            rehearsal_items: REHEARSAL_ITEMS,
            seed: self.plan.seed,
        }
    }

    /// Starts a table keeper, seeds the table and warms the server, once more with another server if this one dies.
    fn seed(&mut self, scale: &ScalePlan) -> anyhow::Result<Keeper> {
        loop {
            match self.try_seed(scale) {
                Err(why) if why.downcast_ref::<Fault>().is_some_and(|fault| matches!(fault, Fault::Database(_))) => {
                    self.restart_database(&format!("{why:#}"))?;
                }
                other => {
                    interrupt::check()?;
                    return other;
                }
            }
        }
    }

    fn try_seed(&self, scale: &ScalePlan) -> anyhow::Result<Keeper> {
        let tables = self.tables(scale);
        let health = health(&self.server);
        let step = self.progress.step(format!("seeding {} items", tables.items));
        let log = self.out.join(format!("keeper-{}.log", scale.scale.name));
        let mut keeper = Keeper::start(self.npm, self.benchmark, log, &tables, &health)?;
        self.sampler.watch(KEEPER, keeper.pid);
        keeper.create(&health, |done, total| step.position(done, total))?;
        step.now("and warming the server");
        // Whoever asks for a shorter warm-up has no use for a long one here.
        let share = scale.warm_up.div_duration_f64(LONGEST_WARM_UP).clamp(0.1, 1.0);
        keeper.warm((SERVER_WARM_UP_CALLS as f64 * share) as u64, &health)?;
        keeper.check(&health)?;
        step.done(format!("seeded {} items, warmed the server and checked the table", tables.items));
        Ok(keeper)
    }

    fn restart_database(&mut self, why: &str) -> anyhow::Result<()> {
        let log = self.server.log_tail(20);
        if self.restarted {
            return Err(
                Exit::Failed(format!("the database died a second time ({why}); the end of its log:\n{log}")).into()
            );
        }
        self.restarted = true;
        self.progress.warn(format!("the database died ({why}); starting another and repeating the round"));
        self.results.disturbances.push(Disturbance {
            kind: DisturbanceKind::DatabaseRestarted,
            at_ms: Some(self.now_ms()),
            detail: format!("the database was restarted and reseeded, and the round repeated: {why}"),
            serious: true,
        });
        self.server.stop();
        self.server = (self.start_server)().context("starting the database again")?;
        if let Some(pid) = self.server.pid {
            self.sampler.watch(DATABASE, pid);
        }
        Ok(())
    }

    /// One round: every target that still can, in this round's order, all at once or one after the other.
    fn round(&mut self, scale: &ScalePlan, round: u32, keeper: &mut Keeper) -> Result<(), Fault> {
        let order: Vec<usize> = self
            .plan
            .order(round)
            .into_iter()
            .filter(|&target| self.results.targets[target].status == TargetStatus::Ok)
            .collect();
        let ids: Vec<String> = order.iter().map(|&target| self.plan.targets[target].id.clone()).collect();
        let until = self.adapts().then(|| self.scale_started + scale.budget);
        let title = self.title(scale, round);
        let board = self.progress.board(&title, until, &ids, self.plan.operations.len());
        let groups: Vec<Vec<usize>> = match self.plan.design {
            Design::Paired => vec![order],
            Design::Sequential => order.into_iter().map(|target| vec![target]).collect(),
        };
        let mut place = 0;
        self.speed.push((self.now_ms(), load::speed_probe_ms()));
        let ends = self.round_ends(scale, round);
        let count = groups.len() as u32;
        for (done, group) in groups.into_iter().enumerate() {
            let now = Instant::now();
            let ends = now + ends.saturating_duration_since(now) / (count - done as u32);
            let members = self.group(RoundPlan { scale, round, ends }, place, &group, keeper, &board)?;
            place += group.len() as u32;
            self.keep(scale, members);
            keeper.check(&health(&self.server))?;
            self.write();
        }
        self.results.schedule.push(ScheduledRound { scale: scale.scale.name.clone(), round, order: ids });
        self.write();
        Ok(())
    }

    fn title(&self, scale: &ScalePlan, round: u32) -> String {
        match self.plan.rounds {
            Rounds::Exactly(rounds) => format!("{} · round {} of {rounds}", scale.scale.name, round + 1),
            Rounds::Adaptive { .. } => format!("{} · round {}", scale.scale.name, round + 1),
        }
    }

    /// Starts the processes of some targets, measures every operation of them in turn, and ends them.
    fn group(
        &mut self,
        plan: RoundPlan,
        first_place: u32,
        targets: &[usize],
        keeper: &mut Keeper,
        board: &Board,
    ) -> Result<Vec<Member>, Fault> {
        let RoundPlan { scale, round, .. } = plan;
        let mut members = Vec::new();
        for (place, &target) in targets.iter().enumerate() {
            board.now(&self.plan.targets[target].id, "starting and verifying");
            match self.start(scale, round, first_place + place as u32, target) {
                Ok(member) => members.push(member),
                Err(fault) => {
                    self.blame(target, scale, fault)?;
                    // The next target's scan must not find what this one wrote.
                    self.tidy(&[target as u32 + 1], round, keeper)?;
                }
            }
        }
        match self.measure_all(plan, &mut members, keeper, board) {
            Ok(()) => Ok(members),
            Err(Fault::Interrupted) => {
                // The operations that are done are kept; the round is not among the finished ones.
                self.keep(scale, members);
                Err(Fault::Interrupted)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Warms up and measures every operation of the processes of one group.
    fn measure_all(
        &mut self,
        plan: RoundPlan,
        members: &mut Vec<Member>,
        keeper: &mut Keeper,
        board: &Board,
    ) -> Result<(), Fault> {
        let RoundPlan { scale, round, .. } = plan;
        let mut fallen: Vec<u32> = members.iter().map(|member| member.lane).collect();
        self.warm_up(scale, members, board)?;
        // The others' items stay: they are removed in order, from the first one on.
        fallen.retain(|&lane| members.iter().all(|member| member.lane != lane));
        if !fallen.is_empty() {
            self.tidy(&fallen, round, keeper)?;
        }
        for (done, &operation) in self.plan.operations.iter().enumerate() {
            let took = self.took.get(&operation).copied().unwrap_or_default();
            if self.adapts() && round > 0 && self.scale_started.elapsed() + took > scale.budget.mul_f64(OVERRUN) {
                self.progress.line(format!("  {operation} is left out of round {}: no time is left for it", round + 1));
                // Its warm-up wrote to the table all the same.
                let lanes = members.iter().map(|member| member.lane).collect();
                keeper.restore(lanes, operation, round, 0, &health(&self.server))?;
                continue;
            }
            let begun = Instant::now();
            let phases = self.phases(plan, &self.plan.operations[done..], members.len());
            self.measure(plan, operation, phases, members, keeper, board)?;
            self.took.insert(operation, begun.elapsed().max(took));
        }
        for member in &*members {
            self.sampler.unwatch(&member.id);
        }
        Ok(())
    }

    /// Starts one target's process and has its work verified.
    fn start(&mut self, scale: &ScalePlan, round: u32, place: u32, target: usize) -> Result<Member, Fault> {
        let planned = &self.plan.targets[target];
        let tables = self.tables(scale);
        let job = OpenSuite {
            target: planned.id.clone(),
            adapter: planned.library.id.to_owned(),
            endpoint: tables.endpoint,
            table: tables.table,
            rehearsal_table: tables.rehearsal_table,
            items: tables.items,
            rehearsal_items: tables.rehearsal_items,
            seed: tables.seed,
            round,
            lane: target as u32 + 1,
            call_timeout_ms: call_limit(scale).as_millis() as u64,
            handicap_us: planned.handicap_us.clone(),
        };
        let install = self.installs[target].as_deref().unwrap_or(self.benchmark);
        let log = self.out.join(format!("suite-{}-{}-{round}.log", scale.scale.name, file_name(&planned.id)));
        let health = health(&self.server);
        let (suite, ready) = Suite::open(self.npm, install, log, job, &health)?;
        self.sampler.watch(&planned.id, ready.pid);
        let (suite, verified) = suite.verify(&self.plan.operations, &health)?;
        let first_calls = verified.iter().filter_map(|found| Some((found.operation, found.first_call_ms?)));
        Ok(Member {
            target,
            id: planned.id.clone(),
            place,
            lane: target as u32 + 1,
            pid: ready.pid,
            suite,
            warmed: WarmUps::new(),
            current: None,
            rounds: Vec::new(),
            cold: Cold {
                import_ms: ready.import_ms.unwrap_or_default(),
                memory_mb: ready.memory_mb.unwrap_or_default(),
                first_call_ms: first_calls.collect(),
            },
            works: verified.into_iter().filter_map(|found| Some((found.operation, found.work?))).collect(),
        })
    }

    /// Removes what targets wrote that fell while they were verified or warmed up.
    fn tidy(&self, lanes: &[u32], round: u32, keeper: &mut Keeper) -> Result<(), Fault> {
        for operation in [Operation::PutItem, Operation::UpdateItem] {
            keeper.restore(lanes.to_vec(), operation, round, 0, &health(&self.server))?;
        }
        Ok(())
    }

    /// Gives each member its turn, from the one at `first` on. One that fails is blamed and leaves the round.
    fn each(
        &mut self,
        scale: &ScalePlan,
        members: &mut Vec<Member>,
        first: usize,
        mut turn: impl FnMut(&mut Self, &mut Member) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut fallen = Vec::new();
        let count = members.len();
        for index in (0..count).map(|index| (first + index) % count) {
            if let Err(fault) = turn(self, &mut members[index]) {
                self.sampler.end();
                self.sampler.unwatch(&members[index].id);
                self.blame(members[index].target, scale, fault)?;
                fallen.push(index);
            }
        }
        fallen.sort_unstable();
        for index in fallen.into_iter().rev() {
            members.remove(index);
        }
        Ok(())
    }

    /// Warms up all members at the same time: nothing is measured here, and the cores would idle otherwise.
    fn warm_up(&mut self, scale: &ScalePlan, members: &mut Vec<Member>, board: &Board) -> Result<(), Fault> {
        let operations = &self.plan.operations;
        let warmed: Vec<Result<(), Fault>> = {
            let health = &health(&self.server);
            let warm_up = |member: &mut Member| {
                let now_at = |operation| board.now(&member.id, &format!("{operation} · warming up"));
                member.warmed = warm_up::warm_up(&mut member.suite, operations, scale.warm_up, health, now_at)?;
                Ok(())
            };
            let warm_up = &warm_up;
            std::thread::scope(|threads| {
                let started: Vec<_> = members.iter_mut().map(|member| threads.spawn(move || warm_up(member))).collect();
                let panicked = || Failure { stage: "warm-up".into(), cause: "its thread panicked".into() };
                let ended = started.into_iter().map(std::thread::ScopedJoinHandle::join);
                ended.map(|ended| ended.unwrap_or_else(|_| Err(Fault::Failed(panicked(), None)))).collect()
            })
        };
        let mut outcomes = warmed.into_iter();
        self.each(scale, members, 0, |_, _| outcomes.next().unwrap_or(Ok(())))
    }

    /// Takes what a round's processes measured into the results, and ends them.
    fn keep(&mut self, scale: &ScalePlan, members: Vec<Member>) {
        for member in members {
            for (operation, round) in member.rounds {
                if let Some(measurement) = self.results.measurement_mut(&scale.scale.name, operation, &member.id) {
                    // A round is repeated where the database died, or a signal came, after some targets had theirs.
                    measurement.per_round.retain(|kept| kept.round != round.round);
                    measurement.per_round.push(round);
                    measurement.errors = measurement.per_round.iter().map(|round| round.errors).sum();
                }
            }
            for (operation, work) in member.works {
                if let Some(measurement) = self.results.measurement_mut(&scale.scale.name, operation, &member.id) {
                    measurement.work = Some(work);
                }
            }
            member.cold.keep(&scale.scale.name, &member.id, &mut self.results.cold_starts);
            member.suite.end();
        }
        self.results.timeline.readings.extend(self.sampler.take_readings());
    }

    /// Writes down which target failed and why. The database's own end and a signal are nobody's fault here.
    fn blame(&mut self, target: usize, scale: &ScalePlan, fault: Fault) -> Result<(), Fault> {
        let id = &self.plan.targets[target].id;
        let (status, operation, failure) = match fault {
            Fault::Database(_) | Fault::Interrupted => return Err(fault),
            Fault::Failed(failure, operation) => (TargetStatus::Failed, operation, failure),
            Fault::WrongWork { operation, expected, actual } => {
                let cause = format!("{operation}: expected {expected}, got {actual}");
                (TargetStatus::WrongWork, Some(operation), Failure { stage: "verify".into(), cause })
            }
        };
        let first_line = failure.cause.lines().next().unwrap_or_default();
        self.progress.warn(format!("{id} is out of this run: {}: {first_line}", failure.stage));
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

    /// Writes what there is; a disk that is full must not end the measuring, and is met again at the end.
    fn write(&mut self) {
        if let Err(why) = (self.save)(self.results) {
            self.progress.warn(format!("{why:#}"));
        }
    }

    fn now_ms(&self) -> f64 {
        (self.origin.elapsed().as_secs_f64() * 1e4).round() / 10.0
    }
}

/// What to look at while a worker is waited for.
pub fn health(server: &Server) -> impl Fn(Probe) -> Option<String> + '_ {
    move |probe| match probe {
        Probe::Alive if server.is_alive() => None,
        Probe::Answers if server.is_alive() && server.answers() => None,
        _ if server.is_alive() => Some("it stopped answering".to_owned()),
        _ => Some("its process ended".to_owned()),
    }
}

/// The longest that one call may take: a scan of a large table is as slow as the table is large.
fn call_limit(scale: &ScalePlan) -> Duration {
    let scans = 120.0 * (f64::from(scale.scale.items) / 1e5).powi(2);
    Duration::from_secs_f64(30.0 + scans.min(86_400.0))
}

/// An id as part of a file's name.
fn file_name(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '_' }).collect()
}
