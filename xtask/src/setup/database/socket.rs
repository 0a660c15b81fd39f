//! Ports: one that is free, and who listens on one. That a port answers proves nothing about who does.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Context as _;

/// A loopback port that was free a moment ago.
///
/// # Errors
/// Where the operating system gives none.
pub fn free_port() -> anyhow::Result<u16> {
    #[cfg(test)]
    if let Some(port) = tests::NEXT.take() {
        return Ok(port);
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port")?;
    Ok(listener.local_addr().context("looking for a free port")?.port())
}

/// Where a process listens on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listens {
    /// On loopback alone.
    Loopback,
    /// On other addresses too.
    Everywhere,
    No,
    /// The operating system doesn't show it.
    Unknown,
}

/// Whether, and how widely, this very process listens on a port.
#[cfg(target_os = "linux")]
pub fn listens(pid: u32, port: u16) -> Listens {
    let listening = listening_on(port);
    let Ok(files) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return Listens::Unknown };
    let own: Vec<String> =
        files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok()?.to_str().map(str::to_owned)).collect();
    let found: Vec<bool> = listening
        .into_iter()
        .filter(|(_, inode)| own.contains(&format!("socket:[{inode}]")))
        .map(|(is_loopback, _)| is_loopback)
        .collect();
    match found.as_slice() {
        [] => Listens::No,
        all if all.iter().all(|is_loopback| *is_loopback) => Listens::Loopback,
        _ => Listens::Everywhere,
    }
}

#[cfg(not(target_os = "linux"))]
pub fn listens(_: u32, _: u16) -> Listens {
    Listens::Unknown
}

/// The process on this machine that listens at an address, where that can be seen.
#[cfg(target_os = "linux")]
pub fn listener(address: SocketAddr) -> Option<u32> {
    if !address.ip().is_loopback() {
        return None;
    }
    crate::system::proc::processes()?
        .find(|&pid| matches!(listens(pid, address.port()), Listens::Loopback | Listens::Everywhere))
}

#[cfg(not(target_os = "linux"))]
pub fn listener(_: SocketAddr) -> Option<u32> {
    None
}

/// The sockets that listen on a port: whether on loopback alone, and the inode.
#[cfg(target_os = "linux")]
fn listening_on(port: u16) -> Vec<(bool, String)> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| std::fs::read_to_string(path).unwrap_or_default());
    tables.iter().flat_map(|table| table.lines().skip(1)).filter_map(|line| listening(line, port)).collect()
}

/// One line of `/proc/net/tcp` or `tcp6`, if it is a listening socket on this port: proc(5).
#[cfg(target_os = "linux")]
fn listening(line: &str, port: u16) -> Option<(bool, String)> {
    const LISTEN: &str = "0A";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (address, its_port) = fields.get(1)?.split_once(':')?;
    let is_it = u16::from_str_radix(its_port, 16).ok()? == port && *fields.get(3)? == LISTEN;
    // Groups of four bytes, each in the machine's order: 127.x.x.x, the same mapped into IPv6, and ::1.
    let is_loopback = match address.len() {
        8 => address.ends_with("7F"),
        _ if address.starts_with("0000000000000000FFFF0000") => address.ends_with("7F"),
        _ => address == "00000000000000000000000001000000",
    };
    is_it.then(|| fields.get(9).map(|inode| (is_loopback, (*inode).to_owned())))?
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        /// The port that this thread is given next, whether it is free or not.
        pub static NEXT: Cell<Option<u16>> = const { Cell::new(None) };
    }

    /// Lets a test lose the race for a port.
    pub fn next_free_port(port: u16) {
        NEXT.set(Some(port));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn it_is_seen_who_listens_and_how_widely() {
        let me = std::process::id();
        for (at, expected) in [
            ("127.0.0.1:0", Listens::Loopback),
            ("[::1]:0", Listens::Loopback),
            ("0.0.0.0:0", Listens::Everywhere),
            ("[::]:0", Listens::Everywhere),
        ] {
            let Ok(listener) = TcpListener::bind(at) else { continue };
            let port = listener.local_addr().unwrap().port();
            assert_eq!(listens(me, port), expected, "{at}");
            assert_eq!(super::listener((Ipv4Addr::LOCALHOST, port).into()), Some(me));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_port_that_somebody_else_listens_on_is_not_ours() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut child = std::process::Command::new("sleep").arg("5").spawn().unwrap();
        assert_eq!(listens(child.id(), port), Listens::No);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_mapped_loopback_address_is_loopback() {
        let line =
            "0: 0000000000000000FFFF00000100007F:46BF 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4711 1";
        assert_eq!(listening(line, 0x46bf), Some((true, "4711".into())));
        assert_eq!(listening(line, 1), None);
    }
}
