//! One chart of the history: a panel for each operation, a line for each target, runs from left to right. The axis is
//! logarithmic, so that the same change is as high at every library, and a gap is a break.

use super::{Figure, History, Line};
use crate::report::charts::Chart;
use crate::report::charts::axis::Axis;
use crate::report::charts::canvas::{self, About, Align, Canvas, SMALL, TEXT, WIDTH};
use crate::report::palette::{self, Ink, Look};
use crate::report::{escape, format};
use crate::results::Operation;

const LEFT: f64 = 86.0;
const RIGHT: f64 = WIDTH - 16.0;
const HEAD: f64 = 30.0;
const PLOT: f64 = 120.0;
const FOOT: f64 = 30.0;

/// The chart of one figure at one scale, the `at`-th.
pub fn draw(history: &History, at: usize, scale: &str, figure: Figure) -> Chart {
    let lines: Vec<&Line> = history.lines.iter().filter(|line| line.scale == scale).collect();
    let mut targets: Vec<(&str, &str)> = Vec::new();
    for line in &lines {
        if targets.iter().all(|(target, _)| *target != line.target) {
            targets.push((&line.target, &line.adapter));
        }
    }
    let looks = palette::looks(targets.iter().map(|(_, adapter)| *adapter));
    let targets: Vec<(&str, Look)> = targets.iter().map(|(target, _)| *target).zip(looks).collect();
    let operations: Vec<Operation> =
        Operation::ALL.into_iter().filter(|operation| lines.iter().any(|line| line.operation == *operation)).collect();
    let top = 40.0 + canvas::legend_height(targets.len());
    let slug = escape::slug(scale);
    let slug = if slug.is_empty() { format!("scale-{}", at + 1) } else { slug };
    let about = About {
        file: format!("history-{slug}-{}.svg", figure.name()),
        group: "history",
        title: format!("{}, scale {scale}, over {} runs", figure.title(), history.entries.len()),
        alt: "A line for each library and operation, runs from left to right; the last figures are in the table."
            .to_owned(),
    };
    let height = top + operations.len() as f64 * (HEAD + PLOT + FOOT);
    canvas::draw(about, height, |canvas| {
        canvas.legend(40.0, targets.iter().map(|(target, look)| (*look, *target)));
        for (at, operation) in operations.iter().enumerate() {
            let lines: Vec<(&Line, Look)> = lines
                .iter()
                .filter(|line| line.operation == *operation)
                .filter_map(|line| Some((*line, targets.iter().find(|(target, _)| *target == line.target)?.1)))
                .collect();
            panel(canvas, history, top + at as f64 * (HEAD + PLOT + FOOT), *operation, &lines, figure);
        }
    })
}

fn panel(
    canvas: &mut Canvas,
    history: &History,
    top: f64,
    operation: Operation,
    lines: &[(&Line, Look)],
    figure: Figure,
) {
    let values = || lines.iter().flat_map(|(line, _)| &line.points).filter_map(|point| figure.value(point));
    if values().next().is_none() {
        return;
    }
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    // At least ±5% high, and a little room above and below.
    let (middle, half) = ((low * high).sqrt(), ((high / low).ln() / 2.0).max(0.05) * 1.1);
    let (from, to) = (top + HEAD, top + HEAD + PLOT);
    let axis = Axis::logarithmic(middle * (-half).exp(), middle * half.exp(), to, from);
    let time = Axis::linear(0.0, history.entries.len().saturating_sub(1).max(1) as f64, LEFT, RIGHT);
    canvas.bold((12.0, top + HEAD / 2.0), operation.name(), Ink::Text, TEXT, Align::Left);
    for tick in axis.ticks(4) {
        let y = axis.place(tick);
        canvas.line((LEFT, y), (RIGHT, y), Ink::Grid, 1.0);
        canvas.text((LEFT - 6.0, y), &format::tick(tick), Ink::Soft, SMALL, Align::Right);
    }
    let day = |entry: usize| history.entries[entry].started_at.chars().take(10).collect::<String>();
    let last = history.entries.len() - 1;
    canvas.text((LEFT, to + 14.0), &day(0), Ink::Soft, SMALL, Align::Left);
    if last > 0 {
        canvas.text((RIGHT, to + 14.0), &day(last), Ink::Soft, SMALL, Align::Right);
    }
    for (line, look) in lines {
        for piece in line.points.chunk_by(|_, next| next.joined) {
            let path: Vec<_> = piece
                .iter()
                .filter_map(|point| Some((time.place(point.entry as f64), axis.place(figure.value(point)?))))
                .collect();
            canvas.path(&path, look.ink, 1.6);
        }
        for point in &line.points {
            let Some((value, interval)) = figure.of(point) else { continue };
            let x = time.place(point.entry as f64);
            if let Some([low, high]) = interval.filter(|[low, _]| *low > 0.0) {
                canvas.line((x, axis.place(low)), (x, axis.place(high)), look.ink, 1.0);
            }
            let version = point.version.as_deref().unwrap_or("unknown version");
            let hint = format!(
                "{operation}, {} {version}, {}: {}",
                line.target,
                history.entries[point.entry].started_at,
                format::estimate(value, interval)
            );
            canvas.marker((x, axis.place(value)), *look, 3.4, &hint);
        }
    }
}
