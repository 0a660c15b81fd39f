//! `cargo xtask`: a benchmark of `DynamoDB` client libraries for JavaScript.

mod against;
#[allow(dead_code, unused_imports)] // Until the conductor uses it.
mod answers;
mod bench;
mod burn;
mod checkout;
mod ci;
mod cli;
mod compare;
mod database;
mod disturbances;
mod doctor;
mod environment;
mod exit;
mod files;
#[cfg(test)]
mod fixture;
mod gate;
mod history;
mod interrupt;
mod keeper;
mod load;
mod lock;
mod machine;
mod npm;
mod owner;
mod plan;
mod process;
mod progress;
mod protocol;
mod report;
mod rerender;
mod results;
mod resume;
mod run;
mod sampler;
mod schema;
mod selftest;
mod stats;
mod suite;
mod summary;
mod test;
mod turns;
mod warmup;
mod worker;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            progress::tell(format!("{} {why:#}", console::style("error:").red().bold().for_stderr()));
            ExitCode::from(exit::code_of(&why))
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<()> {
    interrupt::listen()?;
    match command {
        Command::Bench(bench) => bench.run(),
        Command::Report(report) => report.run(),
        Command::Compare(compare) => compare.run(),
        Command::History(history) => history.run(),
        Command::Selftest(selftest) => selftest.run(),
        Command::Doctor => doctor::run(),
        Command::Test(test) => test.run(),
        Command::Schema => schema::run(),
        Command::Burn(burn) => {
            burn.run();
            Ok(())
        }
    }
}
