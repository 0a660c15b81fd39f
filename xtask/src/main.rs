//! `cargo xtask`: a benchmark of `DynamoDB` client libraries for JavaScript.

mod checkout;
mod exit;
mod interrupt;
mod progress;
mod results;

fn main() {}
