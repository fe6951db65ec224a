//! Finding a component, proving what it is, making instances.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regcarve_names::{Algorithm, Digest};
use wasmtime::component::{HasSelf, InstancePre, Linker};
use wasmtime::{Store, UpdateDeadline};

use super::Engine;
use super::bindings::{content, log, output, source, types};
use super::failure::{ComponentFailure, Problem};
use super::limits::{MAX_HANDLES, Meter};
use super::log::GuestLog;
use super::shipped::{self, Shipped};
use super::state::{Name, Power, State};
use super::wasi::{self, Wasi};
use crate::capability::Fault;
use crate::error::{Error, StepFailed};
use crate::hash;

/// The longest component file, in bytes. A Python policy has about 40 MiB.
const MAX_COMPONENT: u64 = 128 << 20;

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
    fn export(self) -> &'static str {
        match self {
            Self::Selector => "regcarve:plugin/select@0.1.0",
            Self::Reader | Self::Layout => "regcarve:plugin/read@0.1.0",
            Self::Policy => "regcarve:plugin/decide@0.1.0",
            Self::Writer => "regcarve:plugin/write@0.1.0",
        }
    }

    /// The interfaces that a component of this role may import. A layout runs as reader or as writer; the half that
    /// is not in use is linked and refuses every call.
    fn imports(self) -> &'static [&'static str] {
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
    pub fn parse(text: &str) -> Result<Self, regcarve_names::DigestError> {
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
    sha256: Digest,
    role: Role,
    engine: Engine,
    pre: InstancePre<State>,
    wasi: bool,
}

impl Component {
    /// Finds, checks, compiles and links a component for a role.
    pub fn load(
        engine: &Engine,
        role: Role,
        spec: &ComponentSpec,
        require_pin: bool,
    ) -> Result<Self, ComponentFailure> {
        let shown = spec.to_string();
        let fail = |problem| ComponentFailure::new(&shown, problem);
        let (component, sha256) = match spec {
            ComponentSpec::Shipped(name) => {
                let shipped = shipped::find(role.shipped(), name).ok_or_else(|| {
                    fail(Problem::Unknown {
                        role,
                        known: shipped::names(role.shipped()).collect(),
                    })
                })?;
                let sha256 = Digest::sha256(shipped.sha256);
                let code = engine.code(sha256, || load_shipped(engine, shipped));
                (code.map_err(fail)?, sha256)
            }
            ComponentSpec::File { path, pin } => {
                let bytes = read(path).map_err(fail)?;
                let sha256 = hash::digest(Algorithm::Sha256, &bytes);
                match pin {
                    Some(pin) => {
                        let found = hash::digest(pin.algorithm(), &bytes);
                        if found != *pin {
                            return Err(fail(Problem::Pin {
                                pinned: *pin,
                                found,
                            }));
                        }
                    }
                    None if require_pin => {
                        return Err(fail(Problem::NotPinned(format!("{shown}@{sha256}"))));
                    }
                    None => {}
                }
                let code = engine.code(sha256, || compile(engine, &bytes));
                (code.map_err(fail)?, sha256)
            }
        };
        let wasi = check_world(engine, role, &component).map_err(fail)?;
        let pre = link(engine, role, wasi)
            .and_then(|linker| linker.instantiate_pre(&component))
            .map_err(|error| fail(Problem::Start(format!("{error:#}"))))?;
        Ok(Self {
            name: shown.as_str().into(),
            sha256,
            role,
            engine: engine.clone(),
            pre,
            wasi,
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

    /// What it was loaded for.
    pub fn role(&self) -> Role {
        self.role
    }

    /// A fresh instance with a power, made by the generated code of its world.
    pub(super) fn instantiate<W>(
        &self,
        power: Power,
        make: impl FnOnce(&InstancePre<State>, &mut Store<State>) -> wasmtime::Result<W>,
    ) -> Result<Instance<W>, Error> {
        let limits = self.engine.limits.clone();
        let log = GuestLog::new(
            Arc::clone(&self.name),
            Arc::clone(&self.engine.log),
            limits.log_bytes,
        );
        let call_bytes = limits.call_bytes;
        let wasi = self.wasi.then(|| Box::new(Wasi::new(log.clone())));
        let meter = Meter::new(limits, Arc::clone(&self.engine.ticks));
        let mut store = Store::new(
            &self.engine.inner,
            State {
                meter,
                log,
                power,
                wasi,
            },
        );
        store.limiter(|state| &mut state.meter);
        store.set_hostcall_fuel(call_bytes);
        store.set_max_component_handles(MAX_HANDLES);
        store.epoch_deadline_callback(|store| {
            Ok(UpdateDeadline::Continue(store.data().meter.ticks_left()?))
        });
        let mut instance = Instance {
            name: Arc::clone(&self.name),
            store,
            world: (),
        };
        let world = instance.run(|store, ()| make(&self.pre, store))?;
        Ok(Instance {
            name: instance.name,
            store: instance.store,
            world,
        })
    }
}

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
        let ticks = self.store.data_mut().meter.call_begins();
        self.store.set_epoch_deadline(ticks);
        call(&mut self.store, &self.world).map_err(|error| match error.downcast::<StepFailed>() {
            Ok(step) => step.into(),
            Err(error) => ComponentFailure::from_call(&self.name, &error).into(),
        })
    }

    /// What the component carries.
    pub(super) fn state(&mut self) -> &mut State {
        self.store.data_mut()
    }

    /// A failure of this component.
    pub(super) fn fail(&self, problem: Problem) -> ComponentFailure {
        ComponentFailure::new(&self.name, problem)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let fault = |call, error: &std::io::Error| {
        Problem::Unreadable(Fault::from_io(call, path.display().to_string(), error))
    };
    let file = std::fs::File::open(path).map_err(|error| fault("open", &error))?;
    let size = file
        .metadata()
        .map_err(|error| fault("fstat", &error))?
        .len();
    if size > MAX_COMPONENT {
        return Err(Problem::TooLarge {
            size,
            limit: MAX_COMPONENT,
        });
    }
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(file, MAX_COMPONENT), &mut bytes)
        .map_err(|error| fault("read", &error))?;
    Ok(bytes)
}

/// Compiles bytes of a user, after looking what they are: wasmtime's own messages are for wasmtime's developers.
fn compile(engine: &Engine, bytes: &[u8]) -> Result<wasmtime::component::Component, Problem> {
    let not = |found, hint| Err(Problem::NotAComponent { found, hint });
    if wasmtime::Engine::detect_precompiled(bytes).is_some() {
        return not(
            "native code that was compiled ahead of time",
            "such code cannot be checked and is never loaded from a user; give the `.wasm` that it was made of",
        );
    }
    match bytes {
        [] => return not("an empty file", "was it cut off while it was copied?"),
        [b'\0', b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => {}
        [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => {
            return not(
                "a core module",
                "build for the target wasm32-wasip2, or wrap it with `wasm-tools component new`",
            );
        }
        [b'\0', b'a', b's', b'm', ..] => {
            return not(
                "WebAssembly of an unknown version",
                "was it cut off while it was copied?",
            );
        }
        [b'(', ..] => {
            return not(
                "WebAssembly in its text form",
                "translate it with `wasm-tools parse`",
            );
        }
        _ => {
            return not(
                "something else",
                "a component begins with the bytes `\\0asm`",
            );
        }
    }
    wasmtime::component::Component::from_binary(&engine.inner, bytes)
        .map_err(|error| Problem::Invalid(format!("{error:#}")))
}

fn load_shipped(
    engine: &Engine,
    shipped: &Shipped,
) -> Result<wasmtime::component::Component, Problem> {
    match load_native(engine, shipped.native) {
        Ok(component) => Ok(component),
        // A machine that is older than the baseline, or an engine that had to be set up in another way.
        Err(_) => compile(engine, shipped.wasm),
    }
}

/// Loads native code that this program carries.
#[expect(
    unsafe_code,
    reason = "the only way to load native code; see the argument below"
)]
fn load_native(engine: &Engine, code: &[u8]) -> wasmtime::Result<wasmtime::component::Component> {
    // SAFETY: `code` must come unchanged from wasmtime's own compiler. The only callers pass bytes that the build
    // script got from `precompile_component` and embedded in this very executable; whoever can change
    // them can change the executable. Wasmtime itself refuses other versions and settings.
    unsafe { wasmtime::component::Component::deserialize(&engine.inner, code) }
}

/// Proves that a component has the exports of its role and asks for no more than its role is given.
/// Returns whether it imports WASI.
fn check_world(
    engine: &Engine,
    role: Role,
    component: &wasmtime::component::Component,
) -> Result<bool, Problem> {
    let world = component.component_type();
    let mut wasi = false;
    let mut foreign = Vec::new();
    for (name, _) in world.imports(&engine.inner) {
        match name
            .strip_prefix("regcarve:plugin/")
            .and_then(|name| name.split_once('@'))
        {
            Some((interface, version))
                if role.imports().contains(&interface) && version.starts_with("0.1.") => {}
            _ if name.starts_with("wasi:") => wasi = true,
            _ => foreign.push(format!("`{name}`")),
        }
    }
    if !foreign.is_empty() {
        let newer = foreign
            .iter()
            .any(|name| name.contains("regcarve:plugin/") && !name.contains("@0.1."));
        let hint = if newer {
            "it was built for another version of regcarve; this one speaks 0.1"
        } else {
            "a component can only do what its world lists; see `wit/worlds.wit`"
        };
        return Err(Problem::Import {
            role,
            imports: foreign,
            hint,
        });
    }
    if component.get_export_index(None, role.export()).is_none() {
        let found: Vec<_> = world
            .exports(&engine.inner)
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let found = if found.is_empty() {
            "nothing".into()
        } else {
            found.join(", ")
        };
        return Err(Problem::WrongRole {
            role,
            missing: role.export(),
            found,
        });
    }
    Ok(wasi)
}

/// Links what the role is given.
fn link(engine: &Engine, role: Role, wasi: bool) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(&engine.inner);
    for interface in role.imports() {
        match *interface {
            "types" => types::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?,
            "log" => log::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?,
            "source" => source::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?,
            "output" => output::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?,
            _ => content::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?,
        }
    }
    if wasi {
        wasi::link(&mut linker)?;
    }
    Ok(linker)
}
