//! Refused links, explained: which limit of the system it was, and which flag of the command line helps.

use std::os::fd::BorrowedFd;

use rustix::io::Errno;

use super::link::is_fixed;
use super::retry::retry;
use super::{OsError, TreePath};

/// A refused link: what the system said, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct Refusal {
    /// The failed call and its reason.
    pub cause: String,
    /// A sentence for the user, with the flags that help.
    pub hint: String,
}

impl Refusal {
    /// A system call on this file that failed.
    pub(super) fn of_call(error: &OsError, file: BorrowedFd<'_>) -> Self {
        Self {
            cause: error.to_string(),
            hint: hint(error.errno, file),
        }
    }

    /// A link that is not tried, because it would silently copy the file; see [`overlayfs`](super::overlayfs).
    pub(super) fn of_lower_layer(to: TreePath<'_>) -> Self {
        Self {
            cause: format!(
                "linkat {to}: not tried, because the file is in a lower layer of an overlay file system and linking it would copy \
                 all its data into the upper one"
            ),
            hint:
                "put source and output on one volume of their own, or allow copies with --link auto"
                    .into(),
        }
    }
}

/// Advice for a refused link.
fn hint(errno: Errno, file: BorrowedFd<'_>) -> String {
    match errno {
        Errno::XDEV => {
            "source and output are on different mounts (two mounts of one disk count as different, also a bind mount or a read-only mount \
             of the source, and two subvolumes); put both below one mount, or allow copies with --link auto"
                .into()
        }
        Errno::PERM => eperm_hint(file),
        Errno::MLINK => {
            let names = retry(|| rustix::fs::fstat(file)).map_or(0, |stat| stat.st_nlink);
            format!(
                "this file has {names} names, the most that the file system allows; remove old outputs, or allow a copy of it with --link auto"
            )
        }
        Errno::ROFS => "the output is on a read-only mount".into(),
        _ => "this file system does not support it; allow copies with --link auto".into(),
    }
}

/// Advice for `EPERM`, which has several causes; the file tells which it is.
fn eperm_hint(file: BorrowedFd<'_>) -> String {
    if is_fixed(file) {
        return "the file is immutable or append-only (see `lsattr`) and cannot be linked; \
                remove the flag with `chattr -i -a`, or allow a copy of it with --link auto"
            .into();
    }
    let user = rustix::process::geteuid().as_raw();
    match retry(|| rustix::fs::fstat(file)) {
        Ok(stat) if stat.st_uid != user => format!(
            "the file belongs to user {} and this is user {user}: the kernel lets only the owner link a file, or a user who may read and write it \
             (fs.protected_hardlinks); run as user {} or with CAP_FOWNER, or allow copies with --link auto",
            stat.st_uid, stat.st_uid
        ),
        _ => "the file system does not support hard links, or a security module forbids this one; allow copies with --link auto".into(),
    }
}
