//! How far the selftest is, and how much of its time is left: one line on a terminal, a line for each part elsewhere.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::minutes;
use crate::system::progress::Progress;

/// The time of the selftest, and what a person sees of it.
pub struct Clock {
    progress: Progress,
    until: Instant,
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    part: String,
    bar: Option<ProgressBar>,
}

impl Clock {
    pub fn start(progress: &Progress, time: Duration) -> Clock {
        Clock { progress: progress.clone(), until: Instant::now() + time, shown: Mutex::default() }
    }

    /// What is left of the whole time.
    pub fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// A part begins, the `at`-th of so many.
    pub fn begin(&self, at: usize, of: usize, name: &str, asks: &str) {
        self.end();
        self.progress.line(format!("{} of {of}, {name}: {asks} · about {} left", at + 1, minutes(self.left())));
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        name.clone_into(&mut shown.part);
        shown.bar = self.progress.bar(ProgressBar::new_spinner());
        if let Some(bar) = &shown.bar {
            bar.set_style(
                ProgressStyle::with_template("{spinner:.cyan} {wide_msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar.enable_steady_tick(Duration::from_millis(250));
        }
    }

    /// What it is doing now.
    pub fn now(&self, text: &str) {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = &shown.bar {
            bar.set_message(format!("{} · {text} · about {} left", shown.part, minutes(self.left())));
        }
    }

    /// Nothing goes on any more.
    pub fn end(&self) {
        if let Some(bar) = self.shown.lock().unwrap_or_else(PoisonError::into_inner).bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.end();
    }
}
