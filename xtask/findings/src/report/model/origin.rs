//! Libraries that are no published version: a working tree, or a commit of a repository. Whoever reads a figure should know
//! before it that nobody can install what was measured.

use crate::report::{format, group, text};
use crate::results::{Results, Target, TargetStatus};

/// Enough of a commit to find it by.
const COMMIT: usize = 7;
const LONGEST_SPEC: usize = 80;
const LONGEST_NAME: usize = 40;

/// "a working tree (../mizzle at 0c0bc33, with uncommitted changes)"; None of what npm delivered.
pub fn unpublished(target: &Target) -> Option<String> {
    let source = target.source.as_ref()?;
    let is_address = target.spec.contains("://")
        || ["git@", "git+", "github:", "gitlab:", "bitbucket:", "gist:"]
            .iter()
            .any(|start| target.spec.starts_with(start));
    let commit = source.commit.as_ref().map(|commit| format!(" at {}", commit.get(..COMMIT).unwrap_or(commit)));
    let changes = if source.dirty == Some(true) { ", with uncommitted changes" } else { "" };
    let what = if is_address { "a git commit" } else { "a working tree" };
    Some(format!("{what} ({}{}{changes})", short(&target.spec), commit.unwrap_or_default()))
}

/// "Mizzle is a working tree (…), not a published version.", of each such library.
pub fn sentences(results: &Results) -> Option<String> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    // The one of another commit's adapter is the same library once more.
    let is_meant = |target: &&Target| target.base_of.is_none() && target.status != TargetStatus::Unavailable;
    for target in results.targets.iter().filter(is_meant) {
        let Some(what) = unpublished(target) else { continue };
        let is_alone = results.targets.iter().filter(|other| other.name == target.name).count() == 1;
        let name = text::brief(if is_alone { &target.name } else { &target.id }, LONGEST_NAME);
        group::add(&mut found, what, name);
    }
    let sentence = |(what, names): &(String, Vec<String>)| {
        let (is, version) =
            if names.len() == 1 { ("is", "a published version") } else { ("are", "published versions") };
        format!("{} {is} {what}, not {version}.", format::list(names))
    };
    (!found.is_empty()).then(|| found.iter().map(sentence).collect::<Vec<_>>().join(" "))
}

/// A spec without the folders that only this machine has.
fn short(spec: &str) -> String {
    let path = spec.strip_prefix("file:").unwrap_or(spec);
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    text::brief(if path.starts_with('/') && !last.is_empty() { last } else { spec }, LONGEST_SPEC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::golden_test::fixed;
    use crate::results::Source;

    fn source(dirty: Option<bool>) -> Source {
        Source {
            version: "0.0.0+source.0c0bc33".to_owned(),
            commit: Some("0c0bc339a2a9cffb3e56d641021ef4a889d42ada".to_owned()),
            dirty,
            bundled_by: None,
            sdk_asked_for: None,
        }
    }

    fn said(spec: &str, dirty: Option<bool>) -> String {
        let mut target = fixed().targets.remove(1);
        (target.spec, target.source) = (spec.to_owned(), Some(source(dirty)));
        unpublished(&target).unwrap()
    }

    #[test]
    fn a_folder_is_named_with_its_commit_and_without_where_it_lies_on_this_machine() {
        let changed = "a working tree (../mizzle at 0c0bc33, with uncommitted changes)";
        assert_eq!(said("../mizzle", Some(true)), changed);
        assert_eq!(said("/home/somebody/mizzle/", Some(false)), "a working tree (mizzle at 0c0bc33)");
        assert_eq!(said("github:aurios/mizzle#next", None), "a git commit (github:aurios/mizzle#next at 0c0bc33)");
    }

    #[test]
    fn what_npm_delivered_needs_no_sentence_and_the_same_tree_is_named_once() {
        let mut results = fixed();
        results.targets.iter_mut().for_each(|target| target.source = None);
        assert_eq!(sentences(&results), None);
        for at in [1, 2] {
            (results.targets[at].spec, results.targets[at].source) = ("../tree".to_owned(), Some(source(Some(false))));
        }
        let both = "Mizzle and Dynamoose are a working tree (../tree at 0c0bc33), not published versions.";
        assert_eq!(sentences(&results).unwrap(), both);
    }
}
