//! Where a ratio is of unequal work, as a footnote next to it: a library that reads more items than it returns, or sends
//! more requests than the baseline does. What counts as unequal is decided with the warnings.

use super::{Index, TargetView};
use crate::report::{format, text};
use crate::results::{Measurement, Operation};

/// The kinds of warning that are about a call's work.
const OF_WORK: [&str; 2] = ["reads-to-return", "more-requests"];
/// More footnotes than these would be a text of their own: what is left stands with the warnings.
const MARKS: [&str; 6] = ["¹", "²", "³", "⁴", "⁵", "⁶"];

/// Which measurements have a footnote, and what it says.
#[derive(Debug, Default)]
pub struct Footnotes {
    /// Target, operation and words: the same at each scale.
    found: Vec<(String, Operation, String)>,
    /// "¹ Mizzle in Query reads 100 items to return 20, where the baseline reads 20."
    pub lines: Vec<String>,
}

impl Footnotes {
    /// The mark of a measurement's footnote; empty where it has none.
    pub fn mark(&self, m: &Measurement) -> &'static str {
        let words = words(m);
        let is_it = |one: &(String, Operation, String)| one.0 == m.target && one.1 == m.operation && one.2 == words;
        self.found.iter().position(is_it).and_then(|at| MARKS.get(at)).copied().unwrap_or("")
    }
}

/// The footnotes of all scales, in the order of the answer's rows.
pub fn footnotes(index: &Index<'_>, libraries: &[TargetView]) -> Footnotes {
    let mut notes = Footnotes::default();
    for scale in &index.results.settings.scales {
        for operation in index.operations(&scale.name) {
            for library in libraries.iter().filter(|library| !library.baseline) {
                let Some(m) = index.get(&scale.name, operation, &library.id) else { continue };
                let words = words(m);
                if words.is_empty() || !notes.mark(m).is_empty() || notes.found.len() == MARKS.len() {
                    continue;
                }
                let mark = MARKS[notes.found.len()];
                notes.lines.push(format!("{mark} {} in {operation} {words}.", library.label));
                notes.found.push((m.target.clone(), operation, words));
            }
        }
    }
    notes
}

/// What is unequal about a measurement's work, as the end of a sentence; empty where nothing is.
fn words(m: &Measurement) -> String {
    let of_work = m.warning_kinds.iter().zip(&m.warnings).filter(|(kind, _)| OF_WORK.contains(&kind.as_str()));
    let said: Vec<String> = of_work.map(|(_, words)| text::brief(words, 160)).collect();
    format::list(&said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::golden_test::fixed;
    use crate::report::model::page;

    #[test]
    fn unequal_work_is_said_next_to_the_ratio_on_the_first_screen() {
        let mut results = fixed();
        for m in &mut results.measurements {
            (m.warnings, m.warning_kinds) = (Vec::new(), Vec::new());
        }
        let of_mizzle = |m: &&mut Measurement| m.target == "mizzle" && m.operation == Operation::Query;
        for m in results.measurements.iter_mut().filter(of_mizzle) {
            m.warnings = vec!["reads 100 items to return 20, where the baseline reads 20".to_owned()];
            m.warning_kinds = vec!["reads-to-return".to_owned()];
        }
        let page = page(&results);
        assert_eq!(
            page.answer.footnotes,
            [
                "¹ Mizzle in Query reads 100 items to return 20, where the baseline reads 20.",
                "Scan was recorded on 10,000 of the table's 100,000 items, and its costs are of a call that reads those."
            ],
            "unequal work once for both scales, and the scale whose scan reads a part"
        );
        let queries: Vec<_> = page.answer.rows.iter().filter(|row| row.operation == "Query").collect();
        assert_eq!(queries.len(), 2);
        for row in queries {
            let marks: Vec<&str> = row.cells.iter().map(|cell| cell.mark).collect();
            assert_eq!(marks.iter().filter(|mark| **mark == "¹").count(), 1, "{marks:?}");
        }
    }
}
