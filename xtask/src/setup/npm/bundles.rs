//! Each target's library bundled with its adapter and its SDK, minified, as it would be shipped to Lambda: for the cold
//! start alone. The bundles lie next to the run's other files.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use super::bundler::{self, Problem};
use super::{Tools, nodes_words, worker};
use crate::results::Bundle;
use crate::system::exit::Exit;
use crate::system::files;
use crate::system::process;

const KIB: f64 = 1024.0;
/// How long a process may take to import a bundle.
const IMPORT_LIMIT: std::time::Duration = std::time::Duration::from_mins(1);

/// What is to be bundled of one target.
#[derive(Debug, Serialize)]
pub struct Wanted {
    /// Its adapter's compiled file, or the source of one outside this repository.
    pub adapter: PathBuf,
    pub outside: bool,
    pub outfile: PathBuf,
}

#[derive(Debug, Serialize)]
struct Request {
    bundles: Vec<Wanted>,
}

#[derive(Debug, Deserialize)]
struct Answer {
    esbuild: String,
    bundles: Vec<Made>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Made {
    Bundled {
        bytes: f64,
        #[serde(rename = "gzipBytes")]
        gzip_bytes: f64,
    },
    Failed {
        problems: Vec<Problem>,
    },
}

/// The file of a target's bundle in the folder of a run.
pub fn path(out: &Path, target: &str) -> PathBuf {
    out.join("bundles").join(format!("{}.mjs", files::name_of(target)))
}

/// Bundles what is wanted, in that order. A library that can't be bundled is no error: its reason is in its place.
///
/// # Errors
/// Where the bundler can't be run, or the folder not be written.
pub fn bundle(tools: &Tools, benchmark: &Path, out: &Path, wanted: Vec<Wanted>) -> anyhow::Result<Vec<Bundle>> {
    let folder = out.join("bundles");
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let request = Request { bundles: wanted };
    let file = folder.join("request.json");
    let answer = bundler::ask(tools, benchmark, "bundles", &file, &request);
    std::fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
    let Answer { esbuild, bundles } = answer?;
    let bundled_by = format!("esbuild {esbuild}");
    let describe = |made: Made| match made {
        Made::Bundled { bytes, gzip_bytes } => Bundle {
            bundled_by: bundled_by.clone(),
            minified_kib: Some(bytes / KIB),
            gzip_kib: Some(gzip_bytes / KIB),
            reason: None,
        },
        Made::Failed { problems } => Bundle {
            bundled_by: bundled_by.clone(),
            minified_kib: None,
            gzip_kib: None,
            reason: Some(bundler::words(&problems)),
        },
    };
    Ok(bundles.into_iter().map(describe).collect())
}

/// Has a fresh process import a bundle, as a suite imports the library: in the same place and with the same flags. How
/// long it took, milliseconds.
///
/// # Errors
/// Where the bundle does not work, in Node's words, or a signal comes.
pub fn import(node: &Path, flags: &[&str], install: &Path, bundle: &Path) -> anyhow::Result<f64> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Imported {
        import_ms: f64,
    }
    let mut command = worker(node, flags, install, "cold")?;
    command.arg(bundle);
    let output = process::output(command, "importing a bundle", IMPORT_LIMIT)?;
    if !output.status.success() || output.stdout.is_empty() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(Exit::Failed(format!("its bundle can't be imported: {}", nodes_words(&said))));
    }
    let imported: Imported = serde_json::from_slice(&output.stdout).context("reading what the import took")?;
    Ok(imported.import_ms)
}

/// A target's adapter where its suites start: what is bundled of a library of this repository.
pub fn adapter(install: &Path, id: &str) -> PathBuf {
    install.join("dist/adapters").join(format!("{id}.js"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_has_a_bundle_whose_name_is_a_files() {
        let at = |id: &str| path(Path::new("/out"), id).display().to_string();
        assert_eq!(at("mizzle@1.2.0"), "/out/bundles/mizzle_1.2.0.mjs");
        assert_ne!(at("aws-sdk"), at("aws-sdk#2"));
    }
}
