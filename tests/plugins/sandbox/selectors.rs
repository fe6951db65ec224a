//! Selectors: lists.

use super::case::{COMPLETE, COMPONENT, Case, MISSING, ONE_SECOND, hold};
use super::world::World;

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

fn invite(world: &World, path: &str) -> Vec<String> {
    let list = world.path("images.list").display().to_string();
    let what = ["--selector", path, "--list", &list].map(str::to_owned);
    let places = [
        world.spec("registry", "source"),
        world.spec("registry", "output"),
    ];
    what.into_iter().chain(places).collect()
}

#[test]
fn selectors() {
    hold(CASES, &[], invite);
}
