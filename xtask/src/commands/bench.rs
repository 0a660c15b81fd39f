//! `cargo xtask bench`: the steps of a run, from flags to a finished report. Whatever ends it early, what was measured
//! is kept and what was started is stopped.

pub mod blank;
mod board;
mod bundling;
mod dry_run;
mod gate;
pub mod output;
mod own_item;
pub mod site;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::analysis::compare::FailOn;
use crate::analysis::summary;
use crate::cli::Bench;
use crate::commands::compare;
use crate::commands::doctor;
use crate::machine::disturbances;
use crate::machine::load;
use crate::machine::sampler::{DATABASE, Sampler};
use crate::plan::library::Library;
use crate::plan::outside::Outside;
use crate::plan::{Plan, PlannedTarget};
use crate::report;
use crate::report::github;
use crate::results::baselines;
use crate::results::{Disturbance, DisturbanceKind, Failure, Results, RunStatus, TargetStatus};
use crate::run::kept::wanted;
use crate::run::site::Site as _;
use crate::run::{Outlets, Runner, over_budget};

use blank::{blank, now, run_id};
use board::Board;
use output::{point_latest, rescue, write_results};
use site::Workshop;

use crate::run::resume;
use crate::setup::against::Against;
use crate::setup::database::{self, Server};
use crate::setup::npm::runtime::{self, Runtime};
use crate::setup::npm::{self, Install, Tools};
use crate::setup::sweep;
use crate::system::checkout::Checkout;
use crate::system::exit::{Exit, code_of};
use crate::system::files;
use crate::system::interrupt;
use crate::system::lock;
use crate::system::owner;
use crate::system::owner::Owner;
use crate::system::progress::Progress;
use crate::system::progress::print_line;
pub use site::database_health;

/// The exit code of a specification that leads nowhere.
const BAD_INPUT: u8 = 2;
/// The exit code of a missing prerequisite.
const PREREQUISITE: u8 = 3;
/// Other load, percent of a core, under which the machine counts as quiet.
const QUIET_PERCENT: f64 = 15.0;

/// What the steps of a run share.
struct Running<'a> {
    checkout: &'a Checkout,
    progress: &'a Progress,
    /// Where results go.
    out: &'a Path,
    /// The beginning of the run's time line.
    origin: Instant,
    ci: bool,
}

impl Bench {
    /// Runs the whole benchmark.
    ///
    /// # Errors
    /// An [`Exit`] for every end other than success; what was measured until then is in `--out`.
    pub fn run(mut self) -> anyhow::Result<()> {
        let ci = self.ci || std::env::var_os("CI").is_some_and(|value| value == "true");
        self.strict |= ci;
        let mut plan = Plan::decide(&self.full_request()?)?;
        if self.reuse_database {
            database::kept::check(self.backend)?;
        }
        let fail_on = FailOn::parse(&self.fail_on).map_err(Exit::BadInput)?;
        let checkout = Checkout::find()?;
        let from_tree = plan.take_mizzle_from(&npm::default_mizzle(&checkout));
        let against = self.against.as_deref().map(|text| Against::find(&checkout, text)).transpose()?;
        if let Some(against) = &against {
            plan.stand_beside(&against.name, |library| against.changes(&checkout, library))?;
        }
        let id = run_id();
        let out = self.resume.clone().or_else(|| self.out.clone()).unwrap_or_else(|| checkout.bench().join(&id));
        let earlier = self.resume.as_deref().map(resume::load).transpose()?;
        files::check_folder(&out).map_err(|why| Exit::BadInput(format!("--out {}: {why}", out.display())))?;
        check_specs(&plan)?;
        let unlike = against.as_ref().and_then(|against| gate::note(&plan, &against.name, !self.fail_on.is_empty()));
        let notes = [from_tree, plan.baseline_note(&self.request()), unlike].into_iter().flatten();
        let notes: Vec<String> = notes.chain(over_budget(&plan)).collect();
        if self.dry_run {
            let width = report::terminal_width();
            let mut rows = plan.describe(&out);
            for spec in plan.runtimes() {
                rows.push(("Runtime", format!("{spec}: {}", runtime::foresee(&checkout, spec))));
            }
            if self.reuse_database {
                rows.push(("Database", format!("kept in {}", checkout.bench().join(database::kept::FOLDER).display())));
            }
            let lines = dry_run::lines(&rows, width).into_iter();
            lines.chain(notes.iter().flat_map(|note| report::text::wrap(note, width, 0, 0))).for_each(print_line);
            return Ok(());
        }
        let progress = Progress::new(ci);
        for words in &notes {
            progress.line(words);
        }
        let _lock = lock::acquire(&checkout)?;
        let me = Owner::me(&checkout);
        owner::mark_children(&me);
        sweep::sweep(&me, &progress);
        let tools = doctor::require(&self.needs())?;
        let options = self.database_options(&checkout, &id, &plan)?;
        let runtimes = find_runtimes(&plan, &checkout, &tools, &progress)?;
        let benchmark = npm::prepare(&checkout, &tools, &progress)?;
        let base = match &against {
            Some(against) if plan.targets.iter().any(|target| target.base_of.is_some()) => {
                Some(npm::prepare_beside(&checkout, &tools, &benchmark, against, &progress)?)
            }
            _ => None,
        };
        build_adapters(&mut plan, &checkout, &tools, &benchmark, &progress)?;
        let mut results = blank(&plan, &checkout, &tools, id)?;
        note_runtimes(&plan, &runtimes, &mut results);
        // A run that goes on has one time line: its second part begins where the first one ended.
        let mut origin = Instant::now();
        if let Some(earlier) = &earlier {
            resume::check_settings(&results, earlier)?;
            origin = origin.checked_sub(Duration::from_secs_f64(earlier.run.duration_s)).unwrap_or(origin);
        }
        own_item::leave_out(&plan, &tools, &benchmark, &progress, &mut results)?;
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
            let (bundles, server) = bundling::meanwhile(
                || bundling::bundle(&plan, &tools, &benchmark, &installs, &out),
                || database::start(&options, &progress),
            );
            let server = server?;
            let bundles = bundling::note(bundles, &mut results, &out, &progress)?;
            results.database = describe(&server);
            if let Some(earlier) = earlier {
                resume::take_over(&mut results, earlier)?;
            }
            results.run.fingerprint = resume::fingerprint(&results);
            Ok(([installs, bundles], server))
        })();
        let run = Running { checkout: &checkout, progress: &progress, out: &out, origin, ci };
        let outcome = match ready {
            Ok((installs, server)) => {
                let site = Workshop::open(&tools, &benchmark, installs, runtimes, server, &options, &progress);
                self.measure(&plan, site, &run, &mut results)
            }
            // The files are still the earlier run's, and hold what it measured.
            Err(why) if self.resume.is_some() => return Err(why),
            Err(why) => Err(why),
        };
        self.finish(&run, results, outcome, &fail_on)
    }

    /// Measures every scale; the server is stopped when this returns, however it does.
    fn measure(
        &self,
        plan: &Plan,
        mut site: Workshop<'_>,
        run: &Running<'_>,
        results: &mut Results,
    ) -> anyhow::Result<()> {
        let sampler = Sampler::start(run.origin).context("starting the sampler's thread")?;
        if let Some(pid) = site.database_pid() {
            sampler.watch(DATABASE, pid);
        }
        if let Some(load) = load::wait_for_quiet(QUIET_PERCENT, self.patience)? {
            let detail = format!("other processes used {load:.0}% of a core before the start and did not become idle");
            run.progress.warn(&detail);
            results.disturbances.push(Disturbance {
                kind: DisturbanceKind::OtherLoad,
                at_ms: Some(0.0),
                detail,
                serious: false,
            });
        }
        let cpu_before = (load::own_cpu_ms(), Instant::now());
        let board = Board::new(run.progress, plan);
        let save = |results: &mut Results| {
            results.run.duration_s = run.origin.elapsed().as_secs_f64();
            summary::summarize(results);
            write_results(run.out, results)
        };
        let outlets = Outlets { observer: &board, sampler: &sampler, out: run.out, origin: run.origin, save: &save };
        let outcome = Runner::new(plan, &mut site, results, outlets).run();
        drop(board);
        results.recorded_answers = site.recorded_answers();
        if self.keep_database {
            site.leave_database(run.progress);
        } else {
            site.stop_database();
        }
        let speed = outcome.as_ref().map_or(&[][..], Vec::as_slice);
        results.disturbances.extend(disturbances::assess(&sampler.take_windows(), speed));
        let wall_ms = cpu_before.1.elapsed().as_secs_f64() * 1e3;
        results.harness_cpu_percent = Some((load::own_cpu_ms() - cpu_before.0) / wall_ms * 100.0);
        outcome.map(drop)
    }

    /// Writes, renders and prints what there is, and decides how the command ends.
    fn finish(
        &self,
        run: &Running<'_>,
        mut results: Results,
        mut outcome: anyhow::Result<()>,
        fail_on: &FailOn,
    ) -> anyhow::Result<()> {
        let &Running { checkout, progress, out, origin, ci } = run;
        results.run.finished_at = Some(now());
        results.run.duration_s = origin.elapsed().as_secs_f64();
        let exit = self.judge(&mut results, &outcome);
        summary::summarize(&mut results);
        let written = write_results(out, &results).and_then(|()| report::render(&results, out));
        match written {
            Ok(files) => {
                let latest = point_latest(checkout, out);
                print_line(report::terminal_summary(&results, report::terminal_width(), console::colors_enabled()));
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
            github::show(&results)?;
        }
        let compared = compare::of_run(&results, fail_on, out, ci);
        outcome?;
        if let Some(exit) = exit {
            return Err(exit.into());
        }
        if let Some(name) = &self.save_baseline {
            let path = baselines::baseline_path(checkout, name)?;
            files::write_whole(&path, &serde_json::to_vec(&results)?)?;
            progress.line(format!("baseline {name}: {}", path.display()));
        }
        match compared {
            Ok(Some(comparison)) if !self.fail_on.is_empty() => compare::verdict(&comparison)?,
            Err(why) if !self.fail_on.is_empty() => return Err(why),
            Err(why) => progress.warn(format!("{why:#}")),
            Ok(None) if !self.fail_on.is_empty() => print_line(gate::NOTHING),
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
            let why = format!("not available: {}", unavailable.join(", "));
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

    fn database_options(&self, checkout: &Checkout, id: &str, plan: &Plan) -> anyhow::Result<database::Options> {
        let options = database::Options::new(
            checkout,
            id,
            self.backend,
            self.jar.clone(),
            self.endpoint.clone(),
            self.allow_remote_endpoint,
        )?;
        Ok(match plan.scales.first() {
            Some(scale) if self.reuse_database => options.keeping(&wanted(plan, scale)),
            Some(scale) => options.for_items(scale.scale.items),
            None => options,
        })
    }
}

/// What runs each target; each runtime is looked for once. Says which of them are past their time.
fn find_runtimes(plan: &Plan, checkout: &Checkout, tools: &Tools, progress: &Progress) -> anyhow::Result<Vec<Runtime>> {
    let mut found = Vec::new();
    for spec in plan.runtimes() {
        let runtime = runtime::find(checkout, tools, spec, progress)?;
        if let Some(words) = runtime.outdated() {
            progress.warn(words);
        }
        found.push((spec, runtime));
    }
    let of = |target: &PlannedTarget| {
        let found = found.iter().find(|(spec, _)| **spec == target.runtime);
        found.map(|(_, runtime)| runtime.clone()).context("a target has no runtime")
    };
    plan.targets.iter().map(of).collect()
}

/// Names the runtimes in the results, and in the targets' names where there are several.
fn note_runtimes(plan: &Plan, runtimes: &[Runtime], results: &mut Results) {
    let several = plan.runtimes().len() > 1;
    for ((planned, runtime), target) in plan.targets.iter().zip(runtimes).zip(&mut results.targets) {
        if several {
            target.name = format!("{} on {}", target.name, runtime.name());
        }
        target.runtime = Some(crate::results::Runtime {
            name: runtime.engine.name().to_owned(),
            version: runtime.version.clone(),
            spec: planned.runtime.to_string(),
        });
    }
}

/// Installs the targets that have a spec of their own. What npm can't deliver is unavailable, unless the user named it.
pub fn install_all(
    plan: &Plan,
    checkout: &Checkout,
    tools: &Tools,
    [own, base]: [&PathBuf; 2],
    progress: &Progress,
    results: &mut Results,
) -> anyhow::Result<Vec<Option<PathBuf>>> {
    let mut folders = Vec::new();
    for (planned, target) in plan.targets.iter().zip(&mut results.targets) {
        if target.status == TargetStatus::Unavailable {
            folders.push(None);
            continue;
        }
        let benchmark = if planned.base_of.is_some() { base } else { own };
        let install = match &planned.spec {
            None => match &planned.outside {
                Some(outside) => installed_outside(own, planned.library, outside),
                None => npm::locked(benchmark, planned.library),
            },
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
                if let Some(what) = report::unpublished(target) {
                    progress.line(format!("  {}: {what}, not a published version", planned.id));
                }
                target.version = install.library_version;
                target.sdk_version = install.sdk_version;
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

/// Makes the adapters outside this repository into programs, which say which libraries they are of.
fn build_adapters(
    plan: &mut Plan,
    checkout: &Checkout,
    tools: &Tools,
    benchmark: &Path,
    progress: &Progress,
) -> anyhow::Result<()> {
    for target in &mut plan.targets {
        let Some(outside) = &mut target.outside else { continue };
        let step = progress.step(format!("trying the adapter in {}", outside.file.display()));
        let built = npm::outside::build(checkout, tools, benchmark, target.library.id, &outside.file);
        drop(step);
        match built {
            Ok((library, built)) => {
                target.library = library;
                outside.built = Some(built);
            }
            Err(why) => {
                interrupt::check()?;
                return Err(refuse(target, &why));
            }
        }
    }
    Ok(())
}

fn installed_outside(benchmark: &Path, library: Library, outside: &Outside) -> anyhow::Result<Install> {
    let program = outside.built.as_ref().map_or(outside.file.as_path(), |built| built.program.as_path());
    npm::outside::installed(benchmark, library, &outside.file, program)
}

/// Whether every spec can be meant at all: one that the user named and that can't ends the command here.
fn check_specs(plan: &Plan) -> anyhow::Result<()> {
    for target in plan.targets.iter().filter(|target| target.named) {
        if let Some(outside) = &target.outside
            && let Err(why) = npm::outside::check_adapter(&outside.file)
        {
            return Err(refuse(target, &why));
        }
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
    let sdk = install.sdk_version.as_ref().map_or_else(|| "no AWS SDK".to_owned(), |sdk| format!("AWS SDK {sdk}"));
    format!("  {id}: {version} ({sdk}{own})")
}

pub fn describe(server: &Server) -> crate::results::Database {
    crate::results::Database {
        backend: server.backend,
        version: server.version.clone(),
        image: server.image.clone(),
        endpoint: server.endpoint.clone(),
        kept: server.kept.is_some(),
        reused: Vec::new(),
    }
}
