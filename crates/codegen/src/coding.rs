//! Source of the conversion from readings to codes; its twin is the runtime's `coding.rs`.

use std::fmt::Write;

use spinney_quantize::{Coding, QuantModel, ReadingType};

use crate::options::CodeType;

/// Most readings that are picked one by one, each of which takes two instructions; more are picked
/// by a table.
const PICKED_MAX: usize = 32;

/// Most codes that are written one by one where codings differ, each with its own numbers; more are
/// made in a loop over a table.
const WRITTEN_MAX: usize = 8;
/// Most cuts of a rank that are compared one by one where codes are written so.
const COMPARED_MAX: usize = 3;

/// The simplest form of coding that serves all inputs of a model.
pub(crate) enum Form {
    /// Codes are the readings.
    Identity,
    /// One affine coding for all inputs.
    Uniform { shift: i8, offset: i32 },
    /// An affine coding per input.
    Affine,
    /// A rank coding per input.
    Rank,
    /// Both kinds.
    Mixed,
}

impl Form {
    /// The form for codes of the type `width`.
    pub(crate) fn of(model: &QuantModel, width: CodeType) -> Self {
        if is_identity(model, width) {
            return Self::Identity;
        }
        let codings = model.codings();
        let is_rank = |coding: &Coding| matches!(coding, Coding::Rank { .. });
        match &codings[0] {
            Coding::Affine { shift, offset }
                if codings.iter().all(|coding| *coding == codings[0]) =>
            {
                Self::Uniform {
                    shift: *shift,
                    offset: *offset,
                }
            }
            _ if codings.iter().all(is_rank) => Self::Rank,
            _ if codings.iter().any(is_rank) => Self::Mixed,
            _ => Self::Affine,
        }
    }
}

/// Whether codes are the readings themselves, and of their type.
pub(crate) fn is_identity(model: &QuantModel, width: CodeType) -> bool {
    let same = match model.reading_type() {
        ReadingType::U8 => CodeType::U8,
        _ => CodeType::I16,
    };
    model.is_identity() && width == same
}

/// The generated `predict` and `encode`, and the tables that they read.
pub(crate) struct CodingSource {
    pub functions: String,
    pub tables: String,
    /// Whether codings are a table, `CODINGS`.
    pub is_table: bool,
}

/// Writes the conversion of `model`.
pub(crate) fn source(model: &QuantModel, width: CodeType) -> CodingSource {
    let form = Form::of(model, width);
    if are_written(&form, model) {
        return CodingSource {
            functions: functions("tables::codes(readings)"),
            tables: one_by_one(model, width),
            is_table: false,
        };
    }
    let pick = Pick::of(model);
    let reading = match model.reading_type() {
        ReadingType::U8 | ReadingType::I16 | ReadingType::I32 => pick.reading().to_owned(),
        ReadingType::F32 => format!("SingleBits({}.to_bits())", pick.reading()),
    };
    let mut tables = String::new();
    let coding = match &form {
        Form::Identity => {
            return CodingSource {
                functions: IDENTITY.to_owned(),
                tables,
                is_table: false,
            };
        }
        Form::Uniform { shift, offset } => {
            let _ = writeln!(
                tables,
                "use spinney_runtime::coding::Affine;\n\n\
                 /// The coding of every {input}.\n\
                 pub(crate) const CODING: Affine = Affine {{ shift: {shift}, offset: {offset} }};",
                input = pick.input()
            );
            "tables::CODING"
        }
        _ => {
            write_codings(&form, model, &pick, &mut tables);
            pick.coding()
        }
    };
    let code = match width {
        CodeType::U8 => format!("narrow({coding}.code({reading}))"),
        CodeType::I16 => format!("{coding}.code({reading})"),
    };
    pick.write(model, &mut tables);
    CodingSource {
        functions: functions(&pick.all(&code, coding == pick.coding())),
        tables,
        is_table: !matches!(form, Form::Uniform { .. }),
    }
}

/// `predict` and `encode`, whose body is given.
fn functions(encode: &str) -> String {
    format!(
        "/// The class index of a row of raw readings.\n\
         #[must_use]\n\
         #[inline(never)]\n\
         pub fn predict(readings: &[Reading; N_FEATURES]) -> usize {{\n    \
             classify(&encode(readings))\n\
         }}\n\n\
         /// The codes of a row of raw readings.\n\
         #[must_use]\n\
         pub fn encode(readings: &[Reading; N_FEATURES]) -> [Code; N_CODES] {{\n    \
             {encode}\n\
         }}\n"
    )
}

/// Whether each code is written with its own numbers.
fn are_written(form: &Form, model: &QuantModel) -> bool {
    matches!(form, Form::Affine | Form::Rank | Form::Mixed) && model.inputs().len() <= WRITTEN_MAX
}

/// `codes`, which makes each code with its own numbers: few cuts are compared as they are, and what
/// takes more code stands in functions that codes share.
fn one_by_one(model: &QuantModel, width: CodeType) -> String {
    let reading = |place: &str| match model.reading_type() {
        ReadingType::F32 => format!("SingleBits({place}.to_bits())"),
        ReadingType::U8 | ReadingType::I16 | ReadingType::I32 => place.to_owned(),
    };
    let narrowed = |code: String| match width {
        CodeType::U8 => format!("narrow({code})"),
        CodeType::I16 => code,
    };
    let (mut has_affine, mut has_few, mut has_many) = (false, false, false);
    let mut codes = String::new();
    for (input, coding) in model.inputs().iter().zip(model.codings()) {
        let place = format!("readings[{input}]");
        let code = match coding {
            Coding::Affine { shift, offset } => {
                has_affine = true;
                format!("affine({place}, {shift}, {offset})")
            }
            Coding::Rank { cuts } if (1..=COMPARED_MAX).contains(&cuts.len()) => {
                has_few = true;
                let above: Vec<String> = cuts
                    .iter()
                    .map(|cut| format!("Code::from(order > {cut})"))
                    .collect();
                format!(
                    "{{ let order = {}.order(); {} }}",
                    reading(&place),
                    above.join(" + ")
                )
            }
            Coding::Rank { cuts } => {
                has_many = true;
                format!("rank({place}, &{cuts:?})")
            }
        };
        let _ = writeln!(codes, "        {code},");
    }
    let mut names = Vec::new();
    let mut functions = String::new();
    if has_affine {
        names.push("Affine");
        let code = format!("Affine {{ shift, offset }}.code({})", reading("reading"));
        let _ = write!(
            functions,
            "fn affine(reading: Reading, shift: i8, offset: i32) -> Code {{\n    {}\n}}\n\n",
            narrowed(code)
        );
    }
    if has_many {
        names.push("Rank");
        let code = format!("Rank {{ cuts }}.code({})", reading("reading"));
        let _ = write!(
            functions,
            "fn rank(reading: Reading, cuts: &[i32]) -> Code {{\n    {}\n}}\n\n",
            narrowed(code)
        );
    }
    let mut allow = "";
    if has_few {
        names.push("Reading as _");
        allow = "// A cut may be the highest reading.\n\
                 #[allow(unused_comparisons, clippy::absurd_extreme_comparisons)]\n";
    }
    if model.reading_type() == ReadingType::F32 {
        names.push("SingleBits");
    }
    if width == CodeType::U8 && (has_affine || has_many) {
        names.push("narrow");
    }
    let names = match names[..] {
        [name] if !name.contains(' ') => name.to_owned(),
        _ => format!("{{{}}}", names.join(", ")),
    };
    format!(
        "use spinney_runtime::coding::{names};\n\n\
         use crate::{{Code, N_CODES, N_FEATURES, Reading}};\n\n\
         {functions}\
         /// The codes of a row, each made as its feature's readings are.\n\
         {allow}#[inline(always)]\n\
         pub(crate) fn codes(readings: &[Reading; N_FEATURES]) -> [Code; N_CODES] {{\n    \
             [\n{codes}    ]\n}}\n"
    )
}

/// How the readings that are coded are picked from a row.
enum Pick {
    /// All are, in their order.
    All,
    /// Each by an index in the code.
    Each,
    /// By a table of indices.
    Table,
}

impl Pick {
    fn of(model: &QuantModel) -> Self {
        match model.inputs().len() {
            n if n == model.schema().n_features() => Self::All,
            ..=PICKED_MAX => Self::Each,
            _ => Self::Table,
        }
    }

    /// What a code is made from, in words.
    fn input(&self) -> &'static str {
        match self {
            Self::All => "feature",
            Self::Each | Self::Table => "feature that the model uses",
        }
    }

    /// The reading that a code is made from.
    fn reading(&self) -> &'static str {
        match self {
            Self::All | Self::Each => "readings[i]",
            Self::Table => "reading",
        }
    }

    /// The coding of a code, where they differ.
    fn coding(&self) -> &'static str {
        match self {
            Self::All | Self::Each => "tables::CODINGS[i]",
            Self::Table => "coding",
        }
    }

    /// All codes, by an expression for each of them.
    fn all(&self, code: &str, has_codings: bool) -> String {
        match self {
            Self::All => format!("core::array::from_fn(|i| {code})"),
            Self::Each => format!(
                "let readings = tables::used(readings);\n    \
                 core::array::from_fn(|i| {code})"
            ),
            Self::Table => {
                let (names, tables) = if has_codings {
                    ("((code, coding), input)", ".zip(&tables::CODINGS)")
                } else {
                    ("(code, input)", "")
                };
                format!(
                    "let mut codes = [0; N_CODES];\n    \
                     for {names} in codes.iter_mut(){tables}.zip(&tables::INPUTS) {{\n        \
                         // There is such a reading; the compiler does not know, and must not panic.\n        \
                         let reading = readings\n            \
                             .get(usize::from(*input))\n            \
                             .copied()\n            \
                             .unwrap_or_default();\n        \
                         *code = {code};\n    \
                     }}\n    \
                     codes"
                )
            }
        }
    }

    /// What picks.
    fn write(&self, model: &QuantModel, out: &mut String) {
        let inputs = model.inputs();
        let _ = match self {
            Self::All => Ok(()),
            Self::Each => {
                let readings: Vec<String> = inputs
                    .iter()
                    .map(|input| format!("readings[{input}]"))
                    .collect();
                write!(
                    out,
                    "\nuse crate::{{N_CODES, N_FEATURES, Reading}};\n\n\
                     /// The readings that the model uses.\n\
                     #[inline(always)]\n\
                     pub(crate) fn used(readings: &[Reading; N_FEATURES]) -> [Reading; N_CODES] \
                     {{\n    [{}]\n}}\n",
                    readings.join(", ")
                )
            }
            Self::Table => {
                let kind = if inputs.iter().all(|input| *input < 256) {
                    "u8"
                } else {
                    "u16"
                };
                write!(
                    out,
                    "\n/// The features that the model uses.\n\
                     pub(crate) static INPUTS: [{kind}; {}] = {inputs:?};\n",
                    inputs.len()
                )
            }
        };
    }
}

const IDENTITY: &str = "\
/// The class index of a row of raw readings.
#[must_use]
#[inline(never)]
pub fn predict(readings: &[Reading; N_FEATURES]) -> usize {
    classify(readings)
}

/// The codes of a row of raw readings: the readings themselves.
#[must_use]
pub fn encode(readings: &[Reading; N_FEATURES]) -> [Code; N_CODES] {
    *readings
}
";

fn write_codings(form: &Form, model: &QuantModel, pick: &Pick, out: &mut String) {
    let codings = model.codings();
    let kind = match form {
        Form::Affine => "Affine",
        Form::Rank => "Rank<'static>",
        _ => "Coding<'static>",
    };
    let imports = match form {
        Form::Affine => "Affine",
        Form::Rank => "Rank",
        _ => "{Affine, Coding, Rank}",
    };
    let _ = writeln!(out, "use spinney_runtime::coding::{imports};\n");
    let _ = writeln!(
        out,
        "/// How each {} is coded.\npub(crate) static CODINGS: [{kind}; {}] = [",
        pick.input(),
        codings.len()
    );
    for coding in codings {
        let text = match coding {
            Coding::Affine { shift, offset } => {
                format!("Affine {{ shift: {shift}, offset: {offset} }}")
            }
            Coding::Rank { cuts } => format!("Rank {{ cuts: &{cuts:?} }}"),
        };
        let _ = match (form, coding) {
            (Form::Mixed, Coding::Affine { .. }) => writeln!(out, "    Coding::Affine({text}),"),
            (Form::Mixed, Coding::Rank { .. }) => writeln!(out, "    Coding::Rank({text}),"),
            _ => writeln!(out, "    {text},"),
        };
    }
    let _ = writeln!(out, "];");
}

/// The names that the generated `lib.rs` imports for the conversion.
pub(crate) fn imports(model: &QuantModel, width: CodeType) -> String {
    let mut names = Vec::new();
    if are_written(&Form::of(model, width), model) {
        return String::new();
    }
    if model.reading_type() == ReadingType::F32 {
        names.push("SingleBits");
    }
    if width == CodeType::U8 && !is_identity(model, width) {
        names.push("narrow");
    }
    match names[..] {
        [] => String::new(),
        [name] => format!("use spinney_runtime::coding::{name};\n"),
        _ => format!("use spinney_runtime::coding::{{{}}};\n", names.join(", ")),
    }
}

/// Whether the conversion reads tables.
pub(crate) fn has_tables(model: &QuantModel, width: CodeType) -> bool {
    !matches!(Form::of(model, width), Form::Identity)
}
