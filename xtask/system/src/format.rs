//! Numbers for people: rounding, units, intervals, lists. A figure of a report has three significant digits unless its
//! interval is narrower than that. It depends on nothing else, so that any part of the harness can use it.

/// The two ends of an interval.
type Interval = [f64; 2];

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

/// A ratio to the baseline: `×1.12 ± 0.01`. It has two decimals, or as many as the first digit of a narrower interval
/// needs; at 10 and above, three significant digits.
pub fn ratio(value: f64, interval: Option<Interval>) -> String {
    let half = interval.map(|[low, high]| (value - low).max(high - value).max(0.0));
    match half.filter(|half| half.is_finite()) {
        _ if !value.is_finite() => NOT_MEASURED.to_owned(),
        Some(half) => {
            let digits = ratio_decimals(value, half);
            format!("×{} ± {}", fixed(value, digits), fixed(half, digits))
        }
        None => format!("×{}", fixed(value, ratio_decimals(value, 0.0))),
    }
}

/// A ratio of which only the range is known: `×0.95 to ×1.09`.
pub fn ratio_range([low, high]: Interval) -> String {
    if !low.is_finite() || !high.is_finite() {
        return NOT_MEASURED.to_owned();
    }
    let digits = ratio_decimals(high, (high - low) / 2.0);
    format!("×{} to ×{}", fixed(low, digits), fixed(high, digits))
}

fn ratio_decimals(value: f64, half: f64) -> i32 {
    let usual = if value < 0.095 { decimals(value) } else { decimals(value).min(2) };
    if half > 0.0 { usual.max(-magnitude(half)) } else { usual }.min(4)
}

/// A measured share as percent, with one decimal below 10%: 0.0312 is `3.1%`, 0.4 is `40%`.
pub fn percent(share: f64) -> String {
    format!("{}%", fixed(share * 100.0, i32::from(share.abs() < 0.0995)))
}

/// A share that somebody set, without needless decimals: 0.03 is `3%`, 0.025 is `2.5%`.
pub fn set_percent(share: f64) -> String {
    format!("{}%", tick(share * 100.0))
}

/// A change as percent, with its sign: 0.042 is `+4.2%`, −0.5 is `−50%`.
pub fn signed_percent(share: f64) -> String {
    match percent(share.abs()) {
        none if none == "0.0%" => none,
        size => format!("{}{size}", if share < 0.0 { "−" } else { "+" }),
    }
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

/// `1 call`, `1,200 calls`: what is counted takes an `s`.
pub fn plural(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{} {what}s", count(n)) }
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
        assert_eq!(ratio(0.973, Some([0.895, 1.05])), "×0.97 ± 0.08");
        assert_eq!(ratio(1.0987, Some([1.0946, 1.1020])), "×1.099 ± 0.004");
        assert_eq!(ratio(1.02, None), "×1.02");
        assert_eq!(ratio_range([0.9512, 1.0897]), "×0.95 to ×1.09");
        assert_eq!(ratio_range([0.9912, 1.0041]), "×0.991 to ×1.004");
        assert_eq!(estimate(2.0, Some([2.0, 2.0])), "2.00 ± 0.00");
        assert_eq!(estimate(0.8561, Some([0.1, 8.9401])), "0.856 ± 8.08");
        assert_eq!(estimate(71.5, Some([0.0, 1143.9])), "71.5 ± 1,070");
    }

    #[test]
    fn shares_durations_and_lists_read_as_people_write_them() {
        assert_eq!(
            (percent(0.03), set_percent(0.03), set_percent(0.0125)),
            ("3.0%".into(), "3%".into(), "1.25%".into())
        );
        assert_eq!(percent(0.0312), "3.1%");
        assert_eq!(percent(1.51), "151%");
        assert_eq!(percent(0.0996), "10%");
        assert_eq!(signed_percent(0.042), "+4.2%");
        assert_eq!(signed_percent(-0.5), "−50%");
        assert_eq!(signed_percent(-0.0001), "0.0%");
        assert_eq!(duration_ms(840.0), "840 ms");
        assert_eq!(duration_ms(161_400.0), "2 min 41 s");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!((plural(1, "call"), plural(1200, "call")), ("1 call".to_owned(), "1,200 calls".to_owned()));
    }
}
