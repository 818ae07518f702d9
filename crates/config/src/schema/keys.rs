//! The tables themselves: every section with its keys, in the order in which users meet them.

use super::{CORES, Default, Interval, Key, Kind, Section, search, spending};
use spinney_dataset::{Decimal, Delimiter};
use spinney_model::{Task, Voting};
use spinney_quantize::{CodeWidth, CodingChoice, Level, Sensor, Votes};

use crate::choice::{
    Criterion, Emulator, Encoding, Export, Gaps, LogLevel, ModelKind, Output, Prefer, Promise,
    Rates, Short, Source, Trainer, Word,
};

pub(super) const fn key(
    name: &'static str,
    kind: Kind,
    default: Default,
    doc: &'static str,
) -> Key {
    Key {
        name,
        kind,
        default,
        doc,
    }
}

const NO_LIMIT: Default = Default::Words("no limit");
pub(super) const NO_GATE: Default = Default::Words("no gate");
/// Most trees, and the deepest one, that the runtime's tables are meant for.
pub(super) const TREES_MAX: i64 = 10_000;
pub(super) const DEPTH_MAX: i64 = 1_000;
pub(super) const COUNT_MAX: i64 = u32::MAX as i64;

/// Every section, in the order in which the document tells them.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "pipeline",
        doc: "Names the pipeline and fixes its random choices.",
        required: true,
        keys: &[
            key(
                "name",
                Kind::Name,
                Default::Required,
                "Names the pipeline, and the folder of its reports.",
            ),
            key(
                "seed",
                Kind::Integer {
                    min: 0,
                    max: i64::MAX,
                },
                Default::Value("42"),
                "Starts every random choice: the split of the data and the training.",
            ),
            key(
                "reports",
                Kind::Folder,
                Default::Value("\"reports\""),
                "Holds a folder of reports per pipeline.",
            ),
        ],
    },
    Section {
        name: "dataset",
        doc: "Says which rows there are, and which of them only test.",
        required: true,
        keys: &[
            key(
                "path",
                Kind::Paths,
                Default::Words("none"),
                "A file of rows, split into rows for training and rows for the test.",
            ),
            key(
                "path_labels",
                Kind::LabelFile,
                Default::Words("none"),
                "The labels that belong to `path`, where that is an IDX or `.npy` file, or recordings.",
            ),
            key(
                "train",
                Kind::Paths,
                Default::Words("none"),
                "A file of rows that are all for training.",
            ),
            key(
                "train_labels",
                Kind::LabelFile,
                Default::Words("none"),
                "The labels that belong to `train`, where that is an IDX or `.npy` file, or recordings.",
            ),
            key(
                "test",
                Kind::Paths,
                Default::Words("none"),
                "A file of rows that are all for the test.",
            ),
            key(
                "test_labels",
                Kind::LabelFile,
                Default::Words("none"),
                "The labels that belong to `test`, where that is an IDX or `.npy` file, or recordings.",
            ),
            key(
                "label",
                Kind::Columns,
                Default::Words("none"),
                "The column of a CSV file that holds the class, or a regressor's number, or the columns of several numbers; all others are features.",
            ),
            key(
                "unit",
                Kind::Texts,
                Default::Words("none"),
                "The unit of a regressor's numbers, for reports.",
            ),
            key(
                "normal",
                Kind::Column,
                Default::Words("none"),
                "The label of rows that are no anomalies; a detector's rows with any other are.",
            ),
            key(
                "header",
                Kind::Flag,
                Default::Value("true"),
                "Whether the first line of a CSV file names its columns.",
            ),
            key(
                "delimiter",
                Kind::Choice(Delimiter::WORDS),
                Default::Words("what the content of each file tells"),
                "What separates the columns of a CSV file.",
            ),
            key(
                "decimal",
                Kind::Choice(Decimal::WORDS),
                Default::Words("what the content of each file tells"),
                "What separates a number's integer from its fraction in a CSV file.",
            ),
            key(
                "missing",
                Kind::Choice(Gaps::WORDS),
                Default::Words(
                    "a missing reading is a fault, but where `[features]` or the model says otherwise",
                ),
                "What becomes of readings that are missing.",
            ),
            key(
                "group",
                Kind::Text,
                Default::Words("none"),
                "The column of a CSV file whose rows of one name are all on one side.",
            ),
            key(
                "ignore",
                Kind::Names { max: 65_535 },
                Default::Words("none"),
                "Columns that are neither features nor label.",
            ),
            key(
                "recording",
                Kind::Column,
                Default::Words("none"),
                "The column of a CSV file of motion that names the recording a sample belongs to.",
            ),
            key(
                "recording_rows",
                Kind::Integer {
                    min: 2,
                    max: COUNT_MAX,
                },
                Default::Words("as many as follow each other"),
                "The rows of a CSV file of motion that are one recording, where all have as many.",
            ),
            key(
                "scale",
                Kind::Scale,
                Default::Words(
                    "1 of integers of 16 bits, else what makes such of the training readings",
                ),
                "What readings of motion are multiplied by, to be the integers that the device delivers.",
            ),
            key(
                "time",
                Kind::Column,
                Default::Words(
                    "the first other column that is called `time`, `timestamp`, `t` or alike",
                ),
                "The column of a CSV file of motion that has the time of each sample.",
            ),
            key(
                "rates",
                Kind::Choice(Rates::WORDS),
                Default::Words(
                    "`\"resample\"` where a file states its rate, `\"refuse\"` where its times say it",
                ),
                "What becomes of recordings that were sampled at another rate than `sample_rate`.",
            ),
            key(
                "short",
                Kind::Choice(Short::WORDS),
                Default::Words("`\"skip\"`"),
                "What becomes of recordings of motion that are shorter than a window.",
            ),
            key(
                "test_fraction",
                Kind::Number(Interval::Fraction),
                Default::Value("0.25"),
                "The share of the rows of `path` that is kept for the test, class by class where there are classes.",
            ),
        ],
    },
    Section {
        name: "model",
        doc: "Says where the classifier comes from, and how it is trained.",
        required: true,
        keys: &[
            key(
                "source",
                Kind::Choice(Source::WORDS),
                Default::Value("\"train\""),
                "Whether the model is trained here or comes from a file.",
            ),
            key(
                "path",
                Kind::File,
                Default::Words("none"),
                "The model file to import: skops, XGBoost, LightGBM, CatBoost, ONNX, treelite, Spark or Spinney's JSON.",
            ),
            key(
                "task",
                Kind::Choice(Task::WORDS),
                Default::Words("`\"classify\"`, or what an imported model is"),
                "What the model is asked for: a class, a number, or whether a row is an anomaly.",
            ),
            key(
                "threshold",
                Kind::Number(Interval::Finite),
                Default::Words("the model's own"),
                "The score down to which a detector raises an alarm.",
            ),
            key(
                "classes",
                Kind::Names { max: 255 },
                Default::Words("those of the file"),
                "The names of an imported model's classes, in its order.",
            ),
            key(
                "kind",
                Kind::Choice(ModelKind::WORDS),
                Default::Words("none"),
                "The classifier to train.",
            ),
            key(
                "trainer",
                Kind::Choice(Trainer::WORDS),
                Default::Value("\"spinney\""),
                "Whose code trains; Gaussian naive Bayes is always trained by linfa.",
            ),
            key(
                "n_trees",
                Kind::Integer {
                    min: 1,
                    max: TREES_MAX,
                },
                Default::Value("100"),
                "The number of trees of a forest.",
            ),
            key(
                "max_depth",
                Kind::Integer {
                    min: 1,
                    max: DEPTH_MAX,
                },
                NO_LIMIT,
                "The most splits from root to leaf.",
            ),
            key(
                "min_samples_split",
                Kind::Count { min: 2 },
                Default::Value("2"),
                "The fewest training rows that a split may divide.",
            ),
            key(
                "min_samples_leaf",
                Kind::Count { min: 1 },
                Default::Value("1"),
                "The fewest training rows that a leaf may hold.",
            ),
            key(
                "max_leaf_nodes",
                Kind::Integer {
                    min: 2,
                    max: COUNT_MAX,
                },
                NO_LIMIT,
                "The most leaves of a tree; the best splits come first.",
            ),
            key(
                "max_features",
                Kind::MaxFeatures,
                Default::Words("`\"sqrt\"` for forests, `\"all\"` for a decision tree"),
                "How many features, drawn at random, a split chooses from.",
            ),
            key(
                "criterion",
                Kind::Choice(Criterion::WORDS),
                Default::Value("\"gini\""),
                "What a split is chosen by.",
            ),
            key(
                "bootstrap",
                Kind::Flag,
                Default::Words("`true` for a random forest, `false` for extra-trees"),
                "Whether each tree sees rows drawn with replacement, rather than all rows.",
            ),
            key(
                "max_samples",
                Kind::Count { min: 1 },
                Default::Words("as many as there are training rows"),
                "How many rows are drawn for a tree, where `bootstrap` is on.",
            ),
            key(
                "class_weight",
                Kind::ClassWeight,
                Default::Value("\"none\""),
                "How much a row of each class counts in training.",
            ),
            key(
                "min_impurity_decrease",
                Kind::Number(Interval::AtLeastZero),
                Default::Value("0.0"),
                "The least that a split must gain.",
            ),
            key(
                "ccp_alpha",
                Kind::Number(Interval::AtLeastZero),
                Default::Value("0.0"),
                "The price of a leaf in minimal cost-complexity pruning.",
            ),
            key(
                "shrink",
                Kind::Choice(Promise::WORDS),
                Default::Words("the model stays as it is"),
                "What is promised of a smaller model, which then ships: trees go, splits become leaves.",
            ),
            key(
                "max_score_loss",
                Kind::Number(Interval::Fraction),
                Default::Words("`0.005`, with `shrink = \"score\"`"),
                "The accuracy that `shrink = \"score\"` may lose.",
            ),
            key(
                "shrink_seconds",
                Kind::Number(Interval::AboveZero),
                Default::Words("`20`, with `shrink = \"every-input\"`"),
                "How long `shrink = \"every-input\"` may prove, in seconds of counted steps.",
            ),
            key(
                "var_smoothing",
                Kind::Number(Interval::AboveZero),
                Default::Value("1e-9"),
                "The share of the largest variance that naive Bayes adds to all variances.",
            ),
        ],
    },
    Section {
        name: "quantize",
        doc: "Says how the float model becomes integers.",
        required: false,
        keys: &[
            key(
                "leaves",
                Kind::Choice(Voting::WORDS),
                Default::Value("\"soft\""),
                "Whether trees average class proportions, as scikit-learn does, or vote.",
            ),
            key(
                "votes",
                Kind::Choice(Votes::WORDS),
                Default::Value("\"q15\""),
                "Precision of the class proportions that soft votes add up, and of values.",
            ),
            key(
                "codes",
                Kind::Choice(CodeWidth::WORDS),
                Default::Value("\"auto\""),
                "Width of the codes that trees compare.",
            ),
            key(
                "coding",
                Kind::Choice(CodingChoice::WORDS),
                Default::Value("\"auto\""),
                "How readings become codes, unless a feature says otherwise.",
            ),
        ],
    },
    Section {
        name: "features",
        doc: "One feature's range and type, as the sensor delivers it: `[features.NAME]`.",
        required: false,
        keys: &[
            key(
                "range",
                Kind::Range,
                Default::Words("what the training rows, or else the model, show"),
                "The lowest and highest reading that the sensor delivers.",
            ),
            key(
                "type",
                Kind::Choice(Sensor::WORDS),
                Default::Words("what the training rows show"),
                "The type in which the firmware gets a reading.",
            ),
            key(
                "coding",
                Kind::Choice(CodingChoice::WORDS),
                Default::Words("that of `[quantize]`"),
                "How this feature's readings become codes.",
            ),
            key(
                "missing",
                Kind::Missing,
                Default::Words("NaN where the model was fitted with gaps, else none"),
                "What the sensor delivers where it has no reading.",
            ),
            key(
                "categories",
                Kind::Names { max: 65_535 },
                Default::Words("the feature is a number"),
                "The words that the column holds; a reading is the place of one in this list, from 0 on.",
            ),
        ],
    },
    super::signal::FRONTEND,
    super::signal::SCENES,
    Section {
        name: "codegen",
        doc: "Says what is generated for the device.",
        required: false,
        keys: &[
            key(
                "encoding",
                Kind::Choice(Encoding::WORDS),
                Default::Value("\"auto\""),
                "The form that the model takes in flash.",
            ),
            key(
                "prefer",
                Kind::Choice(Prefer::WORDS),
                Default::Value("\"flash\""),
                "What `encoding = \"auto\"` looks for among the forms that meet the budgets.",
            ),
            key(
                "outputs",
                Kind::Choices(Output::WORDS),
                Default::Value("[\"class\"]"),
                "What the device computes for a row.",
            ),
            key(
                "early_exit",
                Kind::Flag,
                Default::Value("false"),
                "Whether a forest stops once no tree left can change the class.",
            ),
            key(
                "exit_margin",
                Kind::Number(Interval::UpToOne),
                Default::Value("1"),
                "The share of the certain votes, or of the certain lead, at which an early exit stops.",
            ),
            key(
                "crate",
                Kind::Folder,
                Default::Words("none"),
                "Where the generated crate goes besides, once all gates hold.",
            ),
            key(
                "export",
                Kind::Choices(Export::WORDS),
                Default::Value("[]"),
                "Further forms of the model, written beside the generated crate.",
            ),
            key(
                "header",
                Kind::Header,
                Default::Words("none"),
                "Where the C99 header goes besides, once all gates hold.",
            ),
        ],
    },
    Section {
        name: "reject",
        doc: "Has a classifier say that it does not know where no class leads far enough.",
        required: false,
        keys: &[
            key(
                "coverage",
                Kind::Number(Interval::Fraction),
                Default::Required,
                "The share of rows whose class is, by a proven promise, among those that the margin cannot tell apart.",
            ),
            key(
                "share",
                Kind::Number(Interval::Fraction),
                Default::Words("0.2 of a model that is trained here"),
                "The share of the training rows that calibrate the margin, and train nothing.",
            ),
            key(
                "outliers",
                Kind::Number(Interval::Fraction),
                Default::Words("nobody looks"),
                "The share of rows that may be taken for unlike those of training, by an isolation forest beside the classifier.",
            ),
            key(
                "rows",
                Kind::File,
                Default::Words("a share of the training rows"),
                "Rows that calibrate the margin, in the format of the test rows; an imported model must not have been trained on them.",
            ),
        ],
    },
    Section {
        name: "property",
        doc: "States what must hold for every input within some ranges, and has it proven or refuted.",
        required: false,
        keys: &[
            key(
                "never",
                Kind::Text,
                Default::Words("another property"),
                "A class that is never given.",
            ),
            key(
                "at_most",
                Kind::Number(Interval::Finite),
                Default::Words("another property"),
                "The highest value that a regressor gives, in its raw unit, before a link.",
            ),
            key(
                "at_least",
                Kind::Number(Interval::Finite),
                Default::Words("another property"),
                "The lowest value that a regressor gives, in its raw unit, before a link.",
            ),
            key(
                "increasing",
                Kind::Text,
                Default::Words("another property"),
                "A feature; as its reading rises and all others stay, the value never falls, or `class` stays once it is given.",
            ),
            key(
                "decreasing",
                Kind::Text,
                Default::Words("another property"),
                "A feature; as its reading rises and all others stay, the value never rises, or `class` stays away once it is.",
            ),
            key(
                "class",
                Kind::Text,
                Default::Words("none; required for `increasing` and `decreasing` of a classifier"),
                "The class that `increasing` or `decreasing` is about.",
            ),
            key(
                "agrees",
                Kind::Flag,
                Default::Words("another property"),
                "`true`: float and fixed point give the same class.",
            ),
            key(
                "drift",
                Kind::Number(Interval::Fraction),
                Default::Words("another property"),
                "How far all readings of a test row may drift at once, as a share of each feature's range, while its class stays.",
            ),
            key(
                "min_share",
                Kind::Number(Interval::Share),
                Default::Words("1"),
                "The least share of test rows that `drift` must leave their class.",
            ),
            key(
                "within",
                Kind::Ranges,
                Default::Words("every reading of each feature's range"),
                "The ranges that the property is about, both ends included; features that are not named may have any reading.",
            ),
            key(
                "seconds",
                Kind::Number(Interval::AboveZero),
                Default::Value("10"),
                "How long the search may take, counted in steps, of which a second has 50 million.",
            ),
        ],
    },
    Section {
        name: "accuracy",
        doc: "Gates on what the model is worth on the test rows, and on what Q15 may cost.",
        required: false,
        keys: &[
            key(
                "better_than_majority",
                Kind::Flag,
                Default::Value("true"),
                "Whether Q15 must be right more often than naming the most frequent class is.",
            ),
            key(
                "min_accuracy",
                Kind::Number(Interval::Share),
                NO_GATE,
                "The least share of test rows whose class Q15 must name.",
            ),
            key(
                "min_balanced_accuracy",
                Kind::Number(Interval::Share),
                NO_GATE,
                "The least mean, over the classes, of the share of a class's rows that Q15 finds.",
            ),
            key(
                "min_recall",
                Kind::PerClass(Interval::Share),
                NO_GATE,
                "The least share of a class's test rows that Q15 must find, class by class.",
            ),
            key(
                "max_accuracy_loss",
                Kind::Number(Interval::Share),
                NO_GATE,
                "The most accuracy of Q15 that may be lost since a baseline report.",
            ),
            key(
                "max_drop",
                Kind::Number(Interval::Share),
                NO_GATE,
                "The most accuracy that Q15 may lose against float; 0.01 is one point in a hundred.",
            ),
            key(
                "min_agreement",
                Kind::Number(Interval::Share),
                NO_GATE,
                "The least share of test rows for which float and Q15 agree on the class.",
            ),
            key(
                "max_disagreements",
                Kind::Integer {
                    min: 0,
                    max: COUNT_MAX,
                },
                NO_GATE,
                "The most test rows for which float and Q15 may disagree.",
            ),
            key(
                "max_error",
                Kind::Number(Interval::AtLeastZero),
                NO_GATE,
                "The most that a value of Q15 may be off float's, in the unit of the label.",
            ),
            key(
                "max_mae_growth",
                Kind::Number(Interval::AtLeastZero),
                NO_GATE,
                "The most by which Q15's mean absolute error may exceed float's, as a share of it; 0.01 is one in a hundred.",
            ),
            key(
                "min_r2",
                Kind::Number(Interval::AtMostOne),
                NO_GATE,
                "The least coefficient of determination, R², of Q15.",
            ),
            key(
                "min_auc",
                Kind::Number(Interval::Share),
                NO_GATE,
                "The least area under the ROC curve of a detector in Q15.",
            ),
            key(
                "min_coverage",
                Kind::Number(Interval::Share),
                NO_GATE,
                "The least share of test rows whose class is among those within the margin of `[reject]`.",
            ),
            key(
                "min_accuracy_accepted",
                Kind::Number(Interval::Share),
                NO_GATE,
                "The least share of right answers among those that are not *unknown*.",
            ),
            key(
                "max_unknown",
                Kind::Number(Interval::Share),
                NO_GATE,
                "The largest share of test rows to which the answer is *unknown*.",
            ),
            key(
                "max_false_alarms",
                Kind::Number(Interval::Share),
                NO_GATE,
                "The largest share of test rows whose class leads far enough and that `outliers` of `[reject]` flags.",
            ),
            key(
                "require_certificate",
                Kind::Choice(Level::WORDS),
                NO_GATE,
                "How far the proof must reach that Q15 decides as float does.",
            ),
        ],
    },
    Section {
        name: "target",
        doc: "Names the chip, and what stands in for it.",
        required: true,
        keys: &[
            key(
                "chip",
                Kind::Chip,
                Default::Required,
                "The microcontroller, in any case.",
            ),
            key(
                "core",
                Kind::Choice(CORES),
                Default::Words("the chip's"),
                "Its processor; of several, the one that boots.",
            ),
            key(
                "flash",
                Kind::Size { min: 1 },
                Default::Words("the chip's"),
                "How much flash there is for the image.",
            ),
            key(
                "origin",
                Kind::Address,
                Default::Words("the chip's"),
                "Where the image starts in flash, for example behind a bootloader.",
            ),
            key(
                "ram",
                Kind::Size { min: 1 },
                Default::Words("the chip's"),
                "How much RAM there is for data and stack.",
            ),
            key(
                "ram_origin",
                Kind::Address,
                Default::Words("the chip's"),
                "Where that RAM starts.",
            ),
            key(
                "clock_mhz",
                Kind::Number(Interval::AboveZero),
                Default::Words("`[power]`'s"),
                "How fast the core runs, in MHz; turns cycles into microseconds.",
            ),
            key(
                "measured",
                Kind::File,
                Default::Words("by the core's timing table"),
                "What a board took for predictions, in a file that `flash --verify` wrote.",
            ),
            key(
                "emulator",
                Kind::Choice(Emulator::WORDS),
                Default::Value("\"required\""),
                "Whether every test row must be run in the emulator.",
            ),
            key(
                "board",
                Kind::Board,
                Default::Words("the machine for the chip's core"),
                "The emulated machine, by its QEMU name.",
            ),
        ],
    },
    Section {
        name: "evaluate",
        doc: "Says how much of the test the emulated device takes.",
        required: false,
        keys: &[key(
            "device_rows",
            Kind::Integer {
                min: 1,
                max: u32::MAX as i64,
            },
            Default::Words("all of them"),
            "How many of the test rows run in the emulator.",
        )],
    },
    Section {
        name: "firmware",
        doc: "Says how the firmware behaves.",
        required: false,
        keys: &[
            key(
                "log",
                Kind::Choice(LogLevel::WORDS),
                Default::Value("\"info\""),
                "The least severe message that the firmware logs.",
            ),
            key(
                "deadline_s",
                Kind::Integer {
                    min: 1,
                    max: 86_400,
                },
                Default::Value("300"),
                "How many seconds the run in the emulator may take.",
            ),
        ],
    },
    spending::BUDGET,
    spending::UPLINK,
    spending::POWER,
    search::SEARCH,
];
