//! Files of boosting libraries.

use std::time::Instant;

use expect_test::expect;
use spinney_import::import;

use super::member;

/// Small models: an archive of fixtures and a member.
const SMALL: [(&str, &str); 2] = [
    ("xgboost-3.2.0.zip", "stump.json"),
    ("xgboost-3.2.0.zip", "stump.ubj"),
];

#[test]
fn files_cut_at_every_byte_are_refused() {
    for (archive, name) in SMALL {
        let bytes = member(archive, name);
        assert!(import(&bytes).is_ok(), "{name}");
        for length in 0..bytes.trim_ascii_end().len() {
            assert!(import(&bytes[..length]).is_err(), "{name} cut at {length}");
        }
    }
}

#[test]
fn files_with_any_bit_flipped_do_not_panic() {
    for (archive, name) in SMALL {
        let mut bytes = member(archive, name);
        for bit in 0..bytes.len() * 8 {
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
        an XGBoost model with categories cannot be imported: code them as numbers before fit, one column of 0 and 1 for each category
        line 1, column 649: found unknown field `split_kind`, expected one of `default_left`, `left_children`, `right_children`, `split_conditions`, `split_indices`, `split_type`, `leaf_weights`, `tree_param`, `base_weights`, `categories`, `categories_nodes`, `categories_segments`, `categories_sizes`, `id`, `loss_changes`, `parents`, `sum_hessian` at line 1 column 649, expected a model as XGBoost 1.6 to 3.2 writes it
        XGBoost's booster gbforest cannot be imported: it has no trees; fit with booster="gbtree" or "dart""#]].assert_eq(&said.join("\n"));
}

#[test]
fn ten_million_bytes_take_little_time() {
    let numbers = "0,".repeat(5_000_000);
    let json = changed(
        r#""split_conditions":["#,
        &format!(r#""split_conditions":[{numbers}"#),
    );
    let mut ubjson = b"{L\0\0\0\0\0\0\0\x07learner{i\x0dfeature_names[".to_vec();
    ubjson.extend(b"Si\0".repeat(3_000_000));
    let start = Instant::now();
    for bytes in [json, ubjson] {
        assert!(import(&bytes).is_err());
    }
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}
