//! Selectors: lists.

use regcarve_test_support::fixture::Fixture;

use super::case::{COMPLETE, COMPONENT, Case, MISSING, ONE_SECOND, hold};

/// The verdicts.
pub(crate) const CASES: &[Case] = &[
    Case::new("selector-compose", COMPLETE, &[]),
    Case::new("selector-flood", MISSING, &["malformed"]),
    Case::new("selector-loop", COMPONENT, &["ran for more than 1 s"]).with(ONE_SECOND),
    Case::new(
        "selector-memory",
        COMPONENT,
        &["bytes of memory; 268435456 are allowed"],
    ),
    Case::new("selector-nonsense", MISSING, &["malformed"]),
];

fn invite(fixture: &Fixture, path: &str) -> Vec<String> {
    let list = fixture.path("images.list").display().to_string();
    let what = ["--selector", path, "--list", &list].map(str::to_owned);
    let places = [
        fixture.spec("registry:source"),
        fixture.spec("registry:output"),
    ];
    what.into_iter().chain(places).collect()
}

#[test]
fn hostile_selectors_are_stopped() {
    hold(CASES, &[], invite);
}
