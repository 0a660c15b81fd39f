//! 95% intervals from rounds (fresh processes) and the slices of calls inside them: a hierarchical bootstrap, seeded,
//! whose width is corrected for the few rounds that a run can afford.
//!
//! Rounds are the independent units: calls of one process share its heap, its compiled code and its moment. The
//! bootstrap draws rounds with replacement and, inside each, slices with replacement. Used as they are, its
//! percentiles go wrong in two ways, both by much when there are three to eight rounds:
//!
//! - They are too narrow, since the variance of n values has n − 1 in its denominator and the bootstrap's n, and
//!   since the spread itself is known badly from few rounds. T. C. Hesterberg, "What teachers should know about the
//!   bootstrap", The American Statistician 69 (2015), section 4.4, expands them towards Student's t.
//! - Drawing inside the rounds counts the noise of the calls twice, since each round's figure already carries it
//!   (A. C. Davison and D. V. Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8).
//!
//! So the bootstrap gives the shape (its skew, and values between those of a few rounds), and the width is set by the
//! standard error between rounds and Student's t: deviations from the estimate are stretched by
//! (t / z) (standard error between rounds / standard deviation of the replicates). Where many ratios were measured in
//! the same way, each one's standard error is drawn towards what is expected of it first ([`Components`]), since three
//! rounds show little of it. Coverage is simulated in the tests.
//! Everything is on the log scale, where a machine's speed is an addend. Calls inside a slice aren't drawn: for a
//! mean, a slice's sum and count say all that is needed, and their noise is in the slices' spread.

use std::f64::consts::SQRT_2;

use rand::{Rng as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

use super::components::{Components, log_ratio};
use super::parts::{Part, Parts, by_round, deviations, per_call, regroup, sum};
use super::percentile::{FEW_BEYOND, beyond, percentile};
use super::student::{Estimate, Z_975, quantile};
use crate::Interval;

/// An estimate and its 95% interval; no interval with a single round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WithInterval {
    pub value: f64,
    pub ci95: Option<Interval>,
}

impl WithInterval {
    /// Of 1 / x, times `scale`.
    #[must_use]
    pub fn inverted(self, scale: f64) -> WithInterval {
        WithInterval { value: scale / self.value, ci95: self.ci95.map(|[low, high]| [scale / high, scale / low]) }
    }
}

/// How often to resample, and from which seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resampling {
    pub resamples: u32,
    pub seed: u64,
}

/// Of `resamples`, more than this add nothing that would be seen.
const MOST_RESAMPLES: u32 = 20_000;

impl Resampling {
    fn generator(self) -> Pcg64Mcg {
        Pcg64Mcg::seed_from_u64(self.seed)
    }

    fn count(self) -> usize {
        self.resamples.clamp(100, MOST_RESAMPLES) as usize
    }
}

/// The mean per call over all rounds. Rounds without calls, or without anything measured, are left out; `None` where
/// none is left.
pub fn mean(rounds: &[Parts], resampling: Resampling) -> Option<WithInterval> {
    let rounds: Vec<&[Part]> = rounds.iter().map(Vec::as_slice).filter(|round| per_call(round).is_some()).collect();
    let all = sum(rounds.iter().copied().flatten());
    let value = (all.calls > 0.0).then(|| all.total / all.calls)?;
    // The linearised variance of a ratio of sums over clusters (W. G. Cochran, "Sampling Techniques", 1977,
    // section 6.3): rounds that hold more calls weigh more.
    let residuals = deviations(&rounds.iter().map(|round| sum(*round)).collect::<Vec<_>>())?;
    let replicate = |rng: &mut Pcg64Mcg| {
        let mut drawn = Part { total: 0.0, calls: 0.0 };
        for _ in 0..rounds.len() {
            let round = rounds[pick(rng, rounds.len())];
            for _ in 0..round.len() {
                let part = round[pick(rng, round.len())];
                drawn.total += part.total;
                drawn.calls += part.calls;
            }
        }
        (drawn.total / drawn.calls).ln()
    };
    Some(with_interval(of_mean(value, &residuals), resampling, replicate))
}

/// The ratio of the mean per call of one side to that of the other, paired by round: the geometric mean of the
/// rounds' ratios, so that what made a round slow for both drops out. Slices of both sides are neighbours in time and
/// are drawn together. Rounds in which a side has nothing are left out.
/// `components` are what all ratios of the run show about the standard error of this one.
///
/// Its interval is where another run of as many rounds would find the ratio, in 95% of cases: two runs differ by √2
/// standard errors, so that it is that much wider than a confidence interval (W. Q. Meeker, G. J. Hahn and L. A.
/// Escobar, "Statistical Intervals", 2nd edition, 2017, section 4.8: the prediction interval for the mean of as many
/// further observations). It is what a reader takes an interval for, and what a plain 95% interval holds in 83% of
/// cases only (G. Cumming and R. Maillardet, "Confidence intervals and replication: where will the next mean fall?",
/// Psychological Methods 11, 2006). The true ratio is in it in more than 95% of cases.
pub fn ratio(
    pairs: &[(Parts, Parts)],
    components: Option<&Components>,
    resampling: Resampling,
) -> Option<WithInterval> {
    let rounds = by_round(pairs);
    let value = super::mean(&rounds.iter().map(|(log, _)| *log).collect::<Vec<_>>())?.exp();
    let Some(log) = log_ratio(pairs) else { return Some(WithInterval { value, ci95: None }) };
    let moderated = components.map_or(log.estimated, |components| components.moderate(&log));
    let estimate = Estimate { value, se: moderated.se * SQRT_2, df: moderated.df };
    let grouped: Vec<(Parts, Parts)> = rounds
        .iter()
        .map(|(_, (ours, theirs))| (ours, theirs, ours.len().min(theirs.len())))
        .map(|(ours, theirs, n)| (regroup(ours, n), regroup(theirs, n)))
        .collect();
    let replicate = |rng: &mut Pcg64Mcg| {
        let mut logs = 0.0;
        for _ in 0..grouped.len() {
            let (ours, theirs) = &grouped[pick(rng, grouped.len())];
            let mut drawn = [Part { total: 0.0, calls: 0.0 }; 2];
            for _ in 0..ours.len() {
                let slice = pick(rng, ours.len());
                drawn[0].add(ours[slice]);
                drawn[1].add(theirs[slice]);
            }
            logs += (drawn[0].total * drawn[1].calls / (drawn[0].calls * drawn[1].total)).ln();
        }
        logs / grouped.len() as f64
    };
    Some(with_interval(estimate, resampling, replicate))
}

/// The percentile at the fraction `p` of the samples of all rounds together; `rounds` are slices of samples.
///
/// Its standard error between rounds has no formula and comes from drawing whole rounds, times √(n / (n − 1)). There
/// is no interval with fewer than ten samples beyond the percentile: drawing from a tail of a few calls can't show
/// what the tail might have held (simulated, with six beyond, such an interval held the truth in 83% of runs).
pub fn of_percentile(rounds: &[Vec<&[f64]>], p: f64, resampling: Resampling) -> Option<WithInterval> {
    let rounds: Vec<Vec<&[f64]>> = rounds
        .iter()
        .map(|round| round.iter().copied().filter(|slice| !slice.is_empty()).collect::<Vec<_>>())
        .filter(|round| !round.is_empty())
        .collect();
    let mut rng = resampling.generator();
    let tail = Tail::new(&rounds, &mut rng);
    let mut weights = vec![1_u32; tail.slices];
    let value = tail.percentile(&weights, p)?;
    let n = rounds.len();
    if n < 2 || beyond(tail.samples.len(), p) < FEW_BEYOND {
        return Some(WithInterval { value, ci95: None });
    }
    let whole: Vec<f64> = (0..resampling.count() / 4)
        .filter_map(|_| {
            weights.fill(0);
            for _ in 0..n {
                let round = pick(&mut rng, n);
                tail.slices_of(round).for_each(|slice| weights[slice] += 1);
            }
            tail.percentile(&weights, p).map(f64::ln)
        })
        .collect();
    let se = (super::variance(&whole).unwrap_or(0.0) * n as f64 / (n - 1) as f64).sqrt();
    let replicate = |rng: &mut Pcg64Mcg| {
        weights.fill(0);
        for _ in 0..n {
            let slices = tail.slices_of(pick(rng, n));
            for _ in slices.clone() {
                weights[slices.start + pick(rng, slices.len())] += 1;
            }
        }
        tail.percentile(&weights, p).unwrap_or(value).ln()
    };
    Some(with_interval(Estimate { value, se, df: (n - 1) as f64 }, resampling, replicate))
}

/// An estimate whose logarithm has the standard error of the mean of `logs`.
fn of_mean(value: f64, logs: &[f64]) -> Estimate {
    let se = (super::variance(logs).unwrap_or(0.0) / logs.len() as f64).sqrt();
    Estimate { value, se, df: (logs.len() as f64 - 1.0).max(0.0) }
}

/// An index below `n`, by multiplication instead of division; its bias of n / 2^32 is nothing here.
fn pick(rng: &mut Pcg64Mcg, n: usize) -> usize {
    ((u64::from(rng.next_u32()) * n as u64) >> 32) as usize
}

/// The interval around an estimate from replicates of its logarithm, with the width that its standard error (of the
/// logarithm) and Student's t give it. None from a single round, which has no degree of freedom.
fn with_interval(
    Estimate { value, se, df }: Estimate,
    resampling: Resampling,
    mut replicate: impl FnMut(&mut Pcg64Mcg) -> f64,
) -> WithInterval {
    if df <= 0.0 {
        return WithInterval { value, ci95: None };
    }
    let centre = value.ln();
    let mut rng = resampling.generator();
    let mut deviations: Vec<f64> = (0..resampling.count()).map(|_| replicate(&mut rng) - centre).collect();
    let spread =
        (deviations.iter().map(|deviation| deviation * deviation).sum::<f64>() / deviations.len() as f64).sqrt();
    if !(spread > 0.0 && spread.is_finite()) {
        return WithInterval { value, ci95: Some([value, value]) };
    }
    deviations.sort_by(f64::total_cmp);
    let stretch = quantile(0.975, df) / Z_975 * se / spread;
    let end = |p| percentile(&deviations, p).map_or(value, |deviation| (centre + stretch * deviation).exp());
    // The skew of a bootstrap from few rounds may put an end on the wrong side of the estimate by a hair.
    WithInterval { value, ci95: Some([end(0.025).min(value), end(0.975).max(value)]) }
}

/// Samples in descending order with the slice that each came from, so that a percentile under other weights of the
/// slices is found by walking down the tail alone.
struct Tail {
    samples: Vec<(f64, usize)>,
    sizes: Vec<u64>,
    slices: usize,
    /// The first slice of each round, and one past the last.
    starts: Vec<usize>,
}

impl Tail {
    /// Slices of rounds that have too few of them to draw from are dealt out at random into more, so that there is
    /// something between the rounds' own values.
    fn new(rounds: &[Vec<&[f64]>], rng: &mut Pcg64Mcg) -> Tail {
        const FEWEST_SLICES: usize = 4;
        const HANDS: usize = 8;
        let mut tail = Tail { samples: Vec::new(), sizes: Vec::new(), slices: 0, starts: vec![0] };
        for round in rounds {
            let hands = if round.len() < FEWEST_SLICES { HANDS } else { 1 };
            for slice in round {
                tail.sizes.resize(tail.slices + hands, 0);
                for &sample in *slice {
                    let hand = tail.slices + pick(rng, hands);
                    tail.samples.push((sample, hand));
                    tail.sizes[hand] += 1;
                }
                tail.slices += hands;
            }
            tail.starts.push(tail.slices);
        }
        tail.samples.sort_by(|a, b| b.0.total_cmp(&a.0));
        tail
    }

    fn slices_of(&self, round: usize) -> std::ops::Range<usize> {
        self.starts[round]..self.starts[round + 1]
    }

    /// As [`percentile`], of samples that each count `weights[slice]` times.
    fn percentile(&self, weights: &[u32], p: f64) -> Option<f64> {
        let n: u64 = weights.iter().zip(&self.sizes).map(|(weight, size)| u64::from(*weight) * size).sum();
        let position = n.checked_sub(1)? as f64 * p;
        let below = position.floor() as u64;
        // Ranks from the top: of the order statistic at or below the position, and of the one above it.
        let (lower_rank, upper_rank) = (n - 1 - below, (n - 1 - below).saturating_sub(1));
        let (mut passed, mut upper) = (0_u64, None);
        for &(sample, slice) in &self.samples {
            passed += u64::from(weights[slice]);
            if upper.is_none() && passed > upper_rank {
                upper = Some(sample);
            }
            if passed > lower_rank {
                return Some(sample + (position - below as f64) * (upper.unwrap_or(sample) - sample));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::components::LogRatio;
    use super::super::tests::{Chance, trials};
    use super::*;

    const RESAMPLING: Resampling = Resampling { resamples: 400, seed: 7 };

    fn whole(total: f64) -> Parts {
        vec![Part { total, calls: 1.0 }]
    }

    #[test]
    fn a_mean_is_the_mean_of_all_calls() {
        let rounds = vec![vec![Part { total: 10.0, calls: 10.0 }, Part { total: 30.0, calls: 10.0 }], whole(3.0)];
        let mean = mean(&rounds, RESAMPLING).unwrap();
        assert!((mean.value - 43.0 / 21.0).abs() < 1e-12);
        let [low, high] = mean.ci95.unwrap();
        assert!(low < mean.value && mean.value < high);
    }

    #[test]
    fn a_ratio_cancels_what_a_round_does_to_both() {
        let pairs: Vec<(Parts, Parts)> =
            [1.0, 3.0, 10.0, 0.2].map(|machine| (whole(machine * 1.1), whole(machine))).into();
        let ratio = ratio(&pairs, None, RESAMPLING).unwrap();
        assert!((ratio.value - 1.1).abs() < 1e-12);
        let [low, high] = ratio.ci95.unwrap();
        assert!((low - 1.1).abs() < 1e-9 && (high - 1.1).abs() < 1e-9);
    }

    #[test]
    fn one_round_has_no_interval_and_no_round_no_estimate() {
        assert_eq!(mean(&[whole(2.0)], RESAMPLING), Some(WithInterval { value: 2.0, ci95: None }));
        assert_eq!(ratio(&[(whole(2.0), whole(1.0))], None, RESAMPLING), Some(WithInterval { value: 2.0, ci95: None }));
        assert_eq!(mean(&[], RESAMPLING), None);
        assert_eq!(mean(&[vec![]], RESAMPLING), None);
        assert_eq!(ratio(&[(whole(2.0), vec![])], None, RESAMPLING), None);
        assert_eq!(ratio(&[(whole(2.0), whole(0.0))], None, RESAMPLING), None);
        assert_eq!(of_percentile(&[vec![&[]]], 0.95, RESAMPLING), None);
        assert_eq!(of_percentile(&[vec![&[1.0, 2.0]]], 0.5, RESAMPLING), Some(WithInterval { value: 1.5, ci95: None }));
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let rounds: Vec<Parts> = [1.0, 1.1, 1.3].map(whole).into();
        assert_eq!(mean(&rounds, RESAMPLING), mean(&rounds, RESAMPLING));
    }

    #[test]
    fn a_weighted_percentile_is_that_of_the_samples_repeated() {
        let slices: [&[f64]; 4] = [&[1.0, 5.0, 9.0], &[2.0, 2.5], &[8.0], &[3.0, 3.0]];
        let tail = Tail::new(&[slices.to_vec()], &mut RESAMPLING.generator());
        for weights in [[1, 1, 1, 0], [2, 0, 3, 1], [0, 4, 0, 0], [1, 2, 5, 1]] {
            let mut repeated: Vec<f64> = Vec::new();
            for (slice, weight) in slices.iter().zip(weights) {
                (0..weight).for_each(|_| repeated.extend(*slice));
            }
            repeated.sort_by(f64::total_cmp);
            for p in [0.0, 0.3, 0.5, 0.95, 0.99, 1.0] {
                let (got, expected) = (tail.percentile(&weights, p).unwrap(), percentile(&repeated, p).unwrap());
                assert!((got - expected).abs() < 1e-9, "{weights:?} at {p}: {got} instead of {expected}");
            }
        }
        assert_eq!(tail.percentile(&[0, 0, 0, 0], 0.5), None);
    }

    /// How a simulated run varies.
    #[derive(Clone, Copy)]
    struct World {
        between: f64,
        within: f64,
        slices: usize,
        calls: usize,
    }

    impl World {
        fn round(self, chance: &mut Chance, centre: f64) -> Vec<Vec<f64>> {
            let process = (self.between * chance.normal()).exp() * centre;
            (0..self.slices)
                .map(|_| {
                    let mut slice: Vec<f64> = (0..self.calls).map(|_| chance.latency(process, self.within)).collect();
                    slice.sort_by(f64::total_cmp);
                    slice
                })
                .collect()
        }
    }

    fn parts(round: &[Vec<f64>]) -> Parts {
        round.iter().map(|slice| Part { total: slice.iter().sum(), calls: slice.len() as f64 }).collect()
    }

    fn holds(estimate: Option<WithInterval>, truth: f64) -> bool {
        estimate.and_then(|estimate| estimate.ci95).is_some_and(|[low, high]| low <= truth && truth <= high)
    }

    /// The rounds of two targets, of which the first is a tenth slower.
    fn pairs(rounds: usize, world: World, chance: &mut Chance) -> Vec<(Parts, Parts)> {
        let pair = |_| {
            let machine = (0.02 * chance.normal()).exp();
            let slower = world.round(chance, 1.1 * machine);
            (parts(&slower), parts(&world.round(chance, machine)))
        };
        (0..rounds).map(pair).collect()
    }

    /// In percent, how often the 95% intervals of a mean and of the 95th percentile hold the truth, and that of a ratio
    /// what another run finds.
    fn coverage(rounds: usize, world: World, trials: usize) -> [f64; 3] {
        let mut chance = Chance::new(rounds as u64);
        let mut held = [0_usize; 3];
        // The mean of a latency that the tail raises: one call in a hundred takes four times as long on average.
        let mean_of_one = 1.03 * (world.between * world.between / 2.0).exp();
        let true_p95 = {
            let mut many: Vec<f64> = (0..2_000).flat_map(|_| world.round(&mut chance, 1.0).concat()).collect();
            many.sort_by(f64::total_cmp);
            percentile(&many, 0.95).unwrap()
        };
        for trial in 0..trials {
            let resampling = Resampling { resamples: 400, seed: trial as u64 };
            let ours: Vec<_> = (0..rounds).map(|_| world.round(&mut chance, 1.0)).collect();
            let [one, other] = [(); 2].map(|()| ratio(&pairs(rounds, world, &mut chance), None, resampling));
            let means: Vec<Parts> = ours.iter().map(|round| parts(round)).collect();
            let samples: Vec<Vec<&[f64]>> =
                ours.iter().map(|round| round.iter().map(Vec::as_slice).collect()).collect();
            held[0] += usize::from(holds(mean(&means, resampling), mean_of_one));
            held[1] += usize::from(holds(one, other.unwrap().value));
            held[2] += usize::from(holds(of_percentile(&samples, 0.95, resampling), true_p95));
        }
        held.map(|held| held as f64 / trials as f64 * 100.0)
    }

    /// The ratios of a target in a run: six operations, unequally noisy. Part of what a process adds, it adds to all of its
    /// operations.
    fn cells(rounds: usize, chance: &mut Chance) -> Vec<Vec<(Parts, Parts)>> {
        let processes: Vec<f64> = (0..rounds).map(|_| (0.01 * chance.normal()).exp()).collect();
        let mut cell = |within: f64| {
            let world = World { between: 0.015, within, slices: 8, calls: 12 };
            let mut pair = |process: &f64| {
                let machine = (0.1 * chance.normal()).exp();
                (parts(&world.round(chance, 1.1 * process * machine)), parts(&world.round(chance, machine)))
            };
            processes.iter().map(&mut pair).collect()
        };
        [0.2, 0.2, 0.2, 0.25, 0.3, 0.45].into_iter().map(&mut cell).collect()
    }

    /// In percent, how often the intervals of a target's ratios, whose standard errors borrow from one another, hold what
    /// another run finds, and by how much narrower they are than those that don't borrow.
    fn moderated_coverage(rounds: usize, trials: usize) -> (f64, f64) {
        let mut chance = Chance::new(40 + rounds as u64);
        let (mut held, mut all, mut plain_width, mut width) = (0_usize, 0_usize, 0.0, 0.0);
        for trial in 0..trials {
            let resampling = Resampling { resamples: 400, seed: trial as u64 };
            let [run, another] = [(); 2].map(|()| cells(rounds, &mut chance));
            let logs: Vec<LogRatio> = run.iter().filter_map(|pairs| log_ratio(pairs)).collect();
            let components = Components::fit(&logs, None);
            let size = |known: &Option<WithInterval>| known.unwrap().ci95.map(|[low, high]| (high / low).ln()).unwrap();
            for (pairs, again) in run.iter().zip(&another) {
                let moderated = ratio(pairs, Some(&components), resampling);
                width += size(&moderated);
                plain_width += size(&ratio(pairs, None, resampling));
                held += usize::from(holds(moderated, ratio(again, None, resampling).unwrap().value));
                all += 1;
            }
        }
        (held as f64 / all as f64 * 100.0, plain_width / width)
    }

    #[test]
    fn ratios_that_borrow_from_one_another_hold_another_runs_as_often_and_are_narrower() {
        let trials = trials(120);
        for (rounds, least_gain) in [(3, 1.3), (5, 1.0)] {
            let (covered, gain) = moderated_coverage(rounds, trials);
            println!("{rounds} rounds: {covered:.1}%, {gain:.2} times narrower");
            assert!((covered - 95.0).abs() < 2.0 + 100.0 / (trials as f64).sqrt(), "{covered}% with {rounds} rounds");
            assert!(gain > least_gain, "{gain} with {rounds} rounds");
        }
    }

    #[test]
    fn the_intervals_hold_the_truth_and_another_runs_ratio_in_95_percent_of_runs() {
        // By hand with STATS_TRIALS=4000. The suite has fewer trials and so a wider band: three standard errors more.
        let trials = trials(200);
        let slack = 2.0 + 300.0 * (0.95_f64 * 0.05 / trials as f64).sqrt();
        for rounds in [3, 4, 5, 8] {
            for (between, within, slices, calls) in
                [(0.01, 0.2, 8, 20), (0.02, 0.2, 8, 20), (0.01, 0.5, 8, 20), (0.015, 0.1, 1, 200)]
            {
                let world = World { between, within, slices, calls };
                let [mean, ratio, p95] = coverage(rounds, world, trials);
                println!(
                    "{rounds} rounds of {slices} x {calls}, between {between}, within {within}: \
                     mean {mean:.1}%, ratio {ratio:.1}%, p95 {p95:.1}%"
                );
                assert!((mean - 95.0).abs() < slack, "mean: {mean}% with {rounds} rounds");
                assert!((ratio - 95.0).abs() < slack, "ratio: {ratio}% with {rounds} rounds");
                if rounds * slices * calls >= 200 {
                    assert!((p95 - 95.0).abs() < slack, "p95: {p95}% with {rounds} rounds");
                }
            }
        }
    }
}
