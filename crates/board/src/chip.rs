//! Chips: name, core, the two memories that an image is linked into, and what they need to boot.

use std::sync::LazyLock;

use crate::boards::{board, is_left_out, plain};
use crate::{Boot, Core, boards, parse_table};

/// A stretch of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Region {
    /// First address.
    pub origin: u32,
    /// Length in bytes.
    pub len: u32,
}

impl Region {
    /// `len` bytes from `origin` on.
    #[must_use]
    pub const fn new(origin: u32, len: u32) -> Self {
        Self { origin, len }
    }

    /// The address after the last, up to 2³² and beyond for a region that does not fit.
    pub fn end(self) -> u64 {
        u64::from(self.origin) + u64::from(self.len)
    }

    /// Whether any address belongs to both.
    pub fn overlaps(self, other: Self) -> bool {
        u64::from(self.origin) < other.end() && u64::from(other.origin) < self.end()
    }
}

/// A microcontroller.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Chip {
    /// Its name, as probe-rs spells it.
    pub name: String,
    /// Its processor; of several, the one that boots.
    pub core: Core,
    /// The flash it boots from. For chips whose flash is a part of its own, such as the RP2040,
    /// the window in which that part appears.
    pub flash: Region,
    /// The RAM that data and stack go into.
    pub ram: Region,
    /// What it wants to find in flash before it starts an image.
    pub boot: Boot,
    /// Whether flash is a part of its own, whose size depends on the board.
    pub is_flash_external: bool,
}

impl Chip {
    /// The chip with images that start at `origin`, behind what starts them: that has what the chip
    /// wants to find, and takes the flash before `origin`.
    #[must_use]
    pub fn behind(mut self, origin: u32) -> Self {
        if origin == self.flash.origin {
            return self;
        }
        let taken = origin.checked_sub(self.flash.origin);
        let left = taken.and_then(|taken| self.flash.len.checked_sub(taken));
        self.flash = Region {
            origin,
            len: left.filter(|len| *len > 0).unwrap_or(self.flash.len),
        };
        self.boot = Boot::Direct;
        self
    }

    /// Why it does not start an image of Spinney's, and what to do, in a sentence; `None` where it
    /// does.
    pub fn cannot_start(&self) -> Option<String> {
        let reason = self.boot.missing()?;
        Some(format!(
            "{} does not start an image of Spinney's: {reason}",
            self.name
        ))
    }
}

/// A row of the chip table: a [`Chip`] whose core may be unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Its name, as probe-rs spells it.
    pub name: String,
    /// What follows the name in each of its packages, `Tx` for example.
    pub packages: Vec<String>,
    /// Its processor; of several, the one that boots. `None` where the user has to say.
    pub core: Option<Core>,
    /// See [`Chip::flash`].
    pub flash: Region,
    /// See [`Chip::ram`].
    pub ram: Region,
    /// See [`Chip::boot`].
    pub boot: Boot,
    /// See [`Chip::is_flash_external`].
    pub is_flash_external: bool,
}

impl Listing {
    /// The chip with the core that the table has or, before it, the one that is given; `None`
    /// where neither is.
    pub fn chip(&self, core: Option<Core>) -> Option<Chip> {
        Some(Chip {
            name: self.name.clone(),
            core: core.or(self.core)?,
            flash: self.flash,
            ram: self.ram,
            boot: self.boot,
            is_flash_external: self.is_flash_external,
        })
    }

    /// A chip that the table does not have, as its user describes it.
    #[must_use]
    pub fn described(name: &str, core: Core, flash: Region, ram: Region) -> Self {
        Self {
            name: name.to_owned(),
            packages: Vec::new(),
            core: Some(core),
            flash,
            ram,
            boot: Boot::Direct,
            is_flash_external: false,
        }
    }

    /// Whether two chips of these rows take the same images.
    fn takes_the_same(&self, other: &Self) -> bool {
        let told = |it: &Self| (it.core, it.flash, it.ram, it.boot, it.is_flash_external);
        told(self) == told(other)
    }
}

/// The table holds no chip of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no chip is called \"{name}\"")]
pub struct UnknownChip {
    /// The name looked for.
    pub name: String,
    /// How many chips have names that start with it.
    pub n_longer: usize,
    /// Names that resemble it, the nearest first, at most three.
    pub nearest: Vec<String>,
}

/// Every chip of the table, in the order of its rows.
pub fn chips() -> &'static [Listing] {
    static CHIPS: LazyLock<Vec<Listing>> = LazyLock::new(|| {
        parse_table(include_str!("../data/chips.csv")).expect("a test validates each row")
    });
    &CHIPS
}

/// The chip of this name, in any case, with its package or without. An `x` of the table stands for
/// any character; a whole part number may go on with package, temperature and packing; the beginning
/// of names will do, if all chips with such names take the same images; and a board's name means the
/// chip on it.
///
/// The name of what is found is spelt as in the table, with the package if it has that.
///
/// # Errors
/// [`UnknownChip`], with the nearest names.
pub fn find(name: &str) -> Result<Listing, UnknownChip> {
    let same = |typed: u8, own: u8| typed.eq_ignore_ascii_case(&own);
    let stands_for = |typed: u8, own: u8| own == b'x' || same(typed, own);
    if let Some(found) = named(name, same).or_else(|| named(name, stands_for)) {
        return Ok(found);
    }
    let longer: Vec<&Listing> = chips()
        .iter()
        .filter(|row| !name.is_empty() && starts_with(&row.name, name))
        .collect();
    if let Some((first, others)) = longer.split_first()
        && others.iter().all(|row| row.takes_the_same(first))
    {
        return Ok((*first).clone());
    }
    let on_board = board(name).and_then(|board| named(board.chip, same));
    if let Some(found) = on_board.or_else(|| part_number(name).cloned()) {
        return Ok(found);
    }
    Err(UnknownChip {
        name: name.to_owned(),
        n_longer: longer.len(),
        nearest: if longer.is_empty() {
            nearest(name)
        } else {
            longer.iter().take(3).map(|row| row.name.clone()).collect()
        },
    })
}

/// The chip whose name a part number begins with, the longest of them.
fn part_number(typed: &str) -> Option<&'static Listing> {
    const SUFFIX_CHARS_MAX: usize = 10;
    let rest = |row: &Listing| {
        // Letter by letter, without what people write or leave out.
        let mut left = typed.char_indices().filter(|(_, c)| !is_left_out(*c));
        for own in row.name.chars().filter(|c| !is_left_out(*c)) {
            let (_, c) = left.next()?;
            let is_same = own.eq_ignore_ascii_case(&c) || own == 'x' && c.is_ascii_alphanumeric();
            if !is_same {
                return None;
            }
        }
        let suffix = left.next().map_or("", |(at, _)| &typed[at..]);
        let before = typed[..typed.len() - suffix.len()].chars().next_back()?;
        // A digit behind a digit is another part: an ESP32-C61 is no ESP32-C6.
        let goes_on = before.is_ascii_digit() && suffix.starts_with(|c: char| c.is_ascii_digit());
        let is_suffix = |c: char| c.is_ascii_alphanumeric() || is_left_out(c);
        (!goes_on && suffix.chars().all(is_suffix) && suffix.len() <= SUFFIX_CHARS_MAX)
            .then_some(row.name.len())
    };
    // A series, as probe-rs has some, is no part.
    let is_part = |row: &&Listing| row.name.len() >= 6;
    let parts = chips().iter().filter(is_part);
    let fitting = parts.filter_map(|row| Some((rest(row)?, row)));
    fitting.max_by_key(|(len, _)| *len).map(|(_, row)| row)
}

/// The chips with `part` in their names, in any case and with or without hyphens, in the order of
/// the table, else the one that [`find`] takes it for; and those on boards with it in their names.
pub fn search(part: &str) -> Vec<&'static Listing> {
    let found = find(part).ok();
    let part = plain(part);
    let is_on_board = |row: &Listing| {
        !part.is_empty()
            && boards()
                .iter()
                .any(|board| board.chip == row.name && plain(board.name).contains(&part))
    };
    let named: Vec<&Listing> = chips()
        .iter()
        .filter(|row| {
            let name = plain(&row.name);
            let has = |suffix: &String| format!("{name}{}", plain(suffix)).contains(&part);
            name.contains(&part) || row.packages.iter().any(has) || is_on_board(row)
        })
        .collect();
    if !named.is_empty() {
        return named;
    }
    let of = |row: &&Listing| {
        found
            .as_ref()
            .is_some_and(|it| it.name.starts_with(&row.name))
    };
    chips()
        .iter()
        .filter(of)
        .max_by_key(|row| row.name.len())
        .into_iter()
        .collect()
}

/// The first chip whose name, else whose name with a package, is `typed`, letter by letter.
fn named(typed: &str, is: impl Fn(u8, u8) -> bool) -> Option<Listing> {
    let is = |typed: &[u8], own: &str| {
        typed.len() == own.len() && typed.iter().zip(own.bytes()).all(|(a, b)| is(*a, b))
    };
    let typed = typed.as_bytes();
    let whole = chips().iter().find(|row| is(typed, &row.name));
    whole.cloned().or_else(|| {
        chips().iter().find_map(|row| {
            let (name, rest) = typed.split_at_checked(row.name.len())?;
            let suffix = row.packages.iter().find(|suffix| is(rest, suffix))?;
            is(name, &row.name).then(|| Listing {
                name: format!("{}{suffix}", row.name),
                ..row.clone()
            })
        })
    })
}

fn starts_with(name: &str, beginning: &str) -> bool {
    name.get(..beginning.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(beginning))
}

/// Jaro-Winkler favours a common beginning, which is how chips of a family resemble each other.
fn nearest(name: &str) -> Vec<String> {
    const NAME_CHARS_MAX: usize = 64;
    const ALIKE: f64 = 0.8;
    if name.chars().count() > NAME_CHARS_MAX {
        return Vec::new();
    }
    let wanted = name.to_ascii_lowercase();
    let mut alike: Vec<(f64, &str)> = chips()
        .iter()
        .map(|chip| {
            (
                strsim::jaro_winkler(&wanted, &chip.name.to_ascii_lowercase()),
                &*chip.name,
            )
        })
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    alike
        .into_iter()
        .take(3)
        .map(|(_, name)| name.to_owned())
        .collect()
}
