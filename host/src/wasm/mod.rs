//! The sandbox: components, their capabilities, their limits.
//!
//! Only this module knows generated types and wasmtime. Every answer of a guest is parsed again at
//! its border, in the file of its role, into the types of [`crate::release`]; the code behind that border
//! can trust it.
//!
//! | role     | answers              | capability                                   | lent by           |
//! |----------|----------------------|----------------------------------------------|-------------------|
//! | selector | [`roles::selector`]  | none                                         |                   |
//! | reader   | [`roles::reader`]    | [`SourceTree`](crate::fs::SourceTree)        | `imports/source`  |
//! | policy   | [`roles::policy`]    | manifests and configs of the images at hand  | `imports/content` |
//! | writer   | [`roles::writer`]    | [`SplitOutput`](crate::fs::SplitOutput)      | `imports/output`  |
//!
//! ```text
//!  engine/    config, compile, cache, load, limits, meter: code and what it may use up
//!  contract   worlds, versions, linking          component, instance   one file, many instances
//!  imports/   interfaces that the host lends     roles/                interfaces that guests export
//!  convert    kinds, platforms, closures         failure               from wasmtime's errors to ours
//! ```

mod bindings;
mod component;
mod contract;
mod convert;
mod engine;
mod failure;
mod imports;
mod instance;
pub mod roles;
mod state;

pub use crate::release::role::Role;
pub use crate::spec::ComponentSpec;
pub use component::Component;
pub use engine::Engine;
pub use engine::limits::Limits;
pub use imports::log::{GuestLog, LogLevel, LogSink};
