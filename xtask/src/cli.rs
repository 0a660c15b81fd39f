//! Every command and flag, its help and its validation. No input or output here.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

use crate::plan::AT_ONCE;
use crate::plan::items::{BuiltIn, Items, Kind, MOST_QUERY_ITEMS};
use crate::plan::library::{LIBRARIES, Library};
use crate::plan::own_item::KeyNames;
use crate::plan::request::{BackendChoice, Experiment, Handicap, Request, Scales, TargetSpec, parse_operation};
use crate::plan::runtime::RuntimeSpec;
use crate::results::baselines::{NAME, is_name};
use crate::results::{CallKind, Design, Operation, QueryBy, Scale};

/// A benchmark of DynamoDB client libraries for JavaScript that checks the work before it times it.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, after_help = FIRST_STEPS)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// Below the list of the commands.
const FIRST_STEPS: &str = "\
First steps:
  cargo xtask doctor            is everything there that a run needs?
  cargo xtask bench --dry-run   what a run would do, and how long it takes
  cargo xtask bench             measure Mizzle, Dynamoose, ElectroDB and the
                                bare AWS SDK; 3 minutes once all is installed
  cargo xtask help bench        every flag, with examples";

/// Below the flags of `bench`.
const EXAMPLES: &str = "\
Examples:
  cargo xtask bench --orm electrodb --orm aws-sdk --op Query
  cargo xtask bench --budget 10m --scale small --scale large
  cargo xtask bench --target electrodb@3.9.3 --target electrodb=../electrodb
  cargo xtask bench --against main --fail-on cpu=5%

The report is in target/bench/latest: report.html, report.md, results.json.";

impl Cli {
    /// What was typed; ends the program with help or an error of at most `width` columns.
    pub fn parse_for(width: usize) -> Cli {
        let matches = Cli::command().term_width(width.min(100)).get_matches();
        Cli::from_arg_matches(&matches).unwrap_or_else(|why| why.exit())
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the benchmark: everything from a clean checkout to a finished report
    Bench(Box<Bench>),
    /// Render the report again from a results file
    Report(Report),
    /// Show what changed between two results files; exit 1 on a regression
    Compare(Compare),
    /// Plot each target's cost over the results files in a folder
    History(History),
    /// Test the harness itself: it must find known differences and invent none
    Selftest(Selftest),
    /// Check this machine for everything a run needs, and say how to fix what is missing
    Doctor,
    /// Run every check of the project
    Test(Test),
    /// Print the JSON Schema of results.json
    Schema,
    /// Put the results pages of a tag together (for the workflow)
    #[command(hide = true)]
    Pages(Pages),
    /// Burn a known share of a core and hold a known amount of memory (for the selftest)
    #[command(hide = true)]
    Burn(Burn),
}

#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
#[allow(clippy::struct_excessive_bools)] // Flags are what they are.
pub struct Bench {
    /// Number of items: small (1,000), large (100,000), all (both), or a number; may be repeated
    #[arg(long, value_name = "SCALE", default_value = "small", value_parser = parse_scale)]
    pub scale: Vec<Scales>,

    /// Which built-in items to measure [default: order]
    #[arg(long, value_enum, value_name = "NAME")]
    pub shape: Option<BuiltIn>,

    /// An example item of yours, as plain JSON or DynamoDB's own: items of its structure and size are measured instead;
    /// needs --key
    #[arg(long, value_name = "FILE")]
    pub item: Option<PathBuf>,

    /// Which attributes of --item are the table's keys; both are needed, and both must be strings
    #[arg(long, value_name = "pk=NAME,sk=NAME")]
    pub key: Option<KeyNames>,

    /// Items that one Query returns, 1 to 1,000
    #[arg(long, value_name = "N", default_value_t = crate::plan::items::QUERY_ITEMS,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_QUERY_ITEMS)))]
    pub query_items: u32,

    /// What a Query asks: the table by its keys, or a secondary index by the index's keys (only with --shape record)
    #[arg(long, value_enum, value_name = "table|index", default_value_t = QueryByChoice::Table)]
    pub query_by: QueryByChoice,

    /// These libraries, instead of aws-sdk, mizzle, dynamoose and electrodb; may be repeated
    #[arg(long, value_name = "ID|all", value_parser = libraries())]
    pub orm: Vec<Libraries>,

    /// A library at a version (dynamoose@3), from its source tree (mizzle=../mizzle) or from wherever npm can install
    /// it; may be repeated
    #[arg(long, value_name = "ID[@VERSION|=SPEC]")]
    pub target: Vec<TargetSpec>,

    /// What runs the libraries: node (the one on the path, the default), node@24, node@22.3.0, bun, bun@1.4; versions
    /// come from npm. Repeated, every target is measured under each: a ratio is to the baseline under the same runtime,
    /// and each further runtime is compared with the first, library by library
    #[arg(long, value_name = "node[@V]|bun[@V]")]
    pub runtime: Vec<RuntimeSpec>,
    /// An adapter outside this repository, a TypeScript or JavaScript file: its library is measured next to the others;
    /// may be repeated
    #[arg(long, value_name = "FILE")]
    pub adapter: Vec<PathBuf>,

    /// Also measure, as it is in another commit or checkout, each library whose adapter or locked version differs there
    #[arg(long, value_name = "COMMIT|DIR")]
    pub against: Option<String>,

    /// Exit 1 if a library is slower than its other version (or --against) by at least this: 5%, cpu=3%, off; may be
    /// repeated
    #[arg(long, value_name = "[METRIC=]PERCENT")]
    pub fail_on: Vec<String>,

    /// Only these operations: PutItem, GetItem, UpdateItem, DeleteItem, Query, Scan; may be repeated
    #[arg(long, value_name = "NAME", value_parser = parse_operation)]
    pub op: Vec<Operation>,

    /// Which of each library's calls: the one its documentation recommends, or the one whose request asks for what the
    /// bare SDK's asks for
    #[arg(long, value_enum, default_value_t = CallsChoice::Documented)]
    pub calls: CallsChoice,

    /// Fresh processes per target and scale [default: at least 3, until --precision is reached or --budget is spent]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: Option<u32>,

    /// Measuring time per target, operation and phase in one round: 500ms, 2s [default: a share of the budget]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub time: Option<Duration>,

    /// Time limit for warming up the processes of a round [default: a third of a round, at most 30s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub warm_up: Option<Duration>,

    /// Time budget per scale, shared by its rounds [default: 2m 40s up to 10,000 items, 7m 30s above, and 5m 30s above
    /// 100,000 items, where seeding comes on top; twice that for items of 1 KB and more; more for more than four targets]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub budget: Option<Duration>,

    /// Stop once every CPU ratio to the baseline is known to within this (2% means ±2%)
    #[arg(long, value_name = "PERCENT", default_value = "2%", value_parser = parse_percent)]
    pub precision: f64,

    /// Ratios within this margin of 1 count as the same
    #[arg(long, value_name = "PERCENT", default_value = "3%", value_parser = parse_percent)]
    pub margin: f64,

    /// Calls in flight in the throughput phase; a list (16,1,4,64) plots throughput against concurrency, and tables
    /// show the first
    #[arg(long, value_name = "N", default_value = "16", value_delimiter = ',',
          value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub concurrency: Vec<u32>,

    /// Where DynamoDB Local runs; auto: Docker if its engine answers, else Java
    #[arg(long, value_enum, default_value_t = BackendChoice::Auto)]
    pub backend: BackendChoice,

    /// With Java: use this DynamoDBLocal.jar instead of fetching one
    #[arg(long, value_name = "PATH", conflicts_with = "endpoint")]
    pub jar: Option<PathBuf>,

    /// Use a running DynamoDB-compatible server instead of starting one
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,

    /// Allow --endpoint to be another machine; tables are created and deleted there
    #[arg(long, requires = "endpoint")]
    pub allow_remote_endpoint: bool,

    /// Which Mizzle: a version, a folder (a package or a monorepo's root), a tarball, a git address
    /// [default: `BENCH_MIZZLE`, else ../mizzle if it exists, else the published one]
    #[arg(long, value_name = "SPEC")]
    pub mizzle: Option<String>,

    /// Measure a folder's built files as they are; by default, missing or outdated ones are bundled from the sources
    #[arg(long)]
    pub prebuilt: bool,

    /// The target that others are compared with [default: aws-sdk, or the first target of a run without it]
    #[arg(long, value_name = "ID")]
    pub baseline: Option<String>,

    /// Seed of the data, the keys, the order of targets and the intervals (except those of cold starts)
    #[arg(long, value_name = "N", default_value_t = 20_260_101)]
    pub seed: u64,

    /// Where results go [default: target/bench/<run id>; target/bench/latest points at the latest]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,

    /// Resume an interrupted run with the same settings; what it measured is kept
    #[arg(long, value_name = "DIR")]
    pub resume: Option<PathBuf>,

    /// Also save the results as benchmark/baselines/NAME.json, for `compare NAME`
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub save_baseline: Option<String>,

    /// Exit non-zero if a target could not run
    #[arg(long)]
    pub strict: bool,

    /// For CI: no progress bars, --strict, a step summary and annotations [default: on if CI=true]
    #[arg(long)]
    pub ci: bool,

    /// Print the plan and the time it will take; start nothing
    #[arg(long)]
    pub dry_run: bool,

    /// How long to wait for the machine to become idle before measuring
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    pub patience: Duration,

    /// Leave the database running afterwards
    #[arg(long)]
    pub keep_database: bool,

    /// Keep the seeded database, and use it again in runs of the same data once it is checked; in memory, with Java
    #[arg(long, conflicts_with_all = ["endpoint", "keep_database"])]
    pub reuse_database: bool,

    /// How targets take turns within a round
    #[arg(long, value_enum, default_value_t = DesignChoice::Paired, hide = true)]
    pub design: DesignChoice,

    /// Targets whose client cost is measured at the same time, each on a core of its own
    #[arg(long, value_name = "N", default_value_t = AT_ONCE, value_parser = clap::value_parser!(u32).range(1..=2), hide = true)]
    pub at_once: u32,

    /// Add a known cost to each call of a target, as steps of arithmetic (to test the harness)
    #[arg(long, value_name = "ID[:OP]=STEPS", hide = true)]
    pub handicap: Vec<Handicap>,
}

impl Bench {
    /// What the flags ask to be planned.
    pub fn request(&self) -> Request {
        Request {
            scales: self.scale.iter().flat_map(|scales| scales.0.clone()).collect(),
            orm: self.orm.iter().flat_map(|libraries| libraries.0.clone()).collect(),
            targets: self.target.clone(),
            runtimes: self.runtime.clone(),
            adapters: self.adapter.clone(),
            mizzle: self.mizzle.clone(),
            prebuilt: self.prebuilt,
            calls: self.calls.into(),
            items: Items {
                kind: Kind::BuiltIn(self.shape.unwrap_or(BuiltIn::Order)),
                query_items: self.query_items,
                query_by: self.query_by.into(),
            },
            operations: self.op.clone(),
            rounds: self.rounds,
            time: self.time,
            warm_up: self.warm_up,
            budget: self.budget,
            precision: self.precision,
            margin: self.margin,
            concurrency: self.concurrency.clone(),
            baseline: self.baseline.clone(),
            seed: self.seed,
            design: self.design.into(),
            at_once: self.at_once,
            handicap: self.handicap.clone(),
            gated: !self.fail_on.is_empty(),
            against: self.against.is_some(),
            experiment: Experiment::default(),
        }
    }
}

#[derive(Debug, Args)]
pub struct Report {
    /// A results.json
    pub results: PathBuf,
    /// Where the report goes [default: next to the results file]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Compare {
    /// The older results.json, or the name of a saved baseline
    pub base: String,
    /// The newer results.json [default: that of the latest run]
    pub new: Option<String>,
    /// Compare two targets of the one file instead: --between mizzle@1.2.0 mizzle@local
    #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with = "new")]
    pub between: Option<Vec<String>>,
    /// Fail on a regression of at least this size: 5%, or for one metric cpu=3% (cpu, alloc, latency, p95, p99,
    /// throughput, memory), or off; may be repeated [default: 5%]
    #[arg(long, value_name = "[METRIC=]PERCENT")]
    pub fail_on: Vec<String>,
    /// Format of the output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct History {
    /// A folder that holds results files, or folders of runs
    pub dir: PathBuf,
    /// Write history.md and its charts here
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Pages {
    /// A folder with one of each scale's run in it: bench-small, bench-large
    pub runs: PathBuf,
    /// What was released
    pub tag: String,
    /// The pages, which keep the results of earlier tags
    pub site: PathBuf,
}

#[derive(Debug, Args)]
pub struct Selftest {
    /// Where DynamoDB Local runs
    #[arg(long, value_enum, default_value_t = BackendChoice::Auto)]
    pub backend: BackendChoice,
    /// Only these parts; may be repeated
    #[arg(long, value_enum, value_name = "NAME")]
    pub part: Vec<SelftestPart>,
    /// Time budget shared by the parts [default: 43m for all of them]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub budget: Option<Duration>,
    /// Only these libraries; the first one is what the parts about copies copy; may be repeated [default: the
    /// four that a run measures]
    #[arg(long, value_name = "ID|all", value_parser = parse_libraries)]
    pub orm: Vec<Libraries>,
    /// Only these operations, where a part is about several; may be repeated
    #[arg(long, value_name = "NAME", value_parser = parse_operation)]
    pub op: Vec<Operation>,
    /// Which Mizzle, as for `bench`
    #[arg(long, value_name = "SPEC")]
    pub mizzle: Option<String>,
    /// Where the table and the parts' results go [default: target/bench/selftest]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SelftestPart {
    /// The sampler against the kernel's accounting
    Sampler,
    /// What the harness itself adds to a call
    Weight,
    /// Whether processes that are called settled have settled
    Steady,
    /// Ratios against recorded answers and against the database
    Grounds,
    /// Ratios with and without lowered V8 thresholds
    Flags,
    /// A library against itself, in short runs
    Same,
    /// Known amounts of extra work
    Known,
    /// Runs next to a noisy neighbour
    Neighbour,
}

#[derive(Debug, Args)]
pub struct Test {
    /// Only these parts
    #[arg(long, value_enum)]
    pub part: Vec<TestPart>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TestPart {
    /// Formatting, lints, types
    Lint,
    /// Unit and integration tests of xtask
    Rust,
    /// Tests of the suite against a real DynamoDB Local
    Typescript,
    /// Every fault of FAULTS.md, including the slow ones; runs only when asked for
    Faults,
}

#[derive(Debug, Args)]
pub struct Burn {
    /// Share of a core to burn, percent
    #[arg(long)]
    pub percent: f64,
    /// Memory to hold, MiB
    #[arg(long)]
    pub mib: usize,
    /// Burn that share in random bursts of 0.2 to 5 s, with pauses like them, and walk through the memory meanwhile
    #[arg(long)]
    pub bursts: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CallsChoice {
    Documented,
    SameRequest,
}

impl From<CallsChoice> for CallKind {
    fn from(choice: CallsChoice) -> CallKind {
        match choice {
            CallsChoice::Documented => CallKind::Documented,
            CallsChoice::SameRequest => CallKind::SameRequest,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QueryByChoice {
    Table,
    Index,
}

impl From<QueryByChoice> for QueryBy {
    fn from(choice: QueryByChoice) -> QueryBy {
        match choice {
            QueryByChoice::Table => QueryBy::Table,
            QueryByChoice::Index => QueryBy::Index,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DesignChoice {
    /// All targets' processes are alive and take turns in slices of calls
    Paired,
    /// One target's process after another
    Sequential,
}

impl From<DesignChoice> for Design {
    fn from(choice: DesignChoice) -> Design {
        match choice {
            DesignChoice::Paired => Design::Paired,
            DesignChoice::Sequential => Design::Sequential,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Markdown,
    Json,
}

fn parse_scale(text: &str) -> Result<Scales, String> {
    let small = || Scale { name: "small".into(), items: 1_000 };
    let large = || Scale { name: "large".into(), items: 100_000 };
    Ok(Scales(match text {
        "small" => vec![small()],
        "large" => vec![large()],
        "all" => vec![small(), large()],
        number => {
            let items: u32 =
                number.replace(['_', ','], "").parse().map_err(|_| "write small, large, all or a number of items")?;
            if !(1..=50_000_000).contains(&items) {
                return Err("the number of items is 1 to 50,000,000".to_owned());
            }
            match items {
                1_000 => vec![small()],
                100_000 => vec![large()],
                _ => vec![Scale { name: items.to_string(), items }],
            }
        }
    }))
}

/// What one `--orm` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Libraries(pub Vec<Library>);

/// The ids of the libraries, and all of them.
fn libraries() -> impl TypedValueParser<Value = Libraries> {
    let ids = LIBRARIES.iter().map(|library| library.id).chain(["all"]);
    PossibleValuesParser::new(ids).try_map(|text| parse_libraries(&text))
}

fn parse_libraries(text: &str) -> Result<Libraries, String> {
    Ok(Libraries(if text == "all" { LIBRARIES.to_vec() } else { vec![Library::find(text)?] }))
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|_| "write a duration as 500ms, 2s or 3m".to_owned())?;
    if duration < Duration::from_millis(10) || duration > Duration::from_hours(24) {
        return Err("the duration is 10ms to 24h".to_owned());
    }
    Ok(duration)
}

/// `2%` or `2` as 0.02.
fn parse_percent(text: &str) -> Result<f64, String> {
    let number: f64 = text.trim_end_matches('%').parse().map_err(|_| "write a percentage as 2%".to_owned())?;
    if number > 0.0 && number <= 100.0 { Ok(number / 100.0) } else { Err("it is above 0% and at most 100%".to_owned()) }
}

/// A name that can be a file's.
fn parse_name(text: &str) -> Result<String, String> {
    if is_name(text) { Ok(text.to_owned()) } else { Err(format!("it can't be a name: {NAME}")) }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use super::*;

    fn bench(arguments: &[&str]) -> Result<Bench, String> {
        let line = ["cargo xtask", "bench"].iter().chain(arguments);
        match Cli::try_parse_from(line).map_err(|why| why.to_string())?.command {
            Command::Bench(bench) => Ok(*bench),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn the_definition_of_the_commands_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_fits_a_terminal_of_80_columns() {
        let mut all = Cli::command().term_width(80);
        all.build();
        let names: Vec<String> = all.get_subcommands().map(|one| one.get_name().to_owned()).collect();
        let mut pages = vec![all.render_long_help().to_string()];
        for name in names {
            let command = all.find_subcommand_mut(&name).unwrap();
            pages.push(command.clone().term_width(80).render_help().to_string());
            pages.push(command.clone().term_width(80).render_long_help().to_string());
        }
        for line in pages.iter().flat_map(|page| page.lines()) {
            assert!(console::measure_text_width(line) <= 80, "{line}");
        }
    }

    #[test]
    fn every_example_of_the_help_can_be_typed() {
        let lines = EXAMPLES.lines().chain(FIRST_STEPS.lines()).filter_map(|line| line.trim().strip_prefix("cargo "));
        for line in lines.filter(|line| !line.starts_with("xtask help")) {
            let typed = line.split("   ").next().unwrap().split_whitespace();
            assert!(Cli::try_parse_from(typed).is_ok(), "{line}");
        }
    }

    #[test]
    fn a_bad_value_is_named_with_its_flag_and_what_is_allowed() {
        for (arguments, words) in [
            (["--orm", "prisma"], ["--orm", "prisma", "aws-sdk, mizzle, dynamoose, electrodb"]),
            (["--op", "BatchGet"], ["--op", "BatchGet", "PutItem, GetItem"]),
            (["--scale", "0"], ["--scale", "0", "1 to 50,000,000"]),
            (["--scale", "huge"], ["--scale", "huge", "small, large, all"]),
            (["--rounds", "0"], ["--rounds", "0", "1..=1000"]),
            (["--time", "soon"], ["--time", "soon", "500ms"]),
            (["--concurrency", "0"], ["--concurrency", "0", "1..=1024"]),
            (["--precision", "-1%"], ["--precision", "-1%", "above 0%"]),
            (["--target", "mizzle="], ["--target", "mizzle=", "mizzle=../mizzle"]),
            (["--runtime", "deno"], ["--runtime", "deno", "node@24"]),
            (["--runtime", "node@abc"], ["--runtime", "node@abc", "one to three numbers"]),
            (["--save-baseline", "../x"], ["--save-baseline", "../x", "letters, digits"]),
            (["--save-baseline", "a b"], ["--save-baseline", "a b", "letters, digits"]),
            (["--save-baseline", "_x"], ["--save-baseline", "_x", "begin with a letter"]),
            (["--save-baseline", ""], ["--save-baseline", "''", "letters, digits"]),
        ] {
            let why = bench(&[&format!("{}={}", arguments[0], arguments[1])]).unwrap_err();
            for word in words {
                assert!(why.contains(word), "{word:?} is not in {why:?}");
            }
        }
    }

    #[test]
    fn a_target_is_a_library_at_a_version_or_from_a_place() {
        let at = |text: &str| TargetSpec::from_str(text).unwrap();
        assert_eq!(at("dynamoose@3").spec.as_deref(), Some("3"));
        assert!(at("dynamoose@3").is_version);
        assert_eq!(at("mizzle=../a@b").spec.as_deref(), Some("../a@b"));
        assert!(!at("mizzle=../a@b").is_version);
        assert_eq!(at("electrodb").spec, None);
    }

    #[test]
    fn scales_of_the_same_size_have_one_name() {
        assert_eq!(parse_scale("1000"), parse_scale("small"));
        assert_eq!(parse_scale("all").unwrap().0.len(), 2);
        assert_eq!(parse_scale("1_000_000").unwrap().0[0].items, 1_000_000);
    }
}
