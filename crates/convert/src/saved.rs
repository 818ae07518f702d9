//! A conversion as bytes: the float model, and what was decided from rows, so that it is quantized anew
//! without them; and a digest of the tables, which have to come out the same.
//!
//! The bytes are JSON. What they claim is checked by the constructors that check any model.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use spinney_model::{FloatModel, ModelError, Task, Voting};
use spinney_quantize::{
    Body, Calibration, CodeWidth, Coding, Leaves, Options, QuantForest, QuantModel, Votes,
};

use crate::Conversion;
use crate::sources::hex;

const FORMAT: &str = "spinney-conversion";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    format: String,
    version: u32,
    /// Canonical JSON, as text, so that its own reader reads it.
    model: String,
    calibrations: Vec<Calibration>,
    /// The coding of each feature of a model with trees; none of naive Bayes, whose codings follow
    /// from calibrations.
    codings: Vec<Coding>,
    hard_votes: bool,
    vote_bits: usize,
    wants_scores: bool,
    has_probabilities: bool,
    margin: Option<u64>,
    digest: String,
}

impl Conversion {
    /// The bytes that [`Conversion::from_bytes`] makes an equal conversion of.
    ///
    /// # Panics
    /// Never; numbers and text are JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        let quant = &self.quant;
        let features = 0..quant.forest().map_or(0, |_| self.calibrations.len());
        let coding_of = |feature| quant.coding_of(feature).cloned();
        let codings = features.map(|feature| coding_of(feature).unwrap_or(Coding::IDENTITY));
        let vote_bits = match quant.forest().map(QuantForest::leaves) {
            Some(Leaves::Bytes(_)) => 8,
            Some(Leaves::Values(values)) => 8 * values.numbers.n_bytes(),
            Some(Leaves::Classes | Leaves::Words(_)) | None => 16,
        };
        assert!(
            quant.outliers().is_none(),
            "a detector is of a pipeline alone"
        );
        let saved = Saved {
            format: FORMAT.to_owned(),
            version: VERSION,
            model: self.model.to_json(),
            calibrations: self.calibrations.clone(),
            codings: codings.collect(),
            hard_votes: self.options.voting == Voting::Hard,
            vote_bits,
            wants_scores: self.options.wants_scores,
            has_probabilities: quant.probabilities().is_some(),
            margin: quant.margin(),
            digest: digest(quant),
        };
        serde_json::to_vec(&saved).expect("numbers and text")
    }

    /// The conversion of these bytes.
    ///
    /// # Errors
    /// Other bytes, a model or codings that are none, and tables that this version of Spinney does
    /// not make.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let saved: Saved = serde_json::from_slice(bytes).map_err(|fault| {
            ModelError::new(
                "the bytes",
                fault.to_string(),
                "what a saved conversion holds",
            )
        })?;
        if (saved.format.as_str(), saved.version) != (FORMAT, VERSION) {
            let found = format!("{} {}", saved.format, saved.version);
            return Err(ModelError::new(
                "the bytes",
                found,
                format!("{FORMAT} {VERSION}"),
            ));
        }
        let model = FloatModel::from_json(saved.model.as_bytes())?;
        let n_features = model.schema().n_features();
        if saved.calibrations.len() != n_features {
            let found = format!("{} of them", saved.calibrations.len());
            return Err(ModelError::new("calibrations", found, "one per feature"));
        }
        let votes = match saved.vote_bits {
            8 => Votes::Byte,
            16 => Votes::Q15,
            32 => Votes::Word,
            other => {
                return Err(ModelError::new(
                    "vote_bits",
                    other.to_string(),
                    "8, 16 or 32",
                ));
            }
        };
        let options = Options {
            voting: if saved.hard_votes {
                Voting::Hard
            } else {
                Voting::Soft
            },
            votes,
            codes: CodeWidth::Auto,
            wants_scores: saved.wants_scores,
        };
        let rebuilt = if saved.codings.is_empty() {
            QuantModel::new(&model, &saved.calibrations, options, None)
        } else {
            QuantModel::with_codings(&model, &saved.calibrations, options, &saved.codings)
        };
        let rebuilt = rebuilt.and_then(|quant| match saved.has_probabilities {
            true => quant.with_probabilities(),
            false => Ok(quant),
        });
        let quant = rebuilt?;
        let quant = match saved.margin {
            Some(margin)
                if quant.task() != Task::Classify
                    || (u32::try_from(margin).is_err() && quant.forest().is_some()) =>
            {
                return Err(ModelError::new(
                    "margin",
                    margin.to_string(),
                    "a lead of votes",
                ));
            }
            Some(margin) => quant.with_margin(margin),
            None => quant,
        };
        if digest(&quant) != saved.digest {
            return Err(ModelError::new(
                "the tables",
                "others than were saved",
                "the same: quantize the model anew with this version of Spinney",
            ));
        }
        Ok(Self {
            model,
            calibrations: saved.calibrations,
            options,
            quant,
        })
    }
}

/// SHA-256 of everything that scores a row.
fn digest(quant: &QuantModel) -> String {
    let mut sha = Sha256::new();
    let codings = serde_json::to_vec(&(quant.reading_type(), quant.inputs()));
    sha.update(codings.expect("numbers and text"));
    match quant.body() {
        Body::Forest(forest) => {
            for tree in forest.trees() {
                sha.update(tree.first_split.to_le_bytes());
                sha.update(tree.root.to_le_bytes());
            }
            for split in forest.splits() {
                sha.update(split.feature.to_le_bytes());
                sha.update(split.threshold.to_le_bytes());
                sha.update(split.children[0].to_le_bytes());
                sha.update(split.children[1].to_le_bytes());
            }
            match forest.leaves() {
                Leaves::Classes => {}
                Leaves::Bytes(votes) => sha.update(votes),
                Leaves::Words(votes) => votes.iter().for_each(|it| sha.update(it.to_le_bytes())),
                Leaves::Values(values) => {
                    sha.update(&values.scores);
                    let bases = values.bases.iter().copied();
                    let leaves = (0..values.numbers.len()).map(|leaf| values.numbers.get(leaf));
                    bases
                        .chain(leaves)
                        .for_each(|it| sha.update(it.to_le_bytes()));
                }
            }
        }
        Body::Bayes(bayes) => {
            sha.update(format!("{:?}", bayes.terms()));
            bayes
                .offsets()
                .iter()
                .for_each(|it| sha.update(it.to_le_bytes()));
        }
    }
    hex(&sha.finalize())
}
