//! Knowing without a system call that one of two trees does not have a name.
//!
//! Written files and linked files mostly go below different directories near the root. While such a directory does
//! not exist in a tree, nothing below it does, and need not be asked for: that would cost a run as much as writing a
//! quarter of its files.

use std::sync::atomic::{AtomicU64, Ordering};

use super::super::output::{EntryKind, OutputTree};
use super::super::{OsError, TreePath};

/// The depth of the directories that tell the parts of a storage apart. There are few of them.
const TOP: usize = 4;

/// Counts the directories that were made at most [`TOP`] deep in one tree, by all workers.
#[derive(Debug, Default)]
pub(in crate::fs) struct TopDirs(AtomicU64);

impl TopDirs {
    /// Counts a new directory.
    pub(in crate::fs) fn made(&self, path: TreePath<'_>) {
        if path.components().nth(TOP).is_none() {
            self.0.fetch_add(1, Ordering::Release);
        }
    }

    /// While this stays the same, a directory near the root that did not exist still does not exist.
    fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// The last directory near the root that a tree did not have, as one worker saw it.
#[derive(Default)]
pub(super) struct AbsentDir {
    path: String,
    /// The count of [`TopDirs`] at that time; `None` before the first.
    since: Option<u64>,
}

impl AbsentDir {
    /// The type of what has this name in a tree; `None` if it is free.
    pub(super) fn entry_kind(
        &mut self,
        tree: &OutputTree,
        path: TreePath<'_>,
    ) -> Result<Option<EntryKind>, OsError> {
        let Some(top) = path.ancestor(TOP) else {
            return tree.entry_kind(path);
        };
        // Counted before the system call, so that a directory made meanwhile counts as made later.
        let count = tree.top_dirs().count();
        if self.since == Some(count) && self.path == top.as_str() {
            return Ok(None);
        }
        match tree.entry_kind(top)? {
            None => {
                self.since = Some(count);
                self.path.clear();
                self.path.push_str(top.as_str());
                Ok(None)
            }
            Some(EntryKind::Directory) => tree.entry_kind(path),
            Some(EntryKind::Other) => Ok(Some(EntryKind::Other)),
        }
    }
}
