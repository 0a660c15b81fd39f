//! How cost grows with the table: a panel for each operation, a line for each library, both sides logarithmic, so that a
//! power law is a straight line, with its exponent next to the library's name.

use super::Chart;
use super::axis::Axis;
use super::canvas::{self, About, Align, Canvas, SMALL, TEXT, WIDTH};
use crate::report::format;
use crate::report::model::growth::{find, name, text};
use crate::report::model::{Page, TargetView};
use crate::report::palette::Ink;
use crate::results::{GrowingFigure, Growth, GrowthPoint, Operation, Results};

const LEFT: f64 = 86.0;
const RIGHT: f64 = WIDTH - 30.0;
const HEAD: f64 = 28.0;
const PLOT: f64 = 130.0;
/// The scales' sizes below a panel.
const SIZES: f64 = 24.0;
/// A line of the panel's own legend.
const LINE: f64 = 20.0;
const FOOT: f64 = 14.0;

struct Line<'a> {
    library: &'a TargetView,
    growth: &'a Growth,
}

/// A chart of each figure that grows or not; none for a run at one scale.
pub fn draw(results: &Results, page: &Page) -> Vec<Chart> {
    [GrowingFigure::Cpu, GrowingFigure::Latency].into_iter().filter_map(|figure| chart(results, page, figure)).collect()
}

fn chart(results: &Results, page: &Page, figure: GrowingFigure) -> Option<Chart> {
    let lines = |operation| {
        let line = |library| Some(Line { library, growth: find(results, figure, operation, &library.id)? });
        page.libraries.iter().filter_map(line).collect::<Vec<_>>()
    };
    let panels: Vec<(Operation, Vec<Line<'_>>)> = Operation::ALL
        .into_iter()
        .map(|operation| (operation, lines(operation)))
        .filter(|(_, lines)| !lines.is_empty())
        .collect();
    if panels.is_empty() {
        return None;
    }
    let said: Vec<String> = panels
        .iter()
        .map(|(operation, lines)| {
            let each = lines.iter().map(|line| format!("{} {}", line.library.label, text(line.growth)));
            format!("{operation}: {}", each.collect::<Vec<_>>().join(", "))
        })
        .collect();
    let what = match figure {
        GrowingFigure::Cpu => "CPU per call",
        GrowingFigure::Latency => "Mean latency",
    };
    let about = About {
        file: format!("chart-growth-{}.svg", name(figure).to_lowercase()),
        group: "growth",
        title: format!("{what} by the table’s size, with exponents"),
        alt: format!("Exponents of the growth with the table, by operation and library. {}", said.join("; ")),
    };
    let top = 34.0;
    let tall = |lines: &[Line<'_>]| HEAD + PLOT + SIZES + lines.len().div_ceil(2) as f64 * LINE + FOOT;
    let height: f64 = panels.iter().map(|(_, lines)| tall(lines)).sum();
    Some(canvas::draw(about, top + height, |canvas| {
        let mut y = top;
        for (operation, lines) in &panels {
            panel(canvas, y, (*operation, results.settings.name_of(*operation)), lines);
            y += tall(lines);
        }
    }))
}

fn panel(canvas: &mut Canvas, top: f64, (operation, title): (Operation, &str), lines: &[Line<'_>]) {
    let points = || lines.iter().flat_map(|line| &line.growth.points);
    let ends = |point: &GrowthPoint| point.micros_ci95.unwrap_or([point.micros; 2]);
    let least = points().map(|point| ends(point)[0].min(point.micros)).fold(f64::INFINITY, f64::min);
    let most = points().map(|point| ends(point)[1].max(point.micros)).fold(f64::MIN_POSITIVE, f64::max);
    let mut sizes: Vec<u32> = points().map(|point| point.items).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let [Some(&smallest), Some(&largest)] = [sizes.first(), sizes.last()] else { return };
    let (from, to) = (top + HEAD, top + HEAD + PLOT);
    let across = Axis::logarithmic(f64::from(smallest.max(1)), f64::from(largest), LEFT + 16.0, RIGHT - 16.0);
    // A decade at least: what hardly grows is to look like it.
    let up = Axis::logarithmic((least * 0.8).min(most / 10.0).max(1e-3), most * 1.2, to, from);
    canvas.bold((12.0, top + HEAD / 2.0), title, Ink::Text, TEXT, Align::Left);
    // Powers of a thousand leave the axis its ticks.
    let (unit, micros) = match most {
        most if most >= 1e7 => ("s", 1e6),
        most if most >= 1e4 => ("ms", 1e3),
        _ => ("µs", 1.0),
    };
    canvas.text((RIGHT, top + HEAD / 2.0), &format!("{unit} a call, by items"), Ink::Soft, SMALL, Align::Right);
    for tick in up.ticks(4) {
        let y = up.place(tick);
        canvas.line((LEFT, y), (RIGHT, y), Ink::Grid, 1.0);
        canvas.text((LEFT - 6.0, y), &format::tick(tick / micros), Ink::Soft, SMALL, Align::Right);
    }
    for &size in &sizes {
        let x = across.place(f64::from(size));
        canvas.line((x, from), (x, to), Ink::Grid, 1.0);
        canvas.text((x, to + 14.0), &format::count(size.into()), Ink::Soft, SMALL, Align::Middle);
    }
    for Line { library, growth } in lines {
        let place = |point: &GrowthPoint| across.place(f64::from(point.items));
        let path: Vec<_> = growth.points.iter().map(|point| (place(point), up.place(point.micros))).collect();
        canvas.path(&path, library.look.ink, 1.6);
        for point in &growth.points {
            let [low, high] = ends(point);
            canvas.line((place(point), up.place(low)), (place(point), up.place(high)), library.look.ink, 1.2);
            let hint = format!(
                "{operation}, {}, {} items: {} µs{}",
                library.label,
                format::count(point.items.into()),
                format::estimate(point.micros, point.micros_ci95),
                if point.extrapolated { ", worked out from a part of the table" } else { "" }
            );
            canvas.marker((place(point), up.place(point.micros)), library.look, 3.6, &hint);
        }
    }
    let entries: Vec<String> =
        lines.iter().map(|line| format!("{}: {}", line.library.label, text(line.growth))).collect();
    canvas
        .legend(to + SIZES + 2.0, lines.iter().zip(&entries).map(|(line, entry)| (line.library.look, entry.as_str())));
}
