//! Databases that are kept for the next run of the same data set (`--reuse-database`): files of `DynamoDB` Local under
//! `target/bench/databases`, each named by a hash of everything that decides its contents. A run works on a copy in a
//! file system in memory, so that nothing it does reaches what is kept, and no write waits for a disk. What is being
//! made is renamed into its place once it is whole.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use hmac_sha256::Hash as Sha256;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::plan::request::BackendChoice;
use crate::system::exit::Exit;
use crate::system::{files, owner};

/// Where copies lie: a file system in memory, which only Linux has everywhere.
pub const MEMORY: &str = "/dev/shm";
/// The folder of what is kept, in `target/bench`.
pub const FOLDER: &str = "databases";
/// Raised when what is kept would not be understood any more.
const FORMAT: u32 = 1;
/// The newest are kept, and no more.
const MOST_KEPT: usize = 3;
/// What `DynamoDB` Local calls its file when all credentials share it.
const FILE: &str = "shared-local-instance.db";
const ABOUT: &str = "about.json";
/// What every file of `SQLite` begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Memory that must be left besides a copy, bytes: for what is written while measuring.
const SPARE: u64 = 64 << 20;
/// The folder that this is the name of is known to be in memory.
const IS_MEMORY: bool = cfg!(target_os = "linux");

/// The contents that a run needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Everything that decides them, apart from the server's version.
    pub contents: Value,
    /// Of each table.
    pub items: u32,
    /// About what its file takes, bytes.
    pub room: u64,
}

/// What is noted next to a kept file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct About {
    format: u32,
    /// The server's version.
    server: Option<String>,
    contents: Value,
    /// Of the file; 0 as long as there is none.
    bytes: u64,
}

impl About {
    fn key(&self) -> String {
        let text = json!({ "format": self.format, "server": self.server, "contents": self.contents }).to_string();
        files::hex(&Sha256::hash(text.as_bytes())[..8])
    }
}

/// The copy that a run works on; dropped, it goes.
#[derive(Debug)]
pub struct Copy {
    /// Of all that is kept.
    shelf: PathBuf,
    about: About,
    /// In memory.
    folder: TempDir,
    was_there: bool,
}

/// Whether a database can be kept at all.
///
/// # Errors
/// [`Exit::BadInput`] with what to do instead.
pub fn check(backend: BackendChoice) -> Result<(), Exit> {
    if backend == BackendChoice::Docker {
        return Err(Exit::BadInput(
            "--reuse-database: a database in Docker is not kept; use --backend java, or leave one of the two out"
                .into(),
        ));
    }
    if !IS_MEMORY || !Path::new(MEMORY).is_dir() {
        return Err(Exit::BadInput(format!(
            "--reuse-database: the copy that is measured must lie in memory, in {MEMORY}, which this system doesn't have"
        )));
    }
    Ok(())
}

impl Copy {
    /// Copies what is kept of these contents; where nothing is, a server makes a new file in the copy's folder.
    ///
    /// # Errors
    /// [`Exit::Prerequisite`] where there is too little memory for it.
    pub fn take(bench: &Path, wanted: &Wanted, server: Option<&str>) -> anyhow::Result<Copy> {
        let contents = wanted.contents.clone();
        let about = About { format: FORMAT, server: server.map(str::to_owned), contents, bytes: 0 };
        let shelf = bench.join(FOLDER);
        let entry = shelf.join(about.key());
        let bytes = whole(&entry, &about);
        require_room(bytes.unwrap_or(0).max(wanted.room) + SPARE)?;
        let folder = tempfile::Builder::new().prefix(&owner::making()?).tempdir_in(MEMORY);
        let folder = folder.with_context(|| format!("making a folder in {MEMORY}"))?;
        if bytes.is_some() {
            std::fs::copy(entry.join(FILE), folder.path().join(FILE))
                .with_context(|| format!("copying the kept database in {}", entry.display()))?;
            // The most recently used ones stay.
            let _ = File::open(entry.join(ABOUT)).and_then(|file| file.set_modified(SystemTime::now()));
        }
        Ok(Copy { shelf, about, folder, was_there: bytes.is_some() })
    }

    /// Where the server finds its file.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether a kept database was copied.
    pub fn was_there(&self) -> bool {
        self.was_there
    }

    /// Keeps the database as it is now, while nothing writes into it; a line about it.
    ///
    /// # Errors
    /// Where it can't be written, or is being changed.
    pub fn keep(&self) -> anyhow::Result<String> {
        let from = self.folder().join(FILE);
        if self.folder().join(format!("{FILE}-journal")).exists() {
            bail!("the database is being written");
        }
        std::fs::create_dir_all(&self.shelf).with_context(|| format!("creating {}", self.shelf.display()))?;
        let making = tempfile::Builder::new().prefix(&owner::making()?).tempdir_in(&self.shelf)?;
        let to = making.path().join(FILE);
        let bytes = std::fs::copy(&from, &to).with_context(|| format!("writing {}", to.display()))?;
        File::open(&to).and_then(|file| file.sync_all()).with_context(|| format!("writing {}", to.display()))?;
        let about = About { bytes, ..self.about.clone() };
        files::write_whole(&making.path().join(ABOUT), serde_json::to_vec_pretty(&about)?)?;
        let entry = self.shelf.join(about.key());
        remove(&entry)?;
        std::fs::rename(making.path(), &entry).with_context(|| format!("moving a database to {}", entry.display()))?;
        let (count, all) = remove_old(&self.shelf);
        let mib = |bytes: u64| format!("{:.0} MiB", (bytes as f64 / f64::from(1 << 20)).ceil());
        Ok(format!(
            "kept the database for later runs of the same data: {} ({count} kept, {}; to delete them: rm -r {})",
            mib(bytes),
            mib(all),
            self.shelf.display()
        ))
    }

    /// Throws away what is kept of these contents.
    ///
    /// # Errors
    /// Where it can't be deleted.
    pub fn discard(&self) -> anyhow::Result<()> {
        remove(&self.shelf.join(self.about.key()))
    }
}

/// The size of the file of an entry that is whole, bytes.
fn whole(entry: &Path, wanted: &About) -> Option<u64> {
    let about: About = serde_json::from_slice(&std::fs::read(entry.join(ABOUT)).ok()?).ok()?;
    let mut file = File::open(entry.join(FILE)).ok()?;
    let bytes = file.metadata().ok()?.len();
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic).ok()?;
    let is_it = About { bytes, ..wanted.clone() } == about;
    (is_it && &magic == MAGIC).then_some(bytes)
}

fn require_room(bytes: u64) -> anyhow::Result<()> {
    let of = rustix::fs::statvfs(MEMORY).with_context(|| format!("asking how much room {MEMORY} has"))?;
    let free = of.f_bavail.saturating_mul(of.f_frsize);
    if free < bytes {
        bail!(Exit::Prerequisite(format!(
            "--reuse-database: the copy that is measured lies in memory, in {MEMORY}, which has {} MiB left and needs {}: \
             make room there, or leave the flag out",
            free >> 20,
            bytes >> 20
        )));
    }
    Ok(())
}

fn remove(entry: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(entry) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
            Err(why).with_context(|| format!("deleting {}", entry.display()))
        }
        _ => Ok(()),
    }
}

/// Leaves the most recently used ones; how many there are then, and their bytes. Those that are being made are not ours.
fn remove_old(shelf: &Path) -> (usize, u64) {
    let entries = std::fs::read_dir(shelf).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut kept: Vec<(SystemTime, PathBuf)> = entries
        .filter(|path| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.')))
        .map(|path| {
            let used = std::fs::metadata(path.join(ABOUT)).and_then(|about| about.modified());
            (used.unwrap_or(SystemTime::UNIX_EPOCH), path)
        })
        .collect();
    kept.sort_by(|one, other| other.cmp(one));
    for (_, path) in kept.iter().skip(MOST_KEPT) {
        let _ = std::fs::remove_dir_all(path);
    }
    kept.truncate(MOST_KEPT);
    let bytes =
        kept.iter().filter_map(|(_, path)| std::fs::metadata(path.join(FILE)).ok()).map(|file| file.len()).sum();
    (kept.len(), bytes)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn wanted(seed: u64) -> Wanted {
        Wanted { contents: json!({ "seed": seed }), items: 1_000, room: 0 }
    }

    /// A copy with a file in it, as a server would have made it.
    fn made(bench: &Path, seed: u64) -> Option<Copy> {
        if let Err(why) = check(BackendChoice::Auto) {
            println!("SKIPPED: {why}");
            return None;
        }
        let copy = Copy::take(bench, &wanted(seed), Some("1.0")).unwrap();
        std::fs::write(copy.folder().join(FILE), [&MAGIC[..], &seed.to_le_bytes()].concat()).unwrap();
        Some(copy)
    }

    #[test]
    fn what_was_kept_is_found_by_what_decides_its_contents_and_by_nothing_else() {
        let bench = tempfile::tempdir().unwrap();
        let Some(copy) = made(bench.path(), 1) else { return };
        assert!(!copy.was_there());
        assert!(copy.keep().unwrap().contains("1 kept"));
        // The copy goes its own way.
        std::fs::write(copy.folder().join(FILE), "changed").unwrap();
        let again = Copy::take(bench.path(), &wanted(1), Some("1.0")).unwrap();
        assert!(again.was_there());
        assert!(std::fs::read(again.folder().join(FILE)).unwrap().starts_with(MAGIC));
        assert!(!Copy::take(bench.path(), &wanted(2), Some("1.0")).unwrap().was_there(), "another seed");
        assert!(!Copy::take(bench.path(), &wanted(1), Some("1.1")).unwrap().was_there(), "another server");
        again.discard().unwrap();
        assert!(!Copy::take(bench.path(), &wanted(1), Some("1.0")).unwrap().was_there(), "it was thrown away");
    }

    #[test]
    fn what_is_not_whole_is_not_used() {
        let bench = tempfile::tempdir().unwrap();
        let Some(copy) = made(bench.path(), 1) else { return };
        copy.keep().unwrap();
        let file = bench.path().join(FOLDER).join(copy.about.key()).join(FILE);
        for damage in [&b"SQLite format 3\0"[..], b"SQLite format X\0--------"] {
            std::fs::write(&file, damage).unwrap();
            assert!(!Copy::take(bench.path(), &wanted(1), Some("1.0")).unwrap().was_there());
        }
        std::fs::remove_file(&file).unwrap();
        assert!(!Copy::take(bench.path(), &wanted(1), Some("1.0")).unwrap().was_there());
        std::fs::write(copy.folder().join(format!("{FILE}-journal")), "").unwrap();
        assert!(copy.keep().is_err(), "it is being written");
    }

    #[test]
    fn only_the_most_recently_used_are_kept() {
        let bench = tempfile::tempdir().unwrap();
        for seed in 1..=5 {
            let Some(copy) = made(bench.path(), seed) else { return };
            copy.keep().unwrap();
            let about = bench.path().join(FOLDER).join(copy.about.key()).join(ABOUT);
            let age = Duration::from_secs(if seed == 2 { 0 } else { 100 - seed });
            File::open(about).unwrap().set_modified(SystemTime::now() - age).unwrap();
        }
        let is_there = |seed| Copy::take(bench.path(), &wanted(seed), Some("1.0")).unwrap().was_there();
        assert_eq!([1, 2, 3, 4, 5].map(is_there), [false, true, false, true, true]);
    }

    #[test]
    fn docker_and_a_copy_that_has_no_room_are_refused_with_a_way_out() {
        let why = check(BackendChoice::Docker).unwrap_err();
        assert!(matches!(&why, Exit::BadInput(text) if text.contains("--backend java")), "{why}");
        if check(BackendChoice::Java).is_ok() {
            let bench = tempfile::tempdir().unwrap();
            let too_much = Wanted { room: 1 << 60, ..wanted(1) };
            let why = Copy::take(bench.path(), &too_much, None).unwrap_err();
            assert!(matches!(why.downcast_ref(), Some(Exit::Prerequisite(text)) if text.contains(MEMORY)), "{why:#}");
        }
    }
}
