//! What is special about some measurements of a scale, as sentences under a table: a scan that was recorded on a part of
//! the table, requests that differ from call to call, latency that was not measured.

use super::{Index, TargetView, label};
use crate::report::{format, group};
use crate::results::{Measurement, Operation, RecordingNote};

/// Where the recorded answers are not simply those of the table.
pub fn recordings(index: &Index<'_>, scale: &str, libraries: &[TargetView]) -> Vec<String> {
    let mut sentences: Vec<String> = scanned_part(index, scale).into_iter().collect();
    for operation in index.operations(scale) {
        let varying: Vec<&str> =
            noted(index, scale, operation).filter(|m| m.1.varies).map(|m| label(libraries, &m.0.target)).collect();
        if !varying.is_empty() {
            sentences.push(format!(
                "The {operation} requests of {} differ from call to call; they are recognised by operation and key.",
                format::list(&varying)
            ));
        }
    }
    sentences
}

/// That rare cost was shared out, where it was.
pub fn shared_out(index: &Index<'_>, scale: &str) -> Option<String> {
    let rounds = index.results.measurements.iter().filter(|m| m.scale == scale).flat_map(|m| &m.per_round);
    rounds.filter_map(|round| round.client.as_ref()).any(|client| client.rare.is_some()).then(|| {
        "What the dearest twentieth of an operation's slices cost beyond the others is shared out among a process's \
         operations on single items."
            .to_owned()
    })
}

/// Which part of the table a scan reads, where that is not all of it.
pub fn scanned_part(index: &Index<'_>, scale: &str) -> Option<String> {
    let parts = || noted(index, scale, Operation::Scan).filter_map(|(m, note)| Some((note.items_scanned?, m.items)));
    let (fewest, items) = parts().min()?;
    let (most, _) = parts().max()?;
    let range = if fewest == most {
        format::count(fewest)
    } else {
        format!("{} to {}", format::count(fewest), format::count(most))
    };
    Some(format!(
        "Scan was recorded on {range} of the table's {} items, and its costs are of a call that reads those.",
        format::count(items.into())
    ))
}

/// The measurements of an operation that have a note on their recorded answers.
fn noted<'a>(
    index: &Index<'a>,
    scale: &str,
    operation: Operation,
) -> impl Iterator<Item = (&'a Measurement, &'a RecordingNote)> {
    let all = index.results.measurements.iter().filter(move |m| m.scale == scale && m.operation == operation);
    all.filter_map(|m| Some((m, m.recording.as_ref()?)))
}

/// How large an item is in the form in which each library writes it; empty where that isn't known.
pub fn item_sizes(index: &Index<'_>, libraries: &[TargetView]) -> String {
    let mut sizes: Vec<(u64, Vec<&str>)> = Vec::new();
    for library in libraries {
        let target = index.results.targets.iter().find(|target| target.id == library.id);
        let Some(bytes) = target.and_then(|target| target.item_bytes) else { continue };
        group::add(&mut sizes, bytes.round() as u64, &library.label);
    }
    let each: Vec<String> = sizes
        .iter()
        .map(|(bytes, labels)| format!("{} bytes for {}", format::count(*bytes), labels.join(", ")))
        .collect();
    match &each[..] {
        [] => String::new(),
        each => format!("An item, with the keys and marks that each library writes, has {}.", each.join("; ")),
    }
}

/// The operations whose cost was measured and whose latency was not.
pub fn without_latency(index: &Index<'_>, scale: &str) -> Option<String> {
    let absent = |operation: &Operation| {
        let mut measured = index
            .results
            .measurements
            .iter()
            .filter(|m| m.scale == scale && m.operation == *operation && m.cpu.is_some())
            .peekable();
        measured.peek().is_some() && measured.all(|m| m.latency_ms.is_none())
    };
    let names: Vec<&str> = index.operations(scale).into_iter().filter(absent).map(Operation::name).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{} was not timed against the database at this scale: a single call takes too long. Its cost to the client \
             is under CPU.",
            format::list(&names)
        )
    })
}
