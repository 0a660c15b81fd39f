//! Which of the AWS SDK's packages a target loaded at other versions than its baseline. The client of one version can
//! have different packages under it, in `node_modules` of a library's own, and what they cost is part of the ratio.

use std::path::Path;

use crate::results::{Results, Target};
use crate::system::format::list;

/// How many packages one sentence names.
const MOST_NAMED: usize = 3;

/// A package that two processes loaded at different versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherPackage {
    /// As `@smithy/core`.
    pub name: String,
    /// Those of the one that are not the other's: almost always one.
    pub versions: Vec<String>,
    pub instead_of: Vec<String>,
}

/// What a target loaded at other versions than its baseline; nothing where it is the SDK itself that is measured, or
/// where either's packages are unknown.
pub fn other_than_the_baseline(results: &Results, target: &Target) -> Vec<OtherPackage> {
    let is_sdk = matches!(target.adapter.as_str(), "aws-sdk" | "aws-client");
    let baseline = results.targets.iter().find(|one| one.baseline && one.runs_like(target));
    let baseline = baseline.filter(|baseline| !is_sdk && baseline.id != target.id);
    baseline.map_or_else(Vec::new, |baseline| others(&target.sdk_packages, &baseline.sdk_packages))
}

/// The packages of `packages` that `reference` has at other versions only. What only one of them has is no difference:
/// libraries use different parts of the SDK.
pub fn others(packages: &[String], reference: &[String]) -> Vec<OtherPackage> {
    let versions_of = |all: &[String], name: &str| -> Vec<String> {
        let versions = all.iter().filter_map(|one| one.rsplit_once('@')).filter(|(of, _)| *of == name);
        versions.map(|(_, version)| version.to_owned()).collect()
    };
    let mut names: Vec<&str> = packages.iter().filter_map(|one| Some(one.rsplit_once('@')?.0)).collect();
    names.dedup();
    let other = |name: &str| {
        let instead_of = versions_of(reference, name);
        let versions: Vec<String> =
            versions_of(packages, name).into_iter().filter(|version| !instead_of.contains(version)).collect();
        let differ = !versions.is_empty() && !instead_of.is_empty();
        differ.then(|| OtherPackage { name: name.to_owned(), versions, instead_of })
    };
    // Those that give credentials do next to nothing in a call, and are named last.
    names.sort_by_key(|name| name.contains("credential-provider"));
    names.into_iter().filter_map(other).collect()
}

/// Some of the packages, and how many more there are, each as `show` says.
pub fn listed(packages: &[OtherPackage], show: impl Fn(&OtherPackage) -> String) -> String {
    let mut shown: Vec<String> = packages.iter().take(MOST_NAMED).map(show).collect();
    if packages.len() > MOST_NAMED {
        shown.push(format!("{} more", packages.len() - MOST_NAMED));
    }
    list(&shown)
}

/// What a target did, to follow its name.
pub fn sentence(packages: &[OtherPackage]) -> String {
    let show =
        |one: &OtherPackage| format!("{} {} instead of {}", one.name, list(&one.versions), list(&one.instead_of));
    let named = listed(packages, show);
    format!("loaded other packages of the AWS SDK than its baseline, and its ratios include what they cost: {named}")
}

/// The command that installs the baseline's packages next to an adapter outside the repository; None for a library of
/// the repository, whose packages the lock file or the user chose.
pub fn remedy(target: &Target, packages: &[OtherPackage]) -> Option<String> {
    let path = Path::new(&target.adapter_file.as_ref()?.path);
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let wanted = packages.iter().filter_map(|one| Some(format!("{}@{}", one.name, one.instead_of.last()?)));
    let install = ["npm", "install", "--save-exact"].map(str::to_owned).into_iter().chain(wanted);
    Some(format!("(cd {} && {})", shell_words::quote(&folder.to_string_lossy()), shell_words::join(install)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Shape, raw};
    use crate::results::AdapterFile;

    fn packages(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_package_differs_where_both_have_it_at_different_versions() {
        let ours = packages("@aws-sdk/client-dynamodb@3.2.0 @aws-sdk/util-dynamodb@3.9.0 @smithy/core@3.1.0");
        let theirs =
            packages("@aws-sdk/client-dynamodb@3.2.0 @smithy/core@3.1.0 @smithy/core@3.1.1 @smithy/types@4.0.0");
        assert_eq!(others(&ours, &theirs), []);
        let [other] = &others(&theirs, &ours)[..] else { panic!("the second core is another") };
        assert_eq!((other.name.as_str(), &other.versions[..]), ("@smithy/core", &["3.1.1".to_owned()][..]));
        assert_eq!(others(&[], &theirs), []);
    }

    #[test]
    fn three_packages_are_named_and_the_others_counted() {
        let at = |version: &str| ["a", "b", "c", "d", "e"].map(|name| format!("@smithy/{name}@{version}")).to_vec();
        let words = sentence(&others(&at("2.0.0"), &at("1.0.0")));
        assert!(words.ends_with("@smithy/c 2.0.0 instead of 1.0.0 and 2 more"), "{words}");
        let at = |version: &str| ["credential-provider-env", "core"].map(|name| format!("@aws-sdk/{name}@{version}"));
        assert_eq!(others(&at("2.0.0"), &at("1.0.0"))[0].name, "@aws-sdk/core");
    }

    #[test]
    fn the_remedy_of_an_adapter_outside_is_a_command_for_its_folder() {
        let mut target = raw(&Shape::small()).targets.remove(1);
        let others = others(&packages("@smithy/core@3.41.1"), &packages("@smithy/core@3.41.0"));
        assert_eq!(remedy(&target, &others), None);
        for (path, folder) in [("mine.ts", "."), ("their work/mine.ts", "'their work'")] {
            let hash = "0".repeat(64);
            let file = AdapterFile { path: path.to_owned(), sha256: hash.clone(), program_sha256: hash };
            target.adapter_file = Some(file);
            let command = format!("(cd {folder} && npm install --save-exact @smithy/core@3.41.0)");
            assert_eq!(remedy(&target, &others), Some(command));
        }
    }

    #[test]
    fn a_target_is_compared_with_the_baseline_of_its_runtime_unless_it_is_the_sdk_itself() {
        let mut results = raw(&Shape::small());
        for target in &mut results.targets {
            target.sdk_packages = packages(if target.baseline { "@smithy/core@3.1.0" } else { "@smithy/core@3.1.1" });
        }
        let differing = |results: &Results| {
            results.targets.iter().filter(|target| !other_than_the_baseline(results, target).is_empty()).count()
        };
        assert_eq!(differing(&results), results.targets.len() - 1);
        results.targets[1].adapter = "aws-sdk".to_owned();
        assert_eq!(differing(&results), results.targets.len() - 2);
        results.targets.iter_mut().for_each(|target| target.baseline = false);
        assert_eq!(differing(&results), 0);
    }
}
