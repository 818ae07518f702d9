//! Files of boosting libraries.

use expect_test::expect;
use spinney_import::import;

use super::member;

/// Small models: an archive of fixtures and a member.
const SMALL: [(&str, &str); 4] = [
    ("xgboost-3.2.0.zip", "stump.json"),
    ("xgboost-3.2.0.zip", "stump.ubj"),
    ("lightgbm-4.7.0.zip", "regression_l1.txt"),
    ("lightgbm-4.7.0.zip", "quantile.json"),
];

#[test]
fn files_cut_at_every_byte_are_refused() {
    for (archive, name) in SMALL {
        let bytes = member(archive, name);
        assert!(import(&bytes).is_ok(), "{name}");
        // Behind the trees, LightGBM writes importances and parameters.
        let mut ends = bytes.windows(12);
        let end = ends.position(|it| it == b"end of trees");
        for length in 0..end.unwrap_or(bytes.trim_ascii_end().len()) {
            assert!(import(&bytes[..length]).is_err(), "{name} cut at {length}");
        }
    }
}

#[test]
fn files_with_any_bit_flipped_do_not_panic() {
    for (archive, name) in SMALL {
        let mut bytes = member(archive, name);
        for bit in (0..bytes.len() * 8).step_by(5) {
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(imported) = import(&bytes) {
                let row = vec![0.5; imported.model.schema().n_features()];
                let _ = imported.model.output(&row);
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// A stump of XGBoost with one text in the place of another.
fn changed(from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(member("xgboost-3.2.0.zip", "stump.json")).expect("JSON");
    assert!(text.contains(from), "{from}");
    text.replace(from, to).into_bytes()
}

#[test]
fn a_category_without_text_has_a_next_step() {
    let features = r#"{"categorical_features": [{"flat_feature_index": 0}],
        "cat_features_hash": [{"hash": 1, "value": "red"}, {"hash": 2, "value": " "}]}"#;
    let model = format!(
        r#"{{"features_info": {features}, "model_info": {{"params": {{"loss_function": {{"type": "RMSE"}}}}}},
        "oblivious_trees": [{{"leaf_values": [0], "splits": []}}], "scale_and_bias": [1, [0]]}}"#
    );
    let error = import(model.as_bytes()).expect_err("no text").to_string();
    assert!(error.contains("such as \"none\""), "{error}");
    let named = model.replace(r#"" ""#, r#""none""#);
    import(named.as_bytes()).expect("a word for each");
}

#[test]
fn an_xgboost_model_that_is_none_is_refused() {
    let left = r#""left_children":[1,-1,-1]"#;
    let said = [
        (left, r#""left_children":[0,-1,-1]"#),
        (left, r#""left_children":[2,-1,-1]"#),
        (left, r#""left_children":[3,-1,-1]"#),
        (left, r#""left_children":[]"#),
        (r#""tree_info":[0,0,0]"#, r#""tree_info":[0,1,0]"#),
        (r#""tree_info":[0,0,0]"#, r#""tree_info":[0,0]"#),
        (r#""num_feature":"10""#, r#""num_feature":"4000000000""#),
        (
            r#""num_target":"1""#,
            r#""num_target":"18446744073709551615""#,
        ),
        (r#""base_score":"#, r#""base_scores":"#),
        (r#""cats":{"enc":[]"#, r#""cats":{"enc":[0]"#),
        (r#""split_type":[0,0,0]"#, r#""split_kind":[0,0,0]"#),
        (r#""gbtree""#, r#""gbforest""#),
    ]
    .map(|(from, to)| {
        let error = import(&changed(from, to)).expect_err(to).to_string();
        assert!(!error.contains('\n') && error.len() < 600, "{error}");
        error
    });
    expect![[r#"
        trees[0], left_children and right_children: found the node 0 twice, expected a node with one parent, and no cycle
        trees[0], left_children and right_children: found the node 2 twice, expected a node with one parent, and no cycle
        trees[0], left_children[0]: found 3, expected a node index below 3
        trees[0], right_children: found 3 numbers, expected one per node, 0
        trees[1], output: found 1, expected an output index below 1
        tree_info: found 2 numbers, expected one per tree, 3
        learner_model_param.num_feature: found 4,000,000,000 features, expected 1 to 65,535 (a split names its feature in 16 bits); leave columns out (`ignore` in [dataset]), or select features and fit anew
        learner_model_param.num_target: found 18,446,744,073,709,551,615 targets, expected 1 to 255 (an output is a byte); fit a model per group of targets
        line 1, column 1876: found unknown field `base_scores`, expected one of `base_score`, `num_class`, `num_feature`, `num_target`, `boost_from_average` at line 1 column 1876, expected a model as XGBoost 1.6 to 3.2 writes it
        line 1, column 111: found invalid type: integer `0`, expected struct Encoding at line 1 column 111, expected a model as XGBoost 1.6 to 3.2 writes it
        line 1, column 649: found unknown field `split_kind`, expected one of `default_left`, `left_children`, `right_children`, `split_conditions`, `split_indices`, `split_type`, `leaf_weights`, `tree_param`, `base_weights`, `categories`, `categories_nodes`, `categories_segments`, `categories_sizes`, `id`, `loss_changes`, `parents`, `sum_hessian` at line 1 column 649, expected a model as XGBoost 1.6 to 3.2 writes it
        XGBoost's booster gbforest cannot be imported: it has no trees; fit with booster="gbtree" or "dart""#]].assert_eq(&said.join("\n"));
}

#[test]
fn what_xgboost_saves_without_a_meaning_is_refused() {
    let said = [
        ("logistic_base.json", "3E-1", "1E0"),
        ("cats_sets.json", "[114,101,100,", "[-61,-91,100,"),
    ]
    .map(|(name, from, to)| {
        let text = String::from_utf8(member("xgboost-3.2.0.zip", name)).expect("JSON");
        assert!(text.contains(from), "{name}");
        let bytes = text.replace(from, to).into_bytes();
        import(&bytes).expect_err(to).to_string()
    });
    expect![[r#"
        learner_model_param.base_score: found 1, expected a share between 0 and 1: labels of both classes, or base_score=0.5
        cats.enc[3]: found other letters than ASCII's, or no words, expected words in ASCII, and where each ends, since XGBoost cuts others short; rename these categories and fit again"#]].assert_eq(&said.join("\n"));
}

#[test]
fn a_lightgbm_model_that_is_none_is_refused() {
    let text = member("lightgbm-4.7.0.zip", "regression_l1.txt");
    let text = String::from_utf8(text).expect("text");
    let line = |key: &str| {
        let start = text.find(key).expect("a key");
        text[start..].lines().next().expect("a line").to_owned()
    };
    let left = line("left_child=");
    let said = [
        (left.clone(), "left_child=".to_owned()),
        (left.clone(), left.replace("-1", "-9")),
        (left.clone(), left.replace("=1", "=0")),
        (left.clone(), left.replace("=1", "=99")),
        (left.clone(), left.replace("=1", "=x")),
        (line("leaf_value="), "leaf_value=nan 1 1 1 1 1".to_owned()),
        (line("decision_type="), "decision_type=1 0 0 0 0".to_owned()),
        (line("is_linear="), "is_linear=1".to_owned()),
        (line("shrinkage="), "shrinking=1".to_owned()),
        (
            line("max_feature_idx="),
            "max_feature_idx=18446744073709551615".to_owned(),
        ),
        (
            line("num_tree_per_iteration="),
            "num_tree_per_iteration=0".to_owned(),
        ),
        (line("objective="), "objective=regression sqrt".to_owned()),
        (line("objective="), "object=regression".to_owned()),
        (line("end of trees"), String::new()),
    ]
    .map(|(from, to)| {
        let changed = text.replace(&from, &to);
        let error = import(changed.as_bytes()).expect_err(&to).to_string();
        assert!(!error.contains('\n') && error.len() < 600, "{error}");
        error
    });
    expect![[r#"
        trees[0], left_child: found 0 numbers, expected 5
        trees[0], left_child[1]: found -9, expected a split below 5, or a leaf from -6 to -1
        trees[0]: found a node within itself, or below several others, expected a tree
        trees[0], left_child[0]: found 99, expected a split below 5, or a leaf from -6 to -1
        line 19, left_child: found "x", expected a number
        trees[0], nodes[2].value: found NaN, expected a finite number
        trees[0], threshold[0]: found 0.000000000000000000000000000000000010000000180025095, expected the number of a set in cat_boundaries
        a LightGBM model with linear trees cannot be imported: fit with linear_tree=false
        line 28 of a LightGBM model with "shrinking" cannot be imported: this key is none that LightGBM 3 and 4 write, and it may change what the model says
        max_feature_idx: found 18,446,744,073,709,551,615 features, expected 1 to 65,535 (a split names its feature in 16 bits); leave columns out (`ignore` in [dataset]), or select features and fit anew
        num_tree_per_iteration: found 0, expected 1
        LightGBM's objective regression with "sqrt" cannot be imported: binary, multiclass, multiclassova, regression, poisson and others of LightGBM's own that deliver classes or values are read
        line 7 of a LightGBM model with "object" cannot be imported: this key is none that LightGBM 3 and 4 write, and it may change what the model says
        line 109 of a LightGBM model with "feature_importances:" cannot be imported: this key is none that LightGBM 3 and 4 write, and it may change what the model says"#]].assert_eq(&said.join("\n"));
}

#[test]
fn nested_deeply_is_refused_or_read() {
    let mut json = r#"{"name":"tree","version":"v4","tree_info":[{"tree_structure":"#.to_owned();
    json.push_str(&r#"{"left_child":"#.repeat(100_000));
    let said = import(json.as_bytes()).expect_err("deep").to_string();
    assert!(said.contains("model.txt"), "{said}");
    // A chain of a thousand splits is a tree like any other in text.
    let n = 1_000;
    let list = |of: &dyn Fn(usize) -> String| (0..n).map(of).collect::<Vec<_>>().join(" ");
    let left = list(&|index| format!("{}", !(index as i64)));
    let right = list(&|index| match index + 1 < n {
        true => (index + 1).to_string(),
        false => format!("{}", !(n as i64)),
    });
    let zeros = list(&|_| "0".to_owned());
    // Zero for missing, against the threshold's side at every split of one feature.
    let chain = format!(
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\n\
         objective=regression\nfeature_names=a\n\nTree=0\nnum_leaves={}\nsplit_feature={zeros}\n\
         threshold={}\ndecision_type={}\nleft_child={left}\nright_child={right}\n\
         leaf_value={zeros} 0\nis_linear=0\n\nend of trees\n",
        n + 1,
        list(&|index| (index + 1).to_string()),
        list(&|_| "4".to_owned()),
    );
    let imported = import(chain.as_bytes()).expect("a chain");
    assert!(
        imported.model.n_splits() < 3 * n,
        "{}",
        imported.model.n_splits()
    );
}

/// Work that grew with the square of these would not end within days.
#[test]
fn ten_million_bytes_are_refused() {
    let numbers = "0,".repeat(5_000_000);
    let json = changed(
        r#""split_conditions":["#,
        &format!(r#""split_conditions":[{numbers}"#),
    );
    let mut ubjson = b"{L\0\0\0\0\0\0\0\x07learner{i\x0dfeature_names[".to_vec();
    ubjson.extend(b"Si\0".repeat(3_000_000));
    let names = "a ".repeat(5_000_000);
    let text = format!("tree\nversion=v4\nfeature_names={names}\n").into_bytes();
    let numbers = "0 ".repeat(2_500_000);
    let tree = format!("tree\nversion=v4\nTree=0\nthreshold={numbers}\nleaf_value={numbers}\n");
    for bytes in [json, ubjson, text, tree.into_bytes()] {
        assert!(import(&bytes).is_err());
    }
}

/// Names are the same in a file that was saved without the rows, where missing readings that are more than
/// every border go right, and one without categories.
#[test]
fn catboost_names_features_in_two_places() {
    let of = |names: [&str; 2]| {
        let feature = |at: usize| {
            let name = names[at];
            format!(r#"{{{name}"flat_feature_index": {at}, "nan_value_treatment": "AsTrue"}}"#)
        };
        let model = format!(
            r#"{{"features_info": {{"cat_features_hash": null, "float_features": [{}, {}]}}, "model_info":
            {{"params": {{"loss_function": {{"type": "RMSE"}}}}}}, "oblivious_trees": [{{"leaf_values": [1, 2],
            "splits": [{{"border": 0.5, "float_feature_index": 0, "split_type": "FloatFeature"}}]}}],
            "scale_and_bias": [1, [0]]}}"#,
            feature(0),
            feature(1)
        );
        import(model.as_bytes()).expect("a model").model
    };
    let ids = of([r#""feature_id": "a", "#, r#""feature_id": "b", "#]);
    let names = of([
        r#""feature_id": "a", "feature_name": "a", "#,
        r#""feature_name": "b", "#,
    ]);
    let none = of([r#""feature_id": "", "#, r#""feature_id": "", "#]);
    assert_eq!(ids, names);
    assert_eq!(ids.schema().feature_names(), ["a", "b"]);
    assert_eq!(none.schema().feature_names(), ["x0", "x1"]);
    for (reading, value) in [(0.5, 1.0), (0.75, 2.0), (f64::NAN, 2.0)] {
        assert_eq!(
            ids.output(&[reading, 0.0]),
            spinney_model::Output::Values(vec![value])
        );
    }
}
