//! Warming up a process until its client has settled, and the rule that says when. A JavaScript engine compiles what is
//! called often, in steps and beside the calls: the CPU of a call falls by half and more over some thousand calls,
//! whichever operations they are, since most of the code under them is the same.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::results::{Operation, WarmUp};
use crate::workers::suite::VerifiedSuite;
use crate::workers::worker::{Fault, Health};

/// Calls of one cycle, all operations together: so many that its mean varies by some percent only.
const CYCLE: u64 = 500;
/// No window of a slow operation lasts much longer.
const WINDOW: Duration = Duration::from_millis(300);
/// So many cycles are compared with as many before them.
const COMPARED: usize = 3;
/// A fall from the one to the other by less than this share counts as none.
const TOLERANCE: f64 = 0.03;

/// What the warm-up of each operation took, and whether the process had settled by its end.
pub type WarmUps = BTreeMap<Operation, WarmUp>;

/// Calls the operations in turn, some dozens of calls each, until the CPU per call has stopped falling or `most` is
/// over. Nothing is timed here but whole windows, so that many processes may do this at the same time.
///
/// Scan is left out beside others: it would read what they write meanwhile, and it runs the same few lines for each
/// of its items, so that the scans just before it is measured are enough.
pub fn warm_up(
    suite: &mut VerifiedSuite,
    operations: &[Operation],
    most: Duration,
    health: Health<'_>,
    mut now_at: impl FnMut(Operation),
) -> Result<WarmUps, Fault> {
    let begun = Instant::now();
    let alone = operations.len() == 1;
    let in_turn: Vec<Operation> =
        operations.iter().copied().filter(|&operation| alone || operation != Operation::Scan).collect();
    let calls = CYCLE.div_ceil(in_turn.len().max(1) as u64);
    let mut warm_ups = WarmUps::new();
    let mut cycles = Vec::new();
    let mut settled = false;
    while !settled && begun.elapsed() < most {
        let mut logs = 0.0;
        for &operation in &in_turn {
            now_at(operation);
            let left = most.saturating_sub(begun.elapsed());
            logs += window(suite, operation, calls, left, health, &mut warm_ups)?.ln();
        }
        cycles.push((logs / in_turn.len() as f64).exp());
        settled = has_settled(&cycles);
    }
    for warm_up in warm_ups.values_mut() {
        warm_up.settled = settled;
    }
    Ok(warm_ups)
}

/// One window more of one operation, into its entry of `warm_ups`; CPU per call, microseconds.
fn window(
    suite: &mut VerifiedSuite,
    operation: Operation,
    calls: u64,
    left: Duration,
    health: Health<'_>,
    warm_ups: &mut WarmUps,
) -> Result<f64, Fault> {
    let most = WINDOW.max(WINDOW * calls as u32 / 100).min(left);
    let end = suite.warm_up(operation, calls, most, health)?;
    let us = end.cpu_ms * 1e3 / end.calls.max(1) as f64;
    let warm_up = warm_ups.entry(operation).or_insert_with(|| WarmUp {
        calls: 0,
        wall_ms: 0.0,
        settled: false,
        windows_us: Vec::new(),
    });
    warm_up.calls += end.calls;
    warm_up.wall_ms += end.wall_ms;
    warm_up.windows_us.push((us * 10.0).round() / 10.0);
    Ok(us.max(f64::MIN_POSITIVE))
}

/// Whether CPU per call has stopped falling: the mean of the last cycles is not lower than that of as many before
/// them, and none of the last is lower than all before. The second half matters on a noisy machine, where a mean may
/// rise by chance while the fall still goes on.
pub fn has_settled(cycles_us: &[f64]) -> bool {
    let Some(before) = cycles_us.len().checked_sub(2 * COMPARED) else { return false };
    let (earlier, latest) = cycles_us.split_at(before + COMPARED);
    let sum = |cycles: &[f64]| cycles.iter().sum::<f64>();
    let least = |cycles: &[f64]| cycles.iter().copied().fold(f64::INFINITY, f64::min);
    sum(latest) >= sum(&earlier[before..]) * (1.0 - TOLERANCE) && least(latest) >= least(earlier) * (1.0 - TOLERANCE)
}

#[cfg(test)]
mod tests {
    use super::has_settled;

    #[test]
    fn it_is_not_over_before_six_cycles() {
        assert!(!has_settled(&[700.0; 5]));
        assert!(has_settled(&[700.0; 6]));
    }

    #[test]
    fn it_is_not_over_while_cpu_per_call_falls() {
        assert!(!has_settled(&[1700.0, 1500.0, 1300.0, 1150.0, 1050.0, 980.0]));
        assert!(!has_settled(&[800.0, 785.0, 770.0, 755.0, 740.0, 725.0]));
    }

    #[test]
    fn it_is_over_when_it_has_stopped_falling() {
        assert!(has_settled(&[1700.0, 1000.0, 700.0, 705.0, 695.0, 702.0, 698.0, 701.0]));
    }

    #[test]
    fn it_is_not_over_when_a_noisy_mean_hides_a_cycle_lower_than_all_before() {
        assert!(!has_settled(&[900.0, 900.0, 900.0, 1100.0, 800.0, 1000.0]));
    }
}
