//! What an error of probe-rs means for the person at the desk.

use std::error::Error;

use crate::words::ProbeFault;
use probe_rs::architecture::arm::ArmError;
use probe_rs::flashing::FlashError;
use probe_rs::probe::DebugProbeError;

/// A fault without a kind of its own.
pub(crate) fn other(message: &str) -> ProbeFault {
    ProbeFault::Other {
        message: message.to_owned(),
    }
}

/// The fault behind an error, by the first cause that tells.
pub(crate) fn fault_of(error: &(dyn Error + 'static)) -> ProbeFault {
    let message = in_full(error);
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(kind) = kind_of(error) {
            return kind(message);
        }
        cause = error.source();
    }
    ProbeFault::Other { message }
}

type Kind = fn(String) -> ProbeFault;

fn kind_of(error: &(dyn Error + 'static)) -> Option<Kind> {
    const LOCKED: Kind = |message| ProbeFault::Locked { message };
    const NO_TARGET: Kind = |message| ProbeFault::NoTarget { message };
    const LOST: Kind = |message| ProbeFault::Lost { message };
    const UNKNOWN: Kind = |message| ProbeFault::UnknownChip { message };
    if let Some(error) = error.downcast_ref::<probe_rs::Error>() {
        return match error {
            probe_rs::Error::MissingPermissions(_) => Some(LOCKED),
            probe_rs::Error::ChipNotFound(_) => Some(UNKNOWN),
            _ => None,
        };
    }
    if let Some(error) = error.downcast_ref::<ArmError>() {
        return match error {
            ArmError::MissingPermissions(_) => Some(LOCKED),
            ArmError::NoTargetResponse { .. } | ArmError::NoArmTarget => Some(NO_TARGET),
            _ => None,
        };
    }
    if let Some(error) = error.downcast_ref::<FlashError>() {
        return match error {
            FlashError::Verify => Some(|_| ProbeFault::Mismatch),
            FlashError::NoSuitableNvm { .. } | FlashError::AlgorithmNotFound { .. } => {
                Some(UNKNOWN)
            }
            _ => None,
        };
    }
    match error.downcast_ref::<DebugProbeError>()? {
        DebugProbeError::Usb(_) | DebugProbeError::Timeout => Some(LOST),
        DebugProbeError::TargetNotFound => Some(NO_TARGET),
        _ => None,
    }
}

/// The error with its causes, those left out that repeat what was said.
fn in_full(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string().trim().to_owned();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(more.trim()) {
            text.push_str(": ");
            text.push_str(more.trim());
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cause_that_tells() {
        let locked = probe_rs::Error::Arm(ArmError::MissingPermissions("erase_all".to_owned()));
        assert!(
            matches!(fault_of(&locked), ProbeFault::Locked { message } if message.contains("erase_all"))
        );
        let silent = probe_rs::Error::Probe(DebugProbeError::TargetNotFound);
        assert!(matches!(fault_of(&silent), ProbeFault::NoTarget { .. }));
        let pulled = FlashError::Core(probe_rs::Error::Probe(DebugProbeError::Usb(
            std::io::Error::other("device disconnected"),
        )));
        assert!(
            matches!(fault_of(&pulled), ProbeFault::Lost { message } if message.contains("device disconnected"))
        );
        assert_eq!(fault_of(&FlashError::Verify), ProbeFault::Mismatch);
        let else_ = probe_rs::Error::Other("strange".to_owned());
        assert_eq!(fault_of(&else_), other("strange"));
    }
}
