//! Files that another process moves out of the source during a run.
//!
//! Under Landlock, a directory that has left the source is out of reach, also by a handle that was opened while it was
//! there: files in it can no longer be opened (`EACCES`) or linked (`EXDEV`). Elsewhere these errors mean owner and mode,
//! or another mount. The way from the root of the source tells whether the file is still in its place.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;

use super::super::{SourceTree, TreePath, WriteError, link};

/// How often a path is opened from the root. Once is enough unless a directory is moved away and back again in between;
/// an owner and a mode that forbid it do so each time.
const OPEN_ATTEMPTS: usize = 8;
/// How often a link is tried while the file is in its place. It may be moved back between the link and the check, again
/// and again.
const LINK_ATTEMPTS: usize = 16;

/// Where a path could not be opened from a kept directory (`EACCES`), opens it from the root.
pub(in crate::fs) fn or_from_root(
    from_kept: Result<OwnedFd, Errno>,
    from_root: impl Fn() -> Result<OwnedFd, Errno>,
) -> Result<OwnedFd, Errno> {
    let mut opened = from_kept;
    for _ in 0..OPEN_ATTEMPTS {
        if !matches!(opened, Err(Errno::ACCESS)) {
            break;
        }
        opened = from_root();
    }
    opened
}

/// Links a file of the source. Where that is refused as on another mount (`EXDEV`) although both are on one, fails with
/// the reason why `path` does not lead to the file any more.
pub(in crate::fs) fn hard_link(
    source: &SourceTree,
    path: TreePath<'_>,
    file: BorrowedFd<'_>,
    dir: BorrowedFd<'_>,
    name: TreePath<'_>,
) -> Result<(), WriteError> {
    let mut attempts = 0;
    loop {
        match link::hard(file, dir, name) {
            Err(error)
                if error.errno == Errno::XDEV
                    && attempts < LINK_ATTEMPTS
                    && !link::on_different_mounts(file, dir) =>
            {
                source
                    .expect_same_file(path, file)
                    .map_err(WriteError::Source)?;
                attempts += 1;
            }
            linked => return Ok(linked?),
        }
    }
}
