//! Who owns what was started: every process and container of a run carries its owner's mark, so that the next run can
//! end what a killed one left, and provably nothing else. The mark is an environment variable (a label, for a
//! container): the owner's process id and start time, and a hash of the folder that its runs share.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid as UnixPid;
use sha2::{Digest as _, Sha256};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use crate::checkout::Checkout;
use crate::files;
use crate::progress::Progress;

/// The environment variable that holds the mark.
pub const VARIABLE: &str = "DYNAMODB_BENCH_OWNER";
/// The label of a container that holds it.
pub const LABEL: &str = "io.github.mizzle-bench.owner";

static MARK: OnceLock<String> = OnceLock::new();

/// What every child of this process is marked with from now on.
pub fn mark_children(me: &Owner) {
    let _ = MARK.set(me.mark());
}

/// The mark of this process's children, once there is one.
pub fn mark() -> Option<&'static str> {
    MARK.get().map(String::as_str)
}

/// One `xtask` process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pid: u32,
    /// Seconds since 1970: with the pid, it names a process that may be long gone.
    started: u64,
    /// Of the target folder: two checkouts don't end each other's.
    place: String,
}

impl Owner {
    /// This process.
    pub fn me(checkout: &Checkout) -> Owner {
        let pid = std::process::id();
        let place = Sha256::digest(checkout.target.to_string_lossy().as_bytes());
        Owner { pid, started: start_time(pid).unwrap_or(0), place: files::hex(&place[..6]) }
    }

    fn parse(mark: &str) -> Option<Owner> {
        let mut parts = mark.splitn(3, '-');
        let (pid, started, place) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Owner { pid: pid.parse().ok()?, started: started.parse().ok()?, place: place.to_owned() })
    }

    /// The mark, which can also be part of a name.
    pub fn mark(&self) -> String {
        format!("{}-{}-{}", self.pid, self.started, self.place)
    }

    fn is_alive(&self) -> bool {
        start_time(self.pid) == Some(self.started)
    }

    /// Whether what carries `mark` was left by a dead run of the same place.
    fn inherits(&self, mark: &str) -> bool {
        Owner::parse(mark).is_some_and(|owner| owner.place == self.place && !owner.is_alive())
    }
}

fn start_time(pid: u32) -> Option<u64> {
    let mut system = System::new().ok()?;
    let pid = Pid::from_u32(pid);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, ProcessRefreshKind::nothing());
    Some(system.process(pid)?.start_time())
}

/// Ends what dead runs of this checkout left.
pub fn sweep(me: &Owner, progress: &Progress) {
    let Ok(mut system) = System::new() else { return };
    let kind = ProcessRefreshKind::nothing().with_environ(UpdateKind::Always).without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
    for (pid, process) in system.processes() {
        let mark: Option<String> = process.environ().iter().find_map(|entry| mark_in(entry.as_ref()));
        if mark.is_some_and(|mark| me.inherits(&mark)) {
            progress.warn(format!("ending process {pid}, which a killed run left"));
            if let Ok(pid) = i32::try_from(pid.as_u32()) {
                let _ = kill(UnixPid::from_raw(pid), Signal::SIGKILL);
            }
        }
    }
    sweep_containers(me, progress);
}

fn mark_in(entry: &OsStr) -> Option<String> {
    Some(entry.to_str()?.strip_prefix(VARIABLE)?.strip_prefix('=')?.to_owned())
}

fn sweep_containers(me: &Owner, progress: &Progress) {
    let docker = |arguments: &[&str]| -> Option<String> {
        let output = Command::new("docker").args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let format = format!("{{{{.ID}}}} {{{{.Label \"{LABEL}\"}}}} {{{{.Label \"com.docker.compose.project\"}}}}");
    let filter = format!("label={LABEL}");
    let Some(list) = docker(&["ps", "--all", "--no-trunc", "--filter", &filter, "--format", &format]) else { return };
    for line in list.lines() {
        let mut fields = line.split(' ');
        let (Some(id), Some(mark), Some(project)) = (fields.next(), fields.next(), fields.next()) else { continue };
        if me.inherits(mark) {
            progress.warn(format!("removing container {id:.12}, which a killed run left"));
            docker(&["rm", "--force", "--volumes", id]);
            let ours = format!("label=com.docker.compose.project={project}");
            for network in docker(&["network", "ls", "--quiet", "--filter", &ours]).unwrap_or_default().lines() {
                docker(&["network", "rm", network]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(pid: u32, started: u64, place: &str) -> Owner {
        Owner { pid, started, place: place.to_owned() }
    }

    #[test]
    fn a_mark_says_whose_it_is() {
        let owner = owner(12, 34, "ab-cd");
        assert_eq!(Owner::parse(&owner.mark()), Some(owner));
        assert_eq!(Owner::parse("nobody"), None);
        assert_eq!(Owner::parse(""), None);
    }

    #[test]
    fn only_what_a_dead_run_of_the_same_place_left_is_inherited() {
        let me = owner(std::process::id(), start_time(std::process::id()).unwrap(), "here");
        assert!(!me.inherits(&me.mark()), "it lives");
        assert!(me.inherits(&owner(me.pid, me.started - 1, "here").mark()), "another had this pid before");
        assert!(!me.inherits(&owner(me.pid, me.started - 1, "elsewhere").mark()), "another checkout's");
        assert!(!me.inherits("somebody else's"));
    }

    #[test]
    fn a_marked_process_of_a_dead_owner_is_ended_and_others_are_not() {
        let me = owner(std::process::id(), start_time(std::process::id()).unwrap(), "sweep-test");
        let sleeper = |mark: String| Command::new("sleep").arg("60").env(VARIABLE, mark).spawn().unwrap();
        let mut left = sleeper(owner(me.pid, me.started - 1, "sweep-test").mark());
        let mut mine = sleeper(me.mark());
        sweep(&me, &Progress::new(true));
        assert!(!left.wait().unwrap().success());
        assert_eq!(mine.try_wait().unwrap(), None, "what is mine was ended");
        mine.kill().unwrap();
        mine.wait().unwrap();
    }
}
