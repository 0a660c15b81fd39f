//! What a machine may be missing: Java, Docker or its engine, the image, a new enough Node, the network.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;

use crate::support::{Place, has_docker, run};

/// A folder of programs to be the whole PATH.
fn path_of(place: &Place, programs: &[&str]) -> PathBuf {
    let folder = place.folder().join("programs");
    std::fs::create_dir(&folder).unwrap();
    for name in programs {
        symlink(which::which(name).unwrap(), folder.join(name)).unwrap();
    }
    folder
}

#[test]
fn without_java_and_docker_the_message_names_both_and_what_to_install() {
    let place = Place::new();
    let path = path_of(&place, &["node", "npm", "sh", "env"]);
    for (backend, words) in [
        ("auto", &["Docker: docker is not on the PATH", "Java: java is not on the PATH", "--endpoint"][..]),
        ("java", &["To install a Java runtime"]),
        ("docker", &["To install Docker with Compose"]),
    ] {
        let mut command = place.tiny(&["--orm=aws-sdk", &format!("--backend={backend}")]);
        command.env("PATH", &path);
        let ended = run(command).expect(3);
        for words in words {
            assert!(ended.stderr.contains(words), "{words:?} is not in {}", ended.stderr);
        }
    }
    let mut command = place.command(&["doctor"]);
    command.env("PATH", &path);
    let ended = run(command).expect(3);
    assert!(ended.stdout.contains("java is not on the PATH"), "{}", ended.stdout);
    place.assert_nothing_left();
    assert!(!place.out.exists());
}

#[test]
fn a_node_that_is_too_old_is_told_with_its_version() {
    let place = Place::new();
    let path = path_of(&place, &["npm", "sh", "env", "java"]);
    let old = path.join("node");
    std::fs::write(&old, "#!/bin/sh\necho v18.20.4\n").unwrap();
    std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = place.tiny(&["--orm=aws-sdk"]);
    command.env("PATH", &path);
    let ended = run(command).expect(3);
    assert!(ended.stderr.contains("Node is 18.20.4") && ended.stderr.contains("20 or newer"), "{}", ended.stderr);
    place.assert_nothing_left();
}

#[test]
fn npm_without_a_network_and_with_an_empty_cache_is_a_missing_prerequisite() {
    let place = Place::bare("checkout");
    let mut command = place.tiny(&["--orm=aws-sdk"]);
    offline(&mut command, &place.folder().join("empty cache"));
    let ended = run(command).expect(3);
    for words in [
        "npm ci could not install the locked dependencies",
        "npm cannot reach its registry",
        "connect to the network once",
    ] {
        assert!(ended.stderr.contains(words), "{words:?} is not in {}", ended.stderr);
    }
    place.assert_nothing_left();
}

/// No network for npm: a proxy where nobody listens.
fn offline(command: &mut Command, cache: &std::path::Path) {
    let nobody = "http://127.0.0.1:1";
    command.env("npm_config_cache", cache).env("npm_config_proxy", nobody).env("npm_config_https_proxy", nobody);
    command.env("npm_config_noproxy", "").env_remove("no_proxy").env_remove("NO_PROXY");
}

#[test]
#[ignore = "takes long"]
fn npm_without_a_network_and_with_a_full_cache_is_enough_for_a_whole_run() {
    let first = Place::bare("checkout");
    let cache = first.folder().join("full cache");
    let mut command = first.tiny(&["--orm=aws-sdk"]);
    command.env("npm_config_cache", &cache);
    run(command).expect(0).says("fetched DynamoDB Local");
    first.assert_nothing_left();

    let second = Place::bare("checkout");
    let mut command = second.tiny(&["--orm=aws-sdk"]);
    offline(&mut command, &cache);
    run(command).expect(0).says("installed the locked dependencies").says("fetched DynamoDB Local");
    assert_eq!(second.results()["run"]["status"], "complete");
    second.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn an_engine_that_does_not_run_makes_auto_go_on_with_java() {
    let place = Place::new();
    let nowhere = format!("unix://{}", place.folder().join("no.sock").display());
    let mut command = place.tiny(&["--orm=aws-sdk", "--backend=auto"]);
    command.env("DOCKER_HOST", &nowhere);
    run(command).expect(0).says("DynamoDB Local runs on Java: Docker is not running");
    assert_eq!(place.results()["database"]["backend"], "java");
    place.assert_nothing_left();

    if which::which("docker").is_ok() {
        let mut command = place.tiny(&["--orm=aws-sdk", "--backend=docker"]);
        command.env("DOCKER_HOST", &nowhere);
        run(command).expect(3).says("it is not running (Cannot connect to the Docker daemon").says("To start it");
    }
}

#[test]
#[ignore = "takes long"]
fn an_image_that_can_not_be_pulled_makes_auto_go_on_with_java_and_docker_end_in_the_engines_words() {
    if !has_docker() {
        return;
    }
    let place = Place::new();
    let image = "localhost:1/no/such-image:0";
    let mut command = place.tiny(&["--orm=aws-sdk", "--backend=auto"]);
    command.env("DYNAMODB_LOCAL_IMAGE", image);
    run(command).expect(0).says("DynamoDB Local runs on Java: Docker could not start it");
    place.assert_nothing_left();
    let mut command = place.tiny(&["--orm=aws-sdk", "--backend=docker"]);
    command.env("DYNAMODB_LOCAL_IMAGE", image);
    run(command)
        .expect(3)
        .says("Docker could not run DynamoDB Local: pulling localhost:1/no/such-image:0")
        .says("connection refused");
    assert_eq!(place.results()["run"]["status"], "failed");
    place.assert_nothing_left();
}
