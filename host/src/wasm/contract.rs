//! The contract of `wit`: worlds of the roles, versions, linking.
//!
//! A component is held against it before any of it runs: its exports, its imports, its needs, all read from its
//! types. Each thing that can be wrong has its own message, since the person who reads it most often is not the one who
//! wrote the component.

use semver::Version;
use wasmtime::component::{HasSelf, Linker};

use crate::error::{FailureKind, LimitExceeded};
use crate::wasm::bindings::{content, log, output, source, types};
use crate::wasm::engine::limits::{MAX_MEMORIES, MAX_TABLES};
use crate::wasm::imports::wasi;
use crate::wasm::state::State;
use crate::wasm::{Engine, Limits, Role};

/// The version of the contract in `wit` that this program supports. A component that was built for the same
/// track (0.1) fits, as long as it does not use what a later release added.
const CONTRACT: Version = Version::new(0, 1, 0);

/// The interfaces of the contract that a component may import in one role or another.
const IMPORTS: [&str; 5] = ["types", "log", "content", "source", "output"];

/// The version of WASI that is offered; later ones have other interfaces.
const WASI: (u64, u64) = (0, 2);

/// WebAssembly counts memory in pages of this many bytes.
const PAGE: u64 = 64 << 10;

impl Role {
    /// The interface that a component of this role exports.
    fn export(self) -> &'static str {
        match self {
            Self::Selector => "select",
            Self::Reader | Self::Layout => "read",
            Self::Policy => "decide",
            Self::Writer => "write",
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
}

/// Imports and exports of a component, by their full names: `regcarve:plugin/log@0.1.0`.
pub(super) struct World {
    pub(super) imports: Vec<String>,
    exports: Vec<String>,
}

impl World {
    pub(super) fn of(engine: &Engine, component: &wasmtime::component::Component) -> Self {
        let types = component.component_type();
        let name = |name: &str| name.to_owned();
        Self {
            imports: types
                .imports(&engine.inner)
                .map(|(import, _)| name(import))
                .collect(),
            exports: types
                .exports(&engine.inner)
                .map(|(export, _)| name(export))
                .collect(),
        }
    }

    /// Tells whether it imports WASI.
    pub(super) fn has_wasi(&self) -> bool {
        self.imports.iter().any(|name| name.starts_with("wasi:"))
    }

    /// Tells whether it exports the optional interface of readers, `audit`.
    pub(super) fn has_audit(&self) -> bool {
        let mut exports = self.exports.iter().filter_map(|name| own(name));
        exports.any(|(interface, version)| interface == "audit" && fits(&version))
    }

    /// Proves that it has the export of its role and asks for no more than its role is given.
    pub(super) fn check(&self, role: Role) -> Result<(), FailureKind> {
        self.check_exports(role)?;
        let mut foreign = Vec::new();
        for name in &self.imports {
            match own(name) {
                Some((_, version)) if !fits(&version) => return Err(other_version(name, &version)),
                Some((interface, _)) if role.imports().contains(&interface) => {}
                // This version does not know it: it came with a later one.
                Some((interface, version))
                    if version > CONTRACT && !IMPORTS.contains(&interface) =>
                {
                    return Err(other_version(name, &version));
                }
                None if name.starts_with("wasi:") && is_offered_wasi(name) => {}
                _ => foreign.push(format!("`{name}`")),
            }
        }
        if foreign.is_empty() {
            return Ok(());
        }
        let hint = if self.imports.iter().any(|name| is_later_wasi(name)) {
            "build it for WASI 0.2 (wasm32-wasip2); later versions are not offered"
        } else {
            "a component can only do what its world lists; see `wit/worlds.wit`"
        };
        Err(FailureKind::Import {
            role,
            imports: foreign,
            hint,
        })
    }

    fn check_exports(&self, role: Role) -> Result<(), FailureKind> {
        let mut other = None;
        for name in &self.exports {
            match own(name) {
                Some((interface, version)) if interface == role.export() => {
                    if fits(&version) {
                        return Ok(());
                    }
                    other = Some(other_version(name, &version));
                }
                _ => {}
            }
        }
        Err(other.unwrap_or_else(|| FailureKind::WrongRole {
            role,
            missing: format!("regcarve:plugin/{}@{CONTRACT}", role.export()),
            found: self.found(),
            hint: self.hint(role),
        }))
    }

    /// The names of its exports, for people.
    fn found(&self) -> String {
        let names: Vec<_> = self
            .exports
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        match names.as_slice() {
            [] => "nothing".into(),
            names => names.join(", "),
        }
    }

    /// A hint for a user who gave this component the wrong role.
    fn hint(&self, role: Role) -> &'static str {
        let exports = |interface| {
            self.exports
                .iter()
                .filter_map(|name| own(name))
                .any(|(name, _)| name == interface)
        };
        if role != Role::Policy && exports("decide") {
            "it is a policy; give it with --policy"
        } else if role != Role::Selector && exports("select") {
            "it is a selector; give it with --selector"
        } else if exports("read") || exports("write") {
            "it is a storage format; give it before the path of a storage: FILE.wasm:PATH"
        } else if self.exports.iter().any(|name| name.starts_with("wasi:")) {
            "it is a program of its own, for another host; build a library for a world of `wit`"
        } else {
            "build it for its world in `wit/worlds.wit`; `regcarve policy new` makes a project that does"
        }
    }

    /// The failure of a component that cannot be linked although the names of all its imports are known: it needs a
    /// function or a type that does not exist.
    pub(super) fn unlinked(&self, error: &wasmtime::Error) -> FailureKind {
        let text = format!("{error:#}");
        let later = self.imports.iter().find_map(|name| {
            let (_, version) = own(name)?;
            // Not every interface that came with a later version has something new.
            (version > CONTRACT && text.contains(name.as_str()))
                .then(|| other_version(name, &version))
        });
        later.unwrap_or(FailureKind::Start(text))
    }
}

/// The interface and the version, for a name of the contract.
fn own(name: &str) -> Option<(&str, Version)> {
    let (interface, version) = name.strip_prefix("regcarve:plugin/")?.split_once('@')?;
    Some((interface, Version::parse(version).ok()?))
}

/// Tells whether a component that was built for this version is on the track of the contract.
fn fits(version: &Version) -> bool {
    (version.major, version.minor) == (CONTRACT.major, CONTRACT.minor) && version.pre.is_empty()
}

fn other_version(name: &str, version: &Version) -> FailureKind {
    FailureKind::Version {
        name: name.into(),
        supported: CONTRACT.to_string(),
        hint: if *version > CONTRACT {
            "update regcarve, or build the component for this version of `wit`"
        } else {
            "rebuild the component for this version of `wit`"
        },
    }
}

/// The version in the name of an interface of WASI.
fn wasi_version(name: &str) -> Option<Version> {
    let (_, version) = name.strip_prefix("wasi:")?.split_once('@')?;
    Version::parse(version).ok()
}

fn is_offered_wasi(name: &str) -> bool {
    wasi_version(name).is_some_and(|version| (version.major, version.minor) == WASI)
}

fn is_later_wasi(name: &str) -> bool {
    wasi_version(name).is_some_and(|version| (version.major, version.minor) > WASI)
}

/// Proves that the memory and the tables that a component starts with are within its limits, without starting it.
pub(super) fn check_needs(
    component: &wasmtime::component::Component,
    limits: &Limits,
) -> Result<(), FailureKind> {
    // Unknown for a component that is given modules; the limits hold all the same when it starts.
    let Some(needs) = component.resources_required() else {
        return Ok(());
    };
    let bytes = |pages: u64| usize::try_from(pages.saturating_mul(PAGE)).unwrap_or(usize::MAX);
    let memory = needs.max_initial_memory_size.map_or(0, bytes);
    let table = needs.max_initial_table_size.unwrap_or(0);
    let table = usize::try_from(table).unwrap_or(usize::MAX);
    if memory > limits.memory {
        return Err(FailureKind::Limit(LimitExceeded::Memory {
            requested: memory,
            limit: limits.memory,
        }));
    }
    if table > limits.table_elements {
        return Err(FailureKind::Limit(LimitExceeded::Table {
            requested: table,
            limit: limits.table_elements,
        }));
    }
    let too_many = |noun, number, limit| FailureKind::TooMany {
        noun,
        number,
        limit,
    };
    if needs.num_memories as usize > MAX_MEMORIES {
        return Err(too_many("memories", needs.num_memories, MAX_MEMORIES));
    }
    if needs.num_tables as usize > MAX_TABLES {
        return Err(too_many("tables", needs.num_tables, MAX_TABLES));
    }
    Ok(())
}

/// Links the imports of the role.
pub(super) fn link(engine: &Engine, role: Role, wasi: bool) -> wasmtime::Result<Linker<State>> {
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

#[cfg(test)]
mod tests {
    use super::{CONTRACT, World};
    use crate::wasm::Role;

    fn check(imports: &[&str], exports: &[&str]) -> Result<(), String> {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let world = World {
            imports: names(imports),
            exports: names(exports),
        };
        world
            .check(Role::Policy)
            .map_err(|problem| problem.to_string())
    }

    const DECIDE: &str = "regcarve:plugin/decide@0.1.0";

    #[test]
    fn the_track_decides() {
        for (import, export, expected) in [
            ("regcarve:plugin/log@0.1.0", DECIDE, None),
            (
                "regcarve:plugin/log@0.1.7",
                "regcarve:plugin/decide@0.1.7",
                None,
            ),
            ("wasi:cli/stdout@0.2.6", DECIDE, None),
            (
                "regcarve:plugin/history@0.1.7",
                DECIDE,
                Some("update regcarve"),
            ),
            ("regcarve:plugin/log@0.2.0", DECIDE, Some("update regcarve")),
            (
                "regcarve:plugin/log@0.1.1-rc.1",
                DECIDE,
                Some("other version"),
            ),
            (
                "regcarve:plugin/log@0.0.9",
                DECIDE,
                Some("rebuild the component"),
            ),
            (
                "regcarve:plugin/log@0.1.0",
                "regcarve:plugin/decide@0.2.0",
                Some("decide@0.2.0"),
            ),
            (
                "regcarve:plugin/source@0.1.0",
                DECIDE,
                Some("asks for more than a policy"),
            ),
            (
                "regcarve:plugin/source@0.1.7",
                DECIDE,
                Some("asks for more than a policy"),
            ),
            (
                "regcarve:plugin/history@0.1.0",
                DECIDE,
                Some("asks for more than a policy"),
            ),
            ("wasi:cli/stdout@0.3.0", DECIDE, Some("WASI 0.2")),
            (
                "acme:things/thing",
                DECIDE,
                Some("asks for more than a policy"),
            ),
            (
                "wasi:cli/stdout@0.2.6",
                "wasi:cli/run@0.2.6",
                Some("a program of its own"),
            ),
            (
                "regcarve:plugin/log@0.1.0",
                "regcarve:plugin/write@0.1.0",
                Some("FILE.wasm:PATH"),
            ),
            (
                "regcarve:plugin/log@0.1.0",
                "regcarve:plugin/select@0.1.0",
                Some("--selector"),
            ),
        ] {
            let found = check(&[import], &[export]);
            match expected {
                None => assert_eq!(found, Ok(()), "{import} {export}"),
                Some(text) => {
                    let message = found.expect_err(import);
                    assert!(message.contains(text), "{import} {export}: {message}");
                }
            }
        }
        let nothing = check(&[], &[]).unwrap_err();
        assert!(nothing.contains("exports nothing"), "{nothing}");
    }

    /// The version in `wit` and the constant here are the same.
    #[test]
    fn the_version_is_that_of_the_contract() {
        let worlds = include_str!("../../../wit/worlds.wit");
        assert!(worlds.contains(&format!("package regcarve:plugin@{CONTRACT};")));
    }
}
