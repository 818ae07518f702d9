//! A split's flip interval holds exactly the readings that float and Q15 send different ways.

use proptest::prelude::*;
use spinney_model::{FloatModel, Voting};
use spinney_quantize::{
    Coding, CodingChoice, Level, QuantModel, Sensor, Votes, calibrate, certify, round_down,
};

use crate::common::{declare, model, options, quantize, rows};

fn stump(threshold: f64) -> FloatModel {
    model(
        "decision-tree",
        1,
        2,
        &format!(
            r#""trees":[{{"nodes":[{{"feature":0,"threshold":{threshold:?},"left":1,"right":2}},{{"value":[1,0]}},{{"value":[0,1]}}]}}]"#
        ),
    )
}

fn sensors() -> impl Strategy<Value = Sensor> {
    prop_oneof![
        Just(Sensor::U8),
        Just(Sensor::I8),
        Just(Sensor::U16),
        Just(Sensor::I16),
        Just(Sensor::I32),
        Just(Sensor::F32),
        Just(Sensor::F32),
    ]
}

fn magnitude() -> impl Strategy<Value = f64> {
    prop_oneof![
        -300.0..300.0,
        -1e-3..1e-3,
        -1e9..1e9,
        -1e30..1e30,
        (-300_i32..300).prop_map(f64::from),
        (-70_000_i32..70_000).prop_map(|quarters| f64::from(quarters) / 4.0),
    ]
}

/// A reading as the sensor delivers it, within the range.
fn deliver(sensor: Sensor, (low, high): (f64, f64), reading: f64) -> Option<f64> {
    let reading = match sensor {
        Sensor::F32 => f64::from(round_down(reading)),
        _ => reading.floor(),
    };
    (low..=high).contains(&reading).then_some(reading)
}

/// Readings around everything at which a decision may turn.
fn probes(threshold: f64, quant: &QuantModel, ends: &[f64]) -> Vec<f64> {
    let mut at = vec![threshold];
    at.extend(ends);
    if let Coding::Affine { shift, .. } = quant.inputs()[0].coding {
        let step = 2.0_f64.powi(-i32::from(shift));
        let code = (threshold / step).floor();
        at.extend([-1.0, 0.0, 1.0, 2.0].map(|beyond| (code + beyond) * step));
    }
    at.iter()
        .flat_map(|at| {
            let single = round_down(*at);
            [
                f64::from(single.next_down()),
                f64::from(single),
                f64::from(single.next_up()),
                at - 1.0,
                *at,
                at + 1.0,
            ]
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_reading_flips_where_and_only_where_listed(
        sensor in sensors(),
        threshold in magnitude(),
        one in magnitude(),
        other in magnitude(),
        random in proptest::collection::vec(0.0..1.0_f64, 40),
        is_rank in any::<bool>(),
    ) {
        let (mut low, mut high) = (one.min(other), one.max(other));
        if let Some((least, most)) = sensor.integers() {
            (low, high) = (low.floor().max(least), high.ceil().min(most));
            prop_assume!(low <= high);
        }
        let float = stump(threshold);
        let coding = if is_rank { CodingChoice::Rank } else { CodingChoice::Affine };
        let declared = [declare(sensor, (low, high), coding)];
        let (quant, calibrations) =
            quantize(&float, &declared, options(Voting::Soft, Votes::Q15), None);
        let range = calibrations[0].range;
        // A row beyond the range would be checked too; this test is of what lies within.
        let within = [range.0, range.1, range.1.floor(), f64::midpoint(range.0, range.1)];
        let row = within.into_iter().find_map(|reading| deliver(sensor, range, reading));
        prop_assume!(row.is_some());
        let row = row.unwrap_or_default();
        let data = rows(&[&[row]]);
        let certificate = certify(&float, &quant, &calibrations, Voting::Soft, &data);
        if is_rank {
            prop_assert_eq!(certificate.splits, Some(Level::EveryInput));
        }
        let ends: Vec<f64> = certificate
            .flips
            .iter()
            .flat_map(|flip| [flip.above, flip.below])
            .flatten()
            .chain([range.0, range.1])
            .collect();
        let span = random.iter().map(|part| range.0 + (range.1 - range.0) * part);
        let mut flipped = 0;
        for reading in probes(threshold, &quant, &ends).into_iter().chain(span) {
            let Some(reading) = deliver(sensor, range, reading) else {
                continue;
            };
            let differs = float.predict(&[reading]) != quant.predict(&[reading]);
            let is_listed = certificate.flips.iter().any(|flip| flip.holds(reading));
            prop_assert_eq!(
                differs, is_listed,
                "{:?} {} {:?} {:?}: {:e} {:?}", sensor, threshold, range, quant.inputs(), reading,
                certificate.flips
            );
            flipped += usize::from(differs);
        }
        // A listed interval has a reading that flips; the probes hit its ends.
        prop_assert_eq!(certificate.flips.is_empty(), flipped == 0);
    }

    #[test]
    fn identity_is_exact_on_integers_of_16_bits(
        threshold in magnitude(),
        reading in any::<i16>(),
    ) {
        let float = stump(threshold);
        let declared = [declare(Sensor::I16, (-32_768.0, 32_767.0), CodingChoice::Identity)];
        let (quant, _) = quantize(&float, &declared, options(Voting::Hard, Votes::Q15), None);
        prop_assert!(quant.is_identity());
        for reading in [f64::from(reading), threshold.floor().clamp(-32_768.0, 32_767.0)] {
            prop_assert_eq!(float.predict(&[reading]), quant.predict(&[reading]));
        }
    }

    #[test]
    fn rank_is_exact_on_singles(
        thresholds in proptest::collection::vec(magnitude(), 1..20),
        bits in any::<u32>(),
    ) {
        let mut trees = String::new();
        for threshold in &thresholds {
            let comma = if trees.is_empty() { "" } else { "," };
            trees += &format!(
                r#"{comma}{{"nodes":[{{"feature":0,"threshold":{threshold:?},"left":1,"right":2}},{{"value":[1,0]}},{{"value":[0,1]}}]}}"#
            );
        }
        let float = model("random-forest", 1, 2, &format!(r#""trees":[{trees}]"#));
        let declared = [declare(Sensor::F32, (-1.0, 1.0), CodingChoice::Rank)];
        let (quant, _) = quantize(&float, &declared, options(Voting::Hard, Votes::Q15), None);
        let FloatModel::Forest(forest) = &float else { unreachable!() };
        let near = thresholds.iter().map(|threshold| round_down(*threshold));
        let readings = near
            .flat_map(|at| [at.next_down(), at, at.next_up()])
            .chain([f32::from_bits(bits), f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX]);
        for reading in readings.map(f64::from) {
            let votes = forest.scores(&[reading], Voting::Hard);
            let scores = quant.scores(&quant.codes(&[reading]));
            let expected: Vec<i64> =
                votes.iter().map(|vote| (vote * thresholds.len() as f64).round() as i64).collect();
            prop_assert_eq!(&scores, &expected, "{:e}", reading);
        }
    }
}

/// Saturated readings and NaN take float's side of every threshold within the range.
#[test]
fn readings_beyond_the_range_saturate_to_the_right_side() {
    for threshold in [-3.0, -2.999, 0.0, 4.999, 5.0] {
        let float = stump(threshold);
        let declared = [declare(Sensor::F32, (-3.0, 5.0), CodingChoice::Affine)];
        let (quant, _) = quantize(&float, &declared, options(Voting::Soft, Votes::Q15), None);
        for reading in [
            -1e30,
            -4.0,
            6.0,
            1e30,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ] {
            assert_eq!(
                float.predict(&[reading]),
                quant.predict(&[reading]),
                "{threshold} {reading}"
            );
        }
    }
}

#[test]
fn no_single_is_its_own_code() {
    for end in [16_384.0, 20_000.0, 32_766.0] {
        let declared = [declare(Sensor::F32, (-end, end), CodingChoice::Affine)];
        let options = options(Voting::Soft, Votes::Q15);
        let (quant, _) = quantize(&stump(40_000.0), &declared, options, None);
        let coding = &quant.inputs()[0].coding;
        assert_ne!(*coding, Coding::IDENTITY);
        // Each end has a code of its own, and NaN goes right.
        let code = |reading: f64| coding.code(quant.reading_type(), reading);
        assert!(code(-end - 1.0) < code(-end) && code(end) < code(end + 1.0));
        assert_eq!(quant.predict(&[f64::NAN]), 1);
        assert_eq!(quant.predict(&[end]), 0);
    }
}

/// A row beyond a declared range, and a threshold there: the row is listed.
#[test]
fn rows_that_break_a_declared_range_are_listed() {
    let data = rows(&[&[-5.0], &[0.5], &[9.0]]);
    for (threshold, row) in [(-3.0, 0), (8.0, 2)] {
        let float = stump(threshold);
        let declared = [declare(Sensor::F32, (0.0, 1.0), CodingChoice::Affine)];
        let (quant, calibrations) =
            quantize(&float, &declared, options(Voting::Soft, Votes::Q15), None);
        let certificate = certify(&float, &quant, &calibrations, Voting::Soft, &data);
        for (index, reading) in [-5.0, 0.5, 9.0].into_iter().enumerate() {
            let differs = float.predict(&[reading]) != quant.predict(&[reading]);
            assert_eq!(certificate.listed_rows().contains(&index), differs);
            assert!(!differs || index == row);
        }
    }
}

#[test]
fn a_declared_range_holds_some_training_reading() {
    let data = rows(&[&[100.0], &[200.0]]);
    let calibrated = |range| {
        let declared = [declare(Sensor::F32, range, CodingChoice::Affine)];
        calibrate(&stump(150.0), Some(data.values().view()), &declared)
    };
    for range in [(0.0, 100.0), (200.0, 300.0), (99.0, 101.0)] {
        assert!(calibrated(range).is_ok(), "{range:?}");
    }
    for range in [(0.0, 99.0), (201.0, 300.0), (101.0, 199.0)] {
        let error = calibrated(range)
            .expect_err("no reading within")
            .to_string();
        let (low, high) = range;
        assert_eq!(
            error,
            format!(
                "feature \"f0\": found the range {low} to {high}, in which no training reading \
                 lies, expected one for readings of 100 to 200"
            )
        );
    }
}
