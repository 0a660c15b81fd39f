//! Text from outside, made safe for where it goes: a terminal, Markdown, XML (the charts), a file's name. What was text
//! stays text. HTML is escaped by the templates' engine.

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

/// Text as Markdown that shows just this text, in a paragraph as in a table's cell.
pub fn markdown(text: &str) -> String {
    let text = plain(text);
    let mut escaped = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => escaped.extend(['\\', c]),
            '#' if at == 0 => escaped.extend(['\\', c]),
            // A list or a heading's underline; a figure's sign is neither.
            '-' | '+' | '=' if at == 0 && text[1..].starts_with([' ', c]) => escaped.extend(['\\', c]),
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
        super::format::NOT_MEASURED.to_owned()
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

/// An address that may be followed from a report: a plain `https` one, else nothing.
pub fn link(address: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@=+%&,".contains(c);
    let safe = address.starts_with("https://") && address.len() <= 300 && address.chars().all(plain);
    if safe { address.to_owned() } else { String::new() }
}

/// Text as XML shows it, within an element or an attribute's double quotes.
pub fn xml(text: &str) -> String {
    plain(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        assert_eq!(markdown("<script>|`a`\n# b"), "&lt;script&gt;\\|\\`a\\` # b");
        assert_eq!(markdown("# not a heading"), "\\# not a heading");
        assert_eq!(
            (markdown("- a"), markdown("---"), markdown("+1.2%")),
            ("\\- a".into(), "\\---".into(), "+1.2%".into())
        );
        assert_eq!(markdown("-"), "-");
        assert_eq!(markdown("1.25.1"), "1.25.1");
        assert_eq!(markdown_code("a|b`c"), "``a\\|b`c``");
        assert_eq!(markdown_block("x\n```\ny"), "````text\nx\n```\ny\n````");
        assert_eq!(plain("red \u{1b}[31m\u{202e}txt"), "red [31m txt");
        assert_eq!(xml("<a title=\"R&D\">\u{7}"), "&lt;a title=&quot;R&amp;D&quot;&gt;");
        assert_eq!(slug("<Small> 1"), "small--1");
        assert_eq!(link("https://dynamoosejs.com/guide/Model#x"), "https://dynamoosejs.com/guide/Model#x");
        assert_eq!((link("javascript:alert(1)"), link("https://a/)|<b>")), (String::new(), String::new()));
    }
}
