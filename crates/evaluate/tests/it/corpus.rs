//! Replays the kept fuzz corpora through the very functions that the fuzz targets call.

#[path = "../../../../fuzz/src/images.rs"]
mod images;
#[path = "../../../../fuzz/src/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn elf() {
    replay("elf", images::elf, 3);
}
