//! What the items of a run are: one of the built-in shapes, or an item of the user's own; and what follows from their
//! size. Pure.

use std::sync::Arc;

use clap::ValueEnum;

use super::own_item::OwnItem;
use crate::results::{Operation, QueryBy};

/// Items that one Query returns unless it is said otherwise.
pub const QUERY_ITEMS: u32 = 20;
/// The most that can be asked for.
pub const MOST_QUERY_ITEMS: u32 = 1_000;
/// A table of more than this is not scanned to its end again and again, bytes.
const LARGE_BYTES: u64 = 2_500_000;
/// A part of a large table that is scanned instead has at least so many bytes of items: two pages. What the most wasteful
/// library makes of it stays below 300 MiB.
const PART: u64 = 1_300_000;
/// It has a multiple of this many items.
const PART_STEP: u64 = 100;
/// Bytes of an answer for each byte of an item, since JSON names every type.
const WIRE: f64 = 1.6;
/// What all recorded answers together may take, bytes; as `answers::MOST_RECORDED`.
const RECORD_ROOM: u64 = 150 << 20;
/// The most that one table may hold, bytes: the database keeps it in memory.
const LARGEST_TABLE: u64 = 2 << 30;

/// A shape that is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BuiltIn {
    /// Orders of customers, 440 bytes: two lines, an address, a note
    Order,
    /// Five flat attributes, 200 bytes
    Session,
    /// 57 flat attributes, 2 KB, with two secondary indexes
    Record,
    /// Nested, 10 KB: a list of 50 maps, a map with free keys, a set, a binary
    Document,
}

impl BuiltIn {
    /// As `--shape` takes it and as `benchmark/src/shapes` names it.
    pub fn name(self) -> &'static str {
        match self {
            BuiltIn::Order => "order",
            BuiltIn::Session => "session",
            BuiltIn::Record => "record",
            BuiltIn::Document => "document",
        }
    }

    /// About the size of an item, bytes, without a library's keys and marks.
    fn bytes(self) -> u64 {
        match self {
            BuiltIn::Order => 440,
            BuiltIn::Session => 200,
            BuiltIn::Record => 2_000,
            BuiltIn::Document => 9_900,
        }
    }
}

/// What the items are, how many of them a query returns, and what it asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Items {
    pub kind: Kind,
    pub query_items: u32,
    pub query_by: QueryBy,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    BuiltIn(BuiltIn),
    Own(Arc<OwnItem>),
}

impl Default for Items {
    fn default() -> Items {
        Items { kind: Kind::BuiltIn(BuiltIn::Order), query_items: QUERY_ITEMS, query_by: QueryBy::Table }
    }
}

impl Items {
    /// For people and for the results.
    pub fn name(&self) -> &str {
        match &self.kind {
            Kind::BuiltIn(shape) => shape.name(),
            Kind::Own(item) => &item.name,
        }
    }

    pub fn own(&self) -> Option<&OwnItem> {
        match &self.kind {
            Kind::BuiltIn(_) => None,
            Kind::Own(item) => Some(item),
        }
    }

    /// For people: `record (about 2.0 KB each), 20 in each Query`.
    pub fn in_words(&self) -> String {
        let size = match self.bytes() {
            bytes if bytes < 1024 => format!("{bytes} bytes"),
            bytes => format!("{:.1} KB", bytes as f64 / 1024.0),
        };
        let query = match self.query_by {
            QueryBy::Table => "Query",
            QueryBy::Index => "Query by index",
        };
        format!("{} (about {size} each), {} in each {query}", self.name(), self.query_items)
    }

    /// Whether every library is known to have items of this kind.
    pub fn are_orders(&self) -> bool {
        self.kind == Kind::BuiltIn(BuiltIn::Order)
    }

    /// About the size of an item, bytes, without a library's keys and marks.
    pub fn bytes(&self) -> u64 {
        match &self.kind {
            Kind::BuiltIn(shape) => shape.bytes(),
            Kind::Own(item) => item.bytes,
        }
    }

    /// Whether a table is too large to be scanned to its end again and again.
    pub fn are_many(&self, items: u32) -> bool {
        !self.are_orders() && u64::from(items) * self.bytes() > LARGE_BYTES
    }

    /// Of how many items a part of a large table is, which is scanned instead.
    pub fn most_scanned(&self) -> u32 {
        let items = PART.div_ceil(self.bytes().max(1)).next_multiple_of(PART_STEP);
        u32::try_from(items).unwrap_or(u32::MAX)
    }

    /// Whether the table can have a secondary index that Query asks.
    fn can_have_index(&self) -> bool {
        self.kind == Kind::BuiltIn(BuiltIn::Record)
    }

    /// Why tables of so many items can't be measured; None where they can.
    pub fn trouble(&self, items: u32, targets: usize, operations: &[Operation], pool: u32) -> Option<String> {
        if self.query_by == QueryBy::Index && !self.can_have_index() {
            let items = self.own().map_or_else(|| format!("shape {}", self.name()), |_| "an item of --item".to_owned());
            return Some(format!("--query-by index: {items} has no secondary index; use --shape record"));
        }
        let kib = self.bytes().div_ceil(1024);
        if self.query_items > items && operations.contains(&Operation::Query) {
            let query = self.query_items;
            return Some(format!(
                "--query-items {query}: a table of {items} items has not so many; use a larger --scale"
            ));
        }
        if u64::from(items) * self.bytes() > LARGEST_TABLE {
            let gib = LARGEST_TABLE >> 30;
            return Some(format!(
                "--scale {items}: so many items of {kib} KB are more than {gib} GB, and the database keeps them in \
                 memory; use a smaller --scale"
            ));
        }
        let answers = |operation: &Operation| match operation {
            Operation::GetItem | Operation::UpdateItem | Operation::DeleteItem => u64::from(pool),
            Operation::Query => u64::from(pool.div_ceil(4) * self.query_items),
            Operation::PutItem | Operation::Scan => 0,
        };
        let recorded: u64 = operations.iter().map(answers).sum();
        let mib = (recorded * self.bytes() * targets as u64) as f64 * WIRE / f64::from(1 << 20);
        let most = RECORD_ROOM >> 20;
        (mib > most as f64 * 0.8).then(|| {
            format!(
                "the recorded answers of {targets} libraries with items of {kib} KB take about {mib:.0} MB, and there is \
                 room for {most}; name fewer libraries (--orm) or operations (--op), or lower --query-items"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(shape: BuiltIn) -> Items {
        Items { kind: Kind::BuiltIn(shape), ..Items::default() }
    }

    #[test]
    fn the_room_for_answers_is_that_of_their_server() {
        assert_eq!(RECORD_ROOM, answers::MOST_RECORDED as u64);
    }

    #[test]
    fn a_table_is_large_by_its_bytes_too() {
        assert!(!of(BuiltIn::Record).are_many(1_000));
        assert!(of(BuiltIn::Document).are_many(1_000));
        assert!(!of(BuiltIn::Order).are_many(1_000_000), "orders are judged by their number");
    }

    #[test]
    fn what_does_not_fit_is_said_with_a_way_out() {
        let all = Operation::ALL;
        assert_eq!(of(BuiltIn::Document).trouble(1_000, 9, &all, 32), None);
        assert_eq!(of(BuiltIn::Order).trouble(1_000_000, 9, &all, 32), None);
        let many = Items { query_items: 1_000, ..of(BuiltIn::Order) };
        assert_eq!(many.trouble(1_000, 9, &all, 32), None);
        assert!(many.trouble(500, 4, &all, 32).unwrap().contains("larger --scale"));
        assert_eq!(many.trouble(500, 4, &[Operation::GetItem], 32), None);
        assert!(of(BuiltIn::Document).trouble(1_000_000, 1, &all, 32).unwrap().contains("smaller --scale"));
        let long = Items { query_items: 1_000, ..of(BuiltIn::Document) };
        assert!(long.trouble(2_000, 4, &all, 32).unwrap().contains("lower --query-items"));
    }
}
