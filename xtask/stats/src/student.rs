//! Student's t: quantiles, tail probabilities, Welch's comparison of two groups, Holm's correction for many tests,
//! and variances that borrow strength from one another.

use statrs::distribution::{ContinuousCDF as _, Normal, StudentsT};
use statrs::function::gamma::digamma;

/// The standard normal's 97.5% quantile.
pub const Z_975: f64 = 1.959_963_984_540_054;

/// The quantile of Student's t at `p` with `df` degrees of freedom (infinitely many: the normal's).
pub fn quantile(p: f64, df: f64) -> f64 {
    let p = p.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON / 2.0);
    if df > 1e6 {
        return Normal::standard().inverse_cdf(p);
    }
    StudentsT::new(0.0, 1.0, df.max(1e-3)).map_or(f64::INFINITY, |t| t.inverse_cdf(p))
}

/// The probability of a t above `t` with `df` degrees of freedom.
pub fn upper_tail(t: f64, df: f64) -> f64 {
    if t.is_infinite() {
        return if t > 0.0 { 0.0 } else { 1.0 };
    }
    if df > 1e6 {
        return Normal::standard().sf(t);
    }
    StudentsT::new(0.0, 1.0, df.max(1e-3)).map_or(1.0, |distribution| distribution.sf(t))
}

/// An estimate with its standard error and that error's degrees of freedom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub se: f64,
    pub df: f64,
}

impl Estimate {
    /// The 95% interval.
    pub fn ci95(&self) -> [f64; 2] {
        let half = self.half_width();
        [self.value - half, self.value + half]
    }

    /// Half the width of the 95% interval.
    pub fn half_width(&self) -> f64 {
        quantile(0.975, self.df) * self.se
    }
}

/// The mean of `values`, which are independent of one another; `None` below two.
pub fn of_mean(values: &[f64]) -> Option<Estimate> {
    let n = values.len() as f64;
    Some(Estimate { value: super::mean(values)?, se: (super::variance(values)? / n).sqrt(), df: n - 1.0 })
}

/// `b` − `a` of two independent estimates. The degrees of freedom are Welch's and Satterthwaite's (B. L. Welch,
/// "The generalization of Student's problem when several different population variances are involved", Biometrika
/// 34, 1947).
pub fn difference(a: Estimate, b: Estimate) -> Estimate {
    let (va, vb) = (a.se * a.se, b.se * b.se);
    let spread = va * va / a.df + vb * vb / b.df;
    let df = if spread > 0.0 { (va + vb).powi(2) / spread } else { a.df + b.df };
    Estimate { value: b.value - a.value, se: (va + vb).sqrt(), df }
}

/// Holm's adjusted p-values: rejecting those below 0.05 keeps the chance of any false one among all at 5%, however
/// they depend on one another (S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
/// Journal of Statistics 6, 1979).
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, &i) in order.iter().enumerate() {
        largest = largest.max((p_values[i] * (p_values.len() - rank) as f64).min(1.0));
        adjusted[i] = largest;
    }
    adjusted
}

/// What many estimates of one kind show about the variance of each: its usual size, and how many degrees of freedom
/// that knowledge is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior {
    pub variance: f64,
    pub df: f64,
}

impl Prior {
    /// Fits a scaled inverse chi-square to the variances by the moments of their logarithms (G. K. Smyth, "Linear
    /// models and empirical Bayes methods for assessing differential expression in microarray experiments",
    /// Statistical Applications in Genetics and Molecular Biology 3, 2004, section 6.2). `None` below four variances.
    pub fn fit(estimates: &[Estimate]) -> Option<Prior> {
        let known: Vec<(f64, f64)> = estimates
            .iter()
            .filter(|estimate| estimate.se > 0.0 && estimate.df > 0.0)
            .map(|estimate| (estimate.se * estimate.se, estimate.df / 2.0))
            .collect();
        if known.len() < 4 {
            return None;
        }
        let logs: Vec<f64> = known.iter().map(|(variance, half)| variance.ln() - digamma(*half) + half.ln()).collect();
        let mean = super::mean(&logs)?;
        let excess =
            super::variance(&logs)? - super::mean(&known.iter().map(|(_, half)| trigamma(*half)).collect::<Vec<_>>())?;
        // The estimates of one run share processes, so their variances agree more than independent ones would: the
        // prior is never believed more than this.
        let half = inverse_trigamma(excess).clamp(0.5, MOST_PRIOR_DF / 2.0);
        Some(Prior { variance: (mean + digamma(half) - half.ln()).exp(), df: 2.0 * half })
    }

    /// The estimate with its variance drawn towards the usual one, and the degrees of freedom of both.
    pub fn moderate(&self, estimate: Estimate) -> Estimate {
        let df = estimate.df + self.df;
        let variance = (estimate.df * estimate.se * estimate.se + self.df * self.variance) / df;
        Estimate { value: estimate.value, se: variance.sqrt(), df }
    }
}

const MOST_PRIOR_DF: f64 = 4.0;

/// The derivative of digamma: upwards by its recurrence to where the asymptotic series holds (Abramowitz and Stegun,
/// 6.4.6 and 6.4.12).
fn trigamma(x: f64) -> f64 {
    let (mut x, mut sum) = (x, 0.0);
    while x < 8.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    sum + 1.0 / x + y / 2.0 + y / x * (1.0 / 6.0 - y * (1.0 / 30.0 - y / 42.0))
}

/// Where trigamma, which falls, is `y`; infinite for nothing or less.
fn inverse_trigamma(y: f64) -> f64 {
    if y <= 1e-6 {
        return f64::INFINITY;
    }
    let (mut low, mut high) = (1e-3_f64, 2e6_f64);
    for _ in 0..80 {
        let middle = (low * high).sqrt();
        if trigamma(middle) > y {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low * high).sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::tests::Chance;
    use super::*;

    fn close(got: f64, expected: f64) {
        assert!((got - expected).abs() < 1e-4 * expected.abs().max(1.0), "{got} instead of {expected}");
    }

    #[test]
    fn quantiles_and_tails_agree_with_the_tables() {
        for (df, expected) in [(1.0, 12.7062), (2.0, 4.30265), (3.0, 3.18245), (4.0, 2.77645), (7.0, 2.36462)] {
            close(quantile(0.975, df), expected);
            close(upper_tail(expected, df), 0.025);
        }
        close(quantile(0.975, f64::INFINITY), Z_975);
        close(upper_tail(f64::INFINITY, 3.0), 0.0);
    }

    #[test]
    fn welch_s_example() {
        // R: t.test(c(10, 12, 11, 13), c(15, 14, 18, 17, 16)): t = -4.7001 (df 6.9808)
        let a = of_mean(&[10.0, 12.0, 11.0, 13.0]).unwrap();
        let b = of_mean(&[15.0, 14.0, 18.0, 17.0, 16.0]).unwrap();
        let change = difference(a, b);
        close(change.value / change.se, 4.700_097);
        close(change.df, 6.980_769);
        assert!(change.ci95()[0] > 0.0);
    }

    #[test]
    fn holm_s_procedure() {
        // R: p.adjust(c(.01, .04, .03, .005), "holm")
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (got, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            close(*got, expected);
        }
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn trigamma_of_known_values() {
        close(trigamma(1.0), 1.644_934);
        close(trigamma(0.5), 4.934_802);
        close(trigamma(10.0), 0.105_166);
        close(inverse_trigamma(trigamma(3.7)), 3.7);
        assert!(inverse_trigamma(-1.0).is_infinite());
    }

    #[test]
    fn variances_that_are_all_alike_are_pooled_and_ones_that_differ_are_left() {
        let mut chance = Chance::new(3);
        let mut variances = |spread: f64| -> Vec<Estimate> {
            (0..60)
                .map(|_| {
                    let sd = (spread * chance.normal()).exp();
                    of_mean(&[sd * chance.normal(), sd * chance.normal(), sd * chance.normal()]).unwrap()
                })
                .collect()
        };
        let alike = Prior::fit(&variances(0.0)).unwrap();
        assert!(alike.df > 3.0 && (0.2..0.5).contains(&alike.variance), "{alike:?}");
        let apart = Prior::fit(&variances(2.0)).unwrap();
        assert!(apart.df < 2.0, "{apart:?}");
        assert_eq!(Prior::fit(&[]), None);
    }
}
