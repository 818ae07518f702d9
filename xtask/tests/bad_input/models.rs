//! Models that are none, or outgrow what is declared.

use expect_test::{Expect, expect};

use crate::{Case, GOOD};

#[test]
fn a_type_that_the_model_outgrows() {
    let case = Case::new();
    let model = r#"{"format":"spinney-model","version":1,"kind":"decision-tree",
        "features":[{"name":"a"}],"classes":["x","z"],"trees":[{"nodes":[
        {"feature":0,"threshold":449.5,"left":1,"right":2},{"value":[1,0]},{"value":[0,1]}]}]}"#;
    case.write("model.json", model.as_bytes());
    let text = "pipeline = { name = \"bad-type\" }\ndataset = { test = \"rows.csv\", label = \"y\" }\n\
                model = { source = \"import\", path = \"model.json\" }\n\
                target = { chip = \"nRF51822_xxAA\" }\n[features.a]\ntype = \"u8\"\n";
    case.write("pipeline.toml", text.as_bytes());
    case.fails(&expect![[r#"
        error: feature "a": found a model that needs 449.5 to 449.5, expected 0 to 255, as its type declares: is the type, or the unit, another?
    "#]]);
}

fn import(nodes: &str, expected: &Expect) {
    import_case("a", nodes).fails(expected);
}

/// A case whose model is imported: a tree of these nodes on a feature of this name.
fn import_case(feature: &str, nodes: &str) -> Case {
    let case = Case::new();
    let model = format!(
        "{{\"format\":\"spinney-model\",\"version\":1,\"kind\":\"decision-tree\",\
         \"features\":[{{\"name\":\"{feature}\"}}],\"classes\":[\"x\",\"z\"],\
         \"trees\":[{{\"nodes\":[{nodes}]}}]}}"
    );
    case.write("model.json", model.as_bytes());
    let config = GOOD
        .replace(
            "path = \"rows.csv\"\nlabel = \"y\"\ntest_fraction = 0.5",
            "test = \"rows.csv\"\nlabel = \"y\"",
        )
        .replace(
            "kind = \"random-forest\"\nn_trees = 2",
            "source = \"import\"\npath = \"model.json\"",
        );
    case.write("pipeline.toml", config.as_bytes());
    case
}

#[test]
fn a_child_index_out_of_range() {
    import(
        r#"{"feature":0,"threshold":1.5,"left":1,"right":7},{"value":[1,0]},{"value":[0,1]}"#,
        &expect![[r#"
            error: FOLDER/model.json: trees[0].nodes[0].right: found 7, expected a node index below 3
        "#]],
    );
}

#[test]
fn more_columns_than_a_model_without_names_has_features() {
    let case = import_case(
        "x0",
        r#"{"feature":0,"threshold":1.5,"left":1,"right":2},{"value":[1,0]},{"value":[0,1]}"#,
    );
    case.write("rows.csv", b"a,y,target\n1,x,0\n2,z,1\n")
        .fails(&expect![[r#"
            error: the rows do not fit the model: found 2 columns beside the label, expected 1, one per feature in the order of the training, for the model has no names for them; the last columns are a, target
        "#]]);
}

#[test]
fn a_cycle() {
    import(
        r#"{"feature":0,"threshold":1.5,"left":1,"right":0},{"value":[1,0]},{"value":[0,1]}"#,
        &expect![[r#"
            error: FOLDER/model.json: trees[0].nodes[0].right: found 0, which is already the root, expected a node with one parent, and no cycle
        "#]],
    );
}

#[test]
fn a_feature_index_out_of_range() {
    import(
        r#"{"feature":9,"threshold":1.5,"left":1,"right":2},{"value":[1,0]},{"value":[0,1]}"#,
        &expect![[r#"
            error: FOLDER/model.json: trees[0].nodes[0].feature: found 9, expected a feature index below 1
        "#]],
    );
}
