//! How cost grows with the table, of a run at several scales: exponents by operation and library.

use serde::Serialize;

use super::TargetView;
use super::cell::Cell;
use crate::report::format;
use crate::results::{GrowingFigure, Growth, Operation, Results};

/// What stands above the exponents.
const NOTE: &str = "The exponent of a power law through the scales: 0 where a call costs the same whatever the table's \
                    size, 1 where it costs in proportion to the table, 2 where it costs four times as much for twice \
                    the table. A machine that became slower from one scale to the next shifts all libraries alike.";
const PART: &str = " Scan's CPU of a table that was recorded in part is that part's, times the table over the part.";

/// The exponents of a run.
#[derive(Debug, Clone, Serialize)]
pub struct GrowthView {
    pub note: String,
    pub rows: Vec<GrowthRow>,
}

/// One operation's figure.
#[derive(Debug, Clone, Serialize)]
pub struct GrowthRow {
    pub operation: &'static str,
    /// "CPU" or "latency"
    pub figure: &'static str,
    /// One for each library of the page.
    pub cells: Vec<Cell>,
}

/// None for a run at one scale.
pub fn view(results: &Results, libraries: &[TargetView]) -> Option<GrowthView> {
    let row = |figure: GrowingFigure, operation: Operation| {
        let found = |library: &TargetView| find(results, figure, operation, &library.id);
        let cell = |library| found(library).map_or_else(|| Cell::missing("not measured at two scales"), exponent);
        libraries.iter().any(|library| found(library).is_some()).then(|| GrowthRow {
            operation: results.settings.name_of(operation),
            figure: name(figure),
            cells: libraries.iter().map(cell).collect(),
        })
    };
    let of_figure = |figure| Operation::ALL.into_iter().filter_map(move |operation| row(figure, operation));
    let rows: Vec<GrowthRow> = [GrowingFigure::Cpu, GrowingFigure::Latency].into_iter().flat_map(of_figure).collect();
    let part = results.growth.iter().flat_map(|growth| &growth.points).any(|point| point.extrapolated);
    (!rows.is_empty()).then(|| GrowthView { note: format!("{NOTE}{}", if part { PART } else { "" }), rows })
}

/// The growth of one library's operation.
pub fn find<'a>(results: &'a Results, figure: GrowingFigure, operation: Operation, target: &str) -> Option<&'a Growth> {
    results.growth.iter().find(|one| one.figure == figure && one.operation == operation && one.target == target)
}

/// What a figure is called.
pub fn name(figure: GrowingFigure) -> &'static str {
    match figure {
        GrowingFigure::Cpu => "CPU",
        GrowingFigure::Latency => "latency",
    }
}

/// "0.98 ±0.03", as wide as the longer half of the interval.
pub fn text(growth: &Growth) -> String {
    let value = format!("{:.2}", settle(growth.exponent)).replace('-', "−");
    match growth.exponent_ci95 {
        Some([low, high]) => format!("{value} ±{:.2}", (high - growth.exponent).max(growth.exponent - low)),
        None => value,
    }
}

/// No "-0.00".
fn settle(exponent: f64) -> f64 {
    if exponent.abs() < 0.005 { 0.0 } else { exponent }
}

fn exponent(growth: &Growth) -> Cell {
    let points = growth.points.iter().map(|point| {
        let micros = format::estimate(point.micros, point.micros_ci95);
        format!("{micros} µs at {} items", format::count(point.items.into()))
    });
    Cell {
        text: text(growth),
        value: Some(growth.exponent),
        hint: points.collect::<Vec<_>>().join(", "),
        ..Cell::default()
    }
}
