//! One engine for a run, and the clock of the time limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::limits::{TICK, Ticks};
use super::{Limits, LogSink, engine_config};

/// Runs components.
#[derive(Clone)]
pub struct Engine {
    pub(super) inner: wasmtime::Engine,
    pub(super) limits: Limits,
    pub(super) log: LogSink,
    pub(super) ticks: Ticks,
}

impl Engine {
    /// An engine whose components have these limits and log to `log`.
    pub fn new(limits: Limits, log: LogSink) -> wasmtime::Result<Self> {
        let inner = wasmtime::Engine::new(&engine_config::config())?;
        let ticks = Arc::new(AtomicU64::new(0));
        start_clock(inner.weak(), Arc::clone(&ticks));
        Ok(Self {
            inner,
            limits,
            log,
            ticks,
        })
    }
}

/// Ticks until the engine is gone.
fn start_clock(engine: wasmtime::EngineWeak, ticks: Ticks) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(TICK);
            // Count first: whoever is woken by the epoch reads the counter.
            ticks.fetch_add(1, Ordering::Relaxed);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    });
}
