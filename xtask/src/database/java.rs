//! DynamoDB Local with Java: the build that an npm package of AWS ships, fetched once and checked against its hash.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha512};

use super::{Options, Process, Server, free_port, wait_until_ready};
use crate::files;
use crate::interrupt;
use crate::npm::{self, Tools};
use crate::process::Group;
use crate::progress::Progress;
use crate::results::Backend;

/// The npm package that ships DynamoDB Local whole, in `emulator/`.
const PACKAGE: &str = "amplify-dynamodb-simulator";
const PACKAGE_VERSION: &str = "2.9.30";
/// SHA-512 of its tarball: its integrity in the registry, in hexadecimal.
const SHA512: &str = "c5379e44bbf311fab2779961ddb1f8734907bd21c79a6843e590ec1c52804398\
                      36665e89aa515dbad6908422c7cf1129e91cb5a3b4c1ea7888a17b9002749ec1";
const JAR: &str = "DynamoDBLocal.jar";
/// The oldest Java that runs it.
const OLDEST_JAVA: u32 = 11;
/// Starts it on the loopback interface alone.
const LOOPBACK: &str = include_str!("Loopback.java");
/// Heap: items live in SQLite's memory beside it.
const HEAP: &str = "-Xmx2g";
/// Times that another port is tried when one is taken.
const TRIES: u32 = 3;
const GRACE: Duration = Duration::from_secs(2);

/// Java as it is on this machine.
#[derive(Debug, Clone)]
pub struct Java {
    pub path: PathBuf,
    pub version: String,
    /// Whether it can run a source file, as a JDK can.
    pub compiles: bool,
}

impl Java {
    /// # Errors
    /// What is missing, and how to mend it.
    pub fn find() -> Result<Java, String> {
        let mend = format!("install Java {OLDEST_JAVA} or newer (Debian: apt-get install default-jdk-headless)");
        let path = which::which("java").map_err(|_| format!("java is not on the PATH: {mend}"))?;
        let run = |argument: &str| -> Option<String> {
            let output = Command::new(&path).arg(argument).stdin(Stdio::null()).output().ok()?;
            output.status.success().then(|| {
                String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
            })
        };
        let text = run("-version").ok_or_else(|| format!("{} -version failed: {mend}", path.display()))?;
        let version = text.split('"').nth(1).unwrap_or("unknown").to_owned();
        let mut numbers = version.split(['.', '-', '_', '+']).map_while(|number| number.parse::<u32>().ok());
        let major = match (numbers.next(), numbers.next()) {
            (Some(1), Some(minor)) => minor,
            (Some(major), _) => major,
            _ => 0,
        };
        if major < OLDEST_JAVA {
            return Err(format!("Java is {version}: {mend}"));
        }
        let compiles = run("--list-modules").is_some_and(|modules| modules.contains("jdk.compiler@"));
        Ok(Java { path, version, compiles })
    }
}

/// A server in a process of ours.
#[derive(Debug)]
pub struct Local {
    group: Mutex<Group>,
    log: PathBuf,
    /// For what the JVM unpacks; goes when this goes.
    scratch: Option<tempfile::TempDir>,
}

impl Local {
    pub fn is_alive(&self) -> bool {
        self.group.lock().is_ok_and(|mut group| group.try_wait().is_none())
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn stop(&mut self) {
        if let Ok(group) = self.group.get_mut() {
            group.stop(GRACE);
        }
    }

    pub fn leave(&mut self) {
        if let Ok(group) = self.group.get_mut() {
            group.leave();
        }
        if let Some(scratch) = self.scratch.take() {
            let _ = scratch.keep();
        }
    }
}

/// Starts it on a free port.
pub fn start(options: &Options, java: &Java, progress: &Progress) -> anyhow::Result<Server> {
    let folder = match &options.jar {
        Some(jar) => jar.parent().context("the jar has no folder")?.canonicalize()?,
        None => fetch(options, progress)?,
    };
    let jar = options.jar.as_deref().and_then(Path::file_name).unwrap_or_else(|| JAR.as_ref()).to_owned();
    let step = progress.step("starting DynamoDB Local (Java)");
    let home = options.checkout.bench().join("dynamodb-local");
    std::fs::create_dir_all(&home).with_context(|| format!("creating {}", home.display()))?;
    let version = jar_version(java, &folder, &jar);
    let mut last = None;
    for _ in 0..TRIES {
        match try_start(options, java, &folder, &jar, &home) {
            Ok((endpoint, local)) => {
                let pid = local.group.lock().ok().map(|group| group.pid());
                step.done(format!(
                    "DynamoDB Local {} with Java {} at {endpoint}",
                    version.as_deref().unwrap_or("?"),
                    java.version
                ));
                if !java.compiles {
                    progress.warn("this Java can't compile, so the database listens on every interface; a JDK, or Docker, keeps it to this machine");
                }
                return Ok(Server {
                    backend: Backend::Java,
                    version,
                    image: None,
                    endpoint,
                    pid,
                    process: Process::Java(local),
                });
            }
            Err(why) => {
                interrupt::check()?;
                let taken = format!("{why:#}").contains("Address already in use");
                last = Some(why);
                if !taken {
                    break;
                }
            }
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("DynamoDB Local was not started")))
}

fn try_start(
    options: &Options,
    java: &Java,
    folder: &Path,
    jar: &std::ffi::OsStr,
    home: &Path,
) -> anyhow::Result<(String, Local)> {
    let port = free_port()?;
    let scratch = tempfile::Builder::new().prefix(".java-").tempdir_in(home)?;
    let log = home.join(format!("{}.log", options.run));
    let output = File::create(&log).with_context(|| format!("creating {}", log.display()))?;
    let mut command = Command::new(&java.path);
    let mut temporary = std::ffi::OsString::from("-Djava.io.tmpdir=");
    temporary.push(scratch.path());
    command.arg(temporary).arg(HEAP).arg("-Djava.library.path=DynamoDBLocal_lib");
    if java.compiles {
        let source = scratch.path().join("Loopback.java");
        std::fs::write(&source, LOOPBACK)?;
        command.arg("-cp").arg(jar).arg(source);
    } else {
        command.arg("-jar").arg(jar);
    }
    command.args(["-inMemory", "-sharedDb", "-disableTelemetry", "-port", &port.to_string()]);
    command.current_dir(folder).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    npm::clean_environment(&mut command);
    let mut group = Group::spawn(&mut command, "DynamoDB Local")?;
    let endpoint = format!("http://127.0.0.1:{port}");
    let read = || std::fs::read_to_string(&log).unwrap_or_default();
    // The server's own main stays alive without listening when its port is taken.
    let ended = || match group.try_wait() {
        Some(status) => Some(status.to_string()),
        None if read().contains("BindException") => Some("its port was taken".to_owned()),
        None => None,
    };
    wait_until_ready(&endpoint, ended, read)?;
    Ok((endpoint, Local { group: Mutex::new(group), log, scratch: Some(scratch) }))
}

fn jar_version(java: &Java, folder: &Path, jar: &std::ffi::OsStr) -> Option<String> {
    let mut command = Command::new(&java.path);
    command.args(["-Djava.library.path=DynamoDBLocal_lib", "-jar"]).arg(jar).arg("-version").current_dir(folder);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    version_in(&String::from_utf8_lossy(&output.stdout))
}

/// The version in what `-version` printed: its last word that looks like one.
pub fn version_in(text: &str) -> Option<String> {
    let looks = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    text.split_whitespace().rfind(looks).map(str::to_owned)
}

/// The folder of the fetched server: from the npm registry once, whole or not at all.
fn fetch(options: &Options, progress: &Progress) -> anyhow::Result<PathBuf> {
    let home = options.checkout.bench().join("dynamodb-local");
    let folder = home.join(format!("{PACKAGE}-{PACKAGE_VERSION}"));
    if folder.join(JAR).is_file() {
        return Ok(folder);
    }
    std::fs::create_dir_all(&home).with_context(|| format!("creating {}", home.display()))?;
    let step = progress.step("fetching DynamoDB Local (57 MB, once)");
    let fresh = tempfile::Builder::new().prefix(".fetch-").tempdir_in(&home)?;
    let tools = Tools::find()?;
    npm::run(&tools, fresh.path(), &["pack", "--silent", "--prefer-offline", &format!("{PACKAGE}@{PACKAGE_VERSION}")])
        .context("fetching DynamoDB Local; with --jar PATH another copy serves")?;
    let tarball = fresh.path().join(format!("{PACKAGE}-{PACKAGE_VERSION}.tgz"));
    let bytes = std::fs::read(&tarball).with_context(|| format!("reading {}", tarball.display()))?;
    let found = files::hex(Sha512::digest(bytes));
    if found != SHA512 {
        bail!("what npm delivered as {PACKAGE}@{PACKAGE_VERSION} has the hash {found}, not {SHA512}");
    }
    let status = Command::new("tar")
        .arg("-xzf")
        .arg(&tarball)
        .arg("-C")
        .arg(fresh.path())
        .arg("package/emulator")
        .stdin(Stdio::null())
        .status()
        .context("running tar")?;
    if !status.success() {
        bail!("unpacking {PACKAGE}@{PACKAGE_VERSION}: tar ended with {status}");
    }
    std::fs::rename(fresh.path().join("package").join("emulator"), &folder)
        .with_context(|| format!("moving DynamoDB Local to {}", folder.display()))?;
    step.done("fetched DynamoDB Local");
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_what_either_server_prints() {
        assert_eq!(version_in("1.25.1\n").as_deref(), Some("1.25.1"));
        assert_eq!(version_in("DynamoDB Local version 3.3.1\n").as_deref(), Some("3.3.1"));
        assert_eq!(version_in("no such option"), None);
    }
}
