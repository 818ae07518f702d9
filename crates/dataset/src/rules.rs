//! What is looked for in data, and what comes of it: a fault stops a run, a note is said and kept in
//! the report. `docs/data.md` shows this table; a test holds the two together.

use serde::{Deserialize, Serialize};

/// What comes of data that a rule finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The run ends with exit code 2.
    Fault,
    /// The run goes on; the terminal and the report say so.
    Note,
}

impl Outcome {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Note => "note",
        }
    }
}

/// Something that data may be, and what comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub id: &'static str,
    /// What comes of it.
    pub outcome: Outcome,
    /// What is found, in a sentence.
    pub about: &'static str,
}

const fn fault(id: &'static str, about: &'static str) -> Rule {
    Rule {
        id,
        outcome: Outcome::Fault,
        about,
    }
}

const fn note(id: &'static str, about: &'static str) -> Rule {
    Rule {
        id,
        outcome: Outcome::Note,
        about,
    }
}

/// Every rule: faults first, each group in the order in which a file is read.
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    fault("foreign-format",
        "The content is that of a format that is not read; the message names it and the way out."),
    fault("encoding", "Text is not UTF-8; the message names the line and the byte."),
    fault("separators",
        "There is one column, and the lines have not as many semicolons, tabs, bars or commas \
            each; or spaces separate columns."),
    fault("lost-quote",
        "A quote is never closed, or a quoted field that is used spans several lines."),
    fault("column-names",
        "A name in the header is empty, stands there twice or spans several lines."),
    fault("row-length",
        "A row has more or fewer fields than the header, names of rows and an empty last field \
            aside."),
    fault("no-rows", "There is no row, or no feature."),
    fault("not-a-number",
        "A reading is missing, text, NaN or infinite, and neither `missing` nor its feature \
            declares gaps or words; all such columns are named at once."),
    fault("missing-label",
        "A label is empty or stands for a missing value, such as `NA`, `nan`, `null` or `?`."),
    fault("word-for-number", "A regressor's label is a word, missing or infinite."),
    fault("none-normal", "No row has the label that a detector's config calls normal."),
    fault("label-counts", "A file of labels has more or fewer of them than there are rows."),
    fault("unknown-class", "A test row has a class that training rows, or the model, do not know."),
    fault("missing-column",
        "The label's column, or a feature of the training rows or of the model, is not there."),
    fault("ignored-column",
        "A name in `ignore` is a column of neither file, or leaves out the label."),
    fault("one-class", "All training rows have the same class."),
    fault("constant-readings", "Naive Bayes is to be trained on columns none of which varies."),
    fault("range-apart", "A declared `range` holds no training reading at all."),
    fault("test-trains",
        "The same file, by whatever path, is for training and for the test, and nothing else is."),
    fault("columns-apart", "Of several files for one side, one has a column that another has not."),
    fault("no-files",
        "No file has a name that a pattern such as `logs/*.csv` matches, or two patterns name the \
            same file."),
    fault("group-trains",
        "Rows of one `group` are for training and for the test, or all rows are of one."),
    fault("no-recordings", "A folder has no recording where one is looked for."),
    fault("no-samples", "A WAV file holds no samples, as after a recorder lost power."),
    fault("labels-beyond-end",
        "Labels lie beyond the end of their recording by more than a decision."),
    fault("rates-apart",
        "A recording was sampled at another rate than `sample_rate`, by its times or as it says."),
    fault("short-recordings", "Every recording of motion is shorter than a window."),
    fault("quiet-recordings", "No recording of a side reaches the `trigger` of a front end."),
    note("scan",
        "What a scan of a folder, or of names that match a pattern, took, and what it left out, \
            with counts."),
    note("held-for-test",
        "Recordings or files that are on both sides, by whatever path: they test and do not \
            train."),
    note("short-recording",
        "Recordings of motion that are shorter than a window are left out, or padded."),
    note("quiet-recording",
        "Recordings that never reach the `trigger` of a front end give no row."),
    note("triggered",
        "How often the test recordings trigger a decision, and for how long the gate is open."),
    note("scaled",
        "Readings of motion that are multiplied to become integers, and those that 16 bits do not \
            hold."),
    note("resampled", "Recordings that were taken at another rate than the device's."),
    note("dialect",
        "Columns that no commas separate, decimal commas, a line of units, names of rows, lines \
            that begin with `#`."),
    note("dropped-rows", "Rows with gaps that `missing = \"drop\"` leaves out."),
    note("filled-gaps", "Features whose gaps `missing = \"median\"` fills, and with what."),
    note("groups", "How many groups train and how many test, where `group` names a column."),
    note("no-header", "The first line of a CSV file reads as readings, not as names."),
    note("label-spellings", "One class is spelt in several ways, as `1` and `1.0`."),
    note("classes-alike", "Classes differ only in case; they stay classes of their own."),
    note("numeric-classes",
        "More than a dozen classes are numbers, some with a fraction, as what a regressor \
            predicts."),
    note("orders-rows",
        "A column only rises or only falls from row to row, as time and row numbers do."),
    note("float32", "Readings of rows of different classes differ, but not in float32."),
    note("unused-columns",
        "Columns that the training rows, or an imported model, do not have are left out."),
    note("test-rows-train", "Test rows that equal a training row, reading by reading."),
    note("validation-rows",
        "Rows for validation that equal a training or a test row, reading by reading."),
];

/// Something odd about data that is used all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The rule that found it.
    pub rule: String,
    /// What was found, where, and what can be done.
    pub text: String,
}

impl Note {
    /// The same note, of the file of this name among several.
    #[must_use]
    pub(crate) fn of(self, file: &str) -> Self {
        Self {
            text: format!("{file}: {}", self.text),
            ..self
        }
    }

    /// A note by the rule of this name.
    ///
    /// # Panics
    /// If no rule of [`RULES`] gives notes under the name.
    #[must_use]
    pub fn new(rule: &str, text: impl Into<String>) -> Self {
        let known = |it: &Rule| it.id == rule && it.outcome == Outcome::Note;
        assert!(RULES.iter().any(known), "a rule for notes: {rule}");
        Self {
            rule: rule.to_owned(),
            text: text.into(),
        }
    }
}
