//! The way of a release: requests, images, decisions, plan, steps, publish.
//!
//! ```text
//!  lists ──requests──▶ resolve ──images──▶ decide ──plan──▶ carve ──▶ publish
//! ```
//!
//! Data goes one way. Every stage takes the whole answer of the one before: nothing is written before the
//! plan is complete, and nothing is published before everything is written. Each stage also hands on what is
//! wrong, so that a run reports every problem and not only the first.

pub mod carve;
pub mod decide;
pub mod hash;
pub mod open_files;
pub mod resolve;
pub mod select;
pub mod suggest;
pub mod workers;
