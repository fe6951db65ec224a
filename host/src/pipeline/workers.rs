//! Threads that work off one queue.
//!
//! EntryKind are as many as CPUs, which is right while there is something to compute. On a cold or distant disk they would
//! all wait, each for one file, where the disk could look for many at once. So every now and then it is looked how busy
//! they all were; while that is little, the number of threads is doubled.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Scope;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::error::Error;

/// How many threads work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jobs {
    /// From the beginning on. At least one.
    at_first: usize,
    /// While those that there are mostly wait.
    most: usize,
}

impl Jobs {
    /// So many, whatever happens.
    pub fn exactly(count: usize) -> Self {
        Self::growing(count, count)
    }

    /// So many at first, and up to `most` while they mostly wait.
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

    /// Without those that come later: where each keeps the disk busy, more would only be in its way.
    pub fn fixed(self) -> Self {
        Self::exactly(self.at_first)
    }
}

/// What one thread does from the first to the last piece.
pub struct Worker<'a> {
    /// Of all threads, in nanoseconds.
    busy: &'a AtomicU64,
    /// Processor time of this thread that is in `busy`, or was before the shift.
    counted: Cell<Duration>,
    look: &'a dyn Fn(),
}

impl<'a> Worker<'a> {
    fn begin(busy: &'a AtomicU64, look: &'a dyn Fn()) -> Self {
        Self {
            busy,
            counted: Cell::new(processor_time()),
            look,
        }
    }

    /// To be called between two pieces of work: a good moment to ask whether more threads are needed.
    pub fn pause(&self) {
        let until_now = processor_time();
        let new = until_now.saturating_sub(self.counted.replace(until_now));
        let new = u64::try_from(new.as_nanos()).unwrap_or(u64::MAX);
        self.busy.fetch_add(new, Ordering::Relaxed);
        (self.look)();
    }
}

/// Runs `first` here, and `other` in further threads. Returns what `first` gave, or the first error.
///
/// The work must be the same whoever does it: where the system gives no more threads (`ulimit -u`, a container's limit of
/// processes, no memory for a stack), those that there are do it all.
pub fn share<T>(
    jobs: Jobs,
    first: impl FnOnce(&Worker<'_>) -> Result<T, Error>,
    other: impl Fn(&Worker<'_>) -> Result<(), Error> + Sync,
) -> Result<T, Error> {
    let crew = Crew {
        other,
        cpus: jobs.at_first,
        began: Instant::now(),
        busy: AtomicU64::new(0),
        load: Mutex::new(Load {
            looked: Instant::now(),
            threads: 1,
            left: jobs.most - 1,
        }),
        outcome: Mutex::new(Ok(())),
    };
    let result = std::thread::scope(|scope| {
        crew.hire(scope, jobs.at_first - 1);
        first(&Worker::begin(&crew.busy, &|| crew.look(scope)))
    });
    let others = crew
        .outcome
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    result.and_then(|first| others.map(|()| first))
}

/// Those who do the work.
struct Crew<F> {
    other: F,
    /// How many threads can be busy at once.
    cpus: usize,
    began: Instant,
    /// Processor time that all have told of, in nanoseconds. The system's own sum is older: it leaves out what threads did
    /// since the last tick.
    busy: AtomicU64,
    load: Mutex<Load>,
    /// Of all threads but the first: the first error.
    outcome: Mutex<Result<(), Error>>,
}

/// How many there are.
struct Load {
    /// When it was last looked how busy all were.
    looked: Instant,
    threads: usize,
    /// How many may still be started.
    left: usize,
}

/// How long is looked before more threads are started: many times what it takes to start one.
const LOOK: Duration = Duration::from_millis(3);

/// EntryKind is work for more threads when less than one in so many CPUs was busy. Two would be too few: what others do in the
/// middle of a piece is not known yet.
const IDLE: u32 = 3;

impl<F: Fn(&Worker<'_>) -> Result<(), Error> + Sync> Crew<F> {
    /// Starts more threads if those that there are mostly wait.
    fn look<'scope, 'env>(&'env self, scope: &'scope Scope<'scope, 'env>) {
        // Whoever finds it taken knows that another one looks.
        let Ok(mut load) = self.load.try_lock() else {
            return;
        };
        if load.left == 0 {
            return;
        }
        let now = Instant::now();
        if now - load.looked < LOOK {
            return;
        }
        load.looked = now;
        let more = load.threads;
        drop(load);
        // From the beginning on: in a run of many seconds all wait for a moment now and then.
        let (busy, took) = (self.busy.load(Ordering::Relaxed), now - self.began);
        let cpus = u32::try_from(self.cpus).unwrap_or(u32::MAX);
        if Duration::from_nanos(busy).saturating_mul(IDLE) < took.saturating_mul(cpus) {
            self.hire(scope, more);
        }
    }

    fn hire<'scope, 'env>(&'env self, scope: &'scope Scope<'scope, 'env>, count: usize) {
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
                // EntryKind will be no more than there are.
                lock(&self.load).left = 0;
                return;
            }
        }
    }

    fn work<'scope, 'env>(&'env self, scope: &'scope Scope<'scope, 'env>) {
        let shift = || (self.other)(&Worker::begin(&self.busy, &|| self.look(scope)));
        let outcome = catch_unwind(AssertUnwindSafe(shift))
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

/// Of this thread.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::{Jobs, share};
    use crate::error::Error;

    #[test]
    fn all_take_part_and_any_error_counts() {
        let taken = AtomicUsize::new(0);
        let take = || {
            taken.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        let four = Jobs::exactly(4);
        assert_eq!(share(four, |_| take().map(|()| 7), |_| take()).unwrap(), 7);
        assert_eq!(taken.load(Ordering::Relaxed), 4);
        let fail = || Err(Error::Usage("no".into()));
        assert!(share(four, |_| Ok(()), |_| fail()).is_err());
        assert!(share(four, |_| fail(), |_| Ok(())).is_err());
        let panics = share(four, |_| Ok(()), |_| panic!("no"));
        assert!(matches!(panics, Err(Error::Internal(_))));
    }

    /// How many threads took part in work that is nothing but waiting.
    fn waiting(jobs: Jobs) -> usize {
        const PIECES: usize = 200;
        let (left, threads) = (AtomicUsize::new(PIECES), AtomicUsize::new(0));
        let wait = |shift: &super::Worker<'_>| {
            threads.fetch_add(1, Ordering::Relaxed);
            let less = |left: usize| left.checked_sub(1);
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
                .is_ok()
            {
                std::thread::sleep(Duration::from_millis(3));
                shift.pause();
            }
            Ok(())
        };
        share(jobs, wait, wait).unwrap();
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
