//! Components: found, checked, compiled and linked.

use std::sync::Arc;

use regcarve_types::{Algorithm, Digest};
use wasmtime::component::InstancePre;

use crate::error::{ComponentFailure, Error, FailureKind};
use crate::hash;
use crate::spec::ComponentSpec;
use crate::wasm::contract::{self, World};
use crate::wasm::engine::{load, shipped};
use crate::wasm::imports::log::GuestLog;
use crate::wasm::state::{Name, State};
use crate::wasm::{Engine, Role};

/// A component, ready to be instantiated.
pub struct Component {
    pub(super) name: Name,
    pub(super) log: GuestLog,
    sha256: Digest,
    role: Role,
    pub(super) engine: Engine,
    pub(super) pre: InstancePre<State>,
    /// Tells whether it imports WASI.
    pub(super) wasi: bool,
    has_audit: bool,
    imports: Vec<String>,
    size: usize,
}

/// Compiled code, with the digest and the length of the bytes that it was made from.
struct Code {
    component: wasmtime::component::Component,
    sha256: Digest,
    size: usize,
}

impl Component {
    /// Finds, checks, compiles and links a component for a role.
    pub fn load(
        engine: &Engine,
        role: Role,
        spec: &ComponentSpec,
        require_pin: bool,
    ) -> Result<Self, Error> {
        Self::find(engine, role, spec, require_pin)
            .and_then(|code| Self::link(engine, role, spec, code))
            .map_err(|kind| ComponentFailure::new(spec.to_string(), kind).into())
    }

    fn find(
        engine: &Engine,
        role: Role,
        spec: &ComponentSpec,
        require_pin: bool,
    ) -> Result<Code, FailureKind> {
        match spec {
            ComponentSpec::Shipped(name) => find_shipped(engine, role, name),
            ComponentSpec::File { path, pin } => {
                let bytes = load::read(path, engine.limits.component_bytes)?;
                let sha256 = hash::digest(Algorithm::Sha256, &bytes);
                match pin {
                    Some(pin) => check_pin(pin, &bytes)?,
                    None if require_pin => {
                        return Err(FailureKind::NotPinned(format!("{spec}@{sha256}")));
                    }
                    None => {}
                }
                Ok(Code {
                    size: bytes.len(),
                    component: engine
                        .code(sha256, || load::user_component(engine, sha256, bytes))?,
                    sha256,
                })
            }
        }
    }

    /// Proves that the code fits its role and its limits, and links what the role is given.
    fn link(
        engine: &Engine,
        role: Role,
        spec: &ComponentSpec,
        code: Code,
    ) -> Result<Self, FailureKind> {
        let world = World::of(engine, &code.component);
        world.check(role)?;
        contract::check_needs(&code.component, &engine.limits)?;
        let wasi = world.has_wasi();
        let pre = contract::link(engine, role, wasi)
            .and_then(|linker| linker.instantiate_pre(&code.component))
            .map_err(|error| world.unlinked(&error))?;
        let name: Name = spec.to_string().into();
        let log = GuestLog::new(
            Arc::clone(&name),
            Arc::clone(&engine.log),
            engine.limits.log_bytes,
        );
        Ok(Self {
            name,
            log,
            sha256: code.sha256,
            role,
            engine: engine.clone(),
            pre,
            wasi,
            has_audit: world.has_audit(),
            imports: world.imports,
            size: code.size,
        })
    }

    /// The name in messages: a shipped name, or the path of a file.
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

    /// Tells whether it exports the optional interface `audit`.
    pub fn has_audit(&self) -> bool {
        self.has_audit
    }

    /// Its length in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The role that it was loaded for.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The names of the components that this program carries for a role.
    pub fn shipped(role: Role) -> Vec<&'static str> {
        shipped::names(role).collect()
    }

    /// An error that is this component's fault.
    pub fn failed(&self, cause: String) -> ComponentFailure {
        ComponentFailure::new(&*self.name, FailureKind::Failed(cause))
    }
}

fn find_shipped(engine: &Engine, role: Role, name: &str) -> Result<Code, FailureKind> {
    let shipped = shipped::find(role, name).ok_or_else(|| FailureKind::Unknown {
        role,
        known: shipped::names(role).collect(),
    })?;
    let sha256 = Digest::sha256(shipped.sha256);
    Ok(Code {
        component: engine.code(sha256, || load::shipped_component(engine, shipped))?,
        sha256,
        size: shipped.wasm.len(),
    })
}

/// Proves that a file has the bytes that the user named.
fn check_pin(pin: &Digest, bytes: &[u8]) -> Result<(), FailureKind> {
    let found = hash::digest(pin.algorithm(), bytes);
    if found == *pin {
        return Ok(());
    }
    Err(FailureKind::Pin {
        pinned: Box::new(*pin),
        found: Box::new(found),
    })
}
