//! Repeating calls that a signal interrupted.
//!
//! Our own signal handlers let the kernel restart what it can; but a debugger, a stopped and continued process, or a
//! network file system mounted with `intr` can make almost any call answer `EINTR`.

use std::io;

use rustix::io::Errno;

/// Repeats a call as long as it answers `EINTR`.
pub(crate) fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            answer => return answer,
        }
    }
}

/// Like [`retry`], for calls of the standard library, which repeats some of its calls by itself and others not.
pub(crate) fn retry_io<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            answer => return answer,
        }
    }
}
