//! The conversion from readings to codes, in C; its twin is the runtime's `coding.rs`.
//!
//! Differences and shifts are done in 32 bits where the model's own numbers fit them, which a core
//! of 8 or 16 bits is grateful for, and in 64 else; the codes are the same.

use std::fmt::Write;

use spinney_quantize::{Coding, QuantModel, ReadingType};

use super::text::{Item, Tables, comment};
use crate::coding::{Form, Rest, plain};
use crate::compact::number;
use crate::compared;
use crate::options::CodeType;

/// Stands for a shift where a feature is ranked instead. Codes take 16 bits of a single's range, so
/// that no shift is below -113.
const RANKED: i8 = i8::MIN;
/// Offsets up to which scaled readings less the offset fit 32 bits.
const SMALL_OFFSET: i32 = 1 << 29;

/// Tables, and `encode` and `predict` with what they call.
pub(crate) struct CodingSource {
    pub tables: Tables,
    pub functions: String,
    /// In words.
    pub form: &'static str,
    pub is_identity: bool,
}

/// Writes the conversion of `model`, whose codes have the type `width`.
pub(crate) fn source(model: &QuantModel, width: CodeType) -> CodingSource {
    if width == CodeType::Reading {
        return CodingSource {
            tables: Tables::default(),
            functions: match compared::screened(model)[..] {
                [] => IDENTITY.to_owned(),
                _ => SCREENED.to_owned(),
            },
            is_identity: true,
            form: "readings are compared as they are",
        };
    }
    let form = Form::of(model, width);
    let (n_plain, rest) = (plain(model).len(), Rest::of(model));
    let mut tables = Tables::default();
    let mut functions = String::new();
    let has_affine =
        n_plain > 0 && matches!(form, Form::Uniform { .. } | Form::Affine | Form::Mixed);
    let has_rank = matches!(form, Form::Rank | Form::Mixed);
    let is_float = model.reading_type() == ReadingType::F32;
    if is_float && !matches!(form, Form::Identity) {
        functions.push_str(BITS);
    }
    if has_affine {
        write_affine(&mut functions, model, width);
    }
    if is_float && (has_rank || !rest.is_empty()) {
        write_order(&mut functions);
    }
    if has_rank {
        let cut_item = write_cuts(&mut tables, model);
        write_rank(&mut functions, is_float, width, cut_item, model);
    }
    let reading = write_inputs(&mut tables, model);
    let more = write_rest(&mut tables, &mut functions, &rest, model, width);
    // C has no empty loops without a warning.
    let loops = |code: &str| match n_plain {
        0 => String::new(),
        _ if rest.is_empty() => {
            format!("    for (size_t i = 0; i < $_N_CODES; i++) {{\n{code}    }}\n")
        }
        n => format!("    for (size_t i = 0; i < {n}; i++) {{\n{code}    }}\n"),
    };
    let code = match &form {
        Form::Identity => String::new(),
        Form::Uniform { shift, offset } => format!("@_affine({reading}, {shift}, {offset})"),
        Form::Affine => {
            write_scales(&mut tables, model);
            format!(
                "@_affine({reading}, {}, {})",
                Item::I8.read("&@_shifts[i]"),
                Item::I32.read("&@_offsets_of_codes[i]")
            )
        }
        Form::Rank => format!("@_rank({reading}, i)"),
        Form::Mixed => {
            write_scales(&mut tables, model);
            String::new()
        }
    };
    match form {
        Form::Identity => functions.push_str(IDENTITY),
        Form::Mixed => {
            let code = format!(
                "        const int8_t shift = {};\n        \
                 codes[i] = shift == $_RANKED\n            \
                     ? @_rank({reading}, i)\n            \
                     : @_affine({reading}, shift, {});\n",
                Item::I8.read("&@_shifts[i]"),
                Item::I32.read("&@_offsets_of_codes[i]")
            );
            let _ = write!(
                functions,
                "{ENCODE_DOC}{ENCODE}{}{more}}}\n\n{PREDICT}",
                loops(&code)
            );
        }
        _ => {
            let code = format!("        codes[i] = {code};\n");
            let _ = write!(
                functions,
                "{ENCODE_DOC}{ENCODE}{}{more}}}\n\n{PREDICT}",
                loops(&code)
            );
        }
    }
    CodingSource {
        tables,
        functions,
        is_identity: matches!(form, Form::Identity),
        form: match form {
            Form::Identity => "codes are the readings",
            Form::Uniform { .. } => "one affine coding for all features",
            Form::Affine => "an affine coding per feature",
            Form::Rank => "a rank coding per feature",
            Form::Mixed => "an affine or rank coding per feature",
        },
    }
}

const ENCODE_DOC: &str = "/* Codes a row of readings. */\n";
const ENCODE: &str = "\
static inline void @_encode(
    const @_reading_t readings[$_LEAST($_N_FEATURES)],
    @_code_t codes[$_LEAST($_N_CODES)])
{
";

const PREDICT: &str = "\
/* The class index of a row of readings; ties go to the lowest. */
static inline uint8_t @_predict(const @_reading_t readings[$_LEAST($_N_FEATURES)])
{
    @_code_t codes[$_N_CODES];
    @_encode(readings, codes);
    return @_classify(codes);
}
";

const IDENTITY: &str = "\
/* Codes a row of readings: here they are the readings themselves. */
static inline void @_encode(
    const @_reading_t readings[$_LEAST($_N_FEATURES)],
    @_code_t codes[$_LEAST($_N_CODES)])
{
    memcpy(codes, readings, $_N_FEATURES * sizeof *codes);
}

/* The class index of a row of readings; ties go to the lowest. */
static inline uint8_t @_predict(const @_reading_t readings[$_LEAST($_N_FEATURES)])
{
    return @_classify(readings);
}
";

const SCREENED: &str = "\
/* Codes a row of readings: the readings themselves, NaN without its sign. */
static inline void @_encode(
    const @_reading_t readings[$_LEAST($_N_FEATURES)],
    @_code_t codes[$_LEAST($_N_CODES)])
{
    for (size_t i = 0; i < $_N_CODES; i++) {
        const uint32_t bits = @_bits(readings[i]);
        const uint32_t ordered = bits > 0xff800000u ? 0x7fc00000u : bits;
        memcpy(&codes[i], &ordered, sizeof ordered);
    }
}

/* The class index of a row of readings; ties go to the lowest. */
static inline uint8_t @_predict(const @_reading_t readings[$_LEAST($_N_FEATURES)])
{
    @_code_t codes[$_N_CODES];
    if (@_is_ordered(readings)) {
        return @_classify(readings);
    }
    @_encode(readings, codes);
    return @_classify(codes);
}
";

pub(crate) const BITS: &str = "\
/* The bits of a single, so that nothing here computes with floats. */
static inline uint32_t @_bits(@_reading_t reading)
{
    uint32_t bits;
    memcpy(&bits, &reading, sizeof bits);
    return bits;
}

";

/// Lowest and highest code.
fn bounds(width: CodeType) -> (&'static str, &'static str) {
    match width {
        CodeType::U8 => ("0", "UINT8_MAX"),
        _ => ("INT16_MIN", "INT16_MAX"),
    }
}

fn write_affine(out: &mut String, model: &QuantModel, width: CodeType) {
    let affine: Vec<(i8, i32)> = plain(model)
        .iter()
        .filter_map(|input| match &input.coding {
            Coding::Affine { shift, offset } => Some((*shift, *offset)),
            Coding::Rank { .. } | Coding::Set { .. } => None,
        })
        .collect();
    let small_offsets = affine
        .iter()
        .all(|(_, offset)| offset.unsigned_abs() <= SMALL_OFFSET.unsigned_abs());
    let is_narrow = small_offsets
        && match model.reading_type() {
            ReadingType::U8 | ReadingType::I16 => affine.iter().all(|(shift, _)| *shift <= 14),
            ReadingType::I32 => false,
            ReadingType::F32 => true,
        };
    let wide = if is_narrow { "int32_t" } else { "int64_t" };
    let (low, high) = bounds(width);
    let _ = write!(
        out,
        "/* The nearest code to `value`. */\n\
         static inline @_code_t @_saturate({wide} value)\n{{\n    \
             if (value < {low}) {{\n        return {low};\n    }}\n    \
             return value > {high} ? {high} : (@_code_t)value;\n}}\n\n"
    );
    if model.reading_type() != ReadingType::F32 {
        let _ = write!(
            out,
            "/* reading * 2^shift, rounded down, less the offset. */\n\
             static inline @_code_t @_affine(int32_t reading, int8_t shift, int32_t offset)\n{{\n    \
                 const {wide} scaled = shift < 0 ? reading >> (shift < -31 ? 31 : -shift)\n                                  \
                     : reading * (({wide})1 << {});\n    \
                 return @_saturate(scaled - offset);\n}}\n\n",
            if is_narrow {
                "shift"
            } else {
                "(shift > 31 ? 31 : shift)"
            }
        );
        return;
    }
    // Where offsets are small, what is scaled to 2^30 or more saturates whatever the offset.
    let most = if is_narrow { 6 } else { 8 };
    let _ = write!(
        out,
        "{}\
         static inline @_code_t @_affine(@_reading_t reading, int8_t shift, int32_t offset)\n{{\n    \
             const uint32_t bits = @_bits(reading);\n    \
             const uint32_t magnitude = bits & 0x7fffffffu;\n    \
             const int is_negative = bits >> 31 != 0;\n    \
             const int biased = (int)(magnitude >> 23);\n    \
             const int exponent = (biased == 0 ? -149 : biased - 150) + shift;\n    \
             int32_t significand = (int32_t)(magnitude & 0x7fffffu);\n    \
             {wide} scaled;\n    \
             if (magnitude > 0x7f800000u) {{\n        \
                 return {high}; /* NaN, which is above every threshold */\n    }}\n    \
             if (magnitude == 0x7f800000u || exponent > {most}) {{\n        \
                 return is_negative ? {low} : {high};\n    }}\n    \
             if (biased != 0) {{\n        significand |= 0x800000;\n    }}\n    \
             if (is_negative) {{\n        significand = -significand;\n    }}\n    \
             if (exponent >= 0) {{\n        \
                 scaled = significand * (({wide})1 << exponent);\n    \
             }} else {{\n        \
                 scaled = significand >> (exponent < -31 ? 31 : -exponent);\n    }}\n    \
             return @_saturate(scaled - offset);\n}}\n\n",
        comment(
            "reading * 2^shift, rounded down, less the offset; worked out from the reading's bits, \
             whose value is significand * 2^exponent."
        )
    );
}

/// The reading that the code at `i` is made from, by a table where some are not used.
fn write_inputs(tables: &mut Tables, model: &QuantModel) -> String {
    let inputs: Vec<usize> = plain(model).iter().map(|input| input.feature).collect();
    if inputs.is_empty() || inputs.len() == model.schema().n_features() {
        return "readings[i]".to_owned();
    }
    let item = if inputs.iter().all(|input| *input < 256) {
        Item::U8
    } else {
        Item::U16
    };
    tables.add_items(
        "The features that the model uses, whose readings are coded.",
        item,
        "inputs",
        inputs.iter(),
    );
    format!("readings[{}]", item.read("&@_inputs[i]"))
}

/// The cuts of all ranked features in one table, and where those of each feature begin.
fn write_cuts(tables: &mut Tables, model: &QuantModel) -> Item {
    let mut cuts: Vec<i32> = Vec::new();
    let mut starts = vec![0];
    for input in plain(model) {
        if let Coding::Rank { cuts: more } = &input.coding {
            cuts.extend(more);
        }
        starts.push(number(cuts.len()));
    }
    let item = if cuts.iter().all(|cut| i16::try_from(*cut).is_ok()) {
        Item::I16
    } else {
        Item::I32
    };
    // C has no empty arrays.
    if cuts.is_empty() {
        cuts.push(0);
    }
    let doc = match model.reading_type() {
        ReadingType::F32 => {
            "Cuts of the ranked features, each feature's ascending: the bits of singles, negative \
             for negative ones."
        }
        _ => "Cuts of the ranked features, each feature's ascending.",
    };
    tables.add_items(
        doc,
        item,
        "cuts",
        cuts.iter().map(|cut| match item {
            Item::I16 => constant_16(*cut),
            _ => constant_32(*cut),
        }),
    );
    tables.add_items(
        "Where the cuts of each feature begin; they end where the next one's do.",
        cut_starts_item(&starts),
        "cut_starts",
        starts,
    );
    item
}

fn cut_starts_item(starts: &[u32]) -> Item {
    Item::u16_or_u32(starts.last().copied().unwrap_or(0))
}

fn write_order(out: &mut String) {
    let _ = write!(
        out,
        "{}\
         static inline int32_t @_order(@_reading_t reading)\n{{\n    \
             const uint32_t bits = @_bits(reading);\n    \
             const int32_t magnitude = (int32_t)(bits & 0x7fffffffu);\n    \
             if (magnitude > 0x7f800000) {{\n        return INT32_MAX;\n    }}\n    \
             return bits >> 31 != 0 ? -magnitude : magnitude;\n}}\n\n",
        comment("An integer that orders readings as their values do; NaN comes last.")
    );
}

/// Tables and functions for readings that are missing and for sets of categories; the statements that
/// make their codes.
fn write_rest(
    tables: &mut Tables,
    functions: &mut String,
    rest: &Rest,
    model: &QuantModel,
    width: CodeType,
) -> String {
    if rest.is_empty() {
        return String::new();
    }
    let is_float = model.reading_type() == ReadingType::F32;
    let is_missing = if is_float {
        "const int32_t order = @_order(reading);\n    return order == mark || order == INT32_MAX;"
    } else {
        "return (int32_t)reading == mark;"
    };
    let _ = write!(
        functions,
        "/* Whether a reading is missing, where `mark` stands for that, as readings are ordered. */\n\
         static inline int @_is_missing(@_reading_t reading, int32_t mark)\n{{\n    {is_missing}\n}}\n\n"
    );
    let mut statements = String::new();
    let code = match width {
        CodeType::U8 => Item::U8,
        _ => Item::I16,
    };
    if !rest.gaps.is_empty() {
        tables.add_items(
            "What stands for a missing reading, for each code that has one of its own then.",
            Item::I32,
            "gap_marks",
            rest.gaps.iter().map(|gap| constant_32(gap.mark)),
        );
        tables.add_items(
            "The codes of missing readings.",
            code,
            "gap_codes",
            rest.gaps.iter().map(|gap| match width {
                CodeType::U8 => gap.code.clamp(0, 255).to_string(),
                _ => constant_16(gap.code.into()),
            }),
        );
        tables.add(
            "The feature, the code of readings that are there, and the code that is written.",
            Item::U16,
            "gap_places",
            rest.gaps
                .iter()
                .map(|gap| vec![gap.feature, gap.from, gap.to]),
        );
        let _ = write!(
            statements,
            "    for (size_t i = 0; i < {}; i++) {{\n        \
                 const @_reading_t reading = readings[{}];\n        \
                 const @_code_t code = codes[{}];\n        \
                 codes[{}] = @_is_missing(reading, {}) ? {} : code;\n    }}\n",
            rest.gaps.len(),
            Item::U16.read("&@_gap_places[3 * i]"),
            Item::U16.read("&@_gap_places[3 * i + 1]"),
            Item::U16.read("&@_gap_places[3 * i + 2]"),
            Item::I32.read("&@_gap_marks[i]"),
            code.read("&@_gap_codes[i]"),
        );
    }
    if !rest.sets.is_empty() {
        functions.push_str(if is_float { FLOOR } else { "" });
        tables.add_items(
            "What stands for a missing reading, for each feature whose categories are in sets.",
            Item::I32,
            "set_marks",
            rest.sets.iter().map(|sets| constant_32(sets.mark)),
        );
        tables.add(
            "Such a feature, the code of its first set, and the number of its sets.",
            Item::U16,
            "set_places",
            (rest.sets.iter()).map(|sets| vec![sets.feature, sets.first, sets.n_sets]),
        );
        let mut starts = vec![0];
        let mut members: Vec<u8> = Vec::new();
        for sets in &rest.sets {
            members.extend(&sets.members);
            starts.push(members.len());
        }
        tables.add_items(
            "Where the members of each feature's sets begin; they end where the next one's do.",
            Item::U32,
            "member_starts",
            &starts,
        );
        tables.add_items(
            "A row of bits for a missing reading and for each category, one for each set: 1 for its \
             members.",
            Item::U8,
            "members",
            &members,
        );
        let floor = if is_float {
            "@_floor(reading)"
        } else {
            "(int32_t)reading"
        };
        let _ = write!(
            statements,
            "    for (size_t i = 0; i < {}; i++) {{\n        \
                 const @_reading_t reading = readings[{}];\n        \
                 const int32_t category = {floor};\n        \
                 const uint32_t first = {};\n        \
                 const uint32_t n_sets = {};\n        \
                 const uint32_t row_bytes = (n_sets + 7) >> 3;\n        \
                 const uint32_t end = {};\n        \
                 uint32_t row = end;\n        \
                 if (@_is_missing(reading, {})) {{\n            \
                     row = {};\n        \
                 }} else if (category >= 0 && category <= 65534) {{\n            \
                     row = {} + ((uint32_t)category + 1) * row_bytes;\n        }}\n        \
                 for (uint32_t set = 0; set < n_sets; set++) {{\n            \
                     const uint32_t place = row + (set >> 3);\n            \
                     codes[first + set] = place < end && ({} >> (set & 7) & 1) != 0 ? 0 : 1;\n        \
                 }}\n    }}\n",
            rest.sets.len(),
            Item::U16.read("&@_set_places[3 * i]"),
            Item::U16.read("&@_set_places[3 * i + 1]"),
            Item::U16.read("&@_set_places[3 * i + 2]"),
            Item::U32.read("&@_member_starts[i + 1]"),
            Item::I32.read("&@_set_marks[i]"),
            Item::U32.read("&@_member_starts[i]"),
            Item::U32.read("&@_member_starts[i]"),
            Item::U8.read("&@_members[place]"),
        );
    }
    statements
}

/// Of what leaves 32 bits one end, so that it is no category.
const FLOOR: &str = "\
/* The reading, rounded down; -1 for what is no category anyway. */
static inline int32_t @_floor(@_reading_t reading)
{
    const uint32_t bits = @_bits(reading);
    const int biased = (int)(bits >> 23 & 0xff);
    const uint32_t significand = (bits & 0x7fffffu) | 0x800000u;
    if (bits == 0x80000000u) {
        return 0;
    }
    if (bits >> 31 != 0 || biased > 150) {
        return -1;
    }
    return biased < 127 ? 0 : (int32_t)(significand >> (150 - biased));
}

";

fn write_rank(
    out: &mut String,
    is_float: bool,
    width: CodeType,
    cut_item: Item,
    model: &QuantModel,
) {
    let order = if is_float {
        "@_order(reading)"
    } else {
        "reading"
    };
    let n_cuts: usize = plain(model)
        .iter()
        .map(|input| match &input.coding {
            Coding::Rank { cuts } => cuts.len(),
            Coding::Affine { .. } | Coding::Set { .. } => 0,
        })
        .sum();
    let start = Item::u16_or_u32(u32::try_from(n_cuts).unwrap_or(u32::MAX));
    let code = match width {
        CodeType::U8 => "low - start > UINT8_MAX ? UINT8_MAX : (@_code_t)(low - start)",
        _ => "(@_code_t)(low - start)",
    };
    let _ = write!(
        out,
        "/* The number of the feature's cuts below the reading, by binary search. */\n\
         static inline @_code_t @_rank(@_reading_t reading, size_t feature)\n{{\n    \
             const int32_t order = {order};\n    \
             const size_t start = {start_at};\n    \
             size_t low = start;\n    \
             size_t high = {end_at};\n    \
             while (low < high) {{\n        \
                 const size_t middle = low + (high - low) / 2;\n        \
                 if ({cut} < order) {{\n            low = middle + 1;\n        \
                 }} else {{\n            high = middle;\n        }}\n    }}\n    \
             return {code};\n}}\n\n",
        start_at = start.read("&@_cut_starts[feature]"),
        end_at = start.read("&@_cut_starts[feature + 1]"),
        cut = cut_item.read("&@_cuts[middle]"),
    );
}

/// Shift and offset of every feature.
fn write_scales(tables: &mut Tables, model: &QuantModel) {
    let scales: Vec<(i8, i32)> = plain(model)
        .iter()
        .map(|input| match &input.coding {
            Coding::Affine { shift, offset } => (*shift, *offset),
            Coding::Rank { .. } | Coding::Set { .. } => (RANKED, 0),
        })
        .collect();
    let has_rank = scales.iter().any(|(shift, _)| *shift == RANKED);
    if has_rank {
        let _ = write!(
            tables.text,
            "/* Stands for a shift where a feature is ranked. */\n#define $_RANKED ({RANKED})\n\n"
        );
    }
    let shifts = scales.iter().map(|(shift, _)| shift);
    tables.add_items(
        "Binary digits that readings are scaled up by, per feature.",
        Item::I8,
        "shifts",
        shifts,
    );
    tables.add_items(
        "Subtracted from scaled readings, per feature.",
        Item::I32,
        "offsets_of_codes",
        scales.iter().map(|(_, offset)| constant_32(*offset)),
    );
}

/// C reads a minus as an operator, so that the lowest integers are no constants.
fn constant_16(value: i32) -> String {
    if value == i32::from(i16::MIN) {
        "INT16_MIN".to_owned()
    } else {
        value.to_string()
    }
}

fn constant_32(value: i32) -> String {
    if value == i32::MIN {
        "INT32_MIN".to_owned()
    } else {
        value.to_string()
    }
}
