//! Sustained throughput: a bar with its interval for each operation and library, drawn against the highest of the
//! operation, since a Scan and a `GetItem` differ a thousandfold.

use super::canvas::{self, About, Align, SMALL, TEXT, WIDTH};
use super::{Chart, Subject};
use crate::report::format;
use crate::report::model::{TargetView, limit};
use crate::report::palette::Ink;
use crate::results::{Operation, Throughput};

const LEFT: f64 = 130.0;
const RIGHT: f64 = WIDTH - 198.0;
/// Where the figures end; beyond them stands what limited the rate.
const FIGURES: f64 = WIDTH - 86.0;
const ROW: f64 = 24.0;
const HEAD: f64 = 30.0;

pub fn draw(subject: &Subject<'_>) -> Option<Chart> {
    let panels = subject.panels(|operation| {
        let found = |library| Some((library, find(subject, operation, library)?));
        subject.page.libraries.iter().filter_map(found).collect()
    })?;
    let top = 38.0;
    let body: f64 = panels.iter().map(|(_, rows)| HEAD + rows.len() as f64 * ROW).sum();
    let said: Vec<String> = panels
        .iter()
        .map(|(operation, rows)| {
            let each: Vec<String> = rows.iter().map(|(library, t)| format!("{} {}", library.label, rate(t))).collect();
            format!("{operation}: {}", each.join(", "))
        })
        .collect();
    let concurrency = subject.index.results.settings.concurrency;
    let about = About {
        file: format!("chart-{}-throughput.svg", subject.view.slug),
        group: "throughput",
        title: format!("Throughput with {concurrency} in flight, {}", subject.items()),
        alt: format!("Calls per second with 95% intervals. {}", said.join("; ")),
    };
    Some(canvas::draw(about, top + body + 12.0, |canvas| {
        let mut y = top;
        canvas.text((WIDTH - 10.0, y + HEAD / 2.0 + 2.0), "limited by", Ink::Soft, SMALL, Align::Right);
        for (operation, rows) in &panels {
            let most = rows.iter().map(|(_, t)| t.ci95.map_or(t.ops_per_sec, |[_, high]| high));
            let most = most.fold(f64::MIN_POSITIVE, f64::max);
            let place = |value: f64| LEFT + (value / most).clamp(0.0, 1.0) * (RIGHT - LEFT);
            canvas.bold((12.0, y + HEAD / 2.0 + 2.0), subject.index.name(*operation), Ink::Text, TEXT, Align::Left);
            canvas.text((LEFT, y + HEAD / 2.0 + 2.0), "ops/s", Ink::Soft, SMALL, Align::Left);
            y += HEAD;
            let from = y;
            for (library, throughput) in rows {
                let middle = y + ROW / 2.0 - 2.0;
                canvas.label((20.0, middle), library.look, &library.label, LEFT - 26.0);
                let end = place(throughput.ops_per_sec);
                canvas.rect((LEFT, middle - 7.0), (end, middle + 7.0), library.look.ink, 0.85);
                if let Some([low, high]) = throughput.ci95 {
                    canvas.line((place(low), middle), (place(high), middle), Ink::Paper, 4.0);
                    canvas.line((place(low), middle), (place(high), middle), Ink::Text, 2.0);
                    for end in [low, high] {
                        canvas.line((place(end), middle - 4.0), (place(end), middle + 4.0), Ink::Text, 1.6);
                    }
                }
                canvas.text((FIGURES, middle), &rate(throughput), Ink::Text, SMALL, Align::Right);
                // One that was measured otherwise than the rest says so.
                let held = if throughput.concurrency == concurrency {
                    limit(throughput).to_owned()
                } else {
                    format!("{} in flight", throughput.concurrency)
                };
                canvas.text((WIDTH - 10.0, middle), &held, Ink::Soft, SMALL, Align::Right);
                let hint = format!("{operation}, {}: {} ops/s, {}", library.label, rate(throughput), by(throughput));
                canvas.hover((12.0, y - 1.0), (WIDTH - 8.0, y + ROW - 3.0), &hint);
                y += ROW;
            }
            canvas.line((LEFT, from - 1.0), (LEFT, y - 3.0), Ink::Soft, 1.0);
        }
    }))
}

fn find<'a>(subject: &Subject<'a>, operation: Operation, library: &TargetView) -> Option<&'a Throughput> {
    subject.index.get(subject.scale, operation, &library.id)?.throughput.as_ref()
}

fn rate(throughput: &Throughput) -> String {
    format::estimate(throughput.ops_per_sec, throughput.ci95)
}

fn by(throughput: &Throughput) -> String {
    format!("{} in flight, limited by: {}", throughput.concurrency, limit(throughput))
}
