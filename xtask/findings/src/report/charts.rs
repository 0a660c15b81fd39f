//! The charts as SVG. Each adapts to a dark page by itself, carries its text as text, and stands without colour.

pub mod axis;
pub mod canvas;
mod concurrency;
mod distribution;
mod growth;
mod ratio;
mod throughput;
mod timeline;

use serde::Serialize;

use super::model::{self, Page};
use crate::results::{Operation, Results};

/// All charts of a report.
#[derive(Debug, Clone, Serialize)]
pub struct Charts {
    /// By scale, in the page's order.
    pub scales: Vec<Vec<Chart>>,
    /// The one that stands with the answer: CPU at the first scale that has one. It is one of the above.
    pub first: Option<Chart>,
    /// How cost grows with the table, where there are several scales.
    pub growth: Vec<Chart>,
}

/// One chart.
#[derive(Debug, Clone, Serialize)]
pub struct Chart {
    pub file: String,
    /// The group of figures that it belongs to.
    pub group: &'static str,
    pub title: String,
    /// What it shows, for those who can't see it.
    pub alt: String,
    /// A file of its own.
    pub svg: String,
    /// The same to stand within a page, which brings the styles.
    pub inline: String,
}

impl Charts {
    pub fn none(page: &Page) -> Charts {
        Charts { scales: vec![Vec::new(); page.scales.len()], first: None, growth: Vec::new() }
    }

    pub fn all(&self) -> impl Iterator<Item = &Chart> {
        self.scales.iter().flatten().chain(&self.growth)
    }
}

/// Draws every chart that the results have figures for.
pub fn draw(results: &Results, page: &Page) -> Charts {
    let index = model::Index::new(results);
    let of_scale = |(view, scale): (&model::ScaleView, &crate::results::Scale)| {
        let subject = Subject { index: &index, page, view, scale: &scale.name };
        let charts = [
            ratio::latency(&subject),
            distribution::draw(&subject),
            throughput::draw(&subject),
            concurrency::draw(&subject),
            ratio::cpu(&subject),
            timeline::draw(&subject),
        ];
        charts.into_iter().flatten().collect()
    };
    let scales: Vec<Vec<Chart>> = page.scales.iter().zip(&results.settings.scales).map(of_scale).collect();
    let first = scales.iter().flatten().find(|chart| chart.group == "cpu").cloned();
    Charts { scales, first, growth: growth::draw(results, page) }
}

/// The colours of a dark page, for a page that has charts within it.
pub fn styles() -> String {
    canvas::styles()
}

/// What a chart about one scale is drawn from.
struct Subject<'a> {
    index: &'a model::Index<'a>,
    page: &'a Page,
    view: &'a model::ScaleView,
    scale: &'a str,
}

impl Subject<'_> {
    /// A panel for each operation that has rows; none where no operation has.
    fn panels<Row>(&self, rows: impl Fn(Operation) -> Vec<Row>) -> Option<Vec<(Operation, Vec<Row>)>> {
        let operations = self.index.operations(self.scale).into_iter();
        let panels = operations.map(|operation| (operation, rows(operation))).filter(|(_, rows)| !rows.is_empty());
        Some(panels.collect::<Vec<_>>()).filter(|panels| !panels.is_empty())
    }

    /// "1,000 items", whether there is one scale or several.
    fn items(&self) -> String {
        format!("{} items", self.view.items)
    }
}
