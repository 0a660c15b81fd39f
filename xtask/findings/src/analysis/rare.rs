//! Slices that cost far more than the others of their process: one in a hundred holds a full garbage collection, some
//! meet a core that is slow just then. It is real cost, but which operation it falls on is chance, and in a hundred
//! slices it is a third of what makes one round's ratio differ from the next one's. So it is shared out: each operation's
//! slices are cut at their 95th percentile (winsorised: W. J. Dixon, "Simplified Estimation from Censored Normal
//! Samples", 1960), and what was cut off is spread over all operations on single items of the process, in proportion to
//! their cost. What the process spent on them together stays what it was.

use std::collections::BTreeMap;

use crate::results::{ClientPhase, ClientSlice, Measurement, RareCost};
use stats::percentile::p95;

/// The operations of one process, with where their slices are cut.
type Operations<'a> = Vec<(&'a mut ClientPhase, Cut)>;

/// Shares out what rare slices cost, in each process that has figures of two such operations at least, with as many slices
/// as a 95th percentile needs. Elsewhere every slice counts as it is. What a query or a scan costs has another scale, and
/// so have its rare slices.
pub fn share_out(measurements: &mut [Measurement]) {
    let mut processes: BTreeMap<(String, String, u32), Operations<'_>> = BTreeMap::new();
    for one in measurements {
        for round in &mut one.per_round {
            let Some(client) = &mut round.client else { continue };
            client.rare = None;
            let cut = Cut::of(&client.slices).filter(|_| one.operation.acts_on_one_item());
            if let Some(cut) = cut {
                let process = (one.scale.clone(), one.target.clone(), round.round);
                processes.entry(process).or_default().push((client, cut));
            }
        }
    }
    for operations in processes.into_values().filter(|operations| operations.len() > 1) {
        let sum = |of: fn(&Cut) -> f64| operations.iter().map(|(_, cut)| of(cut)).sum::<f64>();
        let share = sum(|cut| cut.spent_ms) / sum(|cut| cut.left_ms) - 1.0;
        for (client, Cut { cap_us, .. }) in operations {
            client.rare = Some(RareCost { cap_us, share });
        }
    }
}

/// CPU time of the JavaScript thread for a slice, or of the process where that is not known, milliseconds: with rare cost
/// as it was shared out.
pub fn cost_ms(slice: &ClientSlice, rare: Option<RareCost>) -> f64 {
    rare.map_or(spent_ms(slice), |RareCost { cap_us, share }| cut_ms(slice, cap_us) * (1.0 + share))
}

/// Where the slices of an operation are cut, and what they took before and after that.
struct Cut {
    cap_us: f64,
    spent_ms: f64,
    left_ms: f64,
}

impl Cut {
    /// None of too few slices.
    fn of(slices: &[ClientSlice]) -> Option<Cut> {
        let called = || slices.iter().filter(|slice| slice.calls > 0);
        let mut per_call_us: Vec<f64> = called().map(|slice| spent_ms(slice) * 1e3 / slice.calls as f64).collect();
        per_call_us.sort_by(f64::total_cmp);
        let cap_us = p95(&per_call_us)?;
        let left_ms: f64 = called().map(|slice| cut_ms(slice, cap_us)).sum();
        (left_ms > 0.0).then(|| Cut { cap_us, spent_ms: called().map(spent_ms).sum(), left_ms })
    }
}

fn cut_ms(slice: &ClientSlice, cap_us: f64) -> f64 {
    spent_ms(slice).min(cap_us / 1e3 * slice.calls as f64)
}

fn spent_ms(slice: &ClientSlice) -> f64 {
    slice.thread_ms.unwrap_or(slice.cpu_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Shape, raw};
    use crate::results::{Operation, Results};
    use stats::percentile::FEWEST_FOR_P95;

    fn measured(operations: &[Operation], slices: usize) -> Results {
        let shape = Shape { operations: operations.to_vec(), slices, recorded: true, ..Shape::small() };
        let mut results = raw(&shape);
        share_out(&mut results.measurements);
        results
    }

    /// The client phase of an operation in the first process of Mizzle.
    fn client(results: &mut Results, operation: Operation) -> &mut ClientPhase {
        let one = results.measurements.iter_mut().find(|one| one.operation == operation && one.target == "mizzle");
        one.and_then(|one| one.per_round[0].client.as_mut()).expect("a client phase")
    }

    fn cost(client: &ClientPhase) -> f64 {
        client.slices.iter().map(|slice| cost_ms(slice, client.rare)).sum()
    }

    fn spent(client: &ClientPhase) -> f64 {
        client.slices.iter().map(spent_ms).sum()
    }

    const BOTH: [Operation; 2] = [Operation::PutItem, Operation::GetItem];

    #[test]
    fn what_a_process_spent_stays_what_it_was() {
        let mut results = measured(&BOTH, 40);
        let sum = |of: fn(&ClientPhase) -> f64, results: &mut Results| -> f64 {
            BOTH.into_iter().map(|operation| of(client(results, operation))).sum()
        };
        assert!((sum(cost, &mut results) / sum(spent, &mut results) - 1.0).abs() < 1e-12);
        assert!(client(&mut results, Operation::PutItem).rare.is_some_and(|rare| rare.share > 0.0));
    }

    #[test]
    fn a_collection_weighs_on_all_operations_alike_whichever_it_falls_on() {
        let mut before = measured(&BOTH, 40);
        let mut after = before.clone();
        // In the dearest slice: one in another place would move the percentile too.
        let dear = |client: &mut ClientPhase| {
            let dearest = client.slices.iter_mut().max_by(|a, b| spent_ms(a).total_cmp(&spent_ms(b))).unwrap();
            dearest.thread_ms = dearest.thread_ms.map(|ms| ms * 3.0);
        };
        dear(client(&mut after, Operation::PutItem));
        share_out(&mut after.measurements);
        let [put, get] =
            BOTH.map(|operation| cost(client(&mut after, operation)) / cost(client(&mut before, operation)));
        assert!(put > 1.01 && (put / get - 1.0).abs() < 1e-12, "{put} {get}");
    }

    #[test]
    fn every_slice_counts_as_it_is_where_rare_ones_cannot_be_told_or_shared() {
        for (operations, slices) in [
            (&BOTH[..], FEWEST_FOR_P95 - 1),
            (&[Operation::GetItem, Operation::Query, Operation::Scan], 40),
            (&[Operation::GetItem], 40),
        ] {
            let mut results = measured(operations, slices);
            let got = client(&mut results, Operation::GetItem);
            assert_eq!((got.rare, cost(got)), (None, spent(got)), "{operations:?}, {slices} slices");
        }
    }
}
