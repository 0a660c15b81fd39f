//! `--against`: another commit's or checkout's adapters and locked libraries, measured next to this checkout's. A pull
//! request and its base then take turns in the same rounds, which reveals far smaller changes than two runs one after
//! the other. Only what a library is measured by comes from there, its adapter and the lock file: the suite that measures
//! is this checkout's for both, so that a change of the suite is no change of a library.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use walkdir::WalkDir;
use xshell::cmd;

use crate::plan::library::{LIBRARIES, Library};
use crate::system::checkout::Checkout;
use crate::system::exit::Exit;
use crate::system::git::commit as commit_of;
use crate::system::process;

/// What is taken from there, inside `benchmark/`.
const TAKEN: [&str; 3] = ["package.json", "package-lock.json", "src/adapters"];
/// How long git may take for one answer.
const GIT_LIMIT: Duration = Duration::from_mins(1);
/// A commit's first digits, as people name it.
const SHORT: usize = 10;

/// Another commit or checkout, read.
#[derive(Debug, Clone)]
pub struct Against {
    /// For people: `HEAD^1 (0123456789)`.
    pub name: String,
    files: Files,
}

/// Contents by their path inside `benchmark/`.
type Files = BTreeMap<String, Vec<u8>>;

impl Against {
    /// Reads a checkout's folder or a commit of this checkout.
    ///
    /// # Errors
    /// [`Exit::BadInput`] where there is neither, or no benchmark in it.
    pub fn find(checkout: &Checkout, text: &str) -> anyhow::Result<Against> {
        let bad = |why: &str| Exit::BadInput(format!("--against {text:?}: {why}"));
        let folder = Path::new(text);
        let mut named = text.to_owned();
        let (commit, files) = if folder.is_dir() {
            (commit_of(folder).map(|(commit, _)| commit), read_folder(&folder.join("benchmark"))?)
        } else {
            let look = |name: &str| {
                let commit = format!("{name}^{{commit}}");
                git(&checkout.root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])
            };
            // A clone has a branch of its own for one of the remote's alone.
            let commit = look(text).or_else(|why| {
                named = format!("origin/{text}");
                look(&named).map_err(|_| why)
            });
            let commit = commit.map_err(|why| match why.downcast::<Exit>() {
                Ok(exit) => exit,
                Err(words) => bad(&format!(
                    "neither a checkout's folder nor a commit that git knows here; in CI fetch it first (fetch-depth) \
                     ({words})"
                )),
            })?;
            let commit = String::from_utf8_lossy(&commit).trim().to_owned();
            (Some(commit.clone()), read_commit(&checkout.root, &commit)?)
        };
        if !files.contains_key("package-lock.json") {
            return Err(bad("it has no benchmark/package-lock.json").into());
        }
        let commit = commit.map_or_else(String::new, |commit| format!(" ({})", &commit[..SHORT.min(commit.len())]));
        Ok(Against { name: format!("{named}{commit}"), files })
    }

    /// Whether a library's adapter or what it is installed with differs from this checkout's. A library that isn't there
    /// has nothing to stand next to.
    ///
    /// # Errors
    /// Where this checkout's own files can't be read.
    pub fn changes(&self, checkout: &Checkout, library: Library) -> anyhow::Result<bool> {
        let own = read_folder(&checkout.benchmark())?;
        let matters = |path: &str| path == "package-lock.json" || path == adapter(library.id);
        let relevant = |files: &Files| -> Files {
            files.iter().filter(|(path, _)| matters(path)).map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
        };
        Ok(self.files.contains_key(&adapter(library.id)) && relevant(&own) != relevant(&self.files))
    }

    /// Puts the libraries' adapters and the package files over a copy of `benchmark/`; what adapters share stays.
    ///
    /// # Errors
    /// Where the copy can't be written.
    pub fn lay_over(&self, copy: &Path) -> anyhow::Result<()> {
        for library in LIBRARIES {
            let own = copy.join(adapter(library.id));
            if own.exists() {
                std::fs::remove_file(&own).with_context(|| format!("removing {}", own.display()))?;
            }
        }
        let is_adapter = |path: &str| LIBRARIES.iter().any(|library| path == adapter(library.id));
        for (path, bytes) in self.files.iter().filter(|(path, _)| is_adapter(path) || path.starts_with("package")) {
            let path = copy.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(copy))
                .and_then(|()| std::fs::write(&path, bytes))
                .with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }
}

fn adapter(id: &str) -> String {
    format!("src/adapters/{id}.ts")
}

fn read_folder(benchmark: &Path) -> anyhow::Result<Files> {
    let mut files = Files::new();
    let taken = TAKEN.iter().map(|name| benchmark.join(name)).filter(|path| path.exists());
    for entry in taken.flat_map(|path| WalkDir::new(path).follow_links(true)) {
        let entry = entry?;
        if !entry.file_type().is_dir() {
            let path = entry.path();
            let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            files.insert(path.strip_prefix(benchmark).unwrap_or(path).to_string_lossy().into_owned(), bytes);
        }
    }
    Ok(files)
}

fn read_commit(root: &Path, commit: &str) -> anyhow::Result<Files> {
    let wanted = TAKEN.map(|name| format!("benchmark/{name}"));
    let mut arguments = vec!["ls-tree", "-r", "-z", "--name-only", commit, "--"];
    arguments.extend(wanted.iter().map(String::as_str));
    let listed = git(root, &arguments)?;
    let mut files = Files::new();
    for path in String::from_utf8_lossy(&listed).split_terminator('\0') {
        let bytes = git(root, &["cat-file", "blob", &format!("{commit}:./{path}")])?;
        files.insert(path.trim_start_matches("benchmark/").to_owned(), bytes);
    }
    Ok(files)
}

fn git(root: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let git = which::which("git").map_err(|_| {
        Exit::Prerequisite("git is not on the PATH, and --against COMMIT needs it (or name a folder)".to_owned())
    })?;
    let shell = process::shell(root)?;
    let output = process::output(cmd!(shell, "{git} {arguments...}"), "git", GIT_LIMIT)?;
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().next().map_or_else(|| " failed".to_owned(), |line| format!(": {line}"));
    anyhow::ensure!(output.status.success(), "git {}{first}", arguments[0]);
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join("benchmark").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A checkout with one commit.
    fn repository(folder: &Path) -> Checkout {
        for (path, text) in [
            ("package.json", "{}"),
            ("package-lock.json", "{}"),
            ("src/adapters/index.ts", "list"),
            ("src/adapters/mizzle.ts", "1"),
            ("src/adapters/electrodb.ts", "1"),
            ("src/suite.ts", "the suite"),
        ] {
            write(folder, path, text);
        }
        git(folder, &["init", "--quiet"]).unwrap();
        git(folder, &["add", "."]).unwrap();
        git(folder, &["-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "--message=base"]).unwrap();
        Checkout { root: folder.to_owned(), target: folder.join("target") }
    }

    fn changed(against: &Against, checkout: &Checkout) -> Vec<&'static str> {
        let changed = LIBRARIES.iter().filter(|library| against.changes(checkout, **library).unwrap());
        changed.map(|library| library.id).collect()
    }

    #[test]
    fn what_a_commit_measures_otherwise_is_named_by_library() {
        let folder = tempfile::tempdir().unwrap();
        let checkout = repository(folder.path());
        let head = || Against::find(&checkout, "HEAD").unwrap();
        assert_eq!(changed(&head(), &checkout), [""; 0]);
        write(folder.path(), "src/suite.ts", "the suite measures otherwise");
        write(folder.path(), "src/adapters/index.ts", "a longer list");
        assert_eq!(changed(&head(), &checkout), [""; 0]);
        write(folder.path(), "src/adapters/mizzle.ts", "2");
        assert_eq!(changed(&head(), &checkout), ["mizzle"]);
        write(folder.path(), "package-lock.json", "{\"other\": 1}");
        assert_eq!(changed(&head(), &checkout), ["mizzle", "electrodb"], "the others have no adapter there");
        assert!(head().name.starts_with("HEAD (") && head().name.len() == "HEAD ()".len() + SHORT, "{}", head().name);
    }

    #[test]
    fn a_folder_is_as_good_as_a_commit_and_is_laid_over_a_copy() {
        let (theirs, ours) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        repository(theirs.path());
        write(theirs.path(), "src/adapters/mizzle.ts", "theirs");
        let checkout = repository(ours.path());
        write(ours.path(), "src/adapters/index.ts", "our list");
        let against = Against::find(&checkout, &theirs.path().display().to_string()).unwrap();
        let copy = checkout.benchmark();
        against.lay_over(&copy).unwrap();
        let text = |path: &str| std::fs::read_to_string(copy.join(path)).ok();
        assert_eq!(text("src/adapters/mizzle.ts").as_deref(), Some("theirs"));
        assert_eq!(text("src/adapters/index.ts").as_deref(), Some("our list"));
        assert_eq!(text("src/suite.ts").as_deref(), Some("the suite"));
    }

    #[test]
    fn what_is_neither_is_bad_input_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let checkout = repository(folder.path());
        let empty = folder.path().join("empty");
        std::fs::create_dir(&empty).unwrap();
        let empty = empty.display().to_string();
        for (text, word) in [
            ("nowhere", "neither a checkout's folder nor a commit"),
            ("", "neither a checkout's folder nor a commit"),
            ("--all", "neither a checkout's folder nor a commit"),
            ("HEAD:benchmark", "neither a checkout's folder nor a commit"),
            (empty.as_str(), "no benchmark/package-lock.json"),
        ] {
            let why = Against::find(&checkout, text).unwrap_err();
            assert_eq!(crate::system::exit::code_of(&why), 2, "{text}: {why:#}");
            assert!(why.to_string().contains(word) && !why.to_string().contains('\n'), "{text}: {why:#}");
        }
    }
}
