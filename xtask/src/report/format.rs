//! Numbers and words for people: units, rounding, intervals, and escaping. Every figure that is shown anywhere comes
//! through here, with three significant digits unless its interval is narrower than that.

use crate::results::Interval;

/// What stands where nothing was measured; never 0.
pub const NOT_MEASURED: &str = "–";

/// Three significant digits, thousands separated: `0.0123`, `1.02`, `14.2`, `1,480`.
pub fn number(value: f64) -> String {
    if value.is_finite() { fixed(value, decimals(value)) } else { NOT_MEASURED.to_owned() }
}

/// [`number`], or [`NOT_MEASURED`].
pub fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| NOT_MEASURED.to_owned(), number)
}

/// `1.02 ± 0.01`: the value and the longer half of its interval. The value keeps three significant digits, or as many
/// more as the interval's first digit needs; the half never has more than three.
pub fn estimate(value: f64, interval: Option<Interval>) -> String {
    match interval.map(|[low, high]| (value - low).max(high - value).max(0.0)) {
        Some(half) if value.is_finite() && half.is_finite() => {
            let digits = if half > 0.0 { decimals(value).max(-magnitude(half)) } else { decimals(value) };
            let of_half = if half > 0.0 { digits.min(decimals(half)) } else { digits };
            format!("{} ± {}", fixed(value, digits), fixed(half, of_half))
        }
        _ => number(value),
    }
}

/// A ratio to the baseline: `×1.12 ± 0.01`.
pub fn ratio(value: f64, interval: Option<Interval>) -> String {
    format!("×{}", estimate(value, interval))
}

/// A share as percent: 0.0312 is `3.1%`, 0.03 is `3%`.
pub fn percent(share: f64) -> String {
    let text = fixed(share * 100.0, i32::from(share.abs() < 0.1));
    format!("{}%", text.strip_suffix(".0").unwrap_or(&text))
}

/// Five significant digits, for whoever looks closer.
pub fn precise(value: f64) -> String {
    if value.is_finite() { fixed(value, decimals(value) + 2) } else { NOT_MEASURED.to_owned() }
}

/// A count per call: whole where it is whole, else at most two decimals.
pub fn per_call(value: f64) -> String {
    if !value.is_finite() {
        NOT_MEASURED.to_owned()
    } else if value >= 100.0 || value.fract() == 0.0 {
        fixed(value, 0)
    } else {
        fixed(value, 2).trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// A round number, as on an axis: `0.5`, `1.25`, `20`, `30,000`.
pub fn tick(value: f64) -> String {
    let text = fixed(value, if value.abs() < 1.0 { decimals(value) } else { 2 });
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A whole number, thousands separated.
pub fn count(value: u64) -> String {
    separate(&value.to_string())
}

/// A duration in the unit that suits it: `840 ms`, `12.5 s`, `2 min 41 s`.
pub fn duration_ms(ms: f64) -> String {
    if ms < 1000.0 {
        format!("{} ms", number(ms))
    } else if ms < 60_000.0 {
        format!("{} s", number(ms / 1000.0))
    } else {
        let seconds = (ms / 1000.0).round() as u64;
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

/// `PutItem, GetItem and Scan`.
pub fn list<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

/// One line without control characters, so that no text from outside moves a terminal's cursor or breaks a line.
pub fn plain(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() || is_invisible(c) { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Several lines, other control characters gone.
pub fn plain_lines(text: &str) -> String {
    text.lines()
        .map(|line| line.chars().filter(|&c| c == '\t' || !(c.is_control() || is_invisible(c))).collect::<String>())
        .collect::<Vec<_>>()
        .join("\n")
}

/// At most `limit` characters, the last one "…" where something was cut.
pub fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Text as Markdown that shows just this text, in a paragraph as in a table's cell.
pub fn markdown(text: &str) -> String {
    let text = plain(text);
    let mut escaped = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => escaped.extend(['\\', c]),
            '#' | '-' | '+' | '=' if at == 0 && text.chars().count() > 1 => escaped.extend(['\\', c]),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Text as a Markdown code span, also within a table's cell.
pub fn markdown_code(text: &str) -> String {
    let text = plain(text).replace('|', "\\|");
    let fence = "`".repeat(longest_run(&text, '`') + 1);
    if text.is_empty() {
        NOT_MEASURED.to_owned()
    } else if text.starts_with('`') || text.ends_with('`') {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// Lines as a fenced Markdown block that nothing inside can close.
pub fn markdown_block(text: &str) -> String {
    let text = plain_lines(text);
    let fence = "`".repeat(longest_run(&text, '`').max(2) + 1);
    format!("{fence}text\n{text}\n{fence}")
}

/// A name as part of a file's name and of an HTML id.
pub fn slug(text: &str) -> String {
    let kept: String =
        text.chars().take(40).map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    kept.trim_matches('-').to_owned()
}

/// Marks that change the direction of text or take no space: they could make a report say what the file doesn't.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn longest_run(text: &str, of: char) -> usize {
    text.split(|c| c != of).map(str::len).max().unwrap_or(0)
}

/// The power of ten of the first significant digit.
fn magnitude(value: f64) -> i32 {
    if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 }
}

/// Decimals for three significant digits; below 0 where digits before the point are rounded away.
fn decimals(value: f64) -> i32 {
    if value == 0.0 { 0 } else { 2 - magnitude(value) }
}

fn fixed(value: f64, decimals: i32) -> String {
    let decimals = decimals.min(9);
    if decimals >= 0 {
        separate(&format!("{value:.*}", decimals as usize))
    } else {
        let unit = 10_f64.powi(-decimals);
        separate(&format!("{:.0}", (value / unit).round() * unit))
    }
}

fn separate(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("−", rest));
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut out = String::from(if digits.bytes().all(|c| matches!(c, b'0' | b'.')) { "" } else { sign });
    for (at, c) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(c);
    }
    out + fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_three_significant_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.012_345, "0.0123"),
            (1.0, "1.00"),
            (14.23, "14.2"),
            (740.4, "740"),
            (1484.0, "1,480"),
            (1_234_567.0, "1,230,000"),
            (-3.21, "−3.21"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!(optional(None), "–");
    }

    #[test]
    fn an_interval_is_the_longer_half_and_adds_digits_only_where_it_is_narrow() {
        assert_eq!(estimate(1484.0, Some([1470.0, 1496.0])), "1,480 ± 10");
        assert_eq!(estimate(740.3, Some([736.1, 744.0])), "740 ± 4");
        assert_eq!(estimate(1.0987, Some([1.0946, 1.1020])), "1.099 ± 0.004");
        assert_eq!(estimate(1.1, None), "1.10");
        assert_eq!(ratio(14.23, Some([13.9, 14.5])), "×14.2 ± 0.3");
        assert_eq!(estimate(2.0, Some([2.0, 2.0])), "2.00 ± 0.00");
        assert_eq!(estimate(0.8561, Some([0.1, 8.9401])), "0.856 ± 8.08");
        assert_eq!(estimate(71.5, Some([0.0, 1143.9])), "71.5 ± 1,070");
    }

    #[test]
    fn shares_durations_and_lists_read_as_people_write_them() {
        assert_eq!(percent(0.03), "3%");
        assert_eq!(percent(0.0312), "3.1%");
        assert_eq!(percent(1.51), "151%");
        assert_eq!(duration_ms(840.0), "840 ms");
        assert_eq!(duration_ms(161_400.0), "2 min 41 s");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(count(1_234_567), "1,234,567");
    }

    #[test]
    fn hostile_text_stays_text_in_markdown() {
        assert_eq!(markdown("<script>|`a`\n# b"), "&lt;script&gt;\\|\\`a\\` # b");
        assert_eq!(markdown("# not a heading"), "\\# not a heading");
        assert_eq!(markdown("-"), "-");
        assert_eq!(markdown("1.25.1"), "1.25.1");
        assert_eq!(markdown_code("a|b`c"), "``a\\|b`c``");
        assert_eq!(markdown_block("x\n```\ny"), "````text\nx\n```\ny\n````");
        assert_eq!(plain("red \u{1b}[31m\u{202e}txt"), "red [31m txt");
        assert_eq!(slug("<Small> 1"), "small--1");
    }

    #[test]
    fn a_long_text_is_cut_with_a_mark() {
        assert_eq!(shorten("abcdef", 4), "abc…");
        assert_eq!(shorten("abcd", 4), "abcd");
    }
}
