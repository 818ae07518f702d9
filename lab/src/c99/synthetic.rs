//! Forests that no data set gives, for the forms that need them, and readings at the edges of their
//! types.

use spinney_codegen::{Encoding, Options as Form};
use spinney_model::{Node, Voting};
use spinney_quantize::{CodingChoice, ReadingType, Sensor, Votes};

use super::cases::{Case, early, forest_of, quantize, sensors};
use spinney_pipeline::failure::Failure;

const N_ROWS: usize = 200;
const N_HOSTILE: usize = 400;

/// Knuth's MMIX generator: the same numbers everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// What a forest is made of.
struct Shape {
    n_trees: usize,
    n_splits: usize,
    n_features: u64,
    n_classes: u64,
    /// Thresholds lie within it, halves.
    range: (i64, i64),
    /// Whether all splits of a level ask the same.
    is_symmetric: bool,
}

/// One case for each form and type of readings that the data sets leave out.
pub(super) fn cases() -> Result<Vec<Case>, Failure> {
    let (wide_form, exit) = (Form::plain(), early(Form::plain()));
    let shape = Shape {
        n_trees: 12,
        n_splits: 60,
        n_features: 40,
        n_classes: 5,
        range: (-30_000, 30_000),
        is_symmetric: false,
    };
    let many_features = Shape {
        n_features: 300,
        n_classes: 20,
        ..shape
    };
    // Feature and leaf together leave a word of 32 bits too little.
    let more = Shape {
        n_features: 600,
        n_classes: 40,
        ..shape
    };
    let many_leaves = Shape {
        n_trees: 20,
        n_splits: 40,
        n_features: 600,
        n_classes: 3,
        ..shape
    };
    let symmetric = Shape {
        n_splits: 31,
        is_symmetric: true,
        ..shape
    };
    let (hard, soft) = (Voting::Hard, Voting::Soft);
    let nested = Form {
        encoding: Encoding::Branches,
        ..exit
    };
    let (i16s, i32s, f32s) = (Sensor::I16, Sensor::I32, Sensor::F32);
    let (auto, affine, rank) = (CodingChoice::Auto, CodingChoice::Affine, CodingChoice::Rank);
    [
        ("words-i16", &shape, i16s, auto, hard, exit),
        ("words-and-more-i16", &more, i16s, auto, hard, exit),
        ("many-leaves-i16", &many_leaves, i16s, auto, soft, exit),
        ("branches-i16", &many_leaves, i16s, auto, soft, nested),
        ("affine-i32", &shape, i32s, affine, hard, wide_form),
        ("rank-i32", &many_features, i32s, rank, hard, exit),
        ("levels-i16", &symmetric, i16s, auto, hard, exit),
        ("levels-f32", &symmetric, f32s, rank, soft, exit),
        ("affine-f32", &shape, f32s, affine, soft, exit),
        ("rank-f32", &shape, f32s, rank, soft, nested),
    ]
    .into_iter()
    .zip(1..)
    .map(|((name, shape, sensor, coding, voting, form), seed)| {
        let mut random = Random(seed);
        let n_features = usize::try_from(shape.n_features).unwrap_or(0);
        let trees = (0..shape.n_trees).map(|_| nodes(shape, voting, &mut random));
        let model = forest_of(n_features, shape.n_classes, trees)?;
        let declared = sensors(sensor, (-32_768.0, 32_767.0), coding, n_features);
        let rows: Vec<Vec<f64>> = (0..N_ROWS)
            .map(|_| {
                (0..n_features)
                    .map(|_| random.below(65_536) as f64 - 32_768.0)
                    .collect()
            })
            .collect();
        Ok(Case {
            name: name.to_owned(),
            quant: quantize(&model, &declared, voting, Votes::Q15, form, None)?,
            form,
            n_test_rows: rows.len(),
            rows,
        })
    })
    .collect()
}

/// The nodes of a tree that is grown at random.
fn nodes(shape: &Shape, voting: Voting, random: &mut Random) -> Vec<Node> {
    // A split in place of a random leaf, again and again; children are later nodes.
    let mut nodes: Vec<Option<[u32; 2]>> = vec![None];
    for left in (1..).step_by(2).take(shape.n_splits) {
        let leaves: Vec<usize> = (0..nodes.len()).filter(|at| nodes[*at].is_none()).collect();
        // The first leaf is one of the lowest level.
        let at = match shape.is_symmetric {
            true => leaves[0],
            false => leaves[usize::try_from(random.below(leaves.len() as u64)).unwrap_or(0)],
        };
        nodes[at] = Some([left, left + 1]);
        nodes.extend([None, None]);
    }
    let (low, high) = shape.range;
    let mut asked = (0, 0.0);
    let node = |(number, children): (usize, Option<[u32; 2]>)| {
        let Some(children) = children else {
            return leaf(shape.n_classes, voting, random);
        };
        if number.is_power_of_two() || !shape.is_symmetric {
            let threshold = low as f64 + random.below(high.abs_diff(low)) as f64;
            let feature = random.below(shape.n_features);
            asked = (
                u32::try_from(feature).unwrap_or(0),
                threshold + 0.5_f64.copysign(threshold),
            );
        }
        Node::at_most(asked.0, asked.1, None, children)
    };
    (1..).zip(nodes).map(node).collect()
}

fn leaf(n_classes: u64, voting: Voting, random: &mut Random) -> Node {
    let chosen = random.below(n_classes);
    let share = match voting {
        Voting::Hard => 1.0,
        // Sixty-fourths are exact.
        Voting::Soft => (33 + random.below(31)) as f64 / 64.0,
    };
    let other = (chosen + 1 + random.below(n_classes - 1)) % n_classes;
    let vote = |class| match class {
        _ if class == chosen => share,
        _ if class == other => 1.0 - share,
        _ => 0.0,
    };
    Node::Leaf((0..n_classes).map(vote).collect())
}

/// Rows of readings at the edges of their type, and of random bits.
pub(super) fn hostile(reading_type: ReadingType, n_features: usize) -> Vec<Vec<f64>> {
    let mut random = Random(7);
    (0..N_HOSTILE)
        .map(|_| {
            (0..n_features)
                .map(|_| match reading_type {
                    ReadingType::U8 => random.below(256) as f64,
                    ReadingType::I16 => random.below(65_536) as f64 - 32_768.0,
                    ReadingType::I32 => integer(&mut random),
                    ReadingType::F32 => single(&mut random),
                })
                .collect()
        })
        .collect()
}

fn integer(random: &mut Random) -> f64 {
    match random.below(8) {
        0 => f64::from(i32::MIN),
        1 => f64::from(i32::MAX),
        2 | 3 => random.below(1 << 17) as f64 - 65_536.0,
        _ => random.below(1 << 31) as f64 * 2.0 - 2_147_483_648.0,
    }
}

fn single(random: &mut Random) -> f64 {
    const EDGES: [f32; 11] = [
        f32::NAN,
        -f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE,
        -f32::MIN_POSITIVE,
        1e-45,
        0.0,
        -0.0,
    ];
    let bits = u32::try_from(random.below(1 << 16) << 16 | random.below(1 << 16)).unwrap_or(0);
    let value = match random.below(4) {
        0 => EDGES[usize::try_from(random.below(10)).unwrap_or(0)],
        // Any exponent from 2^-7 to 2^24 and any sign.
        1 | 2 => f32::from_bits(bits & 0x807f_ffff | (120 + bits % 32) << 23),
        _ => f32::from_bits(bits),
    };
    f64::from(value)
}
