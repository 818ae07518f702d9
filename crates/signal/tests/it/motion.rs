//! CSV recordings of motion, their windows and labels, and files that are none.

use std::num::NonZeroU16;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use spinney_frontend::motion::Measures;
use spinney_signal::{
    Columns, Interval, check_within, fitting_rate_hz, hear_motion, labels_of_windows, read_motion,
};
use spinney_signal::{FrontEnd, Measure, MotionFront, Trigger, Window};

fn names(channels: &[&str]) -> Vec<String> {
    channels.iter().map(|name| (*name).to_owned()).collect()
}

/// Windows of four samples, two apart.
fn front() -> MotionFront {
    MotionFront {
        sample_rate_hz: 10.0,
        channels: names(&["x", "y"]),
        n_axes: 0,
        filter: None,
        n_samples: 4,
        hop: NonZeroU16::new(2).expect("not zero"),
        measures: Measures::LEAST.and(Measures::MOST),
        n_bands: 0,
        window: Window::Hann,
        f_min_hz: 0.0,
        f_max_hz: 0.0,
        trigger: None,
    }
}

fn interval(start: usize, end: usize, label: &str) -> Interval {
    Interval {
        start,
        end,
        label: label.to_owned(),
    }
}

#[test]
fn columns_are_found_by_name() {
    let text = "\u{feff}t,y,what,x,who\n0.1,-1, rest,5,a\n0.2,-2,rest ,6,a\n\
                0.3,32767,walk,-32768,a\n0.4,0,rest,7,b\n";
    let channels = names(&["x", "y"]);
    let columns = Columns {
        label: Some("what"),
        recording: Some("who"),
        ..Columns::of(&channels)
    };
    let recordings = read_motion(text.as_bytes(), &columns).expect("two recordings");
    assert_eq!(recordings.len(), 2);
    assert_eq!(recordings[0].name, "a");
    assert_eq!(
        recordings[0].values,
        [5.0, -1.0, 6.0, -2.0, -32_768.0, 32_767.0]
    );
    assert_eq!(recordings[0].n_samples(2), 3);
    assert_eq!(
        recordings[0].labels,
        [interval(0, 2, "rest"), interval(2, 3, "walk")]
    );
    assert_eq!(recordings[0].label(), Some("rest"));
    assert_eq!(recordings[1].labels, [interval(0, 1, "rest")]);
    let one = read_motion(text.as_bytes(), &Columns::of(&channels)).expect("one recording");
    assert_eq!(
        (one.len(), one[0].n_samples(2), one[0].label()),
        (1, 4, None)
    );
}

#[test]
fn files_at_fault_say_where() {
    let check = |text: &[u8], expected: &Expect| {
        let channels = names(&["x", "y"]);
        let columns = Columns {
            label: Some("what"),
            recording: Some("who"),
            ..Columns::of(&channels)
        };
        let error = read_motion(text, &columns).expect_err("a fault");
        expected.assert_eq(&format!("{error}\n"));
    };
    check(
        b"",
        &expect![[r#"
            line 1: found an empty file, expected a header row with column names
        "#]],
    );
    check(
        b"x,y,what,who\n",
        &expect![[r#"
        after the header: found no rows, expected a row per sample
    "#]],
    );
    check(
        b"x,what,who\n1,rest,a\n",
        &expect![[r#"
        the header: found the columns x, what, who, expected one column "y"
    "#]],
    );
    check(
        b"x,y,x,what,who\n1,2,3,rest,a\n",
        &expect![[r#"
        the header: found the column "x" twice, expected one column "x"
    "#]],
    );
    check(
        b"x,y,what,who\n1,2,rest,a\n1,2,rest\n",
        &expect![[r#"
            line 3: found 3 fields, expected 4, as the header has
        "#]],
    );
    check(
        b"x,y,what,who\n1,0.98g,rest,a\n",
        &expect![[r#"
            line 2, column "y": found "0.98g", expected a finite number, as the sensor delivers it
        "#]],
    );
    check(
        b"x,y,what,who\n1,inf,rest,a\n",
        &expect![[r#"
            line 2, column "y": found "inf", expected a finite number, as the sensor delivers it
        "#]],
    );
    check(
        b"x,y,what,who\n1,,rest,a\n",
        &expect![[r#"
            line 2, column "y": found "", expected a finite number, as the sensor delivers it
        "#]],
    );
    check(
        b"x,y,what,who\n1,2,,a\n",
        &expect![[r#"
            line 2, column "what": found an empty field, expected a class
        "#]],
    );
    check(
        b"x,y,what,who\n1,2,rest,\n",
        &expect![[r#"
        line 2, column "who": found nothing, expected a name
    "#]],
    );
    check(
        b"x,y,what,who\n1,2,rest,a\n1,2,rest,b\n1,2,rest,a\n",
        &expect![[r#"
            line 4: found the recording "a" again, expected the rows of a recording one after the other, in the order of time
        "#]],
    );
    check(
        b"x,y,what,who\n1,2,\xff,a\n",
        &expect![[r#"
            line 2: found the byte 0xff, which is 'ÿ' in Latin-1, expected UTF-8 text: `iconv -f LATIN1 -t UTF-8 FILE`, or `encoding="latin1"` in pandas' `read_csv`
        "#]],
    );
}

#[test]
fn lines_are_counted_in_files_of_any_system() {
    let channels = names(&["x"]);
    for end in ["\n", "\r\n"] {
        let text = ["x", "1", "2", "three", ""].join(end);
        let error = read_motion(text.as_bytes(), &Columns::of(&channels)).expect_err("no number");
        assert_eq!(error.place, "line 4, column \"x\"");
    }
}

#[test]
fn labels_end_with_their_recording() {
    let labels = [interval(0, 40, "a"), interval(40, 80, "b")];
    let within = |n_samples| check_within(&labels, n_samples, 4, 100.0);
    assert_eq!(within(80), Ok(()));
    assert_eq!(within(76), Ok(()));
    let error = within(75).expect_err("beyond the end");
    expect!["the label file: found labels up to 0.800 s, 0 of 2 wholly beyond the end of the recording, expected none after 0.750 s, where its 75 samples end at 100 per second"]
        .assert_eq(&error.to_string());
    let error = within(40).expect_err("beyond the end");
    assert!(error.found.contains("1 of 2 wholly beyond"), "{error}");
    assert_eq!(fitting_rate_hz(&labels, 40, 100.0), 50.0);
    assert_eq!(fitting_rate_hz(&labels, 27, 100.0), 33.75);
    assert_eq!(check_within(&[], 0, 0, 100.0), Ok(()));
}

#[test]
fn windows_are_those_of_the_device() {
    let values: Vec<i16> = (0..9).flat_map(|at| [at, -10 * at]).collect();
    let rows = hear_motion(&front(), &values).expect("no bands");
    // From samples 0, 2 and 4 on; the last one is not whole.
    assert_eq!(rows, [[0, 3, -30, 0], [2, 5, -50, -20], [4, 7, -70, -40]]);
    assert_eq!(
        front().feature_names(),
        ["x_min", "x_max", "y_min", "y_max"]
    );
    assert_eq!(hear_motion(&front(), &values[..6]), Ok(Vec::new()));
    let n_windows = |n_samples| front().n_windows(n_samples);
    assert_eq!([0, 3, 4, 5, 6].map(n_windows), [0, 0, 1, 1, 2]);
}

#[test]
fn every_measure_has_its_name_and_its_place() {
    let front = MotionFront {
        n_axes: 2,
        measures: Measures::from_bits(u16::MAX),
        ..front()
    };
    let values = [30, 40, -6, 8, 0, -7, 9, 12];
    let rows = hear_motion(&front, &values).expect("no bands");
    let named: Vec<String> = (front.feature_names().iter().zip(&rows[0]))
        .map(|(name, feature)| format!("{name} {feature}"))
        .collect();
    expect![[r#"
        x_mean 2112
        x_variance 186
        x_deviation 3493
        x_min -6
        x_max 30
        x_range 36
        x_rms 4081
        x_mean_crossings 2
        x_zero_crossings 2
        x_jerk 4352
        x_lower_quartile -6
        x_median 0
        x_upper_quartile 9
        x_autocorrelation_peak 0
        y_mean 3392
        y_variance 288
        y_deviation 4349
        y_min -7
        y_max 40
        y_range 47
        y_rms 5515
        y_mean_crossings 1
        y_zero_crossings 2
        y_jerk 5632
        y_lower_quartile -7
        y_median 8
        y_upper_quartile 12
        y_autocorrelation_peak 0
        magnitude_mean 5248
        magnitude_variance 298
        magnitude_deviation 4421
        magnitude_min 7
        magnitude_max 50
        magnitude_range 43
        magnitude_rms 6862
        magnitude_mean_crossings 1
        magnitude_zero_crossings 0
        magnitude_jerk 4352
        magnitude_lower_quartile 7
        magnitude_median 10
        magnitude_upper_quartile 15
        magnitude_autocorrelation_peak 0
        x_y_correlation 29071
        x_magnitude_correlation 31235
        y_magnitude_correlation 31393"#]]
    .assert_eq(&named.join("\n"));
    assert_eq!(named.len(), rows[0].len());
    for (measure, word) in Measure::ALL.iter().zip(Measure::WORDS) {
        assert_eq!(
            (measure.word(), measure.set().bits().count_ones()),
            (word, 1)
        );
    }
    let correlation = MotionFront {
        measures: Measures::CORRELATION,
        ..front
    };
    assert!(correlation.is_narrow());
    assert_eq!(correlation.feature_names().len(), 3);
    let three = hear_motion(&correlation, &values).expect("no bands");
    assert_eq!(three[0], rows[0][rows[0].len() - 3..]);
}

#[test]
fn bands_are_features_of_each_channel() {
    let front = MotionFront {
        n_samples: 64,
        hop: NonZeroU16::new(64).expect("not zero"),
        measures: Measure::Range.set(),
        n_bands: 2,
        f_min_hz: 1.5 * 10.0 / 64.0,
        f_max_hz: 5.0,
        ..front()
    };
    assert_eq!(
        front.feature_names(),
        [
            "x_range", "x_band_0", "x_band_1", "y_range", "y_band_0", "y_band_1"
        ]
    );
    assert!(!front.is_narrow());
    // A constant and, above 2.5 Hz, what changes sign with each sample but one.
    let values: Vec<i16> = (0..64)
        .flat_map(|at| [1000, [90, -90, 90, 90][at % 4]])
        .collect();
    let rows = hear_motion(&front, &values).expect("two bands");
    let [x_range, x_low, x_high, y_range, y_low, y_high] = rows[0][..] else {
        panic!("{rows:?}");
    };
    assert_eq!((x_range, y_range), (0, 180));
    // Below one unit, which is that of the bands without any signal.
    assert!(x_low < 0 && x_high < 0, "{rows:?}");
    assert!(y_high > 10 * 512 && y_low > 0, "{rows:?}");
    let refused = MotionFront {
        n_bands: 60,
        ..front
    };
    assert!(hear_motion(&refused, &values).is_err());
}

#[test]
fn a_window_has_the_label_of_most_samples() {
    let windows = front().decisions(&[0; 16]);
    assert_eq!(windows, [0..4, 2..6, 4..8]);
    let labels = |intervals: &[Interval]| labels_of_windows(&windows, intervals, "none").join(" ");
    assert_eq!(labels(&[]), "none none none");
    assert_eq!(labels(&[interval(0, 8, "a")]), "a a a");
    // Two and two samples: the label that comes first.
    assert_eq!(labels(&[interval(0, 4, "a"), interval(4, 8, "b")]), "a a b");
    assert_eq!(labels(&[interval(2, 4, "a")]), "none a none");
    assert_eq!(labels(&[interval(1, 4, "a")]), "a a none");
    // In pieces, and beside what overlaps.
    let pieces = [
        interval(0, 1, "b"),
        interval(1, 2, "a"),
        interval(2, 3, "c"),
        interval(3, 4, "a"),
    ];
    assert_eq!(labels(&pieces), "a none none");
    assert_eq!(labels(&[interval(3, 9, "b"), interval(0, 4, "a")]), "a a b");
}

#[test]
fn a_trigger_opens_windows() {
    let front = MotionFront {
        trigger: Some(Trigger {
            level: NonZeroU16::new(5).expect("not zero"),
            n_block: NonZeroU16::new(2).expect("not zero"),
            n_before: 1,
        }),
        ..front()
    };
    // Of two samples of ±3 and ±4 the deviation is 5; gravity is not in it.
    let mut values = [[1000, -7]; 20];
    for (at, sample) in [
        (6, [1003, -3]),
        (7, [997, -11]),
        (9, [1010, -7]),
        (19, [0, 0]),
    ] {
        values[at] = sample;
    }
    let windows = front.decisions(values.as_flattened());
    // From one before the block on, four in all; what is loud within asks for nothing, and at the end
    // there is no whole window.
    assert_eq!(windows, [std::ops::Range { start: 5, end: 9 }, 9..13]);
    let rows = hear_motion(&front, values.as_flattened()).expect("no bands");
    assert_eq!(rows, [[997, 1003, -11, -3], [1000, 1010, -7, -7]]);
    assert_eq!(
        FrontEnd::Motion(front).n_decisions(values.as_flattened()),
        (2, 2)
    );
}

#[test]
fn empty_lines_part_recordings_without_a_name() {
    let channels = names(&["aX"]);
    for end in ["\n", "\r\n"] {
        let text = [
            "aX,gX", "0.067,1", "-0.5,2", "", "# again", "1,3", "", "", "2,4", "",
        ]
        .join(end);
        let columns = Columns::of(&channels);
        let read = |columns| read_motion(text.as_bytes(), columns).expect("recordings");
        let values: Vec<Vec<f64>> = read(&columns).into_iter().map(|it| it.values).collect();
        assert_eq!(values, [vec![0.067, -0.5], vec![1.0], vec![2.0]]);
        let even = Columns {
            rows: Some(3),
            ..columns
        };
        let values: Vec<Vec<f64>> = read(&even).into_iter().map(|it| it.values).collect();
        assert_eq!(values, [vec![0.067, -0.5, 1.0], vec![2.0]]);
    }
    let named = "who,aX\na,1\n\na,2\n";
    let columns = Columns {
        recording: Some("who"),
        ..Columns::of(&channels)
    };
    let read = read_motion(named.as_bytes(), &columns).expect("a recording");
    assert_eq!(read.len(), 1);
}

#[test]
fn samples_of_edge_impulse_are_recordings() {
    let channels = names(&["accZ", "accX"]);
    let columns = Columns::of(&channels);
    let sample = |payload: &str| {
        let text = format!(
            "{{\"protected\":{{\"ver\":\"v1\"}},\"signature\":\"0\",\"payload\":{{{payload}}}}}"
        );
        read_motion(text.as_bytes(), &columns)
    };
    let sensors = "\"sensors\":[{\"name\":\"accX\",\"units\":\"m/s2\"},{\"name\":\"accZ\"}]";
    let read = sample(&format!(
        "\"interval_ms\":16,{sensors},\"values\":[[1.5,2],[-3,4e1]]"
    ));
    let read = read.expect("a recording").remove(0);
    assert_eq!(read.values, [2.0, 1.5, 40.0, -3.0]);
    assert_eq!(read.pace.map(|it| it.rate_hz), Some(62.5));
    let said = |payload: String| sample(&payload).expect_err("a fault").to_string();
    expect!["the JSON: found 2 readings in row 2, and 1 before at line 1 column 152, expected a sample of Edge Impulse: `payload` with `interval_ms`, `sensors` and `values`"]
        .assert_eq(&said(format!("\"interval_ms\":16,{sensors},\"values\":[[1],[-3,4e1]]")));
    expect!["`payload.values`: found 1 rows of 3 readings, expected rows of 2, one for each of `sensors`"]
        .assert_eq(&said(format!("\"interval_ms\":16,{sensors},\"values\":[[1,2,3]]")));
    expect![
        "`payload.interval_ms`: found 0, expected milliseconds from one sample to the next, above 0"
    ]
    .assert_eq(&said(format!(
        "\"interval_ms\":0,{sensors},\"values\":[[1,2]]"
    )));
    expect![[r#"`payload.sensors`: found the columns gyrX, expected one column "accZ""#]]
        .assert_eq(&said(
            "\"interval_ms\":1,\"sensors\":[{\"name\":\"gyrX\"}],\"values\":[1,2]".to_owned(),
        ));
    let cbor = read_motion(b"\xa3iprotected\xa2cverbv1", &columns).expect_err("CBOR");
    assert_eq!(cbor.found, "a sample in CBOR");
}

#[test]
fn times_say_how_often_and_labels_move_along() {
    let channels = names(&["x"]);
    let mut text = "time_ms,x,what\n".to_owned();
    for at in 0..41 {
        let what = if at < 20 { "rest" } else { "walk" };
        text += &format!("{},0.5,{what}\n", at * 40);
    }
    let columns = Columns {
        label: Some("what"),
        rate_hz: 50.0,
        ..Columns::of(&channels)
    };
    let read = read_motion(text.as_bytes(), &columns)
        .expect("a recording")
        .remove(0);
    let pace = read.pace.clone().expect("times");
    assert_eq!((pace.rate_hz.round(), pace.is_stated), (25.0, false));
    assert_eq!(
        pace.source,
        "its times (column \"time_ms\", in milliseconds)"
    );
    let budget = spinney_dataset::Budget::of(text.len());
    let at_50 = read.resampled(1, (25.0, 50.0), &budget).expect("a ratio");
    assert_eq!(at_50.values.len(), 81);
    assert_eq!(
        at_50.labels,
        [interval(0, 40, "rest"), interval(40, 81, "walk")]
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let channels = names(&["x"]);
        let _ = read_motion(&bytes, &Columns::of(&channels));
        let _ = spinney_signal::read_wav(&bytes);
        let _ = spinney_signal::read_intervals(&bytes, 50.0);
    }

    #[test]
    fn what_is_written_reads_back(
        rows in prop::collection::vec((any::<i16>(), any::<i16>(), "[ab]"), 1..60),
    ) {
        let mut text = "label,y,x\n".to_owned();
        for (x, y, label) in &rows {
            text.push_str(&format!("{label},{y},{x}\n"));
        }
        let channels = names(&["x", "y"]);
        let columns = Columns { label: Some("label"), ..Columns::of(&channels) };
        let read = read_motion(text.as_bytes(), &columns).expect("a recording");
        let values: Vec<f64> =
            rows.iter().flat_map(|(x, y, _)| [*x, *y]).map(f64::from).collect();
        prop_assert_eq!(&read[0].values, &values);
        let labels: String = read[0]
            .labels
            .iter()
            .map(|it| it.label.repeat(it.end - it.start))
            .collect();
        prop_assert_eq!(labels, rows.iter().map(|(.., label)| label.as_str()).collect::<String>());
    }
}

#[test]
fn parts_are_the_bands_and_all_features_of_each_channel() {
    let front = MotionFront {
        n_axes: 2,
        n_samples: 64,
        n_bands: 3,
        measures: Measures::LEAST.and(Measures::CORRELATION),
        f_max_hz: 4.0,
        ..front()
    };
    let names = front.feature_names();
    let parts = FrontEnd::Motion(front).parts();
    let told: Vec<String> = parts
        .iter()
        .map(|(name, features)| {
            let names: Vec<&str> = features.iter().map(|it| names[*it].as_str()).collect();
            format!("{name}: {}", names.join(", "))
        })
        .collect();
    assert_eq!(
        told,
        [
            "bands of x: x_band_0, x_band_1, x_band_2",
            "all of x: x_min, x_band_0, x_band_1, x_band_2",
            "bands of y: y_band_0, y_band_1, y_band_2",
            "all of y: y_min, y_band_0, y_band_1, y_band_2",
            "bands of magnitude: magnitude_band_0, magnitude_band_1, magnitude_band_2",
            "all of magnitude: magnitude_min, magnitude_band_0, magnitude_band_1, magnitude_band_2",
        ]
    );
}
