//! One run at a time in one target folder: two would measure each other. The lock dies with its owner.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};

use anyhow::Context as _;
use nix::fcntl::{Flock, FlockArg};

use crate::checkout::Checkout;
use crate::exit::Exit;

/// Held until it is dropped.
pub struct Lock {
    _file: Flock<File>,
}

/// Takes the lock.
///
/// # Errors
/// [`Exit::Prerequisite`] where another run holds it; it says which.
pub fn acquire(checkout: &Checkout) -> anyhow::Result<Lock> {
    let folder = checkout.bench();
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let path = folder.join("lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(|| format!("opening {}", path.display()))?;
    let mut holder = String::new();
    let _ = file.read_to_string(&mut holder);
    let mut file = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| {
        Exit::Prerequisite(format!(
            "another run is under way in this checkout ({}); two would measure each other: wait for it, or stop it",
            holder.trim()
        ))
    })?;
    file.set_len(0)?;
    file.rewind()?;
    let since = humantime::format_rfc3339_seconds(std::time::SystemTime::now());
    write!(file, "process {} since {since}", std::process::id())?;
    Ok(Lock { _file: file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_refused_while_the_first_holds_the_lock_and_not_after() {
        let folder = tempfile::tempdir().unwrap();
        let checkout = Checkout { root: folder.path().to_owned(), target: folder.path().join("target") };
        let first = acquire(&checkout).unwrap();
        let why = acquire(&checkout).err().unwrap();
        assert!(why.to_string().contains(&format!("process {}", std::process::id())), "{why}");
        drop(first);
        acquire(&checkout).unwrap();
    }
}
