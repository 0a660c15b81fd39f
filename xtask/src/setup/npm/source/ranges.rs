//! What a bundle leaves to npm: each package that it still imports, with the range that the sources ask for. The range
//! is the package's own, else that of the package of the monorepo that imports it, else the root's, else what the lock
//! file has.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::decide::LOCAL;
use super::lockfile;
use super::workspace::{Package, Workspace};

/// All libraries of a run share one AWS SDK, that of the run.
const SDK: &str = "@aws-sdk/";
/// The package whose range says which SDK a library asks for.
const CLIENT: &str = "@aws-sdk/client-dynamodb";

/// A package that the bundle imports and does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Imported {
    /// As it is written: `uuid`, `@aws-sdk/lib-dynamodb`, `lodash/get`.
    pub path: String,
    pub importer: PathBuf,
}

/// The dependencies of a bundle.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Needs {
    pub dependencies: BTreeMap<String, String>,
    /// The AWS SDK, in whichever version the run has it.
    pub peers: BTreeMap<String, String>,
    /// The range of `@aws-sdk/client-dynamodb` that the sources name.
    pub sdk_asked_for: Option<String>,
}

/// Finds the range of everything that a bundle imports.
///
/// # Errors
/// A sentence that names each package without a usable range, and where it was looked for.
pub fn needs(package: &Package, workspace: &Workspace, imports: &[Imported]) -> Result<Needs, String> {
    let mut needs = Needs::default();
    let mut missing = Vec::new();
    for imported in imports {
        let name = package_name(&imported.path);
        let range = match range(package, workspace, name, &imported.importer) {
            Ok(range) => range,
            Err(why) => {
                missing.push(format!(
                    "{} ({}) imports {}, {why}",
                    workspace.short(&imported.importer),
                    package.name,
                    imported.path
                ));
                continue;
            }
        };
        if name.starts_with(SDK) {
            needs.peers.insert(name.to_owned(), "*".to_owned());
        } else {
            needs.dependencies.insert(name.to_owned(), range);
        }
    }
    // A client that only types are imported from is asked for all the same.
    let holders = [package, &workspace.root];
    needs.sdk_asked_for = holders.iter().find_map(|holder| holder.range(CLIENT)).map(|(_, range)| range.to_owned());
    if missing.is_empty() { Ok(needs) } else { Err(missing.join("; ")) }
}

fn range(package: &Package, workspace: &Workspace, name: &str, importer: &Path) -> Result<String, String> {
    let sibling = workspace.members.iter().find(|member| importer.starts_with(&member.dir));
    let mut holders = vec![package];
    holders.extend(sibling.filter(|sibling| *sibling != package));
    if workspace.root != *package {
        holders.push(&workspace.root);
    }
    if let Some(member) = workspace.member(name) {
        let dir = workspace.short(&member.dir);
        return Err(format!("which is a package of the same repository ({dir}) that has no source file for it"));
    }
    for holder in &holders {
        let Some((_, range)) = holder.range(name) else { continue };
        let manifest = workspace.short(&holder.dir.join("package.json"));
        if let Some(found) = workspace.in_catalog(range, name) {
            return Ok(found.to_owned());
        }
        return match LOCAL.iter().find(|start| range.starts_with(**start)) {
            None => Ok(range.to_owned()),
            Some(&"catalog:") => Err(format!("which {manifest} asks for as {range}, and no such catalog names it")),
            Some(_) if workspace.is_monorepo => Err(format!(
                "which {manifest} asks for as {range}, and no package of the repository has that name; it has {}",
                workspace.names()
            )),
            Some(_) => Err(format!(
                "which {manifest} asks for as {range}, and neither {} nor a folder above it is a monorepo that has it",
                package.dir.display()
            )),
        };
    }
    if let Some((version, _)) = lockfile::version(&workspace.root.dir, name) {
        return Ok(version);
    }
    let mut looked: Vec<String> = holders.iter().map(|one| workspace.short(&one.dir.join("package.json"))).collect();
    let locks = lockfile::FILES.iter().map(|(file, _)| *file).filter(|file| workspace.root.dir.join(file).is_file());
    looked.extend(locks.map(str::to_owned));
    Err(format!("which no package.json declares (looked in {})", looked.join(", ")))
}

/// `@scope/name/sub` as `@scope/name`.
fn package_name(path: &str) -> &str {
    let names = if path.starts_with('@') { 2 } else { 1 };
    path.match_indices('/').nth(names - 1).map_or(path, |(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::npm::source::testing::write;

    fn look(root: &Path, imports: &[(&str, &str)]) -> Result<Needs, String> {
        let workspace = Workspace::around(root).unwrap();
        let package = workspace.member("a").unwrap_or(&workspace.root);
        let imports: Vec<_> = imports
            .iter()
            .map(|(path, importer)| Imported { path: (*path).to_owned(), importer: root.join(importer) })
            .collect();
        needs(package, &workspace, &imports)
    }

    #[test]
    fn a_range_is_the_packages_own_else_its_siblings_else_the_roots_else_the_locked_version() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path();
        write(
            root,
            "package.json",
            r#"{"workspaces":{"packages":["packages/*"],"catalog":{"c":"^3"}},"dependencies":{"r":"^4","own":"^9"}}"#,
        );
        write(
            root,
            "packages/a/package.json",
            r#"{"name":"a","peerDependencies":{"own":"^1"},
            "dependencies":{"@aws-sdk/client-dynamodb":"3.962.0","c":"catalog:","nope":"workspace:*"}}"#,
        );
        write(root, "packages/b/package.json", r#"{"name":"b","dependencies":{"s":"^2","own":"^8"}}"#);
        write(root, "bun.lock", "    \"locked\": [\"locked@5.0.0\", \"\"],\n");
        let needs = look(
            root,
            &[
                ("own/deep/file", "packages/b/src/index.ts"),
                ("s", "packages/b/src/index.ts"),
                ("c", "packages/a/src/index.ts"),
                ("r", "packages/a/src/index.ts"),
                ("locked", "packages/a/src/index.ts"),
                ("@aws-sdk/client-dynamodb", "packages/a/src/index.ts"),
            ],
        )
        .unwrap();
        let found: Vec<_> = needs.dependencies.iter().map(|(name, range)| format!("{name} {range}")).collect();
        assert_eq!(found, ["c ^3", "locked 5.0.0", "own ^1", "r ^4", "s ^2"]);
        assert_eq!(needs.peers["@aws-sdk/client-dynamodb"], "*");
        assert_eq!(needs.sdk_asked_for.as_deref(), Some("3.962.0"));

        for (name, words) in [
            ("nowhere", "which no package.json declares (looked in packages/a/package.json, package.json, bun.lock)"),
            ("nope", "asks for as workspace:*, and no package of the repository has that name; it has a, b"),
            ("b/missing", "which is a package of the same repository (packages/b) that has no source file for it"),
        ] {
            let why = look(root, &[(name, "packages/a/src/x.ts")]).unwrap_err();
            assert!(why.contains(words) && why.contains("packages/a/src/x.ts"), "{why}");
        }
    }
}
