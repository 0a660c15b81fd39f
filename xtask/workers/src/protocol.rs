//! What is said between this program and its workers: one JSON object a line, commands on the worker's standard input,
//! events on its standard output. `benchmark/src/protocol.ts` is generated from these types. Parsing only; no
//! processes here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use findings::results::{CallKind, Caveat, DescribedCall, Operation, QueryBy, ValueOutcome};

/// The longest line that is read from a worker, bytes. A slice of 100,000 samples takes about 1 MB.
pub const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// What a suite process is asked to do: it measures one library.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum SuiteCommand {
    Open(Box<OpenSuite>),
    /// Make the first, cold call of each operation, then check what each one does: everything, or one call each.
    Verify {
        operations: Vec<Operation>,
        full: bool,
    },
    /// Call each input of the pool once through the recording endpoint, and check each result.
    Record {
        operation: Operation,
    },
    WarmUp {
        operation: Operation,
        calls: u64,
        ground: Ground,
    },
    Measure(Measure),
    /// Write and read values that libraries treat differently, in a table of their own.
    Values,
    End,
}

/// Where calls go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Ground {
    /// To the recorded answers.
    Recorded,
    /// To the database.
    Database,
}

/// Opens a library: its process imports it and connects it to both grounds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct OpenSuite {
    pub target: String,
    pub adapter: String,
    pub calls: CallKind,
    pub data: Box<Data>,
    /// The database.
    pub endpoint: String,
    /// The recorded answers.
    pub recorded_endpoint: String,
    /// What its table's name begins with; the form of its items follows.
    pub table: String,
    /// A table of two pages, on which Scan is verified.
    pub rehearsal_table: Option<String>,
    /// Of a large table: another with its first items, which is scanned instead on the recorded ground.
    pub scan_part: Option<Filled>,
    pub items: u32,
    pub seed: u64,
    pub round: u32,
    /// Which customers outside the data set are this process's own to write.
    pub lane: u32,
    /// Inputs of each operation on the recorded ground; Scan has one.
    pub pool: u32,
    /// Milliseconds after which a call is given up.
    pub call_timeout_ms: u64,
    /// A known extra cost of each call: so many steps of arithmetic.
    #[cfg_attr(test, ts(type = "Partial<Record<Operation, number>>"))]
    pub handicap: BTreeMap<Operation, u64>,
    /// A known extra cost of the same kind as the calls: so many out of 1,000 recorded calls are made twice.
    #[cfg_attr(test, ts(type = "Partial<Record<Operation, number>>"))]
    pub twice: BTreeMap<Operation, u32>,
}

/// A table and the number of its items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Filled {
    /// What its name begins with; the form of its items follows.
    pub table: String,
    pub items: u32,
}

/// What the items are, how many of them a query returns, and what it asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Data {
    /// The name of a built-in shape, or of the user's own item.
    pub shape: String,
    /// The user's own item; null for a built-in shape.
    pub example: Option<Box<Example>>,
    pub query_items: u32,
    pub query_by: QueryBy,
}

/// An item of the user's own, of which a data set is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Example {
    /// In DynamoDB's own JSON, in which every value names its type.
    #[cfg_attr(test, ts(type = "Record<string, Record<string, unknown>>"))]
    pub item: serde_json::Map<String, serde_json::Value>,
    /// The names of its keys, both strings.
    pub partition: String,
    pub sort: String,
    /// The attribute that UpdateItem sets; null where the item has none that can be set.
    pub updated: Option<String>,
}

/// Which of some adapters can have items like these.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Expresses {
    pub data: Data,
    pub adapters: Vec<String>,
}

/// What one adapter says to that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Expressed {
    pub adapter: String,
    /// Why its library can't, to follow its name; null where it can.
    pub cannot: Option<String>,
}

/// A slice of calls of one operation in one phase.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Measure {
    pub operation: Operation,
    pub phase: Phase,
    /// Calls that are timed.
    pub calls: u64,
    /// Calls that are made before them and not timed.
    pub lead_in: u64,
    /// The number of the first call: keys are a function of it.
    pub from: u64,
    /// Whether the last call's result is checked in full once the clock has stopped.
    pub check: bool,
    /// Calls in flight; only in the throughput phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub concurrency: Option<u32>,
}

/// What calls are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    WarmUp,
    /// The client's cost against recorded answers, one call in flight.
    Client,
    /// Bytes allocated and collections, against recorded answers.
    Allocation,
    /// Against the database, one call in flight.
    Latency,
    /// Against the database, many calls in flight.
    Throughput,
}

/// What the table keeper is asked to do: it creates, seeds, restores and checks the table with the bare SDK.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum KeeperCommand {
    Open {
        endpoint: String,
        calls: CallKind,
        data: Data,
        /// Who is to find a table: there is one for each form in which these libraries write their items.
        lanes: Vec<Lane>,
        /// What the tables' names begin with.
        table: String,
        rehearsal_table: Option<String>,
        /// Another with the first items of the data set.
        scan_part: Option<Filled>,
        items: u32,
        seed: u64,
    },
    /// Make the tables and fill them.
    Create {
        /// Those of a kept database that are there already are left as they are.
        kept: bool,
    },
    Warm {
        calls: u64,
    },
    /// Write the items that DeleteItem will delete.
    Prepare {
        lane: u32,
        from: u64,
        count: u64,
        /// Those of the pool of the recorded ground.
        pool: bool,
    },
    /// Undo what an operation did to the table.
    Restore {
        lanes: Vec<u32>,
        operation: Operation,
        round: u32,
        from: u64,
        count: u64,
    },
    /// Compare the tables with the data set, and count their items.
    Check {
        /// So many items of a table are enough: at least these are compared, those of every so-manieth partition.
        enough: u32,
    },
    Drop,
    End,
}

/// A process to be: which customers outside the data set it may write, and whose items it finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Lane {
    pub lane: u32,
    pub adapter: String,
}

/// What a worker says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Event {
    Ready(Ready),
    Verified {
        operation: Operation,
        first_call_ms: Option<f64>,
    },
    WrongWork {
        operation: Operation,
        expected: String,
        actual: String,
    },
    VerifiedAll,
    /// Every input of an operation's pool was called and its result was right.
    Recorded {
        operation: Operation,
        calls: u64,
        /// What Scan returned; null for the other operations.
        items: Option<u64>,
    },
    /// The clock of a phase against the database starts: the process is watched from now on.
    Start {
        operation: Operation,
        phase: Phase,
    },
    /// That clock has stopped; its [`Event::End`] follows once the last result is checked.
    Stopped {
        operation: Operation,
        phase: Phase,
    },
    End(End),
    /// What became of one of the values that libraries treat differently.
    Value(ValueOutcome),
    /// All of them were tried, or none.
    ValuesTried {
        /// Why none was.
        untried: Option<String>,
    },
    /// Something went wrong outside a counted call; the process ends with exit code 1.
    Failed {
        stage: String,
        operation: Option<Operation>,
        message: String,
    },
    Bye {},
    // The keeper's.
    Progress {
        done: u64,
        total: u64,
    },
    Created {
        /// Tables that were not there.
        made: u32,
    },
    Warm {},
    Prepared {},
    Restored {},
    Checked {},
    Differs {
        expected: String,
        actual: String,
    },
    Dropped {},
}

/// The process is up and has opened what it was to open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    pub pid: u32,
    /// How long the import of the library took; null for the keeper.
    pub import_ms: Option<f64>,
    /// Resident memory after the import, MiB; null for the keeper.
    pub memory_mb: Option<f64>,
    /// The packages of the AWS SDK that the library loaded, as `@smithy/core@3.41.0`; none for the keeper.
    pub sdk_packages: Vec<String>,
    /// What the library's adapter says of itself; null for the keeper.
    pub adapter: Option<AdapterNotes>,
}

/// What an adapter says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct AdapterNotes {
    #[cfg_attr(test, ts(type = "Record<Operation, DescribedCall>"))]
    pub calls: BTreeMap<Operation, DescribedCall>,
    pub caveats: Vec<Caveat>,
    /// The mean size of an item in the form in which the library writes it, as DynamoDB counts, bytes.
    pub item_bytes: f64,
}

/// The end of a phase. Only the latency phase has samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct End {
    pub operation: Operation,
    pub phase: Phase,
    /// Calls that were made, the failed ones too.
    pub calls: u64,
    pub wall_ms: f64,
    pub cpu_ms: f64,
    /// Of it, that of the thread that runs JavaScript; null where the system does not report it.
    pub thread_ms: Option<f64>,
    /// The time of each call that succeeded, ascending.
    pub samples_ms: Vec<f64>,
    pub errors: u64,
    pub error_message: Option<String>,
    /// Of the allocation phase; null elsewhere, and where the runtime can't count it.
    pub allocation: Option<Allocated>,
}

/// What some calls allocated on the JavaScript heap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Allocated {
    /// Bytes, those of memory outside the heap (buffers) excepted.
    pub bytes: f64,
    /// Garbage collections meanwhile.
    pub collections: u64,
}

/// Reads one line of a worker.
///
/// # Errors
/// A line that is no event, quoted by its beginning; numbers that can't be (negative or not finite times).
pub fn parse(line: &str) -> Result<Event, String> {
    let quoted = || line.chars().take(80).collect::<String>();
    let event: Event = serde_json::from_str(line).map_err(|why| {
        // It quotes the line too, as it is.
        let why: String = why.to_string().chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!("not an event: {:?} ({why})", quoted())
    })?;
    if sensible(&event) { Ok(event) } else { Err(format!("an event with impossible numbers: {:?}", quoted())) }
}

fn sensible(event: &Event) -> bool {
    let time = |ms: f64| ms.is_finite() && ms >= 0.0;
    match event {
        Event::End(end) => {
            let all = end.samples_ms.iter().copied().chain([end.wall_ms, end.cpu_ms]).chain(end.thread_ms);
            all.chain(end.allocation.map(|of| of.bytes)).all(time)
        }
        Event::Verified { first_call_ms, .. } => first_call_ms.is_none_or(time),
        Event::Ready(ready) => {
            let bytes = ready.adapter.as_ref().map(|notes| notes.item_bytes);
            ready.import_ms.into_iter().chain(ready.memory_mb).chain(bytes).all(time)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The TypeScript tests hold the same lines against what the workers really say.
    const FIXTURE: &str = include_str!("../../../benchmark/test/fixtures/events.jsonl");

    #[test]
    fn every_event_that_a_worker_says_is_understood() {
        for line in FIXTURE.lines() {
            parse(line).unwrap();
        }
        let end = FIXTURE.lines().find_map(|line| match parse(line) {
            Ok(Event::End(end)) if end.phase == Phase::Latency => Some(end),
            _ => None,
        });
        let end = end.unwrap();
        assert!(end.calls > 0 && end.wall_ms > 0.0 && end.cpu_ms > 0.0 && !end.samples_ms.is_empty(), "{end:?}");
        assert_eq!(end.thread_ms, Some(3.744));
    }

    #[test]
    fn a_line_that_is_no_event_is_quoted() {
        for line in ["", "hello", "{}", r#"{"event":"hello"}"#, r#"{"event":"end","operation":"GetIt"#] {
            assert!(parse(line).unwrap_err().contains("not an event"), "{line}");
        }
        let endless = format!("{{\"event\":\"{}\"}}", "x".repeat(10_000));
        assert!(parse(&endless).unwrap_err().len() < 500);
    }

    #[test]
    fn times_that_can_not_be_are_refused() {
        let line = |wall: &str| {
            let end = r#"{"event":"end","operation":"GetItem","phase":"latency","calls":1,"wallMs":WALL,"cpuMs":1,
                "threadMs":null,"samplesMs":[],"errors":0,"errorMessage":null,"allocation":null}"#;
            end.replace("WALL", wall)
        };
        assert!(parse(&line("1.5")).is_ok());
        assert!(parse(&line("-1")).unwrap_err().contains("impossible"));
        assert!(parse(&line("1e999")).is_err());
    }

    #[test]
    fn an_error_holds_no_control_characters_of_the_line() {
        let why = parse("{\"event\":\"\\u001b[2J\\n\"}").unwrap_err();
        assert!(!why.contains(char::is_control), "{why:?}");
    }

    /// For any input, the answer is an event whose times can be, or one short line.
    fn survives(line: &str) {
        match parse(line) {
            Ok(event) => assert!(sensible(&event), "{event:?}"),
            Err(why) => assert!(why.chars().count() < 1_000 && !why.contains(char::is_control), "{why:?}"),
        }
    }

    fn events() -> Vec<&'static str> {
        FIXTURE.lines().collect()
    }

    proptest! {
        // PROPTEST_CASES sets how many.
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_line_is_survived(line in ".{0,300}") {
            survives(&line);
        }

        #[test]
        fn an_event_with_characters_changed_is_survived(
            line in proptest::sample::select(events()),
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<char>()), 1..6)
        ) {
            let mut characters: Vec<char> = line.chars().collect();
            for (at, character) in changes {
                let at = at.index(characters.len());
                characters[at] = character;
            }
            survives(&characters.into_iter().collect::<String>());
        }

        #[test]
        fn an_event_cut_off_anywhere_is_no_event(
            line in proptest::sample::select(events()), at in any::<prop::sample::Index>()
        ) {
            // As the reader of events makes text of them: a cut may go through a character.
            let cut = String::from_utf8_lossy(&line.as_bytes()[..at.index(line.len())]);
            prop_assert!(parse(&cut).is_err(), "{cut:?}");
        }

        #[test]
        fn an_event_with_other_values_is_survived(
            line in proptest::sample::select(events()),
            changes in proptest::collection::vec((any::<prop::sample::Index>(), VALUES), 1..4)
        ) {
            let mut text = line.to_owned();
            for (which, with) in changes {
                let starts: Vec<usize> = text.match_indices(':').map(|(at, _)| at + 1).collect();
                let start = starts[which.index(starts.len())];
                let end = text[start..].find([',', '}', ']']).map_or(text.len(), |length| start + length);
                text.replace_range(start..end, &with);
            }
            survives(&text);
        }
    }

    const VALUES: &str =
        "-?[0-9]{1,3}(\\.[0-9])?(e-?[0-9]{1,3})?|null|true|\\[\\]|\\{\\}|\"\\PC{0,9}\"|\\[1,null\\]|[0-9]{25}";
}

#[cfg(test)]
mod typescript;
