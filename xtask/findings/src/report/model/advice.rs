//! What to do about a run that leaves something open or was disturbed: one further run, by one command that has all of it.
//! It measures for longer (the half-width of an interval shrinks with the square root of the rounds, and so of the time,
//! up to the most rounds that a run makes), warms up for longer, or waits for an idle machine.

use std::fmt::Write as _;

use super::answer::Point;
use super::{TargetView, label};
use crate::analysis::{forecast, summary};
use crate::report::format;
use crate::results::{DisturbanceKind, MOST_ROUNDS, Measurement, Results, RunStatus, Verdict};
use stats::log_half_width;

/// The kind of the warning that is raised for two ratios of CPU per call that should agree.
pub const DISAGREE: &str = "cpu-ratios-disagree";
/// No longer budget is suggested, seconds.
const LONGEST: f64 = 3600.0;
/// Rounds that a verdict takes.
const FEWEST_ROUNDS: u32 = 3;
/// The time grows at least by this: an interval that is nearly narrow enough by itself may not be next time.
const LEAST_GROWTH: f64 = 1.25;
/// So many times as long a run leaves each of its rounds twice the time to warm up.
const TO_WARM_UP: f64 = 2.0;
/// In so many times as long, slow and fast moments of a machine even out better.
const TO_EVEN_OUT: f64 = 2.0;
/// A wait for the machine to become idle that outlasts a build or a browser.
const PATIENCE: &str = "5m";

/// How long a run would settle what this one left open.
#[derive(Debug, Clone, PartialEq)]
struct Budget {
    /// As `--budget` takes it: `12m`, `1h`.
    text: String,
    seconds: f64,
    /// Whether even this may not be enough.
    capped: bool,
}

/// What a further run does differently from this one.
struct Rerun<'a> {
    budget: Option<Budget>,
    /// The difference that takes the most time to settle.
    hardest: Option<&'a Measurement>,
    makes_enough_rounds: bool,
    warms_up: bool,
    waits: bool,
}

/// The one command for what this run left open (`open`) or what disturbed it seriously, and what it would settle. None
/// where there is neither, and where the run was interrupted: resuming it comes first.
pub fn to_settle(results: &Results, libraries: &[TargetView], open: bool) -> Option<Point> {
    let rerun = Rerun::after(results, open)?;
    let head = if open { "To settle it" } else { "To confirm it" };
    let command = again(results, &rerun.flags(results));
    Some(Point { command, ..Point::new(head, rerun.in_words(results, libraries)) })
}

impl Rerun<'_> {
    fn after(results: &Results, open: bool) -> Option<Rerun<'_>> {
        use DisturbanceKind::{ClockFrequency, CpuSteal, Drift, FewRounds, Noise, NotSettled, OtherLoad, Outliers};
        if results.run.status == RunStatus::Interrupted {
            return None;
        }
        let disturbed = |also_slightly: bool, kinds: &[DisturbanceKind]| {
            results.disturbances.iter().any(|d| (d.serious || also_slightly) && kinds.contains(&d.kind))
        };
        let warned = |kinds: &[&str]| {
            let mut all = results.measurements.iter().flat_map(|m| &m.warning_kinds);
            all.any(|kind| kinds.contains(&kind.as_str()))
        };
        let warms_up = open && warned(&["not-settled"]) || disturbed(false, &[NotSettled]);
        let waits =
            open && warned(&["outliers", "round-apart", "drift"]) || disturbed(open, &[OtherLoad, Drift, Outliers]);
        let evens_out = warned(&[DISAGREE]) || disturbed(false, &[FewRounds, Noise, CpuSteal, ClockFrequency]);
        let first = results.settings.scales.first().map(|scale| scale.name.as_str());
        let hardest = hardest(results);
        let of_width = hardest.map(|(hardest, growth)| (growth, hardest.scale.as_str()));
        let of_rounds = of_rounds(results);
        let of_warm_up = first.filter(|_| warms_up).map(|scale| (TO_WARM_UP, scale));
        let of_moments = first.filter(|_| evens_out).map(|scale| (TO_EVEN_OUT, scale));
        let longest = [of_width, of_rounds, of_warm_up, of_moments].into_iter().flatten();
        let longest = longest.max_by(|a, b| a.0.total_cmp(&b.0));
        let budget = longest.map(|(growth, scale)| budget_for(results, growth, scale));
        (budget.is_some() || waits).then_some(Rerun {
            budget,
            hardest: hardest.map(|(hardest, _)| hardest),
            makes_enough_rounds: of_rounds.is_some(),
            warms_up,
            waits,
        })
    }

    /// "A run that measures for longer should settle every difference; the hardest is Scan of ElectroDB …".
    fn in_words(&self, results: &Results, libraries: &[TargetView]) -> String {
        let mut does = Vec::new();
        if self.budget.is_some() {
            let several = results.settings.scales.len() > 1;
            does.push(if several { "measures each scale for longer" } else { "measures for longer" });
        }
        if self.warms_up {
            does.push("warms up for longer (processes had not settled)");
        }
        if self.waits {
            does.push("waits for an idle machine (this run was disturbed)");
        }
        let settles = match self.hardest.map(|hardest| difference(hardest, libraries)) {
            Some(which) if self.budget.as_ref().is_some_and(|budget| budget.capped) => {
                format!("may not settle the hardest difference, {which}; less time settles some of the others")
            }
            Some(which) => format!("should settle every difference; the hardest is {which}"),
            None if self.makes_enough_rounds => "makes the three rounds that a verdict takes".to_owned(),
            None if self.warms_up => "should give the ratios of those processes a verdict".to_owned(),
            None => "shows whether these figures hold without the disturbances".to_owned(),
        };
        format!("A run that {} {settles}", format::list(&does))
    }

    /// A larger budget alone would only make more rounds of the same length: where processes had not settled, there are as
    /// many as before, each with a longer warm-up.
    fn flags(&self, results: &Results) -> Vec<(&'static str, String)> {
        let mut flags = Vec::new();
        if let Some(budget) = &self.budget {
            flags.push(("--budget", budget.text.clone()));
            if self.warms_up {
                let rounds = results.measurements.iter().map(|m| m.rounds).max().unwrap_or(0).max(FEWEST_ROUNDS);
                let warm_up = (budget.seconds / f64::from(rounds) / 2.0).clamp(10.0, 60.0);
                flags.extend([("--rounds", rounds.to_string()), ("--warm-up", format!("{warm_up:.0}s"))]);
            }
        }
        if self.waits {
            flags.push(("--patience", PATIENCE.to_owned()));
        }
        flags
    }
}

/// "Scan of ElectroDB at 1,000 items (×0.87 to ×1.13)"
fn difference(of: &Measurement, libraries: &[TargetView]) -> String {
    let range = of.vs_baseline.as_ref().and_then(|versus| versus.cpu_ratio_ci95);
    let range = range.map_or_else(String::new, |[low, high]| {
        format!(" ({} to {})", format::ratio(low, None), format::ratio(high, None))
    });
    let (library, items) = (label(libraries, &of.target), format::count(of.items.into()));
    format!("{} of {library} at {items} items{range}", of.operation)
}

/// The run's own command with other flags. Its own stay, but for where it wrote to, what the others replace (a longer
/// wait stays), and with a budget what would not let it be used.
fn again(results: &Results, flags: &[(&str, String)]) -> String {
    let has_budget = flags.iter().any(|(flag, _)| *flag == "--budget");
    let is_dropped = |name: &str| {
        ["--out", "--resume"].contains(&name)
            || has_budget && ["--rounds", "--time"].contains(&name)
            || flags.iter().any(|(flag, _)| *flag == name)
    };
    let mut words = shell_words::split(&results.run.command).unwrap_or_default().into_iter();
    let mut kept = Vec::new();
    let mut patience = None;
    while let Some(word) = words.next() {
        let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
        if !is_dropped(name) {
            kept.push(word);
            continue;
        }
        let is_patience = name == "--patience";
        let value = value.map(str::to_owned).or_else(|| words.next());
        patience = value.filter(|value| is_patience && minutes(value) > minutes(PATIENCE)).or(patience);
    }
    let mut command = if kept.is_empty() { "cargo xtask bench".to_owned() } else { shell_words::join(kept) };
    for (flag, value) in flags {
        let own = patience.as_ref().filter(|_| *flag == "--patience");
        let _ = write!(command, " {flag} {}", own.unwrap_or(value));
    }
    command
}

/// A duration as a flag has it, `90s` or `5m`: whole minutes. None of one that is no single number with its unit.
fn minutes(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let number: u64 = number.parse().ok()?;
    match unit {
        "s" => Some(number / 60),
        "m" | "min" => Some(number),
        "h" => number.checked_mul(60),
        _ => None,
    }
}

/// What to do about a disturbance of this kind: words that follow a colon, which may be empty.
pub fn on_disturbance(kind: DisturbanceKind) -> &'static str {
    match kind {
        DisturbanceKind::FewRounds => on_warning("few-rounds"),
        DisturbanceKind::Noise => "measure for longer (--budget)",
        DisturbanceKind::OtherLoad => {
            "end what else runs on this machine, or let the run wait until it is idle (--patience)"
        }
        DisturbanceKind::CpuSteal | DisturbanceKind::ClockFrequency | DisturbanceKind::Drift => {
            "rely on ratios, which are taken inside each round, rather than on absolute times, which even out in a \
             longer run (--budget) or on an idle machine (--patience)"
        }
        DisturbanceKind::Swapping => "free some memory, or measure fewer libraries at once (--orm)",
        DisturbanceKind::Outliers => on_warning("outliers"),
        DisturbanceKind::NotSettled => on_warning("not-settled"),
        DisturbanceKind::Accounting => on_warning("accounting"),
        DisturbanceKind::DatabaseRestarted => "",
    }
}

/// What to do about a warning of this kind; nothing where it is no fault but what a library does.
pub fn on_warning(kind: &str) -> &'static str {
    match kind {
        "errors" => "see why in the log of the library's process, next to results.json",
        "few-rounds" => "measure for longer (--budget)",
        DISAGREE => "rely on the direction of these ratios rather than on their size",
        "few-samples" | "approximate-p95" | "approximate-p99" => {
            "to time more calls, use a larger --budget or fewer operations (--op)"
        }
        "not-settled" => "warm up for longer (--warm-up, with a larger --budget)",
        "outliers" | "round-apart" | "drift" => "measure again while the machine is idle (--patience)",
        "accounting" => "rely on CPU per call rather than on CPU in percent here",
        "no-usage" => "rely on CPU per call; the sampler needs turns that are longer (--time 250ms)",
        _ => "",
    }
}

/// How many times as long a run takes that makes as many rounds as a verdict takes, and of which scale.
fn of_rounds(results: &Results) -> Option<(f64, &str)> {
    let fewest = results.measurements.iter().filter(|m| m.rounds > 0).min_by_key(|m| m.rounds)?;
    let more = f64::from(FEWEST_ROUNDS) / f64::from(fewest.rounds);
    (more > 1.0).then_some((more * LEAST_GROWTH, fewest.scale.as_str()))
}

/// The inconclusive ratio that takes the most time to settle, and how many times as long the measuring takes for it. Ratios
/// of processes that had not settled need a longer warm-up instead.
fn hardest(results: &Results) -> Option<(&Measurement, f64)> {
    let unsettled = |m: &Measurement| m.has_warning("not-settled");
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
        let said = to_settle(&results, &[], true).unwrap();
        assert_eq!(
            said.command,
            "cargo xtask bench --scale small --scale large --budget 15m --rounds 3 --warm-up 60s --patience 5m",
            "the fixture has one that had not settled, and other load"
        );
        let settles =
            "should settle every difference; the hardest is PutItem of mizzle at 1,000 items (×0.94 to ×1.19)";
        assert!(said.text.ends_with(settles), "{}", said.text);
    }

    #[test]
    fn everything_that_helps_is_in_one_sentence_and_one_command() {
        let mut results = with_one_open(1.06, [0.9, 1.2], 150.0);
        let said = to_settle(&results, &[], true).unwrap();
        for does in ["measures each scale for longer, ", "warms up for longer (", " and waits for an idle machine ("] {
            assert!(said.text.contains(does), "{}", said.text);
        }
        for flag in [" --budget ", " --rounds 3 ", " --warm-up ", " --patience 5m"] {
            assert_eq!(said.command.matches(flag).count(), 1, "{}", said.command);
        }
        results.run.status = RunStatus::Interrupted;
        assert_eq!(to_settle(&results, &[], true), None, "it is resumed");
    }

    #[test]
    fn the_command_is_the_run_s_own_for_another_time() {
        let mut results = with_one_open(1.06, [0.9, 1.2], 150.0);
        results.run.command = "cargo xtask bench --orm all --budget 20s --out='my runs/1' --mizzle 'a tree'".to_owned();
        let command = to_settle(&results, &[], true).unwrap().command;
        assert!(command.starts_with("cargo xtask bench --orm all --mizzle 'a tree' --budget "), "{command}");
        assert!(!command.contains("20s") && !command.contains("my runs"), "{command}");
    }

    #[test]
    fn who_only_has_to_wait_keeps_the_time_of_the_run_and_a_longer_wait_of_its_own() {
        let flags = [("--patience", PATIENCE.to_owned())];
        let mut results = fixed();
        results.run.command = "cargo xtask bench --budget 20m --rounds 4 --resume x".to_owned();
        assert_eq!(again(&results, &flags), "cargo xtask bench --budget 20m --rounds 4 --patience 5m");
        results.run.command = "cargo xtask bench --patience 1h".to_owned();
        assert_eq!(again(&results, &flags), "cargo xtask bench --patience 1h");
        results.run.command = "cargo xtask bench --patience=90s --orm all".to_owned();
        assert_eq!(again(&results, &flags), "cargo xtask bench --orm all --patience 5m");
    }

    #[test]
    fn no_more_than_an_hour_is_suggested_and_that_it_may_not_do_is_said() {
        let results = with_one_open(1.02, [0.5, 2.0], 150.0);
        let said = to_settle(&results, &[], true).unwrap();
        let may_not = "may not settle the hardest difference, PutItem of mizzle";
        assert!(said.command.contains("--budget 1h") && said.text.contains(may_not), "{said:?}");
    }

    #[test]
    fn a_run_that_concludes_has_no_advice_and_a_process_that_had_not_settled_needs_a_longer_warm_up() {
        let mut results = with_one_open(1.06, [0.9, 1.2], 150.0);
        results.measurements.iter_mut().for_each(|m| m.warning_kinds.clear());
        results.disturbances.clear();
        assert!(!to_settle(&results, &[], true).unwrap().command.contains("--warm-up"));
        let open = results.measurements.iter_mut().find(|m| m.vs_baseline.is_some()).unwrap();
        open.warning_kinds = vec!["not-settled".to_owned()];
        let command = "cargo xtask bench --scale small --scale large --budget 5m --rounds 3 --warm-up 50s";
        assert_eq!(to_settle(&results, &[], true).unwrap().command, command);
        open_ratio(&mut results).cpu_verdict = Verdict::Same;
        results.measurements.iter_mut().for_each(|m| m.warning_kinds.clear());
        assert_eq!(to_settle(&results, &[], false), None);
    }

    #[test]
    fn a_run_that_concludes_and_was_disturbed_seriously_is_to_be_confirmed() {
        let mut results = with_one_open(1.0, [0.999, 1.001], 60.0);
        open_ratio(&mut results).cpu_verdict = Verdict::Same;
        results.measurements.iter_mut().for_each(|m| m.warning_kinds.clear());
        results.disturbances.retain(|d| d.kind == DisturbanceKind::OtherLoad);
        assert_eq!(to_settle(&results, &[], false), None, "it was disturbed slightly");
        results.disturbances[0].serious = true;
        let said = to_settle(&results, &[], false).unwrap();
        assert_eq!(said.head, "To confirm it");
        assert_eq!(said.command, "cargo xtask bench --scale small --scale large --patience 5m");
    }

    fn open_ratio(results: &mut Results) -> &mut crate::results::VsBaseline {
        let mut all = results.measurements.iter_mut().filter_map(|m| m.vs_baseline.as_mut());
        all.find(|versus| versus.cpu_verdict == Verdict::Unclear).unwrap()
    }

    #[test]
    fn a_single_round_needs_the_time_of_three() {
        let mut results = with_one_open(1.0, [0.999, 1.001], 60.0);
        for m in &mut results.measurements {
            m.rounds = 1;
            m.vs_baseline = None;
            m.warning_kinds.clear();
        }
        results.disturbances.clear();
        let said = to_settle(&results, &[], true).unwrap();
        assert_eq!(said.text, "A run that measures each scale for longer makes the three rounds that a verdict takes");
        assert!(said.command.ends_with(" --budget 4m"), "{}", said.command);
    }
}
