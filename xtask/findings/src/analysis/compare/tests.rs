use super::*;
use crate::analysis::summary::summarize;
use crate::fixture::{Shape, raw, trials};
use crate::report::comparison as render;
use crate::results::{AdapterFile, Backend, QueryBy, TargetStatus};

fn has_regression(comparison: &Comparison) -> bool {
    comparison.regressions().next().is_some()
}

fn run(seed: u64, shape: &Shape, change: impl FnOnce(&mut Results)) -> Results {
    let mut results = raw(&Shape { seed, ..shape.clone() });
    change(&mut results);
    summarize(&mut results);
    results.run.id = format!("run-{seed}");
    results
}

fn same(seed: u64) -> Results {
    run(seed, &Shape::small(), |_| {})
}

/// Makes a target's calls cost `times` as much CPU, and longer by as much time.
fn slow_down(results: &mut Results, target: &str, operation: Option<Operation>, times: f64) {
    for one in &mut results.measurements {
        if one.target != target || operation.is_some_and(|operation| operation != one.operation) {
            continue;
        }
        for client in one.per_round.iter_mut().filter_map(|round| round.client.as_mut()) {
            for slice in &mut client.slices {
                slice.cpu_ms *= times;
                slice.thread_ms.iter_mut().for_each(|ms| *ms *= times);
            }
        }
        for slice in one.per_round.iter_mut().flat_map(|round| &mut round.slices) {
            let more = slice.cpu_ms * (times - 1.0) / slice.samples_ms.len() as f64;
            slice.cpu_ms *= times;
            slice.samples_ms.iter_mut().for_each(|sample| *sample += more);
        }
    }
}

fn found(comparison: &Comparison) -> Vec<(Operation, &str, Metric)> {
    comparison.regressions().map(|(row, change)| (row.operation, row.target.as_str(), change.metric)).collect()
}

#[test]
fn a_slower_adapter_is_found_in_its_target_and_operation_alone() {
    for seed in 0..4 {
        let base = same(100 + seed);
        let new = run(200 + seed, &Shape::small(), |results| {
            slow_down(results, "mizzle", Some(Operation::GetItem), 1.10);
        });
        let comparison = compare(&base, &new, &FailOn::default()).unwrap();
        let found = found(&comparison);
        assert!(found.contains(&(Operation::GetItem, "mizzle", Metric::Cpu)), "seed {seed}: {found:?}");
        assert!(found.iter().all(|(operation, target, _)| (*operation, *target) == (Operation::GetItem, "mizzle")));
        assert!(has_regression(&comparison));
    }
}

/// By hand with `STATS_TRIALS=200`: the shares that METHODOLOGY.md states.
#[test]
fn two_like_runs_pass_and_a_tenth_more_cpu_fails() {
    let trials = trials(12);
    for rounds in [3, 5] {
        let shape = Shape { rounds, slices: 5, samples: 20, ..Shape::small() };
        let (mut alarms, mut found_all) = (0, 0);
        for trial in 0..trials as u64 {
            let base = run(1000 + trial, &shape, |_| {});
            let like = run(5000 + trial, &shape, |_| {});
            let slower = run(9000 + trial, &shape, |results| slow_down(results, "electrodb", None, 1.10));
            alarms += usize::from(has_regression(&compare(&base, &like, &FailOn::default()).unwrap()));
            let comparison = compare(&base, &slower, &FailOn::default()).unwrap();
            found_all += usize::from(found(&comparison).iter().any(|(_, target, _)| *target == "electrodb"));
        }
        println!("{rounds} rounds, {trials} pairs: {alarms} false alarms, a slower target found {found_all} times");
        assert!(alarms * 20 <= trials + 20, "{alarms} of {trials} like pairs failed with {rounds} rounds");
        assert!(found_all * 10 >= trials * 8, "found {found_all} of {trials} with {rounds} rounds");
    }
}

#[test]
fn a_slower_machine_is_no_regression_and_is_told() {
    let base = same(1);
    let new = run(2, &Shape::small(), |results| {
        for round in results.measurements.iter_mut().flat_map(|one| &mut one.per_round) {
            for slice in &mut round.slices {
                slice.cpu_ms *= 1.15;
                slice.samples_ms.iter_mut().for_each(|sample| *sample *= 1.15);
            }
            round.throughput.iter_mut().for_each(|phase| phase.wall_ms *= 1.15);
        }
    });
    let comparison = compare(&base, &new, &FailOn::default()).unwrap();
    assert_eq!(found(&comparison), []);
    assert!(comparison.notes.iter().any(|note| note.contains("the machine")), "{:?}", comparison.notes);
}

#[test]
fn a_slower_baseline_is_found_by_the_others() {
    let base = same(1);
    let new = run(2, &Shape::small(), |results| slow_down(results, "aws-sdk", None, 1.15));
    let comparison = compare(&base, &new, &FailOn::default()).unwrap();
    assert!(!found(&comparison).is_empty());
    assert!(found(&comparison).iter().all(|(_, target, _)| *target == "aws-sdk"), "{:?}", found(&comparison));
}

#[test]
fn thresholds_are_kept() {
    let base = same(1);
    let new = run(2, &Shape::small(), |results| slow_down(results, "mizzle", None, 1.15));
    let loose = FailOn::parse(&["30%".to_owned()]).unwrap();
    assert_eq!(found(&compare(&base, &new, &loose).unwrap()), []);
    let cpu_alone = FailOn::parse(&["off".to_owned(), "cpu=5%".to_owned()]).unwrap();
    let comparison = compare(&base, &new, &cpu_alone).unwrap();
    assert_eq!(comparison.tested, 24);
    assert!(found(&comparison).iter().all(|(_, _, metric)| *metric == Metric::Cpu));
    assert_eq!(found(&comparison).len(), 6);
}

fn recorded() -> Shape {
    Shape { recorded: true, ..Shape::small() }
}

#[test]
fn a_call_that_allocates_more_is_found_where_its_cpu_is_the_same() {
    let base = run(1, &recorded(), |_| {});
    let new = run(2, &recorded(), |results| {
        let of_mizzle = results.measurements.iter_mut().filter(|one| one.target == "mizzle");
        for client in of_mizzle.flat_map(|one| &mut one.per_round).filter_map(|round| round.client.as_mut()) {
            client.allocations.iter_mut().for_each(|slice| slice.bytes *= 1.04);
        }
    });
    let fail_on = FailOn::parse(&["alloc=2%".to_owned()]).unwrap();
    let comparison = compare(&base, &new, &fail_on).unwrap();
    let allocated = found(&comparison).into_iter().filter(|(.., metric)| *metric == Metric::Allocation);
    assert_eq!(allocated.map(|(_, target, _)| target).collect::<Vec<_>>(), ["mizzle"; 6]);
    assert_eq!(found(&comparison).len(), 6, "{:?}", found(&comparison));
    let text = render::terminal(&comparison, 80);
    fits(&text);
    assert!(text.contains("alloc"), "{text}");
    assert!(text.contains("✗ PutItem of mizzle (small): bytes allocated per call"), "{text}");
    let without = FailOn::parse(&["off".to_owned()]).unwrap();
    assert_eq!(found(&compare(&base, &new, &without).unwrap()), []);
}

#[test]
fn what_has_no_latency_is_compared_by_the_rest() {
    let shape = Shape { scales: vec![("large", 100_000)], operations: vec![Operation::Scan], ..recorded() };
    let (base, new) = (run(1, &shape, |_| {}), run(2, &shape, |results| slow_down(results, "mizzle", None, 1.5)));
    let comparison = compare(&base, &new, &FailOn::default()).unwrap();
    assert_eq!(found(&comparison), [(Operation::Scan, "mizzle", Metric::Cpu)]);
    assert!(comparison.changes().all(|(_, change)| change.metric != Metric::Latency));
    fits(&render::terminal(&comparison, 80));
}

#[test]
fn recorded_answers_are_not_compared_with_the_database() {
    let why = compare(&same(1), &run(2, &recorded(), |_| {}), &FailOn::default()).unwrap_err().to_string();
    assert!(why.contains("recorded answers") || why.contains("thread"), "{why}");
}

#[test]
fn a_lower_throughput_is_worse() {
    let base = same(1);
    let new = run(2, &Shape::small(), |results| {
        for one in results.measurements.iter_mut().filter(|one| one.target == "mizzle") {
            one.per_round
                .iter_mut()
                .filter_map(|round| round.throughput.as_mut())
                .for_each(|phase| phase.wall_ms *= 1.3);
        }
    });
    let comparison = compare(&base, &new, &FailOn::default()).unwrap();
    assert_eq!(found(&comparison).len(), 6);
    for (_, change) in comparison.regressions() {
        assert_eq!((change.metric, change.verdict), (Metric::Throughput, Verdict::Slower));
        assert!((change.worse_by() - 0.23).abs() < 0.08, "{change:?}");
    }
}

#[test]
fn other_machines_and_servers_are_compared_by_ratios() {
    let base = same(1);
    let new = run(2, &Shape::small(), |results| {
        slow_down(results, "mizzle", None, 1.2);
        for target in ["aws-sdk", "mizzle", "dynamoose", "electrodb"] {
            slow_down(results, target, None, 3.0);
        }
        results.environment.cpu_model = "Another CPU".to_owned();
        results.database.version = Some("3.3.1".to_owned());
    });
    let comparison = compare(&base, &new, &FailOn::default()).unwrap();
    let Basis::Ratios { baseline, why } = &comparison.basis else { panic!("{:?}", comparison.basis) };
    assert_eq!((baseline.as_str(), why.len()), ("aws-sdk", 2));
    assert!(comparison.rows.iter().all(|row| row.target != "aws-sdk"));
    let of_cpu: Vec<_> = found(&comparison).into_iter().filter(|(.., metric)| *metric == Metric::Cpu).collect();
    assert_eq!(of_cpu.len(), 6, "{of_cpu:?}");
    assert!(of_cpu.iter().all(|(_, target, _)| *target == "mizzle"));
    assert!(render::terminal(&comparison, 80).contains("only the ratios to aws-sdk"));
}

#[test]
fn another_file_of_an_adapter_outside_the_repository_and_other_packages_are_named() {
    let of = |digit: &str| {
        run(1, &Shape::small(), |results| {
            let sha256 = digit.repeat(64);
            let file = AdapterFile { path: "./mine.ts".into(), program_sha256: sha256.clone(), sha256 };
            results.targets[1].adapter_file = Some(file);
            results.targets[1].sdk_packages = vec![format!("@smithy/core@3.41.{}", u8::from(digit == "b"))];
        })
    };
    let notes = |new: &str| compare(&of("a"), &of(new), &FailOn::default()).unwrap().notes;
    let changed = "./mine.ts (sha256 aaaaaaaaaaaa) → ./mine.ts (sha256 bbbbbbbbbbbb)";
    assert!(notes("b").iter().any(|note| note.contains(changed)), "{:?}", notes("b"));
    assert!(notes("b").iter().any(|note| note.ends_with(": @smithy/core 3.41.0 → 3.41.1")), "{:?}", notes("b"));
    assert!(notes("a").iter().all(|note| !note.contains("./mine.ts") && !note.contains("core")), "{:?}", notes("a"));
}

#[test]
fn what_has_nothing_in_common_is_refused_with_the_reason() {
    let base = same(1);
    let why = |change: fn(&mut Results)| {
        let mut new = same(2);
        change(&mut new);
        compare(&base, &new, &FailOn::default()).unwrap_err().to_string()
    };
    let other_scale = run(2, &Shape { scales: vec![("large", 100_000)], rounds: 2, ..Shape::small() }, |_| {});
    let refused = compare(&base, &other_scale, &FailOn::default()).unwrap_err();
    assert!(refused.to_string().contains("one is of scale small, the other of large"));
    assert!(refused.to_string().contains("compared"));
    let text = why(|new| {
        new.environment.cores = 8;
        new.targets[0].version = Some("4.0.0".to_owned());
    });
    assert!(text.contains("different core counts: 2 and 8; their baselines differ"), "{text}");
    let text = why(|new| {
        new.database.backend = Backend::Docker;
        new.targets[0].baseline = false;
    });
    assert!(text.contains("no baseline in common"), "{text}");
    assert!(why(|new| new.measurements.clear()).contains("no operation of any target"));
}

#[test]
fn a_single_round_can_not_fail_and_says_so() {
    let shape = Shape { rounds: 1, ..Shape::small() };
    let (base, new) = (run(1, &shape, |_| {}), run(2, &shape, |results| slow_down(results, "mizzle", None, 2.0)));
    let comparison = compare(&base, &new, &FailOn::default()).unwrap();
    assert_eq!((comparison.tested, found(&comparison).len()), (0, 0));
    assert!(comparison.changes().all(|(_, change)| change.verdict == Verdict::Unclear));
    let text = render::terminal(&comparison, 80);
    assert!(text.contains("no verdict: only 1 round\n"), "{text}");
    assert!(text.trim_end().ends_with("exit code 0 is not a pass."), "{text}");
}

/// Says that the processes of a target had not settled in these rounds.
fn unsettle(results: &mut Results, target: &str, rounds: std::ops::Range<usize>) {
    for one in results.measurements.iter_mut().filter(|one| one.target == target) {
        one.per_round[rounds.clone()].iter_mut().for_each(|round| round.warm_up.settled = false);
    }
}

#[test]
fn a_round_that_a_runs_own_figures_leave_out_is_not_compared_either() {
    let new = |change: fn(&mut Results)| {
        run(2, &Shape::small(), |results| {
            change(results);
            for one in results.measurements.iter_mut().filter(|one| one.target == "mizzle") {
                one.per_round[0].slices.iter_mut().for_each(|slice| slice.cpu_ms *= 3.0);
            }
        })
    };
    let left_out = compare(&same(1), &new(|results| unsettle(results, "mizzle", 0..1)), &FailOn::default()).unwrap();
    let cpu = |comparison: &Comparison| -> Vec<f64> {
        let of = comparison.changes().filter(|(row, change)| row.target == "mizzle" && change.metric == Metric::Cpu);
        of.map(|(_, change)| change.ratio).collect()
    };
    assert!(cpu(&left_out).iter().all(|ratio| (ratio - 1.0).abs() < 0.1), "{:?}", cpu(&left_out));
    assert!(left_out.rows.iter().all(|row| row.no_verdict.is_none()));
    let counted = compare(&same(1), &new(|_| {}), &FailOn::default()).unwrap();
    assert!(cpu(&counted).iter().all(|ratio| *ratio > 1.1), "{:?}", cpu(&counted));
}

#[test]
fn what_had_not_settled_is_neither_a_regression_nor_the_same_and_the_gate_says_so() {
    let base = same(1);
    let new = |slower: &'static str, times: f64| {
        run(2, &Shape::small(), |results| {
            slow_down(results, slower, None, times);
            unsettle(results, "mizzle", 0..3);
        })
    };
    let cpu = FailOn::parse(&["off".to_owned(), "cpu=5%".to_owned()]).unwrap();
    for times in [1.0, 1.5] {
        let comparison = compare(&base, &new("mizzle", times), &cpu).unwrap();
        assert_eq!((found(&comparison).len(), comparison.tested), (0, 18));
        let (open, judged): (Vec<&Row>, Vec<&Row>) = comparison.rows.iter().partition(|row| row.target == "mizzle");
        assert!(open.iter().flat_map(|row| &row.changes).all(|change| change.verdict == Verdict::Unclear));
        assert!(judged.iter().all(|row| row.no_verdict.is_none()));
        let text = render::terminal(&comparison, 80);
        fits(&text);
        assert!(text.contains("\nno verdict: 3 of 5 processes in the new run had not settled\n"), "{text}");
        assert!(text.contains(", n no verdict"), "{text}");
        let end = "No verdict on 6 of 24 changes: the exit code says nothing about them.";
        assert!(text.trim_end().ends_with(end), "{text}");
        let markdown = render::markdown(&comparison);
        assert!(markdown.contains("\nno verdict: 3 of 5") && markdown.contains("%) no verdict |"), "{markdown}");
    }
    // The rest is judged as ever.
    let comparison = compare(&base, &new("electrodb", 1.5), &cpu).unwrap();
    assert_eq!(found(&comparison).len(), 6, "{:?}", found(&comparison));
}

#[test]
fn a_gate_of_what_had_not_settled_names_the_target_of_a_pair_and_is_no_pass() {
    let mut results = versions(1, 1.5);
    unsettle(&mut results, "mizzle@1.2.0", 1..4);
    let comparison = between(&results, "mizzle@1.2.0", "mizzle@local", &FailOn::default()).unwrap();
    assert_eq!((found(&comparison).len(), comparison.tested), (0, 0));
    let text = render::terminal(&comparison, 80);
    fits(&text);
    assert!(text.contains("no verdict: 3 of 5 processes of mizzle@1.2.0 had not settled"), "{text}");
    assert!(text.trim_end().ends_with("can fail: exit code 0 is not a pass."), "{text}");
    // Nothing was to fail.
    let off = between(&results, "mizzle@1.2.0", "mizzle@local", &FailOn::off()).unwrap();
    assert!(render::terminal(&off, 80).trim_end().ends_with("No change fails, whatever its size."));
    // Each side has three rounds, and both have two.
    let mut results = versions(1, 1.5);
    unsettle(&mut results, "mizzle@1.2.0", 0..2);
    unsettle(&mut results, "mizzle@local", 3..4);
    let comparison = between(&results, "mizzle@1.2.0", "mizzle@local", &FailOn::default()).unwrap();
    assert!(comparison.rows.iter().all(|row| row.no_verdict.as_deref() == Some("only 2 rounds in common")));
}

#[test]
fn two_rounds_give_no_verdict_and_one_operation_is_named() {
    let shape = Shape { rounds: 2, ..Shape::small() };
    let (base, new) = (run(1, &shape, |_| {}), run(2, &shape, |results| slow_down(results, "mizzle", None, 2.0)));
    let comparison = compare(&base, &new, &FailOn::default()).unwrap();
    assert_eq!(found(&comparison), []);
    assert!(comparison.rows.iter().all(|row| row.no_verdict.as_deref() == Some("only 2 rounds")));
    let one = run(2, &Shape::small(), |results| {
        let mut all = results.measurements.iter_mut();
        let query = all.find(|one| one.target == "mizzle" && one.operation == Operation::Query).unwrap();
        query.per_round.iter_mut().for_each(|round| round.warm_up.settled = false);
    });
    let text = render::terminal(&compare(&same(1), &one, &FailOn::default()).unwrap(), 80);
    fits(&text);
    let line = "no verdict in Query: 5 of 5 processes in the new run had not settled";
    assert_eq!(text.matches("\nno verdict").count(), 1, "{text}");
    assert!(text.contains(line), "{text}");
}

#[test]
fn ratios_to_a_baseline_that_had_not_settled_have_no_verdict() {
    let new = run(2, &Shape::small(), |results| {
        unsettle(results, "aws-sdk", 0..5);
        results.environment.cpu_model = "Another CPU".to_owned();
    });
    let comparison = compare(&same(1), &new, &FailOn::default()).unwrap();
    let why = "5 of 5 processes of aws-sdk in the new run had not settled";
    assert!(comparison.rows.iter().all(|row| row.no_verdict.as_deref() == Some(why)), "{:?}", comparison.rows[0]);
}

#[test]
fn a_control_that_had_not_settled_excuses_nothing() {
    let new = run(2, &Shape::small(), |results| {
        slow_down(results, "mizzle", None, 1.3);
        slow_down(results, "aws-sdk", None, 1.3);
        unsettle(results, "aws-sdk", 0..3);
    });
    let comparison = compare(&same(1), &new, &FailOn::default()).unwrap();
    assert!(found(&comparison).contains(&(Operation::GetItem, "mizzle", Metric::Cpu)), "{:?}", found(&comparison));
    assert!(found(&comparison).iter().all(|(_, target, _)| *target == "mizzle"), "{:?}", found(&comparison));
}

#[test]
fn what_only_one_side_has_is_named() {
    let base = same(1);
    let mut new = same(2);
    new.targets[2].status = TargetStatus::Failed;
    new.targets[2].reason = Some("heap out of memory\nand more".to_owned());
    summarize(&mut new);
    new.measurements.retain(|one| one.target != "electrodb");
    let comparison = compare(&base, &new, &FailOn::default()).unwrap();
    let named = |text: &str| comparison.not_compared.iter().any(|line| line == text);
    assert!(named("GetItem of dynamoose (small): no figures in the new run (heap out of memory)"));
    assert!(named("GetItem of electrodb (small): not in the new run"));
    assert_eq!(comparison.rows.len(), 12);
}

fn between(results: &Results, base: &str, new: &str, fail_on: &FailOn) -> Result<Comparison, Incomparable> {
    super::between(results, &[(base.to_owned(), new.to_owned())], fail_on)
}

fn versions(seed: u64, times: f64) -> Results {
    let targets = vec![
        ("aws-sdk", "AWS SDK", "3.1164.0", 1.0),
        ("mizzle@1.2.0", "Mizzle", "1.2.0", 1.1),
        ("mizzle@local", "Mizzle", "1.3.0", 1.1 * times),
    ];
    run(seed, &Shape { targets, ..Shape::small() }, |_| {})
}

#[test]
fn a_working_tree_beside_its_release() {
    let slower = between(&versions(1, 1.10), "mizzle@1.2.0", "mizzle@local", &FailOn::default()).unwrap();
    let of_cpu = found(&slower).iter().filter(|(.., metric)| *metric == Metric::Cpu).count();
    assert!(of_cpu >= 5, "{:?}", found(&slower));
    let like = between(&versions(2, 1.0), "mizzle@1.2.0", "mizzle@local", &FailOn::default()).unwrap();
    assert_eq!(found(&like), []);
    assert_eq!(like.rows.len(), 6);
    let faster = between(&versions(3, 0.8), "mizzle@1.2.0", "mizzle@local", &FailOn::default()).unwrap();
    let mut cpu = faster.changes().filter(|(_, change)| change.metric == Metric::Cpu);
    assert!(cpu.all(|(_, change)| change.verdict == Verdict::Faster));
}

#[test]
fn what_is_one_library_is_paired_with_its_base_or_its_first_version() {
    let pairs_of = |results: &Results| -> Vec<String> {
        pairs(results).iter().map(|(base, new)| format!("{base} -> {new}")).collect()
    };
    assert_eq!(pairs_of(&versions(1, 1.0)), ["mizzle@1.2.0 -> mizzle@local"]);
    assert_eq!(pairs_of(&same(1)), [""; 0]);
    let targets = ["aws-sdk", "aws-sdk@base", "mizzle", "mizzle@base"].map(|id| (id, "x", "1.0.0", 1.0)).to_vec();
    let beside = run(1, &Shape { targets, ..Shape::small() }, |results| {
        results.targets[1].base_of = Some("aws-sdk".to_owned());
        results.targets[3].base_of = Some("mizzle".to_owned());
        slow_down(results, "mizzle", Some(Operation::Query), 1.3);
    });
    assert_eq!(pairs_of(&beside), ["aws-sdk@base -> aws-sdk", "mizzle@base -> mizzle"]);
    let comparison = super::between(&beside, &pairs(&beside), &FailOn::default()).unwrap();
    assert_eq!(comparison.rows.len(), 12);
    assert!(found(&comparison).contains(&(Operation::Query, "mizzle", Metric::Cpu)));
    assert!(
        found(&comparison).iter().all(|(operation, target, _)| (*operation, *target) == (Operation::Query, "mizzle"))
    );
    let text = render::terminal(&comparison, 80);
    assert!(text.contains("mizzle@base → mizzle, scale small"), "{text}");
}

/// By hand with `STATS_TRIALS=200`. The processes differ by as much as they do on a noisy machine.
#[test]
fn a_like_version_beside_another_passes_and_a_tenth_more_cpu_fails() {
    let trials = trials(12);
    for (rounds, noise) in [(3, 0.02), (6, 0.03), (10, 0.04)] {
        let shape = |times: f64| Shape {
            targets: [("aws-sdk", 1.0), ("mizzle@base", 1.1), ("mizzle", 1.1 * times)]
                .map(|(id, times)| (id, id, "1.0.0", times))
                .to_vec(),
            slices: 5,
            samples: 20,
            between_processes: noise,
            rounds,
            ..Shape::small()
        };
        let cpu = FailOn::parse(&["off".to_owned(), "cpu=5%".to_owned()]).unwrap();
        let fails = |seed: u64, times: f64, fail_on: &FailOn| {
            let results = run(seed, &shape(times), |_| {});
            has_regression(&between(&results, "mizzle@base", "mizzle", fail_on).unwrap())
        };
        let (mut alarms, mut alarms_of_all, mut found) = (0, 0, 0);
        for trial in 0..trials as u64 {
            alarms += usize::from(fails(1000 + trial, 1.0, &cpu));
            alarms_of_all += usize::from(fails(1000 + trial, 1.0, &FailOn::default()));
            found += usize::from(fails(5000 + trial, 1.10, &cpu));
        }
        println!(
            "{rounds} rounds, {noise}, {trials} pairs: {alarms} false alarms, {alarms_of_all} of all metrics; a slower \
             one found {found} times"
        );
        assert!(alarms * 20 <= trials + 20, "{alarms} of {trials} like pairs failed with {rounds} rounds");
        assert!(alarms_of_all * 20 <= trials + 20, "{alarms_of_all} of {trials} failed with {rounds} rounds");
        assert!(found * 10 >= trials * 8, "found {found} of {trials} with {rounds} rounds");
    }
}

#[test]
fn targets_that_are_not_there_are_named() {
    let results = versions(1, 1.0);
    let why = |a, b| between(&results, a, b, &FailOn::default()).unwrap_err().to_string();
    assert!(why("mizzle", "aws-sdk").contains("no target mizzle; there are aws-sdk, mizzle@1.2.0, mizzle@local"));
    assert!(why("aws-sdk", "aws-sdk").contains("named twice"));
}

#[test]
fn the_output_fits_a_terminal_and_says_what_failed() {
    let base = same(1);
    let new = run(2, &Shape::small(), |results| slow_down(results, "mizzle", Some(Operation::Query), 1.2));
    let comparison = compare(&base, &new, &FailOn::default()).unwrap();
    let text = render::terminal(&comparison, 80);
    println!("{text}");
    fits(&text);
    assert!(text.contains("✗ Query of mizzle (small): CPU per call"), "{text}");
    let markdown = render::markdown(&comparison);
    println!("{markdown}");
    assert!(markdown.contains("| Query | **+2") && markdown.contains("✗**"));
    let json: serde_json::Value = serde_json::from_str(&render::json(&comparison)).unwrap();
    assert_eq!(json["rows"].as_array().unwrap().len(), 24);
    assert!(json["regressions"].as_u64().unwrap() >= 1);
}

fn fits(text: &str) {
    for line in text.lines() {
        assert!(console::measure_text_width(line) <= 80, "{line}");
    }
}

#[test]
fn long_names_and_wild_changes_fit_too() {
    let targets = vec![("electrodb@3.0.0-beta.1+build.20260101", "x", "3", 1.0), ("electrodb@local#2", "x", "3", 40.0)];
    let results = run(1, &Shape { targets, rounds: 2, between_processes: 0.9, ..Shape::small() }, |_| {});
    let comparison = super::between(&results, &pairs(&results), &FailOn::default()).unwrap();
    let text = render::terminal(&comparison, 80);
    println!("{text}");
    fits(&text);
}

#[test]
fn hostile_names_stay_text() {
    let mut base = same(1);
    base.run.id = "a|b <script> `x`".to_owned();
    let comparison = compare(&base, &same(2), &FailOn::default()).unwrap();
    let markdown = render::markdown(&comparison);
    assert!(!markdown.contains("<script>") && markdown.contains("a\\|b &lt;script&gt;"), "{markdown}");
}

#[test]
fn runs_of_other_items_are_not_compared_and_queries_of_other_sizes_are_left_out() {
    let base = same(1);
    let other = run(2, &Shape::small(), |results| results.settings.shape = Some("record".to_owned()));
    let why = compare(&base, &other, &FailOn::default()).unwrap_err().to_string();
    assert!(why.contains("shape order") && why.contains("record"), "{why}");
    let indexed = run(5, &Shape::small(), |results| results.settings.query_by = Some(QueryBy::Index));
    assert!(compare(&base, &indexed, &FailOn::default()).unwrap_err().to_string().contains("secondary index"));
    let earlier = run(3, &Shape::small(), |results| {
        results.settings.shape = None;
        results.settings.query_items = None;
        results.settings.query_by = None;
    });
    assert!(compare(&earlier, &base, &FailOn::default()).is_ok(), "a file of before measured orders");
    let longer = run(4, &Shape::small(), |results| results.settings.query_items = Some(100));
    let comparison = compare(&base, &longer, &FailOn::default()).unwrap();
    assert!(comparison.rows.iter().all(|row| row.operation != Operation::Query) && !comparison.rows.is_empty());
    assert!(comparison.not_compared.iter().any(|line| line.contains("Query: it returns 20 items")));
}
