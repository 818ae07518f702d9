//! Order statistics: the sample that so many others are not above.

/// The sample that has place `rank` once all are sorted, from 0 on; of no samples, 0, and of a rank
/// beyond the last one, the largest.
///
/// Nothing is moved or copied: the value is found by bisection between the least and the largest
/// sample, by as many passes over the window as their difference has bits, 16 at the most.
#[must_use]
pub fn ranked(samples: &[i16], rank: usize) -> i16 {
    let ends = samples.iter().fold(None, |ends, sample| match ends {
        None => Some((*sample, *sample)),
        Some((least, most)) => Some(((*sample).min(least), (*sample).max(most))),
    });
    let (mut low, mut high) = ends.unwrap_or_default();
    while low < high {
        // Below `high`, so one more fits.
        let middle = ((i32::from(low) + i32::from(high)) >> 1) as i16;
        let n_up_to = samples.iter().filter(|it| **it <= middle).count();
        if n_up_to > rank {
            high = middle;
        } else {
            low = middle.wrapping_add(1);
        }
    }
    low
}
