//! What charts are drawn on: `plotters`' SVG backend in tenths of a pixel. It knows neither classes nor tooltips, so
//! each colour given to it is a code (which ink, which tooltip), and what it wrote is put right afterwards: real
//! colours, with a class by which a dark page gives others, and a `<title>` in what has a tooltip.

use std::fmt::Write as _;

use plotters::backend::DrawingBackend;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Chart;
use crate::report::format;
use crate::report::palette::{Ink, Look, Shape};

/// Every chart is as wide; on a phone it is shown at three quarters of this.
pub const WIDTH: f64 = 480.0;
/// Size of a chart's title.
pub const HEADING: f64 = 16.0;
/// Size of most text.
pub const TEXT: f64 = 15.0;
/// Size of what stands in the second row.
pub const SMALL: f64 = 14.0;

const UNIT: f64 = 10.0;
/// `plotters` divides a font's size by this, to make up for how other backends measure it.
const FONT: f64 = 1.24;
/// An opacity that the backend doesn't leave out, as it does 0.
const UNSEEN: f64 = 0.001;

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

pub struct Canvas<'a> {
    backend: SVGBackend<'a>,
    hints: Vec<String>,
}

/// Draws a chart of this height.
pub fn draw(about: About, height: f64, paint: impl FnOnce(&mut Canvas<'_>)) -> Chart {
    let mut written = String::new();
    let size = (units(WIDTH) as u32, units(height) as u32);
    let mut canvas = Canvas { backend: SVGBackend::with_string(&mut written, size), hints: vec![String::new()] };
    canvas.rect((0.0, 0.0), (WIDTH, height), Ink::Paper, 1.0);
    paint(&mut canvas);
    let hints = std::mem::take(&mut canvas.hints);
    let _ = canvas.backend.present();
    drop(canvas);
    let body = finish(&written, &hints);
    let frame = |style: &str| {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {} {}\" \
             role=\"img\" font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif\">\n\
             <title>{}</title>\n<desc>{}</desc>\n{style}{body}</svg>\n",
            size.0,
            size.1,
            escape(&about.title),
            escape(&about.alt),
        )
    };
    let svg = frame(&format!("<style>{}</style>\n", styles()));
    let inline = frame("");
    Chart { file: about.file, group: about.group, title: about.title, alt: about.alt, svg, inline }
}

impl Canvas<'_> {
    pub fn line(&mut self, from: Point, to: Point, ink: Ink, width: f64) {
        let style = stroke(code(ink, 0), width, 1.0);
        let _ = self.backend.draw_line(at(from), at(to), &style);
    }

    pub fn rect(&mut self, from: Point, to: Point, ink: Ink, opacity: f64) {
        self.hinted_rect(from, to, ink, opacity, "");
    }

    pub fn hinted_rect(&mut self, from: Point, to: Point, ink: Ink, opacity: f64, hint: &str) {
        let hint = self.hint(hint);
        let _ = self.backend.draw_rect(at(from), at(to), &fill(code(ink, hint), opacity), true);
    }

    /// Nothing to see: a place where a pointer finds this tooltip, larger than the thin mark that it belongs to.
    pub fn hover(&mut self, from: Point, to: Point, hint: &str) {
        self.hinted_rect(from, to, Ink::Paper, UNSEEN, hint);
    }

    pub fn area(&mut self, points: &[Point], ink: Ink, opacity: f64, hint: &str) {
        let hint = self.hint(hint);
        let _ = self.backend.fill_polygon(points.iter().copied().map(at), &fill(code(ink, hint), opacity));
    }

    pub fn path(&mut self, points: &[Point], ink: Ink, width: f64) {
        let _ = self.backend.draw_path(points.iter().copied().map(at), &stroke(code(ink, 0), width, 1.0));
    }

    /// A library's marker.
    pub fn marker(&mut self, point: Point, look: Look, radius: f64, hint: &str) {
        let hint = self.hint(hint);
        let code = code(look.ink, hint);
        match look.shape {
            Shape::Circle => {
                let _ = self.backend.draw_circle(at(point), units(radius) as u32, &fill(code, 1.0), true);
            }
            Shape::Ring => {
                let _ = self.backend.draw_circle(at(point), units(radius - 1.0) as u32, &stroke(code, 2.2, 1.0), false);
            }
            shape => {
                let around = outline(shape).iter().map(|(x, y)| at((point.0 + x * radius, point.1 + y * radius)));
                let _ = self.backend.fill_polygon(around, &fill(code, 1.0));
            }
        }
    }

    pub fn text(&mut self, point: Point, text: &str, ink: Ink, size: f64, align: Align) {
        self.write(point, text, ink, size, align, FontStyle::Normal);
    }

    pub fn bold(&mut self, point: Point, text: &str, ink: Ink, size: f64, align: Align) {
        self.write(point, text, ink, size, align, FontStyle::Bold);
    }

    fn write(&mut self, point: Point, text: &str, ink: Ink, size: f64, align: Align, style: FontStyle) {
        let h_pos = match align {
            Align::Left => HPos::Left,
            Align::Middle => HPos::Center,
            Align::Right => HPos::Right,
        };
        let font = FontDesc::new(FontFamily::SansSerif, size * UNIT * FONT, style);
        let colour = code(ink, 0);
        let style = TextStyle::from(font).color(&colour).pos(Pos::new(h_pos, VPos::Center));
        let _ = self.backend.draw_text(&format::plain(text), &style, at(point));
    }

    fn hint(&mut self, text: &str) -> usize {
        if text.is_empty() || self.hints.len() > usize::from(u16::MAX) {
            return 0;
        }
        self.hints.push(text.to_owned());
        self.hints.len() - 1
    }
}

/// The width of a text, about: good enough to decide whether it fits.
pub fn width_of(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.56
}

/// A text cut to what fits.
pub fn fitting(text: &str, size: f64, width: f64) -> String {
    format::shorten(text, (width / size / 0.56).floor().max(2.0) as usize)
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

fn units(pixels: f64) -> i32 {
    (pixels * UNIT).round() as i32
}

fn at((x, y): Point) -> (i32, i32) {
    (units(x), units(y))
}

fn code(ink: Ink, hint: usize) -> RGBColor {
    RGBColor(ink as u8, (hint >> 8) as u8, hint as u8)
}

fn fill(colour: RGBColor, opacity: f64) -> ShapeStyle {
    ShapeStyle { color: colour.mix(opacity), filled: true, stroke_width: 0 }
}

fn stroke(colour: RGBColor, width: f64, opacity: f64) -> ShapeStyle {
    ShapeStyle { color: colour.mix(opacity), filled: false, stroke_width: units(width) as u32 }
}

/// The backend's elements, one a line, with colours, classes and tooltips put in. A text's three lines become one.
fn finish(written: &str, hints: &[String]) -> String {
    let mut body = String::with_capacity(written.len());
    for line in written.lines().skip(1).filter(|line| *line != "</svg>") {
        if !line.starts_with('<') {
            body.push_str(line);
            continue;
        }
        let (element, hint) = coloured(line);
        let element = element.replace(" opacity=\"1\"", "").replace(" stroke=\"none\"", "");
        match (hints.get(hint).filter(|hint| !hint.is_empty()), element.strip_suffix("/>")) {
            (Some(hint), Some(open)) => {
                let name = open[1..].split(' ').next().unwrap_or_default();
                let _ = writeln!(body, "{open}><title>{}</title></{name}>", escape(hint));
            }
            _ if element.starts_with("<text") => body.push_str(&element.replace(" font-family=\"sans-serif\"", "")),
            _ => {
                body.push_str(&element);
                body.push('\n');
            }
        }
    }
    body
}

/// An element with its colour codes decoded, and the number of its tooltip.
fn coloured(element: &str) -> (String, usize) {
    for (attribute, class) in [("fill", 'f'), ("stroke", 's')] {
        let before = format!(" {attribute}=\"#");
        let Some(start) = element.find(&before) else { continue };
        let digits = start + before.len();
        let Some(Ok(code)) = element.get(digits..digits + 6).map(|hex| usize::from_str_radix(hex, 16)) else {
            continue;
        };
        let Some(ink) = Ink::ALL.get(code >> 16) else { continue };
        let light = ink.colours().0;
        let put = format!(" {attribute}=\"{light}\" class=\"{class}-{}\"", ink.class());
        return (format!("{}{put}{}", &element[..start], &element[digits + 7..]), code & 0xffff);
    }
    (element.to_owned(), 0)
}

fn escape(text: &str) -> String {
    let text = format::plain(text);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
