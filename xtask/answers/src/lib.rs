//! Recorded answers: an HTTP server on loopback between a measured process and `DynamoDB` Local. Each target has a
//! [`Door`] with a port and a thread of its own. A door passes requests on, meters and records them while work is
//! verified, and later answers from its record alone, so that the cost of a client can be measured without a database
//! next to it. It knows nothing of suites and rounds; the conductor sets a door's mode. A crate of its own, so that it
//! alone is optimised: what it costs is spent while something is measured.

mod door;
mod json;
mod key;
mod message;
mod record;
mod reply;
mod serve;
mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod thread;
mod traffic;
mod upstream;
mod wire;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;

use store::Store;
use thread::Clocks;
use upstream::{Limits, Upstream};

pub use door::Door;
pub use record::Recorded;
pub use traffic::Traffic;

/// How much all doors together may hold in their records, bytes.
pub const MOST_RECORDED: usize = 150 << 20;
/// A page of a scan of 1,000,000 items takes the database tens of seconds. `DynamoDB` Local closes a connection that it
/// has heard nothing on for 30 s.
const UPSTREAM_LIMITS: Limits = Limits { answer: Duration::from_mins(5), idle: Duration::from_secs(15) };

/// The server: what its doors share.
#[derive(Debug)]
pub struct Answers {
    shared: Arc<Shared>,
}

/// What the answers from the record have cost this process.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// Answers that were given from a record.
    pub answers: u64,
    /// User and system time of the doors' threads since these answer from their records, milliseconds.
    pub cpu_ms: f64,
    /// Bodies of the answers that were given from a record, bytes.
    pub bytes: u64,
}

impl Spent {
    /// What was spent after `before`.
    #[must_use]
    pub fn since(self, before: Spent) -> Spent {
        Spent {
            answers: self.answers.saturating_sub(before.answers),
            cpu_ms: self.cpu_ms - before.cpu_ms,
            bytes: self.bytes.saturating_sub(before.bytes),
        }
    }

    /// CPU for each answer, microseconds; none without answers.
    pub fn micros_per_answer(self) -> Option<f64> {
        (self.answers > 0).then(|| self.cpu_ms * 1e3 / self.answers as f64)
    }
}

/// What all doors share.
#[derive(Debug)]
struct Shared {
    upstream: Upstream,
    store: Store,
    clocks: Clocks,
    answers: AtomicU64,
    bytes: AtomicU64,
}

impl Answers {
    /// A server of what `upstream`, where the database listens (plain HTTP), has answered.
    #[must_use]
    pub fn of(upstream: SocketAddr) -> Answers {
        Answers::with_limits(upstream, MOST_RECORDED, UPSTREAM_LIMITS)
    }

    fn with_limits(upstream: SocketAddr, most_recorded: usize, limits: Limits) -> Answers {
        Answers {
            shared: Arc::new(Shared {
                upstream: Upstream::new(upstream, limits),
                store: Store::new(most_recorded),
                clocks: Clocks::default(),
                answers: AtomicU64::new(0),
                bytes: AtomicU64::new(0),
            }),
        }
    }

    /// Where requests are passed on to from now on, after the database was started again.
    pub fn set_upstream(&self, upstream: SocketAddr) {
        self.shared.upstream.set(upstream);
    }

    /// A door with a port of its own, which passes requests on until it is set otherwise. `name` is for messages: the
    /// target and the scale.
    ///
    /// # Errors
    /// Where there is no port to listen on, or the system gives no thread or no event queue.
    pub fn door(&self, name: &str) -> anyhow::Result<Door> {
        Door::open(name, &self.shared).with_context(|| format!("opening the door of {name}"))
    }

    /// What the server has cost so far.
    ///
    /// # Errors
    /// Where a thread does not answer, or the system keeps no clock of a thread.
    pub fn spent(&self) -> anyhow::Result<Spent> {
        Ok(Spent {
            answers: self.shared.answers.load(Ordering::Relaxed),
            cpu_ms: self.shared.clocks.read()?.as_secs_f64() * 1e3,
            bytes: self.shared.bytes.load(Ordering::Relaxed),
        })
    }

    /// What all records together hold, bytes; at most [`MOST_RECORDED`].
    pub fn held_bytes(&self) -> usize {
        self.shared.store.held()
    }
}

/// The content of a lock; a holder that panicked left nothing half done that matters.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
