//! Libraries from their sources, through the real command: working trees next to the checkout and elsewhere, two trees
//! in one run, versions old and new, and every kind of specification that leads nowhere.

#[allow(dead_code)] // It serves the faults too.
#[path = "faults/support.rs"]
mod support;

use std::path::Path;
use std::process::Command;

use support::{Place, run};
use xtask::system::files::write_whole;

fn write(root: &Path, path: &str, text: &str) {
    write_whole(&root.join(path), text).unwrap();
}

/// A monorepo whose `electrodb` is the real one behind a sibling package that works for `spin` microseconds at each call.
fn electrodb(root: &Path, spin: u32) {
    let wrapper = r#"import { spin } from "@x/shared";
import { Entity as Real } from "electrodb-itself";
export class Entity {
  constructor(...all: ConstructorParameters<typeof Real>) {
    const entity = new Real(...all) as Record<string, any>;
    return new Proxy(entity, {
      get(it, name) {
        if (name !== "get") return it[name as string];
        return (...given: unknown[]) => { spin(); return it.get(...given); };
      },
    }) as any;
  }
}
"#;
    let spinning = format!(
        "export const spin = (): void => {{\n  const end = performance.now() + {spin} / 1000;\n  while (performance.now() < end);\n}};\n"
    );
    write(root, "package.json", r#"{"name":"all","workspaces":["packages/*"]}"#);
    write(
        root,
        "packages/electrodb/package.json",
        r#"{"name":"electrodb","version":"3.9.3","type":"module","exports":"./src/index.ts",
        "dependencies":{"@x/shared":"workspace:*","electrodb-itself":"npm:electrodb@3.9.3"}}"#,
    );
    write(root, "packages/electrodb/src/index.ts", wrapper);
    write(root, "packages/shared/package.json", r#"{"name":"@x/shared","main":"src/index.ts"}"#);
    write(root, "packages/shared/src/index.ts", &spinning);
}

#[test]
fn every_bad_specification_ends_in_one_message_before_anything_starts() {
    let place = Place::new();
    let home = place.folder();
    write(home, "game/package.json", r#"{"name":"game","workspaces":["packages/*"]}"#);
    write(home, "game/packages/rules/package.json", r#"{"name":"rules"}"#);
    write(
        home,
        "alone/package.json",
        r#"{"name":"mizzle","main":"src/index.ts","dependencies":{"@x/shared":"workspace:*"}}"#,
    );
    write(home, "alone/src/index.ts", "import '@x/shared';\n");
    write(home, "broken/package.json", r#"{"name":"mizzle","main":"src/index.ts"}"#);
    write(home, "broken/src/index.ts", "export const = 1;\n");
    write(home, "undeclared/package.json", r#"{"name":"mizzle","main":"src/index.ts"}"#);
    write(home, "undeclared/src/index.ts", "import 'some-package';\n");
    write(home, "unbuilt/package.json", r#"{"name":"mizzle","main":"dist/index.js"}"#);
    write(home, "empty folder/notes.md", "");
    for (spec, words) in [
        ("./nowhere", "there is no such file or folder"),
        ("./empty folder", "the folder has no package.json"),
        ("./game", "a monorepo without a package named @aurios/mizzle or mizzle; its packages: rules"),
        ("./alone", "@x/shared, which package.json asks for as workspace:*, and neither"),
        ("./broken", "src/index.ts:1: Expected identifier"),
        ("./undeclared", "imports some-package, which no package.json declares (looked in package.json)"),
        ("./unbuilt", "./dist/index.js is not there, and there is no src folder"),
        ("git+file:///no/such/repository", "git can't fetch HEAD of file:///no/such/repository"),
        ("mizzle@", "that is no package and version"),
    ] {
        let ended = run(place.tiny(&["--orm=aws-sdk", "--orm=mizzle", "--mizzle", spec])).expect(2);
        let errors: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("error:")).collect();
        assert_eq!(errors.len(), 1, "{}", ended.stderr);
        assert!(
            errors[0].contains(words) && errors[0].contains(&format!("--mizzle {spec}: ")),
            "{words:?}: {}",
            errors[0]
        );
        assert_eq!(ended.stderr.matches(words).count(), 1, "it is said once: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "there is no table of a run that never began");
        assert!(!place.out.exists(), "there is no report of a run that never began");
    }
    place.assert_nothing_left();
}

#[test]
fn a_working_tree_next_to_the_checkout_is_found_and_a_variable_and_a_flag_go_before_it() {
    let place = Place::new();
    write(place.folder(), "mizzle/package.json", r#"{"name":"mizzle","workspaces":["packages/*"]}"#);
    write(place.folder(), "mizzle/packages/mizzle/package.json", r#"{"name":"@aurios/mizzle"}"#);
    let spec = |arguments: &[&str], variable: Option<&str>| -> String {
        let mut command = place.command(&["bench", "--dry-run"]);
        command.args(arguments).current_dir(&place.root).env_remove("BENCH_MIZZLE");
        if let Some(value) = variable {
            command.env("BENCH_MIZZLE", value);
        }
        let ended = run(command).expect(0);
        let line = ended.stdout.lines().find(|line| line.starts_with("Target") && line.contains("mizzle")).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    };
    assert_eq!(spec(&[], None), "../mizzle");
    assert_eq!(spec(&[], Some("1.2.0")), "1.2.0");
    assert_eq!(spec(&["--mizzle=1.1.0"], Some("1.2.0")), "1.1.0");
    std::fs::remove_dir_all(place.folder().join("mizzle")).unwrap();
    assert_eq!(spec(&[], None), "latest");
}

#[test]
#[ignore = "takes long"]
fn two_source_trees_are_measured_in_one_run_and_compared() {
    let place = Place::new();
    electrodb(&place.folder().join("ours"), 0);
    electrodb(&place.folder().join("theirs and more"), 3_000);
    let more = [
        "--target=electrodb=./ours",
        "--target=electrodb=./theirs and more",
        "--time=500ms",
        "--rounds=3",
        "--warm-up=30s",
    ];
    run(place.tiny(&more)).expect(0);
    let results = place.results();
    for target in results["targets"].as_array().unwrap() {
        assert!(target["version"].as_str().unwrap().starts_with("3.9.3+source."), "{target}");
        assert!(target["source"]["bundledBy"].as_str().unwrap().starts_with("esbuild "), "{target}");
    }
    let path = place.out.join("results.json");
    let between =
        ["compare", path.to_str().unwrap(), "--between", "electrodb@local", "electrodb@local#2", "--fail-on=cpu=20%"];
    run(place.command(&between)).expect(1);
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn a_source_tree_is_measured_against_another_commits_adapter() {
    let place = Place::new();
    electrodb(&place.folder().join("ours"), 0);
    let base = Place::new();
    let adapter = base.root.join("benchmark/src/adapters/electrodb.ts");
    let text = std::fs::read_to_string(&adapter).unwrap();
    std::fs::write(&adapter, format!("{text}\n// Another commit's.\n")).unwrap();
    let against = format!("--against={}", base.root.display());
    run(place.tiny(&["--target=electrodb=./ours", &against])).expect(0);
    let results = place.results();
    let ids: Vec<_> =
        results["targets"].as_array().unwrap().iter().map(|target| target["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["electrodb@local", "electrodb@local@base"]);
    place.assert_nothing_left();
}

#[test]
#[ignore = "takes long"]
fn every_library_is_measured_at_an_older_and_at_its_newest_version() {
    let place = Place::new();
    for asked in [
        "aws-sdk@3.927.0",
        "aws-sdk@latest",
        "dynamoose@4.0.1",
        "dynamoose@latest",
        "electrodb@3.5.0",
        "electrodb@latest",
    ] {
        run(place.tiny(&[&format!("--target={asked}")])).expect(0);
        let target = &place.results()["targets"][0];
        assert_eq!((&target["id"], &target["status"]), (&asked.into(), &"ok".into()), "{target}");
        if asked == "aws-sdk@3.927.0" {
            assert_eq!((&target["version"], &target["sdkVersion"]), (&"3.927.0".into(), &"3.927.0".into()));
        }
        std::fs::remove_dir_all(&place.out).unwrap();
    }
}

#[test]
#[ignore = "takes long"]
fn a_version_that_only_one_package_of_the_sdk_has_comes_with_the_nearest_of_the_other() {
    let place = Place::new();
    let ended = run(place.tiny(&["--target=aws-sdk@3.1143.0"])).expect(0);
    assert!(ended.stderr.contains("@aws-sdk/lib-dynamodb has no 3.1143.0"), "{}", ended.stderr);
    let target = &place.results()["targets"][0];
    assert_eq!(target["sdkVersion"], "3.1143.0", "{target}");
    assert_ne!(target["version"], "3.1143.0", "{target}");
}

/// Only real repositories prove that real repositories work: `BENCH_MIZZLE` names one.
#[test]
#[ignore = "needs a working tree of Mizzle"]
fn the_working_tree_that_bench_mizzle_names_is_measured_in_all_operations() {
    let Some(tree) = std::env::var_os("BENCH_MIZZLE") else { return };
    let place = Place::new();
    let mut command: Command =
        place.tiny(&["--orm=mizzle", "--op=PutItem", "--op=UpdateItem", "--op=DeleteItem", "--op=Query", "--op=Scan"]);
    command.env("BENCH_MIZZLE", std::path::absolute(tree).unwrap());
    run(command).expect(0);
    assert_eq!(place.results()["targets"][0]["status"], "ok");
}
