//! The limit of open files (`ulimit -n`): it is raised as far as the system allows, and bounds the number of jobs.

use std::os::fd::AsFd;

use rlimit::{Resource, getrlimit, setrlimit};
use rustix::io::Errno;

use crate::error::Error;
use crate::fs::OsError;

/// Files that one job has open at the most: six kept directories each for reading, for linking from and for
/// writing to, and two more in passing.
const OF_A_JOB: usize = 20;
/// Files that the process has open besides: standard streams, roots, staging directories, a few in passing.
const OF_THE_PROCESS: usize = 20;
/// The limit that is asked for: enough for any number of jobs.
const ENOUGH: usize = 2048;

/// Raises the limit of open files as far as it is useful.
///
/// # Errors
///
/// So few can be opened that a run would fail in the middle, and then could not even open what it has to remove.
pub fn raise_limit() -> Result<(), Error> {
    let (current, maximum) = limits();
    let allowed = maximum.min(ENOUGH as u64);
    if allowed > current {
        // Without it there are fewer jobs.
        let _ = setrlimit(Resource::NOFILE, allowed, maximum);
    }
    try_out(OF_THE_PROCESS + OF_A_JOB)
}

/// The number of jobs that the limit of open files allows. At least one.
pub fn most_jobs() -> usize {
    let limit = usize::try_from(limits().0).unwrap_or(usize::MAX);
    (limit.saturating_sub(OF_THE_PROCESS) / OF_A_JOB).max(1)
}

/// Opens so many files for a moment. Those that the process was started with count too, so the limit alone says too little.
fn try_out(count: usize) -> Result<(), Error> {
    let mut opened = Vec::with_capacity(count);
    for _ in 0..count {
        match rustix::io::fcntl_dupfd_cloexec(std::io::stderr().as_fd(), 0) {
            Ok(file) => opened.push(file),
            Err(errno @ (Errno::MFILE | Errno::NFILE)) => {
                let what = format!("have {count} more files open at once");
                let error = OsError::new("fcntl", "standard error", errno);
                return Err(Error::system(what)(error));
            }
            // Any other error says nothing about the number.
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

/// The current limit of open files, and how far it can be raised.
fn limits() -> (u64, u64) {
    /// The least that POSIX lets a system allow. A system that does not answer has a filter that does not know the call.
    const LEAST: u64 = 20;
    getrlimit(Resource::NOFILE).unwrap_or((LEAST, LEAST))
}
