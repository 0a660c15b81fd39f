//! How a scale's time is planned: pure arithmetic over what rounds have cost so far.

use std::time::Duration;

use crate::plan::SHORTEST;
use crate::plan::request::Emphasis;
use crate::results::Operation;

/// Of a round's measuring time, what throughput gets at least, as long as there is that much.
const LEAST_THROUGHPUT: f64 = 0.1;
const MOST_THROUGHPUT: f64 = 0.55;
/// Of the rest, what the client phase gets; the latency phase has what it leaves.
const CLIENT: f64 = 0.85;
/// Of the time of a part, the most that Scan gets among other operations.
const SCAN: f64 = 0.125;
/// What measuring takes on top of the time that it is given, for each target and operation.
const AROUND_A_CELL: Duration = Duration::from_millis(300);
/// What starting later processes takes, as a share of starting the first ones.
const LATER_START: f64 = 0.3;
/// How far an operation's share of the time may be from an equal one.
const LEAST_WEIGHT: f64 = 0.6;
const MOST_WEIGHT: f64 = 2.0;
/// The turns of a phase to come are at the most so many times as many as were planned.
const MOST_STRETCHED: f64 = 2.0;
/// Of the rounds' time, how much starting their processes, warming them up and ending them may take, unless there are few
/// rounds.
const MOST_AROUND: f64 = 1.0 / 3.0;
/// How long a round that was planned is at the least, as a share of the one before it.
const SHORTENED: f64 = 0.6;

/// What the rounds of a scale cost apart from measuring.
#[derive(Debug, Clone, Copy)]
pub struct Fixed {
    /// Starting the processes, verifying shortly and warming up.
    pub start: Duration,
    /// Putting the table back and ending the processes.
    pub end: Duration,
    /// What measuring took on top of the time that it was given: allocation, bursts that open connections, changes of turn.
    pub around: Duration,
}

impl Fixed {
    /// What they cost on two shared cores, for the first round of so many cells (targets times operations).
    pub fn before_the_first_round(cells: u32) -> Fixed {
        Fixed { start: Duration::ZERO, end: Duration::from_secs(2), around: AROUND_A_CELL * cells }
    }

    /// Takes in how long measuring took that was given so much time.
    pub fn note_measuring(&mut self, took: Duration, given: Duration) {
        self.around = took.saturating_sub(given);
    }

    /// Takes in what starting and warming up the processes of a round took. Those that are `first` of their targets are
    /// verified in full, which takes several times as long as it does later.
    pub fn note_start(&mut self, started: Duration, warmed: Duration, first: bool) {
        self.start = if first { started.mul_f64(LATER_START) + warmed } else { started + warmed };
    }
}

/// The measuring time of a round that has warmed up, when so much of the scale's budget is left, this round and
/// `later` more are to be measured, and each costs `fixed` as well.
pub fn measuring_time(left: Duration, later: u32, fixed: Fixed) -> Duration {
    let reserved = fixed.start * later + (fixed.end + fixed.around) * (later + 1);
    (left.saturating_sub(reserved) / (later + 1)).max(SHORTEST)
}

/// How many of the rounds that were planned into a time are made, now that it is known what each costs apart from
/// measuring, and `fewest` in any case: on a slow machine fewer and longer ones, so that most of the time is measured.
pub fn worth_their_cost(planned: u32, fewest: u32, time: Duration, around: Duration) -> u32 {
    let most = (time.as_secs_f64() * MOST_AROUND / around.as_secs_f64().max(1e-3)) as u32;
    planned.min(most.max(fewest))
}

/// Whether another round is begun when so much of the budget is left and the last one took so long. One that was planned
/// may be somewhat shorter, since its measuring gets what is left: a slow round costs no later one.
pub fn fits_another(left: Duration, last: Duration, is_planned: bool) -> bool {
    left >= if is_planned { last.mul_f64(SHORTENED) } else { last }
}

/// How many times the turns that are left fit into what is left of their time, when they need so much at the pace of
/// those that were made; 1 where they need none.
pub fn how_many_fit(left: Duration, needed: Duration) -> f64 {
    if needed.is_zero() { 1.0 } else { (left.as_secs_f64() / needed.as_secs_f64()).min(MOST_STRETCHED) }
}

/// The measuring time of one operation in one round, all targets together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    pub client: Duration,
    pub latency: Duration,
    pub throughput: Duration,
}

impl Times {
    pub fn total(&self) -> Duration {
        self.client + self.latency + self.throughput
    }

    /// The same time in all, for other figures.
    #[must_use]
    pub fn emphasizing(self, emphasis: Emphasis) -> Times {
        let (all, none) = (self.total(), Duration::ZERO);
        match emphasis {
            Emphasis::Usual => self,
            Emphasis::ClientCost => Times { client: all, latency: none, throughput: none },
            Emphasis::BothGrounds => Times { client: all / 2, latency: all / 2, throughput: none },
        }
    }
}

/// Shares the measuring time of a round out among its operations by their weights: what narrows the widest interval
/// gets more. Scan gets an eighth at most, unless it is alone. `throughput` is what one operation's throughput needs to
/// be sustained.
pub fn share_out(time: Duration, throughput: Duration, operations: &[(Operation, f64)]) -> Vec<(Operation, Times)> {
    let mean = operations.iter().map(|(_, weight)| weight).sum::<f64>() / operations.len().max(1) as f64;
    let weight = |weight: f64| if mean > 0.0 { (weight / mean).clamp(LEAST_WEIGHT, MOST_WEIGHT) } else { 1.0 };
    let weights: Vec<f64> = operations.iter().map(|&(_, one)| weight(one)).collect();
    let total: f64 = weights.iter().sum();
    let scan = operations.iter().position(|(operation, _)| *operation == Operation::Scan);
    let scan_share = match scan {
        Some(_) if operations.len() == 1 => 1.0,
        Some(at) => (weights[at] / total).min(SCAN),
        None => 0.0,
    };
    let others = total - scan.map_or(0.0, |at| weights[at]);
    let share = |at: usize| if Some(at) == scan { scan_share } else { weights[at] / others * (1.0 - scan_share) };
    let needed = throughput * operations.len() as u32;
    let throughput = needed.max(time.mul_f64(LEAST_THROUGHPUT)).min(time.mul_f64(MOST_THROUGHPUT));
    let rest = time.saturating_sub(throughput);
    let times = |(at, &(operation, _)): (usize, &(Operation, f64))| {
        let whole = rest.mul_f64(share(at));
        let client = whole.mul_f64(CLIENT);
        let throughput = throughput / operations.len().max(1) as u32;
        (operation, Times { client, latency: whole.saturating_sub(client), throughput })
    };
    operations.iter().enumerate().map(times).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_rounds_that_are_left_share_what_their_fixed_cost_leaves() {
        let fixed = Fixed { start: SECOND * 10, end: SECOND * 2, around: SECOND * 5 };
        assert_eq!(measuring_time(SECOND * 101, 2, fixed), SECOND * 20);
        assert_eq!(measuring_time(SECOND * 27, 0, fixed), SECOND * 20);
        assert_eq!(measuring_time(SECOND, 2, fixed), SHORTEST);
    }

    #[test]
    fn rounds_that_cost_more_than_a_third_of_their_time_become_fewer_but_no_fewer_than_a_verdict_needs() {
        let made = |planned, around| worth_their_cost(planned, 3, SECOND * 170, SECOND * around);
        assert_eq!([0, 11, 14, 16, 42].map(|around| made(4, around)), [4, 4, 4, 3, 3]);
        assert_eq!([made(20, 3), made(20, 8), made(2, 3)], [18, 7, 2]);
    }

    #[test]
    fn a_planned_round_is_begun_in_somewhat_less_time_than_the_last_one_took_and_another_is_not() {
        let fits = |left, is_planned| fits_another(SECOND * left, SECOND * 100, is_planned);
        assert_eq!([100, 70, 50].map(|left| fits(left, true)), [true, true, false]);
        assert_eq!([100, 70, 50].map(|left| fits(left, false)), [true, false, false]);
    }

    #[test]
    fn turns_that_do_not_fit_into_their_time_are_left_out_and_more_are_made_where_some_is_left() {
        let times = [(30, 20), (20, 20), (20, 40), (0, 40), (0, 0), (30, 1)];
        let percent = |(left, needed)| (how_many_fit(SECOND * left, SECOND * needed) * 100.0).round() as u32;
        assert_eq!(times.map(percent), [150, 100, 50, 0, 100, 200]);
    }

    #[test]
    fn scan_gets_an_eighth_at_most_and_everything_when_it_is_alone() {
        let all: Vec<_> = Operation::ALL.map(|operation| (operation, 1.0)).to_vec();
        let times = share_out(SECOND * 100, SECOND, &all);
        let scan = times[5].1;
        assert!((scan.client + scan.latency).as_secs_f64() <= 0.125 * 90.0);
        let total: f64 = times.iter().map(|(_, one)| (one.client + one.latency + one.throughput).as_secs_f64()).sum();
        assert!((99.0..101.0).contains(&total), "{total}");
        let alone = share_out(SECOND * 100, SECOND, &[(Operation::Scan, 3.0)])[0].1;
        assert!(alone.client > SECOND * 50);
    }

    #[test]
    fn a_wide_interval_gets_more_time_within_bounds() {
        let times = share_out(SECOND * 60, SECOND, &[(Operation::GetItem, 1.0), (Operation::Query, 100.0)]);
        let ratio = times[1].1.client.as_secs_f64() / times[0].1.client.as_secs_f64();
        assert!(ratio > 1.9 && ratio < 3.5, "{ratio}");
    }
}
