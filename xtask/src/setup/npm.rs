//! Node and npm: whether they are there, the locked dependencies of `benchmark/`, its TypeScript compiled ahead, and
//! libraries at other versions in folders of their own. `package.json` and the lock file are never written.

mod bundler;
pub mod bundles;
mod install;
pub mod outside;
mod packages;
mod prepare;
pub mod runtime;
mod sdk;
mod source;
mod spec;

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use anyhow::bail;
use xshell::{Cmd, Shell, cmd};

use crate::plan::library::Library;
use crate::plan::runtime::{GOOD_NODE, OLDEST_NODE};
use crate::setup::remedy;
use crate::system::exit::Exit;
use crate::system::process::{self, Command};

pub use install::install;
pub use prepare::{prepare, prepare_beside};
pub use source::{default_mizzle, stage};
use spec::Spec;

/// How long an install or a compilation may take.
const LIMIT: Duration = Duration::from_mins(10);
/// How long unpacking a tarball may take.
const UNPACK_LIMIT: Duration = Duration::from_mins(2);
/// Flags of every npm command that fetches: nothing of a package runs while it is installed, and a network that is
/// not there is noticed within seconds.
const FETCHING: [&str; 6] = [
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--fetch-retries=2",
    "--fetch-retry-mintimeout=500",
    "--fetch-retry-maxtimeout=3000",
];

/// Where Node and npm are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    pub node: PathBuf,
    pub npm: PathBuf,
    /// As `20.20.2`.
    pub node_version: String,
    pub npm_version: String,
}

/// A folder in which a suite of one library can be started.
#[derive(Debug, Clone, PartialEq)]
pub struct Install {
    pub dir: PathBuf,
    pub library_version: Option<String>,
    /// Of the `@aws-sdk/client-dynamodb` that the suite imports; none where the library uses none.
    pub sdk_version: Option<String>,
    /// Of the one that the library brings along, where that is another.
    pub own_sdk_version: Option<String>,
    /// The library with all that it depends on, on disk, MiB.
    pub installed_mb: Option<f64>,
}

impl Tools {
    /// # Errors
    /// [`Exit::Prerequisite`] with everything that is missing and how to fix it.
    pub fn find() -> anyhow::Result<Tools> {
        let found = ["node", "npm"].map(|name| (name, find_tool(name)));
        let absent: Vec<&str> = found.iter().filter(|(name, _)| which::which(name).is_err()).map(|of| of.0).collect();
        let ([(_, Ok((node, node_version))), (_, Ok((npm, npm_version)))], []) = (&found, &absent[..]) else {
            let broken = found.iter().filter(|(name, _)| !absent.contains(name));
            let broken: Vec<&str> = broken.filter_map(|(_, tool)| tool.as_ref().err().map(String::as_str)).collect();
            let missing = match &absent[..] {
                [] => broken.join("; "),
                [one] => format!("{one} is not on the PATH"),
                _ => "node and npm are not on the PATH".to_owned(),
            };
            let advice = format!("To install Node {GOOD_NODE}, which brings npm: {}", remedy::node());
            bail!(Exit::Prerequisite(format!("{missing}. {advice}")));
        };
        if major(node_version).is_none_or(|major| major < OLDEST_NODE) {
            bail!(Exit::Prerequisite(format!(
                "Node is {node_version} ({}), and {OLDEST_NODE} or newer is needed. To install Node {GOOD_NODE}: {}",
                node.display(),
                remedy::node()
            )));
        }
        let ((node, npm), (node_version, npm_version)) =
            ((node.clone(), npm.clone()), (node_version.clone(), npm_version.clone()));
        Ok(Tools { node, npm, node_version, npm_version })
    }
}

/// The install of a library at its locked version: `benchmark/` itself.
///
/// # Errors
/// Where its packages can't be read.
pub fn locked(benchmark: &Path, library: Library) -> anyhow::Result<Install> {
    described(benchmark, library)
}

/// What a folder in which suites start holds of a library of this repository.
fn described(dir: &Path, library: Library) -> anyhow::Result<Install> {
    packages::describe(&[dir], library.package, &bundles::adapter(dir, library.id))
}

/// Whether a spec can be meant at all, before anything is started: a folder or a tarball must be there, and a monorepo
/// must have a package of the library.
///
/// # Errors
/// [`Exit::BadInput`] with the reason and what is allowed.
pub fn check_spec(library: Library, spec: &str) -> anyhow::Result<()> {
    match Spec::parse(library, spec)? {
        Spec::Folder(folder) => source::check_folder(library, &folder),
        Spec::Registry { .. } | Spec::Tarball(_) | Spec::Address(_) => Ok(()),
    }
}

/// The command that runs a worker's compiled program by a runtime itself, in a folder that [`prepare`] or [`install`]
/// made. `flags` are the runtime's own.
///
/// # Errors
/// Where this process's own working directory is gone.
pub fn worker(runtime: &Path, flags: &[&str], install: &Path, program: &str) -> anyhow::Result<Command> {
    let shell = process::shell(install)?;
    Ok(clean_environment(cmd!(shell, "{runtime} {flags...} dist/{program}.js")).into())
}

/// Takes from a worker's environment what would make it another program than it is elsewhere: AWS settings and
/// profiles, and the switches of Node and Bun.
pub fn clean_environment(command: Cmd<'_>) -> Cmd<'_> {
    let mut command = without(&["AWS_", "BUN_"], command);
    for name in ["NODE_OPTIONS", "NODE_ENV", "NODE_PATH", "NODE_DEBUG", "NODE_V8_COVERAGE", "NODE_COMPILE_CACHE"] {
        command = command.env_remove(name);
    }
    command = command.env("AWS_EC2_METADATA_DISABLED", "true");
    // The SDK reads both files for more than credentials, whatever a client is given: `use_fips_endpoint` alone makes
    // every call fail. The variables keep it from the home folder's.
    command = command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    // Ten lines about a coming version of Node, which would stand for the last lines of a log that something quotes.
    command.env("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true")
}

/// Takes every setting whose name begins like this from a child's environment.
fn without<'a>(prefixes: &[&str], command: Cmd<'a>) -> Cmd<'a> {
    let names = std::env::vars_os().map(|(name, _)| name);
    let is_one = |name: &std::ffi::OsString| {
        let name = name.to_string_lossy().to_ascii_uppercase();
        prefixes.iter().any(|prefix| name.starts_with(prefix))
    };
    names.filter(is_one).fold(command, Cmd::env_remove)
}

fn find_tool(name: &str) -> Result<(PathBuf, String), String> {
    let path = which::which(name).map_err(|_| format!("{name} is not on the PATH"))?;
    let output = process::shell(Path::new("."))
        .and_then(|shell| process::output(cmd!(shell, "{path} --version"), name, Duration::from_secs(30)))
        .map_err(|why| format!("{name} ({}) can't be run: {why:#}", path.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.trim().trim_start_matches('v').to_owned();
    if !output.status.success() || major(&version).is_none() {
        return Err(format!("{name} ({}) does not say its version", path.display()));
    }
    Ok((path, version))
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// Runs an npm command to its end, without what the environment would change of it.
fn output(command: Cmd<'_>, what: &str) -> anyhow::Result<Output> {
    // What npm gives to the scripts that it runs must not reach the npm that a script runs.
    let is_npms = |name: &std::ffi::OsString| {
        let name = name.to_string_lossy().to_ascii_lowercase();
        name == "node_env" || ["npm_package_", "npm_lifecycle_", "npm_command"].iter().any(|p| name.starts_with(p))
    };
    let names = std::env::vars_os().map(|(name, _)| name).filter(is_npms);
    process::output(names.fold(without(&["AWS_"], command), Cmd::env_remove), what, LIMIT)
}

/// Fetches a package's tarball into a folder; npm's own words where it can't.
///
/// # Errors
/// Where npm can't be run, or a signal comes.
pub fn pack(tools: &Tools, folder: &Path, package: &str) -> anyhow::Result<Result<PathBuf, String>> {
    let (shell, npm) = (process::shell(folder)?, &tools.npm);
    // A silent npm would not say why it fails.
    let command = cmd!(shell, "{npm} pack --loglevel=error --prefer-offline {package} {FETCHING...}");
    Ok(run_npm(&shell, command, "npm pack")?.map(|said| folder.join(said.lines().last().unwrap_or_default().trim())))
}

/// Unpacks a member of a tarball next to it. `what` is for messages: what it holds.
///
/// # Errors
/// [`Exit::Prerequisite`] without tar, [`Exit::Failed`] where it can't, in its words.
pub fn unpack(tarball: &Path, member: &str, what: &str) -> anyhow::Result<()> {
    let tar =
        which::which("tar").map_err(|_| Exit::Prerequisite(format!("tar is not on the PATH; it unpacks {what}")))?;
    let shell = process::shell(tarball.parent().unwrap_or(Path::new(".")))?;
    let doing = format!("unpacking {what}");
    let output = process::output(cmd!(shell, "{tar} -xzf {tarball} {member}"), &doing, UNPACK_LIMIT)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(Exit::Failed(format!("{doing}: tar ended with {}: {}", output.status, said.trim())));
    }
    Ok(())
}

/// Runs an npm command; its standard output, or npm's own words as the error.
fn run_npm(shell: &Shell, command: Cmd<'_>, what: &str) -> anyhow::Result<Result<String, String>> {
    let output = output(command, what)?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(Ok(stdout));
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let words = npms_words(&stderr, Some(&shell.current_dir()));
    Ok(Err(if words.is_empty() { format!("{what} gives no reason ({})", output.status) } else { words }))
}

/// What npm said went wrong, without its log's path and without the folder that it ran in.
fn npms_words(stderr: &str, folder: Option<&Path>) -> String {
    let said = |prefix: &str| -> Vec<&str> {
        let lines = stderr.lines().filter_map(|line| line.strip_prefix(prefix)).map(str::trim);
        lines.filter(|line| !line.is_empty() && !line.contains("A complete log of this run")).collect()
    };
    let mut lines = said("npm error");
    if lines.is_empty() {
        lines = said("npm ERR!");
    }
    if lines.is_empty() {
        let said = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
        lines = said.filter(|line| !line.contains("A complete log of this run")).collect();
    }
    // The lines of one code repeat it; alone on a line it says nothing.
    let code = lines.iter().find_map(|line| line.strip_prefix("code ")).unwrap_or_default();
    let mut short: Vec<String> = Vec::new();
    for line in &lines {
        let line = line.strip_prefix(code.trim_start_matches('E')).filter(|_| !code.is_empty()).unwrap_or(line);
        let topic = ["notarget", "network"].into_iter().find_map(|topic| line.strip_prefix(topic));
        let line = topic.unwrap_or(line).trim_start_matches(':').trim();
        let line = match folder {
            Some(folder) => line.replace(&*folder.to_string_lossy(), "."),
            None => line.to_owned(),
        };
        if !line.is_empty() && !is_noise(&line) && short.last() != Some(&line) {
            short.push(line);
        }
    }
    short.truncate(12);
    short.join("; ")
}

/// Lines of npm's that help nobody: where in npm an error was thrown, its fields once more, and general advice.
fn is_noise(line: &str) -> bool {
    let starts = ["at ", "syscall ", "errno ", "code: ", "errno: ", "type: ", "syscall: ", "address: ", "port: ", "}"];
    let advice = [
        "Note that you can also install",
        "tarball, folder, http url, or git url",
        "In most cases you",
        "This is a problem related to network",
        "If you are behind a proxy",
    ];
    starts.iter().any(|start| line.starts_with(start)) || advice.iter().any(|words| line.starts_with(words))
}

/// The line of an uncaught error that Node prints: `TypeError: x is not a function`, not the line of code that threw it.
fn nodes_words(stderr: &str) -> &str {
    let is_error = |line: &&str| {
        let name = line.split([':', ' ']).next().unwrap_or_default();
        name.ends_with("Error") && name.chars().all(|letter| letter.is_ascii_alphanumeric())
    };
    stderr.lines().map(str::trim).find(is_error).unwrap_or("it gives no reason")
}

/// Whether npm's words are about a network that isn't there.
fn is_offline(words: &str) -> bool {
    ["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ECONNRESET", "ENETUNREACH", "EHOSTUNREACH", "ENOTCACHED"]
        .iter()
        .any(|code| words.contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn npms_words_are_kept_and_its_noise_is_not() {
        let stderr = "npm warn config x\nnpm error code E404\nnpm error 404 Not Found - GET https://r/@a%2fb\n\
                      npm error 404\nnpm error 404  '@a/b@*' is not in this registry.\n\
                      npm error A complete log of this run can be found in: /home/u/.npm/_logs/1.log\n";
        let words = npms_words(stderr, None);
        assert_eq!(words, "code E404; Not Found - GET https://r/@a%2fb; '@a/b@*' is not in this registry.");
    }

    #[test]
    fn npms_general_advice_is_left_out() {
        for (stderr, wanted) in [
            (
                "npm error code ETARGET\nnpm error notarget No matching version found for a@9.\nnpm error notarget In \
                 most cases you or one of your dependencies are requesting a package version that doesn't exist.\n",
                "code ETARGET; No matching version found for a@9.",
            ),
            (
                "npm error code ENOTFOUND\nnpm error network request to https://r/a failed\nnpm error network In most \
                 cases you are behind a proxy or have bad network settings.\nnpm error network\nnpm error network If \
                 you are behind a proxy, please make sure\n",
                "code ENOTFOUND; request to https://r/a failed",
            ),
            (
                "npm error code TAR_BAD_ARCHIVE\nnpm error TAR_BAD_ARCHIVE: Unrecognized archive format\n",
                "code TAR_BAD_ARCHIVE; Unrecognized archive format",
            ),
        ] {
            assert_eq!(npms_words(stderr, None), wanted);
        }
    }

    #[test]
    fn where_npm_gives_no_reason_its_log_is_not_taken_for_one() {
        let stderr = "npm error A complete log of this run can be found in: /home/u/.npm/_logs/1.log\n";
        assert_eq!(npms_words(stderr, None), "");
    }

    #[test]
    fn a_network_that_is_not_there_is_reported_in_one_sentence() {
        let stderr = "npm error code ECONNREFUSED\nnpm error syscall connect\nnpm error errno ECONNREFUSED\n\
                      npm error FetchError: request to https://r/a failed, reason: connect ECONNREFUSED\n\
                      npm error     at ClientRequest.<anonymous> (/usr/lib/x.js:1:2)\nnpm error   errno: 'ECONNREFUSED',\n";
        let words = npms_words(stderr, None);
        assert_eq!(words, "code ECONNREFUSED; FetchError: request to https://r/a failed, reason: connect ECONNREFUSED");
        assert!(is_offline(&words));
    }

    #[test]
    fn the_folder_that_npm_ran_in_is_not_named() {
        let words =
            npms_words("npm error code ENOENT\nnpm error path /x y/z/package.json\n", Some(Path::new("/x y/z")));
        assert_eq!(words, "code ENOENT; path ./package.json");
    }

    #[test]
    fn an_error_of_node_is_named_and_not_the_line_that_threw_it() {
        for (error, wanted) in [
            ("Error: Cannot find module 'aws-sdk'", "Error: Cannot find module 'aws-sdk'"),
            ("Error [ERR_X]: nothing\n    at Error (x:1)", "Error [ERR_X]: nothing"),
            ("SyntaxError: Unexpected token", "SyntaxError: Unexpected token"),
            ("", "it gives no reason"),
        ] {
            let stderr = format!("node:internal/x:1215\n  const err = new Error(message);\n        ^\n\n{error}\n");
            assert_eq!(nodes_words(&stderr), wanted);
        }
    }

    #[test]
    fn a_worker_sees_no_aws_settings() {
        let shell = process::shell(Path::new(".")).unwrap();
        let command = clean_environment(cmd!(shell, "env").env("NODE_OPTIONS", "--inspect"));
        let text = process::answer(command).unwrap();
        let mut aws: Vec<_> = text.lines().filter(|line| line.starts_with("AWS_")).collect();
        aws.sort_unstable();
        let ours = [
            "AWS_CONFIG_FILE=/dev/null",
            "AWS_EC2_METADATA_DISABLED=true",
            "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED=true",
            "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
        ];
        assert_eq!(aws, ours);
        assert!(!text.contains("NODE_OPTIONS"));
    }

    #[test]
    fn node_and_npm_are_found_with_their_versions() {
        let tools = Tools::find().unwrap();
        assert!(major(&tools.node_version).unwrap() >= OLDEST_NODE, "{tools:?}");
        assert!(tools.npm_version.split('.').count() >= 3, "{tools:?}");
    }
}
