//! Source of the conversion from readings to codes; its twin is the runtime's `coding.rs`.

use std::fmt::Write;

use spinney_quantize::{Coding, Input, Missing, QuantModel, ReadingType};

use crate::compared;
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

/// Codes of missing readings and of sets of categories.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    pub gaps: Vec<Gap>,
    pub sets: Vec<Sets>,
}

/// A code that a missing reading has instead of another.
#[derive(Debug)]
pub(crate) struct Gap {
    pub mark: i32,
    pub code: i16,
    pub feature: usize,
    pub from: usize,
    pub to: usize,
}

/// All sets of one feature.
#[derive(Debug)]
pub(crate) struct Sets {
    pub mark: i32,
    pub feature: usize,
    pub first: usize,
    pub n_sets: usize,
    pub members: Vec<u8>,
}

impl Rest {
    pub(crate) fn of(model: &QuantModel) -> Self {
        let (plain, inputs) = (plain(model), model.inputs());
        let mut rest = Self::default();
        // Second codes are made of the first ones, so that those change last.
        let second = plain.len()..inputs.len();
        for to in second.chain(0..plain.len()) {
            let input = &inputs[to];
            if let Coding::Set { mark, .. } = &input.coding {
                match rest.sets.last_mut() {
                    Some(sets) if sets.feature == input.feature => sets.n_sets += 1,
                    _ => rest.sets.push(Sets {
                        mark: *mark,
                        feature: input.feature,
                        first: to,
                        n_sets: 1,
                        members: Vec::new(),
                    }),
                }
            }
            let Some(missing) = input.missing else {
                continue;
            };
            let of_feature = |it: &Input| it.feature == input.feature;
            rest.gaps.push(Gap {
                mark: missing.mark,
                code: missing.code,
                feature: input.feature,
                from: plain.iter().position(of_feature).expect("a first code"),
                to,
            });
        }
        for sets in &mut rest.sets {
            let members: Vec<&Vec<u8>> = inputs[sets.first..][..sets.n_sets]
                .iter()
                .map(|input| match &input.coding {
                    Coding::Set { members, .. } => members,
                    _ => unreachable!("sets of one feature follow each other"),
                })
                .collect();
            let n_rows = members.iter().map(|it| it.len()).max().unwrap_or(0);
            let row_bytes = sets.n_sets.div_ceil(8);
            sets.members = vec![0; n_rows * row_bytes];
            for (set, members) in members.into_iter().enumerate() {
                for (row, is_member) in members.iter().enumerate() {
                    sets.members[row * row_bytes + set / 8] |= is_member << (set % 8);
                }
            }
        }
        rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.gaps.is_empty() && self.sets.is_empty()
    }

    /// Tables, and `rest`, which makes all codes of those of [`plain`].
    fn source(&self, model: &QuantModel, n_plain: usize) -> String {
        let mut out = format!(
            "\n/// Number of codes that are readings, coded.\n\
             pub(crate) const N_PLAIN: usize = {n_plain};\n"
        );
        let has = |is_empty: bool, text: &'static str| if is_empty { "" } else { text };
        if !self.gaps.is_empty() {
            let _ = writeln!(
                out,
                "\n/// The codes of readings that are missing.\n\
                 pub(crate) static GAPS: [spinney_runtime::coding::Gap; {}] = [",
                self.gaps.len()
            );
            for gap in &self.gaps {
                let Gap {
                    mark,
                    code,
                    feature,
                    from,
                    to,
                } = gap;
                let _ = writeln!(
                    out,
                    "    spinney_runtime::coding::Gap {{ mark: {mark}, code: {code}, feature: {feature}, \
                     from: {from}, to: {to} }},"
                );
            }
            out.push_str("];\n");
        }
        if !self.sets.is_empty() {
            let _ = writeln!(
                out,
                "\n/// The sets of categories that splits ask for.\n\
                 pub(crate) static SETS: [spinney_runtime::coding::Sets<'static>; {}] = [",
                self.sets.len()
            );
            for sets in &self.sets {
                let Sets {
                    mark,
                    feature,
                    first,
                    n_sets,
                    members,
                } = sets;
                let _ = writeln!(
                    out,
                    "    spinney_runtime::coding::Sets {{ mark: {mark}, feature: {feature}, first: \
                     {first}, n_sets: {n_sets}, members: &{members:?} }},"
                );
            }
            out.push_str("];\n");
        }
        let reading = match model.reading_type() {
            ReadingType::F32 => "spinney_runtime::coding::SingleBits(reading.to_bits())",
            ReadingType::U8 | ReadingType::I16 | ReadingType::I32 => "reading",
        };
        let _ = write!(
            out,
            "\n/// All codes of a row, of those that are readings, coded.\n\
             #[inline(always)]\n\
             pub(crate) fn rest(\n    \
                 readings: &[crate::Reading; crate::N_FEATURES],\n    \
                 plain: [crate::Code; N_PLAIN],\n\
             ) -> [crate::Code; crate::N_CODES] {{\n    \
                 let mut codes = [0; crate::N_CODES];\n    \
                 for (code, plain) in codes.iter_mut().zip(plain) {{\n        *code = plain;\n    }}\n    \
                 let reading = |feature: usize| {{\n        \
                     // There is such a reading; the compiler does not know, and must not panic.\n        \
                     let reading = readings.get(feature).copied().unwrap_or_default();\n        \
                     {reading}\n    \
                 }};\n\
                 {}{}    codes\n}}\n",
            has(
                self.gaps.is_empty(),
                "    spinney_runtime::coding::Gap::write(&GAPS, reading, &mut codes);\n"
            ),
            has(
                self.sets.is_empty(),
                "    for sets in &SETS {\n        \
                     sets.write(reading(usize::from(sets.feature)), &mut codes);\n    }\n"
            ),
        );
        out
    }
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
        match plain(model).len() {
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
    fn all(&self, code: &str, has_codings: bool, is_all: bool) -> String {
        let n_codes = if is_all { "N_CODES" } else { "tables::N_PLAIN" };
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
                    "let mut codes = [0; {n_codes}];\n    \
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
    fn write(&self, model: &QuantModel, is_all: bool, out: &mut String) {
        let inputs: Vec<usize> = plain(model).iter().map(|input| input.feature).collect();
        let (imported, n_codes) = if is_all {
            ("N_CODES, ", "N_CODES")
        } else {
            ("", "N_PLAIN")
        };
        let _ = match self {
            Self::All => Ok(()),
            Self::Each => {
                let readings: Vec<String> = inputs
                    .iter()
                    .map(|input| format!("readings[{input}]"))
                    .collect();
                write!(
                    out,
                    "\nuse crate::{{{imported}N_FEATURES, Reading}};\n\n\
                     /// The readings that the model uses.\n\
                     #[inline(always)]\n\
                     pub(crate) fn used(readings: &[Reading; N_FEATURES]) -> [Reading; {n_codes}] \
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

/// Whether the conversion reads tables.
pub(crate) fn has_tables(model: &QuantModel, width: CodeType) -> bool {
    width != CodeType::Reading && !matches!(Form::of(model, width), Form::Identity)
}
