//! `spinney_ml._spinney`: the library crates as Python sees them. Arrays come in as C-contiguous
//! float32 or float64 and are not copied; whatever else people bring is made so in Python.

mod errors;
mod model;
mod pool;
mod quantized;
mod rows;
mod train;

use std::ffi::OsString;
use std::path::PathBuf;

use pyo3::prelude::*;

/// Does what a command line says, as the program `spinney` does; its exit code. `file` is this
/// library's own, by which finished runs are told from those of another version.
#[pyfunction]
fn run(py: Python<'_>, file: PathBuf, arguments: Vec<OsString>) -> u8 {
    py.detach(|| {
        spinney_cli::state_file(file);
        let door = spinney_cli::Door {
            name: "spinney",
            more: &[],
        };
        spinney_cli::main_with(door, &arguments)
    })
}

/// What is known of a chip, as JSON: its name, core, flash and RAM.
#[pyfunction]
fn chip(py: Python<'_>, name: &str) -> PyResult<String> {
    let chip = quantized::chip(py, name)?;
    let known = serde_json::json!({
        "name": chip.name,
        "core": chip.core.as_str(),
        "flash_bytes": chip.flash.len,
        "ram_bytes": chip.ram.len,
    });
    Ok(known.to_string())
}

#[pymodule]
fn _spinney(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<model::Model>()?;
    module.add_class::<quantized::Quantized>()?;
    module.add_function(wrap_pyfunction!(run, module)?)?;
    module.add_function(wrap_pyfunction!(chip, module)?)?;
    module.add_function(wrap_pyfunction!(train::train_forest, module)?)?;
    module.add_function(wrap_pyfunction!(train::train_bayes, module)?)?;
    Ok(())
}
