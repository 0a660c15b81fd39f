//! Runs as `bench` makes them, one after the other on one database, for the parts that judge whole runs: the same plan,
//! rounds and figures, without a report.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::clock::Clock;
use super::trial::Trial;
use crate::analysis::summary;
use crate::cli::Selftest;
use crate::commands::bench::blank::{blank, run_id};
use crate::commands::bench::output::write_results;
use crate::commands::bench::site::{Workshop, database_health};
use crate::commands::bench::{describe, install_all};
use crate::commands::doctor;
use crate::machine::disturbances;
use crate::machine::sampler::{DATABASE, Sampler};
use crate::plan::items::Items;
use crate::plan::library::Library;
use crate::plan::request::{Experiment, Request, TargetSpec};
use crate::plan::{AT_ONCE, Plan};
use crate::results::{CallKind, Design, Operation, Results, Scale, TargetStatus};
use crate::run::observer::{Began, Observer};
use crate::run::site::Site as _;
use crate::run::{Outlets, Runner};
use crate::setup::database::{self, Server};
use crate::setup::npm::runtime::Runtime;
use crate::setup::npm::{self, Tools};
use crate::setup::sweep;
use crate::system::checkout::Checkout;
use crate::system::exit::Exit;
use crate::system::lock::{self, Lock};
use crate::system::owner::{self, Owner};
use crate::system::progress::Progress;
use crate::workers::worker::Probe;

/// Of every random choice.
pub const SEED: u64 = 1;
/// The margin of equivalence of a default run.
pub const MARGIN: f64 = 0.03;
/// Calls in flight of a default run.
const CONCURRENCY: u32 = 16;

/// The database, and the libraries as they were installed.
pub struct Lab<'a> {
    progress: &'a Progress,
    clock: &'a Clock,
    checkout: &'a Checkout,
    pub tools: Tools,
    /// What runs the suites.
    pub runtime: Runtime,
    pub benchmark: PathBuf,
    mizzle: Option<String>,
    options: database::Options,
    server: Option<Server>,
    /// By the library's id; one that npm could not deliver is missing.
    installs: BTreeMap<&'static str, PathBuf>,
    pub libraries: Vec<Library>,
    out: PathBuf,
    _lock: Lock,
}

impl<'a> Lab<'a> {
    /// Installs what is to be measured and starts the database.
    ///
    /// # Errors
    /// Where something is missing, another run holds the lock, or no library can be had.
    pub fn start(
        flags: &Selftest,
        checkout: &'a Checkout,
        progress: &'a Progress,
        clock: &'a Clock,
        out: &Path,
        libraries: &[Library],
    ) -> anyhow::Result<Lab<'a>> {
        clock.now("installing the libraries and starting the database");
        let lock = lock::acquire(checkout)?;
        let me = Owner::me(checkout);
        owner::mark_children(&me);
        sweep::sweep(&me, progress);
        let tools = doctor::require(&doctor::Needs { backend: flags.backend, jar: None, external: false })?;
        let options = database::Options::new(checkout, &run_id(), flags.backend, None, None, false)?;
        let benchmark = npm::prepare(checkout, &tools, progress)?;
        let mizzle = flags.mizzle.clone().filter(|_| libraries.iter().any(|library| library.id == "mizzle"));
        let mut lab = Lab {
            progress,
            clock,
            checkout,
            runtime: Runtime::on_path(&tools),
            tools,
            benchmark,
            mizzle,
            options,
            server: None,
            installs: BTreeMap::new(),
            libraries: Vec::new(),
            out: out.to_owned(),
            _lock: lock,
        };
        lab.install(libraries)?;
        lab.server = Some(database::start(&lab.options, progress)?);
        Ok(lab)
    }

    fn install(&mut self, libraries: &[Library]) -> anyhow::Result<()> {
        let plan = self.plan(&self.request(&[], libraries))?;
        let mut results = blank(&plan, self.checkout, &self.tools, run_id())?;
        let folders = [&self.benchmark, &self.benchmark];
        let found = install_all(&plan, self.checkout, &self.tools, folders, self.progress, &mut results)?;
        for (target, folder) in plan.targets.iter().zip(found) {
            if let Some(folder) = folder {
                self.libraries.push(target.library);
                self.installs.insert(target.library.id, folder);
            }
        }
        anyhow::ensure!(!self.libraries.is_empty(), Exit::Prerequisite("no library could be installed".to_owned()));
        Ok(())
    }

    fn plan(&self, request: &Request) -> anyhow::Result<Plan> {
        let mut plan = Plan::decide(request)?;
        plan.take_mizzle_from(&npm::default_mizzle(self.checkout));
        Ok(plan)
    }

    /// A default run of these libraries, which does not stop early. One that is named twice is measured twice.
    pub fn request(&self, operations: &[Operation], libraries: &[Library]) -> Request {
        let target = |&library: &Library| TargetSpec { library, spec: None, is_version: false };
        Request {
            scales: vec![Scale { name: "small".into(), items: 1_000 }],
            orm: Vec::new(),
            items: Items::default(),
            runtimes: Vec::new(),
            adapters: Vec::new(),
            targets: libraries.iter().map(target).collect(),
            mizzle: self.mizzle.clone().filter(|_| libraries.iter().any(|library| library.id == "mizzle")),
            prebuilt: false,
            calls: CallKind::Documented,
            operations: operations.to_vec(),
            rounds: None,
            time: None,
            warm_up: None,
            budget: None,
            precision: f64::MIN_POSITIVE,
            margin: MARGIN,
            concurrency: vec![CONCURRENCY],
            baseline: libraries.first().map(|library| library.id.to_owned()),
            seed: SEED,
            design: Design::Paired,
            at_once: AT_ONCE,
            handicap: Vec::new(),
            gated: false,
            against: false,
            experiment: Experiment::default(),
        }
    }

    /// Makes a run and keeps its results in a folder of this name. Targets in `usual_thresholds`, by their place, are
    /// started without lowered V8 thresholds.
    ///
    /// # Errors
    /// A signal, a database that can't be had, and a target that failed.
    pub fn run(&mut self, name: &str, request: &Request, usual_thresholds: Vec<usize>) -> anyhow::Result<Results> {
        let plan = self.plan(request)?;
        let mut results = blank(&plan, self.checkout, &self.tools, run_id())?;
        let folder = self.out.join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        let installs = plan.targets.iter().map(|target| self.installs.get(target.library.id).cloned()).collect();
        // Their import is not what is tested.
        let bundles = vec![None; plan.targets.len()];
        let mut runtimes = vec![self.runtime.clone(); plan.targets.len()];
        for at in usual_thresholds {
            runtimes[at] = self.runtime.clone().with_usual_thresholds();
        }
        let origin = Instant::now();
        let sampler = Sampler::start(origin).context("starting the sampler's thread")?;
        let server = self.server.take().map_or_else(|| database::start(&self.options, self.progress), Ok)?;
        results.database = describe(&server);
        let mut site = Workshop::open(
            &self.tools,
            &self.benchmark,
            [installs, bundles],
            runtimes,
            server,
            &self.options,
            self.progress,
        );
        if let Some(pid) = site.database_pid() {
            sampler.watch(DATABASE, pid);
        }
        let watcher = Watcher { clock: self.clock, progress: self.progress, name };
        let save = |_: &mut Results| Ok(());
        let outlets = Outlets { observer: &watcher, sampler: &sampler, out: &folder, origin, save: &save };
        let outcome = Runner::new(&plan, &mut site, &mut results, outlets).run();
        results.recorded_answers = site.recorded_answers();
        self.server = Some(site.into_server());
        let speed = outcome?;
        results.disturbances.extend(disturbances::assess(&sampler.take_windows(), &speed));
        results.run.duration_s = origin.elapsed().as_secs_f64();
        summary::summarize(&mut results);
        write_results(&folder, &results)?;
        match results.targets.iter().find(|target| target.status != TargetStatus::Ok) {
            Some(target) => {
                let why = target.reason.clone().unwrap_or_default();
                Err(Exit::Failed(format!("{}: {why}", target.id)).into())
            }
            None => Ok(results),
        }
    }

    /// The database.
    ///
    /// # Errors
    /// Where it is not running.
    pub fn server(&self) -> anyhow::Result<&Server> {
        self.server.as_ref().context("the database is not running")
    }

    /// What is wrong with the database.
    pub fn health(&self, probe: Probe) -> Option<String> {
        self.server.as_ref().map_or_else(|| Some("it is not running".to_owned()), |it| database_health(it, probe))
    }

    /// Where a library's processes are started.
    pub fn install_of(&self, library: Library) -> &Path {
        self.installs.get(library.id).map_or(self.benchmark.as_path(), PathBuf::as_path)
    }

    /// The library that stands for itself where copies of one are measured.
    pub fn first(&self) -> Library {
        self.libraries[0]
    }
}

/// The id that a plan gives to the copies of a library.
pub fn copy(library: Library, number: usize) -> String {
    if number == 0 { library.id.to_owned() } else { format!("{}#{}", library.id, number + 1) }
}

/// About how long a run with so much time of its own takes beside it: seeding, and dropping the table.
pub const AROUND_A_RUN: Duration = Duration::from_secs(4);

/// Long enough for processes to settle in a run that is shorter than a default one, whose verdicts would say nothing else.
pub const LONGEST_WARM_UP: Duration = Duration::from_secs(30);

/// A line in the details about whether a run measured what it was to measure: its length and its rounds.
pub fn length(name: &str, results: &Results) -> String {
    format!("{name}: {:.0} s, {} rounds", results.run.duration_s, results.schedule.len())
}

/// Processes of a run that had not settled, as a trial of its part; None where all had.
pub fn unsettled(part: &'static str, runs: &[Results]) -> Option<Trial> {
    let rounds = || runs.iter().flat_map(|run| &run.measurements).flat_map(|one| &one.per_round);
    let unsettled = rounds().filter(|round| !round.warm_up.settled).count();
    (unsettled > 0).then(|| {
        let found = format!("{unsettled} of {} cells had not", rounds().count());
        Trial::new(part, "warm-up", "every process settles", found, false)
    })
}

/// Shows where a run is.
struct Watcher<'a> {
    clock: &'a Clock,
    progress: &'a Progress,
    name: &'a str,
}

impl Observer for Watcher<'_> {
    fn round_began(&self, round: Began<'_>) {
        self.clock.now(&format!("{}: round {} of {}", self.name, round.done + 1, round.planned));
    }

    fn warn(&self, text: &str) {
        self.progress.warn(text);
    }
}
