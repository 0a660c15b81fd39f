//! A measurement's ratio to the baseline, by any of the criteria, and which library is the best by one of them.

use super::{Index, TargetView};
use crate::results::{Interval, Measurement, Operation, Verdict};

/// What targets are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Criterion {
    Latency,
    Throughput,
    Cpu,
    Allocation,
}

/// A measurement's ratio to the baseline, its interval and its verdict (throughput and allocation have none of their own).
pub fn ratio(m: &Measurement, metric: Criterion) -> Option<(f64, Option<Interval>, Option<Verdict>)> {
    let versus = m.vs_baseline.as_ref()?;
    Some(match metric {
        Criterion::Latency => (versus.latency_ratio?, versus.latency_ratio_ci95, Some(versus.verdict)),
        Criterion::Cpu => (versus.cpu_ratio, versus.cpu_ratio_ci95, Some(versus.cpu_verdict)),
        Criterion::Throughput => (versus.throughput_ratio?, versus.throughput_ratio_ci95, None),
        Criterion::Allocation => (versus.allocation_ratio?, versus.allocation_ratio_ci95, None),
    })
}

/// The id of the library that is better than every other one by more than the margin of equivalence, with intervals
/// that don't touch. None where the intervals leave it open, or where no other library was measured. The bare SDK is not
/// among the libraries that are ranked.
pub fn winner<'a>(
    index: &Index<'_>,
    libraries: &'a [TargetView],
    scale: &str,
    operation: Operation,
    metric: Criterion,
) -> Option<&'a str> {
    let mut known: Vec<(&str, Interval)> = Vec::new();
    for library in libraries.iter().filter(|library| library.contestant) {
        let measured = index.get(scale, operation, &library.id).filter(|m| match metric {
            Criterion::Cpu | Criterion::Allocation => m.cpu.is_some(),
            Criterion::Latency | Criterion::Throughput => m.latency_ms.is_some(),
        });
        let Some(measurement) = measured else { continue };
        let interval = if library.baseline { Some([1.0, 1.0]) } else { ratio(measurement, metric)?.1 };
        // A rival that was measured without an interval could be anywhere.
        let interval = interval.filter(|[low, high]| *low > 0.0 && low <= high)?;
        // Costs: a higher throughput is a lower one.
        let [low, high] = interval;
        known.push((&library.id, if metric == Criterion::Throughput { [1.0 / high, 1.0 / low] } else { interval }));
    }
    known.sort_by(|a, b| a.1[1].total_cmp(&b.1[1]));
    let [(best, [best_low, best_high]), others @ ..] = known.as_slice() else { return None };
    let margin = 1.0 + index.results.settings.equivalence_margin;
    let beaten = |[low, high]: Interval| low > *best_high && high / best_low > margin;
    (!others.is_empty() && others.iter().all(|&(_, interval)| beaten(interval))).then_some(*best)
}
