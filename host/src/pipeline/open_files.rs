//! How many files may be kept open between looking at them and linking them.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};

use rlimit::{Resource, getrlimit, setrlimit};
use rustix::io::Errno;

use crate::error::Error;
use crate::fs::OsError;

/// A number of files that may still be kept.
pub struct OpenFileBudget(AtomicUsize);

impl OpenFileBudget {
    /// More would gain nothing measurable and cost the kernel memory.
    const MOST: usize = 16_384;
    /// For everything else that the process has open: half of what there is, within these bounds.
    const RESERVE: std::ops::RangeInclusive<usize> = 64..=2048;

    /// What the process's limit leaves, after raising it as far as the system allows.
    ///
    /// To be called before the first thread is started: the kernel's table of open files grows by doubling, and each
    /// time it waits for all threads to be out of the old one, some 10 ms. Alone there is nobody to wait for.
    ///
    /// # Errors
    ///
    /// So few can be opened that a run would fail in the middle, and then could not even open what it has to remove.
    pub fn of_process() -> Result<Self, Error> {
        let wanted = (Self::MOST + Self::RESERVE.end()) as u64;
        let (mut current, maximum) = limits();
        let allowed = maximum.min(wanted);
        if allowed > current && setrlimit(Resource::NOFILE, allowed, maximum).is_ok() {
            current = allowed;
        }
        let current = usize::try_from(current.min(wanted)).unwrap_or(usize::MAX);
        grow_table(current);
        try_out(OF_THE_PROCESS + OF_A_JOB)?;
        let kept = current.saturating_sub(reserve(current));
        Ok(Self(AtomicUsize::new(kept)))
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
    let bounds = OpenFileBudget::RESERVE;
    (limit / 2).clamp(*bounds.start(), *bounds.end())
}

/// Files that one job has open at the most: six kept directories each for reading, for linking from and for
/// writing to, and two more in passing.
const OF_A_JOB: usize = 20;
/// Files that the process has open besides: standard streams, roots, staging directories, a few in passing.
const OF_THE_PROCESS: usize = 20;

/// How many jobs the limit of open files allows, beside the files that are kept.
pub fn most_jobs() -> usize {
    let limit = usize::try_from(limits().0).unwrap_or(usize::MAX);
    (reserve(limit).min(limit).saturating_sub(OF_THE_PROCESS) / OF_A_JOB).max(1)
}

/// Opens so many files for a moment. Those that the process was started with count too, so the limit alone says too little.
fn try_out(count: usize) -> Result<(), Error> {
    let mut opened = Vec::with_capacity(count);
    for _ in 0..count {
        match rustix::io::fcntl_dupfd_cloexec(std::io::stderr().as_fd(), 0) {
            Ok(file) => opened.push(file),
            Err(errno @ (Errno::MFILE | Errno::NFILE)) => {
                let what = format!("have {count} more files open at once");
                let fault = OsError::new("fcntl", "standard error", errno);
                return Err(Error::system(what)(fault));
            }
            // Whatever this is, it does not say how many.
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

/// How many files may be open, and how far that can be raised.
fn limits() -> (u64, u64) {
    /// The least that POSIX lets a system allow. A system that does not answer has a filter that does not know the call.
    const LEAST: u64 = 20;
    getrlimit(Resource::NOFILE).unwrap_or((LEAST, LEAST))
}

/// Makes the kernel's table of open files hold `size`, by using its last place for a moment.
fn grow_table(size: usize) {
    let last = i32::try_from(size.saturating_sub(1)).unwrap_or(i32::MAX);
    // If it fails the table grows later, which costs time and nothing else.
    let _ = rustix::io::fcntl_dupfd_cloexec(std::io::stderr().as_fd(), last);
}
