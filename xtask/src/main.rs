//! `cargo xtask`: a benchmark of `DynamoDB` client libraries for JavaScript.

use std::process::ExitCode;

use xtask::cli::{Cli, Command};
use xtask::commands::{doctor, schema};
use xtask::report::terminal_width;
use xtask::system::{exit, interrupt, progress};

fn main() -> ExitCode {
    let cli = Cli::parse_for(terminal_width());
    match dispatch(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            progress::eprint_line(format!("{} {why:#}", console::style("error:").red().bold().for_stderr()));
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
        Command::Pages(pages) => pages.run(),
        Command::Burn(burn) => {
            burn.run();
            Ok(())
        }
    }
}
