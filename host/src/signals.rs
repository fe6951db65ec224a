//! SIGINT, SIGTERM and SIGHUP: until [`defer`] they end the process at once; from then on the run stops at the next image
//! and cleans up after itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// One flag a signal.
static CAUGHT: OnceLock<Vec<(i32, Arc<AtomicBool>)>> = OnceLock::new();

/// A run that this signal asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped by signal {0}")]
pub struct Interrupted(pub i32);

/// True while a signal ends the process at once.
static AT_ONCE: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Starts to listen. Until [`defer`] a signal ends the process at once, as without a handler.
pub fn listen() -> std::io::Result<()> {
    let at_once = AT_ONCE.get_or_init(|| Arc::new(AtomicBool::new(true)));
    let mut flags = Vec::new();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register_conditional_default(signal, Arc::clone(at_once))?;
        let flag = Arc::new(AtomicBool::new(false));
        // In this order, so that the first signal finds the flag unset.
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&flag))?;
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
        flags.push((signal, flag));
    }
    // Called once, at the start of the program.
    let _ = CAUGHT.set(flags);
    Ok(())
}

/// From now on a signal asks the run to stop, and only a second one of the same kind ends the process at once. To be called
/// when all inputs are read, since reading a terminal or a pipe may block, and before anything is made that has to be removed.
pub fn defer() {
    if let Some(at_once) = AT_ONCE.get() {
        at_once.store(false, Ordering::Relaxed);
    }
}

/// The signal that asked the run to stop, if one did.
pub fn caught() -> Option<i32> {
    let flags = CAUGHT.get().into_iter().flatten();
    let mut set = flags.filter(|(_, flag)| flag.load(Ordering::Relaxed));
    set.next().map(|(signal, _)| *signal)
}

/// Fails once the run was asked to stop.
pub fn check() -> Result<(), Interrupted> {
    caught().map_or(Ok(()), |signal| Err(Interrupted(signal)))
}
