//! One suite process: one library at one scale in one round. Typed questions and answers over a [`Worker`].

use std::time::Duration;

use crate::protocol::{End, Event, Ground, Measure, OpenSuite, Phase, Ready, SuiteCommand};
use crate::worker::{Fault, Health, Worker};
use findings::results::{Failure, Operation, ValueOutcome};

/// How long a process may take to import its library and say so.
const OPEN_LIMIT: Duration = Duration::from_secs(60);
/// How long verification or a recording may take, beyond the limits of its calls.
const VERIFY_LIMIT: Duration = Duration::from_secs(120);
/// How long a call may take on average before a phase counts as hanging, on top of one call's own limit.
const SLOW_CALLS: u32 = 10;

/// How long trying values may take.
const VALUES_LIMIT: Duration = Duration::from_secs(20);

/// What the suite found of one operation before timing it.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    pub operation: Operation,
    pub first_call_ms: Option<f64>,
}

/// Every input of an operation's pool, called once with the right result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedCalls {
    pub calls: u64,
    /// What Scan returned.
    pub items: Option<u64>,
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
    /// Has a process import its library.
    ///
    /// # Errors
    /// Where it was not started, or does not say that it is ready.
    pub fn open(worker: anyhow::Result<Worker>, job: OpenSuite, health: Health<'_>) -> Result<(Suite, Ready), Fault> {
        let call_limit = Duration::from_millis(job.call_timeout_ms);
        let mut worker = worker.map_err(|why| {
            let cause = format!("{why:#}");
            Fault::Failed(Failure { stage: "start".into(), cause }, None)
        })?;
        let ready =
            worker.ask("start", &SuiteCommand::Open(Box::new(job)), OPEN_LIMIT, health, |event| match event {
                Event::Ready(ready) => Some(ready),
                _ => None,
            })?;
        Ok((Suite { worker, call_limit }, ready))
    }

    /// Makes the first, cold calls and checks what each operation does: everything, or one call each where another
    /// process of the same target was verified in full.
    ///
    /// # Errors
    /// [`Fault::WrongWork`] where a result or an effect is not what the data set says, and every other fault.
    pub fn verify(
        mut self,
        operations: &[Operation],
        full: bool,
        health: Health<'_>,
    ) -> Result<(VerifiedSuite, Vec<Verified>), Fault> {
        let command = SuiteCommand::Verify { operations: operations.to_vec(), full };
        let mut found = Vec::new();
        self.worker.ask("verify", &command, VERIFY_LIMIT + self.call_limit, health, |event| match event {
            Event::Verified { operation, first_call_ms } => {
                found.push(Verified { operation, first_call_ms });
                None
            }
            Event::VerifiedAll => Some(()),
            _ => None,
        })?;
        Ok((VerifiedSuite { worker: self.worker, call_limit: self.call_limit }, found))
    }
}

impl VerifiedSuite {
    /// Calls each input of an operation's pool once through the recording endpoint and checks each result.
    ///
    /// # Errors
    /// As [`Suite::verify`].
    pub fn record(&mut self, operation: Operation, health: Health<'_>) -> Result<RecordedCalls, Fault> {
        let command = SuiteCommand::Record { operation };
        let limit = VERIFY_LIMIT + self.call_limit;
        self.worker.ask("record", &command, limit, health, |event| match event {
            Event::Recorded { calls, items, .. } => Some(RecordedCalls { calls, items }),
            _ => None,
        })
    }

    /// Makes calls that are not timed one by one.
    ///
    /// # Errors
    /// Where they all throw, or take more than ten times as long as `expected`.
    pub fn warm_up(
        &mut self,
        operation: Operation,
        calls: u64,
        ground: Ground,
        expected: Duration,
        health: Health<'_>,
    ) -> Result<End, Fault> {
        let command = SuiteCommand::WarmUp { operation, calls, ground };
        let limit = expected * SLOW_CALLS + self.call_limit + Duration::from_secs(5);
        self.worker.ask("warm-up", &command, limit, health, |event| match event {
            Event::End(end) if end.phase == Phase::WarmUp => Some(end),
            _ => None,
        })
    }

    /// Times a slice of calls; `on_start` is called when the clock starts and `on_stop` when it stops.
    ///
    /// # Errors
    /// As [`VerifiedSuite::warm_up`].
    pub fn measure(
        &mut self,
        measure: Measure,
        expected: Duration,
        health: Health<'_>,
        on_start: &mut dyn FnMut(),
        on_stop: &mut dyn FnMut(),
    ) -> Result<End, Fault> {
        let phase = measure.phase;
        let limit = expected * SLOW_CALLS + self.call_limit + Duration::from_secs(5);
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

    /// Has values that libraries treat differently written and read. `found` gets what became of each as it comes, so
    /// that it stays where the process falls later; why none was tried, if so.
    ///
    /// # Errors
    /// Where the process ends or falls silent.
    pub fn values(&mut self, health: Health<'_>, mut found: impl FnMut(ValueOutcome)) -> Result<Option<String>, Fault> {
        self.worker.ask("values", &SuiteCommand::Values, VALUES_LIMIT, health, |event| match event {
            Event::Value(outcome) => {
                found(outcome);
                None
            }
            Event::ValuesTried { untried } => Some(untried),
            _ => None,
        })
    }

    /// Ends the process.
    pub fn end(self) {
        self.worker.end(&SuiteCommand::End);
    }
}
