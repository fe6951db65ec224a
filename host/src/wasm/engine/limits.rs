//! Limits of components: the ones that a user can change, and the fixed ones.
//!
//! [`Meter`](super::meter::Meter) holds an instance to them.

use std::time::Duration;

use crate::error::LimitExceeded;

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
    /// Calls into the host. The shipped layouts make about 50 for an image. Bytes that the host reads and writes count
    /// too, see `CALL_UNIT`, and so do the host's calls into the component and the images that it returns.
    pub calls: u64,
    /// Bytes of log messages, as they are printed, of all instances together.
    pub log_bytes: usize,
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
            component_bytes: 128 << 20,
            compile_time: Duration::from_secs(120),
            compile_memory: 2 << 30,
        }
    }
}

/// Bytes that count as one more call when the host reads, writes or keeps them for a component: reading one long
/// manifest again and again must not be cheaper than asking for many short ones.
pub(in crate::wasm) const CALL_UNIT: usize = 4 << 10;
/// Tables in one component.
pub(in crate::wasm) const MAX_TABLES: usize = 64;
/// Linear memories in one component.
pub(in crate::wasm) const MAX_MEMORIES: usize = 8;
/// Handles of resources; our own interfaces have none, WASI's have a few.
pub(in crate::wasm) const MAX_HANDLES: usize = 1_000;
/// Bytes in one line of a log; longer lines are cut.
pub(in crate::wasm) const MAX_LOG_LINE: usize = 8 << 10;

impl Limits {
    /// The limit that a failed call has run into, if it was one.
    pub(in crate::wasm) fn exceeded(&self, error: &wasmtime::Error) -> Option<LimitExceeded> {
        if let Some(exceeded) = error.downcast_ref::<LimitExceeded>() {
            return Some(exceeded.clone());
        }
        // Wasmtime does not publish the types of these errors; only their texts tell them apart. Should these
        // change, the component is stopped all the same, with wasmtime's words for it.
        let text = error.root_cause().to_string();
        [
            (
                "fuel allocated for hostcalls has been exhausted",
                LimitExceeded::CallBytes(self.call_bytes),
            ),
            (
                "store handle limit exceeded",
                LimitExceeded::Handles(MAX_HANDLES),
            ),
            // The table of WASI's own handles, which is asked first.
            (
                "resource table has no free keys",
                LimitExceeded::Handles(MAX_HANDLES),
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
        .find_map(|(words, exceeded)| text.contains(words).then_some(exceeded))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CALL_UNIT, Limits, MAX_LOG_LINE};
    use crate::error::LimitExceeded;

    #[test]
    fn the_defaults() {
        let limits = Limits::default();
        assert_eq!(limits.memory, 268_435_456);
        assert_eq!(limits.call_bytes, 67_108_864);
        assert_eq!(limits.log_bytes, 1_048_576);
        assert_eq!(limits.component_bytes, 134_217_728);
        assert_eq!(limits.compile_memory, 2_147_483_648);
        assert_eq!((CALL_UNIT, MAX_LOG_LINE), (4_096, 8_192));
    }

    #[test]
    fn every_limit_is_recognised_and_names_its_flag() {
        let limits = Limits {
            instances: 7,
            call_bytes: 50,
            ..Limits::default()
        };
        let said = |text: &'static str| {
            let error = wasmtime::Error::msg(text).context("somewhere");
            let exceeded = limits.exceeded(&error)?;
            Some((exceeded.to_string(), exceeded.flag()))
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
        let (requested, limit) = (2, 1);
        for (exceeded, flag) in [
            (LimitExceeded::Time(time), "--guest-time"),
            (LimitExceeded::Memory { requested, limit }, "--guest-memory"),
            (LimitExceeded::Table { requested, limit }, "--guest-tables"),
            (LimitExceeded::Calls(1), "--guest-calls"),
            (LimitExceeded::CompileTime(time), "--compile-time"),
            (LimitExceeded::CompileMemory(1), "--compile-memory"),
        ] {
            let text = exceeded.to_string();
            let error = wasmtime::Error::from(exceeded).context("somewhere");
            let again = limits.exceeded(&error).unwrap();
            assert_eq!((again.to_string(), again.flag()), (text, Some(flag)));
        }
    }
}
