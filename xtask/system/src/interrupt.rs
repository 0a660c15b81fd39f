//! Ctrl-C, SIGTERM, and SIGHUP when a terminal closes. The first signal sets a flag that every wait of ours looks at, so that the guards stop what
//! was started on the way out; the second makes those guards stop at once what they would have asked politely.

use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::exit::Exit;
use crate::proc;

static SIGNALS: AtomicU32 = AtomicU32::new(0);
static FIRST: AtomicI32 = AtomicI32::new(0);

/// Listens for SIGINT and SIGTERM from now on, and for SIGHUP unless `nohup` had it ignored. Call once.
///
/// # Errors
/// Where the operating system refuses a handler.
pub fn listen() -> anyhow::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut heard = vec![SIGINT, SIGTERM];
    if !is_ignored(SIGHUP) {
        heard.push(SIGHUP);
    }
    let mut signals = signal_hook::iterator::Signals::new(heard).context("listening for signals")?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                let _ = FIRST.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
                SIGNALS.fetch_add(1, Ordering::SeqCst);
            }
        })
        .context("starting the thread that listens for signals")?;
    Ok(())
}

/// Whether a signal was ignored by who started us; a handler of ours would undo that. Only Linux shows it.
fn is_ignored(signal: i32) -> bool {
    let mask = proc::status(std::process::id(), "SigIgn").and_then(|mask| u64::from_str_radix(&mask, 16).ok());
    mask.is_none_or(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Whether a signal has come.
pub fn requested() -> bool {
    SIGNALS.load(Ordering::SeqCst) > 0
}

/// Whether a second signal has come: stop without asking.
pub fn at_once() -> bool {
    SIGNALS.load(Ordering::SeqCst) > 1
}

/// Fails with [`Exit::Interrupted`] once a signal has come.
pub fn check() -> anyhow::Result<()> {
    if requested() { Err(Exit::Interrupted { signal: FIRST.load(Ordering::SeqCst) }.into()) } else { Ok(()) }
}

/// Sleeps, but not through a signal.
pub fn sleep(duration: Duration) -> anyhow::Result<()> {
    let end = Instant::now() + duration;
    loop {
        check()?;
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
}
