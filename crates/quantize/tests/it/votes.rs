//! Leaves as integer votes.

use proptest::prelude::*;
use spinney_model::{FloatModel, Voting, argmax};
use spinney_quantize::{Level, Votes, certify};

use crate::common::{model, options, quantize, rows, undeclared};

fn one_leaf(proportions: &[f64]) -> FloatModel {
    model(
        "decision-tree",
        1,
        proportions.len(),
        &format!(r#""trees":[{{"nodes":[{{"value":{proportions:?}}}]}}]"#),
    )
}

#[test]
fn a_tree_of_one_leaf_says_its_class() {
    for (votes, unit) in [(Votes::Q15, 32_768), (Votes::Byte, 255)] {
        let float = one_leaf(&[0.0, 1.0]);
        let declared = undeclared(&float);
        let (quant, _) = quantize(&float, &declared, options(Voting::Soft, votes), None);
        assert_eq!(quant.scores(&quant.codes(&[7.0])), [0, unit]);
    }
    let float = one_leaf(&[0.5, 0.5]);
    let declared = undeclared(&float);
    let (quant, _) = quantize(&float, &declared, options(Voting::Hard, Votes::Q15), None);
    assert_eq!(quant.predict(&[7.0]), 0, "ties go to the lowest class");
}

#[test]
fn there_may_be_255_classes() {
    let mut proportions = vec![0.0; 255];
    proportions[254] = 0.75;
    proportions[3] = 0.25;
    let float = one_leaf(&proportions);
    let declared = undeclared(&float);
    for voting in [Voting::Soft, Voting::Hard] {
        let (quant, _) = quantize(&float, &declared, options(voting, Votes::Byte), None);
        assert_eq!(quant.predict(&[0.0]), 254);
    }
}

#[test]
fn equal_leaves_share_a_row() {
    let leaf = r#"{"value":[0.25,0.75]}"#;
    let float = model(
        "random-forest",
        1,
        2,
        &format!(
            r#""trees":[{{"nodes":[{{"feature":0,"threshold":1.5,"left":1,"right":2}},{leaf},{{"value":[1,0]}}]}},{{"nodes":[{leaf}]}}]"#
        ),
    );
    let declared = undeclared(&float);
    let (quant, _) = quantize(&float, &declared, options(Voting::Soft, Votes::Q15), None);
    let Some(forest) = quant.forest() else {
        unreachable!("a forest stays one")
    };
    assert_eq!(
        *forest.leaves(),
        spinney_quantize::Leaves::Words(vec![8_192, 24_576, 32_768, 0])
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    /// Rounding never takes the lead from a leaf's first class, so single trees agree everywhere.
    #[test]
    fn a_leaf_keeps_its_leader(
        weights in proptest::collection::vec(1_u32..1_000_000, 2..20),
        nudge in 0_u32..3,
    ) {
        let mut weights = weights;
        // Two classes closer together than any vote can tell.
        weights[1] = weights[0] + nudge;
        let sum: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
        let proportions: Vec<f64> = weights.iter().map(|weight| f64::from(*weight) / sum).collect();
        let float = one_leaf(&proportions);
        let declared = undeclared(&float);
        for votes in [Votes::Q15, Votes::Byte] {
            let (quant, calibrations) =
                quantize(&float, &declared, options(Voting::Soft, votes), None);
            prop_assert_eq!(quant.predict(&[0.0]), argmax(&proportions));
            let data = rows(&[&[0.0]]);
            let certificate = certify(&float, &quant, &calibrations, Voting::Soft, &data);
            prop_assert_eq!(certificate.votes, Level::EveryInput);
        }
    }

    /// Forests of leaves alone: a class is lost only on a row that is listed.
    #[test]
    fn a_lost_lead_is_listed(
        leaves in proptest::collection::vec(proptest::collection::vec(1_u32..12, 3), 2..12),
    ) {
        let trees: Vec<String> = leaves
            .iter()
            .map(|weights| {
                let sum: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
                let proportions: Vec<f64> =
                    weights.iter().map(|weight| f64::from(*weight) / sum).collect();
                format!(r#"{{"nodes":[{{"value":{proportions:?}}}]}}"#)
            })
            .collect();
        let float = model("random-forest", 1, 3, &format!(r#""trees":[{}]"#, trees.join(",")));
        let declared = undeclared(&float);
        for votes in [Votes::Q15, Votes::Byte] {
            let (quant, calibrations) =
                quantize(&float, &declared, options(Voting::Soft, votes), None);
            let data = rows(&[&[0.0]]);
            let certificate = certify(&float, &quant, &calibrations, Voting::Soft, &data);
            let agrees = quant.predict(&[0.0]) == float.predict(&[0.0]);
            prop_assert!(agrees || certificate.rows_at_risk == [0]);
        }
    }
}
