//! Values that stand apart from the rest: single calls, and whole rounds.

use super::percentile::percentile;

/// Calls that took far longer than the rest, and what they do to the mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FarOut {
    pub count: usize,
    pub of: usize,
    /// How much higher the mean is with them than without: 0.05 is 5%.
    pub mean_raised_by: f64,
}

/// The samples beyond the upper outer fence, the third quartile plus three interquartile ranges: "far out" in
/// J. W. Tukey, "Exploratory Data Analysis" (1977), section 2D. Takes values in ascending order; `None` below 20
/// of them.
pub fn far_out(sorted: &[f64]) -> Option<FarOut> {
    if sorted.len() < 20 {
        return None;
    }
    let (q1, q3) = (percentile(sorted, 0.25)?, percentile(sorted, 0.75)?);
    let fence = q3 + 3.0 * (q3 - q1);
    let kept = sorted.partition_point(|&sample| sample <= fence);
    let (with, without) = (super::mean(sorted)?, super::mean(&sorted[..kept])?);
    Some(FarOut {
        count: sorted.len() - kept,
        of: sorted.len(),
        mean_raised_by: if without > 0.0 { with / without - 1.0 } else { 0.0 },
    })
}

/// The modified z-scores of `values`: 0.6745 (x − median) / MAD, of which those beyond ±3.5 count as outliers
/// (B. Iglewicz and D. C. Hoaglin, "How to Detect and Handle Outliers", 1993). `None` below five values: a median
/// deviation of fewer says nothing. Where more than half of the values are the same, their mean deviation stands in
/// for the median one, as in the same book.
pub fn modified_z_scores(values: &[f64]) -> Option<Vec<f64>> {
    if values.len() < 5 {
        return None;
    }
    let median_of = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        percentile(&sorted, 0.5)
    };
    let median = median_of(values)?;
    let deviations: Vec<f64> = values.iter().map(|value| (value - median).abs()).collect();
    let mad = median_of(&deviations)?;
    let mean = super::mean(&deviations)?;
    let unit = if mad > 0.0 { mad / 0.6745 } else { 1.253_314 * mean };
    Some(values.iter().map(|value| if unit > 0.0 { (value - median) / unit } else { 0.0 }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_out_samples_and_what_they_do_to_the_mean() {
        let mut samples: Vec<f64> = (0..98).map(|i| 1.0 + f64::from(i) / 98.0).collect();
        assert_eq!(far_out(&samples).unwrap().count, 0);
        samples.extend([30.0, 40.0]);
        let found = far_out(&samples).unwrap();
        assert_eq!((found.count, found.of), (2, 100));
        assert!((found.mean_raised_by - 0.4492).abs() < 0.001, "{found:?}");
        assert_eq!(far_out(&samples[..19]), None);
    }

    #[test]
    fn a_value_that_stands_apart_has_a_large_score() {
        let scores = modified_z_scores(&[10.0, 10.1, 9.9, 10.05, 12.0]).unwrap();
        assert!(scores[4] > 3.5 && scores[..4].iter().all(|score| score.abs() < 3.5), "{scores:?}");
        assert_eq!(modified_z_scores(&[1.0; 5]), Some(vec![0.0; 5]));
        assert_eq!(modified_z_scores(&[1.0, 2.0]), None);
    }
}
