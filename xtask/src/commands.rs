//! One file a command: each turns its flags into work for the rooms below and its end into an exit code.

pub mod bench;
pub mod burn;
pub mod compare;
pub mod doctor;
pub mod history;
pub mod pages;
pub mod report;
pub mod schema;
pub mod selftest;
pub mod test;
