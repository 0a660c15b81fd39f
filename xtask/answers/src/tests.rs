//! The server from outside: plain sockets, and a small server instead of the database. `xtask/tests/recorded_answers.rs`
//! has the real one.

mod cost;

use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;
use crate::testing::{Client, Fake, Got, chunked, sized};

const GET: &str = "DynamoDB_20120810.GetItem";
const ITEM: &str = r#"{"Item":{"pk":{"S":"a"},"n":{"N":"1.50"}}}"#;

fn get(key: &str) -> String {
    format!(r#"{{"TableName":"T","Key":{{"pk":{{"S":"{key}"}}}}}}"#)
}

/// A server that answers with the same bytes whatever it is asked, and doors to it.
fn answers(answer: impl Fn(&str, &str) -> Vec<u8> + Send + Sync + 'static) -> (Answers, Fake) {
    let fake = Fake::start(answer);
    (Answers::of(fake.address), fake)
}

#[test]
fn a_recorded_answer_is_byte_for_byte_the_servers() {
    let whole = sized(ITEM);
    let (answers, fake) = answers(move |_, _| whole.clone());
    let door = answers.door("mizzle (small)").unwrap();
    let mut client = Client::connect(&door);
    door.record("GetItem");
    let recorded = client.call(GET, &get("a"));
    assert_eq!(String::from_utf8_lossy(&recorded.raw), String::from_utf8_lossy(&sized(ITEM)));
    assert_eq!(door.end_recording().unwrap().answers, 1);
    door.answer();
    drop(fake);
    for _ in 0..3 {
        assert_eq!(client.call(GET, &get("a")).raw, sized(ITEM));
    }
    assert_eq!(answers.spent().unwrap().answers, 3);
    assert_eq!(answers.spent().unwrap().bytes, 3 * ITEM.len() as u64);
    assert_eq!((door.unknown(), door.varied()), (None, 0));
}

#[test]
fn a_request_reaches_the_database_as_it_was_sent() {
    let (answers, fake) = answers(|_, _| sized("{}"));
    let door = answers.door("x").unwrap();
    Client::connect(&door).call(GET, &get("a"));
    let (head, body) = fake.last();
    assert_eq!(body, get("a"));
    assert!(head.starts_with("POST / HTTP/1.1\r\n"), "{head}");
    for line in ["X-Amz-Target: DynamoDB_20120810.GetItem", "Host: bench", "X-Odd-CASE: 1"] {
        assert!(head.lines().any(|found| found == line), "{line} in {head}");
    }
}

#[test]
fn an_unknown_request_is_named() {
    let (answers, fake) = answers(|_, _| sized(ITEM));
    let door = answers.door("mizzle (small)").unwrap();
    door.answer();
    let got = Client::connect(&door).call(GET, &get("nobody"));
    assert_eq!(got.status, 400);
    let error: Value = serde_json::from_str(&got.text()).unwrap();
    assert_eq!(error["__type"], "com.amazonaws.dynamodb.v20120810#ValidationException");
    let message = error["message"].as_str().unwrap();
    for word in ["GetItem", "\"nobody\"", "mizzle (small)", "never recorded"] {
        assert!(message.contains(word), "{message}");
    }
    Client::connect(&door).call(GET, &get("another"));
    assert_eq!(door.unknown().as_deref(), Some(message));
    assert_eq!(fake.calls(), 0);
    door.answer();
    assert_eq!(door.unknown(), None);
}

#[test]
fn a_body_that_varies_is_matched_by_its_key_and_counted() {
    let (answers, _fake) = answers(|_, _| sized("{}"));
    let door = answers.door("dynamoose (small)").unwrap();
    let mut client = Client::connect(&door);
    let put = |key: &str, at: u32| {
        format!(r#"{{"TableName":"T","Item":{{"at":{{"N":"{at}"}},"pk":{{"S":"{key}"}},"sk":{{"S":"1"}}}}}}"#)
    };
    let target = "DynamoDB_20120810.PutItem";
    door.record("PutItem");
    client.call(target, &put("a", 1));
    assert!(!door.end_recording().unwrap().varies);
    door.record("PutItem");
    client.call(target, &put("b", 1));
    client.call(target, &put("b", 2));
    assert!(door.end_recording().unwrap().varies);
    door.answer();
    assert_eq!(client.call(target, &put("a", 1)).status, 200);
    assert_eq!(door.varied(), 0);
    assert_eq!(client.call(target, &put("a", 99)).status, 200);
    assert_eq!(door.varied(), 1);
    assert_eq!(client.call("DynamoDB_20120810.UpdateItem", &put("a", 99)).status, 400, "of another operation");
    assert_eq!(client.call(target, &put("c", 1)).status, 400, "of another key");
}

#[test]
fn capacity_is_metered_and_not_seen_by_the_client() {
    let with = r#"{"ConsumedCapacity":{"TableName":"T","CapacityUnits":2.5},"Item":{"pk":{"S":"a"}}}"#;
    let without = r#"{"Item":{"pk":{"S":"a"}}}"#;
    let (answers, fake) = answers(move |_, body| sized(if body.contains("\"TOTAL\"") { with } else { without }));
    let door = answers.door("x").unwrap();
    let mut client = Client::connect(&door);
    door.record("GetItem");
    let got = client.call(GET, &get("a"));
    client.call(GET, &get("b"));
    assert_eq!(got.raw, sized(without), "length and checksum fit too");
    assert!(fake.last().1.ends_with(r#","ReturnConsumedCapacity":"TOTAL"}"#), "{}", fake.last().1);
    let traffic = door.end_recording().unwrap().traffic;
    let expected = Traffic {
        requests: 2,
        items_returned: 2,
        items_scanned: 2,
        capacity_units: Some(5.0),
        request_bytes: 2 * get("a").len() as u64,
        response_bytes: 2 * without.len() as u64,
    };
    assert_eq!(traffic, expected);
    door.answer();
    assert_eq!(client.call(GET, &get("a")).raw, sized(without));
}

#[test]
fn the_capacity_that_a_library_asks_for_itself_is_metered_and_left() {
    let with = r#"{"Item":{},"ConsumedCapacity":{"CapacityUnits":0.5}}"#;
    let (answers, fake) = answers(move |_, _| sized(with));
    let door = answers.door("x").unwrap();
    door.record("GetItem");
    let own = r#"{"ReturnConsumedCapacity":"INDEXES","TableName":"T"}"#;
    assert_eq!(Client::connect(&door).call(GET, own).text(), with);
    assert_eq!(fake.last().1, own);
    assert_eq!(door.end_recording().unwrap().traffic.capacity_units, Some(0.5));
}

#[test]
fn a_server_that_refuses_what_was_added_is_asked_again_without() {
    let (answers, _fake) = answers(|_, body| {
        if body.contains("\"TOTAL\"") { crate::testing::answer(400, r#"{"message":"signature"}"#) } else { sized(ITEM) }
    });
    let door = answers.door("x").unwrap();
    door.record("GetItem");
    assert_eq!(Client::connect(&door).call(GET, &get("a")).text(), ITEM);
    let recorded = door.end_recording().unwrap();
    assert_eq!((recorded.traffic.requests, recorded.traffic.capacity_units), (1, None));
}

#[test]
fn an_answer_whose_checksum_does_not_fit_is_passed_on_unchanged() {
    let with = r#"{"ConsumedCapacity":{"CapacityUnits":2.5}}"#;
    let broken = String::from_utf8(sized(with)).unwrap().replace("x-amz-crc32: ", "x-amz-crc32: 1");
    let expected = broken.clone();
    let (answers, _fake) = answers(move |_, _| broken.clone().into_bytes());
    let door = answers.door("x").unwrap();
    door.record("GetItem");
    assert_eq!(String::from_utf8(Client::connect(&door).call(GET, &get("a")).raw).unwrap(), expected);
    assert_eq!(door.end_recording().unwrap().traffic.capacity_units, None);
}

#[test]
fn chunked_answers_are_replayed_chunked() {
    let body = format!(r#"{{"Items":["{}"],"Count":1,"ConsumedCapacity":{{"CapacityUnits":3}}}}"#, "é".repeat(50_000));
    let left = body.replace(r#","ConsumedCapacity":{"CapacityUnits":3}"#, "");
    let (answers, _fake) = answers(move |_, _| chunked(&body, 32_768));
    let door = answers.door("x").unwrap();
    let mut client = Client::connect(&door);
    door.record("Query");
    let recorded = client.call("DynamoDB_20120810.Query", "{}");
    assert!(recorded.raw == chunked(&left, 32_768), "not the chunks of the server");
    assert_eq!(door.end_recording().unwrap().traffic.capacity_units, Some(3.0));
    door.answer();
    let replayed = client.call("DynamoDB_20120810.Query", "{}");
    assert!(replayed.raw == recorded.raw, "not the chunks of the record");
    assert_eq!(replayed.text(), left);
}

#[test]
fn a_second_and_other_answer_is_noted_and_the_first_is_kept() {
    let count = AtomicUsize::new(0);
    let (answers, _fake) =
        answers(move |_, _| sized(&json!({ "n": count.fetch_add(1, Ordering::Relaxed) }).to_string()));
    let door = answers.door("x").unwrap();
    let mut client = Client::connect(&door);
    door.record("UpdateItem");
    let first = client.call(GET, &get("a")).raw;
    client.call(GET, &get("a"));
    let recorded = door.end_recording().unwrap();
    assert_eq!((recorded.answers, recorded.contradicted, recorded.traffic.requests), (1, 1, 2));
    door.answer();
    assert_eq!(client.call(GET, &get("a")).raw, first);
}

#[test]
fn equal_bodies_are_kept_once_and_forgotten_with_their_doors() {
    let page = "x".repeat(100_000);
    let (answers, _fake) = answers(move |_, _| sized(&page));
    let doors = [answers.door("a").unwrap(), answers.door("b").unwrap()];
    for door in &doors {
        door.record("GetItem");
        let mut client = Client::connect(door);
        for key in 0..10 {
            client.call(GET, &get(&key.to_string()));
        }
        assert_eq!(door.end_recording().unwrap().answers, 10);
    }
    let held = answers.held_bytes();
    assert!((100_000..200_000).contains(&held), "{held}");
    drop(doors);
    assert_eq!(answers.held_bytes(), 0);
}

#[test]
fn a_record_that_grows_too_large_fails_and_the_call_goes_on() {
    let count = AtomicUsize::new(0);
    let fake = Fake::start(move |_, _| sized(&format!("{:050000}", count.fetch_add(1, Ordering::Relaxed))));
    let answers = Answers::with_limits(fake.address, 1 << 20, UPSTREAM_LIMITS);
    let door = answers.door("mizzle (large)").unwrap();
    let mut client = Client::connect(&door);
    door.record("Scan");
    for key in 0..30 {
        assert_eq!(client.call(GET, &get(&key.to_string())).status, 200);
    }
    let why = door.end_recording().unwrap_err().to_string();
    assert!(why.contains("Scan of mizzle (large)") && why.contains("1 MiB"), "{why}");
    assert!(answers.held_bytes() <= 1 << 20);
    assert!(door.end_recording().unwrap_err().to_string().contains("no recording"));
}

#[test]
fn trouble_with_the_database_names_its_address() {
    let fake = Fake::start(|_, _| Vec::new());
    let limits = Limits { answer: Duration::from_millis(200), ..UPSTREAM_LIMITS };
    let answers = Answers::with_limits(fake.address, MOST_RECORDED, limits);
    let door = answers.door("x").unwrap();
    let got = Client::connect(&door).call(GET, &get("a"));
    assert_eq!(got.status, 502, "{}", got.text());
    assert!(got.text().contains(&fake.address.to_string()), "{}", got.text());

    let slow = Fake::start(|_, _| {
        std::thread::sleep(Duration::from_secs(2));
        sized("{}")
    });
    answers.set_upstream(slow.address);
    door.record("GetItem");
    let got = Client::connect(&door).call(GET, &get("a"));
    assert_eq!(got.status, 504, "{}", got.text());
    assert!(got.text().contains(&slow.address.to_string()) && got.text().contains("200ms"), "{}", got.text());
    assert_eq!(door.end_recording().unwrap().answers, 0);

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    answers.set_upstream(nobody);
    assert_eq!(Client::connect(&door).call(GET, &get("a")).status, 502);

    let again = Fake::start(|_, _| sized("{}"));
    answers.set_upstream(again.address);
    assert_eq!(Client::connect(&door).call(GET, &get("a")).status, 200);
}

#[test]
fn a_connection_to_the_database_serves_many_requests_and_may_be_closed_in_between() {
    let (answers, fake) = answers(|_, _| sized("{}"));
    let door = answers.door("x").unwrap();
    let mut client = Client::connect(&door);
    for key in 0..50 {
        assert_eq!(client.call(GET, &get(&key.to_string())).status, 200);
    }
    assert_eq!((fake.calls(), fake.connections()), (50, 1));
    fake.hang_up();
    assert_eq!(client.call(GET, &get("again")).status, 200);
    assert_eq!(fake.connections(), 2);
}

#[test]
fn a_connection_to_the_database_that_waited_long_is_not_used_again() {
    let fake = Fake::start(|_, _| sized("{}"));
    let limits = Limits { idle: Duration::ZERO, ..UPSTREAM_LIMITS };
    let answers = Answers::with_limits(fake.address, MOST_RECORDED, limits);
    let door = answers.door("x").unwrap();
    let mut client = Client::connect(&door);
    for connections in 1..4 {
        assert_eq!(client.call(GET, &get("a")).status, 200);
        assert_eq!(fake.connections(), connections);
    }
}

#[test]
fn dropping_a_door_stops_its_thread_frees_its_port_and_keeps_what_it_cost() {
    let (answers, _fake) = answers(|_, _| sized("{}"));
    let (kept, closed) = (answers.door("a").unwrap(), answers.door("b").unwrap());
    let address = |door: &Door| door.endpoint().strip_prefix("http://").unwrap().parse::<SocketAddr>().unwrap();
    let (kept_address, closed_address) = (address(&kept), address(&closed));
    assert!(kept_address.ip().is_loopback());
    let mut client = Client::connect(&kept);
    drop(closed);
    assert!(TcpStream::connect(closed_address).is_err());
    assert_eq!(client.call(GET, &get("a")).status, 200);
    assert!(answers.spent().unwrap().cpu_ms.abs() < f64::EPSILON, "it only passed on");
    kept.answer();
    client.call(GET, &get("a"));
    let spent = answers.spent().unwrap();
    assert!(spent.cpu_ms > 0.0);
    let start = Instant::now();
    drop(kept);
    assert!(start.elapsed() < Duration::from_secs(1));
    assert!(TcpStream::connect(kept_address).is_err());
    assert!(client.try_call(GET, &get("a")).is_none());
    assert!(answers.spent().unwrap().cpu_ms >= spent.cpu_ms);
}

#[test]
fn what_is_no_request_of_the_databases_is_answered_too() {
    let (answers, fake) = answers(|_, _| sized("{}"));
    let door = answers.door("x").unwrap();
    door.record("GetItem");
    for body in ["", "[]", "{", "\u{0}", "{\"Key\":7}", "{\"Key\":{}}", "{\"Item\":[]}"] {
        assert_eq!(Client::connect(&door).call(GET, body).status, 200, "{body}");
    }
    assert_eq!(door.end_recording().unwrap().traffic.requests, 7);
    door.answer();
    let head = |text: &str| Client::connect(&door).send(text.as_bytes());
    let get = head("GET /shell HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert!(get.status == 400 && get.text().contains("GET /shell"), "{}", get.text());
    assert_eq!(head("nonsense\r\n\r\n").map(|got| got.status), Some(400));
    let calls = fake.calls();
    let long = "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: a.GetItem\r\nContent-Length: 99999999\r\n\r\n";
    let mut client = Client::connect(&door);
    assert_eq!(client.send_much(long, 17 << 20).map(|got: Got| got.status), Some(413));
    assert_eq!(fake.calls(), calls);
}

#[test]
fn many_connections_are_served_at_once() {
    let (answers, _fake) = answers(|_, _| sized(ITEM));
    let door = answers.door("x").unwrap();
    door.record("GetItem");
    Client::connect(&door).call(GET, &get("a"));
    door.end_recording().unwrap();
    door.answer();
    let mut clients: Vec<Client> = (0..300).map(|_| Client::connect(&door)).collect();
    for _ in 0..2 {
        for client in &mut clients {
            assert_eq!(client.call(GET, &get("a")).raw, sized(ITEM));
        }
    }
}

#[test]
fn a_client_that_wants_its_connection_closed_is_told_so_and_it_is() {
    let (answers, _fake) = answers(|_, _| sized(ITEM));
    let door = answers.door("x").unwrap();
    let closing = crate::testing::request(GET, &get("a")).replacen("X-Odd-CASE: 1", "Connection: close", 1);
    door.record("GetItem");
    for answers_itself in [false, true] {
        if answers_itself {
            door.answer();
        }
        let mut client = Client::connect(&door);
        let got = client.send(closing.as_bytes()).unwrap();
        assert_eq!((got.status, got.text()), (200, ITEM.to_owned()));
        assert!(String::from_utf8_lossy(&got.raw).contains("\r\nConnection: close\r\n"));
        assert!(client.answer().is_none());
    }
    let mut client = Client::connect(&door);
    let refused = client.send(b"nonsense\r\n\r\n").unwrap();
    assert!(String::from_utf8_lossy(&refused.raw).contains("\r\nConnection: close\r\n"));
    assert!(client.answer().is_none());
}

#[test]
fn requests_that_come_together_are_answered_in_turn_and_blank_lines_between_them_mean_nothing() {
    let (answers, fake) = answers(|_, body| sized(body));
    let door = answers.door("x").unwrap();
    let (first, second) = (crate::testing::request(GET, &get("a")), crate::testing::request(GET, &get("b")));
    let mut client = Client::connect(&door);
    assert_eq!(client.send(format!("\r\n{first}\r\n{second}").as_bytes()).unwrap().text(), get("a"));
    assert_eq!(client.answer().unwrap().text(), get("b"));
    assert_eq!(fake.connections(), 1);
}

#[test]
fn answers_of_other_servers_become_such_that_the_clients_connection_goes_on() {
    let old = "HTTP/1.0 200 OK\r\nServer: old\r\nContent-Length: 2\r\n\r\n{}";
    let announced = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    let both = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    let more = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    for answer in [old, announced, both, more] {
        let (answers, _fake) = answers(move |_, _| answer.into());
        let door = answers.door("x").unwrap();
        door.record("GetItem");
        let mut client = Client::connect(&door);
        let got = client.call(GET, &get("a"));
        assert_eq!(got.text(), "{}", "{answer}");
        assert!(got.raw.starts_with(b"HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(client.call(GET, &get("b")).text(), "{}", "{answer}");
    }
}
