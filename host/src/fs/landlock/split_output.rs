//! One output in two trees: one for links, one for written files.

use std::sync::Arc;

use super::super::output::{EntryKind, OutputRoot, OutputTree};
use super::super::{
    LinkMode, Method, Occupied, OutputSink, Placed, SourceFile, SourceTree, TreePath, WriteError,
};
use super::absent::AbsentDir;

/// One worker's view of an output that is built in two trees. A name that is taken in either is taken.
pub struct SplitOutput {
    mode: LinkMode,
    /// Takes hard links only.
    links: OutputTree,
    /// Takes all that is written: small files, copies, reflinks.
    files: OutputTree,
    absent_in_links: AbsentDir,
    absent_in_files: AbsentDir,
}

impl SplitOutput {
    /// Takes directories that are empty, or filled by other values like this one.
    pub fn new(links: Arc<OutputRoot>, files: Arc<OutputRoot>, mode: LinkMode) -> Self {
        Self {
            mode,
            links: OutputTree::new(links, LinkMode::Hard),
            // Finds out by itself that it takes no hard links.
            files: OutputTree::new(files, mode),
            absent_in_links: AbsentDir::default(),
            absent_in_files: AbsentDir::default(),
        }
    }

    fn kind_in_links(&mut self, path: TreePath<'_>) -> Result<Option<EntryKind>, WriteError> {
        Ok(self.absent_in_links.entry_kind(&self.links, path)?)
    }

    fn kind_in_files(&mut self, path: TreePath<'_>) -> Result<Option<EntryKind>, WriteError> {
        Ok(self.absent_in_files.entry_kind(&self.files, path)?)
    }
}

impl OutputSink for SplitOutput {
    fn mode(&self) -> LinkMode {
        self.mode
    }

    fn place(
        &mut self,
        source: &SourceTree,
        from: SourceFile<'_>,
        to: TreePath<'_>,
    ) -> Result<Placed, WriteError> {
        if self.mode.first() == Method::Hard {
            if self.kind_in_files(to)?.is_some() {
                return Err(Occupied.into());
            }
            match self.links.place(source, from, to) {
                Err(WriteError::LinkRefused(_)) if self.mode.next(Method::Hard).is_some() => {}
                placed => return placed,
            }
        }
        if self.kind_in_links(to)?.is_some() {
            return Err(Occupied.into());
        }
        self.files.place(source, from, to)
    }

    fn write_new(&mut self, to: TreePath<'_>, bytes: &[u8]) -> Result<bool, WriteError> {
        if self.kind_in_links(to)?.is_some() {
            return Err(Occupied.into());
        }
        self.files.write_new(to, bytes)
    }

    fn make_directory(&mut self, path: TreePath<'_>) -> Result<(), WriteError> {
        match self.kind_in_links(path)? {
            Some(EntryKind::Directory) => Ok(()),
            Some(EntryKind::Other) => Err(Occupied.into()),
            None => self.files.make_directory(path),
        }
    }
}
