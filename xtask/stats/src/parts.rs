//! What was measured in slices: sums and numbers of calls, what a call took, and how slices of two sides are paired.

/// Of one slice: the sum of what was measured and the number of calls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    pub total: f64,
    pub calls: f64,
}

/// The slices of one round.
pub type Parts = Vec<Part>;

impl Part {
    pub(super) fn add(&mut self, other: Part) {
        self.total += other.total;
        self.calls += other.calls;
    }
}

/// All parts together.
pub fn sum<'a>(parts: impl IntoIterator<Item = &'a Part>) -> Part {
    parts.into_iter().fold(Part { total: 0.0, calls: 0.0 }, |mut sum, part| {
        sum.add(*part);
        sum
    })
}

/// What a call of this round took, where there is something to take a logarithm of.
pub fn per_call(parts: &[Part]) -> Option<f64> {
    // Of the slices too: a draw that held nothing but empty slices would have no logarithm.
    if parts.iter().any(|part| part.total <= 0.0 || part.calls <= 0.0) {
        return None;
    }
    let all = sum(parts);
    (all.calls > 0.0).then(|| all.total / all.calls)
}

/// The rounds in which both sides have something, each with the logarithm of its ratio.
pub(super) fn by_round(pairs: &[(Parts, Parts)]) -> Vec<(f64, &(Parts, Parts))> {
    pairs.iter().filter_map(|pair| Some(((per_call(&pair.0)? / per_call(&pair.1)?).ln(), pair))).collect()
}

/// So many groups of neighbours: a slow library takes part in every third turn, say.
pub(super) fn regroup(parts: &[Part], groups: usize) -> Parts {
    let start = |group: usize| group * parts.len() / groups;
    (0..groups).map(|group| sum(&parts[start(group)..start(group + 1)])).collect()
}

/// How far each part is from the mean per call, as a share of a usual part; `None` where there is no mean.
pub(super) fn deviations(parts: &[Part]) -> Option<Vec<f64>> {
    let mean = per_call(parts)?;
    let usual = parts.iter().map(|part| part.total).sum::<f64>() / parts.len() as f64;
    Some(parts.iter().map(|part| (part.total - mean * part.calls) / usual).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_with_fewer_slices_is_held_against_neighbours_of_the_other() {
        let parts: Parts = (0..10).map(|total| Part { total: f64::from(total), calls: 1.0 }).collect();
        let groups = regroup(&parts, 4);
        assert_eq!(groups.iter().map(|one| one.calls).collect::<Vec<_>>(), [2.0, 3.0, 2.0, 3.0]);
        assert!((groups.iter().map(|one| one.total).sum::<f64>() - 45.0).abs() < 1e-12);
    }
}
