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
        error: FOLDER/pipeline.toml: feature "a": found a model that needs 449.5 to 449.5, expected 0 to 255, as its type declares: is the type, or the unit, another?
    "#]]);
}

fn import(nodes: &str, expected: &Expect) {
    import_case(&["a"], "", nodes).fails(expected);
}

const STUMP: &str =
    r#"{"feature":0,"threshold":1.5,"left":1,"right":2},{"value":[1,0]},{"value":[0,1]}"#;
/// What a model file says of names that stand for positions.
const POSITIONAL: &str = r#""feature_names":"positional","#;

/// A case whose model is imported: a tree of these nodes on features of these names.
pub(crate) fn import_case(features: &[&str], naming: &str, nodes: &str) -> Case {
    let case = Case::new();
    let features: Vec<String> = features
        .iter()
        .map(|name| format!("{{\"name\":\"{name}\"}}"))
        .collect();
    let features = features.join(",");
    let model = format!(
        "{{\"format\":\"spinney-model\",\"version\":1,\"kind\":\"decision-tree\",\
         \"features\":[{features}],{naming}\"classes\":[\"x\",\"z\"],\
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
    let case = import_case(&["x0"], POSITIONAL, STUMP);
    case.write("rows.csv", b"a,y,target\n1,x,0\n2,z,1\n")
        .fails(&expect![[r#"
            error: the rows do not fit the model of 1 features: the columns: found 2 beside the label: a, target, expected 1, one per feature in the order of the training, since the model was fitted on rows without names
        "#]]);
}

#[test]
fn positions_in_another_order() {
    let case = import_case(&["x0", "x1"], POSITIONAL, STUMP);
    case.write("rows.csv", b"x1,x0,y\n1,2,x\n2,3,z\n")
        .fails(&expect![[r#"
            error: the rows do not fit the model of 2 features: the columns: found x1, x0, which are positions in another order, expected x0, x1, since the model was fitted on rows without names: put the columns into the order of the training, and give them names of their own if that is another one
        "#]]);
}

#[test]
fn names_that_differ_in_white_space_alone() {
    let case = import_case(&["a", " a"], "", STUMP);
    case.fails(&expect![[r#"
        error: FOLDER/model.json: features[1]: found the name "a", which features[0] has too, expected a name of its own, not counting whitespace around it
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

/// A quantized model that `convert` kept, in the config of a case that imports it.
#[test]
fn keys_beside_a_quantized_model() {
    let case = import_case(&["a"], "", STUMP);
    let mut convert = std::process::Command::new(env!("CARGO_BIN_EXE_xtask"));
    convert.arg("convert").current_dir(case.folder.path());
    convert.args(["model.json", "--sensor", "u8", "--keep", "kept.json"]);
    assert!(convert.output().expect("the program runs").status.success());
    let config = std::fs::read_to_string(case.folder.path().join("pipeline.toml"));
    let config = config
        .expect("a config")
        .replace("model.json", "kept.json")
        .replace("bad-input", "quantized-model");
    for (keys, expected) in [
        (
            "[features.a]\ntype = \"u8\"\n",
            expect![[r#"
            error: features: found this beside kept.json, which is quantized already
            --> FOLDER/pipeline.toml
             = help: remove it, or name the float model, which is quantized anew
        "#]],
        ),
        (
            "[quantize]\ncoding = \"rank\"\n",
            expect![[r#"
            error: quantize.coding: found this beside kept.json, which is quantized already
              --> FOLDER/pipeline.toml:15:10
               |
            15 | coding = "rank"
               |          ^^^^^^
               |
               = help: remove it, or name the float model, which is quantized anew
        "#]],
        ),
        (
            "[quantize]\nleaves = \"hard\"\n",
            expect![[r#"
            error: quantize.leaves: found other leaves than kept.json was quantized with
              --> FOLDER/pipeline.toml:15:10
               |
            15 | leaves = "hard"
               |          ^^^^^^
               |
               = help: remove `leaves`
        "#]],
        ),
        (
            "[codegen]\noutputs = [\"class\", \"scores\"]\n",
            expect![[r#"
                error: codegen.outputs: found other outputs than kept.json was quantized for
                  --> FOLDER/pipeline.toml:15:11
                   |
                15 | outputs = ["class", "scores"]
                   |           ^^^^^^^^^^^^^^^^^^^
                   |
                   = help: remove `outputs`, or quantize the model for scores
            "#]],
        ),
    ] {
        case.write("pipeline.toml", format!("{config}{keys}").as_bytes());
        case.fails(&expected);
    }
    case.write("pipeline.toml", config.as_bytes());
    let output = case.command().output().expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    // Another threshold than that of the tables that were kept.
    let kept = std::fs::read_to_string(case.folder.path().join("kept.json")).expect("kept");
    case.write("kept.json", kept.replace("1.5", "2.5").as_bytes());
    case.fails(&expect![[r#"
        error: FOLDER/kept.json: the tables: found others than were saved, expected the same: quantize the model anew with this version of Spinney
    "#]]);
}
