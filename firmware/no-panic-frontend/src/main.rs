//! Links only if the front end cannot panic: its panic handler calls a function that does not exist.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::num::{NonZeroU16, NonZeroU32};

use spinney_frontend::asked;
use spinney_frontend::aggregate::{Aggregate, Maximum, Mean, Minimum, Statistic, Variance};
use spinney_frontend::biquad::{Filter, Filtered, Section};
use spinney_frontend::cepstra::Cepstra;
use spinney_frontend::chain::{Chain, Energies, Logs, Measured, Summary};
use spinney_frontend::deltas::Deltas;
use spinney_frontend::frames::Frames;
use spinney_frontend::gate::{Framed, Gate, Triggered};
use spinney_frontend::mel::{Filters, Segment};
use spinney_frontend::moments::Moments;
use spinney_frontend::motion::{Bands, Measures, Motion, NoTones, correlate, magnitude, measure};
use spinney_frontend::overlap::{Overlapping, Seamed, Steps};
use spinney_frontend::shape::WithShape;
use spinney_frontend::spectrum::Spectrum;
use spinney_frontend::window::Window;

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        fn spinney_must_not_panic() -> !;
    }
    // SAFETY: never reached, since an image that could reach it does not link.
    unsafe { spinney_must_not_panic() }
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    loop {
        analyse::<32>();
        analyse::<64>();
        analyse::<128>();
        analyse::<256>();
        analyse::<512>();
        analyse::<1024>();
        aggregate::<i16, Maximum<i16>>();
        aggregate::<i16, Minimum<i16>>();
        aggregate::<i16, Mean<i64>>();
        aggregate::<i16, Variance<i64, u64>>();
        aggregate::<u64, Maximum<u64>>();
        aggregate::<u64, Minimum<u64>>();
        aggregate::<u64, Mean<u128>>();
        aggregate::<u64, Variance<u64, u128>>();
        type Two = (Mean<i64>, Variance<i64, u64>);
        type Three = (Minimum<u64>, (Mean<u128>, Variance<u64, u128>));
        let cepstra = Cepstra::<6>::new(black_box(&[1; 24]));
        chain::<_, _, 4>(Logs, Aggregate::<Maximum<i16>, 4>::new());
        let two = || Aggregate::<Two, 4>::new();
        let deltas = Deltas::<_, 4, 9>::new(black_box(3), two());
        chain::<_, _, 16>(Logs, (two(), deltas));
        let of_some = asked::Values::new(black_box(&[9]), Aggregate::<Maximum<i16>, 1>::new());
        chain::<_, _, 1>(cepstra, of_some);
        chain::<_, _, 8>(asked::Logs, two());
        let cepstra = asked::Cepstra {
            transform: cepstra,
            coefficients: black_box(&[200; 4]),
        };
        chain::<_, _, 8>(cepstra, two());
        let shape = WithShape::<_, 1, 7>(Logs);
        chain::<_, _, 4>(shape, Aggregate::<Maximum<i16>, 4>::new());
        chain::<_, _, 12>(Energies, Aggregate::<Three, 4>::new());
        chain::<_, _, 12>(asked::Energies, Aggregate::<Three, 4>::new());
        let stepped = Overlapping::<Aggregate<Two, 4>, 3>::new();
        let seamed = Seamed::<Aggregate<Two, 4>, 3>::new(black_box(6));
        chain::<_, _, 16>(Logs, (stepped, Deltas::<_, 4, 9>::new(black_box(3), seamed)));
        let of_some = asked::Values::new(black_box(&[9]), Overlapping::<Aggregate<Maximum<i16>, 1>, 1>::new());
        chain::<_, _, 1>(Logs, of_some);
        chain::<_, _, 12>(Energies, Overlapping::<Aggregate<Three, 4>, 2>::new());
        let mut moments = Moments::new(black_box(0));
        moments.push(black_box(1));
        black_box(moments.finish());
        motion();
        some_motion();
        windows();
        filtered();
    }
}

/// All measures of two channels, and bands that nobody knows beforehand.
fn motion() {
    const ALL: u16 = u16::MAX;
    static WINDOW: Window<64> = Window::hann();
    let Ok(filters) = Filters::<64>::new(black_box(1), black_box(&[PLAIN; 5])) else {
        return;
    };
    let hop = black_box(NonZeroU16::MIN);
    let mut motion = Motion::<_, 2, 64, ALL, 37>::new(Bands::<64, 4>::new(&WINDOW, filters), hop);
    black_box(motion.push([0, magnitude(&black_box([-1; 3]))]));
    motion.restart();
    black_box(motion.push(black_box([1, -1])));
    triggered(motion, [1, -1]);
}

/// A gate that nobody knows beforehand, before decisions.
fn overlapping<F: Measured<4>, S: Summary<F::Value, 4>, const FEATURES: usize>(
    chain: Chain<'_, F, S, i16, 64, 4, FEATURES>,
) {
    let mut steps = Steps::new(black_box(NonZeroU32::MIN), black_box(2), chain);
    black_box(steps.push(black_box(1)));
    black_box(steps.finish());
    steps.restart();
}

fn triggered<T: Framed>(decisions: T, held: T::Sample)
where
    T::Sample: Copy,
{
    let Ok(gate) = Gate::<3>::new(black_box(300), black_box(NonZeroU16::MIN)) else {
        return;
    };
    let mut chain = Triggered::new(gate, black_box(7), decisions);
    black_box(chain.push(black_box([1; 3]), black_box(held)));
    black_box((chain.is_open(), chain.finish()));
    chain.restart();
    black_box(chain.push(black_box([1; 3]), black_box(held)));
}

/// Measures, bands and pairs that nobody knows beforehand.
fn some_motion() {
    static WINDOW: Window<64> = Window::hann();
    let Ok(filters) = Filters::<64>::new(black_box(1), black_box(&[PLAIN; 5])) else {
        return;
    };
    let channels = black_box([asked::Channel {
        measures: Measures::from_bits(u16::MAX),
        bands: Some(filters),
    }; 2]);
    let pairs = black_box([[7, 0]; 1]);
    let (bands, hop) = (asked::Bands::new(&WINDOW), black_box(NonZeroU16::MIN));
    let mut motion =
        asked::Motion::<_, 2, 64, { u16::MAX }, 1, 3>::new(&channels, &pairs, bands, hop);
    black_box(motion.push(black_box([1, -1])));
    motion.restart();
    triggered(motion, [1, -1]);
}

/// A measure alone, of windows that have no spectrum, and windows of any length.
fn windows() {
    let mut motion = Motion::<_, 3, 25, 1, 3>::new(NoTones, black_box(NonZeroU16::MIN));
    black_box(motion.push(black_box([1, -1, 0])));
    let mut row = [0; 14];
    measure(
        black_box(&[1, 2]),
        Measures::from_bits(black_box(1)),
        &mut row,
    );
    let window = black_box(&[1, 2]);
    correlate(black_box(&[window, &[3]]), &mut row);
    black_box(row);
}

/// Two sections of two channels, with coefficients that nobody knows beforehand.
fn filtered() {
    let section = black_box(Section {
        b: [0; 3],
        a: [0; 2],
    });
    let Ok(filter) = Filter::new([section; 2], black_box(14)) else {
        return;
    };
    let mut filtered = Filtered::<2, 2>::new(&filter);
    black_box(filtered.push(black_box([1, -1])));
    filtered.restart();
    black_box(filtered.push(black_box([1, -1])));
}

/// A segment of one bin.
const PLAIN: Segment = Segment {
    n_bins: 1,
    offset: 0,
    first: 0,
    last: 0,
    slope: 0,
};

/// A frame of `2 M` samples through everything, with filters that nobody knows beforehand.
fn analyse<const M: usize>() {
    let mut frames = Frames::<M>::new(black_box(NonZeroU16::MIN));
    let mut spectrum = Spectrum::<M>::new();
    let segments = black_box([PLAIN; 5]);
    let Ok(filters) = Filters::<M>::new(black_box(1), &segments) else {
        return;
    };
    if let Some(frame) = frames.push(black_box(1)) {
        spectrum.transform(frame, black_box(&Window::hann()));
    }
    black_box(spectrum.bin(black_box(7)));
    black_box(spectrum.powers().fold(0, u64::wrapping_add));
    let (mut energies, mut logs) = ([0; 4], [0; 4]);
    filters.energies(&spectrum, &mut energies);
    filters.log_energies(&spectrum, &mut logs);
    black_box((energies, logs, filters.offset(black_box(3))));
}

fn aggregate<V: Copy + Default, S: Statistic<V>>() {
    let mut aggregate = Aggregate::<S, 4>::new();
    aggregate.add(&black_box([V::default(); 4]));
    let mut out = [0_i32; 5];
    aggregate.write(black_box(NonZeroU32::MIN), |_| black_box(0), &mut out);
    black_box(out);
}

fn chain<F, S, const FEATURES: usize>(measured: F, summary: S)
where
    F: Measured<4> + Clone,
    S: Summary<F::Value, 4> + Clone,
{
    static WINDOW: Window<64> = Window::hann();
    let segments = black_box([PLAIN; 5]);
    let Ok(filters) = Filters::<64>::new(black_box(1), &segments) else {
        return;
    };
    let (hop, n_frames) = (black_box(NonZeroU16::MIN), black_box(NonZeroU32::MIN));
    let mut chain = Chain::<F, S, i16, 64, 4, FEATURES>::new(
        &WINDOW, filters, measured, summary, hop, n_frames,
    );
    black_box(chain.push(black_box(1)));
    black_box(chain.decide());
    chain.restart();
    black_box(chain.push(black_box(1)));
    black_box(chain.finish());
    overlapping(chain.clone());
    triggered(chain, 1);
}
