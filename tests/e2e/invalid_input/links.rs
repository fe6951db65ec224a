//! Link files that are empty, cut, too long or no digest.

use std::path::PathBuf;

use regcarve_test_support::faults;

use super::bad_image::{BadStorage, layer_link, revision, tag};
use super::{Case, below, damaged};

type Link = (&'static str, fn(&BadStorage) -> PathBuf);

const LINKS: [Link; 3] = [
    ("tag link", tag),
    ("revision link", revision),
    ("layer link", layer_link),
];

pub(crate) fn cases() -> Vec<Case> {
    let good = |bad: &BadStorage| bad.made.layer.digest.to_string();
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
            all.push(damaged(format!("{what} {how}"), causes, |bad| {
                faults::rewrite(&path(bad), text(good(bad)));
                below(&path(bad))
            }));
        }
    }
    all
}
