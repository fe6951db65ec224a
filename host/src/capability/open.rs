//! Opening names below a directory, without ever following a symbolic link.
//!
//! Where the kernel has `openat2`, it does the whole walk under `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
//! RESOLVE_NO_MAGICLINKS` and no other process can swing a directory under it. Where it has not (before Linux
//! 5.6, or a seccomp filter that refuses the call), the walk is done here, one component after the other,
//! each opened relative to the one before and none followed. Both give the same verdicts.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

use cap_std::fs::Dir;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::retry::retry;
use super::{Fault, TreePath};

/// A rename that happens during the walk makes `openat2` answer `EAGAIN`; a storage under heavy use
/// may do that a few times in a row, an attacker without end.
const MAX_RETRIES: usize = 128;

const BENEATH: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS);

/// Opens `path` below `root`. A symbolic link anywhere on it gives `ELOOP`.
pub(super) fn beneath(
    root: BorrowedFd<'_>,
    path: TreePath<'_>,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let flags = without_side_effects(flags);
    if !has_openat2() {
        return step_by_step(root, path, flags);
    }
    for _ in 0..MAX_RETRIES {
        match rustix::fs::openat2(root, path.as_str(), flags, Mode::empty(), BENEATH) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            other => return other,
        }
    }
    Err(Errno::AGAIN)
}

/// A second handle on a directory, to list it: a handle remembers how far a listing got.
pub(super) fn again(directory: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    retry(|| rustix::fs::openat(directory, ".", flags, Mode::empty()))
}

/// The walk of [`beneath`] with `openat` alone.
fn step_by_step(root: BorrowedFd<'_>, path: TreePath<'_>, flags: OFlags) -> Result<OwnedFd, Errno> {
    let (parents, name) = path.split();
    let mut above: Option<OwnedFd> = None;
    for component in parents.iter().flat_map(|parents| parents.components()) {
        let from = above.as_ref().map_or(root, AsFd::as_fd);
        above = Some(open_one(from, component, OFlags::PATH | OFlags::DIRECTORY)?);
    }
    open_one(above.as_ref().map_or(root, AsFd::as_fd), name, flags)
}

/// Opens one component. `O_PATH` opens a symbolic link itself, as `openat2` does at the end of a path: it cannot be
/// followed from there, and whoever asked for a file sees that it is none.
fn open_one(from: BorrowedFd<'_>, component: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = without_side_effects(flags);
    let opened = retry(|| rustix::fs::openat(from, component, flags, Mode::empty()));
    match opened {
        // `O_DIRECTORY` hides a link behind `ENOTDIR`.
        Err(Errno::NOTDIR) if names_symlink(from, component) => Err(Errno::LOOP),
        other => other,
    }
}

/// Nothing is inherited, no last component followed, no FIFO waited for, no terminal taken over. `openat2` refuses
/// flags that mean nothing together with `O_PATH`.
fn without_side_effects(flags: OFlags) -> OFlags {
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    if flags.contains(OFlags::PATH) {
        flags
    } else {
        flags | OFlags::NOCTTY | OFlags::NONBLOCK
    }
}

fn names_symlink(from: BorrowedFd<'_>, component: &str) -> bool {
    let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
    retry(|| rustix::fs::statat(from, component, flags)).is_ok_and(|stat| {
        rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Symlink
    })
}

/// Opens a directory by an absolute path, or one relative to where the program was started: the root of a tree. Nothing
/// else in this program opens such a path.
pub(crate) fn root(path: &Path) -> Result<Dir, Fault> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    retry(|| rustix::fs::open(path, flags, Mode::empty()))
        .map(|file| Dir::from_std_file(file.into()))
        .map_err(|errno| Fault::new("open", path.display().to_string(), errno))
}

/// Whether this process may call `openat2`. Asked once: a filter does not change its mind.
fn has_openat2() -> bool {
    const UNKNOWN: u8 = 0;
    const YES: u8 = 1;
    const NO: u8 = 2;
    static ANSWER: AtomicU8 = AtomicU8::new(UNKNOWN);
    match ANSWER.load(Ordering::Relaxed) {
        UNKNOWN => {
            let flags = OFlags::PATH | OFlags::CLOEXEC;
            let has =
                retry(|| rustix::fs::openat2(CWD, ".", flags, Mode::empty(), BENEATH)).is_ok();
            ANSWER.store(if has { YES } else { NO }, Ordering::Relaxed);
            has
        }
        answer => answer == YES,
    }
}
