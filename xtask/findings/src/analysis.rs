//! From raw figures to summaries, intervals, verdicts and comparisons: numbers in, numbers out. It knows no pages and
//! no exit codes.

pub mod compare;
pub mod forecast;
pub mod growth;
pub mod rare;
pub mod sdk;
pub mod summary;
pub mod verdict;
