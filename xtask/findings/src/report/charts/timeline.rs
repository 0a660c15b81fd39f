//! CPU and memory of the watched processes over the time of one scale, with the operations as bands. Readings are
//! thinned to what can be seen: of each pixel's worth of time the mean and the peak.

use super::axis::Axis;
use super::canvas::{self, About, Align, Canvas, SMALL, TEXT, WIDTH, fitting, width_of};
use super::{Chart, Subject};
use crate::report::format;
use crate::report::model::Page;
use crate::report::palette::{Ink, Look, Shape};
use crate::results::{Operation, Reading, Results};

const LEFT: f64 = 50.0;
const RIGHT: f64 = WIDTH - 14.0;
const PANEL: f64 = 46.0;
const GAP: f64 = 26.0;
const BUCKETS: usize = 200;
const MEMORY: f64 = 150.0;
const LINE: f64 = 20.0;
/// A narrower band has no tooltips of its own.
const NARROWEST: f64 = 6.0;

/// One process's readings in buckets of time: at, mean and peak CPU, mean memory.
struct Track {
    label: String,
    look: Look,
    points: Vec<Bucket>,
}

#[derive(Clone, Copy)]
struct Bucket {
    at_ms: f64,
    cpu: f64,
    cpu_peak: f64,
    memory: f64,
}

/// A time in which one operation was measured, whichever library's turn it was.
struct Span {
    from_ms: f64,
    to_ms: f64,
    operation: Operation,
}

pub fn draw(subject: &Subject<'_>) -> Option<Chart> {
    let results = subject.index.results;
    let (after, until) = window(results, subject.scale)?;
    let readings: Vec<&Reading> =
        results.timeline.readings.iter().filter(|r| r.at_ms > after && r.at_ms <= until).collect();
    let from = readings.iter().map(|r| r.at_ms).fold(f64::INFINITY, f64::min);
    let to = readings.iter().map(|r| r.at_ms).fold(f64::NEG_INFINITY, f64::max);
    if to <= from {
        return None;
    }
    let tracks = tracks(&readings, subject.page, from, to);
    let spans = spans(results, subject.scale);
    let letters = letters(&spans);
    let time = Axis::linear(from, to, LEFT, RIGHT);
    let top = 40.0;
    let band = 22.0;
    let cpu_top = top + band + 14.0;
    let memory_top = cpu_top + tracks.len() as f64 * (PANEL + GAP) + 30.0;
    let below = tracks.len().div_ceil(2) + letters.len() + 1;
    let height = memory_top + MEMORY + 30.0 + below as f64 * LINE + 16.0;
    let about = About {
        file: format!("chart-{}-timeline.svg", subject.view.slug),
        group: "memory",
        title: format!("CPU and memory over time, {}", subject.items()),
        alt: format!(
            "CPU of one core and memory of each process over {}, with the operations as bands.",
            format::duration_ms(to - from)
        ),
    };
    Some(canvas::draw(about, height, |canvas| {
        bands(canvas, &spans, &time, top, band, (cpu_top, memory_top + MEMORY));
        let most = tracks.iter().flat_map(|t| &t.points).map(|p| p.cpu_peak).fold(100.0, f64::max);
        for (at, track) in tracks.iter().enumerate() {
            let y = cpu_top + at as f64 * (PANEL + GAP);
            cpu(canvas, track, &time, y, most);
            for span in &spans {
                hover(canvas, std::slice::from_ref(track), span, &time, (y, y + PANEL + GAP - 8.0));
            }
        }
        memory(canvas, &tracks, &time, memory_top);
        for span in &spans {
            hover(canvas, &tracks, span, &time, (memory_top, memory_top + MEMORY));
        }
        let minutes = to - from > 180_000.0;
        let (unit, name) = if minutes { (60_000.0, "min") } else { (1000.0, "s") };
        let ticks = Axis::linear(from / unit, to / unit, LEFT, RIGHT);
        for tick in ticks.ticks(6) {
            let x = ticks.place(tick);
            canvas.line((x, memory_top + MEMORY), (x, memory_top + MEMORY + 4.0), Ink::Soft, 1.0);
            let text = format!("{} {name}", format::tick(tick));
            if x < RIGHT - 8.0 {
                canvas.text((x, memory_top + MEMORY + 14.0), &text, Ink::Soft, SMALL, Align::Middle);
            }
        }
        for (at, track) in tracks.iter().enumerate() {
            let x = LEFT + (at % 2) as f64 * (RIGHT - LEFT) / 2.0;
            let y = memory_top + MEMORY + 38.0 + (at / 2) as f64 * LINE;
            canvas.label((x + 6.0, y), track.look, &track.label, 192.0);
        }
        let mut y = memory_top + MEMORY + 42.0 + tracks.len().div_ceil(2) as f64 * LINE;
        for line in
            letters.iter().map(String::as_str).chain(["CPU: area = mean, line = peak; includes waiting for turns"])
        {
            canvas.text((12.0, y), line, Ink::Soft, SMALL, Align::Left);
            y += LINE;
        }
    }))
}

/// The time of one scale: after the last band of the scales before it, until its own last one. What comes after the
/// last scale's bands belongs to that.
fn window(results: &Results, scale: &str) -> Option<(f64, f64)> {
    let end = |of: &str| {
        let bands = results.timeline.bands.iter().filter(|band| band.scale == of);
        bands.map(|band| band.to_ms).fold(f64::NEG_INFINITY, f64::max)
    };
    let scales = &results.settings.scales;
    let at = scales.iter().position(|other| other.name == scale)?;
    let before = scales[..at].iter().map(|other| end(&other.name)).fold(f64::NEG_INFINITY, f64::max);
    let own = end(scale);
    let last = scales[at + 1..].iter().all(|other| !end(&other.name).is_finite());
    own.is_finite().then_some((before, if last { f64::INFINITY } else { own }))
}

/// What the bands' letters stand for, three to a line.
fn letters(spans: &[Span]) -> Vec<String> {
    let seen = Operation::ALL.into_iter().filter(|operation| spans.iter().any(|span| span.operation == *operation));
    let each: Vec<String> = seen.map(|operation| format!("{}: {operation}", &operation.name()[..1])).collect();
    each.chunks(3).map(|three| three.join(", ")).collect()
}

/// What each track did in a span, for a pointer over it.
fn hover(canvas: &mut Canvas, tracks: &[Track], span: &Span, time: &Axis, (top, bottom): (f64, f64)) {
    let (a, b) = (time.place(span.from_ms), time.place(span.to_ms));
    if b - a < NARROWEST {
        return;
    }
    let each = tracks.iter().filter_map(|track| {
        let within = |bucket: &&Bucket| bucket.at_ms >= span.from_ms && bucket.at_ms <= span.to_ms;
        let inside: Vec<&Bucket> = track.points.iter().filter(within).collect();
        let mean = inside.iter().map(|b| b.cpu).sum::<f64>() / inside.len().max(1) as f64;
        let peak = inside.iter().map(|b| b.cpu_peak).fold(0.0, f64::max);
        let memory = inside.iter().map(|b| b.memory).fold(0.0, f64::max);
        (!inside.is_empty()).then(|| {
            let (mean, peak, memory) = (format::number(mean), format::number(peak), format::number(memory));
            format!("{}: CPU {mean}% on average, {peak}% at most, {memory} MiB", track.label)
        })
    });
    let each: Vec<String> = each.collect();
    if !each.is_empty() {
        canvas.hover((a, top), (b, bottom), &format!("{}; {}", span.operation, each.join("; ")));
    }
}

/// The operations' times: a strip with their names, and stripes behind all panels.
fn bands(canvas: &mut Canvas, spans: &[Span], time: &Axis, top: f64, height: f64, (from, to): (f64, f64)) {
    for span in spans {
        let (a, b) = (time.place(span.from_ms), time.place(span.to_ms));
        let odd = span.operation as usize % 2 == 1;
        let hint =
            format!("{}: {} to {}", span.operation, format::duration_ms(span.from_ms), format::duration_ms(span.to_ms));
        canvas.hinted_rect((a, top), (b, top + height), if odd { Ink::Grid } else { Ink::Band }, 1.0, &hint);
        if odd {
            canvas.rect((a, from), (b, to), Ink::Band, 1.0);
        }
        let name = span.operation.name();
        let short = &name[..1];
        let text = if width_of(name, SMALL) < b - a - 4.0 { name } else { short };
        if width_of(text, SMALL) < b - a {
            canvas.text((f64::midpoint(a, b), top + height / 2.0), text, Ink::Text, SMALL, Align::Middle);
        }
    }
}

fn cpu(canvas: &mut Canvas, track: &Track, time: &Axis, top: f64, most: f64) {
    let floor = top + GAP - 8.0 + PANEL;
    let place = |percent: f64| floor - (percent / most).clamp(0.0, 1.0) * PANEL;
    canvas.marker((LEFT + 6.0, top + 8.0), track.look, 4.5, "");
    let label = format!("{}, CPU", fitting(&track.label, TEXT, 220.0));
    canvas.text((LEFT + 18.0, top + 8.0), &label, Ink::Text, TEXT, Align::Left);
    for tick in [0.0, 100.0] {
        canvas.line((LEFT, place(tick)), (RIGHT, place(tick)), Ink::Grid, 1.0);
        canvas.text((LEFT - 5.0, place(tick)), &format!("{tick}%"), Ink::Soft, SMALL, Align::Right);
    }
    let average = track.points.iter().map(|p| p.cpu).sum::<f64>() / track.points.len().max(1) as f64;
    let peak = track.points.iter().map(|p| p.cpu_peak).fold(0.0, f64::max);
    let hint = format!(
        "{}: {}% of a core on average while watched, {}% at most",
        track.label,
        format::number(average),
        format::number(peak)
    );
    for part in parts(&track.points) {
        let x = |bucket: &Bucket| time.place(bucket.at_ms);
        let mut area: Vec<_> = part.iter().map(|b| (x(b), place(b.cpu))).collect();
        if let (Some(first), Some(last)) = (part.first(), part.last()) {
            area.extend([(x(last), floor), (x(first), floor)]);
        }
        canvas.area(&area, track.look.ink, 0.5, &hint);
        let peaks: Vec<_> = part.iter().map(|b| (x(b), place(b.cpu_peak))).collect();
        canvas.path(&peaks, track.look.ink, 1.0);
    }
}

fn memory(canvas: &mut Canvas, tracks: &[Track], time: &Axis, top: f64) {
    let all = || tracks.iter().flat_map(|t| &t.points).map(|p| p.memory).filter(|m| *m > 0.0);
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(1.0, f64::max));
    // A vertical axis: places run upwards.
    let axis = Axis::new(if high / low > 4.0 { low * 0.9 } else { 0.0 }, high * 1.05, top + MEMORY, top);
    let scale = if axis.is_logarithmic() { "Memory, MiB, logarithmic" } else { "Memory, MiB" };
    canvas.text((LEFT, top - 14.0), scale, Ink::Text, TEXT, Align::Left);
    for tick in axis.ticks(5) {
        canvas.line((LEFT, axis.place(tick)), (RIGHT, axis.place(tick)), Ink::Grid, 1.0);
        canvas.text((LEFT - 5.0, axis.place(tick)), &format::tick(tick), Ink::Soft, SMALL, Align::Right);
    }
    for track in tracks {
        for part in parts(&track.points) {
            let line: Vec<_> = part.iter().map(|b| (time.place(b.at_ms), axis.place(b.memory))).collect();
            canvas.path(&line, track.look.ink, 1.8);
        }
        let peak = track.points.iter().copied().reduce(|a, b| if b.memory > a.memory { b } else { a });
        if let Some(peak) = peak {
            let hint = format!("{}: {} MiB at most", track.label, format::number(peak.memory));
            canvas.marker((time.place(peak.at_ms), axis.place(peak.memory)), track.look, 4.5, &hint);
        }
    }
}

fn tracks(readings: &[&Reading], page: &Page, from: f64, to: f64) -> Vec<Track> {
    let of_library = page.libraries.iter().map(|library| (library.id.as_str(), library.label.clone(), library.look));
    let database = ("database", "the database".to_owned(), Look { ink: Ink::Gray, shape: Shape::Ring });
    of_library
        .chain([database])
        .map(|(process, label, look)| {
            let readings = readings.iter().copied().filter(|r| r.process == process);
            Track { label, look, points: thinned(readings, from, to) }
        })
        .filter(|track| !track.points.is_empty())
        .collect()
}

fn thinned<'a>(readings: impl Iterator<Item = &'a Reading>, from: f64, to: f64) -> Vec<Bucket> {
    let mut buckets: Vec<Option<(Bucket, f64)>> = vec![None; BUCKETS];
    for reading in readings {
        let at = ((reading.at_ms - from) / (to - from) * BUCKETS as f64) as usize;
        let (bucket, n) = buckets[at.min(BUCKETS - 1)]
            .get_or_insert((Bucket { at_ms: 0.0, cpu: 0.0, cpu_peak: 0.0, memory: 0.0 }, 0.0));
        bucket.at_ms += reading.at_ms;
        bucket.cpu += reading.cpu_percent;
        bucket.cpu_peak = bucket.cpu_peak.max(reading.cpu_percent);
        bucket.memory += reading.memory_mb;
        *n += 1.0;
    }
    let mean = |(b, n): (Bucket, f64)| Bucket { at_ms: b.at_ms / n, cpu: b.cpu / n, memory: b.memory / n, ..b };
    buckets.into_iter().flatten().map(mean).collect()
}

/// Readings without a long gap between them: a process that ended and came again is two lines.
fn parts(points: &[Bucket]) -> impl Iterator<Item = &[Bucket]> {
    let whole = points.last().zip(points.first()).map_or(0.0, |(last, first)| last.at_ms - first.at_ms);
    let longest = (whole / BUCKETS as f64 * 4.0).max(2_000.0);
    points.chunk_by(move |a, b| b.at_ms - a.at_ms <= longest)
}

/// Bands of the same operation that touch, whichever library's, as one.
fn spans(results: &Results, scale: &str) -> Vec<Span> {
    let mut bands: Vec<_> = results.timeline.bands.iter().filter(|band| band.scale == scale).collect();
    bands.sort_by(|a, b| a.from_ms.total_cmp(&b.from_ms));
    let mut spans: Vec<Span> = Vec::new();
    for band in bands {
        match spans.last_mut() {
            Some(last) if last.operation == band.operation => last.to_ms = last.to_ms.max(band.to_ms),
            _ => spans.push(Span { from_ms: band.from_ms, to_ms: band.to_ms, operation: band.operation }),
        }
    }
    spans
}
