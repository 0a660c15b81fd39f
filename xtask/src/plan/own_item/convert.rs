//! JSON as attribute values with their types: plain JSON by what it holds, DynamoDB's own JSON after a look at every value.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value, json};

/// How deep `DynamoDB` lets attributes nest.
pub const MOST_DEPTH: usize = 32;
/// The largest whole number up to which a JavaScript number holds all of them.
const MOST_EXACT: u64 = 1 << 53;
/// The range of `DynamoDB`'s numbers.
const SMALLEST: f64 = 1e-130;
const LARGEST: f64 = 9.9e125;

/// The names of the types in DynamoDB's own JSON.
const TYPES: [&str; 10] = ["S", "N", "BOOL", "NULL", "B", "L", "M", "SS", "NS", "BS"];

/// The attributes of an item, each with its type.
///
/// # Errors
/// Text that is no JSON object, and values that can't be an item's, in one line with the place.
pub fn typed(text: &str) -> Result<Map<String, Value>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let value: Value = serde_json::from_str(text).map_err(|why| {
        let why = why.to_string();
        if why.contains("recursion limit") { too_deep("it") } else { format!("it is not JSON: {why}") }
    })?;
    let item = match value {
        Value::Object(item) => unwrapped(item),
        Value::Array(_) => return Err("it is a list; one item is needed, an object of attributes".to_owned()),
        _ => return Err("it is no item: an object of attributes is needed".to_owned()),
    };
    if item.is_empty() {
        return Err("it has no attributes".to_owned());
    }
    let is_typed = item.values().all(|value| type_of(value).is_some());
    let convert = if is_typed { check } else { infer };
    let mut typed = Map::new();
    for (name, value) in item {
        check_name(&name)?;
        let value = convert(&value, &name, 0)?;
        typed.insert(name, value);
    }
    Ok(typed)
}

/// What `aws dynamodb get-item` prints has the item inside.
fn unwrapped(mut item: Map<String, Value>) -> Map<String, Value> {
    if item.keys().all(|name| ["Item", "ConsumedCapacity"].contains(&name.as_str()))
        && let Some(Value::Object(inner)) = item.remove("Item")
    {
        return inner;
    }
    item
}

/// The type that a value of DynamoDB's own JSON names, and the value.
fn type_of(value: &Value) -> Option<(&'static str, &Value)> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    let (name, value) = object.iter().next()?;
    let found = TYPES.into_iter().find(|of| of == name)?;
    let fits = match found {
        "S" | "N" | "B" => value.is_string(),
        "BOOL" | "NULL" => value.is_boolean(),
        "M" => value.is_object(),
        _ => value.is_array(),
    };
    fits.then_some((found, value))
}

/// A value's type, for people.
pub fn type_in_words(typed: &Value) -> &'static str {
    match type_of(typed).map(|(name, _)| name) {
        Some("S") => "a string",
        Some("N") => "a number",
        Some("BOOL") => "a boolean",
        Some("NULL") => "null",
        Some("B") => "a binary",
        Some("L") => "a list",
        Some("M") => "a map",
        Some("SS" | "NS" | "BS") => "a set",
        _ => "of no known type",
    }
}

fn check_name(name: &str) -> Result<(), String> {
    match name {
        "" => Err("it has an attribute without a name".to_owned()),
        "__proto__" => Err("it has an attribute __proto__, which JavaScript takes for something else".to_owned()),
        _ => Ok(()),
    }
}

fn too_deep(place: &str) -> String {
    format!("{place} nests deeper than {MOST_DEPTH} levels, which DynamoDB does not take")
}

/// The type of a plain value by what it is.
fn infer(value: &Value, place: &str, depth: usize) -> Result<Value, String> {
    if depth > MOST_DEPTH {
        return Err(too_deep(shortened(place)));
    }
    Ok(match value {
        Value::Null => json!({ "NULL": true }),
        Value::Bool(value) => json!({ "BOOL": value }),
        Value::String(text) => json!({ "S": text }),
        Value::Number(number) => json!({ "N": number_of(number, place)? }),
        Value::Array(elements) => {
            let elements: Result<Vec<Value>, String> =
                elements.iter().map(|element| infer(element, &format!("{place}[]"), depth + 1)).collect();
            json!({ "L": elements? })
        }
        Value::Object(entries) => json!({ "M": entries_of(entries, place, depth, infer)? }),
    })
}

/// A value that names its type, checked.
fn check(value: &Value, place: &str, depth: usize) -> Result<Value, String> {
    if depth > MOST_DEPTH {
        return Err(too_deep(shortened(place)));
    }
    let (name, inner) = type_of(value).ok_or_else(|| {
        format!("{place} does not name its type as the attributes around it do: {}", shortened(&value.to_string()))
    })?;
    Ok(match name {
        "N" => json!({ "N": number_text(inner, place)? }),
        "NULL" if inner == &Value::Bool(false) => return Err(format!("{place} is {{\"NULL\": false}}")),
        "B" => json!({ "B": base64(inner, place)? }),
        "L" => {
            let elements = inner.as_array().into_iter().flatten();
            let elements: Result<Vec<Value>, String> =
                elements.map(|element| check(element, &format!("{place}[]"), depth + 1)).collect();
            json!({ "L": elements? })
        }
        "M" => json!({ "M": entries_of(inner.as_object().unwrap_or(&Map::new()), place, depth, check)? }),
        "SS" => set_of(name, inner, place, |each, _| text(each))?,
        "NS" => set_of(name, inner, place, number_text)?,
        "BS" => set_of(name, inner, place, base64)?,
        _ => value.clone(),
    })
}

type Convert = fn(&Value, &str, usize) -> Result<Value, String>;

fn entries_of(
    entries: &Map<String, Value>,
    place: &str,
    depth: usize,
    convert: Convert,
) -> Result<Map<String, Value>, String> {
    let mut made = Map::new();
    for (name, value) in entries {
        check_name(name).map_err(|why| format!("{why} (in {place})"))?;
        made.insert(name.clone(), convert(value, &format!("{place}.{name}"), depth + 1)?);
    }
    Ok(made)
}

fn set_of(
    name: &str,
    elements: &Value,
    place: &str,
    convert: impl Fn(&Value, &str) -> Result<String, String>,
) -> Result<Value, String> {
    let elements = elements.as_array().into_iter().flatten();
    let elements: Vec<String> = elements.map(|element| convert(element, place)).collect::<Result<_, _>>()?;
    if elements.is_empty() {
        return Err(format!("{place} is an empty set, which DynamoDB does not take"));
    }
    if elements.iter().collect::<BTreeSet<_>>().len() < elements.len() {
        return Err(format!("{place} is a set with an element twice"));
    }
    Ok(json!({ name: elements }))
}

fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("{value} is no string, as a set's elements must be"))
}

/// A number of plain JSON as text.
fn number_of(number: &Number, place: &str) -> Result<String, String> {
    let whole = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
    match (whole, number.as_f64()) {
        (Some(whole), _) if whole <= MOST_EXACT => Ok(number.to_string()),
        (None, Some(float)) if float.fract() != 0.0 || float.abs() <= MOST_EXACT as f64 => in_range(float, place),
        _ => Err(inexact(place, &number.to_string())),
    }
}

/// A number of DynamoDB's own JSON, which is a text.
fn number_text(value: &Value, place: &str) -> Result<String, String> {
    let text = text(value)?;
    let float: f64 = text.parse().map_err(|_| format!("{place} is {text:?}, which is no number"))?;
    if !float.is_finite() {
        return Err(format!("{place} is {text}, which is no number that DynamoDB takes"));
    }
    let significant = |text: &str| {
        let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        digits.trim_matches('0').to_owned()
    };
    let plain = in_range(float, place)?;
    if significant(&plain) == significant(&text) { Ok(plain) } else { Err(inexact(place, &text)) }
}

fn in_range(float: f64, place: &str) -> Result<String, String> {
    if float == 0.0 || (SMALLEST..=LARGEST).contains(&float.abs()) {
        Ok(float.to_string())
    } else {
        Err(format!("{place} is {float:e}, and DynamoDB takes numbers from 1e-130 to 9.9e125"))
    }
}

fn inexact(place: &str, number: &str) -> String {
    format!(
        "{place} is {number}, which a JavaScript number does not hold exactly: the libraries can't be compared by it"
    )
}

/// A binary, as it stands.
fn base64(value: &Value, place: &str) -> Result<String, String> {
    let text = text(value)?;
    let digits = text.trim_end_matches('=');
    let known = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    if text.len() % 4 == 0 && text.len() - digits.len() <= 2 && digits.chars().all(known) {
        Ok(text)
    } else {
        Err(format!("{place} is no binary in base64"))
    }
}

fn shortened(text: &str) -> &str {
    text.char_indices().nth(60).map_or(text, |(end, _)| &text[..end])
}
