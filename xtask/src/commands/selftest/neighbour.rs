//! A noisy neighbour: a process that burns a core in random bursts of 0.2 to 5 s, half of the time. Runs with it and
//! without it take turns. With it, verdicts stay right, intervals grow by no more than twice, and the run says that it
//! was disturbed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use xshell::cmd;

use super::lab::{AROUND_A_RUN, LONGEST_WARM_UP, copy, length, unsettled};
use super::part::Session;
use super::ratios::cpu;
use super::trial::{Outcome, Trial};
use crate::plan::library::Library;
use crate::plan::request::Emphasis;
use crate::results::{DisturbanceKind, Operation, Results, Verdict};
use crate::system::process::{self, Command, Group};

const PART: &str = "neighbour";
/// The share of its calls that the third copy makes twice, which costs it about a fifth more.
const EXTRA: f64 = 0.30;
/// Of a core, percent of the time.
const BUSY_PERCENT: f64 = 50.0;
/// What the neighbour walks through, MiB: more than a core's own caches.
const MIB: usize = 8;
/// How many times as wide intervals may be.
const WIDER: f64 = 2.0;
/// Runs without the neighbour, and as many with it.
const PAIRS: u32 = 2;
const OPERATIONS: [Operation; 4] = [Operation::PutItem, Operation::GetItem, Operation::UpdateItem, Operation::Query];

pub fn run(session: &mut Session<'_>, time: Duration) -> anyhow::Result<Vec<Trial>> {
    let asked = &session.flags.op;
    let operations: Vec<Operation> =
        OPERATIONS.into_iter().filter(|operation| asked.is_empty() || asked.contains(operation)).collect();
    let lab = session.lab()?;
    let library = lab.first();
    let [mut quiet, mut noisy] = [Vec::new(), Vec::new()];
    for pair in 0..PAIRS {
        for with_neighbour in [false, true] {
            let mut request = lab.request(&operations, &[library; 3]);
            let twice = |&operation: &Operation| (copy(library, 2), operation, EXTRA);
            request.experiment.twice = operations.iter().map(twice).collect();
            request.experiment.emphasis = Emphasis::ClientCost;
            request.budget = Some((time / (2 * PAIRS)).saturating_sub(AROUND_A_RUN));
            request.warm_up = Some(LONGEST_WARM_UP);
            request.seed += u64::from(pair);
            let neighbour = with_neighbour.then(start).transpose()?;
            let name = format!("{PART}-{}-{}", if with_neighbour { "noisy" } else { "quiet" }, pair + 1);
            let results = lab.run(&name, &request, Vec::new())?;
            drop(neighbour);
            if with_neighbour { noisy.push(results) } else { quiet.push(results) }
        }
    }
    let mut trials = vec![wrong_verdicts(&noisy, &operations, library), named(&noisy)];
    trials.push(width(&quiet, &noisy, &operations, library));
    trials.extend(unsettled(PART, &noisy));
    Ok(trials)
}

fn start() -> anyhow::Result<Group> {
    let program = std::env::current_exe().context("finding this program's own path")?;
    let (shell, percent, mib) = (process::shell(Path::new("."))?, BUSY_PERCENT.to_string(), MIB.to_string());
    let mut command = Command::from(cmd!(shell, "{program} burn --bursts --percent {percent} --mib {mib}"));
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    Group::spawn(command, "the neighbour")
}

/// A verdict is wrong where it says a difference of equals, or that a copy with extra work is the same or faster.
fn wrong_verdicts(runs: &[Results], operations: &[Operation], library: Library) -> Trial {
    let (mut verdicts, mut found) = (0, 0);
    let mut details = Vec::new();
    for (at, results) in runs.iter().enumerate() {
        for &operation in operations {
            for (number, is_equal) in [(1, true), (2, false)] {
                let target = copy(library, number);
                let versus =
                    super::ratios::measurement(results, operation, &target).and_then(|one| one.vs_baseline.as_ref());
                let Some(versus) = versus else { continue };
                verdicts += 1;
                let verdict = versus.cpu_verdict;
                found += u32::from(!is_equal && verdict == Verdict::Slower);
                if is_wrong(verdict, is_equal) {
                    let ratio = versus.cpu_ratio;
                    details.push(format!("run {}, {operation}, {target}: {verdict:?}, ×{ratio:.3}", at + 1));
                }
            }
        }
    }
    let extra = runs.len() * operations.len();
    let text = format!("{} of {verdicts} wrong; extra work found {found} of {extra} times", details.len());
    // Where nothing is ever found, no verdict can be wrong.
    let outcome = if details.is_empty() && found == 0 { Outcome::TooNoisy } else { details.is_empty().into() };
    Trial::new(PART, "verdicts", "none wrong", text, outcome).with(details)
}

fn is_wrong(verdict: Verdict, is_equal: bool) -> bool {
    match verdict {
        Verdict::Unclear => false,
        Verdict::Same => !is_equal,
        Verdict::Slower => is_equal,
        Verdict::Faster => true,
    }
}

fn named(runs: &[Results]) -> Trial {
    let says_so = |results: &&Results| results.disturbances.iter().any(|one| one.kind == DisturbanceKind::OtherLoad);
    let named = runs.iter().filter(says_so).count();
    let details = runs.iter().flat_map(|run| &run.disturbances).map(|one| one.detail.clone()).collect();
    Trial::new(
        PART,
        "the disturbance",
        "named in each run",
        format!("in {named} of {}", runs.len()),
        named == runs.len(),
    )
    .with(details)
}

/// How many times as wide the intervals are, from the mean of their logarithms.
fn width(quiet: &[Results], noisy: &[Results], operations: &[Operation], library: Library) -> Trial {
    let of = |runs: &[Results]| -> Vec<f64> {
        let cells = || operations.iter().flat_map(|&operation| [1, 2].map(|number| (operation, number)));
        runs.iter()
            .flat_map(|run| cells().filter_map(move |(operation, number)| cpu(run, operation, &copy(library, number))))
            .map(|ratio| ratio.half.ln())
            .collect()
    };
    let (alone, disturbed) = (of(quiet), of(noisy));
    let details = quiet.iter().map(|run| length("quiet", run)).chain(noisy.iter().map(|run| length("noisy", run)));
    let required = format!("at most {WIDER:.0} times as wide");
    match stats::mean(&alone).zip(stats::mean(&disturbed)) {
        Some((alone, disturbed)) => {
            let times = (disturbed - alone).exp();
            let [alone, disturbed] = [alone, disturbed].map(|half| half.exp().exp_m1() * 100.0);
            let found = format!("{times:.2} times: ±{disturbed:.1}% instead of ±{alone:.1}%");
            Trial::new(PART, "intervals", required, found, times <= WIDER)
        }
        None => Trial::new(PART, "intervals", required, "there are none", Outcome::NotMade),
    }
    .with(details.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inconclusive_verdict_is_never_wrong_and_same_is_wrong_of_extra_work() {
        assert!(!is_wrong(Verdict::Unclear, true) && !is_wrong(Verdict::Unclear, false));
        assert!(!is_wrong(Verdict::Same, true) && is_wrong(Verdict::Same, false));
        assert!(is_wrong(Verdict::Slower, true) && !is_wrong(Verdict::Slower, false));
        assert!(is_wrong(Verdict::Faster, true) && is_wrong(Verdict::Faster, false));
    }
}
