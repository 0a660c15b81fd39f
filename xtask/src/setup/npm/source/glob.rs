//! The folders that a monorepo's patterns name: `packages/*`, `libs/**`, `docs`, `!packages/old`. As npm, pnpm, Yarn and
//! Bun read them, as far as monorepos use them: `*` within a name, `**` for any depth, `!` to leave out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// No monorepo has its packages deeper than this.
const DEEPEST: usize = 8;

/// The folders with a `package.json` that the patterns name, in a fixed order.
pub fn packages(root: &Path, patterns: &[String]) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    for pattern in patterns {
        let (pattern, leaves_out) = pattern.strip_prefix('!').map_or((pattern.as_str(), false), |rest| (rest, true));
        let names: Vec<&str> = pattern.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
        let mut matching = BTreeSet::new();
        expand(root, &names, DEEPEST, &mut matching);
        if leaves_out {
            found = found.difference(&matching).cloned().collect();
        } else {
            found.extend(matching.into_iter().filter(|folder| folder.join("package.json").is_file()));
        }
    }
    found.into_iter().collect()
}

fn expand(folder: &Path, names: &[&str], depth: usize, found: &mut BTreeSet<PathBuf>) {
    match names {
        [] => {
            found.insert(folder.to_path_buf());
        }
        ["**", rest @ ..] => {
            expand(folder, rest, depth, found);
            if depth > 0 {
                for inner in folders_in(folder) {
                    expand(&inner, names, depth - 1, found);
                }
            }
        }
        [name, rest @ ..] if name.contains('*') => {
            let matching = folders_in(folder).into_iter().filter(|inner| {
                inner.file_name().and_then(|inner| inner.to_str()).is_some_and(|inner| matches(name, inner))
            });
            for inner in matching {
                expand(&inner, rest, depth, found);
            }
        }
        [name, rest @ ..] => {
            let inner = folder.join(name);
            if inner.is_dir() {
                expand(&inner, rest, depth, found);
            }
        }
    }
}

/// Folders that may hold packages of the repository.
fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name() != "node_modules" && !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}

/// Whether a name is as a pattern with `*` says.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name
            .strip_prefix(start)
            .is_some_and(|left| (0..=left.len()).any(|at| left.get(at..).is_some_and(|left| matches(rest, left)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_folders_with_a_package_and_leave_others_out() {
        let home = tempfile::tempdir().unwrap();
        for path in [
            "packages/a",
            "packages/b",
            "packages/old",
            "libs/deep/c",
            "docs",
            "node_modules/x",
            "packages/b/node_modules/y",
        ] {
            std::fs::create_dir_all(home.path().join(path)).unwrap();
            std::fs::write(home.path().join(path).join("package.json"), "{}").unwrap();
        }
        std::fs::create_dir_all(home.path().join("packages/empty")).unwrap();
        let named = |patterns: &[&str]| -> Vec<String> {
            let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
            let found = packages(home.path(), &patterns).into_iter();
            found.map(|path| path.strip_prefix(home.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(named(&["packages/*", "!packages/old"]), ["packages/a", "packages/b"]);
        assert_eq!(named(&["./docs", "libs/**"]), ["docs", "libs/deep/c"]);
        assert_eq!(named(&["packages/o*d", "nowhere/*"]), ["packages/old"]);
    }
}
