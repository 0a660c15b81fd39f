//! What the figures of one scale are shown with: its libraries, and what one measurement is compared with. Columns ask
//! it; the tables are made of it.

use super::cell::Cell;
use super::ratio::{Criterion, best, ratio};
use super::{Index, TargetView, runtimes};
use crate::results::{DatabaseUsage, Measurement};

/// One scale of a run.
pub struct OfScale<'a> {
    pub index: &'a Index<'a>,
    pub scale: &'a str,
    pub libraries: &'a [TargetView],
}

impl OfScale<'_> {
    /// The calls in flight of the tables' throughput.
    pub fn concurrency_shown(&self) -> u32 {
        self.index.results.settings.concurrency
    }

    /// What the database used while this was measured.
    pub fn database_usage(&self, m: &Measurement) -> Option<&DatabaseUsage> {
        let mut all = self.index.results.database_usage.iter();
        all.find(|used| used.scale == m.scale && used.operation == m.operation && used.target == m.target)
    }

    /// A measurement's ratio to the baseline.
    pub fn versus(&self, m: &Measurement, metric: Criterion) -> Cell {
        if self.libraries.iter().any(|library| library.baseline && library.id == m.target) {
            return Cell::baseline();
        }
        match ratio(self.index, m, metric) {
            Some(ratio) => Cell::ratio(&ratio),
            None => Cell::missing("no pair to compare"),
        }
    }

    /// Whether a measurement's library is the best one under its runtime, or among those that this run cannot
    /// distinguish from it.
    pub fn wins(&self, m: &Measurement, metric: Criterion) -> bool {
        let own = self.libraries.iter().find(|library| library.id == m.target);
        let rivals = runtimes::alike(self.libraries, own.map_or("", |library| &library.runtime));
        best(self.index, &rivals, self.scale, m.operation, metric).contains(&m.target.as_str())
    }
}
