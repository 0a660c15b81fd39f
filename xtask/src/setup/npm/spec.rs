//! What a person may write after `--mizzle` or `--target ID@…`, sorted by where npm would get it from. Paths are made
//! absolute, since npm runs elsewhere.

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::plan::library::Library;
use crate::system::exit::Exit;

/// Where a library comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spec {
    /// From the registry: a package's name and a version, a range or a tag.
    Registry {
        name: String,
        wanted: String,
    },
    Folder(PathBuf),
    Tarball(PathBuf),
    /// A git address or the address of a tarball: npm's business.
    Address(String),
}

const ALLOWED: &str = "a version, a range or a tag, a folder with a package.json (a package's or a monorepo's), a packed tarball (.tgz), \
     or a git address";

impl Spec {
    /// # Errors
    /// [`Exit::BadInput`] for a path where there is no package, and for what could never be a spec.
    pub fn parse(library: Library, text: &str) -> anyhow::Result<Spec> {
        let bad = |why: &str| Exit::BadInput(format!("{why}; allowed are {ALLOWED}"));
        if text.is_empty() || text.starts_with('-') || text.chars().any(char::is_control) {
            bail!(bad("that is no version, path or address"));
        }
        let path = text.strip_prefix("file:").unwrap_or(text);
        let is_path =
            path != text || ["./", "../", "/", "~/"].iter().any(|p| text.starts_with(p)) || text == "." || text == "..";
        let looks_packed = [".tgz", ".tar.gz", ".tar"].iter().any(|end| text.ends_with(end));
        if !text.contains("://") && (is_path || looks_packed || Path::new(path).exists()) {
            let path = std::path::absolute(home(path)).map_err(|why| bad(&why.to_string()))?;
            return if path.is_file() {
                if !looks_packed {
                    bail!(bad("that file is no packed tarball"));
                }
                Ok(Spec::Tarball(path))
            } else if path.join("package.json").is_file() {
                Ok(Spec::Folder(path))
            } else if path.is_dir() {
                bail!(bad("the folder has no package.json"))
            } else {
                bail!(bad("there is no such file or folder"))
            };
        }
        if text.contains("://") || has_prefix(text, &["git+", "git@", "github:", "gitlab:", "bitbucket:", "gist:"]) {
            return Ok(Spec::Address(text.to_owned()));
        }
        let alias = text.strip_prefix("npm:").unwrap_or(text);
        let (name, wanted) = match alias.strip_prefix('@').map(|rest| rest.split_once('@')) {
            Some(Some((name, wanted))) => (format!("@{name}"), wanted),
            Some(None) => (alias.to_owned(), "latest"),
            None => match alias.split_once('@') {
                Some((name, wanted)) => (name.to_owned(), wanted),
                None if alias != text => (alias.to_owned(), "latest"),
                None if is_shorthand(text) => return Ok(Spec::Address(text.to_owned())),
                None => (library.package.to_owned(), alias),
            },
        };
        let scope_is_whole = !name.starts_with('@') || name.split_once('/').is_some_and(|(_, rest)| !rest.is_empty());
        if name.is_empty() || wanted.is_empty() || !scope_is_whole || name.contains(char::is_whitespace) {
            bail!(bad("that is no package and version"));
        }
        Ok(Spec::Registry { name, wanted: wanted.to_owned() })
    }

    /// As a value of `dependencies`, so that `package` can be imported under its usual name.
    pub fn dependency(&self, package: &str) -> String {
        match self {
            Spec::Registry { name, wanted } if name == package => wanted.clone(),
            Spec::Registry { name, wanted } => format!("npm:{name}@{wanted}"),
            Spec::Folder(path) | Spec::Tarball(path) => format!("file:{}", path.display()),
            Spec::Address(address) => address.clone(),
        }
    }

    /// Whether it can only ever mean the same bytes.
    pub fn is_exact(&self) -> bool {
        match self {
            Spec::Registry { wanted, .. } => semver::Version::parse(wanted).is_ok(),
            Spec::Address(address) => address
                .rsplit_once('#')
                .is_some_and(|(_, commit)| commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit())),
            Spec::Folder(_) | Spec::Tarball(_) => false,
        }
    }
}

fn has_prefix(text: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| text.starts_with(prefix))
}

/// GitHub's `owner/name`.
fn is_shorthand(text: &str) -> bool {
    let name = text.split('#').next().unwrap_or_default();
    name.split('/').count() == 2 && !name.contains(char::is_whitespace)
}

fn home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mizzle() -> Library {
        Library::find("mizzle").unwrap()
    }

    fn registry(name: &str, wanted: &str) -> Spec {
        Spec::Registry { name: name.into(), wanted: wanted.into() }
    }

    #[test]
    fn versions_ranges_tags_and_aliases_come_from_the_registry() {
        for (text, name, wanted, dependency) in [
            ("1.2.0", "@aurios/mizzle", "1.2.0", "1.2.0"),
            ("^1", "@aurios/mizzle", "^1", "^1"),
            (">=1 <3", "@aurios/mizzle", ">=1 <3", ">=1 <3"),
            ("latest", "@aurios/mizzle", "latest", "latest"),
            ("mizzle@1.2.0", "mizzle", "1.2.0", "npm:mizzle@1.2.0"),
            ("@aurios/mizzle@1.2.0", "@aurios/mizzle", "1.2.0", "1.2.0"),
            ("@aurios/mizzle", "@aurios/mizzle", "latest", "latest"),
            ("npm:mizzle", "mizzle", "latest", "npm:mizzle@latest"),
        ] {
            let spec = Spec::parse(mizzle(), text).unwrap();
            assert_eq!(spec, registry(name, wanted), "{text}");
            assert_eq!(spec.dependency("@aurios/mizzle"), dependency, "{text}");
        }
    }

    #[test]
    fn addresses_are_left_to_npm() {
        for text in
            ["git+https://example.org/m.git#main", "github:a/b", "a/b", "https://example.org/m.tgz", "git@h:a/b.git"]
        {
            assert_eq!(Spec::parse(mizzle(), text).unwrap(), Spec::Address(text.into()), "{text}");
        }
    }

    #[test]
    fn a_folder_must_hold_a_package_and_a_tarball_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::create_dir(at("empty")).unwrap();
        std::fs::create_dir(at("a package")).unwrap();
        std::fs::write(folder.path().join("a package/package.json"), "{}").unwrap();
        std::fs::write(at("m.tgz"), "").unwrap();
        assert_eq!(Spec::parse(mizzle(), &at("a package")).unwrap(), Spec::Folder(at("a package").into()));
        assert_eq!(Spec::parse(mizzle(), &at("m.tgz")).unwrap(), Spec::Tarball(at("m.tgz").into()));
        for (text, word) in [
            (at("empty"), "no package.json"),
            (at("nowhere"), "no such file or folder"),
            (at("a package/package.json"), "that file is no packed tarball"),
            ("./nowhere".into(), "no such file or folder"),
            ("nowhere-1.0.0.tgz".into(), "no such file or folder"),
            ("--registry=x".into(), "no version, path or address"),
            (String::new(), "no version, path or address"),
            ("@aurios".into(), "no package and version"),
            ("mizzle@".into(), "no package and version"),
        ] {
            let why = Spec::parse(mizzle(), &text).unwrap_err();
            assert!(matches!(why.downcast_ref(), Some(Exit::BadInput(_))), "{text}");
            let why = why.to_string();
            for word in [word, "a packed tarball"] {
                assert!(why.contains(word), "{word:?} is not in {why:?}");
            }
        }
    }

    #[test]
    fn only_whole_versions_and_commits_are_exact() {
        assert!(registry("m", "1.2.0").is_exact());
        assert!(registry("m", "1.2.0-beta.1+x").is_exact());
        assert!(Spec::Address("github:a/b#0123456789abcdef0123456789abcdef01234567".into()).is_exact());
        for loose in ["1.2", "^1.2.0", "latest", "1.x.0", ">=1.0.0 <2.0.0"] {
            assert!(!registry("m", loose).is_exact(), "{loose}");
        }
    }
}
