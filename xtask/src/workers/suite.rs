//! One suite process: one library at one scale in one round. Typed questions and answers over a [`Worker`].

use std::path::Path;
use std::time::Duration;

use crate::results::{Operation, Work};
use crate::workers::protocol::{End, Event, Measure, OpenSuite, Phase, Ready, SuiteCommand};
use crate::workers::worker::{Fault, Health, Worker};

/// How long a process may take to import its library and say so.
const OPEN_LIMIT: Duration = Duration::from_secs(60);
/// How long verification may take, beyond the limits of its calls.
const VERIFY_LIMIT: Duration = Duration::from_secs(120);

/// What the suite found of one operation before timing it.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    pub operation: Operation,
    pub first_call_ms: Option<f64>,
    pub work: Option<Work>,
}

/// An open suite process that has not been verified: it can't be timed.
pub struct Suite {
    worker: Worker,
    call_limit: Duration,
}

/// A suite process whose work was verified. Only [`Suite::verify`] makes one, so that what was not verified can't be
/// timed.
pub struct VerifiedSuite {
    worker: Worker,
    call_limit: Duration,
}

impl Suite {
    /// Starts the process and has it import its library.
    pub fn open(
        npm: &Path,
        install: &Path,
        log: std::path::PathBuf,
        job: OpenSuite,
        health: Health<'_>,
    ) -> Result<(Suite, Ready), Fault> {
        let call_limit = Duration::from_millis(job.call_timeout_ms);
        let mut worker = Worker::start(npm, install, "suite", log).map_err(|why| {
            let cause = format!("{why:#}");
            Fault::Failed(crate::results::Failure { stage: "start".into(), cause }, None)
        })?;
        let ready = worker.ask("start", &SuiteCommand::Open(job), OPEN_LIMIT, health, |event| match event {
            Event::Ready(ready) => Some(ready),
            _ => None,
        })?;
        Ok((Suite { worker, call_limit }, ready))
    }

    /// Makes the first, cold calls and checks what each operation does.
    pub fn verify(
        mut self,
        operations: &[Operation],
        health: Health<'_>,
    ) -> Result<(VerifiedSuite, Vec<Verified>), Fault> {
        let command = SuiteCommand::Verify { operations: operations.to_vec() };
        let mut found = Vec::new();
        self.worker.ask("verify", &command, VERIFY_LIMIT + self.call_limit, health, |event| match event {
            Event::Verified { operation, first_call_ms, work } => {
                found.push(Verified { operation, first_call_ms, work });
                None
            }
            Event::VerifiedAll => Some(()),
            _ => None,
        })?;
        Ok((VerifiedSuite { worker: self.worker, call_limit: self.call_limit }, found))
    }
}

impl VerifiedSuite {
    /// Makes one window of calls that are not timed one by one: at most `calls`, and no further one after `most`.
    pub fn warm_up(
        &mut self,
        operation: Operation,
        calls: u64,
        most: Duration,
        health: Health<'_>,
    ) -> Result<End, Fault> {
        let command = SuiteCommand::WarmUp { operation, calls, max_ms: most.as_secs_f64() * 1e3 };
        let limit = most + self.call_limit + Duration::from_secs(5);
        self.worker.ask("warm-up", &command, limit, health, |event| match event {
            Event::End(end) if end.phase == Phase::WarmUp => Some(end),
            _ => None,
        })
    }

    /// Times a slice of calls; `on_start` is called when the clock starts and `on_stop` when it stops.
    pub fn measure(
        &mut self,
        measure: Measure,
        expected: Duration,
        health: Health<'_>,
        mut on_start: impl FnMut(),
        mut on_stop: impl FnMut(),
    ) -> Result<End, Fault> {
        let phase = measure.phase;
        let limit = expected * 10 + self.call_limit + Duration::from_secs(5);
        self.worker.ask("measure", &SuiteCommand::Measure(measure), limit, health, |event| match event {
            Event::Start { .. } => {
                on_start();
                None
            }
            Event::Stopped { .. } => {
                on_stop();
                None
            }
            Event::End(end) if end.phase == phase => Some(end),
            _ => None,
        })
    }

    /// Ends the process.
    pub fn end(self) {
        self.worker.end(&SuiteCommand::End);
    }
}
