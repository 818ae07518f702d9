//! `features`: rows of a front end as `.npy` files, to train on with other tools; the device
//! computes the same. And what the front end spends on each feature, measured.

use std::fmt::Write as _;
use std::path::Path;

use spinney_dataset::Dataset;

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::stages::{FrontCosts, Spent};
use spinney_pipeline::{stages, store};

use crate::convert::{not_ours, read};
use crate::npy::{self, header};
use crate::terminal;

/// Writes features and labels of training and test rows into `output`.
pub(crate) fn run(config: &Path, output: &Path) -> Result<(), Failure> {
    let rows = stages::features_of(config, terminal::progress())?;
    for note in &rows.notes {
        eprintln!("note: {}", spinney_model::visible(&note.text));
    }
    let sides = [("train", rows.train.as_ref()), ("test", Some(&rows.test))];
    for (side, dataset) in sides {
        let Some(dataset) = dataset else {
            continue;
        };
        for (name, bytes) in [
            (format!("{side}_X.npy"), values(dataset)),
            (format!("{side}_y.npy"), labels(dataset)),
        ] {
            let place = output.join(&name);
            if place.exists() && !npy::is_alike(&read(&place)?, &bytes) {
                return Err(not_ours("output", &place));
            }
            store::write_whole(&place, &bytes).input()?;
        }
        println!(
            "{side}: {} rows of {} features in {}",
            dataset.n_rows(),
            dataset.features().len(),
            output.join(format!("{side}_X.npy")).display()
        );
    }
    Ok(())
}

/// Prints what a front end is spared without each feature in turn.
pub(crate) fn costs(config: &Path) -> Result<(), Failure> {
    let costs = stages::front_costs(config, terminal::progress())?;
    print!("{}", table(&costs));
    Ok(())
}

/// What an image is spared: bytes of flash and RAM, instructions of a decision.
fn spared(costs: &FrontCosts, without: &Spent) -> (i64, i64, f64) {
    let all = &costs.with_all;
    let less = |all: u64, without: u64| all.cast_signed() - without.cast_signed();
    (
        less(all.flash_bytes, without.flash_bytes),
        less(all.ram_bytes, without.ram_bytes),
        all.instructions - without.instructions,
    )
}

fn table(costs: &FrontCosts) -> String {
    let all = &costs.with_all;
    let mut out = format!(
        "From samples to features: {} instructions of a decision on the emulated {}. What the front end is \
         spared without a feature is measured, image by image; what the model spends on it is in its report.\n\n\
         | without | importance | model: bytes | instructions | front end: flash | RAM | instructions |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        all.instructions, costs.machine
    );
    let or_none = |figure: Option<String>| figure.unwrap_or_else(|| "–".to_owned());
    for (feature, without) in &costs.features {
        let importance = feature.permutation_importance;
        let cost = feature.cost;
        let (flash, ram, instructions) = spared(costs, without);
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {flash} | {ram} | {instructions:.1} |",
            spinney_model::visible(&feature.name),
            or_none(importance.map(|it| format!("{:.2}", it * 100.0))),
            or_none(cost.map(|it| it.flash_bytes.to_string())),
            or_none(cost.and_then(|it| it.instructions).map(|it| it.to_string())),
        );
    }
    for (name, without) in &costs.parts {
        let (flash, ram, instructions) = spared(costs, without);
        let _ = writeln!(
            out,
            "| {} | | | | {flash} | {ram} | {instructions:.1} |",
            spinney_model::visible(name)
        );
    }
    out
}

/// Integers of 32 bits, rows by features.
fn values(dataset: &Dataset) -> Vec<u8> {
    let shape = format!("({}, {})", dataset.n_rows(), dataset.features().len());
    let mut bytes = header("<i4", &shape);
    for value in dataset.values() {
        // Casts: features are such integers.
        bytes.extend((*value as i32).to_le_bytes());
    }
    bytes
}

/// Class names, each filled up with zeros to the longest.
fn labels(dataset: &Dataset) -> Vec<u8> {
    let classes: Vec<Vec<char>> = dataset
        .classes()
        .iter()
        .map(|class| class.chars().collect())
        .collect();
    let longest = classes.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let mut bytes = header(&format!("<U{longest}"), &format!("({},)", dataset.n_rows()));
    for label in dataset.labels() {
        for at in 0..longest {
            let character = classes[*label].get(at).map_or(0, |c| u32::from(*c));
            bytes.extend(character.to_le_bytes());
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use spinney_dataset::{Dataset, Rows};

    use spinney_pipeline::stages::{FrontCosts, Spent};

    use super::{labels, table, values};
    use crate::npy::{self, header};

    #[test]
    fn what_a_front_end_is_spared_has_a_sign() {
        let spent = |flash_bytes, ram_bytes, instructions| Spent {
            flash_bytes,
            ram_bytes,
            instructions,
        };
        let costs = FrontCosts {
            machine: "microbit",
            with_all: spent(9_000, 2_000, 1_234.5),
            features: Vec::new(),
            parts: vec![
                ("bands of x".to_owned(), spent(8_000, 1_900, 1_000.0)),
                ("all\nof y".to_owned(), spent(9_020, 2_000, 1_234.5)),
            ],
        };
        let table = table(&costs);
        assert!(table.contains("1234.5 instructions of a decision on the emulated microbit"));
        assert!(
            table.contains("\n| bands of x | | | | 1000 | 100 | 234.5 |\n"),
            "{table}"
        );
        assert!(
            table.contains("\n| all\\nof y | | | | -20 | 0 | 0.0 |\n"),
            "{table}"
        );
    }

    #[test]
    fn what_is_written_reads_back() {
        let rows = Rows {
            features: vec!["x0".to_owned(), "x1".to_owned()],
            is_named: false,
            values: array![[1.0, -70_000.0], [3.0, 32_767.0]],
        };
        let dataset =
            Dataset::new(rows, &["tabla".to_owned(), "früh".to_owned()]).expect("rows of numbers");
        let read =
            spinney_dataset::npy::read(&values(&dataset), &labels(&dataset)).expect("two arrays");
        assert_eq!(read, dataset);
    }

    #[test]
    fn only_arrays_of_one_kind_are_alike() {
        let [integers, floats] = ["<i4", "<f4"].map(|dtype| header(dtype, "(2, 3)"));
        let [words, longer] = ["<U5", "<U12"].map(|dtype| header(dtype, "(2,)"));
        assert!(npy::is_alike(&integers, &header("<i4", "(700, 1)")));
        assert!(npy::is_alike(&words, &longer));
        for other in [&floats, &words, &integers[..20].to_vec(), &b"mine".to_vec()] {
            assert!(!npy::is_alike(other, &integers));
        }
    }
}
