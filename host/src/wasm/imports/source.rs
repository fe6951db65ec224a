//! The interface `source`: reading files below the root of a storage.

use regcarve_types::Digest;

use crate::fs::{MAX_FILE, OsError, Page, ReadError, SourceTree, TreePath};
use crate::hash_map::HashMap;
use crate::wasm::bindings::{source, types};
use crate::wasm::convert::digest_in;
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

/// The capability of a reader: reading below one root.
pub(in crate::wasm) struct SourceHost {
    tree: SourceTree,
    /// Digests of blobs that the host has hashed, and their paths.
    verified: HashMap<Digest, String>,
    /// The first error of the system, kept so that no guest can make it look harmless.
    os_error: Option<OsError>,
}

impl SourceHost {
    pub(in crate::wasm) fn new(tree: SourceTree) -> Self {
        Self {
            tree,
            verified: HashMap::default(),
            os_error: None,
        }
    }

    pub(in crate::wasm) fn take_verified(&mut self) -> HashMap<Digest, String> {
        std::mem::take(&mut self.verified)
    }

    pub(in crate::wasm) fn take_os_error(&mut self) -> Option<OsError> {
        self.os_error.take()
    }

    fn read_link(&mut self, path: &str) -> Result<String, types::Failure> {
        self.ask(path, |tree, path| tree.read_link(path))
            .map(|digest| digest.to_string())
    }

    fn read_blob(
        &mut self,
        path: &str,
        expected: Option<&str>,
    ) -> Result<source::Blob, types::Failure> {
        let expected = expected.map(digest_in).transpose()?;
        let (digest, bytes) =
            self.ask(path, |tree, path| tree.read_blob(path, expected.as_ref()))?;
        self.verified.insert(digest, path.to_owned());
        Ok(source::Blob {
            digest: digest.to_string(),
            bytes,
        })
    }

    fn read_file(&mut self, path: &str) -> Result<Vec<u8>, types::Failure> {
        self.ask(path, |tree, path| tree.read_file(path, MAX_FILE))
    }

    fn file_size(&mut self, path: &str) -> Result<u64, types::Failure> {
        self.ask(path, |tree, path| tree.file_size(path))
    }

    fn list_directory(
        &mut self,
        path: &str,
        after: Option<&str>,
    ) -> Result<source::Page, types::Failure> {
        let page = match path {
            // The root has no name, and can only be listed.
            "" => {
                let listed = self.tree.list_root(after);
                self.answer(listed)
            }
            path => self.ask(path, |tree, path| tree.list(path, after)),
        }?;
        Ok(page_out(page))
    }

    fn ask<T>(
        &mut self,
        path: &str,
        question: impl FnOnce(&SourceTree, TreePath<'_>) -> Result<T, ReadError>,
    ) -> Result<T, types::Failure> {
        let path =
            TreePath::parse(path).map_err(|error| types::Failure::Refused(error.to_string()))?;
        let answered = question(&self.tree, path);
        self.answer(answered)
    }

    fn answer<T>(&mut self, answered: Result<T, ReadError>) -> Result<T, types::Failure> {
        answered.map_err(|error| match error {
            ReadError::NotFound => types::Failure::NotFound,
            ReadError::Damaged(text) => types::Failure::Damaged(text),
            ReadError::OsError(error) => {
                let text = error.to_string();
                self.os_error.get_or_insert(error);
                types::Failure::Other(text)
            }
        })
    }
}

fn page_out(page: Page) -> source::Page {
    let entries = page
        .entries
        .into_iter()
        .map(|entry| source::DirectoryEntry {
            name: entry.name,
            is_directory: entry.directory,
        });
    source::Page {
        entries: entries.collect(),
        more: page.more,
    }
}
