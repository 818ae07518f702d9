//! The proof that models and the front end cannot panic: an image of all kinds of models, and one
//! of the front end, for each core, whose panic handler calls a function that does not exist, links.

use std::collections::BTreeMap;

use anyhow::anyhow;
use spinney_cli::terminal;
use spinney_codegen::{CodeType, Encoding, Identity, Options as Form, Origin, SourceTree};
use spinney_dataset::{Dataset, csv};
use spinney_model::{FloatModel, Voting};
use spinney_quantize::{
    CodeWidth, CodingChoice, Declared, Options, QuantModel, Sensor, Votes, calibrate,
};

use crate::{front_end, parallel};
use spinney_pipeline::environment::{self, Toolchain};
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::setup::TARGETS;
use spinney_pipeline::{image, store};

/// Two trees, one of them a leaf, over two features and three classes.
const FOREST: &str = r#"{"format":"spinney-model","version":1,"kind":"random-forest",
"features":[{"name":"a"},{"name":"b"}],"classes":["x","y","z"],"trees":[
{"nodes":[{"feature":0,"threshold":2.5,"left":1,"right":2},{"value":[0.25,0.5,0.25]},
{"feature":1,"threshold":-1.5,"left":3,"right":4},{"value":[0,1,0]},{"value":[0.125,0,0.875]}]},
{"nodes":[{"value":[0.5,0.25,0.25]}]}]}"#;

/// A boosted tree per class.
const SUM: &str = r#"{"format":"spinney-model","version":2,"kind":"additive",
"features":[{"name":"a"},{"name":"b"}],"task":"classify","classes":["x","y","z"],
"sum":{"precision":"float64","base":[0.5,0,-0.25]},"link":{"function":"softmax"},"trees":[
{"output":0,"nodes":[{"feature":0,"threshold":2.5,"left":1,"right":2},{"value":[0.25]},{"value":[-2]}]},
{"output":1,"nodes":[{"feature":1,"threshold":-1.5,"left":1,"right":2},{"value":[1]},{"value":[0.125]}]},
{"output":2,"nodes":[{"value":[0.5]}]}]}"#;

/// A tree and a leaf of a regressor with two targets.
const VALUES: &str = r#"{"format":"spinney-model","version":2,"kind":"additive",
"features":[{"name":"a"},{"name":"b"}],"task":"regress","targets":["x","y"],
"sum":{"precision":"float64","base":[40.5,-1]},"link":{"function":"identity"},"trees":[
{"nodes":[{"feature":0,"threshold":2.5,"left":1,"right":2},{"value":[0.25,1]},{"value":[-2,2]}]},
{"nodes":[{"value":[0.5,0]}]}]}"#;

/// Both sides for missing readings, and sets of categories.
const GAPS: &str = r#"{"format":"spinney-model","version":2,"kind":"random-forest",
    "features":[{"name":"a"},{"name":"b"}],"classes":["no","yes"],"trees":[
    {"nodes":[{"feature":0,"threshold":1.5,"missing":"left","left":1,"right":2},{"value":[1,0]},
        {"feature":1,"categories":[0,3,17],"missing":"left","left":3,"right":4},{"value":[0,1]},{"value":[1,0]}]},
    {"nodes":[{"feature":0,"threshold":7.5,"missing":"right","left":1,"right":2},{"value":[1,0]},
        {"feature":1,"categories":[1],"left":3,"right":4},{"value":[0,1]},{"value":[0.5,0.5]}]}]}"#;

const BAYES: &str = r#"{"format":"spinney-model","version":1,"kind":"gaussian-nb",
"features":[{"name":"a"},{"name":"b"}],"classes":["x","y"],"log_priors":[-0.7,-0.7],
"means":[[0.5,1.0],[2.0,-3.0]],"variances":[[1.0,0.01],[2.0,100.0]]}"#;

/// A tree that asks every second of 80 features, too many to be picked one by one.
fn every_second() -> String {
    let nodes: Vec<String> = (0..40)
        .map(|split| {
            format!(
                r#"{{"feature":{},"threshold":{split}.5,"left":{},"right":{}}},{{"value":[1,0]}}"#,
                2 * split + 1,
                2 * split + 1,
                2 * split + 2
            )
        })
        .collect();
    let features: Vec<String> = (0..80)
        .map(|feature| format!(r#"{{"name":"f{feature}"}}"#))
        .collect();
    format!(
        r#"{{"format":"spinney-model","version":1,"kind":"decision-tree","features":[{}],
        "classes":["x","y"],"trees":[{{"nodes":[{},{{"value":[0,1]}}]}}]}}"#,
        features.join(","),
        nodes.join(",")
    )
}

fn with_probabilities(model: QuantModel) -> Result<QuantModel, Failure> {
    model.with_probabilities().environment()
}

/// Rows that make 8-bit votes suffice.
const ROWS: &str = "a,b,y\n0,0,x\n9,9,z\n9,-9,y\n";

/// Each kind of model, table, coding and reading.
fn kinds() -> Result<BTreeMap<&'static str, (QuantModel, Form)>, Failure> {
    let forest = FloatModel::from_json(FOREST.as_bytes()).environment()?;
    let values = FloatModel::from_json(VALUES.as_bytes()).environment()?;
    let sum = FloatModel::from_json(SUM.as_bytes()).environment()?;
    let bayes = FloatModel::from_json(BAYES.as_bytes()).environment()?;
    let gaps = FloatModel::from_json(GAPS.as_bytes()).environment()?;
    let sparse = FloatModel::from_json(every_second().as_bytes()).environment()?;
    let first_alone = BAYES
        .replace("\"log_priors\"", "\"inputs\":[0],\"log_priors\"")
        .replace(",1.0],[2.0,-3.0]]", "],[2.0]]")
        .replace(",0.01],[2.0,100.0]]", "],[2.0]]");
    let selected = FloatModel::from_json(first_alone.as_bytes()).environment()?;
    let rows = csv::read(ROWS.as_bytes(), "y").environment()?;
    let (soft, hard) = (Voting::Soft, Voting::Hard);
    let quantize = |model: &FloatModel,
                    voting: Voting,
                    sensors: [Sensor; 2],
                    codings: [CodingChoice; 2],
                    rows: Option<&Dataset>|
     -> Result<QuantModel, Failure> {
        let declared: Vec<Declared> = sensors
            .into_iter()
            .zip(codings)
            .cycle()
            .take(model.schema().n_features())
            .map(|(sensor, coding)| Declared {
                sensor: Some(sensor),
                range: Some((-100.0, 100.0)),
                coding,
                ..Declared::default()
            })
            .collect();
        let calibrations = calibrate(model, None, &declared).environment()?;
        let options = Options {
            voting,
            votes: Votes::Auto,
            codes: CodeWidth::Auto,
            wants_scores: true,
        };
        QuantModel::new(model, &calibrations, options, rows).environment()
    };
    let (i16s, i32s, f32s) = ([Sensor::I16; 2], [Sensor::I32; 2], [Sensor::F32; 2]);
    let (auto, rank) = (CodingChoice::Auto, CodingChoice::Rank);
    let plain = |model, voting, sensors| quantize(model, voting, sensors, [auto; 2], None);
    let ranked = |model, voting, sensors| quantize(model, voting, sensors, [rank; 2], None);
    let table = Form {
        code_type: CodeType::U8,
        ..Form::plain()
    };
    let packed = Form {
        encoding: Encoding::Packed,
        ..table
    };
    let branches = Form {
        encoding: Encoding::Branches,
        ..table
    };
    let early = |form: Form| Form {
        early_exit: true,
        ..form
    };
    let in_memory = Form {
        counts_in_memory: true,
        ..early(branches)
    };
    let rows = Some(&rows);
    let mut kinds = BTreeMap::new();
    let mut add = |name, model: Result<QuantModel, Failure>, form| {
        kinds.insert(name, (model?, form));
        Ok::<(), Failure>(())
    };
    add("hard-identity-i16", plain(&forest, hard, i16s), table)?;
    let model = quantize(&forest, soft, f32s, [auto; 2], rows);
    add("bytes-affine-f32", model, table)?;
    add("words-affine-i32", plain(&forest, soft, i32s), table)?;
    add("words-rank-f32", ranked(&forest, soft, f32s), table)?;
    add("words-rank-i16", ranked(&forest, soft, i16s), table)?;
    let model = quantize(&forest, hard, f32s, [auto, rank], None);
    add("hard-mixed-f32", model, table)?;
    add("picked-by-table-f32", plain(&sparse, hard, f32s), table)?;
    add("picked-by-table-i16", ranked(&sparse, hard, i16s), table)?;
    add("picked-bayes-f32", plain(&selected, soft, f32s), table)?;
    add("bayes-f32", plain(&bayes, soft, f32s), table)?;
    add("bayes-i16", plain(&bayes, soft, i16s), table)?;
    let model = with_probabilities(plain(&forest, soft, i32s)?);
    add("shares-affine-i32", model, table)?;
    let model = with_probabilities(plain(&bayes, soft, f32s)?);
    add("softmax-f32", model, table)?;
    let model = with_probabilities(plain(&sum, soft, i32s)?);
    add("sum-softmax-i32", model, table)?;
    add("values-f32", plain(&values, soft, f32s), table)?;
    add("gaps-f32", plain(&gaps, soft, f32s), table)?;
    add("gaps-i16", ranked(&gaps, soft, i16s), table)?;
    let model = quantize(&bayes, soft, i16s, [CodingChoice::Identity, auto], None);
    add("bayes-mixed-i16", model, table)?;
    add("packed-hard-i16", plain(&forest, hard, i16s), packed)?;
    add("branches-hard-i16", plain(&forest, hard, i16s), branches)?;
    let model = ranked(&forest, hard, f32s);
    add("branches-hard-early-f32", model, early(branches))?;
    let model = plain(&forest, hard, i16s);
    add("branches-hard-memory-early-i16", model, in_memory)?;
    let model = quantize(&forest, soft, f32s, [rank; 2], rows);
    add("branches-bytes-early-f32", model, early(branches))?;
    let model = plain(&forest, soft, i16s);
    add("branches-words-early-i16", model, early(branches))?;
    let model = plain(&forest, hard, i16s);
    add("table-hard-early-i16", model, early(table))?;
    let model = plain(&forest, soft, i16s);
    add("table-words-early-i16", model, early(table))?;
    Ok(kinds)
}

/// A kind of model, the files of its crate, and whether it gives probabilities.
type Crate<'a> = (&'a str, SourceTree, bool);

/// Links every kind of model for every core, and a model that does panic for none.
pub(crate) fn run() -> Result<(), Failure> {
    let models = kinds()?;
    let crates: Vec<Crate<'_>> = models
        .iter()
        .map(|(name, (model, options))| {
            let identity = Identity {
                pipeline: name,
                kind: name,
                fingerprint: "",
                origin: Origin::Config,
            };
            let generated = spinney_codegen::drop_in(identity, model, options).environment()?;
            Ok((*name, generated.files, model.probabilities().is_some()))
        })
        .collect::<Result<_, Failure>>()?;
    parallel::each(&TARGETS, |target| {
        link(target, &crates)?;
        link_front_end(target)?;
        eprintln!(
            "no-panic: {} kinds of model and the front end link for {target}",
            crates.len()
        );
        Ok(())
    })?;
    prove_that_it_can_fail(TARGETS[0], crates)
}

/// Of an image that links, one model is made to panic, which has to be told by its name.
fn prove_that_it_can_fail(target: &str, mut crates: Vec<Crate<'_>>) -> Result<(), Failure> {
    let (name, files, _) = &mut crates[0];
    let name = *name;
    let lib = files.entry("src/lib.rs".to_owned()).or_default();
    *lib = lib.replace(".unwrap_or(0)", ".unwrap() + readings_or_codes(codes)");
    lib.push_str("\nfn readings_or_codes(codes: &[i16]) -> usize {\n    usize::from(codes[codes[0] as usize] > 0)\n}\n");
    match link(target, &crates) {
        Ok(()) => Err(Failure::Environment(anyhow!(
            "a model that panics linked for {target}: the check proves nothing"
        ))),
        Err(Failure::Environment(error)) => {
            let told = format!("{error:#}");
            if !(told.contains(name) && told.contains("must_not_panic")) {
                return Err(Failure::Environment(error));
            }
            eprintln!("no-panic: a model that panics does not link");
            Ok(())
        }
        Err(other) => Err(other),
    }
}

/// Links one image of all kinds. If it does not link, an image of each: the first that does not names
/// its kind.
fn link(target: &str, crates: &[Crate<'_>]) -> Result<(), Failure> {
    let Err(of_all) = link_image(target, crates) else {
        return Ok(());
    };
    for kind in crates {
        link_image(target, std::slice::from_ref(kind)).map_err(|failure| match failure {
            Failure::Environment(error) => Failure::Environment(error.context(kind.0.to_owned())),
            other => other,
        })?;
    }
    Err(of_all)
}

/// Links an image of these kinds.
fn link_image(target: &str, crates: &[Crate<'_>]) -> Result<(), Failure> {
    let repository = crate::repository();
    let toolchain = environment::needed_toolchain(target, &repository)?;
    let read = |path: &str| crate::read_text(repository.join(path)).environment();
    let manifest = read("firmware/Cargo.toml")?;
    let package = read("firmware/no-panic/Cargo.toml")?;
    let main = read("firmware/no-panic/src/main.rs")?;
    let lock = read("firmware/Cargo.lock")?;
    let all: String = crates
        .iter()
        .flat_map(|(_, sources, _)| sources.values())
        .cloned()
        .collect();
    let digest = &store::sha256((all + &main).as_bytes())["sha256:".len()..][..12];
    let mut files = SourceTree::from([("Cargo.lock".to_owned(), lock)]);
    let (mut dependencies, mut calls) = (String::new(), String::new());
    for (name, sources, has_probabilities) in crates {
        for (path, text) in sources {
            // One workspace holds one package of a name, so all models share a runtime.
            let to = match path.strip_prefix("runtime/") {
                Some(path) => format!("runtime/{path}"),
                None => format!("{name}/{path}"),
            };
            let text = if path.ends_with("Cargo.toml") {
                image::versioned(text, digest)
                    .unwrap_or_else(|| text.clone())
                    .replace("path = \"runtime\"", "path = \"../runtime\"")
            } else {
                text.clone()
            };
            files.insert(to, text);
        }
        let library = name.replace('-', "_");
        dependencies +=
            &format!("{library} = {{ path = \"../{name}\", package = \"{name}-model\" }}\n");
        let and_probabilities = if *has_probabilities {
            ", probabilities"
        } else {
            ""
        };
        calls += &format!("call!({library}{and_probabilities});\n");
    }
    let package = package
        .replace("spinney-no-panic", &format!("spinney-no-panic-{digest}"))
        .replace("model = { path = \"../model\" }\n", &dependencies);
    files.insert("app/Cargo.toml".to_owned(), package);
    files.insert(
        "app/src/main.rs".to_owned(),
        main.replace("call!(model);", &calls),
    );
    let manifest = manifest.replace(
        "[workspace.dependencies]\nspinney-wire = { path = \"../crates/wire\" }\n",
        "",
    );
    files.insert("Cargo.toml".to_owned(), manifest);
    compile(files, "spinney-no-panic", target, &toolchain)
}

/// Links the image of the front end.
fn link_front_end(target: &str) -> Result<(), Failure> {
    let toolchain = environment::needed_toolchain(target, &crate::repository())?;
    let firmware = crate::repository().join("firmware");
    let read = |path: &str| crate::read_text(firmware.join(path)).environment();
    let mut files = front_end::sources()?;
    for path in ["Cargo.toml", "src/main.rs"] {
        let path = format!("no-panic-frontend/{path}");
        let text = read(&path)?;
        files.insert(path, text);
    }
    files.insert("Cargo.lock".to_owned(), read("Cargo.lock")?);
    let manifest = read("Cargo.toml")?;
    let profile = manifest.find("[profile").map_or("", |at| &manifest[at..]);
    files.insert(
        "Cargo.toml".to_owned(),
        format!("[workspace]\nresolver = \"3\"\nmembers = [\"no-panic-frontend\"]\n\n{profile}"),
    );
    compile(files, "spinney-no-panic-frontend", target, &toolchain)
}

/// Builds every binary of a workspace.
fn compile(
    mut files: SourceTree,
    binary: &str,
    target: &str,
    toolchain: &Toolchain,
) -> Result<(), Failure> {
    let _busy = spinney_pipeline::interrupt::busy();
    let folder = tempfile::tempdir().environment()?;
    image::lock(&mut files)?;
    image::compile(&image::Job {
        folder: folder.path(),
        files: Some(&files),
        binary,
        arguments: &["--workspace"],
        target,
        log: "off",
        keeps_libraries: false,
        toolchain,
        progress: &terminal::notes(),
    })?;
    Ok(())
}
