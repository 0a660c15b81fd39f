//! How latencies are distributed: for each operation and library a silhouette of all timed calls, with the median, the
//! 95th and the 99th percentile marked. Each operation has its own axis.

use super::axis::Axis;
use super::canvas::{self, About, Align, Canvas, SMALL, TEXT, WIDTH, width_of};
use super::{Chart, Subject};
use crate::report::format;
use crate::report::model::TargetView;
use crate::report::palette::{Ink, Look, Shape};
use crate::results::{Latency, Measurement, Operation};

const LEFT: f64 = 130.0;
const RIGHT: f64 = WIDTH - 16.0;
const ROW: f64 = 34.0;
const HEAD: f64 = 30.0;
const FOOT: f64 = 30.0;
const BINS: usize = 84;

struct Row<'a> {
    library: &'a TargetView,
    latency: &'a Latency,
    samples: Vec<f64>,
}

pub fn draw(subject: &Subject<'_>) -> Option<Chart> {
    let panels = subject.panels(|operation| rows(subject, operation))?;
    let top = 62.0;
    let body: f64 = panels.iter().map(|(_, rows)| HEAD + rows.len() as f64 * ROW + FOOT).sum();
    let about = About {
        file: format!("chart-{}-latency-distribution.svg", subject.view.slug),
        group: "latency",
        title: format!("Latency of every timed call, {}", subject.items()),
        alt: "Distributions of latency for each operation and library, with p50, p95 and p99 marked; the figures are \
              in the table."
            .to_owned(),
    };
    Some(canvas::draw(about, top + body, |canvas| {
        legend(canvas);
        let mut y = top;
        for (operation, rows) in &panels {
            y = panel(canvas, (*operation, subject.index.name(*operation)), rows, y);
        }
    }))
}

fn legend(canvas: &mut Canvas) {
    let y = 44.0;
    for (x, mark, label) in [(20.0, Mark::Median, "p50"), (86.0, Mark::P95, "p95"), (152.0, Mark::P99, "p99")] {
        mark.draw(canvas, (x, y));
        canvas.text((x + 11.0, y), label, Ink::Text, SMALL, Align::Left);
    }
    canvas.text((WIDTH - 12.0, y), "wider: more calls", Ink::Soft, SMALL, Align::Right);
}

fn panel(canvas: &mut Canvas, (operation, title): (Operation, &str), rows: &[Row<'_>], top: f64) -> f64 {
    let low = rows.iter().map(|row| row.latency.min).fold(f64::INFINITY, f64::min);
    // The slowest calls of all would squeeze the rest: the axis ends a little beyond the last mark.
    let end = |latency: &Latency| {
        let last = latency.p99.or(latency.p95).unwrap_or(latency.max);
        (last * 1.15).min(latency.max.max(last))
    };
    let high = rows.iter().map(|row| end(row.latency)).fold(low, f64::max);
    let axis = Axis::new((low * 0.92).max(1e-6), high * 1.02, LEFT, RIGHT);
    let scale = if axis.is_logarithmic() { "ms, logarithmic" } else { "ms" };
    canvas.bold((12.0, top + HEAD / 2.0 + 2.0), title, Ink::Text, TEXT, Align::Left);
    canvas.text((LEFT, top + HEAD / 2.0 + 2.0), scale, Ink::Soft, SMALL, Align::Left);
    let (from, to) = (top + HEAD, top + HEAD + rows.len() as f64 * ROW);
    for tick in axis.ticks(5) {
        let x = axis.place(tick);
        canvas.line((x, from), (x, to), Ink::Grid, 1.0);
        let text = format::tick(tick);
        let room = WIDTH - 4.0 - width_of(&text, SMALL) / 2.0;
        canvas.text((x.min(room), to + 10.0), &text, Ink::Soft, SMALL, Align::Middle);
    }
    for (at, row) in rows.iter().enumerate() {
        let middle = from + (at as f64 + 0.5) * ROW;
        canvas.label((20.0, middle), row.library.look, &row.library.label, LEFT - 26.0);
        silhouette(canvas, &axis, row, middle, operation);
        let marks = [
            (Mark::Median, Some(row.latency.p50), "p50"),
            (Mark::P95, row.latency.p95, "p95"),
            (Mark::P99, row.latency.p99, "p99"),
        ];
        for (mark, value, name) in marks {
            let Some(value) = value else { continue };
            let hint = format!("{operation}, {}: {name} {} ms", row.library.label, format::number(value));
            mark.draw(canvas, (axis.place(value), middle));
            let x = axis.place(value);
            canvas.hover((x - 7.0, middle - ROW / 2.0), (x + 7.0, middle + ROW / 2.0), &hint);
        }
    }
    to + FOOT
}

/// A mirrored histogram over the axis; without samples a line from the fastest to the slowest call.
fn silhouette(canvas: &mut Canvas, axis: &Axis, row: &Row<'_>, middle: f64, operation: Operation) {
    let ink = row.library.look.ink;
    let hint = format!(
        "{operation}, {}: {} calls, {} to {} ms",
        row.library.label,
        format::count(row.samples.len() as u64),
        format::number(row.latency.min),
        format::number(row.latency.max)
    );
    if row.samples.len() < 20 {
        canvas.line((axis.place(row.latency.min), middle), (axis.place(row.latency.max), middle), ink, 2.0);
        for sample in &row.samples {
            let look = Look { ink, shape: Shape::Circle };
            canvas.marker((axis.place(*sample), middle), look, 2.5, &hint);
        }
        return;
    }
    let mut bins = [0.0_f64; BINS];
    let width = (RIGHT - LEFT) / BINS as f64;
    for sample in &row.samples {
        let at = ((axis.place(*sample) - LEFT) / width) as usize;
        if axis.place(*sample) < RIGHT {
            bins[at.min(BINS - 1)] += 1.0;
        }
    }
    let smooth: Vec<f64> = (0..BINS)
        .map(|at| {
            let near = |step: isize| at.checked_add_signed(step).and_then(|at| bins.get(at)).copied().unwrap_or(0.0);
            (near(-2) + 4.0 * near(-1) + 6.0 * near(0) + 4.0 * near(1) + near(2)) / 16.0
        })
        .collect();
    let most = smooth.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let first = smooth.iter().position(|n| *n > 0.0).unwrap_or(0);
    let last = smooth.iter().rposition(|n| *n > 0.0).unwrap_or(0);
    let edge = |at: usize, side: f64| {
        let half = (smooth[at] / most * (ROW / 2.0 - 4.0)).max(0.6);
        (LEFT + (at as f64 + 0.5) * width, middle + side * half)
    };
    let upper = (first..=last).map(|at| edge(at, -1.0));
    let lower = (first..=last).rev().map(|at| edge(at, 1.0));
    let outline: Vec<_> = upper.chain(lower).collect();
    canvas.area(&outline, ink, 0.45, &hint);
}

#[derive(Clone, Copy)]
enum Mark {
    Median,
    P95,
    P99,
}

impl Mark {
    fn draw(self, canvas: &mut Canvas, (x, y): (f64, f64)) {
        match self {
            Mark::Median => {
                canvas.rect((x - 2.8, y - 9.0), (x + 2.8, y + 9.0), Ink::Paper, 1.0);
                canvas.rect((x - 1.5, y - 9.0), (x + 1.5, y + 9.0), Ink::Text, 1.0);
            }
            Mark::P95 => {
                canvas.marker((x, y), Look { ink: Ink::Paper, shape: Shape::Circle }, 5.4, "");
                canvas.marker((x, y), Look { ink: Ink::Text, shape: Shape::Circle }, 4.0, "");
            }
            Mark::P99 => {
                canvas.marker((x, y), Look { ink: Ink::Paper, shape: Shape::Circle }, 6.0, "");
                canvas.marker((x, y), Look { ink: Ink::Text, shape: Shape::Ring }, 5.0, "");
            }
        }
    }
}

fn rows<'a>(subject: &Subject<'a>, operation: Operation) -> Vec<Row<'a>> {
    let row = |library: &'a TargetView| {
        let measurement = subject.index.get(subject.scale, operation, &library.id)?;
        Some(Row { library, latency: measurement.latency_ms.as_ref()?, samples: samples(measurement) })
    };
    subject.page.libraries.iter().filter_map(row).collect()
}

fn samples(measurement: &Measurement) -> Vec<f64> {
    let slices = measurement.per_round.iter().flat_map(|round| &round.slices);
    slices.flat_map(|slice| slice.samples_ms.iter().copied()).collect()
}
