//! Random ensembles whose readings may be missing and whose splits ask for sets of categories, with
//! rows of them; tests of several crates share this file.

use std::fmt::Write;

use spinney_model::FloatModel;
use spinney_quantize::{CodingChoice, Declared, Missing, Sensor};

/// A model, what is declared of its features, and rows in float, where NaN is missing.
pub struct Case {
    pub model: FloatModel,
    pub declared: Vec<Declared>,
    pub rows: Vec<Vec<f64>>,
}

/// SplitMix64.
pub struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).expect("below n")
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

/// What a feature's readings are.
#[derive(Clone)]
struct Kind {
    declared: Declared,
    /// Thresholds to split at, and readings around them; none of categories.
    thresholds: Vec<f64>,
    n_categories: u32,
    has_gaps: bool,
}

fn kind(random: &mut Random) -> Kind {
    let codings = [CodingChoice::Auto, CodingChoice::Rank, CodingChoice::Affine];
    let sensor = random.pick(&[
        Sensor::U8,
        Sensor::I16,
        Sensor::I32,
        Sensor::F32,
        Sensor::F32,
    ]);
    let n_categories = match random.below(3) {
        0 => random.pick(&[1, 2, 7, 8, 9, 40, 300]),
        _ => 0,
    };
    let n_categories = if sensor == Sensor::U8 {
        n_categories.min(200)
    } else {
        n_categories
    };
    let missing = match (random.below(4), sensor) {
        (0, _) => None,
        (1, Sensor::F32) => Some(Missing::Nan),
        (_, Sensor::U8) => Some(Missing::Number(random.pick(&[0.0, 17.0, 254.0, 255.0]))),
        (_, Sensor::I16) => Some(Missing::Number(
            random.pick(&[-32_768.0, -1.0, 3.0, 32_767.0]),
        )),
        (_, Sensor::F32) => Some(Missing::Number(random.pick(&[-999.0, 3.5, 1e30]))),
        _ => Some(Missing::Number(random.pick(&[
            f64::from(i32::MIN),
            -1.0,
            1e6,
        ]))),
    };
    // Places of categories are never missing.
    let missing = match missing {
        Some(Missing::Number(number)) if n_categories > 0 && number >= 0.0 => None,
        other => other,
    };
    let (low, high) = sensor.integers().unwrap_or((-1000.0, 1000.0));
    let thresholds = (0..3 + random.below(6))
        .map(|_| {
            let whole = (random.below(600) as f64 - 300.0).clamp(low - 1.0, high + 1.0);
            match random.below(12) {
                0 => low - 0.5,
                1 => high,
                2 => -f64::MAX,
                3 => f64::MAX,
                4..8 => whole + 0.5,
                _ => whole,
            }
        })
        .collect();
    Kind {
        declared: Declared {
            sensor: Some(sensor),
            range: (sensor == Sensor::F32 && n_categories == 0).then_some((-400.0, 400.0)),
            coding: if n_categories > 0 {
                CodingChoice::Auto
            } else {
                random.pick(&codings)
            },
            missing,
            n_categories,
        },
        thresholds: if n_categories > 0 {
            Vec::new()
        } else {
            thresholds
        },
        n_categories,
        has_gaps: missing.is_some() || sensor == Sensor::F32,
    }
}

fn tree(random: &mut Random, kinds: &[Kind], n_values: usize, is_sum: bool) -> String {
    let n_splits = random.below(12);
    let mut nodes = vec![String::new()];
    let mut open = vec![0];
    for _ in 0..n_splits {
        let at = open.swap_remove(random.below(open.len()));
        let feature = random.below(kinds.len());
        let kind = &kinds[feature];
        let test = if kind.n_categories > 0 {
            let members: Vec<String> = (0..kind.n_categories)
                .filter(|_| random.below(3) == 0)
                .map(|category| category.to_string())
                .collect();
            match members.is_empty() {
                true => r#""categories":[0]"#.to_owned(),
                false => format!(r#""categories":[{}]"#, members.join(",")),
            }
        } else {
            format!(r#""threshold":{:?}"#, random.pick(&kind.thresholds))
        };
        let missing = random.pick(&["", r#","missing":"left""#, r#","missing":"right""#]);
        let (left, right) = (nodes.len(), nodes.len() + 1);
        nodes[at] =
            format!(r#"{{"feature":{feature},{test}{missing},"left":{left},"right":{right}}}"#);
        nodes.extend([String::new(), String::new()]);
        open.extend([left, right]);
    }
    for at in open {
        let values: Vec<f64> = if is_sum {
            (0..n_values)
                .map(|_| random.below(4001) as f64 / 1000.0 - 2.0)
                .collect()
        } else {
            let share = random.below(1001) as f64 / 1000.0;
            vec![share, 1.0 - share]
        };
        nodes[at] = format!(r#"{{"value":{values:?}}}"#);
    }
    format!(r#"{{"nodes":[{}]}}"#, nodes.join(","))
}

/// The case of a seed: a forest that votes, or a sum for classes or values.
pub fn case(seed: u64, n_rows: usize) -> Case {
    let random = &mut Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let kinds: Vec<Kind> = (0..1 + random.below(5)).map(|_| kind(random)).collect();
    let n_trees = 1 + random.below(8);
    let form = random.below(3);
    let n_values = if form == 0 { 1 } else { 2 };
    let trees: Vec<String> = (0..n_trees)
        .map(|_| tree(random, &kinds, n_values, form != 2))
        .collect();
    let head = match form {
        0 => {
            r#""kind":"additive","task":"regress","targets":["kW"],"link":{"function":"identity"},"sum":{"precision":"float64","base":[0.5]}"#
        }
        1 => {
            r#""kind":"additive","task":"classify","classes":["no","yes"],"link":{"function":"softmax"},"sum":{"precision":"float64","base":[0.5,0.25]}"#
        }
        _ => r#""kind":"random-forest","classes":["no","yes"]"#,
    };
    let mut features = String::new();
    for feature in 0..kinds.len() {
        let compare = random.pick(&["float32", "float64"]);
        let _ = write!(
            features,
            r#",{{"name":"f{feature}","compare":"{compare}"}}"#
        );
    }
    let text = format!(
        r#"{{"format":"spinney-model","version":2,"features":[{}],{head},"trees":[{}]}}"#,
        &features[1..],
        trees.join(",")
    );
    Case {
        model: FloatModel::from_json(text.as_bytes()).expect("a model"),
        declared: kinds.iter().map(|kind| kind.declared).collect(),
        rows: (0..n_rows)
            .map(|_| kinds.iter().map(|kind| reading(random, kind)).collect())
            .collect(),
    }
}

/// A reading that the feature's sensor delivers; NaN where it is missing.
fn reading(random: &mut Random, kind: &Kind) -> f64 {
    let sensor = kind.declared.sensor.expect("declared");
    if kind.has_gaps && random.below(4) == 0 {
        return f64::NAN;
    }
    let reading = if kind.n_categories > 0 {
        let known = random.below(kind.n_categories as usize + 2) as f64;
        random.pick(&[
            known,
            known,
            known,
            known + 0.5,
            255.0,
            65_534.0,
            70_000.0,
            -1.0,
        ])
    } else {
        let near = random.pick(&kind.thresholds);
        near + random.pick(&[-1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 40.0])
    };
    #[expect(clippy::cast_possible_truncation, reason = "what a sensor delivers")]
    let delivered = match sensor.integers() {
        Some((low, high)) => reading.clamp(low, high).floor(),
        None => f64::from(reading.clamp(-1e38, 1e38) as f32),
    };
    match kind.declared.missing {
        Some(Missing::Number(number)) if number == delivered => f64::NAN,
        _ => delivered,
    }
}
