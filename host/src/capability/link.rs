//! Ways to give a file of the source one more name in the output.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

use super::{Fault, TreePath};

/// What the user allows with `--link`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkMode {
    /// Hard links, or an error that says why not.
    #[default]
    Hard,
    /// Copies that share their blocks until one of them is changed (btrfs, XFS), or an error.
    Reflink,
    /// Copies.
    Copy,
    /// The best that the disk does, counted in the report: hard link, then reflink, then copy.
    Auto,
}

/// How a file got into the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The source's own inode under one more name.
    Hard,
    /// A new inode that shares the blocks.
    Reflink,
    /// A new inode with blocks of its own.
    Copy,
}

impl Method {
    /// What to try when the disk refuses this one; `None` means the refusal is the answer.
    pub fn fallback(self) -> Option<Self> {
        match self {
            Self::Hard => Some(Self::Reflink),
            Self::Reflink => Some(Self::Copy),
            Self::Copy => None,
        }
    }
}

impl LinkMode {
    /// What is tried first.
    pub fn first(self) -> Method {
        match self {
            Self::Hard | Self::Auto => Method::Hard,
            Self::Reflink => Method::Reflink,
            Self::Copy => Method::Copy,
        }
    }

    /// What is tried after `method` has been refused.
    pub fn next(self, method: Method) -> Option<Method> {
        match self {
            Self::Auto => method.fallback(),
            Self::Hard | Self::Reflink | Self::Copy => None,
        }
    }
}

/// Gives the file behind `file` (opened with `O_PATH`) the name `to` below `root`.
///
/// The link is made from the handle, not from a name, so that it is the very file that was looked at.
pub(super) fn hard(
    file: BorrowedFd<'_>,
    root: BorrowedFd<'_>,
    to: TreePath<'_>,
) -> Result<(), Fault> {
    /// Linking an empty path needs a capability before Linux 6.10. Then the way round over `/proc` is taken, for
    /// the rest of the run.
    static BY_PROC: AtomicBool = AtomicBool::new(false);
    if !BY_PROC.load(Ordering::Relaxed) {
        match retry(|| rustix::fs::linkat(file, "", root, to.as_str(), AtFlags::EMPTY_PATH)) {
            // The target's directory exists: its maker saw to that. So it is the handle that is refused.
            Err(Errno::NOENT) => BY_PROC.store(true, Ordering::Relaxed),
            answer => return answer.map_err(|errno| Fault::new("linkat", to.as_str(), errno)),
        }
    }
    let from = format!("/proc/self/fd/{}", file.as_raw_fd());
    retry(|| rustix::fs::linkat(CWD, &from, root, to.as_str(), AtFlags::SYMLINK_FOLLOW))
        .map_err(|errno| Fault::new("linkat", to.as_str(), errno))
}

/// Fills a new file with the blocks (`Method::Reflink`) or the bytes of `from`.
pub(super) fn duplicate(
    method: Method,
    from: &std::fs::File,
    root: BorrowedFd<'_>,
    to: TreePath<'_>,
) -> Result<(), Fault> {
    let file = create(root, to)?;
    if method == Method::Reflink {
        return rustix::fs::ioctl_ficlone(&file, from)
            .map_err(|errno| Fault::new("ioctl FICLONE", to.as_str(), errno));
    }
    let mut file = std::fs::File::from(file);
    let mut from = from;
    std::io::copy(&mut from, &mut file)
        .map(drop)
        .map_err(|error| Fault::from_io("copy_file_range", to.as_str(), &error))
}

/// Makes a new, empty file. A name that is taken is an error (`EEXIST`), so nothing is ever opened
/// for writing that was there before.
pub(super) fn create(root: BorrowedFd<'_>, to: TreePath<'_>) -> Result<OwnedFd, Fault> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    retry(|| rustix::fs::openat(root, to.as_str(), flags, Mode::from_raw_mode(0o644)))
        .map_err(|errno| Fault::new("openat", to.as_str(), errno))
}

/// Repeats a call that a signal interrupted.
pub(super) fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            answer => return answer,
        }
    }
}

/// Whether two handles or names are the same file.
pub(super) fn same_file(
    file: impl AsFd,
    root: BorrowedFd<'_>,
    name: TreePath<'_>,
) -> Result<bool, Fault> {
    let one = rustix::fs::fstat(file).map_err(|errno| Fault::new("fstat", name.as_str(), errno))?;
    let other = rustix::fs::statat(root, name.as_str(), AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|errno| Fault::new("fstatat", name.as_str(), errno))?;
    Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

/// What to do about a refused link.
pub fn link_hint(errno: Errno) -> &'static str {
    match errno {
        Errno::XDEV => {
            "source and output are on different mounts (two mounts of one disk count as different, also a bind mount or a read-only mount \
             of the source); put both below one mount, or allow copies with --link auto"
        }
        Errno::PERM => {
            "the kernel lets only the owner of a file link it (fs.protected_hardlinks), and nobody an immutable file (`lsattr`); \
             run as the owner of the storage, or allow copies with --link auto"
        }
        Errno::MLINK => {
            "this file has as many names as the file system allows; remove old outputs, or allow a copy of it with --link auto"
        }
        Errno::ROFS => "the output is on a read-only mount",
        _ => "this file system does not do it; allow copies with --link auto",
    }
}
