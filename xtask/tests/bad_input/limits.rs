//! One more than a limit allows, in data, model or config: refused before anything is built.

use std::fmt::Write;

use expect_test::expect;

use crate::models::import_case;
use crate::{Case, GOOD};

/// The nodes of a tree as deep as it has splits, with thresholds from `from + 0.5` on.
fn chain(from: usize, n_splits: usize) -> String {
    let mut nodes = String::new();
    for split in 0..n_splits {
        let _ = write!(
            nodes,
            r#"{{"feature":0,"threshold":{}.5,"left":{},"right":{}}},{{"value":[1,0]}},"#,
            from + split,
            2 * split + 1,
            2 * split + 2
        );
    }
    nodes + r#"{"value":[0,1]}"#
}

/// A case whose model is a forest of these trees.
fn forest(trees: &[String]) -> Case {
    let case = import_case(&["a"], "", r#"{"value":[1,0]}"#);
    let trees: Vec<String> = trees
        .iter()
        .map(|nodes| format!(r#"{{"nodes":[{nodes}]}}"#))
        .collect();
    let model = format!(
        r#"{{"format":"spinney-model","version":1,"kind":"random-forest","features":[{{"name":"a"}}],"classes":["x","z"],"trees":[{}]}}"#,
        trees.join(",")
    );
    case.write("model.json", model.as_bytes());
    case
}

#[test]
fn classes() {
    let case = Case::new();
    let mut rows = String::from("a,y\n");
    for row in 0..512 {
        let _ = writeln!(rows, "{row},c{}", row % 256);
    }
    case.write("rows.csv", rows.as_bytes());
    case.fails(&expect![[r#"
        error: dataset.label: rows.csv, column "y": found 256 classes, expected 2 to 255 (a class is a byte); group classes; if the labels are numbers on a scale, train a regressor (`task = "regress"` in [model])
         --> FOLDER/pipeline.toml:6:9
          |
        6 | label = "y"
          |         ^^^
    "#]]);
}

#[test]
fn features() {
    let case = Case::new();
    let names: String = (0..65_536).map(|index| format!("f{index},")).collect();
    let zeros = "0,".repeat(65_536);
    let rows = format!("{names}y\n{zeros}x\n{zeros}z\n{zeros}x\n{zeros}z\n");
    case.write("rows.csv", rows.as_bytes());
    case.fails(&expect![[r#"
        error: FOLDER/rows.csv: the columns: found 65,536 features, expected 1 to 65,535 (a split names its feature in 16 bits); leave columns out (`ignore` in [dataset]), or select features and fit anew
    "#]]);
}

#[test]
fn trees() {
    let case = forest(&vec![chain(0, 0); 65_536]);
    case.fails(&expect![[r#"
        error: FOLDER/model.json: trees: found 65,536 trees, expected 1 to 65,535 (votes of that many are sure to fit 32 bits); fit fewer (`n_estimators` in scikit-learn, `n_trees` in [model])
    "#]]);
}

#[test]
fn splits_of_a_tree() {
    let case = forest(&[chain(0, 0), chain(0, 32_768)]);
    case.fails(&expect![[r#"
        error: FOLDER/model.json: trees[1].nodes: found 32,768 splits of one tree, expected at most 32,767 (the nodes of a tree are numbered in 16 bits); fit with a smaller `max_depth` or `max_leaf_nodes`
    "#]]);
}

#[test]
fn ranks() {
    let case = forest(&[chain(0, 16_384), chain(16_384, 16_384)]);
    let config = GOOD
        .replace(
            "path = \"rows.csv\"\nlabel = \"y\"\ntest_fraction = 0.5",
            "test = \"rows.csv\"\nlabel = \"y\"",
        )
        .replace(
            "kind = \"random-forest\"\nn_trees = 2",
            "source = \"import\"\npath = \"model.json\"",
        );
    let ranked = format!("{config}[features.a]\ntype = \"f32\"\ncoding = \"rank\"\n");
    case.write("pipeline.toml", ranked.as_bytes());
    case.fails(&expect![[r#"
        error: FOLDER/model.json: coding = "rank" of feature "a": found 32,768 distinct thresholds, expected at most 32,767 (a rank is a code of 16 bits, and one is left for what is above them all); set `coding = "auto"` or `"affine"` for the feature, or fit with fewer splits
    "#]]);
}
