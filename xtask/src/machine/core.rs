//! Which core a thread runs on. The cores of a shared machine change their speed each by itself, so that two processes
//! are only comparable while they take turns on one of them.

/// Keeps a process's first thread, which runs JavaScript in Node, on one core: the last of those that it may use. Its
/// other threads go where they like. Whether it could; never with a single core, or on another system than Linux.
#[cfg(target_os = "linux")]
pub fn keep_on_one(pid: u32) -> bool {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let Some(thread) = thread(pid) else { return false };
    let Ok(allowed) = sched_getaffinity(Some(thread)) else { return false };
    let Some(last) = (0..CpuSet::MAX_CPU).rev().find(|&core| allowed.is_set(core)) else { return false };
    let mut one = CpuSet::new();
    one.set(last);
    allowed.count() > 1 && sched_setaffinity(Some(thread), &one).is_ok()
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
pub fn keep_on_one(_: u32) -> bool {
    false
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
        if std::thread::available_parallelism().unwrap().get() > 1 {
            assert!(keep_on_one(child.id()));
            assert!(allowed().parse::<u32>().is_ok(), "{}", allowed());
        }
        assert!(let_go(child.id()));
        assert_eq!(allowed(), before);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!keep_on_one(u32::MAX));
    }
}
