//! What a run needs of the world outside: worker processes, the database they talk to, and the recorded answers. The
//! real ones are put together by the command; the tests have fake ones.

use std::path::PathBuf;

use crate::results::{Operation, Work};
use crate::setup::database::kept::Wanted;
use crate::workers::worker::{Probe, Worker};

/// The world of one run.
pub trait Site: Sync {
    /// The database's address, as `http://127.0.0.1:8000`.
    fn endpoint(&self) -> String;

    /// The database's process, where it is on this machine.
    fn database_pid(&self) -> Option<u32>;

    /// What is wrong with the database; None where nothing is.
    fn health(&self, probe: Probe) -> Option<String>;

    /// The end of the database's log.
    fn database_log(&self) -> String;

    /// Starts another database after one died.
    ///
    /// # Errors
    /// Where none can be started.
    fn restart_database(&mut self) -> anyhow::Result<()>;

    /// Starts another, empty database where this one does not suit tables of so many items.
    ///
    /// # Errors
    /// Where none can be started.
    fn suit_database(&mut self, items: u32) -> anyhow::Result<()>;

    /// Whether what is seeded is kept for later runs.
    fn keeps_database(&self) -> bool {
        false
    }

    /// Goes on with a copy of a kept database of these contents or, where there is none, with an empty one; whether
    /// there was one.
    ///
    /// # Errors
    /// Where it can't be started.
    fn take_kept(&mut self, _: &Wanted) -> anyhow::Result<bool> {
        Ok(false)
    }

    /// Keeps the database as it is now; a line about it for people.
    ///
    /// # Errors
    /// Where it can't be written.
    fn keep_database(&mut self) -> anyhow::Result<String> {
        Ok(String::new())
    }

    /// Throws away the kept database that was taken, and goes on with an empty one.
    ///
    /// # Errors
    /// Where it can't be deleted, or no other can be started.
    fn discard_kept(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    /// Starts a suite process of a target, by its index in the plan.
    ///
    /// # Errors
    /// Where the process can't be made.
    fn suite(&self, target: usize, log: PathBuf) -> anyhow::Result<Worker>;

    /// Has a fresh process import a target's bundle; the milliseconds, or why it can't be imported. None where it has no
    /// bundle.
    fn import_bundle(&self, target: usize) -> Option<Result<f64, String>>;

    /// Starts a keeper.
    ///
    /// # Errors
    /// Where the process can't be made.
    fn keeper(&self, log: PathBuf) -> anyhow::Result<Worker>;

    /// Opens an empty record for each target, and closes those that were there.
    ///
    /// # Errors
    /// Where no port can be listened on.
    fn open_records(&mut self) -> anyhow::Result<()>;

    /// A target's record.
    fn record(&self, target: usize) -> &dyn Record;
}

/// The answers that were recorded for one target, and what gives them.
pub trait Record: Sync {
    /// Where a suite reaches it.
    fn endpoint(&self) -> String;

    /// Passes requests on, meters them and records the answers.
    fn begin(&self, operation: Operation);

    /// Ends what [`Record::begin`] began; `calls` is how many the library made.
    ///
    /// # Errors
    /// Where something could not be recorded.
    fn end(&self, calls: u64) -> anyhow::Result<Recording>;

    /// Answers from the record from now on.
    fn answer(&self);

    /// The first request that was never recorded.
    fn unknown(&self) -> Option<String>;

    /// The thread that answers, by the system's number; none where that can't be kept on a core.
    fn thread(&self) -> Option<u32> {
        None
    }
}

/// What was recorded of one operation of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Per call.
    pub work: Work,
    /// Items in all answers together.
    pub items_returned: u64,
    /// Whether a library's requests differ from call to call, so that they are recognised by their keys.
    pub varies: bool,
}
