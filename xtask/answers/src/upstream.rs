//! The way to the database: plain HTTP over connections that are kept open.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use hyper::{Request, StatusCode, http::request::Parts};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::lock;
use super::reply::{Pieces, Reply, chunks_of, end_to_end};

/// The largest body of an answer that is passed on; the database's pages have 1 MiB before they become JSON.
const MOST_BYTES: usize = 64 << 20;
/// What is read at once, bytes: so much that few chunks come in pieces.
pub const BUFFER: usize = 256 << 10;
/// Connections that wait for another request.
const MOST_IDLE: usize = 128;

/// The database.
#[derive(Debug)]
pub struct Upstream {
    address: Mutex<SocketAddr>,
    idle: Mutex<Vec<Idle>>,
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

/// A connection that waits for another request.
#[derive(Debug)]
struct Idle {
    to: SocketAddr,
    since: Instant,
    connection: SendRequest<Pieces>,
}

/// Why a body was not read to its end.
#[derive(Debug)]
pub enum BodyTrouble {
    TooLarge,
    Broken(hyper::Error),
}

impl Upstream {
    pub fn new(address: SocketAddr, limits: Limits) -> Upstream {
        Upstream { address: Mutex::new(address), idle: Mutex::default(), limits }
    }

    pub fn set(&self, address: SocketAddr) {
        *lock(&self.address) = address;
        // A server that was started again at the same address knows nothing of the old connections either.
        lock(&self.idle).clear();
    }

    /// Sends a request with another body and gives its answer.
    ///
    /// # Errors
    /// An answer that says why there is none, and names the address.
    pub async fn send(&self, head: &Parts, body: &Bytes) -> Result<Reply, Reply> {
        let address = *lock(&self.address);
        let trouble = |status, kind: &str, why: String| {
            Reply::error(status, kind, &format!("passing a request on to the database at {address}: {why}"))
        };
        match tokio::time::timeout(self.limits.answer, self.exchange(address, head, body)).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(why)) => Err(trouble(StatusCode::BAD_GATEWAY, "InternalServerError", why)),
            Err(_) => {
                let why = format!("no answer within {}", humantime::format_duration(self.limits.answer));
                Err(trouble(StatusCode::GATEWAY_TIMEOUT, "InternalServerError", why))
            }
        }
    }

    async fn exchange(&self, address: SocketAddr, head: &Parts, body: &Bytes) -> Result<Reply, String> {
        let mut request = request(head, body)?;
        loop {
            let (mut connection, kept) = self.connection(address).await?;
            match connection.try_send_request(request).await {
                Ok(response) => {
                    let reply = read(response).await?;
                    self.keep(address, connection);
                    return Ok(reply);
                }
                Err(mut trouble) => match trouble.take_message().filter(|_| kept) {
                    // It was closed while it waited, and nothing was sent.
                    Some(unsent) => request = unsent,
                    None => return Err(words(&trouble.into_error())),
                },
            }
        }
    }

    /// A connection, and whether it had been kept.
    async fn connection(&self, address: SocketAddr) -> Result<(SendRequest<Pieces>, bool), String> {
        loop {
            let Some(Idle { to, since, mut connection }) = lock(&self.idle).pop() else { break };
            if to == address && since.elapsed() < self.limits.idle && connection.ready().await.is_ok() {
                return Ok((connection, true));
            }
        }
        let stream = TcpStream::connect(address).await.map_err(|why| why.to_string())?;
        stream.set_nodelay(true).map_err(|why| why.to_string())?;
        let (send, connection) = http1::Builder::new()
            .preserve_header_case(true)
            .read_buf_exact_size(Some(BUFFER))
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|why| words(&why))?;
        tokio::spawn(connection);
        Ok((send, false))
    }

    fn keep(&self, address: SocketAddr, connection: SendRequest<Pieces>) {
        let mut idle = lock(&self.idle);
        if idle.len() < MOST_IDLE && !connection.is_closed() {
            idle.push(Idle { to: address, since: Instant::now(), connection });
        }
    }
}

fn request(head: &Parts, body: &Bytes) -> Result<Request<Pieces>, String> {
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let uri = path.parse().map_err(|_| format!("{path} is no path"))?;
    let mut request = Request::new(Pieces::whole(body.clone()));
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = uri;
    let framed = head.headers.contains_key(CONTENT_LENGTH) || head.headers.contains_key(TRANSFER_ENCODING);
    let length = (framed || !body.is_empty()).then_some(body.len());
    *request.headers_mut() = end_to_end(&head.headers, length);
    // The body is here already.
    request.headers_mut().remove(EXPECT);
    *request.extensions_mut() = head.extensions.clone();
    Ok(request)
}

async fn read(response: hyper::Response<Incoming>) -> Result<Reply, String> {
    let (head, body) = response.into_parts();
    let (body, pieces) = collect(body, MOST_BYTES).await.map_err(|why| match why {
        BodyTrouble::TooLarge => format!("its answer has more than {MOST_BYTES} bytes"),
        BodyTrouble::Broken(why) => words(&why),
    })?;
    let chunked = head.headers.contains_key(TRANSFER_ENCODING);
    // An answer that ended with its connection gets its length said, so that the connection here can go on.
    let length = (!chunked && !head.headers.contains_key(CONTENT_LENGTH)).then_some(body.len());
    Ok(Reply {
        status: head.status,
        headers: end_to_end(&head.headers, length),
        extensions: head.extensions,
        body,
        chunks: chunked.then(|| chunks_of(&pieces)),
    })
}

/// A whole body, and the sizes of the pieces that it came in.
///
/// # Errors
/// Where it is larger than `most` bytes, or breaks off.
pub async fn collect(mut body: Incoming, most: usize) -> Result<(Bytes, Vec<u32>), BodyTrouble> {
    let (mut first, mut rest, mut sizes) = (Bytes::new(), Vec::new(), Vec::new());
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(piece) = frame.map_err(BodyTrouble::Broken)?.into_data() else { continue };
        if piece.is_empty() {
            continue;
        }
        if first.len() + rest.len() + piece.len() > most {
            return Err(BodyTrouble::TooLarge);
        }
        sizes.push(u32::try_from(piece.len()).unwrap_or(u32::MAX));
        if first.is_empty() {
            first = piece;
        } else {
            rest.extend_from_slice(&piece);
        }
    }
    let whole = if rest.is_empty() { first } else { [first, rest.into()].concat().into() };
    Ok((whole, sizes))
}

/// An error of hyper's with its cause.
fn words(why: &hyper::Error) -> String {
    match std::error::Error::source(why) {
        Some(cause) => format!("{why}: {cause}"),
        None => why.to_string(),
    }
}
