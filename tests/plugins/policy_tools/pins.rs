//! Trust in components: what is pinned is what is compiled, and the report says what took part.

use std::fs;
use std::process::Command;
use std::thread;

use regcarve_test_support::binary::{Outcome, Runs as _};
use regcarve_test_support::digest::Digest;
use regcarve_test_support::fixture::Fixture;

use super::{kept_policy, program, run, sample};

/// Bytes all over the file, one changed in each copy: 100 of 100 are refused, before anything is compiled.
#[test]
fn a_pin_refuses_every_changed_byte() {
    let good = fs::read(kept_policy()).unwrap();
    let pin = Digest::of(&good).to_string();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.wasm");
    let pinned = format!("{}@{pin}", path.display());
    fs::write(&path, &good).unwrap();
    run(&["policy", "check", "--require-pins", &pinned]).assert_code(0);
    let mut refused = 0;
    for number in 0..100 {
        let mut changed = good.clone();
        let at = number * (good.len() - 1) / 99;
        changed[at] ^= 1 << (number % 8);
        fs::write(&path, &changed).unwrap();
        let outcome = run(&["policy", "check", &pinned]);
        outcome
            .assert_code(5)
            .assert_says(&format!("has the digest {}", Digest::of(&changed)))
            .assert_says(&format!("but the command line pins {pin}"));
        refused += 1;
    }
    assert_eq!(refused, 100);
}

/// A pipe gives its bytes once: what was hashed must be what is compiled.
#[test]
fn the_pinned_bytes_are_read_once() {
    let good = fs::read(kept_policy()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe.wasm");
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let pinned = format!("{}@{}", path.display(), Digest::of(&good));
    let writer = thread::spawn(move || fs::write(path, good));
    let outcome = program(&["policy", "check", "--no-cache", &pinned]).outcome();
    outcome.assert_code(0);
    writer.join().unwrap().unwrap();
}

#[test]
fn components_without_a_pin_can_be_forbidden() {
    let policy = kept_policy();
    let pin = Digest::of(&fs::read(&policy).unwrap());
    let policy = policy.display().to_string();
    let pinned = format!("{policy}@{pin}");
    let source = sample();
    plan_pinned(&["--all", "--policy", &policy, &source])
        .assert_code(5)
        .assert_says("is not pinned")
        .assert_says(&format!(
            "hint: write {pinned} to accept exactly these bytes"
        ));
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("a.list");
    fs::write(&list, "library/alpine:3.6\n").unwrap();
    let list = list.display().to_string();
    let flat = format!("{policy}:{}", folder.path().display());
    for arguments in [
        &["--list", &list, "--selector", &policy, &source][..],
        &["--all", &flat],
    ] {
        plan_pinned(arguments)
            .assert_code(5)
            .assert_says("is not pinned");
    }
    // What is shipped is as trusted as the program.
    for accepted in [&*pinned, r#"match={"deny":["x/**:*"]}"#] {
        plan_pinned(&["--all", "--policy", accepted, &source]).assert_code(0);
    }
}

/// `regcarve plan --require-pins` with more arguments.
fn plan_pinned(arguments: &[&str]) -> Outcome {
    run(&[&["plan", "--require-pins"], arguments].concat())
}

#[test]
fn a_pin_is_a_digest_of_any_known_algorithm() {
    let policy = kept_policy().display().to_string();
    for (pin, code, message) in [
        (
            format!("sha256:{}", "0".repeat(64)),
            5,
            "but the command line pins",
        ),
        ("sha256:12".into(), 2, "cannot read the pin"),
        (
            "md5:d41d8cd98f00b204e9800998ecf8427e".into(),
            2,
            "cannot read the pin",
        ),
        (String::new(), 2, "cannot read the pin"),
    ] {
        let outcome = run(&["policy", "check", &format!("{policy}@{pin}")]);
        outcome.assert_code(code).assert_says(message);
    }
    let sha512 = Digest::sha512_of(&fs::read(&policy).unwrap());
    run(&["policy", "check", &format!("{policy}@{sha512}")]).assert_code(0);
}

#[test]
fn the_report_names_the_bytes_of_every_component() {
    let policy = kept_policy();
    let digest = Digest::of(&fs::read(&policy).unwrap()).to_string();
    let fixture = Fixture::new();
    let config = serde_json::json!({ "config": { "Labels": { "team": "a" } } });
    fixture
        .storage
        .image("team/app", "v1", &[b"layer"], &config);
    let policy = policy.display().to_string();
    let outcome = fixture.carve(&["--all", "--policy", &policy, "--policy", "match"]);
    outcome.assert_code(0);
    let names = outcome.listed("components", "name");
    let digests = outcome.listed("components", "sha256");
    let at = names.iter().position(|name| *name == policy).unwrap();
    assert_eq!(digests[at], digest);
    assert_eq!(names.len(), digests.len());
    for digest in &digests {
        assert!(
            digest.starts_with("sha256:") && digest.len() == 71,
            "{digest}"
        );
    }
    let inspected = run(&["policy", "inspect", "--format", "json", &policy]);
    inspected.assert_code(0);
    assert_eq!(inspected.report()["sha256"], digest);
    assert_eq!(inspected.report()["pin"], format!("{policy}@{digest}"));
}
