//! Wrong storages and wrong lists: each gets one clear message, and nothing is published.
//!
//! Every case starts from the same small storage, does one thing to it, and names what the message
//! must say: the place, and one of several words for the cause. The images beside the bad one are
//! good: they must not be published either.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod content;
mod links;
mod lists;
mod manifests;
mod types;
mod world;

use std::fs;
use std::path::Path;

use regcarve_test_support::binary::{Runs as _, regcarve};
use regcarve_test_support::snapshot::Snapshot;
use regcarve_test_support::tree::staging_beside;

use crate::world::World;

/// Something selected is missing.
const MISSING: i32 = 3;
/// The source is damaged.
const DAMAGED: i32 = 4;

/// One case.
struct Case {
    name: String,
    code: i32,
    /// What the message must name: a part of a path, or `file:line`.
    place: String,
    /// Words for the cause; the message must hold one of them.
    causes: &'static [&'static str],
    world: World,
}

/// Every case that a storage or a list can be wrong in.
fn cases() -> Vec<Case> {
    let groups = [
        links::cases(),
        manifests::cases(),
        content::cases(),
        types::cases(),
        lists::cases(),
    ];
    groups.into_iter().flatten().collect()
}

/// The part of a path that no message can do without.
fn below(path: &Path) -> String {
    let text = path.display().to_string();
    let start = text.find("/repositories/").or_else(|| text.find("/blobs/"));
    text[start.map_or(0, |start| start + 1)..].to_owned()
}

fn case(
    name: impl Into<String>,
    code: i32,
    causes: &'static [&'static str],
    change: impl FnOnce(&mut World) -> String,
) -> Case {
    let mut world = World::new();
    let place = change(&mut world);
    Case {
        name: name.into(),
        code,
        place,
        causes,
        world,
    }
}

fn damaged(
    name: impl Into<String>,
    causes: &'static [&'static str],
    change: impl FnOnce(&mut World) -> String,
) -> Case {
    case(name, DAMAGED, causes, change)
}

/// Runs a case and answers all that is not as it must be.
fn problems_of(case: &Case) -> Vec<String> {
    let world = &case.world;
    let (list, output) = (
        world.folder.path().join("bad.list"),
        world.folder.path().join("output"),
    );
    fs::write(&list, &world.list).unwrap();
    let before = Snapshot::take(world.storage.root());
    let outcome = regcarve(env!("CARGO_BIN_EXE_regcarve"))
        .args(["run", "--list"])
        .arg(&list)
        .arg(format!("registry:{}", world.storage.root().display()))
        .arg(format!("registry:{}", output.display()))
        .reported();

    let mut problems = Vec::new();
    let mut unless = |good: bool, problem: &str| {
        if !good {
            problems.push(problem.to_owned());
        }
    };
    let said = &outcome.stderr;
    unless(
        outcome.code == case.code,
        &format!("exit code {}, not {}", outcome.code, case.code),
    );
    unless(
        said.contains(&case.place),
        &format!("the message does not name {:?}", case.place),
    );
    let cause = case.causes.iter().any(|cause| said.contains(cause));
    unless(
        cause,
        &format!("the message says none of {:?}", case.causes),
    );
    unless(!said.contains("panicked at"), "it panicked");
    unless(
        !said.contains('\x1b') && !said.contains('\0'),
        "the message holds control characters",
    );
    unless(
        output.symlink_metadata().is_err(),
        "something was published",
    );
    unless(staging_beside(&output).is_empty(), "staging was left");
    let changes = before.differences(&Snapshot::take(world.storage.root()));
    unless(
        changes.is_empty(),
        &format!("the source changed: {changes:?}"),
    );
    if !problems.is_empty() {
        // Long lists come back in messages; the start is enough to understand one.
        let everything: String = outcome.everything().chars().take(2000).collect();
        problems.push(everything);
    }
    problems
}

#[test]
fn every_bad_input_gets_a_clear_message_and_loses_nothing() {
    let cases = cases();
    let mut failed = Vec::new();
    for case in &cases {
        let problems = problems_of(case);
        if !problems.is_empty() {
            failed.push(format!("{}:\n  {}", case.name, problems.join("\n  ")));
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {} cases failed:\n\n{}",
        failed.len(),
        cases.len(),
        failed.join("\n\n")
    );
}

/// The storage that every case starts from is good: what fails, fails for the reason of the case.
#[test]
fn the_world_of_the_cases_is_good() {
    let world = World::new();
    let (list, output) = (
        world.folder.path().join("bad.list"),
        world.folder.path().join("output"),
    );
    fs::write(&list, &world.list).unwrap();
    regcarve(env!("CARGO_BIN_EXE_regcarve"))
        .args(["run", "--list"])
        .arg(&list)
        .arg(format!("registry:{}", world.storage.root().display()))
        .arg(format!("registry:{}", output.display()))
        .reported()
        .assert_code(0);
    assert!(output.is_dir());
}
