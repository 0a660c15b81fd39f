//! The rounds of a run: processes started, verified, recorded, warmed, timed in turn and ended, and the table put back
//! as it was. The only part that measures. What it measures goes raw into [`Results`]; figures are made of it elsewhere.

pub mod at_once;
mod client;
pub mod kept;
pub mod observer;
mod pace;
mod process;
pub mod recording;
pub mod resume;
mod round;
mod seats;
pub mod site;
pub mod starting;
mod timing;
mod used;
mod values;
pub mod warm_up;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;

pub use self::client::PASSES;
use self::observer::Observer;
use self::pace::Pace;
pub use self::pace::over_budget;
use self::site::Site;
use self::timing::Fixed;
use crate::analysis::summary;
use crate::machine::core::{self, Core};
use crate::machine::load;
use crate::machine::sampler::Sampler;
use crate::plan::items::Items;
use crate::plan::{ENOUGH_CHECKED, Plan, Rounds, ScalePlan};
use crate::results::{Disturbance, DisturbanceKind, Operation, Results, TargetStatus, TimeUse};
use crate::system::exit::Exit;
use crate::system::interrupt;
use crate::workers::keeper::{Keeper, Tables};
use crate::workers::protocol::{Data, Example, Filled, Lane};
use crate::workers::worker::{Fault, Probe};

/// Measures the scales of a plan.
pub struct Runner<'a> {
    plan: &'a Plan,
    site: &'a mut dyn Site,
    observer: &'a dyn Observer,
    sampler: &'a Sampler,
    /// Where logs go.
    out: &'a Path,
    origin: Instant,
    results: &'a mut Results,
    /// Summarises and writes what there is so far.
    save: &'a (dyn Fn(&mut Results) -> anyhow::Result<()> + Sync),
    restarted: bool,
    /// When a round began and how long the fixed arithmetic took then, milliseconds.
    speed: Vec<(f64, f64)>,
    scale_started: Instant,
    /// What the present scale's time went into.
    time: TimeUse,
    /// Wall time of the scale's earlier part, in a resumed run.
    wall_s_before: f64,
    /// What its rounds cost apart from measuring.
    fixed: Fixed,
    /// What seeding its tables and checking them took.
    seeded: Duration,
    /// What checking them took of that; it takes about as long after the rounds.
    check: Duration,
    /// What single scans of a large table took in this round, which later rounds don't repeat.
    once: Duration,
    /// When the scale will have ended, as it looks; none while nothing is measured.
    pace: Option<Pace>,
    /// The cores on which targets take turns, each in a turn of its own.
    cores: Vec<Core>,
    /// What a call of each target took in the client phase of the last round, milliseconds.
    client_ms: BTreeMap<(usize, Operation), f64>,
    /// What a call of each target takes against the database, milliseconds.
    used_ms: BTreeMap<(usize, Operation), f64>,
    /// What a call of each target takes against its record, milliseconds, as far as is known.
    recorded_ms: BTreeMap<(usize, Operation), f64>,
    /// Items that were written for each target to delete.
    prepared: BTreeMap<usize, u64>,
    /// Targets whose answers were recorded at the present scale, and so were verified in full.
    recorded: Vec<usize>,
}

/// Which round of which scale.
#[derive(Clone, Copy)]
pub struct RoundPlan<'a> {
    scale: &'a ScalePlan,
    round: u32,
}

/// What a run writes into and reports to.
#[derive(Clone, Copy)]
pub struct Outlets<'a> {
    pub observer: &'a dyn Observer,
    pub sampler: &'a Sampler,
    /// Where logs go.
    pub out: &'a Path,
    /// The beginning of the run's time line.
    pub origin: Instant,
    /// Summarises and writes what there is so far.
    pub save: &'a (dyn Fn(&mut Results) -> anyhow::Result<()> + Sync),
}

impl<'a> Runner<'a> {
    pub fn new(plan: &'a Plan, site: &'a mut dyn Site, results: &'a mut Results, outlets: Outlets<'a>) -> Runner<'a> {
        let Outlets { observer, sampler, out, origin, save } = outlets;
        Runner {
            plan,
            site,
            observer,
            sampler,
            out,
            origin,
            results,
            save,
            restarted: false,
            speed: Vec::new(),
            scale_started: Instant::now(),
            time: TimeUse::default(),
            wall_s_before: 0.0,
            fixed: Fixed::before_the_first_round(0),
            seeded: Duration::ZERO,
            check: Duration::ZERO,
            once: Duration::ZERO,
            pace: None,
            cores: core::last(plan.at_once as usize),
            client_ms: BTreeMap::new(),
            used_ms: BTreeMap::new(),
            recorded_ms: BTreeMap::new(),
            prepared: BTreeMap::new(),
            recorded: Vec::new(),
        }
    }

    /// Measures every scale; gives when each round began and how long fixed arithmetic took then, milliseconds.
    ///
    /// # Errors
    /// A signal, a database that died twice, or a table that is not as it was. A target's failure is no error: it is
    /// in the results.
    pub fn run(&mut self) -> anyhow::Result<Vec<(f64, f64)>> {
        let plan = self.plan;
        for scale in &plan.scales {
            let why = self.run_scale(scale.clone())?;
            self.observer.line(&format!("{}: {why}", scale.scale.name));
            self.results.stop_because(&scale.scale.name, &why);
        }
        Ok(std::mem::take(&mut self.speed))
    }

    /// Seeds the table of one scale and measures its rounds; why it stopped measuring.
    fn run_scale(&mut self, mut scale: ScalePlan) -> anyhow::Result<String> {
        self.scale_started = Instant::now();
        let before = self.results.time_use.iter().find(|one| one.scale == scale.scale.name).cloned();
        self.time = before.unwrap_or_else(|| TimeUse { scale: scale.scale.name.clone(), ..TimeUse::default() });
        self.wall_s_before = self.time.wall_s;
        self.fixed = Fixed::before_the_first_round((self.results.targets.len() * self.plan.operations.len()) as u32);
        self.client_ms.clear();
        self.used_ms.clear();
        self.recorded_ms.clear();
        self.recorded.clear();
        self.seeded = Duration::ZERO;
        self.site.open_records()?;
        let mut keeper = self.seed(&scale)?;
        let done_before = self.rounds_done(&scale);
        let mut round = done_before;
        let mut last = Duration::ZERO;
        let why = loop {
            if let Some(why) = self.enough(&scale, round, last) {
                break why;
            }
            let begun = Instant::now();
            match self.round(RoundPlan { scale: &scale, round }, &mut keeper) {
                Ok(()) => {
                    last = begun.elapsed();
                    if round == done_before {
                        self.plan_further_rounds(&mut scale, done_before, last);
                    }
                    round += 1;
                }
                Err(Fault::Database(why)) => {
                    drop(keeper);
                    self.restart_database(&why)?;
                    keeper = self.seed(&scale)?;
                }
                Err(Fault::Interrupted) => interrupt::check()?,
                // A target's own fault is in the results by now.
                Err(fault) => return Err(keeper_failed(&fault)),
            }
            self.note_time();
        };
        match keeper.check(ENOUGH_CHECKED, &self.health()) {
            Ok(()) => {}
            Err(Fault::Database(why)) => {
                self.observer.warn(&format!("the database died before the last check of its tables: {why}"));
            }
            Err(Fault::Interrupted) => interrupt::check()?,
            Err(fault) => return Err(keeper_failed(&fault)),
        }
        self.note_time();
        keeper.end(&self.health());
        Ok(why)
    }

    /// After the first round, which took so long, plans the rounds by what one costs, and says anew what the run will be
    /// able to show: its slices are known now. Rounds that a resumed run had before are done, and have had their time.
    fn plan_further_rounds(&self, scale: &mut ScalePlan, done_before: u32, took: Duration) {
        if let (Rounds::Adaptive { fewest, .. }, None) = (self.plan.rounds, scale.time) {
            let targets = self.results.targets.iter().filter(|target| target.status == TargetStatus::Ok).count();
            let around = (self.fixed.start + self.fixed.end) * self.plan.groups(targets);
            let [planned, fewest] = [scale.rounds, fewest].map(|rounds| rounds.saturating_sub(done_before).max(1));
            let time = self.left(scale) + took;
            scale.rounds = done_before + timing::worth_their_cost(planned, fewest, time, around);
        }
        let forecast = summary::forecast(self.results, &scale.scale.name, scale.rounds);
        self.observe_forecast("after a round", forecast, scale.budget);
    }

    /// What the scale's time went into so far, into the results.
    fn note_time(&mut self) {
        self.time.wall_s = self.wall_s_before + self.scale_started.elapsed().as_secs_f64();
        let kept = &mut self.results.time_use;
        kept.retain(|one| one.scale != self.time.scale);
        kept.push(self.time.clone());
    }

    /// Whether measuring is done, and why.
    fn enough(&self, scale: &ScalePlan, round: u32, last: Duration) -> Option<String> {
        if !self.results.targets.iter().any(|target| target.status == TargetStatus::Ok) {
            return Some("no target is left to measure".into());
        }
        match self.plan.rounds {
            Rounds::Exactly(rounds) => (round >= rounds).then(|| match rounds {
                1 => "the one round asked for is done".to_owned(),
                _ => format!("the {rounds} rounds asked for are done"),
            }),
            Rounds::Adaptive { fewest, .. } if round < fewest => None,
            Rounds::Adaptive { most, .. } => {
                let widest = summary::widest_ratio(self.results, &scale.scale.name);
                if widest.is_some_and(|widest| widest <= self.plan.precision) {
                    let precision = self.plan.precision * 100.0;
                    Some(format!("stopped after {round} rounds: every CPU ratio is known to within ±{precision}%"))
                } else if round >= most {
                    Some(format!("stopped after {round} rounds, the most that a run makes"))
                } else if !timing::fits_another(self.left(scale), last, round < scale.rounds && scale.time.is_none()) {
                    let budget = humantime::format_duration(scale.budget);
                    Some(format!("stopped after {round} rounds: the {budget} budget is spent"))
                } else {
                    None
                }
            }
        }
    }

    /// Rounds of this scale that the results hold already (a resumed run's).
    fn rounds_done(&self, scale: &ScalePlan) -> u32 {
        let schedule = self.results.schedule.iter().filter(|round| round.scale == scale.scale.name);
        schedule.map(|round| round.round + 1).max().unwrap_or(0)
    }

    fn tables(&self, scale: &ScalePlan) -> Tables {
        let table = if self.site.keeps_database() {
            // The same in every run.
            "bench-kept".to_owned()
        } else {
            format!("bench-{}-{}", self.results.run.id, scale.scale.name)
        };
        let scans = self.plan.operations.iter().any(|operation| operation.grows_with_the_table());
        Tables {
            endpoint: self.site.endpoint(),
            calls: self.plan.calls,
            data: described(&self.plan.items),
            lanes: (1..)
                .zip(&self.plan.targets)
                .map(|(lane, target)| Lane { lane, adapter: target.adapter() })
                .collect(),
            // What reads the whole table is verified on one of two pages.
            rehearsal_table: scans.then(|| format!("{table}-rehearsal")),
            scan_part: scale
                .scan_part()
                .filter(|_| scans)
                .map(|items| Filled { table: format!("{table}-part"), items }),
            table,
            items: scale.scale.items,
            seed: self.plan.seed,
        }
    }

    /// Starts a table keeper and seeds the table, once more with another server if this one dies.
    fn seed(&mut self, scale: &ScalePlan) -> anyhow::Result<Keeper> {
        loop {
            match self.try_seed(scale) {
                Err(why) if why.downcast_ref::<Fault>().is_some_and(|fault| matches!(fault, Fault::Database(_))) => {
                    self.restart_database(&format!("{why:#}"))?;
                }
                other => {
                    interrupt::check()?;
                    return other;
                }
            }
        }
    }

    fn restart_database(&mut self, why: &str) -> anyhow::Result<()> {
        let log = self.site.database_log();
        if self.restarted {
            return Err(
                Exit::Failed(format!("the database died a second time ({why}); the end of its log:\n{log}")).into()
            );
        }
        self.restarted = true;
        self.observer.warn(&format!("the database died ({why}); starting another and repeating the round"));
        self.results.disturbances.push(Disturbance {
            kind: DisturbanceKind::DatabaseRestarted,
            at_ms: Some(self.now_ms()),
            detail: format!("the database was restarted and reseeded, and the round repeated: {why}"),
            serious: true,
        });
        self.site.restart_database().context("starting the database again")
    }

    /// Writes what there is; a disk that is full must not end the measuring, and is met again at the end.
    fn write(&mut self) {
        if let Err(why) = (self.save)(self.results) {
            self.observer.warn(&format!("{why:#}"));
        }
    }

    /// What to look at while a worker is waited for.
    fn health(&self) -> impl Fn(Probe) -> Option<String> + Sync + use<'_, 'a> {
        |probe| self.site.health(probe)
    }

    /// How much of the measuring time each operation should get: in proportion to the square of the widest interval of
    /// its ratios, since that is what calls buy. Equal shares while there is none.
    fn weights(&self, scale: &ScalePlan) -> Vec<(Operation, f64)> {
        let width = |operation| summary::widest_ratio_of(self.results, &scale.scale.name, operation);
        self.plan.operations.iter().map(|&operation| (operation, width(operation).map_or(1.0, |w| w * w))).collect()
    }

    fn speed_probe(&mut self) {
        self.speed.push((self.now_ms(), load::speed_probe_ms()));
    }

    fn now_ms(&self) -> f64 {
        (self.origin.elapsed().as_secs_f64() * 1e4).round() / 10.0
    }

    /// The longest that one call may take: a scan of a large table is as slow as the table is large.
    fn call_limit(scale: &ScalePlan) -> Duration {
        let scans = 120.0 * (f64::from(scale.scale.items) / 1e5).powi(2);
        Duration::from_secs_f64(30.0 + scans.min(86_400.0))
    }
}

/// What the items of a plan are, for a worker.
pub fn described(items: &Items) -> Data {
    Data {
        shape: items.name().to_owned(),
        example: items.own().map(|item| {
            Box::new(Example {
                item: item.item.clone(),
                partition: item.keys.partition.clone(),
                sort: item.keys.sort.clone(),
                updated: item.updated.clone(),
            })
        }),
        query_items: items.query_items,
        query_by: items.query_by,
    }
}

fn keeper_failed(fault: &Fault) -> anyhow::Error {
    Exit::Failed(format!("the table keeper failed: {fault}")).into()
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
