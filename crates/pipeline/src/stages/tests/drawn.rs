//! Ten thousand drawn configs: whatever a config says, no stage on the host panics.
//!
//! Everything is drawn by SplitMix64 from one number, [`SEED`]; config `n` starts from `SEED + n`
//! and needs no other, so that a failure names the number and the text that made it.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ndarray::Array2;
use spinney_codegen::{Identity, Origin, c99};
use spinney_config::schema::{Key, Kind, SECTIONS};
use spinney_config::{Config, Model, Style, Training};
use spinney_dataset::{Dataset, Rows, split};

use spinney_convert::options_for;

use super::candidates;
use super::inputs::PipelineRows;
use super::model::train_model;
use super::quantized::quantized_from;
use crate::failure::Failure;
use crate::progress::Progress;

const SEED: u64 = 0x5eed_0f16;
const N_CONFIGS: u64 = 5_000;
/// Trees up to which a drawn config is trained.
const TREES_MAX: u32 = 20;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).expect("below a usize")
    }

    fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }

    /// True once in `n` times.
    fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// Values that mean something to some key, and values that mean nothing to any.
const ODD: &[&str] = &[
    "0",
    "-1",
    "1",
    "2",
    "255",
    "256",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "0.0",
    "-0.0",
    "1e-320",
    "1e308",
    "1e999",
    "nan",
    "-inf",
    "0.5",
    "1.0",
    "true",
    "false",
    "\"\"",
    "\"auto\"",
    "\"off\"",
    "\"16K\"",
    "\"4095M\"",
    "\"-1K\"",
    "\"rank\"",
    "\"8-bit\"",
    "\"linfa\"",
    "\"missing.csv\"",
    "[]",
    "[0, 9]",
    "[9, 0]",
    "[1e300, -1e300]",
    "[\"class\"]",
    "[\"class\", \"class\"]",
    "[\"*\"]",
    "{ a = 1 }",
    "{}",
    "1979-05-27",
    "\"\\u0000\"",
    "\"🌲\"",
    "'''\n'''",
    "\"a.b\"",
    "\"x*\"",
    "0x08000000",
];

/// A value for a key: mostly of its kind, often at an end of what that allows.
fn value(random: &mut Random, key: &Key) -> String {
    if random.once_in(12) {
        return random.pick(ODD).to_owned();
    }
    match &key.kind {
        Kind::Flag => random.pick(&["true", "false"]).to_owned(),
        Kind::Integer { min, max } => match random.below(6) {
            0 => min.to_string(),
            1 => max.to_string(),
            2 => min.wrapping_sub(1).to_string(),
            3 => max.wrapping_add(1).to_string(),
            _ => min
                .saturating_add(i64::try_from(random.below(6)).unwrap_or(0))
                .to_string(),
        },
        Kind::Number(_) => random
            .pick(&[
                "0", "1e-12", "0.002", "0.25", "0.999", "1", "1.5", "30", "1e9",
            ])
            .to_owned(),
        Kind::Choice(words) => format!("\"{}\"", random.pick(words)),
        Kind::Choices(words) => {
            let first = random.pick(words);
            let second = random.pick(words);
            match random.below(3) {
                0 => format!("[\"{first}\", \"{second}\"]"),
                _ => format!("[\"{first}\"]"),
            }
        }
        Kind::Size { .. } => random
            .pick(&[
                "\"0\"", "\"1\"", "\"64\"", "\"1K\"", "\"64K\"", "\"1M\"", "\"4G\"",
            ])
            .to_owned(),
        Kind::Chip => random
            .pick(&[
                "\"STM32F405RGTx\"",
                "\"RP2040\"",
                "\"nRF52840\"",
                "\"no such chip\"",
            ])
            .to_owned(),
        Kind::Board => random
            .pick(&["\"microbit\"", "\"netduinoplus2\"", "\"virt\""])
            .to_owned(),
        Kind::Count { .. } => random
            .pick(&["1", "2", "7", "0.01", "0.5", "1.0"])
            .to_owned(),
        Kind::MaxFeatures => random
            .pick(&["\"sqrt\"", "\"log2\"", "\"all\"", "1", "3", "100", "0.3"])
            .to_owned(),
        Kind::ClassWeight => random
            .pick(&["\"none\"", "\"balanced\"", "{ c0 = 1e-30, c1 = 1e30 }"])
            .to_owned(),
        Kind::Range => random
            .pick(&[
                "[0, 1]",
                "[-1e30, 1e30]",
                "[5, 5]",
                "[-32768, 32767]",
                "[1e-300, 2e-300]",
            ])
            .to_owned(),
        _ => random
            .pick(&["\"a\"", "\"rows.csv\"", "\"class\"", "\"f0\"", "\"f*\""])
            .to_owned(),
    }
}

/// A text of the grammar: any sections, any of their keys, any values.
fn of_the_grammar(random: &mut Random) -> String {
    let mut text = String::new();
    for section in SECTIONS {
        let is_there = if section.required {
            !random.once_in(40)
        } else {
            random.once_in(4)
        };
        if is_there {
            let name = match section.name {
                "features.NAME" => {
                    random.pick(&["features.f0", "features.\"f*\"", "features.select"])
                }
                name => name,
            };
            let _ = writeln!(text, "[{name}]");
            for key in section.keys {
                if random.once_in(3) {
                    let _ = writeln!(text, "{} = {}", key.name, value(random, key));
                }
            }
        }
    }
    text
}

/// A config that mostly holds: rows of a CSV file, a model trained on them, and any of the keys that
/// say how it is quantized and written.
fn that_holds(random: &mut Random) -> String {
    let mut text = String::from(
        "[pipeline]\nname = \"drawn\"\n[dataset]\npath = \"rows.csv\"\nlabel = \"class\"\n",
    );
    for (name, keys) in [
        (
            "model",
            &[
                "max_depth",
                "criterion",
                "max_features",
                "min_samples_leaf",
                "min_samples_split",
                "max_leaf_nodes",
                "class_weight",
                "ccp_alpha",
                "bootstrap",
            ][..],
        ),
        ("quantize", &["leaves", "votes", "codes", "coding"]),
        (
            "codegen",
            &[
                "encoding",
                "prefer",
                "outputs",
                "early_exit",
                "exit_margin",
                "export",
            ],
        ),
        ("features.f0", &["type", "range", "coding"]),
        ("features.\"f*\"", &["type", "range", "coding"]),
        ("accuracy", &["require_certificate", "min_agreement"]),
    ] {
        if name != "model" && random.once_in(3) {
            continue;
        }
        let _ = writeln!(text, "[{name}]");
        let is_bayes = random.once_in(5);
        if name == "model" && is_bayes {
            text.push_str("kind = \"gaussian-nb\"\nvar_smoothing = 1e-9\n");
            continue;
        }
        if name == "model" {
            let kind = random.pick(&["decision-tree", "random-forest", "extra-trees"]);
            let _ = writeln!(text, "kind = \"{kind}\"");
            if kind != "decision-tree" {
                let _ = writeln!(text, "n_trees = {}", 1 + random.below(6));
            }
        }
        let section = name.split('.').next().unwrap_or(name);
        let section = spinney_config::schema::section(section).expect("a section of the schema");
        for key in section.keys.iter().filter(|key| keys.contains(&key.name)) {
            if random.once_in(4) {
                let _ = writeln!(text, "{} = {}", key.name, value(random, key));
            }
        }
    }
    let chip = random.pick(&["STM32F405RGTx", "RP2040", "nRF52840"]);
    let _ = write!(text, "[target]\nchip = \"{chip}\"\n");
    text
}

/// A shipped config with some of its lines changed, lost, doubled or moved.
fn wounded(random: &mut Random, shipped: &[String]) -> String {
    let mut lines: Vec<String> = shipped[random.below(shipped.len())]
        .lines()
        .map(str::to_owned)
        .collect();
    let keys: Vec<&Key> = SECTIONS.iter().flat_map(|section| section.keys).collect();
    for _ in 0..=random.below(3) {
        let at = random.below(lines.len());
        match random.below(7) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => {
                let to = random.below(lines.len());
                lines.swap(at, to);
            }
            3 => lines[at] = random.pick(ODD).to_owned(),
            4 => {
                let key = keys[random.below(keys.len())];
                lines.insert(at, format!("{} = {}", key.name, value(random, key)));
            }
            _ => {
                let typed = lines[at]
                    .split_once('=')
                    .map(|(name, _)| name.trim().to_owned());
                if let Some(name) = typed {
                    let key = keys.iter().find(|key| key.name == name);
                    let value = match key {
                        Some(key) => value(random, key),
                        None => random.pick(ODD).to_owned(),
                    };
                    lines[at] = format!("{name} = {value}");
                }
            }
        }
        if lines.is_empty() {
            break;
        }
    }
    lines.join("\n")
}

/// Rows of a few features, of scales from denormals to the largest, integers, steps and constants.
fn rows(random: &mut Random) -> Dataset {
    let n_features = 1 + random.below(4);
    let n_classes = 1 + random.below(4);
    let n_rows = 8 + random.below(30);
    let scales: Vec<f64> = (0..n_features)
        .map(|_| *random.pick(&[&1e-320, &1e-30, &0.01, &1.0, &100.0, &40_000.0, &1e9, &1e30]))
        .collect();
    let values = Array2::from_shape_fn((n_rows, n_features), |(_, feature)| {
        let unit = (random.next() >> 40) as f64 / f64::from(1_u32 << 24) - 0.5;
        match random.below(6) {
            0 => 0.0,
            1 => scales[feature],
            2 => -scales[feature],
            3 => (unit * scales[feature]).round(),
            _ => unit * scales[feature],
        }
    });
    let labels: Vec<String> = (0..n_rows)
        .map(|row| format!("c{}", row % n_classes))
        .collect();
    let features = (0..n_features)
        .map(|feature| format!("f{feature}"))
        .collect();
    let rows = Rows {
        features,
        is_named: true,
        values,
    };
    Dataset::new(rows, &labels).expect("finite rows")
}

/// Trains, calibrates, quantizes, certifies and writes a model on drawn rows, in every form; `false`
/// where the config asks for more than rows, or for a large forest.
fn through_all_stages(config: &Config, random: &mut Random) -> Result<bool, Failure> {
    let Model::Train(training) = &config.pipeline.model else {
        return Ok(false);
    };
    let is_small = match training {
        Training::Forest(forest) => forest.n_trees <= TREES_MAX,
        Training::GaussianNb { .. } => true,
    };
    if !is_small || config.pipeline.frontend.is_some() {
        return Ok(false);
    }
    let all = rows(random);
    let Ok(parts) = split(&all, 0.25, SEED) else {
        return Ok(false);
    };
    let (train, progress) = (&parts.train, Progress::none());
    let model = train_model(config, training, train, &Vec::new(), &progress)?;
    let rows = PipelineRows::new(Some(parts.train), parts.test, true);
    let quantized = quantized_from(config, model, rows, None)?;
    let test = &quantized.rows.test;
    let (model, quant) = (&quantized.model, &quantized.quant);
    let (calibrations, voting) = (&quantized.calibrations, quantized.voting);
    let certificate = spinney_quantize::certify(model, quant, calibrations, voting, test);
    // What the certificate says of these rows must be true of them.
    let listed = certificate.listed_rows();
    for (row, readings) in test.values().rows().into_iter().enumerate() {
        let readings = readings.to_vec();
        let float = quantized.model.predict_by(quantized.voting, &readings);
        let q15 = quantized.quant.predict(&readings);
        assert!(
            float == q15 || listed.contains(&row),
            "row {row} of {listed:?}"
        );
    }
    let shipped = quantized.shipped();
    let identity = Identity {
        pipeline: &config.pipeline.identity.name,
        kind: quantized.model.kind(),
        fingerprint: "0",
        origin: Origin::Config,
    };
    candidates::generate(&config.pipeline, &shipped, identity)?;
    let core = config.pipeline.target.chip.core;
    let options = options_for(core, &shipped, spinney_codegen::Encoding::Table, true);
    let header = c99(identity, &shipped, &options);
    assert!(header.text.ends_with("#endif\n"));
    Ok(true)
}

#[test]
fn no_drawn_config_makes_a_stage_panic() {
    let top = crate::places::clone().unwrap();
    let shipped: Vec<String> = [
        "pipeline.toml",
        "examples/acoustic-events.toml",
        "examples/iris-tree.toml",
        "examples/motion-exercises.toml",
        "examples/wine-bayes.toml",
    ]
    .iter()
    .map(|name| std::fs::read_to_string(top.join(name)).expect("a shipped config"))
    .collect();
    let (mut n_read, mut n_through) = (0, 0);
    for number in 0..N_CONFIGS {
        let mut random = Random(SEED + number);
        let text = match number % 5 {
            0 | 1 => of_the_grammar(&mut random),
            2 | 3 => wounded(&mut random, &shipped),
            _ => that_holds(&mut random),
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let exists = |path: &Path| !path.to_string_lossy().contains("missing");
            match spinney_config::parse(&text, Path::new("drawn/pipeline.toml"), &exists) {
                Ok(config) => (
                    true,
                    through_all_stages(&config, &mut random).unwrap_or(false),
                ),
                Err(faults) => {
                    assert!(!faults.render(Style::Plain).is_empty());
                    (false, false)
                }
            }
        }));
        match outcome {
            Ok((is_read, is_through)) => {
                n_read += usize::from(is_read);
                n_through += usize::from(is_through);
            }
            Err(_) => panic!("config {number} panics:\n{text}"),
        }
    }
    // The draw is worth its time only if many of these configs are good.
    assert!(n_read > 500 && n_through > 250);
}
