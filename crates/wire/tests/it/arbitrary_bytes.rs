//! Arbitrary bytes through the function that the fuzz target calls: no panic, and a request that
//! follows them comes through.

#[path = "../../../../fuzz/src/frames.rs"]
mod frames;

#[test]
fn arbitrary_bytes_do_no_harm() {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    for _ in 0..50_000 {
        let n_bytes = usize::from(next());
        let bytes: Vec<u8> = (0..n_bytes)
            .map(|_| match next() % 4 {
                0 => next() % 5,
                _ => next(),
            })
            .collect();
        frames::frames(&bytes);
    }
}
