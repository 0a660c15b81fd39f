//! Questions to a server over plain HTTP, without an SDK: does it answer, and does it do a real call.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::system::interrupt;

/// How long a read waits before it looks at signals.
const POLL: Duration = Duration::from_millis(100);
const MOST_BYTES: usize = 1 << 20;

/// Asks for the list of tables, with a signature that is made up: `DynamoDB` Local looks at none.
///
/// # Errors
/// What it answered instead, or why it didn't.
pub fn list_tables(address: SocketAddr, limit: Duration) -> Result<(), String> {
    let body = "{}";
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.0\r\n\
         X-Amz-Target: DynamoDB_20120810.ListTables\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential=benchmark/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = ask(address, &request, limit, is_whole)?;
    let text = String::from_utf8_lossy(&answer);
    let status = text.split_whitespace().nth(1).unwrap_or_default();
    if status == "200" && text.contains("\"TableNames\"") {
        return Ok(());
    }
    let first = text.lines().next().unwrap_or_default();
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Err(format!("it answered {:?} to ListTables: {:?}", shorten(first), shorten(body)))
}

/// Whether anything that speaks HTTP answers at all; true when a signal comes meanwhile.
pub fn answers(address: SocketAddr, limit: Duration) -> bool {
    let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    ask(address, &request, limit, |answer| answer.starts_with(b"HTTP/")).is_ok() || interrupt::requested()
}

fn ask(
    address: SocketAddr,
    request: &str,
    limit: Duration,
    is_enough: impl Fn(&[u8]) -> bool,
) -> Result<Vec<u8>, String> {
    let end = Instant::now() + limit;
    let words = |why: std::io::Error| why.to_string();
    let mut stream = TcpStream::connect_timeout(&address, limit.min(Duration::from_secs(1))).map_err(words)?;
    stream.set_read_timeout(Some(POLL)).map_err(words)?;
    stream.set_write_timeout(Some(limit)).map_err(words)?;
    stream.write_all(request.as_bytes()).map_err(words)?;
    let (mut answer, mut buffer) = (Vec::new(), [0; 8192]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
            Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(why) if why.kind() == ErrorKind::Interrupted => {}
            Err(why) => return Err(why.to_string()),
        }
        if is_enough(&answer) || answer.len() > MOST_BYTES {
            break;
        }
        if interrupt::requested() {
            return Err("interrupted".to_owned());
        }
        if Instant::now() >= end {
            return Err(format!("no answer within {}", humantime::format_duration(limit)));
        }
    }
    if answer.is_empty() { Err("it closed the connection without an answer".to_owned()) } else { Ok(answer) }
}

/// Whether an answer is as long as it says: some servers keep the connection open whatever they are asked.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.and_then(|(_, length)| length.trim().parse().ok()).is_some_and(|length: usize| body.len() >= length)
}

fn shorten(text: &str) -> String {
    text.trim().chars().take(200).collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A server that gives every connection the same answer, or none.
    pub fn serve(answer: Option<&'static str>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]);
                if let Some(answer) = answer {
                    let _ = stream.write_all(answer.as_bytes());
                }
                open.push(stream);
            }
        });
        address
    }

    const LIMIT: Duration = Duration::from_millis(400);

    #[test]
    fn a_list_of_tables_is_an_answer_even_if_the_connection_stays_open() {
        let address = serve(Some("HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"TableNames\":[]}"));
        assert_eq!(list_tables(address, LIMIT), Ok(()));
        assert!(answers(address, LIMIT));
    }

    #[test]
    fn another_kind_of_server_is_told_by_what_it_says() {
        let address = serve(Some("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot here!"));
        let why = list_tables(address, LIMIT).unwrap_err();
        assert!(why.contains("404 Not Found"), "{why}");
        assert!(answers(address, LIMIT));
    }

    #[test]
    fn a_server_that_says_nothing_is_given_up() {
        let address = serve(None);
        let start = Instant::now();
        assert!(list_tables(address, LIMIT).unwrap_err().contains("no answer within 400ms"));
        assert!(!answers(address, LIMIT));
        assert!(start.elapsed() < LIMIT * 20);
    }

    #[test]
    fn a_port_where_nobody_listens_answers_nothing() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(list_tables(address, LIMIT).is_err());
    }
}
