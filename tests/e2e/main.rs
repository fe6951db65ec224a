//! End-to-end tests of the program as a person runs it: releases carved and verified, every format and platform, every
//! policy, and a clear message for every input that is wrong.
//!
//! | module | promise |
//! |---|---|
//! | `carve` | what a release is made of, and how a run ends |
//! | `formats` | every way between the three formats keeps every digest |
//! | `platforms` | `--platform` takes what was chosen and nothing else |
//! | `policies` | what each shipped policy drops, reads and says |
//! | `verify` | what is damaged is found, and what garbage collection would delete is foretold |
//! | `invalid_input` | wrong storages and lists get one clear message, and nothing is published |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod carve;
mod formats;
mod invalid_input;
mod platforms;
mod policies;
mod verify;
