//! `cargo xtask history`: prints the table and, where asked, writes the page.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::cli;
use crate::system::files::check_folder;

impl cli::History {
    /// # Errors
    /// Where the folder holds no results, or `--out` can't be written.
    pub fn run(&self) -> anyhow::Result<()> {
        if let Some(out) = &self.out {
            check_folder(out)?;
        }
        let history = crate::report::history::history(&self.dir)?;
        let mut text = history.terminal(crate::report::terminal_width());
        if let Some(out) = &self.out {
            for file in history.write(out)? {
                let _ = writeln!(text, "{}", file.display());
            }
        }
        // A reader that has seen enough (`| head`) is no fault.
        let _ = std::io::stdout().write_all(text.as_bytes());
        Ok(())
    }
}
