//! Recovers leaf proportions from float32 weights.
//!
//! scikit-learn's proportions are mostly quotients of small whole numbers, and ties between
//! classes are common. A float32 weight, multiplied by the number of trees, misses them by a
//! little, and would decide ties by chance. The simplest fraction that rounds to the weight is
//! the quotient that was written, or else lies as near to it as the weight itself.

/// A fraction in `0..=1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fraction {
    pub(super) numerator: u32,
    pub(super) denominator: u32,
}

impl Fraction {
    /// The quotient in float64.
    pub(super) fn value(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    /// One minus the fraction.
    pub(super) fn complement(self) -> Self {
        Self {
            numerator: self.denominator - self.numerator,
            ..self
        }
    }
}

/// The fraction of smallest denominator whose share for one of `n_trees` trees rounds to
/// `weight`; `None` if it would not lie in `0..=1` or not be simple.
pub(super) fn simplest(weight: f32, n_trees: usize) -> Option<Fraction> {
    if weight == 0.0 {
        return Some(Fraction {
            numerator: 0,
            denominator: 1,
        });
    }
    if !(weight.is_finite() && weight > 0.0) {
        return None;
    }
    let n = n_trees as f64;
    let centre = f64::from(weight);
    // The bounds shrink by a hair, so that rounding in here cannot lead outside.
    let low = f64::midpoint(f64::from(weight.next_down()), centre) * n * (1.0 + 1e-14);
    let high = f64::midpoint(f64::from(weight.next_up()), centre) * n * (1.0 - 1e-14);
    let found = between(low, high)?;
    (found.numerator <= found.denominator && (low..=high).contains(&found.value())).then_some(found)
}

/// The fraction of smallest denominator in `low..=high`, by continued fractions.
fn between(mut low: f64, mut high: f64) -> Option<Fraction> {
    const LARGEST: f64 = (1_u32 << 24) as f64;
    let mut terms: Vec<u32> = Vec::new();
    loop {
        let whole = low.ceil();
        if !(0.0..LARGEST).contains(&whole) || terms.len() > 40 {
            return None;
        }
        if whole <= high {
            terms.push(whole as u32);
            break;
        }
        let floor = low.floor();
        terms.push(floor as u32);
        (low, high) = (1.0 / (high - floor), 1.0 / (low - floor));
    }
    let mut numerator: u32 = terms.pop()?;
    let mut denominator: u32 = 1;
    for term in terms.into_iter().rev() {
        let next = term.checked_mul(numerator)?.checked_add(denominator)?;
        denominator = numerator;
        numerator = next;
    }
    (denominator > 0).then_some(Fraction {
        numerator,
        denominator,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_of_small_numbers_come_back() {
        for n_trees in [1_usize, 2, 3, 7, 10, 30, 100] {
            for denominator in 1..200_u32 {
                for numerator in 0..=denominator {
                    let value = f64::from(numerator) / f64::from(denominator);
                    // Casts: as ONNX stores it.
                    let weight = (value * (1.0 / n_trees as f64)) as f32;
                    let found = simplest(weight, n_trees).expect("a fraction");
                    assert_eq!(
                        found.value(),
                        value,
                        "{numerator}/{denominator} of {n_trees}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_no_share_is_none() {
        assert_eq!(simplest(1.5, 1), None);
        assert_eq!(simplest(-0.5, 1), None);
        assert_eq!(simplest(f32::NAN, 1), None);
        assert_eq!(simplest(f32::INFINITY, 1), None);
    }
}
