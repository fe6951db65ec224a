//! Instances: components at work, under their limits.

use std::sync::Arc;

use rustix::io::Errno;
use wasmtime::component::InstancePre;
use wasmtime::{Store, UpdateDeadline};

use crate::error::{ComponentFailure, Error, FailureKind, OutputError};
use crate::fs::OsError;
use crate::signals::{self, Interrupted};
use crate::wasm::component::Component;
use crate::wasm::engine::limits::MAX_HANDLES;
use crate::wasm::engine::meter::Meter;
use crate::wasm::failure;
use crate::wasm::imports::wasi::Wasi;
use crate::wasm::state::{Capability, Name, State};

/// Ticks of a guest between two checks for a signal: a tenth of a second.
const TICKS_PER_CHECK: u64 = 10;

/// Marks the error of a component that does not even start, to tell it from one that fails at work.
#[derive(Debug, thiserror::Error)]
#[error("making an instance")]
pub(super) struct Starting;

/// A component at work. `W` are the generated bindings of its world.
pub(super) struct Instance<W> {
    pub(super) name: Name,
    store: Store<State>,
    world: W,
}

impl Component {
    /// Makes a fresh instance with a capability; `make` is the generated code of its world.
    pub(super) fn instantiate<W>(
        &self,
        capability: Capability,
        make: impl FnOnce(&InstancePre<State>, &mut Store<State>) -> wasmtime::Result<W>,
    ) -> Result<Instance<W>, Error> {
        self.engine.start_clock()?;
        let mut instance = Instance {
            name: Arc::clone(&self.name),
            store: self.store(capability),
            world: (),
        };
        let world = instance
            .run(|store, ()| make(&self.pre, store).map_err(|error| error.context(Starting)))?;
        Ok(Instance {
            name: instance.name,
            store: instance.store,
            world,
        })
    }

    /// A store that holds its instance to the limits.
    fn store(&self, capability: Capability) -> Store<State> {
        let limits = self.engine.limits.clone();
        let call_bytes = limits.call_bytes;
        let log = self.log.clone();
        let wasi = self.wasi.then(|| Box::new(Wasi::new(log.clone())));
        let state = State {
            meter: Meter::new(limits, Arc::clone(&self.engine.ticks)),
            log,
            capability,
            wasi,
        };
        let mut store = Store::new(&self.engine.inner, state);
        store.limiter(|state| &mut state.meter);
        store.set_hostcall_fuel(call_bytes);
        store.set_max_component_handles(MAX_HANDLES);
        store.epoch_deadline_callback(|store| {
            if let Some(number) = signals::caught() {
                return Err(Interrupted(number).into());
            }
            let left = store.data().meter.ticks_left()?;
            Ok(UpdateDeadline::Continue(left.min(TICKS_PER_CHECK)))
        });
        store
    }
}

impl<W> Instance<W> {
    /// Calls into the component, under its time limit.
    pub(super) fn run<T>(
        &mut self,
        call: impl FnOnce(&mut Store<State>, &W) -> wasmtime::Result<T>,
    ) -> Result<T, Error> {
        signals::check()?;
        let meter = &mut self.store.data_mut().meter;
        let ticks = meter.guest_call_begins();
        // The bytes that earlier answers were charged with may have been too many.
        if let Err(exceeded) = meter.count_calls(1) {
            return Err(self.failure(FailureKind::Limit(exceeded)).into());
        }
        self.store.set_epoch_deadline(ticks.min(TICKS_PER_CHECK));
        call(&mut self.store, &self.world).map_err(|error| self.explain(error))
    }

    /// Charges the component for an answer that the host keeps, and refuses an answer that is too long at once.
    pub(super) fn charge_answer(&mut self, bytes: usize) -> Result<(), Error> {
        let meter = &mut self.store.data_mut().meter;
        meter.charge_bytes(bytes);
        let counted = meter.count_calls(0);
        counted.map_err(|exceeded| self.failure(FailureKind::Limit(exceeded)).into())
    }

    /// The error behind a failed call: a signal, a step on the output, the system, or the component.
    fn explain(&self, error: wasmtime::Error) -> Error {
        if let Some(Interrupted(number)) = error.downcast_ref() {
            return Error::Signal(*number);
        }
        match error.downcast::<OutputError>() {
            Ok(error) => error.into(),
            Err(error) => self.explain_other(&error),
        }
    }

    /// The error behind wasmtime's: the system did not give what an instance needs, or the component failed.
    fn explain_other(&self, error: &wasmtime::Error) -> Error {
        let errno = |cause: &(dyn std::error::Error + 'static)| match cause.downcast_ref::<Errno>()
        {
            Some(errno) => Some(*errno),
            None => Errno::from_io_error(cause.downcast_ref()?),
        };
        if let Some(errno) = error.chain().find_map(errno) {
            let path = format!("memory of the component `{}`", self.name);
            let error = OsError::new("mmap, mprotect, memfd_create, fcntl or write", path, errno);
            return Error::system("start a component")(error);
        }
        let limits = self.store.data().meter.limits();
        failure::of_call(&self.name, error, limits).into()
    }

    /// The data that the instance carries.
    pub(super) fn state(&mut self) -> &mut State {
        self.store.data_mut()
    }

    /// A failure of this component.
    pub(super) fn failure(&self, kind: FailureKind) -> ComponentFailure {
        ComponentFailure::new(&*self.name, kind)
    }

    /// The error of a component whose answer breaks the contract.
    pub(super) fn invalid_answer(&self, cause: String) -> Error {
        self.failure(FailureKind::Answer(cause)).into()
    }
}
