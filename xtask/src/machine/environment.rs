//! What the run was made on: the machine, its software and the checkout's commit. Read once, before anything starts.

use std::path::Path;

use anyhow::Context as _;
use sysinfo::System;
use xshell::cmd;

use crate::results::Environment;
use crate::system::process;

const MIB: f64 = 1_048_576.0;

/// Reads the environment; the versions of Node and npm are given.
pub fn read(node: &str, npm: &str) -> anyhow::Result<Environment> {
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
        node: node.to_owned(),
        npm: npm.to_owned(),
        rustc: rustc().unwrap_or_else(unknown),
        xtask: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

fn rustc() -> Option<String> {
    let shell = process::shell(Path::new(".")).ok()?;
    process::answer(cmd!(shell, "rustc --version"))
}
