//! Files from strangers: whatever they say, a clear error in bounded time, never a panic.

use std::io::{Cursor, Write};
use std::path::Path;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use spinney_dataset::npy;
use spinney_import::import;

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    std::fs::read(path).expect("a fixture")
}

fn zip_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    for (name, content) in members {
        writer.start_file(*name, options).expect("a member");
        writer.write_all(content).expect("a write to memory");
    }
    writer.finish().expect("a zip").into_inner()
}

/// A fixture's members.
fn members(name: &str) -> Vec<(String, Vec<u8>)> {
    spinney_dataset::archive::unpack(&fixture(name), &spinney_dataset::Budget::of(0))
        .expect("an archive")
        .into_iter()
        .collect()
}

/// A fixture with one change made to every member that has the bytes `from`.
fn changed(name: &str, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut n_changes = 0;
    let members: Vec<_> = members(name)
        .into_iter()
        .map(|(name, mut content)| {
            while let Some(at) = content
                .windows(from.len())
                .position(|window| window == from)
            {
                content[at..at + to.len()].copy_from_slice(to);
                n_changes += 1;
            }
            (name, content)
        })
        .collect();
    assert!(n_changes > 0, "nothing to change");
    let members: Vec<_> = members
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .collect();
    zip_of(&members)
}

fn refused(bytes: &[u8], expected: &Expect) {
    let error = import(bytes).expect_err("must be refused").to_string();
    assert!(!error.contains('\n') && error.len() < 600, "{error}");
    expected.assert_eq(&error);
}

const SMALL: [&str; 4] = [
    "1.9.1/dt_one_leaf_bool.skops",
    "1.1.3/pipe_variance.skops",
    "1.9.1/dt_one_leaf_bool.f32.onnx",
    "1.9.1/nb_min_max_k_best.f32.onnx",
];

#[test]
fn files_cut_at_every_byte_are_refused() {
    for name in SMALL {
        let bytes = fixture(name);
        for length in 0..bytes.len() {
            assert!(import(&bytes[..length]).is_err(), "{name} cut at {length}");
        }
    }
    let bytes = fixture("1.9.1/nb_iris.skops.npz");
    for length in 0..bytes.len() {
        assert!(
            npy::read_npz(&bytes[..length], "labels").is_err(),
            "cut at {length}"
        );
    }
}

#[test]
fn files_with_any_bit_flipped_do_not_panic() {
    for name in [
        "1.9.1/dt_one_leaf_bool.skops",
        "1.9.1/dt_one_leaf_bool.f32.onnx",
    ] {
        let mut bytes = fixture(name);
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let _ = import(&bytes);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn arrays_with_any_bit_flipped_do_not_panic() {
    // Packed anew each time, so that no checksum hides the flip.
    let members = members("1.9.1/nb_min_max_k_best.skops");
    for changed in 0..members.len() {
        let n_bits = members[changed].1.len().min(1200) * 8;
        for bit in (0..n_bits).step_by(7) {
            let mut members = members.clone();
            members[changed].1[bit / 8] ^= 1 << (bit % 8);
            let members: Vec<_> = members
                .iter()
                .map(|(name, content)| (name.as_str(), content.as_slice()))
                .collect();
            let _ = import(&zip_of(&members));
        }
    }
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    let spaces = vec![b' '; 40 << 20];
    refused(
        &zip_of(&[("schema.json", &spaces)]),
        &expect![
            "schema.json: found more than a file of 40866 bytes may take, expected at most 64653856 bytes of memory: 64000000, and 16 per byte; a packed file may take more once it is unpacked (`gunzip`, `numpy.savez`)"
        ],
    );
    let names: Vec<String> = (0..7).map(|index| format!("{index}.npy")).collect();
    let members: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), &spaces[..10 << 20]))
        .collect();
    refused(
        &zip_of(&members),
        &expect![[
            r#"member "6.npy" of the archive: found more than a file of 71961 bytes may take, expected at most 65151376 bytes of memory: 64000000, and 16 per byte; a packed file may take more once it is unpacked (`gunzip`, `numpy.savez`)"#
        ]],
    );
}

#[test]
fn json_that_becomes_more_than_it_is_is_refused() {
    // Each map takes some hundred times its bytes.
    let maps = |n: usize| format!(r#"{{"__loader__":[{}0]}}"#, r#"{"":0},"#.repeat(n));
    let small = zip_of(&[("schema.json", maps(50_000).as_bytes())]);
    assert!(
        import(&small)
            .unwrap_err()
            .to_string()
            .contains("cannot be imported")
    );
    refused(
        &zip_of(&[("schema.json", maps(90_000).as_bytes())]),
        &expect![
            "schema.json: found more than a file of 1081 bytes may take, expected at most 64017296 bytes of memory: 64000000, and 16 per byte; a packed file may take more once it is unpacked (`gunzip`, `numpy.savez`)"
        ],
    );
    let nodes = |n: usize| {
        format!(
            r#"{{"format":"spinney-model","version":1,"kind":"decision-tree","features":[],
               "classes":[],"trees":[{{"nodes":[{}{{}}]}}]}}"#,
            "{},".repeat(n)
        )
    };
    let small = import(nodes(100_000).as_bytes()).unwrap_err().to_string();
    assert!(small.starts_with("features: found 0"), "{small}");
    refused(
        nodes(600_000).as_bytes(),
        &expect![
            "the file: found more than a file of 1800129 bytes may take, expected at most 92802064 bytes of memory: 64000000, and 16 per byte; a packed file may take more once it is unpacked (`gunzip`, `numpy.savez`)"
        ],
    );
}

#[test]
fn an_array_that_is_read_over_and_over_is_counted_each_time() {
    let object = |class: &str, content: &str| {
        format!(
            r#"{{"__class__": "{class}", "__module__": "sklearn.x", "__loader__": "ObjectNode",
                "content": {{"content": {{{content}}}}}}}"#
        )
    };
    let scalar = |text: &str| format!(r#"{{"__loader__": "JsonNode", "content": "{text}"}}"#);
    let array = r#"{"__loader__": "NdArrayNode", "file": "0.npy"}"#;
    let n = scalar("60000");
    let scaler = object(
        "MaxAbsScaler",
        &format!(
            r#""n_features_in_": {n}, "scale_": {}"#,
            array.replace('0', "2")
        ),
    );
    let last = object(
        "GaussianNB",
        &format!(
            r#""n_features_in_": {n}, "classes_": {{"content": [{}, {}]}}, "theta_": {array}, "var_": {array}, "class_prior_": {{"__loader__": "NdArrayNode", "file": "1.npy"}}"#,
            scalar("0"),
            scalar("1")
        ),
    );
    let steps: Vec<String> = std::iter::repeat_n(&scaler, 1_000)
        .chain([&last])
        .map(|step| format!(r#"{{"content": [0, {step}]}}"#))
        .collect();
    let schema = object(
        "Pipeline",
        &format!(r#""steps": {{"content": [{}]}}"#, steps.join(", ")),
    );
    let ones = |n: usize| {
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({n},), }}\n");
        let length = u8::try_from(header.len()).expect("a short header");
        let data = 1_f64.to_le_bytes().repeat(n);
        [
            b"\x93NUMPY\x01\x00",
            &[length, 0][..],
            header.as_bytes(),
            &data,
        ]
        .concat()
    };
    let members = [
        ("schema.json", schema.as_bytes()),
        ("0.npy", &ones(120_000)),
        ("1.npy", &ones(2)),
        ("2.npy", &ones(60_000)),
    ];
    refused(
        &zip_of(&members),
        &expect![
            "Pipeline.steps[6][1].scale_: found more than a file of 4208 bytes may take, expected at most 64067328 bytes of memory: 64000000, and 16 per byte; a packed file may take more once it is unpacked (`gunzip`, `numpy.savez`)"
        ],
    );
}

#[test]
fn a_size_that_lies_is_refused() {
    let mut bytes = zip_of(&[("schema.json", &[b' '; 1000])]);
    let size = 1000_u32.to_le_bytes();
    while let Some(at) = bytes.windows(4).position(|window| window == size) {
        bytes[at..at + 4].copy_from_slice(&7_u32.to_le_bytes());
    }
    assert!(import(&bytes).is_err());
}

#[test]
fn a_name_that_leaves_the_archive_is_refused() {
    refused(
        &zip_of(&[("../schema.json", b"{}")]),
        &expect![[
            r#"member 0 of the archive: found the name "../schema.json", expected a name inside the archive"#
        ]],
    );
}

#[test]
fn deep_nesting_is_refused() {
    for unit in ["[", "{\"content\":"] {
        let schema = unit.repeat(50_000);
        let error = import(&zip_of(&[("schema.json", schema.as_bytes())])).expect_err("refused");
        assert!(error.to_string().contains("recursion limit"), "{error}");
    }
    let mut header = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    header.extend("(".repeat(118).bytes());
    assert!(npy::Array::parse(&header).is_err());
}

#[test]
fn a_cycle_of_nodes_is_refused() {
    // The first node's children become 1 and 0.
    let node = [1_i64, 16, 9].map(i64::to_le_bytes).concat();
    let cycle = [1_i64, 0, 9].map(i64::to_le_bytes).concat();
    refused(
        &changed("1.1.3/pipe_variance.skops", &node, &cycle),
        &expect![
            "Pipeline.steps[1][1].tree_, nodes[0].right: found 0, which is already the root, expected a node with one parent, and no cycle"
        ],
    );
}

#[test]
fn a_billion_nodes_in_a_header_are_refused() {
    let members = members("1.1.3/pipe_variance.skops");
    let members: Vec<(String, Vec<u8>)> = members
        .into_iter()
        .map(|(name, content)| {
            let Some(at) = content
                .windows(10)
                .position(|window| window == b"left_child")
            else {
                return (name, content);
            };
            let text = String::from_utf8_lossy(&content[at..]).into_owned();
            let shape = at + text.find("'shape': (").expect("a shape") + 10;
            let mut content = content;
            // The header has spaces to spare.
            let end = shape
                + content[shape..]
                    .iter()
                    .position(|byte| *byte == b'\n')
                    .expect("an end");
            let mut shape_text = b"1000000000,), }".to_vec();
            shape_text.resize(end - shape, b' ');
            content[shape..end].copy_from_slice(&shape_text);
            (name, content)
        })
        .collect();
    let members: Vec<_> = members
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .collect();
    let error = import(&zip_of(&members)).expect_err("refused").to_string();
    assert!(error.contains("[1000000000] items of 56 bytes"), "{error}");
}

#[test]
fn archives_without_a_model_are_named() {
    refused(
        &zip_of(&[("X.npy", b"")]),
        &expect![[
            r#"a zip of arrays (.npz) cannot be imported: skops.io.dump(model, "model.skops") writes a skops file"#
        ]],
    );
    refused(&[], &expect!["the file: found nothing, expected a model"]);
}

#[test]
fn node_fields_that_are_not_known_are_refused() {
    let from = b"missing_go_to_left";
    refused(
        &changed("1.9.1/pipe_variance.skops", from, b"left_category_bits"),
        &expect![
            "Pipeline.steps[1][1].tree_.nodes with left_category_bits cannot be imported: this state is none that scikit-learn 1.1.3 to 1.9.1 writes, and it may change what the model says: fit with one of these versions"
        ],
    );
    // A field of the tree itself.
    refused(
        &changed(
            "1.9.1/pipe_variance.skops",
            b"\"node_count\"",
            b"\"node_bits_\"",
        ),
        &expect![
            "Pipeline.steps[1][1].tree_ with node_bits_ cannot be imported: this state is none that scikit-learn 1.1.3 to 1.9.1 writes, and it may change what the model says: fit with one of these versions"
        ],
    );
}

#[test]
fn attributes_that_are_not_known_are_refused() {
    let mut bytes = fixture("1.9.1/dt_one_leaf_bool.f32.onnx");
    let from = b"nodes_hitrates";
    let at = bytes.windows(from.len()).position(|it| it == from);
    let at = at.expect("an attribute that has no say");
    bytes[at..at + from.len()].copy_from_slice(b"nodes_category");
    refused(
        &bytes,
        &expect![
            "a TreeEnsembleClassifier with nodes_category cannot be imported: ONNX knows no such attribute of it, and it may change what the model says"
        ],
    );
}

#[test]
fn foreign_formats_are_named_by_their_content() {
    let named = |bytes: &[u8], name: &str, instead: &str| {
        let error = import(bytes).expect_err("must be refused").to_string();
        assert!(error.starts_with(name), "{name}: {error}");
        assert!(error.contains(instead), "{name}: {error}");
        assert!(!error.contains('\n') && error.len() < 400, "{error}");
    };
    let boosted = "RandomForestClassifier";
    let ubjson = b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner{L\x00\x00\x00\x00";
    named(ubjson, "an XGBoost model (UBJSON)", boosted);
    named(
        b"{\"learner\":{\"attributes\":{}",
        "an XGBoost model (JSON)",
        boosted,
    );
    named(
        b"\xef\xbb\xbf{\n  \"learner\" : {",
        "an XGBoost model (JSON)",
        boosted,
    );
    named(
        b"[\n  { \"nodeid\": 0,",
        "a dump of XGBoost trees (JSON)",
        boosted,
    );
    named(
        b"booster[0]:\n0:[f2<3]",
        "a dump of XGBoost trees (text)",
        boosted,
    );
    named(
        b"tree\nversion=v4\nnum_class=3",
        "a LightGBM model (text)",
        boosted,
    );
    named(
        b"tree\r\nversion=v3\r\n",
        "a LightGBM model (text)",
        boosted,
    );
    named(
        b"{\"name\": \"tree\", \"version\": \"v4\"",
        "a LightGBM model (JSON)",
        boosted,
    );
    named(b"CBM1\x00\x01", "a CatBoost model (cbm)", boosted);
    named(
        b"{\"ctrs\": [], \"features_info\": {",
        "a CatBoost model (JSON)",
        boosted,
    );
    let pmml = b"<?xml version=\"1.0\"?>\n<PMML version=\"4.4\">";
    named(pmml, "a PMML file", "skops.io.dump");
    named(b"<?xml version=\"1.0\"?><a/>", "an XML file", "skops");
    named(
        b"\x89HDF\r\n\x1a\n",
        "an HDF5 file, such as a Keras model,",
        boosted,
    );
    named(b"\x1c\x00\x00\x00TFL3", "a TensorFlow Lite model", boosted);
    let treelite = b"\x04\x00\x00\x00\x08\x00\x00\x00\x01\x00\x00\x00\x03\x03\x02\x00";
    named(treelite, "a treelite checkpoint", "skops.io.dump");
    named(b"PAR1\x15\x04", "a Parquet file", "[dataset]");
    named(b"\x93NUMPY\x01\x00", "an .npy array", "[dataset]");
    named(b"<!DOCTYPE html>\n<HTML>", "a web page", "download");
    named(
        b"version https://git-lfs.github.com/spec/v1",
        "a pointer of Git LFS",
        "git lfs pull",
    );
    let zip = |member: &str| zip_of(&[(member, b"")]);
    named(&zip("archive/data.pkl"), "a PyTorch model", "skops.io.dump");
    named(&zip("model.weights.h5"), "a Keras model", "skops.io.dump");
    named(
        &zip("[Content_Types].xml"),
        "an Office document",
        "skops.io.dump",
    );
    named(
        &zip("notes.txt"),
        "a zip archive without schema.json",
        "skops.io.dump",
    );
}

/// A protobuf field that holds bytes.
fn field(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a short message");
    let [low, high] = [(length & 0x7f) | 0x80, length >> 7];
    let length = [low, high].map(|part| u8::try_from(part).expect("a short message"));
    [&[(tag << 3) | 2], &length[..], content].concat()
}

/// An ONNX graph of one input of two columns, whose operators use its values over and over.
fn tangle(n_levels: usize) -> Vec<u8> {
    let node = |op: &str, inputs: [&str; 2], output: &str, domain: &str, axis: Option<u8>| {
        let attribute = axis.map(|axis| {
            let attribute = [field(1, b"axis"), vec![3 << 3, axis]].concat();
            field(5, &attribute)
        });
        let node = [
            field(1, inputs[0].as_bytes()),
            field(1, inputs[1].as_bytes()),
            field(2, output.as_bytes()),
            field(4, op.as_bytes()),
            attribute.unwrap_or_default(),
            field(7, domain.as_bytes()),
        ];
        field(1, &node.concat())
    };
    let mut graph = Vec::new();
    let mut value = "X".to_owned();
    for level in 0..n_levels {
        let [joined, next] = [format!("j{level}"), format!("v{level}")];
        graph.extend(node("Concat", [&value, &value], &joined, "", Some(1)));
        graph.extend(node("Gather", [&joined, "first"], &next, "", Some(1)));
        value = next;
    }
    graph.extend(node(
        "TreeEnsembleClassifier",
        [&value, ""],
        "label",
        "ai.onnx.ml",
        None,
    ));
    // The indices 0 and 1.
    let indices = [0_i64, 1].map(i64::to_le_bytes).concat();
    let tensor = [
        vec![1 << 3, 2, 2 << 3, 7],
        field(8, b"first"),
        field(9, &indices),
    ];
    graph.extend(field(5, &tensor.concat()));
    let dims = [vec![1 << 3, 1], vec![1 << 3, 2]]
        .map(|dim| field(1, &dim))
        .concat();
    let tensor = [vec![1 << 3, 1], field(2, &dims)].concat();
    let input = [field(1, b"X"), field(2, &field(1, &tensor))].concat();
    graph.extend(field(11, &input));
    let opset = field(8, &field(1, b""));
    let ml = field(8, &field(1, b"ai.onnx.ml"));
    [vec![1 << 3, 8], field(7, &graph), opset, ml].concat()
}

#[test]
fn graphs_that_use_values_over_and_over_are_bounded() {
    // What is wrong with this one is that the classifier has no labels.
    refused(
        &tangle(3),
        &expect![
            "TreeEnsembleClassifier: found no class labels, or two kinds, expected classlabels_strings or classlabels_int64s"
        ],
    );
    let start = std::time::Instant::now();
    refused(
        &tangle(25),
        &expect![
            "the operators before the classifier: found more than a file of 2393 bytes may take, expected at most 64038288 bytes of memory: 64000000, and 16 per byte; a packed file may take more once it is unpacked (`gunzip`, `numpy.savez`)"
        ],
    );
    refused(
        &tangle(40),
        &expect![
            "the graph: found a cycle, or a long chain before the classifier, expected at most 64 operators"
        ],
    );
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

/// A protobuf field of any length.
fn long_field(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![(tag << 3) | 2];
    let mut length = content.len();
    while length > 127 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend(content);
    out
}

/// An ensemble of trees of one leaf each, all of the first of `n_classes`.
fn stumps(n_trees: u16, n_classes: u8) -> Vec<u8> {
    let ids: Vec<u8> = (0..n_trees)
        .flat_map(|id| {
            let [low, middle, high] = [id & 0x7f | 0x80, id >> 7 & 0x7f | 0x80, id >> 14];
            [low as u8, middle as u8, high as u8]
        })
        .collect();
    let n = usize::from(n_trees);
    let zeros = vec![0; n];
    let labels: Vec<u8> = (0..n_classes)
        .flat_map(|label| [label & 0x7f | 0x80, label >> 7])
        .collect();
    let weights = (1.0 / f32::from(n_trees)).to_le_bytes().repeat(n);
    let modes = field(9, b"LEAF").repeat(n);
    let attribute = |name: &str, tag: u8, content: &[u8]| {
        let list = if tag == 9 {
            content.to_vec()
        } else {
            long_field(tag, content)
        };
        long_field(5, &[long_field(1, name.as_bytes()), list].concat())
    };
    let node = [
        long_field(1, b"X"),
        long_field(2, b"label"),
        long_field(4, b"TreeEnsembleClassifier"),
        attribute("classlabels_int64s", 8, &labels),
        attribute("nodes_treeids", 8, &ids),
        attribute("nodes_nodeids", 8, &zeros),
        attribute("nodes_featureids", 8, &zeros),
        attribute("nodes_modes", 9, &modes),
        attribute("nodes_values", 7, &vec![0; 4 * n]),
        attribute("nodes_truenodeids", 8, &zeros),
        attribute("nodes_falsenodeids", 8, &zeros),
        attribute("class_treeids", 8, &ids),
        attribute("class_nodeids", 8, &zeros),
        attribute("class_ids", 8, &zeros),
        attribute("class_weights", 7, &weights),
        long_field(7, b"ai.onnx.ml"),
    ]
    .concat();
    let dims = [vec![1 << 3, 1], vec![1 << 3, 2]]
        .map(|dim| long_field(1, &dim))
        .concat();
    let tensor = [vec![1 << 3, 1], long_field(2, &dims)].concat();
    let input = [long_field(1, b"X"), long_field(2, &long_field(1, &tensor))].concat();
    let graph = [long_field(1, &node), long_field(11, &input)].concat();
    [
        vec![1 << 3, 8],
        long_field(7, &graph),
        long_field(8, &long_field(1, b"ai.onnx.ml")),
    ]
    .concat()
}

#[test]
fn a_field_that_claims_more_than_memory_is_damaged() {
    let lengths = [&[0x7f][..], &[0xff, 0xff, 0xff, 0xff, 0x0f], &[0xff; 9]];
    for length in lengths {
        // The graph of the model, and a node of the graph.
        for outer in [&[][..], &[(7 << 3) | 2, 12]] {
            let end = &[0x01][..usize::from(length.len() == 9)];
            let bytes = [&[1 << 3, 8], outer, &[(7 << 3) | 2], length, end].concat();
            let error = import(&bytes).expect_err("cut short").to_string();
            assert!(error.contains("a complete ONNX model"), "{error}");
        }
    }
}

#[test]
fn leaves_of_many_classes_are_counted_before_they_are_made() {
    let imported = import(&stumps(2_000, 255)).expect("half a million proportions");
    assert_eq!(imported.model.schema().n_classes(), 255);
    assert!(import(&stumps(60_000, 2)).is_ok());
    refused(
        &stumps(60_000, 255),
        &expect![
            "the leaves: found more than a file of 1620881 bytes may take, expected at most 89934096 bytes of memory: 64000000, and 16 per byte; a packed file may take more once it is unpacked (`gunzip`, `numpy.savez`)"
        ],
    );
}

const MAGIC: [&[u8]; 12] = [
    b"",
    b"PK\x03\x04",
    b"\x08\x0a",
    b"{",
    b"\x80\x04",
    b"\x93NUMPY\x01\x00",
    b"{\"learner\":",
    b"tree\n",
    b"CBM1",
    b"\x04\x00\x00\x00",
    b"<?xml",
    b"PAR1",
];

proptest! {
    #[test]
    fn any_bytes_are_an_error(prefix in 0..MAGIC.len(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let bytes = [MAGIC[prefix], &bytes].concat();
        prop_assert!(import(&bytes).is_err());
        let _ = npy::rows(&bytes);
    }

    #[test]
    fn onnx_with_changed_bytes_does_not_panic(
        file in 0..2_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = fixture(SMALL[2 + file]);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = import(&bytes);
    }
}

/// A model names no further file that is read: neither beside it nor anywhere else.
#[test]
fn numbers_in_another_file_are_refused() {
    for location in ["rf.bin", "../../../etc/passwd", "/dev/zero"] {
        let entry = [field(1, b"location"), field(2, location.as_bytes())].concat();
        let tensor = [
            // One float, which lies elsewhere.
            vec![1 << 3, 1, 2 << 3, 1],
            field(8, b"w"),
            field(13, &entry),
            vec![14 << 3, 1],
        ];
        let graph = field(7, &field(5, &tensor.concat()));
        let model = [vec![1 << 3, 8], graph, field(8, &field(1, b"ai.onnx.ml"))].concat();
        let said = import(&model).expect_err(location).to_string();
        let expected = format!("\"w\", whose numbers lie in \"{location}\", cannot be imported");
        assert!(said.contains(&expected), "{said}");
    }
}
