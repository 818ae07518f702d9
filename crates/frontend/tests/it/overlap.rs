//! Decisions that overlap, step by step, against chains that hear the samples of each alone.

use std::num::{NonZeroU16, NonZeroU32};

use proptest::prelude::*;
use spinney_frontend::aggregate::{Aggregate, Maximum, Mean, Minimum, Variance};
use spinney_frontend::chain::{Chain, Energies, Logs, Measured, Summary};
use spinney_frontend::deltas::Deltas;
use spinney_frontend::overlap::{Overlapping, Seamed, Steps};
use spinney_frontend::window::Window;
use spinney_signal::{FilterTable, MelBank, MelScale, Normalisation};

const M: usize = 32;
const BANDS: usize = 3;
const HOP: usize = 20;
const FEATURES: usize = 2 * 4 * BANDS;

type OfLogs = (
    Maximum<i16>,
    (Minimum<i16>, (Mean<i64>, Variance<i64, u64>)),
);
type OfEnergies = (
    Maximum<u64>,
    (Minimum<u64>, (Mean<u128>, Variance<u64, u128>)),
);

static WINDOW: Window<M> = Window::hann();

fn table() -> FilterTable {
    let bank = MelBank {
        sample_rate_hz: 8000.0,
        n_points: 2 * M,
        n_bands: BANDS,
        scale: MelScale::Htk,
        normalisation: Normalisation::Area,
        f_min_hz: 200.0,
        f_max_hz: 4000.0,
    };
    bank.table().expect("bands")
}

fn chain<F: Measured<BANDS>, S: Summary<F::Value, BANDS>>(
    table: &FilterTable,
    measured: F,
    summary: S,
    n_frames: u32,
) -> Chain<'_, F, S, i32, M, BANDS, FEATURES> {
    let hop = NonZeroU16::new(HOP as u16).expect("a hop");
    let n_frames = NonZeroU32::new(n_frames).expect("frames");
    let filters = table.filters().expect("64 points");
    Chain::new(&WINDOW, filters, measured, summary, hop, n_frames)
}

/// Rows of decisions of `n_steps` steps of so many frames, by a summary of all and by one for each.
fn compared<F: Measured<BANDS> + Copy, A, B>(
    samples: &[i16],
    (per_step, n_steps): (u32, u32),
    measured: F,
    (whole, stepped): (A, B),
) where
    A: Summary<F::Value, BANDS> + Clone,
    B: Summary<F::Value, BANDS>,
{
    let table = table();
    let n_frames = (per_step * n_steps) as usize;
    let (step, heard) = (per_step as usize * HOP, (n_frames - 1) * HOP + 2 * M);
    let n_whole = samples
        .len()
        .checked_sub(heard)
        .map_or(0, |rest| rest / step + 1);
    let alone = |from: &[i16]| {
        let mut chain = chain(&table, measured, whole.clone(), per_step * n_steps);
        let mut rows = from.iter().filter(|sample| chain.push(**sample));
        let is_whole = rows.next().is_some();
        (is_whole, chain.finish())
    };
    let mut steps = Steps::new(
        NonZeroU32::new(per_step).expect("frames"),
        n_steps - 1,
        chain(&table, measured, stepped, 1),
    );
    // The second time as a chain that starts anew.
    for _ in 0..2 {
        let rows: Vec<_> = samples.iter().filter_map(|it| steps.push(*it)).collect();
        let wanted = (0..n_whole).map(|at| alone(&samples[at * step..][..heard]));
        let wanted: Vec<_> = wanted
            .map(|(is_whole, row)| row.filter(|_| is_whole).expect("a decision"))
            .collect();
        assert_eq!(rows, wanted);
        let short = if n_whole == 0 { alone(samples).1 } else { None };
        assert_eq!(steps.finish(), short);
    }
}

fn all_kinds<const BEFORE: usize>(samples: &[i16], per_step: u32) {
    let sizes = (per_step, BEFORE as u32 + 1);
    let of_logs = Aggregate::<OfLogs, BANDS>::new;
    let stepped = Overlapping::<Aggregate<OfLogs, BANDS>, BEFORE>::new;
    if per_step >= 4 {
        let whole = (of_logs(), Deltas::<_, BANDS, 5>::new(2, of_logs()));
        let seamed = Seamed::<Aggregate<OfLogs, BANDS>, BEFORE>::new(4);
        let stepped = (stepped(), Deltas::<_, BANDS, 5>::new(2, seamed));
        compared(samples, sizes, Logs, (whole, stepped));
    }
    compared(samples, sizes, Logs, (of_logs(), stepped()));
    let whole = Aggregate::<OfEnergies, BANDS>::new();
    let stepped = Overlapping::<Aggregate<OfEnergies, BANDS>, BEFORE>::new();
    compared(samples, sizes, Energies, (whole, stepped));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_decision_is_that_of_its_samples(
        n_samples in 0..1500_usize,
        seed in any::<u32>(),
        per_step in 1..7_u32,
    ) {
        let samples: Vec<i16> = (0..n_samples as u32)
            .map(|at| {
                let noise = (at ^ seed).wrapping_mul(2_654_435_761) >> 16;
                (noise as i16) >> (at / 150 % 12)
            })
            .collect();
        all_kinds::<1>(&samples, per_step);
        all_kinds::<2>(&samples, per_step);
        all_kinds::<5>(&samples, per_step);
    }
}
