//! The release gate with real runs: a known extra cost in one adapter is found, in the right target and operation, and
//! a pair of equal runs passes.

use std::path::Path;
use std::process::{Command, Output};

/// About as much as a GetItem costs: it must be found on the noisiest machine, in a run of this size.
const EXTRA_MICROS: u32 = 1_500;

fn xtask(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.env_remove("CI").env_remove("GITHUB_STEP_SUMMARY").args(arguments).output().unwrap()
}

fn bench(out: &Path, more: &[&str]) -> String {
    let results = out.join("results.json").display().to_string();
    let out = format!("--out={}", out.display());
    let mut arguments = vec!["bench", "--backend=java", "--orm=aws-sdk", "--orm=electrodb", "--op=GetItem"];
    arguments.extend(["--rounds=4", "--time=500ms", &out]);
    arguments.extend(more);
    let output = xtask(&arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    results
}

#[test]
fn a_slower_adapter_is_found_by_name_and_equal_runs_pass() {
    let folder = tempfile::tempdir().unwrap();
    let base = bench(&folder.path().join("base"), &[]);
    let same = bench(&folder.path().join("same"), &[]);
    let handicap = format!("--handicap=electrodb:GetItem={EXTRA_MICROS}");
    let slow = bench(&folder.path().join("slow"), &[&handicap]);

    let output = xtask(&["compare", &base, &same]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));

    let output = xtask(&["compare", &base, &slow, "--fail-on=off", "--fail-on=cpu=5%", "--format=json"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    let comparison: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let found: Vec<(&str, &str, &str)> = comparison["rows"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row["changes"].as_array().unwrap().iter().map(move |change| (row, change)))
        .filter(|(_, change)| change["regression"] == true)
        .map(|(row, change)| {
            (row["target"].as_str().unwrap(), row["operation"].as_str().unwrap(), change["metric"].as_str().unwrap())
        })
        .collect();
    assert_eq!(found, [("electrodb", "GetItem", "cpu")]);

    // The two targets of one file, paired by round: the extra cost stands beside the baseline.
    let output = xtask(&["compare", &slow, "--between", "aws-sdk", "electrodb", "--fail-on=off", "--fail-on=cpu=5%"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
}
