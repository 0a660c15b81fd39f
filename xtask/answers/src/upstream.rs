//! The way to the database: plain HTTP. Each connection to a door has its own connection to the database, open as long as
//! it is.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::lock;
use super::message::{Kind, end_to_end, for_a_body_of};
use super::reply::Reply;
use super::wire::{self, Trouble};

/// The largest answer that is passed on; the database's pages have 1 MiB before they become JSON.
const MOST_BYTES: usize = 64 << 20;

/// The database.
#[derive(Debug)]
pub struct Upstream {
    place: Mutex<Place>,
    limits: Limits,
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// One answer of the database.
    pub answer: Duration,
    /// A connection may wait for another request. Less than the database allows, which closes it then: a request that is
    /// sent at that moment would be lost.
    pub idle: Duration,
}

/// Where the database listens. A server that was started again at the same address knows nothing of old connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    address: SocketAddr,
    times_set: u64,
}

/// A connection to the database, once there is one.
#[derive(Debug, Default)]
pub struct Way(Option<Open>);

#[derive(Debug)]
struct Open {
    to: Place,
    waits_since: Instant,
    stream: TcpStream,
}

impl Upstream {
    pub fn new(address: SocketAddr, limits: Limits) -> Upstream {
        Upstream { place: Mutex::new(Place { address, times_set: 0 }), limits }
    }

    pub fn set(&self, address: SocketAddr) {
        let mut place = lock(&self.place);
        *place = Place { address, times_set: place.times_set + 1 };
    }

    /// Sends a request, with the head that the client sent and a body that may be another, and gives its answer.
    ///
    /// # Errors
    /// An answer that says why there is none, and names the address.
    pub async fn send(&self, way: &mut Way, head: &[u8], body: &[u8]) -> Result<Reply, Reply> {
        let place = *lock(&self.place);
        let head = for_a_body_of(body.len(), &end_to_end(head));
        let trouble = |status, why: String| {
            let why = format!("passing a request on to the database at {}: {why}", place.address);
            Reply::error(status, "InternalServerError", &why)
        };
        match tokio::time::timeout(self.limits.answer, self.exchange(way, place, &head, body)).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(why)) => Err(trouble(502, why.to_string())),
            Err(_) => Err(trouble(504, format!("no answer within {}", humantime::format_duration(self.limits.answer)))),
        }
    }

    async fn exchange(&self, way: &mut Way, place: Place, head: &[u8], body: &[u8]) -> Result<Reply, Trouble> {
        let kept = way.0.take().filter(|open| open.to == place && open.is_usable(self.limits.idle));
        let mut stream = match kept {
            Some(open) => open.stream,
            None => wire::connect(place.address).await?,
        };
        wire::write(&mut stream, head, body).await?;
        let kind = if head.starts_with(b"HEAD ") { Kind::AnswerToHead } else { Kind::Answer };
        let mut bytes = Vec::new();
        let outline = loop {
            let outline = wire::read(&mut stream, &mut bytes, kind, MOST_BYTES).await?;
            // Interim answers are skipped.
            if outline.status >= 200 {
                break outline;
            }
            bytes.drain(..outline.end);
        };
        // Bytes behind the answer belong to nothing that was asked.
        if !outline.closes && outline.end == bytes.len() {
            way.0 = Some(Open { to: place, waits_since: Instant::now(), stream });
        }
        Ok(Reply::read(&bytes, &outline))
    }
}

impl Open {
    /// Whether another request can be sent: it has not waited for long, was not closed, and nothing came unasked.
    fn is_usable(&self, idle: Duration) -> bool {
        let waits = self.stream.try_read(&mut [0]).is_err_and(|why| why.kind() == std::io::ErrorKind::WouldBlock);
        self.waits_since.elapsed() < idle && waits
    }
}
