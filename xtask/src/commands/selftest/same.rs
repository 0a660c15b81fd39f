//! A against A: two copies of one library in several short runs, each judged as a run is. A verdict of a difference is
//! false. One that is unclear is not, though it shows something only where the interval is not too wide.

use std::time::Duration;

use super::lab::{AROUND_A_RUN, LONGEST_WARM_UP, copy, length, unsettled};
use super::part::Session;
use super::ratios::{Log, measurement, too_noisy};
use super::trial::{Outcome, Trial};
use crate::plan::request::Emphasis;
use crate::results::{Results, Verdict};
use crate::system::format::plural;

const PART: &str = "same";
/// Runs where the time suffices for them.
const RUNS: u32 = 10;
/// The shortest run: three rounds of starting, warming up and a few seconds of calls.
const SHORTEST: Duration = Duration::from_secs(47);
/// The most of the verdicts that may be false.
const FALSE_VERDICTS: f64 = 0.05;
/// How well more than half of the ratios of CPU per call and of latency must be known: where nothing is, equals are not
/// called different either. Runs as short as these know CPU to ±5% and latency to ±10%, in the median, and so call few or
/// none the same; in a noisy hour intervals are twice as wide and more, and then they show nothing.
const CPU_KNOWN_TO: f64 = 0.10;
const LATENCY_KNOWN_TO: f64 = 0.30;

/// Verdicts on equals.
#[derive(Debug)]
struct Tally {
    /// How well a ratio must be known.
    known_to: f64,
    same: u32,
    unclear: u32,
    wrong: Vec<String>,
    /// Those on ratios that are not known well enough.
    vague: u32,
}

pub fn run(session: &mut Session<'_>, time: Duration) -> anyhow::Result<Vec<Trial>> {
    let operations = session.operations();
    let lab = session.lab()?;
    let library = lab.first();
    let count =
        (time.as_secs_f64() / (SHORTEST + AROUND_A_RUN).as_secs_f64()).floor().clamp(1.0, f64::from(RUNS)) as u32;
    let mut runs: Vec<Results> = Vec::new();
    for at in 0..count {
        let mut request = lab.request(&operations, &[library; 2]);
        request.budget = Some((time / count).saturating_sub(AROUND_A_RUN).max(Duration::from_secs(20)));
        request.experiment.emphasis = Emphasis::BothGrounds;
        request.warm_up = Some(LONGEST_WARM_UP);
        request.seed += u64::from(at);
        runs.push(lab.run(&format!("same-{}", at + 1), &request, Vec::new())?);
    }
    let (mut cpu, mut latency) = (Tally::of(CPU_KNOWN_TO), Tally::of(LATENCY_KNOWN_TO));
    for (at, results) in runs.iter().enumerate() {
        for &operation in &operations {
            let other = measurement(results, operation, &copy(library, 1));
            let Some(versus) = other.and_then(|one| one.vs_baseline.as_ref()) else { continue };
            let what = || format!("run {}, {operation}", at + 1);
            cpu.count(versus.cpu_verdict, what, versus.cpu_ratio, versus.cpu_ratio_ci95);
            if let Some(ratio) = versus.latency_ratio {
                latency.count(versus.verdict, what, ratio, versus.latency_ratio_ci95);
            }
        }
    }
    let lengths: Vec<String> =
        runs.iter().enumerate().map(|(at, run)| length(&format!("run {}", at + 1), run)).collect();
    let mut trials = vec![cpu.trial("CPU per call", runs.len(), &lengths), latency.trial("latency", runs.len(), &[])];
    trials.extend(unsettled(PART, &runs));
    Ok(trials)
}

impl Tally {
    fn of(known_to: f64) -> Tally {
        Tally { known_to, same: 0, unclear: 0, wrong: Vec::new(), vague: 0 }
    }

    fn count(&mut self, verdict: Verdict, what: impl Fn() -> String, ratio: f64, interval: Option<[f64; 2]>) {
        match verdict {
            Verdict::Same => self.same += 1,
            Verdict::Unclear => self.unclear += 1,
            Verdict::Faster | Verdict::Slower => {
                let [low, high] = interval.unwrap_or([f64::NAN; 2]);
                self.wrong.push(format!("{}: ×{ratio:.3} ({low:.3} to {high:.3})", what()));
            }
        }
        let is_known = Log::of(ratio, interval).is_some_and(|log| log.half <= self.known_to.ln_1p());
        self.vague += u32::from(!is_known);
    }

    fn trial(&self, figure: &str, runs: usize, lengths: &[String]) -> Trial {
        let wrong = self.wrong.len() as u32;
        let all = self.same + self.unclear + wrong;
        let share = f64::from(wrong) / f64::from(all.max(1));
        let mut found = format!(
            "{wrong} of {all} verdicts are false ({:.1}%), {} say the same and {} are unclear, in {}",
            share * 100.0,
            self.same,
            self.unclear,
            plural(runs as u64, "run")
        );
        let outcome = if all == 0 {
            Outcome::NotMade
        } else if share > FALSE_VERDICTS {
            Outcome::Failed
        } else if 2 * self.vague >= all {
            found += &too_noisy(self.known_to);
            Outcome::TooNoisy
        } else {
            Outcome::Passed
        };
        Trial::new(PART, figure, format!("at most {:.0}% false", FALSE_VERDICTS * 100.0), found, outcome)
            .with(self.wrong.iter().chain(lengths).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(verdicts: &[Verdict], interval: [f64; 2]) -> Tally {
        let mut tally = Tally::of(0.15);
        for verdict in verdicts {
            tally.count(*verdict, || "run 1, GetItem".to_owned(), 1.05, Some(interval));
        }
        tally
    }

    #[test]
    fn a_verdict_of_a_difference_between_equals_is_false_and_no_other_is() {
        let verdicts = [Verdict::Same, Verdict::Unclear, Verdict::Slower, Verdict::Faster];
        let trial = tally(&verdicts, [1.01, 1.09]).trial("CPU per call", 1, &[]);
        assert_eq!(trial.outcome, Outcome::Failed);
        assert_eq!(trial.found, "2 of 4 verdicts are false (50.0%), 1 say the same and 1 are unclear, in 1 run");
        assert_eq!(trial.details[0], "run 1, GetItem: ×1.050 (1.010 to 1.090)");
        assert_eq!(Tally::of(0.15).trial("latency", 0, &[]).outcome, Outcome::NotMade);
    }

    #[test]
    fn verdicts_that_are_unclear_pass_only_where_most_ratios_are_known_well_enough() {
        let of = |interval| tally(&[Verdict::Unclear; 3], interval).trial("CPU per call", 1, &[]);
        assert_eq!(of([0.95, 1.16]).outcome, Outcome::Passed);
        let vague = of([0.80, 1.30]);
        assert_eq!(vague.outcome, Outcome::TooNoisy);
        assert!(vague.found.ends_with("too noisy to conclude from: ±15% is needed"), "{}", vague.found);
        let wrong = tally(&[Verdict::Slower; 3], [1.1, 1.9]).trial("CPU per call", 1, &[]);
        assert_eq!(wrong.outcome, Outcome::Failed, "a false verdict is one, however little is known");
    }
}
