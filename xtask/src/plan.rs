//! What a run will do, decided before anything starts: scales, targets, operations, rounds, their order, and the time
//! it will take. Pure: flags in, [`Plan`] out; `--dry-run` prints it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_pcg::Pcg64;

use crate::against::Against;
use crate::checkout::Checkout;
use crate::cli::{Bench, LIBRARIES, Library, TargetSpec};
use crate::exit::Exit;
use crate::npm::DefaultMizzle;
use crate::results::{Design, Operation, Scale};

/// With fewer rounds than this no stop is early: an interval from fewer processes is too wide to decide by.
const FEWEST_ROUNDS: u32 = 3;
/// More rounds than this narrow an interval too little to be worth their time.
const MOST_ROUNDS: u32 = 20;
/// A round shorter than this starts and warms up processes more than it measures them.
const ROUND: Duration = Duration::from_secs(50);
const LARGE_ROUND: Duration = Duration::from_secs(240);
/// The longest warm-up: the slowest library has settled by then.
pub const LONGEST_WARM_UP: Duration = Duration::from_secs(20);
/// Of an operation's time in a round, what each phase gets; the rest is for settling and for restoring the table.
pub const LATENCY_SHARE: f64 = 0.5;
pub const THROUGHPUT_SHARE: f64 = 0.35;
/// Numbers of calls in flight that one run measures the throughput with: they share that phase's time.
pub const MOST_CONCURRENCIES: usize = 8;
/// A table of more items than this has a smaller one beside it, on which Scan is verified and warmed up: DynamoDB
/// Local's scan time grows with the square of the table.
const REHEARSE_ABOVE: u32 = 10_000;
/// Items of the rehearsal table: 1.3 MB, so that a scan has a second page.
pub const REHEARSAL_ITEMS: u32 = 3_000;
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
    pub seed: u64,
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
}

impl ScalePlan {
    pub fn has_rehearsal(&self) -> bool {
        self.scale.items > REHEARSE_ABOVE
    }

    /// About how long one scan of the table takes: 35 ms for 1,000 items, 36 s for 100,000.
    pub fn scan(&self) -> Duration {
        Duration::from_secs_f64(36.0 * (f64::from(self.scale.items) / 1e5).powi(2))
    }

    /// About the measuring time of one operation's latency phase in one round.
    pub fn latency_time(&self, plan: &Plan) -> Duration {
        self.time.unwrap_or_else(|| {
            let targets = plan.targets.len().max(1) as u32;
            let scans = if self.has_rehearsal() { self.scan() * targets } else { Duration::ZERO };
            let fixed = START * targets + self.warm_up + scans;
            let each = (self.budget / self.rounds.max(1)).saturating_sub(fixed) / targets;
            (each / plan.operations.len().max(1) as u32).mul_f64(LATENCY_SHARE)
        })
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
    pub handicap_us: BTreeMap<Operation, f64>,
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
    pub fn decide(flags: &Bench) -> Result<Plan, Exit> {
        let targets = targets(flags)?;
        let is_twin = |(index, target): (usize, &PlannedTarget)| {
            targets[..index].iter().any(|other| other.library == target.library)
        };
        if !flags.fail_on.is_empty() && flags.against.is_none() && !targets.iter().enumerate().any(is_twin) {
            return Err(Exit::BadInput(
                "--fail-on: nothing is compared in this run; name --against, or a library at two versions (--target)"
                    .to_owned(),
            ));
        }
        let baseline = baseline(flags, &targets)?;
        let mut scales: Vec<Scale> = Vec::new();
        for scale in flags.scale.iter().flat_map(|scales| &scales.0) {
            if !scales.contains(scale) {
                scales.push(scale.clone());
            }
        }
        let mut operations = if flags.op.is_empty() { Operation::ALL.to_vec() } else { flags.op.clone() };
        operations.sort();
        operations.dedup();
        let (concurrency, more_concurrencies) = concurrencies(flags)?;
        Ok(Plan {
            scales: scales.into_iter().map(|scale| plan_scale(scale, flags)).collect(),
            operations,
            targets,
            baseline,
            rounds: flags.rounds.map_or(Rounds::Adaptive { fewest: FEWEST_ROUNDS, most: MOST_ROUNDS }, Rounds::Exactly),
            concurrency,
            more_concurrencies,
            precision: flags.precision,
            margin: flags.margin,
            design: flags.design.into(),
            seed: flags.seed,
        })
    }

    /// Puts beside each target that another commit measures otherwise its like of that commit.
    ///
    /// # Errors
    /// Where this checkout's adapters can't be read.
    pub fn stand_beside(&mut self, against: &Against, checkout: &Checkout) -> anyhow::Result<()> {
        for new in std::mem::take(&mut self.targets) {
            let base = PlannedTarget {
                id: format!("{}@base", new.id),
                base_of: Some(BaseOf { target: new.id.clone(), from: against.name.clone() }),
                handicap_us: BTreeMap::new(),
                ..new.clone()
            };
            let changed = against.changes(checkout, new.library)?;
            self.targets.push(new);
            if changed {
                self.targets.push(base);
            }
        }
        Ok(())
    }

    /// Takes Mizzle from where it is by default, where no flag names it; in words where that is a working tree.
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
                "{fewest} to {most} rounds: until each ratio to the baseline is known to ±{}% or the time is spent",
                self.precision * 100.0
            ),
        };
        let operations: Vec<_> = self.operations.iter().map(|operation| operation.name()).collect();
        let _ = writeln!(text, "Operations  {}", operations.join(", "));
        for target in &self.targets {
            let mark = if Some(&target.id) == self.baseline.as_ref() { "  (baseline)" } else { "" };
            let _ = writeln!(text, "Target      {:<22} {}{mark}", target.id, target.spec_in_words());
        }
        let _ = writeln!(text, "Rounds      {rounds}");
        for scale in &self.scales {
            let seconds =
                |time: Duration| humantime::format_duration(Duration::from_secs(time.as_secs_f64().ceil() as u64));
            let time = scale.latency_time(self);
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
        let targets = self.targets.len() as u32;
        let each = scale.latency_time(self) * 2 + Duration::from_millis(200);
        let scans = if self.operations.contains(&Operation::Scan) && scale.has_rehearsal() {
            scale.scan()
        } else {
            Duration::ZERO
        };
        scale.warm_up + (START + each * self.operations.len() as u32 + scans) * targets
    }
}

/// About how long starting and verifying one process take on a 2-core machine.
const START: Duration = Duration::from_millis(1_500);

/// About how long seeding and checking take.
fn seeding(scale: &Scale) -> Duration {
    Duration::from_secs(u64::from(4 + scale.items / 6_000))
}

fn plan_scale(scale: Scale, flags: &Bench) -> ScalePlan {
    let large = scale.items > REHEARSE_ABOVE;
    let budget = flags.budget.unwrap_or(Duration::from_secs(if large { 750 } else { 160 }));
    let round = if large { LARGE_ROUND } else { ROUND };
    let fitting = (budget.as_secs_f64() / round.as_secs_f64()) as u32;
    let rounds = flags.rounds.unwrap_or(fitting.clamp(FEWEST_ROUNDS, MOST_ROUNDS));
    let warm_up = match (flags.warm_up, flags.time) {
        (Some(asked), _) => asked,
        (None, Some(_)) => LONGEST_WARM_UP,
        (None, None) => LONGEST_WARM_UP.min(budget / rounds / 3),
    };
    ScalePlan { time: flags.time, warm_up, rounds, budget, scale }
}

fn targets(flags: &Bench) -> Result<Vec<PlannedTarget>, Exit> {
    let mut asked: Vec<TargetSpec> =
        flags.orm.iter().map(|&library| TargetSpec { library, spec: None, is_version: false }).collect();
    asked.extend(flags.target.iter().cloned());
    if asked.is_empty() {
        asked = LIBRARIES.map(|library| TargetSpec { library, spec: None, is_version: false }).to_vec();
    }
    if flags.mizzle.is_some() && !asked.iter().any(|target| target.library.id == "mizzle" && target.spec.is_none()) {
        return Err(Exit::BadInput("--mizzle: Mizzle is not among the targets that --orm and --target name".into()));
    }
    let mut targets: Vec<PlannedTarget> = Vec::new();
    for target in asked {
        let spec = target.spec.clone().or_else(|| match target.library.id {
            "mizzle" => Some(flags.mizzle.clone().unwrap_or_else(|| "latest".to_owned())),
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
        let named = target.spec.is_some() || (target.library.id == "mizzle" && flags.mizzle.is_some());
        let library = target.library;
        let asked = match (&target.spec, &spec) {
            (Some(spec), _) if target.is_version => format!("--target {}@{spec}", library.id),
            (Some(spec), _) => format!("--target {}={spec}", library.id),
            (None, Some(spec)) if named => format!("--mizzle {spec}"),
            (None, _) => library.name.to_owned(),
        };
        let (handicap_us, prebuilt) = (BTreeMap::new(), flags.prebuilt);
        targets.push(PlannedTarget { id, library, spec, named, asked, prebuilt, handicap_us, base_of: None });
    }
    for handicap in &flags.handicap {
        let target = targets.iter_mut().find(|target| target.id == handicap.target).ok_or_else(|| {
            Exit::BadInput(format!("--handicap: there is no target {:?} in this run", handicap.target))
        })?;
        let operations = handicap.operation.map_or_else(|| Operation::ALL.to_vec(), |operation| vec![operation]);
        target.handicap_us.extend(operations.into_iter().map(|operation| (operation, handicap.micros)));
    }
    Ok(targets)
}

/// The concurrency that the tables show, and the others in order.
fn concurrencies(flags: &Bench) -> Result<(u32, Vec<u32>), Exit> {
    let (&first, more) = flags
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

fn baseline(flags: &Bench, targets: &[PlannedTarget]) -> Result<Option<String>, Exit> {
    let id = flags.baseline.as_deref().unwrap_or("aws-sdk");
    if targets.iter().any(|target| target.id == id) {
        return Ok(Some(id.to_owned()));
    }
    if flags.baseline.is_some() {
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
            Command::Bench(bench) => Plan::decide(&bench),
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
