//! Gaussian naive Bayes in C: terms, offsets and their sum; its twin is the runtime's `bayes.rs`.

use spinney_quantize::QuantBayes;

use super::text::{Item, Tables, comment};

/// The tables of `bayes`.
pub(crate) fn tables(bayes: &QuantBayes, n_codes: usize) -> Tables {
    let mut tables = Tables::default();
    tables.add_items(
        "A term per code, class after class: mean in the upper 16 bits, then 12 of a factor and \
         4 of a shift.",
        Item::U32,
        "terms",
        bayes.terms().chunks(n_codes).flatten().map(|term| {
            let mean = u32::from(term.mean().cast_unsigned());
            let word = mean << 16 | u32::from(term.factor()) << 4 | u32::from(term.shift());
            format!("{word:#010x}")
        }),
    );
    tables.add(
        &format!(
            "What each class starts from, in units of 2^-{} nats: half of sum log(2 pi sigma^2), \
             less log P(class). The lower word of 64 bits, then the upper one.",
            bayes.score_bits()
        ),
        Item::U32,
        "offsets",
        bayes.offsets().iter().map(|offset| {
            let [a, b, c, d, e, f, g, h] = offset.to_le_bytes();
            [[a, b, c, d], [e, f, g, h]]
                .map(|word| format!("{:#010x}", u32::from_le_bytes(word)))
                .to_vec()
        }),
    );
    tables
}

/// `classify` and `scores`, with what they call.
pub(crate) fn functions() -> String {
    format!(
        "{}{MULTIPLY}{}{DEVIATION}{SQUARE}{}{PENALTY}{CLASSIFY}",
        comment(
            "Whether the core multiplies 32 bits to 64 without calling a library. Results are the \
             same either way."
        ),
        comment(
            "By how much a code is off a class's mean: (code - mean) * factor / 2^shift, rounded \
             down, at most 2^28."
        ),
        comment("What a class lacks to a score of 0. No row takes it out of 64 bits."),
    )
}

const MULTIPLY: &str = "\
#ifndef $_WIDE_MULTIPLY
#if defined(__ARM_ARCH_6M__) || defined(__AVR__)
#define $_WIDE_MULTIPLY 0
#else
#define $_WIDE_MULTIPLY 1
#endif
#endif

";

const DEVIATION: &str = "\
static inline int32_t @_deviation(uint32_t term, @_code_t code)
{
    const int32_t distance = (int32_t)code - (int16_t)(uint16_t)(term >> 16);
    const int32_t factor = (int32_t)((term >> 4) & 0xfff);
    return (distance * factor) >> (term & 0xf);
}

";

const SQUARE: &str = "\
/* The square of a deviation. */
static inline int64_t @_square(int32_t deviation)
{
#if $_WIDE_MULTIPLY
    return (int64_t)deviation * deviation;
#else
    /* By halves: (2^16 h + l)^2 = 2^32 h^2 + 2^17 h l + l^2, and h is mostly 0. */
    const uint32_t magnitude = (uint32_t)(deviation < 0 ? -deviation : deviation);
    const uint32_t high = magnitude >> 16;
    const uint32_t low = magnitude & 0xffff;
    if (high == 0) {
        return (int64_t)(low * low);
    }
    return (int64_t)(((uint64_t)(high * high) << 32) + ((uint64_t)(high * low) << 17) + low * low);
#endif
}

";

const PENALTY: &str = "\
static inline int64_t @_penalty(const @_code_t *codes, size_t index)
{
    const uint32_t *term = @_terms + index * $_N_CODES;
    const uint32_t *offset = @_offsets + 2 * index;
    int64_t sum = (int64_t)(((uint64_t)$_READ32(offset + 1) << 32) | $_READ32(offset));
    for (size_t i = 0; i < $_N_CODES; i++) {
        sum += @_square(@_deviation($_READ32(term + i), codes[i]));
    }
    return sum;
}

";

const CLASSIFY: &str = "\
/* The class index of a row of codes; ties go to the lowest. */
static inline uint8_t @_classify(const @_code_t codes[$_LEAST($_N_CODES)])
{
    int64_t least = INT64_MAX;
    uint8_t best = 0;
    for (uint8_t index = 0; index < $_N_CLASSES; index++) {
        const int64_t penalty = @_penalty(codes, index);
        if (penalty < least) {
            least = penalty;
            best = index;
        }
    }
    return best;
}

/* The score of each class for a row of codes; higher is likelier. */
static inline void @_scores(
    const @_code_t codes[$_LEAST($_N_CODES)],
    @_score_t scores[$_LEAST($_N_CLASSES)])
{
    for (size_t index = 0; index < $_N_CLASSES; index++) {
        scores[index] = -@_penalty(codes, index);
    }
}

";
