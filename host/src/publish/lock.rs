//! Locks that tell whether a run is at work on a directory.
//!
//! A lock is an exclusive `flock` on the directory itself. The kernel drops it when the run ends, however it ends.

use std::os::fd::OwnedFd;

use cap_std::fs::Dir;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::fs::{OsError, OsResultExt as _, is_same_inode, retry};

/// Opens and locks a directory, never what a symbolic link leads to. `None`: another run has locked it, or it is gone.
pub(super) fn lock(parent: &Dir, name: &str) -> Result<Option<OwnedFd>, OsError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match retry(|| rustix::fs::openat(parent, name, flags, Mode::empty())) {
        Ok(dir) => lock_opened(parent, name, dir),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno).during("openat", name),
    }
}

/// Locks an open directory, and makes sure that it still has its name.
fn lock_opened(parent: &Dir, name: &str, dir: OwnedFd) -> Result<Option<OwnedFd>, OsError> {
    match retry(|| rustix::fs::flock(&dir, FlockOperation::NonBlockingLockExclusive)) {
        Err(Errno::WOULDBLOCK) => return Ok(None),
        locked => locked.during("flock", name)?,
    }
    // Before it was locked, another run may have renamed or removed it.
    let opened = retry(|| rustix::fs::fstat(&dir)).during("fstat", name)?;
    match stat_named(parent, name) {
        Ok(named) if is_same_inode(&named, &opened) => Ok(Some(dir)),
        Ok(_) | Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno).during("fstatat", name),
    }
}

/// Asks the kernel about a name; a symbolic link is not followed.
pub(super) fn stat_named(parent: &Dir, name: &str) -> Result<Stat, Errno> {
    retry(|| rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{lock, lock_opened};
    use crate::fs::open_root;

    #[test]
    fn only_a_directory_that_is_not_locked_is_locked() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("free")).unwrap();
        fs::write(path("file"), "").unwrap();
        std::os::unix::fs::symlink("free", path("link")).unwrap();
        let parent = open_root(folder.path()).unwrap();
        assert!(lock(&parent, "file").is_err());
        assert!(lock(&parent, "link").is_err());
        assert!(lock(&parent, "nothing").unwrap().is_none());
        let locked = lock(&parent, "free").unwrap();
        assert!(locked.is_some());
        assert!(lock(&parent, "free").unwrap().is_none());
        drop(locked);
        assert!(lock(&parent, "free").unwrap().is_some());
    }

    #[test]
    fn a_directory_that_lost_its_name_is_not_locked() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("partial")).unwrap();
        let parent = open_root(folder.path()).unwrap();
        let opened = || fs::File::open(path("partial")).unwrap().into();
        assert!(lock_opened(&parent, "partial", opened()).unwrap().is_some());
        let before = opened();
        fs::rename(path("partial"), path("moved")).unwrap();
        assert!(lock_opened(&parent, "partial", before).unwrap().is_none());
        let before = fs::File::open(path("moved")).unwrap().into();
        fs::create_dir(path("partial")).unwrap();
        assert!(lock_opened(&parent, "partial", before).unwrap().is_none());
    }
}
