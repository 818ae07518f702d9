//! Keys whose value is one word of a few: the words, declared once, and what they mean. What another
//! crate computes with is that crate's own type; only its words stand here.

use spinney_dataset::{Decimal, Delimiter};
use spinney_evaluate::Sends;
use spinney_model::{Task, Voting};
use spinney_quantize::{CodeWidth, CodingChoice, Level, Sensor, Votes};
use spinney_signal::{Measure, MelScale, Normalisation, Spectral, Statistic, Window};

/// A value that is one word of a few in `pipeline.toml`.
pub trait Word: Copy + Sized + 'static {
    /// The words.
    const WORDS: &'static [&'static str];

    /// The word for this value.
    fn word(self) -> &'static str;

    /// What a word means; `None` for any other.
    fn from_word(word: &str) -> Option<Self>;
}

/// Gives an enum of another crate its words.
macro_rules! words {
    ($($name:ident { $($variant:ident = $word:literal),+ $(,)? })+) => {$(
        impl Word for $name {
            const WORDS: &'static [&'static str] = &[$($word,)+];

            fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    )+};
}

/// Declares an enum that only `pipeline.toml` has, with its words.
macro_rules! choice {
    ($($(#[$attribute:meta])* $name:ident {
        $($(#[$doc:meta])* $variant:ident = $word:literal,)+
    })+) => {$(
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)+
        }

        words! { $name { $($variant = $word,)+ } }
    )+};
}

choice! {
    /// Where the model comes from.
    Source {
        /// Training on the dataset.
        Train = "train",
        /// A file.
        Import = "import",
    }

    /// What a smaller model promises.
    Promise {
        /// A score on rows that neither trained nor were fitted to.
        Score = "score",
        /// The class of every training row.
        EveryRow = "every-row",
        /// The class of a further row, with a probability.
        InDistribution = "in-distribution",
        /// The class of every input.
        EveryInput = "every-input",
    }
}

words! {
    Delimiter { Comma = ",", Semicolon = ";", Tab = "tab", Bar = "|" }
    Decimal { Point = ".", Comma = "," }
    Task { Classify = "classify", Regress = "regress", Detect = "detect" }
}

choice! {
    /// The model to train.
    ModelKind {
        /// One tree.
        DecisionTree = "decision-tree",
        /// Bagged trees on random feature subsets.
        RandomForest = "random-forest",
        /// Trees with random thresholds.
        ExtraTrees = "extra-trees",
        /// Gaussian naive Bayes.
        GaussianNb = "gaussian-nb",
    }

    /// What becomes of readings that are missing.
    Gaps {
        /// Their rows are left out.
        Drop = "drop",
        /// The training rows' median takes their place, on the device as on the host.
        Median = "median",
    }

    /// What becomes of recordings that were taken at another rate than the device's.
    Rates {
        /// They are resampled.
        Resample = "resample",
        /// They are refused.
        Refuse = "refuse",
        /// Nothing: what says so is not looked at.
        Ignore = "ignore",
    }

    /// What becomes of recordings of motion that are shorter than a window.
    Short {
        /// They are left out.
        Skip = "skip",
        /// Their last sample stays until the window ends.
        Pad = "pad",
    }

    /// Who trains.
    Trainer {
        /// This project's own forests.
        Spinney = "spinney",
        /// The linfa crates.
        Linfa = "linfa",
    }

    /// What a split's impurity is measured by.
    Criterion {
        /// Gini impurity.
        Gini = "gini",
        /// Shannon entropy.
        Entropy = "entropy",
        /// Another name of the entropy, as scikit-learn has it.
        LogLoss = "log_loss",
        /// The variance of numbers.
        SquaredError = "squared_error",
    }
}

words! {
    Voting { Soft = "soft", Hard = "hard" }
    CodingChoice { Auto = "auto", Identity = "identity", Affine = "affine", Rank = "rank" }
    Sensor { U8 = "u8", I8 = "i8", U16 = "u16", I16 = "i16", I32 = "i32", F32 = "f32" }
}

choice! {
    /// What `search` looks for.
    Objective {
        /// The share of rows whose class is named.
        Accuracy = "accuracy",
        /// The mean of that share over the classes.
        BalancedAccuracy = "balanced-accuracy",
        /// The mean of the classes' F1.
        F1Macro = "f1-macro",
        /// The mean absolute error of numbers.
        Mae = "mae",
        /// The root of their mean squared error.
        Rmse = "rmse",
        /// Their coefficient of determination.
        R2 = "r2",
    }
}

impl Objective {
    /// Whose objective it is.
    pub fn task(self) -> Task {
        match self {
            Self::Accuracy | Self::BalancedAccuracy | Self::F1Macro => Task::Classify,
            Self::Mae | Self::Rmse | Self::R2 => Task::Regress,
        }
    }

    /// A number that is the higher the better a score is: errors are good where they are low.
    pub fn rank(self, score: f64) -> f64 {
        match self {
            Self::Mae | Self::Rmse => -score,
            _ => score,
        }
    }

    /// A score as it is read: of classes a percentage, of numbers five digits.
    pub fn shown(self, score: f64) -> String {
        match self.task() {
            Task::Classify => format!("{:.2} %", score * 100.0),
            _ => format!("{:.*}", decimals(score), score),
        }
    }
}

/// How many decimals show five digits of a number, up to nine.
fn decimals(number: f64) -> usize {
    (0..9)
        .find(|it| number.abs() >= 10_f64.powi(4 - it))
        .map_or(9, |it| it as usize)
}

choice! {
    /// A form in flash whose bytes are known without a compiler.
    Tabled {
        /// Tables of fixed-width nodes.
        Table = "table",
        /// Tables of bit-packed nodes.
        Packed = "packed",
    }

    /// The form that a model takes in flash.
    Encoding {
        /// The candidate that meets the budgets best.
        Auto = "auto",
        /// Tables of fixed-width nodes.
        Table = "table",
        /// Tables of bit-packed nodes.
        Packed = "packed",
        /// Code: nested conditions.
        Branches = "branches",
    }

    /// What `encoding = "auto"` prefers among candidates that meet the budgets.
    Prefer {
        /// The smallest.
        Flash = "flash",
        /// The one with the fewest instructions.
        Speed = "speed",
    }

    /// What the device computes for a row.
    Output {
        /// The class index.
        Class = "class",
        /// One integer score per class.
        Scores = "scores",
        /// One Q15 probability per class.
        Probabilities = "probabilities",
    }

    /// A further form of the model that is written beside the crate.
    Export {
        /// A C99 header.
        C99 = "c99",
    }
}

words! {
    Level { EveryInput = "every-input", EveryRow = "every-row", Listed = "listed" }
}

choice! {
    /// What to do about the run in the emulator.
    Emulator {
        /// A missing emulator is an error.
        Required = "required",
        /// A missing emulator is reported in words.
        Optional = "optional",
        /// There is no run, which is reported in words.
        Off = "off",
    }

    /// The least severe message that the firmware logs.
    LogLevel {
        /// None at all.
        Off = "off",
        /// Errors.
        Error = "error",
        /// And warnings.
        Warn = "warn",
        /// And progress.
        Info = "info",
        /// And details.
        Debug = "debug",
        /// And each step.
        Trace = "trace",
    }
}

words! {
    CodeWidth { Auto = "auto", Byte = "8-bit", Word = "16-bit" }
    Votes { Q15 = "q15", Byte = "8-bit", Word = "32-bit", Auto = "auto" }
    Sends { Raw = "raw", Features = "features", Class = "class" }
}

choice! {
    /// What a front end listens to.
    SignalKind {
        /// Sound.
        Audio = "audio",
        /// Movement, vibration, and whatever else a few slow channels deliver.
        Motion = "motion",
    }
}

/// Enums that features are called by have their words.
macro_rules! own_words {
    ($($name:ident)+) => {$(
        impl Word for $name {
            const WORDS: &'static [&'static str] = &Self::WORDS;

            fn word(self) -> &'static str {
                self.word()
            }

            fn from_word(word: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|it| it.word() == word)
            }
        }
    )+};
}

own_words! { Measure Spectral }

words! {
    Window { Hann = "hann", Rectangular = "none" }
    MelScale { Htk = "htk", Slaney = "slaney" }
    Normalisation { None = "none", Area = "area" }
    Statistic { Maximum = "max", Minimum = "min", Mean = "mean", Variance = "variance" }
}

choice! {
    /// What a statistic is one of.
    AggregateOf {
        /// Of logarithms.
        Logs = "logs",
        /// Of energies, with the logarithm after it.
        Energies = "energies",
    }
}

/// Writes a value as its word.
pub(crate) fn as_word<W: Word, S: serde::Serializer>(
    value: &W,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.word())
}

/// Writes the value as its word, if there is one.
pub(crate) fn as_word_if_given<W: Word, S: serde::Serializer>(
    value: &Option<W>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value.map_or("", Word::word))
}

/// Writes values as their words.
pub(crate) fn as_words<W: Word, S: serde::Serializer>(
    values: &[W],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(|value| value.word()))
}
