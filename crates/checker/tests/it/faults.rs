//! The checker on tables made by hand: what is right passes, and every planted fault is named.

use spinney_checker::{
    Body, Certificate, Children, Claim, Coding, FORMAT, Field, Findings, Flip, Input, Kind, Layout,
    LeafTable, Level, Memory, Sensor, VERSION, check, edge_rows,
};
use spinney_model::{FloatModel, Voting};

/// Two trees over a byte and a single: `a <= 10.5`, then `b <= 0.75`; and `b <= 0.75` alone.
const MODEL: &[u8] = br#"{"format": "spinney-model", "version": 1, "kind": "random-forest",
    "features": [{"name": "a"}, {"name": "b"}], "classes": ["x", "y"], "trees": [
    {"nodes": [{"feature": 0, "threshold": 10.5, "left": 1, "right": 2}, {"value": [1, 0]},
        {"feature": 1, "threshold": 0.75, "left": 3, "right": 4}, {"value": [0.25, 0.75]},
        {"value": [0, 1]}]},
    {"nodes": [{"feature": 1, "threshold": 0.75, "left": 1, "right": 2}, {"value": [0.5, 0.5]},
        {"value": [0, 1]}]}]}"#;

const DIGEST: &str = "sha256:0";

struct Case {
    model: FloatModel,
    claim: Claim,
    memory: Memory,
    rows: Vec<f64>,
}

const fn field(at: usize, bits: usize) -> Field {
    Field { at, bits }
}

/// A split in three bytes, as ARCHITECTURE.md has them.
const fn split(feature: u8, marks: u8, argument: u8, threshold: u8) -> [u8; 3] {
    [argument, feature << 2 | marks, threshold]
}

fn case() -> Case {
    // `b` in units of 1/4: 0.75 is the code 3.
    let affine = Coding::Affine {
        shift: 2,
        offset: 0,
    };
    let input = |feature: usize, sensor, range, coding| Input {
        feature,
        sensor,
        range,
        coding,
        missing: None,
    };
    let identity = Coding::Affine {
        shift: 0,
        offset: 0,
    };
    let nodes = [
        &[0][..],
        // A leaf on the left, the next split on the right.
        &split(0, 1, 0, 10),
        &split(1, 3, 1 | 2 << 4, 3),
        &split(1, 3, 3 | 2 << 4, 3),
    ]
    .concat();
    let votes: [[u16; 2]; 4] = [[32_768, 0], [8_192, 24_576], [0, 32_768], [16_384, 16_384]];
    let leaves = votes
        .as_flattened()
        .iter()
        .flat_map(|vote| vote.to_le_bytes());
    Case {
        model: FloatModel::from_json(MODEL).unwrap(),
        claim: Claim {
            format: FORMAT.to_owned(),
            version: VERSION,
            model: DIGEST.to_owned(),
            voting: Voting::Soft,
            reading: Sensor::F32,
            code_bits: 8,
            inputs: vec![
                input(0, Sensor::U8, (0.0, 255.0), identity),
                input(1, Sensor::F32, (0.0, 20.0), affine),
            ],
            codings_are_table: true,
            margin: None,
            outliers: None,
            body: Body::Forest {
                order: vec![0, 1],
                layout: Some(Layout {
                    first_bit: 8,
                    split_bits: 24,
                    start_unit: 3,
                    input: field(10, 6),
                    threshold: field(16, 8),
                    is_signed: false,
                    threshold_base: 0,
                    children: Children::Marked {
                        marks: field(8, 2),
                        argument: field(0, 8),
                        more_bytes: 0,
                    },
                }),
                leaves: Some(LeafTable {
                    vote_bytes: 2,
                    stride: 2,
                    unit: 32_768,
                }),
                exit_margin: 1.0,
                sums: None,
            },
            certificate: Certificate {
                splits: Some(Level::EveryRow),
                votes: Level::EveryInput,
                // Readings above 0.75 and below 1 have the code of 0.75.
                flips: vec![flip(0, 2), flip(1, 0)],
                rows_at_risk: Vec::new(),
            },
        },
        memory: Memory::of_tables([
            ("NODES", nodes),
            ("STARTS", [0_u32, 6].map(u32::to_le_bytes).concat()),
            ("LEAVES", leaves.collect()),
            // What stands between a shift and its offset is of no meaning.
            (
                "CODINGS",
                vec![0, 0, 0, 0, 0, 7, 7, 7, 0, 0, 0, 0, 2, 9, 9, 9],
            ),
        ]),
        rows: vec![10.0, 0.5, 11.0, 0.75, 11.0, 1.0, 200.0, 4.0],
    }
}

fn flip(tree: usize, node: usize) -> Flip {
    Flip {
        tree,
        node,
        above: Some(0.75),
        below: Some(1.0),
        missing: false,
        rows: Vec::new(),
    }
}

fn findings(case: &Case) -> Findings {
    check(&case.model, DIGEST, &case.claim, &case.memory, &case.rows)
}

/// The kinds of all faults once `plant` has been at work.
fn kinds(plant: impl FnOnce(&mut Case)) -> Vec<Kind> {
    let mut case = case();
    plant(&mut case);
    let mut kinds: Vec<Kind> = findings(&case)
        .faults
        .iter()
        .map(|fault| fault.kind)
        .collect();
    kinds.dedup();
    kinds
}

fn table<'a>(case: &'a mut Case, name: &str) -> &'a mut Vec<u8> {
    case.memory.table_mut(name).unwrap()
}

fn order(case: &mut Case) -> &mut Vec<usize> {
    match &mut case.claim.body {
        Body::Forest { order, .. } => order,
        Body::GaussianNb { .. } => unreachable!("the case is a forest"),
    }
}

#[test]
fn what_is_right_holds() {
    let found = findings(&case());
    assert!(found.holds(), "{:?}", found.faults);
    assert_eq!((found.splits, found.leaves, found.rows), (3, 5, 4));
    // Two distinct pairs of an input and a threshold, 256 codes each.
    assert_eq!(found.decisions, 512);
    assert_eq!(found.notes, [""; 0]);
}

/// What is wrong, what it has to be called, and how it is done.
type Planted = (&'static str, Kind, fn(&mut Case));

#[test]
fn planted_faults_are_named() {
    let planted: [Planted; 22] = [
        ("a threshold one too high", Kind::Unlisted, |case| {
            table(case, "NODES")[3] += 1
        }),
        ("a threshold one too low", Kind::Unlisted, |case| {
            table(case, "NODES")[3] -= 1
        }),
        ("children swapped", Kind::Leaf, |case| {
            table(case, "NODES")[4] = 2 | 1 << 4
        }),
        ("another feature", Kind::Split, |case| {
            table(case, "NODES")[5] ^= 1 << 2
        }),
        ("a child that is no leaf", Kind::Layout, |case| {
            table(case, "NODES")[5] &= !1
        }),
        ("a leaf that does not exist", Kind::Leaf, |case| {
            table(case, "NODES")[1] = 9
        }),
        ("a start of another tree", Kind::Layout, |case| {
            table(case, "STARTS")[4] = 3
        }),
        ("a vote off by one", Kind::Leaf, |case| {
            table(case, "LEAVES")[4] ^= 1
        }),
        ("a leaf's row of another leaf", Kind::Leaf, |case| {
            table(case, "LEAVES").rotate_left(4)
        }),
        ("a table cut short", Kind::Layout, |case| {
            table(case, "NODES").truncate(7)
        }),
        ("trees in another order", Kind::Split, |case| {
            order(case).reverse()
        }),
        ("a tree twice", Kind::Stale, |case| order(case)[1] = 0),
        ("another model", Kind::Stale, |case| {
            case.claim.model.push('1')
        }),
        ("a wrong shift in the image", Kind::Coding, |case| {
            table(case, "CODINGS")[12] = 3
        }),
        ("a wrong shift in image and claim", Kind::Unlisted, |case| {
            table(case, "CODINGS")[12] = 1;
            case.claim.inputs[1].coding = Coding::Affine {
                shift: 1,
                offset: 0,
            };
        }),
        ("a wrong offset", Kind::Coding, |case| {
            table(case, "CODINGS")[8] = 1
        }),
        ("a flip that is not listed", Kind::Unlisted, |case| {
            case.claim.certificate.flips.pop();
        }),
        ("a flip that ends too early", Kind::Unlisted, |case| {
            case.claim.certificate.flips[0].below = Some(0.9);
        }),
        ("a level beyond its flips", Kind::Level, |case| {
            case.claim.certificate.splits = Some(Level::EveryInput);
        }),
        ("a row whose paths part", Kind::Row, |case| {
            case.rows.extend([11.0, 0.8])
        }),
        ("votes held less than exactly", Kind::Level, |case| {
            let text =
                String::from_utf8_lossy(MODEL).replace("[0.25, 0.75]", "[0.250001, 0.749999]");
            case.model = FloatModel::from_json(text.as_bytes()).unwrap();
        }),
        ("a range that speaks of more", Kind::Unlisted, |case| {
            // Below 0 all readings have the code 0, above 63.75 the code 255.
            let text = String::from_utf8_lossy(MODEL).replace("0.75, \"left\"", "90.5, \"left\"");
            case.model = FloatModel::from_json(text.as_bytes()).unwrap();
            case.claim.inputs[1].range.1 = 100.0;
        }),
    ];
    for (what, kind, plant) in planted {
        assert!(kinds(plant).contains(&kind), "{what}: {:?}", kinds(plant));
    }
}

#[test]
fn a_saturated_rank_is_refuted() {
    let mut case = case();
    // Ranks of 8 bits saturate at 255: the last two of 257 cuts cannot be told apart.
    let cuts: Vec<i32> = (0..257)
        .map(|cut| (cut as f32 / 256.0).to_bits() as i32)
        .collect();
    let rank = cuts.partition_point(|cut| *cut < 0.75_f32.to_bits() as i32) as u8;
    case.claim.inputs[1].coding = Coding::Rank { cuts };
    case.claim.codings_are_table = false;
    case.claim.certificate.flips.clear();
    case.claim.certificate.splits = Some(Level::EveryInput);
    for at in [6, 9] {
        table(&mut case, "NODES")[at] = rank;
    }
    let found = findings(&case);
    assert!(found.holds(), "{:?}", found.faults);
    let text = String::from_utf8_lossy(MODEL).replace("0.75, \"left\"", "0.99609375, \"left\"");
    case.model = FloatModel::from_json(text.as_bytes()).unwrap();
    for at in [6, 9] {
        table(&mut case, "NODES")[at] = 255;
    }
    let found = findings(&case);
    assert!(
        found
            .faults
            .iter()
            .any(|fault| fault.kind == Kind::Unlisted),
        "{found:?}"
    );
}

#[test]
fn codes_of_16_bits_and_integers_of_32() {
    let mut case = case();
    case.claim.reading = Sensor::I32;
    case.claim.inputs[1].sensor = Sensor::I32;
    case.claim.inputs[1].range = (-2_147_483_648.0, 2_147_483_647.0);
    case.claim.inputs[1].coding = Coding::Affine {
        shift: -16,
        offset: 0,
    };
    case.claim.codings_are_table = false;
    let text = String::from_utf8_lossy(MODEL).replace("0.75, \"left\"", "262143, \"left\"");
    case.model = FloatModel::from_json(text.as_bytes()).unwrap();
    case.claim.certificate.flips.clear();
    case.claim.certificate.splits = Some(Level::EveryInput);
    case.rows = vec![10.0, 262_143.0, 11.0, 262_144.0];
    assert!(findings(&case).holds(), "{:?}", findings(&case).faults);
    let text = String::from_utf8_lossy(MODEL).replace("0.75, \"left\"", "262144, \"left\"");
    case.model = FloatModel::from_json(text.as_bytes()).unwrap();
    let what = findings(&case).faults[0].what.clone();
    assert!(
        what.starts_with("the readings 262144 to 262144 pass"),
        "{what}"
    );
}

#[test]
fn rows_on_both_sides_of_every_split() {
    let case = case();
    let edges = edge_rows(&case.model, &case.claim, None, &[0.0, 0.0], 100).unwrap();
    assert_eq!((edges.splits, edges.one_sided, edges.left_out), (3, 0, 0));
    let readings = edges.rows.concat();
    // The last reading of the code that goes left, and the first of the next.
    let just_below = f64::from(1.0_f32.next_down());
    assert_eq!(
        readings,
        [
            10.0, 0.0, 11.0, 0.0, 11.0, just_below, 11.0, 1.0, 0.0, just_below, 0.0, 1.0
        ]
    );
    assert_eq!(edges.scores[0], [32_768 + 16_384, 16_384]);
    let few = edge_rows(&case.model, &case.claim, None, &[0.0, 0.0], 2).unwrap();
    assert_eq!((few.splits, few.left_out), (1, 2));
}

#[test]
fn claims_survive_json() {
    let claim = case().claim;
    let text = serde_json::to_string(&claim).unwrap();
    assert_eq!(serde_json::from_str::<Claim>(&text).unwrap(), claim);
}

#[test]
fn a_header_is_read_as_memory() {
    let text = "static const uint16_t m_nodes[3] M_ROM = {\n    0x0102, 3,\n    65535,\n};\n\
                static const int32_t m_x[1] M_ROM = { -2 };\nstatic const int y = 3;\n\
                static const uint16_t m_leads[2] M_ROM = { 258, UINT16_MAX };\n";
    let memory = Memory::of_header(text, "m").unwrap();
    let leads = [2, 1, 0, 0, 255, 255, 255, 255];
    assert_eq!(memory.table("LEADS"), Some(&leads[..]));
    assert_eq!(memory.table("NODES"), Some(&[2, 1, 3, 0, 255, 255][..]));
    assert_eq!(memory.table("X"), Some(&[254, 255, 255, 255][..]));
    assert!(Memory::of_header("static const uint8_t m_a[1] M_ROM = { b };", "m").is_err());
    assert!(Memory::of_elf(b"no ELF").is_err());
}

/// Naive Bayes over the second of three features: means of 10 and 20, variances of 1.
const BAYES: &[u8] = br#"{"format": "spinney-model", "version": 1, "kind": "gaussian-nb",
    "features": [{"name": "a"}, {"name": "b"}, {"name": "c"}], "classes": ["x", "y"],
    "inputs": [1], "log_priors": [-0.6931471805599453, -0.6931471805599453],
    "means": [[10], [20]], "variances": [[1], [1]]}"#;

fn bayes_case() -> Case {
    // Scores in units of 1/256: 2896 · 2^−8 is √128 to half a bit, and 413 is 256 · (ln √2π + ln 2).
    let terms = [10_u32, 20].map(|mean| (mean << 16 | 2_896 << 4 | 8).to_le_bytes());
    let mut case = case();
    case.model = FloatModel::from_json(BAYES).unwrap();
    case.claim.code_bits = 16;
    case.claim.inputs.truncate(1);
    case.claim.inputs[0].feature = 1;
    case.claim.codings_are_table = false;
    case.claim.body = Body::GaussianNb { score_bits: 8 };
    case.claim.certificate.splits = None;
    case.claim.certificate.votes = Level::EveryRow;
    case.claim.certificate.flips.clear();
    let offsets = [413_i64; 2].map(i64::to_le_bytes).concat();
    case.memory = Memory::of_tables([("TERMS", terms.concat()), ("OFFSETS", offsets)]);
    case.rows = vec![1e30, 11.0, 5.0, 0.0, 19.0, -1e30];
    case
}

#[test]
fn naive_bayes_is_held_to_the_features_that_it_uses() {
    let found = findings(&bayes_case());
    assert!(found.holds(), "{:?}", found.faults);
    assert_eq!((found.leaves, found.rows), (2, 2));

    let mut another = bayes_case();
    another.claim.inputs[0].feature = 0;
    assert_eq!(findings(&another).faults[0].kind, Kind::Layout);
    let mut term = bayes_case();
    term.memory.table_mut("TERMS").unwrap()[2] += 3;
    assert_eq!(findings(&term).faults[0].kind, Kind::Term);
    let mut offset = bayes_case();
    offset.memory.table_mut("OFFSETS").unwrap()[0] += 3;
    assert_eq!(findings(&offset).faults[0].kind, Kind::Term);
}

/// A threshold between two of the singles in which integers of 32 bits reach the device.
const FINE: &[u8] = br#"{"format": "spinney-model", "version": 1, "kind": "decision-tree",
    "features": [{"name": "a", "compare": "float64"}], "classes": ["x", "y"], "trees": [{"nodes": [
    {"feature": 0, "threshold": -1823345698.4, "left": 1, "right": 2},
    {"value": [1, 0]}, {"value": [0, 1]}]}]}"#;

#[test]
fn integers_in_singles_are_asked_as_they_arrive() {
    let model = FloatModel::from_json(FINE).unwrap();
    let mut claim = case().claim;
    claim.code_bits = 16;
    claim.inputs.truncate(1);
    claim.inputs[0].sensor = Sensor::I32;
    claim.inputs[0].coding = Coding::Affine {
        shift: -9,
        offset: -3_564_334,
    };
    let edges = edge_rows(&model, &claim, None, &[0.0], 10).unwrap();
    assert_eq!((edges.splits, edges.classes.clone()), (1, vec![0, 1]));
    for (row, class) in edges.rows.iter().zip(&edges.classes) {
        let received = f64::from(row[0] as f32);
        assert_eq!(received <= -1_823_345_698.4, *class == 0, "{row:?}");
    }
}

/// A split both of whose sides are of one class, which tables of classes leave out.
const NEEDLESS: &[u8] = br#"{"format": "spinney-model", "version": 1, "kind": "decision-tree",
    "features": [{"name": "a"}], "classes": ["x", "y"], "trees": [{"nodes": [
    {"feature": 0, "threshold": 10.5, "left": 1, "right": 2},
    {"value": [1, 0]}, {"value": [0.75, 0.25]}]}]}"#;

#[test]
fn a_split_that_decides_nothing_parts_no_row() {
    let mut case = case();
    case.model = FloatModel::from_json(NEEDLESS).unwrap();
    case.claim.voting = Voting::Hard;
    case.claim.inputs.truncate(1);
    // No reading of the range goes left, but one of the rows does.
    case.claim.inputs[0].range = (11.0, 255.0);
    case.claim.codings_are_table = false;
    let Body::Forest { order, leaves, .. } = &mut case.claim.body else {
        unreachable!()
    };
    (*order, *leaves) = (vec![0], None);
    case.claim.certificate.splits = Some(Level::EveryInput);
    case.claim.certificate.flips.clear();
    case.memory = Memory::of_tables([
        ("NODES", [&[0][..], &split(0, 3, 0, 10)].concat()),
        ("STARTS", 0_u32.to_le_bytes().to_vec()),
    ]);
    case.rows = vec![10.0, 11.0];
    let found = findings(&case);
    assert!(found.holds(), "{:?}", found.faults);
    assert_eq!(found.rows, 2);
}

#[test]
fn a_header_has_words_for_the_lowest_integers() {
    let text = "static const int16_t m_cuts[2] = {INT16_MIN, -1};\n\
                static const int32_t m_offsets[1] = {INT32_MIN};\n";
    let memory = Memory::of_header(text, "m").expect("integers");
    assert_eq!(memory.table("CUTS"), Some(&[0, 0x80, 0xff, 0xff][..]));
    assert_eq!(memory.table("OFFSETS"), Some(&[0, 0, 0, 0x80][..]));
}

/// The case with its trees as two levels each: the second tree asks its one twice.
fn levels(is_numbered: bool) -> Case {
    let mut case = case();
    let numbers = [0, 0, 1, 2, 3, 3, 2, 2];
    let Body::Forest { layout, .. } = &mut case.claim.body else {
        unreachable!()
    };
    *layout = Some(Layout {
        first_bit: 0,
        split_bits: 16,
        start_unit: 1,
        input: field(0, 8),
        threshold: field(8, 8),
        is_signed: false,
        threshold_base: 0,
        children: Children::Levels {
            depth: 2,
            number_bytes: is_numbered.into(),
        },
    });
    *table(&mut case, "NODES") = vec![0, 10, 1, 3, 1, 3, 1, 3];
    *table(&mut case, "STARTS") = [0_u32, 1].map(u32::to_le_bytes).concat();
    let tables = ["NODES", "STARTS", "LEAVES", "CODINGS"];
    let mut tables = tables
        .map(|name| (name, table(&mut case, name).clone()))
        .to_vec();
    if is_numbered {
        tables.push(("NUMBERS", numbers.to_vec()));
    } else {
        let leaves = &tables[2].1;
        let row = |at: &u8| leaves[4 * usize::from(*at)..][..4].to_vec();
        tables[2].1 = numbers.iter().flat_map(row).collect();
    }
    case.memory = match <[_; 5]>::try_from(tables.clone()) {
        Ok(tables) => Memory::of_tables(tables),
        Err(_) => Memory::of_tables(<[_; 4]>::try_from(tables).unwrap()),
    };
    case
}

#[test]
fn levels_are_held_to_trees() {
    for is_numbered in [false, true] {
        let found = findings(&levels(is_numbered));
        assert!(found.holds(), "{:?}", found.faults);
        assert_eq!((found.splits, found.leaves, found.rows), (3, 5, 4));
        assert_eq!(found.notes, [""; 0]);
        let planted: [Planted; 5] = [
            ("a threshold", Kind::Unlisted, |it| {
                table(it, "NODES")[3] = 2
            }),
            ("a feature", Kind::Split, |it| table(it, "NODES")[0] = 1),
            ("a level less", Kind::Layout, |it| {
                table(it, "NODES").truncate(6)
            }),
            ("the wrong tree", Kind::Layout, |it| {
                table(it, "STARTS")[4] = 0
            }),
            ("leaves exchanged", Kind::Leaf, |it| {
                match it.memory.table("NUMBERS") {
                    Some(_) => table(it, "NUMBERS").swap(2, 3),
                    None => table(it, "LEAVES")[8..16].rotate_left(4),
                }
            }),
        ];
        for (name, kind, plant) in planted {
            let mut case = levels(is_numbered);
            plant(&mut case);
            let found = findings(&case);
            assert!(
                found.faults.iter().any(|fault| fault.kind == kind),
                "{name}: {:?}",
                found.faults
            );
        }
    }
}
