//! Rows that neither train nor test: those that choices are made on, and those that calibrate when a class is
//! unknown.

use std::collections::BTreeSet;

use spinney_config::{CalibrationRows, Config, DataFile, Reject, Validation, Word};
use spinney_dataset::{Dataset, Note, notes, permutation, split, split_by_group};
use spinney_evaluate::Reject as Rejecting;
use spinney_model::Task;

use super::inputs::{PipelineRows, at_fault, with_groups};
use super::opened::{Opened, Reading, check_groups};
use crate::failure::Failure;

/// Sets the rows aside that calibrate when a class is unknown: those of a file, or a share of the
/// training rows, drawn whatever their class, as new rows come.
pub(super) fn hold_out(
    reading: Reading<'_>,
    reject: &Reject,
    rows: &mut PipelineRows,
) -> Result<(), Failure> {
    let config = reading.config;
    // Rows that are drawn whatever their class, so many of them, and the places of the others.
    let drawn = |rows: &Dataset, n_held: usize| {
        let order = permutation(rows.n_rows(), config.pipeline.identity.seed);
        let (held, kept) = order.split_at(n_held.min(order.len()));
        let [held, kept] = [held, kept].map(|rows| {
            let mut rows = rows.to_vec();
            rows.sort_unstable();
            rows
        });
        (rows.select(&held), kept)
    };
    let calibration = match (&reject.rows, &rows.train) {
        (CalibrationRows::File(file), _) => {
            check_apart(reading, file, "reject.rows")?;
            let opened = Opened::new(reading, file)?;
            let of_test = rows.test.is_named().then(|| rows.test.features());
            opened.read(opened.wanted(of_test)?)?.0
        }
        (CalibrationRows::Validation, _) => match &rows.validation {
            // Rows that a model was chosen by, by `search`, `shrink` or whoever reads the report, say too
            // much good of it.
            Some(validation) => {
                let (held, kept) = match validation.groups() {
                    Some(groups) => {
                        let (held, kept) = halves(config, groups)?;
                        (validation.select(&held), kept)
                    }
                    None => drawn(validation, validation.n_rows().div_ceil(2)),
                };
                rows.validation = Some(validation.select(&kept));
                held
            }
            None => return Ok(()),
        },
        (CalibrationRows::Share(share), Some(train)) => {
            // Casts: a share of a row count.
            let (held, kept) = drawn(train, (share * train.n_rows() as f64).ceil() as usize);
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
        return config.refuse("reject.coverage", message, Some(help));
    }
    rows.calibration = Some(calibration);
    Ok(())
}

/// Rows that calibrate and rows that choose, about half of all, each group on one side: in drawn order, a
/// group goes where fewer rows are.
fn halves(config: &Config, groups: &[usize]) -> Result<(Vec<usize>, Vec<usize>), Failure> {
    let names: BTreeSet<usize> = groups.iter().copied().collect();
    let names = Vec::from_iter(names);
    if names.len() < 2 {
        let message = "found rows for validation of one group, expected at least two: one that choices \
                       are made on, and one that calibrates";
        let help = "give rows of more groups, or name others by `rows` in [reject]";
        let place = config.pipeline.validation.as_ref().map_or("", key_of);
        return config.refuse(place, message, Some(help));
    }
    let mut sides: [BTreeSet<usize>; 2] = Default::default();
    let mut n_rows = [0; 2];
    for at in permutation(names.len(), config.pipeline.identity.seed) {
        let side = usize::from(n_rows[1] < n_rows[0]);
        n_rows[side] += groups.iter().filter(|group| **group == names[at]).count();
        sides[side].insert(names[at]);
    }
    Ok((0..groups.len()).partition(|row| sides[0].contains(&groups[*row])))
}

/// Takes the rows for validation: those of a file, or a share of the training rows.
pub(super) fn set_aside(
    reading: Reading<'_>,
    validation: &Validation,
    rows: &mut PipelineRows,
) -> Result<(), Failure> {
    let Reading { config, task, .. } = reading;
    if task != Task::Classify {
        let message = format!("found a model to {}, expected a classifier", task.word());
        let help = "rows for validation are those that choices of a classifier are made on";
        return config.refuse(key_of(validation), message, Some(help));
    }
    match (validation, &rows.train) {
        (Validation::Share(share), Some(train)) => {
            let seed = config.pipeline.identity.seed;
            let n_all = train.n_groups();
            let parts = match train.groups() {
                Some(_) if n_all < Some(2) => {
                    let message = "found training rows of one group, expected at least two, so that one \
                                   is for validation";
                    let help = "give training rows of more groups, or remove `validation_fraction`";
                    return config.refuse("dataset.validation_fraction", message, Some(help));
                }
                Some(groups) => {
                    let groups: Vec<String> = groups.iter().map(usize::to_string).collect();
                    split_by_group(train, &groups, *share, seed)
                }
                None => split(train, *share, seed),
            };
            let parts = parts.map_err(|error| at_fault(config.path(), &error))?;
            if let (Some(n_all), Some(n_aside)) = (n_all, parts.test.n_groups()) {
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
            check_apart(reading, file, "dataset.validation")?;
            // Recordings have become rows already.
            if config.pipeline.frontend.is_some() {
                return Ok(());
            }
            let opened = Opened::new(reading, file)?;
            let like = train.as_ref().unwrap_or(&rows.test);
            let wanted = opened.wanted(like.is_named().then(|| like.features()))?;
            let aside = opened.read(wanted)?.0;
            let dataset = &config.pipeline.dataset;
            let training = dataset.train().zip(train.as_ref());
            let sides = training.into_iter().chain([(dataset.test(), &rows.test)]);
            for (side, of_side) in sides {
                let side = Opened::new(reading, side)?;
                check_groups((&side, of_side), (&opened, &aside))?;
            }
            let aside = aside
                .with_features(like.features(), like.is_named())
                .and_then(|aside| match train {
                    Some(train) => aside.with_classes(train.classes()),
                    None => Ok(aside),
                })
                .map_err(|error| at_fault(&file.path.full, &error))?;
            let groups = opened.groups(&aside)?;
            rows.notes.extend(notes::of_labels(&aside));
            rows.validation = Some(with_groups(aside, groups));
        }
        (Validation::Share(_), None) => {}
    }
    Ok(())
}

/// The key that names rows for validation.
fn key_of(validation: &Validation) -> &'static str {
    match validation {
        Validation::File(_) => "dataset.validation",
        Validation::Share(_) => "dataset.validation_fraction",
    }
}

/// Rows that calibrate, or that choices are made on, neither train nor test.
fn check_apart(reading: Reading<'_>, file: &DataFile, place: &str) -> Result<(), Failure> {
    let Reading { config, inputs, .. } = reading;
    let own = inputs.real_paths(&file.path)?;
    let mut is_apart = true;
    let choosing = match &config.pipeline.validation {
        // What chose a model says too much good of it.
        Some(Validation::File(choosing)) if place == "reject.rows" => Some(choosing),
        _ => None,
    };
    let what = choosing.map_or("train or test", |_| "train, test or choose a model");
    for other in config.pipeline.dataset.files().chain(choosing) {
        let others = inputs.real_paths(&other.path)?;
        is_apart &= others.iter().all(|it| !own.contains(it));
    }
    if is_apart {
        return Ok(());
    }
    let message = format!("{} has rows that {what}, too", file.path.typed);
    let help = "name other rows; where the model is trained here, `share` or `validation_fraction` keeps \
                some apart";
    config.refuse(place, message, Some(help))
}

#[cfg(test)]
mod tests {
    use super::super::inputs;
    use super::*;

    /// The rows of a pipeline with 90 rows, each nine a group, and such of another file from number 90 on.
    fn rows(
        dataset: &str,
        rest: &str,
        (n_rows, group): (usize, &dyn Fn(usize) -> usize),
    ) -> Result<PipelineRows, Failure> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("a file");
            path
        };
        let table = |from: usize, n: usize, group: &dyn Fn(usize) -> usize| -> String {
            let rows = (from..from + n).map(|at| format!("{at},g{},{}\n", group(at), at % 3));
            "a,g,y\n".to_owned() + &rows.collect::<String>()
        };
        write("all.csv", &table(0, 90, &|at| at / 9));
        write("other.csv", &table(90, n_rows, group));
        let text = format!(
            "[pipeline]\nname = \"apart\"\n[dataset]\npath = \"all.csv\"\nlabel = \"y\"\n{dataset}\n\
             [model]\nkind = \"random-forest\"\n{rest}\n[target]\nchip = \"nRF52840_xxAA\"\n"
        );
        let config = spinney_config::load(&write("pipeline.toml", &text)).expect("a config");
        let files = inputs::read(&config).expect("files");
        inputs::rows(&config, &files, Task::Classify, None)
    }

    /// The numbers of the rows that choose, and of those that calibrate.
    fn apart(rows: &PipelineRows) -> [Vec<usize>; 2] {
        [&rows.validation, &rows.calibration].map(|rows| {
            let rows = rows.as_ref().expect("such rows");
            rows.source_rows().to_vec()
        })
    }

    /// What chose a model says too much good of it; the threshold of what is unknown comes from other
    /// rows.
    #[test]
    fn rows_that_choose_a_model_do_not_calibrate_it() {
        // Of a search, no stage knows; so halves are made whatever the config says.
        for shrink in ["", "shrink = \"score\"\n", "shrink = \"every-row\"\n"] {
            let dataset = "ignore = [\"g\"]\nvalidation = \"other.csv\"";
            let rest = format!("{shrink}[reject]\ncoverage = 0.9");
            let found = rows(dataset, &rest, (41, &|_| 0)).expect("rows");
            let [choosing, calibrating] = apart(&found);
            assert_eq!([choosing.len(), calibrating.len()], [20, 21], "{shrink}");
            let all: BTreeSet<usize> = choosing.into_iter().chain(calibrating).collect();
            assert_eq!(all.len(), 41, "{shrink}");
        }
    }

    #[test]
    fn the_file_that_chooses_a_model_does_not_calibrate_it() {
        for name in ["other.csv", "./other.csv"] {
            let dataset = "ignore = [\"g\"]\nvalidation = \"other.csv\"";
            let rest = format!("[reject]\ncoverage = 0.9\nrows = \"{name}\"");
            let refused = rows(dataset, &rest, (41, &|_| 0)).map(drop);
            let told = format!("{:?}", refused.expect_err("the same rows"));
            let expected = format!("{name} has rows that train, test or choose a model, too");
            assert!(told.contains(&expected), "{told}");
        }
    }

    /// Rows of a group are alike: those that calibrate would know those that chose.
    #[test]
    fn halves_of_rows_for_validation_keep_groups_apart() {
        let parts = |validation: &str, group: &dyn Fn(usize) -> usize| {
            let dataset = format!("group = \"g\"\n{validation}");
            let rest = "shrink = \"score\"\n[reject]\ncoverage = 0.8";
            rows(&dataset, rest, (60, group))
        };
        let of_file = "validation = \"other.csv\"";
        for seven in [7, 30] {
            let group = |at: usize| 100 + at / seven;
            let found = parts(of_file, &group).expect("rows");
            let grouped = found.validation.as_ref().and_then(Dataset::groups);
            let n_choosing = grouped.expect("groups").len();
            let [choosing, calibrating] = apart(&found).map(|rows| {
                assert!(rows.len() >= 20, "{}", rows.len());
                let groups = rows.iter().map(|row| group(90 + row));
                groups.collect::<BTreeSet<_>>()
            });
            let all: Vec<usize> = (90..150).map(group).collect();
            let of_choosing = all.iter().filter(|group| choosing.contains(group));
            assert_eq!(n_choosing, of_choosing.count());
            assert!(choosing.is_disjoint(&calibrating), "{choosing:?}");
            let n_groups = BTreeSet::from_iter(all).len();
            assert_eq!(choosing.len() + calibrating.len(), n_groups);
        }
        let of_share = parts("validation_fraction = 0.5", &|_| 0).expect("rows");
        let [choosing, calibrating] =
            apart(&of_share).map(|rows| rows.iter().map(|row| row / 9).collect::<BTreeSet<_>>());
        assert!(!choosing.is_empty() && !calibrating.is_empty());
        assert!(choosing.is_disjoint(&calibrating), "{choosing:?}");
        let refused = parts(of_file, &|_| 100).map(drop).expect_err("one group");
        let told = format!("{refused:?}");
        assert!(told.contains("for validation of one group"), "{told}");
    }
}
