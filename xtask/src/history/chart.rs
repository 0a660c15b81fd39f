//! One chart of the history as SVG: a panel for each operation, a line for each target, runs from left to right. The
//! axis is logarithmic, so that the same change is as high at every library, and a gap is a break.

use std::fmt::Write as _;

use super::{Figure, History, Line};
use crate::results::Operation;

const PANEL: (f64, f64) = (420.0, 190.0);
const LEFT: f64 = 56.0;
const TOP: f64 = 26.0;
const RIGHT: f64 = 14.0;
const BOTTOM: f64 = 30.0;
const HEAD: f64 = 60.0;

/// Colours of Okabe and Ito for a light page and a dark one, by library; what isn't known takes the last ones in turn.
const INKS: [(&str, &str, &str); 7] = [
    ("aws-sdk", "#000000", "#f4f6f8"),
    ("mizzle", "#d55e00", "#f27b28"),
    ("dynamoose", "#0072b2", "#56b4e9"),
    ("electrodb", "#009e73", "#1fc795"),
    ("", "#c98a00", "#e69f00"),
    ("", "#b8578f", "#cc79a7"),
    ("", "#757f8b", "#8b96a3"),
];

/// The chart of one figure at one scale.
pub fn draw(history: &History, scale: &str, figure: Figure) -> String {
    let lines: Vec<&Line> = history.lines.iter().filter(|line| line.scale == scale).collect();
    let targets = targets(&lines);
    let operations: Vec<Operation> =
        Operation::ALL.into_iter().filter(|operation| lines.iter().any(|line| line.operation == *operation)).collect();
    let (width, rows) = (PANEL.0 * 2.0, operations.len().div_ceil(2));
    let height = HEAD + PANEL.1 * rows as f64;
    let title = format!("{}, scale {scale}, over {} runs", figure.title(), history.entries.len());
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{0}\" font-family=\"system-ui, sans-serif\" font-size=\"11\">\n\
         <title>{0}</title>\n<style>{1}</style>\n<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n\
         <text class=\"ink\" x=\"14\" y=\"20\" font-size=\"14\">{0}</text>\n",
        xml(&title),
        style()
    );
    for (i, (target, ink)) in targets.iter().enumerate() {
        let x = 14.0 + i as f64 * (width - 28.0) / targets.len().max(4) as f64;
        let _ = writeln!(
            svg,
            "<g class=\"t{ink}\"><line x1=\"{x}\" x2=\"{:.1}\" y1=\"40\" y2=\"40\"/>{}</g>\
             <text class=\"ink\" x=\"{:.1}\" y=\"44\">{}</text>",
            x + 22.0,
            mark(*ink, x + 11.0, 40.0),
            x + 28.0,
            xml(target)
        );
    }
    for (i, operation) in operations.iter().enumerate() {
        let (x, y) = ((i % 2) as f64 * PANEL.0, HEAD + (i / 2) as f64 * PANEL.1);
        let lines: Vec<&&Line> = lines.iter().filter(|line| line.operation == *operation).collect();
        panel(&mut svg, history, (x, y), *operation, &lines, &targets, figure);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Each target with the number of its ink.
fn targets<'a>(lines: &[&'a Line]) -> Vec<(&'a str, usize)> {
    let mut targets: Vec<(&str, usize)> = Vec::new();
    for line in lines {
        if targets.iter().any(|(target, _)| *target == line.target) {
            continue;
        }
        let free = |ink: &usize| targets.iter().all(|(_, taken)| taken != ink);
        let own = INKS.iter().position(|(adapter, ..)| *adapter == line.adapter).filter(free);
        let ink = own.or_else(|| (4..INKS.len()).find(free)).unwrap_or(INKS.len() - 1);
        targets.push((line.target.as_str(), ink));
    }
    targets
}

fn panel(
    svg: &mut String,
    history: &History,
    (x0, y0): (f64, f64),
    operation: Operation,
    lines: &[&&Line],
    targets: &[(&str, usize)],
    figure: Figure,
) {
    let values = || lines.iter().flat_map(|line| &line.points).map(|point| figure.of(point).0.ln());
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    // At least ±5% high, and a little room above and below.
    let (middle, half) = (f64::midpoint(low, high), ((high - low) / 2.0).max(0.05) * 1.1);
    let plot = (PANEL.0 - LEFT - RIGHT, PANEL.1 - TOP - BOTTOM);
    let steps = history.entries.len().saturating_sub(1).max(1) as f64;
    let x = |entry: usize| x0 + LEFT + plot.0 * entry as f64 / steps;
    let y = |log: f64| y0 + TOP + plot.1 * (middle + half - log) / (2.0 * half);
    let _ = writeln!(
        svg,
        "<text class=\"ink\" x=\"{}\" y=\"{}\" font-weight=\"600\">{operation}</text>",
        x0 + LEFT,
        y0 + 14.0
    );
    for tick in ticks(middle - half, middle + half) {
        let at = y(tick.ln());
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text class=\"soft\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            x0 + LEFT,
            x0 + LEFT + plot.0,
            x0 + LEFT - 6.0,
            at + 4.0,
            short(tick)
        );
    }
    let bottom = y0 + TOP + plot.1 + 16.0;
    for (entry, anchor) in [(0, "start"), (history.entries.len() - 1, "end")] {
        let day: String = history.entries[entry].started_at.chars().take(10).collect();
        if entry > 0 || anchor == "start" {
            let at = x(entry);
            let _ = writeln!(
                svg,
                "<text class=\"soft\" x=\"{at:.1}\" y=\"{bottom:.1}\" text-anchor=\"{anchor}\">{}</text>",
                xml(&day)
            );
        }
    }
    for line in lines {
        let ink = targets.iter().find(|(target, _)| *target == line.target).map_or(0, |(_, ink)| *ink);
        let _ = write!(svg, "<g class=\"t{ink}\">");
        let pieces = line.points.chunk_by(|_, next| next.joined);
        for piece in pieces {
            let path: Vec<String> =
                piece.iter().map(|point| format!("{:.1} {:.1}", x(point.entry), y(figure.of(point).0.ln()))).collect();
            let _ = write!(svg, "<path d=\"M{}\"/>", path.join("L"));
        }
        for point in &line.points {
            let (value, interval) = figure.of(point);
            let at = x(point.entry);
            if let Some([low, high]) = interval.filter(|[low, _]| *low > 0.0) {
                let end = |value: f64| y(value.ln()).clamp(y0 + TOP, y0 + TOP + plot.1);
                let _ = write!(
                    svg,
                    "<line class=\"ci\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
                    end(low),
                    end(high)
                );
            }
            svg.push_str(&mark(ink, at, y(value.ln())));
        }
        svg.push_str("</g>\n");
    }
}

/// A shape for each ink, so that the lines stand without colour.
fn mark(ink: usize, x: f64, y: f64) -> String {
    match ink {
        0 => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>"),
        2 | 5 => format!("<rect x=\"{:.1}\" y=\"{:.1}\" width=\"6\" height=\"6\"/>", x - 3.0, y - 3.0),
        _ => {
            let corners = match ink {
                1 | 6 => [(0.0, -4.0), (4.0, 0.0), (0.0, 4.0), (-4.0, 0.0)],
                3 => [(0.0, -4.0), (4.0, 3.0), (-4.0, 3.0), (0.0, -4.0)],
                _ => [(0.0, 4.0), (4.0, -3.0), (-4.0, -3.0), (0.0, 4.0)],
            };
            let corners = corners.map(|(dx, dy)| format!("{:.1},{:.1}", x + dx, y + dy));
            format!("<polygon points=\"{}\"/>", corners.join(" "))
        }
    }
}

/// Round values between two logarithms: steps of 1, 2 and 5, or both ends where there are fewer than two.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let (low, high) = (low.exp(), high.exp());
    let lowest = low.log10().floor() as i32;
    let highest = high.log10().ceil() as i32;
    let round: Vec<f64> = (lowest..=highest)
        .flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(power)))
        .filter(|tick| (low..=high).contains(tick))
        .collect();
    if round.len() < 2 { vec![low * 1.005, high / 1.005] } else { round }
}

fn short(value: f64) -> String {
    if value >= 100_000.0 {
        format!("{:.0}k", value / 1000.0)
    } else if value >= 100.0 {
        format!("{value:.0}")
    } else {
        super::number(value)
    }
}

fn style() -> String {
    let rules = |of: fn(&(&str, &'static str, &'static str)) -> &'static str| {
        INKS.iter().enumerate().fold(String::new(), |mut rules, (i, ink)| {
            let _ = write!(rules, ".t{i}{{stroke:{0};fill:{0}}}", of(ink));
            rules
        })
    };
    format!(
        "path{{fill:none;stroke-width:1.6}}.ci{{opacity:.45}}.paper{{fill:#fff}}.ink{{fill:#1b2027}}\
         .soft{{fill:#57606c}}.grid{{stroke:#d8dde3}}{}\
         @media(prefers-color-scheme:dark){{.paper{{fill:#0f141b}}.ink{{fill:#e8edf3}}.soft{{fill:#a3aebb}}\
         .grid{{stroke:#313a45}}{}}}",
        rules(|ink| ink.1),
        rules(|ink| ink.2)
    )
}

fn xml(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    clean.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_where_there_are_enough() {
        assert_eq!(ticks(400_f64.ln(), 2500_f64.ln()), [500.0, 1000.0, 2000.0]);
        assert_eq!(ticks(700_f64.ln(), 770_f64.ln()).len(), 2);
    }

    #[test]
    fn text_of_a_file_stays_text() {
        assert_eq!(xml("<a b=\"&\">\u{1b}"), "&lt;a b=&quot;&amp;&quot;&gt;");
    }
}
