//! The version of a package that a monorepo's lock file has: `package-lock.json`, `bun.lock`, `pnpm-lock.yaml` or
//! `yarn.lock`. Only looks for one name; says nothing about the rest of the file.

use std::path::Path;

use serde_json::Value;

/// Lock files by what reads them.
type Read = fn(&str, &str) -> Option<String>;
pub const FILES: [(&str, Read); 4] =
    [("package-lock.json", from_npm), ("bun.lock", from_bun), ("pnpm-lock.yaml", from_pnpm), ("yarn.lock", from_yarn)];

/// The locked version of a package, and the file that has it.
pub fn version(root: &Path, name: &str) -> Option<(String, &'static str)> {
    FILES.iter().find_map(|(file, read)| {
        let text = std::fs::read_to_string(root.join(file)).ok()?;
        Some((read(&text, name)?, *file))
    })
}

fn from_npm(text: &str, name: &str) -> Option<String> {
    let lock: Value = serde_json::from_str(text).ok()?;
    let version = &lock["packages"][format!("node_modules/{name}")]["version"];
    version.as_str().map(str::to_owned)
}

/// A line of `packages`: `"uuid": ["uuid@13.0.0", …`.
fn from_bun(text: &str, name: &str) -> Option<String> {
    let start = format!("\"{name}\": [\"{name}@");
    text.lines().find_map(|line| plain_version(line.trim().strip_prefix(&start)?.split('"').next()?))
}

/// A key of `packages`: `uuid@13.0.0:`, older ones `/uuid@13.0.0:`, quoted where the name has an `@`.
fn from_pnpm(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let key = line.trim().strip_suffix(':')?.trim_matches('\'').trim_start_matches('/');
        plain_version(key.strip_prefix(name)?.strip_prefix('@')?.split('(').next()?)
    })
}

/// `"uuid@^13.0.0":` or `"uuid@npm:^13.0.0":`, and `version "13.0.0"` or `version: 13.0.0` on a line below it.
fn from_yarn(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines();
    let is_entry = |line: &str| {
        let key = line.trim_start_matches('"');
        !line.starts_with(' ') && key.strip_prefix(name).is_some_and(|rest| rest.starts_with('@'))
    };
    lines.find(|line| is_entry(line))?;
    let version =
        lines.take_while(|line| line.starts_with(' ')).find_map(|line| line.trim().strip_prefix("version"))?;
    plain_version(version.trim_start_matches(':').trim().trim_matches('"'))
}

/// A version and not an address or a reference.
fn plain_version(text: &str) -> Option<String> {
    text.starts_with(|first: char| first.is_ascii_digit()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_lock_file_names_the_version() {
        for (file, text) in [
            ("package-lock.json", r#"{"packages":{"node_modules/@a/uuid":{"version":"13.0.0"}}}"#),
            (
                "bun.lock",
                "{\n  \"packages\": {\n    \"@a/uuid\": [\"@a/uuid@13.0.0\", \"\", {}, \"sha512-x\"],\n  }\n}",
            ),
            ("pnpm-lock.yaml", "packages:\n\n  '@a/uuid@13.0.0':\n    resolution: {integrity: x}\n"),
            ("pnpm-lock.yaml", "packages:\n\n  /@a/uuid@13.0.0(b@1.0.0):\n    resolution: {integrity: x}\n"),
            ("yarn.lock", "# v1\n\n\"@a/uuid@^13.0.0\", \"@a/uuid@^13\":\n  version \"13.0.0\"\n  resolved x\n"),
            ("yarn.lock", "__metadata:\n  version: 8\n\n\"@a/uuid@npm:^13.0.0\":\n  version: 13.0.0\n"),
        ] {
            let home = tempfile::tempdir().unwrap();
            std::fs::write(home.path().join(file), text).unwrap();
            assert_eq!(version(home.path(), "@a/uuid"), Some(("13.0.0".to_owned(), file)), "{text}");
            assert_eq!(version(home.path(), "@a/uu"), None, "{text}");
        }
    }
}
