//! How long a table of one size is measured, in how many rounds, and what of it is scanned. Pure.

use std::time::Duration;

use super::Plan;
use super::request::Request;
use crate::results::{MOST_ROUNDS, Scale};

/// With fewer rounds than this no stop is early: an interval from fewer processes is too wide to decide by.
pub(super) const FEWEST_ROUNDS: u32 = 3;
/// One round is planned for so much of the budget: about a quarter of it goes into starting and warming up processes.
const ROUND: Duration = Duration::from_secs(40);
const LARGE_ROUND: Duration = Duration::from_secs(110);
/// The least measuring time of a round, however little is left: a round of a few calls shows nothing.
pub const SHORTEST: Duration = Duration::from_secs(2);
/// The longest warm-up: the slowest library has settled by then.
const LONGEST_WARM_UP: Duration = Duration::from_secs(30);
/// A table of more items than this is scanned to its end once at the most: `DynamoDB` Local's scan time grows with the
/// square of the table.
const SCANNED_UP_TO: u32 = 5_000;
/// A table of more items than this has the budget of a large one.
const LARGE_ABOVE: u32 = 10_000;
/// The targets of a default run.
const USUAL_TARGETS: f64 = 4.0;
/// Items of so many bytes and more take every call, and the warm-up, about twice as long.
const HEAVY_ITEM: u64 = 1_000;
/// The most items that are seeded and checked within the budget of their scale.
const WITHIN_THE_BUDGET: u32 = 100_000;
/// About how long starting, verifying and warming up one process take on a 2-core machine.
pub(super) const START: Duration = Duration::from_millis(4_500);

/// How a table of one size is measured.
#[derive(Debug, Clone)]
pub struct ScalePlan {
    pub scale: Scale,
    /// Measuring time per operation and phase in one round, where it was asked for; else the rounds share the budget.
    pub time: Option<Duration>,
    /// The longest that each process is warmed up, where it was asked for; else it depends on the rounds
    /// ([`ScalePlan::longest_warm_up`]).
    pub warm_up: Option<Duration>,
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
    /// How a table is measured with so many targets.
    pub(super) fn decide(scale: Scale, request: &Request, targets: usize) -> ScalePlan {
        let large = scale.items > LARGE_ABOVE;
        // More targets than the usual, and calls of more, take more time, so that intervals are as narrow.
        let weight = if request.items.bytes() >= HEAVY_ITEM { 2.0 } else { 1.0 };
        let share = (targets as f64 / USUAL_TARGETS).max(1.0) * weight;
        let usual = match scale.items {
            items if items > WITHIN_THE_BUDGET => 330.0,
            items if items > LARGE_ABOVE => 450.0,
            _ => 160.0,
        };
        let budget = request.budget.unwrap_or(Duration::from_secs((usual * share).round() as u64));
        let round = if large { LARGE_ROUND } else { ROUND }.mul_f64(share);
        let fitting = (budget.as_secs_f64() / round.as_secs_f64()) as u32;
        let rounds = request.rounds.unwrap_or(fitting.clamp(FEWEST_ROUNDS, MOST_ROUNDS));
        let many_bytes = request.items.are_many(scale.items);
        let most_scanned = request.items.most_scanned().min(LARGE_ABOVE);
        let fewest_cycles = request.experiment.fewest_cycles;
        let (time, warm_up) = (request.time, request.warm_up);
        ScalePlan { scale, time, warm_up, rounds, budget, many_bytes, most_scanned, fewest_cycles }
    }

    /// The longest that each process is warmed up: a third of its round, where nothing else was asked for.
    pub fn longest_warm_up(&self) -> Duration {
        self.warm_up.unwrap_or(LONGEST_WARM_UP.min(self.budget / self.rounds.max(1) / 3))
    }

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
