//! The page in a real browser: its console is silent, tables sort and are whole, the choice of scale and metric changes
//! what is shown. Skipped, with a note on standard error, where there is no Chromium.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use findings::report::render;
use findings::results::reading;

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
    let html = std::fs::read_to_string(&page).unwrap();
    let policy = html.find("<meta http-equiv").unwrap();
    let end = policy + html[policy..].find('>').unwrap() + 1;
    let html = format!("{}{}", &html[..policy], &html[end..]).replace("</body>", &format!("{VISITOR}</body>"));
    let visited = out.path().join("visited.html");
    std::fs::write(&visited, html).unwrap();
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
            "named=true",
            "headed=true",
            "legible=true",
            "hints=true",
            &format!("width={width}"),
        ] {
            assert!(seen.split(';').any(|one| one == expected), "{expected} at {width}: saw {seen:?}");
        }
    }
}

fn chromium() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"].iter().find_map(|name| which::which(name).ok())
}

/// The page's DOM once its scripts have run, and what the console said.
fn open(chromium: &Path, page: &Path, size: &str) -> (String, Vec<String>) {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--virtual-time-budget=2000", "--dump-dom", "--hide-scrollbars"])
        .arg(format!("--window-size={size}"))
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(page)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    let console = words.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
    (String::from_utf8_lossy(&output.stdout).into_owned(), console)
}
