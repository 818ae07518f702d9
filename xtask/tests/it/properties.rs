//! Properties of a config, decided before anything is built.

use std::fmt::Write as _;
use std::process::Command;

use expect_test::{Expect, expect};

/// Runs a small forest with these properties until it is quantized: what was said of properties, or
/// the fault.
fn says(model: &str, properties: &str, expected: &Expect) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut rows = "heat,shake,state\n".to_owned();
    for row in 0..120_u32 {
        let (heat, shake) = (row * 7 % 40, row * 11 % 9);
        let state = match (heat, shake) {
            (30.., _) => "alarm",
            (_, 5..) => "run",
            _ => "off",
        };
        writeln!(rows, "{heat},{shake},{state}").expect("a string");
    }
    std::fs::write(folder.path().join("rows.csv"), rows).expect("a temporary file");
    let config = format!(
        "pipeline = {{ name = \"properties\" }}\ndataset = {{ path = \"rows.csv\", label = \"state\" }}\n\
         model = {{ {model} }}\ntarget = {{ chip = \"nRF51822_xxAA\" }}\n{properties}"
    );
    let path = folder.path().join("pipeline.toml");
    std::fs::write(&path, config).expect("a temporary file");
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["pipeline", "run", "--until", "quantize", "--config"])
        .arg(&path)
        .output()
        .expect("the program runs");
    let (said, is_good) = (&output.stdout, output.status.success());
    let said = if is_good { said } else { &output.stderr };
    let place = folder.path().display().to_string();
    let said = String::from_utf8_lossy(said).replace(&place, "FOLDER");
    let told =
        |line: &&str| !is_good || line.starts_with("property") || line.starts_with("certificate");
    let said: Vec<&str> = said
        .lines()
        .filter(told)
        .filter(|line| !line.starts_with("note: waiting"))
        .collect();
    expected.assert_eq(&(said.join("\n") + "\n"));
}

const FOREST: &str = "kind = \"random-forest\", n_trees = 7, max_depth = 4";

#[test]
fn a_property_is_proven_refuted_or_unknown() {
    says(
        FOREST,
        "[[property]]\nnever = \"off\"\nwithin = { heat = [32, 39] }\n\
         [[property]]\nnever = \"off\"\nwithin = { shake = [0, 4] }\n\
         [[property]]\nincreasing = \"heat\"\nclass = \"alarm\"\n\
         [[property]]\nagrees = true\n\
         [[property]]\nagrees = true\nseconds = 0.0000001\n\
         [[property]]\ndrift = 0.02\n",
        &expect![[r#"
            property: never off, with heat from 32 to 39: proven for every input
            property: never off, with shake from 0 to 4: refuted, by heat = 0, shake = 1
            property: as heat rises, class alarm stays once it is given: proven for every input
            property: float and fixed point give the same class: proven for every input
            property: float and fixed point give the same class: unknown: the search took all its steps
            property: while all readings drift by up to 2 % of their ranges, at least 100 % of the test rows keep their class: 30 of 30 test rows keep their class
            certificate: splits every-input, votes every-input
        "#]],
    );
}

#[test]
fn names_and_kinds_that_the_model_does_not_have() {
    says(
        FOREST,
        "[[property]]\nnever = \"on\"\n",
        &expect![[r#"
        error: property.1.never: found `"on"`, expected a class of the model: alarm, off, run
         --> FOLDER/pipeline.toml:6:9
          |
        6 | never = "on"
          |         ^^^^
    "#]],
    );
    says(
        FOREST,
        "[[property]]\nnever = \"off\"\nwithin = { cold = [0, 1] }\n",
        &expect![[r#"
            error: property.1.within.cold: found `"cold"`, expected a feature of the model
             --> FOLDER/pipeline.toml:7:12
              |
            7 | within = { cold = [0, 1] }
              |            ^^^^
        "#]],
    );
    says(
        FOREST,
        "[[property]]\nincreasing = \"heat\"\n",
        &expect![[r#"
            error: property.1.increasing: found no `class`, expected the class that stays, since the model gives classes
             --> FOLDER/pipeline.toml:6:14
              |
            6 | increasing = "heat"
              |              ^^^^^^
        "#]],
    );
    says(
        FOREST,
        "[[property]]\nat_most = 3\n",
        &expect![[r#"
        error: property.1: the property: found a value, of a model that gives classes, expected a class
         --> FOLDER/pipeline.toml:5:1
          |
        5 | [[property]]
          | ^^^^^^^^^^^^
    "#]],
    );
    says(
        "kind = \"gaussian-nb\"",
        "[[property]]\nnever = \"off\"\n",
        &expect![[r#"
            error: property.1: the model: found naive Bayes, whose scores are no sums over boxes, expected a model of trees
             --> FOLDER/pipeline.toml:5:1
              |
            5 | [[property]]
              | ^^^^^^^^^^^^
        "#]],
    );
    says(
        FOREST,
        "[[property]]\nnever = \"off\"\ndrift = 0.1\n",
        &expect![[r#"
            error: property.1: found 2 of them, expected one of never, at_most, at_least, increasing, decreasing, agrees, drift
             --> FOLDER/pipeline.toml:5:1
              |
            5 | [[property]]
              | ^^^^^^^^^^^^
              |
              = help: write a `[[property]]` for each thing that must hold
        "#]],
    );
    says(
        FOREST,
        "[property]\nnever = \"off\"\n",
        &expect![[r#"
        error: property: found something else than a list, expected `[[property]]`, with two brackets, for each property
         --> FOLDER/pipeline.toml:5:1
          |
        5 | [property]
          | ^^^^^^^^^^
          |
          = help: States what must hold for every input within some ranges, and has it proven or refuted.
    "#]],
    );
}

/// A bound is of the value before the link, where there is one, and so is what the device delivers.
#[test]
fn bounds_of_a_value_before_its_link() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = |link: &str| {
        format!(
            r#"{{"format":"spinney-model","version":2,"kind":"additive","task":"regress",
            "features":[{{"name":"heat"}}],"targets":["n"],"link":{{{link}}},
            "sum":{{"precision":"float64","base":[1.5]}},"trees":[{{"nodes":[
            {{"feature":0,"threshold":1.5,"left":1,"right":2}},{{"value":[0.25]}},{{"value":[-0.5]}}]}}]}}"#
        )
    };
    let says = |link: &str, expected: &Expect| {
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("model.json"), model(link)).expect("a temporary file");
        std::fs::write(at("rows.csv"), "heat\n1\n2\n").expect("a temporary file");
        let config = "pipeline = { name = \"bounds\" }\ndataset = { test = \"rows.csv\" }\n\
             model = { source = \"import\", path = \"model.json\" }\n\
             target = { chip = \"nRF51822_xxAA\" }\n[[property]]\nat_most = 1.75\n\
             [[property]]\nat_least = 1.5\nwithin = { heat = [0, 1] }\n";
        std::fs::write(at("pipeline.toml"), config).expect("a temporary file");
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["pipeline", "run", "--until", "quantize", "--config"])
            .arg(at("pipeline.toml"))
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&output.stdout);
        let told = ["property", "device"];
        let told = |line: &&str| told.iter().any(|start| line.starts_with(start));
        let said: Vec<&str> = said.lines().filter(told).collect();
        expected.assert_eq(&(said.join("\n") + "\n"));
    };
    says(
        r#""function":"exp""#,
        &expect![[r#"
        device's value: before the exponential function; the model predicts exp(value / 2^16)
        property: at most 1.75 before the exponential function: proven for every input
        property: at least 1.5 before the exponential function, with heat from 0 to 1: proven for every input
    "#]],
    );
    says(
        r#""function":"sigmoid","scale":2.5"#,
        &expect![[r#"
        device's value: before the sigmoid function; the model predicts 1 / (1 + exp(-2.5 * value / 2^16))
        property: at most 1.75 before the sigmoid function: proven for every input
        property: at least 1.5 before the sigmoid function, with heat from 0 to 1: proven for every input
    "#]],
    );
    says(
        r#""function":"identity""#,
        &expect![[r#"
        property: at most 1.75: proven for every input
        property: at least 1.5, with heat from 0 to 1: proven for every input
    "#]],
    );
}
