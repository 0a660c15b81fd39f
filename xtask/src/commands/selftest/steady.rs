//! Steady state: whether the figure of a process that was warmed up by the rule is that of one that was warmed up for
//! much longer. Pairs of fresh processes, one of each kind, taking turns.

use std::path::Path;
use std::time::Duration;

use super::Trial;
use super::rig::Rig;
use crate::plan::request::BackendChoice;
use crate::results::Operation;
use crate::run::warm_up::{self, Warming};
use crate::system::checkout::Checkout;
use crate::system::interrupt;
use crate::system::progress::Progress;
use crate::workers::protocol::Ground;
use stats::parts::{Part, Parts};

/// Pairs of processes.
const PAIRS: u64 = 8;
/// Calls that the longer warm-up makes after the rule was satisfied.
const MORE_CALLS: u64 = 8_000;
const SLICES: u64 = 150;
const SLICE: u64 = 20;
/// How far the ratio may be from 1.
const WITHIN: f64 = 0.03;

/// Warms up, measures in turn and compares.
pub fn trials(checkout: &Checkout, backend: BackendChoice, out: &Path) -> anyhow::Result<Vec<Trial>> {
    let progress = Progress::new(false);
    let rig = Rig::start(checkout, backend, out, &progress)?;
    let step = progress.step("steady state");
    let mut pairs: Vec<(Parts, Parts)> = Vec::new();
    let mut calls = 0;
    for pair in 0..PAIRS {
        step.position(pair, PAIRS);
        let health = rig.health();
        let (mut ruled, _) = rig.suite()?;
        let (mut longer, _) = rig.suite()?;
        for suite in [&mut ruled, &mut longer] {
            let mut warming = Warming::default();
            while !warming.has_settled() {
                warming.warm(suite, &[(Operation::GetItem, 1.0)], warm_up::STEP, &health, |_| {})?;
            }
            calls += warming.operations.values().map(|warm_up| warm_up.calls).sum::<u64>() / (2 * PAIRS);
        }
        longer.warm_up(Operation::GetItem, MORE_CALLS, Ground::Recorded, Duration::from_secs(60), &health)?;
        let (mut by_rule, mut by_more) = (Parts::new(), Parts::new());
        for slice in 0..SLICES {
            interrupt::check()?;
            let mut both = [(&mut ruled, &mut by_rule), (&mut longer, &mut by_more)];
            // Who goes first changes from turn to turn.
            both.rotate_left((slice % 2) as usize);
            for (suite, parts) in both {
                let sums = rig.slice(suite, slice * SLICE, SLICE, || {}, || {})?;
                parts.push(Part { total: sums.cpu_ms, calls: SLICE as f64 });
            }
        }
        pairs.push((by_rule, by_more));
        ruled.end();
        longer.end();
    }
    drop(step);
    rig.end();
    let required = format!("within {:.0}% of that after {MORE_CALLS} calls more", WITHIN * 100.0);
    let what = format!("steady state: CPU per call after the rule's warm-up ({calls} calls on average)");
    let trial = Trial::of_ratio(what, required, &pairs, WITHIN, |found| format!("ratio {found}, {PAIRS} pairs"));
    Ok(vec![trial])
}
