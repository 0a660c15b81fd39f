//! Writing files so that a reader never sees half of one, whether a folder can be written into, what a file holds as a
//! hash, and texts for the names of files.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use data_encoding::HEXLOWER;
use hmac_sha256::Hash as Sha256;

/// Writes `bytes` to a temporary file in the same folder and renames it to `path`; the folder is made if need be.
pub fn write_whole(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".part-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = builder.tempfile_in(folder).with_context(|| format!("writing into {}", folder.display()))?;
    file.write_all(bytes.as_ref()).with_context(|| format!("writing {}", path.display()))?;
    file.persist(path).with_context(|| format!("writing {}", path.display()))?;
    Ok(())
}

/// Tries whether a folder can be written into, or be made and then written into; leaves nothing behind.
pub fn check_folder(folder: &Path) -> Result<()> {
    let there = folder.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("."));
    if !there.is_dir() {
        anyhow::bail!("{} is a file; a folder is needed", there.display());
    }
    tempfile::tempfile_in(there).with_context(|| format!("writing into {}", there.display()))?;
    Ok(())
}

/// Bytes in hexadecimal.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    HEXLOWER.encode(bytes.as_ref())
}

/// A file's SHA-256 in hexadecimal.
pub fn sha256_of(path: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    each_part(path, |bytes| hash.update(bytes))?;
    Ok(hex(hash.finalize()))
}

/// Gives a file's bytes, part by part.
pub fn each_part(path: &Path, mut take: impl FnMut(&[u8])) -> Result<()> {
    let mut file = fs::File::open(path).with_context(|| format!("reading {}", path.display()))?;
    let mut bytes = vec![0; 1 << 20];
    loop {
        match file.read(&mut bytes).with_context(|| format!("reading {}", path.display()))? {
            0 => return Ok(()),
            read => take(&bytes[..read]),
        }
    }
}

/// An id as a part of a file's name: letters, digits, hyphens and dots, everything else an underscore.
pub fn name_of(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shorter_file_replaces_a_longer_one_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/results.json");
        write_whole(&path, "a long first version").unwrap();
        write_whole(&path, "short").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "short");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_is_no_folder_and_trying_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "kept").unwrap();
        assert!(check_folder(&file).is_err());
        assert!(check_folder(&file.join("below")).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
        check_folder(&folder.path().join("a/b")).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_path_that_is_a_folder_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let why = write_whole(folder.path(), "x").unwrap_err();
        assert!(format!("{why:#}").contains(&folder.path().display().to_string()));
    }
}
