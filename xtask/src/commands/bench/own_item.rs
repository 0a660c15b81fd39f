//! What `--shape`, `--item` and `--key` ask for, read and checked before anything is started; and which libraries can't have
//! such items.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::cli::Bench;
use crate::plan::Plan;
use crate::plan::items::Kind;
use crate::plan::own_item::{MOST_TEXT, OwnItem};
use crate::plan::request::Request;
use crate::results::{Failure, Results, TargetStatus};
use crate::run::described;
use crate::setup::npm::{self, Tools};
use crate::system::exit::Exit;
use crate::system::files;
use crate::system::process;
use crate::system::progress::Progress;
use crate::workers::protocol::{Expressed, Expresses};

/// How long the adapters may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_mins(1);

impl Bench {
    /// What the flags ask to be planned, with the item that they name read.
    ///
    /// # Errors
    /// [`Exit::BadInput`] where the flags contradict each other, or the item can't be one.
    pub(super) fn full_request(&self) -> anyhow::Result<Request> {
        let mut request = self.request();
        request.items.kind = match (&self.item, &self.key, self.shape) {
            (None, None, _) => return Ok(request),
            (Some(_), _, Some(_)) => return bad("--shape and --item: only one of them can say what the items are"),
            (None, Some(_), _) => return bad("--key: it names the keys of --item, which is missing"),
            (Some(_), None, _) => {
                return bad("--item: --key pk=NAME,sk=NAME is missing, which says which attributes are its keys");
            }
            (Some(path), Some(keys), None) => {
                let item = read(path).and_then(|(text, file)| OwnItem::parse(&text, &file, keys.clone()));
                let item = item.map_err(|why| Exit::BadInput(format!("--item {}: {why}", path.display())))?;
                Kind::Own(Arc::new(item))
            }
        };
        Ok(request)
    }
}

fn bad<T>(why: &str) -> anyhow::Result<T> {
    Err(Exit::BadInput(why.to_owned()).into())
}

/// A file's text, and its name without the folder.
fn read(path: &Path) -> Result<(String, String), String> {
    let size = std::fs::metadata(path).map_err(|why| why.to_string())?.len();
    if size > MOST_TEXT {
        return Err(format!("it has {} MB, and DynamoDB takes items of up to 400 KB", size >> 20));
    }
    let bytes = std::fs::read(path).map_err(|why| why.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "it is not text in UTF-8".to_owned())?;
    Ok((text, path.file_name().unwrap_or_default().to_string_lossy().into_owned()))
}

/// Asks the adapters. None of their libraries is imported for that.
fn ask(tools: &Tools, benchmark: &Path, question: &Expresses) -> anyhow::Result<Vec<Expressed>> {
    let folder = tempfile::tempdir().context("making a folder for a question")?;
    let file = folder.path().join("question.json");
    files::write_whole(&file, serde_json::to_vec(question).context("writing JSON")?)?;
    let mut command = npm::worker(&tools.node, &[], benchmark, "expresses")?;
    command.arg(&file);
    let output = process::output(command, "asking the adapters", ANSWER_LIMIT)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let why = said.lines().find(|line| line.contains("Error")).unwrap_or("the program that asks them failed");
        bail!("{why}");
    }
    serde_json::from_slice(&output.stdout).context("reading what they say")
}

/// Leaves out the libraries that can't have the items of a run, and says why.
///
/// # Errors
/// [`Exit::BadInput`] where none is left.
pub fn leave_out(
    plan: &Plan,
    tools: &Tools,
    benchmark: &Path,
    progress: &Progress,
    results: &mut Results,
) -> anyhow::Result<()> {
    if plan.items.are_orders() {
        return Ok(());
    }
    let adapters: Vec<String> = plan.targets.iter().map(|target| target.library.id.to_owned()).collect();
    let question = Expresses { data: described(&plan.items), adapters };
    let answers = ask(tools, benchmark, &question).context("asking which libraries can have such items")?;
    for (planned, target) in plan.targets.iter().zip(&mut results.targets) {
        let answer = answers.iter().find(|answer| answer.adapter == planned.library.id);
        let Some(why) = answer.and_then(|answer| answer.cannot.as_deref()) else { continue };
        let cause = format!("{} {why}", planned.library.name);
        progress.warn(format!("{} is left out: {cause}", planned.id));
        target.status = TargetStatus::Unavailable;
        target.unsuited = true;
        target.reason = Some(cause.clone());
        for measurement in results.measurements.iter_mut().filter(|one| one.target == planned.id) {
            measurement.failure = Some(Failure { stage: "shape".to_owned(), cause: cause.clone() });
        }
    }
    if results.targets.iter().all(|target| target.status == TargetStatus::Unavailable) {
        return bad("none of the libraries can have such items");
    }
    Ok(())
}
