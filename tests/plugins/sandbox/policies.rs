//! Policies: what they compute, read, answer and say.

use regcarve_test_support::binary::Runs as _;
use regcarve_test_support::digest::Digest;
use regcarve_test_support::faults;
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::programs::program;
use serde_json::json;

use super::case::{COMPLETE, COMPONENT, Case, DAMAGED, MISSING, ONE_SECOND, hold};
use super::storages::{two_storages, with_own_cache};

const TIME: &[&str] = &["ran for more than 1 s", "--guest-time raises"];
const CALLS: &[&str] = &[
    "called the host more than 200000 times",
    "--guest-calls raises",
];
const DATA: &[&str] = &["handed more than 67108864 bytes", "--guest-data raises"];

/// The verdicts.
pub(crate) const CASES: &[Case] = &[
    Case::new(
        "policy-bad-name",
        COMPONENT,
        &["an invalid answer", "the new name"],
    ),
    Case::new(
        "policy-bad-rewrite",
        COMPONENT,
        &["an invalid answer", "rewriting team/app:v1"],
    ),
    Case::new("policy-call-flood", COMPONENT, CALLS),
    Case::new("policy-empty-world", COMPLETE, &["3 images dropped"]).with(&["--allow-missing"]),
    Case::new(
        "policy-escapes",
        COMPONENT,
        &["failed: team/tool: \\u{1b}[2J\\u{1b}]0;title"],
    ),
    Case::new(
        "policy-foreign-digest",
        COMPONENT,
        &[" failed: ", "belongs to none of the images in this call"],
    ),
    Case::new("policy-giant-list", COMPONENT, DATA),
    Case::new("policy-giant-string", COMPONENT, DATA),
    Case::new(
        "policy-handles",
        COMPONENT,
        &["holds more than 1000 handles"],
    ),
    Case::new("policy-ignores-damage", COMPLETE, &[]),
    Case::new(
        "policy-imports-source",
        COMPONENT,
        &[
            "asks for more than a policy is given",
            "regcarve:plugin/source@0.1.0",
        ],
    ),
    Case::new(
        "policy-imports-unknown",
        COMPONENT,
        &["asks for more than a policy is given", "local:power/shell"],
    ),
    Case::new("policy-layer", COMPONENT, &[" failed: ", "is a layer"]),
    Case::new(
        "policy-log-flood",
        COMPLETE,
        &[
            "its log is full; the rest is left out",
            "(the line above is cut)",
        ],
    )
    .with(&["--guest-calls", "2000000"]),
    Case::new(
        "policy-long-error",
        COMPONENT,
        &["failed: team/app: the end is near\\u{a}", "bytes more)"],
    ),
    Case::new(
        "policy-long-manifest",
        COMPONENT,
        &["an invalid answer", "4194304 are allowed"],
    ),
    Case::new("policy-long-reasons", MISSING, &["bytes more)"]),
    Case::new("policy-loop", COMPONENT, TIME).with(ONE_SECOND),
    Case::new("policy-loop-at-start", COMPONENT, TIME).with(ONE_SECOND),
    Case::new("policy-loop-in-configure", COMPONENT, TIME).with(ONE_SECOND),
    Case::new("policy-loop-in-describe", COMPLETE, &[]),
    Case::new(
        "policy-memory",
        COMPONENT,
        &[
            "bytes of memory; 268435456 are allowed",
            "--guest-memory raises",
        ],
    ),
    Case::new(
        "policy-panic",
        COMPONENT,
        &["the rule has a hole", "it panicked or aborted"],
    ),
    Case::new("policy-recursion", COMPONENT, &["endless recursion?"]),
    Case::new("policy-sleep", COMPLETE, &[]),
    Case::new("policy-rename", COMPLETE, &[]).with(&["--image", "team/app:*"]),
    Case::new("policy-stack", COMPONENT, &["its stack is used up"]),
    Case::new(
        "policy-table-growth",
        COMPONENT,
        &["tables of", "200000 are allowed", "--guest-tables raises"],
    ),
    Case::new(
        "policy-too-few",
        COMPONENT,
        &["an invalid answer", "1 decisions on 2 images"],
    ),
    Case::new("policy-wait", COMPONENT, CALLS),
    Case::new("policy-wasi-flood", COMPONENT, CALLS),
];

fn invite(fixture: &Fixture, path: &str) -> Vec<String> {
    let policy = ["--policy", path].map(str::to_owned);
    let places = [
        fixture.spec("registry:source"),
        fixture.spec("registry:output"),
    ];
    policy.into_iter().chain(places).collect()
}

#[test]
fn hostile_policies_are_stopped() {
    hold(CASES, &["--image", "team/*:*"], invite);
}

/// A run does not call `describe`; these commands do.
#[test]
fn an_endless_describe_is_stopped() {
    let fixture = two_storages();
    let policy = program("policy-loop-in-describe");
    for command in ["inspect", "check"] {
        let mut run = with_own_cache(&fixture);
        run.args(["policy", command]).args(ONE_SECOND).arg(&policy);
        let outcome = run.outcome();
        outcome.assert_code(COMPONENT);
        for words in TIME {
            outcome.assert_says(words);
        }
    }
}

/// The config is of the right length, so that only the policy makes the host read it.
#[test]
fn a_policy_cannot_keep_an_image_whose_config_is_damaged() {
    let fixture = two_storages();
    let config = json!({ "os": "linux", "architecture": "amd64" }).to_string();
    let config = Digest::of(config.as_bytes());
    faults::flip(&fixture.storage.blob_path(&config));
    let policy = program("policy-ignores-damage");
    let plan = |more: &[&str]| {
        let mut plan = with_own_cache(&fixture);
        plan.args(["plan", "--image", "team/app:*", "--policy"])
            .arg(&policy)
            .args(more)
            .arg(fixture.spec("registry:source"));
        plan.outcome()
    };
    let outcome = plan(&[]);
    outcome.assert_code(DAMAGED);
    for words in ["team/app:v1", "team/app:v2", config.hex()] {
        outcome.assert_says(words);
    }
    // What is dropped is not needed.
    plan(&["--policy", r#"match={"deny":["**"]}"#, "--allow-missing"]).assert_code(COMPLETE);
}
