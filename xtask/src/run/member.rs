//! One target's process in a round, and what it has measured so far.

use crate::results::{ColdStart, Estimate, Failure, FirstCall, Operation, Round, Work};
use crate::run::warm_up::WarmUps;
use crate::workers::suite::VerifiedSuite;
use crate::workers::worker::Fault;

/// Of an operation's calls, the share that may throw before it counts as failed.
const TOLERATED_ERRORS: f64 = 0.01;

/// One target's process in a round.
pub struct Member {
    pub target: usize,
    pub id: String,
    pub place: u32,
    pub lane: u32,
    pub pid: u32,
    pub suite: VerifiedSuite,
    pub warmed: WarmUps,
    /// The operation that it is at.
    pub current: Option<Current>,
    pub rounds: Vec<(Operation, Round)>,
    pub works: Vec<(Operation, Work)>,
    pub cold: Cold,
}

/// What a fresh process paid before it was warm.
pub struct Cold {
    pub import_ms: f64,
    pub memory_mb: f64,
    pub first_call_ms: Vec<(Operation, f64)>,
}

/// One operation of one member while it is being measured.
pub struct Current {
    pub operation: Operation,
    pub round: Round,
    /// Calls to be made in the latency phase.
    pub latency_calls: u64,
    /// Calls to be made in the throughput phase with each number of calls in flight; 0 where the latency phase serves for
    /// both.
    pub throughput_calls: u64,
    /// Calls made so far, those that lead a turn in too: the next one's number.
    pub calls: u64,
    /// What the warm-up says that a call takes.
    pub ms_per_call: f64,
    pub from_ms: f64,
    pub error: Option<String>,
}

impl Current {
    pub fn note_errors(&mut self, errors: u64, message: Option<String>) {
        self.round.errors += errors;
        self.error = self.error.take().or(message);
    }

    /// Fails where more calls threw than may of so many.
    pub fn check_errors(&self, of: u64) -> Result<(), Fault> {
        let errors = self.round.errors;
        if errors as f64 <= TOLERATED_ERRORS * of as f64 {
            return Ok(());
        }
        let error = self.error.as_deref().unwrap_or_default();
        let cause = format!("{errors} of {} calls threw: {error}", self.calls);
        Err(Fault::Failed(Failure { stage: "measure".into(), cause }, Some(self.operation)))
    }
}

impl Cold {
    /// Adds this process's values to those of the target's other processes.
    pub fn keep(self, scale: &str, target: &str, all: &mut Vec<ColdStart>) {
        let none = || Estimate { mean: 0.0, ci95: None, values: Vec::new() };
        let index = all.iter().position(|cold| cold.scale == scale && cold.target == target).unwrap_or_else(|| {
            all.push(ColdStart {
                scale: scale.to_owned(),
                target: target.to_owned(),
                import_ms: none(),
                memory_mb: none(),
                first_call_ms: Vec::new(),
            });
            all.len() - 1
        });
        let cold = &mut all[index];
        cold.import_ms.values.push(self.import_ms);
        cold.memory_mb.values.push(self.memory_mb);
        for (operation, ms) in self.first_call_ms {
            match cold.first_call_ms.iter_mut().find(|first| first.operation == operation) {
                Some(first) => first.ms.values.push(ms),
                None => cold.first_call_ms.push(FirstCall { operation, ms: Estimate { values: vec![ms], ..none() } }),
            }
        }
    }
}
