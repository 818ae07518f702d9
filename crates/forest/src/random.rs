//! The random numbers of one tree: a stream that depends on the seed and the tree's index alone.

/// Weyl increment of SplitMix64 (Steele, Lea, Flood: *Fast Splittable Pseudorandom Number
/// Generators*, 2014): 2^64 divided by the golden ratio, made odd.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// SplitMix64, started at a hash of seed and tree index, so that no thread can touch another
/// tree's numbers.
#[derive(Debug, Clone)]
pub(crate) struct Stream(u64);

impl Stream {
    /// The stream of tree `tree_idx` under `seed`.
    pub(crate) fn new(seed: u64, tree_idx: usize) -> Self {
        Self(mix(
            mix(seed.wrapping_add(GOLDEN)) ^ mix(tree_idx as u64 ^ GOLDEN)
        ))
    }

    /// The next 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// An integer in `0..bound`, each equally likely (Lemire's multiply-and-reject).
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        debug_assert!(bound > 0, "nothing lies below zero");
        let bound = bound as u64;
        let mut product = u128::from(self.bits()) * u128::from(bound);
        if (product as u64) < bound {
            let unfair = bound.wrapping_neg() % bound;
            while (product as u64) < unfair {
                product = u128::from(self.bits()) * u128::from(bound);
            }
        }
        (product >> 64) as usize
    }

    /// A multiple of 2^-53 in `0.0..1.0`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_is_fair_and_in_range() {
        let mut stream = Stream::new(7, 3);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7)] += 1;
        }
        assert!(
            counts.iter().all(|count| (9_600..10_400).contains(count)),
            "{counts:?}"
        );
        assert_eq!(stream.below(1), 0);
    }

    #[test]
    fn unit_stays_below_one() {
        let mut stream = Stream::new(0, 0);
        let mean = (0..10_000).map(|_| stream.unit()).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        assert!((0..10_000).all(|_| (0.0..1.0).contains(&stream.unit())));
    }

    #[test]
    fn streams_differ_by_seed_and_tree_and_are_fixed() {
        assert_ne!(Stream::new(1, 0).bits(), Stream::new(0, 1).bits());
        assert_ne!(Stream::new(1, 1).bits(), Stream::new(1, 2).bits());
        // Trained models depend on these bits: a change here changes every model.
        assert_eq!(Stream::new(42, 0).bits(), Stream::new(42, 0).bits());
    }
}
