//! A watch over calls that the system does not answer.
//!
//! A guest that computes is stopped by its time limit, at its next loop or call. Nothing stops a thread that waits in the
//! kernel: for a server that is gone, or a disk that hangs. The clock thread, which waits for nobody, looks once a
//! second whether a call of a guest into the host has lasted too long, says so, and ends the process: there is nothing
//! else that anybody could do. The staging folder stays, under its hidden name, and its lock is gone with
//! the process; the next run for the same output removes it.
//!
//! Whoever reads our messages may be slow (a pager, a stopped terminal), so writing to the log is not watched. Nor is
//! a copy of content (`--link copy`), which takes as long as it takes.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crate::wasm::engine::limits::TICK;
use crate::wasm::state::Name;

/// The exit code: the system refused something.
const EXIT: i32 = 1;

/// How long the last message may take; standard error may hang as well.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Calls into the host, as the contract names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Call {
    /// Not watched: it does not wait, or may wait as long as it likes.
    Free,
    ReadLink,
    ReadBlob,
    ReadFile,
    FileSize,
    ListDirectory,
    HardLink,
    WriteLink,
    WriteFile,
    MakeDirectory,
    ReadContent,
}

/// In the order of [`Call`], from its second case on.
const NAMES: [&str; 10] = [
    "source.read-link",
    "source.read-blob",
    "source.read-file",
    "source.file-size",
    "source.list-directory",
    "output.hard-link",
    "output.write-link",
    "output.write-file",
    "output.make-directory",
    "content.read-blob",
];

/// What one instance is doing. Written by the instance for each of its calls, so two plain stores are all that
/// it may cost; read by the clock.
pub(super) struct Watched {
    component: Name,
    call: AtomicU8,
    since: AtomicU64,
}

impl Watched {
    /// A call into the host begins at this tick.
    pub(super) fn begins(&self, call: Call, now: u64) {
        self.since.store(now, Ordering::Relaxed);
        // Whoever sees this call sees its beginning, not that of an older one.
        self.call.store(call as u8, Ordering::Release);
    }

    /// It has come back.
    pub(super) fn ends(&self) {
        self.call.store(Call::Free as u8, Ordering::Relaxed);
    }

    /// The call that has lasted for more than `limit` ticks.
    fn late(&self, now: u64, limit: u64) -> Option<&'static str> {
        let call = usize::from(self.call.load(Ordering::Acquire));
        let since = self.since.load(Ordering::Relaxed);
        let name = NAMES.get(call.checked_sub(1)?)?;
        (now.saturating_sub(since) > limit).then_some(name)
    }
}

/// All instances of a run.
#[derive(Default)]
pub(super) struct Watch {
    instances: Mutex<Vec<Weak<Watched>>>,
}

impl Watch {
    /// From now on this instance is looked at.
    pub(super) fn over(&self, component: Name) -> Arc<Watched> {
        let watched = Arc::new(Watched {
            component,
            call: AtomicU8::new(Call::Free as u8),
            since: AtomicU64::new(0),
        });
        let mut instances = self.lock();
        instances.retain(|instance| instance.strong_count() > 0);
        instances.push(Arc::downgrade(&watched));
        watched
    }

    /// The component and the call that have not come back within `limit`.
    pub(super) fn late(&self, now: u64, limit: Duration) -> Option<(Name, &'static str)> {
        let limit = u64::try_from(limit.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX);
        self.lock()
            .iter()
            .filter_map(Weak::upgrade)
            .find_map(|instance| {
                let call = instance.late(now, limit)?;
                Some((Arc::clone(&instance.component), call))
            })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Watched>>> {
        self.instances
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the process. Nothing is published by a call of a guest, so nothing is.
pub(super) fn end_process(component: &str, call: &str, limit: Duration) -> ! {
    let message = format!(
        "regcarve: the system has not answered `{call}` of component `{component}` for more than {} s; the run is ended\n\
         regcarve:   hint: does the disk or the server behind the storage hang (`dmesg`, `mount`)? --guest-wait gives it more time\n\
         regcarve:   hint: nothing was published; what was built so far is removed by the next run for the same output",
        limit.as_secs_f64()
    );
    let (done, written) = mpsc::channel();
    std::thread::spawn(move || {
        eprintln!("{message}");
        let _ = done.send(());
    });
    let _ = written.recv_timeout(LAST_WORDS);
    std::process::exit(EXIT)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Call, NAMES, Watch};

    #[test]
    fn only_calls_that_last_are_late() {
        let watch = Watch::default();
        let limit = Duration::from_secs(1);
        let one = watch.over("one".into());
        let two = watch.over("two".into());
        assert_eq!(watch.late(10_000, limit), None);
        one.begins(Call::ReadLink, 10);
        two.begins(Call::ReadContent, 50);
        assert_eq!(watch.late(110, limit), None);
        let late = watch.late(111, limit).unwrap();
        assert_eq!((&*late.0, late.1), ("one", "source.read-link"));
        one.ends();
        assert_eq!(watch.late(150, limit), None);
        assert_eq!(watch.late(151, limit).unwrap().1, "content.read-blob");
        drop(two);
        assert_eq!(watch.late(10_000, limit), None);
        one.begins(Call::Free, 0);
        assert_eq!(watch.late(10_000, limit), None);
        // Who is gone is forgotten.
        let _three = watch.over("three".into());
        assert_eq!(watch.lock().len(), 2);
    }

    #[test]
    fn every_call_has_a_name() {
        assert_eq!(NAMES.len(), Call::ReadContent as usize);
        assert_eq!(
            NAMES[Call::MakeDirectory as usize - 1],
            "output.make-directory"
        );
    }
}
