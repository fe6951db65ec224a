//! Wrong settings are the user's to put right: exit code 2, the place, and what is wrong, before anything is read.

use regcarve_test_support::binary::Runs as _;

use crate::world::{World, program};

#[test]
fn wrong_settings_are_named() {
    let world = World::new();
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
        ("max-size=huge", "/budget", "`huge` is no size"),
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
        ("platforms=linux", "/platforms/0", "`linux` is no platform"),
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
        let outcome = world.plan(&[policy], &[]);
        outcome.assert_code(2).assert_says(name);
        outcome.assert_says("does not accept its settings");
        outcome.assert_says(place).assert_says(what);
    }
}

/// Expressions as deep as settings can be end in an answer, not in the guest's stack.
#[test]
fn deep_expressions_end_well() {
    let world = World::new();
    for (expression, code) in [
        (format!("{}true{}", "(".repeat(5000), ")".repeat(5000)), 0),
        (format!("true{}", " && image.size > 1".repeat(500)), 0),
        (format!("size(image.tag{}) > 0", " + \"a\"".repeat(90)), 0),
        (format!("size(image.tag{}) > 0", " + \"a\"".repeat(2000)), 2),
        (format!("{}true{}", "[".repeat(5000), "]".repeat(5000)), 2),
        (format!("image.labels.a{} == 1", ".b".repeat(5000)), 2),
        ("true || ".repeat(3000), 2),
    ] {
        let outcome = world.plan(&[format!("where={expression}")], &[]);
        outcome.assert_code(code);
    }
}

#[test]
fn settings_come_from_files() {
    let world = World::new();
    let file = world.path("rule.json");
    let rule = r#"{"expression": "image.labels.tier == \"gold\"", "verdict": "drop"}"#;
    std::fs::write(&file, rule).unwrap();
    let outcome = world.plan(&[format!("where=@{}", file.display())], &[]);
    outcome.assert_code(0);
    assert_eq!(outcome.listed("dropped", "policy"), ["where"; 4]);
}

#[test]
fn every_policy_is_listed() {
    let outcome = program(&["policy", "list"]).outcome();
    outcome.assert_code(0);
    let names: Vec<_> = outcome
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        names,
        [
            "age",
            "deny-digest",
            "labels",
            "match",
            "max-size",
            "newest",
            "platforms",
            "where"
        ]
    );
}
