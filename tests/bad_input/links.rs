//! Link files that say nothing, too much or nonsense.

use std::path::PathBuf;

use regcarve_test_support::faults;

use crate::world::World;
use crate::{Case, below, damaged};

type Link = (&'static str, fn(&World) -> PathBuf);

const LINKS: [Link; 3] = [
    ("tag link", World::tag),
    ("revision link", World::revision),
    ("layer link", World::layer_link),
];

pub(crate) fn cases() -> Vec<Case> {
    let good = |world: &World| world.layer.digest.to_string();
    type Text = (&'static str, fn(String) -> String, &'static [&'static str]);
    let texts: [Text; 7] = [
        ("empty", |_| String::new(), &["empty"]),
        (
            "ends in a newline",
            |good| format!("{good}\n"),
            &["newline", "digest"],
        ),
        (
            "is cut",
            |good| good[..40].to_owned(),
            &["digest", "length"],
        ),
        ("is no digest", |_| "not a digest".to_owned(), &["digest"]),
        ("is in upper case", |good| good.to_uppercase(), &["digest"]),
        (
            "climbs",
            |_| "sha256:../../../../../../etc/passwd".to_owned(),
            &["digest"],
        ),
        (
            "is very long",
            |good| good.repeat(100),
            &["digest", "long", "large", "bytes"],
        ),
    ];
    let mut all = Vec::new();
    for (what, path) in LINKS {
        for (how, text, causes) in texts {
            all.push(damaged(format!("{what} {how}"), causes, |world| {
                faults::rewrite(&path(world), text(good(world)));
                below(&path(world))
            }));
        }
    }
    all
}
