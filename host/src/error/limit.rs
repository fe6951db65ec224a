//! Limits that a component has exceeded, as data.

use std::time::Duration;

/// A limit of the sandbox that a component has exceeded. It ends the component, and the run.
///
/// The cases that a user can change are fields of [`Limits`](crate::wasm::Limits).
#[derive(Debug, Clone, thiserror::Error)]
pub enum LimitExceeded {
    /// Time in the guest's own code for one call.
    #[error("it ran for more than {} s in one call", .0.as_secs_f64())]
    Time(Duration),
    /// Linear memory.
    #[error("it asked for {requested} bytes of memory; {limit} are allowed")]
    Memory {
        /// The size that it would have had.
        requested: usize,
        /// The size that is allowed.
        limit: usize,
    },
    /// Elements of all tables together.
    #[error("it asked for tables of {requested} elements; {limit} are allowed")]
    Table {
        /// The number that it would have had.
        requested: usize,
        /// The number that is allowed.
        limit: usize,
    },
    /// Core instances.
    #[error("it is made of more than {0} instances")]
    Instances(usize),
    /// Tables in one component; fixed.
    #[error("it has more than {0} tables")]
    Tables(usize),
    /// Linear memories in one component; fixed.
    #[error("it has more than {0} memories")]
    Memories(usize),
    /// Calls between host and component.
    #[error(
        "it called the host more than {0} times, where every 4 KiB transferred count as one more"
    )]
    Calls(u64),
    /// Bytes in one call.
    #[error("it handed more than {0} bytes to the host in one call")]
    CallBytes(usize),
    /// Handles of resources; fixed.
    #[error("it holds more than {0} handles")]
    Handles(usize),
    /// Time for compiling it.
    #[error("compiling it takes more than {} s", .0.as_secs_f64())]
    CompileTime(Duration),
    /// Memory for compiling it.
    #[error("compiling it takes more than {0} bytes of memory")]
    CompileMemory(usize),
}

impl LimitExceeded {
    /// The flag that raises this limit, if one does.
    pub fn flag(&self) -> Option<&'static str> {
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
