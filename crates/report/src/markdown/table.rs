//! Tables of Markdown.

use std::fmt::{Display, Formatter, Write};

/// A table that grows row by row.
pub struct Table(String);

impl Table {
    /// With these headings, which bars part; columns whose heading ends in a colon are of numbers, and
    /// stand on the right.
    pub fn new(headings: &str) -> Self {
        let (mut names, mut rules) = (String::from("|"), String::from("|"));
        for heading in headings.split('|').map(str::trim) {
            let name = heading.trim_end_matches(':');
            let (gap, rule) = match name {
                "" => ("", "---"),
                name if name == heading => (" ", "---"),
                _ => (" ", "---:"),
            };
            names += &format!(" {name}{gap}|");
            rules += &format!(" {rule} |");
        }
        Self(format!("{names}\n{rules}\n"))
    }

    /// A row of cells, which are escaped where they are a name.
    pub fn row(&mut self, cells: &[&dyn Display]) {
        self.0.push('|');
        for cell in cells {
            let _ = write!(self.0, " {cell} |");
        }
        self.0.push('\n');
    }
}

impl Display for Table {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}
