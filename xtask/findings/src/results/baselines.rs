//! Baselines: results files kept under a name in `benchmark/baselines`.

use std::path::{Path, PathBuf};

use super::Results;
use super::reading::{bad, clean, load};
use crate::system::checkout::Checkout;

/// What a baseline's name is made of: it becomes a file's.
pub const NAME: &str = "use letters, digits, '-', '_' and '.', at most 100, and begin with a letter or a digit";

/// Whether a text is such a name.
pub fn is_name(text: &str) -> bool {
    text.len() <= 100
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// Where the baseline of this name is kept: `benchmark/baselines/NAME.json`.
///
/// # Errors
/// [`Exit::BadInput`] where the name isn't one: it becomes the name of a file.
pub fn baseline_path(checkout: &Checkout, name: &str) -> anyhow::Result<PathBuf> {
    if !is_name(name) {
        return Err(bad(format!("{:?} can't be the name of a baseline: {NAME}", clean(name))));
    }
    Ok(baselines(checkout).join(format!("{name}.json")))
}

/// Reads the results file at a path, or else the baseline of that name.
///
/// # Errors
/// [`Exit::BadInput`] where there is neither, naming the baselines that there are, and as [`load`].
pub fn load_or_baseline(checkout: &Checkout, name_or_path: &str) -> anyhow::Result<Results> {
    let path = Path::new(name_or_path);
    if path.exists() || !is_name(name_or_path) || path.extension().is_some_and(|end| end == "json") {
        return load(path);
    }
    let baseline = baseline_path(checkout, name_or_path)?;
    if baseline.exists() {
        return load(&baseline);
    }
    let mut known: Vec<String> = std::fs::read_dir(baselines(checkout))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".json")?.to_owned()))
        .collect();
    known.sort();
    let known =
        if known.is_empty() { "none is saved yet".to_owned() } else { format!("there are {}", known.join(", ")) };
    Err(bad(format!("there is no file {name_or_path} and no baseline of that name ({known})")))
}

fn baselines(checkout: &Checkout) -> PathBuf {
    checkout.benchmark().join("baselines")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::summary::summarize;
    use crate::fixture::{Shape, raw};

    fn valid() -> Vec<u8> {
        let mut results = raw(&Shape::tiny());
        summarize(&mut results);
        serde_json::to_vec(&results).unwrap()
    }

    #[test]
    fn a_name_finds_a_baseline_and_a_path_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let checkout = Checkout { root: folder.path().to_owned(), target: folder.path().join("target") };
        std::fs::create_dir_all(folder.path().join("benchmark/baselines")).unwrap();
        let line = |name: &str| format!("{:#}", load_or_baseline(&checkout, name).unwrap_err());
        assert!(line("release").contains("no baseline of that name (none is saved yet)"));
        std::fs::write(baseline_path(&checkout, "release").unwrap(), valid()).unwrap();
        assert!(load_or_baseline(&checkout, "release").is_ok());
        assert!(line("relaese").contains("(there are release)"));
        assert!(line("none/results.json").ends_with("there is no such file"));
        for name in ["", "../x", "a/b", ".hidden", "a b"] {
            assert!(baseline_path(&checkout, name).is_err(), "{name:?}");
        }
    }
}
