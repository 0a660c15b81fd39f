//! What a run found: the results file, what its figures mean, and the pages that show it. Whoever reads results does not
//! know how they were made. A crate of its own, so that it is built next to the libraries that only measuring needs.

pub mod analysis;
pub mod report;
pub mod results;

pub use system;

#[cfg(any(test, feature = "testing"))]
#[path = "../tests/support/fixture.rs"]
pub mod fixture;
