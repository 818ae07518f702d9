//! Steps that not every front end has. Its parts are cepstra of a frame's logarithms, their deltas with
//! a maximum of each, and for each sample a filter, and a gate that stays closed before all of them.

mod filters {
    //! Written by `cargo xtask bench frontend`.
    include!("filters.rs");
}
mod tables {
    //! Likewise.
    include!("tables.rs");
}

use core::hint::black_box;
use core::num::{NonZeroU16, NonZeroU32};

use spinney_frontend::{
    aggregate::{Aggregate, Maximum},
    biquad::Filtered,
    cepstra::Cepstra,
    chain::Summary as _,
    deltas::Deltas,
    frames::Frames,
    gate::{Framed, Gate, Triggered},
    spectrum::Spectrum,
    window::Window,
};

use crate::{N_PARTS, counter};
pub(crate) use filters::N_BANDS;
use tables::{COSINES, FILTER, N_CEPSTRA, N_SECTIONS};

static WINDOW: Window<512> = Window::hann();

type Maxima<const N: usize> = Aggregate<Maximum<i16>, N>;

/// Frames behind the gate, of which no decision is made.
struct Held(Frames<512>);

impl Framed for Held {
    type Sample = i16;
    type Row = ();

    fn hold(&mut self, sample: i16) -> bool {
        self.0.push(sample).is_some()
    }

    fn hear(&mut self) -> Option<()> {
        semihosting::process::exit(5)
    }

    fn keep(&mut self, n: usize) {
        self.0.keep(n);
    }

    fn finish(&mut self) -> Option<()> {
        None
    }
}

pub(crate) struct FrontEnd {
    gated: Triggered<Held, 1>,
    filtered: Filtered<'static, 1, N_SECTIONS>,
    frames: Frames<512>,
    spectrum: Spectrum<512>,
    deltas: Deltas<Maxima<N_CEPSTRA>, N_CEPSTRA, 5>,
}

impl FrontEnd {
    pub(crate) fn new() -> Self {
        let hop = NonZeroU16::new(1024).expect("not zero");
        let block = NonZeroU16::new(256).expect("not zero");
        // No block is so loud.
        let Ok(gate) = Gate::new(u16::MAX, block) else {
            semihosting::process::exit(2);
        };
        Self {
            gated: Triggered::new(gate, 256, Held(Frames::new(hop))),
            filtered: Filtered::new(&FILTER),
            frames: Frames::new(hop),
            spectrum: Spectrum::new(),
            deltas: Deltas::new(2, Aggregate::new()),
        }
    }

    /// Takes a sample; tells whether it completed a frame. Instead of logarithms there are the cepstra,
    /// the maxima of their deltas, and the last sample that was filtered.
    #[inline(never)]
    pub(crate) fn push(
        &mut self,
        sample: i16,
        ticks: &mut [u32; N_PARTS],
        logs: &mut [i16; N_BANDS],
    ) -> bool {
        let sample = black_box(sample);
        let started = counter::now();
        black_box(&mut self.gated).push([sample], sample);
        ticks[3] += counter::since(started);
        let started = counter::now();
        let [sample] = black_box(&mut self.filtered).push([sample]);
        ticks[2] += counter::since(started);
        let Some(frame) = self.frames.push(sample) else {
            return false;
        };
        self.spectrum.transform(frame, &WINDOW);
        filters::FILTERS.log_energies(&self.spectrum, logs);
        let cepstra = Cepstra::<N_BANDS>::new(&COSINES);
        let mut coefficients = [0; N_CEPSTRA];
        let started = counter::now();
        black_box(&cepstra).transform(logs, &mut coefficients);
        ticks[0] = counter::since(started);
        let started = counter::now();
        black_box(&mut self.deltas).add(&coefficients);
        ticks[1] = counter::since(started);
        let mut maxima = [0; N_CEPSTRA];
        (self.deltas).write(NonZeroU32::MIN, |_| 0, &mut maxima);
        let found = coefficients.into_iter().chain(maxima).chain([sample]);
        *logs = [0; N_BANDS];
        for (place, value) in logs.iter_mut().zip(found) {
            *place = value;
        }
        true
    }
}
