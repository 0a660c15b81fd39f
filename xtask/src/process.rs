//! A child in a process group of its own, so that it can be stopped with all that it started: npm starts a shell that
//! starts Node, and a signal to npm alone would leave the others. Dropped, the whole group is stopped.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::interrupt;
use crate::owner;

/// How often a wait looks again.
const POLL: Duration = Duration::from_millis(10);
/// How long a group may take to vanish after SIGKILL.
const VANISH: Duration = Duration::from_secs(2);

/// A child, and the group that it leads.
#[derive(Debug)]
pub struct Group {
    child: Child,
    id: Pid,
    stopped: bool,
}

impl Group {
    /// Spawns a command as the leader of a new group.
    ///
    /// # Errors
    /// Where the program can't be started; the error names it.
    pub fn spawn(command: &mut Command, what: &str) -> anyhow::Result<Group> {
        if let Some(mark) = owner::mark() {
            command.env(owner::VARIABLE, mark);
        }
        let child = command
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {} for {what}", command.get_program().to_string_lossy()))?;
        let id = Pid::from_raw(i32::try_from(child.id()).context("a process id beyond its range")?);
        Ok(Group { child, id, stopped: false })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn child_mut(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Whether the child has ended, and how.
    pub fn try_wait(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for the child to end, no longer than `limit`, and less when a signal comes.
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

    /// Stops the whole group: SIGTERM, and SIGKILL after `grace` or as soon as we are told twice to stop.
    pub fn stop(&mut self, grace: Duration) {
        if self.stopped {
            return;
        }
        self.stopped = true;
        let _ = killpg(self.id, Signal::SIGTERM);
        if !self.vanishes(grace) {
            let _ = killpg(self.id, Signal::SIGKILL);
            self.vanishes(VANISH);
        }
    }

    /// Leaves the group running when this is dropped.
    pub fn leave(&mut self) {
        self.stopped = true;
    }

    /// Waits until no process of the group is left.
    fn vanishes(&mut self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        loop {
            // The leader stays in the group as a zombie until it is waited for.
            let _ = self.child.try_wait();
            if killpg(self.id, None).is_err() {
                return true;
            }
            if Instant::now() >= end || (interrupt::at_once() && limit < VANISH) {
                return false;
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.stop(Duration::from_secs(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Group {
        Group::spawn(Command::new("sh").args(["-c", script]), "a test").unwrap()
    }

    #[test]
    fn a_group_is_stopped_with_its_grandchildren() {
        let mut group = shell("sleep 60 & sleep 60 & wait");
        std::thread::sleep(Duration::from_millis(100));
        let id = group.id;
        group.stop(Duration::from_secs(2));
        assert!(killpg(id, None).is_err(), "a process of the group is left");
    }

    #[test]
    fn a_group_that_ignores_the_polite_signal_is_stopped_after_the_grace() {
        let mut group = shell("trap '' TERM; while :; do sleep 0.05; done");
        std::thread::sleep(Duration::from_millis(100));
        let start = Instant::now();
        group.stop(Duration::from_millis(300));
        assert!(start.elapsed() >= Duration::from_millis(300));
        assert!(killpg(group.id, None).is_err());
    }

    #[test]
    fn a_dropped_group_is_stopped() {
        let group = shell("sleep 60");
        let id = group.id;
        drop(group);
        assert!(killpg(id, None).is_err());
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let why = Group::spawn(&mut Command::new("no-such-program"), "a test").unwrap_err();
        assert!(format!("{why:#}").contains("no-such-program"), "{why:#}");
    }
}
