//! Probabilities against float: error bounds, order, ties and sums, on random and extreme scores.

use spinney_runtime::probability::{ONE, Softmax, VoteShares};
use spinney_runtime::{ShapeError, TableError, argmax};

/// Splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

const VOTE_SHARE_ERROR: f64 = 1.5 + 1.0 / 131_072.0;
const SOFTMAX_ERROR: f64 = 1.625;

/// Order, ties, the winner and the distance from `exact`, in units.
fn check<S: Copy + PartialOrd + std::fmt::Debug>(
    scores: &[S],
    found: &[u16],
    exact: &[f64],
    error_max: f64,
) {
    let told = || format!("{scores:?}: {found:?}, exactly {exact:?}");
    for (one, p) in scores.iter().zip(found) {
        for (other, q) in scores.iter().zip(found) {
            assert!(one >= other || p <= q, "order: {}", told());
            assert!(one != other || p == q, "ties: {}", told());
        }
    }
    assert_eq!(argmax(found), argmax(scores), "winner: {}", told());
    let mut sum = 0.0;
    for (p, exact) in found.iter().zip(exact) {
        let off = (f64::from(*p) - exact * f64::from(ONE)).abs();
        assert!(off <= error_max, "off by {off}: {}", told());
        assert!(*p <= ONE);
        sum += f64::from(*p);
    }
    let sum_off = (sum - f64::from(ONE) * exact.iter().sum::<f64>()).abs();
    assert!(sum_off <= error_max * scores.len() as f64, "{}", told());
}

#[test]
fn vote_shares_are_within_their_bound_in_order_and_name_the_winner() {
    let mut random = Random(1);
    let mut totals = vec![
        1,
        2,
        3,
        255,
        256,
        1 << 15,
        (1 << 15) + 1,
        1 << 31,
        (1 << 30) + 1,
    ];
    totals.extend((0..2000).map(|_| {
        let bits = random.below(31);
        1 + u32::try_from(random.below(1 << bits)).unwrap()
    }));
    for total in totals {
        let shares = VoteShares::new(total).unwrap();
        for n_classes in [1, 2, 3, 10, 255] {
            // Cuts of the total, some of them next to each other.
            let mut cuts: Vec<u32> = (1..n_classes)
                .map(|_| u32::try_from(random.below(u64::from(total) + 1)).unwrap())
                .collect();
            if random.below(2) == 0 {
                let third = total / u32::try_from(n_classes).unwrap();
                cuts = (1..u32::try_from(n_classes).unwrap())
                    .map(|at| at * third + u32::from(random.below(2) == 0))
                    .map(|cut| cut.min(total))
                    .collect();
            }
            cuts.extend([0, total]);
            cuts.sort_unstable();
            let scores: Vec<u32> = cuts.windows(2).map(|ends| ends[1] - ends[0]).collect();
            let mut found = vec![0; scores.len()];
            shares.probabilities(&scores, &mut found).unwrap();
            let exact: Vec<f64> = scores
                .iter()
                .map(|score| f64::from(*score) / f64::from(total))
                .collect();
            check(&scores, &found, &exact, VOTE_SHARE_ERROR);
        }
    }
}

#[test]
fn all_votes_are_certainty() {
    for total in [1, 7, 30 * 32_768, 1 << 31] {
        let mut found = [9; 2];
        let shares = VoteShares::new(total).unwrap();
        shares.probabilities(&[0, total], &mut found).unwrap();
        assert_eq!(found, [0, ONE]);
        // Beyond what trees can give, still no probability above one.
        shares.probabilities(&[0, u32::MAX], &mut found).unwrap();
        assert_eq!(found, [0, ONE]);
    }
    assert_eq!(VoteShares::new(0), Err(TableError::Count));
    assert_eq!(VoteShares::new((1 << 31) + 1), Err(TableError::Count));
}

#[test]
fn a_winner_by_less_than_a_unit_is_lifted_above_lower_classes() {
    let shares = VoteShares::new(1_000_000).unwrap();
    let mut found = [0; 4];
    shares
        .probabilities(&[249_999, 250_000, 250_000, 249_999], &mut found)
        .unwrap();
    assert_eq!(found, [8192, 8193, 8193, 8192]);
    let mut even = [0; 4];
    shares.probabilities(&[250_000; 4], &mut even).unwrap();
    assert_eq!(even, [8192; 4]);
}

fn softmax(scores: &[i64], bits: u8) -> Vec<f64> {
    let highest = *scores.iter().max().unwrap();
    let exponentials: Vec<f64> = scores
        .iter()
        .map(|score| (-(score.abs_diff(highest) as f64) * 2.0_f64.powi(-i32::from(bits))).exp())
        .collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.iter().map(|e| e / sum).collect()
}

#[test]
fn the_softmax_is_within_its_bound_in_order_and_names_the_winner() {
    let mut random = Random(2);
    for bits in [0, 4, 15, 21, 26, 27, 40, 57] {
        let softmax_of = Softmax::new(bits).unwrap();
        for round in 0..4000 {
            let n_classes = [1, 2, 2, 3, 10, 255][usize::try_from(random.below(6)).unwrap()];
            // From all alike to far apart.
            let reach = random.below(u64::from(bits) + 6).min(61);
            let middle = i64::try_from(random.below(1 << 61)).unwrap() - (1 << 60);
            let scores: Vec<i64> = (0..n_classes)
                .map(|_| middle + i64::try_from(random.below(1 << reach)).unwrap())
                .collect();
            let mut found = vec![0; scores.len()];
            if n_classes == 255 && round % 20 != 0 {
                continue;
            }
            softmax_of.probabilities(&scores, &mut found).unwrap();
            check(&scores, &found, &softmax(&scores, bits), SOFTMAX_ERROR);
        }
    }
}

#[test]
fn the_softmax_of_two_scores_falls_with_their_distance_everywhere() {
    let softmax_of = Softmax::new(16).unwrap();
    let mut last = ONE;
    let mut furthest = 0.0_f64;
    for distance in 0..(13 << 16) {
        let mut found = [0; 2];
        let scores = [0, -distance];
        softmax_of.probabilities(&scores, &mut found).unwrap();
        assert!(found[1] <= last, "{distance}");
        last = found[1];
        let exact = softmax(&scores, 16);
        for (p, exact) in found.iter().zip(exact) {
            furthest = furthest.max((f64::from(*p) - exact * f64::from(ONE)).abs());
        }
    }
    // Nothing is lifted here: half a unit and the rest.
    assert!(furthest < 0.625, "{furthest}");
    assert_eq!(last, 0);
}

#[test]
fn extremes() {
    let softmax_of = Softmax::new(40).unwrap();
    let mut found = [9; 3];
    softmax_of
        .probabilities(&[i64::MIN, i64::MAX, i64::MIN], &mut found)
        .unwrap();
    assert_eq!(found, [0, ONE, 0]);
    softmax_of
        .probabilities(&[i64::MIN; 3], &mut found)
        .unwrap();
    assert_eq!(found, [10_923; 3]);
    assert_eq!(
        softmax_of.probabilities(&[1, 2], &mut found),
        Err(ShapeError)
    );
    assert_eq!(softmax_of.probabilities(&[], &mut []), Ok(()));
    let shares = VoteShares::new(3).unwrap();
    assert_eq!(shares.probabilities(&[1, 2], &mut found), Err(ShapeError));
    assert_eq!(shares.probabilities(&[], &mut []), Ok(()));
    assert_eq!(Softmax::new(58), Err(TableError::Shape));
}
