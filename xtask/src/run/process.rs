//! One target's process in a round, and what it has measured so far.

use std::collections::BTreeMap;

use crate::results::{ColdStart, Failure, FirstCall, Operation, PerProcess, RecordingNote, Round, WarmUp, Work};
use crate::run::warm_up::Warming;
use crate::workers::protocol::AdapterNotes;
use crate::workers::suite::VerifiedSuite;
use crate::workers::worker::Fault;

/// Of an operation's calls, the share that may throw before it counts as failed.
const TOLERATED_ERRORS: f64 = 0.01;

/// One target's process in a round.
pub struct Process {
    pub target: usize,
    pub id: String,
    pub place: u32,
    pub lane: u32,
    pub pid: u32,
    /// What its adapter says of itself, until it is in the results.
    pub notes: Option<AdapterNotes>,
    /// The packages of the AWS SDK that it loaded, until they are in the results.
    pub sdk_packages: Vec<String>,
    pub suite: VerifiedSuite,
    pub warming: Warming,
    /// What was recorded of its operations, per call, where this process recorded it.
    pub recorded: BTreeMap<Operation, RecordedOperation>,
    /// What it has measured, by operation.
    pub measured: BTreeMap<Operation, OperationRound>,
    pub cold: Cold,
}

impl Process {
    /// What it has measured of an operation.
    pub fn operation(&mut self, operation: Operation) -> &mut OperationRound {
        let warm_up = self.warming.operations.get(&operation);
        let (round, place) = (self.cold.round, self.place);
        self.measured.entry(operation).or_insert_with(|| OperationRound::new(round, place, warm_up.cloned()))
    }
}

/// The places of a round's processes among the sides of their turns. Who falls out takes its place along: the others keep
/// theirs.
pub struct Places(Vec<usize>);

impl Places {
    pub fn of(processes: &[Process]) -> Places {
        Places(processes.iter().map(|process| process.target).collect())
    }

    pub fn find(&self, process: &Process) -> usize {
        self.0.iter().position(|&target| target == process.target).unwrap_or(0)
    }
}

/// What was recorded of one operation.
#[derive(Debug, Clone)]
pub struct RecordedOperation {
    /// Per call.
    pub work: Work,
    pub note: Option<RecordingNote>,
    /// Wall time of a call while it was recorded.
    pub ms_per_call: f64,
}

/// What a fresh process paid before it was warm.
pub struct Cold {
    pub round: u32,
    pub import_ms: Option<f64>,
    /// Of its bundle, or why that can't be imported; none where it has no bundle.
    pub bundled_import_ms: Option<Result<f64, String>>,
    pub memory_mb: Option<f64>,
    pub first_call_ms: Vec<(Operation, f64)>,
}

/// One operation of one process while it is being measured.
pub struct OperationRound {
    pub round: Round,
    /// Calls made so far against the database, those that lead a turn in too: the next one's number.
    pub calls: u64,
    /// Calls made so far against recorded answers.
    pub recorded_calls: u64,
    /// What a call takes against the database, milliseconds, as far as is known.
    pub ms_per_call: f64,
    pub from_ms: f64,
    pub error: Option<String>,
}

impl OperationRound {
    fn new(round: u32, place: u32, warm_up: Option<WarmUp>) -> OperationRound {
        let none = WarmUp { calls: 0, wall_ms: 0.0, settled: false, windows_us: Vec::new(), helper_shares: Vec::new() };
        OperationRound {
            round: Round {
                round,
                place,
                warm_up: warm_up.unwrap_or(none),
                client: None,
                slices: Vec::new(),
                throughput: None,
                more_throughput: Vec::new(),
                usage: None,
                database: None,
                errors: 0,
            },
            calls: 0,
            recorded_calls: 0,
            ms_per_call: 0.0,
            from_ms: 0.0,
            error: None,
        }
    }

    pub fn note_errors(&mut self, errors: u64, message: Option<String>) {
        self.round.errors += errors;
        self.error = self.error.take().or(message);
    }

    /// Fails where more calls threw than may of so many.
    ///
    /// # Errors
    /// The failure, which quotes the first error.
    pub fn check_errors(&self, operation: Operation, of: u64) -> Result<(), Fault> {
        let errors = self.round.errors;
        if errors as f64 <= TOLERATED_ERRORS * of as f64 {
            return Ok(());
        }
        let error = self.error.as_deref().unwrap_or_default();
        let calls = self.calls + self.recorded_calls;
        let cause = format!("{errors} of {calls} calls threw: {error}");
        Err(Fault::Failed(Failure { stage: "measure".into(), cause }, Some(operation)))
    }
}

impl Cold {
    /// Adds this process's values to those of the target's other processes.
    pub fn keep(self, scale: &str, target: &str, all: &mut Vec<ColdStart>) {
        let none = || PerProcess { mean: 0.0, ci95: None, values: Vec::new() };
        let index = all.iter().position(|cold| cold.scale == scale && cold.target == target).unwrap_or_else(|| {
            all.push(ColdStart {
                scale: scale.to_owned(),
                target: target.to_owned(),
                import_ms: none(),
                bundled_import_ms: None,
                memory_mb: none(),
                first_call_ms: Vec::new(),
            });
            all.len() - 1
        });
        let cold = &mut all[index];
        cold.import_ms.values.extend(self.import_ms);
        if let Some(Ok(ms)) = self.bundled_import_ms {
            cold.bundled_import_ms.get_or_insert_with(none).values.push(ms);
        }
        cold.memory_mb.values.extend(self.memory_mb);
        for (operation, ms) in self.first_call_ms {
            match cold.first_call_ms.iter_mut().find(|first| first.operation == operation) {
                Some(first) => first.ms.values.push(ms),
                None => cold.first_call_ms.push(FirstCall { operation, ms: PerProcess { values: vec![ms], ..none() } }),
            }
        }
    }
}
