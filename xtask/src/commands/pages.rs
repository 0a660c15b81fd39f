//! `cargo xtask pages`, which the workflow calls on a tag: puts the results pages together. Each run's report, the
//! sample, the history over all tags, and an index with links, of which GitHub Pages makes a page.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli;
use crate::report::escape;
use crate::report::history::history;
use crate::results::reading;
use crate::system::checkout::Checkout;
use crate::system::exit::Exit;
use crate::system::files::write_whole;

/// What of a run is published. Its report as Markdown says the same as the page, and GitHub would make a page of it too.
const PUBLISHED: [&str; 2] = ["results.json", "report.html"];
/// What the names of the folders of a tag's runs begin with; the scale follows.
const RUN: &str = "bench-";

impl cli::Pages {
    /// # Errors
    /// [`Exit::BadInput`] where there are no runs; files that can't be read or written.
    pub fn run(&self) -> anyhow::Result<()> {
        let site = &self.site;
        // A tag may hold slashes, a folder's name may not.
        let tag = self.tag.replace(['/', '\\'], "-");
        let runs = folders(&self.runs)?;
        let runs: Vec<_> = runs.iter().filter_map(|(name, path)| Some((name.strip_prefix(RUN)?, path))).collect();
        if runs.is_empty() {
            return Err(Exit::BadInput(format!("{} holds no folder {RUN}…", self.runs.display())).into());
        }
        for (scale, run) in runs {
            publish(run, &site.join("runs").join(format!("{tag}-{scale}")))?;
        }
        publish(&Checkout::find()?.benchmark().join("sample"), &site.join("sample"))?;
        history(&site.join("runs"))?.write(&site.join("history"))?;
        write_whole(&site.join("index.md"), index(&site.join("runs"))?)
    }
}

/// Copies what is published of a run.
fn publish(run: &Path, to: &Path) -> anyhow::Result<()> {
    for name in PUBLISHED {
        let (from, to) = (run.join(name), to.join(name));
        let bytes = std::fs::read(&from).with_context(|| format!("reading {}", from.display()))?;
        write_whole(&to, bytes)?;
    }
    Ok(())
}

/// The page that leads to the others, in Markdown.
fn index(runs: &Path) -> anyhow::Result<String> {
    let mut text = "\
# DynamoDB clients for JavaScript, measured

- [The sample](sample/report.html), which the README shows
- [The history](history/history.html): what each library cost in every run below

## Runs on GitHub's machines, newest first

"
    .to_owned();
    let mut all = Vec::new();
    for (name, path) in folders(runs)? {
        all.push((reading::load(&path.join(PUBLISHED[0]))?.run.started_at, name));
    }
    all.sort();
    for (started, name) in all.iter().rev() {
        let day = started.split('T').next().unwrap_or_default();
        let shown = escape::markdown(name);
        let _ =
            writeln!(text, "- [{shown}](runs/{name}/report.html), {day} ([results.json](runs/{name}/results.json))");
    }
    Ok(text)
}

/// The folders in a folder, by name.
fn folders(dir: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))?;
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_dir());
    let mut found: Vec<_> = paths.filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), path))).collect();
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_s_runs_the_sample_and_the_history_are_linked_from_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let (runs, site) = (folder.path().join("runs"), folder.path().join("site"));
        let sample = Checkout::find().unwrap().benchmark().join("sample");
        publish(&sample, &runs.join("bench-small")).unwrap();
        cli::Pages { runs: runs.clone(), tag: "v1/2".to_owned(), site: site.clone() }.run().unwrap();
        let index = std::fs::read_to_string(site.join("index.md")).unwrap();
        for page in ["runs/v1-2-small/report.html", "sample/report.html", "history/history.html"] {
            assert!(index.contains(page), "{page} is not in {index}");
            // GitHub makes the history's page of its Markdown.
            let file = page.replace("history.html", "history.md");
            assert!(site.join(&file).is_file(), "{file} is not there");
        }
        let none = cli::Pages { runs: site.join("history"), tag: "v1".to_owned(), site };
        assert!(none.run().unwrap_err().to_string().contains("holds no folder"));
    }
}
