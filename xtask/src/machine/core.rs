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
    /// Keeps a process's first thread, which runs JavaScript in Node, on this core. Its other threads go where they like.
    /// Whether it could; never on another system than Linux.
    #[cfg(target_os = "linux")]
    pub fn keep(self, pid: u32) -> bool {
        use rustix::thread::{CpuSet, sched_setaffinity};

        let mut one = CpuSet::new();
        one.set(self.0);
        thread(pid).is_some_and(|thread| sched_setaffinity(Some(thread), &one).is_ok())
    }

    #[cfg(not(target_os = "linux"))]
    pub fn keep(self, _: u32) -> bool {
        false
    }
}

/// Lets a process's first thread use every core that this program may use.
#[cfg(target_os = "linux")]
pub fn let_go(pid: u32) -> bool {
    use rustix::thread::{sched_getaffinity, sched_setaffinity};

    let (Some(thread), Ok(ours)) = (thread(pid), sched_getaffinity(None)) else { return false };
    sched_setaffinity(Some(thread), &ours).is_ok()
}

#[cfg(target_os = "linux")]
fn thread(pid: u32) -> Option<rustix::thread::Pid> {
    i32::try_from(pid).ok().and_then(rustix::thread::Pid::from_raw)
}

#[cfg(not(target_os = "linux"))]
pub fn let_go(_: u32) -> bool {
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
            assert!(core.keep(child.id()));
            assert_eq!(allowed(), core.0.to_string());
        }
        assert!(let_go(child.id()));
        assert_eq!(allowed(), before);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!last(1)[0].keep(u32::MAX));
    }

    #[test]
    fn there_is_one_core_at_least_and_no_more_than_there_are() {
        assert_eq!(last(0).len(), 1);
        assert_eq!(last(1_000).len(), std::thread::available_parallelism().unwrap().get());
    }
}
