//! What a component may use up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmtime::ResourceLimiter;

/// Limits of one component. All but that of the log hold for an instance, not for the sum of several.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Time in the guest's own code for one call (one list, one batch of images). Time in which the host
    /// works for it does not count. A shipped component needs milliseconds; a Python policy
    /// over a large repository, seconds.
    pub time: Duration,
    /// Linear memory in bytes, all memories together. A Python policy starts with about 60 MiB.
    pub memory: usize,
    /// Elements of a table; a large program has some tens of thousands of functions.
    pub table_elements: usize,
    /// Bytes that one call may hand to the host.
    pub call_bytes: usize,
    /// Calls into the host. The shipped layouts make about 50 for an image.
    pub calls: u64,
    /// Bytes of log messages, as they are printed, of all instances together.
    pub log_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            memory: 256 << 20,
            table_elements: 100_000,
            call_bytes: 64 << 20,
            calls: 100_000_000,
            log_bytes: 1 << 20,
        }
    }
}

/// Core instances in one component; a component made by composing languages has about ten.
pub(super) const MAX_INSTANCES: usize = 64;
/// Tables in one component.
pub(super) const MAX_TABLES: usize = 64;
/// Linear memories in one component.
pub(super) const MAX_MEMORIES: usize = 8;
/// Handles of resources; our own interfaces have none, WASI's have a few.
pub(super) const MAX_HANDLES: usize = 1_000;
/// The longest line of a log.
pub(super) const MAX_LOG_LINE: usize = 8 << 10;

/// How often the clock of the time limit ticks.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Ticks since the engine was made.
pub(super) type Ticks = Arc<AtomicU64>;

/// A limit that has been reached. It ends the component, and the run.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Reached {
    /// See [`Limits::time`].
    #[error("it ran for more than {} s in one call", .0.as_secs_f64())]
    Time(Duration),
    /// See [`Limits::memory`].
    #[error("it asked for {wanted} bytes of memory; {limit} are allowed")]
    Memory {
        /// What it would have then.
        wanted: usize,
        /// What is allowed.
        limit: usize,
    },
    /// See [`Limits::table_elements`].
    #[error("it asked for a table of {wanted} elements; {limit} are allowed")]
    Table {
        /// What it would have then.
        wanted: usize,
        /// What is allowed.
        limit: usize,
    },
    /// See [`Limits::calls`].
    #[error("it called the host more than {0} times")]
    Calls(u64),
    /// See [`Limits::call_bytes`].
    #[error("it handed more than {0} bytes to the host in one call")]
    CallBytes(usize),
    /// See [`MAX_HANDLES`].
    #[error("it holds more than {0} handles")]
    Handles(usize),
}

impl Reached {
    /// The flag that raises this limit.
    pub(super) fn flag(&self) -> Option<&'static str> {
        match self {
            Self::Time(_) => Some("--guest-time"),
            Self::Memory { .. } => Some("--guest-memory"),
            Self::Table { .. } | Self::CallBytes(_) | Self::Handles(_) => None,
            Self::Calls(_) => Some("--guest-calls"),
        }
    }
}

impl Limits {
    /// The limit that a failed call has run into, if it was one.
    pub(super) fn reached(&self, error: &wasmtime::Error) -> Option<Reached> {
        if let Some(reached) = error.downcast_ref::<Reached>() {
            return Some(reached.clone());
        }
        // The types of these errors are wasmtime's own affair; only their texts are there to tell them by. Should these
        // change, the component is stopped all the same, with wasmtime's words for it.
        let text = error.root_cause().to_string();
        if text.contains("fuel allocated for hostcalls has been exhausted") {
            Some(Reached::CallBytes(self.call_bytes))
        } else if text.contains("store handle limit exceeded") {
            Some(Reached::Handles(MAX_HANDLES))
        } else {
            None
        }
    }
}

/// Counts what one instance uses up.
pub(super) struct Meter {
    limits: Limits,
    memory: usize,
    calls: u64,
    ticks: Ticks,
    /// When the current call began.
    began: u64,
    /// Ticks of the current call that fell into calls to the host. A sample every [`TICK`], which is all that
    /// a limit of seconds needs, at the price of reading a counter.
    in_host: u64,
}

impl Meter {
    pub(super) fn new(limits: Limits, ticks: Ticks) -> Self {
        Self {
            limits,
            memory: 0,
            calls: 0,
            ticks,
            began: 0,
            in_host: 0,
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    fn now(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// A call into the guest begins. Returns after how many ticks to ask [`Meter::ticks_left`].
    pub(super) fn call_begins(&mut self) -> u64 {
        self.began = self.now();
        self.in_host = 0;
        self.limit_in_ticks()
    }

    /// Ticks that the guest may still run, or the limit.
    pub(super) fn ticks_left(&self) -> Result<u64, Reached> {
        let used = (self.now() - self.began).saturating_sub(self.in_host);
        match self.limit_in_ticks().checked_sub(used) {
            None | Some(0) => Err(Reached::Time(self.limits.time)),
            Some(left) => Ok(left),
        }
    }

    /// The guest calls the host. The answer goes to [`Meter::host_returns`].
    pub(super) fn host_called(&mut self) -> Result<u64, Reached> {
        self.calls += 1;
        if self.calls > self.limits.calls {
            return Err(Reached::Calls(self.limits.calls));
        }
        Ok(self.now())
    }

    /// The call that began at tick `since` is done.
    pub(super) fn host_returns(&mut self, since: u64) {
        self.in_host += self.now() - since;
    }

    fn limit_in_ticks(&self) -> u64 {
        u64::try_from(self.limits.time.as_millis() / TICK.as_millis())
            .unwrap_or(u64::MAX)
            .max(1)
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let wanted = self.memory + desired.saturating_sub(current);
        if wanted > self.limits.memory {
            return Err(Reached::Memory {
                wanted,
                limit: self.limits.memory,
            }
            .into());
        }
        self.memory = wanted;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let limit = self.limits.table_elements;
        if desired > limit {
            return Err(Reached::Table {
                wanted: desired,
                limit,
            }
            .into());
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}
