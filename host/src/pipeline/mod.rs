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
pub mod catalog;
pub mod closure;
pub mod contents;
pub mod decide;
pub mod handle_budget;
pub mod image;
pub mod plan;
pub mod problem;
pub mod request;
pub mod resolve;
pub mod suggest;
pub mod verify;
pub mod workers;
