//! For tests: a blocking client, and a server that gives given bytes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::Door;

/// An answer with all that DynamoDB Local says: its status, a length, and a checksum that fits.
pub fn answer(status: u16, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} {}\r\nDate: Wed, 25 Nov 2026 21:00:00 GMT\r\nContent-Type: application/x-amz-json-1.0\r\n\
         x-amz-crc32: {}\r\nx-amzn-RequestId: 5e0e-1\r\nContent-Length: {}\r\nServer: Jetty(9.4.48)\r\n\r\n{body}",
        if status == 200 { "OK" } else { "Bad Request" },
        crc32fast::hash(body.as_bytes()),
        body.len()
    )
    .into_bytes()
}

pub fn sized(body: &str) -> Vec<u8> {
    answer(200, body)
}

/// An answer in chunks of a size.
pub fn chunked(body: &str, size: usize) -> Vec<u8> {
    let crc = crc32fast::hash(body.as_bytes());
    let mut whole =
        format!("HTTP/1.1 200 OK\r\nx-amz-crc32: {crc}\r\nTransfer-Encoding: chunked\r\nServer: Jetty\r\n\r\n")
            .into_bytes();
    for chunk in body.as_bytes().chunks(size) {
        whole.extend(format!("{:X}\r\n", chunk.len()).bytes());
        whole.extend(chunk);
        whole.extend(b"\r\n");
    }
    whole.extend(b"0\r\n\r\n");
    whole
}

/// A server on a thread of its own; an empty answer hangs up.
pub struct Fake {
    pub address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<(String, String)>>,
    streams: Mutex<Vec<TcpStream>>,
}

impl Fake {
    /// `answer` gets head and body.
    pub fn start(answer: impl Fn(&str, &str) -> Vec<u8> + Send + Sync + 'static) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, answer) = (Arc::new(Seen::default()), Arc::new(answer));
        let fake = Fake { address, seen: Arc::clone(&seen) };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                seen.streams.lock().unwrap().push(stream.try_clone().unwrap());
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let mut stream = BufReader::new(stream);
                    while let Some((head, body)) = read(&mut stream) {
                        let body = String::from_utf8_lossy(&body).into_owned();
                        let bytes = answer(&head, &body);
                        seen.requests.lock().unwrap().push((head, body));
                        if bytes.is_empty() || stream.get_mut().write_all(&bytes).is_err() {
                            let _ = stream.get_ref().shutdown(std::net::Shutdown::Both);
                            return;
                        }
                    }
                });
            }
        });
        fake
    }

    pub fn calls(&self) -> usize {
        self.seen.requests.lock().unwrap().len()
    }

    pub fn connections(&self) -> usize {
        self.seen.streams.lock().unwrap().len()
    }

    /// Head and body of the last request.
    pub fn last(&self) -> (String, String) {
        self.seen.requests.lock().unwrap().last().unwrap().clone()
    }

    /// Closes all connections.
    pub fn hang_up(&self) {
        for stream in self.seen.streams.lock().unwrap().iter() {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// One connection to a door.
pub struct Client(BufReader<TcpStream>);

/// What a client got.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    /// Head, framing and body.
    pub raw: Vec<u8>,
    body: Vec<u8>,
}

impl Got {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

impl Client {
    pub fn connect(door: &Door) -> Client {
        Client::to(door.endpoint().strip_prefix("http://").unwrap().parse().unwrap())
    }

    pub fn to(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        Client(BufReader::new(stream))
    }

    pub fn call(&mut self, target: &str, body: &str) -> Got {
        self.try_call(target, body).expect("no answer")
    }

    pub fn try_call(&mut self, target: &str, body: &str) -> Option<Got> {
        self.send(request(target, body).as_bytes())
    }

    /// Sends bytes and reads one answer.
    pub fn send(&mut self, bytes: &[u8]) -> Option<Got> {
        self.0.get_mut().write_all(bytes).ok()?;
        self.answer()
    }

    /// Sends a head and so many bytes, if they are taken, and reads one answer.
    pub fn send_much(&mut self, head: &str, bytes: usize) -> Option<Got> {
        self.0.get_mut().write_all(head.as_bytes()).ok()?;
        for _ in 0..bytes >> 10 {
            if self.0.get_mut().write_all(&[b'x'; 1 << 10]).is_err() {
                break;
            }
        }
        self.answer()
    }

    /// Reads one answer; none where the connection ends.
    pub fn answer(&mut self) -> Option<Got> {
        let mut raw = Vec::new();
        let head = read_head(&mut self.0, &mut raw)?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let mut body = Vec::new();
        if header(&head, "transfer-encoding").is_some() {
            loop {
                let mut line = String::new();
                self.0.read_line(&mut line).ok()?;
                raw.extend(line.bytes());
                let size = usize::from_str_radix(line.trim_end(), 16).ok()?;
                let mut chunk = vec![0; size + 2];
                self.0.read_exact(&mut chunk).ok()?;
                raw.extend(&chunk);
                body.extend(&chunk[..size]);
                if size == 0 {
                    break;
                }
            }
        } else {
            body = vec![0; header(&head, "content-length").map_or(0, |length| length.parse().unwrap())];
            self.0.read_exact(&mut body).ok()?;
            raw.extend(&body);
        }
        Some(Got { status, raw, body })
    }
}

pub fn request(target: &str, body: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: bench\r\nX-Odd-CASE: 1\r\nX-Amz-Target: {target}\r\n\
         Content-Type: application/x-amz-json-1.0\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential=benchmark/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let head = read_head(stream, &mut Vec::new())?;
    let mut body = vec![0; header(&head, "content-length").map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn read_head(stream: &mut BufReader<TcpStream>, raw: &mut Vec<u8>) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    raw.extend(head.bytes());
    Some(head)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
