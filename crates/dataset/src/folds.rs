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

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use crate::{Dataset, Rows, folds};

    fn rows(labels: &[&str]) -> Dataset {
        let rows = Rows {
            features: vec!["a".to_owned()],
            is_named: true,
            values: Array2::from_shape_fn((labels.len(), 1), |(row, _)| row as f64),
        };
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        Dataset::new(rows, &labels).unwrap()
    }

    #[test]
    fn classes_are_spread_evenly_and_by_the_seed() {
        let labels: Vec<&str> = (0..103)
            .map(|row| if row % 7 == 0 { "rare" } else { "usual" })
            .collect();
        let data = rows(&labels);
        let of_rows = folds(&data, None, 5, 42).unwrap();
        for class in ["rare", "usual"] {
            let count = |fold: usize| {
                let rows = (0..103).filter(|row| of_rows[*row] == fold && labels[*row] == class);
                rows.count()
            };
            let counts: Vec<usize> = (0..5).map(count).collect();
            let spread = counts.iter().max().unwrap() - counts.iter().min().unwrap();
            assert!(spread <= 1, "{class}: {counts:?}");
        }
        assert_eq!(of_rows, folds(&data, None, 5, 42).unwrap());
        assert_ne!(of_rows, folds(&data, None, 5, 43).unwrap());
    }

    #[test]
    fn a_group_is_in_one_fold() {
        let labels: Vec<&str> = (0..60)
            .map(|row| if row % 2 == 0 { "a" } else { "b" })
            .collect();
        let groups: Vec<usize> = (0..60).map(|row| row / 5).collect();
        let of_rows = folds(&rows(&labels), Some(&groups), 4, 1).unwrap();
        for (row, fold) in of_rows.iter().enumerate() {
            assert_eq!(*fold, of_rows[row / 5 * 5], "row {row}");
        }
        for fold in 0..4 {
            assert_eq!(of_rows.iter().filter(|it| **it == fold).count(), 15);
        }
    }

    #[test]
    fn a_class_that_cannot_be_trained_is_a_fault() {
        let one = folds(&rows(&["a", "b", "a", "a"]), None, 2, 1).unwrap_err();
        assert!(one.to_string().contains("class \"b\""), "{one}");
        let groups = folds(&rows(&["a", "b", "a", "b"]), Some(&[0, 1, 2, 1]), 2, 1).unwrap_err();
        assert!(groups.to_string().contains("two groups"), "{groups}");
        let few = folds(&rows(&["a", "b"]), None, 3, 1).unwrap_err();
        assert!(few.to_string().contains("2 rows"), "{few}");
    }
}
