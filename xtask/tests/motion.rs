//! Motion through the whole program: each form in which recordings and labels come, and files at
//! fault.

use std::fmt::Write;
use std::process::Command;

use expect_test::{Expect, expect};

const CONFIG: &str = r#"
[pipeline]
name = "motion-forms"
[dataset]
DATASET
[frontend]
kind = "motion"
sample_rate = 10
channels = ["x", "y"]
frame = 8
hop = 4
bands = 0
statistics = ["mean", "range"]
[model]
kind = "random-forest"
n_trees = 2
[target]
chip = "nRF51822_xxAA"
"#;

struct Case(tempfile::TempDir);

impl Case {
    fn new(dataset: &str) -> Self {
        let case = Self(tempfile::tempdir().expect("a temporary folder"));
        case.write("pipeline.toml", &CONFIG.replace("DATASET", dataset))
    }

    fn write(self, name: &str, text: &str) -> Self {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
        self
    }

    /// What `features` says, and the labels of the training rows.
    fn check(&self, code: i32, expected: &Expect) {
        let folder = self.0.path().display().to_string();
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["features", "--config"])
            .arg(self.0.path().join("pipeline.toml"))
            .arg("--output")
            .arg(self.0.path())
            .output()
            .expect("the program runs");
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        // Cases of one pipeline wait for each other.
        let said: String = said
            .split_inclusive('\n')
            .filter(|line| !line.starts_with("waiting for another run, which holds "))
            .collect();
        expected.assert_eq(&said.replace(&folder, "FOLDER"));
        assert_eq!(output.status.code(), Some(code), "{said}");
    }
}

/// Rows of one recording; x goes up and down, y is `level`.
fn rows(n: usize, level: i32, rest: &str) -> String {
    let mut text = String::new();
    for at in 0..n {
        let _ = writeln!(text, "{},{level}{rest}", [0, level][at % 2]);
    }
    text
}

fn table() -> String {
    let mut text = "x,y,session,class\n".to_owned();
    for session in 0..8 {
        let (level, class) = [(10, "rest"), (900, "walk")][session % 2];
        text.push_str(&rows(20, level, &format!(",s{session},{class}")));
    }
    text
}

#[test]
fn recordings_in_a_column_are_divided_whole() {
    let dataset = "path = \"motion.csv\"\nlabel = \"class\"\nrecording = \"session\"";
    // Four windows of each recording; two of eight recordings are for the test.
    Case::new(dataset).write("motion.csv", &table()).check(
        0,
        &expect![[r#"
            train: 24 rows of 4 features in FOLDER/train_X.npy
            test: 8 rows of 4 features in FOLDER/test_X.npy
        "#]],
    );
}

#[test]
fn a_folder_per_class() {
    let file = |level| format!("x,y\n{}", rows(12, level, ""));
    Case::new("path = \"recordings\"\ntest_fraction = 0.5")
        .write("recordings/rest/one.csv", &file(3))
        .write("recordings/rest/two.CSV", &file(4))
        .write("recordings/walk/one.csv", &file(500))
        .write("recordings/walk/two.csv", &file(600))
        .write("recordings/walk/notes.txt", "no recording")
        .check(
            0,
            &expect![[r#"
            train: 4 rows of 4 features in FOLDER/train_X.npy
            test: 4 rows of 4 features in FOLDER/test_X.npy
        "#]],
        );
}

#[test]
fn a_label_file_has_seconds() {
    let text = format!("x,y\n{}{}", rows(20, 5, ""), rows(20, 800, ""));
    let labels = "start,end,label\n2,4,walk\n";
    let dataset = "train = \"a.csv\"\ntrain_labels = \"l.csv\"\ntest = \"a.csv\"\n\
                   test_labels = \"l.csv\"";
    Case::new(dataset)
        .write("a.csv", &text)
        .write("l.csv", labels)
        .check(
            0,
            &expect![[r#"
            train: 9 rows of 4 features in FOLDER/train_X.npy
            test: 9 rows of 4 features in FOLDER/test_X.npy
        "#]],
        );
}

#[test]
fn what_cannot_be_used() {
    let with = "path = \"motion.csv\"\nlabel = \"class\"\nrecording = \"session\"";
    let without = "path = \"motion.csv\"\nlabel = \"class\"";
    let case = |dataset: &str, text: &str| Case::new(dataset).write("motion.csv", text);
    case(without, &table()).check(2, &expect![[r#"
        error: dataset.path: motion.csv is one recording, which is not divided
         --> FOLDER/pipeline.toml:5:8
          |
        5 | path = "motion.csv"
          |        ^^^^^^^^^^^^
          |
          = help: name the column of recordings as `recording`, a folder with a folder of recordings per class, or `train` and `test`
    "#]]);
    case("path = \"motion.csv\"", &table()).check(2, &expect![[r#"
        error: dataset.path: motion.csv has no labels
         --> FOLDER/pipeline.toml:5:8
          |
        5 | path = "motion.csv"
          |        ^^^^^^^^^^^^
          |
          = help: name the column of the class as `label`, a CSV with `start` and `end` in seconds and `label` as `path_labels`, or a folder with a folder per class
    "#]]);
    let short = format!("{}{}", table(), rows(7, 1, ",s9,rest"));
    case(with, &short).check(2, &expect![[r#"
        error: motion.csv, recording "s9": found 7 samples, expected at least 8, the `frame` of [frontend]; a shorter `frame`, or without this recording
    "#]]);
    let decimal = table().replacen("900,900", "0.9,900", 1);
    case(with, &decimal).check(2, &expect![[r#"
        error: motion.csv: line 23, column "x": found "0.9", expected an integer of −32768 to 32767, as the sensor delivers it
    "#]]);
    case(with, &table().replacen("session", "name", 1)).check(2, &expect![[r#"
        error: motion.csv: the header: found the columns x, y, name, class, expected one column "session"
    "#]]);
    Case::new("path = \"empty\"")
        .write("empty/walk/notes.txt", "")
        .check(
            2,
            &expect![[r#"
            error: FOLDER/empty: found no recordings, expected a folder per class with `.csv` files
        "#]],
        );
}
