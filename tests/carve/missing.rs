//! What a list asks for and the storage lacks.

use crate::world::World;

const LIST: &str =
    "library/alpine:3.6\nteam/app:v2 # not yet\n\nteam/tool:v1\nteam/toll:v1\nlibrary/alpine:3.8\n";

#[test]
fn three_missing_tags_are_reported_together_and_nothing_is_published() {
    let world = World::new();
    let list = world.list("release.list", LIST);
    let outcome = world.refuse(3, &["--list", &list]);
    for (line, reference, hint) in [
        (2, "team/app:v2", "nearest tags: v1"),
        (
            5,
            "team/toll:v1",
            "there is no repository team/toll; nearest: team/tool",
        ),
        (6, "library/alpine:3.8", "nearest tags: 3.6, 3.7"),
    ] {
        outcome
            .assert_says(&format!("missing: {reference} ({list}:{line})"))
            .assert_says(hint);
    }
    outcome.assert_says("3 missing; nothing was published");
    let from = [2, 5, 6].map(|line| format!("{list}:{line}"));
    assert_eq!(
        outcome.listed("missing", "reference"),
        ["team/app:v2", "team/toll:v1", "library/alpine:3.8"]
    );
    assert_eq!(outcome.listed("missing", "from"), from);
    assert_eq!(outcome.report()["outcome"], "failed");
    assert_eq!(outcome.report()["error"]["exit_code"], 3);
}

#[test]
fn where_much_is_missing_not_everything_gets_a_hint() {
    let world = World::new();
    let lines: String = (100..350)
        .map(|number| format!("team/app:missing-{number}\n"))
        .collect();
    let list = world.list("release.list", lines);
    let outcome = world.refuse(3, &["--list", &list]);
    assert_eq!(outcome.listed("missing", "reference").len(), 250);
    let said = outcome.stderr.as_str();
    assert_eq!(said.matches("nearest tags: v1").count(), 100);
    let (first, _) = said.split_once("missing-200").unwrap();
    assert_eq!(first.matches("nearest tags: v1").count(), 100);
}

#[test]
fn allow_missing_publishes_the_rest_and_reports_them() {
    let world = World::new();
    let list = world.list("release.list", LIST);
    let outcome = world.carve(&["--allow-missing", "--list", &list]);
    outcome
        .assert_code(0)
        .assert_says("missing: team/app:v2")
        .assert_says("3 images missing");
    assert_eq!(
        outcome.listed("images", "reference"),
        ["library/alpine:3.6", "team/tool:v1"]
    );
    assert_eq!(
        outcome.listed("missing", "reference"),
        ["team/app:v2", "team/toll:v1", "library/alpine:3.8"]
    );
    assert_eq!(outcome.report()["outcome"], "partial");
    assert!(world.output().is_dir());
}

/// Missing and damaged at once: both are told, and `--allow-missing` does not cover damage.
#[test]
fn damage_is_told_with_what_is_missing_and_never_allowed() {
    let world = World::new();
    let list = world.list("release.list", LIST);
    std::fs::write(world.storage.tag_path("team/tool", "v1"), "").unwrap();
    let outcome = world.refuse(4, &["--allow-missing", "--list", &list]);
    outcome
        .assert_says("missing: team/app:v2")
        .assert_says("damaged: team/tool:v1");
    assert_eq!(outcome.listed("missing", "reference").len(), 3);
    assert_eq!(outcome.listed("damaged", "reference"), ["team/tool:v1"]);
}
