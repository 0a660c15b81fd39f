//! The ranges of all numbers in a results file, by one walk over its JSON: no number is negative except an exponent, none is so large that
//! sums of them overflow, a ratio is not 0, and an interval's ends are in order. A field that is added is checked with
//! the others; whether it is a number at all is the business of the types.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// So large that a sum of as many as a file can hold is still finite; a seed is a whole number up to this.
const LARGEST_NUMBER: f64 = 1e20;

/// Checks the numbers of a file that is JSON.
///
/// # Errors
/// The first number that can't be, by its place: `measurements[0].cpu.microsPerOp is -1`.
pub fn check(bytes: &[u8]) -> Result<(), String> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let walk = Walk { within: None, name: Name::Key("") };
    walk.deserialize(&mut json).map(drop).map_err(|why| {
        // Where in the text it stands helps nobody.
        let why = why.to_string();
        why.rsplit_once(" at line ").map_or(why.clone(), |(why, _)| why.to_owned())
    })
}

#[derive(Clone, Copy)]
enum Name<'a> {
    Key(&'a str),
    Index(usize),
}

/// A value on the way down, by its name within the one that holds it.
#[derive(Clone, Copy)]
struct Walk<'a> {
    within: Option<&'a Walk<'a>>,
    name: Name<'a>,
}

impl fmt::Display for Walk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let within = self.within.filter(|within| within.within.is_some());
        if let Some(within) = within {
            write!(f, "{within}")?;
        }
        match self.name {
            Name::Index(index) => write!(f, "[{index}]"),
            Name::Key(key) if within.is_some() => write!(f, ".{key}"),
            Name::Key(key) => f.write_str(key),
        }
    }
}

impl Walk<'_> {
    fn key(&self) -> &str {
        if let Name::Key(key) = self.name { key } else { "" }
    }

    fn number<E: Error>(self, value: f64) -> Result<Option<f64>, E> {
        let is_positive = self.key().ends_with("Ratio");
        let is_exponent = self.key().starts_with("exponent") || self.within.is_some_and(|w| w.key() == "exponentCi95");
        let size = if is_exponent { value.abs() } else { value };
        if !(0.0..=LARGEST_NUMBER).contains(&size) || (is_positive && value == 0.0) {
            return Err(E::custom(format_args!("{self} is {value}")));
        }
        Ok(Some(value))
    }
}

/// A number is its own answer; everything else has none.
impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Option<f64>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<f64>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Option<f64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<f64>, A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            map.next_value_seed(Walk { within: Some(&self), name: Name::Key(&key) })?;
        }
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<f64>, A::Error> {
        let (mut index, mut before) = (0, None);
        let is_interval = self.key().to_ascii_lowercase().ends_with("ci95");
        while let Some(value) = list.next_element_seed(Walk { within: Some(&self), name: Name::Index(index) })? {
            if let (true, Some(low), Some(high)) = (is_interval, before, value)
                && low > high
            {
                return Err(A::Error::custom(format_args!("{self} is the interval {low} to {high}")));
            }
            (index, before) = (index + 1, value);
        }
        Ok(None)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Option<f64>, E> {
        self.number(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Option<f64>, E> {
        self.number(value as f64)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Option<f64>, E> {
        self.number(value as f64)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Option<f64>, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Option<f64>, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<f64>, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_can_not_be_is_named_by_its_place() {
        for (json, why) in [
            (r#"{"a":{"b":[1,-2.5]}}"#, "a.b[1] is -2.5"),
            (r#"{"a":[{"wallMs":1e21}]}"#, "a[0].wallMs is 1000000000000000000000"),
            (r#"{"vsBaseline":{"cpuRatio":0}}"#, "vsBaseline.cpuRatio is 0"),
            (r#"{"meanCi95":[2,1.5]}"#, "meanCi95 is the interval 2 to 1.5"),
            (r#"{"cold":{"ci95":[2,1]}}"#, "cold.ci95 is the interval 2 to 1"),
        ] {
            assert_eq!(check(json.as_bytes()).unwrap_err(), why);
        }
    }

    #[test]
    fn numbers_in_range_texts_and_nulls_pass() {
        let json = r#"{"seed":18446744073709551615,"a":null,"b":["x",true,0,1e15],"ci95":[1,1],"cpuRatioCi95":null}"#;
        assert_eq!(check(json.as_bytes()), Ok(()));
    }
}
