//! `--resume`: goes on with an interrupted run. Only a run of the same settings, versions and machine can be continued;
//! what differs is named.

use std::path::Path;

use hmac_sha256::Hash as Sha256;
use serde_json::{Value, json};

use crate::results::Results;
use crate::results::reading;
use crate::system::exit::Exit;

/// Loads the results of the run in a folder.
///
/// # Errors
/// [`Exit::BadInput`] where there are none that can be read.
pub fn load(folder: &Path) -> anyhow::Result<Results> {
    reading::load_any(&folder.join("results.json"))
}

/// What must be the same in both parts of a run, by name, and is known before anything is started.
fn settings(results: &Results) -> Value {
    let targets: Vec<Value> = results
        .targets
        .iter()
        .map(|target| {
            json!({
                "id": target.id, "spec": target.spec, "adapterFile": target.adapter_file,
                "handicap": target.handicap_steps,
            })
        })
        .collect();
    let environment = &results.environment;
    json!({
        "settings": results.settings,
        "seed": results.run.seed,
        "targets": targets,
        "machine": {
            "os": environment.os, "kernel": environment.kernel, "cpu": environment.cpu_model,
            "cores": environment.cores, "memory": environment.memory_mb,
        },
        "node": environment.node,
    })
}

/// As [`settings`], but known only when all is installed and started.
fn versions(results: &Results) -> Value {
    let targets: Vec<Value> = results
        .targets
        .iter()
        .map(|target| {
            json!({
                "version": target.version, "sdk": target.sdk_version, "ownSdk": target.own_sdk_version,
                "runtime": target.runtime.as_ref().map(ToString::to_string),
            })
        })
        .collect();
    let mut database = json!({ "backend": results.database.backend, "version": results.database.version });
    if results.database.kept {
        database["kept"] = true.into();
    }
    json!({ "targets": targets, "database": database })
}

/// A hash of settings, versions and machine.
pub fn fingerprint(results: &Results) -> String {
    let text = format!("{}{}", settings(results), versions(results));
    crate::system::files::hex(&Sha256::hash(text.as_bytes())[..16])
}

/// Whether an earlier run had the settings of `results` and its machine, before anything is started for it.
///
/// # Errors
/// [`Exit::BadInput`] that says what differs.
pub fn check_settings(results: &Results, earlier: &Results) -> anyhow::Result<()> {
    refuse_differences(&settings(earlier), &settings(results))
}

/// Continues an earlier run in `results`, which has not measured anything yet.
///
/// # Errors
/// [`Exit::BadInput`] that says what differs.
pub fn take_over(results: &mut Results, earlier: Results) -> anyhow::Result<()> {
    // A run that was stopped before it knew its versions has measured nothing with them.
    if !earlier.run.fingerprint.is_empty() {
        refuse_differences(&versions(&earlier), &versions(results))?;
    }
    for mut measurement in earlier.measurements {
        // A round that was broken off is made again as a whole.
        let scheduled =
            |round: u32| earlier.schedule.iter().any(|done| done.scale == measurement.scale && done.round == round);
        let whole: Vec<bool> = measurement.per_round.iter().map(|round| scheduled(round.round)).collect();
        let mut whole = whole.into_iter();
        measurement.per_round.retain(|_| whole.next().unwrap_or(false));
        if let Some(place) = results.measurement_mut(&measurement.scale, measurement.operation, &measurement.target) {
            let failure = place.failure.take();
            *place = measurement;
            place.failure = failure;
        }
    }
    for (target, before) in results.targets.iter_mut().zip(earlier.targets) {
        (target.calls, target.caveats) = (before.calls, before.caveats);
        target.item_bytes = before.item_bytes;
    }
    results.cold_starts = earlier.cold_starts;
    results.values = earlier.values;
    results.schedule = earlier.schedule;
    results.timeline = earlier.timeline;
    results.time_use = earlier.time_use;
    results.disturbances = earlier.disturbances;
    results.database.reused = earlier.database.reused;
    results.run.started_at = earlier.run.started_at;
    results.run.id = earlier.run.id;
    Ok(())
}

fn refuse_differences(old: &Value, new: &Value) -> anyhow::Result<()> {
    let mut differences = Vec::new();
    compare("", old, new, &mut differences);
    if differences.is_empty() {
        return Ok(());
    }
    let text = differences.join("; ");
    Err(Exit::BadInput(format!("--resume: the earlier run can't be continued by this one: {text}")).into())
}

fn compare(path: &str, old: &Value, new: &Value, differences: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                let at = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&at, a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null), differences);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{path}[{index}]"), a, b, differences);
            }
        }
        _ if old != new => differences.push(format!("{path} was {old} and is {new}")),
        _ => {}
    }
}
