//! npm and Node: what is installed, the install of the locked libraries, the compiled TypeScript, and the installs of
//! libraries at versions of the user's choice, each in a folder of its own so that two versions don't meet.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::checkout::Checkout;
use crate::cli::Library;
use crate::exit::Exit;
use crate::files;
use crate::interrupt;
use crate::process::Group;
use crate::progress::Progress;

/// The oldest Node that the libraries and tinybench run on.
const OLDEST_NODE: u32 = 20;
const MIB: f64 = 1_048_576.0;
/// npm is told nothing from the network that the lock file doesn't ask for, and runs no package's scripts.
const QUIETLY: [&str; 4] = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
/// What a compiled suite is made from.
const SOURCES: [&str; 4] = ["src", "package.json", "package-lock.json", "tsconfig.json"];

/// Node and npm as they are on this machine.
#[derive(Debug, Clone)]
pub struct Tools {
    pub node_version: String,
    pub npm: PathBuf,
    pub npm_version: String,
}

impl Tools {
    /// # Errors
    /// [`Exit::Prerequisite`] where one is missing or too old, with its mend.
    pub fn find() -> anyhow::Result<Tools> {
        let mend = format!("install Node {OLDEST_NODE} or newer, which brings npm (https://nodejs.org)");
        let find = |name: &str| {
            which::which(name).map_err(|_| Exit::Prerequisite(format!("{name} is not on the PATH: {mend}")))
        };
        let version = |path: &Path| -> anyhow::Result<String> {
            let output = Command::new(path)
                .arg("--version")
                .stderr(Stdio::null())
                .output()
                .with_context(|| format!("running {} --version", path.display()))?;
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let (node, npm) = (find("node")?, find("npm")?);
        let (node_version, npm_version) = (version(&node)?, version(&npm)?);
        let major = node_version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major.is_none_or(|major| major < OLDEST_NODE) {
            let why = format!("Node is {node_version}, and {OLDEST_NODE} or newer is needed: {mend}");
            return Err(Exit::Prerequisite(why).into());
        }
        Ok(Tools { node_version, npm, npm_version })
    }
}

/// A folder that a suite can run in: `package.json` with its scripts, `node_modules` and the compiled `dist`.
#[derive(Debug, Clone)]
pub struct Install {
    pub dir: PathBuf,
    pub library_version: Option<String>,
    /// Of the AWS SDK that carries the calls.
    pub sdk_version: String,
    /// Of another AWS SDK that the library brought.
    pub own_sdk_version: Option<String>,
    /// The library with its dependencies on disk, MiB.
    pub installed_mb: Option<f64>,
}

/// Takes AWS settings out of a child's environment: a run is the same whatever profile the user has.
pub fn clean_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(&name);
        }
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    command.env_remove("NODE_OPTIONS");
}

/// Installs what the lock file says and compiles the TypeScript, each only where it is not done; the folder that it is
/// done in: `benchmark/`, or a copy of it where that can't be written to.
pub fn prepare(checkout: &Checkout, tools: &Tools, progress: &Progress) -> anyhow::Result<PathBuf> {
    let mut dir = checkout.benchmark();
    if files::check_folder(&dir).is_err() {
        let copy = checkout.bench().join("benchmark");
        std::fs::create_dir_all(&copy).with_context(|| format!("creating {}", copy.display()))?;
        for name in SOURCES.iter().chain(&["test", "tsconfig.build.json", "tsconfig.test.json"]) {
            copy_tree(&dir.join(name), &copy.join(name))?;
        }
        dir = copy;
    }
    let locked = hash(&dir, &["package.json", "package-lock.json"])?;
    let stamp = dir.join("node_modules").join(".bench-lock-hash");
    if std::fs::read_to_string(&stamp).ok().as_deref() != Some(&locked) {
        let step = progress.step("installing the locked libraries (npm ci)");
        run(tools, &dir, &[&["ci"], &QUIETLY[..]].concat())?;
        files::write_whole(&stamp, locked.as_bytes())?;
        step.done("installed the libraries of the lock file");
    }
    let sources = hash(&dir, &[&SOURCES[..], &["tsconfig.build.json"]].concat())?;
    let stamp = dir.join("dist").join(".bench-source-hash");
    if std::fs::read_to_string(&stamp).ok().as_deref() != Some(&sources) {
        let step = progress.step("compiling the suite");
        run(tools, &dir, &["run", "--silent", "build"])?;
        files::write_whole(&stamp, sources.as_bytes())?;
        step.done("compiled the suite");
    }
    Ok(dir)
}

/// A library at the version in the lock file.
pub fn locked(benchmark: &Path, library: Library) -> anyhow::Result<Install> {
    describe(benchmark, library)
}

/// Installs a library from whatever npm takes, in a folder of its own under `target/bench/installs`.
///
/// # Errors
/// [`Exit::BadInput`] for a folder that holds no package; npm's own words for all else.
pub fn install(
    checkout: &Checkout,
    tools: &Tools,
    benchmark: &Path,
    library: Library,
    spec: &str,
    progress: &Progress,
) -> anyhow::Result<Install> {
    let spec = absolute(spec)?;
    let asked = match alias(&spec) {
        Some(alias) => format!("{}@{alias}", library.package),
        None => format!("{}@{spec}", library.package),
    };
    let step = progress.step(format!("installing {asked}"));
    let installs = checkout.bench().join("installs");
    std::fs::create_dir_all(&installs).with_context(|| format!("creating {}", installs.display()))?;
    let manifest: Value = serde_json::from_slice(&std::fs::read(benchmark.join("package.json"))?)?;
    let dependencies = &manifest["dependencies"];
    let shared: Vec<String> = dependencies
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| (name.starts_with("@aws-sdk/") && *name != library.package) || *name == "tinybench")
        .map(|(name, version)| format!("{name}@{}", version.as_str().unwrap_or("latest")))
        .collect();
    let fresh = tempfile::Builder::new().prefix(".install-").tempdir_in(&installs)?;
    let own = json!({ "name": "install", "private": true, "type": "module", "scripts": manifest["scripts"] });
    std::fs::write(fresh.path().join("package.json"), serde_json::to_vec(&own)?)?;
    let mut arguments = vec!["install", "--install-links", "--no-package-lock"];
    arguments.extend(QUIETLY);
    arguments.push(&asked);
    arguments.extend(shared.iter().map(String::as_str));
    run(tools, fresh.path(), &arguments)?;
    copy_tree(&benchmark.join("dist"), &fresh.path().join("dist"))?;
    let name: String =
        asked.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' }).collect();
    let short = files::hex(&Sha256::digest(&asked)[..4]);
    let tail: String = name.chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect();
    let dir = installs.join(format!("{tail}-{short}"));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::rename(fresh.keep(), &dir).with_context(|| format!("moving the install to {}", dir.display()))?;
    drop(step);
    describe(&dir, library)
}

/// A path that exists is made absolute, since npm runs in another folder; a path that doesn't is the user's mistake.
fn absolute(spec: &str) -> anyhow::Result<String> {
    let bare = spec.strip_prefix("file:").unwrap_or(spec);
    let looks_like_a_path = spec.starts_with("file:")
        || bare.starts_with(['.', '/', '~'])
        || Path::new(bare).extension().is_some_and(|end| end == "tgz");
    let path = Path::new(bare);
    if path.is_dir() && !path.join("package.json").is_file() {
        return Err(Exit::BadInput(format!("{bare}: this folder is no package, since it holds no package.json")).into());
    }
    if path.is_dir() || (looks_like_a_path && path.is_file()) {
        return Ok(format!("file:{}", std::path::absolute(path)?.display()));
    }
    if looks_like_a_path && !bare.contains("://") {
        return Err(Exit::BadInput(format!(
            "{bare}: no such folder or tarball; give a version, a folder, a packed tarball or a git address"
        ))
        .into());
    }
    Ok(spec.to_owned())
}

/// `mizzle@1.2.0`, a package of another name at a version, as npm's alias.
fn alias(spec: &str) -> Option<String> {
    let (name, version) = spec.rsplit_once('@')?;
    let plain = !name.is_empty()
        && !spec.contains(':')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "@/-_.".contains(c));
    plain.then(|| format!("npm:{name}@{version}"))
}

/// Runs npm in a folder; its own error lines are the error.
pub fn run(tools: &Tools, dir: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let log = tempfile::NamedTempFile::new()?;
    let mut command = Command::new(&tools.npm);
    command.args(arguments).current_dir(dir).stdin(Stdio::null());
    command.stdout(log.reopen()?).stderr(log.reopen()?);
    clean_environment(&mut command);
    let mut group = Group::spawn(&mut command, "npm")?;
    let status = loop {
        interrupt::check()?;
        if let Some(status) = group.wait_for(Duration::from_millis(100)) {
            break status;
        }
    };
    if status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&std::fs::read(log.path())?).into_owned();
    bail!("npm {}: {}", arguments.first().unwrap_or(&""), own_words(&text))
}

/// What npm said went wrong, without its prefixes and without where its log is.
fn own_words(text: &str) -> String {
    let mut lines: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("npm error").or_else(|| line.strip_prefix("npm ERR!")))
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.contains("complete log of this run") && !line.contains("_logs"))
        .collect();
    if lines.is_empty() {
        lines = text.lines().filter(|line| !line.starts_with("npm warn")).collect();
    }
    lines.truncate(8);
    lines.join("; ")
}

fn describe(dir: &Path, library: Library) -> anyhow::Result<Install> {
    let version = |folder: &Path| -> Option<String> {
        let manifest: Value = serde_json::from_slice(&std::fs::read(folder.join("package.json")).ok()?).ok()?;
        Some(manifest["version"].as_str()?.to_owned())
    };
    let modules = dir.join("node_modules");
    let sdk = |modules: &Path| version(&modules.join("@aws-sdk").join("client-dynamodb"));
    let package = modules.join(library.package);
    Ok(Install {
        dir: dir.to_path_buf(),
        library_version: version(&package),
        sdk_version: sdk(&modules).with_context(|| format!("there is no AWS SDK in {}", modules.display()))?,
        own_sdk_version: sdk(&package.join("node_modules")),
        installed_mb: footprint(&modules, &package),
    })
}

/// Size of a package and of all that it depends on, found as Node finds it; MiB.
fn footprint(root: &Path, package: &Path) -> Option<f64> {
    let mut seen = BTreeSet::new();
    let mut open = vec![package.canonicalize().ok()?];
    // Every library is handed the SDK's client, whether its manifest says so or not.
    open.extend(root.join("@aws-sdk").join("client-dynamodb").canonicalize().ok());
    let mut bytes = 0;
    while let Some(folder) = open.pop() {
        if !seen.insert(folder.clone()) {
            continue;
        }
        bytes += size(&folder);
        let manifest: Value = serde_json::from_slice(&std::fs::read(folder.join("package.json")).ok()?).ok()?;
        for (name, _) in manifest["dependencies"].as_object().into_iter().flatten() {
            let found = folder
                .ancestors()
                .map(|above| above.join("node_modules").join(name))
                .find(|candidate| candidate.join("package.json").is_file());
            open.extend(found.and_then(|found| found.canonicalize().ok()));
        }
    }
    Some(bytes as f64 / MIB)
}

/// Bytes of the files below a folder, without nested `node_modules`, which are packages of their own.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() && entry.file_name() != "node_modules" => size(&entry.path()),
            Ok(metadata) if metadata.is_file() => metadata.len(),
            _ => 0,
        })
        .sum()
}

/// A hash of files and folders by name and content.
fn hash(dir: &Path, names: &[&str]) -> anyhow::Result<String> {
    let mut digest = Sha256::new();
    let mut open: Vec<PathBuf> = names.iter().rev().map(|name| dir.join(name)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let mut inside: Vec<PathBuf> =
                std::fs::read_dir(&path)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
            inside.sort();
            open.extend(inside.into_iter().rev());
        } else if path.is_file() {
            digest.update(path.strip_prefix(dir).unwrap_or(&path).to_string_lossy().as_bytes());
            digest.update(std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?);
        }
    }
    Ok(files::hex(digest.finalize()))
}

fn copy_tree(from: &Path, to: &Path) -> anyhow::Result<()> {
    if from.is_dir() {
        std::fs::create_dir_all(to).with_context(|| format!("creating {}", to.display()))?;
        for entry in std::fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
            let entry = entry?;
            copy_tree(&entry.path(), &to.join(entry.file_name()))?;
        }
    } else if from.is_file() {
        std::fs::copy(from, to).with_context(|| format!("copying {} to {}", from.display(), to.display()))?;
    }
    Ok(())
}
