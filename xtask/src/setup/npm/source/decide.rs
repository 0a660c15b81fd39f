//! Whether a package's folder can be installed as it lies, or must be bundled from its sources first.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::entry::{Entries, is_source, is_typescript};
use super::workspace::{KINDS, Package, Workspace};

/// What npm can't install outside the package's own monorepo.
pub const LOCAL: [&str; 4] = ["workspace:", "link:", "portal:", "catalog:"];

/// Why a package is bundled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The file that an import loads is TypeScript.
    TypeScript { entry: String },
    /// It isn't there.
    Missing { entry: String },
    /// It is older than one of its sources.
    Older { entry: String, source: String },
    /// It asks for a package that only its monorepo has.
    Local { name: String, range: String },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::TypeScript { entry } => write!(f, "{entry} is TypeScript"),
            Why::Missing { entry } => write!(f, "{entry} is not there"),
            Why::Older { entry, source } => write!(f, "{entry} is older than {source}"),
            Why::Local { name, range } => write!(f, "it depends on {name} as {range}"),
        }
    }
}

/// Why a package must be bundled; none where it can be installed as it lies.
pub fn must_bundle(package: &Package, entries: &Entries, workspace: &Workspace) -> Option<Why> {
    let entry = entries.published.clone();
    let path = package.dir.join(&entry);
    if is_typescript(&path) {
        return Some(Why::TypeScript { entry });
    }
    if !is_there(&path) {
        return Some(Why::Missing { entry });
    }
    if let Some(why) = local_dependency(package, workspace) {
        return Some(why);
    }
    let source = entries.main_source().filter(|source| **source != path)?;
    let built_at = std::fs::metadata(&path).and_then(|metadata| metadata.modified()).ok()?;
    let mut folders = vec![folder_of(source, &package.dir)];
    folders.extend(siblings(package, workspace).filter_map(|sibling| {
        let source = Entries::of(sibling).main_source()?.clone();
        Some(folder_of(&source, &sibling.dir))
    }));
    let (changed_at, newest) = folders.iter().filter_map(|folder| newest(folder)).max()?;
    (changed_at > built_at).then(|| Why::Older { entry, source: workspace.short(&newest) })
}

/// A dependency that npm could not install, or that the monorepo itself has.
pub fn local_dependency(package: &Package, workspace: &Workspace) -> Option<Why> {
    let needed = package.asks_for().filter(|(kind, _, _)| *kind != KINDS[3]);
    let mut local = needed.filter(|(_, name, range)| {
        LOCAL.iter().any(|start| range.starts_with(start))
            || (workspace.is_monorepo && workspace.member(name).is_some_and(|member| member != package))
    });
    local.next().map(|(_, name, range)| Why::Local { name: name.to_owned(), range: range.to_owned() })
}

/// The members that a package names in any kind of dependency: a build may put them into the entry.
fn siblings<'a>(package: &'a Package, workspace: &'a Workspace) -> impl Iterator<Item = &'a Package> {
    package.asks_for().filter_map(|(_, name, _)| workspace.member(name)).filter(move |member| *member != package)
}

/// `main` may leave the extension out, or name a folder.
fn is_there(path: &Path) -> bool {
    let with = |end: &str| PathBuf::from(format!("{}{end}", path.display()));
    path.is_file() || with(".js").is_file() || path.join("index.js").is_file()
}

/// The folder of the package's sources: the topmost one below the package that holds this source.
fn folder_of(source: &Path, dir: &Path) -> PathBuf {
    let inside = source.strip_prefix(dir).unwrap_or(source);
    match inside.components().next() {
        Some(first) if inside.components().count() > 1 => dir.join(first),
        _ => dir.to_path_buf(),
    }
}

/// The source that changed last in a folder, tests left out.
fn newest(folder: &Path) -> Option<(SystemTime, PathBuf)> {
    let (mut found, mut folders) = (None, vec![folder.to_path_buf()]);
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(&at).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let is_test = name.contains(".test.") || name.contains(".spec.") || name == "__tests__";
            if name.starts_with('.') || name == "node_modules" || name == "dist" || is_test {
                continue;
            }
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                folders.push(path);
            } else if is_source(&path)
                && let Ok(changed) = metadata.modified()
            {
                found = found.max(Some((changed, path)));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::setup::npm::source::testing::write;

    fn why(root: &Path, member: &str) -> Option<String> {
        let workspace = Workspace::around(&root.join(member)).unwrap();
        let package = Package::read(&root.join(member)).unwrap();
        must_bundle(&package, &Entries::of(&package), &workspace).map(|why| why.to_string())
    }

    fn touch(root: &Path, path: &str, seconds_ago: u64) {
        let when = SystemTime::now() - Duration::from_secs(seconds_ago);
        std::fs::File::options().append(true).open(root.join(path)).unwrap().set_modified(when).unwrap();
    }

    #[test]
    fn what_node_can_load_is_installed_as_it_lies_and_everything_else_is_bundled() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path();
        write(root, "package.json", r#"{"workspaces":["packages/*"]}"#);
        write(root, "packages/shared/package.json", r#"{"name":"@x/shared","main":"src/index.ts"}"#);
        write(root, "packages/shared/src/index.ts", "");
        let manifest = |rest: &str| write(root, "packages/a/package.json", &format!("{{\"name\":\"a\",{rest}}}"));

        manifest(r#""main":"src/index.ts""#);
        assert_eq!(why(root, "packages/a").as_deref(), Some("./src/index.ts is TypeScript"));
        manifest(r#""main":"dist/index.js","devDependencies":{"@x/shared":"workspace:*"}"#);
        assert_eq!(why(root, "packages/a").as_deref(), Some("./dist/index.js is not there"));
        write(root, "packages/a/dist/index.js", "");
        write(root, "packages/a/src/index.ts", "");
        write(root, "packages/a/src/index.test.ts", "");
        for (path, ago) in [("a/dist/index.js", 100), ("a/src/index.ts", 200), ("shared/src/index.ts", 200)] {
            touch(root, &format!("packages/{path}"), ago);
        }
        assert_eq!(why(root, "packages/a"), None, "its test alone is newer");
        touch(root, "packages/shared/src/index.ts", 50);
        assert_eq!(
            why(root, "packages/a").as_deref(),
            Some("./dist/index.js is older than packages/shared/src/index.ts"),
            "a build has put the sibling into the entry"
        );
        for range in ["workspace:*", "link:../shared", "portal:../shared", "catalog:", "^1.0.0"] {
            manifest(&format!(r#""main":"dist/index.js","dependencies":{{"@x/shared":"{range}"}}"#));
            assert_eq!(why(root, "packages/a").unwrap(), format!("it depends on @x/shared as {range}"));
        }
    }
}
