//! Tables of figures in Markdown that is also readable in a terminal. The README contains them as printed.

/// A table. Each row is printed when it is ready.
pub(crate) struct Table {
    widths: Vec<usize>,
    /// Number of text columns. Columns of figures follow.
    texts: usize,
}

impl Table {
    /// Starts a table. `header` is in Markdown. The first columns are text of these widths; all others are
    /// figures of one width.
    pub(crate) fn begin(header: &str, texts: &[usize], figures: usize) -> Self {
        let header = header
            .strip_prefix('|')
            .and_then(|header| header.strip_suffix('|'));
        let header = header.expect("a row of a table").split('|').map(str::trim);
        let header: Vec<&str> = header.collect();
        let widths = header.iter().enumerate().map(|(column, name)| {
            let least = texts.get(column).copied().unwrap_or(figures);
            name.chars().count().max(least)
        });
        let table = Self {
            widths: widths.collect(),
            texts: texts.len(),
        };
        table.row(&header);
        for (column, width) in table.widths.iter().enumerate() {
            let last = if column < table.texts { '-' } else { ':' };
            print!("| {:-<1$}{last} ", "", width - 1);
        }
        println!("|");
        table
    }

    /// Prints a row: a cell for each column.
    pub(crate) fn row(&self, cells: &[impl AsRef<str>]) {
        assert_eq!(cells.len(), self.widths.len(), "a cell for each column");
        for (column, (cell, &width)) in cells.iter().zip(&self.widths).enumerate() {
            let cell = cell.as_ref();
            if column < self.texts {
                print!("| {cell:width$} ");
            } else {
                print!("| {cell:>width$} ");
            }
        }
        println!("|");
    }
}

/// Returns the width for [`Table::begin`].
pub(crate) fn longest<'a>(texts: impl IntoIterator<Item = &'a str>) -> usize {
    let lengths = texts.into_iter().map(|text| text.chars().count());
    lengths.max().unwrap_or(0)
}

/// Formats a number with `digits` digits after the point, and a comma for each thousand.
pub(crate) fn number(value: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", value.abs());
    let whole = text.split('.').next().unwrap().len();
    let mut number = String::new();
    if value < 0.0 && text.contains(|digit| ('1'..='9').contains(&digit)) {
        number.push('-');
    }
    for (place, digit) in text.chars().enumerate() {
        if place > 0 && place < whole && (whole - place) % 3 == 0 {
            number.push(',');
        }
        number.push(digit);
    }
    number
}

/// Formats a lateness: two digits after the point only if it is small.
pub(crate) fn late(micros: f64) -> String {
    number(micros, if micros < 10.0 { 2 } else { 0 })
}

/// Formats a missing value, which is not zero.
pub(crate) fn or_none(value: Option<String>) -> String {
    value.unwrap_or_else(|| "–".to_owned())
}
