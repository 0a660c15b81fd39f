//! `cargo xtask`: a benchmark of `DynamoDB` client libraries for JavaScript. The rooms, from the top floor down; each
//! uses only what stands below it (`tests/rooms.rs` holds them to it). Those that need nothing of measuring are crates
//! of their own: `findings/`, `system/` and `workers/`.

pub mod cli;
pub mod commands;

pub mod run;

pub mod machine;
pub mod setup;

pub mod plan;

pub use findings::{analysis, report, results};
pub use system;
pub use workers;
