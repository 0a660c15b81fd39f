//! What must be there before anything is measured: npm packages, a database, another commit's adapters; and the end of
//! what a killed run left.

pub mod against;
pub mod database;
pub mod npm;
mod remedy;
pub mod sweep;
