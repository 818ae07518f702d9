//! A front end in a generated crate: its tables, and a chain from samples to the class.

mod biquad;
mod filters;
mod gate;
mod motion;
mod sound;

use spinney_signal::{BankError, FrontEnd, Window};

use crate::carried::carried;
use crate::{SourceTree, texts};

pub use filters::filters;

/// The front end as it was when this code was compiled.
const FRONT_END: [(&str, &str); 22] = texts!(
    "frontend/src/",
    "../../device/frontend/",
    [
        "lib.rs",
        "aggregate.rs",
        "asked.rs",
        "biquad.rs",
        "cepstra.rs",
        "chain.rs",
        "correlation.rs",
        "deltas.rs",
        "fft.rs",
        "frames.rs",
        "gate.rs",
        "log2.rs",
        "mel.rs",
        "moments.rs",
        "motion.rs",
        "overlap.rs",
        "ranks.rs",
        "shape.rs",
        "spectrum.rs",
        "trigonometry.rs",
        "twiddle.rs",
        "window.rs"
    ]
);

/// What every chain has besides `new` and `push`, which the last lines of its `impl` are.
const METHODS: &str = "    /// Takes the next sample; the last one of a decision gives its class.
    #[inline]
    pub fn class(&mut self, sample: Sample) -> Option<usize> {
        self.push(sample).map(|readings| crate::predict(&readings))
    }

    /// Whether a decision is being heard: without a trigger one always is.
    #[must_use]
    #[inline]
    pub const fn is_open(&self) -> bool {
        IS_OPEN
    }

    /// Forgets what was heard: the next sample begins a decision.
    pub fn restart(&mut self) {
        self.0.restart();
    }
}

impl Default for Chain {
    fn default() -> Self {
        Self::new()
    }
}
";

/// Adds the front end to a generated crate, `Chain`, from samples to features and to the class.
/// `is_asked` says of each feature whether the crate's model has it, and what only others need is not
/// computed.
///
/// # Errors
/// Filters that cannot be, as [`MelBank::table`](spinney_signal::MelBank::table) says.
pub fn add_front_end(
    front: &FrontEnd,
    is_asked: &[bool],
    files: &mut SourceTree,
) -> Result<(), BankError> {
    let source = match front {
        FrontEnd::Sound(sound) => sound::source(sound, &sound.table()?, is_asked),
        FrontEnd::Motion(motion) => motion::source(motion, motion.table()?.as_ref(), is_asked),
    };
    files.extend(FRONT_END.map(|(path, text)| (path.to_owned(), text.to_owned())));
    let mut manifest = carried(include_str!("../../device/frontend.toml"));
    // The version that keeps this crate's copies apart from another's.
    let version = |text: &str| {
        let mut lines = text.lines();
        lines
            .find(|line| line.starts_with("version = "))
            .map(str::to_owned)
    };
    if let (Some(own), Some(runtimes)) = (
        version(&manifest),
        files
            .get("runtime/Cargo.toml")
            .and_then(|text| version(text)),
    ) {
        manifest = manifest.replacen(&own, &runtimes, 1);
    }
    files.insert("frontend/Cargo.toml".to_owned(), manifest);
    if let Some(manifest) = files.get_mut("Cargo.toml") {
        manifest.push_str("spinney-frontend = { path = \"frontend\" }\n");
    }
    if let Some(lib) = files.get_mut("src/lib.rs") {
        lib.push_str("\n#[rustfmt::skip]\npub mod signal;\n");
    }
    files.insert("src/signal.rs".to_owned(), source);
    Ok(())
}

/// The function of the front end that makes a window.
const fn constructor(window: Window) -> &'static str {
    match window {
        Window::Hann => "hann",
        Window::Rectangular => "rectangular",
    }
}
