//! Packages on disk, found as Node finds them: which version is there, what a library weighs with all that it depends
//! on, and whether `node_modules` holds what the lock file says.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::Install;
use crate::system::exit::Exit;

const SDK: &str = "@aws-sdk/client-dynamodb";
const MIB: f64 = 1_048_576.0;

/// What the first of some folders that has a library holds of it. `adapter` is what calls it, compiled.
///
/// # Errors
/// [`Exit::Failed`] where the AWS SDK that every suite needs isn't there.
pub fn describe(dirs: &[&Path], package: &str, adapter: &Path) -> anyhow::Result<Install> {
    let find_first = |name: &str| dirs.iter().find_map(|dir| find(dir, name));
    let dir = dirs.first().copied().unwrap_or(Path::new("."));
    let sdk = find_first(SDK).with_context(|| format!("{} has no {SDK}", dir.display()))?;
    let Some(sdk_version) = version(&sdk) else {
        bail!(Exit::Failed(format!("{} has no version", sdk.display())));
    };
    let library = find_first(package);
    let needed = library.as_deref().map(with_dependencies);
    // A library that needs no SDK may still be called with a client of it, which the adapter then imports.
    let needs_sdk = needed.as_ref().is_none_or(|needed| needed.iter().any(|package| package.ends_with(SDK)));
    let uses_sdk = needs_sdk || std::fs::read_to_string(adapter).is_ok_and(|text| text.contains("@aws-sdk/"));
    let own = library.as_deref().and_then(|library| find(library, SDK)).filter(|own| uses_sdk && *own != sdk);
    Ok(Install {
        dir: dir.to_path_buf(),
        library_version: library.as_deref().and_then(version),
        sdk_version: uses_sdk.then_some(sdk_version),
        own_sdk_version: own.as_deref().and_then(version),
        installed_mb: needed.map(|needed| needed.iter().map(|package| own_bytes(package)).sum::<u64>() as f64 / MIB),
    })
}

/// The package that an import of `name` from `folder` finds.
pub fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let found = folder.ancestors().map(|at| at.join("node_modules").join(name));
    found.into_iter().find(|at| at.join("package.json").is_file())?.canonicalize().ok()
}

pub fn read_json(path: &Path) -> anyhow::Result<Value> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not JSON", path.display()))
}

fn version(package: &Path) -> Option<String> {
    read_json(&package.join("package.json")).ok()?.get("version")?.as_str().map(str::to_owned)
}

/// A package with all that it depends on.
fn with_dependencies(package: &Path) -> HashSet<PathBuf> {
    let mut seen = HashSet::new();
    let mut left = vec![package.to_path_buf()];
    while let Some(package) = left.pop() {
        if !seen.insert(package.clone()) {
            continue;
        }
        let Ok(manifest) = read_json(&package.join("package.json")) else { continue };
        // A peer that is there is needed as much as a dependency.
        let names: BTreeSet<&String> = ["dependencies", "optionalDependencies", "peerDependencies"]
            .iter()
            .filter_map(|kind| manifest.get(kind)?.as_object())
            .flat_map(|names| names.keys())
            .collect();
        left.extend(names.into_iter().filter_map(|name| find(&package, name)));
    }
    seen
}

/// A package's own files: what lies in a `node_modules` of its own are other packages.
fn own_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() && entry.file_name() != "node_modules" => own_bytes(&entry.path()),
            Ok(kind) if kind.is_file() => entry.metadata().map_or(0, |metadata| metadata.len()),
            _ => 0,
        })
        .sum()
}

/// Whether `node_modules` holds what the lock file says: npm's own record of it agrees, and each package is there.
pub fn match_lock(folder: &Path) -> bool {
    let read = |path: &str| read_json(&folder.join(path)).ok();
    let (Some(lock), Some(there)) = (read("package-lock.json"), read("node_modules/.package-lock.json")) else {
        return false;
    };
    let (Some(lock), Some(there)) = (lock["packages"].as_object(), there["packages"].as_object()) else {
        return false;
    };
    let wanted = lock.iter().filter(|(path, _)| !path.is_empty());
    let nothing_else = there.keys().all(|path| lock.contains_key(path));
    nothing_else
        && wanted.into_iter().all(|(path, locked)| match there.get(path) {
            None => locked["optional"] == true,
            Some(found) => {
                let same = |key: &str| found[key] == locked[key];
                same("version")
                    && same("integrity")
                    && version(&folder.join(path)).as_deref() == locked["version"].as_str()
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, path: &str, text: &str) {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn package(folder: &Path, path: &str, version: &str, dependencies: &str) {
        let text = format!(r#"{{"version":"{version}","dependencies":{dependencies}}}"#);
        write(folder, &format!("{path}/package.json"), &text);
    }

    #[test]
    fn a_library_is_found_with_the_sdk_that_it_brings_along() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        package(dir, "node_modules/@aws-sdk/client-dynamodb", "3.2.0", "{}");
        package(dir, "node_modules/lib", "4.0.0", r#"{"@aws-sdk/client-dynamodb":"3.1.0","b":"1"}"#);
        package(dir, "node_modules/lib/node_modules/@aws-sdk/client-dynamodb", "3.1.0", "{}");
        package(dir, "node_modules/b", "1.0.0", r#"{"lib":"*"}"#);
        write(dir, "node_modules/b/data", &"x".repeat(1 << 20));
        write(dir, "node_modules/unrelated/data", &"x".repeat(1 << 20));
        let adapter = dir.join("adapter.js");
        let describe = |package: &str| super::describe(&[dir], package, &adapter).unwrap();
        let install = describe("lib");
        assert_eq!(install.library_version.as_deref(), Some("4.0.0"));
        assert_eq!(
            (install.sdk_version.as_deref(), install.own_sdk_version.as_deref()),
            (Some("3.2.0"), Some("3.1.0"))
        );
        let mb = install.installed_mb.unwrap();
        assert!((1.0..1.01).contains(&mb), "{mb}");
        assert_eq!(describe("b").own_sdk_version, None);
        assert_eq!(describe("nothing").library_version, None);
    }

    #[test]
    fn a_library_uses_an_sdk_where_it_needs_one_or_is_called_with_one() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        package(dir, "node_modules/@aws-sdk/client-dynamodb", "3.2.0", "{}");
        package(dir, "node_modules/needs", "1.0.0", r#"{"between":"1"}"#);
        package(dir, "node_modules/between", "1.0.0", r#"{"@aws-sdk/client-dynamodb":"3"}"#);
        package(dir, "node_modules/alone", "1.0.0", "{}");
        write(dir, "plain.js", "await import('alone');");
        write(dir, "with-a-client.js", r#"await import("@aws-sdk/client-dynamodb");"#);
        let sdk = |package: &str, adapter: &str| {
            super::describe(&[dir], package, &dir.join(adapter)).unwrap().sdk_version.is_some()
        };
        assert!(sdk("needs", "plain.js") && sdk("alone", "with-a-client.js"));
        assert!(!sdk("alone", "plain.js"));
    }

    #[test]
    fn what_lies_next_to_an_adapter_comes_before_what_is_here() {
        let (theirs, ours) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        package(ours.path(), "node_modules/@aws-sdk/client-dynamodb", "3.2.0", "{}");
        for (at, version) in [(&theirs, "2.0.0"), (&ours, "1.0.0")] {
            package(at.path(), "node_modules/lib", version, "{}");
        }
        let dirs = [theirs.path(), ours.path()];
        let found = super::describe(&dirs, "lib", &theirs.path().join("none.js")).unwrap();
        assert_eq!((found.library_version.as_deref(), found.sdk_version), (Some("2.0.0"), None));
    }

    #[test]
    fn node_modules_must_be_what_the_lock_file_says() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let lock = |a: &str| {
            format!(
                r#"{{"packages":{{"":{{}},"node_modules/a":{{"version":"{a}","integrity":"x"}},
                "node_modules/mac":{{"version":"1.0.0","optional":true}}}}}}"#
            )
        };
        let there = r#"{"packages":{"node_modules/a":{"version":"1.0.0","integrity":"x"}}}"#;
        write(dir, "package-lock.json", &lock("1.0.0"));
        assert!(!match_lock(dir), "nothing is installed");
        write(dir, "node_modules/.package-lock.json", there);
        assert!(!match_lock(dir), "the package is not there");
        package(dir, "node_modules/a", "1.0.0", "{}");
        assert!(match_lock(dir));
        write(dir, "package-lock.json", &lock("2.0.0"));
        assert!(!match_lock(dir), "the lock file says another version");
        write(dir, "package-lock.json", &lock("1.0.0"));
        package(dir, "node_modules/a", "0.9.0", "{}");
        assert!(!match_lock(dir), "the package is another version");
        package(dir, "node_modules/a", "1.0.0", "{}");
        write(
            dir,
            "node_modules/.package-lock.json",
            &there.replace("}}", r#"},"node_modules/stray":{"version":"1"}}"#),
        );
        assert!(!match_lock(dir), "there is more than the lock file says");
    }
}
