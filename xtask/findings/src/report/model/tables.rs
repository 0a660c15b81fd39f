//! The tables of a scale: for each group of figures its statistics, and for each operation and library a cell. One
//! cube, from which Markdown takes operations by libraries and the page takes a row for each operation and library.
//! What a measurement is shown by is listed in [`super::columns`], one entry for each figure.

use std::fmt::Write as _;

use serde::Serialize;

use super::cell::Cell;
use super::columns::{self, Column, RATIO};
use super::of_scale::OfScale;
use super::{Index, TargetView, notes, runtimes};
use crate::report::{format, text};
use crate::results::{Bundle, ColdStart, Measurement, Operation, PerProcess, Throughput};

/// One kind of figure at one scale: latency, throughput, CPU …
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// `figures`, `latency`, `throughput`, `concurrency`, `cpu`, `allocation`, `memory`, `work`, `cold`, `database`, `calls`.
    pub id: &'static str,
    pub title: &'static str,
    /// What the figures are and how they were taken.
    pub note: String,
    /// What its rows are: "Operation".
    pub head: &'static str,
    pub statistics: Vec<Statistic>,
    /// Statistics that share a row where space is short: mean; p95 / p99.
    pub together: Vec<Together>,
    pub lines: Vec<Line>,
}

impl Group {
    /// Whether it has a statistic of this name.
    pub fn has(&self, statistic: &str) -> bool {
        self.statistics.iter().any(|known| known.id == statistic)
    }

    /// The cell of a library in the line of this label, by the statistic's name in [`super::columns`].
    pub fn cell(&self, line: &str, library: usize, statistic: &str) -> Option<&Cell> {
        let at = self.statistics.iter().position(|known| known.id == statistic)?;
        self.lines.iter().find(|known| known.label == line)?.cells.get(library)?.get(at)
    }
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Statistic {
    /// What [`Group::cell`] finds it by.
    pub id: &'static str,
    pub label: String,
    /// Empty for words.
    pub unit: &'static str,
    /// What to say where no measurement has it and its column is left out; may be empty.
    pub absent: &'static str,
}

/// Some statistics in one row, and what the row is called: "p95 / p99, ms".
#[derive(Debug, Clone, Serialize)]
pub struct Together {
    pub name: String,
    pub statistics: Vec<usize>,
}

/// One operation (or another subject) for all libraries.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    pub label: String,
    /// By library, in the page's order, then by statistic.
    pub cells: Vec<Vec<Cell>>,
    /// By library: why it has no figure here at all; empty where it has one.
    pub absent: Vec<String>,
}

impl Line {
    fn new(label: impl Into<String>, cells: Vec<Vec<Cell>>) -> Line {
        Line { label: label.into(), cells, absent: Vec::new() }
    }

    /// Whether a library has a figure here.
    fn has_figures(&self) -> bool {
        self.cells.iter().flatten().any(Cell::is_known)
    }
}

/// All groups of a scale that have something to show.
pub fn groups(index: &Index<'_>, scale: &str, libraries: &[TargetView]) -> Vec<Group> {
    let make = OfScale { index, scale, libraries };
    let mut groups = vec![
        make.latency(),
        make.throughput(),
        make.concurrency(),
        make.cpu(),
        make.allocation(),
        make.memory(),
        make.work(),
        make.cold_start(),
        make.database(),
        make.calls(),
    ];
    groups.insert(0, make.figures(&groups));
    for group in &mut groups {
        for cells in group.lines.iter_mut().flat_map(|line| &mut line.cells) {
            cells.resize(group.statistics.len(), Cell::missing("not planned"));
        }
        leave_out_what_is_empty(group);
    }
    groups.retain(|group| !group.lines.is_empty());
    for group in &mut groups {
        if matches!(group.id, "latency" | "throughput" | "cpu" | "allocation" | "memory") {
            group.lines.iter_mut().for_each(share);
        }
        for line in &mut group.lines {
            line.absent = line.cells.iter().map(|cells| absent(cells)).collect();
        }
    }
    groups
}

/// Takes out the rows and columns in which nothing was measured, and says so where nothing else does.
fn leave_out_what_is_empty(group: &mut Group) {
    let gone: Vec<String> =
        group.lines.iter().filter(|line| !line.has_figures()).map(|line| line.label.clone()).collect();
    group.lines.retain(Line::has_figures);
    let said = group.note.contains(&format!("{} was not timed", format::list(&gone)));
    if !gone.is_empty() && !group.lines.is_empty() && !said && group.id != "figures" {
        let _ = write!(group.note, " Not measured at this scale: {}.", format::list(&gone));
    }
    let known = |at: usize| group.lines.iter().flat_map(|line| &line.cells).any(|cells| cells[at].is_known());
    let kept: Vec<usize> = (0..group.statistics.len()).filter(|&at| known(at)).collect();
    let reasons = group.statistics.iter().enumerate().filter(|(at, _)| !kept.contains(at)).map(|(_, of)| of.absent);
    let reasons: Vec<&str> = reasons.filter(|reason| !reason.is_empty()).collect();
    if !group.lines.is_empty() && group.id != "figures" {
        for reason in reasons {
            let _ = write!(group.note, " {reason}");
        }
    }
    let mut at = 0..group.statistics.len();
    group.statistics.retain(|_| at.next().is_some_and(|at| kept.contains(&at)));
    for cells in group.lines.iter_mut().flat_map(|line| &mut line.cells) {
        let mut at = 0..cells.len();
        cells.retain(|_| at.next().is_some_and(|at| kept.contains(&at)));
    }
    for row in &mut group.together {
        row.statistics = row.statistics.iter().filter_map(|at| kept.iter().position(|kept| kept == at)).collect();
        let named: Vec<&Statistic> = row.statistics.iter().map(|&at| &group.statistics[at]).collect();
        row.name = name(&named);
    }
    group.together.retain(|row| !row.statistics.is_empty());
}

/// Why a library has no figure in a row, where it has none.
fn absent(cells: &[Cell]) -> String {
    if cells.iter().any(Cell::is_known) {
        return String::new();
    }
    cells
        .iter()
        .map(|cell| cell.hint.clone())
        .find(|hint| !hint.is_empty())
        .unwrap_or_else(|| "not measured".to_owned())
}

/// The first figure of each library as a share of the largest.
fn share(line: &mut Line) {
    let most = line.cells.iter().filter_map(|cells| cells.first()?.value).fold(0.0, f64::max);
    for cell in line.cells.iter_mut().filter_map(|cells| cells.first_mut()) {
        cell.share = cell.value.filter(|_| most > 0.0).map(|value| (value / most * 100.0).round() as u8);
    }
}

/// What makes the groups of one scale.
impl OfScale<'_> {
    /// What the other groups say at length, in one table: all figures of a library in one row.
    fn figures(&self, groups: &[Group]) -> Group {
        let figure = |line: Operation, library: usize, of: &columns::Figure| {
            let group = groups.iter().find(|group| group.id == of.group);
            let cell = group.and_then(|group| group.cell(self.index.name(line), library, of.statistic)).cloned();
            let cell = cell.unwrap_or_else(|| Cell::missing("not measured"));
            // The ratio alone keeps its interval; the others have theirs below, and here when a pointer is over them.
            if of.statistic == RATIO { cell } else { Cell { text: format::optional(cell.value), ..cell } }
        };
        let is_there = |of: &&columns::Figure| {
            let group = groups.iter().find(|group| group.id == of.group);
            group.is_some_and(|group| group.has(of.statistic) && (of.group != "allocation" || !group.lines.is_empty()))
        };
        let shown: Vec<&columns::Figure> = columns::FIGURES.iter().filter(is_there).collect();
        let line = |operation: Operation| {
            let cells = |library| shown.iter().map(|of| figure(operation, library, of)).collect();
            Line::new(self.index.name(operation), (0..self.libraries.len()).map(cells).collect())
        };
        let statistic = |of: &&columns::Figure| Statistic {
            id: of.statistic,
            label: self.label(of.statistic, of.label),
            unit: of.unit,
            absent: "",
        };
        Group {
            id: "figures",
            title: "All figures",
            note: "One call in flight, except for throughput. The sections below have the intervals and say how each \
                   figure was taken."
                .to_owned()
                + self.of_ratios(),
            head: "Operation",
            statistics: shown.iter().map(statistic).collect(),
            together: Vec::new(),
            lines: self.index.operations(self.scale).into_iter().map(line).collect(),
        }
    }

    fn latency(&self) -> Group {
        let mut note = "Milliseconds from call to answer, one call in flight, warm.".to_owned();
        if let Some(absent) = notes::without_latency(self.index, self.scale) {
            note = format!("{note} {absent}");
        }
        self.group("latency", "Latency", &note, columns::LATENCY)
    }

    fn throughput(&self) -> Group {
        let concurrency = self.index.results.settings.concurrency;
        let note = format!(
            "Calls completed per second of wall-clock time, {concurrency} in flight, and what limited the rate: the \
             client's one thread, the database, or all the machine's cores together.{}",
            columns::limits_note(self.throughputs(), concurrency)
        );
        self.group("throughput", "Throughput", &note, columns::THROUGHPUT)
    }

    fn throughputs(&self) -> impl Iterator<Item = &Throughput> {
        let of_scale = self.index.results.measurements.iter().filter(|m| m.scale == self.scale);
        of_scale.filter_map(|m| m.throughput.as_ref())
    }

    /// One column for each number of calls in flight, where the throughput was measured with several.
    fn concurrency(&self) -> Group {
        let settings = &self.index.results.settings;
        let mut concurrencies: Vec<u32> = settings.more_concurrencies.clone();
        concurrencies.push(settings.concurrency);
        concurrencies.sort_unstable();
        let rate = |m: &Measurement, concurrency: u32| {
            let found = m.throughputs().find(|t| t.concurrency == concurrency);
            Cell::estimate(found.map(|t| t.ops_per_sec), found.and_then(|t| t.ci95), "ops/s")
        };
        let statistic = |concurrency: &u32| Statistic {
            label: format!("{concurrency} in flight"),
            unit: "ops/s",
            ..Statistic::default()
        };
        Group {
            id: "concurrency",
            title: "Throughput against concurrency",
            note: "Calls completed per second of wall-clock time, by how many were in flight. Where the rate stops \
                   rising, something is busy: mostly the client's one thread."
                .to_owned(),
            head: "Operation",
            statistics: concurrencies.iter().map(statistic).collect(),
            together: Vec::new(),
            lines: if settings.more_concurrencies.is_empty() {
                Vec::new()
            } else {
                self.lines(|m| concurrencies.iter().map(|&concurrency| rate(m, concurrency)).collect())
            },
        }
    }

    fn cpu(&self) -> Group {
        let sampled = "Average and peak of the process as sampled from outside, percent of one core.";
        let note = if self.recorded() {
            let special = notes::recordings(self.index, self.scale, self.libraries);
            let sentences = [
                "User and system time per call against recorded answers, by the process's own accounting: of the \
                 thread that runs JavaScript, and of the whole process, with the threads that collect garbage and \
                 compile. As used: the thread's time per call against the database."
                    .to_owned(),
                sampled.to_owned(),
            ];
            let shared_out = notes::shared_out(self.index, self.scale);
            sentences.into_iter().chain(shared_out).chain(special).collect::<Vec<_>>().join(" ")
        } else {
            format!(
                "User and system time per call, by the process's own accounting: of the thread that runs JavaScript, \
                 and of the whole process, with the threads that collect garbage and compile. {sampled}"
            )
        };
        self.group("cpu", "CPU", &(note + self.of_ratios()), columns::CPU)
    }

    fn allocation(&self) -> Group {
        let note = "Allocated on the JavaScript heap per call against recorded answers, in units of 1,000 bytes, and \
                    how often the garbage was collected. It hardly varies from run to run, so that small differences \
                    show early.";
        let silent = runtimes::without_allocation(self.index.results, self.libraries);
        let note = [note].into_iter().chain(silent.as_deref()).collect::<Vec<_>>().join(" ");
        let mut group = self.group("allocation", "Allocation", &note, columns::ALLOCATION);
        if !self.index.results.measurements.iter().any(|m| m.allocation.is_some()) {
            group.lines.clear();
        }
        group
    }

    fn memory(&self) -> Group {
        self.group("memory", "Memory", "Resident set of the client's process during the operation.", columns::MEMORY)
    }

    fn work(&self) -> Group {
        let note = "What one call asked of the database, as counted on the wire. A library that does \
                    more work for the same result is still timed: the work is part of what it costs.";
        let sizes = notes::item_sizes(self.index, self.libraries);
        let note = [note, &sizes].join(if sizes.is_empty() { "" } else { " " });
        Group { together: Vec::new(), ..self.group("work", "Work on the wire", &note, columns::WORK) }
    }

    /// Rows are what is paid once, in the order in which it is paid.
    fn cold_start(&self) -> Group {
        let found = |library: &TargetView| {
            let mut all = self.index.results.cold_starts.iter();
            all.find(|cold| cold.scale == self.scale && cold.target == library.id)
        };
        let line = |label: String, unit: &str, of: &dyn Fn(&ColdStart) -> Option<PerProcess>| {
            let cell = |library: &TargetView| match found(library).and_then(of) {
                Some(estimate) => Cell::estimate(Some(estimate.mean), estimate.ci95, unit),
                None => Cell::missing("not measured"),
            };
            Line::new(label, self.libraries.iter().map(|library| vec![cell(library)]).collect())
        };
        let size = |label: &str, of: &dyn Fn(&Bundle) -> Option<f64>| {
            let cell = |library: &TargetView| {
                let target = self.index.results.targets.iter().find(|target| target.id == library.id);
                let bundle = target.and_then(|target| target.bundle.as_ref());
                let why = bundle.and_then(|bundle| bundle.reason.as_deref()).unwrap_or("not bundled");
                bundle.and_then(of).map_or_else(|| Cell::missing(why), |kib| Cell::size(kib, "KiB"))
            };
            Line::new(label, self.libraries.iter().map(|library| vec![cell(library)]).collect())
        };
        let mut lines = vec![
            line("import, ms".to_owned(), "ms", &|cold| Some(cold.import_ms.clone())),
            line("import of its bundle, ms".to_owned(), "ms", &|cold| cold.bundled_import_ms.clone()),
            size("bundle, minified, KiB", &|bundle| bundle.minified_kib),
            size("bundle, gzip, KiB", &|bundle| bundle.gzip_kib),
            line("memory after import, MiB".to_owned(), "MiB", &|cold| Some(cold.memory_mb.clone())),
        ];
        for operation in self.index.operations(self.scale) {
            lines.push(line(format!("first {operation}, ms"), "ms", &|cold| {
                cold.first_call_ms.iter().find(|first| first.operation == operation).map(|first| first.ms.clone())
            }));
        }
        let measured = self.libraries.iter().any(|library| found(library).is_some());
        Group {
            id: "cold",
            title: "Cold start",
            note:
                "What a fresh process pays once; never mixed into the figures above. A bundle is the library with its \
                   SDK and adapter in one minified file, as Lambda users ship it; a process of its own imports it. The \
                   first calls were made in this order, so the first of them pays for the connection too."
                    .to_owned(),
            head: "Paid once",
            statistics: vec![Statistic::default()],
            together: vec![Together { name: String::new(), statistics: vec![0] }],
            lines: if measured { lines } else { Vec::new() },
        }
    }

    fn database(&self) -> Group {
        let usage = &self.index.results.database_usage;
        let note = "CPU and memory of the database's own process while a library called it, one call in flight.";
        let mut group = self.group("database", "Database load", note, columns::DATABASE);
        if !usage.iter().any(|used| used.scale == self.scale) {
            group.lines.clear();
        }
        group
    }

    fn calls(&self) -> Group {
        let note = "A round is a fresh process. Calls that threw are not timed; they are counted here.";
        self.group("calls", "Calls behind the figures", note, columns::CALLS)
    }

    /// A group whose cells are made from measurements by its columns.
    fn group(&self, id: &'static str, title: &'static str, note: &str, columns: &[Column]) -> Group {
        let against = self.against();
        let is_there = |of: &&Column| (of.id != RATIO || against.is_some()) && (!of.recorded || self.recorded());
        let columns: Vec<&Column> = columns.iter().filter(is_there).collect();
        let statistic = |of: &&Column| Statistic {
            id: of.id,
            label: self.label(of.id, of.label),
            unit: of.unit,
            absent: of.absent(),
        };
        let statistics: Vec<Statistic> = columns.iter().map(statistic).collect();
        let rows: Vec<usize> = (0..columns.len()).collect();
        let together = rows.chunk_by(|&a, &b| columns[a].row == columns[b].row).map(|row| Together {
            name: name(&row.iter().map(|&at| &statistics[at]).collect::<Vec<_>>()),
            statistics: row.to_vec(),
        });
        Group {
            id,
            title,
            note: note.to_owned(),
            head: "Operation",
            together: together.collect(),
            lines: self.lines(|m| columns.iter().map(|column| (column.cell)(self, m)).collect()),
            statistics,
        }
    }

    /// What a ratio next to the figures that it is of is not, where there are ratios.
    fn of_ratios(&self) -> &'static str {
        if self.against().is_some() {
            " A ratio is the geometric mean of the rounds' ratios, and so not exactly the quotient of two figures of its \
             column."
        } else {
            ""
        }
    }

    /// What heads a column of ratios, where there is something to compare.
    fn against(&self) -> Option<String> {
        if self.libraries.len() < 2 {
            return None;
        }
        runtimes::baseline(self.libraries).map(|label| format!("to {label}"))
    }

    /// What heads a column.
    fn label(&self, id: &str, label: &str) -> String {
        match (id, self.against()) {
            (RATIO, Some(against)) => against,
            _ => label.to_owned(),
        }
    }

    /// Whether the client's cost was measured against recorded answers.
    fn recorded(&self) -> bool {
        let results = self.index.results;
        let mut rounds = results.measurements.iter().flat_map(|m| &m.per_round);
        results.recorded_answers.is_some() || rounds.any(|round| round.client.is_some())
    }

    fn lines(&self, cells: impl Fn(&Measurement) -> Vec<Cell>) -> Vec<Line> {
        let line = |operation: Operation| {
            let of = |library| self.cells(operation, library, &cells);
            Line::new(self.index.name(operation), self.libraries.iter().map(of).collect())
        };
        self.index.operations(self.scale).into_iter().map(line).collect()
    }

    fn cells(
        &self,
        operation: Operation,
        library: &TargetView,
        cells: impl Fn(&Measurement) -> Vec<Cell>,
    ) -> Vec<Cell> {
        let Some(measurement) = self.index.get(self.scale, operation, &library.id) else { return Vec::new() };
        let mut cells = cells(measurement);
        if let Some(failure) = &measurement.failure {
            let cause = text::brief(&failure.cause, 200);
            for cell in cells.iter_mut().filter(|cell| cell.text == format::NOT_MEASURED) {
                cell.hint = format!("{}: {cause}", failure.stage);
            }
        }
        cells
    }
}

/// "p95 / p99, ms": a unit once for neighbours that share it.
fn name(statistics: &[&Statistic]) -> String {
    let mut name = String::new();
    for (at, statistic) in statistics.iter().enumerate() {
        name += &statistic.label;
        if !statistic.unit.is_empty() && statistics.get(at + 1).is_none_or(|next| next.unit != statistic.unit) {
            name += ", ";
            name += statistic.unit;
        }
        if at + 1 < statistics.len() {
            name += " / ";
        }
    }
    name
}
