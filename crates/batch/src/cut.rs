//! Where a split parts readings: the device's `code(x) <= T` as one comparison `x <= cut`.
//!
//! Every coding is monotone: of two readings the larger never has the smaller code. So the readings
//! that go left at a split are all those up to some reading, its *cut*, and comparing with that
//! decides like the device does, without a code. The cut is found by bisection over all values of
//! the reading's type, with the runtime's own coding as the oracle, so that saturation, rounding
//! and signs of zero need no argument of their own. NaN is no number, and compared by codes.

use spinney_quantize::{Coding, ReadingType};

use crate::reading::Reading;

/// The largest reading whose code is at most `threshold`; `None` if there is none.
pub(crate) fn cut<R: Reading>(
    coding: &Coding,
    reading_type: ReadingType,
    threshold: i16,
) -> Option<R> {
    let at = |place| R::at(place).widen();
    let last = coding.last_left(reading_type, threshold, R::PLACES, at);
    last.map(R::at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codings() -> impl Strategy<Value = Coding> {
        let affine = (-120_i8..=100, any::<i32>());
        let near = (-4_i8..=16, -70_000_i32..70_000);
        let orders = proptest::collection::btree_set(any::<i32>(), 0..20);
        prop_oneof![
            Just(Coding::IDENTITY),
            affine.prop_map(|(shift, offset)| Coding::Affine { shift, offset }),
            near.prop_map(|(shift, offset)| Coding::Affine { shift, offset }),
            orders.prop_map(|cuts| Coding::Rank {
                cuts: cuts.into_iter().collect()
            }),
        ]
    }

    fn reading_types() -> impl Strategy<Value = ReadingType> {
        prop_oneof![
            Just(ReadingType::U8),
            Just(ReadingType::I16),
            Just(ReadingType::I32),
            Just(ReadingType::F32),
        ]
    }

    trait Neighbours: Reading {
        fn below(self) -> Self;
        fn above(self) -> Self;
    }

    impl Neighbours for f32 {
        fn below(self) -> Self {
            self.next_down()
        }
        fn above(self) -> Self {
            self.next_up()
        }
    }

    impl Neighbours for f64 {
        fn below(self) -> Self {
            self.next_down()
        }
        fn above(self) -> Self {
            self.next_up()
        }
    }

    /// Compares the cut with codes: next to itself, at both ends, around zero, and anywhere.
    fn check<R: Neighbours>(
        coding: &Coding,
        reading_type: ReadingType,
        threshold: i16,
        anywhere: &[R],
    ) -> Result<(), TestCaseError> {
        let cut = cut::<R>(coding, reading_type, threshold);
        let (first, last) = (*R::PLACES.start(), *R::PLACES.end());
        let mut readings = anywhere.to_vec();
        readings.extend([first, first + 1, -2, -1, 0, 1, last - 1, last].map(R::at));
        if let Some(cut) = cut {
            readings.extend([R::below(cut), cut, R::above(cut)]);
        }
        for reading in readings.into_iter().filter(|reading| !reading.is_nan()) {
            prop_assert_eq!(
                cut.is_some_and(|cut| reading <= cut),
                coding.code(reading_type, reading.widen()) <= threshold,
                "{:?} at the cut {:?}",
                reading,
                cut
            );
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3_000))]

        #[test]
        fn a_cut_decides_as_codes_do(
            coding in codings(),
            reading_type in reading_types(),
            threshold in prop_oneof![any::<i16>(), -3_i16..300, Just(i16::MIN), Just(i16::MAX)],
            singles in proptest::collection::vec(any::<f32>(), 10),
            doubles in proptest::collection::vec(any::<f64>(), 10),
            integers in proptest::collection::vec(any::<i16>(), 10),
        ) {
            let near: Vec<f32> = integers.iter().map(|integer| f32::from(*integer)).collect();
            check::<f32>(&coding, reading_type, threshold, &[singles, near.clone()].concat())?;
            let near: Vec<f64> = near.iter().map(|single| f64::from(*single)).collect();
            check::<f64>(&coding, reading_type, threshold, &[doubles, near].concat())?;
        }
    }
}
