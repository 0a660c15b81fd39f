//! The rounds of a run: processes started, verified, warmed, timed in turn and ended, and the table put back as it was.
//! The only part that measures. What it measures goes raw into [`Results`]; figures are made of it elsewhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::database::Server;
use crate::exit::Exit;
use crate::interrupt;
use crate::keeper::{Keeper, Tables};
use crate::machine;
use crate::plan::{LATENCY_SHARE, LONGEST_WARM_UP, Plan, REHEARSAL_ITEMS, Rounds, ScalePlan, THROUGHPUT_SHARE};
use crate::progress::{Board, Progress};
use crate::protocol::{Measure, OpenSuite, Phase};
use crate::results::{
    Band, ColdStart, Design, Disturbance, DisturbanceKind, Estimate, Failure, FirstCall, Operation, Results, Round,
    ScheduledRound, Slice, TargetStatus, ThroughputPhase, WarmUp, Work,
};
use crate::sampler::{self, DATABASE, KEEPER, Sampler};
use crate::suite::{Suite, VerifiedSuite};
use crate::turns;
use crate::warmup::{self, WarmUps};
use crate::worker::{Fault, Probe};

/// Calls by which a freshly started server has settled.
pub const SERVER_WARM_UP_CALLS: u64 = 4_000;
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
/// The fewest rounds may take this much longer than the budget; then operations are left out.
const OVERRUN: f64 = 1.05;
/// Of an operation's calls, the share that may throw before it counts as failed.
const TOLERATED_ERRORS: f64 = 0.01;

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

/// One target's process in a round.
struct Member {
    target: usize,
    id: String,
    place: u32,
    lane: u32,
    pid: u32,
    suite: VerifiedSuite,
    warmed: WarmUps,
    /// The operation that it is at.
    current: Option<Current>,
    rounds: Vec<(Operation, Round)>,
    works: Vec<(Operation, Work)>,
    cold: Cold,
}

/// Which round of which scale, and when it should be over.
#[derive(Clone, Copy)]
struct RoundPlan<'a> {
    scale: &'a ScalePlan,
    round: u32,
    ends: Instant,
}

/// How long each phase of one operation is measured for, a target.
#[derive(Debug, Clone, Copy)]
struct Phases {
    latency: Duration,
    throughput: Duration,
}

/// What a fresh process paid before it was warm.
struct Cold {
    import_ms: f64,
    memory_mb: f64,
    first_call_ms: Vec<(Operation, f64)>,
}

/// One operation of one member while it is being measured.
struct Current {
    operation: Operation,
    round: Round,
    /// Calls to be made in the latency phase.
    latency_calls: u64,
    /// Calls to be made in the throughput phase with each number of calls in flight; 0 where the latency phase serves for both.
    throughput_calls: u64,
    /// Timed calls made so far: the next one's number.
    calls: u64,
    /// What the warm-up says that a call takes.
    ms_per_call: f64,
    from_ms: f64,
    error: Option<String>,
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
                let widest = crate::summary::widest_ratio(self.results, &scale.scale.name);
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
        self.speed.push((self.now_ms(), machine::speed_probe_ms()));
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

    /// How long each phase of the first of these operations is measured for, a target: as asked, or so that all of
    /// them are done by the round's end.
    fn phases(&self, RoundPlan { scale, ends, .. }: RoundPlan, operations: &[Operation], members: usize) -> Phases {
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
    fn measure(
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
                member.warmed = warmup::warm_up(&mut member.suite, operations, scale.warm_up, health, now_at)?;
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
        let measure = Measure {
            operation: current.operation,
            phase: Phase::Latency,
            calls,
            lead_in: turns::lead_in(calls),
            from: current.calls,
            check: turn + 1 == turns,
            concurrency: None,
        };
        let expected = Duration::from_secs_f64(current.ms_per_call * calls as f64 / 1e3);
        let at_ms = self.now_ms();
        let (sampler, id) = (self.sampler, member.id.as_str());
        let (begin, end) = (|| sampler.begin(id, true), || sampler.end());
        let end = member.suite.measure(measure, expected, &health(&self.server), begin, end)?;
        current.calls += turns::lead_in(calls) + calls;
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

impl Current {
    fn note_errors(&mut self, errors: u64, message: Option<String>) {
        self.round.errors += errors;
        self.error = self.error.take().or(message);
    }

    /// Fails where more calls threw than may of so many.
    fn check_errors(&self, of: u64) -> Result<(), Fault> {
        let errors = self.round.errors;
        if errors as f64 <= TOLERATED_ERRORS * of as f64 {
            return Ok(());
        }
        let error = self.error.as_deref().unwrap_or_default();
        let cause = format!("{errors} of {} calls threw: {error}", self.calls);
        Err(Fault::Failed(Failure { stage: "measure".into(), cause }, Some(self.operation)))
    }
}

impl Cold {
    /// Adds this process's values to those of the target's other processes.
    fn keep(self, scale: &str, target: &str, all: &mut Vec<ColdStart>) {
        let none = || Estimate { mean: 0.0, ci95: None, values: Vec::new() };
        let index = all.iter().position(|cold| cold.scale == scale && cold.target == target).unwrap_or_else(|| {
            all.push(ColdStart {
                scale: scale.to_owned(),
                target: target.to_owned(),
                import_ms: none(),
                memory_mb: none(),
                first_call_ms: Vec::new(),
            });
            all.len() - 1
        });
        let cold = &mut all[index];
        cold.import_ms.values.push(self.import_ms);
        cold.memory_mb.values.push(self.memory_mb);
        for (operation, ms) in self.first_call_ms {
            match cold.first_call_ms.iter_mut().find(|first| first.operation == operation) {
                Some(first) => first.ms.values.push(ms),
                None => cold.first_call_ms.push(FirstCall { operation, ms: Estimate { values: vec![ms], ..none() } }),
            }
        }
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
