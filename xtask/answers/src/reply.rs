//! An answer: its head as it goes over the wire, and its body with the framing that it had.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::json;

use super::message::{Framing, LENGTH, Outline, end_to_end, framed, says, value, with_value, without};

/// The checksum of the body, in decimal digits.
const CRC: &str = "x-amz-crc32";

/// An answer of the server, whole.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// Status line and headers, with the empty line; of the headers the end-to-end ones.
    pub head: Vec<u8>,
    pub body: Vec<u8>,
    /// Sizes of the chunks of a chunked body, none of them 0; none where the length was said.
    chunks: Option<Vec<usize>>,
}

impl Reply {
    /// An answer from its bytes. Whatever the server's connections do, the client's goes on.
    pub fn read(bytes: &[u8], outline: &Outline) -> Reply {
        let mut head = end_to_end(&bytes[..outline.head]);
        let body = outline.body(bytes).into_owned();
        match outline.framing {
            Framing::Length => {}
            Framing::Chunks(_) => head = without(&head, &[LENGTH]),
            Framing::UntilClosed => head = with_value(&head, LENGTH, body.len()),
        }
        if head.starts_with(b"HTTP/1.0") {
            head[..8].copy_from_slice(b"HTTP/1.1");
        }
        Reply { status: outline.status, head, body, chunks: outline.chunks() }
    }

    /// An error in the database's form. `kind` is the name of its exception.
    pub fn error(status: u16, kind: &str, message: &str) -> Reply {
        let kind = format!("com.amazonaws.dynamodb.v20120810#{kind}");
        let body = json!({ "__type": kind, "message": message }).to_string();
        let head = format!(
            "HTTP/1.1 {status} Error\r\nContent-Type: application/x-amz-json-1.0\r\n{LENGTH}: {}\r\n\r\n",
            body.len()
        );
        Reply { status, head: head.into(), body: body.into(), chunks: None }
    }

    /// Whether bytes can be taken out of its body and everything still fit.
    pub fn can_be_cut(&self) -> bool {
        let crc_fits = value(&self.head, CRC).is_none_or(|crc| crc == crc_of(&self.body));
        crc_fits && !says(&self.head, "Content-Encoding")
    }

    /// Takes bytes out of its body; its length, its chunks and its checksum follow.
    pub fn cut(&mut self, range: Range<usize>) {
        if let Some(chunks) = &mut self.chunks {
            *chunks = cut_out(chunks, &range);
        }
        self.body.drain(range);
        for (name, now) in [(LENGTH, self.body.len().to_string()), (CRC, crc_of(&self.body))] {
            if says(&self.head, name) {
                self.head = with_value(&self.head, name, now);
            }
        }
    }

    /// Its body as it goes over the wire.
    pub fn framed(&self) -> Cow<'_, [u8]> {
        framed(&self.body, self.chunks.as_deref())
    }
}

fn crc_of(body: &[u8]) -> String {
    crc32fast::hash(body).to_string()
}

/// The sizes of chunks without some of the bytes that they hold.
fn cut_out(chunks: &[usize], range: &Range<usize>) -> Vec<usize> {
    let mut start = 0;
    let sizes = chunks.iter().map(|&size| {
        let end = start + size;
        let cut = range.end.min(end).saturating_sub(range.start.max(start));
        start = end;
        size - cut
    });
    sizes.filter(|size| *size > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_taken_out_of_the_chunks_that_hold_them() {
        assert_eq!(cut_out(&[10, 10, 10], &(5..15)), [5, 5, 10]);
        assert_eq!(cut_out(&[10, 10, 10], &(10..20)), [10, 10]);
        assert_eq!(cut_out(&[10, 10, 10], &(28..30)), [10, 10, 8]);
    }
}
