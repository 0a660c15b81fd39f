use super::*;

fn keys() -> KeyNames {
    "pk=id,sk=at".parse().unwrap()
}

fn parse(text: &str) -> Result<OwnItem, String> {
    OwnItem::parse(text, "My item.v2.json", keys())
}

/// An item with one more attribute.
fn with(attribute: &str) -> Result<OwnItem, String> {
    parse(&format!(r#"{{"id": "a", "at": "b", {attribute}}}"#))
}

#[test]
fn plain_json_is_typed_by_its_values_and_keeps_its_order() {
    let item = with(r#""n": 12.50, "yes": true, "no": null, "list": [1, "x", {"a": []}], "name": """#).unwrap();
    let text = serde_json::to_string(&item.item).unwrap();
    assert_eq!(
        text,
        r#"{"id":{"S":"a"},"at":{"S":"b"},"n":{"N":"12.5"},"yes":{"BOOL":true},"no":{"NULL":true},"list":{"L":[{"N":"1"},{"S":"x"},{"M":{"a":{"L":[]}}}]},"name":{"S":""}}"#
    );
    assert_eq!((item.name.as_str(), item.updated.as_deref()), ("my-item-v2", Some("n")));
}

#[test]
fn dynamodbs_own_json_is_recognised_also_as_the_command_line_prints_it() {
    let typed = r#"{"id":{"S":"a"},"at":{"S":"b"},"n":{"N":"007.10"},"s":{"SS":["x","y"]},"b":{"B":"AAECAw=="}}"#;
    let item = parse(typed).unwrap();
    assert_eq!(item.item["n"], serde_json::json!({ "N": "7.1" }));
    assert_eq!(parse(&format!(r#"{{"Item": {typed}}}"#)).unwrap().item, item.item);
    // id 2 + 1, at 2 + 1, n 1 + 1 + 1, s 1 + 2, b 1 + 4
    assert_eq!(item.bytes, 17);
    assert_eq!(item.updated.as_deref(), Some("n"));
}

#[test]
fn what_an_update_sets_is_the_first_text_then_the_first_number() {
    let updated = |attributes: &str| with(attributes).unwrap().updated;
    assert_eq!(updated(r#""n": 5, "dash": "--", "s": "open", "t": "x""#).as_deref(), Some("s"));
    assert_eq!(updated(r#""zero": 0, "n": 5"#).as_deref(), Some("n"));
    assert_eq!(updated(r#""zero": 0, "yes": true, "list": ["x"]"#), None);
}

#[test]
fn what_can_not_be_an_item_is_said_in_one_line() {
    let deep = |levels: usize| format!("\"deep\": {}1{}", "[".repeat(levels), "]".repeat(levels));
    assert!(with(&deep(MOST_DEPTH)).is_ok());
    let long = "x".repeat(MOST_BYTES as usize);
    for (text, words) in [
        ("{", "not JSON"),
        ("", "not JSON"),
        (r#"{"id": NaN}"#, "not JSON"),
        (r#"{"id": "a", "at": "b", "n": 1e999}"#, "not JSON"),
        ("[{}]", "it is a list"),
        ("7", "an object of attributes is needed"),
        ("{}", "no attributes"),
        (r#"{"id": "a", "ad": "b"}"#, "no attribute \"at\" (--key sk); there are id, ad"),
        (r#"{"id": 7, "at": "b"}"#, "its key \"id\" is a number; only keys that are strings"),
        (r#"{"id": "", "at": "b"}"#, "empty"),
        (r#"{"id": "a", "at": "b", "": 1}"#, "without a name"),
        (r#"{"id": "a", "at": "b", "m": {"__proto__": 1}}"#, "__proto__"),
        (r#"{"id": "a", "at": "b", "n": 9007199254740993}"#, "does not hold exactly"),
        (r#"{"id": "a", "at": "b", "n": 123456789012345678901234567890}"#, "does not hold exactly"),
        (r#"{"id": "a", "at": "b", "n": 1e-200}"#, "1e-130"),
        (r#"{"id": {"S": "a"}, "at": {"S": "b"}, "n": {"N": "NaN"}}"#, "no number that DynamoDB takes"),
        (r#"{"id": {"S": "a"}, "at": {"S": "b"}, "n": {"N": "Infinity"}}"#, "no number that DynamoDB takes"),
        (r#"{"id": {"S": "a"}, "at": {"S": "b"}, "n": {"N": "many"}}"#, "is no number"),
        (r#"{"id": {"S": "a"}, "at": {"S": "b"}, "n": {"N": "0.1234567890123456789"}}"#, "does not hold exactly"),
        (r#"{"id": {"S": "a"}, "at": {"S": "b"}, "s": {"SS": []}}"#, "empty set"),
        (r#"{"id": {"S": "a"}, "at": {"S": "b"}, "s": {"SS": ["x", "x"]}}"#, "twice"),
        (r#"{"id": {"S": "a"}, "at": {"S": "b"}, "b": {"B": "?"}}"#, "base64"),
        (r#"{"id": {"S": "a"}, "at": {"S": "b"}, "l": {"L": ["x"]}}"#, "does not name its type"),
        (&format!(r#"{{"id": "a", "at": "b", {}}}"#, deep(MOST_DEPTH + 1)), "deeper than 32"),
        (&format!(r#"{{"id": "a", "at": "b", {}}}"#, deep(200)), "deeper than 32"),
        (&format!(r#"{{"id": "a", "at": "b", "t": "{long}"}}"#), "up to 400 KB"),
    ] {
        let why = parse(text).unwrap_err();
        assert!(why.contains(words) && !why.contains('\n') && why.len() < 300, "{text:.80}: {why}");
    }
}

#[test]
fn keys_are_named_both() {
    let keys: KeyNames = "pk=a,b,sk=c=d".parse().unwrap();
    assert_eq!((keys.partition.as_str(), keys.sort.as_str()), ("a,b", "c=d"));
    for text in ["", "pk=a", "sk=a", "pk=a,sk=", "pk=,sk=a", "a,b", "pk=a,sk=a"] {
        let why = text.parse::<KeyNames>().unwrap_err();
        assert!(why.contains("pk=NAME,sk=NAME") || why.contains("both keys"), "{text}: {why}");
    }
}
