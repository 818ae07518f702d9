//! Generated files as they are, and that a generated crate carries the whole runtime.

use std::collections::BTreeSet;

use expect_test::expect_file;
use spinney_board::{Boot, Core, Region};
use spinney_codegen::{
    CodeType, Encoding, Identity, Options as Form, Origin, SourceTree, c99, drop_in, empty,
    memory_x,
};
use spinney_model::{FloatModel, Voting};
use spinney_quantize::{
    CodeWidth, CodingChoice, Declared, Options, QuantModel, Sensor, Votes, calibrate,
};

/// Two trees, one of them a leaf, over two features and three classes.
const FOREST: &str = r#"{"format":"spinney-model","version":1,"kind":"random-forest",
"features":[{"name":"a"},{"name":"b \"quoted\""}],"classes":["x","y","z"],"trees":[
{"nodes":[{"feature":0,"threshold":2.5,"left":1,"right":2},{"value":[0.25,0.5,0.25]},
{"feature":1,"threshold":-1.5,"left":3,"right":4},{"value":[0,1,0]},{"value":[0.125,0,0.875]}]},
{"nodes":[{"value":[0.5,0.25,0.25]}]}]}"#;

/// Three trees with thresholds that fit bytes, one of them a leaf.
const POSITIVE: &str = r#"{"format":"spinney-model","version":1,"kind":"random-forest",
"features":[{"name":"a"},{"name":"b"}],"classes":["x","y","z"],"trees":[
{"nodes":[{"feature":0,"threshold":2.5,"left":1,"right":2},{"value":[0.25,0.5,0.25]},
{"feature":1,"threshold":7.5,"left":3,"right":4},{"value":[0,1,0]},{"value":[0.125,0,0.875]}]},
{"nodes":[{"feature":1,"threshold":9.5,"left":1,"right":2},{"value":[1,0,0]},{"value":[0,0,1]}]},
{"nodes":[{"value":[0.5,0.25,0.25]}]}]}"#;

const BAYES: &str = r#"{"format":"spinney-model","version":1,"kind":"gaussian-nb",
"features":[{"name":"a"},{"name":"b"}],"classes":["x","y"],"log_priors":[-0.7,-0.7],
"means":[[0.5,1.0],[2.0,-3.0]],"variances":[[1.0,0.01],[2.0,100.0]]}"#;

fn quantize(json: &str, voting: Voting, sensor: Sensor, codings: [CodingChoice; 2]) -> QuantModel {
    let model = FloatModel::from_json(json.as_bytes()).expect("a valid model");
    let declared = codings.map(|coding| Declared {
        sensor: Some(sensor),
        range: Some((-100.0, 100.0)),
        coding,
        ..Declared::default()
    });
    let calibrations = calibrate(&model, None, &declared).expect("valid declarations");
    let options = Options {
        voting,
        votes: Votes::Q15,
        codes: CodeWidth::Auto,
        wants_scores: true,
    };
    QuantModel::new(&model, &calibrations, options, None).expect("a model that fits")
}

const IDENTITY: Identity<'static> = Identity {
    pipeline: "small",
    kind: "a kind",
    fingerprint: "0123",
    origin: Origin::Config,
};

fn generate(model: &QuantModel, form: &Form) -> SourceTree {
    drop_in(IDENTITY, model, form)
        .expect("a form that holds the model")
        .files
}

/// The files that depend on the model, one after the other.
fn text(files: &SourceTree) -> String {
    ["Cargo.toml", "src/lib.rs", "src/tables.rs", "src/trees.rs"]
        .into_iter()
        .filter_map(|path| files.get(path).map(|text| format!("==> {path}\n{text}\n")))
        .collect()
}

/// A lock file has room for one package of a name and a version.
#[test]
fn copies_of_the_runtime_differ_in_their_versions() {
    let model = quantize(FOREST, Voting::Soft, Sensor::F32, [CodingChoice::Auto; 2]);
    let version = |pipeline: &str| {
        let identity = Identity {
            pipeline,
            kind: "random-forest",
            fingerprint: "",
            origin: Origin::Config,
        };
        let files = drop_in(identity, &model, &Form::plain()).unwrap().files;
        let mut lines = files["runtime/Cargo.toml"].lines();
        lines
            .find(|line| line.starts_with("version"))
            .map(str::to_owned)
    };
    assert_eq!(version("one"), Some("version = \"0.1.0+one\"".to_owned()));
    assert_eq!(
        version("my_two"),
        Some("version = \"0.1.0+my-two\"".to_owned())
    );
}

#[test]
fn a_forest_with_ranks_and_affine_codes() {
    let codings = [CodingChoice::Affine, CodingChoice::Rank];
    let model = quantize(FOREST, Voting::Soft, Sensor::F32, codings);
    expect_file!["../expected/forest.txt"].assert_eq(&text(&generate(&model, &Form::plain())));
}

#[test]
fn hard_votes_on_integers_as_they_are() {
    let model = quantize(FOREST, Voting::Hard, Sensor::I16, [CodingChoice::Auto; 2]);
    expect_file!["../expected/hard.txt"].assert_eq(&text(&generate(&model, &Form::plain())));
}

#[test]
fn every_encoding() {
    let integers = [CodingChoice::Auto; 2];
    let hard = quantize(POSITIVE, Voting::Hard, Sensor::U8, integers);
    let soft = quantize(POSITIVE, Voting::Soft, Sensor::U8, integers);
    let bytes = Form {
        code_type: CodeType::U8,
        ..Form::plain()
    };
    let branches = Form {
        encoding: Encoding::Branches,
        ..bytes
    };
    for (model, form, expected) in [
        (&hard, bytes, expect_file!["../expected/table.txt"]),
        (
            &hard,
            Form {
                encoding: Encoding::Packed,
                early_exit: true,
                ..bytes
            },
            expect_file!["../expected/packed.txt"],
        ),
        (
            &hard,
            Form {
                early_exit: true,
                ..branches
            },
            expect_file!["../expected/branches-hard.txt"],
        ),
        (
            &hard,
            Form {
                early_exit: true,
                counts_in_memory: true,
                ..branches
            },
            expect_file!["../expected/branches-memory.txt"],
        ),
        (
            &soft,
            branches,
            expect_file!["../expected/branches-soft.txt"],
        ),
    ] {
        expected.assert_eq(&text(&generate(model, &form)));
    }
}

/// A tree that asks every second of `2 · n_used` features.
fn every_second(n_used: usize) -> QuantModel {
    let splits: Vec<String> = (0..n_used)
        .map(|split| {
            let (feature, at) = (2 * split + 1, 2 * split);
            format!(
                r#"{{"feature":{feature},"threshold":{split}.25,"left":{},"right":{}}},{{"value":[{},{}]}}"#,
                at + 1,
                at + 2,
                split % 2,
                1 - split % 2
            )
        })
        .collect();
    let features: Vec<String> = (0..2 * n_used)
        .map(|feature| format!(r#"{{"name":"f{feature}"}}"#))
        .collect();
    let json = format!(
        r#"{{"format":"spinney-model","version":1,"kind":"decision-tree","features":[{}],
        "classes":["x","y"],"trees":[{{"nodes":[{},{{"value":[0.5,0.5]}}]}}]}}"#,
        features.join(","),
        splits.join(",")
    );
    let model = FloatModel::from_json(json.as_bytes()).expect("a valid model");
    let calibrations = calibrate(&model, None, &vec![Declared::default(); 2 * n_used]);
    let options = Options {
        voting: Voting::Soft,
        votes: Votes::Q15,
        codes: CodeWidth::Word,
        wants_scores: false,
    };
    QuantModel::new(&model, &calibrations.expect("singles"), options, None).expect("a tree")
}

#[test]
fn features_that_are_not_used() {
    let few = every_second(2);
    let branches = Form {
        encoding: Encoding::Branches,
        ..Form::plain()
    };
    expect_file!["../expected/unused.txt"].assert_eq(&text(&generate(&few, &branches)));
    expect_file!["../expected/c99-unused.h"].assert_eq(&c99(IDENTITY, &few, &branches).text);
    assert!(
        generate(&few, &branches)["README.md"]
            .contains("the model does not use 2 of them, which may hold anything")
    );
    // More of them are picked by a table.
    for (n_used, kind) in [(33, "u8"), (129, "u16")] {
        let many = generate(&every_second(n_used), &Form::plain());
        let lib = &many["src/lib.rs"];
        assert!(lib.contains(&format!("pub const N_CODES: usize = {n_used};")));
        let tables = &many["src/tables.rs"];
        assert!(tables.contains(&format!("static INPUTS: [{kind}; {n_used}] = [1, 3, 5,")));
    }
}

#[test]
fn naive_bayes() {
    let model = quantize(BAYES, Voting::Soft, Sensor::F32, [CodingChoice::Auto; 2]);
    expect_file!["../expected/bayes.txt"].assert_eq(&text(&generate(&model, &Form::plain())));
}

#[test]
fn probabilities_where_they_are_asked_for() {
    let forest = quantize(FOREST, Voting::Soft, Sensor::I16, [CodingChoice::Auto; 2]);
    let bayes = quantize(BAYES, Voting::Soft, Sensor::I16, [CodingChoice::Auto; 2]);
    for (model, expected) in [
        (forest, expect_file!["../expected/vote-shares.txt"]),
        (bayes, expect_file!["../expected/softmax.txt"]),
    ] {
        let without = generate(&model, &Form::plain());
        let model = model.with_probabilities().expect("it has some");
        let with = generate(&model, &Form::plain());
        let empty = empty(IDENTITY, &model, &Form::plain());
        assert!(empty["src/lib.rs"].contains("\npub fn probabilities("));
        assert!(with["README.md"].contains("probabilities(&encode(&readings))"));
        // All but the added lines is as without them.
        let (with, without) = (&with["src/lib.rs"], &without["src/lib.rs"]);
        let added = with.strip_prefix(without.as_str()).expect("an addition");
        expected.assert_eq(added);
    }
}

#[test]
fn headers_in_c() {
    let integers = [CodingChoice::Auto; 2];
    let mixed = [CodingChoice::Affine, CodingChoice::Rank];
    let table = quantize(POSITIVE, Voting::Hard, Sensor::U8, integers);
    let branches = quantize(FOREST, Voting::Soft, Sensor::F32, mixed);
    let bayes = quantize(BAYES, Voting::Soft, Sensor::I16, integers);
    let bytes = Form {
        code_type: CodeType::U8,
        early_exit: true,
        ..Form::plain()
    };
    let nested = Form {
        encoding: Encoding::Branches,
        ..bytes
    };
    for (model, form, expected) in [
        (&table, bytes, expect_file!["../expected/c99-table.h"]),
        (
            &branches,
            nested,
            expect_file!["../expected/c99-branches.h"],
        ),
        (&bayes, bytes, expect_file!["../expected/c99-bayes.h"]),
    ] {
        let header = c99(IDENTITY, model, &form);
        assert_eq!(header.file, "small_model.h");
        expected.assert_eq(&header.text);
    }
}

#[test]
fn a_header_says_what_it_leaves_out() {
    let model = quantize(POSITIVE, Voting::Hard, Sensor::U8, [CodingChoice::Auto; 2]);
    let packed = Form {
        encoding: Encoding::Packed,
        ..Form::plain()
    };
    let header = c99(
        IDENTITY,
        &model.clone().with_probabilities().expect("it has some"),
        &packed,
    );
    assert_eq!(header.form, "3 bytes per split");
    assert_eq!(header.notes.len(), 2);
    assert!(
        header
            .text
            .contains("Bit-packed splits are written as a table.")
    );
    // Apart from these notes it is the table's.
    assert!(c99(IDENTITY, &model, &Form::plain()).notes.is_empty());
}

#[test]
fn an_empty_model_has_the_same_items() {
    let model = quantize(FOREST, Voting::Hard, Sensor::I16, [CodingChoice::Auto; 2]);
    let model = model.with_probabilities().expect("it has some");
    let (full, empty) = (
        generate(&model, &Form::plain()),
        empty(IDENTITY, &model, &Form::plain()),
    );
    let items = |files: &SourceTree| -> BTreeSet<String> {
        files["src/lib.rs"]
            .lines()
            .filter(|line| line.starts_with("pub "))
            .map(|line| line.replace(['_', '{', ' '], ""))
            .collect()
    };
    assert_eq!(items(&full), items(&empty));
}

#[test]
fn a_generated_crate_carries_the_whole_runtime() {
    let runtime = concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime/src");
    let mut on_disk = BTreeSet::new();
    for entry in std::fs::read_dir(runtime).expect("the runtime's sources") {
        let entry = entry.expect("a readable entry");
        assert!(
            entry.file_type().expect("a type").is_file(),
            "no folders in it"
        );
        on_disk.insert(entry.file_name().to_string_lossy().into_owned());
    }
    let model = quantize(FOREST, Voting::Hard, Sensor::I16, [CodingChoice::Auto; 2]);
    let files = generate(&model, &Form::plain());
    let carried: BTreeSet<String> = files
        .keys()
        .filter_map(|path| path.strip_prefix("runtime/src/"))
        .map(str::to_owned)
        .collect();
    assert_eq!(carried, on_disk);
    for name in &on_disk {
        let text = std::fs::read_to_string(format!("{runtime}/{name}")).expect("a source file");
        assert_eq!(files[&format!("runtime/src/{name}")], text);
    }
}

#[test]
fn a_memory_map_stretches_regions_but_not_the_stack() {
    let region = |origin, len| Region { origin, len };
    let map = memory_x(
        Core::CortexM4F,
        Boot::Direct,
        region(0x0800_0000, 0x10_0000),
        region(0x2000_0000, 0x2_0000),
    );
    expect_file!["../expected/memory.x"].assert_eq(&map);
    let map = memory_x(
        Core::Rv32imc,
        Boot::EspIdf,
        region(0x4200_0000, 0x40_0000),
        region(0x3fc8_0000, 0x6_0000),
    );
    expect_file!["../expected/memory-riscv.x"].assert_eq(&map);
    let map = memory_x(
        Core::CortexM33F,
        Boot::Rp235xBlock,
        region(0x1000_0000, 0x20_0000),
        region(0x2000_0000, 0x8_2000),
    );
    expect_file!["../expected/memory-rp235x.x"].assert_eq(&map);
}
