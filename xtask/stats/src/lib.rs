//! Numbers in, numbers out: percentiles, intervals from rounds of samples, ratios, outliers. Nothing here knows of
//! targets, operations or files; every formula names its source. A crate of its own, so that it alone is optimised.

pub mod bootstrap;
pub mod components;
pub mod outliers;
pub mod parts;
pub mod percentile;
pub mod student;

/// The lower and the upper end of a 95% interval.
pub type Interval = [f64; 2];

/// Half of the width of an interval of ratios or of costs, as a logarithm: 0.02 is about ±2%, however large what it is of.
/// None where an end is not above 0.
pub fn log_half_width([low, high]: Interval) -> Option<f64> {
    (low > 0.0 && high > 0.0).then(|| (high.ln() - low.ln()) / 2.0)
}

/// The arithmetic mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The variance with n − 1 in the denominator; `None` below two values.
pub fn variance(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    (values.len() > 1)
        .then(|| values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64)
}

#[cfg(test)]
pub mod tests {
    use rand::{RngExt as _, SeedableRng as _};
    use rand_pcg::Pcg64Mcg;

    /// Random numbers of known shapes, for the simulations of this folder's tests.
    pub struct Chance(Pcg64Mcg);

    impl Chance {
        pub fn new(seed: u64) -> Chance {
            Chance(Pcg64Mcg::seed_from_u64(seed))
        }

        pub fn uniform(&mut self) -> f64 {
            self.0.random()
        }

        pub fn normal(&mut self) -> f64 {
            let u = self.uniform().max(1e-300);
            (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
        }

        /// A call's latency around `mean`: log-normal, and one call in a hundred two to six times as long.
        pub fn latency(&mut self, mean: f64, sd: f64) -> f64 {
            let tail = if self.uniform() < 0.01 { 2.0 + 4.0 * self.uniform() } else { 1.0 };
            mean * (sd * self.normal() - sd * sd / 2.0).exp() * tail
        }
    }

    /// How often a simulation is repeated: few times in the suite, as often as `STATS_TRIALS` says by hand.
    pub fn trials(in_the_suite: usize) -> usize {
        std::env::var("STATS_TRIALS").ok().and_then(|trials| trials.parse().ok()).unwrap_or(in_the_suite)
    }

    #[test]
    fn mean_and_variance_of_known_values() {
        assert_eq!(super::mean(&[1.0, 2.0, 6.0]), Some(3.0));
        assert_eq!(super::variance(&[1.0, 2.0, 6.0]), Some(7.0));
        assert_eq!(super::mean(&[]), None);
        assert_eq!(super::variance(&[1.0]), None);
    }
}
