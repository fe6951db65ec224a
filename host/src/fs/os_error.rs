//! System calls that fail.

use std::fmt::Display;
use std::os::fd::AsFd;

use rustix::io::Errno;

/// A failed system call: its name, its path, the error number and what usually helps.
///
/// The number is kept, never only a kind: `EPERM` and `EACCES` mean different things, and so do the
/// several reasons for `EXDEV`.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{call} {path}: {}{reason}", describe(*errno))]
pub struct OsError {
    /// The name of the system call.
    pub call: &'static str,
    /// The path that the call was given, relative to the tree or absolute.
    pub path: String,
    /// The error number.
    pub errno: Errno,
    /// The usual reason in brackets, or nothing.
    reason: &'static str,
}

impl OsError {
    /// Names the call and the path of a failure.
    pub fn new(call: &'static str, path: impl Into<String>, errno: Errno) -> Self {
        Self {
            call,
            path: path.into(),
            errno,
            reason: usual_reason(errno),
        }
    }

    /// Like [`Self::new`], for calls that go through the standard library.
    pub fn from_io(call: &'static str, path: impl Into<String>, error: &std::io::Error) -> Self {
        Self::new(call, path, Errno::from_io_error(error).unwrap_or(Errno::IO))
    }

    /// Replaces the path, where the call was given only the last part of it.
    #[must_use]
    pub(crate) fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// For `ENOSPC`: finds out what has run out on the file system of `dir`, blocks or inodes.
    #[must_use]
    pub(crate) fn explain_enospc(mut self, dir: impl AsFd) -> Self {
        if self.errno == Errno::NOSPC
            && let Ok(free) = rustix::fs::fstatvfs(dir)
        {
            self.reason = what_ran_out(&free);
        }
        self
    }
}

/// Names the call and the path of a failure where it happens: `retry(|| …).during("openat2", path)?`.
pub trait OsResultExt<T> {
    /// Turns the failure into an [`OsError`]. `path` is what the call was given, relative to the tree or absolute.
    fn during(self, call: &'static str, path: impl Display) -> Result<T, OsError>;
}

impl<T> OsResultExt<T> for Result<T, Errno> {
    fn during(self, call: &'static str, path: impl Display) -> Result<T, OsError> {
        self.map_err(|errno| OsError::new(call, path.to_string(), errno))
    }
}

impl<T> OsResultExt<T> for std::io::Result<T> {
    fn during(self, call: &'static str, path: impl Display) -> Result<T, OsError> {
        self.map_err(|error| OsError::from_io(call, path.to_string(), &error))
    }
}

/// A file system with fewer free blocks than this is full: one more directory may take that many at once.
const FEW_BLOCKS: u64 = 16;

fn what_ran_out(free: &rustix::fs::StatVfs) -> &'static str {
    if free.f_files > 0 && free.f_favail == 0 {
        " (no inodes are left, `df -i`: a release needs one for each link file and each directory)"
    } else if free.f_bavail < FEW_BLOCKS {
        " (no blocks are left, see `df`)"
    } else {
        " (blocks and inodes are left: a quota, or a directory that can take no more names)"
    }
}

/// The usual reason, and what helps.
fn usual_reason(errno: Errno) -> &'static str {
    match errno {
        Errno::NOSPC => " (no space or no inodes left: compare `df` and `df -i`)",
        Errno::DQUOT => " (a disk quota is used up)",
        Errno::ROFS => " (mounted read-only)",
        Errno::MFILE => " (too many open files: raise `ulimit -n`)",
        Errno::NFILE => " (too many open files on this machine)",
        Errno::ACCESS => " (check owner and mode of the path and of the directories above it)",
        Errno::IO => " (the disk or the network file system reports an error: see `dmesg`)",
        _ => "",
    }
}

/// The symbolic name, by which people search, and the system's words.
fn describe(errno: Errno) -> String {
    let words = std::io::Error::from(errno);
    match NAMES.iter().find(|(known, _)| *known == errno) {
        Some((_, name)) => format!("{name}: {words}"),
        None => words.to_string(),
    }
}

/// The error numbers that file systems answer with.
const NAMES: &[(Errno, &str)] = &[
    (Errno::ACCESS, "EACCES"),
    (Errno::AGAIN, "EAGAIN"),
    (Errno::BADF, "EBADF"),
    (Errno::BUSY, "EBUSY"),
    (Errno::DQUOT, "EDQUOT"),
    (Errno::EXIST, "EEXIST"),
    (Errno::FBIG, "EFBIG"),
    (Errno::INTR, "EINTR"),
    (Errno::INVAL, "EINVAL"),
    (Errno::IO, "EIO"),
    (Errno::ISDIR, "EISDIR"),
    (Errno::LOOP, "ELOOP"),
    (Errno::MFILE, "EMFILE"),
    (Errno::MLINK, "EMLINK"),
    (Errno::NAMETOOLONG, "ENAMETOOLONG"),
    (Errno::NFILE, "ENFILE"),
    (Errno::NODEV, "ENODEV"),
    (Errno::NOENT, "ENOENT"),
    (Errno::NOLCK, "ENOLCK"),
    (Errno::NOMEM, "ENOMEM"),
    (Errno::NOSPC, "ENOSPC"),
    (Errno::NOSYS, "ENOSYS"),
    (Errno::NOTDIR, "ENOTDIR"),
    (Errno::NOTEMPTY, "ENOTEMPTY"),
    (Errno::NXIO, "ENXIO"),
    (Errno::OPNOTSUPP, "EOPNOTSUPP"),
    (Errno::OVERFLOW, "EOVERFLOW"),
    (Errno::PERM, "EPERM"),
    (Errno::PIPE, "EPIPE"),
    (Errno::ROFS, "EROFS"),
    (Errno::STALE, "ESTALE"),
    (Errno::TIMEDOUT, "ETIMEDOUT"),
    (Errno::TXTBSY, "ETXTBSY"),
    (Errno::XDEV, "EXDEV"),
];

#[cfg(test)]
mod tests {
    use super::{Errno, OsError};

    #[test]
    fn a_message_names_call_path_error_and_reason() {
        let text = |errno| OsError::new("openat2", "a/b", errno).to_string();
        assert_eq!(
            text(Errno::PERM),
            "openat2 a/b: EPERM: Operation not permitted (os error 1)"
        );
        assert!(
            text(Errno::MFILE).ends_with("(os error 24) (too many open files: raise `ulimit -n`)")
        );
    }
}
