//! What a run will be able to show, before it has measured anything and while it goes on: how wide the intervals of its
//! ratios will be. A ratio's variance in one round has two components ([`stats::components`]): that of the slices, which
//! shrinks with their number, and what processes add, which only more rounds narrow. Pure arithmetic.

use std::f64::consts::SQRT_2;

use stats::components::EXPECTED_DF;
use stats::student::quantile;

/// The standard deviation of a log ratio between processes of the same program: memory layout, when garbage is collected,
/// and what the compiler decides. From finished default runs of a shared machine (METHODOLOGY.md, "What a run will
/// show").
const PROCESSES: f64 = 0.02;
/// The standard deviation of a pair of neighbouring slices over that of one process's windows in the warm-up: √2 for two
/// sides.
const PAIR_OVER_WINDOW: f64 = SQRT_2;
/// The normal's 80% quantile: a difference is found in four of five runs.
const Z_80: f64 = 0.841_621;
/// Windows of a warm-up that are left out, since calls become faster in them.
const FALLING: usize = 2;

/// What a run will show: half of the 95% interval of its middle ratio, as a logarithm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    pub half: f64,
    pub rounds: u32,
}

impl Forecast {
    /// From the variances of the log ratios in one round, when there will be so many rounds; None without a ratio.
    pub fn of(variances: &[f64], rounds: u32) -> Option<Forecast> {
        let mut halves: Vec<f64> = variances.iter().map(|variance| half_width(*variance, rounds)).collect();
        halves.sort_by(f64::total_cmp);
        Some(Forecast { half: stats::percentile::percentile(&halves, 0.5)?, rounds })
    }

    /// The half-width as a share: 0.09 is ±9%.
    pub fn width(self) -> f64 {
        self.half.exp_m1()
    }

    /// The smallest difference, as a share, that four of five such runs find.
    pub fn difference(self) -> f64 {
        (self.half * surely(self.rounds)).exp_m1()
    }
}

/// How many times as far from a limit as its half an interval of so many rounds must lie, so that it excludes the limit in
/// four of five runs: the ratio itself is off by its standard error too.
pub fn surely(rounds: u32) -> f64 {
    1.0 + Z_80 / (quantile(0.975, degrees_of_freedom(rounds)) * SQRT_2)
}

fn degrees_of_freedom(rounds: u32) -> f64 {
    f64::from(rounds.max(2) - 1) + EXPECTED_DF
}

/// Half of the interval of a log ratio that varies so much in one round, after so many rounds: where another such run
/// finds it ([`stats::bootstrap::ratio`]).
pub fn half_width(variance: f64, rounds: u32) -> f64 {
    quantile(0.975, degrees_of_freedom(rounds)) * (2.0 * variance / f64::from(rounds.max(1))).sqrt()
}

/// The variance of a log ratio in one round of so many slices, of which a pair varies so much (its standard deviation).
pub fn variance(of_a_pair: f64, slices: f64) -> f64 {
    BETWEEN + of_a_pair * of_a_pair / slices.max(1.0)
}

/// The part of it that more slices do not narrow.
pub const BETWEEN: f64 = PROCESSES * PROCESSES;

/// How much a pair of slices will vary, from the windows of a warm-up in order, CPU per call of each: the standard
/// deviation of a log ratio. None where they are too few.
pub fn noise<'a>(windows: impl IntoIterator<Item = &'a [f64]>) -> Option<f64> {
    // Of neighbours, so that calls that still become faster count for little (J. von Neumann and others, "The mean
    // square successive difference", Annals of Mathematical Statistics 12, 1941).
    let squares: Vec<f64> = windows
        .into_iter()
        .flat_map(|windows| windows.get(FALLING..).unwrap_or_default().windows(2))
        .filter(|pair| pair.iter().all(|us| *us > 0.0))
        .map(|pair| (pair[1] / pair[0]).ln().powi(2) / 2.0)
        .collect();
    Some(PAIR_OVER_WINDOW * stats::mean(&squares)?.sqrt())
}

/// How many times as many rounds, and as long a run, narrow an interval from `half` to `wanted` (logarithms), where it has
/// `rounds` and a run makes `most` at the most. Up to there both components shrink with the rounds; beyond them rounds
/// only become longer, which narrows the slices' part alone. `between` is the other part's share of the variance.
/// Infinite where no time narrows it so far.
pub fn growth(half: f64, wanted: f64, rounds: u32, most: u32, between: f64) -> f64 {
    if wanted <= 0.0 {
        return f64::INFINITY;
    }
    let at = |rounds: f64| quantile(0.975, degrees_of_freedom(rounds.round() as u32)) / rounds.sqrt();
    let now = f64::from(rounds.max(1));
    let (mut low, mut high) = (1.0, (f64::from(most.max(rounds)) / now).max(1.0));
    let narrowed = |times: f64| half * at(now * times) / at(now);
    if narrowed(high) > wanted {
        // Of the variance with that many rounds, so much must go.
        let left = (wanted / narrowed(high)).powi(2) - between;
        return if left > 0.0 { high * (1.0 - between) / left } else { f64::INFINITY };
    }
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if narrowed(middle) > wanted { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_run_on_a_slow_shared_machine_is_forecast_as_it_ends() {
        // About 70 pairs of slices a round, each varying by 22%: the runs end at ±4.8% to ±8.6%.
        let forecast = Forecast::of(&[variance(0.22, 70.0); 9], 3).unwrap();
        assert!((0.055..0.075).contains(&forecast.width()), "{forecast:?}");
        assert!(forecast.difference() > 1.2 * forecast.width(), "{forecast:?}");
        assert_eq!(Forecast::of(&[], 3), None);
    }

    #[test]
    fn few_rounds_are_wider_than_the_normal_says_and_more_rounds_narrow_both_components() {
        let normal = |rounds: f64| 1.96 * (2.0 * 0.0025 / rounds).sqrt();
        assert!(half_width(0.0025, 3) > 1.1 * normal(3.0));
        let ratio = half_width(0.0025, 3) / half_width(0.0025, 12);
        assert!(ratio > 2.0 && ratio < 2.2, "{ratio}");
        assert!(variance(0.2, 1e9) > 0.0002, "slices never narrow what processes add");
    }

    #[test]
    fn noise_is_that_of_neighbouring_windows_and_not_their_fall() {
        let falling: Vec<f64> = (0..20).map(|at| 1000.0 * 0.99_f64.powi(at)).collect();
        let fall = noise([falling.as_slice()]).unwrap();
        assert!((fall / -0.99_f64.ln() - 1.0).abs() < 1e-9, "that of one window and not of all: {fall}");
        let noisy: Vec<f64> = (0..20).map(|at| if at % 2 == 0 { 1000.0 } else { 1200.0 }).collect();
        let found = noise([noisy.as_slice()]).unwrap();
        assert!((found / 1.2_f64.ln() - 1.0).abs() < 1e-9, "{found}");
        assert_eq!(noise([[1.0, 1.0].as_slice()]), None);
    }

    #[test]
    fn half_the_width_takes_a_little_less_than_four_times_the_rounds() {
        let times = growth(0.08, 0.04, 3, 20, 0.5);
        assert!(times > 3.2 && times < 4.0, "{times}");
        assert!((growth(0.04, 0.08, 3, 20, 0.5) - 1.0).abs() < 1e-6, "it is narrow enough");
    }

    #[test]
    fn beyond_the_most_rounds_only_the_slices_part_shrinks() {
        let all_slices = growth(0.08, 0.02, 3, 20, 0.0);
        let half_of_it = growth(0.08, 0.02, 3, 20, 0.5);
        assert!(all_slices > 20.0 / 3.0 && half_of_it > 1.5 * all_slices, "{all_slices} {half_of_it}");
        assert!(growth(0.08, 0.001, 3, 20, 0.5).is_infinite());
        assert!(growth(0.08, 0.0, 3, 20, 0.0).is_infinite());
    }
}
