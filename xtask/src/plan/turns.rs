//! How the calls of one operation are shared out among targets that take turns: pure arithmetic.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;

use crate::results::Operation;

/// What is drawn for the turns of one operation in one round: the order of the targets, and how long slices are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lots(u64);

impl Lots {
    /// Others for each round and operation, and for each seed; the same whenever all three are.
    pub fn of(seed: u64, round: u32, operation: Operation) -> Lots {
        Lots(mixed([seed, round.into(), operation as u64]))
    }

    /// The order of so many targets in a turn. Who comes after a target that leaves the caches colder pays for it, by up to
    /// a tenth of a call; shuffled, each follows each other about equally often.
    pub fn order(self, targets: usize, turn: u64) -> Vec<usize> {
        super::shuffled(targets, mixed([self.0, turn]))
    }

    /// How many calls the slices of so many have in one turn: fewer, as many or more, for all targets alike. An engine
    /// collects garbage every so many calls, V8 that of the young every 60 to 70 `GetItem`s of the bare SDK. In slices that
    /// are all equally long, it falls on the same places of them again and again: of one process, 80% of these collections
    /// fell on timed calls, and 59% of one that made 5% of its calls twice. The others fell on calls that lead in, or
    /// between slices: one percent of the cost was missing in every round.
    pub fn slice(self, calls: u64, turn: u64) -> u64 {
        // Not the numbers that the order of the turn is drawn from.
        let times: u64 = Pcg64::seed_from_u64(!mixed([self.0, turn])).random_range(0..=2);
        let by = varies_by(calls);
        (calls - by + times * by).min(MOST_CALLS)
    }
}

/// One number of several: each is mixed in by the generator itself, so that neighbours give unlike ones.
fn mixed(parts: impl IntoIterator<Item = u64>) -> u64 {
    parts.into_iter().fold(0, |so_far, part| Pcg64::seed_from_u64(so_far ^ part).random())
}

/// How long a slice of the fastest target is, and how many calls lead in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SliceLength {
    length: Length,
    most_lead_in: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Length {
    Calls(u64),
    /// As many calls as fit in, one at least.
    Time(Duration),
}

/// The first calls of a slice find the caches that the others left: the first `GetItem` of one took twice as long as the
/// later ones, the second a fifth longer. So a slice begins with some that are not timed, and with fewer only where it
/// has hardly more that are.
const MOST_LEAD_IN: u64 = 2;

impl SliceLength {
    /// Slices of the latency phase.
    pub const LATENCY: SliceLength =
        SliceLength { length: Length::Time(Duration::from_millis(20)), most_lead_in: MOST_LEAD_IN };

    /// Slices of the client phase: few calls, whatever they take, so that targets take turns often. A core that shares its
    /// caches and its memory with others changes its speed from one hundredth of a second to the next, and a ratio is
    /// known by the number of slices more than by their length: slices of 6 ms show it as exactly in a quarter of the time
    /// as slices of 20 ms. With fewer calls than these, what a slice costs is mostly that of cold caches.
    pub const fn client(operation: Operation) -> SliceLength {
        let (calls, most_lead_in) = match operation {
            Operation::Scan => (1, 0),
            Operation::Query => (3, 1),
            _ => (7, 1),
        };
        SliceLength { length: Length::Calls(calls), most_lead_in }
    }

    /// How many calls come before so many timed ones.
    pub fn lead_in(self, calls: u64) -> u64 {
        (calls / 2).min(self.most_lead_in)
    }

    /// Timed calls of a slice of the client phase in one turn; one where a slice is as long as its calls take.
    pub fn calls_of_a_slice(self, lots: Lots, turn: u64) -> u64 {
        lots.slice(self.calls(f64::INFINITY), turn)
    }

    /// The most turns of slices of so many calls, so that all calls can be taken away again.
    fn most_turns(self, calls: u64) -> u64 {
        let longest = calls + varies_by(calls);
        (MOST_CALLS / (longest + self.lead_in(longest))).max(1)
    }

    fn calls(self, fastest_ms: f64) -> u64 {
        match self.length {
            Length::Calls(calls) => calls,
            Length::Time(time) => ((time.as_secs_f64() * 1e3 / fastest_ms) as u64).max(1),
        }
    }
}

/// A target up to so many times as slow as the fastest makes slices of as many calls; a slower one makes slices that last
/// as long: what is left of the colder caches weighs on all alike.
const AS_MANY_UP_TO: f64 = 2.0;
/// A target slower than this, as a multiple of the fastest, has fewer turns, since relative precision is what counts.
const SLOW: f64 = 1.6;
/// The fewest turns of a slow target, as a share of the fastest's, unless [`most_for_the_time`] says less.
const FEWEST_TURNS: f64 = 1.0 / 3.0;
/// Slices of fewer calls have as many in each turn.
const SHORTEST_VARIED: u64 = 3;
/// Others have one in so many fewer in some turns, and more in others.
const VARIED_PART: u64 = 7;
/// What a change of turns takes on top of the calls, milliseconds.
const CHANGE_MS: f64 = 1.5;
/// The most calls of one phase of one target in one round: what they write has to be taken away again.
pub const MOST_CALLS: u64 = 20_000;

/// The turns of one phase of one operation in one round.
#[derive(Debug, Clone, PartialEq)]
pub struct Turns {
    pub count: u64,
    lots: Lots,
    /// Of each target.
    sides: Vec<Side>,
    of: SliceLength,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Side {
    /// Calls of one slice on average.
    slice: u64,
    /// In which share of the turns it takes part.
    share: f64,
}

impl Turns {
    /// Shares a time, of all targets together, out among targets of which a call takes so long by itself,
    /// milliseconds. Each target has one turn at least.
    pub fn share_out(lots: Lots, ms_per_call: &[f64], time: Duration, of: SliceLength) -> Turns {
        let ms: Vec<f64> = ms_per_call.iter().map(|ms| ms.max(0.001)).collect();
        let fastest = ms.iter().copied().fold(f64::INFINITY, f64::min);
        let (most, targets) = (of.calls(fastest), ms.len());
        let side = |ms: &f64| {
            let times = ms / fastest;
            let slice = if times <= AS_MANY_UP_TO {
                most
            } else {
                (most as f64 * AS_MANY_UP_TO / times).round().max(1.0) as u64
            };
            let cost = ms * slice as f64 / (fastest * most as f64);
            let share = if times <= SLOW {
                1.0
            } else {
                (SLOW / times).max(FEWEST_TURNS).min(most_for_the_time(cost, targets))
            };
            Side { slice, share }
        };
        let sides: Vec<Side> = ms.iter().map(side).collect();
        let one_turn_ms: f64 = ms
            .iter()
            .zip(&sides)
            .map(|(ms, side)| side.share * (ms * (side.slice + of.lead_in(side.slice)) as f64 + CHANGE_MS))
            .sum();
        let fitting = (time.as_secs_f64() * 1e3 / one_turn_ms.max(0.001)).round() as u64;
        Turns { count: fitting.clamp(1, of.most_turns(most)), lots, sides, of }
    }

    /// The same, with more turns where it takes them for each target to be timed for about so long.
    #[must_use]
    pub fn lasting(self, ms_per_call: &[f64], each: Duration) -> Turns {
        let timed_in_a_turn = |(ms, side): (&f64, &Side)| ms * side.slice as f64 * side.share;
        let shortest = ms_per_call.iter().zip(&self.sides).map(timed_in_a_turn).fold(f64::INFINITY, f64::min);
        let needed = (each.as_secs_f64() * 1e3 / shortest.max(0.001)).ceil() as u64;
        let longest = self.sides.iter().map(|side| side.slice).max().unwrap_or(1);
        Turns { count: self.count.max(needed.min(self.of.most_turns(longest))), ..self }
    }

    /// The order in a turn of so many targets: those that are left of all.
    pub fn order(&self, targets: usize, turn: u64) -> Vec<usize> {
        self.lots.order(targets, turn)
    }

    /// Calls of a target in one turn; 0 where it sits out.
    pub fn calls(&self, turn: u64, target: usize) -> u64 {
        self.side(turn, target).map_or(0, |side| self.lots.slice(side.slice, turn))
    }

    /// In how many turns a target takes part.
    pub fn turns_of(&self, target: usize) -> u64 {
        (0..self.count).filter(|&turn| self.side(turn, target).is_some()).count() as u64
    }

    /// A target that takes part in a turn. Its turns are spread evenly, the first is in the first turn.
    fn side(&self, turn: u64, target: usize) -> Option<&Side> {
        let side = self.sides.get(target)?;
        let passed = |turn: u64| (turn as f64 * side.share - 1e-9).ceil() as u64;
        (passed(turn + 1) > passed(turn)).then_some(side)
    }

    /// How many calls come before so many timed ones.
    pub fn lead_in(&self, calls: u64) -> u64 {
        self.of.lead_in(calls)
    }

    /// Calls of a target in all turns, those that lead in too.
    pub fn all_calls(&self, target: usize) -> u64 {
        (0..self.count).map(|turn| self.calls(turn, target)).map(|calls| calls + self.lead_in(calls)).sum()
    }
}

fn varies_by(calls: u64) -> u64 {
    if calls < SHORTEST_VARIED { 0 } else { calls.div_ceil(VARIED_PART) }
}

/// The share of turns with which a slow target, one of so many, leaves all ratios to the first target the most precise for
/// the time, when a slice of it costs so many times as much as one of the others: Neyman's allocation, for slices that
/// vary alike. A slice of its own narrows one ratio; the first target's narrow all of them.
fn most_for_the_time(cost: f64, targets: usize) -> f64 {
    let others = targets.saturating_sub(1).max(1) as f64;
    let narrowed = 2.0 * others - 1.0;
    (others / narrowed / cost).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn lots(round: u32) -> Lots {
        Lots::of(1, round, Operation::GetItem)
    }

    fn timed(turns: &Turns, target: usize) -> u64 {
        (0..turns.count).map(|turn| turns.calls(turn, target)).sum()
    }

    #[test]
    fn each_target_follows_each_other_about_equally_often_also_one_that_sits_out_turns() {
        for (targets, every) in [(2, 1), (4, 1), (4, 2), (5, 3)] {
            let has_turn = |target: usize, turn: u64| target > 0 || turn.is_multiple_of(every);
            let made =
                (0..12_000).flat_map(|turn| lots(3).order(targets, turn).into_iter().map(move |target| (target, turn)));
            let made: Vec<usize> =
                made.filter(|&(target, turn)| has_turn(target, turn)).map(|(target, _)| target).collect();
            let times = |before: usize, after: usize| made.windows(2).filter(|pair| **pair == [before, after]).count();
            for after in 0..targets {
                // The first one may be followed less often, since it has fewer turns.
                let counts = (1..targets).filter(|before| *before != after).map(|before| times(before, after));
                let (least, most) = (counts.clone().min().unwrap_or(1), counts.max().unwrap_or(1));
                assert!(most * 10 < least * 12, "{after} of {targets}: {least} to {most}");
            }
        }
    }

    #[test]
    fn targets_that_are_about_equally_fast_make_the_same_calls_in_the_same_slices() {
        let turns = Turns::share_out(lots(0), &[0.7, 0.72, 1.0], SECOND, SliceLength::LATENCY);
        assert_eq!(timed(&turns, 0), timed(&turns, 1));
        assert_eq!(timed(&turns, 0), timed(&turns, 2));
        assert!([24, 28, 32].contains(&turns.calls(0, 0)), "{turns:?}");
    }

    #[test]
    fn slices_are_shorter_or_longer_in_some_turns_for_all_targets_alike_and_in_each_round_in_others() {
        let length = SliceLength::client(Operation::GetItem);
        let rounds: Vec<Turns> =
            (0..3).map(|round| Turns::share_out(lots(round), &[0.7, 2.1], SECOND * 9, length)).collect();
        for turns in &rounds {
            let calls = |target| (0..turns.count).map(move |turn| turns.calls(turn, target));
            for long in [6, 7, 8] {
                let of_all = calls(0).filter(|calls| *calls == long).count() as f64 / turns.count as f64;
                assert!((0.28..0.39).contains(&of_all), "{long}: {of_all} of {}", turns.count);
            }
            let mean = calls(0).sum::<u64>() as f64 / turns.count as f64;
            assert!((mean - 7.0).abs() < 0.1, "{mean} of {}", turns.count);
            assert!(calls(0).zip(calls(1)).all(|(fast, slow)| slow == 0 || fast + 5 == slow + 7));
        }
        let first = |turns: &Turns| (0..40).map(|turn| turns.calls(turn, 0)).collect::<Vec<_>>();
        assert_ne!(first(&rounds[0]), first(&rounds[1]));
    }

    #[test]
    fn orders_and_lengths_are_those_of_the_seed_the_round_and_the_operation() {
        let orders = |lots: Lots| (0..40).map(|turn| lots.order(4, turn)).collect::<Vec<_>>();
        let lengths = |lots: Lots| (0..40).map(|turn| lots.slice(7, turn)).collect::<Vec<_>>();
        let one = Lots::of(1, 2, Operation::GetItem);
        assert_eq!(one, Lots::of(1, 2, Operation::GetItem));
        for (seed, round, operation) in [
            (2, 2, Operation::GetItem),
            (1, 1, Operation::GetItem),
            (1, 2, Operation::PutItem),
            (2, 1, Operation::GetItem),
        ] {
            let other = Lots::of(seed, round, operation);
            assert_ne!(orders(one), orders(other), "{seed}, {round}, {operation}");
            assert_ne!(lengths(one), lengths(other), "{seed}, {round}, {operation}");
        }
    }

    #[test]
    fn a_slower_target_makes_slices_that_last_about_twice_as_long_in_fewer_turns() {
        let turns = Turns::share_out(lots(0), &[0.7, 2.8], SECOND * 2, SliceLength::LATENCY);
        assert!([(24, 12), (28, 14), (32, 16)].contains(&(turns.calls(0, 0), turns.calls(0, 1))), "{turns:?}");
        let taken = |target| (0..turns.count).filter(|&turn| turns.calls(turn, target) > 0).count() as f64;
        assert!((0.35..0.45).contains(&(taken(1) / taken(0))), "{turns:?}");
    }

    #[test]
    fn the_client_phase_has_short_slices_of_as_many_calls_however_fast_the_machine_is() {
        for ms in [0.3, 3.0] {
            let turns = Turns::share_out(lots(0), &[ms, ms * 1.3], SECOND, SliceLength::client(Operation::GetItem));
            assert_eq!((turns.calls(0, 0), turns.lead_in(7)), (turns.calls(0, 1), 1));
            assert!((6..=8).contains(&turns.calls(0, 0)), "{turns:?}");
        }
        let scans = Turns::share_out(lots(0), &[40.0, 50.0], SECOND, SliceLength::client(Operation::Scan));
        assert_eq!((scans.calls(0, 0), scans.lead_in(1)), (1, 0));
    }

    #[test]
    fn a_far_slower_target_makes_a_third_of_the_turns_or_fewer_and_never_none() {
        let taken = |turns: &Turns| (0..turns.count).filter(|&turn| turns.calls(turn, 1) > 0).count() as f64;
        let queries = Turns::share_out(lots(0), &[2.0, 24.0], SECOND * 20, SliceLength::client(Operation::Query));
        assert!((0.32..0.35).contains(&(taken(&queries) / queries.count as f64)), "{queries:?}");
        let scans = Turns::share_out(lots(0), &[40.0, 1_440.0], SECOND * 20, SliceLength::client(Operation::Scan));
        assert!((0.16..0.2).contains(&(taken(&scans) / scans.count as f64)), "{scans:?}");
        let of_four =
            Turns::share_out(lots(0), &[40.0, 1_440.0, 42.0, 55.0], SECOND * 40, SliceLength::client(Operation::Scan));
        assert!((0.12..0.14).contains(&(taken(&of_four) / of_four.count as f64)), "{of_four:?}");
        let turns = Turns::share_out(lots(0), &[13.0, 490.0], SECOND * 4, SliceLength::LATENCY);
        assert_eq!(turns.calls(0, 1), 1);
        assert!(timed(&Turns::share_out(lots(0), &[13.0, 490.0], Duration::ZERO, SliceLength::LATENCY), 1) >= 1);
    }

    #[test]
    fn all_turns_together_take_the_time_that_was_given() {
        for ms in [vec![0.6, 0.65, 1.6, 0.8], vec![0.8, 0.9, 12.0, 1.0], vec![5.0]] {
            let turns = Turns::share_out(lots(0), &ms, SECOND * 3, SliceLength::LATENCY);
            let total: f64 = ms.iter().enumerate().map(|(target, ms)| turns.all_calls(target) as f64 * ms).sum();
            assert!((2_700.0..3_400.0).contains(&total), "{total} ms of {ms:?}");
        }
    }

    #[test]
    fn turns_are_enough_for_each_target_to_be_timed_for_a_given_time() {
        let ms = [50.0, 450.0, 60.0];
        let few = Turns::share_out(lots(0), &ms, SECOND, SliceLength::LATENCY);
        let enough = few.clone().lasting(&ms, SECOND);
        let shortest = |turns: &Turns| {
            (0..ms.len()).map(|target| timed(turns, target) as f64 * ms[target]).fold(f64::INFINITY, f64::min)
        };
        assert!(shortest(&few) < 500.0 && (1_000.0..1_100.0).contains(&shortest(&enough)), "{enough:?}");
        assert_eq!(enough.clone().lasting(&ms, SECOND / 2), enough);
    }

    #[test]
    fn no_phase_makes_more_calls_than_can_be_taken_away_again() {
        for ms in [0.01, 5.0, 6.0, 7.0, 10.0, 20.0] {
            let turns = Turns::share_out(lots(0), &[ms], SECOND * 36_000, SliceLength::LATENCY);
            assert!(turns.all_calls(0) <= MOST_CALLS, "{ms} ms: {turns:?}");
        }
    }

    #[test]
    fn turns_that_last_for_slow_targets_are_no_more_than_can_be_taken_away_again_those_that_lead_in_counted() {
        for (ms, each) in [(vec![60.0], 3_600), (vec![60.0, 900.0], 36_000), (vec![1.0, 60.0], 3_600)] {
            let turns = Turns::share_out(lots(0), &ms, SECOND, SliceLength::LATENCY).lasting(&ms, SECOND * each);
            let most = (0..ms.len()).map(|target| turns.all_calls(target)).max().unwrap();
            assert!((MOST_CALLS * 8 / 10..=MOST_CALLS).contains(&most), "{most} of {ms:?}");
        }
    }
}
