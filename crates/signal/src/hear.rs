//! Features of a stretch of samples, by the chain that the device runs.

use spinney_frontend::aggregate::{Maximum, Mean, Minimum, Variance};
use spinney_frontend::chain::{Chain, LogsOf, OfEnergies, OfLogs, Summary};
use spinney_frontend::window::Window;

use crate::{BankError, FilterTable, SoundFront, Statistic, Window as WindowKind};

/// Most bands of a front end.
pub const BANDS_MAX: usize = 128;

/// A row of features for each decision of a stretch of samples: as many as there are bands.
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

/// Bands beyond those of the table stay as they are, and nobody looks at them.
fn of_points<const M: usize>(
    front_end: &SoundFront,
    table: &FilterTable,
    samples: &[i16],
) -> Vec<Vec<i32>> {
    const N: usize = BANDS_MAX;
    type Row = [i16; N];
    let wide = |row: Row| row.map(i32::from);
    let run = Run::<M> {
        front_end,
        table,
        samples,
    };
    match (front_end.of_energies, front_end.statistic) {
        (false, Statistic::Maximum) => run.rows::<OfLogs<Maximum<i16>, N>>(wide),
        (false, Statistic::Minimum) => run.rows::<OfLogs<Minimum<i16>, N>>(wide),
        (false, Statistic::Mean) => run.rows::<OfLogs<Mean<i64>, N>>(wide),
        (false, Statistic::Variance) => {
            run.rows::<OfLogs<Variance<i64, u64>, N>>(|row| row.map(u32::cast_signed))
        }
        (true, Statistic::Maximum) => run.rows::<LogsOf<Maximum<u64>, N>>(wide),
        (true, Statistic::Minimum) => run.rows::<LogsOf<Minimum<u64>, N>>(wide),
        (true, Statistic::Mean) => run.rows::<LogsOf<Mean<u128>, N>>(wide),
        (true, Statistic::Variance) => run.rows::<OfEnergies<Variance<u64, u128>, N>>(|row| row),
    }
}

struct Run<'a, const M: usize> {
    front_end: &'a SoundFront,
    table: &'a FilterTable,
    samples: &'a [i16],
}

impl<const M: usize> Run<'_, M> {
    fn rows<S: Summary>(&self, numbers: impl Fn(S::Features) -> [i32; BANDS_MAX]) -> Vec<Vec<i32>> {
        let window = match self.front_end.window {
            WindowKind::Hann => Window::<M>::hann(),
            WindowKind::Rectangular => Window::rectangular(),
        };
        let filters = self
            .table
            .filters()
            .expect("the table was made for this number of points");
        let mut chain = Chain::<S, M>::new(
            &window,
            filters,
            self.front_end.hop,
            self.front_end.n_frames_per_decision,
        );
        let n_bands = self.table.n_bands();
        self.samples
            .iter()
            .filter_map(|sample| chain.push(*sample))
            .map(|features| numbers(features)[..n_bands].to_vec())
            .collect()
    }
}
