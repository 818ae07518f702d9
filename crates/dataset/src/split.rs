//! Seeded division, stratified by class, of a data set into training and test rows.

use std::collections::{BTreeMap, HashSet};

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

use crate::{DataError, Dataset, notes};

/// Training and test rows of one data set; no row is in both.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// Rows to fit and to calibrate on.
    pub train: Dataset,
    /// Rows to evaluate on, in the order of their file.
    pub test: Dataset,
}

/// Sets `⌈test_fraction · n⌉` rows aside for testing, each class in proportion; rows that have numbers
/// are all alike.
///
/// Shares are rounded by largest remainder, ties to the lower class. A class keeps at least one
/// training row. The same seed gives the same split on every machine.
///
/// # Errors
/// Too few rows to leave both sides at least one.
///
/// # Panics
/// If `test_fraction` is not within `0.0..1.0`, ends excluded.
pub fn split(dataset: &Dataset, test_fraction: f64, seed: u64) -> Result<Split, DataError> {
    assert!(
        test_fraction > 0.0 && test_fraction < 1.0,
        "a fraction between 0 and 1"
    );
    let n_rows = dataset.n_rows();
    // Casts: a share of a row count.
    let n_test = (test_fraction * n_rows as f64).ceil() as usize;
    let strata = dataset.strata();
    let mut counts = vec![0; 1 + strata.iter().max().map_or(0, |most| *most)];
    for stratum in strata.iter() {
        counts[*stratum] += 1;
    }
    let quotas = quotas(&counts, n_test);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut is_test = vec![false; n_rows];
    for (class, quota) in quotas.iter().enumerate() {
        let mut members: Vec<usize> = (0..n_rows).filter(|row| strata[*row] == class).collect();
        shuffle(&mut members, &mut rng);
        for row in &members[..*quota] {
            is_test[*row] = true;
        }
    }
    let (test, train): (Vec<usize>, Vec<usize>) = (0..n_rows).partition(|row| is_test[*row]);
    if test.is_empty() || train.is_empty() {
        let expected = match dataset.numbers() {
            // Each class trains before any tests.
            None if n_rows > 1 => {
                let numbers = match notes::are_numbers(dataset.classes()) {
                    true => "; `task = \"regress\"` in [model] takes labels for numbers",
                    false => "",
                };
                format!("a class with a second row, which tests{numbers}")
            }
            _ => "at least one row on each side".to_owned(),
        };
        return Err(DataError::new(
            "the data",
            format!(
                "{n_rows} rows, which split into {} for training and {} for testing",
                train.len(),
                test.len()
            ),
            expected,
        ));
    }
    Ok(Split {
        train: dataset.select(&train),
        test: dataset.select(&test),
    })
}

/// Sets whole groups aside for testing, so that about `test_fraction` of each class is in them: groups
/// are taken from the largest on, those of a size in an order that `seed` gives, where that brings the
/// classes nearer to their shares. A class keeps a training row where it is in several groups.
///
/// # Errors
/// Fewer than two groups.
///
/// # Panics
/// If `test_fraction` is not within `0.0..1.0`, ends excluded, or there is no group for each row.
pub fn split_by_group(
    dataset: &Dataset,
    groups: &[String],
    test_fraction: f64,
    seed: u64,
) -> Result<Split, DataError> {
    assert!(
        test_fraction > 0.0 && test_fraction < 1.0,
        "a fraction between 0 and 1"
    );
    assert_eq!(groups.len(), dataset.n_rows(), "a group for each row");
    let strata = dataset.strata();
    let n_strata = 1 + strata.iter().max().map_or(0, |most| *most);
    let mut totals = vec![0_usize; n_strata];
    let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (group, stratum) in groups.iter().zip(strata.iter()) {
        totals[*stratum] += 1;
        members.entry(group).or_insert_with(|| vec![0; n_strata])[*stratum] += 1;
    }
    let mut members: Vec<(&str, Vec<usize>)> = members.into_iter().collect();
    if members.len() < 2 {
        return Err(broken!(
            "the groups"; "only {:?}", members.first().map_or("", |it| it.0);
            "at least two, one for each side"
        ));
    }
    shuffle(&mut members, &mut Xoshiro256PlusPlus::seed_from_u64(seed));
    members.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.iter().sum::<usize>()));
    let mut taken = vec![0_usize; n_strata];
    let mut testing: HashSet<&str> = HashSet::new();
    // How far the classes are from their shares, each by its own size.
    let distance = |counts: &[usize]| -> f64 {
        let shares = counts.iter().zip(&totals).filter(|(_, total)| **total > 0);
        let apart = shares.map(|(count, total)| *count as f64 / *total as f64 - test_fraction);
        apart.map(|it| it * it).sum()
    };
    let with = |taken: &[usize], counts: &[usize]| -> Vec<usize> {
        taken.iter().zip(counts).map(|(a, b)| a + b).collect()
    };
    let leaves_all = |sum: &[usize]| {
        sum.iter()
            .zip(&totals)
            .all(|(n, total)| *total == 0 || n < total)
    };
    for (group, counts) in &members {
        let sum = with(&taken, counts);
        if leaves_all(&sum) && distance(&sum) < distance(&taken) {
            taken = sum;
            testing.insert(*group);
        }
    }
    if testing.is_empty() {
        let key = |counts: &[usize]| (!leaves_all(counts), distance(counts));
        let nearest = members.iter().min_by(|(_, a), (_, b)| {
            let (a, b) = (key(a), key(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        testing.extend(nearest.map(|(group, _)| *group));
    }
    let (test, train): (Vec<usize>, Vec<usize>) =
        (0..dataset.n_rows()).partition(|row| testing.contains(groups[*row].as_str()));
    Ok(Split {
        train: dataset.select(&train),
        test: dataset.select(&test),
    })
}

/// How many rows of each class are set aside, by largest remainder; all but one at the most.
fn quotas(counts: &[usize], n_test: usize) -> Vec<usize> {
    let n_rows: usize = counts.iter().sum();
    let room = |class: usize| counts[class].saturating_sub(1);
    let mut quotas: Vec<usize> = counts.iter().map(|count| count * n_test / n_rows).collect();
    for (class, quota) in quotas.iter_mut().enumerate() {
        *quota = (*quota).min(room(class));
    }
    let mut by_remainder: Vec<usize> = (0..counts.len()).collect();
    by_remainder.sort_by_key(|class| std::cmp::Reverse(counts[*class] * n_test % n_rows));
    let mut missing = n_test - quotas.iter().sum::<usize>();
    while missing > 0 {
        let before = missing;
        for class in &by_remainder {
            if missing > 0 && quotas[*class] < room(*class) {
                quotas[*class] += 1;
                missing -= 1;
            }
        }
        if missing == before {
            break;
        }
    }
    quotas
}

/// The indices below `n_rows` in a random order, always the same for a seed.
pub fn permutation(n_rows: usize, seed: u64) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..n_rows).collect();
    shuffle(&mut rows, &mut Xoshiro256PlusPlus::seed_from_u64(seed));
    rows
}

/// Fisher and Yates' shuffle (Knuth, TAOCP volume 2, algorithm P).
fn shuffle<T>(items: &mut [T], rng: &mut Xoshiro256PlusPlus) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last + 1));
    }
}

/// A uniform integer below `bound`: multiply, and reject the few products that would be biased.
fn below(rng: &mut Xoshiro256PlusPlus, bound: usize) -> usize {
    let bound = bound as u64;
    let biased = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(bound);
        // Casts: the low half decides on bias.
        let low = product as u64;
        if low >= biased {
            return usize::try_from(product >> 64).expect("below a usize");
        }
    }
}
