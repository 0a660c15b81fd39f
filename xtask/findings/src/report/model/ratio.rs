//! A measurement's ratio to the baseline, by any of the criteria, and which libraries are the best by one of them.

use super::{Index, TargetView};
use crate::analysis::summary::{baseline_of, shared_rounds};
use crate::analysis::verdict::{no_verdict, verdict};
use crate::report::format;
use crate::results::{Interval, Measurement, Operation, Verdict};

/// What targets are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Criterion {
    Latency,
    Throughput,
    Cpu,
    Allocation,
}

/// A measurement's ratio to the baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    pub value: f64,
    pub interval: Option<Interval>,
    pub verdict: Verdict,
}

impl Ratio {
    /// Whether the interval leaves open on which side of 1 the ratio is.
    fn is_open(&self) -> bool {
        self.interval.is_some_and(|[low, high]| low <= 1.0 && high >= 1.0)
    }

    /// `×1.12 ± 0.01`; what is inconclusive is the range that it lies in: `×0.95 to ×1.09`; what may be
    /// exactly the baseline, and is the same, is how far from it it is at most: `same ± 2.1%`, which no rounding makes wider
    /// than the margin.
    pub fn text(&self) -> String {
        match self.interval {
            Some(interval) if self.verdict == Verdict::Unclear => format::ratio_range(interval),
            Some([low, high]) if self.verdict == Verdict::Same && self.is_open() => {
                format!("same ± {}", format::percent((high - 1.0).abs().max((1.0 - low).abs())))
            }
            interval => format::ratio(self.value, interval),
        }
    }

    /// What the figure alone does not say: `same` where a difference is known and too small to matter, or `no verdict`
    /// where a process had not settled or the rounds are too few.
    pub fn note(&self) -> &'static str {
        match self.verdict {
            Verdict::Same if !self.is_open() => SAME,
            Verdict::Unclear if !self.is_open() => NO_VERDICT,
            _ => "",
        }
    }
}

/// The note of a ratio whose difference from 1 is known, and smaller than the margin of equivalence.
pub const SAME: &str = "same";
/// The note of a ratio that would say something, if its process had settled or its rounds were enough.
pub const NO_VERDICT: &str = "no verdict";

/// A measurement's ratio to the baseline by `metric`. Throughput and allocation have no verdict in the results; theirs
/// is made by the same rule here.
pub fn ratio(index: &Index<'_>, m: &Measurement, metric: Criterion) -> Option<Ratio> {
    let versus = m.vs_baseline.as_ref()?;
    let judged = |interval: Option<Interval>| {
        let interval = interval.filter(|_| doubt(index, m).is_none());
        verdict(interval, index.results.settings.equivalence_margin)
    };
    let (value, interval, verdict) = match metric {
        Criterion::Latency => (versus.latency_ratio?, versus.latency_ratio_ci95, versus.verdict),
        Criterion::Cpu => (versus.cpu_ratio, versus.cpu_ratio_ci95, versus.cpu_verdict),
        Criterion::Throughput => {
            (versus.throughput_ratio?, versus.throughput_ratio_ci95, judged(versus.throughput_ratio_ci95))
        }
        Criterion::Allocation => {
            (versus.allocation_ratio?, versus.allocation_ratio_ci95, judged(versus.allocation_ratio_ci95))
        }
    };
    Some(Ratio { value, interval, verdict })
}

/// Why a measurement's ratio has no verdict. A file of before may have been judged by another rule than today's.
pub fn why_no_verdict(index: &Index<'_>, m: &Measurement) -> String {
    doubt(index, m).unwrap_or_else(|| "a process had not settled, or there were fewer than three rounds".to_owned())
}

/// What forbids a verdict on a measurement's ratios, by the rule of the results.
fn doubt(index: &Index<'_>, m: &Measurement) -> Option<String> {
    let baseline = baseline_of(index.results, &m.target)?;
    let theirs = index.get(&m.scale, m.operation, &baseline.id)?;
    no_verdict(&[(m, ""), (theirs, &format!(" of {}", baseline.name))], shared_rounds(m, theirs))
}

fn is_settled(m: &Measurement) -> bool {
    !m.has_warning("not-settled")
}

/// The ids of the best libraries: the cheapest, and with it each that this run cannot distinguish from it, since none is
/// cheaper by more than the margin of equivalence with intervals that don't touch. Empty where nothing was separated:
/// where all are as good, where only one was measured, where one has no interval and could be anywhere, or where one of
/// the best had not settled. The bare SDK is the baseline and not among the libraries that are ranked.
pub fn best<'a>(
    index: &Index<'_>,
    libraries: &'a [TargetView],
    scale: &str,
    operation: Operation,
    metric: Criterion,
) -> Vec<&'a str> {
    let mut known: Vec<Rival<'_>> = Vec::new();
    for library in libraries.iter().filter(|library| library.contestant) {
        let measured = index.get(scale, operation, &library.id).filter(|m| match metric {
            Criterion::Cpu | Criterion::Allocation => m.cpu.is_some(),
            Criterion::Latency | Criterion::Throughput => m.latency_ms.is_some(),
        });
        let Some(measurement) = measured else { continue };
        let ratio = ratio(index, measurement, metric);
        let interval = if library.baseline { Some([1.0, 1.0]) } else { ratio.and_then(|ratio| ratio.interval) };
        let Some([low, high]) = interval.filter(|[low, high]| *low > 0.0 && low <= high) else { return Vec::new() };
        // Costs: a higher throughput is a lower one.
        let cost = if metric == Criterion::Throughput { [1.0 / high, 1.0 / low] } else { [low, high] };
        let sound = is_settled(measurement) && ratio.is_none_or(|ratio| ratio.note() != NO_VERDICT);
        known.push(Rival { id: &library.id, cost, sound });
    }
    let margin = 1.0 + index.results.settings.equivalence_margin;
    let beats = |a: &Rival<'_>, b: &Rival<'_>| b.cost[0] > a.cost[1] && b.cost[1] / a.cost[0] > margin;
    let best: Vec<&Rival<'_>> = known.iter().filter(|one| !known.iter().any(|other| beats(other, one))).collect();
    if best.len() == known.len() || best.iter().any(|one| !one.sound) {
        return Vec::new();
    }
    best.into_iter().map(|one| one.id).collect()
}

/// A library that competes: what it costs, and whether that may be concluded from.
struct Rival<'a> {
    id: &'a str,
    cost: Interval,
    sound: bool,
}
