//! Nothing lost: what is left when the power goes, a process is killed, a call fails, a disk is full or a machine is
//! small.
//!
//! Every `cargo test` runs a sample. One command runs all of it and prints the figures:
//!
//! ```sh
//! REGCARVE_LONG=1 cargo test --release --locked --test faults -- --nocapture --test-threads 1
//! ```
//!
//! It needs Linux, root, `strace`, loop devices, and the packages xfsprogs, btrfs-progs and e2fsprogs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod disk;
mod kill;
mod matrix;
mod order;
mod power;
mod race;
mod refused;
mod room;
mod small;
mod strace;
mod world;

/// The long form is asked for, or a number for the short one.
fn long_or<T>(long: T, short: T) -> T {
    if std::env::var_os("REGCARVE_LONG").is_some() {
        long
    } else {
        short
    }
}
