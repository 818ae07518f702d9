//! What ships of an ensemble that adds, held to the float model by the checker: the tables hold, and
//! planted faults are named.

use spinney_checker as checker;
use spinney_checker::{Body, Claim, Findings, Kind, Memory, Sums};
use spinney_codegen::{Identity, Options, Origin, c99, drop_in};
use spinney_dataset::csv;
use spinney_model::{FloatModel, Voting};
use spinney_quantize::{
    self as quantize, CodeWidth, Declared, QuantModel, Sensor, Votes, calibrate, certify,
};

const HEAD: &str = r#"{"format":"spinney-model","version":2,"kind":"additive","features":[{"name":"x"},
{"name":"y"}],"#;
const ROWS: &str = "x,y,class\n0,0,a\n1,5,b\n2,2,a\n3,1,b\n9,9,a\n7,3,b\n";

fn models() -> Vec<FloatModel> {
    let tree = |output: &str, leaves: [&str; 3], threshold: f64| {
        let [a, b, c] = leaves;
        format!(
            r#"{{{output}"nodes":[{{"feature":0,"threshold":{threshold},"left":1,"right":2}},
            {{"value":{a}}},{{"feature":1,"threshold":2.5,"left":3,"right":4}},{{"value":{b}}},
            {{"value":{c}}}]}}"#
        )
    };
    let model = |rest: &str, trees: &[String]| {
        let text = format!(r#"{HEAD}{rest},"trees":[{}]}}"#, trees.join(","));
        FloatModel::from_json(text.as_bytes()).expect("a model")
    };
    let ones = [
        tree("", ["[0.3]", "[-0.7]", "[0.11]"], 1.5),
        tree("", ["[0.2]", "[0.09]", "[-0.31]"], 2.5),
    ];
    vec![
        model(
            r#""task":"classify","classes":["a","b"],"sum":{"precision":"float32","base":[0.1]},
            "link":{"function":"sigmoid"}"#,
            &ones,
        ),
        model(
            r#""task":"classify","classes":["a","b","c"],"sum":{"precision":"float64",
            "base":[0.1,-0.4,2]},"link":{"function":"softmax"}"#,
            &[
                tree("\"output\":0,", ["[0.3]", "[-0.7]", "[0.11]"], 1.5),
                tree("\"output\":1,", ["[0.4]", "[0.7]", "[-0.11]"], 1.5),
                tree("\"output\":2,", ["[-2.3]", "[-1.7]", "[-1.11]"], 4.5),
                tree("", ["[1,2,3]", "[0.1,0.2,0.3]", "[0,0,-1]"], 4.5),
            ],
        ),
        model(
            r#""task":"regress","targets":["kW"],"sum":{"precision":"float64","base":[41.7],
            "divisor":2.0},"link":{"function":"identity"}"#,
            &ones,
        ),
        model(
            r#""task":"detect","sum":{"precision":"float64","base":[0],"divisor":9.0},
            "link":{"function":"isolation","offset":-0.5}"#,
            &[
                tree("", ["[1.0]", "[6.4]", "[7.1]"], 1.5),
                tree("", ["[2.0]", "[3.4]", "[5.1]"], 2.5),
            ],
        ),
    ]
}

struct Case {
    model: FloatModel,
    claim: Claim,
    header: String,
    prefix: String,
    rows: Vec<f64>,
}

fn case(model: FloatModel, votes: Votes) -> Case {
    let rows = csv::read(ROWS.as_bytes(), "class").expect("rows");
    let declared = Declared {
        sensor: Some(Sensor::U8),
        ..Declared::default()
    };
    let calibrations =
        calibrate(&model, Some(rows.values().view()), &[declared; 2]).expect("readings");
    let options = quantize::Options {
        voting: Voting::Soft,
        votes,
        codes: CodeWidth::Auto,
        wants_scores: true,
    };
    let quant = QuantModel::new(&model, &calibrations, options, Some(&rows)).expect("it fits");
    let certificate = certify(&model, &quant, &calibrations, Voting::Soft, &rows);
    let identity = Identity {
        pipeline: "model",
        kind: model.kind(),
        fingerprint: "",
        origin: Origin::Config,
    };
    let header = c99(identity, &quant, &Options::plain());
    let certificate = serde_json::to_value(&certificate).expect("JSON");
    let certificate = serde_json::from_value(certificate).expect("the checker's type");
    let claim = spinney_codegen::claim("", &quant, &calibrations, Voting::Soft, certificate);
    let claim = header.claimed(claim);
    Case {
        model,
        claim,
        header: header.text,
        prefix: header.prefix,
        rows: rows.values().iter().copied().collect(),
    }
}

impl Case {
    fn check(&self) -> Findings {
        let memory = Memory::of_header(&self.header, &self.prefix).expect("our own arrays");
        checker::check(&self.model, "", &self.claim, &memory, &self.rows)
    }

    fn sums(&mut self) -> &mut Sums {
        match &mut self.claim.body {
            Body::Forest {
                sums: Some(sums), ..
            } => sums,
            _ => panic!("it adds"),
        }
    }

    /// Adds to the vote of the header's first leaf for its first score.
    fn disturb(&mut self, by: i64) {
        let at = self.header.find("_leaves[").expect("leaves");
        let rows = at + self.header[at..].find('=').expect("an array");
        let first = rows
            + self.header[rows..]
                .find(|it: char| it.is_ascii_digit())
                .expect("a vote");
        let digits = self.header[first..]
            .chars()
            .take_while(char::is_ascii_digit)
            .count();
        let vote: i64 = self.header[first..first + digits]
            .parse()
            .expect("a number");
        self.header
            .replace_range(first..first + digits, &(vote + by).to_string());
    }
}

#[test]
fn what_ships_holds() {
    for votes in [Votes::Byte, Votes::Q15] {
        for model in models() {
            let case = case(model, votes);
            let found = case.check();
            assert!(found.holds(), "{:?}\n{}", found.faults, case.header);
            assert_eq!(found.rows, 6);
            assert!(found.leaves >= 6);
        }
    }
}

#[test]
fn a_leaf_of_another_value_is_named() {
    for model in models() {
        let mut case = case(model, Votes::Q15);
        case.disturb(2);
        let kinds: Vec<Kind> = case.check().faults.iter().map(|fault| fault.kind).collect();
        assert!(kinds.contains(&Kind::Leaf), "{kinds:?}");
    }
}

#[test]
fn bounds_and_constants_that_are_not_those_of_the_leaves_are_named() {
    for model in models() {
        let mut of_bound = case(model.clone(), Votes::Byte);
        of_bound
            .sums()
            .bounds
            .iter_mut()
            .for_each(|bound| *bound *= 0.9);
        let found = of_bound.check();
        assert_eq!(found.faults[0].place, "the bound", "{:?}", found.faults);
        let mut of_constant = case(model, Votes::Byte);
        match of_constant.sums().bases.first_mut() {
            Some(base) => *base += 3,
            None => of_constant.sums().lows[0][0] += 0.05,
        }
        assert!(!of_constant.check().holds());
    }
}

/// What a device delivers is the value before a link, and header and crate say so where there is one.
#[test]
fn a_value_before_a_link_is_named() {
    let identity = Identity {
        pipeline: "kiln",
        kind: "additive",
        fingerprint: "00",
        origin: Origin::Config,
    };
    let texts = |link: &str| {
        let text = format!(
            r#"{HEAD}"task":"regress","targets":["kW"],"sum":{{"precision":"float64","base":[1.5]}},
            "link":{{{link}}},"trees":[{{"nodes":[{{"feature":0,"threshold":1.5,"left":1,"right":2}},
            {{"value":[0.25]}},{{"value":[-0.5]}}]}}]}}"#
        );
        let model = FloatModel::from_json(text.as_bytes()).expect("a model");
        let calibrations = calibrate(&model, None, &[Declared::default(); 2]).expect("types");
        let options = quantize::Options {
            voting: Voting::Soft,
            votes: Votes::Q15,
            codes: CodeWidth::Auto,
            wants_scores: false,
        };
        let quant = QuantModel::new(&model, &calibrations, options, None).expect("a model");
        let files = drop_in(identity, &quant, &Options::plain())
            .expect("a crate")
            .files;
        let header = c99(identity, &quant, &Options::plain()).text;
        [
            header,
            files["src/lib.rs"].clone(),
            files["README.md"].clone(),
        ]
    };
    for (link, function, formula) in [
        (r#""function":"exp""#, "exponential", "exp(value / 2^SHIFT)"),
        (
            r#""function":"sigmoid""#,
            "sigmoid",
            "1 / (1 + exp(-value / 2^SHIFT))",
        ),
        (
            r#""function":"sigmoid","scale":2.5"#,
            "sigmoid",
            "1 / (1 + exp(-2.5 * value / 2^SHIFT))",
        ),
        (
            r#""function":"probit""#,
            "probit",
            "sqrt(2) * erfinv(2 * value / 2^SHIFT - 1)",
        ),
    ] {
        let [header, lib, readme] = texts(link);
        let usage = format!(
            " *\n * A value is the one before the {function} function: the model predicts\n * {}.\n *\n",
            formula.replace("SHIFT", "KILN_VALUE_SHIFT")
        );
        assert!(header.contains(&usage), "{header}");
        let doc = format!("for a row of readings, before the {function} function. */\n");
        assert!(header.contains(&doc), "{header}");
        let sentence = format!(
            "A value is the one before the {function} function: the model predicts `{}`.",
            formula.replace("SHIFT", "VALUE_SHIFT")
        );
        // The crate, and each function in units of `2^-VALUE_SHIFT`.
        assert_eq!(lib.matches(&sentence).count(), 4, "{lib}");
        assert!(readme.contains(&sentence), "{readme}");
        let number = format!("predicts `{}`.", formula.replace(" / 2^SHIFT", ""));
        assert_eq!(lib.matches(&number).count(), 1, "{lib}");
    }
    for text in texts(r#""function":"identity""#) {
        assert!(
            !text.contains("the one before") && !text.contains("predicts"),
            "{text}"
        );
    }
}
