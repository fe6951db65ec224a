//! The engine of a run: compiles and keeps code, and has the clock of the time limit.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use regcarve_types::Digest;

use crate::error::Error;
use crate::fs::OsError;
use crate::sync;
use crate::wasm::{Limits, LogSink};
use meter::{TICK, Ticks};

pub(in crate::wasm) mod cache;
pub(in crate::wasm) mod compile;
pub(in crate::wasm) mod config;
pub(in crate::wasm) mod limits;
pub(in crate::wasm) mod load;
pub(in crate::wasm) mod meter;
pub(in crate::wasm) mod shipped;
pub(in crate::wasm) mod sniff;

/// The engine that all components of a run share.
#[derive(Clone)]
pub struct Engine {
    pub(in crate::wasm) inner: wasmtime::Engine,
    pub(in crate::wasm) limits: Limits,
    pub(in crate::wasm) log: LogSink,
    pub(in crate::wasm) ticks: Ticks,
    pub(in crate::wasm) cached: bool,
    code: Code,
    /// Set once the clock runs.
    clock: Arc<Mutex<bool>>,
}

/// Compiled components by the digest of their bytes: a layout that reads and writes is loaded once.
type Code = Arc<Mutex<HashMap<Digest, wasmtime::component::Component>>>;

impl Engine {
    /// An engine whose components have these limits and log to `log`. With `cached`, the code of users' components is
    /// kept from run to run.
    pub fn new(limits: Limits, log: LogSink, cached: bool) -> Result<Self, Error> {
        let inner = wasmtime::Engine::new(&config::config())
            .map_err(|error| Error::Internal(format!("{error:#}")))?;
        let ticks = Arc::new(AtomicU64::new(0));
        Ok(Self {
            inner,
            limits,
            log,
            ticks,
            cached,
            code: Code::default(),
            clock: Arc::default(),
        })
    }

    /// Starts the clock, unless it runs. The first instance does this, and nothing earlier: a thread that exists before
    /// Landlock restricts the process would not be restricted.
    pub(in crate::wasm) fn start_clock(&self) -> Result<(), Error> {
        let mut runs = sync::lock(&self.clock);
        if !*runs {
            // Without it no limit of time would hold.
            let clock = Clock {
                engine: self.inner.weak(),
                ticks: Arc::clone(&self.ticks),
            };
            clock.start().map_err(|error| {
                let error = OsError::from_io("clone3", "a thread", &error);
                Error::system("start the clock of the time limits")(error)
            })?;
            *runs = true;
        }
        Ok(())
    }

    /// The code of the component with that digest; the first time, `load` supplies it.
    pub(in crate::wasm) fn code<E>(
        &self,
        sha256: Digest,
        load: impl FnOnce() -> Result<wasmtime::component::Component, E>,
    ) -> Result<wasmtime::component::Component, E> {
        let mut code = sync::lock(&self.code);
        if let Some(known) = code.get(&sha256) {
            return Ok(known.clone());
        }
        let component = load()?;
        code.insert(sha256, component.clone());
        Ok(component)
    }
}

/// Ticks that may be made up for at once. The thread is late when the machine is busy, and then guests must not get more
/// time; it is very late when the whole program has been stopped for a while, and then they must not get less.
const MOST_MADE_UP: u32 = 5;

/// The clock of the time limit, a thread that counts ticks.
struct Clock {
    engine: wasmtime::EngineWeak,
    ticks: Ticks,
}

impl Clock {
    /// Ticks until the engine is gone.
    fn start(self) -> std::io::Result<()> {
        let tick = move || {
            let mut due = Instant::now();
            loop {
                std::thread::sleep(TICK);
                let (passed, next) = passed(due, Instant::now());
                due = next;
                // Count first: a guest that the epoch interrupts reads the counter.
                self.ticks.fetch_add(u64::from(passed), Ordering::Relaxed);
                let Some(engine) = self.engine.upgrade() else {
                    return;
                };
                for _ in 0..passed {
                    engine.increment_epoch();
                }
            }
        };
        std::thread::Builder::new().spawn(tick).map(drop)
    }
}

/// Ticks since the last one was due, at least one, and when the last of them was due.
fn passed(due: Instant, now: Instant) -> (u32, Instant) {
    let ticks = now.saturating_duration_since(due).as_nanos() / TICK.as_nanos();
    match u32::try_from(ticks) {
        Ok(0) => (1, now),
        Ok(ticks) if ticks <= MOST_MADE_UP => (ticks, due + TICK * ticks),
        _ => (MOST_MADE_UP, now),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{MOST_MADE_UP, TICK, passed};

    #[test]
    fn lost_ticks_are_made_up_for_but_not_a_stop() {
        let due = Instant::now();
        let after = |tenths: u32| due + TICK * tenths / 10;
        assert_eq!(passed(due, after(10)), (1, after(10)));
        // The remainder counts towards the next tick.
        assert_eq!(passed(due, after(19)), (1, after(10)));
        assert_eq!(passed(due, after(35)), (3, after(30)));
        assert_eq!(passed(due, after(9)), (1, after(9)));
        let stopped = due + Duration::from_secs(30);
        assert_eq!(passed(due, stopped), (MOST_MADE_UP, stopped));
    }
}
