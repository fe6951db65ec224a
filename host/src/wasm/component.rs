//! Finding a component, proving what it is, making instances.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use regcarve_types::{Algorithm, Digest};
use rustix::io::Errno;
use wasmtime::component::InstancePre;
use wasmtime::{Store, UpdateDeadline};

use crate::error::{Error, OutputError};
use crate::fs::OsError;
use crate::hash;
use crate::signals;
use crate::wasm::Engine;
use crate::wasm::contract::{self, World};
use crate::wasm::engine::limits::{Limits, MAX_HANDLES, Meter};
use crate::wasm::engine::load;
use crate::wasm::engine::shipped;
use crate::wasm::failure::{ComponentFailure, FailureKind};
use crate::wasm::imports::log::GuestLog;
use crate::wasm::imports::wasi::Wasi;
use crate::wasm::state::{Capability, Name, State};

/// What a component is wanted for; the worlds of `wit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// From the text of a list to requests.
    Selector,
    /// From requests to images.
    Reader,
    /// What of a release stays.
    Policy,
    /// From images to files.
    Writer,
    /// What shipped readers and writers are: both.
    Layout,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Selector => "selector",
            Self::Reader => "reader",
            Self::Policy => "policy",
            Self::Writer => "writer",
            Self::Layout => "layout",
        })
    }
}

impl Role {
    /// The interface that a component of this role exports.
    pub(super) fn export(self) -> &'static str {
        match self {
            Self::Selector => "select",
            Self::Reader | Self::Layout => "read",
            Self::Policy => "decide",
            Self::Writer => "write",
        }
    }

    /// The interfaces that a component of this role may import. A layout runs as reader or as writer; the half that
    /// is not in use is linked and refuses every call.
    pub(super) fn imports(self) -> &'static [&'static str] {
        match self {
            Self::Selector => &["log"],
            Self::Reader | Self::Writer | Self::Layout => &["types", "log", "source", "output"],
            Self::Policy => &["types", "log", "content"],
        }
    }

    /// What shipped components of this role are kept as.
    fn shipped(self) -> Self {
        match self {
            Self::Reader | Self::Writer => Self::Layout,
            other => other,
        }
    }
}

/// How a user names a component: a shipped name, or a file with or without a pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComponentSpec {
    /// `registry`, `match`.
    Shipped(String),
    /// `./mine.wasm`, `./mine.wasm@sha256:…`.
    File {
        /// As the user wrote it.
        path: PathBuf,
        /// What its bytes must hash to.
        pin: Option<Digest>,
    },
}

impl ComponentSpec {
    /// A text with a `/` or with the ending `.wasm` is a file; anything else is a shipped name.
    pub fn parse(text: &str) -> Result<Self, regcarve_types::DigestError> {
        let (path, pin) = match text.split_once(".wasm@") {
            Some((stem, pin)) => (format!("{stem}.wasm"), Some(Digest::parse(pin)?)),
            None => (text.to_owned(), None),
        };
        if pin.is_none() && !path.contains('/') && !path.ends_with(".wasm") {
            return Ok(Self::Shipped(path));
        }
        Ok(Self::File {
            path: path.into(),
            pin,
        })
    }

    /// What its bytes must hash to, where the user says so.
    pub fn pin(&self) -> Option<Digest> {
        match self {
            Self::Shipped(_) => None,
            Self::File { pin, .. } => *pin,
        }
    }
}

impl fmt::Display for ComponentSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped(name) => f.write_str(name),
            Self::File { path, .. } => write!(f, "{}", path.display()),
        }
    }
}

/// A component, ready to be instantiated.
pub struct Component {
    name: Name,
    log: GuestLog,
    sha256: Digest,
    role: Role,
    engine: Engine,
    pre: InstancePre<State>,
    wasi: bool,
    has_audit: bool,
    imports: Vec<String>,
    size: usize,
}

impl Component {
    /// The digest of the bytes that a component would be loaded from, if there are any.
    pub fn digest_of(role: Role, spec: &ComponentSpec) -> Option<Digest> {
        match spec {
            ComponentSpec::Shipped(name) => {
                shipped::find(role.shipped(), name).map(|shipped| Digest::sha256(shipped.sha256))
            }
            // A pipe would give its bytes to this look, and nothing to the one that loads it.
            ComponentSpec::File { path, .. } => std::fs::metadata(path)
                .is_ok_and(|there| there.is_file())
                .then(|| load::read(path, Limits::default().component_bytes))?
                .ok()
                .map(|bytes| hash::digest(Algorithm::Sha256, &bytes)),
        }
    }

    /// Whether it could look at a clock, if only at one that stands still.
    pub fn sees_time(&self) -> bool {
        self.wasi
    }

    /// Finds, checks, compiles and links a component for a role.
    pub fn load(
        engine: &Engine,
        role: Role,
        spec: &ComponentSpec,
        require_pin: bool,
    ) -> Result<Self, ComponentFailure> {
        let shown = spec.to_string();
        let fail = |problem| ComponentFailure::new(&shown, problem);
        let (component, sha256, size) = match spec {
            ComponentSpec::Shipped(name) => {
                let shipped = shipped::find(role.shipped(), name).ok_or_else(|| {
                    fail(FailureKind::Unknown {
                        role,
                        known: shipped::names(role.shipped()).collect(),
                    })
                })?;
                let sha256 = Digest::sha256(shipped.sha256);
                let code = engine.code(sha256, || load::shipped(engine, shipped));
                (code.map_err(fail)?, sha256, shipped.wasm.len())
            }
            ComponentSpec::File { path, pin } => {
                let bytes = load::read(path, engine.limits.component_bytes).map_err(fail)?;
                let sha256 = hash::digest(Algorithm::Sha256, &bytes);
                match pin {
                    Some(pin) => {
                        let found = hash::digest(pin.algorithm(), &bytes);
                        if found != *pin {
                            return Err(fail(FailureKind::Pin {
                                pinned: Box::new(*pin),
                                found: Box::new(found),
                            }));
                        }
                    }
                    None if require_pin => {
                        return Err(fail(FailureKind::NotPinned(format!("{shown}@{sha256}"))));
                    }
                    None => {}
                }
                let size = bytes.len();
                let code = engine.code(sha256, || load::of_user(engine, sha256, bytes));
                (code.map_err(fail)?, sha256, size)
            }
        };
        let world = World::of(engine, &component);
        world.check(role).map_err(fail)?;
        contract::check_needs(&component, &engine.limits).map_err(fail)?;
        let wasi = world.has_wasi();
        let pre = contract::link(engine, role, wasi)
            .and_then(|linker| linker.instantiate_pre(&component))
            .map_err(|error| fail(world.unlinked(&error)))?;
        let name: Name = shown.as_str().into();
        let log = GuestLog::new(
            Arc::clone(&name),
            Arc::clone(&engine.log),
            engine.limits.log_bytes,
        );
        Ok(Self {
            name,
            log,
            sha256,
            role,
            engine: engine.clone(),
            pre,
            wasi,
            has_audit: world.has_audit(),
            imports: world.imports,
            size,
        })
    }

    /// How messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The digest of its bytes.
    pub fn sha256(&self) -> Digest {
        self.sha256
    }

    /// The interfaces that it imports: a true list of what it can do.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// Whether it exports the optional interface `audit`.
    pub fn has_audit(&self) -> bool {
        self.has_audit
    }

    /// Its length in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The names of the components that this program carries for a role.
    pub fn shipped(role: Role) -> Vec<&'static str> {
        shipped::names(role.shipped()).collect()
    }

    /// An error that is this component's fault.
    pub fn failed(&self, what: String) -> ComponentFailure {
        ComponentFailure::new(&self.name, FailureKind::GaveUp(what))
    }

    /// What it was loaded for.
    pub fn role(&self) -> Role {
        self.role
    }

    /// A fresh instance with a capability, made by the generated code of its world.
    pub(super) fn instantiate<W>(
        &self,
        capability: Capability,
        make: impl FnOnce(&InstancePre<State>, &mut Store<State>) -> wasmtime::Result<W>,
    ) -> Result<Instance<W>, Error> {
        self.engine.start_clock()?;
        let limits = self.engine.limits.clone();
        let log = self.log.clone();
        let call_bytes = limits.call_bytes;
        let wasi = self.wasi.then(|| Box::new(Wasi::new(log.clone())));
        let watched = self.engine.watch.over(Arc::clone(&self.name));
        let meter = Meter::new(limits, Arc::clone(&self.engine.ticks), watched);
        let mut store = Store::new(
            &self.engine.inner,
            State {
                meter,
                log,
                capability,
                wasi,
            },
        );
        store.limiter(|state| &mut state.meter);
        store.set_hostcall_fuel(call_bytes);
        store.set_max_component_handles(MAX_HANDLES);
        store.epoch_deadline_callback(|store| {
            if let Err(Error::Signal(number)) = signals::check() {
                return Err(Interrupted(number).into());
            }
            let left = store.data().meter.ticks_left()?;
            Ok(UpdateDeadline::Continue(left.min(ATTENTION)))
        });
        let mut instance = Instance {
            name: Arc::clone(&self.name),
            store,
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
}

/// After so many ticks of a guest it is looked whether somebody wants the run to stop: a tenth of a second.
const ATTENTION: u64 = 10;

/// A signal came while a guest was running.
#[derive(Debug, thiserror::Error)]
#[error("stopped by signal {0}")]
struct Interrupted(i32);

/// Tells a component that does not even start from one that fails at work.
#[derive(Debug, thiserror::Error)]
#[error("making an instance")]
pub(super) struct Starting;

/// A component at work.
pub(super) struct Instance<W> {
    pub(super) name: Name,
    store: Store<State>,
    world: W,
}

impl<W> Instance<W> {
    /// Calls into the component, under its time limit.
    pub(super) fn run<T>(
        &mut self,
        call: impl FnOnce(&mut Store<State>, &W) -> wasmtime::Result<T>,
    ) -> Result<T, Error> {
        signals::check()?;
        let meter = &mut self.store.data_mut().meter;
        let ticks = meter.call_begins();
        // What earlier answers were charged with may have been too much.
        if let Err(reached) = meter.count(1) {
            return Err(self.fail(FailureKind::Limit { reached }).into());
        }
        self.store.set_epoch_deadline(ticks.min(ATTENTION));
        call(&mut self.store, &self.world).map_err(|error| self.explain(error))
    }

    /// What a failed call means.
    fn explain(&self, error: wasmtime::Error) -> Error {
        if let Some(Interrupted(number)) = error.downcast_ref() {
            return Error::Signal(*number);
        }
        match error.downcast::<OutputError>() {
            Ok(step) => step.into(),
            Err(error) => self.explain_other(&error),
        }
    }

    /// What comes from wasmtime: the system, which did not give what an instance needs, or the component.
    fn explain_other(&self, error: &wasmtime::Error) -> Error {
        let errno = |cause: &(dyn std::error::Error + 'static)| match cause.downcast_ref::<Errno>()
        {
            Some(errno) => Some(*errno),
            None => Errno::from_io_error(cause.downcast_ref()?),
        };
        if let Some(errno) = error.chain().find_map(errno) {
            let path = format!("memory of the component `{}`", self.name);
            let fault = OsError::new("mmap, mprotect, memfd_create, fcntl or write", path, errno);
            return Error::system("start a component")(fault);
        }
        let limits = self.store.data().meter.limits();
        ComponentFailure::from_call(&self.name, error, limits).into()
    }

    /// What the component carries.
    pub(super) fn state(&mut self) -> &mut State {
        self.store.data_mut()
    }

    /// A failure of this component.
    pub(super) fn fail(&self, problem: FailureKind) -> ComponentFailure {
        ComponentFailure::new(&self.name, problem)
    }
}
