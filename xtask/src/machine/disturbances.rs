//! What the readings of the machine mean for a run: which of them are named in the report, and which make its
//! conclusions doubtful. Numbers in, [`Disturbance`]s out. Those that come from the measurements themselves (drift,
//! outliers, too few rounds) are found with the figures, in `summary`.

use crate::machine::load::LoadWindow;
use crate::results::{Disturbance, DisturbanceKind};

/// Other load that is named, percent of one core over the measured time.
const LOAD_NAMED: f64 = 5.0;
/// Other load that makes conclusions doubtful.
const LOAD_SERIOUS: f64 = 25.0;
/// A single second with more other load than this is named.
const BURST: f64 = 50.0;
/// Change of the clock that is named, as a share.
const CLOCK_NAMED: f64 = 0.05;
const CLOCK_SERIOUS: f64 = 0.20;

/// Names the disturbances in what other work the machine did while measuring.
pub fn assess(windows: &[LoadWindow], speed_ms: &[(f64, f64)]) -> Vec<Disturbance> {
    let mut found = Vec::new();
    let total_ms: f64 = windows.iter().map(|window| window.wall_ms).sum();
    if total_ms > 0.0 {
        let mean = |of: fn(&LoadWindow) -> f64| {
            windows.iter().map(|window| of(window) * window.wall_ms).sum::<f64>() / total_ms
        };
        for (kind, who, of) in [
            (
                DisturbanceKind::OtherLoad,
                "other processes used",
                (|window| window.other_percent) as fn(&LoadWindow) -> f64,
            ),
            (DisturbanceKind::CpuSteal, "the hypervisor gave others", |window| window.steal_percent),
        ] {
            let average = mean(of);
            let bursts: Vec<&LoadWindow> = windows.iter().filter(|window| of(window) > BURST).collect();
            if average > LOAD_NAMED || !bursts.is_empty() {
                let worst = windows.iter().map(of).fold(0.0, f64::max);
                found.push(Disturbance {
                    kind,
                    at_ms: bursts.first().map(|window| window.at_ms),
                    detail: format!(
                        "while measuring, {who} {average:.0}% of a core on average and {worst:.0}% at most; \
                         {} of {} seconds had more than {BURST:.0}%",
                        bursts.len(),
                        windows.len()
                    ),
                    serious: average > LOAD_SERIOUS,
                });
            }
        }
        let swapped: u64 = windows.iter().map(|window| window.swapped_pages).sum();
        if swapped > 0 {
            found.push(Disturbance {
                kind: DisturbanceKind::Swapping,
                at_ms: windows.iter().find(|window| window.swapped_pages > 0).map(|window| window.at_ms),
                detail: format!("the machine swapped {swapped} pages while measuring; latencies may include disk time"),
                serious: swapped > 1_000,
            });
        }
    }
    found.extend(clock(speed_ms));
    found
}

/// A clock that changed between rounds, from how long the same arithmetic took at each one's start.
fn clock(speed_ms: &[(f64, f64)]) -> Option<Disturbance> {
    let fastest = speed_ms.iter().map(|&(_, ms)| ms).fold(f64::INFINITY, f64::min);
    let &(at_ms, slowest) = speed_ms.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let change = slowest / fastest - 1.0;
    (change > CLOCK_NAMED).then(|| Disturbance {
        kind: DisturbanceKind::ClockFrequency,
        at_ms: Some(at_ms),
        detail: format!(
            "the same arithmetic took {:.0}% longer at one round's start than at another's, since the processor's clock \
             changed or a neighbour shared its core",
            change * 100.0
        ),
        serious: change > CLOCK_SERIOUS,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(other_percent: f64, steal_percent: f64, swapped_pages: u64) -> LoadWindow {
        LoadWindow { at_ms: 1_000.0, wall_ms: 1_000.0, other_percent, steal_percent, swapped_pages }
    }

    #[test]
    fn a_quiet_machine_has_no_disturbances() {
        assert_eq!(assess(&[window(2.0, 0.0, 0); 10], &[(0.0, 2.0), (9.0, 2.05)]), []);
        assert_eq!(assess(&[], &[]), []);
    }

    #[test]
    fn each_kind_of_disturbance_is_named() {
        let found = assess(&[window(80.0, 10.0, 5)], &[(0.0, 2.0), (9.0, 2.5)]);
        let kinds: Vec<_> = found.iter().map(|one| one.kind).collect();
        assert_eq!(
            kinds,
            [
                DisturbanceKind::OtherLoad,
                DisturbanceKind::CpuSteal,
                DisturbanceKind::Swapping,
                DisturbanceKind::ClockFrequency
            ]
        );
        assert!(found[0].serious && found[3].serious);
    }

    #[test]
    fn one_burst_in_a_quiet_run_is_named_and_not_serious() {
        let mut windows = vec![window(1.0, 0.0, 0); 30];
        windows.push(window(120.0, 0.0, 0));
        let found = assess(&windows, &[]);
        assert_eq!(found.len(), 1);
        assert!(!found[0].serious && found[0].detail.contains("1 of 31 seconds"), "{found:?}");
    }
}
