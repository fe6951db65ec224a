//! The code that the test suites share.
//!
//! | module | what it gives |
//! |---|---|
//! | [`fixture`] | a folder for one test, with a storage and short names for everything in it |
//! | [`binary`] | runs the program and keeps everything it said |
//! | [`storage`] | writes a registry storage directly, fast, good or broken ([`faults`]) |
//! | [`snapshot`] | proof that a tree is what it was |
//! | [`tree`] | draws a tree as text, checks the inode rules of a carve |
//! | [`programs`] | compiles the example policy and the guests in `tests/programs`, and makes the storage that guests read |
//! | [`bombs`] | makes components that are hard to compile or to start |
//! | [`tools`] | which real tools are here, what happens when one is not, and whether everything is tried |
//! | [`registry`] | a running `docker-registry`, with a [`client`] of its HTTP API and its [`garbage`] collector |
//! | [`package`] | a manifest with everything behind it, made by [`shapes`] and [`schema1`] |
//! | [`layout`], [`skopeo`] | packages on disk for `skopeo copy`, and that program |
//! | [`corpus`] | images of every shape, pushed into a real registry |
//! | [`check`] | what a registry serves against what the corpus says |
//! | [`docs`] | documents of this repository, and the commands in them |
//! | [`sample`] | the small storage in `tests/data` |
//!
//! Nothing here uses the code under test: digests, paths and link texts are written a second
//! time from the format's description, so that a mistake made once does not hide itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper of tests says what is wrong by panicking, with everything it knows"
)]

pub mod binary;
pub mod bombs;
pub mod check;
pub mod client;
pub mod corpus;
pub mod digest;
pub mod docs;
pub mod faults;
pub mod fixture;
pub mod garbage;
pub mod layout;
pub mod media;
pub mod package;
pub mod programs;
pub mod registry;
pub mod sample;
pub mod schema1;
pub mod shapes;
pub mod skopeo;
pub mod snapshot;
pub mod storage;
pub mod tools;
pub mod tree;
