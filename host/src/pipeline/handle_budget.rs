//! How many files may be kept open between looking at them and linking them.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A number of files that may still be kept.
pub struct HandleBudget(AtomicUsize);

impl HandleBudget {
    /// More would gain nothing measurable and cost the kernel memory.
    const MOST: usize = 16_384;
    /// For everything else that the process has open: half of what there is, within these bounds.
    const RESERVE: std::ops::RangeInclusive<usize> = 64..=2048;

    /// What the process's limit leaves, after raising it as far as the system allows.
    ///
    /// To be called before the first thread is started: the kernel's table of open files grows by doubling, and each
    /// time it waits for all threads to be out of the old one, some 10 ms. Alone there is nobody to wait for.
    pub fn of_process() -> Self {
        let limit = getrlimit(Resource::Nofile);
        let wanted = (Self::MOST + Self::RESERVE.end()) as u64;
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
            .min(Self::MOST + Self::RESERVE.end());
        grow_table(current);
        Self(AtomicUsize::new(current.saturating_sub(reserve(current))))
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

/// How many of `limit` open files are for everything but kept ones.
fn reserve(limit: usize) -> usize {
    let bounds = HandleBudget::RESERVE;
    (limit / 2).clamp(*bounds.start(), *bounds.end())
}

/// Files that one job has open at the most: six kept directories each for reading, for linking from and for
/// writing to, and two more in passing.
const OF_A_JOB: usize = 20;
/// Files that the process has open besides: standard streams, roots, staging directories, a few in passing.
const OF_THE_PROCESS: usize = 20;

/// How many jobs the limit of open files allows, beside the files that are kept.
pub fn most_jobs() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    (reserve(limit).min(limit).saturating_sub(OF_THE_PROCESS) / OF_A_JOB).max(1)
}

/// Makes the kernel's table of open files hold `size`, by using its last place for a moment.
fn grow_table(size: usize) {
    let last = i32::try_from(size.saturating_sub(1)).unwrap_or(i32::MAX);
    // If it fails the table grows later, which costs time and nothing else.
    let _ = rustix::io::fcntl_dupfd_cloexec(std::io::stderr().as_fd(), last);
}
