//! Rows that neither train nor test: those that choices are made on, and those that calibrate when a class is
//! unknown.

use std::collections::BTreeSet;

use spinney_config::{
    CalibrationRows, Config, DataFile, Dataset as RowsConfig, Reject, Validation, Word,
};
use spinney_dataset::{Note, notes, permutation, split, split_by_group};
use spinney_evaluate::Reject as Rejecting;
use spinney_model::{FloatModel, Task};

use super::inputs::{Inputs, PipelineRows, at_fault};
use super::opened::{Opened, check_groups};
use crate::failure::Failure;

/// Sets the rows aside that calibrate when a class is unknown: those of a file, or a share of the
/// training rows, drawn whatever their class, as new rows come.
pub(super) fn hold_out(
    config: &Config,
    inputs: &Inputs,
    (task, model): (Task, Option<&FloatModel>),
    reject: &Reject,
    rows: &mut PipelineRows,
) -> Result<(), Failure> {
    let calibration = match (&reject.rows, &rows.train) {
        (CalibrationRows::File(file), _) => {
            check_apart(config, inputs, file, "reject.rows")?;
            let opened = Opened::new(config, inputs, task, file, model)?;
            let of_test = rows.test.is_named().then(|| rows.test.features());
            opened.read(opened.wanted(of_test)?)?.0
        }
        (CalibrationRows::Validation, _) => match &rows.validation {
            Some(validation) => validation.clone(),
            None => return Ok(()),
        },
        (CalibrationRows::Share(share), Some(train)) => {
            let order = permutation(train.n_rows(), config.pipeline.identity.seed);
            // Casts: a share of a row count.
            let n_held = (share * train.n_rows() as f64).ceil() as usize;
            let (held, kept) = order.split_at(n_held.min(train.n_rows()));
            let sorted = |rows: &[usize]| {
                let mut rows = rows.to_vec();
                rows.sort_unstable();
                rows
            };
            let (held, kept) = (train.select(&sorted(held)), sorted(kept));
            let of_kept = |groups: Vec<usize>| kept.iter().map(|row| groups[*row]).collect();
            rows.groups = rows.groups.take().map(of_kept);
            rows.train = Some(train.select(&kept));
            held
        }
        (CalibrationRows::Share(_), None) => return Ok(()),
    };
    let (found, needed) = (calibration.n_rows(), Rejecting::rows_min(reject.coverage));
    if found < needed {
        let message = format!(
            "found {} with {found} rows to calibrate on, expected at least {needed} rows to promise it",
            reject.coverage
        );
        let help = "promise less, or keep more rows apart: `share`, or more of them in `rows`";
        return Err(config.fault("reject.coverage", message, Some(help)).into());
    }
    rows.calibration = Some(calibration);
    Ok(())
}

/// Takes the rows for validation: those of a file, or a share of the training rows.
pub(super) fn set_aside(
    config: &Config,
    inputs: &Inputs,
    (task, model): (Task, Option<&FloatModel>),
    validation: &Validation,
    rows: &mut PipelineRows,
) -> Result<(), Failure> {
    if task != Task::Classify {
        let message = format!("found a model to {}, expected a classifier", task.word());
        let help = "rows for validation are those that choices of a classifier are made on";
        let key = match validation {
            Validation::File(_) => "dataset.validation",
            Validation::Share(_) => "dataset.validation_fraction",
        };
        return Err(config.fault(key, message, Some(help)).into());
    }
    match (validation, &rows.train) {
        (Validation::Share(share), Some(train)) => {
            let seed = config.pipeline.identity.seed;
            let parts = match &rows.groups {
                Some(groups) if n_groups(groups) < 2 => {
                    let message = "found training rows of one group, expected at least two, so that one \
                                   is for validation";
                    let help = "give training rows of more groups, or remove `validation_fraction`";
                    let fault = config.fault("dataset.validation_fraction", message, Some(help));
                    return Err(fault.into());
                }
                Some(groups) => {
                    let groups: Vec<String> = groups.iter().map(usize::to_string).collect();
                    split_by_group(train, &groups, *share, seed)
                }
                None => split(train, *share, seed),
            };
            let parts = parts.map_err(|error| at_fault(config.path(), &error))?;
            let kept: BTreeSet<&usize> = parts.train.source_rows().iter().collect();
            if let Some(groups) = &mut rows.groups {
                let n_all = n_groups(groups);
                let mut all = train.source_rows().iter();
                groups.retain(|_| all.next().is_some_and(|it| kept.contains(it)));
                let n_aside = n_all - n_groups(groups);
                let text = format!(
                    "{n_aside} of the {n_all} {} of the training rows are for validation, and do not train",
                    match config.pipeline.frontend {
                        Some(_) => "recordings",
                        None => "groups",
                    }
                );
                rows.notes.push(Note::new("groups", text));
            }
            rows.validation = Some(parts.test);
            rows.train = Some(parts.train);
        }
        (Validation::File(file), train) => {
            check_apart(config, inputs, file, "dataset.validation")?;
            // Recordings have become rows already.
            if config.pipeline.frontend.is_some() {
                return Ok(());
            }
            let opened = Opened::new(config, inputs, task, file, model)?;
            let like = train.as_ref().unwrap_or(&rows.test);
            let wanted = opened.wanted(like.is_named().then(|| like.features()))?;
            let aside = opened.read(wanted)?.0;
            let (train_file, test_file) = match &config.pipeline.dataset {
                RowsConfig::Split { rows, .. } => (Some(rows), rows),
                RowsConfig::Given { train, test } => (train.as_ref(), test),
            };
            let training = train_file.zip(train.as_ref());
            for (side, of_side) in training.into_iter().chain([(test_file, &rows.test)]) {
                let side = Opened::new(config, inputs, task, side, model)?;
                check_groups((&side, of_side), (&opened, &aside))?;
            }
            let aside = aside
                .with_features(like.features(), like.is_named())
                .and_then(|aside| match train {
                    Some(train) => aside.with_classes(train.classes()),
                    None => Ok(aside),
                })
                .map_err(|error| at_fault(&file.path.full, &error))?;
            rows.notes.extend(notes::of_labels(&aside));
            rows.validation = Some(aside);
        }
        (Validation::Share(_), None) => {}
    }
    Ok(())
}

/// How many groups rows are of.
fn n_groups(groups: &[usize]) -> usize {
    groups.iter().collect::<BTreeSet<_>>().len()
}

/// Rows that calibrate, or that choices are made on, neither train nor test.
fn check_apart(
    config: &Config,
    inputs: &Inputs,
    file: &DataFile,
    place: &str,
) -> Result<(), Failure> {
    let own = inputs.real_paths(&file.path)?;
    let others: Vec<&DataFile> = match &config.pipeline.dataset {
        RowsConfig::Split { rows, .. } => vec![rows],
        RowsConfig::Given { train, test } => train.iter().chain([test]).collect(),
    };
    let mut is_apart = true;
    for other in others {
        is_apart &= inputs
            .real_paths(&other.path)?
            .iter()
            .all(|it| !own.contains(it));
    }
    if is_apart {
        return Ok(());
    }
    let message = format!("{} has rows that train or test, too", file.path.typed);
    let help = "name other rows; where the model is trained here, `share` or `validation_fraction` keeps \
                some apart";
    Err(config.fault(place, message, Some(help)).into())
}
