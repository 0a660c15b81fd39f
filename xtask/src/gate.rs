//! `cargo xtask compare`: two results files, or two targets of one, as a table and an exit code.

use crate::checkout::Checkout;
use crate::cli::{Compare, Format};
use crate::compare::{self, FailOn, render};
use crate::exit::Exit;
use crate::progress::say;
use crate::{ci, load};

impl Compare {
    /// Compares and prints.
    ///
    /// # Errors
    /// [`Exit::Regression`] where there is one; [`Exit::BadInput`] for files that can't be read or compared.
    pub fn run(&self) -> anyhow::Result<()> {
        let checkout = Checkout::find()?;
        let fail_on = FailOn::parse(&self.fail_on)?;
        let base = load::load_or_baseline(&checkout, &self.base)?;
        let comparison = match (&self.between, &self.new) {
            (Some(pair), _) => compare::between(&base, &pair[0], &pair[1], &fail_on),
            (None, Some(new)) => compare::compare(&base, &load::load_or_baseline(&checkout, new)?, &fail_on),
            (None, None) => return Err(Exit::BadInput("compare needs a second file, or --between".to_owned()).into()),
        };
        let comparison = comparison.map_err(|why| Exit::BadInput(why.to_string()))?;
        let text = match self.format {
            Format::Table => render::terminal(&comparison),
            Format::Markdown => render::markdown(&comparison),
            Format::Json => render::json(&comparison),
        };
        say(text.trim_end());
        ci::compared(&comparison)?;
        Ok(comparison.verdict()?)
    }
}
