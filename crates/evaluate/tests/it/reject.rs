//! The promise of a threshold on the margin, held to 200 random divisions of real rows.

use spinney_dataset::{Dataset, Split, csv, permutation, split};
use spinney_evaluate::{Reject, outlier_depth};
use spinney_model::{ForestKind, Voting};
use spinney_quantize::{
    CodeWidth, CodingChoice, Declared, Options, QuantModel, Votes, argmax, calibrate,
};
use spinney_train::{ForestParams, forest, isolation_forest};

const COVERAGE: f64 = 0.95;
const SPLITS: u64 = 200;

/// Digits to train on, and 1,200 others.
fn parts() -> Split {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/digits.csv");
    let rows = csv::read(&std::fs::read(file).expect("the data"), "digit").expect("rows");
    split(&rows, 1200.0 / 1797.0, 7).expect("two sides")
}

/// Scores in Q15 and labels of 1,200 digits that a small forest was trained without.
fn scored() -> (Vec<Vec<i64>>, Vec<usize>) {
    let parts = parts();
    let params = ForestParams {
        max_depth: Some(6),
        ..ForestParams::new(ForestKind::RandomForest, 9, 3)
    };
    let model = forest(&parts.train, &params, &|_, _| {}).expect("a forest");
    let declared = Declared {
        sensor: None,
        range: None,
        coding: CodingChoice::Auto,
        ..Declared::default()
    };
    let values = parts.train.values();
    let declared = vec![declared; values.ncols()];
    let calibrations = calibrate(&model, Some(values.view()), &declared).expect("integers");
    let options = Options {
        voting: Voting::Soft,
        votes: Votes::Q15,
        codes: CodeWidth::Auto,
        wants_scores: true,
    };
    let quant = QuantModel::new(&model, &calibrations, options, Some(&parts.train));
    let quant = quant.expect("a model that fits");
    let scorer = quant.scorer();
    let scores = |rows: &Dataset| -> Vec<Vec<i64>> {
        let rows = rows.values().rows().into_iter();
        rows.map(|row| scorer.scores(&quant.codes(&row.to_vec())))
            .collect()
    };
    (scores(&parts.test), parts.test.labels().to_vec())
}

struct Means {
    coverage: f64,
    wrong_accepted: f64,
    accuracy_accepted: f64,
    flagged: f64,
}

/// What a threshold for `calibrated` does to halves that it has not seen, on average.
fn means((scores, labels): (&[Vec<i64>], &[usize]), calibrated: f64) -> Means {
    let half = labels.len() / 2;
    let mut sums = [0.0; 4];
    for seed in 0..SPLITS {
        let order = permutation(labels.len(), seed);
        let (ours, theirs) = order.split_at(half);
        let side = |rows: &[usize]| -> (Vec<Vec<i64>>, Vec<usize>) {
            let rows = rows.iter();
            rows.map(|row| (scores[*row].clone(), labels[*row])).unzip()
        };
        let (calibration, known) = side(ours);
        let reject = Reject::calibrate(&calibration, &known, calibrated).expect("enough rows");
        let (test, known) = side(theirs);
        let found = reject.judge(&test, &known, None);
        let share = |n: usize| n as f64 / known.len() as f64;
        let accepted = found.accuracy_accepted.expect("some are accepted");
        let of_split = [
            found.coverage,
            share(found.wrong_accepted),
            accepted,
            share(found.flagged),
        ];
        for (sum, it) in sums.iter_mut().zip(of_split) {
            *sum += it;
        }
    }
    let [coverage, wrong_accepted, accuracy_accepted, flagged] = sums.map(|it| it / SPLITS as f64);
    Means {
        coverage,
        wrong_accepted,
        accuracy_accepted,
        flagged,
    }
}

#[test]
fn the_promise_holds_over_random_divisions() {
    let (scores, labels) = scored();
    let right = scores
        .iter()
        .zip(&labels)
        .filter(|(scores, label)| argmax(scores) == **label);
    let accuracy = right.count() as f64 / labels.len() as f64;
    // Worse than the coverage, so that there is something to reject.
    assert!((0.8..0.93).contains(&accuracy), "{accuracy}");
    // One division's coverage is spread about its mean with a deviation of at most
    // √(0.95 · 0.05 · (1/600 + 1/602)), about 0.0126; three of the mean of 200.
    let chance = 3.0 * 0.0126 / (SPLITS as f64).sqrt();
    let found = means((&scores, &labels), COVERAGE);
    assert!(found.coverage >= COVERAGE - chance, "{}", found.coverage);
    assert!(found.coverage <= COVERAGE + 0.01, "{}", found.coverage);
    assert!(found.wrong_accepted <= 1.0 - COVERAGE + chance);
    assert!(found.accuracy_accepted > accuracy + 0.02);
    assert!((0.02..0.3).contains(&found.flagged), "{}", found.flagged);
    // A threshold that promises less does not keep this promise: the check can fail.
    let less = means((&scores, &labels), COVERAGE - 0.02);
    assert!(less.coverage < COVERAGE - chance, "{}", less.coverage);
}

/// The share of rows that lie below a depth which half of 1,200 digits calibrate for `share`, over random
/// divisions, on average.
fn flagged(depths: &[f64], share: f64) -> f64 {
    let mut sum = 0.0;
    for seed in 0..SPLITS {
        let order = permutation(depths.len(), seed);
        let (ours, theirs) = order.split_at(depths.len() / 2);
        let of = |rows: &[usize]| rows.iter().map(|row| depths[*row]).collect::<Vec<f64>>();
        let lowest = outlier_depth(&of(ours), share).expect("enough rows");
        let theirs = of(theirs);
        let n_below = theirs.iter().filter(|depth| **depth < lowest).count();
        sum += n_below as f64 / theirs.len() as f64;
    }
    sum / SPLITS as f64
}

#[test]
fn no_more_rows_than_promised_are_unlike_those_of_training() {
    let parts = parts();
    #[expect(clippy::cast_possible_truncation, reason = "pixels of 0 to 16")]
    let pixels = |rows: &Dataset| -> Vec<Vec<i16>> {
        let rows = rows.values().rows().into_iter();
        rows.map(|row| row.iter().map(|it| *it as i16).collect())
            .collect()
    };
    let model = isolation_forest(&pixels(&parts.train), 20, 1, 0.0).expect("a model");
    let test = parts.test.values().rows().into_iter();
    let depths: Vec<f64> = test.map(|row| model.raw(&row.to_vec())[0]).collect();
    let share = 0.05;
    let chance = 3.0 * 0.0126 / (SPLITS as f64).sqrt();
    let found = flagged(&depths, share);
    assert!(found <= share + chance && found > share - 0.01, "{found}");
    // The check can fail.
    let more = flagged(&depths, share + 0.02);
    assert!(more > share + chance, "{more}");
    // A picture turned over is odder than most.
    let odd = parts.test.values().rows().into_iter();
    let odd = odd.filter(|row| {
        let turned: Vec<f64> = row.iter().map(|it| 16.0 - it).collect();
        let lowest = outlier_depth(&depths, share).expect("enough rows");
        model.raw(&turned)[0] < lowest
    });
    let n_odd = odd.count();
    assert!(n_odd > 600, "{n_odd} of 1,200");
}
