//! `--resume` after a real interruption.

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Place, Running, measurement, run};

const ROUNDS: [&str; 3] = ["--rounds=3", "--orm=aws-sdk", "--orm=electrodb"];

/// A run that was stopped in its second round.
fn interrupted(place: &Place) -> Value {
    let mut running = Running::start(place.tiny(&ROUNDS));
    running.wait_for("round 2 of 3");
    running.interrupt(Signal::INT).0.expect(130);
    place.results()
}

/// The command that goes on with it, with other arguments.
fn resume(place: &Place, more: &[&str]) -> std::process::Command {
    let mut command = place.command(&crate::support::tiny_with(more));
    command.args(more).arg("--resume").arg(&place.out);
    command
}

#[test]
#[ignore = "takes long"]
fn an_interrupted_run_is_resumed_to_a_complete_one_and_keeps_what_it_measured() {
    let place = Place::new();
    let before = interrupted(&place);
    assert_eq!(before["run"]["status"], "interrupted");
    let first = &measurement(&before, "electrodb")["perRound"][0];

    let ended = run(resume(&place, &ROUNDS)).expect(0);
    assert!(!ended.stderr.contains("round 1 of 3"), "the first round was measured again: {}", ended.stderr);
    let after = place.results();
    assert_eq!((&after["run"]["status"], &after["run"]["id"]), (&"complete".into(), &before["run"]["id"]));
    for id in ["aws-sdk", "electrodb"] {
        let rounds = measurement(&after, id)["perRound"].as_array().unwrap();
        assert_eq!(rounds.iter().map(|round| &round["round"]).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(measurement(&after, id)["failure"].is_null());
    }
    assert_eq!(&measurement(&after, "electrodb")["perRound"][0], first);
    // One time line: what was measured later stands later.
    let times: Vec<f64> = after["timeline"]["bands"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|band| band["target"] == "electrodb")
        .map(|band| band["fromMs"].as_f64().unwrap())
        .collect();
    assert!(times.is_sorted() && times.len() == 3, "{times:?}");
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn a_run_of_other_settings_is_refused_by_what_differs_and_loses_nothing() {
    let place = Place::new();
    interrupted(&place);
    let path = place.out.join("results.json");
    let before = std::fs::read(&path).unwrap();
    for (more, words) in [
        (&["--rounds=4", "--orm=aws-sdk", "--orm=electrodb"][..], "settings.rounds was 3 and is 4"),
        (&["--rounds=3", "--orm=aws-sdk", "--orm=electrodb", "--seed=5"], "seed was 20260101 and is 5"),
        (&["--rounds=3", "--orm=aws-sdk"], "targets was"),
    ] {
        let ended = run(resume(&place, more)).expect(2).says("the earlier run can't be continued by this one");
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
        assert!(!ended.stderr.contains("starting DynamoDB"), "it is reported before anything is started");
    }
    // Known only when all is installed.
    let mut other: Value = serde_json::from_slice(&before).unwrap();
    other["targets"][1]["version"] = "1.0.0".into();
    std::fs::write(&path, other.to_string()).unwrap();
    run(resume(&place, &ROUNDS)).expect(2).says("targets[1].version was \"1.0.0\" and is");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), other.to_string(), "the earlier results were written over");
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn a_resumed_run_that_is_stopped_while_it_starts_loses_nothing() {
    let place = Place::new();
    interrupted(&place);
    let before = std::fs::read(place.out.join("results.json")).unwrap();
    let mut running = Running::start(resume(&place, &ROUNDS));
    running.wait_for("starting DynamoDB Local");
    running.interrupt(Signal::INT).0.expect(130);
    assert_eq!(std::fs::read(place.out.join("results.json")).unwrap(), before);
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn a_run_that_was_killed_is_resumed_from_its_last_round() {
    let place = Place::new();
    let mut running = Running::start(place.tiny(&ROUNDS));
    running.wait_for("round 3 of 3");
    running.signal(Signal::KILL);
    running.end();
    assert_eq!(place.results()["run"]["status"], "incomplete", "a run that goes on is not complete");
    let ended = run(resume(&place, &ROUNDS)).expect(0).says("cleaned up after a killed run");
    assert!(!ended.stderr.contains("round 2 of 3"), "{}", ended.stderr);
    assert_eq!(measurement(&place.results(), "aws-sdk")["rounds"], 3);
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn a_run_that_was_stopped_before_it_measured_can_be_resumed_too() {
    let place = Place::new();
    let mut running = Running::start(place.tiny(&ROUNDS));
    running.wait_for("starting DynamoDB Local");
    running.interrupt(Signal::TERM).0.expect(143);
    run(resume(&place, &ROUNDS)).expect(0);
    assert_eq!(place.results()["run"]["status"], "complete");
}

#[test]
fn a_folder_without_a_run_can_not_be_resumed() {
    let place = Place::new();
    let ended = run(resume(&place, &ROUNDS)).expect(2);
    assert!(ended.error().contains("there is no such file"), "{}", ended.stderr);
    place.assert_nothing_left();
}
