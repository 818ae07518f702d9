//! SIGINT, SIGTERM and SIGHUP end all children, let files become whole or go away, and then this
//! program, with the exit code that says which signal it was. A second one ends it at once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::process;

struct State {
    /// The signal that ends this program.
    signal: Option<i32>,
    /// How many pieces of work would leave something behind if they ended here and now.
    n_busy: usize,
}

static STATE: Mutex<State> = Mutex::new(State {
    signal: None,
    n_busy: 0,
});
static IDLE: Condvar = Condvar::new();

/// For which such work is waited for, once its children have ended.
const PATIENCE: Duration = Duration::from_secs(10);

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens to the signals from here on, but for those that who started this program had it ignore,
/// as `nohup` does. `tell` is called with the name of the first that comes.
///
/// Only a program that is one pipeline at work calls this: it ends the process.
///
/// # Errors
/// The system does not let it listen.
pub fn watch(tell: fn(&str)) -> std::io::Result<()> {
    let ignored = ignored();
    let wanted = [SIGINT, SIGTERM, SIGHUP];
    let wanted = wanted
        .into_iter()
        .filter(|signal| ignored & 1 << (signal - 1) == 0);
    let mut signals = Signals::new(wanted)?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if state().signal.replace(signal).is_some() {
                std::process::exit(code(signal));
            }
            std::thread::spawn(move || end(signal, tell));
        }
    });
    Ok(())
}

/// The signals that are ignored, a bit for each, where the system says so.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

fn code(signal: i32) -> i32 {
    128 + signal
}

fn end(signal: i32, tell: fn(&str)) {
    process::end_all();
    tell(signal_hook::low_level::signal_name(signal).unwrap_or("a signal"));
    let idle = IDLE.wait_timeout_while(state(), PATIENCE, |state| state.n_busy > 0);
    let _state = idle.unwrap_or_else(PoisonError::into_inner);
    // While the state is held, nobody starts what this would cut short.
    std::process::exit(code(signal));
}

/// Work that would leave something behind, such as a temporary file, if it were cut short.
#[derive(Debug)]
pub struct Busy(());

/// Says that such work begins. Where a signal is ending this program, it does not.
pub fn busy() -> Busy {
    loop {
        let mut state = state();
        if state.signal.is_none() || state.n_busy > 0 {
            state.n_busy += 1;
            return Busy(());
        }
        drop(state);
        std::thread::park();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        state().n_busy -= 1;
        IDLE.notify_all();
    }
}

/// The exit code, unless a signal ended what it is about: then that is waited for, in silence.
pub fn or_end<T>(code: impl FnOnce() -> T) -> T {
    while state().signal.is_some() {
        std::thread::park();
    }
    code()
}
