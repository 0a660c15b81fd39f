//! Who owns what was started. Every process that we start carries a mark in its environment, and every container has it
//! as a label: a hash of the target folder, the boot, the owner's process id and that process's start. Children inherit
//! it. The next run ends what bears the mark of an owner that is dead, and nothing else: a name proves nothing, and a
//! process id alone may have passed to a stranger.

pub mod notes;

use std::path::PathBuf;
use std::sync::OnceLock;

use hmac_sha256::Hash as Sha256;

use crate::checkout::Checkout;
use crate::files;
#[cfg(target_os = "linux")]
use crate::proc;

pub use notes::{note_compose, note_kept};

/// The environment variable that holds the mark.
pub const VARIABLE: &str = "DYNAMODB_BENCH_OWNER";
/// The label of a container, a network and a volume that holds it.
pub const LABEL: &str = "io.github.mizzle-bench.owner";
/// What the name of a folder that is being made begins with; its owner's mark follows.
pub const MAKING: &str = ".making-";

static MINE: OnceLock<Who> = OnceLock::new();

/// A run, and the folder in which it keeps what it makes.
#[derive(Debug, Clone)]
pub struct Owner {
    pub who: Who,
    /// The folder in which it keeps what it makes.
    pub bench: PathBuf,
}

/// One process that started others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// A hash of the target folder: two checkouts don't end each other's.
    pub place: String,
    /// Process ids and starts begin anew with each boot.
    pub boot: String,
    pub pid: u32,
    /// With the pid, it names a process that may be long gone.
    pub start: u64,
}

impl Owner {
    /// This process.
    pub fn me(checkout: &Checkout) -> Owner {
        Owner { who: Who::me(checkout), bench: checkout.bench() }
    }
}

/// What every child of this process is marked with from now on.
pub fn mark_children(me: &Owner) {
    let _ = MINE.set(me.who.clone());
}

/// The mark of this process's children.
///
/// # Errors
/// Where this program's own place can't be found.
pub fn mark() -> anyhow::Result<String> {
    Ok(mine()?.mark())
}

/// The beginning of a name for a folder that is being made: what a dead owner was making is removed by the next run.
///
/// # Errors
/// As [`mark`].
pub fn making() -> anyhow::Result<String> {
    Ok(format!("{MAKING}{}-", mine()?.mark()))
}

fn mine() -> anyhow::Result<&'static Who> {
    if let Some(who) = MINE.get() {
        return Ok(who);
    }
    let who = Who::me(&Checkout::find()?);
    Ok(MINE.get_or_init(|| who))
}

impl Who {
    fn me(checkout: &Checkout) -> Who {
        let pid = std::process::id();
        let target = checkout.target.canonicalize().unwrap_or_else(|_| checkout.target.clone());
        let digest = Sha256::hash(target.as_os_str().as_encoded_bytes());
        Who { place: files::hex(&digest[..6]), boot: boot(), pid, start: start_of(pid).unwrap_or(0) }
    }

    /// In characters that a name of a file, a label and a variable can have.
    pub fn mark(&self) -> String {
        format!("{}-{}-{}-{}", self.place, self.boot, self.pid, self.start)
    }

    fn of_mark(mark: &str) -> Option<Who> {
        let mut parts = mark.split('-');
        let (place, boot) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let (pid, start) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        parts.next().is_none().then_some(Who { place, boot, pid, start })
    }

    /// Whether what bears this mark was left by a dead run of the same place.
    pub fn inherits(&self, mark: &str) -> bool {
        Who::of_mark(mark).is_some_and(|other| {
            other.place == self.place && (other.boot != self.boot || start_of(other.pid) != Some(other.start))
        })
    }
}

/// When a process started, in ticks since the boot: a clock that jumps changes nothing in it. None where there is no
/// such process, or only its zombie.
#[cfg(target_os = "linux")]
pub fn start_of(pid: u32) -> Option<u64> {
    proc::stat(pid).filter(|stat| stat.lives()).map(|stat| stat.start)
}

/// When a process started, in seconds since 1970. None where there is no such process.
#[cfg(not(target_os = "linux"))]
pub fn start_of(pid: u32) -> Option<u64> {
    use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};
    let pid = sysinfo::Pid::from_u32(pid);
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, ProcessRefreshKind::nothing());
    Some(system.process(pid)?.start_time())
}

/// What distinguishes this boot from another.
#[cfg(target_os = "linux")]
fn boot() -> String {
    let id = proc::boot_id().unwrap_or_default();
    let id: String = id.chars().filter(char::is_ascii_hexdigit).take(12).collect();
    if id.is_empty() { "unknown".to_owned() } else { id }
}

/// Starts are times there, and so differ between boots anyway.
#[cfg(not(target_os = "linux"))]
fn boot() -> String {
    "any".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{self, Command};

    fn me() -> Who {
        Who::me(&Checkout { root: "/nowhere".into(), target: "/nowhere/target".into() })
    }

    #[test]
    fn a_mark_says_whose_it_is() {
        assert_eq!(Who::of_mark(&me().mark()), Some(me()));
        for garbage in ["", "----", "a-b-c-d", "a-b-1-2-3", "a-b-1", "nobody"] {
            assert_eq!(Who::of_mark(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn only_what_a_dead_run_of_the_same_place_left_is_inherited() {
        let me = me();
        let other = |change: fn(&mut Who)| {
            let mut other = me.clone();
            change(&mut other);
            other.mark()
        };
        assert!(!me.inherits(&me.mark()), "it lives");
        assert!(me.inherits(&other(|who| who.start -= 1)), "another had this pid before");
        assert!(me.inherits(&other(|who| who.boot = "earlier".into())), "nothing lives through a boot");
        assert!(!me.inherits(&other(|who| (who.place, who.start) = ("elsewhere".into(), 1))), "another checkout's");
        assert!(!me.inherits("somebody else's"));
    }

    #[test]
    fn a_process_has_one_start_and_a_dead_one_has_none() {
        let id = std::process::id();
        assert!(start_of(id).is_some());
        assert_eq!(start_of(id), start_of(id));
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert_eq!(start_of(child.id()), None);
    }

    #[test]
    fn children_and_grandchildren_bear_our_mark() {
        let shell = process::shell(std::path::Path::new("/")).unwrap();
        let script = format!("sh -c 'echo ${VARIABLE}'");
        assert_eq!(process::answer(xshell::cmd!(shell, "sh -c {script}")), mark().ok());
    }
}
