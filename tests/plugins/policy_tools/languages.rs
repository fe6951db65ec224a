//! One policy in several languages: each is built with its language's own tool, and all decide alike.

use std::path::PathBuf;

use regcarve_test_support::binary::Outcome;
use regcarve_test_support::docs::repository;
use regcarve_test_support::storage::Storage;
use regcarve_test_support::{media, tree};
use serde_json::{Value, json};

use super::{projects, run, sample};

/// The guide for authors, followed to the letter: the last command has filtered a real storage.
#[test]
fn the_guide_leads_to_a_release_by_a_policy_of_ones_own() {
    projects::rust();
    let project = repository("target/own/no-snapshots");
    let release = project.join("release");
    let listed = run(&["list", &format!("registry:{}", release.display())]);
    listed.assert_code(0);
    let tags: Vec<_> = listed
        .stdout
        .lines()
        .filter(|line| !line.contains("sha256-"))
        .collect();
    assert_eq!(
        tags,
        [
            "library/alpine:3.7",
            "library/alpine:latest",
            "team/app:v1",
            "team/app:v2"
        ]
    );
    tree::assert_carved(&repository("tests/data/storage"), &release);
}

/// One policy in three languages.
struct Policies(Vec<(&'static str, PathBuf)>);

impl Policies {
    fn built() -> Self {
        let mut all = vec![("Rust", projects::rust())];
        all.extend(projects::javascript().map(|path| ("JavaScript", path)));
        all.extend(projects::python().map(|path| ("Python", path)));
        Self(all)
    }

    /// Asks each; fails unless all say the same, and returns what that is.
    #[track_caller]
    fn agree<T: PartialEq + std::fmt::Debug>(&self, ask: impl Fn(&str) -> T) -> T {
        let mut answers = self
            .0
            .iter()
            .map(|(language, path)| (*language, ask(&path.display().to_string())));
        let (_, first) = answers.next().unwrap();
        for (language, answer) in answers {
            assert_eq!(answer, first, "{language} differs from Rust");
        }
        first
    }
}

/// A plan's decisions on images, without the name of the policy.
fn decisions(outcome: &Outcome) -> (Vec<String>, Vec<(String, String)>) {
    outcome.assert_code(0);
    let dropped = outcome.listed("dropped", "reference").into_iter();
    let reasons = outcome.listed("dropped", "reason");
    (
        outcome.listed("images", "reference"),
        dropped.zip(reasons).collect(),
    )
}

#[test]
fn all_languages_decide_alike() {
    let policies = Policies::built();
    let folder = tempfile::tempdir().unwrap();
    let odd = odd_storage(folder.path().join("odd"));
    let mut dropped = 0;
    for (source, settings) in [
        (sample(), json!({})),
        (sample(), json!({ "label": "name" })),
        (
            sample(),
            json!({ "label": "name", "snapshots": ["3.6", "v2"] }),
        ),
        (sample(), json!({ "label": "name", "snapshots": [""] })),
        (odd.clone(), json!({})),
        (
            odd.clone(),
            json!({ "label": "größe/β", "snapshots": ["-ß"] }),
        ),
        (
            odd.clone(),
            json!({ "label": "constructor", "snapshots": [] }),
        ),
        (
            odd.clone(),
            json!({ "label": "__proto__", "snapshots": [] }),
        ),
        (odd, json!({ "label": "0", "snapshots": [] })),
    ] {
        let (kept, lost) = policies.agree(|path| {
            let policy = format!("{path}={settings}");
            decisions(&run(&[
                "plan", "--all", "--format", "json", "--policy", &policy, &source,
            ]))
        });
        assert!(kept.len() + lost.len() >= 6, "{source}: {kept:?} {lost:?}");
        dropped += lost.len();
    }
    assert!(
        dropped > 20,
        "only {dropped} images were dropped; what was compared?"
    );
}

/// A storage in which configs are what they should not be.
fn odd_storage(root: PathBuf) -> String {
    let storage = Storage::create(root);
    for (tag, config) in [
        (
            "v1",
            json!({ "config": { "Labels": { "team": "a", "größe/β": "x" } } }),
        ),
        (
            "v1-dirty",
            json!({ "config": { "Labels": { "team": "a" } } }),
        ),
        ("empty", json!({ "config": { "Labels": { "team": "" } } })),
        ("number", json!({ "config": { "Labels": { "team": 1 } } })),
        ("list", json!({ "config": { "Labels": ["team"] } })),
        ("text", json!({ "config": { "Labels": "team" } })),
        ("null", json!({ "config": { "Labels": null } })),
        ("none", json!({ "config": "Labels" })),
        ("array", json!([{ "config": {} }])),
    ] {
        storage.image("team/odd", tag, &[b"layer"], &config);
    }
    let owned = json!({ "config": { "Labels": { "team": "a" } } }).to_string();
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let nothing: [(&str, &[u8]); 4] = [
        ("broken", b"{\"config\""),
        ("binary", b"\xff\xfe{\0}\0"),
        ("deep", deep.as_bytes()),
        (
            "mark",
            b"\xef\xbb\xbf{\"config\":{\"Labels\":{\"team\":\"a\"}}}",
        ),
    ];
    for (tag, bytes) in nothing {
        let config = storage.blob(bytes).typed(media::OCI_CONFIG);
        storage.image_of("team/bytes", Some(tag), &config, &[]);
    }
    let platforms =
        [("linux/amd64", owned.as_str()), ("linux/arm64", "{}")].map(|(platform, config)| {
            let config = storage.blob(config.as_bytes()).typed(media::OCI_CONFIG);
            storage
                .image_of("team/multi", None, &config, &[])
                .on(platform)
        });
    storage.index("team/multi", Some("v1"), &platforms);
    storage.index("team/multi", Some("v2"), &platforms[..1]);
    format!("registry:{}", storage.root().display())
}

/// Settings that are wrong are refused at the same places, before anything is read.
#[test]
fn all_languages_refuse_the_same_settings() {
    let policies = Policies::built();
    for (settings, places) in [
        (json!({ "lable": "team" }), vec!["/lable"]),
        (json!({ "a/b~c": 1 }), vec!["/a~1b~0c"]),
        (json!({ "label": 1 }), vec!["/label"]),
        (json!({ "label": null }), vec!["/label"]),
        (json!({ "snapshots": "-rc" }), vec!["/snapshots"]),
        (json!({ "snapshots": ["-rc", null] }), vec!["/snapshots/1"]),
        (json!([]), vec!["settings are a JSON object: { … }"]),
        (json!("team"), vec!["settings are a JSON object: { … }"]),
    ] {
        let found = policies.agree(|path| {
            let outcome = run(&["policy", "check", &format!("{path}={settings}")]);
            outcome
                .assert_code(2)
                .assert_says("does not accept its settings");
            let places = outcome
                .stderr
                .lines()
                .filter_map(|line| line.strip_prefix("regcarve:   "));
            places
                .map(|line| line.split(": ").next().unwrap().to_owned())
                .collect::<Vec<_>>()
        });
        // A list of settings is one problem; what is wrong in it is behind the colon.
        let expected: Vec<_> = places
            .iter()
            .map(|place| place.split(": ").next().unwrap().to_owned())
            .collect();
        assert_eq!(found, expected, "{settings}");
    }
}

/// The cases that a project comes with pass in every language, and the descriptions agree.
#[test]
fn all_languages_pass_the_cases_and_say_who_they_are() {
    let policies = Policies::built();
    let cases = repository("guest/examples/cases").display().to_string();
    for (_, path) in &policies.0 {
        let path = path.display().to_string();
        let outcome = run(&["policy", "test", "--policy", &path, &cases]);
        outcome.assert_code(0);
        assert!(
            outcome.stdout.ends_with("5 passed, 0 failed\n"),
            "{}",
            outcome.stdout
        );
    }
    let about = policies.agree(|path| {
        let outcome = run(&["policy", "inspect", "--format", "json", path]);
        outcome.assert_code(0);
        let about = outcome.report();
        let setting = |name: &str| about["settings_schema"]["properties"][name]["default"].clone();
        // The name is that of the project.
        let said: [Value; 4] = [
            about["version"].clone(),
            about["summary"].clone(),
            setting("label"),
            setting("snapshots"),
        ];
        assert_eq!(about["settings_schema"]["additionalProperties"], false);
        said
    });
    assert_eq!(about[1], "Drops snapshots, and images that no team owns.");
}
