//! Tree ensembles in C: walks over tables or generated branches, votes, and early exit.

mod sums;
mod votes;

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
use sums::OfValues;
use votes::Calls;

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
    let (per_split, body) = match compact.map(|compact| &compact.nodes) {
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
            (3, THREE.to_owned())
        }
        Some(Nodes::Words {
            words,
            more,
            threshold_bits,
            feature_bits,
        }) => {
            tables.add_items(
                "A split in a word: feature, argument, leaf marks, threshold, from the low end.",
                Item::U32,
                "nodes",
                words.iter().map(|word| format!("{word:#010x}")),
            );
            if let Some(more) = more {
                tables.add_items(
                    "What of each split's argument is above the bits in its word.",
                    item_of(more),
                    "more",
                    (0..more.len()).map(|at| more.get(at)),
                );
            }
            let more = more.as_ref().map(item_of);
            (1, self::words(*threshold_bits, *feature_bits, more))
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
            (4, WIDE.to_owned())
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
    let form = match compact {
        Some(compact) if per_split != 4 => compact.form(),
        _ => "8 bytes per split".to_owned(),
    };
    (form, walk, Some(layout))
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

/// The walk over words, and over what of arguments stands beside them.
fn words(threshold_bits: u8, feature_bits: u8, more: Option<Item>) -> String {
    let threshold = match threshold_bits {
        8 => "        const uint8_t threshold = (uint8_t)(word >> 24);\n",
        _ => "        const int16_t threshold = (int16_t)(uint16_t)(word >> 16);\n",
    };
    let in_word = 30 - threshold_bits - feature_bits;
    let more_bits = more.map_or(0, |item| 8 * item.n_bytes() as u8);
    let leaf_bits = (in_word + more_bits).min(32) / 2;
    let low = format!("(word >> {feature_bits}) & {:#x}", (1_u32 << in_word) - 1);
    // What stands beside is read only where the argument is.
    let (once, argument) = match more {
        None => (
            format!("        const uint32_t argument = {low};\n"),
            "argument".to_owned(),
        ),
        Some(item) => (
            String::new(),
            format!(
                "(({low}) | (uint32_t){} << {in_word})",
                item.read("@_more + (node - @_nodes) - 1")
            ),
        ),
    };
    format!(
        "    const uint32_t *node = @_nodes + START;
    for (;;) {{
        const uint32_t word = $_READ32(node);
{threshold}        node += 1;
{once}        const int is_left_leaf = (word & {left:#x}) != 0;
        const int is_right_leaf = (word & {right:#x}) != 0;
        if (codes[word & {feature_mask:#x}] <= threshold) {{
            if (is_left_leaf) {{
                return (LEAF_T)({argument} & {leaf_mask:#x});
            }}
        }} else {{
            if (is_right_leaf) {{
                return (LEAF_T)({argument} >> {leaf_bits});
            }}
            if (!is_left_leaf) {{
                node += {argument};
            }}
        }}
    }}
",
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

const CLASSIFY_DOC: &str = "/* The class index of a row of codes; ties go to the lowest. */\n";
const SCORES_DOC: &str = "/* The score of each class for a row of codes; higher is likelier. */\n";
