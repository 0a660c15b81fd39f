//! The table that fills while a run goes on: for each operation and library the CPU time per call and the ratio so far.
//! It takes what an observer hears and gives lines; who draws them, and when, is not its business.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::format;
use super::text::{Column, Table, shorten};
use crate::results::{Operation, Results};

/// With fewer rounds than this every figure is preliminary.
const FEWEST_ROUNDS: u32 = 3;

/// What is known of a run so far.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// With what each is called.
    operations: Vec<(Operation, &'static str)>,
    /// Their ids; the baseline first.
    targets: Vec<String>,
    has_baseline: bool,
    scale: String,
    /// Of the finished rounds.
    known: BTreeMap<(Operation, String), Known>,
    /// Of the round that goes on: microseconds per call.
    now: BTreeMap<(Operation, String), f64>,
    /// Finished rounds.
    rounds: u32,
    /// Rounds that there will be.
    planned: u32,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    micros: f64,
    ratio: Option<f64>,
    /// Half of the ratio's interval, as a share.
    half: Option<f64>,
}

impl Live {
    /// A table of these operations, each with what it is called, and of these targets, by their ids, with the one that
    /// the others are compared with.
    pub fn new(operations: Vec<(Operation, &'static str)>, mut targets: Vec<String>, baseline: Option<&str>) -> Live {
        let at = targets.iter().position(|id| Some(id.as_str()) == baseline);
        if let Some(at) = at {
            targets[..=at].rotate_right(1);
        }
        Live { operations, targets, has_baseline: at.is_some(), ..Live::default() }
    }

    /// A round of a scale begins, of so many.
    pub fn begin_round(&mut self, scale: &str, planned: u32) {
        if self.scale != scale {
            scale.clone_into(&mut self.scale);
            self.known.clear();
            self.rounds = 0;
        }
        self.now.clear();
        self.planned = planned;
    }

    /// What a call of an operation cost the targets in the round that goes on, microseconds.
    pub fn note(&mut self, operation: Operation, micros: &[(String, f64)]) {
        self.now.extend(micros.iter().map(|(id, micros)| ((operation, id.to_owned()), *micros)));
    }

    /// The round is over: what the results hold replaces what was heard.
    pub fn end_round(&mut self, results: &Results) {
        self.now.clear();
        self.known.clear();
        self.rounds = results.schedule.iter().filter(|round| round.scale == self.scale).count() as u32;
        for one in results.measurements.iter().filter(|one| one.scale == self.scale) {
            let Some(cpu) = &one.cpu else { continue };
            let versus = one.vs_baseline.as_ref();
            let half = versus.and_then(|versus| {
                let [low, high] = versus.cpu_ratio_ci95?;
                Some(((high / low).ln() / 2.0).exp_m1())
            });
            let known = Known { micros: cpu.micros_per_op, ratio: versus.map(|versus| versus.cpu_ratio), half };
            self.known.insert((one.operation, one.target.clone()), known);
        }
    }

    /// Whether there is a figure to show.
    pub fn has_figures(&self) -> bool {
        !self.known.is_empty() || !self.now.is_empty()
    }

    /// The table in at most `width` columns, its title first; libraries that don't fit are left out.
    pub fn lines(&self, width: usize) -> Vec<String> {
        let head = |(at, id): (usize, &String)| {
            // The baseline always stays.
            Column::figure(shorten(id, 16)).dispensable(u8::try_from(at).unwrap_or(u8::MAX))
        };
        let mut table = Table::new([Column::name("")].into_iter().chain(self.targets.iter().enumerate().map(head)));
        for &(operation, name) in &self.operations {
            let cells = self.targets.iter().enumerate().map(|(at, id)| self.cell(operation, id, at));
            table.row([name.to_owned()].into_iter().chain(cells).collect::<Vec<_>>());
        }
        let layout = table.fitted(width);
        let mut lines = vec![shorten(&self.title(), width)];
        lines.extend(table.heads(&layout));
        lines.extend((0..self.operations.len()).flat_map(|row| table.lines_of(&layout, row)));
        lines.iter().map(|line| line.trim_end().to_owned()).collect()
    }

    fn title(&self) -> String {
        let ratio = match self.targets.first().filter(|_| self.has_baseline) {
            Some(baseline) => format!(", ratio to {baseline}"),
            None => String::new(),
        };
        let planned = self.planned.max(self.rounds);
        let rounds = format!("{} of {planned} rounds", self.rounds);
        let state = if self.rounds < FEWEST_ROUNDS { format!("preliminary: {rounds}") } else { rounds };
        format!("{} · CPU µs per call{ratio} · {state}", self.scale)
    }

    fn cell(&self, operation: Operation, id: &str, at: usize) -> String {
        let Some(micros) = self.micros(operation, id) else { return format::NOT_MEASURED.to_owned() };
        let mut text = format::number(micros);
        if at > 0
            && self.has_baseline
            && let Some((ratio, half)) = self.ratio(operation, id)
        {
            let _ = write!(text, " ×{}", format::number(ratio));
            if let Some(half) = half {
                let _ = write!(text, " ±{:.0}%", half * 100.0);
            }
        }
        text
    }

    /// The mean over the rounds so far, the present one included.
    fn micros(&self, operation: Operation, id: &str) -> Option<f64> {
        let key = (operation, id.to_owned());
        let now = self.now.get(&key).copied();
        match (self.known.get(&key), now) {
            (Some(known), Some(now)) => Some((known.micros * self.done() + now) / (self.done() + 1.0)),
            (Some(known), None) => Some(known.micros),
            (None, now) => now,
        }
    }

    /// The ratio so far and half of its interval, which is that of the finished rounds.
    fn ratio(&self, operation: Operation, id: &str) -> Option<(f64, Option<f64>)> {
        let now = self
            .now
            .get(&(operation, id.to_owned()))
            .zip(self.now.get(&(operation, self.targets.first()?.clone())))
            .map(|(ours, theirs)| ours / theirs);
        let known = self.known.get(&(operation, id.to_owned()));
        match (known.and_then(|known| known.ratio), now) {
            (Some(known), Some(now)) => {
                let log = (known.ln() * self.done() + now.ln()) / (self.done() + 1.0);
                Some((log.exp(), self.half(operation, id)))
            }
            (Some(known), None) => Some((known, self.half(operation, id))),
            (None, now) => Some((now?, None)),
        }
    }

    fn half(&self, operation: Operation, id: &str) -> Option<f64> {
        self.known.get(&(operation, id.to_owned()))?.half
    }

    fn done(&self) -> f64 {
        f64::from(self.rounds.max(1))
    }
}

#[cfg(test)]
mod tests {
    use console::measure_text_width;

    use super::*;
    use crate::report::golden_test::fixed;
    use crate::results::QueryBy;

    fn named<const N: usize>(operations: [Operation; N]) -> Vec<(Operation, &'static str)> {
        operations.map(|operation| (operation, operation.name_by(QueryBy::Index))).to_vec()
    }

    fn live() -> Live {
        let targets = ["electrodb", "aws-sdk", "mizzle"].map(str::to_owned).to_vec();
        let operations = named([Operation::PutItem, Operation::GetItem]);
        let mut live = Live::new(operations, targets, Some("aws-sdk"));
        live.begin_round("small", 3);
        live
    }

    #[test]
    fn what_is_not_measured_yet_is_a_dash_and_the_baseline_stands_first() {
        let mut live = live();
        assert!(!live.has_figures());
        live.note(Operation::PutItem, &[("mizzle".to_owned(), 1050.0), ("aws-sdk".to_owned(), 1000.0)]);
        assert!(live.has_figures());
        assert_eq!(
            live.lines(80),
            [
                "small · CPU µs per call, ratio to aws-sdk · preliminary: 0 of 3 rounds",
                "         aws-sdk  electrodb       mizzle",
                "PutItem    1,000          –  1,050 ×1.05",
                "GetItem        –          –            –",
            ]
        );
    }

    #[test]
    fn after_a_round_the_results_are_shown_and_the_next_round_joins_them() {
        let mut live = live();
        let results = fixed();
        live.end_round(&results);
        let of = |id: &str| {
            let found = results.measurements.iter().find(|m| m.target == id && m.operation == Operation::GetItem);
            found.and_then(|m| m.cpu.as_ref()).unwrap().micros_per_op
        };
        assert_eq!(live.micros(Operation::GetItem, "mizzle"), Some(of("mizzle")));
        assert!(live.lines(80)[3].contains('±'), "{:?}", live.lines(80));
        assert!(!live.title().contains("preliminary"), "{}", live.title());
        live.begin_round("small", 9);
        live.note(Operation::GetItem, &[("mizzle".to_owned(), of("mizzle") * 2.0)]);
        assert!(live.micros(Operation::GetItem, "mizzle").unwrap() > of("mizzle"));
        live.begin_round("large", 3);
        assert!(!live.has_figures(), "another scale has figures of its own");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_however_many_libraries_there_are() {
        let targets: Vec<String> = (0..9).map(|at| format!("a-long-library-{at}")).collect();
        let mut live = Live::new(named(Operation::ALL), targets.clone(), Some("a-long-library-0"));
        live.begin_round("small", 3);
        let all: Vec<(String, f64)> = targets.into_iter().map(|id| (id, 123_456.7)).collect();
        for operation in Operation::ALL {
            live.note(operation, &all);
        }
        for width in [30, 60, 80, 120] {
            let lines = live.lines(width);
            assert_eq!(lines.len(), 8);
            assert!(lines.iter().all(|line| measure_text_width(line) <= width), "{lines:#?}");
            assert!(width < 60 || lines[6].starts_with("Query by index "), "{lines:#?}");
        }
    }
}
