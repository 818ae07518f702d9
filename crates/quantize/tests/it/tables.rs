//! Arbitrary tables are refused, or every walk through them ends without a panic.

use proptest::prelude::*;
use spinney_runtime::bayes::{self, GaussianNb, Term};
use spinney_runtime::forest::{Forest, LEAF, Leaves, Split, Tables, Tree};

/// Small numbers, mostly valid, now and then anything.
fn child() -> impl Strategy<Value = u16> {
    prop_oneof![
        4 => 0_u16..12,
        4 => (0_u16..6).prop_map(|leaf| LEAF | leaf),
        1 => any::<u16>(),
    ]
}

fn split() -> impl Strategy<Value = Split> {
    let feature = prop_oneof![8 => 0_u16..3, 1 => any::<u16>()];
    (feature, any::<i16>(), child(), child()).prop_map(|(feature, threshold, left, right)| Split {
        feature,
        threshold,
        children: [left, right],
    })
}

fn tree() -> impl Strategy<Value = Tree> {
    let first = prop_oneof![8 => 0_u32..10, 1 => any::<u32>()];
    let root = prop_oneof![4 => Just(0_u16), 2 => child()];
    (first, root).prop_map(|(first_split, root)| Tree { first_split, root })
}

/// Splits whose children are later splits of the same tree, as a valid table has them.
fn chain(n_splits: usize) -> impl Strategy<Value = Vec<Split>> {
    proptest::collection::vec((0_u16..3, any::<i16>(), any::<bool>(), 0_u16..3), n_splits).prop_map(
        move |parts| {
            let last = parts.len() - 1;
            parts
                .into_iter()
                .enumerate()
                .map(|(at, (feature, threshold, flip, leaf))| {
                    let next = if at == last {
                        LEAF | leaf
                    } else {
                        at as u16 + 1
                    };
                    let children = if flip {
                        [next, LEAF | leaf]
                    } else {
                        [LEAF | leaf, next]
                    };
                    Split {
                        feature,
                        threshold,
                        children,
                    }
                })
                .collect()
        },
    )
}

fn walk(tables: Tables<'_>, codes: &[i16]) -> Option<Vec<u32>> {
    let forest = Forest::new(tables).ok()?;
    let mut scores = vec![0; tables.n_classes];
    forest.scores(codes, &mut scores).expect("shapes fit");
    let class = forest.classify(codes, &mut scores).expect("shapes fit");
    assert!(class < tables.n_classes);
    Some(scores)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn arbitrary_forests_are_refused_or_walk(
        trees in proptest::collection::vec(tree(), 0..4),
        splits in proptest::collection::vec(split(), 0..12),
        votes in proptest::collection::vec(any::<u8>(), 0..12),
        kind in 0..3,
        codes in [any::<i16>(), any::<i16>(), any::<i16>()],
    ) {
        let words: Vec<u16> = votes.iter().map(|vote| u16::from(*vote) * 257).collect();
        let leaves = match kind {
            0 => Leaves::Classes,
            1 => Leaves::Bytes(&votes),
            _ => Leaves::Words(&words),
        };
        let tables = Tables { n_features: 3, n_classes: 3, trees: &trees, splits: &splits, leaves };
        walk(tables, &codes);
    }

    #[test]
    fn chains_are_accepted_and_walk(
        splits in (1_usize..40).prop_flat_map(chain),
        codes in [any::<i16>(), any::<i16>(), any::<i16>()],
    ) {
        let trees = [Tree { first_split: 0, root: 0 }];
        let tables = Tables {
            n_features: 3,
            n_classes: 3,
            trees: &trees,
            splits: &splits,
            leaves: Leaves::Classes,
        };
        let scores = walk(tables, &codes).expect("a valid table");
        prop_assert_eq!(scores.iter().sum::<u32>(), 1);
    }

    #[test]
    fn arbitrary_bayes_tables_are_refused_or_score(
        terms in proptest::collection::vec((any::<i16>(), any::<u16>(), any::<u8>()), 0..8),
        offsets in proptest::collection::vec(any::<i64>(), 0..4),
        n_features in 0_usize..4,
        n_classes in 0_usize..4,
        codes in proptest::collection::vec(any::<i16>(), 4),
    ) {
        let terms: Vec<Term> = terms
            .into_iter()
            .map(|(mean, factor, shift)| Term::new(mean, factor, shift))
            .collect();
        let tables = bayes::Tables { n_features, n_classes, terms: &terms, offsets: &offsets };
        if let Ok(model) = GaussianNb::new(tables) {
            let mut scores = vec![0; n_classes];
            let class = model.classify(&codes[..n_features], &mut scores).expect("shapes fit");
            prop_assert_eq!(class, spinney_runtime::argmax(&scores));
            for ((score, offset), terms) in scores.iter().zip(&offsets).zip(terms.chunks(n_features)) {
                let squares: i128 = terms
                    .iter()
                    .zip(&codes)
                    .map(|(term, code)| {
                        let distance = i128::from(*code) - i128::from(term.mean());
                        (distance * i128::from(term.factor())).div_euclid(1 << term.shift()).pow(2)
                    })
                    .sum();
                prop_assert_eq!(i128::from(*score), -i128::from(*offset) - squares);
            }
        }
    }
}
