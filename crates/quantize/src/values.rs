//! Leaves that add to one score each, owned: the twin of the runtime's `values.rs`.

use spinney_runtime::values as runtime;

/// Values of leaves, and the scores that trees add them to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values {
    /// What leaves' numbers stand for.
    pub numbers: Numbers,
    /// What each score begins with.
    pub bases: Vec<u32>,
    /// The score that each tree adds to.
    pub scores: Vec<u8>,
}

/// A number per leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Numbers {
    /// 8 bits each.
    Bytes(Vec<u8>),
    /// 16 bits each.
    Halves(Vec<u16>),
    /// 32 bits each.
    Words(Vec<u32>),
}

impl Numbers {
    /// Numbers that are held in as many bytes as `width` says.
    pub(crate) fn new(width: Width, numbers: Vec<u32>) -> Self {
        const FITS: &str = "values of at most the width's highest number";
        let numbers = numbers.into_iter();
        match width {
            Width::Byte => Self::Bytes(numbers.map(|it| u8::try_from(it).expect(FITS)).collect()),
            Width::Half => Self::Halves(numbers.map(|it| u16::try_from(it).expect(FITS)).collect()),
            Width::Word => Self::Words(numbers.collect()),
        }
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "a tree has a leaf")]
    pub fn len(&self) -> usize {
        self.runtime().len()
    }

    /// What a leaf adds.
    pub fn get(&self, leaf: usize) -> u32 {
        self.runtime().get(leaf)
    }

    /// The numbers of these leaves, in as many bytes each.
    #[must_use]
    pub fn in_order(&self, leaves: &[usize]) -> Self {
        match self {
            Self::Bytes(numbers) => Self::Bytes(leaves.iter().map(|it| numbers[*it]).collect()),
            Self::Halves(numbers) => Self::Halves(leaves.iter().map(|it| numbers[*it]).collect()),
            Self::Words(numbers) => Self::Words(leaves.iter().map(|it| numbers[*it]).collect()),
        }
    }

    /// Bytes of a number.
    pub fn n_bytes(&self) -> usize {
        match self {
            Self::Bytes(_) => 1,
            Self::Halves(_) => 2,
            Self::Words(_) => 4,
        }
    }

    /// The runtime's view of the numbers.
    pub fn runtime(&self) -> runtime::Values<'_> {
        match self {
            Self::Bytes(numbers) => runtime::Values::Bytes(numbers),
            Self::Halves(numbers) => runtime::Values::Halves(numbers),
            Self::Words(numbers) => runtime::Values::Words(numbers),
        }
    }
}

impl Values {
    /// Where the trees of each score end once they are in the order of scores.
    ///
    /// # Panics
    /// Never; there are at most `limits::TREES` trees.
    pub fn ends(&self) -> Vec<u16> {
        (0..self.bases.len())
            .map(|score| {
                let trees = self.scores.iter();
                let n_trees = trees.filter(|it| usize::from(**it) <= score).count();
                u16::try_from(n_trees).expect("at most `limits::TREES`")
            })
            .collect()
    }
}

/// How many bits a vote or a value has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    Byte,
    Half,
    Word,
}

impl Width {
    /// The highest number of so many bits.
    pub(crate) fn most(self) -> u32 {
        match self {
            Self::Byte => u8::MAX.into(),
            Self::Half => u16::MAX.into(),
            Self::Word => u32::MAX,
        }
    }
}
