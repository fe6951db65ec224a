//! What the system answered when it did not do what was asked.

use rustix::io::Errno;

/// A system call that failed: enough to act on at 3 a.m.
///
/// The number is kept, never only a kind: `EPERM` and `EACCES` mean different things, and so do the
/// several reasons for `EXDEV`.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{call} {path}: {}", describe(*errno))]
pub struct Fault {
    /// Name of the system call.
    pub call: &'static str,
    /// The path that it was given, relative to the tree or absolute.
    pub path: String,
    /// What it answered.
    pub errno: Errno,
}

impl Fault {
    /// Puts a failure down with the call and the path.
    pub fn new(call: &'static str, path: impl Into<String>, errno: Errno) -> Self {
        Self {
            call,
            path: path.into(),
            errno,
        }
    }

    /// For calls that go through the standard library.
    pub fn from_io(call: &'static str, path: impl Into<String>, error: &std::io::Error) -> Self {
        Self::new(call, path, Errno::from_io_error(error).unwrap_or(Errno::IO))
    }
}

/// The system's words, and what usually helps.
fn describe(errno: Errno) -> String {
    let hint = match errno {
        Errno::NOSPC => " (no space or no inodes left: compare `df` and `df -i`)",
        Errno::DQUOT => " (a disk quota is used up)",
        Errno::ROFS => " (mounted read-only)",
        Errno::MFILE => " (too many open files: raise `ulimit -n`)",
        Errno::NFILE => " (too many open files on this machine)",
        Errno::ACCESS => " (check owner and mode of the path and of the directories above it)",
        Errno::IO => " (the disk or the network file system reports an error: see `dmesg`)",
        _ => "",
    };
    format!("{}{hint}", std::io::Error::from(errno))
}
