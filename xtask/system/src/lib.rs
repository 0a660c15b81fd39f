//! The ground floor: processes, signals, files, locks, the checkout, exit codes and lines for people. It knows nothing
//! of benchmarks.

pub mod checkout;
pub mod exit;
pub mod files;
pub mod format;
pub mod git;
pub mod interrupt;
pub mod lock;
pub mod owner;
pub mod proc;
pub mod process;
pub mod progress;
