//! The real world of a run: Node processes, `DynamoDB` Local, and the server of recorded answers.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::results::{Operation, RecordedAnswers, Work};
use crate::run::site::{Record, Recording, Site};
use crate::setup::database::kept::{Copy, Wanted};
use crate::setup::database::{self, Server};
use crate::setup::npm::runtime::Runtime;
use crate::setup::npm::{self, Tools};
use crate::system::interrupt;
use crate::system::progress::Progress;
use crate::workers::worker::{Probe, Worker};
use answers::{Answers, Door, Traffic};

/// Everything that a run has started, and how to start it again.
pub struct Workshop<'a> {
    tools: &'a Tools,
    benchmark: &'a Path,
    /// The install of each target, by its index in the plan; none where npm could not deliver it.
    installs: Vec<Option<PathBuf>>,
    /// What runs each target's suite.
    runtimes: Vec<Runtime>,
    /// The bundle of each target that has one.
    bundles: Vec<Option<PathBuf>>,
    options: database::Options,
    progress: &'a Progress,
    server: Server,
    /// Whether nothing was done to the database since the server started.
    untouched: bool,
    answers: Answers,
    doors: Vec<Door>,
}

impl<'a> Workshop<'a> {
    /// Takes what was set up.
    pub fn open(
        tools: &'a Tools,
        benchmark: &'a Path,
        [installs, bundles]: [Vec<Option<PathBuf>>; 2],
        runtimes: Vec<Runtime>,
        server: Server,
        options: &'a database::Options,
        progress: &'a Progress,
    ) -> Workshop<'a> {
        let answers = Answers::of(server.address);
        Workshop {
            tools,
            benchmark,
            installs,
            runtimes,
            bundles,
            options: options.clone(),
            progress,
            server,
            untouched: true,
            answers,
            doors: Vec::new(),
        }
    }

    /// The database, for whoever goes on using it.
    pub fn into_server(self) -> Server {
        self.server
    }

    /// What the server of recorded answers did; None where it answered nothing.
    pub fn recorded_answers(&self) -> Option<RecordedAnswers> {
        let spent = self.answers.spent().ok()?;
        Some(RecordedAnswers { answers: spent.answers, cpu_micros_per_answer: spent.micros_per_answer()? })
    }

    pub fn stop_database(mut self) {
        self.server.stop();
    }

    /// Leaves the database running and says how to stop it.
    pub fn leave_database(mut self, progress: &Progress) {
        progress.line(format!("the database is left running at {}", self.server.endpoint));
        if let Some(how) = self.server.leave() {
            progress.line(format!("  to stop it: {how}"));
        }
    }
}

impl Site for Workshop<'_> {
    fn endpoint(&self) -> String {
        self.server.endpoint.clone()
    }

    fn database_pid(&self) -> Option<u32> {
        self.server.pid
    }

    fn health(&self, probe: Probe) -> Option<String> {
        database_health(&self.server, probe)
    }

    fn database_log(&self) -> String {
        self.server.log_tail(20)
    }

    fn restart_database(&mut self) -> anyhow::Result<()> {
        self.server.stop();
        self.server = database::start(&self.options, self.progress)?;
        self.untouched = true;
        self.answers.set_upstream(self.server.address);
        Ok(())
    }

    fn suit_database(&mut self, items: u32) -> anyhow::Result<()> {
        if self.options.suits(items) {
            return Ok(());
        }
        self.options = self.options.for_items(items);
        self.restart_database()
    }

    fn keeps_database(&self) -> bool {
        self.server.kept.is_some()
    }

    fn take_kept(&mut self, wanted: &Wanted) -> anyhow::Result<bool> {
        let is_it = self.untouched && self.options.keeps(wanted);
        if !is_it {
            self.options = self.options.keeping(wanted);
            self.restart_database()?;
        }
        self.untouched = false;
        Ok(self.server.kept.as_ref().is_some_and(Copy::was_there))
    }

    fn keep_database(&mut self) -> anyhow::Result<String> {
        self.server.kept.as_ref().context("no database is kept in this run")?.keep()
    }

    fn discard_kept(&mut self) -> anyhow::Result<()> {
        self.server.stop();
        self.server.kept.as_ref().map_or(Ok(()), Copy::discard)?;
        self.restart_database()?;
        self.untouched = false;
        Ok(())
    }

    fn suite(&self, target: usize, log: PathBuf) -> anyhow::Result<Worker> {
        let install = self.installs[target].as_deref().unwrap_or(self.benchmark);
        let Runtime { program, flags, .. } = &self.runtimes[target];
        Worker::start(npm::worker(program, flags, install, "suite")?, "suite", log)
    }

    fn import_bundle(&self, target: usize) -> Option<Result<f64, String>> {
        let (install, bundle) = (self.installs[target].as_deref()?, self.bundles[target].as_deref()?);
        let Runtime { program, flags, .. } = &self.runtimes[target];
        let imported = npm::bundles::import(program, flags, install, bundle);
        // A signal ends it, and says nothing about the bundle.
        interrupt::check().ok()?;
        Some(imported.map_err(|why| format!("{why:#}")))
    }

    fn keeper(&self, log: PathBuf) -> anyhow::Result<Worker> {
        Worker::start(npm::worker(&self.tools.node, &[], self.benchmark, "keeper")?, "keeper", log)
    }

    fn open_records(&mut self) -> anyhow::Result<()> {
        self.doors.clear();
        self.doors = (0..self.installs.len())
            .map(|target| self.answers.door(&format!("target {target}")))
            .collect::<anyhow::Result<_>>()?;
        Ok(())
    }

    fn record(&self, target: usize) -> &dyn Record {
        &self.doors[target]
    }
}

impl Record for Door {
    fn endpoint(&self) -> String {
        Door::endpoint(self)
    }

    fn begin(&self, operation: Operation) {
        self.record(operation.name());
    }

    fn end(&self, calls: u64) -> anyhow::Result<Recording> {
        let recorded = self.end_recording()?;
        Ok(Recording {
            work: per_call(recorded.traffic, calls).context("no call was recorded")?,
            items_returned: recorded.traffic.items_returned,
            varies: recorded.varies,
        })
    }

    fn answer(&self) {
        Door::answer(self);
    }

    fn unknown(&self) -> Option<String> {
        Door::unknown(self)
    }

    fn thread(&self) -> Option<u32> {
        Door::thread(self)
    }
}

/// What is wrong with a server; None where nothing is.
pub fn database_health(server: &Server, probe: Probe) -> Option<String> {
    match probe {
        Probe::Alive if server.is_alive() => None,
        Probe::Answers if server.is_alive() && server.answers() => None,
        _ if server.is_alive() => Some("it stopped answering".to_owned()),
        _ => Some("its process ended".to_owned()),
    }
}

/// Of so many calls, what each asked for, to four decimals; none without calls.
fn per_call(traffic: Traffic, calls: u64) -> Option<Work> {
    let each = |total: f64| (total / calls as f64 * 1e4).round() / 1e4;
    (calls > 0).then(|| Work {
        requests: each(traffic.requests as f64),
        items_returned: each(traffic.items_returned as f64),
        items_scanned: each(traffic.items_scanned as f64),
        capacity_units: traffic.capacity_units.map(each),
        request_bytes: each(traffic.request_bytes as f64),
        response_bytes: each(traffic.response_bytes as f64),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_what_was_counted_over_the_calls() {
        let traffic = Traffic {
            requests: 2,
            items_returned: 3,
            items_scanned: 6,
            capacity_units: Some(3.0),
            request_bytes: 8,
            response_bytes: 13,
        };
        let work = per_call(traffic, 3).unwrap();
        assert_eq!((work.requests, work.items_returned, work.capacity_units), (0.6667, 1.0, Some(1.0)));
        assert_eq!((work.request_bytes, work.response_bytes), (2.6667, 4.3333));
        assert_eq!(per_call(traffic, 0), None);
    }
}
