//! The meter: what requests asked of the database, the same for every library and with no code in the measured process.

use serde_json::Value;

use super::json::Object;

/// Totals over requests.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Traffic {
    pub requests: u64,
    /// `Count` of the answers, or 1 for an `Item` or for `Attributes`.
    pub items_returned: u64,
    /// `ScannedCount` of the answers, else `Count`, else 1 for an `Item`.
    pub items_scanned: u64,
    /// None if any answer didn't say, or there was none.
    pub capacity_units: Option<f64>,
    /// Of the bodies as the library sent them.
    pub request_bytes: u64,
    /// Of the bodies as the server sends them when nobody but the library asks for the capacity.
    pub response_bytes: u64,
}

impl Traffic {
    /// Adds one request and its answer.
    pub fn add(&mut self, request: &[u8], answer: &[u8], capacity_units: Option<f64>) {
        self.capacity_units = match (self.requests, self.capacity_units, capacity_units) {
            (0, _, units) => units,
            (_, Some(so_far), Some(units)) => Some(so_far + units),
            _ => None,
        };
        self.requests += 1;
        self.request_bytes += request.len() as u64;
        self.response_bytes += answer.len() as u64;
        let Some(object) = Object::parse(answer) else { return };
        let (returned, scanned) = items(&object);
        self.items_returned += returned;
        self.items_scanned += scanned;
    }
}

/// Items that an answer returns, and that were read for it.
pub fn items(answer: &Object<'_>) -> (u64, u64) {
    let count = answer.count("Count");
    let read = u64::from(answer.get("Item").is_some());
    // An update that asks for the new values gets an item back, as Attributes, which it didn't have to look for.
    let single = if answer.get("Attributes").is_some() { 1 } else { read };
    (count.unwrap_or(single), answer.count("ScannedCount").or(count).unwrap_or(read))
}

/// `CapacityUnits` in the text of a `ConsumedCapacity`: one, or of a batch one for each table.
pub fn units(consumed: &str) -> Option<f64> {
    match serde_json::from_str(consumed).ok()? {
        Value::Array(tables) => tables.iter().map(|table| table.get("CapacityUnits")?.as_f64()).sum(),
        one => one.get("CapacityUnits")?.as_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_counted_as_the_answer_says() {
        for (answer, expected) in [
            (r#"{"Item":{"pk":{"S":"a"}}}"#, (1, 1)),
            (r#"{"Attributes":{}}"#, (1, 0)),
            (r#"{"Items":[],"Count":20,"ScannedCount":100}"#, (20, 100)),
            (r#"{"Count":20}"#, (20, 20)),
            ("{}", (0, 0)),
        ] {
            assert_eq!(items(&Object::parse(answer.as_bytes()).unwrap()), expected, "{answer}");
        }
    }

    #[test]
    fn capacity_is_unknown_as_soon_as_one_answer_lacks_it() {
        let mut traffic = Traffic::default();
        assert_eq!(traffic.capacity_units, None);
        traffic.add(b"12345", b"{}", units(r#"{"CapacityUnits":1.5}"#));
        traffic.add(b"123", b"{\"Count\":3}", units(r#"[{"CapacityUnits":0.5},{"CapacityUnits":1.0}]"#));
        assert_eq!(traffic.capacity_units, Some(3.0));
        traffic.add(b"", b"", None);
        traffic.add(b"", b"", Some(1.0));
        assert_eq!(traffic.capacity_units, None);
    }
}
