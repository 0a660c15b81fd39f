//! One request at a door: read, looked at, passed on or answered.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};

use super::json::Object;
use super::record::{Asked, State, Todo};
use super::reply::{Pieces, Reply};
use super::traffic::units;
use super::upstream::{BodyTrouble, Upstream, collect};
use super::{Shared, lock};

/// The largest request that `DynamoDB` takes, bytes.
const MOST_BYTES: usize = 16 << 20;
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

/// Answers a request, come what may: trouble is an answer too.
pub async fn serve(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
    shared: Arc<Shared>,
) -> Result<Response<Pieces>, Infallible> {
    let (head, body) = request.into_parts();
    let body = match collect(body, MOST_BYTES).await {
        Ok((body, _)) => body,
        Err(BodyTrouble::TooLarge) => {
            let why = format!("a request has more than {MOST_BYTES} bytes, the most that DynamoDB takes");
            return Ok(Reply::error(StatusCode::PAYLOAD_TOO_LARGE, "SerializationException", &why).into_response());
        }
        Err(BodyTrouble::Broken(why)) => {
            let why = format!("a request broke off: {why}");
            return Ok(Reply::error(StatusCode::BAD_REQUEST, "SerializationException", &why).into_response());
        }
    };
    let target = head
        .headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .map_or_else(|| Cow::Owned(format!("{} {}", head.method, head.uri.path())), Cow::Borrowed);
    let asked = Asked { target: &target, body: &body };
    // The lock is given back before anything is waited for.
    let todo = lock(&state).todo(&asked);
    Ok(match todo {
        Todo::Answer(answer) => {
            shared.answers.fetch_add(1, Ordering::Relaxed);
            shared.bytes.fetch_add(answer.body().len() as u64, Ordering::Relaxed);
            answer.response()
        }
        Todo::Refuse(reply) => reply.into_response(),
        Todo::Pass => shared.upstream.send(&head, &body).await.unwrap_or_else(|trouble| trouble).into_response(),
        Todo::Record(number) => match metered(&shared.upstream, &head, &asked, &body).await {
            Ok((reply, units)) => {
                lock(&state).note(number, &asked, &reply, units, &shared.store);
                reply.into_response()
            }
            Err(trouble) => trouble.into_response(),
        },
    })
}

/// Passes a request on, asks for the capacity next to it, and gives the answer as it would be without that, with the
/// capacity units that it used where these are known.
async fn metered(
    upstream: &Upstream,
    head: &Parts,
    asked: &Asked<'_>,
    body: &Bytes,
) -> Result<(Reply, Option<f64>), Reply> {
    let operation = asked.target.rsplit('.').next().unwrap_or_default();
    let request = Object::parse(body).filter(|_| METERED.contains(&operation));
    let Some(asking) = request.filter(|request| request.get(ASK).is_none()) else {
        // The library asked itself, or nobody can.
        let reply = upstream.send(head, body).await?;
        let units = Object::parse(&reply.body).and_then(|answer| units(answer.get(CONSUMED)?));
        return Ok((reply, units));
    };
    let asking = Bytes::from(asking.with(ASK, "\"TOTAL\""));
    let mut reply = upstream.send(head, &asking).await?;
    if reply.status.is_client_error() {
        // Refused, and nothing was done. A server that checks signatures refuses what the client didn't sign.
        return Ok((upstream.send(head, body).await?, None));
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
