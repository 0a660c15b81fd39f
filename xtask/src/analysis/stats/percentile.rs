//! Percentiles of samples, with the rules of when there are enough samples to hold one.

/// Fewest samples that hold a 95th percentile: one beyond it.
pub const FEWEST_FOR_P95: usize = 20;
/// Fewest samples that hold a 99th percentile: one beyond it.
pub const FEWEST_FOR_P99: usize = 100;
/// With fewer samples than this beyond a percentile, it rests on a handful of calls and carries a warning.
pub const FEW_BEYOND: usize = 10;

/// The percentile at the fraction `p` (0.95) of values in ascending order, interpolated linearly between the two
/// order statistics around (n − 1)p: type 7 of Hyndman and Fan, "Sample quantiles in statistical packages",
/// The American Statistician 50 (1996), the default of R and `NumPy`. `None` of nothing.
pub fn percentile(sorted: &[f64], p: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = last as f64 * p.clamp(0.0, 1.0);
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (position - below as f64) * (sorted[above] - sorted[below]))
}

/// The 95th percentile, where there are samples enough to hold it.
pub fn p95(sorted: &[f64]) -> Option<f64> {
    if sorted.len() < FEWEST_FOR_P95 { None } else { percentile(sorted, 0.95) }
}

/// The 99th percentile, where there are samples enough to hold it.
pub fn p99(sorted: &[f64]) -> Option<f64> {
    if sorted.len() < FEWEST_FOR_P99 { None } else { percentile(sorted, 0.99) }
}

/// How many of `samples` lie beyond the percentile at the fraction `p`.
pub fn beyond(samples: usize, p: f64) -> usize {
    // 200 × (1 − 0.95) is 10.000000000000009 in floating point, and 1000 × (1 − 0.99) a little over 10 too.
    (samples as f64 * (1.0 - p) + 1e-9).floor() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ascending(n: usize) -> Vec<f64> {
        (1..=n).map(|i| i as f64).collect()
    }

    #[test]
    fn agrees_with_r_s_quantile_type_7() {
        // R: quantile(c(1, 2, 4, 8, 16), c(0, .1, .25, .5, .9, .95, 1), type = 7)
        let values = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (p, expected) in [(0.0, 1.0), (0.1, 1.4), (0.25, 2.0), (0.5, 4.0), (0.9, 12.8), (0.95, 14.4), (1.0, 16.0)] {
            let got = percentile(&values, p).unwrap();
            assert!((got - expected).abs() < 1e-9, "{p}: {got} instead of {expected}");
        }
        assert_eq!(percentile(&[3.0], 0.99), Some(3.0));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn is_absent_where_the_samples_do_not_hold_it() {
        assert_eq!(p95(&ascending(19)), None);
        assert!(p95(&ascending(20)).is_some());
        assert_eq!(p99(&ascending(99)), None);
        assert!((p99(&ascending(101)).unwrap() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn counts_the_samples_beyond() {
        assert_eq!(beyond(199, 0.95), 9);
        assert_eq!(beyond(200, 0.95), 10);
        assert_eq!(beyond(999, 0.99), 9);
        assert_eq!(beyond(1000, 0.99), 10);
        assert_eq!(beyond(0, 0.99), 0);
    }
}
