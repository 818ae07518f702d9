//! Why a verb ends without success, as exit codes tell it apart.

use std::io::ErrorKind;
use std::process::ExitCode;

use spinney_config::{Diagnostics, LoadError, Style};

use crate::terminal;

/// Why a verb ends without success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A gate failed, which was told already: exit 1.
    Gate,
    /// The config is at fault, with its places: exit 2.
    Config(Diagnostics),
    /// The config or another input is at fault: exit 2.
    Input(anyhow::Error),
    /// The environment lacks something: exit 3.
    Environment(anyhow::Error),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Gate => 1,
            Self::Config(_) | Self::Input(_) => 2,
            Self::Environment(_) => 3,
        })
    }

    /// Tells the user, on stderr.
    pub(crate) fn print(&self) {
        match self {
            Self::Gate => {}
            Self::Config(diagnostics) => {
                terminal::styled_err(&format!("{}\n", diagnostics.render(style()).trim_end()));
            }
            Self::Input(error) | Self::Environment(error) => {
                eprintln!("error: {error:#}");
            }
        }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Faults(diagnostics) => Self::Config(diagnostics),
            LoadError::Unreadable { path, error } if error.kind() == ErrorKind::NotFound => {
                Self::Input(anyhow::anyhow!(
                    "found no {path}, expected a pipeline: `cargo xtask new PATH` makes a project \
                     with one, and --config FILE names one that lies elsewhere"
                ))
            }
            other => Self::Input(other.into()),
        }
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Config(diagnostics)
    }
}

/// Colour where stderr is a terminal and nobody asked for none.
fn style() -> Style {
    use std::io::IsTerminal;
    if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        Style::Colour
    } else {
        Style::Plain
    }
}

/// Whether an error says that the machine has no room or is broken, which no input is at fault for.
fn is_of_machine(error: &anyhow::Error) -> bool {
    let of_disk = |error: &std::io::Error| {
        matches!(
            error.kind(),
            ErrorKind::StorageFull
                | ErrorKind::QuotaExceeded
                | ErrorKind::FileTooLarge
                | ErrorKind::ReadOnlyFilesystem
        ) || (cfg!(unix) && matches!(error.raw_os_error(), Some(EIO | ENFILE | EMFILE)))
    };
    let mut causes = error.chain();
    causes.any(|cause| cause.downcast_ref().is_some_and(of_disk))
}

const EIO: i32 = 5;
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;

/// Says which exit code an error leads to.
pub(crate) trait Blame<T> {
    /// The config or an input is at fault.
    fn input(self) -> Result<T, Failure>;
    /// The environment lacks something.
    fn environment(self) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> Blame<T> for Result<T, E> {
    fn input(self) -> Result<T, Failure> {
        self.map_err(|error| {
            let error = error.into();
            match is_of_machine(&error) {
                true => Failure::Environment(error),
                false => Failure::Input(error),
            }
        })
    }

    fn environment(self) -> Result<T, Failure> {
        self.map_err(|error| Failure::Environment(error.into()))
    }
}
