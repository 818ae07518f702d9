//! Finished runs that something happened to since: no verb believes any of it.
//!
//! Models are trained, quantized and reported as a run does. What takes a compiler and an emulator
//! stands for itself: images are a few bytes, which nothing here executes.

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use spinney_checker::Findings;
use spinney_evaluate::Footprint;
use spinney_report::Toolchain;

use super::super::build::{self, FOOTPRINTS, Footprints};
use super::super::candidates::{self, Choice};
use super::super::checked::{CHECKED, Checked};
use super::super::order::artifact_of;
use super::super::quantize::CANDIDATES;
use super::super::run::{CHOICE, DEVICE, PRODUCT_ELF, REJECT_COST, RunResult};
use super::super::{inputs, model, quantize, report};
use super::*;
use crate::progress::Progress;
use crate::{disk, places, stages};

/// A pipeline with a folder and a name of its own.
struct Project {
    folder: tempfile::TempDir,
    name: String,
}

impl Project {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rows = places::clone().unwrap().join("data/iris.csv");
        fs::copy(rows, folder.path().join("iris.csv")).unwrap();
        let name = format!("last-run-{name}-{}", std::process::id());
        let project = Self { folder, name };
        project.write("p.toml", 4);
        project
    }

    fn write(&self, file: &str, depth: u32) {
        let text = format!(
            "pipeline = {{ name = \"{}\" }}\n\
             dataset = {{ path = \"iris.csv\", label = \"species\" }}\n\
             model = {{ kind = \"decision-tree\", max_depth = {depth} }}\n\
             target = {{ chip = \"nRF51822_xxAA\" }}\n\
             accuracy = {{ max_drop = 0.5 }}\n\
             codegen = {{ encoding = \"table\" }}\n",
            self.name
        );
        fs::write(self.path(file), text).unwrap();
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn config(&self) -> PathBuf {
        self.path("p.toml")
    }

    fn artifacts(&self) -> PathBuf {
        places::artifacts_named(&self.config(), &self.name).unwrap()
    }

    /// `pipeline run --until quantize`.
    fn run_until_quantize(&self, file: &str) -> (Session, Inputs) {
        let session = Session::open(&self.path(file), Progress::none()).unwrap();
        let inputs = inputs::read(&session.config).unwrap();
        model::run(&session, &inputs).unwrap();
        quantize::run(&session, &inputs).unwrap();
        (session, inputs)
    }

    /// `pipeline run`, with images of a few bytes.
    fn run(&self, file: &str) {
        let (session, inputs) = self.run_until_quantize(file);
        let forms = candidates::of(&session).unwrap();
        let form = candidates::form(&session, CANDIDATES, &forms[0]).unwrap();
        let image = sha(&session, "quantize");
        let footprint = Footprint {
            flash_bytes: 1000,
            ram_bytes: 100,
            digest: image.clone(),
            sections: Vec::new(),
        };
        let of_forms = build::of_forms(&session).unwrap();
        let build = session.pass("build", of_forms.clone(), |stage| {
            let mut writer = stage.begin().environment()?;
            let footprints = Footprints {
                products: vec![Some(footprint.clone()); forms.len()],
                empty: footprint.clone(),
            };
            writer.write_json(FOOTPRINTS, &footprints)?;
            for index in 0..forms.len() {
                let elf = format!("an image, {index} {image}");
                let names = [format!("product-{index}.elf"), build::verify_elf(index)];
                for name in names {
                    writer.write(&name, elf.as_bytes())?;
                }
            }
            Ok(writer)
        });
        build.unwrap();
        let product = session.made("build").unwrap().read("product-0.elf");
        let product = product.unwrap();
        let mut key = of_forms;
        key.extend([artifact_of(&session, "build", "product-0.elf").unwrap()]);
        key.extend(inputs::digests_of(&session.config.pipeline, run::DEVICE_PARTS).unwrap());
        let run = session.pass("run", key, |stage| {
            let mut writer = stage.begin().environment()?;
            let choice = Choice {
                chosen: 0,
                why: String::new(),
                candidates: Vec::new(),
            };
            let checked = Checked {
                image: Findings::default(),
                header: None,
                asked: None,
                promise: None,
            };
            writer.write_json(CHOICE, &choice)?;
            writer.write_json(CHECKED, &checked)?;
            writer.write_json(REJECT_COST, &())?;
            writer.write_json(DEVICE, &RunResult::NotRequired)?;
            writer.write(PRODUCT_ELF, &product)?;
            let folder = format!("{}-model", self.name);
            writer.write_tree(&folder, &form.files)?;
            Ok(writer)
        });
        run.unwrap();
        let from = MadeFrom {
            inputs: inputs.of_config(&session.config, &SECTIONS).unwrap(),
            toolchain: Toolchain {
                spinney: String::new(),
                rustc: String::new(),
                target: String::new(),
                linker: String::new(),
                emulator: None,
            },
        };
        let judged = report::of(&session, &from).unwrap();
        let files = report::write(&session, &judged, &report::folder(&session.config)).unwrap();
        remember(&session, from, files).unwrap();
    }

    /// What each verb ends with.
    fn verbs(&self) -> [(&'static str, Result<(), Failure>); 5] {
        let (path, none) = (&self.config(), Progress::none);
        [
            ("check", stages::check(path, None, none()).map(drop)),
            ("flash", stages::product(path, none()).map(drop)),
            (
                "explain, predict",
                stages::quantized(path, none()).map(drop),
            ),
            ("certificate verify", stages::verify(path, none()).map(drop)),
            ("certificate faults", opened(path)),
        ]
    }

    /// What `list` says of it.
    fn standing(&self) -> String {
        let config = spinney_config::load(&self.config()).unwrap();
        standing(&config, &Progress::none()).to_string()
    }

    /// Every verb but those named says that the last run is not to be believed.
    fn refuse(&self, but: &[&str], what: &str) {
        for (verb, outcome) in self.verbs() {
            let is_refused = matches!(outcome, Err(Failure::Input(_)));
            let told = format!("{verb} after {what}: {outcome:?}");
            assert_eq!(is_refused, !but.contains(&verb), "{told}");
        }
        let line = self.standing();
        assert!(!line.contains("gate"), "list after {what}: {line}");
    }

    /// Every verb believes the last run.
    fn believe(&self) {
        for (verb, outcome) in self.verbs() {
            let is_believed = matches!(outcome, Ok(()) | Err(Failure::Gate));
            assert!(is_believed, "{verb}: {outcome:?}");
        }
        expect!["all gates hold"].assert_eq(&self.standing());
    }

    /// What `check` says.
    fn says(&self, file: &str, expected: &Expect) {
        let error = match stages::check(&self.path(file), None, Progress::none()).map(drop) {
            Err(Failure::Input(error)) => format!("{error:#}"),
            outcome => panic!("{outcome:?}"),
        };
        let folder = self.folder.path().canonicalize().unwrap();
        let error = (error.replace(&*folder.to_string_lossy(), "FOLDER"))
            .replace(&*self.artifacts().to_string_lossy(), "ARTIFACTS")
            .replace(&self.name, "NAME");
        expected.assert_eq(&error);
    }
}

/// What reads a last run without judging it.
fn opened(path: &Path) -> Result<(), Failure> {
    let session = Session::open(path, Progress::none())?;
    open(&session, &inputs::read(&session.config)?).map(drop)
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.artifacts());
    }
}

/// Something that the model changes.
fn sha(session: &Session, stage: &str) -> String {
    session.made(stage).unwrap().digest().to_owned()
}

/// The files below a folder, by path within it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let found = disk::files_below(folder).unwrap().into_iter();
    found
        .map(|path| (path.clone(), fs::read(folder.join(path)).unwrap()))
        .collect()
}

/// The artifacts of a pipeline as they were.
struct Kept {
    folder: PathBuf,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Kept {
    fn of(folder: PathBuf) -> Self {
        let mut files = files(&folder);
        files.retain(|path, _| {
            path == Path::new(FILE) || stages().any(|stage| path.starts_with(stage))
        });
        Self { folder, files }
    }

    fn restore(&self, below: &Path) {
        for (path, bytes) in self
            .files
            .iter()
            .filter(|(path, _)| path.starts_with(below))
        {
            let path = self.folder.join(path);
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
}

#[test]
fn stages_of_two_configs_are_not_mixed() {
    let project = Project::new("mix");
    project.run("p.toml");
    project.believe();
    project.write("p.toml", 1);
    drop(project.run_until_quantize("p.toml"));
    project.says("p.toml", &expect!["the last run is stale: [model] changed since; `spinney pipeline run --config FOLDER/p.toml` makes a new one"]);
    project.write("p.toml", 4);
    project.says("p.toml", &expect!["the last run is not whole: stage model is of another run, stage quantize is of another run; `spinney pipeline run --config FOLDER/p.toml` makes a new one"]);
    project.refuse(&[], "a model of another depth");
    let session = Session::open(&project.config(), Progress::none()).unwrap();
    let inputs = inputs::read(&session.config).unwrap();
    expect![[r#"
        Some(
            "the last run is not whole: stage model is of another run, stage quantize is of another run",
        )
    "#]]
    .assert_debug_eq(&damage(&session, &inputs));
    drop(session);
    project.run("p.toml");
    project.believe();
    // The same results made again are the same.
    fs::remove_dir_all(project.artifacts().join("quantize")).unwrap();
    project.refuse(&[], "a stage that was removed");
    drop(project.run_until_quantize("p.toml"));
    project.believe();
}

#[test]
fn what_no_fingerprint_has_makes_a_run_stale_too() {
    let project = Project::new("parts");
    project.run("p.toml");
    let text = fs::read_to_string(project.config()).unwrap();
    for (more, part) in [
        ("features = { select = 2 }", "[features] select"),
        ("reject = { coverage = 0.9 }", "[reject]"),
        ("evaluate = { device_rows = 5 }", "[evaluate]"),
        ("dataset.validation_fraction = 0.1", "[dataset] validation"),
        ("model.shrink = \"every-row\"", "[model] shrink"),
    ] {
        let text = match more.split_once('.') {
            Some((section @ ("dataset" | "model"), key)) => text.replace(
                &format!("{section} = {{ "),
                &format!("{section} = {{ {key}, "),
            ),
            _ => format!("{text}{more}\n"),
        };
        fs::write(project.config(), text).unwrap();
        let error = opened(&project.config()).unwrap_err();
        let Failure::Input(error) = error else {
            panic!("{error:?}")
        };
        let expected = format!("the last run is stale: {part} changed since");
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}

#[test]
fn two_pipelines_of_one_name_are_told_apart() {
    let project = Project::new("twins");
    project.run("p.toml");
    project.write("twin.toml", 4);
    project.says("twin.toml", &expect!["the last run of a pipeline \"NAME\" was that of FOLDER/p.toml; `spinney pipeline run --config FOLDER/twin.toml` makes one of this config, and another `name` in [pipeline] keeps both"]);
    project.write("twin.toml", 1);
    project.run("twin.toml");
    project.says("p.toml", &expect!["the last run of a pipeline \"NAME\" was that of FOLDER/twin.toml; `spinney pipeline run --config FOLDER/p.toml` makes one of this config, and another `name` in [pipeline] keeps both"]);
    project.run("p.toml");
    project.believe();
}

#[test]
fn every_damage_to_every_artifact_is_seen() {
    let project = Project::new("damage");
    project.write("p.toml", 1);
    project.run("p.toml");
    let older = Kept::of(project.artifacts());
    project.write("p.toml", 4);
    project.run("p.toml");
    let kept = Kept::of(project.artifacts());
    project.believe();
    let session = |work: &dyn Fn(&Session, &Inputs)| {
        let session = Session::open(&project.config(), Progress::none()).unwrap();
        let inputs = inputs::read(&session.config).unwrap();
        work(&session, &inputs);
    };
    let mut n_damages = 0;
    let paths: Vec<&PathBuf> = kept.files.keys().collect();
    for (index, path) in paths.iter().enumerate() {
        let bytes = &kept.files[*path];
        let full = kept.folder.join(path);
        let mut flipped = bytes.clone();
        if let Some(byte) = flipped.get_mut(index * 7919 % bytes.len().max(1)) {
            *byte ^= 1 << (index % 8);
        }
        let other = &kept.files[paths[(index + 1) % paths.len()]];
        let damages = [
            ("a flipped bit", Some(flipped)),
            ("half of it", Some(bytes[..bytes.len() / 2].to_owned())),
            ("nothing of it", Some(Vec::new())),
            ("more behind it", Some([&bytes[..], b"\n"].concat())),
            ("another artifact", Some(other.clone())),
            ("an older version", older.files.get(*path).cloned()),
            ("no file", None),
        ];
        for (what, damaged) in damages {
            if damaged.as_ref() == Some(bytes) {
                continue;
            }
            match damaged {
                Some(damaged) => fs::write(&full, damaged).unwrap(),
                None => fs::remove_file(&full).unwrap(),
            }
            session(&|session, inputs| {
                let found = find(session, inputs);
                assert!(found.is_err(), "{} with {what}", path.display());
                assert!(session.made("model").is_err(), "nothing is vouched for");
            });
            n_damages += 1;
        }
        // An explanation trains a model where there is no run.
        let but: &[&str] = match **path == *FILE {
            true => &["explain, predict"],
            false => &[],
        };
        project.refuse(but, &format!("{} is gone", path.display()));
        kept.restore(path);
    }
    assert!(n_damages > 100, "{n_damages}");
    // A stage of an older run that is whole.
    for stage in stages() {
        fs::remove_dir_all(kept.folder.join(stage)).unwrap();
        older.restore(Path::new(stage));
        project.refuse(&[], &format!("an older {stage}"));
        fs::remove_dir_all(kept.folder.join(stage)).unwrap();
        kept.restore(Path::new(stage));
    }
    // A run of an older config, all of it.
    older.restore(Path::new(""));
    project.refuse(&["explain, predict"], "an older run");
    project.run("p.toml");
    project.believe();
}

/// Each stage and the record of two runs in every mixture: none but the whole run of today's config
/// is one.
#[test]
fn no_mixture_of_two_runs_is_a_run() {
    let project = Project::new("mixtures");
    project.write("p.toml", 1);
    project.run("p.toml");
    let older = Kept::of(project.artifacts());
    project.write("p.toml", 4);
    project.run("p.toml");
    let newer = Kept::of(project.artifacts());
    let parts: Vec<&str> = stages().chain([FILE]).collect();
    let all = (1 << parts.len()) - 1;
    for mixture in 0..=all {
        for (bit, part) in parts.iter().enumerate() {
            let from = if mixture >> bit & 1 == 1 {
                &newer
            } else {
                &older
            };
            let _ = fs::remove_dir_all(newer.folder.join(part));
            from.restore(Path::new(part));
        }
        let session = Session::open(&project.config(), Progress::none()).unwrap();
        let inputs = inputs::read(&session.config).unwrap();
        let is_run = find(&session, &inputs).is_ok();
        assert_eq!(is_run, mixture == all, "{mixture:b} of {parts:?}");
    }
}

#[test]
fn a_link_to_an_older_stage_is_seen() {
    let project = Project::new("link");
    project.write("p.toml", 1);
    project.run("p.toml");
    let run = project.artifacts().join("run");
    let aside = project.path("run-aside");
    fs::rename(&run, &aside).unwrap();
    project.write("p.toml", 4);
    project.run("p.toml");
    fs::remove_dir_all(&run).unwrap();
    std::os::unix::fs::symlink(&aside, &run).unwrap();
    project.says("p.toml", &expect!["the last run is not whole: stage run is of another run; `spinney pipeline run --config FOLDER/p.toml` makes a new one"]);
    let before = files(&aside);
    project.run("p.toml");
    project.believe();
    assert_eq!(
        files(&aside),
        before,
        "what a link names is nobody's to change"
    );
}

#[test]
fn reports_that_were_edited_are_not_those_of_the_run() {
    let project = Project::new("reports");
    project.run("p.toml");
    let config = spinney_config::load(&project.config()).unwrap();
    let folder = report::folder(&config);
    for (name, bytes) in files(&folder) {
        let path = folder.join(&name);
        fs::write(&path, [&bytes[..], b" "].concat()).unwrap();
        let checked = stages::check(&project.config(), None, Progress::none());
        let Err(Failure::Input(error)) = checked.map(drop) else {
            panic!("{} is another one", path.display())
        };
        let error = error.to_string();
        assert!(error.contains("is not what the last run wrote"), "{error}");
        assert!(error.contains(&*name.to_string_lossy()), "{error}");
        fs::write(&path, bytes).unwrap();
    }
    project.believe();
    // Reports that are elsewhere say nothing wrong.
    fs::remove_dir_all(&folder).unwrap();
    project.believe();
}

#[test]
fn a_run_is_made_of_what_its_stages_were_made_from() {
    let project = Project::new("chain");
    project.run("p.toml");
    let kept = Kept::of(project.artifacts());
    project.write("p.toml", 1);
    project.run("p.toml");
    // As if a run had taken notes of stages that another changed meanwhile.
    let (session, inputs) = project.run_until_quantize("p.toml");
    for stage in ["build", "run"] {
        fs::remove_dir_all(kept.folder.join(stage)).unwrap();
        kept.restore(Path::new(stage));
        let State::Whole(finished) = session.state(stage).unwrap() else {
            panic!("{stage} is whole")
        };
        session.vouch(stage, finished);
    }
    let from = read(&session).unwrap().made_from;
    remember(&session, from, BTreeMap::new()).unwrap();
    drop((session, inputs));
    project.says("p.toml", &expect!["the last run is not whole: stage build was made from another candidates.json of quantize, stage build was made from another candidates/ of quantize, stage build was made from another empty-crate/ of quantize, stage run was made from another candidates.json of quantize, stage run was made from another candidates/ of quantize, stage run was made from another empty-crate/ of quantize; `spinney pipeline run --config FOLDER/p.toml` makes a new one"]);
}
