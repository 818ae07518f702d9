//! What the formats hold: every bound once. Tables beyond one are refused when they are checked.

/// Most features: a split names its feature in 16 bits.
pub const FEATURES_MAX: usize = 65_535;
/// Most classes: a class is a byte.
pub const CLASSES_MAX: usize = 255;
/// Most trees: so many votes of 16 bits each add up to less than 2^32.
pub const TREES_MAX: usize = 65_535;
/// Most trees whose 8-bit votes add up in lanes of 16 bits.
pub const LANE_TREES_MAX: usize = 257;
/// Most leaves that a child of the widest format can name, with 15 bits.
pub const LEAVES_MAX: usize = 1 << 15;
/// Most cuts of a rank: a reading above all of them needs a code of its own, and the codes of 16
/// bits from 0 up end at 32,767.
pub const CUTS_MAX: usize = i16::MAX as usize;

const _: () = assert!(TREES_MAX as u64 * u16::MAX as u64 <= u32::MAX as u64);
const _: () = assert!(LANE_TREES_MAX * u8::MAX as usize <= u16::MAX as usize);
