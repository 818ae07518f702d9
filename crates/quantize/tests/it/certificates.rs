//! Inputs that try to refute a model's certificate; `cargo xtask bench agreement` has a million per model.

use spinney_dataset::{Split, csv};
use spinney_model::{FloatModel, ForestKind, Voting};
use spinney_quantize::{
    Certificate, Challenge, CodingChoice, Declared, Level, Subject, Votes, certify, challenge,
};

use crate::common::{data, fit, model, options, quantize, undeclared};

const N_INPUTS: usize = 250_000;

fn challenged(
    model: &FloatModel,
    data: &Split,
    declared: &[Declared],
    voting: Voting,
    votes: Votes,
) -> (Option<Level>, Challenge) {
    let (quant, calibrations) =
        quantize(model, declared, options(voting, votes), Some(&data.train));
    let certificate = certify(model, &quant, &calibrations, voting, &data.test);
    let subject = Subject {
        model,
        quant: &quant,
        calibrations: &calibrations,
        voting,
        certificate: &certificate,
    };
    let outcome = challenge(subject, &data.test, N_INPUTS, 1);
    assert_eq!(outcome.n_inputs, N_INPUTS);
    assert_eq!(outcome.counterexamples, [""; 0]);
    (certificate.splits, outcome)
}

#[test]
fn nobody_refutes_a_forest_on_integers() {
    let digits = data("digits", "digit");
    let model = fit(&digits.train, ForestKind::RandomForest, 10, 8);
    for votes in [Votes::Q15, Votes::Byte] {
        let declared = undeclared(&model);
        let (splits, _) = challenged(&model, &digits, &declared, Voting::Soft, votes);
        assert_eq!(splits, Some(Level::EveryInput));
    }
}

#[test]
fn nobody_refutes_a_tree_on_singles() {
    let iris = data("iris", "species");
    let model = fit(&iris.train, ForestKind::DecisionTree, 1, 4);
    let (splits, _) = challenged(&model, &iris, &undeclared(&model), Voting::Soft, Votes::Q15);
    assert!(splits >= Some(Level::EveryRow));
    let rank = Declared {
        coding: CodingChoice::Rank,
        ..Declared::default()
    };
    let declared = vec![rank; 4];
    let (splits, outcome) = challenged(&model, &iris, &declared, Voting::Soft, Votes::Q15);
    assert_eq!(splits, Some(Level::EveryInput));
    assert_eq!(outcome.n_differing, 0);
}

#[test]
fn nobody_refutes_a_forest_on_singles() {
    let cancer = data("breast_cancer", "diagnosis");
    let model = fit(&cancer.train, ForestKind::RandomForest, 20, 6);
    for voting in [Voting::Soft, Voting::Hard] {
        let declared = undeclared(&model);
        let (splits, _) = challenged(&model, &cancer, &declared, voting, Votes::Q15);
        assert!(splits >= Some(Level::EveryRow));
    }
}

#[test]
fn nobody_refutes_naive_bayes() {
    let wine = data("wine", "cultivar");
    let model = spinney_train::gaussian_nb(&wine.train, 1e-9).expect("a model");
    challenged(&model, &wine, &undeclared(&model), Voting::Soft, Votes::Q15);
}

/// Where neither rows nor a range say what readings there are, those beyond the outermost thresholds
/// count, too: coarse codes send some of them the other way.
#[test]
fn readings_beyond_all_thresholds_count() {
    let nodes = r#""trees":[{"nodes":[{"feature":0,"threshold":0.1,"left":1,"right":2},{"value":[1,0]},
        {"feature":0,"threshold":3000.3,"left":3,"right":4},{"value":[0,1]},{"value":[1,0]}]}]"#;
    let model = model("random-forest", 1, 2, nodes);
    let affine = Declared {
        coding: CodingChoice::Affine,
        ..Declared::default()
    };
    let options = options(Voting::Soft, Votes::Q15);
    let rows = csv::read(b"f0,label\n0,c0\n1,c1\n", "label").expect("rows");
    let (quant, calibrations) = quantize(&model, &[affine], options, None);
    let certificate = certify(&model, &quant, &calibrations, Voting::Soft, &rows);
    let flips = certificate.flips.iter();
    assert_eq!(
        flips.map(|flip| flip.threshold).collect::<Vec<_>>(),
        [0.1, 3000.3]
    );
    let flip = &certificate.flips[1];
    let reading = f64::from(3000.3_f32.next_up());
    assert!(flip.holds(reading), "{flip:?}");
    assert_ne!(model.predict(&[reading]), quant.predict(&[reading]));

    let declared = Declared {
        range: Some((0.0, 3000.0)),
        ..affine
    };
    let (quant, calibrations) = quantize(&model, &[declared], options, None);
    let certificate = certify(&model, &quant, &calibrations, Voting::Soft, &rows);
    let flips = certificate.flips.iter();
    assert_eq!(flips.map(|flip| flip.threshold).collect::<Vec<_>>(), [0.1]);
}

/// The challenge can fail: a certificate that keeps silent about its flips is refuted.
#[test]
fn a_false_certificate_is_refuted() {
    let iris = data("iris", "species");
    let model = fit(&iris.train, ForestKind::DecisionTree, 1, 4);
    let coarse = Declared {
        range: Some((-1e5, 1e5)),
        coding: CodingChoice::Affine,
        ..Declared::default()
    };
    let (quant, calibrations) = quantize(
        &model,
        &[coarse; 4],
        options(Voting::Soft, Votes::Q15),
        Some(&iris.train),
    );
    let voting = Voting::Soft;
    let mut certificate = certify(&model, &quant, &calibrations, voting, &iris.test);
    assert!(certificate.splits < Some(Level::EveryInput));
    let attempt = |certificate: &Certificate| {
        let subject = Subject {
            model: &model,
            quant: &quant,
            calibrations: &calibrations,
            voting,
            certificate,
        };
        challenge(subject, &iris.test, 100_000, 1)
    };
    let honest = attempt(&certificate);
    assert_eq!(honest.counterexamples, [""; 0]);
    assert!(
        honest.n_differing > 0,
        "flips are found where they are listed"
    );
    certificate.flips.clear();
    assert!(!attempt(&certificate).counterexamples.is_empty());
}
