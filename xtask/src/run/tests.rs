//! A run in a world of fakes: no database, no Node, and every way in which a target, or the database, can fail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use clap::Parser as _;

use super::fake::{Asked, Behaviour, Stage, Trouble, When, World};
use super::observer::Began;
use super::*;
use crate::cli::{Cli, Command};
use crate::results::Measurement;
use crate::workers::protocol::{Ground, KeeperCommand, Measure, Phase, SuiteCommand};
use findings::fixture::{Shape, raw};

/// What an observer was called with.
#[derive(Debug, Clone, PartialEq)]
enum Seen {
    RoundBegan(String, Vec<String>),
    Costs(Operation, Vec<String>),
    /// With how many rounds the results held by then.
    RoundEnded(usize),
    Warning(String),
}

#[derive(Default)]
struct Notes(Mutex<Vec<Seen>>);

impl Notes {
    fn note(&self, seen: Seen) {
        self.0.lock().unwrap().push(seen);
    }
}

impl Observer for Notes {
    fn round_began(&self, round: Began<'_>) {
        self.note(Seen::RoundBegan(round.title.to_owned(), round.targets.to_vec()));
    }

    fn costs(&self, operation: Operation, micros: &[(String, f64)]) {
        assert!(micros.iter().all(|(_, micros)| *micros > 0.0), "{micros:?}");
        self.note(Seen::Costs(operation, micros.iter().map(|(id, _)| id.clone()).collect()));
    }

    fn round_ended(&self, results: &Results) {
        self.note(Seen::RoundEnded(results.schedule.len()));
    }

    fn warn(&self, text: &str) {
        self.note(Seen::Warning(text.to_owned()));
    }
}

/// How a run ended and what was seen of it.
struct Made {
    ended: anyhow::Result<()>,
    results: Results,
    asked: Vec<Asked>,
    seen: Vec<Seen>,
    restarts: u32,
}

/// A plan of two targets with slices of some calls.
fn plan(arguments: &str) -> Plan {
    let fixed = "--orm aws-sdk --orm electrodb --time 10ms --concurrency 2";
    let arguments = fixed.split_whitespace().chain(arguments.split_whitespace());
    match Cli::try_parse_from(["cargo xtask", "bench"].into_iter().chain(arguments)).unwrap().command {
        Command::Bench(bench) => Plan::decide(&bench.request()).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Results that hold nothing yet.
fn blank(plan: &Plan) -> Results {
    let mut results = raw(&Shape {
        rounds: 0,
        operations: plan.operations.clone(),
        targets: vec![("aws-sdk", "AWS SDK", "3.1.0", 1.0), ("electrodb", "ElectroDB", "1.0.0", 1.0)],
        ..Shape::small()
    });
    results.settings.concurrency = plan.concurrency;
    results.settings.resamples = 200;
    results.cold_starts.clear();
    results.disturbances.clear();
    results.run.stopped_because = None;
    results
}

fn run_on(plan: &Plan, mut world: World, mut results: Results) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let origin = Instant::now();
    let (notes, sampler) = (Notes::default(), Sampler::start(origin).unwrap());
    let save = |results: &mut Results| {
        summary::summarize(results);
        Ok(())
    };
    let outlets = Outlets { observer: &notes, sampler: &sampler, out: folder.path(), origin, save: &save };
    let ended = Runner::new(plan, &mut world, &mut results, outlets).run().map(drop);
    summary::summarize(&mut results);
    let (asked, restarts, seen) = (world.asked(), world.restarts(), notes.0.into_inner().unwrap());
    Made { ended, results, asked, seen, restarts }
}

fn run(plan: &Plan, world: World) -> Made {
    run_on(plan, world, blank(plan))
}

/// Two targets of which the second one has a trouble.
fn with(stage: Stage, operation: Option<Operation>, round: u32, trouble: Trouble) -> World {
    let when = When { stage, operation, round };
    World::new(vec![Behaviour::default(), Behaviour { trouble: Some((when, trouble)), ..Behaviour::default() }])
}

fn right() -> World {
    World::new(vec![Behaviour::default(); 2])
}

fn rounds(measurement: &Measurement) -> Vec<u32> {
    measurement.per_round.iter().map(|round| round.round).collect()
}

impl Made {
    fn measurements(&self, target: &str) -> impl Iterator<Item = &Measurement> {
        self.results.measurements.iter().filter(move |one| one.target == target)
    }

    /// Commands to suites, with target and round.
    fn suites(&self) -> impl Iterator<Item = (usize, u32, &SuiteCommand)> {
        self.asked.iter().filter_map(|asked| match asked {
            Asked::Suite { target, round, command } => Some((*target, *round, command)),
            Asked::Keeper(_) => None,
        })
    }

    /// Whether the second target was dropped for this reason and the first one was measured to the end.
    fn assert_dropped(&self, status: TargetStatus, stage: &str, cause: &str, of_rounds: u32) {
        self.ended.as_ref().unwrap();
        let [first, second] = &self.results.targets[..] else { panic!("two targets") };
        assert_eq!((first.status, second.status), (TargetStatus::Ok, status), "{:?}", second.reason);
        let reason = second.reason.as_deref().unwrap();
        assert!(reason.starts_with(&format!("{stage} (small scale): ")) && reason.contains(cause), "{reason}");
        for one in self.measurements("aws-sdk") {
            assert_eq!(rounds(one), (0..of_rounds).collect::<Vec<_>>(), "{}", one.name());
            assert!(one.failure.is_none() && one.cpu.is_some(), "{}", one.name());
        }
        let failures: Vec<_> = self.measurements("electrodb").filter_map(|one| one.failure.as_ref()).collect();
        assert!(!failures.is_empty());
        assert!(failures.iter().all(|why| why.stage == stage && why.cause.contains(cause)), "{failures:?}");
        let warned = |seen: &Seen| matches!(seen, Seen::Warning(text) if text.starts_with("electrodb was dropped"));
        assert_eq!(self.seen.iter().filter(|seen| warned(seen)).count(), 1);
    }
}

#[test]
fn every_cell_of_two_right_targets_has_its_rounds_and_its_figures() {
    let made = run(&plan("--rounds 2"), right());
    made.ended.unwrap();
    assert_eq!(made.results.measurements.len(), 12);
    for one in &made.results.measurements {
        assert_eq!((rounds(one), one.rounds, one.errors), (vec![0, 1], 2, 0), "{}", one.name());
        let figures = (one.latency_ms.is_some(), one.throughput.is_some(), one.cpu.is_some(), one.allocation.is_some());
        assert_eq!(figures, (true, true, true, true), "{}", one.name());
        assert!(one.work.is_some() && one.failure.is_none(), "{}", one.name());
        assert_eq!(one.vs_baseline.is_some(), one.target == "electrodb", "{}", one.name());
    }
    let cold: Vec<usize> = made.results.cold_starts.iter().map(|cold| cold.import_ms.values.len()).collect();
    assert_eq!(cold, [2, 2]);
    let order: Vec<&[String]> = made.results.schedule.iter().map(|round| round.order.as_slice()).collect();
    assert_eq!(order[0][0], order[1][1]);
    assert_eq!(made.results.run.stopped_because.as_deref(), Some("small: the 2 rounds asked for are done"));
}

#[test]
fn a_target_twice_as_slow_costs_twice_as_much() {
    let slow = Behaviour { slow: 2.0, ..Behaviour::default() };
    let made = run(&plan("--op getitem --rounds 3"), World::new(vec![Behaviour::default(), slow]));
    let versus = made.measurements("electrodb").next().unwrap().vs_baseline.as_ref().unwrap();
    assert!((versus.cpu_ratio - 2.0).abs() < 0.01, "{versus:?}");
    assert!((versus.latency_ratio.unwrap() - 2.0).abs() < 0.01, "{versus:?}");
}

#[test]
fn wrong_work_while_verifying_drops_a_target_and_the_other_one_goes_on() {
    let made = run(&plan("--op getitem --op putitem --rounds 2"), with(Stage::Verify, None, 0, Trouble::WrongWork));
    let cause = "expected the customer as seeded, got another one";
    made.assert_dropped(TargetStatus::WrongWork, "verify", cause, 2);
    assert!(made.measurements("electrodb").all(|one| one.per_round.is_empty() && one.failure.is_some()));
    assert!(!made.suites().any(|(target, _, command)| target == 1 && matches!(command, SuiteCommand::Measure(_))));
}

#[test]
fn wrong_work_while_recording_drops_a_target_before_it_is_timed() {
    let trouble = with(Stage::Record, Some(Operation::GetItem), 0, Trouble::WrongWork);
    let made = run(&plan("--op getitem --op putitem --rounds 1"), trouble);
    made.assert_dropped(TargetStatus::WrongWork, "record", "GetItem: expected the customer as seeded", 1);
    assert!(!made.suites().any(|(target, _, command)| target == 1 && matches!(command, SuiteCommand::Measure(_))));
}

#[test]
fn a_scan_that_returns_fewer_items_than_the_server_did_is_wrong_work() {
    let trouble = with(Stage::Record, Some(Operation::Scan), 0, Trouble::LosesAnItem);
    let made = run(&plan("--op getitem --op scan --rounds 1"), trouble);
    made.assert_dropped(TargetStatus::WrongWork, "record", "Scan: expected 1000 items, as many as", 1);
}

#[test]
fn a_large_table_is_scanned_once_by_each_target_in_its_first_round() {
    let made = run(&plan("--scale 20000 --op getitem --op scan --rounds 3"), right());
    made.ended.as_ref().unwrap();
    let timed = made.suites().filter_map(|(target, round, command)| match command {
        SuiteCommand::Measure(Measure {
            operation: Operation::Scan, phase: Phase::Latency, calls, lead_in, ..
        }) => Some((target, round, *calls, *lead_in)),
        _ => None,
    });
    assert_eq!(timed.collect::<BTreeSet<_>>(), BTreeSet::from([(0, 0, 1, 0), (1, 0, 1, 0)]));
}

#[test]
fn wrong_work_in_a_later_round_takes_all_of_a_targets_figures() {
    let trouble = with(Stage::Measure(Phase::Client), Some(Operation::GetItem), 1, Trouble::WrongWork);
    let made = run(&plan("--op getitem --op putitem --rounds 2"), trouble);
    made.assert_dropped(TargetStatus::WrongWork, "measure", "GetItem: expected", 2);
    assert!(made.measurements("electrodb").all(|one| one.failure.is_some() && one.cpu.is_none()));
}

#[test]
fn a_crash_is_a_failure_of_its_stage_with_the_last_words_of_the_log() {
    for (stage, name) in [
        (Stage::Start, "start"),
        (Stage::Verify, "verify"),
        (Stage::Record, "record"),
        (Stage::WarmUp, "warm-up"),
        (Stage::Measure(Phase::Allocation), "measure"),
        (Stage::Measure(Phase::Latency), "measure"),
    ] {
        let made = run(&plan("--op getitem --rounds 1"), with(stage, None, 0, Trouble::Crash));
        made.assert_dropped(TargetStatus::Failed, name, "it closed its output", 1);
        made.assert_dropped(TargetStatus::Failed, name, "FATAL ERROR: heap out of memory", 1);
    }
}

#[test]
fn garbage_on_the_line_of_events_drops_a_target_and_is_quoted() {
    let made =
        run(&plan("--op getitem --rounds 2"), with(Stage::Measure(Phase::Throughput), None, 1, Trouble::Garbage));
    made.assert_dropped(TargetStatus::Failed, "measure", "not an event: \"Hello from a library\"", 2);
}

#[test]
fn a_request_that_was_never_recorded_drops_a_target_though_its_library_swallowed_the_error() {
    let trouble = with(Stage::Measure(Phase::Client), Some(Operation::GetItem), 0, Trouble::Unrecorded);
    let made = run(&plan("--op getitem --rounds 1"), trouble);
    made.assert_dropped(TargetStatus::Failed, "measure", "never recorded", 1);
}

#[test]
fn a_failure_that_a_suite_reports_is_taken_over_with_its_stage() {
    let made = run(&plan("--op getitem --rounds 1"), with(Stage::Measure(Phase::Latency), None, 0, Trouble::Failed));
    made.assert_dropped(TargetStatus::Failed, "measure", "a call took longer than 30 s", 1);
}

#[test]
fn calls_that_throw_drop_a_target_with_their_first_error() {
    for phase in [Phase::Client, Phase::Latency, Phase::Throughput] {
        let made = run(&plan("--op getitem --rounds 1"), with(Stage::Measure(phase), None, 0, Trouble::Throws));
        made.assert_dropped(TargetStatus::Failed, "measure", "calls threw: socket hang up", 1);
    }
}

#[test]
fn a_target_that_fails_in_one_operation_keeps_what_its_earlier_rounds_measured_of_the_others() {
    let trouble = with(Stage::Measure(Phase::Latency), Some(Operation::GetItem), 1, Trouble::Crash);
    let made = run(&plan("--op getitem --op putitem --rounds 2"), trouble);
    made.assert_dropped(TargetStatus::Failed, "measure", "it closed its output", 2);
    let failed = |one: &Measurement| (one.operation, rounds(one), one.failure.is_some());
    let failed: Vec<_> = made.measurements("electrodb").map(failed).collect();
    assert_eq!(failed[0], (Operation::PutItem, vec![0], true));
    assert_eq!(failed[1], (Operation::GetItem, vec![0], true));
}

#[test]
fn a_worker_that_never_answers_is_given_up_after_the_limit_of_what_it_was_asked() {
    let folder = tempfile::tempdir().unwrap();
    let world = with(Stage::Verify, None, 0, Trouble::Silence);
    let mut worker = world.suite(1, folder.path().join("log")).unwrap();
    let command = SuiteCommand::Verify { operations: vec![Operation::GetItem], full: true };
    let begun = Instant::now();
    let limit = Duration::from_millis(20);
    let fault = worker.ask("verify", &command, limit, &|_| None, |_| None::<()>).unwrap_err();
    assert!(begun.elapsed() >= limit);
    assert!(
        matches!(&fault, Fault::Failed(why, None) if why.stage == "verify" && why.cause.contains("no answer within"))
    );
}

#[test]
fn values_are_tried_once_for_each_target_when_its_first_process_was_measured() {
    let made = run(&plan("--op getitem --rounds 2"), right());
    for target in 0..2 {
        let commands: Vec<(u32, &SuiteCommand)> =
            made.suites().filter(|(of, ..)| *of == target).map(|(_, round, command)| (round, command)).collect();
        let is_values = |(_, command): &&(u32, &SuiteCommand)| matches!(command, SuiteCommand::Values);
        assert_eq!(commands.iter().filter(is_values).count(), 1);
        let at = commands.iter().position(|one| is_values(&one)).unwrap();
        assert!(commands[at].0 == 0 && matches!(commands[at + 1].1, SuiteCommand::End), "the last of round 0");
    }
    let tried: Vec<(&str, usize)> =
        made.results.values.iter().map(|one| (one.target.as_str(), one.outcomes.len())).collect();
    assert_eq!(tried, [("aws-sdk", 1), ("electrodb", 1)]);
}

#[test]
fn a_target_that_falls_while_values_are_tried_keeps_its_figures_and_is_measured_further() {
    for trouble in [Trouble::Crash, Trouble::Garbage, Trouble::Failed, Trouble::WrongWork] {
        let made = run(&plan("--op getitem --rounds 2"), with(Stage::Values, None, 0, trouble));
        made.ended.as_ref().unwrap();
        assert!(made.results.targets.iter().all(|target| target.status == TargetStatus::Ok), "{trouble:?}");
        assert!(made.results.measurements.iter().all(|one| rounds(one) == [0, 1]), "{trouble:?}");
        let values = &made.results.values[1];
        assert!(values.outcomes.is_empty() && values.untried.is_some(), "{trouble:?}: {values:?}");
        let warned = |seen: &Seen| matches!(seen, Seen::Warning(text) if text.starts_with("electrodb: not all values"));
        assert_eq!(made.seen.iter().filter(|seen| warned(seen)).count(), 1, "{trouble:?}");
    }
}

#[test]
fn a_run_whose_targets_all_failed_ends_and_says_so() {
    let when = When { stage: Stage::Start, operation: None, round: 0 };
    let crash = Behaviour { trouble: Some((when, Trouble::Crash)), ..Behaviour::default() };
    let made = run(&plan("--op getitem --rounds 3"), World::new(vec![crash; 2]));
    made.ended.unwrap();
    assert_eq!(made.results.run.stopped_because.as_deref(), Some("small: no target is left to measure"));
    assert!(made.results.targets.iter().all(|target| target.status == TargetStatus::Failed));
}

/// Calls against recorded answers while warming up, by target, in one round.
fn warm_up_calls(made: &Made, of_round: u32) -> BTreeMap<(usize, Operation), u64> {
    let mut sums = BTreeMap::new();
    for (target, round, command) in made.suites() {
        if let SuiteCommand::WarmUp { operation, calls, ground: Ground::Recorded } = command
            && round == of_round
        {
            *sums.entry((target, *operation)).or_insert(0) += calls;
        }
    }
    sums
}

#[test]
fn all_targets_of_a_round_make_equally_many_warm_up_calls_and_the_slowest_to_settle_decides() {
    let compiles = Behaviour { helpers: 0.9, ..Behaviour::default() };
    let operations = "--op getitem --op query --op scan --rounds 2";
    // In the first round the shares of the first cycles depend on how long the fakes took to be recorded.
    for (second, cycles) in [(Behaviour::default(), warm_up::FEWEST), (compiles, warm_up::MOST)] {
        let settles = cycles == warm_up::FEWEST;
        let made = run(&plan(operations), World::new(vec![Behaviour::default(), second]));
        let calls = warm_up_calls(&made, 1);
        for operation in [Operation::GetItem, Operation::Query, Operation::Scan] {
            assert_eq!(calls[&(0, operation)], calls[&(1, operation)], "{operation}");
        }
        assert_eq!(calls[&(0, Operation::Scan)], cycles / 3);
        let settled = |target| made.measurements(target).all(|one| one.per_round.iter().all(|r| r.warm_up.settled));
        assert_eq!((settled("aws-sdk"), settled("electrodb")), (true, settles));
    }
}

#[test]
fn a_warm_up_keeps_its_limit_even_where_nobody_has_settled() {
    let mut plan = plan("--op getitem --op putitem --rounds 2");
    plan.scales[0].warm_up = Some(Duration::ZERO);
    let made = run(&plan, right());
    assert_eq!(warm_up_calls(&made, 1)[&(0, Operation::GetItem)], warm_up::FIRST * 2 * 60);
    assert!(made.measurements("aws-sdk").all(|one| one.per_round.iter().all(|round| !round.warm_up.settled)));
}

#[test]
fn a_far_slower_target_makes_fewer_warm_up_calls() {
    let slow = Behaviour { slow: 4.0, ..Behaviour::default() };
    let made = run(&plan("--op getitem --op putitem --rounds 2"), World::new(vec![Behaviour::default(), slow]));
    let calls = warm_up_calls(&made, 1);
    assert_eq!(calls[&(0, Operation::GetItem)], 4 * calls[&(1, Operation::GetItem)]);
}

#[test]
fn a_far_slower_target_that_is_the_last_to_settle_goes_on_alone() {
    let slow = Behaviour { slow: 4.0, helpers: 0.9, ..Behaviour::default() };
    let made = run(&plan("--op getitem --op putitem --rounds 2"), World::new(vec![Behaviour::default(), slow]));
    let calls = warm_up_calls(&made, 1);
    let cycles = |target, share: u64| calls[&(target, Operation::GetItem)] * share / (2 * 60);
    assert_eq!((cycles(0, 1), cycles(1, 4)), (warm_up::FEWEST, warm_up::MOST));
}

#[test]
fn a_process_is_led_in_by_the_operation_whose_cost_is_measured_first() {
    let made = run(&plan("--op getitem --op putitem --rounds 2"), right());
    for target in 0..2 {
        let commands: Vec<&SuiteCommand> =
            made.suites().filter(|(of, round, _)| (*of, *round) == (target, 1)).map(|(.., command)| command).collect();
        let of_client =
            |command: &&SuiteCommand| matches!(command, SuiteCommand::Measure(Measure { phase: Phase::Client, .. }));
        let first = commands.iter().position(of_client).unwrap();
        let SuiteCommand::Measure(Measure { operation: measured, .. }) = commands[first] else { unreachable!() };
        let SuiteCommand::WarmUp { operation, calls, ground: Ground::Recorded } = commands[first - 1] else {
            panic!("{:?}", commands[first - 1])
        };
        assert_eq!((operation, *measured), (measured, Operation::PutItem));
        assert!((100..=200).contains(calls), "{calls}");
    }
}

/// What one measurement writes: target, operation, and the number after its last call.
fn writes(command: &SuiteCommand) -> Option<(Operation, u64)> {
    match command {
        SuiteCommand::Measure(Measure {
            operation,
            phase: Phase::Latency | Phase::Throughput,
            from,
            calls,
            lead_in,
            ..
        }) if !operation.only_reads() => Some((*operation, from + lead_in + calls)),
        _ => None,
    }
}

#[test]
fn every_deletion_was_prepared_before_it_is_measured() {
    let made = run(&plan("--rounds 2"), right());
    let mut prepared: BTreeMap<usize, u64> = BTreeMap::new();
    let mut deletions = 0;
    for asked in &made.asked {
        match asked {
            Asked::Keeper(KeeperCommand::Prepare { lane, from: 0, count, pool: false }) => {
                prepared.insert(*lane as usize - 1, *count);
            }
            // What was prepared is gone with it.
            Asked::Keeper(KeeperCommand::Restore { operation: Operation::DeleteItem, .. }) => prepared.clear(),
            Asked::Suite { target, command, .. } => {
                if let Some((Operation::DeleteItem, end)) = writes(command) {
                    assert!(prepared[target] >= end, "{} of {}", end, prepared[target]);
                    deletions += 1;
                }
            }
            Asked::Keeper(_) => {}
        }
    }
    assert!(deletions > 8, "{deletions}");
}

/// A run of a plan in which each target is measured for 300 ms in each phase, and its second target behaves like this.
fn run_of_300_ms(arguments: &str, second: Behaviour) -> Made {
    let mut plan = plan(arguments);
    plan.scales[0].time = Some(Duration::from_millis(300));
    let made = run(&plan, World::new(vec![Behaviour::default(), second]));
    made.ended.as_ref().unwrap();
    made
}

fn throughput_ms(measurement: &Measurement) -> Vec<f64> {
    measurement.per_round.iter().map(|round| round.throughput.as_ref().map_or(0.0, |phase| phase.wall_ms)).collect()
}

#[test]
fn the_throughput_of_deletions_has_its_planned_time_as_that_of_others_does_however_fast_they_are() {
    for slow in [1.0, 0.2] {
        let second = Behaviour { slow, in_flight: 0.35, ..Behaviour::default() };
        let made = run_of_300_ms("--op putitem --op deleteitem --rounds 2", second);
        for one in made.measurements("electrodb") {
            assert!(throughput_ms(one).iter().all(|&ms| ms > 299.0), "{}: {:?}", one.name(), throughput_ms(one));
        }
    }
}

#[test]
fn deletions_that_are_faster_together_than_was_expected_go_on_to_the_last_item() {
    let second = Behaviour { in_flight: 0.2, ..Behaviour::default() };
    let made = run_of_300_ms("--op putitem --op deleteitem --rounds 1", second);
    let deleted = made.suites().filter(|(target, ..)| *target == 1).filter_map(|(.., command)| writes(command));
    let deleted = deleted.filter(|(operation, _)| *operation == Operation::DeleteItem).map(|(_, end)| end).max();
    let prepared = made.asked.iter().find_map(|asked| match asked {
        Asked::Keeper(KeeperCommand::Prepare { lane: 2, count, pool: false, .. }) => Some(*count),
        _ => None,
    });
    let left = prepared.unwrap() - deleted.unwrap();
    assert!(left < u64::from(plan("").concurrency), "{left} of {prepared:?}");
}

#[test]
fn throughput_is_measured_for_a_second_also_of_a_target_too_slow_for_many_calls_in_flight_next_to_a_fast_one() {
    let mut plan = plan("--op getitem --rounds 3 --budget 1s");
    (plan.scales[0].time, plan.concurrency) = (None, 16);
    let slow = Behaviour { slow: 60.0, ..Behaviour::default() };
    let made = run(&plan, World::new(vec![Behaviour::default(), slow]));
    made.ended.as_ref().unwrap();
    for (target, in_flight) in [("aws-sdk", 16), ("electrodb", 1)] {
        let one = made.measurements(target).next().unwrap();
        assert!(throughput_ms(one).iter().sum::<f64>() >= 1e3, "{target}: {:?}", throughput_ms(one));
        assert_eq!(one.per_round[0].throughput.as_ref().unwrap().concurrency, in_flight);
    }
}

#[test]
fn everything_that_is_written_is_undone_before_the_table_is_checked() {
    // One falls in the middle of what it writes.
    let falls = with(Stage::Measure(Phase::Throughput), Some(Operation::UpdateItem), 1, Trouble::Crash);
    for world in [right(), falls] {
        let made = run(&plan("--rounds 2"), world);
        made.ended.unwrap();
        let mut written: BTreeMap<(usize, Operation), u64> = BTreeMap::new();
        let mut checks = 0;
        for asked in &made.asked {
            match asked {
                Asked::Suite { target, command, .. } => {
                    if let Some((operation, end)) = writes(command) {
                        let most = written.entry((*target, operation)).or_insert(0);
                        *most = end.max(*most);
                    }
                }
                Asked::Keeper(KeeperCommand::Restore { lanes, operation, from: 0, count, .. }) => {
                    written.retain(|(target, of), end| {
                        of != operation || !lanes.contains(&(*target as u32 + 1)) || *end > *count
                    });
                }
                Asked::Keeper(KeeperCommand::Check { .. }) => {
                    assert!(written.is_empty(), "{written:?}");
                    checks += 1;
                }
                Asked::Keeper(_) => {}
            }
        }
        assert_eq!(checks, 2, "after seeding and after the last round");
    }
}

#[test]
fn a_database_that_died_is_restarted_and_the_round_repeated() {
    let trouble = with(Stage::Measure(Phase::Latency), None, 1, Trouble::DatabaseDies(1));
    let made = run(&plan("--op getitem --rounds 2"), trouble);
    made.ended.as_ref().unwrap();
    assert_eq!(made.restarts, 1);
    assert!(made.results.targets.iter().all(|target| target.status == TargetStatus::Ok));
    assert!(made.results.measurements.iter().all(|one| rounds(one) == [0, 1]));
    let kinds: Vec<_> = made.results.disturbances.iter().map(|one| (one.kind, one.serious)).collect();
    assert!(kinds.contains(&(DisturbanceKind::DatabaseRestarted, true)), "{kinds:?}");
    let seeded = made.asked.iter().filter(|asked| matches!(asked, Asked::Keeper(KeeperCommand::Create { .. }))).count();
    assert_eq!(seeded, 2);
    let began = made.seen.iter().filter(|seen| matches!(seen, Seen::RoundBegan(..))).count();
    assert_eq!(began, 3);
}

#[test]
fn the_second_death_of_the_database_ends_the_run_with_the_end_of_its_log() {
    let trouble = with(Stage::Measure(Phase::Client), None, 1, Trouble::DatabaseDies(2));
    let made = run(&plan("--op getitem --rounds 2"), trouble);
    let why = format!("{:#}", made.ended.unwrap_err());
    assert!(why.contains("a second time") && why.contains("OutOfMemoryError"), "{why}");
    assert_eq!(made.restarts, 1);
    assert!(made.results.targets.iter().all(|target| target.status == TargetStatus::Ok), "it is nobody's fault");
    assert!(made.results.measurements.iter().all(|one| rounds(one) == [0]), "what was measured is kept");
}

#[test]
fn a_resumed_run_measures_the_rounds_that_are_left_and_keeps_the_others() {
    let mut earlier = run(&plan("--op getitem --rounds 2"), right()).results;
    // Its third round was broken off after one target had been measured.
    let mut broken_off = earlier.measurements[0].per_round[0].clone();
    broken_off.round = 2;
    earlier.measurements[0].per_round.push(broken_off);
    let kept = earlier.measurements[0].per_round[..2].to_vec();
    let plan = plan("--op getitem --rounds 4");
    let mut results = blank(&plan);
    resume::take_over(&mut results, earlier).unwrap();
    let made = run_on(&plan, right(), results);
    made.ended.as_ref().unwrap();
    let measured: BTreeSet<u32> = made.suites().map(|(_, round, _)| round).collect();
    assert_eq!(measured, BTreeSet::from([2, 3]));
    assert!(made.results.measurements.iter().all(|one| rounds(one) == [0, 1, 2, 3]));
    assert_eq!(made.results.measurements[0].per_round[..2], kept);
}

#[test]
fn a_run_without_a_number_of_rounds_stops_when_every_ratio_is_known() {
    let made = run(&plan("--op getitem"), right());
    made.ended.unwrap();
    let why = made.results.run.stopped_because.unwrap();
    assert!(why.contains("after 3 rounds: every CPU ratio is known"), "{why}");
}

/// How many rounds are planned, and how long a warm-up may be, once a round with so much on top of its measuring took 40 s
/// and the default budget is left; before this part of the run, so many rounds were made.
fn further_rounds(arguments: &str, done_before: u32, around: Duration) -> (u32, Duration) {
    let mut plan = plan(arguments);
    plan.scales[0].time = None;
    let mut scale = plan.scales[0].clone();
    let folder = tempfile::tempdir().unwrap();
    let (origin, notes) = (Instant::now(), Notes::default());
    let (mut world, mut results, sampler) = (right(), blank(&plan), Sampler::start(origin).unwrap());
    let outlets =
        Outlets { observer: &notes, sampler: &sampler, out: folder.path(), origin, save: &|_: &mut Results| Ok(()) };
    let mut runner = Runner::new(&plan, &mut world, &mut results, outlets);
    runner.fixed = Fixed { start: around, end: Duration::ZERO, around: Duration::ZERO };
    runner.plan_further_rounds(&mut scale, done_before, Duration::from_secs(40));
    (scale.rounds, scale.longest_warm_up())
}

#[test]
fn after_a_round_fewer_are_planned_where_the_time_that_rounds_have_is_not_worth_what_they_cost() {
    let rounds = |arguments, around| further_rounds(arguments, 0, Duration::from_secs(around)).0;
    // Of 207 s, a third.
    assert_eq!([10, 16, 18, 60].map(|around| rounds("", around)), [4, 4, 3, 3]);
    assert_eq!(rounds("--rounds 4", 60), 4, "the number on the command line stays");
    assert_eq!([8, 10].map(|around| rounds("--design sequential", around)), [4, 3], "each target costs as much");
}

#[test]
fn where_rounds_become_fewer_their_warm_up_may_be_longer() {
    let longest = |around| further_rounds("", 0, Duration::from_secs(around)).1.as_secs();
    assert_eq!([longest(10), longest(60)], [13, 17]);
}

#[test]
fn a_resumed_run_plans_the_rounds_that_are_left_by_what_its_first_one_cost() {
    let rounds = |done, around| further_rounds("--budget 5m", done, Duration::from_secs(around)).0;
    assert_eq!([0, 2, 5, 9].map(|done| rounds(done, 30)), [3, 5, 7, 10]);
}

#[test]
fn the_time_of_a_scale_is_noted_by_what_it_went_into() {
    let made = run(&plan("--op getitem --rounds 2"), right());
    let [time] = &made.results.time_use[..] else { panic!("one scale") };
    assert_eq!(time.scale, "small");
    let parts = [time.start_s, time.record_s, time.warm_up_s, time.table_s, time.wall_s];
    assert!(parts.iter().all(|&part| part > 0.0), "{time:?}");
    // What the fakes say that their calls took, which is more than they did.
    let latency: f64 = made
        .results
        .measurements
        .iter()
        .flat_map(|one| &one.per_round)
        .flat_map(|round| &round.slices)
        .map(|slice| slice.wall_ms / 1e3)
        .sum();
    assert!((time.latency_s - latency).abs() < 1e-9, "{time:?}");
    assert!(time.client_s > 0.0 && time.throughput_s > 0.0, "{time:?}");
}

#[test]
fn an_observer_sees_each_round_begin_its_costs_and_its_end() {
    let made = run(&plan("--op getitem --op putitem --rounds 2"), right());
    let ids = |seen: &[Seen]| match seen {
        [Seen::RoundBegan(title, ids), ..] => (title.clone(), ids.clone()),
        other => panic!("{other:?}"),
    };
    let [first, second] = [&made.seen[..made.seen.len() / 2], &made.seen[made.seen.len() / 2..]];
    for (number, seen) in [(1, first), (2, second)] {
        let (title, ids) = ids(seen);
        assert_eq!(title, format!("small · round {number} of 2"));
        let costs = |operation| Seen::Costs(operation, ids.clone());
        // In each pass over the operations.
        let passes = vec![[costs(Operation::PutItem), costs(Operation::GetItem)]; 4].concat();
        assert_eq!(seen[1..seen.len() - 1], passes);
        assert_eq!(seen[seen.len() - 1], Seen::RoundEnded(number));
    }
}

#[test]
fn one_after_the_other_no_process_starts_before_the_last_one_was_asked_to_end() {
    let made = run(&plan("--op getitem --rounds 2 --design sequential"), right());
    made.ended.as_ref().unwrap();
    let mut open = 0;
    for (.., command) in made.suites() {
        match command {
            SuiteCommand::Open(_) => open += 1,
            SuiteCommand::End => open -= 1,
            _ => {}
        }
        assert!((0..=1).contains(&open));
    }
    assert!(made.results.measurements.iter().all(|one| rounds(one) == [0, 1]));
}
