//! `DynamoDB` Local with Java: the fetched build, or a jar of the user's. The fetched build listens on loopback alone,
//! which takes a few lines of configuration (`loopback.xml`), since it has no option for it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use xshell::{Cmd, Shell, cmd};

use super::kept::Copy;
use super::socket::{Listens, free_port, listens};
use super::{JAR, JVM_FLAGS, Kind, Options, Server, fetch, tail, wait_until_ready};
use crate::plan::request::BackendChoice;
use crate::results::Backend;
use crate::setup::{npm, remedy};
use crate::system::exit::Exit;
use crate::system::interrupt;
use crate::system::owner;
use crate::system::process::{self, Command, Group};
use crate::system::progress::Progress;

/// The fetched build's classes are made for 8; the oldest that is still cared for.
const OLDEST_JAVA: u32 = 11;
/// Puts the server together on 127.0.0.1.
const LOOPBACK: &str = include_str!("loopback.xml");
/// How often another port is tried when one was taken in between.
const TRIES: u32 = 5;
const GRACE: Duration = Duration::from_secs(2);
const ASK_LIMIT: Duration = Duration::from_secs(30);
/// What a server's log says when its port was taken; it may stay alive without listening.
const TAKEN: [&str; 3] = ["BindException", "Failed to bind", "Could not start server on port"];

/// Java as it is on this machine.
#[derive(Debug, Clone)]
pub struct Java {
    pub path: PathBuf,
    pub version: String,
}

impl Java {
    /// The one in `JAVA_HOME`, else the one on the PATH.
    ///
    /// # Errors
    /// What is missing, and how to fix it.
    pub fn find() -> Result<Java, String> {
        let advice = format!("To install a Java runtime, such as 17: {}", remedy::java());
        let home = std::env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin").join("java"));
        let path = match home.filter(|java| java.is_file()) {
            Some(java) => java,
            None => which::which("java").map_err(|_| format!("java is not on the PATH. {advice}"))?,
        };
        let output = process::shell(Path::new("."))
            .and_then(|shell| {
                process::output(without_options(cmd!(shell, "{path} -version")), "java -version", ASK_LIMIT)
            })
            .map_err(|why| format!("{} can't be run ({why:#}). {advice}", path.display()))?;
        // macOS has a java that is there only to say that there is none.
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let version = text.split('"').nth(1).unwrap_or_default().to_owned();
        if !output.status.success() || version.is_empty() {
            return Err(format!("{} -version failed ({}). {advice}", path.display(), text.trim()));
        }
        if major(&version).is_none_or(|major| major < OLDEST_JAVA) {
            return Err(format!("Java is {version}, and {OLDEST_JAVA} or newer is needed. {advice}"));
        }
        Ok(Java { path, version })
    }
}

/// A server in a process of ours.
#[derive(Debug)]
pub struct Local {
    group: Group,
    log: PathBuf,
    bench: PathBuf,
    /// For its log and what Java unpacks; goes when this goes.
    scratch: Option<tempfile::TempDir>,
}

impl Local {
    pub fn is_alive(&self) -> bool {
        self.group.try_wait().is_none()
    }

    pub fn log(&self) -> String {
        read(&self.log)
    }

    pub fn stop(&mut self) {
        self.group.stop(GRACE);
    }

    /// Leaves it running when this is dropped; how to stop it.
    pub fn leave(&mut self) -> String {
        self.group.leave();
        if let Some(scratch) = self.scratch.take() {
            // Without the note the next run would end it.
            let _ = owner::note_kept(&self.bench, self.group.pid(), &scratch.keep());
        }
        format!("kill {}", self.group.pid())
    }
}

/// The jar that the user named, made absolute.
///
/// # Errors
/// [`Exit::BadInput`] where it isn't there or could not be used.
pub fn check_jar(jar: &Path, backend: BackendChoice) -> anyhow::Result<PathBuf> {
    let bad = |why: &str| Exit::BadInput(format!("--jar {}: {why}", jar.display()));
    if backend == BackendChoice::Docker {
        bail!(bad("--backend docker does not run a jar; leave one of the two out"));
    }
    if !jar.is_file() {
        bail!(bad("there is no such file; it is a DynamoDBLocal.jar, with DynamoDBLocal_lib next to it"));
    }
    let path = jar.canonicalize().map_err(|why| bad(&why.to_string()))?;
    Ok(path)
}

/// Starts it on a free port.
///
/// # Errors
/// [`Exit::Prerequisite`] where there is no server to run, [`Exit::Failed`] with its log where it doesn't come up.
pub fn start(options: &Options, java: &Java, progress: &Progress) -> anyhow::Result<Server> {
    let jar = match &options.jar {
        Some(jar) => jar.clone(),
        None => fetch::fetch(&options.checkout, progress)?.join(JAR),
    };
    let step = progress.step("starting DynamoDB Local (Java)");
    let version = version_of(java, &jar)?;
    let take = || {
        let of = options.kept.as_ref();
        of.map(|wanted| Copy::take(&options.checkout.bench(), wanted, version.as_deref())).transpose()
    };
    let mut kept = take()?;
    let mut launches = vec![Launch::AsItIs];
    if knows_how_to_stay_local(&jar) {
        launches.insert(0, Launch::Loopback);
    }
    let (mut tries, mut refused) = (0, None);
    while let Some(&launch) = launches.first() {
        match try_start(options, java, &jar, launch, kept.as_ref())? {
            Outcome::Up(endpoint, local, listens) => {
                let pid = local.group.pid();
                step.done(format!(
                    "DynamoDB Local {} with Java {} at {endpoint}",
                    version.as_deref().unwrap_or("of unknown version"),
                    java.version
                ));
                if listens == Listens::Everywhere {
                    progress.warn(
                        "this DynamoDB Local can't be limited to loopback: during the run it listens on every \
                         network interface of this machine (without --jar, or with Docker, it doesn't)",
                    );
                }
                return Ok(Server {
                    backend: Backend::Java,
                    version,
                    image: None,
                    address: address(&endpoint)?,
                    endpoint,
                    pid: Some(pid),
                    kind: Kind::Java(local),
                    kept,
                });
            }
            Outcome::PortTaken if tries < TRIES => tries += 1,
            Outcome::PortTaken => bail!(Exit::Failed(format!("{TRIES} free ports in a row were taken by others"))),
            // Its file may be what the server does not take.
            Outcome::Refused(why) if let Some(copy) = kept.take_if(|copy| copy.was_there()) => {
                progress.warn(format!(
                    "the kept database was thrown away: with it, the server doesn't start ({})",
                    why.lines().next().unwrap_or_default()
                ));
                copy.discard()?;
                kept = take()?;
            }
            Outcome::Refused(why) => {
                launches.remove(0);
                refused = Some(why);
            }
        }
    }
    bail!(Exit::Failed(refused.unwrap_or_else(|| "DynamoDB Local was not started".to_owned())))
}

/// How the server is put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Launch {
    /// On loopback alone.
    Loopback,
    /// By its own main, which listens on every interface.
    AsItIs,
}

enum Outcome {
    Up(String, Local, Listens),
    PortTaken,
    /// It ended, or doesn't answer; why.
    Refused(String),
}

fn try_start(
    options: &Options,
    java: &Java,
    jar: &Path,
    launch: Launch,
    kept: Option<&Copy>,
) -> anyhow::Result<Outcome> {
    let home = options.checkout.bench().join("dynamodb-local");
    std::fs::create_dir_all(&home).with_context(|| format!("creating {}", home.display()))?;
    let scratch = tempfile::Builder::new().prefix(&owner::making()?).tempdir_in(&home)?;
    let log = scratch.path().join("server.log");
    let output = File::create(&log).with_context(|| format!("creating {}", log.display()))?;
    let port = free_port()?;
    let (shell, name) = (shell_at(jar)?, file_name(jar));
    let mut command = command(&shell, java)
        .args(JVM_FLAGS)
        .arg(options.compilers.flag())
        .arg(option("-Djava.io.tmpdir=", scratch.path()));
    if launch == Launch::Loopback {
        let file = scratch.path().join("loopback.xml");
        std::fs::write(&file, LOOPBACK).with_context(|| format!("writing {}", file.display()))?;
        command = command.args([&format!("-Dbench.port={port}"), "-Dorg.eclipse.jetty.util.log.announce=false"]);
        command = command.arg(format!("-Dbench.memory={}", kept.is_none()));
        command = command.args(kept.map(|copy| option("-Dbench.folder=", copy.folder())));
        command = command.arg("-cp").arg(name).arg("org.eclipse.jetty.xml.XmlConfiguration").arg(&file);
    } else {
        let port = port.to_string();
        command = command.arg("-jar").arg(name).args(["-sharedDb", "-disableTelemetry", "-port", &port]);
        command = match kept {
            None => command.arg("-inMemory"),
            Some(copy) => command.arg("-dbPath").arg(copy.folder()),
        };
    }
    let mut command = Command::from(command);
    command.stdin(std::process::Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let group = Group::spawn(command, "DynamoDB Local")?;
    let pid = group.pid();
    let bench = options.checkout.bench();
    let local = Local { group, log, bench, scratch: Some(scratch) };
    let mut taken = false;
    let ready = wait_until_ready(([127, 0, 0, 1], port).into(), || {
        let log = local.log();
        taken = TAKEN.iter().any(|words| log.contains(words));
        if taken {
            bail!("its port was taken");
        }
        if let Some(status) = local.group.try_wait() {
            bail!("it ended while starting ({status})");
        }
        // Another server may have taken the port; that one must not be mistaken for ours.
        Ok(listens(pid, port) != Listens::No)
    });
    match ready {
        Ok(()) => Ok(Outcome::Up(format!("http://127.0.0.1:{port}"), local, listens(pid, port))),
        Err(_) if taken => Ok(Outcome::PortTaken),
        Err(why) => {
            interrupt::check()?;
            let end = tail(&local.log(), 15);
            Ok(Outcome::Refused(format!("DynamoDB Local: {why:#}; the end of its log:\n{end}")))
        }
    }
}

/// Whether the libraries next to a jar are those that `loopback.xml` is written for.
fn knows_how_to_stay_local(jar: &Path) -> bool {
    let libraries = jar.with_file_name("DynamoDBLocal_lib");
    let mut names = std::fs::read_dir(libraries).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.any(|name| name.to_string_lossy().starts_with("jetty-xml-9.4."))
}

/// What a jar says of itself.
fn version_of(java: &Java, jar: &Path) -> anyhow::Result<Option<String>> {
    let shell = shell_at(jar)?;
    let command = command(&shell, java).arg("-jar").arg(file_name(jar)).arg("-version");
    let output = process::output(command, "asking DynamoDB Local for its version", ASK_LIMIT)?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() && said.contains("UnsupportedClassVersionError") {
        bail!(Exit::Prerequisite(format!(
            "this DynamoDB Local needs a newer Java than {}: {}",
            java.version,
            said.lines().find(|line| line.contains("UnsupportedClassVersionError")).unwrap_or_default().trim()
        )));
    }
    Ok(version_in(&String::from_utf8_lossy(&output.stdout)))
}

/// The version in what `-version` printed: its last word that looks like one.
pub fn version_in(text: &str) -> Option<String> {
    let looks = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    text.split_whitespace().rfind(looks).map(str::to_owned)
}

fn shell_at(jar: &Path) -> anyhow::Result<Shell> {
    process::shell(jar.parent().unwrap_or(Path::new(".")))
}

/// A Java command in the jar's folder, in an environment that makes it the same everywhere.
fn command<'a>(shell: &'a Shell, java: &Java) -> Cmd<'a> {
    let path = &java.path;
    let command = without_options(cmd!(shell, "{path} -Djava.library.path=DynamoDBLocal_lib"));
    // Java reads the names of files in the locale's encoding.
    let locale = cfg!(target_os = "linux").then_some(("LC_ALL", "C.UTF-8"));
    // It sends telemetry unless it is asked not to, by flag or by this.
    npm::clean_environment(command).envs(locale).env("DDB_LOCAL_TELEMETRY", "0")
}

fn without_options(command: Cmd<'_>) -> Cmd<'_> {
    let names = ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH"];
    names.into_iter().fold(command, Cmd::env_remove)
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

fn file_name(jar: &Path) -> &OsStr {
    jar.file_name().unwrap_or_else(|| JAR.as_ref())
}

fn read(log: &Path) -> String {
    std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// `1.8.0_392` is Java 8, `17.0.15` is Java 17.
fn major(version: &str) -> Option<u32> {
    let mut numbers = version.split(['.', '-', '_', '+']).map_while(|number| number.parse().ok());
    match (numbers.next()?, numbers.next()) {
        (1, minor) => minor,
        (major, _) => Some(major),
    }
}

fn address(endpoint: &str) -> anyhow::Result<std::net::SocketAddr> {
    endpoint.trim_start_matches("http://").parse().with_context(|| format!("{endpoint} is no address"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::database::probe;
    use crate::system::checkout::Checkout;
    use std::net::TcpListener;

    /// Options with a log of the test's own; the fetched build is shared by all of them.
    fn options(name: &str) -> Options {
        Options::new(&Checkout::find().unwrap(), name, BackendChoice::Java, None, None, false).unwrap()
    }

    fn java() -> Option<Java> {
        Java::find().inspect_err(|why| println!("SKIPPED: the Java backend ({why})")).ok()
    }

    #[test]
    fn the_fetched_server_listens_on_loopback_alone_and_is_gone_when_it_is_stopped() {
        let Some(java) = java() else { return };
        let mut server = start(&options("test-java"), &java, &Progress::new(true)).unwrap();
        assert_eq!(server.version.as_deref(), Some("1.25.1"));
        let pid = server.pid.unwrap();
        if cfg!(target_os = "linux") {
            assert_eq!(listens(pid, server.address.port()), Listens::Loopback);
        }
        assert!(server.is_alive() && server.answers());
        assert_eq!(probe::list_tables(server.address, Duration::from_secs(5)), Ok(()));
        let Kind::Java(local) = &server.kind else { panic!("not Java") };
        let scratch = local.scratch.as_ref().unwrap().path().to_path_buf();
        server.stop();
        assert!(!server.is_alive());
        assert!(!server.answers());
        drop(server);
        assert!(!scratch.exists(), "Java's own temporary files are left");
    }

    #[test]
    fn a_folder_of_any_name_will_do() {
        let Some(java) = java() else { return };
        let checkout = Checkout::find().unwrap();
        let fetched = fetch::fetch(&checkout, &Progress::new(true)).unwrap();
        let folder = tempfile::Builder::new().prefix("a b'\"ü#%20:;").tempdir_in(checkout.bench()).unwrap();
        link_all(&fetched, folder.path());
        let mut options = options("test-any-name");
        options.jar = Some(folder.path().join(JAR));
        options.checkout.target = folder.path().join("target");
        let server = start(&options, &java, &Progress::new(true)).unwrap();
        if cfg!(target_os = "linux") {
            assert_eq!(listens(server.pid.unwrap(), server.address.port()), Listens::Loopback);
        }
    }

    fn link_all(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().flatten() {
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                link_all(&entry.path(), &to);
            } else {
                std::fs::hard_link(entry.path(), to).unwrap();
            }
        }
    }

    #[test]
    fn a_taken_port_is_no_answer_of_ours_and_another_is_tried() {
        let Some(java) = java() else { return };
        // What any DynamoDB Local would answer, on a port that our server can't have.
        let foreign = probe::tests::serve(Some("HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"TableNames\":[]}"));
        let jar = fetch::fetch(&Checkout::find().unwrap(), &Progress::new(true)).unwrap().join(JAR);
        for launch in [Launch::Loopback, Launch::AsItIs] {
            super::super::socket::tests::next_free_port(foreign.port());
            let outcome = try_start(&options("test-taken"), &java, &jar, launch, None).unwrap();
            assert!(matches!(outcome, Outcome::PortTaken), "{launch:?}");
        }
        assert!(probe::answers(foreign, Duration::from_secs(1)), "the foreign server was touched");
    }

    #[test]
    fn a_killed_server_is_noticed_and_its_log_is_there() {
        let Some(java) = java() else { return };
        let jar = fetch::fetch(&Checkout::find().unwrap(), &Progress::new(true)).unwrap().join(JAR);
        let mut options = options("test-killed");
        options.jar = Some(jar);
        let server = start(&options, &java, &Progress::new(true)).unwrap();
        let pid = rustix::process::Pid::from_raw(i32::try_from(server.pid.unwrap()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        assert!(!server.is_alive());
        let _ = server.log_tail(5);
    }

    #[test]
    fn a_jar_that_is_none_is_told_by_what_java_says() {
        let Some(java) = java() else { return };
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x y.jar"), "no jar").unwrap();
        let mut options = options("test-no-jar");
        options.jar = Some(check_jar(&folder.path().join("x y.jar"), BackendChoice::Auto).unwrap());
        let why = start(&options, &java, &Progress::new(true)).unwrap_err();
        assert!(format!("{why:#}").contains("x y.jar"), "{why:#}");
    }

    #[test]
    fn a_jar_must_be_there_and_is_not_for_docker() {
        let folder = tempfile::tempdir().unwrap();
        let jar = folder.path().join("x.jar");
        for (backend, word) in [(BackendChoice::Java, "no such file"), (BackendChoice::Docker, "--backend docker")] {
            let why = check_jar(&jar, backend).unwrap_err();
            assert!(
                matches!(why.downcast_ref(), Some(Exit::BadInput(text)) if text.contains(word) && text.contains("--jar"))
            );
        }
    }

    #[test]
    fn versions_are_read_from_what_is_printed() {
        assert_eq!(version_in("1.25.1\n").as_deref(), Some("1.25.1"));
        assert_eq!(version_in("DynamoDB Local version 3.3.1\n").as_deref(), Some("3.3.1"));
        assert_eq!(version_in("no such option"), None);
        for (text, expected) in [("1.8.0_392", Some(8)), ("17.0.15", Some(17)), ("21-ea", Some(21)), ("", None)] {
            assert_eq!(major(text), expected, "{text}");
        }
    }

    #[test]
    fn a_port_that_was_free_can_be_listened_on() {
        TcpListener::bind(("127.0.0.1", free_port().unwrap())).unwrap();
    }
}
