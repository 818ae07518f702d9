//! The Python wheel: built from these sources, installed, and tested against the newest scikit-learn,
//! XGBoost and LightGBM, the oldest scikit-learn that it is for, and clusters of two workers on
//! Spark and Ray.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, anyhow};

use spinney_cli::terminal;

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::{environment, process, setup};

/// An environment below the target folder: its name, its requirements, and what runs in it.
type Kind = (&'static str, &'static str, &'static [Runs]);

/// What runs in an environment.
enum Runs {
    /// All tests.
    Tests,
    /// These alone.
    Some(&'static [&'static str]),
    /// An example with its arguments.
    Example(&'static [&'static str]),
    /// An example where neither cargo nor a compiler is to be found.
    Bare(&'static str),
}

#[rustfmt::skip]
const ENVIRONMENTS: [Kind; 3] = [
    ("newest", "requirements.txt", &[Runs::Tests]),
    ("oldest", "oldest.txt",
        &[Runs::Some(&["test_estimators.py", "test_quantize.py"]), Runs::Bare("first_header.py")]),
    ("clusters", "clusters.txt", &[Runs::Example(&["spark_cluster.py", "20000"]),
        Runs::Example(&["ray_cluster.py", "20000"])]),
];

/// The environment of the program that fills the others.
const UV: (&str, &str) = ("uv", "uv.txt");

/// What Spark runs on, and the package that has it.
const JAVA: (&str, &str) = ("java", "default-jre-headless");

/// What an environment was filled from, beside it: a copy of its requirements.
const FILLED: &str = "filled-from.txt";

/// Makes the environments that are not here, or not what is asked for, and says what it installs.
pub(crate) fn setup() -> Result<(), Failure> {
    if environment::find_program(JAVA.0).is_none() {
        setup::install_packages(&[JAVA.1], &terminal::notes())?;
    }
    let uv = Environment::new(UV.0, UV.1)?;
    let mut pip = uv.program("python");
    pip.args("-m pip install --quiet --disable-pip-version-check -r".split(' '));
    uv.fill(&[], pip)?;
    for (name, requirements, _) in ENVIRONMENTS {
        let environment = Environment::new(name, requirements)?;
        let install = environment.install(&["--requirements"])?;
        environment.fill(&["--without-pip"], install)?;
    }
    Ok(())
}

/// What the verb does: as CI, after [`setup()`] where that is asked for.
pub(crate) fn run(with_setup: bool) -> Result<(), Failure> {
    if with_setup {
        setup()?;
    }
    check()
}

/// Builds, installs and tests the wheel.
pub(crate) fn check() -> Result<(), Failure> {
    let environments = ENVIRONMENTS
        .map(|(name, requirements, runs)| Ok((Environment::new(name, requirements)?, runs)));
    let environments: Result<Vec<_>, Failure> = environments.into_iter().collect();
    let environments = environments?;
    if let Some((lacking, _)) = environments.iter().find(|(it, _)| !it.is_ready()) {
        return Err(Failure::Environment(anyhow!(
            "found no {} for the wheel's tests; `cargo xtask ci --setup` makes it",
            lacking.folder.display()
        )));
    }
    let wheel = build(&environments[0].0)?;
    for (environment, runs) in &environments {
        // In place of one that is there; what it requires is there.
        let mut install = environment.install(&["--reinstall", "--no-deps"])?;
        install.arg(&wheel);
        process::show(install, process::LONG).environment()?;
        for it in *runs {
            environment.run(it)?;
        }
    }
    Ok(())
}

/// The wheel of the sources, by the profile that tests are built with.
fn build(environment: &Environment) -> Result<PathBuf, Failure> {
    let wheels = crate::target()?.join("wheel").join("dist");
    if wheels.exists() {
        std::fs::remove_dir_all(&wheels).environment()?;
    }
    let mut maturin = environment.program("maturin");
    maturin.args("build --quiet --locked --profile dev --manifest-path".split(' '));
    maturin.arg(sources().join("Cargo.toml"));
    maturin.arg("--out").arg(&wheels);
    maturin.arg("--target-dir").arg(crate::target()?);
    process::show(maturin, process::LONG).input()?;
    let mut built = std::fs::read_dir(&wheels).environment()?.flatten();
    let wheel = built
        .next()
        .context("maturin built no wheel")
        .environment()?;
    Ok(wheel.path())
}

fn sources() -> PathBuf {
    crate::repository().join("python")
}

/// A Python of its own.
struct Environment {
    folder: PathBuf,
    requirements: PathBuf,
}

impl Environment {
    fn new(name: &str, requirements: &str) -> Result<Self, Failure> {
        Ok(Self {
            folder: crate::target()?.join("wheel").join(name),
            requirements: sources().join("tests").join(requirements),
        })
    }

    /// Whether it was filled from the requirements as they are now.
    fn is_ready(&self) -> bool {
        let asked = std::fs::read(&self.requirements);
        let filled = std::fs::read(self.folder.join(FILLED));
        matches!((asked, filled), (Ok(asked), Ok(filled)) if asked == filled)
    }

    /// Makes it, unless it is ready, by these arguments of `venv`; `install` is the command that takes
    /// requirements.
    fn fill(&self, arguments: &[&str], mut install: Command) -> Result<(), Failure> {
        if self.is_ready() {
            return Ok(());
        }
        let (requirements, folder) = (self.requirements.display(), self.folder.display());
        eprintln!("setup: installing {requirements} from the package index into {folder}");
        let mut make = Command::new("python3");
        make.args(["-m", "venv", "--clear"]);
        make.args(arguments).arg(&self.folder);
        process::show(make, process::LONG)
            .context("the wheel's tests need python3 with venv; on Debian, `apt-get install python3-venv` helps")
            .environment()?;
        install.arg(&self.requirements);
        process::show(install, process::LONG).environment()?;
        std::fs::copy(&self.requirements, self.folder.join(FILLED)).environment()?;
        Ok(())
    }

    /// `uv pip install` into it.
    fn install(&self, arguments: &[&str]) -> Result<Command, Failure> {
        let mut uv = Self::new(UV.0, UV.1)?.program("uv");
        uv.args("pip install --quiet --python".split(' '))
            .arg(self.folder.join("bin/python"))
            .args(arguments);
        // Where pip is told of another index.
        if let Some(index) = std::env::var_os("PIP_INDEX_URL") {
            uv.env("UV_DEFAULT_INDEX", index);
        }
        Ok(uv)
    }

    /// Runs tests or an example against the installed wheel.
    fn run(&self, what: &Runs) -> Result<(), Failure> {
        let (tests, examples) = (sources().join("tests"), sources().join("examples"));
        let mut python = self.program("python");
        // Away from the sources, whose package has no library beside it.
        python.current_dir(&self.folder).arg("-P");
        // Threads of small fits wait for each other most of the time.
        python.env("OMP_NUM_THREADS", "1");
        if matches!(what, Runs::Tests | Runs::Some(_)) {
            python.args(["-m", "pytest", "-q", "-c"]);
            python.arg(sources().join("pyproject.toml"));
        }
        match what {
            Runs::Tests => python.arg(&tests),
            Runs::Some(names) => python.args(names.iter().map(|name| tests.join(name))),
            Runs::Example(words) => python.arg(examples.join(words[0])).args(&words[1..]),
            Runs::Bare(name) => python
                .arg(examples.join(name))
                .env("PATH", self.folder.join("bin")),
        };
        process::show(python, process::LONG).input()
    }

    fn program(&self, name: &str) -> Command {
        Command::new(self.folder.join("bin").join(name))
    }
}
