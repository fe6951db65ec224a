//! Readers: false answers about a storage.

use regcarve_test_support::binary::Runs as _;
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::programs::program;

use super::case::{COMPLETE, COMPONENT, Case, DAMAGED, ONE_SECOND, hold};
use super::storages::{two_storages, with_own_cache};

/// The verdicts.
pub(crate) const CASES: &[Case] = &[
    Case::new(
        "reader-call-flood",
        COMPONENT,
        &["called the host more than 20000 times"],
    )
    .with(&["--guest-calls", "20000"]),
    Case::new(
        "reader-climbs",
        COMPONENT,
        &["an invalid answer", "../secret"],
    ),
    Case::new("reader-cycle", COMPLETE, &[]),
    Case::new(
        "reader-endless",
        COMPONENT,
        &["referrer chain longer than 64", "--no-attached"],
    ),
    Case::new("reader-loop", COMPONENT, &["ran for more than 1 s"]).with(ONE_SECOND),
    Case::new("reader-many-children", COMPONENT, &[]),
    Case::new("reader-many-damages", DAMAGED, &[]),
    Case::new(
        "reader-memory",
        COMPONENT,
        &["bytes of memory; 268435456 are allowed"],
    ),
    Case::new(
        "reader-multiplies",
        COMPONENT,
        &["called the host more than 5000 times"],
    )
    .with(&["--guest-calls", "5000"]),
    Case::new("reader-not-there", DAMAGED, &["no/such/layer"]),
    Case::new("reader-odd-names", COMPONENT, &["an invalid answer"]).with(&["--image", "*/*:*"]),
    Case::new("reader-optional-config", DAMAGED, &["no/such/config"]),
    Case::new(
        "reader-optional-top",
        COMPONENT,
        &["an invalid answer", "is optional"],
    ),
    Case::new("reader-other-digest", COMPONENT, &["another image"]).with(&[
        "--image",
        "team/app@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    ]),
    Case::new("reader-other-tag", COMPONENT, &["another image"]),
    Case::new("reader-out-of-range", COMPONENT, &["an invalid answer"]),
    Case::new("reader-paths", DAMAGED, &["every path"]),
    Case::new("reader-plain", COMPLETE, &[]),
    Case::new(
        "reader-trap",
        COMPONENT,
        &["half-way", "it panicked or aborted"],
    )
    .with(&["--image", "team/app:v1", "--image", "team/app:v2"]),
    Case::new("reader-twice", COMPONENT, &["twice in one image"]),
    Case::new(
        "reader-untagged-flood",
        COMPONENT,
        &["called the host more than 1000 times"],
    )
    .verifying()
    .with(&["--guest-calls", "1000"]),
    Case::new("reader-untagged-foreign", COMPONENT, &["another image"]).verifying(),
    Case::new("reader-untagged-gone", DAMAGED, &["the storage lists it"]).verifying(),
    Case::new("reader-untagged-unsorted", COMPONENT, &["not sorted"]).verifying(),
    Case::new("reader-writes", DAMAGED, &["a role without `output`"]),
    Case::new("reader-wrong-bytes", DAMAGED, &["forged"]),
    Case::new("reader-wrong-size", DAMAGED, &["layer"]),
];

fn invite(fixture: &Fixture, path: &str) -> Vec<String> {
    let source = fixture.path("flat").display().to_string();
    vec![format!("{path}:{source}"), fixture.spec("registry:output")]
}

#[test]
fn a_reader_without_audit_is_verified_by_its_tags_only() {
    let _alone = super::super::alone();
    let fixture = two_storages();
    let path = program("reader-plain").display().to_string();
    let source = fixture.path("flat").display().to_string();
    let outcome = with_own_cache(&fixture)
        .args(["verify", &format!("{path}:{source}")])
        .outcome();
    outcome.assert_code(0);
    outcome.assert_prints("only tagged images were checked");
}

#[test]
fn hostile_readers_are_stopped() {
    hold(CASES, &["--image", "team/app:v1"], invite);
}
