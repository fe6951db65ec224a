//! The shipped policies over the real program: what they drop and why, what they read, and that the same input always
//! gets the same answer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod decisions;
mod reading;
mod repeat;
mod schemas;
mod settings;
mod world;
