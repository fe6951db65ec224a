//! regcarve: carves a release out of a container registry's storage, by hard links.
//!
//! The program `regcarve` is a thin front to this library.
//!
//! ```text
//!  cli, commands      what the user wants, and what the user sees
//!      │
//!  pipeline           requests, images, decisions, plan, steps
//!      │        ╲
//!  wasm          publish     guests and their limits; staging, durability, rename
//!      │        ╱
//!  capability         a source that cannot be written, an output that cannot be overwritten
//! ```
//!
//! # The trust boundary
//!
//! Not trusted: lists, files in the source, components of users and everything that components answer. Each is
//! parsed into a type once, where it comes in: paths in [`fs::TreePath`], names and digests in
//! `regcarve_types`, answers of components in the files of [`wasm`]. The meaning of a storage (which tags
//! there are, which file holds what) lives in components; this library knows the path of no file
//! in any storage format. The capability (open, link, write) lives in [`fs`], and only there.

// See host/clippy.toml. Unit tests plant what the host itself must not make.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod cli;
pub mod commands;
pub mod error;
pub mod fs;
pub mod hash;
mod hash_map;
mod interruptible_read;
pub mod options;
pub mod pipeline;
pub mod progress;
pub mod publish;
pub mod release;
pub mod report;
pub mod signals;
pub mod spec;
pub mod sync;
pub mod text;
pub mod wasm;

pub use error::Error;
