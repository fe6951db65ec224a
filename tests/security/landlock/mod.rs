//! The Landlock sandbox: the kernel refuses a run whatever a run should not do, and refuses a good run nothing.

mod breakout;
mod moved;
mod trace;

use std::fs;

use regcarve::fs::{Ruleset, Sandbox};
use regcarve_test_support::binary::{self, Runs as _};
use regcarve_test_support::fixture::{Fixture, program, registry};
use regcarve_test_support::tools;
use regcarve_test_support::tree::assert_carved;

/// Tells whether the kernel has Landlock; the test is skipped aloud where not.
fn landlock() -> bool {
    let there = Ruleset::plan(Sandbox::Require).is_ok();
    if !there {
        tools::skip("this kernel has no Landlock");
    }
    there
}

/// Three images in two repositories.
fn three_images() -> Fixture {
    let fixture = Fixture::new();
    let config = serde_json::json!({ "os": "linux", "config": { "Labels": { "team": "app" } } });
    for (tag, layer) in [("v1", b"one"), ("v2", b"two")] {
        let layers: [&[u8]; 2] = [b"base", layer];
        fixture.storage.image("team/app", tag, &layers, &config);
    }
    fixture
        .storage
        .image("library/base", "1", &[b"base"], &config);
    fixture
}

/// The trees are the same, and the report says how they came to be.
#[test]
fn a_run_gives_the_same_with_and_without_landlock() {
    let fixture = three_images();
    let source = fixture.source();
    let mut drawn = Vec::new();
    for sandbox in ["off", "auto"] {
        let output = fixture.path(sandbox);
        let replaced = registry(&output);
        for flags in [&["--all"][..], &["--all", "--replace"]] {
            let mut run = program("run");
            run.args(flags).args(["--sandbox", sandbox]);
            let outcome = run.args([&source, &replaced]).reported();
            let report = outcome.assert_code(0).report();
            let abi = report["sandbox"]["landlock_abi"].as_i64().unwrap();
            assert_eq!(abi > 0, sandbox == "auto" && landlock(), "{report:#}");
        }
        assert_carved(fixture.storage.root(), &output);
        let left: Vec<_> = fs::read_dir(fixture.folder())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .filter(|name| name.to_string_lossy().starts_with('.'))
            .collect();
        assert!(left.is_empty(), "left behind: {left:?}");
        drawn.push(regcarve_test_support::tree::draw(&output));
    }
    assert_eq!(drawn[0], drawn[1]);
}

/// Every format, every way of getting files there, in one run.
#[test]
fn every_format_and_link_mode_works_under_landlock() {
    if !landlock() {
        return;
    }
    let fixture = three_images();
    let source = fixture.source();
    for link in ["hard", "copy", "auto"] {
        let outputs: Vec<_> = ["registry", "dir", "oci"]
            .iter()
            .map(|format| fixture.spec(&format!("{format}:{link}-{format}")))
            .collect();
        let mut run = program("run");
        run.args(["--all", "--sandbox", "require", "--link", link, &source]);
        let outcome = run.args(&outputs).reported();
        let totals = &outcome.assert_code(0).report()["totals"];
        let count = |what: &str| totals[what].as_u64().unwrap();
        assert_eq!(count("linked") > 0, link != "copy", "{totals}");
        assert_eq!(count("copied") > 0, link == "copy", "{totals}");
        for output in &outputs {
            let mut verify = program("verify");
            verify.args(["--sandbox", "require", output]);
            verify.outcome().assert_code(0);
        }
    }
}

/// They are read, or opened, before the process is restricted.
#[test]
fn lists_settings_components_and_the_report_may_lie_outside() {
    if !landlock() {
        return;
    }
    let fixture = three_images();
    let source = fixture.source();
    let outside = tempfile::tempdir().unwrap();
    let path = |name: &str| outside.path().join(name).display().to_string();
    fs::write(path("a.list"), "team/app:v1\nteam/app:v2\n").unwrap();
    fs::write(path("settings"), r#"{"deny": ["**:v2"]}"#).unwrap();
    let component = regcarve_test_support::programs::example_policy();
    for cache in ["cold", "warm"] {
        let output = fixture.spec(&format!("registry:{cache}"));
        let mut run = program("run");
        run.env("XDG_CACHE_HOME", outside.path())
            .args(["--sandbox", "require", "--list", &path("")])
            .args(["--policy", &format!("match=@{}", path("settings"))])
            .args(["--policy", &component.display().to_string()])
            .args([&source, &output]);
        let outcome = run.reported();
        let report = outcome.assert_code(0).report();
        assert_eq!(report["images"].as_array().unwrap().len(), 1, "{report:#}");
        assert_eq!(report["dropped"].as_array().unwrap().len(), 1, "{report:#}");
    }
    let cached = fs::read_dir(outside.path().join("regcarve")).unwrap();
    assert_eq!(cached.count(), 1, "what was compiled was not kept");
}

/// A report inside of an output would vanish with what is replaced.
#[test]
fn a_report_inside_of_an_output_is_refused() {
    let fixture = three_images();
    let source = fixture.source();
    let output = fixture.path("out");
    let mut run = program("run");
    run.args(["--all", &source, &registry(&output)]);
    run.arg("--report").arg(output.join("report.json"));
    let outcome = run.outcome();
    outcome.assert_code(2).assert_says("inside the output");
    assert!(!output.exists());
}

/// The kernel is made to say that it has no Landlock.
#[test]
fn without_landlock_require_fails_and_auto_goes_on() {
    if !tools::require(&["strace"]) {
        return;
    }
    let fixture = three_images();
    let source = fixture.source();
    for (errno, says) in [
        ("ENOSYS", "it has no Landlock"),
        ("EOPNOTSUPP", "switched off"),
    ] {
        let run = |sandbox: &str| {
            let mut strace = std::process::Command::new("strace");
            strace
                .args(["-f", "-qq", "-o", "/dev/null", "-e"])
                .arg("trace=landlock_create_ruleset,landlock_restrict_self")
                .arg("-e")
                .arg(format!("inject=landlock_create_ruleset:error={errno}"))
                .arg(binary::path())
                .args(["run", "--all", "--sandbox", sandbox, &source])
                .arg(fixture.spec(&format!("registry:{errno}")));
            strace.reported()
        };
        let refused = run("require");
        refused
            .assert_code(1)
            .assert_says(says)
            .assert_says("--sandbox auto");
        assert!(!fixture.path(errno).exists());
        let outcome = run("auto");
        let report = outcome.assert_code(0).report();
        assert_eq!(report["sandbox"]["landlock_abi"], 0, "{report:#}");
        assert_carved(fixture.storage.root(), &fixture.path(errno));
    }
}
