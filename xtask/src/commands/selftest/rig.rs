//! What the trials that measure by hand share: a database with a table, and suite processes on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::commands::bench::database_health;
use crate::plan::items::Items;
use crate::plan::request::BackendChoice;
use crate::plan::turns::SliceLength;
use crate::results::{CallKind, Operation};
use crate::run::described;
use crate::setup::database::{self, Server};
use crate::setup::npm;
use crate::system::checkout::Checkout;
use crate::system::progress::Progress;
use crate::workers::keeper::{Keeper, Tables};
use crate::workers::protocol::{Lane, Measure, OpenSuite, Phase};
use crate::workers::suite::{Suite, VerifiedSuite};
use crate::workers::worker::{Probe, Worker};
use answers::{Answers, Door};

pub const SEED: u64 = 1;
/// Which customers outside the data set its processes write.
const LANE: u32 = 1;
/// Calls that warm the server.
const SERVER_WARM_UP_CALLS: u64 = 4_000;
/// Inputs of the recorded ground.
const POOL: u32 = 200;

/// What some calls of one process took: sums, so that the statistics can weigh them.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sums {
    pub latency_ms: f64,
    pub cpu_ms: f64,
}

pub struct Rig {
    pub tools: npm::Tools,
    pub benchmark: PathBuf,
    pub server: Server,
    pub tables: Tables,
    keeper: Keeper,
    out: PathBuf,
    _answers: Answers,
    pub door: Door,
}

impl Rig {
    pub fn start(checkout: &Checkout, backend: BackendChoice, out: &Path, progress: &Progress) -> anyhow::Result<Rig> {
        let tools = npm::Tools::find()?;
        let benchmark = npm::prepare(checkout, &tools, progress)?;
        let options = database::Options::new(checkout, "selftest", backend, None, None, false)?;
        let server = database::start(&options, progress)?;
        let tables = Tables {
            endpoint: server.endpoint.clone(),
            calls: CallKind::Documented,
            data: described(&Items::default()),
            lanes: vec![Lane { lane: LANE, adapter: "aws-sdk".to_owned() }],
            table: "bench-selftest".to_owned(),
            rehearsal_table: None,
            items: 1_000,
            rehearsal_items: 0,
            seed: SEED,
        };
        let answers = Answers::start(server.address)?;
        let door = answers.door("selftest")?;
        let health = |probe| database_health(&server, probe);
        let program = npm::worker(&tools.node, &[], &benchmark, "keeper")?;
        let mut keeper = Keeper::open(Worker::start(program, "keeper", out.join("keeper.log"))?, &tables, &health)?;
        keeper.create(&health, |_, _| {})?;
        keeper.warm(SERVER_WARM_UP_CALLS, &health)?;
        Ok(Rig { tools, benchmark, server, tables, keeper, out: out.to_owned(), _answers: answers, door })
    }

    /// What is wrong with the database.
    pub fn health(&self) -> impl Fn(Probe) -> Option<String> + Sync + use<'_> {
        let server = &self.server;
        move |probe| database_health(server, probe)
    }

    /// A verified process of the bare SDK, and its id.
    pub fn suite(&self) -> anyhow::Result<(VerifiedSuite, u32)> {
        let job = OpenSuite {
            target: "aws-sdk".to_owned(),
            adapter: "aws-sdk".to_owned(),
            calls: CallKind::Documented,
            data: Box::new(self.tables.data.clone()),
            endpoint: self.tables.endpoint.clone(),
            recorded_endpoint: self.door.endpoint(),
            table: self.tables.table.clone(),
            rehearsal_table: None,
            items: self.tables.items,
            rehearsal_items: 0,
            seed: SEED,
            round: 0,
            lane: LANE,
            pool: POOL,
            call_timeout_ms: 30_000,
            handicap: BTreeMap::new(),
        };
        let health = self.health();
        let flags = npm::warm_up_flags(&self.tools.node_version);
        let program = npm::worker(&self.tools.node, flags, &self.benchmark, "suite");
        let worker = program.and_then(|program| Worker::start(program, "suite", self.out.join("suite.log")));
        let (suite, ready) = Suite::open(worker, job, &health)?;
        let (suite, _) = suite.verify(&[Operation::GetItem], true, &health)?;
        Ok((suite, ready.pid))
    }

    /// One slice of GetItem, which begins as it does in a run.
    pub fn slice(
        &self,
        suite: &mut VerifiedSuite,
        from: u64,
        calls: u64,
        begin: impl FnMut(),
        stop: impl FnMut(),
    ) -> anyhow::Result<Sums> {
        let operation = Operation::GetItem;
        let (phase, lead_in) = (Phase::Latency, SliceLength::LATENCY.lead_in(calls));
        let measure = Measure { operation, phase, calls, lead_in, from, check: false, concurrency: None };
        let end = suite.measure(measure, Duration::from_secs(1), &self.health(), begin, stop)?;
        Ok(Sums { latency_ms: end.samples_ms.iter().sum(), cpu_ms: end.thread_ms.unwrap_or(end.cpu_ms) })
    }

    /// Stops what was started.
    pub fn end(self) {
        let health = |probe| database_health(&self.server, probe);
        self.keeper.end(&health);
    }
}
