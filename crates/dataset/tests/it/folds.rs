//! Folds of rows.

use ndarray::Array2;

use spinney_dataset::{Dataset, Rows, folds};

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
