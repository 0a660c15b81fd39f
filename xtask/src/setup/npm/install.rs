//! A library at an asked version, in a folder of its own under `target/bench/installs`: the compiled suites next to a
//! `node_modules` that holds the locked AWS SDK and the library as it was asked for. A folder is made under another
//! name and renamed when it is whole, so that a failed or interrupted install leaves none.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use hmac_sha256::Hash as Sha256;
use serde_json::{Map, Value, json};
use walkdir::{DirEntry, WalkDir};
use xshell::cmd;

use super::sdk::{self, CLIENT, Pair};
use super::{FETCHING, Install, Spec, Tools, described, is_offline, packages, run_npm};
use crate::plan::library::{LIBRARIES, Library};
use crate::system::checkout::Checkout;
use crate::system::exit::Exit;
use crate::system::files;
use crate::system::owner;
use crate::system::process;
use crate::system::progress::Progress;

/// What was asked for and what it was, next to the installed packages.
const STAMP: &str = "install.json";
/// A folder with more than this is installed again instead of being read through.
const MOST_HASHED_BYTES: u64 = 64 << 20;

/// Installs a library as `spec` says, or finds it installed.
///
/// # Errors
/// [`Exit::BadInput`] for a spec that is none, [`Exit::Failed`] with npm's own words where npm can't deliver it.
pub fn install(
    checkout: &Checkout,
    tools: &Tools,
    benchmark: &Path,
    library: Library,
    spec: &str,
    progress: &Progress,
) -> anyhow::Result<Install> {
    // Where sources were staged is nobody's concern.
    let is_ours = Path::new(spec).starts_with(checkout.bench());
    let step = progress.step(if is_ours {
        format!("installing {}", library.name)
    } else {
        format!("installing {} ({spec})", library.name)
    });
    let mut spec = Spec::parse(library, spec)?;
    let folder = checkout.bench().join("installs");
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    if let Spec::Registry { name, wanted } = &spec
        && !spec.is_exact()
    {
        let found = resolve(tools, &folder, name, wanted)?;
        spec = Spec::Registry { name: name.clone(), wanted: found };
    }
    let pair = sdk::pair(tools, &folder, library, &spec)?;
    if let Some(pair) = &pair {
        let wanted = if library.package == CLIENT { &pair.client } else { &pair.document };
        spec = Spec::Registry { name: library.package.to_owned(), wanted: wanted.clone() };
        if let Some(note) = &pair.note {
            progress.line(format!("  {note}"));
        }
    }
    let manifest = manifest(benchmark, library, &spec, pair.as_ref())?;
    let lock = std::fs::read(benchmark.join("package-lock.json")).context("reading the lock file")?;
    let content = content(&spec)?;
    let stamp = json!({
        "suites": benchmark,
        "manifest": manifest,
        "lock": files::hex(Sha256::hash(&lock)),
        "content": content,
        "node": tools.node_version.split('.').next(),
    });
    let dir = folder.join(format!("{}-{}", library.id, files::hex(&Sha256::hash(stamp.to_string().as_bytes())[..8])));
    let is_fixed = spec.is_exact() || content.is_some();
    if is_fixed && is_whole(&dir, library, &stamp) {
        copy_programs(benchmark, &dir)?;
        return described(&dir, library);
    }

    let making = tempfile::Builder::new().prefix(&owner::making()?).tempdir_in(&folder)?;
    write_json(&making.path().join("package.json"), &manifest)?;
    write_json(&making.path().join("package-lock.json"), &without(&lock, library.package)?)?;
    fetch(tools, making.path(), library, &spec)?;
    check_origin(making.path(), library, &spec)?;
    copy_programs(benchmark, making.path())?;
    check_import(tools, making.path(), library)?;
    write_json(&making.path().join(STAMP), &stamp)?;
    if dir.exists() {
        std::fs::remove_dir_all(&dir).with_context(|| format!("removing the older {}", dir.display()))?;
    }
    std::fs::rename(making.keep(), &dir).with_context(|| format!("naming {}", dir.display()))?;
    drop(step);
    described(&dir, library)
}

/// The version that a range or a tag means now.
fn resolve(tools: &Tools, folder: &Path, name: &str, wanted: &str) -> anyhow::Result<String> {
    let (shell, npm) = (process::shell(folder)?, &tools.npm);
    let view = |network: &str| cmd!(shell, "{npm} view {name}@{wanted} version --json {FETCHING...} {network}");
    let mut found = run_npm(&shell, view("--prefer-online"), "npm view")?;
    if found.as_ref().is_err_and(|words| is_offline(words)) {
        found = run_npm(&shell, view("--offline"), "npm view")?.or(found);
    }
    let text = match found {
        Ok(text) => text,
        Err(words) => bail!(Exit::Failed(format!("npm can't deliver {name}@{wanted}: {words}"))),
    };
    // One version, or all that are in the range, oldest first.
    let version = match serde_json::from_str(&text) {
        Ok(Value::String(version)) => Some(version),
        Ok(Value::Array(versions)) => versions.last().and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    version.with_context(|| Exit::Failed(format!("npm knows no version of {name} that is {wanted:?}")))
}

/// Installs into the folder; from the cache alone where there is no network.
fn fetch(tools: &Tools, folder: &Path, library: Library, spec: &Spec) -> anyhow::Result<()> {
    let (shell, npm) = (process::shell(folder)?, &tools.npm);
    // A folder is packed and unpacked as a published package would be, instead of being linked to.
    let command = cmd!(shell, "{npm} install --install-links --omit=dev {FETCHING...} --prefer-offline");
    let Err(words) = run_npm(&shell, command, "npm install")? else { return Ok(()) };
    let asked = spec.dependency(library.package);
    bail!(Exit::Failed(format!("npm can't deliver {} as {asked}: {words}", library.package)));
}

/// A lock file without a package: npm would take the locked one for a folder or a tarball of the same name.
fn without(lock: &[u8], package: &str) -> anyhow::Result<Value> {
    let mut lock: Value = serde_json::from_slice(lock).context("reading the lock file")?;
    if let Some(packages) = lock["packages"].as_object_mut() {
        let own = format!("node_modules/{package}");
        packages.retain(|path, _| *path != own && !path.starts_with(&format!("{own}/")));
    }
    Ok(lock)
}

/// Whether npm took the library from where it was asked to: nothing is measured under another's name.
fn check_origin(dir: &Path, library: Library, spec: &Spec) -> anyhow::Result<()> {
    let there = packages::read_json(&dir.join("node_modules/.package-lock.json"))?;
    let found = &there["packages"][format!("node_modules/{}", library.package)];
    let is_asked = match spec {
        Spec::Folder(_) | Spec::Tarball(_) => found["resolved"].as_str().is_some_and(|from| from.starts_with("file:")),
        // Build metadata is no part of what npm calls a version.
        Spec::Registry { wanted, .. } => found["version"].as_str() == wanted.split('+').next(),
        Spec::Address(_) => true,
    };
    let asked = spec.dependency(library.package);
    anyhow::ensure!(
        is_asked,
        Exit::Failed(format!(
            "npm installed {} from {}, not the requested {asked}",
            library.package, found["resolved"]
        ))
    );
    Ok(())
}

/// `package.json` of the folder: what the suites need at the versions of `benchmark/`, and the library as requested.
fn manifest(benchmark: &Path, library: Library, spec: &Spec, sdk: Option<&Pair>) -> anyhow::Result<Value> {
    let theirs = packages::read_json(&benchmark.join("package.json"))?;
    let locked = theirs["dependencies"].as_object().cloned().unwrap_or_default();
    let is_library = |name: &str| LIBRARIES.iter().any(|library| library.package == name);
    let is_sdk = |name: &str| name.starts_with("@aws-sdk/");
    let mut dependencies: Map<String, Value> =
        locked.into_iter().filter(|(name, _)| is_sdk(name) || !is_library(name)).collect();
    if let Some(pair) = sdk {
        // Both packages come in the asked version, and what they depend on comes with them.
        dependencies.retain(|name, _| !is_sdk(name));
        dependencies.insert(CLIENT.to_owned(), pair.client.clone().into());
        dependencies.insert(sdk::DOCUMENT.to_owned(), pair.document.clone().into());
    }
    dependencies.insert(library.package.to_owned(), spec.dependency(library.package).into());
    let scripts: Map<String, Value> = ["suite", "keeper"]
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), theirs["scripts"].get(name)?.clone())))
        .collect();
    Ok(json!({
        "name": format!("{}-as-asked", library.id),
        "private": true,
        "type": theirs["type"],
        "scripts": scripts,
        "dependencies": dependencies,
    }))
}

/// A hash of a tarball's or a folder's content; none where there is none to take, or too much of it.
fn content(spec: &Spec) -> anyhow::Result<Option<String>> {
    let mut hash = Sha256::new();
    match spec {
        Spec::Registry { .. } | Spec::Address(_) => return Ok(None),
        Spec::Tarball(path) => {
            hash.update(std::fs::read(path).with_context(|| format!("reading {}", path.display()))?);
        }
        Spec::Folder(path) => {
            let Some(files) = files_of_package(path)? else { return Ok(None) };
            for file in files {
                let bytes = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
                let name = file.strip_prefix(path).unwrap_or(&file).to_string_lossy().into_owned();
                hash.update(format!("{name}\0{}\0", bytes.len()));
                hash.update(bytes);
            }
        }
    }
    Ok(Some(files::hex(hash.finalize())))
}

/// The files of a package's folder in a fixed order; none where there are too many to read.
fn files_of_package(folder: &Path) -> anyhow::Result<Option<Vec<PathBuf>>> {
    let (mut files, mut bytes) = (Vec::new(), 0);
    let is_own = |entry: &DirEntry| entry.file_name() != "node_modules" && entry.file_name() != ".git";
    // The folder itself may be a node_modules.
    let entries =
        WalkDir::new(folder).min_depth(1).into_iter().filter_entry(|entry| entry.depth() == 0 || is_own(entry));
    for entry in entries {
        let entry = entry?;
        if entry.file_type().is_file() {
            bytes += entry.metadata()?.len();
            files.push(entry.into_path());
        }
        if bytes > MOST_HASHED_BYTES || files.len() > 20_000 {
            return Ok(None);
        }
    }
    files.sort();
    Ok(Some(files))
}

/// Whether a folder holds this very install, and holds it still.
fn is_whole(dir: &Path, library: Library, stamp: &Value) -> bool {
    let same = packages::read_json(&dir.join(STAMP)).is_ok_and(|found| found == *stamp);
    same && packages::match_lock(dir)
        && packages::find(dir, library.package).is_some_and(|at| at.starts_with(real(dir)))
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

/// Puts the compiled suites into an install.
fn copy_programs(benchmark: &Path, dir: &Path) -> anyhow::Result<()> {
    let to = dir.join("dist");
    if to.exists() {
        std::fs::remove_dir_all(&to).with_context(|| format!("removing the older {}", to.display()))?;
    }
    copy_folder(&benchmark.join("dist"), &to)
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    // The compiled tests are of no use there.
    for entry in WalkDir::new(from).into_iter().filter_entry(|entry| entry.file_name() != "tests") {
        let entry = entry?;
        let copy = to.join(entry.path().strip_prefix(from)?);
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(&copy).with_context(|| format!("making {}", copy.display()))?;
        } else {
            std::fs::copy(entry.path(), &copy).with_context(|| format!("copying to {}", copy.display()))?;
        }
    }
    Ok(())
}

/// A package may be there and yet be no program: a folder whose sources were never compiled, say.
fn check_import(tools: &Tools, dir: &Path, library: Library) -> anyhow::Result<()> {
    let (shell, node) = (process::shell(dir)?, &tools.node);
    let import = format!("await import({})", Value::from(library.package));
    let command = super::clean_environment(cmd!(shell, "{node} --input-type=module --eval {import}"));
    let output = process::output(command, "importing the library", std::time::Duration::from_mins(1))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let why = super::nodes_words(&said);
        let why = why.replace(&*dir.to_string_lossy(), ".").replace(&*real(dir).to_string_lossy(), ".");
        bail!(Exit::Failed(format!("{} was installed and can't be imported: {why}", library.package)));
    }
    Ok(())
}

fn write_json(path: &Path, value: &Value) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(value).context("writing JSON")?;
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::npm::{locked, prepare};

    /// A library that needs nothing, so that it can be installed without a network.
    fn write_library(folder: &Path, name: &str, version: &str, program: &str) {
        std::fs::create_dir_all(folder).unwrap();
        let manifest = json!({ "name": name, "version": version, "type": "module", "exports": "./index.js" });
        write_json(&folder.join("package.json"), &manifest).unwrap();
        std::fs::write(folder.join("index.js"), program).unwrap();
    }

    fn installs(checkout: &Checkout) -> Vec<String> {
        let entries = std::fs::read_dir(checkout.bench().join("installs")).unwrap().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn when(install: &Install) -> std::time::SystemTime {
        std::fs::metadata(install.dir.join(STAMP)).unwrap().modified().unwrap()
    }

    /// One test, since each step builds on what the one before it installed.
    #[test]
    fn what_is_asked_for_is_installed_beside_the_locked_packages_and_leaves_them_alone() {
        let home = tempfile::Builder::new().prefix("a b'ü#%20").tempdir().unwrap();
        let checkout = Checkout { root: home.path().join("checkout"), target: home.path().join("target") };
        let (tools, progress) = (Tools::find().unwrap(), Progress::new(true));
        let theirs = Checkout::find().unwrap().benchmark();
        for name in ["src", "package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json"] {
            let to = checkout.benchmark().join(name);
            if theirs.join(name).is_dir() {
                copy_folder(&theirs.join(name), &to).unwrap();
            } else {
                std::fs::create_dir_all(to.parent().unwrap()).unwrap();
                std::fs::copy(theirs.join(name), to).unwrap();
            }
        }
        let manifests = || {
            ["package.json", "package-lock.json"].map(|name| std::fs::read(checkout.benchmark().join(name)).unwrap())
        };
        let before = manifests();

        // The locked packages and the compiled suites.
        let benchmark = prepare(&checkout, &tools, &progress).unwrap();
        assert_eq!(benchmark, checkout.benchmark());
        let begun = std::time::Instant::now();
        prepare(&checkout, &tools, &progress).unwrap();
        assert!(begun.elapsed() < std::time::Duration::from_secs(2), "nothing had to be done again");
        let dynamoose = locked(&benchmark, Library::find("dynamoose").unwrap()).unwrap();
        assert!(
            dynamoose.library_version.is_some() && dynamoose.installed_mb.is_some_and(|mb| mb > 1.0),
            "{dynamoose:?}"
        );

        // A folder, again, and changed to one that can't be imported.
        let mizzle = Library::find("mizzle").unwrap();
        let get = |spec: &Path| install(&checkout, &tools, &benchmark, mizzle, &spec.display().to_string(), &progress);
        let folder = home.path().join("my mizzle");
        write_library(&folder, mizzle.package, "7.0.0", "export const mizzle = 1;");
        let first = get(&folder).unwrap();
        assert_eq!(first.library_version.as_deref(), Some("7.0.0"));
        assert_eq!(first.sdk_version, dynamoose.sdk_version);
        assert!(first.dir.join("dist/suite.js").is_file());
        let again = get(&folder).unwrap();
        assert_eq!((&again, when(&again)), (&first, when(&first)), "the same content was installed twice");
        write_library(&folder, mizzle.package, "7.1.0", "import './not-built.js';");
        let why = format!("{:#}", get(&folder).unwrap_err());
        assert!(why.contains("can't be imported") && why.contains("not-built.js") && !why.contains("target"), "{why}");

        // A packed tarball.
        write_library(&folder, mizzle.package, "8.0.0", "export const mizzle = 3;");
        let tarball = crate::setup::npm::pack(&tools, home.path(), "./my mizzle").unwrap().unwrap();
        assert_eq!(get(&tarball).unwrap().library_version.as_deref(), Some("8.0.0"));

        // A folder of a library that the lock file has too, at the very version that is locked.
        let electrodb = Library::find("electrodb").unwrap();
        let locked = locked(&benchmark, electrodb).unwrap().library_version.unwrap();
        let folder = home.path().join("my electrodb");
        write_library(&folder, electrodb.package, &locked, "export const mine = true;");
        let own = folder.display().to_string();
        let own = install(&checkout, &tools, &benchmark, electrodb, &own, &progress).unwrap();
        let program = own.dir.join("node_modules/electrodb/index.js");
        assert!(std::fs::read_to_string(program).unwrap().contains("mine"), "the locked one was installed");

        // What npm can't deliver is reported in its own words.
        let why =
            install(&checkout, &tools, &benchmark, mizzle, "no-such-package-of-ours@1.0.0", &progress).unwrap_err();
        let why = format!("{why:#}");
        assert!(why.contains("npm can't deliver") && !why.contains("_logs") && !why.contains("installs"), "{why}");

        assert_eq!(installs(&checkout).len(), 3, "half-made or stray folders: {:?}", installs(&checkout));
        assert_eq!(manifests(), before, "package.json or the lock file was written");

        // An install that was tampered with would be made again.
        let stamp = packages::read_json(&first.dir.join(STAMP)).unwrap();
        assert!(is_whole(&first.dir, mizzle, &stamp));
        std::fs::remove_dir_all(first.dir.join("node_modules/tinybench")).unwrap();
        assert!(!is_whole(&first.dir, mizzle, &stamp));
    }
}
