//! The interface `source`: reading files below the root of a storage.

use crate::wasm::bindings::{source, types};
use crate::wasm::roles::reader::SourceHost;
use crate::wasm::state::{Answer, Capability, State, not_this_role};

impl State {
    fn source(&mut self) -> Result<&mut SourceHost, types::Failure> {
        match &mut self.capability {
            Capability::Source(source) => Ok(source),
            _ => not_this_role("source"),
        }
    }
}

impl source::Host for State {
    fn read_link(&mut self, path: String) -> Answer<String> {
        self.host_call(|state| state.source()?.read_link(&path))
    }

    fn read_blob(&mut self, path: String, expected: Option<String>) -> Answer<source::Blob> {
        self.sized_host_call(
            |state| state.source()?.read_blob(&path, expected.as_deref()),
            |blob| blob.bytes.len(),
        )
    }

    fn read_file(&mut self, path: String) -> Answer<Vec<u8>> {
        self.sized_host_call(|state| state.source()?.read_file(&path), Vec::len)
    }

    fn file_size(&mut self, path: String) -> Answer<u64> {
        self.host_call(|state| state.source()?.file_size(&path))
    }

    fn list_directory(&mut self, path: String, after: Option<String>) -> Answer<source::Page> {
        self.sized_host_call(
            |state| state.source()?.list_directory(&path, after.as_deref()),
            |page| size_of_val(&*page.entries),
        )
    }
}
