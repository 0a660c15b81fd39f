//! What an interval of a ratio says: a difference, equivalence, or nothing.

use crate::results::{Interval, Verdict};

/// The verdict on a ratio of times, where less is better. `margin` is the margin of equivalence: 0.03 means that
/// 0.97 to 1.03 count as the same.
///
/// An interval that lies wholly within the margin is [`Verdict::Same`], even where it excludes 1: a difference too
/// small to matter. It is the two one-sided tests of D. J. Schuirmann, "A comparison of the two one-sided tests
/// procedure and the power approach for assessing the equivalence of average bioavailability", Journal of
/// Pharmacokinetics and Biopharmaceutics 15 (1987), stricter here: the interval is that of another run's ratio
/// ([`stats::bootstrap::ratio`]), which is wider than the 90% confidence interval that the procedure takes.
pub fn verdict(interval: Option<Interval>, margin: f64) -> Verdict {
    match interval {
        Some([low, high]) if low >= 1.0 - margin && high <= 1.0 + margin => Verdict::Same,
        Some([low, _]) if low > 1.0 => Verdict::Slower,
        Some([_, high]) if high < 1.0 => Verdict::Faster,
        _ => Verdict::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_interval() {
        assert_eq!(verdict(Some([1.04, 1.08]), 0.03), Verdict::Slower);
        assert_eq!(verdict(Some([1.01, 1.05]), 0.03), Verdict::Slower);
        assert_eq!(verdict(Some([0.90, 0.96]), 0.03), Verdict::Faster);
        assert_eq!(verdict(Some([0.98, 1.02]), 0.03), Verdict::Same);
        assert_eq!(verdict(Some([1.005, 1.025]), 0.03), Verdict::Same);
        assert_eq!(verdict(Some([0.95, 1.02]), 0.03), Verdict::Unclear);
        assert_eq!(verdict(Some([1.0, 1.2]), 0.03), Verdict::Unclear);
        assert_eq!(verdict(None, 0.03), Verdict::Unclear);
    }
}
