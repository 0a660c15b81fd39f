//! Which targets a run has, what each is called, and which is the baseline. Pure.

use std::collections::BTreeMap;
use std::path::Path;

use super::library::{LIBRARIES, Library};
use super::outside::{self, Outside};
use super::request::{Handicap, Request, TargetSpec};
use super::runtime::RuntimeSpec;
use crate::results::Operation;
use crate::system::exit::Exit;

/// The baseline where none is asked for and it is among the targets: the bare SDK.
pub(super) const USUAL_BASELINE: &str = "aws-sdk";

#[derive(Debug, Clone)]
pub struct PlannedTarget {
    /// With its runtime's, where there are several: `electrodb+node@24`.
    pub id: String,
    /// The same without its runtime's.
    pub stem: String,
    /// What runs it.
    pub runtime: RuntimeSpec,
    pub library: Library,
    /// What npm is asked for; none is the version in the lock file.
    pub spec: Option<String>,
    /// Whether the user named the spec: then its failure ends the run.
    pub named: bool,
    /// How the spec was given, for messages: `--mizzle ../mizzle`.
    pub asked: String,
    /// Whether a folder's built files are measured as they lie.
    pub prebuilt: bool,
    pub handicap: BTreeMap<Operation, u64>,
    /// Where its adapter is none of this repository's.
    pub outside: Option<Outside>,
    /// Calls out of 1,000 that are made twice.
    pub twice: BTreeMap<Operation, u32>,
    /// Of another commit, next to the target of this checkout.
    pub base_of: Option<BaseOf>,
}

/// What a target of another commit is measured next to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseOf {
    /// The other target's id.
    pub target: String,
    /// The commit's name.
    pub from: String,
}

impl PlannedTarget {
    /// The adapter as a worker finds it: an id, or the path of the program that was made of a file.
    pub fn adapter(&self) -> String {
        let program = self.outside.as_ref().and_then(|outside| outside.built.as_ref()).map(|built| &built.program);
        program.map_or_else(|| self.library.id.to_owned(), |program| program.display().to_string())
    }

    /// What npm is asked for, for people; the file of an adapter outside this repository.
    pub fn spec_in_words(&self) -> String {
        if let Some(outside) = &self.outside {
            return outside.file.display().to_string();
        }
        let spec = self.spec.as_deref().unwrap_or("the locked version");
        self.base_of.as_ref().map_or_else(|| spec.to_owned(), |base| format!("{spec}, of {}", base.from))
    }
}

/// The targets that flags name, or else those of a default run.
///
/// # Errors
/// [`Exit::BadInput`] for flags that contradict each other.
pub(super) fn asked(request: &Request) -> Result<Vec<PlannedTarget>, Exit> {
    let mut asked: Vec<TargetSpec> =
        request.orm.iter().map(|&library| TargetSpec { library, spec: None, is_version: false }).collect();
    asked.extend(request.targets.iter().cloned());
    if asked.is_empty() {
        let by_default = LIBRARIES.iter().copied().filter(|library| library.by_default);
        asked = by_default.map(|library| TargetSpec { library, spec: None, is_version: false }).collect();
    }
    if request.mizzle.is_some() && !asked.iter().any(|target| target.library.id == "mizzle" && target.spec.is_none()) {
        return Err(Exit::BadInput("--mizzle: Mizzle is not among the targets that --orm and --target name".into()));
    }
    let mut targets: Vec<PlannedTarget> = Vec::new();
    for target in asked {
        let spec = target.spec.clone().or_else(|| match target.library.id {
            "mizzle" => Some(request.mizzle.clone().unwrap_or_else(|| "latest".to_owned())),
            _ => None,
        });
        let base = match &target.spec {
            Some(version) if target.is_version => format!("{}@{version}", target.library.id),
            Some(_) => format!("{}@local", target.library.id),
            None => target.library.id.to_owned(),
        };
        let id = free_id(&base, &targets);
        let named = target.spec.is_some() || (target.library.id == "mizzle" && request.mizzle.is_some());
        let library = target.library;
        let asked = match (&target.spec, &spec) {
            (Some(spec), _) if target.is_version => format!("--target {}@{spec}", library.id),
            (Some(spec), _) => format!("--target {}={spec}", library.id),
            (None, Some(spec)) if named => format!("--mizzle {spec}"),
            (None, _) => library.name.to_owned(),
        };
        let (handicap, prebuilt) = (BTreeMap::new(), request.prebuilt);
        let (stem, runtime) = (id.clone(), RuntimeSpec::ON_PATH);
        targets.push(PlannedTarget {
            id,
            stem,
            runtime,
            library,
            spec,
            named,
            asked,
            prebuilt,
            handicap,
            twice: BTreeMap::new(),
            outside: None,
            base_of: None,
        });
    }
    for file in &request.adapters {
        targets.push(outside_target(file, &targets)?);
    }
    for (id, operation, share) in &request.experiment.twice {
        for target in targets.iter_mut().filter(|target| target.id == *id) {
            target.twice.insert(*operation, (share.clamp(0.0, 1.0) * 1e3).round() as u32);
        }
    }
    Ok(targets)
}

/// Every target under each runtime, with the handicaps of each. A single runtime stands in no id: there is nothing to
/// distinguish.
pub(super) fn under_each_runtime(
    targets: Vec<PlannedTarget>,
    runtimes: &[RuntimeSpec],
    handicaps: &[Handicap],
) -> Result<Vec<PlannedTarget>, Exit> {
    let mut distinct: Vec<&RuntimeSpec> = Vec::new();
    for runtime in runtimes {
        if !distinct.contains(&runtime) {
            distinct.push(runtime);
        }
    }
    let under = |runtime: &RuntimeSpec| -> Vec<PlannedTarget> {
        let id = |stem: &str| if distinct.len() > 1 { format!("{stem}+{runtime}") } else { stem.to_owned() };
        let of =
            |target: &PlannedTarget| PlannedTarget { id: id(&target.stem), runtime: runtime.clone(), ..target.clone() };
        targets.iter().map(of).collect()
    };
    let mut all = if distinct.is_empty() { targets } else { distinct.iter().flat_map(|one| under(one)).collect() };
    for handicap in handicaps {
        let is_meant = |target: &&mut PlannedTarget| [&target.id, &target.stem].contains(&&handicap.target);
        let mut meant = all.iter_mut().filter(is_meant).peekable();
        if meant.peek().is_none() {
            let why = format!("--handicap: there is no target {:?} in this run", handicap.target);
            return Err(Exit::BadInput(why));
        }
        let operations = handicap.operation.map_or_else(|| Operation::ALL.to_vec(), |operation| vec![operation]);
        for target in meant {
            target.handicap.extend(operations.iter().map(|&operation| (operation, handicap.steps)));
        }
    }
    Ok(all)
}

/// An id that no target has yet.
fn free_id(base: &str, targets: &[PlannedTarget]) -> String {
    let mut id = base.to_owned();
    let mut number = 2;
    while targets.iter().any(|other| other.id == id) {
        id = format!("{base}#{number}");
        number += 1;
    }
    id
}

/// The target that an adapter outside this repository is.
fn outside_target(file: &Path, targets: &[PlannedTarget]) -> Result<PlannedTarget, Exit> {
    let library = outside::library_of(file).map_err(|why| Exit::BadInput(format!("--adapter {why}")))?;
    let id = free_id(library.id, targets);
    Ok(PlannedTarget {
        stem: id.clone(),
        id,
        runtime: RuntimeSpec::ON_PATH,
        library,
        spec: None,
        named: true,
        asked: format!("--adapter {}", file.display()),
        prebuilt: false,
        handicap: BTreeMap::new(),
        twice: BTreeMap::new(),
        outside: Some(Outside { file: file.to_owned(), built: None }),
        base_of: None,
    })
}

/// Whether a library is measured twice under one runtime.
pub(super) fn has_pair(targets: &[PlannedTarget]) -> bool {
    let has_like = |(index, target): (usize, &PlannedTarget)| {
        let is_like = |other: &PlannedTarget| other.library == target.library && other.runtime == target.runtime;
        targets[..index].iter().any(is_like)
    };
    targets.iter().enumerate().any(has_like)
}

/// The target that was asked for, else the bare SDK, else the first of the run's targets.
pub(super) fn baseline(request: &Request, targets: &[PlannedTarget]) -> Result<Option<String>, Exit> {
    let known = |id: &str| targets.iter().any(|target| target.stem == id);
    match request.baseline.as_deref() {
        Some(id) if known(id) => Ok(Some(id.to_owned())),
        Some(id) => {
            let mut known: Vec<_> = targets.iter().map(|target| target.stem.as_str()).collect();
            known.dedup();
            known.truncate(targets.iter().filter(|target| target.runtime == targets[0].runtime).count());
            Err(Exit::BadInput(format!(
                "--baseline {id}: it is not among the targets of this run, which are {}",
                known.join(", ")
            )))
        }
        None => {
            let bare = targets.iter().find(|target| target.stem == USUAL_BASELINE);
            let bare = bare.or_else(|| targets.iter().find(|target| target.library.id == USUAL_BASELINE));
            Ok(bare.or(targets.first()).map(|target| target.stem.clone()))
        }
    }
}
