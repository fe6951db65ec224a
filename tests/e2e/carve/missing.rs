//! References of a list that the storage does not have.

use super::images::six_images;

const LIST: &str =
    "library/alpine:3.6\nteam/app:v2 # not yet\n\nteam/tool:v1\nteam/toll:v1\nlibrary/alpine:3.8\n";

#[test]
fn all_missing_tags_are_reported_at_once_with_hints() {
    let fixture = six_images();
    let list = fixture.write("release.list", LIST);
    let outcome = fixture.refuse(3, &["--list", &list]);
    for (line, reference, hint) in [
        (2, "team/app:v2", "nearest tags: v1"),
        (
            5,
            "team/toll:v1",
            "there is no repository team/toll\n  hint: nearest repositories: team/tool",
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
fn only_the_first_hundred_missing_tags_get_a_hint() {
    let fixture = six_images();
    let lines: String = (100..350)
        .map(|number| format!("team/app:missing-{number}\n"))
        .collect();
    let list = fixture.write("release.list", lines);
    let outcome = fixture.refuse(3, &["--list", &list]);
    assert_eq!(outcome.listed("missing", "reference").len(), 250);
    let said = outcome.stderr.as_str();
    assert_eq!(said.matches("nearest tags: v1").count(), 100);
    let (first, _) = said.split_once("missing-200").unwrap();
    assert_eq!(first.matches("nearest tags: v1").count(), 100);
}

#[test]
fn allow_missing_publishes_the_rest_and_reports_what_is_missing() {
    let fixture = six_images();
    let list = fixture.write("release.list", LIST);
    let outcome = fixture.carve(&["--allow-missing", "--list", &list]);
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
    assert!(fixture.output().is_dir());
}

/// Missing and damaged at once: both are told, and `--allow-missing` does not cover damage.
#[test]
fn allow_missing_does_not_allow_damage() {
    let fixture = six_images();
    let list = fixture.write("release.list", LIST);
    std::fs::write(fixture.storage.tag_path("team/tool", "v1"), "").unwrap();
    let outcome = fixture.refuse(4, &["--allow-missing", "--list", &list]);
    outcome
        .assert_says("missing: team/app:v2")
        .assert_says("damaged: team/tool:v1");
    assert_eq!(outcome.listed("missing", "reference").len(), 3);
    assert_eq!(outcome.listed("damaged", "reference"), ["team/tool:v1"]);
}
