//! Why something in the source cannot be read.

use rustix::io::Errno;

use super::{OsError, TreePath};

/// Why something in the source cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing has that name.
    #[error("there is no such file")]
    NotFound,
    /// Something has that name, but it is not what the storage format demands.
    #[error("{0}")]
    Damaged(String),
    /// A system call failed.
    #[error(transparent)]
    OsError(#[from] OsError),
}

impl ReadError {
    /// The reason why [`open::beneath`](super::open::beneath) failed.
    pub(super) fn cannot_open(path: TreePath<'_>, errno: Errno) -> Self {
        let damage = match errno {
            Errno::NOENT => return Self::NotFound,
            Errno::LOOP => "there is a symbolic link on its path",
            Errno::NOTDIR => "something on its path is not a directory",
            Errno::XDEV => "its path leads out of the storage (openat2: EXDEV)",
            // A FIFO without a reader, a device without a driver, or a socket.
            Errno::NXIO | Errno::NODEV => "it is not a regular file",
            errno => return OsError::new("openat2", path.as_str(), errno).into(),
        };
        Self::Damaged(damage.into())
    }

    /// A file that is not the one that was seen before.
    pub(super) fn another_file() -> Self {
        Self::Damaged("it was replaced or changed during the run".into())
    }
}
