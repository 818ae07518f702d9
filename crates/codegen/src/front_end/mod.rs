//! A front end in a generated crate: its tables, and a chain from samples to the class.

mod filters;
mod motion;
mod sound;

use spinney_signal::{BankError, FrontEnd, Window};

use crate::SourceTree;
use crate::carried::carried;

pub use filters::filters;

/// The front end as it was when this code was compiled.
const FRONT_END: [(&str, &str); 15] = [
    ("lib.rs", include_str!("../../device/frontend/lib.rs")),
    (
        "aggregate.rs",
        include_str!("../../device/frontend/aggregate.rs"),
    ),
    (
        "cepstra.rs",
        include_str!("../../device/frontend/cepstra.rs"),
    ),
    ("chain.rs", include_str!("../../device/frontend/chain.rs")),
    ("deltas.rs", include_str!("../../device/frontend/deltas.rs")),
    ("fft.rs", include_str!("../../device/frontend/fft.rs")),
    ("frames.rs", include_str!("../../device/frontend/frames.rs")),
    ("log2.rs", include_str!("../../device/frontend/log2.rs")),
    ("mel.rs", include_str!("../../device/frontend/mel.rs")),
    (
        "moments.rs",
        include_str!("../../device/frontend/moments.rs"),
    ),
    ("motion.rs", include_str!("../../device/frontend/motion.rs")),
    (
        "spectrum.rs",
        include_str!("../../device/frontend/spectrum.rs"),
    ),
    (
        "trigonometry.rs",
        include_str!("../../device/frontend/trigonometry.rs"),
    ),
    (
        "twiddle.rs",
        include_str!("../../device/frontend/twiddle.rs"),
    ),
    ("window.rs", include_str!("../../device/frontend/window.rs")),
];

/// What every chain has besides `new` and `push`, which the last lines of its `impl` are.
const METHODS: &str = "    /// Takes the next sample; the last one of a decision gives its class.
    #[inline]
    pub fn class(&mut self, sample: Sample) -> Option<usize> {
        self.push(sample).map(|readings| crate::predict(&readings))
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

/// Adds the front end to a generated crate: `Chain`, from samples to features, and `Listener`,
/// to the class.
///
/// # Errors
/// Filters that cannot be, as [`MelBank::table`](spinney_signal::MelBank::table) says.
pub fn add_front_end(front: &FrontEnd, files: &mut SourceTree) -> Result<(), BankError> {
    let source = match front {
        FrontEnd::Sound(sound) => sound::source(sound, &sound.table()?),
        FrontEnd::Motion(motion) => motion::source(motion, motion.table()?.as_ref()),
    };
    for (name, text) in FRONT_END {
        files.insert(format!("frontend/src/{name}"), text.to_owned());
    }
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
