//! `regcarve policy test`: cases that pass, cases that do not, cases that are wrong, and cases from a real storage.

use std::fs;
use std::path::Path;

use regcarve_test_support::binary::Outcome;
use regcarve_test_support::fixture::Fixture;
use serde_json::{Value, json};

use super::{kept_policy, run, sample};

/// Writes a file of cases that names the kept policy.
fn write_cases(fixture: &Fixture, name: &str, cases: Value) {
    let policy = kept_policy().canonicalize().unwrap();
    let file = json!({ "schema": "1.0.0", "policy": policy, "cases": cases });
    fixture.write(name, file.to_string());
}

/// Runs all cases in the folder.
fn test(fixture: &Fixture) -> Outcome {
    run(&["policy", "test", &fixture.path("").display().to_string()])
}

fn owned(team: &str) -> Value {
    json!({ "config": { "Labels": { "team": team } } })
}

#[test]
fn a_case_that_fails_shows_what_differs() {
    let fixture = Fixture::new();
    write_cases(
        &fixture,
        "b.json",
        json!([
            { "name": "good", "images": [{ "reference": "team/app:v1", "config": owned("a"), "expect": "keep" }] },
            { "name": "bad", "images": [
                { "reference": "team/app:v2", "expect": "keep" },
                { "reference": "team/app:v1", "config": owned("a"), "expect": "drop: it is old" },
                { "reference": "team/app:v3", "config": owned("a"), "expect": "keep" },
            ] },
        ]),
    );
    write_cases(
        &fixture,
        "a.json",
        json!([
            { "name": "settings", "settings": { "lable": 1 }, "fails": "/lable" },
            { "name": "other settings", "settings": { "lable": 1 }, "fails": "/label" },
            { "name": "no failure", "fails": "anything" },
        ]),
    );
    let outcome = test(&fixture);
    outcome
        .assert_code(5)
        .assert_says("the policy failed 3 of 5 cases");
    let shown = outcome
        .stdout
        .replace(&fixture.path("").display().to_string(), "");
    let (first, second) = shown.split_once("ok    b.json").unwrap();
    assert!(first.starts_with("ok    a.json: settings\nFAIL  a.json: other settings\n  expected  to fail with: /label\n  found     component "), "{first}");
    assert!(
        first.ends_with(
            "FAIL  a.json: no failure\n  expected  to fail with: anything\n  found     decisions\n"
        ),
        "{first}"
    );
    assert_eq!(
        second,
        ": good\nFAIL  b.json: bad\n  team/app:v1\n    expected  drop: it is old\n    found     keep\n  team/app:v2\n    expected  keep\n    found     drop: its config has no label `team`\n2 passed, 3 failed\n"
    );
}

#[test]
fn a_wrong_file_of_cases_is_refused_with_the_place() {
    let image = |image: Value| json!([{ "name": "odd", "images": [image] }]);
    let digest = format!("sha256:{}", "0".repeat(64));
    let content = |children: Value| json!({ "kind": "manifest", "digest": digest, "media_type": "a/b", "size": 1, "children": children });
    for (cases, message) in [
        (
            image(json!({ "reference": "team/app:v1" })),
            "`expect` is missing",
        ),
        (
            image(json!({ "reference": "team/app:v1", "expect": "kepe" })),
            "`expect` is `kepe`, which is not a decision",
        ),
        (
            image(json!({ "reference": "Team:v1", "expect": "keep" })),
            "upper case letter `T`",
        ),
        (
            image(json!({ "reference": "team/app:v1", "expects": "keep" })),
            "unknown field `expects`",
        ),
        (
            image(
                json!({ "reference": "a:1", "expect": "keep", "config": {}, "platforms": { "linux/amd64": {} } }),
            ),
            "described in several ways",
        ),
        (
            image(json!({ "reference": "a:1", "expect": "keep", "platforms": { "linux": {} } })),
            "the platform `linux`",
        ),
        (
            image(
                json!({ "reference": "a:1", "expect": "keep", "contents": [content(json!([1]))] }),
            ),
            "has the child 1, of 1 contents",
        ),
        (
            image(json!({ "reference": format!("a@sha256:{}", "1".repeat(64)), "expect": "keep" })),
            "its contents are those of sha256:",
        ),
        (
            json!([{ "name": "odd", "blobs": { digest.as_str(): "text" } }]),
            "has the digest sha256:",
        ),
    ] {
        let fixture = Fixture::new();
        write_cases(&fixture, "a.json", cases);
        test(&fixture)
            .assert_code(2)
            .assert_says("a.json")
            .assert_says(message);
    }
    for (file, message) in [
        (
            json!({ "schema": "2.0.0", "cases": [] }),
            "its schema is 2.0.0; this regcarve reads 1.x",
        ),
        (
            json!({ "schema": "x", "cases": [] }),
            "its schema is not a version",
        ),
        (
            json!({ "schema": "1.0.0", "cases": [] }),
            "no policy is named",
        ),
        (
            json!({ "schema": "1.0.0", "policy": "match", "cases": [] }),
            "there are no cases",
        ),
        (json!([]), "cannot read the test cases in"),
    ] {
        let fixture = Fixture::new();
        fixture.write("a.json", file.to_string());
        test(&fixture).assert_code(2).assert_says(message);
    }
    test(&Fixture::new())
        .assert_code(2)
        .assert_says("there is no *.json below");
}

#[test]
fn a_policy_that_cannot_be_loaded_ends_the_test() {
    let fixture = Fixture::new();
    let file = json!({ "schema": "1.0.0", "policy": "beside.wasm", "cases": [] });
    fixture.write("a.json", file.to_string());
    let path = fixture.path("beside.wasm").display().to_string();
    test(&fixture)
        .assert_code(5)
        .assert_says(&path)
        .assert_says("cannot be read");
    fs::copy(kept_policy(), path).unwrap();
    test(&fixture)
        .assert_code(2)
        .assert_says("there are no cases");
}

#[test]
fn shipped_policies_can_be_tested_too() {
    let fixture = Fixture::new();
    let file = json!({ "schema": "1.0.0", "policy": "match", "cases": [{
        "name": "release candidates",
        "settings": { "deny": ["**:*-rc*"] },
        "images": [
            { "reference": "team/app:v1-rc1", "expect": "drop" },
            { "reference": "team/app:v1", "expect": "keep" },
        ],
    }, {
        "name": "large images, several repositories, an image without a tag",
        "images": [
            { "reference": "b:1", "layers": [1000, 2000], "annotations": { "a": "b" }, "expect": "keep" },
            { "reference": "a:1", "platforms": { "linux/amd64": {}, "linux/arm/v7": {} }, "expect": "keep" },
        ],
    }] });
    fixture.write("a.json", file.to_string());
    let outcome = test(&fixture);
    outcome.assert_code(0);
    assert!(
        outcome.stdout.ends_with("2 passed, 0 failed\n"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn recorded_decisions_are_replayed_without_the_storage() {
    let fixture = Fixture::new();
    let folder = fixture.path("cases").display().to_string();
    let policy = kept_policy().display().to_string();
    let settings = r#"{"label":"name","snapshots":["3.6"]}"#;
    let given = format!("{policy}={settings}");
    let record = [
        "policy",
        "test",
        &folder,
        "--record",
        &sample(),
        "--policy",
        &given,
    ];
    let outcome = run(&record);
    outcome.assert_code(0);
    // Seven tags, but the signature goes with its image. Configs of images that are not snapshots: attestations and
    // charts have no labels, so the kit does not read theirs.
    outcome.assert_prints("recorded.json: 6 images, 4 blobs read");

    let path = Path::new(&folder).join("recorded.json");
    let mut file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let case = &file["cases"][0];
    assert_eq!(case["settings"]["label"], "name");
    let expected: Vec<_> = case["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| {
            (
                image["reference"].as_str().unwrap(),
                image["expect"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        expected,
        [
            ("charts/app:0.1.0", "drop: its config has no label `name`"),
            ("library/alpine:3.6", "drop: `3.6` is a snapshot"),
            ("library/alpine:3.7", "keep"),
            ("library/alpine:latest", "keep"),
            ("team/app:v1", "keep"),
            ("team/app:v2", "keep"),
        ]
    );
    // Of a snapshot nothing was read.
    let blobs = case["blobs"].as_object().unwrap().clone();
    let snapshot = case["images"][1]["contents"].as_array().unwrap();
    assert!(
        snapshot
            .iter()
            .all(|content| !blobs.contains_key(content["digest"].as_str().unwrap()))
    );

    let replayed = run(&["policy", "test", &folder]);
    replayed.assert_code(0);
    assert!(
        replayed.stdout.ends_with("1 passed, 0 failed\n"),
        "{}",
        replayed.stdout
    );

    // What is there may have been changed by hand.
    run(&record)
        .assert_code(6)
        .assert_says("recorded.json exists already");

    // Without what was read it cannot decide, and says what is missing.
    file["cases"][0]["blobs"] = json!({});
    fs::write(&path, file.to_string()).unwrap();
    let poor = run(&["policy", "test", &folder]);
    poor.assert_code(5);
    poor.assert_prints("note      the policy read sha256:");

    // Another rule decides otherwise on the same images.
    file["cases"][0]["blobs"] = blobs.into();
    file["cases"][0]["settings"] = json!({ "label": "none", "snapshots": ["3.6"] });
    fs::write(&path, file.to_string()).unwrap();
    let other = run(&["policy", "test", &folder]);
    other.assert_code(5);
    assert_eq!(
        other
            .stdout
            .matches("    expected  keep\n    found     drop: its config has no label `none`")
            .count(),
        4,
        "{}",
        other.stdout
    );
}

#[test]
fn recording_takes_the_selected_images() {
    let fixture = Fixture::new();
    let folder = fixture.path("cases").display().to_string();
    let outcome = run(&[
        "policy",
        "test",
        &folder,
        "--record",
        &sample(),
        "--image",
        "library/*:3.*",
        "--policy",
        "platforms=linux/amd64",
    ]);
    outcome.assert_code(0);
    outcome.assert_prints("recorded.json: 2 images");
    let replayed = run(&["policy", "test", &folder]);
    replayed.assert_code(0);

    let none = fixture.path("none").display().to_string();
    run(&[
        "policy",
        "test",
        &none,
        "--record",
        &sample(),
        "--image",
        "library/alpine:9",
        "--policy",
        "match",
    ])
    .assert_code(3)
    .assert_says("library/alpine:9");
    assert!(!Path::new(&none).join("recorded.json").exists());
    run(&["policy", "test", &none, "--record", &sample()])
        .assert_code(2)
        .assert_says("--policy");
    run(&["policy", "test", &folder, "--policy", "match=3"])
        .assert_code(2)
        .assert_says("its own settings");
}
