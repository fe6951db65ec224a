//! Writers: paths, names, content.

use regcarve_test_support::fixture::Fixture;

use super::case::{COMPLETE, COMPONENT, Case, ONE_SECOND, hold};

/// The verdicts.
pub(crate) const CASES: &[Case] = &[
    Case::new(
        "writer-call-flood",
        COMPONENT,
        &["called the host more than 5000 times"],
    )
    .with(&["--guest-calls", "5000"]),
    Case::new("writer-flat", COMPLETE, &[]),
    Case::new(
        "writer-foreign-digest",
        COMPONENT,
        &[" failed: ", "is not in the plan"],
    ),
    Case::new("writer-loop", COMPONENT, &["ran for more than 1 s"]).with(ONE_SECOND),
    Case::new(
        "writer-overwrite",
        COMPONENT,
        &[" failed: ", "a name that it needs is taken"],
    ),
    Case::new(
        "writer-paths",
        COMPONENT,
        &[" failed: ", "the path is longer than"],
    ),
    Case::new("writer-pure", COMPLETE, &[]),
    Case::new(
        "writer-reads-source",
        COMPONENT,
        &[" failed: ", "a role without `source`"],
    ),
    Case::new(
        "writer-trap",
        COMPONENT,
        &["half-way", "it panicked or aborted"],
    ),
];

fn invite(fixture: &Fixture, path: &str) -> Vec<String> {
    let output = fixture.path("output").display().to_string();
    vec![fixture.spec("registry:source"), format!("{path}:{output}")]
}

#[test]
fn hostile_writers_are_stopped() {
    hold(CASES, &["--image", "team/*:*"], invite);
}
