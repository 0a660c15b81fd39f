//! A package's sources as one package that npm can install anywhere: bundled by `benchmark/src/bundle.ts`, with the
//! manifest that belongs to the bundle. None of the package's own scripts and none of its code is run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use hmac_sha256::Hash as Sha256;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::entry::Entries;
use super::ranges::{Imported, Needs, needs};
use super::tsconfig;
use super::workspace::{Package, Workspace};
use super::{identity, problem};
use crate::plan::library::Library;
use crate::results::Source;
use crate::setup::npm::Tools;
use crate::setup::npm::bundler::{self, Problem};
use crate::system::files;
use crate::system::owner;

/// What `bundle.ts` is asked for.
#[derive(Debug, Serialize)]
struct Request<'a> {
    root: &'a Path,
    entries: BTreeMap<String, &'a PathBuf>,
    members: BTreeMap<String, Member>,
    outdir: PathBuf,
    format: &'static str,
    tsconfig: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Member {
    dir: PathBuf,
    exports: BTreeMap<String, PathBuf>,
    open: bool,
}

/// What it answers.
#[derive(Debug, Deserialize)]
struct Answer {
    /// Its version.
    esbuild: String,
    #[serde(default)]
    inputs: Vec<PathBuf>,
    #[serde(default)]
    externals: Vec<Imported>,
    #[serde(default)]
    problems: Vec<Problem>,
}

/// Bundles a package into a folder of its own under `sources`, named by a hash of all that went into it.
///
/// # Errors
/// [`crate::system::exit::Exit::BadInput`] with esbuild's own words, or with the packages that can't be had.
pub fn bundle(
    bench: &Path,
    sources: &Path,
    tools: &Tools,
    benchmark: &Path,
    library: Library,
    package: &Package,
    workspace: &Workspace,
) -> anyhow::Result<(PathBuf, Source)> {
    let making = tempfile::Builder::new().prefix(&owner::making()?).tempdir_in(bench)?;
    let entries = Entries::of(package);
    let outdir = making.path().join("package");
    std::fs::create_dir(&outdir).with_context(|| format!("creating {}", outdir.display()))?;
    let request = Request {
        root: &workspace.root.dir,
        entries: outputs(&entries).map(|(_, name, source)| (name, source)).collect(),
        members: members(package, workspace),
        outdir: outdir.clone(),
        format: if entries.is_common_js { "cjs" } else { "esm" },
        tsconfig: tsconfig::with_base(package, workspace, making.path())?,
    };
    let answer: Answer = bundler::ask(tools, benchmark, "bundle", &making.path().join("request.json"), &request)?;
    if !answer.problems.is_empty() {
        bail!(problem(bundler::words(&answer.problems)));
    }
    let needs = needs(package, workspace, &answer.externals).map_err(problem)?;
    let mut source = identity(package, workspace, &folders(&answer.inputs, workspace));
    source.bundled_by = Some(format!("esbuild {}", answer.esbuild));
    source.sdk_asked_for.clone_from(&needs.sdk_asked_for);
    let inputs = hash_of_inputs(&answer, workspace)?;
    if source.commit.is_none() || source.dirty == Some(true) {
        // No commit says what it is made of.
        source.version = format!("{}.{}", source.version, &inputs[..8]);
    }
    let manifest = manifest(library, &entries, &needs, &source);
    let hash = files::hex(Sha256::hash(format!("{inputs}{manifest}").as_bytes()));
    let text = serde_json::to_string_pretty(&manifest).context("writing JSON")?;
    files::write_whole(&outdir.join("package.json"), text)?;
    let staged = sources.join(format!("{}-{}", library.id, &hash[..16]));
    if !staged.is_dir() {
        std::fs::rename(&outdir, &staged).with_context(|| format!("naming {}", staged.display()))?;
    }
    Ok((staged, source))
}

/// Subpath, output's name and source of each file that is bundled; patterns name no one file.
fn outputs(entries: &Entries) -> impl Iterator<Item = (&String, String, &PathBuf)> {
    entries.sources.iter().filter(|(subpath, _)| !subpath.contains('*')).map(|(subpath, source)| {
        let name = subpath.strip_prefix("./").map_or_else(|| "index".to_owned(), |name| format!("sub/{name}"));
        (subpath, name, source)
    })
}

/// The packages whose imports lead to sources: those of the monorepo, and those that are linked to.
fn members(package: &Package, workspace: &Workspace) -> BTreeMap<String, Member> {
    let member = |package: &Package| {
        let entries = Entries::of(package);
        Member { dir: package.dir.clone(), exports: entries.sources, open: entries.open }
    };
    let mut found: BTreeMap<String, Member> = BTreeMap::new();
    for holder in workspace.members.iter().chain([package]) {
        for (_, name, range) in holder.asks_for() {
            let path = ["link:", "portal:", "file:"].iter().find_map(|start| range.strip_prefix(start));
            let linked = path.and_then(|path| holder.dir.join(path).canonicalize().ok());
            if let Some(linked) = linked.and_then(|dir| Package::read(&dir).ok()) {
                found.insert(name.to_owned(), member(&linked));
            }
        }
    }
    let named = workspace.members.iter().filter(|member| !member.name.is_empty());
    found.extend(named.map(|package| (package.name.clone(), member(package))));
    found
}

/// The packages' folders that the inputs lie in.
fn folders(inputs: &[PathBuf], workspace: &Workspace) -> Vec<PathBuf> {
    let holds = |member: &&Package| inputs.iter().any(|input| input.starts_with(&member.dir));
    workspace.members.iter().filter(holds).map(|member| member.dir.clone()).collect()
}

/// `package.json` of the bundle.
fn manifest(library: Library, entries: &Entries, needs: &Needs, source: &Source) -> Value {
    let exports: Map<String, Value> =
        outputs(entries).map(|(subpath, name, _)| (subpath.clone(), format!("./{name}.js").into())).collect();
    json!({
        "name": library.package,
        "version": source.version,
        "private": true,
        "type": if entries.is_common_js { "commonjs" } else { "module" },
        "exports": exports,
        "dependencies": needs.dependencies,
        "peerDependencies": needs.peers,
    })
}

/// A hash of the bundle's inputs and of what it was made by.
fn hash_of_inputs(answer: &Answer, workspace: &Workspace) -> anyhow::Result<String> {
    let mut hash = Sha256::new();
    hash.update(format!("{}\0", answer.esbuild));
    for input in &answer.inputs {
        let bytes = std::fs::read(input).with_context(|| format!("reading {}", input.display()))?;
        hash.update(format!("{}\0{}\0", workspace.short(input), bytes.len()));
        hash.update(bytes);
    }
    Ok(files::hex(hash.finalize()))
}
