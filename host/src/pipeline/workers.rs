//! A pool of threads that take pieces of work from one queue.
//!
//! It starts with as many threads as CPUs, which is right while there is something to compute. On a cold or distant disk they
//! would all wait, each for one file, where the disk could look for many at once. So the pool measures how busy all threads
//! were, and doubles their number while that is little.

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Scope;
use std::time::{Duration, Instant};

use rlimit::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::open_files;
use crate::error::Error;

/// The number of threads while they mostly wait for the disk. With more a cold disk is no faster.
const WAITING_JOBS: usize = 32;

/// The number of threads of a [`run`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jobs {
    /// Threads that are started at once. At least one.
    at_first: usize,
    /// The largest number, while they mostly wait.
    most: usize,
}

impl Jobs {
    /// As many as the user asks for, or as the machine has CPUs and more while they wait; no more than can have enough
    /// files open.
    pub fn requested(count: Option<NonZeroUsize>) -> Self {
        let possible = open_files::most_jobs();
        match count {
            Some(count) => Self::exactly(possible.min(count.into())),
            None if address_space_is_limited() => Self::exactly(possible.min(cpus())),
            None => Self::growing(possible.min(cpus()), possible.min(WAITING_JOBS)),
        }
    }

    /// A fixed number.
    pub fn exactly(count: usize) -> Self {
        Self::growing(count, count)
    }

    /// `at_first`, and up to `most` while they mostly wait.
    pub fn growing(at_first: usize, most: usize) -> Self {
        let at_first = at_first.max(1);
        Self {
            at_first,
            most: most.max(at_first),
        }
    }

    /// No more than there is work for.
    pub fn for_pieces(self, pieces: usize) -> Self {
        Self::growing(self.at_first.min(pieces), self.most.min(pieces))
    }

    /// Without growing: where each thread keeps the disk busy, more would only be in its way.
    pub fn fixed(self) -> Self {
        Self::exactly(self.at_first)
    }
}

/// Limited address space (`ulimit -v`): each job reserves much of it, for memory that a component may never use, and the run
/// would end when there is none left.
fn address_space_is_limited() -> bool {
    getrlimit(Resource::AS).is_ok_and(|(current, _)| current != rlimit::INFINITY)
}

/// The number of CPUs that this process may use.
pub fn cpus() -> usize {
    static CPUS: OnceLock<usize> = OnceLock::new();
    *CPUS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// One thread of the pool, as its work sees it.
pub struct Worker<'a> {
    /// Processor time of all threads, in nanoseconds.
    busy: &'a AtomicU64,
    /// Processor time of this thread that is in `busy`, or was used before it joined.
    counted: Cell<Duration>,
    grow: &'a dyn Fn(),
}

impl<'a> Worker<'a> {
    fn begin(busy: &'a AtomicU64, grow: &'a dyn Fn()) -> Self {
        Self {
            busy,
            counted: Cell::new(processor_time()),
            grow,
        }
    }

    /// To be called between two pieces of work: starts more threads if they are needed.
    pub fn checkpoint(&self) {
        let until_now = processor_time();
        let new = until_now.saturating_sub(self.counted.replace(until_now));
        let new = u64::try_from(new.as_nanos()).unwrap_or(u64::MAX);
        self.busy.fetch_add(new, Ordering::Relaxed);
        (self.grow)();
    }
}

/// Runs `first` here, and `other` in further threads. Returns the result of `first`, or the first error.
///
/// Any thread must be able to do all the work: where the system gives no more threads (`ulimit -u`, a container's limit of
/// processes, no memory for a stack), the existing ones do it.
pub fn run<T>(
    jobs: Jobs,
    first: impl FnOnce(&Worker<'_>) -> Result<T, Error>,
    other: impl Fn(&Worker<'_>) -> Result<(), Error> + Sync,
) -> Result<T, Error> {
    let pool = WorkerPool {
        other,
        cpus: jobs.at_first,
        began: Instant::now(),
        busy: AtomicU64::new(0),
        load: Mutex::new(Load {
            measured: Instant::now(),
            threads: 1,
            left: jobs.most - 1,
        }),
        outcome: Mutex::new(Ok(())),
    };
    let result = std::thread::scope(|scope| {
        pool.spawn(scope, jobs.at_first - 1);
        first(&Worker::begin(&pool.busy, &|| pool.grow(scope)))
    });
    let others = pool
        .outcome
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    result.and_then(|first| others.map(|()| first))
}

/// All threads of one [`run`].
struct WorkerPool<F> {
    other: F,
    /// The number of threads that can be busy at once.
    cpus: usize,
    began: Instant,
    /// Processor time that all threads reported, in nanoseconds. The system's own sum is older: it leaves out the time since
    /// the last tick.
    busy: AtomicU64,
    load: Mutex<Load>,
    /// The first error of all threads but the first one.
    outcome: Mutex<Result<(), Error>>,
}

/// The number of threads.
struct Load {
    /// The time of the last measurement.
    measured: Instant,
    threads: usize,
    /// Threads that may still be started.
    left: usize,
}

/// The time between two measurements: many times what it takes to start a thread.
const INTERVAL: Duration = Duration::from_millis(3);

/// More threads are started when less than one in so many CPUs was busy. Two would be too few: what other threads do in the
/// middle of a piece is not counted yet.
const IDLE: u32 = 3;

impl<F: Fn(&Worker<'_>) -> Result<(), Error> + Sync> WorkerPool<F> {
    /// Starts more threads if those that there are mostly wait.
    fn grow<'scope, 'env>(&'env self, scope: &'scope Scope<'scope, 'env>) {
        // If it is locked, another thread is measuring.
        let Ok(mut load) = self.load.try_lock() else {
            return;
        };
        if load.left == 0 {
            return;
        }
        let now = Instant::now();
        if now - load.measured < INTERVAL {
            return;
        }
        load.measured = now;
        let more = load.threads;
        drop(load);
        // Since the start: in a run of many seconds all wait for a moment now and then.
        let (busy, took) = (self.busy.load(Ordering::Relaxed), now - self.began);
        let cpus = u32::try_from(self.cpus).unwrap_or(u32::MAX);
        if Duration::from_nanos(busy).saturating_mul(IDLE) < took.saturating_mul(cpus) {
            self.spawn(scope, more);
        }
    }

    fn spawn<'scope, 'env>(&'env self, scope: &'scope Scope<'scope, 'env>, count: usize) {
        for _ in 0..count {
            {
                let mut load = lock(&self.load);
                let Some(left) = load.left.checked_sub(1) else {
                    return;
                };
                load.left = left;
                load.threads += 1;
            }
            let started = std::thread::Builder::new().spawn_scoped(scope, move || self.work(scope));
            if started.is_err() {
                // The system has no more threads to give.
                lock(&self.load).left = 0;
                return;
            }
        }
    }

    fn work<'scope, 'env>(&'env self, scope: &'scope Scope<'scope, 'env>) {
        let work = || (self.other)(&Worker::begin(&self.busy, &|| self.grow(scope)));
        let outcome = catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|_| Err(Error::Internal("a working thread panicked".into())));
        let mut all = lock(&self.outcome);
        if all.is_ok() {
            *all = outcome;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The processor time of this thread.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::{Jobs, run};
    use crate::error::Error;

    #[test]
    fn all_take_part_and_any_error_counts() {
        let taken = AtomicUsize::new(0);
        let take = || {
            taken.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        let four = Jobs::exactly(4);
        assert_eq!(run(four, |_| take().map(|()| 7), |_| take()).unwrap(), 7);
        assert_eq!(taken.load(Ordering::Relaxed), 4);
        let fail = || Err(Error::Usage("no".into()));
        assert!(run(four, |_| Ok(()), |_| fail()).is_err());
        assert!(run(four, |_| fail(), |_| Ok(())).is_err());
        let panics = run(four, |_| Ok(()), |_| panic!("no"));
        assert!(matches!(panics, Err(Error::Internal(_))));
    }

    /// The number of threads that took part in work that is nothing but waiting.
    fn waiting(jobs: Jobs) -> usize {
        const PIECES: usize = 200;
        let (left, threads) = (AtomicUsize::new(PIECES), AtomicUsize::new(0));
        let wait = |worker: &super::Worker<'_>| {
            threads.fetch_add(1, Ordering::Relaxed);
            let less = |left: usize| left.checked_sub(1);
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
                .is_ok()
            {
                std::thread::sleep(Duration::from_millis(3));
                worker.checkpoint();
            }
            Ok(())
        };
        run(jobs, wait, wait).unwrap();
        threads.into_inner()
    }

    #[test]
    fn more_come_while_all_wait() {
        assert_eq!(waiting(Jobs::growing(2, 16)), 16);
        assert_eq!(waiting(Jobs::growing(2, 3)), 3);
        assert_eq!(waiting(Jobs::growing(2, 16).fixed()), 2);
    }

    #[test]
    fn there_is_no_job_without_work() {
        assert_eq!(Jobs::growing(4, 32).for_pieces(9), Jobs::growing(4, 9));
        assert_eq!(Jobs::growing(4, 32).for_pieces(1), Jobs::exactly(1));
        assert_eq!(Jobs::exactly(2).for_pieces(0), Jobs::exactly(1));
    }
}
