//! skops files and canonical JSON.

use expect_test::expect;
use spinney_dataset::npy;
use spinney_import::import;

use super::{SMALL, fixture, refused, zip_of};

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
