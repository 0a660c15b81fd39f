//! The results on a terminal: a compact table for each scale, the answer, and what is missing last, where it is seen.
//! Columns that don't fit are left out; the whole is in the report.

use console::{Style, measure_text_width};

use super::format;
use super::model::{CPU_RATIO, Group, Library, Page, ScaleView};
use super::palette::Ink;

/// A column: its head, and how dispensable it is; 0 always stays.
const COLUMNS: [(&str, u8); 6] =
    [("CPU µs", 0), ("mean ms", 1), ("p95", 3), ("p99", 4), ("ops/s", 2), ("CPU ratio", 0)];
const INDENT: usize = 2;
const WIDEST_BAR: usize = 20;
const NARROWEST_BAR: usize = 4;

/// One library's figures for one operation.
struct Row<'a> {
    library: &'a Library,
    figures: Vec<String>,
    /// Of CPU, to the baseline.
    ratio: Option<f64>,
    best: bool,
    unclear: bool,
}

struct Painter {
    colour: bool,
}

impl Painter {
    fn bold(&self, text: &str) -> String {
        Style::new().bold().force_styling(self.colour).apply_to(text).to_string()
    }

    fn dim(&self, text: &str) -> String {
        Style::new().dim().force_styling(self.colour).apply_to(text).to_string()
    }

    fn warn(&self, text: &str) -> String {
        Style::new().yellow().bold().force_styling(self.colour).apply_to(text).to_string()
    }

    fn good(&self, text: &str) -> String {
        Style::new().green().bold().force_styling(self.colour).apply_to(text).to_string()
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
        Style::new().color256(colour).force_styling(self.colour).apply_to(text).to_string()
    }
}

pub fn summary(page: &Page, width: usize, colour: bool) -> String {
    let paint = Painter { colour };
    let width = width.clamp(40, 160);
    let mut lines = Vec::new();
    for scale in &page.scales {
        lines.extend(table(page, scale, width, &paint));
        lines.push(String::new());
    }
    let legend = format!(
        "CPU µs: the client's JavaScript thread's, per call. Ratio: to {}. ★ cheapest of the libraries, where this run \
         can tell. = same, ? can't tell, – not measured.",
        page.baseline
    );
    lines.extend(wrapped(&legend, width, 0).iter().map(|line| paint.dim(line)));
    lines.push(String::new());
    for sentence in &page.answer.sentences {
        lines.extend(wrapped(sentence, width, 0));
    }
    if let Some(banner) = &page.banner {
        lines.push(String::new());
        let headline = format!("{} {}", banner.headline, banner.reason);
        lines.extend(wrapped(&headline, width, 0).iter().map(|line| paint.warn(line)));
        for mend in &banner.lines {
            let mut text = format!("{}: {}", format::plain(&mend.who).trim_end_matches(':'), mend.why);
            if !mend.how.is_empty() {
                text += ". To mend it: ";
                text += &mend.how;
            }
            if !mend.command.is_empty() {
                text += ": ";
                text += &mend.command;
            }
            lines.extend(wrapped(&text, width, 2));
        }
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

fn table(page: &Page, scale: &ScaleView, width: usize, paint: &Painter) -> Vec<String> {
    let operations = rows(page, scale);
    let all = || operations.iter().flat_map(|(_, rows)| rows);
    let widths: Vec<usize> = COLUMNS
        .iter()
        .enumerate()
        .map(|(at, (head, _))| {
            let figures = all().map(|row| measure_text_width(&row.figures[at]));
            figures.chain([measure_text_width(head)]).max().unwrap_or(0)
        })
        .collect();
    let longest = all().map(|row| measure_text_width(&row.library.label)).max().unwrap_or(0).clamp(9, 22);
    let mut shown: Vec<usize> = (0..COLUMNS.len()).collect();
    let taken = |shown: &[usize]| INDENT + shown.iter().map(|&at| widths[at] + 2).sum::<usize>();
    while longest + taken(&shown) > width {
        let Some(least) = shown.iter().copied().filter(|&at| COLUMNS[at].1 > 0).max_by_key(|&at| COLUMNS[at].1) else {
            break;
        };
        shown.retain(|&at| at != least);
    }
    let name = longest.min(width.saturating_sub(taken(&shown))).max(3);
    let bar = width.saturating_sub(name + taken(&shown) + 1).min(WIDEST_BAR);
    let bar = if bar < NARROWEST_BAR { 0 } else { bar };
    // Small differences stay small bars, whatever the largest one is.
    let highest = all().filter_map(|row| row.ratio).fold(1.5, f64::max);

    let title = format!("{}: {} items", format::plain(&scale.name), scale.items);
    let mut lines = vec![paint.bold(&format::shorten(&title, width))];
    let heads: Vec<String> = shown.iter().map(|&at| right(COLUMNS[at].0, widths[at])).collect();
    lines.push(paint.dim(&format!("{}  {}", " ".repeat(INDENT + name), heads.join("  "))));
    for (operation, rows) in &operations {
        lines.push(paint.bold(operation));
        for row in rows {
            let label = format::shorten(&row.library.label, name);
            let mut line =
                format!("{}{label}{}", " ".repeat(INDENT), " ".repeat(name - measure_text_width(&label).min(name)));
            for &at in &shown {
                let figure = right(&row.figures[at], widths[at]);
                line += "  ";
                line += &match at {
                    0 if row.best => paint.good(&figure),
                    5 if row.unclear => paint.dim(&figure),
                    _ => figure,
                };
            }
            if let Some(ratio) = row.ratio.filter(|_| bar > 0) {
                let drawn = blocks(ratio.max(1.0).ln() / highest.ln(), bar);
                line.push(' ');
                line += &if row.unclear { paint.dim(&drawn) } else { paint.ink(&drawn, row.library.look.ink) };
            }
            lines.push(line);
        }
    }
    lines
}

fn rows<'a>(page: &'a Page, scale: &'a ScaleView) -> Vec<(&'a str, Vec<Row<'a>>)> {
    let (cpu, latency, throughput) = (scale.group("cpu"), scale.group("latency"), scale.group("throughput"));
    let figure = |group: Option<&Group>, line: usize, library: usize, statistic: usize| {
        format::optional(group.and_then(|group| group.lines.get(line)?.cells.get(library)?.get(statistic)?.value))
    };
    let Some(group) = cpu else { return Vec::new() };
    let row = |at: usize, l: usize, library: &'a Library| {
        let cells = &group.lines[at].cells[l];
        let ratio = cells.get(CPU_RATIO).filter(|_| !library.baseline);
        let (mark, unclear) = match ratio.map_or("", |cell| cell.note) {
            "same" => (" =", false),
            "unclear" => (" ?", true),
            _ => ("  ", false),
        };
        let ratio_text = cells.get(CPU_RATIO).map_or("", |cell| &cell.text);
        Row {
            library,
            figures: vec![
                format!("{}{}", if cells[0].best { "★ " } else { "" }, format::optional(cells[0].value)),
                figure(latency, at, l, 0),
                figure(latency, at, l, 1),
                figure(latency, at, l, 2),
                figure(throughput, at, l, 0),
                format!("{}{mark}", ratio_text.replace(" ± ", " ±")),
            ],
            ratio: ratio.and_then(|cell| cell.value),
            best: cells[0].best,
            unclear,
        }
    };
    group
        .lines
        .iter()
        .enumerate()
        .map(|(at, line)| {
            let rows = page.libraries.iter().enumerate().map(|(l, library)| row(at, l, library)).collect();
            (line.label.as_str(), rows)
        })
        .collect()
}

/// A bar in eighths of a character; what is above 0 shows at least one.
fn blocks(share: f64, width: usize) -> String {
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
    let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    format!("{}{part}", "█".repeat(eighths / 8))
}

fn right(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(measure_text_width(text))))
}

/// Lines of at most `width` columns; an indented text hangs by two more. A longer word is cut up.
fn wrapped(text: &str, width: usize, indent: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = " ".repeat(indent);
    let hang = if indent > 0 { indent + 2 } else { 0 };
    let mut empty = true;
    let plain = format::plain(text);
    let limit = width.saturating_sub(indent + 2).max(10);
    let pieces = plain.split(' ').flat_map(|word| {
        let chars: Vec<char> = word.chars().collect();
        chars.chunks(limit).map(|piece| piece.iter().collect::<String>()).collect::<Vec<_>>()
    });
    for word in pieces {
        let space = usize::from(!empty);
        if !empty && measure_text_width(&line) + space + measure_text_width(&word) > width {
            lines.push(std::mem::replace(&mut line, " ".repeat(hang)));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line += &word;
        empty = false;
    }
    lines.push(line);
    lines
}
