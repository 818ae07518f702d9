//! What a front end spends on a feature: the difference to an image of the same front end without it,
//! built and run.
//!
//! The images have no model, so that what differs is the front end's.

use std::path::Path;

use anyhow::anyhow;
use spinney_codegen::{Encoding, Identity, Origin, add_front_end, empty};
use spinney_convert::{Conversion, options_for};
use spinney_evaluate::{Footprint, read_heard};
use spinney_model::{FloatModel, Forest, ForestKind, Naming, Node, Schema, Tree, Voting};
use spinney_quantize::{CodeWidth, Options, QuantModel, Votes};
use spinney_report::FeatureCoding;
use spinney_signal::FrontEnd;

use super::build::{Built, build_one};
use super::candidates::{Candidate, Form};
use super::quantize::SAMPLES;
use super::{FoundEmulator, Quantized, Session, inputs, product, quantized, report, signals};
use crate::emulator::Ended;
use crate::failure::{ExitReason, Failure};
use crate::image::Transport;
use crate::progress::Progress;

/// What an image of a front end takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spent {
    /// Flash of the image.
    pub flash_bytes: u64,
    /// Static RAM of the image.
    pub ram_bytes: u64,
    /// Mean instructions of a decision, from samples to features.
    pub instructions: f64,
}

/// A front end with all features that the model asks, and without some of them.
pub struct FrontCosts {
    /// The machine that ran the images.
    pub machine: &'static str,
    /// With all.
    pub with_all: Spent,
    /// Without one of them, with what the report says of it, the most important one first.
    pub features: Vec<(FeatureCoding, Spent)>,
    /// Without several that share work, by what these are together.
    pub parts: Vec<(String, Spent)>,
}

/// Builds and runs the front end of the last run of the pipeline at `path` without each feature in turn.
///
/// # Errors
/// There is no front end, no whole run of today's config and inputs, or no emulator; an image fails.
pub fn front_costs(path: &Path, progress: Progress) -> Result<FrontCosts, Failure> {
    let session = Session::open(path, progress)?;
    let config = &session.config;
    let Some(front) = signals::front_end(config)? else {
        return Err(Failure::Input(anyhow!(
            "{}: found no [frontend], expected one; what the model itself spends on each feature is in its \
             report",
            path.display()
        )));
    };
    let inputs = inputs::read(config)?;
    let report = report::judge_last(&session, &inputs)?;
    let Some(emulator) = session.emulator()? else {
        return Err(Failure::Environment(anyhow!(
            "found no emulator, expected one: instructions are measured; `board` in [target] names a machine"
        )));
    };
    let quantized = quantized::prepare(&session, &inputs)?;
    let names = quantized.model.schema().feature_names();
    let measuring = Measuring {
        is_asked: front.asked(&names).input()?,
        front,
        session: &session,
        emulator,
        quantized: &quantized,
    };
    let asked: Vec<usize> = (0..measuring.is_asked.len())
        .filter(|feature| measuring.is_asked[*feature])
        .collect();
    let mut features = Vec::new();
    // A front end of nothing is none.
    let alone = asked.len() == 1;
    for (place, feature) in asked.iter().enumerate().filter(|_| !alone) {
        let spent = measuring.without(&[*feature], &names[place])?;
        features.push((report.features[place].clone(), spent));
    }
    let importance = |it: &FeatureCoding| it.permutation_importance.unwrap_or(0.0);
    features.sort_by(|(one, _), (other, _)| importance(other).total_cmp(&importance(one)));
    let mut parts = Vec::new();
    for (name, part) in measuring.front.parts() {
        let n_asked = part.iter().filter(|it| measuring.is_asked[**it]).count();
        if n_asked > 1 && n_asked < asked.len() {
            let spent = measuring.without(&part, &name)?;
            parts.push((name, spent));
        }
    }
    let with_all = measuring.without(&[], "nothing")?;
    session.progress.clear();
    Ok(FrontCosts {
        machine: emulator.machine.name,
        with_all,
        features,
        parts,
    })
}

struct Measuring<'a> {
    session: &'a Session,
    emulator: &'a FoundEmulator,
    quantized: &'a Quantized,
    front: FrontEnd,
    is_asked: Vec<bool>,
}

impl Measuring<'_> {
    /// The front end without these of its features.
    fn without(&self, left_out: &[usize], name: &str) -> Result<Spent, Failure> {
        let mut is_asked = self.is_asked.clone();
        for feature in left_out {
            is_asked[*feature] = false;
        }
        let asked = (0..is_asked.len()).filter(|feature| self.is_asked[*feature]);
        // By their places among the model's features.
        let kept: Vec<usize> = (asked.enumerate())
            .filter(|(_, feature)| is_asked[*feature])
            .map(|(place, _)| place)
            .collect();
        let model = self.model_of(&kept)?;
        let form = self.form(&model, &is_asked)?;
        let built = Built {
            name: format!("front end without {name}"),
            folder: "front-end-without",
            form: &form,
            transport: Transport::Verify,
            takes_samples: true,
        };
        let elf = build_one(self.session, built)?;
        let footprint = Footprint::from_elf(&elf).environment()?;
        Ok(Spent {
            flash_bytes: footprint.flash_bytes,
            ram_bytes: footprint.ram_bytes,
            instructions: self.instructions(&elf, &model, &kept, name)?,
        })
    }

    /// A tree of these features of the model, which are its readings; it stays out of the image.
    fn model_of(&self, kept: &[usize]) -> Result<QuantModel, Failure> {
        let schema = self.quantized.model.schema().select(kept);
        let classes = ["low", "high"].map(str::to_owned).to_vec();
        let leaf = |values: [f64; 2]| Node::Leaf(values.to_vec());
        let split = Node::at_most(0, 0.5, None, [1, 2]);
        let schema = Schema::new(schema.features().to_vec(), Naming::Given, classes).input()?;
        let tree = Tree::new(vec![split, leaf([1.0, 0.0]), leaf([0.0, 1.0])], &schema).input()?;
        let forest = Forest::new(ForestKind::DecisionTree, schema, vec![tree]).input()?;
        let calibrations = &self.quantized.calibrations;
        let calibrations = kept.iter().map(|place| calibrations[*place].clone());
        let options = Options {
            voting: Voting::Soft,
            votes: Votes::Q15,
            codes: CodeWidth::Auto,
            wants_scores: false,
        };
        let model = FloatModel::Forest(forest);
        let converted = Conversion::calibrated(model, calibrations.collect(), options, None);
        Ok(converted.input()?.quant)
    }

    fn form(&self, model: &QuantModel, is_asked: &[bool]) -> Result<Form, Failure> {
        let pipeline = &self.session.config.pipeline;
        let identity = Identity {
            pipeline: &pipeline.identity.name,
            kind: ForestKind::DecisionTree.as_str(),
            fingerprint: "0",
            origin: Origin::Config,
        };
        let options = options_for(pipeline.target.chip.core, model, Encoding::Table, false);
        let mut files = empty(identity, model, &options);
        add_front_end(&self.front, is_asked, &mut files).input()?;
        Ok(Form {
            about: Candidate {
                name: "front end".to_owned(),
                ..Candidate::default()
            },
            files,
            header: None,
        })
    }

    /// From samples to these features, each of which has the host's bits.
    fn instructions(
        &self,
        elf: &[u8],
        model: &QuantModel,
        kept: &[usize],
        name: &str,
    ) -> Result<f64, Failure> {
        let samples = self.session.made("quantize")?.read(SAMPLES)?;
        self.session.progress.doing(&format!(
            "listening without {name} on the emulated {}",
            self.emulator.machine.name
        ));
        let run = self.emulator.of(self.session).run(elf, &samples)?;
        let outcomes = match run.ended {
            Ended::Outcomes(outcomes) => outcomes,
            Ended::NotRun(why) | Ended::Failed(why) => {
                return Err(Failure::Image(anyhow!(
                    "the front end without {name}: {why}"
                )));
            }
        };
        let test = &self.quantized.rows.test;
        let mut rows = Vec::new();
        for row in test.values().rows() {
            let row: Vec<f64> = kept.iter().map(|place| row[*place]).collect();
            rows.extend(model.reading_bytes(&row));
        }
        let heard = run.heard.unwrap_or_default();
        let timer = self.emulator.machine.timer;
        let ends = product::ends(&self.front, &samples);
        let told = (&rows[..], ends.as_deref());
        let heard = read_heard(&heard, &outcomes, told, test.n_rows(), timer);
        match heard.map_err(|error| anyhow!("the front end without {name}: {error}")) {
            Ok(heard) if heard.mismatches.is_empty() => Ok(heard.instructions.mean),
            Ok(heard) => Err(Failure::Image(anyhow!(
                "the front end without {name}: {} decisions have other features than on the host, expected none",
                heard.mismatches.len()
            ))),
            Err(error) => Err(Failure::Image(error)),
        }
    }
}
