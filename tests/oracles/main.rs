//! Results compared with what others make of the same input: a second implementation, a real registry, a shell script.
//!
//! | module | oracle |
//! |---|---|
//! | `differential` | `reference/carve.py`, written apart in another language, on random storages |
//! | `real_registry` | `docker-registry` and skopeo at both ends of a release |
//! | `baseline_script` | the shell script `tests/bench/carve.sh` |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod baseline_script;
mod differential;
mod real_registry;
