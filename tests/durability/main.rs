//! Nothing is lost: what is left when the power goes, a process is killed, a call fails, a disk is full, a machine is small,
//! or a registry goes on writing.
//!
//! | module | promise |
//! |---|---|
//! | `power` | after a power cut the output is whole or absent |
//! | `order` | data is synced before the output gets its name |
//! | `kill` | a run that is killed, or told to stop, publishes nothing, and the next one cleans up |
//! | `matrix` | every system call may fail: a message with call, path and errno, and nothing is left |
//! | `refused` | where links are refused: found out before any work, with cause and remedy |
//! | `room` | no inodes, no blocks, a report that cannot be written |
//! | `small` | few open files, little address space, an ordinary user, any umask |
//! | `concurrent_runs` | many runs for one output |
//! | `concurrent_registry` | releases out of a storage that a registry is writing to |
//!
//! It needs Linux, root, `strace`, loop devices, and the packages xfsprogs, btrfs-progs and e2fsprogs. A usual run tries a
//! sample; `REGCARVE_LONG=1` tries everything, and prints the figures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod concurrent_registry;
mod concurrent_runs;
mod disk;
mod kill;
mod matrix;
mod order;
mod power;
mod refused;
mod room;
mod small;
mod strace;
mod trial;
