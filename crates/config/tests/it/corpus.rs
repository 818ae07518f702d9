//! Replays the kept fuzz corpora through the very functions that the fuzz targets call.

#[path = "../../../../fuzz/src/configs.rs"]
mod configs;
#[path = "../../../../fuzz/src/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn config() {
    replay("config", configs::config, 3);
}
