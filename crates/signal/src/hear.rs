//! Features of a stretch of samples, by the chain that the device runs.

use std::ops::Range;

use spinney_frontend::aggregate::{Aggregate, Maximum, Mean, Minimum, Variance};
use spinney_frontend::cepstra::Cepstra;
use spinney_frontend::chain::{Chain, Energies, Logs, Measured, Summary};
use spinney_frontend::deltas::Deltas;
use spinney_frontend::shape::{Shape, WithShape};
use spinney_frontend::window::Window;

use crate::{BankError, FilterTable, SoundFront, Statistic, Window as WindowKind, cosines};

/// Most bands of a front end.
pub const BANDS_MAX: usize = 128;

/// All statistics at once, of which those of a front end are kept, in the order of [`place`].
type All<A, B, C, D> = (A, (B, (C, D)));
type OfLogs = All<Maximum<i16>, Minimum<i16>, Mean<i64>, Variance<i64, u64>>;
type OfEnergies = All<Maximum<u64>, Minimum<u64>, Mean<u128>, Variance<u64, u128>>;
/// All of a spectrum's shape, behind the bands.
const SHAPE: u8 = u8::MAX;
/// Most values of a frame.
const VALUES_MAX: usize = BANDS_MAX + Shape::N_ALL as usize;
/// Places of the values' statistics, or of those of deltas.
const N_PLACES: usize = 4 * VALUES_MAX;
/// Most frames of a delta.
const WIDTH_MAX: usize = 9;

/// Where a statistic stands among all of them.
const fn place(statistic: Statistic) -> usize {
    match statistic {
        Statistic::Maximum => 0,
        Statistic::Minimum => 1,
        Statistic::Mean => 2,
        Statistic::Variance => 3,
    }
}

/// A row of features for each decision of a stretch of samples, as [`SoundFront::decisions`] has
/// them: a stretch that ends before its first decision does, or before one that a trigger opened, has
/// one of the frames that it has.
///
/// # Errors
/// A bank without filters; see [`SoundFront::table`].
///
/// # Panics
/// If there are more bands than [`BANDS_MAX`].
pub fn hear(front_end: &SoundFront, samples: &[i16]) -> Result<Vec<Vec<i32>>, BankError> {
    assert!(front_end.bank.n_bands <= BANDS_MAX, "at most 128 bands");
    let table = front_end.table()?;
    let samples = front_end.filtered(samples);
    let alone: Vec<Range<usize>> = match (front_end.trigger, front_end.n_frames_per_step) {
        (None, None) => return Ok(decided(front_end, &table, &samples)),
        (Some(_), _) => front_end.opened(&samples),
        (None, Some(_)) => {
            let decisions = 0..front_end.n_decisions(samples.len());
            let starts = decisions.map(|at| at * front_end.n_samples_per_step());
            let end = |start: usize| samples.len().min(start + front_end.n_samples_heard());
            starts.map(|start| start..end(start)).collect()
        }
    };
    let rows = alone.into_iter();
    let rows = rows.flat_map(|decision| decided(front_end, &table, &samples[decision]));
    Ok(rows.collect())
}

/// Decisions of samples that are no further asked about.
fn decided(front_end: &SoundFront, table: &FilterTable, samples: &[i16]) -> Vec<Vec<i32>> {
    match front_end.bank.n_points {
        64 => of_points::<32>(front_end, table, samples),
        128 => of_points::<64>(front_end, table, samples),
        256 => of_points::<128>(front_end, table, samples),
        512 => of_points::<256>(front_end, table, samples),
        1024 => of_points::<512>(front_end, table, samples),
        // The table exists, so there are 2,048.
        _ => of_points::<1024>(front_end, table, samples),
    }
}

fn of_points<const M: usize>(
    front_end: &SoundFront,
    table: &FilterTable,
    samples: &[i16],
) -> Vec<Vec<i32>> {
    let run = Run::<M> {
        front_end,
        table,
        samples,
    };
    if front_end.of_energies {
        return run.rows(Energies, Aggregate::<OfEnergies, VALUES_MAX>::new());
    }
    let summary = Aggregate::<OfLogs, VALUES_MAX>::new;
    let deltas = (
        summary(),
        Deltas::<_, VALUES_MAX, WIDTH_MAX>::new(front_end.n_delta_frames, summary()),
    );
    let cosines = cosines(table.n_bands());
    let cepstra = Cepstra::<BANDS_MAX>::new(&cosines);
    match (front_end.n_cepstra, front_end.spectral.is_empty()) {
        (0, true) => run.rows(Logs, deltas),
        (0, false) => run.rows(WithShape::<_, BANDS_MAX, SHAPE>(Logs), deltas),
        (_, true) => run.rows(cepstra, deltas),
        (_, false) => run.rows(WithShape::<_, BANDS_MAX, SHAPE>(cepstra), deltas),
    }
}

struct Run<'a, const M: usize> {
    front_end: &'a SoundFront,
    table: &'a FilterTable,
    samples: &'a [i16],
}

impl<const M: usize> Run<'_, M> {
    /// Values beyond those of the front end are computed of nothing, and nobody looks at them.
    fn rows<F: Measured<VALUES_MAX>, S: Summary<F::Value, VALUES_MAX>>(
        &self,
        measured: F,
        summary: S,
    ) -> Vec<Vec<i32>> {
        let front_end = self.front_end;
        let window = match front_end.window {
            WindowKind::Hann => Window::<M>::hann(),
            WindowKind::Rectangular => Window::rectangular(),
        };
        let filters = self
            .table
            .filters()
            .expect("the table was made for this number of points");
        let mut chain = Chain::<F, S, i32, M, VALUES_MAX, { 2 * N_PLACES }>::new(
            &window,
            filters,
            measured,
            summary,
            front_end.hop,
            front_end.n_frames_per_decision,
        );
        let mut decisions: Vec<_> = (self.samples.iter())
            .filter_map(|sample| chain.push(*sample).then(|| chain.decide())?)
            .collect();
        if decisions.is_empty() {
            decisions.extend(chain.finish());
        }
        let n_kinds = if front_end.n_delta_frames == 0 { 1 } else { 2 };
        let kept = |features: &[i32; 2 * N_PLACES]| {
            let kinds = features.chunks_exact(N_PLACES).take(n_kinds);
            kinds
                .flat_map(|kind| {
                    let statistics = front_end.statistics.iter();
                    let of = |statistic: &Statistic| &kind[place(*statistic) * VALUES_MAX..];
                    statistics.flat_map(move |it| {
                        let values = of(it)[..front_end.n_of_filters()].iter().copied();
                        let shape = front_end.spectral.iter();
                        values.chain(shape.map(move |at| of(it)[BANDS_MAX + *at as usize]))
                    })
                })
                .collect()
        };
        decisions.iter().map(kept).collect()
    }
}
