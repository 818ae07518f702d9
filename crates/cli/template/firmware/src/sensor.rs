//! The sensor. This is the file to fill in.

use model::{N_FEATURES, Reading};

/// Rows of `data/` stand in for a sensor: one of each of the first classes.
const ROWS: [[Reading; N_FEATURES]; {{n_rows}}] = [
{{sensor_rows}}];

/// Where rows of readings come from.
pub struct Sensor {
    next: usize,
}

impl Sensor {
    /// Your peripherals go in here.
    pub fn new() -> Self {
        Self { next: 0 }
    }

    /// The next row: a reading per feature, in the order of `model::FEATURES` and in the units of
    /// the training data; `None` if there will be no more, which a real sensor never says.
    pub fn read(&mut self) -> Option<[Reading; N_FEATURES]> {
        let row = ROWS.get(self.next).copied();
        self.next += 1;
        row
    }
}
