//! `cargo xtask selftest`: the harness tests itself. Known differences must be found and none invented, processes that
//! are called settled must have settled, the sampler must agree with the kernel, and the harness must not weigh on what
//! it measures. It runs in parts, each in a file of its own, and ends with a table.

mod clock;
mod flags;
mod grounds;
mod known;
mod lab;
mod neighbour;
mod part;
mod ratios;
mod rig;
mod same;
mod sampler;
mod steady;
mod trial;
mod weight;

use std::time::Duration;

use anyhow::Context as _;

use self::clock::Clock;
use self::part::{PARTS, Part, Session, shares};
use self::trial::{Outcome, Trial, counted, lines, markdown};
use crate::cli::Selftest;
use crate::report;
use crate::system::checkout::Checkout;
use crate::system::exit::{Exit, code_of};
use crate::system::files;
use crate::system::format::plural;
use crate::system::interrupt;
use crate::system::progress::{Progress, print_line};

/// The exit code of a missing prerequisite.
const PREREQUISITE: u8 = 3;

impl Selftest {
    /// Runs the parts that were asked for and prints the table.
    ///
    /// # Errors
    /// [`Exit::Failed`] where the harness fails a trial, [`Exit::Prerequisite`] where something is missing.
    pub fn run(&self) -> anyhow::Result<()> {
        let parts: Vec<&Part> =
            PARTS.iter().filter(|part| self.part.is_empty() || self.part.contains(&part.name)).collect();
        let checkout = Checkout::find()?;
        let out = self.out.clone().unwrap_or_else(|| checkout.bench().join("selftest"));
        std::fs::create_dir_all(&out).with_context(|| format!("creating {}", out.display()))?;
        let progress = Progress::new(false);
        let whole = self.budget.unwrap_or_else(|| parts.iter().map(|part| part.usual()).sum());
        progress.line(format!("{} in about {}", plural(parts.len() as u64, "part"), minutes(whole)));
        let clock = Clock::start(&progress, whole);
        let mut session = Session::new(self, &checkout, &progress, &clock, &out);
        let mut trials: Vec<Trial> = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            // What one part leaves of its time goes to those after it.
            let time = shares(&parts[at..], clock.left())[0];
            clock.begin(at, parts.len(), part.name(), part.asks);
            let found = if part.fits(time) { (part.run)(&mut session, time) } else { Ok(vec![part.not_made()]) };
            for trial in outcome(part, found)? {
                progress.line(format!("  {}", trial.sentence()));
                trials.push(trial);
            }
            // What is known is kept when a later part is stopped.
            files::write_whole(&out.join("selftest.md"), markdown(&trials).as_bytes())?;
        }
        drop(session);
        clock.end();
        lines(&trials, report::terminal_width()).iter().for_each(print_line);
        print_line(format!("details: {}", out.join("selftest.md").display()));
        let (counts, undecided) = counted(&trials);
        print_line(counts);
        let failed = trials.iter().filter(|trial| trial.outcome == Outcome::Failed).count();
        if failed > 0 {
            return Err(Exit::Failed(format!("the harness failed {failed} of {} trials", trials.len())).into());
        }
        if !undecided.is_empty() {
            let flags: Vec<String> = undecided.iter().map(|part| format!(" --part {part}")).collect();
            let usual: u64 =
                PARTS.iter().filter(|part| undecided.contains(&part.name())).map(|part| part.seconds).sum();
            let again = format!("cargo xtask selftest{} --budget {}m", flags.concat(), (2 * usual).div_ceil(60));
            let why = "no trial failed, but not all could be judged";
            return Err(Exit::Failed(format!("{why}; to give those parts twice their time: {again}")).into());
        }
        Ok(())
    }
}

/// What a part found; one that could not be carried out has failed, unless the machine lacks something or a signal came.
fn outcome(part: &Part, found: anyhow::Result<Vec<Trial>>) -> anyhow::Result<Vec<Trial>> {
    interrupt::check()?;
    match found {
        Err(why) if code_of(&why) != PREREQUISITE => {
            Ok(vec![Trial::new(part.name(), "the part", "is carried out", format!("{why:#}"), false)])
        }
        Ok(trials) if trials.is_empty() => {
            let found = "it compares libraries with the first one, and there is no other";
            Ok(vec![Trial::new(part.name(), "the part", part.asks, found, Outcome::NotMade)])
        }
        other => other,
    }
}

/// A time for people, in whole minutes, or in seconds where it is short.
fn minutes(time: Duration) -> String {
    let seconds = if time < Duration::from_mins(2) { time.as_secs() } else { time.as_secs().div_ceil(60) * 60 };
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}
