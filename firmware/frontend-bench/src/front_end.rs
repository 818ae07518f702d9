//! A node's front end: a maximum over frames that touch. Its parts are window and transform, filters and
//! logarithms, the samples' way into frames, aggregation.

mod filters {
    //! Written by `cargo xtask bench frontend`.
    include!("filters.rs");
}

use core::hint::black_box;
use core::num::NonZeroU16;

use spinney_frontend::{
    aggregate::{Aggregate, Maximum},
    frames::Frames,
    spectrum::Spectrum,
    window::Window,
};

use crate::{N_PARTS, counter};
pub(crate) use filters::N_BANDS;

static WINDOW: Window<512> = Window::hann();

pub(crate) struct FrontEnd {
    frames: Frames<512>,
    spectrum: Spectrum<512>,
    aggregate: Aggregate<Maximum<i16>, N_BANDS>,
}

impl FrontEnd {
    pub(crate) const fn new() -> Self {
        let hop = NonZeroU16::new(1024).expect("not zero");
        Self {
            frames: Frames::new(hop),
            spectrum: Spectrum::new(),
            aggregate: Aggregate::new(),
        }
    }

    /// Takes a sample; tells whether it completed a frame.
    #[inline(never)]
    pub(crate) fn push(
        &mut self,
        sample: i16,
        ticks: &mut [u32; N_PARTS],
        logs: &mut [i16; N_BANDS],
    ) -> bool {
        let started = counter::now();
        let frame = black_box(self.frames.push(black_box(sample)));
        ticks[2] += counter::since(started);
        let Some(frame) = frame else { return false };
        let started = counter::now();
        self.spectrum.transform(frame, &WINDOW);
        ticks[0] = counter::since(started);
        let started = counter::now();
        filters::FILTERS.log_energies(black_box(&self.spectrum), logs);
        ticks[1] = counter::since(started);
        let started = counter::now();
        black_box(&mut self.aggregate).add(logs);
        ticks[3] = counter::since(started);
        true
    }
}
