//! The trees that become one output.
//!
//! Behind the wall ([`super::Wall`]) a file that is written cannot be in the same tree as a link: see there. So links go
//! to one tree and written files to another, and when all is done the second is moved into the first ([`super::merge()`]).
//! Writers see one tree: a name that is taken in either is taken. Without the wall there is one tree.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use cap_std::fs::Dir;

use super::{
    Journal, LinkMode, Method, Occupied, OutputTree, Placed, SourceTree, There, TreePath,
    WriteError,
};

/// One worker's handle on an output.
pub struct OutputTrees {
    mode: LinkMode,
    /// Holds everything, or only links if there is the other.
    linked: OutputTree,
    /// Holds what is written.
    written: Option<OutputTree>,
}

impl OutputTrees {
    /// A handle on directories that are empty, or filled by other handles like this one.
    ///
    /// What is made is noted in the journal, by its path in the output.
    pub fn new(
        linked: Arc<Dir>,
        written: Option<Arc<Dir>>,
        mode: LinkMode,
        journal: &Journal,
    ) -> Self {
        // Of a pair, the first only links, and the second finds out by itself that it cannot.
        let first = match written {
            Some(_) => LinkMode::Hard,
            None => mode,
        };
        Self {
            mode,
            linked: OutputTree::new(linked, first, journal.another()),
            written: written.map(|dir| OutputTree::new(dir, mode, journal.another())),
        }
    }

    /// How content gets here.
    pub fn mode(&self) -> LinkMode {
        self.mode
    }

    /// See [`OutputTree::probe`]. To be called before the wall stands.
    pub fn probe(&self, source: &SourceTree, file: &OwnedFd) -> Result<Method, WriteError> {
        match &self.written {
            Some(written) => written.probe(source, file),
            None => self.linked.probe(source, file),
        }
    }

    /// See [`OutputTree::place`].
    pub fn place(
        &mut self,
        source: &SourceTree,
        from: TreePath<'_>,
        file: Option<BorrowedFd<'_>>,
        to: TreePath<'_>,
    ) -> Result<Placed, WriteError> {
        let Some(written) = &mut self.written else {
            return self.linked.place(source, from, file, to);
        };
        if self.mode.first() == Method::Hard {
            if written.taken(to)?.is_some() {
                return Err(Occupied.into());
            }
            match self.linked.place(source, from, file, to) {
                Err(WriteError::LinkRefused(_)) if self.mode.next(Method::Hard).is_some() => {}
                other => return other,
            }
        }
        if self.linked.taken(to)?.is_some() {
            return Err(Occupied.into());
        }
        written.place(source, from, file, to)
    }

    /// See [`OutputTree::write_new`].
    pub fn write_new(&mut self, to: TreePath<'_>, bytes: &[u8]) -> Result<bool, WriteError> {
        let Some(written) = &mut self.written else {
            return self.linked.write_new(to, bytes);
        };
        if self.linked.taken(to)?.is_some() {
            return Err(Occupied.into());
        }
        written.write_new(to, bytes)
    }

    /// See [`OutputTree::make_directory`].
    pub fn make_directory(&mut self, path: TreePath<'_>) -> Result<(), WriteError> {
        let Some(written) = &mut self.written else {
            return self.linked.make_directory(path);
        };
        match self.linked.taken(path)? {
            Some(There::Directory) => Ok(()),
            Some(There::Other) => Err(Occupied.into()),
            None => written.make_directory(path),
        }
    }
}
