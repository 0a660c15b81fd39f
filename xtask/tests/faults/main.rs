//! The faults that a run must survive, each provoked for real with the real command: FAULTS.md is the table of them.
//! Those that take long are ignored here and run by `cargo xtask test --part faults`.

#![cfg(target_os = "linux")]

mod adapters;
mod database;
mod files;
mod prerequisites;
mod resume;
mod security;
mod signals;
mod suites;
mod support;
mod sweep;
