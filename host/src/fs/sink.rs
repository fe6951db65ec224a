//! The steps that a writer may ask for, and how they end.

use super::{LinkMode, Method, OsError, ReadError, Refusal, SourceFile, SourceTree, TreePath};
use crate::signals::Interrupted;

/// Takes the steps of a writer: files that are linked, files that are written, directories.
///
/// A sink adds names and never changes what has one. Each worker has a sink of its own. Callers need not know how many
/// directories an output is built in: [`OutputTree`](super::OutputTree) is one,
/// [`SplitOutput`](super::landlock::SplitOutput) two of them.
pub trait OutputSink: Send {
    /// How files of the source are placed.
    fn mode(&self) -> LinkMode;

    /// Gives a file of the source the name `to`: the very same inode or a copy, as [`Self::mode`] allows.
    fn place(
        &mut self,
        source: &SourceTree,
        from: SourceFile<'_>,
        to: TreePath<'_>,
    ) -> Result<Placed, WriteError>;

    /// Writes a new file with these bytes. `false`: a file with the same bytes was there already.
    fn write_new(&mut self, to: TreePath<'_>, bytes: &[u8]) -> Result<bool, WriteError>;

    /// Makes a directory and its parents, unless they exist.
    fn make_directory(&mut self, path: TreePath<'_>) -> Result<(), WriteError>;
}

/// How a file was placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It got a new name, by this method.
    New(Method),
    /// The name already belonged to the same file.
    AlreadyThere,
}

/// The error for a name that is taken by something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name is taken by something else")]
pub struct Occupied;

/// Why a step was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The name is taken. The writer may handle this; nothing was changed.
    #[error(transparent)]
    Occupied(#[from] Occupied),
    /// The file of the source is gone, or is not the one that was seen before.
    #[error("{0}")]
    Source(ReadError),
    /// The system refuses this kind of link; the run cannot go on.
    #[error("cannot link from the source: {0}")]
    LinkRefused(Refusal),
    /// A signal asked the run to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// A system call failed; the run cannot go on.
    #[error(transparent)]
    OsError(#[from] OsError),
}
