//! The thread that watches processes from outside, with sysinfo: CPU and resident set of each library's Node process
//! and of the database. It is given whose turn it is, and decides nothing.
//!
//! CPU is the difference of the CPU time that the kernel has accounted, over the difference of the clock: sysinfo's own
//! percentage is wrong at short intervals. On Linux that time is the process's CPU clock, exact to the microsecond;
//! elsewhere sysinfo's counter, which ticks at 10 ms.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::machine::load::{Counters, LoadWindow, own_cpu_ms};
use crate::results::{Reading, Usage};
use crate::system::proc;

/// How often the watched processes are read.
const INTERVAL: Duration = Duration::from_millis(250);
/// How often a process's memory is read at most: it costs a hundred times what its CPU clock does.
const MEMORY_INTERVAL: Duration = Duration::from_millis(200);
/// The shortest window that a peak is taken over.
const PEAK_WINDOW_MS: f64 = 100.0;
/// The window over which the machine's other load is taken.
const BESIDES_WINDOW: Duration = Duration::from_secs(1);
/// What the database is called among the readings.
pub const DATABASE: &str = "database";
/// What the table keeper is called. It is watched as one of ours, and is no reading of the timeline.
pub const KEEPER: &str = "keeper";
const MIB: f64 = 1_048_576.0;

/// The sampler: dropped, it stops.
pub struct Sampler {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    stopped: Condvar,
}

struct State {
    origin: Instant,
    system: System,
    watched: HashMap<String, Watched>,
    /// Whose turn it is, and whether its CPU counts.
    turn: Option<Turn>,
    /// What each target has used since it was last asked: its own, and the database's in its turns.
    meters: HashMap<String, Meters>,
    readings: Vec<Reading>,
    /// Whether only what is watched should be busy.
    measuring: bool,
    /// The machine's counters, our own CPU time by then, and when: the beginning of the window that is being read.
    window: Option<(Counters, f64, Instant)>,
    /// What other work the machine did, while measuring.
    windows: Vec<LoadWindow>,
    stop: bool,
}

#[derive(Clone)]
struct Turn {
    target: String,
    counts_cpu: bool,
}

struct Watched {
    pid: Pid,
    /// When and at what accumulated CPU time (ms) it was last read.
    last: (Instant, f64),
    /// The same for the timeline, which is read more seldom.
    last_reading: (Instant, f64),
    memory_mb: f64,
    memory_at: Option<Instant>,
}

#[derive(Default)]
struct Meters {
    client: Meter,
    database: Meter,
}

/// Use of one process, summed over its turns.
#[derive(Default)]
struct Meter {
    cpu_ms: f64,
    wall_ms: f64,
    window: (f64, f64),
    peak_percent: Option<f64>,
    memory_sum: f64,
    memory_readings: u32,
    memory_peak: f64,
}

impl Sampler {
    /// Starts the thread. Times of readings count from `origin`.
    ///
    /// # Errors
    /// Where no thread can be started, or the machine's processes can't be read.
    pub fn start(origin: Instant) -> anyhow::Result<Sampler> {
        let state = State {
            origin,
            system: System::new().context("reading the machine's processes")?,
            watched: HashMap::new(),
            turn: None,
            meters: HashMap::new(),
            readings: Vec::new(),
            measuring: false,
            window: None,
            windows: Vec::new(),
            stop: false,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), stopped: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("sampler".into()).spawn(move || theirs.run())?;
        Ok(Sampler { shared, thread: Some(thread) })
    }

    /// Watches a process from now on, under a target's id or [`DATABASE`].
    pub fn watch(&self, name: &str, pid: u32) {
        let mut state = self.shared.lock();
        let now = Instant::now();
        let pid = Pid::from_u32(pid);
        let watched = Watched { pid, last: (now, 0.0), last_reading: (now, 0.0), memory_mb: 0.0, memory_at: None };
        state.watched.insert(name.to_owned(), watched);
        state.read(name);
        if let Some(watched) = state.watched.get_mut(name) {
            watched.last_reading = watched.last;
        }
    }

    pub fn unwatch(&self, name: &str) {
        self.shared.lock().watched.remove(name);
    }

    /// Begins a turn of a target. Its memory counts; its CPU and the database's count where `counts_cpu` says so.
    pub fn begin(&self, target: &str, counts_cpu: bool) {
        let mut state = self.shared.lock();
        state.read(target);
        state.read(DATABASE);
        state.turn = Some(Turn { target: target.to_owned(), counts_cpu });
    }

    /// Ends the turn that [`Sampler::begin`] began.
    pub fn end(&self) {
        let mut state = self.shared.lock();
        state.account();
        state.turn = None;
    }

    /// CPU time that the kernel has accounted to a watched process so far, milliseconds.
    pub fn cpu_ms(&self, name: &str) -> Option<f64> {
        let mut state = self.shared.lock();
        state.read(name)?;
        state.watched.get(name).map(|watched| watched.last.1)
    }

    /// What a target and the database used in the target's turns since this was last asked.
    pub fn take(&self, target: &str) -> (Option<Usage>, Option<Usage>) {
        let meters = self.shared.lock().meters.remove(target).unwrap_or_default();
        (meters.client.usage(), meters.database.usage())
    }

    /// Says whether only what is watched should be busy from now on: what else is busy then is a disturbance.
    pub fn measuring(&self, measuring: bool) {
        let mut state = self.shared.lock();
        state.measuring = measuring;
        state.window = None;
    }

    /// What other work the machine did while measuring, since the last time.
    pub fn take_windows(&self) -> Vec<LoadWindow> {
        std::mem::take(&mut self.shared.lock().windows)
    }

    /// Every reading since the last time.
    pub fn take_readings(&self) -> Vec<Reading> {
        std::mem::take(&mut self.shared.lock().readings)
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.stopped.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Numbers only: a panic elsewhere leaves nothing half-done that matters.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.lock();
        while !state.stop {
            state = self.stopped.wait_timeout(state, INTERVAL).unwrap_or_else(PoisonError::into_inner).0;
            state.account();
            state.record();
            state.look_around();
        }
    }
}

impl State {
    /// Reads one process now; the CPU time (ms) and the clock time (ms) since it was last read.
    fn read(&mut self, name: &str) -> Option<(f64, f64)> {
        let watched = self.watched.get_mut(name)?;
        let (now, mut cpu_ms) = (Instant::now(), cpu_clock_ms(watched.pid));
        if cpu_ms.is_none() || watched.memory_at.is_none_or(|at| now - at >= MEMORY_INTERVAL) {
            let kind = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
            self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[watched.pid]), true, kind);
            let process = self.system.process(watched.pid)?;
            watched.memory_mb = process.memory() as f64 / MIB;
            watched.memory_at = Some(now);
            cpu_ms = cpu_ms.or(Some(process.accumulated_cpu_time() as f64));
        }
        let cpu_ms = cpu_ms?;
        let (then, before) = std::mem::replace(&mut watched.last, (now, cpu_ms));
        Some(((cpu_ms - before).max(0.0), (now - then).as_secs_f64() * 1e3))
    }

    /// Adds what was used since the last reading to the meters of whoever's turn it is.
    fn account(&mut self) {
        let Some(turn) = self.turn.clone() else { return };
        for name in [turn.target.as_str(), DATABASE] {
            let Some((cpu_ms, wall_ms)) = self.read(name) else { continue };
            let memory_mb = self.watched.get(name).map_or(0.0, |watched| watched.memory_mb);
            let meters = self.meters.entry(turn.target.clone()).or_default();
            let meter = if name == DATABASE { &mut meters.database } else { &mut meters.client };
            meter.add_memory(memory_mb);
            if turn.counts_cpu {
                meter.add_cpu(cpu_ms, wall_ms);
            }
        }
    }

    /// Writes a reading of every watched process for the timeline.
    fn record(&mut self) {
        let names: Vec<String> = self.watched.keys().cloned().collect();
        for name in names {
            let whose_turn = self.turn.as_ref().is_some_and(|turn| turn.target == name || name == DATABASE);
            // Whose turn it is was read just now, and reading again would take its CPU from the meters.
            if !whose_turn && self.read(&name).is_none() {
                continue;
            }
            let origin = self.origin;
            let Some(watched) = self.watched.get_mut(&name) else { continue };
            let (now, cpu_ms) = watched.last;
            let (then, before) = std::mem::replace(&mut watched.last_reading, watched.last);
            let wall_ms = (now - then).as_secs_f64() * 1e3;
            if wall_ms > 0.0 && name != KEEPER {
                self.readings.push(Reading {
                    at_ms: tenth((now - origin).as_secs_f64() * 1e3),
                    process: name,
                    cpu_percent: tenth((cpu_ms - before).max(0.0) / wall_ms * 100.0),
                    memory_mb: tenth(watched.memory_mb),
                });
            }
        }
    }

    /// Reads what else the machine does, in windows that lie wholly within the measuring.
    fn look_around(&mut self) {
        if !self.measuring {
            return;
        }
        // The counters of the whole machine cost more than those of a process.
        if self.window.is_some_and(|(.., begun)| begun.elapsed() < BESIDES_WINDOW) {
            return;
        }
        let Some(counters) = Counters::read() else { return };
        let ours = own_cpu_ms() + self.watched.values().map(|watched| watched.last.1).sum::<f64>();
        let now = Instant::now();
        if let Some((before, ours_before, begun)) = self.window {
            let at_ms = (now - self.origin).as_secs_f64() * 1e3;
            let wall_ms = (now - begun).as_secs_f64() * 1e3;
            self.windows.push(before.until(counters, ours - ours_before, at_ms, wall_ms));
        }
        self.window = Some((counters, ours, now));
    }
}

impl Meter {
    fn add_cpu(&mut self, cpu_ms: f64, wall_ms: f64) {
        self.cpu_ms += cpu_ms;
        self.wall_ms += wall_ms;
        self.window.0 += cpu_ms;
        self.window.1 += wall_ms;
        if self.window.1 >= PEAK_WINDOW_MS {
            let percent = self.window.0 / self.window.1 * 100.0;
            self.peak_percent = Some(self.peak_percent.map_or(percent, |peak| peak.max(percent)));
            self.window = (0.0, 0.0);
        }
    }

    fn add_memory(&mut self, memory_mb: f64) {
        self.memory_sum += memory_mb;
        self.memory_readings += 1;
        self.memory_peak = self.memory_peak.max(memory_mb);
    }

    fn usage(self) -> Option<Usage> {
        // The whole is a window too: what was left over after the last full one counts with it.
        let whole = (self.wall_ms >= PEAK_WINDOW_MS).then(|| self.cpu_ms / self.wall_ms * 100.0);
        let peak_percent = self.peak_percent.into_iter().chain(whole).reduce(f64::max);
        (self.memory_readings > 0).then(|| Usage {
            cpu_ms: self.cpu_ms,
            wall_ms: self.wall_ms,
            cpu_percent_peak: peak_percent,
            memory_mb_avg: self.memory_sum / f64::from(self.memory_readings),
            memory_mb_peak: self.memory_peak,
        })
    }
}

/// CPU time of a process, all its threads, from its CPU clock (`clock_getcpuclockid(3)`); milliseconds.
#[cfg(target_os = "linux")]
fn cpu_clock_ms(pid: Pid) -> Option<f64> {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid.as_u32()).ok()?);
    let time = nix::time::clock_getcpuclockid(pid).ok()?.now().ok()?;
    Some(time.tv_sec() as f64 * 1e3 + time.tv_nsec() as f64 / 1e6)
}

#[cfg(not(target_os = "linux"))]
fn cpu_clock_ms(_: Pid) -> Option<f64> {
    None
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The kernel's high-water mark of a process's resident set, MiB. None where the kernel keeps none.
pub fn peak_resident_mb(pid: u32) -> Option<f64> {
    proc::status_mb(pid, "VmHWM")
}

/// Begins the kernel's high-water mark anew at the present resident set (Linux; `proc(5)`, `clear_refs`). Whether it
/// could.
pub fn reset_peak_resident(pid: u32) -> bool {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_taken_over_windows_of_100_ms_across_turns() {
        let mut meter = Meter::default();
        meter.add_cpu(45.0, 50.0);
        assert_eq!(meter.peak_percent, None);
        meter.add_cpu(5.0, 50.0);
        assert_eq!(meter.peak_percent, Some(50.0));
        meter.add_cpu(50.0, 250.0);
        assert_eq!(meter.peak_percent, Some(50.0));
        meter.add_memory(1.0);
        assert_eq!(meter.usage().unwrap().cpu_percent_peak, Some(50.0));
    }

    #[test]
    fn a_peak_is_never_below_the_average() {
        let mut meter = Meter::default();
        meter.add_memory(1.0);
        meter.add_cpu(100.0, 200.0);
        meter.add_cpu(190.0, 190.0);
        let usage = meter.usage().unwrap();
        assert!(usage.cpu_percent_peak.unwrap() >= usage.cpu_ms / usage.wall_ms * 100.0);
    }

    #[test]
    fn cpu_and_memory_of_this_process_are_seen_and_given_to_whose_turn_it_was() {
        let sampler = Sampler::start(Instant::now()).unwrap();
        sampler.watch("me", std::process::id());
        sampler.begin("me", true);
        let end = Instant::now() + Duration::from_millis(400);
        while Instant::now() < end {
            std::hint::black_box(0);
        }
        sampler.end();
        let (client, database) = sampler.take("me");
        let usage = client.unwrap();
        assert!(usage.cpu_ms > 200.0 && usage.wall_ms >= 400.0, "{usage:?}");
        assert!(usage.memory_mb_peak > 1.0);
        assert_eq!(database, None, "no database was watched");
        assert_eq!(sampler.take("me").0, None, "what was taken is gone");
    }
}
