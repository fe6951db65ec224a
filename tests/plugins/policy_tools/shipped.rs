//! `inspect`, `list`, `bench` and `new`: what they print.

use std::fs;

use regcarve_test_support::binary::Runs as _;
use regcarve_test_support::docs::repository;

use super::{kept_policy, program, run};

#[test]
fn inspect_prints_what_a_policy_is_and_can_do() {
    let policy = kept_policy().display().to_string();
    let outcome = run(&["policy", "inspect", &policy]);
    outcome.assert_code(0);
    let size = fs::metadata(kept_policy()).unwrap().len();
    for text in [
        "owned-images 0.1.0: Drops snapshots, and images that no team owns.",
        "pinned     --policy ",
        "read manifests and configs of these images, and nothing else",
        "no files, no network, no environment",
        "\"additionalProperties\": false",
    ] {
        outcome.assert_prints(text);
    }
    // The pin that is printed is one that is accepted.
    let pinned = outcome
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("pinned     --policy "));
    run(&["policy", "check", "--require-pins", pinned.unwrap()]).assert_code(0);

    let json = run(&["policy", "inspect", "--format", "json", &policy]);
    json.assert_code(0);
    let about = json.report();
    assert_eq!(about["size"], size);
    assert_eq!(
        about["settings_schema"]["properties"]["label"]["type"],
        "string"
    );
    let imports = about["imports"].as_array().unwrap();
    assert!(
        imports
            .iter()
            .any(|name| name == "regcarve:plugin/content@0.1.0"),
        "{imports:?}"
    );
    assert!(!about["powers"].as_array().unwrap().is_empty());

    let shipped = run(&["policy", "inspect", "match"]);
    shipped.assert_code(0);
    assert!(!shipped.stdout.contains("pinned"), "{}", shipped.stdout);
    assert!(!shipped.stdout.contains("WASI"), "{}", shipped.stdout);
}

#[test]
fn list_prints_every_shipped_policy_and_each_can_run() {
    let outcome = run(&["policy", "list"]);
    outcome.assert_code(0);
    let names: Vec<_> = outcome
        .stdout
        .lines()
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    let shipped = [
        "age",
        "deny-digest",
        "labels",
        "match",
        "max-size",
        "newest",
        "platforms",
        "where",
    ];
    assert_eq!(names, shipped);
    for name in names {
        run(&["policy", "check", name]).assert_code(0);
    }
}

#[test]
fn bench_measures_a_policy_that_reads_configs() {
    let policy = kept_policy().display().to_string();
    let outcome = run(&["policy", "bench", "--images", "2000", &policy]);
    outcome.assert_code(0);
    for word in [
        "engine",
        "load",
        "settings",
        "first image",
        "per image",
        "per second",
    ] {
        let line = outcome.stdout.lines().find(|line| line.starts_with(word));
        let number = line.and_then(|line| line.split_whitespace().rev().nth(1));
        let number: f64 = number
            .unwrap_or_else(|| panic!("{word}\n{}", outcome.stdout))
            .parse()
            .unwrap();
        assert!(number > 0.0, "{word}\n{}", outcome.stdout);
    }
}

#[test]
fn new_makes_a_folder_and_touches_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let new = |args: &[&str]| {
        let mut program = program(&["policy", "new"]);
        program.args(args).current_dir(folder.path());
        program.outcome()
    };
    for (language, file) in [
        ("rust", "src/lib.rs"),
        ("javascript", "policy.js"),
        ("python", "policy.py"),
    ] {
        let name = format!("my-{language}");
        new(&[&name, "--lang", language]).assert_code(0);
        let project = folder.path().join(&name);
        let text = fs::read_to_string(project.join(file)).unwrap();
        assert!(
            text.contains(&name) && !text.contains("owned-images"),
            "{text}"
        );
        assert!(project.join("README.md").is_file() && project.join("cases/first.json").is_file());
        let wit = if language == "rust" {
            "regcarve/wit"
        } else {
            "wit"
        };
        let contract = fs::read(repository("wit/worlds.wit")).unwrap();
        assert_eq!(
            fs::read(project.join(wit).join("worlds.wit")).unwrap(),
            contract
        );
    }
    let before = fs::read(folder.path().join("my-rust/Cargo.toml")).unwrap();
    new(&["my-rust", "--lang", "python"])
        .assert_code(6)
        .assert_says("my-rust exists already");
    assert_eq!(
        fs::read(folder.path().join("my-rust/Cargo.toml")).unwrap(),
        before
    );
    assert!(!folder.path().join("my-rust/policy.py").exists());
    for name in ["My", "a/b", "..", "-x", ""] {
        new(&["--", name]).assert_code(2);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}
