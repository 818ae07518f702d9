//! Codes beside those of one reading each: of readings that may be missing, and of sets of categories.

use std::fmt::Write;

use spinney_quantize::{Coding, Input, QuantModel, ReadingType};

use super::plain;

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
    pub(super) fn source(&self, model: &QuantModel, n_plain: usize) -> String {
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
