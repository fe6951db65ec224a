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
use super::{OsError, OsResultExt as _, TreePath};

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

/// Opens a directory a second time, to list it: a handle remembers how far a listing got.
pub(super) fn reopen(directory: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    retry(|| rustix::fs::openat(directory, ".", flags, Mode::empty()))
}

/// Does what [`beneath`] does with `openat` alone.
fn step_by_step(root: BorrowedFd<'_>, path: TreePath<'_>, flags: OFlags) -> Result<OwnedFd, Errno> {
    let (parents, name) = path.split();
    let mut parent: Option<OwnedFd> = None;
    for component in parents.iter().flat_map(|parents| parents.components()) {
        let from = parent.as_ref().map_or(root, AsFd::as_fd);
        parent = Some(open_component(
            from,
            component,
            OFlags::PATH | OFlags::DIRECTORY,
        )?);
    }
    open_component(parent.as_ref().map_or(root, AsFd::as_fd), name, flags)
}

/// Opens one component of a path. `O_PATH` opens a symbolic link itself, as `openat2` does at the end of a path: it
/// cannot be followed from there, and its type says that it is not a file.
fn open_component(from: BorrowedFd<'_>, component: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = without_side_effects(flags);
    let opened = retry(|| rustix::fs::openat(from, component, flags, Mode::empty()));
    match opened {
        // With `O_DIRECTORY` a symbolic link gives `ENOTDIR`.
        Err(Errno::NOTDIR) if is_symlink(from, component) => Err(Errno::LOOP),
        other => other,
    }
}

/// Adds flags so that the file is closed on `exec`, a symbolic link at the end is not followed, a FIFO is not waited for
/// and a terminal does not become the process's own. `openat2` refuses flags that mean nothing together with `O_PATH`.
fn without_side_effects(flags: OFlags) -> OFlags {
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    if flags.contains(OFlags::PATH) {
        flags
    } else {
        flags | OFlags::NOCTTY | OFlags::NONBLOCK
    }
}

fn is_symlink(from: BorrowedFd<'_>, component: &str) -> bool {
    let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
    retry(|| rustix::fs::statat(from, component, flags)).is_ok_and(|stat| {
        rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Symlink
    })
}

/// Opens the root of a tree: a directory by an absolute path, or one relative to where the program was started. All
/// other files of a storage are opened below a root.
pub(crate) fn root(path: &Path) -> Result<Dir, OsError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    retry(|| rustix::fs::open(path, flags, Mode::empty()))
        .map(|file| Dir::from_std_file(file.into()))
        .during("open", path.display())
}

/// Tells whether this process may call `openat2`. Tried once, since a seccomp filter always gives the same answer.
fn has_openat2() -> bool {
    const UNKNOWN: u8 = 0;
    const YES: u8 = 1;
    const NO: u8 = 2;
    static ANSWER: AtomicU8 = AtomicU8::new(UNKNOWN);
    match ANSWER.load(Ordering::Relaxed) {
        UNKNOWN => {
            let flags = without_side_effects(OFlags::PATH);
            let has =
                retry(|| rustix::fs::openat2(CWD, ".", flags, Mode::empty(), BENEATH)).is_ok();
            ANSWER.store(if has { YES } else { NO }, Ordering::Relaxed);
            has
        }
        answer => answer == YES,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::fd::AsFd;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, openat2};
    use rustix::io::{Errno, FdFlags};

    use super::{has_openat2, reopen, root, step_by_step, without_side_effects};
    use crate::fs::TreePath;

    /// A folder with one file of each type, and links to them.
    fn file_types() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("directory/below")).unwrap();
        fs::write(path("file"), "").unwrap();
        fs::write(path("directory/file"), "").unwrap();
        rustix::fs::mknodat(CWD, path("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        drop(UnixListener::bind(path("socket")).unwrap());
        symlink("file", path("link")).unwrap();
        symlink("directory", path("link-to-directory")).unwrap();
        symlink("nothing", path("dangling")).unwrap();
        folder
    }

    #[test]
    fn both_walks_give_the_same_answers() {
        let folder = file_types();
        let tree = File::open(folder.path()).unwrap();
        let (read, path) = (OFlags::RDONLY, OFlags::PATH);
        let directory = OFlags::DIRECTORY;
        for (name, flags, expected) in [
            ("file", read, None),
            ("directory/file", read, None),
            ("directory/below", read | directory, None),
            ("directory/below", path | directory, None),
            ("file", path, None),
            // Its type tells that it is not a file; the open does not wait for a writer.
            ("fifo", read, None),
            // A link itself can be opened, but not followed.
            ("link", path, None),
            ("link", read, Some(Errno::LOOP)),
            ("link-to-directory", read, Some(Errno::LOOP)),
            ("dangling", read, Some(Errno::LOOP)),
            ("link-to-directory/file", read, Some(Errno::LOOP)),
            ("link-to-directory/file", path, Some(Errno::LOOP)),
            ("link/x", read, Some(Errno::LOOP)),
            ("dangling/x", read, Some(Errno::LOOP)),
            ("file", read | directory, Some(Errno::NOTDIR)),
            ("file/x", read, Some(Errno::NOTDIR)),
            ("fifo/x", read, Some(Errno::NOTDIR)),
            // Opened to read, a socket would say ENXIO.
            ("socket/x", read, Some(Errno::NOTDIR)),
            ("nothing", read, Some(Errno::NOENT)),
            ("nothing/x", read, Some(Errno::NOENT)),
            ("directory/nothing/x", read, Some(Errno::NOENT)),
        ] {
            let parsed = TreePath::parse(name).unwrap();
            let stepped = step_by_step(tree.as_fd(), parsed, flags);
            assert_eq!(
                stepped.as_ref().err(),
                expected.as_ref(),
                "{name} {flags:?}"
            );
            if let Ok(file) = &stepped {
                assert!(is_closed_on_exec(file), "{name}");
            }
            let walked = super::beneath(tree.as_fd(), parsed, flags);
            assert_eq!(walked.err(), expected, "{name} {flags:?}");
        }
    }

    #[test]
    fn opening_has_no_side_effects() {
        let opened = OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let held = opened | OFlags::PATH;
        assert_eq!(without_side_effects(OFlags::PATH), held);
        assert_eq!(
            without_side_effects(OFlags::RDONLY),
            opened | OFlags::NOCTTY | OFlags::NONBLOCK
        );
    }

    #[test]
    fn a_root_is_a_directory() {
        let folder = file_types();
        assert!(is_closed_on_exec(root(folder.path()).unwrap()));
        // The user's own path may lead over a symbolic link.
        root(&folder.path().join("link-to-directory")).unwrap();
        for name in ["file", "fifo", "nothing"] {
            let path = folder.path().join(name);
            let error = root(&path).unwrap_err().to_string();
            assert!(error.contains(path.to_str().unwrap()), "{error}");
        }
        assert!(root(Path::new("")).is_err());
    }

    #[test]
    fn a_reopened_directory_lists_from_the_start() {
        let folder = file_types();
        let first = File::open(folder.path()).unwrap();
        let all = || rustix::fs::Dir::new(reopen(first.as_fd()).unwrap()).unwrap();
        assert_eq!(all().count(), all().count());
        assert!(is_closed_on_exec(reopen(first.as_fd()).unwrap()));
    }

    #[test]
    fn openat2_is_used_where_the_kernel_has_it() {
        let has = openat2(CWD, "/", OFlags::PATH, Mode::empty(), ResolveFlags::empty()).is_ok();
        // The second answer is the remembered one.
        assert_eq!([has_openat2(), has_openat2()], [has, has]);
    }

    fn is_closed_on_exec(file: impl AsFd) -> bool {
        rustix::io::fcntl_getfd(file).is_ok_and(|flags| flags.contains(FdFlags::CLOEXEC))
    }
}
