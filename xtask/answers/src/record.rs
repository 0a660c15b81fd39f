//! What one door has recorded, and what it does with a request in each of its modes. No I/O: whole requests and whole
//! answers come in, whole answers go out.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::bail;

use super::key::{self, Key};
use super::reply::Reply;
use super::store::{Answer, Full, Store, hash};
use super::traffic::Traffic;

/// One request, whole.
#[derive(Debug)]
pub struct Asked<'a> {
    /// `X-Amz-Target`, else method and path.
    pub target: &'a str,
    pub body: &'a [u8],
}

/// What came of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    pub operation: &'static str,
    /// Of all requests of the recording.
    pub traffic: Traffic,
    /// Requests that can be answered since, and could not before.
    pub answers: u64,
    /// Requests that came again with another answer. The first one is kept.
    pub contradicted: u64,
    /// Whether some key came with more than one body. Where the same calls were made twice, bodies vary from call to
    /// call, and answers will be matched by operation and key.
    pub varies: bool,
}

/// What a door does with a request that comes now.
#[derive(Debug)]
pub enum Todo {
    Pass,
    /// Pass it on, and hand the answer to [`State::note`] with this number.
    Record(u64),
    Answer(Arc<Answer>),
    Refuse(Reply),
}

/// What a door knows.
#[derive(Debug)]
pub struct State {
    name: String,
    mode: Mode,
    /// How many recordings were begun: an answer that comes after its recording's end belongs to none.
    recordings: u64,
    by_request: HashMap<u128, Arc<Answer>>,
    by_key: HashMap<u128, Arc<Answer>>,
    varied: u64,
    unknown: Option<String>,
}

#[derive(Debug)]
enum Mode {
    Pass,
    Record(Box<Recording>),
    Answer,
}

#[derive(Debug)]
struct Recording {
    so_far: Recorded,
    /// The hash of the first body that came with a key.
    bodies: HashMap<u128, u128>,
    full: Option<Full>,
}

impl State {
    pub fn new(name: &str) -> State {
        State {
            name: name.to_owned(),
            mode: Mode::Pass,
            recordings: 0,
            by_request: HashMap::new(),
            by_key: HashMap::new(),
            varied: 0,
            unknown: None,
        }
    }

    pub fn pass(&mut self) {
        self.mode = Mode::Pass;
    }

    pub fn answer(&mut self) {
        self.mode = Mode::Answer;
        self.unknown = None;
    }

    pub fn record(&mut self, operation: &'static str) {
        self.recordings += 1;
        let traffic = Traffic::default();
        self.mode = Mode::Record(Box::new(Recording {
            so_far: Recorded { operation, traffic, answers: 0, contradicted: 0, varies: false },
            bodies: HashMap::new(),
            full: None,
        }));
    }

    /// Ends a recording; requests are passed on from then.
    ///
    /// # Errors
    /// Where no recording was begun, or it did not fit into what may be held.
    pub fn end_recording(&mut self) -> anyhow::Result<Recorded> {
        let Mode::Record(recording) = std::mem::replace(&mut self.mode, Mode::Pass) else {
            bail!("no recording was begun at the door of {}", self.name);
        };
        if let Some(Full { most }) = recording.full {
            bail!(
                "the answers to {} of {} can't be recorded: all records together may hold {} MiB; measure fewer \
                 targets, scales or operations in one run",
                recording.so_far.operation,
                self.name,
                most >> 20
            );
        }
        Ok(recording.so_far)
    }

    pub fn varied(&self) -> u64 {
        self.varied
    }

    pub fn unknown(&self) -> Option<String> {
        self.unknown.clone()
    }

    pub fn todo(&mut self, asked: &Asked<'_>) -> Todo {
        match &self.mode {
            Mode::Pass => Todo::Pass,
            Mode::Record(_) => Todo::Record(self.recordings),
            Mode::Answer => match self.find(asked) {
                Some(answer) => Todo::Answer(answer),
                None => Todo::Refuse(self.refuse(asked)),
            },
        }
    }

    fn find(&mut self, asked: &Asked<'_>) -> Option<Arc<Answer>> {
        if let Some(answer) = self.by_request.get(&asked.hash()) {
            return Some(Arc::clone(answer));
        }
        let key = Key::of(asked.target, asked.body)?;
        let answer = self.by_key.get(&key.hash)?;
        self.varied += 1;
        Some(Arc::clone(answer))
    }

    fn refuse(&mut self, asked: &Asked<'_>) -> Reply {
        let operation = asked.target.rsplit('.').next().unwrap_or(asked.target);
        let message = format!(
            "{operation} with {} was never recorded at the door of {}: nothing answers it",
            key::words(asked.target, asked.body),
            self.name
        );
        self.unknown.get_or_insert_with(|| message.clone());
        Reply::error(400, "ValidationException", &message)
    }

    /// Notes an answer of the server that came for the recording `number`.
    pub fn note(&mut self, number: u64, asked: &Asked<'_>, reply: &Reply, units: Option<f64>, store: &Store) {
        let Mode::Record(recording) = &mut self.mode else { return };
        if number != self.recordings {
            return;
        }
        let so_far = &mut recording.so_far;
        so_far.traffic.add(asked.body, &reply.body, units);
        if reply.status >= 500 {
            // No answer to what was asked; the library will ask again or fail.
            return;
        }
        let hash = asked.hash();
        let key = Key::of(asked.target, asked.body);
        if let Some(key) = &key {
            so_far.varies |= *recording.bodies.entry(key.hash).or_insert(hash) != hash;
        }
        if let Some(before) = self.by_request.get(&hash) {
            so_far.contradicted += u64::from(!before.is_same(reply));
            return;
        }
        match store.keep(reply) {
            Ok(answer) => {
                let answer = Arc::new(answer);
                so_far.answers += 1;
                self.by_request.insert(hash, Arc::clone(&answer));
                if let Some(key) = key {
                    self.by_key.entry(key.hash).or_insert(answer);
                }
            }
            Err(full) => recording.full = Some(full),
        }
    }
}

impl Asked<'_> {
    fn hash(&self) -> u128 {
        hash([self.target.as_bytes(), self.body])
    }
}
