//! Replays the kept fuzz corpus of whole models, and draws more, through the very function that the
//! fuzz target calls.

#[path = "../../../../fuzz/src/replay.rs"]
mod replay;
#[path = "../../../../fuzz/src/whole.rs"]
mod whole;

use whole::{Reached, whole};

#[test]
fn kept_models_hold() {
    replay::replay("whole", whole::whole, 3);
}

#[test]
fn drawn_models_hold_and_mostly_come_all_the_way() {
    let mut state = 7_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    let n = 800;
    let mut reached = [0; 4];
    for _ in 0..n {
        let bytes: Vec<u8> = (0..600).map(|_| next()).collect();
        reached[whole(&bytes) as usize] += 1;
    }
    let checked = reached[Reached::Checked as usize];
    assert!(checked > n / 4, "{reached:?}");
    assert!(reached[Reached::Model as usize] > 0, "{reached:?}");
}
