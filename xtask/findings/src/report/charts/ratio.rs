//! What each library costs as a multiple of the baseline: a dot and its interval for each operation and library, with
//! the margin of equivalence around 1.

use super::axis::Ratios;
use super::canvas::{self, About, Align, SMALL, TEXT, WIDTH};
use super::{Chart, Subject};
use crate::report::format;
use crate::report::model::{Criterion, Ratio, TargetView, ratio};
use crate::report::palette::Ink;
use crate::results::{Operation, Verdict};

const LEFT: f64 = 126.0;
const RIGHT: f64 = WIDTH - 126.0;
const ROW: f64 = 24.0;
const HEAD: f64 = 30.0;

struct Row<'a> {
    library: &'a TargetView,
    ratio: Ratio,
}

pub fn cpu(subject: &Subject<'_>) -> Option<Chart> {
    draw(subject, Criterion::Cpu, "cpu", "CPU per call")
}

pub fn latency(subject: &Subject<'_>) -> Option<Chart> {
    draw(subject, Criterion::Latency, "latency", "Mean latency")
}

fn draw(subject: &Subject<'_>, metric: Criterion, group: &'static str, what: &str) -> Option<Chart> {
    subject.page.libraries.iter().find(|library| library.baseline)?;
    let baseline = &subject.page.baseline;
    let panels = subject.panels(|operation| rows(subject, operation, metric))?;
    let all = || panels.iter().flat_map(|(_, rows)| rows);
    let margin = subject.index.results.settings.equivalence_margin;
    let low = all().map(|row| row.ratio.interval.map_or(row.ratio.value, |[low, _]| low)).fold(1.0 - margin, f64::min);
    let high =
        all().map(|row| row.ratio.interval.map_or(row.ratio.value, |[_, high]| high)).fold(1.0 + margin, f64::max);
    let axis = Ratios::new((low / 1.02).max(0.01), high * 1.03, LEFT, RIGHT);
    let top = 62.0;
    let body: f64 = panels.iter().map(|(_, rows)| HEAD + rows.len() as f64 * ROW).sum();
    let height = top + body + 40.0;
    let said: Vec<String> = panels
        .iter()
        .map(|(operation, rows)| {
            let each: Vec<String> =
                rows.iter().map(|row| format!("{} {}", row.library.label, row.ratio.text())).collect();
            format!("{operation}: {}", each.join(", "))
        })
        .collect();
    let about = About {
        file: format!("chart-{}-{group}-ratio.svg", subject.view.slug),
        group,
        title: format!("{what} against {baseline}, {}", subject.items()),
        alt: format!("{what} as a multiple of {baseline}, with 95% intervals. {}", said.join("; ")),
    };
    Some(canvas::draw(about, height, |canvas| {
        let (from, to) = (top - 4.0, top + body);
        if let Some((begin, end)) = axis.far() {
            canvas.rect((begin, from), (end, to), Ink::Band, 1.0);
            let knee = format!("log beyond ×{}", format::tick(Ratios::KNEE));
            canvas.text((WIDTH - 10.0, from - 10.0), &knee, Ink::Soft, SMALL, Align::Right);
        }
        canvas.rect((axis.place(1.0 - margin), from), (axis.place(1.0 + margin), to), Ink::Grid, 0.7);
        for tick in axis.ticks(30.0) {
            let x = axis.place(tick);
            canvas.line((x, from), (x, to), Ink::Grid, 1.0);
            canvas.text((x, from - 10.0), &format!("×{}", format::tick(tick)), Ink::Soft, SMALL, Align::Middle);
        }
        canvas.line((axis.place(1.0), from), (axis.place(1.0), to), Ink::Text, 1.5);
        let mut y = top;
        for (operation, rows) in &panels {
            canvas.rect((12.0, y + 4.0), (LEFT - 6.0, y + HEAD - 4.0), Ink::Paper, 1.0);
            canvas.bold((12.0, y + HEAD / 2.0 + 2.0), subject.index.name(*operation), Ink::Text, TEXT, Align::Left);
            y += HEAD;
            for row in rows {
                let middle = y + ROW / 2.0 - 2.0;
                canvas.label((20.0, middle), row.library.look, &row.library.label, LEFT - 26.0);
                if let Some([low, high]) = row.ratio.interval {
                    let (a, b) = (axis.place(low), axis.place(high));
                    canvas.line((a, middle), (b, middle), row.library.look.ink, 2.2);
                    for end in [a, b] {
                        canvas.line((end, middle - 4.0), (end, middle + 4.0), row.library.look.ink, 1.6);
                    }
                }
                canvas.marker((axis.place(row.ratio.value), middle), row.library.look, 4.6, "");
                let ink = if row.ratio.verdict == Verdict::Unclear { Ink::Soft } else { Ink::Text };
                canvas.text((WIDTH - 10.0, middle), &row.ratio.text(), ink, SMALL, Align::Right);
                canvas.hover((12.0, y - 1.0), (WIDTH - 8.0, y + ROW - 3.0), &hint(*operation, row));
                y += ROW;
            }
        }
        let legend = format!("gray band: within {}; a range in gray: inconclusive", format::set_percent(margin));
        canvas.text((12.0, height - 16.0), &legend, Ink::Soft, SMALL, Align::Left);
    }))
}

fn rows<'a>(subject: &Subject<'a>, operation: Operation, metric: Criterion) -> Vec<Row<'a>> {
    let row = |library: &'a TargetView| {
        let measurement = subject.index.get(subject.scale, operation, &library.id)?;
        Some(Row { library, ratio: ratio(subject.index, measurement, metric)? })
    };
    subject.page.libraries.iter().filter(|library| !library.baseline).filter_map(row).collect()
}

fn hint(operation: Operation, row: &Row<'_>) -> String {
    let verdict = match row.ratio.verdict {
        Verdict::Faster => "cheaper than the baseline",
        Verdict::Slower => "more expensive than the baseline",
        Verdict::Same => "the same within the margin",
        Verdict::Unclear => "inconclusive",
    };
    let figure = format::ratio(row.ratio.value, row.ratio.interval);
    format!("{operation}, {}: {figure}, {verdict}", row.library.label)
}
