//! What a front end computes where a model asks for some of its features alone.

use std::collections::BTreeSet;

use spinney_frontend::motion::Measures;

use super::{Measure, MotionFront, SoundFront, Statistic};

/// What is computed of motion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedMotion {
    /// The channels that anything is computed of, in their order.
    pub channels: Vec<AskedChannel>,
    /// Pairs of these whose correlation is asked for, in the order of a row.
    pub pairs: Vec<[u8; 2]>,
}

/// What is computed of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedChannel {
    /// Which of all channels it is, those of magnitudes behind the others.
    pub channel: usize,
    /// In the time domain, without correlations.
    pub measures: Measures,
    /// Which of the bands.
    pub bands: Vec<bool>,
}

/// What is computed of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedSound {
    /// The values of a frame that anything is made of, by their places among all.
    pub values: Vec<usize>,
    /// The values, by their places in `values`, of which a statistic is taken; those of none are left
    /// out.
    pub statistics: Vec<(Statistic, Vec<u8>)>,
    /// The same of deltas.
    pub of_deltas: Vec<(Statistic, Vec<u8>)>,
}

impl MotionFront {
    /// What the features that are asked for are computed of; `is_asked` says of each feature whether it
    /// is.
    pub fn asked(&self, is_asked: &[bool]) -> AskedMotion {
        let n_channels = self.n_all_channels();
        let mut asked = is_asked.iter().copied();
        let mut next = || asked.next().unwrap_or(false);
        let mut channels: Vec<AskedChannel> = (0..n_channels)
            .map(|channel| {
                let measures = Measure::ALL.into_iter().map(Measure::set);
                let kept = measures
                    .filter(|it| *it != Measures::CORRELATION && self.measures.has(*it))
                    .filter(|_| next());
                let measures = kept.fold(Measures::NONE, Measures::and);
                let bands = (0..self.n_bands).map(|_| next()).collect();
                AskedChannel {
                    channel,
                    measures,
                    bands,
                }
            })
            .collect();
        let mut pairs = Vec::new();
        if self.measures.has(Measures::CORRELATION) {
            for one in 0..n_channels {
                let others = (one + 1..n_channels).filter(|_| next());
                pairs.extend(others.map(|other| [one, other]));
            }
        }
        channels.retain(|it| {
            let is_paired = pairs.iter().flatten().any(|one| *one == it.channel);
            it.measures != Measures::NONE || it.bands.contains(&true) || is_paired
        });
        // At most the channels of a front end and their magnitudes.
        let place = |channel| {
            let place = channels.iter().position(|it| it.channel == channel);
            place.and_then(|place| place.try_into().ok()).unwrap_or(0)
        };
        let pairs = pairs.iter().map(|pair| pair.map(place)).collect();
        AskedMotion { channels, pairs }
    }
}

impl AskedMotion {
    /// What the sensor's channels have to deliver, axes of magnitudes among them.
    pub fn delivered(&self, front: &MotionFront) -> BTreeSet<usize> {
        let channels = self.channels.iter().map(|it| it.channel);
        channels.flat_map(|it| front.made_of(it)).collect()
    }
}

impl SoundFront {
    /// What the features that are asked for are computed of; `is_asked` says of each feature whether it
    /// is.
    pub fn asked(&self, is_asked: &[bool]) -> AskedSound {
        let of_statistics: Vec<Vec<usize>> = is_asked
            .chunks(self.n_values())
            .map(|values| (0..values.len()).filter(|at| values[*at]).collect())
            .collect();
        let values: BTreeSet<usize> = of_statistics.iter().flatten().copied().collect();
        let values: Vec<usize> = values.into_iter().collect();
        let place = |value: &usize| {
            let place = values.iter().position(|it| it == value);
            // At most 128 bands and the shape of a spectrum.
            place.and_then(|place| place.try_into().ok()).unwrap_or(0)
        };
        let mut kinds = of_statistics.chunks(self.statistics.len()).map(|kind| {
            let places = kind.iter().map(|values| values.iter().map(place).collect());
            let all = self.statistics.iter().copied().zip(places);
            let all = all.filter(|(_, places): &(_, Vec<u8>)| !places.is_empty());
            all.collect::<Vec<_>>()
        });
        let (statistics, of_deltas) = (kinds.next(), kinds.next());
        drop(kinds);
        AskedSound {
            statistics: statistics.unwrap_or_default(),
            of_deltas: of_deltas.unwrap_or_default(),
            values,
        }
    }
}
