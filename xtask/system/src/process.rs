//! The one place that starts commands; others write them with `xshell::cmd!` and hand them over. Each child leads a
//! process group of its own, so that it can be stopped with all that it started: npm starts a shell that starts Node,
//! and a signal to npm alone would leave the others. Dropped, the whole group is stopped. Every child carries the mark
//! by which a later run knows what was ours (see `owner`).

use std::io::{self, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use rustix::process::{kill_process_group, test_kill_process_group, waitid};
use xshell::Shell;

use crate::exit::Exit;
use crate::interrupt;
use crate::owner;
use crate::proc;

pub use std::process::Command;

/// How often a wait looks again.
const POLL: Duration = Duration::from_millis(10);
/// How long a group may take to vanish after SIGKILL.
const VANISH: Duration = Duration::from_secs(2);
/// How long a command that only gives output may take to stop.
const GRACE: Duration = Duration::from_secs(1);
/// How long a short question may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// The most output of a command that is kept; the rest is read and dropped.
const MOST_OUTPUT: u64 = 4 << 20;

/// A shell for commands that run in a folder: `cmd!(shell, "npm ci")`.
///
/// # Errors
/// Where this process's own working directory is gone.
pub fn shell(folder: &Path) -> anyhow::Result<Shell> {
    let shell = Shell::new().context("looking for the working directory")?;
    shell.change_dir(folder);
    Ok(shell)
}

/// A child, and the group that it leads. The child stays unreaped until the group is stopped, so that its number can't
/// pass to a stranger meanwhile.
#[derive(Debug)]
pub struct Group {
    child: Child,
    id: Pid,
    stopped: bool,
    status: Option<ExitStatus>,
}

impl Group {
    /// Spawns a command as the leader of a new group.
    ///
    /// # Errors
    /// Where the program can't be started; the error names it.
    pub fn spawn(command: impl Into<Command>, what: &str) -> anyhow::Result<Group> {
        let mut command = command.into();
        let child = command
            .env(owner::VARIABLE, owner::mark()?)
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {} for {what}", command.get_program().display()))?;
        let id = Pid::from_child(&child);
        Ok(Group { child, id, stopped: false, status: None })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// For its pipes. Don't wait through it: that would reap the child.
    pub fn child_mut(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Whether the child has ended, and how.
    pub fn try_wait(&self) -> Option<ExitStatus> {
        if self.status.is_some() {
            return self.status;
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(self.id), options).ok()??;
        // The encoding of wait(2): an exit code in the second byte, else the number of a signal.
        let raw = status.exit_status().map(|code| (code & 0xff) << 8).or_else(|| status.terminating_signal())?;
        Some(ExitStatus::from_raw(raw))
    }

    /// Waits for the child to end, no longer than `limit`, and less when a second signal comes.
    pub fn wait_for(&mut self, limit: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + limit;
        loop {
            let status = self.try_wait();
            if status.is_some() || Instant::now() >= end || interrupt::at_once() {
                return status;
            }
            std::thread::sleep(POLL);
        }
    }

    /// Stops the whole group: SIGTERM, and SIGKILL after `grace` or as soon as a second signal comes.
    pub fn stop(&mut self, grace: Duration) {
        if self.stopped {
            return;
        }
        self.stopped = true;
        let _ = kill_process_group(self.id, Signal::TERM);
        if !self.vanishes(grace, true) {
            let _ = kill_process_group(self.id, Signal::KILL);
            self.vanishes(VANISH, false);
        }
    }

    /// Leaves the group running when this is dropped.
    pub fn leave(&mut self) {
        self.stopped = true;
    }

    /// Waits until no process of the group is left.
    fn vanishes(&mut self, limit: Duration, impatient: bool) -> bool {
        let end = Instant::now() + limit;
        for look in 0_u32.. {
            // The leader stays in the group as a zombie until it is waited for.
            if self.status.is_none() {
                self.status = self.child.try_wait().ok().flatten();
            }
            if test_kill_process_group(self.id).is_err() {
                return true;
            }
            // Orphans that nobody waits for would keep the group's number forever.
            if self.status.is_some() && look % 10 == 9 && !lives(self.id) {
                return true;
            }
            if Instant::now() >= end || (impatient && interrupt::at_once()) {
                return false;
            }
            std::thread::sleep(POLL);
        }
        false
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.stop(Duration::from_secs(1));
    }
}

/// Whether a group has a process that is more than a zombie; true where that can't be seen.
fn lives(group: Pid) -> bool {
    let Some(mut processes) = proc::processes() else { return true };
    let group = group.as_raw_nonzero().get();
    processes.any(|pid| proc::stat(pid).is_some_and(|stat| stat.group == group && stat.lives()))
}

/// Runs a command to its end and takes its output. It ends early at a signal.
///
/// # Errors
/// Where it can't be started, a signal comes, or `limit` passes. A failing command is no error here.
pub fn output(command: impl Into<Command>, what: &str, limit: Duration) -> anyhow::Result<Output> {
    run(command.into(), what, limit, interrupt::check)
}

/// As [`output`], for cleaning up: no signal ends it, only `limit` does.
///
/// # Errors
/// As [`output`].
pub fn output_at_the_end(command: impl Into<Command>, what: &str, limit: Duration) -> anyhow::Result<Output> {
    run(command.into(), what, limit, || Ok(()))
}

/// What a short question to a program prints, trimmed; None where it fails.
pub fn answer(command: impl Into<Command>) -> Option<String> {
    let output = output(command, "a short question", ANSWER_LIMIT).ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn run(
    mut command: Command,
    what: &str,
    limit: Duration,
    check: impl Fn() -> anyhow::Result<()>,
) -> anyhow::Result<Output> {
    check()?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::spawn(command, what)?;
    let (stdout, stderr) = (group.child_mut().stdout.take(), group.child_mut().stderr.take());
    let (stdout, stderr) = (stdout.map(read), stderr.map(read));
    let end = Instant::now() + limit;
    let status = loop {
        let status = group.try_wait();
        if let Some(status) = status {
            break status;
        }
        if Instant::now() >= end {
            bail!(Exit::Failed(format!("{what}: no end within {}", humantime::format_duration(limit))));
        }
        check()?;
        std::thread::sleep(POLL);
    };
    // What it left behind would hold its pipes open.
    group.stop(GRACE);
    Ok(Output { status, stdout: joined(stdout), stderr: joined(stderr) })
}

fn read(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.by_ref().take(MOST_OUTPUT).read_to_end(&mut bytes);
        let _ = io::copy(&mut pipe, &mut io::sink());
        bytes
    })
}

fn joined(reader: Option<JoinHandle<Vec<u8>>>) -> Vec<u8> {
    reader.and_then(|reader| reader.join().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use xshell::cmd;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn in_sh(script: &str) -> Command {
        let shell = super::shell(Path::new("/")).unwrap();
        cmd!(shell, "sh -c {script}").into()
    }

    fn shell(script: &str) -> Group {
        Group::spawn(in_sh(script), "a test").unwrap()
    }

    /// Zombies whose new parent is slow to take their exit codes are gone.
    fn is_gone(group: Pid) -> bool {
        test_kill_process_group(group).is_err() || !lives(group)
    }

    #[test]
    fn a_group_is_stopped_with_its_grandchildren() {
        let mut group = shell("sleep 60 & sleep 60 & wait");
        std::thread::sleep(Duration::from_millis(100));
        group.stop(Duration::from_secs(2));
        assert!(is_gone(group.id), "a process of the group is left");
    }

    #[test]
    fn a_group_that_ignores_the_polite_signal_is_stopped_after_the_grace() {
        let mut group = shell("trap '' TERM; while :; do sleep 0.05; done");
        std::thread::sleep(Duration::from_millis(100));
        let start = Instant::now();
        group.stop(Duration::from_millis(300));
        assert!(start.elapsed() >= Duration::from_millis(300));
        assert!(is_gone(group.id));
    }

    #[test]
    fn what_a_dead_leader_left_is_stopped() {
        let mut group = shell("sleep 60 & exit 3");
        let status = group.wait_for(LIMIT).unwrap();
        assert_eq!(status.code(), Some(3));
        let id = group.id;
        assert!(lives(id), "the orphan is gone before it was stopped");
        drop(group);
        assert!(is_gone(id));
    }

    #[test]
    fn a_killed_child_is_distinguished_from_one_that_ended() {
        let mut group = shell("kill -9 $$");
        let status = group.wait_for(LIMIT).unwrap();
        assert_eq!((status.code(), status.signal()), (None, Some(9)));
        // Asked again it is the same: looking doesn't reap.
        assert_eq!(group.try_wait(), Some(status));
    }

    #[test]
    fn a_dropped_group_is_stopped_and_one_that_is_left_is_not() {
        let group = shell("sleep 60");
        let id = group.id;
        drop(group);
        assert!(is_gone(id));
        let mut group = shell("sleep 60");
        let id = group.id;
        group.leave();
        drop(group);
        assert!(!is_gone(id));
        kill_process_group(id, Signal::KILL).unwrap();
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let shell = super::shell(Path::new("/")).unwrap();
        let why = Group::spawn(cmd!(shell, "no-such-program"), "a test").unwrap_err();
        assert!(format!("{why:#}").contains("no-such-program"), "{why:#}");
    }

    #[test]
    fn output_is_taken_from_both_pipes_and_a_leftover_does_not_hold_it_up() {
        let start = Instant::now();
        let output = output(in_sh("echo out; echo err >&2; sleep 60 & exit 1"), "a test", LIMIT).unwrap();
        assert!(start.elapsed() < Duration::from_secs(5));
        assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
        assert_eq!(output.status.code(), Some(1));
    }

    #[test]
    fn a_command_that_takes_too_long_is_stopped() {
        let why = output(in_sh("sleep 60"), "sleeping", Duration::from_millis(200)).unwrap_err();
        assert!(why.to_string().contains("sleeping: no end within 200ms"), "{why}");
    }
}
