//! Where things are: the checkout that this program was built from, and the folder for everything that it makes.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

#[derive(Debug, Clone)]
pub struct Checkout {
    /// The repository's root.
    pub root: PathBuf,
    /// Cargo's target folder, wherever it is.
    pub target: PathBuf,
}

impl Checkout {
    /// # Errors
    /// Where the program's own path can't be read.
    pub fn find() -> anyhow::Result<Checkout> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest
            .ancestors()
            .find(|folder| folder.join("benchmark/package.json").is_file())
            .with_context(|| format!("no folder above {} holds benchmark/package.json", manifest.display()))?
            .to_path_buf();
        let program = std::env::current_exe().context("finding this program's own path")?;
        // target/debug/xtask, or target/debug/deps/… in a test.
        let target = program
            .ancestors()
            .find(|folder| folder.file_name().is_some_and(|name| name == "debug" || name == "release"))
            .and_then(Path::parent)
            .map_or_else(|| root.join("target"), Path::to_path_buf);
        Ok(Checkout { root, target })
    }

    /// `benchmark/`, the TypeScript side.
    pub fn benchmark(&self) -> PathBuf {
        self.root.join("benchmark")
    }

    /// Everything that runs leave behind: `target/bench`.
    pub fn bench(&self) -> PathBuf {
        self.target.join("bench")
    }
}
