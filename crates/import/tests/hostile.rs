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
    spinney_dataset::archive::unpack(&fixture(name), 1 << 20)
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
    let zeros = vec![b' '; 40 << 20];
    refused(
        &zip_of(&[("schema.json", &zeros)]),
        &expect!["schema.json: found 41943040 bytes, expected at most 33554432"],
    );
    let names: Vec<String> = (0..7).map(|index| format!("{index}.npy")).collect();
    let members: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), zeros.as_slice()))
        .collect();
    refused(
        &zip_of(&members),
        &expect![[
            r#"member "6.npy" of the archive: found 41943040 bytes, expected at most 268435456 bytes over all members"#
        ]],
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
        let schema = unit.repeat(200_000);
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
    refused(
        b"\x89HDF\r\n\x1a\n",
        &expect![
            "an HDF5 file (Keras) cannot be imported: skops, ONNX and canonical JSON are read; from scikit-learn, skops is the lossless one"
        ],
    );
}

proptest! {
    #[test]
    fn any_bytes_are_an_error(prefix in 0..6_usize, bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let magic: [&[u8]; 6] = [b"", b"PK\x03\x04", b"\x08\x0a", b"{", b"\x80\x04", b"\x93NUMPY\x01\x00"];
        let bytes = [magic[prefix], &bytes].concat();
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
