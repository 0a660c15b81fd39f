//! The six operations.

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::QueryBy;

/// The six operations. The order of the variants is the order in which they are measured and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(feature = "testing", derive(ts_rs::TS))]
pub enum Operation {
    PutItem,
    GetItem,
    UpdateItem,
    DeleteItem,
    Query,
    Scan,
}

impl Operation {
    pub const ALL: [Operation; 6] = [
        Operation::PutItem,
        Operation::GetItem,
        Operation::UpdateItem,
        Operation::DeleteItem,
        Operation::Query,
        Operation::Scan,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Operation::PutItem => "PutItem",
            Operation::GetItem => "GetItem",
            Operation::UpdateItem => "UpdateItem",
            Operation::DeleteItem => "DeleteItem",
            Operation::Query => "Query",
            Operation::Scan => "Scan",
        }
    }

    /// The same where a Query may ask an index.
    pub fn name_by(self, queried: QueryBy) -> &'static str {
        match (self, queried) {
            (Operation::Query, QueryBy::Index) => "Query by index",
            _ => self.name(),
        }
    }

    /// Whether a call leaves the table as it was.
    pub fn only_reads(self) -> bool {
        matches!(self, Operation::GetItem | Operation::Query | Operation::Scan)
    }

    /// Whether a call is about a single item.
    pub fn acts_on_one_item(self) -> bool {
        !matches!(self, Operation::Query | Operation::Scan)
    }

    /// Whether each call takes away an item that must be there.
    pub fn consumes_items(self) -> bool {
        self == Operation::DeleteItem
    }

    /// Whether a call's cost grows with the table.
    pub fn grows_with_the_table(self) -> bool {
        self == Operation::Scan
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}
