//! Monorepos as npm, pnpm and Bun have them, staged by the real programs: esbuild bundles, Node runs what comes out.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use xshell::cmd;

use super::testing::write;
use super::*;
use crate::setup::npm::prepare;
use crate::system::exit::code_of;
use crate::system::process;

/// The compiled programs of this checkout.
fn bundler() -> &'static (Tools, PathBuf) {
    static READY: OnceLock<(Tools, PathBuf)> = OnceLock::new();
    READY.get_or_init(|| {
        let (checkout, tools) = (Checkout::find().unwrap(), Tools::find().unwrap());
        let benchmark = prepare(&checkout, &tools, &Progress::new(true)).unwrap();
        (tools, benchmark)
    })
}

/// A place with spaces in its path.
struct Place {
    home: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        Place { home: tempfile::Builder::new().prefix("a place ").tempdir().unwrap() }
    }

    fn root(&self) -> PathBuf {
        self.home.path().join("repository")
    }

    fn write(&self, path: &str, text: &str) {
        write(&self.root(), path, text);
    }

    /// A package that is written in TypeScript: its entry is a source, its sibling is only in the repository, and its
    /// imports leave out extensions, go in a circle, and are made at run time.
    fn monorepo(&self, manager: &str) {
        match manager {
            "npm" => self.write(
                "package.json",
                r#"{"name":"mizzle","workspaces":["packages/*"],"dependencies":{"from-root":"^3"}}"#,
            ),
            "bun" => self.write(
                "package.json",
                r#"{"name":"mizzle","workspaces":{"packages":["packages/*"]},"dependencies":{"from-root":"^3"}}"#,
            ),
            _ => {
                self.write("package.json", r#"{"name":"mizzle","dependencies":{"from-root":"^3"}}"#);
                self.write("pnpm-workspace.yaml", "packages:\n  - 'packages/*'\n");
            }
        }
        let range = if manager == "npm" { "^1.0.0" } else { "workspace:*" };
        self.write(
            "packages/mizzle/package.json",
            &format!(
                r#"{{"name":"@aurios/mizzle","version":"1.2.3","type":"module","main":"./src/index.ts",
                "exports":{{".":"./src/index.ts","./columns":"./src/columns/index.ts"}},
                "dependencies":{{"@x/shared":"{range}","@aws-sdk/client-dynamodb":"3.962.0"}}}}"#
            ),
        );
        self.write(
            "packages/mizzle/src/index.ts",
            "import { shared } from '@x/shared';\nimport { deep } from '@x/shared/deep';\nimport { even } from './even';\n\
             import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';\nexport type Client = DynamoDBClient;\n\
             export const said = async (): Promise<string> =>\n  [shared(), deep, even(4), (await import('./later')).later].join(' ');\n",
        );
        self.write(
            "packages/mizzle/src/even.ts",
            "import { odd } from './odd';\nexport const even = (n: number): boolean => n === 0 || odd(n - 1);\n",
        );
        self.write(
            "packages/mizzle/src/odd.ts",
            "import { even } from './even';\nexport const odd = (n: number): boolean => n !== 0 && even(n - 1);\n",
        );
        self.write("packages/mizzle/src/later.ts", "export const later = 'later';\n");
        self.write("packages/mizzle/src/columns/index.ts", "export const column: string = 'column';\n");
        self.write(
            "packages/shared/package.json",
            r#"{"name":"@x/shared","version":"1.0.0","exports":{".":"./src/index.ts","./*":"./src/*.ts"}}"#,
        );
        self.write("packages/shared/src/index.ts", "export const shared = (): string => 'shared';\n");
        self.write("packages/shared/src/deep.ts", "export const deep = 'deep';\n");
    }

    fn stage(&self, inside: &str, prebuilt: bool) -> anyhow::Result<Staged> {
        let (tools, benchmark) = bundler();
        let checkout = Checkout { root: self.home.path().join("checkout"), target: self.home.path().join("target") };
        let spec = self.root().join(inside).display().to_string();
        stage(&checkout, tools, benchmark, mizzle(), &spec, prebuilt, &Progress::new(true))
    }

    /// The reason why it can't be staged, which is the user's to hear as bad input.
    #[track_caller]
    fn refusal(&self, inside: &str, prebuilt: bool) -> String {
        let why = self.stage(inside, prebuilt).unwrap_err();
        assert_eq!(code_of(&why), 2, "{why:#}");
        let why = format!("{why:#}");
        assert!(!why.contains('\n'), "{why}");
        why
    }
}

fn mizzle() -> Library {
    Library::find("mizzle").unwrap()
}

/// What a module in a staged package evaluates to.
#[track_caller]
fn evaluate(staged: &Staged, file: &str, expression: &str) -> String {
    let script = format!("const it = await import('./{file}'); process.stdout.write(String(await ({expression})));");
    let (shell, node) = (process::shell(Path::new(&staged.spec)).unwrap(), &bundler().0.node);
    cmd!(shell, "{node} --input-type=module --eval {script}").quiet().read().unwrap()
}

fn manifest(staged: &Staged) -> serde_json::Value {
    packages::read_json(&Path::new(&staged.spec).join("package.json")).unwrap()
}

#[test]
fn a_monorepo_of_npm_pnpm_or_bun_is_bundled_from_its_root_and_from_its_member() {
    for manager in ["npm", "pnpm", "bun"] {
        let place = Place::new();
        place.monorepo(manager);
        let staged = place.stage("", false).unwrap();
        assert_eq!(evaluate(&staged, "index.js", "it.said()"), "shared deep true later", "{manager}");
        assert_eq!(evaluate(&staged, "sub/columns.js", "it.column"), "column", "{manager}");
        let manifest = manifest(&staged);
        assert_eq!(manifest["name"], "@aurios/mizzle");
        assert_eq!(manifest["exports"]["./columns"], "./sub/columns.js");
        assert_eq!(manifest["dependencies"], serde_json::json!({}), "only a type is imported of the SDK");
        let source = staged.source.clone().unwrap();
        assert!(source.version.starts_with("1.2.3+source.") && source.commit.is_none(), "{source:?}");
        assert_eq!(source.sdk_asked_for.as_deref(), Some("3.962.0"));
        assert!(source.bundled_by.unwrap().starts_with("esbuild "));
        assert_eq!(place.stage("packages/mizzle", false).unwrap(), staged, "the member's folder means the same");
    }
}

#[test]
fn what_is_staged_changes_with_a_sibling_and_with_nothing_else() {
    let place = Place::new();
    place.monorepo("bun");
    let first = place.stage("", false).unwrap();
    place.write("README.md", "changed");
    place.write("packages/mizzle/test/a.test.ts", "changed");
    assert_eq!(place.stage("", false).unwrap(), first);
    place.write("packages/shared/src/index.ts", "export const shared = (): string => 'other';\n");
    let second = place.stage("", false).unwrap();
    assert_ne!(second.spec, first.spec);
    assert_eq!(evaluate(&second, "index.js", "it.said()"), "other deep true later");
}

#[test]
fn built_files_are_taken_where_they_are_newer_than_the_sources_or_where_they_are_asked_for() {
    let place = Place::new();
    place.monorepo("bun");
    place.write(
        "packages/mizzle/package.json",
        r#"{"name":"@aurios/mizzle","version":"1.2.3","type":"module","exports":"./dist/index.js","devDependencies":{"@x/shared":"workspace:*"}}"#,
    );
    place.write("packages/mizzle/dist/index.js", "export const said = () => 'built';\n");
    let built = place.stage("", false).unwrap();
    assert!(built.spec.ends_with("packages/mizzle"), "{built:?}");
    assert_eq!(built.source.unwrap().bundled_by, None);

    let dist = std::fs::File::options().append(true).open(place.root().join("packages/mizzle/dist/index.js")).unwrap();
    dist.set_modified(std::time::SystemTime::now() - std::time::Duration::from_hours(24 * 7)).unwrap();
    let bundled = place.stage("", false).unwrap();
    assert_eq!(evaluate(&bundled, "index.js", "it.said()"), "shared deep true later", "the build is a week old");
    assert!(place.stage("", true).unwrap().spec.ends_with("packages/mizzle"), "--prebuilt takes it all the same");
}

#[test]
fn a_commit_is_named_and_a_changed_sibling_makes_it_dirty() {
    let place = Place::new();
    place.monorepo("pnpm");
    let git = |arguments: &[&str]| {
        let shell = process::shell(&place.root()).unwrap();
        cmd!(shell, "git -c user.name=x -c user.email=x@x {arguments...}").quiet().ignore_stdout().run().unwrap();
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message=first"]);
    let clean = place.stage("", false).unwrap().source.unwrap();
    let commit = clean.commit.unwrap();
    assert_eq!((clean.version, clean.dirty), (format!("1.2.3+source.{}", &commit[..7]), Some(false)));
    place.write("large.pdf", "not a source");
    assert_eq!(place.stage("", false).unwrap().source.unwrap().dirty, Some(false));
    place.write("packages/shared/src/index.ts", "export const shared = (): string => 'changed';\n");
    let dirty = place.stage("", false).unwrap().source.unwrap();
    assert!(dirty.version.starts_with(&format!("1.2.3+source.{}.dirty.", &commit[..7])), "{dirty:?}");
    place.write("packages/shared/src/index.ts", "export const shared = (): string => 'changed again';\n");
    let again = place.stage("", false).unwrap().source.unwrap();
    assert_ne!(again.version, dirty.version, "two states of one commit are not the same version");
}

#[test]
fn a_git_address_is_bundled_although_the_repository_has_lost_a_large_file() {
    let place = Place::new();
    place.monorepo("bun");
    place.write("manual.pdf", "large");
    place.write("docs/picture.ts", "no source of the package");
    let git = |arguments: &[&str]| -> String {
        let shell = process::shell(&place.root()).unwrap();
        cmd!(shell, "git -c user.name=x -c user.email=x@x {arguments...}").quiet().ignore_stderr().read().unwrap()
    };
    git(&["init", "--quiet", "--initial-branch=main"]);
    git(&["config", "uploadpack.allowFilter", "true"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message=first"]);
    let first = git(&["rev-parse", "HEAD"]);
    place.write("packages/shared/src/index.ts", "export const shared = (): string => 'second';\n");
    git(&["commit", "--quiet", "--message=second", "packages"]);
    for lost in ["manual.pdf", "docs/picture.ts"] {
        let blob = git(&["rev-parse", &format!("HEAD:{lost}")]);
        std::fs::remove_file(place.root().join(".git/objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    }

    let (tools, benchmark) = bundler();
    let checkout = Checkout { root: place.home.path().join("checkout"), target: place.home.path().join("target") };
    let get = |reference: &str| {
        let spec = format!("git+file://{}{reference}", place.root().display());
        stage(&checkout, tools, benchmark, mizzle(), &spec, false, &Progress::new(true))
    };
    for (reference, said) in [
        ("", "second"),
        ("#main", "second"),
        (&format!("#{first}"), "shared"),
        (&format!("#{}", &first[..9]), "shared"),
    ] {
        let staged = get(reference).unwrap_or_else(|why| panic!("{reference}: {why:#}"));
        assert_eq!(evaluate(&staged, "index.js", "it.said()"), format!("{said} deep true later"), "{reference}");
        assert_eq!(staged.source.unwrap().dirty, Some(false), "{reference}");
    }
    let why = get("#no-such-branch").unwrap_err();
    assert_eq!(code_of(&why), 2);
    let why = format!("{why:#}");
    assert!(why.contains("git can't fetch no-such-branch") && !why.contains('\n'), "{why}");
}

#[test]
fn what_can_not_be_bundled_is_said_with_what_is_missing() {
    let place = Place::new();
    place.monorepo("bun");
    let index = |text: &str| place.write("packages/mizzle/src/index.ts", text);

    index("import 'nowhere';\n");
    let why = place.refusal("", false);
    for words in
        ["packages/mizzle/src/index.ts", "imports nowhere", "looked in packages/mizzle/package.json, package.json"]
    {
        assert!(why.contains(words), "{words:?} is not in {why}");
    }
    index("import './not-there';\n");
    let why = place.refusal("", false);
    assert!(why.contains("packages/mizzle/src/index.ts:1: Could not resolve \"./not-there\""), "{why}");
    index("export const = 1;\n");
    let why = place.refusal("", false);
    assert!(why.contains("packages/mizzle/src/index.ts:1: Expected identifier"), "{why}");

    index("import '@x/gone';\n");
    place.write(
        "packages/mizzle/package.json",
        r#"{"name":"mizzle","main":"src/index.ts","dependencies":{"@x/gone":"workspace:*"}}"#,
    );
    let why = place.refusal("", false);
    assert!(
        why.contains(
            "asks for as workspace:*, and no package of the repository has that name; it has mizzle, @x/shared"
        ),
        "{why}"
    );

    place.write("packages/mizzle/package.json", r#"{"name":"mizzle","main":"dist/index.js"}"#);
    std::fs::remove_dir_all(place.root().join("packages/mizzle/src")).unwrap();
    let why = place.refusal("", false);
    assert!(why.contains("./dist/index.js is not there, and there is no src folder"), "{why}");

    place.write("packages/mizzle/package.json", r#"{"name":"other"}"#);
    let why = place.refusal("", false);
    assert!(
        why.contains("a monorepo without a package named @aurios/mizzle or mizzle; its packages: other, @x/shared"),
        "{why}"
    );
}

#[test]
fn a_sibling_of_the_library_and_another_library_are_refused_and_a_renamed_fork_is_not() {
    let place = Place::new();
    place.monorepo("pnpm");
    let why = place.refusal("packages/shared", false);
    assert!(why.contains("its package is @x/shared, and @aurios/mizzle is in ") && why.ends_with("packages/mizzle"));
    place.write("alone/package.json", r#"{"name":"dynamoose","main":"index.ts"}"#);
    place.write("alone/index.ts", "export const it = 1;\n");
    assert!(place.refusal("alone", false).contains("its package is dynamoose, which is Dynamoose"));
    place.write("alone/package.json", r#"{"name":"@me/faster-mizzle","main":"index.ts"}"#);
    assert_eq!(manifest(&place.stage("alone", false).unwrap())["name"], "@aurios/mizzle");
}

#[test]
fn built_files_that_only_their_monorepo_can_install_are_refused_before_npm_is_asked() {
    let place = Place::new();
    place.monorepo("bun");
    place.write(
        "packages/mizzle/package.json",
        r#"{"name":"mizzle","main":"dist/index.js","dependencies":{"@x/shared":"workspace:*"}}"#,
    );
    place.write("packages/mizzle/dist/index.js", "");
    let why = place.refusal("", true);
    assert!(why.contains("need @x/shared as workspace:*") && why.contains("without --prebuilt"), "{why}");
}

#[test]
fn a_package_of_common_js_stays_one() {
    let place = Place::new();
    place.write("package.json", r#"{"name":"a-fork","version":"1.0.0","main":"dist/index.js"}"#);
    place.write("lib/index.ts", "import { inner } from './inner';\nexport = { inner };\n");
    place.write("lib/inner.ts", "export const inner = 1;\n");
    let staged = place.stage("", false).unwrap();
    assert_eq!(manifest(&staged)["type"], "commonjs");
    assert_eq!(evaluate(&staged, "index.js", "it.default.inner"), "1");
}
