//! The second wall: what the kernel refuses a run that wants more than it should, and that a run which
//! does not is refused nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod breakout;
mod moved;
mod trace;

use std::fs;

use regcarve::fs::{Ruleset, Sandbox};
use regcarve_test_support::binary::{Runs as _, regcarve};
use regcarve_test_support::storage::Storage;
use regcarve_test_support::tools;
use regcarve_test_support::tree::assert_carved;

/// Whether the kernel has what the tests are about; says so where not.
fn landlock() -> bool {
    let there = Ruleset::plan(Sandbox::Require).is_ok();
    if !there {
        tools::skip("this kernel has no Landlock");
    }
    there
}

/// A small storage, and a folder for what comes out of it.
fn world() -> (tempfile::TempDir, Storage) {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::create(folder.path().join("source"));
    let config = serde_json::json!({ "os": "linux", "config": { "Labels": { "team": "app" } } });
    for (tag, layer) in [("v1", b"one"), ("v2", b"two")] {
        storage.image("team/app", tag, &[b"base", layer], &config);
    }
    storage.image("library/base", "1", &[b"base"], &config);
    (folder, storage)
}

fn program() -> std::process::Command {
    regcarve(env!("CARGO_BIN_EXE_regcarve"))
}

/// The trees are the same, and the report says how they came to be.
#[test]
fn a_run_gives_the_same_with_and_without() {
    let (folder, storage) = world();
    let source = format!("registry:{}", storage.root().display());
    let mut drawn = Vec::new();
    for sandbox in ["off", "auto"] {
        let output = folder.path().join(sandbox);
        let replaced = format!("registry:{}", output.display());
        for flags in [&["--all"][..], &["--all", "--replace"]] {
            let mut run = program();
            run.arg("run").args(flags).args(["--sandbox", sandbox]);
            let outcome = run.args([&source, &replaced]).reported();
            let report = outcome.assert_code(0).report();
            let abi = report["sandbox"]["landlock_abi"].as_i64().unwrap();
            assert_eq!(abi > 0, sandbox == "auto" && landlock(), "{report:#}");
        }
        assert_carved(storage.root(), &output);
        let left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .filter(|name| name.to_string_lossy().starts_with('.'))
            // What `--replace` leaves on purpose.
            .filter(|name| !name.to_string_lossy().ends_with(".regcarve"))
            .collect();
        assert!(left.is_empty(), "left behind: {left:?}");
        drawn.push(regcarve_test_support::tree::draw(&output));
    }
    assert_eq!(drawn[0], drawn[1]);
}

/// Every format, every way of getting files there, in one run.
#[test]
fn every_output_can_be_built_behind_it() {
    if !landlock() {
        return;
    }
    let (folder, storage) = world();
    let source = format!("registry:{}", storage.root().display());
    for link in ["hard", "copy", "auto"] {
        let outputs: Vec<_> = ["registry", "dir", "oci"]
            .iter()
            .map(|format| {
                format!(
                    "{format}:{}",
                    folder.path().join(format!("{link}-{format}")).display()
                )
            })
            .collect();
        let mut run = program();
        run.args([
            "run",
            "--all",
            "--sandbox",
            "require",
            "--link",
            link,
            &source,
        ]);
        let outcome = run.args(&outputs).reported();
        let totals = &outcome.assert_code(0).report()["totals"];
        let count = |what: &str| totals[what].as_u64().unwrap();
        assert_eq!(count("linked") > 0, link != "copy", "{totals}");
        assert_eq!(count("copied") > 0, link == "copy", "{totals}");
        for output in &outputs {
            let mut verify = program();
            verify.args(["verify", "--sandbox", "require", output]);
            verify.outcome().assert_code(0);
        }
    }
}

/// What lies outside of the storages is read before the wall stands.
#[test]
fn lists_settings_components_and_the_report_lie_outside() {
    if !landlock() {
        return;
    }
    let (folder, storage) = world();
    let source = format!("registry:{}", storage.root().display());
    let outside = tempfile::tempdir().unwrap();
    let path = |name: &str| outside.path().join(name).display().to_string();
    fs::write(path("a.list"), "team/app:v1\nteam/app:v2\n").unwrap();
    fs::write(path("settings"), r#"{"deny": ["**:v2"]}"#).unwrap();
    let component = regcarve_test_support::programs::example_policy();
    for cache in ["cold", "warm"] {
        let output = format!("registry:{}", folder.path().join(cache).display());
        let mut run = program();
        run.env("XDG_CACHE_HOME", outside.path())
            .args(["run", "--sandbox", "require", "--list", &path("")])
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
    let (folder, storage) = world();
    let source = format!("registry:{}", storage.root().display());
    let output = folder.path().join("out");
    let mut run = program();
    run.args([
        "run",
        "--all",
        &source,
        &format!("registry:{}", output.display()),
    ]);
    run.arg("--report").arg(output.join("report.json"));
    let outcome = run.outcome();
    outcome.assert_code(2).assert_says("inside of the output");
    assert!(!output.exists());
}

/// The kernel is made to say that it has no Landlock.
#[test]
fn where_the_kernel_has_none_require_fails_and_auto_goes_on() {
    if !tools::require(&["strace"]) {
        return;
    }
    let (folder, storage) = world();
    let source = format!("registry:{}", storage.root().display());
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
                .arg(env!("CARGO_BIN_EXE_regcarve"))
                .args(["run", "--all", "--sandbox", sandbox, &source])
                .arg(format!("registry:{}", folder.path().join(errno).display()));
            strace.reported()
        };
        let refused = run("require");
        refused
            .assert_code(1)
            .assert_says(says)
            .assert_says("--sandbox auto");
        assert!(!folder.path().join(errno).exists());
        let outcome = run("auto");
        let report = outcome.assert_code(0).report();
        assert_eq!(report["sandbox"]["landlock_abi"], 0, "{report:#}");
        assert_carved(storage.root(), &folder.path().join(errno));
    }
}
