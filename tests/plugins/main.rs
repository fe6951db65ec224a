//! Components by strangers: what their authors are given works, and what they do against a run comes to nothing.
//!
//! | module | promise |
//! |---|---|
//! | `policy_tools` | `regcarve policy …`, the examples of all languages, the cache, pins, and old components |
//! | `sandbox` | a hostile guest for each rule of the sandbox |
//!
//! Arbitrary answers of components are a binary of their own, `guest_answers_fuzz`: its runs end their process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod policy_tools;
mod sandbox;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits for the tests that measure time, and for those that keep the machine busy, and keeps them waiting.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
