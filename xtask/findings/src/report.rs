//! The report: what a person reads and sees of a run, made from its [`Results`] alone, of a run that has just ended as
//! of an older file. It measures nothing, and its verdicts are those
//! of the results; only which library is the cheapest is concluded here (`model/ratio.rs`).

pub mod charts;
pub mod comparison;
pub mod escape;
pub mod github;
mod group;
pub mod history;
pub mod live;
mod model;
pub mod palette;
mod template;
mod terminal;
pub mod text;

#[cfg(test)]
mod golden_test;

use std::path::{Path, PathBuf};

use anyhow::Result;

use charts::Charts;
pub use model::unpublished;
pub use text::terminal_width;

pub use crate::system::format;

use crate::results::Results;
use crate::system::files::write_whole;

/// Writes `report.md`, its charts and `report.html` into `out`, and gives their paths, the report first.
pub fn render(results: &Results, out: &Path) -> Result<Vec<PathBuf>> {
    let page = model::page(results);
    let charts = charts::draw(results, &page);
    let mut files = Vec::new();
    for name in ["report.md", "report.html"] {
        files.push((out.join(name), template::render(name, &page, &charts)?));
    }
    files.extend(charts.all().map(|chart| (out.join(&chart.file), chart.svg.clone())));
    for (path, text) in &files {
        write_whole(path, text)?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

/// The report as Markdown without its charts, which a CI step's summary has no place for.
pub fn step_summary(results: &Results) -> Result<String> {
    let page = model::page(results);
    template::render("report.md", &page, &Charts::none(&page))
}

/// The results as a table for a terminal of `width` columns.
pub fn terminal_summary(results: &Results, width: usize, colour: bool) -> String {
    terminal::summary(&model::page(results), width, colour)
}
