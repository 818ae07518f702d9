//! Models at every limit of fixed point, and one beyond it: each table, batch and early exit gives
//! the runtime's scores of the canonical tables, which are float's, or the model is refused.

use std::fmt::Write;

use expect_test::{Expect, expect};
use ndarray::Array2;
use spinney_batch::Predictor;
use spinney_codegen::{CodeType, Encoded, Encoding, Exit, Identity, Options, Origin, c99, drop_in};
use spinney_dataset::{Dataset, Rows};
use spinney_model::limits::{TREE_SPLITS, TREES};
use spinney_model::{FloatModel, Forest, ForestKind, Limit, Node, Schema, Tree, Voting};
use spinney_quantize::limits::{CUTS, LEAVES};
use spinney_quantize::{
    CodeWidth, CodingChoice, Declared, Level, ModelError, Options as Quantize, QuantModel, Sensor,
    Votes, calibrate, certify,
};
use spinney_runtime::argmax;

const N_CLASSES: usize = 3;

fn schema() -> Schema {
    let classes = (0..N_CLASSES).map(|class| format!("c{class}"));
    Schema::unnamed(1, classes.collect()).unwrap()
}

/// A balanced tree over the thresholds `k + 0.5`, whose leaf of the readings up to `k + 0.5` is
/// `leaf(k)`.
fn tree(thresholds: std::ops::Range<usize>, leaf: &dyn Fn(usize) -> Vec<f64>) -> Tree {
    let mut nodes = vec![None];
    let mut open = vec![(0, thresholds)];
    while let Some((at, within)) = open.pop() {
        nodes[at] = Some(if within.is_empty() {
            Node::Leaf(leaf(within.start))
        } else {
            let middle = usize::midpoint(within.start, within.end - 1);
            let left = nodes.len();
            nodes.extend([None, None]);
            open.extend([
                (left, within.start..middle),
                (left + 1, middle + 1..within.end),
            ]);
            Node::at_most(
                0,
                middle as f64 + 0.5,
                None,
                [
                    u32::try_from(left).unwrap(),
                    u32::try_from(left + 1).unwrap(),
                ],
            )
        });
    }
    Tree::new(nodes.into_iter().map(Option::unwrap).collect(), &schema()).unwrap()
}

fn forest(trees: Vec<Tree>) -> FloatModel {
    let kind = match trees.len() {
        1 => ForestKind::DecisionTree,
        _ => ForestKind::RandomForest,
    };
    FloatModel::Forest(Forest::new(kind, schema(), trees).unwrap())
}

/// All of a leaf for one class.
fn pure(class: usize) -> Vec<f64> {
    (0..N_CLASSES)
        .map(|index| f64::from(u8::from(index == class % N_CLASSES)))
        .collect()
}

/// Proportions that no other number gives, and that Q15 holds exactly.
fn distinct(number: usize) -> Vec<f64> {
    let (one, other) = (number % 128, number / 128);
    [one, other, 512 - one - other]
        .map(|part| part as f64 / 512.0)
        .to_vec()
}

fn rows_of(readings: &[f64]) -> Dataset {
    let rows = Rows {
        features: vec!["x0".to_owned()],
        is_named: true,
        values: Array2::from_shape_vec((readings.len(), 1), readings.to_vec()).unwrap(),
    };
    Dataset::new(rows, &vec!["c0".to_owned(); readings.len()]).unwrap()
}

fn quantize(
    model: &FloatModel,
    declared: Declared,
    voting: Voting,
    train: Option<&Dataset>,
) -> Result<QuantModel, ModelError> {
    let values = train.map(|train| train.values().view());
    let calibrations = calibrate(model, values, &[declared])?;
    let options = Quantize {
        voting,
        votes: Votes::Q15,
        codes: CodeWidth::Auto,
        wants_scores: true,
    };
    QuantModel::new(model, &calibrations, options, train)
}

fn integers(coding: CodingChoice) -> Declared {
    Declared {
        sensor: Some(Sensor::I32),
        range: None,
        coding,
        ..Declared::default()
    }
}

fn singles(coding: CodingChoice) -> Declared {
    Declared {
        sensor: Some(Sensor::F32),
        ..integers(coding)
    }
}

/// Holds whatever is made of `quant` against float, reading by reading.
fn agrees(model: &FloatModel, quant: &QuantModel, voting: Voting, readings: &[f64]) {
    let FloatModel::Forest(float) = model else {
        panic!("a forest");
    };
    let Some(body) = quant.forest() else {
        panic!("a forest");
    };
    let n_trees = float.trees().len() as f64;
    let scorer = quant.scorer();
    let codes: Vec<[i16; 1]> = readings
        .iter()
        .map(|reading| [quant.codes(&[*reading])[0]])
        .collect();
    let canonical: Vec<Vec<i64>> = codes.iter().map(|codes| scorer.scores(codes)).collect();
    for (reading, scores) in readings.iter().zip(&canonical) {
        let unit = n_trees * f64::from(body.leaves().unit());
        let expected: Vec<f64> = float
            .scores(&[*reading], voting)
            .iter()
            .map(|score| (score * unit).round())
            .collect();
        let found: Vec<f64> = scores.iter().map(|score| *score as f64).collect();
        assert_eq!(found, expected, "{reading}");
    }
    for encoding in [Encoding::Table, Encoding::Packed] {
        let options = Options {
            encoding,
            ..Options::plain()
        };
        let Some(encoded) = Encoded::new(quant, &options) else {
            continue;
        };
        let tables = encoded.tables();
        let exit = Exit::new(quant, 1.0);
        for (codes, scores) in codes.iter().zip(&canonical) {
            let found = tables.scores::<N_CLASSES, _>(codes).unwrap();
            assert_eq!(found.map(i64::from).as_slice(), scores);
            let class = Ok(argmax(scores));
            assert_eq!(tables.classify::<N_CLASSES, 1, _>(codes), class);
            let early = tables.classify_early::<N_CLASSES, 1, _>(codes, encoded.enough());
            assert_eq!(early, class);
            if let Some(exit) = &exit {
                assert_eq!(Ok(exit.classify(codes).class), class);
            }
        }
    }
    let flat: Vec<i64> = canonical.concat();
    let column = |readings: &[f64]| Array2::from_shape_vec((readings.len(), 1), readings.to_vec());
    let doubles = column(readings).unwrap();
    #[expect(clippy::cast_possible_truncation, reason = "small integers")]
    let singles = doubles.mapv(|reading| reading as f32);
    let batch = Predictor::<f64>::new(quant);
    assert_eq!(
        batch
            .scores(doubles.view())
            .unwrap()
            .into_raw_vec_and_offset()
            .0,
        flat
    );
    let batch = Predictor::<f32>::new(quant);
    assert_eq!(
        batch
            .scores(singles.view())
            .unwrap()
            .into_raw_vec_and_offset()
            .0,
        flat
    );
}

/// What each way of writing the model makes of it: the form, or the refusal.
fn written(quant: &QuantModel) -> String {
    let identity = Identity {
        pipeline: "limits",
        kind: "forest",
        fingerprint: "0",
        origin: Origin::Config,
    };
    let mut out = String::new();
    for encoding in [Encoding::Table, Encoding::Packed, Encoding::Branches] {
        let options = Options {
            encoding,
            code_type: CodeType::I16,
            early_exit: true,
            ..Options::plain()
        };
        let form = match drop_in(identity, quant, &options) {
            Ok(generated) => generated.form,
            Err(error) => error.to_string(),
        };
        let header = c99(identity, quant, &options).form;
        let _ = writeln!(out, "{}: {form}; C99: {header}", encoding.name());
    }
    out
}

fn refused(model: &FloatModel, declared: Declared, voting: Voting, expected: &Expect) {
    let error = quantize(model, declared, voting, None).expect_err("one too many");
    expected.assert_eq(&error.to_string());
}

/// The last readings that a model of `n` thresholds tells apart, the first, some between, and all
/// that no sensor but a broken one delivers.
fn probes(n: usize) -> Vec<f64> {
    let near = n.saturating_sub(40)..n + 3;
    let between = (0..n).step_by(257);
    near.chain(0..40)
        .chain(between)
        .map(|reading| reading as f64)
        .chain([-70_000.0, 70_000.0, f64::from(i32::MIN), 2_147_483_520.0])
        .collect()
}

/// A forest whose thresholds, `n` in all, are those of two trees.
fn of_two_trees(n: usize, leaf: &dyn Fn(usize) -> Vec<f64>) -> FloatModel {
    forest(vec![tree(0..n / 2, leaf), tree(n / 2..n, leaf)])
}

#[test]
fn cuts_of_a_rank() {
    let check = |declared: Declared| {
        for n in [CUTS.max - 1, CUTS.max] {
            let model = of_two_trees(n, &pure);
            let quant = quantize(&model, declared, Voting::Hard, None).unwrap();
            agrees(&model, &quant, Voting::Hard, &probes(n));
            let calibrations = calibrate(&model, None, &[declared]).unwrap();
            let rows = rows_of(&[0.0, 1.0]);
            let certificate = certify(&model, &quant, &calibrations, Voting::Hard, &rows);
            assert_eq!(certificate.splits, Some(Level::EveryInput));
            if n == CUTS.max {
                expect![[r#"
                    table: 4 bytes per split; C99: 4 bytes per split
                    packed: 29 bits per split; C99: 4 bytes per split
                    branches: branches; C99: branches
                "#]]
                .assert_eq(&written(&quant));
            }
        }
        let model = of_two_trees(CUTS.max + 1, &pure);
        let expected = expect![[
            r#"coding = "rank" of feature "x0": found 32,768 distinct thresholds, expected at most 32,767 (a rank is a code of 16 bits, and one is left for what is above them all); set `coding = "auto"` or `"affine"` for the feature, or fit with fewer splits"#
        ]];
        refused(&model, declared, Voting::Hard, &expected);
    };
    check(integers(CodingChoice::Rank));
    check(singles(CodingChoice::Rank));
}

/// Where ranks are not asked for but readings would flip without, there are ranks up to the limit;
/// beyond it flips are listed.
#[test]
fn cuts_that_nobody_asked_to_rank() {
    // The last one lies so far off that affine codes cannot tell the others from readings above.
    let readings = [0.0, 0.75, 1.0, 1e9];
    let train = rows_of(&readings);
    for (n, is_ranked) in [(CUTS.max, true), (CUTS.max + 1, false)] {
        let model = of_two_trees(n, &pure);
        let declared = singles(CodingChoice::Auto);
        let quant = quantize(&model, declared, Voting::Hard, Some(&train)).unwrap();
        assert_eq!(quant.inputs()[0].coding.name() == "rank", is_ranked);
        let values = Some(train.values().view());
        let calibrations = calibrate(&model, values, &[declared]).unwrap();
        let certificate = certify(&model, &quant, &calibrations, Voting::Hard, &train);
        let level = certificate.splits;
        assert_eq!(level == Some(Level::EveryInput), is_ranked, "{level:?}");
    }
}

#[test]
fn splits_of_a_tree() {
    for n in [TREE_SPLITS.max - 1, TREE_SPLITS.max] {
        for voting in [Voting::Hard, Voting::Soft] {
            let model = forest(vec![tree(0..n, &pure)]);
            let declared = integers(CodingChoice::Affine);
            let quant = quantize(&model, declared, voting, None).unwrap();
            agrees(&model, &quant, voting, &probes(n));
            if n == TREE_SPLITS.max && voting == Voting::Hard {
                expect![[r#"
                    table: 5 bytes per split; C99: 5 bytes per split
                    packed: 30 bits per split; C99: 5 bytes per split
                    branches: branches; C99: branches
                "#]]
                .assert_eq(&written(&quant));
            }
        }
    }
}

#[test]
fn trees_and_the_sums_of_their_votes() {
    for n in [TREES.max - 1, TREES.max] {
        for voting in [Voting::Hard, Voting::Soft] {
            let trees = [
                tree(0..1, &pure),
                tree(0..0, &pure),
                tree(0..0, &|_| pure(1)),
            ];
            let repeated = trees.iter().cycle().take(n).cloned().collect();
            let model = forest(repeated);
            let declared = singles(CodingChoice::Affine);
            let quant = quantize(&model, declared, voting, None).unwrap();
            agrees(&model, &quant, voting, &[0.0, 0.5, 1.0]);
            // All votes for one class: the largest sum there is.
            let all = forest(vec![tree(0..0, &pure); n]);
            let quant = quantize(&all, declared, voting, None).unwrap();
            agrees(&all, &quant, voting, &[0.0]);
            let unit = if voting == Voting::Soft { 1 << 15 } else { 1 };
            assert_eq!(quant.scores(&[0])[0], unit * i64::try_from(n).unwrap());
        }
    }
}

#[test]
fn distinct_leaves() {
    // Of n thresholds in two trees come n + 2 leaves.
    let model = |n_leaves: usize| of_two_trees(n_leaves - 2, &distinct);
    let declared = integers(CodingChoice::Affine);
    for n in [LEAVES.max - 1, LEAVES.max] {
        // Both trees have the leaf between them.
        let model = model(n + 1);
        let quant = quantize(&model, declared, Voting::Soft, None).unwrap();
        let Some(body) = quant.forest() else {
            panic!("a forest");
        };
        assert_eq!(body.leaves().table_bytes(), 2 * N_CLASSES * n);
        agrees(&model, &quant, Voting::Soft, &probes(n));
        if n == LEAVES.max {
            expect![[r#"
                table: 8 bytes per split; C99: 8 bytes per split
                packed: 32 bits per split; C99: 8 bytes per split
                branches: branches; C99: branches
            "#]]
            .assert_eq(&written(&quant));
        }
    }
    let model = model(LEAVES.max + 2);
    refused(
        &model,
        declared,
        Voting::Soft,
        &expect![[
            r#"the trees: found 32,769 distinct leaves, expected 1 to 32,768 (a leaf has a number of 15 bits); set `leaves = "hard"` or `votes = "8-bit"` in [quantize], or fit with fewer trees or a smaller `max_depth`"#
        ]],
    );
    assert!(quantize(&model, declared, Voting::Hard, None).is_ok());
}

/// Each limit that a refusal names has its words in the documentation.
#[test]
fn every_limit_is_documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sklearn.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (_, section) = document.split_once("\n## Limits\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let float = spinney_model::limits::ALL;
    let quantized = spinney_quantize::limits::ALL;
    for limit in float.iter().chain(quantized) {
        let line = row(limit);
        assert!(section.contains(&line), "docs/sklearn.md lacks\n{line}");
    }
    // A header, a rule, and a row per limit.
    let lines = section.lines().filter(|line| line.starts_with("| "));
    assert_eq!(lines.count(), 2 + float.len() + quantized.len());
}

fn row(limit: &Limit) -> String {
    let grouped = spinney_model::limits::grouped;
    let bounds = match limit.min {
        0 => format!("at most {}", grouped(limit.max)),
        min => format!("{} to {}", grouped(min), grouped(limit.max)),
    };
    format!(
        "| {} | {bounds} | {} | {} |",
        limit.what, limit.reason, limit.way_out
    )
}
