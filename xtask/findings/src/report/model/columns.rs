//! Which figures of a measurement are shown, and how each is made: one entry for each. A figure that is added to a
//! list here stands in Markdown and on the page; added to [`FIGURES`], also in the table that has all in one row.

use super::cell::Cell;
use super::of_scale::OfScale;
use super::ratio::Criterion;
use crate::report::format;
use crate::results::{Cpu, Interval, Latency, LimitedBy, Measurement, Memory, Throughput, Work};

impl Column {
    /// Why no measurement has it, where that is not plain.
    pub fn absent(&self) -> &'static str {
        match (self.id, self.unit) {
            ("peak", "%") => "The peak has no column: it takes 100 ms of calls in one round; --time 150ms gives them.",
            ("p95", _) => "p95 has no column: it takes 20 timed calls; a larger --budget gives them.",
            ("p99", _) => "p99 has no column: it takes 100 timed calls; a larger --budget gives them.",
            _ => "",
        }
    }
}

/// One figure of a group.
#[derive(Clone, Copy)]
pub struct Column {
    /// Unique within its group.
    pub id: &'static str,
    pub label: &'static str,
    /// Empty for words.
    pub unit: &'static str,
    /// In Markdown, neighbours of one number share a row: p95 / p99.
    pub row: u8,
    /// Whether it needs recorded answers: left out of the report of a run that had none.
    pub recorded: bool,
    pub cell: fn(&OfScale<'_>, &Measurement) -> Cell,
}

/// A figure of the table that has all of them: which it is, and what heads its column there.
pub struct Figure {
    pub group: &'static str,
    pub statistic: &'static str,
    pub label: &'static str,
    pub unit: &'static str,
}

/// The id of a group's ratio to the baseline, whose label names the baseline.
pub const RATIO: &str = "ratio";

const fn column(
    id: &'static str,
    label: &'static str,
    unit: &'static str,
    row: u8,
    cell: fn(&OfScale<'_>, &Measurement) -> Cell,
) -> Column {
    Column { id, label, unit, row, recorded: false, cell }
}

/// A column of what only recorded answers show.
const fn recorded(column: Column) -> Column {
    Column { recorded: true, ..column }
}

const fn ratio(row: u8, cell: fn(&OfScale<'_>, &Measurement) -> Cell) -> Column {
    column(RATIO, "", "", row, cell)
}

const fn figure(group: &'static str, statistic: &'static str, label: &'static str, unit: &'static str) -> Figure {
    Figure { group, statistic, label, unit }
}

pub const FIGURES: &[Figure] = &[
    figure("cpu", "per-call", "CPU per call", "µs"),
    figure("cpu", RATIO, "", ""),
    figure("allocation", "allocated", "allocated", "KB"),
    figure("latency", "mean", "mean", "ms"),
    figure("latency", "p95", "p95", "ms"),
    figure("latency", "p99", "p99", "ms"),
    figure("throughput", "rate", "rate", "ops/s"),
    figure("cpu", "average", "CPU", "%"),
    figure("cpu", "peak", "CPU peak", "%"),
    figure("memory", "average", "memory", "MiB"),
    figure("memory", "peak", "memory peak", "MiB"),
];

pub const LATENCY: &[Column] = &[
    column("mean", "mean", "ms", 0, |make, m| {
        latency(m, |l| (Some(l.mean), l.mean_ci95)).best(make.wins(m, Criterion::Latency))
    }),
    column("p95", "p95", "ms", 1, |_, m| latency(m, |l| (l.p95, l.p95_ci95))),
    column("p99", "p99", "ms", 1, |_, m| latency(m, |l| (l.p99, l.p99_ci95))),
    ratio(2, |make, m| make.versus(m, Criterion::Latency)),
];

pub const THROUGHPUT: &[Column] = &[
    column("rate", "rate", "ops/s", 0, |make, m| {
        let (rate, interval) = m.throughput.as_ref().map(|t| (t.ops_per_sec, t.ci95)).unzip();
        Cell::estimate(rate, interval.flatten(), "ops/s").best(make.wins(m, Criterion::Throughput))
    }),
    column("limit", "limited by", "", 0, |make, m| {
        m.throughput.as_ref().map_or_else(|| Cell::missing("not measured"), |t| limited(make, t))
    }),
    ratio(1, |make, m| make.versus(m, Criterion::Throughput)),
];

pub const CPU: &[Column] = &[
    column("per-call", "per call", "µs", 0, |make, m| {
        cpu(m, "µs", |c| (Some(c.micros_per_op), c.micros_per_op_ci95)).best(make.wins(m, Criterion::Cpu))
    }),
    column("process", "whole process", "µs", 1, |_, m| {
        cpu(m, "µs", |c| (c.process_micros_per_op, c.process_micros_per_op_ci95))
    }),
    recorded(column("as-used", "as used", "µs", 2, |_, m| {
        cpu(m, "µs", |c| (c.as_used_micros_per_op, c.as_used_micros_per_op_ci95))
    })),
    column("average", "average", "%", 3, |_, m| cpu(m, "% of one core", |c| (c.percent_avg, None))),
    column("peak", "peak", "%", 3, |_, m| cpu(m, "% of one core", |c| (c.percent_peak, None))),
    ratio(4, |make, m| make.versus(m, Criterion::Cpu)),
];

pub const ALLOCATION: &[Column] = &[
    column("allocated", "per call", "KB", 0, |make, m| {
        let (bytes, interval) = m.allocation.as_ref().map(|of| (of.bytes_per_op, of.bytes_per_op_ci95)).unzip();
        let kilobytes = interval.flatten().map(|ends| ends.map(|end| end / 1e3));
        Cell::estimate(bytes.map(|bytes| bytes / 1e3), kilobytes, "KB").best(make.wins(m, Criterion::Allocation))
    }),
    column("collections", "collections per 1,000 calls", "", 1, |_, m| {
        Cell::per_call(m.allocation.as_ref().map(|of| of.collections_per_1000))
    }),
    ratio(2, |make, m| make.versus(m, Criterion::Allocation)),
];

pub const MEMORY: &[Column] = &[
    column("average", "average", "MiB", 0, |_, m| memory(m, |of| (of.avg, None))),
    column("peak", "peak", "MiB", 0, |_, m| memory(m, |of| (of.peak, of.peak_ci95))),
];

pub const WORK: &[Column] = &[
    column("requests", "requests", "", 0, |_, m| work(m, |w| Some(w.requests))),
    column("returned", "items returned", "", 0, |_, m| work(m, |w| Some(w.items_returned))),
    column("read", "items read", "", 0, |_, m| work(m, |w| Some(w.items_scanned))),
    column("capacity", "capacity units", "", 0, |_, m| work(m, |w| w.capacity_units)),
    column("sent", "bytes sent", "", 0, |_, m| work(m, |w| Some(w.request_bytes))),
    column("received", "bytes received", "", 0, |_, m| work(m, |w| Some(w.response_bytes))),
];

pub const DATABASE: &[Column] = &[
    column("cpu", "CPU average", "%", 0, |make, m| {
        Cell::estimate(make.database_usage(m).and_then(|used| used.cpu_percent_avg), None, "% of one core")
    }),
    column("memory", "memory peak", "MiB", 0, |make, m| {
        Cell::estimate(make.database_usage(m).and_then(|used| used.memory_mb_peak), None, "MiB")
    }),
];

pub const CALLS: &[Column] = &[
    column("rounds", "rounds", "", 0, |_, m| Cell::per_call(Some(f64::from(m.rounds)))),
    column("timed", "timed calls", "", 0, |_, m| Cell::per_call(Some(m.samples as f64))),
    recorded(column("client", "timed against recorded answers", "", 0, |_, m| {
        Cell::per_call(m.cpu.as_ref().map(|cpu| cpu.samples as f64))
    })),
    column("threw", "threw", "", 0, |_, m| Cell::per_call(Some(m.errors as f64))),
];

/// A value that may be missing, and its interval.
type Known = (Option<f64>, Option<Interval>);

fn latency(m: &Measurement, of: fn(&Latency) -> Known) -> Cell {
    let (value, interval) = m.latency_ms.as_ref().map(of).unwrap_or_default();
    Cell::estimate(value, interval, "ms")
}

fn cpu(m: &Measurement, unit: &str, of: fn(&Cpu) -> Known) -> Cell {
    let (value, interval) = m.cpu.as_ref().map(of).unwrap_or_default();
    Cell::estimate(value, interval, unit)
}

fn memory(m: &Measurement, of: fn(&Memory) -> (f64, Option<Interval>)) -> Cell {
    let (value, interval) = m.memory_mb.as_ref().map(of).unzip();
    Cell::estimate(value, interval.flatten(), "MiB")
}

fn work(m: &Measurement, of: fn(&Work) -> Option<f64>) -> Cell {
    Cell::per_call(m.work.as_ref().and_then(of))
}

/// What limited a rate; one that was measured with fewer in flight than the rest says that instead.
fn limited(make: &OfScale<'_>, throughput: &Throughput) -> Cell {
    let differs = throughput.concurrency != make.concurrency_shown();
    let held = if differs { format!("{} in flight", throughput.concurrency) } else { limit(throughput).to_owned() };
    Cell {
        hint: format!(
            "client {}, database {}",
            busy(throughput.client_cpu_percent),
            busy(throughput.database_cpu_percent)
        ),
        ..Cell::words(held)
    }
}

fn busy(percent: Option<f64>) -> String {
    percent.map_or_else(|| "not seen".to_owned(), |percent| format!("{}% of a core", format::number(percent)))
}

/// What limited a rate, in a word; [`limits_note`] explains those that name nobody.
pub fn limit(throughput: &Throughput) -> &'static str {
    match throughput.limited_by {
        LimitedBy::Client => "client",
        LimitedBy::Database => "database",
        LimitedBy::Machine => "machine",
        LimitedBy::Unknown => match (throughput.client_cpu_percent, throughput.database_cpu_percent) {
            (Some(_), Some(_)) => NEITHER,
            (Some(_), None) => NOT_THE_CLIENT,
            (None, _) => UNSEEN,
        },
    }
}

const NEITHER: &str = "neither";
const NOT_THE_CLIENT: &str = "not the client";
const UNSEEN: &str = "not seen";

/// What those of the words of [`limited`] mean that occur and don't speak for themselves; `usual` calls are in flight.
pub fn limits_note<'a>(throughputs: impl Iterator<Item = &'a Throughput>, usual: u32) -> String {
    let (usually, fewer): (Vec<_>, Vec<_>) = throughputs.partition(|throughput| throughput.concurrency == usual);
    let occurring: Vec<&str> = usually.into_iter().map(limit).collect();
    let meanings = [
        (NEITHER, "the client and the database both had CPU to spare, so that each waited for the other"),
        (NOT_THE_CLIENT, "it had CPU to spare, and the database's CPU can't be read from here"),
        (UNSEEN, "the client's CPU could not be read on this system"),
    ];
    let said = meanings.iter().filter(|(word, _)| occurring.contains(word));
    let mut notes: Vec<String> = said.map(|(word, meaning)| format!(" {word}: {meaning}.")).collect();
    notes.extend(fewer.first().map(|one| {
        let flight = one.concurrency;
        format!(
            " {flight} in flight: with {usual} a call would take too long; the calls of the latency phase are counted."
        )
    }));
    notes.concat()
}
