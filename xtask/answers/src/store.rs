//! What all doors have recorded, in bounded memory. Bodies that are equal are kept once, since libraries that ask for
//! the same get the same; the bytes of a record are free again when its door is gone.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use super::lock;
use super::reply::Reply;

/// What an answer takes besides its head and its body: its places in tables, and pointers.
const OF_AN_ANSWER: usize = 256;

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
}

/// An answer as it is kept: as it goes over the wire.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    head: Box<[u8]>,
    body: Arc<Stored>,
    _held: Held,
}

/// The store may not hold more.
#[derive(Debug)]
pub struct Full {
    /// How much it may hold, bytes.
    pub most: usize,
}

#[derive(Debug)]
struct Stored {
    framed: Box<[u8]>,
    /// Of the body without its framing: its bytes, and their hash.
    length: usize,
    hash: u128,
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
        Store { most, held: Arc::default(), bodies: Mutex::default() }
    }

    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Keeps an answer as long as the value lives that is given back.
    ///
    /// # Errors
    /// Where that would be more than may be held.
    pub fn keep(&self, reply: &Reply) -> Result<Answer, Full> {
        let held = self.hold(OF_AN_ANSWER + reply.head.len())?;
        Ok(Answer { status: reply.status, head: (*reply.head).into(), body: self.body(reply)?, _held: held })
    }

    /// Forgets what nobody holds any more.
    pub fn tidy(&self) {
        lock(&self.bodies).retain(|_, body| body.strong_count() > 0);
    }

    fn body(&self, reply: &Reply) -> Result<Arc<Stored>, Full> {
        let framed = reply.framed();
        let key = hash([&*framed]);
        let mut bodies = lock(&self.bodies);
        if let Some(stored) = bodies.get(&key).and_then(Weak::upgrade)
            && *stored.framed == *framed
        {
            return Ok(stored);
        }
        let stored = Arc::new(Stored {
            _held: self.hold(OF_AN_ANSWER + framed.len())?,
            framed: (*framed).into(),
            length: reply.body.len(),
            hash: hash([&*reply.body]),
        });
        bodies.insert(key, Arc::downgrade(&stored));
        Ok(stored)
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
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// The body in its framing.
    pub fn body(&self) -> &[u8] {
        &self.body.framed
    }

    /// Bytes of the body without its framing.
    pub fn length(&self) -> usize {
        self.body.length
    }

    /// The same status and body as a reply's, whatever its framing.
    pub fn is_same(&self, reply: &Reply) -> bool {
        self.status == reply.status && self.body.hash == hash([&*reply.body])
    }
}
