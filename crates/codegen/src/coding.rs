//! Source of the conversion from readings to codes; its twin is the runtime's `coding.rs`.

mod pick;
mod rest;

use std::fmt::Write;

use spinney_quantize::{Coding, Input, Missing, QuantModel, ReadingType};

use crate::compared;
use crate::options::CodeType;
use pick::Pick;
pub(crate) use rest::Rest;

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
        let plain = plain(model);
        let codings = || plain.iter().map(|input| &input.coding);
        let is_rank = |coding: &Coding| matches!(coding, Coding::Rank { .. });
        let first = codings().next().unwrap_or(&Coding::IDENTITY);
        match first {
            Coding::Affine { shift, offset } if codings().all(|coding| coding == first) => {
                Self::Uniform {
                    shift: *shift,
                    offset: *offset,
                }
            }
            _ if codings().all(is_rank) => Self::Rank,
            _ if codings().any(is_rank) => Self::Mixed,
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

/// The codes that are made of one reading each, by its coding: of features in ascending order, none
/// twice. What follows them, and what of them a missing reading changes, is [`Rest`].
pub(crate) fn plain(model: &QuantModel) -> &[Input] {
    let inputs = model.inputs();
    let is_set = |input: &Input| matches!(input.coding, Coding::Set { .. });
    let end = (0..inputs.len()).find(|at| {
        is_set(&inputs[*at]) || *at > 0 && inputs[at - 1].feature >= inputs[*at].feature
    });
    &inputs[..end.unwrap_or(inputs.len())]
}

/// What a caller has to know of readings that may be missing, and of categories; in sentences.
pub(crate) fn notes(model: &QuantModel) -> Vec<String> {
    let features = model.schema().features();
    let mut marks: Vec<(String, Vec<&str>)> = Vec::new();
    for (index, feature) in features.iter().enumerate() {
        let is_asked = model.input_of(index).is_some();
        let Some(missing) = model.missing(index).filter(|_| is_asked) else {
            continue;
        };
        let mark = match missing {
            Missing::Nan => "NaN".to_owned(),
            Missing::Number(number) => number.to_string(),
        };
        match marks.iter_mut().find(|(known, _)| *known == mark) {
            Some((_, names)) => names.push(&feature.name),
            None => marks.push((mark, vec![&feature.name])),
        }
    }
    let mut notes: Vec<String> = marks
        .into_iter()
        .map(|(mark, names)| format!("A reading that is missing is {mark}: {}.", names.join(", ")))
        .collect();
    let of_sets = Rest::of(model).sets;
    if !of_sets.is_empty() {
        let names = of_sets
            .iter()
            .map(|sets| features[sets.feature].name.as_str());
        let names: Vec<&str> = names.collect();
        notes.push(format!(
            "A reading that is a category is its place, 0 and on: {}.",
            names.join(", ")
        ));
    }
    notes
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
    if width == CodeType::Reading {
        return CodingSource {
            functions: compared::functions(model).to_owned(),
            tables: String::new(),
            is_table: false,
        };
    }
    let rest = Rest::of(model);
    let mut source = plain_source(model, width, rest.is_empty());
    if !rest.is_empty() {
        source
            .tables
            .push_str(&rest.source(model, plain(model).len()));
    }
    source
}

/// The conversion, but for what [`Rest`] adds.
fn plain_source(model: &QuantModel, width: CodeType, is_all: bool) -> CodingSource {
    let form = Form::of(model, width);
    if plain(model).is_empty() {
        return CodingSource {
            functions: functions("[]", is_all),
            tables: String::new(),
            is_table: false,
        };
    }
    if are_written(&form, model) {
        return CodingSource {
            functions: functions("tables::codes(readings)", is_all),
            tables: one_by_one(model, width, is_all),
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
        CodeType::U16 => format!("shifted({coding}.code({reading}))"),
        CodeType::I16 | CodeType::Reading => format!("{coding}.code({reading})"),
    };
    pick.write(model, is_all, &mut tables);
    CodingSource {
        functions: functions(&pick.all(&code, coding == pick.coding(), is_all), is_all),
        tables,
        is_table: !matches!(form, Form::Uniform { .. }),
    }
}

/// `predict` and `encode`, whose body is given: that of all codes, or of the plain ones.
fn functions(encode: &str, is_all: bool) -> String {
    let encode = if is_all {
        encode.to_owned()
    } else {
        format!(
            "let plain: [Code; tables::N_PLAIN] = {{\n    {encode}\n    }};\n    \
             tables::rest(readings, plain)"
        )
    };
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
    matches!(form, Form::Affine | Form::Rank | Form::Mixed) && plain(model).len() <= WRITTEN_MAX
}

/// `codes`, which makes each code with its own numbers: few cuts are compared as they are, and what
/// takes more code stands in functions that codes share.
fn one_by_one(model: &QuantModel, width: CodeType, is_all: bool) -> String {
    let reading = |place: &str| match model.reading_type() {
        ReadingType::F32 => format!("SingleBits({place}.to_bits())"),
        ReadingType::U8 | ReadingType::I16 | ReadingType::I32 => place.to_owned(),
    };
    let narrowed = |code: String| match width {
        CodeType::U8 => format!("narrow({code})"),
        CodeType::U16 => format!("shifted({code})"),
        CodeType::I16 | CodeType::Reading => code,
    };
    let (mut has_affine, mut has_few, mut has_many) = (false, false, false);
    let mut codes = String::new();
    for Input {
        feature, coding, ..
    } in plain(model)
    {
        let place = format!("readings[{feature}]");
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
                let base = if width == CodeType::U16 {
                    "0x8000 + "
                } else {
                    ""
                };
                format!(
                    "{{ let order = {}.order(); {base}{} }}",
                    reading(&place),
                    above.join(" + ")
                )
            }
            Coding::Rank { cuts } => {
                has_many = true;
                format!("rank({place}, &{cuts:?})")
            }
            Coding::Set { .. } => unreachable!("a plain code is of no set"),
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
    if has_affine || has_many {
        names.extend(narrowing(width));
    }
    let names = match names[..] {
        [name] if !name.contains(' ') => name.to_owned(),
        _ => format!("{{{}}}", names.join(", ")),
    };
    let (imported, n_codes) = if is_all {
        ("N_CODES, ", "N_CODES")
    } else {
        ("", "N_PLAIN")
    };
    format!(
        "use spinney_runtime::coding::{names};\n\n\
         use crate::{{Code, {imported}N_FEATURES, Reading}};\n\n\
         {functions}\
         /// The codes of a row, each made as its feature's readings are.\n\
         {allow}#[inline(always)]\n\
         pub(crate) fn codes(readings: &[Reading; N_FEATURES]) -> [Code; {n_codes}] {{\n    \
             [\n{codes}    ]\n}}\n"
    )
}

pub(crate) const IDENTITY: &str = "\
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
    let codings = plain(model);
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
    for Input { coding, .. } in codings {
        let text = match coding {
            Coding::Set { .. } => unreachable!("a plain code is of no set"),
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

/// What makes codes of this type of those of 16 bits.
fn narrowing(width: CodeType) -> Option<&'static str> {
    match width {
        CodeType::U8 => Some("narrow"),
        CodeType::U16 => Some("shifted"),
        CodeType::I16 | CodeType::Reading => None,
    }
}

/// The names that the generated `lib.rs` imports for the conversion.
pub(crate) fn imports(model: &QuantModel, width: CodeType) -> String {
    let mut names = Vec::new();
    let is_reading = width == CodeType::Reading;
    if is_reading || plain(model).is_empty() || are_written(&Form::of(model, width), model) {
        return String::new();
    }
    if model.reading_type() == ReadingType::F32 {
        names.push("SingleBits");
    }
    if !is_identity(model, width) {
        names.extend(narrowing(width));
    }
    match names[..] {
        [] => String::new(),
        [name] => format!("use spinney_runtime::coding::{name};\n"),
        _ => format!("use spinney_runtime::coding::{{{}}};\n", names.join(", ")),
    }
}

/// Bytes of the tables that each feature's codes are made with, on a core of 32 bits.
pub(crate) fn table_bytes(model: &QuantModel, width: CodeType) -> Vec<usize> {
    let mut bytes = vec![0; model.schema().n_features()];
    if width == CodeType::Reading {
        return bytes;
    }
    let plain = plain(model);
    let form = Form::of(model, width);
    let are_written = are_written(&form, model);
    let is_table = !are_written && matches!(form, Form::Affine | Form::Rank | Form::Mixed);
    // A slice, and an enum of it and of scale and offset, as the device's pointers are.
    let (slice, coding) = (8, 12);
    let place = Pick::of(model).place_bytes(plain);
    for input in plain {
        let cuts = match &input.coding {
            Coding::Rank { cuts } if are_written && cuts.len() <= COMPARED_MAX => 0,
            Coding::Rank { cuts } => size_of_val(cuts.as_slice()),
            Coding::Affine { .. } | Coding::Set { .. } => 0,
        };
        let numbers = match form {
            Form::Rank if is_table => slice,
            Form::Mixed if is_table => coding,
            Form::Affine if is_table => size_of::<spinney_runtime::coding::Affine>(),
            _ => 0,
        };
        let is_picked = !are_written && !matches!(form, Form::Identity);
        bytes[input.feature] += cuts + numbers + if is_picked { place } else { 0 };
    }
    let rest = Rest::of(model);
    for gap in &rest.gaps {
        bytes[gap.feature] += size_of::<spinney_runtime::coding::Gap>();
    }
    for sets in &rest.sets {
        // Their numbers, and a slice.
        bytes[sets.feature] += 12 + slice + sets.members.len();
    }
    bytes
}

/// Whether the conversion reads tables.
pub(crate) fn has_tables(model: &QuantModel, width: CodeType) -> bool {
    width != CodeType::Reading && !matches!(Form::of(model, width), Form::Identity)
}
