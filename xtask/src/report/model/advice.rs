//! What a run that stays inconclusive should do: measure for longer, and about how long. The half-width of an interval
//! shrinks with the square root of the rounds, and so of the time, up to the most rounds that a run makes.

use super::{TargetView, label};
use crate::analysis::{forecast, summary};
use crate::plan::MOST_ROUNDS;
use crate::report::format;
use crate::results::{Measurement, Results, Verdict};

/// No longer budget is suggested, seconds.
const LONGEST: f64 = 3600.0;
/// Rounds that a verdict takes.
const FEWEST_ROUNDS: u32 = 3;
/// The time grows at least by this: an interval that is nearly narrow enough by itself may not be next time.
const LEAST_GROWTH: f64 = 1.25;

/// How long a run would settle what this one left open.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// As `--budget` takes it: `12m`, `1h`.
    pub text: String,
    /// Whether even this may not be enough.
    pub capped: bool,
}

/// The advice on the ratios of CPU per call that stay inconclusive although their processes had settled.
pub fn sentence(results: &Results, libraries: &[TargetView]) -> Option<String> {
    let (widest, half) = widest(results)?;
    let budget = budget_for(results, growth(results, widest, half), &widest.scale);
    let enough = if budget.capped { "may not be enough" } else { "should be about enough" };
    Some(format!(
        "To settle what is inconclusive, measure for longer: --budget {} {enough} (the widest, {} of {} at {} items, is \
         known to ±{}).",
        budget.text,
        widest.operation,
        label(libraries, &widest.target),
        format::count(widest.items.into()),
        format::percent(half.exp_m1())
    ))
}

/// The budget with which a run makes as many rounds as a verdict takes, or settles the widest ratio, whichever is longer.
pub fn budget(results: &Results) -> Option<Budget> {
    let measured = || results.measurements.iter().filter(|m| m.rounds > 0);
    let fewest = measured().min_by_key(|m| m.rounds)?;
    let more_rounds = f64::from(FEWEST_ROUNDS) / f64::from(fewest.rounds);
    let for_rounds = (more_rounds > 1.0).then_some((more_rounds * LEAST_GROWTH, fewest.scale.as_str()));
    let for_width = widest(results).map(|(widest, half)| (growth(results, widest, half), widest.scale.as_str()));
    let (growth, scale) = for_rounds.into_iter().chain(for_width).max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(budget_for(results, growth, scale))
}

/// The inconclusive ratio with the widest interval, and half of its width as a logarithm. Ratios of processes that had not
/// settled need a longer warm-up instead.
fn widest(results: &Results) -> Option<(&Measurement, f64)> {
    let unsettled = |m: &Measurement| m.warning_kinds.iter().any(|kind| kind == "not-settled");
    let baseline = results.targets.iter().find(|target| target.baseline)?;
    let settled = |m: &&Measurement| {
        let like = |other: &&Measurement| {
            other.target == baseline.id && other.scale == m.scale && other.operation == m.operation
        };
        !unsettled(m) && !results.measurements.iter().find(like).is_some_and(unsettled)
    };
    let half = |m: &Measurement| {
        let versus = m.vs_baseline.as_ref().filter(|versus| versus.cpu_verdict == Verdict::Unclear)?;
        let [low, high] = versus.cpu_ratio_ci95.filter(|[low, high]| *low > 0.0 && low < high)?;
        Some((high / low).ln() / 2.0)
    };
    let open = results.measurements.iter().filter(settled).filter_map(|m| Some((m, half(m)?)));
    open.max_by(|a, b| a.1.total_cmp(&b.1))
}

/// How many times as long the measuring takes until the interval excludes 1, or lies within the margin of equivalence,
/// in four of five runs: whichever is nearer.
fn growth(results: &Results, of: &Measurement, half: f64) -> f64 {
    let away = of.vs_baseline.as_ref().map_or(0.0, |versus| versus.cpu_ratio.ln().abs());
    let wanted = away.max(results.settings.equivalence_margin.ln_1p() - away);
    let between = summary::share_between(results, &of.scale).unwrap_or(0.0);
    forecast::growth(half, wanted / forecast::surely(of.rounds), of.rounds, MOST_ROUNDS, between).max(LEAST_GROWTH)
}

/// The budget of a scale that takes `growth` times as long as this run took for `scale`.
fn budget_for(results: &Results, growth: f64, scale: &str) -> Budget {
    let known = results.time_use.iter().find(|time| time.scale == scale).map(|time| time.wall_s);
    let shared = results.run.duration_s / results.settings.scales.len().max(1) as f64;
    let seconds = known.filter(|wall| *wall > 0.0).unwrap_or(shared) * growth;
    // Whole minutes, and above ten of them steps of five.
    let minutes = (seconds / 60.0 - 0.05).ceil().max(1.0);
    let minutes = if minutes > 10.0 { (minutes / 5.0).ceil() * 5.0 } else { minutes };
    if minutes * 60.0 < LONGEST {
        Budget { text: format!("{minutes:.0}m"), capped: false }
    } else {
        Budget { text: "1h".to_owned(), capped: seconds > LONGEST }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::golden_test::fixed;
    use crate::results::Interval;

    /// Results in which only one ratio is open.
    fn with_one_open(ratio: f64, interval: Interval, wall_s: f64) -> Results {
        let mut results = fixed();
        for versus in results.measurements.iter_mut().filter_map(|m| m.vs_baseline.as_mut()) {
            versus.cpu_verdict = Verdict::Same;
        }
        results.time_use.iter_mut().for_each(|time| time.wall_s = wall_s);
        let open = results.measurements.iter_mut().find_map(|m| m.vs_baseline.as_mut()).unwrap();
        open.cpu_verdict = Verdict::Unclear;
        (open.cpu_ratio, open.cpu_ratio_ci95) = (ratio, Some(interval));
        results
    }

    #[test]
    fn a_difference_that_is_half_of_its_interval_takes_more_than_four_times_the_time() {
        // 6% more, known to ±12%: once it is known to ±6% it excludes 1 in every other run, and in most a bit later.
        let away = 1.06_f64.ln();
        let results = with_one_open(1.06, [(-away).exp(), (3.0 * away).exp()], 120.0);
        let said = sentence(&results, &[]).unwrap();
        assert!(said.contains("--budget 15m should be about enough"), "{said}");
        assert!(said.contains("PutItem of mizzle at 1,000 items, is known to ±12%"), "{said}");
    }

    #[test]
    fn no_more_than_an_hour_is_suggested_and_that_it_may_not_do_is_said() {
        let results = with_one_open(1.02, [0.5, 2.0], 150.0);
        let said = sentence(&results, &[]).unwrap();
        assert!(said.contains("--budget 1h may not be enough"), "{said}");
    }

    #[test]
    fn a_run_that_concludes_has_no_advice_nor_has_a_process_that_had_not_settled() {
        let mut results = with_one_open(1.06, [0.9, 1.2], 150.0);
        assert!(sentence(&results, &[]).is_some());
        let open = results.measurements.iter_mut().find(|m| m.vs_baseline.is_some()).unwrap();
        open.warning_kinds = vec!["not-settled".to_owned()];
        assert_eq!(sentence(&results, &[]), None);
    }

    #[test]
    fn a_single_round_needs_the_time_of_three() {
        let mut results = with_one_open(1.0, [0.999, 1.001], 60.0);
        for m in &mut results.measurements {
            m.rounds = 1;
            m.vs_baseline = None;
        }
        assert_eq!(budget(&results).unwrap().text, "4m");
    }
}
