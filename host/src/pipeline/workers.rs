//! Threads that work off one queue.

use crate::error::Error;

/// Runs `first` here, and `other` in up to `others` threads more. Returns what `first` gave, or the first error.
///
/// The work must be the same whoever does it: where the system gives no more threads (`ulimit -u`, a container's limit of
/// processes, no memory for a stack), those that there are do it all.
pub fn share<T>(
    others: usize,
    first: impl FnOnce() -> Result<T, Error>,
    other: impl Fn() -> Result<(), Error> + Sync,
) -> Result<T, Error> {
    let other = &other;
    std::thread::scope(|scope| {
        let start = || std::thread::Builder::new().spawn_scoped(scope, other).ok();
        let handles: Vec<_> = (0..others).map_while(|_| start()).collect();
        let mut result = first();
        for handle in handles {
            let other = handle
                .join()
                .unwrap_or_else(|_| Err(Error::Internal("a working thread panicked".into())));
            result = result.and_then(|first| other.map(|()| first));
        }
        result
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::share;
    use crate::error::Error;

    #[test]
    fn all_take_part_and_any_error_counts() {
        let taken = AtomicUsize::new(0);
        let take = || {
            taken.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        assert_eq!(share(3, || take().map(|()| 7), take).unwrap(), 7);
        assert_eq!(taken.load(Ordering::Relaxed), 4);
        let fail = || Err(Error::Usage("no".into()));
        assert!(share(2, || Ok(()), fail).is_err());
        assert!(share(2, fail, || Ok(())).is_err());
    }
}
