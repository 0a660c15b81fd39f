//! Whole messages from a connection and to it.

use std::net::SocketAddr;

use bytes::Buf;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::message::{Framing, Kind, Malformed, Outline};

/// The least room for one read, bytes: a usual request fits.
const READ: usize = 8 << 10;
/// The largest head, bytes.
const MOST_HEAD: usize = 64 << 10;

/// Why there is no message.
#[derive(Debug)]
pub enum Trouble {
    Broken(std::io::Error),
    /// The other side closed the connection, which it may do between two messages.
    Closed,
    Malformed(Malformed),
    TooLarge {
        /// How many bytes its body may have.
        most: usize,
    },
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Broken(why) => why.fmt(f),
            Trouble::Closed => f.write_str("the connection was closed before a whole message had come"),
            Trouble::Malformed(Malformed(why)) => write!(f, "no HTTP/1.1 message: {why}"),
            Trouble::TooLarge { most } => {
                write!(f, "a message has more than {most} bytes, or a head of more than {MOST_HEAD}")
            }
        }
    }
}

impl From<std::io::Error> for Trouble {
    fn from(why: std::io::Error) -> Trouble {
        Trouble::Broken(why)
    }
}

/// A connection whose messages go out at once (`TCP_NODELAY`), without waiting for an acknowledgement.
pub async fn connect(to: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads until `bytes` begins with a whole message, whose body has at most so many bytes.
///
/// # Errors
/// Where no whole message comes.
pub async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>, kind: Kind, most: usize) -> Result<Outline, Trouble> {
    let mut is_closed = false;
    loop {
        // An empty line before a message means nothing.
        let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        bytes.drain(..blank);
        let outline = Outline::of(bytes, kind).map_err(Trouble::Malformed)?;
        match outline {
            Some(outline) if outline.end - outline.head > most => return Err(Trouble::TooLarge { most }),
            Some(outline) if is_closed || outline.framing != Framing::UntilClosed => return Ok(outline),
            _ if is_closed => return Err(Trouble::Closed),
            _ if bytes.len() > most + MOST_HEAD => return Err(Trouble::TooLarge { most }),
            _ => {}
        }
        bytes.reserve(READ);
        is_closed = stream.read_buf(bytes).await? == 0;
    }
}

/// Writes a message, in one packet where it fits into one.
pub async fn write(stream: &mut TcpStream, head: &[u8], body: &[u8]) -> std::io::Result<()> {
    stream.write_all_buf(&mut Buf::chain(head, body)).await
}
