//! A connection to a door: each of its requests is read, looked at, and passed on or answered.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::json::Object;
use super::message::{CONNECTION, Kind, Outline, value, with_value};
use super::record::{Asked, State, Todo};
use super::reply::Reply;
use super::traffic::units;
use super::upstream::{Upstream, Way};
use super::wire::{self, Trouble};
use super::{Shared, lock};

/// The largest request that `DynamoDB` takes, bytes.
const MOST_BYTES: usize = 16 << 20;
/// How long a client that was refused may take to send the rest of its request.
const REFUSED: Duration = Duration::from_secs(1);
const ASK: &str = "ReturnConsumedCapacity";
const CONSUMED: &str = "ConsumedCapacity";
/// The operations that say what they consumed when they are asked.
const METERED: [&str; 13] = [
    "PutItem",
    "GetItem",
    "UpdateItem",
    "DeleteItem",
    "Query",
    "Scan",
    "BatchGetItem",
    "BatchWriteItem",
    "TransactGetItems",
    "TransactWriteItems",
    "ExecuteStatement",
    "BatchExecuteStatement",
    "ExecuteTransaction",
];

/// Serves a client until it goes away, which is no error, not even in the middle of a request.
pub async fn talk(mut stream: TcpStream, state: Arc<Mutex<State>>, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let (mut bytes, mut way) = (Vec::new(), Way::default());
    loop {
        let outline = match wire::read(&mut stream, &mut bytes, Kind::Request, MOST_BYTES).await {
            Ok(outline) => outline,
            Err(why) => return refuse(stream, why).await,
        };
        let served = serve(&mut stream, &bytes, &outline, &mut way, &state, &shared).await;
        if served.is_err() || outline.closes {
            return;
        }
        bytes.drain(..outline.end);
    }
}

/// Answers one request, come what may: trouble with the database is an answer too. What was begun is ended though the
/// client goes away meanwhile.
async fn serve(
    stream: &mut TcpStream,
    bytes: &[u8],
    outline: &Outline,
    way: &mut Way,
    state: &Mutex<State>,
    shared: &Shared,
) -> std::io::Result<()> {
    let (head, body) = (&bytes[..outline.head], outline.body(bytes));
    let last = |head| if outline.closes { Cow::Owned(closing(head)) } else { Cow::Borrowed(head) };
    let asked = Asked { target: &target(head), body: &body };
    // The lock is given back before anything is waited for.
    let todo = lock(state).todo(&asked);
    let reply = match todo {
        Todo::Answer(answer) => {
            shared.answers.fetch_add(1, Ordering::Relaxed);
            shared.bytes.fetch_add(answer.length() as u64, Ordering::Relaxed);
            return wire::write(stream, &last(answer.head()), answer.body()).await;
        }
        Todo::Refuse(reply) => reply,
        Todo::Pass => shared.upstream.send(way, head, &body).await.unwrap_or_else(|trouble| trouble),
        Todo::Record(number) => match metered(&shared.upstream, way, head, &asked).await {
            Ok((reply, units)) => {
                lock(state).note(number, &asked, &reply, units, &shared.store);
                reply
            }
            Err(trouble) => trouble,
        },
    };
    wire::write(stream, &last(&reply.head), &reply.framed()).await
}

/// `X-Amz-Target`, else method and path.
fn target(head: &[u8]) -> Cow<'_, str> {
    value(head, "X-Amz-Target").map_or_else(
        || {
            let line = String::from_utf8_lossy(head.split(|byte| *byte == b'\n').next().unwrap_or_default());
            Cow::Owned(line.rsplit_once(' ').map_or(&*line, |(asked, _)| asked).to_owned())
        },
        Cow::Borrowed,
    )
}

/// The head of the last answer on a connection.
fn closing(head: &[u8]) -> Vec<u8> {
    with_value(head, CONNECTION, "close")
}

/// Says why a request can't be read, ends the connection, and reads what still comes: a connection that is closed on
/// unread bytes is reset, and the answer lost.
async fn refuse(mut stream: TcpStream, why: Trouble) {
    let status = match why {
        Trouble::Closed | Trouble::Broken(_) => return,
        Trouble::Malformed(_) => 400,
        Trouble::TooLarge { .. } => 413,
    };
    let reply = Reply::error(status, "SerializationException", &format!("reading a request: {why}"));
    if wire::write(&mut stream, &closing(&reply.head), &reply.body).await.is_ok() && stream.shutdown().await.is_ok() {
        let mut rest = vec![0; 64 << 10];
        let reads = async { while matches!(stream.read(&mut rest).await, Ok(1..)) {} };
        let _ = tokio::time::timeout(REFUSED, reads).await;
    }
}

/// Passes a request on, asks for the capacity next to it, and gives the answer as it would be without that, with the
/// capacity units that it used where these are known.
async fn metered(
    upstream: &Upstream,
    way: &mut Way,
    head: &[u8],
    asked: &Asked<'_>,
) -> Result<(Reply, Option<f64>), Reply> {
    let operation = asked.target.rsplit('.').next().unwrap_or_default();
    let request = Object::parse(asked.body).filter(|_| METERED.contains(&operation));
    let Some(asking) = request.filter(|request| request.get(ASK).is_none()) else {
        // The library asked itself, or nobody can.
        let reply = upstream.send(way, head, asked.body).await?;
        let units = Object::parse(&reply.body).and_then(|answer| units(answer.get(CONSUMED)?));
        return Ok((reply, units));
    };
    let asking = asking.with(ASK, "\"TOTAL\"");
    let mut reply = upstream.send(way, head, asking.as_bytes()).await?;
    if matches!(reply.status, 400..=499) {
        // Refused, and nothing was done. A server that checks signatures refuses what the client didn't sign.
        return Ok((upstream.send(way, head, asked.body).await?, None));
    }
    let consumed = Object::parse(&reply.body).and_then(|answer| {
        let units = units(answer.get(CONSUMED)?)?;
        Some((answer.range_of(CONSUMED)?, units))
    });
    let Some((range, units)) = consumed.filter(|_| reply.can_be_cut()) else {
        return Ok((reply, None));
    };
    reply.cut(range);
    Ok((reply, Some(units)))
}
