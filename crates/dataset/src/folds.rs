//! Seeded division into folds: each class in proportion, rows that belong together in one fold.

use crate::{DataError, Dataset, permutation};

/// The fold of each row, below `n_folds`. Classes are spread over the folds as evenly as may be;
/// rows of a group, where `groups` has one for each row, are in one fold. The same seed gives the same
/// folds on every machine.
///
/// Groups are dealt out by size, the largest first, each to the fold that has the least of its classes.
///
/// # Errors
/// A class that some fold has all rows of, so that nothing would be left of it to train on, or fewer
/// groups than folds.
///
/// # Panics
/// If `groups` has another length than the rows.
pub fn folds(
    dataset: &Dataset,
    groups: Option<&[usize]>,
    n_folds: usize,
    seed: u64,
) -> Result<Vec<usize>, DataError> {
    let strata = dataset.strata();
    let n_strata = 1 + strata.iter().max().map_or(0, |most| *most);
    let mut members: Vec<Vec<usize>> = match groups {
        None => (0..strata.len()).map(|row| vec![row]).collect(),
        Some(groups) => {
            assert_eq!(groups.len(), strata.len(), "a group for each row");
            let mut members = vec![Vec::new(); 1 + groups.iter().max().map_or(0, |most| *most)];
            for (row, group) in groups.iter().enumerate() {
                members[*group].push(row);
            }
            members.retain(|rows| !rows.is_empty());
            members
        }
    };
    let what = if groups.is_some() { "groups" } else { "rows" };
    if members.len() < n_folds {
        return Err(broken!(
            "the training rows"; "{} {what}", members.len();
            "at least as many as there are folds, {n_folds}"
        ));
    }
    let mut counts = vec![0_usize; n_strata];
    for stratum in strata.iter() {
        counts[*stratum] += 1;
    }
    let order = permutation(members.len(), seed);
    members = order.into_iter().map(|at| members[at].clone()).collect();
    // Stable, so that equals stay shuffled.
    members.sort_by_key(|rows| std::cmp::Reverse(rows.len()));
    let mut fold_of = vec![0; strata.len()];
    let mut held = vec![vec![0_usize; n_strata]; n_folds];
    for rows in &members {
        let load = |fold: &usize| {
            let of_classes = |row: &usize| {
                let stratum = strata[*row];
                held[*fold][stratum] as f64 / counts[stratum] as f64
            };
            (
                rows.iter().map(of_classes).sum::<f64>(),
                held[*fold].iter().sum::<usize>(),
            )
        };
        let fold = (0..n_folds)
            .min_by(|one, other| {
                let (one, other) = (load(one), load(other));
                one.0.total_cmp(&other.0).then(one.1.cmp(&other.1))
            })
            .expect("there are folds");
        for row in rows {
            fold_of[*row] = fold;
            held[fold][strata[*row]] += 1;
        }
    }
    for (stratum, count) in counts.iter().enumerate() {
        if *count > 0 && held.iter().any(|of_fold| of_fold[stratum] == *count) {
            let class = dataset.classes().get(stratum).map_or("0", String::as_str);
            return Err(DataError::new(
                format!("class \"{class}\" of the training rows"),
                match count {
                    1 => "one row alone".to_owned(),
                    _ => format!("{count} rows that are all in one of {n_folds} folds"),
                },
                match groups {
                    Some(_) => "rows in at least two groups, to train on some and judge by others",
                    None => "at least two, to train on one and judge by the other",
                },
            ));
        }
    }
    Ok(fold_of)
}
