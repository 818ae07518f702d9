//! Naive Bayes: terms and offsets held to means, deviations and priors, and rows to rows.

use spinney_model::{GaussianNb, argmax};

use crate::claim::{Claim, Coding, Level};
use crate::coding::Inputs;
use crate::memory::Memory;
use crate::tables::numbers;
use crate::{Fault, Findings, Kind};

pub(crate) fn check(
    model: &GaussianNb,
    claim: &Claim,
    score_bits: u8,
    memory: &Memory,
    rows: &[f64],
    findings: &mut Findings,
) -> Result<(), Fault> {
    let (n_classes, n_inputs) = (model.schema().n_classes(), claim.inputs.len());
    let terms = numbers(memory.table("TERMS").unwrap_or_default(), 4);
    let offsets: Vec<i64> = numbers(memory.table("OFFSETS").unwrap_or_default(), 4)
        .chunks_exact(2)
        .map(|half| i64::from(half[0]) | i64::from(half[1] as i32) << 32)
        .collect();
    let features = claim.inputs.iter().map(|input| &input.feature);
    if !features.eq(model.inputs()) {
        let what = "not the features that the model uses";
        return Err(Fault::new(Kind::Layout, "the inputs", what));
    }
    if terms.len() != n_classes * n_inputs || offsets.len() != n_classes {
        let what = "not of the model's size";
        return Err(Fault::new(Kind::Layout, "TERMS and OFFSETS", what));
    }
    let inputs = Inputs::new(model.schema(), claim)?;
    if claim.certificate.splits.is_some() || claim.certificate.votes == Level::EveryInput {
        findings.fault(
            Kind::Level,
            "the certificate",
            "naive Bayes is certified row by row",
        );
    }
    let unit = f64::from(score_bits).exp2();
    for class in 0..n_classes {
        let (means, variances) = (&model.means()[class], &model.variances()[class]);
        let logarithm = |variance: &f64| (std::f64::consts::TAU * variance).ln() / 2.0;
        let sum: f64 = variances.iter().map(logarithm).sum();
        let exact = (sum - model.log_priors()[class]) * unit;
        // To the nearest unit, give or take the rounding of the sum itself; kept to 61 bits.
        let bound = 1.0 + exact.abs() * 1e-12 * n_inputs as f64;
        let limit = 61_f64.exp2();
        if (exact.clamp(-limit, limit) - offsets[class] as f64).abs() > bound {
            let what = format!("the offset is {}, not {exact}", offsets[class]);
            findings.fault(Kind::Term, format!("class {class}"), what);
        }
        let terms = &terms[class * n_inputs..][..n_inputs];
        for (index, (input, term)) in claim.inputs.iter().zip(terms).enumerate() {
            findings.leaves += 1;
            let (mean, factor, shift) = fields(*term);
            let Coding::Affine {
                shift: scale,
                offset,
            } = &input.coding
            else {
                let what = "they keep no distances";
                return Err(Fault::new(Kind::Coding, "ranks", what));
            };
            let scale = f64::from(*scale).exp2();
            let exact = (unit / 2.0).sqrt() / (variances[index].sqrt() * scale);
            // Half of the last bit of the factor; or cut, where the table ends.
            let step = f64::from(-shift).exp2();
            let held = factor as f64 * step;
            let is_cut = held < exact && (factor == 4_095 || shift == 0);
            // A mean gives back what flooring takes: half a code, and half a deviation.
            let middle = means[index] * scale - f64::from(*offset);
            let low = middle - 0.5 / held.max(step) - 1.5;
            let near = low.clamp(-32_768.0, 32_767.0)..=(middle + 1.0).clamp(-32_768.0, 32_767.0);
            if !((held - exact).abs() <= step * 0.500_001 || is_cut)
                || !near.contains(&(mean as f64))
            {
                let what = format!("mean {mean} and scale {held}, expected {middle} and {exact}");
                let place = format!("class {class} feature {}", input.feature);
                findings.fault(Kind::Term, place, what);
            }
        }
    }
    for (index, row) in rows.chunks(model.schema().n_features()).enumerate() {
        findings.rows += 1;
        let codes = inputs.codes(row);
        let penalty = |(terms, offset): (&[u32], &i64)| {
            let squares = terms.iter().zip(&codes).map(|(term, code)| {
                let (mean, factor, shift) = fields(*term);
                let deviation = i128::from(((i64::from(*code) - mean) * factor) >> shift);
                deviation * deviation
            });
            i128::from(*offset) + squares.sum::<i128>()
        };
        let penalties: Vec<i128> = terms.chunks(n_inputs).zip(&offsets).map(penalty).collect();
        let q15 = (0..n_classes).min_by_key(|class| penalties[*class]);
        let float = argmax(&model.joint_log_likelihood(row));
        if q15 != Some(float) && !claim.certificate.rows_at_risk.contains(&index) {
            let what = format!("float says class {float}, the tables {q15:?}; it is not listed");
            findings.fault(Kind::Row, format!("test row {index}"), what);
        }
    }
    Ok(())
}

/// Mean, factor and shift of a term.
fn fields(term: u32) -> (i64, i64, i32) {
    (
        i64::from(term as i32 >> 16),
        i64::from(term >> 4 & 0xfff),
        (term & 15) as i32,
    )
}
