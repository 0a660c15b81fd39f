//! The TypeScript side of the protocol, `benchmark/src/protocol.ts`, made from the Rust types.
//!
//! `UPDATE_GOLDEN=1 cargo test -p workers protocol && npm run --prefix benchmark format` writes it anew. It is formatted as
//! the rest of the TypeScript is, so that what is compared is the text without layout.

use std::fmt::Write as _;
use std::path::Path;

use ts_rs::{Config, TS};

use super::{
    AdapterNotes, Allocated, Data, End, Event, Example, Expressed, Expresses, Filled, Ground, KeeperCommand, Lane,
    Measure, OpenSuite, Phase, Ready, SuiteCommand,
};
use findings::results::{CallKind, Caveat, DescribedCall, Operation, QueryBy, ValueFate, ValueKind, ValueOutcome};
use system::files::write_whole;

const HEADER: &str = "\
// What is said between a worker (suite.ts, keeper.ts) and its parent: one JSON object a line, commands on standard
// input, events on standard output. Generated from the types in xtask/workers/src/protocol.rs, which are the other side;
// `UPDATE_GOLDEN=1 cargo test -p workers protocol && npm run --prefix benchmark format` writes it anew.
";

fn declare<T: TS>(config: &Config, text: &mut String) {
    let docs = T::docs().unwrap_or_default();
    let _ = write!(text, "\n{docs}export {}\n", T::decl(config));
}

/// Comments of one line in one line.
fn shorten(text: &str) -> String {
    let mut short = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("/**\n") {
        let (comment, after) = after.split_once("*/").unwrap();
        let lines: Vec<&str> = comment.lines().map(|line| line.trim().trim_start_matches("* ")).collect();
        short.push_str(before);
        match lines[..] {
            [line, ""] => write!(short, "/** {line} */").unwrap(),
            _ => write!(short, "/**\n{comment}*/").unwrap(),
        }
        rest = after;
    }
    short + rest
}

fn render() -> String {
    // No number here comes near what a double can't hold.
    let config = Config::new().with_large_int("number");
    let mut text = HEADER.to_owned();
    text.push_str("\n/** All operations, in the order in which they are measured and shown. */\n");
    let names: Vec<String> = Operation::ALL.map(|operation| format!("\"{operation}\"")).to_vec();
    let _ = writeln!(text, "export const OPERATIONS = [{}] as const;", names.join(", "));
    declare::<Operation>(&config, &mut text);
    declare::<CallKind>(&config, &mut text);
    declare::<QueryBy>(&config, &mut text);
    declare::<DescribedCall>(&config, &mut text);
    declare::<Caveat>(&config, &mut text);
    declare::<Ground>(&config, &mut text);
    declare::<Phase>(&config, &mut text);
    declare::<SuiteCommand>(&config, &mut text);
    declare::<OpenSuite>(&config, &mut text);
    declare::<Filled>(&config, &mut text);
    declare::<Data>(&config, &mut text);
    declare::<Example>(&config, &mut text);
    declare::<Measure>(&config, &mut text);
    declare::<KeeperCommand>(&config, &mut text);
    declare::<Lane>(&config, &mut text);
    declare::<Expresses>(&config, &mut text);
    declare::<Expressed>(&config, &mut text);
    declare::<Event>(&config, &mut text);
    declare::<ValueKind>(&config, &mut text);
    declare::<ValueFate>(&config, &mut text);
    declare::<ValueOutcome>(&config, &mut text);
    declare::<Ready>(&config, &mut text);
    declare::<AdapterNotes>(&config, &mut text);
    declare::<End>(&config, &mut text);
    declare::<Allocated>(&config, &mut text);
    shorten(&text)
}

/// The text without its layout: what a formatter may add, take away or exchange.
fn bare(text: &str) -> String {
    let mut bare: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '(' | ')')).collect();
    for (layout, plain) in [(";", ","), (",}", "}"), ("=|", "=")] {
        bare = bare.replace(layout, plain);
    }
    bare
}

#[test]
fn the_typescript_side_is_made_from_the_rust_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benchmark/src/protocol.ts");
    let made = render();
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if bare(&made) == bare(&committed) {
        return;
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        write_whole(&path, &made).unwrap();
        return;
    }
    let (made, committed) = (bare(&made), bare(&committed));
    let same = made.chars().zip(committed.chars()).take_while(|(a, b)| a == b).count();
    let from = |text: &str| text.chars().skip(same.saturating_sub(60)).take(160).collect::<String>();
    panic!(
        "benchmark/src/protocol.ts is not what the Rust types say; its header says how to write it anew\n\
         the types: {}\nthe file:  {}",
        from(&made),
        from(&committed)
    );
}
