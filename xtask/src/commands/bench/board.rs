//! What a person sees of a run while it goes on. On a terminal: a table of the figures so far, redrawn in place, and
//! below it a line per target with what it does. Elsewhere: the table after each round, without control characters.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::plan::Plan;
use crate::report::format;
use crate::report::live::Live;
use crate::results::{Operation, Results};
use crate::run::observer::{Began, Observer};
use crate::system::progress::{Progress, Step};

/// Steps of a target's bar.
const STEPS: u64 = 1_000;
/// Of a pipe, and of a terminal that does not say how large it is.
const USUAL_SIZE: (u16, u16) = (24, 80);
/// Lines of a terminal that are left alone: the cursor's, and one for what is printed above.
const MARGIN: usize = 2;

/// Shows a run; see [`Observer`].
pub struct Board<'a> {
    progress: &'a Progress,
    shown: Mutex<Shown<'a>>,
}

struct Shown<'a> {
    live: Live,
    step: Option<Step<'a>>,
    /// The lines of the table, as bars, once there is a figure and as long as there is room.
    table: Vec<ProgressBar>,
    title: Option<ProgressBar>,
    /// When the scale will have ended, which the title shows at each tick.
    until: Arc<Mutex<Option<Instant>>>,
    /// Of each target; a single one of all of them where the terminal has few lines.
    lines: Vec<(String, ProgressBar)>,
}

impl<'a> Board<'a> {
    pub fn new(progress: &'a Progress, plan: &Plan) -> Board<'a> {
        let targets = plan.targets.iter().map(|target| target.id.clone()).collect();
        let live = Live::new(plan.named_operations(), targets, plan.baseline.as_deref());
        let shown =
            Shown { live, step: None, table: Vec::new(), title: None, until: Arc::default(), lines: Vec::new() };
        Board { progress, shown: Mutex::new(shown) }
    }

    fn shown(&self) -> MutexGuard<'_, Shown<'a>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_bar(&self, target: &str, act: impl FnOnce(&ProgressBar)) {
        let shown = self.shown();
        if let Some((_, bar)) = shown.lines.iter().find(|(id, _)| id.is_empty() || id == target) {
            if shown.lines.len() == 1 {
                bar.set_prefix(target.to_owned());
            }
            act(bar);
        }
    }

    /// Draws the table as it is now, where it has a place.
    fn draw(&self, shown: &mut Shown<'_>) {
        let (rows, columns) = size();
        // A line as wide as the terminal would wrap on some.
        let lines = shown.live.lines(columns.saturating_sub(1));
        if !fits(lines.len(), rows) {
            return;
        }
        while shown.table.len() < lines.len() {
            let Some(title) = &shown.title else { return };
            let Some(bar) = self.progress.bar_above(title, ProgressBar::new_spinner()) else { return };
            bar.set_style(plain());
            shown.table.push(bar);
        }
        for (bar, line) in shown.table.iter().zip(lines) {
            bar.set_message(line);
        }
    }

    /// Makes the lines of the targets, or one for all of them.
    fn target_lines(&self, targets: &[String], height: usize) -> Vec<(String, ProgressBar)> {
        let (rows, _) = size();
        let all = height + 1 + targets.len() + MARGIN <= rows;
        let ids: Vec<String> = if all { targets.to_vec() } else { vec![String::new()] };
        let width = targets.iter().map(|id| console::measure_text_width(id)).max().unwrap_or(0);
        let line = |id: String| {
            let bar = self.progress.bar(ProgressBar::new(STEPS))?;
            bar.set_style(line());
            bar.set_prefix(console::pad_str(&id, width, console::Alignment::Left, None).into_owned());
            bar.set_message("waiting");
            Some((id, bar))
        };
        ids.into_iter().filter_map(line).collect()
    }
}

impl Observer for Board<'_> {
    fn round_began(&self, round: Began<'_>) {
        let (title, is_first) = (round.title.to_owned(), round.done == 0);
        let until = Arc::new(Mutex::new(round.until));
        let shared = Arc::clone(&until);
        let title_now = move || match time_left(&until) {
            Some(left) if left < Duration::from_secs(1) => format!("{title} · almost done"),
            // Before a round is over it is not known what one costs.
            Some(left) => format!("{title} · {}{} left", if is_first { "about " } else { "" }, seconds(left)),
            None => title.clone(),
        };
        let mut shown = self.shown();
        shown.clear_round();
        shown.until = shared;
        shown.live.begin_round(round.scale, round.planned);
        let Some(heading) = self.progress.bar(ProgressBar::new_spinner()) else {
            self.progress.line(format!("{}: {}", title_now(), round.targets.join(", ")));
            return;
        };
        heading.set_style(ticking(title_now));
        heading.enable_steady_tick(Duration::from_millis(250));
        shown.title = Some(heading);
        let height = shown.live.lines(usize::from(USUAL_SIZE.1)).len();
        shown.lines = self.target_lines(round.targets, height);
        if shown.live.has_figures() {
            self.draw(&mut shown);
        }
    }

    fn ends_at(&self, when: Instant) {
        *self.shown().until.lock().unwrap_or_else(PoisonError::into_inner) = Some(when);
    }

    fn doing(&self, target: &str, what: &str) {
        self.with_bar(target, |bar| bar.set_message(what.to_owned()));
    }

    fn rate(&self, target: &str, what: &str, per_second: f64) {
        if per_second.is_finite() {
            self.doing(target, &format!("{what} · {}/s", format::number(per_second)));
        }
    }

    fn progress(&self, target: &str, share: f64) {
        self.with_bar(target, |bar| bar.set_position((share.clamp(0.0, 1.0) * STEPS as f64) as u64));
    }

    fn costs(&self, operation: Operation, micros: &[(String, f64)]) {
        let mut shown = self.shown();
        shown.live.note(operation, micros);
        self.draw(&mut shown);
    }

    fn round_ended(&self, results: &Results) {
        let mut shown = self.shown();
        shown.live.end_round(results);
        self.draw(&mut shown);
        shown.clear_round();
        if shown.table.is_empty() {
            shown.live.lines(usize::from(USUAL_SIZE.1)).iter().for_each(|line| self.progress.line(line));
        }
    }

    fn step_began(&self, what: &str) {
        self.shown().step = Some(self.progress.step(what));
    }

    fn step_at(&self, done: u64, total: u64) {
        if let Some(step) = &self.shown().step {
            step.position(done, total);
        }
    }

    fn step_ended(&self, result: &str) {
        if let Some(step) = self.shown().step.take() {
            step.done(result);
        }
    }

    fn line(&self, text: &str) {
        self.progress.line(text);
    }

    fn warn(&self, text: &str) {
        self.progress.warn(text);
    }
}

impl Shown<'_> {
    fn clear_round(&mut self) {
        for (_, bar) in self.lines.drain(..) {
            bar.finish_and_clear();
        }
        if let Some(title) = self.title.take() {
            title.finish_and_clear();
        }
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.clear_round();
        self.table.drain(..).for_each(|bar| bar.finish_and_clear());
    }
}

/// How long it is until then, where that is known.
fn time_left(until: &Mutex<Option<Instant>>) -> Option<Duration> {
    let until = *until.lock().unwrap_or_else(PoisonError::into_inner);
    until.map(|until| until.saturating_duration_since(Instant::now()))
}

/// Lines and columns of the terminal on standard error.
fn size() -> (usize, usize) {
    let (rows, columns) = console::Term::stderr().size_checked().unwrap_or(USUAL_SIZE);
    (usize::from(rows), usize::from(columns))
}

/// Whether a table of so many lines leaves room for the title and one line of what is done.
fn fits(lines: usize, rows: usize) -> bool {
    lines + 2 + MARGIN <= rows
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

fn line() -> ProgressStyle {
    ProgressStyle::with_template("  {prefix} {bar:12.cyan/dim} {wide_msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn plain() -> ProgressStyle {
    ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn seconds(time: Duration) -> String {
    humantime::format_duration(Duration::from_secs(time.as_secs())).to_string()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn a_target_that_nobody_knows_and_a_board_without_a_terminal_are_no_fault() {
        let progress = Progress::new(true);
        let plan = match Cli::try_parse_from(["cargo xtask", "bench"]).unwrap().command {
            Command::Bench(bench) => Plan::decide(&bench.request()).unwrap(),
            other => panic!("{other:?}"),
        };
        let board = Board::new(&progress, &plan);
        let targets = ["a".to_owned()];
        let title = "small · round 1 of 3";
        board.round_began(Began { scale: "small", title, done: 0, planned: 3, until: None, targets: &targets });
        board.doing("nobody", "nothing");
        board.rate("a", "GetItem", f64::INFINITY);
        board.progress("a", 2.0);
        board.costs(Operation::GetItem, &[("a".to_owned(), 1.0)]);
        board.step_at(1, 2);
        board.step_ended("nothing was begun");
    }

    #[test]
    fn a_default_table_fits_the_usual_terminal_and_none_a_tiny_one() {
        assert!(fits(8, 24));
        assert!(!fits(8, 10));
    }
}
