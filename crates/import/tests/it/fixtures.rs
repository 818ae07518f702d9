//! Every fixture, every row: labels and probabilities as scikit-learn gave them.

use std::path::{Path, PathBuf};

use spinney_dataset::archive;
use spinney_dataset::npy::{self, Array};
use spinney_import::{Format, import};
use spinney_model::Naming;

/// Files of a folder with a suffix, in order.
fn files(folder: &str, suffix: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder of fixtures")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(suffix))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no {suffix} in {}", folder.display());
    files
}

/// What differs between a model and what is expected of it; `None` if nothing does.
fn compare(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).expect("a fixture");
    let imported = match import(&bytes) {
        Ok(imported) => imported,
        Err(error) => return Some(error.to_string()),
    };
    let mut beside = path.as_os_str().to_owned();
    beside.push(".npz");
    let expected = std::fs::read(&beside).expect("the expected results");
    let expected = archive::unpack(&expected, &spinney_dataset::Budget::of(expected.len()))
        .expect("an archive");
    let rows = npy::rows(&expected["X.npy"]).expect("rows").values;
    let labels = npy::labels(&expected["labels.npy"]).expect("labels");
    let proba = Array::parse(&expected["proba.npy"]).expect("probabilities");
    let n_classes = proba.shape()[1];
    let proba = proba
        .scalars()
        .expect("scalars")
        .numbers()
        .expect("numbers");
    let classes = imported.model.schema().classes();
    let is_single_bayes = imported.origin.format == Format::Onnx
        && imported.model.kind() == "gaussian-nb"
        && path.to_string_lossy().contains(".f32.");
    let tolerance = if is_single_bayes { 1e-4 } else { 1e-6 };
    let (mut wrong, mut largest) = (0, 0.0_f64);
    for (row, label) in rows.rows().into_iter().zip(&labels) {
        let row = row.to_vec();
        let found = &classes[imported.model.predict(&row)];
        // ONNX knows booleans only as 0 and 1.
        let same = match (imported.origin.format, found.as_str()) {
            (Format::Onnx, "0") if label == "False" => true,
            (Format::Onnx, "1") if label == "True" => true,
            (_, found) => found == label,
        };
        wrong += usize::from(!same);
    }
    for (row, expected) in rows.rows().into_iter().zip(proba.chunks(n_classes)) {
        for (found, expected) in imported
            .model
            .probabilities(&row.to_vec())
            .iter()
            .zip(expected)
        {
            largest = largest.max((found - expected).abs());
        }
    }
    if n_classes != classes.len() || wrong > 0 || largest > tolerance {
        return Some(format!(
            "{wrong} of {} labels differ, probabilities by {largest:e}, {} classes of {n_classes}",
            labels.len(),
            classes.len(),
        ));
    }
    None
}

fn check(folder: &str, suffix: &str, n_files_min: usize) {
    let files = files(folder, suffix);
    let faults: Vec<String> = files
        .iter()
        .filter_map(|path| compare(path).map(|fault| format!("{}: {fault}", path.display())))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(files.len() >= n_files_min, "{} fixtures", files.len());
}

#[test]
fn skops_of_scikit_learn_1_1_3() {
    check("1.1.3", ".skops", 31);
}

#[test]
fn skops_of_scikit_learn_1_3_2() {
    check("1.3.2", ".skops", 31);
}

#[test]
fn skops_of_scikit_learn_1_9_1() {
    check("1.9.1", ".skops", 34);
}

#[test]
fn onnx_of_skl2onnx_1_16() {
    check("1.3.2", ".onnx", 25);
}

#[test]
fn onnx_of_skl2onnx_1_20() {
    check("1.9.1", ".onnx", 38);
}

#[test]
fn names_of_features_are_kept() {
    use Naming::{Given, Positional};
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/1.9.1");
    for (file, naming, expected) in [
        ("columns.f32.onnx", Given, "sepal_l sepal_w petal_l petal_w"),
        ("integers.onnx", Positional, "x0 x1 x2 x3"),
        ("joined_swapped.f32.onnx", Positional, "x0 x1 x2 x3"),
        (
            "joined_transformer.f32.onnx",
            Given,
            "alcohol malic_acid ash alcalinity_of_ash",
        ),
        ("pipe_k_best.skops", Positional, "x0 x1 x2 x3"),
        (
            "pipe_named_all.skops",
            Given,
            "alcohol malic_acid ash alcalinity_of_ash",
        ),
        ("dt_spaced.skops", Given, "sepal_l sepal_w petal_l petal_w"),
    ] {
        let bytes = std::fs::read(folder.join(file)).expect("a fixture");
        let model = import(&bytes).expect("a model").model;
        let names = model.schema().feature_names();
        assert_eq!(names[..4].join(" "), expected, "{file}");
        assert_eq!(model.schema().naming(), naming, "{file}");
    }
}

#[test]
fn what_is_refused_is_named() {
    for suffix in [".skops", ".onnx"] {
        for path in files("1.9.1/refused", suffix) {
            let word = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let error = import(&std::fs::read(&path).expect("a fixture"))
                .expect_err("must be refused")
                .to_string();
            assert!(error.contains(&word), "{word}: {error}");
            assert!(error.contains("cannot be imported: "), "{word}: {error}");
        }
    }
}

#[test]
fn pickles_are_refused_with_the_way_out() {
    let mut n = 0;
    for suffix in [".pkl", ".joblib"] {
        for path in files("1.9.1/pickles", suffix) {
            let error = import(&std::fs::read(&path).expect("a fixture"))
                .expect_err("must be refused")
                .to_string();
            assert!(
                error.contains("skops.io.dump(model, \"model.skops\")"),
                "{error}"
            );
            assert!(!error.contains('\n'), "{error}");
            n += 1;
        }
    }
    assert_eq!(n, 12);
}
