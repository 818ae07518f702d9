//! Bytes of conversions: the same tables come back, and damaged ones are refused.

use spinney_convert::Conversion;
use spinney_dataset::{Dataset, csv};
use spinney_model::Voting;
use spinney_quantize::{CodeWidth, Declared, Options, Votes};

const MODELS: [(&str, &[u8]); 4] = [
    (
        "digits_rf",
        include_bytes!("../../../examples/models/digits_rf.skops"),
    ),
    (
        "air_levels",
        include_bytes!("../../../examples/models/air_levels.skops"),
    ),
    (
        "air_regression",
        include_bytes!("../../../examples/models/air_regression.skops"),
    ),
    (
        "mote_anomaly",
        include_bytes!("../../../examples/models/mote_anomaly.skops"),
    ),
];

fn converted(model: &[u8], votes: Votes, voting: Voting, train: Option<&Dataset>) -> Conversion {
    let model = spinney_import::import(model).expect("a model").model;
    let declared = vec![Declared::default(); model.schema().n_features()];
    let options = Options {
        voting,
        votes,
        codes: CodeWidth::Auto,
        wants_scores: false,
    };
    Conversion::new(model, &declared, options, train).expect("a conversion")
}

#[test]
fn what_comes_back_has_the_same_tables() {
    let rows = csv::read(include_bytes!("../../../data/digits_test.csv"), "digit").expect("rows");
    for (name, model) in MODELS {
        for votes in [Votes::Q15, Votes::Byte, Votes::Auto] {
            for voting in [Voting::Soft, Voting::Hard] {
                let train = (name == "digits_rf").then_some(&rows);
                let converted = converted(model, votes, voting, train);
                let back = Conversion::from_bytes(&converted.to_bytes()).expect("its own bytes");
                assert_eq!(back.quant, converted.quant, "{name} {votes:?} {voting:?}");
                assert_eq!(back.model, converted.model);
                assert_eq!(back.to_bytes(), converted.to_bytes());
            }
        }
    }
}

#[test]
fn damaged_bytes_are_refused() {
    let bytes = converted(MODELS[0].1, Votes::Q15, Voting::Soft, None).to_bytes();
    let text = String::from_utf8(bytes).expect("JSON");
    for (typed, instead, told) in [
        ("\"spinney-conversion\"", "\"another\"", "found another 1"),
        (
            "\"version\":1,\"model\"",
            "\"version\":9,\"model\"",
            "found spinney-conversion 9",
        ),
        (
            "\"hard_votes\":false",
            "\"hard_votes\":true",
            "the tables: found others",
        ),
        (
            "\"shift\":0",
            "\"shift\":127",
            "found a shift of 127, expected -120 to 100",
        ),
        (
            "\"offset\":0",
            "\"offset\":2147483647",
            "found an offset of 2147483647, expected 2147000000 at most",
        ),
        (
            "threshold\\\":4.5",
            "threshold\\\":5.5",
            "the tables: found others",
        ),
        (
            "\"codings\":[",
            "\"codings\":[{\"rank\":{\"cuts\":[2,1]}},",
            "codings: found 65",
        ),
    ] {
        assert!(text.contains(typed), "{typed}");
        let damaged = text.replacen(typed, instead, 1);
        let error = Conversion::from_bytes(damaged.as_bytes()).err();
        let error = error.map_or_else(String::new, |it| it.to_string());
        assert!(error.contains(told), "{instead}: {error}");
    }
    let half = &text.as_bytes()[..text.len() / 2];
    assert!(Conversion::from_bytes(half).is_err());
}
