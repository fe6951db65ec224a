//! Ways to give a file of the source one more name in the output: hard link, reflink, copy.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxAttributes, StatxFlags};
use rustix::io::Errno;

use super::file_info::is_same_inode;
use super::retry::retry;
use super::{OsError, OsResultExt as _, TreePath};
use crate::signals;

/// The methods that the user allows with `--link`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LinkMode {
    /// Hard links, or an error that says why not
    #[default]
    Hard,
    /// Copies that share their blocks (btrfs, XFS), or an error
    Reflink,
    /// Copies
    Copy,
    /// The best that the disk does: hard links, else reflinks, else copies
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
    /// The method to try when the disk refuses this one; `None` means that the refusal is the answer.
    pub fn fallback(self) -> Option<Self> {
        match self {
            Self::Hard => Some(Self::Reflink),
            Self::Reflink => Some(Self::Copy),
            Self::Copy => None,
        }
    }

    /// Tells whether an error says that this method does not work here, and not that this one call failed.
    pub(super) fn is_refused_by(self, errno: Errno) -> bool {
        match self {
            // Another file system or mount, `fs.protected_hardlinks` or an immutable file, the most links
            // that one file can have, a file system without links.
            Self::Hard => matches!(
                errno,
                Errno::XDEV
                    | Errno::PERM
                    | Errno::MLINK
                    | Errno::OPNOTSUPP
                    | Errno::NOSYS
                    | Errno::ROFS
            ),
            Self::Reflink => matches!(
                errno,
                Errno::XDEV
                    | Errno::OPNOTSUPP
                    | Errno::INVAL
                    | Errno::NOTTY
                    | Errno::NOSYS
                    | Errno::TXTBSY
            ),
            Self::Copy => false,
        }
    }
}

impl LinkMode {
    /// The method that is tried first.
    pub fn first(self) -> Method {
        match self {
            Self::Hard | Self::Auto => Method::Hard,
            Self::Reflink => Method::Reflink,
            Self::Copy => Method::Copy,
        }
    }

    /// The method that is tried after `method` was refused.
    pub fn next(self, method: Method) -> Option<Method> {
        match self {
            Self::Auto => method.fallback(),
            Self::Hard | Self::Reflink | Self::Copy => None,
        }
    }
}

/// Gives the file behind `file` (opened with `O_PATH`) the name `to` below `root`.
///
/// The link is made from the handle, not from a name, so that it is the very file that was checked.
pub(super) fn hard(
    file: BorrowedFd<'_>,
    root: BorrowedFd<'_>,
    to: TreePath<'_>,
) -> Result<(), OsError> {
    /// Before Linux 6.10, linking an empty path needs a capability. Without it the handle is linked by its name in
    /// `/proc`, for the rest of the run.
    static BY_PROC: AtomicBool = AtomicBool::new(false);
    if !BY_PROC.load(Ordering::Relaxed) {
        match retry(|| rustix::fs::linkat(file, "", root, to.as_str(), AtFlags::EMPTY_PATH)) {
            // The target's directory exists, so it is the handle that is refused, unless the file has lost its last
            // name since it was opened.
            Err(Errno::NOENT) if !is_gone(file) => BY_PROC.store(true, Ordering::Relaxed),
            answer => return answer.during("linkat", to),
        }
    }
    let from = format!("/proc/self/fd/{}", file.as_raw_fd());
    retry(|| rustix::fs::linkat(CWD, &from, root, to.as_str(), AtFlags::SYMLINK_FOLLOW))
        .during("linkat", to)
}

/// Tells whether two handles are on different mounts or file systems. `false` where the kernel does not say.
pub(super) fn on_different_mounts(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    let mount = |file| {
        let fields = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
        retry(|| rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, fields))
            .map(|stat| (stat.stx_dev_major, stat.stx_dev_minor, stat.stx_mnt_id))
    };
    matches!((mount(one), mount(other)), (Ok(one), Ok(other)) if one != other)
}

/// Bytes that are copied between two checks for signals: a tenth of a second on a slow disk.
const CHUNK: usize = 8 << 20;
/// Bytes in one read where the kernel cannot copy by itself.
const BUFFER: usize = 256 << 10;

/// Makes a new file with the blocks (`Method::Reflink`) or the bytes of `from`. A copy fails with `ECANCELED` when a
/// signal asked the run to stop.
pub(super) fn duplicate(
    method: Method,
    from: &std::fs::File,
    root: BorrowedFd<'_>,
    to: TreePath<'_>,
) -> Result<(), OsError> {
    let file = create(root, to)?;
    if method == Method::Reflink {
        return retry(|| rustix::fs::ioctl_ficlone(&file, from)).during("ioctl FICLONE", to);
    }
    let mut by_hand: Option<Vec<u8>> = None;
    loop {
        if signals::caught().is_some() {
            return Err(Errno::CANCELED).during("copy_file_range", to);
        }
        let copied = match &mut by_hand {
            None => retry(|| rustix::fs::copy_file_range(from, None, &file, None, CHUNK)),
            Some(buffer) => Ok(copy_chunk(from, &file, buffer, to)?),
        };
        match copied {
            Ok(0) if by_hand.is_some() || is_at_end(from) => return Ok(()),
            Ok(count) if count > 0 => {}
            // Not between these two file systems, not for such a file, or not on this machine.
            Ok(_)
            | Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => {
                by_hand = Some(vec![0; BUFFER]);
            }
            Err(errno) => return Err(errno).during("copy_file_range", to),
        }
    }
}

/// Copies as much as fits into the buffer, and returns how much that was. `path` is for messages.
fn copy_chunk(
    from: &std::fs::File,
    to: &OwnedFd,
    buffer: &mut [u8],
    path: TreePath<'_>,
) -> Result<usize, OsError> {
    let count = retry(|| rustix::io::read(from, &mut *buffer)).during("read", path)?;
    let mut rest = &buffer[..count];
    while !rest.is_empty() {
        let written = retry(|| rustix::io::write(to, rest)).during("write", path)?;
        rest = &rest[written..];
    }
    Ok(count)
}

/// Tells whether a file was read to its end. For files that they cannot copy, some kernels say that nothing is left instead of
/// refusing.
fn is_at_end(file: &std::fs::File) -> bool {
    let size = retry(|| rustix::fs::fstat(file)).map(|stat| stat.st_size);
    let position = retry(|| rustix::fs::tell(file));
    matches!((size, position), (Ok(size), Ok(position)) if u64::try_from(size) == Ok(position))
}

/// Makes a new, empty file. A name that is taken is an error (`EEXIST`), so no existing file is ever opened for
/// writing.
pub(super) fn create(root: BorrowedFd<'_>, to: TreePath<'_>) -> Result<OwnedFd, OsError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    retry(|| rustix::fs::openat(root, to.as_str(), flags, Mode::from_raw_mode(0o644)))
        .during("openat", to)
}

/// Removes a name that this run has just made. `path` is for messages.
pub(super) fn remove(
    root: BorrowedFd<'_>,
    name: TreePath<'_>,
    path: TreePath<'_>,
) -> Result<(), OsError> {
    retry(|| rustix::fs::unlinkat(root, name.as_str(), AtFlags::empty())).during("unlinkat", path)
}

/// Tells whether a handle and a name are the same file.
pub(super) fn is_same_file(
    file: impl AsFd,
    root: BorrowedFd<'_>,
    name: TreePath<'_>,
) -> Result<bool, OsError> {
    let opened = retry(|| rustix::fs::fstat(&file)).during("fstat", name)?;
    let named = retry(|| rustix::fs::statat(root, name.as_str(), AtFlags::SYMLINK_NOFOLLOW))
        .during("fstatat", name)?;
    Ok(is_same_inode(&opened, &named))
}

/// Tells whether a file was removed: it has no name any more, and cannot get one.
pub(super) fn is_gone(file: BorrowedFd<'_>) -> bool {
    rustix::fs::fstat(file).is_ok_and(|stat| stat.st_nlink == 0)
}

/// Tells whether a file is immutable or append-only; such a file cannot be linked.
pub(super) fn is_fixed(file: BorrowedFd<'_>) -> bool {
    let flags = StatxAttributes::IMMUTABLE | StatxAttributes::APPEND;
    retry(|| rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS))
        .is_ok_and(|stat| stat.stx_attributes.intersects(flags))
}
