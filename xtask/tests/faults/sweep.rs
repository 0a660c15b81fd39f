//! `xtask` killed with SIGKILL, two runs at once.

use rustix::process::Signal;

use crate::support::{Place, Running, docker, has_docker, run};

#[test]
fn what_a_killed_run_left_is_ended_by_the_next_one_which_then_runs() {
    let place = Place::new();
    // Something that looks the same and isn't ours.
    let stranger = crate::support::Server::start();
    let mut running = Running::start(place.tiny(&["--rounds=50", "--orm=aws-sdk"]));
    running.wait_for("round 1 of 50");
    let (java, node) = (place.java(), place.node("suite"));
    running.signal(Signal::KILL);
    let ended = running.end();
    assert_eq!(ended.status.code(), None);
    assert!(place.processes().iter().any(|(pid, _)| *pid == java), "the server should have outlived its run");

    let ended = run(place.tiny(&["--orm=aws-sdk"])).expect(0).says("cleaned up after a killed run");
    assert!(ended.stderr.contains(&format!("(process {java})")), "{}", ended.stderr);
    let left = place.processes();
    assert!(left.iter().all(|(pid, _)| ![java, node].contains(pid)), "{left:?}");
    place.assert_nothing_left();
    assert_eq!(place.results()["run"]["status"], "complete");
    assert_eq!(stranger.tables(), serde_json::json!([]), "another's server was touched");
}

#[test]
#[ignore = "takes long"]
fn the_containers_and_networks_of_a_killed_run_are_removed_by_the_next_one() {
    if !has_docker() {
        return;
    }
    let place = Place::new();
    // Foreign ones: of a name like ours, and with our label but of a living owner elsewhere.
    let name = format!("dynamodb-bench-foreign-{}", std::process::id());
    let label = format!("io.github.mizzle-bench.owner=0123456789ab-any-1-{}", std::process::id());
    docker(&["network", "create", "--label", &label, &name]).unwrap();
    let mut running = Running::start(place.tiny(&["--backend=docker", "--rounds=50", "--orm=aws-sdk"]));
    running.wait_for("round 1 of 50");
    running.signal(Signal::KILL);
    running.end();
    assert_eq!(place.docker_things().len(), 2, "a container and its network: {:?}", place.docker_things());

    let ended = run(place.tiny(&["--backend=docker", "--orm=aws-sdk"]));
    let foreign = docker(&["network", "inspect", &name]);
    docker(&["network", "rm", &name]);
    ended.expect(0).says("cleaned up after a killed run").says("container ");
    assert!(foreign.is_some(), "a foreign network was removed");
    place.assert_nothing_left();
}

#[test]
fn a_second_run_in_one_checkout_is_refused_by_name_and_harms_nothing() {
    let place = Place::new();
    let mut first = Running::start(place.tiny(&["--orm=aws-sdk"]));
    first.wait_for("starting DynamoDB Local");
    let second = run(place.tiny_into(&place.folder().join("other"), &["--orm=aws-sdk"])).expect(3);
    let error = second.error();
    for words in ["another run is going on", &format!("process {}", first.pid()), "CARGO_TARGET_DIR"] {
        assert!(error.contains(words), "{error}");
    }
    assert!(!place.folder().join("other").exists());
    first.end().expect(0);
    assert_eq!(place.results()["run"]["status"], "complete");
    place.assert_nothing_left();
}
