//! What a run that was killed left behind, and its end: processes, containers with their networks and volumes, and
//! folders half made.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use crate::setup::database;
use crate::system::owner::notes::{self, Note};
use crate::system::owner::{MAKING, Owner, VARIABLE, Who, start_of};
use crate::system::progress::Progress;

/// What was left running on purpose: process ids and starts, and the folders that they use.
type Kept = HashMap<(u32, u64), PathBuf>;

/// How long a left process may take to end when it was asked to.
const GRACE: Duration = Duration::from_secs(1);

/// Ends what dead runs of this target folder left. What can't be ended is said, and is no reason not to start.
pub fn sweep(me: &Owner, progress: &Progress) {
    let kept = notes::kept(&me.bench);
    let mut ended = end_processes(&me.who, &kept);
    for (path, note) in notes::read(&me.bench) {
        let Note::Compose { mark } = note else { continue };
        if !me.who.inherits(&mark) {
            continue;
        }
        match database::remove_left(&mark) {
            Ok(things) => {
                ended.extend(things);
                let _ = std::fs::remove_file(path);
            }
            Err(why) => progress.warn(format!("containers that a killed run left may still be there: {why:#}")),
        }
    }
    ended.extend(remove_half_made(me, &kept));
    if !ended.is_empty() {
        progress.warn(format!("cleaned up after a killed run: {}", ended.join(", ")));
    }
}

/// Ends the processes whose owner is dead, and says which they were.
fn end_processes(me: &Who, kept: &Kept) -> Vec<String> {
    let found = left_processes(me, kept);
    for (pid, start, _) in &found {
        signal(*pid, *start, Signal::TERM);
    }
    let end = Instant::now() + GRACE;
    while Instant::now() < end && found.iter().any(|(pid, start, _)| start_of(*pid) == Some(*start)) {
        std::thread::sleep(Duration::from_millis(20));
    }
    for (pid, start, _) in &found {
        signal(*pid, *start, Signal::KILL);
    }
    found.into_iter().map(|(pid, _, name)| format!("{name} (process {pid})")).collect()
}

/// Processes that bear the mark of a dead run: id, start and name.
fn left_processes(me: &Who, kept: &Kept) -> Vec<(u32, u64, String)> {
    let Ok(mut system) = System::new() else { return Vec::new() };
    let prefix = format!("{VARIABLE}=");
    let what = ProcessRefreshKind::nothing().with_environ(UpdateKind::Always).without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
    let left = system.processes().values().filter_map(|process| {
        let entries = process.environ().iter();
        let mark = entries.filter_map(|entry| entry.to_str()).find_map(|entry| entry.strip_prefix(&prefix))?;
        let pid = process.pid().as_u32();
        let start = start_of(pid)?;
        let is_left = me.inherits(mark) && !kept.contains_key(&(pid, start));
        is_left.then(|| (pid, start, process.name().to_string_lossy().into_owned()))
    });
    left.collect()
}

/// Signals a process if it is still the one that was seen.
fn signal(pid: u32, start: u64, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).filter(|_| start_of(pid) == Some(start));
    if let Some(pid) = pid {
        let _ = kill_process(pid, signal);
    }
}

/// Removes the folders that a dead run was making.
fn remove_half_made(me: &Owner, kept: &Kept) -> Vec<String> {
    let half_made = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let dead = entries.filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            // A random end follows the mark.
            let mark = name.strip_prefix(MAKING).and_then(|rest| rest.rsplit_once('-'));
            mark.is_some_and(|(mark, _)| me.who.inherits(mark))
        });
        dead.map(|entry| entry.path()).collect()
    };
    ["", "installs", "adapters", "dynamodb-local", "runtimes", database::kept::FOLDER, database::kept::MEMORY]
        .iter()
        // An absolute path stays what it is.
        .flat_map(|folder| half_made(&me.bench.join(folder)))
        .filter(|path| !kept.values().any(|folder| folder == path))
        .filter(|path| std::fs::remove_dir_all(path).is_ok())
        .map(|path| format!("the half-made folder {}", path.display()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::checkout::Checkout;
    use std::process::{Child, Command, Stdio};

    fn sleeper(mark: &str) -> Child {
        Command::new("sleep").arg("60").env(VARIABLE, mark).stdin(Stdio::null()).spawn().unwrap()
    }

    fn runs(child: &mut Child) -> bool {
        child.try_wait().unwrap().is_none()
    }

    #[test]
    fn only_what_a_dead_run_of_this_target_folder_left_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let checkout = Checkout { root: folder.path().into(), target: folder.path().join("target") };
        let owner = Owner::me(&checkout);
        let me = &owner.who;
        let dead = Who { start: me.start - 1, ..me.clone() };
        let mut left = sleeper(&dead.mark());
        let mut of_another_boot = sleeper(&Who { boot: "earlier".into(), ..me.clone() }.mark());
        let mut of_a_living_run = sleeper(&me.mark());
        let mut elsewhere = sleeper(&Who { place: "0123456789ab".into(), ..dead.clone() }.mark());
        let mut kept = sleeper(&dead.mark());
        let mut garbled = sleeper("what-is-this");
        let making = |who: &Who, end: &str| owner.bench.join("installs").join(format!("{MAKING}{}-{end}", who.mark()));
        let (half_made, in_use, being_made) = (making(&dead, "Ab3"), making(&dead, "Cd4"), making(me, "Ef5"));
        for folder in [&half_made, &in_use, &being_made] {
            std::fs::create_dir_all(folder.join("node_modules")).unwrap();
        }
        notes::note_kept(&owner.bench, kept.id(), &in_use).unwrap();

        sweep(&owner, &Progress::new(true));

        for child in [&mut left, &mut of_another_boot] {
            assert!(!child.wait().unwrap().success(), "a dead run's process was not ended");
        }
        for child in [&mut of_a_living_run, &mut elsewhere, &mut kept, &mut garbled] {
            assert!(runs(child), "a process that is not provably left behind was ended");
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert!(!half_made.exists());
        assert!(in_use.exists() && being_made.exists());
    }
}
