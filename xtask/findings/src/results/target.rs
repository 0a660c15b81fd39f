//! What was measured: a library at one version, how it is called, and how it starts.

use std::collections::BTreeMap;

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Interval, Operation};

/// What is called for an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(feature = "testing", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct DescribedCall {
    /// The call, as it would stand in an application.
    pub code: String,
    /// The page of the library's documentation that shows it.
    pub link: String,
    /// What its request asks for otherwise than the bare SDK's; null where they ask for the same.
    pub unequal: Option<String>,
}

/// What an adapter's author wants readers of its figures to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(feature = "testing", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Caveat {
    pub text: String,
    /// Where more is said about it.
    pub link: Option<String>,
}

/// One library at one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// What the rest of the file calls it: `mizzle`, or `mizzle@1.2.0` where versions stand side by side.
    pub id: String,
    /// For people: "Mizzle".
    pub name: String,
    /// The library's adapter: `aws-sdk`, `mizzle`, `dynamoose`, `electrodb`, …; of one outside this repository the name
    /// of its file.
    pub adapter: String,
    /// The version that was installed; null when it wasn't.
    pub version: Option<String>,
    /// What npm was asked for; of an adapter outside this repository its file.
    pub spec: String,
    /// What ran it; absent in files of earlier versions, where it is the environment's Node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Runtime>,
    /// Whether those under the same runtime are compared with it.
    pub baseline: bool,
    /// The target that this is the base of: the same library with the adapter and lock file of another commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_of: Option<String>,
    pub status: TargetStatus,
    /// Why the status is not `ok`: a sentence, with the last lines of the log where there are any.
    pub reason: Option<String>,
    /// Whether it was left out because it can't have such items as this run is of; the reason says why.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsuited: bool,
    /// The AWS SDK client that carried its calls.
    pub sdk_version: Option<String>,
    /// Another AWS SDK that the library brought for itself.
    pub own_sdk_version: Option<String>,
    /// The packages `@aws-sdk/*` and `@smithy/*` that its process loaded, as `@smithy/core@3.41.0`; empty where its
    /// process never started, and in files of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sdk_packages: Vec<String>,
    /// What was measured of an adapter outside this repository; absent where it is one of this repository's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter_file: Option<AdapterFile>,
    /// The working tree or repository that it was taken from; absent where npm delivered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The library with its dependencies, and with what is imported along with it, on disk, MiB.
    pub installed_mb: Option<f64>,
    /// The library bundled with its adapter and the AWS SDK; null where no bundle was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Bundle>,
    /// What was called for each operation; empty where its process never started.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calls: BTreeMap<Operation, DescribedCall>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caveats: Vec<Caveat>,
    /// The mean size of an item in the form in which the library writes it, as `DynamoDB` counts, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_bytes: Option<f64>,
    /// A known extra cost that was put into each call, steps of arithmetic (tests of the harness only).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub handicap_steps: BTreeMap<Operation, u64>,
}

impl Target {
    /// Its id without its runtime's: what it has in common with its likes under other runtimes.
    pub fn stem(&self) -> &str {
        let suffix = self.runtime.as_ref().map(|runtime| format!("+{}", runtime.spec));
        suffix.and_then(|suffix| self.id.strip_suffix(&suffix)).unwrap_or(&self.id)
    }

    /// Whether the same runtime ran both.
    pub fn runs_like(&self, other: &Target) -> bool {
        self.runtime == other.runtime
    }
}

/// What ran a suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Runtime {
    /// `Node` or `Bun`.
    pub name: String,
    /// As `24.21.0`.
    pub version: String,
    /// What was asked for: `node` (the one on the path), `node@24`, `bun`.
    pub spec: String,
}

impl std::fmt::Display for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// The file of an adapter outside this repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AdapterFile {
    /// As it was given.
    pub path: String,
    /// Of the file, hexadecimal.
    pub sha256: String,
    /// Of the program that was made of it and of the files that it imports, hexadecimal.
    pub program_sha256: String,
}

/// A library with its adapter and the AWS SDK as one minified file, as it would be shipped to Lambda.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    /// `esbuild 0.28.2`.
    pub bundled_by: String,
    /// KiB (1,024 bytes); null where it can't be bundled.
    pub minified_kib: Option<f64>,
    /// The same after gzip, KiB.
    pub gzip_kib: Option<f64>,
    /// Why there is no bundle, or why it can't be imported.
    pub reason: Option<String>,
}

/// What of a library's own repository was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// The manifest's version, marked as a source's: `1.2.0+source.0123456`; where no commit says what was measured with
    /// a hash of what was bundled, `1.2.0+source.0123456.dirty.89abcdef`.
    pub version: String,
    /// The repository's commit; null outside a repository.
    pub commit: Option<String>,
    /// Whether the packages' folders differ from that commit.
    pub dirty: Option<bool>,
    /// What made the sources into what was measured: `esbuild 0.28.2`; null where built files were taken as they lie.
    pub bundled_by: Option<String>,
    /// The range of `@aws-sdk/client-dynamodb` that its manifest names. What carried its calls is in `sdkVersion`.
    pub sdk_asked_for: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TargetStatus {
    Ok,
    /// It crashed, hung, threw, or spoke garbage.
    Failed,
    /// Its results were not what the data set says; it was not timed.
    WrongWork,
    /// npm could not deliver it, or it can't have such items.
    Unavailable,
}

/// What a fresh process pays before it is warm; never mixed into the other figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ColdStart {
    pub scale: String,
    pub target: String,
    /// Time to import the library, milliseconds.
    pub import_ms: PerProcess,
    /// Time to import the library's bundle in a process of its own, milliseconds; null where there is none that works.
    #[serde(default)]
    pub bundled_import_ms: Option<PerProcess>,
    /// Resident set after the import, MiB.
    pub memory_mb: PerProcess,
    /// Time of the first call of each operation in the process, milliseconds, in the order in which they were made.
    pub first_call_ms: Vec<FirstCall>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FirstCall {
    pub operation: Operation,
    #[serde(flatten)]
    pub ms: PerProcess,
}

/// A mean over processes, its interval, and the values that it was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PerProcess {
    pub mean: f64,
    pub ci95: Option<Interval>,
    pub values: Vec<f64>,
}
