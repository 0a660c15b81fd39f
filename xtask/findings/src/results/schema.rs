//! The JSON Schema of `results.json`. It is committed; a test makes it from the types that write the file, so that only
//! that test needs what makes it.

/// The schema of the results that this program writes and reads.
pub const SCHEMA: &str = include_str!("../../../../benchmark/results.schema.json");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::summary::summarize;
    use crate::fixture::{Shape, raw, raw_with_troubles};
    use crate::results::Results;
    use crate::system::files::write_whole;

    #[test]
    fn the_committed_schema_is_what_the_types_say() {
        let mut made = serde_json::to_string_pretty(&schemars::schema_for!(Results)).unwrap();
        made.push('\n');
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benchmark/results.schema.json");
            write_whole(path.as_ref(), &made).unwrap();
            return;
        }
        assert!(
            SCHEMA == made,
            "benchmark/results.schema.json is not current; refresh it: UPDATE_GOLDEN=1 cargo test -p findings schema"
        );
    }

    #[test]
    fn a_real_run_is_valid_by_it() {
        let run = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benchmark/sample/results.json");
        let run: serde_json::Value = serde_json::from_slice(&std::fs::read(run).unwrap()).unwrap();
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        jsonschema::validate(&schema, &run).unwrap();
    }

    #[test]
    fn results_are_valid_by_it_and_what_is_not_a_result_is_not() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
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
