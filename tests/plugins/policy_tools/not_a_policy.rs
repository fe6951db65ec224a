//! Files that are not a policy for this version: each kind has its own message, with a hint.

use std::fs;

use super::made::{component, large_policy};
use super::{kept_policy, run};

/// A version of the contract in the text of its package.
const PACKAGE: &str = "package regcarve:plugin@0.1.0;";

#[test]
fn each_kind_of_wrong_file_has_its_own_message_and_hint() {
    let good = fs::read(kept_policy()).unwrap();
    let native = wasmtime::Engine::default()
        .precompile_component(&good)
        .unwrap();
    let contract = |changes: &[(&str, &str)]| component("policy", changes);
    let newer =
        |version: &str| contract(&[(PACKAGE, &format!("package regcarve:plugin@{version};"))]);
    let mut changed = good.clone();
    // Inside the code of the component.
    changed[good.len() / 2] ^= 0xff;
    changed[good.len() / 2 + 1] ^= 0xff;
    let gzip = [&[0x1f, 0x8b, 8, 0][..], &[0; 60]].concat();
    let table: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        (
            "not wasm",
            b"\x89PNG\r\n\x1a\n".to_vec(),
            "is something else",
            "begins with the bytes",
        ),
        ("empty", Vec::new(), "is an empty file", "was it cut off"),
        (
            "cut in the magic",
            good[..6].to_vec(),
            "is truncated (6 bytes; its header declares more)",
            "copy it again",
        ),
        (
            "cut in the middle",
            good[..good.len() / 2].to_vec(),
            "is truncated",
            "compare its sha256",
        ),
        (
            "cut at the end",
            good[..good.len() - 1].to_vec(),
            "is truncated",
            "compare its sha256",
        ),
        (
            "core module",
            b"\0asm\x01\0\0\0".to_vec(),
            "is a core module",
            "wasm32-wasip2",
        ),
        (
            "precompiled",
            native,
            "native code that was compiled ahead of time",
            "give the `.wasm`",
        ),
        (
            "text",
            b"\n (component)\n".to_vec(),
            "in its text form",
            "wasm-tools parse",
        ),
        (
            "text with comment",
            b";; mine\n(component)".to_vec(),
            "in its text form",
            "wasm-tools parse",
        ),
        (
            "unknown version",
            b"\0asm\x0e\0\x01\0".to_vec(),
            "of an unknown version",
            "0x1000d",
        ),
        ("gzip", gzip, "is compressed with gzip", "unpack it"),
        (
            "LFS",
            b"version https://git-lfs.github.com/spec/v1\n".to_vec(),
            "Git LFS",
            "git lfs pull",
        ),
        (
            "a login page",
            b"<!DOCTYPE html>".to_vec(),
            "is a web page",
            "needs a login",
        ),
        (
            "a program",
            b"\x7fELF\x02\x01\x01".to_vec(),
            "is a program for Linux",
            "`.wasm` file",
        ),
        (
            "changed",
            changed,
            "is not a valid component",
            "build it again",
        ),
        (
            "another role",
            component("writer", &[]),
            "does not export `regcarve:plugin/decide@0.1.0`; it exports `regcarve:plugin/write@0.1.0`",
            "FILE.wasm:PATH",
        ),
        (
            "a selector",
            component("selector", &[]),
            "it exports `regcarve:plugin/select@0.1.0`",
            "--selector",
        ),
        (
            "no export",
            b"\0asm\x0d\0\x01\0".to_vec(),
            "it exports nothing",
            "regcarve policy new",
        ),
        (
            "an import outside its world",
            contract(&[(
                "import content;\n    export decide;",
                "import content;\n    import source;\n    export decide;",
            )]),
            "asks for more than a policy is given: it imports `regcarve:plugin/source@0.1.0`",
            "wit/worlds.wit",
        ),
        (
            "newer",
            newer("0.2.0"),
            "needs another version of regcarve: it uses `regcarve:plugin/decide@0.2.0`, and this regcarve supports 0.1.0",
            "update regcarve",
        ),
        (
            "older",
            contract(&[
                ("@since(version = 0.1.0)", "@since(version = 0.0.9)"),
                (PACKAGE, "package regcarve:plugin@0.0.9;"),
            ]),
            "needs another version of regcarve",
            "rebuild the component",
        ),
        (
            "a function of a later 0.1",
            contract(&[
                (PACKAGE, "package regcarve:plugin@0.1.7;"),
                (
                    "closure: func(image: digest)",
                    "history: func();\n    closure: func(image: digest)",
                ),
            ]),
            "needs another version of regcarve: it uses `regcarve:plugin/content@0.1.7`",
            "update regcarve",
        ),
        (
            "another type",
            contract(&[(
                "describe: func() -> description;",
                "describe: func() -> string;",
            )]),
            "cannot be started",
            "an unchanged copy of this version's `wit`",
        ),
        (
            "memory",
            large_policy(8192),
            "it asked for 536870912 bytes of memory; 268435456 are allowed",
            "--guest-memory raises this limit",
        ),
        // It has all types, but nothing in it works.
        (
            "a trap",
            component("policy", &[]),
            "panicked or aborted",
            "",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut messages = std::collections::BTreeMap::new();
    for (name, bytes, message, hint) in table {
        let path = folder.path().join("policy.wasm");
        fs::write(&path, bytes).unwrap();
        let path = path.display().to_string();
        let outcome = run(&["policy", "check", "--no-cache", &path]);
        outcome
            .assert_code(5)
            .assert_says(&format!("component `{path}`"))
            .assert_says(message);
        assert!(
            outcome.stdout.is_empty(),
            "{name}: {}",
            outcome.everything()
        );
        if !hint.is_empty() {
            let hinted = outcome
                .stderr
                .lines()
                .any(|line| line.contains("hint:") && line.contains(hint));
            assert!(hinted, "{name}: no hint {hint:?}\n{}", outcome.everything());
        }
        messages
            .entry(outcome.stderr)
            .or_insert_with(Vec::new)
            .push(name);
    }
    // Each its own: only the two ways to write text are the same thing.
    let shared: Vec<_> = messages
        .into_values()
        .filter(|names| names.len() > 1)
        .collect();
    assert_eq!(shared, [["text", "text with comment"]]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::create_dir(path("folder.wasm")).unwrap();
    fs::File::create(path("huge.wasm"))
        .unwrap()
        .set_len(1 << 30)
        .unwrap();
    for (file, message) in [
        ("none.wasm", "open"),
        ("folder.wasm", "Is a directory"),
        ("huge.wasm", "is at least 1073741824 bytes long"),
    ] {
        let outcome = run(&["policy", "check", &path(file)]);
        outcome
            .assert_code(5)
            .assert_says(&path(file))
            .assert_says(message);
    }
    let unknown = run(&["policy", "check", "mtach"]);
    unknown
        .assert_code(5)
        .assert_says("is not shipped for the role policy; shipped are: ");
}

#[test]
fn a_policy_with_a_large_memory_needs_a_higher_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.wasm");
    fs::write(&path, large_policy(2048)).unwrap();
    let path = path.display().to_string();
    let refused = run(&["policy", "check", "--guest-memory", "100", &path]);
    refused
        .assert_code(5)
        .assert_says("134217728 bytes of memory");
    // With room for it, it starts; then it is seen that nothing in it works.
    run(&["policy", "check", "--guest-memory", "128", &path])
        .assert_code(5)
        .assert_says("panicked or aborted");
}

/// Settings are what the user wrote, so they are a matter of the command line.
#[test]
fn check_also_checks_settings() {
    let policy = kept_policy().display().to_string();
    let good = run(&[
        "policy",
        "check",
        &format!(r#"{policy}={{"label":"owner"}}"#),
    ]);
    good.assert_code(0);
    good.assert_prints("owned-images 0.1.0 can run here, and accepts these settings");
    for (settings, message) in [
        (r#"{"lable":"owner"}"#, "/lable"),
        (r#"{"label":"#, "are no JSON"),
        ("@/no/such/file.json", "cannot be read"),
        ("3", "settings are a JSON object"),
    ] {
        let outcome = run(&["policy", "check", &format!("{policy}={settings}")]);
        outcome.assert_code(2).assert_says(message);
    }
}
