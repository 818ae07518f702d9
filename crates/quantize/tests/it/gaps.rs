//! Readings that are missing and sets of categories: float's decision is the device's, at every split.

use spinney_dataset::{Column, Dataset, Missing as Gap, Rows, Target};
use spinney_model::{Node, Test, Voting};
use spinney_quantize::{
    CodeWidth, Declared, Level, Missing, Options, Place, QuantModel, Sensor, Subject, Votes,
    calibrate, certify, challenge,
};

use crate::cases::{Case, case};
use crate::common::{features, model, options};

fn quantized(
    case: &Case,
    codes: CodeWidth,
) -> Option<(QuantModel, Vec<spinney_quantize::Calibration>)> {
    // A model may need readings that no sensor of the type delivers, and not every feature has a coding
    // of 8 bits.
    let calibrations = calibrate(&case.model, None, &case.declared).ok()?;
    let options = Options {
        codes,
        wants_scores: true,
        ..options(Voting::Soft, Votes::Q15)
    };
    let quant = QuantModel::new(&case.model, &calibrations, options, None).ok()?;
    Some((quant, calibrations))
}

fn dataset(case: &Case) -> Dataset {
    let schema = case.model.schema();
    let flat = case.rows.iter().flatten().copied().collect();
    let rows = Rows {
        features: schema.feature_names(),
        is_named: true,
        values: ndarray::Array2::from_shape_vec((case.rows.len(), schema.n_features()), flat)
            .expect("rows of one length"),
    };
    let gaps = Column {
        missing: Some(Gap::Nan),
        ..Column::default()
    };
    let columns = (rows.features.iter()).map(|name| (name.clone(), gaps.clone()));
    let columns = columns.collect();
    let target = Target::Classes {
        names: schema.classes().to_vec(),
        of_row: vec![0; case.rows.len()],
    };
    Dataset::known(rows, target, Vec::new(), &columns).expect("rows")
}

/// Every node of every tree, asked by every row, on its path or not.
#[test]
fn every_split_decides_as_float_does() {
    let (mut asked, mut gaps, mut sets, mut flipped, mut narrow, mut twice) = (0, 0, 0, 0, 0, 0);
    for seed in 0..600 {
        let case = case(seed, 40);
        for codes in [CodeWidth::Word, CodeWidth::Byte] {
            let Some((quant, calibrations)) = quantized(&case, codes) else {
                continue;
            };
            let rows = dataset(&case);
            let certificate = certify(&case.model, &quant, &calibrations, Voting::Soft, &rows);
            let features = features(&quant);
            twice +=
                usize::from((1..features.len()).any(|at| features[..at].contains(&features[at])));
            narrow += usize::from(quant.code_bits() == 8);
            for row in &case.rows {
                let codes = quant.codes(row);
                let nodes = case
                    .model
                    .trees()
                    .iter()
                    .enumerate()
                    .flat_map(|(tree, it)| {
                        it.nodes()
                            .iter()
                            .enumerate()
                            .map(move |(node, it)| (tree, node, it))
                    });
                for (tree, node, split) in nodes {
                    let Some((feature, _)) = split.split() else {
                        continue;
                    };
                    let compare = case.model.schema().features()[feature].compare;
                    let float = split.sends_left(compare.seen(row[feature]));
                    let code = codes[quant.code_of(split).expect("a code")];
                    let narrowed = if quant.code_bits() == 8 {
                        code.clamp(0, 255)
                    } else {
                        code
                    };
                    let threshold = quant.code_threshold(split);
                    let q15 = threshold.is_some_and(|it| code <= it);
                    // What hangs below a split that none goes left at is not in the tables.
                    if threshold.is_some_and(|it| (0..255).contains(&it)) {
                        assert_eq!(q15, threshold.is_some_and(|it| narrowed <= it));
                    }
                    asked += 1;
                    gaps += usize::from(row[feature].is_nan());
                    sets += usize::from(
                        matches!(split, Node::Split(it) if matches!(it.test, Test::Among(_))),
                    );
                    if float != q15 {
                        flipped += 1;
                        let reading = row[feature];
                        let calibration = &calibrations[feature];
                        let (low, high) = calibration.range;
                        // Nothing is said of readings beyond the range, and of undeclared gaps.
                        let is_told = match reading.is_nan() {
                            true => calibration.is_missing(),
                            false => (low..=high).contains(&reading),
                        };
                        let mut flips = certificate.flips.iter();
                        let flip = flips.find(|it| (it.tree, it.node) == (tree, node));
                        assert!(
                            !is_told || flip.is_some_and(|flip| flip.holds(reading)),
                            "seed {seed}: {split:?} {reading} {calibration:?} {:?}",
                            quant.inputs()
                        );
                        assert!(!is_told || !reading.is_nan(), "seed {seed}");
                    }
                }
            }
            let subject = Subject {
                model: &case.model,
                quant: &quant,
                calibrations: &calibrations,
                voting: Voting::Soft,
                certificate: &certificate,
            };
            let challenge = challenge(subject, &rows, 200, seed);
            assert_eq!(
                challenge.counterexamples,
                Vec::<String>::new(),
                "seed {seed}"
            );
        }
    }
    // Not by never asking.
    assert!(
        asked > 500_000 && gaps > 100_000 && sets > 100_000,
        "{asked} {gaps} {sets}"
    );
    assert!(
        flipped > 100 && narrow > 100 && twice > 300,
        "{flipped} {narrow} {twice}"
    );
}

const STUMPS: &str = r#""trees":[
    {"nodes":[{"feature":0,"threshold":10.5,"missing":"left","left":1,"right":2},{"value":[1,0]},{"value":[0,1]}]},
    {"nodes":[{"feature":0,"threshold":20.5,"missing":"right","left":1,"right":2},{"value":[1,0]},{"value":[0,1]}]}]"#;

/// What a feature costs: a second code only where both sides are asked, and none where what stands for
/// a missing reading lies there anyway.
#[test]
fn codes_are_as_many_as_splits_ask() {
    let both = STUMPS.to_owned();
    let left = both.replace("\"right\",\"left\"", "\"left\",\"left\"");
    let right = both.replace("\"left\",\"left\"", "\"right\",\"left\"");
    let codes = |trees: &str, sensor, missing| {
        let float = model("random-forest", 1, 2, trees).to_json();
        let float = spinney_model::FloatModel::from_json(float.as_bytes()).unwrap();
        let declared = Declared {
            sensor,
            missing,
            ..Declared::default()
        };
        let calibrations = calibrate(&float, None, &[declared]).unwrap();
        let quant = QuantModel::new(
            &float,
            &calibrations,
            options(Voting::Hard, Votes::Q15),
            None,
        );
        let inputs = quant.unwrap().inputs().to_vec();
        let is_filled = |input: &spinney_quantize::Input| (input.place, input.missing.is_some());
        inputs.iter().map(is_filled).collect::<Vec<_>>()
    };
    let (below, above) = (Some(Place::Below), Some(Place::Above));
    let number = |number| Some(Missing::Number(number));
    // Singles may be missing wherever a split sends them left; nothing else may, undeclared.
    assert_eq!(codes(&both, None, None), [(above, false), (below, true)]);
    assert_eq!(codes(&left, None, None), [(below, true)]);
    assert_eq!(codes(&right, None, None), [(None, false)]);
    assert_eq!(codes(&both, Some(Sensor::U8), None), [(None, false)]);
    // What stands for a missing reading may lie where it has to.
    assert_eq!(
        codes(&both, Some(Sensor::I16), number(-1.0)),
        [(below, false), (above, true)]
    );
    assert_eq!(
        codes(&left, Some(Sensor::I16), number(-1.0)),
        [(below, false)]
    );
    assert_eq!(
        codes(&right, Some(Sensor::U8), number(255.0)),
        [(above, false)]
    );
    assert_eq!(
        codes(&both, Some(Sensor::U8), number(15.0)),
        [(below, true), (above, true)]
    );
}

/// NaN of a feature without missing readings goes right, and a number that stands for a missing one is
/// received in its place.
#[test]
fn what_is_received_is_declared() {
    let float = model("random-forest", 1, 2, STUMPS);
    let bytes = |sensor, missing: Option<Missing>| {
        let declared = Declared {
            sensor: Some(sensor),
            missing,
            ..Declared::default()
        };
        let calibrations = calibrate(&float, None, &[declared]).unwrap();
        let options = options(Voting::Hard, Votes::Q15);
        let quant = QuantModel::new(&float, &calibrations, options, None).unwrap();
        (quant.reading_bytes(&[f64::NAN]), quant.codes(&[f64::NAN]))
    };
    assert_eq!(
        bytes(Sensor::I16, Some(Missing::Number(-1.0))).0,
        [255, 255]
    );
    let single = bytes(Sensor::F32, Some(Missing::Number(-999.0)));
    assert_eq!(single.0, (-999.0_f32).to_le_bytes());
    let nan = bytes(Sensor::F32, None);
    assert!(f32::from_le_bytes(nan.0[..].try_into().unwrap()).is_nan());
    assert_eq!(nan.1, [2, i16::MIN]);

    let declared = |sensor, missing| {
        [Declared {
            sensor: Some(sensor),
            missing: Some(missing),
            ..Declared::default()
        }]
    };
    let refused =
        |declared: [Declared; 1]| calibrate(&float, None, &declared).unwrap_err().to_string();
    assert_eq!(
        refused(declared(Sensor::U8, Missing::Nan)),
        "feature \"f0\": found missing readings as NaN, expected an integer from 0 to 255, as its type declares"
    );
    assert_eq!(
        refused(declared(Sensor::U8, Missing::Number(-1.0))),
        "feature \"f0\": found missing readings as -1, expected an integer from 0 to 255, as its type declares"
    );
}

/// What stands for a missing reading tells the type of a feature that no split asks, too.
#[test]
fn a_feature_that_is_not_used_may_miss() {
    let float = model(
        "random-forest",
        2,
        2,
        r#""trees":[{"nodes":[{"feature":0,"threshold":1.5,"left":1,"right":2},{"value":[1,0]},{"value":[0,1]}]}]"#,
    );
    let sensor = |missing| {
        let declared = Declared {
            missing,
            ..Declared::default()
        };
        calibrate(&float, None, &[Declared::default(), declared]).unwrap()[1].sensor
    };
    assert_eq!(sensor(None), Sensor::U8);
    assert_eq!(sensor(Some(Missing::Nan)), Sensor::F32);
    for (number, told) in [
        (255.0, Sensor::U8),
        (-999.0, Sensor::I16),
        (1e6, Sensor::I32),
        (0.5, Sensor::F32),
    ] {
        assert_eq!(sensor(Some(Missing::Number(number))), told, "{number}");
    }
}

/// A certificate that is broken by hand: the level says every input, missing ones among them.
#[test]
fn missing_readings_are_certified() {
    let float = model("random-forest", 1, 2, STUMPS);
    let calibrations = calibrate(&float, None, &[Declared::default()]).unwrap();
    let quant = QuantModel::new(
        &float,
        &calibrations,
        options(Voting::Hard, Votes::Q15),
        None,
    )
    .unwrap();
    let case = Case {
        model: float.clone(),
        declared: vec![],
        rows: vec![vec![f64::NAN], vec![12.0]],
    };
    let rows = dataset(&case);
    let certificate = certify(&float, &quant, &calibrations, Voting::Hard, &rows);
    assert_eq!(certificate.splits, Some(Level::EveryInput));

    // A model whose sensor was said to miss nothing goes right with what it gets.
    let integers = [Declared {
        sensor: Some(Sensor::I16),
        ..Declared::default()
    }];
    let without = calibrate(&float, None, &integers).unwrap();
    let quant = QuantModel::new(&float, &without, options(Voting::Hard, Votes::Q15), None).unwrap();
    let gaps = [Declared {
        missing: Some(Missing::Number(-1.0)),
        ..integers[0]
    }];
    let with = calibrate(&float, None, &gaps).unwrap();
    let certificate = certify(&float, &quant, &with, Voting::Hard, &rows);
    let flips: Vec<(usize, bool)> = certificate
        .flips
        .iter()
        .map(|it| (it.tree, it.missing))
        .collect();
    assert_eq!(flips, [(1, true)]);
    assert!(certificate.flips[0].holds(f64::NAN) && !certificate.flips[0].holds(12.0));
}

/// A threshold that parts missing readings from all others, as an indicator column becomes one, is no
/// reading: the range is that of the others, and every reading goes its way all the same.
#[test]
fn thresholds_beyond_readings_stretch_no_range() {
    let largest = f64::from(f32::MAX);
    let far = [f64::MAX, largest, 3.402_82e38, 1e300];
    let far = far.iter().flat_map(|far| [*far, -far]);
    let sensors = [None, Some(Sensor::U8), Some(Sensor::I16), Some(Sensor::I32)];
    for (far, side) in far.flat_map(|far| ["left", "right"].map(|side| (far, side))) {
        let float = model(
            "random-forest",
            1,
            2,
            &format!(
                r#""trees":[
    {{"nodes":[{{"feature":0,"threshold":{far:?},"missing":"{side}","left":1,"right":2}},{{"value":[1,0]}},{{"value":[0,1]}}]}},
    {{"nodes":[{{"feature":0,"threshold":-2.25,"missing":"left","left":1,"right":2}},{{"value":[1,0]}},{{"value":[0,1]}}]}},
    {{"nodes":[{{"feature":0,"threshold":1.5,"missing":"right","left":1,"right":2}},{{"value":[1,0]}},{{"value":[0,1]}}]}}]"#
            ),
        );
        for sensor in sensors {
            if sensor == Some(Sensor::I32) && far < 0.0 && side == "left" {
                // There is no order below the lowest integer of 32 bits, for what is missing.
                continue;
            }
            let missing = sensor.map(|_| Missing::Number(7.0));
            let declared = Declared {
                sensor,
                missing,
                ..Declared::default()
            };
            let calibrations = calibrate(&float, None, &[declared]).unwrap();
            let range = match sensor {
                None => (-2.25, 1.5),
                Some(Sensor::U8) => (0.0, 2.0),
                Some(_) => (-3.0, 2.0),
            };
            assert_eq!(calibrations[0].range, range, "{far} {sensor:?}");
            let options = options(Voting::Soft, Votes::Q15);
            let quant = QuantModel::new(&float, &calibrations, options, None).unwrap();
            let (low, high) = calibrations[0].inputs();
            let case = Case {
                model: float.clone(),
                declared: vec![],
                rows: [f64::NAN, low, -3.0, -2.0, 1.0, 2.0, high]
                    .iter()
                    .filter(|reading| reading.is_nan() || **reading >= low)
                    .map(|reading| vec![*reading])
                    .collect(),
            };
            for row in &case.rows {
                let codes = quant.codes(row);
                for node in float.trees().iter().map(|tree| &tree.nodes()[0]) {
                    let code = codes[quant.code_of(node).expect("a code")];
                    let q15 = quant.code_threshold(node).is_some_and(|at| code <= at);
                    let seen = float.schema().features()[0].compare.seen(row[0]);
                    assert_eq!(q15, node.sends_left(seen), "{far} {side} {row:?} {node:?}");
                }
            }
            let rows = dataset(&case);
            let certificate = certify(&float, &quant, &calibrations, Voting::Soft, &rows);
            assert_eq!(
                certificate.splits,
                Some(Level::EveryInput),
                "{far} {side} {sensor:?}"
            );
        }
    }
}
