//! What a device heard of samples, against what it wrote.

use spinney_board::Timer;
use spinney_evaluate::{Quiet, read_heard};
use spinney_wire::Header;
use spinney_wire::heard::{SignalFeatures, Triggered};

/// Three decisions of one reading each, a byte or two of which the host has otherwise.
#[test]
fn decisions_are_held_to_their_features_and_their_ends() {
    let header = Header {
        n_features: 1,
        n_classes: 2,
        overhead_ticks: 256,
        n_scores: 2,
        n_probabilities: 0,
    };
    let heard = |n_samples, quiet: &[(u32, u32)], reading: i16| {
        let heard = SignalFeatures {
            // 100 instructions of 256 ns in each of two stretches, and what measuring them takes.
            ticks: 2 * (100 * 256 + 256),
            n_measured: 2,
            stack_bytes: 40,
        };
        let mut told = Triggered {
            n_samples,
            ..Triggered::default()
        };
        for (ticks, samples) in quiet {
            told.add_quiet(*ticks, *samples);
        }
        let told = told.to_bytes();
        [&heard.to_bytes()[..], &told, &reading.to_le_bytes()].concat()
    };
    let file = [
        heard(10, &[(256 + 256 * 60, 6)], 7),
        heard(20, &[], 8),
        heard(33, &[(256 + 256 * 80, 3), (256 + 256 * 100, 1)], 9),
    ];
    let read = |ends: &[u64], last: i16| {
        let rows: Vec<u8> = [7, 8, last]
            .iter()
            .flat_map(|it| it.to_le_bytes())
            .collect();
        let (file, outcomes) = (file.concat(), header.to_bytes());
        read_heard(&file, &outcomes, (&rows, Some(ends)), 3, Timer::McycleNs)
    };
    let run = read(&[10, 20, 33], 9).expect("three decisions");
    assert_eq!((run.decisions, run.mismatches), (3, vec![]));
    assert_eq!((run.instructions.mean, run.instructions.max), (200.0, 200));
    let quiet = Quiet {
        samples: 10,
        instructions_per_sample: 24.0,
    };
    assert_eq!(run.quiet, Some(quiet));
    // Features alone differ, or where a decision ends alone.
    assert_eq!(read(&[10, 20, 33], 6).expect("three").mismatches, [2]);
    assert_eq!(read(&[10, 21, 33], 9).expect("three").mismatches, [1]);
    // Without a trigger nothing is told of that.
    let (file, outcomes) = (file.concat(), header.to_bytes());
    let refused = read_heard(&file, &outcomes, (&[0; 6], None), 3, Timer::McycleNs);
    let refused = refused.expect_err("longer records").expected;
    assert_eq!(refused, "42 bytes for 3 decisions");
}
