//! `cargo xtask selftest`: the harness tests itself. Known differences must be found and none invented, the
//! sampler must agree with the kernel, and the harness must not weigh on what it measures. Ends with a table.

mod rig;
mod sampler;
mod steady;
mod verdicts;
mod weight;

use anyhow::Context as _;

use crate::cli::{Selftest, SelftestPart};
use crate::report;
use crate::report::text::{Column, Table};
use crate::system::checkout::Checkout;
use crate::system::exit::Exit;
use crate::system::files;
use crate::system::progress::{eprint_line, print_line};
use stats::bootstrap::{self, Resampling};
use stats::parts::Parts;

/// One line of the table: what was required of the harness, and what it did.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    pub what: String,
    pub required: String,
    pub found: String,
    pub passed: bool,
}

impl Trial {
    fn new(what: impl Into<String>, required: impl Into<String>, found: impl Into<String>, passed: bool) -> Trial {
        Trial { what: what.into(), required: required.into(), found: found.into(), passed }
    }

    /// The ratio of what two sides took, which may be so far from 1; `describe` puts the ratio with its interval into words.
    fn of_ratio(
        what: impl Into<String>,
        required: impl Into<String>,
        pairs: &[(Parts, Parts)],
        within: f64,
        describe: impl FnOnce(&str) -> String,
    ) -> Trial {
        match bootstrap::ratio(pairs, None, Resampling { resamples: 2_000, seed: rig::SEED }) {
            Some(found) => {
                let [low, high] = found.ci95.unwrap_or([f64::NAN; 2]);
                let found_text = describe(&format!("{:.4} ({low:.4} to {high:.4})", found.value));
                Trial::new(what, required, found_text, (found.value - 1.0).abs() <= within)
            }
            None => Trial::new(what, required, "nothing was measured", false),
        }
    }

    fn mark(&self) -> &'static str {
        if self.passed { "✓" } else { "✗" }
    }
}

impl Selftest {
    /// Runs the parts that were asked for and prints the table.
    ///
    /// # Errors
    /// [`Exit::Failed`] where the harness fails a trial.
    pub fn run(&self) -> anyhow::Result<()> {
        let checkout = Checkout::find()?;
        let out = self.out.clone().unwrap_or_else(|| checkout.bench().join("selftest"));
        std::fs::create_dir_all(&out).with_context(|| format!("creating {}", out.display()))?;
        let wants = |part: SelftestPart| self.part.is_empty() || self.part.contains(&part);
        let mut trials = Vec::new();
        // What is known is kept when a later part is stopped.
        let mut add = |part: Vec<Trial>| {
            for trial in &part {
                eprint_line(format!("{} {}: {}", trial.mark(), trial.what, trial.found));
            }
            trials.extend(part);
            files::write_whole(&out.join("selftest.md"), markdown(&trials).as_bytes())
        };
        if wants(SelftestPart::Sampler) {
            add(sampler::trials()?)?;
        }
        if wants(SelftestPart::Steady) {
            add(steady::trials(&checkout, self.backend, &out)?)?;
        }
        if wants(SelftestPart::Weight) {
            add(weight::trials(&checkout, self.backend, &out)?)?;
        }
        if wants(SelftestPart::Verdicts) {
            add(verdicts::trials(self, &out)?)?;
        }
        lines(&trials, report::terminal_width()).iter().for_each(print_line);
        let failed = trials.iter().filter(|trial| !trial.passed).count();
        print_line(format!("{} passed, {failed} failed", trials.len() - failed));
        if failed > 0 {
            return Err(Exit::Failed(format!("the harness failed {failed} of {} trials", trials.len())).into());
        }
        Ok(())
    }
}

/// What a terminal shows: each trial is a sentence behind its mark, since four columns would leave none its line.
fn lines(trials: &[Trial], width: usize) -> Vec<String> {
    let mut table = Table::new([Column::name(""), Column::prose("")]);
    for trial in trials {
        table.row([trial.mark(), &format!("{}: {} (required: {})", trial.what, trial.found, trial.required)]);
    }
    table.terminal(width)
}

fn markdown(trials: &[Trial]) -> String {
    let mut table =
        Table::new([Column::name(""), Column::prose("trial"), Column::prose("required"), Column::prose("found")]);
    for trial in trials {
        table.row([trial.mark(), &trial.what, &trial.required, &trial.found]);
    }
    table.markdown()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_is_a_sentence_that_fits_a_terminal() {
        let trials = [
            Trial::new("sampler, 20% of a core and 64 MiB: CPU average", "within 3% of the kernel's", "20.1%", true),
            Trial::new("A against A: latency", "at most 5% of verdicts false", "6.5% of 400 runs of 12 rounds", false),
        ];
        let lines = lines(&trials, 80);
        assert_eq!(
            lines,
            [
                "✓  sampler, 20% of a core and 64 MiB: CPU average: 20.1% (required: within 3% of",
                "   the kernel's)",
                "✗  A against A: latency: 6.5% of 400 runs of 12 rounds (required: at most 5% of",
                "   verdicts false)",
            ]
        );
        assert!(markdown(&trials).contains("| ✓ | sampler, 20% of a core and 64 MiB: CPU average | within 3% of"));
    }
}
