//! One requirement of the harness and whether it was met, and the table of all of them.

use std::fmt::Write as _;

use crate::report::text::{Column, Table, wrap};

/// What came of a trial. Only a pass is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed,
    /// What was found is not known well enough to be either.
    TooNoisy,
    /// There was no time for it, or not enough was measured to judge.
    NotMade,
}

impl From<bool> for Outcome {
    fn from(passed: bool) -> Outcome {
        if passed { Outcome::Passed } else { Outcome::Failed }
    }
}

/// What was required of the harness, and what it did.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The part that found it.
    pub part: &'static str,
    pub what: String,
    pub required: String,
    pub found: String,
    pub outcome: Outcome,
    /// What lies behind `found`, a line each; not on the terminal.
    pub details: Vec<String>,
}

impl Trial {
    pub fn new(
        part: &'static str,
        what: impl Into<String>,
        required: impl Into<String>,
        found: impl Into<String>,
        outcome: impl Into<Outcome>,
    ) -> Trial {
        let (what, required, found) = (what.into(), required.into(), found.into());
        Trial { part, what, required, found, outcome: outcome.into(), details: Vec::new() }
    }

    /// The same with what lies behind it.
    #[must_use]
    pub fn with(self, details: Vec<String>) -> Trial {
        Trial { details, ..self }
    }

    /// All of it in one line.
    pub fn sentence(&self) -> String {
        format!("{} {}: {} ({})", self.mark(), self.what, self.found, self.required)
    }

    fn mark(&self) -> &'static str {
        match self.outcome {
            Outcome::Passed => "✓",
            Outcome::Failed => "✗",
            Outcome::TooNoisy => "?",
            Outcome::NotMade => "–",
        }
    }
}

/// What a terminal shows: a heading for each part, and each trial as a sentence behind its mark. Four columns would
/// leave none its line.
pub fn lines(trials: &[Trial], width: usize) -> Vec<String> {
    const INDENT: usize = 2;
    let mut lines = Vec::new();
    let mut part = "";
    for trial in trials {
        if trial.part != part {
            part = trial.part;
            lines.push(part.to_owned());
        }
        lines.extend(wrap(&trial.sentence(), width, INDENT, INDENT + 2));
    }
    lines
}

/// How many trials ended how, and the parts that a further run with more time should be of.
pub fn counted(trials: &[Trial]) -> (String, Vec<&'static str>) {
    let count = |outcome| trials.iter().filter(|trial| trial.outcome == outcome).count();
    let mut text = format!("{} passed, {} failed", count(Outcome::Passed), count(Outcome::Failed));
    for (outcome, what) in [(Outcome::TooNoisy, "too noisy"), (Outcome::NotMade, "not made")] {
        if count(outcome) > 0 {
            let _ = write!(text, ", {} {what}", count(outcome));
        }
    }
    let undecided = |trial: &&Trial| matches!(trial.outcome, Outcome::TooNoisy | Outcome::NotMade);
    let mut parts: Vec<&str> = trials.iter().filter(undecided).map(|trial| trial.part).collect();
    parts.dedup();
    (text, parts)
}

/// The table with every column, and the details below it.
pub fn markdown(trials: &[Trial]) -> String {
    let mut table = Table::new([
        Column::name(""),
        Column::name("part"),
        Column::prose("trial"),
        Column::prose("required"),
        Column::prose("found"),
    ]);
    for trial in trials {
        table.row([trial.mark(), trial.part, &trial.what, &trial.required, &trial.found]);
    }
    let mut text = table.markdown();
    for trial in trials.iter().filter(|trial| !trial.details.is_empty()) {
        let _ = writeln!(text, "\n## {}: {}\n", trial.part, trial.what);
        for line in &trial.details {
            let _ = writeln!(text, "- {line}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trials() -> [Trial; 2] {
        [
            Trial::new("sampler", "20% of a core, 64 MiB: CPU average", "within 3%", "20.1%, the kernel 20.2%", true),
            Trial::new("same", "CPU per call", "at most 5% false", "6.5% of 120 verdicts are false", false)
                .with(vec!["run 1: GetItem ×1.050 (1.010 to 1.091)".to_owned()]),
        ]
    }

    #[test]
    fn a_trial_is_a_sentence_that_fits_a_terminal() {
        assert_eq!(
            lines(&trials(), 80),
            [
                "sampler",
                "  ✓ 20% of a core, 64 MiB: CPU average: 20.1%, the kernel 20.2% (within 3%)",
                "same",
                "  ✗ CPU per call: 6.5% of 120 verdicts are false (at most 5% false)",
            ]
        );
        for width in [40, 60, 80] {
            assert!(lines(&trials(), width).iter().all(|line| console::measure_text_width(line) <= width));
        }
    }

    #[test]
    fn what_could_not_be_judged_is_no_pass_and_names_its_part() {
        let [passed, failed] = trials();
        assert_eq!(counted(&[passed.clone(), failed]), ("1 passed, 1 failed".to_owned(), Vec::new()));
        let [noisy, not_made] = [Outcome::TooNoisy, Outcome::NotMade]
            .map(|outcome| Trial::new("flags", "Mizzle", "within 2%", "±3.1%", outcome));
        assert_eq!((noisy.sentence().chars().next(), not_made.sentence().chars().next()), (Some('?'), Some('–')));
        let (text, parts) = counted(&[passed, noisy, not_made]);
        assert_eq!((text.as_str(), parts), ("1 passed, 0 failed, 1 too noisy, 1 not made", vec!["flags"]));
    }

    #[test]
    fn the_file_has_the_details_too() {
        let text = markdown(&trials());
        assert!(text.contains("| ✗ | same | CPU per call | at most 5% false |"), "{text}");
        assert!(text.ends_with("## same: CPU per call\n\n- run 1: GetItem ×1.050 (1.010 to 1.091)\n"), "{text}");
    }
}
