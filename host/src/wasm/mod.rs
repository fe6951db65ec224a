//! The sandbox: components, what they may do, and what they may use up.
//!
//! Only this module knows generated types and wasmtime. Everything that a guest answers is parsed again at
//! its border, in the file of its role, into the types of [`crate::pipeline`]; nothing behind that border
//! has to distrust it.
//!
//! | role     | file            | what the host lends                         |
//! |----------|-----------------|---------------------------------------------|
//! | selector | [`selector`]    | nothing                                     |
//! | reader   | [`reader`]      | [`SourceTree`](crate::capability::SourceTree)  |
//! | policy   | [`policy`]      | manifests and configs of the images at hand |
//! | writer   | [`writer`]      | [`OutputTree`](crate::capability::OutputTree)  |

mod bindings;
mod cache;
mod code;
mod compile;
mod component;
mod engine;
#[path = "engine_config.rs"]
mod engine_config;
mod failure;
mod limits;
mod log;
pub mod policy;
pub mod reader;
pub mod selector;
mod shipped;
mod state;
mod wasi;
mod watch;
mod world;
pub mod writer;

pub use component::{Component, ComponentSpec, Role};
pub use engine::Engine;
pub use failure::ComponentFailure;
pub use limits::Limits;
pub use log::{GuestLog, LogLevel, LogSink};
