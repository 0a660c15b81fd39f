//! A library as its maintainers have it: a package's folder, a monorepo's root or a git address, made into something
//! that npm can install and that Node can load. What can be installed as it lies is; the rest is bundled from its
//! sources, as it would be published.

mod bundle;
mod decide;
mod default;
mod entry;
mod git;
mod glob;
mod lockfile;
mod pnpm;
mod ranges;
mod tsconfig;
mod workspace;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use self::decide::Why;
use self::entry::Entries;
use self::git::Remote;
use self::workspace::{Package, Workspace};
use super::spec::Spec;
use super::{Tools, packages};
use crate::plan::library::{LIBRARIES, Library};
use crate::results::Source;
use crate::system::checkout::Checkout;
use crate::system::exit::Exit;
use crate::system::progress::Progress;

pub use default::default_mizzle;

/// A commit's first digits, as people name it.
const SHORT: usize = 7;

/// What npm is to install, and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Staged {
    /// What npm is asked for.
    pub spec: String,
    /// Of a folder or a git address.
    pub source: Option<Source>,
}

/// Makes a spec into one that npm can install: sources are bundled by the programs of `bundler`. A spec that npm
/// understands by itself stays as it is. With `prebuilt` the built files of a folder are taken as they lie.
///
/// # Errors
/// [`Exit::BadInput`] with the reason where there is no such package or it can't be bundled.
pub fn stage(
    checkout: &Checkout,
    tools: &Tools,
    bundler: &Path,
    library: Library,
    spec: &str,
    prebuilt: bool,
    progress: &Progress,
) -> anyhow::Result<Staged> {
    let bench = checkout.bench();
    let sources = bench.join("sources");
    std::fs::create_dir_all(&sources).with_context(|| format!("creating {}", sources.display()))?;
    let folder = match Spec::parse(library, spec)? {
        Spec::Folder(folder) => folder,
        Spec::Address(address) => match Remote::parse(&address) {
            Some(remote) => {
                let _step = progress.step(format!("fetching {address}"));
                let find = |dir: &Path| find(library, dir).map(|(workspace, package)| (workspace, package.dir));
                remote.check_out(&sources, find)?
            }
            None => return Ok(Staged { spec: spec.to_owned(), source: None }),
        },
        Spec::Registry { .. } | Spec::Tarball(_) => return Ok(Staged { spec: spec.to_owned(), source: None }),
    };
    let (workspace, package) = find(library, &folder)?;
    let entries = Entries::of(&package);
    let why = decide::must_bundle(&package, &entries, &workspace).filter(|_| !prebuilt);
    let Some(why) = why else {
        check_installable(&package, &entries, &workspace)?;
        let source = identity(&package, &workspace, std::slice::from_ref(&package.dir));
        return Ok(Staged { spec: package.dir.display().to_string(), source: Some(source) });
    };
    if entries.main_source().is_none() {
        bail!(problem(no_source(&why, &package)));
    }
    let step = progress.step(format!("bundling {} from its sources: {why}", library.name));
    let (staged, source) = bundle::bundle(&bench, &sources, tools, bundler, library, &package, &workspace)?;
    step.done(format!("bundled {} from its sources ({why})", library.name));
    Ok(Staged { spec: staged.display().to_string(), source: Some(source) })
}

/// Whether a folder holds a package of a library, before anything is started.
///
/// # Errors
/// [`Exit::BadInput`] where it is a monorepo without one.
pub fn check_folder(library: Library, folder: &Path) -> anyhow::Result<()> {
    find(library, folder).map(drop)
}

/// The package that a folder means, and the monorepo around it: of a monorepo's root the member of the library's name.
fn find(library: Library, folder: &Path) -> anyhow::Result<(Workspace, Package)> {
    let folder = folder.canonicalize().with_context(|| format!("reading {}", folder.display()))?;
    let workspace = Workspace::around(&folder).map_err(|why| problem(format!("{why:#}")))?;
    let names = names(library);
    if !workspace.is_monorepo || workspace.root.dir != folder {
        let package = Package::read(&folder)?;
        if let Some(why) = is_another(&package, &workspace, &names) {
            bail!(problem(why));
        }
        return Ok((workspace, package));
    }
    match names.iter().find_map(|name| workspace.member(name)) {
        Some(member) => {
            let member = member.clone();
            Ok((workspace, member))
        }
        None => bail!(problem(format!(
            "it is a monorepo without a package named {}; its packages: {}",
            names.join(" or "),
            workspace.names()
        ))),
    }
}

/// Why a folder's package can't be meant: it is a sibling of the one that is, or another library. A name of its own is
/// no reason, since forks have one.
fn is_another(package: &Package, workspace: &Workspace, names: &[&str]) -> Option<String> {
    let name = package.name.as_str();
    if names.contains(&name) {
        return None;
    }
    if workspace.is_monorepo
        && let Some(meant) = names.iter().find_map(|name| workspace.member(name))
    {
        return Some(format!("its package is {name}, and {} is in {}", meant.name, meant.dir.display()));
    }
    let other = LIBRARIES.iter().find(|library| self::names(**library).contains(&name))?;
    Some(format!("its package is {name}, which is {}", other.name))
}

/// What a library's package may be called in its own repository.
fn names(library: Library) -> Vec<&'static str> {
    // Mizzle was developed under its short name before it was published.
    if library.id == "mizzle" { vec![library.package, "mizzle"] } else { vec![library.package] }
}

/// What npm could not install is named before npm is asked, which may give no reason.
fn check_installable(package: &Package, entries: &Entries, workspace: &Workspace) -> anyhow::Result<()> {
    if let Some(Why::Local { name, range }) = decide::local_dependency(package, workspace) {
        bail!(problem(format!(
            "its built files need {name} as {range}, which only its own monorepo has; without --prebuilt it is bundled \
             from its sources"
        )));
    }
    if entry::is_typescript(&package.dir.join(&entries.published)) {
        bail!(problem(format!(
            "{} is TypeScript and no built file; without --prebuilt it is bundled from its sources",
            entries.published
        )));
    }
    Ok(())
}

fn no_source(why: &Why, package: &Package) -> String {
    let have = ["src", "lib"].into_iter().filter(|folder| package.dir.join(folder).is_dir()).collect::<Vec<_>>();
    let looked = if have.is_empty() {
        "there is no src folder".to_owned()
    } else {
        format!("{}/ has no source of it", have.join("/, "))
    };
    format!("{} can't be bundled: {why}, and {looked} (looked for src/index.ts and its like)", package.dir.display())
}

/// What is measured: version, commit, and whether one of the folders differs from the commit.
fn identity(package: &Package, workspace: &Workspace, folders: &[PathBuf]) -> Source {
    let commit = git::commit(&workspace.root.dir, folders);
    let mut version =
        package.manifest["version"].as_str().filter(|version| is_version(version)).unwrap_or("0.0.0").to_owned();
    version.push_str(if version.contains('+') { ".source" } else { "+source" });
    if let Some((commit, dirty)) = &commit {
        let mark = if *dirty { ".dirty" } else { "" };
        version = format!("{version}.{}{mark}", &commit[..SHORT.min(commit.len())]);
    }
    let (commit, dirty) = commit.unzip();
    let sdk = package.range("@aws-sdk/client-dynamodb").map(|(_, range)| range.to_owned());
    Source { version, commit, dirty, bundled_by: None, sdk_asked_for: sdk }
}

/// Whether npm takes it for a version.
fn is_version(text: &str) -> bool {
    let numbers = text.split(['-', '+']).next().unwrap_or_default();
    numbers.split('.').count() == 3 && numbers.split('.').all(|number| number.parse::<u32>().is_ok())
}

/// A reason that the user can do something about.
fn problem(why: String) -> Exit {
    Exit::BadInput(why)
}

/// Whether a folder's `package.json` or those of its monorepo hold a package of this library by name.
fn holds(library: Library, folder: &Path) -> bool {
    let Ok((_, package)) = find(library, folder) else { return false };
    names(library).contains(&package.name.as_str()) && packages::read_json(&folder.join("package.json")).is_ok()
}

#[cfg(test)]
mod testing {
    use std::path::Path;

    /// Writes a file and the folders above it.
    pub fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

#[cfg(test)]
mod tests;
