//! Smaller models, held to their originals on all rows of a grid.

use spinney_checker::{How, Keeps, Kept, Promise, keeps};
use spinney_codegen::{Encoded, Encoding, Options as Codegen, readings};
use spinney_model::{Additive, FloatModel, Forest, Node, Task, Tree, Voting};
use spinney_oracle::Steps;
use spinney_oracle::shrink::{
    Alike, Family, Proposal, every_input, every_input_within, every_row, merge,
};
use spinney_quantize::{
    Calibration, CodeWidth, Declared, Options, QuantModel, Sensor, Votes, calibrate,
};

const STEPS: Steps = Steps(20_000_000);

/// What a drawn model is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Votes, pure or not.
    Votes { is_pure: bool },
    /// Sums, one for two classes or one for each of three.
    Sums { n_outputs: usize },
    /// A value, the mean of the trees or their sum.
    Value { is_mean: bool },
}

/// A model over two features of 0 to 15, of which every row is looked at.
fn drawn(seed: u64, kind: Kind) -> FloatModel {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |n: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 20) % n
    };
    let leaf = |below: &mut dyn FnMut(u64) -> u64| match kind {
        Kind::Votes { is_pure: true } => {
            let class = below(3);
            let votes = (0..3).map(|it| u8::from(it == class).to_string());
            votes.collect::<Vec<_>>().join(",")
        }
        Kind::Votes { is_pure: false } => {
            let (one, other) = (below(7), below(7));
            let votes = [one, other, 13 - one - other].map(|it| (it as f64 / 13.0).to_string());
            votes.join(",")
        }
        Kind::Value { .. } => (below(900) as f64 / 10.0 - 40.0).to_string(),
        Kind::Sums { n_outputs } => {
            let values = (0..n_outputs).map(|_| (below(9) as f64 / 10.0 - 0.4).to_string());
            values.collect::<Vec<_>>().join(",")
        }
    };
    let n_trees = 2 + below(8);
    let mut trees = Vec::new();
    for _ in 0..n_trees {
        let n_splits = 1 + below(6);
        let mut nodes = Vec::new();
        for split in 0..n_splits {
            nodes.push(format!(
                r#"{{"feature":{},"threshold":{},"left":{},"right":{}}}"#,
                below(2),
                below(32) as f64 / 2.0,
                2 * split + 1,
                2 * split + 2
            ));
            nodes.push(format!(r#"{{"value":[{}]}}"#, leaf(&mut below)));
        }
        nodes.push(format!(r#"{{"value":[{}]}}"#, leaf(&mut below)));
        trees.push(format!(r#"{{"nodes":[{}]}}"#, nodes.join(",")));
    }
    let (kind, classes, sum) = match kind {
        Kind::Votes { .. } => ("random-forest", r#""p","q","r""#, String::new()),
        Kind::Sums { n_outputs: 1 } => (
            "gradient-boosting",
            r#""p","q""#,
            r#""sum":{"precision":"float32","base":[0.05]},"link":{"function":"sigmoid"},"threshold":0,"#
                .to_owned(),
        ),
        Kind::Value { is_mean } => (
            "random-forest-regressor",
            "",
            match is_mean {
                true => format!(
                    r#""sum":{{"precision":"float64","base":[0.0],"divisor":{n_trees}}},"link":{{"function":"identity"}},"#
                ),
                false => {
                    r#""sum":{"precision":"float32","base":[3.25]},"link":{"function":"identity"},"#.to_owned()
                }
            },
        ),
        Kind::Sums { .. } => (
            "gradient-boosting",
            r#""p","q","r""#,
            r#""sum":{"precision":"float64","base":[0.1,0,0.2]},"link":{"function":"softmax"},"#
                .to_owned(),
        ),
    };
    let version = if sum.is_empty() { 1 } else { 2 };
    let task = match (sum.is_empty(), classes) {
        (true, _) => String::new(),
        (false, "") => r#""task":"regress","#.to_owned(),
        (false, _) => r#""task":"classify","#.to_owned(),
    };
    let outputs = match classes {
        "" => r#""targets":["y"]"#.to_owned(),
        classes => format!(r#""classes":[{classes}]"#),
    };
    let text = format!(
        r#"{{"format":"spinney-model","version":{version},"kind":"{kind}",{task}"features":[{{"name":"a"}},{{"name":"b"}}],{outputs},{sum}"trees":[{}]}}"#,
        trees.join(",")
    );
    FloatModel::from_json(text.as_bytes()).expect("a model")
}

fn grid() -> Vec<Vec<f64>> {
    let readings = || (0..16_u8).map(f64::from);
    readings()
        .flat_map(|a| readings().map(move |b| vec![a, b]))
        .collect()
}

fn of_bytes(model: &FloatModel) -> Vec<Calibration> {
    let declared = Declared {
        sensor: Some(Sensor::U8),
        range: Some((0.0, 15.0)),
        ..Declared::default()
    };
    calibrate(model, None, &[declared; 2]).expect("calibrations")
}

#[test]
fn every_input_is_every_row_of_the_grid() {
    let kinds = [
        Kind::Votes { is_pure: true },
        Kind::Votes { is_pure: false },
        Kind::Sums { n_outputs: 1 },
        Kind::Sums { n_outputs: 3 },
    ];
    let grid = grid();
    for kind in kinds {
        let (mut before, mut after, mut n_ones) = (0, 0, 0);
        for seed in 1..=250 {
            let model = drawn(seed, kind);
            // Some rows propose; the search is about all.
            let rows: Vec<Vec<f64>> = grid.iter().step_by(17).cloned().collect();
            let small = every_input(&model, &of_bytes(&model), &rows, seed, STEPS).expect("trees");
            before += model.n_splits();
            after += small.model.n_splits();
            assert_eq!(small.n_unknown, 0, "{kind:?} {seed}");
            let one = small.one_tree.as_ref();
            n_ones += one.map_or(0, |one| one.trees().len());
            for small in [&small.model].into_iter().chain(one) {
                let other = grid
                    .iter()
                    .find(|row| model.predict(row) != small.predict(row));
                assert_eq!(other, None, "{kind:?} {seed}");
            }
        }
        assert_eq!(n_ones, 250, "{kind:?}");
        println!("{kind:?}: {before} splits, {after} after");
        assert!(
            after * 4 < before * 3,
            "{kind:?}: {before} splits, {after} after"
        );
    }
}

#[test]
fn every_input_holds_with_gaps_and_categories() {
    let (mut before, mut after, mut n_caught, mut n_ones) = (0, 0, 0, 0);
    for seed in 0..120 {
        let case = crate::gaps::case(seed, 60);
        let Ok(calibrations) = calibrate(&case.model, None, &case.declared) else {
            continue;
        };
        if case.model.task() != Task::Classify {
            continue;
        }
        let counts = |row: &&Vec<f64>| {
            row.iter().zip(&calibrations).all(|(reading, calibration)| {
                let (low, high) = calibration.inputs();
                match reading.is_nan() {
                    true => calibration.is_missing(),
                    false => (low..=high).contains(reading),
                }
            })
        };
        let rows: Vec<Vec<f64>> = case.rows.iter().filter(counts).cloned().collect();
        let some = &rows[..rows.len() / 4];
        let small = every_input(&case.model, &calibrations, some, seed, STEPS).expect("trees");
        before += case.model.n_splits();
        after += small.model.n_splits();
        n_ones += small.one_tree.iter().len();
        for small in [&small.model].into_iter().chain(&small.one_tree) {
            let other = rows
                .iter()
                .find(|row| case.model.predict(row) != small.predict(row));
            assert_eq!(other, None, "{seed}");
            let kept = looked_at(&case.model, small, &calibrations, None);
            assert!(kept.found.holds() && kept.is_whole(), "{seed}: {kept:?}");
            for changed in changed(small, 4) {
                let kept = looked_at(&case.model, &changed, &calibrations, None);
                let parts = |row: &Vec<f64>| case.model.predict(row) != changed.predict(row);
                n_caught += usize::from(!kept.found.holds());
                assert!(
                    kept.found.holds() <= !rows.iter().any(parts),
                    "{seed}: {kept:?}"
                );
            }
        }
    }
    assert!(n_ones > 30, "{n_ones}");
    assert!(n_caught > 120, "{n_caught}");
    println!("{before} splits, {after} after");
    assert!(after < before, "{before} splits, {after} after");
}

#[test]
fn no_steps_change_nothing_that_needs_a_proof() {
    let mut n_unknown = 0;
    for seed in 1..20 {
        let model = drawn(seed, Kind::Votes { is_pure: false });
        let calibrations = of_bytes(&model);
        let small = every_input(&model, &calibrations, &[], seed, Steps(0)).expect("trees");
        assert_eq!(small.model, model);
        n_unknown += small.n_unknown;
    }
    assert!(n_unknown > 0);
}

#[test]
fn every_row_is_every_row() {
    let rows: Vec<Vec<f64>> = grid().into_iter().step_by(5).collect();
    for kind in [Kind::Votes { is_pure: false }, Kind::Sums { n_outputs: 1 }] {
        let (mut before, mut after) = (0, 0);
        for seed in 1..100 {
            let model = drawn(seed, kind);
            let small = every_row(&model, &rows, 0.0).expect("trees").model;
            assert!(
                rows.iter()
                    .all(|row| model.predict(row) == small.predict(row)),
                "{seed}"
            );
            before += model.n_splits();
            after += small.n_splits();
        }
        assert!(
            after * 2 < before,
            "{kind:?}: {before} splits, {after} after"
        );
    }
}

#[test]
fn families_have_the_sizes_that_they_are_asked_for() {
    let rows = grid();
    let model = drawn(7, Kind::Votes { is_pure: false });
    let classes: Vec<usize> = rows
        .iter()
        .map(|row| usize::from(row[0] > row[1]))
        .collect();
    let hits = |model: &FloatModel| {
        let rows = rows.iter().zip(&classes);
        rows.filter(|(row, class)| model.predict(row) == **class)
            .count()
    };
    let mut family = Family::new(&model, &rows, Some(&classes)).expect("trees");
    let full = family.at_most(model.n_splits()).expect("a model");
    assert_eq!(full.n_splits(), model.n_splits());
    assert!(
        hits(&full) > hits(&model),
        "leaves are fitted to the labels"
    );
    for n_splits in [model.n_splits() / 2, 2, 0] {
        let small = family.at_most(n_splits).expect("a model");
        assert_eq!(small.n_splits(), n_splits);
    }
}

fn value(model: &FloatModel, row: &[f64]) -> f64 {
    model.additive().expect("a sum").raw(row)[0]
}

#[test]
fn values_stay_within_their_bound_at_every_row_of_the_grid() {
    let grid = grid();
    for is_mean in [true, false] {
        for (max_error, most) in [(0.5, 0.98), (5.0, 0.8), (20.0, 0.55), (1e9, 0.0)] {
            let (mut before, mut after, mut widest) = (0, 0, 0.0_f64);
            for seed in 1..=250 {
                let model = drawn(seed, Kind::Value { is_mean });
                let small = every_input_within(&model, &of_bytes(&model), max_error, STEPS);
                let small = small.expect("a value");
                before += model.n_splits();
                after += small.model.n_splits();
                assert_eq!(small.n_unknown, 0, "{seed}");
                for row in &grid {
                    let error = (value(&model, row) - value(&small.model, row)).abs();
                    assert!(
                        error <= max_error,
                        "{is_mean} {seed}: {row:?} is off by {error}"
                    );
                    widest = widest.max(error);
                }
            }
            println!("{is_mean} {max_error}: {before} splits, {after} after, {widest}");
            assert!(
                after as f64 <= most * before as f64,
                "{is_mean} {max_error}: {before} splits, {after} after"
            );
            // What is left of the bound is little.
            assert!(widest > 0.9 * max_error || max_error > 100.0, "{widest}");
        }
    }
}

#[test]
fn values_stay_within_their_bound_at_every_given_row() {
    let rows: Vec<Vec<f64>> = grid().into_iter().step_by(5).collect();
    for is_mean in [true, false] {
        for (max_error, most) in [(0.5, 0.9), (5.0, 0.6), (20.0, 0.4), (1e9, 0.0)] {
            let (mut before, mut after) = (0, 0);
            for seed in 1..=100 {
                let model = drawn(seed, Kind::Value { is_mean });
                let small = every_row(&model, &rows, max_error).expect("a value").model;
                before += model.n_splits();
                after += small.n_splits();
                for row in &rows {
                    let error = (value(&model, row) - value(&small, row)).abs();
                    assert!(
                        error <= max_error,
                        "{is_mean} {seed}: {row:?} is off by {error}"
                    );
                }
            }
            println!("{is_mean} {max_error}: {before} splits, {after} after");
            assert!(
                after as f64 <= most * before as f64,
                "{is_mean} {max_error}: {before} splits, {after} after"
            );
        }
    }
}

#[test]
fn families_of_values_follow_the_original() {
    let rows = grid();
    for is_mean in [true, false] {
        for seed in 1..=20 {
            let model = drawn(seed, Kind::Value { is_mean });
            let mean = rows.iter().map(|row| value(&model, row)).sum::<f64>() / rows.len() as f64;
            let error = |given: &dyn Fn(&[f64]) -> f64| {
                let errors = rows
                    .iter()
                    .map(|row| (value(&model, row) - given(row)).powi(2));
                (errors.sum::<f64>() / rows.len() as f64).sqrt()
            };
            let spread = error(&|_| mean);
            let mut family = Family::new(&model, &rows, None).expect("trees");
            for (n_splits, most) in [
                (model.n_splits(), 0.05),
                (model.n_splits() / 2, 0.8),
                (0, 1.01),
            ] {
                let small = family.at_most(n_splits).expect("a model");
                assert_eq!(small.n_splits(), n_splits, "{seed}");
                let error = error(&|row| value(&small, row));
                assert!(
                    error <= most * spread,
                    "{seed}, {n_splits}: {error} of {spread}"
                );
            }
        }
    }
}

#[test]
fn values_stay_as_they_are_where_nothing_is_proven() {
    let model = drawn(3, Kind::Value { is_mean: true });
    let calibrations = of_bytes(&model);
    for (max_error, steps) in [(1e-12, STEPS), (5.0, Steps(0))] {
        let small = every_input_within(&model, &calibrations, max_error, steps);
        assert_eq!(small.expect("a value").model, model);
    }
}

#[test]
fn only_classifiers_and_single_values_of_trees_shrink() {
    let text =
        br#"{"format":"spinney-model","version":2,"kind":"gradient-boosting","task":"regress",
        "features":[{"name":"a"}],"targets":["y","z"],"sum":{"precision":"float64","base":[2.0,1.0]},
        "link":{"function":"identity"},"trees":[{"nodes":[{"value":[0.25,0.5]}]}]}"#;
    let model = FloatModel::from_json(text).expect("a model");
    let refused = every_row(&model, &[], 1.0).expect_err("values");
    assert_eq!(
        refused.to_string(),
        "the model: found 2 targets, expected one value that is a sum of trees"
    );
    let classifier = drawn(1, Kind::Sums { n_outputs: 1 });
    let refused = every_input_within(&classifier, &of_bytes(&classifier), 1.0, STEPS);
    assert_eq!(
        refused.expect_err("classes").to_string(),
        "the model: found gradient-boosting, expected one value that is a sum of trees"
    );
}

/// What the checker finds of a smaller model, for every input.
fn looked_at(
    original: &FloatModel,
    smaller: &FloatModel,
    calibrations: &[Calibration],
    within: Option<f64>,
) -> Kept {
    let promise = Promise {
        keeps: Keeps::EveryInput {
            readings: readings(original.schema(), calibrations),
        },
        within,
        columns: original.schema().feature_names(),
        parts: Vec::new(),
    };
    keeps(original, smaller, &promise, &[])
}

/// The same model with one leaf changed, for some of its leaves.
fn changed(model: &FloatModel, n_models: usize) -> Vec<FloatModel> {
    let leaves = model.trees().iter().enumerate().flat_map(|(tree, of)| {
        let nodes = of.nodes().iter().enumerate();
        let leaves = nodes.filter(|(_, node)| node.split().is_none());
        leaves.map(move |(node, _)| (tree, node))
    });
    let leaves: Vec<(usize, usize)> = leaves.collect();
    let few = leaves.iter().step_by(leaves.len().div_ceil(n_models));
    few.map(|(of, leaf)| {
        let trees = model.trees().iter().enumerate().map(|(index, tree)| {
            let mut nodes = tree.nodes().to_vec();
            if index == *of {
                let Node::Leaf(values) = &mut nodes[*leaf] else {
                    unreachable!("a leaf");
                };
                match model {
                    FloatModel::Additive(_) => values.iter_mut().for_each(|it| *it = 0.75 - *it),
                    _ => values.rotate_left(1),
                }
            }
            let schema = model.schema();
            let tree = match model.additive() {
                Some(sum) => Tree::additive(nodes, schema, sum.n_outputs(), tree.output()),
                None => Tree::new(nodes, schema),
            };
            tree.expect("a tree")
        });
        let (schema, trees) = (model.schema().clone(), trees.collect());
        match model {
            FloatModel::Additive(sum) => {
                let own = sum.sum().clone();
                let made =
                    Additive::new(sum.kind(), schema, trees, own, sum.link(), sum.threshold());
                FloatModel::Additive(made.expect("a sum"))
            }
            FloatModel::Forest(forest) => {
                FloatModel::Forest(Forest::new(forest.kind(), schema, trees).expect("a forest"))
            }
            FloatModel::GaussianNb(_) => unreachable!("trees"),
        }
    })
    .collect()
}

/// The checker shares no code with the search; of a grid, all rows say who is right.
#[test]
fn the_checker_tells_kept_promises_from_broken_ones() {
    let kinds = [
        (Kind::Votes { is_pure: true }, None),
        (Kind::Votes { is_pure: false }, None),
        (Kind::Sums { n_outputs: 1 }, None),
        (Kind::Sums { n_outputs: 3 }, None),
        (Kind::Value { is_mean: true }, Some(5.0)),
        (Kind::Value { is_mean: false }, Some(5.0)),
    ];
    let grid = grid();
    for (kind, within) in kinds {
        let (mut n_kept, mut n_broken) = (0, 0);
        for seed in 1..=60 {
            let model = drawn(seed, kind);
            let calibrations = of_bytes(&model);
            let small = match within {
                Some(within) => every_input_within(&model, &calibrations, within, STEPS),
                None => every_input(&model, &calibrations, &grid[..9], seed, STEPS),
            };
            let small = small.expect("trees").model;
            let parts = |small: &FloatModel, row: &[f64]| match within {
                Some(within) => (value(&model, row) - value(small, row)).abs() > within,
                None => model.predict(row) != small.predict(row),
            };
            for small in [vec![small.clone()], changed(&small, 5)].concat() {
                let kept = looked_at(&model, &small, &calibrations, within);
                let is_broken = grid.iter().any(|row| parts(&small, row));
                assert_eq!(kept.found.holds(), !is_broken, "{kind:?} {seed}: {kept:?}");
                assert!(kept.is_whole(), "{kind:?} {seed}: {kept:?}");
                n_kept += usize::from(!is_broken && kept.how != How::Same);
                n_broken += usize::from(is_broken);
            }
        }
        println!("{kind:?}: {n_kept} kept, {n_broken} broken");
        assert!(
            n_kept > 50 && n_broken > 50,
            "{kind:?}: {n_kept}, {n_broken}"
        );
    }
}

/// Bytes of a model's tables in their smallest form.
fn bytes(model: &FloatModel) -> Option<usize> {
    let options = Options {
        voting: Voting::Soft,
        votes: Votes::Q15,
        codes: CodeWidth::Auto,
        wants_scores: false,
    };
    let quant = QuantModel::new(model, &of_bytes(model), options, None).ok()?;
    let encodings = [Encoding::Table, Encoding::Packed].map(|encoding| {
        let options = Codegen {
            encoding,
            ..Codegen::plain()
        };
        Some(Encoded::new(&quant, &options)?.table_bytes())
    });
    encodings.into_iter().flatten().min()
}

/// Merged by fewer bytes, or by fewer trees, so that far more is merged: of a grid, all rows say whether
/// something changed, and the checker does.
#[test]
fn merged_trees_decide_as_before_at_every_row_of_the_grid() {
    let grid = grid();
    let n_trees = |model: &FloatModel| Some(model.trees().len());
    for kind in [
        Kind::Votes { is_pure: true },
        Kind::Votes { is_pure: false },
        Kind::Sums { n_outputs: 1 },
        Kind::Sums { n_outputs: 3 },
        Kind::Value { is_mean: true },
        Kind::Value { is_mean: false },
    ] {
        let is_voting = matches!(kind, Kind::Votes { .. });
        let (mut before, mut after) = ([0; 2], [0; 2]);
        let (mut n_rounded, mut n_refused) = (0, 0);
        for seed in 1..=40 {
            let original = drawn(seed, kind);
            let mut family = Family::new(&original, &grid, None).expect("trees");
            let model = family.at_most(original.n_splits() / 2).expect("a model");
            let calibrations = of_bytes(&model);
            for (way, size) in [&bytes as &dyn Fn(&FloatModel) -> Option<usize>, &n_trees]
                .into_iter()
                .enumerate()
            {
                let mut alike = Alike::new(&model, &calibrations, STEPS);
                let merged = merge(&model, size, |proposal| {
                    n_rounded += usize::from(proposal.moved > 0.0);
                    alike.is(proposal)
                });
                let fewer = model.trees().len() - merged.model.trees().len();
                assert_eq!(merged.n_merged, fewer, "{kind:?} {seed}");
                before[way] += size(&model).expect("a size");
                after[way] += size(&merged.model).expect("a size");
                assert!(size(&merged.model) <= size(&model), "{kind:?} {seed}");
                for row in &grid {
                    match kind {
                        Kind::Value { .. } => assert_eq!(
                            value(&model, row).to_bits(),
                            value(&merged.model, row).to_bits(),
                            "{seed}"
                        ),
                        _ => assert_eq!(
                            model.predict(row),
                            merged.model.predict(row),
                            "{kind:?} {seed}: {row:?}"
                        ),
                    }
                }
                // Whatever was rounded is looked for.
                for changed in changed(&merged.model, 3).into_iter().filter(|_| is_voting) {
                    let parts = |row: &Vec<f64>| model.predict(row) != changed.predict(row);
                    let is_alike = !grid.iter().any(parts);
                    let moved = model.trees().len() as f64;
                    let proposal = Proposal {
                        model: changed,
                        moved,
                    };
                    assert_eq!(alike.is(&proposal), is_alike, "{kind:?} {seed}");
                    n_refused += usize::from(!is_alike);
                }
                let within = matches!(kind, Kind::Value { .. }).then_some(1e-9);
                let kept = looked_at(&model, &merged.model, &calibrations, within);
                assert!(kept.found.holds() && kept.is_whole(), "{kind:?} {seed}");
            }
        }
        println!("{kind:?}: {before:?} {after:?} {n_rounded} {n_refused}");
        for (way, most) in [0.9, 0.6].into_iter().enumerate() {
            assert!(
                after[way] as f64 <= most * before[way] as f64,
                "{kind:?}: {before:?}, {after:?}"
            );
        }
        let is_looked_for = n_rounded > 20 && n_refused > 20;
        assert_eq!(is_looked_for, is_voting, "{n_rounded}, {n_refused}");
    }
}

/// Rows with gaps and unknown categories come to the same sums, beyond all ranges, too.
#[test]
fn merged_trees_add_up_to_the_same_with_gaps_and_categories() {
    let mut n_merged = 0;
    for seed in 0..200 {
        let case = crate::gaps::case(seed, 40);
        if case.model.additive().is_none() {
            continue;
        }
        // Leaves that are fitted are whole units.
        let Ok(mut family) = Family::new(&case.model, &case.rows, None) else {
            continue;
        };
        let model = family.at_most(case.model.n_splits()).expect("a model");
        let n_trees = |model: &FloatModel| Some(model.trees().len());
        let merged = merge(&model, n_trees, |proposal| proposal.moved == 0.0);
        n_merged += merged.n_merged;
        let raw = |model: &FloatModel, row: &[f64]| model.additive().expect("a sum").raw(row);
        for row in &case.rows {
            for beyond in [0.0, -1e9, 1e9, f64::NAN] {
                let row: Vec<f64> = row.iter().map(|it| it + beyond).collect();
                assert_eq!(
                    raw(&model, &row),
                    raw(&merged.model, &row),
                    "{seed}: {row:?}"
                );
            }
        }
    }
    assert!(n_merged > 100, "{n_merged}");
}
