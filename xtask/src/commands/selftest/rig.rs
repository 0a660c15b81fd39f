//! What the parts that measure by hand share: a table, recorded answers for some libraries, and suite processes on them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;

use super::lab::{Lab, SEED};
use crate::plan::POOL;
use crate::plan::items::Items;
use crate::plan::library::Library;
use crate::plan::turns::{Lots, SliceLength};
use crate::results::{CallKind, Operation};
use crate::run::at_once::{at_once, cores};
use crate::run::described;
use crate::run::recording::to_record;
use crate::run::starting::to_verify;
use crate::setup::npm;
use crate::workers::keeper::{Keeper, Tables};
use crate::workers::protocol::{Lane, Measure, OpenSuite, Phase};
use crate::workers::suite::{Suite, VerifiedSuite};
use crate::workers::worker::{Fault, Probe, Worker};
use answers::{Answers, Door};
use stats::parts::Part;

/// Calls that warm the server.
const SERVER_WARM_UP_CALLS: u64 = 2_000;
/// A call is not expected to take longer than this.
const LONGEST_CALL: Duration = Duration::from_secs(5);

/// A database with a table, and the records of some libraries.
pub struct Rig<'a, 'b> {
    lab: &'a Lab<'b>,
    pub libraries: Vec<Library>,
    operations: Vec<Operation>,
    pub tables: Tables,
    /// In a lock, so that processes of the rig can be started on several threads.
    keeper: Mutex<Keeper>,
    out: PathBuf,
    _answers: Answers,
    /// Of each library.
    doors: Vec<Door>,
    /// Of the next processes: keys are a function of it.
    round: u32,
}

/// A verified process of one of the rig's libraries.
pub struct Process {
    /// Which library.
    pub at: usize,
    pub pid: u32,
    pub suite: VerifiedSuite,
    /// Calls made so far: the next one's number.
    calls: BTreeMap<Operation, u64>,
}

/// What the calls of a slice took: sums, so that the statistics can weigh them.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sums {
    pub latency_ms: f64,
    pub cpu_ms: f64,
}

impl<'a, 'b> Rig<'a, 'b> {
    /// Creates the table and warms the server.
    ///
    /// # Errors
    /// Where something can't be started.
    pub fn start(
        lab: &'a Lab<'b>,
        libraries: Vec<Library>,
        operations: Vec<Operation>,
        out: PathBuf,
    ) -> anyhow::Result<Rig<'a, 'b>> {
        std::fs::create_dir_all(&out).with_context(|| format!("creating {}", out.display()))?;
        let scans = operations.iter().any(|operation| operation.grows_with_the_table());
        // A part that failed may have left its table.
        let part = out.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let table = format!("bench-selftest-{part}");
        let lanes = (1..).zip(&libraries).map(|(lane, library)| Lane { lane, adapter: library.id.to_owned() });
        let tables = Tables {
            endpoint: lab.server()?.endpoint.clone(),
            calls: CallKind::Documented,
            data: described(&Items::default()),
            lanes: lanes.collect(),
            rehearsal_table: scans.then(|| format!("{table}-rehearsal")),
            scan_part: None,
            table,
            items: 1_000,
            seed: SEED,
        };
        let answers = Answers::of(lab.server()?.address);
        let doors = libraries.iter().map(|library| answers.door(library.id)).collect::<anyhow::Result<_>>()?;
        let health = |probe| lab.health(probe);
        let program = npm::worker(&lab.tools.node, &[], &lab.benchmark, "keeper")?;
        let mut keeper = Keeper::open(Worker::start(program, "keeper", out.join("keeper.log"))?, &tables, &health)?;
        keeper.create(false, &health, |_, _| {})?;
        keeper.warm(SERVER_WARM_UP_CALLS, &health)?;
        Ok(Rig {
            lab,
            libraries,
            operations,
            tables,
            keeper: Mutex::new(keeper),
            out,
            _answers: answers,
            doors,
            round: 0,
        })
    }

    /// What is wrong with the database.
    pub fn health(&self) -> impl Fn(Probe) -> Option<String> + Sync + use<'_, 'a, 'b> {
        |probe| self.lab.health(probe)
    }

    /// What is drawn for the turns of the processes that were started last.
    pub fn lots(&self, operation: Operation) -> Lots {
        Lots::of(SEED, self.round, operation)
    }

    /// The thread that answers a process from the record.
    pub fn answering(&self, process: &Process) -> Option<u32> {
        self.doors[process.at].thread()
    }

    /// Fresh, verified processes of some of its libraries. The first ones are verified in full, and their answers are
    /// recorded.
    ///
    /// # Errors
    /// Where a process fails or does wrong work.
    pub fn start_processes(&mut self, which: &[usize]) -> anyhow::Result<Vec<Process>> {
        let first = self.round == 0;
        let started: Vec<Result<Process, Fault>> = {
            let this = &*self;
            at_once(which.to_vec(), cores(), |at| this.start_process(at, first))
        };
        let mut processes = started.into_iter().collect::<Result<Vec<Process>, Fault>>()?;
        if first {
            self.record(&mut processes)?;
        }
        self.round += 1;
        Ok(processes)
    }

    fn start_process(&self, at: usize, full: bool) -> Result<Process, Fault> {
        let library = self.libraries[at];
        let job = OpenSuite {
            target: library.id.to_owned(),
            adapter: library.id.to_owned(),
            calls: CallKind::Documented,
            data: Box::new(self.tables.data.clone()),
            endpoint: self.tables.endpoint.clone(),
            recorded_endpoint: self.doors[at].endpoint(),
            table: self.tables.table.clone(),
            rehearsal_table: self.tables.rehearsal_table.clone(),
            scan_part: None,
            items: self.tables.items,
            seed: SEED,
            round: self.round,
            lane: at as u32 + 1,
            pool: POOL,
            call_timeout_ms: 30_000,
            handicap: BTreeMap::new(),
            twice: BTreeMap::new(),
        };
        let log = self.out.join(format!("{}-{}.log", library.id, self.round));
        let runtime = &self.lab.runtime;
        let program = npm::worker(&runtime.program, &runtime.flags, self.lab.install_of(library), "suite");
        let worker = program.and_then(|program| Worker::start(program, "suite", log));
        let health = self.health();
        let (suite, ready) = Suite::open(worker, job, &health)?;
        let (suite, _) = suite.verify(&to_verify(&self.operations, full), full, &health)?;
        Ok(Process { at, pid: ready.pid, suite, calls: BTreeMap::new() })
    }

    /// Records every operation of some processes.
    fn record(&self, processes: &mut [Process]) -> anyhow::Result<()> {
        let lab = self.lab;
        let health = |probe| lab.health(probe);
        self.restore()?;
        for operation in to_record(&self.operations) {
            for process in &mut *processes {
                if operation.consumes_items() {
                    self.keeper().prepare(process.at as u32 + 1, u64::from(POOL), true, &health)?;
                }
                let door = &self.doors[process.at];
                door.record(operation.name());
                let called = process.suite.record(operation, &health);
                let recorded = door.end_recording();
                called?;
                recorded?;
            }
        }
        for process in processes {
            self.doors[process.at].answer();
        }
        self.restore()
    }

    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Undoes what the libraries' processes wrote for their records.
    fn restore(&self) -> anyhow::Result<()> {
        let lab = self.lab;
        let health = |probe| lab.health(probe);
        let lanes: Vec<u32> = (1..=self.libraries.len() as u32).collect();
        for operation in Operation::ALL.into_iter().filter(|operation| !operation.only_reads()) {
            self.keeper().restore(lanes.clone(), operation, self.round, 0, &health)?;
        }
        Ok(())
    }

    /// One slice of an operation, which begins as it does in a run: against recorded answers, or against the database.
    ///
    /// # Errors
    /// Where the calls fail.
    pub fn slice(
        &self,
        process: &mut Process,
        operation: Operation,
        phase: Phase,
        calls: u64,
        (begin, stop): (&mut dyn FnMut(), &mut dyn FnMut()),
    ) -> anyhow::Result<Sums> {
        let length = if phase == Phase::Client { SliceLength::client(operation) } else { SliceLength::LATENCY };
        let lead_in = length.lead_in(calls);
        let from = *process.calls.get(&operation).unwrap_or(&0);
        process.calls.insert(operation, from + lead_in + calls);
        let measure = Measure { operation, phase, calls, lead_in, from, check: false, concurrency: None };
        let end = process.suite.measure(measure, LONGEST_CALL * calls as u32, &self.health(), begin, stop)?;
        Ok(Sums { latency_ms: end.samples_ms.iter().sum(), cpu_ms: end.thread_ms.unwrap_or(end.cpu_ms) })
    }

    /// A slice of the client phase.
    ///
    /// # Errors
    /// Where the calls fail.
    pub fn client_slice(&self, process: &mut Process, operation: Operation, calls: u64) -> anyhow::Result<Part> {
        let sums = self.slice(process, operation, Phase::Client, calls, (&mut || {}, &mut || {}))?;
        Ok(Part { total: sums.cpu_ms, calls: calls as f64 })
    }

    /// Drops the table.
    pub fn end(self) {
        let lab = self.lab;
        self.keeper.into_inner().unwrap_or_else(PoisonError::into_inner).end(&|probe| lab.health(probe));
    }
}
