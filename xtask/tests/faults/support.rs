//! A scratch checkout to run the real command in, the run itself, and a look at what is left of it.

use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use answers::testing::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use walkdir::WalkDir;
use xtask::setup::{database, npm};
use xtask::system::checkout::Checkout;
use xtask::system::owner::{LABEL, MAKING, Owner};
use xtask::system::proc;
use xtask::system::progress::Progress;

/// A run that takes some eight seconds in all.
pub const TINY: [&str; 8] = [
    "bench",
    "--scale=200",
    "--op=GetItem",
    "--rounds=1",
    "--time=50ms",
    "--warm-up=300ms",
    "--patience=10ms",
    "--backend=java",
];
/// How long a whole tiny run may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(150);
/// How names begin of what is only there while something is being made.
const TEMPORARY: [&str; 4] = [MAKING, ".part-", ".latest-", ".writable-"];

/// A copy of what the command needs of a checkout, with a target folder of its own. Dropped, it goes, and says how long
/// its test took.
pub struct Place {
    begun: Instant,
    folder: tempfile::TempDir,
    pub root: PathBuf,
    pub out: PathBuf,
    /// `TMPDIR` of what runs here.
    pub tmp: PathBuf,
    program: PathBuf,
}

impl Place {
    /// Everything is installed and compiled.
    pub fn new() -> Place {
        Place::named("checkout")
    }

    /// As [`Place::new`], in a folder of this name.
    pub fn named(name: &str) -> Place {
        let place = Place::bare(name);
        let (from, to) = (real_root(), &place.root);
        server_folder();
        std::os::unix::fs::symlink(from.join("benchmark/node_modules"), to.join("benchmark/node_modules")).unwrap();
        copy(&from.join("benchmark/dist"), &to.join("benchmark/dist"));
        place.link_server();
        place
    }

    /// The sources alone.
    pub fn bare(name: &str) -> Place {
        let begun = Instant::now();
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let (root, out, tmp) = (folder.path().join(name), folder.path().join("out"), folder.path().join("tmp"));
        let program = root.join("target/debug/xtask");
        for folder in [&tmp, &root.join("benchmark"), &root.join("xtask"), &root.join("target/debug")] {
            std::fs::create_dir_all(folder).unwrap();
        }
        if std::fs::hard_link(env!("CARGO_BIN_EXE_xtask"), &program).is_err() {
            std::fs::copy(env!("CARGO_BIN_EXE_xtask"), &program).unwrap();
        }
        let from = real_root();
        std::fs::copy(from.join("docker-compose.yml"), root.join("docker-compose.yml")).unwrap();
        copy(&from.join("benchmark/src"), &root.join("benchmark/src"));
        for file in ["package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json", "tsconfig.test.json"]
        {
            std::fs::copy(from.join("benchmark").join(file), root.join("benchmark").join(file)).unwrap();
        }
        Place { begun, folder, root, out, tmp, program }
    }

    /// Takes the DynamoDB Local that was fetched already.
    pub fn link_server(&self) {
        let (from, to) = (server_folder(), self.root.join("target/bench/dynamodb-local"));
        std::fs::create_dir_all(&to).unwrap();
        std::os::unix::fs::symlink(from, to.join(from.file_name().unwrap())).unwrap();
    }

    /// The folder that holds all of it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command, without a word of what the machine around says.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(self.folder());
        for name in ["CI", "GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS", "JAVA_HOME"] {
            command.env_remove(name);
        }
        command.env("CARGO_MANIFEST_DIR", self.root.join("xtask")).env("TMPDIR", &self.tmp);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Another target folder than the checkout's own, as with `CARGO_TARGET_DIR`.
    pub fn move_target(&mut self) {
        let elsewhere = self.folder().join("elsewhere");
        std::fs::rename(self.root.join("target"), &elsewhere).unwrap();
        self.program = elsewhere.join("debug/xtask");
    }

    pub fn target(&self) -> PathBuf {
        self.program.parent().and_then(Path::parent).unwrap().to_path_buf()
    }

    /// A tiny run into `out`, with more arguments.
    pub fn tiny(&self, more: &[&str]) -> Command {
        self.tiny_into(&self.out, more)
    }

    pub fn tiny_into(&self, out: &Path, more: &[&str]) -> Command {
        let mut command = self.command(&tiny_with(more));
        command.arg("--out").arg(out).args(more);
        command
    }

    /// Puts a library that does `body` before each call in the place of an adapter; `calls` counts them, `phase` and
    /// `operation` say what is measured, and `once` is true at the first call that is timed.
    pub fn fake(&self, library: &str, body: &str) {
        let text = format!(
            r#"import {{ writeSync }} from "node:fs";
import {{ adapter as real }} from "./aws-sdk.js";
const write = (text) => {{
  for (let left = Buffer.from(text); left.length > 0; ) {{
    try {{ left = left.subarray(writeSync(1, left)); }} catch {{ /* the pipe is full just now */ }}
  }}
}};
let calls = 0;
let timed = false;
let phase = "";
let operation = "";
const {{ stringify }} = JSON;
JSON.stringify = (value, ...rest) => {{
  if (value?.event === "start") ({{ phase, operation }} = value);
  return stringify(value, ...rest);
}};
export const adapter = {{
  ...real,
  async load() {{
    const library = await real.load();
    return {{
      async connect(config, kind, shape) {{
        const connection = await library.connect(config, kind, shape);
        const table = (name) => {{
          const inner = connection.table(name);
          const before = (call) => async (input) => {{
            calls += 1;
            const once = phase === "latency" && !timed;
            timed ||= once;
            {body};
            return call(input);
          }};
          const {{ put, get, update, delete: remove }} = inner;
          return {{ ...inner, put: before(put), get: before(get), update: before(update), delete: before(remove) }};
        }};
        return {{ ...connection, table }};
      }},
    }};
  }},
}};
"#
        );
        std::fs::write(self.root.join(format!("benchmark/dist/adapters/{library}.js")), text).unwrap();
    }

    pub fn results(&self) -> Value {
        let path = self.out.join("results.json");
        serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))).unwrap()
    }

    pub fn report(&self) -> String {
        std::fs::read_to_string(self.out.join("report.md")).unwrap()
    }

    /// Processes that were started here and run still: id and arguments.
    pub fn processes(&self) -> Vec<(u32, Vec<String>)> {
        let mut needle = b"CARGO_MANIFEST_DIR=".to_vec();
        needle.extend(self.root.join("xtask").as_os_str().as_encoded_bytes());
        let ours = proc::processes().unwrap().filter(|pid: &u32| {
            let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ.split(|&byte| byte == 0).any(|entry| entry == needle)
        });
        let arguments = |pid: u32| -> Vec<String> {
            proc::command_line(pid).unwrap_or_default().split('\0').map(str::to_owned).collect()
        };
        ours.map(|pid| (pid, arguments(pid)))
            .filter(|(_, arguments)| arguments.iter().any(|word| !word.is_empty()))
            .collect()
    }

    /// The one process of a kind, once it is there.
    fn process(&self, what: &str, is_it: impl Fn(&[String]) -> bool) -> u32 {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some((pid, _)) = self.processes().into_iter().find(|(_, arguments)| is_it(arguments)) {
                return pid;
            }
            assert!(Instant::now() < end, "no {what} was started: {:?}", self.processes());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn java(&self) -> u32 {
        self.process("server", |arguments| arguments.iter().any(|word| word.contains("jetty") || word == "-inMemory"))
    }

    pub fn node(&self, program: &str) -> u32 {
        let script = format!("dist/{program}.js");
        self.process(program, |arguments| arguments[0].ends_with("node") && arguments.contains(&script))
    }

    /// Panics if anything is left of what ran here.
    pub fn assert_nothing_left(&self) {
        assert_eq!(self.processes(), [], "processes are left");
        assert_eq!(self.docker_things(), Vec::<String>::new(), "containers, networks or volumes are left");
        let is_temporary = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            TEMPORARY.iter().any(|start| name.starts_with(start)) || path.parent() == Some(&self.tmp)
        };
        let mut left: Vec<PathBuf> = walk(self.folder()).filter(is_temporary).collect();
        left.extend(list(&self.target().join("bench/started")));
        let ours = format!("{MAKING}{}", self.mark());
        let in_memory = list(Path::new("/dev/shm")).into_iter();
        left.extend(in_memory.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(&ours)));
        assert_eq!(left, Vec::<PathBuf>::new(), "temporary files are left");
    }

    /// What the marks of this place's runs begin with.
    fn mark(&self) -> String {
        Owner::me(&Checkout { root: self.root.clone(), target: self.target() }).who.place
    }

    /// Containers, networks and volumes that bear a mark of this place.
    pub fn docker_things(&self) -> Vec<String> {
        let place = self.mark();
        let mut found = Vec::new();
        for list in [&["ps", "--all"][..], &["network", "ls"], &["volume", "ls"]] {
            let format = format!("{{{{.Label \"{LABEL}\"}}}}");
            let filter = format!("label={LABEL}");
            let all = docker(&[list, &["--filter", &filter, "--format", &format]].concat()).unwrap_or_default();
            found.extend(all.lines().filter(|mark| mark.starts_with(&place)).map(|mark| format!("{list:?} {mark}")));
        }
        found
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A test that failed must not leave what it proves to be left.
        for (pid, _) in self.processes() {
            signal(pid, Signal::KILL);
        }
        let thread = std::thread::current();
        let name = thread.name().unwrap_or_default().to_owned();
        // Not `eprintln!`, which the test harness would hide.
        let _ = writeln!(std::io::stderr(), "took {:5.1} s: {name}", self.begun.elapsed().as_secs_f64());
    }
}

/// The tiny run without those of its flags that others replace.
pub fn tiny_with(more: &[&str]) -> Vec<&'static str> {
    TINY.into_iter().filter(|flag| !more.iter().any(|other| name(other) == name(flag))).collect()
}

/// A flag without its value.
fn name(flag: &str) -> &str {
    flag.split('=').next().unwrap_or(flag)
}

/// The same command, started by another program, which is given it after its own arguments.
pub fn started_by(program: &str, arguments: &[&str], inner: &Command) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).arg(inner.get_program()).args(inner.get_args());
    if let Some(folder) = inner.get_current_dir() {
        command.current_dir(folder);
    }
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A command that runs.
pub struct Running {
    child: Child,
    begun: Instant,
    stderr: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
    stdout: Arc<Mutex<String>>,
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Running {
    pub fn start(mut command: Command) -> Running {
        let begun = Instant::now();
        let mut child = command.spawn().unwrap();
        let (stdout, stderr) = (Arc::default(), Arc::default());
        let readers = vec![
            read(child.stdout.take().unwrap(), Arc::clone(&stdout)),
            read(child.stderr.take().unwrap(), Arc::clone(&stderr)),
        ];
        Running { child, begun, stderr, readers, stdout }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Waits until it says so.
    pub fn wait_for(&mut self, words: &str) {
        let end = Instant::now() + LIMIT;
        while !self.stderr().contains(words) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended ({ended:?}) and never said {words:?}: {}", self.stderr());
            assert!(Instant::now() < end, "it never said {words:?}: {}", self.stderr());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for so long, or until it has ended.
    pub fn wait_at_most(&mut self, limit: Duration) {
        let end = Instant::now() + limit;
        while Instant::now() < end && self.child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn signal(&self, signal: Signal) {
        self::signal(self.pid(), signal);
    }

    pub fn end(mut self) -> Ended {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > LIMIT {
                signal(self.child.id(), Signal::KILL);
                panic!("it does not end: {}", self.stderr());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let took = self.begun.elapsed();
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let (stdout, stderr) = (self.stdout.lock().unwrap().clone(), self.stderr());
        Ended { status, stdout, stderr, took }
    }

    /// Signals it, and says how long it took from there to its end.
    pub fn interrupt(self, signal: Signal) -> (Ended, Duration) {
        self.signal(signal);
        let begun = Instant::now();
        let ended = self.end();
        (ended, begun.elapsed())
    }
}

impl Ended {
    #[track_caller]
    pub fn expect(self, code: i32) -> Ended {
        assert_eq!(self.status.code(), Some(code), "{}\n{}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    #[track_caller]
    pub fn says(self, words: &str) -> Ended {
        assert!(self.stderr.contains(words), "{words:?} is not in:\n{}", self.stderr);
        self
    }

    /// The one line that an error is.
    #[track_caller]
    pub fn error(&self) -> String {
        let lines: Vec<&str> = self.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "not one line: {}", self.stderr);
        lines[0].to_owned()
    }
}

/// Runs a command to its end.
pub fn run(command: Command) -> Ended {
    Running::start(command).end()
}

/// What was measured of a target, by its name for people.
pub fn target<'a>(results: &'a Value, id: &str) -> &'a Value {
    results["targets"].as_array().unwrap().iter().find(|target| target["id"] == id).unwrap()
}

pub fn measurement<'a>(results: &'a Value, id: &str) -> &'a Value {
    results["measurements"].as_array().unwrap().iter().find(|one| one["target"] == id).unwrap()
}

pub fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
        let _ = kill_process(pid, signal);
    }
}

/// What Docker says; none where there is no engine.
pub fn docker(arguments: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether there is a Docker engine; says so where a test can't be made without.
pub fn has_docker() -> bool {
    let has = docker(&["version"]).is_some();
    if !has {
        skipped("there is no Docker engine");
    }
    has
}

/// Seen in spite of the test harness.
pub fn skipped(why: &str) {
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    let _ = writeln!(std::io::stderr(), "SKIPPED: {name}: {why}");
}

/// The address in `… at http://127.0.0.1:1234`.
pub fn endpoint(said: &str) -> SocketAddr {
    let at = said.split_once("http://").expect("no address was said").1;
    at.split_whitespace().next().unwrap().parse().unwrap()
}

/// A DynamoDB Local that isn't the command's.
pub struct Server {
    java: Child,
    pub address: SocketAddr,
}

impl Server {
    pub fn start() -> Server {
        let folder = server_folder();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let java = Command::new("java")
            .args(database::JVM_FLAGS)
            .args(["-Djava.library.path=DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar", "-inMemory", "-sharedDb"])
            .args(["-disableTelemetry", "-port", &port.to_string()])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Server { java, address: ([127, 0, 0, 1], port).into() };
        let end = Instant::now() + Duration::from_secs(60);
        while call(server.address, "ListTables", "{}").is_none() {
            assert!(Instant::now() < end, "DynamoDB Local does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn tables(&self) -> Value {
        call(self.address, "ListTables", "{}").expect("the server answers no more")["TableNames"].clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.java.kill();
        let _ = self.java.wait();
    }
}

/// One call to a DynamoDB-compatible server.
pub fn call(address: SocketAddr, operation: &str, body: &str) -> Option<Value> {
    // The client panics where nobody listens.
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    let got = Client::to(address).try_call(&format!("DynamoDB_20120810.{operation}"), body)?;
    serde_json::from_str(&got.text()).ok()
}

/// All that is in a folder, not through links.
fn walk(folder: &Path) -> impl Iterator<Item = PathBuf> {
    WalkDir::new(folder).min_depth(1).into_iter().filter_map(|entry| Some(entry.ok()?.into_path()))
}

pub fn list(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
}

pub fn copy(from: &Path, to: &Path) {
    for entry in WalkDir::new(from).follow_links(true) {
        let entry = entry.unwrap();
        let to = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(&to).unwrap();
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
        }
    }
}

/// The results file of a whole tiny run in the real checkout.
pub fn whole() -> &'static Path {
    static WHOLE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = WHOLE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(TINY).args(["--orm=aws-sdk", "--orm=electrodb", "--out"]).arg(folder.path());
        command.env_remove("CI").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        run(command).expect(0);
        folder
    });
    folder.path()
}

pub fn real_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Where the DynamoDB Local is that was fetched. What else the scratch checkouts share with the real one, installed
/// packages and compiled suites, is ready then too.
fn server_folder() -> &'static Path {
    static READY: OnceLock<PathBuf> = OnceLock::new();
    READY.get_or_init(|| {
        let (checkout, progress) = (Checkout::find().unwrap(), Progress::new(true));
        npm::prepare(&checkout, &npm::Tools::find().unwrap(), &progress).unwrap();
        database::fetch(&checkout, &progress).unwrap()
    })
}

fn read(mut pipe: impl Read + Send + 'static, text: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut bytes) {
            text.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    })
}
