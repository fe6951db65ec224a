//! One file a subcommand, and what they share.

pub mod list;
pub mod plan;
pub mod run;
mod session;
pub mod verify;
