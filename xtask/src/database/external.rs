//! A server that is there already: nothing is started or stopped, and a table is made and deleted in it.

use std::net::ToSocketAddrs as _;
use std::time::Duration;

use super::{Process, Server, probe};
use crate::exit::Exit;
use crate::results::Backend;

/// # Errors
/// [`Exit::BadInput`] for what is no `http://HOST:PORT`, and for another machine where that wasn't allowed.
pub fn check(url: &str, allow_remote: bool) -> Result<(), Exit> {
    let bad = |why: &str| Exit::BadInput(format!("--endpoint {url}: {why}"));
    let address = url.strip_prefix("http://").ok_or_else(|| bad("write it as http://HOST:PORT"))?;
    let address = address.trim_end_matches('/');
    if address.contains('/') || !address.contains(':') {
        return Err(bad("write it as http://HOST:PORT"));
    }
    let mut resolved = address.to_socket_addrs().map_err(|why| bad(&format!("it is no address ({why})")))?;
    if !allow_remote && !resolved.all(|address| address.ip().is_loopback()) {
        return Err(bad(
            "it is another machine, where a table would be created and deleted; add --allow-remote-endpoint if that is meant",
        ));
    }
    Ok(())
}

/// # Errors
/// [`Exit::BadInput`] where nothing answers.
pub fn find(url: &str) -> anyhow::Result<Server> {
    let endpoint = url.trim_end_matches('/').to_owned();
    probe::list_tables(&endpoint, Duration::from_secs(5))
        .map_err(|why| Exit::BadInput(format!("--endpoint {url}: it doesn't answer ListTables ({why})")))?;
    let pid = listener(&endpoint);
    Ok(Server { backend: Backend::External, version: None, image: None, endpoint, pid, process: Process::External })
}

/// The process on this machine that listens at an address, where the kernel lets us see it.
fn listener(endpoint: &str) -> Option<u32> {
    let port: u16 = endpoint.rsplit(':').next()?.parse().ok()?;
    let wanted = format!(":{port:04X}");
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .flat_map(|text| {
            let rows = text.lines().skip(1).map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
            rows.collect::<Vec<_>>()
        })
        // State 0A is LISTEN; the tenth field is the socket's inode: proc(5).
        .filter(|fields| fields.len() > 9 && fields[1].ends_with(&wanted) && fields[3] == "0A")
        .map(|fields| format!("socket:[{}]", fields[9]))
        .collect();
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).find(|pid| {
        let links = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        links
            .filter_map(|link| std::fs::read_link(link.path()).ok())
            .any(|to| to.to_str().is_some_and(|to| inodes.iter().any(|inode| inode == to)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_needs_a_word_and_this_one_does_not() {
        assert!(check("http://127.0.0.1:8000", false).is_ok());
        assert!(check("http://192.0.2.1:8000", true).is_ok());
        for bad in
            ["http://192.0.2.1:8000", "https://127.0.0.1:8000", "127.0.0.1:8000", "http://127.0.0.1", "http://x y:1"]
        {
            let why = check(bad, false).unwrap_err();
            assert!(
                matches!(&why, Exit::BadInput(text) if text.contains("--endpoint") && text.contains(bad)),
                "{why:?}"
            );
        }
    }

    #[test]
    fn the_process_that_listens_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        assert_eq!(super::listener(&endpoint), Some(std::process::id()));
    }
}
