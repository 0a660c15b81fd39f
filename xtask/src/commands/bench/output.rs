//! Where a run's results go: its folder, the pointer to the latest run, and a way out where the folder can't be written.

use std::path::Path;

use anyhow::Context as _;

use crate::results::Results;
use crate::system::checkout::Checkout;
use crate::system::exit::Exit;
use crate::system::files;
use crate::system::progress::{Progress, print_line};

pub fn write_results(out: &Path, results: &Results) -> anyhow::Result<()> {
    let path = out.join("results.json");
    let bytes = serde_json::to_vec(results).context("writing the results as JSON")?;
    files::write_whole(&path, &bytes).with_context(|| format!("writing {}", path.display()))
}

/// The folder of the results can't be written: they go to a temporary file that is named, else to standard output.
pub fn rescue(results: &Results, why: &anyhow::Error, progress: &Progress) -> Exit {
    let bytes = serde_json::to_vec(results).unwrap_or_default();
    let path = std::env::temp_dir().join(format!("results-{}.json", results.run.id));
    if files::write_whole(&path, &bytes).is_ok() {
        progress.warn(format!("{why:#}; the results are in {}", path.display()));
    } else {
        print_line(String::from_utf8_lossy(&bytes));
        progress.warn(format!("{why:#}; the results went to standard output"));
    }
    Exit::Failed(format!("the results could not be written to --out: {why:#}"))
}

/// Points `target/bench/latest` at a run's folder.
pub fn point_latest(checkout: &Checkout, out: &Path) -> anyhow::Result<()> {
    let folder = checkout.bench();
    std::fs::create_dir_all(&folder)?;
    let link = folder.join("latest");
    let fresh = folder.join(format!(".latest-{}", std::process::id()));
    let out = std::path::absolute(out)?;
    std::os::unix::fs::symlink(&out, &fresh)
        .and_then(|()| std::fs::rename(&fresh, &link))
        .with_context(|| format!("pointing {} at the run", link.display()))
}
