//! What an instance carries with it: its capability, its meter, its log.

use std::sync::Arc;

use crate::wasm::bindings::{content, log, output, source, types};
use crate::wasm::engine::limits::Meter;
use crate::wasm::imports::log::{GuestLog, LogLevel};
use crate::wasm::imports::wasi::Wasi;
use crate::wasm::roles::policy::ContentHost;
use crate::wasm::roles::reader::SourceHost;
use crate::wasm::roles::writer::OutputHost;
use crate::wasm::watch::Call;

/// The data of a store.
pub(super) struct State {
    pub(super) meter: Meter,
    pub(super) log: GuestLog,
    pub(super) capability: Capability,
    /// Only for components that import WASI.
    pub(super) wasi: Option<Box<Wasi>>,
}

/// What an instance may do. One of these, never two.
pub(super) enum Capability {
    /// A selector, or any component while it is only described.
    Nothing,
    /// A reader.
    Source(SourceHost),
    /// A policy.
    Content(ContentHost),
    /// A writer.
    Output(Box<OutputHost>),
}

impl State {
    /// Runs a call of the guest into the host: counts it, has it watched and takes its time off the guest's account.
    pub(super) fn host_call<T>(
        &mut self,
        call: Call,
        work: impl FnOnce(&mut Self) -> T,
    ) -> wasmtime::Result<T> {
        let since = self.meter.host_called(call)?;
        let answer = work(self);
        self.meter.host_returns(since);
        Ok(answer)
    }

    /// A call whose answer counts by its size, too.
    fn lend<T>(
        &mut self,
        call: Call,
        work: impl FnOnce(&mut Self) -> Result<T, types::Failure>,
        size: impl FnOnce(&T) -> usize,
    ) -> Answer<T> {
        let answer = self.host_call(call, work)?;
        if let Ok(answer) = &answer {
            self.meter.charge_bytes(size(answer));
        }
        Ok(answer)
    }
}

/// The failure that says that this role does not have this call.
pub(super) fn not_this_role<T>(needed: &str) -> Result<T, types::Failure> {
    Err(types::Failure::Refused(format!(
        "this component runs in a role without `{needed}`"
    )))
}

impl types::Host for State {}

impl log::Host for State {
    fn log(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            log::Level::Error => LogLevel::Error,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Info => LogLevel::Info,
            log::Level::Debug => LogLevel::Debug,
        };
        self.host_call(Call::Free, |state| state.log.write(level, &message))
    }
}

/// What calls of a guest give back.
type Answer<T> = wasmtime::Result<Result<T, types::Failure>>;

impl source::Host for State {
    fn read_link(&mut self, path: String) -> Answer<String> {
        self.host_call(Call::ReadLink, |state| state.source()?.read_link(&path))
    }

    fn read_blob(&mut self, path: String, expected: Option<String>) -> Answer<source::Blob> {
        self.lend(
            Call::ReadBlob,
            |state| state.source()?.read_blob(&path, expected.as_deref()),
            |blob| blob.bytes.len(),
        )
    }

    fn read_file(&mut self, path: String) -> Answer<Vec<u8>> {
        self.lend(
            Call::ReadFile,
            |state| state.source()?.read_file(&path),
            Vec::len,
        )
    }

    fn file_size(&mut self, path: String) -> Answer<u64> {
        self.host_call(Call::FileSize, |state| state.source()?.file_size(&path))
    }

    fn list_directory(&mut self, path: String, after: Option<String>) -> Answer<source::Page> {
        self.lend(
            Call::ListDirectory,
            |state| state.source()?.list_directory(&path, after.as_deref()),
            |page| size_of_val(&*page.entries),
        )
    }
}

impl output::Host for State {
    fn hard_link(&mut self, content: String, to: String) -> Answer<()> {
        let call = match &self.capability {
            Capability::Output(output) if output.may_copy() => Call::Free,
            _ => Call::HardLink,
        };
        self.write(call, |output| output.hard_link(&content, &to))
    }

    fn write_link(&mut self, to: String, target: String) -> Answer<()> {
        self.write(Call::WriteLink, |output| output.write_link(&to, &target))
    }

    fn write_file(&mut self, to: String, bytes: Vec<u8>) -> Answer<()> {
        self.meter.charge_bytes(bytes.len());
        self.write(Call::WriteFile, |output| output.write_file(&to, &bytes))
    }

    fn make_directory(&mut self, path: String) -> Answer<()> {
        self.write(Call::MakeDirectory, |output| output.make_directory(&path))
    }
}

impl content::Host for State {
    fn closure(&mut self, image: String) -> Answer<Vec<types::ClosureEntry>> {
        // From memory.
        self.lend(
            Call::Free,
            |state| match &mut state.capability {
                Capability::Content(content) => content.closure(&image),
                _ => not_this_role("content"),
            },
            |contents| size_of_val(&**contents),
        )
    }

    fn read_blob(&mut self, digest: String) -> Answer<Vec<u8>> {
        self.lend(
            Call::ReadContent,
            |state| match &mut state.capability {
                Capability::Content(content) => content.read_blob(&digest),
                _ => not_this_role("content"),
            },
            Vec::len,
        )
    }
}

impl State {
    fn source(&mut self) -> Result<&mut SourceHost, types::Failure> {
        match &mut self.capability {
            Capability::Source(source) => Ok(source),
            _ => not_this_role("source"),
        }
    }

    /// A step on the output. The outer error ends the run.
    fn write(
        &mut self,
        call: Call,
        step: impl FnOnce(&mut OutputHost) -> Answer<()>,
    ) -> Answer<()> {
        self.host_call(call, |state| match &mut state.capability {
            Capability::Output(output) => step(output),
            _ => Ok(not_this_role("output")),
        })?
    }
}

/// Names are shared by many messages.
pub(super) type Name = Arc<str>;
