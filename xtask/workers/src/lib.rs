//! The child processes that do the work: what is said to them, and typed conversations with a suite and the keeper. A
//! crate of its own, so that it alone is optimised: suites are talked with while something is measured.

pub mod keeper;
pub mod protocol;
pub mod suite;
pub mod worker;
