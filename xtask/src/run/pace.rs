//! When a scale will have ended, as it looks while it is measured: from its budget, from what its rounds have cost so far,
//! and from how fast the present one goes. It plans nothing.

use std::time::{Duration, Instant};

use super::timing::{self, Fixed};
use super::{RoundPlan, Runner};
use crate::plan::{Plan, Rounds, SHORTEST, ScalePlan};
use crate::system::format;

/// About how long dropping the tables and ending their keeper take at a scale's end.
const AFTER_THE_ROUNDS: Duration = Duration::from_secs(3);
/// About what starting, verifying and recording take for each target in the first round.
const FIRST_START: Duration = Duration::from_secs(4);
/// About what measuring a target and operation takes in the first round, however little time it is given.
const LEAST_OF_A_CELL: Duration = Duration::from_millis(550);
/// Of the measuring of a round, how much is done before its speed is believed.
const BELIEVED: f64 = 0.1;

/// What is known of the present round and of those after it.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Rounds after this one that will be made however long they take.
    pub later: u32,
    /// What rounds cost apart from measuring.
    pub fixed: Fixed,
    /// When this round's measuring begins.
    pub begins: Instant,
    /// How long it is planned to take, without what is around it.
    pub given: Duration,
    /// How long the measuring of a later round is planned to take at the least.
    pub least: Duration,
    /// How long this round's measuring takes at the least, where no round has shown yet what is around it.
    pub floor: Duration,
    /// What comes after the rounds: the last check of the tables, and dropping them.
    pub after: Duration,
    /// When the budget is spent, where the rounds to come are made as long as it allows.
    pub budget_ends: Option<Instant>,
}

impl Pace {
    /// When the scale will have ended, with this share (0 to 1) of the round's measuring done at `now`.
    pub fn ends(&self, now: Instant, done: f64) -> Instant {
        let planned = self.given + self.fixed.around;
        let expected = planned.max(self.floor);
        let so_far = now.saturating_duration_since(self.begins);
        let measuring = if done > BELIEVED { expected.max(so_far.div_f64(done.min(1.0))) } else { expected };
        // What this round takes longer than was planned, later ones will too.
        let around = self.fixed.around + measuring.saturating_sub(planned);
        let later = (self.fixed.start + self.least + around + self.fixed.end) * self.later;
        let needed = self.begins + measuring + self.fixed.end + later + self.after;
        self.budget_ends.map_or(needed, |budget| needed.max(budget))
    }
}

impl Runner<'_> {
    /// What is left of a scale's budget for rounds.
    pub(super) fn left(&self, scale: &ScalePlan) -> Duration {
        self.budget_ends(scale).saturating_duration_since(Instant::now()).saturating_sub(self.after_the_rounds())
    }

    /// When the scale will have ended that needs its whole budget.
    fn budget_ends(&self, scale: &ScalePlan) -> Instant {
        let on_top = if scale.seeds_on_top() { self.seeded + self.check } else { Duration::ZERO };
        self.scale_started + on_top + scale.budget
    }

    fn after_the_rounds(&self) -> Duration {
        self.check + AFTER_THE_ROUNDS
    }

    /// When the scale will have ended, as it looks from a round whose measuring begins then and is given so much time.
    pub(super) fn pace(&self, plan: RoundPlan, begins: Instant, given: Duration) -> Pace {
        let RoundPlan { scale, round } = plan;
        let (needed, fills_the_budget) = match self.plan.rounds {
            Rounds::Exactly(rounds) => (rounds, scale.time.is_none() && round + 1 < rounds),
            Rounds::Adaptive { fewest, .. } => (fewest, scale.time.is_some() || round + 1 < scale.rounds),
        };
        let cells = self.results.targets.len() * self.plan.operations.len();
        Pace {
            later: needed.saturating_sub(round + 1),
            fixed: self.fixed,
            begins,
            given,
            least: if scale.time.is_some() { given } else { SHORTEST },
            floor: if round == 0 { LEAST_OF_A_CELL * cells as u32 } else { Duration::ZERO },
            after: self.after_the_rounds(),
            budget_ends: fills_the_budget.then(|| self.budget_ends(scale)),
        }
    }

    /// The same before the round's processes are started.
    pub(super) fn pace_before_the_warm_up(&self, plan: RoundPlan, targets: usize) -> Pace {
        let RoundPlan { scale, round } = plan;
        let groups = self.plan.groups(targets);
        let mut fixed = self.fixed;
        if fixed.start.is_zero() {
            fixed.note_start(first_start(targets, Duration::ZERO), scale.longest_warm_up(), true);
        }
        let begins = if round == 0 { first_start(targets, scale.longest_warm_up()) } else { fixed.start };
        let left = self.left(scale).saturating_sub(begins);
        let later = scale.rounds.saturating_sub(round + 1);
        let given = match scale.time {
            Some(_) => self.times(plan, groups).iter().map(|(_, times)| times.total()).sum(),
            None => timing::measuring_time(left, later, fixed),
        };
        Pace { fixed, ..self.pace(plan, Instant::now() + begins, given) }
    }

    /// Shows the observer when the scale will have ended, with the round's processes started in so much time and the
    /// warm-up to come.
    pub(super) fn observe_start(&self, plan: RoundPlan, groups: u32, started: Duration) {
        if groups > 1 {
            return;
        }
        let RoundPlan { scale, round } = plan;
        let mut pace = self.pace_before_the_warm_up(plan, self.results.targets.len());
        pace.begins = Instant::now()
            + if round == 0 { scale.longest_warm_up() } else { self.fixed.start.saturating_sub(started) };
        if round == 0 {
            pace.fixed = self.fixed;
            pace.fixed.note_start(started, scale.longest_warm_up(), true);
        }
        self.observer.ends_at(pace.ends(Instant::now(), 0.0));
    }

    /// Shows the observer when the scale will have ended, with this share of the present measuring done.
    pub(super) fn observe_end(&self, done: f64) {
        if let Some(pace) = self.pace {
            self.observer.ends_at(pace.ends(Instant::now(), done));
        }
    }
}

/// Says of each scale whose rounds need more than its budget how long they take: "3 rounds of 4 libraries need about 90 s:
/// the budget of 30 s will be exceeded".
pub fn over_budget(plan: &Plan) -> Vec<String> {
    let line = |scale: &ScalePlan| {
        let (rounds, takes_its_time) = match plan.rounds {
            Rounds::Exactly(rounds) => (rounds, scale.time.is_some()),
            Rounds::Adaptive { fewest, .. } => (fewest, false),
        };
        let needed = least_time(plan, scale, rounds);
        // Rounds and their time, where both are given, need no budget.
        if needed <= scale.budget || takes_its_time {
            return None;
        }
        let at = if plan.scales.len() > 1 { format!("{}: ", scale.scale.name) } else { String::new() };
        let tens = Duration::from_secs(needed.as_secs().div_ceil(10) * 10);
        Some(format!(
            "{at}{} of {} {} about {}: the budget of {} will be exceeded",
            format::plural(rounds.into(), "round"),
            if plan.targets.len() == 1 { "1 library".to_owned() } else { format!("{} libraries", plan.targets.len()) },
            if rounds == 1 { "needs" } else { "need" },
            in_words(tens),
            in_words(scale.budget)
        ))
    };
    plan.scales.iter().filter_map(line).collect()
}

/// About how long so many rounds of a scale take however short they are made, with what is before and after them.
fn least_time(plan: &Plan, scale: &ScalePlan, rounds: u32) -> Duration {
    let targets = plan.targets.len();
    let cells = (targets * plan.operations.len()) as u32;
    let mut fixed = Fixed::before_the_first_round(cells);
    fixed.note_start(first_start(targets, Duration::ZERO), scale.longest_warm_up(), true);
    let given = scale.time.map_or(SHORTEST, |_| scale.measuring_time(plan) * cells);
    let now = Instant::now();
    let pace = Pace {
        later: rounds.saturating_sub(1),
        fixed,
        begins: now + first_start(targets, scale.longest_warm_up()),
        given,
        least: given,
        floor: LEAST_OF_A_CELL * cells,
        after: AFTER_THE_ROUNDS,
        budget_ends: None,
    };
    let before = if scale.seeds_on_top() { Duration::ZERO } else { plan.seeding(scale) };
    before + pace.ends(now, 0.0).duration_since(now)
}

fn in_words(time: Duration) -> String {
    if time < Duration::from_secs(120) {
        return format!("{} s", time.as_secs());
    }
    format::duration_ms(time.as_secs_f64() * 1e3)
}

/// About how long it takes until the first round of so many targets measures.
fn first_start(targets: usize, warm_up: Duration) -> Duration {
    FIRST_START * targets as u32 + warm_up
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    const SECOND: Duration = Duration::from_secs(1);

    fn over(arguments: &str) -> Vec<String> {
        let line = ["cargo xtask", "bench"].into_iter().chain(arguments.split_whitespace());
        let Command::Bench(bench) = Cli::try_parse_from(line).unwrap().command else { panic!("{arguments}") };
        over_budget(&Plan::decide(&bench.request()).unwrap())
    }

    #[test]
    fn a_budget_that_the_fewest_rounds_exceed_is_named_with_what_they_need() {
        assert_eq!(
            over("--budget 30s"),
            ["3 rounds of 4 libraries need about 90 s: the budget of 30 s will be exceeded"]
        );
        let one = over("--budget 5s --rounds 1 --orm electrodb --op GetItem");
        assert!(
            one.iter().all(|line| line.starts_with("1 round of 1 library needs about ")) && one.len() == 1,
            "{one:?}"
        );
        let both = over("--budget 1m --scale small --scale large");
        assert!(both[0].starts_with("small: ") && both[1].starts_with("large: "), "{both:?}");
        let times = |line: &str| line.split("about ").nth(1).map(str::to_owned);
        assert_ne!(times(&both[0]), times(&both[1]), "a large table is seeded for longer");
    }

    #[test]
    fn default_budgets_and_rounds_of_a_given_time_are_long_enough() {
        for arguments in ["", "--scale all", "--orm all", "--budget 3m", "--rounds 50 --time 1s"] {
            assert!(over(arguments).is_empty(), "{arguments}: {:?}", over(arguments));
        }
    }

    fn pace(begins: Instant, budget: Duration) -> Pace {
        let fixed = Fixed { start: SECOND * 10, end: SECOND * 2, around: SECOND * 3 };
        let (given, least, budget_ends) = (SECOND * 20, SECOND * 2, Some(begins + budget));
        Pace { later: 2, fixed, begins, given, least, floor: Duration::ZERO, after: SECOND * 4, budget_ends }
    }

    #[test]
    fn a_scale_ends_with_its_budget() {
        let begins = Instant::now();
        assert_eq!(pace(begins, SECOND * 100).ends(begins, 0.0), begins + SECOND * 100);
    }

    #[test]
    fn rounds_that_must_be_made_are_counted_where_the_budget_is_too_short_for_them() {
        // This one: 20 + 3 + 2; two later ones: 10 + 2 + 3 + 2 each; after them 4.
        let begins = Instant::now();
        let ends = begins + SECOND * (25 + 2 * 17 + 4);
        assert_eq!(pace(begins, SECOND * 10).ends(begins, 0.0), ends);
        let last = Pace { later: 0, budget_ends: None, ..pace(begins, SECOND) };
        assert_eq!(last.ends(begins, 0.0), begins + SECOND * 29);
    }

    #[test]
    fn a_round_that_is_slower_than_planned_moves_the_end_and_so_do_those_after_it() {
        let begins = Instant::now();
        let pace = pace(begins, SECOND * 10);
        // Half of it is done after 20 s instead of 11.5: 17 s more for this round, and for two later ones.
        let ends = begins + SECOND * (25 + 2 * 17 + 3 * 17 + 4);
        assert_eq!(pace.ends(begins + SECOND * 20, 0.5), ends);
        assert_eq!(pace.ends(begins + SECOND, 0.01), pace.ends(begins, 0.0), "too early to say");
    }
}
