//! Why a verb ends without success, as exit codes tell it apart.

use std::io::ErrorKind;

use spinney_config::{Diagnostics, LoadError};

use crate::invocation;

/// Why a verb ends without success.
#[derive(Debug)]
pub enum Failure {
    /// A gate failed, which was told already: exit 1.
    Gate,
    /// The image fails, for this reason: exit 1.
    Image(anyhow::Error),
    /// The config is at fault, with its places: exit 2.
    Config(Diagnostics),
    /// The config or another input is at fault: exit 2.
    Input(anyhow::Error),
    /// The environment lacks something: exit 3.
    Environment(anyhow::Error),
}

impl Failure {
    /// A gate that failed, unless it `holds`.
    pub fn unless(holds: bool) -> Result<(), Self> {
        match holds {
            true => Ok(()),
            false => Err(Self::Gate),
        }
    }

    /// The exit code of a verb that ends so: 1, 2 or 3.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Gate | Self::Image(_) => 1,
            Self::Config(_) | Self::Input(_) => 2,
            Self::Environment(_) => 3,
        }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Faults(diagnostics) => Self::Config(diagnostics),
            LoadError::Unreadable { path, error } if error.kind() == ErrorKind::NotFound => {
                Self::Input(anyhow::anyhow!(
                    "found no {path}, expected a pipeline: {} makes a project with one, and --config \
                     FILE names one that lies elsewhere",
                    invocation::verb("new PATH")
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

/// Whether an error says that the machine has no room or is broken, which no input is at fault for.
fn is_of_machine(error: &anyhow::Error) -> bool {
    let of_disk = |error: &std::io::Error| {
        matches!(
            error.kind(),
            ErrorKind::StorageFull
                | ErrorKind::QuotaExceeded
                | ErrorKind::FileTooLarge
                | ErrorKind::ReadOnlyFilesystem
        ) || matches!(error.raw_os_error(), Some(EIO | ENFILE | EMFILE))
    };
    let mut causes = error.chain();
    causes.any(|cause| cause.downcast_ref().is_some_and(of_disk))
}

const EIO: i32 = 5;
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;

/// Says which exit code an error leads to.
pub trait ExitReason<T> {
    /// The config or an input is at fault.
    fn input(self) -> Result<T, Failure>;
    /// The environment lacks something.
    fn environment(self) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> ExitReason<T> for Result<T, E> {
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
