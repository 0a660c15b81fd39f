//! What comes back of values that libraries treat differently, such as sets and large numbers. None of it is timed.

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of the values that one target was tried with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TargetValues {
    pub target: String,
    /// Why none was tried, or not all; null where all were.
    pub untried: Option<String>,
    /// At most one of each kind.
    pub outcomes: Vec<ValueOutcome>,
}

/// What became of one value that was written and read through a library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(feature = "testing", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ValueOutcome {
    pub kind: ValueKind,
    pub outcome: ValueFate,
    /// What came back instead, or the first line of the error, shortened; null where neither is.
    pub detail: Option<String>,
    /// The value's type in the database, by `DynamoDB`'s name of it (S, N, SS …); null where none is stored.
    pub stored_type: Option<String>,
    /// What is stored, as JSON or, of a binary, in base64, shortened.
    pub stored: Option<String>,
    /// Whether the library's schema has no type for the value, so that its nearest one was declared.
    pub untyped: bool,
}

/// What a library did with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(feature = "testing", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum ValueFate {
    /// It came back as it was, of the same type.
    Same,
    /// Something else came back.
    Changed,
    /// Nothing came back of it, and no error was raised.
    LeftOut,
    /// The library or the database did not take it.
    Refused,
    /// It was written, but the library could not read it.
    Unreadable,
    /// It could not be declared.
    NoType,
}

/// A kind of value, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(feature = "testing", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum ValueKind {
    StringSet,
    NumberSet,
    Buffer,
    Uint8Array,
    /// Above 2^53, as a number of JavaScript's that holds it exactly.
    LargeNumber,
    /// Above 2^53, as a bigint.
    LargeBigint,
    /// With more digits than a number of JavaScript's holds: written by another program, read through the library.
    LongNumber,
    EmptyString,
    EmptyList,
    EmptyMap,
    EmptySet,
    UndefinedAttribute,
    UndefinedInMap,
    Null,
    Nan,
    Date,
}
