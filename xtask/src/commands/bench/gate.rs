//! `--fail-on` where `--against` finds no difference: nothing is compared then, which is said before a run measures and at
//! its end. That is no error, since most changes of a repository leave its adapters as they are.

use crate::plan::Plan;

/// The end of a run that was to fail on a regression and compared nothing.
pub const NOTHING: &str =
    "--fail-on: nothing was compared and nothing could fail: no adapter or locked library differs from --against.";

/// Says before a run that `--against`, by the name `against`, adds nothing to it; None where it does.
pub fn note(plan: &Plan, against: &str, gated: bool) -> Option<String> {
    let alike = !plan.targets.iter().any(|target| target.base_of.is_some());
    let nothing = if !gated || plan.has_pair() { "" } else { ": nothing is compared, and --fail-on can't fail" };
    alike.then(|| format!("No adapter and no locked library differs from {against}{nothing}."))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn noted(arguments: &str, differs: bool) -> Option<String> {
        let line = ["cargo xtask", "bench", "--against", "main"].into_iter().chain(arguments.split_whitespace());
        let Command::Bench(bench) = Cli::try_parse_from(line).unwrap().command else { panic!("{arguments}") };
        let mut plan = Plan::decide(&bench.request()).unwrap();
        plan.stand_beside("main", |_| Ok::<_, Infallible>(differs)).unwrap();
        note(&plan, "main (0123456789)", !bench.fail_on.is_empty())
    }

    #[test]
    fn a_gate_that_has_nothing_to_compare_says_so_before_it_measures() {
        let unlike = "No adapter and no locked library differs from main (0123456789)";
        assert_eq!(noted("--fail-on 5%", true), None);
        assert_eq!(
            noted("--fail-on 5%", false).unwrap(),
            format!("{unlike}: nothing is compared, and --fail-on can't fail.")
        );
        assert_eq!(noted("", false).unwrap(), format!("{unlike}."));
        let twice = "--fail-on 5% --target mizzle@1.2.0 --target mizzle=../m";
        assert_eq!(noted(twice, false).unwrap(), format!("{unlike}."), "two versions are compared all the same");
    }
}
