//! The forms of a model whose bytes are known without a compiler, and what a core makes of generated
//! code.

use serde::Serialize;
use spinney_board::Core;
use spinney_codegen::{CodeType, Encoded, Encoding, Identity, Options as Codegen, Origin, drop_in};
use spinney_model::{FloatModel, Voting};
use spinney_quantize::{
    CodeWidth, Declared, ModelError, Options, QuantModel, ReadingType, Votes, calibrate,
};

/// A form of the model in flash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Form {
    /// As `encoding` in `pipeline.toml`.
    pub encoding: &'static str,
    /// How trees vote; `None` for naive Bayes.
    pub votes: Option<&'static str>,
    /// The width of a split in words.
    pub form: String,
    /// Bytes of the model's tables.
    pub table_bytes: usize,
    /// Bytes of the tables that make codes of readings.
    pub coding_bytes: usize,
}

/// Every form that a run would build where the config says nothing of the features; branches are
/// code, and have no bytes before a compiler has seen them.
///
/// # Errors
/// A model that fixed point does not hold.
pub fn forms(model: &FloatModel) -> Result<Vec<Form>, ModelError> {
    let declared = vec![Declared::default(); model.schema().n_features()];
    let calibrations = calibrate(model, None, &declared)?;
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
        let quant = QuantModel::new(model, &calibrations, options, None)?;
        let is_forest = quant.forest().is_some();
        let of_votes = forms_of(&quant, &Codegen::plain()).into_iter();
        forms.extend(of_votes.map(|form| Form {
            votes: is_forest.then_some(name),
            ..form
        }));
        // A class per leaf is nothing that adds.
        let is_last = quant.sums().is_some() && votes == Votes::Byte;
        if !is_forest || is_last {
            break;
        }
    }
    Ok(forms)
}

/// The forms of one quantized model under `options`, whatever encoding they name.
pub fn forms_of(quant: &QuantModel, options: &Codegen) -> Vec<Form> {
    let votes = quant.forest().map(|forest| forest.leaves().name());
    let features = 0..quant.schema().n_features();
    let coding_bytes = features.map(|feature| quant.coding_bytes(feature)).sum();
    let encodings = [Encoding::Table, Encoding::Packed].into_iter();
    let forms = encodings.filter_map(|encoding| {
        let options = Codegen {
            encoding,
            ..*options
        };
        let (form, table_bytes) = tables(quant, &options)?;
        Some(Form {
            encoding: encoding.name(),
            votes,
            form,
            table_bytes,
            coding_bytes,
        })
    });
    forms.collect()
}

/// The width of a split and the bytes of all tables; `None` where the encoding does not hold the
/// model, or is not one of its kind.
fn tables(quant: &QuantModel, options: &Codegen) -> Option<(String, usize)> {
    if let Some(encoded) = Encoded::new(quant, options) {
        return Some((encoded.form(), encoded.table_bytes()));
    }
    if options.encoding == Encoding::Packed {
        return None;
    }
    let identity = Identity {
        pipeline: "inspected",
        kind: "",
        fingerprint: "",
        origin: Origin::Config,
    };
    let generated = drop_in(identity, quant, options).ok()?;
    Some((generated.form, generated.table_bytes))
}

/// What a core makes of generated code.
pub fn options_for(
    core: Core,
    model: &QuantModel,
    encoding: Encoding,
    early_exit: bool,
) -> Codegen {
    let is_v6m = core.target() == "thumbv6m-none-eabi";
    Codegen {
        encoding,
        code_type: code_type(model),
        wide_thresholds: false,
        early_exit,
        exit_margin: 1.0,
        // Where constants cost two instructions, exits make up for counts in memory.
        counts_in_memory: is_v6m && early_exit,
        unaligned: core.reads_unaligned(),
    }
}

/// The type of codes that costs least to make: readings that are codes already stay as they are.
fn code_type(model: &QuantModel) -> CodeType {
    if model.is_identity() && model.reading_type() != ReadingType::U8 {
        CodeType::I16
    } else {
        CodeType::U8
    }
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
