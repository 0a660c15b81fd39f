//! What the machine does apart from our work: other processes' load, time stolen by a hypervisor, swapping, and a clock
//! that changes. Readings only; what they mean for a run is decided in `disturbances`.

use std::time::{Duration, Instant};

/// The kernel counts CPU time in `/proc` in hundredths of a second.
const TICK_MS: f64 = 10.0;

/// What other work the machine did in one window of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadWindow {
    /// The window's end, since the run's start.
    pub at_ms: f64,
    pub wall_ms: f64,
    /// CPU of processes that aren't ours, percent of one core.
    pub other_percent: f64,
    /// CPU that the hypervisor gave to others, percent of one core.
    pub steal_percent: f64,
    /// Pages that were swapped in or out.
    pub swapped_pages: u64,
}

/// The kernel's counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counters {
    /// CPU time of everything, milliseconds over all cores.
    busy_ms: f64,
    steal_ms: f64,
    swapped_pages: u64,
}

impl Counters {
    /// None where the kernel has no `/proc/stat`.
    pub fn read() -> Option<Counters> {
        let stat = std::fs::read_to_string("/proc/stat").ok()?;
        let vmstat = std::fs::read_to_string("/proc/vmstat").unwrap_or_default();
        Counters::parse(&stat, &vmstat)
    }

    fn parse(stat: &str, vmstat: &str) -> Option<Counters> {
        let ticks: Vec<f64> = stat
            .lines()
            .find_map(|line| line.strip_prefix("cpu "))?
            .split_whitespace()
            .map_while(|field| field.parse().ok())
            .collect();
        // user, nice, system, idle, iowait, irq, softirq, steal: proc(5). Guests are counted in user.
        let [user, nice, system, _, _, irq, softirq, steal] = *ticks.first_chunk()?;
        let swapped = |name: &str| -> u64 {
            vmstat.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or(0)
        };
        Some(Counters {
            busy_ms: (user + nice + system + irq + softirq) * TICK_MS,
            steal_ms: steal * TICK_MS,
            swapped_pages: swapped("pswpin ") + swapped("pswpout "),
        })
    }

    /// The other work from `self` to `later`, in which our own processes used `ours_ms` of CPU.
    pub fn until(self, later: Counters, ours_ms: f64, at_ms: f64, wall_ms: f64) -> LoadWindow {
        let percent = |ms: f64| if wall_ms > 0.0 { (ms / wall_ms * 100.0).max(0.0) } else { 0.0 };
        LoadWindow {
            at_ms,
            wall_ms,
            other_percent: percent(later.busy_ms - self.busy_ms - ours_ms),
            steal_percent: percent(later.steal_ms - self.steal_ms),
            swapped_pages: later.swapped_pages.saturating_sub(self.swapped_pages),
        }
    }
}

/// CPU time of this program so far, milliseconds.
pub fn own_cpu_ms() -> f64 {
    let clock = nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID;
    clock.now().map_or(0.0, |time| time.tv_sec() as f64 * 1e3 + time.tv_nsec() as f64 / 1e6)
}

/// How long a fixed piece of arithmetic takes now, milliseconds: the least of five tries. It shows a clock that was
/// throttled or boosted since the last time.
pub fn speed_probe_ms() -> f64 {
    (0..5)
        .map(|_| {
            let start = Instant::now();
            let mut x = 0x9e37_79b9_7f4a_7c15_u64;
            for _ in 0..1_000_000_u32 {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
            }
            std::hint::black_box(x);
            start.elapsed().as_secs_f64() * 1e3
        })
        .fold(f64::INFINITY, f64::min)
}

/// How long other processes must be calm.
pub const CALM: Duration = Duration::from_secs(1);
/// The shortest time over which their load is read: the kernel counts in hundredths of a second.
const SHORTEST: Duration = Duration::from_millis(250);

/// Waits until other processes use less than `limit_percent` of a core for a second, or for `patience` where that is
/// shorter (a quarter of a second at least); the last reading where that does not come within `patience`.
pub fn wait_for_quiet(limit_percent: f64, patience: Duration) -> anyhow::Result<Option<f64>> {
    let start = Instant::now();
    loop {
        let (Some(before), begun, ours) = (Counters::read(), Instant::now(), own_cpu_ms()) else { return Ok(None) };
        crate::system::interrupt::sleep(patience.clamp(SHORTEST, CALM))?;
        let Some(after) = Counters::read() else { return Ok(None) };
        let wall_ms = begun.elapsed().as_secs_f64() * 1e3;
        let window = before.until(after, own_cpu_ms() - ours, 0.0, wall_ms);
        let load = window.other_percent + window.steal_percent;
        if load < limit_percent {
            return Ok(None);
        }
        if start.elapsed() > patience {
            return Ok(Some(load));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_load_is_what_is_busy_and_not_ours() {
        let before = Counters::parse("cpu  100 0 50 1000 0 0 0 5 0 0\ncpu0 1 1\n", "pswpin 3\npswpout 4\n").unwrap();
        let after = Counters::parse("cpu  150 0 70 1100 0 0 10 15 0 0\n", "pswpin 3\npswpout 10\n").unwrap();
        let window = before.until(after, 500.0, 2_000.0, 1_000.0);
        assert!((window.other_percent - 30.0).abs() < 1e-9);
        assert!((window.steal_percent - 10.0).abs() < 1e-9);
        assert_eq!(window.swapped_pages, 6);
    }

    #[test]
    fn a_file_of_another_form_is_no_reading() {
        assert_eq!(Counters::parse("cpu  1 2 3\n", ""), None);
        assert_eq!(Counters::parse("", ""), None);
    }

    #[test]
    fn this_programs_own_cpu_time_grows() {
        let before = own_cpu_ms();
        assert!(speed_probe_ms() > 0.0);
        assert!(own_cpu_ms() > before);
    }
}
