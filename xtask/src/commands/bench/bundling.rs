//! The bundles of a run's targets, for the cold start: made while the database starts, and their sizes in the results.

use std::path::{Path, PathBuf};
use std::thread;

use crate::plan::Plan;
use crate::results::{Bundle, Results};
use crate::setup::npm::Tools;
use crate::setup::npm::bundles::{self, Wanted};
use crate::system::interrupt;
use crate::system::progress::Progress;

/// Does one thing while another goes on.
pub fn meanwhile<A: Send, B>(
    one: impl FnOnce() -> anyhow::Result<A> + Send,
    other: impl FnOnce() -> B,
) -> (anyhow::Result<A>, B) {
    thread::scope(|threads| {
        let one = threads.spawn(one);
        let other = other();
        (one.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the bundler's thread panicked"))), other)
    })
}

/// Bundles every target that is installed; none in the place of one that isn't.
///
/// # Errors
/// Where the bundler can't be run.
pub fn bundle(
    plan: &Plan,
    tools: &Tools,
    benchmark: &Path,
    installs: &[Option<PathBuf>],
    out: &Path,
) -> anyhow::Result<Vec<Option<Bundle>>> {
    let there: Vec<_> =
        plan.targets.iter().zip(installs).map(|(target, install)| Some((target, install.as_deref()?))).collect();
    let wanted = there.iter().flatten().map(|(target, install)| Wanted {
        adapter: target.outside.as_ref().map_or_else(
            || bundles::adapter(install, target.library.id),
            |outside| outside.file.canonicalize().unwrap_or_else(|_| outside.file.clone()),
        ),
        outside: target.outside.is_some(),
        outfile: bundles::path(out, &target.id),
    });
    let mut made = bundles::bundle(tools, benchmark, out, wanted.collect())?.into_iter();
    Ok(there.iter().map(|target| target.and_then(|_| made.next())).collect())
}

/// Notes the bundles' sizes in the results; where each target's bundle lies. A run without bundles measures everything
/// else all the same, and says why.
///
/// # Errors
/// A signal.
pub fn note(
    made: anyhow::Result<Vec<Option<Bundle>>>,
    results: &mut Results,
    out: &Path,
    progress: &Progress,
) -> anyhow::Result<Vec<Option<PathBuf>>> {
    interrupt::check()?;
    let bundles = made.unwrap_or_else(|why| {
        progress.warn(format!("no cold start of bundles: {why:#}"));
        vec![None; results.targets.len()]
    });
    let mut files = Vec::new();
    for (target, bundle) in results.targets.iter_mut().zip(bundles) {
        if let Some(why) = bundle.as_ref().and_then(|bundle| bundle.reason.as_ref()) {
            progress.warn(format!("{} has no cold start of its bundle: {why}", target.id));
        }
        let works = bundle.as_ref().is_some_and(|bundle| bundle.minified_kib.is_some());
        files.push(works.then(|| bundles::path(out, &target.id)));
        target.bundle = bundle;
    }
    Ok(files)
}
