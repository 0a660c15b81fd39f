//! What an interval of a ratio says: a difference, equivalence, or nothing; and why a difference has no verdict at all.

use super::summary::{FEW_ROUNDS, counted};
use crate::results::{Interval, Measurement, Verdict};
use crate::system::format::{list, plural};

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

/// Why a difference between measurements has no verdict, as "2 of 3 processes had not settled" or "only 2 rounds"; None
/// where it may have one. Each of its `sides` comes with whose it is, to follow "processes": " of aws-sdk", or nothing.
/// `rounds` are those that the difference is made of.
pub fn no_verdict(sides: &[(&Measurement, &str)], rounds: usize) -> Option<String> {
    let unsettled = |(one, whose): &(&Measurement, &str)| {
        let unsettled = counted(one).filter(|round| !round.warm_up.settled).count();
        let of = counted(one).count();
        let processes = if of == 1 { "process" } else { "processes" };
        (unsettled > 0).then(|| format!("{unsettled} of {of} {processes}{whose}"))
    };
    let unsettled: Vec<String> = sides.iter().filter_map(unsettled).collect();
    let mut why = Vec::new();
    if !unsettled.is_empty() {
        why.push(format!("{} had not settled", list(&unsettled)));
    }
    if rounds < FEW_ROUNDS as usize {
        let shared = if sides.iter().all(|(one, _)| counted(one).count() > rounds) { " in common" } else { "" };
        why.push(format!("only {}{shared}", plural(rounds as u64, "round")));
    }
    (!why.is_empty()).then(|| why.join(", and "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Shape, raw};

    #[test]
    fn what_has_no_verdict_says_why() {
        let mut results = raw(&Shape { slices: 1, samples: 2, rounds: 4, ..Shape::tiny() });
        let [ours, theirs, ..] = &mut results.measurements[..] else { panic!("two targets") };
        assert_eq!(no_verdict(&[(ours, ""), (theirs, " of the base")], 4), None);
        theirs.per_round[0].warm_up.settled = false;
        assert_eq!(no_verdict(&[(ours, ""), (theirs, " of the base")], 3), None, "three others had settled");
        assert_eq!(no_verdict(&[(ours, ""), (theirs, " of the base")], 2).unwrap(), "only 2 rounds in common");
        theirs.per_round[1].warm_up.settled = false;
        let why = no_verdict(&[(ours, ""), (theirs, " of the base")], 4).unwrap();
        assert_eq!(why, "2 of 4 processes of the base had not settled");
        theirs.per_round.truncate(1);
        ours.per_round.truncate(1);
        assert_eq!(no_verdict(&[(ours, "")], 1).unwrap(), "only 1 round");
        ours.per_round[0].warm_up.settled = false;
        let why = no_verdict(&[(ours, ""), (theirs, " of the base")], 1).unwrap();
        assert_eq!(why, "1 of 1 process and 1 of 1 process of the base had not settled, and only 1 round");
    }

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
