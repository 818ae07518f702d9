//! From bytes to a model, and all the way down: calibrated, quantized, certified, written as Rust and
//! as C, and checked. The fuzz target is `whole`.
//!
//! Bytes are fields of models and configs, which are mostly in range, so that most inputs come all the
//! way; one field in many is any number.

use ndarray::Array2;
use spinney_checker as checker;
use spinney_codegen::{
    self as codegen, CodeType, Encoded, Encoding, Identity, Options as Codegen, Origin, c99,
    drop_in,
};
use spinney_dataset::{Dataset, Rows};
use spinney_model::{
    Additive, AdditiveKind, FloatModel, Forest, ForestKind, GaussianNb, Link, Node, Precision,
    Schema, Sum, Test, Tree, Voting,
};
use spinney_quantize::{
    Calibration, Certificate, CodeWidth, CodingChoice, Declared, Level, Options, QuantModel,
    Sensor, Votes, calibrate, certify, is_within_bound,
};

/// How far an input came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// The bytes are no model or no rows.
    Nothing,
    /// A model whose declared features do not fit it.
    Model,
    /// A model that was calibrated and does not fit fixed point.
    Calibrated,
    /// All the way.
    Checked,
}

/// Takes a model of `bytes` all the way.
///
/// # Panics
/// If something that follows from the certificate does not hold, or the checker refutes it.
pub fn whole(bytes: &[u8]) -> Reached {
    let mut source = Source(bytes);
    let (n_features, n_classes) = (1 + source.below(6), 2 + source.below(4));
    let classes = (0..n_classes).map(|class| format!("c{class}")).collect();
    let schema = Schema::unnamed(n_features, classes).expect("a small schema");
    let declared: Vec<Declared> = (0..n_features).map(|_| source.declared()).collect();
    let (voting, options, codegen) = source.options();
    let kind = source.next();
    let Some(rows) = source.rows(n_features, n_classes) else {
        return Reached::Nothing;
    };
    let model = match kind {
        _ if kind % 4 == 0 => source.bayes(schema),
        192.. => source.sum(schema),
        _ => source.forest(schema),
    };
    let Some(model) = model else {
        return Reached::Nothing;
    };
    let train = (source.below(3) > 0).then_some(&rows);
    let values = train.map(|rows| rows.values().view());
    let Ok(calibrations) = calibrate(&model, values, &declared) else {
        return Reached::Model;
    };
    // A certificate speaks of what sensors deliver.
    let delivers = |feature: usize, reading: f64| match calibrations[feature].sensor.integers() {
        Some((low, high)) => reading.fract() == 0.0 && (low..=high).contains(&reading),
        None => reading.abs() <= f64::from(f32::MAX),
    };
    let mut readings = rows.values().indexed_iter();
    if !readings.all(|((_, feature), reading)| delivers(feature, *reading)) {
        return Reached::Model;
    }
    let Ok(quant) = QuantModel::new(&model, &calibrations, options, train) else {
        return Reached::Calibrated;
    };
    let certificate = certify(&model, &quant, &calibrations, voting, &rows);
    held(&model, &quant, &certificate, voting, &rows);
    let quant = match source.below(3) {
        // Sums of too many bits have none.
        0 => quant.clone().with_probabilities().unwrap_or(quant),
        _ => quant,
    };
    written(
        &model,
        &quant,
        &calibrations,
        &certificate,
        voting,
        codegen,
        &rows,
    );
    Reached::Checked
}

/// Holds rows to what is certified of them.
fn held(
    model: &FloatModel,
    quant: &QuantModel,
    certificate: &Certificate,
    voting: Voting,
    rows: &Dataset,
) {
    let listed = certificate.listed_rows();
    for (index, row) in rows.values().rows().into_iter().enumerate() {
        let row = row.to_vec();
        let codes = quant.codes(&row);
        let scores = quant.scores(&codes);
        let class = quant.predict(&row);
        assert!(class < scores.len());
        let _ = is_within_bound(model, quant, voting, &row, &codes);
        let are_votes_exact = certificate.votes == Level::EveryInput;
        if let (FloatModel::Forest(forest), true) = (model, are_votes_exact)
            && !listed.contains(&index)
        {
            let float = spinney_model::argmax(&forest.scores(&row, voting));
            assert_eq!(class, float, "row {index}: {row:?}");
        }
        if let FloatModel::Additive(_) = model
            && !listed.contains(&index)
        {
            assert_eq!(class, model.predict(&row), "row {index}: {row:?}");
        }
    }
}

/// Writes every form, and has the checker read the C header.
fn written(
    model: &FloatModel,
    quant: &QuantModel,
    calibrations: &[Calibration],
    certificate: &Certificate,
    voting: Voting,
    codegen: Codegen,
    rows: &Dataset,
) {
    let identity = Identity {
        pipeline: "model",
        kind: model.kind(),
        fingerprint: "",
        origin: Origin::Config,
    };
    for encoding in [Encoding::Table, Encoding::Packed, Encoding::Branches] {
        let options = Codegen {
            encoding,
            ..codegen
        };
        let _ = Encoded::new(quant, &options).map(|it| (it.form(), it.table_bytes()));
        let _ = drop_in(identity, quant, &options);
    }
    let options = Codegen {
        encoding: Encoding::Table,
        early_exit: false,
        ..codegen
    };
    let header = c99(identity, quant, &options);
    let memory = checker::Memory::of_header(&header.text, &header.prefix).expect("our own arrays");
    let claim = codegen::claim("", quant, calibrations, voting, same(certificate));
    let claim = header.claimed(claim);
    let values: Vec<f64> = rows.values().iter().copied().collect();
    let findings = checker::check(model, "", &claim, &memory, &values);
    let (faults, text) = (&findings.faults, model.to_json());
    // Splits that send every reading of a range one way need not stand in tables, and the checker may
    // then take a later split of the feature for one of them: it refutes too much, never too little.
    let is_parted = |node: &Node| {
        let Node::Split(split) = node else {
            return true;
        };
        let Test::AtMost(threshold) = split.test else {
            return true;
        };
        let (low, high) = calibrations[split.feature as usize].range;
        (low..high).contains(&threshold)
    };
    let is_plain = match model {
        FloatModel::GaussianNb(_) => true,
        _ => model.trees().iter().flat_map(Tree::nodes).all(is_parted),
    };
    assert!(
        findings.holds() || !is_plain,
        "{faults:?}\n{claim:?}\n{text}\n{}",
        header.text
    );
}

/// The checker's type of the same name.
fn same<T: serde::de::DeserializeOwned>(value: &impl serde::Serialize) -> T {
    let value = serde_json::to_value(value).expect("plain values");
    serde_json::from_value(value).expect("the same words")
}

/// Numbers out of bytes; zeros once there are none left.
struct Source<'b>(&'b [u8]);

impl Source<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn below(&mut self, end: usize) -> usize {
        usize::from(self.next()) % end
    }

    fn word(&mut self) -> i16 {
        i16::from_le_bytes([self.next(), self.next()])
    }

    /// A finite number of any size; mostly a small one, whole, half or a little beside it.
    fn number(&mut self) -> f64 {
        let small = f64::from(self.next());
        match self.next() {
            0..100 => small,
            100..140 => small / 2.0,
            140..160 => -small,
            160..180 => small.next_up(),
            180..200 => f64::from(self.word()),
            200..215 => f64::from(self.word()) / 256.0,
            215..230 => f64::from(self.word()) * 1e5,
            230..240 => f64::from(small as f32 * 0.1),
            _ => {
                let bits: [u8; 8] = std::array::from_fn(|_| self.next());
                let number = f64::from_le_bytes(bits);
                if number.is_finite() {
                    number
                } else {
                    small * 1e300
                }
            }
        }
    }

    fn declared(&mut self) -> Declared {
        use Sensor::{F32, I8, I16, I32, U8, U16};
        let sensors = [
            None,
            None,
            None,
            Some(U8),
            Some(I8),
            Some(U16),
            Some(I16),
            Some(I32),
            Some(F32),
        ];
        let sensor = sensors[self.below(sensors.len())];
        let range = (self.below(4) == 0).then(|| {
            let (a, b) = (self.number(), self.number());
            if self.below(16) == 0 {
                (a, b)
            } else {
                (a.min(b), a.max(b))
            }
        });
        let coding = match self.below(8) {
            0 => CodingChoice::Identity,
            1 => CodingChoice::Affine,
            2 => CodingChoice::Rank,
            _ => CodingChoice::Auto,
        };
        Declared {
            sensor,
            range,
            coding,
            ..Declared::default()
        }
    }

    fn options(&mut self) -> (Voting, Options, Codegen) {
        let voting = if self.below(3) == 0 {
            Voting::Hard
        } else {
            Voting::Soft
        };
        let marks = self.next();
        let options = Options {
            voting,
            votes: match [Votes::Q15, Votes::Byte, Votes::Auto][self.below(3)] {
                Votes::Q15 if marks & 128 != 0 => Votes::Word,
                votes => votes,
            },
            codes: [
                CodeWidth::Auto,
                CodeWidth::Auto,
                CodeWidth::Word,
                CodeWidth::Byte,
            ][self.below(4)],
            wants_scores: marks & 1 != 0,
        };
        let codegen = Codegen {
            code_type: if marks & 2 != 0 {
                CodeType::U8
            } else {
                CodeType::I16
            },
            wide_thresholds: marks & 4 != 0,
            early_exit: marks & 8 != 0,
            exit_margin: if marks & 64 != 0 { 0.75 } else { 1.0 },
            counts_in_memory: marks & 16 != 0,
            unaligned: marks & 32 != 0,
            ..Codegen::plain()
        };
        (voting, options, codegen)
    }

    fn rows(&mut self, n_features: usize, n_classes: usize) -> Option<Dataset> {
        let n_rows = 1 + self.below(12);
        let is_any = self.below(8) == 0;
        let values = (0..n_rows * n_features)
            .map(|_| match is_any {
                true => self.number(),
                // What every sensor delivers.
                false => f64::from(self.next() & 127),
            })
            .collect();
        let rows = Rows {
            features: (0..n_features)
                .map(|feature| format!("x{feature}"))
                .collect(),
            is_named: false,
            values: Array2::from_shape_vec((n_rows, n_features), values).ok()?,
        };
        let labels: Vec<String> = (0..n_rows)
            .map(|_| format!("c{}", self.below(n_classes)))
            .collect();
        let classes: Vec<String> = (0..n_classes).map(|class| format!("c{class}")).collect();
        Dataset::new(rows, &labels)
            .ok()?
            .with_classes(&classes)
            .ok()
    }

    /// Trees that add to a class each, to one of two, or to all at once.
    fn sum(&mut self, schema: Schema) -> Option<FloatModel> {
        let n_outputs = match schema.n_classes() {
            2 => 1,
            n => n,
        };
        let has_rows = n_outputs > 1 && self.below(3) == 0;
        let trees = (0..1 + self.below(6)).map(|index| {
            let output = (n_outputs > 1 && !has_rows).then_some(index % n_outputs);
            let n_values = if has_rows { n_outputs } else { 1 };
            let leaf = |it: &mut Self| (0..n_values).map(|_| it.number()).collect();
            let nodes = self.nodes(&schema, leaf);
            Tree::additive(nodes, &schema, n_outputs, output).ok()
        });
        let trees = trees.collect::<Option<Vec<_>>>()?;
        let sum = Sum {
            precision: [Precision::Float32, Precision::Float64][self.below(2)],
            base: (0..n_outputs).map(|_| self.number()).collect(),
            divisor: 1.0,
        };
        let link = match n_outputs {
            1 => Link::Sigmoid { scale: 1.0 },
            _ => Link::Softmax,
        };
        let sum = Additive::new(AdditiveKind::Additive, schema, trees, sum, link, None);
        Some(FloatModel::Additive(sum.ok()?))
    }

    fn forest(&mut self, schema: Schema) -> Option<FloatModel> {
        let n_trees = 1 + self.below(5);
        let kind = match n_trees {
            1 => ForestKind::DecisionTree,
            _ => ForestKind::RandomForest,
        };
        let trees = (0..n_trees).map(|_| self.tree(&schema));
        let trees = trees.collect::<Option<Vec<_>>>()?;
        Some(FloatModel::Forest(Forest::new(kind, schema, trees).ok()?))
    }

    fn tree(&mut self, schema: &Schema) -> Option<Tree> {
        let nodes = self.nodes(schema, |it| it.proportions(schema.n_classes()));
        Tree::new(nodes, schema).ok()
    }

    /// The nodes of a tree in preorder, at most 40.
    fn nodes(&mut self, schema: &Schema, leaf: impl Fn(&mut Self) -> Vec<f64>) -> Vec<Node> {
        let mut nodes: Vec<Node> = Vec::new();
        // Splits that wait for their right child.
        let mut open: Vec<usize> = Vec::new();
        loop {
            let mark = self.next();
            if mark < 110 && nodes.len() + open.len() < 20 {
                let at = nodes.len();
                open.push(at);
                let (feature, threshold) = (self.below(schema.n_features()), self.number());
                let children = [at as u32 + 1, 0];
                nodes.push(Node::at_most(feature as u32, threshold, None, children));
                continue;
            }
            nodes.push(Node::Leaf(leaf(self)));
            let next = nodes.len() as u32;
            let Some(parent) = open.pop() else { break };
            if let Node::Split(split) = &mut nodes[parent] {
                split.children[1] = if mark == 255 {
                    u32::from(self.next())
                } else {
                    next
                };
            }
        }
        nodes
    }

    fn proportions(&mut self, n_classes: usize) -> Vec<f64> {
        let class = self.below(n_classes);
        if self.below(3) > 0 {
            return (0..n_classes)
                .map(|it| f64::from(u8::from(it == class)))
                .collect();
        }
        let mut weights: Vec<f64> = (0..n_classes).map(|_| f64::from(self.next())).collect();
        weights[class] += 1.0;
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / sum).collect()
    }

    fn bayes(&mut self, schema: Schema) -> Option<FloatModel> {
        let (n_classes, n_features) = (schema.n_classes(), schema.n_features());
        let mut matrix = |of: fn(f64) -> f64| -> Vec<Vec<f64>> {
            (0..n_classes)
                .map(|_| (0..n_features).map(|_| of(self.number())).collect())
                .collect()
        };
        let means = matrix(|number| number);
        let variances = matrix(|number| number.abs().max(1e-9));
        let priors = self.proportions(n_classes);
        let log_priors = priors.iter().map(|prior| (prior + 1e-3).ln()).collect();
        let bayes = GaussianNb::new(schema, log_priors, means, variances).ok()?;
        Some(FloatModel::GaussianNb(bayes))
    }
}
