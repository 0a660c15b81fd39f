//! A server that is there already: nothing is started or stopped, and a table is made and deleted in it.

use std::net::{SocketAddr, ToSocketAddrs as _};

use anyhow::bail;

use super::{Kind, PROBE_LIMIT, Server, probe, socket};
use crate::results::Backend;
use crate::system::exit::Exit;

/// An address that was found to be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `http://HOST:PORT`, nothing after it.
    endpoint: String,
    address: SocketAddr,
}

impl Address {
    /// # Errors
    /// [`Exit::BadInput`] for what is no `http://HOST:PORT`, and for another machine where that wasn't allowed.
    pub fn parse(url: &str, allow_remote: bool) -> anyhow::Result<Address> {
        let bad = |why: &str| Exit::BadInput(format!("--endpoint {url}: {why}"));
        let form = "write it as http://HOST:PORT";
        let Some(host_and_port) = url.strip_prefix("http://").map(|rest| rest.strip_suffix('/').unwrap_or(rest)) else {
            bail!(bad(form));
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
        if !host_and_port.chars().all(is_plain)
            || host_and_port.rsplit_once(':').is_none_or(|(host, _)| host.is_empty())
        {
            bail!(bad(form));
        }
        let resolved =
            host_and_port.to_socket_addrs().map_err(|why| bad(&format!("{form}; this is no address ({why})")))?;
        let resolved: Vec<SocketAddr> = resolved.collect();
        let Some(&address) = resolved.first() else { bail!(bad("this host has no address")) };
        if !allow_remote && !resolved.iter().all(|address| address.ip().is_loopback()) {
            bail!(bad(
                "that is another machine, where a table would be created and deleted; add --allow-remote-endpoint if \
                 that is meant"
            ));
        }
        Ok(Address { endpoint: format!("http://{host_and_port}"), address })
    }

    /// # Errors
    /// [`Exit::BadInput`] where it doesn't answer a real call.
    pub fn check(&self) -> anyhow::Result<()> {
        probe::list_tables(self.address, PROBE_LIMIT).map_err(|why| {
            Exit::BadInput(format!("--endpoint {}: no DynamoDB-compatible server answers there ({why})", self.endpoint))
                .into()
        })
    }
}

/// Takes the server as it is.
///
/// # Errors
/// [`Exit::BadInput`] where it doesn't answer.
pub fn take(address: &Address) -> anyhow::Result<Server> {
    address.check()?;
    Ok(Server {
        backend: Backend::External,
        version: None,
        image: None,
        endpoint: address.endpoint.clone(),
        pid: socket::listener(address.address),
        address: address.address,
        kind: Kind::External,
        kept: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_needs_a_word_and_this_one_does_not() {
        for good in ["http://127.0.0.1:8000", "http://127.0.0.1:8000/", "http://[::1]:8000"] {
            Address::parse(good, false).unwrap();
        }
        Address::parse("http://192.0.2.1:8000", true).unwrap();
        for bad in [
            "http://192.0.2.1:8000",
            "https://127.0.0.1:8000",
            "127.0.0.1:8000",
            "http://127.0.0.1",
            "http://:8000",
            "http://127.0.0.1:99999",
            "http://127.0.0.1:8000/path",
            "http://user@127.0.0.1:8000",
            "http://x y:1",
            "http://127.0.0.1:8000\r\nX: y",
            "",
        ] {
            let why = Address::parse(bad, false).unwrap_err();
            let is_told = matches!(why.downcast_ref(), Some(Exit::BadInput(text)) if text.contains("--endpoint") && text.contains(bad));
            assert!(is_told, "{bad}: {why}");
        }
    }

    #[test]
    fn a_server_that_is_there_is_taken_and_left_alone() {
        let address = probe::tests::serve(Some("HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"TableNames\":[]}"));
        let mut server = take(&Address::parse(&format!("http://{address}"), false).unwrap()).unwrap();
        if cfg!(target_os = "linux") {
            assert_eq!(server.pid, Some(std::process::id()));
        }
        server.stop();
        assert!(server.answers(), "it was stopped");
    }

    #[test]
    fn a_port_where_nobody_answers_is_bad_input() {
        let port = socket::free_port().unwrap();
        let why = take(&Address::parse(&format!("http://127.0.0.1:{port}"), false).unwrap()).unwrap_err();
        assert!(matches!(why.downcast_ref(), Some(Exit::BadInput(text)) if text.contains("--endpoint")), "{why}");
    }
}
