//! `cargo xtask selftest`: the harness tested as an instrument. Known differences must be found and none invented, the
//! sampler must agree with the kernel, and the harness must not weigh on what it measures. Ends with a table.

mod rig;
mod sampler;
mod steady;
mod verdicts;
mod weight;

use std::fmt::Write as _;

use anyhow::Context as _;
use comfy_table::{ContentArrangement, Table, presets};

use crate::cli::{Selftest, SelftestPart};
use crate::report;
use crate::system::checkout::Checkout;
use crate::system::exit::Exit;
use crate::system::files;
use crate::system::progress::{say, tell};
use stats::bootstrap::{self, Parts, Resampling};

/// One line of the table: what was asked of the instrument, and what it did.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    pub what: String,
    pub asked: String,
    pub found: String,
    pub passed: bool,
}

impl Trial {
    fn new(what: impl Into<String>, asked: impl Into<String>, found: impl Into<String>, passed: bool) -> Trial {
        Trial { what: what.into(), asked: asked.into(), found: found.into(), passed }
    }

    /// The ratio of what two sides took, which may be so far from 1; `tell` words the ratio with its interval.
    fn of_ratio(
        what: impl Into<String>,
        asked: impl Into<String>,
        pairs: &[(Parts, Parts)],
        within: f64,
        tell: impl FnOnce(&str) -> String,
    ) -> Trial {
        match bootstrap::ratio(pairs, None, Resampling { resamples: 2_000, seed: rig::SEED }) {
            Some(found) => {
                let [low, high] = found.ci95.unwrap_or([f64::NAN; 2]);
                let told = tell(&format!("{:.4} ({low:.4} to {high:.4})", found.value));
                Trial::new(what, asked, told, (found.value - 1.0).abs() <= within)
            }
            None => Trial::new(what, asked, "nothing was measured", false),
        }
    }

    fn mark(&self) -> &'static str {
        if self.passed { "ok" } else { "SHORT" }
    }
}

impl Selftest {
    /// Runs the parts that were asked for and prints the table.
    ///
    /// # Errors
    /// [`Exit::Failed`] where the instrument falls short.
    pub fn run(&self) -> anyhow::Result<()> {
        let checkout = Checkout::find()?;
        let out = self.out.clone().unwrap_or_else(|| checkout.bench().join("selftest"));
        std::fs::create_dir_all(&out).with_context(|| format!("creating {}", out.display()))?;
        let wants = |part: SelftestPart| self.part.is_empty() || self.part.contains(&part);
        let mut trials = Vec::new();
        // What is known is kept when a later part is stopped.
        let mut add = |part: Vec<Trial>| {
            for trial in &part {
                tell(format!("{} {}: {}", trial.mark(), trial.what, trial.found));
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
        say(table(&trials));
        let short = trials.iter().filter(|trial| !trial.passed).count();
        say(format!("{} passed, {short} failed", trials.len() - short));
        if short > 0 {
            return Err(
                Exit::Failed(format!("the instrument falls short in {short} of {} trials", trials.len())).into()
            );
        }
        Ok(())
    }
}

fn table(trials: &[Trial]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(report::terminal_width().min(140) as u16).set_header(["trial", "asked", "found", ""]);
    for trial in trials {
        table.add_row([trial.what.as_str(), trial.asked.as_str(), trial.found.as_str(), trial.mark()]);
    }
    table
}

fn markdown(trials: &[Trial]) -> String {
    let mut text = "| trial | asked | found | |\n|---|---|---|---|\n".to_owned();
    for trial in trials {
        let _ = writeln!(text, "| {} | {} | {} | {} |", trial.what, trial.asked, trial.found, trial.mark());
    }
    text
}
