//! Naive Bayes: the bound on scores holds, whatever the scales.

use proptest::prelude::*;
use spinney_model::FloatModel;
use spinney_model::Voting;
use spinney_quantize::{
    Body, Declared, Level, QuantModel, Sensor, Votes, certify, is_within_bound,
};

use crate::common::{data, model, options, quantize, rows, undeclared};

fn naive_bayes(priors: &[f64], means: &[Vec<f64>], variances: &[Vec<f64>]) -> FloatModel {
    let log_priors: Vec<f64> = priors.iter().map(|prior| prior.ln()).collect();
    model(
        "gaussian-nb",
        means[0].len(),
        priors.len(),
        &format!(r#""log_priors":{log_priors:?},"means":{means:?},"variances":{variances:?}"#),
    )
}

/// Each margin of Q15 is within the bound of float's, in nats.
fn check_margins(float: &FloatModel, quant: &QuantModel, row: &[f64]) -> Result<(), TestCaseError> {
    let (FloatModel::GaussianNb(bayes), Body::Bayes(body)) = (float, quant.body()) else {
        unreachable!("naive Bayes stays naive Bayes")
    };
    let codes = quant.codes(row);
    let scores = quant.scores(&codes);
    let exact = bayes.joint_log_likelihood(row);
    let nats = 2.0_f64.powi(-i32::from(body.score_bits()));
    for one in 0..scores.len() {
        for other in 0..one {
            let bound = body.margin_bound(bayes, &codes, row, [one, other]);
            let margin = (scores[one] - scores[other]) as f64 * nats;
            let off = (margin - (exact[one] - exact[other])).abs();
            prop_assert!(
                off <= bound,
                "off by {} nats, bound {}: {:?}",
                off,
                bound,
                row
            );
        }
    }
    let differs = float.predict(row) != quant.predict(row);
    prop_assert!(!differs || is_within_bound(float, quant, Voting::Soft, row, &codes));
    Ok(())
}

fn parameters() -> impl Strategy<Value = (Vec<Vec<f64>>, Vec<Vec<f64>>, f64)> {
    let spread = (-9.0..9.0_f64).prop_map(|exponent| 10.0_f64.powf(exponent));
    (1_usize..5, 2_usize..4).prop_flat_map(move |(n_features, n_classes)| {
        let scales = proptest::collection::vec(spread.clone(), n_features);
        let unit = proptest::collection::vec(
            proptest::collection::vec((-2.0..2.0_f64, 0.01..3.0_f64), n_features),
            n_classes,
        );
        (scales, unit, 0.001..0.999_f64).prop_map(|(scales, unit, prior)| {
            let scaled = |pick: &dyn Fn(f64, f64, f64) -> f64| {
                unit.iter()
                    .map(|class| {
                        let pairs = class.iter().zip(&scales);
                        pairs
                            .map(|((mean, sigma), scale)| pick(*mean, *sigma, *scale))
                            .collect()
                    })
                    .collect()
            };
            (
                scaled(&|mean, _, scale| mean * scale),
                scaled(&|_, sigma, scale| (sigma * scale) * (sigma * scale)),
                prior,
            )
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Features whose scales lie up to 18 orders of magnitude apart, σ from 1e-11 to 3e9.
    #[test]
    fn margins_are_within_their_bound(
        (means, variances, prior) in parameters(),
        at in proptest::collection::vec(
            (proptest::collection::vec(-4.0..4.0_f64, 5), any::<prop::sample::Index>()), 20
        ),
    ) {
        let n_classes = means.len();
        let mut priors = vec![prior];
        priors.extend(vec![(1.0 - prior) / (n_classes - 1) as f64; n_classes - 1]);
        let float = naive_bayes(&priors, &means, &variances);
        let (quant, _) = quantize(
            &float, &undeclared(&float), options(Voting::Soft, Votes::Q15), None,
        );
        for (sigmas, class) in at {
            let class = class.index(n_classes);
            let row: Vec<f64> = means[class]
                .iter()
                .zip(&variances[class])
                .zip(sigmas)
                // The device receives singles.
                .map(|((mean, variance), z)| f64::from((mean + z * variance.sqrt()) as f32))
                .collect();
            check_margins(&float, &quant, &row)?;
        }
    }

    /// A constant feature of one class, as digits has them: its σ is smoothing alone.
    #[test]
    fn one_class_may_be_narrow_to_nothing(
        sigma in (-9.0..0.0_f64).prop_map(|exponent| 10.0_f64.powf(exponent)),
        wide in (0.0..9.0_f64).prop_map(|exponent| 10.0_f64.powf(exponent)),
        reading in -16.0..16.0_f64,
    ) {
        let float = naive_bayes(
            &[0.97, 0.03],
            &[vec![0.0, 5.0], vec![3.0, 5.0]],
            &[vec![sigma * sigma, 1.0], vec![wide * wide, 1.0]],
        );
        let declared = [Declared { sensor: Some(Sensor::F32), ..Declared::default() }; 2];
        let (quant, _) = quantize(&float, &declared, options(Voting::Soft, Votes::Q15), None);
        for reading in [0.0, reading, reading * wide] {
            check_margins(&float, &quant, &[f64::from(reading as f32), 5.0])?;
        }
    }
}

/// Codes at every corner: the runtime wraps nowhere, or debug builds would say so.
#[test]
fn corner_codes_do_not_overflow() {
    let n_features = 300;
    let tiny = vec![1e-18; n_features];
    let float = naive_bayes(
        &[0.5, 0.5],
        &[vec![-1.0; n_features], vec![1.0; n_features]],
        &[tiny.clone(), tiny],
    );
    let (quant, _) = quantize(
        &float,
        &undeclared(&float),
        options(Voting::Soft, Votes::Q15),
        None,
    );
    let Body::Bayes(body) = quant.body() else {
        unreachable!("naive Bayes stays naive Bayes")
    };
    for code in [i16::MIN, -1, 0, 1, i16::MAX] {
        let scores = quant.scores(&vec![code; n_features]);
        for (class, score) in scores.iter().enumerate() {
            let squares: i128 = body.terms()[class * n_features..][..n_features]
                .iter()
                .map(|term| {
                    let distance = i128::from(code) - i128::from(term.mean());
                    ((distance * i128::from(term.factor())) >> term.shift()).pow(2)
                })
                .sum();
            assert_eq!(
                i128::from(*score),
                -i128::from(body.offsets()[class]) - squares
            );
        }
    }
}

fn integers(n_features: usize) -> Vec<Declared> {
    let declared = Declared {
        sensor: Some(Sensor::I16),
        ..Declared::default()
    };
    vec![declared; n_features]
}

/// Integers share one coding, so that the device needs no table of them, unless that would move
/// the means of some feature by too much of their σ.
#[test]
fn integers_share_a_coding_where_precision_allows() {
    let is_shared = |means: [f64; 2], sigmas: [f64; 2]| {
        let rest = vec![9.0; 2];
        let variances = sigmas.map(|sigma| sigma * sigma).to_vec();
        let float = naive_bayes(
            &[0.5, 0.5],
            &[means.to_vec(), rest],
            &[variances.clone(), variances],
        );
        let (quant, _) = quantize(
            &float,
            &integers(2),
            options(Voting::Soft, Votes::Q15),
            None,
        );
        quant.inputs()[0].coding == quant.inputs()[1].coding
    };
    assert!(is_shared([3.3, 14.1], [4.0, 5.0]));
    // A pixel that is always dark, its σ smoothing alone, lies on the grid of any coding.
    assert!(is_shared([0.0, 14.1], [1e-4, 5.0]));
    assert!(!is_shared([0.3, 9_000.0], [0.46, 900.0]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Sensors that deliver integers, the ends of their type among them.
    #[test]
    fn integer_margins_are_within_their_bound(
        means in proptest::collection::vec(proptest::collection::vec(-300.0..300.0_f64, 3), 2..4),
        spread in proptest::collection::vec(proptest::collection::vec(-4.0..3.0_f64, 3), 4),
        readings in proptest::collection::vec(
            proptest::collection::vec(
                prop_oneof![Just(i16::MIN), Just(i16::MAX), Just(0), -400..400_i16, any::<i16>()], 3
            ),
            20,
        ),
    ) {
        let variances: Vec<Vec<f64>> = spread[..means.len()]
            .iter()
            .map(|class| class.iter().map(|exponent| 100.0_f64.powf(*exponent)).collect())
            .collect();
        let priors = vec![1.0 / means.len() as f64; means.len()];
        let float = naive_bayes(&priors, &means, &variances);
        let (quant, _) = quantize(
            &float, &integers(3), options(Voting::Soft, Votes::Q15), None,
        );
        for row in readings {
            let row: Vec<f64> = row.into_iter().map(f64::from).collect();
            check_margins(&float, &quant, &row)?;
        }
    }
}

/// The shipped sets, digits with its constant pixels and wine with its scales among them.
#[test]
fn real_rows_agree_outside_the_bound() {
    for (name, label) in [
        ("digits", "digit"),
        ("wine", "cultivar"),
        ("breast_cancer", "diagnosis"),
        ("iris", "species"),
    ] {
        let data = data(name, label);
        let float = spinney_train::gaussian_nb(&data.train, 1e-9).expect("a model");
        let (quant, calibrations) = quantize(
            &float,
            &undeclared(&float),
            options(Voting::Soft, Votes::Q15),
            Some(&data.train),
        );
        for part in [&data.train, &data.test] {
            let certificate = certify(&float, &quant, &calibrations, Voting::Soft, part);
            let listed = certificate.listed_rows();
            let differing: Vec<usize> = (0..part.n_rows())
                .filter(|row| {
                    let row = part.values().row(*row).to_vec();
                    float.predict(&row) != quant.predict(&row)
                })
                .collect();
            assert!(differing.iter().all(|row| listed.contains(row)));
            assert!(
                differing.len() * 500 <= part.n_rows(),
                "{name}: {} of {} rows differ",
                differing.len(),
                part.n_rows()
            );
        }
    }
}

/// 97 rows to 3: the prior decides between the two, on both sides alike.
#[test]
fn a_rare_class_keeps_its_prior() {
    let float = naive_bayes(
        &[0.97, 0.03],
        &[vec![0.0], vec![1.0]],
        &[vec![1.0], vec![1.0]],
    );
    let (quant, calibrations) = quantize(
        &float,
        &undeclared(&float),
        options(Voting::Soft, Votes::Q15),
        None,
    );
    // Float's border lies at ½ + ln(0.97/0.03) = 3.9761.
    let data = rows(&[&[3.9], &[3.97], &[3.98], &[4.1]]);
    let classes: Vec<usize> = (0..4)
        .map(|row| quant.predict(&data.values().row(row).to_vec()))
        .collect();
    assert_eq!(classes, [0, 0, 1, 1]);
    let certificate = certify(&float, &quant, &calibrations, Voting::Soft, &data);
    assert_eq!(certificate.votes, Level::EveryRow);
}

/// As many features as there may be, and variances from denormals to the largest: no sum leaves 64
/// bits, no offset is cut off, and the bound says how far off the margins are.
#[test]
fn sums_fit_at_the_limit_of_features() {
    let n_features = spinney_model::limits::FEATURES.max;
    for variances in [[1e-300, 2e-300], [1.0, 2.0], [1e300, 2e300]] {
        let means = [vec![0.0; n_features], vec![1.0; n_features]];
        let float = naive_bayes(
            &[0.5, 0.5],
            &means,
            &variances.map(|it| vec![it; n_features]),
        );
        let (quant, _) = quantize(
            &float,
            &undeclared(&float),
            options(Voting::Soft, Votes::Q15),
            None,
        );
        let (Body::Bayes(body), FloatModel::GaussianNb(bayes)) = (quant.body(), &float) else {
            unreachable!("naive Bayes stays naive Bayes")
        };
        let unit = 2.0_f64.powi(i32::from(body.score_bits()));
        for (class, offset) in body.offsets().iter().enumerate() {
            let exact = -bayes.constant(class) * unit;
            assert!((exact - *offset as f64).abs() <= exact.abs() * 1e-12 + 0.5);
        }
        for reading in [0.0, 1.0, 1e6] {
            let row = vec![reading; n_features];
            let scores = bayes.joint_log_likelihood(&row);
            if scores.iter().all(|score| score.is_finite()) {
                check_margins(&float, &quant, &row).expect("a margin");
            } else {
                // Where float knows no margin, nothing is certain.
                let codes = quant.codes(&row);
                assert!(is_within_bound(&float, &quant, Voting::Soft, &row, &codes));
            }
        }
    }
}
