//! A world for the tests of a run: suites and a keeper that speak the protocol from threads of this process, records
//! without a server, and a database that can only be gone. What they are asked is noted in the order in which it comes;
//! what they measure is made up, and nothing takes time.

use std::io::{BufRead as _, BufReader, PipeReader, PipeWriter, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use super::site::{Record, Recording, Site};
use crate::results::{Operation, ValueFate, ValueKind, ValueOutcome, Work};
use crate::workers::protocol::{Allocated, End, Event, Ground, KeeperCommand, Measure, Phase, Ready, SuiteCommand};
use crate::workers::worker::{Probe, Worker};

/// No process: nothing is to be watched, and nothing moved to another core.
const NO_PID: u32 = 0;
/// Items in every answer to Scan.
pub const ITEMS: u64 = 1_000;
/// What a call takes against the database, milliseconds; a tenth of it against recorded answers.
const MS_PER_CALL: f64 = 1.0;

/// What a suite can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Start,
    Verify,
    Record,
    WarmUp,
    Measure(Phase),
    Values,
}

/// What can happen instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    WrongWork,
    /// Scan returns an item fewer than the server did, and nobody notices but who counts.
    LosesAnItem,
    /// The process ends, with a last line in its log.
    Crash,
    Garbage,
    /// It says itself that it failed.
    Failed,
    /// All calls throw.
    Throws,
    /// A request goes out that was not recorded, and the library swallows the error.
    Unrecorded,
    /// No answer comes.
    Silence,
    /// The database is gone, and the process with it. So many times.
    DatabaseDies(u32),
}

/// When something happens: at a stage of a round, in one operation where the stage is about one.
#[derive(Debug, Clone, Copy)]
pub struct When {
    pub stage: Stage,
    pub operation: Option<Operation>,
    pub round: u32,
}

/// How one target behaves.
#[derive(Debug, Clone)]
pub struct Behaviour {
    pub trouble: Option<(When, Trouble)>,
    /// Times as slow as the others.
    pub slow: f64,
    /// How long a call takes with others in flight, as a share of what it takes alone.
    pub in_flight: f64,
    /// CPU of the other threads, as a share of the JavaScript thread's.
    pub helpers: f64,
}

impl Default for Behaviour {
    fn default() -> Behaviour {
        Behaviour { trouble: None, slow: 1.0, in_flight: 1.0, helpers: 0.1 }
    }
}

/// What was asked, and of whom.
#[derive(Debug, Clone)]
pub enum Asked {
    Suite { target: usize, round: u32, command: SuiteCommand },
    Keeper(KeeperCommand),
}

/// What the threads of a world share.
#[derive(Default)]
struct Shared {
    asked: Mutex<Vec<Asked>>,
    database_is_gone: AtomicBool,
    deaths: AtomicU32,
    /// By target.
    unrecorded: Mutex<Vec<usize>>,
}

impl Shared {
    fn hear(&self, asked: Asked) {
        self.asked.lock().unwrap().push(asked);
    }
}

/// The world of one run, with a behaviour for each target.
pub struct World {
    behaviours: Vec<Behaviour>,
    shared: Arc<Shared>,
    records: Vec<FakeRecord>,
    restarts: u32,
}

struct FakeRecord {
    target: usize,
    shared: Arc<Shared>,
}

impl World {
    pub fn new(behaviours: Vec<Behaviour>) -> World {
        World { behaviours, shared: Arc::default(), records: Vec::new(), restarts: 0 }
    }

    /// Everything that was asked so far, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// How often the database was started again.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }
}

impl Site for World {
    fn endpoint(&self) -> String {
        "http://127.0.0.1:1".into()
    }

    fn database_pid(&self) -> Option<u32> {
        None
    }

    fn health(&self, _: Probe) -> Option<String> {
        self.shared.database_is_gone.load(Ordering::SeqCst).then(|| "its process is gone".to_owned())
    }

    fn database_log(&self) -> String {
        "java.lang.OutOfMemoryError".into()
    }

    fn restart_database(&mut self) -> anyhow::Result<()> {
        self.restarts += 1;
        self.shared.database_is_gone.store(false, Ordering::SeqCst);
        Ok(())
    }

    fn suit_database(&mut self, _: u32) -> anyhow::Result<()> {
        Ok(())
    }

    fn suite(&self, target: usize, log: PathBuf) -> anyhow::Result<Worker> {
        let (shared, behaviour) = (Arc::clone(&self.shared), self.behaviours[target].clone());
        let suite = FakeSuite { target, round: 0, behaviour, shared };
        over_pipes(log, |commands, events, words| suite.serve(commands, events, words))
    }

    fn import_bundle(&self, _: usize) -> Option<Result<f64, String>> {
        Some(Ok(40.0))
    }

    fn keeper(&self, log: PathBuf) -> anyhow::Result<Worker> {
        let shared = Arc::clone(&self.shared);
        over_pipes(log, move |commands, events, _| keep(&shared, commands, events))
    }

    fn open_records(&mut self) -> anyhow::Result<()> {
        let open = |target| FakeRecord { target, shared: Arc::clone(&self.shared) };
        self.records = (0..self.behaviours.len()).map(open).collect();
        Ok(())
    }

    fn record(&self, target: usize) -> &dyn Record {
        &self.records[target]
    }
}

impl Record for FakeRecord {
    fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.target + 2)
    }

    fn begin(&self, _: Operation) {}

    fn end(&self, calls: u64) -> anyhow::Result<Recording> {
        let work = Work {
            requests: 1.0,
            items_returned: ITEMS as f64 / calls as f64,
            items_scanned: ITEMS as f64 / calls as f64,
            capacity_units: None,
            request_bytes: 100.0,
            response_bytes: 500.0,
        };
        Ok(Recording { work, items_returned: ITEMS, varies: false })
    }

    fn answer(&self) {}

    fn unknown(&self) -> Option<String> {
        let unrecorded = self.shared.unrecorded.lock().unwrap();
        unrecorded.contains(&self.target).then(|| "a request that was never recorded: GetItem".to_owned())
    }
}

/// A worker whose other end is a thread.
fn over_pipes(
    log: PathBuf,
    serve: impl FnOnce(PipeReader, PipeWriter, PipeWriter) + Send + 'static,
) -> anyhow::Result<Worker> {
    let (commands, stdin) = std::io::pipe()?;
    let (stdout, events) = std::io::pipe()?;
    let (stderr, words) = std::io::pipe()?;
    std::thread::Builder::new().name("fake worker".into()).spawn(move || serve(commands, events, words))?;
    Worker::over(stdin, stdout, stderr, log)
}

/// Writes events; false where nobody reads them any more.
fn say(to: &mut PipeWriter, events: &[Event]) -> bool {
    let lines: String = events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect();
    to.write_all(lines.as_bytes()).is_ok()
}

/// A suite process: one target in one round.
struct FakeSuite {
    target: usize,
    round: u32,
    behaviour: Behaviour,
    shared: Arc<Shared>,
}

impl FakeSuite {
    fn serve(mut self, commands: PipeReader, mut events: PipeWriter, mut words: PipeWriter) {
        for line in BufReader::new(commands).lines().map_while(Result::ok) {
            let command: SuiteCommand = serde_json::from_str(&line).unwrap();
            if let SuiteCommand::Open(job) = &command {
                self.round = job.round;
            }
            self.shared.hear(Asked::Suite { target: self.target, round: self.round, command: command.clone() });
            if matches!(command, SuiteCommand::End) {
                return;
            }
            let goes_on = match self.trouble(&command) {
                None => say(&mut events, &self.answer(&command)),
                Some(trouble) => self.make(trouble, &command, &mut events, &mut words),
            };
            if !goes_on {
                return;
            }
        }
    }

    /// What happens now instead of an answer.
    fn trouble(&self, command: &SuiteCommand) -> Option<Trouble> {
        let (when, trouble) = self.behaviour.trouble?;
        let (stage, operation) = stage_of(command);
        let is_now =
            when.round == self.round && when.stage == stage && when.operation.is_none_or(|at| Some(at) == operation);
        match trouble {
            Trouble::DatabaseDies(times) if self.shared.deaths.load(Ordering::SeqCst) >= times => None,
            _ => is_now.then_some(trouble),
        }
    }

    /// Whether the process lives on.
    fn make(&self, trouble: Trouble, command: &SuiteCommand, events: &mut PipeWriter, words: &mut PipeWriter) -> bool {
        let (_, operation) = stage_of(command);
        match trouble {
            Trouble::WrongWork => {
                let operation = operation.unwrap_or(Operation::GetItem);
                let (expected, actual) = ("the customer as seeded".to_owned(), "another one".to_owned());
                say(events, &[Event::WrongWork { operation, expected, actual }]);
                false
            }
            Trouble::LosesAnItem => {
                let operation = Operation::Scan;
                say(events, &[Event::Recorded { operation, calls: 1, items: Some(ITEMS - 1) }])
            }
            Trouble::Crash => {
                writeln!(words, "FATAL ERROR: heap out of memory").unwrap();
                false
            }
            Trouble::Garbage => writeln!(events, "Hello from a library").is_ok(),
            Trouble::Failed => {
                let (stage, message) = ("measure".to_owned(), "a call took longer than 30 s".to_owned());
                say(events, &[Event::Failed { stage, operation, message }]);
                false
            }
            Trouble::Throws => {
                let mut answer = self.answer(command);
                if let Some(Event::End(end)) = answer.last_mut() {
                    end.errors = end.calls;
                    end.error_message = Some("socket hang up".to_owned());
                    end.samples_ms.clear();
                }
                say(events, &answer)
            }
            Trouble::Unrecorded => {
                self.shared.unrecorded.lock().unwrap().push(self.target);
                say(events, &self.answer(command))
            }
            Trouble::Silence => true,
            Trouble::DatabaseDies(_) => {
                self.shared.deaths.fetch_add(1, Ordering::SeqCst);
                self.shared.database_is_gone.store(true, Ordering::SeqCst);
                false
            }
        }
    }

    fn answer(&self, command: &SuiteCommand) -> Vec<Event> {
        match command {
            SuiteCommand::Open(_) => vec![ready()],
            SuiteCommand::Verify { operations, .. } => operations
                .iter()
                .map(|&operation| Event::Verified { operation, first_call_ms: Some(9.0) })
                .chain([Event::VerifiedAll])
                .collect(),
            SuiteCommand::Record { operation } => {
                let (calls, items) = if *operation == Operation::Scan { (1, Some(ITEMS)) } else { (64, None) };
                vec![Event::Recorded { operation: *operation, calls, items }]
            }
            SuiteCommand::WarmUp { operation, calls, ground } => {
                vec![Event::End(self.end(*operation, Phase::WarmUp, *calls, *ground))]
            }
            SuiteCommand::Measure(Measure { operation, phase, calls, .. }) => {
                let ground = match phase {
                    Phase::Latency | Phase::Throughput => Ground::Database,
                    _ => Ground::Recorded,
                };
                let (operation, phase) = (*operation, *phase);
                let end = Event::End(self.end(operation, phase, *calls, ground));
                match ground {
                    Ground::Database => {
                        vec![Event::Start { operation, phase }, Event::Stopped { operation, phase }, end]
                    }
                    Ground::Recorded => vec![end],
                }
            }
            SuiteCommand::Values => {
                let (kind, outcome, detail) = (ValueKind::Buffer, ValueFate::Changed, Some("Uint8Array".to_owned()));
                let stored_type = Some("B".to_owned());
                let outcome = ValueOutcome { kind, outcome, detail, stored_type, stored: None, untyped: false };
                vec![Event::Value(outcome), Event::ValuesTried { untried: None }]
            }
            SuiteCommand::End => Vec::new(),
        }
    }

    /// The end of a phase of calls that all take equally long.
    fn end(&self, operation: Operation, phase: Phase, calls: u64, ground: Ground) -> End {
        let is = |wanted| phase == wanted;
        let alone = self.behaviour.slow * if ground == Ground::Recorded { MS_PER_CALL / 10.0 } else { MS_PER_CALL };
        let ms = if is(Phase::Throughput) { alone * self.behaviour.in_flight } else { alone };
        let wall_ms = ms * calls as f64;
        let thread_ms = wall_ms * 0.5;
        End {
            operation,
            phase,
            calls,
            wall_ms,
            cpu_ms: thread_ms * (1.0 + self.behaviour.helpers),
            thread_ms: Some(thread_ms),
            samples_ms: if is(Phase::Latency) { vec![ms; calls as usize] } else { Vec::new() },
            errors: 0,
            error_message: None,
            allocation: is(Phase::Allocation).then_some(Allocated { bytes: 1e4 * calls as f64, collections: 0 }),
        }
    }
}

/// The stage of a command and the operation that it is about.
fn stage_of(command: &SuiteCommand) -> (Stage, Option<Operation>) {
    match command {
        SuiteCommand::Open(_) | SuiteCommand::End => (Stage::Start, None),
        SuiteCommand::Verify { operations, .. } => (Stage::Verify, operations.first().copied()),
        SuiteCommand::Record { operation } => (Stage::Record, Some(*operation)),
        SuiteCommand::WarmUp { operation, .. } => (Stage::WarmUp, Some(*operation)),
        SuiteCommand::Values => (Stage::Values, None),
        SuiteCommand::Measure(measure) => (Stage::Measure(measure.phase), Some(measure.operation)),
    }
}

fn ready() -> Event {
    Event::Ready(Ready {
        pid: NO_PID,
        import_ms: Some(120.0),
        memory_mb: Some(80.0),
        sdk_packages: Vec::new(),
        adapter: None,
    })
}

/// The table keeper: does all that it is asked at once.
fn keep(shared: &Shared, commands: PipeReader, mut events: PipeWriter) {
    for line in BufReader::new(commands).lines().map_while(Result::ok) {
        let command: KeeperCommand = serde_json::from_str(&line).unwrap();
        shared.hear(Asked::Keeper(command.clone()));
        let answer = match command {
            KeeperCommand::Open { .. } => ready(),
            KeeperCommand::Create { .. } => Event::Created { made: 1 },
            KeeperCommand::Warm { .. } => Event::Warm {},
            KeeperCommand::Prepare { .. } => Event::Prepared {},
            KeeperCommand::Restore { .. } => Event::Restored {},
            KeeperCommand::Check { .. } => Event::Checked {},
            KeeperCommand::Drop => Event::Dropped {},
            KeeperCommand::End => return,
        };
        if !say(&mut events, &[answer]) {
            return;
        }
    }
}
