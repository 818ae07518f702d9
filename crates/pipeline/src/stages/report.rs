//! Stage `report`: gates judged, report assembled from the stages' artifacts, files written.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use spinney_board::{Flash, Timing};
use spinney_checker::Kept;
use spinney_config::{Config, Measured as OnBoard, Model, Output};
use spinney_evaluate::{
    DeviceRun, Evaluation, Footprint, LatencyLimit, Limits, Measured, PerInference, Predictions,
    RejectCost, RunOutcome, Scorecard, Shape, judge, judge_node,
};
use spinney_model::{FloatModel, Tree};
use spinney_quantize::{Certificate, CodeWidth};
use spinney_report::{
    Accuracy, Certified, Dataset, Device, Encoding, Export, FILES, FlowStage, FootprintShare,
    Latency, Origin, Outliers, Property, Reject, Report, Row, SCHEMA, SecondOpinion, Shrink,
    TimingBasis, TreeSize, Truth, UNKNOWN, Value, predictions_csv,
};

use super::build::{FOOTPRINTS, Footprints};
use super::candidates::{self, Choice};
use super::checked::{CHECKED, Checked};
use super::inputs::Inputs;
use super::last_run::{self, MadeFrom};
use super::order::STAGES;
use super::properties::PROPERTIES;
use super::quantize::{CERTIFICATE, EVALUATION, PREDICTIONS, SUMMARY, Summary};
use super::run::{CHOICE, DEVICE, REJECT_COST, RunResult};
use super::select::SELECTION;
use super::shrink::SHRINK;
use super::{Session, chip, features, hand_over, hints, model, node};
use crate::disk;
use crate::failure::{ExitReason, Failure};
use crate::store::{self, Finished, sha256};

/// The folder of a pipeline's reports.
pub fn folder(config: &Config) -> PathBuf {
    let identity = &config.pipeline.identity;
    identity.reports.full.join(&identity.name)
}

/// The gates on the last run, if it was made from today's config and inputs.
pub(super) fn judge_last(session: &Session, inputs: &Inputs) -> Result<Report, Failure> {
    of(session, &last_run::open(session, inputs)?)
}

/// The report of the stages that the session vouches for.
pub fn of(session: &Session, from: &MadeFrom) -> Result<Report, Failure> {
    let config = &session.config;
    let pipeline = &config.pipeline;
    let float = model::load(session)?;
    model::check_classes(config, float.schema().classes())?;
    let origin: Option<Origin> = session.made("model")?.read_json(model::ORIGIN)?;
    let quantized = session.made("quantize")?;
    let summary: Summary = quantized.read_json(SUMMARY)?;
    let predictions: Predictions = quantized.read_json(PREDICTIONS)?;
    let certificate = certificate_of(&quantized, &summary)?;
    let evaluation: Option<Evaluation> = quantized.read_json(EVALUATION)?;
    let footprints: Footprints = session.made("build")?.read_json(FOOTPRINTS)?;
    let run = session.made("run")?;
    let result: RunResult = run.read_json(DEVICE)?;
    let choice: Choice = run.read_json(CHOICE)?;
    let candidates = candidates::of(session)?;
    let chosen = &candidates[choice.chosen];
    let product = footprints.products[choice.chosen]
        .as_ref()
        .unwrap_or(&footprints.empty);
    let differing = n_differing(&summary, &predictions);
    let n_rows = predictions.q15.len();
    let n_unknown = predictions.n_unknown();
    let feature_names: Vec<&str> = summary.features.iter().map(|it| &*it.name).collect();
    let shape = shape(config, &float, &summary, footprints.empty.flash_bytes);
    let reject_cost: Option<RejectCost> = run.read_json(REJECT_COST)?;
    let measured = Measured {
        evaluation: evaluation.as_ref(),
        values: &summary.values,
        detection: summary.detection.as_ref(),
        reject: (summary.reject.as_ref())
            .map(|(_, found)| (n_unknown.unwrap_or(0), n_rows, found.as_ref())),
        reject_cost,
        disagreements: (differing, n_rows),
        certificate: &certificate,
        probability_error: predictions.probability_error,
        features: &feature_names,
        classes: float.schema().classes(),
        shape: shape.as_ref(),
        footprint: product,
        device: match &result {
            RunResult::Ran(run) => RunOutcome::Ran(run),
            RunResult::NotRun(reason) | RunResult::Failed(reason) => RunOutcome::Failed(reason),
            RunResult::NotRequired => RunOutcome::NotRequired,
        },
    };
    let front = node::front(config, &summary);
    let sensor = node::sensor(config, &front);
    let n_answers = float.schema().n_classes() + usize::from(n_unknown.is_some());
    let before_model = (sensor.as_ref(), &front[..]);
    let plan = node::plan(config, before_model, &summary, n_answers, &result);
    let mut verdicts = judge(&limits(config), measured);
    if let Some(plan) = &plan {
        let days = pipeline.budget.battery_life_min_days;
        verdicts.extend(judge_node(plan, days, measured.device));
    }
    let checked: Checked = run.read_json(CHECKED)?;
    verdicts.push(checked.verdict());
    let properties: Vec<Property> = quantized.read_json(PROPERTIES)?;
    let numbered = (1..).zip(&properties);
    verdicts.extend(numbered.map(|(at, it)| it.gate(&format!("property.{at}"))));
    let share = |full: u64, empty: u64| full.cast_signed() - empty.cast_signed();
    let model_flash_bytes = share(product.flash_bytes, footprints.empty.flash_bytes);
    let made_from = serde_json::to_vec(&from.inputs).environment()?;
    Ok(Report {
        schema: SCHEMA,
        pipeline: pipeline.identity.name.clone(),
        fingerprint: sha256(&made_from),
        reproducible: !model::trains_with_linfa(config),
        model: model_facts(config, &float, summary.model_digest.clone(), origin),
        dataset: Dataset {
            train_rows: summary.train_rows,
            test_rows: n_rows,
            validation: summary.validation,
        },
        accuracy: accuracy(evaluation.as_ref(), differing, &predictions),
        values: values(config, &summary),
        detect: summary.detection.clone(),
        reject: reject(&summary, &predictions, reject_cost),
        certificate: Certified {
            checked: checked.passes() && checked.is_whole(),
            ..certified(&certificate, &summary)
        },
        selection: session.made("model")?.read_json(SELECTION)?,
        shrink: (quantized.read_json::<Option<Shrink>>(SHRINK)?).map(|shrink| Shrink {
            checked: checked.promise.as_ref().map(second_opinion),
            ..shrink
        }),
        properties,
        margins: summary.margins.clone(),
        features: features::with_costs(&summary, chosen, model_flash_bytes, reject_cost, &result),
        shuffled: summary.shuffled,
        encoding: Encoding {
            chosen: chosen.name.clone(),
            form: Some(chosen.form.clone()),
            why: Some(choice.why.clone()),
            bytes_per_split: (summary.n_splits > 0).then(|| {
                let bytes = model_flash_bytes as f64 / summary.n_splits as f64;
                (bytes * 100.0).round() / 100.0
            }),
            code_bits: chosen.has_codes.then_some(summary.code_bits),
            is_code: chosen.is_code(),
            early_exit: summary.exit.clone().filter(|_| chosen.early_exit),
            leaves: summary.leaves.clone(),
            candidates: choice.candidates,
        },
        chip: Some(chip::memory(config)),
        footprint: Some(FootprintShare {
            flash_bytes: product.flash_bytes,
            ram_bytes: product.ram_bytes,
            model_flash_bytes,
            model_ram_bytes: share(product.ram_bytes, footprints.empty.ram_bytes),
            image: product.digest.clone(),
            sections: product.sections.clone(),
        }),
        forms: Vec::new(),
        device: device(config, &result, product, n_rows),
        exports: chosen
            .header
            .iter()
            .map(|header| Export {
                kind: "c99".to_owned(),
                path: header.path.clone(),
                form: header.form.clone(),
                notes: header.notes.clone(),
            })
            .collect(),
        node: plan.as_ref().map(spinney_evaluate::node),
        verdicts,
        notes: chip::notes(config, &summary),
        flow: flow(),
        toolchain: from.toolchain.clone(),
    })
}

/// Rows that float and Q15 decide differently; of values, those that are further off than is proven.
pub(super) fn n_differing(summary: &Summary, predictions: &Predictions) -> usize {
    let beyond = summary.values.iter().map(|it| it.rows_beyond).max();
    beyond.unwrap_or_else(|| hints::differing(summary, predictions).count())
}

/// What the checker says of the promise of a smaller model.
fn second_opinion(kept: &Kept) -> SecondOpinion {
    let fault = kept.found.faults.first();
    SecondOpinion {
        found: match fault {
            Some(_) => Truth::Refuted,
            None if kept.is_whole() => Truth::Proven,
            None => Truth::Unknown,
        },
        how: fault.map_or_else(|| kept.to_string(), ToString::to_string),
    }
}

/// What the report says of a certificate.
pub fn certified(certificate: &Certificate, summary: &Summary) -> Certified {
    Certified {
        splits: certificate.splits,
        votes: certificate.votes,
        flip_intervals: certificate.flips.len(),
        rows_at_risk: certificate.rows_at_risk.len(),
        rows_at_risk_list: certificate.rows_at_risk.clone(),
        flips: certificate.flips.clone(),
        arithmetic: summary.arithmetic.clone(),
        // Nothing was, as long as there is no image.
        checked: false,
    }
}

/// The certificate, with rows numbered as in the file they were read from.
pub fn certificate_of(quantized: &Finished, summary: &Summary) -> Result<Certificate, Failure> {
    let mut certificate: Certificate = quantized.read_json(CERTIFICATE)?;
    let rows = certificate.flips.iter_mut().flat_map(|flip| &mut flip.rows);
    for row in rows.chain(&mut certificate.rows_at_risk) {
        *row = summary.source_rows[*row];
    }
    Ok(certificate)
}

fn flow() -> Vec<FlowStage> {
    STAGES
        .iter()
        .map(|stage| FlowStage {
            name: stage.name.to_owned(),
            does: stage.does.to_owned(),
            after: stage.after.iter().map(|name| (*name).to_owned()).collect(),
            makes: stage.makes.to_owned(),
        })
        .collect()
}

/// What a forest's ways out of a budget are estimated from.
pub(super) fn shape(
    config: &Config,
    float: &FloatModel,
    summary: &Summary,
    base_flash_bytes: u64,
) -> Option<Shape> {
    if float.trees().is_empty() {
        return None;
    }
    let codegen = &config.pipeline.codegen;
    // Ranks of 8 bits are what makes the splits narrow.
    let ranks: Vec<usize> = summary
        .features
        .iter()
        .filter(|feature| feature.coding == "rank" && summary.code_bits > 8)
        .map(|feature| feature.table_bytes)
        .collect();
    let most = ranks.iter().max().map_or(0, |bytes| bytes / 4);
    Some(Shape {
        n_trees: float.trees().len(),
        n_classes: float.schema().n_classes(),
        splits_by_depth: float.splits_by_depth(),
        base_flash_bytes,
        votes_bytes: summary.votes_bytes,
        leaf_votes_bytes: summary.leaf_votes_bytes,
        ranks_bytes: ranks.iter().sum::<usize>() as u64,
        rank_bits: u8::try_from(usize::BITS - most.leading_zeros()).unwrap_or(16),
        code_bits: summary.code_bits,
        may_narrow: config.pipeline.quantize.codes == CodeWidth::Word,
        may_exit: !codegen.early_exit && codegen.outputs.iter().all(|o| *o == Output::Class),
        may_limit_leaves: !model::trains_with_linfa(config),
        is_imported: matches!(config.pipeline.model, Model::Import { .. }),
    })
}

/// What the report says of a model.
pub fn model_facts(
    config: &Config,
    float: &FloatModel,
    digest: String,
    origin: Option<Origin>,
) -> spinney_report::Model {
    let size = |tree: &Tree| TreeSize {
        n_splits: tree.n_splits(),
        depth: tree.depth(),
    };
    spinney_report::Model {
        kind: float.kind().to_owned(),
        task: float.task(),
        source: match config.pipeline.model {
            Model::Train(_) => "train",
            Model::Import { .. } => "import",
        }
        .to_owned(),
        n_features: float.schema().n_features(),
        feature_names: float.schema().naming(),
        n_classes: float.schema().n_classes(),
        n_trees: float.trees().len(),
        n_splits: float.n_splits(),
        depth_max: float.depth(),
        trees: float.trees().iter().map(size).collect(),
        classes: float.schema().classes().to_vec(),
        targets: match float.schema().targets() {
            [_] => Vec::new(),
            targets => targets.to_vec(),
        },
        digest,
        origin,
    }
}

/// What the report says of accuracy and agreement.
pub fn accuracy(
    evaluation: Option<&Evaluation>,
    differing: usize,
    predictions: &Predictions,
) -> Accuracy {
    let n_rows = predictions.q15.len();
    let q15 = evaluation.map(|evaluation| &evaluation.q15);
    let probability_error = predictions.probability_error;
    Accuracy {
        float: evaluation.map(|evaluation| evaluation.float.accuracy),
        q15: evaluation.map(|evaluation| evaluation.q15.accuracy),
        drop: evaluation.map(|evaluation| evaluation.drop),
        interval: evaluation.map(|evaluation| evaluation.q15.interval()),
        majority: q15.and_then(|q15| Some(q15.majority()?.1 as f64 / q15.n_rows() as f64)),
        balanced: q15.and_then(Scorecard::balanced_accuracy),
        agreement: (n_rows - differing) as f64 / n_rows.max(1) as f64,
        disagreements: differing,
        float_hard: evaluation.and_then(|evaluation| evaluation.float_hard_accuracy),
        agreement_with_soft: evaluation.and_then(|evaluation| evaluation.agreement_with_soft),
        float_scores: evaluation.map(|evaluation| evaluation.float.clone()),
        q15_scores: evaluation.map(|evaluation| evaluation.q15.clone()),
        probability_error_max: probability_error.map(|error| error.found_max),
        probability_error_bound: probability_error.map(|error| error.bound_max),
        probability_rows_parting: probability_error.map(|error| error.rows_parting),
    }
}

/// A regressor's errors, in the unit of the config; none of other models.
pub(super) fn values(config: &Config, summary: &Summary) -> Vec<Value> {
    Value::of_targets(&config.pipeline.dataset.test().unit, &summary.values)
}

/// When a class is unknown; `None` where it never is.
pub(super) fn reject(
    summary: &Summary,
    predictions: &Predictions,
    cost: Option<RejectCost>,
) -> Option<Reject> {
    let (rule, found) = summary.reject.as_ref()?;
    let outliers = summary.outliers.zip(predictions.outliers.as_ref());
    Some(Reject {
        outliers: outliers.map(|((share, n_trees, n_splits), rows)| Outliers {
            share_promised: share,
            n_trees,
            n_splits,
            flagged: rows.iter().filter(|it| **it).count(),
            false_alarms: found.map(|it| it.false_alarms),
        }),
        flash_bytes: cost.map(|it| it.flash_bytes),
        instructions: cost.and_then(|it| it.instructions),
        ..Reject::new(rule, found.as_ref(), predictions.n_unknown()?)
    })
}

fn device(
    config: &Config,
    result: &RunResult,
    product: &Footprint,
    n_rows: usize,
) -> Option<Device> {
    let run = result.ran()?;
    let machine = config.pipeline.target.board?;
    let ram = chip::ram(&config.pipeline);
    let pace = pace(config);
    let per_instruction = measured(config).map(OnBoard::cycles_per_instruction);
    let cycles = match per_instruction {
        Some(cycles) => Some(PerInference::measured(run, cycles)),
        None => PerInference::of(run, pace.wait_states),
    };
    let us = |cycles: f64| Some(to_a_hundredth(cycles / pace.clock_mhz?));
    let latency_us = cycles.and_then(|cycles| {
        Some(Latency {
            mean: us(cycles.mean)?,
            max: us(cycles.max as f64)?,
        })
    });
    let power = config.pipeline.power.as_ref();
    let watts = power.map(|power| power.active_ma * 1e-3 * power.voltage_v);
    Some(Device {
        cycles_per_inference: cycles,
        latency_us,
        energy_uj: watts
            .zip(latency_us)
            .map(|(watts, latency)| to_a_hundredth(watts * latency.mean)),
        timing: timing(config, run, &pace),
        board: machine.name.to_owned(),
        core: machine.core.report_name().to_owned(),
        emulated: true,
        rows: run.classes.len(),
        of_rows: run.drawn.as_ref().map(|_| n_rows),
        parity_mismatches: run.mismatches.len(),
        instructions_per_inference: run.instructions_per_inference(),
        instructions_from_codes: run.instructions_from_codes,
        instructions_of_coding: Some(
            ((run.instructions.mean - run.instructions_from_codes.mean) * 10.0).round() / 10.0,
        ),
        stack_bytes_max: run.stack_bytes_max,
        interrupt_bytes: ram.interrupt_bytes,
        ram_and_stack_bytes: ram.taken(product, run),
        worst_case: run.worst_case,
        heard: run.heard.as_deref().cloned(),
    })
}

/// How fast the core runs, and for how long flash keeps it waiting.
struct Pace {
    clock_mhz: Option<f64>,
    /// At the most; none where they are not known.
    wait_states: u32,
    /// In words.
    flash: Option<String>,
}

fn pace(config: &Config) -> Pace {
    let target = &config.pipeline.target;
    let power = config.pipeline.power.as_ref();
    let clock_mhz = power.map(|power| power.clock_mhz).or(target.clock_mhz);
    let flash = clock_mhz.and_then(|clock| {
        let flash = Flash::of(&target.chip.name)?;
        Some((flash, flash.wait_states(clock)?))
    });
    Pace {
        clock_mhz,
        wait_states: flash.map_or(0, |(_, wait_states)| wait_states),
        flash: flash.map(|(flash, wait_states)| match wait_states {
            0 => format!("none ({})", flash.source),
            n => format!("{n}, hidden by {} ({})", flash.hidden_by, flash.source),
        }),
    }
}

fn measured(config: &Config) -> Option<&OnBoard> {
    config.pipeline.target.measured.as_ref()
}

/// What cycles rest on; `None` without them.
fn timing(config: &Config, run: &DeviceRun, pace: &Pace) -> Option<TimingBasis> {
    if let Some(measured) = measured(config) {
        return Some(TimingBasis {
            source: format!("a board with {} ({})", measured.chip, measured.file),
            rows: measured.rows,
            is_measured: true,
            clock_mhz: pace.clock_mhz,
            flash: None,
        });
    }
    let timing = Timing::of(&config.pipeline.target.chip)?;
    Some(TimingBasis {
        source: timing.source().to_owned(),
        rows: run.cycles.as_ref()?.rows,
        is_measured: false,
        clock_mhz: pace.clock_mhz,
        flash: pace.flash.clone(),
    })
}

fn to_a_hundredth(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

fn limits(config: &Config) -> Limits {
    let budget = &config.pipeline.budget;
    Limits {
        flash_bytes: u64::from(budget.flash),
        ram_bytes: u64::from(budget.ram),
        chip_ram: Some(chip::ram(&config.pipeline)),
        stack_bytes: budget.stack.map(u64::from),
        instructions_mean: budget.instructions,
        instructions_max: budget.instructions_max,
        instructions_bound: budget.instructions_bound,
        latency: budget.latency_us_max.and_then(|us| {
            let pace = pace(config);
            Some(LatencyLimit {
                us,
                clock_mhz: pace.clock_mhz?,
                wait_states: pace.wait_states,
                cycles_per_instruction: measured(config).map(OnBoard::cycles_per_instruction),
            })
        }),
        accuracy: config.pipeline.accuracy.clone(),
        reject_flash: budget.reject_flash.map(u64::from),
        reject_instructions: budget.reject_instructions,
    }
}

/// Writes the reports for people and machines; gives the digest of each file.
pub(super) fn write(
    session: &Session,
    report: &Report,
    folder: &Path,
) -> Result<BTreeMap<String, String>, Failure> {
    let quantized = session.made("quantize")?;
    let summary: Summary = quantized.read_json(SUMMARY)?;
    let predictions: Predictions = quantized.read_json(PREDICTIONS)?;
    let result: RunResult = session.made("run")?.read_json(DEVICE)?;
    let class = |index: usize| {
        Cow::Borrowed(report.model.classes.get(index).map_or(
            if predictions.answers.is_some() && index == report.model.n_classes {
                UNKNOWN
            } else {
                "(no such class)"
            },
            String::as_str,
        ))
    };
    let ran = result.ran();
    let rows = 0..predictions.q15.len();
    let csv = match &predictions.values[..] {
        [] => predictions_csv(rows.map(|row| Row {
            row: summary.source_rows[row],
            target: None,
            label: summary.labels.as_ref().map(|labels| class(labels[row])),
            float: class(predictions.float[row]),
            q15: class(predictions.delivered()[row]),
            device: ran.and_then(|run| Some(class(run.classes[run.place(row)?]))),
        })),
        targets => {
            let n_targets = targets.len();
            let lines = rows.flat_map(|row| (0..n_targets).map(move |target| (row, target)));
            predictions_csv(lines.map(|(row, target)| {
                let values = &targets[target];
                let label = summary.numbers.get(target).map(|labels| labels[row]);
                let device = ran.and_then(|run| {
                    let device = *run.scores.get(run.place(row)? * n_targets + target)?;
                    values.of_device(row, predictions.scores[row][target], device)
                });
                Row {
                    row: summary.source_rows[row],
                    target: (n_targets > 1).then_some(&*values.target),
                    label: label.map(|number| number.to_string().into()),
                    float: values.float[row].to_string().into(),
                    q15: values.q15[row].to_string().into(),
                    device: device.map(|number| number.to_string().into()),
                }
            }))
        }
    };
    hand_over::check_reports(&session.config, folder)?;
    let texts = [
        csv,
        report.to_markdown(),
        report.to_html(),
        report.to_json(),
    ];
    let files: Vec<(&str, String)> = FILES.into_iter().zip(texts).collect();
    disk::sweep(folder);
    store::write_together(folder, &files).input()
}
