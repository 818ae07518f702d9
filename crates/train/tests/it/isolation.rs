//! Isolation forests.

use spinney_train::{depth_below, isolation_forest};

#[test]
fn depths_are_those_of_random_trees() {
    assert_eq!([0, 1, 2, 3].map(depth_below), [0.0, 0.0, 1.0, 5.0 / 3.0]);
}

#[test]
fn what_is_far_off_is_an_alarm() {
    let mut rows: Vec<Vec<i16>> = (0..256).map(|it| vec![it % 10, it % 7]).collect();
    rows[0] = vec![500, -300];
    let model = isolation_forest(&rows, 30, 1, 5.0).expect("a model");
    let alarms = |row: [f64; 2]| model.class(&model.raw(&row));
    assert_eq!((alarms([4.0, 3.0]), alarms([900.0, -5.0])), (0, 1));
    assert!(isolation_forest(&rows, 70_000, 1, 5.0).is_err());
}
