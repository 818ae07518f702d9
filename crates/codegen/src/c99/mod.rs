//! A quantized model as one C99 header: the same tables and trees as the drop-in crate, the same
//! bits, nothing to link.
//!
//! What the runtime computes, these functions write down in C: `coding` for readings, `forest` and
//! `branches` for trees, `bayes` for naive Bayes. `@` and `$` stand for the model's name in all
//! templates, in small letters and in capitals.

mod bayes;
mod branches;
mod coding;
mod forest;
mod text;
mod values;

use std::fmt::Write;

use spinney_checker::{self as checker, Claim, Layout, LeafTable};
use spinney_model::Task;
use spinney_quantize::{Body, QuantModel, ReadingType};

pub(crate) use self::coding::BITS;
use self::text::{Prefix, Tables, comment, string};
use crate::crate_files::{Identity, Origin, n_codes};
use crate::layout;
use crate::options::{CodeType, Encoding, Options, ScoreType};
use crate::unknown::{self, OutliersShape};

/// Bytes of constants that AVR's short addresses reach, less what a compiler puts there itself.
const AVR_REACH: usize = 60_000;
/// The largest object of avr-gcc.
const AVR_OBJECT_MAX: usize = 32_767;

/// A header, and what became of the model in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `<prefix>_model.h`.
    pub file: String,
    /// The model's name as C spells it, in front of all functions and types.
    pub prefix: String,
    /// The whole file.
    pub text: String,
    /// The form of the model in words: "3 bytes per split".
    pub form: String,
    /// Bytes of all tables.
    pub table_bytes: usize,
    /// The type of codes.
    pub code_type: CodeType,
    /// How splits are laid out; `None` where they are code, or there are none.
    pub layout: Option<Layout>,
    /// How votes are laid out; `None` where leaves are classes, or there are none.
    pub leaves: Option<LeafTable>,
    /// How the tables of a detector beside the classifier are laid out.
    pub outliers: Option<OutliersShape>,
    /// What was asked for and is not in the header, a sentence each.
    pub notes: Vec<String>,
}

impl Header {
    /// `claim`, of these tables.
    pub fn claimed(&self, mut claim: Claim) -> Claim {
        claim.code_bits = if self.code_type == CodeType::U8 {
            8
        } else {
            16
        };
        if let checker::Body::Forest { layout, leaves, .. } = &mut claim.body {
            (*layout, *leaves) = (self.layout, self.leaves);
        }
        claim
    }
}

/// The C99 header that predicts with `model`, bit for bit as the drop-in crate does.
///
/// Bit-packed trees become tables, since C gains nothing from them, and probabilities are left
/// out; [`Header::notes`] says so.
pub fn c99(identity: Identity<'_>, model: &QuantModel, options: &Options) -> Header {
    let mut options = options.fitted(model);
    if options.code_type == CodeType::U16 {
        options.code_type = CodeType::I16;
    }
    let prefix = Prefix::new(identity.pipeline);
    let mut notes = Vec::new();
    if options.encoding == Encoding::Packed {
        notes.push("Bit-packed splits are written as a table.".to_owned());
    }
    if model.probabilities().is_some() {
        notes.push("Probabilities are left out; scores order the classes as they do.".to_owned());
    }
    let coding = coding::source(model, options.code_type);
    let mut tables = coding.tables;
    let mut layouts = (None, None);
    let (body, form, n_trees) = match model.body() {
        Body::Forest(forest) => {
            let source = forest::source(model, forest, &options);
            tables.text.push_str(&source.tables.text);
            tables.sizes.extend(source.tables.sizes);
            layouts = (source.layout, layout::leaves(forest, model.n_scores()));
            (source.functions, source.form, forest.trees().len())
        }
        Body::Bayes(bayes) => {
            let more = bayes::tables(bayes, model.inputs().len());
            tables.text.push_str(&more.text);
            tables.sizes.extend(more.sizes);
            (bayes::functions(), "naive Bayes".to_owned(), 0)
        }
    };
    let outliers = outliers(model, &options);
    if let Some((source, _)) = &outliers {
        tables.sizes.extend(&source.tables.sizes);
    }
    let of_outliers = |text: &str| prefix.with("outliers").apply(text);
    let facts = Facts {
        identity,
        model,
        options: &options,
        form: &form,
        coding: coding.form,
        copies_readings: coding.is_identity,
        notes: &notes,
        n_trees,
    };
    let text = [
        facts.head(&prefix),
        prefix.apply(&memory(&tables)),
        facts.types(&prefix),
        facts.names(&prefix),
        prefix.apply(&tables.text),
        outliers.as_ref().map_or_else(String::new, |(source, _)| {
            prefix.apply(OUTLIERS)
                + &of_outliers(&source.tables.text)
                + &of_outliers(&source.functions)
        }),
        prefix.apply(&unknown::c99(model, body)),
        prefix.apply(&coding.functions),
        prefix.apply(&values::functions(model)),
        prefix.apply("\n#endif\n"),
    ]
    .concat();
    Header {
        file: format!("{}_model.h", prefix.lower()),
        prefix: prefix.lower().to_owned(),
        text,
        form,
        table_bytes: tables.sizes.iter().sum(),
        code_type: options.code_type,
        layout: layouts.0,
        leaves: layouts.1,
        outliers: outliers.map(|(_, shape)| shape),
        notes,
    }
}

/// A detector beside the classifier, as a table over its codes.
fn outliers(
    model: &QuantModel,
    options: &Options,
) -> Option<(forest::ForestSource, OutliersShape)> {
    let detector = model.outliers()?;
    let trees = detector.forest()?;
    let options = Options {
        encoding: Encoding::Table,
        early_exit: false,
        ..*options
    };
    let source = forest::source(detector, trees, &options);
    let shape = (source.layout, layout::leaves(trees, detector.n_scores()));
    Some((source, shape))
}

/// What the names of a detector stand for that it shares with the classifier.
const OUTLIERS: &str = "/* Whether codes are unlike those of training: an isolation forest. */\n\
    #define $_OUTLIERS_ROM $_ROM\n\
    #define $_OUTLIERS_READ8 $_READ8\n\
    #define $_OUTLIERS_READ16 $_READ16\n\
    #define $_OUTLIERS_READ32 $_READ32\n\
    #define $_OUTLIERS_LEAST $_LEAST\n\
    #define $_OUTLIERS_N_CODES $_N_CODES\n\
    #define $_OUTLIERS_N_CLASSES 2\n\
    typedef @_code_t @_outliers_code_t;\n\
    typedef @_score_t @_outliers_score_t;\n\n";

/// How a class comes out.
const CLASS_USAGE: &str = " *     @_reading_t readings[$_N_FEATURES]; in the order of @_features\n \
             *     uint8_t index = @_predict(readings); @_classes[index] is its name\n \
             *\n \
             * The same in steps: @_encode makes codes of readings, @_classify a class of codes,\n \
             * @_scores what each class scores.\n";

/// What the head of the file tells.
struct Facts<'a> {
    identity: Identity<'a>,
    model: &'a QuantModel,
    options: &'a Options,
    form: &'a str,
    coding: &'a str,
    /// Whether codes are the readings, copied.
    copies_readings: bool,
    notes: &'a [String],
    n_trees: usize,
}

impl Facts<'_> {
    /// The comment at the top, the guard and the includes.
    fn head(&self, prefix: &Prefix) -> String {
        let schema = self.model.schema();
        let trees = match self.n_trees {
            0 => String::new(),
            1 => ", 1 tree".to_owned(),
            n => format!(", {n} trees"),
        };
        let exit = if self.options.early_exit {
            ", trees are asked until the rest cannot change the class"
        } else {
            ""
        };
        let title = format!(
            "{}: {}{trees}, {} features, {}.",
            self.identity.pipeline,
            self.identity.kind,
            schema.n_features(),
            crate::values::outputs(self.model)
        );
        let (origin, alike) = match self.identity.origin {
            Origin::Config => (
                "the config of this pipeline; change that, not this",
                "as that of the Rust crate beside it",
            ),
            Origin::Model => (
                "a model; convert that anew, and leave this as it is",
                "on every machine",
            ),
        };
        let promise = format!(
            "Generated by Spinney from {origin}. Plain C99: nothing is allocated, nothing computes with \
             floats, and every result has the same bits {alike}."
        );
        let form = format!("Form: {}{exit}; {}.", self.form, self.coding);
        let notes = self.notes.join(" ");
        let readings = crate::coding::notes(self.model).join(" ");
        let paragraphs: Vec<String> = [title.as_str(), &promise, &form, &readings, &notes]
            .iter()
            .filter(|text| !text.is_empty())
            .map(|text| {
                let text = comment(text);
                text.trim_start_matches("/* ")
                    .trim_end_matches(" */\n")
                    .to_owned()
            })
            .collect();
        let usage = match schema.task() {
            Task::Regress => values::usage(self.model),
            Task::Classify | Task::Detect => CLASS_USAGE.to_owned(),
        };
        let usage = prefix.apply(&usage);
        let memcpy = if self.model.reading_type() == ReadingType::F32 || self.copies_readings {
            "#include <string.h>\n"
        } else {
            ""
        };
        format!(
            "/* {}\n *\n{usage} */\n{}",
            paragraphs.join("\n *\n * "),
            prefix.apply(&format!(
                "#ifndef $_MODEL_H\n#define $_MODEL_H\n\n#include <stddef.h>\n#include \
                 <stdint.h>\n{memcpy}\n"
            ))
        )
    }

    /// Constants and types.
    fn types(&self, prefix: &Prefix) -> String {
        let reading = match self.model.reading_type() {
            ReadingType::U8 => "uint8_t",
            ReadingType::I16 => "int16_t",
            ReadingType::I32 => "int32_t",
            ReadingType::F32 => "float",
        };
        let code = match self.options.code_type {
            CodeType::U8 => "uint8_t",
            CodeType::I16 => "int16_t",
            CodeType::U16 => "uint16_t",
            CodeType::Reading => reading,
        };
        let score = ScoreType::of(self.model).name_in_c();
        let schema = self.model.schema();
        let n_trees = match self.n_trees {
            0 => String::new(),
            n => format!("#define $_N_TREES {n}\n"),
        };
        prefix.apply(&format!(
            "#define $_N_FEATURES {}\n\
             #define $_N_CODES {}\n\
             #define $_N_CLASSES {}\n\
             {n_trees}\
             /* Fingerprint of the model, SHA-256. */\n\
             #define $_FINGERPRINT \"{}\"\n\n\
             /* What a sensor delivers per feature. */\n\
             typedef {reading} @_reading_t;\n\
             /* What the model compares: a reading, coded. */\n\
             typedef {code} @_code_t;\n\
             /* What a class scores. */\n\
             typedef {score} @_score_t;\n\n\
             /* The least length of an array, which C++ has no way to say. */\n\
             #ifdef __cplusplus\n\
             #define $_LEAST(n) n\n\
             #else\n\
             #define $_LEAST(n) static n\n\
             #endif\n\n\
             /* Compilers may choose how negative numbers shift and wrap; these choose right. */\n\
             typedef char @_shifts_round_down[((int32_t)-3 >> 1) == -2 ? 1 : -1];\n\
             typedef char @_casts_wrap[(int16_t)(uint16_t)0xffff == -1 ? 1 : -1];\n\n",
            schema.n_features(),
            n_codes(self.model, self.options.code_type),
            self.model.n_scores(),
            self.identity.fingerprint,
        ))
    }

    /// The names of features and classes. They are rows of characters rather than pointers, so
    /// that AVR keeps them in flash too.
    fn names(&self, prefix: &Prefix) -> String {
        let schema = self.model.schema();
        let features: Vec<&str> = schema
            .features()
            .iter()
            .map(|feature| feature.name.as_str())
            .collect();
        let outputs: Vec<&str> = schema.outputs().iter().map(String::as_str).collect();
        let (doc, table) = match schema.task() {
            Task::Regress => ("Names of the targets.", "targets"),
            Task::Classify | Task::Detect => ("Names of the classes, by index.", "classes"),
        };
        let mut out = String::new();
        for (doc, table, n, names) in [
            (
                "Names of the features, in the order of a row.",
                "features",
                "$_N_FEATURES",
                features,
            ),
            (doc, table, "$_N_CLASSES", outputs),
        ] {
            let len_max = names.iter().map(|name| name.len()).max().unwrap_or(0) + 1;
            out.push_str(&prefix.apply(&format!(
                "{}static const char @_{table}[{n}][{len_max}] $_ROM = {{\n",
                comment(doc)
            )));
            for name in names {
                let _ = writeln!(out, "    {},", string(name));
            }
            out.push_str("};\n\n");
        }
        out
    }
}

/// Where tables lie, and how they are read.
fn memory(tables: &Tables) -> String {
    let total: usize = tables.sizes.iter().sum();
    let largest = tables.sizes.iter().max().copied().unwrap_or(0);
    let refusal = if largest > AVR_OBJECT_MAX || total > AVR_REACH {
        format!(
            "#error \"{total} bytes of tables, {largest} in one: avr-gcc takes {AVR_OBJECT_MAX} in \
             one and reads the first 64 KiB\"\n"
        )
    } else {
        String::new()
    };
    format!(
        "{}\
         #ifndef $_ROM\n\
         #ifdef __AVR__\n\
         {refusal}\
         #include <avr/pgmspace.h>\n\
         #define $_ROM __attribute__((__section__(\".progmem.gcc.spinney\")))\n\
         #define $_READ8(address) pgm_read_byte(address)\n\
         #define $_READ16(address) pgm_read_word(address)\n\
         #define $_READ32(address) pgm_read_dword(address)\n\
         #else\n\
         #define $_ROM\n\
         #define $_READ8(address) (*(address))\n\
         #define $_READ16(address) (*(address))\n\
         #define $_READ32(address) (*(address))\n\
         #endif\n\
         #endif\n\n",
        comment(
            "Where tables lie and how they are read. On AVR, flash is a memory of its own, and tables \
             go before whatever else is in PROGMEM, into the 64 KiB that these reads reach; for \
             other cores where it is, define all four before this header."
        )
    )
}
