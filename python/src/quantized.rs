//! A model in fixed point: the device's bits for any rows, what is proven of them, and its sources.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use ndarray::ArrayView2;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use spinney_batch::Predictor;
use spinney_board::{Chip, Core, find};
use spinney_codegen::Encoding;
use spinney_config::Word;
use spinney_convert::{
    Conversion, Explained, Explanation, Sources, declared_for, explain, forms_of,
};
use spinney_import::{Format, Imported, Origin};
use spinney_model::{FloatModel, Output, Task};
use spinney_quantize::{Declared, Options, QuantModel};

use crate::errors::{quantization, raised};
use crate::model::Model;
use crate::rows::{Asked, Rows, may_miss};

/// What the caller declares of the features that a pattern names: type, range and coding.
type Typed = (String, Option<String>, Option<(f64, f64)>, Option<String>);

/// A quantized model.
#[pyclass(frozen, module = "spinney_ml._spinney")]
pub struct Quantized {
    conversion: Arc<Conversion>,
    may_miss: bool,
    on_f32: OnceLock<Predictor<f32>>,
    on_f64: OnceLock<Predictor<f64>>,
    /// The same model with probabilities, if it can have them.
    probable: OnceLock<Option<QuantModel>>,
}

/// The chip of this name.
pub fn chip(py: Python<'_>, name: &str) -> PyResult<Chip> {
    let listing = find(name).map_err(|error| {
        let near = match error.nearest.as_slice() {
            [] => "a name that `spinney chips search` lists".to_owned(),
            nearest => format!("one such as {}", nearest.join(", ")),
        };
        raised(
            py,
            "QuantizationError",
            "chip",
            &format!("\"{name}\""),
            &near,
        )
    })?;
    listing.chip(None).ok_or_else(|| {
        let found = format!("\"{}\", of whose core nothing is known", listing.name);
        raised(py, "QuantizationError", "chip", &found, "another chip")
    })
}

/// The value that a word of `pipeline.toml` stands for.
fn word<W: Word>(py: Python<'_>, place: &str, word: &str) -> PyResult<W> {
    W::from_word(word).ok_or_else(|| {
        let expected = format!("one of \"{}\"", W::WORDS.join("\", \""));
        raised(
            py,
            "QuantizationError",
            place,
            &format!("\"{word}\""),
            &expected,
        )
    })
}

impl Quantized {
    fn new(conversion: Conversion) -> Self {
        Self {
            may_miss: may_miss(&conversion.model),
            conversion: Arc::new(conversion),
            on_f32: OnceLock::new(),
            on_f64: OnceLock::new(),
            probable: OnceLock::new(),
        }
    }

    fn float(&self) -> &FloatModel {
        &self.conversion.model
    }

    fn quant(&self) -> &QuantModel {
        &self.conversion.quant
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            model: self.float(),
            may_miss: self.may_miss,
        }
    }

    fn of_f32(&self) -> &Predictor<f32> {
        self.on_f32.get_or_init(|| Predictor::new(self.quant()))
    }

    fn of_f64(&self) -> &Predictor<f64> {
        self.on_f64.get_or_init(|| Predictor::new(self.quant()))
    }

    /// What `put` makes of the scores of each row, `width` items each.
    fn of_scores<O: Clone + Default + Send>(
        &self,
        py: Python<'_>,
        rows: &Rows<'_>,
        width: usize,
        put: impl Fn(&[i64], &mut [O]) + Sync + Send,
    ) -> PyResult<Vec<O>> {
        const FITS: &str = "rows of the model's features";
        let put = |scores: ndarray::Array2<i64>, out: &mut [O]| {
            for (scores, out) in scores.rows().into_iter().zip(out.chunks_mut(width)) {
                put(scores.as_slice().expect("one after the other"), out);
            }
        };
        rows.each(
            py,
            self.asked(),
            width,
            |rows: ArrayView2<'_, f32>, out| put(self.of_f32().scores(rows).expect(FITS), out),
            |rows: ArrayView2<'_, f64>, out| put(self.of_f64().scores(rows).expect(FITS), out),
        )
    }

    fn explanation(&self, rows: &Bound<'_, PyAny>) -> PyResult<Explanation> {
        let rows = Rows::of(rows)?.dataset(self.float())?;
        let explained = Explained {
            model: self.float(),
            quant: self.quant(),
            voting: self.conversion.options.voting,
            exit: None,
        };
        Ok(explain(explained, 0, None, &rows.values().row(0).to_vec()))
    }

    fn sources(
        &self,
        py: Python<'_>,
        name: &str,
        encoding: &str,
        on: Option<&str>,
    ) -> PyResult<Sources<'_>> {
        let encodings = [Encoding::Table, Encoding::Packed, Encoding::Branches];
        let form = encodings.into_iter().find(|it| it.name() == encoding);
        let form = form.ok_or_else(|| {
            let names = "\"table\", \"packed\" or \"branches\"";
            raised(
                py,
                "QuantizationError",
                "encoding",
                &format!("\"{encoding}\""),
                names,
            )
        })?;
        let core = match on {
            Some(name) => chip(py, name)?.core,
            None => Core::CortexM0,
        };
        Ok(Sources::new(name, &self.conversion).of(form, core))
    }
}

#[pymethods]
impl Quantized {
    /// Quantizes `model`, with training rows or without.
    #[staticmethod]
    #[pyo3(signature = (model, rows, sensors, *, leaves, votes, coding, codes, outputs))]
    #[expect(clippy::too_many_arguments, reason = "keywords, each by its name")]
    fn make(
        py: Python<'_>,
        model: &Model,
        rows: Option<&Bound<'_, PyAny>>,
        sensors: Vec<Typed>,
        leaves: &str,
        votes: &str,
        coding: &str,
        codes: &str,
        outputs: Vec<String>,
    ) -> PyResult<Self> {
        let float = model.float();
        let default = Declared {
            coding: word(py, "coding", coding)?,
            ..Declared::default()
        };
        let mut patterns = Vec::new();
        for (pattern, sensor, range, own) in &sensors {
            let place = format!("sensors[{pattern:?}]");
            let sensor = sensor
                .as_deref()
                .map(|it| word(py, &place, it))
                .transpose()?;
            let own = own.as_deref().map(|it| word(py, &place, it)).transpose()?;
            let declared = Declared {
                sensor,
                range: *range,
                coding: own.unwrap_or(default.coding),
                ..default
            };
            patterns.push((pattern.clone(), declared));
        }
        let names = float.schema().feature_names();
        let mut declared = declared_for(&patterns, &names).map_err(|pattern| {
            let found = format!("{pattern:?}, which no feature is called");
            let names = spinney_dataset::csv::preview(&names);
            raised(
                py,
                "QuantizationError",
                "sensors",
                &found,
                &format!("features among {names}"),
            )
        })?;
        for declared in declared.iter_mut().filter(|it| **it == Declared::default()) {
            *declared = default;
        }
        let options = Options {
            voting: word(py, "leaves", leaves)?,
            votes: word(py, "votes", votes)?,
            codes: word(py, "codes", codes)?,
            wants_scores: outputs.iter().any(|output| output != "class"),
        };
        let train = rows
            .map(|rows| Rows::of(rows)?.dataset(float))
            .transpose()?;
        let wants_probabilities = outputs.iter().any(|output| output == "probabilities");
        let float = float.clone();
        let made = py.detach(|| {
            let made = Conversion::new(float, &declared, options, train.as_ref())?;
            match wants_probabilities {
                true => made.with_probabilities(),
                false => Ok(made),
            }
        });
        Ok(Self::new(made.map_err(|error| quantization!(py, error))?))
    }

    /// The model of the bytes that `to_bytes` gave.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        let conversion = py.detach(|| Conversion::from_bytes(bytes));
        Ok(Self::new(
            conversion.map_err(|error| quantization!(py, error))?,
        ))
    }

    /// All that makes the model, as bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes = py.detach(|| self.conversion.to_bytes());
        PyBytes::new(py, &bytes)
    }

    /// The float model.
    fn model(&self) -> Model {
        Model::new(Imported {
            model: self.float().clone(),
            origin: Origin {
                format: Format::Json,
                estimator: self.float().kind().to_owned(),
                library: None,
                steps: Vec::new(),
                notes: Vec::new(),
            },
        })
    }

    /// What is proven, on these rows, as JSON.
    fn certificate(&self, py: Python<'_>, rows: &Bound<'_, PyAny>) -> PyResult<String> {
        let rows = Rows::of(rows)?.dataset(self.float())?;
        let certificate = py.detach(|| self.conversion.certify(&rows));
        serde_json::to_string(&certificate)
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// One row through float and fixed point, as text.
    fn explain_text(&self, row: &Bound<'_, PyAny>) -> PyResult<String> {
        Ok(self.explanation(row)?.text())
    }

    /// The same as JSON.
    fn explain_json(&self, row: &Bound<'_, PyAny>) -> PyResult<String> {
        serde_json::to_string(&self.explanation(row)?)
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// The class index of each row, as the device gives it.
    fn classes<'py>(
        &self,
        py: Python<'py>,
        rows: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArray1<i64>>> {
        const FITS: &str = "rows of the model's features";
        let put = |classes: Vec<usize>, out: &mut [i64]| {
            for (class, out) in classes.into_iter().zip(out) {
                *out = i64::try_from(class).unwrap_or(i64::MAX);
            }
        };
        let classes = Rows::of(rows)?.each(
            py,
            self.asked(),
            1,
            |rows: ArrayView2<'_, f32>, out| put(self.of_f32().classes(rows).expect(FITS), out),
            |rows: ArrayView2<'_, f64>, out| put(self.of_f64().classes(rows).expect(FITS), out),
        )?;
        Ok(classes.into_pyarray(py))
    }

    /// The integer scores of each row.
    fn scores<'py>(
        &self,
        py: Python<'py>,
        rows: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArray2<i64>>> {
        let rows = Rows::of(rows)?;
        let width = self.quant().n_scores();
        let scores = self.of_scores(py, &rows, width, |scores, out| out.copy_from_slice(scores))?;
        scores.into_pyarray(py).reshape([rows.n_rows(), width])
    }

    /// The probability of each class in Q15, where one is 32,768.
    fn probabilities<'py>(
        &self,
        py: Python<'py>,
        rows: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArray2<u16>>> {
        let probable = (self.probable)
            .get_or_init(|| self.quant().clone().with_probabilities().ok())
            .as_ref()
            .ok_or_else(|| {
                let error = self.quant().clone().with_probabilities().err();
                error.map_or_else(
                    || PyValueError::new_err("no probabilities"),
                    |error| quantization!(py, error),
                )
            })?;
        let rows = Rows::of(rows)?;
        let width = probable.n_scores();
        let found = self.of_scores(py, &rows, width, |scores, out| {
            out.copy_from_slice(&probable.probabilities_of(scores));
        })?;
        found.into_pyarray(py).reshape([rows.n_rows(), width])
    }

    /// The values of each row, one per target, through the model's link.
    fn values<'py>(
        &self,
        py: Python<'py>,
        rows: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let Some(sum) = self.float().additive() else {
            return Err(PyValueError::new_err(
                "found a classifier, expected a model of values",
            ));
        };
        if sum.schema().task() != Task::Regress {
            return Err(PyValueError::new_err(
                "found classes, expected a model of values",
            ));
        }
        let rows = Rows::of(rows)?;
        let width = self.quant().n_scores();
        let found = self.of_scores(py, &rows, width, |scores, out| {
            if let Output::Values(values) = sum.output(&self.quant().values(scores)) {
                out.copy_from_slice(&values);
            }
        })?;
        found.into_pyarray(py).reshape([rows.n_rows(), width])
    }

    /// Bytes of each form of the tables, as JSON.
    #[pyo3(signature = (chip=None))]
    fn forms(&self, py: Python<'_>, chip: Option<&str>) -> PyResult<String> {
        let sources = self.sources(py, "model", "table", chip)?;
        let forms = py.detach(|| forms_of(self.quant(), sources.options()));
        serde_json::to_string(&forms).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// The C99 header: its text, and what is to be said of it.
    #[pyo3(signature = (name, encoding, chip=None))]
    fn header(
        &self,
        py: Python<'_>,
        name: &str,
        encoding: &str,
        chip: Option<&str>,
    ) -> PyResult<(String, String, Vec<String>)> {
        let sources = self.sources(py, name, encoding, chip)?;
        let header = py.detach(|| sources.header());
        Ok((header.prefix, header.text, header.notes))
    }

    /// The files of a drop-in crate.
    #[pyo3(signature = (name, encoding, chip=None))]
    fn crate_files(
        &self,
        py: Python<'_>,
        name: &str,
        encoding: &str,
        chip: Option<&str>,
    ) -> PyResult<BTreeMap<String, String>> {
        let sources = self.sources(py, name, encoding, chip)?;
        let generated = py.detach(|| sources.drop_in()).map_err(|error| {
            raised(
                py,
                "QuantizationError",
                "encoding",
                &error.to_string(),
                "another encoding",
            )
        })?;
        Ok(generated.files)
    }

    /// How readings reach the device, and the widths of its sums, as JSON.
    fn facts(&self) -> String {
        let quant = self.quant();
        let codings: BTreeMap<&str, usize> =
            quant
                .inputs()
                .iter()
                .fold(BTreeMap::new(), |mut codings, input| {
                    *codings.entry(input.coding.name()).or_default() += 1;
                    codings
                });
        serde_json::json!({
            "reading_type": quant.reading_type().rust_name(),
            "inputs": quant.inputs().len(),
            "code_bits": quant.code_bits(),
            "codings": codings,
            "arithmetic": quant.arithmetic(),
        })
        .to_string()
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let read = slf.get_type().getattr("from_bytes")?;
        Ok((read, (slf.get().to_bytes(slf.py()),)))
    }
}
