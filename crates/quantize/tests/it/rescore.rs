//! What one code changes is worked out without the rest, to the same bits.

use spinney_model::{FloatModel, ForestKind, Voting};
use spinney_quantize::{Options, Votes};

use crate::common::{data, fit, options, quantize, undeclared};

/// Each row with each code replaced by what other rows have there, and by the extremes.
fn check(float: &FloatModel, options: Options) {
    let wine = data("wine", "cultivar");
    let (quant, _) = quantize(float, &undeclared(float), options, Some(&wine.train));
    let scorer = quant.scorer();
    let mut rescorer = quant.rescorer();
    let test = wine.test.values().rows();
    let rows: Vec<Vec<i16>> = test
        .into_iter()
        .map(|row| quant.codes(&row.to_vec()))
        .collect();
    for (row, other) in rows.iter().zip(rows.iter().rev()) {
        assert_eq!(rescorer.take(row), scorer.scores(row));
        for input in 0..row.len() {
            for code in [i16::MIN, -1, 0, other[input], i16::MAX] {
                let mut changed = row.clone();
                changed[input] = code;
                assert_eq!(rescorer.with(input, code), scorer.scores(&changed));
            }
        }
    }
}

#[test]
fn naive_bayes() {
    let rows = data("wine", "cultivar").train;
    let float = spinney_train::gaussian_nb(&rows, 1e-9).expect("a model");
    check(&float, options(Voting::Soft, Votes::Q15));
}

#[test]
fn forests() {
    let rows = data("wine", "cultivar").train;
    for (n_trees, depth) in [(1, 2), (20, 5)] {
        let float = fit(&rows, ForestKind::RandomForest, n_trees, depth);
        check(&float, options(Voting::Soft, Votes::Q15));
        check(&float, options(Voting::Soft, Votes::Byte));
        check(&float, options(Voting::Hard, Votes::Q15));
    }
}
