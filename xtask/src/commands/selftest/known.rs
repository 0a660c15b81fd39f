//! Known amounts of extra work: copies of one library of which some make a share of their calls twice. That is work of
//! the same kind as the call, however fast the core is. What the second call costs, which is somewhat less than the
//! first, is known from a copy that makes all of them twice. One long run measures all copies in the same rounds; groups
//! of rounds are then drawn from it, and each group is judged by the same code that judges a run.

use std::time::Duration;

use anyhow::Context as _;
use rand::SeedableRng as _;
use rand::seq::index;
use rand_pcg::Pcg64;

use super::lab::{AROUND_A_RUN, LONGEST_WARM_UP, copy, length, unsettled};
use super::part::Session;
use super::ratios::{Log, by_round, mean_of_rounds, measurement, too_noisy};
use super::trial::{Outcome, Trial};
use crate::analysis::summary;
use crate::plan::library::Library;
use crate::plan::request::Emphasis;
use crate::results::{Measurement, Operation, Results, Verdict};

const PART: &str = "known";
const OPERATION: Operation = Operation::GetItem;
/// Rounds of a group, which is judged as one run.
const GROUP: usize = 12;
/// About how long a round takes.
const ROUND: Duration = Duration::from_secs(14);
/// Groups that are drawn.
const GROUPS: u32 = 200;
/// Extra work, as shares of the CPU per call, and the share of groups that must find each.
const EXTRA: [(f64, f64); 3] = [(0.03, 0.90), (0.05, 0.95), (0.10, 0.99)];
/// The least share of groups whose intervals must hold the true ratio. An interval is where another run finds the ratio in
/// 95% of cases, so that the true one is in it in 99%. But all groups are drawn from the same rounds and share their luck:
/// of 27 rounds, it is 12/27 of the variance of a group's ratio. In simulated runs of 27 rounds with intervals as they
/// should be, fewer than 95% of groups hold the truth, of one copy or another, in 3.5% of runs.
const HELD: f64 = 0.95;
/// With intervals of ±h, 90% of groups find work of 1.4 h: wider ones than this share of it can't show it often enough.
const RESOLVABLE: f64 = 0.7;
/// The copy that makes every call twice.
const MEASURE: usize = 1 + EXTRA.len();
/// What a second call costs of what a first one does, as far as it takes to say how many to make: 0.88 to 0.94 in runs
/// before. What the extra work really is, is known from the run itself.
const SECOND_CALL: f64 = 0.9;

pub fn run(session: &mut Session<'_>, time: Duration) -> anyhow::Result<Vec<Trial>> {
    let operation = session.flags.op.first().copied().unwrap_or(OPERATION);
    let lab = session.lab()?;
    let library = lab.first();
    // Rounded to whole calls of a thousand, as they are made.
    let twice = EXTRA.iter().map(|(share, _)| (share / SECOND_CALL * 1e3).round() / 1e3);
    let twice: Vec<f64> = twice.chain([1.0]).collect();
    let mut request = lab.request(&[operation], &vec![library; 1 + twice.len()]);
    request.experiment.emphasis = Emphasis::ClientCost;
    request.experiment.twice =
        (1..).zip(&twice).map(|(number, share)| (copy(library, number), operation, *share)).collect();
    request.warm_up = Some(LONGEST_WARM_UP);
    request.rounds = Some((time.as_secs_f64() / ROUND.as_secs_f64()).max(GROUP as f64) as u32);
    request.budget = Some(time.saturating_sub(AROUND_A_RUN));
    let results = lab.run(PART, &request, Vec::new())?;
    let second_call = cost_of_a_second_call(&results, library, operation).context("nothing was measured")?;
    let truths: Vec<f64> = twice.iter().map(|share| share * second_call).collect();
    let mut trials = judge(&results, library, operation, &truths);
    if let Some(trial) = trials.first_mut() {
        trial.details.push(format!("a second call costs {:.0}% of a first one", second_call * 100.0));
    }
    Ok(trials)
}

/// What a second call costs of what a first one does, by a copy that makes each call twice.
fn cost_of_a_second_call(results: &Results, library: Library, operation: Operation) -> Option<f64> {
    Some(stats::mean(&logs(results, library, operation, MEASURE))?.exp_m1())
}

/// The logarithms of a copy's ratios to the first one, round by round.
fn logs(results: &Results, library: Library, operation: Operation, number: usize) -> Vec<f64> {
    by_round(results, operation, &copy(library, number), &copy(library, 0)).into_values().collect()
}

/// `truths` are what each copy costs more than the first one, as shares.
fn judge(results: &Results, library: Library, operation: Operation, truths: &[f64]) -> Vec<Trial> {
    let tallies = judge_groups(results, library, operation, truths);
    let mut trials = Vec::new();
    for ((number, extra), tally) in (1..).zip(EXTRA).zip(&tallies) {
        trials.extend(tally.trials(extra, results.schedule.len()));
        trials.push(bias(&logs(results, library, operation, number), extra.0, truths[number - 1]));
    }
    if let Some(trial) = trials.first_mut() {
        trial.details.push(length("run", results));
    }
    trials.extend(unsettled(PART, std::slice::from_ref(results)));
    trials
}

/// Whether what all rounds together show is what was added, as far as they can show it.
fn bias(rounds: &[f64], share: f64, truth: f64) -> Trial {
    let what = format!("{:.0}% more, without bias", share * 100.0);
    let required = format!("{:+.2}%, as far as is known", truth * 100.0);
    let Some(found) = mean_of_rounds(rounds) else {
        return Trial::new(PART, what, required, "too few rounds", Outcome::NotMade);
    };
    let off = Log { value: found.value - truth.ln_1p(), ..found };
    // Within an interval as wide as what was added, none and twice as much would pass too.
    let known_to = share / 2.0;
    let mut outcome = Outcome::from(!off.of_several().surely_passes(0.0));
    let mut found = found.percent();
    if outcome == Outcome::Passed && off.half > known_to.ln_1p() {
        outcome = Outcome::TooNoisy;
        found += &too_noisy(known_to);
    }
    Trial::new(PART, what, required, found, outcome)
        .with(rounds.iter().map(|log| format!("a round: {:+.2}%", log.exp_m1() * 100.0)).collect())
}

/// Draws groups of rounds, judges each, and counts, for each copy with extra work.
fn judge_groups(results: &Results, library: Library, operation: Operation, truths: &[f64]) -> Vec<Tally> {
    let mut random = Pcg64::seed_from_u64(results.run.seed);
    let mut tallies = vec![Tally::default(); EXTRA.len()];
    let rounds: Vec<u32> = results.schedule.iter().map(|round| round.round).collect();
    if rounds.len() < GROUP {
        return tallies;
    }
    for group in 0..GROUPS {
        let drawn: Vec<u32> =
            index::sample(&mut random, rounds.len(), GROUP).into_iter().map(|at| rounds[at]).collect();
        let mut part = results.clone();
        part.run.seed = u64::from(group);
        for one in &mut part.measurements {
            one.per_round.retain(|round| drawn.contains(&round.round));
        }
        summary::summarize(&mut part);
        for ((number, truth), tally) in (1..).zip(truths).zip(&mut tallies) {
            if let Some(one) = measurement(&part, operation, &copy(library, number)) {
                tally.count(one, 1.0 + truth);
            }
        }
    }
    tallies
}

#[derive(Debug, Clone, Default)]
struct Tally {
    groups: f64,
    slower: f64,
    held: f64,
    half_widths: f64,
}

impl Tally {
    fn count(&mut self, one: &Measurement, truth: f64) {
        let Some(versus) = &one.vs_baseline else { return };
        let as_number = |holds: bool| f64::from(u8::from(holds));
        self.groups += 1.0;
        self.slower += as_number(versus.cpu_verdict == Verdict::Slower);
        if let Some([low, high]) = versus.cpu_ratio_ci95 {
            self.held += as_number(low <= truth && truth <= high);
            self.half_widths += (high - low) / 2.0;
        }
    }

    /// Whether so much extra work was found often enough, and whether the intervals hold it.
    fn trials(&self, (share, least): (f64, f64), rounds: usize) -> [Trial; 2] {
        let [slower, held, half] = [self.slower, self.held, self.half_widths].map(|sum| sum / self.groups.max(1.0));
        let trial = |what: &str, required: String, mut found: String, mut outcome: Outcome| {
            if self.groups < 1.0 {
                outcome = Outcome::NotMade;
                found = format!("a group takes {GROUP} rounds, and there are {rounds}");
            }
            if outcome == Outcome::TooNoisy {
                found += &too_noisy(RESOLVABLE * share);
            }
            Trial::new(PART, format!("{:.0}% more, {what}", share * 100.0), required, found, outcome)
        };
        let power =
            if slower < least && half > RESOLVABLE * share { Outcome::TooNoisy } else { (slower >= least).into() };
        let width = format!("±{:.2}% on average", half * 100.0);
        [
            trial(
                "found",
                format!("by at least {:.0}%", least * 100.0),
                format!("by {:.1}% of {:.0} groups of {GROUP} rounds, {width}", slower * 100.0, self.groups),
                power,
            ),
            trial(
                "in the intervals",
                format!("in at least {:.0}%", HELD * 100.0),
                format!("in {:.1}%, which are {width}", held * 100.0),
                (held >= HELD).into(),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_is_found_too_seldom_is_a_failure_only_where_the_intervals_could_show_it() {
        let outcomes = |groups: f64, slower: f64, half: f64| {
            let tally = Tally { groups, slower: slower * groups, held: groups, half_widths: half * groups };
            tally.trials(EXTRA[0], 27).map(|trial| trial.outcome)
        };
        assert_eq!(outcomes(200.0, 0.95, 0.015), [Outcome::Passed; 2]);
        assert_eq!(outcomes(200.0, 0.70, 0.015), [Outcome::Failed, Outcome::Passed]);
        assert_eq!(outcomes(200.0, 0.70, 0.025), [Outcome::TooNoisy, Outcome::Passed]);
        assert_eq!(outcomes(0.0, 0.0, 0.0), [Outcome::NotMade; 2]);
    }

    #[test]
    fn intervals_that_hold_the_truth_in_82_percent_of_groups_fail() {
        let outcome = |held: f64| {
            let tally = Tally { groups: 200.0, slower: 200.0, held: held * 200.0, half_widths: 2.0 };
            tally.trials(EXTRA[1], 27)[1].outcome
        };
        assert_eq!([0.24, 0.82].map(outcome), [Outcome::Failed; 2]);
        assert_eq!([0.96, 1.0].map(outcome), [Outcome::Passed; 2]);
    }

    #[test]
    fn the_size_is_missed_only_beyond_what_chance_does_and_unknown_where_the_rounds_differ_much() {
        let outcome = |rounds: &[f64]| bias(rounds, 0.10, 0.10).outcome;
        let around = |log: f64, apart: f64| [-1.0, -0.5, 0.0, 0.5, 1.0].map(|times| log + times * apart);
        assert_eq!(outcome(&around(0.10, 0.01)), Outcome::Passed);
        assert_eq!(outcome(&around(0.05, 0.01)), Outcome::Failed);
        assert_eq!(outcome(&around(0.10, 0.10)), Outcome::TooNoisy);
        assert_eq!(outcome(&[0.10]), Outcome::NotMade);
    }
}
