//! Arbitrary tables through the function that the fuzz target calls: refused, or every walk ends
//! within them.

#[path = "../../../../fuzz/src/tables.rs"]
mod tables;

#[test]
fn arbitrary_tables_are_refused_or_walk() {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    // By number of classes, the last being the canonical tables: what was accepted.
    let mut accepted = [0; 8];
    for round in 0..8_000 {
        let n_bytes = 20 + usize::from(next()) * 2;
        let mut bytes: Vec<u8> = (0..n_bytes).map(|_| next()).collect();
        bytes[0] = (round % 8) as u8;
        accepted[round % 8] += i32::from(tables::tables(&bytes));
    }
    for (shape, accepted) in accepted.into_iter().enumerate() {
        assert!(
            (100..900).contains(&accepted),
            "{accepted} of shape {shape}"
        );
    }
}
