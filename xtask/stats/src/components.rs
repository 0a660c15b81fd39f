//! The standard errors of the ratios of one run, from what they share. A round's ratio varies by the slices inside it,
//! whose share is seen in each round by itself, and by the processes, whose share is about the same for all ratios of a
//! run and is estimated from all of them. Three rounds by themselves show little of either.

use super::parts::{Part, Parts, by_round, deviations, regroup};
use super::student::{Estimate, Prior, of_mean};

/// Fewer slices than this in a round show nothing of their spread.
const FEWEST_SLICES: usize = 4;
/// What both components lead to expect of a ratio's variance counts for so many degrees of freedom, next to those of its
/// own rounds. The ratios of a run share their baseline and their processes, so that together they show less than as many
/// independent ones would.
pub const EXPECTED_DF: f64 = 8.0;
/// What processes usually add counts for so many, next to those of the run's rounds.
const USUAL_DF: f64 = 2.0;

/// A ratio's logarithm with what its rounds and their slices show of its variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogRatio {
    /// The mean over the rounds, its standard error between them, and their degrees of freedom.
    pub estimated: Estimate,
    /// The variance of that mean which the slices inside the rounds explain; `None` where a round has too few.
    pub within: Option<f64>,
}

/// The logarithm of the ratio that [`super::bootstrap::ratio`] gives; `None` below two rounds.
pub fn log_ratio(pairs: &[(Parts, Parts)]) -> Option<LogRatio> {
    let rounds = by_round(pairs);
    let logs: Vec<f64> = rounds.iter().map(|(log, _)| *log).collect();
    let estimated = of_mean(&logs)?;
    let within: Option<f64> = rounds.iter().map(|(_, (ours, theirs))| within_round(ours, theirs)).sum();
    let rounds = rounds.len() as f64;
    Some(LogRatio { estimated, within: within.map(|sum| sum / (rounds * rounds)) })
}

/// The variance of one round's log ratio by its slices: the linearised variance of a ratio of sums (W. G. Cochran,
/// "Sampling Techniques", 1977, section 6.3), of both sides' slices in pairs, since those met the same machine.
pub fn within_round(ours: &[Part], theirs: &[Part]) -> Option<f64> {
    let n = ours.len().min(theirs.len());
    if n < FEWEST_SLICES {
        return None;
    }
    let (ours, theirs) = (deviations(&regroup(ours, n))?, deviations(&regroup(theirs, n))?);
    let squares: f64 = ours.iter().zip(&theirs).map(|(a, b)| (a - b) * (a - b)).sum();
    Some(squares / (n * (n - 1)) as f64)
}

/// What all ratios of a run show about the standard error of each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Components {
    /// The variance of a log ratio of one round between processes.
    pub between: f64,
    /// Of ratios whose rounds have too few slices.
    plain: Option<Prior>,
}

impl Components {
    /// Fits them to the ratios of a run: the variance between processes by the method of moments, drawn towards the usual
    /// one where that is known. A process that is dear adds to all its ratios, so that three rounds show three processes
    /// and not more, which may agree by chance.
    pub fn fit(ratios: &[LogRatio], usual: Option<f64>) -> Components {
        let rounds = |ratio: &LogRatio| ratio.estimated.df + 1.0;
        let excess = |ratio: &LogRatio| Some((ratio.estimated.se * ratio.estimated.se - ratio.within?) * rounds(ratio));
        let excesses: Vec<f64> = ratios.iter().filter_map(excess).collect();
        let own = super::mean(&excesses).map_or(0.0, |mean| mean.max(0.0));
        let df = super::mean(&ratios.iter().map(|ratio| ratio.estimated.df).collect::<Vec<_>>()).unwrap_or(0.0);
        let drawn = |usual: f64| (df * own + USUAL_DF * usual) / (df + USUAL_DF);
        let all: Vec<Estimate> = ratios.iter().map(|ratio| ratio.estimated).collect();
        Components { between: usual.map_or(own, drawn), plain: Prior::fit(&all) }
    }

    /// The variance of the mean log ratio that both components lead to expect.
    fn expected(&self, ratio: &LogRatio) -> Option<f64> {
        Some(self.between / (ratio.estimated.df + 1.0) + ratio.within?)
    }

    /// The ratio with its variance drawn towards what is expected of it.
    pub fn moderate(&self, ratio: &LogRatio) -> Estimate {
        let expected = self.expected(ratio).map(|variance| Prior { variance, df: EXPECTED_DF });
        expected.or(self.plain).map_or(ratio.estimated, |prior| prior.moderate(ratio.estimated))
    }
}

#[cfg(test)]
mod tests {
    use super::super::student::quantile;
    use super::super::tests::Chance;
    use super::*;

    /// Rounds of a ratio with so much variance between processes and inside them.
    fn pairs(rounds: usize, slices: usize, between: f64, within: f64, chance: &mut Chance) -> Vec<(Parts, Parts)> {
        let mut side = |slices: usize| -> Parts {
            let process = (between * chance.normal()).exp();
            (0..slices).map(|_| Part { total: process * (1.0 + within * chance.normal()), calls: 1.0 }).collect()
        };
        (0..rounds).map(|_| (side(slices), side(slices))).collect()
    }

    fn fit(between: f64, within: f64) -> (Components, Vec<LogRatio>) {
        let mut chance = Chance::new(11);
        let ratios: Vec<LogRatio> =
            (0..200).filter_map(|_| log_ratio(&pairs(3, 40, between, within, &mut chance))).collect();
        (Components::fit(&ratios, None), ratios)
    }

    #[test]
    fn what_slices_explain_and_what_processes_add_are_told_apart() {
        let (none, ratios) = fit(0.0, 0.1);
        // Two sides of 40 slices with a variance of 0.01 each, and three rounds.
        let within = super::super::mean(&ratios.iter().filter_map(|one| one.within).collect::<Vec<_>>()).unwrap();
        assert!((within / (2.0 * 0.01 / 40.0 / 3.0) - 1.0).abs() < 0.05, "{within}");
        assert!(none.between < 1e-4, "{none:?}");
        let (some, _) = fit(0.03, 0.1);
        assert!((some.between / (2.0 * 0.0009) - 1.0).abs() < 0.25, "{some:?}");
    }

    #[test]
    fn a_ratio_borrows_from_the_others_and_has_more_degrees_of_freedom_for_it() {
        let (components, ratios) = fit(0.02, 0.1);
        let moderated: Vec<Estimate> = ratios.iter().map(|ratio| components.moderate(ratio)).collect();
        assert!(moderated.iter().all(|one| one.df > 8.0), "{:?}", moderated[0]);
        let spread = |of: &[f64]| (super::super::variance(of).unwrap().sqrt()) / super::super::mean(of).unwrap();
        let own: Vec<f64> = ratios.iter().map(|one| one.estimated.se).collect();
        let drawn: Vec<f64> = moderated.iter().map(|one| one.se).collect();
        assert!(spread(&drawn) < 0.5 * spread(&own));
    }

    #[test]
    fn what_processes_add_is_drawn_towards_what_they_usually_add_and_less_so_with_more_rounds() {
        let between = |df: f64, se: f64, usual: f64| {
            let ratio = LogRatio { estimated: Estimate { value: 0.0, se, df }, within: Some(0.0) };
            Components::fit(&[ratio], Some(usual)).between
        };
        // Three rounds that agree by chance, and twelve degrees of freedom that do.
        assert!((between(2.0, 0.0, 4e-4) - 2e-4).abs() < 1e-12);
        assert!((between(12.0, 0.0, 4e-4) - 4e-4 / 7.0).abs() < 1e-12);
        // Three rounds that differ: 0.0012 is seen of each.
        assert!((between(2.0, 0.02, 4e-4) - 8e-4).abs() < 1e-12);
    }

    #[test]
    fn three_rounds_that_agree_by_chance_leave_a_ratio_no_narrower_an_interval_than_its_slices_give_it() {
        let ratio = |se: f64| LogRatio { estimated: Estimate { value: 0.0, se, df: 2.0 }, within: Some(1e-4) };
        let half_width = |ratio| Components::fit(&[ratio], None).moderate(&ratio).half_width();
        let by_slices = 0.01 * quantile(0.975, 100.0);
        assert!((1.0..1.1).contains(&(half_width(ratio(0.001)) / by_slices)));
        assert!(half_width(ratio(0.02)) > 2.0 * by_slices);
    }

    #[test]
    fn one_slice_a_round_leaves_only_what_lies_between_rounds() {
        let mut chance = Chance::new(5);
        let one = log_ratio(&pairs(3, 1, 0.1, 0.1, &mut chance)).unwrap();
        assert_eq!(one.within, None);
        assert_eq!(Components::fit(&[one], None).moderate(&one), one.estimated);
        assert_eq!(log_ratio(&pairs(1, 8, 0.1, 0.1, &mut chance)), None);
    }
}
