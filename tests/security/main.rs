//! Nothing outside of source and output is touched.
//!
//! | module | promise |
//! |---|---|
//! | `traversal` | whatever a storage, a list or a concurrent process says, no path leads out of the two trees |
//! | `landlock` | the kernel refuses what a run should not do, and nothing else |
//!
//! `REGCARVE_LONG=1` tries all of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod landlock;
mod traversal;
