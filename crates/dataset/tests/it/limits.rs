//! What a file may take, on both sides of each limit.

use spinney_dataset::Budget;
use spinney_dataset::limits::{COLUMNS_MAX, JSON_VALUES, STEPS_PER_SECOND, check_columns};

#[test]
fn memory_ends_where_it_says() {
    for (n_bytes, most) in [(0, 64_000_000), (1, 64_000_016), (1_000_000, 80_000_000)] {
        let budget = Budget::of(n_bytes);
        assert_eq!(budget.bytes_left(), most);
        assert_eq!(budget.take("here", most - 1), Ok(()));
        assert_eq!(budget.take("here", 1), Ok(()));
        let refused = budget.take("here", 1).expect_err("nothing is left");
        assert!(refused.expected.contains(&most.to_string()), "{refused}");
        assert_eq!(budget.take_items("here", usize::MAX, 8), Err(refused));
    }
}

#[test]
fn time_ends_where_it_says() {
    for (n_bytes, seconds) in [(0, 20), (999_999, 20), (1_000_000, 22), (5_500_000, 30)] {
        let budget = Budget::of(n_bytes);
        let steps = seconds * STEPS_PER_SECOND;
        assert_eq!(budget.work("here", steps), Ok(()));
        let refused = budget.work("here", 1).expect_err("nothing is left");
        assert!(refused.expected.contains(&format!(" {seconds} seconds:")));
    }
}

#[test]
fn columns_end_where_they_say() {
    assert_eq!(check_columns("here", COLUMNS_MAX), Ok(()));
    assert!(check_columns("here", COLUMNS_MAX + 1).is_err());
}

#[test]
fn marks_in_texts_of_json_are_no_values() {
    let cost = |text: &str| {
        let budget = Budget::of(0);
        let before = budget.bytes_left();
        budget
            .take_json("here", text.as_bytes(), JSON_VALUES)
            .expect("little");
        before - budget.bytes_left() - text.len() as u64
    };
    assert_eq!(cost(r#"{"a": [1, 2]}"#), 640 + 128 + 64 + 64);
    assert_eq!(cost(r#""{:[,\"{""#), 0);
}
