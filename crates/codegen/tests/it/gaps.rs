//! Readings that are missing and sets of categories in what is generated: crates and headers, compiled
//! for the host, give the codes, scores and classes of the model, and the checker finds nothing in them.

#[path = "../../../quantize/tests/gaps/mod.rs"]
mod cases;

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use cases::{Case, case};
use spinney_checker::{self as checker, Memory};
use spinney_codegen::{CodeType, Encoding, Header, Identity, Options, Origin, c99, drop_in};
use spinney_model::Voting;
use spinney_quantize::{
    Calibration, CodeWidth, Place, QuantModel, ReadingType, Votes, calibrate, certify,
};

const N_ROWS: usize = 120;

struct Quantized {
    seed: u64,
    case: Case,
    calibrations: Vec<Calibration>,
    quant: QuantModel,
    options: Options,
}

/// Cases of all forms, those that no coding holds left out.
fn quantized(seeds: std::ops::Range<u64>) -> Vec<Quantized> {
    let quantized = seeds.filter_map(|seed| {
        let case = case(seed, N_ROWS);
        let calibrations = calibrate(&case.model, None, &case.declared).ok()?;
        let is_narrow = seed % 3 == 0;
        let options = spinney_quantize::Options {
            voting: Voting::Soft,
            votes: Votes::Q15,
            codes: if is_narrow {
                CodeWidth::Byte
            } else {
                CodeWidth::Word
            },
            wants_scores: true,
        };
        let quant = QuantModel::new(&case.model, &calibrations, options, None).ok()?;
        let encodings = [Encoding::Table, Encoding::Packed, Encoding::Branches];
        let options = Options {
            encoding: encodings[usize::try_from(seed / 3 % 3).expect("below 3")],
            code_type: if is_narrow {
                CodeType::U8
            } else {
                CodeType::I16
            },
            early_exit: seed % 2 == 0,
            ..Options::plain()
        };
        Some(Quantized {
            seed,
            case,
            calibrations,
            quant,
            options,
        })
    });
    quantized.collect()
}

impl Quantized {
    /// What a program has to print.
    fn expected(&self) -> String {
        let scorer = self.quant.scorer();
        let is_narrow = self.quant.code_bits() == 8 && self.options.code_type == CodeType::U8;
        let mut out = String::new();
        for row in &self.case.rows {
            let codes = self.quant.codes(row);
            let scores = scorer.scores(&codes);
            let class = self.quant.delivered(&codes, &scores);
            let narrowed = codes.iter().map(|code| {
                if is_narrow {
                    *code.clamp(&0, &255)
                } else {
                    *code
                }
            });
            let codes: Vec<i16> = narrowed.collect();
            let _ = writeln!(out, "{class} {codes:?} {scores:?}");
        }
        out
    }

    fn rows(&self) -> Vec<u8> {
        self.case
            .rows
            .iter()
            .flat_map(|row| self.quant.reading_bytes(row))
            .collect()
    }

    fn identity<'a>(&self, name: &'a str) -> Identity<'a> {
        Identity {
            pipeline: name,
            kind: "trees",
            fingerprint: "0",
            origin: Origin::Config,
        }
    }

    fn reading(&self) -> (&'static str, usize) {
        match self.quant.reading_type() {
            ReadingType::U8 => ("uint8_t", 1),
            ReadingType::I16 => ("int16_t", 2),
            ReadingType::I32 => ("int32_t", 4),
            ReadingType::F32 => ("float", 4),
        }
    }
}

/// Runs a program on rows, and compares.
fn agrees(program: &Path, argument: &str, case: &Quantized) {
    let file = program.with_extension(format!("{argument}.rows"));
    std::fs::write(&file, case.rows()).expect("rows");
    let output = Command::new(program)
        .arg(argument)
        .stdin(Stdio::from(std::fs::File::open(&file).expect("rows")))
        .output()
        .expect("a program");
    let found = String::from_utf8_lossy(&output.stdout).into_owned();
    let rows = case.case.rows.iter();
    for ((found, expected), row) in found.lines().zip(case.expected().lines()).zip(rows) {
        assert_eq!(
            found,
            expected,
            "seed {} {row:?} {:?}",
            case.seed,
            case.quant.inputs()
        );
    }
    assert_eq!(found.lines().count(), N_ROWS, "seed {}", case.seed);
}

fn run(command: &mut Command) {
    let output = command.output().expect("a program");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {text}");
}

#[test]
fn generated_crates_agree() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gaps");
    let cases = quantized(0..40);
    assert!(cases.len() > 24, "{}", cases.len());
    let (mut arms, mut dependencies) = (String::new(), String::new());
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
            return;
        }
        std::fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    for case in &cases {
        let name = format!("gaps{}", case.seed);
        let identity = case.identity(&name);
        let generated = drop_in(identity, &case.quant, &case.options)
            .unwrap_or_else(|_| drop_in(identity, &case.quant, &Options::plain()).expect("tables"));
        let (package, library) = (identity.package(), identity.package().replace('-', "_"));
        for (path, text) in generated.files {
            let text = text.replace("{ path = \"runtime\" }", "{ path = \"../runtime\" }");
            match path.strip_prefix("runtime/") {
                Some(shared) => write(&format!("runtime/{shared}"), &text),
                None => write(&format!("{package}/{path}"), &text),
            }
        }
        let bytes = case.reading().1;
        let class = match case.quant.task() {
            spinney_model::Task::Regress => format!("{library}::predict_value(r).cast_unsigned()"),
            _ => format!("{library}::predict(r)"),
        };
        let _ = writeln!(dependencies, "{package} = {{ path = \"../{package}\" }}");
        let _ = writeln!(
            arms,
            "        \"{}\" => for row in input.chunks({library}::N_FEATURES * {bytes}) {{\n            \
                 let mut readings = row.chunks({bytes}).map(|it| {library}::Reading::from_le_bytes(it.try_into().unwrap()));\n            \
                 let r = &core::array::from_fn(|_| readings.next().unwrap());\n            \
                 let codes = {library}::encode(r);\n            \
                 // Codes without a sign are 32,768 more.\n            \
                 let is_shifted = {library}::Code::BITS == 16 && {library}::Code::MIN == 0;\n            \
                 let more = if is_shifted {{ 32_768 }} else {{ 0 }};\n            \
                 let signed = codes.map(|code| i32::from(code) - more);\n            \
                 println!(\"{{}} {{:?}} {{:?}}\", {class}, signed, {library}::scores(&codes));\n        }},",
            case.seed
        );
    }
    write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"run\"]\n\n[profile.release]\nopt-level = 1\n",
    );
    write(
        "run/Cargo.toml",
        &format!(
            "[package]\nname = \"run\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [dependencies]\n{dependencies}"
        ),
    );
    write(
        "run/src/main.rs",
        &format!(
            "use std::io::Read;\n\n#[rustfmt::skip]\nfn main() {{\n    \
             let case = std::env::args().nth(1).expect(\"the number of a case\");\n    \
             let mut input = Vec::new();\n    \
             std::io::stdin().read_to_end(&mut input).expect(\"rows\");\n    \
             match case.as_str() {{\n{arms}        _ => panic!(\"no such case\"),\n    }}\n}}\n"
        ),
    );
    run(Command::new(env!("CARGO"))
        .args(["build", "--release", "--offline", "--quiet"])
        .current_dir(&folder)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env("RUSTFLAGS", "-Dwarnings"));
    for case in &cases {
        agrees(
            &folder.join("target/release/run"),
            &case.seed.to_string(),
            case,
        );
    }
}

#[test]
fn headers_agree_and_are_checked() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gaps-c");
    std::fs::create_dir_all(&folder).expect("a folder");
    let (mut planted, mut noticed, mut n_gaps, mut n_sets) = (0, 0, 0, 0);
    for case in quantized(0..40) {
        let name = format!("gaps{}", case.seed);
        let header = c99(case.identity(&name), &case.quant, &case.options);
        n_gaps += usize::from(header.text.contains("_gap_marks"));
        n_sets += usize::from(header.text.contains("_member_starts"));
        std::fs::write(folder.join(&header.file), &header.text).expect("a header");
        let (reading, _) = case.reading();
        let class = match case.quant.task() {
            spinney_model::Task::Regress => format!("(uint32_t){name}_predict_value(readings)"),
            _ => format!("(uint32_t){name}_predict(readings)"),
        };
        let upper = name.to_uppercase();
        let source = format!(
            "#include <stdio.h>\n#include \"{}\"\n\nint main(void)\n{{\n    \
             {reading} readings[{upper}_N_FEATURES];\n    \
             while (fread(readings, sizeof readings, 1, stdin) == 1) {{\n        \
             {name}_code_t codes[{upper}_N_CODES];\n        \
             {name}_score_t scores[{upper}_N_CLASSES];\n        \
             size_t i;\n        \
             {name}_encode(readings, codes);\n        {name}_scores(codes, scores);\n        \
             printf(\"%lu [\", (unsigned long){class});\n        \
             for (i = 0; i < {upper}_N_CODES; i++) printf(i ? \", %d\" : \"%d\", (int)codes[i]);\n        \
             printf(\"] [\");\n        \
             for (i = 0; i < {upper}_N_CLASSES; i++) printf(i ? \", %lu\" : \"%lu\", (unsigned long)scores[i]);\n        \
             printf(\"]\\n\");\n    }}\n    return 0;\n}}\n",
            header.file
        );
        let (file, program) = (folder.join(format!("{name}.c")), folder.join(&name));
        std::fs::write(&file, source).expect("a program");
        run(Command::new("cc")
            .args([
                "-std=c99",
                "-O1",
                "-Wall",
                "-Wextra",
                "-Wpedantic",
                "-Wconversion",
                "-Werror",
                "-o",
            ])
            .args([&program, &file]));
        agrees(&program, "c", &case);
        let (of_case, noticed_of_case) = checked(&case, &header);
        planted += of_case;
        noticed += noticed_of_case;
    }
    assert!(n_gaps > 12 && n_sets > 12, "{n_gaps} {n_sets}");
    // Both sides of some splits are the same leaf.
    assert!(
        planted > 30 && noticed * 10 > planted * 9,
        "{noticed} of {planted}"
    );
}

/// Hands a header's tables to the checker, and then with faults: how many were planted, and noticed.
fn checked(case: &Quantized, header: &Header) -> (usize, usize) {
    let rows = rows_of(&case.case);
    let certificate = certify(
        &case.case.model,
        &case.quant,
        &case.calibrations,
        Voting::Soft,
        &rows,
    );
    let (quant, calibrations) = (&case.quant, &case.calibrations);
    let certificate = same(&certificate);
    let claim = spinney_codegen::claim("", quant, calibrations, Voting::Soft, certificate);
    let claim = header.claimed(claim);
    let values: Vec<f64> = case.case.rows.iter().flatten().copied().collect();
    let memory = Memory::of_header(&header.text, &header.prefix).expect("our own arrays");
    let check =
        |claim: &checker::Claim| checker::check(&case.case.model, "", claim, &memory, &values);
    let found = check(&claim);
    assert!(
        found.holds(),
        "seed {}: {:?} {:?}",
        case.seed,
        found.faults,
        case.quant.inputs()
    );
    // Rows on both sides of every split come out as the checker says.
    let edges = checker::edge_rows(
        &case.case.model,
        &claim,
        None,
        &values[..case.case.rows[0].len()],
        2_000,
    )
    .expect("codings with an order");
    for (row, scores) in edges.rows.iter().zip(&edges.scores) {
        let codes = case.quant.codes(row);
        assert_eq!(
            &case.quant.scores(&codes),
            scores,
            "seed {}: {row:?}",
            case.seed
        );
    }
    // What is wrong in the header's tables of gaps and sets is found there.
    for name in [
        "GAP_MARKS",
        "GAP_CODES",
        "GAP_PLACES",
        "SET_MARKS",
        "SET_PLACES",
        "MEMBERS",
    ] {
        let n_bytes = memory.table(name).map_or(0, <[u8]>::len);
        for at in [0, n_bytes / 2] {
            let mut wrong = memory.clone();
            let Some(byte) = wrong.table_mut(name).and_then(|table| table.get_mut(at)) else {
                continue;
            };
            *byte ^= 1;
            let found = checker::check(&case.case.model, "", &claim, &wrong, &values);
            let is_named = |fault: &checker::Fault| fault.kind == checker::Kind::Coding;
            assert!(
                found.faults.iter().any(is_named),
                "seed {}: {name} byte {at}",
                case.seed
            );
        }
    }
    if header.layout.is_none() {
        return (0, 0);
    }
    // A missing reading on the other side, and a set without one of its categories.
    let (mut planted, mut noticed) = (0, 0);
    for at in 0..claim.inputs.len() {
        let mut wrong = claim.clone();
        match (
            &mut wrong.inputs[at].coding,
            &mut claim.inputs[at].missing.clone(),
        ) {
            (checker::Coding::Set { categories, .. }, _) => {
                categories.pop();
            }
            (_, Some(missing)) => {
                let is_below = case.quant.inputs()[at].place == Some(Place::Below);
                missing.code = Some(if is_below { i16::MAX } else { i16::MIN });
                wrong.inputs[at].missing = Some(*missing);
            }
            _ => continue,
        }
        planted += 1;
        noticed += usize::from(!check(&wrong).holds());
    }
    (planted, noticed)
}

fn rows_of(case: &Case) -> spinney_dataset::Dataset {
    let schema = case.model.schema();
    let flat = case.rows.iter().flatten().copied().collect();
    let rows = spinney_dataset::Rows {
        features: schema.feature_names(),
        is_named: true,
        values: ndarray::Array2::from_shape_vec((case.rows.len(), schema.n_features()), flat)
            .expect("rows of one length"),
    };
    let gaps = spinney_dataset::Column {
        missing: Some(spinney_dataset::Missing::Nan),
        ..spinney_dataset::Column::default()
    };
    let columns = rows
        .features
        .iter()
        .map(|name| (name.clone(), gaps.clone()));
    let columns = columns.collect();
    let target = spinney_dataset::Target::Classes {
        names: schema.classes().to_vec(),
        of_row: vec![0; case.rows.len()],
    };
    spinney_dataset::Dataset::known(rows, target, Vec::new(), &columns).expect("rows")
}

fn same<T: serde::Serialize, U: serde::de::DeserializeOwned>(of: &T) -> U {
    serde_json::from_value(serde_json::to_value(of).expect("JSON")).expect("the checker's type")
}
