//! The thread of a door's own: whoever measures can keep it on the core of the process that it answers. Waking a thread
//! on another core costs several times as much as waking one on the same, and both sides pay for it.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use anyhow::Context as _;
use nix::time::{ClockId, clock_gettime};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::lock;

/// How long a thread may take to read its own clock.
const CLOCK_LIMIT: Duration = Duration::from_secs(5);

/// A thread that runs a door, until this is dropped.
#[derive(Debug)]
pub struct Thread {
    pub runtime: Handle,
    /// The system's number of it; none on another system than Linux.
    pub id: Option<u32>,
    /// Dropped, it ends the thread.
    stop: Option<oneshot::Sender<()>>,
    running: Option<std::thread::JoinHandle<()>>,
}

/// What the threads of all doors have cost since they answer from the record.
#[derive(Debug, Default)]
pub struct Clocks {
    ended: Mutex<Duration>,
    answering: Mutex<Vec<Answering>>,
}

/// A thread that answers from the record.
#[derive(Debug)]
struct Answering {
    runtime: Handle,
    /// What it had cost when it began to, where its clock could be read.
    from: Option<Duration>,
}

impl Thread {
    /// # Errors
    /// Where the system gives no thread or no event queue.
    pub fn start() -> anyhow::Result<Thread> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .context("starting the server of recorded answers")?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let (send_id, id) = mpsc::channel();
        let running = std::thread::Builder::new()
            .name("answers".to_owned())
            .spawn(move || {
                let _ = send_id.send(own_id());
                let _ = runtime.block_on(stopped);
            })
            .context("starting the thread of recorded answers")?;
        let id = id.recv().ok().flatten();
        Ok(Thread { runtime: handle, id, stop: Some(stop), running: Some(running) })
    }

    /// Ends the thread, and with it everything that it runs.
    pub fn end(&mut self) {
        drop(self.stop.take());
        if let Some(running) = self.running.take() {
            let _ = running.join();
        }
    }
}

impl Clocks {
    /// Counts what a thread costs from now on, if it isn't counted yet.
    pub fn count(&self, runtime: &Handle) {
        let mut answering = lock(&self.answering);
        if !answering.iter().any(|one| one.runtime.id() == runtime.id()) {
            answering.push(Answering { runtime: runtime.clone(), from: clock(runtime).ok() });
        }
    }

    /// User and system time of all threads since they answer, those that ended included.
    ///
    /// # Errors
    /// Where a thread does not answer, or the system keeps no clock of one.
    pub fn read(&self) -> anyhow::Result<Duration> {
        lock(&self.answering).iter().try_fold(*lock(&self.ended), |sum, one| Ok(sum + one.cost()?))
    }

    /// Keeps what a thread has cost that is about to end.
    pub fn end(&self, runtime: &Handle) {
        for one in lock(&self.answering).extract_if(.., |one| one.runtime.id() == runtime.id()) {
            *lock(&self.ended) += one.cost().unwrap_or_default();
        }
    }
}

impl Answering {
    fn cost(&self) -> anyhow::Result<Duration> {
        let from = self.from.context("the clock of a thread of recorded answers could not be read")?;
        Ok(clock(&self.runtime)?.saturating_sub(from))
    }
}

/// What the thread of a runtime has cost so far, as it reads it itself.
fn clock(runtime: &Handle) -> anyhow::Result<Duration> {
    let (send, receive) = mpsc::channel();
    runtime.spawn(async move {
        let _ = send.send(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID));
    });
    let clock = receive.recv_timeout(CLOCK_LIMIT).context("a thread of recorded answers does not answer")?;
    Ok(clock.context("reading the clock of a thread of recorded answers")?.into())
}

#[cfg(target_os = "linux")]
fn own_id() -> Option<u32> {
    u32::try_from(nix::unistd::gettid().as_raw()).ok()
}

#[cfg(not(target_os = "linux"))]
fn own_id() -> Option<u32> {
    None
}
