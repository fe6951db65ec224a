//! A policy that is passed as a file drops images by its own rule.

use regcarve_test_support::programs::example_policy;

use crate::world::World;

const SNAPSHOT: &str = "`v1-snapshot` is a snapshot";
const UNOWNED: &str = "its config has no label `team`";

#[test]
fn the_example_policy_drops_by_its_own_rule() {
    let world = World::new();
    let policy = example_policy().display().to_string();
    let outcome = world.carve(&["--all", "--policy", &policy]);
    outcome.assert_code(0).assert_says("2 images dropped");
    assert_eq!(
        outcome.listed("images", "reference"),
        [
            "library/alpine:3.6",
            "library/alpine:3.7",
            "team/app:v1",
            "team/tool:v1"
        ]
    );
    assert_eq!(
        outcome.listed("dropped", "reference"),
        ["team/tool:v1-snapshot", "team/tool:v2"]
    );
    assert_eq!(outcome.listed("dropped", "reason"), [SNAPSHOT, UNOWNED]);
    assert_eq!(
        outcome.listed("dropped", "policy"),
        [policy.clone(), policy.clone()]
    );
    assert!(outcome.listed("components", "name").contains(&policy));
    assert!(world.output().is_dir());
}

#[test]
fn its_settings_come_inline_or_from_a_file() {
    let world = World::new();
    let policy = example_policy().display().to_string();
    let settings = r#"{"label":"os","snapshots":[]}"#;
    let file = world.list("settings.json", settings);
    for given in [settings.to_owned(), format!("@{file}")] {
        let outcome = world.refuse(
            2,
            &[
                "--all",
                "--policy",
                &format!("{policy}={given}"),
                "--image",
                "team/tool:v1",
            ],
        );
        outcome.assert_says("--all takes everything");
        let outcome = world.carve(&[
            "--image",
            "team/tool:*",
            "--replace",
            "--policy",
            &format!("{policy}={given}"),
        ]);
        outcome.assert_code(0);
        assert_eq!(
            outcome.listed("dropped", "reason"),
            ["its config has no label `os`"; 3]
        );
        std::fs::remove_dir_all(world.output()).unwrap();
    }
}

#[test]
fn wrong_settings_are_named_before_anything_is_read() {
    let world = World::new();
    let policy = example_policy().display().to_string();
    for (settings, place) in [
        (r#"{"lable":"team"}"#, "/lable"),
        (r#"{"snapshots":[1]}"#, "/snapshots/0"),
        ("[]", "JSON object"),
    ] {
        let outcome = world.refuse(2, &["--all", "--policy", &format!("{policy}={settings}")]);
        outcome
            .assert_says(&policy)
            .assert_says("does not accept its settings")
            .assert_says(place);
    }
}

#[test]
fn the_first_drop_wins() {
    let world = World::new();
    let policy = example_policy().display().to_string();
    let deny = r#"match={"deny":["team/tool"]}"#;
    let outcome = world.carve(&["--all", "--policy", deny, "--policy", &policy]);
    outcome.assert_code(0);
    assert_eq!(outcome.listed("dropped", "policy"), ["match"; 3]);
    std::fs::remove_dir_all(world.output()).unwrap();
    let outcome = world.carve(&["--all", "--policy", &policy, "--policy", deny]);
    outcome.assert_code(0);
    assert_eq!(
        outcome.listed("dropped", "policy"),
        [policy.as_str(), policy.as_str(), "match"]
    );
}
