//! What a run will do, decided before anything starts: scales, targets, operations, rounds, their order, and the time
//! it will take. Pure: a [`Request`] in, [`Plan`] out; `--dry-run` prints it.

pub mod items;
pub mod library;
pub mod outside;
pub mod own_item;
pub mod request;
pub mod runtime;
mod scale;
mod targets;
pub mod turns;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_pcg::Pcg64;

use self::items::Items;
use self::library::Library;
use self::request::{DefaultMizzle, Emphasis, Request};
use self::runtime::RuntimeSpec;
use self::scale::{FEWEST_ROUNDS, START};
pub use self::scale::{SHORTEST, ScalePlan};
use self::targets::USUAL_BASELINE;
pub use self::targets::{BaseOf, PlannedTarget};
use self::turns::Lots;
use crate::results::{CallKind, Design, MOST_CONCURRENCIES, MOST_ROUNDS, Operation, Scale};
use crate::system::exit::Exit;
use crate::system::format;

/// The least time that a cell's throughput is measured for in a run, together with its rounds.
const SUSTAINED: Duration = Duration::from_millis(1_100);
/// Targets whose client cost is measured at the same time, where there are as many cores.
pub const AT_ONCE: u32 = 2;
/// Inputs of each operation on the recorded ground.
pub const POOL: u32 = 16;
/// Items that are written and checked in a second, on two shared cores.
const SEEDED_A_SECOND: u64 = 3_500;
/// So many items of a table are enough to be compared with the data set before the rounds and after them. All are counted
/// in any case.
pub const ENOUGH_CHECKED: u32 = 20_000;

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
    /// Targets whose client cost is measured at the same time, each on a core of its own.
    pub at_once: u32,
    /// Which of each library's calls are measured.
    pub calls: CallKind,
    pub seed: u64,
    pub emphasis: Emphasis,
}

/// How many fresh processes each target gets at each scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounds {
    /// As requested.
    Exactly(u32),
    /// Until the intervals are narrow enough or the budget is spent.
    Adaptive { fewest: u32, most: u32 },
}

impl Plan {
    /// # Errors
    /// [`Exit::BadInput`] for flags that are each right and together make no plan.
    pub fn decide(request: &Request) -> Result<Plan, Exit> {
        let targets = targets::under_each_runtime(targets::asked(request)?, &request.runtimes, &request.handicap)?;
        if request.gated && !request.against && !targets::has_pair(&targets) {
            return Err(Exit::BadInput(
                "--fail-on: nothing is compared in this run; add --against COMMIT, or measure a library at two versions \
                 (--target ID@OLD --target ID@NEW)"
                    .to_owned(),
            ));
        }
        let baseline = targets::baseline(request, &targets)?;
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
        let at_once = match request.design {
            Design::Paired => request.at_once.min(targets.len() as u32),
            Design::Sequential => 1,
        };
        Ok(Plan {
            scales: scales.into_iter().map(|scale| ScalePlan::decide(scale, request, targets.len())).collect(),
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
            at_once,
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
        targets::has_pair(&self.targets)
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

    /// How many groups of processes a round of so many targets has, one after the other.
    pub fn groups(&self, targets: usize) -> u32 {
        match self.design {
            Design::Paired => 1,
            Design::Sequential => targets.max(1) as u32,
        }
    }

    /// What is drawn for the turns of an operation in a round.
    pub fn lots(&self, round: u32, operation: Operation) -> Lots {
        Lots::of(self.seed, round, operation)
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
        let rounds = match (self.rounds, scale.time) {
            (Rounds::Adaptive { .. }, None) => format!(" for {} planned rounds", scale.rounds),
            _ => String::new(),
        };
        let duration = |time: Duration| format::duration_ms(time.as_secs_f64() * 1e3);
        let whole = |time: Duration| duration(Duration::from_secs(time.as_secs_f64().ceil() as u64));
        let time = match (self.rounds, scale.time) {
            (Rounds::Exactly(rounds), Some(_)) => {
                format!("about {}", whole(self.time_of_a_round(scale) * rounds + self.seeding(scale)))
            }
            _ if scale.seeds_on_top() => {
                let (seeding, budget) = (whole(self.seeding(scale)), whole(scale.budget));
                format!("about {seeding} of seeding, and a budget of {budget}{rounds}")
            }
            _ => format!("a budget of {}{rounds}", whole(scale.budget)),
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

    /// The least time that the throughput of one target, operation and concurrency is measured for in one round. In the
    /// first one it is as if only the fewest rounds were made, since there may be fewer after it than were planned.
    pub fn throughput_time(&self, scale: &ScalePlan, round: u32) -> Duration {
        let rounds = match self.rounds {
            Rounds::Adaptive { fewest, .. } if round == 0 => fewest,
            _ => scale.rounds,
        };
        scale.time.unwrap_or(SUSTAINED / rounds.max(1) / self.concurrencies().len().max(1) as u32)
    }
}

/// So many numbers, from 0 on, in an order that the seed decides.
fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut Pcg64::seed_from_u64(seed));
    order
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

#[cfg(test)]
mod tests;
