//! regcarve: carves a release out of a container registry's storage, by hard links.
//!
//! The program `regcarve` parses a command line, calls [`commands`] and prints the error. The words are in the
//! glossary (`host/docs/glossary.md`), the promise of each module in the design (`host/docs/design.md`).
//!
//! ```text
//!  commands                      one file a subcommand: flags in, text out
//!  cli  inputs  options          flags; lists and settings; how components are run
//!  report                        JSON and text of what was planned, carved, verified
//!  pipeline                      select → resolve → decide → carve; verify
//!  wasm          publish         components and their limits; staging, locks, the step that names an output
//!  error                         exit codes; failures of components as data
//!  release  spec  progress       images, blobs, plan, problems; names of components; the progress bar
//!  fs                            a source that cannot be written, an output that cannot be overwritten; Landlock
//!  hash  signals  sync  text     used by all
//! ```
//!
//! Imports go down only; `tests/architecture.rs` fails otherwise.
//!
//! # The trust boundary
//!
//! Lists, files in the source, components of users and everything that components answer are not trusted. Each is parsed
//! into a type once, where it comes in: paths in [`fs::TreePath`], names and digests in `regcarve_types`, answers of
//! components in [`wasm`]. Formats live in components: this library knows no path and no manifest of any storage. The power
//! to open, link and write lives in [`fs`] and nowhere else.

// See host/clippy.toml. Unit tests plant what the host itself must not make.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod cli;
pub mod commands;
pub mod error;
pub mod fs;
pub mod hash;
mod hash_map;
pub mod inputs;
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
