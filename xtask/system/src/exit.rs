//! How a command ends: the exit codes of the contract, as errors that carry them. `main` turns an error into its
//! code; everything else only says which kind of end it is.

use std::fmt;

/// An end other than success, with its exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// 1: `compare` found a regression.
    Regression(String),
    /// 2: bad arguments or a bad file.
    BadInput(String),
    /// 3: something that the machine must have is missing.
    Prerequisite(String),
    /// 4: a target failed or did wrong work, or the run could not go on.
    Failed(String),
    /// 128 + the signal's number: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP.
    Interrupted { signal: i32 },
}

impl Exit {
    pub fn code(&self) -> u8 {
        match self {
            Exit::Regression(_) => 1,
            Exit::BadInput(_) => 2,
            Exit::Prerequisite(_) => 3,
            Exit::Failed(_) => 4,
            Exit::Interrupted { signal } => 128 + *signal as u8,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Regression(why) | Exit::BadInput(why) | Exit::Prerequisite(why) | Exit::Failed(why) => {
                f.write_str(why)
            }
            Exit::Interrupted { .. } => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Exit {}

/// The exit code of an error: the [`Exit`] in its chain, or 4 for anything that isn't one.
pub fn code_of(error: &anyhow::Error) -> u8 {
    error.chain().find_map(|cause| cause.downcast_ref::<Exit>()).map_or(4, Exit::code)
}
