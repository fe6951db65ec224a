//! Tools for authors and operators of policies: `regcarve policy …`, the example policies of all languages, the cache of
//! compiled code, pins, and the promise that old components keep working.

mod cache;
mod cases;
mod contract;
mod languages;
mod made;
mod not_a_policy;
mod pins;
mod projects;
mod shipped;

use std::path::PathBuf;
use std::process::Command;

use regcarve_test_support::binary::{Outcome, Runs as _, regcarve};
use regcarve_test_support::docs::repository;

/// A command of the program under test.
fn program(args: &[&str]) -> Command {
    let mut program = regcarve();
    program.args(args);
    program
}

/// Runs the program with these arguments.
#[track_caller]
fn run(args: &[&str]) -> Outcome {
    let outcome = program(args).outcome();
    outcome.assert_no_panic();
    outcome
}

/// The storage in `tests/data`, as the command line names it.
fn sample() -> String {
    format!("registry:{}", repository("tests/data/storage").display())
}

/// A policy that was built against the contract 0.1.0 and is kept.
fn kept_policy() -> PathBuf {
    repository("tests/data/components/owned-images-0.1.0.wasm")
}
