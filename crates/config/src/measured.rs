//! What a board took for predictions, as `flash --verify` measured it and wrote it into a file that
//! `[target] measured` names.

use serde::{Deserialize, Serialize};

use crate::diagnostics::Fault;
use crate::file;
use crate::raw::RawSection;
use crate::value::Reader;

/// Cycles of predictions on a board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The file, as the config names it.
    #[serde(skip_deserializing, default)]
    pub file: String,
    /// The chip, as the chip table spells it.
    pub chip: String,
    /// How many rows were predicted.
    pub rows: usize,
    /// Cycles of a prediction from readings, on average.
    pub cycles: f64,
    /// The most of any row.
    pub cycles_max: u32,
    /// Instructions that the emulator counted for the same, on average.
    pub instructions: f64,
}

const BYTES_MAX: u64 = 1 << 16;

impl Measured {
    /// Cycles of an instruction, on average.
    pub fn cycles_per_instruction(&self) -> f64 {
        self.cycles / self.instructions
    }

    /// Of the text of a file.
    ///
    /// # Errors
    /// What was found and what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let measured: Self = toml::from_str(text).map_err(|error| {
            let found = error.message().replace('\n', " ");
            format!("found {found}, expected what `flash --verify` writes")
        })?;
        let is_above_zero = |number: f64| number.is_finite() && number > 0.0;
        if !is_above_zero(measured.cycles) || !is_above_zero(measured.instructions) {
            return Err(format!(
                "found {} cycles of {} instructions, expected numbers above 0",
                measured.cycles, measured.instructions
            ));
        }
        Ok(measured)
    }
}

/// The file that `[target] measured` names, which has to be of this chip.
pub(crate) fn read(reader: &mut Reader, section: &RawSection, chip: &str) -> Option<Measured> {
    let file = section.text("measured")?;
    let path = reader.folder.join(&file);
    let measured = file::read(&path, BYTES_MAX)
        .map_err(|error| format!("cannot be read: {error}"))
        .and_then(|bytes| Measured::parse(&String::from_utf8_lossy(&bytes)))
        .and_then(|measured| match measured.chip == chip {
            true => Ok(measured),
            false => Err(format!("found {}, expected {chip}", measured.chip)),
        });
    match measured {
        Ok(measured) => Some(Measured { file, ..measured }),
        Err(message) => {
            let message = format!("target.measured: {file}: {message}");
            let help =
                "`cargo xtask flash --verify` measures on the board and writes the file anew";
            reader.fault(Fault::new(section.given("measured"), message).help(help));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_measured_is_taken() {
        let text = "chip = \"RP2040\"\nrows = 45\ncycles = 3000.0\ncycles_max = 3100\ninstructions = 2000.0\n";
        let measured = Measured::parse(text).unwrap();
        assert_eq!(
            (measured.rows, measured.cycles_per_instruction()),
            (45, 1.5)
        );
        for (from, to, found) in [
            ("3000.0", "0", "found 0 cycles"),
            ("3000.0", "inf", "found inf cycles"),
            ("rows = 45", "rows = -1", "integer `-1`"),
            ("rows = 45", "lines = 45", "unknown field `lines`"),
            ("chip = \"RP2040\"", "", "missing field `chip`"),
        ] {
            let error = Measured::parse(&text.replace(from, to)).unwrap_err();
            assert!(error.contains(found), "{error}");
        }
    }
}
