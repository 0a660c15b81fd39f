//! The database dies or stops answering in the middle; servers, ports and containers of others.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Place, Running, Server, call, docker, endpoint, has_docker, list, measurement, run, signal};

#[test]
#[ignore = "takes long"]
fn a_database_that_dies_is_restarted_and_reseeded_and_the_round_repeated() {
    let place = Place::new();
    let mut running = Running::start(place.tiny(&["--rounds=2", "--time=1s", "--orm=aws-sdk"]));
    running.wait_for("round 1 of 2");
    place.node("suite");
    signal(place.java(), Signal::KILL);
    running.wait_for("the database died (its process ended)");
    let ended = running.end().expect(0);
    assert_eq!(ended.stderr.matches("round 1 of 2").count(), 2, "{}", ended.stderr);
    let results = place.results();
    let numbers: Vec<u64> = measurement(&results, "aws-sdk")["perRound"]
        .as_array()
        .unwrap()
        .iter()
        .map(|round| round["round"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [0, 1]);
    assert!(results["disturbances"].to_string().contains("database-restarted"), "{}", results["disturbances"]);
    assert!(place.report().contains("the database was restarted and reseeded"));
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn a_database_that_stops_answering_is_noticed_within_seconds() {
    let place = Place::new();
    let mut running = Running::start(place.tiny(&["--rounds=2", "--time=1s", "--orm=aws-sdk"]));
    running.wait_for("round 1 of 2");
    place.node("suite");
    signal(place.java(), Signal::STOP);
    let begun = std::time::Instant::now();
    running.wait_for("the database died (it stopped answering)");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    running.end().expect(0);
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn a_database_that_dies_while_seeding_is_restarted() {
    let place = Place::new();
    let mut running = Running::start(place.tiny(&["--scale=20000", "--orm=aws-sdk"]));
    running.wait_for("seeding 20000 items");
    place.node("keeper");
    std::thread::sleep(Duration::from_millis(600));
    signal(place.java(), Signal::KILL);
    running.end().expect(0).says("starting another");
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn a_database_that_dies_a_second_time_ends_the_run_with_its_log() {
    let place = Place::new();
    let mut running = Running::start(place.tiny(&["--rounds=9", "--orm=aws-sdk"]));
    running.wait_for("round 2 of 9");
    signal(place.java(), Signal::KILL);
    running.wait_for("starting another");
    running.wait_for("round 3 of 9");
    signal(place.java(), Signal::KILL);
    running.end().expect(4).says("the database died a second time").says("the end of its log");
    let results = place.results();
    assert_eq!(results["run"]["status"], "failed");
    assert!(results["run"]["reason"].as_str().unwrap().contains("died a second time"));
    assert!(measurement(&results, "aws-sdk")["rounds"].as_u64().unwrap() >= 2, "what was measured is kept");
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn a_table_keeper_that_is_killed_ends_the_run_in_words_and_keeps_its_rounds() {
    let place = Place::new();
    let mut running = Running::start(place.tiny(&["--rounds=9", "--orm=aws-sdk"]));
    running.wait_for("round 2 of 9");
    signal(place.node("keeper"), Signal::KILL);
    let ended = running.end().expect(4);
    let why = "the table keeper failed";
    assert_eq!(ended.stderr.matches(why).count(), 1, "{}", ended.stderr);
    let results = place.results();
    assert_eq!(results["run"]["status"], "failed");
    assert!(results["run"]["reason"].as_str().unwrap().contains(why), "{}", results["run"]["reason"]);
    assert!(measurement(&results, "aws-sdk")["rounds"].as_u64().unwrap() >= 1, "what was measured is kept");
    assert!(place.report().contains(why));
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn a_container_that_is_killed_is_replaced() {
    if !has_docker() {
        return;
    }
    let place = Place::new();
    let mut running = Running::start(place.tiny(&["--backend=docker", "--rounds=2", "--time=1s", "--orm=aws-sdk"]));
    running.wait_for("round 1 of 2");
    place.node("suite");
    docker(&["kill", &container(&place)]).unwrap();
    // Its connections may be gone a moment before its process is.
    running.end().expect(0).says("the database died (");
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn a_container_that_is_paused_is_replaced() {
    if !has_docker() {
        return;
    }
    let place = Place::new();
    let mut running = Running::start(place.tiny(&["--backend=docker", "--rounds=2", "--time=1s", "--orm=aws-sdk"]));
    running.wait_for("round 1 of 2");
    place.node("suite");
    docker(&["pause", &container(&place)]).unwrap();
    running.end().expect(0).says("the database died (it stopped answering)");
    place.assert_nothing_left();
}

/// The id of the one container of a place.
fn container(place: &Place) -> String {
    let mark = place.docker_things()[0].rsplit_once(' ').unwrap().1.to_owned();
    docker(&["ps", "--quiet", "--filter", &format!("label=io.github.mizzle-bench.owner={mark}")]).unwrap()
}

#[test]
#[ignore = "takes long"]
fn the_servers_of_others_are_left_alone_and_their_ports_too() {
    let place = Place::new();
    let other = Server::start();
    let table = r#"{"TableName":"theirs","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"BillingMode":"PAY_PER_REQUEST"}"#;
    call(other.address, "CreateTable", table).unwrap();
    // The port that everybody's DynamoDB Local has; somebody may have it already.
    let usual = std::net::TcpListener::bind("127.0.0.1:8000");
    let ended = run(place.tiny(&["--orm=aws-sdk"])).expect(0);
    let ours = endpoint(&ended.stderr);
    assert!(ours.port() != other.address.port() && ours.port() != 8000, "{ours}");
    assert!(call(ours, "ListTables", "{}").is_none(), "our server still answers");
    assert_eq!(other.tables(), serde_json::json!(["theirs"]));
    drop(usual);
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn a_run_against_a_server_that_dies_ends_in_words_and_touches_nothing_else() {
    let place = Place::new();
    let server = Server::start();
    let mut command = place.command(&["bench", "--scale=200", "--op=GetItem", "--orm=aws-sdk", "--patience=10ms"]);
    command.args(["--endpoint", &server.url(), "--out"]).arg(&place.out);
    let mut running = Running::start(command);
    running.wait_for("round 2");
    drop(server);
    let ended = running.end();
    assert!(matches!(ended.status.code(), Some(2 | 4)), "{ended:?}");
    let results = place.results();
    assert_eq!(results["run"]["status"], "failed");
    assert!(measurement(&results, "aws-sdk")["rounds"].as_u64().unwrap() >= 1, "what was measured is kept");
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn a_kept_database_is_used_again_and_an_item_that_changed_in_it_is_found() {
    let place = Place::new();
    let reuse = |words: &str| {
        run(place.tiny(&["--reuse-database", "--orm=aws-sdk"])).expect(0).says(words);
        place.assert_nothing_left();
        let database = &place.results()["database"];
        assert_eq!(database["kept"], true);
        database["reused"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(reuse("kept the database for later runs"), 0);
    let kept = list(&place.target().join("bench/databases"));
    let file = kept[0].join("shared-local-instance.db");
    let whole = std::fs::read(&file).unwrap();

    assert_eq!(reuse("checked every item of the kept database"), 1);
    assert!(place.report().contains("seeded by an earlier run"), "the report says so");
    assert!(std::fs::read(&file).unwrap() == whole, "what a run does reached what is kept");

    let before_a_note = b"\"note\":{\"S\":\"";
    let at = whole.windows(before_a_note.len()).position(|bytes| bytes == before_a_note).unwrap();
    let mut changed = whole.clone();
    changed[at + before_a_note.len()] = b'X';
    std::fs::write(&file, changed).unwrap();
    assert_eq!(reuse("was thrown away and is seeded again"), 0);
    assert_eq!(reuse("checked every item of the kept database"), 1);
    assert_eq!(list(&place.target().join("bench/databases")), kept);
}

#[test]
fn a_database_that_can_not_be_kept_is_refused_before_anything_starts() {
    let place = Place::new();
    for (flag, words) in [
        ("--backend=docker", "--backend java"),
        ("--endpoint=http://127.0.0.1:8000", "--endpoint"),
        ("--keep-database", "--keep-database"),
    ] {
        let ended = run(place.tiny(&["--reuse-database", flag])).expect(2);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
    assert!(!place.out.exists());
}
