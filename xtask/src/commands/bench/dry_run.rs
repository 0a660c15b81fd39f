//! `--dry-run`: what a run would do, as lines that fit the terminal.

use crate::report::text;

/// The plan's rows as lines of at most `width` columns.
pub fn lines(rows: &[(&'static str, String)], width: usize) -> Vec<String> {
    text::table(rows.iter().map(|(name, what)| [*name, what.as_str()]), width)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};
    use crate::plan::Plan;

    #[test]
    fn a_plan_fits_the_terminal() {
        for arguments in ["", "--orm all --scale all --budget 10m", "--rounds 3 --time 2s --op Query --orm electrodb"] {
            let line = ["cargo xtask", "bench"].into_iter().chain(arguments.split_whitespace());
            let Command::Bench(bench) = Cli::try_parse_from(line).unwrap().command else { panic!("{arguments}") };
            let plan = Plan::decide(&bench.request()).unwrap();
            for width in [60, 80, 132] {
                for line in lines(
                    &plan.describe(Path::new("/a/folder/of/a/checkout/target/bench/20261126-043041-16746")),
                    width,
                ) {
                    assert!(console::measure_text_width(&line) <= width, "{width}: {line}");
                }
            }
        }
    }
}
