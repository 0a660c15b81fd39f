//! What all doors have recorded, in bounded memory. Bodies that are equal are kept once, since libraries that ask for
//! the same get the same; the bytes of a record are free again when its door is gone.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::Extensions;
use hyper::{HeaderMap, Response, StatusCode};

use super::lock;
use super::reply::{Pieces, Reply, response};
use super::upstream::BUFFER;

/// What an answer takes besides its body and the values of its headers: its places in tables, and pointers.
const OF_AN_ANSWER: usize = 256;
const OF_A_HEADER: usize = size_of::<HeaderValue>();
/// What a list of header names takes, with the piece of hyper's buffer that their spelling is in.
const OF_A_LAYOUT: usize = BUFFER;

/// 128 bits of hash over parts whose boundaries count. It is not made to withstand somebody who looks for collisions.
pub fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u128 {
    let (mut low, mut high) = (DefaultHasher::new(), DefaultHasher::new());
    high.write_u64(1);
    for part in parts {
        for half in [&mut low, &mut high] {
            half.write_usize(part.len());
            half.write(part);
        }
    }
    u128::from(high.finish()) << 64 | u128::from(low.finish())
}

/// The records of all doors.
#[derive(Debug)]
pub struct Store {
    most: usize,
    held: Arc<AtomicUsize>,
    bodies: Mutex<HashMap<u128, Weak<Stored>>>,
    layouts: Mutex<Vec<Weak<Layout>>>,
}

/// An answer as it is kept.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    layout: Arc<Layout>,
    values: Vec<HeaderValue>,
    body: Arc<Stored>,
    _held: Held,
}

/// The store may not hold more.
#[derive(Debug)]
pub struct Full {
    /// How much it may hold, bytes.
    pub most: usize,
}

/// Names of headers, in their order and spelling: the same for nearly all answers of a server.
#[derive(Debug)]
struct Layout {
    names: Vec<HeaderName>,
    extensions: Extensions,
    _held: Held,
}

#[derive(Debug)]
struct Stored {
    body: Bytes,
    chunks: Option<Arc<[u32]>>,
    _held: Held,
}

/// Bytes that count as held until this is dropped.
#[derive(Debug)]
struct Held {
    bytes: usize,
    of: Arc<AtomicUsize>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Store {
    pub fn new(most: usize) -> Store {
        let (bodies, layouts) = (Mutex::default(), Mutex::default());
        Store { most, held: Arc::default(), bodies, layouts }
    }

    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Keeps an answer as long as the value lives that is given back.
    ///
    /// # Errors
    /// Where that would be more than may be held.
    pub fn keep(&self, reply: &Reply) -> Result<Answer, Full> {
        // One buffer for all values: those of the reply would keep the buffers that they were read into.
        let all: Bytes = reply.headers.values().map(HeaderValue::as_bytes).collect::<Vec<_>>().concat().into();
        let held = self.hold(OF_AN_ANSWER + all.len() + OF_A_HEADER * reply.headers.len())?;
        let mut end = 0;
        let values = reply.headers.values().map(|value| {
            let start = end;
            end += value.len();
            HeaderValue::from_maybe_shared(all.slice(start..end)).unwrap_or_else(|_| value.clone())
        });
        let values = values.collect();
        Ok(Answer { status: reply.status, layout: self.layout(reply)?, values, body: self.body(reply)?, _held: held })
    }

    /// Forgets what nobody holds any more.
    pub fn tidy(&self) {
        lock(&self.bodies).retain(|_, body| body.strong_count() > 0);
        lock(&self.layouts).retain(|layout| layout.strong_count() > 0);
    }

    fn body(&self, reply: &Reply) -> Result<Arc<Stored>, Full> {
        let chunks = reply.chunks.as_deref();
        let mut framing: Vec<u8> = chunks.unwrap_or_default().iter().flat_map(|size| size.to_le_bytes()).collect();
        framing.push(u8::from(chunks.is_some()));
        let hash = hash([&framing[..], &reply.body]);
        let mut bodies = lock(&self.bodies);
        if let Some(stored) = bodies.get(&hash).and_then(Weak::upgrade)
            && stored.body == reply.body
        {
            return Ok(stored);
        }
        let stored = Arc::new(Stored {
            _held: self.hold(OF_AN_ANSWER + framing.len() + reply.body.len())?,
            // A copy of its own size: the reply's may be part of a larger buffer.
            body: Bytes::copy_from_slice(&reply.body),
            chunks: chunks.map(Arc::from),
        });
        bodies.insert(hash, Arc::downgrade(&stored));
        Ok(stored)
    }

    fn layout(&self, reply: &Reply) -> Result<Arc<Layout>, Full> {
        let names = || reply.headers.iter().map(|(name, _)| name);
        let mut layouts = lock(&self.layouts);
        if let Some(layout) = layouts.iter().filter_map(Weak::upgrade).find(|layout| layout.names.iter().eq(names())) {
            return Ok(layout);
        }
        let held = self.hold(OF_A_LAYOUT)?;
        let layout =
            Arc::new(Layout { names: names().cloned().collect(), extensions: reply.extensions.clone(), _held: held });
        layouts.push(Arc::downgrade(&layout));
        Ok(layout)
    }

    fn hold(&self, bytes: usize) -> Result<Held, Full> {
        let held = Held { bytes, of: Arc::clone(&self.held) };
        if self.held.fetch_add(bytes, Ordering::Relaxed) + bytes > self.most {
            return Err(Full { most: self.most });
        }
        Ok(held)
    }
}

impl Answer {
    pub fn body(&self) -> &Bytes {
        &self.body.body
    }

    /// The same status and body as a reply's.
    pub fn is_same(&self, reply: &Reply) -> bool {
        self.status == reply.status && self.body.body == reply.body
    }

    pub fn response(&self) -> Response<Pieces> {
        let mut headers = HeaderMap::with_capacity(self.values.len());
        for (name, value) in self.layout.names.iter().zip(&self.values) {
            headers.append(name.clone(), value.clone());
        }
        let body = match &self.body.chunks {
            Some(chunks) => Pieces::chunked(self.body().clone(), Arc::clone(chunks)),
            None => Pieces::whole(self.body().clone()),
        };
        response(self.status, headers, self.layout.extensions.clone(), body)
    }
}
