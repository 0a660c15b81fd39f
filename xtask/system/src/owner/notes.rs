//! Notes on disk about what a look at the processes doesn't show: a Compose project that may have to be taken down, and
//! what was left running on purpose.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::start_of;
use crate::checkout::Checkout;
use crate::files;

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Note {
    /// A Compose project, noted before it is brought up.
    Compose { mark: String },
    /// A process that was left running on purpose, and the folder that it uses.
    Kept { pid: u32, start: u64, folder: PathBuf },
}

/// Notes that a Compose project of ours is about to be brought up; the note's file, to be removed when it is down or
/// is to stay.
///
/// # Errors
/// Where the note can't be written.
pub fn note_compose(checkout: &Checkout, project: &str) -> anyhow::Result<PathBuf> {
    write(&checkout.bench(), project, &Note::Compose { mark: super::mark()? })
}

/// Notes that a process is left running on purpose, though its owner ends.
///
/// # Errors
/// Where the note can't be written.
pub fn note_kept(bench: &Path, pid: u32, folder: &Path) -> anyhow::Result<()> {
    let Some(start) = start_of(pid) else { return Ok(()) };
    write(bench, &format!("kept-{pid}"), &Note::Kept { pid, start, folder: folder.to_owned() }).map(drop)
}

/// All notes with their files.
pub fn read(bench: &Path) -> Vec<(PathBuf, Note)> {
    let files = std::fs::read_dir(bench.join("started")).into_iter().flatten().flatten();
    let read = |path: PathBuf| Some((path.clone(), serde_json::from_slice(&std::fs::read(path).ok()?).ok()?));
    files.filter_map(|file| read(file.path())).collect()
}

/// The processes that were left running on purpose and still run, and their folders; the notes of others go.
pub fn kept(bench: &Path) -> HashMap<(u32, u64), PathBuf> {
    let mut kept = HashMap::new();
    for (path, note) in read(bench) {
        if let Note::Kept { pid, start, folder } = note {
            if start_of(pid) == Some(start) {
                kept.insert((pid, start), folder);
            } else {
                let _ = std::fs::remove_file(path);
            }
        }
    }
    kept
}

fn write(bench: &Path, name: &str, note: &Note) -> anyhow::Result<PathBuf> {
    let path = bench.join("started").join(format!("{name}.json"));
    let text = serde_json::to_vec(note).context("writing a note as JSON")?;
    files::write_whole(&path, text).with_context(|| format!("noting {name}"))?;
    Ok(path)
}
