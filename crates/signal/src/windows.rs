//! Windows of motion: their features, by the code that the device runs, and their labels.

use std::ops::Range;

use spinney_frontend::motion::{Bands, Tones, correlate, magnitude, measure};
use spinney_frontend::window::Window;

use crate::{BANDS_MAX, BankError, FilterTable, Interval, MotionFront, Window as WindowKind};

/// A row of features for each window of a stretch of samples, which has the value of each channel,
/// sample by sample.
///
/// # Errors
/// Bands without a bin; see [`MotionFront::table`].
pub fn hear_motion(front: &MotionFront, values: &[i16]) -> Result<Vec<Vec<i32>>, BankError> {
    let values = &front.filtered(values);
    let Some(table) = front.table()? else {
        return Ok(rows(front, values, |_, _| ()));
    };
    Ok(match front.n_samples {
        64 => with_bands::<32>(front, &table, values),
        128 => with_bands::<64>(front, &table, values),
        256 => with_bands::<128>(front, &table, values),
        512 => with_bands::<256>(front, &table, values),
        1024 => with_bands::<512>(front, &table, values),
        // The table exists, so there are 2,048.
        _ => with_bands::<1024>(front, &table, values),
    })
}

fn with_bands<const M: usize>(
    front: &MotionFront,
    table: &FilterTable,
    values: &[i16],
) -> Vec<Vec<i32>> {
    let window = match front.window {
        WindowKind::Hann => Window::<M>::hann(),
        WindowKind::Rectangular => Window::rectangular(),
    };
    let filters = table
        .filters()
        .expect("the table was made for this number of samples");
    let mut bands = Bands::<M, BANDS_MAX>::new(&window, filters);
    rows(front, values, |frame, out| {
        let (pairs, _) = frame.as_chunks();
        bands.write(pairs.try_into().expect("a window of 2 M samples"), out);
    })
}

fn rows(
    front: &MotionFront,
    values: &[i16],
    mut tones: impl FnMut(&[i16], &mut [i32]),
) -> Vec<Vec<i32>> {
    let n_channels = front.channels.len().max(1);
    (front.windows(values).into_iter())
        .map(|window| {
            let mut channels = vec![Vec::with_capacity(window.len()); front.n_all_channels()];
            let window = &values[window.start * n_channels..window.end * n_channels];
            for sample in window.chunks_exact(n_channels) {
                let vectors = sample.chunks_exact(front.n_axes.max(1));
                let all = sample.iter().copied().chain(vectors.map(magnitude));
                for (channel, value) in channels.iter_mut().zip(all) {
                    channel.push(value);
                }
            }
            let per_channel = front.n_features_per_channel();
            let n_of_pairs = front.measures.n_of_pairs(channels.len());
            let mut row = vec![0; per_channel * channels.len() + n_of_pairs];
            let (of_channels, of_pairs) = row.split_at_mut(per_channel * channels.len());
            for (frame, out) in channels
                .iter()
                .zip(of_channels.chunks_exact_mut(per_channel.max(1)))
            {
                let (moments, bands) = out.split_at_mut(front.measures.n_per_channel());
                measure(frame, front.measures, moments);
                tones(frame, bands);
            }
            let windows: Vec<&[i16]> = channels.iter().map(Vec::as_slice).collect();
            correlate(&windows, of_pairs);
            row
        })
        .collect()
}

/// The label of each of `windows`: that of most of its samples, of equals the one that comes
/// first. What no interval has counts as `background`.
#[must_use]
pub fn labels_of_windows(
    windows: &[Range<usize>],
    intervals: &[Interval],
    background: &str,
) -> Vec<String> {
    (windows.iter())
        .map(|window| {
            let (start, end) = (window.start, window.end);
            // By label, how many samples it has and where it is first met.
            let mut shares: Vec<(&str, usize, usize)> = Vec::new();
            let mut covered = start;
            let mut add = |label, from: usize, to: usize| {
                if from < to {
                    match shares.iter_mut().find(|(other, ..)| *other == label) {
                        Some((_, length, _)) => *length += to - from,
                        None => shares.push((label, to - from, from)),
                    }
                }
            };
            let mut inside: Vec<&Interval> = (intervals.iter())
                .filter(|it| it.start < end && it.end > start)
                .collect();
            inside.sort_by_key(|it| it.start);
            for interval in inside {
                add(background, covered, interval.start);
                // Where two overlap, the later one counts from the end of the earlier.
                let (from, to) = (interval.start.max(covered), interval.end.min(end));
                add(&interval.label, from, to);
                covered = covered.max(to);
            }
            add(background, covered, end);
            let best = shares
                .into_iter()
                .max_by_key(|(_, length, first)| (*length, usize::MAX - first));
            best.map_or(background, |(label, ..)| label).to_owned()
        })
        .collect()
}
