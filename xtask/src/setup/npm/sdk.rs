//! The AWS SDK at an asked version: its client and its document client are two packages that are released together and
//! don't have all versions in common.

use std::path::Path;

use anyhow::bail;
use semver::Version;
use serde_json::Value;
use xshell::cmd;

use super::{FETCHING, Spec, Tools, run_npm};
use crate::plan::library::Library;
use crate::system::exit::Exit;
use crate::system::process;

pub const CLIENT: &str = "@aws-sdk/client-dynamodb";
pub const DOCUMENT: &str = "@aws-sdk/lib-dynamodb";

/// Which versions of the two packages are installed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub client: String,
    pub document: String,
    /// Why they differ, for people.
    pub note: Option<String>,
}

/// The two packages at the version that a spec asks for; none where it asks for no version of the SDK.
///
/// # Errors
/// [`Exit::BadInput`] where neither package has the version, with the nearest that there are.
pub fn pair(tools: &Tools, folder: &Path, library: Library, spec: &Spec) -> anyhow::Result<Option<Pair>> {
    let Spec::Registry { name, wanted } = spec else { return Ok(None) };
    if name != library.package || ![CLIENT, DOCUMENT].contains(&library.package) {
        return Ok(None);
    }
    let Some(asked) = parse(wanted) else { return Ok(None) };
    let mut why = None;
    // What is cached may be older than a version.
    for freshness in ["--prefer-offline", "--prefer-online"] {
        let (Some(clients), Some(documents)) =
            (versions(tools, folder, CLIENT, freshness)?, versions(tools, folder, DOCUMENT, freshness)?)
        else {
            // Without a network npm says itself what it can't deliver.
            return Ok(Some(Pair { client: wanted.clone(), document: wanted.clone(), note: None }));
        };
        if clients.contains(&asked) && documents.contains(&asked) || freshness == "--prefer-online" {
            match choose(&asked, &clients, &documents) {
                Ok(pair) => return Ok(Some(pair)),
                Err(words) => why = Some(words),
            }
        }
    }
    bail!(Exit::BadInput(why.unwrap_or_else(|| format!("npm knows no version {wanted} of the AWS SDK"))))
}

/// All versions of a package that npm knows; none where npm can't say.
fn versions(tools: &Tools, folder: &Path, name: &str, freshness: &str) -> anyhow::Result<Option<Vec<Version>>> {
    let (shell, npm) = (process::shell(folder)?, &tools.npm);
    let command = cmd!(shell, "{npm} view {name} versions --json {freshness} {FETCHING...}");
    let Ok(text) = run_npm(&shell, command, "npm view")? else { return Ok(None) };
    let Ok(Value::Array(listed)) = serde_json::from_str(&text) else { return Ok(None) };
    Ok(Some(listed.iter().filter_map(Value::as_str).filter_map(parse).collect()))
}

/// A released version.
fn parse(text: &str) -> Option<Version> {
    Version::parse(text).ok().filter(|version| version.pre.is_empty())
}

/// The document client takes a client of its own version or a newer one of the same major version (its peer range).
fn choose(asked: &Version, clients: &[Version], documents: &[Version]) -> Result<Pair, String> {
    let below = |all: &[Version]| all.iter().filter(|one| *one < asked).max().cloned();
    let above = |all: &[Version]| all.iter().filter(|one| *one > asked).min().cloned();
    let pair = |client: &Version, document: &Version, note: Option<String>| {
        Ok(Pair { client: client.to_string(), document: document.to_string(), note })
    };
    let note = |without: &str, other: &str, nearest: &Version| {
        Some(format!("{without} has no {asked}: its {nearest} goes with {other} {asked}"))
    };
    match (clients.contains(asked), documents.contains(asked)) {
        (true, true) => pair(asked, asked, None),
        (true, false) => match below(documents).filter(|one| one.major == asked.major) {
            Some(document) => pair(asked, &document, note(DOCUMENT, CLIENT, &document)),
            None => Err(format!("no version of {DOCUMENT} fits {CLIENT} {asked}")),
        },
        (false, true) => match above(clients).filter(|one| one.major == asked.major) {
            Some(client) => pair(&client, asked, note(CLIENT, DOCUMENT, &client)),
            None => Err(format!("no version of {CLIENT} fits {DOCUMENT} {asked}")),
        },
        (false, false) => {
            let common: Vec<Version> = clients.iter().filter(|one| documents.contains(one)).cloned().collect();
            let nearest = [below(&common), above(&common)].into_iter().flatten();
            let nearest: Vec<String> = nearest.map(|version| version.to_string()).collect();
            let nearest = if nearest.is_empty() { "none".to_owned() } else { nearest.join(" and ") };
            Err(format!("neither {CLIENT} nor {DOCUMENT} has a version {asked}; the nearest: {nearest}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(asked: &str) -> Result<(String, String, bool), String> {
        let all = |texts: &[&str]| texts.iter().filter_map(|text| parse(text)).collect::<Vec<_>>();
        let clients = all(&["3.9.0", "3.10.0", "3.12.0", "3.14.0"]);
        let documents = all(&["3.9.0", "3.11.0", "3.12.0", "3.15.0"]);
        choose(&parse(asked).unwrap(), &clients, &documents)
            .map(|pair| (pair.client, pair.document, pair.note.is_some()))
    }

    #[test]
    fn both_packages_come_in_the_asked_version_or_in_the_nearest_that_fits() {
        let pair = |client: &str, document: &str, noted: bool| Ok((client.to_owned(), document.to_owned(), noted));
        assert_eq!(chosen("3.12.0"), pair("3.12.0", "3.12.0", false));
        assert_eq!(chosen("3.10.0"), pair("3.10.0", "3.9.0", true), "the document client may be the older");
        assert_eq!(chosen("3.11.0"), pair("3.12.0", "3.11.0", true), "the client may be the newer");
        assert!(chosen("3.15.0").unwrap_err().contains("no version of @aws-sdk/client-dynamodb fits"));
        assert!(chosen("3.13.0").unwrap_err().ends_with("the nearest: 3.12.0"), "{:?}", chosen("3.13.0"));
    }
}
