//! The table keeper: a process of the bare SDK that makes the table, prepares what is deleted, undoes what was written
//! and checks that each library finds the table as the first one did.

use std::time::Duration;

use anyhow::Context as _;

use crate::protocol::{Data, Event, Filled, KeeperCommand, Lane};
use crate::worker::{Fault, Health, Worker};
use findings::results::{CallKind, Failure, Operation};

const OPEN_LIMIT: Duration = Duration::from_secs(60);

/// The tables of one scale and the process that keeps them. Ended by [`Keeper::end`], which drops the tables.
pub struct Keeper {
    worker: Worker,
    /// Of its Node process.
    pub pid: u32,
    /// In all tables, at most.
    items: u32,
}

/// Which tables.
#[derive(Debug, Clone)]
pub struct Tables {
    pub endpoint: String,
    pub calls: CallKind,
    pub data: Data,
    /// Whose items they hold: there is a table for each form of them.
    pub lanes: Vec<Lane>,
    /// What their names begin with.
    pub table: String,
    pub rehearsal_table: Option<String>,
    pub scan_part: Option<Filled>,
    pub items: u32,
    pub seed: u64,
}

impl Keeper {
    /// Has a worker open the tables.
    ///
    /// # Errors
    /// Where it does not say that it is ready.
    pub fn open(mut worker: Worker, tables: &Tables, health: Health<'_>) -> anyhow::Result<Keeper> {
        let open = KeeperCommand::Open {
            endpoint: tables.endpoint.clone(),
            calls: tables.calls,
            data: tables.data.clone(),
            lanes: tables.lanes.clone(),
            table: tables.table.clone(),
            rehearsal_table: tables.rehearsal_table.clone(),
            scan_part: tables.scan_part.clone(),
            items: tables.items,
            seed: tables.seed,
        };
        let pid = worker
            .ask("start", &open, OPEN_LIMIT, health, |event| match event {
                Event::Ready(ready) => Some(ready.pid),
                _ => None,
            })
            .context("starting the table keeper")?;
        // At most so many: libraries of one form share theirs.
        let items = tables.items.saturating_mul(tables.lanes.len().max(1) as u32);
        Ok(Keeper { worker, pid, items })
    }

    /// Creates and seeds the tables; of a kept database, those that it doesn't hold. How many were made; `progress` gets
    /// items done and items in all.
    pub fn create(&mut self, kept: bool, health: Health<'_>, mut progress: impl FnMut(u64, u64)) -> Result<u32, Fault> {
        let limit = Duration::from_secs(120) + Duration::from_millis(u64::from(self.items) * 2);
        self.worker.ask("seed", &KeeperCommand::Create { kept }, limit, health, |event| match event {
            Event::Progress { done, total } => {
                progress(done, total);
                None
            }
            Event::Created { made } => Some(made),
            _ => None,
        })
    }

    /// Calls every operation some times, so that a freshly started server has compiled its code.
    pub fn warm(&mut self, calls: u64, health: Health<'_>) -> Result<(), Fault> {
        self.worker.ask("warm", &KeeperCommand::Warm { calls }, Duration::from_secs(300), health, |event| {
            matches!(event, Event::Warm {}).then_some(())
        })
    }

    /// Writes the items that a lane will delete: those of calls 0 to `count`, or those of the recorded ground's pool.
    pub fn prepare(&mut self, lane: u32, count: u64, pool: bool, health: Health<'_>) -> Result<(), Fault> {
        let command = KeeperCommand::Prepare { lane, from: 0, count, pool };
        self.worker.ask("prepare", &command, Duration::from_secs(120), health, |event| {
            matches!(event, Event::Prepared {}).then_some(())
        })
    }

    /// Undoes what the lanes' processes did with an operation, calls 0 to `count`.
    pub fn restore(
        &mut self,
        lanes: Vec<u32>,
        operation: Operation,
        round: u32,
        count: u64,
        health: Health<'_>,
    ) -> Result<(), Fault> {
        let command = KeeperCommand::Restore { lanes, operation, round, from: 0, count };
        self.worker.ask("restore", &command, Duration::from_secs(120), health, |event| {
            matches!(event, Event::Restored {}).then_some(())
        })
    }

    /// Compares the tables with the data set, and counts their items. Of a table, `enough` items or more are compared,
    /// spread over all of it.
    pub fn check(&mut self, enough: u32, health: Health<'_>) -> Result<(), Fault> {
        let limit = Duration::from_secs(120) + Duration::from_millis(u64::from(self.items));
        let differs =
            self.worker.ask("check", &KeeperCommand::Check { enough }, limit, health, |event| match event {
                Event::Checked {} => Some(None),
                Event::Differs { expected, actual } => Some(Some((expected, actual))),
                _ => None,
            })?;
        match differs {
            None => Ok(()),
            Some((expected, actual)) => {
                let cause = format!("the table is not as it was seeded: expected {expected}, found {actual}");
                Err(Fault::Failed(Failure { stage: "check".into(), cause }, None))
            }
        }
    }

    /// Drops the tables and ends the process.
    pub fn end(mut self, health: Health<'_>) {
        let _ = self.worker.ask("drop", &KeeperCommand::Drop, Duration::from_secs(20), health, |event| {
            matches!(event, Event::Dropped {}).then_some(())
        });
        self.worker.end(&KeeperCommand::End);
    }
}
