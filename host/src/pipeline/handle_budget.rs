//! How many files may be kept open between looking at them and linking them.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A number of files that may still be kept.
pub struct HandleBudget(AtomicUsize);

impl HandleBudget {
    /// More would gain nothing measurable and cost the kernel memory.
    const MOST: usize = 16_384;
    /// For everything else that the process has open.
    const RESERVE: usize = 64;

    /// What the process's limit leaves, after raising it as far as the system allows.
    ///
    /// To be called before the first thread is started: the kernel's table of open files grows by doubling, and each
    /// time it waits for all threads to be out of the old one, some 10 ms. Alone there is nobody to wait for.
    pub fn of_process() -> Self {
        let limit = getrlimit(Resource::Nofile);
        let wanted = (Self::MOST + Self::RESERVE) as u64;
        let allowed = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
        let mut current = limit.current.unwrap_or(wanted);
        if allowed > current {
            let raised = Rlimit {
                current: Some(allowed),
                maximum: limit.maximum,
            };
            if setrlimit(Resource::Nofile, raised).is_ok() {
                current = allowed;
            }
        }
        let current = usize::try_from(current)
            .unwrap_or(usize::MAX)
            .min(Self::MOST + Self::RESERVE);
        grow_table(current);
        Self(AtomicUsize::new(current.saturating_sub(Self::RESERVE)))
    }

    /// Nothing is kept.
    pub fn none() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// The file, if one more may be kept.
    pub fn keep(&self, file: OwnedFd) -> Option<OwnedFd> {
        let less = |left: usize| left.checked_sub(1);
        let kept = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        kept.ok().map(|_| file)
    }
}

/// Makes the kernel's table of open files hold `size`, by using its last place for a moment.
fn grow_table(size: usize) {
    let last = i32::try_from(size.saturating_sub(1)).unwrap_or(i32::MAX);
    // If it fails the table grows later, which costs time and nothing else.
    let _ = rustix::io::fcntl_dupfd_cloexec(std::io::stderr().as_fd(), last);
}
