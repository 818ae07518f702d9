//! Holds nothing and counts what counting costs: of the third part for each sample, of the others for
//! each frame.

use core::hint::black_box;

use crate::{N_PARTS, counter};

pub(crate) const N_BANDS: usize = 64;

pub(crate) struct FrontEnd(u32);

impl FrontEnd {
    pub(crate) const fn new() -> Self {
        Self(0)
    }

    #[inline(never)]
    pub(crate) fn push(
        &mut self,
        sample: i16,
        ticks: &mut [u32; N_PARTS],
        _: &mut [i16; N_BANDS],
    ) -> bool {
        let started = counter::now();
        black_box(black_box(sample));
        ticks[2] += counter::since(started);
        self.0 += 1;
        if self.0 % 1024 > 0 {
            return false;
        }
        for part in [0, 1, 3] {
            let started = counter::now();
            black_box(());
            ticks[part] = counter::since(started);
        }
        true
    }
}
