//! What charts are drawn on: SVG, written element by element. Lengths are pixels, kept to a tenth. Each element has its
//! colour for a light page as an attribute, and a class by which a dark page gives it another.

use std::fmt::Write as _;

use super::Chart;
use crate::report::escape;
use crate::report::palette::{Ink, Look, Shape};
use crate::report::text;

/// Every chart is as wide; on a phone it is shown at three quarters of this.
pub const WIDTH: f64 = 480.0;
/// Size of a chart's title.
const HEADING: f64 = 16.0;
/// Size of most text.
pub const TEXT: f64 = 15.0;
/// Size of what stands in the second row.
pub const SMALL: f64 = 14.0;

const FONTS: &str = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif";
/// Height of a legend's line.
const LEGEND: f64 = 22.0;
/// The mean width of a character as a share of the text's size.
const CHARACTER: f64 = 0.56;

pub type Point = (f64, f64);

/// Where a text stands relative to its point; its middle line is on the point.
#[derive(Debug, Clone, Copy)]
pub enum Align {
    Left,
    Middle,
    Right,
}

/// What a chart is about.
pub struct About {
    pub file: String,
    pub group: &'static str,
    pub title: String,
    pub alt: String,
}

/// A drawing in progress.
pub struct Canvas {
    body: String,
}

/// How much room a legend of so many entries takes.
pub fn legend_height(entries: usize) -> f64 {
    entries.div_ceil(2) as f64 * LEGEND
}

/// Draws a chart of this height, in pixels, with its title in the first 36.
pub fn draw(about: About, height: f64, paint: impl FnOnce(&mut Canvas)) -> Chart {
    let mut canvas = Canvas { body: String::new() };
    canvas.rect((0.0, 0.0), (WIDTH, height), Ink::Paper, 1.0);
    canvas.bold((12.0, 20.0), &fitting(&about.title, HEADING, WIDTH - 24.0), Ink::Text, HEADING, Align::Left);
    paint(&mut canvas);
    let (width, height) = (Px(WIDTH), Px(height));
    let frame = |style: &str| {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} \
             {height}\" role=\"img\" font-family=\"{FONTS}\">\n<title>{}</title>\n<desc>{}</desc>\n{style}{}</svg>\n",
            escape::xml(&about.title),
            escape::xml(&about.alt),
            canvas.body
        )
    };
    let svg = frame(&format!("<style>{}</style>\n", styles()));
    let inline = frame("");
    Chart { file: about.file, group: about.group, title: about.title, alt: about.alt, svg, inline }
}

impl Canvas {
    pub fn line(&mut self, (x1, y1): Point, (x2, y2): Point, ink: Ink, width: f64) {
        let (x1, y1, x2, y2) = (Px(x1), Px(y1), Px(x2), Px(y2));
        self.element(&format!("line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"{}", stroke(ink, width)), "");
    }

    pub fn rect(&mut self, from: Point, to: Point, ink: Ink, opacity: f64) {
        self.hinted_rect(from, to, ink, opacity, "");
    }

    pub fn hinted_rect(&mut self, from: Point, to: Point, ink: Ink, opacity: f64, hint: &str) {
        self.element(&format!("{}{}", rect(from, to), fill(ink, opacity)), hint);
    }

    /// Nothing to see: a place where a pointer finds this tooltip, larger than the thin mark that it belongs to.
    pub fn hover(&mut self, from: Point, to: Point, hint: &str) {
        self.element(&format!("{} fill=\"none\" pointer-events=\"all\"", rect(from, to)), hint);
    }

    pub fn area(&mut self, outline: &[Point], ink: Ink, opacity: f64, hint: &str) {
        self.element(&format!("polygon points=\"{}\"{}", points(outline), fill(ink, opacity)), hint);
    }

    pub fn path(&mut self, along: &[Point], ink: Ink, width: f64) {
        let (points, stroke) = (points(along), stroke(ink, width));
        self.element(&format!("polyline points=\"{points}\" fill=\"none\" stroke-linejoin=\"round\"{stroke}"), "");
    }

    /// A library's marker.
    pub fn marker(&mut self, point: Point, look: Look, radius: f64, hint: &str) {
        let circle = |radius: f64| format!("circle cx=\"{}\" cy=\"{}\" r=\"{}\"", Px(point.0), Px(point.1), Px(radius));
        match look.shape {
            Shape::Circle => self.element(&format!("{}{}", circle(radius), fill(look.ink, 1.0)), hint),
            Shape::Ring => {
                let ring =
                    format!("{} fill=\"none\" pointer-events=\"all\"{}", circle(radius - 1.0), stroke(look.ink, 2.2));
                self.element(&ring, hint);
            }
            shape => {
                let around = outline(shape).iter().map(|(x, y)| (point.0 + x * radius, point.1 + y * radius));
                self.area(&around.collect::<Vec<_>>(), look.ink, 1.0, hint);
            }
        }
    }

    /// A marker and what it stands for, cut to `width`.
    pub fn label(&mut self, (x, y): Point, look: Look, label: &str, width: f64) {
        self.marker((x, y), look, 4.5, "");
        self.text((x + 12.0, y), &fitting(label, TEXT, width - 12.0), Ink::Text, TEXT, Align::Left);
    }

    /// What the markers stand for, in two columns below `top`.
    pub fn legend<'a>(&mut self, top: f64, entries: impl IntoIterator<Item = (Look, &'a str)>) {
        for (at, (look, label)) in entries.into_iter().enumerate() {
            let (x, y) = (20.0 + (at % 2) as f64 * WIDTH / 2.0, top + 6.0 + (at / 2) as f64 * LEGEND);
            self.label((x, y), look, label, WIDTH / 2.0 - 28.0);
        }
    }

    pub fn text(&mut self, point: Point, text: &str, ink: Ink, size: f64, align: Align) {
        self.write(point, text, ink, size, align, "");
    }

    pub fn bold(&mut self, point: Point, text: &str, ink: Ink, size: f64, align: Align) {
        self.write(point, text, ink, size, align, " font-weight=\"bold\"");
    }

    fn write(&mut self, (x, y): Point, text: &str, ink: Ink, size: f64, align: Align, weight: &str) {
        let anchor = match align {
            Align::Left => "",
            Align::Middle => " text-anchor=\"middle\"",
            Align::Right => " text-anchor=\"end\"",
        };
        // Half the height of a digit: `dominant-baseline` is not known to every renderer.
        let (x, y, fill) = (Px(x), Px(y), fill(ink, 1.0));
        let _ = writeln!(
            self.body,
            "<text x=\"{x}\" y=\"{y}\" dy=\".35em\"{anchor} font-size=\"{}\"{weight}{fill}>{}</text>",
            Px(size),
            escape::xml(text)
        );
    }

    /// An element from what stands between its angle brackets, with its tooltip.
    fn element(&mut self, inside: &str, hint: &str) {
        let _ = if hint.is_empty() {
            writeln!(self.body, "<{inside}/>")
        } else {
            let name = inside.split(' ').next().unwrap_or_default();
            writeln!(self.body, "<{inside}><title>{}</title></{name}>", escape::xml(hint))
        };
    }
}

/// The width of a text, about: good enough to decide whether it fits.
pub fn width_of(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * CHARACTER
}

/// A text cut to what fits.
pub fn fitting(text: &str, size: f64, width: f64) -> String {
    text::shorten(text, (width / size / CHARACTER).floor().max(2.0) as usize)
}

/// Rules for a dark page; a light one needs none, the colours are attributes.
pub fn styles() -> String {
    let mut rules = String::from("@media (prefers-color-scheme:dark){");
    for ink in Ink::ALL {
        let (class, (_, dark)) = (ink.class(), ink.colours());
        let _ = write!(rules, ".f-{class}{{fill:{dark}}}.s-{class}{{stroke:{dark}}}");
    }
    rules + "}"
}

/// Corners of a marker of radius 1, of about equal weight to the eye.
fn outline(shape: Shape) -> &'static [Point] {
    match shape {
        Shape::Circle | Shape::Ring => &[],
        Shape::Diamond => &[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)],
        Shape::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        Shape::Triangle => &[(0.0, -1.2), (1.15, 0.85), (-1.15, 0.85)],
        Shape::Down => &[(0.0, 1.2), (1.15, -0.85), (-1.15, -0.85)],
        Shape::Cross => &[
            (-0.35, -1.1),
            (0.35, -1.1),
            (0.35, -0.35),
            (1.1, -0.35),
            (1.1, 0.35),
            (0.35, 0.35),
            (0.35, 1.1),
            (-0.35, 1.1),
            (-0.35, 0.35),
            (-1.1, 0.35),
            (-1.1, -0.35),
            (-0.35, -0.35),
        ],
    }
}

fn rect((x1, y1): Point, (x2, y2): Point) -> String {
    let (width, height) = (Px((x2 - x1).max(0.0)), Px((y2 - y1).max(0.0)));
    format!("rect x=\"{}\" y=\"{}\" width=\"{width}\" height=\"{height}\"", Px(x1), Px(y1))
}

fn points(of: &[Point]) -> String {
    of.iter().map(|&(x, y)| format!("{},{}", Px(x), Px(y))).collect::<Vec<_>>().join(" ")
}

fn fill(ink: Ink, opacity: f64) -> String {
    let opacity = if opacity < 1.0 { format!(" fill-opacity=\"{opacity}\"") } else { String::new() };
    format!(" fill=\"{}\" class=\"f-{}\"{opacity}", ink.colours().0, ink.class())
}

fn stroke(ink: Ink, width: f64) -> String {
    format!(" stroke=\"{}\" class=\"s-{}\" stroke-width=\"{width}\"", ink.colours().0, ink.class())
}

/// A length as SVG has it: to a tenth of a pixel, without a needless `.0`.
struct Px(f64);

impl std::fmt::Display for Px {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Adding 0 makes −0 plain.
        write!(f, "{}", (self.0 * 10.0).round() / 10.0 + 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(paint: impl FnOnce(&mut Canvas)) -> String {
        let about = About { file: String::new(), group: "", title: "a < b".to_owned(), alt: "\"&\"".to_owned() };
        draw(about, 20.0, paint).inline
    }

    #[test]
    fn an_element_is_one_line_with_its_colour_and_its_tooltip() {
        let svg = drawn(|canvas| {
            canvas.line((0.0, 1.26), (10.0, -0.01), Ink::Blue, 1.5);
            canvas.hinted_rect((1.0, 2.0), (4.0, 6.0), Ink::Grid, 0.5, "1 < 2");
            canvas.bold((5.0, 5.0), "R&D", Ink::Text, TEXT, Align::Right);
        });
        let lines: Vec<&str> = svg.lines().skip(5).collect();
        assert_eq!(
            lines,
            [
                "<line x1=\"0\" y1=\"1.3\" x2=\"10\" y2=\"0\" stroke=\"#0072b2\" class=\"s-blue\" stroke-width=\"1.5\"/>",
                "<rect x=\"1\" y=\"2\" width=\"3\" height=\"4\" fill=\"#d8dde3\" class=\"f-grid\" \
                 fill-opacity=\"0.5\"><title>1 &lt; 2</title></rect>",
                "<text x=\"5\" y=\"5\" dy=\".35em\" text-anchor=\"end\" font-size=\"15\" font-weight=\"bold\" \
                 fill=\"#1b2027\" class=\"f-text\">R&amp;D</text>",
                "</svg>",
            ]
        );
        assert!(svg.contains("<title>a &lt; b</title>\n<desc>&quot;&amp;&quot;</desc>"), "{svg}");
    }

    #[test]
    fn a_ring_and_a_place_to_hover_are_found_by_a_pointer_inside_them() {
        let ring = Look { ink: Ink::Gray, shape: Shape::Ring };
        let svg = drawn(|canvas| {
            canvas.marker((5.0, 5.0), ring, 4.5, "a ring");
            canvas.hover((0.0, 0.0), (9.0, 9.0), "a place");
        });
        assert_eq!(svg.matches("fill=\"none\" pointer-events=\"all\"").count(), 2, "{svg}");
    }
}
