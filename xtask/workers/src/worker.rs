//! A worker process of ours (a suite or the table keeper): lines to it, events from it, its log, and every way in which
//! it can fail to answer.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Serialize;

use crate::protocol::{self, Event};
use findings::results::{Failure, Operation};
use system::interrupt;
use system::process::{Command, Group};

/// How many of its last log lines go into a failure.
const LAST_LINES: usize = 12;
/// How often a wait looks at signals.
const POLL: Duration = Duration::from_millis(50);
/// How often a wait looks whether the database's process is still there.
const ALIVE_EVERY: Duration = Duration::from_secs(1);
/// How often a long wait asks the database something.
const ANSWERS_EVERY: Duration = Duration::from_secs(5);
/// How long one that is dropped may take to put things in order.
const FAREWELL: Duration = Duration::from_secs(1);
/// The most that a worker's log may hold, bytes: one that never stops talking must not fill the disk.
const LONGEST_LOG: u64 = 64 << 20;
/// How long a worker may take to end when it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// Looks at the database that a worker depends on; the answer says what is wrong with it.
pub type Health<'a> = &'a (dyn Fn(Probe) -> Option<String> + Sync);

/// How hard to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Whether its process lives: costs the database nothing, and so may be done while it is measured.
    Alive,
    /// Whether it answers a real call.
    Answers,
}

/// Why a worker did not do what it was asked to.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// It said so, crashed, hung or spoke garbage.
    Failed(Failure, Option<Operation>),
    /// Its results were not what the data set says, as found while it was verified, recorded, warmed up or measured.
    WrongWork { stage: String, operation: Operation, expected: String, actual: String },
    /// The database died or stopped answering.
    Database(String),
    /// A signal came.
    Interrupted,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Failed(failure, _) => write!(f, "{}: {}", failure.stage, failure.cause),
            Fault::WrongWork { operation, expected, actual, .. } => {
                write!(f, "{operation} did wrong work: expected {expected}, got {actual}")
            }
            Fault::Database(why) => write!(f, "the database is gone: {why}"),
            Fault::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Fault {}

enum Line {
    Event(Box<Event>),
    Garbage(String),
}

/// The process; dropped, it and all that it started are stopped.
pub struct Worker {
    /// None for one that is no process: a fake one of a test.
    group: Option<Group>,
    stdin: Option<Box<dyn std::io::Write + Send>>,
    lines: Receiver<Line>,
    last_lines: Arc<Mutex<VecDeque<String>>>,
    readers: Vec<JoinHandle<()>>,
    log: PathBuf,
}

impl Worker {
    /// Starts a program that speaks the protocol, with its standard error going to the log file.
    ///
    /// # Errors
    /// Where the process can't be made.
    pub fn start(mut command: Command, what: &str, log: PathBuf) -> anyhow::Result<Worker> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = Group::spawn(command, what).with_context(|| format!("starting the {what}"))?;
        let child = group.child_mut();
        let stdin = child.stdin.take().context("a worker has no input")?;
        let (stdout, stderr) =
            child.stdout.take().zip(child.stderr.take()).context("a worker has no pipes to listen to")?;
        let mut worker = Worker::over(stdin, stdout, stderr, log)?;
        worker.group = Some(group);
        Ok(worker)
    }

    /// A worker at the other end of pipes.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn over(
        stdin: impl std::io::Write + Send + 'static,
        stdout: impl Read + Send + 'static,
        stderr: impl Read + Send + 'static,
        log: PathBuf,
    ) -> anyhow::Result<Worker> {
        // A folder that has gone or a disk that is full is no fault of the worker's: its last lines are kept anyway.
        let _ = log.parent().map(std::fs::create_dir_all);
        let file = File::options().create(true).append(true).open(&log).ok();
        let (sender, lines) = mpsc::sync_channel(1024);
        let last_lines = Arc::new(Mutex::new(VecDeque::new()));
        let theirs = Arc::clone(&last_lines);
        let readers = vec![
            std::thread::Builder::new().name("events".into()).spawn(move || read_events(stdout, &sender))?,
            std::thread::Builder::new().name("log".into()).spawn(move || read_log(stderr, file, &theirs))?,
        ];
        Ok(Worker { group: None, stdin: Some(Box::new(stdin)), lines, last_lines, readers, log })
    }

    /// Sends a command and waits for the event that `wanted` takes; others that it leaves are passed by.
    ///
    /// # Errors
    /// A [`Fault`] for every other way in which the wait can end.
    pub fn ask<T>(
        &mut self,
        stage: &str,
        command: &impl Serialize,
        limit: Duration,
        health: Health<'_>,
        mut wanted: impl FnMut(Event) -> Option<T>,
    ) -> Result<T, Fault> {
        let sent = serde_json::to_string(command).map_err(|why| why.to_string()).and_then(|mut line| {
            line.push('\n');
            let stdin = self.stdin.as_mut().ok_or("its input is closed")?;
            stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush()).map_err(|why| why.to_string())
        });
        // A worker that died says more in its last lines than the broken pipe does.
        let deadline = Instant::now() + if sent.is_ok() { limit } else { GRACE };
        let mut next_alive = Instant::now() + ALIVE_EVERY;
        let mut next_answers = Instant::now() + ANSWERS_EVERY;
        loop {
            if interrupt::requested() {
                return Err(Fault::Interrupted);
            }
            let line = self.lines.recv_timeout(POLL);
            let is_late = Instant::now() >= deadline;
            match line {
                Ok(Line::Event(event)) => match *event {
                    Event::Failed { stage, operation, message } => {
                        return Err(self.failed(&stage, operation, &printable(&message), health));
                    }
                    Event::WrongWork { operation, expected, actual } => {
                        return Err(Fault::WrongWork { stage: stage.to_owned(), operation, expected, actual });
                    }
                    event => {
                        if let Some(answer) = wanted(event) {
                            return Ok(answer);
                        }
                        // A flood of other events is no answer.
                        if is_late {
                            return Err(self.late(stage, limit, health));
                        }
                    }
                },
                Ok(Line::Garbage(why)) => return Err(self.failed(stage, None, &why, health)),
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.group.as_mut().and_then(|group| group.wait_for(GRACE));
                    let end = status.map_or("it closed its output".to_owned(), |status| {
                        format!("its process ended without an answer ({status})")
                    });
                    return Err(self.failed(stage, None, &end, health));
                }
                Err(RecvTimeoutError::Timeout) if is_late => return Err(self.late(stage, limit, health)),
                Err(RecvTimeoutError::Timeout) if Instant::now() >= next_alive => {
                    let probe = if Instant::now() >= next_answers { Probe::Answers } else { Probe::Alive };
                    if let Some(why) = health(probe) {
                        return Err(Fault::Database(why));
                    }
                    next_alive = Instant::now() + ALIVE_EVERY;
                    if probe == Probe::Answers {
                        next_answers = Instant::now() + ANSWERS_EVERY;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Asks the process to end; what doesn't is ended.
    pub fn end(mut self, command: &impl Serialize) {
        if let (Some(mut stdin), Ok(line)) = (self.stdin.take(), serde_json::to_string(command)) {
            let _ = writeln!(stdin, "{line}");
        }
        self.group.as_mut().and_then(|group| group.wait_for(GRACE));
    }

    fn late(&mut self, stage: &str, limit: Duration, health: Health<'_>) -> Fault {
        let limit = humantime::format_duration(Duration::from_secs(limit.as_secs()));
        let why = format!("no answer within {limit}");
        self.failed(stage, None, &why, health)
    }

    /// The fault for a worker that failed: the database's, if that is what is gone.
    fn failed(&mut self, stage: &str, operation: Option<Operation>, why: &str, health: Health<'_>) -> Fault {
        if interrupt::requested() {
            return Fault::Interrupted;
        }
        if let Some(why) = health(Probe::Answers) {
            return Fault::Database(why);
        }
        // Its last words may still be on their way through the pipe.
        std::thread::sleep(POLL);
        let last: Vec<String> =
            self.last_lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        let mut cause = why.to_owned();
        if !last.is_empty() {
            cause = format!("{cause}\nthe last lines of {}:\n{}", file_name(&self.log), last.join("\n"));
        }
        Fault::Failed(Failure { stage: stage.to_owned(), cause }, operation)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Its parent's end shows in the end of its input: a keeper drops its tables then, which a signal would not
        // let it do. What doesn't end by that won't by a polite signal.
        drop(self.stdin.take());
        if let Some(group) = &mut self.group {
            let _ = group.wait_for(FAREWELL);
            group.stop(FAREWELL / 4);
        }
        // A reader that found more lines than were asked for waits to hand them over.
        self.lines = mpsc::sync_channel(0).1;
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether a line is a frame of Node's own stack, as ` 1: 0xb9c1f0 node::Abort() [node]`: a score of them follows its
/// last words and would push those out.
fn is_native_frame(line: &str) -> bool {
    let number = line.trim_start().split_once(": 0x").map(|(number, _)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Without what would move a terminal's cursor or change its colours; lines stay lines.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

/// Reads events until the pipe closes, or until the first line that is none.
fn read_events(pipe: impl Read, sender: &SyncSender<Line>) {
    let mut pipe = BufReader::new(pipe);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match pipe.by_ref().take(protocol::LONGEST_LINE as u64).read_until(b'\n', &mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&bytes);
        let line = if bytes.ends_with(b"\n") {
            protocol::parse(line.trim_end()).map_or_else(Line::Garbage, |event| Line::Event(Box::new(event)))
        } else {
            Line::Garbage(format!("half a line: {:?}", line.chars().take(80).collect::<String>()))
        };
        let garbage = matches!(line, Line::Garbage(_));
        if sender.send(line).is_err() || garbage {
            return;
        }
    }
}

/// Copies the log to its file and keeps its last lines, each cut to a length that a report can hold.
fn read_log(pipe: impl Read, mut file: Option<File>, last: &Mutex<VecDeque<String>>) {
    let mut pipe = BufReader::new(pipe);
    let mut bytes = Vec::new();
    let mut written = 0;
    loop {
        bytes.clear();
        match pipe.by_ref().take(64 * 1024).read_until(b'\n', &mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if let Some(file) = file.as_mut().filter(|_| written < LONGEST_LOG) {
            written += bytes.len() as u64;
            let _ = file.write_all(&bytes);
        }
        let line: String = printable(String::from_utf8_lossy(&bytes).trim_end()).chars().take(300).collect();
        if is_native_frame(&line) {
            continue;
        }
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIXTURE: &str = include_str!("../../../benchmark/test/fixtures/events.jsonl");

    fn read(bytes: &[u8]) -> Vec<Line> {
        let (sender, lines) = mpsc::sync_channel(1024);
        read_events(bytes, &sender);
        drop(sender);
        lines.into_iter().collect()
    }

    proptest! {
        // PROPTEST_CASES sets how many.
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_follows_the_first_garbage_is_not_read(
            good in 0..20_usize, garbage in proptest::collection::vec(any::<u8>(), 1..200)
        ) {
            let mut bytes: Vec<u8> = FIXTURE.lines().take(good).flat_map(|line| format!("{line}\n").into_bytes()).collect();
            bytes.extend(&garbage);
            bytes.push(b'\n');
            bytes.extend(FIXTURE.as_bytes());
            let lines = read(&bytes);
            prop_assert_eq!(lines.len(), good + 1);
            prop_assert!(lines[..good].iter().all(|line| matches!(line, Line::Event(_))));
            prop_assert!(matches!(lines[good], Line::Garbage(_)));
        }
    }

    #[test]
    fn spaces_around_an_event_are_no_garbage_and_a_blank_line_is() {
        let lines = read(b" \t{\"event\":\"dropped\"} \r\n \n");
        assert!(matches!(&lines[..], [Line::Event(_), Line::Garbage(_)]));
    }

    #[test]
    fn half_a_line_is_garbage_that_is_quoted() {
        let lines = read(b"{\"event\":\"dropped\"}\n{\"event\":\"dro");
        assert!(matches!(&lines[1], Line::Garbage(why) if why.contains("half a line") && why.contains("dro")));
    }

    #[test]
    fn a_log_that_never_ends_is_not_written_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let endless = std::io::repeat(b'x').take(LONGEST_LOG + (8 << 20));
        let last = Mutex::new(VecDeque::new());
        read_log(endless, File::create(&path).ok(), &last);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), LONGEST_LOG);
        assert_eq!(last.into_inner().unwrap().len(), LAST_LINES);
    }
}
