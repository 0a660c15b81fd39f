//! An example item of the user's own (`--item`): read from JSON, checked against DynamoDB's rules and against what can be
//! measured, and turned into DynamoDB's own JSON, in which every value names its type. Pure: text in, item out.

mod convert;
mod size;

use std::str::FromStr;

use hmac_sha256::Hash as Sha256;
use serde_json::{Map, Value};

use crate::system::files;

pub use convert::MOST_DEPTH;

/// The largest item that `DynamoDB` takes, bytes.
pub const MOST_BYTES: u64 = 400 * 1024;
/// No text of more than this is an item of [`MOST_BYTES`], bytes.
pub const MOST_TEXT: u64 = 8 << 20;

/// An example item.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnItem {
    /// Made of its file's name: lower-case letters, digits and hyphens.
    pub name: String,
    /// Attribute values with their types, as `{"S": "text"}`.
    pub item: Map<String, Value>,
    pub keys: KeyNames,
    /// The attribute that UpdateItem sets: the first text or number that is no key; None where there is none.
    pub updated: Option<String>,
    /// As `DynamoDB` counts.
    pub bytes: u64,
    /// Of the file's text.
    pub sha256: String,
}

/// The names of an item's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyNames {
    pub partition: String,
    pub sort: String,
}

impl FromStr for KeyNames {
    type Err = String;

    fn from_str(text: &str) -> Result<KeyNames, String> {
        let how = "write pk=NAME,sk=NAME: a table without a sort key can't be measured, since Query needs one";
        let (partition, sort) =
            text.strip_prefix("pk=").and_then(|names| names.rsplit_once(",sk=")).ok_or_else(|| how.to_owned())?;
        if partition.is_empty() || sort.is_empty() {
            return Err(how.to_owned());
        }
        if partition == sort {
            return Err(format!("{partition} can't be both keys"));
        }
        Ok(KeyNames { partition: partition.to_owned(), sort: sort.to_owned() })
    }
}

impl OwnItem {
    /// Reads an item; `file` is its file's name without the folder.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn parse(text: &str, file: &str, keys: KeyNames) -> Result<OwnItem, String> {
        let item = convert::typed(text)?;
        for (name, which) in [(&keys.partition, "pk"), (&keys.sort, "sk")] {
            check_key(&item, name, which)?;
        }
        let bytes = size::of_item(&item);
        if bytes > MOST_BYTES {
            return Err(format!("it has {} KB, and DynamoDB takes items of up to 400 KB", bytes.div_ceil(1024)));
        }
        let updated = item
            .iter()
            .filter(|(name, _)| **name != keys.partition && **name != keys.sort)
            .filter_map(|(name, value)| Some((rank(value)?, name)))
            .min_by_key(|(rank, _)| *rank)
            .map(|(_, name)| name.clone());
        let sha256 = files::hex(Sha256::hash(text.as_bytes()));
        Ok(OwnItem { name: name_of(file), item, keys, updated, bytes, sha256 })
    }
}

/// What comes first for UpdateItem: a text with a letter or a digit, then a number that isn't 0.
fn rank(value: &Value) -> Option<u8> {
    if let Some(text) = value.get("S").and_then(Value::as_str) {
        return text.contains(|c: char| c.is_ascii_alphanumeric()).then_some(0);
    }
    let number = value.get("N").and_then(Value::as_str)?;
    let plain = number.trim_start_matches('-').chars().all(|c| c.is_ascii_digit() || c == '.');
    let digits = number.chars().filter(char::is_ascii_digit).count();
    (plain && digits <= 15 && number.contains(|c: char| ('1'..='9').contains(&c))).then_some(1)
}

fn check_key(item: &Map<String, Value>, name: &str, which: &str) -> Result<(), String> {
    let Some(value) = item.get(name) else {
        let names: Vec<&str> = item.keys().take(8).map(String::as_str).collect();
        let more = if item.len() > names.len() { ", …" } else { "" };
        return Err(format!("it has no attribute {name:?} (--key {which}); there are {}{more}", names.join(", ")));
    };
    match value.get("S").and_then(Value::as_str) {
        Some("") => Err(format!("its key {name:?} is empty, and DynamoDB takes no empty keys")),
        Some(_) => Ok(()),
        None => Err(format!(
            "its key {name:?} is {}; only keys that are strings can be measured",
            convert::type_in_words(value)
        )),
    }
}

/// A file's name as that of a shape.
fn name_of(file: &str) -> String {
    let stem = file.strip_suffix(".json").unwrap_or(file).to_lowercase();
    let parts: Vec<&str> = stem.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let name: String = parts.join("-").chars().take(40).collect();
    if name.is_empty() { "item".to_owned() } else { name }
}

#[cfg(test)]
mod tests;
