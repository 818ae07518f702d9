//! Every limit of the float model on both sides, through its constructors and through JSON.

use expect_test::{Expect, expect};
use spinney_model::limits::{ALL, CLASSES, FEATURES, TREE_SPLITS, TREES, grouped};
use spinney_model::{FloatModel, Forest, ForestKind, Limit, ModelError, Node, Schema, Test, Tree};

/// What a limit says of one more than it allows; it allows all others around its bounds.
fn refused<T>(
    limit: Limit,
    build: impl Fn(usize) -> Result<T, ModelError>,
    size: impl Fn(&T) -> usize,
    expected: &Expect,
) {
    for n in [limit.min, limit.max - 1, limit.max] {
        match build(n) {
            Ok(built) => assert_eq!(size(&built), n),
            Err(error) => panic!("{n} {}: {error}", limit.what),
        }
    }
    if limit.min > 0 {
        assert!(build(limit.min - 1).is_err());
    }
    let error = build(limit.max + 1).err().expect("one too many");
    expected.assert_eq(&error.to_string());
}

fn names(letter: &str, n: usize) -> Vec<String> {
    (0..n).map(|index| format!("{letter}{index}")).collect()
}

fn schema() -> Schema {
    Schema::unnamed(1, names("c", 2)).unwrap()
}

/// A tree as deep as it has splits.
fn chain(n_splits: usize) -> Vec<Node> {
    let leaf = || Node::Leaf(vec![0.25, 0.75]);
    let mut nodes = Vec::new();
    for split in 0..u32::try_from(n_splits).unwrap() {
        nodes.push(Node::at_most(
            0,
            f64::from(split),
            None,
            [2 * split + 1, 2 * split + 2],
        ));
        nodes.push(leaf());
    }
    nodes.push(leaf());
    nodes
}

fn forest(n_trees: usize) -> Result<Forest, ModelError> {
    let tree = Tree::new(chain(0), &schema()).unwrap();
    Forest::new(ForestKind::RandomForest, schema(), vec![tree; n_trees])
}

#[test]
fn features() {
    refused(
        FEATURES,
        |n| Schema::unnamed(n, names("c", 2)),
        Schema::n_features,
        &expect![
            "features: found 65,536 features, expected 1 to 65,535 (a split names its feature in 16 bits); leave columns out (`ignore` in [dataset]), or select features and fit anew"
        ],
    );
}

#[test]
fn classes() {
    refused(
        CLASSES,
        |n| Schema::unnamed(1, names("c", n)),
        Schema::n_classes,
        &expect![
            "classes: found 256 classes, expected 2 to 255 (a class is a byte); group classes; if the labels are numbers on a scale, train a regressor (`task = \"regress\"` in [model])"
        ],
    );
}

#[test]
fn trees() {
    refused(
        TREES,
        forest,
        |forest| forest.trees().len(),
        &expect![
            "trees: found 65,536 trees, expected 1 to 65,535 (votes of that many are sure to fit 32 bits); fit fewer (`n_estimators` in scikit-learn, `n_trees` in [model])"
        ],
    );
}

#[test]
fn splits_of_a_tree() {
    refused(
        TREE_SPLITS,
        |n| Tree::new(chain(n), &schema()),
        Tree::n_splits,
        &expect![
            "nodes: found 32,768 splits of one tree, expected at most 32,767 (the nodes of a tree are numbered in 16 bits); fit with a smaller `max_depth` or `max_leaf_nodes`"
        ],
    );
}

/// A file meets the same limits as a constructor, and its faults name the place in it.
#[test]
fn files() {
    let (head, tail) = (
        r#"{"format":"spinney-model","version":1,"kind":"random-forest","features":[{"name":"a"}],"classes":["l","h"],"trees":["#,
        "]}",
    );
    let stub = r#"{"nodes":[{"value":[1,0]}]}"#;
    let read = |trees: String| FloatModel::from_json(format!("{head}{trees}{tail}").as_bytes());
    assert!(read(vec![stub; TREES.max].join(",")).is_ok());
    let error = read(vec![stub; TREES.max + 1].join(",")).unwrap_err();
    expect!["trees: found 65,536 trees, expected 1 to 65,535 (votes of that many are sure to fit 32 bits); fit fewer (`n_estimators` in scikit-learn, `n_trees` in [model])"].assert_eq(&error.to_string());

    let tree = |n_splits: usize| {
        let nodes: Vec<String> = chain(n_splits)
            .iter()
            .map(|node| match node {
                Node::Split(split) => {
                    let (Test::AtMost(threshold), [left, right]) = (&split.test, split.children)
                    else {
                        unreachable!("a chain of thresholds");
                    };
                    format!(
                        r#"{{"feature":0,"threshold":{threshold},"left":{left},"right":{right}}}"#
                    )
                }
                Node::Leaf(_) => r#"{"value":[0.25,0.75]}"#.to_owned(),
            })
            .collect();
        format!(r#"{stub},{{"nodes":[{}]}}"#, nodes.join(","))
    };
    assert!(read(tree(TREE_SPLITS.max)).is_ok());
    let error = read(tree(TREE_SPLITS.max + 1)).unwrap_err();
    expect!["trees[1].nodes: found 32,768 splits of one tree, expected at most 32,767 (the nodes of a tree are numbered in 16 bits); fit with a smaller `max_depth` or `max_leaf_nodes`"].assert_eq(&error.to_string());
}

#[test]
fn bounds_are_allowed_and_their_neighbours_are_not() {
    for limit in ALL {
        for found in [limit.min, limit.max - 1, limit.max] {
            assert_eq!(limit.check("here", found), Ok(()), "{limit:?}");
        }
        let refused = limit.check("here", limit.max + 1).unwrap_err();
        assert!(refused.found.starts_with(&grouped(limit.max + 1)));
        assert!(refused.expected.contains(&grouped(limit.max)));
        assert!(refused.expected.ends_with(limit.way_out));
        if limit.min > 0 {
            let refused = limit.check("here", limit.min - 1).unwrap_err();
            assert!(!refused.expected.contains(limit.way_out));
        }
    }
}

#[test]
fn thousands_are_grouped() {
    for (number, text) in [
        (0, "0"),
        (999, "999"),
        (1_000, "1,000"),
        (65_535, "65,535"),
        (536_870_911, "536,870,911"),
    ] {
        assert_eq!(grouped(number), text);
    }
}
