//! A batch's trees, handed over to the checker as they lie in memory.

use spinney_checker::{
    Body, Certificate, Children, Claim, Coding, FORMAT, Field, Input, Kind, Layout, LeafTable,
    Memory, Sensor, VERSION, check,
};
use spinney_dataset::csv;
use spinney_model::{ForestKind, Voting};
use spinney_quantize::{
    CodeWidth, Declared, Leaves, Options, QuantModel, Votes, calibrate, certify,
};
use spinney_train::ForestParams;

use crate::forest::Forest;
use crate::ranks::Ranks;
use crate::trees::Nodes;

const LEAF: u16 = 0x8000;

/// A single as an integer in the order of its value.
fn key(reading: f32) -> i32 {
    let magnitude = reading.abs().to_bits().cast_signed();
    if reading < 0.0 { -magnitude } else { magnitude }
}

/// A tree's splits in preorder, eight bytes each; a threshold is its rank among a feature's cuts, as it is
/// in `ranked`.
fn write(
    (nodes, ranked): (&Nodes<f32>, &Nodes<u8>),
    first: usize,
    cuts: &[Vec<i32>],
) -> (Vec<u8>, u16) {
    let mut splits: Vec<[u16; 4]> = Vec::new();
    let mut root = 0;
    // Nodes to write, each with the split and side that lead to it.
    let mut stack: Vec<(usize, Option<(usize, usize)>)> = vec![(first, None)];
    while let Some((at, parent)) = stack.pop() {
        let child = match nodes.stands(at) {
            Err(leaf) => {
                assert_eq!(ranked.stands(at), Err(leaf));
                LEAF | leaf
            }
            Ok((feature, threshold, left)) => {
                let index = splits.len();
                let cuts = &cuts[usize::from(feature)];
                let rank = cuts.partition_point(|cut| *cut < key(threshold));
                let byte = u8::try_from(rank).unwrap();
                assert_eq!(ranked.stands(at), Ok((feature, byte, left)));
                splits.push([feature, byte.into(), 0, 0]);
                stack.push((left + 1, Some((index, 3))));
                stack.push((left, Some((index, 2))));
                u16::try_from(index).unwrap()
            }
        };
        match parent {
            Some((split, place)) => splits[split][place] = child,
            None => root = child,
        }
    }
    let bytes = splits.as_flattened().iter();
    (bytes.flat_map(|half| half.to_le_bytes()).collect(), root)
}

#[test]
fn readings_are_parted_where_the_certificate_says() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/iris.csv");
    let rows = csv::read(&std::fs::read(file).unwrap(), "species").unwrap();
    let params = ForestParams::new(ForestKind::RandomForest, 20, 42);
    let float = spinney_train::forest(&rows, &params, &|_, _| {}).unwrap();
    let declared = vec![Declared::default(); float.schema().n_features()];
    let calibrations = calibrate(&float, Some(rows.values().view()), &declared).unwrap();
    let options = Options {
        voting: Voting::Soft,
        votes: Votes::Q15,
        codes: CodeWidth::Auto,
        wants_scores: true,
    };
    let quant = QuantModel::new(&float, &calibrations, options, Some(&rows)).unwrap();
    let certificate = certify(&float, &quant, &calibrations, Voting::Soft, &rows);
    let certificate: Certificate =
        serde_json::from_value(serde_json::to_value(&certificate).unwrap()).unwrap();
    let Some(body) = quant.forest() else {
        panic!("a forest");
    };
    let Leaves::Words(votes) = body.leaves() else {
        panic!("votes in Q15");
    };
    let forest = Forest::<f32>::new(&quant, body);
    let nodes = forest.of_readings().expect("readings that are no bytes");
    let (_, ranked) = Ranks::new(nodes).expect("few thresholds");

    // What a batch compares are readings, so that its thresholds are the cuts of ranks.
    let mut cuts: Vec<Vec<i32>> = vec![Vec::new(); float.schema().n_features()];
    let (_, trees) = nodes.roots().split_last().unwrap();
    let mut places = trees.to_vec();
    while let Some(at) = places.pop() {
        if let Ok((feature, threshold, left)) = nodes.stands(at) {
            cuts[usize::from(feature)].push(key(threshold));
            places.extend([left, left + 1]);
        }
    }
    for cuts in &mut cuts {
        cuts.sort_unstable();
        cuts.dedup();
    }
    let mut splits = Vec::new();
    let mut heads = Vec::new();
    for first in trees {
        let (bytes, root) = write((nodes, &ranked), *first, &cuts);
        heads.extend(u32::try_from(splits.len() / 8).unwrap().to_le_bytes());
        heads.extend(u32::from(root).to_le_bytes());
        splits.extend(bytes);
    }
    let leaves = votes.iter().flat_map(|vote| vote.to_le_bytes()).collect();
    let field = |at: usize| Field { at, bits: 16 };
    let claim = Claim {
        format: FORMAT.to_owned(),
        version: VERSION,
        model: "iris".to_owned(),
        voting: Voting::Soft,
        reading: Sensor::F32,
        code_bits: 16,
        inputs: cuts
            .into_iter()
            .zip(&calibrations)
            .enumerate()
            .map(|(feature, (cuts, calibration))| Input {
                feature,
                sensor: Sensor::F32,
                range: calibration.inputs(),
                coding: Coding::Rank { cuts },
                missing: None,
            })
            .collect(),
        codings_are_table: false,
        margin: None,
        outliers: None,
        body: Body::Forest {
            order: (0..trees.len()).collect(),
            layout: Some(Layout {
                first_bit: 0,
                split_bits: 64,
                start_unit: 1,
                input: field(0),
                threshold: field(16),
                is_signed: true,
                threshold_base: 0,
                children: Children::Numbered {
                    sides: [field(32), field(48)],
                },
            }),
            leaves: Some(LeafTable {
                vote_bytes: 2,
                stride: float.schema().n_classes(),
                unit: 32_768,
            }),
            exit_margin: 1.0,
            sums: None,
        },
        certificate,
    };
    let values: Vec<f64> = rows.values().iter().copied().collect();
    let mut memory = Memory::of_tables([("SPLITS", splits), ("TREES", heads), ("LEAVES", leaves)]);
    let found = check(&float, "iris", &claim, &memory, &values);
    assert!(found.holds(), "{:?}", found.faults);
    assert!(found.splits > 50 && found.rows == rows.n_rows());

    memory.table_mut("SPLITS").unwrap()[2] ^= 1;
    let found = check(&float, "iris", &claim, &memory, &values);
    assert_eq!(found.faults[0].kind, Kind::Unlisted);
}
