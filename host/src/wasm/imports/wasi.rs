//! WASI for components that import it: an empty world.
//!
//! Languages with a large runtime cannot do without WASI. They get it, and nothing in it: no arguments, no
//! environment, no files, no network; a clock that stands still at `SOURCE_DATE_EPOCH` or at the start of
//! the run; random numbers that are the same in every run; standard output and errors in the log.
//!
//! Nothing in it ever waits: where no time passes and nothing arrives, everything that can be waited for is
//! there at once. So no call into WASI can outlast the time limit, which only guests look at.

use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::wasm::engine::limits::MAX_HANDLES;
use crate::wasm::imports::log::{GuestLog, LogLevel};
use crate::wasm::state::State;

mod clock;
mod stdio;

/// The empty world of an instance that imports WASI.
pub(in crate::wasm) struct Wasi {
    context: WasiCtx,
    table: ResourceTable,
}

impl Wasi {
    pub(in crate::wasm) fn new(log: GuestLog) -> Self {
        let start = clock::start();
        let context = WasiCtx::builder()
            .stdout(stdio::LogStream::new(log.clone(), LogLevel::Info))
            .stderr(stdio::LogStream::new(log, LogLevel::Warn))
            .wall_clock(clock::Still(start))
            // Or sockets could be made, although none could be used.
            .allow_tcp(false)
            .allow_udp(false)
            .secure_random(clock::seeded())
            .insecure_random(clock::seeded())
            .insecure_random_seed(0)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        Self { context, table }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        // Every call of WASI begins here, so this is the one place to count it. One too many is refused when
        // the guest's time is checked next.
        let _ = self.meter.count_calls(1);
        // The linker has WASI exactly if the store has it; an instance that was made otherwise gets a fresh
        // empty world rather than a panic.
        let log = &self.log;
        let wasi = self
            .wasi
            .get_or_insert_with(|| Box::new(Wasi::new(log.clone())));
        WasiCtxView {
            ctx: &mut wasi.context,
            table: &mut wasi.table,
        }
    }
}

/// Links WASI 0.2.
pub(in crate::wasm) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_sync(linker)?;
    linker.allow_shadowing(true);
    clock::link(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}
