//! Seeding a scale's tables, or going on with those that an earlier run seeded and kept, once they are found to be as
//! the data set says.

use std::time::Instant;

use serde_json::json;

use super::{Runner, described};
use crate::machine::sampler::{DATABASE, KEEPER};
use crate::plan::{ENOUGH_CHECKED, Plan, ScalePlan};
use crate::setup::database::kept::Wanted;
use crate::system::format::count;
use crate::workers::keeper::Keeper;
use crate::workers::worker::Fault;

/// What an item takes in the database's file besides its bytes as `DynamoDB` counts them: those again in indexes and
/// halves of pages, and so many for the row. Seen with items of 200 bytes to 10 KB.
const FILE_BYTES_PER_BYTE: f64 = 2.5;
const FILE_BYTES_PER_ITEM: u64 = 200;
/// Of a table on which Scan is verified, bytes.
const REHEARSAL: u64 = 4 << 20;

/// What a scale's tables hold, for a database that is kept. Which of the forms it has them in is seen by its tables.
pub fn wanted(plan: &Plan, scale: &ScalePlan) -> Wanted {
    let item = (plan.items.bytes() as f64 * FILE_BYTES_PER_BYTE) as u64 + FILE_BYTES_PER_ITEM;
    Wanted {
        contents: json!({
            "items": scale.scale.items,
            "seed": plan.seed,
            "calls": plan.calls,
            "data": described(&plan.items),
        }),
        items: scale.scale.items,
        room: (u64::from(scale.scale.items) * item + REHEARSAL) * plan.targets.len() as u64,
    }
}

impl Runner<'_> {
    /// Starts a table keeper for tables that are as the data set says.
    pub(super) fn try_seed(&mut self, scale: &ScalePlan) -> anyhow::Result<Keeper> {
        let mut is_kept = false;
        if self.site.keeps_database() {
            is_kept = self.site.take_kept(&wanted(self.plan, scale))?;
        } else {
            self.site.suit_database(scale.scale.items)?;
        }
        self.watch_database();
        let (keeper, made) = match self.fill(scale, is_kept) {
            Err(why) if is_kept && is_damage(&why) => {
                let why = format!("{why:#}");
                let why = why.lines().next().unwrap_or_default();
                self.observer.warn(&format!("the kept database was thrown away and is seeded again: {why}"));
                self.site.discard_kept()?;
                self.watch_database();
                self.fill(scale, false)?
            }
            other => other?,
        };
        if self.site.keeps_database() {
            self.note_kept(scale, made);
        }
        Ok(keeper)
    }

    /// Makes the tables that aren't there, and compares all of them with the data set; how many were made.
    fn fill(&mut self, scale: &ScalePlan, is_kept: bool) -> anyhow::Result<(Keeper, u32)> {
        let begun = Instant::now();
        let tables = self.tables(scale);
        let (items, in_words) = (tables.items, count(tables.items.into()));
        let what = if is_kept { "checking the kept database of" } else { "seeding" };
        self.observer.step_began(&format!("{what} {in_words} items"));
        let log = self.out.join(format!("keeper-{}.log", scale.scale.name));
        let (keeper, made, check) = {
            let health = self.health();
            let mut keeper = Keeper::open(self.site.keeper(log)?, &tables, &health)?;
            self.sampler.watch(KEEPER, keeper.pid);
            let made = keeper.create(is_kept, &health, |done, total| self.observer.step_at(done, total))?;
            // What an earlier run left is looked at item by item.
            let (enough, checking) = (if is_kept { items } else { ENOUGH_CHECKED }, Instant::now());
            keeper.check(enough, &health)?;
            // The last check compares as many as a first one of new tables.
            let last = f64::from(ENOUGH_CHECKED.min(items)) / f64::from(enough.min(items));
            (keeper, made, checking.elapsed().mul_f64(last))
        };
        self.seeded += begun.elapsed();
        self.check = check;
        self.observer.step_ended(&match made {
            0 => format!("checked every item of the kept database ({in_words} in each table)"),
            _ if is_kept => {
                format!("seeded what the kept database didn't hold, and checked it ({in_words} items a table)")
            }
            _ if items > ENOUGH_CHECKED => {
                format!("seeded {in_words} items and checked at least {} of them", count(ENOUGH_CHECKED.into()))
            }
            _ => format!("seeded {in_words} items and checked the table"),
        });
        Ok((keeper, made))
    }

    /// Keeps a database to which tables were added. A run that can't keep it measures all the same.
    fn note_kept(&mut self, scale: &ScalePlan, made: u32) {
        let reused = &mut self.results.database.reused;
        reused.retain(|name| *name != scale.scale.name);
        if made == 0 {
            reused.push(scale.scale.name.clone());
            return;
        }
        match self.site.keep_database() {
            Ok(words) => self.observer.line(&words),
            Err(why) => self.observer.warn(&format!("the database could not be kept for later runs: {why:#}")),
        }
    }

    pub(super) fn watch_database(&self) {
        if let Some(pid) = self.site.database_pid() {
            self.sampler.watch(DATABASE, pid);
        }
    }
}

/// Whether it may lie in the database's contents that the keeper could not do its work.
fn is_damage(why: &anyhow::Error) -> bool {
    matches!(why.downcast_ref::<Fault>(), Some(Fault::Failed(..)))
}
