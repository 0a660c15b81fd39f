//! The release gate as commands: `cargo xtask compare`, of two results files or of targets in one, and the end of a
//! run that measured one library twice. Both are a table and an exit code.

use std::path::Path;

use crate::analysis::compare::{self, Comparison, FailOn, Pair};
use crate::cli::{Compare, Format};
use crate::report::{self, comparison as render, github};
use crate::results::Results;
use crate::results::{baselines, reading};
use crate::system::checkout::Checkout;
use crate::system::exit::Exit;
use crate::system::files;
use crate::system::progress::print_line;

impl Compare {
    /// Compares and prints.
    ///
    /// # Errors
    /// [`Exit::Regression`] where there is one; [`Exit::BadInput`] for files that can't be read or compared.
    pub fn run(&self) -> anyhow::Result<()> {
        let fail_on = FailOn::parse(&self.fail_on).map_err(Exit::BadInput)?;
        let comparison = self.comparison(&fail_on)?;
        let text = match self.format {
            Format::Table => render::terminal(&comparison, report::terminal_width()),
            Format::Markdown => render::markdown(&comparison),
            Format::Json => render::json(&comparison),
        };
        print_line(text.trim_end());
        github::compared(&comparison)?;
        Ok(verdict(&comparison)?)
    }

    fn comparison(&self, fail_on: &FailOn) -> anyhow::Result<Comparison> {
        let checkout = Checkout::find()?;
        let base = baselines::load_or_baseline(&checkout, &self.base)?;
        if let Some([a, b]) = self.between.as_deref() {
            return Ok(compare::between(&base, &[(a.clone(), b.clone())], fail_on)
                .map_err(|why| Exit::BadInput(why.to_string()))?);
        }
        let new = match &self.new {
            Some(new) => baselines::load_or_baseline(&checkout, new)?,
            None => reading::load(&checkout.bench().join("latest/results.json"))?,
        };
        if self.new.is_some() || base.run.id != new.run.id {
            return Ok(compare::compare(&base, &new, fail_on).map_err(|why| Exit::BadInput(why.to_string()))?);
        }
        let (mut pairs, mut fail_on) = (compare::pairs(&base), fail_on.clone());
        if pairs.is_empty() {
            pairs = compare::runtime_pairs(&base);
            // That one runtime is slower than another is no regression, unless that was asked for.
            fail_on = if self.fail_on.is_empty() { FailOn::off() } else { fail_on };
        }
        if pairs.is_empty() {
            let why = format!("{} is the latest run itself: run `cargo xtask bench` again, then compare", self.base);
            return Err(Exit::BadInput(why).into());
        }
        Ok(compare::between(&base, &pairs, &fail_on).map_err(|why| Exit::BadInput(why.to_string()))?)
    }
}

/// How a command ends that compared.
///
/// # Errors
/// [`Exit::Regression`] where there is one, naming the first few.
pub fn verdict(comparison: &Comparison) -> Result<(), Exit> {
    let named: Vec<String> = comparison.regressions().map(|(row, change)| render::sentence(row, change)).collect();
    match named.as_slice() {
        [] => Ok(()),
        [one] => Err(Exit::Regression(format!("a regression: {one}"))),
        [first, ..] => Err(Exit::Regression(format!("{} regressions; the first: {first}", named.len()))),
    }
}

/// Compares what a run measured twice, prints it and keeps it next to the results. None where the run has no such pair.
///
/// # Errors
/// [`Exit::Failed`] where there are pairs and none has figures; a folder that can't be written.
pub fn of_run(results: &Results, fail_on: &FailOn, out: &Path, ci: bool) -> anyhow::Result<Option<Comparison>> {
    let pairs: Vec<Pair> = compare::pairs(results);
    if pairs.is_empty() {
        return Ok(None);
    }
    let comparison = compare::between(results, &pairs, fail_on).map_err(|why| Exit::Failed(why.to_string()))?;
    print_line(format!("\n{}", render::terminal(&comparison, report::terminal_width()).trim_end()));
    files::write_whole(&out.join("comparison.md"), render::markdown(&comparison))?;
    files::write_whole(&out.join("comparison.json"), render::json(&comparison))?;
    if ci {
        github::compared(&comparison)?;
    }
    Ok(Some(comparison))
}
