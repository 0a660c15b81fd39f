//! `cargo xtask`: a benchmark of `DynamoDB` client libraries for JavaScript.

use std::process::ExitCode;

use xtask::cli::{Cli, Command};
use xtask::commands::{doctor, schema};
use xtask::report::{terminal_width, text};
use xtask::system::{exit, interrupt, progress};

/// What an error begins with.
const HEAD: &str = "error: ";

fn main() -> ExitCode {
    let cli = Cli::parse_for(terminal_width());
    match dispatch(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            report_error(&format!("{why:#}"));
            ExitCode::from(exit::code_of(&why))
        }
    }
}

/// Writes an error: wrapped between words on a terminal, and as it is elsewhere, where it may be searched.
fn report_error(message: &str) {
    let head = console::style("error:").red().bold().for_stderr();
    let terminal = console::Term::stderr();
    let Some((_, columns)) = terminal.size_checked().filter(|_| terminal.is_term()) else {
        return progress::eprint_line(format!("{head} {message}"));
    };
    let (mut is_first, width) = (true, usize::from(columns).max(40));
    for line in message.lines() {
        let indent = if is_first { HEAD.len() } else { line.len() - line.trim_start().len() };
        for (at, line) in text::wrap(line.trim_start(), width, indent, indent + 2).iter().enumerate() {
            let is_head = std::mem::take(&mut is_first) && at == 0;
            progress::eprint_line(if is_head { format!("{head} {}", line.trim_start()) } else { line.clone() });
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
