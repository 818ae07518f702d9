//! What branches compare: codes, or readings as they are.
//!
//! Every coding is monotone, so the readings whose code is at most a threshold are all those up to a
//! last one, and comparing with that decides as the codes do. Singles are compared by their bits, as
//! integers: up to a last reading that is not negative lie the positive ones with at most its bits,
//! and everything with a sign, which is what a signed comparison says; up to a negative one lie those
//! with a sign and at least its bits, which is what an unsigned one says. Both send NaN right as long
//! as its sign is not set. Where few readings are compared, a row is looked through for such NaN
//! before ([`Compared::is_screened`]); where many are, each comparison excludes it.

use std::collections::HashMap;

use spinney_quantize::{Input, QuantModel, ReadingType};

use spinney_runtime::coding::shifted;

use crate::c99::BITS;
use crate::options::CodeType;
use crate::trees::{Split, Tree};

/// Most readings that are looked through before trees are asked.
const SCREENED_MAX: usize = 32;
/// The bits of minus infinity: above them lie those of NaN with its sign set.
const LAST_BITS: u32 = 0xff80_0000;
/// The bits of infinity.
const INFINITY: i64 = 0x7f80_0000;

/// What splits compare.
pub(crate) enum Compared<'m> {
    /// Codes of this type.
    Codes(CodeType),
    /// Readings.
    Readings(Readings<'m>),
}

/// Readings, and what a split compares them with: its condition, by code and threshold.
pub(crate) struct Readings<'m> {
    inputs: &'m [Input],
    last: HashMap<(u16, i16), Last>,
    is_float: bool,
    is_screened: bool,
}

/// The readings that go left at a split.
#[derive(Clone, Copy)]
enum Last {
    /// None.
    Never,
    /// All, NaN as well.
    Always,
    /// Those up to this integer, or with bits up to these as an integer.
    AtMost(i32),
    /// Those with at least these bits.
    BitsFrom(u32),
}

impl<'m> Compared<'m> {
    pub(crate) fn new(model: &'m QuantModel, trees: &[Tree], code_type: CodeType) -> Self {
        if code_type != CodeType::Reading {
            return Self::Codes(code_type);
        }
        let inputs = model.inputs();
        let mut last = HashMap::new();
        for split in trees.iter().flat_map(|tree| &tree.splits) {
            last.entry((split.feature, split.threshold))
                .or_insert_with(|| {
                    Last::of(
                        &inputs[usize::from(split.feature)],
                        model.reading_type(),
                        split.threshold,
                    )
                });
        }
        Self::Readings(Readings {
            inputs,
            last,
            is_float: model.reading_type() == ReadingType::F32,
            is_screened: is_screened(model),
        })
    }

    /// The condition in Rust under which a split sends a row `x` left.
    pub(crate) fn condition(&self, split: &Split) -> String {
        match self {
            Self::Codes(CodeType::U16) => {
                format!("x[{}] <= {}", split.feature, shifted(split.threshold))
            }
            Self::Codes(_) => format!("x[{}] <= {}", split.feature, split.threshold),
            Self::Readings(readings) => readings.condition(split, &RUST),
        }
    }

    /// The same in C; `None` where it holds for every row.
    pub(crate) fn condition_in_c(&self, split: &Split) -> Option<String> {
        match (self, split.threshold) {
            (Self::Codes(CodeType::I16), i16::MAX) => None,
            (Self::Codes(CodeType::I16), i16::MIN) => {
                Some(format!("x[{}] <= INT16_MIN", split.feature))
            }
            (Self::Codes(_), threshold) => Some(format!("x[{}] <= {threshold}", split.feature)),
            (Self::Readings(readings), _) => match readings.last(split) {
                (Last::Always, _) => None,
                _ => Some(readings.condition(split, &C)),
            },
        }
    }
}

/// How a language spells what is compared: the bits of a single `@`, and these as an integer.
struct Spelled {
    bits: &'static str,
    signed: &'static str,
    hex: &'static str,
    never: &'static str,
    always: &'static str,
}

const RUST: Spelled = Spelled {
    bits: "x[@].to_bits()",
    signed: "x[@].to_bits().cast_signed()",
    hex: "",
    never: "false",
    always: "true",
};

const C: Spelled = Spelled {
    bits: "@_bits(x[@])",
    signed: "(int32_t)@_bits(x[@])",
    hex: "u",
    never: "0",
    always: "1",
};

impl Readings<'_> {
    fn last(&self, split: &Split) -> (Last, usize) {
        let last = self.last[&(split.feature, split.threshold)];
        (last, self.inputs[usize::from(split.feature)].feature)
    }

    fn condition(&self, split: &Split, spelled: &Spelled) -> String {
        let (last, feature) = self.last(split);
        let of = |text: &str| text.replace("x[@]", &format!("x[{feature}]"));
        let condition = match last {
            Last::Never => return spelled.never.to_owned(),
            Last::Always => return spelled.always.to_owned(),
            Last::AtMost(i32::MIN) => format!("x[{feature}] < {}", i32::MIN + 1),
            Last::AtMost(last) if self.is_float => format!("{} <= {last:#x}", of(spelled.signed)),
            Last::AtMost(last) => return format!("x[{feature}] <= {last}"),
            Last::BitsFrom(bits) => format!("{} >= {bits:#x}{}", of(spelled.bits), spelled.hex),
        };
        if self.is_screened || !self.is_float {
            return condition;
        }
        format!(
            "{condition} && {} <= {LAST_BITS:#x}{}",
            of(spelled.bits),
            spelled.hex
        )
    }
}

impl Last {
    fn of(input: &Input, reading_type: ReadingType, threshold: i16) -> Self {
        let coding = &input.coding;
        let is_float = reading_type == ReadingType::F32;
        if is_float && coding.code(reading_type, f64::NAN) <= threshold {
            return Self::Always;
        }
        let (places, at): (_, fn(i64) -> f64) = match is_float {
            true => (-INFINITY..=INFINITY, single),
            false => (i64::from(i32::MIN)..=i64::from(i32::MAX), |at| at as f64),
        };
        let last = coding.last_left(reading_type, threshold, places, at);
        let Some(last) = last.map(|last| i32::try_from(last).expect("places of 32 bits")) else {
            return Self::Never;
        };
        match (is_float, last) {
            (true, ..0) => Self::BitsFrom(last.unsigned_abs() | 1 << 31),
            (false, i32::MAX) => Self::Always,
            _ => Self::AtMost(last),
        }
    }
}

/// The single at a place, counted from zero either way.
fn single(place: i64) -> f64 {
    let bits = u32::try_from(place.unsigned_abs()).expect("bits of a single");
    f64::from(f32::from_bits(bits)) * if place < 0 { -1.0 } else { 1.0 }
}

/// Whether rows are looked through for NaN whose sign is set, which comparisons then need not
/// exclude.
fn is_screened(model: &QuantModel) -> bool {
    model.reading_type() == ReadingType::F32 && model.inputs().len() <= SCREENED_MAX
}

/// The features whose readings are looked through.
pub(crate) fn screened(model: &QuantModel) -> Vec<usize> {
    if !is_screened(model) {
        return Vec::new();
    }
    let mut features: Vec<usize> = model.inputs().iter().map(|input| input.feature).collect();
    features.sort_unstable();
    features.dedup();
    features
}

/// What looks through a row, beside the trees; empty where nothing does.
pub(crate) fn screen(compared: &Compared<'_>, model: &QuantModel) -> String {
    let lines = lines(compared, model, &RUST);
    if lines.is_empty() {
        return lines;
    }
    format!(
        "/// Whether no NaN has its sign set, which would make its bits those of a number.\n\
         #[inline(always)]\n\
         pub(crate) fn is_ordered(x: &[Code; N_CODES]) -> bool {{\n    {lines}\n}}\n\n"
    )
}

/// The same in C, after what gives the bits of a single.
pub(crate) fn screen_in_c(compared: &Compared<'_>, model: &QuantModel) -> String {
    let bits = match compared {
        Compared::Readings(readings) if readings.is_float => BITS,
        _ => return String::new(),
    };
    let lines = lines(compared, model, &C);
    if lines.is_empty() {
        return bits.to_owned();
    }
    format!(
        "{bits}/* Whether no NaN has its sign set, which would make its bits those of a number. */\n\
         static inline int @_is_ordered(const @_code_t *x)\n{{\n    return {lines};\n}}\n\n"
    )
}

/// A condition on the readings that are looked through.
fn lines(compared: &Compared<'_>, model: &QuantModel, spelled: &Spelled) -> String {
    let of = |feature: &usize| {
        let bits = spelled.bits.replace("x[@]", &format!("x[{feature}]"));
        format!("{bits} <= {LAST_BITS:#x}{}", spelled.hex)
    };
    match compared {
        Compared::Codes(_) => String::new(),
        Compared::Readings(_) => {
            let lines: Vec<String> = screened(model).iter().map(of).collect();
            lines.join("\n        && ")
        }
    }
}

/// `predict` and `encode` where readings are compared.
pub(crate) fn functions(model: &QuantModel) -> &'static str {
    match screened(model)[..] {
        [] => crate::coding::IDENTITY,
        _ => SCREENED,
    }
}

const SCREENED: &str = "\
/// The class index of a row of raw readings.
#[must_use]
#[inline(never)]
pub fn predict(readings: &[Reading; N_FEATURES]) -> usize {
    if trees::is_ordered(readings) {
        classify(readings)
    } else {
        predict_encoded(readings)
    }
}

#[cold]
#[inline(never)]
fn predict_encoded(readings: &[Reading; N_FEATURES]) -> usize {
    classify(&encode(readings))
}

/// The codes of a row of raw readings: the readings themselves, NaN without its sign.
#[must_use]
pub fn encode(readings: &[Reading; N_FEATURES]) -> [Code; N_CODES] {
    readings.map(|reading| {
        if reading.to_bits() > 0xff80_0000 {
            Reading::NAN
        } else {
            reading
        }
    })
}
";
