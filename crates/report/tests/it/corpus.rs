//! Replays the kept fuzz corpora through the very functions that the fuzz targets call.

#[path = "../../../../fuzz/src/replay.rs"]
mod replay;
#[path = "../../../../fuzz/src/reports.rs"]
mod reports;

use replay::replay;

#[test]
fn report() {
    replay("report", reports::report, 3);
}
