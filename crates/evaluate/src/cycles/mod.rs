//! Cycles of predictions: the instructions that an emulator executed, weighed by the timing table of
//! the core.
//!
//! The emulator logs where each stretch of straight code began; what was executed in between follows
//! from the image. An instruction that reads the image's timer begins and ends what it measures, so
//! that cycles are those of the very instructions that were counted.

mod bound;
mod instruction;
mod riscv;
mod thumb;
mod trace;

pub use bound::Longest;
pub use trace::Trace;

use serde::{Deserialize, Serialize};

use self::trace::Weight;
use crate::DeviceRun;

/// Cycles of the predictions of rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cycles {
    /// How many rows were traced.
    pub rows: usize,
    /// From readings to class.
    pub from_readings: Cost,
    /// From codes to class.
    pub from_codes: Cost,
    /// From readings to class at the most, whatever the row; `None` where that does not follow from the
    /// image.
    pub longest: Option<Longest>,
    /// The front end's, on what was traced of it; `None` without one.
    pub front: Option<Cost>,
}

/// Cycles of an inference from readings to class, over all rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PerInference {
    /// On average, where flash never keeps the core waiting: the middle of what the table allows.
    pub mean: f64,
    /// The most of any row, where flash keeps every access waiting.
    pub max: u64,
    /// The most of every row that there can be, likewise; `None` where that does not follow from the
    /// image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<u64>,
    /// The fewest on average that the table allows, where flash never keeps the core waiting.
    pub low: f64,
    /// The most on average, where flash keeps every access waiting.
    pub high: f64,
}

impl PerInference {
    /// Of a run on a chip whose flash takes so many wait states; `None` where nothing is known of the
    /// core's time.
    pub fn of(run: &DeviceRun, wait_states: u32) -> Option<Self> {
        let cycles = run.cycles.as_ref()?;
        let cost = cycles.from_readings;
        let waiting = cost.waiting(wait_states);
        // Rows that were traced stand for the others.
        let scale = run.instructions.mean / cost.instructions;
        let most = waiting.high / cost.instructions;
        let of_instructions = |n: u64| (n as f64 * most).ceil() as u64;
        let bound = cycles.longest.map(|longest| {
            let most = longest.cycles + u64::from(wait_states) * longest.accesses;
            // A row beyond the bound would make it void.
            (longest.instructions >= run.instructions.max && most >= waiting.high_max)
                .then_some(most)
        });
        let bound = bound.flatten();
        let max = match cycles.rows == run.classes.len() {
            true => waiting.high_max,
            false => waiting.high_max.max(of_instructions(run.instructions.max)),
        };
        let max = bound.map_or(max, |bound| bound.min(max));
        Some(Self {
            mean: to_a_tenth(cost.mean() * scale),
            max,
            bound,
            low: to_a_tenth(cost.low * scale),
            high: to_a_tenth(waiting.high * scale),
        })
    }

    /// Of a run whose instructions take so many cycles each on a board, whatever the row.
    #[must_use]
    pub fn measured(run: &DeviceRun, cycles_per_instruction: f64) -> Self {
        let most = |n: u64| (n as f64 * cycles_per_instruction).ceil() as u64;
        let mean = to_a_tenth(run.instructions.mean * cycles_per_instruction);
        Self {
            mean,
            max: most(run.instructions.max),
            bound: None,
            low: mean,
            high: mean,
        }
    }
}

fn to_a_tenth(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// What stretches of code take, on average; at the most where that is said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Instructions.
    pub instructions: f64,
    /// The fewest cycles that the core's table allows.
    pub low: f64,
    /// The most.
    pub high: f64,
    /// The most of any stretch.
    pub high_max: u64,
    /// Words of code fetched and data loaded: accesses that flash may keep waiting.
    pub accesses: f64,
    /// The most of any stretch.
    pub accesses_max: u64,
}

impl Cost {
    /// Of stretches, each less what measuring nothing takes; `None` of none.
    fn of(stretches: &[Weight], empty: &Weight) -> Option<Self> {
        let n = stretches.len() as f64;
        let less = |part: fn(&Weight) -> u64, of: &Weight| part(of).saturating_sub(part(empty));
        let mean = |part: fn(&Weight) -> u64| {
            stretches.iter().map(|it| less(part, it)).sum::<u64>() as f64 / n
        };
        let most = |part: fn(&Weight) -> u64| stretches.iter().map(|it| less(part, it)).max();
        Some(Self {
            instructions: mean(|it| it.instructions),
            low: mean(|it| it.low),
            high: mean(|it| it.high),
            high_max: most(|it| it.high)?,
            accesses: mean(|it| it.accesses),
            accesses_max: most(|it| it.accesses)?,
        })
    }

    /// The same with flash that keeps every access waiting for so many cycles at the most.
    #[must_use]
    pub fn waiting(self, wait_states: u32) -> Self {
        Self {
            high: self.high + f64::from(wait_states) * self.accesses,
            high_max: self.high_max + u64::from(wait_states) * self.accesses_max,
            ..self
        }
    }

    /// Between the fewest and the most.
    pub fn mean(self) -> f64 {
        f64::midpoint(self.low, self.high)
    }

    /// Cycles of an instruction.
    pub fn per_instruction(self) -> f64 {
        self.mean() / self.instructions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Instructions;

    #[test]
    fn a_measurement_takes_the_place_of_the_table() {
        let instructions = Instructions {
            mean: 2000.0,
            max: 2101,
            bound: None,
        };
        let run = DeviceRun {
            drawn: None,
            classes: vec![0; 2],
            scores: Vec::new(),
            mismatches: Vec::new(),
            instructions,
            instructions_from_codes: instructions,
            cycles: None,
            stack_bytes_max: 0,
            worst_case: None,
            heard: None,
        };
        assert_eq!(PerInference::of(&run, 0), None);
        let measured = PerInference::measured(&run, 1.5);
        assert_eq!(
            (measured.mean, measured.low, measured.high),
            (3000.0, 3000.0, 3000.0)
        );
        assert_eq!((measured.max, measured.bound), (3152, None));
    }
}
