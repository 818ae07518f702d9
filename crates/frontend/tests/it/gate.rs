//! Gates against sums in 128 bits, and the decisions that they open against slices of the samples.

use std::num::NonZeroU16;

use proptest::prelude::*;
use spinney_frontend::TableError;
use spinney_frontend::gate::{Gate, Triggered};
use spinney_frontend::motion::{Measures, Motion, NoTones};

fn block(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).expect("not zero")
}

/// `Σ (B Σ x² − (Σ x)²)` of a block.
fn spread<const C: usize>(samples: &[[i16; C]]) -> i128 {
    let of = |channel: usize| {
        let values = || samples.iter().map(move |it| i128::from(it[channel]));
        let sum: i128 = values().sum();
        samples.len() as i128 * values().map(|it| it * it).sum::<i128>() - sum * sum
    };
    (0..C).map(of).sum()
}

fn is_loud<const C: usize>(samples: &[[i16; C]], level: u16) -> bool {
    spread(samples) >= (i128::from(level) * samples.len() as i128).pow(2)
}

/// What a gate says of each block.
fn asked<const C: usize>(samples: &[[i16; C]], level: u16, n_block: u16) -> Vec<bool> {
    let mut gate = Gate::<C>::new(level, block(n_block)).expect("a block that fits");
    samples.iter().filter_map(|it| gate.push(*it)).collect()
}

#[test]
fn a_block_at_the_level_opens_the_gate() {
    // ±T in turn: the deviation is T, whatever is added to all samples.
    for level in [1, 2, 300, 16_383] {
        for offset in [0, 5, -9_000, 16_384] {
            let samples: Vec<[i16; 1]> = (0..64_i32)
                .map(|at| {
                    if at % 2 == 0 {
                        i32::from(level)
                    } else {
                        -i32::from(level)
                    }
                })
                .map(|it| [(it + offset) as i16])
                .collect();
            assert_eq!(asked(&samples, level, 32), [true, true]);
            assert_eq!(asked(&samples, level + 1, 32), [false, false]);
        }
    }
    let constant = [[32_767, -32_768]; 64];
    assert_eq!(asked(&constant, 1, 64), [false]);
    // Of two channels it is the root of both variances: of 3 and 4 it is 5.
    let samples: Vec<[i16; 2]> = (0..16).map(|at| [[3, 4], [-3, -4]][at % 2]).collect();
    assert_eq!(asked(&samples, 5, 16), [true]);
    assert_eq!(asked(&samples, 6, 16), [false]);
}

#[test]
fn what_is_most_does_not_overflow() {
    // The widths of the module's documentation, reached by sixteen channels and the longest block.
    let ends = |n: usize| -> Vec<[i16; 16]> {
        (0..n)
            .map(|at| [[i16::MIN, i16::MAX][at % 2]; 16])
            .collect()
    };
    for n in [2, 3, 2_047, 2_048_u16] {
        let samples = ends(n.into());
        for level in [1, 32_767] {
            assert_eq!(asked(&samples, level, n), [is_loud(&samples, level)]);
        }
        assert!(asked(&samples, 32_767, n)[0], "{n}");
        assert_eq!(asked(&vec![[i16::MIN; 16]; n.into()], 1, n), [false]);
    }
    assert_eq!(Gate::<16>::new(1, block(2_049)), Err(TableError::Block));
    assert_eq!(Gate::<17>::new(1, block(2)), Err(TableError::Block));
    assert!(Gate::<16>::new(u16::MAX, block(2_048)).is_ok());
}

const FRAME: usize = 12;
const WHAT: u16 = Measures::LEAST
    .and(Measures::MOST)
    .and(Measures::JERK)
    .bits();
type Windows = Motion<NoTones, 2, { FRAME / 2 }, WHAT, 6>;

fn windows() -> Windows {
    Motion::new(NoTones, block(FRAME as u16))
}

/// Decisions, each with how many samples were taken until it was made.
fn triggered(
    samples: &[[i16; 2]],
    (level, n_block, n_before): (u16, u16, u16),
) -> Vec<(usize, [i32; 6])> {
    let gate = Gate::new(level, block(n_block)).expect("a block that fits");
    let mut chain = Triggered::<_, 2>::new(gate, n_before, windows());
    (samples.iter().enumerate())
        .filter_map(|(at, it)| Some((at + 1, chain.push(*it, *it)?)))
        .collect()
}

/// The same of slices: block after block from where the last decision ended.
fn sliced(
    samples: &[[i16; 2]],
    (level, n_block, n_before): (u16, u16, u16),
) -> Vec<(usize, [i32; 6])> {
    let (n_block, n_before) = (usize::from(n_block), usize::from(n_before));
    let mut found = Vec::new();
    let (mut closed_at, mut at) = (0, 0);
    while at + n_block <= samples.len() {
        let is_open = is_loud(&samples[at..at + n_block], level);
        let start = at.saturating_sub(n_before).max(closed_at);
        at += n_block;
        if !is_open {
            continue;
        }
        let Some(window) = samples.get(start..start + FRAME) else {
            break;
        };
        let mut chain = windows();
        let row = window.iter().filter_map(|it| chain.push(*it)).next();
        at = start + FRAME;
        closed_at = at;
        found.push((at, row.expect("a whole window")));
    }
    found
}

/// Quiet and loud stretches.
fn signal() -> impl Strategy<Value = Vec<[i16; 2]>> {
    let stretch = (0..16_u32, prop::collection::vec(any::<[i16; 2]>(), 1..20));
    prop::collection::vec(stretch, 1..12).prop_map(|stretches| {
        let loud = stretches.into_iter().flat_map(|(shift, samples)| {
            samples
                .into_iter()
                .map(move |it| it.map(|value| value >> shift))
        });
        loud.collect()
    })
}

proptest! {
    #[test]
    fn gates_are_their_definition(
        samples in prop::collection::vec(any::<[i16; 3]>(), 1..300),
        shift in 0..16_u32,
        level in 1..40_000_u16,
        n_block in 1..40_u16,
    ) {
        let samples: Vec<[i16; 3]> = samples.iter().map(|it| it.map(|value| value >> shift)).collect();
        let level = (level >> shift).max(1);
        let blocks = samples.chunks_exact(n_block.into());
        let wanted: Vec<bool> = blocks.map(|it| is_loud(it, level)).collect();
        prop_assert_eq!(asked(&samples, level, n_block), wanted);
    }

    #[test]
    fn decisions_begin_where_the_gate_opens(
        samples in signal(),
        level in prop_oneof![1..30_u16, 30..3_000_u16, 3_000..30_000_u16],
        n_block in 1..=12_u16,
        n_before in 0..=11_u16,
    ) {
        let gate = (level, n_block, n_before.min(12 - n_block));
        prop_assert_eq!(triggered(&samples, gate), sliced(&samples, gate));
    }
}

#[test]
fn a_gate_starts_anew() {
    let gate = Gate::new(10, block(4)).expect("a block that fits");
    let mut chain = Triggered::<_, 2>::new(gate, 4, windows());
    let loud = |at: usize| [[100, -100][at % 2]; 2];
    // Three loud samples are no block, and forgotten.
    assert!((0..3).all(|at| chain.push(loud(at), loud(at)).is_none()));
    chain.restart();
    let quiet = (0..7).all(|_| chain.push([7; 2], [7; 2]).is_none());
    assert!(quiet && !chain.is_open());
    // The second block opens it with its last sample, and the four before belong to the window.
    assert!(chain.push([900; 2], [900; 2]).is_none());
    assert!(chain.is_open());
    let mut rest = (0..4).filter_map(|_| chain.push([3; 2], [3; 2]));
    let row = rest.next().expect("twelve samples");
    drop(rest);
    assert_eq!(row[..2], [3, 900]);
    assert!(!chain.is_open());
    // A window that a recording's end leaves open is none.
    assert!((0..4).all(|at| chain.push(loud(at), loud(at)).is_none()) && chain.is_open());
    assert_eq!(chain.finish(), None);
    assert!(!chain.is_open());
}
