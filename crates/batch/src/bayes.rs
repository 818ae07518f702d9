//! Gaussian naive Bayes: the squares of several rows at once.

use spinney_quantize::{Input, QuantBayes, QuantModel, ReadingType};
use spinney_runtime::bayes::{Term, square_wide};

use crate::reading::Reading;
use crate::trees::LANES;

/// A naive Bayes model and how its readings become codes.
#[derive(Debug)]
pub(crate) struct Bayes {
    /// Class after class, a term per code.
    terms: Vec<Term>,
    offsets: Vec<i64>,
    /// Of each code its feature and what every byte becomes, where bytes are all that readings are.
    bytes: Option<Vec<(usize, [i16; 256])>>,
}

/// Memory for one block, used over and over.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// The codes of the rows of a block, code after code.
    codes: Vec<[i16; LANES]>,
    bytes: Vec<u8>,
}

impl Bayes {
    pub(crate) fn new(model: &QuantModel, bayes: &QuantBayes) -> Self {
        let inputs = model.inputs();
        let are_bytes = model.reading_type() == ReadingType::U8
            && inputs.iter().all(|input| input.place.is_none());
        let table = |input: &Input| {
            let code = |byte: u8| input.code(ReadingType::U8, byte.into());
            (
                input.feature,
                std::array::from_fn(|byte| code(byte.to_le_bytes()[0])),
            )
        };
        Self {
            bytes: are_bytes.then(|| inputs.iter().map(table).collect()),
            terms: bayes.terms().to_vec(),
            offsets: bayes.offsets().to_vec(),
        }
    }

    /// Scores of rows, row after row.
    #[inline(always)]
    pub(crate) fn scores<R: Reading>(
        &self,
        model: &QuantModel,
        rows: &[R],
        room: &mut Room,
        scores: &mut [i64],
    ) {
        let n_features = model.schema().n_features();
        let n_codes = model.inputs().len();
        let n_classes = self.offsets.len();
        room.codes.resize(n_codes, [0; LANES]);
        let groups = rows.chunks(n_features * LANES);
        for (rows, scores) in groups.zip(scores.chunks_mut(n_classes * LANES)) {
            if let Some(tables) = &self.bytes {
                room.bytes.clear();
                room.bytes.extend(rows.iter().map(|reading| reading.byte()));
                for (lane, row) in room.bytes.chunks_exact(n_features).enumerate() {
                    for ((feature, table), codes) in tables.iter().zip(&mut room.codes) {
                        codes[lane] = table[usize::from(row[*feature])];
                    }
                }
            } else {
                for (lane, row) in rows.chunks_exact(n_features).enumerate() {
                    for (input, codes) in model.inputs().iter().zip(&mut room.codes) {
                        codes[lane] = input.code(model.reading_type(), row[input.feature].widen());
                    }
                }
            }
            let classes = self.terms.chunks_exact(n_codes).zip(&self.offsets);
            for (class, (terms, offset)) in classes.enumerate() {
                let penalties = penalties(*offset, terms, &room.codes);
                for (scores, penalty) in scores.chunks_exact_mut(n_classes).zip(penalties) {
                    scores[class] = penalty.wrapping_neg();
                }
            }
        }
    }
}

/// The offset and the squares of each row's deviations, added up as the runtime does.
#[inline(always)]
fn penalties(offset: i64, terms: &[Term], codes: &[[i16; LANES]]) -> [i64; LANES] {
    let mut sums = [offset; LANES];
    for (term, codes) in terms.iter().zip(codes) {
        for (sum, code) in sums.iter_mut().zip(codes) {
            *sum = sum.wrapping_add(square_wide(term.deviation(*code)).cast_signed());
        }
    }
    sums
}
