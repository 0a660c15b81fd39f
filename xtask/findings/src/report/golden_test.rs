//! What people see, against golden files made from a fixed results file, and against what must hold of any report:
//! every promised figure is in it, hostile text stays text, what was not measured is never 0.
//!
//! `UPDATE_GOLDEN=1 cargo test -p findings report` writes the golden files anew: look at the difference before committing it.
//! The fixed results themselves are written anew by `cargo test -p findings write_the_fixed_results -- --ignored`.

use std::fs;

use super::*;
use crate::analysis::summary::summarize;
use crate::fixture::{Shape, raw};
use crate::report::model::Criterion;
use crate::report::palette::Ink;
use crate::results::{Failure, Measurement, Operation, QueryBy, RunStatus, TargetStatus, ThroughputPhase, Verdict};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

#[test]
#[ignore = "writes the fixed results anew"]
fn write_the_fixed_results() {
    let mut results = raw(&Shape { rounds: 3, slices: 2, samples: 20, recorded: true, ..Shape::default() });
    results.run.duration_s = 161.2;
    // Something to warn of: one process had not settled.
    let dynamoose =
        results.measurements.iter_mut().find(|m| m.target == "dynamoose" && m.operation == Operation::Query);
    dynamoose.unwrap().per_round[0].warm_up.settled = false;
    summarize(&mut results);
    fs::write(folder().join("results.json"), serde_json::to_string(&results).unwrap() + "\n").unwrap();
}

/// The fixed results: two scales, four libraries, six operations, three rounds; made up, and summarised once.
pub fn fixed() -> Results {
    serde_json::from_slice(&fs::read(folder().join("results.json")).unwrap()).unwrap()
}

fn markdown(results: &Results) -> String {
    rendered("report.md", results)
}

fn html(results: &Results) -> String {
    rendered("report.html", results)
}

fn rendered(name: &str, results: &Results) -> String {
    let page = model::page(results);
    template::render(name, &page, &charts::draw(results, &page)).unwrap()
}

fn check(name: &str, text: &str) {
    let path = folder().join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        write_whole(&path, text).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    for (at, (now, then)) in text.lines().zip(golden.lines()).enumerate() {
        assert_eq!(now, then, "{name}, line {}", at + 1);
    }
    assert_eq!(text.lines().count(), golden.lines().count(), "the number of lines of {name}");
}

/// The page without its charts, styles and script, which are looked at elsewhere.
fn without_blobs(html: &str) -> String {
    let mut text = html.to_owned();
    for (from, to) in [("<svg xmlns", "</svg>"), ("<style>", "</style>"), ("<script>", "</script>")] {
        while let Some(start) = text.find(from) {
            let end = start + text[start..].find(to).unwrap() + to.len();
            text.replace_range(start..end, "…");
        }
    }
    text
}

/// How many cells each row of each table has; all rows of a table must have as many.
fn tables_are_whole(markdown: &str) {
    let mut cells = None;
    for line in markdown.lines() {
        if !line.starts_with('|') {
            cells = None;
            continue;
        }
        let unescaped = line.replace("\\\\", "").replace("\\|", "").matches('|').count();
        assert_eq!(*cells.get_or_insert(unescaped), unescaped, "a row with another number of cells: {line}");
        assert!(line.ends_with('|'), "{line}");
    }
}

/// Markdown without its blocks and spans of code, which show what is in them.
fn without_code(markdown: &str) -> String {
    let mut fence: Option<&str> = None;
    let mut text = String::new();
    for line in markdown.lines() {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match fence {
            Some(open) if line == open => fence = None,
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => text.extend(line.split("``").step_by(2).chain(["\n"])),
            Some(_) => {}
        }
    }
    assert_eq!(fence, None, "a block that doesn't end");
    text
}

#[test]
fn the_report_is_as_it_was() {
    let results = fixed();
    check("report.md", &markdown(&results));
    check("report.html", &without_blobs(&html(&results)));
    check("terminal.txt", &terminal_summary(&results, 80, false));
}

#[test]
fn rendering_twice_gives_the_same_files_and_all_that_are_linked() {
    let (results, out) = (fixed(), tempfile::tempdir().unwrap());
    let first = render(&results, out.path()).unwrap();
    let before: Vec<_> = first.iter().map(|path| fs::read(path).unwrap()).collect();
    let second = render(&results, out.path()).unwrap();
    assert_eq!(first, second);
    assert_eq!(before, second.iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>());
    let report = fs::read_to_string(out.path().join("report.md")).unwrap();
    let linked: Vec<&str> = report.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(linked.len() >= 9, "{linked:?}");
    // Pages elsewhere stand in angle brackets.
    for file in linked.into_iter().filter(|file| !file.starts_with("<https://")) {
        assert!(out.path().join(file).is_file(), "{file} is linked and not there");
    }
}

#[test]
fn every_promised_figure_is_in_the_report_and_on_the_page() {
    let results = fixed();
    // On the page no line breaks within an interval.
    let (report, page) = (markdown(&results), html(&results).replace('\u{a0}', " "));
    for m in &results.measurements {
        let items = format::count(m.items.into());
        let section = |title: &str| {
            let heading = format!("### {title} at {items} items");
            let start = report.find(&heading).unwrap_or_else(|| panic!("no {heading}"));
            let end = report[start + 4..].find("\n##").map_or(report.len(), |end| start + 4 + end);
            // The best is bold.
            report[start..end].replace("**", "")
        };
        for (title, figure) in figures(m).into_iter().filter(|(_, figure)| figure != format::NOT_MEASURED) {
            assert!(section(title).contains(&figure), "{title} of {} {}: {figure}", m.target, m.operation);
            assert!(page.contains(&figure), "{figure} is not on the page");
        }
        let peak = section("All figures").contains("CPU peak");
        let glance = at_a_glance(m, peak);
        assert!(section("All figures").contains(&glance), "{} {}: {glance}", m.target, m.operation);
    }
}

/// All that is promised of a measurement but its ratio, in one row of one table; the CPU's peak where the scale has any.
fn at_a_glance(m: &Measurement, peak: bool) -> String {
    let (latency, cpu, memory) = (m.latency_ms.as_ref(), m.cpu.as_ref(), m.memory_mb.as_ref());
    let mut figures = vec![
        latency.map(|l| l.mean),
        latency.and_then(|l| l.p95),
        latency.and_then(|l| l.p99),
        m.throughput.as_ref().map(|t| t.ops_per_sec),
        cpu.and_then(|c| c.percent_avg),
        cpu.and_then(|c| c.percent_peak),
        memory.map(|m| m.avg),
        memory.map(|m| m.peak),
    ];
    if !peak {
        assert_eq!(figures.remove(5), None);
    }
    format!(" {} |", figures.into_iter().map(format::optional).collect::<Vec<_>>().join(" | "))
}

/// What the project promises of each measurement, as the report writes it.
fn figures(m: &Measurement) -> Vec<(&'static str, String)> {
    let (latency, cpu, memory) = (m.latency_ms.as_ref(), m.cpu.as_ref(), m.memory_mb.as_ref());
    let mut figures = Vec::new();
    let mut add = |title, value: Option<f64>, interval| {
        figures.push((title, value.map_or_else(|| "–".to_owned(), |value| format::estimate(value, interval))));
    };
    add("Latency", latency.map(|l| l.mean), latency.and_then(|l| l.mean_ci95));
    add("Latency", latency.and_then(|l| l.p95), latency.and_then(|l| l.p95_ci95));
    add("Latency", latency.and_then(|l| l.p99), latency.and_then(|l| l.p99_ci95));
    let throughput = m.throughput.as_ref();
    add("Throughput", throughput.map(|t| t.ops_per_sec), throughput.and_then(|t| t.ci95));
    add("CPU", cpu.map(|c| c.micros_per_op), cpu.and_then(|c| c.micros_per_op_ci95));
    add("CPU", cpu.and_then(|c| c.as_used_micros_per_op), cpu.and_then(|c| c.as_used_micros_per_op_ci95));
    let allocation = m.allocation.as_ref();
    let kilobytes = allocation.and_then(|a| a.bytes_per_op_ci95).map(|ends| ends.map(|end| end / 1e3));
    add("Allocation", allocation.map(|a| a.bytes_per_op / 1e3), kilobytes);
    add("CPU", cpu.and_then(|c| c.percent_avg), None);
    add("CPU", cpu.and_then(|c| c.percent_peak), None);
    add("Memory", memory.map(|m| m.avg), None);
    add("Memory", memory.map(|m| m.peak), memory.and_then(|m| m.peak_ci95));
    figures
}

/// The fixed results with text that tries to break out wherever text from outside stands.
fn hostile() -> Results {
    let mut results = fixed();
    let evil =
        "</script></style></title><script>alert(1)</script>|`x`\n\n# h *b* [l](javascript:alert(1)) \u{1b}[2J&amp;";
    let long = "very long reason ".repeat(20_000);
    let rename = |id: &mut String, from: &str| {
        if id == from {
            evil.clone_into(id);
        }
    };
    for target in &mut results.targets {
        rename(&mut target.id, "mizzle");
        if target.id == evil {
            evil.clone_into(&mut target.name);
            evil.clone_into(&mut target.spec);
            target.version = Some(evil.to_owned());
        }
        if target.id == "electrodb" {
            target.status = TargetStatus::Failed;
            target.reason = Some(format!("```\n{evil}\n{long}"));
        }
    }
    for m in &mut results.measurements {
        rename(&mut m.target, "mizzle");
        rename(&mut m.scale, "large");
        m.warnings.push(evil.to_owned());
        if m.target == "dynamoose" {
            m.failure = Some(Failure { stage: evil.to_owned(), cause: long.clone() });
            m.latency_ms = None;
        }
    }
    for scale in &mut results.settings.scales {
        rename(&mut scale.name, "large");
    }
    results.cold_starts.iter_mut().for_each(|cold| rename(&mut cold.target, "mizzle"));
    for values in &mut results.values {
        rename(&mut values.target, "mizzle");
        for outcome in &mut values.outcomes {
            for text in [&mut outcome.detail, &mut outcome.stored_type, &mut outcome.stored] {
                *text = Some(evil.to_owned());
            }
        }
    }
    results.timeline.readings.iter_mut().for_each(|reading| rename(&mut reading.process, "mizzle"));
    for round in &mut results.schedule {
        rename(&mut round.scale, "large");
        round.order.iter_mut().for_each(|id| rename(id, "mizzle"));
    }
    for disturbance in &mut results.disturbances {
        evil.clone_into(&mut disturbance.detail);
        disturbance.serious = true;
    }
    let run = &mut results.run;
    run.status = RunStatus::Failed;
    run.reason = Some(long);
    for text in [&mut run.command, &mut run.id, &mut run.started_at] {
        evil.clone_into(text);
    }
    run.git_commit = Some("é".repeat(30));
    results.environment.cpu_model = evil.to_owned();
    results.database.version = Some(evil.to_owned());
    results
}

#[test]
fn hostile_text_is_text_in_markdown_and_breaks_no_table() {
    let report = markdown(&hostile());
    tables_are_whole(&report);
    let text = without_code(&report);
    assert!(!text.contains("<script"), "a tag came through");
    assert!(!text.replace("\\]", "").contains("](javascript"), "a link came through");
    assert!(!report.contains('\u{1b}'));
    assert!(report.contains("&lt;script&gt;alert(1)&lt;/script&gt;\\|\\`x\\`"));
    assert!(report.len() < 200_000, "a long reason is cut: {}", report.len());
    tables_are_whole(&markdown(&fixed()));
}

#[test]
fn hostile_text_is_text_on_the_page_and_in_the_charts() {
    let (results, out) = (hostile(), tempfile::tempdir().unwrap());
    let page = html(&results);
    assert_eq!(page.matches("<script").count(), 1, "the page's own script alone");
    assert_eq!(page.matches("</script").count(), 1);
    assert_eq!(page.matches("</style").count(), 1);
    assert!(page.contains("&lt;script&gt;alert(1)"));
    for file in render(&results, out.path()).unwrap() {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'.'), "{name}");
        if file.extension().is_some_and(|end| end == "svg") {
            let text = fs::read_to_string(&file).unwrap();
            let svg = roxmltree::Document::parse(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
            let allowed = ["svg", "title", "desc", "style", "rect", "line", "circle", "polygon", "polyline", "text"];
            for node in svg.descendants().filter(roxmltree::Node::is_element) {
                assert!(allowed.contains(&node.tag_name().name()), "{name} has a {}", node.tag_name().name());
            }
        }
    }
}

#[test]
fn hostile_text_moves_no_cursor_and_fits_the_terminal() {
    for results in [hostile(), fixed()] {
        for width in [40, 60, 80, 120] {
            let text = terminal_summary(&results, width, false);
            assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
            for line in text.lines() {
                assert!(console::measure_text_width(line) <= width, "{width}: {line}");
            }
        }
    }
}

#[test]
fn a_query_by_index_has_that_name_wherever_its_figures_are() {
    let mut results = fixed();
    results.settings.shape = Some("record".to_owned());
    results.settings.query_by = Some(QueryBy::Index);
    let text = markdown(&results);
    assert!(text.contains("record items, 20 in each Query by index"), "{text}");
    assert!(!text.lines().any(|line| line.starts_with("| Query |")), "{text}");
    let cells = |name: &str, text: &str| {
        let rows = text.lines().filter_map(|line| line.strip_prefix(name)).map(str::to_owned);
        rows.collect::<Vec<_>>()
    };
    assert_eq!(cells("| Query by index |", &text), cells("| Query |", &markdown(&fixed())), "the figures are the same");
}

#[test]
fn charts_are_small_well_formed_and_say_what_they_show() {
    let mut results = fixed();
    let reading = results.timeline.readings[0].clone();
    let many = (0..200_000).map(|n| {
        let mut reading = reading.clone();
        reading.at_ms += f64::from(n) * 20.0;
        reading.cpu_percent = f64::from(n % 180);
        reading
    });
    results.timeline.readings.extend(many);
    let page = model::page(&results);
    let charts = charts::draw(&results, &page);
    assert_eq!(charts.all().count(), 12);
    for chart in charts.all() {
        assert!(chart.svg.len() < 200_000, "{} has {} bytes", chart.file, chart.svg.len());
        let svg = roxmltree::Document::parse(&chart.svg).unwrap_or_else(|why| panic!("{}: {why}", chart.file));
        let said = |tag: &str| {
            svg.root_element().children().any(|node| node.has_tag_name(("http://www.w3.org/2000/svg", tag)))
        };
        assert!(said("title") && said("desc"), "{}", chart.file);
        assert!(chart.svg.contains("prefers-color-scheme:dark"));
        for label in ["AWS SDK", "Mizzle", "Dynamoose", "ElectroDB"] {
            assert!(chart.svg.contains(label), "{} doesn't name {label}", chart.file);
        }
        for colour in chart.svg.split("=\"#").skip(1).filter_map(|rest| rest.get(..6)) {
            let known = Ink::ALL.iter().any(|ink| ink.colours().0[1..] == *colour);
            assert!(known, "{}: #{colour} is a code that was not put right", chart.file);
        }
        assert!(!chart.svg.contains("NaN"), "{}", chart.file);
    }
}

#[test]
fn throughput_against_concurrency_is_there_where_several_were_measured() {
    let mut results = raw(&Shape::small());
    results.settings.more_concurrencies = vec![1, 4];
    for round in results.measurements.iter_mut().flat_map(|one| &mut one.per_round) {
        let Some(phase) = round.throughput.clone() else { continue };
        let slower =
            |concurrency, times| ThroughputPhase { concurrency, wall_ms: phase.wall_ms * times, ..phase.clone() };
        round.more_throughput = vec![slower(1, 2.0), slower(4, 1.25)];
    }
    summarize(&mut results);
    for one in &results.measurements {
        let rates: Vec<f64> = one.throughputs().map(|throughput| throughput.ops_per_sec).collect();
        let [sixteen, alone, four] = rates[..] else { panic!("{rates:?}") };
        assert!((alone * 2.0 / sixteen - 1.0).abs() < 1e-9 && (four * 1.25 / sixteen - 1.0).abs() < 1e-9, "{rates:?}");
        assert!(one.more_throughput.iter().all(|throughput| throughput.ci95.is_some()));
    }
    let report = markdown(&results);
    tables_are_whole(&report);
    assert!(
        report.contains("\n| Operation | Library | 1 in flight, ops/s | 4 in flight, ops/s | 16 in flight, ops/s |\n")
    );
    let charts = charts::draw(&results, &model::page(&results));
    let chart = charts.all().find(|chart| chart.file == "chart-small-concurrency.svg").unwrap();
    assert_eq!(chart.svg.matches("<polyline").count(), 24, "a line for each library and operation");
    assert!(!markdown(&fixed()).contains("against concurrency"));
}

#[test]
fn warnings_of_one_kind_are_one_line() {
    let mut results = fixed();
    for (n, m) in results.measurements.iter_mut().enumerate() {
        m.warnings = vec![format!("{n} of 1,000 calls took long"), "it had not settled".to_owned()];
        m.warning_kinds = vec!["outliers".to_owned(), "not-settled".to_owned()];
    }
    let report = markdown(&results);
    let lines: Vec<&str> = report.lines().filter(|line| line.contains("took long")).collect();
    let first = "- 0 of 1,000 calls took long: AWS SDK PutItem (small); similarly: Mizzle PutItem (small),";
    assert!(
        lines.len() == 1 && lines[0].starts_with(first) && lines[0].contains(" and 41 more. **To do:** "),
        "{lines:?}"
    );
    assert_eq!(report.matches("it had not settled").count(), 1);
}

#[test]
fn each_scale_has_its_own_time_line() {
    let results = fixed();
    let page = model::page(&results);
    let charts = charts::draw(&results, &page);
    let hints = |at: usize| {
        let chart = charts.scales[at].iter().find(|chart| chart.file.ends_with("timeline.svg")).unwrap();
        let svg = roxmltree::Document::parse(&chart.svg).unwrap();
        let titles = svg.descendants().filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "title")));
        titles.filter_map(|node| node.text().map(str::to_owned)).collect::<Vec<_>>()
    };
    let (small, large) = (hints(0), hints(1));
    assert!(small.iter().any(|hint| hint.starts_with("Query; ")), "{small:?}");
    assert!(large.iter().any(|hint| hint.starts_with("Scan; ") && hint.contains("Dynamoose: CPU ")), "{large:?}");
    let bands = |hints: &[String]| hints.iter().filter(|hint| hint.contains(" to ")).cloned().collect::<Vec<_>>();
    assert_eq!((bands(&small).len(), bands(&large).len()), (18, 18), "six operations in three rounds");
    assert!(bands(&small).iter().all(|band| !bands(&large).contains(band)));
}

#[test]
fn what_was_not_measured_is_a_dash_and_never_0() {
    let mut file = serde_json::to_value(fixed()).unwrap();
    for m in file["measurements"].as_array_mut().unwrap() {
        let m = m.as_object_mut().unwrap();
        for field in ["allocation", "latencyMs", "throughput", "cpu", "memoryMb", "work", "vsBaseline", "failure"] {
            m.remove(field);
        }
        m["perRound"] = serde_json::json!([]);
    }
    for field in ["databaseUsage", "coldStarts", "disturbances", "schedule"] {
        file[field] = serde_json::json!([]);
    }
    file["timeline"] = serde_json::json!({ "readings": [], "bands": [] });
    file.as_object_mut().unwrap().remove("harnessCpuPercent");
    let results: Results = serde_json::from_value(file).unwrap();
    let report = markdown(&results);
    tables_are_whole(&report);
    assert!(report.contains("This run has no figures."), "{report}");
    let figures = report.split("## How it was measured").next().unwrap();
    assert!(!figures.contains(" – |"), "no table of dashes: {report}");
    let mut results = fixed();
    let of_mizzle = |m: &&mut Measurement| m.target == "mizzle" && m.operation == Operation::GetItem;
    for m in results.measurements.iter_mut().filter(of_mizzle) {
        (m.latency_ms, m.throughput, m.cpu, m.memory_mb, m.work, m.vs_baseline) = (None, None, None, None, None, None);
        m.allocation = None;
        m.failure = Some(Failure { stage: "measure".to_owned(), cause: "1 of 20 calls threw".to_owned() });
    }
    let report = markdown(&results);
    tables_are_whole(&report);
    assert!(
        report.contains("|  | Mizzle | measure: 1 of 20 calls threw |  |"),
        "one reason, not a row of dashes: {report}"
    );
    assert!(html(&results).contains(">measure: 1 of 20 calls threw</td></tr>"));
    assert!(terminal_summary(&results, 80, false).contains('–'));
}

#[test]
fn a_run_without_recorded_answers_has_no_columns_of_what_they_show() {
    let mut results = raw(&Shape::small());
    summarize(&mut results);
    let report = markdown(&results);
    tables_are_whole(&report);
    assert!(!report.contains("Allocation") && !report.contains("allocated") && !report.contains("as used"), "{report}");
    assert!(!terminal_summary(&results, 80, false).contains("KB"));
}

#[test]
fn what_is_special_about_recorded_answers_is_said_under_the_table() {
    let report = markdown(&fixed());
    assert!(report.contains("Scan was recorded on 10,000 of the table's 100,000 items"));
    assert!(report.contains("The Query requests of Dynamoose differ from call to call"));
    assert!(report.contains("Scan was not timed against the database at this scale"));
    assert!(report.contains("bundled by esbuild 0.28.2"));
}

#[test]
fn an_empty_run_renders() {
    let mut results = fixed();
    results.targets.clear();
    results.measurements.clear();
    results.settings.scales.clear();
    results.run.status = RunStatus::Interrupted;
    assert!(markdown(&results).contains("Interrupted run"));
    html(&results);
    terminal_summary(&results, 80, true);
}

#[test]
fn a_missing_library_is_named_first_with_what_fixes_it_and_has_no_row_of_dashes() {
    let mut results = fixed();
    results.run.status = RunStatus::Incomplete;
    let mizzle = results.targets.iter_mut().find(|target| target.id == "mizzle").unwrap();
    mizzle.status = TargetStatus::Unavailable;
    mizzle.version = None;
    mizzle.reason = Some("npm can't deliver it: code E404; Not Found\nnpm error more words".to_owned());
    for m in results.measurements.iter_mut().filter(|m| m.target == "mizzle") {
        (m.latency_ms, m.throughput, m.cpu, m.memory_mb, m.work, m.vs_baseline) = (None, None, None, None, None, None);
        m.per_round.clear();
    }
    let report = markdown(&results);
    let banner = report.find("> **Not every library is in this run.**\n").unwrap();
    let answer = report.find("What one call costs the client").unwrap();
    assert!(banner < answer);
    let line = report.lines().find(|line| line.starts_with("> - **Mizzle**")).unwrap();
    assert!(line.contains("not in this run: npm can't deliver it: code E404. To fix it: "), "{line}");
    assert!(line.ends_with("`cargo xtask bench --mizzle SPEC`"), "{line}");
    assert!(report.contains("npm error more words"), "all of its words further down");
    assert!(report.contains("- **Not measured:** Mizzle: npm could not install it."));
    tables_are_whole(&report);
    assert!(!report.contains("not installed)"), "no column of dashes: {report}");
    assert!(
        report.contains("- **Cheapest library:** At 1,000 items: ElectroDB in all six operations, "),
        "of those that are there: {report}"
    );
    assert_eq!(
        report.lines().filter(|line| line.starts_with("| Mizzle ")).count(),
        1,
        "in the list of libraries alone"
    );
    let terminal = terminal_summary(&results, 80, false);
    assert!(terminal.lines().all(|line| !line.starts_with("  Mizzle  ")), "{terminal}");
    assert!(terminal.contains("Not every library is in this run") && terminal.contains("--mizzle SPEC"));
    assert!(html(&results).contains("class=\"banner\""));
}

#[test]
fn a_winner_is_marked_only_where_it_is_clear() {
    let mut results = fixed();
    let marks = |results: &Results| terminal_summary(results, 80, false).matches("★").count();
    for m in &mut results.measurements {
        if let Some(versus) = &mut m.vs_baseline {
            versus.cpu_ratio_ci95 = Some([0.9, 3.0]);
        }
    }
    assert_eq!(marks(&results), 0, "all intervals overlap");
    assert!(markdown(&results).contains("This run cannot say which library is cheapest."));
    for m in &mut results.measurements {
        if let Some(versus) = &mut m.vs_baseline {
            versus.cpu_ratio_ci95 = Some(if m.target == "mizzle" { [1.09, 1.11] } else { [1.2, 1.3] });
            versus.cpu_verdict = Verdict::Slower;
        }
    }
    assert_eq!(marks(&results), 1 + 12, "Mizzle in each operation at both scales, and the legend's");
    let best = |results: &Results, operation| {
        let (index, page) = (model::Index::new(results), model::page(results));
        let best = model::best(&index, &page.libraries, "small", operation, Criterion::Cpu);
        best.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(best(&results, Operation::Query), ["mizzle"]);
    for m in results.measurements.iter_mut().filter(|m| m.target == "electrodb") {
        m.vs_baseline.as_mut().unwrap().cpu_ratio_ci95 = Some([1.10, 1.15]);
    }
    assert_eq!(best(&results, Operation::Query), ["mizzle", "electrodb"], "none is starred alone where two overlap");
    let text = terminal_summary(&results, 80, false);
    assert_eq!(text.matches("★ ").count(), 1 + 24, "{text}");
    assert!(text.lines().all(|line| line.contains("library") || !(line.contains('★') && line.contains('?'))), "{text}");
    assert!(
        markdown(&results).contains("Mizzle or ElectroDB in all six operations, which this run cannot distinguish")
    );
    for m in results.measurements.iter_mut().filter(|m| m.target == "electrodb") {
        m.vs_baseline.as_mut().unwrap().cpu_ratio_ci95 = None;
    }
    assert_eq!(best(&results, Operation::Query), Vec::<String>::new(), "a rival without an interval could be anywhere");
}

#[test]
fn an_inconclusive_ratio_is_a_range_and_one_without_a_verdict_says_so() {
    let mut results = fixed();
    for versus in results.measurements.iter_mut().filter_map(|m| m.vs_baseline.as_mut()) {
        (versus.cpu_ratio, versus.cpu_ratio_ci95) = (1.02, Some([0.951, 1.094]));
        versus.cpu_verdict = Verdict::Unclear;
    }
    let report = markdown(&results);
    assert!(report.contains("| ×0.95 to ×1.09 | ×0.95 to ×1.09 | ×0.95 to ×1.09 |"), "{report}");
    assert!(report.contains(
        "- **Inconclusive:** At 1,000 and 100,000 items: whether Mizzle (in all six operations), Dynamoose (in all six operations) and \
         ElectroDB (in all six operations) cost more or less than the bare AWS SDK."
    ), "{report}");
    assert!(report.contains("- **To settle it:** A run that measures each scale for longer"), "{report}");
    assert!(terminal_summary(&results, 100, false).contains("  ×0.95–1.09"));
    for versus in results.measurements.iter_mut().filter_map(|m| m.vs_baseline.as_mut()) {
        (versus.cpu_ratio, versus.cpu_ratio_ci95) = (1.2, Some([1.1, 1.3]));
    }
    let report = markdown(&results);
    assert!(report.contains("| ×1.10 to ×1.30 (no verdict) |"));
    assert!(
        report.contains("a process had not settled, or there were fewer than three rounds."),
        "another rule's file"
    );
    assert!(terminal_summary(&results, 100, false).contains("×1.10–1.30 ?"));
}

#[test]
fn the_reason_why_there_is_no_verdict_stands_where_it_is_missing() {
    let said = |change: fn(&mut Measurement)| {
        let mut results = fixed();
        results.measurements.iter_mut().for_each(change);
        summarize(&mut results);
        let (report, terminal) = (markdown(&results), terminal_summary(&results, 80, false));
        assert!(!report.contains("see the warnings"), "{report}");
        [report, terminal.split_whitespace().collect::<Vec<_>>().join(" ")]
    };
    for text in said(|m| m.per_round.truncate(2)) {
        assert!(text.contains("No verdict on") && text.contains(": only 2 rounds."), "{text}");
    }
    let [report, terminal] = said(|m| {
        if m.target == "aws-sdk" && m.operation == Operation::Scan {
            m.per_round[..2].iter_mut().for_each(|round| round.warm_up.settled = false);
        }
    });
    let why = "2 of 3 processes of AWS SDK had not settled";
    assert!(terminal.contains(&format!("in Scan: {why}.")), "{terminal}");
    assert!(report.contains(&format!("no verdict: 1 of 3 processes had not settled; {why}.")), "{report}");
}

#[test]
fn one_library_alone_shows_what_it_costs_and_what_to_do_for_a_comparison() {
    let mut results = fixed();
    results.targets.retain(|target| target.id == "electrodb");
    results.targets[0].baseline = true;
    results.measurements.retain(|m| m.target == "electrodb");
    for m in &mut results.measurements {
        m.vs_baseline = None;
    }
    let report = markdown(&results);
    tables_are_whole(&report);
    assert!(report.contains("- **Measured:** ElectroDB alone. At 1,000 items: A call costs "), "{report}");
    assert!(report.contains("`cargo xtask bench --orm electrodb --orm aws-sdk`"), "{report}");
    assert!(report.contains("CPU per call, µs"), "{report}");
    let terminal = terminal_summary(&results, 80, false);
    assert!(!terminal.contains("CPU ratio"), "a column without a ratio: {terminal}");
    html(&results);
}

#[test]
fn a_cheapest_library_whose_ratio_the_database_does_not_confirm_is_named_so() {
    let mut results = fixed();
    let said = |results: &Results| model::page(results).answer.points.remove(0).text;
    assert!(!said(&results).contains("disagree"));
    let of_electrodb =
        |m: &&mut Measurement| m.target == "electrodb" && m.scale == "small" && m.operation == Operation::Query;
    for m in results.measurements.iter_mut().filter(of_electrodb) {
        m.warning_kinds = vec!["cpu-ratios-disagree".to_owned()];
    }
    let words = "For ElectroDB in Query, recorded answers and the database disagree.";
    assert!(said(&results).contains(words), "{}", said(&results));
}

#[test]
fn a_single_round_is_spoken_of_once_with_the_command_for_more() {
    let mut results = fixed();
    results.disturbances.clear();
    for m in &mut results.measurements {
        m.rounds = 1;
        m.warning_kinds.clear();
        if let Some(versus) = &mut m.vs_baseline {
            (versus.cpu_ratio_ci95, versus.cpu_verdict) = (None, Verdict::Unclear);
        }
    }
    let points = model::page(&results).answer.points;
    let [compared, settle] = &points[..] else { panic!("{points:#?}") };
    assert_eq!((compared.head.as_str(), settle.head.as_str()), ("Compared with the bare AWS SDK", "To settle it"));
    assert_eq!(compared.text.matches("in a single round").count(), 2, "once for each scale: {}", compared.text);
    let each = ["Mizzle took ×", ", Dynamoose ×", " and ElectroDB ×"];
    assert!(each.iter().all(|library| compared.text.matches(library).count() == 2), "{}", compared.text);
    assert!(settle.command.contains(" --budget "), "{settle:?}");
}

#[test]
fn what_is_no_published_version_is_named_before_any_figure() {
    let results = fixed();
    let said = "Mizzle is a working tree (../mizzle at 0123456, with uncommitted changes), not a published version.";
    for (name, text) in [
        ("report.md", markdown(&results)),
        ("report.html", html(&results).replace("&#x2f;", "/")),
        ("terminal", terminal_summary(&results, 80, false).replace('\n', " ")),
    ] {
        let at = text.find(said).unwrap_or_else(|| panic!("{name} does not say it"));
        assert!(at < text.find("CPU µs").or(text.find("<table")).unwrap_or(text.len()), "{name}");
    }
}

#[test]
fn without_the_bare_sdk_the_baseline_is_named() {
    let mut results = fixed();
    results.targets.retain(|target| matches!(target.id.as_str(), "electrodb" | "dynamoose"));
    results.targets.iter_mut().for_each(|target| target.baseline = target.id == "electrodb");
    results.measurements.retain(|m| matches!(m.target.as_str(), "electrodb" | "dynamoose"));
    for m in results.measurements.iter_mut().filter(|m| m.target == "electrodb") {
        m.vs_baseline = None;
    }
    let report = markdown(&results);
    assert!(report.contains("The bare AWS SDK is not in this run, so ElectroDB is the baseline."), "{report}");
    assert!(report.contains("- **Compared with ElectroDB:** "), "{report}");
}

#[test]
fn colour_is_only_where_it_is_asked_for() {
    let results = fixed();
    assert!(terminal_summary(&results, 80, true).contains("\u{1b}["));
    assert!(!terminal_summary(&results, 80, false).contains('\u{1b}'));
}
