//! Margins and importances of a tree that can be followed by hand.

use ndarray::array;
use spinney_dataset::{Dataset, Rows, permutation};
use spinney_evaluate::{
    Differing, MarginBin, MarginUnit, comparisons, margins, permutation_importance, predict,
};
use spinney_model::{FloatModel, Forest, ForestKind, Node, Schema, Tree, Voting};
use spinney_quantize::{
    CodeWidth, CodingChoice, Declared, Options, QuantModel, Sensor, Votes, calibrate,
};

/// `x0 <= 5` is the first class by 3 to 1; beyond, `x1 <= 7` the second for sure, else the first.
fn model() -> FloatModel {
    let schema = Schema::unnamed(3, vec!["0".to_owned(), "1".to_owned()]).expect("a schema");
    let split =
        |feature, threshold, left, right| Node::at_most(feature, threshold, None, [left, right]);
    let leaf = |first: f64| Node::Leaf(vec![first, 1.0 - first]);
    let nodes = vec![
        split(0, 5.0, 1, 2),
        leaf(0.75),
        split(1, 7.0, 3, 4),
        leaf(0.0),
        leaf(1.0),
    ];
    let tree = Tree::new(nodes, &schema).expect("a tree");
    let trees = vec![tree.clone(), tree];
    FloatModel::Forest(Forest::new(ForestKind::RandomForest, schema, trees).expect("a forest"))
}

fn quantized(model: &FloatModel) -> QuantModel {
    let declared = vec![
        Declared {
            sensor: Some(Sensor::U8),
            range: None,
            coding: CodingChoice::Identity,
            ..Declared::default()
        };
        3
    ];
    let calibrations = calibrate(model, None, &declared).expect("integers");
    let options = Options {
        voting: Voting::Soft,
        votes: Votes::Q15,
        codes: CodeWidth::Auto,
        wants_scores: true,
    };
    QuantModel::new(model, &calibrations, options, None).expect("a model that fits")
}

fn rows() -> Dataset {
    let rows = Rows {
        features: ["x0", "x1", "x2"].map(str::to_owned).to_vec(),
        is_named: false,
        values: array![
            [1.0, 0.0, 0.0],
            [9.0, 0.0, 0.0],
            [9.0, 9.0, 0.0],
            [2.0, 9.0, 0.0]
        ],
    };
    Dataset::new(rows, &["0", "1", "1", "0"].map(str::to_owned)).expect("rows")
}

#[test]
fn margins_are_leads_over_the_next_class() {
    let (model, rows) = (model(), rows());
    let quant = quantized(&model);
    let mut predictions = predict(&model, &quant, Voting::Soft, &rows);
    predictions.float[1] = 0;
    let found = margins(&predictions, &quant, Some(rows.labels())).expect("rows");
    assert_eq!(found.unit, MarginUnit::ShareOfVotes);
    assert_eq!((found.bins.len(), found.bin_width), (20, 0.05));
    let bin = |rows, wrong, differing| MarginBin {
        rows,
        wrong: Some(wrong),
        differing,
    };
    let filled: Vec<MarginBin> = found
        .bins
        .iter()
        .copied()
        .filter(|bin| bin.rows > 0)
        .collect();
    // Two rows with 3 votes to 1; two that are certain, one of which is labelled otherwise.
    assert_eq!(filled, [bin(2, 0, 0), bin(2, 1, 1)]);
    assert_eq!(found.bins[19], bin(2, 1, 1));
    assert_eq!(
        found.differing,
        [Differing {
            row: 1,
            float: 0,
            q15: 1,
            margin: 1.0
        }]
    );
    let unlabelled = margins(&predictions, &quant, None).expect("rows");
    assert!(unlabelled.bins.iter().all(|bin| bin.wrong.is_none()));
}

#[test]
fn no_rows_have_no_margins() {
    let model = model();
    let quant = quantized(&model);
    let mut predictions = predict(&model, &quant, Voting::Soft, &rows());
    predictions.scores.clear();
    assert_eq!(margins(&predictions, &quant, None), None);
}

#[test]
fn a_split_counts_once_for_each_row_that_passes_it() {
    let model = model();
    // Per tree, all four rows ask x0, the two beyond it x1, and none x2.
    assert_eq!(
        comparisons(&model, &quantized(&model), &rows()),
        Some(vec![8, 4, 0])
    );
}

#[test]
fn importance_is_what_shuffled_readings_lose() {
    let (model, rows) = (model(), rows());
    let quant = quantized(&model);
    let n_right = |values: &ndarray::Array2<f64>| -> f64 {
        let right = values.rows().into_iter().zip(rows.labels());
        right
            .map(|(row, label)| f64::from(u8::from(quant.predict(&row.to_vec()) == *label)))
            .sum()
    };
    let before = n_right(rows.values());
    let found = permutation_importance(&quant, &rows, 3);
    let (rows_of, shuffles) = (found.found_on.rows, found.found_on.shuffles);
    assert_eq!((rows_of, shuffles), (4, 5));
    let found = found.lost;
    for (feature, found) in found.iter().enumerate() {
        let mut lost = 0.0;
        for shuffle in 0..5_u8 {
            let mut shuffled = rows.values().clone();
            for (row, from) in permutation(4, 3 + u64::from(shuffle)).iter().enumerate() {
                shuffled[[row, feature]] = rows.values()[[*from, feature]];
            }
            lost += before - n_right(&shuffled);
        }
        let expected = lost / 4.0 / 5.0;
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
    assert!(found[0] > 0.0, "{found:?}");
    assert_eq!(found[2], 0.0, "no split asks it");
}

#[test]
fn many_rows_are_shuffled_in_part() {
    let quant = quantized(&model());
    let n_rows = 400_000;
    let values = ndarray::Array2::from_shape_fn((n_rows, 3), |(row, _)| (row % 10) as f64);
    let features = ["x0", "x1", "x2"].map(str::to_owned).to_vec();
    let labels: Vec<String> = (0..n_rows).map(|row| (row % 2).to_string()).collect();
    let rows = Dataset::new(
        Rows {
            features,
            is_named: false,
            values,
        },
        &labels,
    )
    .expect("rows");
    let found = permutation_importance(&quant, &rows, 1);
    // 6,000,000 would be scored; of every three rows one is taken.
    assert_eq!(found.found_on.rows, 133_334);
    assert_eq!(found.lost[2], 0.0);
}
