//! Damaged storages and wrong lists: each gets one clear message, and nothing is published. Symlinks, FIFOs and folders in
//! the places of files are in `tests/security/traversal/planted.rs`.
//!
//! Every case starts from the same small storage, does one thing to it, and names what the message
//! must say: the place, and one of several words for the cause. The images beside the bad one are
//! good: they must not be published either.

mod bad_image;
mod content;
mod links;
mod lists;
mod manifests;

use std::path::Path;

use regcarve_test_support::binary::{Outcome, Runs as _};
use regcarve_test_support::fixture::{program, registry};
use regcarve_test_support::snapshot::Snapshot;
use regcarve_test_support::tree::staging_beside;

use self::bad_image::{BadStorage, still_good};

/// Something selected is missing.
const MISSING: i32 = 3;
/// The source is damaged.
const DAMAGED: i32 = 4;

/// One case.
struct Case {
    name: String,
    code: i32,
    /// The part of a path, or the `file:line`, that the message must name.
    place: String,
    /// Words for the cause; the message must hold one of them.
    causes: &'static [&'static str],
    bad: BadStorage,
}

/// Every case that a storage or a list can be wrong in.
fn cases() -> Vec<Case> {
    let groups = [
        links::cases(),
        manifests::cases(),
        content::cases(),
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
    change: impl FnOnce(&mut BadStorage) -> String,
) -> Case {
    let mut bad = still_good();
    let place = change(&mut bad);
    Case {
        name: name.into(),
        code,
        place,
        causes,
        bad,
    }
}

fn damaged(
    name: impl Into<String>,
    causes: &'static [&'static str],
    change: impl FnOnce(&mut BadStorage) -> String,
) -> Case {
    case(name, DAMAGED, causes, change)
}

/// Carves what the list of a case selects.
fn carve(bad: &BadStorage) -> Outcome {
    let list = bad.write("bad.list", &bad.made.list);
    program("run")
        .args(["--list", &list])
        .args([bad.source(), registry(&bad.output())])
        .reported()
}

/// Runs a case and answers all that is not as it must be.
fn problems_of(case: &Case) -> Vec<String> {
    let bad = &case.bad;
    let before = Snapshot::take(bad.storage.root());
    let outcome = carve(bad);

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
    let output = bad.output();
    unless(
        output.symlink_metadata().is_err(),
        "something was published",
    );
    unless(staging_beside(&output).is_empty(), "staging was left");
    let changes = before.differences(&Snapshot::take(bad.storage.root()));
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
fn every_invalid_input_gets_a_clear_message_and_publishes_nothing() {
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

/// Without its fault the storage of a case is carved, so each case fails for its own reason.
#[test]
fn the_storage_of_the_cases_is_good_without_them() {
    let good = still_good();
    carve(&good).assert_code(0);
    assert!(good.output().is_dir());
}
