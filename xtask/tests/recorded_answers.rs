//! The server of recorded answers in front of a real DynamoDB Local.

use answers::Answers;
use answers::testing::{Client, Got};
use serde_json::{Value, json};
use xtask::plan::request::BackendChoice;
use xtask::setup::database::{self, Java, Options};
use xtask::system::checkout::Checkout;
use xtask::system::progress::Progress;

fn call(client: &mut Client, operation: &str, body: &Value) -> Got {
    let got = client.call(&format!("DynamoDB_20120810.{operation}"), &body.to_string());
    assert_eq!(got.status, 200, "{operation}: {}", got.text());
    got
}

#[test]
fn answers_of_dynamodb_local_are_metered_recorded_and_replayed_byte_for_byte() {
    if let Err(why) = Java::find() {
        println!("SKIPPED: {why}");
        return;
    }
    let checkout = Checkout::find().unwrap();
    let options = Options::new(&checkout, "test-answers", BackendChoice::Java, None, None, false).unwrap();
    let server = database::start(&options, &Progress::new(true)).unwrap();
    let upstream = server.endpoint.strip_prefix("http://").unwrap().parse().unwrap();
    let answers = Answers::of(upstream);
    let door = answers.door("a test").unwrap();
    let (mut client, mut direct) = (Client::connect(&door), Client::to(upstream));

    let key =
        |name: &str, kind: &str| json!({ "AttributeName": name, kind: if kind == "KeyType" { "HASH" } else { "S" } });
    let table = json!({
        "TableName": "Answers",
        "KeySchema": [key("pk", "KeyType"), { "AttributeName": "sk", "KeyType": "RANGE" }],
        "AttributeDefinitions": [key("pk", "AttributeType"), key("sk", "AttributeType")],
        "BillingMode": "PAY_PER_REQUEST"
    });
    call(&mut client, "CreateTable", &table);
    let keys = |n: usize| json!({ "pk": { "S": "p" }, "sk": { "S": format!("{n:04}") } });
    for n in 0..300 {
        let mut item = keys(n);
        item["text"] = json!({ "S": "ü".repeat(4000) });
        call(&mut client, "PutItem", &json!({ "TableName": "Answers", "Item": item }));
    }

    let get = json!({ "TableName": "Answers", "Key": keys(7) });
    let values = json!({ ":p": { "S": "p" }, ":a": { "S": "0010" }, ":b": { "S": "0029" } });
    let query = json!({
        "TableName": "Answers", "KeyConditionExpression": "pk = :p AND sk BETWEEN :a AND :b",
        "ExpressionAttributeValues": values
    });
    let update = json!({
        "TableName": "Answers", "Key": keys(8), "UpdateExpression": "SET n = :n", "ReturnValues": "ALL_NEW",
        "ExpressionAttributeValues": { ":n": { "N": "1" } }
    });
    for (operation, body, items, scanned) in [
        ("GetItem", get, 1, 1),
        ("Query", query, 20, 20),
        ("UpdateItem", update, 1, 0),
        ("DeleteItem", json!({ "TableName": "Answers", "Key": keys(9) }), 0, 0),
    ] {
        let plain = call(&mut direct, operation, &body);
        door.record(operation);
        let recorded = call(&mut client, operation, &body);
        assert_eq!(recorded.text(), plain.text(), "{operation}");
        assert_eq!(framing(&recorded), framing(&plain), "{operation}");
        let traffic = door.end_recording().unwrap().traffic;
        assert_eq!(
            (traffic.requests, traffic.items_returned, traffic.items_scanned),
            (1, items, scanned),
            "{operation}"
        );
        assert!(traffic.capacity_units.is_some_and(|units| units >= 0.5), "{operation}: {traffic:?}");
        assert_eq!(traffic.response_bytes, plain.text().len() as u64, "{operation}");
        door.answer();
        assert!(call(&mut client, operation, &body).raw == recorded.raw, "{operation}");
        door.pass();
    }

    // 300 items of 8 KB: three pages.
    let mut scan = json!({ "TableName": "Answers" });
    let plain = call(&mut direct, "Scan", &scan);
    door.record("Scan");
    let first = call(&mut client, "Scan", &scan);
    assert!(
        first.text() == plain.text() && framing(&first) == framing(&plain),
        "{:?} {:?}",
        framing(&first),
        framing(&plain)
    );
    let mut page = first;
    let mut pages = 1;
    while page.text().contains("LastEvaluatedKey") {
        scan["ExclusiveStartKey"] = serde_json::from_str::<Value>(&page.text()).unwrap()["LastEvaluatedKey"].take();
        page = call(&mut client, "Scan", &scan);
        pages += 1;
    }
    let recorded = door.end_recording().unwrap();
    assert_eq!((recorded.answers, pages), (3, 3));
    assert!(recorded.traffic.capacity_units.unwrap() > 200.0, "{recorded:?}");
    door.answer();
    assert!(call(&mut client, "Scan", &scan).raw == page.raw);
}

/// The names of the headers, spelled and in the order as they came, with the sizes of the chunks.
fn framing(got: &Got) -> Vec<String> {
    let head_end = got.raw.windows(4).position(|end| end == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&got.raw[..head_end]).into_owned();
    let mut framing: Vec<String> = head.lines().map(|line| line.split(": ").next().unwrap().to_owned()).collect();
    if head.to_ascii_lowercase().contains("chunked") {
        let mut left = &got.raw[head_end + 4..];
        while let Some(end) = left.windows(2).position(|end| end == b"\r\n") {
            let size = std::str::from_utf8(&left[..end]).unwrap().to_ascii_uppercase();
            left = left.get(end + 4 + usize::from_str_radix(&size, 16).unwrap()..).unwrap_or_default();
            framing.push(size);
        }
    }
    framing
}
