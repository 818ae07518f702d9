//! Behaviour of the float model at its boundaries: what parses, what predicts, what is refused.

use expect_test::{Expect, expect};
use spinney_model::{
    Feature, FloatModel, GaussianNb, ModelError, Naming, Node, Schema, Tree, Voting, argmax,
};

const STUMP: &str = r#"{"format":"spinney-model","version":1,"kind":"decision-tree",
"features":[{"name":"a},{b"},{"name":"width","compare":"float64"}],"classes":["no","yes"],
"trees":[{"nodes":[{"feature":0,"threshold":2.5,"left":2,"right":1},
{"value":[0.25,0.75]},{"value":[1.0,0.0]}]}]}"#;

fn refused(text: &str, expected: &Expect) {
    let error = FloatModel::from_json(text.as_bytes()).expect_err("must be refused");
    expected.assert_eq(&error.to_string());
}

#[test]
fn json_round_trips_in_preorder() {
    let model = FloatModel::from_json(STUMP.as_bytes()).unwrap();
    let text = model.to_json();
    assert_eq!(FloatModel::from_json(text.as_bytes()).unwrap(), model);
    expect![[r#"
        {"format":"spinney-model","version":1,"kind":"decision-tree","features":[
        {"name":"a},{b","compare":"float32"},
        {"name":"width","compare":"float64"}],"classes":["no","yes"],"trees":[
        {"nodes":[
        {"feature":0,"threshold":2.5,"left":1,"right":2},
        {"value":[1.0,0.0]},
        {"value":[0.25,0.75]}]}]}
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_split_takes_equal_values_left_and_nan_right() {
    let model = FloatModel::from_json(STUMP.as_bytes()).unwrap();
    assert_eq!(model.predict(&[2.5, 0.0]), 0);
    assert_eq!(model.predict(&[2.500_001, 0.0]), 1);
    assert_eq!(model.predict(&[f64::NAN, 0.0]), 1);
    // Rounded to float32 the reading is 2.5 exactly.
    assert_eq!(model.predict(&[2.500_000_000_1, 0.0]), 0);
}

#[test]
fn a_float64_feature_is_not_rounded() {
    let text = STUMP.replace("\"feature\":0", "\"feature\":1");
    let model = FloatModel::from_json(text.as_bytes()).unwrap();
    assert_eq!(model.predict(&[0.0, 2.500_000_000_1]), 1);
}

#[test]
fn ties_go_to_the_lowest_class() {
    assert_eq!(argmax(&[0.5, 0.5]), 0);
    assert_eq!(argmax(&[0.0, 0.5, 0.5]), 1);
}

#[test]
fn what_is_no_tree_is_refused() {
    refused(
        "{",
        &expect![[
            r#"line 1, column 1: found EOF while parsing an object at line 1 column 1, expected a Spinney model in JSON"#
        ]],
    );
    refused(
        &STUMP.replace("\"right\":1", "\"right\":3"),
        &expect!["trees[0].nodes[0].right: found 3, expected a node index below 3"],
    );
    refused(
        &STUMP.replace("\"right\":1", "\"right\":0"),
        &expect![
            "trees[0].nodes[0].right: found 0, which is already the root, expected a node with one parent, and no cycle"
        ],
    );
    refused(
        &STUMP.replace("\"right\":1", "\"right\":2"),
        &expect![
            "trees[0].nodes[0].right: found 2, which is already a child of nodes[0], expected a node with one parent, and no cycle"
        ],
    );
    refused(
        &STUMP.replace("\"feature\":0", "\"feature\":2"),
        &expect!["trees[0].nodes[0].feature: found 2, expected a feature index below 2"],
    );
    refused(
        &STUMP.replace("[0.25,0.75]", "[0.25,0.5]"),
        &expect![
            "trees[0].nodes[1].value: found proportions that add up to 0.75, expected a sum of 1"
        ],
    );
    refused(
        &STUMP.replace("\"left\":2,", ""),
        &expect![
            "trees[0].nodes[0]: found a mixture of keys, expected either feature, threshold or categories, left and right, or value alone"
        ],
    );
    refused(
        &STUMP.replace("\"yes\"", "\"no\""),
        &expect![[
            r#"classes[1]: found the name "no", which classes[0] has too, expected a name of its own, not counting whitespace around it"#
        ]],
    );
}

#[test]
fn a_deep_tree_needs_no_recursion() {
    let schema = Schema::unnamed(1, vec!["0".into(), "1".into()]).unwrap();
    let depth = 32_767_u32;
    let leaf = || Node::Leaf(vec![0.5, 0.5]);
    let mut nodes = Vec::new();
    for level in 0..depth {
        nodes.push(Node::at_most(
            0,
            f64::from(level),
            None,
            [2 * level + 1, 2 * level + 2],
        ));
        nodes.push(leaf());
    }
    nodes.push(leaf());
    let tree = Tree::new(nodes, &schema).unwrap();
    assert_eq!(tree.depth(), depth as usize);
    assert_eq!(tree.n_splits(), depth as usize);
}

#[test]
fn hard_votes_count_trees() {
    let text = STUMP.replace("decision-tree", "random-forest");
    let FloatModel::Forest(forest) = FloatModel::from_json(text.as_bytes()).unwrap() else {
        panic!("a forest");
    };
    assert_eq!(forest.scores(&[9.0, 0.0], Voting::Soft), [0.25, 0.75]);
    assert_eq!(forest.scores(&[9.0, 0.0], Voting::Hard), [0.0, 1.0]);
}

#[test]
fn bayes_follows_the_formula() {
    let schema = Schema::unnamed(1, vec!["0".into(), "1".into()]).unwrap();
    let log_prior = 0.5_f64.ln();
    let bayes = GaussianNb::new(
        schema,
        vec![log_prior, log_prior],
        vec![vec![0.0], vec![2.0]],
        vec![vec![1.0], vec![1.0]],
    )
    .unwrap();
    let probabilities = bayes.probabilities(&[2.0]);
    // The densities differ by the factor exp(-2).
    assert!((probabilities[0] / probabilities[1] - (-2.0_f64).exp()).abs() < 1e-12);
    assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    let text = FloatModel::GaussianNb(bayes).to_json();
    refused(
        &text.replace("\"variances\":[[1.0],[1.0]]", "\"variances\":[[1.0],[0.0]]"),
        &expect!["variances[1][0]: found 0, expected a finite number above 0"],
    );
}

#[test]
fn bayes_of_some_features_reads_no_others() {
    let schema = Schema::unnamed(3, vec!["0".into(), "1".into()]).unwrap();
    let log_prior = 0.5_f64.ln();
    let of_inputs = |inputs: Vec<usize>| {
        GaussianNb::of_inputs(
            schema.clone(),
            inputs,
            vec![log_prior, log_prior],
            vec![vec![0.0, 1.0], vec![2.0, -1.0]],
            vec![vec![1.0, 4.0], vec![1.0, 0.5]],
        )
    };
    let bayes = of_inputs(vec![0, 2]).unwrap();
    let scores = bayes.joint_log_likelihood(&[1.0, f64::NAN, 3.0]);
    assert_eq!(scores, bayes.joint_log_likelihood(&[1.0, 1e300, 3.0]));
    let model = FloatModel::GaussianNb(bayes);
    let text = model.to_json();
    assert!(text.contains("\"inputs\":[0,2]"));
    assert_eq!(FloatModel::from_json(text.as_bytes()), Ok(model));
    for inputs in [vec![2, 0], vec![1, 1], vec![0, 3], vec![]] {
        let error = of_inputs(inputs).unwrap_err();
        assert_eq!(error.place, "inputs");
    }
    refused(
        &text.replace("[0,2]", "[0,1,2]"),
        &expect!["means[0]: found 2 entries, expected 3"],
    );
    refused(
        &STUMP.replace("\"trees\"", "\"inputs\":[0],\"trees\""),
        &expect!["inputs: found a value, expected none in a voting forest"],
    );
}

#[test]
fn names_are_given_unless_the_file_says_otherwise() {
    let given = FloatModel::from_json(STUMP.as_bytes()).unwrap();
    assert_eq!(given.schema().naming(), Naming::Given);
    assert!(!given.to_json().contains("feature_names"));
    let says = |naming: &str| {
        let with = format!("\"feature_names\": \"{naming}\", \"classes\"");
        FloatModel::from_json(STUMP.replace("\"classes\"", &with).as_bytes())
    };
    assert_eq!(says("given").unwrap(), given);
    let positional = says("positional").unwrap();
    assert_eq!(positional.schema().naming(), Naming::Positional);
    assert_ne!(positional, given);
    assert_eq!(
        FloatModel::from_json(positional.to_json().as_bytes()).unwrap(),
        positional
    );
    assert!(says("guessed").is_err());
}

#[test]
fn white_space_around_names_does_not_count() {
    let feature = |name: &str| Feature {
        name: name.to_owned(),
        compare: spinney_model::Compare::Float32,
        categories: Vec::new(),
    };
    let schema = |features: [&str; 2], classes: [&str; 2]| {
        Schema::new(
            features.map(feature).to_vec(),
            Naming::Given,
            classes.map(str::to_owned).to_vec(),
        )
    };
    let trimmed = schema([" ax", "a  y\t"], [" idle", "walk "]).unwrap();
    assert_eq!(trimmed.feature_names(), ["ax", "a  y"]);
    assert_eq!(trimmed.classes(), ["idle", "walk"]);
    let error = |schema: Result<Schema, ModelError>| schema.unwrap_err().to_string();
    expect![[r#"features[1]: found the name "a", which features[0] has too, expected a name of its own, not counting whitespace around it"#]].assert_eq(&error(schema(["a", " a"], ["0", "1"])));
    expect![[r#"classes[1]: found the name "idle", which classes[0] has too, expected a name of its own, not counting whitespace around it"#]].assert_eq(&error(schema(["a", "b"], ["idle", "idle "])));
    expect!["features[1]: found an empty name, expected a name"]
        .assert_eq(&error(schema(["a", " "], ["0", "1"])));
}

#[test]
fn classes_take_other_names() {
    let text = br#"{"format": "spinney-model", "version": 1, "kind": "decision-tree",
        "features": [{"name": "a"}], "classes": ["0", "1"],
        "trees": [{"nodes": [{"feature": 0, "threshold": 1.5, "left": 1, "right": 2},
                             {"value": [0.75, 0.25]}, {"value": [0, 1]}]}]}"#;
    let model = FloatModel::from_json(text).unwrap();
    let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
    let named = model.clone().with_classes(names(&["low", "high"])).unwrap();
    assert_eq!(named.schema().classes(), ["low", "high"]);
    assert_eq!(named.trees(), model.trees());
    let error = model.clone().with_classes(names(&["low"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "classes: found 1 names, expected one per class, 2: 0, 1"
    );
    assert!(model.with_classes(names(&["low", "low"])).is_err());
}
