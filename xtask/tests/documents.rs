//! What people type from the documents: each command of the README, of METHODOLOGY, of the CI workflow and of a report is
//! one that the command line takes. By name, each command of the README is run with a short budget.

#[allow(dead_code)] // It serves the faults too.
#[path = "faults/support.rs"]
mod support;

use std::path::Path;
use std::time::Duration;

use clap::Parser as _;
use clap::error::ErrorKind;

use support::{Place, Running, real_root, run};
use xtask::cli::Cli;
use xtask::report;
use xtask::results::reading;

fn read(path: &str) -> String {
    std::fs::read_to_string(real_root().join(path)).unwrap()
}

/// Each command of a document in Markdown or YAML: lines of blocks, and spans of code. In a row of a table a further span
/// that begins with a flag stands for the first one with that flag instead.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut prose = String::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if in_block || line.trim_start().starts_with("- run:") {
            // Behind many spaces stands what it does.
            let line = line.trim().trim_start_matches("- run: ").split("   ").next().unwrap_or_default();
            found.extend(line.starts_with("cargo xtask").then(|| line.to_owned()));
        } else if line.starts_with('|') {
            found.extend(spans(line, true));
        } else {
            prose += line;
            prose.push(' ');
        }
    }
    found.extend(spans(&prose, false));
    found
}

fn spans(line: &str, in_table: bool) -> Vec<String> {
    let spans = line.split('`').skip(1).step_by(2).map(str::trim);
    let mut found: Vec<String> = Vec::new();
    for span in spans {
        if span.starts_with("cargo xtask") {
            found.push(span.to_owned());
        } else if let (true, Some(first)) = (in_table && span.starts_with("--"), found.first()) {
            let command: Vec<&str> = first.split(' ').take(3).collect();
            found.push(format!("{} {span}", command.join(" ")));
        }
    }
    found
}

fn words(command: &str) -> Vec<String> {
    // What stands for something is something.
    let command = command.replace("<id>", "electrodb").replace("BASE.json NEW.json", "a.json b.json");
    let command = command.replace("${{ matrix.scale }}", "small");
    shell_words::split(&command).unwrap().into_iter().skip(1).collect()
}

/// Whether the command line takes it; help is an answer too.
fn check(document: &str, command: &str) {
    if let Err(why) = Cli::try_parse_from(words(command)) {
        let is_help = matches!(why.kind(), ErrorKind::DisplayHelp);
        assert!(is_help, "{document}: {command}: {why}");
    }
}

#[test]
fn every_command_of_the_documents_can_be_typed() {
    for document in ["README.md", "METHODOLOGY.md", "FAULTS.md", ".github/workflows/bench.yml"] {
        let found = commands(&read(document));
        let least = if document == "README.md" { 25 } else { 1 };
        assert!(found.len() >= least, "{document}: {found:?}");
        for command in found {
            check(document, &command);
        }
    }
}

#[test]
fn every_command_of_a_report_can_be_typed() {
    let fixed = Path::new(env!("CARGO_MANIFEST_DIR")).join("findings/tests/golden/results.json");
    let found = commands(&report::step_summary(&reading::load(&fixed).unwrap()).unwrap());
    assert!(found.iter().any(|command| command.contains("--budget")), "{found:?}");
    for command in found {
        check("report", &command);
    }
}

/// What makes a run short.
const SHORT: [&str; 4] = ["--budget=5s", "--rounds=1", "--patience=10ms", "--backend=java"];

/// The README's commands, as they are but for a short budget and one operation, one after the other in one checkout.
#[test]
#[ignore = "takes long"]
fn every_command_of_the_readme_runs() {
    let place = Place::new();
    let latest = place.target().join("bench/latest");
    std::fs::create_dir_all(&place.tmp).unwrap();
    let found = commands(&read("README.md"));
    // What needs another tree, or a commit of this checkout, has tests of its own: `sources` and `gate`.
    let elsewhere = [
        "../",
        "--against",
        "BASE.json",
        "xtask test",
        "selftest",
        "<id>",
        "--ci",
        "--resume",
        "order.json",
        "mine.ts",
    ];
    let runs = |command: &&String| !elsewhere.iter().any(|words| command.contains(words));
    for command in found.iter().filter(runs) {
        let mut words = words(command);
        words.remove(0);
        let is_run = words[0] == "bench" && !words.iter().any(|word| word == "--dry-run");
        if is_run {
            words.retain(|word| word != "10m" && word != "--budget");
            words.extend(SHORT.map(str::to_owned));
            if !words.iter().any(|word| word == "--op") {
                words.push("--op=GetItem".to_owned());
            }
        }
        let words: Vec<String> = words
            .into_iter()
            .map(|word| word.replace("target/bench", &place.target().join("bench").display().to_string()))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if words[0] == "compare" {
            // The latest run is the one that was saved.
            let another = [&["bench", "--op=GetItem", "--orm=aws-sdk", "--orm=electrodb"][..], &SHORT].concat();
            run(place.command(&another)).expect(0);
        }
        println!("{command}");
        let mut running = Running::start(place.command(&words));
        // A large table is seeded for two minutes on a busy machine.
        running.wait_at_most(Duration::from_mins(5));
        let ended = running.end();
        assert!(ended.status.success(), "{command}: {}", ended.stderr);
        assert!(!is_run || latest.join("report.html").is_file(), "{command}");
    }
}
