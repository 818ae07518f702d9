//! Leaves that add to one score each: a number per leaf, in a table of the narrowest width.

/// What leaves' numbers stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values<'t> {
    /// 8 bits each.
    Bytes(&'t [u8]),
    /// 16 bits each.
    Halves(&'t [u16]),
    /// 32 bits each.
    Words(&'t [u32]),
}

impl Values<'_> {
    /// How many leaves there are.
    #[inline(always)]
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Halves(values) => values.len(),
            Self::Words(values) => values.len(),
        }
    }

    /// Whether there is no leaf.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a leaf adds; 0 if there is no such leaf.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, leaf: usize) -> u32 {
        match self {
            Self::Bytes(values) => values.get(leaf).map_or(0, |value| u32::from(*value)),
            Self::Halves(values) => values.get(leaf).map_or(0, |value| u32::from(*value)),
            Self::Words(values) => values.get(leaf).map_or(0, |value| *value),
        }
    }
}
