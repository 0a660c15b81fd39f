//! How cost grows with the table: the exponent of a power law, fitted to what the scales of one run found. Cost that does
//! not depend on the table has the exponent 0, cost in proportion to it 1, and cost that grows with its square 2.

use crate::results::{GrowingFigure, Growth, GrowthPoint, Interval, Measurement, Results};
use stats::log_half_width;

/// Of each target and operation that has figures at two scales or more, in the order of the measurements; latency comes
/// after CPU. Empty for a run at one scale.
pub fn growth(results: &Results) -> Vec<Growth> {
    let mut found: Vec<Growth> = Vec::new();
    for figure in [GrowingFigure::Cpu, GrowingFigure::Latency] {
        let from = found.len();
        for m in &results.measurements {
            let Some(point) = point(m, figure) else { continue };
            match found[from..].iter_mut().find(|one| one.target == m.target && one.operation == m.operation) {
                Some(one) => one.points.push(point),
                None => found.push(Growth {
                    target: m.target.clone(),
                    operation: m.operation,
                    figure,
                    points: vec![point],
                    exponent: 0.0,
                    exponent_ci95: None,
                }),
            }
        }
    }
    found.retain_mut(|one| {
        one.points.sort_by_key(|point| point.items);
        one.points.dedup_by_key(|point| point.items);
        let fitted = exponent(&one.points);
        if let Some((exponent, ci95)) = fitted {
            one.exponent = exponent;
            one.exponent_ci95 = ci95;
        }
        fitted.is_some()
    });
    found
}

fn point(m: &Measurement, figure: GrowingFigure) -> Option<GrowthPoint> {
    let (micros, ci95) = match figure {
        GrowingFigure::Cpu => m.cpu.as_ref().map(|cpu| (cpu.micros_per_op, cpu.micros_per_op_ci95))?,
        GrowingFigure::Latency => {
            let latency = m.latency_ms.as_ref()?;
            (latency.mean * 1e3, latency.mean_ci95.map(|ends| ends.map(|ms| ms * 1e3)))
        }
    };
    // A scan that was recorded in part costs in proportion to the items that it read.
    let read =
        m.recording.as_ref().and_then(|recording| recording.items_scanned).filter(|_| figure == GrowingFigure::Cpu);
    let times = read.filter(|read| *read > 0).map_or(1.0, |read| f64::from(m.items) / read as f64);
    (micros > 0.0).then(|| GrowthPoint {
        items: m.items,
        micros: micros * times,
        micros_ci95: ci95.map(|ends| ends.map(|micros| micros * times)),
        extrapolated: times > 1.0,
    })
}

/// The slope of a straight line through the logarithms by least squares, with the 95% interval that follows from the
/// points' own (each weighs in by its distance from the middle; Draper and Smith, Applied Regression Analysis, 1998,
/// section 1.4). Without an interval where a point has none. It says nothing of whether a power law fits.
fn exponent(points: &[GrowthPoint]) -> Option<(f64, Option<Interval>)> {
    let across: Vec<f64> = points.iter().map(|point| f64::from(point.items.max(1)).ln()).collect();
    let middle = across.iter().sum::<f64>() / across.len() as f64;
    let spread: f64 = across.iter().map(|x| (x - middle).powi(2)).sum();
    if points.len() < 2 || spread <= 0.0 {
        return None;
    }
    let weights: Vec<f64> = across.iter().map(|x| (x - middle) / spread).collect();
    let slope: f64 = weights.iter().zip(points).map(|(weight, point)| weight * point.micros.ln()).sum();
    let halves: Option<Vec<f64>> = points.iter().map(|point| point.micros_ci95.and_then(log_half_width)).collect();
    let half = halves.map(|halves| weights.iter().zip(halves).map(|(w, half)| (w * half).powi(2)).sum::<f64>().sqrt());
    Some((slope, half.map(|half| [slope - half, slope + half])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(of: impl Fn(f64) -> f64) -> Vec<GrowthPoint> {
        let point = |items: u32| {
            let micros = of(f64::from(items));
            GrowthPoint { items, micros, micros_ci95: Some([micros * 0.9, micros / 0.9]), extrapolated: false }
        };
        [1_000, 10_000, 100_000, 1_000_000].map(point).to_vec()
    }

    #[test]
    fn a_power_law_has_its_exponent_within_an_interval_that_follows_from_the_points() {
        for wanted in [0.0, 1.0, 1.7] {
            let (found, interval) = exponent(&points(|items| 3.0 * items.powf(wanted))).unwrap();
            assert!((found - wanted).abs() < 1e-9, "{found}");
            // Four points a decade apart: ln(1/0.9) over the root of 5 squared decades.
            let half = (1.0_f64 / 0.9).ln() / (5.0_f64.sqrt() * 10.0_f64.ln());
            let [low, high] = interval.unwrap();
            assert!((low - (wanted - half)).abs() < 1e-9 && (high - (wanted + half)).abs() < 1e-9);
        }
    }

    #[test]
    fn a_single_scale_has_no_exponent_and_a_point_without_an_interval_leaves_it_without_one() {
        assert_eq!(exponent(&points(|items| items)[..1]), None);
        let mut two = points(|items| items)[..2].to_vec();
        two[0].micros_ci95 = None;
        assert_eq!(exponent(&two).unwrap().1, None);
    }
}
