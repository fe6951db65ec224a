//! The JSON report of a run.

use serde_json::Value;

use regcarve_test_support::fixture::registry;

use super::images::six_images;

#[test]
fn the_report_of_a_partial_run_names_every_image_and_count() {
    let fixture = six_images();
    let list = fixture.write(
        "release.list",
        "library/alpine:3.6\nteam/app:v1\nteam/tool:*\nteam/none:v1\n",
    );
    let deny = r#"match={"deny":["**:*-snapshot"]}"#;
    let outcome = fixture.carve(&["--allow-missing", "--policy", deny, "--list", &list]);
    let report = outcome.assert_code(0).report();

    assert_eq!(report["schema"], "1.1.0");
    assert_eq!(report["outcome"], "partial");
    assert_eq!(report["source"], fixture.source());
    assert_eq!(report["outputs"][0]["output"], registry(&fixture.output()));

    let images = outcome.listed("images", "reference");
    assert_eq!(
        images,
        [
            "library/alpine:3.6",
            "team/app:v1",
            "team/tool:v1",
            "team/tool:v2"
        ]
    );
    assert_eq!(
        outcome.listed("images", "from"),
        [1, 2, 3, 3].map(|line| format!("{list}:{line}"))
    );
    let alpine = &report["images"][0];
    assert_eq!(alpine["digest"], fixture.made.alpine.as_str());
    assert_eq!(alpine["platforms"], Value::Array(Vec::new()));
    assert!(alpine["bytes"].as_u64().unwrap() > 0);
    assert_eq!(
        report["images"][1]["platforms"],
        serde_json::json!(["linux/amd64", "linux/arm64"])
    );

    let dropped = &report["dropped"][0];
    assert_eq!(dropped["reference"], "team/tool:v1-snapshot");
    assert_eq!(dropped["policy"], "match");
    assert_eq!(dropped["reason"], "denied by `**:*-snapshot`");
    let missing = &report["missing"][0];
    assert_eq!(missing["reference"], "team/none:v1");
    assert_eq!(missing["from"], format!("{list}:4"));
    assert!(missing["cause"].is_string());

    let totals = &report["totals"];
    assert_eq!(totals["images"], 4);
    // Three images of a manifest and a config, an index with two more; six different layers.
    assert_eq!(totals["blobs"], 3 * 2 + 1 + 2 * 2 + 5);
    assert_eq!(totals["linked"], totals["blobs"]);
    assert_eq!([&totals["reflinked"], &totals["copied"]], [0, 0]);
    assert!(totals["written"].as_u64().unwrap() > 0 && totals["bytes"].as_u64().unwrap() > 0);
    for stage in [
        "start", "requests", "resolve", "decide", "carve", "publish", "total",
    ] {
        assert!(report["timing_ms"][stage].is_number(), "{stage}");
    }
    let mut roles = outcome.listed("components", "role");
    roles.sort();
    assert_eq!(roles, ["policy", "reader", "selector", "writer"]);
    for digest in outcome.listed("components", "sha256") {
        assert!(
            digest.starts_with("sha256:") && digest.len() == 71,
            "{digest}"
        );
    }
}

/// A run that fails before there is a plan still says so in its report, and that nothing was published.
#[test]
fn a_failed_run_leaves_a_report() {
    let fixture = six_images();
    let outcome = fixture.refuse(2, &["--list", "/no/such.list"]);
    let report = outcome.report();
    assert_eq!(report["outcome"], "failed");
    assert_eq!(report["error"]["exit_code"], 2);
    assert!(
        report["error"]["message"]
            .as_str()
            .unwrap()
            .contains("/no/such.list")
    );
    assert_eq!(report["outputs"], Value::Array(Vec::new()));
}
