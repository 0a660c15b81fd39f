//! What a CI system shows of a run: the report in the step's summary, and annotations for what went wrong. Only where
//! GitHub's variables say that there is somewhere to write to.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::analysis::compare::Comparison;
use crate::report::{self, comparison as render};
use crate::results::{Results, TargetStatus};
use crate::system::progress::print_line;

/// Appends the report to `$GITHUB_STEP_SUMMARY` and prints an annotation for each target that did not run.
///
/// # Errors
/// A summary file that can't be written to.
pub fn show(results: &Results) -> anyhow::Result<()> {
    if let Some(summary) = std::env::var_os("GITHUB_STEP_SUMMARY") {
        append(Path::new(&summary), report::step_summary(results)?.as_bytes())?;
    }
    if std::env::var_os("GITHUB_ACTIONS").is_some() {
        for target in &results.targets {
            let level = match target.status {
                TargetStatus::Ok => continue,
                TargetStatus::Unavailable => "warning",
                TargetStatus::Failed | TargetStatus::WrongWork => "error",
            };
            annotate(level, &target.id, target.reason.as_deref().unwrap_or("no reason was given"));
        }
    }
    Ok(())
}

/// Appends text to a step's summary.
pub fn append(summary: &Path, text: &[u8]) -> anyhow::Result<()> {
    let mut file = File::options()
        .append(true)
        .create(true)
        .open(summary)
        .with_context(|| format!("opening the step summary {}", summary.display()))?;
    file.write_all(text).context("writing the step summary")
}

/// Prints a workflow command. Its text can hold anything: line ends and percent signs are escaped as GitHub asks.
pub fn annotate(level: &str, title: &str, text: &str) {
    print_line(format!("::{level} title={}::{}", escape(title).replace(':', "%3A").replace(',', "%2C"), escape(text)));
}

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Appends a comparison to the step's summary and annotates its regressions, and what could not be judged.
///
/// # Errors
/// A summary file that can't be written to.
pub fn compared(comparison: &Comparison) -> anyhow::Result<()> {
    if let Some(summary) = std::env::var_os("GITHUB_STEP_SUMMARY") {
        append(Path::new(&summary), render::markdown(comparison).as_bytes())?;
    }
    if std::env::var_os("GITHUB_ACTIONS").is_some() {
        for (row, change) in comparison.regressions() {
            annotate("error", "regression", &render::sentence(row, change));
        }
        if let Some(what) = render::unjudged(comparison) {
            annotate("warning", "no verdict", &what);
        }
    }
    Ok(())
}
