//! What a person sees while something takes long: a spinner or a bar on a terminal, plain lines elsewhere. All of it
//! goes to standard error; standard output is for results.

use std::io::Write as _;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

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
            tell(format!("{what} …"));
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

    /// A line that stays.
    pub fn line(&self, text: impl AsRef<str>) {
        if self.plain {
            tell(text.as_ref());
        } else {
            let _ = self.bars.println(text.as_ref());
        }
    }

    /// A line that stays and is meant to be seen.
    pub fn warn(&self, text: impl AsRef<str>) {
        self.line(format!("{} {}", console::style("warning:").yellow().bold().for_stderr(), text.as_ref()));
    }
}

/// Steps of a target's bar for one operation.
const STEPS: u64 = 100;

/// A round under way: one line per target.
#[derive(Debug)]
pub struct Board {
    lines: Vec<(String, ProgressBar)>,
    title: ProgressBar,
}

impl Progress {
    /// Begins a round of some targets with this many operations each, in a run that ends at `until` at the latest.
    pub fn board(&self, title: &str, until: Option<Instant>, ids: &[String], operations: usize) -> Board {
        let title = title.to_owned();
        let title_now = move || match until.map(|until| until.saturating_duration_since(Instant::now())) {
            Some(left) => {
                format!("{title} · at most {} left", humantime::format_duration(Duration::from_secs(left.as_secs())))
            }
            None => title.clone(),
        };
        if self.plain {
            tell(format!("{}: {}", title_now(), ids.join(", ")));
            return Board { lines: Vec::new(), title: ProgressBar::hidden() };
        }
        let width = ids.iter().map(|id| console::measure_text_width(id)).max().unwrap_or(0);
        let heading = self.bars.add(ProgressBar::new_spinner());
        heading.set_style(ticking(title_now));
        heading.enable_steady_tick(Duration::from_millis(120));
        let lines = ids.iter().map(|id| {
            let bar = self.bars.add(ProgressBar::new(operations as u64 * STEPS));
            bar.set_style(board_line());
            bar.set_prefix(console::pad_str(id, width, console::Alignment::Left, None).into_owned());
            bar.set_message("waiting");
            (id.clone(), bar)
        });
        Board { lines: lines.collect(), title: heading }
    }
}

impl Board {
    /// What a target is doing now.
    pub fn now(&self, id: &str, text: &str) {
        if let Some(bar) = self.bar(id) {
            bar.set_message(text.to_owned());
        }
    }

    /// How fast a target just was, calls a second.
    pub fn rate(&self, id: &str, text: &str, per_second: f64) {
        if per_second.is_finite() {
            self.now(id, &format!("{text} · {per_second:.0}/s"));
        }
    }

    /// How much of its operation a target has done, as a share.
    pub fn did(&self, id: &str, share: f64) {
        if let Some(bar) = self.bar(id) {
            let finished = bar.position() / STEPS * STEPS;
            bar.set_position(finished + (share * STEPS as f64).clamp(0.0, (STEPS - 1) as f64) as u64);
        }
    }

    /// A target has finished one more operation.
    pub fn finished(&self, id: &str) {
        if let Some(bar) = self.bar(id) {
            bar.set_position((bar.position() / STEPS + 1) * STEPS);
        }
    }

    fn bar(&self, id: &str) -> Option<&ProgressBar> {
        self.lines.iter().find(|(name, _)| name == id).map(|(_, bar)| bar)
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        for (_, bar) in &self.lines {
            bar.finish_and_clear();
        }
        self.title.finish_and_clear();
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

/// A spinner with a text that is made anew at each tick.
fn ticking(text: impl Fn() -> String + Clone + Send + Sync + 'static) -> ProgressStyle {
    let style = ProgressStyle::with_template("{spinner:.cyan} {now}");
    style.unwrap_or_else(|_| ProgressStyle::default_spinner()).with_key(
        "now",
        move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = out.write_str(&text());
        },
    )
}

fn bar() -> ProgressStyle {
    ProgressStyle::with_template("{spinner:.cyan} {msg} {wide_bar:.cyan/dim} {pos}/{len} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn board_line() -> ProgressStyle {
    ProgressStyle::with_template("  {prefix} {bar:12.cyan/dim} {wide_msg} {left}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("left", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = out.write_str(&left(state.pos(), state.len().unwrap_or(0), state.eta()));
        })
}

/// How long the rest of a round takes, judged by what is done of it; nothing while it has not begun to measure.
fn left(done: u64, of: u64, eta: Duration) -> String {
    if done == 0 || done >= of || eta.is_zero() {
        return String::new();
    }
    format!("{} left", humantime::format_duration(Duration::from_secs(eta.as_secs().max(1))))
}

/// A line on standard output, where results go. A reader that has gone away (`| head`) is no failure.
pub fn say(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A line on standard error; that nobody reads it any more is no failure either.
pub fn tell(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_said_once_it_can_be_judged() {
        assert_eq!(left(0, 600, Duration::from_secs(9)), "");
        assert_eq!(left(2, 600, Duration::from_millis(71_400)), "1m 11s left");
        assert_eq!(left(599, 600, Duration::from_millis(300)), "1s left");
        assert_eq!(left(600, 600, Duration::from_secs(1)), "");
    }

    #[test]
    fn a_targets_bar_goes_through_its_operations_and_never_back() {
        let bar = ProgressBar::hidden();
        bar.set_length(2 * STEPS);
        let board = Board { lines: vec![("a".to_owned(), bar)], title: ProgressBar::hidden() };
        let at = |board: &Board| board.bar("a").unwrap().position();
        let mut seen = Vec::new();
        for _ in 0..2 {
            for share in [0.25, 0.5, 1.0] {
                board.did("a", share);
                seen.push(at(&board));
            }
            board.finished("a");
            seen.push(at(&board));
        }
        assert_eq!(seen, [25, 50, 99, 100, 125, 150, 199, 200]);
    }
}
