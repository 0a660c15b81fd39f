//! One run at a time in one target folder. The lock is the kernel's: it dies with its owner, however that dies, and a
//! file that was left behind locks nothing.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::time::SystemTime;

use anyhow::{Context as _, bail};

use crate::checkout::Checkout;
use crate::exit::Exit;

/// Held for as long as a run goes on.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A child that is being started shares the file until its program runs: closing it would leave the lock to it.
        let _ = self.file.unlock();
    }
}

/// Takes the lock of this checkout's target folder.
///
/// # Errors
/// [`Exit::Prerequisite`] with who holds it and since when, where another run does.
pub fn acquire(checkout: &Checkout) -> anyhow::Result<Lock> {
    let folder = checkout.bench();
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let path = folder.join("lock");
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(|| format!("opening the lock {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            let _ = file.take(1_000).read_to_string(&mut owner);
            let owner = if owner.trim().is_empty() { "a process that did not say which" } else { owner.trim() };
            bail!(Exit::Prerequisite(format!(
                "another run is going on in {}: {owner}; wait for its end, or give this one its own folder with \
                 CARGO_TARGET_DIR",
                folder.display()
            )));
        }
        Err(TryLockError::Error(why)) => {
            return Err(why).with_context(|| format!("locking {}", path.display()));
        }
    }
    let since = humantime::format_rfc3339_seconds(SystemTime::now());
    let command: Vec<String> = std::env::args().skip(1).collect();
    let owner = format!("process {} since {since} (cargo xtask {})\n", std::process::id(), command.join(" "));
    // The words are for people; that they can't be written takes nothing from the lock.
    let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(owner.as_bytes()));
    Ok(Lock { file })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkout(folder: &tempfile::TempDir) -> Checkout {
        Checkout { root: folder.path().into(), target: folder.path().join("target") }
    }

    #[test]
    fn a_second_run_is_told_who_holds_the_lock_and_since_when() {
        let folder = tempfile::tempdir().unwrap();
        let held = acquire(&checkout(&folder)).unwrap();
        let why = acquire(&checkout(&folder)).unwrap_err();
        let text = why.to_string();
        assert!(text.contains(&format!("process {} since 20", std::process::id())), "{text}");
        assert!(matches!(why.downcast_ref(), Some(Exit::Prerequisite(_))));
        drop(held);
        acquire(&checkout(&folder)).unwrap();
    }

    #[test]
    fn a_lock_file_that_a_dead_run_left_locks_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(checkout(&folder).bench()).unwrap();
        std::fs::write(checkout(&folder).bench().join("lock"), "process 1 since 1999\n").unwrap();
        acquire(&checkout(&folder)).unwrap();
    }
}
