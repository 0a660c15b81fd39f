//! What git says of a checkout.

use std::path::Path;

use xshell::cmd;

use crate::process;

/// The commit of a checkout, and whether the working tree differs from it. None outside a repository.
pub fn commit(root: &Path) -> Option<(String, bool)> {
    let shell = process::shell(root).ok()?;
    let commit = process::answer(cmd!(shell, "git rev-parse HEAD"))?;
    let status = process::answer(cmd!(shell, "git status --porcelain"))?;
    Some((commit, !status.is_empty()))
}
