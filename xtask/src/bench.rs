//! `cargo xtask bench`: the steps of a run, from flags to a finished report. Whatever ends it early, what was measured
//! is kept and what was started is stopped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;

use crate::against::Against;
use crate::checkout::Checkout;
use crate::cli::Bench;
use crate::compare::FailOn;
use crate::database::{self, Server};
use crate::exit::{Exit, code_of};
use crate::machine;
use crate::npm::{self, Install, Tools};
use crate::owner::Owner;
use crate::plan::{Plan, PlannedTarget};
use crate::progress::Progress;
use crate::progress::say;
use crate::results::{
    Disturbance, DisturbanceKind, Failure, Measurement, Results, Run, RunStatus, SCHEMA_VERSION, Settings, Target,
    TargetStatus, Timeline,
};
use crate::run::Runner;
use crate::sampler::{DATABASE, Sampler};
use crate::{
    ci, disturbances, doctor, environment, files, gate, interrupt, load, lock, owner, report, resume, summary,
};

/// Resamples of every bootstrap.
const RESAMPLES: u32 = 1_000;
/// The exit code of a specification that leads nowhere.
const BAD_INPUT: u8 = 2;
/// The exit code of what a machine must have and hasn't.
const PREREQUISITE: u8 = 3;
/// Other load, percent of a core, under which the machine counts as quiet.
const QUIET_PERCENT: f64 = 15.0;

impl Bench {
    /// Runs the whole benchmark.
    ///
    /// # Errors
    /// An [`Exit`] for every end other than success; what was measured until then is in `--out`.
    pub fn run(mut self) -> anyhow::Result<()> {
        let ci = self.ci || std::env::var_os("CI").is_some_and(|value| value == "true");
        self.strict |= ci;
        let mut plan = Plan::decide(&self)?;
        let fail_on = FailOn::parse(&self.fail_on)?;
        let checkout = Checkout::find()?;
        let from_tree = plan.take_mizzle_from(&npm::default_mizzle(&checkout));
        let against = self.against.as_deref().map(|text| Against::find(&checkout, text)).transpose()?;
        if let Some(against) = &against {
            plan.stand_beside(against, &checkout)?;
        }
        let id = run_id();
        let out = self.resume.clone().or_else(|| self.out.clone()).unwrap_or_else(|| checkout.bench().join(&id));
        let earlier = self.resume.as_deref().map(resume::load).transpose()?;
        files::check_folder(&out).map_err(|why| Exit::BadInput(format!("--out {}: {why}", out.display())))?;
        check_specs(&plan)?;
        if self.dry_run {
            say(plan.describe(&out));
            return Ok(());
        }
        let progress = Progress::new(ci);
        if let Some(words) = from_tree {
            progress.line(words);
        }
        let _lock = lock::acquire(&checkout)?;
        let me = Owner::me(&checkout);
        owner::mark_children(&me);
        owner::sweep(&me, &progress);
        let tools = doctor::require(&self.needs())?;
        let options = self.database_options(&checkout, &id)?;
        let benchmark = npm::prepare(&checkout, &tools, &progress)?;
        let base = match &against {
            Some(against) if plan.targets.iter().any(|target| target.base_of.is_some()) => {
                Some(npm::prepare_beside(&checkout, &tools, &benchmark, against, &progress)?)
            }
            Some(against) => {
                progress.line(format!("  no adapter and no locked library differs from {}", against.name));
                None
            }
            None => None,
        };
        let mut results = blank(&plan, &checkout, &tools, id)?;
        // A run that goes on has one time line: its second part begins where the first one ended.
        let mut origin = Instant::now();
        if let Some(earlier) = &earlier {
            resume::check_settings(&results, earlier)?;
            origin = origin.checked_sub(Duration::from_secs_f64(earlier.run.duration_s)).unwrap_or(origin);
        }
        let folders = [&benchmark, base.as_ref().unwrap_or(&benchmark)];
        let installs = install_all(&plan, &checkout, &tools, folders, &progress, &mut results);
        if let Err(why) = &installs
            && matches!(code_of(why), BAD_INPUT | PREREQUISITE)
        {
            // Nothing has begun: there is nothing to report but the reason.
            return installs.map(drop);
        }
        std::fs::create_dir_all(&out).with_context(|| format!("creating {}", out.display()))?;
        let ready = (|| -> anyhow::Result<_> {
            let installs = installs?;
            let server = start_database(&options, &progress)?;
            results.database = describe(&server);
            if let Some(earlier) = earlier {
                resume::take_over(&mut results, earlier)?;
            }
            results.run.fingerprint = resume::fingerprint(&results);
            Ok((installs, server))
        })();
        let outcome = match ready {
            Ok((installs, server)) => self.measure(
                &plan,
                &tools,
                &benchmark,
                installs,
                server,
                &options,
                &progress,
                &out,
                origin,
                &mut results,
            ),
            // The files are still the earlier run's, and hold what it measured.
            Err(why) if self.resume.is_some() => return Err(why),
            Err(why) => Err(why),
        };
        self.finish(&checkout, &progress, &out, origin, results, outcome, ci, &fail_on)
    }

    /// Measures every scale; the server is stopped when this returns, however it does.
    #[allow(clippy::too_many_arguments)] // Each is made by one step of `run`, and all of them end here.
    fn measure(
        &self,
        plan: &Plan,
        tools: &Tools,
        benchmark: &Path,
        installs: Vec<Option<PathBuf>>,
        server: Server,
        options: &database::Options,
        progress: &Progress,
        out: &Path,
        origin: Instant,
        results: &mut Results,
    ) -> anyhow::Result<()> {
        let sampler = Sampler::start(origin).context("starting the sampler's thread")?;
        if let Some(pid) = server.pid {
            sampler.watch(DATABASE, pid);
        }
        if let Some(load) = machine::wait_for_quiet(QUIET_PERCENT, self.patience)? {
            let detail = format!("before the start other processes used {load:.0}% of a core, and did not calm down");
            progress.warn(&detail);
            results.disturbances.push(Disturbance {
                kind: DisturbanceKind::OtherLoad,
                at_ms: Some(0.0),
                detail,
                serious: false,
            });
        }
        let cpu_before = (machine::own_cpu_ms(), Instant::now());
        let mut runner = Runner {
            plan,
            progress,
            npm: &tools.npm,
            benchmark,
            installs,
            out,
            origin,
            scale_started: origin,
            took: BTreeMap::new(),
            scan_ms: BTreeMap::new(),
            sampler: &sampler,
            server,
            start_server: &|| start_database(options, progress),
            restarted: false,
            speed: Vec::new(),
            results,
            save: &|results| {
                results.run.duration_s = origin.elapsed().as_secs_f64();
                summary::summarize(results);
                write_results(out, results)
            },
        };
        let mut outcome = Ok(());
        for scale in &plan.scales {
            match runner.run_scale(scale) {
                Ok(why) => {
                    progress.line(format!("{}: measured until {why}", scale.scale.name));
                    runner.results.stop_because(&scale.scale.name, &why);
                }
                Err(why) => {
                    outcome = Err(why);
                    break;
                }
            }
        }
        let speed = std::mem::take(&mut runner.speed);
        if self.keep_database {
            progress.line(format!("the database is left running at {}", runner.server.endpoint));
            if let Some(how) = runner.server.leave() {
                progress.line(format!("  to stop it: {how}"));
            }
        } else {
            runner.server.stop();
        }
        results.disturbances.extend(disturbances::assess(&sampler.take_besides(), &speed));
        let wall_ms = cpu_before.1.elapsed().as_secs_f64() * 1e3;
        results.harness_cpu_percent = Some((machine::own_cpu_ms() - cpu_before.0) / wall_ms * 100.0);
        outcome
    }

    /// Writes, renders and prints what there is, and decides how the command ends.
    #[allow(clippy::too_many_arguments)]
    fn finish(
        &self,
        checkout: &Checkout,
        progress: &Progress,
        out: &Path,
        origin: Instant,
        mut results: Results,
        mut outcome: anyhow::Result<()>,
        ci: bool,
        fail_on: &FailOn,
    ) -> anyhow::Result<()> {
        results.run.finished_at = Some(now());
        results.run.duration_s = origin.elapsed().as_secs_f64();
        let exit = self.judge(&mut results, &outcome);
        summary::summarize(&mut results);
        let written = write_results(out, &results).and_then(|()| report::render(&results, out));
        match written {
            Ok(files) => {
                let latest = point_latest(checkout, out);
                say(report::terminal_summary(&results, report::terminal_width(), console::colors_enabled()));
                for file in files.iter().filter(|file| file.extension().is_none_or(|end| end != "svg")) {
                    progress.line(format!("  {}", file.display()));
                }
                if let Err(why) = latest {
                    progress.warn(format!("{why:#}"));
                }
            }
            Err(why) => outcome = outcome.and(Err(rescue(&results, &why, progress).into())),
        }
        if ci {
            ci::show(&results)?;
        }
        let compared = gate::of_run(&results, fail_on, out, ci);
        outcome?;
        if let Some(exit) = exit {
            return Err(exit.into());
        }
        if let Some(name) = &self.save_baseline {
            let path = load::baseline_path(checkout, name)?;
            files::write_whole(&path, &serde_json::to_vec(&results)?)?;
            progress.line(format!("baseline {name}: {}", path.display()));
        }
        match compared {
            Ok(Some(comparison)) if !self.fail_on.is_empty() => comparison.verdict()?,
            Err(why) if !self.fail_on.is_empty() => return Err(why),
            Err(why) => progress.warn(format!("{why:#}")),
            Ok(_) => {}
        }
        // A signal that came when all was measured already kept nothing from being written.
        interrupt::check()
    }

    /// The run's status and reason, and the exit that it asks for.
    fn judge(&self, results: &mut Results, outcome: &anyhow::Result<()>) -> Option<Exit> {
        let of = |status: TargetStatus| -> Vec<String> {
            results.targets.iter().filter(|target| target.status == status).map(|target| target.id.clone()).collect()
        };
        let mut bad = of(TargetStatus::WrongWork);
        bad.extend(of(TargetStatus::Failed));
        let unavailable = of(TargetStatus::Unavailable);
        let (status, reason, exit) = if let Err(why) = outcome {
            match why.chain().find_map(|cause| cause.downcast_ref::<Exit>()) {
                Some(Exit::Interrupted { .. }) => {
                    (RunStatus::Interrupted, Some("stopped by a signal".to_owned()), None)
                }
                _ => (RunStatus::Failed, Some(format!("{why:#}")), None),
            }
        } else if !bad.is_empty() {
            let why = format!("failed or did wrong work: {}", bad.join(", "));
            (RunStatus::Failed, Some(why.clone()), Some(Exit::Failed(why)))
        } else if !unavailable.is_empty() {
            let why = format!("npm could not deliver {}", unavailable.join(", "));
            (RunStatus::Incomplete, Some(why.clone()), self.strict.then_some(Exit::Failed(why)))
        } else {
            (RunStatus::Complete, None, None)
        };
        for measurement in &mut results.measurements {
            if measurement.per_round.is_empty() && measurement.failure.is_none() {
                let stage = if status == RunStatus::Interrupted { "interrupted" } else { "measure" };
                let cause = reason.clone().unwrap_or_else(|| "it was not measured".to_owned());
                measurement.failure = Some(Failure { stage: stage.to_owned(), cause });
            }
        }
        results.run.status = status;
        results.run.reason = reason;
        exit
    }

    fn needs(&self) -> doctor::Needs {
        doctor::Needs { backend: self.backend, jar: self.jar.clone(), external: self.endpoint.is_some() }
    }

    fn database_options(&self, checkout: &Checkout, id: &str) -> anyhow::Result<database::Options> {
        database::Options::new(
            checkout,
            id,
            self.backend,
            self.jar.clone(),
            self.endpoint.clone(),
            self.allow_remote_endpoint,
        )
    }
}

/// A results file of a run that has not begun: every planned measurement has its place.
fn blank(plan: &Plan, checkout: &Checkout, tools: &Tools, id: String) -> anyhow::Result<Results> {
    let commit = environment::git_commit(&checkout.root);
    let first = plan.scales.first();
    Ok(Results {
        schema_version: SCHEMA_VERSION,
        run: Run {
            id,
            started_at: now(),
            finished_at: None,
            duration_s: 0.0,
            status: RunStatus::Incomplete,
            reason: Some("the run did not come to its end".to_owned()),
            stopped_because: None,
            command: command_line(),
            git_commit: commit.as_ref().map(|(commit, _)| commit.clone()),
            git_dirty: commit.map(|(_, dirty)| dirty),
            seed: plan.seed,
            fingerprint: String::new(),
        },
        environment: environment::read(tools)?,
        database: crate::results::Database {
            backend: crate::results::Backend::External,
            version: None,
            image: None,
            endpoint: String::new(),
        },
        settings: Settings {
            rounds: first.map_or(0, |scale| scale.rounds),
            time_ms: first.map_or(0.0, |scale| (scale.latency_time(plan).as_secs_f64() * 1e3).round()),
            concurrency: plan.concurrency,
            more_concurrencies: plan.more_concurrencies.clone(),
            scales: plan.scales.iter().map(|scale| scale.scale.clone()).collect(),
            operations: plan.operations.clone(),
            design: plan.design,
            equivalence_margin: plan.margin,
            precision: Some(plan.precision),
            resamples: RESAMPLES,
        },
        targets: plan.targets.iter().map(|target| blank_target(plan, target)).collect(),
        measurements: blank_measurements(plan),
        database_usage: Vec::new(),
        cold_starts: Vec::new(),
        disturbances: Vec::new(),
        schedule: Vec::new(),
        timeline: Timeline::default(),
        harness_cpu_percent: None,
    })
}

/// Installs the targets that have a spec of their own. What npm can't deliver is unavailable, unless the user named it.
fn install_all(
    plan: &Plan,
    checkout: &Checkout,
    tools: &Tools,
    [own, base]: [&PathBuf; 2],
    progress: &Progress,
    results: &mut Results,
) -> anyhow::Result<Vec<Option<PathBuf>>> {
    let mut folders = Vec::new();
    for (planned, target) in plan.targets.iter().zip(&mut results.targets) {
        let benchmark = if planned.base_of.is_some() { base } else { own };
        let install = match &planned.spec {
            None => npm::locked(benchmark, planned.library),
            Some(spec) => {
                npm::stage(checkout, tools, own, planned.library, spec, planned.prebuilt, progress).and_then(|staged| {
                    target.source = staged.source;
                    npm::install(checkout, tools, benchmark, planned.library, &staged.spec, progress)
                })
            }
        };
        match install {
            Ok(install) => {
                progress.line(describe_install(&planned.id, &install));
                target.version = install.library_version;
                target.sdk_version = Some(install.sdk_version);
                target.own_sdk_version = install.own_sdk_version;
                target.installed_mb = install.installed_mb;
                folders.push(Some(install.dir));
            }
            Err(why) => {
                interrupt::check()?;
                if planned.named {
                    return Err(refuse(planned, &why));
                }
                progress.warn(format!("{} is left out: {why:#}", planned.id));
                target.status = TargetStatus::Unavailable;
                target.reason = Some(format!("{why:#}"));
                let failure = Failure { stage: "install".to_owned(), cause: format!("{why:#}") };
                for measurement in results.measurements.iter_mut().filter(|one| one.target == planned.id) {
                    measurement.failure = Some(failure.clone());
                }
                folders.push(None);
            }
        }
    }
    Ok(folders)
}

/// Whether every spec can be meant at all: one that the user named and that can't ends the command here.
fn check_specs(plan: &Plan) -> anyhow::Result<()> {
    for target in plan.targets.iter().filter(|target| target.named) {
        if let Some(spec) = &target.spec
            && let Err(why) = npm::check_spec(target.library, spec)
        {
            return Err(refuse(target, &why));
        }
    }
    Ok(())
}

/// A specification that leads to no library, with the reason: bad input, unless the machine is what stands in its way.
fn refuse(target: &PlannedTarget, why: &anyhow::Error) -> anyhow::Error {
    let words = format!("{}: {why:#}", target.asked);
    let is_machine = why.chain().any(|cause| matches!(cause.downcast_ref(), Some(Exit::Prerequisite(_))));
    if is_machine { Exit::Prerequisite(words).into() } else { Exit::BadInput(words).into() }
}

fn describe_install(id: &str, install: &Install) -> String {
    let version = install.library_version.as_deref().unwrap_or("unknown version");
    let own = install.own_sdk_version.as_ref().map_or(String::new(), |own| format!(", its own {own}"));
    format!("  {id}: {version} (AWS SDK {}{own})", install.sdk_version)
}

fn start_database(options: &database::Options, progress: &Progress) -> anyhow::Result<Server> {
    database::start(options, progress)
}

fn describe(server: &Server) -> crate::results::Database {
    crate::results::Database {
        backend: server.backend,
        version: server.version.clone(),
        image: server.image.clone(),
        endpoint: server.endpoint.clone(),
    }
}

fn blank_target(plan: &Plan, target: &PlannedTarget) -> Target {
    Target {
        id: target.id.clone(),
        name: target.id.replacen(target.library.id, target.library.name, 1),
        adapter: target.library.id.to_owned(),
        version: None,
        spec: target.spec_in_words(),
        baseline: plan.baseline.as_ref() == Some(&target.id),
        base_of: target.base_of.as_ref().map(|base| base.target.clone()),
        status: TargetStatus::Ok,
        reason: None,
        sdk_version: None,
        own_sdk_version: None,
        source: None,
        installed_mb: None,
        handicap_us: target.handicap_us.clone(),
    }
}

fn blank_measurements(plan: &Plan) -> Vec<Measurement> {
    let mut measurements = Vec::new();
    for scale in &plan.scales {
        for &operation in &plan.operations {
            for target in &plan.targets {
                measurements.push(Measurement {
                    scale: scale.scale.name.clone(),
                    items: scale.scale.items,
                    operation,
                    target: target.id.clone(),
                    samples: 0,
                    rounds: 0,
                    errors: 0,
                    failure: None,
                    latency_ms: None,
                    throughput: None,
                    more_throughput: Vec::new(),
                    cpu: None,
                    memory_mb: None,
                    work: None,
                    vs_baseline: None,
                    warnings: Vec::new(),
                    per_round: Vec::new(),
                });
            }
        }
    }
    measurements
}

fn write_results(out: &Path, results: &Results) -> anyhow::Result<()> {
    let path = out.join("results.json");
    let bytes = serde_json::to_vec(results).context("writing the results as JSON")?;
    files::write_whole(&path, &bytes).with_context(|| format!("writing {}", path.display()))
}

/// The folder of the results can't be written: they go to a temporary file that is named, else to standard output.
fn rescue(results: &Results, why: &anyhow::Error, progress: &Progress) -> Exit {
    let bytes = serde_json::to_vec(results).unwrap_or_default();
    let path = std::env::temp_dir().join(format!("results-{}.json", results.run.id));
    if files::write_whole(&path, &bytes).is_ok() {
        progress.warn(format!("{why:#}; the results are in {}", path.display()));
    } else {
        say(String::from_utf8_lossy(&bytes));
        progress.warn(format!("{why:#}; the results went to standard output"));
    }
    Exit::Failed(format!("the results could not be written where they belong: {why:#}"))
}

/// Points `target/bench/latest` at a run's folder.
fn point_latest(checkout: &Checkout, out: &Path) -> anyhow::Result<()> {
    let folder = checkout.bench();
    std::fs::create_dir_all(&folder)?;
    let link = folder.join("latest");
    let fresh = folder.join(format!(".latest-{}", std::process::id()));
    let out = std::path::absolute(out)?;
    std::os::unix::fs::symlink(&out, &fresh)
        .and_then(|()| std::fs::rename(&fresh, &link))
        .with_context(|| format!("pointing {} at the run", link.display()))
}

/// The command as it would be typed.
fn command_line() -> String {
    let arguments = std::env::args().skip(1).map(|argument| {
        let plain = argument.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=@:,%#^~+".contains(c));
        if plain && !argument.is_empty() { argument } else { format!("'{}'", argument.replace('\'', "'\\''")) }
    });
    std::iter::once("cargo xtask".to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Now, RFC 3339 in UTC.
fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// The time and the process's id: `20260101-120000-4242`.
fn run_id() -> String {
    let digits: String = now().chars().filter(char::is_ascii_digit).collect();
    format!("{}-{}-{}", &digits[..8], &digits[8..], std::process::id())
}
