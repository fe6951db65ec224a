//! The output of `plan` and `list`.

use std::process::Stdio;

use regcarve_test_support::binary::Runs as _;
use regcarve_test_support::fixture::{program, registry};
use regcarve_test_support::snapshot::{Snapshot, assert_same};

use super::images::six_images;

#[test]
fn a_plan_is_printed_and_nothing_is_written() {
    let fixture = six_images();
    let before = Snapshot::take(fixture.path(""));
    let deny = r#"match={"deny":["**:*-snapshot"]}"#;
    let plan = |format: &str| {
        let mut command = program("plan");
        command
            .args([
                "--format",
                format,
                "--policy",
                deny,
                "--image",
                "team/*:v1*",
            ])
            .arg(fixture.source());
        command.outcome()
    };
    let text = plan("text");
    text.assert_code(0);
    let lines: Vec<_> = text.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{}", text.stdout);
    assert!(
        lines[0].starts_with("keep  team/app:v1  sha256:"),
        "{}",
        lines[0]
    );
    assert!(
        lines[0].ends_with("linux/amd64,linux/arm64  (--image)"),
        "{}",
        lines[0]
    );
    assert!(
        lines[1].starts_with("keep  team/tool:v1  sha256:"),
        "{}",
        lines[1]
    );
    assert_eq!(
        lines[2],
        "drop  team/tool:v1-snapshot  match: denied by `**:*-snapshot`  (--image)"
    );
    assert!(lines[3].starts_with("2 images, 11 blobs ("), "{}", lines[3]);

    let json = plan("json");
    json.assert_code(0);
    assert_eq!(json.report()["outcome"], "planned");
    assert_eq!(
        json.listed("images", "reference"),
        ["team/app:v1", "team/tool:v1"]
    );
    assert_eq!(
        json.listed("dropped", "reference"),
        ["team/tool:v1-snapshot"]
    );
    // The index, two manifests, two configs, two layers.
    assert_eq!(
        json.report()["images"][0]["contents"]
            .as_array()
            .unwrap()
            .len(),
        7
    );
    assert_same(&before, &Snapshot::take(fixture.path("")));
}

/// A plan has the same words every time: nothing depends on time, chance or the number of jobs.
#[test]
fn a_plan_is_the_same_every_time_and_with_any_number_of_jobs() {
    let fixture = six_images();
    let plan = |jobs| {
        let mut command = program("plan");
        command
            .args(["--all", "--jobs", jobs])
            .arg(fixture.source());
        command.outcome().stdout
    };
    let once = plan("1");
    assert_eq!(once.lines().count(), 7, "{once}");
    for jobs in ["1", "2", "4"] {
        assert_eq!(plan(jobs), once, "with {jobs} jobs");
    }
}

#[test]
fn list_prints_every_tag() {
    let fixture = six_images();
    let list = |args: &[&str]| program("list").args(args).arg(fixture.source()).outcome();
    let all = [
        "library/alpine:3.6",
        "library/alpine:3.7",
        "team/app:v1",
        "team/tool:v1",
        "team/tool:v1-snapshot",
        "team/tool:v2",
    ];
    let plain = list(&[]);
    plain.assert_code(0);
    assert_eq!(plain.stdout.lines().collect::<Vec<_>>(), all);
    let long = list(&["--long"]);
    long.assert_code(0);
    let rows: Vec<Vec<_>> = long
        .stdout
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), all);
    assert_eq!(rows[0][1], fixture.made.alpine.as_str());
    assert_eq!(rows[2][3], "linux/amd64,linux/arm64");
}

#[test]
fn a_source_that_is_not_a_storage_is_refused() {
    let fixture = six_images();
    let tape = fixture.source().replacen("registry", "tape", 1);
    for (source, place) in [
        ("registry:/no/such/root", "/no/such/root"),
        ("registry:/usr", "no such storage"),
        (&tape, "`tape`"),
    ] {
        let outcome = program("list").arg(source).outcome();
        assert_ne!(outcome.code, 0, "{}", outcome.everything());
        outcome.assert_says(place).assert_no_panic();
    }
}

/// A reader such as `head` may close the pipe early.
#[test]
fn a_closed_pipe_is_not_a_failure() {
    let fixture = six_images();
    let output = registry(&fixture.output());
    let source = fixture.source();
    let commands: [&[&str]; 4] = [
        &["list", &source],
        &["list", "--long", &source],
        &["plan", "--all", "--format", "json", &source],
        &["run", "--all", "--report", "-", &source, &output],
    ];
    for arguments in commands {
        let mut child = program(arguments[0])
            .args(&arguments[1..])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(0), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    }
    program("list")
        .arg(fixture.source())
        .outcome()
        .assert_code(0);
}
