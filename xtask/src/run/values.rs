//! What comes back of values that libraries treat differently: tried once for each target, when its first process has been
//! measured, so that nothing of it is in the figures. Whatever goes wrong here costs the table a column and the run nothing.

use super::Runner;
use super::at_once::{at_once, cores};
use super::process::Process;
use crate::plan::request::Emphasis;
use crate::results::TargetValues;

impl Runner<'_> {
    /// Has every process whose target has not been tried yet write and read the values. A target of another commit's
    /// suite is left out: it may not know how.
    pub(super) fn try_values(&mut self, processes: &mut [Process]) {
        if self.plan.emphasis != Emphasis::Usual {
            return;
        }
        let tried: Vec<TargetValues> = {
            let this = &*self;
            let is_due = |process: &&mut Process| {
                let values = &this.results.values;
                this.plan.targets[process.target].base_of.is_none() && values.iter().all(|one| one.target != process.id)
            };
            at_once(processes.iter_mut().filter(is_due).collect(), cores(), |process| this.values_of(process))
        };
        self.results.values.extend(tried);
        // In the plan's order, whichever process was done first.
        let place = |id: &str| self.plan.targets.iter().position(|target| target.id == id);
        self.results.values.sort_by_key(|one| place(&one.target));
    }

    fn values_of(&self, process: &mut Process) -> TargetValues {
        self.observer.doing(&process.id, "trying values");
        let mut outcomes = Vec::new();
        let ended = process.suite.values(&self.health(), |outcome| outcomes.push(outcome));
        let untried = ended.unwrap_or_else(|fault| {
            let why = fault.to_string();
            let why = why.lines().next().unwrap_or_default().to_owned();
            self.observer.warn(&format!("{}: not all values were tried: {why}", process.id));
            Some(why)
        });
        TargetValues { target: process.id.clone(), untried, outcomes }
    }
}
