//! A against A: three copies of one library in several short runs, each judged as a run is. A verdict of a difference is
//! false.

use std::time::Duration;

use super::lab::{AROUND_A_RUN, LONGEST_WARM_UP, copy, length, unsettled};
use super::part::Session;
use super::ratios::{against, measurement};
use super::trial::{Outcome, Trial};
use crate::plan::request::Emphasis;
use crate::results::{Results, Verdict};

const PART: &str = "same";
const COPIES: usize = 3;
/// Runs where the time suffices for them.
const RUNS: u32 = 10;
/// The shortest run: three rounds of starting, warming up and a few seconds of calls.
const SHORTEST: Duration = Duration::from_secs(47);
/// The most of the verdicts that may be false.
const FALSE_VERDICTS: f64 = 0.05;

/// Verdicts on equals.
#[derive(Debug, Default)]
struct Tally {
    verdicts: u32,
    wrong: Vec<String>,
}

pub fn run(session: &mut Session<'_>, time: Duration) -> anyhow::Result<Vec<Trial>> {
    let operations = session.operations();
    let lab = session.lab()?;
    let library = lab.first();
    let count =
        (time.as_secs_f64() / (SHORTEST + AROUND_A_RUN).as_secs_f64()).floor().clamp(1.0, f64::from(RUNS)) as u32;
    let mut runs: Vec<Results> = Vec::new();
    for at in 0..count {
        let mut request = lab.request(&operations, &[library; COPIES]);
        request.budget = Some((time / count).saturating_sub(AROUND_A_RUN).max(Duration::from_secs(20)));
        request.experiment.emphasis = Emphasis::BothGrounds;
        request.warm_up = Some(LONGEST_WARM_UP);
        request.seed += u64::from(at);
        runs.push(lab.run(&format!("same-{}", at + 1), &request, Vec::new())?);
    }
    let (mut cpu, mut latency) = (Tally::default(), Tally::default());
    for (at, results) in runs.iter().enumerate() {
        for (baseline, other) in pairs() {
            let (baseline, other) = (copy(library, baseline), copy(library, other));
            let results = against(results, &baseline);
            for &operation in &operations {
                let Some(versus) = measurement(&results, operation, &other).and_then(|one| one.vs_baseline.as_ref())
                else {
                    continue;
                };
                let what = || format!("run {}, {operation}, {other} against {baseline}", at + 1);
                cpu.count(versus.cpu_verdict, what, versus.cpu_ratio, versus.cpu_ratio_ci95);
                if let Some(ratio) = versus.latency_ratio {
                    latency.count(versus.verdict, what, ratio, versus.latency_ratio_ci95);
                }
            }
        }
    }
    let lengths: Vec<String> =
        runs.iter().enumerate().map(|(at, run)| length(&format!("run {}", at + 1), run)).collect();
    let mut trials = vec![cpu.trial("CPU per call", runs.len(), &lengths), latency.trial("latency", runs.len(), &[])];
    trials.extend(unsettled(PART, &runs));
    Ok(trials)
}

/// Each copy with each other one.
fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..COPIES).flat_map(|one| (one + 1..COPIES).map(move |other| (one, other)))
}

impl Tally {
    fn count(&mut self, verdict: Verdict, what: impl Fn() -> String, ratio: f64, interval: Option<[f64; 2]>) {
        self.verdicts += 1;
        if matches!(verdict, Verdict::Faster | Verdict::Slower) {
            let [low, high] = interval.unwrap_or([f64::NAN; 2]);
            self.wrong.push(format!("{}: ×{ratio:.3} ({low:.3} to {high:.3})", what()));
        }
    }

    fn trial(&self, figure: &str, runs: usize, lengths: &[String]) -> Trial {
        let share = self.wrong.len() as f64 / f64::from(self.verdicts.max(1));
        Trial::new(
            PART,
            figure,
            format!("at most {:.0}% false", FALSE_VERDICTS * 100.0),
            format!(
                "{} of {} verdicts are false in {runs} runs ({:.1}%)",
                self.wrong.len(),
                self.verdicts,
                share * 100.0
            ),
            if self.verdicts == 0 { Outcome::NotMade } else { (share <= FALSE_VERDICTS).into() },
        )
        .with(self.wrong.iter().chain(lengths).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_of_a_difference_between_equals_is_false_and_no_other_is() {
        let mut tally = Tally::default();
        for verdict in [Verdict::Same, Verdict::Unclear, Verdict::Slower, Verdict::Faster] {
            tally.count(verdict, || "run 1, GetItem".to_owned(), 1.05, Some([1.01, 1.09]));
        }
        let trial = tally.trial("CPU per call", 1, &[]);
        assert_eq!(trial.outcome, Outcome::Failed);
        assert_eq!(trial.found, "2 of 4 verdicts are false in 1 runs (50.0%)");
        assert_eq!(trial.details[0], "run 1, GetItem: ×1.050 (1.010 to 1.090)");
        assert_eq!(pairs().collect::<Vec<_>>(), [(0, 1), (0, 2), (1, 2)]);
        assert_eq!(Tally::default().trial("latency", 0, &[]).outcome, Outcome::NotMade);
    }
}
