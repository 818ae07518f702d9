//! The tables themselves: every section with its keys, in the order in which users meet them.

use super::{Default, Interval, Key, Kind, Section, search, spending, told};
use spinney_board::Core;
use spinney_dataset::{Decimal, Delimiter};
use spinney_model::{Task, Voting};
use spinney_quantize::{CodeWidth, CodingChoice, Level, Sensor, Votes};

use crate::choice::{
    Criterion, Emulator, Encoding, Export, Gaps, LogLevel, ModelKind, Output, Prefer, Promise,
    Rates, Short, Source, Trainer, Word,
};

/// What a key has that may be left out, and stands for nothing then.
pub(super) const NONE: Default = Default::Words("none");
const NO_LIMIT: Default = Default::Words("no limit");
pub(super) const NO_GATE: Default = Default::Words("no gate");
/// Most trees, and the deepest one, that the runtime's tables are meant for.
pub(super) const TREES_MAX: i64 = 10_000;
pub(super) const DEPTH_MAX: i64 = 1_000;
pub(super) const COUNT_MAX: i64 = u32::MAX as i64;

/// Every section, in the order in which the document tells them.
pub const SECTIONS: &[Section] = &[
    section! {
        /// Names the pipeline and fixes its random choices.
        "pipeline", required:
        /// Names the pipeline, and the folder of its reports.
        "name": Kind::Name, Default::Required;
        /// Starts every random choice: the split of the data and the training.
        "seed": Kind::Integer { min: 0, max: i64::MAX }, Default::Value("42");
        /// Holds a folder of reports per pipeline.
        "reports": Kind::Folder, Default::Value("\"reports\"");
    },
    section! {
        /// Says which rows there are, and which of them only test.
        "dataset", required:
        /// A file of rows, split into rows for training and rows for the test.
        "path": Kind::Paths, NONE;
        /// The labels that belong to `path`, where that is an IDX or `.npy` file, or recordings.
        "path_labels": Kind::LabelFile, NONE;
        /// A file of rows that are all for training.
        "train": Kind::Paths, NONE;
        /// The labels that belong to `train`, where that is an IDX or `.npy` file, or recordings.
        "train_labels": Kind::LabelFile, NONE;
        /// A file of rows that are all for the test.
        "test": Kind::Paths, NONE;
        /// The labels that belong to `test`, where that is an IDX or `.npy` file, or recordings.
        "test_labels": Kind::LabelFile, NONE;
        /// A file of rows that neither train nor test, on which a classifier's choices are made.
        "validation": Kind::Paths, NONE;
        /// The labels that belong to `validation`, where that is an IDX or `.npy` file, or recordings.
        "validation_labels": Kind::LabelFile, NONE;
        /// The column of a CSV file that holds the class, or a regressor's number, or the columns
        /// of several numbers; all others are features.
        "label": Kind::Columns, NONE;
        /// The unit of a regressor's numbers, for reports.
        "unit": Kind::Texts, NONE;
        /// The label of rows that are no anomalies; a detector's rows with any other are.
        "normal": Kind::Column, NONE;
        /// Whether the first line of a CSV file names its columns.
        "header": Kind::Flag, Default::Value("true");
        /// What separates the columns of a CSV file.
        "delimiter": Kind::Choice(Delimiter::WORDS),
            Default::Words("what the content of each file tells");
        /// What separates a number's integer from its fraction in a CSV file.
        "decimal": Kind::Choice(Decimal::WORDS),
            Default::Words("what the content of each file tells");
        /// What becomes of readings that are missing.
        "missing": Kind::Choice(Gaps::WORDS),
            Default::Words("a missing reading is a fault, but where `[features]` or the model says otherwise");
        /// The column of a CSV file whose rows of one name are all on one side.
        "group": Kind::Text, NONE;
        /// Columns that are neither features nor label.
        "ignore": Kind::Names { max: 65_535 }, NONE;
        /// The column of a CSV file of motion that names the recording a sample belongs to.
        "recording": Kind::Column, NONE;
        /// The rows of a CSV file of motion that are one recording, where all have as many.
        "recording_rows": Kind::Integer { min: 2, max: COUNT_MAX },
            Default::Words("as many as follow each other");
        /// What readings of motion are multiplied by, to be the integers that the device delivers.
        "scale": Kind::Scale,
            Default::Words("1 of integers of 16 bits, else what makes such of the training readings");
        /// The column of a CSV file of motion that has the time of each sample.
        "time": Kind::Column,
            Default::Words("the first other column that is called `time`, `timestamp`, `t` or alike");
        /// What becomes of recordings that were sampled at another rate than `sample_rate`.
        "rates": Kind::Choice(Rates::WORDS),
            Default::Words("`\"resample\"` where a file states its rate, `\"refuse\"` where its times say it");
        /// What becomes of recordings of motion that are shorter than a window.
        "short": Kind::Choice(Short::WORDS), Default::Words("`\"skip\"`");
        /// The share of the rows of `path` that is kept for the test, class by class where there
        /// are classes.
        "test_fraction": Kind::Number(Interval::Fraction), Default::Value("0.25");
        /// The share of the training rows that is kept for validation, as `test_fraction` is for the
        /// test.
        "validation_fraction": Kind::Number(Interval::Fraction), NONE;
    },
    section! {
        /// Says where the model comes from, and how it is trained.
        "model", required:
        /// Whether the model is trained here or comes from a file.
        "source": Kind::Choice(Source::WORDS), Default::Value("\"train\"");
        /// The model file to import: skops, XGBoost, LightGBM, CatBoost, ONNX, treelite, Spark or
        /// Spinney's JSON.
        "path": Kind::File, NONE;
        /// What the model is asked for: a class, a number, or whether a row is an anomaly.
        "task": Kind::Choice(Task::WORDS),
            Default::Words("`\"classify\"`, or what an imported model is");
        /// The score down to which a detector raises an alarm.
        "threshold": Kind::Number(Interval::Finite), Default::Words("the model's own");
        /// The names of an imported model's classes, in its order.
        "classes": Kind::Names { max: 255 }, Default::Words("those of the file");
        /// The model to train.
        "kind": Kind::Choice(ModelKind::WORDS), NONE;
        /// Whose code trains; Gaussian naive Bayes is always trained by linfa.
        "trainer": Kind::Choice(Trainer::WORDS), Default::Value("\"spinney\"");
        /// The number of trees of a forest.
        "n_trees": Kind::Integer { min: 1, max: TREES_MAX }, Default::Value("100");
        /// The most splits from root to leaf.
        "max_depth": Kind::Integer { min: 1, max: DEPTH_MAX }, NO_LIMIT;
        /// The fewest training rows that a split may divide.
        "min_samples_split": Kind::Count { min: 2 }, Default::Value("2");
        /// The fewest training rows that a leaf may hold.
        "min_samples_leaf": Kind::Count { min: 1 }, Default::Value("1");
        /// The most leaves of a tree; the best splits come first.
        "max_leaf_nodes": Kind::Integer { min: 2, max: COUNT_MAX }, NO_LIMIT;
        /// How many features, drawn at random, a split chooses from.
        "max_features": Kind::MaxFeatures,
            Default::Words("`\"sqrt\"` for forests, `\"all\"` for a decision tree and for numbers");
        /// What a split is chosen by.
        "criterion": Kind::Choice(Criterion::WORDS),
            Default::Words("`\"gini\"`, or `\"squared_error\"` with `task = \"regress\"`");
        /// Whether each tree sees rows drawn with replacement, rather than all rows.
        "bootstrap": Kind::Flag,
            Default::Words("`true` for a random forest, `false` for extra-trees");
        /// How many rows are drawn for a tree, where `bootstrap` is on.
        "max_samples": Kind::Count { min: 1 }, Default::Words("as many as there are training rows");
        /// How much a row of each class counts in training.
        "class_weight": Kind::ClassWeight, Default::Value("\"none\"");
        /// The least that a split must gain.
        "min_impurity_decrease": Kind::Number(Interval::AtLeastZero), Default::Value("0.0");
        /// The price of a leaf in minimal cost-complexity pruning.
        "ccp_alpha": Kind::Number(Interval::AtLeastZero), Default::Value("0.0");
        /// What is promised of a smaller model, which then ships: trees go, splits become leaves.
        "shrink": Kind::Choice(Promise::WORDS), Default::Words("the model stays as it is");
        /// The accuracy that `shrink = "score"` may lose; of a regressor, the share by which its error may grow.
        "max_score_loss": Kind::Number(Interval::Fraction),
            Default::Words("`0.005`, with `shrink = \"score\"`");
        /// The probability that a row like those of training changes its class, or leaves `shrink_error`.
        "shrink_alpha": Kind::Number(Interval::Fraction),
            Default::Words("`0.05`, with `shrink = \"in-distribution\"`");
        /// How far the value of a smaller regressor may be from the original's, in the unit of the labels.
        "shrink_error": Kind::Number(Interval::AboveZero), NONE;
        /// How long `shrink = "every-input"` may prove, in seconds of counted steps.
        "shrink_seconds": Kind::Number(Interval::AboveZero),
            Default::Words("`20`, with `shrink = \"every-input\"`");
        /// The share of the largest variance that naive Bayes adds to all variances.
        "var_smoothing": Kind::Number(Interval::AboveZero), Default::Value("1e-9");
    },
    section! {
        /// Says how the float model becomes integers.
        "quantize", optional:
        /// Whether trees average class proportions, as scikit-learn does, or vote.
        "leaves": Kind::Choice(Voting::WORDS), Default::Value("\"soft\"");
        /// Precision of the class proportions that soft votes add up, and of values.
        "votes": Kind::Choice(Votes::WORDS), Default::Value("\"q15\"");
        /// Width of the codes that trees compare.
        "codes": Kind::Choice(CodeWidth::WORDS), Default::Value("\"auto\"");
        /// How readings become codes, unless a feature says otherwise.
        "coding": Kind::Choice(CodingChoice::WORDS), Default::Value("\"auto\"");
    },
    section! {
        /// Says which features a model is trained on.
        "features", optional:
        /// How many features are kept, those that the training rows rest on most.
        "select": Kind::Select, Default::Words("all of them");
    },
    section! {
        /// One feature's range and type, as the sensor delivers it: `[features.NAME]`.
        "features.NAME", optional:
        /// The lowest and highest reading that the sensor delivers.
        "range": Kind::Range, Default::Words("what the training rows, or else the model, show");
        /// The type in which the firmware gets a reading.
        "type": Kind::Choice(Sensor::WORDS), Default::Words("what the training rows show");
        /// How this feature's readings become codes.
        "coding": Kind::Choice(CodingChoice::WORDS), Default::Words("that of `[quantize]`");
        /// What the sensor delivers where it has no reading.
        "missing": Kind::Missing,
            Default::Words("NaN where the model was fitted with gaps, else none");
        /// The words that the column holds; a reading is the place of one in this list, from 0 on.
        "categories": Kind::Names { max: 65_535 }, Default::Words("the feature is a number");
    },
    super::signal::FRONTEND,
    super::signal::SCENES,
    section! {
        /// Says what is generated for the device.
        "codegen", optional:
        /// The form that the model takes in flash.
        "encoding": Kind::Choice(Encoding::WORDS), Default::Value("\"auto\"");
        /// What `encoding = "auto"` looks for among the forms that meet the budgets.
        "prefer": Kind::Choice(Prefer::WORDS), Default::Value("\"flash\"");
        /// What the device computes for a row.
        "outputs": Kind::Choices(Output::WORDS), Default::Value("[\"class\"]");
        /// Whether a forest stops once no tree left can change the class.
        "early_exit": Kind::Flag, Default::Value("false");
        /// The share of the certain votes, or of the certain lead, at which an early exit stops.
        "exit_margin": Kind::Number(Interval::UpToOne), Default::Value("1");
        /// Where the generated crate goes besides, once all gates hold.
        "crate": Kind::Folder, NONE;
        /// Further forms of the model, written beside the generated crate.
        "export": Kind::Choices(Export::WORDS), Default::Value("[]");
        /// Where the C99 header goes besides, once all gates hold.
        "header": Kind::Header, NONE;
    },
    section! {
        /// Has a classifier say that it does not know where no class leads far enough.
        "reject", optional:
        /// The share of rows whose class is, by a proven promise, among those that the margin
        /// cannot tell apart.
        "coverage": Kind::Number(Interval::Fraction), Default::Required;
        /// The share of the training rows that calibrate the margin, and train nothing.
        "share": Kind::Number(Interval::Fraction),
            Default::Words("0.2 of a model that is trained here");
        /// The share of rows that may be taken for unlike those of training, by an isolation forest
        /// beside the classifier.
        "outliers": Kind::Number(Interval::Fraction), Default::Words("nobody looks");
        /// Rows that calibrate the margin, in the format of the test rows; an imported model must
        /// not have been trained on them.
        "rows": Kind::File, Default::Words("a share of the training rows");
    },
    section! {
        /// States what must hold for every input within some ranges, and has it proven or refuted.
        "property", optional:
        /// A class that is never given.
        "never": Kind::Text, Default::Words("another property");
        /// The highest value that a regressor gives, in its raw unit, before a link.
        "at_most": Kind::Number(Interval::Finite), Default::Words("another property");
        /// The lowest value that a regressor gives, in its raw unit, before a link.
        "at_least": Kind::Number(Interval::Finite), Default::Words("another property");
        /// A feature; as its reading rises and all others stay, the value never falls, or `class`
        /// stays once it is given.
        "increasing": Kind::Text, Default::Words("another property");
        /// A feature; as its reading rises and all others stay, the value never rises, or `class`
        /// stays away once it is.
        "decreasing": Kind::Text, Default::Words("another property");
        /// The class that `increasing` or `decreasing` is about.
        "class": Kind::Text,
            Default::Words("none; required for `increasing` and `decreasing` of a classifier");
        /// `true`: float and fixed point give the same class.
        "agrees": Kind::Flag, Default::Words("another property");
        /// How far all readings of a test row may drift at once, as a share of each feature's
        /// range, while its class stays.
        "drift": Kind::Number(Interval::Fraction), Default::Words("another property");
        /// The least share of test rows that `drift` must leave their class.
        "min_share": Kind::Number(Interval::Share), Default::Words("1");
        /// The ranges that the property is about, both ends included; features that are not named
        /// may have any reading.
        "within": Kind::Ranges, Default::Words("every reading of each feature's range");
        /// How long the search may take, counted in steps, of which a second has 50 million.
        "seconds": Kind::Number(Interval::AboveZero), Default::Value("10");
    },
    section! {
        /// Gates on what the model is worth on the test rows, and on what Q15 may cost.
        "accuracy", optional:
        /// Whether Q15 must be right more often than naming the most frequent class is.
        "better_than_majority": Kind::Flag, Default::Value("true");
        /// The least share of test rows whose class Q15 must name.
        "min_accuracy": Kind::Number(Interval::Share), NO_GATE;
        /// The least mean, over the classes, of the share of a class's rows that Q15 finds.
        "min_balanced_accuracy": Kind::Number(Interval::Share), NO_GATE;
        /// The least share of a class's test rows that Q15 must find, class by class.
        "min_recall": Kind::PerClass(Interval::Share), NO_GATE;
        /// The most accuracy of Q15 that may be lost since a baseline report.
        "max_accuracy_loss": Kind::Number(Interval::Share), NO_GATE;
        /// The most accuracy that Q15 may lose against float; 0.01 is one point in a hundred.
        "max_drop": Kind::Number(Interval::Share), NO_GATE;
        /// The least share of test rows for which float and Q15 agree on the class.
        "min_agreement": Kind::Number(Interval::Share), NO_GATE;
        /// The most test rows for which float and Q15 may disagree.
        "max_disagreements": Kind::Integer { min: 0, max: COUNT_MAX }, NO_GATE;
        /// The most that a value of Q15 may be off float's, in the unit of the label.
        "max_error": Kind::Number(Interval::AtLeastZero), NO_GATE;
        /// The most by which Q15's mean absolute error may exceed float's, as a share of it; 0.01
        /// is one in a hundred.
        "max_mae_growth": Kind::Number(Interval::AtLeastZero), NO_GATE;
        /// The least coefficient of determination, R², of Q15.
        "min_r2": Kind::Number(Interval::AtMostOne), NO_GATE;
        /// The least area under the ROC curve of a detector in Q15.
        "min_auc": Kind::Number(Interval::Share), NO_GATE;
        /// The least share of test rows whose class is among those within the margin of `[reject]`.
        "min_coverage": Kind::Number(Interval::Share), NO_GATE;
        /// The least share of right answers among those that are not *unknown*.
        "min_accuracy_accepted": Kind::Number(Interval::Share), NO_GATE;
        /// The largest share of test rows to which the answer is *unknown*.
        "max_unknown": Kind::Number(Interval::Share), NO_GATE;
        /// The largest share of test rows whose class leads far enough and that `outliers` of
        /// `[reject]` flags.
        "max_false_alarms": Kind::Number(Interval::Share), NO_GATE;
        /// How far the proof must reach that Q15 decides as float does.
        "require_certificate": Kind::Choice(Level::WORDS), NO_GATE;
    },
    section! {
        /// Names the chip, and what stands in for it.
        "target", required:
        /// The microcontroller, in any case.
        "chip": Kind::Chip, Default::Required;
        /// Its processor; of several, the one that boots.
        "core": Kind::Choice(&Core::NAMES), Default::Words("the chip's");
        /// How much flash there is for the image.
        "flash": Kind::Size { min: 1 }, Default::Words("the chip's");
        /// Where the image starts in flash, for example behind a bootloader.
        "origin": Kind::Address, Default::Words("the chip's");
        /// How much RAM there is for data and stack.
        "ram": Kind::Size { min: 1 }, Default::Words("the chip's");
        /// Where that RAM starts.
        "ram_origin": Kind::Address, Default::Words("the chip's");
        /// How fast the core runs, in MHz; turns cycles into microseconds.
        "clock_mhz": Kind::Number(Interval::AboveZero), Default::Words("`[power]`'s");
        /// What a board took for predictions, in a file that `flash --verify` wrote.
        "measured": Kind::File, Default::Words("by the core's timing table");
        /// Whether every test row must be run in the emulator.
        "emulator": Kind::Choice(Emulator::WORDS), Default::Value("\"required\"");
        /// The emulated machine, by its QEMU name.
        "board": Kind::Board, Default::Words("the machine for the chip's core");
    },
    section! {
        /// Says how much of the test the emulated device takes.
        "evaluate", optional:
        /// How many of the test rows run in the emulator.
        "device_rows": Kind::Integer { min: 1, max: COUNT_MAX }, Default::Words("all of them");
    },
    section! {
        /// Says how the firmware behaves.
        "firmware", optional:
        /// The least severe message that the firmware logs.
        "log": Kind::Choice(LogLevel::WORDS), Default::Value("\"info\"");
        /// How many seconds the run in the emulator may take.
        "deadline_s": Kind::Integer { min: 1, max: 86_400 }, Default::Value("300");
    },
    spending::BUDGET,
    spending::UPLINK,
    spending::POWER,
    search::SEARCH,
];
