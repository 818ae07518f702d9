//! Trees held to trees: every split for every code, every leaf, every row.

use std::collections::HashMap;

use spinney_model::{FloatModel, Node, Side, Split, Task, Test, Voting, argmax};

use crate::claim::{Body, Claim, Flip, Level};
use crate::coding::Inputs;
use crate::memory::Memory;
use crate::sums::Adding;
use crate::tables::{self, Child, Trees};
use crate::{Fault, Findings, Kind};

struct Checker<'a> {
    model: &'a FloatModel,
    /// Where leaves hold values and not proportions.
    adding: Option<Adding<'a>>,
    claim: &'a Claim,
    /// The float tree that each shipped tree is.
    order: &'a [usize],
    inputs: Inputs,
    trees: Trees,
    leaves: Vec<Vec<u32>>,
    unit: Option<u32>,
    flips: HashMap<(usize, usize), &'a Flip>,
    /// Runs of readings that a split of this input, last left key and threshold misdecides.
    decided: HashMap<(usize, i64, i32), Vec<(i64, i64)>>,
    /// Categories of sets that were decided.
    in_sets: u64,
    /// Per float split that stands in the tables, the code that it asks, and its threshold.
    thresholds: HashMap<(usize, usize), (usize, i32)>,
    /// Per shipped tree, the most that one vote of a leaf is above another.
    spreads: Vec<u32>,
}

pub(crate) fn check(
    model: &FloatModel,
    claim: &Claim,
    memory: &Memory,
    rows: &[f64],
    findings: &mut Findings,
) -> Result<(), Fault> {
    let Body::Forest {
        order,
        layout,
        leaves,
        exit_margin,
        ..
    } = &claim.body
    else {
        return Ok(());
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..model.trees().len()) {
        let what = "it is no permutation of the trees";
        return Err(Fault::new(Kind::Stale, "the claim's order", what));
    }
    let n_scores = model.schema().outputs().len();
    let adding =
        Adding::new(model, claim).map_err(|what| Fault::new(Kind::Stale, "the claim", what))?;
    let is_single = adding.as_ref().is_some_and(Adding::is_single);
    let n_votes = if is_single { 1 } else { n_scores };
    let decoded = tables::trees(*layout, *leaves, order.len(), memory, findings)
        .and_then(|trees| Ok(trees.zip(tables::leaves(*leaves, n_votes, memory)?)))
        .map_err(|what| Fault::new(Kind::Layout, "the tables", what))?;
    let Some((trees, votes)) = decoded else {
        findings.note("The trees are code.");
        return Ok(());
    };
    let inputs = Inputs::new(model.schema(), claim)?;
    let flips = claim
        .certificate
        .flips
        .iter()
        .map(|flip| ((flip.tree, flip.node), flip));
    if let Some(Err(what)) = adding.as_ref().map(|adding| adding.bases(memory)) {
        findings.fault(Kind::Leaf, "BASES", what);
    }
    if let Some(adding) = adding.as_ref().filter(|_| is_single) {
        match tables::scores(order.len(), memory) {
            Some(scores) => {
                let expected = order.iter().map(|tree| adding.score_of(*tree));
                if !scores.into_iter().map(Some).eq(expected) {
                    let what = "trees add to other scores than float's";
                    findings.fault(Kind::Leaf, "ENDS", what);
                }
            }
            None => findings.note("Which score a tree adds to is code; its order says so."),
        }
    }
    let mut checker = Checker {
        model,
        adding,
        claim,
        order,
        inputs,
        trees,
        leaves: votes,
        unit: leaves.map(|table| table.unit),
        flips: flips.collect(),
        decided: HashMap::new(),
        in_sets: 0,
        thresholds: HashMap::new(),
        spreads: vec![0; order.len()],
    };
    for (at, tree) in order.iter().enumerate() {
        checker.tree(*tree, at, findings);
    }
    let codes = |key: &(usize, i64, i32)| checker.inputs.cells[key.0].cells.len() as u64;
    findings.decisions = checker.decided.keys().map(codes).sum::<u64>() + checker.in_sets;
    checker.levels(findings);
    if let Some(Err(what)) = checker.adding.as_ref().map(Adding::bound) {
        findings.fault(Kind::Level, "the bound", what);
    }
    if let (true, Some(leads)) = (*exit_margin == 1.0, memory.table("LEADS")) {
        let score = |at: usize| {
            checker
                .adding
                .as_ref()
                .and_then(|it| it.score_of(order[at]))
        };
        for (tree, lead) in tables::numbers(leads, 4).into_iter().enumerate() {
            let after = tree + 1..order.len();
            let after = after.filter(|at| score(*at) == score(tree));
            let rest: u32 = after.map(|at| checker.spreads[at]).sum();
            if lead < rest {
                let what = format!("a lead of {lead} ends it, and the trees left can give {rest}");
                findings.fault(Kind::Exit, format!("LEADS after tree {tree}"), what);
            }
        }
    }
    if findings.holds() {
        for (index, row) in rows.chunks(model.schema().n_features()).enumerate() {
            findings.rows += 1;
            if let Err(what) = checker.row(index, row) {
                findings.fault(Kind::Row, format!("test row {index}"), what);
            }
        }
    }
    Ok(())
}

impl Checker<'_> {
    /// Walks a float tree and the shipped one together.
    fn tree(&mut self, tree: usize, shipped: usize, findings: &mut Findings) {
        let model = self.model;
        let nodes = model.trees()[tree].nodes();
        let mut stack = vec![(0_usize, self.trees.roots[shipped])];
        while let Some((node, child)) = stack.pop() {
            let place = format!("tree {tree} node {node}");
            let child = self.settled(child);
            let split = match (&nodes[node], child) {
                (Node::Split(split), _) => split,
                (Node::Leaf(values), Child::Leaf(leaf)) => {
                    findings.leaves += 1;
                    match self.leaf((tree, shipped), values, leaf) {
                        Ok(spread) => self.spreads[shipped] = self.spreads[shipped].max(spread),
                        Err(what) => findings.fault(Kind::Leaf, place, what),
                    }
                    continue;
                }
                (Node::Leaf(_), Child::Split(at)) if self.trees.idle.contains(&at) => {
                    stack.push((node, self.trees.splits[at].children[0]));
                    continue;
                }
                (Node::Leaf(_), Child::Split(_)) => {
                    findings.fault(
                        Kind::Split,
                        place,
                        "float ends in a leaf, and the tables ask on",
                    );
                    continue;
                }
            };
            findings.splits += 1;
            let feature = split.feature as usize;
            let [left, right] = split.children.map(|child| child as usize);
            let Some(first) = self.of(split) else {
                // Nothing is known of the feature, so both sides have to be the same.
                stack.extend([(left, child), (right, child)]);
                continue;
            };
            let split = match child {
                Child::Split(at) => Some(self.trees.splits[at])
                    .filter(|split| self.inputs.of_feature[feature].contains(&split.input)),
                Child::Leaf(_) => None,
            };
            // A split that no reading goes left at need not stand in the tables.
            let never = self.inputs.cells[first].lowest - 1;
            let at = (tree, node);
            let found = split.map(|split| self.decides(at, split.input, split.threshold));
            match (split, found) {
                (Some(split), Some(Ok(()))) => {
                    self.thresholds
                        .insert((tree, node), (split.input, split.threshold));
                    stack.extend([(left, split.children[0]), (right, split.children[1])]);
                }
                // Nor need one whose sides are the same leaf, whichever way its readings go.
                _ if matches!(child, Child::Leaf(leaf) if self.is_all(tree, node, leaf, true)) => {
                    stack.extend([(left, child), (right, child)]);
                }
                _ if self.decides(at, first, never).is_ok() => {
                    self.thresholds.insert((tree, node), (first, never));
                    stack.push((right, child));
                }
                // What no reading comes to is no side.
                _ if matches!(child, Child::Leaf(leaf) if self.is_all(tree, node, leaf, false)) => {
                    stack.extend([(left, child), (right, child)]);
                }
                // What a level asks in vain.
                _ if matches!(child, Child::Split(at) if self.trees.idle.contains(&at)) => {
                    if let Child::Split(at) = child {
                        stack.push((node, self.trees.splits[at].children[0]));
                    }
                }
                (_, Some(Err(what))) => findings.fault(Kind::Unlisted, place, what),
                _ => findings.fault(
                    Kind::Split,
                    place,
                    format!("the tables do not ask feature {feature}"),
                ),
            }
        }
    }

    /// The first code of a feature that is of a node's kind.
    fn of(&self, split: &Split) -> Option<usize> {
        let feature = split.feature as usize;
        let is_member = matches!(split.test, Test::Among(_));
        let mut of_feature = self.inputs.of_feature[feature].iter().copied();
        of_feature.find(|input| self.inputs.cells[*input].is_set() == is_member)
    }

    /// Whether all leaves below a node of a float tree, or all that readings come to, are this one of
    /// the tables.
    fn is_all(&mut self, tree: usize, node: usize, leaf: usize, with_unreached: bool) -> bool {
        let model = self.model;
        let nodes = model.trees()[tree].nodes();
        let mut stack = vec![node];
        while let Some(node) = stack.pop() {
            match &nodes[node] {
                Node::Leaf(values) if self.spread(tree, values, leaf).is_err() => {
                    return false;
                }
                Node::Leaf(_) => {}
                Node::Split(split) => {
                    let [left, right] = split.children.map(|child| child as usize);
                    let is_never_left = self.of(split).is_some_and(|input| {
                        let never = self.inputs.cells[input].lowest - 1;
                        self.decides((tree, node), input, never).is_ok()
                    });
                    stack.extend((with_unreached || !is_never_left).then_some(left));
                    stack.push(right);
                }
            }
        }
        true
    }

    /// A split with one leaf on both sides is that leaf; a tree that is one leaf is written so.
    fn settled(&self, child: Child) -> Child {
        match child {
            Child::Split(at) => match self.trees.splits[at].children {
                [Child::Leaf(left), Child::Leaf(right)] if left == right => Child::Leaf(left),
                _ => child,
            },
            Child::Leaf(_) => child,
        }
    }

    /// Decides a split for every code, and for a missing reading; what float decides differently has to
    /// be listed.
    fn decides(&mut self, at: (usize, usize), input: usize, code: i32) -> Result<(), String> {
        let model = self.model;
        let node = &model.trees()[at.0].nodes()[at.1];
        let Node::Split(split) = node else {
            return Err("a threshold of sets, or a set among thresholds".to_owned());
        };
        let cells = &self.inputs.cells[input];
        let flip = self.flips.get(&at);
        let wants_left = split.missing == Some(Side::Left);
        if let Some(missing) = cells.missing_code()
            && (missing <= code) != wants_left
            && !flip.is_some_and(|flip| flip.missing)
        {
            return Err(format!(
                "a missing reading has the code {missing} at the code {code}, which is the other side \
                 than float's"
            ));
        }
        let threshold = match &split.test {
            Test::AtMost(threshold) if !cells.is_set() => *threshold,
            Test::Among(categories) if cells.is_set() => {
                let all = cells.categories(categories);
                self.in_sets += all.len() as u64;
                let differs = |reading: &&f64| {
                    (cells.code(**reading) <= code) != node.sends_left(**reading)
                        && !cells.is_missing(**reading)
                };
                return match all.iter().find(differs) {
                    None => Ok(()),
                    Some(reading) => Err(format!(
                        "the category {reading} is on the other side than float's set has it"
                    )),
                };
            }
            _ => return Err("a threshold of sets, or a set among thresholds".to_owned()),
        };
        let compare = model.schema().features()[split.feature as usize].compare;
        if cells.has_nan() && cells.code(f64::NAN) <= code {
            return Err(format!("NaN goes left at the code {code}"));
        }
        let last_left = cells.last_left(threshold, compare);
        let runs = self.decided.entry((input, last_left, code));
        let (low, high) = cells.range;
        for (from, to) in runs.or_insert_with(|| cells.decide(last_left, code)) {
            let (from, to) = ((*from).max(low), (*to).min(high));
            let (first, last) = (cells.value(from), cells.value(to));
            let is_listed = flip.is_some_and(|flip| {
                flip.above.is_none_or(|above| above < first)
                    && flip.below.is_none_or(|below| last < below)
            });
            // What stands for a missing reading is none.
            let is_mark = from == to && cells.is_missing(first);
            if from <= to && !is_listed && !is_mark {
                return Err(format!(
                    "the readings {first} to {last} pass {threshold} and the code {code} on different \
                     sides, and are not listed"
                ));
            }
        }
        Ok(())
    }

    /// The votes of a leaf for each score, where leaves hold values.
    fn sums(&self, tree: usize, leaf: usize) -> Option<Vec<u32>> {
        let adding = self.adding.as_ref()?;
        let votes = self.leaves.get(leaf)?;
        let Some(score) = adding.score_of(tree) else {
            return Some(votes.clone());
        };
        let mut sums = vec![0; self.model.schema().outputs().len()];
        sums[score] = votes[0];
        Some(sums)
    }

    /// Holds a leaf's votes to what float's leaf holds, and gives by how much one is above another.
    fn leaf(&mut self, trees: (usize, usize), values: &[f64], leaf: usize) -> Result<u32, String> {
        let sums = self.sums(trees.0, leaf);
        match (&mut self.adding, sums) {
            (Some(adding), Some(votes)) => adding.leaf(trees, values, &votes),
            _ => self.votes(values, leaf),
        }
    }

    /// The same of a leaf that some readings may come to.
    fn spread(&self, tree: usize, values: &[f64], leaf: usize) -> Result<u32, String> {
        match (&self.adding, self.sums(tree, leaf)) {
            (Some(adding), Some(votes)) => adding.spread(tree, values, &votes),
            _ => self.votes(values, leaf),
        }
    }

    /// Holds a leaf's votes to its proportions: each to the nearest, a leader that ties one more.
    fn votes(&self, proportions: &[f64], leaf: usize) -> Result<u32, String> {
        let votes = self
            .leaves
            .get(leaf)
            .ok_or_else(|| format!("there is no leaf {leaf}"))?;
        let leader = argmax(proportions);
        let is_near = |(class, (proportion, vote)): (usize, (&f64, &u32))| {
            let Some(unit) = self.unit else {
                return true;
            };
            let apart = f64::from(*vote) - proportion.min(1.0) * f64::from(unit);
            let most = if class == leader { 1.5 } else { 0.5 };
            (-0.5 - 1e-6..=most + 1e-6).contains(&apart)
        };
        let (most, least) = (
            votes.iter().max().unwrap_or(&0),
            votes.iter().min().unwrap_or(&0),
        );
        if !proportions.iter().zip(votes).enumerate().all(is_near)
            || votes.iter().position(|vote| vote == most) != Some(leader)
        {
            return Err(format!(
                "the votes {votes:?} for the proportions {proportions:?}"
            ));
        }
        Ok(most - least)
    }

    /// Holds the levels to what is listed and to the leaves.
    fn levels(&self, findings: &mut Findings) {
        let certificate = &self.claim.certificate;
        let flips = &certificate.flips;
        let is_split = |flip: &Flip| {
            let tree = self.model.trees().get(flip.tree);
            matches!(
                tree.and_then(|tree| tree.nodes().get(flip.node)),
                Some(Node::Split(_))
            )
        };
        let is_plain = match &self.adding {
            None => self.model.trees().len() == 1 || self.claim.voting == Voting::Hard,
            // Values have a bound, and no decision.
            Some(adding) => adding.model.schema().task() == Task::Regress,
        };
        let bears_out = match certificate.splits {
            None => false,
            Some(Level::EveryInput) => flips.is_empty(),
            Some(Level::EveryRow) => flips.iter().all(|flip| flip.rows.is_empty()),
            Some(Level::Listed) => true,
        } && match certificate.votes {
            Level::Listed => true,
            level if !certificate.rows_at_risk.is_empty() || level == Level::EveryRow => {
                certificate.rows_at_risk.is_empty()
            }
            _ => is_plain || (self.adding.is_none() && self.is_exact()),
        };
        // Leaves that are classes stand for proportions in a single tree and under hard votes.
        if !bears_out || !flips.iter().all(is_split) || !(is_plain || self.unit.is_some()) {
            findings.fault(
                Kind::Level,
                "the certificate",
                "its levels are not borne out by what it lists",
            );
        }
    }

    /// Whether all leaves are held exactly, and float adds them up exactly.
    fn is_exact(&self) -> bool {
        let unit = f64::from(self.unit.unwrap_or(1));
        let is_whole = |value: f64| value == value.round();
        self.model
            .trees()
            .iter()
            .flat_map(|tree| tree.nodes())
            .filter_map(Node::leaf)
            .flatten()
            .all(|p| is_whole(p * unit) && is_whole(p * 1_048_576.0))
    }

    /// Predicts a test row on both sides.
    fn row(&self, index: usize, row: &[f64]) -> Result<(), String> {
        let certificate = &self.claim.certificate;
        let codes = self.inputs.codes(row);
        let mut parts = false;
        for tree in 0..self.model.trees().len() {
            if let Some(node) = self.parting(tree, row, &codes) {
                parts = true;
                if !self
                    .flips
                    .get(&(tree, node))
                    .is_some_and(|flip| flip.rows.contains(&index))
                {
                    return Err(format!(
                        "its paths part at tree {tree} node {node}, which is not listed"
                    ));
                }
            }
        }
        let mut sums = vec![0_u64; self.model.schema().outputs().len()];
        if let Some(adding) = &self.adding {
            for (sum, base) in sums.iter_mut().zip(adding.begin()) {
                *sum = base.unsigned_abs();
            }
        }
        for (tree, root) in self.order.iter().zip(&self.trees.roots) {
            let leaf = self.trees.leaf(*root, &codes);
            let of_leaf = self.sums(*tree, leaf);
            let votes = of_leaf.as_ref().unwrap_or(&self.leaves[leaf]);
            sums.iter_mut()
                .zip(votes)
                .for_each(|(sum, vote)| *sum += u64::from(*vote));
        }
        let forest = match (self.model, &self.adding) {
            (_, Some(_)) if parts => return Ok(()),
            (_, Some(adding)) => {
                let is_listed = certificate.rows_at_risk.contains(&index);
                return adding.row(row, &sums, is_listed);
            }
            (FloatModel::Forest(forest), None) => forest,
            _ => unreachable!("only trees are checked here"),
        };
        let float = forest.scores(row, self.claim.voting);
        let winner = argmax(&float);
        let n_trees = float.len().max(self.model.trees().len()) as f64;
        let is_soft = self.unit.is_some() && self.claim.voting == Voting::Soft;
        // Float's sums are rounded, too; a tie is one on both sides where leaves are held exactly.
        let rounding = n_trees * n_trees * f64::EPSILON * 2.0;
        let overtakes = |class: usize| {
            let is_ahead = (sums[class], winner) > (sums[winner], class);
            let is_close = (float[winner] - float[class]) * n_trees <= rounding;
            let is_rounded = is_soft && certificate.votes != Level::EveryInput;
            class != winner
                && (is_ahead || (is_rounded && (is_close || sums[class] == sums[winner])))
        };
        if !parts && (0..sums.len()).any(overtakes) && !certificate.rows_at_risk.contains(&index) {
            return Err(format!(
                "float's class {winner} does not win beyond doubt with {sums:?}; not listed"
            ));
        }
        Ok(())
    }

    /// The node where a row's readings and codes go different ways.
    fn parting(&self, tree: usize, row: &[f64], codes: &[i32]) -> Option<usize> {
        let nodes = self.model.trees()[tree].nodes();
        let mut node = 0;
        while let Some((feature, [left, right])) = nodes[node].split() {
            let compare = self.model.schema().features()[feature].compare;
            let goes_left = nodes[node].sends_left(compare.seen(row[feature]));
            let code = self.thresholds.get(&(tree, node));
            if code.is_some_and(|(input, code)| (codes[*input] <= *code) != goes_left) {
                return Some(node);
            }
            node = if goes_left { left } else { right };
        }
        None
    }
}
