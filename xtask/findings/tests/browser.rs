//! The page in a real browser: its console is silent, tables sort and are whole, the choice of scale and metric changes
//! what is shown, and axe-core finds nothing to object to. Skipped, with a note on standard error, where there is no
//! Chromium.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use findings::report::render;
use findings::results::{Operation, reading};

/// Clicks and looks, and leaves what it saw in the page.
const VISITOR: &str = r#"
<script>
const seen = {};
const table = document.querySelector('[data-scale="small"] [data-metric="latency"] table');
const column = (n) => [...table.tBodies[0].rows].map((row) => Number.parseFloat(row.cells[n].dataset.value));
const known = (values) => values.filter((value) => !Number.isNaN(value));
const rising = (values) => values.every((value, at) => at === 0 || values[at - 1] <= value);
seen.unsorted = rising(known(column(3)));
const button = table.tHead.rows[0].cells[3].querySelector('button');
button.click();
seen.ascending = rising(known(column(3)));
seen.missingLast = Number.isNaN(column(3).at(-1));
seen.marked = table.tHead.rows[0].cells[3].getAttribute('aria-sort');
button.click();
seen.descending = rising(known(column(3)).reverse());
seen.stillMissingLast = Number.isNaN(column(3).at(-1));
const visible = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.offsetParent !== null).length;
const choose = (name, value) => document.querySelector(`input[name="${name}"][value="${value}"]`).click();
seen.scalesAtFirst = visible('[data-scale="small"]') + ' ' + visible('[data-scale="large"]');
choose('scale', 'large');
seen.scalesThen = visible('[data-scale="small"]') + ' ' + visible('[data-scale="large"]');
seen.groupsAtFirst = visible('[data-metric]') > 4;
choose('metric', 'cpu');
seen.groupsThen = visible('[data-metric]') + ' ' + visible('[data-metric="cpu"]');
seen.fits = document.documentElement.scrollWidth <= window.innerWidth;
seen.width = window.innerWidth;
choose('metric', 'all');
const cut = [...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > e.clientWidth);
seen.cut = cut.map((e) => `${e.getAttribute('aria-label')} ${e.scrollWidth} > ${e.clientWidth}`).join(', ');
const clipped = [...document.querySelectorAll('td, th')].filter((e) => e.offsetParent && e.scrollWidth > e.clientWidth + 1);
seen.clipped = clipped.map((e) => e.textContent.trim()).join(' | ');
seen.answered = document.querySelector('.points').getBoundingClientRect().bottom + window.scrollY <= 1000;
seen.named = [...document.querySelectorAll('table')].every((e) => e.caption?.textContent.trim());
seen.headed = [...document.querySelectorAll('th')].every((e) => e.scope);
const small = [...document.querySelectorAll('.scale:not([hidden]) figure svg text')].map((text) => {
  const scale = text.ownerSVGElement.getBoundingClientRect().width / text.ownerSVGElement.viewBox.baseVal.width;
  return Number.parseFloat(text.getAttribute('font-size')) * scale;
});
seen.legible = small.length > 0 && Math.min(...small) >= 10;
seen.hints = [...document.querySelectorAll('.scale:not([hidden]) figure title')].length > 50;
parent.postMessage(Object.entries(seen).map(([key, value]) => `${key}=${value}`).join(';'), '*');
</script>
"#;

#[test]
fn the_page_works_in_a_browser_and_every_table_is_whole_at_any_width() {
    let Some(chromium) = chromium() else {
        // Not `eprintln!`, which the test harness would hide.
        let _ = writeln!(std::io::stderr(), "SKIPPED: the page in a browser (no chromium, apt-get install chromium)");
        return;
    };
    let out = tempfile::tempdir().unwrap();
    let fixed = reading::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/results.json")).unwrap();
    render(&fixed, out.path()).unwrap();
    let page = out.path().join("report.html");

    // As it is, under its own policy: the script runs, and nothing is blocked.
    let (dom, console) = open(&chromium, &page, "1280,1000");
    assert_eq!(console, Vec::<String>::new(), "the console's words");
    assert!(dom.contains("<div class=\"choices\">"), "the script did not run under the page's policy");

    // With a visitor, whose script that policy would not let run.
    std::fs::write(out.path().join("visited.html"), with_script(&page, VISITOR)).unwrap();
    // In a frame, since a window is at least 500 wide.
    for width in [1280, 1024, 420, 390] {
        let frame = out.path().join(format!("frame-{width}.html"));
        let listen = "addEventListener('message', (event) => { document.body.dataset.seen = event.data; })";
        let around = format!(
            "<!doctype html><body><script>{listen}</script>\
             <iframe src=\"visited.html\" style=\"border: 0; width: {width}px; height: 900px\"></iframe>"
        );
        std::fs::write(&frame, around).unwrap();
        let (dom, console) = open(&chromium, &frame, "1400,1000");
        assert_eq!(console, Vec::<String>::new(), "the console's words at {width}");
        let seen = dom.split("data-seen=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        for expected in [
            "unsorted=false",
            "ascending=true",
            "missingLast=true",
            "marked=ascending",
            "descending=true",
            "stillMissingLast=true",
            "scalesAtFirst=1 0",
            "scalesThen=0 1",
            "groupsAtFirst=true",
            "groupsThen=1 1",
            "fits=true",
            "cut=",
            "clipped=",
            "named=true",
            "headed=true",
            "legible=true",
            "hints=true",
            &format!("width={width}"),
        ] {
            assert!(seen.split(';').any(|one| one == expected), "{expected} at {width}: saw {seen:?}");
        }
        if width >= 1024 {
            assert!(seen.contains("answered=true"), "the answer is not on the first screen at {width}: {seen}");
        }
    }
}

/// Looks at the whole page with axe-core, and leaves what it found in the page.
const AUDITOR: &str = r#"
<script src="axe.min.js"></script>
<script>
const said = (rule) => `${rule.id}: ${rule.nodes.map((node) => `${node.target} (${node.failureSummary})`).slice(0, 3)}`;
axe.run(document).then((found) => {
  const unsure = found.incomplete.map((rule) => rule.id);
  const seen = [`dark=${matchMedia('(prefers-color-scheme: dark)').matches}`, `passed=${found.passes.length > 20}`];
  parent.postMessage([...seen, `wrong=${found.violations.map(said).join(' ')}`, `unsure=${unsure}`].join(';'), '*');
});
</script>
"#;

#[test]
fn the_page_is_accessible_in_both_themes() {
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benchmark/node_modules/axe-core/axe.min.js");
    let (Some(chromium), true) = (chromium(), axe.is_file()) else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: axe-core on the page (no chromium, or no npm ci in benchmark/)");
        return;
    };
    let out = tempfile::tempdir().unwrap();
    let mut fixed = reading::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/results.json")).unwrap();
    // One scale and two operations have all kinds of tables and charts; axe takes a minute for the whole.
    fixed.settings.scales.truncate(1);
    fixed.measurements.retain(|m| matches!(m.operation, Operation::GetItem | Operation::Query));
    render(&fixed, out.path()).unwrap();
    std::fs::copy(axe, out.path().join("axe.min.js")).unwrap();
    let listen =
        "<script>addEventListener('message', (event) => { document.body.dataset.seen = event.data; })</script>";
    let page = out.path().join("audited.html");
    std::fs::write(&page, with_script(&out.path().join("report.html"), &format!("{listen}{AUDITOR}"))).unwrap();
    // Blink's names: 0 is dark, 1 is light.
    for (scheme, dark) in [(1, "dark=false"), (0, "dark=true")] {
        let flag = format!("--blink-settings=preferredColorScheme={scheme}");
        let (dom, _) = open_with(&chromium, &page, &["--window-size=1280,1000", "--virtual-time-budget=20000", &flag]);
        let seen = dom.split("data-seen=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        // Text on the bars of a cell and in the charts is for a test of the palette to judge.
        assert_eq!(seen, format!("{dark};passed=true;wrong=;unsure=color-contrast"));
    }
}

/// The page without its policy, which would not let this script of a test run.
fn with_script(page: &Path, script: &str) -> String {
    let html = std::fs::read_to_string(page).unwrap();
    let policy = html.find("<meta http-equiv").unwrap();
    let end = policy + html[policy..].find('>').unwrap() + 1;
    format!("{}{}", &html[..policy], &html[end..]).replace("</body>", &format!("{script}</body>"))
}

fn chromium() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"].iter().find_map(|name| which::which(name).ok())
}

/// The page's DOM once its scripts have run, and what the console said.
fn open(chromium: &Path, page: &Path, size: &str) -> (String, Vec<String>) {
    open_with(chromium, page, &["--virtual-time-budget=2000", &format!("--window-size={size}")])
}

fn open_with(chromium: &Path, page: &Path, flags: &[&str]) -> (String, Vec<String>) {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--dump-dom", "--hide-scrollbars"])
        .args(flags)
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(page)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    let console = words.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    (String::from_utf8_lossy(&output.stdout).into_owned(), console)
}
