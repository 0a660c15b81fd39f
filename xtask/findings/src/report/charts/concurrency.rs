//! Throughput against concurrency: a panel for each operation, a line for each library, calls in flight from left to
//! right by ratio. Where a line stops rising, something is busy.

use super::axis::Axis;
use super::canvas::{self, About, Align, Canvas, SMALL, TEXT, WIDTH};
use super::{Chart, Subject};
use crate::report::format;
use crate::report::model::{TargetView, limit};
use crate::report::palette::Ink;
use crate::results::{Operation, Throughput};

const LEFT: f64 = 76.0;
const RIGHT: f64 = WIDTH - 30.0;
const HEAD: f64 = 30.0;
const PLOT: f64 = 120.0;
const FOOT: f64 = 34.0;
/// Libraries stand this far apart at each concurrency, so that their intervals don't cover one another.
const APART: f64 = 4.0;

struct Line<'a> {
    library: &'a TargetView,
    /// In the order of concurrency.
    points: Vec<&'a Throughput>,
}

pub fn draw(subject: &Subject<'_>) -> Option<Chart> {
    if subject.index.results.settings.more_concurrencies.is_empty() {
        return None;
    }
    let panels = subject.panels(|operation| lines(subject, operation))?;
    let libraries = &subject.page.libraries;
    let top = 40.0 + canvas::legend_height(libraries.len());
    let about = About {
        file: format!("chart-{}-concurrency.svg", subject.view.slug),
        group: "concurrency",
        title: format!("Throughput against concurrency, {}", subject.items()),
        alt: "Calls per second for each operation and library by how many calls were in flight, with 95% intervals; \
              the figures are in the table."
            .to_owned(),
    };
    Some(canvas::draw(about, top + panels.len() as f64 * (HEAD + PLOT + FOOT), |canvas| {
        canvas.legend(40.0, libraries.iter().map(|library| (library.look, library.label.as_str())));
        for (at, (operation, lines)) in panels.iter().enumerate() {
            let title = subject.index.name(*operation);
            panel(canvas, top + at as f64 * (HEAD + PLOT + FOOT), (*operation, title), lines);
        }
    }))
}

/// The lines of the libraries that have two points at least.
fn lines<'a>(subject: &Subject<'a>, operation: Operation) -> Vec<Line<'a>> {
    let line = |library: &'a TargetView| {
        let measurement = subject.index.get(subject.scale, operation, &library.id)?;
        let mut points: Vec<&Throughput> = measurement.throughputs().collect();
        points.sort_by_key(|point| point.concurrency);
        (points.len() > 1).then_some(Line { library, points })
    };
    subject.page.libraries.iter().filter_map(line).collect()
}

fn panel(canvas: &mut Canvas, top: f64, (operation, title): (Operation, &str), lines: &[Line<'_>]) {
    let points = || lines.iter().flat_map(|line| &line.points);
    let mut concurrencies: Vec<u32> = points().map(|point| point.concurrency).collect();
    concurrencies.sort_unstable();
    concurrencies.dedup();
    let most = points().map(|point| point.ci95.map_or(point.ops_per_sec, |[_, high]| high.max(point.ops_per_sec)));
    let most = most.fold(f64::MIN_POSITIVE, f64::max);
    let (from, to) = (top + HEAD, top + HEAD + PLOT);
    let [Some(&fewest), Some(&highest)] = [concurrencies.first(), concurrencies.last()] else { return };
    let across = Axis::logarithmic(f64::from(fewest), f64::from(highest), LEFT + 16.0, RIGHT - 16.0);
    let up = Axis::linear(0.0, most * 1.05, to, from);
    canvas.bold((12.0, top + HEAD / 2.0), title, Ink::Text, TEXT, Align::Left);
    canvas.text((RIGHT, top + HEAD / 2.0), "ops/s, by calls in flight", Ink::Soft, SMALL, Align::Right);
    for tick in up.ticks(4) {
        let y = up.place(tick);
        canvas.line((LEFT, y), (RIGHT, y), Ink::Grid, 1.0);
        canvas.text((LEFT - 6.0, y), &format::tick(tick), Ink::Soft, SMALL, Align::Right);
    }
    for &concurrency in &concurrencies {
        let x = across.place(f64::from(concurrency));
        canvas.line((x, from), (x, to), Ink::Grid, 1.0);
        canvas.text((x, to + 14.0), &concurrency.to_string(), Ink::Soft, SMALL, Align::Middle);
    }
    for (at, Line { library, points }) in lines.iter().enumerate() {
        let aside = (at as f64 - (lines.len() - 1) as f64 / 2.0) * APART;
        let place = |point: &Throughput| across.place(f64::from(point.concurrency)) + aside;
        let path: Vec<_> = points.iter().map(|point| (place(point), up.place(point.ops_per_sec))).collect();
        canvas.path(&path, library.look.ink, 1.6);
        for point in points {
            let x = place(point);
            if let Some([low, high]) = point.ci95 {
                canvas.line((x, up.place(low)), (x, up.place(high)), library.look.ink, 1.2);
            }
            let hint = format!(
                "{operation}, {}, {} in flight: {} ops/s, limited by: {}",
                library.label,
                point.concurrency,
                format::estimate(point.ops_per_sec, point.ci95),
                limit(point)
            );
            canvas.marker((x, up.place(point.ops_per_sec)), library.look, 3.6, &hint);
        }
    }
}
