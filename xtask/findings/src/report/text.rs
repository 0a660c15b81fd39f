//! Text laid out for a terminal: its width, cutting and wrapping, and tables that are whole at any width, which are
//! also written as Markdown. Text from outside is made plain on its way in.

use console::{Style, measure_text_width};

use super::escape;

/// Columns of the terminal on standard output; 80 in a pipe.
pub fn terminal_width() -> usize {
    console::Term::stdout().size_checked().map_or(80, |(_, columns)| usize::from(columns))
}

/// At most `limit` characters, the last one "…" where something was cut.
pub fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// The beginning of a text that may be very long, made plain: one line of at most `limit` characters.
pub fn brief(text: &str, limit: usize) -> String {
    let start: String = text.chars().take(4 * limit).collect();
    shorten(&escape::plain(&start), limit)
}

/// Lines of at most `width` columns: the first one indented by `indent`, the others by `hang`. A word that is longer
/// than a line is cut up. Line ends in the text are spaces.
pub fn wrap(text: &str, width: usize, indent: usize, hang: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = " ".repeat(indent);
    let mut empty = true;
    let plain = escape::plain(text);
    let limit = width.saturating_sub(indent.max(hang)).max(10);
    for word in plain.split(' ').flat_map(|word| pieces(word, limit)) {
        let space = usize::from(!empty);
        if !empty && measure_text_width(&line) + space + measure_text_width(&word) > width {
            lines.push(std::mem::replace(&mut line, " ".repeat(hang)));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line += &word;
        empty = false;
    }
    lines.push(line);
    lines
}

/// A word in pieces of at most `limit` columns.
fn pieces(word: &str, limit: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for c in word.chars() {
        let last = pieces.last_mut().expect("there is always one");
        if measure_text_width(last) + measure_text_width(c.encode_utf8(&mut [0; 4])) > limit {
            pieces.push(c.to_string());
        } else {
            last.push(c);
        }
    }
    pieces
}

/// How a column is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    head: String,
    kind: Kind,
    /// Where a terminal is too narrow, columns are left out from the highest number down; 0 always stays.
    dispensable: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Short, at the left: a name, a mark.
    Name,
    /// At the right.
    Figure,
    /// Sentences, which are wrapped.
    Prose,
}

impl Column {
    fn new(head: impl Into<String>, kind: Kind) -> Column {
        Column { head: head.into(), kind, dispensable: 0 }
    }

    /// Short words, at the left.
    pub fn name(head: impl Into<String>) -> Column {
        Column::new(head, Kind::Name)
    }

    /// Figures, at the right.
    pub fn figure(head: impl Into<String>) -> Column {
        Column::new(head, Kind::Figure)
    }

    /// Sentences, which may take several lines.
    pub fn prose(head: impl Into<String>) -> Column {
        Column::new(head, Kind::Prose)
    }

    /// Left out on a narrow terminal: the column with the highest number goes first. In Markdown it always stays.
    #[must_use]
    pub fn dispensable(self, order: u8) -> Column {
        Column { dispensable: order, ..self }
    }
}

/// One cell: its text and how a terminal shows it.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    text: String,
    style: Style,
    /// Bold in Markdown.
    strong: bool,
}

impl Cell {
    pub fn new(text: impl AsRef<str>) -> Cell {
        Cell::styled(text, Style::new())
    }

    /// A cell in colour or bold, where the style forces it or the terminal shows it.
    pub fn styled(text: impl AsRef<str>, style: Style) -> Cell {
        // Spaces at the end keep figures above one another, whatever mark follows them.
        let (text, end) = (text.as_ref(), text.as_ref().len() - text.as_ref().trim_end_matches(' ').len());
        Cell { text: escape::plain(text) + &" ".repeat(end), style, strong: false }
    }

    /// A cell that is bold in Markdown.
    pub fn strong(text: impl AsRef<str>) -> Cell {
        Cell { strong: true, ..Cell::new(text) }
    }

    fn width(&self) -> usize {
        measure_text_width(&self.text)
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell::new(text)
    }
}

/// A table for a terminal of any width and for Markdown.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    /// Spaces between columns.
    between: usize,
}

/// Prose in a narrower column is hard to read: then each row's cells stand below one another.
const NARROWEST_PROSE: usize = 24;

impl Table {
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Table {
        Table { columns: columns.into_iter().collect(), rows: Vec::new(), between: 2 }
    }

    /// The same with one space between columns, for many narrow ones.
    #[must_use]
    pub fn tight(self) -> Table {
        Table { between: 1, ..self }
    }

    /// Adds a row; cells that are missing at its end are empty.
    pub fn row<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) {
        let mut cells: Vec<Cell> = cells.into_iter().map(Into::into).collect();
        cells.resize_with(self.columns.len(), Cell::default);
        self.rows.push(cells);
    }

    /// Lines of at most `width` columns, with the heads first where there are any. Columns that don't fit are left out
    /// as far as they are dispensable; then names are cut, and prose is wrapped, or stands below its row's name.
    pub fn terminal(&self, width: usize) -> Vec<String> {
        let layout = self.fitted(width);
        if layout.narrowest_prose < NARROWEST_PROSE {
            return self.stacked(width);
        }
        let rows = (0..self.rows.len()).flat_map(|at| self.lines_of(&layout, at));
        let lines = self.heads(&layout).into_iter().chain(rows);
        lines.map(|line| line.trim_end().to_owned()).collect()
    }

    /// The columns that fit into `width`, and how wide each is.
    pub fn fitted(&self, width: usize) -> Layout {
        let wanted: Vec<usize> = (0..self.columns.len()).map(|at| self.wanted(at)).collect();
        let prose = |at: usize| self.columns[at].kind == Kind::Prose;
        let least = |at: usize| if prose(at) { wanted[at].min(NARROWEST_PROSE) } else { wanted[at] };
        let taken = |shown: &[usize], of: &dyn Fn(usize) -> usize| {
            shown.iter().map(|&at| of(at)).sum::<usize>() + self.between * shown.len().saturating_sub(1)
        };
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        while taken(&shown, &least) > width {
            let dispensable = shown.iter().copied().filter(|&at| self.columns[at].dispensable > 0);
            let Some(first) = dispensable.max_by_key(|&at| self.columns[at].dispensable) else { break };
            shown.retain(|&at| at != first);
        }
        let mut widths = wanted.clone();
        let surplus = taken(&shown, &least).saturating_sub(width);
        // Next to prose nothing is cut: the row is stacked instead.
        let names = shown.iter().copied().filter(|&at| self.columns[at].kind == Kind::Name);
        let names = names.filter(|_| !shown.iter().any(|&at| prose(at)));
        if let Some(longest) = names.max_by_key(|&at| widths[at]) {
            widths[longest] = widths[longest].saturating_sub(surplus).max(widths[longest].min(3));
        }
        // What the short columns leave is shared by the prose: what needs less than its share leaves the rest of it.
        let mut open: Vec<usize> = shown.iter().copied().filter(|&at| prose(at)).collect();
        open.sort_by_key(|&at| wanted[at]);
        let mut left = width.saturating_sub(taken(&shown, &|at| if prose(at) { 0 } else { widths[at] }));
        let mut narrowest_prose = usize::MAX;
        for (place, &at) in open.iter().enumerate() {
            widths[at] = wanted[at].min(left / (open.len() - place));
            left -= widths[at];
            if widths[at] < wanted[at] {
                narrowest_prose = narrowest_prose.min(widths[at]);
            }
        }
        Layout { taken: taken(&shown, &|at| widths[at]), shown, widths, narrowest_prose }
    }

    /// The line of the heads, where there is one.
    pub fn heads(&self, layout: &Layout) -> Option<String> {
        let heads: Vec<Cell> = self.columns.iter().map(|column| Cell::new(&column.head)).collect();
        if heads.iter().all(|head| head.text.is_empty()) {
            return None;
        }
        self.row_lines(layout, &heads).into_iter().next()
    }

    /// The lines of the `at`-th row, as wide as the table.
    pub fn lines_of(&self, layout: &Layout, at: usize) -> Vec<String> {
        self.rows.get(at).map(|row| self.row_lines(layout, row)).unwrap_or_default()
    }

    fn row_lines(&self, layout: &Layout, row: &[Cell]) -> Vec<String> {
        let texts: Vec<Vec<String>> = layout
            .shown
            .iter()
            .map(|&at| match self.columns[at].kind {
                Kind::Prose => wrap(&row[at].text, layout.widths[at], 0, 0),
                _ => vec![shorten(&row[at].text, layout.widths[at])],
            })
            .collect();
        let height = texts.iter().map(Vec::len).max().unwrap_or(0);
        let line = |n: usize| {
            let mut line = String::new();
            for (place, (&at, texts)) in layout.shown.iter().zip(&texts).enumerate() {
                let text = texts.get(n).map_or("", String::as_str);
                let space = " ".repeat(layout.widths[at].saturating_sub(measure_text_width(text)));
                let styled = if text.is_empty() { String::new() } else { row[at].style.apply_to(text).to_string() };
                if place > 0 {
                    line.push_str(&" ".repeat(self.between));
                }
                match self.columns[at].kind {
                    Kind::Figure => line.extend([space, styled]),
                    _ => line.extend([styled, space]),
                }
            }
            line
        };
        (0..height).map(line).collect()
    }

    /// Each row's short cells in one line and its sentences below it, named by their heads.
    fn stacked(&self, width: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for row in &self.rows {
            let all = || row.iter().zip(&self.columns).filter(|(cell, _)| !cell.text.is_empty());
            let of_prose = |of: bool| all().filter(move |(_, column)| (column.kind == Kind::Prose) == of);
            let named = |(cell, column): (&Cell, &Column)| match column.kind {
                Kind::Figure => format!("{} {}", column.head, cell.text),
                _ => cell.text.clone(),
            };
            let short: Vec<String> = of_prose(false).map(named).collect();
            if !short.is_empty() {
                lines.extend(wrap(&short.join(" "), width, 0, 2));
            }
            for (cell, column) in of_prose(true) {
                let head = if column.head.is_empty() { String::new() } else { format!("{}: ", column.head) };
                lines.extend(wrap(&format!("{head}{}", cell.text), width, 2, 4));
            }
        }
        lines
    }

    fn wanted(&self, at: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[at].width());
        cells.chain([measure_text_width(&self.columns[at].head)]).max().unwrap_or(0)
    }

    /// The whole table as Markdown, escaped.
    pub fn markdown(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = String>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
        let rule = |column: &Column| if column.kind == Kind::Figure { "--:".to_owned() } else { ":--".to_owned() };
        let mut text = line(&mut self.columns.iter().map(|column| escape::markdown(&column.head)));
        text += &line(&mut self.columns.iter().map(rule));
        let cell = |cell: &Cell| match escape::markdown(&cell.text) {
            text if cell.strong => format!("**{text}**"),
            text => text,
        };
        for row in &self.rows {
            text += &line(&mut row.iter().map(cell));
        }
        text
    }
}

/// Which columns of a [`Table`] are shown, and how wide each is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    shown: Vec<usize>,
    widths: Vec<usize>,
    taken: usize,
    /// Of the prose that has to be wrapped.
    narrowest_prose: usize,
}

impl Layout {
    /// The width of the whole.
    pub fn width(&self) -> usize {
        self.taken
    }
}

/// Rows without heads whose last cell is prose, as `doctor` prints them: `table([["✓", "Node", "20.1"]], 80)`.
pub fn table<'a, const N: usize>(rows: impl IntoIterator<Item = [&'a str; N]>, width: usize) -> Vec<String> {
    let kind = |at: usize| if at + 1 == N { Column::prose("") } else { Column::name("") };
    let mut table = Table::new((0..N).map(kind));
    for row in rows {
        table.row(row);
    }
    table.terminal(width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new([
            Column::name("library"),
            Column::figure("CPU"),
            Column::figure("p99").dispensable(1),
            Column::prose("note"),
        ]);
        table.row(["Mizzle", "1,234", "9", "a sentence of several words that takes more than one line"]);
        table.row(["AWS SDK", "7", "10.5", "short"]);
        table
    }

    #[test]
    fn a_text_is_wrapped_between_words_and_a_long_word_is_cut_up() {
        assert_eq!(wrap("one two three", 8, 0, 2), ["one two", "  three"]);
        assert_eq!(wrap("abcdefghijklmno", 12, 2, 2), ["  abcdefghij", "  klmno"]);
        assert_eq!(wrap("", 10, 0, 0), [""]);
    }

    #[test]
    fn a_long_text_is_cut_with_a_mark() {
        assert_eq!(shorten("abcdef", 4), "abc…");
        assert_eq!(shorten("abcd", 4), "abcd");
    }

    #[test]
    fn a_table_keeps_figures_right_and_wraps_its_prose() {
        assert_eq!(
            sample().terminal(50),
            [
                "library    CPU   p99  note",
                "Mizzle   1,234     9  a sentence of several words",
                "                      that takes more than one",
                "                      line",
                "AWS SDK      7  10.5  short",
            ]
        );
    }

    #[test]
    fn a_narrow_table_drops_what_it_can_and_then_stacks() {
        assert_eq!(sample().terminal(42)[0], "library    CPU  note");
        assert_eq!(sample().terminal(30)[..2], ["Mizzle CPU 1,234 p99 9", "  note: a sentence of several"]);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in 12..120 {
            for line in sample().terminal(width) {
                assert!(measure_text_width(&line) <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn markdown_has_every_column_and_no_cell_breaks_it() {
        let mut table = sample();
        table.row(["a|b", "1", "", "<x>"]);
        let text = table.markdown();
        assert!(
            text.starts_with("| library | CPU | p99 | note |\n| :-- | --: | --: | :-- |\n| Mizzle | 1,234 | 9 |"),
            "{text}"
        );
        assert!(text.ends_with("| a\\|b | 1 |  | &lt;x&gt; |\n"), "{text}");
    }
}
