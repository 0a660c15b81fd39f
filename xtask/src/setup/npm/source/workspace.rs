//! The packages that a folder holds: one, or those of a monorepo (`workspaces` of npm, Yarn and Bun,
//! `pnpm-workspace.yaml`). Reads manifests and nothing else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::glob;
use super::pnpm::{Catalogs, PnpmWorkspace};
use crate::setup::npm::packages::read_json;

/// Kinds of dependencies, the one that decides first.
pub const KINDS: [&str; 4] = ["dependencies", "optionalDependencies", "peerDependencies", "devDependencies"];

/// A folder with a `package.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// What imports call it; empty where the manifest has no name.
    pub name: String,
    pub dir: PathBuf,
    pub manifest: Value,
}

/// A monorepo, or a package that stands alone (then it is its only member).
#[derive(Debug, Clone)]
pub struct Workspace {
    pub root: Package,
    pub members: Vec<Package>,
    pub catalogs: Catalogs,
    pub is_monorepo: bool,
}

impl Package {
    /// # Errors
    /// Where the folder's `package.json` can't be read.
    pub fn read(dir: &Path) -> anyhow::Result<Package> {
        let manifest = read_json(&dir.join("package.json"))?;
        let name = manifest["name"].as_str().unwrap_or_default().to_owned();
        Ok(Package { name, dir: dir.to_path_buf(), manifest })
    }

    /// What it asks for, by kind and name.
    pub fn asks_for(&self) -> impl Iterator<Item = (&'static str, &str, &str)> {
        KINDS.into_iter().flat_map(|kind| {
            let of_kind = self.manifest[kind].as_object().into_iter().flatten();
            of_kind.filter_map(move |(name, range)| Some((kind, name.as_str(), range.as_str()?)))
        })
    }

    /// The range of a dependency, and which kind it is.
    pub fn range(&self, name: &str) -> Option<(&'static str, &str)> {
        self.asks_for().find(|(_, other, _)| *other == name).map(|(kind, _, range)| (kind, range))
    }
}

impl Workspace {
    /// The monorepo that a folder is, or lies in as a member; else the folder alone.
    ///
    /// # Errors
    /// Where the folder's own `package.json` can't be read.
    pub fn around(folder: &Path) -> anyhow::Result<Workspace> {
        let own = Package::read(folder)?;
        for at in folder.ancestors() {
            let Some(workspace) = Workspace::rooted(at) else { continue };
            if at == folder || workspace.members.iter().any(|member| member.dir == folder) {
                return Ok(workspace);
            }
        }
        let catalogs = Catalogs::new();
        Ok(Workspace { root: own.clone(), members: vec![own], catalogs, is_monorepo: false })
    }

    /// The monorepo whose root is this folder.
    fn rooted(root: &Path) -> Option<Workspace> {
        let own = Package::read(root).ok()?;
        let workspaces = &own.manifest["workspaces"];
        let listed = workspaces.as_array().or_else(|| workspaces["packages"].as_array());
        let pnpm = std::fs::read_to_string(root.join("pnpm-workspace.yaml")).ok();
        let pnpm = pnpm.as_deref().map(PnpmWorkspace::parse);
        let mut patterns: Vec<String> =
            listed.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        let mut catalogs = catalogs_of(&own.manifest);
        if let Some(pnpm) = pnpm {
            patterns.extend(pnpm.packages);
            catalogs.extend(pnpm.catalogs);
        }
        if patterns.is_empty() {
            return None;
        }
        let folders = glob::packages(root, &patterns).into_iter().filter(|folder| folder != root);
        let members = folders.filter_map(|folder| Package::read(&folder).ok()).collect();
        Some(Workspace { root: own, members, catalogs, is_monorepo: true })
    }

    /// The member that imports call `name`.
    pub fn member(&self, name: &str) -> Option<&Package> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The names of its members, for people.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.members.iter().map(|m| m.name.as_str()).filter(|name| !name.is_empty()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }

    /// A path as it is seen from the root.
    pub fn short(&self, path: &Path) -> String {
        path.strip_prefix(&self.root.dir).unwrap_or(path).display().to_string()
    }

    /// The range that a catalog (`catalog:`, `catalog:old`) has for a package.
    pub fn in_catalog(&self, reference: &str, name: &str) -> Option<&str> {
        let catalog = reference.strip_prefix("catalog:")?.trim();
        let catalog = if catalog.is_empty() { "default" } else { catalog };
        self.catalogs.get(catalog)?.get(name).map(String::as_str)
    }
}

/// Bun's catalogs, in `workspaces` or at the manifest's top.
fn catalogs_of(manifest: &Value) -> Catalogs {
    let ranges = |value: &Value| -> Option<BTreeMap<String, String>> {
        let ranges = value.as_object()?.iter();
        Some(ranges.filter_map(|(name, range)| Some((name.clone(), range.as_str()?.to_owned()))).collect())
    };
    let mut catalogs = Catalogs::new();
    for place in [manifest, &manifest["workspaces"]] {
        if let Some(found) = ranges(&place["catalog"]) {
            catalogs.insert("default".to_owned(), found);
        }
        for (name, catalog) in place["catalogs"].as_object().into_iter().flatten() {
            if let Some(found) = ranges(catalog) {
                catalogs.insert(name.clone(), found);
            }
        }
    }
    catalogs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::npm::source::testing::write;

    #[test]
    fn a_monorepo_is_found_from_its_root_and_from_a_member_of_any_package_manager() {
        for (file, text) in [
            ("package.json", r#"{"name":"all","workspaces":["packages/*"]}"#),
            ("package.json", r#"{"name":"all","workspaces":{"packages":["packages/*"],"catalog":{"uuid":"^13"}}}"#),
            ("pnpm-workspace.yaml", "packages:\n  - packages/*\ncatalog:\n  uuid: ^13\n"),
        ] {
            let home = tempfile::tempdir().unwrap();
            write(home.path(), "package.json", r#"{"name":"all"}"#);
            write(home.path(), file, text);
            write(home.path(), "packages/a/package.json", r#"{"name":"@x/a"}"#);
            write(home.path(), "packages/b/package.json", r#"{"name":"@x/b"}"#);
            write(home.path(), "elsewhere/package.json", r#"{"name":"c"}"#);
            for from in ["", "packages/a"] {
                let found = Workspace::around(&home.path().join(from)).unwrap();
                assert_eq!((found.names().as_str(), found.is_monorepo), ("@x/a, @x/b", true), "{text} from {from:?}");
                assert!(found.catalogs.is_empty() || found.in_catalog("catalog:", "uuid") == Some("^13"));
            }
            let alone = Workspace::around(&home.path().join("elsewhere")).unwrap();
            assert_eq!((alone.names().as_str(), alone.is_monorepo), ("c", false), "it is no member");
        }
    }
}
