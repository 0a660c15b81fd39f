//! The results on a terminal: what was measured, a compact table for each scale, the answer, and what is missing last,
//! where it is seen. Columns that don't fit are left out; the whole is in the report.

use console::Style;

use super::escape;
use super::format;
use super::model::{Fix, NO_VERDICT, Page, RATIO, SAME, ScaleView, TargetView};
use super::palette::Ink;
use super::text::{self, Cell, Column, Table};

/// A figure of the table: what heads its column, where it is found, and how dispensable it is; 0 always stays.
type Figure = (&'static str, &'static str, &'static str, u8);

const FIGURES: &[Figure] = &[
    ("CPU µs", "cpu", "per-call", 0),
    ("KB", "allocation", "allocated", 3),
    ("mean ms", "latency", "mean", 1),
    ("p95", "latency", "p95", 4),
    ("p99", "latency", "p99", 5),
    ("ops/s", "throughput", "rate", 2),
    ("CPU ratio", "cpu", RATIO, 0),
];
const INDENT: usize = 2;
const WIDEST_BAR: usize = 20;
const NARROWEST_BAR: usize = 4;
const LONGEST_NAME: usize = 30;

/// Styles where colour is asked for, and plain text where it isn't.
struct Painter {
    colour: bool,
}

impl Painter {
    fn style(&self) -> Style {
        Style::new().force_styling(self.colour)
    }

    fn bold(&self, text: &str) -> String {
        self.style().bold().apply_to(text).to_string()
    }

    fn dim(&self, text: &str) -> String {
        self.style().dim().apply_to(text).to_string()
    }

    fn warn(&self, text: &str) -> String {
        self.style().yellow().bold().apply_to(text).to_string()
    }

    fn ink(&self, text: &str, ink: Ink) -> String {
        let colour = match ink {
            Ink::Vermillion => 208,
            Ink::Blue => 39,
            Ink::Green => 36,
            Ink::Orange => 178,
            Ink::Purple => 175,
            _ => 245,
        };
        self.style().color256(colour).apply_to(text).to_string()
    }
}

/// The whole summary for a terminal of `width` columns.
pub fn summary(page: &Page, width: usize, colour: bool) -> String {
    let paint = Painter { colour };
    let width = width.clamp(40, 160);
    let mut lines = text::wrap(&page.answer.lead, width, 0, 0);
    lines.push(String::new());
    for scale in &page.scales {
        lines.extend(table(page, scale, width, &paint));
        lines.push(String::new());
    }
    let below = [legend(page)].into_iter().chain(page.answer.footnotes.iter().cloned());
    lines.extend(below.flat_map(|text| text::wrap(&text, width, 0, 0)).map(|line| paint.dim(&line)));
    lines.push(String::new());
    for point in &page.answer.points {
        let colon = if point.command.is_empty() || point.text.is_empty() { "" } else { ":" };
        let said = format!("{}: {}{colon}", point.head, point.text);
        lines.extend(text::wrap(&said, width, 0, INDENT));
        lines.extend(text::wrap(&point.command, width, 2 * INDENT, 3 * INDENT));
    }
    if let Some(banner) = &page.banner {
        lines.push(String::new());
        let headline = format!("{} {}", banner.headline, banner.reason);
        lines.extend(text::wrap(&headline, width, 0, 0).iter().map(|line| paint.warn(line)));
        let fixes: Vec<[String; 2]> = banner.lines.iter().map(fix).collect();
        let rows = fixes.iter().map(|[who, what]| [who.as_str(), what.as_str()]);
        lines.extend(text::table(rows, width - INDENT).iter().map(|line| format!("{:INDENT$}{line}", "")));
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

/// What the columns and marks of the tables mean: those that occur.
fn legend(page: &Page) -> String {
    let cells = || {
        let groups = page.scales.iter().filter_map(|scale| scale.group("cpu"));
        groups.flat_map(|group| &group.lines).flat_map(|line| line.cells.iter().flatten())
    };
    let mut said = vec!["CPU µs: CPU time per call on the client's JavaScript thread.".to_owned()];
    if page.scales.iter().any(|scale| scale.group("allocation").is_some()) {
        said.push("KB: allocated per call.".to_owned());
    }
    if page.answer.compares {
        said.push(format!("CPU ratio: to {}.", page.baseline));
    }
    let marks = [
        ("★ the cheapest library, or one of several that this run cannot distinguish", cells().any(|cell| cell.best)),
        ("×a–b: inconclusive", cells().any(|cell| cell.unclear && cell.note.is_empty())),
        ("same ±2%: at most 2% from the baseline", cells().any(|cell| cell.same)),
        ("= within the margin of it", cells().any(|cell| cell.note == SAME)),
        ("? no verdict", cells().any(|cell| cell.note == NO_VERDICT)),
        ("– not measured", cells().any(|cell| cell.text == format::NOT_MEASURED)),
    ];
    let marks: Vec<&str> = marks.into_iter().filter(|(_, occurs)| *occurs).map(|(meaning, _)| meaning).collect();
    if !marks.is_empty() {
        said.push(format!("{}.", marks.join(", ")));
    }
    said.join(" ")
}

/// A sentence, and the command that it speaks of.
fn said(text: &str, command: &str) -> String {
    match (text.is_empty(), command.is_empty()) {
        (_, true) => text.to_owned(),
        (true, _) => command.to_owned(),
        _ => format!("{text}: {command}"),
    }
}

/// Who is concerned, and what happened with what to do about it.
fn fix(fix: &Fix) -> [String; 2] {
    let mut text = fix.why.clone();
    if !fix.how.is_empty() {
        text += ". To fix it: ";
        text += &fix.how;
    }
    [format!("{}:", escape::plain(&fix.who).trim_end_matches(':')), said(&text, &fix.command)]
}

/// A library's ratio for one operation, as a bar is drawn from it.
struct Bar {
    ratio: f64,
    unclear: bool,
    ink: Ink,
}

fn table(page: &Page, scale: &ScaleView, width: usize, paint: &Painter) -> Vec<String> {
    let Some(cpu) = scale.group("cpu") else { return Vec::new() };
    let figures: Vec<&Figure> = FIGURES.iter().filter(|figure| has(scale, figure)).collect();
    let head = |figure: &&Figure| Column::figure(figure.0).dispensable(figure.3);
    let mut table = Table::new([Column::name("")].into_iter().chain(figures.iter().map(head)));
    let mut bars = Vec::new();
    for line in &cpu.lines {
        for (at, library) in page.libraries.iter().enumerate() {
            let (cells, bar) = row(page, scale, &figures, (&line.label, at), library, paint);
            table.row(cells);
            bars.push(bar);
        }
    }
    let layout = table.fitted(width - INDENT);
    let bar = width.saturating_sub(INDENT + layout.width() + 1).min(WIDEST_BAR);
    let bar = if bar < NARROWEST_BAR { 0 } else { bar };
    // Small differences stay small bars, whatever the largest one is.
    let highest = bars.iter().flatten().map(|bar| bar.ratio).fold(1.5, f64::max);

    let title = format!("{}: {} items", escape::plain(&scale.name), scale.items);
    let mut lines = vec![paint.bold(&text::shorten(&title, width))];
    let indent = " ".repeat(INDENT);
    lines.extend(table.heads(&layout).map(|heads| paint.dim(&format!("{indent}{heads}"))));
    for (at, line) in cpu.lines.iter().enumerate() {
        lines.push(paint.bold(&line.label));
        for place in 0..page.libraries.len() {
            let at = at * page.libraries.len() + place;
            for text in table.lines_of(&layout, at) {
                let mut text = format!("{indent}{text}");
                if let Some(Bar { ratio, unclear, ink }) = bars[at].as_ref().filter(|_| bar > 0) {
                    let drawn = blocks(ratio.max(1.0).ln() / highest.ln(), bar);
                    text.push(' ');
                    text += &if *unclear { paint.dim(&drawn) } else { paint.ink(&drawn, *ink) };
                }
                lines.push(text);
            }
        }
    }
    lines
}

/// Whether a scale has a figure at all: a run without recorded answers has no allocation.
fn has(scale: &ScaleView, &(_, group, statistic, _): &Figure) -> bool {
    scale.group(group).is_some_and(|group| group.has(statistic))
}

/// One library's cells for one operation, and its bar.
fn row(
    page: &Page,
    scale: &ScaleView,
    figures: &[&Figure],
    (line, at): (&str, usize),
    library: &TargetView,
    paint: &Painter,
) -> (Vec<Cell>, Option<Bar>) {
    let cpu = |statistic| scale.group("cpu").and_then(|group| group.cell(line, at, statistic));
    let best = cpu("per-call").is_some_and(|cell| cell.best);
    let ratio = cpu(RATIO).filter(|_| !library.baseline);
    let unclear = ratio.is_some_and(|cell| cell.unclear);
    let marked = page.answer.mark(&scale.items, line, at);
    let figure = |&&(_, group, statistic, _): &&Figure| {
        let cell = scale.group(group).and_then(|group| group.cell(line, at, statistic));
        if statistic == RATIO {
            let mark = match (cell.map_or("", |cell| cell.note), marked) {
                (NO_VERDICT, mark) => format!("{mark:>1}?"),
                (SAME, mark) => format!("{mark:>1}="),
                (_, mark) => format!("{mark:<2}"),
            };
            let text = cell.map_or_else(|| format::NOT_MEASURED.to_owned(), |cell| cell.text.replace(" ± ", " ±"));
            let text = format!("{}{mark}", text.replace(" to ×", "–"));
            let style = if unclear { paint.style().dim() } else { paint.style() };
            return Cell::styled(text, style);
        }
        let value = format::optional(cell.and_then(|cell| cell.value));
        if (group, statistic, best) == ("cpu", "per-call", true) {
            Cell::styled(format!("★ {value}"), paint.style().green().bold())
        } else {
            Cell::styled(value, paint.style())
        }
    };
    let name = Cell::styled(text::shorten(&library.label, LONGEST_NAME), paint.style());
    let bar = ratio.and_then(|cell| cell.value).map(|ratio| Bar { ratio, unclear, ink: library.look.ink });
    ([name].into_iter().chain(figures.iter().map(figure)).collect(), bar)
}

/// A bar in eighths of a character; what is above 0 shows at least one.
fn blocks(share: f64, width: usize) -> String {
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
    let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    format!("{}{part}", "█".repeat(eighths / 8))
}
