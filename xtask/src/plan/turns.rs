//! How the calls of one operation are shared out among targets that take turns: pure arithmetic.

use std::time::Duration;

/// How long a slice of the fastest target is. A noisy neighbour slows a core for about a tenth of a second at a time, so
/// that only slices much shorter than that meet the same conditions as those of the next target.
const SLICE: Duration = Duration::from_millis(10);
/// The first calls of a slice find the caches that the others left: the first GetItem of one took twice as long as the
/// later ones, the second a fifth longer, the third a tenth, the fourth a twentieth. So a slice begins with so many that
/// are not timed, and with fewer only where it has hardly more that are: what is left of it is then the same share of all
/// slices, which are about equally long.
pub const MOST_LEAD_IN: u64 = 2;
/// A target up to so many times as slow as the fastest makes as many calls as that one, in slices of as many: what is
/// left of the colder caches must weigh on all alike. A slower one makes fewer.
const AS_MANY_UP_TO: f64 = 8.0;
/// The most calls of one phase of one target in one round: what they write has to be taken away again.
pub const MOST_CALLS: u64 = 20_000;

/// The calls of one operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Turns {
    /// Turns of the latency phase.
    pub count: u64,
    /// Calls of each target in the latency phase.
    pub latency: Vec<u64>,
    /// Calls of each target in the throughput phase.
    pub throughput: Vec<u64>,
}

/// Shares the time of both phases, of all targets together, out among targets of which a call takes so long by itself.
/// In the throughput phase each makes `fewest` calls at least.
pub fn share_out(ms_per_call: &[f64], latency: Duration, throughput: Duration, fewest: u64) -> Turns {
    let ms: Vec<f64> = ms_per_call.iter().map(|ms| ms.max(0.001)).collect();
    let fastest = ms.iter().copied().fold(f64::INFINITY, f64::min);
    let weights: Vec<f64> =
        ms.iter().map(|ms| if *ms <= AS_MANY_UP_TO * fastest { 1.0 } else { fastest / ms }).collect();
    let one_each_ms: f64 = ms.iter().zip(&weights).map(|(ms, weight)| ms * weight).sum();
    let fitting = |time: Duration| ((time.as_secs_f64() * 1e3 / one_each_ms) as u64).clamp(1, MOST_CALLS);
    let calls = |most: u64, least: u64| -> Vec<u64> {
        weights.iter().map(|weight| ((most as f64 * weight).round() as u64).max(least)).collect()
    };
    let slice = ((SLICE.as_secs_f64() * 1e3 / fastest) as u64).max(1);
    let fitting_latency = fitting(latency);
    let count = (fitting_latency / (slice + lead_in(slice))).max(1);
    let most = fitting_latency.min(count * slice);
    Turns { count, latency: calls(most, 1), throughput: calls(fitting(throughput), fewest) }
}

/// How many calls come before the timed ones of a slice.
pub fn lead_in(calls: u64) -> u64 {
    (calls / 2).min(MOST_LEAD_IN)
}

/// The calls of one turn of a target that makes `calls` in `count` turns: spread evenly, so that one with fewer calls
/// than turns passes most of them by.
pub fn calls_of_turn(turn: u64, count: u64, calls: u64) -> u64 {
    calls * (turn + 1) / count - calls * turn / count
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn targets_that_are_about_equally_fast_make_the_same_calls_in_the_same_slices() {
        let turns = share_out(&[0.7, 0.72, 1.9], SECOND, SECOND / 2, 16);
        assert_eq!(turns.latency[0], turns.latency[1]);
        assert_eq!(turns.latency[0], turns.latency[2]);
        assert_eq!(turns.latency[0] % turns.count, 0);
        let slice = turns.latency[0] / turns.count;
        let ms = (turns.count * (lead_in(slice) + slice)) as f64 * (0.7 + 0.72 + 1.9);
        assert!((900.0..=1000.0).contains(&ms), "{ms}");
    }

    #[test]
    fn a_target_that_is_far_slower_takes_as_much_time_as_the_fastest() {
        let turns = share_out(&[1.0, 20.0], SECOND, SECOND, 16);
        assert_eq!((turns.count, &turns.latency[..]), (41, &[410, 21][..]));
        let of_slow: Vec<u64> = (0..turns.count).map(|turn| calls_of_turn(turn, turns.count, 21)).collect();
        assert_eq!((of_slow.iter().sum::<u64>(), of_slow.iter().max()), (21, Some(&1)));
    }

    #[test]
    fn every_target_makes_a_call_however_short_the_time_and_the_fewest_for_the_throughput() {
        let turns = share_out(&[30_000.0, 900_000.0], SECOND, SECOND, 16);
        assert_eq!((turns.count, turns.latency, turns.throughput), (1, vec![1, 1], vec![16, 16]));
        // One slice of 10,000 calls: a second one, with what leads it in, would be more than MOST_CALLS.
        assert_eq!(share_out(&[0.0], SECOND, SECOND, 1).latency, [10_000]);
        assert_eq!(share_out(&[0.0], SECOND, SECOND, 1).throughput, [MOST_CALLS]);
    }
}
