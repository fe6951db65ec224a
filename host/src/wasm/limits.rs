//! What a component may use up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmtime::ResourceLimiter;

use super::watch::{Call, Watched};

/// Limits of one component. All but that of the log hold for an instance, not for the sum of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Time in the guest's own code for one call (one list, one batch of images). Time in which the host
    /// works for it does not count. A shipped component needs milliseconds; a Python policy
    /// over a large repository, seconds.
    pub time: Duration,
    /// Linear memory in bytes, all memories together. A Python policy starts with about 60 MiB.
    pub memory: usize,
    /// Elements of all tables together; a large program has some tens of thousands of functions.
    pub table_elements: usize,
    /// Core instances; a component made by composing languages has about ten.
    pub instances: usize,
    /// Bytes that one call may hand to the host.
    pub call_bytes: usize,
    /// Calls into the host. The shipped layouts make about 50 for an image. What the host reads and writes counts too,
    /// see [`CALL_UNIT`].
    pub calls: u64,
    /// Bytes of log messages, as they are printed, of all instances together.
    pub log_bytes: usize,
    /// Time that the system may take for one call into the host. Most take microseconds; a disk that wakes up,
    /// seconds; a server that restarts, half a minute. What takes longer does not come back.
    pub wait: Duration,
    /// Length of a component file in bytes. A Python policy has about 40 MiB.
    pub component_bytes: u64,
    /// Time for compiling one component. A Rust policy takes 50 ms, a Python policy half a minute.
    pub compile_time: Duration,
    /// Memory that the program may grow by, in bytes, while it compiles one component.
    pub compile_memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            memory: 256 << 20,
            table_elements: 200_000,
            instances: 64,
            call_bytes: 64 << 20,
            calls: 100_000_000,
            log_bytes: 1 << 20,
            wait: Duration::from_secs(60),
            component_bytes: 128 << 20,
            compile_time: Duration::from_secs(120),
            compile_memory: 2 << 30,
        }
    }
}

/// So many bytes that the host reads or writes for a component count as one more call: reading one long
/// manifest again and again must not be cheaper than asking for many short ones.
pub(super) const CALL_UNIT: usize = 4 << 10;
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
    #[error("it asked for tables of {wanted} elements; {limit} are allowed")]
    Table {
        /// What it would have then.
        wanted: usize,
        /// What is allowed.
        limit: usize,
    },
    /// See [`Limits::instances`].
    #[error("it is made of more than {0} instances")]
    Instances(usize),
    /// See [`MAX_TABLES`].
    #[error("it has more than {0} tables")]
    Tables(usize),
    /// See [`MAX_MEMORIES`].
    #[error("it has more than {0} memories")]
    Memories(usize),
    /// See [`Limits::calls`].
    #[error("it called the host more than {0} times")]
    Calls(u64),
    /// See [`Limits::call_bytes`].
    #[error("it handed more than {0} bytes to the host in one call")]
    CallBytes(usize),
    /// See [`MAX_HANDLES`].
    #[error("it holds more than {0} handles")]
    Handles(usize),
    /// See [`Limits::compile_time`].
    #[error("compiling it takes more than {} s", .0.as_secs_f64())]
    CompileTime(Duration),
    /// See [`Limits::compile_memory`].
    #[error("compiling it takes more than {0} bytes of memory")]
    CompileMemory(usize),
}

impl Reached {
    /// The flag that raises this limit.
    pub(super) fn flag(&self) -> Option<&'static str> {
        match self {
            Self::Time(_) => Some("--guest-time"),
            Self::Memory { .. } => Some("--guest-memory"),
            Self::Table { .. } => Some("--guest-tables"),
            Self::Instances(_) => Some("--guest-instances"),
            Self::CallBytes(_) => Some("--guest-data"),
            Self::Calls(_) => Some("--guest-calls"),
            Self::CompileTime(_) => Some("--compile-time"),
            Self::CompileMemory(_) => Some("--compile-memory"),
            Self::Tables(_) | Self::Memories(_) | Self::Handles(_) => None,
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
        [
            (
                "fuel allocated for hostcalls has been exhausted",
                Reached::CallBytes(self.call_bytes),
            ),
            ("store handle limit exceeded", Reached::Handles(MAX_HANDLES)),
            // The table of WASI's own handles, which is asked first.
            (
                "resource table has no free keys",
                Reached::Handles(MAX_HANDLES),
            ),
            (
                "instance count too high",
                Reached::Instances(self.instances),
            ),
            ("table count too high", Reached::Tables(MAX_TABLES)),
            ("memory count too high", Reached::Memories(MAX_MEMORIES)),
        ]
        .into_iter()
        .find_map(|(words, reached)| text.contains(words).then_some(reached))
    }
}

/// Counts what one instance uses up.
pub(super) struct Meter {
    limits: Limits,
    memory: usize,
    table_elements: usize,
    calls: u64,
    ticks: Ticks,
    watched: Arc<Watched>,
    /// When the current call began.
    began: u64,
    /// Ticks of the current call that fell into calls to the host. A sample every [`TICK`], which is all that
    /// a limit of seconds needs, at the price of reading a counter.
    in_host: u64,
}

impl Meter {
    pub(super) fn new(limits: Limits, ticks: Ticks, watched: Arc<Watched>) -> Self {
        Self {
            limits,
            memory: 0,
            table_elements: 0,
            calls: 0,
            ticks,
            watched,
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

    /// Ticks that the guest may still run, or the limit. Also finds out about calls that nobody could refuse.
    pub(super) fn ticks_left(&self) -> Result<u64, Reached> {
        if self.calls > self.limits.calls {
            return Err(Reached::Calls(self.limits.calls));
        }
        let used = (self.now() - self.began).saturating_sub(self.in_host);
        match self.limit_in_ticks().checked_sub(used) {
            None | Some(0) => Err(Reached::Time(self.limits.time)),
            Some(left) => Ok(left),
        }
    }

    /// The guest calls the host. The answer goes to [`Meter::host_returns`].
    pub(super) fn host_called(&mut self, call: Call) -> Result<u64, Reached> {
        self.count(1)?;
        let now = self.now();
        self.watched.begins(call, now);
        Ok(now)
    }

    /// The call that began at tick `since` is done.
    pub(super) fn host_returns(&mut self, since: u64) {
        self.watched.ends();
        self.in_host += self.now() - since;
    }

    /// The guest calls something that takes no time worth measuring and that cannot wait.
    pub(super) fn count(&mut self, calls: u64) -> Result<(), Reached> {
        self.calls = self.calls.saturating_add(calls);
        if self.calls > self.limits.calls {
            return Err(Reached::Calls(self.limits.calls));
        }
        Ok(())
    }

    /// The host has read or written so many bytes for the guest. If that is too much, the next call is one too many.
    pub(super) fn moved(&mut self, bytes: usize) {
        self.calls = self.calls.saturating_add((bytes / CALL_UNIT) as u64);
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
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let limit = self.limits.table_elements;
        let wanted = self.table_elements + desired.saturating_sub(current);
        if wanted > limit {
            return Err(Reached::Table { wanted, limit }.into());
        }
        self.table_elements = wanted;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.limits.instances
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}
