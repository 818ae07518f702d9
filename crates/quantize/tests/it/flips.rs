//! Where float and fixed point part readings differently.

use spinney_quantize::limits::CUTS;
use spinney_quantize::{Coding, Interval, ReadingType, Sensor};

/// What flips at a cut of `n_cuts` ranked ones, 0.5 apart from the integers.
fn ranked(n_cuts: usize, cut: usize) -> Option<Interval> {
    let cuts: Vec<f64> = (0..n_cuts).map(|cut| cut as f64 + 0.5).collect();
    let coding = Coding::rank_for(ReadingType::F32, &cuts, false);
    let threshold = coding.code(ReadingType::F32, cuts[cut]);
    Interval::between(
        Sensor::F32,
        |reading| reading <= cuts[cut],
        |reading| coding.code(ReadingType::F32, reading) <= threshold,
    )
}

/// Ranks tell as many cuts apart as the limit says; one more, and the highest code is shared.
#[test]
fn ranks_flip_where_they_saturate() {
    for n_cuts in [CUTS.max - 1, CUTS.max] {
        for cut in [0, 1, n_cuts - 2, n_cuts - 1] {
            assert_eq!(ranked(n_cuts, cut), None, "{cut} of {n_cuts}");
        }
    }
    let n_cuts = CUTS.max + 1;
    assert_eq!(ranked(n_cuts, n_cuts - 2), None);
    let above = |cut: usize| {
        Some(Interval {
            above: cut as f64 + 0.5,
            below: f64::INFINITY,
        })
    };
    assert_eq!(ranked(n_cuts, n_cuts - 1), above(n_cuts - 1));
    assert_eq!(ranked(40_000, 32_766), None);
    for cut in [32_767, 35_000, 39_999] {
        assert_eq!(ranked(40_000, cut), above(cut));
    }
}

#[test]
fn either_side_may_go_further_left() {
    let interval = |float: f64, q15: f64, sensor| {
        Interval::between(sensor, |it| it <= float, |it| it <= q15).map(Interval::ends)
    };
    assert_eq!(interval(1.5, 1.9, Sensor::U8), None);
    assert_eq!(interval(1.5, 7.0, Sensor::U8), Some((Some(1.0), Some(8.0))));
    assert_eq!(interval(7.0, 1.5, Sensor::U8), Some((Some(1.0), Some(8.0))));
    assert_eq!(interval(-1.0, 300.0, Sensor::U8), Some((None, None)));
    assert_eq!(
        interval(0.0, 0.5, Sensor::F32),
        Some((Some(0.0), Some(f64::from(0.5_f32.next_up()))))
    );
    assert_eq!(interval(1e38, 1e300, Sensor::F32).unwrap().1, None);
}
