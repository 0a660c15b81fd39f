//! The child processes that do the work: what is said to them, and typed conversations with a suite and the keeper.

pub mod keeper;
pub mod protocol;
pub mod suite;
pub mod worker;
