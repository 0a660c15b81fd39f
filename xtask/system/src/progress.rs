//! What a person sees while something takes long: a spinner or a bar on a terminal, plain lines elsewhere. All of it
//! goes to standard error; standard output is for results.

use std::io::Write as _;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Where progress is shown.
#[derive(Debug, Clone)]
pub struct Progress {
    bars: MultiProgress,
    plain: bool,
}

/// One step that is under way. Dropped without [`Step::done`], it vanishes from a terminal.
pub struct Step<'a> {
    progress: &'a Progress,
    bar: ProgressBar,
    what: String,
}

impl Progress {
    /// Bars where standard error is a terminal and `plain` is false.
    pub fn new(plain: bool) -> Progress {
        let plain = plain || !console::Term::stderr().is_term();
        Progress { bars: MultiProgress::new(), plain }
    }

    /// Begins a step: "starting DynamoDB Local".
    pub fn step(&self, what: impl Into<String>) -> Step<'_> {
        let what = what.into();
        let bar = if self.plain {
            eprint_line(format!("{what} …"));
            ProgressBar::hidden()
        } else {
            let bar = self.bars.add(ProgressBar::new_spinner());
            bar.set_style(spinner());
            bar.set_message(what.clone());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        };
        Step { progress: self, bar, what }
    }

    /// A bar below the others; none where only plain lines are written.
    pub fn bar(&self, bar: ProgressBar) -> Option<ProgressBar> {
        (!self.plain).then(|| self.bars.add(bar))
    }

    /// The same, above another one.
    pub fn bar_above(&self, other: &ProgressBar, bar: ProgressBar) -> Option<ProgressBar> {
        (!self.plain).then(|| self.bars.insert_before(other, bar))
    }

    /// A line that stays.
    pub fn line(&self, text: impl AsRef<str>) {
        if self.plain {
            eprint_line(text.as_ref());
        } else {
            let _ = self.bars.println(text.as_ref());
        }
    }

    /// A line that stays and is meant to be seen.
    pub fn warn(&self, text: impl AsRef<str>) {
        self.line(format!("{} {}", console::style("warning:").yellow().bold().for_stderr(), text.as_ref()));
    }
}

impl Step<'_> {
    /// How far the step is, of how many.
    pub fn position(&self, done: u64, total: u64) {
        if self.bar.length() != Some(total) {
            self.bar.set_length(total);
            self.bar.set_style(bar());
        }
        self.bar.set_position(done);
    }

    /// What the step is doing just now.
    pub fn now(&self, text: impl AsRef<str>) {
        self.bar.set_message(format!("{} {}", self.what, text.as_ref()));
    }

    /// Ends the step with a line that stays: "DynamoDB Local 1.25.1 with Java 17".
    pub fn done(self, result: impl AsRef<str>) {
        self.bar.finish_and_clear();
        self.progress.line(format!("{} {}", console::style("✓").green().for_stderr(), result.as_ref()));
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("{spinner:.cyan} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn bar() -> ProgressStyle {
    ProgressStyle::with_template("{spinner:.cyan} {msg} {wide_bar:.cyan/dim} {pos}/{len} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A line on standard output, where results go. A reader that has gone away (`| head`) is no failure.
pub fn print_line(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A line on standard error; that nobody reads it any more is no failure either.
pub fn eprint_line(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
