//! The sandbox: components, what they may do, and what they may use up.
//!
//! Only this module knows generated types and wasmtime. Everything that a guest answers is parsed again at
//! its border, in the file of its role, into the types of [`crate::pipeline`]; nothing behind that border
//! has to distrust it.
//!
//! | role     | file            | what the host lends                         |
//! |----------|-----------------|---------------------------------------------|
//! | selector | [`selector`]    | nothing                                     |
//! | reader   | [`reader`]      | [`SourceTree`](crate::fs::SourceTree)  |
//! | policy   | [`policy`]      | manifests and configs of the images at hand |
//! | writer   | [`writer`]      | [`OutputTree`](crate::fs::OutputTree)  |

mod bindings;
mod component;
mod contract;
mod engine;
mod failure;
mod imports;
pub mod roles;
mod state;
mod watch;

pub use crate::spec::ComponentSpec;
pub use component::{Component, Role};
pub use engine::Engine;
pub use engine::limits::Limits;
pub use failure::ComponentFailure;
pub use imports::log::{GuestLog, LogLevel, LogSink};
