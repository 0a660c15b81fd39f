//! The key that a request is about: what a body that varies from call to call is matched by, and what a message names.

use serde_json::{Map, Value};

use super::json::Object;
use super::store::hash;

/// The names of the key attributes of the benchmark's tables.
const NAMES: [&str; 2] = ["pk", "sk"];
/// How much of a body or a value a message quotes, characters.
const QUOTED: usize = 120;

/// The key of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Of the operation and the values.
    pub hash: u128,
    values: Vec<String>,
}

impl Key {
    /// The key attributes of `Key` or of `Item`. Of an `Item` without an attribute that is called `pk` there is none,
    /// since it doesn't say which of its attributes are the key.
    pub fn of(target: &str, body: &[u8]) -> Option<Key> {
        let object = Object::parse(body)?;
        let table = object.get("TableName").unwrap_or_default();
        let values = if let Some(key) = object.get("Key") {
            let key: Map<String, Value> = serde_json::from_str(key).ok()?;
            named(&key).unwrap_or_else(|| {
                let mut all: Vec<String> = key.values().map(text).collect();
                all.sort();
                all
            })
        } else {
            named(&serde_json::from_str(object.get("Item")?).ok()?)?
        };
        let parts = [target, table].into_iter().chain(values.iter().map(String::as_str)).map(str::as_bytes);
        Some(Key { hash: hash(parts), values })
    }

    /// For a message.
    pub fn words(&self) -> String {
        let values: Vec<String> = self.values.iter().map(|value| shorten(value)).collect();
        format!("the key {}", values.join(", "))
    }
}

/// What a request is about, for a message: its key, else the beginning of its body.
pub fn words(target: &str, body: &[u8]) -> String {
    match Key::of(target, body) {
        Some(key) => key.words(),
        None if body.is_empty() => "no body".to_owned(),
        None => format!("the body {}", shorten(&String::from_utf8_lossy(&body[..body.len().min(QUOTED * 4)]))),
    }
}

fn named(attributes: &Map<String, Value>) -> Option<Vec<String>> {
    attributes.contains_key(NAMES[0]).then(|| NAMES.iter().filter_map(|name| attributes.get(*name)).map(text).collect())
}

/// An attribute's value without its type where it has one.
fn text(value: &Value) -> String {
    match value.as_object().filter(|typed| typed.len() == 1).and_then(|typed| typed.values().next()) {
        Some(Value::String(text)) => format!("\"{text}\""),
        _ => value.to_string(),
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_in_a_key_and_in_an_item_and_in_whatever_order() {
        let key = |body: &str| Key::of("DynamoDB_20120810.X", body.as_bytes()).unwrap();
        let a = key(r#"{"TableName":"T","Key":{"pk":{"S":"a"},"sk":{"S":"b"}}}"#);
        assert_eq!(a, key(r#"{"Item":{"sk":{"S":"b"},"at":{"N":"17"},"pk":{"S":"a"}},"TableName":"T"}"#));
        assert_ne!(a, key(r#"{"TableName":"T","Key":{"pk":{"S":"a"},"sk":{"S":"c"}}}"#));
        assert_eq!(a.words(), r#"the key "a", "b""#);
        let named = key(r#"{"Key":{"user":{"S":"b"},"order":{"N":"1"}}}"#);
        assert_eq!(named, key(r#"{"Key":{"order":{"N":"1"},"user":{"S":"b"}}}"#));
    }

    #[test]
    fn a_request_without_a_key_is_quoted_in_part() {
        assert!(Key::of("X", br#"{"TableName":"T"}"#).is_none());
        assert!(Key::of("X", br#"{"Item":{"user":{"S":"b"}}}"#).is_none());
        assert_eq!(words("X", br#"{"TableName":"T"}"#), r#"the body {"TableName":"T"}"#);
        assert!(words("X", "é".repeat(500).as_bytes()).chars().count() < 140);
        assert_eq!(words("X", b""), "no body");
    }
}
