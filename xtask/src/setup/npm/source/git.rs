//! Sources from a git address: the wanted commit without its history, and of its files only those that a bundle can
//! need, so that neither large files nor files that the server no longer has stand in the way. Also says which commit
//! a folder is at.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use hmac_sha256::Hash as Sha256;
use xshell::cmd;

use super::problem;
use super::workspace::Workspace;
use crate::system::exit::Exit;
use crate::system::files;
use crate::system::process;

/// How long a fetch may take.
const LIMIT: Duration = Duration::from_mins(5);
/// What is read before the packages are known: manifests, lock files and compiler options.
const MANIFESTS: [&str; 6] =
    ["package.json", "tsconfig*.json", "/pnpm-workspace.yaml", "/package-lock.json", "/bun.lock", "/*-lock.yaml"];
/// What a bundle can be made of, in the folders of the packages.
const SOURCES: [&str; 9] = ["*.ts", "*.tsx", "*.mts", "*.cts", "*.js", "*.mjs", "*.cjs", "*.jsx", "*.json"];

/// A repository and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    pub url: String,
    /// A branch, a tag or a commit; none is the default branch.
    pub reference: Option<String>,
}

impl Remote {
    /// A git address as npm writes them; none for what is npm's business (a tarball's address, `#semver:`).
    pub fn parse(address: &str) -> Option<Remote> {
        let (place, reference) = match address.split_once('#') {
            Some((place, reference)) => (place, Some(reference)),
            None => (address, None),
        };
        if reference.is_some_and(|text| text.is_empty() || text.starts_with('-') || text.contains(':')) {
            return None;
        }
        let hosted = |host: &str, path: &str| format!("https://{host}/{}.git", path.trim_end_matches(".git"));
        let url = if let Some(url) = place.strip_prefix("git+") {
            url.to_owned()
        } else if let Some(path) = place.strip_prefix("github:") {
            hosted("github.com", path)
        } else if let Some(path) = place.strip_prefix("gitlab:") {
            hosted("gitlab.com", path)
        } else if let Some(path) = place.strip_prefix("bitbucket:") {
            hosted("bitbucket.org", path)
        } else if place.starts_with("git@") || place.starts_with("git://") || place.starts_with("ssh://") {
            place.to_owned()
        } else if place.contains("://") {
            let is_repository = Path::new(place).extension().is_some_and(|end| end == "git");
            is_repository.then(|| place.to_owned())?
        } else if place.split('/').count() == 2 && !place.contains(':') {
            hosted("github.com", place)
        } else {
            return None;
        };
        Some(Remote { url, reference: reference.map(str::to_owned) })
    }

    /// The wanted commit's manifests and sources, in a folder of their own under `sources`. `package` finds the folder
    /// of the wanted package among the manifests.
    ///
    /// # Errors
    /// [`Exit::BadInput`] with git's own words, [`Exit::Prerequisite`] where there is no git.
    pub fn check_out(
        &self,
        sources: &Path,
        package: impl Fn(&Path) -> anyhow::Result<(Workspace, PathBuf)>,
    ) -> anyhow::Result<PathBuf> {
        let name = files::hex(&Sha256::hash(self.url.as_bytes())[..8]);
        let dir = sources.join(format!("git-{name}"));
        if !dir.join(".git").is_dir() {
            std::fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
            run(&dir, &["init", "--quiet", "--template="])?.map_err(problem)?;
        }
        unlock(&dir);
        run(&dir, &["config", "remote.origin.url", &self.url])?.map_err(problem)?;
        let commit = self.fetch(&dir)?;
        sparse(&dir, &commit, MANIFESTS.iter().map(|name| (*name).to_owned()).collect())?;
        let (workspace, found) = package(&dir)?;
        sparse(&dir, &commit, patterns(&workspace, &found))?;
        Ok(dir)
    }

    /// Fetches the wanted commit and says which it is.
    fn fetch(&self, dir: &Path) -> anyhow::Result<String> {
        let wanted = self.reference.as_deref().unwrap_or("HEAD");
        let commit_of = |name: &str| -> anyhow::Result<Option<String>> {
            let name = format!("{name}^{{commit}}");
            Ok(run(dir, &["rev-parse", "--verify", "--quiet", "--end-of-options", &name])?.ok())
        };
        let is_commit = wanted.len() >= 7 && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_commit && wanted.len() == 40 {
            // It can only ever mean the same, and may be there without a network.
            if let Some(commit) = commit_of(wanted)? {
                return Ok(commit);
            }
        }
        let shallow = ["fetch", "--quiet", "--no-tags", "--depth=1", "--filter=blob:none", "origin", wanted];
        let Err(words) = run(dir, &shallow)? else {
            return commit_of("FETCH_HEAD")?.context("git fetched no commit");
        };
        if is_commit {
            // A server gives a commit by its whole name only, or not at all: look for it in the branches.
            let all = ["fetch", "--quiet", "--filter=blob:none", "origin", "+refs/heads/*:refs/remotes/origin/*"];
            let unshallow = dir.join(".git/shallow").is_file().then_some("--unshallow");
            let arguments: Vec<&str> =
                all[..2].iter().copied().chain(unshallow).chain(all[2..].iter().copied()).collect();
            if run(dir, &arguments)?.is_ok()
                && let Some(commit) = commit_of(wanted)?
            {
                return Ok(commit);
            }
        }
        bail!(problem(format!("git can't fetch {wanted} of {}: {words}", self.url)))
    }
}

/// Removes the locks of a git that was killed: one run at a time works here.
fn unlock(dir: &Path) {
    for folder in [".git", ".git/info"] {
        let entries = std::fs::read_dir(dir.join(folder)).into_iter().flatten().flatten();
        for lock in entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "lock")) {
            let _ = std::fs::remove_file(lock);
        }
    }
}

/// Puts the files that the patterns name into the folder, and no others.
fn sparse(dir: &Path, commit: &str, patterns: Vec<String>) -> anyhow::Result<()> {
    let mut arguments = vec!["sparse-checkout".to_owned(), "set".to_owned(), "--no-cone".to_owned()];
    arguments.extend(patterns);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    run(dir, &arguments)?.map_err(|words| problem(format!("git can't check it out: {words}")))?;
    run(dir, &["checkout", "--quiet", "--force", "--detach", commit])?
        .map_err(|words| problem(format!("git can't check it out: {words}")))?;
    Ok(())
}

/// Patterns, as in `.gitignore`, of all that a bundle of a package can be made of.
fn patterns(workspace: &Workspace, package: &Path) -> Vec<String> {
    let mut folders = vec![package.to_path_buf()];
    let mut seen = 0;
    // What the package needs of its monorepo, and what that needs.
    while let Some(folder) = folders.get(seen).cloned() {
        seen += 1;
        let member = workspace.members.iter().find(|member| member.dir == folder);
        for (_, name, _) in member.iter().flat_map(|member| member.asks_for()) {
            if let Some(sibling) = workspace.member(name)
                && !folders.contains(&sibling.dir)
            {
                folders.push(sibling.dir.clone());
            }
        }
    }
    let mut patterns: Vec<String> = MANIFESTS.iter().map(|name| (*name).to_owned()).collect();
    for folder in folders {
        let folder = workspace.short(&folder);
        let start = if folder.is_empty() { "/".to_owned() } else { format!("/{folder}/") };
        patterns.extend(SOURCES.iter().map(|name| format!("{start}**/{name}")));
    }
    patterns
}

/// The commit that a folder is at, and whether any of `folders` differs from it. None outside a repository, and where
/// the repository around it does not hold it.
pub fn commit(dir: &Path, folders: &[PathBuf]) -> Option<(String, bool)> {
    // Asked of the commit, since a clone whose checkout broke off has an empty index.
    run(dir, &["rev-parse", "--verify", "--quiet", "HEAD:./package.json"]).ok()?.ok()?;
    let commit = run(dir, &["rev-parse", "HEAD"]).ok()?.ok()?;
    let mut arguments = vec!["status", "--porcelain", "--"];
    let folders: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    arguments.extend(folders.iter().map(String::as_str));
    let changed = run(dir, &arguments).ok()?.ok()?;
    Some((commit, !changed.is_empty()))
}

/// Runs git in a folder: what it says, or why it failed. Nothing that the repository or the user set up is run by it.
fn run(dir: &Path, arguments: &[&str]) -> anyhow::Result<Result<String, String>> {
    let git = which::which("git")
        .map_err(|_| Exit::Prerequisite("git is not on the PATH, and a git address needs it".to_owned()))?;
    let shell = process::shell(dir)?;
    let mut command = cmd!(shell, "{git}");
    for setting in [
        "core.fsmonitor=false",
        "core.hooksPath=/dev/null",
        "filter.lfs.smudge=",
        "filter.lfs.process=",
        "filter.lfs.required=false",
        "advice.detachedHead=false",
        "gc.auto=0",
    ] {
        command = command.args(["-c", setting]);
    }
    command = command.args(arguments);
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command = command.env_remove(name);
    }
    command = command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0").env("GIT_LFS_SKIP_SMUDGE", "1");
    command = command.env("GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh").env("LC_ALL", "C");
    if std::env::var_os("GIT_SSH_COMMAND").is_none() {
        command = command.env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes");
    }
    let output = process::output(command, "git", LIMIT)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(Ok(text(&output.stdout)));
    }
    let said = text(&output.stderr);
    let lines: Vec<&str> =
        said.lines().map(str::trim).filter(|line| line.starts_with("fatal:") || line.starts_with("error:")).collect();
    let words = if lines.is_empty() { format!("it gives no reason ({})", output.status) } else { lines.join("; ") };
    Ok(Err(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_addresses_are_those_that_npm_knows() {
        for (address, url, reference) in [
            ("github:a/b#main", "https://github.com/a/b.git", Some("main")),
            ("a/b", "https://github.com/a/b.git", None),
            ("gitlab:a/b#v1", "https://gitlab.com/a/b.git", Some("v1")),
            ("git+https://example.org/m.git#0123456", "https://example.org/m.git", Some("0123456")),
            ("git+ssh://git@example.org/m.git", "ssh://git@example.org/m.git", None),
            ("git+file:///x/m", "file:///x/m", None),
            ("git@example.org:a/b.git", "git@example.org:a/b.git", None),
            ("https://example.org/m.git", "https://example.org/m.git", None),
        ] {
            let wanted = Remote { url: url.to_owned(), reference: reference.map(str::to_owned) };
            assert_eq!(Remote::parse(address), Some(wanted), "{address}");
        }
        for address in ["https://example.org/m.tgz", "github:a/b#semver:^1", "github:a/b#--upload-pack=x", "a/b#"] {
            assert_eq!(Remote::parse(address), None, "{address}");
        }
    }
}
