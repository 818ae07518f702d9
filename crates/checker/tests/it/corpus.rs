//! Replays the kept fuzz corpora through the very functions that the fuzz targets call.

#[path = "../../../../fuzz/src/claims.rs"]
mod claims;
#[path = "../../../../fuzz/src/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn claim() {
    replay("claim", claims::claim, 3);
}
