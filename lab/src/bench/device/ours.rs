//! Our forms of a model on one core: every [`Variant`] quantized, built, run on all test rows.

use std::collections::BTreeMap;

use anyhow::anyhow;
use spinney_cli::terminal;
use spinney_codegen::{
    CodeType, Encoding, Generated, Identity, Options as GeneratedOptions, Origin, SourceTree,
};
use spinney_evaluate::{
    DeviceRun, Footprint, Instructions, Predictions, RunContext, predict, read_outcomes,
};
use spinney_model::{FloatModel, Voting};
use spinney_quantize::{CodeWidth, CodingChoice, Declared, Options, QuantModel, Votes, calibrate};

use super::model::Model;
use super::{Bench, FromReadings, Measured, Place, Ran};
use spinney_convert::options_for;
use spinney_pipeline::emulator::Ended;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::image::{self, Image, Transport};

/// What a form is, and with that what it is compared with and asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Branches16,
    Branches8,
    Branches8EarlyExit,
    Readings,
    Table16,
    Table8,
    Packed,
    Soft,
    Bayes,
    Sums,
}

/// One way in which we build a model.
pub(super) struct Variant {
    /// What it is called in the report.
    pub name: &'static str,
    pub mode: Mode,
    pub voting: Voting,
    /// The precision of soft votes.
    votes: Votes,
    coding: CodingChoice,
    encoding: Encoding,
    /// Codes of 8 bits where the model's thresholds allow it, else of 16.
    code_type: CodeType,
    early_exit: bool,
    /// Whether the model is compiled at `opt-level = 3` or for size.
    for_speed: bool,
    /// Whether the goals of its mode are asked of it; one variant of a mode must meet all of them.
    pub is_judged: bool,
}

const TABLE: Variant = Variant {
    name: "table 16-bit",
    mode: Mode::Table16,
    voting: Voting::Hard,
    votes: Votes::Q15,
    coding: CodingChoice::Auto,
    encoding: Encoding::Table,
    code_type: CodeType::I16,
    early_exit: false,
    for_speed: true,
    is_judged: true,
};

const TABLE_8: Variant = Variant {
    name: "table 8-bit",
    mode: Mode::Table8,
    code_type: CodeType::U8,
    ..TABLE
};

const BRANCHES_8: Variant = Variant {
    name: "branches 8-bit",
    mode: Mode::Branches8,
    encoding: Encoding::Branches,
    ..TABLE_8
};

/// Every way in which we build ensembles; a line each. The last ones are for the one model that
/// ratios are asked of.
#[rustfmt::skip]
const TREES: [Variant; 13] = [
    Variant { ..TABLE },
    Variant { ..TABLE_8 },
    Variant { name: "packed", mode: Mode::Packed, encoding: Encoding::Packed, ..TABLE_8 },
    Variant { name: "branches 16-bit", mode: Mode::Branches16, encoding: Encoding::Branches, ..TABLE },
    Variant { ..BRANCHES_8 },
    Variant { name: "branches 8-bit, early exit", mode: Mode::Branches8EarlyExit, early_exit: true, ..BRANCHES_8 },
    Variant { name: "table 8-bit, 8-bit votes", mode: Mode::Soft, voting: Voting::Soft, votes: Votes::Byte, ..TABLE_8 },
    Variant { name: "branches 8-bit, 8-bit votes", mode: Mode::Soft, voting: Voting::Soft, votes: Votes::Byte, ..BRANCHES_8 },
    Variant { name: "table 8-bit, early exit", early_exit: true, is_judged: false, ..TABLE_8 },
    Variant { name: "table 16-bit, 8-bit votes", mode: Mode::Soft, voting: Voting::Soft, votes: Votes::Byte, ..TABLE },
    Variant { name: "packed, 8-bit votes", mode: Mode::Soft, encoding: Encoding::Packed, voting: Voting::Soft, votes: Votes::Byte, ..TABLE_8 },
    Variant { name: "branches 8-bit, 8-bit votes, early exit", mode: Mode::Soft, voting: Voting::Soft, votes: Votes::Byte, early_exit: true, ..BRANCHES_8 },
    Variant { name: "table 8-bit, Q15 votes", mode: Mode::Soft, voting: Voting::Soft, ..TABLE_8 },
];

/// How readings that need codes are compared without; their codings, by rank, decide as float does.
const READINGS: Variant = Variant {
    name: "branches on readings",
    mode: Mode::Readings,
    coding: CodingChoice::Rank,
    encoding: Encoding::Branches,
    code_type: CodeType::Reading,
    ..TABLE
};

/// Every way in which we build naive Bayes.
#[rustfmt::skip]
const BAYES: [Variant; 2] = [
    Variant { name: "integer scores", mode: Mode::Bayes, voting: Voting::Soft, is_judged: false, ..TABLE },
    Variant { name: "integer scores, for size", mode: Mode::Bayes, voting: Voting::Soft, for_speed: false, ..TABLE },
];

/// Every way in which we build trees that add; the last is for classes.
#[rustfmt::skip]
const SUMS: [Variant; 7] = [
    Variant { name: "table", ..SUM },
    Variant { name: "table, 8-bit values", votes: Votes::Byte, ..SUM },
    Variant { name: "packed", encoding: Encoding::Packed, ..SUM },
    Variant { name: "branches", encoding: Encoding::Branches, ..SUM },
    Variant { name: "branches on readings", code_type: CodeType::Reading, encoding: Encoding::Branches, ..SUM },
    Variant { name: "table, early exit", early_exit: true, ..SUM },
    Variant { name: "branches, early exit", early_exit: true, encoding: Encoding::Branches, ..SUM },
];

/// Ranks decide as float does, so that the figures of values are those of their rounding alone.
const SUM: Variant = Variant {
    name: "",
    mode: Mode::Sums,
    voting: Voting::Soft,
    coding: CodingChoice::Rank,
    is_judged: false,
    ..TABLE_8
};

/// The variants of a model.
pub(super) fn variants(model: &Model) -> Vec<&'static Variant> {
    let common = TREES[..8].iter();
    match (&model.float, model.name.as_str()) {
        (FloatModel::GaussianNb(_), _) => BAYES.iter().collect(),
        (FloatModel::Additive(_), _) if model.has_values() => SUMS[..5].iter().collect(),
        (FloatModel::Additive(_), _) => SUMS.iter().collect(),
        (_, "digits_rf10") => TREES.iter().collect(),
        (_, "iris_dt4" | "bc_rf20") => common.chain([&READINGS]).collect(),
        _ => common.collect(),
    }
}

fn voting_name(variant: &Variant) -> &'static str {
    match (variant.mode, variant.voting) {
        (Mode::Sums, _) => "sum",
        (_, Voting::Hard) => "hard",
        (_, Voting::Soft) => "soft",
    }
}

/// Whose figures these are, in [`Measured::by`].
pub(super) const BY: &str = "spinney";
const IDENTITY: Identity<'_> = Identity {
    pipeline: "bench",
    kind: "bench",
    fingerprint: "0000000000000000000000000000000000000000000000000000000000000000",
    origin: Origin::Config,
};

/// Builds and runs every variant of `model`.
pub(super) fn measure(
    bench: &Bench,
    model: &Model,
    place: &Place,
) -> Result<Vec<Measured>, Failure> {
    let site = Site {
        bench,
        model,
        place,
    };
    let mut empties = Empties::default();
    let mut measured = Vec::new();
    for variant in variants(model) {
        let quant = site.quantize(variant)?;
        // Where readings are not compared, the branches are those on codes, which have a line.
        let in_effect = site.drop_in(variant, &quant)?.options.code_type;
        if variant.code_type != CodeType::Reading || in_effect == CodeType::Reading {
            measured.push(site.variant(variant, &quant, &mut empties)?);
        }
    }
    Ok(measured)
}

/// What images without a model take, by the type of their readings. How the model is optimized does
/// not show in them.
#[derive(Default)]
struct Empties {
    footprints: BTreeMap<&'static str, Footprint>,
    runs: BTreeMap<&'static str, DeviceRun>,
}

/// One model on one core.
struct Site<'b> {
    bench: &'b Bench,
    model: &'b Model,
    place: &'b Place,
}

impl Site<'_> {
    fn quantize(&self, variant: &Variant) -> Result<QuantModel, Failure> {
        let declared = vec![
            Declared {
                coding: variant.coding,
                ..Declared::default()
            };
            self.model.n_features
        ];
        let train = &self.model.train;
        let calibrations =
            calibrate(&self.model.float, Some(train.values().view()), &declared).environment()?;
        let options = Options {
            voting: variant.voting,
            votes: variant.votes,
            wants_scores: false,
            codes: match variant.code_type {
                CodeType::U8 => CodeWidth::Auto,
                CodeType::I16 | CodeType::U16 | CodeType::Reading => CodeWidth::Word,
            },
        };
        let quant = QuantModel::new(&self.model.float, &calibrations, options, Some(train));
        let quant = quant.environment()?;
        // Trees that may be left out are ordered on training rows, as a pipeline does it.
        let ordered = variant
            .early_exit
            .then(|| quant.in_order(&quant.order(train)));
        Ok(ordered.unwrap_or(quant))
    }

    /// What is generated for `variant` of the model on this core.
    fn drop_in(&self, variant: &Variant, quant: &QuantModel) -> Result<Generated, Failure> {
        let chosen = options_for(self.place.core, quant, variant.encoding, variant.early_exit);
        let options = GeneratedOptions {
            code_type: variant.code_type,
            // What is called 16-bit is so throughout.
            wide_thresholds: variant.code_type == CodeType::I16,
            ..chosen
        };
        spinney_codegen::drop_in(IDENTITY, quant, &options).environment()
    }

    /// Footprint of the product image without a model.
    fn empty_footprint(
        &self,
        quant: &QuantModel,
        empties: &mut Empties,
    ) -> Result<Footprint, Failure> {
        let key = quant.reading_type().rust_name();
        if let Some(known) = empties.footprints.get(key) {
            return Ok(known.clone());
        }
        let options = GeneratedOptions::plain();
        let footprint = self.product(&spinney_codegen::empty(IDENTITY, quant, &options), true)?;
        empties.footprints.insert(key, footprint.clone());
        Ok(footprint)
    }

    /// A run of the verify image without a model.
    fn empty_run(&self, quant: &QuantModel, empties: &mut Empties) -> Result<DeviceRun, Failure> {
        let key = quant.reading_type().rust_name();
        if let Some(known) = empties.runs.get(key) {
            return Ok(known.clone());
        }
        let predictions = Predictions {
            q15: vec![0; self.model.n_rows],
            scores: vec![vec![0; self.model.n_classes]; self.model.n_rows],
            ..Predictions::default()
        };
        let source = spinney_codegen::empty(IDENTITY, quant, &GeneratedOptions::plain());
        let run = self
            .run(&source, quant, true, false, &predictions)?
            .map_err(|reason| anyhow!("our image without a model: {reason}"))
            .environment()?;
        empties.runs.insert(key, run.clone());
        Ok(run)
    }

    fn variant(
        &self,
        variant: &Variant,
        quant: &QuantModel,
        empties: &mut Empties,
    ) -> Result<Measured, Failure> {
        let model = self.model;
        let (product, empty) = self.footprints(variant, quant, empties)?;
        let codes = quant.of_codes();
        let are_readings = quant.is_identity() || variant.code_type == CodeType::Reading;
        let (product_of_codes, empty_of_codes) = if are_readings {
            (product.clone(), empty.clone())
        } else {
            self.footprints(variant, &codes, empties)?
        };
        let without = self.empty_run(quant, empties)?;
        let predictions = predict(&model.float, quant, variant.voting, &model.test);
        let run = self.checked_run(variant, quant, &predictions)?;
        let voting = voting_name(variant);
        let values = predictions.values.iter().map(|it| &it.q15);
        let from_readings = run.as_ref().ok().map(|run| FromReadings {
            flash_bytes: product.flash_bytes.saturating_sub(empty.flash_bytes),
            instructions: run.instructions.mean - without.instructions.mean,
            instructions_max: over(run.instructions, without.instructions),
        });
        let ran = run.map(|run| Ran {
            instructions: run.instructions_from_codes.mean - without.instructions_from_codes.mean,
            instructions_max: over(run.instructions_from_codes, without.instructions_from_codes),
            stack_bytes: u64::from(run.stack_bytes_max.saturating_sub(without.stack_bytes_max)),
            disagreements: model.disagreements(&run.classes, voting),
            error_max: model.error_max(values.flatten().copied()),
            rows: run.classes.len(),
        });
        Ok(Measured {
            model: model.name.clone(),
            core: self.place.name.to_owned(),
            by: BY.to_owned(),
            form: variant.name.to_owned(),
            voting: voting.to_owned(),
            flash_bytes: product_of_codes
                .flash_bytes
                .saturating_sub(empty_of_codes.flash_bytes),
            ram_bytes: product.ram_bytes.saturating_sub(empty.ram_bytes),
            ran,
            from_readings,
        })
    }

    /// Footprints of the product image with the model and without.
    fn footprints(
        &self,
        variant: &Variant,
        quant: &QuantModel,
        empties: &mut Empties,
    ) -> Result<(Footprint, Footprint), Failure> {
        let generated = self.drop_in(variant, quant)?;
        let product = self.product(&generated.files, variant.for_speed)?;
        Ok((product, self.empty_footprint(quant, empties)?))
    }

    /// Runs the verify image; one that differs from the host in any bit has failed.
    fn checked_run(
        &self,
        variant: &Variant,
        quant: &QuantModel,
        predictions: &Predictions,
    ) -> Result<Result<DeviceRun, String>, Failure> {
        let generated = self.drop_in(variant, quant)?;
        let class_only = generated.options.early_exit;
        let for_speed = variant.for_speed;
        let run = self.run(&generated.files, quant, for_speed, class_only, predictions)?;
        Ok(run.and_then(|run| match run.mismatches.len() {
            0 => Ok(run),
            n => Err(format!("{n} rows differ from the host's")),
        }))
    }

    fn product(&self, source: &SourceTree, for_speed: bool) -> Result<Footprint, Failure> {
        let elf = self.build(source, for_speed, false, Transport::Product)?;
        Footprint::from_elf(&elf).environment()
    }

    fn build(
        &self,
        source: &SourceTree,
        for_speed: bool,
        class_only: bool,
        transport: Transport,
    ) -> Result<Vec<u8>, Failure> {
        let machine = self.place.machine()?;
        let name = format!("{}-{}", self.model.name, self.place.name);
        image::build(
            &Image {
                model: source,
                model_package: "bench-model".to_owned(),
                has_probabilities: false,
                boot: spinney_board::Boot::Direct,
                memory: (machine.flash, machine.ram),
                core: self.place.core,
                log: "off",
                for_speed,
                transport,
                takes_samples: false,
                class_only,
            },
            &self.bench.toolchains[self.place.name],
            &self.bench.work.join("firmware").join(name),
            &terminal::notes(),
        )
    }

    /// Builds and runs the verify image; the inner error says how a run ended early.
    fn run(
        &self,
        source: &SourceTree,
        quant: &QuantModel,
        for_speed: bool,
        class_only: bool,
        predictions: &Predictions,
    ) -> Result<Result<DeviceRun, String>, Failure> {
        let elf = self.build(source, for_speed, class_only, Transport::Verify)?;
        let emulation = self.bench.emulation(self.place)?;
        let rows = self.model.test.values().rows().into_iter();
        let rows: Vec<u8> = rows
            .flat_map(|row| quant.reading_bytes(&row.to_vec()))
            .collect();
        let run = emulation.run(&elf, &rows)?;
        let bytes = match run.ended {
            Ended::NotRun(reason) | Ended::Failed(reason) => return Ok(Err(reason)),
            Ended::Outcomes(bytes) => bytes,
        };
        let timer = emulation.machine.timer;
        let context = RunContext {
            n_classes: self.model.n_classes,
            class_only,
            ..RunContext::new(self.model.n_features, timer, predictions)
        };
        Ok(read_outcomes(&bytes, context).map_err(|error| error.to_string()))
    }
}

fn over(with: Instructions, without: Instructions) -> f64 {
    with.max.saturating_sub(without.max) as f64
}
