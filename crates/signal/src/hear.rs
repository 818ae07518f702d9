//! Features of a stretch of samples, by the chain that the device runs.

use spinney_frontend::aggregate::{Maximum, Mean, Minimum, Statistic as Running, Variance};
use spinney_frontend::chain::{Chain, Energies, Logs, Measured};
use spinney_frontend::window::Window;

use crate::{BankError, FilterTable, SoundFront, Statistic, Window as WindowKind};

/// Most bands of a front end.
pub const BANDS_MAX: usize = 128;

/// All statistics at once, of which those of a front end are kept, in the order of [`place`].
type All<A, B, C, D> = (A, (B, (C, D)));
type OfLogs = All<Maximum<i16>, Minimum<i16>, Mean<i64>, Variance<i64, u64>>;
type OfEnergies = All<Maximum<u64>, Minimum<u64>, Mean<u128>, Variance<u64, u128>>;
const N_STATISTICS: usize = 4;

/// Where a statistic stands among all of them.
const fn place(statistic: Statistic) -> usize {
    match statistic {
        Statistic::Maximum => 0,
        Statistic::Minimum => 1,
        Statistic::Mean => 2,
        Statistic::Variance => 3,
    }
}

/// A row of features for each decision of a stretch of samples, as [`SoundFront::n_decisions`] counts
/// them: a stretch that ends before its first decision does has one of the frames that it has.
///
/// # Errors
/// A bank without filters; see [`SoundFront::table`].
///
/// # Panics
/// If there are more bands than [`BANDS_MAX`].
pub fn hear(front_end: &SoundFront, samples: &[i16]) -> Result<Vec<Vec<i32>>, BankError> {
    assert!(front_end.bank.n_bands <= BANDS_MAX, "at most 128 bands");
    let table = front_end.table()?;
    Ok(match front_end.bank.n_points {
        64 => of_points::<32>(front_end, &table, samples),
        128 => of_points::<64>(front_end, &table, samples),
        256 => of_points::<128>(front_end, &table, samples),
        512 => of_points::<256>(front_end, &table, samples),
        1024 => of_points::<512>(front_end, &table, samples),
        // The table exists, so there are 2,048.
        _ => of_points::<1024>(front_end, &table, samples),
    })
}

fn of_points<const M: usize>(
    front_end: &SoundFront,
    table: &FilterTable,
    samples: &[i16],
) -> Vec<Vec<i32>> {
    if front_end.of_energies {
        rows::<M, _, OfEnergies>(Energies, front_end, table, samples)
    } else {
        rows::<M, _, OfLogs>(Logs, front_end, table, samples)
    }
}

/// Bands beyond those of the table stay as they are, and nobody looks at them.
fn rows<const M: usize, F: Measured<BANDS_MAX>, S: Running<F::Value>>(
    measured: F,
    front_end: &SoundFront,
    table: &FilterTable,
    samples: &[i16],
) -> Vec<Vec<i32>> {
    let window = match front_end.window {
        WindowKind::Hann => Window::<M>::hann(),
        WindowKind::Rectangular => Window::rectangular(),
    };
    let mut chain = Chain::<F, S, i32, M, BANDS_MAX, { N_STATISTICS * BANDS_MAX }>::new(
        &window,
        table
            .filters()
            .expect("the table was made for this number of points"),
        measured,
        front_end.hop,
        front_end.n_frames_per_decision,
    );
    let mut decisions: Vec<_> = (samples.iter())
        .filter_map(|sample| chain.push(*sample).then(|| chain.decide())?)
        .collect();
    if decisions.is_empty() {
        decisions.extend(chain.finish());
    }
    decisions
        .iter()
        .map(|features| {
            let statistics = front_end.statistics.iter();
            let of = |statistic: &Statistic| &features[place(*statistic) * BANDS_MAX..];
            statistics
                .flat_map(|statistic| of(statistic)[..table.n_bands()].iter().copied())
                .collect()
        })
        .collect()
}
