//! The disturbances that the data itself shows: what the warnings of many measurements, and whole rounds, say together.

use std::collections::BTreeMap;

use super::warnings::{ACCOUNTING, ROUND_APART, Warning};
use super::{FEW_ROUNDS, latency_parts, median};
use crate::results::{Disturbance, DisturbanceKind, Measurement, Results, Round};
use crate::system::format::percent;
use stats::parts;

const ROUND_APART_SERIOUS: f64 = 0.15;

/// The kinds of disturbance that are found here, and so made anew here.
const FROM_THE_DATA: [DisturbanceKind; 6] = [
    DisturbanceKind::Outliers,
    DisturbanceKind::Drift,
    DisturbanceKind::NotSettled,
    DisturbanceKind::Accounting,
    DisturbanceKind::FewRounds,
    DisturbanceKind::Noise,
];

/// Replaces the disturbances of these kinds by those that are there now.
pub fn note_disturbances(results: &mut Results, warnings: &[Vec<Warning>]) {
    results.disturbances.retain(|known| !FROM_THE_DATA.contains(&known.kind));
    let measured = results.measurements.iter().filter(|one| one.rounds > 0).count();
    let with = |is: fn(&Warning) -> bool| -> Vec<String> {
        let all = results.measurements.iter().zip(warnings);
        all.filter(|(_, warnings)| warnings.iter().any(is)).map(|(one, _)| one.name()).collect()
    };
    let mut found = Vec::new();
    let mut note = |kind, detail: String, serious| {
        found.push(Disturbance { kind, at_ms: None, detail, serious });
    };
    let fewest = results.measurements.iter().filter(|one| one.rounds > 0).map(|one| one.rounds).min();
    if let Some(rounds) = fewest.filter(|rounds| *rounds < FEW_ROUNDS) {
        let few = with(|warning| matches!(warning, Warning::FewRounds { .. }));
        note(
            DisturbanceKind::FewRounds,
            format!(
                "{} of {measured} measurements rest on {}: {}",
                few.len(),
                if rounds == 1 { "one round" } else { "two rounds" },
                if rounds == 1 { "without intervals nothing can be concluded" } else { "the intervals are very wide" }
            ),
            true,
        );
    }
    let unsettled = with(|warning| matches!(warning, Warning::NotSettled { .. }));
    if !unsettled.is_empty() {
        let detail = format!(
            "still settling when the warm-up time ran out: {}; their ratios have no verdict, nor do ratios to a \
             baseline among them",
            listed(&unsettled)
        );
        // Serious only where the figures themselves show it, as drift.
        note(DisturbanceKind::NotSettled, detail, false);
    }
    let disagreeing = with(|warning| matches!(warning, Warning::Accounting { .. }));
    if !disagreeing.is_empty() {
        let detail = format!(
            "the sampler and the process's own accounting of CPU disagree by more than {}: {}",
            percent(ACCOUNTING),
            listed(&disagreeing)
        );
        note(DisturbanceKind::Accounting, detail, true);
    }
    let outlying = with(|warning| matches!(warning, Warning::Outliers(_)));
    if !outlying.is_empty() {
        let detail = format!("single calls took far longer than the rest and raise the mean: {}", listed(&outlying));
        note(DisturbanceKind::Outliers, detail, false);
    }
    let drifting = with(|warning| matches!(warning, Warning::Drift { .. } | Warning::RoundApart { .. }));
    if !drifting.is_empty() {
        let detail =
            format!("CPU per call drifted inside the rounds, or one round was an outlier: {}", listed(&drifting));
        note(DisturbanceKind::Drift, detail, drifting.len() * 4 > measured);
    }
    let wide = |one: &&Measurement| {
        let interval = one.vs_baseline.as_ref().and_then(|versus| versus.cpu_ratio_ci95);
        // Of intervals of ±10% the ends are this far apart.
        interval.is_some_and(|[low, high]| high / low > 1.1 * 1.1)
    };
    let ratios = results.measurements.iter().filter(|one| one.vs_baseline.is_some()).count();
    let wide = results.measurements.iter().filter(wide).count();
    if wide * 2 > ratios {
        note(
            DisturbanceKind::Noise,
            format!(
                "{wide} of {ratios} ratios of CPU per call are known no better than ±10%: only differences larger \
                 than their intervals can be relied on"
            ),
            true,
        );
    }
    found.extend(slow_rounds(results));
    results.disturbances.extend(found);
}

/// The first few of many, and how many more there are.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names[..names.len() - more].join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// Rounds in which the machine was faster or slower than in the others, for all targets and operations alike.
fn slow_rounds(results: &Results) -> Vec<Disturbance> {
    let mut logs: BTreeMap<(&str, u32), (Vec<f64>, f64)> = BTreeMap::new();
    for one in results.measurements.iter().filter(|one| one.rounds >= FEW_ROUNDS) {
        let per_round: Vec<(&Round, f64)> =
            one.per_round.iter().filter_map(|round| Some((round, parts::per_call(&latency_parts(round))?))).collect();
        let Some(middle) = median(&per_round.iter().map(|(_, value)| *value).collect::<Vec<_>>()) else { continue };
        for (round, value) in per_round {
            let at_ms = round.slices.first().map_or(f64::INFINITY, |slice| slice.at_ms);
            let entry = logs.entry((one.scale.as_str(), round.round)).or_insert((Vec::new(), f64::INFINITY));
            entry.0.push((value / middle).ln());
            entry.1 = entry.1.min(at_ms);
        }
    }
    let mut by_scale: BTreeMap<&str, Vec<Pace>> = BTreeMap::new();
    for ((scale, round), (logs, at_ms)) in logs {
        let by = median(&logs).map_or(0.0, |log| log.exp() - 1.0);
        by_scale.entry(scale).or_default().push(Pace { round, by, at_ms });
    }
    by_scale.into_iter().filter_map(|(scale, paces)| of_rounds(scale, &paces)).collect()
}

/// How fast the machine was in a round.
struct Pace {
    /// From 0.
    round: u32,
    /// By which share of the middle round's calls its calls took longer; negative where they took less.
    by: f64,
    /// When its first slice began; infinite where it has none.
    at_ms: f64,
}

/// What the rounds of a scale that stand apart show; none where none does.
fn of_rounds(scale: &str, paces: &[Pace]) -> Option<Disturbance> {
    let apart: Vec<&Pace> = paces.iter().filter(|one| one.by.abs() > ROUND_APART).collect();
    let speed = |by: f64| format!("{} {}", percent(by.abs()), if by > 0.0 { "slower" } else { "faster" });
    let seen = match apart[..] {
        [] => return None,
        [one] => format!("round {} at scale {scale} was {} than the others", one.round + 1, speed(one.by)),
        _ => {
            let bys = || apart.iter().map(|one| one.by);
            let (least, most) = (bys().fold(f64::INFINITY, f64::min), bys().fold(f64::NEG_INFINITY, f64::max));
            let (count, all) = (apart.len(), paces.len());
            format!("{count} of {all} rounds at scale {scale} were {} to {} than the median", speed(least), speed(most))
        }
    };
    let first = apart.iter().map(|one| one.at_ms).fold(f64::INFINITY, f64::min);
    Some(Disturbance {
        kind: DisturbanceKind::Drift,
        at_ms: first.is_finite().then_some(first),
        detail: format!("{seen}, for all targets"),
        serious: apart.iter().any(|one| one.by.abs() > ROUND_APART_SERIOUS),
    })
}
