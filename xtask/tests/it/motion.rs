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
            .filter(|line| !line.starts_with("note: waiting for another run"))
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
            note: 2 of 2 test recordings equal one for training, sample by sample; they say nothing about recordings that the model has not heard
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
                note: recordings: 4 recordings of 2 classes; left out: 1 .txt
            "#]],
        );
}

#[test]
fn sessions_in_a_folder_with_a_column_of_the_class() {
    let session = |level| {
        let (rest, walk) = (rows(8, 3, ",rest"), rows(8, level, ",walk"));
        format!("x,y,class\n{rest}{walk}")
    };
    Case::new("path = \"sessions\"\nlabel = \"class\"\ntest_fraction = 0.5")
        .write("sessions/one.csv", &session(500))
        .write("sessions/two.csv", &session(600))
        .write("sessions/anna/three.csv", &session(700))
        .write("sessions/anna/four.csv", &session(800))
        .write("sessions/readme.md", "")
        .check(
            0,
            &expect![[r#"
            train: 6 rows of 4 features in FOLDER/train_X.npy
            test: 6 rows of 4 features in FOLDER/test_X.npy
            note: sessions: 4 recordings; left out: 1 .md
        "#]],
        );
}

#[test]
fn test_recordings_never_train() {
    let file = |level| format!("x,y\n{}", rows(12, level, ""));
    let nested = |dataset: &str| {
        Case::new(dataset)
            .write("all/rest/one.csv", &file(3))
            .write("all/walk/one.csv", &file(500))
            .write("all/part/rest/one.csv", &file(4))
            .write("all/part/walk/one.csv", &file(600))
    };
    // One folder within the other: what lies deeper is no recording of the upper one.
    nested("train = \"all\"\ntest = \"all/part\"").check(0, &expect![[r#"
        train: 4 rows of 4 features in FOLDER/train_X.npy
        test: 4 rows of 4 features in FOLDER/test_X.npy
        note: all: 2 recordings of 2 classes; left out: 2 in deeper folders; without recordings, and so no classes: part
        note: all/part: 2 recordings of 2 classes
    "#]]);
    nested("train = \"all/part\"\ntest = \"all\"").check(0, &expect![[r#"
        train: 4 rows of 4 features in FOLDER/train_X.npy
        test: 4 rows of 4 features in FOLDER/test_X.npy
        note: all: 2 recordings of 2 classes; left out: 2 in deeper folders; without recordings, and so no classes: part
        note: all/part: 2 recordings of 2 classes
    "#]]);
    nested("train = \"all\"\ntest = \"./all\"").check(2, &expect![[r#"
        error: FOLDER/all: 2 files of all are in ./all too; they test, and do not train: found nothing else, expected recordings that are for training alone; `path` divides a folder
    "#]]);
    // Links, as far as the system has them.
    #[cfg(unix)]
    {
        let case = nested("train = \"all\"\ntest = \"linked\"")
            .write("all/rest/two.csv", &file(7))
            .write("linked/walk/one.csv", &file(501));
        let link = |from: &str, to: &str| {
            std::os::unix::fs::symlink(case.0.path().join(from), case.0.path().join(to))
                .expect("a link");
        };
        std::fs::create_dir(case.0.path().join("linked/rest")).expect("a folder");
        link("all/rest/one.csv", "linked/rest/renamed.csv");
        case.check(0, &expect![[r#"
            train: 4 rows of 4 features in FOLDER/train_X.npy
            test: 4 rows of 4 features in FOLDER/test_X.npy
            note: all: 3 recordings of 2 classes; left out: 2 in deeper folders; without recordings, and so no classes: part
            note: 1 files of all are in linked too; they test, and do not train
            note: linked: 2 recordings of 2 classes
        "#]]);
    }
    // Copies are found by their samples.
    Case::new("train = \"train\"\ntest = \"test\"")
        .write("train/rest/one.csv", &file(3))
        .write("train/walk/one.csv", &file(500))
        .write("test/rest/renamed.csv", &file(3))
        .write("test/walk/one.csv", &file(501))
        .check(0, &expect![[r#"
            train: 4 rows of 4 features in FOLDER/train_X.npy
            test: 4 rows of 4 features in FOLDER/test_X.npy
            note: test: 2 recordings of 2 classes
            note: train: 2 recordings of 2 classes
            note: 1 of 2 test recordings equal one for training, sample by sample; they say nothing about recordings that the model has not heard
        "#]]);
}

#[test]
fn a_label_file_has_seconds() {
    let text = format!("x,y\n{}{}", rows(20, 5, ""), rows(20, 800, ""));
    let labels = "start,end,label\n2,4,walk\n";
    let dataset = "train = \"a.csv\"\ntrain_labels = \"l.csv\"\ntest = \"b.csv\"\n\
                   test_labels = \"l.csv\"";
    let case = |dataset: &str, labels: &str| {
        Case::new(dataset)
            .write("a.csv", &text)
            .write("b.csv", &text.replace("800", "700"))
            .write("l.csv", labels)
    };
    case(dataset, labels).check(
        0,
        &expect![[r#"
        train: 9 rows of 4 features in FOLDER/train_X.npy
        test: 9 rows of 4 features in FOLDER/test_X.npy
    "#]],
    );
    // Twice as fast as the config says.
    let fast = "start,end,label\n2,4,walk\n6,8,walk\n";
    case(dataset, fast).check(2, &expect![[r#"
        error: FOLDER/l.csv: the label file: found labels up to 8.000 s, 1 of 2 wholly beyond the end of the recording, expected none after 4.000 s, where its 40 samples end at 10 per second; `sample_rate = 5` in [frontend] would make both end together
    "#]]);
    let same = dataset.replace("b.csv", "./a.csv");
    case(&same, labels).check(
        2,
        &expect![[r#"
        error: dataset.test: ./a.csv is the file that trains, too
         --> FOLDER/pipeline.toml:7:8
          |
        7 | test = "./a.csv"
          |        ^^^^^^^^^
          |
          = help: `path` with `test_fraction` divides one file
    "#]],
    );
}

#[test]
fn short_recordings_are_left_out() {
    let with = "path = \"motion.csv\"\nlabel = \"class\"\nrecording = \"session\"";
    let short = format!("{}{}", table(), rows(7, 1, ",s9,rest"));
    Case::new(with)
        .write("motion.csv", &short)
        .check(0, &expect![[r#"
            train: 24 rows of 4 features in FOLDER/train_X.npy
            test: 8 rows of 4 features in FOLDER/test_X.npy
            note: 1 of 9 recordings are shorter than a window of 8 samples and left out, such as motion.csv, "s9", with 7 samples
            note: 2 of 2 test recordings equal one for training, sample by sample; they say nothing about recordings that the model has not heard
        "#]]);
    let all = format!(
        "x,y,session,class\n{}{}",
        rows(7, 1, ",a,rest"),
        rows(3, 1, ",b,walk")
    );
    Case::new(with)
        .write("motion.csv", &all)
        .check(2, &expect![[r#"
            error: motion.csv: found 2 recordings, all shorter than a window, such as motion.csv, "a", with 7 samples, expected 8 samples, the `frame` of [frontend]; a shorter `frame` helps, or `short = "pad"` in [dataset]
        "#]]);
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
          = help: name the column of recordings as `recording`, how many rows each has as `recording_rows`, put an empty line between them, or name a folder with a folder of recordings per class, or `train` and `test`
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
    case(with, &table().replacen("session", "name", 1)).check(2, &expect![[r#"
        error: motion.csv: the header: found the columns x, y, name, class, expected one column "session"
    "#]]);
    Case::new("path = \"empty\"")
        .write("empty/walk/notes.txt", "")
        .check(
            2,
            &expect![[r#"
                error: FOLDER/empty: found no recordings (empty: 0 recordings of 0 classes; left out: 1 .txt; without recordings, and so no classes: walk), expected a folder per class with `.csv` files
            "#]],
        );
}

/// A sample of Edge Impulse; x stays what it is.
fn sample(x: f64) -> String {
    let rows: Vec<String> = (0..16).map(|at| format!("[{x},{at}]")).collect();
    format!(
        "{{\"payload\":{{\"interval_ms\":100,\"sensors\":[{{\"name\":\"x\"}},{{\"name\":\"y\"}}],\
         \"values\":[{}]}}}}",
        rows.join(",")
    )
}

#[test]
fn readings_become_integers_and_rates_are_held() {
    let with = "path = \"motion.csv\"\nlabel = \"class\"\nrecording = \"session\"";
    let decimal = table().replacen("900,900", "0.9,900", 1);
    Case::new(with)
        .write("motion.csv", &decimal)
        .check(0, &expect![[r#"
            train: 24 rows of 4 features in FOLDER/train_X.npy
            test: 8 rows of 4 features in FOLDER/test_X.npy
            note: 1 readings are no integers and rounded to such; `scale` in [dataset] multiplies them first
            note: 1 of 2 test recordings equal one for training, sample by sample; they say nothing about recordings that the model has not heard
        "#]]);
    let in_g = table().replace("900,900", "0.9,0.25");
    Case::new(with)
        .write("motion.csv", &in_g)
        .check(0, &expect![[r#"
            train: 24 rows of 4 features in FOLDER/train_X.npy
            test: 8 rows of 4 features in FOLDER/test_X.npy
            note: readings are multiplied and rounded to integers, and firmware has to deliver them so: `scale = { x = 10, y = 10 }` in [dataset] says the same
            note: 2 of 2 test recordings equal one for training, sample by sample; they say nothing about recordings that the model has not heard
        "#]]);
    let given = format!("{with}\nscale = {{ x = 100 }}");
    Case::new(&given)
        .write("motion.csv", &in_g)
        .check(0, &expect![[r#"
            train: 24 rows of 4 features in FOLDER/train_X.npy
            test: 8 rows of 4 features in FOLDER/test_X.npy
            note: 2 of 2 test recordings equal one for training, sample by sample; they say nothing about recordings that the model has not heard
        "#]]);
    let mut timed = String::new();
    for (at, line) in table().lines().enumerate() {
        let _ = match at {
            0 => writeln!(timed, "time_ms,{line}"),
            at => writeln!(timed, "{},{line}", at * 50),
        };
    }
    Case::new(with)
        .write("motion.csv", &timed)
        .check(2, &expect![[r#"
            error: motion.csv: found 20 samples per second by its times (column "time_ms", in milliseconds), expected 10, the `sample_rate` of [frontend]; `sample_rate = 20` takes them as they are, `rates = "resample"` in [dataset] resamples, `rates = "ignore"` where they are no times
        "#]]);
    for rates in ["resample", "ignore"] {
        let case = format!("{with}\nrates = {rates:?}");
        let case = Case::new(&case).write("motion.csv", &timed);
        match rates {
            "resample" => case.check(0, &expect![[r#"
                train: 6 rows of 4 features in FOLDER/train_X.npy
                test: 2 rows of 4 features in FOLDER/test_X.npy
                note: 8 recordings of 20 samples per second by its times (column "time_ms", in milliseconds) are resampled to 10, the `sample_rate` of [frontend]
                note: 2 of 2 test recordings equal one for training, sample by sample; they say nothing about recordings that the model has not heard
            "#]]),
            _ => case.check(0, &expect![[r#"
                train: 24 rows of 4 features in FOLDER/train_X.npy
                test: 8 rows of 4 features in FOLDER/test_X.npy
                note: 2 of 2 test recordings equal one for training, sample by sample; they say nothing about recordings that the model has not heard
            "#]]),
        }
    }
    Case::new("path = \"all\"")
        .write("all/walk/1.json", &sample(1.0))
        .write("all/walk/2.json", &sample(2.5))
        .write("all/run/1.json", &sample(7.0))
        .write("all/run/2.json", &sample(8.0))
        .check(0, &expect![[r#"
            train: 9 rows of 4 features in FOLDER/train_X.npy
            test: 3 rows of 4 features in FOLDER/test_X.npy
            note: all: 4 recordings of 2 classes
            note: readings are multiplied and rounded to integers, and firmware has to deliver them so: `scale = { x = 10, y = 10 }` in [dataset] says the same
        "#]]);
    Case::new("path = { walk = \"w.csv\", run = \"r.csv\" }\nrecording_rows = 7\nshort = \"pad\"")
        .write("w.csv", &format!("x,y\n{}", rows(14, 9, "")))
        .write("r.csv", &format!("x,y\n{}", rows(14, 5, "")))
        .check(0, &expect![[r#"
            train: 3 rows of 4 features in FOLDER/train_X.npy
            test: 1 rows of 4 features in FOLDER/test_X.npy
            note: 4 of 4 recordings are shorter than a window of 8 samples and padded with their last sample, such as r.csv with 7 samples
        "#]]);
}

#[test]
fn names_and_lists_say_the_class() {
    let file = |path: &str, label: &str| format!("{{\"path\":{path:?},\"label\":{label}}}");
    let label = |it: &str| format!("{{\"type\":\"label\",\"label\":{it:?}}}");
    let list = [
        file("training/a.1.json", &label("up")),
        file("training/a.2.json", &label("down")),
        file("training/a.3.json", "{\"type\":\"unlabeled\"}"),
    ];
    let list = format!("{{\"version\":1,\"files\":[{}]}}", list.join(","));
    let exported = |name: &str, list: &str| {
        Case::new("train = \"ei\"\ntest = \"other\"")
            .write(&format!("ei/{name}"), list)
            .write("ei/training/a.1.json", &sample(3.0))
            .write("ei/training/a.2.json", &sample(4.0))
            .write("ei/training/a.3.json", &sample(5.0))
            .write("ei/readme.json", "{}")
            .write("other/up.x.json", &sample(6.0))
            .write("other/down.y.json", &sample(7.0))
    };
    exported("info.labels", &list).check(
        0,
        &expect![[r#"
            train: 6 rows of 4 features in FOLDER/train_X.npy
            test: 6 rows of 4 features in FOLDER/test_X.npy
            note: ei: 2 recordings of 2 classes; left out: 1 .labels; 1 have no label in info.labels
            note: other: 2 recordings of 2 classes
        "#]],
    );
    exported("info.labels", "[1]").check(2, &expect![[r#"
        error: FOLDER/ei/info.labels: found invalid type: integer `1`, expected a sequence at line 1 column 2, expected a list as Edge Impulse exports it: `files`, each with `path` and `label`
    "#]]);
    let csv = |level| format!("x,y\n{}", rows(8, level, ""));
    let by_name = |pattern: &str| {
        Case::new(&format!("path = {pattern:?}"))
            .write("s/anna/up_1.csv", &csv(1))
            .write("s/anna/down_1.csv", &csv(2))
            .write("s/ben/up_1.csv", &csv(3))
            .write("s/ben/down_1.csv", &csv(4))
            .write("s/ben/.down_2.csv", "")
    };
    by_name("./s/*/{label}_*.csv").check(
        0,
        &expect![[r#"
        train: 3 rows of 4 features in FOLDER/train_X.npy
        test: 1 rows of 4 features in FOLDER/test_X.npy
        note: ./s/*/{label}_*.csv: 4 files of 2 classes
    "#]],
    );
    by_name("s/{label}/up*.csv").check(2, &expect![[r#"
        error: FOLDER/s/{label}/up*.csv: the data: found 2 rows, which split into 2 for training and 0 for testing, expected a class with a second row, which tests
    "#]]);
    by_name("s/*/{label}.txt").check(2, &expect![[r#"
        error: FOLDER/s/*/{label}.txt: found no file whose name it matches among 6 in the folder, expected one or more
    "#]]);
}

#[test]
fn files_beside_recordings_say_what_is_heard_when() {
    let csv = |level| format!("x,y\n{}{}", rows(20, 5, ""), rows(20, level, ""));
    let case = |labels: &str, name: &str, text: &str| {
        Case::new(&format!(
            "path = \"r\"\npath_labels = \"{labels}\"\ntest_fraction = 0.5"
        ))
        .write("r/one.csv", &csv(500))
        .write("r/two.csv", &csv(600))
        .write("r/ben/three.csv", &csv(700))
        .write(name, text)
    };
    // A label track of Audacity for each, the last with a range of frequencies.
    let track = "2.000000\t4.000000\twalk\n";
    case("r/*.txt", "r/one.txt", track)
        .write(
            "r/two.txt",
            &format!("0.0\t1.0\trest\n{track}\\\t3.0\t4.0\n"),
        )
        .check(
            0,
            &expect![[r#"
            train: 9 rows of 4 features in FOLDER/train_X.npy
            test: 9 rows of 4 features in FOLDER/test_X.npy
            note: r: 3 recordings; left out: 2 .txt
            note: r/*.txt: 2 recordings with 2 labels; 1 without labels are left out
        "#]],
        );
    let list = "filename;start;end;class\none.csv;2;4;walk\ntwo;2,0;3,5;walk\nben/three.csv;2;4;walk\nfour.csv;0;1;walk\n";
    case("r/list.csv", "r/list.csv", list).check(
        0,
        &expect![[r#"
        train: 9 rows of 4 features in FOLDER/train_X.npy
        test: 18 rows of 4 features in FOLDER/test_X.npy
        note: r: 4 recordings
        note: r/list.csv: 3 recordings with 1 labels; 1 that it lists are not there
    "#]],
    );
    let whole = "path,person,label\nr/one.csv,a,rest\ntwo.csv,b,walk\nthree,a,rest\nr/ben/four.csv,a,walk\n";
    case("list.csv", "list.csv", whole)
        .write("r/ben/four.csv", &csv(800))
        .check(
            0,
            &expect![[r#"
            train: 18 rows of 4 features in FOLDER/train_X.npy
            test: 18 rows of 4 features in FOLDER/test_X.npy
            note: r: 4 recordings
            note: list.csv: 4 recordings with 2 labels
        "#]],
        );
    // The column of the class has a name of its own.
    let own = whole.replace("label", "what");
    case("list.csv\"\nlabel = \"what", "list.csv", &own)
        .write("r/ben/four.csv", &csv(800))
        .check(
            0,
            &expect![[r#"
            train: 18 rows of 4 features in FOLDER/train_X.npy
            test: 18 rows of 4 features in FOLDER/test_X.npy
            note: r: 4 recordings
            note: list.csv: 4 recordings with 2 labels
        "#]],
        );
    case("list.csv", "list.csv", &own).check(2, &expect![[r#"
        error: FOLDER/list.csv: the list of recordings: found the columns path, person, what, expected one that is called `label`, `class`, `target`, `activity`, `category`, `gesture`, `species`, `state`, `y`, `outcome`, `diagnosis`, `fault`, `type`, `quality`; `label` in [dataset] names that of the classes
    "#]]);
    case(
        "list.csv",
        "list.csv",
        &(whole.to_owned() + "two.csv,b,rest\n"),
    )
    .check(2, &expect![[r#"
        error: FOLDER/list.csv: found "two.csv" 2 times, expected it once, or the columns `start` and `end` in seconds
    "#]]);
    case("list.csv", "list.csv", "path,label\n1.csv,walk\n").check(2, &expect![[r#"
        error: FOLDER/list.csv: found labels of none of the 3 recordings in r; 1 that it lists are not there, expected of each its path there, its name, or its name without the ending
    "#]]);
    case("r/*.txt", "r/one.txt", "2.0\t9.0\twalk\n").check(2, &expect![[r#"
        error: FOLDER/r/one.txt: the labels of r/one.csv: the label file: found labels up to 9.000 s, 0 of 1 wholly beyond the end of the recording, expected none after 4.000 s, where its 40 samples end at 10 per second
    "#]]);
    case("r/*.txt", "r/one.txt", "2.0\t1.0\twalk\n").check(
        2,
        &expect![[r#"
        error: FOLDER/r/one.txt: line 1: found "2.0" to "1.0", expected an end after the start
    "#]],
    );
}
