//! A suite process that crashes, is killed, runs out of memory, hangs, or prints garbage; calls that throw or never
//! return. The other target goes on.

use rustix::process::Signal;

use crate::support::{Ended, Place, Running, measurement, run, signal, target};

const BOTH: [&str; 2] = ["--orm=aws-sdk", "--orm=electrodb"];

/// Runs with a library that does `body` in the place of ElectroDB, and looks whether that one alone is failed.
fn fails(place: &Place, body: &str, reason: &str) -> Ended {
    place.fake("electrodb", body);
    let ended = run(place.tiny(&BOTH)).expect(4);
    one_failed(place, &ended, "electrodb", "aws-sdk", reason);
    ended
}

fn one_failed(place: &Place, ended: &Ended, failed: &str, good: &str, reason: &str) {
    let results = place.results();
    assert_eq!(results["run"]["status"], "failed");
    assert_eq!(target(&results, failed)["status"], "failed");
    let why = target(&results, failed)["reason"].as_str().unwrap();
    assert!(why.contains(reason), "{reason:?} is not in {why:?}");
    assert_eq!(measurement(&results, good)["rounds"], 1, "the other target did not go on: {}", ended.stderr);
    let bad = measurement(&results, failed);
    for figure in ["latencyMs", "throughput", "cpu", "memoryMb", "vsBaseline"] {
        assert!(bad[figure].is_null(), "{figure} of what failed is {}", bad[figure]);
    }
    assert!(!bad["failure"].is_null());
    assert!(ended.stderr.contains(&format!("{failed} was dropped from this run")), "{}", ended.stderr);
    assert!(place.report().contains(failed) || place.report().contains("ElectroDB"));
    place.assert_nothing_left();
}

#[test]
fn a_suite_that_crashes_fails_alone_with_the_last_lines_of_its_log() {
    let place = Place::new();
    let body = "if (once) { console.error('the \\u001b[31mlast words'); process.exit(7); }";
    let ended = fails(&place, body, "its process ended without an answer (exit status: 7)");
    let results = place.results();
    let why = target(&results, "electrodb")["reason"].as_str().unwrap();
    assert!(
        why.contains("the last lines of suite-200-electrodb-0.log:\n") && why.ends_with("the  [31mlast words"),
        "{why:?}"
    );
    ended.says("failed or did wrong work: electrodb");
}

#[test]
#[ignore = "takes long"]
fn an_exception_that_nobody_catches_is_named() {
    fails(&Place::new(), "if (once) setTimeout(() => { throw new TypeError('stray'); })", "stray");
}

#[test]
#[ignore = "takes long"]
fn a_suite_that_is_killed_fails_alone() {
    let place = Place::new();
    let mut running = Running::start(place.tiny(&["--rounds=1", "--time=2s", "--orm=aws-sdk", "--orm=electrodb"]));
    running.wait_for("round 1 of 1");
    // Both are there when the second one is.
    place.node("suite");
    std::thread::sleep(std::time::Duration::from_secs(3));
    signal(place.node("suite"), Signal::KILL);
    let ended = running.end().expect(4);
    let results = place.results();
    let (failed, good) = match target(&results, "aws-sdk")["status"].as_str() {
        Some("failed") => ("aws-sdk", "electrodb"),
        _ => ("electrodb", "aws-sdk"),
    };
    one_failed(&place, &ended, failed, good, "its process ended without an answer");
}

#[test]
#[ignore = "takes long"]
fn a_suite_that_runs_out_of_memory_fails_alone_in_nodes_words() {
    let hog = "if (once) { const hog = []; for (;;) hog.push(new Array(1e6).fill(calls)); }";
    fails(&Place::new(), hog, "heap out of memory");
}

#[test]
#[ignore = "takes long: a call may take 30 s"]
fn a_suite_that_hangs_fails_alone_after_its_time_limit() {
    let place = Place::new();
    let ended = fails(&place, "if (once) for (;;);", "no answer within");
    assert!(ended.took.as_secs() < 75, "{:?}", ended.took);
}

#[test]
#[ignore = "takes long: a call may take 30 s"]
fn a_suite_that_is_stopped_fails_alone_after_its_time_limit() {
    let place = Place::new();
    place.fake("electrodb", "if (once) process.kill(process.pid, 'SIGSTOP')");
    let ended = run(place.tiny(&BOTH)).expect(4);
    one_failed(&place, &ended, "electrodb", "aws-sdk", "no answer within");
}

#[test]
#[ignore = "takes long"]
fn a_suite_that_prints_garbage_fails_alone_with_the_garbage_quoted() {
    fails(
        &Place::new(),
        r"if (once) write('\u001b[2JSegmentation fault\n')",
        r#"not an event: "\u{1b}[2JSegmentation fault""#,
    );
}

#[test]
#[ignore = "takes long"]
fn half_a_line_is_no_event() {
    let body = r#"if (once) { write('{"event":"end","operation":"Get'); process.exit(0); }"#;
    fails(&Place::new(), body, "half a line: \"{\\\"event\\\":\\\"end\\\"");
}

#[test]
#[ignore = "takes long"]
fn a_flood_of_events_that_nobody_asked_for_holds_nothing_up() {
    let body = r#"if (once) { for (let i = 0; i < 20000; i += 1) write('{"event":"prepared","count":1}\n'); write('?\n'); for (let i = 0; i < 20000; i += 1) write('{"event":"prepared","count":1}\n'); }"#;
    fails(&Place::new(), body, "not an event: \"?\"");
}

#[test]
#[ignore = "takes long"]
fn numbers_that_can_not_be_are_refused() {
    let body = r#"if (once) write('{"event":"end","operation":"GetItem","phase":"latency","calls":1,"wallMs":-5}\n')"#;
    fails(&Place::new(), body, "impossible numbers");
}

#[test]
#[ignore = "takes long"]
fn calls_that_throw_now_and_then_are_counted_and_shown() {
    let place = Place::new();
    place.fake(
        "electrodb",
        "if (phase === 'throughput' && !globalThis.thrown) { globalThis.thrown = true; throw new Error('throttled'); }",
    );
    run(place.tiny(&["--time=1s", BOTH[0], BOTH[1]])).expect(0);
    let results = place.results();
    let one = measurement(&results, "electrodb");
    assert!(one["errors"].as_u64().unwrap() >= 1, "{}", one["errors"]);
    assert!(one["latencyMs"]["mean"].as_f64().unwrap() > 0.0);
    assert!(place.report().contains("failed; their times are not in the figures"), "{}", place.report());
    assert_eq!(measurement(&results, "aws-sdk")["errors"], 0);
}

#[test]
#[ignore = "takes long"]
fn calls_that_throw_often_fail_the_operation_and_its_figures_are_absent() {
    let ended = fails(
        &Place::new(),
        "if (phase === 'latency' && calls % 4 === 3) throw new Error('throttled')",
        "calls threw: throttled",
    );
    ended.says("electrodb was dropped from this run: measure");
}

#[test]
#[ignore = "takes long"]
fn the_figures_of_earlier_rounds_do_not_stand_for_an_operation_that_failed() {
    let place = Place::new();
    // Fresh processes count from one again: only from the second round on is it old enough.
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let mark = place.folder().join("second");
    let body = format!(
        "const fs = await import('node:fs'); if (calls === 1) {{ if (fs.existsSync({mark:?})) globalThis.bad = true; \
         else fs.writeFileSync({mark:?}, '{since}'); }} if (globalThis.bad && phase === 'latency') throw new Error('broken')"
    );
    place.fake("electrodb", &body);
    let ended = run(place.tiny(&["--rounds=2", BOTH[0], BOTH[1]])).expect(4);
    let results = place.results();
    let one = measurement(&results, "electrodb");
    assert!(one["failure"]["cause"].as_str().unwrap().contains("broken"), "{one} {}", ended.stderr);
    assert!(one["latencyMs"].is_null() && one["cpu"].is_null() && one["vsBaseline"].is_null(), "{one}");
    assert_eq!(measurement(&results, "aws-sdk")["rounds"], 2);
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long: a call may take 30 s"]
fn a_call_that_never_returns_is_given_up() {
    fails(&Place::new(), "if (once) return new Promise(() => {})", "no answer within 30000 ms");
}

#[test]
#[ignore = "takes long"]
fn a_suite_that_dies_while_it_writes_leaves_the_table_to_the_others_as_it_was() {
    for operation in ["PutItem", "UpdateItem", "DeleteItem"] {
        for phase in ["warm-up", "throughput"] {
            let place = Place::new();
            let body = format!(
                "if (operation === '{operation}' && phase === '{phase}' && ++globalThis.n > 20) process.exit(7)"
            );
            place.fake("electrodb", &format!("globalThis.n ??= 0; {body}"));
            let operations = ["--op=PutItem", "--op=UpdateItem", "--op=DeleteItem"];
            let ended = run(place.tiny(&[&operations[..], &["--rounds=2"], &BOTH].concat())).expect(4);
            let results = place.results();
            for one in results["measurements"].as_array().unwrap() {
                let rounds = if one["target"] == "aws-sdk" { 2 } else { 0 };
                assert!(rounds == 0 || one["rounds"] == rounds, "{operation}, {phase}: {one} {}", ended.stderr);
            }
            assert_eq!(target(&results, "electrodb")["status"], "failed");
            place.assert_nothing_left();
        }
    }
}
