//! What is planned from which flags.

use super::*;
use crate::cli::{Cli, Command};
use crate::plan::library::LIBRARIES;
use crate::results::QueryBy;
use clap::Parser as _;

fn plan(arguments: &str) -> Result<Plan, Exit> {
    let line = ["cargo xtask", "bench"].into_iter().chain(arguments.split_whitespace());
    match Cli::try_parse_from(line).unwrap().command {
        Command::Bench(bench) => Plan::decide(&bench.request()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_target_stands_in_each_place_once_in_as_many_rounds_as_there_are_targets() {
    let plan = plan("").unwrap();
    for place in 0..4 {
        let mut who: Vec<_> = (0..4).map(|round| plan.order(round)[place]).collect();
        who.sort_unstable();
        assert_eq!(who, [0, 1, 2, 3]);
    }
}

#[test]
fn the_order_depends_on_the_seed_and_on_nothing_else() {
    assert_eq!(plan("--seed 7").unwrap().order(3), plan("--seed 7 --scale large").unwrap().order(3));
    let orders: Vec<_> = (0..8).map(|seed| plan(&format!("--seed {seed}")).unwrap().order(0)).collect();
    assert!(orders.iter().any(|order| *order != orders[0]));
}

#[test]
fn all_libraries_are_measured_where_that_is_asked_for_and_get_more_time() {
    let ids = |plan: &Plan| plan.targets.iter().map(|target| target.id.clone()).collect::<Vec<_>>();
    let (usual, all) = (plan("").unwrap(), plan("--orm all").unwrap());
    assert_eq!(ids(&usual), ["aws-sdk", "mizzle", "dynamoose", "electrodb"]);
    assert_eq!(all.targets.len(), LIBRARIES.len());
    assert!(all.scales[0].budget > usual.scales[0].budget * 2);
    assert_eq!(all.scales[0].rounds, usual.scales[0].rounds);
}

#[test]
fn a_default_run_plans_four_rounds_at_each_scale() {
    let rounds = plan("--scale all").unwrap().scales.iter().map(|scale| scale.rounds).collect::<Vec<_>>();
    assert_eq!(rounds, [4, 4]);
}

#[test]
fn a_plan_says_how_many_rounds_share_a_budget_where_neither_their_number_nor_their_time_was_asked_for() {
    let described = |arguments: &str| {
        let plan = plan(arguments).unwrap();
        plan.describe_scale(&plan.scales[0])
    };
    let usual = described("");
    assert!(usual.contains("a budget of 2 min 40 s for 4 planned rounds, about "), "{usual}");
    for arguments in ["--rounds 2", "--time 1s", "--rounds 2 --time 1s"] {
        assert!(!described(arguments).contains("planned"), "{}", described(arguments));
    }
}

#[test]
fn throughput_is_measured_for_a_second_however_many_of_the_planned_rounds_are_made() {
    for arguments in ["", "--budget 30m", "--concurrency 16,1,4", "--rounds 1", "--rounds 7"] {
        let mut plan = plan(arguments).unwrap();
        let (planned, concurrencies) = (plan.scales[0].rounds, plan.concurrencies().len() as u32);
        let fewest = match plan.rounds {
            Rounds::Exactly(rounds) => rounds,
            Rounds::Adaptive { fewest, .. } => fewest,
        };
        let first = plan.throughput_time(&plan.scales[0], 0);
        for rounds in fewest..=planned {
            plan.scales[0].rounds = rounds;
            let later: Duration = (1..rounds).map(|round| plan.throughput_time(&plan.scales[0], round)).sum();
            assert!((first + later) * concurrencies >= Duration::from_secs(1), "{arguments}: {rounds} of {planned}");
        }
    }
}

#[test]
fn two_targets_work_at_the_same_time_where_there_are_two_and_they_take_turns() {
    let at_once = |arguments| plan(arguments).unwrap().at_once;
    assert_eq!([at_once(""), at_once("--orm aws-sdk"), at_once("--design sequential")], [2, 1, 1]);
    assert_eq!(at_once("--at-once 1"), 1);
}

#[test]
fn the_same_target_twice_has_two_ids() {
    let plan = plan("--target aws-sdk --target aws-sdk --target mizzle@1.2.0 --target mizzle=../m").unwrap();
    let ids: Vec<_> = plan.targets.iter().map(|target| target.id.as_str()).collect();
    assert_eq!(ids, ["aws-sdk", "aws-sdk#2", "mizzle@1.2.0", "mizzle@local"]);
}

#[test]
fn an_adapter_outside_the_repository_stands_next_to_those_that_run_anyway() {
    let ids = |arguments: &str| -> Vec<String> {
        plan(arguments).unwrap().targets.iter().map(|target| target.id.clone()).collect()
    };
    assert_eq!(ids("--adapter ./mine.ts"), ["aws-sdk", "mizzle", "dynamoose", "electrodb", "mine"]);
    let two = "--orm aws-sdk --adapter a/mine.ts --adapter b/mine.ts --fail-on 5% --baseline mine";
    assert_eq!(ids(two), ["aws-sdk", "mine", "mine#2"]);
    let mine = &plan(two).unwrap().targets[2];
    assert_eq!((mine.spec_in_words().as_str(), mine.asked.as_str()), ("b/mine.ts", "--adapter b/mine.ts"));
    let why = plan("--adapter ./mizzle.ts").unwrap_err();
    assert!(matches!(&why, Exit::BadInput(text) if text.contains("my-mizzle.ts")), "{why:?}");
}

#[test]
fn mizzle_comes_from_a_working_tree_only_where_no_flag_names_it() {
    let found = |arguments: &str, from: &DefaultMizzle| {
        let mut plan = plan(arguments).unwrap();
        let words = plan.take_mizzle_from(from);
        let mizzle = plan.targets.into_iter().find(|target| target.library.id == "mizzle");
        (mizzle.map(|mizzle| (mizzle.spec.unwrap(), mizzle.named)), words.is_some())
    };
    let (sibling, variable) =
        (DefaultMizzle::Sibling("../mizzle".to_owned()), DefaultMizzle::Variable("../fork".to_owned()));
    let taken = |spec: &str, named: bool| Some((spec.to_owned(), named));
    assert_eq!(found("", &sibling), (taken("../mizzle", false), true));
    assert_eq!(found("", &variable), (taken("../fork", true), false));
    assert_eq!(found("", &DefaultMizzle::Registry), (taken("latest", false), false));
    assert_eq!(found("--mizzle 1.2.0", &sibling), (taken("1.2.0", true), false));
    assert_eq!(found("--orm aws-sdk", &sibling), (None, false));
}

#[test]
fn a_baseline_that_is_not_measured_is_refused_where_it_was_asked_for() {
    let baseline = |arguments: &str| plan(arguments).unwrap().baseline.unwrap();
    assert_eq!(baseline("--orm mizzle --orm aws-sdk"), "aws-sdk");
    assert_eq!(baseline("--orm electrodb --orm dynamoose"), "electrodb", "the first, where the bare SDK is absent");
    assert_eq!(baseline("--target mizzle@1 --target aws-sdk@3.990.0"), "aws-sdk@3.990.0");
    let why = plan("--orm mizzle --baseline dynamoose").unwrap_err();
    assert!(matches!(&why, Exit::BadInput(text) if text.contains("--baseline dynamoose")), "{why:?}");
}

#[test]
fn every_target_is_measured_under_each_runtime_in_the_same_rounds() {
    let plan = plan("--orm aws-sdk --target mizzle@1.2.0 --runtime node@24 --runtime bun --runtime node@24").unwrap();
    let ids: Vec<_> = plan.targets.iter().map(|target| target.id.as_str()).collect();
    assert_eq!(ids, ["aws-sdk+node@24", "mizzle@1.2.0+node@24", "aws-sdk+bun", "mizzle@1.2.0+bun"]);
    let runtimes: Vec<_> = plan.runtimes().iter().map(ToString::to_string).collect();
    assert_eq!(runtimes, ["node@24", "bun"]);
    let baselines: Vec<_> = plan.targets.iter().map(|target| plan.is_baseline(target)).collect();
    assert_eq!(baselines, [true, false, true, false], "each runtime has its own baseline");
    assert_eq!(plan.order(0).len(), 4);
}

#[test]
fn a_single_runtime_stands_in_no_id_and_without_any_it_is_the_node_on_the_path() {
    let one = plan("--orm aws-sdk --runtime bun@1.4").unwrap();
    assert_eq!((one.targets[0].id.as_str(), one.targets[0].runtime.to_string()), ("aws-sdk", "bun@1.4".to_owned()));
    assert_eq!(plan("--orm aws-sdk").unwrap().targets[0].runtime.to_string(), "node");
}

#[test]
fn a_baseline_and_a_handicap_are_those_of_each_runtime() {
    let plan = |rest: &str| plan(&format!("--orm aws-sdk --orm electrodb --runtime node --runtime bun {rest}"));
    assert_eq!(plan("--baseline electrodb").unwrap().baseline.as_deref(), Some("electrodb"));
    let why = plan("--baseline electrodb+bun").unwrap_err().to_string();
    assert!(why.ends_with("which are aws-sdk, electrodb"), "{why}");
    let handicapped = |plan: Plan| plan.targets.iter().filter(|target| !target.handicap.is_empty()).count();
    assert_eq!(handicapped(plan("--handicap electrodb=9").unwrap()), 2);
    assert_eq!(handicapped(plan("--handicap electrodb+bun=9").unwrap()), 1);
    assert!(plan("--handicap electrodb+node@24=9").is_err());
    assert!(plan("--fail-on 5%").is_err(), "runtimes are compared, and fail nothing");
}

#[test]
fn what_is_to_fail_must_be_compared_with_something() {
    let why = plan("--fail-on 5% --target mizzle@1.2.0 --orm aws-sdk").unwrap_err();
    assert!(matches!(&why, Exit::BadInput(text) if text.contains("--against")), "{why:?}");
    assert!(plan("--fail-on 5% --against main").is_ok());
    assert!(plan("--fail-on 5% --target mizzle@1.2.0 --target mizzle=../m").is_ok());
}

#[test]
fn items_are_of_a_shape_and_a_query_returns_as_many_as_asked_for() {
    let usual = plan("").unwrap().items;
    assert_eq!((usual.name(), usual.query_items), ("order", 20));
    let other = plan("--shape document --query-items 100 --op Query --orm aws-sdk").unwrap();
    assert_eq!((other.items.name(), other.items.query_items), ("document", 100));
    assert!(other.scales[0].is_large());
    assert!(!plan("--shape session").unwrap().scales[0].is_large());
    let why = plan("--query-items 1000 --scale 500").unwrap_err();
    assert!(matches!(&why, Exit::BadInput(text) if text.contains("--query-items 1000")), "{why:?}");
}

#[test]
fn an_index_can_be_queried_where_the_items_have_one() {
    let by_index = plan("--shape record --query-by index --op GetItem --op Query").unwrap();
    assert_eq!(by_index.items.query_by, QueryBy::Index);
    assert!(by_index.describe(Path::new("out")).contains(&("Operations", "GetItem, Query by index".to_owned())));
    for shape in ["", "--shape order", "--shape session", "--shape document"] {
        let why = plan(&format!("--query-by index {shape}")).unwrap_err();
        assert!(matches!(&why, Exit::BadInput(text) if text.contains("use --shape record")), "{why:?}");
    }
}

#[test]
fn operations_and_scales_are_in_the_contracts_order_and_once() {
    let plan = plan("--op scan --op GetItem --op Scan --scale all --scale small").unwrap();
    assert_eq!(plan.operations, [Operation::GetItem, Operation::Scan]);
    let names: Vec<_> = plan.scales.iter().map(|scale| scale.scale.name.as_str()).collect();
    assert_eq!(names, ["small", "large"]);
    let mut scales = plan.scales.iter().map(|scale| scale.budget.as_secs());
    // What comes before and after a scale takes ten seconds, and as many may be spent on waiting for an idle machine.
    assert!(scales.all(|budget| budget + 20 < 480), "a default run ends within eight minutes");
}

#[test]
fn a_table_that_is_seeded_for_long_leaves_its_rounds_as_much_time_as_another_large_one() {
    let million = plan("--scale 1000000").unwrap();
    let large = plan("--scale large").unwrap();
    assert!(million.scales[0].seeds_on_top() && !large.scales[0].seeds_on_top());
    let for_rounds = large.scales[0].budget.saturating_sub(large.seeding(&large.scales[0]));
    assert!(million.scales[0].budget.abs_diff(for_rounds) < Duration::from_secs(10), "{for_rounds:?}");
    let described = million.describe_scale(&million.scales[0]);
    assert!(described.contains("about 19 min 6 s of seeding, and a budget of 5 min 30 s"), "{described}");
}
