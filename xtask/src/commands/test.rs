//! `cargo xtask test`: every check of the project, in the order in which a failure is cheapest to find. The tests of
//! the suite and of the whole command talk to a real DynamoDB Local.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use xshell::cmd;

use crate::cli::{Test, TestPart};
use crate::plan::library::Library;
use crate::plan::request::BackendChoice;
use crate::setup::database;
use crate::setup::npm;
use crate::system::checkout::Checkout;
use crate::system::exit::Exit;
use crate::system::process::{self, Command, Group};
use crate::system::progress::Progress;
use crate::system::progress::print_line;

impl Test {
    /// Runs the checks; stops at the first part that fails.
    pub fn run(&self) -> anyhow::Result<()> {
        let checkout = Checkout::find()?;
        let progress = Progress::new(true);
        let tools = npm::Tools::find()?;
        let wants = |part: TestPart| self.part.is_empty() || self.part.contains(&part);
        let benchmark = npm::prepare(&checkout, &tools, &progress)?;
        if wants(TestPart::Lint) {
            part("Rust formatting", cargo(&checkout.root, &["fmt", "--all", "--check"])?)?;
            part(
                "Rust lints",
                cargo(&checkout.root, &["clippy", "--locked", "--all-targets", "--", "-D", "warnings"])?,
            )?;
            part("TypeScript types, lints and formatting", npm(&tools, &benchmark, "check")?)?;
        }
        if wants(TestPart::Typescript) {
            let options = database::Options::new(&checkout, "test", BackendChoice::Java, None, None, false)?;
            let server = database::start(&options, &progress)?;
            let mut command = npm(&tools, &benchmark, "test")?;
            command.env("BENCH_ENDPOINT", &server.endpoint);
            let mizzle = Library::find("mizzle").map_err(Exit::BadInput)?;
            let spec = std::env::var("BENCH_MIZZLE").unwrap_or_else(|_| "latest".to_owned());
            let staged = npm::stage(&checkout, &tools, &benchmark, mizzle, &spec, false, &progress);
            let installed =
                staged.and_then(|staged| npm::install(&checkout, &tools, &benchmark, mizzle, &staged.spec, &progress));
            match installed {
                Ok(install) => {
                    command.env("BENCH_MIZZLE_INSTALL", install.dir);
                }
                Err(why) => print_line(format!("SKIPPED: the tests of the Mizzle adapter ({why:#})")),
            }
            part("TypeScript tests", command)?;
        }
        if wants(TestPart::Rust) {
            part("Rust tests", cargo(&checkout.root, &["test", "--locked"])?)?;
        }
        if self.part.contains(&TestPart::Faults) {
            let arguments = ["test", "--locked", "--test", "faults", "--", "--include-ignored"];
            part("faults", cargo(&checkout.root, &arguments)?)?;
        }
        Ok(())
    }
}

fn cargo(root: &Path, arguments: &[&str]) -> anyhow::Result<Command> {
    let shell = process::shell(root)?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Ok(cmd!(shell, "{cargo} {arguments...}").into())
}

fn npm(tools: &npm::Tools, folder: &Path, script: &str) -> anyhow::Result<Command> {
    let (shell, npm) = (process::shell(folder)?, &tools.npm);
    Ok(cmd!(shell, "{npm} run --silent {script}").into())
}

/// Runs one part with its output on ours; a signal stops it.
fn part(name: &str, mut command: Command) -> anyhow::Result<()> {
    print_line(format!("\n== {name}"));
    let start = Instant::now();
    command.stdin(Stdio::null());
    let mut group = Group::spawn(command, name).with_context(|| format!("starting: {name}"))?;
    let status = loop {
        crate::system::interrupt::check()?;
        if let Some(status) = group.wait_for(Duration::from_millis(100)) {
            break status;
        }
    };
    if !status.success() {
        bail!(Exit::Failed(format!("{name}: {status}")));
    }
    print_line(format!("== {name}: passed in {:.0} s", start.elapsed().as_secs_f64()));
    Ok(())
}
