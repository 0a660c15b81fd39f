//! An answer as it goes over the wire: status, headers in their order and spelling, and a body in its framing.

use std::convert::Infallible;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use hyper::http::Extensions;
use hyper::{HeaderMap, Response, StatusCode};
use serde_json::json;

/// The checksum of the body, in decimal digits.
const CRC: &str = "x-amz-crc32";

/// An answer of the server, whole.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    /// The end-to-end ones.
    pub headers: HeaderMap,
    /// How the server spelled the names of its headers, which hyper keeps to itself.
    pub extensions: Extensions,
    pub body: Bytes,
    /// Sizes of the chunks of a chunked body, none of them 0; none where the length was said.
    pub chunks: Option<Vec<u32>>,
}

impl Reply {
    /// An error in the database's form. `kind` is the name of its exception.
    pub fn error(status: StatusCode, kind: &str, message: &str) -> Reply {
        let kind = format!("com.amazonaws.dynamodb.v20120810#{kind}");
        let body = json!({ "__type": kind, "message": message }).to_string();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        Reply { status, headers, extensions: Extensions::new(), body: body.into(), chunks: None }
    }

    /// Whether bytes can be taken out of its body and everything still fit.
    pub fn can_be_cut(&self) -> bool {
        let crc_fits = self.headers.get(CRC).is_none_or(|crc| *crc == crc_of(&self.body));
        crc_fits && !self.headers.contains_key(CONTENT_ENCODING)
    }

    /// Takes bytes out of its body; its length, its chunks and its checksum follow.
    pub fn cut(&mut self, range: Range<usize>) {
        if let Some(chunks) = &mut self.chunks {
            *chunks = without(chunks, &range);
        }
        self.body = [&self.body[..range.start], &self.body[range.end..]].concat().into();
        if self.headers.contains_key(CONTENT_LENGTH) {
            self.headers.insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        }
        if self.headers.contains_key(CRC) {
            self.headers.insert(CRC, crc_of(&self.body));
        }
    }

    pub fn into_response(self) -> Response<Pieces> {
        let pieces = match self.chunks {
            Some(chunks) => Pieces::chunked(self.body, chunks.into()),
            None => Pieces::whole(self.body),
        };
        response(self.status, self.headers, self.extensions, pieces)
    }
}

pub fn response(status: StatusCode, headers: HeaderMap, extensions: Extensions, body: Pieces) -> Response<Pieces> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    *response.extensions_mut() = extensions;
    response
}

/// The headers that go from end to end, in their order. The framing is one of them, since it is kept; only a body whose
/// length nothing says gets its length said.
pub fn end_to_end(headers: &HeaderMap, length: Option<usize>) -> HeaderMap {
    const OF_ONE_CONNECTION: [&str; 7] =
        ["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "upgrade"];
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        if !OF_ONE_CONNECTION.contains(&name.as_str()) && (length.is_none() || name != TRANSFER_ENCODING) {
            kept.append(name.clone(), value.clone());
        }
    }
    if let Some(length) = length {
        kept.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    kept
}

fn crc_of(body: &[u8]) -> HeaderValue {
    HeaderValue::from(crc32fast::hash(body))
}

/// The sizes of chunks without some of the bytes that they hold.
fn without(chunks: &[u32], range: &Range<usize>) -> Vec<u32> {
    let mut start = 0;
    let sizes = chunks.iter().map(|&size| {
        let end = start + size as usize;
        let cut = range.end.min(end).saturating_sub(range.start.max(start));
        start = end;
        size - u32::try_from(cut).unwrap_or(size)
    });
    sizes.filter(|size| *size > 0).collect()
}

/// The sizes of chunks from the pieces that were read. A chunk can come in several pieces; a server cuts chunks where
/// its buffer is full, so where all the boundaries of equal chunks are among those of the pieces, these are the chunks.
pub fn chunks_of(pieces: &[u32]) -> Vec<u32> {
    let largest = pieces.iter().copied().max().unwrap_or(0);
    let (mut chunks, mut chunk) = (Vec::with_capacity(pieces.len()), 0_u32);
    for &piece in pieces {
        if chunk == largest {
            chunks.push(chunk);
            chunk = 0;
        }
        let Some(sum) = chunk.checked_add(piece).filter(|sum| *sum <= largest) else {
            return pieces.to_vec();
        };
        chunk = sum;
    }
    chunks.push(chunk);
    chunks.retain(|size| *size > 0);
    chunks
}

/// A body that is given out in chunks of given sizes, or at once.
#[derive(Debug)]
pub struct Pieces {
    left: Bytes,
    chunks: Option<Arc<[u32]>>,
    next: usize,
}

impl Pieces {
    pub fn whole(body: Bytes) -> Pieces {
        Pieces { left: body, chunks: None, next: 0 }
    }

    pub fn chunked(body: Bytes, chunks: Arc<[u32]>) -> Pieces {
        Pieces { left: body, chunks: Some(chunks), next: 0 }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let whole = self.left.len();
        let size = match &self.chunks {
            Some(chunks) => chunks.get(self.next).map_or(whole, |size| *size as usize),
            None => whole,
        };
        self.next += 1;
        let piece = self.left.split_to(size.min(whole));
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.is_none() && self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.chunks {
            Some(_) => SizeHint::default(),
            None => SizeHint::with_exact(self.left.len() as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_that_came_in_pieces_are_put_together_again() {
        assert_eq!(chunks_of(&[100, 100, 30]), [100, 100, 30]);
        assert_eq!(chunks_of(&[100, 60, 40, 30]), [100, 100, 30]);
        assert_eq!(chunks_of(&[100, 60, 40, 20, 10]), [100, 100, 30]);
        assert_eq!(chunks_of(&[60, 100, 30]), [60, 100, 30]);
        assert!(chunks_of(&[]).is_empty());
    }

    #[test]
    fn bytes_are_taken_out_of_the_chunks_that_hold_them() {
        assert_eq!(without(&[10, 10, 10], &(5..15)), [5, 5, 10]);
        assert_eq!(without(&[10, 10, 10], &(10..20)), [10, 10]);
        assert_eq!(without(&[10, 10, 10], &(28..30)), [10, 10, 8]);
    }
}
