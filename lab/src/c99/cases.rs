//! The models that `c99` writes as headers, with the rows that they are asked.

use spinney_codegen::{CodeType, Encoding, Exit, Identity, Options as Form};
use spinney_dataset::{Dataset, csv, split};
use spinney_model::{
    Additive, AdditiveKind, FloatModel, Forest, ForestKind, GaussianNb, Link, ModelError, Node,
    Precision, Schema, Sum, Task, Tree, Voting,
};
use spinney_quantize::{
    CodeWidth, CodingChoice, Declared, Options, QuantModel, Sensor, Votes, argmax, calibrate,
};
use spinney_train::{ForestParams, forest, gaussian_nb};

use super::synthetic;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::stages::outliers::with_outliers;

const SEED: u64 = 42;
const TEST_FRACTION: f64 = 0.25;

/// A model in one form, and rows of readings.
#[derive(Clone)]
pub(super) struct Case {
    pub name: String,
    pub quant: QuantModel,
    pub form: Form,
    pub rows: Vec<Vec<f64>>,
    /// Rows from the start that every target is asked; the rest are hostile ones.
    pub n_test_rows: usize,
}

impl Case {
    /// The header's name and fingerprint.
    pub(super) fn identity(&self) -> Identity<'_> {
        Identity {
            pipeline: &self.name,
            kind: match self.quant.body() {
                spinney_quantize::Body::Forest(_) => "trees",
                spinney_quantize::Body::Bayes(_) => "gaussian-nb",
            },
            fingerprint: "0000",
            origin: spinney_codegen::Origin::Config,
        }
    }

    /// What a target must give for the row at `index`, as `scripts/c99/record.h` lays it out.
    pub(super) fn record(&self, index: usize) -> Vec<u8> {
        let row = &self.rows[index];
        let codes = self.quant.codes(row);
        let scores = self.quant.scores(&codes);
        let exit = Exit::new(&self.quant, self.form.exit_margin);
        let class = match exit.filter(|_| self.form.early_exit) {
            Some(exit) => exit.classify(&codes).class,
            // A header's `classify` names the highest of targets, too.
            None if self.quant.task() == Task::Regress => argmax(&scores),
            None => self.quant.delivered(&codes, &scores),
        };
        let class = u8::try_from(class).expect("at most 255 classes");
        let mut record = vec![class; 2];
        match self.form.code_type {
            CodeType::U8 if self.quant.code_bits() == 8 => {
                record.extend(
                    codes
                        .iter()
                        .map(|code| code.clamp(&0, &255).to_le_bytes()[0]),
                );
            }
            CodeType::U8 | CodeType::I16 | CodeType::U16 => {
                record.extend(codes.into_iter().flat_map(i16::to_le_bytes));
            }
            // All readings of these models are singles; NaN comes without its sign.
            CodeType::Reading => {
                for reading in self.quant.reading_bytes(row).as_chunks().0 {
                    let bits = u32::from_le_bytes(*reading);
                    let ordered = if bits > 0xff80_0000 {
                        0x7fc0_0000
                    } else {
                        bits
                    };
                    record.extend(ordered.to_le_bytes());
                }
            }
        }
        for score in scores {
            record.extend(score.to_le_bytes());
        }
        record
    }
}

const TABLE: Form = Form {
    encoding: Encoding::Table,
    code_type: CodeType::U8,
    wide_thresholds: false,
    early_exit: false,
    exit_margin: 1.0,
    counts_in_memory: false,
    unaligned: false,
};
const NESTED: Form = Form {
    encoding: Encoding::Branches,
    ..TABLE
};
const READINGS: Form = Form {
    code_type: CodeType::Reading,
    ..NESTED
};
const WORDS: Form = Form {
    code_type: CodeType::I16,
    wide_thresholds: true,
    ..TABLE
};

/// With an exit once the class is certain.
pub(super) fn early(form: Form) -> Form {
    Form {
        early_exit: true,
        ..form
    }
}

/// Content with part of what is certain, which changes classes.
fn margin(form: Form) -> Form {
    Form {
        exit_margin: 0.6,
        ..early(form)
    }
}

/// All cases.
pub(super) fn all() -> Result<Vec<Case>, Failure> {
    let digits = Data::read("digits", "digit", Some(Sensor::U8))?;
    let cancer = Data::read("breast_cancer", "diagnosis", None)?;
    let wine = Data::read("wine", "cultivar", None)?;
    let iris = Data::read("iris", "species", None)?;
    let rf = ForestKind::RandomForest;
    let digits_rf = (&digits, &digits.forest(rf, 10, 8)?);
    let cancer_rf = (&cancer, &cancer.forest(rf, 20, 6)?);
    let wine_rf = (&wine, &wine.forest(rf, 10, 6)?);
    let iris_dt = (&iris, &iris.forest(ForestKind::DecisionTree, 1, 4)?);
    let (hard, soft) = (Voting::Hard, Voting::Soft);
    let (q15, byte, word) = (Votes::Q15, Votes::Byte, Votes::Word);
    let mixed = &[CodingChoice::Affine, CodingChoice::Rank][..];
    let (affine, rank) = (&mixed[..1], &mixed[1..]);
    let auto = &[CodingChoice::Auto][..];
    let mut cases = Vec::new();
    for (name, voting, votes, form) in [
        ("digits-hard-table", hard, q15, TABLE),
        ("digits-hard-table-exit", hard, q15, early(TABLE)),
        ("digits-hard-table-margin", hard, q15, margin(TABLE)),
        ("digits-soft8-branches-margin", soft, byte, margin(NESTED)),
        ("digits-hard-words", hard, q15, WORDS),
        ("digits-hard-branches", hard, q15, NESTED),
        ("digits-hard-branches-exit", hard, q15, early(NESTED)),
        ("digits-soft8-table-exit", soft, byte, early(TABLE)),
        ("digits-soft8-branches", soft, byte, NESTED),
        ("digits-q15-table", soft, q15, TABLE),
        ("digits-q15-branches-exit", soft, q15, early(NESTED)),
    ] {
        cases.push(digits.case(name, digits_rf.1, voting, votes, auto, form)?);
    }
    for (name, (data, model), codings, form) in [
        ("cancer-affine-table", cancer_rf, affine, early(TABLE)),
        ("cancer-rank-branches", cancer_rf, rank, early(NESTED)),
        ("cancer-readings", cancer_rf, rank, early(READINGS)),
        ("iris-tree-readings", iris_dt, auto, READINGS),
        ("wine-mixed-table", wine_rf, mixed, TABLE),
        ("iris-tree-branches", iris_dt, auto, NESTED),
        ("iris-tree-table", iris_dt, auto, TABLE),
    ] {
        cases.push(data.case(name, model, hard, q15, codings, form)?);
    }
    for (name, data) in [
        ("digits-bayes", &digits),
        ("wine-bayes", &wine),
        ("cancer-bayes", &cancer),
    ] {
        let model = gaussian_nb(&data.train, 1e-9).input()?;
        cases.push(data.case(name, &model, soft, q15, auto, TABLE)?);
    }
    let selected = every_second(&gaussian_nb(&wine.train, 1e-9).input()?)?;
    cases.push(wine.case("wine-bayes-selected", &selected, soft, q15, auto, TABLE)?);
    for (name, (data, model), margin, form) in [
        ("digits-unknown-branches", digits_rf, 20_000, NESTED),
        ("wine-unknown-table", wine_rf, 40_000, TABLE),
    ] {
        let mut case = data.case(name, model, soft, q15, auto, form)?;
        case.quant = case.quant.with_margin(margin);
        let mut odd = case.clone();
        odd.name = format!("{name}-outliers");
        let sides = (&data.train, &data.test);
        if let Some((quant, _)) = with_outliers(odd.quant, sides, 0.1, 1)? {
            odd.quant = quant;
            cases.push(odd);
        }
        cases.push(case);
    }
    let thirty = digits.forest(rf, 30, 4)?;
    let digits_sum = (&digits, &adding(&thirty, Task::Classify)?);
    let cancer_sum = (&cancer, &adding(cancer_rf.1, Task::Classify)?);
    let wine_value = (&wine, &adding(wine_rf.1, Task::Regress)?);
    let wine_values = (&wine, &each_class(wine_rf.1)?);
    for (name, (data, model), votes, form) in [
        ("digits-sums-table", digits_sum, q15, early(TABLE)),
        ("digits-sums8-words", digits_sum, byte, WORDS),
        ("digits-sums-branches", digits_sum, q15, early(NESTED)),
        ("cancer-sums-table", cancer_sum, q15, early(TABLE)),
        ("cancer-sums8-margin", cancer_sum, byte, margin(TABLE)),
        ("cancer-sums8-branches", cancer_sum, byte, margin(NESTED)),
        ("wine-values-table", wine_value, q15, TABLE),
        ("wine-values32-branches", wine_value, word, NESTED),
        ("wine-targets-table", wine_values, q15, TABLE),
        ("wine-targets8-branches", wine_values, byte, NESTED),
    ] {
        cases.push(data.case(name, model, soft, votes, auto, form)?);
    }
    let bayes = gaussian_nb(&wine.train, 1e-9).input()?;
    let mut case = wine.case("wine-unknown-bayes", &bayes, soft, q15, auto, TABLE)?;
    case.quant = case.quant.with_margin(1 << 22);
    cases.push(case);
    cases.extend(synthetic::cases()?);
    for case in &mut cases {
        let hostile = synthetic::hostile(case.quant.reading_type(), case.rows[0].len());
        case.rows.extend(hostile);
    }
    Ok(cases)
}

/// Naive Bayes as behind a selection of every second feature.
fn every_second(model: &FloatModel) -> Result<FloatModel, Failure> {
    let FloatModel::GaussianNb(bayes) = model else {
        return Ok(model.clone());
    };
    let inputs: Vec<usize> = bayes.inputs().iter().copied().step_by(2).collect();
    let of_inputs = |rows: &[Vec<f64>]| -> Vec<Vec<f64>> {
        let row = |row: &Vec<f64>| inputs.iter().map(|input| row[*input]).collect();
        rows.iter().map(row).collect()
    };
    let (means, variances) = (of_inputs(bayes.means()), of_inputs(bayes.variances()));
    let priors = bayes.log_priors().to_vec();
    GaussianNb::of_inputs(bayes.schema().clone(), inputs, priors, means, variances)
        .map(FloatModel::GaussianNb)
        .input()
}

/// A data set, split as pipelines do.
struct Data {
    train: Dataset,
    test: Dataset,
    /// The type of all readings, where rows do not tell.
    sensor: Option<Sensor>,
}

impl Data {
    fn read(name: &str, label: &str, sensor: Option<Sensor>) -> Result<Self, Failure> {
        let bytes = crate::read(crate::repository().join(format!("data/{name}.csv"))).input()?;
        let all = csv::read(&bytes, label).input()?;
        let parts = split(&all, TEST_FRACTION, SEED).input()?;
        Ok(Self {
            train: parts.train,
            test: parts.test,
            sensor,
        })
    }

    fn forest(
        &self,
        kind: ForestKind,
        n_trees: usize,
        max_depth: usize,
    ) -> Result<FloatModel, Failure> {
        let params = ForestParams {
            max_depth: Some(max_depth),
            ..ForestParams::new(kind, n_trees, SEED)
        };
        forest(&self.train, &params, &|_, _| {}).input()
    }

    fn case(
        &self,
        name: &str,
        model: &FloatModel,
        voting: Voting,
        votes: Votes,
        codings: &[CodingChoice],
        form: Form,
    ) -> Result<Case, Failure> {
        let declared: Vec<Declared> = (0..model.schema().n_features())
            .map(|feature| Declared {
                sensor: self.sensor,
                coding: codings[feature % codings.len()],
                ..Declared::default()
            })
            .collect();
        let rows = self.test.values().rows().into_iter();
        let rows: Vec<Vec<f64>> = rows.map(|row| row.to_vec()).collect();
        let train = Some(&self.train);
        Ok(Case {
            name: name.to_owned(),
            quant: quantize(model, &declared, voting, votes, form, train)?,
            form,
            n_test_rows: rows.len(),
            rows,
        })
    }
}

/// The trees of a forest with a value in each leaf, its share of one class: of a class each in turn, or
/// of the first for two classes and for a target.
fn adding(model: &FloatModel, task: Task) -> Result<FloatModel, Failure> {
    let FloatModel::Forest(forest) = model else {
        unreachable!("the cases fit forests")
    };
    let schema = match task {
        Task::Regress => {
            let features = model.schema().features().to_vec();
            Schema::of_targets(features, model.schema().naming(), vec!["share".to_owned()])
                .input()?
        }
        Task::Classify | Task::Detect => model.schema().clone(),
    };
    let n_outputs = match schema.outputs().len() {
        2 => 1,
        n => n,
    };
    let of_tree = |(index, tree): (usize, &Tree)| {
        let class = index % n_outputs;
        let mut nodes = tree.nodes().to_vec();
        for node in &mut nodes {
            if let Node::Leaf(values) = node {
                *values = vec![values[class] - 0.3];
            }
        }
        Tree::additive(nodes, &schema, n_outputs, (n_outputs > 1).then_some(class))
    };
    let link = match (task, n_outputs) {
        (Task::Regress, _) => Link::Identity,
        (_, 1) => Link::Sigmoid { scale: 1.0 },
        _ => Link::Softmax,
    };
    let base = (0..n_outputs).map(|output| 0.05 * output as f64).collect();
    let trees = forest.trees().iter().enumerate().map(of_tree);
    sum_of(
        trees,
        &schema,
        Sum::new(Precision::Float64, base, 1.0),
        link,
    )
}

/// The trees of a forest as a regressor of the shares of all classes, each leaf with all of them.
fn each_class(model: &FloatModel) -> Result<FloatModel, Failure> {
    let (old, n_targets) = (model.schema(), model.schema().n_classes());
    let targets = old.classes().to_vec();
    let schema = Schema::of_targets(old.features().to_vec(), old.naming(), targets).input()?;
    let trees = model.trees().iter();
    let trees = trees.map(|tree| Tree::additive(tree.nodes().to_vec(), &schema, n_targets, None));
    let sum = Sum::new(Precision::Float64, vec![0.05; n_targets], 3.0);
    sum_of(trees, &schema, sum, Link::Identity)
}

fn sum_of(
    trees: impl Iterator<Item = Result<Tree, ModelError>>,
    schema: &Schema,
    sum: Sum,
    link: Link,
) -> Result<FloatModel, Failure> {
    let trees = trees.collect::<Result<_, _>>().input()?;
    let kind = AdditiveKind::Additive;
    let sum = Additive::new(kind, schema.clone(), trees, sum, link, None);
    sum.map(FloatModel::Additive).input()
}

/// A forest of these trees, whose features and classes go by number.
pub(super) fn forest_of(
    n_features: usize,
    n_classes: u64,
    trees: impl Iterator<Item = Vec<Node>>,
) -> Result<FloatModel, Failure> {
    let classes = (0..n_classes).map(|class| format!("c{class}"));
    let schema = Schema::unnamed(n_features, classes.collect()).input()?;
    let trees = trees.map(|nodes| Tree::new(nodes, &schema));
    let trees = trees.collect::<Result<_, _>>().input()?;
    let forest = Forest::new(ForestKind::RandomForest, schema.clone(), trees);
    forest.map(FloatModel::Forest).input()
}

/// Quantizes for codes of the width that `form` asks for.
pub(super) fn quantize(
    model: &FloatModel,
    declared: &[Declared],
    voting: Voting,
    votes: Votes,
    form: Form,
    train: Option<&Dataset>,
) -> Result<QuantModel, Failure> {
    let readings = train.map(|train| train.values().view());
    let calibrations = calibrate(model, readings, declared).input()?;
    let options = Options {
        voting,
        votes,
        codes: if form.code_type == CodeType::U8 {
            CodeWidth::Auto
        } else {
            CodeWidth::Word
        },
        wants_scores: true,
    };
    QuantModel::new(model, &calibrations, options, train).input()
}

/// Readings of one type for all features.
pub(super) fn sensors(
    sensor: Sensor,
    range: (f64, f64),
    coding: CodingChoice,
    n: usize,
) -> Vec<Declared> {
    vec![
        Declared {
            sensor: Some(sensor),
            range: Some(range),
            coding,
            ..Declared::default()
        };
        n
    ]
}
