//! What is known of a register or a word: the least and the most that it may be.

/// All numbers from `low` to `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value {
    low: u32,
    high: u32,
}

impl Value {
    pub const ANY: Self = Self::up_to(u32::MAX);

    const fn between(low: u32, high: u32) -> Self {
        Self { low, high }
    }

    pub const fn just(number: u32) -> Self {
        Self::between(number, number)
    }

    pub const fn up_to(high: u32) -> Self {
        Self::between(0, high)
    }

    pub fn known(self) -> Option<u32> {
        (self.low == self.high).then_some(self.low)
    }

    pub fn ends(self) -> (u32, u32) {
        (self.low, self.high)
    }

    pub fn hull(self, other: Self) -> Self {
        Self::between(self.low.min(other.low), self.high.max(other.high))
    }

    /// Of ends that are exact; any number where they do not wrap alike.
    fn wrapped(low: i64, high: i64) -> Self {
        if low >> 32 != high >> 32 {
            return Self::ANY;
        }
        Self::between(low as u32, high as u32)
    }

    pub fn plus(self, other: Self) -> Self {
        let sum = |a, b| i64::from(a) + i64::from(b);
        Self::wrapped(sum(self.low, other.low), sum(self.high, other.high))
    }

    pub fn minus(self, other: Self) -> Self {
        let difference = |a, b| i64::from(a) - i64::from(b);
        Self::wrapped(
            difference(self.low, other.high),
            difference(self.high, other.low),
        )
    }

    /// The lower half of the product.
    pub fn times(self, other: Self) -> Self {
        match (self.known(), other.known()) {
            (Some(a), Some(b)) => Self::just(a.wrapping_mul(b)),
            _ => match self.high.checked_mul(other.high) {
                Some(high) => Self::between(self.low * other.low, high),
                None => Self::ANY,
            },
        }
    }

    /// The upper half of the product.
    pub fn times_upper(self, other: Self) -> Self {
        let upper = |a: u32, b: u32| ((u64::from(a) * u64::from(b)) >> 32) as u32;
        Self::between(upper(self.low, other.low), upper(self.high, other.high))
    }

    /// By a number above 0.
    pub fn divided(self, by: u32) -> Self {
        Self::between(self.low / by, self.high / by)
    }

    pub fn and(self, other: Self) -> Self {
        match (self.known(), other.known()) {
            (Some(a), Some(b)) => Self::just(a & b),
            // A mask of low bits leaves what is below it.
            (_, Some(mask)) if mask & mask.wrapping_add(1) == 0 && self.high <= mask => self,
            _ => Self::up_to(self.high.min(other.high)),
        }
    }

    pub fn or(self, other: Self) -> Self {
        self.by_bits(other, |a, b| a | b)
    }

    pub fn exclusive_or(self, other: Self) -> Self {
        self.by_bits(other, |a, b| a ^ b)
    }

    fn by_bits(self, other: Self, of: fn(u32, u32) -> u32) -> Self {
        match (self.known(), other.known()) {
            (Some(a), Some(b)) => Self::just(of(a, b)),
            _ => Self::up_to(
                u32::MAX
                    .checked_shr((self.high | other.high).leading_zeros())
                    .unwrap_or(0),
            ),
        }
    }

    pub fn not(self) -> Self {
        Self::between(!self.high, !self.low)
    }

    /// Shifted to the left by so many bits, 32 and more among them.
    pub fn shifted_left(self, by: Self) -> Self {
        match (self.known(), by.known()) {
            (Some(number), Some(by)) => Self::just(number.checked_shl(by).unwrap_or(0)),
            (None, Some(by)) if by < 32 && self.high.leading_zeros() >= by => {
                Self::between(self.low << by, self.high << by)
            }
            _ => Self::ANY,
        }
    }

    pub fn shifted_right(self, by: Self) -> Self {
        let right = |number: u32, by| number.checked_shr(by).unwrap_or(0);
        Self::between(right(self.low, by.high), right(self.high, by.low))
    }

    pub fn shifted_right_signed(self, by: Self) -> Self {
        match (self.known(), by.known()) {
            (Some(number), Some(by)) => {
                Self::just((number.cast_signed() >> by.min(31)).cast_unsigned())
            }
            _ if self.high >> 31 == 0 => self.shifted_right(by),
            _ => Self::ANY,
        }
    }

    pub fn rotated_right(self, by: Self) -> Self {
        match (self.known(), by.known()) {
            (_, Some(0)) => self,
            (Some(number), Some(by)) => Self::just(number.rotate_right(by % 32)),
            _ => Self::ANY,
        }
    }

    /// The lowest bits, `n` of them, as a number with or without a sign.
    pub fn lowest(self, n: u32, is_signed: bool) -> Self {
        let mask = u32::MAX >> (32 - n);
        let without = self.and(Self::just(mask));
        match without.known() {
            _ if !is_signed || without.high <= mask >> 1 => without,
            Some(number) => Self::just(super::super::instruction::signed(number, n)),
            None => Self::ANY,
        }
    }

    /// Whether this is above the other, or, unless `strictly`, the same; `None` where that depends.
    pub fn exceeds(self, other: Self, strictly: bool) -> Option<bool> {
        let above = |a: u32, b: u32| a > b || a == b && !strictly;
        match (above(self.low, other.high), above(self.high, other.low)) {
            (true, _) => Some(true),
            (_, false) => Some(false),
            _ => None,
        }
    }

    /// As a number that sorts like one with a sign; `None` where the sign depends.
    pub fn by_sign(self) -> Option<Self> {
        let turned = |number: u32| number ^ 1 << 31;
        (self.low >> 31 == self.high >> 31)
            .then(|| Self::between(turned(self.low), turned(self.high)))
    }

    pub fn is(self, other: Self) -> Option<bool> {
        match (self.known(), other.known()) {
            (Some(a), Some(b)) => Some(a == b),
            _ if self.low > other.high || self.high < other.low => Some(false),
            _ => None,
        }
    }
}
