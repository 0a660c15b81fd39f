//! `cargo xtask schema`: prints the JSON Schema of `results.json`.

use std::io::Write as _;

use crate::results::schema::SCHEMA;

/// # Errors
/// Where standard output can't be written.
pub fn run() -> anyhow::Result<()> {
    std::io::stdout().write_all(SCHEMA.as_bytes())?;
    Ok(())
}
