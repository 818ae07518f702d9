//! `inspect`: what a model file holds, and what the forms that ship would take in flash.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use spinney_codegen::{Encoded, Encoding, Identity, Options as Codegen, drop_in};
use spinney_dataset::limits::FILE_BYTES_MAX;
use spinney_import::Description;
use spinney_model::{FloatModel, Voting};
use spinney_quantize::{Body, CodeWidth, Coding, Declared, Options, QuantModel, Votes, calibrate};

use spinney_pipeline::failure::{Blame, Failure};
use spinney_pipeline::stages::at_fault;

/// What `--json` prints.
#[derive(Serialize)]
struct Inspected {
    #[serde(flatten)]
    description: Description,
    /// Every form whose bytes are known without a build; branches are code, and have none.
    forms: Vec<Form>,
}

/// A form of the model in flash.
#[derive(Debug, Serialize)]
struct Form {
    /// As `encoding` in `pipeline.toml`.
    encoding: &'static str,
    /// How trees vote; `None` for naive Bayes.
    votes: Option<&'static str>,
    /// The width of a split in words.
    form: String,
    /// Bytes of the model's tables.
    table_bytes: usize,
    /// Bytes of the tables that make codes of readings, where thresholds alone say how.
    coding_bytes: usize,
}

pub(crate) fn run(file: &Path, as_json: bool) -> Result<(), Failure> {
    let bytes = spinney_config::file::read(file, FILE_BYTES_MAX)
        .with_context(|| format!("cannot read {}", file.display()))
        .input()?;
    let imported = spinney_import::import(&bytes).map_err(|error| at_fault(file, &error))?;
    let description = spinney_import::describe(&imported);
    let forms = forms(&imported.model)?;
    if as_json {
        let inspected = Inspected { description, forms };
        crate::terminal::json(&inspected).environment()?;
    } else {
        print!("{description}{}", text(&forms));
    }
    Ok(())
}

fn text(forms: &[Form]) -> String {
    let mut out = String::new();
    for form in forms {
        let votes = form
            .votes
            .map_or(String::new(), |votes| format!(", {votes}"));
        let coding = match form.coding_bytes {
            0 => String::new(),
            bytes => format!(", and {bytes} for codes"),
        };
        out.push_str(&format!(
            "flash       {}{votes}: {} bytes of tables ({}){coding}\n",
            form.encoding, form.table_bytes, form.form
        ));
    }
    if forms.iter().any(|form| form.votes.is_some()) {
        out.push_str("flash       branches: code, whose size a build tells; code comes on top of tables, too\n");
    }
    out
}

/// The forms that a run would build, where the config says nothing of the features.
fn forms(model: &FloatModel) -> Result<Vec<Form>, Failure> {
    let declared = vec![Declared::default(); model.schema().n_features()];
    let calibrations = calibrate(model, None, &declared).input()?;
    let mut forms = Vec::new();
    for (name, voting, votes) in [
        ("soft votes, Q15", Voting::Soft, Votes::Q15),
        ("soft votes, 8-bit", Voting::Soft, Votes::Byte),
        ("hard votes", Voting::Hard, Votes::Q15),
    ] {
        let options = Options {
            voting,
            votes,
            codes: CodeWidth::Auto,
            wants_scores: false,
        };
        let quant = QuantModel::new(model, &calibrations, options, None).input()?;
        let coding_bytes = quant.codings().iter().map(Coding::table_bytes).sum();
        let is_forest = matches!(quant.body(), Body::Forest(_));
        for encoding in [Encoding::Table, Encoding::Packed] {
            let Some((form, table_bytes)) = tables(&quant, encoding) else {
                continue;
            };
            forms.push(Form {
                encoding: encoding.name(),
                votes: is_forest.then_some(name),
                form,
                table_bytes,
                coding_bytes,
            });
        }
        // A class per leaf is nothing that adds.
        let is_last = quant.sums().is_some() && votes == Votes::Byte;
        if !is_forest || is_last {
            break;
        }
    }
    Ok(forms)
}

/// The width of a split and the bytes of all tables; `None` where the encoding does not hold the
/// model, or is not one of its kind.
fn tables(quant: &QuantModel, encoding: Encoding) -> Option<(String, usize)> {
    let options = Codegen {
        encoding,
        ..Codegen::plain()
    };
    if let Some(encoded) = Encoded::new(quant, &options) {
        return Some((encoded.form(), encoded.table_bytes()));
    }
    if encoding == Encoding::Packed {
        return None;
    }
    let identity = Identity {
        pipeline: "inspected",
        kind: "",
        fingerprint: "",
    };
    let generated = drop_in(identity, quant, &options).ok()?;
    Some((generated.form, generated.table_bytes))
}

#[cfg(test)]
mod tests {
    use spinney_model::FloatModel;

    use super::forms;

    #[test]
    fn readings_of_any_size_have_tables() {
        for threshold in [0.5, 32_767.0, 32_767.5, 101_325.0, -3e9, 1e30] {
            let text = format!(
                r#"{{"format": "spinney-model", "version": 1, "kind": "decision-tree",
                "features": [{{"name": "pressure_pa"}}], "classes": ["low", "high"],
                "trees": [{{"nodes": [
                {{"feature": 0, "threshold": {threshold:?}, "left": 1, "right": 2}},
                {{"value": [1.0, 0.0]}}, {{"value": [0.0, 1.0]}}]}}]}}"#
            );
            let model = FloatModel::from_json(text.as_bytes()).expect("a model");
            let forms = forms(&model);
            assert_eq!(forms.expect("a model that fits").len(), 6, "{threshold}");
        }
    }
}
