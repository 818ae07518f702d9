//! Random forests over integer codes, of any shape, and rows of codes that lie where they decide.

use spinney_model::{
    Additive, AdditiveKind, FloatModel, Forest, ForestKind, Link, Node, Precision, Schema, Sum,
    Task, Tree, Voting,
};
use spinney_quantize::{
    CodeWidth, CodingChoice, Declared, Options, QuantModel, ReadingType, Sensor, Votes, calibrate,
};

/// Numbers from a seed, by `SplitMix64`.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }

    pub fn within(&mut self, (lowest, highest): (i16, i16)) -> i16 {
        let span = usize::from(highest.abs_diff(lowest)) + 1;
        let offset = i32::try_from(self.below(span)).expect("17 bits");
        i16::try_from(i32::from(lowest) + offset).expect("between two of 16 bits")
    }
}

/// What a forest is to look like.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub n_features: usize,
    pub n_classes: usize,
    pub n_trees: usize,
    /// Splits of a tree, at most; some trees have fewer, one in eight is a leaf.
    pub splits_max: usize,
    /// Splits on a path, at most.
    pub depth_max: usize,
    /// Distinct leaves, about.
    pub n_leaves: usize,
    /// Lowest and highest threshold.
    pub thresholds: (i16, i16),
    /// Whether each tree is one long path with leaves beside it.
    pub is_chain: bool,
    /// Whether all splits of a level ask the same.
    pub is_symmetric: bool,
    pub seed: u64,
}

/// What leaves hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Hard,
    Bytes,
    Words,
    /// Values that are added, in bytes: one output of two classes, else a tree per class.
    SumsOfBytes,
    /// The same in words.
    Sums,
    /// One target, in words.
    Values,
    /// The same in 32 bits.
    LongValues,
}

/// A quantized forest whose thresholds are integers and whose codes are the readings.
pub fn model(shape: &Shape, kind: Kind) -> QuantModel {
    let is_byte = shape.thresholds.0 >= 0 && shape.thresholds.1 < 255;
    let declared = Declared {
        // Wide readings against narrow thresholds are clamped into codes of 8 bits.
        sensor: Some(if is_byte && shape.seed % 2 == 1 {
            Sensor::U8
        } else {
            Sensor::I16
        }),
        coding: CodingChoice::Identity,
        ..Declared::default()
    };
    let model = quantized(&float(shape, kind), &vec![declared; shape.n_features], kind);
    assert!(model.code_bits() == 8 || !is_byte);
    model
}

/// The float model of a forest whose thresholds are integers.
pub fn float(shape: &Shape, kind: Kind) -> FloatModel {
    let mut random = Random(shape.seed);
    let classes = (0..shape.n_classes).map(|index| format!("c{index}"));
    let schema = Schema::unnamed(shape.n_features, classes.collect()).expect("a schema");
    match kind {
        Kind::Values | Kind::LongValues => {
            let (features, naming) = (schema.features().to_vec(), schema.naming());
            let schema = Schema::of_targets(features, naming, vec!["value".to_owned()]);
            let schema = schema.expect("a schema");
            return sum(&mut random, shape, schema);
        }
        Kind::SumsOfBytes | Kind::Sums => {
            return sum(&mut random, shape, schema);
        }
        Kind::Hard | Kind::Bytes | Kind::Words => {}
    }
    let leaves: Vec<Vec<f64>> = (0..shape.n_leaves)
        .map(|_| proportions(&mut random, shape.n_classes))
        .collect();
    let trees = (0..shape.n_trees)
        .map(|_| Tree::new(nodes(&mut random, shape, &leaves), &schema).expect("a tree"))
        .collect();
    let kind_of_forest = if shape.n_trees == 1 {
        ForestKind::DecisionTree
    } else {
        ForestKind::RandomForest
    };
    let forest = Forest::new(kind_of_forest, schema, trees).expect("a forest");
    FloatModel::Forest(forest)
}

/// An ensemble that adds, with a base that leaves have to take.
fn sum(random: &mut Random, shape: &Shape, schema: Schema) -> FloatModel {
    let n_outputs = match schema.outputs().len() {
        2 => 1,
        n => n,
    };
    let number = |random: &mut Random| f64::from(random.within((-1_000, 1_000))) / 256.0;
    let leaves: Vec<Vec<f64>> = (0..shape.n_leaves).map(|_| vec![number(random)]).collect();
    let trees = (0..shape.n_trees)
        .map(|tree| {
            let nodes = nodes(random, shape, &leaves);
            let output = (n_outputs > 1).then_some(tree % n_outputs);
            Tree::additive(nodes, &schema, n_outputs, output).expect("a tree")
        })
        .collect();
    let sum = Sum {
        precision: Precision::Float64,
        base: (0..n_outputs).map(|_| number(random)).collect(),
        divisor: 1.0,
    };
    let link = match n_outputs {
        _ if schema.task() == Task::Regress => Link::Identity,
        1 => Link::Sigmoid { scale: 1.0 },
        _ => Link::Softmax,
    };
    let kind = AdditiveKind::Additive;
    FloatModel::Additive(Additive::new(kind, schema, trees, sum, link, None).expect("a sum"))
}

/// The model in fixed point, its features declared.
pub fn quantized(model: &FloatModel, declared: &[Declared], kind: Kind) -> QuantModel {
    let calibrations = calibrate(model, None, declared).expect("readings of these types");
    let options = Options {
        voting: match kind {
            Kind::Hard => Voting::Hard,
            _ => Voting::Soft,
        },
        votes: match kind {
            Kind::Bytes | Kind::SumsOfBytes => Votes::Byte,
            Kind::Hard | Kind::Words | Kind::Sums | Kind::Values => Votes::Q15,
            Kind::LongValues => Votes::Word,
        },
        codes: CodeWidth::Auto,
        wants_scores: true,
    };
    QuantModel::new(model, &calibrations, options, None).expect("a model that fits")
}

/// Multiples of 1/16 that add up to one; often two classes share the lead, or one has all.
fn proportions(random: &mut Random, n_classes: usize) -> Vec<f64> {
    let mut parts = vec![0_u8; n_classes];
    for _ in 0..[1, 2, 16][random.below(3)] {
        parts[random.below(n_classes)] += 1;
    }
    let total: u8 = parts.iter().sum();
    parts
        .into_iter()
        .map(|part| f64::from(part) / f64::from(total))
        .collect()
}

/// A random tree, its nodes in no special order but the root first.
fn nodes(random: &mut Random, shape: &Shape, leaves: &[Vec<f64>]) -> Vec<Node> {
    let leaf = |random: &mut Random| Node::Leaf(leaves[random.below(leaves.len())].clone());
    let n_splits = match random.below(8) {
        0 => 0,
        1 => random.below(shape.splits_max + 1),
        _ => shape.splits_max,
    };
    let levels: Vec<(usize, f64)> = (0..shape.depth_max * usize::from(shape.is_symmetric))
        .map(|_| {
            let feature = random.below(shape.n_features);
            (feature, f64::from(random.within(shape.thresholds)) + 0.5)
        })
        .collect();
    let mut nodes = vec![leaf(random)];
    // Leaves that may still become splits, and the splits above them.
    let mut open = vec![(0_usize, 0_usize)];
    for _ in 0..n_splits {
        if open.is_empty() {
            break;
        }
        let at = if shape.is_chain {
            open.len() - 1 - random.below(open.len().min(2))
        } else {
            random.below(open.len())
        };
        let (index, depth) = open.swap_remove(at);
        let left = u32::try_from(nodes.len()).expect("few nodes");
        let (feature, threshold) = match levels.get(depth) {
            Some(level) => *level,
            None => (
                random.below(shape.n_features),
                f64::from(random.within(shape.thresholds)) + 0.5,
            ),
        };
        nodes[index] = Node::at_most(
            u32::try_from(feature).expect("16 bits"),
            threshold,
            None,
            [left, left + 1],
        );
        nodes.extend([leaf(random), leaf(random)]);
        if depth + 1 < shape.depth_max {
            let first = nodes.len() - 2;
            open.extend([(first, depth + 1), (first + 1, depth + 1)]);
        }
    }
    nodes
}

/// Rows of codes: extremes, thresholds and their neighbours, and anything.
pub fn rows(model: &QuantModel, n_rows: usize, seed: u64) -> Vec<Vec<i16>> {
    let Some(forest) = model.forest() else {
        return Vec::new();
    };
    let mut random = Random(seed);
    let n_features = model.schema().n_features();
    let mut thresholds = vec![Vec::new(); n_features];
    for split in forest.splits() {
        thresholds[usize::from(split.feature)].push(split.threshold);
    }
    let extremes = if model.reading_type() == ReadingType::U8 {
        (0, 255)
    } else {
        (i16::MIN, i16::MAX)
    };
    let mut code = |cuts: &Vec<i16>| {
        let any = random.within(extremes);
        let cut = cuts.get(random.below(cuts.len().max(1))).unwrap_or(&any);
        let code = match random.below(9) {
            0 => extremes.0,
            1 => extremes.1,
            2 => any,
            3 | 4 => *cut,
            5 | 6 => cut.saturating_add(1),
            _ => cut.saturating_sub(1),
        };
        code.clamp(extremes.0, extremes.1)
    };
    let random_rows: Vec<Vec<i16>> = (0..n_rows)
        .map(|_| thresholds.iter().map(&mut code).collect())
        .collect();
    [extremes.0, extremes.1]
        .into_iter()
        .map(|code| vec![code; n_features])
        .chain(random_rows)
        .collect()
}
