//! Adapters outside the repository, through the real command: the example and one that lies next to it, and every kind of
//! file that is no adapter.

use std::path::Path;

use xtask::system::files::write_whole;

use crate::support::{Ended, Place, TINY, real_root, run, target};

fn write(root: &Path, path: &str, text: &str) {
    write_whole(&root.join(path), text).unwrap();
}

/// The example, changed and copied somewhere.
fn example(to: &Path, change: impl Fn(String) -> String) {
    let text = std::fs::read_to_string(real_root().join("benchmark/examples/document.ts")).unwrap();
    write(to.parent().unwrap(), to.file_name().unwrap().to_str().unwrap(), &change(text));
}

/// The one line of an error, whatever was said before it.
fn the_error(ended: &Ended) -> &str {
    let errors: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("error:")).collect();
    assert_eq!(errors.len(), 1, "{}", ended.stderr);
    errors[0]
}

#[test]
fn the_example_is_measured_from_anywhere_and_one_that_lies_is_refused() {
    let place = Place::new();
    let home = place.folder().join("their work");
    let with_its_own = "async load() { await import(\"@smithy/core\");";
    example(&home.join("document.ts"), |text| text.replacen("async load() {", with_its_own, 1));
    write(&home, "node_modules/next-door/package.json", r#"{"name":"next-door","version":"4.5.6","main":"it.js"}"#);
    write(&home, "node_modules/next-door/it.js", "exports.empty = () => ({});");
    write(
        &home,
        "node_modules/@smithy/core/package.json",
        r#"{"name":"@smithy/core","version":"9.9.9","main":"it.js"}"#,
    );
    write(&home, "node_modules/@smithy/core/it.js", "");
    let liar = r#"import { adapter as honest } from "./document.ts";
        export default {
          ...honest, name: "Liar", package: "next-door",
          async load() {
            const { empty } = await import("next-door");
            const library = await honest.load();
            return { async connect(...given) {
              const connection = await library.connect(...given);
              return { ...connection, table: (name) => ({ ...connection.table(name), get: async () => empty() }) };
            } };
          },
        };"#;
    write(&home, "liar.mjs", liar);
    let more = ["--orm=aws-sdk", "--adapter=their work/document.ts", "--adapter=their work/liar.mjs"];
    let ended = run(place.tiny(&more)).expect(4);
    assert!(ended.stderr.contains("failed or did wrong work: liar"), "{}", ended.stderr);
    let warned: Vec<&str> =
        ended.stderr.lines().filter(|line| line.contains("other packages of the AWS SDK")).collect();
    let [warned] = warned[..] else { panic!("{}", ended.stderr) };
    assert!(warned.contains("document loaded") && warned.contains("@smithy/core 9.9.9 instead of 3."), "{warned}");
    assert!(warned.contains("(cd 'their work' && npm install --save-exact @smithy/core@3."), "{warned}");
    let results = place.results();
    let (good, bad) = (target(&results, "document"), target(&results, "liar"));
    assert!(good["sdkPackages"].as_array().unwrap().contains(&"@smithy/core@9.9.9".into()), "{good}");
    assert!(place.report().contains("@smithy/core 9.9.9 instead of 3."));
    assert_eq!((&good["status"], &bad["status"]), (&"ok".into(), &"wrong-work".into()), "{good} {bad}");
    assert_eq!((&good["name"], &bad["name"]), (&"DynamoDBDocument".into(), &"Liar".into()));
    assert_eq!((&bad["version"], &good["spec"]), (&"4.5.6".into(), &"their work/document.ts".into()));
    assert_eq!(good["adapterFile"]["sha256"].as_str().unwrap().len(), 64);
    assert!(good["bundle"]["minifiedKib"].as_f64().is_some_and(|kib| kib > 100.0), "{good}");
    let cold = results["coldStarts"].as_array().unwrap().iter().find(|cold| cold["target"] == "document").unwrap();
    assert!(cold["bundledImportMs"]["mean"].as_f64().is_some_and(|ms| ms > 0.0), "{cold}");
    assert!(place.report().contains("DynamoDBDocument"));

    // What is measured further must be what was measured before.
    example(&home.join("document.ts"), |text| text.replace("caveats: []", "caveats: [ ]"));
    let mut again: Vec<&str> = TINY.to_vec();
    again.extend(more);
    let out = place.out.display().to_string();
    again.extend(["--resume", &out]);
    let ended = run(place.command(&again)).expect(2);
    assert!(the_error(&ended).contains("adapterFile.sha256 was"), "{}", ended.stderr);
    place.assert_nothing_left();
}

#[test]
fn every_file_that_is_no_adapter_ends_in_one_message_before_anything_starts() {
    let place = Place::new();
    let home = place.folder();
    let case = |name: &str, change: &dyn Fn(String) -> String| example(&home.join(name), change);
    let instead = |from: &'static str, to: &'static str| move |text: String| text.replacen(from, to, 1);
    case("electrodb.ts", &|text| text);
    case("broken.ts", &instead("export const adapter", "export const = adapter"));
    case("unexported.ts", &instead("export const adapter", "export const mine"));
    case("uninstalled.ts", &instead("@aws-sdk/lib-dynamodb\");", "@nobody/no-such-package\");"));
    case("throws.ts", &instead("async load() {", "async load() { throw new RangeError(\"of my own\");"));
    case("leaves.ts", &instead("async load() {", "async load() { process.exit(0);"));
    std::fs::create_dir(home.join("folder.ts")).unwrap();
    for (file, words) in [
        ("./nowhere.ts", "there is no such file"),
        ("./folder.ts", "that is a folder"),
        ("./notes.md", "an adapter is a TypeScript or JavaScript file"),
        ("./electrodb.ts", "rename it, as my-electrodb.ts"),
        ("./broken.ts", "broken.ts:14: Expected identifier"),
        ("./unexported.ts", "it exports no adapter: write `export const adapter"),
        (
            "./uninstalled.ts",
            "it imports @nobody/no-such-package, which is installed neither next to it nor in benchmark/",
        ),
        ("./throws.ts", "RangeError: of my own"),
        ("./leaves.ts", "its code ended the process that tried it"),
    ] {
        let ended = run(place.tiny(&["--orm=aws-sdk", "--adapter", file])).expect(2);
        let error = the_error(&ended);
        assert!(error.contains(words) && error.contains("--adapter"), "{file}: {}", ended.stderr);
        assert!(!place.out.exists(), "{file}: something was begun");
    }
    place.assert_nothing_left();
}
