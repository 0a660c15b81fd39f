//! What a run that stays inconclusive should do: measure for longer, and about how long. The half-width of an interval
//! shrinks with the square root of the rounds, and so of the time, up to the most rounds that a run makes.

use super::answer::Point;
use super::{TargetView, label};
use crate::analysis::{forecast, summary};
use crate::report::format;
use crate::results::{DisturbanceKind, MOST_ROUNDS, Measurement, Results, Verdict};
use stats::log_half_width;

/// No longer budget is suggested, seconds.
const LONGEST: f64 = 3600.0;
/// Rounds that a verdict takes.
const FEWEST_ROUNDS: u32 = 3;
/// The time grows at least by this: an interval that is nearly narrow enough by itself may not be next time.
const LEAST_GROWTH: f64 = 1.25;
/// So many times as long a run leaves each of its rounds twice the time to warm up.
const TO_WARM_UP: f64 = 2.0;

/// How long a run would settle what this one left open.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// As `--budget` takes it: `12m`, `1h`.
    pub text: String,
    seconds: f64,
    /// Whether even this may not be enough.
    pub capped: bool,
}

impl Budget {
    fn flag(&self) -> String {
        format!(" --budget {}", self.text)
    }
}

/// What would settle what is inconclusive: a longer run, with a longer warm-up where processes had not settled.
pub fn to_settle(results: &Results, libraries: &[TargetView]) -> Option<Point> {
    let unsettled = results.measurements.iter().any(|m| m.warning_kinds.iter().any(|kind| kind == "not-settled"));
    let hardest = hardest(results);
    let of_width = hardest.map(|(hardest, growth)| (growth, hardest.scale.as_str()));
    let of_warm_up = unsettled.then(|| Some((TO_WARM_UP, results.settings.scales.first()?.name.as_str()))).flatten();
    let (growth, scale) = of_width.into_iter().chain(of_warm_up).max_by(|a, b| a.0.total_cmp(&b.0))?;
    let budget = budget_for(results, growth, scale);
    let mut text = "Measure for longer".to_owned();
    if let Some((hardest, _)) = hardest {
        let enough = if budget.capped { "may not be enough" } else { "should be about enough" };
        let range = hardest.vs_baseline.as_ref().and_then(|versus| versus.cpu_ratio_ci95);
        let range = range.map_or_else(String::new, |[low, high]| {
            format!(" ({} to {})", format::ratio(low, None), format::ratio(high, None))
        });
        text = format!(
            "{text}, which {enough} for the hardest, {} of {} at {} items{range}; less time settles some of the others",
            hardest.operation,
            label(libraries, &hardest.target),
            format::count(hardest.items.into()),
        );
    }
    if unsettled {
        text += "; and warm up for longer, as processes had not settled";
    }
    let flags = if unsettled { warming_up(results, &budget) } else { budget.flag() };
    let command = again(results, &flags);
    Some(Point { command, ..Point::new("To settle it", text) })
}

/// The run's own command with other flags: what is not about how long it measures, or where to, stays as it was.
fn again(results: &Results, flags: &str) -> String {
    const OWN: [&str; 7] = ["--budget", "--rounds", "--warm-up", "--time", "--patience", "--out", "--resume"];
    let mut words = shell_words::split(&results.run.command).unwrap_or_default().into_iter();
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        if !OWN.contains(&word.split('=').next().unwrap_or_default()) {
            kept.push(word);
        } else if !word.contains('=') {
            // Its value.
            words.next();
        }
    }
    let command = if kept.is_empty() { "cargo xtask bench".to_owned() } else { shell_words::join(kept) };
    format!("{command}{flags}")
}

/// What to do about something that was found: a sentence without its end, and a command, of which one may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advice {
    pub how: &'static str,
    pub command: String,
}

impl Advice {
    fn new(how: &'static str) -> Advice {
        Advice { how, command: String::new() }
    }

    /// "measure for longer: cargo xtask bench --budget 10m".
    pub fn text(&self) -> String {
        let colon = if self.how.is_empty() || self.command.is_empty() { "" } else { ": " };
        format!("{}{colon}{}", self.how, self.command)
    }
}

/// The same run again, with a wait for the machine to become idle that outlasts a build or a browser.
fn patient(results: &Results, how: &'static str) -> Advice {
    Advice { how, command: again(results, " --patience 5m") }
}

fn longer(results: &Results) -> Advice {
    let flag = budget(results).map_or_else(|| " --budget 10m".to_owned(), |budget| budget.flag());
    Advice { how: "measure for longer", command: again(results, &flag) }
}

/// What to do about a disturbance of this kind.
pub fn on_disturbance(results: &Results, kind: DisturbanceKind) -> Advice {
    match kind {
        DisturbanceKind::FewRounds | DisturbanceKind::Noise => longer(results),
        DisturbanceKind::OtherLoad => {
            patient(results, "end what else runs on this machine, or let the run wait until it is idle")
        }
        DisturbanceKind::CpuSteal | DisturbanceKind::ClockFrequency => {
            Advice { how: "measure for longer, so that slow and fast moments even out", ..longer(results) }
        }
        DisturbanceKind::Swapping => Advice::new("free some memory, or measure fewer libraries at once (--orm)"),
        DisturbanceKind::Drift | DisturbanceKind::Outliers => {
            patient(results, "measure again while the machine is idle")
        }
        DisturbanceKind::NotSettled => on_warning(results, "not-settled"),
        DisturbanceKind::Accounting => on_warning(results, "accounting"),
        DisturbanceKind::DatabaseRestarted => Advice::default(),
    }
}

/// What to do about a warning of this kind; nothing where it is no fault but what a library does.
pub fn on_warning(results: &Results, kind: &str) -> Advice {
    match kind {
        "errors" => Advice::new("see why in the log of the library's process, next to results.json"),
        "few-rounds" => longer(results),
        "cpu-ratios-disagree" => Advice {
            how: "rely on the direction of these ratios rather than on their size, and measure again for longer",
            ..longer(results)
        },
        "few-samples" | "approximate-p95" | "approximate-p99" => {
            Advice::new("a larger --budget, or fewer operations (--op), times more calls")
        }
        "not-settled" => {
            let growth = results.settings.scales.first().map(|scale| budget_for(results, TO_WARM_UP, &scale.name));
            let flags = growth.map_or_else(String::new, |budget| warming_up(results, &budget));
            Advice { how: "warm up for longer", command: again(results, &flags) }
        }
        "outliers" | "round-apart" | "drift" => patient(results, "measure again while the machine is idle"),
        "accounting" => Advice::new("rely on CPU per call rather than on CPU in percent here"),
        "no-usage" => Advice::new("rely on CPU per call; the sampler needs turns that are longer (--time 250ms)"),
        _ => Advice::default(),
    }
}

/// What lets each round warm up for longer: a larger budget alone would only make more rounds of the same length.
fn warming_up(results: &Results, budget: &Budget) -> String {
    let rounds = results.measurements.iter().map(|m| m.rounds).max().unwrap_or(0).max(FEWEST_ROUNDS);
    let warm_up = (budget.seconds / f64::from(rounds) / 2.0).clamp(10.0, 60.0);
    format!("{} --rounds {rounds} --warm-up {warm_up:.0}s", budget.flag())
}

/// The budget with which a run makes as many rounds as a verdict takes, or settles every ratio, whichever is longer.
pub fn budget(results: &Results) -> Option<Budget> {
    let measured = || results.measurements.iter().filter(|m| m.rounds > 0);
    let fewest = measured().min_by_key(|m| m.rounds)?;
    let more_rounds = f64::from(FEWEST_ROUNDS) / f64::from(fewest.rounds);
    let for_rounds = (more_rounds > 1.0).then_some((more_rounds * LEAST_GROWTH, fewest.scale.as_str()));
    let for_width = hardest(results).map(|(hardest, growth)| (growth, hardest.scale.as_str()));
    let (growth, scale) = for_rounds.into_iter().chain(for_width).max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(budget_for(results, growth, scale))
}

/// The inconclusive ratio that takes the most time to settle, and how many times as long the measuring takes for it. Ratios
/// of processes that had not settled need a longer warm-up instead.
fn hardest(results: &Results) -> Option<(&Measurement, f64)> {
    let unsettled = |m: &Measurement| m.warning_kinds.iter().any(|kind| kind == "not-settled");
    let settled = |m: &&Measurement| {
        let baseline = summary::baseline_of(results, &m.target);
        let like = |other: &&Measurement| {
            baseline.is_some_and(|baseline| other.target == baseline.id)
                && (&other.scale, other.operation) == (&m.scale, m.operation)
        };
        !unsettled(m) && !results.measurements.iter().find(like).is_some_and(unsettled)
    };
    let half = |m: &Measurement| {
        let versus = m.vs_baseline.as_ref().filter(|versus| versus.cpu_verdict == Verdict::Unclear)?;
        versus.cpu_ratio_ci95.and_then(log_half_width).filter(|half| *half > 0.0)
    };
    let open = results.measurements.iter().filter(settled).filter_map(|m| Some((m, growth(results, m, half(m)?))));
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
        Budget { text: format!("{minutes:.0}m"), seconds: minutes * 60.0, capped: false }
    } else {
        Budget { text: "1h".to_owned(), seconds: LONGEST, capped: seconds > LONGEST }
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
        let said = to_settle(&results, &[]).unwrap();
        assert_eq!(
            said.command, "cargo xtask bench --scale small --scale large --budget 15m --rounds 3 --warm-up 60s",
            "the fixture has one that had not settled"
        );
        let (enough, which) = ("which should be about enough", "PutItem of mizzle at 1,000 items (×0.94 to ×1.19)");
        assert!(said.text.contains(enough) && said.text.contains(which), "{}", said.text);
    }

    #[test]
    fn the_command_is_the_run_s_own_for_another_time() {
        let mut results = with_one_open(1.06, [0.9, 1.2], 150.0);
        results.run.command = "cargo xtask bench --orm all --budget 20s --out='my runs/1' --mizzle 'a tree'".to_owned();
        let command = to_settle(&results, &[]).unwrap().command;
        assert!(command.starts_with("cargo xtask bench --orm all --mizzle 'a tree' --budget "), "{command}");
        assert!(!command.contains("20s") && !command.contains("my runs"), "{command}");
    }

    #[test]
    fn no_more_than_an_hour_is_suggested_and_that_it_may_not_do_is_said() {
        let results = with_one_open(1.02, [0.5, 2.0], 150.0);
        let said = to_settle(&results, &[]).unwrap();
        assert!(said.command.contains("--budget 1h") && said.text.contains("may not be enough"), "{said:?}");
    }

    #[test]
    fn a_run_that_concludes_has_no_advice_and_a_process_that_had_not_settled_needs_a_longer_warm_up() {
        let mut results = with_one_open(1.06, [0.9, 1.2], 150.0);
        results.measurements.iter_mut().for_each(|m| m.warning_kinds.clear());
        assert!(!to_settle(&results, &[]).unwrap().command.contains("--warm-up"));
        let open = results.measurements.iter_mut().find(|m| m.vs_baseline.is_some()).unwrap();
        open.warning_kinds = vec!["not-settled".to_owned()];
        let command = "cargo xtask bench --scale small --scale large --budget 5m --rounds 3 --warm-up 50s";
        assert_eq!(to_settle(&results, &[]).unwrap().command, command);
        open_ratio(&mut results).cpu_verdict = Verdict::Same;
        results.measurements.iter_mut().for_each(|m| m.warning_kinds.clear());
        assert_eq!(to_settle(&results, &[]), None);
    }

    fn open_ratio(results: &mut Results) -> &mut crate::results::VsBaseline {
        let mut all = results.measurements.iter_mut().filter_map(|m| m.vs_baseline.as_mut());
        all.find(|versus| versus.cpu_verdict == Verdict::Unclear).unwrap()
    }

    #[test]
    fn commands_that_are_advised_have_flags_that_help() {
        let results = fixed();
        let kinds = ["errors", "few-rounds", "few-samples", "approximate-p99", "not-settled", "outliers", "accounting"];
        let disturbed = [
            DisturbanceKind::OtherLoad,
            DisturbanceKind::ClockFrequency,
            DisturbanceKind::Drift,
            DisturbanceKind::NotSettled,
            DisturbanceKind::FewRounds,
        ];
        let all = kinds.map(|kind| on_warning(&results, kind)).into_iter();
        for advice in all.chain(disturbed.map(|kind| on_disturbance(&results, kind))) {
            assert!(!advice.how.is_empty(), "{advice:?}");
            let flags = advice.command.split(' ').filter(|word| word.starts_with("--"));
            for flag in flags.clone() {
                // The run's own stay.
                let own = results.run.command.contains(flag);
                assert!(own || ["--budget", "--rounds", "--warm-up", "--patience"].contains(&flag), "{advice:?}");
            }
            // More rounds of the same budget would only be shorter ones.
            let flags: Vec<&str> = flags.collect();
            assert!(!flags.contains(&"--rounds") || flags.contains(&"--budget"), "{advice:?}");
        }
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
