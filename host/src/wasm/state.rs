//! The data of an instance: its capability, its meter, its log.

use std::sync::Arc;

use crate::wasm::bindings::types;
use crate::wasm::engine::meter::Meter;
use crate::wasm::imports::content::ContentHost;
use crate::wasm::imports::log::GuestLog;
use crate::wasm::imports::output::OutputHost;
use crate::wasm::imports::source::SourceHost;
use crate::wasm::imports::wasi::Wasi;

/// The data of a store.
pub(super) struct State {
    pub(super) meter: Meter,
    pub(super) log: GuestLog,
    pub(super) capability: Capability,
    /// Only for components that import WASI.
    pub(super) wasi: Option<Box<Wasi>>,
}

/// The capability of an instance. One of these, never two.
pub(super) enum Capability {
    /// None: a selector, or any component while it is only described.
    Nothing,
    /// The capability of a reader.
    Source(SourceHost),
    /// The capability of a policy.
    Content(ContentHost),
    /// The capability of a writer.
    Output(Box<OutputHost>),
}

/// The answer to a guest's call. The outer error ends the run, the inner one is the guest's to handle.
pub(super) type Answer<T> = wasmtime::Result<Result<T, types::Failure>>;

impl State {
    /// Runs a call of the guest into the host: counts it and takes its time off the guest's account.
    pub(super) fn host_call<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> T,
    ) -> wasmtime::Result<T> {
        let since = self.meter.host_call_begins()?;
        let answer = work(self);
        self.meter.host_call_ends(since);
        Ok(answer)
    }

    /// Runs a call whose answer counts by its size, too.
    pub(super) fn sized_host_call<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, types::Failure>,
        size: impl FnOnce(&T) -> usize,
    ) -> Answer<T> {
        let answer = self.host_call(work)?;
        if let Ok(answer) = &answer {
            self.meter.charge_bytes(size(answer));
        }
        Ok(answer)
    }
}

/// The failure of a call that this role does not have.
pub(super) fn not_this_role<T>(interface: &str) -> Result<T, types::Failure> {
    Err(types::Failure::Refused(format!(
        "this component runs in a role without `{interface}`"
    )))
}

impl types::Host for State {}

/// The name of a component, which many messages share.
pub(super) type Name = Arc<str>;
