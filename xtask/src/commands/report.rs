//! `cargo xtask report`: the report again, from a results file alone.

use std::path::Path;

use crate::cli::Report;
use crate::report;
use crate::results::reading;
use crate::system::progress::print_line;

impl Report {
    /// Renders everything that `bench` renders, its summary for the terminal included.
    ///
    /// # Errors
    /// A file that can't be read as results, or a folder that can't be written to.
    pub fn run(&self) -> anyhow::Result<()> {
        let results = reading::load(&self.results)?;
        let beside = self.results.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        print_line(report::terminal_summary(&results, report::terminal_width(), console::colors_enabled()));
        print_line("");
        for file in report::render(&results, self.out.as_deref().unwrap_or(beside))? {
            print_line(file.display());
        }
        Ok(())
    }
}
