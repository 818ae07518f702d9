//! ONNX files.

use expect_test::expect;
use proptest::prelude::*;
use spinney_import::import;

use super::{SMALL, fixture, refused};

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
    // Walks of each way through these would take days.
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

proptest! {
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
