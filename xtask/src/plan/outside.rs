//! Adapters outside this repository, as `--adapter` names them: which file, which id, and what was made of it.

use std::path::{Path, PathBuf};

use super::library::{LIBRARIES, Library};

/// What an adapter can be written in.
const ENDINGS: [&str; 6] = ["ts", "mts", "cts", "js", "mjs", "cjs"];
/// What else is measured has these names in a run: its time line shows all of them.
const TAKEN: [&str; 2] = ["database", "keeper"];

/// An adapter outside this repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// The file, as the user named it.
    pub file: PathBuf,
    /// None until it was compiled.
    pub built: Option<Built>,
}

/// The program that was made of an adapter's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    pub program: PathBuf,
    /// Of the file as it lies, hexadecimal.
    pub sha256: String,
    /// Of the program, which holds what the file imports of its own, and names what it imports of others.
    pub program_sha256: String,
}

/// The library that a file is the adapter of, as far as its name says. What the library is called, the file says itself
/// once it is compiled.
///
/// # Errors
/// A name that no target can have, in a sentence that says what to do.
pub fn library_of(file: &Path) -> Result<Library, String> {
    let shown = file.display();
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if !ENDINGS.contains(&ending) {
        return Err(format!("{shown}: an adapter is a TypeScript or JavaScript file (.{})", ENDINGS.join(", .")));
    }
    let id = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if id.is_empty() || !id.chars().all(allowed) || !id.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return Err(format!(
            "{shown}: the file's name becomes the target's id; give it one of letters, digits, hyphens, dots and \
             underscores that begins with a letter or a digit"
        ));
    }
    if LIBRARIES.iter().any(|library| library.id == id) || TAKEN.contains(&id) {
        return Err(format!(
            "{shown}: the file's name becomes the target's id, and {id} is one already; rename it, as my-{id}.{ending}"
        ));
    }
    Ok(Library::named(id, id, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_is_its_targets_id() {
        for (file, id) in [("./mine.ts", "mine"), ("../a b/my-orm.v2.mjs", "my-orm.v2"), ("x_1.cjs", "x_1")] {
            assert_eq!(library_of(Path::new(file)).unwrap().id, id, "{file}");
        }
    }

    #[test]
    fn a_name_that_no_target_can_have_is_refused_with_what_to_do() {
        for (file, words) in [
            ("mine", "a TypeScript or JavaScript file"),
            ("mine.py", "a TypeScript or JavaScript file"),
            ("./electrodb.ts", "rename it, as my-electrodb.ts"),
            ("keeper.js", "rename it, as my-keeper.js"),
            ("my orm.ts", "give it one of letters"),
            ("mine@2.ts", "give it one of letters"),
            ("..ts", "give it one of letters"),
        ] {
            let why = library_of(Path::new(file)).unwrap_err();
            assert!(why.contains(words), "{file}: {why}");
        }
    }
}
