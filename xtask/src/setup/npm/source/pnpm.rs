//! `pnpm-workspace.yaml`: where the packages are, and the catalogs of ranges. The little YAML that these files are
//! written in (lists and maps of plain or quoted words), read without a YAML library.

use std::collections::BTreeMap;

/// Ranges by package, by the catalog's name; the unnamed one is `default`.
pub type Catalogs = BTreeMap<String, BTreeMap<String, String>>;

/// What such a file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PnpmWorkspace {
    pub packages: Vec<String>,
    pub catalogs: Catalogs,
}

impl PnpmWorkspace {
    pub fn parse(text: &str) -> PnpmWorkspace {
        let mut found = PnpmWorkspace::default();
        let (mut section, mut catalog) = (String::new(), String::new());
        for line in text.lines() {
            let line = without_comment(line);
            let (indent, words) = (line.len() - line.trim_start().len(), line.trim());
            if words.is_empty() {
                continue;
            }
            // A list may stand at its key's own indent.
            if let Some(item) = words.strip_prefix("- ") {
                if section == "packages" {
                    found.packages.push(unquoted(item).to_owned());
                }
                continue;
            }
            let Some((key, value)) = entry(words) else { continue };
            if indent == 0 {
                key.clone_into(&mut section);
                "default".clone_into(&mut catalog);
                if section == "packages" {
                    let list = value.trim_start_matches('[').trim_end_matches(']').split(',').map(str::trim);
                    found.packages.extend(list.filter(|item| !item.is_empty()).map(|item| unquoted(item).to_owned()));
                }
            } else if section == "catalogs" && value.is_empty() {
                key.clone_into(&mut catalog);
            } else if section == "catalog" || section == "catalogs" {
                found.catalogs.entry(catalog.clone()).or_default().insert(key.to_owned(), unquoted(value).to_owned());
            }
        }
        found
    }
}

/// `key: value` or `key:`; the key may be quoted.
fn entry(words: &str) -> Option<(&str, &str)> {
    let (key, value) = words.split_once(": ").or_else(|| words.strip_suffix(':').map(|key| (key, "")))?;
    Some((unquoted(key), value.trim()))
}

fn unquoted(words: &str) -> &str {
    let words = words.trim();
    ['"', '\''].iter().find_map(|&quote| words.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(words)
}

/// A comment begins at the line's start or after a space.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with('#') { "" } else { line.split(" #").next().unwrap_or(line) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_catalogs_are_read() {
        let found = PnpmWorkspace::parse(
            "# ours\npackages:\n  - 'packages/*' # all\n- \"docs\"\n\ncatalog:\n  uuid: ^13.0.0\n  '@a/b': \"1\"\n\
             catalogs:\n  old:\n    uuid: ^9\nonlyBuiltDependencies:\n  - esbuild\n",
        );
        assert_eq!(found.packages, ["packages/*", "docs"]);
        assert_eq!(found.catalogs["default"]["uuid"], "^13.0.0");
        assert_eq!(found.catalogs["default"]["@a/b"], "1");
        assert_eq!(found.catalogs["old"]["uuid"], "^9");
        assert_eq!(PnpmWorkspace::parse("packages: ['a/*', b]\n").packages, ["a/*", "b"]);
    }
}
