//! Keys whose value is one word of a few: the words, declared once, and what they mean.

/// Declares an enum whose variants are words of `pipeline.toml`.
macro_rules! choice {
    ($(#[$attribute:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// The words for it in `pipeline.toml`.
            pub const WORDS: &'static [&'static str] = &[$($word,)+];

            /// The word for it in `pipeline.toml`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// What a word means; `None` for any other.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

choice! {
    /// Where the model comes from.
    Source {
        /// Training on the dataset.
        Train = "train",
        /// A file.
        Import = "import",
    }
}

choice! {
    /// The classifier to train.
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
}

choice! {
    /// Who trains.
    Trainer {
        /// This project's own forests.
        Spinney = "spinney",
        /// The linfa crates.
        Linfa = "linfa",
    }
}

choice! {
    /// What a split's impurity is measured by.
    Criterion {
        /// Gini impurity.
        Gini = "gini",
        /// Shannon entropy.
        Entropy = "entropy",
        /// Another name of the entropy, as scikit-learn has it.
        LogLoss = "log_loss",
    }
}

choice! {
    /// How trees are combined into one class.
    Leaves {
        /// Class proportions are averaged.
        Soft = "soft",
        /// Each tree has one vote.
        Hard = "hard",
    }
}

choice! {
    /// How readings become codes.
    Coding {
        /// Chosen per feature.
        Auto = "auto",
        /// The sensor's integers as they are.
        Identity = "identity",
        /// Scaled into Q15.
        Affine = "affine",
        /// The number of thresholds below the reading.
        Rank = "rank",
    }
}

choice! {
    /// The type in which the firmware gets a reading.
    FeatureType {
        /// Unsigned, 8 bits.
        U8 = "u8",
        /// Signed, 8 bits.
        I8 = "i8",
        /// Unsigned, 16 bits.
        U16 = "u16",
        /// Signed, 16 bits.
        I16 = "i16",
        /// Signed, 32 bits.
        I32 = "i32",
        /// Floating point, 32 bits.
        F32 = "f32",
    }
}

impl FeatureType {
    /// Lowest and highest reading of the type; `None` for floating point.
    #[must_use]
    pub fn limits(self) -> Option<(i64, i64)> {
        match self {
            Self::U8 => Some((0, u8::MAX.into())),
            Self::I8 => Some((i8::MIN.into(), i8::MAX.into())),
            Self::U16 => Some((0, u16::MAX.into())),
            Self::I16 => Some((i16::MIN.into(), i16::MAX.into())),
            Self::I32 => Some((i32::MIN.into(), i32::MAX.into())),
            Self::F32 => None,
        }
    }
}

choice! {
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
}

choice! {
    /// What `encoding = "auto"` prefers among candidates that meet the budgets.
    Prefer {
        /// The smallest.
        Flash = "flash",
        /// The one with the fewest instructions.
        Speed = "speed",
    }
}

choice! {
    /// What the device computes for a row.
    Output {
        /// The class index.
        Class = "class",
        /// One integer score per class.
        Scores = "scores",
        /// One Q15 probability per class.
        Probabilities = "probabilities",
    }
}

choice! {
    /// A further form of the model that is written beside the crate.
    Export {
        /// A C99 header.
        C99 = "c99",
    }
}

choice! {
    /// How far the proof reaches that Q15 decides as float does; the strongest first.
    Certificate {
        /// Every raw value that the sensor can deliver.
        EveryInput = "every-input",
        /// Every row of the data.
        EveryRow = "every-row",
        /// Where the two may differ is listed.
        Listed = "listed",
    }
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
}

choice! {
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

choice! {
    /// Width of the codes that trees compare.
    Codes {
        /// 8 bits where they decide like float and save flash, else 16.
        Auto = "auto",
        /// 8 bits.
        Byte = "8-bit",
        /// 16 bits.
        Word = "16-bit",
    }
}

choice! {
    /// Precision of the class proportions that soft votes add up.
    Votes {
        /// Q15, where one is 32,768.
        Q15 = "q15",
        /// Units of 1/255.
        Byte = "8-bit",
        /// 8 bits where no training row is decided within their error, else 16.
        Auto = "auto",
    }
}

choice! {
    /// What the node sends of each decision.
    Sends {
        /// What the sensor delivers.
        Raw = "raw",
        /// What the model is fed with, as codes.
        Features = "features",
        /// What the model decides.
        Class = "class",
    }
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

choice! {
    /// How decisions are gathered before they are sent.
    Summary {
        /// Not at all.
        Each = "each",
        /// How often each class was decided, once an hour.
        HourlyCount = "hourly-count",
        /// Every N-th decision alone.
        Sampled = "sampled",
    }
}

choice! {
    /// What is kept of a channel's window in the time domain, in the order of a row.
    Measure {
        /// The mean.
        Mean = "mean",
        /// The variance of a population.
        Variance = "variance",
        /// The standard deviation.
        Deviation = "deviation",
        /// The smallest sample.
        Min = "min",
        /// The largest sample.
        Max = "max",
        /// Largest less smallest.
        Range = "range",
        /// The root of the mean square.
        Rms = "rms",
        /// Crossings of the mean.
        MeanCrossings = "mean-crossings",
        /// Crossings of 0.
        ZeroCrossings = "zero-crossings",
    }
}

choice! {
    /// What a frame is multiplied by.
    Window {
        /// The periodic Hann window.
        Hann = "hann",
        /// One.
        None = "none",
    }
}

choice! {
    /// How pitch follows from frequency.
    MelScale {
        /// `2595 log10(1 + f / 700)`.
        Htk = "htk",
        /// Linear below 1 kHz, logarithmic above.
        Slaney = "slaney",
    }
}

choice! {
    /// What a band's weights are multiplied by.
    Normalisation {
        /// Nothing: the peak is one.
        None = "none",
        /// Two over the band's width in Hz.
        Area = "area",
    }
}

choice! {
    /// A statistic over the frames of a decision.
    Statistic {
        /// The largest value.
        Max = "max",
        /// The smallest value.
        Min = "min",
        /// The mean.
        Mean = "mean",
        /// The variance of a population.
        Variance = "variance",
    }
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
