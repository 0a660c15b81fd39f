//! What a person sees of a run while it goes on: a line per target with what it does, and what each operation cost the
//! client as soon as that is known.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::report::format;
use crate::results::{Operation, Results};
use crate::run::observer::Observer;
use crate::system::progress::{Progress, Step};

/// Steps of a target's bar.
const STEPS: u64 = 1_000;

/// Shows a run; see [`Observer`].
pub struct Board<'a> {
    progress: &'a Progress,
    shown: Mutex<Shown<'a>>,
}

#[derive(Default)]
struct Shown<'a> {
    step: Option<Step<'a>>,
    title: Option<ProgressBar>,
    lines: Vec<(String, ProgressBar)>,
}

impl<'a> Board<'a> {
    pub fn new(progress: &'a Progress) -> Board<'a> {
        Board { progress, shown: Mutex::default() }
    }

    fn shown(&self) -> MutexGuard<'_, Shown<'a>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_bar(&self, target: &str, act: impl FnOnce(&ProgressBar)) {
        if let Some((_, bar)) = self.shown().lines.iter().find(|(id, _)| id == target) {
            act(bar);
        }
    }
}

impl Observer for Board<'_> {
    fn round_began(&self, title: &str, until: Option<Instant>, targets: &[String]) {
        let title = title.to_owned();
        let title_now = move || match until.map(|until| until.saturating_duration_since(Instant::now())) {
            Some(left) => format!("{title} · at most {} left", seconds(left)),
            None => title.clone(),
        };
        let mut shown = self.shown();
        shown.clear();
        let Some(heading) = self.progress.bar(ProgressBar::new_spinner()) else {
            self.progress.line(format!("{}: {}", title_now(), targets.join(", ")));
            return;
        };
        heading.set_style(ticking(title_now));
        heading.enable_steady_tick(Duration::from_millis(250));
        shown.title = Some(heading);
        let width = targets.iter().map(|id| console::measure_text_width(id)).max().unwrap_or(0);
        for id in targets {
            let Some(bar) = self.progress.bar(ProgressBar::new(STEPS)) else { continue };
            bar.set_style(line());
            bar.set_prefix(console::pad_str(id, width, console::Alignment::Left, None).into_owned());
            bar.set_message("waiting");
            shown.lines.push((id.clone(), bar));
        }
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
        let costs: Vec<String> = micros.iter().map(|(id, us)| format!("{id} {}", format::number(*us))).collect();
        if !costs.is_empty() {
            self.progress.line(format!("  {operation:<10} CPU µs: {}", costs.join(", ")));
        }
    }

    fn round_ended(&self, _: &Results) {
        self.shown().clear();
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
    fn clear(&mut self) {
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
        self.clear();
    }
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

fn seconds(time: Duration) -> String {
    humantime::format_duration(Duration::from_secs(time.as_secs())).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_nobody_knows_and_a_board_without_a_terminal_are_no_fault() {
        let progress = Progress::new(true);
        let board = Board::new(&progress);
        board.round_began("small · round 1 of 3", None, &["a".to_owned()]);
        board.doing("nobody", "nothing");
        board.rate("a", "GetItem", f64::INFINITY);
        board.progress("a", 2.0);
        board.step_at(1, 2);
        board.step_ended("nothing was begun");
    }
}
