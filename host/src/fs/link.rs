//! Ways to give a file of the source one more name in the output.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxAttributes, StatxFlags};
use rustix::io::Errno;

pub(super) use super::retry::retry;
use super::{OsError, TreePath};
use crate::signals;

/// What the user allows with `--link`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LinkMode {
    /// Hard links, or an error that says why not
    #[default]
    Hard,
    /// Copies that share their blocks until one of them is changed (btrfs, XFS), or an error
    Reflink,
    /// Copies
    Copy,
    /// The best that the disk can do, counted in the report: hard links, else reflinks, else copies
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
) -> Result<(), OsError> {
    /// Linking an empty path needs a capability before Linux 6.10. Then the way round over `/proc` is taken, for
    /// the rest of the run.
    static BY_PROC: AtomicBool = AtomicBool::new(false);
    if !BY_PROC.load(Ordering::Relaxed) {
        match retry(|| rustix::fs::linkat(file, "", root, to.as_str(), AtFlags::EMPTY_PATH)) {
            // The target's directory exists: its maker saw to that. So it is the handle that is refused, unless the
            // file has lost its last name since it was opened.
            Err(Errno::NOENT) if !is_gone(file) => BY_PROC.store(true, Ordering::Relaxed),
            answer => return answer.map_err(|errno| OsError::new("linkat", to.as_str(), errno)),
        }
    }
    let from = format!("/proc/self/fd/{}", file.as_raw_fd());
    retry(|| rustix::fs::linkat(CWD, &from, root, to.as_str(), AtFlags::SYMLINK_FOLLOW))
        .map_err(|errno| OsError::new("linkat", to.as_str(), errno))
}

/// Whether two handles are on different mounts or file systems. Where the kernel does not say, they are not.
pub(super) fn are_apart(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    let place = |of| {
        let asked = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
        retry(|| rustix::fs::statx(of, "", AtFlags::EMPTY_PATH, asked))
            .map(|stat| (stat.stx_dev_major, stat.stx_dev_minor, stat.stx_mnt_id))
    };
    matches!((place(one), place(other)), (Ok(one), Ok(other)) if one != other)
}

/// Bytes that are copied before it is looked whether the run was asked to stop: a tenth of a second on a slow disk.
const PIECE: usize = 8 << 20;
/// Bytes in one read where the kernel does not copy by itself.
const BUFFER: usize = 256 << 10;

/// Fills a new file with the blocks (`Method::Reflink`) or the bytes of `from`. A copy ends with `ECANCELED` where the run
/// was asked to stop.
pub(super) fn duplicate(
    method: Method,
    from: &std::fs::File,
    root: BorrowedFd<'_>,
    to: TreePath<'_>,
) -> Result<(), OsError> {
    let file = create(root, to)?;
    if method == Method::Reflink {
        return retry(|| rustix::fs::ioctl_ficlone(&file, from))
            .map_err(|errno| OsError::new("ioctl FICLONE", to.as_str(), errno));
    }
    let fault = |call: &'static str, errno| OsError::new(call, to.as_str(), errno);
    let mut by_hand: Option<Vec<u8>> = None;
    loop {
        if signals::caught().is_some() {
            return Err(fault("copy_file_range", Errno::CANCELED));
        }
        let copied = match &mut by_hand {
            None => retry(|| rustix::fs::copy_file_range(from, None, &file, None, PIECE)),
            Some(buffer) => {
                let piece = copy_piece(from, &file, buffer);
                Ok(piece.map_err(|(call, errno)| fault(call, errno))?)
            }
        };
        match copied {
            Ok(0) if by_hand.is_some() || is_at_its_end(from) => return Ok(()),
            Ok(count) if count > 0 => {}
            // Not between these two file systems, not for such a file, or not on this machine.
            Ok(_)
            | Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => {
                by_hand = Some(vec![0; BUFFER]);
            }
            Err(errno) => return Err(fault("copy_file_range", errno)),
        }
    }
}

/// Copies as much as fits into the buffer; answers how much that was.
fn copy_piece(
    from: &std::fs::File,
    to: &OwnedFd,
    buffer: &mut [u8],
) -> Result<usize, (&'static str, Errno)> {
    let count = retry(|| rustix::io::read(from, &mut *buffer)).map_err(|errno| ("read", errno))?;
    let mut rest = &buffer[..count];
    while !rest.is_empty() {
        let written = retry(|| rustix::io::write(to, rest)).map_err(|errno| ("write", errno))?;
        rest = &rest[written..];
    }
    Ok(count)
}

/// Some kernels say that nothing is left of files that they cannot copy, instead of refusing.
fn is_at_its_end(file: &std::fs::File) -> bool {
    let size = retry(|| rustix::fs::fstat(file)).map(|stat| stat.st_size);
    let position = retry(|| rustix::fs::tell(file));
    matches!((size, position), (Ok(size), Ok(position)) if u64::try_from(size) == Ok(position))
}

/// Makes a new, empty file. A name that is taken is an error (`EEXIST`), so nothing is ever opened
/// for writing that was there before.
pub(super) fn create(root: BorrowedFd<'_>, to: TreePath<'_>) -> Result<OwnedFd, OsError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    retry(|| rustix::fs::openat(root, to.as_str(), flags, Mode::from_raw_mode(0o644)))
        .map_err(|errno| OsError::new("openat", to.as_str(), errno))
}

/// Takes a name away again that has just been made here. `whole` is the path for messages.
pub(super) fn remove(
    root: BorrowedFd<'_>,
    name: TreePath<'_>,
    whole: TreePath<'_>,
) -> Result<(), OsError> {
    retry(|| rustix::fs::unlinkat(root, name.as_str(), AtFlags::empty()))
        .map_err(|errno| OsError::new("unlinkat", whole.as_str(), errno))
}

/// Whether two handles or names are the same file.
pub(super) fn same_file(
    file: impl AsFd,
    root: BorrowedFd<'_>,
    name: TreePath<'_>,
) -> Result<bool, OsError> {
    let one = retry(|| rustix::fs::fstat(&file))
        .map_err(|errno| OsError::new("fstat", name.as_str(), errno))?;
    let other = retry(|| rustix::fs::statat(root, name.as_str(), AtFlags::SYMLINK_NOFOLLOW))
        .map_err(|errno| OsError::new("fstatat", name.as_str(), errno))?;
    Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

/// A link that the system refuses, with all that helps to find out why.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct Refusal {
    /// What the system said.
    pub cause: String,
    /// What to do.
    pub hint: String,
}

impl Refusal {
    /// Of a call on this file.
    pub(super) fn of_call(fault: &OsError, file: BorrowedFd<'_>) -> Self {
        Self {
            cause: fault.to_string(),
            hint: hint(fault.errno, file),
        }
    }

    /// Of our own: linking would copy.
    pub(super) fn of_lower_layer(to: TreePath<'_>) -> Self {
        Self {
            cause: format!(
                "linkat {to}: not even tried, since the file is in a lower layer of an overlay file system, and linking it would \
                 copy all its data into the upper one"
            ),
            hint:
                "put source and output on one volume of their own, or allow copies with --link auto"
                    .into(),
        }
    }
}

/// What to do about a refused link.
fn hint(errno: Errno, file: BorrowedFd<'_>) -> String {
    match errno {
        Errno::XDEV => {
            "source and output are on different mounts (two mounts of one disk count as different, also a bind mount or a read-only mount \
             of the source, and two subvolumes); put both below one mount, or allow copies with --link auto"
                .into()
        }
        Errno::PERM => why_not_permitted(file),
        Errno::MLINK => {
            let names = retry(|| rustix::fs::fstat(file)).map_or(0, |stat| stat.st_nlink);
            format!(
                "this file has {names} names, as many as the file system allows; remove old outputs, or allow a copy of it with --link auto"
            )
        }
        Errno::ROFS => "the output is on a read-only mount".into(),
        _ => "this file system does not do it; allow copies with --link auto".into(),
    }
}

/// `EPERM` has several causes, and the file tells which it is.
fn why_not_permitted(file: BorrowedFd<'_>) -> String {
    if is_fixed(file) {
        return "the file is immutable or append-only (`lsattr`), and such a file gets no more names; \
                remove the flag with `chattr -i -a`, or allow a copy of it with --link auto"
            .into();
    }
    let user = rustix::process::geteuid().as_raw();
    match retry(|| rustix::fs::fstat(file)) {
        Ok(stat) if stat.st_uid != user => format!(
            "the file belongs to user {} and this is user {user}: the kernel lets only the owner link a file, or who may read and write it \
             (fs.protected_hardlinks); run as user {} or with CAP_FOWNER, or allow copies with --link auto",
            stat.st_uid, stat.st_uid
        ),
        _ => "the file system has no hard links, or a security module forbids this one; allow copies with --link auto".into(),
    }
}

/// Whether a file has been removed: it has no name any more, and nothing can give it one.
pub(super) fn is_gone(file: BorrowedFd<'_>) -> bool {
    rustix::fs::fstat(file).is_ok_and(|stat| stat.st_nlink == 0)
}

/// Whether a file has one of the flags that forbid links.
pub(super) fn is_fixed(file: BorrowedFd<'_>) -> bool {
    let flags = StatxAttributes::IMMUTABLE | StatxAttributes::APPEND;
    retry(|| rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS))
        .is_ok_and(|stat| stat.stx_attributes.intersects(flags))
}
