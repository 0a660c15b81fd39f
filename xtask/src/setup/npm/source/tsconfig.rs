//! The compiler options of a package whose `tsconfig.json` extends one of its own monorepo. Where nothing is installed
//! there, esbuild does not find that one, and compiles by other rules than the maintainers do.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;

use super::workspace::{Package, Workspace};
use crate::setup::npm::packages;
use crate::system::files;

/// A file in `folder` that extends the base that can't be found, and then the package's own; none where nothing is missing.
///
/// # Errors
/// Where the file can't be written.
pub fn with_base(package: &Package, workspace: &Workspace, folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    let own = package.dir.join("tsconfig.json");
    let Some(base) = std::fs::read_to_string(&own).ok().and_then(|text| base(&text, package, workspace)) else {
        return Ok(None);
    };
    let file = folder.join("tsconfig.json");
    let text = json!({ "extends": [base, own] }).to_string();
    files::write_whole(&file, text).context("writing the compiler options")?;
    Ok(Some(file))
}

/// The base that a `tsconfig.json` names as a package's, where that package is a member and is not installed.
fn base(text: &str, package: &Package, workspace: &Workspace) -> Option<PathBuf> {
    // The file is JSON with comments: only this one value is needed of it.
    let (_, rest) = text.split_once("\"extends\"")?;
    let named = rest.split_once('"')?.1.split_once('"')?.0;
    let member = workspace.members.iter().find(|member| {
        !member.name.is_empty()
            && named.strip_prefix(&*member.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })?;
    if packages::find(&package.dir, &member.name).is_some() {
        return None;
    }
    let inside = named.strip_prefix(&*member.name)?.trim_start_matches('/');
    let inside = if inside.is_empty() { "tsconfig.json" } else { inside };
    let path = member.dir.join(inside);
    [path.clone(), path.with_extension("json")].into_iter().find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::npm::source::testing::write;

    #[test]
    fn a_base_of_the_monorepo_is_found_where_nothing_is_installed() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path();
        write(root, "package.json", r#"{"workspaces":["packages/*"]}"#);
        write(root, "packages/config/package.json", r#"{"name":"@x/config"}"#);
        write(root, "packages/config/base.json", "{}");
        write(root, "packages/a/package.json", r#"{"name":"a"}"#);
        let workspace = Workspace::around(root).unwrap();
        let package = workspace.member("a").unwrap();
        let look = |extends: &str| {
            write(root, "packages/a/tsconfig.json", &format!("{{ // ours\n \"extends\": \"{extends}\" }}"));
            let file = with_base(package, &workspace, root).unwrap()?;
            Some(std::fs::read_to_string(file).unwrap().replace(&*root.to_string_lossy(), ""))
        };
        let wanted = r#"{"extends":["/packages/config/base.json","/packages/a/tsconfig.json"]}"#;
        assert_eq!(look("@x/config/base.json").as_deref(), Some(wanted));
        assert_eq!(look("@x/config/base").as_deref(), Some(wanted));
        assert_eq!(look("../../tsconfig.json"), None);
        assert_eq!(look("@tsconfig/node20"), None);
        write(root, "packages/a/node_modules/@x/config/package.json", "{}");
        assert_eq!(look("@x/config/base.json"), None, "esbuild finds it");
    }
}
