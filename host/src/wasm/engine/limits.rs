//! What a component may use up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmtime::ResourceLimiter;

use crate::wasm::watch::{Call, Watched};

/// The heading of the limits in `--help`, behind everything else.
const HEADING: &str = "Sandbox limits";

/// Limits of one component, as the command line gives them. All but that of the log hold for each instance, not for the sum
/// of several.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Limits {
    /// Time that a component may run in one call, in seconds
    // One list, or one batch of images. Time in which the host works for it does not count. A shipped component needs
    // milliseconds; a Python policy over a large repository, seconds.
    #[arg(long = "guest-time", value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    #[arg(help_heading = HEADING, hide_short_help = true)]
    pub time: Duration,

    /// Memory of a component, in MiB
    // All linear memories together. A Python policy starts with about 60 MiB.
    #[arg(long = "guest-memory", value_name = "MIB", default_value = "256", value_parser = mebibytes::<usize>)]
    #[arg(help_heading = HEADING, hide_short_help = true)]
    pub memory: usize,

    /// Elements of all tables of a component
    // A large program has some tens of thousands of functions.
    #[arg(long = "guest-tables", value_name = "N", default_value_t = 200_000)]
    #[arg(help_heading = HEADING, hide_short_help = true)]
    pub table_elements: usize,

    /// Core instances that a component may consist of
    // A component made by composing languages has about ten.
    #[arg(long = "guest-instances", value_name = "N", default_value_t = 64)]
    #[arg(help_heading = HEADING, hide_short_help = true)]
    pub instances: usize,

    /// Data that a component may pass to the host in one call, in MiB
    #[arg(long = "guest-data", value_name = "MIB", default_value = "64", value_parser = mebibytes::<usize>)]
    #[arg(help_heading = HEADING, hide_short_help = true)]
    pub call_bytes: usize,

    /// Host calls in either direction; every 4 KiB transferred counts as one
    // The shipped layouts make about 50 for an image. See `CALL_UNIT`.
    #[arg(long = "guest-calls", value_name = "N", default_value_t = 100_000_000)]
    #[arg(help_heading = HEADING, hide_short_help = true)]
    pub calls: u64,

    /// Log messages of a component, in KiB; the rest is left out
    // As they are printed, of all instances together.
    #[arg(long = "guest-log", value_name = "KIB", default_value = "1024", value_parser = kibibytes)]
    #[arg(help_heading = HEADING, hide_short_help = true)]
    pub log_bytes: usize,

    /// Time that the system may take to answer one call of a component, in seconds; then the program ends
    #[arg(long = "guest-wait", value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    #[arg(help_heading = HEADING, hide_short_help = true)]
    pub wait: Duration,

    /// Size of a component file, in MiB
    // A Python policy has about 40 MiB.
    #[arg(long = "component-size", value_name = "MIB", default_value = "128", value_parser = mebibytes::<u64>)]
    #[arg(help_heading = HEADING, hide_short_help = true)]
    pub component_bytes: u64,

    /// Time for compiling a component file, in seconds
    // A Rust policy takes 50 ms, a Python policy half a minute.
    #[arg(long = "compile-time", value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    #[arg(help_heading = HEADING, hide_short_help = true)]
    pub compile_time: Duration,

    /// Memory for compiling a component file, in MiB
    // How much the program may grow meanwhile.
    #[arg(long = "compile-memory", value_name = "MIB", default_value = "2048", value_parser = mebibytes::<usize>)]
    #[arg(help_heading = HEADING, hide_short_help = true)]
    pub compile_memory: usize,
}

/// The limits of a command line that sets none.
impl Default for Limits {
    fn default() -> Self {
        #[derive(clap::Parser)]
        struct CommandLine {
            #[command(flatten)]
            limits: Limits,
        }
        <CommandLine as clap::Parser>::parse_from(["regcarve"]).limits
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn mebibytes<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    bytes(text, 1 << 20)
}

fn kibibytes(text: &str) -> Result<usize, String> {
    bytes(text, 1 << 10)
}

fn bytes<T: TryFrom<u64>>(text: &str, unit: u64) -> Result<T, String> {
    let count: u64 = text
        .parse()
        .map_err(|error: std::num::ParseIntError| error.to_string())?;
    T::try_from(count.saturating_mul(unit)).map_err(|_| "too large".to_owned())
}

/// So many bytes that the host reads, writes or keeps for a component count as one more call: reading one long
/// manifest again and again must not be cheaper than asking for many short ones.
pub(in crate::wasm) const CALL_UNIT: usize = 4 << 10;
/// Tables in one component.
pub(in crate::wasm) const MAX_TABLES: usize = 64;
/// Linear memories in one component.
pub(in crate::wasm) const MAX_MEMORIES: usize = 8;
/// DirCache of resources; our own interfaces have none, WASI's have a few.
pub(in crate::wasm) const MAX_HANDLES: usize = 1_000;
/// The longest line of a log.
pub(in crate::wasm) const MAX_LOG_LINE: usize = 8 << 10;

/// How often the clock of the time limit ticks.
pub(in crate::wasm) const TICK: Duration = Duration::from_millis(10);

/// Ticks since the engine was made.
pub(in crate::wasm) type Ticks = Arc<AtomicU64>;

/// A limit that has been reached. It ends the component, and the run.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LimitExceeded {
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
    #[error(
        "it called the host more than {0} times, where every 4 KiB that it reads, writes or tells count as one more"
    )]
    Calls(u64),
    /// See [`Limits::call_bytes`].
    #[error("it handed more than {0} bytes to the host in one call")]
    CallBytes(usize),
    /// See [`MAX_HANDLES`].
    #[error("it holds more than {0} handles")]
    DirCache(usize),
    /// See [`Limits::compile_time`].
    #[error("compiling it takes more than {} s", .0.as_secs_f64())]
    CompileTime(Duration),
    /// See [`Limits::compile_memory`].
    #[error("compiling it takes more than {0} bytes of memory")]
    CompileMemory(usize),
}

impl LimitExceeded {
    /// The flag that raises this limit.
    pub(in crate::wasm) fn flag(&self) -> Option<&'static str> {
        match self {
            Self::Time(_) => Some("--guest-time"),
            Self::Memory { .. } => Some("--guest-memory"),
            Self::Table { .. } => Some("--guest-tables"),
            Self::Instances(_) => Some("--guest-instances"),
            Self::CallBytes(_) => Some("--guest-data"),
            Self::Calls(_) => Some("--guest-calls"),
            Self::CompileTime(_) => Some("--compile-time"),
            Self::CompileMemory(_) => Some("--compile-memory"),
            Self::Tables(_) | Self::Memories(_) | Self::DirCache(_) => None,
        }
    }
}

impl Limits {
    /// The limit that a failed call has run into, if it was one.
    pub(in crate::wasm) fn reached(&self, error: &wasmtime::Error) -> Option<LimitExceeded> {
        if let Some(reached) = error.downcast_ref::<LimitExceeded>() {
            return Some(reached.clone());
        }
        // The types of these errors are wasmtime's own affair; only their texts are there to tell them by. Should these
        // change, the component is stopped all the same, with wasmtime's words for it.
        let text = error.root_cause().to_string();
        [
            (
                "fuel allocated for hostcalls has been exhausted",
                LimitExceeded::CallBytes(self.call_bytes),
            ),
            (
                "store handle limit exceeded",
                LimitExceeded::DirCache(MAX_HANDLES),
            ),
            // The table of WASI's own handles, which is asked first.
            (
                "resource table has no free keys",
                LimitExceeded::DirCache(MAX_HANDLES),
            ),
            (
                "instance count too high",
                LimitExceeded::Instances(self.instances),
            ),
            ("table count too high", LimitExceeded::Tables(MAX_TABLES)),
            (
                "memory count too high",
                LimitExceeded::Memories(MAX_MEMORIES),
            ),
        ]
        .into_iter()
        .find_map(|(words, reached)| text.contains(words).then_some(reached))
    }
}

/// Counts what one instance uses up.
pub(in crate::wasm) struct Meter {
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
    pub(in crate::wasm) fn new(limits: Limits, ticks: Ticks, watched: Arc<Watched>) -> Self {
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

    pub(in crate::wasm) fn limits(&self) -> &Limits {
        &self.limits
    }

    fn now(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// A call into the guest begins. Returns after how many ticks to ask [`Meter::ticks_left`].
    pub(in crate::wasm) fn call_begins(&mut self) -> u64 {
        self.began = self.now();
        self.in_host = 0;
        self.limit_in_ticks()
    }

    /// Ticks that the guest may still run, or the limit. Also finds out about calls that nobody could refuse.
    pub(in crate::wasm) fn ticks_left(&self) -> Result<u64, LimitExceeded> {
        if self.calls > self.limits.calls {
            return Err(LimitExceeded::Calls(self.limits.calls));
        }
        let used = (self.now() - self.began).saturating_sub(self.in_host);
        match self.limit_in_ticks().checked_sub(used) {
            None | Some(0) => Err(LimitExceeded::Time(self.limits.time)),
            Some(left) => Ok(left),
        }
    }

    /// The guest calls the host. The answer goes to [`Meter::host_returns`].
    pub(in crate::wasm) fn host_called(&mut self, call: Call) -> Result<u64, LimitExceeded> {
        self.count(1)?;
        let now = self.now();
        self.watched.begins(call, now);
        Ok(now)
    }

    /// The call that began at tick `since` is done.
    pub(in crate::wasm) fn host_returns(&mut self, since: u64) {
        self.watched.ends();
        self.in_host += self.now() - since;
    }

    /// The guest calls something that takes no time worth measuring and that cannot wait.
    pub(in crate::wasm) fn count(&mut self, calls: u64) -> Result<(), LimitExceeded> {
        self.calls = self.calls.saturating_add(calls);
        if self.calls > self.limits.calls {
            return Err(LimitExceeded::Calls(self.limits.calls));
        }
        Ok(())
    }

    /// The host has read or written so many bytes for the guest. If that is too much, the next call is one too many.
    pub(in crate::wasm) fn charge_bytes(&mut self, bytes: usize) {
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
            return Err(LimitExceeded::Memory {
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
            return Err(LimitExceeded::Table { wanted, limit }.into());
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use wasmtime::ResourceLimiter as _;

    use super::{CALL_UNIT, LimitExceeded, Limits, MAX_LOG_LINE, Meter, Ticks};
    use crate::wasm::watch::{Call, Watch};

    /// A tenth of a second, 1000 bytes, 100 elements, 10 calls.
    fn small() -> Limits {
        Limits {
            time: Duration::from_millis(100),
            memory: 1_000,
            table_elements: 100,
            instances: 7,
            call_bytes: 50,
            calls: 10,
            ..Limits::default()
        }
    }

    fn meter(limits: Limits) -> (Meter, Ticks, Arc<Watch>) {
        let ticks = Arc::new(AtomicU64::new(1_000));
        let watch = Arc::new(Watch::default());
        let watched = watch.over("component".into());
        let meter = Meter::new(limits, Arc::clone(&ticks), watched);
        (meter, ticks, watch)
    }

    #[test]
    fn what_holds_where_nobody_says_anything() {
        let limits = Limits::default();
        assert_eq!(limits.memory, 268_435_456);
        assert_eq!(limits.call_bytes, 67_108_864);
        assert_eq!(limits.log_bytes, 1_048_576);
        assert_eq!(limits.component_bytes, 134_217_728);
        assert_eq!(limits.compile_memory, 2_147_483_648);
        assert_eq!((CALL_UNIT, MAX_LOG_LINE), (4_096, 8_192));
    }

    #[test]
    fn time_of_the_guest_alone_counts() {
        let (mut meter, ticks, _) = meter(small());
        let pass = |count| ticks.fetch_add(count, Ordering::Relaxed);
        assert_eq!(meter.call_begins(), 10);
        pass(4);
        assert!(matches!(meter.ticks_left(), Ok(6)));
        let since = meter.host_called(Call::ReadLink).unwrap();
        pass(100);
        meter.host_returns(since);
        assert!(matches!(meter.ticks_left(), Ok(6)));
        let since = meter.host_called(Call::ReadLink).unwrap();
        pass(3);
        meter.host_returns(since);
        pass(5);
        assert!(matches!(meter.ticks_left(), Ok(1)));
        pass(1);
        let reached = meter.ticks_left().unwrap_err().to_string();
        assert_eq!(reached, "it ran for more than 0.1 s in one call");
        pass(50);
        assert!(matches!(meter.ticks_left(), Err(LimitExceeded::Time(_))));
        // The next call has its own time.
        assert_eq!(meter.call_begins(), 10);
        assert!(matches!(meter.ticks_left(), Ok(10)));
    }

    #[test]
    fn no_time_at_all_is_one_tick() {
        let (mut meter, _, _) = meter(Limits {
            time: Duration::ZERO,
            ..small()
        });
        assert_eq!(meter.call_begins(), 1);
    }

    #[test]
    fn calls_are_counted_and_what_they_move() {
        let (mut one, _, _) = meter(small());
        for _ in 0..10 {
            let since = one.host_called(Call::FileSize).unwrap();
            one.host_returns(since);
        }
        assert!(matches!(
            one.host_called(Call::FileSize),
            Err(LimitExceeded::Calls(10))
        ));
        assert!(matches!(one.ticks_left(), Err(LimitExceeded::Calls(10))));

        let (mut other, _, _) = meter(small());
        other.call_begins();
        other.charge_bytes(CALL_UNIT - 1);
        other.charge_bytes(9 * CALL_UNIT);
        other.count(1).unwrap();
        assert!(other.ticks_left().is_ok());
        assert!(matches!(other.count(1), Err(LimitExceeded::Calls(10))));
    }

    #[test]
    fn a_call_is_watched_until_it_returns() {
        let (mut meter, _, watch) = meter(small());
        let late = || watch.late(1_000_000, Duration::from_secs(1));
        let since = meter.host_called(Call::HardLink).unwrap();
        assert_eq!(late().unwrap().1, "output.hard-link");
        meter.host_returns(since);
        assert!(late().is_none());
    }

    #[test]
    fn memories_and_tables_are_added_up() {
        let (mut meter, _, _) = meter(small());
        assert!(meter.memory_growing(0, 600, None).is_ok_and(|grows| grows));
        assert!(meter.memory_growing(0, 300, None).is_ok_and(|grows| grows));
        assert!(
            meter
                .memory_growing(300, 400, None)
                .is_ok_and(|grows| grows)
        );
        let error = meter.memory_growing(600, 601, None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it asked for 1001 bytes of memory; 1000 are allowed"
        );
        assert!(meter.table_growing(0, 60, None).is_ok_and(|grows| grows));
        assert!(meter.table_growing(60, 70, None).is_ok_and(|grows| grows));
        assert!(meter.table_growing(0, 30, None).is_ok_and(|grows| grows));
        let error = meter.table_growing(70, 71, None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it asked for tables of 101 elements; 100 are allowed"
        );
        assert_eq!(
            (meter.instances(), meter.tables(), meter.memories()),
            (7, 64, 8)
        );
        assert_eq!(meter.limits(), &small());
    }

    #[test]
    fn every_limit_is_recognised_and_names_its_flag() {
        let limits = small();
        let said = |text: &'static str| {
            let error = wasmtime::Error::msg(text).context("somewhere");
            let reached = limits.reached(&error)?;
            Some((reached.to_string(), reached.flag()))
        };
        let expected = |text: &str, flag| Some((text.to_owned(), flag));
        for (text, verdict) in [
            (
                "fuel allocated for hostcalls has been exhausted",
                expected(
                    "it handed more than 50 bytes to the host in one call",
                    Some("--guest-data"),
                ),
            ),
            (
                "cannot allocate another handle: store handle limit exceeded",
                expected("it holds more than 1000 handles", None),
            ),
            (
                "resource table has no free keys",
                expected("it holds more than 1000 handles", None),
            ),
            (
                "resource limit exceeded: instance count too high at 8",
                expected(
                    "it is made of more than 7 instances",
                    Some("--guest-instances"),
                ),
            ),
            (
                "resource limit exceeded: table count too high at 65",
                expected("it has more than 64 tables", None),
            ),
            (
                "resource limit exceeded: memory count too high at 9",
                expected("it has more than 8 memories", None),
            ),
            ("something else", None),
        ] {
            assert_eq!(said(text), verdict, "{text}");
        }
        let time = Duration::from_secs(1);
        let (wanted, limit) = (2, 1);
        for (reached, flag) in [
            (LimitExceeded::Time(time), "--guest-time"),
            (LimitExceeded::Memory { wanted, limit }, "--guest-memory"),
            (LimitExceeded::Table { wanted, limit }, "--guest-tables"),
            (LimitExceeded::Calls(1), "--guest-calls"),
            (LimitExceeded::CompileTime(time), "--compile-time"),
            (LimitExceeded::CompileMemory(1), "--compile-memory"),
        ] {
            let text = reached.to_string();
            let error = wasmtime::Error::from(reached).context("somewhere");
            let again = limits.reached(&error).unwrap();
            assert_eq!((again.to_string(), again.flag()), (text, Some(flag)));
        }
    }
}
