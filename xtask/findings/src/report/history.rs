//! `cargo xtask history DIR`: each target's CPU per call and latency over the results files in a folder, so that a
//! slow drift is seen. Only runs that can be compared are joined by a line: another machine or another server breaks
//! it. It concludes nothing; that is `compare`'s.

pub mod chart;

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::analysis::compare::{differences, has_recorded_answers};
use crate::report::escape::markdown as escaped;
use crate::report::format::{NOT_MEASURED, number, signed_percent};
use crate::report::text::{self, Column, Table};
use crate::results::reading;
use crate::results::{Database, Environment, Interval, Measurement, Operation, QueryBy, Results};
use crate::system::exit::Exit;
use crate::system::files::write_whole;

/// The runs of a folder, in the order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    pub entries: Vec<Entry>,
    /// A line for each file that could not be read.
    pub skipped: Vec<String>,
    /// By scale, operation and target, in the order in which they first appear.
    pub lines: Vec<Line>,
}

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub run: String,
    pub started_at: String,
    pub commit: Option<String>,
    /// What makes its figures incomparable with those of the run before it.
    pub breaks: Vec<String>,
    /// Runs of the same number can be compared.
    series: usize,
}

/// One operation of one target at one scale, over the runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub scale: String,
    pub operation: Operation,
    pub target: String,
    pub adapter: String,
    pub points: Vec<Point>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Index into the entries.
    pub entry: usize,
    /// Whether it can be compared with the point before it.
    pub joined: bool,
    pub version: Option<String>,
    /// CPU per call, microseconds.
    pub cpu_us: f64,
    pub cpu_ci95: Option<Interval>,
    /// Mean latency, milliseconds; none where it was not measured: of a scan of a large table.
    pub latency_ms: Option<f64>,
    pub latency_ci95: Option<Interval>,
}

/// What is drawn of a [`Point`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    Cpu,
    Latency,
}

impl Figure {
    pub fn title(self) -> &'static str {
        match self {
            Figure::Cpu => "CPU per call, µs",
            Figure::Latency => "mean latency, ms",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Figure::Cpu => "cpu",
            Figure::Latency => "latency",
        }
    }

    pub fn of(self, point: &Point) -> Option<(f64, Option<Interval>)> {
        match self {
            Figure::Cpu => Some((point.cpu_us, point.cpu_ci95)),
            Figure::Latency => Some((point.latency_ms?, point.latency_ci95)),
        }
    }

    pub fn value(self, point: &Point) -> Option<f64> {
        self.of(point).map(|(value, _)| value)
    }
}

/// Of one run, what the history needs; the samples are let go.
struct Seen {
    run: String,
    started_at: String,
    commit: Option<String>,
    environment: Environment,
    database: Database,
    /// Whether the CPU per call is that against recorded answers.
    recorded: bool,
    points: Vec<(String, Operation, String, String, Point)>,
}

/// Reads the results files in a folder (every `*.json`) and in its folders (their `results.json`).
///
/// # Errors
/// [`Exit::BadInput`] where the folder can't be read, or no file in it is a results file.
pub fn history(dir: &Path) -> anyhow::Result<History> {
    let mut skipped = Vec::new();
    let mut seen: Vec<Seen> = Vec::new();
    let mut known = HashSet::new();
    for path in files(dir)? {
        match reading::load(&path) {
            // `latest` points at a run that is there already, and a baseline is a copy of one.
            Ok(results) if !known.insert((results.run.id.clone(), results.run.started_at.clone())) => {}
            Ok(results) => seen.push(reduce(results)),
            Err(why) => skipped.push(format!("skipped {why:#}")),
        }
    }
    if seen.is_empty() {
        let why = skipped.first().map_or_else(String::new, |first| format!("; {first}"));
        return Err(Exit::BadInput(format!("{} holds no results file that can be read{why}", dir.display())).into());
    }
    // RFC 3339 in UTC sorts as text.
    seen.sort_by(|a, b| (&a.started_at, &a.run).cmp(&(&b.started_at, &b.run)));
    Ok(assemble(seen, skipped))
}

fn files(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let unreadable = |why: std::io::Error| Exit::BadInput(format!("reading the folder {}: {why}", dir.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            let inside = path.join("results.json");
            if inside.is_file() {
                files.push(inside);
            }
        } else if path.extension().is_some_and(|end| end == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn reduce(results: Results) -> Seen {
    let targets: BTreeMap<&str, (&str, Option<&String>)> = results
        .targets
        .iter()
        .map(|target| (target.id.as_str(), (target.adapter.as_str(), target.version.as_ref())))
        .collect();
    let points = results
        .measurements
        .iter()
        .filter_map(|one| {
            let (cpu, latency) = (one.cpu.as_ref()?, one.latency_ms.as_ref());
            let (adapter, version) = targets.get(one.target.as_str())?;
            let point = Point {
                entry: 0,
                joined: false,
                version: version.cloned(),
                cpu_us: cpu.micros_per_op,
                cpu_ci95: cpu.micros_per_op_ci95,
                latency_ms: latency.map(|latency| latency.mean),
                latency_ci95: latency.and_then(|latency| latency.mean_ci95),
            };
            let whole = point.cpu_us > 0.0 && point.latency_ms.is_none_or(|ms| ms > 0.0);
            whole.then(|| (scale_of(&results, one), one.operation, one.target.clone(), (*adapter).to_owned(), point))
        })
        .collect();
    Seen {
        recorded: has_recorded_answers(&results),
        points,
        run: results.run.id,
        started_at: results.run.started_at,
        commit: results.run.git_commit,
        environment: results.environment,
        database: results.database,
    }
}

/// The scale of a measurement, with what its items are unless they are those of a usual run: figures of others are other
/// lines.
fn scale_of(results: &Results, one: &Measurement) -> String {
    let settings = &results.settings;
    let shape = match settings.shape_name() {
        "order" => String::new(),
        shape => format!(", {shape}"),
    };
    let query = match settings.query_size() {
        size if size != 20 && one.operation == Operation::Query => format!(", {size} in each Query"),
        _ => String::new(),
    };
    let index = match settings.queried() {
        QueryBy::Table => "",
        QueryBy::Index => ", with an index that Query asks",
    };
    format!("{}{shape}{index}{query}", one.scale)
}

fn assemble(seen: Vec<Seen>, skipped: Vec<String>) -> History {
    let mut entries: Vec<Entry> = Vec::new();
    let mut lines: Vec<Line> = Vec::new();
    // The first run of each series stands for it.
    let mut firsts: Vec<(Environment, Database, bool)> = Vec::new();
    let mut before: Option<(Environment, Database, bool)> = None;
    for (index, one) in seen.into_iter().enumerate() {
        let own = (one.environment, one.database, one.recorded);
        let alike = |other: &(Environment, Database, bool)| {
            let mut why = differences((&other.0, &other.1), (&own.0, &own.1));
            if other.2 != own.2 {
                why.push(
                    "CPU per call is measured against recorded answers in one, against the database in the other"
                        .to_owned(),
                );
            }
            why
        };
        let series = firsts.iter().position(|first| alike(first).is_empty()).unwrap_or_else(|| {
            firsts.push(own.clone());
            firsts.len() - 1
        });
        let breaks = before.as_ref().map(alike).unwrap_or_default();
        entries.push(Entry { run: one.run, started_at: one.started_at, commit: one.commit, breaks, series });
        before = Some(own);
        for (scale, operation, target, adapter, point) in one.points {
            let at = lines
                .iter()
                .position(|line| line.scale == scale && line.operation == operation && line.target == target)
                .unwrap_or_else(|| {
                    lines.push(Line { scale, operation, target, adapter, points: Vec::new() });
                    lines.len() - 1
                });
            let points = &mut lines[at].points;
            let joined = points.last().is_some_and(|last| entries[last.entry].series == series);
            points.push(Point { entry: index, joined, ..point });
        }
    }
    History { entries, skipped, lines }
}

impl History {
    pub fn scales(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        self.lines.iter().map(|line| line.scale.as_str()).filter(|scale| seen.insert(*scale)).collect()
    }

    /// For a terminal of this many columns.
    pub fn terminal(&self, width: usize) -> String {
        let (first, last) = (&self.entries[0], &self.entries[self.entries.len() - 1]);
        let runs = match self.entries.len() {
            1 => format!("1 run, {}", first.started_at),
            many => format!("{many} runs, {} to {}", first.started_at, last.started_at),
        };
        let mut lines = text::wrap(&runs, width, 0, 0);
        lines.extend(self.remarks().iter().flat_map(|line| text::wrap(line, width, 0, 2)));
        for scale in self.scales() {
            let figures = |name: &str, order| {
                let curve = Column::name(name).dispensable(order);
                [curve, Column::figure("now"), Column::figure("change")]
            };
            let figures = figures("CPU per call", 2).into_iter().chain(figures("latency", 1));
            let mut table = Table::new([Column::name("operation"), Column::name("target")].into_iter().chain(figures));
            for line in self.lines.iter().filter(|line| line.scale == scale) {
                let mut cells = vec![line.operation.name().to_owned(), text::shorten(&line.target, 14)];
                for figure in [Figure::Cpu, Figure::Latency] {
                    let now = line.points.last().and_then(|point| figure.value(point));
                    cells.push(sparkline(line, figure, 9));
                    cells.push(now.map_or_else(|| NOT_MEASURED.to_owned(), number));
                    cells.push(changed(line, figure));
                }
                table.row(cells);
            }
            lines.push(String::new());
            lines.extend(text::wrap(&format!("scale {scale}"), width, 0, 0));
            lines.extend(table.terminal(width));
        }
        lines.push(String::new());
        for line in ["CPU in µs, latency in ms; change since the first comparable run", "│ another machine or server"]
        {
            lines.extend(text::wrap(line, width, 0, 2));
        }
        lines.join("\n") + "\n"
    }

    /// Writes `history.md` and its charts into `out`, and gives their paths, the page first.
    ///
    /// # Errors
    /// Where a file can't be written.
    pub fn write(&self, out: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let mut files = vec![out.join("history.md")];
        let mut page = String::from("# History\n\n");
        for line in self.remarks() {
            let _ = writeln!(page, "- {}", escaped(&line));
        }
        for (at, scale) in self.scales().into_iter().enumerate() {
            let _ = writeln!(page, "\n## Scale {}\n", escaped(scale));
            for figure in [Figure::Cpu, Figure::Latency] {
                let chart = chart::draw(self, at, scale, figure);
                write_whole(&out.join(&chart.file), &chart.svg)?;
                let _ = writeln!(page, "![{}]({})\n", escaped(&chart.title), chart.file);
                files.push(out.join(chart.file));
            }
            let mut table = Table::new([
                Column::name("operation"),
                Column::name("target"),
                Column::figure("CPU per call now, µs"),
                Column::figure("change"),
                Column::figure("mean latency now, ms"),
                Column::figure("change"),
            ]);
            for line in self.lines.iter().filter(|line| line.scale == scale) {
                let Some(last) = line.points.last() else { continue };
                table.row([
                    line.operation.name().to_owned(),
                    line.target.clone(),
                    number(last.cpu_us),
                    changed(line, Figure::Cpu),
                    last.latency_ms.map_or_else(|| NOT_MEASURED.to_owned(), number),
                    changed(line, Figure::Latency),
                ]);
            }
            page += &table.markdown();
        }
        let mut runs = Table::new([
            Column::figure("run"),
            Column::name("started"),
            Column::name("id"),
            Column::name("commit"),
            Column::prose("note"),
        ]);
        for (i, entry) in self.entries.iter().enumerate() {
            let commit = entry.commit.as_deref().map_or("", |commit| commit.get(..10).unwrap_or(commit));
            let breaks = if entry.breaks.is_empty() {
                String::new()
            } else {
                format!("not comparable with the run before it: {}", entry.breaks.join("; "))
            };
            runs.row([&(i + 1).to_string(), &entry.started_at, &entry.run, commit, &breaks]);
        }
        let _ = writeln!(page, "\n## Runs\n\n{}", runs.markdown());
        page.push_str("A change is from the first run that can be compared with the last one.\n");
        write_whole(&files[0], page)?;
        Ok(files)
    }

    fn remarks(&self) -> Vec<String> {
        let broken = self.entries.iter().enumerate().filter(|(_, entry)| !entry.breaks.is_empty()).map(|(i, entry)| {
            format!("run {} ({}) breaks the lines: {}", i + 1, entry.started_at, entry.breaks.join("; "))
        });
        broken.chain(self.skipped.iter().cloned()).collect()
    }
}

/// From the first point that can be compared with the last one, without a break between them.
fn change(line: &Line, figure: Figure) -> Option<f64> {
    let start = line.points.iter().rposition(|point| !point.joined)?;
    let (first, last) = (line.points.get(start)?, line.points.last()?);
    if start + 1 == line.points.len() {
        return None;
    }
    Some(figure.value(last)? / figure.value(first)? - 1.0)
}

/// [`change`] as percent.
fn changed(line: &Line, figure: Figure) -> String {
    change(line, figure).map_or_else(|| NOT_MEASURED.to_owned(), signed_percent)
}

/// The last points as blocks, a break as `│`. The scale is the line's own, but never less than ±5% high, so that
/// noise isn't drawn as mountains.
fn sparkline(line: &Line, figure: Figure, width: usize) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let mark = |point: &Point| Some((point.joined, figure.value(point)?.ln()));
    let mut marks: Vec<(bool, f64)> = line.points.iter().filter_map(mark).collect();
    marks.drain(..marks.len().saturating_sub(width));
    let low = marks.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
    let high = marks.iter().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
    let (middle, half) = (f64::midpoint(low, high), ((high - low) / 2.0).max(0.05));
    let mut text = String::new();
    for (i, (joined, value)) in marks.iter().enumerate() {
        if i > 0 && !joined {
            text.push('│');
        }
        let level = ((value - middle + half) / (2.0 * half) * 8.0).floor();
        text.push(BLOCKS[level.clamp(0.0, 7.0) as usize]);
    }
    let surplus = text.chars().count().saturating_sub(width);
    text.chars().skip(surplus).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::summary::summarize;
    use crate::fixture::{Shape, raw};

    fn run(day: u32, change: impl FnOnce(&mut Results)) -> Vec<u8> {
        let shape = Shape { seed: u64::from(day), rounds: 2, slices: 2, samples: 10, ..Shape::small() };
        let mut results = raw(&shape);
        results.run.id = format!("run-{day}");
        results.run.started_at = format!("2026-01-{day:02}T12:00:00Z");
        change(&mut results);
        summarize(&mut results);
        serde_json::to_vec(&results).unwrap()
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: Vec<u8>| write_whole(&folder.path().join(name), bytes).unwrap();
        write("third.json", run(3, |_| {}));
        write("one/results.json", run(1, |_| {}));
        write("one/other.json", b"not looked at".to_vec());
        write("two/results.json", run(2, |_| {}));
        write("copy.json", run(2, |_| {}));
        write("four/results.json", run(4, |results| results.environment.cores = 8));
        write("five/results.json", run(5, |results| results.environment.cores = 8));
        write("broken.json", b"{\"schemaVersion\":1,".to_vec());
        write("notes.txt", b"not looked at".to_vec());
        folder
    }

    #[test]
    fn runs_are_sorted_and_only_comparable_ones_are_joined() {
        let folder = folder();
        let history = history(folder.path()).unwrap();
        let runs: Vec<&str> = history.entries.iter().map(|entry| entry.run.as_str()).collect();
        assert_eq!(runs, ["run-1", "run-2", "run-3", "run-4", "run-5"]);
        assert_eq!(history.skipped.len(), 1);
        assert!(history.skipped[0].contains("broken.json is cut off"), "{:?}", history.skipped);
        assert_eq!(history.lines.len(), 24);
        for line in &history.lines {
            let joined: Vec<bool> = line.points.iter().map(|point| point.joined).collect();
            assert_eq!(joined, [false, true, true, false, true]);
        }
        assert_eq!(history.entries[3].breaks, ["different core counts: 2 and 8"]);
    }

    #[test]
    fn the_table_fits_a_terminal_and_the_page_has_its_charts() {
        let folder = folder();
        let history = history(folder.path()).unwrap();
        let text = history.terminal(80);
        println!("{text}");
        assert!(text.contains("run 4 (2026-01-04T12:00:00Z) breaks the lines: different core counts: 2 and 8"));
        for line in text.lines().filter(|line| !line.starts_with("skipped")) {
            assert!(console::measure_text_width(line) <= 80, "{line}");
        }
        let out = tempfile::tempdir().unwrap();
        let files = history.write(out.path()).unwrap();
        assert_eq!(files.len(), 3);
        for svg in &files[1..] {
            let text = std::fs::read_to_string(svg).unwrap();
            let page = std::fs::read_to_string(&files[0]).unwrap();
            assert!(page.contains(svg.file_name().unwrap().to_str().unwrap()));
            assert!(text.starts_with("<svg ") && text.contains("dynamoose") && !text.contains("NaN"));
            // Each line is drawn in two pieces.
            assert_eq!(text.matches("<polyline ").count(), 24 * 2);
        }
    }

    #[test]
    fn a_rise_is_seen() {
        let points = [100.0, 102.0, 110.0, 130.0].iter().enumerate();
        let points = points.map(|(entry, &cpu_us)| Point {
            entry,
            joined: entry > 0,
            version: None,
            cpu_us,
            cpu_ci95: None,
            latency_ms: Some(1.0),
            latency_ci95: None,
        });
        let mut line = Line {
            scale: "small".to_owned(),
            operation: Operation::GetItem,
            target: "mizzle".to_owned(),
            adapter: "mizzle".to_owned(),
            points: points.collect(),
        };
        assert_eq!(sparkline(&line, Figure::Cpu, 9), "▁▁▃█");
        assert_eq!(sparkline(&line, Figure::Latency, 9), "▅▅▅▅");
        assert!((change(&line, Figure::Cpu).unwrap() - 0.3).abs() < 1e-9);
        line.points[2].joined = false;
        assert_eq!(sparkline(&line, Figure::Cpu, 9), "▁▁│▃█");
        assert!((change(&line, Figure::Cpu).unwrap() - 130.0 / 110.0 + 1.0).abs() < 1e-9);
        line.points[3].joined = false;
        assert_eq!(change(&line, Figure::Cpu), None);
    }

    #[test]
    fn a_scan_without_latency_has_its_cpu_and_recorded_answers_start_a_new_line() {
        let folder = tempfile::tempdir().unwrap();
        for (day, recorded) in [false, true, true].into_iter().enumerate() {
            let operations = vec![Operation::GetItem, Operation::Scan];
            let scales = vec![("large", 100_000)];
            let mut results = raw(&Shape { seed: day as u64, recorded, operations, scales, ..Shape::default() });
            results.run.id = format!("run-{day}");
            results.run.started_at = format!("2026-01-0{}T12:00:00Z", day + 1);
            summarize(&mut results);
            let text = serde_json::to_string(&results).unwrap();
            std::fs::write(folder.path().join(format!("{day}.json")), text).unwrap();
        }
        let history = history(folder.path()).unwrap();
        assert_eq!(history.entries[1].breaks.len(), 1, "{:?}", history.entries[1].breaks);
        assert!(history.entries[2].breaks.is_empty());
        let scan = history.lines.iter().find(|line| line.operation == Operation::Scan).unwrap();
        assert_eq!((scan.points.len(), scan.points[2].latency_ms), (3, None));
        assert!(change(scan, Figure::Cpu).is_some() && change(scan, Figure::Latency).is_none());
        assert!(history.terminal(80).contains('–'));
        let out = tempfile::tempdir().unwrap();
        assert_eq!(history.write(out.path()).unwrap().len(), 3);
    }

    #[test]
    fn a_folder_without_results_is_bad_input() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("none")] {
            let why = history(&path).unwrap_err();
            assert_eq!(crate::system::exit::code_of(&why), 2, "{why:#}");
        }
    }
}
