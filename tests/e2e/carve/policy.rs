//! `--policy FILE.wasm`: a policy of one's own, its settings, and its place in a chain.

use regcarve_test_support::programs::example_policy;

use super::images::six_images;

const SNAPSHOT: &str = "`v1-snapshot` is a snapshot";
const UNOWNED: &str = "its config has no label `team`";

#[test]
fn the_example_policy_drops_by_its_own_rule() {
    let fixture = six_images();
    let policy = example_policy().display().to_string();
    let outcome = fixture.carve(&["--all", "--policy", &policy]);
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
    assert!(fixture.output().is_dir());
}

#[test]
fn settings_come_inline_or_from_a_file() {
    let fixture = six_images();
    let policy = example_policy().display().to_string();
    let settings = r#"{"label":"os","snapshots":[]}"#;
    let file = fixture.write("settings.json", settings);
    for given in [settings.to_owned(), format!("@{file}")] {
        let outcome = fixture.refuse(
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
        let outcome = fixture.carve(&[
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
        std::fs::remove_dir_all(fixture.output()).unwrap();
    }
}

#[test]
fn wrong_settings_are_named_before_anything_is_read() {
    let fixture = six_images();
    let policy = example_policy().display().to_string();
    for (settings, place) in [
        (r#"{"lable":"team"}"#, "/lable"),
        (r#"{"snapshots":[1]}"#, "/snapshots/0"),
        ("[]", "JSON object"),
    ] {
        let outcome = fixture.refuse(2, &["--all", "--policy", &format!("{policy}={settings}")]);
        outcome
            .assert_says(&policy)
            .assert_says("does not accept its settings")
            .assert_says(place);
    }
}

#[test]
fn the_first_policy_that_drops_an_image_is_named() {
    let fixture = six_images();
    let policy = example_policy().display().to_string();
    let deny = r#"match={"deny":["team/tool"]}"#;
    let outcome = fixture.carve(&["--all", "--policy", deny, "--policy", &policy]);
    outcome.assert_code(0);
    assert_eq!(outcome.listed("dropped", "policy"), ["match"; 3]);
    std::fs::remove_dir_all(fixture.output()).unwrap();
    let outcome = fixture.carve(&["--all", "--policy", &policy, "--policy", deny]);
    outcome.assert_code(0);
    assert_eq!(
        outcome.listed("dropped", "policy"),
        [policy.as_str(), policy.as_str(), "match"]
    );
}
