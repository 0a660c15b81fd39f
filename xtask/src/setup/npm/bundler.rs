//! The programs of `benchmark/` that call esbuild: each reads a request from a file and answers in one line of JSON.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use xshell::cmd;

use super::{Tools, clean_environment, nodes_words};
use crate::system::exit::Exit;
use crate::system::files;
use crate::system::process;

/// How long bundling may take; it takes a second or two.
const LIMIT: Duration = Duration::from_mins(2);
/// Errors of esbuild that are said; the others follow from them more often than not.
const MOST_PROBLEMS: usize = 3;

/// Why esbuild can't bundle something.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Problem {
    text: String,
    file: Option<String>,
    line: Option<u32>,
}

/// Runs `dist/<program>.js` of `benchmark` with a request that is written to `file`.
///
/// # Errors
/// [`Exit::BadInput`] with Node's words where the program fails; where it can't be started or takes too long.
pub fn ask<A: DeserializeOwned>(
    tools: &Tools,
    benchmark: &Path,
    program: &str,
    file: &Path,
    request: &impl Serialize,
) -> anyhow::Result<A> {
    files::write_whole(file, serde_json::to_vec(request).context("writing JSON")?)?;
    let (shell, node) = (process::shell(benchmark)?, &tools.node);
    let command = clean_environment(cmd!(shell, "{node} dist/{program}.js {file}"));
    let output = process::output(command, "bundling", LIMIT)?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!(Exit::BadInput(format!("esbuild could not be run: {}", nodes_words(&said))));
    }
    if output.stdout.is_empty() {
        let last = said.lines().last().map_or_else(String::new, |line| format!("; its last words: {line}"));
        bail!(Exit::BadInput(format!("its code ended the process that tried it{last}")));
    }
    serde_json::from_slice(&output.stdout).context("reading what the bundler said")
}

/// esbuild's words, each with its place.
pub fn words(problems: &[Problem]) -> String {
    let said: Vec<String> = problems
        .iter()
        .take(MOST_PROBLEMS)
        .map(|problem| match (&problem.file, problem.line) {
            (Some(file), Some(line)) => format!("{file}:{line}: {}", problem.text),
            _ => problem.text.clone(),
        })
        .collect();
    let more = problems.len().saturating_sub(MOST_PROBLEMS);
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    format!("esbuild can't bundle it: {}{more}", said.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_problems_are_said_with_their_places_and_the_others_counted() {
        let at = |line: Option<u32>| Problem { text: "what".into(), file: Some("a.ts".into()), line };
        assert_eq!(words(&[at(Some(3)), at(None)]), "esbuild can't bundle it: a.ts:3: what; what");
        assert!(words(&vec![at(Some(1)); 5]).ends_with("; and 2 more"));
    }
}
