//! Replays the kept fuzz corpora through the very functions that the fuzz targets call.

#[path = "../../../../fuzz/src/replay.rs"]
mod replay;
#[path = "../../../../fuzz/src/signals.rs"]
mod signals;

use replay::replay;

#[test]
fn wav() {
    replay("wav", signals::wav, 3);
}

#[test]
fn sound() {
    replay("sound", signals::sound, 3);
}

#[test]
fn motion() {
    replay("motion", signals::motion, 3);
}

#[test]
fn intervals() {
    replay("intervals", signals::intervals, 3);
}
