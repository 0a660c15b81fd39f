//! What a run will do, decided before anything starts: scales, targets, operations, rounds, their order, and the time
//! it will take. Pure: a [`Request`] in, [`Plan`] out; `--dry-run` prints it.

pub mod library;
pub mod request;
pub mod turns;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_pcg::Pcg64;

use self::library::{LIBRARIES, Library};
use self::request::{DefaultMizzle, Emphasis, Request, TargetSpec};
use crate::results::{CallKind, Design, MOST_CONCURRENCIES, Operation, Scale};
use crate::system::exit::Exit;

/// With fewer rounds than this no stop is early: an interval from fewer processes is too wide to decide by.
const FEWEST_ROUNDS: u32 = 3;
/// More rounds than this narrow an interval too little to be worth their time.
pub const MOST_ROUNDS: u32 = 20;
/// A round shorter than this starts and warms up processes more than it measures them.
const ROUND: Duration = Duration::from_secs(50);
const LARGE_ROUND: Duration = Duration::from_secs(150);
/// The longest warm-up: the slowest library has settled by then.
const LONGEST_WARM_UP: Duration = Duration::from_secs(30);
/// The least time that a cell's throughput is measured for in a run, together with its rounds.
const SUSTAINED: Duration = Duration::from_millis(1_100);
/// A table of more items than this is scanned to its end once at the most: `DynamoDB` Local's scan time grows with the
/// square of the table.
const LARGE_ABOVE: u32 = 10_000;
/// Items of the table on which Scan is verified: 1.3 MB, so that a scan has a second page.
pub const REHEARSAL_ITEMS: u32 = 3_000;

/// The targets of a default run.
const USUAL_TARGETS: f64 = 4.0;

/// What a run will do.
#[derive(Debug, Clone)]
pub struct Plan {
    pub scales: Vec<ScalePlan>,
    pub operations: Vec<Operation>,
    pub targets: Vec<PlannedTarget>,
    /// The id of the target that others are compared with; none where it is not among the targets.
    pub baseline: Option<String>,
    pub rounds: Rounds,
    /// Calls in flight in the throughput phase.
    pub concurrency: u32,
    /// The same in phases besides, for the chart of throughput against concurrency.
    pub more_concurrencies: Vec<u32>,
    /// Half-width of a ratio's interval that is narrow enough; 0.02 is ±2%.
    pub precision: f64,
    pub margin: f64,
    pub design: Design,
    /// Which of each library's calls are measured.
    pub calls: CallKind,
    pub seed: u64,
    pub emphasis: Emphasis,
}

/// How a table of one size is measured.
#[derive(Debug, Clone)]
pub struct ScalePlan {
    pub scale: Scale,
    /// Measuring time per operation and phase in one round, where it was asked for; else the rounds share the budget.
    pub time: Option<Duration>,
    /// The longest that each process is warmed up.
    pub warm_up: Duration,
    /// Rounds that share the budget; fewer where the intervals are narrow enough before.
    pub rounds: u32,
    /// No further round begins when it would end later than this after the scale's start.
    pub budget: Duration,
    /// Cycles of warming up that every process makes, however long they take.
    pub fewest_cycles: u64,
}

impl ScalePlan {
    /// Whether a scan of the whole table takes the server so long that a part of it is measured instead.
    pub fn is_large(&self) -> bool {
        self.scale.items > LARGE_ABOVE
    }

    /// About the measuring time of one operation in one round, all its phases together, a target.
    pub fn measuring_time(&self, plan: &Plan) -> Duration {
        self.time.map_or_else(
            || {
                let targets = plan.targets.len().max(1) as u32;
                let round = (self.budget / self.rounds.max(1)).saturating_sub(START * targets);
                round / targets / plan.operations.len().max(1) as u32
            },
            |time| time * 3,
        )
    }
}

/// How many fresh processes each target gets at each scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounds {
    /// As asked.
    Exactly(u32),
    /// Until the intervals are narrow enough or the budget is spent.
    Adaptive { fewest: u32, most: u32 },
}

#[derive(Debug, Clone)]
pub struct PlannedTarget {
    pub id: String,
    pub library: Library,
    /// What npm is asked for; none is the version in the lock file.
    pub spec: Option<String>,
    /// Whether the user named the spec: then its failure ends the run.
    pub named: bool,
    /// How the spec was given, for messages: `--mizzle ../mizzle`.
    pub asked: String,
    /// Whether a folder's built files are measured as they lie.
    pub prebuilt: bool,
    pub handicap: BTreeMap<Operation, u64>,
    /// Calls out of 1,000 that are made twice.
    pub twice: BTreeMap<Operation, u32>,
    /// Of another commit, beside the target of this checkout.
    pub base_of: Option<BaseOf>,
}

/// What a target of another commit stands beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseOf {
    /// The other target's id.
    pub target: String,
    /// The commit's name.
    pub from: String,
}

impl PlannedTarget {
    /// What npm is asked for, in words.
    pub fn spec_in_words(&self) -> String {
        let spec = self.spec.as_deref().unwrap_or("locked");
        self.base_of.as_ref().map_or_else(|| spec.to_owned(), |base| format!("{spec}, of {}", base.from))
    }
}

impl Plan {
    /// # Errors
    /// [`Exit::BadInput`] for flags that are each right and together make no plan.
    pub fn decide(request: &Request) -> Result<Plan, Exit> {
        let targets = targets(request)?;
        let is_twin = |(index, target): (usize, &PlannedTarget)| {
            targets[..index].iter().any(|other| other.library == target.library)
        };
        if request.gated && !request.against && !targets.iter().enumerate().any(is_twin) {
            return Err(Exit::BadInput(
                "--fail-on: nothing is compared in this run; name --against, or a library at two versions (--target)"
                    .to_owned(),
            ));
        }
        let baseline = baseline(request, &targets)?;
        let mut scales: Vec<Scale> = Vec::new();
        for scale in &request.scales {
            if !scales.contains(scale) {
                scales.push(scale.clone());
            }
        }
        let mut operations =
            if request.operations.is_empty() { Operation::ALL.to_vec() } else { request.operations.clone() };
        operations.sort();
        operations.dedup();
        let (concurrency, more_concurrencies) = concurrencies(request)?;
        Ok(Plan {
            scales: scales.into_iter().map(|scale| plan_scale(scale, request, targets.len())).collect(),
            operations,
            targets,
            baseline,
            rounds: request
                .rounds
                .map_or(Rounds::Adaptive { fewest: FEWEST_ROUNDS, most: MOST_ROUNDS }, Rounds::Exactly),
            concurrency,
            more_concurrencies,
            precision: request.precision,
            margin: request.margin,
            design: request.design,
            calls: request.calls,
            seed: request.seed,
            emphasis: request.experiment.emphasis,
        })
    }

    /// Puts next to each target that another commit measures differently its like of that commit. `differs` says
    /// whether a library is such a one.
    ///
    /// # Errors
    /// Those of `differs`.
    pub fn stand_beside<E>(&mut self, commit: &str, differs: impl Fn(Library) -> Result<bool, E>) -> Result<(), E> {
        for new in std::mem::take(&mut self.targets) {
            let base = PlannedTarget {
                id: format!("{}@base", new.id),
                base_of: Some(BaseOf { target: new.id.clone(), from: commit.to_owned() }),
                handicap: BTreeMap::new(),
                twice: BTreeMap::new(),
                ..new.clone()
            };
            let changed = differs(new.library)?;
            self.targets.push(new);
            if changed {
                self.targets.push(base);
            }
        }
        Ok(())
    }

    /// Takes Mizzle from its default place where no flag names it. The line for people, where that is a working tree.
    pub fn take_mizzle_from(&mut self, found: &DefaultMizzle) -> Option<String> {
        let (spec, named) = match found {
            DefaultMizzle::Variable(spec) => (spec, true),
            DefaultMizzle::Sibling(spec) => (spec, false),
            DefaultMizzle::Registry => return None,
        };
        let unnamed = |target: &&mut PlannedTarget| target.library.id == "mizzle" && !target.named;
        let mut taken = false;
        for target in self.targets.iter_mut().filter(unnamed) {
            taken = true;
            target.named = named;
            target.spec = Some(spec.clone());
            target.asked = if named { format!("BENCH_MIZZLE={spec}") } else { spec.clone() };
        }
        (taken && !named).then(|| format!("Mizzle is measured from {spec} (--mizzle latest takes the published one)"))
    }

    /// All numbers of calls in flight that the throughput is measured with.
    pub fn concurrencies(&self) -> Vec<u32> {
        [self.concurrency].into_iter().chain(self.more_concurrencies.iter().copied()).collect()
    }

    /// The order of the targets in a round: one shuffled by the seed, turned by one place each round, so that each
    /// target stands in each place.
    pub fn order(&self, round: u32) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.targets.len()).collect();
        order.shuffle(&mut Pcg64::seed_from_u64(self.seed));
        order.rotate_left(round as usize % self.targets.len().max(1));
        order
    }

    /// The plan in words, for `--dry-run`.
    pub fn describe(&self, out: &Path) -> String {
        let mut text = String::new();
        let rounds = match self.rounds {
            Rounds::Exactly(rounds) => format!("{rounds} rounds"),
            Rounds::Adaptive { fewest, most } => format!(
                "{fewest} to {most}: until each ratio to the baseline is known to within ±{}%, or the time is spent",
                self.precision * 100.0
            ),
        };
        let operations: Vec<_> = self.operations.iter().map(|operation| operation.name()).collect();
        let _ = writeln!(text, "Operations  {}", operations.join(", "));
        let _ = writeln!(text, "Calls       {}", self.calls.name());
        for target in &self.targets {
            let mark = if Some(&target.id) == self.baseline.as_ref() { "  (baseline)" } else { "" };
            let _ = writeln!(text, "Target      {:<22} {}{mark}", target.id, target.spec_in_words());
        }
        let _ = writeln!(text, "Rounds      {rounds}");
        for scale in &self.scales {
            let seconds =
                |time: Duration| humantime::format_duration(Duration::from_secs(time.as_secs_f64().ceil() as u64));
            let time = scale.measuring_time(self);
            let _ = writeln!(
                text,
                "Scale       {} ({} items): about {} per operation, target and round; {} in all",
                scale.scale.name,
                scale.scale.items,
                humantime::format_duration(Duration::from_millis(time.as_millis() as u64 / 10 * 10)),
                match (self.rounds, scale.time) {
                    (Rounds::Exactly(rounds), Some(_)) =>
                        format!("about {}", seconds(self.time_of_a_round(scale) * rounds + seeding(&scale.scale))),
                    _ => format!("at most about {}", seconds(scale.budget)),
                }
            );
        }
        let _ = writeln!(text, "Order       turned by one place each round; seed {}", self.seed);
        for round in 0..self.targets.len().min(4) as u32 {
            let ids: Vec<_> = self.order(round).into_iter().map(|index| self.targets[index].id.as_str()).collect();
            let _ = writeln!(text, "  round {round}   {}", ids.join(", "));
        }
        let _ = write!(text, "Results     {}", out.display());
        text
    }

    /// About how long one round of a scale takes where its measuring time was asked for.
    fn time_of_a_round(&self, scale: &ScalePlan) -> Duration {
        (START + scale.measuring_time(self) * self.operations.len() as u32) * self.targets.len() as u32
    }

    /// Whether the rounds and what is in them depend on the time that is left.
    pub fn is_adaptive(&self) -> bool {
        matches!(self.rounds, Rounds::Adaptive { .. })
    }

    /// What a round is called while it goes on.
    pub fn title(&self, scale: &ScalePlan, round: u32) -> String {
        format!("{} · round {} of {}", scale.scale.name, round + 1, scale.rounds.max(round + 1))
    }

    /// The least time that the throughput of one target, operation and concurrency is measured for in one round.
    pub fn throughput_time(&self, scale: &ScalePlan) -> Duration {
        scale.time.unwrap_or(SUSTAINED / scale.rounds.max(1) / self.concurrencies().len().max(1) as u32)
    }
}

/// About how long starting, verifying and warming up one process take on a 2-core machine.
const START: Duration = Duration::from_millis(4_500);

/// About how long seeding and checking take.
fn seeding(scale: &Scale) -> Duration {
    Duration::from_secs(u64::from(4 + scale.items / 6_000))
}

fn plan_scale(scale: Scale, request: &Request, targets: usize) -> ScalePlan {
    let large = scale.items > LARGE_ABOVE;
    // More targets than the usual take more time, so that their intervals are as narrow.
    let share = (targets as f64 / USUAL_TARGETS).max(1.0);
    let usual = Duration::from_secs(if large { 450 } else { 165 });
    let budget = request.budget.unwrap_or(usual.mul_f64(share));
    let round = if large { LARGE_ROUND } else { ROUND }.mul_f64(share);
    let fitting = (budget.as_secs_f64() / round.as_secs_f64()) as u32;
    let rounds = request.rounds.unwrap_or(fitting.clamp(FEWEST_ROUNDS, MOST_ROUNDS));
    let warm_up = request.warm_up.unwrap_or(LONGEST_WARM_UP.min(budget / rounds / 3));
    let fewest_cycles = request.experiment.fewest_cycles;
    ScalePlan { time: request.time, warm_up, rounds, budget, fewest_cycles, scale }
}

fn targets(request: &Request) -> Result<Vec<PlannedTarget>, Exit> {
    let mut asked: Vec<TargetSpec> =
        request.orm.iter().map(|&library| TargetSpec { library, spec: None, is_version: false }).collect();
    asked.extend(request.targets.iter().cloned());
    if asked.is_empty() {
        let by_default = LIBRARIES.iter().copied().filter(|library| library.by_default);
        asked = by_default.map(|library| TargetSpec { library, spec: None, is_version: false }).collect();
    }
    if request.mizzle.is_some() && !asked.iter().any(|target| target.library.id == "mizzle" && target.spec.is_none()) {
        return Err(Exit::BadInput("--mizzle: Mizzle is not among the targets that --orm and --target name".into()));
    }
    let mut targets: Vec<PlannedTarget> = Vec::new();
    for target in asked {
        let spec = target.spec.clone().or_else(|| match target.library.id {
            "mizzle" => Some(request.mizzle.clone().unwrap_or_else(|| "latest".to_owned())),
            _ => None,
        });
        let base = match &target.spec {
            Some(version) if target.is_version => format!("{}@{version}", target.library.id),
            Some(_) => format!("{}@local", target.library.id),
            None => target.library.id.to_owned(),
        };
        let mut id = base.clone();
        let mut number = 2;
        while targets.iter().any(|other| other.id == id) {
            id = format!("{base}#{number}");
            number += 1;
        }
        let named = target.spec.is_some() || (target.library.id == "mizzle" && request.mizzle.is_some());
        let library = target.library;
        let asked = match (&target.spec, &spec) {
            (Some(spec), _) if target.is_version => format!("--target {}@{spec}", library.id),
            (Some(spec), _) => format!("--target {}={spec}", library.id),
            (None, Some(spec)) if named => format!("--mizzle {spec}"),
            (None, _) => library.name.to_owned(),
        };
        let (handicap, twice, prebuilt) = (BTreeMap::new(), BTreeMap::new(), request.prebuilt);
        targets.push(PlannedTarget { id, library, spec, named, asked, prebuilt, handicap, twice, base_of: None });
    }
    for handicap in &request.handicap {
        let target = targets.iter_mut().find(|target| target.id == handicap.target).ok_or_else(|| {
            Exit::BadInput(format!("--handicap: there is no target {:?} in this run", handicap.target))
        })?;
        let operations = handicap.operation.map_or_else(|| Operation::ALL.to_vec(), |operation| vec![operation]);
        target.handicap.extend(operations.into_iter().map(|operation| (operation, handicap.steps)));
    }
    for (id, operation, share) in &request.experiment.twice {
        for target in targets.iter_mut().filter(|target| target.id == *id) {
            target.twice.insert(*operation, (share.clamp(0.0, 1.0) * 1e3).round() as u32);
        }
    }
    Ok(targets)
}

/// The concurrency that the tables show, and the others in order.
fn concurrencies(request: &Request) -> Result<(u32, Vec<u32>), Exit> {
    let (&first, more) = request
        .concurrency
        .split_first()
        .ok_or_else(|| Exit::BadInput("--concurrency: it names no number".to_owned()))?;
    let more: BTreeSet<u32> = more.iter().copied().filter(|&other| other != first).collect();
    if more.len() >= MOST_CONCURRENCIES {
        return Err(Exit::BadInput(format!(
            "--concurrency: {} numbers of calls in flight; a run measures at most {MOST_CONCURRENCIES}",
            more.len() + 1
        )));
    }
    Ok((first, more.into_iter().collect()))
}

fn baseline(request: &Request, targets: &[PlannedTarget]) -> Result<Option<String>, Exit> {
    let id = request.baseline.as_deref().unwrap_or("aws-sdk");
    if targets.iter().any(|target| target.id == id) {
        return Ok(Some(id.to_owned()));
    }
    if request.baseline.is_some() {
        let known: Vec<_> = targets.iter().map(|target| target.id.as_str()).collect();
        return Err(Exit::BadInput(format!(
            "--baseline {id}: it is not among the targets of this run, which are {}",
            known.join(", ")
        )));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;

    fn plan(arguments: &str) -> Result<Plan, Exit> {
        let line = ["cargo xtask", "bench"].into_iter().chain(arguments.split_whitespace());
        match Cli::try_parse_from(line).unwrap().command {
            Command::Bench(bench) => Plan::decide(&bench.request()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_target_stands_in_each_place_once_in_as_many_rounds_as_there_are_targets() {
        let plan = plan("").unwrap();
        for place in 0..4 {
            let mut who: Vec<_> = (0..4).map(|round| plan.order(round)[place]).collect();
            who.sort_unstable();
            assert_eq!(who, [0, 1, 2, 3]);
        }
    }

    #[test]
    fn the_order_depends_on_the_seed_and_on_nothing_else() {
        assert_eq!(plan("--seed 7").unwrap().order(3), plan("--seed 7 --scale large").unwrap().order(3));
        let orders: Vec<_> = (0..8).map(|seed| plan(&format!("--seed {seed}")).unwrap().order(0)).collect();
        assert!(orders.iter().any(|order| *order != orders[0]));
    }

    #[test]
    fn all_libraries_are_measured_where_that_is_asked_for_and_get_more_time() {
        let ids = |plan: &Plan| plan.targets.iter().map(|target| target.id.clone()).collect::<Vec<_>>();
        let (usual, all) = (plan("").unwrap(), plan("--orm all").unwrap());
        assert_eq!(ids(&usual), ["aws-sdk", "mizzle", "dynamoose", "electrodb"]);
        assert_eq!(all.targets.len(), LIBRARIES.len());
        assert!(all.scales[0].budget > usual.scales[0].budget * 2);
        assert_eq!(all.scales[0].rounds, usual.scales[0].rounds);
    }

    #[test]
    fn the_same_target_twice_has_two_ids() {
        let plan = plan("--target aws-sdk --target aws-sdk --target mizzle@1.2.0 --target mizzle=../m").unwrap();
        let ids: Vec<_> = plan.targets.iter().map(|target| target.id.as_str()).collect();
        assert_eq!(ids, ["aws-sdk", "aws-sdk#2", "mizzle@1.2.0", "mizzle@local"]);
    }

    #[test]
    fn mizzle_comes_from_a_working_tree_only_where_no_flag_names_it() {
        let found = |arguments: &str, from: &DefaultMizzle| {
            let mut plan = plan(arguments).unwrap();
            let words = plan.take_mizzle_from(from);
            let mizzle = plan.targets.into_iter().find(|target| target.library.id == "mizzle");
            (mizzle.map(|mizzle| (mizzle.spec.unwrap(), mizzle.named)), words.is_some())
        };
        let (sibling, variable) =
            (DefaultMizzle::Sibling("../mizzle".to_owned()), DefaultMizzle::Variable("../fork".to_owned()));
        let taken = |spec: &str, named: bool| Some((spec.to_owned(), named));
        assert_eq!(found("", &sibling), (taken("../mizzle", false), true));
        assert_eq!(found("", &variable), (taken("../fork", true), false));
        assert_eq!(found("", &DefaultMizzle::Registry), (taken("latest", false), false));
        assert_eq!(found("--mizzle 1.2.0", &sibling), (taken("1.2.0", true), false));
        assert_eq!(found("--orm aws-sdk", &sibling), (None, false));
    }

    #[test]
    fn a_baseline_that_is_not_measured_is_refused_where_it_was_asked_for() {
        assert_eq!(plan("--orm mizzle").unwrap().baseline, None);
        let why = plan("--orm mizzle --baseline dynamoose").unwrap_err();
        assert!(matches!(&why, Exit::BadInput(text) if text.contains("--baseline dynamoose")), "{why:?}");
    }

    #[test]
    fn what_is_to_fail_must_be_compared_with_something() {
        let why = plan("--fail-on 5% --target mizzle@1.2.0 --orm aws-sdk").unwrap_err();
        assert!(matches!(&why, Exit::BadInput(text) if text.contains("--against")), "{why:?}");
        assert!(plan("--fail-on 5% --against main").is_ok());
        assert!(plan("--fail-on 5% --target mizzle@1.2.0 --target mizzle=../m").is_ok());
    }

    #[test]
    fn operations_and_scales_are_in_the_contracts_order_and_once() {
        let plan = plan("--op scan --op GetItem --op Scan --scale all --scale small").unwrap();
        assert_eq!(plan.operations, [Operation::GetItem, Operation::Scan]);
        let names: Vec<_> = plan.scales.iter().map(|scale| scale.scale.name.as_str()).collect();
        assert_eq!(names, ["small", "large"]);
    }
}
