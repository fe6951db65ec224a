//! A session: engine, source, reader and progress; what every command with a storage needs.
//!
//! Order matters. Everything outside of the storages is read and opened first: inputs before [`Session::open`], components
//! and staging directories after it. Then [`Session::restrict`] confines the process, and only then a component is started.

use std::sync::Arc;

use super::open_files;
use super::workers;
use crate::error::Error;
use crate::fs::{Access, Ruleset, Sandbox, SourceTree};
use crate::progress::Progress;
use crate::signals;
use crate::spec::{ComponentSpec, StorageSpec};
use crate::wasm::roles::reader::Reader;
use crate::wasm::{Component, Engine, Role};

/// An open source and the means to work on it.
pub struct Session {
    /// Runs components.
    pub engine: Engine,
    /// The source.
    pub source: Arc<SourceTree>,
    /// The component that reads the source.
    pub reader: Component,
    /// The progress bar.
    pub progress: Progress,
    /// Refuses component files without a digest.
    require_pins: bool,
    /// The Landlock rules, until they are enforced.
    ruleset: Option<Ruleset>,
}

impl Session {
    /// Opens the source and loads its reader. From here on signals are deferred: all inputs have been read.
    pub fn open(
        source: &StorageSpec,
        engine: Engine,
        sandbox: Sandbox,
        require_pins: bool,
        progress: Progress,
    ) -> Result<Self, Error> {
        signals::defer();
        open_files::raise_limit()?;
        let ruleset = Ruleset::plan(sandbox)?;
        let tree = SourceTree::open(&source.path).map_err(Error::system("open the source"))?;
        let reader = Component::load(&engine, Role::Reader, &source.format, require_pins)?;
        Ok(Self {
            engine,
            source: Arc::new(tree),
            reader,
            progress,
            require_pins,
            ruleset: Some(ruleset),
        })
    }

    /// The Landlock rules, to add paths; `None` once they are enforced.
    pub fn ruleset(&mut self) -> Option<&mut Ruleset> {
        self.ruleset.as_mut()
    }

    /// Confines the process with Landlock: nothing outside of the storages can be opened any more. Returns the version of
    /// Landlock; 0 without.
    pub fn restrict(&mut self, access: Access) -> Result<i32, Error> {
        let Some(mut ruleset) = self.ruleset.take() else {
            return Ok(0);
        };
        self.source.allow(&mut ruleset, access)?;
        restrict(ruleset)
    }

    /// Loads a component. It is not started.
    pub fn load(&self, role: Role, spec: &ComponentSpec) -> Result<Component, Error> {
        Component::load(&self.engine, role, spec, self.require_pins)
    }

    /// Starts one more instance of the reader.
    pub fn start_reader(&self) -> Result<Reader, Error> {
        Reader::start(&self.reader, &self.source)
    }
}

/// Confines a command that has no storage: nothing can be opened any more.
pub fn restrict_all(sandbox: Sandbox) -> Result<(), Error> {
    restrict(Ruleset::plan(sandbox)?).map(drop)
}

fn restrict(ruleset: Ruleset) -> Result<i32, Error> {
    // Reads files of the system, which is impossible afterwards.
    workers::cpus();
    Ok(ruleset.restrict()?.abi.unwrap_or(0))
}
