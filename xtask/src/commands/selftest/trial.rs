//! One requirement of the harness and whether it was met, and the table of all of them.

use std::fmt::Write as _;

use crate::report::text::{Column, Table, wrap};

/// What was required of the harness, and what it did.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The part that found it.
    pub part: &'static str,
    pub what: String,
    pub required: String,
    pub found: String,
    pub passed: bool,
    /// What lies behind `found`, a line each; not on the terminal.
    pub details: Vec<String>,
}

impl Trial {
    pub fn new(
        part: &'static str,
        what: impl Into<String>,
        required: impl Into<String>,
        found: impl Into<String>,
        passed: bool,
    ) -> Trial {
        Trial { part, what: what.into(), required: required.into(), found: found.into(), passed, details: Vec::new() }
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
        if self.passed { "✓" } else { "✗" }
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
    fn the_file_has_the_details_too() {
        let text = markdown(&trials());
        assert!(text.contains("| ✗ | same | CPU per call | at most 5% false |"), "{text}");
        assert!(text.ends_with("## same: CPU per call\n\n- run 1: GetItem ×1.050 (1.010 to 1.091)\n"), "{text}");
    }
}
