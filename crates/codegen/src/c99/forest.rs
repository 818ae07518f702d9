//! Tree ensembles in C: walks over tables or generated branches, votes, and early exit.

use std::fmt::Write;

use spinney_checker::Layout;
use spinney_quantize::{Leaves, Numbers, QuantForest, QuantModel, Values};

use super::branches;
use super::text::{Item, Tables, comment};
use crate::branches::form;
use crate::compact::{Compact, Nodes, number, with_a_split};
use crate::compared::{self, Compared};
use crate::exit::{Enough, enough, score_max};
use crate::layout;
use crate::levels::{Asked, Levels};
use crate::options::{Encoding, Options};
use crate::tables::has_bases;
use crate::trees::{Child, Tree, trees};

/// Set in a child of the widest form that is a leaf.
const LEAF: u16 = 0x8000;

/// Tables, and `classify` and `scores` with what they call.
pub(crate) struct ForestSource {
    pub tables: Tables,
    pub functions: String,
    /// In words: "3 bytes per split".
    pub form: String,
    /// Of splits; `None` where they are code.
    pub layout: Option<Layout>,
}

/// How votes are added up.
struct Sum {
    /// The type of one sum.
    item: Item,
    /// Of a leaf's number.
    leaf: Item,
    /// Votes of a leaf; `None` where it is a class.
    row: Option<Item>,
}

/// Writes `forest` in the form that `options` ask for.
pub(crate) fn source(model: &QuantModel, forest: &QuantForest, options: &Options) -> ForestSource {
    let (n_codes, n_classes) = (model.inputs().len(), model.n_scores());
    let trees = trees(forest);
    let values = match forest.leaves() {
        Leaves::Values(values) => Some(values),
        _ => None,
    };
    let is_table = options.encoding != Encoding::Branches;
    let table = Options {
        encoding: Encoding::Table,
        ..*options
    };
    let compact = is_table
        .then(|| Compact::new(forest, &trees, n_codes, n_classes, &table))
        .flatten();
    let leaves = compact.as_ref().and_then(Compact::leaves);
    let leaves = leaves.unwrap_or(forest.leaves());
    let sum = Sum::of(forest, leaves, &trees, n_classes, options);
    let mut tables = Tables::default();
    let (form, walk, layout) = if is_table {
        nodes(&trees, compact.as_ref(), sum.leaf, &mut tables)
    } else {
        let compared = Compared::new(model, &trees, options.code_type);
        let text = branches::functions(&trees, values, sum.leaf.name(), &compared);
        let text = compared::screen_in_c(&compared, model) + &text;
        (form(options.code_type).to_owned(), text, None)
    };
    if is_table || values.is_none() {
        write_leaves(&mut tables, leaves, &forest.unit(), n_classes);
    }
    let is_single = trees.len() == 1 && *forest.leaves() == Leaves::Classes;
    let bounds = (options.early_exit && !is_single)
        .then(|| enough(&trees, forest.leaves(), n_classes, options.exit_margin));
    let mut functions = walk;
    let calls = Calls {
        n_trees: trees.len(),
        is_table,
        sum: &sum,
        bounds: bounds.as_ref(),
    };
    if is_single {
        functions.push_str(&calls.single());
    } else {
        if let (true, Some(Enough::Leads(leads))) = (is_table, &bounds) {
            write_leads(&mut tables, leads, sum.item);
        }
        match values {
            Some(values) => OfValues {
                values,
                trees: &trees,
                sum: sum.item,
                is_table,
                leads: match &bounds {
                    Some(Enough::Leads(leads)) => Some(leads),
                    _ => None,
                },
            }
            .write(&mut functions),
            None => calls.write(&mut functions),
        }
    }
    ForestSource {
        tables,
        functions,
        form,
        layout,
    }
}

impl Sum {
    fn of(
        forest: &QuantForest,
        written: &Leaves,
        trees: &[Tree],
        n_classes: usize,
        options: &Options,
    ) -> Self {
        let n_trees = number(trees.len());
        let leaf = |n_rows: usize| {
            if n_rows <= 256 { Item::U8 } else { Item::U16 }
        };
        match written {
            Leaves::Classes => Self {
                item: if n_trees <= 255 { Item::U8 } else { Item::U16 },
                leaf: Item::U8,
                row: None,
            },
            Leaves::Bytes(rows) => Self {
                item: Item::u16_or_u32(n_trees * 255),
                leaf: leaf(rows.len() / n_classes),
                row: Some(Item::U8),
            },
            Leaves::Words(rows) => Self {
                item: Item::U32,
                leaf: leaf(rows.len() / n_classes),
                row: Some(Item::U16),
            },
            Leaves::Values(values) => {
                let row = item_of(&values.numbers);
                Self {
                    item: Item::u16_or_u32(score_max(forest.leaves(), values, trees)),
                    // A branch ends in the value itself.
                    leaf: match options.encoding {
                        Encoding::Branches => row,
                        _ => leaf(values.numbers.len()),
                    },
                    row: Some(row),
                }
            }
        }
    }
}

/// The table of splits, its form in words, and the function that walks it.
fn nodes(
    trees: &[Tree],
    compact: Option<&Compact>,
    leaf: Item,
    tables: &mut Tables,
) -> (String, String, Option<Layout>) {
    let layout = match compact {
        Some(compact) => layout::compact(compact, true),
        None => layout::wide(true),
    };
    // C checks no tables, so the runtime does, here.
    let _ = compact.map(Compact::runtime);
    let (item, per_split, body) = match compact.map(|compact| &compact.nodes) {
        Some(Nodes::Levels(levels)) => {
            let form = compact.map(Compact::form).unwrap_or_default();
            return (form, self::levels(levels, leaf, tables), Some(layout));
        }
        Some(Nodes::Three { bytes, .. }) => {
            tables.add(
                "A split in three bytes: argument, feature and leaf marks, threshold.",
                Item::U8,
                "nodes",
                // The runtime reads words that begin a byte early; C does not.
                bytes[1..].chunks(3).map(<[u8]>::to_vec),
            );
            (Item::U8, 3, THREE.to_owned())
        }
        Some(Nodes::Four {
            words,
            threshold_bits,
            feature_bits,
        }) => {
            tables.add_items(
                "A split in a word: feature, argument, leaf marks, threshold, from the low end.",
                Item::U32,
                "nodes",
                words.iter().map(|word| format!("{word:#010x}")),
            );
            (Item::U32, 1, four(*threshold_bits, *feature_bits))
        }
        Some(Nodes::Six {
            halves,
            feature_bits,
        }) => {
            tables.add(
                "A split in three words of 16 bits: threshold; feature, argument and leaf marks, \
                 from the low end of the other two.",
                Item::U16,
                "nodes",
                halves.iter().map(|node| node.to_vec()),
            );
            (Item::U16, 3, six(*feature_bits))
        }
        Some(Nodes::Packed(_)) | None => {
            tables.add(
                "A split in four words of 16 bits: feature, threshold, the children to the left \
                 and right. A child is a split, counted from the tree's first, or a leaf where the \
                 highest bit is set.",
                Item::U16,
                "nodes",
                trees.iter().flat_map(|tree| wide(&with_a_split(tree))),
            );
            (Item::U16, 4, WIDE.to_owned())
        }
    };
    let mut starts = Vec::new();
    let mut next = 0;
    for tree in trees {
        starts.push(next);
        next += number(tree.splits.len().max(1) * per_split);
    }
    let start = Item::u16_or_u32(starts.last().copied().unwrap_or(0));
    tables.add_items(
        "Where each tree starts in the table above.",
        start,
        "starts",
        starts,
    );
    let doc = if per_split == 4 {
        "The leaf that a tree sends a row to."
    } else {
        "The leaf that a tree sends a row to. What follows a split is its left child, or the right \
         one where the left one is a leaf. The argument is a leaf's number, or both leaves' side \
         by side, or how many splits lie before the right child."
    };
    let walk = format!(
        "{}static inline {leaf} @_leaf(const @_code_t *codes, size_t tree)\n{{\n{}}}\n\n",
        comment(doc),
        body.replace("START", &start.read("&@_starts[tree]"))
            .replace("LEAF_T", leaf.name()),
        leaf = leaf.name(),
    );
    (
        format!("{} bytes per split", per_split * item.n_bytes()),
        walk,
        Some(layout),
    )
}

/// The tables of levels, and the function that asks them.
fn levels(levels: &Levels, leaf: Item, tables: &mut Tables) -> String {
    let doc = format!(
        "Feature and threshold of each level, {} a tree.",
        levels.depth
    );
    let (item, threshold) = match &levels.asked {
        Asked::Bytes(asked) => {
            let asked = asked.iter().map(|level| level.to_vec());
            tables.add(&doc, Item::U8, "nodes", asked);
            (Item::U8, Item::U8.read("level + 1"))
        }
        Asked::Halves(asked) => {
            let asked = asked.iter().map(|level| level.to_vec());
            tables.add(&doc, Item::U16, "nodes", asked);
            (
                Item::U16,
                format!("(int16_t){}", Item::U16.read("level + 1")),
            )
        }
    };
    let place = match levels.numbers() {
        Some(numbers) => {
            let item = item_of(numbers);
            tables.add_items(
                "The leaf that the bits of a tree's levels lead to, those of the first the highest.",
                item,
                "numbers",
                (0..numbers.len()).map(|place| numbers.get(place)),
            );
            item.read("@_numbers + place")
        }
        None => "place".to_owned(),
    };
    let doc = "The leaf that a tree sends a row to: each level gives one bit of its place.";
    format!(
        "{}static inline {leaf} @_leaf(const @_code_t *codes, size_t tree)\n{{\n    \
             const {item} *level = @_nodes + tree * {values};\n    \
             const {item} *const end = level + {values};\n    \
             size_t place = tree;\n    \
             for (; level < end; level += 2) {{\n        \
                 place = place << 1 | (codes[{feature}] > {threshold});\n    }}\n    \
             return ({leaf})({place});\n}}\n\n",
        comment(doc),
        leaf = leaf.name(),
        item = item.name(),
        values = 2 * levels.depth,
        feature = item.read("level"),
    )
}

const THREE: &str = "    \
    const uint8_t *node = @_nodes + START;
    for (;;) {
        const uint8_t argument = $_READ8(node);
        const uint8_t feature = $_READ8(node + 1);
        const uint8_t threshold = $_READ8(node + 2);
        node += 3;
        if (codes[feature >> 2] <= threshold) {
            if (feature & 1) {
                return argument & 0xf;
            }
        } else {
            if (feature & 2) {
                return argument >> 4;
            }
            if (!(feature & 1)) {
                node += 3 * (size_t)argument;
            }
        }
    }
";

const WIDE: &str = "    \
    const uint16_t *first = @_nodes + START;
    uint16_t child = 0;
    do {
        const uint16_t *node = first + 4 * (size_t)child;
        const int16_t threshold = (int16_t)$_READ16(node + 1);
        const int goes_right = codes[$_READ16(node)] > threshold;
        child = $_READ16(node + 2 + goes_right);
    } while (child < 0x8000);
    return (LEAF_T)(child - 0x8000u);
";

fn four(threshold_bits: u8, feature_bits: u8) -> String {
    let threshold = match threshold_bits {
        8 => "        const uint8_t threshold = (uint8_t)(word >> 24);\n",
        _ => "        const int16_t threshold = (int16_t)(uint16_t)(word >> 16);\n",
    };
    format!(
        "    const uint32_t *node = @_nodes + START;\n    for (;;) {{\n        \
         const uint32_t word = $_READ32(node);\n{threshold}        node += 1;\n{}",
        fields(threshold_bits, feature_bits, "node += argument;")
    )
}

fn six(feature_bits: u8) -> String {
    format!(
        "    const uint16_t *node = @_nodes + START;\n    for (;;) {{\n        \
         const int16_t threshold = (int16_t)$_READ16(node);\n        \
         const uint32_t low = $_READ16(node + 1);\n        \
         const uint32_t high = $_READ16(node + 2);\n        \
         const uint32_t word = low | high << 16;\n        node += 3;\n{}",
        fields(0, feature_bits, "node += 3 * (size_t)argument;")
    )
}

/// What is left of a walk once `word` and `threshold` are read.
fn fields(threshold_bits: u8, feature_bits: u8, skip: &str) -> String {
    let argument_bits = 30 - threshold_bits - feature_bits;
    let leaf_bits = argument_bits / 2;
    format!(
        "        const uint32_t argument = (word >> {feature_bits}) & {argument_mask:#x};
        const int is_left_leaf = (word & {left:#x}) != 0;
        const int is_right_leaf = (word & {right:#x}) != 0;
        if (codes[word & {feature_mask:#x}] <= threshold) {{
            if (is_left_leaf) {{
                return (LEAF_T)(argument & {leaf_mask:#x});
            }}
        }} else {{
            if (is_right_leaf) {{
                return (LEAF_T)(argument >> {leaf_bits});
            }}
            if (!is_left_leaf) {{
                {skip}
            }}
        }}
    }}
",
        argument_mask = (1_u32 << argument_bits) - 1,
        feature_mask = (1_u32 << feature_bits) - 1,
        leaf_mask = (1_u32 << leaf_bits) - 1,
        left = 1_u32 << (30 - threshold_bits),
        right = 1_u32 << (31 - threshold_bits),
    )
}

/// The nodes of a tree in the widest form.
fn wide(tree: &Tree) -> Vec<Vec<u16>> {
    let child = |child: Child| {
        let (number, mark) = match child {
            Child::Split(index) => (index, 0),
            Child::Leaf(leaf) => (leaf, LEAF),
        };
        u16::try_from(number).expect("at most `limits::TREE_SPLITS`, `limits::LEAVES`") | mark
    };
    tree.splits
        .iter()
        .map(|split| {
            vec![
                split.feature,
                split.threshold.cast_unsigned(),
                child(split.children[0]),
                child(split.children[1]),
            ]
        })
        .collect()
}

fn write_leaves(tables: &mut Tables, leaves: &Leaves, unit: &str, n_classes: usize) {
    let doc = format!("Votes per class, in units of {unit}; a row per distinct leaf.");
    match leaves {
        Leaves::Classes => {}
        Leaves::Bytes(votes) => tables.add(
            &doc,
            Item::U8,
            "leaves",
            votes.chunks(n_classes).map(<[u8]>::to_vec),
        ),
        Leaves::Words(votes) => tables.add(
            &doc,
            Item::U16,
            "leaves",
            votes.chunks(n_classes).map(<[u16]>::to_vec),
        ),
        Leaves::Values(values) => write_values(tables, values, unit),
    }
}

/// The type of a value.
fn item_of(numbers: &Numbers) -> Item {
    match numbers {
        Numbers::Bytes(_) => Item::U8,
        Numbers::Halves(_) => Item::U16,
        Numbers::Words(_) => Item::U32,
    }
}

fn write_values(tables: &mut Tables, values: &Values, unit: &str) {
    let doc = format!("Values of leaves, in units of {unit}.");
    let item = item_of(&values.numbers);
    let numbers = (0..values.numbers.len()).map(|leaf| values.numbers.get(leaf));
    tables.add_items(&doc, item, "leaves", numbers.map(|it| format!("{it}u")));
    if has_bases(&values.bases) {
        let bases = values.bases.iter().map(|it| format!("{it}u"));
        tables.add_items("What each score begins with.", Item::U32, "bases", bases);
    }
    tables.add_items(
        "Where the trees of each score end, which is where those of the next begin.",
        Item::U16,
        "ends",
        values.ends(),
    );
}

fn write_leads(tables: &mut Tables, leads: &[Option<u32>], item: Item) {
    let never = match item {
        Item::U16 => "UINT16_MAX",
        _ => "UINT32_MAX",
    };
    tables.add_items(
        "The lead that the trees after each tree cannot make up for.",
        item,
        "leads",
        leads
            .iter()
            .map(|lead| lead.map_or(never.to_owned(), |lead| lead.to_string())),
    );
}

/// What `classify` and `scores` are made of.
struct Calls<'a> {
    n_trees: usize,
    /// Whether one function walks all trees, or each has its own.
    is_table: bool,
    sum: &'a Sum,
    /// Where to stop, with early exit.
    bounds: Option<&'a Enough>,
}

impl Calls<'_> {
    /// `classify` and `scores` of one tree whose leaves are classes.
    fn single(&self) -> String {
        let leaf = self.leaf(0);
        format!(
            "{CLASSIFY_DOC}\
             static inline uint8_t @_classify(const @_code_t codes[$_LEAST($_N_CODES)])\n{{\n    \
                 return {leaf};\n}}\n\n\
             {SCORES_DOC}\
             static inline void @_scores(\n    const @_code_t codes[$_LEAST($_N_CODES)],\n    @_score_t scores[$_LEAST($_N_CLASSES)])\n{{\n    \
                 const uint8_t leaf = {leaf};\n    \
                 for (size_t i = 0; i < $_N_CLASSES; i++) {{\n        \
                     scores[i] = i == leaf;\n    }}\n}}\n\n"
        )
    }

    /// The call that gives the leaf of a tree.
    fn leaf(&self, tree: usize) -> String {
        if self.is_table {
            format!("@_leaf(codes, {tree})")
        } else {
            format!("@_tree_{tree}(codes)")
        }
    }

    fn write(&self, out: &mut String) {
        let sum = self.sum.item.name();
        let _ = write!(
            out,
            "/* The class with the largest sum, the lowest among equals. */\n\
             static inline uint8_t @_largest(const {sum} *sums)\n{{\n    \
                 uint8_t best = 0;\n    \
                 for (uint8_t i = 1; i < $_N_CLASSES; i++) {{\n        \
                     if (sums[i] > sums[best]) {{\n            best = i;\n        }}\n    }}\n    \
                 return best;\n}}\n\n"
        );
        if let Some(row) = self.sum.row {
            let _ = write!(
                out,
                "/* Adds the votes of a leaf. */\n\
                 static inline void @_add({sum} *sums, {leaf} leaf)\n{{\n    \
                     const {row} *votes = @_leaves + (size_t)leaf * $_N_CLASSES;\n    \
                     for (size_t i = 0; i < $_N_CLASSES; i++) {{\n        \
                         sums[i] = ({sum})(sums[i] + {vote});\n    }}\n}}\n\n",
                leaf = self.sum.leaf.name(),
                row = row.name(),
                vote = row.read("votes + i"),
            );
        }
        if let Some(Enough::Leads(_)) = self.bounds {
            let _ = write!(
                out,
                "/* By how much the largest sum leads the second largest. */\n\
                 static inline {sum} @_lead(const {sum} *sums)\n{{\n    \
                     {sum} first = 0;\n    \
                     {sum} second = 0;\n    \
                     for (size_t i = 0; i < $_N_CLASSES; i++) {{\n        \
                         if (sums[i] > first) {{\n            \
                             second = first;\n            first = sums[i];\n        \
                         }} else if (sums[i] > second) {{\n            \
                             second = sums[i];\n        }}\n    }}\n    \
                     return ({sum})(first - second);\n}}\n\n"
            );
        }
        let _ = write!(
            out,
            "{CLASSIFY_DOC}\
             static inline uint8_t @_classify(const @_code_t codes[$_LEAST($_N_CODES)])\n{{\n    \
                 {sum} sums[$_N_CLASSES] = {{0}};\n{}    \
                 return @_largest(sums);\n}}\n\n\
             {SCORES_DOC}\
             static inline void @_scores(\n    const @_code_t codes[$_LEAST($_N_CODES)],\n    @_score_t scores[$_LEAST($_N_CLASSES)])\n{{\n    \
                 {sum} sums[$_N_CLASSES] = {{0}};\n{}    \
                 for (size_t i = 0; i < $_N_CLASSES; i++) {{\n        \
                     scores[i] = sums[i];\n    }}\n}}\n\n",
            self.all_trees(self.bounds),
            self.all_trees(None)
        );
    }

    /// The statements that ask all trees, or as many as `bounds` leave to ask.
    fn all_trees(&self, bounds: Option<&Enough>) -> String {
        if self.is_table {
            return self.in_a_loop(bounds);
        }
        let mut out = String::new();
        if let Some(Enough::Votes(_)) = bounds {
            let _ = writeln!(out, "    {} leaf;", self.sum.leaf.name());
        }
        for tree in 0..self.n_trees {
            let leaf = self.leaf(tree);
            let is_last = tree + 1 == self.n_trees;
            let _ = match (self.sum.row, bounds) {
                (None, Some(Enough::Votes(enough))) if tree + 1 >= *enough as usize && !is_last => {
                    writeln!(
                        out,
                        "    leaf = {leaf};\n    \
                         if (++sums[leaf] == {enough}) {{\n        return leaf;\n    }}"
                    )
                }
                (None, _) => writeln!(out, "    sums[{leaf}]++;"),
                (Some(_), Some(Enough::Leads(leads))) => {
                    let _ = writeln!(out, "    @_add(sums, {leaf});");
                    match leads[tree] {
                        Some(lead) => writeln!(
                            out,
                            "    if (@_lead(sums) > {lead}) {{\n        \
                             return @_largest(sums);\n    }}"
                        ),
                        None => Ok(()),
                    }
                }
                (Some(_), _) => writeln!(out, "    @_add(sums, {leaf});"),
            };
        }
        out
    }

    fn in_a_loop(&self, bounds: Option<&Enough>) -> String {
        let body = match (self.sum.row, bounds) {
            (None, Some(Enough::Votes(enough))) => format!(
                "        const uint8_t leaf = @_leaf(codes, tree);\n        \
                 if (++sums[leaf] == {enough}) {{\n            return leaf;\n        }}\n"
            ),
            (None, _) => "        sums[@_leaf(codes, tree)]++;\n".to_owned(),
            (Some(_), Some(Enough::Leads(_))) => format!(
                "        @_add(sums, @_leaf(codes, tree));\n        \
                 if (@_lead(sums) > {}) {{\n            break;\n        }}\n",
                self.sum.item.read("&@_leads[tree]")
            ),
            (Some(_), _) => "        @_add(sums, @_leaf(codes, tree));\n".to_owned(),
        };
        format!("    for (size_t tree = 0; tree < $_N_TREES; tree++) {{\n{body}    }}\n")
    }
}

/// `classify` and `scores` of trees that add to one score each.
struct OfValues<'a> {
    values: &'a Values,
    trees: &'a [Tree],
    /// The type of a sum.
    sum: Item,
    /// Whether one function walks all trees, or each has its own.
    is_table: bool,
    /// What trees after each can add to its score, with early exit.
    leads: Option<&'a Vec<Option<u32>>>,
}

impl OfValues<'_> {
    fn write(&self, out: &mut String) {
        let n_scores = self.values.bases.len();
        if self.is_table {
            self.walk(out, false);
            if self.leads.is_some() {
                self.walk(out, true);
            }
        } else {
            for score in 0..n_scores {
                self.branches(out, score, false);
                if self.leads.is_some() && score > 0 {
                    self.branches(out, score, true);
                }
            }
        }
        let sum = self.sum.name();
        let call = |score: &str, is_early: bool| match (self.is_table, is_early) {
            (true, false) => format!("@_sum(codes, {score})"),
            (true, true) => format!("@_sum_early(codes, {score}, best)"),
            (false, false) => format!("@_sum_{score}(codes)"),
            (false, true) => format!("@_sum_{score}_early(codes, best)"),
        };
        let is_early = self.leads.is_some();
        let take = |score: &str, pad: &str| {
            format!(
                "{pad}sum = {};\n{pad}if (sum > best) {{\n{pad}    best = sum;\n{pad}    \
                 winner = {score};\n{pad}}}\n",
                call(score, is_early)
            )
        };
        let others = if n_scores == 1 {
            String::new()
        } else if self.is_table {
            format!(
                "    for (score = 1; score < $_N_CLASSES; score++) {{\n{}    }}\n",
                take("score", "        ")
            )
        } else {
            (1..n_scores)
                .map(|score| take(&score.to_string(), "    "))
                .collect()
        };
        let scores: String = if self.is_table {
            format!(
                "    size_t i;\n    for (i = 0; i < $_N_CLASSES; i++) {{\n        \
                 scores[i] = {};\n    }}\n",
                call("i", false)
            )
        } else {
            let score =
                |it: usize| format!("    scores[{it}] = {};\n", call(&it.to_string(), false));
            (0..n_scores).map(score).collect()
        };
        let locals = match (n_scores, self.is_table) {
            (1, _) => String::new(),
            (_, true) => format!("    {sum} sum;\n    uint8_t score;\n"),
            (_, false) => format!("    {sum} sum;\n"),
        };
        let classify = if n_scores == 1 {
            "    (void)codes;\n    return 0;\n".to_owned()
        } else {
            format!(
                "    {sum} best = {};\n    uint8_t winner = 0;\n{locals}{others}    return winner;\n",
                call("0", false)
            )
        };
        let _ = write!(
            out,
            "{CLASSIFY_DOC}\
             static inline uint8_t @_classify(const @_code_t codes[$_LEAST($_N_CODES)])\n{{\n{classify}}}\n\n\
             {SCORES_DOC}\
             static inline void @_scores(\n    const @_code_t codes[$_LEAST($_N_CODES)],\n    \
             @_score_t scores[$_LEAST($_N_CLASSES)])\n{{\n{scores}}}\n\n"
        );
    }

    /// The function that walks the trees of a score.
    fn walk(&self, out: &mut String, is_early: bool) {
        let sum = self.sum.name();
        let base = if has_bases(&self.values.bases) {
            format!("({sum}){}", Item::U32.read("@_bases + score"))
        } else {
            "0".to_owned()
        };
        let row = item_of(&self.values.numbers);
        let (doc, name, best, stop) = if is_early {
            (
                "As above, until the sum cannot change whether it is above `best`.",
                "_early",
                format!(", {sum} best"),
                format!(
                    "        if (sum > best) {{\n            \
                         if (score + 1 == $_N_CLASSES) {{\n                break;\n            }}\n        \
                     }} else if (({sum})(best - sum) >= {}) {{\n            break;\n        }}\n",
                    self.sum.read("@_leads + tree")
                ),
            )
        } else {
            (
                "The sum of the trees of a score.",
                "",
                String::new(),
                String::new(),
            )
        };
        let _ = write!(
            out,
            "/* {doc} */\n\
             static inline {sum} @_sum{name}(const @_code_t *codes, size_t score{best})\n{{\n    \
                 {sum} sum = {base};\n    \
                 size_t tree = score == 0 ? 0 : {};\n    \
                 const size_t end = {};\n    \
                 for (; tree < end; tree++) {{\n        \
                     sum = ({sum})(sum + {});\n{stop}    }}\n    \
                 return sum;\n}}\n\n",
            Item::U16.read("@_ends + score - 1"),
            Item::U16.read("@_ends + score"),
            row.read("@_leaves + @_leaf(codes, tree)"),
        );
    }

    /// The function that asks the trees of a score.
    fn branches(&self, out: &mut String, score: usize, is_early: bool) {
        let sum = self.sum.name();
        let (name, best) = if is_early {
            ("_early", format!(", {sum} best"))
        } else {
            ("", String::new())
        };
        let mut body = String::new();
        let is_last = score + 1 == self.values.bases.len();
        let mut stops = false;
        for (index, _) in (0..)
            .zip(self.trees)
            .filter(|(_, tree)| tree.score == score)
        {
            let _ = writeln!(body, "    sum = ({sum})(sum + @_tree_{index}(codes));");
            let lead = self.leads.and_then(|leads| leads[index]);
            let lead = lead.map(|lead| format!("({sum})(best - sum) >= {lead}u"));
            let stop = match (lead, is_last) {
                _ if !is_early => None,
                (Some(lead), true) => Some(format!("sum > best || {lead}")),
                (Some(lead), false) => Some(format!("sum <= best && {lead}")),
                (None, true) => Some("sum > best".to_owned()),
                (None, false) => None,
            };
            if let Some(stop) = stop {
                stops = true;
                let _ = writeln!(body, "    if ({stop}) {{\n        return sum;\n    }}");
            }
        }
        let unused = match (body.is_empty(), is_early && !stops) {
            (true, true) => "    (void)codes;\n    (void)best;\n",
            (true, false) => "    (void)codes;\n",
            (false, true) => "    (void)best;\n",
            (false, false) => "",
        };
        let _ = write!(
            out,
            "/* The sum of the trees of score {score}{}. */\n\
             static inline {sum} @_sum_{score}{name}(const @_code_t *codes{best})\n{{\n    \
             {sum} sum = {}u;\n{unused}{body}    return sum;\n}}\n\n",
            if is_early {
                ", until it cannot change whether it is above `best`"
            } else {
                ""
            },
            self.values.bases[score],
        );
    }
}

const CLASSIFY_DOC: &str = "/* The class index of a row of codes; ties go to the lowest. */\n";
const SCORES_DOC: &str = "/* The score of each class for a row of codes; higher is likelier. */\n";
