//! Limits of components: the ones that a user can change, and the fixed ones.
//!
//! [`Meter`](super::meter::Meter) holds an instance to them.

use std::time::Duration;

use crate::error::LimitExceeded;

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
        let command = <Limits as clap::Args>::augment_args(clap::Command::new("regcarve"));
        let is_flag = |flag: &str| {
            let mut names = command.get_arguments().filter_map(clap::Arg::get_long);
            names.any(|name| flag.strip_prefix("--") == Some(name))
        };
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
            assert!(is_flag(flag), "{flag}");
        }
    }
}
