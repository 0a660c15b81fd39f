//! `cargo xtask schema`: the JSON Schema of `results.json`, made from the types that write it.

use crate::results::Results;

/// The schema, as it is committed in `benchmark/results.schema.json`.
pub fn results_schema() -> String {
    let mut schema = serde_json::to_string_pretty(&schemars::schema_for!(Results)).unwrap_or_default();
    schema.push('\n');
    schema
}

/// Prints the schema.
///
/// # Errors
/// Where standard output can't be written.
pub fn run() -> anyhow::Result<()> {
    use std::io::Write as _;
    std::io::stdout().write_all(results_schema().as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::summary::summarize;
    use crate::fixture::{Shape, raw, raw_with_troubles};

    #[test]
    fn the_committed_schema_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../benchmark/results.schema.json");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == results_schema(),
            "benchmark/results.schema.json is not current; refresh it: \
             cargo xtask schema > benchmark/results.schema.json"
        );
    }

    #[test]
    fn a_real_run_is_valid_by_it() {
        let run = concat!(env!("CARGO_MANIFEST_DIR"), "/../benchmark/sample/results.json");
        let run: serde_json::Value = serde_json::from_slice(&std::fs::read(run).unwrap()).unwrap();
        let schema: serde_json::Value = serde_json::from_str(&results_schema()).unwrap();
        jsonschema::validate(&schema, &run).unwrap();
    }

    #[test]
    fn results_are_valid_by_it_and_what_is_not_a_result_is_not() {
        let schema: serde_json::Value = serde_json::from_str(&results_schema()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        for mut results in [raw(&Shape::default()), raw_with_troubles(&Shape::small()), raw(&Shape::tiny())] {
            summarize(&mut results);
            let value = serde_json::to_value(&results).unwrap();
            if let Err(why) = validator.validate(&value) {
                panic!("{why} at {}", why.instance_path());
            }
        }
        let mut value = serde_json::to_value(raw(&Shape::tiny())).unwrap();
        value["measurements"][0]["operation"] = "Fly".into();
        assert!(!validator.is_valid(&value));
        assert!(!validator.is_valid(&serde_json::json!({})));
    }
}
