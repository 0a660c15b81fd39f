//! The members of a JSON object where they stand in its text, so that one can be taken out or put in and every other
//! byte stays as it was.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON object, its members as text and in their order.
#[derive(Debug)]
pub struct Object<'a> {
    text: &'a str,
    members: Vec<(String, &'a str)>,
}

impl<'a> Object<'a> {
    /// None for anything that is not one object in UTF-8.
    pub fn parse(body: &'a [u8]) -> Option<Object<'a>> {
        let text = std::str::from_utf8(body).ok()?;
        let Members(members) = serde_json::from_str(text).ok()?;
        Some(Object { text, members })
    }

    /// The text of a member's value.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.members.iter().find(|(of, _)| of == name).map(|(_, value)| *value)
    }

    /// A member's value as a number without a fraction.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// The text with one more member at its end; `value` is JSON.
    pub fn with(&self, name: &str, value: &str) -> String {
        let comma = if self.members.is_empty() { "" } else { "," };
        let (open, close) = self.text.split_at(self.text.trim_end().len() - 1);
        format!("{open}{comma}\"{name}\":{value}{close}")
    }

    /// Which bytes to take out so that the object has no such member. None where it has none, or more than one.
    pub fn range_of(&self, name: &str) -> Option<Range<usize>> {
        let mut found = self.members.iter().enumerate().filter(|(_, (of, _))| of == name);
        let ((index, _), None) = (found.next()?, found.next()) else { return None };
        let end = self.end(index);
        if index > 0 {
            // With the comma before it.
            return Some(self.end(index - 1)..end);
        }
        let start = self.text.find('{')? + 1;
        let comma = if self.members.len() > 1 { self.text[end..].find(',')? + 1 } else { 0 };
        Some(start..end + comma)
    }

    /// Where a member's value ends.
    fn end(&self, index: usize) -> usize {
        let value = self.members[index].1;
        value.as_ptr().addr() - self.text.as_ptr().addr() + value.len()
    }
}

struct Members<'a>(Vec<(String, &'a str)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, &'de str)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    members.push((name, value.get()));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(InOrder).map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(text: &str, name: &str) -> Option<String> {
        let mut left = text.to_owned();
        left.replace_range(Object::parse(text.as_bytes())?.range_of(name)?, "");
        Some(left)
    }

    #[test]
    fn a_member_is_taken_out_and_every_other_byte_stays() {
        for (text, left) in [
            (r#"{"A":1,"X":{"a":[1,2]},"B":"}"}"#, r#"{"A":1,"B":"}"}"#),
            (r#" { "X" : {"a":","} , "A":1 } "#, r#" { "A":1 } "#),
            (r#"{"A":1.0 , "X":{}} "#, r#"{"A":1.0} "#),
            (r#"{"X":{}}"#, "{}"),
            (r#"{"\u0058":{},"A":"\u00e9é"}"#, r#"{"A":"\u00e9é"}"#),
        ] {
            let got = without(text, "X").unwrap();
            let same: String = got.chars().filter(|c| *c != ' ').collect();
            assert_eq!(same, left.replace(' ', ""), "{text}");
            assert!(Object::parse(got.as_bytes()).is_some(), "{got}");
        }
        assert_eq!(without(r#"{"A":1,"X":2,"B":3}"#, "X").unwrap(), r#"{"A":1,"B":3}"#);
    }

    #[test]
    fn a_member_that_is_not_there_or_there_twice_is_left_alone() {
        assert_eq!(without(r#"{"A":{"X":1}}"#, "X"), None);
        assert_eq!(without(r#"{"X":1,"X":2}"#, "X"), None);
    }

    #[test]
    fn a_member_is_put_in_at_the_end() {
        let with = |text: &str| Object::parse(text.as_bytes()).unwrap().with("X", "1");
        assert_eq!(with("{}"), r#"{"X":1}"#);
        assert_eq!(with("{\"A\": 2 }\n"), "{\"A\": 2 ,\"X\":1}\n");
    }

    #[test]
    fn what_is_no_object_is_none() {
        for text in ["", "[]", "1", "{", "{}{}", "{\"a\":}", "null"] {
            assert!(Object::parse(text.as_bytes()).is_none(), "{text}");
        }
        assert!(Object::parse(b"{\"a\":\"\xff\"}").is_none());
    }
}
