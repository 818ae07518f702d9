//! Boards that are better known than their chips.

use std::sync::LazyLock;

/// A board and the chip on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Board {
    /// What it is called.
    pub name: &'static str,
    /// Its chip, as the chip table spells it.
    pub chip: &'static str,
    /// The manufacturer's document that says so.
    pub source: &'static str,
}

/// Every board, in the order of `boards.csv`.
pub fn boards() -> &'static [Board] {
    static BOARDS: LazyLock<Vec<Board>> = LazyLock::new(|| {
        let rows = include_str!("../data/boards.csv").lines().skip(1);
        rows.filter_map(|row| {
            let mut fields = row.splitn(3, ',');
            Some(Board {
                name: fields.next()?,
                chip: fields.next()?,
                source: fields.next()?.trim_matches('"'),
            })
        })
        .collect()
    });
    &BOARDS
}

/// The board of this name, with or without hyphens, spaces and its maker's name.
pub(crate) fn board(name: &str) -> Option<&'static Board> {
    let name = plain(name);
    boards().iter().find(|board| {
        let own = plain(board.name);
        let maker = board.name.split_once(' ').map_or("", |(maker, _)| maker);
        own == name || (own.strip_prefix(&plain(maker)) == Some(&name) && name.len() > 4)
    })
}

/// A name in lower case, without what people write or leave out.
pub(crate) fn plain(name: &str) -> String {
    let told = name.chars().filter(|c| !is_left_out(*c));
    told.map(|c| c.to_ascii_lowercase()).collect()
}

pub(crate) fn is_left_out(c: char) -> bool {
    matches!(c, '-' | '_' | ' ' | ':' | '/')
}
