//! HTTP/1.1 messages as bytes: where one ends, what its head says, how its body is framed. No I/O. [`httparse`] reads
//! heads and sizes of chunks. hyper does all of this, but its code doesn't stay in caches that the measured process fills
//! between two calls: with it, an answer costs half as much again.

use std::borrow::Cow;
use std::ops::Range;

use httparse::{Header, Status};

/// Headers of a message; one with more is refused.
const MOST_HEADERS: usize = 64;
pub const LENGTH: &str = "Content-Length";
pub const CONNECTION: &str = "Connection";
const ENCODING: &str = "Transfer-Encoding";
/// Headers that hold for one connection only. `Expect` has served its purpose once the body has come; none of the clients
/// sends it, and nobody answers it.
const OF_ONE_CONNECTION: [&str; 8] = [
    CONNECTION,
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "upgrade",
    "expect",
];

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Request,
    Answer,
    /// An answer to a `HEAD` request: no body comes, whatever it says.
    AnswerToHead,
}

/// Where the parts of a message are in the bytes that it was read into.
#[derive(Debug, PartialEq, Eq)]
pub struct Outline {
    /// Of an answer; 0 of a request.
    pub status: u16,
    /// Where the body begins.
    pub head: usize,
    pub framing: Framing,
    /// Where the next message begins.
    pub end: usize,
    /// Whether none may follow on this connection.
    pub closes: bool,
}

/// How the length of a body is said.
#[derive(Debug, PartialEq, Eq)]
pub enum Framing {
    /// By the head.
    Length,
    /// In pieces, none of them empty.
    Chunks(Vec<Range<usize>>),
    /// By the end of the connection.
    UntilClosed,
}

/// Bytes that are no HTTP/1.1 message.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

impl From<httparse::Error> for Malformed {
    fn from(why: httparse::Error) -> Malformed {
        Malformed(why.to_string())
    }
}

impl From<httparse::InvalidChunkSize> for Malformed {
    fn from(_: httparse::InvalidChunkSize) -> Malformed {
        Malformed("invalid size of a chunk".to_owned())
    }
}

impl Outline {
    /// The first message in some bytes; none while a part of it is missing. A message that ends with its connection is
    /// never incomplete.
    ///
    /// # Errors
    /// Bytes that no further bytes can turn into a message.
    pub fn of(bytes: &[u8], kind: Kind) -> Result<Option<Outline>, Malformed> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let (parsed, status, version, headers) = if kind == Kind::Request {
            let mut request = httparse::Request::new(&mut headers);
            (request.parse(bytes)?, 0, request.version, request.headers)
        } else {
            let mut answer = httparse::Response::new(&mut headers);
            (answer.parse(bytes)?, answer.code.unwrap_or(0), answer.version, answer.headers)
        };
        let Status::Complete(head) = parsed else { return Ok(None) };
        let (mut length, mut is_chunked, mut closes) = (None, false, version == Some(0));
        for Header { name, value } in headers {
            if name.eq_ignore_ascii_case(LENGTH) {
                let digits = str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
                let said = digits.and_then(|text| text.parse().ok()).filter(|said| length.is_none_or(|is| is == *said));
                length = Some(said.ok_or_else(|| Malformed("invalid Content-Length".to_owned()))?);
            } else if name.eq_ignore_ascii_case(ENCODING) {
                is_chunked = value.eq_ignore_ascii_case(b"chunked");
                if !is_chunked {
                    return Err(Malformed("a Transfer-Encoding other than chunked".to_owned()));
                }
            } else if name.eq_ignore_ascii_case(CONNECTION) {
                let mut options = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
                closes |= options.any(|option| option.eq_ignore_ascii_case(b"close"));
            }
        }
        let is_bare = kind == Kind::AnswerToHead || matches!(status, 100..=199 | 204 | 304);
        let (framing, end) = if is_bare {
            (Framing::Length, head)
        } else if is_chunked {
            match chunks(bytes, head)? {
                Some(chunks) => chunks,
                None => return Ok(None),
            }
        } else if length.is_some() || kind == Kind::Request {
            (Framing::Length, head.saturating_add(length.unwrap_or(0)))
        } else {
            closes = true;
            (Framing::UntilClosed, bytes.len())
        };
        Ok((end <= bytes.len()).then_some(Outline { status, head, framing, end, closes }))
    }

    /// The body, without its framing, in the bytes that the outline is of.
    pub fn body<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match &self.framing {
            Framing::Length | Framing::UntilClosed => Cow::Borrowed(&bytes[self.head..self.end]),
            Framing::Chunks(chunks) => {
                Cow::Owned(chunks.iter().map(|chunk| &bytes[chunk.clone()]).collect::<Vec<_>>().concat())
            }
        }
    }

    /// The sizes of the chunks; none where the body isn't chunked.
    pub fn chunks(&self) -> Option<Vec<usize>> {
        let Framing::Chunks(chunks) = &self.framing else { return None };
        Some(chunks.iter().map(Range::len).collect())
    }
}

/// The chunks of a body that begins there, and where it ends.
fn chunks(bytes: &[u8], from: usize) -> Result<Option<(Framing, usize)>, Malformed> {
    let (mut chunks, mut at) = (Vec::new(), from);
    loop {
        let Status::Complete((line, size)) = httparse::parse_chunk_size(&bytes[at..])? else { return Ok(None) };
        at += line;
        if size == 0 {
            let mut trailers = [httparse::EMPTY_HEADER; MOST_HEADERS];
            let Status::Complete((length, _)) = httparse::parse_headers(&bytes[at..], &mut trailers)? else {
                return Ok(None);
            };
            return Ok(Some((Framing::Chunks(chunks), at + length)));
        }
        let end = usize::try_from(size).ok().and_then(|size| at.checked_add(size)).unwrap_or(usize::MAX);
        let Some(after) = bytes.get(end..).and_then(|rest| rest.get(..2)) else { return Ok(None) };
        if after != b"\r\n" {
            return Err(Malformed("a chunk that does not end where it says".to_owned()));
        }
        chunks.push(at..end);
        at = end + 2;
    }
}

/// A body as it goes over the wire: in chunks of these sizes, or plain.
pub fn framed<'a>(body: &'a [u8], chunks: Option<&[usize]>) -> Cow<'a, [u8]> {
    let Some(chunks) = chunks else { return Cow::Borrowed(body) };
    let (mut framed, mut left) = (Vec::with_capacity(body.len() + 16 * chunks.len() + 8), body);
    for &size in chunks {
        let (chunk, rest) = left.split_at(size.min(left.len()));
        framed.extend_from_slice(format!("{size:X}\r\n").as_bytes());
        framed.extend_from_slice(chunk);
        framed.extend_from_slice(b"\r\n");
        left = rest;
    }
    framed.extend_from_slice(b"0\r\n\r\n");
    Cow::Owned(framed)
}

/// What a head says under a name, where it is text.
pub fn value<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let line = lines(head).find(|line| is_called(line, name))?;
    Some(str::from_utf8(&line[name.len() + 1..]).ok()?.trim())
}

/// Whether a head has a header of a name.
pub fn says(head: &[u8], name: &str) -> bool {
    lines(head).any(|line| is_called(line, name))
}

/// The head with another value for a header, in its old place; as the last line where the header is missing.
pub fn with_value(head: &[u8], name: &str, value: impl std::fmt::Display) -> Vec<u8> {
    let mut changed = Vec::with_capacity(head.len() + 64);
    let mut is_said = false;
    for line in lines(head) {
        let is_end = line == b"\r\n" || line == b"\n";
        if is_called(line, name) {
            changed.extend_from_slice(&line[..name.len()]);
            changed.extend_from_slice(format!(": {value}\r\n").as_bytes());
            is_said = true;
            continue;
        }
        if is_end && !is_said {
            changed.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        changed.extend_from_slice(line);
    }
    changed
}

/// A head without what is only for the connection that it came on.
pub fn end_to_end(head: &[u8]) -> Vec<u8> {
    without(head, &OF_ONE_CONNECTION)
}

/// The head of a request with a body of this length; unchanged where it announces no body.
pub fn for_a_body_of(length: usize, head: &[u8]) -> Vec<u8> {
    if !says(head, LENGTH) && !says(head, ENCODING) {
        return head.to_vec();
    }
    with_value(&without(head, &[ENCODING]), LENGTH, length)
}

/// A head without some of its headers.
pub fn without(head: &[u8], names: &[&str]) -> Vec<u8> {
    let stays = |line: &&[u8]| !names.iter().any(|name| is_called(line, name));
    lines(head).filter(stays).collect::<Vec<_>>().concat()
}

/// The lines of a head with their ends.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split_inclusive(|byte| *byte == b'\n')
}

fn is_called(line: &[u8], name: &str) -> bool {
    line.get(name.len()) == Some(&b':') && line[..name.len()].eq_ignore_ascii_case(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: a.GetItem\r\n";

    fn outline(text: &str, kind: Kind) -> Option<Outline> {
        Outline::of(text.as_bytes(), kind).unwrap()
    }

    #[test]
    fn a_message_is_there_when_its_last_byte_is() {
        let sized = format!("{HEAD}Content-Length: 5\r\n\r\nhello");
        let chunked =
            format!("{HEAD}transfer-encoding: Chunked\r\n\r\n3;x=1\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n");
        for message in [sized, chunked] {
            let whole = outline(&message, Kind::Request).unwrap();
            assert_eq!((whole.end, whole.closes), (message.len(), false));
            assert_eq!(*whole.body(message.as_bytes()), *b"hello");
            for end in 0..message.len() {
                assert_eq!(outline(&message[..end], Kind::Request), None, "{:?}", &message[..end]);
            }
            let two = message.repeat(2);
            assert_eq!(outline(&two, Kind::Request).unwrap().end, message.len());
        }
    }

    #[test]
    fn an_answer_without_a_length_lasts_until_its_connection_is_closed_unless_it_has_no_body() {
        let answer = |status: &str, kind| {
            let one = outline(&format!("HTTP/1.1 {status}\r\nServer: x\r\n\r\nhello"), kind).unwrap();
            (one.framing, one.closes)
        };
        assert_eq!(answer("200 OK", Kind::Answer), (Framing::UntilClosed, true));
        assert_eq!(answer("204 No Content", Kind::Answer), (Framing::Length, false));
        assert_eq!(answer("100 Continue", Kind::Answer), (Framing::Length, false));
        assert_eq!(answer("200 OK", Kind::AnswerToHead), (Framing::Length, false));
    }

    #[test]
    fn a_connection_goes_on_unless_a_message_says_otherwise() {
        let closes = |text: &str| outline(text, Kind::Request).unwrap().closes;
        assert!(!closes("GET / HTTP/1.1\r\n\r\n") && !closes("GET / HTTP/1.1\r\nConnection: keep-alive\r\n\r\n"));
        assert!(closes("GET / HTTP/1.1\r\nconnection: TE, Close\r\n\r\n") && closes("GET / HTTP/1.0\r\n\r\n"));
    }

    #[test]
    fn what_is_no_message_is_refused_and_nothing_overflows() {
        let most = usize::MAX;
        for (message, body) in [
            ("nonsense\r\n\r\n", ""),
            ("POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", ""),
            ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", ""),
            ("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", ""),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", ""),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "g\r\n"),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "2\r\nabcd\r\n"),
        ] {
            assert!(Outline::of(format!("{message}{body}").as_bytes(), Kind::Request).is_err(), "{message}{body}");
        }
        assert_eq!(outline(&format!("POST / HTTP/1.1\r\nContent-Length: {most}\r\n\r\n"), Kind::Request), None);
        let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc";
        assert_eq!(outline(chunked, Kind::Request), None);
    }

    #[test]
    fn a_body_has_its_chunks_on_the_wire() {
        assert_eq!(*framed(b"hello world", Some(&[10, 1])), *b"A\r\nhello worl\r\n1\r\nd\r\n0\r\n\r\n");
        assert_eq!(*framed(b"", Some(&[])), *b"0\r\n\r\n");
        assert_eq!(*framed(b"hello", None), *b"hello");
    }

    #[test]
    fn a_head_keeps_its_spelling_and_its_order() {
        let head = format!("{HEAD}content-length: 5\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n");
        assert_eq!(value(head.as_bytes(), "X-AMZ-target"), Some("a.GetItem"));
        assert_eq!((value(head.as_bytes(), "X-Amz"), value(head.as_bytes(), "POST / HTTP/1.1")), (None, None));
        let text = |head: Vec<u8>| String::from_utf8(head).unwrap();
        assert_eq!(text(end_to_end(head.as_bytes())), format!("{HEAD}content-length: 5\r\n\r\n"));
        let other = with_value(head.as_bytes(), "Content-Length", 7);
        assert_eq!(text(other), head.replace("length: 5", "length: 7"));
        let chunked = format!("{HEAD}transfer-encoding: chunked\r\n\r\n");
        assert_eq!(text(for_a_body_of(7, chunked.as_bytes())), format!("{HEAD}Content-Length: 7\r\n\r\n"));
        let none = format!("{HEAD}\r\n");
        assert_eq!(text(for_a_body_of(0, none.as_bytes())), none);
    }
}
