//! A figure as the tables show it: its text, what it sorts by, and what stands behind it. It knows no table.

use serde::Serialize;

use super::ratio::Ratio;
use crate::report::format;
use crate::results::{Interval, Verdict};

/// A figure as it is shown.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Cell {
    pub text: String,
    /// `same` or `no verdict`, where a ratio needs the words; else empty.
    pub note: &'static str,
    /// "¹": which footnote is about it; empty for most.
    pub mark: &'static str,
    /// Whether a ratio is inconclusive.
    pub unclear: bool,
    /// Whether a ratio is the same as the baseline, within the margin of equivalence, and may be exactly it.
    pub same: bool,
    /// What it sorts by; none for words and for what was not measured.
    pub value: Option<f64>,
    /// More digits, the interval, or why there is no figure; for hovering.
    pub hint: String,
    /// The best of the libraries, or not to be distinguished from it.
    pub best: bool,
    /// Percent of the largest figure of its row, where a bar helps.
    pub share: Option<u8>,
}

/// What stands for the baseline's ratio to itself.
const BASELINE: &str = "baseline";

impl Cell {
    /// What a column of ratios has for the baseline.
    pub fn baseline() -> Cell {
        Cell { value: Some(1.0), ..Cell::words(BASELINE) }
    }

    /// Whether it shows something that was measured.
    pub fn is_known(&self) -> bool {
        self.text != format::NOT_MEASURED && self.text != BASELINE
    }

    pub fn words(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), ..Cell::default() }
    }

    pub fn missing(why: &str) -> Cell {
        Cell { text: format::NOT_MEASURED.to_owned(), hint: why.to_owned(), ..Cell::default() }
    }

    pub fn estimate(value: Option<f64>, interval: Option<Interval>, unit: &str) -> Cell {
        let Some(value) = value else { return Cell::missing("not measured, or too few samples to hold it") };
        let hint = match interval {
            Some([low, high]) => format!("95% interval {} to {} {unit}", format::precise(low), format::precise(high)),
            None => format!("{} {unit}, no interval", format::precise(value)),
        };
        Cell { text: format::estimate(value, interval), value: Some(value), hint, ..Cell::default() }
    }

    pub fn per_call(value: Option<f64>) -> Cell {
        let Some(value) = value else { return Cell::missing("not measured") };
        Cell { text: format::per_call(value), value: Some(value), ..Cell::default() }
    }

    /// A size, which is known exactly.
    pub fn size(value: f64, unit: &str) -> Cell {
        let hint = format!("{} {unit}", format::precise(value));
        Cell { text: format::number(value), value: Some(value), hint, ..Cell::default() }
    }

    pub fn ratio(ratio: &Ratio) -> Cell {
        let mut cell = Cell::estimate(Some(ratio.value), ratio.interval, "times");
        cell.text = ratio.text();
        cell.note = ratio.note();
        cell.unclear = ratio.verdict == Verdict::Unclear;
        cell.same = ratio.verdict == Verdict::Same && cell.note.is_empty();
        if cell.unclear || cell.same {
            let verdict = if cell.same { "same" } else { "inconclusive" };
            cell.hint = format!("{verdict}: {} in the middle, {}", format::ratio(ratio.value, None), cell.hint);
        }
        cell
    }

    pub fn best(mut self, best: bool) -> Cell {
        self.best = best;
        self
    }
}
