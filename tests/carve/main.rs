//! What a release is made of, and how a run ends: one small storage, carved in many ways.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod attached;
mod disk;
mod drawing;
mod linking;
mod lists;
mod missing;
mod outputs;
mod policy;
mod printed;
mod repeat;
mod report;
mod shared;
mod signals;
mod world;
