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

/// What an install folder holds of a library.
///
/// # Errors
/// [`Exit::Failed`] where the AWS SDK that every suite needs isn't there.
pub fn describe(dir: &Path, package: &str) -> anyhow::Result<Install> {
    let sdk = find(dir, SDK).with_context(|| format!("{} has no {SDK}", dir.display()))?;
    let Some(sdk_version) = version(&sdk) else {
        bail!(Exit::Failed(format!("{} has no version", sdk.display())));
    };
    let library = find(dir, package);
    let own = library.as_deref().and_then(|library| find(library, SDK)).filter(|own| *own != sdk);
    Ok(Install {
        dir: dir.to_path_buf(),
        library_version: library.as_deref().and_then(version),
        sdk_version,
        own_sdk_version: own.as_deref().and_then(version),
        installed_mb: library.map(|library| footprint_mb(&library)),
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

/// A package with all that it depends on, MiB of file contents.
fn footprint_mb(package: &Path) -> f64 {
    let mut seen = HashSet::new();
    let mut bytes = 0;
    let mut left = vec![package.to_path_buf()];
    while let Some(package) = left.pop() {
        if !seen.insert(package.clone()) {
            continue;
        }
        bytes += own_bytes(&package);
        let Ok(manifest) = read_json(&package.join("package.json")) else { continue };
        // A peer that is there is needed as much as a dependency.
        let names: BTreeSet<&String> = ["dependencies", "optionalDependencies", "peerDependencies"]
            .iter()
            .filter_map(|kind| manifest.get(kind)?.as_object())
            .flat_map(|names| names.keys())
            .collect();
        left.extend(names.into_iter().filter_map(|name| find(&package, name)));
    }
    bytes as f64 / MIB
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
        let install = describe(dir, "lib").unwrap();
        assert_eq!(install.library_version.as_deref(), Some("4.0.0"));
        assert_eq!((install.sdk_version.as_str(), install.own_sdk_version.as_deref()), ("3.2.0", Some("3.1.0")));
        let mb = install.installed_mb.unwrap();
        assert!((1.0..1.01).contains(&mb), "{mb}");
        assert_eq!(describe(dir, "b").unwrap().own_sdk_version, None);
        assert_eq!(describe(dir, "nothing").unwrap().library_version, None);
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
