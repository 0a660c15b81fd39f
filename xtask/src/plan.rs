//! What a run will do, decided before anything starts: scales, targets, operations, rounds, their order, and the time
//! it will take. Pure: a [`Request`] in, [`Plan`] out; `--dry-run` prints it.

pub mod items;
pub mod library;
pub mod outside;
pub mod own_item;
pub mod request;
pub mod runtime;
pub mod turns;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_pcg::Pcg64;

use self::items::Items;
use self::library::{LIBRARIES, Library};
use self::outside::Outside;
use self::request::{DefaultMizzle, Emphasis, Handicap, Request, TargetSpec};
use self::runtime::RuntimeSpec;
use crate::results::{CallKind, Design, MOST_CONCURRENCIES, MOST_ROUNDS, Operation, Scale};
use crate::system::exit::Exit;
use crate::system::format;

/// With fewer rounds than this no stop is early: an interval from fewer processes is too wide to decide by.
const FEWEST_ROUNDS: u32 = 3;
/// A round shorter than this starts and warms up processes more than it measures them.
const ROUND: Duration = Duration::from_secs(50);
const LARGE_ROUND: Duration = Duration::from_secs(110);
/// The least measuring time of a round, however little is left: a round of a few calls shows nothing.
pub const SHORTEST: Duration = Duration::from_secs(2);
/// The longest warm-up: the slowest library has settled by then.
const LONGEST_WARM_UP: Duration = Duration::from_secs(30);
/// The least time that a cell's throughput is measured for in a run, together with its rounds.
const SUSTAINED: Duration = Duration::from_millis(1_100);
/// A table of more items than this is scanned to its end once at the most: `DynamoDB` Local's scan time grows with the
/// square of the table.
const SCANNED_UP_TO: u32 = 5_000;
/// A table of more items than this has the budget of a large one.
const LARGE_ABOVE: u32 = 10_000;
/// Inputs of each operation on the recorded ground.
pub const POOL: u32 = 16;

/// The baseline where none is asked for and it is among the targets: the bare SDK.
const USUAL_BASELINE: &str = "aws-sdk";
/// The targets of a default run.
const USUAL_TARGETS: f64 = 4.0;

/// What a run will do.
#[derive(Debug, Clone)]
pub struct Plan {
    pub scales: Vec<ScalePlan>,
    pub operations: Vec<Operation>,
    /// What the items are.
    pub items: Items,
    pub targets: Vec<PlannedTarget>,
    /// The id of the target that others are compared with, without its runtime: each is compared with the one under
    /// its own.
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
    /// Of the whole scale: seeding before the rounds and the last check after them included, unless they come on top
    /// ([`ScalePlan::seeds_on_top`]). No further round begins that would leave too little of it.
    pub budget: Duration,
    /// Whether the table is large by the bytes of its items.
    many_bytes: bool,
    /// The most items of a large table that are scanned in its stead.
    most_scanned: u32,
    /// Cycles of warming up that every process makes, however long they take.
    pub fewest_cycles: u64,
}

impl ScalePlan {
    /// Whether a scan of the whole table takes the server so long that a part of it is measured instead.
    pub fn is_large(&self) -> bool {
        self.many_bytes || self.scale.items > SCANNED_UP_TO
    }

    /// Whether seeding the tables and checking them take so long that they come on top of the budget.
    pub fn seeds_on_top(&self) -> bool {
        self.scale.items > WITHIN_THE_BUDGET
    }

    /// How many items are scanned again and again instead of a large table; None where that is the whole table.
    pub fn scan_part(&self) -> Option<u32> {
        self.is_large().then(|| self.most_scanned.min(self.scale.items))
    }

    /// About the measuring time of one operation in one round, all its phases together, a target.
    pub fn measuring_time(&self, plan: &Plan) -> Duration {
        self.time.map_or_else(
            || {
                let targets = plan.targets.len().max(1) as u32;
                let round = (self.budget / self.rounds.max(1)).saturating_sub(START * targets);
                round.max(SHORTEST) / targets / plan.operations.len().max(1) as u32
            },
            |time| time * 3,
        )
    }
}

/// How many fresh processes each target gets at each scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounds {
    /// As requested.
    Exactly(u32),
    /// Until the intervals are narrow enough or the budget is spent.
    Adaptive { fewest: u32, most: u32 },
}

#[derive(Debug, Clone)]
pub struct PlannedTarget {
    /// With its runtime's, where there are several: `electrodb+node@24`.
    pub id: String,
    /// The same without its runtime's.
    pub stem: String,
    /// What runs it.
    pub runtime: RuntimeSpec,
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
    /// Where its adapter is none of this repository's.
    pub outside: Option<Outside>,
    /// Calls out of 1,000 that are made twice.
    pub twice: BTreeMap<Operation, u32>,
    /// Of another commit, next to the target of this checkout.
    pub base_of: Option<BaseOf>,
}

/// What a target of another commit is measured next to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseOf {
    /// The other target's id.
    pub target: String,
    /// The commit's name.
    pub from: String,
}

impl PlannedTarget {
    /// The adapter as a worker finds it: an id, or the path of the program that was made of a file.
    pub fn adapter(&self) -> String {
        let program = self.outside.as_ref().and_then(|outside| outside.built.as_ref()).map(|built| &built.program);
        program.map_or_else(|| self.library.id.to_owned(), |program| program.display().to_string())
    }

    /// What npm is asked for, for people; the file of an adapter outside this repository.
    pub fn spec_in_words(&self) -> String {
        if let Some(outside) = &self.outside {
            return outside.file.display().to_string();
        }
        let spec = self.spec.as_deref().unwrap_or("the locked version");
        self.base_of.as_ref().map_or_else(|| spec.to_owned(), |base| format!("{spec}, of {}", base.from))
    }
}

impl Plan {
    /// # Errors
    /// [`Exit::BadInput`] for flags that are each right and together make no plan.
    pub fn decide(request: &Request) -> Result<Plan, Exit> {
        let targets = under_each_runtime(targets(request)?, &request.runtimes, &request.handicap)?;
        if request.gated && !request.against && !has_pair(&targets) {
            return Err(Exit::BadInput(
                "--fail-on: nothing is compared in this run; add --against COMMIT, or measure a library at two versions \
                 (--target ID@OLD --target ID@NEW)"
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
        let items = items_for(request, &scales, targets.len(), &mut operations)?;
        let (concurrency, more_concurrencies) = concurrencies(request)?;
        Ok(Plan {
            scales: scales.into_iter().map(|scale| plan_scale(scale, request, targets.len())).collect(),
            operations,
            items,
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
                stem: format!("{}@base", new.stem),
                base_of: Some(BaseOf { target: new.id.clone(), from: commit.to_owned() }),
                handicap: BTreeMap::new(),
                twice: BTreeMap::new(),
                ..new.clone()
            };
            let changed = new.outside.is_none() && differs(new.library)?;
            self.targets.push(new);
            if changed {
                self.targets.push(base);
            }
        }
        Ok(())
    }

    /// Whether a library is measured twice under one runtime, so that its change can fail.
    pub fn has_pair(&self) -> bool {
        has_pair(&self.targets)
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
        (taken && !named).then(|| {
            format!(
                "Mizzle is a working tree ({spec}), not a published version; --mizzle latest takes the published one"
            )
        })
    }

    /// Says which target is the baseline, where the bare SDK is not measured and none was asked for.
    pub fn baseline_note(&self, request: &Request) -> Option<String> {
        let baseline = self.baseline.as_ref()?;
        let others = self.targets.len() > 1 && request.baseline.is_none();
        let bare = self.targets.iter().any(|target| target.library.id == USUAL_BASELINE);
        (others && !bare).then(|| {
            format!("{baseline} is the baseline: the bare AWS SDK is not in this run (--baseline ID takes another)")
        })
    }

    /// All numbers of calls in flight that the throughput is measured with.
    pub fn concurrencies(&self) -> Vec<u32> {
        [self.concurrency].into_iter().chain(self.more_concurrencies.iter().copied()).collect()
    }

    /// The operations with what each is called, in the plan as in the report.
    pub fn named_operations(&self) -> Vec<(Operation, &'static str)> {
        self.operations.iter().map(|&operation| (operation, operation.name_by(self.items.query_by))).collect()
    }

    /// The order of the targets in a round: one shuffled by the seed, turned by one place each round, so that each
    /// target stands in each place.
    pub fn order(&self, round: u32) -> Vec<usize> {
        let mut order = shuffled(self.targets.len(), self.seed);
        order.rotate_left(round as usize % self.targets.len().max(1));
        order
    }

    /// The plan for people, for `--dry-run`: rows of a name and what it is.
    pub fn describe(&self, out: &Path) -> Vec<(&'static str, String)> {
        let operations: Vec<_> = self.named_operations().into_iter().map(|(_, name)| name).collect();
        let mut rows = vec![
            ("Operations", operations.join(", ")),
            ("Items", self.items.in_words()),
            ("Calls", self.calls.name().to_owned()),
        ];
        for target in &self.targets {
            let mark = if self.is_baseline(target) { " (the baseline)" } else { "" };
            rows.push(("Target", format!("{}: {}{mark}", target.id, target.spec_in_words())));
        }
        let rounds = match self.rounds {
            Rounds::Exactly(rounds) => format!("{rounds}, each with fresh processes"),
            Rounds::Adaptive { fewest, most } => format!(
                "{fewest} to {most}, each with fresh processes, until every ratio to the baseline is known to ±{}% or \
                 the budget is spent",
                format::tick(self.precision * 100.0)
            ),
        };
        rows.push(("Rounds", rounds));
        rows.extend(self.scales.iter().map(|scale| ("Scale", self.describe_scale(scale))));
        let first: Vec<_> = self.order(0).into_iter().map(|index| self.targets[index].id.as_str()).collect();
        rows.push(("Order", format!("{}; it rotates by one place each round (seed {})", first.join(", "), self.seed)));
        rows.push(("Results", out.display().to_string()));
        rows
    }

    fn describe_scale(&self, scale: &ScalePlan) -> String {
        let duration = |time: Duration| format::duration_ms(time.as_secs_f64() * 1e3);
        let whole = |time: Duration| duration(Duration::from_secs(time.as_secs_f64().ceil() as u64));
        let time = match (self.rounds, scale.time) {
            (Rounds::Exactly(rounds), Some(_)) => {
                format!("about {}", whole(self.time_of_a_round(scale) * rounds + self.seeding(scale)))
            }
            _ if scale.seeds_on_top() => {
                format!("about {} of seeding, and a budget of {}", whole(self.seeding(scale)), whole(scale.budget))
            }
            _ => format!("a budget of {}", whole(scale.budget)),
        };
        format!(
            "{}, {} items: {time}, about {} for each operation, target and round",
            scale.scale.name,
            format::count(scale.scale.items.into()),
            duration(scale.measuring_time(self))
        )
    }

    /// About how long one round of a scale takes where its measuring time was asked for.
    fn time_of_a_round(&self, scale: &ScalePlan) -> Duration {
        (START + scale.measuring_time(self) * self.operations.len() as u32) * self.targets.len() as u32
    }

    /// About how long seeding the tables of a scale and checking them take. Each target may have a table of its own.
    pub fn seeding(&self, scale: &ScalePlan) -> Duration {
        Duration::from_secs(4 + u64::from(scale.scale.items) * self.targets.len() as u64 / SEEDED_A_SECOND)
    }

    /// Whether a target is what those under its runtime are compared with.
    pub fn is_baseline(&self, target: &PlannedTarget) -> bool {
        target.base_of.is_none() && self.baseline.as_ref() == Some(&target.stem)
    }

    /// What runs the targets, each once, in the order in which they were named.
    pub fn runtimes(&self) -> Vec<&RuntimeSpec> {
        let mut runtimes: Vec<&RuntimeSpec> = Vec::new();
        for target in &self.targets {
            if !runtimes.contains(&&target.runtime) {
                runtimes.push(&target.runtime);
            }
        }
        runtimes
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

/// So many numbers, from 0 on, in an order that the seed decides.
fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut Pcg64::seed_from_u64(seed));
    order
}

/// Items that are written and checked in a second, on two shared cores.
const SEEDED_A_SECOND: u64 = 3_500;
/// Items of so many bytes and more take every call, and the warm-up, about twice as long.
const HEAVY_ITEM: u64 = 1_000;
/// So many items of a table are enough to be compared with the data set before the rounds and after them. All are counted
/// in any case.
pub const ENOUGH_CHECKED: u32 = 20_000;
/// The most items that are seeded and checked within the budget of their scale.
const WITHIN_THE_BUDGET: u32 = 100_000;

/// About how long starting, verifying and warming up one process take on a 2-core machine.
const START: Duration = Duration::from_millis(4_500);

fn has_pair(targets: &[PlannedTarget]) -> bool {
    let has_like = |(index, target): (usize, &PlannedTarget)| {
        let is_like = |other: &PlannedTarget| other.library == target.library && other.runtime == target.runtime;
        targets[..index].iter().any(is_like)
    };
    targets.iter().enumerate().any(has_like)
}

fn plan_scale(scale: Scale, request: &Request, targets: usize) -> ScalePlan {
    let large = scale.items > LARGE_ABOVE;
    // More targets than the usual, and calls of more, take more time, so that intervals are as narrow.
    let weight = if request.items.bytes() >= HEAVY_ITEM { 2.0 } else { 1.0 };
    let share = (targets as f64 / USUAL_TARGETS).max(1.0) * weight;
    let usual = match scale.items {
        items if items > WITHIN_THE_BUDGET => 330.0,
        items if items > LARGE_ABOVE => 450.0,
        _ => 165.0,
    };
    let budget = request.budget.unwrap_or(Duration::from_secs((usual * share).round() as u64));
    let round = if large { LARGE_ROUND } else { ROUND }.mul_f64(share);
    let fitting = (budget.as_secs_f64() / round.as_secs_f64()) as u32;
    let rounds = request.rounds.unwrap_or(fitting.clamp(FEWEST_ROUNDS, MOST_ROUNDS));
    let warm_up = request.warm_up.unwrap_or(LONGEST_WARM_UP.min(budget / rounds / 3));
    let many_bytes = request.items.are_many(scale.items);
    let most_scanned = request.items.most_scanned().min(LARGE_ABOVE);
    let fewest_cycles = request.experiment.fewest_cycles;
    ScalePlan { time: request.time, warm_up, rounds, budget, fewest_cycles, scale, many_bytes, most_scanned }
}

/// The items, where all that is asked of them can be done. An operation that they don't allow is left out unless it was
/// named.
fn items_for(
    request: &Request,
    scales: &[Scale],
    targets: usize,
    operations: &mut Vec<Operation>,
) -> Result<Items, Exit> {
    let items = &request.items;
    if items.own().is_some_and(|item| item.updated.is_none()) && operations.contains(&Operation::UpdateItem) {
        if request.operations.contains(&Operation::UpdateItem) {
            return Err(Exit::BadInput(
                "--op UpdateItem: the item has no text and no number besides its keys that could be updated".to_owned(),
            ));
        }
        operations.retain(|operation| *operation != Operation::UpdateItem);
    }
    match scales.iter().find_map(|scale| items.trouble(scale.items, targets, operations, POOL)) {
        Some(why) => Err(Exit::BadInput(why)),
        None => Ok(items.clone()),
    }
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
        let id = free_id(&base, &targets);
        let named = target.spec.is_some() || (target.library.id == "mizzle" && request.mizzle.is_some());
        let library = target.library;
        let asked = match (&target.spec, &spec) {
            (Some(spec), _) if target.is_version => format!("--target {}@{spec}", library.id),
            (Some(spec), _) => format!("--target {}={spec}", library.id),
            (None, Some(spec)) if named => format!("--mizzle {spec}"),
            (None, _) => library.name.to_owned(),
        };
        let (handicap, prebuilt) = (BTreeMap::new(), request.prebuilt);
        let (stem, runtime) = (id.clone(), RuntimeSpec::ON_PATH);
        targets.push(PlannedTarget {
            id,
            stem,
            runtime,
            library,
            spec,
            named,
            asked,
            prebuilt,
            handicap,
            twice: BTreeMap::new(),
            outside: None,
            base_of: None,
        });
    }
    for file in &request.adapters {
        targets.push(outside_target(file, &targets)?);
    }
    for (id, operation, share) in &request.experiment.twice {
        for target in targets.iter_mut().filter(|target| target.id == *id) {
            target.twice.insert(*operation, (share.clamp(0.0, 1.0) * 1e3).round() as u32);
        }
    }
    Ok(targets)
}

/// Every target under each runtime, with the handicaps of each. A single runtime stands in no id: there is nothing to
/// distinguish.
fn under_each_runtime(
    targets: Vec<PlannedTarget>,
    runtimes: &[RuntimeSpec],
    handicaps: &[Handicap],
) -> Result<Vec<PlannedTarget>, Exit> {
    let mut distinct: Vec<&RuntimeSpec> = Vec::new();
    for runtime in runtimes {
        if !distinct.contains(&runtime) {
            distinct.push(runtime);
        }
    }
    let under = |runtime: &RuntimeSpec| -> Vec<PlannedTarget> {
        let id = |stem: &str| if distinct.len() > 1 { format!("{stem}+{runtime}") } else { stem.to_owned() };
        let of =
            |target: &PlannedTarget| PlannedTarget { id: id(&target.stem), runtime: runtime.clone(), ..target.clone() };
        targets.iter().map(of).collect()
    };
    let mut all = if distinct.is_empty() { targets } else { distinct.iter().flat_map(|one| under(one)).collect() };
    for handicap in handicaps {
        let is_meant = |target: &&mut PlannedTarget| [&target.id, &target.stem].contains(&&handicap.target);
        let mut meant = all.iter_mut().filter(is_meant).peekable();
        if meant.peek().is_none() {
            let why = format!("--handicap: there is no target {:?} in this run", handicap.target);
            return Err(Exit::BadInput(why));
        }
        let operations = handicap.operation.map_or_else(|| Operation::ALL.to_vec(), |operation| vec![operation]);
        for target in meant {
            target.handicap.extend(operations.iter().map(|&operation| (operation, handicap.steps)));
        }
    }
    Ok(all)
}

/// An id that no target has yet.
fn free_id(base: &str, targets: &[PlannedTarget]) -> String {
    let mut id = base.to_owned();
    let mut number = 2;
    while targets.iter().any(|other| other.id == id) {
        id = format!("{base}#{number}");
        number += 1;
    }
    id
}

/// The target that an adapter outside this repository is.
fn outside_target(file: &Path, targets: &[PlannedTarget]) -> Result<PlannedTarget, Exit> {
    let library = outside::library_of(file).map_err(|why| Exit::BadInput(format!("--adapter {why}")))?;
    let id = free_id(library.id, targets);
    Ok(PlannedTarget {
        stem: id.clone(),
        id,
        runtime: RuntimeSpec::ON_PATH,
        library,
        spec: None,
        named: true,
        asked: format!("--adapter {}", file.display()),
        prebuilt: false,
        handicap: BTreeMap::new(),
        twice: BTreeMap::new(),
        outside: Some(Outside { file: file.to_owned(), built: None }),
        base_of: None,
    })
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

/// The target that was asked for, else the bare SDK, else the first of the run's targets.
fn baseline(request: &Request, targets: &[PlannedTarget]) -> Result<Option<String>, Exit> {
    let known = |id: &str| targets.iter().any(|target| target.stem == id);
    match request.baseline.as_deref() {
        Some(id) if known(id) => Ok(Some(id.to_owned())),
        Some(id) => {
            let mut known: Vec<_> = targets.iter().map(|target| target.stem.as_str()).collect();
            known.dedup();
            known.truncate(targets.iter().filter(|target| target.runtime == targets[0].runtime).count());
            Err(Exit::BadInput(format!(
                "--baseline {id}: it is not among the targets of this run, which are {}",
                known.join(", ")
            )))
        }
        None => {
            let bare = targets.iter().find(|target| target.stem == USUAL_BASELINE);
            let bare = bare.or_else(|| targets.iter().find(|target| target.library.id == USUAL_BASELINE));
            Ok(bare.or(targets.first()).map(|target| target.stem.clone()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use crate::results::QueryBy;
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
    fn an_adapter_outside_the_repository_stands_next_to_those_that_run_anyway() {
        let ids = |arguments: &str| -> Vec<String> {
            plan(arguments).unwrap().targets.iter().map(|target| target.id.clone()).collect()
        };
        assert_eq!(ids("--adapter ./mine.ts"), ["aws-sdk", "mizzle", "dynamoose", "electrodb", "mine"]);
        let two = "--orm aws-sdk --adapter a/mine.ts --adapter b/mine.ts --fail-on 5% --baseline mine";
        assert_eq!(ids(two), ["aws-sdk", "mine", "mine#2"]);
        let mine = &plan(two).unwrap().targets[2];
        assert_eq!((mine.spec_in_words().as_str(), mine.asked.as_str()), ("b/mine.ts", "--adapter b/mine.ts"));
        let why = plan("--adapter ./mizzle.ts").unwrap_err();
        assert!(matches!(&why, Exit::BadInput(text) if text.contains("my-mizzle.ts")), "{why:?}");
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
        let baseline = |arguments: &str| plan(arguments).unwrap().baseline.unwrap();
        assert_eq!(baseline("--orm mizzle --orm aws-sdk"), "aws-sdk");
        assert_eq!(baseline("--orm electrodb --orm dynamoose"), "electrodb", "the first, where the bare SDK is absent");
        assert_eq!(baseline("--target mizzle@1 --target aws-sdk@3.990.0"), "aws-sdk@3.990.0");
        let why = plan("--orm mizzle --baseline dynamoose").unwrap_err();
        assert!(matches!(&why, Exit::BadInput(text) if text.contains("--baseline dynamoose")), "{why:?}");
    }

    #[test]
    fn every_target_is_measured_under_each_runtime_in_the_same_rounds() {
        let plan =
            plan("--orm aws-sdk --target mizzle@1.2.0 --runtime node@24 --runtime bun --runtime node@24").unwrap();
        let ids: Vec<_> = plan.targets.iter().map(|target| target.id.as_str()).collect();
        assert_eq!(ids, ["aws-sdk+node@24", "mizzle@1.2.0+node@24", "aws-sdk+bun", "mizzle@1.2.0+bun"]);
        let runtimes: Vec<_> = plan.runtimes().iter().map(ToString::to_string).collect();
        assert_eq!(runtimes, ["node@24", "bun"]);
        let baselines: Vec<_> = plan.targets.iter().map(|target| plan.is_baseline(target)).collect();
        assert_eq!(baselines, [true, false, true, false], "each runtime has its own baseline");
        assert_eq!(plan.order(0).len(), 4);
    }

    #[test]
    fn a_single_runtime_stands_in_no_id_and_without_any_it_is_the_node_on_the_path() {
        let one = plan("--orm aws-sdk --runtime bun@1.4").unwrap();
        assert_eq!((one.targets[0].id.as_str(), one.targets[0].runtime.to_string()), ("aws-sdk", "bun@1.4".to_owned()));
        assert_eq!(plan("--orm aws-sdk").unwrap().targets[0].runtime.to_string(), "node");
    }

    #[test]
    fn a_baseline_and_a_handicap_are_those_of_each_runtime() {
        let plan = |rest: &str| plan(&format!("--orm aws-sdk --orm electrodb --runtime node --runtime bun {rest}"));
        assert_eq!(plan("--baseline electrodb").unwrap().baseline.as_deref(), Some("electrodb"));
        let why = plan("--baseline electrodb+bun").unwrap_err().to_string();
        assert!(why.ends_with("which are aws-sdk, electrodb"), "{why}");
        let handicapped = |plan: Plan| plan.targets.iter().filter(|target| !target.handicap.is_empty()).count();
        assert_eq!(handicapped(plan("--handicap electrodb=9").unwrap()), 2);
        assert_eq!(handicapped(plan("--handicap electrodb+bun=9").unwrap()), 1);
        assert!(plan("--handicap electrodb+node@24=9").is_err());
        assert!(plan("--fail-on 5%").is_err(), "runtimes are compared, and fail nothing");
    }

    #[test]
    fn what_is_to_fail_must_be_compared_with_something() {
        let why = plan("--fail-on 5% --target mizzle@1.2.0 --orm aws-sdk").unwrap_err();
        assert!(matches!(&why, Exit::BadInput(text) if text.contains("--against")), "{why:?}");
        assert!(plan("--fail-on 5% --against main").is_ok());
        assert!(plan("--fail-on 5% --target mizzle@1.2.0 --target mizzle=../m").is_ok());
    }

    #[test]
    fn items_are_of_a_shape_and_a_query_returns_as_many_as_asked_for() {
        let usual = plan("").unwrap().items;
        assert_eq!((usual.name(), usual.query_items), ("order", 20));
        let other = plan("--shape document --query-items 100 --op Query --orm aws-sdk").unwrap();
        assert_eq!((other.items.name(), other.items.query_items), ("document", 100));
        assert!(other.scales[0].is_large());
        assert!(!plan("--shape session").unwrap().scales[0].is_large());
        let why = plan("--query-items 1000 --scale 500").unwrap_err();
        assert!(matches!(&why, Exit::BadInput(text) if text.contains("--query-items 1000")), "{why:?}");
    }

    #[test]
    fn an_index_can_be_queried_where_the_items_have_one() {
        let by_index = plan("--shape record --query-by index --op GetItem --op Query").unwrap();
        assert_eq!(by_index.items.query_by, QueryBy::Index);
        assert!(by_index.describe(Path::new("out")).contains(&("Operations", "GetItem, Query by index".to_owned())));
        for shape in ["", "--shape order", "--shape session", "--shape document"] {
            let why = plan(&format!("--query-by index {shape}")).unwrap_err();
            assert!(matches!(&why, Exit::BadInput(text) if text.contains("use --shape record")), "{why:?}");
        }
    }

    #[test]
    fn operations_and_scales_are_in_the_contracts_order_and_once() {
        let plan = plan("--op scan --op GetItem --op Scan --scale all --scale small").unwrap();
        assert_eq!(plan.operations, [Operation::GetItem, Operation::Scan]);
        let names: Vec<_> = plan.scales.iter().map(|scale| scale.scale.name.as_str()).collect();
        assert_eq!(names, ["small", "large"]);
        let mut scales = plan.scales.iter().map(|scale| scale.budget.as_secs());
        // What comes before and after a scale takes ten seconds, and as many may be spent on waiting for an idle machine.
        assert!(scales.all(|budget| budget + 20 < 480), "a default run ends within eight minutes");
    }

    #[test]
    fn a_table_that_is_seeded_for_long_leaves_its_rounds_as_much_time_as_another_large_one() {
        let million = plan("--scale 1000000").unwrap();
        let large = plan("--scale large").unwrap();
        assert!(million.scales[0].seeds_on_top() && !large.scales[0].seeds_on_top());
        let for_rounds = large.scales[0].budget.saturating_sub(large.seeding(&large.scales[0]));
        assert!(million.scales[0].budget.abs_diff(for_rounds) < Duration::from_secs(10), "{for_rounds:?}");
        let described = million.describe_scale(&million.scales[0]);
        assert!(described.contains("about 19 min 6 s of seeding, and a budget of 5 min 30 s"), "{described}");
    }
}
