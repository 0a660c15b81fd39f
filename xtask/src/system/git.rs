//! What git says of a checkout.

use std::path::Path;

use xshell::{Shell, cmd};

/// The commit of a checkout, and whether the working tree differs from it. None outside a repository.
pub fn commit(root: &Path) -> Option<(String, bool)> {
    let shell = Shell::new().ok()?;
    shell.change_dir(root);
    let commit = cmd!(shell, "git rev-parse HEAD").quiet().ignore_stderr().read().ok()?;
    let status = cmd!(shell, "git status --porcelain").quiet().ignore_stderr().read().ok()?;
    Some((commit, !status.is_empty()))
}
