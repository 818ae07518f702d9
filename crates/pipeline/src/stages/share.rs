//! Which test rows the emulated device takes: all of them, or a share in which each class has its own.

use std::time::Instant;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use spinney_evaluate::Predictions;

use super::{FoundEmulator, Session};
use crate::emulator::Ended;
use crate::failure::Failure;

/// Test rows as the verify image reads them, and which they are.
pub(super) struct DeviceRows {
    /// The rows' bytes, one after the other.
    pub bytes: Vec<u8>,
    /// Their places among all test rows, in order; `None` where they are all of them.
    pub drawn: Option<Vec<usize>>,
}

impl DeviceRows {
    /// What `device_rows` of `[evaluate]` leaves of `all` test rows.
    pub fn new(session: &Session, all: &[u8], predictions: &Predictions) -> Self {
        let pipeline = &session.config.pipeline;
        let n_rows = predictions.q15.len();
        let asked = (pipeline.evaluate.device_rows).map_or(n_rows, |n| n.get() as usize);
        if asked >= n_rows {
            return Self {
                bytes: all.to_vec(),
                drawn: None,
            };
        }
        let drawn = draw(predictions.delivered(), asked, pipeline.identity.seed);
        let length = all.len() / n_rows;
        let bytes = drawn.iter().flat_map(|row| &all[row * length..][..length]);
        Self {
            bytes: bytes.copied().collect(),
            drawn: Some(drawn),
        }
    }
}

/// The places of `n` rows, in order. Each class that the host gives has as many as its share of all
/// rows, to within one, and one at the least while `n` allows.
fn draw(classes: &[usize], n: usize, seed: u64) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..classes.len()).collect();
    rows.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
    rows.sort_by_key(|row| classes[*row]);
    let is_first = |at: &usize| *at == 0 || classes[rows[*at]] != classes[rows[at - 1]];
    let (first, others): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(is_first);
    let mut drawn: Vec<usize> = first.into_iter().take(n).collect();
    let left = n - drawn.len();
    drawn.extend((0..left).map(|k| others[k * others.len() / left]));
    let mut drawn: Vec<usize> = drawn.into_iter().map(|at| rows[at]).collect();
    drawn.sort_unstable();
    drawn
}

/// Rows from which on a run is timed beforehand.
const MANY_ROWS: usize = 20_000;
/// Rows of that trial.
const TRIED_ROWS: usize = 2_000;
/// Seconds in the emulator that a user should know of.
const LONG_S: f64 = 10.0;

/// Says how long `n_images` images will take for the rows, where that is long.
pub(super) fn forewarn(
    session: &Session,
    emulator: &FoundEmulator,
    elf: &[u8],
    rows: &DeviceRows,
    (n_rows, n_images): (usize, usize),
) -> Result<(), Failure> {
    if n_rows < MANY_ROWS {
        return Ok(());
    }
    let length = rows.bytes.len() / n_rows;
    let mut seconds = [0.0; 2];
    for (n, seconds) in [1, 1 + TRIED_ROWS].into_iter().zip(&mut seconds) {
        let start = Instant::now();
        let run = emulator.of(session).run(elf, &rows.bytes[..n * length])?;
        if !matches!(run.ended, Ended::Outcomes(_)) {
            // The run itself will say why.
            return Ok(());
        }
        *seconds = start.elapsed().as_secs_f64();
    }
    let per_image = (seconds[1] - seconds[0]) * n_rows as f64 / TRIED_ROWS as f64;
    if per_image * n_images as f64 >= LONG_S {
        session.progress.note(&format!(
            "{n_rows} test rows will take about {per_image:.0} s in the emulator, {n_images} times; \
             `device_rows` in [evaluate] draws a share of them"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_class_has_its_share(
            classes in prop::collection::vec(0..5_usize, 1..200),
            part in 0.0..1.0_f64,
            seed: u64,
        ) {
            let n = 1 + ((classes.len() - 1) as f64 * part) as usize;
            let drawn = draw(&classes, n, seed);
            prop_assert_eq!(drawn.len(), n);
            prop_assert!(drawn.is_sorted_by(|a, b| a < b));
            let count = |rows: &mut dyn Iterator<Item = usize>, class| {
                rows.filter(|row| classes[*row] == class).count()
            };
            let present = (0..5).filter(|class| classes.contains(class)).count();
            for class in 0..5 {
                let all = count(&mut (0..classes.len()), class);
                let of_drawn = count(&mut drawn.iter().copied(), class);
                prop_assert!(all == 0 || n < present || of_drawn > 0);
                if n > present {
                    let others = (classes.len() - present) as f64;
                    let fair = (all.saturating_sub(1) * (n - present)) as f64 / others;
                    let beyond_first = of_drawn as f64 - f64::from(u8::from(all > 0));
                    prop_assert!((beyond_first - fair).abs() < 1.0 + 1e-9);
                }
            }
        }
    }

    #[test]
    fn a_seed_draws_the_same_rows() {
        let classes: Vec<usize> = (0..1000).map(|row| row % 7 % 3).collect();
        assert_eq!(draw(&classes, 100, 1), draw(&classes, 100, 1));
        assert_ne!(draw(&classes, 100, 1), draw(&classes, 100, 2));
    }
}
