//! `cargo xtask`: a benchmark of `DynamoDB` client libraries for JavaScript. The rooms, from the top floor down; each
//! uses only what stands below it (`tests/rooms.rs` holds them to it).

pub mod cli;
pub mod commands;

pub mod run;

pub mod report;

pub mod analysis;
pub mod workers;

pub mod machine;
pub mod setup;

pub mod results;

pub mod plan;

pub mod system;

#[cfg(test)]
#[path = "../tests/support/fixture.rs"]
mod fixture;
