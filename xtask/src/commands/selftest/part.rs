//! The parts of the selftest, in their order, what they share, and how the time is shared among them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::clock::Clock;
use super::lab::Lab;
use super::trial::{Outcome, Trial};
use super::{flags, grounds, known, neighbour, same, sampler, steady, weight};
use crate::cli::{Selftest, SelftestPart};
use crate::plan::library::{LIBRARIES, Library};
use crate::results::Operation;
use crate::system::checkout::Checkout;
use crate::system::progress::Progress;

/// One part of the selftest.
pub struct Part {
    pub name: SelftestPart,
    /// What it finds out, in a few words.
    pub asks: &'static str,
    /// What it takes in the selftest of all parts, seconds.
    pub seconds: u64,
    /// Carries it out in about so much time.
    pub run: fn(&mut Session<'_>, Duration) -> anyhow::Result<Vec<Trial>>,
}

/// All parts.
pub const PARTS: [Part; 8] = [
    Part {
        name: SelftestPart::Sampler,
        asks: "does the sampler agree with the kernel?",
        seconds: 25,
        run: sampler::run,
    },
    Part { name: SelftestPart::Weight, asks: "what does the harness itself cost?", seconds: 200, run: weight::run },
    Part { name: SelftestPart::Steady, asks: "has what settled settled?", seconds: 490, run: steady::run },
    Part { name: SelftestPart::Flags, asks: "do V8's thresholds change a ratio?", seconds: 560, run: flags::run },
    Part { name: SelftestPart::Grounds, asks: "do both grounds agree?", seconds: 175, run: grounds::run },
    Part { name: SelftestPart::Same, asks: "are equals called equal?", seconds: 520, run: same::run },
    Part { name: SelftestPart::Known, asks: "is extra work found at its size?", seconds: 380, run: known::run },
    Part { name: SelftestPart::Neighbour, asks: "what does a noisy neighbour do?", seconds: 290, run: neighbour::run },
];

/// Of its usual time, the least that a part is begun with.
const LEAST_SHARE: f64 = 0.05;

impl Part {
    pub fn name(&self) -> &'static str {
        name(self.name)
    }

    /// Whether there is time for any of it: the parts before may have used it up.
    pub fn fits(&self, time: Duration) -> bool {
        time >= self.usual().mul_f64(LEAST_SHARE)
    }

    /// What stands for its trials where there is no time for them.
    pub fn not_made(&self) -> Trial {
        let found = format!("no time was left for its trials: cargo xtask selftest --part {}", self.name());
        Trial::new(self.name(), "the part", self.asks, found, Outcome::NotMade)
    }

    /// What it takes in the selftest of all parts.
    pub fn usual(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// What a part is called on the command line.
pub fn name(part: SelftestPart) -> &'static str {
    match part {
        SelftestPart::Sampler => "sampler",
        SelftestPart::Weight => "weight",
        SelftestPart::Steady => "steady",
        SelftestPart::Grounds => "grounds",
        SelftestPart::Flags => "flags",
        SelftestPart::Same => "same",
        SelftestPart::Known => "known",
        SelftestPart::Neighbour => "neighbour",
    }
}

/// Shares a time out among parts, in proportion to what they usually take.
pub fn shares(parts: &[&Part], time: Duration) -> Vec<Duration> {
    let all: u64 = parts.iter().map(|part| part.seconds).sum();
    parts.iter().map(|part| time.mul_f64(part.seconds as f64 / all.max(1) as f64)).collect()
}

/// What the parts share.
pub struct Session<'a> {
    pub flags: &'a Selftest,
    pub checkout: &'a Checkout,
    pub progress: &'a Progress,
    pub clock: &'a Clock,
    out: &'a Path,
    lab: Option<Lab<'a>>,
}

impl<'a> Session<'a> {
    pub fn new(
        flags: &'a Selftest,
        checkout: &'a Checkout,
        progress: &'a Progress,
        clock: &'a Clock,
        out: &'a Path,
    ) -> Session<'a> {
        Session { flags, checkout, progress, clock, out, lab: None }
    }

    /// The database and the libraries, started for the first part that needs them.
    ///
    /// # Errors
    /// Where they can't be had.
    pub fn lab(&mut self) -> anyhow::Result<&mut Lab<'a>> {
        if self.lab.is_none() {
            let libraries = self.libraries();
            self.lab = Some(Lab::start(self.flags, self.checkout, self.progress, self.clock, self.out, &libraries)?);
        }
        self.lab.as_mut().ok_or_else(|| anyhow::anyhow!("the database was not started"))
    }

    /// The libraries that were asked for, or those of a default run.
    pub fn libraries(&self) -> Vec<Library> {
        let asked: Vec<Library> = self.flags.orm.iter().flat_map(|libraries| libraries.0.clone()).collect();
        if asked.is_empty() { LIBRARIES.iter().copied().filter(|library| library.by_default).collect() } else { asked }
    }

    /// The operations that were asked for, or all.
    pub fn operations(&self) -> Vec<Operation> {
        if self.flags.op.is_empty() { Operation::ALL.to_vec() } else { self.flags.op.clone() }
    }

    /// A folder of a part's own.
    pub fn folder(&self, part: &str) -> PathBuf {
        self.out.join(part)
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn all_parts_together_take_less_than_45_minutes_and_each_can_be_named() {
        let whole: Duration = PARTS.iter().map(Part::usual).sum();
        // The last part may take somewhat longer than its time: those after another one share what it leaves.
        assert!(whole <= Duration::from_mins(44), "{whole:?}");
        for part in &PARTS {
            assert_eq!(part.name.to_possible_value().unwrap().get_name(), part.name());
        }
        assert_eq!(PARTS.len(), SelftestPart::value_variants().len());
    }

    #[test]
    fn a_part_without_time_says_that_its_trials_were_not_made() {
        let grounds = PARTS.iter().find(|part| part.name == SelftestPart::Grounds).unwrap();
        assert!(grounds.fits(grounds.usual()) && !grounds.fits(Duration::from_secs(5)));
        let trial = grounds.not_made();
        assert_eq!((trial.outcome, trial.required.as_str()), (Outcome::NotMade, "do both grounds agree?"));
        assert!(trial.found.ends_with("--part grounds"));
    }

    #[test]
    fn a_time_is_shared_in_proportion_and_what_is_left_goes_to_the_later_parts() {
        let parts: Vec<&Part> = PARTS.iter().collect();
        let shared = shares(&parts, Duration::from_mins(45));
        assert_eq!(shared.iter().sum::<Duration>().as_secs_f64().round() as u64, 45 * 60);
        let later = shares(&parts[1..], Duration::from_mins(45));
        assert!(later[0] > shared[1]);
    }
}
