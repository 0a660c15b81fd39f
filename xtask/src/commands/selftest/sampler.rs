//! The sampler against the kernel: a process that burns a known share of a core and holds a known amount of memory.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use xshell::cmd;

use super::part::Session;
use super::trial::Trial;
use crate::machine::sampler::{Sampler, peak_resident_mb};
use crate::system::interrupt;
use crate::system::proc;
use crate::system::process::{self, Command, Group};

/// How far the sampler may be from the kernel.
const WITHIN: f64 = 0.03;
const WATCHED: Duration = Duration::from_secs(6);
const LOADS: [(f64, usize); 3] = [(20.0, 64), (50.0, 200), (100.0, 500)];

/// Burns at several loads and compares.
pub fn run(session: &mut Session<'_>, _: Duration) -> anyhow::Result<Vec<Trial>> {
    let mut trials = Vec::new();
    for (percent, mib) in LOADS {
        session.clock.now(&format!("{percent:.0}% of a core, {mib} MiB"));
        trials.push(burn(percent, mib)?);
    }
    Ok(trials)
}

fn burn(share: f64, mib: usize) -> anyhow::Result<Trial> {
    let program = std::env::current_exe().context("finding this program's own path")?;
    let (shell, percent, memory) = (process::shell(Path::new("."))?, share.to_string(), mib.to_string());
    let mut command = Command::from(cmd!(shell, "{program} burn --percent {percent} --mib {memory}"));
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let group = Group::spawn(command, "burn")?;
    let pid = group.pid();
    // It allocates first; then it is as it will be.
    interrupt::sleep(Duration::from_secs(1))?;
    let origin = Instant::now();
    let sampler = Sampler::start(origin)?;
    sampler.watch("burn", pid);
    sampler.begin("burn", true);
    let mut readings = vec![(Instant::now(), kernel_cpu_ms(pid)?)];
    let mut resident = Vec::new();
    while readings[0].0.elapsed() < WATCHED {
        interrupt::sleep(Duration::from_millis(25))?;
        readings.push((Instant::now(), kernel_cpu_ms(pid)?));
        resident.push(proc::status_mb(pid, "VmRSS").context("the kernel gives no VmRSS")?);
    }
    sampler.end();
    let kernel_percent = self::percent(readings[0], readings[readings.len() - 1]);
    let read_at =
        sampler.take_readings().into_iter().map(|reading| origin + Duration::from_secs_f64(reading.at_ms / 1e3));
    let kernel_peak = kernel_peak_percent(&readings, read_at);
    let kernel_peak_mb = peak_resident_mb(pid).context("the kernel gives no VmHWM")?;
    let usage = sampler.take("burn").0.context("the sampler saw nothing")?;
    let resident_mb = resident.iter().sum::<f64>() / resident.len().max(1) as f64;
    let what = format!("{share:.0}% of a core, {mib} MiB");
    let cpu_peak = usage.cpu_percent_peak.context("the sampler saw no whole window")?;
    let figures = [
        ("CPU average", usage.cpu_ms / usage.wall_ms * 100.0, kernel_percent, "%"),
        ("CPU peak", cpu_peak, kernel_peak, "%"),
        ("memory average", usage.memory_mb_avg, resident_mb, " MiB"),
        ("memory peak", usage.memory_mb_peak, kernel_peak_mb, " MiB"),
    ];
    let off = |(_, ours, kernels, _): &(&str, f64, f64, &str)| ours / kernels - 1.0;
    let worst = figures.iter().max_by(|a, b| off(a).abs().total_cmp(&off(b).abs())).context("there are figures")?;
    let line = |figure: &(&str, f64, f64, &str)| {
        let (name, ours, kernels, unit) = figure;
        format!("{name}: {ours:.1}{unit}, the kernel {kernels:.1}{unit}, {:+.1}%", off(figure) * 100.0)
    };
    let found = format!("{} is off most, {:+.1}%", worst.0, off(worst) * 100.0);
    let required = format!("all within {:.0}% of the kernel", WITHIN * 100.0);
    let passed = figures.iter().all(|figure| off(figure).abs() <= WITHIN);
    Ok(Trial::new("sampler", what, required, found, passed).with(figures.iter().map(line).collect()))
}

fn percent(from: (Instant, f64), to: (Instant, f64)) -> f64 {
    (to.1 - from.1) / ((to.0 - from.0).as_secs_f64() * 1e3) * 100.0
}

/// The highest use in the sampler's windows, each of which ends when it read.
fn kernel_peak_percent(readings: &[(Instant, f64)], read_at: impl Iterator<Item = Instant>) -> f64 {
    let mut begun = readings[0];
    let windows = read_at.filter_map(|at| {
        let end = (at, cpu_ms_at(at, readings)?);
        Some(percent(std::mem::replace(&mut begun, end), end))
    });
    windows.fold(0.0, f64::max)
}

/// CPU time at a moment between two readings, milliseconds.
fn cpu_ms_at(at: Instant, readings: &[(Instant, f64)]) -> Option<f64> {
    let both = readings.windows(2).find(|both| (both[0].0..=both[1].0).contains(&at))?;
    let [before, after] = [both[0], both[1]];
    let share = (at - before.0).as_secs_f64() / (after.0 - before.0).as_secs_f64();
    Some(before.1 + share * (after.1 - before.1))
}

/// CPU time from `/proc/<pid>/task/*/schedstat`, nanoseconds that each thread ran: another source than the sampler's.
fn kernel_cpu_ms(pid: u32) -> anyhow::Result<f64> {
    let folder = format!("/proc/{pid}/task");
    let mut total = 0.0;
    for thread in std::fs::read_dir(&folder).with_context(|| format!("reading {folder}"))? {
        let text = std::fs::read_to_string(thread?.path().join("schedstat")).context("reading a thread's schedstat")?;
        let nanoseconds: f64 = text.split_whitespace().next().context("an empty schedstat")?.parse()?;
        total += nanoseconds / 1e6;
    }
    Ok(total)
}
