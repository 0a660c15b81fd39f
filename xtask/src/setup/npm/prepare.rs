//! `benchmark/` made ready: its locked dependencies installed when they aren't, and its TypeScript compiled when it
//! changed, so that nothing is transpiled inside a measured process. Where the checkout can't be written, all of it
//! happens in a copy under `target/`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use hmac_sha256::Hash as Sha256;
use walkdir::WalkDir;
use xshell::cmd;

use super::{FETCHING, Tools, is_offline, output, packages, run_npm};
use crate::setup::against::Against;
use crate::system::checkout::Checkout;
use crate::system::exit::Exit;
use crate::system::files;
use crate::system::process;
use crate::system::progress::Progress;

/// What the compiled programs were made of, next to them.
const BUILT_FROM: &str = "dist/.built-from";
/// Folders that are made, not written.
const MADE: [&str; 2] = ["node_modules", "dist"];

/// Installs and compiles what needs it. The folder in which suites of the locked libraries are started.
///
/// # Errors
/// [`Exit::Prerequisite`] with npm's own words where the dependencies can't be had, [`Exit::Failed`] with the
/// compiler's where the sources don't compile.
pub fn prepare(checkout: &Checkout, tools: &Tools, progress: &Progress) -> anyhow::Result<PathBuf> {
    let folder = writable(checkout)?;
    make_ready(&folder, "", tools, progress)?;
    Ok(folder)
}

/// As [`prepare`], of a copy of `benchmark` that has the adapters and the lock file of another commit.
///
/// # Errors
/// As [`prepare`], naming the commit.
pub fn prepare_beside(
    checkout: &Checkout,
    tools: &Tools,
    benchmark: &Path,
    against: &Against,
    progress: &Progress,
) -> anyhow::Result<PathBuf> {
    let copy = checkout.bench().join("against");
    mirror(benchmark, &copy, true).with_context(|| format!("copying {} to {}", benchmark.display(), copy.display()))?;
    against.lay_over(&copy)?;
    let whose = format!(" of {}", against.name);
    make_ready(&copy, &whose, tools, progress).with_context(|| format!("--against {}", against.name))?;
    Ok(copy)
}

/// Installs and compiles what needs it in a folder like `benchmark/`.
fn make_ready(folder: &Path, whose: &str, tools: &Tools, progress: &Progress) -> anyhow::Result<()> {
    if !packages::match_lock(folder) {
        let step = progress.step(format!("installing the locked dependencies{whose} (npm ci)"));
        install_locked(tools, folder)?;
        step.done(format!("installed the locked dependencies{whose}"));
    }
    let sources = hash_of_sources(folder)?;
    let stamp = folder.join(BUILT_FROM);
    let built = ["suite.js", "keeper.js"].iter().all(|program| folder.join("dist").join(program).is_file());
    if !built || std::fs::read_to_string(&stamp).ok().as_deref() != Some(&sources) {
        let step = progress.step(format!("compiling the suites{whose}"));
        compile(tools, folder)?;
        std::fs::write(&stamp, &sources).with_context(|| format!("writing {}", stamp.display()))?;
        step.done(format!("compiled the suites{whose}"));
    }
    Ok(())
}

fn install_locked(tools: &Tools, folder: &Path) -> anyhow::Result<()> {
    let (shell, npm) = (process::shell(folder)?, &tools.npm);
    let command = cmd!(shell, "{npm} ci --include=dev --include=optional {FETCHING...} --prefer-offline");
    let Err(words) = run_npm(&shell, command, "npm ci")? else { return Ok(()) };
    let advice = if is_offline(&words) {
        "npm cannot reach its registry, and its cache is incomplete: connect to the network once; behind a proxy: npm \
         config set proxy URL"
    } else {
        "see what `npm ci` says in benchmark/"
    };
    bail!(Exit::Prerequisite(format!("npm ci could not install the locked dependencies ({advice}): {words}")));
}

fn compile(tools: &Tools, folder: &Path) -> anyhow::Result<()> {
    let (shell, npm) = (process::shell(folder)?, &tools.npm);
    let output = output(cmd!(shell, "{npm} run --silent build"), "npm run build")?;
    if !output.status.success() {
        // The compiler speaks on standard output.
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).lines().take(20).collect::<Vec<_>>().join("\n");
        bail!(Exit::Failed(format!("the suites don't compile:\n{said}")));
    }
    Ok(())
}

/// `benchmark/`, or a copy of it where it can't be written.
fn writable(checkout: &Checkout) -> anyhow::Result<PathBuf> {
    let own = checkout.benchmark();
    if !own.join("package.json").is_file() {
        bail!(Exit::Prerequisite(format!("{} is not there: is this checkout whole?", own.display())));
    }
    if tempfile::Builder::new().prefix(".writable-").tempfile_in(&own).is_ok() {
        return Ok(own);
    }
    let copy = checkout.bench().join("benchmark");
    mirror(&own, &copy, true).with_context(|| format!("copying {} to {}", own.display(), copy.display()))?;
    Ok(copy)
}

/// Makes `to` hold the files of `from`, except what is made; files that are the same are left alone.
fn mirror(from: &Path, to: &Path, top: bool) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    let is_made = |name: &std::ffi::OsStr| top && MADE.iter().any(|made| name == *made);
    for entry in std::fs::read_dir(to)? {
        let entry = entry?;
        if !is_made(&entry.file_name()) && !from.join(entry.file_name()).exists() {
            if entry.file_type()?.is_dir() {
                std::fs::remove_dir_all(entry.path())?;
            } else {
                std::fs::remove_file(entry.path())?;
            }
        }
    }
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if is_made(&entry.file_name()) {
        } else if entry.file_type()?.is_dir() {
            mirror(&entry.path(), &target, false)?;
        } else {
            let bytes = std::fs::read(entry.path())?;
            if std::fs::read(&target).ok().as_ref() != Some(&bytes) {
                // Written, not copied: the copy must not inherit that it is read-only.
                std::fs::write(&target, bytes)?;
            }
        }
    }
    Ok(())
}

/// A hash of all that the compiled programs are made of.
fn hash_of_sources(folder: &Path) -> anyhow::Result<String> {
    let mut files = vec![folder.join("package-lock.json"), folder.join("package.json")];
    for entry in std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("tsconfig")) {
            files.push(path);
        }
    }
    for entry in WalkDir::new(folder.join("src")) {
        let entry = entry?;
        if !entry.file_type().is_dir() {
            files.push(entry.into_path());
        }
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let bytes = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        let name = file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().into_owned();
        hash.update(format!("{name}\0{}\0", bytes.len()));
        hash.update(bytes);
    }
    Ok(files::hex(hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_follows_its_original_and_keeps_what_is_made() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |dir: &Path, path: &str, text: &str| {
            std::fs::create_dir_all(dir.join(path).parent().unwrap()).unwrap();
            std::fs::write(dir.join(path), text).unwrap();
        };
        write(from.path(), "src/a.ts", "1");
        write(from.path(), "node_modules/x/package.json", "{}");
        write(to.path(), "src/old.ts", "");
        write(to.path(), "dist/suite.js", "made");
        mirror(from.path(), to.path(), true).unwrap();
        assert_eq!(std::fs::read_to_string(to.path().join("src/a.ts")).unwrap(), "1");
        assert!(!to.path().join("src/old.ts").exists());
        assert!(to.path().join("dist/suite.js").exists());
        assert!(!to.path().join("node_modules").exists());
    }

    #[test]
    fn a_changed_source_has_another_hash() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("src")).unwrap();
        for (name, text) in [("package.json", "{}"), ("package-lock.json", "{}"), ("src/a.ts", "1"), ("notes.md", "1")]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let before = hash_of_sources(folder.path()).unwrap();
        std::fs::write(folder.path().join("notes.md"), "2").unwrap();
        assert_eq!(hash_of_sources(folder.path()).unwrap(), before);
        std::fs::write(folder.path().join("src/a.ts"), "2").unwrap();
        assert_ne!(hash_of_sources(folder.path()).unwrap(), before);
    }
}
