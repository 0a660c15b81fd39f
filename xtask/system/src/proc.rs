//! What Linux shows of processes in `/proc` (proc(5)), as far as it is needed: the one place that knows these files' form.
//! Elsewhere than on Linux nothing is there, and every answer is None.

/// A process, as `/proc/<pid>/stat` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// `R`, `S`, `Z` for a zombie, `X` for one that is dead.
    pub state: char,
    /// The process group.
    pub group: i32,
    /// When it started, ticks since the boot.
    pub start: u64,
}

impl Stat {
    /// Whether it is more than a zombie.
    pub fn lives(self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }

    fn parse(text: &str) -> Option<Stat> {
        // The name may hold anything; the state follows its last bracket. The group is the 5th field, the start the 22nd.
        let mut fields = text.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?.chars().next()?;
        Some(Stat { state, group: fields.nth(1)?.parse().ok()?, start: fields.nth(16)?.parse().ok()? })
    }
}

/// A process; None where there is none.
pub fn stat(pid: u32) -> Option<Stat> {
    Stat::parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The ids of all processes that can be seen; None where the system doesn't show them.
pub fn processes() -> Option<impl Iterator<Item = u32>> {
    let entries = std::fs::read_dir("/proc").ok()?;
    Some(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()))
}

/// A line of `/proc/<pid>/status`, without its name and the space around it.
pub fn status(pid: u32, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(value.trim().to_owned())
}

/// A size in `/proc/<pid>/status`, MiB: `VmRSS`, the resident set, or `VmHWM`, its high-water mark.
pub fn status_mb(pid: u32, name: &str) -> Option<f64> {
    let kib: f64 = status(pid, name)?.trim_end_matches("kB").trim_end().parse().ok()?;
    Some(kib / 1024.0)
}

/// A process's command line, its arguments parted by NUL.
pub fn command_line(pid: u32) -> Option<String> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// What distinguishes this boot from every other.
pub fn boot_id() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_hides_no_field() {
        let text = "7 (a) Z (b) S 1 42 7 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 1234567 1 2";
        assert_eq!(Stat::parse(text), Some(Stat { state: 'S', group: 42, start: 1_234_567 }));
        assert_eq!(Stat::parse("7 (a"), None);
    }

    #[test]
    fn this_process_is_seen_with_its_memory_and_its_command() {
        let me = std::process::id();
        assert!(stat(me).is_some_and(Stat::lives) && processes().unwrap().any(|pid| pid == me));
        assert!(status_mb(me, "VmHWM") >= status_mb(me, "VmRSS").map(|mb| mb * 0.9));
        assert!(command_line(me).unwrap().contains("system") && status(me, "No such line").is_none());
    }
}
