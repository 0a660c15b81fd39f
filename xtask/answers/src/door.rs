//! A door: a port on loopback for one target at one scale, which lives longer than the target's processes.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;

use super::record::{Recorded, State};
use super::serve::talk;
use super::thread::Thread;
use super::{Shared, lock};

/// Connections at once; more are closed as they come.
const MOST_CONNECTIONS: usize = 1024;
/// How long a door waits for another connection after the system could give none.
const PAUSE: Duration = Duration::from_millis(20);

/// A port of a target's own, and a thread that answers there. Dropped, it is closed with its connections, and its record
/// is forgotten. A mode holds for every request that is read after the call that set it has returned.
#[derive(Debug)]
pub struct Door {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    shared: Arc<Shared>,
    thread: Thread,
}

impl Door {
    pub(super) fn open(name: &str, shared: &Arc<Shared>) -> anyhow::Result<Door> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let thread = Thread::start()?;
        let listener = {
            let _inside = thread.runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let state = Arc::new(Mutex::new(State::new(name)));
        thread.runtime.spawn(accept(listener, Arc::clone(&state), Arc::clone(shared)));
        Ok(Door { address, state, shared: Arc::clone(shared), thread })
    }

    /// The system's number of the thread that answers here, to keep it on a core; none on another system than Linux.
    pub fn thread(&self) -> Option<u32> {
        self.thread.id
    }

    /// `http://127.0.0.1:PORT`
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Passes requests on, without looking at them. A recording that is not ended is lost.
    pub fn pass(&self) {
        lock(&self.state).pass();
    }

    /// Passes requests on, meters them and records their answers, as calls of `operation`.
    pub fn record(&self, operation: &'static str) {
        lock(&self.state).record(operation);
    }

    /// Ends the recording: what comes from now on is passed on.
    ///
    /// # Errors
    /// Where none was begun, or the answers did not fit into [`super::MOST_RECORDED`].
    pub fn end_recording(&self) -> anyhow::Result<Recorded> {
        lock(&self.state).end_recording()
    }

    /// Answers from the record only, of all operations. What was never recorded is answered with an error that names
    /// it; see [`Door::unknown`].
    pub fn answer(&self) {
        self.shared.clocks.count(&self.thread.runtime);
        lock(&self.state).answer();
    }

    /// The first request since [`Door::answer`] that was never recorded, for a message.
    pub fn unknown(&self) -> Option<String> {
        lock(&self.state).unknown()
    }

    /// Answers so far that were found by operation and key alone, since the body was none of those recorded.
    pub fn varied(&self) -> u64 {
        lock(&self.state).varied()
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.shared.clocks.end(&self.thread.runtime);
        self.thread.end();
        *lock(&self.state) = State::new("");
        self.shared.store.tidy();
    }
}

async fn accept(listener: tokio::net::TcpListener, state: Arc<Mutex<State>>, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) if connections.len() < MOST_CONNECTIONS => {
                connections.spawn(talk(stream, Arc::clone(&state), Arc::clone(&shared)));
            }
            Ok(_) => {}
            // Out of file descriptors, or the client has gone again.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
