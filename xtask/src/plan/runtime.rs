//! What may run the suites: the Node on the path, or a version of Node or Bun that npm has. Names and dates; nothing is
//! looked for here.

use std::fmt;
use std::str::FromStr;

use semver::{Comparator, Op, Prerelease, Version, VersionReq};

/// The oldest Node that the suites run on.
pub const OLDEST_NODE: u32 = 20;
/// What to install: those that are still maintained, and that the SDK goes on with.
pub const GOOD_NODE: &str = "22 or newer";
/// The oldest Bun that the suites run on.
const OLDEST_BUN: Version = Version::new(1, 2, 0);

/// A runtime of JavaScript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Node,
    Bun,
}

impl Engine {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Node => "Node",
            Engine::Bun => "Bun",
        }
    }

    /// As `--runtime` takes it, and the name of its program.
    pub fn id(self) -> &'static str {
        match self {
            Engine::Node => "node",
            Engine::Bun => "bun",
        }
    }
}

/// What one `--runtime` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeSpec {
    pub engine: Engine,
    pub wanted: Wanted,
}

impl RuntimeSpec {
    /// The Node on the path.
    pub const ON_PATH: RuntimeSpec = RuntimeSpec { engine: Engine::Node, wanted: Wanted::OnPath };
}

/// Which version of a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The one on the path.
    OnPath,
    /// The newest that npm has.
    Newest,
    /// The newest that begins with these numbers: a major version, perhaps with a minor one.
    NewestOf(u64, Option<u64>),
    Exactly(Version),
}

impl Wanted {
    /// Whether a version is one of those that are meant. Releases only, unless one is named exactly.
    pub fn is_met_by(&self, version: &Version) -> bool {
        match self {
            Wanted::OnPath | Wanted::Newest => version.pre.is_empty(),
            Wanted::NewestOf(major, minor) => {
                let like =
                    Comparator { op: Op::Exact, major: *major, minor: *minor, patch: None, pre: Prerelease::EMPTY };
                VersionReq { comparators: vec![like] }.matches(version)
            }
            Wanted::Exactly(wanted) => wanted == version,
        }
    }
}

impl FromStr for RuntimeSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<RuntimeSpec, String> {
        let (name, version) = text.split_once('@').map_or((text, None), |(name, version)| (name, Some(version)));
        let engine = [Engine::Node, Engine::Bun].into_iter().find(|engine| engine.id() == name);
        let engine = engine.ok_or("no such runtime; write node, node@24, node@24.9.0, bun or bun@1.4")?;
        let wanted = match (engine, version) {
            (Engine::Node, None) => Wanted::OnPath,
            (Engine::Bun, None) | (_, Some("latest")) => Wanted::Newest,
            (_, Some(version)) => parse_version(version.strip_prefix('v').unwrap_or(version))?,
        };
        let is_too_old = match (engine, &wanted) {
            (_, Wanted::OnPath | Wanted::Newest) => false,
            (Engine::Node, Wanted::NewestOf(major, _)) => *major < u64::from(OLDEST_NODE),
            (Engine::Node, Wanted::Exactly(version)) => version.major < u64::from(OLDEST_NODE),
            (Engine::Bun, Wanted::NewestOf(major, minor)) => {
                (*major, minor.unwrap_or(u64::MAX)) < (OLDEST_BUN.major, OLDEST_BUN.minor)
            }
            (Engine::Bun, Wanted::Exactly(version)) => *version < OLDEST_BUN,
        };
        if is_too_old {
            let Version { major, minor, .. } = OLDEST_BUN;
            return Err(format!("the suites need Node {OLDEST_NODE} or Bun {major}.{minor} at least"));
        }
        Ok(RuntimeSpec { engine, wanted })
    }
}

/// `22`, `22.3` or `22.3.0`.
fn parse_version(text: &str) -> Result<Wanted, String> {
    let bad = || "a version is one to three numbers, as 22, 22.3 or 22.3.0".to_owned();
    if let Ok(version) = Version::parse(text) {
        return if version.build.is_empty() { Ok(Wanted::Exactly(version)) } else { Err(bad()) };
    }
    let number = |text: &str| -> Result<u64, String> {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_plain && (text == "0" || !text.starts_with('0')) { text.parse().map_err(|_| bad()) } else { Err(bad()) }
    };
    match text.split('.').collect::<Vec<_>>()[..] {
        [major] => Ok(Wanted::NewestOf(number(major)?, None)),
        [major, minor] => Ok(Wanted::NewestOf(number(major)?, Some(number(minor)?))),
        _ => Err(bad()),
    }
}

/// As it would be typed: `node`, `node@24`, `bun@1.4.5`.
impl fmt::Display for RuntimeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.engine.id())?;
        match &self.wanted {
            Wanted::OnPath => Ok(()),
            Wanted::Newest if self.engine == Engine::Bun => Ok(()),
            Wanted::Newest => f.write_str("@latest"),
            Wanted::NewestOf(major, None) => write!(f, "@{major}"),
            Wanted::NewestOf(major, Some(minor)) => write!(f, "@{major}.{minor}"),
            Wanted::Exactly(version) => write!(f, "@{version}"),
        }
    }
}

/// A day: year, month, day of the month.
pub type Day = (u32, u32, u32);

/// From this day on the AWS SDK's versions require [`SDK_NEEDS`]: its own warning names the first week of January 2027.
const SDK_FROM: Day = (2027, 1, 1);
const SDK_NEEDS: u32 = 22;

/// What is wrong with measuring on a Node of this version today, in one line that says what to do; none where nothing
/// is.
pub fn outdated(node_version: &str, today: Day) -> Option<String> {
    let major: u32 = node_version.split('.').next()?.parse().ok()?;
    let ended = end_of_life(major).filter(|end| *end < today);
    let since = ended.map(|day| format!("is past its end of life ({})", in_words(day)));
    let refused = (major < SDK_NEEDS).then(|| {
        let requires = if today < SDK_FROM { "will require" } else { "requires" };
        format!("the AWS SDK {requires} Node {SDK_NEEDS} from January 2027")
    });
    let why = [since, refused].into_iter().flatten().collect::<Vec<_>>();
    (!why.is_empty()).then(|| {
        format!(
            "Node {node_version} {}: measure on a newer one, for example with --runtime node@24, or update it",
            why.join(", and ")
        )
    })
}

/// The last day on which a version of Node is maintained, by the project's schedule (nodejs/Release); none for a version
/// whose day isn't known here. Until Node 26 an even version lives for three years from its April, and an odd one until
/// the June after the October of its release.
fn end_of_life(major: u32) -> Option<Day> {
    match major {
        20..=26 if major.is_multiple_of(2) => Some((2026 + (major - 20) / 2, 4, 30)),
        21..=25 => Some((2024 + (major - 21) / 2, 6, 1)),
        ..20 => Some((2025, 4, 30)),
        _ => None,
    }
}

fn in_words((year, month, day): Day) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let month = MONTHS.get(month.saturating_sub(1) as usize).copied().unwrap_or_default();
    format!("{day} {month} {year}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> RuntimeSpec {
        text.parse().unwrap()
    }

    #[test]
    fn a_runtime_is_an_engine_with_none_or_a_part_or_the_whole_of_a_version() {
        for (text, engine, wanted) in [
            ("node", Engine::Node, Wanted::OnPath),
            ("node@latest", Engine::Node, Wanted::Newest),
            ("node@22", Engine::Node, Wanted::NewestOf(22, None)),
            ("node@22.3", Engine::Node, Wanted::NewestOf(22, Some(3))),
            ("node@22.3.0", Engine::Node, Wanted::Exactly(Version::new(22, 3, 0))),
            ("bun", Engine::Bun, Wanted::Newest),
            ("bun@1", Engine::Bun, Wanted::NewestOf(1, None)),
            ("bun@1.4", Engine::Bun, Wanted::NewestOf(1, Some(4))),
        ] {
            assert_eq!(spec(text), RuntimeSpec { engine, wanted }, "{text}");
            assert_eq!(spec(text).to_string(), text);
        }
        assert_eq!(spec("node@v24").to_string(), "node@24");
        assert_eq!(spec("bun@latest").to_string(), "bun");
    }

    #[test]
    fn nonsense_and_what_the_suites_do_not_run_on_is_refused_with_what_is_allowed() {
        for (text, word) in [
            ("deno", "write node, node@24"),
            ("", "write node, node@24"),
            ("Node@24", "write node, node@24"),
            ("node@abc", "one to three numbers"),
            ("node@", "one to three numbers"),
            ("node@24.", "one to three numbers"),
            ("node@^24", "one to three numbers"),
            ("node@024", "one to three numbers"),
            ("node@24.1.2.3", "one to three numbers"),
            ("node@24.1.0+x", "one to three numbers"),
            ("node@99999999999999999999", "one to three numbers"),
            ("node@24 ", "one to three numbers"),
            ("node@18", "need Node 20"),
            ("bun@1.1", "Bun 1.2"),
            ("bun@0.8.1", "Bun 1.2"),
        ] {
            let why = text.parse::<RuntimeSpec>().unwrap_err();
            assert!(why.contains(word), "{text}: {why}");
        }
    }

    #[test]
    fn a_part_of_a_version_means_the_releases_that_begin_with_it() {
        let meets = |text: &str, version: &str| spec(text).wanted.is_met_by(&Version::parse(version).unwrap());
        assert!(meets("node@22", "22.23.3") && meets("bun@1.4", "1.4.5"));
        assert!(!meets("node@22", "23.0.0") && !meets("bun@1.4", "1.40.0"));
        assert!(!meets("bun", "1.4.2-canary.1") && !meets("bun@1.4", "1.4.2-canary.1"));
        assert!(meets("bun@1.4.2-canary.1", "1.4.2-canary.1"));
    }

    #[test]
    fn a_node_past_its_end_of_life_or_below_what_the_sdk_needs_is_named_with_the_day() {
        let today = (2026, 11, 26);
        let of = |version: &str, day: Day| outdated(version, day).unwrap_or_default();
        let twenty = of("20.20.2", today);
        for words in ["Node 20.20.2 is past its end of life (30 April 2026)", "will require Node 22", "node@24"] {
            assert!(twenty.contains(words), "{twenty}");
        }
        assert!(!twenty.contains('\n'));
        assert!(of("20.20.2", (2027, 2, 1)).contains("the AWS SDK requires Node 22"));
        assert!(of("20.1.0", (2026, 4, 30)).contains("will require") && !of("20.1.0", (2026, 4, 30)).contains("past"));
        assert!(of("25.9.0", today).contains("1 June 2026"));
        assert_eq!(outdated("22.23.3", today), None);
        assert!(of("22.23.3", (2027, 5, 1)).contains("30 April 2027"));
        assert!(of("24.0.0", (2028, 5, 1)).contains("30 April 2028"));
        for version in ["24.21.0", "26.10.0", "27.0.0", "40.1.1", "x"] {
            assert_eq!(outdated(version, today), None, "{version}");
        }
    }
}
