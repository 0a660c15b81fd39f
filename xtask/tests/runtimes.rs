//! Real runs under the runtimes that npm delivers, each once: the work is verified under every one, and what a runtime
//! does not report is null and said.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

#[test]
#[ignore = "takes long, and fetches 200 MB once"]
fn two_libraries_are_measured_under_each_runtime_in_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let runtimes = ["node@22", "node@24", "node@26", "bun"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.env_remove("CI").args(["bench", "--backend=java", "--orm=aws-sdk", "--orm=electrodb", "--op=GetItem"]);
    command.args(["--scale=100", "--rounds=2", "--time=200ms", "--warm-up=1s", "--patience=10ms"]);
    command.arg(format!("--out={}", out.display())).args(runtimes.map(|runtime| format!("--runtime={runtime}")));
    let output = command.output().unwrap();
    let said = [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{said}");

    let results: Value = serde_json::from_slice(&std::fs::read(out.join("results.json")).unwrap()).unwrap();
    let targets = results["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 8);
    for target in targets {
        let runtime = &target["runtime"];
        let (name, version) = (runtime["name"].as_str().unwrap(), runtime["version"].as_str().unwrap());
        assert_eq!(target["status"], "ok", "{said}");
        assert!(target["id"].as_str().unwrap().ends_with(&format!("+{}", runtime["spec"].as_str().unwrap())));
        assert!(target["name"].as_str().unwrap().ends_with(&format!(" on {name} {version}")));
        let is_of = |m: &&Value| m["target"] == target["id"];
        let measured = results["measurements"].as_array().unwrap().iter().find(is_of).unwrap();
        assert!(measured["cpu"]["microsPerOp"].as_f64().unwrap() > 0.0);
        assert_eq!(measured["allocation"].is_null(), name == "Bun", "{name} {version}: {}", measured["allocation"]);
        assert_eq!(measured["vsBaseline"].is_null(), target["baseline"] == true);
        let first = targets.iter().find(|other| other["adapter"] == target["adapter"]).unwrap();
        let like = |m: &&Value| m["target"] == first["id"];
        let like = results["measurements"].as_array().unwrap().iter().find(like).unwrap();
        assert_eq!(measured["work"], like["work"], "the same requests under {name} {version}");
    }
    let report = std::fs::read_to_string(out.join("report.md")).unwrap();
    for words in ["## Runtimes", "does not report what a call allocates", "under the same runtime"] {
        assert!(report.contains(words), "{words:?} is not in the report");
    }
    assert!(Path::new(&out).join("suite-100-electrodb_bun-0.log").exists());
}
