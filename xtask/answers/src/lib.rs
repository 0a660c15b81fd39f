//! Recorded answers: an HTTP server on loopback, in one thread of its own, between a measured process and `DynamoDB`
//! Local. Each target has a [`Door`] with a port of its own. A door passes requests on, meters and records them while
//! work is verified, and later answers from its record alone, so that the cost of a client can be measured without a
//! database next to it. It knows nothing of suites and rounds; the conductor sets a door's mode. A crate of its own, so
//! that it alone is optimised: what it costs is spent while something is measured.

mod door;
mod json;
mod key;
mod record;
mod reply;
mod serve;
mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod traffic;
mod upstream;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use anyhow::Context as _;
use nix::time::{ClockId, clock_gettime};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use store::Store;
use upstream::{Limits, Upstream};

pub use door::Door;
pub use record::Recorded;
pub use traffic::Traffic;

/// How much all doors together may hold in their records, bytes.
pub const MOST_RECORDED: usize = 150 << 20;
/// A page of a scan of 1,000,000 items takes the database tens of seconds. `DynamoDB` Local closes a connection that it
/// has heard nothing on for 30 s.
const UPSTREAM_LIMITS: Limits = Limits { answer: Duration::from_mins(5), idle: Duration::from_secs(15) };
/// How long the server's thread may take to read its own clock.
const CLOCK_LIMIT: Duration = Duration::from_secs(5);

/// The server. Dropped, its thread ends, and with it every connection and every port.
#[derive(Debug)]
pub struct Answers {
    shared: Arc<Shared>,
    runtime: Handle,
    /// Dropped, it ends the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What the answers from the record have cost this process since the server was started.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// Answers that were given from a record.
    pub answers: u64,
    /// User and system time of the server's thread, milliseconds; what it passed on and recorded is in it too.
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
    answers: AtomicU64,
    bytes: AtomicU64,
}

impl Answers {
    /// Starts the thread; `upstream` is where the database listens (plain HTTP).
    ///
    /// # Errors
    /// Where the system gives no thread or no event queue.
    pub fn start(upstream: SocketAddr) -> anyhow::Result<Answers> {
        Answers::start_with(upstream, MOST_RECORDED, UPSTREAM_LIMITS)
    }

    fn start_with(upstream: SocketAddr, most_recorded: usize, limits: Limits) -> anyhow::Result<Answers> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .context("starting the server of recorded answers")?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("answers".to_owned())
            .spawn(move || {
                let _ = runtime.block_on(stopped);
            })
            .context("starting the thread of recorded answers")?;
        let shared = Shared {
            upstream: Upstream::new(upstream, limits),
            store: Store::new(most_recorded),
            answers: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        };
        Ok(Answers { shared: Arc::new(shared), runtime: handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Where requests are passed on to from now on, after the database was started again.
    pub fn set_upstream(&self, upstream: SocketAddr) {
        self.shared.upstream.set(upstream);
    }

    /// A door with a port of its own, which passes requests on until it is set otherwise. `name` is for messages: the
    /// target and the scale.
    ///
    /// # Errors
    /// Where there is no port to listen on.
    pub fn door(&self, name: &str) -> anyhow::Result<Door> {
        Door::open(name, &self.runtime, &self.shared).with_context(|| format!("opening the door of {name}"))
    }

    /// What the server has cost so far.
    ///
    /// # Errors
    /// Where its thread does not answer, or the system keeps no clock of a thread.
    pub fn spent(&self) -> anyhow::Result<Spent> {
        let (send, receive) = mpsc::channel();
        self.runtime.spawn(async move {
            let _ = send.send(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID));
        });
        let clock = receive.recv_timeout(CLOCK_LIMIT).context("the thread of recorded answers does not answer")?;
        let clock = Duration::from(clock.context("reading the clock of the thread of recorded answers")?);
        Ok(Spent {
            answers: self.shared.answers.load(Ordering::Relaxed),
            cpu_ms: clock.as_secs_f64() * 1e3,
            bytes: self.shared.bytes.load(Ordering::Relaxed),
        })
    }

    /// What all records together hold, bytes; at most [`MOST_RECORDED`].
    pub fn held_bytes(&self) -> usize {
        self.shared.store.held()
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The content of a lock; a holder that panicked left nothing half done that matters.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
