//! The trees that become one output.
//!
//! Behind the wall ([`super::super::Ruleset`]) a file that is written cannot be in the same tree as a link: see there. So links go
//! to one tree and written files to another, and when all is done the second is moved into the first ([`super::super::merge()`]).
//! Writers see one tree: a name that is taken in either is taken. Without the wall there is one tree.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::super::output::TOP;
use super::super::{
    EntryKind, LinkMode, Method, Occupied, OutputRoot, OutputTree, Placed, SourceFile, SourceTree,
    TreePath, WriteError,
};

/// One worker's handle on an output.
pub struct SplitOutput {
    mode: LinkMode,
    /// Holds everything, or only links if there is the other.
    linked: OutputTree,
    /// Holds what is written.
    written: Option<OutputTree>,
    /// Of the tree with links, and of the one with written files.
    absent: (Absent, Absent),
}

/// A directory near the root that a tree does not have, although the other one has it. As long as it is not made, all below it
/// is absent too, and need not be looked for: that would cost a run as much as writing a quarter of its files.
#[derive(Default)]
struct Absent {
    top: String,
    /// When that was seen. `None`: nothing was seen yet.
    since: Option<u64>,
}

impl Absent {
    /// What has this name in a tree.
    fn look(
        &mut self,
        tree: &OutputTree,
        path: TreePath<'_>,
    ) -> Result<Option<EntryKind>, WriteError> {
        let Some(top) = path.top(TOP) else {
            return tree.taken(path);
        };
        // Before the look, so that what is made meanwhile counts as made later.
        let now = tree.tops();
        if self.since == Some(now) && self.top == top.as_str() {
            return Ok(None);
        }
        match tree.taken(top)? {
            None => {
                self.since = Some(now);
                self.top.clear();
                self.top.push_str(top.as_str());
                Ok(None)
            }
            Some(EntryKind::Directory) => tree.taken(path),
            Some(EntryKind::Other) => Ok(Some(EntryKind::Other)),
        }
    }
}

impl SplitOutput {
    /// A handle on directories that are empty, or filled by other handles like this one.
    pub fn new(linked: Arc<OutputRoot>, written: Option<Arc<OutputRoot>>, mode: LinkMode) -> Self {
        // Of a pair, the first only links, and the second finds out by itself that it cannot.
        let first = match written {
            Some(_) => LinkMode::Hard,
            None => mode,
        };
        Self {
            mode,
            linked: OutputTree::new(linked, first),
            written: written.map(|dir| OutputTree::new(dir, mode)),
            absent: Default::default(),
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
        from: SourceFile<'_>,
        to: TreePath<'_>,
    ) -> Result<Placed, WriteError> {
        let Some(written) = &mut self.written else {
            return self.linked.place(source, from, to);
        };
        if self.mode.first() == Method::Hard {
            if self.absent.1.look(written, to)?.is_some() {
                return Err(Occupied.into());
            }
            match self.linked.place(source, from, to) {
                Err(WriteError::LinkRefused(_)) if self.mode.next(Method::Hard).is_some() => {}
                other => return other,
            }
        }
        if self.absent.0.look(&self.linked, to)?.is_some() {
            return Err(Occupied.into());
        }
        written.place(source, from, to)
    }

    /// See [`OutputTree::write_new`].
    pub fn write_new(&mut self, to: TreePath<'_>, bytes: &[u8]) -> Result<bool, WriteError> {
        let Some(written) = &mut self.written else {
            return self.linked.write_new(to, bytes);
        };
        if self.absent.0.look(&self.linked, to)?.is_some() {
            return Err(Occupied.into());
        }
        written.write_new(to, bytes)
    }

    /// See [`OutputTree::make_directory`].
    pub fn make_directory(&mut self, path: TreePath<'_>) -> Result<(), WriteError> {
        let Some(written) = &mut self.written else {
            return self.linked.make_directory(path);
        };
        match self.absent.0.look(&self.linked, path)? {
            Some(EntryKind::Directory) => Ok(()),
            Some(EntryKind::Other) => Err(Occupied.into()),
            None => written.make_directory(path),
        }
    }
}
