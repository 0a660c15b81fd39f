//! Cores on which targets take turns. Those of a shared machine change their speed each by itself, so that two processes
//! are only comparable on the same ones.

/// A core, by the system's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Core(usize);

/// The last of the cores that this program may use, the very last one first: one at least, and at most so many.
pub fn last(most: usize) -> Vec<Core> {
    let mut cores = allowed();
    cores.reverse();
    cores.truncate(most.max(1));
    cores
}

#[cfg(target_os = "linux")]
fn allowed() -> Vec<Core> {
    use rustix::thread::{CpuSet, sched_getaffinity};

    let allowed = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
    let cores: Vec<Core> = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).map(Core).collect();
    if cores.is_empty() { vec![Core(0)] } else { cores }
}

#[cfg(not(target_os = "linux"))]
fn allowed() -> Vec<Core> {
    (0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get)).map(Core).collect()
}

impl Core {
    /// Keeps a process's first thread, which runs JavaScript in Node, on this core, and the thread that answers it, where
    /// that is known: waking a thread on another core costs both several times as much as on the same. The process's
    /// other threads go where they like. Whether it could; never on another system than Linux.
    pub fn keep(self, pid: u32, answers: Option<u32>) -> bool {
        [Some(pid), answers].into_iter().flatten().all(|thread| allow(thread, Some(self)))
    }
}

/// Lets the two threads use every core that this program may use.
pub fn let_go(pid: u32, answers: Option<u32>) -> bool {
    [Some(pid), answers].into_iter().flatten().all(|thread| allow(thread, None))
}

/// Allows a thread one core, or all that this program may use.
#[cfg(target_os = "linux")]
fn allow(thread: u32, core: Option<Core>) -> bool {
    use rustix::thread::{CpuSet, Pid, sched_getaffinity, sched_setaffinity};

    let allowed = core.map_or_else(
        || sched_getaffinity(None),
        |core| {
            let mut one = CpuSet::new();
            one.set(core.0);
            Ok(one)
        },
    );
    let thread = i32::try_from(thread).ok().and_then(Pid::from_raw);
    thread.zip(allowed.ok()).is_some_and(|(thread, allowed)| sched_setaffinity(Some(thread), &allowed).is_ok())
}

#[cfg(not(target_os = "linux"))]
fn allow(_: u32, _: Option<Core>) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_kept_on_one_core_and_let_go_again() {
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let allowed = || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
            status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim().to_owned()
        };
        let before = allowed();
        for core in last(2) {
            assert!(core.keep(child.id(), None));
            assert_eq!(allowed(), core.0.to_string());
        }
        assert!(let_go(child.id(), None));
        assert_eq!(allowed(), before);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!last(1)[0].keep(u32::MAX, None));
    }

    #[test]
    fn there_is_one_core_at_least_and_no_more_than_there_are() {
        assert_eq!(last(0).len(), 1);
        assert_eq!(last(1_000).len(), std::thread::available_parallelism().unwrap().get());
    }
}
