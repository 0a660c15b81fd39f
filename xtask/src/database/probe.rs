//! One real call, ListTables, over a plain socket: proof that a server answers, without an SDK.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// Calls ListTables. DynamoDB Local reads a signature's form and never its worth, so a made-up one does.
///
/// # Errors
/// Whatever keeps it from an answer of 200, in words.
pub fn list_tables(endpoint: &str, limit: Duration) -> Result<(), String> {
    let address = endpoint.strip_prefix("http://").ok_or("only http:// is spoken here")?.trim_end_matches('/');
    let resolved = address
        .to_socket_addrs()
        .map_err(|why| format!("{address}: {why}"))?
        .next()
        .ok_or_else(|| format!("{address} is no address"))?;
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&resolved, limit)?;
        stream.set_read_timeout(Some(limit))?;
        stream.set_write_timeout(Some(limit))?;
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.0\r\n\
             X-Amz-Target: DynamoDB_20120810.ListTables\r\nContent-Length: 2\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, \
             SignedHeaders=host, Signature=0\r\n\r\n{{}}"
        )?;
        let mut answer = Vec::new();
        stream.take(64 * 1024).read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = ask().map_err(|why| why.to_string())?;
    if answer.split(' ').nth(1) == Some("200") && answer.contains("TableNames") {
        Ok(())
    } else {
        Err(format!("it answered {:?}", answer.lines().next().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that gives one answer.
    fn answering(answer: &'static str) -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        });
        endpoint
    }

    #[test]
    fn only_an_answer_that_lists_tables_counts() {
        let limit = Duration::from_secs(2);
        assert_eq!(list_tables(&answering("HTTP/1.1 200 OK\r\n\r\n{\"TableNames\":[]}"), limit), Ok(()));
        assert!(list_tables(&answering("HTTP/1.1 200 OK\r\n\r\nhello"), limit).is_err());
        assert!(list_tables(&answering("HTTP/1.1 400 Bad\r\n\r\n{}"), limit).unwrap_err().contains("400"));
        assert!(list_tables("https://127.0.0.1:1", limit).is_err());
        assert!(list_tables("http://127.0.0.1:1", limit).is_err());
    }
}
