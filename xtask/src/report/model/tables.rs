//! The tables of a scale: for each group of figures its statistics, and for each operation and library a cell. One
//! cube, from which Markdown takes operations by libraries and the page takes a row for each operation and library.

use serde::Serialize;

use super::answer::{self, Metric};
use super::{Index, Library};
use crate::report::format;
use crate::results::{ColdStart, Estimate, Interval, LimitedBy, Measurement, Operation, Verdict, Work};

/// One kind of figure at one scale: latency, throughput, CPU …
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// `figures`, `latency`, `throughput`, `concurrency`, `cpu`, `memory`, `work`, `cold`, `database`, `calls`.
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

#[derive(Debug, Clone, Serialize)]
pub struct Statistic {
    pub label: String,
    /// Empty for words.
    pub unit: &'static str,
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
}

/// A figure as it is shown.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Cell {
    pub text: String,
    /// `same` or `unclear`, where a ratio needs the word; else empty.
    pub note: &'static str,
    /// What it sorts by; none for words and for what was not measured.
    pub value: Option<f64>,
    /// More digits, the interval, or why there is no figure; for hovering.
    pub hint: String,
    /// The best of the libraries, where the run can tell.
    pub best: bool,
    /// Percent of the largest figure of its row, where a bar helps.
    pub share: Option<u8>,
}

impl Cell {
    pub fn words(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), ..Cell::default() }
    }

    pub fn missing(why: &str) -> Cell {
        Cell { text: format::NOT_MEASURED.to_owned(), hint: why.to_owned(), ..Cell::default() }
    }

    fn estimate(value: Option<f64>, interval: Option<Interval>, unit: &str) -> Cell {
        let Some(value) = value else { return Cell::missing("not measured, or too few samples to hold it") };
        let hint = match interval {
            Some([low, high]) => format!("95% interval {} to {} {unit}", format::precise(low), format::precise(high)),
            None => format!("{} {unit}, no interval", format::precise(value)),
        };
        Cell { text: format::estimate(value, interval), value: Some(value), hint, ..Cell::default() }
    }

    fn per_call(value: Option<f64>) -> Cell {
        let Some(value) = value else { return Cell::missing("not measured") };
        Cell { text: format::per_call(value), value: Some(value), ..Cell::default() }
    }

    pub fn ratio(value: f64, interval: Option<Interval>, verdict: Option<Verdict>) -> Cell {
        let mut cell = Cell::estimate(Some(value), interval, "times");
        cell.text = format::ratio(value, interval);
        cell.note = match verdict {
            Some(Verdict::Same) => "same",
            Some(Verdict::Unclear) => "unclear",
            _ => "",
        };
        cell
    }

    fn best(mut self, best: bool) -> Cell {
        self.best = best;
        self
    }
}

/// All groups of a scale that have something to show.
pub fn groups(index: &Index<'_>, scale: &str, libraries: &[Library]) -> Vec<Group> {
    let make = Maker { index, scale, libraries };
    let mut groups = vec![
        make.latency(),
        make.throughput(),
        make.concurrency(),
        make.cpu(),
        make.memory(),
        make.work(),
        make.cold_start(),
        make.database(),
        make.calls(),
    ];
    groups.insert(0, make.figures(&groups));
    groups.retain(|group| !group.lines.is_empty());
    for group in &mut groups {
        for row in &mut group.together {
            row.statistics.retain(|&at| at < group.statistics.len());
            row.name = name(&row.statistics.iter().map(|&at| &group.statistics[at]).collect::<Vec<_>>());
        }
        if matches!(group.id, "latency" | "throughput" | "cpu" | "memory") {
            group.lines.iter_mut().for_each(share);
        }
        group.together.retain(|row| !row.statistics.is_empty());
        for cells in group.lines.iter_mut().flat_map(|line| &mut line.cells) {
            cells.resize(group.statistics.len(), Cell::missing("not planned"));
        }
    }
    groups
}

/// The first figure of each library as a share of the largest.
fn share(line: &mut Line) {
    let most = line.cells.iter().filter_map(|cells| cells.first()?.value).fold(0.0, f64::max);
    for cell in line.cells.iter_mut().filter_map(|cells| cells.first_mut()) {
        cell.share = cell.value.filter(|_| most > 0.0).map(|value| (value / most * 100.0).round() as u8);
    }
}

struct Maker<'a> {
    index: &'a Index<'a>,
    scale: &'a str,
    libraries: &'a [Library],
}

/// Where the ratio to the baseline stands among the statistics of CPU.
pub const CPU_RATIO: usize = 4;

/// The figures of [`Maker::figures`]: group, statistic, and what heads its column there.
const ALL: [(&str, usize, &str, &str); 10] = [
    ("cpu", 0, "CPU per call", "µs"),
    ("cpu", CPU_RATIO, "", ""),
    ("latency", 0, "mean", "ms"),
    ("latency", 1, "p95", "ms"),
    ("latency", 2, "p99", "ms"),
    ("throughput", 0, "rate", "ops/s"),
    ("cpu", 2, "CPU", "%"),
    ("cpu", 3, "CPU peak", "%"),
    ("memory", 0, "memory", "MiB"),
    ("memory", 1, "memory peak", "MiB"),
];

impl Maker<'_> {
    /// What the other groups say at length, in one table: all figures of a library in one row.
    fn figures(&self, groups: &[Group]) -> Group {
        let found = |id: &str| groups.iter().find(|group| group.id == id);
        let figure = |at: usize, library: usize, (id, statistic, ..): (&str, usize, &str, &str)| {
            let cell = found(id).and_then(|group| group.lines.get(at)?.cells.get(library)?.get(statistic));
            let cell = cell.cloned().unwrap_or_else(|| Cell::missing("not measured"));
            // The ratio alone keeps its interval; the others have theirs below, and here when a pointer is over them.
            let ratio = (id, statistic) == ("cpu", CPU_RATIO);
            if ratio { cell } else { Cell { text: format::optional(cell.value), ..cell } }
        };
        let line = |(at, operation): (usize, Operation)| Line {
            label: operation.name().to_owned(),
            cells: (0..self.libraries.len()).map(|l| ALL.iter().map(|of| figure(at, l, *of)).collect()).collect(),
        };
        let mut statistics: Vec<Statistic> =
            ALL.iter().map(|&(_, _, label, unit)| Statistic { label: label.to_owned(), unit }).collect();
        statistics[1].label = self.against().unwrap_or_else(|| "ratio".to_owned());
        Group {
            id: "figures",
            title: "All figures",
            note: "One call in flight, but for the rate. Intervals, and how each was taken, are in the sections that \
                   follow."
                .to_owned(),
            head: "Operation",
            statistics,
            together: Vec::new(),
            lines: self.index.operations(self.scale).into_iter().enumerate().map(line).collect(),
        }
    }

    fn latency(&self) -> Group {
        Group {
            id: "latency",
            title: "Latency",
            note: "Milliseconds from call to answer, one call in flight, warm.".to_owned(),
            head: "Operation",
            statistics: self.statistics(&[("mean", "ms"), ("p95", "ms"), ("p99", "ms")], true),
            together: rows(&[&[0], &[1, 2], &[3]]),
            lines: self.lines(|m| {
                let latency = m.latency_ms.as_ref();
                vec![
                    Cell::estimate(latency.map(|l| l.mean), latency.and_then(|l| l.mean_ci95), "ms")
                        .best(self.wins(m, Metric::Latency)),
                    Cell::estimate(latency.and_then(|l| l.p95), latency.and_then(|l| l.p95_ci95), "ms"),
                    Cell::estimate(latency.and_then(|l| l.p99), latency.and_then(|l| l.p99_ci95), "ms"),
                    self.versus(m, Metric::Latency),
                ]
            }),
        }
    }

    fn throughput(&self) -> Group {
        let concurrency = self.index.results.settings.concurrency;
        Group {
            id: "throughput",
            title: "Throughput",
            note: format!(
                "Calls completed per second of wall-clock time, {concurrency} in flight, and who held it back: the \
                 client's one thread, the database, or all the machine's cores together."
            ),
            head: "Operation",
            statistics: self.statistics(&[("rate", "ops/s"), ("limit", "")], true),
            together: rows(&[&[0, 1], &[2]]),
            lines: self.lines(|m| {
                let throughput = m.throughput.as_ref();
                let limited = throughput.map(|t| {
                    let other = (t.concurrency != concurrency).then(|| format!(" ({} in flight)", t.concurrency));
                    Cell {
                        hint: format!(
                            "client {}%, database {}% of a core",
                            format::optional(t.client_cpu_percent),
                            format::optional(t.database_cpu_percent)
                        ),
                        ..Cell::words(format!("{}{}", limit(t.limited_by), other.unwrap_or_default()))
                    }
                });
                vec![
                    Cell::estimate(throughput.map(|t| t.ops_per_sec), throughput.and_then(|t| t.ci95), "ops/s")
                        .best(self.wins(m, Metric::Throughput)),
                    limited.unwrap_or_else(|| Cell::missing("not measured")),
                    self.versus(m, Metric::Throughput),
                ]
            }),
        }
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
        Group {
            id: "concurrency",
            title: "Throughput against concurrency",
            note: "Calls completed per second of wall-clock time, by how many were in flight. Where the rate stops \
                   rising, something is busy: mostly the client's one thread."
                .to_owned(),
            head: "Operation",
            statistics: concurrencies
                .iter()
                .map(|concurrency| Statistic { label: format!("{concurrency} in flight"), unit: "ops/s" })
                .collect(),
            together: Vec::new(),
            lines: if settings.more_concurrencies.is_empty() {
                Vec::new()
            } else {
                self.lines(|m| concurrencies.iter().map(|&concurrency| rate(m, concurrency)).collect())
            },
        }
    }

    fn cpu(&self) -> Group {
        Group {
            id: "cpu",
            title: "CPU",
            note:
                "User and system time per call, by the process's own accounting: of the thread that runs JavaScript, \
                   and of the whole process, with the threads that collect garbage and compile. Average and peak of \
                   the process as sampled from outside, percent of one core."
                    .to_owned(),
            head: "Operation",
            statistics: self
                .statistics(&[("per call", "µs"), ("whole process", "µs"), ("average", "%"), ("peak", "%")], true),
            together: rows(&[&[0], &[1], &[2, 3], &[4]]),
            lines: self.lines(|m| {
                let cpu = m.cpu.as_ref();
                vec![
                    Cell::estimate(cpu.map(|c| c.micros_per_op), cpu.and_then(|c| c.micros_per_op_ci95), "µs")
                        .best(self.wins(m, Metric::Cpu)),
                    Cell::estimate(
                        cpu.and_then(|c| c.process_micros_per_op),
                        cpu.and_then(|c| c.process_micros_per_op_ci95),
                        "µs",
                    ),
                    Cell::estimate(cpu.and_then(|c| c.percent_avg), None, "% of one core"),
                    Cell::estimate(cpu.and_then(|c| c.percent_peak), None, "% of one core"),
                    self.versus(m, Metric::Cpu),
                ]
            }),
        }
    }

    fn memory(&self) -> Group {
        Group {
            id: "memory",
            title: "Memory",
            note: "Resident set of the client's process during the operation.".to_owned(),
            head: "Operation",
            statistics: self.statistics(&[("average", "MiB"), ("peak", "MiB")], false),
            together: rows(&[&[0, 1]]),
            lines: self.lines(|m| {
                let memory = m.memory_mb.as_ref();
                vec![
                    Cell::estimate(memory.map(|m| m.avg), None, "MiB"),
                    Cell::estimate(memory.map(|m| m.peak), memory.and_then(|m| m.peak_ci95), "MiB"),
                ]
            }),
        }
    }

    fn work(&self) -> Group {
        let statistics = [
            ("requests", ""),
            ("items returned", ""),
            ("items read", ""),
            ("capacity units", ""),
            ("bytes sent", ""),
            ("bytes received", ""),
        ];
        Group {
            id: "work",
            title: "Work on the wire",
            note: "What one call asked of the database, as counted in the SDK's own pipeline. Right results by more \
                   work are timed all the same: the work is part of what a library costs."
                .to_owned(),
            head: "Operation",
            statistics: self.statistics(&statistics, false),
            together: Vec::new(),
            lines: self.lines(|m| {
                let work = |of: fn(&Work) -> f64| Cell::per_call(m.work.as_ref().map(of));
                vec![
                    work(|w| w.requests),
                    work(|w| w.items_returned),
                    work(|w| w.items_scanned),
                    Cell::per_call(m.work.as_ref().and_then(|w| w.capacity_units)),
                    work(|w| w.request_bytes),
                    work(|w| w.response_bytes),
                ]
            }),
        }
    }

    /// Rows are what is paid once, in the order in which it is paid.
    fn cold_start(&self) -> Group {
        let found = |library: &Library| {
            let mut all = self.index.results.cold_starts.iter();
            all.find(|cold| cold.scale == self.scale && cold.target == library.id)
        };
        let line = |label: String, unit: &str, of: &dyn Fn(&ColdStart) -> Option<Estimate>| {
            let cell = |library: &Library| match found(library).and_then(of) {
                Some(estimate) => Cell::estimate(Some(estimate.mean), estimate.ci95, unit),
                None => Cell::missing("not measured"),
            };
            Line { label, cells: self.libraries.iter().map(|library| vec![cell(library)]).collect() }
        };
        let mut lines = vec![
            line("import, ms".to_owned(), "ms", &|cold| Some(cold.import_ms.clone())),
            line("memory after it, MiB".to_owned(), "MiB", &|cold| Some(cold.memory_mb.clone())),
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
            note: "What a fresh process pays once; never mixed into the figures above. The first calls were made in \
                   this order, so the first of them pays for the connection too."
                .to_owned(),
            head: "Paid once",
            statistics: self.statistics(&[("", "")], false),
            together: rows(&[&[0]]),
            lines: if measured { lines } else { Vec::new() },
        }
    }

    fn database(&self) -> Group {
        let usage = &self.index.results.database_usage;
        let cells = |operation: Operation, library: &Library| {
            let mut all = usage.iter();
            let found = all.find(|u| u.scale == self.scale && u.operation == operation && u.target == library.id);
            vec![
                Cell::estimate(found.and_then(|u| u.cpu_percent_avg), None, "% of one core"),
                Cell::estimate(found.and_then(|u| u.memory_mb_peak), None, "MiB"),
            ]
        };
        let line = |operation: Operation| Line {
            label: operation.name().to_owned(),
            cells: self.libraries.iter().map(|library| cells(operation, library)).collect(),
        };
        let any = usage.iter().any(|u| u.scale == self.scale);
        let operations = self.index.operations(self.scale);
        Group {
            id: "database",
            title: "The database meanwhile",
            note: "CPU and memory of the database's own process while a library called it, one call in flight."
                .to_owned(),
            head: "Operation",
            statistics: self.statistics(&[("CPU average", "%"), ("memory peak", "MiB")], false),
            together: rows(&[&[0, 1]]),
            lines: if any { operations.into_iter().map(line).collect() } else { Vec::new() },
        }
    }

    fn calls(&self) -> Group {
        Group {
            id: "calls",
            title: "Calls behind the figures",
            note: "A round is a fresh process. A call that threw has no time; it is counted here.".to_owned(),
            head: "Operation",
            statistics: self.statistics(&[("rounds", ""), ("timed calls", ""), ("threw", "")], false),
            together: rows(&[&[0, 1, 2]]),
            lines: self
                .lines(|m| [u64::from(m.rounds), m.samples, m.errors].map(|n| Cell::per_call(Some(n as f64))).to_vec()),
        }
    }

    fn statistics(&self, of: &[(&str, &'static str)], versus: bool) -> Vec<Statistic> {
        let against = self.against().filter(|_| versus);
        let mut made: Vec<Statistic> =
            of.iter().map(|&(label, unit)| Statistic { label: label.to_owned(), unit }).collect();
        made.extend(against.map(|label| Statistic { label, unit: "" }));
        made
    }

    /// What heads a column of ratios.
    fn against(&self) -> Option<String> {
        self.libraries.iter().find(|library| library.baseline).map(|library| format!("to {}", library.label))
    }

    fn lines(&self, cells: impl Fn(&Measurement) -> Vec<Cell>) -> Vec<Line> {
        let line = |operation: Operation| Line {
            label: operation.name().to_owned(),
            cells: self.libraries.iter().map(|library| self.cells(operation, library, &cells)).collect(),
        };
        self.index.operations(self.scale).into_iter().map(line).collect()
    }

    fn cells(&self, operation: Operation, library: &Library, cells: impl Fn(&Measurement) -> Vec<Cell>) -> Vec<Cell> {
        let Some(measurement) = self.index.get(self.scale, operation, &library.id) else { return Vec::new() };
        let mut cells = cells(measurement);
        if let Some(failure) = &measurement.failure {
            let cause = format::shorten(&format::plain(&failure.cause), 200);
            for cell in cells.iter_mut().filter(|cell| cell.text == format::NOT_MEASURED) {
                cell.hint = format!("{}: {cause}", failure.stage);
            }
        }
        cells
    }

    fn versus(&self, m: &Measurement, metric: Metric) -> Cell {
        if self.libraries.iter().any(|library| library.baseline && library.id == m.target) {
            return Cell { value: Some(1.0), ..Cell::words("baseline") };
        }
        match answer::ratio(m, metric) {
            Some((value, interval, verdict)) => Cell::ratio(value, interval, verdict),
            None => Cell::missing("no pair to compare"),
        }
    }

    fn wins(&self, m: &Measurement, metric: Metric) -> bool {
        answer::winner(self.index, self.libraries, self.scale, m.operation, metric).is_some_and(|id| id == m.target)
    }
}

/// Rows by their statistics; they are named once the statistics are known.
fn rows(of: &[&[usize]]) -> Vec<Together> {
    of.iter().map(|row| Together { name: String::new(), statistics: row.to_vec() }).collect()
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

pub fn limit(by: LimitedBy) -> &'static str {
    match by {
        LimitedBy::Client => "client",
        LimitedBy::Database => "database",
        LimitedBy::Machine => "machine",
        LimitedBy::Unknown => "unknown",
    }
}
