//! Where a package begins: the file that an import of it loads, and the source file behind it, for each subpath of its
//! `exports`. Looks at names and at what is there; runs and builds nothing.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::workspace::Package;

/// Conditions of `exports` under which Node loads an import, besides `default`.
const NODES: [&str; 4] = ["node", "import", "module-sync", "default"];
/// Conditions under which maintainers name their sources, the likeliest first.
const SOURCES: [&str; 9] = ["development", "source", "bun", "import", "module", "default", "require", "node", "types"];
/// Folders that are made by a build.
const BUILT: [&str; 7] = ["dist", "build", "out", "lib", "esm", "cjs", "output"];
/// Folders that sources lie in.
const WRITTEN: [&str; 4] = ["src", "source", "lib", ""];
const TYPESCRIPT: [&str; 4] = ["ts", "tsx", "mts", "cts"];
const JAVASCRIPT: [&str; 4] = ["js", "mjs", "cjs", "jsx"];

/// Where a package begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Entries {
    /// What an import of the package loads, as the manifest names it: `./dist/index.js`.
    pub published: String,
    /// Source files by subpath (`.`, `./columns`, `./*`); only those that are there.
    pub sources: BTreeMap<String, PathBuf>,
    /// Whether files that no subpath names can be imported too.
    pub open: bool,
    /// Whether an import loads `CommonJS`.
    pub is_common_js: bool,
}

impl Entries {
    pub fn of(package: &Package) -> Entries {
        let (dir, manifest) = (&package.dir, &package.manifest);
        let exports = by_subpath(&manifest["exports"]);
        let legacy = |keys: &[&str]| keys.iter().find_map(|key| manifest[*key].as_str()).map(relative);
        let published = exports
            .get(".")
            .and_then(|value| first(value, &NODES).map(relative))
            .or_else(|| legacy(&["main"]))
            // Some TypeScript packages name their source in `module` alone.
            .or_else(|| legacy(&["module"]))
            .unwrap_or_else(|| "./index.js".to_owned());
        let mut sources = BTreeMap::new();
        for (subpath, value) in &exports {
            let named = all(value, &SOURCES).into_iter().map(relative);
            if let Some(source) = source_of(dir, named) {
                sources.insert(subpath.clone(), source);
            }
        }
        if !sources.contains_key(".") {
            let named = ["source", "module", "main"].into_iter().filter_map(|key| manifest[key].as_str()).map(relative);
            let guessed = ["./src/index.js", "./index.js", "./lib/index.js"].map(str::to_owned);
            if let Some(source) = source_of(dir, named.chain([published.clone()]).chain(guessed)) {
                sources.insert(".".to_owned(), source);
            }
        }
        let is_module = manifest["type"] == "module" || [".mjs", ".mts"].iter().any(|end| published.ends_with(end));
        let names_a_module =
            manifest["module"].is_string() || exports.get(".").is_some_and(|value| value.get("import").is_some());
        let is_common_js = !is_module && !names_a_module;
        Entries { published, sources, open: manifest["exports"].is_null(), is_common_js }
    }

    /// The source file of an import of the package's own name.
    pub fn main_source(&self) -> Option<&PathBuf> {
        self.sources.get(".")
    }
}

/// Whether a file is written in TypeScript; declarations are not.
pub fn is_typescript(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let declares = [".d.ts", ".d.mts", ".d.cts"].iter().any(|end| name.ends_with(end));
    !declares && has_extension(path, &TYPESCRIPT)
}

/// Whether a file can be a source.
pub fn is_source(path: &Path) -> bool {
    is_typescript(path) || has_extension(path, &JAVASCRIPT) || has_extension(path, &["json"])
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().and_then(|end| end.to_str()).is_some_and(|end| extensions.contains(&end))
}

/// `dist/index.js` as `./dist/index.js`.
fn relative(path: &str) -> String {
    if path.starts_with("./") { path.to_owned() } else { format!("./{path}") }
}

/// `exports` by subpath; a value without subpaths is that of `.`.
fn by_subpath(exports: &Value) -> BTreeMap<String, &Value> {
    match exports {
        Value::Null => BTreeMap::new(),
        Value::Object(map) if map.keys().all(|key| key.starts_with('.')) => {
            map.iter().map(|(subpath, value)| (subpath.clone(), value)).collect()
        }
        value => BTreeMap::from([(".".to_owned(), value)]),
    }
}

/// The file that Node would take: conditions count in the order in which the manifest has them.
fn first<'a>(value: &'a Value, conditions: &[&str]) -> Option<&'a str> {
    match value {
        Value::String(path) => Some(path),
        Value::Array(values) => values.iter().find_map(|value| first(value, conditions)),
        Value::Object(map) => map
            .iter()
            .filter(|(condition, _)| conditions.contains(&condition.as_str()))
            .find_map(|(_, value)| first(value, conditions)),
        _ => None,
    }
}

/// Every file that a value names, by the order of the conditions.
fn all<'a>(value: &'a Value, conditions: &[&str]) -> Vec<&'a str> {
    match value {
        Value::String(path) => vec![path],
        Value::Array(values) => values.iter().flat_map(|value| all(value, conditions)).collect(),
        Value::Object(map) => {
            let known = conditions.iter().filter_map(|condition| map.get(*condition));
            known.flat_map(|value| all(value, conditions)).collect()
        }
        _ => Vec::new(),
    }
}

/// The source behind the files that a manifest names: TypeScript wherever it is, else JavaScript.
fn source_of(dir: &Path, named: impl Iterator<Item = String>) -> Option<PathBuf> {
    let named: Vec<String> = named.collect();
    for extensions in [&TYPESCRIPT, &JAVASCRIPT] {
        let found = named.iter().find_map(|path| {
            let mut candidates = candidates(path, extensions).into_iter();
            candidates.find_map(|candidate| there(dir, &candidate))
        });
        if found.is_some() {
            return found;
        }
    }
    None
}

/// A file of the package, by its name or by a pattern with `*` whose folder is there.
fn there(dir: &Path, candidate: &str) -> Option<PathBuf> {
    let path = dir.join(candidate);
    let is_there = match candidate.split_once('*') {
        Some((folder, _)) => has_extension(&path, &TYPESCRIPT) && dir.join(folder).is_dir(),
        None => path.is_file() && !has_extension(&path, &["json"]),
    };
    // Declarations say what a source exports, and are none.
    (is_there && !candidate.contains(".d.")).then_some(path)
}

/// The files with these extensions that a file of a package may be made of: `./dist/esm/db.js` of `src/esm/db.ts`,
/// `src/db.ts`, `src/esm/db/index.ts` and so on.
fn candidates(path: &str, extensions: &[&str]) -> Vec<String> {
    let plain = path.trim_start_matches("./");
    let mut found = Vec::new();
    let is_one = has_extension(Path::new(plain), extensions);
    let without_declaration = plain.replace(".d.", ".");
    let stem = Path::new(&without_declaration).with_extension("");
    let names: Vec<String> = stem
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect();
    let is_built = names.len() > 1 && names.first().is_some_and(|folder| BUILT.contains(&folder.as_str()));
    if is_one && !is_built {
        found.push(plain.to_owned());
    }
    for skipped in usize::from(is_built)..names.len() {
        let rest = names[skipped..].join("/");
        for folder in WRITTEN {
            let stem = if folder.is_empty() { rest.clone() } else { format!("{folder}/{rest}") };
            found.extend(extensions.iter().map(|extension| format!("{stem}.{extension}")));
            found.extend(extensions.iter().map(|extension| format!("{stem}/index.{extension}")));
        }
    }
    // A built file is the source of last resort.
    if is_one && is_built {
        found.push(plain.to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::npm::source::testing::write;

    /// The entries of a package with these files.
    fn entries(manifest: &str, files: &[&str]) -> (Entries, Vec<(String, String)>) {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), "package.json", manifest);
        for file in files {
            write(home.path(), file, "");
        }
        let found = Entries::of(&Package::read(home.path()).unwrap());
        let short = |path: &Path| path.strip_prefix(home.path()).unwrap().display().to_string();
        let sources = found.sources.iter().map(|(subpath, path)| (subpath.clone(), short(path))).collect();
        (found, sources)
    }

    fn main_of(manifest: &str, files: &[&str]) -> String {
        let (_, sources) = entries(manifest, files);
        sources.into_iter().find(|(subpath, _)| subpath == ".").map_or_else(|| "none".to_owned(), |(_, path)| path)
    }

    #[test]
    fn the_source_behind_a_built_entry_is_found_whichever_way_the_manifest_names_it() {
        for (manifest, files, source) in [
            (r#"{"main":"./src/index.ts"}"#, &["src/index.ts"][..], "src/index.ts"),
            (
                r#"{"exports":{".":{"types":"./dist/index.d.ts","import":"./dist/index.js"}}}"#,
                &["src/index.ts"],
                "src/index.ts",
            ),
            (
                r#"{"exports":{".":{"import":"./dist/index.js","development":"./src/main.ts"}}}"#,
                &["src/main.ts", "src/index.ts"],
                "src/main.ts",
            ),
            (r#"{"module":"src/index.ts"}"#, &["src/index.ts"], "src/index.ts"),
            (r#"{"main":"dist/esm/db.js"}"#, &["src/db.ts"], "src/db.ts"),
            (r#"{"main":"dist/index.js"}"#, &["lib/index.ts"], "lib/index.ts"),
            (r#"{"main":"dist/index.js"}"#, &["dist/index.js", "src/index.js"], "src/index.js"),
            (r#"{"main":"dist/index.js"}"#, &["dist/index.js"], "dist/index.js"),
            (r#"{"main":"dist/index.js","types":"dist/index.d.ts"}"#, &["dist/index.d.ts"], "none"),
            ("{}", &["index.js", "src/entity.js"], "index.js"),
            ("{}", &["src/index.ts"], "src/index.ts"),
        ] {
            assert_eq!(main_of(manifest, files), source, "{manifest}");
        }
    }

    #[test]
    fn subpaths_and_patterns_have_sources_of_their_own() {
        let manifest = r#"{"type":"module","exports":{".":"./dist/index.js","./columns":"./dist/columns/index.js",
            "./core/*":"./src/core/*.ts","./styles":"./dist/none.css"}}"#;
        let (found, sources) = entries(manifest, &["src/index.ts", "src/columns/index.ts", "src/core/table.ts"]);
        let sources: Vec<_> = sources.iter().map(|(subpath, path)| (subpath.as_str(), path.as_str())).collect();
        let wanted = [(".", "src/index.ts"), ("./columns", "src/columns/index.ts"), ("./core/*", "src/core/*.ts")];
        assert_eq!(sources, wanted);
        assert_eq!((found.published.as_str(), found.open, found.is_common_js), ("./dist/index.js", false, false));
    }

    #[test]
    fn what_an_import_loads_is_what_node_would_take() {
        for (manifest, published, is_common_js) in [
            (r#"{"exports":{"require":"./a.cjs","import":"./b.mjs"}}"#, "./b.mjs", false),
            (r#"{"exports":{"types":"./a.d.ts","default":"./b.js"}}"#, "./b.js", true),
            (r#"{"main":"dist/index.js"}"#, "./dist/index.js", true),
            (r#"{"main":"dist/index.js","type":"module"}"#, "./dist/index.js", false),
            (r#"{"module":"src/index.ts"}"#, "./src/index.ts", false),
            ("{}", "./index.js", true),
        ] {
            let (found, _) = entries(manifest, &[]);
            assert_eq!((found.published.as_str(), found.is_common_js), (published, is_common_js), "{manifest}");
        }
    }
}
