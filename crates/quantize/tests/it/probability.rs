//! Probabilities on every row of the fixtures and on random ones: within the proven bound of what
//! float gives, and their highest is the class.

use spinney_dataset::Dataset;
use spinney_model::{FloatModel, ForestKind, Voting};
use spinney_quantize::{QuantModel, Votes, probability_bound};
use spinney_runtime::argmax;

use crate::common::{data, fit, options, quantize, undeclared};

const ONE: f64 = 32_768.0;

/// Checks one row; returns how far off it is, or `None` where its paths part.
fn check(model: &FloatModel, quant: &QuantModel, voting: Voting, row: &[f64]) -> Option<f64> {
    let codes = quant.codes(row);
    let scores = quant.scores(&codes);
    let found = quant.probabilities_of(&scores);
    assert_eq!(argmax(&found), argmax(&scores), "{row:?}: {found:?}");
    let bound = probability_bound(model, quant, voting, row, &codes)?;
    let float = model.probabilities_by(voting, row);
    let off = found
        .iter()
        .zip(&float)
        .map(|(p, float)| (f64::from(*p) / ONE - float).abs())
        .fold(0.0, f64::max);
    assert!(
        off <= bound,
        "{row:?}: off by {off}, bound {bound}: {found:?} {float:?}"
    );
    let sum: f64 = found.iter().map(|p| f64::from(*p) / ONE).sum();
    assert!((sum - 1.0).abs() <= bound * found.len() as f64, "{sum}");
    Some(off)
}

/// All rows, then as many inputs with readings drawn from the whole range of their column.
fn check_all(
    model: &FloatModel,
    voting: Voting,
    votes: Votes,
    train: &Dataset,
    all: &Dataset,
) -> f64 {
    let options = options(voting, votes);
    let (quant, calibrations) = quantize(model, &undeclared(model), options, Some(train));
    let quant = quant.with_probabilities().expect("it has some");
    let rows = all.values().rows().into_iter().map(|row| row.to_vec());
    let mut furthest = 0.0_f64;
    let mut n_checked = 0;
    for row in rows.clone() {
        if let Some(off) = check(model, &quant, voting, &row) {
            furthest = furthest.max(off);
            n_checked += 1;
        }
    }
    assert!(
        n_checked * 100 >= all.n_rows() * 99,
        "{n_checked} rows checked"
    );
    let mut state = 7_u64;
    for mut row in rows {
        for (reading, calibration) in row.iter_mut().zip(&calibrations) {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let unit = (state >> 33) as f64 / 2.0_f64.powi(31);
            let (low, high) = calibration.range;
            let drawn = low + (high - low) * unit;
            *reading = match calibration.sensor.integers() {
                Some(_) => drawn.round(),
                None => f64::from(spinney_quantize::round_down(drawn)),
            };
        }
        check(model, &quant, voting, &row);
    }
    furthest
}

#[test]
fn forests_stay_within_their_bound_on_every_row() {
    for (name, label) in [
        ("digits", "digit"),
        ("iris", "species"),
        ("wine", "cultivar"),
        ("breast_cancer", "diagnosis"),
    ] {
        let parts = data(name, label);
        for (kind, n_trees) in [
            (ForestKind::DecisionTree, 1),
            (ForestKind::RandomForest, 7),
            (ForestKind::ExtraTrees, 10),
        ] {
            let model = fit(&parts.train, kind, n_trees, 6);
            for (voting, votes, most) in [
                (Voting::Soft, Votes::Q15, 3.0 / ONE),
                (Voting::Soft, Votes::Byte, 1.0 / 255.0),
                (Voting::Hard, Votes::Q15, 2.0 / ONE),
            ] {
                for rows in [&parts.train, &parts.test] {
                    let off = check_all(&model, voting, votes, &parts.train, rows);
                    assert!(off <= most, "{name} {kind:?} {voting:?} {votes:?}: {off}");
                }
            }
        }
    }
}

#[test]
fn naive_bayes_stays_within_its_bound_on_every_row() {
    for (name, label, most) in [
        ("digits", "digit", 0.05),
        ("iris", "species", 0.01),
        ("wine", "cultivar", 0.01),
        ("breast_cancer", "diagnosis", 0.05),
    ] {
        let parts = data(name, label);
        let model = spinney_train::gaussian_nb(&parts.train, 1e-9).expect("a model");
        for rows in [&parts.train, &parts.test] {
            let off = check_all(&model, Voting::Soft, Votes::Q15, &parts.train, rows);
            println!("{name}: {off}");
            assert!(off <= most, "{name}: {off}");
        }
    }
}

#[test]
fn there_are_none_unless_asked_for() {
    let parts = data("iris", "species");
    let model = fit(&parts.train, ForestKind::DecisionTree, 1, 3);
    let options = options(Voting::Soft, Votes::Q15);
    let (quant, _) = quantize(&model, &undeclared(&model), options, Some(&parts.train));
    assert!(quant.probabilities().is_none());
    let scores = quant.scores(&quant.codes(&parts.test.values().row(0).to_vec()));
    assert!(quant.probabilities_of(&scores).is_empty());
    let n_lines = quant.arithmetic().len();
    assert_eq!(
        quant
            .with_probabilities()
            .expect("it has some")
            .arithmetic()
            .len(),
        n_lines + 1
    );
}
