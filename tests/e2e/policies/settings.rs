//! Wrong settings: exit code 2, the place, and what is wrong, before anything is read.

use super::images::{nine_images, plan};

#[test]
fn wrong_settings_are_refused_with_their_place() {
    let fixture = nine_images();
    for (policy, place, what) in [
        ("age=90d", "/now", "a policy has no clock"),
        ("age=yesterday", "/newer_than", "neither a date"),
        (r#"age={"newer":"2026-01-01"}"#, "/newer", "unknown field"),
        ("deny-digest=sha256:0c1f", "/digests/sha256:0c1f", "digest"),
        (
            r#"labels={"require":{"a/b":[]}}"#,
            "/require/a~1b",
            "at least one value",
        ),
        ("labels==gold", "", "has no key"),
        (r#"match={"allow":["a","b["]}"#, "/allow/1", "b["),
        ("max-size=huge", "/budget", "`huge` is not a size"),
        (
            r#"max-size={"budget":"1GB","verdict":"warn"}"#,
            "/verdict",
            "unknown variant",
        ),
        ("newest=0", "/count", "nonzero"),
        ("newest=some", "", "newest=3"),
        (
            r#"newest={"count":1,"by":"created","others":"keep"}"#,
            "/others",
            "means nothing",
        ),
        (
            "platforms=linux",
            "/platforms/0",
            "`linux` is not a platform",
        ),
        ("where=image.tag ==", "/expression", "column 13: "),
        (
            r#"where=image.labls.tier == "gold""#,
            "/expression",
            "column 7: `image` has no `labls`",
        ),
        (
            r#"where=tier == "gold""#,
            "/expression",
            "column 1: there is no name `tier`",
        ),
        (
            r#"where=image.size > "1GB""#,
            "/expression",
            "`>` cannot be done with int and string",
        ),
        (
            "where=image.tag",
            "/expression",
            "it has to give true or false",
        ),
    ] {
        let name = policy.split('=').next().unwrap();
        let outcome = plan(&fixture, &[policy], &[]);
        outcome.assert_code(2).assert_says(name);
        outcome.assert_says("does not accept its settings");
        outcome.assert_says(place).assert_says(what);
    }
}

/// Expressions as deep as settings can be end in an answer, not in the guest's stack.
#[test]
fn deep_expressions_do_not_overflow_the_stack() {
    let fixture = nine_images();
    for (expression, code) in [
        (format!("{}true{}", "(".repeat(5000), ")".repeat(5000)), 0),
        (format!("true{}", " && image.size > 1".repeat(500)), 0),
        (format!("size(image.tag{}) > 0", " + \"a\"".repeat(90)), 0),
        (format!("size(image.tag{}) > 0", " + \"a\"".repeat(2000)), 2),
        (format!("{}true{}", "[".repeat(5000), "]".repeat(5000)), 2),
        (format!("image.labels.a{} == 1", ".b".repeat(5000)), 2),
        ("true || ".repeat(3000), 2),
    ] {
        let outcome = plan(&fixture, &[format!("where={expression}")], &[]);
        outcome.assert_code(code);
    }
}

#[test]
fn settings_may_come_from_a_file() {
    let fixture = nine_images();
    let file = fixture.path("rule.json");
    let rule = r#"{"expression": "image.labels.tier == \"gold\"", "verdict": "drop"}"#;
    std::fs::write(&file, rule).unwrap();
    let outcome = plan(&fixture, &[format!("where=@{}", file.display())], &[]);
    outcome.assert_code(0);
    assert_eq!(outcome.listed("dropped", "policy"), ["where"; 4]);
}
