//! What comes back of values that libraries treat differently, as one table: values by libraries, a few words a cell, and
//! below it what the errors say, each once.

use serde::Serialize;

use super::TargetView;
use crate::report::{format, group, text};
use crate::results::{Results, TargetValues, ValueFate, ValueKind, ValueOutcome};

/// The longest text of a cell, characters.
const LONGEST_CELL: usize = 48;
/// The longest line of an error, characters.
const LONGEST_ERROR: usize = 200;

/// The table.
#[derive(Debug, Clone, Serialize)]
pub struct ValuesView {
    /// What it shows, and how to read it.
    pub note: String,
    /// By their places in the page's list.
    pub libraries: Vec<usize>,
    pub rows: Vec<Row>,
    /// What the errors say, and whose they are.
    pub errors: Vec<Said>,
}

/// One value for all libraries.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub label: String,
    pub cells: Vec<ValueCell>,
}

/// What became of a value.
#[derive(Debug, Clone, Serialize)]
pub struct ValueCell {
    pub text: String,
    /// What is behind it, for hovering.
    pub hint: String,
    /// Whether the value came back as it was and lies in the database by its own type.
    pub kept: bool,
}

/// An error, or why nothing was tried, and of what it was said.
#[derive(Debug, Clone, Serialize)]
pub struct Said {
    pub who: String,
    pub words: String,
}

const NOTE: &str = "Each value was written and read through each library after the timed part, in a table of its own, \
                    with the type that the library's documentation gives such an attribute. → is what came back \
                    instead; left out: nothing came back of it, without an error; “as” names its type in the database \
                    where that is not the value's own. The number of 38 digits is π, as another program wrote it.";
const UNTYPED: &str =
    "* The library's schema has no type for such a value; the nearest one that takes it, or any value, was declared.";

/// The table; none where nothing was tried, as in files of earlier versions.
pub fn view(results: &Results, libraries: &[TargetView]) -> Option<ValuesView> {
    let of = |library: &TargetView| results.values.iter().find(|values| values.target == library.id);
    let mut kinds: Vec<ValueKind> =
        libraries.iter().filter_map(of).flat_map(|values| &values.outcomes).map(|outcome| outcome.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() {
        return None;
    }
    let found: Vec<Option<&TargetValues>> = libraries.iter().map(of).collect();
    let row = |&kind: &ValueKind| Row {
        label: label(kind),
        cells: found.iter().map(|values| values.map_or_else(not_tried, |values| cell(values, kind))).collect(),
    };
    let is_untyped = found.iter().flatten().any(|values| values.outcomes.iter().any(|outcome| outcome.untyped));
    Some(ValuesView {
        note: if is_untyped { format!("{NOTE} {UNTYPED}") } else { NOTE.to_owned() },
        libraries: (0..libraries.len()).collect(),
        rows: kinds.iter().map(row).collect(),
        errors: errors(libraries, &found),
    })
}

fn not_tried() -> ValueCell {
    ValueCell { text: format::NOT_MEASURED.to_owned(), hint: "not tried".to_owned(), kept: false }
}

fn cell(values: &TargetValues, kind: ValueKind) -> ValueCell {
    let Some(outcome) = values.outcomes.iter().find(|outcome| outcome.kind == kind) else {
        return ValueCell { hint: values.untried.clone().unwrap_or_else(|| "not tried".to_owned()), ..not_tried() };
    };
    let mut text = match outcome.outcome {
        ValueFate::Same => "same".to_owned(),
        ValueFate::Changed => format!("→ {}", instead(outcome)),
        ValueFate::LeftOut => "left out".to_owned(),
        ValueFate::Refused => "refused".to_owned(),
        ValueFate::Unreadable => "unreadable".to_owned(),
        ValueFate::NoType => "no type".to_owned(),
    };
    let elsewhere = outcome.stored_type.as_deref().filter(|stored| Some(*stored) != own_type(kind));
    if let Some(stored) = elsewhere {
        text = format!("{text}, as {stored}");
    }
    let mark = if outcome.untyped { "*" } else { "" };
    ValueCell {
        text: format!("{}{mark}", text::brief(&text, LONGEST_CELL)),
        hint: text::brief(&hint(outcome), LONGEST_ERROR),
        kept: outcome.outcome == ValueFate::Same && elsewhere.is_none(),
    }
}

/// What came back instead: of a number with too many digits, how many it has.
fn instead(outcome: &ValueOutcome) -> String {
    let detail = outcome.detail.as_deref().unwrap_or("another value");
    if outcome.kind == ValueKind::LongNumber && detail.parse::<f64>().is_ok() {
        return format!("{} digits", detail.chars().filter(char::is_ascii_digit).count());
    }
    detail.to_owned()
}

fn hint(outcome: &ValueOutcome) -> String {
    let stored = match (&outcome.stored_type, &outcome.stored) {
        (Some(of), Some(stored)) => format!("in the database: {of} {stored}"),
        _ => "nothing of it is in the database".to_owned(),
    };
    match &outcome.detail {
        Some(detail) => format!("{detail}; {stored}"),
        None => stored,
    }
}

/// The values of one library that something was said of, and its place.
type Whose = (usize, Vec<&'static str>);

/// What the errors say, each once with all of whom it is said, in the table's order.
fn errors(libraries: &[TargetView], found: &[Option<&TargetValues>]) -> Vec<Said> {
    let mut said: Vec<(String, Vec<Whose>)> = Vec::new();
    for (library, words, value) in found.iter().enumerate().flat_map(|(at, values)| said_of(at, *values)) {
        let at = said.iter().position(|(known, _)| *known == words).unwrap_or_else(|| {
            said.push((words, Vec::new()));
            said.len() - 1
        });
        match said[at].1.iter_mut().find(|(known, _)| *known == library) {
            Some((_, values)) => values.extend(value),
            None => said[at].1.push((library, value.into_iter().collect())),
        }
    }
    said.into_iter().map(|(words, whose)| Said { who: who(libraries, whose), words }).collect()
}

/// The errors of one library with their values, and why it was not tried to the end, if so.
fn said_of(library: usize, values: Option<&TargetValues>) -> Vec<(usize, String, Option<&'static str>)> {
    let Some(values) = values else { return Vec::new() };
    let is_error =
        |of: &&ValueOutcome| matches!(of.outcome, ValueFate::Refused | ValueFate::Unreadable | ValueFate::NoType);
    let mut outcomes: Vec<&ValueOutcome> = values.outcomes.iter().filter(is_error).collect();
    outcomes.sort_by_key(|outcome| outcome.kind);
    let errors = outcomes.into_iter().filter_map(|outcome| {
        let words = text::brief(outcome.detail.as_deref()?, LONGEST_ERROR);
        Some((library, words, Some(name(outcome.kind))))
    });
    let what = if values.outcomes.is_empty() { "not tried" } else { "ended early" };
    let untried =
        values.untried.iter().map(|why| (library, text::brief(&format!("{what}: {why}"), LONGEST_ERROR), None));
    errors.chain(untried).collect()
}

/// "AWS SDK, Mizzle: NaN; Dynamoose: NaN, Date": libraries with the same values once.
fn who(libraries: &[TargetView], whose: Vec<Whose>) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for (library, values) in whose {
        group::add(&mut groups, values.join(", "), &libraries[library].label);
    }
    let group = |(values, labels): &(String, Vec<&str>)| {
        let labels = labels.join(", ");
        if values.is_empty() { labels } else { format!("{labels}: {values}") }
    };
    groups.iter().map(group).collect::<Vec<_>>().join("; ")
}

/// A value for people, with its type in the database, where it has one of its own.
fn label(kind: ValueKind) -> String {
    match own_type(kind) {
        Some(of) => format!("{} ({of})", name(kind)),
        None => name(kind).to_owned(),
    }
}

fn name(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::StringSet => "Set of strings",
        ValueKind::NumberSet => "Set of numbers",
        ValueKind::Buffer => "Buffer",
        ValueKind::Uint8Array => "Uint8Array",
        ValueKind::LargeNumber => "Number 2⁵³ + 2",
        ValueKind::LargeBigint => "BigInt 2⁵³ + 1",
        ValueKind::LongNumber => "38 digits, only read",
        ValueKind::EmptyString => "Empty string",
        ValueKind::EmptyList => "Empty list",
        ValueKind::EmptyMap => "Empty map",
        ValueKind::EmptySet => "Empty Set",
        ValueKind::UndefinedAttribute => "undefined",
        ValueKind::UndefinedInMap => "undefined in a map",
        ValueKind::Null => "null",
        ValueKind::Nan => "NaN",
        ValueKind::Date => "Date",
    }
}

/// The type by which the database has such a value, where one is its own.
fn own_type(kind: ValueKind) -> Option<&'static str> {
    match kind {
        ValueKind::StringSet => Some("SS"),
        ValueKind::NumberSet => Some("NS"),
        ValueKind::Buffer | ValueKind::Uint8Array => Some("B"),
        ValueKind::LargeNumber | ValueKind::LargeBigint | ValueKind::LongNumber => Some("N"),
        ValueKind::EmptyString => Some("S"),
        ValueKind::EmptyList => Some("L"),
        ValueKind::EmptyMap | ValueKind::UndefinedInMap => Some("M"),
        ValueKind::Null => Some("NULL"),
        ValueKind::EmptySet | ValueKind::UndefinedAttribute | ValueKind::Nan | ValueKind::Date => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Shape, raw};
    use crate::report::model::page;

    fn results() -> Results {
        raw(&Shape { recorded: true, ..Shape::small() })
    }

    fn text(view: &ValuesView, row: &str, library: usize) -> String {
        view.rows.iter().find(|one| one.label == row).unwrap().cells[library].text.clone()
    }

    #[test]
    fn a_cell_says_what_came_back_and_its_type_in_the_database_where_it_is_not_its_own() {
        let view = page(&results()).values.unwrap();
        let aws_sdk = 0;
        assert_eq!(text(&view, "Set of strings (SS)", aws_sdk), "same");
        assert_eq!(text(&view, "Buffer (B)", aws_sdk), "→ Uint8Array");
        assert_eq!(text(&view, "38 digits, only read (N)", aws_sdk), "→ 16 digits");
        assert_eq!(text(&view, "undefined", aws_sdk), "refused");
        let dynamoose = 2;
        assert_eq!(text(&view, "Date", dynamoose), "same, as N");
        assert_eq!(text(&view, "null (NULL)", 3), "same*");
        assert!(view.note.contains("* The library's schema has no type"));
    }

    #[test]
    fn an_error_is_said_once_with_all_who_say_it() {
        let view = page(&results()).values.unwrap();
        let whose: Vec<&str> = view.errors.iter().map(|said| said.who.as_str()).collect();
        assert!(whose.contains(&"AWS SDK: undefined, NaN; Mizzle: undefined"), "{whose:?}");
    }

    #[test]
    fn a_library_that_was_not_tried_has_dashes_and_results_without_values_no_table() {
        let mut results = results();
        results.values.retain(|values| values.target != "mizzle");
        results.values[0].outcomes.clear();
        results.values[0].untried = Some("a plain text was not kept: nothing".to_owned());
        let view = page(&results).values.unwrap();
        assert!(view.rows.iter().all(|row| row.cells[0].text == "–" && row.cells[1].text == "–"));
        assert_eq!(view.rows[0].cells[0].hint, "a plain text was not kept: nothing");
        assert!(view.errors.iter().any(|said| said.words == "not tried: a plain text was not kept: nothing"));
        results.values.clear();
        assert!(page(&results).values.is_none());
    }
}
