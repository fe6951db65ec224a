//! One engine for a run, and the clock of the time limit.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use regcarve_names::Digest;

use super::limits::{TICK, Ticks};
use super::{Limits, LogSink, engine_config};
use crate::capability::Fault;
use crate::error::Error;

/// Runs components.
#[derive(Clone)]
pub struct Engine {
    pub(super) inner: wasmtime::Engine,
    pub(super) limits: Limits,
    pub(super) log: LogSink,
    pub(super) ticks: Ticks,
    pub(super) cached: bool,
    code: Code,
    /// Whether the clock runs.
    clock: Arc<Mutex<bool>>,
}

/// Compiled components by the digest of their bytes: a layout that reads and writes is loaded once.
type Code = Arc<Mutex<HashMap<Digest, wasmtime::component::Component>>>;

impl Engine {
    /// An engine whose components have these limits and log to `log`; whether code of users'
    /// components is kept from run to run.
    pub fn new(limits: Limits, log: LogSink, cached: bool) -> Result<Self, Error> {
        let inner = wasmtime::Engine::new(&engine_config::config())
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

    /// Starts the clock, unless it runs. It is wanted with the first instance, and not before: until the wall
    /// stands there must be no second thread.
    pub(super) fn start_clock(&self) -> Result<(), Error> {
        let mut runs = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        if !*runs {
            // Without it no limit of time would hold.
            start_clock(self.inner.weak(), Arc::clone(&self.ticks)).map_err(|error| {
                let fault = Fault::from_io("clone3", "a thread", &error);
                Error::system("start the clock of the time limits")(fault)
            })?;
            *runs = true;
        }
        Ok(())
    }

    /// The code of the component with that digest; `load` gets it the first time.
    pub(super) fn code<E>(
        &self,
        sha256: Digest,
        load: impl FnOnce() -> Result<wasmtime::component::Component, E>,
    ) -> Result<wasmtime::component::Component, E> {
        let mut code = self.code.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = code.get(&sha256) {
            return Ok(known.clone());
        }
        let component = load()?;
        code.insert(sha256, component.clone());
        Ok(component)
    }
}

/// Ticks until the engine is gone.
fn start_clock(engine: wasmtime::EngineWeak, ticks: Ticks) -> std::io::Result<()> {
    let tick = move || {
        loop {
            std::thread::sleep(TICK);
            // Count first: whoever is woken by the epoch reads the counter.
            ticks.fetch_add(1, Ordering::Relaxed);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    };
    std::thread::Builder::new().spawn(tick).map(drop)
}
