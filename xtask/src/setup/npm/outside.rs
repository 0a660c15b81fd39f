//! Adapters outside this repository, made into programs that suites and the keeper import. A program lies in a folder of
//! its own under `target/bench/adapters`, named by what went into it; the packages that it imports stay where they are.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use super::bundler::{self, Problem};
use super::{Install, Tools, packages};
use crate::plan::library::Library;
use crate::plan::outside::Built;
use crate::system::checkout::Checkout;
use crate::system::exit::Exit;
use crate::system::files;
use crate::system::owner;

/// What `outside.ts` is asked for.
#[derive(Debug, Serialize)]
struct Request {
    file: PathBuf,
    folder: PathBuf,
    outfile: PathBuf,
}

/// What it answers.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Answer {
    Problems { problems: Vec<Problem> },
    Wrong { wrong: String },
    Described { name: String, package: String },
}

/// Whether there is a file at all, before anything is started.
///
/// # Errors
/// [`Exit::BadInput`] that says what there is instead.
pub fn check_adapter(file: &Path) -> anyhow::Result<()> {
    match file.metadata() {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => bail!(Exit::BadInput("that is a folder; name the adapter's file in it".to_owned())),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
            bail!(Exit::BadInput("there is no such file".to_owned()))
        }
        Err(why) => bail!(Exit::BadInput(format!("it can't be read: {why}"))),
    }
}

/// Compiles the adapter in a file, tries it, and says which library it is of.
///
/// # Errors
/// [`Exit::BadInput`] with what is wrong with it: esbuild's words, a package that isn't installed, what its adapter is
/// missing, or what its library said when it was imported.
pub fn build(
    checkout: &Checkout,
    tools: &Tools,
    benchmark: &Path,
    id: &str,
    file: &Path,
) -> anyhow::Result<(Library, Built)> {
    let bad = |why: String| Exit::BadInput(why);
    // Paths inside it are esbuild's own, which follow links.
    let file = file.canonicalize().map_err(|why| bad(format!("it can't be read: {why}")))?;
    let adapters = checkout.bench().join("adapters");
    std::fs::create_dir_all(&adapters).with_context(|| format!("creating {}", adapters.display()))?;
    let making = tempfile::Builder::new().prefix(&owner::making()?).tempdir_in(&adapters)?;
    let outfile = making.path().join("adapter.mjs");
    let folder = file.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
    let request = Request { file: file.clone(), folder, outfile: outfile.clone() };
    let answer = bundler::ask(tools, benchmark, "outside", &making.path().join("request.json"), &request)?;
    let (name, package) = match answer {
        Answer::Problems { problems } => bail!(bad(bundler::words(&problems))),
        Answer::Wrong { wrong } => bail!(bad(wrong.replace(&*outfile.to_string_lossy(), "it"))),
        Answer::Described { name, package } => (name, package),
    };
    let (sha256, program_sha256) = (files::sha256_of(&file)?, files::sha256_of(&outfile)?);
    let made = adapters.join(format!("{id}-{}", &program_sha256[..16]));
    if !made.join("adapter.mjs").is_file() {
        std::fs::rename(making.path(), &made).with_context(|| format!("naming {}", made.display()))?;
    }
    let built = Built { program: made.join("adapter.mjs"), sha256, program_sha256 };
    Ok((Library::named(id, &name, &package), built))
}

/// What is installed of a library whose adapter lies outside: next to the file, else in `benchmark/`. Its suites start in
/// `benchmark/`.
///
/// # Errors
/// Where the packages can't be read.
pub fn installed(benchmark: &Path, library: Library, file: &Path, program: &Path) -> anyhow::Result<Install> {
    let file = file.canonicalize().with_context(|| format!("reading {}", file.display()))?;
    let folders = [file.parent().unwrap_or(benchmark), benchmark];
    let install = packages::describe(&folders, library.package, program)?;
    Ok(Install { dir: benchmark.to_path_buf(), ..install })
}
