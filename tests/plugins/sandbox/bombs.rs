//! Components that are hard to compile or to start, and files that are not components.

use std::fs;
use std::time::Duration;

use regcarve_test_support::binary::{Outcome, Runs as _};
use regcarve_test_support::bombs;
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::programs::program;

use super::case::COMPONENT;
use super::storages::{two_storages, with_own_cache};

fn check(fixture: &Fixture, bytes: &[u8], flags: &[&str]) -> Outcome {
    let path = fixture.path("bomb.wasm");
    fs::write(&path, bytes).unwrap();
    let outcome = with_own_cache(fixture)
        .args(["policy", "check", "--no-cache"])
        .args(flags)
        .arg(path)
        .outcome();
    outcome.assert_no_panic();
    outcome
}

/// Whatever a compiler makes of these, it gets no more time and memory for it than it is given.
#[test]
fn compiling_is_limited_in_time_and_memory() {
    const TIME: u64 = 2;
    const MEMORY: u64 = 512;
    let _alone = super::super::alone();
    let fixture = two_storages();
    let friend = fs::read(program("policy-sleep")).unwrap();
    let mut stopped = Vec::new();
    for (what, module) in bombs::modules() {
        let component = bombs::with_module(&friend, &module);
        assert!(
            component.len() < 16 << 20,
            "{what}: {} bytes",
            component.len()
        );
        let (time, memory) = (TIME.to_string(), MEMORY.to_string());
        let outcome = check(
            &fixture,
            &component,
            &["--compile-time", &time, "--compile-memory", &memory],
        );
        match outcome.code {
            0 => {}
            _ => {
                outcome.assert_code(COMPONENT);
                let limit = outcome
                    .stderr
                    .contains("was stopped: compiling it takes more than");
                let refused = outcome.stderr.contains("is not a valid component");
                assert!(limit || refused, "{what}\n{}", outcome.everything());
                stopped.extend(limit.then_some(what));
            }
        }
        println!(
            "{what}: {} after {:?}, {} MiB",
            outcome.code,
            outcome.took,
            outcome.peak >> 20
        );
        let late = Duration::from_secs(TIME) + Duration::from_secs(3);
        assert!(outcome.took < late, "{what} took {:?}", outcome.took);
        assert!(
            outcome.peak >> 20 < MEMORY + 256,
            "{what} took {} MiB",
            outcome.peak >> 20
        );
    }
    assert!(
        !stopped.is_empty(),
        "no module is hard enough to prove anything"
    );
}

#[test]
fn the_number_of_instances_is_limited() {
    let fixture = two_storages();
    let friend = fs::read(program("policy-sleep")).unwrap();
    check(&fixture, &bombs::with_instances(&friend, 10), &[]).assert_code(0);
    let many = bombs::with_instances(&friend, 100);
    check(&fixture, &many, &[])
        .assert_code(COMPONENT)
        .assert_says("it is made of more than 64 instances")
        .assert_says("--guest-instances raises this limit");
    check(&fixture, &many, &["--guest-instances", "200"]).assert_code(0);
}

#[test]
fn a_component_file_that_is_too_long_is_not_read() {
    let fixture = two_storages();
    let path = fixture.path("long.wasm");
    fs::File::create(&path)
        .unwrap()
        .set_len((128 << 20) + 1)
        .unwrap();
    let run = |flags: &[&str]| {
        with_own_cache(&fixture)
            .args(["policy", "check"])
            .args(flags)
            .arg(&path)
            .outcome()
    };
    let outcome = run(&[]);
    outcome
        .assert_code(COMPONENT)
        .assert_says("134217728 are allowed")
        .assert_says("--component-size raises this limit");
    assert!(outcome.peak < 64 << 20, "{}", outcome.everything());
    run(&["--component-size", "1"])
        .assert_code(COMPONENT)
        .assert_says("1048576 are allowed");
}

#[test]
fn a_file_that_is_not_a_component_is_refused_by_name() {
    let fixture = two_storages();
    let good = fs::read(program("policy-sleep")).unwrap();
    let engine_code = b"\x7fELF\x02\x01\x01".to_vec();
    let cases: [(Vec<u8>, &str); 7] = [
        (Vec::new(), "an empty file"),
        (b"(component)".to_vec(), "its text form"),
        (b"\0asm\x01\0\0\0".to_vec(), "a core module"),
        (b"\0asm".to_vec(), "is truncated"),
        (b"#!/bin/sh\n".to_vec(), "a script"),
        (engine_code, "a program for Linux"),
        (good[..good.len() / 2].to_vec(), "is truncated"),
    ];
    for (bytes, words) in cases {
        check(&fixture, &bytes, &[])
            .assert_code(COMPONENT)
            .assert_says(words);
    }
}
