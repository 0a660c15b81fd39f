//! The size of an item as `DynamoDB` counts it: "DynamoDB item sizes and formats" in its developer guide.

use serde_json::{Map, Value};

/// Bytes of names and values, and of what lists and maps add.
pub fn of_item(item: &Map<String, Value>) -> u64 {
    item.iter().map(|(name, value)| name.len() as u64 + of_value(value)).sum()
}

fn of_value(typed: &Value) -> u64 {
    let Some((name, value)) = typed.as_object().and_then(|entries| entries.iter().next()) else { return 0 };
    let elements = || value.as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().map_or(0, str::len) as u64;
    match name.as_str() {
        "S" => text(value),
        "N" => of_number(value),
        "B" => of_binary(value),
        "SS" => elements().map(text).sum(),
        "NS" => elements().map(of_number).sum(),
        "BS" => elements().map(of_binary).sum(),
        "L" => 3 + elements().map(|each| 1 + of_value(each)).sum::<u64>(),
        "M" => value.as_object().map_or(3, |entries| 3 + entries.len() as u64 + of_item(entries)),
        _ => 1,
    }
}

fn of_number(value: &Value) -> u64 {
    let text = value.as_str().unwrap_or_default();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let significant = digits.trim_matches('0').len() as u64;
    significant.div_ceil(2) + if text.starts_with('-') { 2 } else { 1 }
}

fn of_binary(value: &Value) -> u64 {
    let text = value.as_str().unwrap_or_default();
    text.trim_end_matches('=').len() as u64 * 3 / 4
}
