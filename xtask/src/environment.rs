//! What the run was made on: the machine, its software and the checkout's commit. Read once, before anything starts.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use sysinfo::System;

use crate::npm::Tools;
use crate::results::Environment;

const MIB: f64 = 1_048_576.0;

/// Reads the environment.
pub fn read(tools: &Tools) -> anyhow::Result<Environment> {
    let mut system = System::new().context("reading the machine's description")?;
    system.refresh_memory();
    system.refresh_cpu_all();
    let unknown = || "unknown".to_owned();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(Environment {
        os: System::long_os_version().unwrap_or_else(|_| unknown()),
        kernel: System::kernel_version().unwrap_or_else(|_| unknown()),
        cpu_model: system.cpus().first().map_or_else(unknown, |cpu| cpu.brand().trim().to_owned()),
        cores: cores as u32,
        memory_mb: (system.total_memory() as f64 / MIB).round(),
        node: tools.node_version.clone(),
        npm: tools.npm_version.clone(),
        rustc: first_line(Command::new("rustc").arg("--version")).unwrap_or_else(unknown),
        xtask: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// The commit of a checkout, and whether the working tree differs from it. None outside a repository.
pub fn git_commit(root: &Path) -> Option<(String, bool)> {
    let commit = first_line(Command::new("git").arg("-C").arg(root).args(["rev-parse", "HEAD"]))?;
    let status = Command::new("git").arg("-C").arg(root).args(["status", "--porcelain"]).output().ok()?;
    Some((commit, !status.stdout.is_empty()))
}

fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next()?.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}
