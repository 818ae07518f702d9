//! A model for readings that are codes already decides as the model that codes them.

use spinney_model::{ForestKind, Voting};
use spinney_quantize::Votes;

use crate::common::{data, fit, options, quantize, undeclared};

#[test]
fn a_model_of_codes_scores_codes_as_the_model_of_readings_does() {
    let iris = data("iris", "species");
    let float = fit(&iris.train, ForestKind::RandomForest, 5, 4);
    let options = options(Voting::Soft, Votes::Q15);
    let (quant, _) = quantize(&float, &undeclared(&float), options, Some(&iris.train));
    assert!(!quant.is_identity());
    let of_codes = quant.of_codes();
    assert!(of_codes.is_identity());
    for row in iris.test.values().rows() {
        let codes = quant.codes(&row.to_vec());
        let readings: Vec<f64> = codes.iter().map(|code| f64::from(*code)).collect();
        // Codes that need but 8 bits are readings of bytes, saturated without a difference.
        let held: Vec<i16> = match quant.code_bits() {
            8 => codes.iter().map(|code| (*code).clamp(0, 255)).collect(),
            _ => codes.clone(),
        };
        assert_eq!(of_codes.codes(&readings), held);
        assert_eq!(of_codes.scores(&held), quant.scores(&codes));
    }
}
