//! Tree ensembles in fixed point: thresholds become codes, leaves integer votes.

use std::collections::HashMap;

use fixed::types::U1F15;
use spinney_dataset::Dataset;
use spinney_model::{Additive, FloatModel, Forest, Node, Task, Tree, Voting, argmax};
use spinney_runtime::forest as runtime;

use crate::certificate::is_soft_row_at_risk;
use crate::coding::ReadingType;
use crate::inputs::Inputs;
use crate::sums::{Sums, is_single};
use crate::thresholds::Threshold;
use crate::values::{Numbers, Values, Width};
use crate::{ModelError, Options, Votes, limits};

/// A quantized ensemble: the runtime's tables, owned.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantForest {
    trees: Vec<runtime::Tree>,
    splits: Vec<runtime::Split>,
    leaves: Leaves,
    sums: Option<Box<Sums>>,
}

/// What leaves hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leaves {
    /// One class each: hard votes, or a single tree.
    Classes,
    /// Votes in units of 1/255, row after row of `n_classes`.
    Bytes(Vec<u8>),
    /// Votes in Q15, row after row of `n_classes`; one is 32,768.
    Words(Vec<u16>),
    /// A value each, which is added to one score.
    Values(Values),
}

impl Leaves {
    /// The vote that stands for a proportion of one.
    pub fn unit(&self) -> u32 {
        match self {
            Self::Classes | Self::Values(_) => 1,
            Self::Bytes(_) => 255,
            Self::Words(_) => 1 << 15,
        }
    }

    /// The name of the leaves' form in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Classes => "class",
            Self::Bytes(_) => "8-bit votes",
            Self::Words(_) => "Q15 votes",
            Self::Values(values) => match values.numbers {
                Numbers::Bytes(_) => "8-bit values",
                Numbers::Halves(_) => "16-bit values",
                Numbers::Words(_) => "32-bit values",
            },
        }
    }

    /// Bytes of all votes of a leaf for `n_classes`; 0 where leaves are classes.
    pub fn leaf_bytes(&self, n_classes: usize) -> usize {
        match self {
            Self::Classes => 0,
            Self::Bytes(_) => n_classes,
            Self::Words(_) => 2 * n_classes,
            Self::Values(values) => values.numbers.n_bytes(),
        }
    }

    /// Bytes of the votes.
    pub fn table_bytes(&self) -> usize {
        match self {
            Self::Classes => 0,
            Self::Bytes(rows) => rows.len(),
            Self::Words(rows) => 2 * rows.len(),
            Self::Values(values) => values.numbers.n_bytes() * values.numbers.len(),
        }
    }

    /// What scores begin with.
    pub fn bases(&self, n_scores: usize) -> Vec<i64> {
        match self {
            Self::Values(values) => values.bases.iter().copied().map(i64::from).collect(),
            _ => vec![0; n_scores],
        }
    }

    /// Calls `vote` with each score that a leaf of a tree adds to, and how much.
    ///
    /// # Panics
    /// If there is no such tree or leaf.
    pub fn each_vote(
        &self,
        tree: usize,
        leaf: usize,
        n_scores: usize,
        mut vote: impl FnMut(usize, u32),
    ) {
        let row = leaf * n_scores..(leaf + 1) * n_scores;
        match self {
            Self::Classes => vote(leaf, 1),
            Self::Bytes(votes) => (0..)
                .zip(&votes[row])
                .for_each(|(at, it)| vote(at, (*it).into())),
            Self::Words(votes) => (0..)
                .zip(&votes[row])
                .for_each(|(at, it)| vote(at, (*it).into())),
            Self::Values(values) => vote(values.scores[tree].into(), values.numbers.get(leaf)),
        }
    }

    fn runtime(&self) -> runtime::Leaves<'_> {
        match self {
            Self::Classes => runtime::Leaves::Classes,
            Self::Bytes(rows) => runtime::Leaves::Bytes(rows),
            Self::Words(rows) => runtime::Leaves::Words(rows),
            Self::Values(values) => runtime::Leaves::Values {
                values: values.numbers.runtime(),
                bases: &values.bases,
                scores: &values.scores,
            },
        }
    }
}

/// The precision in which soft leaves are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VoteWidth {
    Bytes,
    Words,
}

impl VoteWidth {
    /// The integer vote for a proportion, to the nearest.
    pub(crate) fn vote(self, proportion: f64) -> u16 {
        match self {
            // A byte has no fixed-point type in which 1 is representable and 255/255.
            // Casts: a proportion times 255.
            Self::Bytes => (proportion * 255.0).round().clamp(0.0, 255.0) as u16,
            Self::Words => U1F15::saturating_from_num(proportion.clamp(0.0, 1.0)).to_bits(),
        }
    }

    /// The votes of one leaf: each to the nearest, and the class that leads in float leads here.
    ///
    /// Rounding may tie two classes; then the leader gets one unit more.
    pub(crate) fn votes(self, proportions: &[f64]) -> Vec<u16> {
        let mut votes = Vec::with_capacity(proportions.len());
        self.write_votes(proportions, &mut votes);
        votes
    }

    /// The same, in place of what `votes` holds.
    pub(crate) fn write_votes(self, proportions: &[f64], votes: &mut Vec<u16>) {
        votes.clear();
        votes.extend(proportions.iter().map(|p| self.vote(*p)));
        let leader = argmax(proportions);
        let is_overtaken = votes[..leader].iter().any(|vote| *vote >= votes[leader]);
        if is_overtaken {
            // Two classes share the lead, so neither is near the end of the range.
            votes[leader] += 1;
        }
    }

    /// The vote that stands for a proportion of one.
    pub(crate) fn unit(self) -> f64 {
        match self {
            Self::Bytes => 255.0,
            Self::Words => 32_768.0,
        }
    }
}

impl QuantForest {
    pub(crate) fn new(
        model: &FloatModel,
        forest: &Forest,
        inputs: &Inputs,
        reading_type: ReadingType,
        options: Options,
        rows: Option<&Dataset>,
    ) -> Result<Self, ModelError> {
        let is_single = forest.trees().len() == 1;
        if options.voting == Voting::Hard || (is_single && !options.wants_scores) {
            return Lowering::new(model, inputs, reading_type, Rule::Classes).run();
        }
        let bytes_suffice = || {
            rows.is_some_and(|rows| {
                let mut rows = rows.values().rows().into_iter();
                !rows.any(|row| is_soft_row_at_risk(forest, VoteWidth::Bytes, &row.to_vec()))
            })
        };
        let width = match options.votes {
            Votes::Byte => VoteWidth::Bytes,
            Votes::Auto if bytes_suffice() => VoteWidth::Bytes,
            Votes::Q15 | Votes::Auto => VoteWidth::Words,
            Votes::Word => return Err(too_wide("class proportions")),
        };
        Lowering::new(model, inputs, reading_type, Rule::Votes(width)).run()
    }

    /// As [`Self::new`], of an ensemble that adds.
    pub(crate) fn of_sums(
        model: &FloatModel,
        sum: &Additive,
        inputs: &Inputs,
        reading_type: ReadingType,
        options: Options,
        rows: Option<&Dataset>,
    ) -> Result<Self, ModelError> {
        let bytes_suffice = |sums: &Sums| {
            sum.schema().task() != Task::Regress
                && rows.is_some_and(|rows| {
                    let mut rows = rows.values().rows().into_iter();
                    !rows.any(|row| sums.is_at_risk(sum, &row.to_vec()))
                })
        };
        let of = |width: Width| Sums::new(sum, width.most()).map(|sums| (sums, width));
        if options.votes == Votes::Word && !is_single(sum) {
            return Err(too_wide("leaves with a value for each output"));
        }
        let other = match options.votes {
            Votes::Q15 => None,
            Votes::Word => Some(of(Width::Word)?),
            Votes::Byte => Some(of(Width::Byte)?),
            Votes::Auto => Some(of(Width::Byte)?).filter(|(sums, _)| bytes_suffice(sums)),
        };
        let (sums, width) = match other {
            Some(other) => other,
            None => of(Width::Half)?,
        };
        let rule = Rule::Sums(&sums, width);
        let lowered = Lowering::new(model, inputs, reading_type, rule).run()?;
        Ok(Self {
            sums: Some(Box::new(sums)),
            ..lowered
        })
    }

    /// How values were made votes, in an ensemble that adds.
    pub fn sums(&self) -> Option<&Sums> {
        self.sums.as_deref()
    }

    /// One vote in words: a share of one, or a power of two of a raw value.
    pub fn unit(&self) -> String {
        match &self.sums {
            None => format!("1/{}", self.leaves.unit()),
            Some(sums) => format!("2^{}", -sums.shift()),
        }
    }

    /// The name of the leaves' form in reports.
    pub fn leaves_name(&self) -> &'static str {
        match (&self.sums, &self.leaves) {
            (Some(_), Leaves::Bytes(_)) => "8-bit values",
            (Some(_), Leaves::Words(_)) => "16-bit values",
            (_, leaves @ Leaves::Values(_)) => leaves.name(),
            (Some(_), Leaves::Classes) => unreachable!("values are not classes"),
            (None, leaves) => leaves.name(),
        }
    }

    /// The trees, in voting order.
    pub fn trees(&self) -> &[runtime::Tree] {
        &self.trees
    }

    /// The splits, tree after tree; each asks a code, by its index.
    pub fn splits(&self) -> &[runtime::Split] {
        &self.splits
    }

    /// The trees in the order in which they are shipped: those of one score after the other, where
    /// each adds to one.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.trees.len()).collect();
        if let Leaves::Values(values) = &self.leaves {
            order.sort_by_key(|tree| values.scores[*tree]);
        }
        order
    }

    /// The same trees in another order, a permutation of their indices.
    pub(crate) fn in_order(&self, order: &[usize]) -> Self {
        let mut trees = Vec::with_capacity(order.len());
        let mut splits = Vec::with_capacity(self.splits.len());
        for index in order {
            let tree = self.trees[*index];
            let end = self
                .trees
                .get(index + 1)
                .map_or(self.splits.len(), |next| next.first_split as usize);
            trees.push(runtime::Tree {
                first_split: u32::try_from(splits.len()).expect("no more than there were"),
                root: tree.root,
            });
            splits.extend_from_slice(&self.splits[tree.first_split as usize..end]);
        }
        let mut leaves = self.leaves.clone();
        if let (Leaves::Values(ordered), Leaves::Values(values)) = (&mut leaves, &self.leaves) {
            ordered.scores = order.iter().map(|tree| values.scores[*tree]).collect();
        }
        Self {
            trees,
            splits,
            leaves,
            sums: self.sums.clone(),
        }
    }

    /// What the leaves hold.
    pub fn leaves(&self) -> &Leaves {
        &self.leaves
    }

    pub(crate) fn arithmetic(&self) -> Vec<String> {
        if let Some(sums) = &self.sums {
            return sums.arithmetic(self.trees.len());
        }
        let unit = u64::from(self.leaves.unit());
        let n_trees = self.trees.len() as u64;
        let sum = unit * n_trees;
        let bits = u64::BITS - sum.leading_zeros();
        let mut lines = vec![format!(
            "Sums: {n_trees} trees of at most {unit} votes each add up to at most {sum}, {bits} \
             bits of 32."
        )];
        if self.leaves != Leaves::Classes {
            lines.push(format!(
                "Votes: a class proportion is rounded to the nearest 1/{unit}, so it is off by at \
                 most 1/{}; a leaf whose leader ties after rounding gives the leader 1/{unit} \
                 more. Over {n_trees} trees a margin between two classes is off by no more than \
                 the roundings of the leaves that a row reaches add up to.",
                2 * unit
            ));
        }
        lines
    }

    /// The runtime's view of the tables, for rows of `n_codes` codes.
    ///
    /// # Panics
    /// Never with the counts of the model that it belongs to, whose tables were built to pass the
    /// runtime's check.
    pub fn runtime(&self, n_codes: usize, n_classes: usize) -> runtime::Forest<'_> {
        runtime::Forest::new(runtime::Tables {
            n_features: n_codes,
            n_classes,
            trees: &self.trees,
            splits: &self.splits,
            leaves: self.leaves.runtime(),
        })
        .expect("tables lowered from a checked forest are valid")
    }
}

/// The refusal of 32 bits for what has 16 at the most.
fn too_wide(what: &str) -> ModelError {
    ModelError::new(
        "votes in [quantize]",
        format!("\"32-bit\" for {what}"),
        "\"q15\", which has 16 bits, \"8-bit\" or \"auto\"",
    )
}

/// One pass over the float trees that writes the tables.
struct Lowering<'a> {
    model: &'a FloatModel,
    inputs: &'a Inputs,
    reading_type: ReadingType,
    rule: Rule<'a>,
    trees: Vec<runtime::Tree>,
    splits: Vec<runtime::Split>,
    rows: Vec<Vec<u32>>,
    row_numbers: HashMap<Vec<u32>, usize>,
}

/// What a leaf becomes.
#[derive(Clone, Copy)]
enum Rule<'a> {
    /// Its most frequent class.
    Classes,
    /// Its class proportions, as votes.
    Votes(VoteWidth),
    /// Its values, as votes.
    Sums(&'a Sums, Width),
}

impl<'a> Lowering<'a> {
    fn new(
        model: &'a FloatModel,
        inputs: &'a Inputs,
        reading_type: ReadingType,
        rule: Rule<'a>,
    ) -> Self {
        Self {
            model,
            inputs,
            reading_type,
            rule,
            trees: Vec::new(),
            splits: Vec::new(),
            rows: Vec::new(),
            row_numbers: HashMap::new(),
        }
    }

    fn run(mut self) -> Result<QuantForest, ModelError> {
        for (index, tree) in self.model.trees().iter().enumerate() {
            self.lower(index, tree);
        }
        if !matches!(self.rule, Rule::Classes) {
            limits::LEAVES.check("the trees", self.rows.len())?;
        }
        let width = match self.rule {
            Rule::Classes | Rule::Votes(VoteWidth::Bytes) => Width::Byte,
            Rule::Votes(VoteWidth::Words) => Width::Half,
            Rule::Sums(_, width) => width,
        };
        let numbers = Numbers::new(width, self.rows.concat());
        let leaves = match (self.rule, numbers) {
            (Rule::Classes, _) => Leaves::Classes,
            (Rule::Sums(sums, _), numbers) if sums.is_single() => Leaves::Values(Values {
                numbers,
                bases: self.bases(sums),
                scores: self.scores(sums),
            }),
            (_, Numbers::Bytes(votes)) => Leaves::Bytes(votes),
            (_, Numbers::Halves(votes)) => Leaves::Words(votes),
            (_, Numbers::Words(_)) => unreachable!("rows of votes have at most 16 bits"),
        };
        Ok(QuantForest {
            trees: self.trees,
            splits: self.splits,
            leaves,
            sums: None,
        })
    }

    /// What scores begin with; the device adds those of targets itself.
    fn bases(&self, sums: &Sums) -> Vec<u32> {
        let n_scores = self.model.schema().outputs().len();
        if self.model.schema().task() == Task::Regress {
            return vec![0; n_scores];
        }
        let base = |base: &i64| u32::try_from(*base).expect("sums of 32 bits");
        sums.bases().iter().map(base).collect()
    }

    /// The score that each tree adds to.
    fn scores(&self, sums: &Sums) -> Vec<u8> {
        let score = |tree: &Tree| {
            let score = sums.score_of(tree.output());
            u8::try_from(score).expect("at most `limits::CLASSES`")
        };
        self.model.trees().iter().map(score).collect()
    }

    /// Lowers one tree in preorder; a split that no code can take left becomes its right child.
    fn lower(&mut self, index: usize, tree: &Tree) {
        let first = self.splits.len();
        // Nodes to lower, each with the split and side that lead to it.
        let mut stack: Vec<(usize, Option<(usize, usize)>)> = vec![(0, None)];
        let mut root = 0;
        while let Some((node, parent)) = stack.pop() {
            let child = match &tree.nodes()[node] {
                Node::Leaf(values) => {
                    // Numbers beyond 16 bits are refused once all are counted.
                    let number = self.leaf_number(index, tree, values);
                    runtime::LEAF | u16::try_from(number).unwrap_or(0)
                }
                split => {
                    let (_, [left, right]) = split.split().expect("no leaf");
                    let schema = self.model.schema();
                    let code = self.inputs.threshold(split, schema, self.reading_type);
                    let Threshold::Code(threshold) = code else {
                        stack.push((right, parent));
                        continue;
                    };
                    let input = self.inputs.of(split).expect("a split's code");
                    let at = self.splits.len() - first;
                    self.splits.push(runtime::Split {
                        feature: u16::try_from(input).expect("at most `limits::CODES`"),
                        threshold,
                        children: [0, 0],
                    });
                    stack.push((right, Some((at, 1))));
                    stack.push((left, Some((at, 0))));
                    u16::try_from(at).expect("at most `limits::TREE_SPLITS`")
                }
            };
            match parent {
                Some((split, side)) => self.splits[first + split].children[side] = child,
                None => root = child,
            }
        }
        self.trees.push(runtime::Tree {
            first_split: u32::try_from(first).expect("at most `limits::SPLITS`"),
            root,
        });
    }

    /// The class of a leaf, or its row in the codebook.
    fn leaf_number(&mut self, index: usize, tree: &Tree, values: &[f64]) -> usize {
        let row = match self.rule {
            Rule::Classes => return argmax(values),
            Rule::Votes(width) => width.votes(values).into_iter().map(u32::from).collect(),
            Rule::Sums(sums, _) if sums.is_single() => {
                let score = sums.score_of(tree.output());
                vec![sums.votes(index, tree.output(), values)[score]]
            }
            Rule::Sums(sums, _) => sums.votes(index, tree.output(), values),
        };
        let next = self.rows.len();
        *self.row_numbers.entry(row).or_insert_with_key(|row| {
            self.rows.push(row.clone());
            next
        })
    }
}
