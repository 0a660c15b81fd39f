//! What was called for each operation, where it is documented and how its request differs from the bare SDK's; and what
//! the adapters' authors want readers to know.

use serde::Serialize;

use super::TargetView;
use crate::report::{escape, text};
use crate::results::{CallKind, Results};

/// The longest text of one of these, characters.
const LONGEST: usize = 400;

/// What one library was called by for one operation.
#[derive(Debug, Clone, Serialize)]
pub struct Called {
    pub operation: &'static str,
    /// Whether it is the first row of its operation.
    pub first: bool,
    pub library: String,
    pub code: String,
    /// Empty where there is none that can be followed safely.
    pub link: String,
    /// How its request differs from the bare SDK's; empty where it doesn't.
    pub unequal: String,
}

/// What an adapter's author wants readers to know.
#[derive(Debug, Clone, Serialize)]
pub struct CaveatView {
    pub library: String,
    pub text: String,
    pub link: String,
}

/// Which kind of call was measured, to follow a table's title; empty where it isn't known.
pub fn kind_phrase(results: &Results) -> String {
    match results.settings.calls {
        Some(CallKind::Documented) => ", each library through the call that its documentation recommends",
        Some(CallKind::SameRequest) => {
            ", each library with its switches set to ask for what the bare SDK's request asks for"
        }
        None => "",
    }
    .to_owned()
}

pub fn called(results: &Results, libraries: &[TargetView]) -> Vec<Called> {
    let mut rows: Vec<Called> = Vec::new();
    for &operation in &results.settings.operations {
        let mut first = true;
        for library in libraries {
            let target = results.targets.iter().find(|target| target.id == library.id);
            let Some(call) = target.and_then(|target| target.calls.get(&operation)) else { continue };
            rows.push(Called {
                operation: results.settings.name_of(operation),
                first,
                library: library.label.clone(),
                code: text::brief(&call.code, LONGEST),
                link: escape::link(&call.link),
                unequal: call.unequal.as_deref().map_or_else(String::new, |words| text::brief(words, LONGEST)),
            });
            first = false;
        }
    }
    rows
}

pub fn caveats(results: &Results, libraries: &[TargetView]) -> Vec<CaveatView> {
    let of = |library: &TargetView| {
        let target = results.targets.iter().find(|target| target.id == library.id);
        let caveats = target.map_or(&[][..], |target| &target.caveats);
        caveats
            .iter()
            .map(|caveat| CaveatView {
                library: library.label.clone(),
                text: text::brief(&caveat.text, LONGEST),
                link: escape::link(caveat.link.as_deref().unwrap_or_default()),
            })
            .collect::<Vec<_>>()
    };
    libraries.iter().flat_map(of).collect()
}
